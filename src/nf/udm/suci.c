/* SPDX-License-Identifier: Apache-2.0 */
/* From SUCI to SUPI: TS 33.501 6.12.5. Everything that is cheap to refuse is refused before the key agreement. */
#include "nf/udm/udm.h"
#include "base/log.h"
#include "rt/config.h"
#include "rt/metrics.h"

enum { WINDOW_US = 1000000 };

static enum udm_reveal refuse(struct udm *u, struct udm_refusal *why, int status, const char *cause, const char *detail)
{
    *why = (struct udm_refusal){status, cause, detail};
    u->suci_refused++;
    metric_add(u->rt->metrics, METRIC_suci_failed, 1);
    LOG(u->rt->log, suci_refused, "cause=%s reason=%s", cause, detail);
    return UDM_REFUSED; /* 0: also false */
}

static bool hn_key_of(const struct udm *u, const struct suci *s, struct hn_key **key)
{
    for (uint32_t i = 0; i < u->n_hn; i++)
        if (u->hn[i].id == s->key_id && u->hn[i].scheme == (enum suci_scheme)s->scheme) {
            *key = u->hn[i].key;
            return true;
        }
    return false;
}
/* False identities cost a key agreement each; what they may cost in a second is bounded. */
static bool flooded(struct udm *u)
{
    if (u->rt->now_us - u->refusals_from_us >= WINDOW_US) {
        u->refusals_from_us = u->rt->now_us;
        u->refusals = 0;
    }
    return u->refusals >= UDM_REFUSALS_PER_S;
}

static void tag_of(const struct udm *u, struct str text, uint64_t tag[2])
{
    tag[0] = siphash24(u->secret[0], u->secret[1], text.p, text.n);
    tag[1] = siphash24(u->secret[2], u->secret[3], text.p, text.n);
}
static enum udm_reveal counted(struct udm *u)
{
    u->suci_ok++;
    metric_add(u->rt->metrics, METRIC_suci_ok, 1);
    return UDM_REVEALED_NOW;
}

bool udm_revealed(struct udm *u, struct str text, const struct key_answer *r, char supi[UDM_IMSI_TEXT], struct udm_refusal *why)
{
    uint64_t tag[2];
    if (r->error == ERR_IO)
        return refuse(u, why, 503, "SYSTEM_FAILURE", "the process that holds the keys does not answer");
    if (r->error < 0) {
        u->refusals++;
        return refuse(u, why, 403, "INVALID_SCHEME_OUTPUT", err_text(r->error));
    }
    tag_of(u, text, tag);
    struct udm_revealed *known = &u->revealed[tag[0] % UDM_REVEALED];
    known->tag[0] = tag[0];
    known->tag[1] = tag[1];
    memcpy(known->supi, r->supi, UDM_IMSI_TEXT);
    memcpy(supi, r->supi, UDM_IMSI_TEXT);
    counted(u);
    return true;
}

static enum udm_reveal reveal_concealed(struct udm *u, struct str text, const struct suci *s, char supi[UDM_IMSI_TEXT],
                                        struct udm_refusal *why)
{
    uint64_t tag[2];
    struct hn_key *key;
    tag_of(u, text, tag);
    struct udm_revealed *known = &u->revealed[tag[0] % UDM_REVEALED];
    if (known->supi[0] && known->tag[0] == tag[0] && known->tag[1] == tag[1]) {
        memcpy(supi, known->supi, UDM_IMSI_TEXT);
        return counted(u);
    }
    if (!hn_key_of(u, s, &key))
        return refuse(u, why, 403, "INVALID_HN_PUBLIC_KEY_IDENTIFIER", "no such home network key");
    if (flooded(u))
        return refuse(u, why, 503, "NF_CONGESTION", "too many false identities in this second");
    if (!key)
        return UDM_ASK;
    struct key_answer r = {0};
    int n = suci_reveal(u->rt->crypto, key, s, r.supi, sizeof r.supi);
    r.error = n < 0 ? n : OK;
    return udm_revealed(u, text, &r, supi, why) ? UDM_REVEALED_NOW : UDM_REFUSED;
}

enum udm_reveal udm_reveal(struct udm *u, struct str text, char supi[UDM_IMSI_TEXT], struct udm_refusal *why)
{
    struct suci s;
    memset(supi, 0, UDM_IMSI_TEXT);
    if (udm_imsi(text)) {
        str_copy(supi, UDM_IMSI_TEXT, text);
        return UDM_REVEALED_NOW;
    }
    if (suci_parse(text, &s) < 0)
        return refuse(u, why, 404, "USER_NOT_FOUND", "neither an IMSI nor a SUCI");
    if (s.type != 0 || !udm_is_home(u, s.mcc, s.mnc))
        return refuse(u, why, 404, "USER_NOT_FOUND", "not a subscriber of this network");
    if (s.scheme > SUCI_PROFILE_B)
        return refuse(u, why, 501, "UNSUPPORTED_PROTECTION_SCHEME", "protection scheme is not known");
    if (s.scheme != SUCI_NULL)
        return reveal_concealed(u, text, &s, supi, why);
    if (!u->rt->config->udm.suci_null_allowed)
        return refuse(u, why, 403, "AUTHENTICATION_REJECTED", "the null scheme is not allowed");
    if (suci_reveal(u->rt->crypto, NULL, &s, supi, UDM_IMSI_TEXT) < 0)
        return refuse(u, why, 403, "INVALID_SCHEME_OUTPUT", "not an IMSI");
    return counted(u);
}
