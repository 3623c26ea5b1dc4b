/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario in the simulated network of `redoubt sim`, under the same checkers. */
#include "cmd/scenario_run.h"
#include "cmd/sim_check.h"
#include "codec/ngap.h"
#include "codec/pfcp.h"
#include "sim/pcap.h"
#include <stdlib.h>

enum { FAULTS_MAX = 32, REST_S = 40, GTPU_UDP = 2152 };
enum what { DROP, DOUBLE, DELAY, CORRUPT };
struct fault {
    uint32_t left; /* messages; 0: free */
    enum what what;
    uint8_t link;
    uint32_t type;
    uint64_t delay_us, at;
};
struct sim_bed {
    struct sim_net n;
    struct sim_check c;
    struct scenario_run *run;
    struct tap taps[3];
    void (*line)(void *ctx, struct str line);
    struct fault fault[FAULTS_MAX];
    bool n3_cut, n4_cut;
    struct str sets[64];
    uint32_t n_sets;
    struct world_pcap pcap;
};

/* ---- what is there ---- */
static const struct scenario_step *setup_of(const struct sim_bed *b, enum scenario_op op, uint32_t ue, uint32_t nth)
{
    for (uint32_t i = 0; i < b->run->s->n; i++) {
        const struct scenario_step *s = &b->run->s->steps[i];
        if (s->op == op && (!ue || s->arg[0].n == ue) && nth-- == 0)
            return s;
    }
    return NULL;
}
static void shape(void *ctx, uint32_t phone, struct ue_config *u, struct subscriber *sub, bool *is_subscriber)
{
    struct sim_bed *b = ctx;
    const struct scenario_step *s;
    for (uint32_t i = 0; u && (s = setup_of(b, SCENARIO_ue_flaw, phone + 1, i)); i++)
        scenario_flaw(s, u);
    if (u && (s = setup_of(b, SCENARIO_ue_slice, phone + 1, 0)))
        scenario_slice(s->arg[1].s, &u->slices[0]);
    if (sub && (s = setup_of(b, SCENARIO_sub_auth, phone + 1, 0)))
        sub->auth = s->arg[1].n ? SUBSCRIBER_AUTH_EAP_AKA_PRIME : SUBSCRIBER_AUTH_5G_AKA;
    if (sub && setup_of(b, SCENARIO_sub_absent, phone + 1, 0))
        *is_subscriber = false;
}
static void plan(struct sim_bed *b, struct sim_plan *p)
{
    const struct scenario *c = b->run->s;
    const struct scenario_step *s = setup_of(b, SCENARIO_seed, 0, 0);
    *p = (struct sim_plan){.seed = s ? s->arg[0].n : 1, .phones = c->ues, .phones_drawn = c->ues, .cells = c->gnbs,
                           .links = {.delay_min_us = 50, .delay_max_us = 250}};
    s = setup_of(b, SCENARIO_suci, 0, 0);
    p->suci = s ? (uint8_t)s->arg[0].n : SUCI_NULL;
    s = setup_of(b, SCENARIO_calls, 0, 0);
    p->json = s && s->arg[0].n;
    while (b->n_sets < ARRAY_LEN(b->sets) && (s = setup_of(b, SCENARIO_config, 0, b->n_sets)))
        b->sets[b->n_sets++] = s->arg[0].s;
    b->n.sets = b->sets;
    b->n.n_sets = b->n_sets;
}

