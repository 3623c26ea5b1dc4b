/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/x509.h"
#include "trust/ipsec_parts.h"
#include "trust/vici.h"
#include "base/log.h"
#include <stdlib.h>

static const char *const events[] = {"ike-updown", "child-updown", "ike-rekey", "list-sa", "list-cert", "list-conn"};

/* ---- revocation lists ---- */
static struct identity_anchors *anchors_new(const struct ipsec_peers *p)
{
    struct identity_anchors *a;
    if (identity_anchors_new(&a) < 0)
        return NULL;
    int e = identity_anchors_add(a, (struct str){p->authority, p->authority_n});
    for (uint32_t at = 0; e >= 0 && at + 4 <= p->lists_n; at += 4 + be32(p->lists_in + at))
        identity_anchors_add_crl_der(a, (struct bytes){p->lists_in + at + 4, be32(p->lists_in + at)}); /* others' are of no concern */
    if (e >= 0 && p->had_lists)
        identity_anchors_want_lists(a);
    if (e < 0) {
        identity_anchors_free(a);
        return NULL;
    }
    return a;
}
static void lists_take(struct ipsec_peers *p)
{
    uint8_t hash[32];
    if (EVP_Digest(p->lists_in ? p->lists_in : (const uint8_t *)"", p->lists_n, hash, NULL, EVP_sha256(), NULL) != 1 ||
        (p->lists && memcmp(hash, p->lists_hash, sizeof hash) == 0))
        return;
    p->had_lists |= p->lists_n > 0; /* from then on always: a daemon that lost its lists lets nobody in */
    struct identity_anchors *fresh = anchors_new(p);
    if (!fresh)
        return;
    identity_anchors_free(p->anchors);
    p->anchors = fresh;
    memcpy(p->lists_hash, hash, sizeof hash);
    p->lists++;
    p->lists_since_us = ipsec_now_us(p);
}

