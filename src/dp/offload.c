/* SPDX-License-Identifier: Apache-2.0 */
/* offload.c - see offload.h. Where a session stands, in `at`: its packets are here (UP), here but
 * it waits for the last of them to arrive (WAITS), or in the kernel (FAST). */
#include "dp/offload.h"
#include "dp/offload_compile.h"
#include "dp/state.h"
#include <stdlib.h>

static const uint64_t LOST_US = 20000;  /* a packet that has not arrived by then will not */
static const uint64_t GRACE_US = 10000; /* no CPU is still in a block that was left so long ago */

enum { UP, WAITS, FAST };
struct mirror { /* of a session: what this process knows of its maps */
    uint64_t octets[XDP_BLOCK_PDRS], packets[XDP_BLOCK_PDRS]; /* taken so far */
    int64_t limit[XDP_METERS];                                /* what the kernel's should be */
    uint64_t touched_us;
    uint64_t arrived; /* packets handed up that came, in the state's count */
    uint32_t gen, next;
    uint8_t at, limits, pdr_n, limit_of[XDP_BLOCK_PDRS][XDP_PDR_METERS];
    uint8_t urr_of[XDP_METERS], kind_of[XDP_METERS];
    bool good, listed;
};
struct left { /* a block that was left */
    uint32_t block;
    uint64_t at_us;
};
struct offload {
    struct dp *dp;
    struct offload_maps maps;
    struct xdp_config config;
    uint32_t session_octets, block_octets;
    struct mirror **mirror; /* by session; NULL: never seen */
    uint32_t listed_first;  /* sessions to look at: 1 + index */
    uint32_t waiting, fast, blocks_used;
    uint8_t *left_over; /* a bit for each session of an earlier process that goes on */
    uint32_t left_over_n;
    uint32_t *free_blocks, free_n;
    struct left *left; /* a ring of blocks_max */
    uint32_t left_first, left_n;
};

static struct xdp_session *record(const struct offload *o, uint32_t i)
{
    return (struct xdp_session *)(void *)(o->maps.sessions + (size_t)i * o->session_octets);
}
static struct xdp_block *block_at(const struct offload *o, uint32_t i)
{
    return (struct xdp_block *)(void *)(o->maps.blocks + (size_t)i * o->block_octets);
}
static uint64_t state_load(const struct xdp_session *k)
{
    return __atomic_load_n(&k->state, __ATOMIC_ACQUIRE);
}

static void list_it(struct offload *o, uint32_t i)
{
    struct mirror *m = o->mirror[i];
    if (m->listed)
        return;
    m->listed = true;
    m->next = o->listed_first;
    o->listed_first = i + 1;
}

/* ---- blocks ---- */
static void blocks_return(struct offload *o)
{
    while (o->left_n && o->dp->now_us - o->left[o->left_first].at_us >= GRACE_US) {
        o->free_blocks[o->free_n++] = o->left[o->left_first].block;
        o->left_first = (o->left_first + 1) % o->maps.blocks_max;
        o->left_n--;
    }
}
static bool block_take(struct offload *o, uint32_t *block)
{
    blocks_return(o);
    if (!o->free_n)
        return false;
    *block = o->free_blocks[--o->free_n];
    o->blocks_used++;
    memset(block_at(o, *block), 0, o->block_octets);
    return true;
}
static void block_leave(struct offload *o, uint32_t block)
{
    o->left[(o->left_first + o->left_n++) % o->maps.blocks_max] =
        (struct left){block, o->dp->now_us};
    o->blocks_used--;
}

/* ---- what the kernel counted ---- */
struct total {
    uint64_t octets, packets, last_ns;
};
static void counted(const struct offload *o, const struct xdp_session *k, uint32_t block,
                    unsigned i, struct total *t)
{
    *t = (struct total){0};
    for (uint32_t c = 0; c < o->maps.cpus; c++) {
        const struct xdp_block_use *b = block ? &block_at(o, block - 1)->use[c] : NULL;
        const struct xdp_use *u = &k->use[c];
        uint64_t last =
            __atomic_load_n(b ? &b->counted_ns[i] : &u->counted_ns[i], __ATOMIC_RELAXED);
        t->octets += __atomic_load_n(b ? &b->octets[i] : &u->octets[i], __ATOMIC_RELAXED);
        t->packets += __atomic_load_n(b ? &b->packets[i] : &u->packets[i], __ATOMIC_RELAXED);
        t->last_ns = last > t->last_ns ? last : t->last_ns;
    }
}

