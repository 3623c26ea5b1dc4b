/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - from a UE's address to its session: pools by array, the rest by hash; and from a
 * tunnel's far end, for error indications. */
#include "dp/state.h"
#include <stdlib.h>

int index_init(struct dp *dp)
{
    const struct dp_config *c = &dp->config;
    map_init(&dp->framed, c->secret1, c->secret0);
    map_init(&dp->mac, c->secret0, ~c->secret1);
    for (unsigned i = 0; i < DP_INSTANCES; i++) {
        map_init(&dp->v4[i], c->secret0 ^ i, c->secret1);
        map_init(&dp->v6[i], c->secret0, c->secret1 ^ ~(uint64_t)i);
    }
    for (unsigned i = 0; i < c->pools; i++) {
        uint32_t hosts = c->pool[i].bits == 32 ? 0 : UINT32_MAX >> c->pool[i].bits;
        dp->pool[i] = (struct pool){c->pool[i].instance, be32(c->pool[i].ip) & ~hosts, ~hosts,
                                    calloc((size_t)hosts + 1, sizeof(uint32_t))};
        if (!dp->pool[i].cell)
            return ERR_NOSPACE;
    }
    return OK;
}

void index_free(struct dp *dp)
{
    places_free(&dp->remote);
    map_free(&dp->framed);
    map_free(&dp->mac);
    for (unsigned i = 0; i < DP_INSTANCES; i++) {
        map_free(&dp->v4[i]);
        map_free(&dp->v6[i]);
        free(dp->lan[i].member);
        free(dp->lan[i].of_member);
    }
    for (unsigned i = 0; i < DP_POOLS; i++)
        free(dp->pool[i].cell);
}

uint32_t *index_cell(struct dp *dp, uint16_t instance, uint32_t ip)
{
    for (unsigned i = 0; i < dp->config.pools; i++) {
        struct pool *p = &dp->pool[i];
        if ((ip & p->mask) == p->base && p->instance == instance)
            return &p->cell[ip & ~p->mask];
    }
    return NULL;
}

static struct session *session_of_address(struct dp *dp, uint16_t instance, uint8_t family, const uint8_t *ip)
{
    if (family == 6)
        return map_count(&dp->v6[instance]) ? map_get_u64(&dp->v6[instance], be64(ip)) : NULL;
    uint32_t *cell = index_cell(dp, instance, be32(ip));
    if (cell)
        return *cell ? &dp->session[*cell - 1] : NULL;
    return map_count(&dp->v4[instance]) ? map_get_u64(&dp->v4[instance], be32(ip)) : NULL;
}

struct session *session_of_ue(struct dp *dp, uint16_t instance, uint8_t family, const uint8_t *ip)
{
    struct session *s = session_of_address(dp, instance, family, ip);
    return s || !map_count(&dp->framed) ? s : session_of_framed(dp, instance, family, ip);
}

static void v4_set(struct dp *dp, uint16_t instance, const uint8_t *ip, struct session *s)
{
    uint32_t *cell = index_cell(dp, instance, be32(ip));
    if (cell)
        *cell = s ? session_index(dp, s) + 1 : 0;
    else if (!s)
        map_del_u64(&dp->v4[instance], be32(ip));
}

static uint32_t remote_hash(const struct dp *dp, uint32_t teid, const struct rule_addr *peer)
{
    uint8_t key[21] = {peer->family};
    put_be32(key + 1, teid);
    memcpy(key + 5, peer->ip, peer->family == 4 ? 4 : 16);
    return (uint32_t)siphash24(dp->config.secret1, dp->config.secret0, key, sizeof key);
}

static bool sends_to(const struct session *s, uint32_t teid, const struct rule_addr *peer)
{
    for (unsigned i = 0; s->r && i < s->r->far_n; i++)
        if (s->r->far[i].teid == teid && addr_eq(&s->r->far[i].peer, peer))
            return true;
    return false;
}

struct session *session_of_remote(struct dp *dp, uint32_t teid, const struct rule_addr *peer)
{
    uint32_t step = 0, hash = remote_hash(dp, teid, peer);
    for (uint32_t at; (at = places_next(&dp->remote, hash, &step)) != PLACES_NONE;)
        if (sends_to(&dp->session[at], teid, peer))
            return &dp->session[at];
    return NULL;
}

/* A tunnel end is of one session, the last that named it: however many rules name it, none makes the others dear. Without
 * memory an error indication only fails to name its session. */
static void remote_put(struct dp *dp, const struct session *s, const struct far *f)
{
    uint32_t step = 0, hash = remote_hash(dp, f->teid, &f->peer), own = session_index(dp, s);
    for (uint32_t at; (at = places_next(&dp->remote, hash, &step)) != PLACES_NONE;) {
        if (at == own)
            return;
        if (sends_to(&dp->session[at], f->teid, &f->peer)) {
            places_del(&dp->remote, hash, at);
            break;
        }
    }
    places_put(&dp->remote, hash, own);
}

static void remotes_replace(struct dp *dp, struct session *s, const struct dp_rules *old,
                            const struct dp_rules *new)
{
    for (unsigned i = 0; old && i < old->far_n; i++) {
        const struct far *f = &old->far[i];
        if (f->peer.family)
            places_del(&dp->remote, remote_hash(dp, f->teid, &f->peer), session_index(dp, s));
    }
    for (unsigned i = 0; new &&i < new->far_n; i++) {
        const struct far *f = &new->far[i];
        if (f->peer.family)
            remote_put(dp, s, f);
    }
}

int index_replace(struct dp *dp, struct session *s, const struct dp_rules *old,
                  const struct dp_rules *new)
{
    bool v4 = new &&new->has_ipv4, v6 = new &&new->has_ipv6;
    struct session *at4 = v4 ? session_of_address(dp, new->instance, 4, new->ipv4) : NULL;
    struct session *at6 = v6 ? session_of_address(dp, new->instance, 6, new->ipv6_prefix) : NULL;
    if ((at4 && at4 != s) || (at6 && at6 != s) || (new && !framed_free(dp, s, new)))
        return ERR_EXISTS;
    bool hashed = v4 && !at4 && !index_cell(dp, new->instance, be32(new->ipv4));
    if (hashed && map_put_u64(&dp->v4[new->instance], be32(new->ipv4), s))
        return ERR_NOSPACE;
    if (v6 && !at6 && map_put_u64(&dp->v6[new->instance], be64(new->ipv6_prefix), s)) {
        if (hashed)
            map_del_u64(&dp->v4[new->instance], be32(new->ipv4));
        return ERR_NOSPACE;
    }
    if (((new && new->framed_n) || (old && old->framed_n)) && framed_replace(dp, s, old, new) < 0) {
        if (hashed)
            map_del_u64(&dp->v4[new->instance], be32(new->ipv4));
        if (v6 && !at6)
            map_del_u64(&dp->v6[new->instance], be64(new->ipv6_prefix));
        return ERR_NOSPACE;
    }
    if (v4)
        v4_set(dp, new->instance, new->ipv4, s);
    bool moved = old && (!new || new->instance != old->instance);
    if (old && old->has_ipv4 && (moved || !v4 || memcmp(old->ipv4, new->ipv4, 4)))
        v4_set(dp, old->instance, old->ipv4, NULL);
    if (old && old->has_ipv6 && (moved || !v6 || memcmp(old->ipv6_prefix, new->ipv6_prefix, 8)))
        map_del_u64(&dp->v6[old->instance], be64(old->ipv6_prefix));
    remotes_replace(dp, s, old, new);
    return OK;
}
