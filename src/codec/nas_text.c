/* SPDX-License-Identifier: Apache-2.0 */
/* nas_text.c - between the values of IEs and what people and other interfaces say: seconds, kbit/s,
 * digits, names. */
#include <stdio.h>
#include "base/format.h"
#include "base/plmn.h"
#include "codec/nas_kind.h"

/* ---- SUPI ---- */

/* Decimal digits of swapped BCD up to a filler; negative when it has no room or another value is
 * there. */
static int digits_of(struct bytes bcd, char *to, size_t cap)
{
    size_t n = 0;
    for (uint32_t i = 0; i < 2 * bcd.n; i++) {
        uint8_t digit = (uint8_t)(bcd.p[i / 2] >> (i & 1 ? 4 : 0)) & 15;
        if (digit == 15 && i == 2 * bcd.n - 1)
            break;
        if (digit > 9)
            return ERR_SYNTAX;
        if (n + 1 >= cap)
            return ERR_NOSPACE;
        to[n++] = (char)('0' + digit);
    }
    to[n] = 0;
    return (int)n;
}

int nas_suci_supi(const struct nas_suci *suci, char *to, size_t cap)
{
    char mcc[4], mnc[4], msin[16];
    if (suci->supi_format != 0 || suci->scheme != 0)
        return ERR_UNSUPPORTED;
    if (!plmn_text(suci->plmn, mcc, mnc))
        return ERR_SYNTAX;
    int err = digits_of(suci->output, msin, sizeof msin);
    if (err < 0)
        return err == ERR_NOSPACE ? ERR_SYNTAX : err;
    int n = snprintf(to, cap, "imsi-%s%s%s", mcc, mnc, msin);
    return n < 0 || (size_t)n >= cap ? ERR_NOSPACE : n;
}

/* The value of `key` in the dotted user part of a NAI, TS 23.003 28.7.3. */
static struct str nai_part(struct str user, const char *key)
{
    size_t n = strlen(key);
    for (uint32_t i = 0; i + n <= user.n; i++) {
        if ((i && user.p[i - 1] != '.') || memcmp(user.p + i, key, n) != 0)
            continue;
        uint32_t end = i + (uint32_t)n;
        bool to_the_end = strcmp(key, "userid") == 0;
        while (end < user.n && (to_the_end || user.p[end] != '.'))
            end++;
        return (struct str){user.p + i + n, end - i - (uint32_t)n};
    }
    return (struct str){NULL, 0};
}

static int nai_suci_text(const struct nas_suci *suci, char *to, size_t cap)
{
    struct str nai = {(const char *)suci->output.p, suci->output.n}, user = nai, realm = {NULL, 0};
    for (uint32_t i = 0; i < nai.n; i++) {
        if (nai.p[i] <= ' ' || nai.p[i] >= 0x7f)
            return ERR_SYNTAX;
        if (nai.p[i] == '@') {
            user.n = i;
            realm = (struct str){nai.p + i + 1, nai.n - i - 1};
        }
    }
    struct str routing = nai_part(user, "rid"), scheme = nai_part(user, "schid"),
               key = nai_part(user, "hnkey");
    if (!routing.n || !scheme.n || !realm.n)
        return ERR_SYNTAX;
    struct str a = nai_part(user, "userid"), b = STR(""), c = STR("");
    if (!str_is(scheme, "0")) {
        a = nai_part(user, "ecckey");
        b = nai_part(user, "cip");
        c = nai_part(user, "mac");
    }
    int n = snprintf(
        to, cap, "suci-%u-" STR_FMT "-" STR_FMT "-" STR_FMT "-" STR_FMT "-" STR_FMT STR_FMT STR_FMT,
        suci->supi_format, STR_ARG(realm), STR_ARG(routing), STR_ARG(scheme),
        STR_ARG(key.n ? key : STR("0")), STR_ARG(a), STR_ARG(b), STR_ARG(c));
    return n < 0 || (size_t)n >= cap ? ERR_NOSPACE : n;
}

int nas_suci_text(const struct nas_suci *suci, char *to, size_t cap)
{
    char mcc[4], mnc[4];
    if (suci->supi_format != 0)
        return nai_suci_text(suci, to, cap);
    if (!plmn_text(suci->plmn, mcc, mnc))
        return ERR_SYNTAX;
    int n = format_put(to, cap, "suci-0-%s-%s-%s-%x-%u-", mcc, mnc,
                       suci->routing[0] ? suci->routing : "0", suci->scheme, suci->key_id);
    if (n < 0 || (size_t)n >= cap)
        return ERR_NOSPACE;
    if (suci->scheme == 0) {
        int digits = digits_of(suci->output, to + n, cap - (size_t)n);
        return digits < 0 ? digits : n + digits;
    }
    if (2u * (size_t)suci->output.n + 1 > cap - (size_t)n)
        return ERR_NOSPACE;
    hex_put(to + n, suci->output.p, suci->output.n);
    return n + 2 * (int)suci->output.n;
}