static uint64_t last_ns(const struct offload *o, const struct xdp_session *k)
{
    uint64_t last = 0;
    for (uint32_t c = 0; c < o->maps.cpus; c++) {
        uint64_t at = __atomic_load_n(&k->use[c].last_ns, __ATOMIC_RELAXED);
        last = at > last ? at : last;
    }
    return last;
}

/* Into the URRs of the session's rules, which are those that the kernel has. */
static void harvest(struct offload *o, struct session *s)
{
    uint32_t index = session_index(o->dp, s);
    struct mirror *m = o->mirror[index];
    struct xdp_session *k = record(o, index);
    if (!m || !m->good)
        return;
    uint32_t block = k->block[state_load(k) & XDP_AREA ? 1 : 0];
    uint64_t last_us = last_ns(o, k) / 1000;
    for (unsigned i = 0; i < m->pdr_n; i++) {
        struct total t;
        counted(o, k, block, i, &t);
        uint64_t more = t.octets - m->octets[i];
        if (t.packets == m->packets[i])
            continue;
        usage_add(o->dp, s, &s->r->pdr[i], more, t.packets - m->packets[i], t.last_ns / 1000);
        for (unsigned l = 0; l < XDP_PDR_METERS; l++)
            if (m->limit_of[i][l])
                m->limit[m->limit_of[i][l] - 1] -= (int64_t)more;
        m->octets[i] = t.octets;
        m->packets[i] = t.packets;
    }
    if (last_us > s->last_us)
        s->last_us = last_us > o->dp->now_us ? o->dp->now_us : last_us;
}

/* ---- limits ---- */
static void limits_renew(struct offload *o, struct session *s)
{
    uint32_t index = session_index(o->dp, s);
    struct mirror *m = o->mirror[index];
    struct xdp_session *k = record(o, index);
    for (unsigned i = 0; i < m->limits; i++) {
        int64_t want = limit_wanted(&s->r->urr[m->urr_of[i]], m->kind_of[i]);
        if (want == m->limit[i])
            continue;
        __atomic_fetch_add(&k->limit[i], want - m->limit[i], __ATOMIC_RELAXED);
        m->limit[i] = want;
    }
}

/* ---- UE addresses ---- */
static uint32_t *cell_of(const struct offload *o, uint16_t instance, uint32_t ip)
{
    for (uint32_t i = 0; i < o->config.pools; i++) {
        const struct xdp_pool *p = &o->config.pool[i];
        if ((ip & p->mask) == p->base && p->instance == instance)
            return &o->maps.ue_cells[p->first + (ip & ~p->mask)];
    }
    return NULL;
}

static bool is_left_over(const struct offload *o, uint32_t i)
{
    return o->left_over_n && i < o->dp->config.sessions_max && o->left_over[i / 8] >> i % 8 & 1;
}
static void left_over_end(struct offload *o, uint32_t index);

/* An address of session `index` comes or goes. A session of an earlier process that still has it ends. */
static void other_put(struct offload *o, const struct xdp_ue_key *key, uint32_t index, bool comes)
{
    uint32_t was = o->maps.ue_other_at(o->maps.ctx, key);
    if (comes && was && is_left_over(o, was - 1)) {
        left_over_end(o, was - 1);
        was = 0;
    }
    if (!comes && was != index + 1)
        return; /* it is another's by now */
    if (o->maps.ue_other(o->maps.ctx, key, comes ? index + 1 : 0) == OK && key->family == 4 && !was == comes)
        __atomic_fetch_add(&o->maps.shared->others4, comes ? 1 : -1ull, __ATOMIC_RELAXED);
}

