/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/guard_parts.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "rt/evidence.h"
#include "rt/meter.h"
#include "rt/metrics.h"
#include "trust/inventory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *text, *fight, *effect;
} rows[] = {
#define DETECTION(id, name, text, fight, effect) {name, text, fight, effect},
#include "../../spec/detections.def"
#undef DETECTION
};
const char *guard_name(enum guard_detection d) { return rows[d].name; }
const char *guard_text(enum guard_detection d) { return rows[d].text; }
const char *guard_fight(enum guard_detection d) { return rows[d].fight; }
const char *guard_effect(enum guard_detection d) { return rows[d].effect; }
static const char *label(uint32_t i) { return i < GUARD_DETECTIONS ? rows[i].name : NULL; }
uint64_t guard_count(const struct guard *g, enum guard_detection d) { return g->count[d]; }

/* ---- who is watched ---- */
void guard_ue_drop(struct guard *g, struct guard_ue *u)
{
    if (g->last_ue == u)
        g->last_ue = NULL;
    list_remove(&u->on_peer);
    map_del_u64(&g->ue_by_id, u->id);
    slab_drop(&g->ues, u);
}
void guard_session_drop(struct guard *g, struct guard_session *s)
{
    list_remove(&s->on_peer);
    map_del_u64(&g->session_by_seid, s->seid);
    slab_drop(&g->sessions, s);
}
void guard_peer_forget(struct guard *g, struct guard_peer *p)
{
    while (!list_empty(&p->ues))
        guard_ue_drop(g, CONTAINER(p->ues.next, struct guard_ue, on_peer));
    while (!list_empty(&p->sessions))
        guard_session_drop(g, CONTAINER(p->sessions.next, struct guard_session, on_peer));
}
void guard_peer_drop(struct guard *g, struct guard_peer *p)
{
    guard_peer_forget(g, p);
    if (g->last_peer == p)
        g->last_peer = NULL;
    list_remove(&p->on_guard);
    map_del_u64(&g->peer_by_key, p->key);
    slab_drop(&g->peers, p);
}
static struct guard_peer *peer_new(struct guard *g)
{
    struct guard_peer *p = slab_new(&g->peers);
    if (p || list_empty(&g->order))
        return p;
    /* Nodes that are gone are not taken leave of. Who only comes and goes pushes out others who do, and none that serves. */
    guard_peer_drop(g, CONTAINER(g->order.next, struct guard_peer, on_guard));
    return slab_new(&g->peers);
}
struct guard_peer *guard_peer(struct guard *g, uint64_t key)
{
    struct guard_peer *p = g->last_peer && g->last_peer->key == key ? g->last_peer : map_get_u64(&g->peer_by_key, key);
    g->last_peer = p;
    if (p && p->in_service)
        guard_peer_serves(g, p);
    if (p || !(p = peer_new(g)))
        return p;
    p->key = key;
    snprintf(p->name, sizeof p->name, "?");
    list_init(&p->ues);
    list_init(&p->sessions);
    if (map_put_u64(&g->peer_by_key, key, p) == 0) {
        list_append(g->order.next, &p->on_guard); /* before all others */
        return p;
    }
    slab_drop(&g->peers, p);
    return NULL;
}
uint64_t guard_key_at(const struct guard *g, enum guard_at at, const struct net_addr *a)
{
    uint64_t hash = siphash24(g->conf.secret[0], g->conf.secret[1], a->ip, a->family == 4 ? 4 : sizeof a->ip);
    return 1ull << at | hash >> 2 | 1;
}
void guard_peer_serves(struct guard *g, struct guard_peer *p)
{
    p->in_service = true;
    if (g->order.prev == &p->on_guard)
        return;
    list_remove(&p->on_guard);
    list_append(&g->order, &p->on_guard);
}
struct guard_ue *guard_ue(struct guard *g, uint64_t id)
{
    if (!g->last_ue || g->last_ue->id != id)
        g->last_ue = map_get_u64(&g->ue_by_id, id);
    return g->last_ue;
}
struct guard_ue *guard_ue_of(struct guard *g, struct guard_peer *p, uint64_t id)
{
    struct guard_ue *u = guard_ue(g, id);
    if (!u) {
        if (g->ues.used == g->ues.max && !list_empty(&p->ues)) /* who has too many loses his own */
            guard_ue_drop(g, CONTAINER(p->ues.next, struct guard_ue, on_peer));
        if (!(u = slab_new(&g->ues)))
            return NULL;
        u->id = id;
        if (map_put_u64(&g->ue_by_id, id, u) < 0) {
            slab_drop(&g->ues, u);
            return NULL;
        }
    }
    if (u->peer != p) {
        list_remove(&u->on_peer);
        list_append(&p->ues, &u->on_peer);
        u->peer = p;
    }
    return u;
}
struct guard_session *guard_session_of(struct guard *g, struct guard_peer *p, uint64_t seid)
{
    struct guard_session *s = map_get_u64(&g->session_by_seid, seid);
    if (!s) {
        if (g->sessions.used == g->sessions.max && !list_empty(&p->sessions))
            guard_session_drop(g, CONTAINER(p->sessions.next, struct guard_session, on_peer));
        if (!(s = slab_new(&g->sessions)))
            return NULL;
        s->seid = seid;
        if (map_put_u64(&g->session_by_seid, seid, s) < 0) {
            slab_drop(&g->sessions, s);
            return NULL;
        }
    }
    if (s->owner != p) {
        list_remove(&s->on_peer);
        list_append(&p->sessions, &s->on_peer);
        s->owner = p;
    }
    return s;
}

