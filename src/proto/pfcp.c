/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp.c - transactions of a PFCP entity, TS 29.244 6.4 and 7.6. */
#include "proto/pfcp_node.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"
#include <stdlib.h>

static void tap(struct pfcp_node *n, enum tap_direction direction, const struct net_addr *peer,
                const struct pfcp_msg *m, struct bytes raw, int error)
{
    char host[NET_ADDR_TEXT];
    const char *name = m ? pfcp_name(m->type) : "unreadable";
    if (direction == TAP_RX)
        LOG(n->rt->log, pfcp_rx, "peer=%s message=\"%s\" octets=%u", addr_text(peer, host), name, raw.n);
    else
        LOG(n->rt->log, pfcp_tx, "peer=%s message=\"%s\" octets=%u", addr_text(peer, host), name, raw.n);
    rt_tap(n->rt, &(struct tap_event){.interface = TAP_N4,
                                      .direction = direction,
                                      .at_us = n->rt->now_us,
                                      .at = peer,
                                      .ue = m ? m->seid : 0,
                                      .type = m ? m->type : 0,
                                      .name = m ? pfcp_name(m->type) : "PFCP",
                                      .desc = m ? pfcp_desc_of(m->type) : NULL,
                                      .value = m,
                                      .raw = raw,
                                      .error = error});
}

void pfcp_octets_send(struct pfcp_node *n, const struct net_addr *to, const uint8_t *p,
                      uint32_t octets)
{
    n->counts.tx++;
    metric_add(n->rt->metrics, METRIC_pfcp_tx, 1);
    n->rt->env->ops->udp_send(n->rt->env, n->sock, to, (struct bytes){p, octets});
}

int pfcp_send(struct pfcp_node *n, const struct net_addr *to, const struct pfcp_msg *m,
              uint32_t *octets)
{
    int k = pfcp_encode(m, n->out, PFCP_DATAGRAM_MAX);
    if (k < 0)
        return k;
    *octets = (uint32_t)k;
    tap(n, TAP_TX, to, m, (struct bytes){n->out, *octets}, OK);
    pfcp_octets_send(n, to, n->out, *octets);
    return OK;
}

/* ---- requests of ours ---- */

static void txn_drop(struct pfcp_txn *t)
{
    struct pfcp_node *n = t->node;
    timer_stop(&n->rt->timers, &t->timer);
    map_del_u64(&n->by_seq, t->seq);
    frame_drop(n->rt, t->octets, t->n);
    slab_drop(&n->requests, t);
}

static void txn_timeout(struct timer *timer)
{
    struct pfcp_txn *t = CONTAINER(timer, struct pfcp_txn, timer);
    struct pfcp_node *n = t->node;
    if (t->sent < n->config.n1 &&
        timer_set(&n->rt->timers, &t->timer, n->rt->now_us + n->config.t1_us, txn_timeout) == OK) {
        t->sent++;
        n->counts.resent++;
        metric_add(n->rt->metrics, METRIC_pfcp_again, 1);
        pfcp_octets_send(n, &t->to, t->octets, t->n);
        return;
    }
    pfcp_done_fn *done = t->done;
    void *ctx = t->ctx;
    struct pfcp_report none = {0};
    n->counts.timeouts++;
    metric_add(n->rt->metrics, METRIC_pfcp_timeout, 1);
    txn_drop(t);
    done(ctx, ERR_TIMEOUT, NULL, &none);
}

/* Octets go into frames, of which the largest is FRAME_MAX. */
static uint8_t *octets_keep(struct pfcp_node *n, uint32_t octets)
{
    uint8_t *p = octets <= FRAME_MAX ? frame_new(n->rt, octets) : NULL;
    if (p)
        memcpy(p, n->out, octets);
    return p;
}