static void cell_put(struct offload *o, uint32_t *cell, uint32_t index, bool comes)
{
    if (comes && *cell && is_left_over(o, *cell - 1))
        left_over_end(o, *cell - 1);
    if (comes || *cell == index + 1)
        __atomic_store_n(cell, comes ? index + 1 : 0, __ATOMIC_RELEASE);
}

static void ue_put(struct offload *o, const struct dp_rules *r, uint32_t index, bool comes)
{
    struct xdp_ue_key key = {0};
    if (r->has_ipv4) {
        uint32_t *cell = cell_of(o, r->instance, be32(r->ipv4)), ip;
        memcpy(&ip, r->ipv4, 4);
        key = (struct xdp_ue_key){ip, 4};
        if (cell)
            cell_put(o, cell, index, comes);
        else
            other_put(o, &key, index, comes);
    }
    if (r->has_ipv6) {
        key.family = 6;
        memcpy(&key.ip, r->ipv6_prefix, 8);
        other_put(o, &key, index, comes);
    }
}

static bool same_addresses(const struct dp_rules *a, const struct dp_rules *b)
{
    return a && b && a->instance == b->instance && a->has_ipv4 == b->has_ipv4 &&
           a->has_ipv6 == b->has_ipv6 && !memcmp(a->ipv4, b->ipv4, 4) &&
           !memcmp(a->ipv6_prefix, b->ipv6_prefix, 8);
}

/* ---- a session's packets, here and there ---- */
static void go_up(struct offload *o, uint32_t index)
{
    struct mirror *m = o->mirror[index];
    struct xdp_session *k = record(o, index);
    uint64_t was = __atomic_fetch_and(&k->state, ~XDP_FAST, __ATOMIC_ACQ_REL);
    if (was & XDP_FAST)
        m->arrived = was / XDP_PASSED;
    if (m->at == FAST)
        o->fast--;
    if (m->at == WAITS)
        o->waiting--;
    m->at = UP;
}

static void buckets_share(struct compiled *c, struct dp_rules *r, struct xdp_session *k)
{
    for (unsigned b = 0; b < c->buckets; b++) {
        struct qer *q = &r->qer[c->bucket_of[b] / 2];
        unsigned d = c->bucket_of[b] % 2;
        k->bucket[b] = q->free_at[d].own;
        q->free_at[d].shared = (uint64_t *)&k->bucket[b];
        q->is_shared[d] = true;
    }
}
static void buckets_unshare(struct dp_rules *r)
{
    for (unsigned i = 0; i < r->qer_n; i++)
        for (unsigned d = 0; d < 2; d++)
            if (r->qer[i].is_shared[d]) {
                r->qer[i].free_at[d].own = *r->qer[i].free_at[d].shared;
                r->qer[i].is_shared[d] = false;
            }
}

/* Rules into the area, or the block, that is not in force. False: not for the kernel. */
static bool compile(struct offload *o, uint32_t index, struct session *s)
{
    struct mirror *m = o->mirror[index];
    struct xdp_session *k = record(o, index), head;
    struct compiled c = {.r = s->r, .routed = o->config.routed, .check_peer = o->dp->config.check_peer};
    unsigned area = state_load(k) & XDP_AREA ? 0 : 1; /* the other one */
    uint32_t block = 0;
    struct xdp_pdr pdr[XDP_PDRS];
    if (s->r->pdr_n > XDP_BLOCK_PDRS || !head_compile(&c, &head))
        return false;
    if (rules_are_small(s->r)) {
        for (unsigned i = 0; i < s->r->pdr_n; i++)
            if (!pdr_compile(&c, &s->r->pdr[i], &pdr[i]))
                return false;
    } else {
        if (!block_take(o, &block))
            return false;
        if (!block_compile(&c, block_at(o, block))) {
            block_leave(o, block);
            return false;
        }
        block++;
    }
    uint32_t before = k->block[!area];
    m->pdr_n = s->r->pdr_n;
    m->limits = c.limits;
    memcpy(m->urr_of, c.urr_of, sizeof m->urr_of);
    memcpy(m->kind_of, c.kind_of, sizeof m->kind_of);
    for (unsigned i = 0; i < m->pdr_n; i++) {
        const struct xdp_pdr *p = block ? &block_at(o, block - 1)->pdr[i] : &pdr[i];
        memcpy(m->limit_of[i], p->limit, sizeof p->limit);
        struct total t;
        counted(o, k, block, i, &t);
        m->octets[i] = t.octets;
        m->packets[i] = t.packets;
    }
    memcpy(k->teid, head.teid, sizeof k->teid);
    k->ipv4 = head.ipv4;
    k->ipv6_prefix = head.ipv6_prefix;
    k->instance = head.instance;
    k->flags = head.flags;
    memcpy(k->peer_ip, head.peer_ip, sizeof k->peer_ip);
    if (!block)
        memcpy(k->pdr[area], pdr, sizeof pdr);
    k->pdr_n[area] = block ? 0 : s->r->pdr_n;
    k->block[area] = block;
    k->block[!area] = 0;
    buckets_share(&c, s->r, k);
    for (unsigned i = 0; i < m->limits; i++)
        k->limit[i] = m->limit[i] = limit_wanted(&s->r->urr[m->urr_of[i]], m->kind_of[i]);
    __atomic_fetch_xor(&k->state, XDP_AREA, __ATOMIC_RELEASE);
    if (before)
        block_leave(o, before - 1);
    return true;
}

