/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/warrant.h"
#include "rt/config.h"

static bool in_force(const struct rt *rt, const struct config_warrant *w)
{
    int32_t today = (int32_t)(env_unix_us(rt->env) / 86400000000ull);
    return rt->evidence && w->from <= today && today <= w->until;
}

const struct config_warrant *warrant_of_subject(const struct rt *rt, struct str supi)
{
    const struct config_trust *c = &rt->config->trust;
    for (uint32_t i = 0; i < c->n_warrants; i++)
        if (str_eq(c->warrants[i].supi, supi) && in_force(rt, &c->warrants[i]))
            return &c->warrants[i];
    return NULL;
}

bool warrant_names(const struct rt *rt, struct str supi)
{
    const struct config_trust *c = &rt->config->trust;
    for (uint32_t i = 0; rt->evidence && i < c->n_warrants; i++)
        if (str_eq(c->warrants[i].supi, supi))
            return true;
    return false;
}

const struct config_warrant *warrant_of_delivery(const struct rt *rt, const struct pfcp_outer_header_creation *h)
{
    const struct config_trust *c = &rt->config->trust;
    for (uint32_t i = 0; i < c->n_warrants; i++) {
        const struct config_warrant *w = &c->warrants[i];
        bool v4 = w->delivery.family == 4;
        if (h->flags == (v4 ? PFCP_OHC_GTPU_IPV4 : PFCP_OHC_GTPU_IPV6) && h->teid == w->teid &&
            !memcmp(v4 ? h->ipv4 : h->ipv6, w->delivery.ip, v4 ? 4 : 16) && in_force(rt, w))
            return w;
    }
    return NULL;
}

/* ---- User ID ---- */
enum { IMSI_MAX = 15, FILLER = 15 };
static const struct str IMSI = {"imsi-", 5};

bool warrant_user_id(struct str supi, uint8_t to[8], struct pfcp_user_id *out)
{
    struct str digits = supi;
    *out = (struct pfcp_user_id){.flags = PFCP_USER_ID_SUPI, .supi = supi};
    if (supi.n <= IMSI.n || memcmp(supi.p, IMSI.p, IMSI.n))
        return supi.n > 0;
    digits.p += IMSI.n;
    digits.n -= IMSI.n;
    if (digits.n > IMSI_MAX)
        return false;
    for (uint32_t i = 0; i < digits.n; i++) {
        uint8_t d = (uint8_t)(digits.p[i] - '0');
        if (d > 9)
            return false;
        to[i / 2] = i & 1 ? (uint8_t)(to[i / 2] & 15) | (uint8_t)(d << 4) : (uint8_t)(d | FILLER << 4);
    }
    *out = (struct pfcp_user_id){.flags = PFCP_USER_ID_IMSI, .imsi = {(const char *)to, (digits.n + 1) / 2}};
    return true;
}

bool user_id_is(const struct pfcp_user_id *u, struct str supi)
{
    uint8_t octets[8];
    struct pfcp_user_id wanted;
    if (!warrant_user_id(supi, octets, &wanted) || !(u->flags & wanted.flags))
        return false;
    struct str a = wanted.flags == PFCP_USER_ID_IMSI ? wanted.imsi : wanted.supi,
               b = wanted.flags == PFCP_USER_ID_IMSI ? u->imsi : u->supi;
    return str_eq(a, b);
}