int pfcp_request(struct pfcp_node *n, const struct net_addr *to, struct pfcp_msg *m,
                 pfcp_done_fn *done, void *ctx, struct ref *out)
{
    struct pfcp_txn *t = slab_new(&n->requests);
    if (!t) {
        n->counts.full++;
        return ERR_FULL;
    }
    do
        n->seq = (n->seq + 1) & 0xffffff;
    while (map_get_u64(&n->by_seq, n->seq));
    m->seq = n->seq;
    int err = pfcp_encode(m, n->out, PFCP_DATAGRAM_MAX);
    if (err < 0) {
        slab_drop(&n->requests, t);
        return err;
    }
    *t = (struct pfcp_txn){.node = n,
                           .to = *to,
                           .seq = m->seq,
                           .sent = 1,
                           .asked_us = n->rt->now_us,
                           .type = m->type,
                           .done = done,
                           .ctx = ctx,
                           .n = (uint32_t)err};
    t->octets = octets_keep(n, t->n);
    if (!t->octets || map_put_u64(&n->by_seq, t->seq, t) ||
        timer_set(&n->rt->timers, &t->timer, n->rt->now_us + n->config.t1_us, txn_timeout)) {
        map_del_u64(&n->by_seq, t->seq);
        if (t->octets)
            frame_drop(n->rt, t->octets, t->n);
        slab_drop(&n->requests, t);
        return ERR_NOSPACE;
    }
    if (out)
        *out = slab_ref(&n->requests, t);
    tap(n, TAP_TX, to, m, (struct bytes){t->octets, t->n}, OK);
    pfcp_octets_send(n, to, t->octets, t->n);
    return OK;
}

void pfcp_forget(struct pfcp_node *n, struct ref r)
{
    struct pfcp_txn *t = slab_get(&n->requests, r);
    if (t)
        txn_drop(t);
}

/* The peer does not know us any more: it missed our heartbeats, or was restarted. */
static bool no_association(const struct pfcp_msg *m)
{
    uint8_t cause = m->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE  ? m->session_establishment_response.cause
                    : m->type == PFCP_SESSION_MODIFICATION_RESPONSE ? m->session_modification_response.cause
                    : m->type == PFCP_SESSION_DELETION_RESPONSE     ? m->session_deletion_response.cause
                                                                    : 0;
    return cause == PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION;
}
static void response_take(struct pfcp_node *n, const struct net_addr *from,
                          const struct pfcp_msg *m, int err, const struct pfcp_report *report)
{
    struct pfcp_txn *t = map_get_u64(&n->by_seq, m->seq);
    bool version = m->type == PFCP_VERSION_NOT_SUPPORTED_RESPONSE;
    if (!t || !addr_eq(&t->to, from) || (m->type != t->type + 1 && !version)) {
        struct pfcp_assoc *a = pfcp_assoc_find(n, from);
        n->counts.unexpected++; /* 7.6.5: late, repeated or not asked for */
        if (a && !err && n->user.late)
            n->user.late(n->user.ctx, a, m);
        return;
    }
    pfcp_done_fn *done = t->done;
    void *ctx = t->ctx;
    uint64_t asked_us = t->asked_us;
    txn_drop(t);
    if (version)
        err = ERR_UNSUPPORTED;
    bool is_stranger = !err && no_association(m);
    done(ctx, err, err ? NULL : m, report);
    if (is_stranger)
        pfcp_assoc_denied(n, from, asked_us);
}

/* ---- requests of peers ---- */

static void key_put(uint8_t key[PFCP_KEY_OCTETS], const struct net_addr *from, uint32_t seq)
{
    memset(key, 0, PFCP_KEY_OCTETS);
    key[0] = from->family;
    memcpy(key + 1, from->ip, from->family == 4 ? 4 : 16);
    put_be16(key + 17, from->port);
    put_be32(key + 19, seq);
}

static void reply_drop(struct pfcp_reply *r)
{
    struct pfcp_node *n = r->node;
    timer_stop(&n->rt->timers, &r->timer);
    list_remove(&r->on_answered);
    map_del(&n->by_request, BYTES_OF(r->key));
    if (r->octets)
        frame_drop(n->rt, r->octets, r->n);
    slab_drop(&n->answers, r);
}
static void reply_expire(struct timer *t)
{
    reply_drop(CONTAINER(t, struct pfcp_reply, timer));
}