/* ---- what is seen: each message where it is sent ---- */
static void on_tap(void *ctx, const struct tap_event *e)
{
    struct sim_bed *b = ctx;
    if (e->interface == TAP_SBI ? e->direction != TAP_RX : e->direction != TAP_TX)
        return;
    switch (e->interface) {
    case TAP_N1: scenario_saw_nas(b->run, e); break;
    case TAP_N2: scenario_saw(b->run, SCENARIO_N2, e->type, e->value); break;
    case TAP_N4: scenario_saw(b->run, SCENARIO_N4, e->type, e->value); break;
    case TAP_SBI: scenario_saw(b->run, SCENARIO_SBI, e->type, NULL); break;
    default: break;
    }
}
static void on_line(void *ctx, struct str line)
{
    struct sim_bed *b = ctx;
    scenario_logged(b->run, line);
    b->line(&b->c, line);
}
static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct sim_bed *b = ctx;
    scenario_happened(b->run, sim_phone_of(&b->n, ue), e);
    if (e->kind == UE_DATA)
        sim_check_received(&b->c, sim_phone_of(&b->n, ue), e->psi, e->data);
}
/* In a scenario equipment may do what it must not: `expect log finding`. */
static void found(void *ctx, const struct guard_finding *f) {}
static void watch(struct sim_bed *b)
{
    sim_check_start(&b->c, &b->n);
    b->n.found = found;
    for (uint32_t i = 0; i < 3; i++) {
        b->taps[i] = (struct tap){.fn = on_tap, .ctx = b};
        b->n.tap[i].next = &b->taps[i];
    }
    b->line = b->n.log.line;
    b->n.log.line = on_line;
    b->n.log.ctx = b;
    b->n.event = on_event;
    b->n.ctx = b;
}

/* ---- links ---- */
static bool link_and_type(const struct world_packet *k, uint8_t *link, uint32_t *type)
{
    if (k->octets.n < 4)
        return false;
    *link = k->is_sctp ? SCENARIO_N2 : SCENARIO_N4;
    if (k->is_sctp)
        *type = ngap_msg_of(k->octets.p[1], k->octets.p[0] >> 5);
    else
        *type = k->octets.p[1];
    return k->is_sctp || k->to.port == PFCP_PORT || k->from.port == PFCP_PORT;
}
static void meddle(void *ctx, const struct world_packet *k, struct world_fate *fate)
{
    struct sim_bed *b = ctx;
    uint8_t link = 0;
    uint32_t type = 0;
    bool is_n4 = !k->is_sctp && (k->to.port == PFCP_PORT || k->from.port == PFCP_PORT);
    if ((is_n4 && b->n4_cut) || (!k->is_sctp && k->to.port == GTPU_UDP && b->n3_cut))
        fate->copies = 0;
    if (!link_and_type(k, &link, &type))
        return;
    for (uint32_t i = 0; i < FAULTS_MAX; i++) {
        struct fault *f = &b->fault[i];
        if (!f->left || f->link != link || f->type != type)
            continue;
        f->left--;
        switch (f->what) {
        case DROP: fate->copies = 0; break;
        case DOUBLE: fate->copies = 2; break;
        case DELAY: fate->delay_us = f->delay_us; break;
        case CORRUPT:
            fate->flip = 0x55;
            fate->at = (uint32_t)f->at;
            break;
        }
        return;
    }
}
static int fault_add(struct sim_bed *b, const struct fault *f, struct text *why)
{
    if (f->link != SCENARIO_N2 && f->link != SCENARIO_N4) {
        text_add(why, "expected n2 or n4; what a phone sends or gets is 'ue N lose next …', for it is ciphered on its way");
        return ERR_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < FAULTS_MAX; i++)
        if (!b->fault[i].left) {
            b->fault[i] = *f;
            return OK;
        }
    text_add(why, "too many faults wait");
    return ERR_FULL;
}
static int link_step(struct sim_bed *b, const struct scenario_step *s, struct text *why)
{
    struct fault f = {.left = 1, .link = (uint8_t)s->arg[0].n, .type = (uint32_t)s->arg[1].n, .at = UINT32_MAX};
    switch (s->op) {
    case SCENARIO_link_drop:
        f.left = s->arg[1].is_there ? (uint32_t)s->arg[1].n : 1;
        f.type = (uint32_t)s->arg[2].n;
        return fault_add(b, &f, why);
    case SCENARIO_link_double: f.what = DOUBLE; return fault_add(b, &f, why);
    case SCENARIO_link_delay:
        f.what = DELAY;
        f.delay_us = s->arg[2].n;
        return fault_add(b, &f, why);
    case SCENARIO_link_corrupt:
        f.what = CORRUPT;
        f.at = s->arg[2].is_there ? s->arg[2].n : UINT32_MAX;
        return fault_add(b, &f, why);
    default: break;
    }
    bool cut = s->op == SCENARIO_link_cut;
    switch (s->arg[0].n + !cut) { /* n2|n3|n4|n6 and n3|n4|n6 */
    case 0: world_cut_all(b->n.w, b->n.ran_env); break;
    case 1: b->n3_cut = cut; break;
    case 2: b->n4_cut = cut; break;
    default: b->n.dn.silent = cut; break;
    }
    return OK;
}