int nas_suci_of_imsi(struct nas_suci *to, struct str imsi, unsigned mnc_digits, const char *routing,
                     struct arena *arena)
{
    char mcc[4] = {0}, mnc[4] = {0};
    if (imsi.n < 3 + mnc_digits + 1 || imsi.n > 15 || mnc_digits < 2 || mnc_digits > 3 ||
        strlen(routing) > 4)
        return ERR_RANGE;
    memset(to, 0, sizeof *to);
    memcpy(mcc, imsi.p, 3);
    memcpy(mnc, imsi.p + 3, mnc_digits);
    if (!plmn_of(to->plmn, mcc, mnc))
        return ERR_RANGE;
    memcpy(to->routing, routing, strlen(routing));
    struct str msin = {imsi.p + 3 + mnc_digits, imsi.n - 3 - mnc_digits};
    uint8_t *bcd = arena_take(arena, (msin.n + 1) / 2);
    if (!bcd)
        return ERR_NOSPACE;
    memset(bcd, 0xff, (msin.n + 1) / 2);
    for (uint32_t i = 0; i < msin.n; i++) {
        if (msin.p[i] < '0' || msin.p[i] > '9')
            return ERR_RANGE;
        unsigned digit = (unsigned)(msin.p[i] - '0');
        bcd[i / 2] = (uint8_t)(i & 1 ? (bcd[i / 2] & 0x0f) | digit << 4 : 0xf0 | digit);
    }
    to->output = (struct bytes){bcd, (msin.n + 1) / 2};
    return OK;
}

/* ---- timers ---- */

static uint8_t timer_of(const uint32_t *unit, unsigned units, uint32_t s)
{
    uint64_t best = UINT64_MAX;
    uint8_t octet = 0;
    if (s == UINT32_MAX)
        return 7 << 5;
    for (unsigned u = 0; u < units; u++) {
        uint64_t value = ((uint64_t)s + unit[u] - 1) / unit[u], total = value * unit[u];
        if (value <= 31 && total < best) {
            best = total;
            octet = (uint8_t)(u << 5 | (unsigned)value);
        }
    }
    if (best == UINT64_MAX) { /* longer than can be said: the longest */
        unsigned longest = 0;
        for (unsigned u = 1; u < units; u++)
            longest = unit[u] > unit[longest] ? u : longest;
        octet = (uint8_t)(longest << 5 | 31);
    }
    return octet;
}
static const uint32_t timer_unit[] = {2, 60, 360};
static const uint32_t timer3_unit[] = {600, 3600, 36000, 2, 30, 60, 1152000};

uint32_t nas_timer_s(uint8_t octet)
{
    unsigned unit = octet >> 5;
    return unit == 7 ? UINT32_MAX : (octet & 31u) * timer_unit[unit < 3 ? unit : 1];
}
uint8_t nas_timer_of(uint32_t s)
{
    return timer_of(timer_unit, ARRAY_LEN(timer_unit), s);
}
uint32_t nas_timer3_s(uint8_t octet)
{
    unsigned unit = octet >> 5;
    return unit == 7 ? UINT32_MAX : (octet & 31u) * timer3_unit[unit];
}
uint8_t nas_timer3_of(uint32_t s)
{
    return timer_of(timer3_unit, ARRAY_LEN(timer3_unit), s);
}

/* ---- rates: units 1 to 25 are 1, 4, 16, 64, 256 times kbit/s, Mbit/s ... Pbit/s ---- */

static uint64_t rate_unit(unsigned unit)
{
    uint64_t kbps = 1ull << 2 * ((unit - 1) % 5);
    for (unsigned i = 0; i < (unit - 1) / 5; i++)
        kbps *= 1000;
    return kbps;
}
uint64_t nas_rate_kbps(struct nas_rate rate)
{
    return rate.unit == 0 ? 0 : rate.value * rate_unit(rate.unit > 25 ? 25 : rate.unit);
}
struct nas_rate nas_rate_of_kbps(uint64_t kbps)
{
    struct nas_rate above = {0, 0};
    for (unsigned u = 1; u <= 25; u++) {
        uint64_t unit = rate_unit(u), value = kbps / unit;
        if (value > UINT16_MAX || (value == UINT16_MAX && kbps % unit))
            continue;
        if (kbps % unit == 0)
            return (struct nas_rate){(uint8_t)u, (uint16_t)value};
        if (!above.unit)
            above = (struct nas_rate){(uint8_t)u, (uint16_t)(value + 1)};
    }
    return above.unit ? above : (struct nas_rate){25, UINT16_MAX};
}

