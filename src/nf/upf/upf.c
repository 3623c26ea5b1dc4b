/* SPDX-License-Identifier: Apache-2.0 */
/* upf.c - the UPF's life, its associations, and whom requests are for. */
#include "nf/upf/state.h"
#include <stdlib.h>

enum { PATHS_MAX = 16384, NTP_TO_UNIX_S = 2208988800u };
static const uint64_t TICK_US = 1000000;

/* What is announced is there, TS 29.244 8.2.25: F-TEIDs chosen here, notification delay and packet
 * count of a BAR, end markers, numbers of packets, messages bundled in a datagram, framed routes, quotas that end with their time,
 * applications by packet flow descriptions, traffic endpoints. */
static const uint64_t FEATURES = PFCP_UP_FEATURE_FTUP | PFCP_UP_FEATURE_DDND |
                                 PFCP_UP_FEATURE_UDBC | PFCP_UP_FEATURE_EMPU |
                                 PFCP_UP_FEATURE_MNOP | PFCP_UP_FEATURE_BUNDL |
                                 PFCP_UP_FEATURE_FRRT | PFCP_UP_FEATURE_VTIME |
                                 PFCP_UP_FEATURE_PFDM | PFCP_UP_FEATURE_PDIU;

/* ---- sessions ---- */
/* SEID: the shard in the upper 4 bits, 28 bits of the generation, 8 of the time of our start, 24 of the index; never 0.
 * Of the start, since what an SMF sent before it may arrive after it, and would be for another session. */
uint64_t upf_seid(const struct upf *u, const struct upf_session *s)
{
    struct ref r = slab_ref(&u->sessions, s);
    return (uint64_t)(u->rt->shard & 15) << 60 | (uint64_t)(r.gen & 0xfffffff) << 32 |
           (u->pfcp.recovery & 0xff) << 24 | (r.i & 0xffffff);
}

struct upf_session *upf_session_of_seid(struct upf *u, uint64_t seid)
{
    struct upf_session *s = slab_at(&u->sessions, seid & 0xffffff);
    return s && upf_seid(u, s) == seid ? s : NULL;
}

static uint32_t ue4_hash(const struct upf *u, uint16_t instance, const uint8_t ip[4])
{
    uint8_t key[6];
    put_be16(key, instance);
    memcpy(key + 2, ip, 4);
    return (uint32_t)siphash24(u->secret[0], u->secret[1], key, sizeof key);
}
struct upf_session *upf_session_of_ue4(const struct upf *u, uint16_t instance, const uint8_t ip[4])
{
    uint32_t step = 0, hash = ue4_hash(u, instance, ip);
    for (uint32_t at; (at = places_next(&u->ue4, hash, &step)) != PLACES_NONE;) {
        struct upf_session *s = slab_at(&u->sessions, at);
        if (s && s->common.has_ipv4 && s->common.instance == instance && !memcmp(s->common.ipv4, ip, 4))
            return s;
    }
    return NULL;
}
bool upf_ue4_claim(struct upf *u, const struct upf_session *s, const struct upf_common *c)
{
    return upf_session_of_ue4(u, c->instance, c->ipv4) == s ||
           places_put(&u->ue4, ue4_hash(u, c->instance, c->ipv4), slab_index(&u->sessions, s));
}
void upf_ue4_release(struct upf *u, const struct upf_session *s, const struct upf_common *c)
{
    places_del(&u->ue4, ue4_hash(u, c->instance, c->ipv4), slab_index(&u->sessions, s));
}

static void addresses_release(struct upf *u, const struct upf_session *s)
{
    const struct upf_common *c = &s->common;
    routes_release(u, s);
    if (c->has_ipv4)
        upf_ue4_release(u, s, c);
    if (c->has_ipv6 && map_get_u64(&u->ue6[c->instance], be64(c->ipv6_prefix)) == s)
        map_del_u64(&u->ue6[c->instance], be64(c->ipv6_prefix));
}