/* NULL: a repetition, which has been dealt with, or no room (the peer will send it again). */
static struct pfcp_reply *reply_new(struct pfcp_node *n, const struct net_addr *from,
                                    const struct pfcp_msg *m)
{
    uint8_t key[PFCP_KEY_OCTETS];
    key_put(key, from, m->seq);
    struct pfcp_reply *r = map_get(&n->by_request, BYTES_OF(key));
    if (r && r->type == m->type) {
        n->counts.repeated++;
        if (r->octets)
            pfcp_octets_send(n, from, r->octets, r->n);
        return NULL;
    }
    if (r)
        reply_drop(r); /* the number names another request now: the peer began anew */
    r = slab_new(&n->answers);
    if (!r && !list_empty(&n->answered)) { /* more than were planned for: rather forget the oldest answer than not answer */
        reply_drop(CONTAINER(n->answered.next, struct pfcp_reply, on_answered));
        r = slab_new(&n->answers);
    }
    if (!r) {
        n->counts.full++;
        return NULL;
    }
    *r = (struct pfcp_reply){.node = n, .from = *from, .seq = m->seq, .type = m->type};
    memcpy(r->key, key, sizeof key);
    uint64_t keep_us = n->config.t1_us * (n->config.n1 + 1);
    if (map_put(&n->by_request, BYTES_OF(r->key), r) ||
        timer_set(&n->rt->timers, &r->timer, n->rt->now_us + keep_us, reply_expire)) {
        map_del(&n->by_request, BYTES_OF(r->key));
        slab_drop(&n->answers, r);
        return NULL;
    }
    return r;
}

int pfcp_answer(struct pfcp_node *n, struct ref ref, struct pfcp_msg *m)
{
    struct pfcp_reply *r = slab_get(&n->answers, ref);
    if (!r)
        return ERR_NOTFOUND;
    if (r->octets || m->type != r->type + 1)
        return ERR_STATE;
    m->seq = r->seq;
    int err = pfcp_send(n, &r->from, m, &r->n);
    if (err)
        return err;
    r->octets = octets_keep(n, r->n);
    if (r->octets)
        list_append(&n->answered, &r->on_answered);
    else /* a repetition will be taken for a new request: rather that than no answer */
        reply_drop(r);
    return OK;
}

/* The response to a request of that type that says no. */
static int refusal_make(const struct pfcp_node *n, uint8_t type, uint64_t peer_seid, uint8_t cause,
                        uint16_t offending, struct pfcp_msg *m)
{
    *m = (struct pfcp_msg){.type = (uint8_t)(type + 1), .seid = peer_seid};
#define REFUSE(name) m->name.cause = cause
#define OFFENDING(name)                                                                            \
    (REFUSE(name), m->name.offending_ie = offending, m->name.has.offending_ie = offending != 0)
    switch (type) {
    case PFCP_PFD_MANAGEMENT_REQUEST: OFFENDING(pfd_management_response); break;
    case PFCP_ASSOCIATION_SETUP_REQUEST:
        REFUSE(association_setup_response);
        m->association_setup_response.node_id = n->config.node_id;
        m->association_setup_response.recovery_time_stamp = n->recovery;
        break;
    case PFCP_ASSOCIATION_UPDATE_REQUEST:
        REFUSE(association_update_response);
        m->association_update_response.node_id = n->config.node_id;
        break;
    case PFCP_ASSOCIATION_RELEASE_REQUEST:
        REFUSE(association_release_response);
        m->association_release_response.node_id = n->config.node_id;
        break;
    case PFCP_NODE_REPORT_REQUEST:
        OFFENDING(node_report_response);
        m->node_report_response.node_id = n->config.node_id;
        break;
    case PFCP_SESSION_SET_DELETION_REQUEST:
        OFFENDING(session_set_deletion_response);
        m->session_set_deletion_response.node_id = n->config.node_id;
        break;
    case PFCP_SESSION_SET_MODIFICATION_REQUEST:
        OFFENDING(session_set_modification_response);
        m->session_set_modification_response.node_id = n->config.node_id;
        break;
    case PFCP_SESSION_ESTABLISHMENT_REQUEST:
        OFFENDING(session_establishment_response);
        m->session_establishment_response.node_id = n->config.node_id;
        break;
    case PFCP_SESSION_MODIFICATION_REQUEST: OFFENDING(session_modification_response); break;
    case PFCP_SESSION_DELETION_REQUEST: OFFENDING(session_deletion_response); break;
    case PFCP_SESSION_REPORT_REQUEST: OFFENDING(session_report_response); break;
    default: return ERR_UNKNOWN;
    }
    return OK;
}
int pfcp_refuse(struct pfcp_node *n, struct ref ref, uint64_t peer_seid, uint8_t cause,
                uint16_t offending)
{
    struct pfcp_reply *r = slab_get(&n->answers, ref);
    struct pfcp_msg m;
    if (!r)
        return ERR_NOTFOUND;
    int err = refusal_make(n, r->type, peer_seid, cause, offending, &m);
    return err ? err : pfcp_answer(n, ref, &m);
}

