/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sbi_text.h"
#include "base/plmn.h"

bool sbi_plmn_put(struct arena *a, const uint8_t plmn[3], struct sbi_PlmnId *out)
{
    char mcc[4], mnc[4];
    if (!plmn_text(plmn, mcc, mnc))
        return false;
    out->mcc = arena_str(a, str_of(mcc));
    out->mnc = arena_str(a, str_of(mnc));
    return out->mcc.p && out->mnc.p;
}

bool sbi_snssai_put(struct arena *a, uint8_t sst, bool has_sd, const uint8_t sd[3], struct sbi_Snssai *out)
{
    out->sst = sst;
    out->has.sd = has_sd;
    if (has_sd)
        out->sd = arena_printf(a, "%06x", be24(sd));
    return !has_sd || out->sd.p;
}

/* ---- BitRate: ^\d+(\.\d+)? (bps|Kbps|Mbps|Gbps|Tbps)$ ---- */
static const struct {
    const char *name;
    uint64_t bps;
} units[] = {{"bps", 1}, {"Kbps", 1000}, {"Mbps", 1000000}, {"Gbps", 1000000000}, {"Tbps", 1000000000000}};
#define BIT_RATE_MAX 4000000000000 /* TS 38.413 9.3.1.4 */

bool sbi_bit_rate_get(struct str t, uint64_t *bps)
{
    uint64_t whole = 0, part = 0, scale = 1;
    uint32_t i = 0, digits = 0;
    bool fraction = false;
    for (; i < t.n && t.p[i] != ' '; i++) {
        if (t.p[i] == '.' && !fraction && digits) {
            fraction = true;
            continue;
        }
        if (t.p[i] < '0' || t.p[i] > '9' || whole > 1000000000000000)
            return false;
        digits++;
        if (!fraction) {
            whole = 10 * whole + (uint64_t)(t.p[i] - '0');
        } else if (scale < 1000000) {
            part = 10 * part + (uint64_t)(t.p[i] - '0');
            scale *= 10;
        }
    }
    if (!digits || i + 1 >= t.n)
        return false;
    struct str unit = {t.p + i + 1, t.n - i - 1};
    for (unsigned u = 0; u < ARRAY_LEN(units); u++) {
        if (str_is(unit, units[u].name)) {
            if (whole > BIT_RATE_MAX / units[u].bps) {
                *bps = BIT_RATE_MAX;
                return true;
            }
            *bps = whole * units[u].bps + part * units[u].bps / scale;
            return true;
        }
    }
    return false;
}

struct str sbi_bit_rate_put(struct arena *a, uint64_t bps)
{
    unsigned u = 0;
    while (u + 1 < ARRAY_LEN(units) && bps >= units[u + 1].bps && bps % units[u + 1].bps == 0)
        u++;
    return arena_printf(a, "%llu %s", (unsigned long long)(bps / units[u].bps), units[u].name);
}

struct str sbi_uri_id(struct str uri)
{
    uint32_t i = uri.n;
    while (i && uri.p[i - 1] != '/')
        i--;
    return i ? (struct str){uri.p + i, uri.n - i} : uri;
}
