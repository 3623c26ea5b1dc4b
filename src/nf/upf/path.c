/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - whether GTP-U peers are there: echo requests each minute (TS 29.281 7.2.1), reports to
 * the SMFs when a path fails and when it is back (TS 29.244 7.4.5.1, TS 23.527 5.4). */
#include "nf/upf/state.h"

static const uint64_t ECHO_US = 60000000; /* not more often than every 60 s */
static const uint64_t T3_US = 3000000;
enum { N3_REQUESTS = 5 };

static void path_due(struct timer *t);

static void key_put(uint8_t key[17], const struct rule_addr *a)
{
    memset(key, 0, 17);
    key[0] = a->family;
    memcpy(key + 1, a->ip, a->family == 4 ? 4 : 16);
}

/* A Node Report Request to each SMF, whose answer changes nothing. */
static void ignored(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *r)
{
    (void)ctx, (void)err, (void)rsp, (void)r;
}
static void path_report(struct upf *u, const struct upf_path *p)
{
    struct pfcp_msg m = {.type = PFCP_NODE_REPORT_REQUEST};
    struct pfcp_node_report_request *q = &m.node_report_request;
    struct pfcp_remote_gtp_u_peer peer = {.flags = p->peer.family == 4 ? PFCP_PEER_V4
                                                                       : PFCP_PEER_V6};
    memcpy(p->peer.family == 4 ? peer.ipv4 : peer.ipv6, p->peer.ip, p->peer.family == 4 ? 4 : 16);
    q->node_id = u->pfcp.config.node_id;
    q->node_report_type = p->lost ? PFCP_NODE_REPORT_UPFR : PFCP_NODE_REPORT_UPRR;
    q->has.user_plane_path_failure_report = p->lost;
    q->has.user_plane_path_recovery_report = !p->lost;
    q->user_plane_path_failure_report.remote_gtp_u_peer.v = &peer;
    q->user_plane_path_failure_report.remote_gtp_u_peer.n = 1;
    q->user_plane_path_recovery_report.remote_gtp_u_peer.v = &peer;
    q->user_plane_path_recovery_report.remote_gtp_u_peer.n = 1;
    uint32_t i = 0;
    for (struct pfcp_assoc *a; (a = slab_next(&u->pfcp.assocs, &i));)
        if (a->is_up)
            pfcp_request(&u->pfcp, &a->peer, &m, ignored, NULL, NULL);
}

static void path_lost(struct upf_path *p)
{
    char text[NET_ADDR_TEXT];
    struct net_addr a = {.family = p->peer.family};
    memcpy(a.ip, p->peer.ip, sizeof a.ip);
    p->lost = true;
    LOG(p->upf->rt->log, gtpu_path_lost, "peer=%s tunnels=%u", addr_text(&a, text), p->users);
    path_report(p->upf, p);
}

static void path_due(struct timer *t)
{
    struct upf_path *p = CONTAINER(t, struct upf_path, timer);
    struct upf *u = p->upf;
    uint64_t again = T3_US;
    if (p->sent >= N3_REQUESTS) {
        if (!p->lost)
            path_lost(p);
        p->sent = 0;
        again = ECHO_US;
    } else {
        if (!p->sent) {
            map_del_u64(&u->path_of_sequence, p->sequence);
            do
                p->sequence = ++u->sequence;
            while (map_get_u64(&u->path_of_sequence, p->sequence) && u->paths.used < UINT16_MAX);
            map_put_u64(&u->path_of_sequence, p->sequence, p);
        }
        p->sent++;
        struct dp_command c = {.kind = DP_ECHO, .peer = p->peer, .sequence = p->sequence};
        user_plane_command(u->up, &c);
    }
    timer_set(&u->rt->timers, &p->timer, u->rt->now_us + again, path_due);
}

/* By sequence number and by host: an answer may come from another port, 4.4.3.2. */
void path_answered(struct upf *u, const struct dp_event *e)
{
    struct upf_path *p = map_get_u64(&u->path_of_sequence, e->sequence);
    uint8_t key[17];
    key_put(key, &e->peer);
    if (!p || !p->sent || memcmp(key, p->key, sizeof key))
        return;
    p->sent = 0;
    timer_set(&u->rt->timers, &p->timer, u->rt->now_us + ECHO_US, path_due);
    if (!p->lost)
        return;
    p->lost = false;
    path_report(u, p);
}

bool upf_path_of(const struct upf *u, const struct rule_addr *peer)
{
    uint8_t key[17];
    key_put(key, peer);
    return map_get(&u->path_of_peer, BYTES_OF(key)) != NULL;
}

static void path_take(struct upf *u, const struct rule_addr *peer)
{
    uint8_t key[17];
    key_put(key, peer);
    struct upf_path *p = map_get(&u->path_of_peer, BYTES_OF(key));
    if (p) {
        p->users++;
        return;
    }
    p = slab_new(&u->paths); /* without room the path is not watched; its tunnels work */
    if (!p)
        return;
    *p = (struct upf_path){.upf = u, .peer = *peer, .users = 1};
    memcpy(p->key, key, sizeof key);
    if (map_put(&u->path_of_peer, BYTES_OF(p->key), p) ||
        timer_set(&u->rt->timers, &p->timer, u->rt->now_us + ECHO_US, path_due)) {
        map_del(&u->path_of_peer, BYTES_OF(p->key));
        slab_drop(&u->paths, p);
    }
}

static void path_drop(struct upf *u, struct upf_path *p)
{
    timer_stop(&u->rt->timers, &p->timer);
    map_del(&u->path_of_peer, BYTES_OF(p->key));
    if (map_get_u64(&u->path_of_sequence, p->sequence) == p)
        map_del_u64(&u->path_of_sequence, p->sequence);
    slab_drop(&u->paths, p);
}

static void path_leave(struct upf *u, const struct rule_addr *peer)
{
    uint8_t key[17];
    key_put(key, peer);
    struct upf_path *p = map_get(&u->path_of_peer, BYTES_OF(key));
    if (p && --p->users == 0)
        path_drop(u, p);
}

/* The new ones first, so that a path that stays is not forgotten in between. */
void paths_use(struct upf *u, const struct upf_rules *new_rules, const struct upf_rules *old_rules)
{
    for (uint32_t i = 0; new_rules && i < new_rules->far_n; i++)
        if (new_rules->far[i].rule.peer.family)
            path_take(u, &new_rules->far[i].rule.peer);
    for (uint32_t i = 0; old_rules && i < old_rules->far_n; i++)
        if (old_rules->far[i].rule.peer.family)
            path_leave(u, &old_rules->far[i].rule.peer);
}

void paths_free(struct upf *u)
{
    uint32_t i = 0;
    for (struct upf_path *p; u->paths.items && (p = slab_next(&u->paths, &i));)
        path_drop(u, p);
}