/* Where a refusal goes: the F-SEID that the request brought, or what the user knows of its session.
 */
static uint64_t seid_of_peer(struct pfcp_node *n, const struct pfcp_msg *m)
{
    if (m->type == PFCP_SESSION_ESTABLISHMENT_REQUEST)
        return m->session_establishment_request.cp_f_seid.seid;
    return m->has_seid && n->user.peer_seid ? n->user.peer_seid(n->user.ctx, m->seid) : 0;
}

/* Nothing is kept of a stranger, whose requests cost him nothing, and nothing is told him of sessions. */
static void stranger_refuse(struct pfcp_node *n, const struct net_addr *from, const struct pfcp_msg *m,
                            uint8_t cause, uint16_t offending)
{
    bool gave_seid = m->type == PFCP_SESSION_ESTABLISHMENT_REQUEST;
    uint64_t seid = gave_seid ? m->session_establishment_request.cp_f_seid.seid : 0;
    struct pfcp_msg out;
    uint32_t octets;
    if (refusal_make(n, m->type, seid, cause, offending, &out))
        return;
    out.seq = m->seq;
    pfcp_send(n, from, &out, &octets);
}
/* A peer that may not associate is told so again when it asks again. */
static void setup_forget(struct pfcp_node *n, const struct net_addr *from, struct ref answer)
{
    struct pfcp_reply *r = slab_get(&n->answers, answer);
    const struct pfcp_assoc *a = pfcp_assoc_find(n, from);
    if (r && r->octets && !(a && a->is_up))
        reply_drop(r);
}

static void request_take(struct pfcp_node *n, const struct net_addr *from, const struct pfcp_msg *m,
                         int err, const struct pfcp_report *report)
{
    char peer[NET_ADDR_TEXT];
    const struct pfcp_assoc *known = pfcp_assoc_find(n, from);
    if (m->type == PFCP_HEARTBEAT_REQUEST) {
        if (!err)
            pfcp_heartbeat_answer(n, from, m);
        return;
    }
    if (err && !report->cause)
        return; /* 7.6: not to be answered */
    if (!(known && known->is_up) && (err || m->type != PFCP_ASSOCIATION_SETUP_REQUEST)) {
        LOG(n->rt->log, pfcp_stranger, "peer=%s message=%s", addr_text(from, peer),
            pfcp_name(m->type));
        stranger_refuse(n, from, m, err ? report->cause : PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION,
                        err ? report->offending : 0);
        return;
    }
    struct pfcp_reply *r = reply_new(n, from, m);
    if (!r)
        return;
    struct pfcp_in in = {*from, pfcp_assoc_find(n, from), m, slab_ref(&n->answers, r)};
    if (err) {
        LOG(n->rt->log, pfcp_malformed, "peer=%s message=%s cause=%s offending=%s",
            addr_text(from, peer), pfcp_name(m->type), pfcp_cause_name(report->cause),
            report->offending ? pfcp_ie_name(report->offending) : "none");
        pfcp_refuse(n, in.answer, seid_of_peer(n, m), report->cause, report->offending);
    } else if (!pfcp_assoc_request(n, &in))
        n->user.request(n->user.ctx, n, &in);
    if (m->type == PFCP_ASSOCIATION_SETUP_REQUEST)
        setup_forget(n, from, in.answer);
}

