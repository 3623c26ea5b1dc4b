/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - what the UPF says of itself: counters, associations, data networks, paths, a session. */
#include "nf/upf/state.h"
#include <stdarg.h>
#include <stdio.h>

void upf_counters_take(struct upf *u)
{
    uint64_t v[DP_COUNTERS];
    struct metrics *m = u->rt->metrics;
    user_plane_counters(u->up, v);
#define COUNTER(name, text) metric_set(m, METRIC_dp_##name, v[DP_##name]);
#define OWN(name, text)
#include "../../../spec/dp_counters.def"
#undef COUNTER
    metric_set(m, METRIC_n3_in_octets, v[DP_access_in_octets]);
    metric_set(m, METRIC_n3_out_octets, v[DP_access_out_octets]);
    metric_set(m, METRIC_n6_in_octets, v[DP_core_in_octets]);
    metric_set(m, METRIC_n6_out_octets, v[DP_core_out_octets]);
    if (v[DP_spoofed] > u->seen_spoofed)
        LOG(u->rt->log, ue_address_spoofed, "packets=%llu",
            (unsigned long long)(v[DP_spoofed] - u->seen_spoofed));
    if (v[DP_teid_unknown] > u->seen_unknown)
        LOG(u->rt->log, gtpu_teid_unknown, "packets=%llu",
            (unsigned long long)(v[DP_teid_unknown] - u->seen_unknown));
    u->seen_spoofed = v[DP_spoofed];
    u->seen_unknown = v[DP_teid_unknown];
}

const char *rule_addr_text(const struct rule_addr *r, char buf[NET_ADDR_TEXT])
{
    struct net_addr a = {.family = r->family};
    memcpy(a.ip, r->ip, sizeof a.ip);
    return addr_text(&a, buf);
}

struct str instance_name(const struct upf *u, uint16_t instance)
{
    return instance < u->config->n_n6 ? u->config->n6[instance].dnn : STR("?");
}

/* ---- a line a fact ---- */
struct lines {
    void (*line)(void *ctx, const char *text);
    void *ctx;
};
static void say(const struct lines *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct lines *l, const char *format, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    l->line(l->ctx, text);
}

static void associations_say(struct upf *u, const struct lines *l)
{
    char peer[NET_ADDR_TEXT], node[128];
    uint32_t i = 0;
    for (struct pfcp_assoc *a; (a = slab_next(&u->pfcp.assocs, &i));) {
        uint32_t n = 0, k = 0;
        for (struct upf_session *s; (s = slab_next(&u->sessions, &k));)
            n += s->assoc == a && !s->going;
        if (pfcp_node_id_text(&a->node_id, node, sizeof node) < 0)
            node[0] = 0;
        say(l, "smf %s %s, node %s, %u sessions", addr_text(&a->peer, peer),
            a->is_up ? "associated" : "does not answer", node, n);
    }
    const struct pfcp_counts *c = &u->pfcp.counts;
    say(l, "n4 messages: %llu received, %llu sent, %llu sent again, %llu without answer, %llu malformed",
        (unsigned long long)c->rx, (unsigned long long)c->tx, (unsigned long long)c->resent,
        (unsigned long long)c->timeouts, (unsigned long long)c->malformed);
}

static void networks_say(struct upf *u, const struct lines *l)
{
    uint32_t n[DP_INSTANCES] = {0}, i = 0;
    for (struct upf_session *s; (s = slab_next(&u->sessions, &i));)
        if (s->rules && !s->going)
            n[s->common.instance % DP_INSTANCES]++;
    for (i = 0; i < u->config->n_n6; i++)
        say(l, "data network " STR_FMT " (%s): %u sessions", STR_ARG(u->config->n6[i].dnn), u->config->n6[i].tun.p, n[i]);
}

static void paths_say(struct upf *u, const struct lines *l)
{
    enum { SHOWN = 50 };
    char peer[NET_ADDR_TEXT];
    uint32_t i = 0, n = 0;
    for (struct upf_path *p; (p = slab_next(&u->paths, &i));) {
        if (++n > SHOWN && !p->lost)
            continue;
        say(l, "gtp-u peer %s %s, %u tunnels", rule_addr_text(&p->peer, peer),
            p->lost ? "does not answer" : "in use", p->users);
    }
    if (n > SHOWN)
        say(l, "gtp-u peers: %u in all; of those that answer %d are listed", n, SHOWN);
}