/* ---- time 9.11.3.53: TS 23.040 9.2.3.11, swapped BCD ---- */

static int bcd_get(uint8_t octet)
{
    return (octet & 15) > 9 || octet >> 4 > 9 ? -1 : (octet & 15) * 10 + (octet >> 4);
}
static uint8_t bcd_of(int64_t two)
{
    return (uint8_t)(two % 10 << 4 | two / 10);
}
/* Days from 1970-01-01 of a Gregorian date, and back. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400,
            doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
static void date_of(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
    days += 719468;
    int64_t era = days / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = yoe + era * 400 + (*m <= 2);
}

uint8_t nas_zone_octet(int zone)
{
    int quarters = zone < 0 ? -zone : zone;
    return (uint8_t)(bcd_of(quarters % 80) | (zone < 0 ? 8 : 0));
}

int nas_get_time(struct rd *r, void *value, struct arena *arena)
{
    struct nas_time *t = value;
    int f[6];
    for (unsigned i = 0; i < 6; i++)
        if ((f[i] = bcd_get(rd_u8(r))) < 0)
            return ERR_SYNTAX;
    uint8_t octet = rd_u8(r);
    int zone = bcd_get(octet & 0xf7);
    if (r->bad || zone < 0 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > 31 || f[3] > 23 ||
        f[4] > 59 || f[5] > 59)
        return ERR_SYNTAX;
    t->unix_s = ((days_of(2000 + f[0], f[1], f[2]) * 24 + f[3]) * 60 + f[4]) * 60 + f[5];
    t->zone = (int8_t)(octet & 8 ? -zone : zone);
    return OK;
}
int nas_put_time(struct wr *w, const void *value)
{
    const struct nas_time *t = value;
    int64_t y, m, d, s = t->unix_s % 86400;
    if (t->unix_s < 946684800 || t->unix_s >= 4102444800 || t->zone > 79 || t->zone < -79)
        return ERR_RANGE;
    date_of(t->unix_s / 86400, &y, &m, &d);
    const int64_t f[6] = {y - 2000, m, d, s / 3600, s / 60 % 60, s % 60};
    for (unsigned i = 0; i < 6; i++)
        wr_u8(w, bcd_of(f[i]));
    wr_u8(w, nas_zone_octet(t->zone));
    return OK;
}

/* ---- network name 9.11.3.35: GSM 7 bit default alphabet, the part of it that is ASCII ---- */

static uint8_t gsm7_of(char c)
{
    if (c == '@')
        return 0;
    if (c == '$')
        return 2;
    if (c == '_')
        return 0x11;
    bool same = (c >= ' ' && c < '[' && c != '`') || (c >= 'a' && c <= 'z');
    return same ? (uint8_t)c : '?';
}
static char gsm7_char(uint8_t septet)
{
    if (septet == 0)
        return '@';
    if (septet == 2)
        return '$';
    if (septet == 0x11)
        return '_';
    bool same = (septet >= ' ' && septet < '[' && septet != '@' && septet != '$') ||
                (septet >= 'a' && septet <= 'z');
    return same ? (char)septet : '?';
}

struct bytes nas_network_name_of(struct str text, struct arena *arena)
{
    uint32_t bits = text.n * 7, n = (bits + 7) / 8;
    uint8_t *p = text.n && text.n <= 200 ? arena_zero(arena, n + 1) : NULL;
    if (!p)
        return (struct bytes){NULL, 0};
    p[0] = (uint8_t)(0x80 | (n * 8 - bits)); /* default alphabet, spare bits of the last octet */
    for (uint32_t i = 0; i < text.n; i++) {
        unsigned at = i * 7, wide = (unsigned)gsm7_of(text.p[i]) << (at & 7);
        p[1 + at / 8] |= (uint8_t)wide;
        if ((at & 7) > 1)
            p[2 + at / 8] |= (uint8_t)(wide >> 8);
    }
    return (struct bytes){p, n + 1};
}

int nas_network_name_text(struct bytes name, char *to, size_t cap)
{
    if (name.n < 1 || (name.p[0] >> 4 & 7) != 0)
        return ERR_UNSUPPORTED;
    uint32_t bits = (name.n - 1) * 8, spare = name.p[0] & 7,
             n = bits < spare ? 0 : (bits - spare) / 7;
    if (n >= cap)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        unsigned at = i * 7, wide = name.p[1 + at / 8];
        if ((at & 7) > 1)
            wide |= (unsigned)name.p[2 + at / 8] << 8;
        to[i] = gsm7_char((uint8_t)(wide >> (at & 7) & 127));
    }
    to[n] = 0;
    return (int)n;
}