/* ---- datagrams ---- */

static void message_take(struct pfcp_node *n, const struct net_addr *from, struct bytes raw)
{
    struct arena a = arena_over(n->block, PFCP_BLOCK_OCTETS);
    struct pfcp_msg m;
    struct pfcp_report report;
    int err = pfcp_decode(raw, &a, &m, &report);
    n->counts.rx++;
    metric_add(n->rt->metrics, METRIC_pfcp_rx, 1);
    tap(n, TAP_RX, from, report.header ? &m : NULL, raw, err);
    if (err) {
        n->counts.malformed++;
        metric_add(n->rt->metrics, METRIC_pfcp_bad, 1);
    }
    if (report.version && m.type != PFCP_VERSION_NOT_SUPPORTED_RESPONSE) { /* 7.6.2 */
        struct pfcp_msg v = {.type = PFCP_VERSION_NOT_SUPPORTED_RESPONSE, .seq = m.seq};
        uint32_t octets;
        pfcp_send(n, from, &v, &octets);
    } else if (report.header && m.desc && pfcp_is_request(m.type)) {
        request_take(n, from, &m, err, &report);
    } else if (report.header && m.desc) {
        response_take(n, from, &m, err, &report);
    }
}

static void datagram_take(void *ctx, int sock, const struct net_addr *from, struct bytes datagram)
{
    struct pfcp_node *n = ctx;
    struct bytes message;
    (void)sock;
    rt_enter(n->rt);
    while (pfcp_next(&datagram, &message))
        message_take(n, from, message);
}

/* ---- life ---- */

static void defaults_set(struct pfcp_config *c)
{
#define DEFAULT(member, value) c->member = c->member ? c->member : (value)
    DEFAULT(local.port, PFCP_PORT);
    DEFAULT(t1_us, 2000000);
    DEFAULT(n1, 3);
    DEFAULT(heartbeat_us, 20000000);
    DEFAULT(retry_us, 10000000);
    DEFAULT(requests_max, 4096);
    DEFAULT(answers_max, 32768);
    DEFAULT(assocs_max, 64);
    if (!c->node_id.flags && !be32(c->node_id.ipv4))
        c->node_id = pfcp_node_id_of(&c->local);
}

int pfcp_open(struct pfcp_node *n, struct rt *rt, const struct pfcp_config *config,
              const struct pfcp_user *user)
{
    enum { NTP_TO_UNIX_S = 2208988800u };
    uint64_t secret[4];
    uint32_t seq;
    *n = (struct pfcp_node){.rt = rt, .config = *config, .user = *user, .sock = -1};
    list_init(&n->answered);
    defaults_set(&n->config);
    n->recovery = (uint32_t)(env_unix_us(rt->env) / 1000000 + NTP_TO_UNIX_S);
    env_random(rt->env, secret, sizeof secret);
    env_random(rt->env, &seq, sizeof seq);
    n->seq = seq & 0xffffff;
    map_init(&n->by_seq, secret[0], secret[1]);
    map_init(&n->by_request, secret[2], secret[3]);
    n->block = malloc(PFCP_BLOCK_OCTETS);
    n->out = malloc(PFCP_DATAGRAM_MAX);
    if (!n->block || !n->out ||
        slab_init(&n->requests, "pfcp requests", sizeof(struct pfcp_txn), n->config.requests_max) ||
        slab_init(&n->answers, "pfcp answers", sizeof(struct pfcp_reply), n->config.answers_max) ||
        slab_init(&n->assocs, "pfcp associations", sizeof(struct pfcp_assoc),
                  n->config.assocs_max)) {
        pfcp_close(n);
        return ERR_NOSPACE;
    }
    struct udp_sink sink = {n, datagram_take};
    n->sock = rt->env->ops->udp_open(rt->env, &n->config.local, &sink);
    if (n->sock < 0) {
        int err = n->sock;
        pfcp_close(n);
        return err;
    }
    return OK;
}