static void packets_say(const uint64_t v[DP_COUNTERS], const struct lines *l)
{
    say(l, "packets to data networks %llu, to gNBs %llu, buffered %llu", (unsigned long long)v[DP_to_core],
        (unsigned long long)v[DP_to_tunnel], (unsigned long long)v[DP_held]);
#define FATE(name, text)
#define ALSO(name, text)
#define OWN(name, text)                                                                            \
    if (v[DP_##name])                                                                              \
        say(l, "%s %llu", text, (unsigned long long)v[DP_##name]);
#define DROP(name, text)                                                                           \
    if (v[DP_##name])                                                                              \
        say(l, "dropped %llu: %s (%s)", (unsigned long long)v[DP_##name], text, #name);
#include "../../../spec/dp_counters.def"
}

void upf_status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    struct upf *u = state;
    const struct lines l = {line, ctx};
    char text[256] = "";
    uint64_t v[DP_COUNTERS];
    upf_counters_take(u);
    user_plane_counters(u->up, v);
    if (u->up->ops->text) {
        u->up->ops->text(u->up, text, sizeof text);
        say(&l, "data path %s", text);
    }
    say(&l, "sessions %u of %u", u->sessions.used - u->going, u->sessions.max);
    associations_say(u, &l);
    networks_say(u, &l);
    packets_say(v, &l);
    paths_say(u, &l);
}

/* ---- a session ---- */
static const char *const interfaces[] = { /* by enum rule_interface */
    [RULE_ACCESS] = "access", [RULE_CORE] = "core", [RULE_CP_FUNCTION] = "the control plane", [RULE_LAN] = "members of the LAN"};
static const char *action_text(uint8_t a)
{
    return a & RULE_FORW   ? "forward"
           : a & RULE_BUFF ? a & RULE_NOCP ? "buffer and tell the SMF" : "buffer"
           : a & RULE_NOCP ? "drop and tell the SMF"
                           : "drop";
}

static void far_text(const struct upf *u, const struct upf_session *s, const struct upf_rules *r, uint32_t id, struct text *t)
{
    char peer[NET_ADDR_TEXT];
    for (uint32_t i = 0; i < r->far_n; i++) {
        const struct rule_far *f = &r->far[i].rule;
        if (f->id != id)
            continue;
        text_add(t, " FAR %u %s%s", id, action_text(f->action), f->action & RULE_DUPL ? ", copied under a warrant," : "");
        if (f->peer.family)
            text_add(t, " into tunnel 0x%08x of %s", f->teid, rule_addr_text(&f->peer, peer));
        else if (f->action & RULE_FORW && f->destination == RULE_CORE)
            text_add(t, " to data network " STR_FMT,
                     STR_ARG(instance_name(u, f->instance == UINT16_MAX ? s->common.instance : f->instance)));
        else if (f->action & RULE_FORW)
            text_add(t, " to %s%s", interfaces[f->destination], f->destination == RULE_ACCESS ? ", not known yet" : "");
    }
}

static void pdr_text(const struct upf *u, const struct upf_session *s, const struct upf_rules *r, const struct rule_pdr *p,
                     const struct upf_pdr_count *c, struct text *t)
{
    text_add(t, "  PDR %u from %s, precedence %u", p->id, interfaces[p->source], p->precedence);
    if (p->teid)
        text_add(t, ", tunnel 0x%08x", p->teid);
    if (p->qfis)
        text_add(t, ", of some QFIs");
    if (p->sdf_n)
        text_add(t, ", %u filters", p->sdf_n);
    if (p->eth_n)
        text_add(t, ", %u Ethernet filters", p->eth_n);
    text_add(t, ":");
    far_text(u, s, r, p->far_id, t);
    for (unsigned i = 0; i < p->qer_n; i++)
        text_add(t, "%s %u", i ? "," : "; QER", p->qer_id[i]);
    for (unsigned i = 0; i < p->urr_n; i++)
        text_add(t, "%s %u", i ? "," : "; URR", p->urr_id[i]);
    if (c)
        text_add(t, "; forwarded %llu packets, %llu octets", (unsigned long long)c->packets, (unsigned long long)c->octets);
    text_add(t, "\n");
}

static void qer_text(const struct rule_qer *q, struct text *t)
{
    text_add(t, "  QER %u: gate %s up, %s down", q->id, q->gate_ul_closed ? "closed" : "open",
             q->gate_dl_closed ? "closed" : "open");
    if (q->has_mbr)
        text_add(t, ", at most %llu kbit/s up, %llu down", (unsigned long long)q->mbr_ul_kbit,
                 (unsigned long long)q->mbr_dl_kbit);
    if (q->qfi)
        text_add(t, ", QFI %u%s", q->qfi, q->reflective ? " reflective" : "");
    text_add(t, "\n");
}

void session_text(const struct upf *u, const struct upf_session *s, const struct upf_pdr_count *c, uint32_t n,
                  struct text *t)
{
    char at[NET_ADDR_TEXT];
    const struct upf_common *k = &s->common;
    struct rule_addr a = {.family = 4};
    text_add(t, "session 0x%016llx of SMF %s, there 0x%016llx; data network " STR_FMT,
             (unsigned long long)upf_seid(u, s), addr_text(&s->cp, at), (unsigned long long)s->cp_seid,
             STR_ARG(instance_name(u, k->instance)));
    memcpy(a.ip, k->ipv4, 4);
    if (k->has_ipv4)
        text_add(t, ", phone %s", rule_addr_text(&a, at));
    a = (struct rule_addr){.family = 6};
    memcpy(a.ip, k->ipv6_prefix, 8);
    if (k->has_ipv6)
        text_add(t, ", phone %s/64", rule_addr_text(&a, at));
    if (k->is_ethernet)
        text_add(t, ", Ethernet");
    text_add(t, "\n");
    const struct upf_rules *r = upf_rules(u, s);
    for (uint32_t i = 0; r && i < r->pdr_n; i++) {
        const struct upf_pdr_count *of = NULL;
        for (uint32_t x = 0; x < n && !of; x++)
            of = c[x].id == r->pdr[i].id ? &c[x] : NULL;
        pdr_text(u, s, r, &r->pdr[i], of, t);
    }
    for (uint32_t i = 0; r && i < r->qer_n; i++)
        qer_text(&r->qer[i], t);
}