/* ---- what is found ---- */
static struct guard_told *window(struct guard *g, struct guard_told *t)
{
    if (!t->since_us || g->rt->now_us - t->since_us >= GUARD_WINDOW_US)
        *t = (struct guard_told){.since_us = g->rt->now_us ? g->rt->now_us : 1};
    return t;
}
bool guard_burst(struct guard *g, enum guard_detection d, struct guard_peer *p)
{
    struct guard_told *t = window(g, &p->of[d]);
    if (++t->burst < GUARD_BURST)
        return false;
    t->burst = 0;
    return true;
}

static const char *interface_text(enum tap_interface i)
{
    static const char *const names[] = {"N1", "N2", "N3", "N4", "N6", "SBI"};
    return names[i];
}
enum { KEPT_MAX = 16384 }; /* octets of a message, in evidence */
static void keep(struct guard *g, const struct guard_finding *f)
{
    char body[1200];
    struct text t = text_over(body, sizeof body);
    const struct tap_event *e = f->message;
    struct evidence_message m = {.interface = interface_text(e->interface), .is_sent = e->direction == TAP_TX, .octets = e->raw};
    text_add(&t, "{\"detection\":\"%s\",\"what\":\"%s\",\"why\":\"%s\",\"message\":\"%s\",\"techniques\":\"%s\",\"effect\":\"%s\"",
             rows[f->detection].name, rows[f->detection].text, f->why, e->name, rows[f->detection].fight,
             rows[f->detection].effect);
    if (e->raw.n > KEPT_MAX) { /* an entry has no room for all of it, and whoever pads is not to be left out */
        m.octets.n = KEPT_MAX;
        text_add(&t, ",\"octets\":%u,\"kept\":%u", e->raw.n, KEPT_MAX);
    }
    text_add(&t, "}");
    evidence_append_messages(g->rt->evidence, EVIDENCE_finding, str_of(f->subject), (struct str){body, t.n}, &m, e->raw.n ? 1 : 0);
}
void guard_find(struct guard *g, enum guard_detection d, struct guard_peer *p, const struct tap_event *e, const char *format, ...)
{
    char why[256];
    struct guard_finding f = {d, p ? p->name : "?", why, e};
    va_list ap;
    g->count[d]++;
    metric_add_at(g->rt->metrics, METRIC_findings, d, 1);
    /* who attacks a thousand times a second fills no disk */
    if ((p && window(g, &p->of[d])->told++ >= GUARD_TOLD) || window(g, &g->all[d])->told++ >= GUARD_TOLD_ALL)
        return;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    LOG(g->rt->log, finding, "detection=%s subject=\"%s\" message=\"%s\" why=\"%s\"", rows[d].name, f.subject, e->name, why);
    keep(g, &f);
    g->latest[d].at_unix_us = env_unix_us(g->rt->env);
    snprintf(g->latest[d].subject, sizeof g->latest[d].subject, "%s", f.subject);
    snprintf(g->latest[d].why, sizeof g->latest[d].why, "%.*s", (int)sizeof g->latest[d].why - 1, why);
    if (g->conf.found)
        g->conf.found(g->conf.ctx, &f);
}