static void forget(struct offload *o, uint32_t index)
{
    struct xdp_session *k = record(o, index);
    memset(k->teid, 0, sizeof k->teid);
    k->flags = 0;
    for (unsigned a = 0; a < 2; a++) {
        if (k->block[a])
            block_leave(o, k->block[a] - 1);
        k->block[a] = 0;
        k->pdr_n[a] = 0;
    }
}

/* Compiles the session's rules anew; its packets come here until they may move. */
static void renew(struct offload *o, uint32_t index, struct session *s)
{
    struct mirror *m = o->mirror[index];
    go_up(o, index);
    buckets_unshare(s->r);
    m->good = compile(o, index, s);
    if (!m->good)
        forget(o, index);
    m->touched_us = o->dp->now_us;
    list_it(o, index);
}

static void refresh(void *ctx, struct session *s, bool leave)
{
    struct offload *o = ctx;
    uint32_t index = session_index(o->dp, s);
    if (leave && o->mirror[index]) {
        go_up(o, index);
        list_it(o, index);
    }
    harvest(o, s);
}

static void changed(void *ctx, struct session *s, const struct dp_rules *old)
{
    struct offload *o = ctx;
    uint32_t index = session_index(o->dp, s);
    struct mirror *m = o->mirror[index];
    if (is_left_over(o, index))
        left_over_end(o, index);
    if (!m && !(m = o->mirror[index] = calloc(1, sizeof *m)))
        return; /* it stays here */
    if (!old)
        m->arrived = state_load(record(o, index)) / XDP_PASSED;
    bool moved = !same_addresses(old, s->r);
    go_up(o, index);
    if (moved && old)
        ue_put(o, old, index, false);
    if (!s->r) {
        forget(o, index);
        m->good = false;
        return;
    }
    renew(o, index, s);
    if (moved)
        ue_put(o, s->r, index, true);
}

/* Of an earlier process: its packets are handed up, its addresses are free. */
static void left_over_end(struct offload *o, uint32_t index)
{
    struct xdp_session *k = record(o, index);
    struct dp_rules old = {.instance = k->instance,
                           .has_ipv4 = k->flags & XDP_SESSION_V4,
                           .has_ipv6 = k->flags & XDP_SESSION_V6};
    o->left_over[index / 8] &= (uint8_t)~(1u << index % 8);
    o->left_over_n--;
    __atomic_fetch_and(&k->state, ~XDP_FAST, __ATOMIC_ACQ_REL);
    memcpy(old.ipv4, &k->ipv4, 4);
    memcpy(old.ipv6_prefix, &k->ipv6_prefix, 8);
    ue_put(o, &old, index, false);
    forget(o, index);
}