void pfcp_close(struct pfcp_node *n)
{
    uint32_t i = 0;
    if (n->sock >= 0)
        n->rt->env->ops->udp_close(n->rt->env, n->sock);
    for (struct pfcp_txn *t; n->requests.items && (t = slab_next(&n->requests, &i));)
        txn_drop(t);
    i = 0;
    for (struct pfcp_reply *r; n->answers.items && (r = slab_next(&n->answers, &i));)
        reply_drop(r);
    i = 0;
    for (struct pfcp_assoc *a; n->assocs.items && (a = slab_next(&n->assocs, &i));)
        timer_stop(&n->rt->timers, &a->timer);
    slab_free(&n->requests);
    slab_free(&n->answers);
    slab_free(&n->assocs);
    map_free(&n->by_seq);
    map_free(&n->by_request);
    free(n->block);
    free(n->out);
    *n = (struct pfcp_node){.sock = -1};
}

/* ---- within procedures ---- */

/* The response outlives the datagram: it is encoded and decoded again into memory of its own. */
static int response_keep(struct pfcp_call *c, const struct pfcp_msg *m)
{
    struct pfcp_node *n = c->node;
    int k = pfcp_encode(m, n->out, PFCP_DATAGRAM_MAX);
    if (k < 0)
        return k;
    c->octets = sizeof(struct pfcp_msg) + (size_t)k + 2048 + 24 * (size_t)k;
    if (c->octets > FRAME_MAX)
        c->octets = FRAME_MAX;
    uint8_t *p =
        (size_t)k < c->octets - sizeof(struct pfcp_msg) ? frame_new(n->rt, c->octets) : NULL;
    if (!p)
        return ERR_NOSPACE;
    c->memory = p;
    memcpy(p + sizeof(struct pfcp_msg), n->out, (size_t)k);
    size_t used = sizeof(struct pfcp_msg) + (size_t)k;
    struct arena a = arena_over(p + ((used + 7) & ~(size_t)7),
                                (uint32_t)(c->octets - ((used + 7) & ~(size_t)7)));
    int err = pfcp_decode((struct bytes){p + sizeof(struct pfcp_msg), (uint32_t)k}, &a, (void *)p,
                          &c->report);
    c->rsp = err ? NULL : (void *)p;
    return err;
}

static void call_done(void *ctx, int err, const struct pfcp_msg *rsp,
                      const struct pfcp_report *report)
{
    struct pfcp_call *c = ctx;
    c->request = (struct ref){0, 0};
    c->report = *report;
    c->err = err ? err : response_keep(c, rsp);
    proc_call_answered(c->p);
}

void pfcp_call_drop(struct pfcp_call *c)
{
    if (!c->node)
        return;
    list_remove(&c->owned.link);
    pfcp_forget(c->node, c->request);
    if (c->memory)
        frame_drop(c->node->rt, c->memory, c->octets);
    *c = (struct pfcp_call){0};
}
static void call_owned_drop(struct proc_owned *o)
{
    pfcp_call_drop(CONTAINER(o, struct pfcp_call, owned));
}

int pfcp_call(struct pfcp_call *c, struct proc *p, struct pfcp_node *n, const struct net_addr *to,
              struct pfcp_msg *m)
{
    *c = (struct pfcp_call){.owned.drop = call_owned_drop, .p = p};
    c->err = pfcp_request(n, to, m, call_done, c, &c->request);
    if (c->err)
        return c->err;
    c->node = n;
    list_append(&p->owned, &c->owned.link);
    p->calls_open++;
    return OK;
}