/* ---- the core ---- */
static struct smf_session *smf_session_of(struct sim_bed *b, const struct scenario_step *s)
{
    char supi[24];
    return b->n.smf ? smf_session_find(b->n.smf, sim_supi(&b->n, (uint32_t)s->arg[0].n - 1, supi), (uint8_t)s->arg[1].n) : NULL;
}
static int amf_step(struct sim_bed *b, const struct scenario_step *s, struct text *why)
{
    struct amf_ue *a = sim_amf_ue(&b->n, (uint32_t)s->arg[0].n - 1);
    if (!amf_ue_is_registered(a)) {
        text_add(why, "the AMF has no such phone");
        return ERR_NOTFOUND;
    }
    rt_enter(&b->n.core);
    if (s->op == SCENARIO_amf_dereg || s->op == SCENARIO_amf_again) {
        amf_deregister(a, s->op == SCENARIO_amf_again, 0);
        return OK;
    }
    a->pending = (uint8_t)(a->pending | AMF_PENDING_CONFIGURATION | AMF_PENDING_GUTI);
    amf_pending_start(a);
    return OK;
}
static int smf_step(struct sim_bed *b, const struct scenario_step *s, struct text *why)
{
    struct smf_session *m = smf_session_of(b, s);
    if (!m) {
        text_add(why, "the SMF has no such session");
        return ERR_NOTFOUND;
    }
    rt_enter(&b->n.core);
    smf_collide(m, &(struct smf_input){.event = SMF_EV_NETWORK_RELEASE});
    return OK;
}
static int dn_step(struct sim_bed *b, const struct scenario_step *s, struct text *why)
{
    static const struct net_addr far = {4, 7, {8, 8, 8, 8}};
    uint8_t p[200];
    struct net_addr to = {.family = 4};
    const struct ue_session *x = ue_session_find(b->n.ue[s->arg[0].n - 1], (uint8_t)s->arg[1].n);
    int tun = x && b->n.upf ? world_tun(b->n.w, b->n.upf_env, NULL, str_is(str_of(x->dnn), "ims") ? "n6ims" : "n6internet") : ERR_NOTFOUND;
    if (tun < 0 || x->type == NAS_PDU_IPV6) {
        text_add(why, "the phone has no such session with an IPv4 address, or there is no UPF");
        return ERR_NOTFOUND;
    }
    memcpy(to.ip, x->ipv4, 4);
    uint32_t k = echo_request(&far, &to, 77, 1, 32, p, sizeof p);
    return world_inject(b->n.w, tun, (struct bytes){p, k});
}
static int life_step(struct sim_bed *b, const struct scenario_step *s, struct text *why)
{
    struct sim_net *n = &b->n;
    bool core = s->op == SCENARIO_core_kill || s->op == SCENARIO_core_start;
    bool runs = core ? n->amf != NULL : n->upf != NULL, start = s->op == SCENARIO_core_start || s->op == SCENARIO_upf_start;
    if (runs == start) {
        text_add(why, runs ? "it runs already" : "it does not run");
        return ERR_STATE;
    }
    if (start)
        return core ? sim_core_start(n) : sim_upf_start(n);
    core ? sim_core_kill(n, 0) : sim_upf_kill(n);
    return OK;
}
static int bed_step(struct scenario_run *r, const struct scenario_step *s, struct text *why)
{
    struct sim_bed *b = r->bed.ctx;
    switch (s->op) {
    case SCENARIO_amf_dereg: case SCENARIO_amf_again: case SCENARIO_amf_config: return amf_step(b, s, why);
    case SCENARIO_smf_release: return smf_step(b, s, why);
    case SCENARIO_dn_send: return dn_step(b, s, why);
    case SCENARIO_sub_remove: return sim_unsubscribe(&b->n, (uint32_t)s->arg[0].n - 1);
    case SCENARIO_sub_add: return sim_subscribe(&b->n, (uint32_t)s->arg[0].n - 1);
    case SCENARIO_store_fail: store_memory_fail(b->n.store, "disk full", true); return OK;
    case SCENARIO_store_mend: store_memory_fail(b->n.store, NULL, false); return OK;
    case SCENARIO_clock: world_step_clock(b->n.w, b->n.core_env, (int64_t)s->arg[0].n); return OK;
    case SCENARIO_core_kill: case SCENARIO_core_start: case SCENARIO_upf_kill: case SCENARIO_upf_start:
        return life_step(b, s, why);
    default: return link_step(b, s, why);
    }
}