uint32_t offload_forget(struct offload *o)
{
    uint32_t n = o->left_over_n;
    for (uint32_t i = 0; o->left_over_n && i < o->dp->config.sessions_max; i++)
        if (is_left_over(o, i))
            left_over_end(o, i);
    return n;
}

/* A block has one owner, also if what is found says otherwise. */
static bool block_claim(const struct offload *o, uint8_t *taken, uint32_t block)
{
    uint8_t bit = (uint8_t)(1u << (block - 1) % 8);
    if (!block || block > o->maps.blocks_max || taken[(block - 1) / 8] & bit)
        return false;
    taken[(block - 1) / 8] |= bit;
    return true;
}

/* What the maps hold already. */
static void left_overs_find(struct offload *o)
{
    uint8_t *taken = calloc(o->maps.blocks_max / 8 + 1u, 1);
    for (uint32_t i = 0; taken && i < o->dp->config.sessions_max; i++) {
        struct xdp_session *k = record(o, i);
        if (!k->flags)
            continue;
        o->left_over[i / 8] |= (uint8_t)(1u << i % 8);
        o->left_over_n++;
        for (unsigned a = 0; a < 2; a++)
            if (k->block[a] && !block_claim(o, taken, k->block[a])) {
                k->block[a] = 0;
                k->pdr_n[a] = 0;
            }
    }
    for (uint32_t i = o->maps.blocks_max; taken && i; i--) {
        if (taken[(i - 1) / 8] >> (i - 1) % 8 & 1)
            o->blocks_used++;
        else
            o->free_blocks[o->free_n++] = i - 1;
    }
    free(taken);
}

static void touched(void *ctx, struct session *s, unsigned packets)
{
    struct offload *o = ctx;
    uint32_t index = session_index(o->dp, s);
    struct mirror *m = o->mirror[index];
    if (!m)
        return;
    if (m->at != FAST)
        m->arrived += packets;
    harvest(o, s); /* before it is judged by what has been used */
    m->touched_us = o->dp->now_us;
    list_it(o, index);
}

static enum dp_where where(void *ctx, const struct session *s)
{
    const struct offload *o = ctx;
    const struct mirror *m = o->mirror[session_index(o->dp, s)];
    return m && m->good ? m->at == FAST ? DP_WHERE_KERNEL : DP_WHERE_HERE : DP_WHERE_NOT_FOR_KERNEL;
}

/* Something in the rules' compiled form depends on what has happened since. */
static bool is_stale(const struct offload *o, uint32_t index, const struct session *s)
{
    const struct mirror *m = o->mirror[index];
    const struct xdp_session *k = record(o, index);
    unsigned area = state_load(k) & XDP_AREA ? 1 : 0;
    for (unsigned i = 0; i < m->pdr_n; i++) {
        const struct pdr *p = &s->r->pdr[i];
        const struct xdp_pdr *x =
            k->block[area] ? &block_at(o, k->block[area] - 1)->pdr[i] : &k->pdr[area][i];
        bool out = false;
        for (unsigned u = 0; u < p->urr_n; u++)
            out |= s->r->urr[p->urr[u]].usage.exhausted;
        if (out != ((x->flags & XDP_PDR_QUOTA) != 0))
            return true;
    }
    return false;
}

