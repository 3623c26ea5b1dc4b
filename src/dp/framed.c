/* SPDX-License-Identifier: Apache-2.0 */
/* framed.c - framed routes, TS 29.244 5.16 and TS 23.501 5.6.14: networks behind a UE, found by their longest prefix
 * when no UE has the address itself. A look-up tries the lengths that there are; without any it is one comparison. */
#include "dp/state.h"

void rule_framed_make(struct rule_framed *f, uint16_t instance, uint8_t family, uint8_t bits, const uint8_t *ip)
{
    *f = (struct rule_framed){{(uint8_t)(instance >> 8), (uint8_t)instance, family, bits}};
    unsigned whole = bits / 8, rest = bits % 8;
    memcpy(f->key + 4, ip, whole);
    if (rest)
        f->key[4 + whole] = ip[whole] & (uint8_t)(0xff00 >> rest);
}

int rule_framed_collect(struct rule_framed to[RULE_FRAMED], uint16_t instance, const struct rule_pdr *pdr, unsigned pdr_n)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pdr_n; i++)
        for (unsigned k = 0; k < pdr[i].framed_n; k++) {
            const struct rule_prefix *p = &pdr[i].framed[k];
            struct rule_framed f;
            unsigned at = 0;
            if ((p->family != 4 && p->family != 6) || !p->bits || p->bits > (p->family == 4 ? 32 : 128))
                return -1;
            rule_framed_make(&f, instance, p->family, p->bits, p->ip);
            while (at < n && memcmp(&to[at], &f, sizeof f))
                at++;
            if (at == RULE_FRAMED)
                return -1;
            to[at] = f;
            n += at == n;
        }
    return (int)n;
}

static bool covers(const struct rule_framed *f, uint8_t family, const uint8_t *ip)
{
    unsigned bits = rule_framed_bits(f), whole = bits / 8, rest = bits % 8;
    return f->key[2] == family && !memcmp(f->key + 4, ip, whole) &&
           (!rest || !((f->key[4 + whole] ^ ip[whole]) >> (8 - rest)));
}

bool framed_has(const struct dp_rules *r, uint8_t family, const uint8_t *ip)
{
    for (unsigned i = 0; i < r->framed_n; i++)
        if (covers(&r->framed[i], family, ip))
            return true;
    return false;
}

struct session *session_of_framed(struct dp *dp, uint16_t instance, uint8_t family, const uint8_t *ip)
{
    const uint32_t *of = dp->framed_of[family == 6];
    for (unsigned bits = family == 6 ? 128 : 32; bits; bits--) {
        struct rule_framed f;
        if (!of[bits])
            continue;
        rule_framed_make(&f, instance, family, (uint8_t)bits, ip);
        struct session *s = map_get(&dp->framed, BYTES_OF(f.key));
        if (s)
            return s;
    }
    return NULL;
}

static void leave(struct dp *dp, const struct session *s, const struct dp_rules *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (map_get(&dp->framed, BYTES_OF(r->framed[i].key)) == s) {
            map_del(&dp->framed, BYTES_OF(r->framed[i].key));
            dp->framed_of[r->framed[i].key[2] == 6][rule_framed_bits(&r->framed[i])]--;
        }
}

static int enter(struct dp *dp, struct session *s, const struct dp_rules *r)
{
    for (unsigned i = 0; r && i < r->framed_n; i++) {
        if (map_put(&dp->framed, BYTES_OF(r->framed[i].key), s)) {
            leave(dp, s, r, i);
            return ERR_NOSPACE;
        }
        dp->framed_of[r->framed[i].key[2] == 6][rule_framed_bits(&r->framed[i])]++;
    }
    return OK;
}

bool framed_free(const struct dp *dp, const struct session *s, const struct dp_rules *r)
{
    for (unsigned i = 0; i < r->framed_n; i++) {
        const struct session *at = map_get(&dp->framed, BYTES_OF(r->framed[i].key));
        if (at && at != s)
            return false;
    }
    return true;
}

int framed_replace(struct dp *dp, struct session *s, const struct dp_rules *old, const struct dp_rules *new)
{
    if (old)
        leave(dp, s, old, old->framed_n);
    int rc = enter(dp, s, new);
    if (rc < 0)
        enter(dp, s, old); /* there was room for them */
    return rc;
}