void guard_status(const struct guard *g, void (*line)(void *, const char *), void *ctx)
{
    char text[512], at[INV_TIME_TEXT];
    uint32_t kinds = 0;
    for (uint32_t d = 0; d < GUARD_DETECTIONS; d++) {
        const struct guard_latest *l = &g->latest[d];
        if (!l->at_unix_us)
            continue;
        kinds++;
        snprintf(text, sizeof text, "%s %llu time%s, the latest told at %s: %s: %s", rows[d].name, (unsigned long long)g->count[d],
                 g->count[d] == 1 ? "" : "s", inv_time_text(l->at_unix_us, at), l->subject, l->why);
        line(ctx, text);
        snprintf(text, sizeof text, "  %s; %s", rows[d].text, rows[d].effect);
        line(ctx, text);
    }
    if (!kinds)
        line(ctx, "no findings since the start");
}

/* ---- listening ---- */
static void tapped(void *ctx, const struct tap_event *e)
{
    struct guard *g = ctx;
    struct meter_start began = meter_sample(g->rt->trust_meter);
    if (e->interface == TAP_N2)
        guard_n2(g, e);
    else if (e->interface == TAP_N1)
        guard_n1(g, e);
    else if (e->interface == TAP_N3)
        guard_n3(g, e);
    else if (e->interface == TAP_N4)
        guard_n4(g, e);
    meter_end(g->rt->trust_meter, began);
}
int guard_open(struct guard **out, struct rt *rt, const struct guard_conf *c)
{
    struct guard *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NOSPACE;
    g->rt = rt;
    g->conf = *c;
    g->since_us = rt->now_us;
    list_init(&g->order);
    map_init(&g->peer_by_key, c->secret[0], c->secret[1]);
    map_init(&g->ue_by_id, c->secret[0], c->secret[1]);
    map_init(&g->session_by_seid, c->secret[0], c->secret[1]);
    if (slab_init(&g->peers, "guard peer", sizeof(struct guard_peer), GUARD_PEERS) < 0 ||
        slab_init(&g->ues, "guard ue", sizeof(struct guard_ue), c->max_ues) < 0 ||
        slab_init(&g->sessions, "guard session", sizeof(struct guard_session), c->max_sessions) < 0) {
        guard_free(g);
        return ERR_NOSPACE;
    }
    metrics_labels(rt->metrics, METRIC_findings, label);
    g->tap = (struct tap){.fn = tapped, .ctx = g};
    rt_tap_add(rt, &g->tap);
    *out = g;
    return OK;
}
void guard_free(struct guard *g)
{
    if (!g)
        return;
    rt_tap_remove(g->rt, &g->tap);
    slab_free(&g->peers);
    slab_free(&g->ues);
    slab_free(&g->sessions);
    map_free(&g->peer_by_key);
    map_free(&g->ue_by_id);
    map_free(&g->session_by_seid);
    free(g);
}