/* ---- what must be so inside ---- */
static bool amf_holds(const struct amf_ue *a, uint64_t what, struct text *is)
{
    bool registered = amf_ue_is_registered(a), connected = a && a->conn;
    text_add(is, "it is %s, %s", registered ? "registered" : "deregistered", connected ? "connected" : "idle");
    return what == 0 ? registered : what == 1 ? !registered : what == 2 ? connected : !connected;
}
static bool smf_holds(const struct smf_session *m, uint64_t what, struct text *is)
{
    bool active = m && m->state == SMF_ACTIVE, up = active && m->up_state == SMF_UP_ON;
    text_add(is, "it is %s", !m ? "absent" : !active ? "being established or released" : up ? "active, with its user plane"
                                                                                             : "active, without user plane");
    return what == 0 ? active : what == 1 ? !m : what == 2 ? up : active && m->up_state == SMF_UP_OFF;
}
static bool many(const struct scenario_step *s, uint32_t op, uint64_t is, struct text *text)
{
    text_add(text, "it is %llu", (unsigned long long)is);
    return scenario_compares(&s->arg[op], is, s->arg[op + 1].n);
}
static bool bed_holds(struct scenario_run *r, const struct scenario_step *s, struct text *is)
{
    struct sim_bed *b = r->bed.ctx;
    struct sim_net *n = &b->n;
    switch (s->op) {
    case SCENARIO_is_amf: return amf_holds(sim_amf_ue(n, (uint32_t)s->arg[0].n - 1), s->arg[1].n, is);
    case SCENARIO_is_amf_many: return many(s, 0, n->amf ? n->amf->ues->registered : 0, is);
    case SCENARIO_is_smf: return smf_holds(smf_session_of(b, s), s->arg[2].n, is);
    case SCENARIO_is_smf_many: return many(s, 0, n->smf ? n->smf->sessions.used : 0, is);
    case SCENARIO_is_upf_many: return many(s, 0, n->upf ? n->upf->sessions.used - n->upf->going : 0, is);
    case SCENARIO_is_metric:
        return many(s, 2, metric_get_at(n->metrics, (enum metric)s->arg[0].n, (uint32_t)s->arg[1].n), is);
    default: return false;
    }
}

/* ---- time ---- */
static uint64_t bed_now(void *ctx)
{
    const struct sim_bed *b = ctx;
    return b->n.w ? world_now_us(b->n.w) : 0;
}
static int fine(const struct sim_bed *b, struct text *why)
{
    if (!b->c.failed)
        return OK;
    const struct sim_property_desc *d = sim_property_desc(b->c.failed);
    text_add(why, "%s does not hold (%s): %s", d->name, d->clause, b->c.text);
    return ERR_STATE;
}
static int bed_advance(void *ctx, uint64_t us, struct text *why)
{
    struct sim_bed *b = ctx;
    sim_net_run(&b->n, us);
    return fine(b, why);
}
static struct ue *bed_ue(void *ctx, uint32_t i) { return ((struct sim_bed *)ctx)->n.ue[i]; }
static struct cell *bed_cell(void *ctx, uint32_t i) { return &((struct sim_bed *)ctx)->n.cells[i]; }
static int bed_cell_start(void *ctx, uint32_t i)
{
    struct sim_bed *b = ctx;
    return b->n.cells[i].gnb.state == GNB_IDLE ? sim_cell_start(&b->n, i) : ERR_STATE;
}
static int bed_ue_restart(void *ctx, uint32_t i)
{
    struct sim_bed *b = ctx;
    struct cell *c = b->n.ue[i]->cell;
    ue_lose_radio(b->n.ue[i]);
    ue_drop(b->n.ue[i]);
    int e = sim_phone_open(&b->n, i);
    if (e == OK && c)
        ue_camp(b->n.ue[i], c);
    return e;
}