/* ---- rounds of questions ---- */
static void waiter_end(struct ipsec_peers *p, struct ipsec_waiter *w)
{
    list_remove(&w->link);
    timer_stop(&p->rt->timers, &w->timer);
    w->fn(w);
}
static void waiters_end(struct ipsec_peers *p, uint64_t round)
{
    struct link ended;
    list_init(&ended);
    LIST_EACH_SAFE(l, &p->waiters) {
        if (CONTAINER(l, struct ipsec_waiter, link)->round > round)
            continue;
        list_remove(l);
        list_append(&ended, l);
    }
    for (struct link *l; (l = list_pop(&ended));)
        waiter_end(p, CONTAINER(l, struct ipsec_waiter, link));
}
static void timers_off(struct ipsec_peers *p)
{
    timer_stop(&p->rt->timers, &p->answer);
    timer_stop(&p->rt->timers, &p->next);
}
static void all_gone(struct timer *t)
{
    struct ipsec_peers *p = CONTAINER(t, struct ipsec_peers, down);
    while (!list_empty(&p->sas))
        ipsec_sa_drop(p, CONTAINER(p->sas.next, struct sa, link));
}
static void link_lost(struct ipsec_peers *p)
{
    if (p->step == STEP_DOWN)
        return;
    if (p->known) /* else the time runs already */
        timer_set(&p->rt->timers, &p->down, ipsec_now_us(p) + DOWN_US, all_gone);
    p->step = STEP_DOWN;
    p->known = p->want = false;
    p->asking = NULL;
    while (list_pop(&p->to_ask))
        ;
    p->in_n = 0;
    timers_off(p);
    waiters_end(p, UINT64_MAX);
}
static void link_fail(struct ipsec_peers *p)
{
    if (p->step == STEP_DOWN)
        return;
    link_lost(p);
    p->conf.close(p->conf.ctx);
}
static void no_answer(struct timer *t) { link_fail(CONTAINER(t, struct ipsec_peers, answer)); }
static void ask(struct ipsec_peers *p, enum vici_type type, struct str name, const struct vici_pair *pairs, uint32_t n)
{
    uint8_t out[1024];
    int k = vici_packet_write(out, sizeof out, type, name, pairs, n);
    timer_set(&p->rt->timers, &p->answer, ipsec_now_us(p) + ANSWER_US, no_answer);
    if (k < 0 || p->conf.send(p->conf.ctx, (struct bytes){out, (uint32_t)k}) < 0)
        timer_set(&p->rt->timers, &p->answer, ipsec_now_us(p), no_answer); /* not from within whoever called */
}
static void round_begin(struct timer *);
/* At once where somebody wants it, but not one after another without end. */
static void next_plan(struct ipsec_peers *p)
{
    bool soon = p->want || !list_empty(&p->waiters);
    uint64_t at_us = p->began_us + (soon ? GAP_US : POLL_US);
    if (p->step == STEP_IDLE)
        timer_set(&p->rt->timers, &p->next, at_us > ipsec_now_us(p) ? at_us : ipsec_now_us(p), round_begin);
}
static void round_begin(struct timer *t)
{
    struct ipsec_peers *p = CONTAINER(t, struct ipsec_peers, next);
    p->step = STEP_SAS;
    p->round++;
    p->began_us = ipsec_now_us(p);
    p->want = false;
    ask(p, VICI_CMD_REQUEST, STR("list-sas"), NULL, 0);
}
static void round_end(struct ipsec_peers *p)
{
    p->step = STEP_IDLE;
    p->asking = NULL;
    ipsec_gone_drop(p);
    ipsec_recheck(&p->recheck);
    waiters_end(p, p->round);
    next_plan(p);
}
static void sas_known(struct ipsec_peers *p)
{
    LIST_EACH(l, &p->sas) {
        struct sa *s = CONTAINER(l, struct sa, link);
        if (s->round != p->round && !s->gone_us)
            s->gone_us = ipsec_now_us(p);
        if (s->round == p->round && (!s->certificate || !s->by_key) && (s->tries < TRIES || p->round % RARELY == 0))
            list_append(&p->to_ask, &s->on_ask);
    }
    p->known = true;
    timer_stop(&p->rt->timers, &p->down);
    struct vici_pair what = {STR("type"), STR("X509_CRL")};
    p->lists_n = 0;
    p->step = STEP_LISTS;
    ask(p, VICI_CMD_REQUEST, STR("list-certs"), &what, 1);
}
/* The next SA: first how its connection asks who the peer is, then with which certificate it may have answered. */
static void sa_ask(struct ipsec_peers *p)
{
    struct link *l = list_pop(&p->to_ask);
    p->asking = l ? CONTAINER(l, struct sa, on_ask) : NULL;
    if (!l) {
        round_end(p);
        return;
    }
    struct vici_pair what = {STR("ike"), str_of(p->asking->connection)};
    p->asking->is_loaded = p->asking->by_key = false;
    p->step = STEP_CONNECTION;
    ask(p, VICI_CMD_REQUEST, STR("list-conns"), &what, 1);
}
static void certificate_ask(struct ipsec_peers *p)
{
    struct sa *s = p->asking;
    if (!s) { /* it went meanwhile */
        sa_ask(p);
        return;
    }
    struct vici_pair what[] = {{STR("type"), STR("X509")}, {STR("subject"), str_of(s->id)}};
    free(s->certificate); /* how it was asked for was not known */
    s->certificate = NULL;
    s->tries += s->tries < TRIES;
    p->step = STEP_CERTIFICATE;
    ask(p, VICI_CMD_REQUEST, STR("list-certs"), what, ARRAY_LEN(what));
}
static void certificate_known(struct ipsec_peers *p)
{
    struct sa *s = p->asking;
    if (s && s->certificate) {
        LOG(p->rt->log, ipsec_peer, "id=\"%s\" certificate=\"%s\"", s->id,
            !s->by_key ? "not asked for" : s->several ? "several" : identity_verdict_text(s->verdict));
        ipsec_tell_all(p, s);
    }
    sa_ask(p);
}