static void settle_one(struct offload *o, uint32_t index, bool idle)
{
    struct mirror *m = o->mirror[index];
    struct session *s = &o->dp->session[index];
    struct xdp_session *k = record(o, index);
    if (!s->r || !m->good)
        return;
    harvest(o, s);
    if (is_stale(o, index, s))
        renew(o, index, s);
    if (!m->good)
        return;
    limits_renew(o, s);
    if (s->held_n || s->inactive || s->trace_left) { /* the next packet must be seen here */
        go_up(o, index);
        return;
    }
    if (m->at == FAST)
        return;
    __typeof__(k->state) was = state_load(k);
    bool arrived = (int64_t)(m->arrived - was / XDP_PASSED) >= 0 ||
                   (idle && o->dp->now_us - m->touched_us >= LOST_US);
    if (arrived && __atomic_compare_exchange_n(&k->state, &was, was | XDP_FAST, false,
                                               __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        o->waiting -= m->at == WAITS;
        o->fast++;
        m->at = FAST;
        return;
    }
    o->waiting += m->at != WAITS;
    m->at = WAITS;
    list_it(o, index);
}

void offload_settle(struct offload *o, uint64_t now_us, bool idle)
{
    dp_clock(o->dp, now_us);
    uint32_t at = o->listed_first;
    o->listed_first = 0;
    while (at) {
        uint32_t index = at - 1;
        struct mirror *m = o->mirror[index];
        at = m->next;
        m->listed = false;
        settle_one(o, index, idle);
    }
}

uint64_t offload_next_us(const struct offload *o)
{
    return o->waiting ? o->dp->now_us + 1000 : UINT64_MAX;
}

void offload_counters(const struct offload *o, uint64_t to[DP_COUNTERS])
{
    for (uint32_t c = 0; c < o->maps.cpus; c++)
        for (unsigned i = 0; i < DP_COUNTERS; i++)
            to[i] += __atomic_load_n(&o->maps.counters[c * XDP_COUNTERS + i], __ATOMIC_RELAXED);
}

struct offload_numbers offload_numbers(const struct offload *o)
{
    return (struct offload_numbers){dp_session_count(o->dp), o->fast, o->blocks_used, o->left_over_n};
}

/* ---- life ---- */
void offload_config(const struct dp_config *c, uint32_t cpus, uint64_t routed,
                    struct xdp_config *to, uint32_t *cells)
{
    *to = (struct xdp_config){.sessions_max = c->sessions_max,
                              .teid_mask = dp_teid_mask(c->sessions_max),
                              .cpus = cpus,
                              .pools = c->pools,
                              .has_v6 = c->local_v6.family == 6,
                              .ue_to_ue = c->ue_to_ue,
                              .nested = c->nested,
                              .version = XDP_VERSION << 6 | DP_COUNTERS, /* a row more moves those behind it */
                              .inner_mtu = c->inner_mtu,
                              .routed = routed};
    if (c->local_v4.family)
        memcpy(&to->n3_v4, c->local_v4.ip, 4);
    memcpy(to->n3_v6, c->local_v6.ip, 16);
    *cells = 0;
    for (unsigned i = 0; i < c->pools; i++) {
        uint32_t hosts = c->pool[i].bits == 32 ? 0 : UINT32_MAX >> c->pool[i].bits;
        to->pool[i] =
            (struct xdp_pool){be32(c->pool[i].ip) & ~hosts, ~hosts, *cells, c->pool[i].instance};
        *cells += hosts + 1;
    }
    *cells += !*cells;
}

struct offload *offload_new(struct dp *dp, const struct offload_maps *maps,
                            const struct xdp_config *config)
{
    struct offload *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->dp = dp;
    o->maps = *maps;
    o->config = *config;
    o->session_octets = offload_session_octets(maps->cpus);
    o->block_octets = offload_block_octets(maps->cpus);
    o->mirror = calloc(dp->config.sessions_max, sizeof *o->mirror);
    o->free_blocks = calloc(maps->blocks_max + 1u, sizeof *o->free_blocks);
    o->left = calloc(maps->blocks_max + 1u, sizeof *o->left);
    o->left_over = calloc(dp->config.sessions_max / 8 + 1u, 1);
    if (!o->mirror || !o->free_blocks || !o->left || !o->left_over) {
        offload_free(o);
        return NULL;
    }
    left_overs_find(o);
    dp->offload = (struct offload_hooks){o, refresh, changed, touched, where};
    return o;
}

void offload_free(struct offload *o)
{
    if (!o)
        return;
    for (uint32_t i = 0; o->mirror && i < o->dp->config.sessions_max; i++) {
        struct session *s = &o->dp->session[i];
        if (o->mirror[i] && s->r) {
            go_up(o, i);
            harvest(o, s);
            buckets_unshare(s->r);
            forget(o, i);
        }
        free(o->mirror[i]);
    }
    if (o->dp)
        o->dp->offload = (struct offload_hooks){0};
    free(o->mirror);
    free(o->free_blocks);
    free(o->left);
    free(o->left_over);
    free(o);
}