static uint32_t cp_hash(const struct upf *u, const struct upf_session *s)
{
    uint8_t key[8 + sizeof s->cp.ip];
    put_be64(key, s->cp_seid);
    memcpy(key + 8, s->cp.ip, sizeof s->cp.ip);
    return (uint32_t)siphash24(u->secret[0], ~u->secret[1], key, sizeof key);
}
/* Which one of the same SMF has the same F-SEID; NULL: none. An F-SEID's address is the SMF's word, and may be another one's. */
static struct upf_session *session_of_cp(const struct upf *u, const struct upf_session *like)
{
    uint32_t step = 0, hash = cp_hash(u, like);
    for (uint32_t at; (at = places_next(&u->by_cp, hash, &step)) != PLACES_NONE;) {
        struct upf_session *s = slab_at(&u->sessions, at);
        if (s && s != like && s->assoc == like->assoc && s->cp_seid == like->cp_seid &&
            !memcmp(s->cp.ip, like->cp.ip, sizeof s->cp.ip))
            return s;
    }
    return NULL;
}
/* Before its F-SEID changes. */
void upf_session_unname(struct upf *u, const struct upf_session *s)
{
    places_del(&u->by_cp, cp_hash(u, s), slab_index(&u->sessions, s));
}
int upf_session_name(struct upf *u, struct upf_session *s)
{
    struct upf_session *other = session_of_cp(u, s);
    if (other && !other->going)
        upf_session_end(u, other, true);
    else if (other)
        upf_session_unname(u, other);
    return places_put(&u->by_cp, cp_hash(u, s), slab_index(&u->sessions, s)) ? OK : ERR_NOSPACE;
}

void upf_session_end(struct upf *u, struct upf_session *s, bool drop)
{
    struct ref at = slab_ref(&u->sessions, s);
    struct dp_command c = {.kind = DP_DROP, .session = at.i, .gen = at.gen};
    if (drop)
        user_plane_command(u->up, &c);
    while (!list_empty(&s->pending)) {
        struct upf_pending *p = CONTAINER(s->pending.next, struct upf_pending, link);
        pfcp_refuse(&u->pfcp, p->answer, 0, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0);
        pending_drop(u, p);
    }
    traces_session_ended(u, s);
    copies_end(u, s, "the session ends");
    addresses_release(u, s);
    upf_session_unname(u, s);
    const struct upf_rules *rules = upf_rules(u, s);
    paths_use(u, NULL, rules);
    apps_use(u, NULL, rules);
    free(s->rules);
    u->going -= s->going;
    slab_drop(&u->sessions, s);
    metric_set(u->rt->metrics, METRIC_upf_sessions, u->sessions.used - u->going);
}

void upf_sessions_end(struct upf *u, const struct pfcp_assoc *of)
{
    uint32_t i = 0;
    for (struct upf_session *s; (s = slab_next(&u->sessions, &i));)
        if (!of || s->assoc == of)
            upf_session_end(u, s, true);
    apps_drop(u, of);
}

uint32_t upf_ntp(const struct upf *u, uint64_t at_us)
{
    uint64_t now = u->rt->now_us, unix_us = env_unix_us(u->rt->env);
    uint64_t ago = now > at_us ? now - at_us : 0;
    return (uint32_t)((unix_us > ago ? unix_us - ago : 0) / 1000000 + NTP_TO_UNIX_S);
}

/* ---- associations ---- */
static bool peer_permitted(const struct upf *u, const struct net_addr *peer)
{
    const struct config_upf *c = &u->rt->config->upf; /* as of the last reload */
    for (uint32_t i = 0; i < c->n_n4_peers; i++)
        if (addr_same_host(&c->n4_peers[i], peer))
            return true;
    return !c->n_n4_peers;
}