/* ---- the link ---- */
static void answered(struct ipsec_peers *p)
{
    timer_stop(&p->rt->timers, &p->answer);
    switch (p->step) {
    case STEP_SAS: sas_known(p); return;
    case STEP_LISTS:
        lists_take(p);
        sa_ask(p);
        return;
    case STEP_CONNECTION: certificate_ask(p); return;
    case STEP_CERTIFICATE: certificate_known(p); return;
    default: link_fail(p); /* nothing was asked */
    }
}
static void registered(struct ipsec_peers *p)
{
    if (p->step != STEP_REGISTER) {
        link_fail(p);
        return;
    }
    timer_stop(&p->rt->timers, &p->answer);
    if (++p->registered < ARRAY_LEN(events)) {
        ask(p, VICI_EVENT_REGISTER, str_of(events[p->registered]), NULL, 0);
        return;
    }
    p->step = STEP_IDLE;
    p->want = true;
    next_plan(p);
}
static int on_event(struct ipsec_peers *p, const struct vici_packet *m)
{
    if (str_is(m->name, "list-sa"))
        return p->step == STEP_SAS ? ipsec_on_list_sa(p, m->body) : OK;
    if (str_is(m->name, "list-cert"))
        return ipsec_on_list_cert(p, m->body);
    if (str_is(m->name, "list-conn"))
        return p->step == STEP_CONNECTION ? ipsec_on_list_conn(p, m->body) : OK;
    int e = str_is(m->name, "ike-rekey") ? ipsec_on_rekey(p, m->body) : OK;
    p->want = true;
    next_plan(p);
    return e;
}
static void on_packet(struct ipsec_peers *p, const struct vici_packet *m)
{
    switch (m->type) {
    case VICI_CMD_RESPONSE: answered(p); return;
    case VICI_EVENT_CONFIRM:
    case VICI_EVENT_UNKNOWN: registered(p); return; /* a daemon without such an event is asked every few seconds all the same */
    case VICI_EVENT:
        if (on_event(p, m) < 0)
            link_fail(p);
        return;
    default: link_fail(p);
    }
}
static bool in_grow(struct ipsec_peers *p, uint32_t n)
{
    if (n <= p->in_cap)
        return true;
    uint8_t *more = realloc(p->in, n);
    if (!more)
        return false;
    p->in = more;
    p->in_cap = n;
    return true;
}
void ipsec_peers_octets(struct ipsec_peers *p, struct bytes b)
{
    struct vici_packet m;
    uint32_t at = 0;
    int k = 1;
    if (p->step == STEP_DOWN || !b.n)
        return;
    if (b.n > VICI_SEGMENT_MAX || !in_grow(p, p->in_n + b.n)) {
        link_fail(p);
        return;
    }
    memcpy(p->in + p->in_n, b.p, b.n);
    p->in_n += b.n;
    while (p->step != STEP_DOWN && (k = vici_packet_read((struct bytes){p->in + at, p->in_n - at}, &m)) > 0) {
        at += (uint32_t)k;
        on_packet(p, &m);
    }
    if (k < 0)
        link_fail(p);
    if (p->step == STEP_DOWN)
        return;
    p->in_n -= at;
    memmove(p->in, p->in + at, p->in_n);
}
void ipsec_peers_up(struct ipsec_peers *p)
{
    link_lost(p);
    p->step = STEP_REGISTER;
    p->registered = 0;
    ask(p, VICI_EVENT_REGISTER, str_of(events[0]), NULL, 0);
}
void ipsec_peers_down(struct ipsec_peers *p) { link_lost(p); }
bool ipsec_peers_is_up(const struct ipsec_peers *p) { return p->step != STEP_DOWN; }
uint32_t ipsec_peers_count(const struct ipsec_peers *p) { return p->n_sas; }

/* ---- those who ask ---- */
static void waited(struct timer *t)
{
    struct ipsec_waiter *w = CONTAINER(t, struct ipsec_waiter, timer);
    list_remove(&w->link);
    w->fn(w);
}
void ipsec_peers_wait(struct ipsec_peers *p, struct ipsec_waiter *w, void (*fn)(struct ipsec_waiter *))
{
    *w = (struct ipsec_waiter){.fn = fn, .round = p->round + 1};
    list_append(&p->waiters, &w->link);
    timer_set(&p->rt->timers, &w->timer, ipsec_now_us(p) + (p->step == STEP_DOWN ? 0 : PATIENCE_US), waited);
    next_plan(p);
}
void ipsec_peers_cancel(struct ipsec_peers *p, struct ipsec_waiter *w)
{
    list_remove(&w->link);
    timer_stop(&p->rt->timers, &w->timer);
}
void ipsec_peers_listen(struct ipsec_peers *p, void (*fn)(void *ctx, const struct net_addr *), void *ctx)
{
    p->told = fn;
    p->told_ctx = ctx;
}

/* ---- life ---- */
int ipsec_peers_new(struct ipsec_peers **out, const struct ipsec_peers_conf *conf)
{
    struct ipsec_peers *p = calloc(1, sizeof *p);
    int e = p ? OK : ERR_NOSPACE;
    *out = NULL;
    if (!p)
        return e;
    p->conf = *conf;
    p->rt = conf->rt;
    p->authority_n = conf->authority.n;
    list_init(&p->sas);
    list_init(&p->waiters);
    list_init(&p->to_ask);
    map_init(&p->by_spis, rt_random(p->rt), rt_random(p->rt));
    map_init(&p->by_host, rt_random(p->rt), rt_random(p->rt));
    p->authority = malloc(conf->authority.n + 1u);
    if (p->authority) {
        memcpy(p->authority, conf->authority.p ? conf->authority.p : "", conf->authority.n);
        e = (p->anchors = anchors_new(p)) ? OK : ERR_SYNTAX;
    } else {
        e = ERR_NOSPACE;
    }
    if (e < 0)
        ipsec_peers_free(p);
    else
        *out = p;
    return e;
}
void ipsec_peers_free(struct ipsec_peers *p)
{
    if (!p)
        return;
    p->told = NULL;
    timers_off(p);
    timer_stop(&p->rt->timers, &p->recheck);
    timer_stop(&p->rt->timers, &p->down);
    for (struct link *l; (l = list_pop(&p->waiters));)
        timer_stop(&p->rt->timers, &CONTAINER(l, struct ipsec_waiter, link)->timer);
    while (!list_empty(&p->sas))
        ipsec_sa_drop(p, CONTAINER(p->sas.next, struct sa, link));
    map_free(&p->by_spis);
    map_free(&p->by_host);
    identity_anchors_free(p->anchors);
    free(p->authority);
    free(p->lists_in);
    free(p->in);
    free(p);
}