/* ---- the end: faults stop, all come to rest and agree, all leave, and nothing is left ---- */
static int mend(struct sim_bed *b)
{
    struct sim_net *n = &b->n;
    int e = OK;
    b->n3_cut = b->n4_cut = n->dn.silent = false;
    memset(b->fault, 0, sizeof b->fault);
    store_memory_fail(n->store, NULL, false);
    if (!n->upf)
        e = sim_upf_start(n);
    if (e == OK && !n->amf)
        e = sim_core_start(n);
    for (uint32_t i = 0; i < n->plan.phones; i++)
        n->ue[i]->faults = (struct ue_faults){0};
    for (uint32_t i = 0; e == OK && i < n->plan.cells; i++)
        if (n->cells[i].gnb.state == GNB_IDLE)
            e = sim_cell_start(n, i);
    return e;
}
static int end(struct sim_bed *b, struct text *why)
{
    int e = mend(b);
    sim_net_run(&b->n, REST_S * (uint64_t)SIM_S);
    if (e == OK && !b->c.failed)
        sim_check_rest(&b->c);
    if (e == OK && !b->c.failed)
        sim_all_leave(&b->n);
    if (e == OK && !b->c.failed)
        sim_check_empty(&b->c);
    return e < 0 ? e : fine(b, why);
}
static int start(struct sim_bed *b, struct text *why)
{
    struct sim_plan p;
    struct scenario_step const *s;
    plan(b, &p);
    watch(b);
    b->n.shape = shape;
    b->n.shape_ctx = b;
    int e = sim_net_start(&b->n, &p);
    if (e < 0)
        text_add(why, "%s", b->n.why);
    if (e < 0)
        return e;
    sim_check_watch(&b->c);
    world_meddle(b->n.w, meddle, b);
    for (uint32_t i = 0; (s = setup_of(b, SCENARIO_ue_flaw, 0, i)); i++)
        b->n.ue[s->arg[0].n - 1]->faults.altered_capabilities |= s->arg[1].n == SCENARIO_FLAW_CAPABILITIES;
    return fine(b, why);
}
int scenario_sim(const struct scenario *c, bool verbose, void *capture, struct text *why)
{
    struct sim_bed *b = calloc(1, sizeof *b);
    struct scenario_run *r = calloc(1, sizeof *r);
    char reason[400] = "";
    struct text t = text_over(reason, sizeof reason);
    int e = ERR_NOSPACE;
    if (b && r) {
        *r = (struct scenario_run){.s = c, .verbose = verbose,
                                   .bed = {.ctx = b, .is_simulated = true, .ran = &b->n.ran, .advance = bed_advance, .now_us = bed_now,
                                           .ue = bed_ue, .cell = bed_cell, .cell_start = bed_cell_start,
                                           .ue_restart = bed_ue_restart, .step = bed_step, .holds = bed_holds}};
        b->run = r;
        e = start(b, &t);
        if (e == OK && capture)
            world_pcap_start(&b->pcap, b->n.w, capture);
        if (e == OK && (e = scenario_run(r, why)) < 0)
            t.full = true; /* it has been said */
        if (e == OK && !setup_of(b, SCENARIO_restless, 0, 0))
            e = end(b, &t);
        sim_net_stop(&b->n);
        sim_check_free(&b->c);
    }
    if (e < 0 && !t.full)
        text_add(why, "%s: %s\n", c->file, reason[0] ? reason : err_text(e));
    free(b);
    free(r);
    return e;
}