static uint8_t on_setup(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    struct upf *u = ctx;
    char peer[NET_ADDR_TEXT];
    (void)n;
    if (peer_permitted(u, &in->from))
        return upf_trust_ask(u, in);
    LOG(u->rt->log, pfcp_stranger, "peer=%s", addr_text(&in->from, peer));
    metric_add(u->rt->metrics, METRIC_pfcp_bad, 1);
    upf_sessions_end(u, in->assoc); /* the association goes with the refusal */
    return PFCP_CAUSE_REQUEST_REJECTED;
}

static void on_event(void *ctx, struct pfcp_node *n, struct pfcp_assoc *a, enum pfcp_event e)
{
    struct upf *u = ctx;
    char peer[NET_ADDR_TEXT], node[128];
    (void)n;
    addr_text(&a->peer, peer);
    if (pfcp_node_id_text(&a->node_id, node, sizeof node) < 0)
        node[0] = 0;
    switch (e) {
    case PFCP_PEER_UP: /* 6.2.6.3: whatever there was of an association before */
        upf_sessions_end(u, a);
        LOG(u->rt->log, pfcp_associated, "peer=%s node=%s", peer, node);
        break;
    case PFCP_PEER_LOST: /* user traffic goes on, TS 23.527 4.2 */
        LOG(u->rt->log, pfcp_lost, "peer=%s node=%s", peer, node);
        break;
    case PFCP_PEER_RESTARTED:
        LOG(u->rt->log, pfcp_restarted, "peer=%s node=%s", peer, node);
        upf_sessions_end(u, a);
        break;
    case PFCP_PEER_RELEASED: upf_sessions_end(u, a); break;
    case PFCP_PEER_REFUSED:
    case PFCP_PEER_CHANGED:
    case PFCP_PEER_LEAVING: return; /* nobody refuses a UP function, or leaves one this way */
    }
    if (e == PFCP_PEER_RELEASED || e == PFCP_PEER_RESTARTED)
        upf_trust_gone(u, a);
    metric_add(u->rt->metrics, METRIC_pfcp_associations, e == PFCP_PEER_UP ? 1 : -1); /* an SMF in this process counts its own ends of them */
}

static void on_request(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    struct upf *u = ctx;
    switch (in->msg->type) {
    case PFCP_SESSION_ESTABLISHMENT_REQUEST:
        if (upf_trust_refuses(in->assoc)) {
            pfcp_refuse(n, in->answer, in->msg->session_establishment_request.cp_f_seid.seid, PFCP_CAUSE_REQUEST_REJECTED, 0);
            refuse_log(u, in, PFCP_CAUSE_REQUEST_REJECTED, 0, "the SMF lost its permission");
        } else {
            session_establishment(u, in);
        }
        break;
    case PFCP_SESSION_MODIFICATION_REQUEST: session_modification(u, in); break;
    case PFCP_SESSION_DELETION_REQUEST: session_deletion(u, in); break;
    case PFCP_PFD_MANAGEMENT_REQUEST: pfd_management(u, in); break;
    default: /* session sets, what only an SMF receives */
        pfcp_refuse(n, in->answer, 0, PFCP_CAUSE_SERVICE_NOT_SUPPORTED, 0);
        refuse_log(u, in, PFCP_CAUSE_SERVICE_NOT_SUPPORTED, 0, "not supported");
        break;
    }
}

static uint64_t on_seid(void *ctx, uint64_t local)
{
    const struct upf_session *s = upf_session_of_seid(ctx, local);
    return s ? s->cp_seid : 0;
}

/* ---- counters ---- */
static void tick_due(struct timer *t)
{
    struct upf *u = CONTAINER(t, struct upf, tick);
    upf_counters_take(u);
    copies_check(u);
    if (u->sessions.used)
        upf_tick_plan(u);
}
/* While there are sessions; without any a network that is at rest stays so. */
void upf_tick_plan(struct upf *u)
{
    if (!timer_is_running(&u->tick))
        timer_set(&u->rt->timers, &u->tick, u->rt->now_us + TICK_US, tick_due);
}

/* ---- life ---- */
static void upf_stop(struct rt *rt, void *state)
{
    struct upf *u = state;
    if (!u->rt)
        return;
    if (u->up) {
        upf_counters_take(u);
        user_plane_listen(u->up, NULL);
    }
    timer_stop(&rt->timers, &u->tick);
    timer_stop(&rt->timers, &u->renewal);
    upf_trust_stop(u);
    timer_stop(&rt->timers, &u->suspicion);
    if (u->sessions.items)
        upf_sessions_end(u, NULL);
    paths_free(u);
    traces_free(u);
    if (u->pfcp.rt)
        pfcp_close(&u->pfcp);
    slab_free(&u->sessions);
    slab_free(&u->pendings);
    slab_free(&u->reports);
    slab_free(&u->paths);
    slab_free(&u->copies);
    places_free(&u->by_cp);
    places_free(&u->ue4);
    map_free(&u->framed);
    for (unsigned i = 0; i < DP_INSTANCES; i++)
        map_free(&u->ue6[i]);
    map_free(&u->path_of_peer);
    map_free(&u->path_of_sequence);
    if (u->app)
        apps_drop(u, NULL);
    free(u->app);
    free(u->draft);
    free(u->scratch);
    free(u->suspects);
}

static int memory_take(struct upf *u)
{
    uint64_t secret[2];
    env_random(u->rt->env, secret, sizeof secret);
    memcpy(u->secret, secret, sizeof secret);
    map_init(&u->framed, ~secret[0], secret[1]);
    for (unsigned i = 0; i < DP_INSTANCES; i++)
        map_init(&u->ue6[i], secret[0] ^ (i + 1), secret[1]);
    map_init(&u->path_of_peer, secret[1], secret[0]);
    map_init(&u->path_of_sequence, secret[1], secret[0]);
    u->app = calloc(UPF_APPS, sizeof *u->app);
    u->draft = calloc(1, sizeof *u->draft);
    u->scratch = malloc(UPF_SCRATCH);
    u->suspects = calloc(UPF_SUSPECTS, sizeof *u->suspects);
    if (!u->suspects || !u->app || !u->draft || !u->scratch ||
        slab_init(&u->sessions, "upf sessions", sizeof(struct upf_session),
                  u->up->config.sessions_max) ||
        slab_init(&u->pendings, "upf answers", sizeof(struct upf_pending), UPF_PENDING_MAX) ||
        slab_init(&u->reports, "upf reports", sizeof(struct upf_report), UPF_REPORTS_MAX) ||
        slab_init(&u->copies, "copied sessions", sizeof(struct upf_copy), UPF_COPIES_MAX) ||
        slab_init(&u->paths, "gtp-u paths", sizeof(struct upf_path), PATHS_MAX))
        return ERR_NOSPACE;
    return OK;
}

static int upf_boot(struct rt *rt, void *state)
{
    struct upf *u = state;
    if (!rt->config || !rt->user_plane)
        return ERR_CONFIG;
    u->rt = rt;
    list_init(&u->asking);
    u->config = &rt->config->upf;
    u->up = rt->user_plane;
    int e = memory_take(u);
    if (e < 0)
        return e;
    struct pfcp_config c = {.local = u->config->n4_address, .is_up = true, .features = FEATURES,
                            .assocs_max = UPF_ASSOCS_MAX};
    struct pfcp_user user = {u, on_request, on_event, on_setup, on_seid};
    e = pfcp_open(&u->pfcp, rt, &c, &user);
    if (e < 0)
        return e;
    user_plane_listen(u->up, &(struct user_plane_sink){u, upf_event});
    return OK;
}

static const struct nf_op ops[] = {{SBI_trust_changed, upf_op_trust_changed}};
const struct nf_desc upf_nf = {.kind = SBI_NF_UPF,
                               .name = "upf",
                               .state_octets = sizeof(struct upf),
                               .boot = upf_boot,
                               .stop = upf_stop,
                               .ops = ops,
                               .n_ops = ARRAY_LEN(ops),
                               .status = upf_status,
                               .ask = trace_ask};
