/* SPDX-License-Identifier: Apache-2.0 */
/* Who built it: a RAN node sets itself up, or changes, only as the trust function allows (spec/sbi/trust.def). Its message
 * waits in a procedure for the decision, and is then dealt with as if it had come just now. */
#include "base/err.h"
#include "base/plmn.h"
#include "nf/amf/ue.h"
#include "codec/sbi_text.h"
#include <stdio.h>

enum { MESSAGE_MAX = 24576 }; /* octets of a message that waits; those of real nodes have some hundreds */
struct asking { /* frame */
    struct proc p;
    struct amf *amf;
    uint64_t assoc;
    struct call *call;
    uint8_t tas_hash[32]; /* of what it wants to serve */
    uint32_t n;
    uint8_t message[MESSAGE_MAX];
};

bool amf_trust_is_on(const struct amf *amf)
{
    const struct config *c = amf->rt->config;
    return c && c->trust.mode != CONFIG_TRUST_MODE_OFF;
}
static bool is_enforced(const struct amf *amf) { return amf->rt->config->trust.mode == CONFIG_TRUST_MODE_ENFORCE; }

/* ---- the decision as the node's ---- */
static uint16_t slices_of(const struct amf_plmn_support *p, const struct sbi_TrustDecision *d)
{
    uint16_t mask = 0;
    for (uint32_t i = 0; i < d->slices.n; i++) {
        struct amf_slice s;
        for (uint32_t k = 0; amf_slice_of_sbi(&d->slices.p[i], &s) && k < p->n_slices; k++)
            if (amf_slice_eq(&s, &p->slices[k]))
                mask = (uint16_t)(mask | 1u << k);
    }
    return mask;
}
static void trust_take(const struct amf *amf, struct amf_trust *to, const struct sbi_TrustDecision *d)
{
    *to = (struct amf_trust){.permitted = d->permitted, .known = true, .no_protected = !d->permitted,
                             .change_refused = d->has.change_refused && d->change_refused};
    for (uint32_t i = 0; i < d->conditions.n && d->has.conditions; i++) {
        to->no_protected |= d->conditions.p[i] == SBI_TrustCondition_NO_PROTECTED;
        to->up_protection |= d->conditions.p[i] == SBI_TrustCondition_UP_PROTECTION;
        to->listed_slices |= d->conditions.p[i] == SBI_TrustCondition_SLICES;
    }
    for (uint32_t i = 0; i < amf->config.n_plmns; i++)
        to->slices[i] = to->listed_slices ? slices_of(&amf->config.plmns[i], d) : 0xffff;
    str_copy(to->why, sizeof to->why, d->has.reasons && d->reasons.n ? d->reasons.p[0] : STR("no reason was given"));
}
/* Nobody decides: refused where policy is enforced. One that goes on as it was, after an update, does so as the least trusted. */
static void trust_none(const struct amf *amf, struct amf_trust *to, int status)
{
    bool least = is_enforced(amf);
    *to = (struct amf_trust){.permitted = !least, .known = true, .no_protected = least, .up_protection = least};
    memset(to->slices, 0xff, sizeof to->slices);
    snprintf(to->why, sizeof to->why, "the trust function does not answer (%d)", status);
}

/* ---- asking ---- */
static void put_identity(const struct amf_gnb *gnb, struct arena *a, struct sbi_TrustClaim *c)
{
    if (!gnb->id_bits || !sbi_plmn_put(a, gnb->id_plmn, &c->plmn_id))
        return;
    c->has.plmn_id = c->has.gnb_id = c->has.gnb_id_bits = 1;
    c->gnb_id = gnb->id;
    c->gnb_id_bits = gnb->id_bits;
}
static struct str host_put(const struct amf_gnb *gnb, struct arena *a)
{
    char text[NET_ADDR_TEXT];
    return arena_str(a, str_of(addr_host_text(&gnb->peer, text)));
}
/* What it says of itself, as one number: another name or other tracking areas are a change. */
static void put_config(struct amf *amf, struct str name, const uint8_t tas_hash[32], struct arena *a, struct sbi_TrustClaim *c)
{
    const struct bytes parts[] = {{tas_hash, 32}, {(const uint8_t *)name.p, name.n}};
    uint8_t hash[32];
    c->has.config = amf->rt->crypto && crypto_sha256(amf->rt->crypto, parts, ARRAY_LEN(parts), hash) == OK;
    c->config = arena_bytes(a, hash, 8);
    c->has.config &= c->config.p != NULL;
}
/* Encoded where the message will wait, which is no shorter. A list that cannot be told from others is not asked about. */
static bool tas_hash(const struct amf *amf, const struct ngap_SupportedTAList *tas, struct asking *f)
{
    int n = ngap_transfer_encode(&ngap_desc_SupportedTAList, tas, f->message, sizeof f->message);
    struct bytes b = {f->message, n > 0 ? (uint32_t)n : 0};
    return n > 0 && (!amf->rt->crypto || crypto_sha256(amf->rt->crypto, &b, 1, f->tas_hash) == OK);
}
static struct call *ask_new(struct amf *amf, const struct amf_gnb *gnb, struct str name, const uint8_t hash[32])
{
    struct call *c = call_new(amf->rt, SBI_trust_decide_connect);
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    if (!q)
        return NULL;
    q->body.kind = SBI_TrustKind_GNB;
    q->body.node_id = arena_str(&c->arena, str_of(gnb->id_text));
    q->body.has.peer_address = 1;
    q->body.peer_address = host_put(gnb, &c->arena);
    q->body.has.name = name.n != 0 && name.n <= 150;
    q->body.name = arena_str(&c->arena, name);
    q->body.has.callback_uri = 1;
    q->body.callback_uri = call_callback_uri(amf->rt, &c->arena, SBI_NF_AMF, "trust/%s", gnb->id_text);
    put_identity(gnb, &c->arena, &q->body);
    put_config(amf, name, hash, &c->arena, &q->body);
    return c;
}

static void asking_run(struct proc *p, const struct wake *w)
{
    struct asking *f = (struct asking *)p;
    struct amf_gnb *gnb = amf_gnb_by_assoc(f->amf, f->assoc);
    PROC_BEGIN(p);
    STEP(p, "trust decision");
    call_send(f->call, p);
    AWAIT_CALLS(p);
    if (call_ok(f->call))
        trust_take(f->amf, &gnb->trust, f->call->rsp);
    if (call_ok(f->call) && gnb->trust.permitted && !gnb->trust.change_refused)
        memcpy(gnb->tas_hash, f->tas_hash, sizeof gnb->tas_hash);
    if (!call_ok(f->call))
        trust_none(f->amf, &gnb->trust, f->call->status);
    PROC_END(p);
}
/* The message is dealt with at the end, when nothing of the procedure is left that its effects could touch. */
static void asking_end(struct proc *p, int outcome)
{
    struct asking *f = (struct asking *)p;
    struct amf_gnb *gnb = amf_gnb_by_assoc(f->amf, f->assoc);
    if (gnb)
        gnb->trust_proc = NULL;
    if (gnb && outcome != PROC_ABORTED)
        amf_gnb_message_again(f->amf, gnb, (struct bytes){f->message, f->n});
}
static const struct proc_type ASKING = {"trust", sizeof(struct asking), asking_run, asking_end};

bool amf_trust_known(const struct amf_rx *rx, struct str name, const struct ngap_SupportedTAList *tas)
{
    struct amf *amf = rx->amf;
    struct amf_gnb *gnb = rx->gnb;
    if (!amf_trust_is_on(amf)) {
        gnb->trust = (struct amf_trust){.permitted = true, .known = true};
        memset(gnb->trust.slices, 0xff, sizeof gnb->trust.slices);
        return true;
    }
    if (rx->is_again && gnb->trust.known)
        return true;
    proc_abort(gnb->trust_proc);
    struct asking *f = rx->raw.n <= MESSAGE_MAX ? proc_new(amf->rt, &ASKING, gnb) : NULL;
    if (f && !tas)
        memcpy(f->tas_hash, gnb->tas_hash, sizeof f->tas_hash);
    struct call *c = f && (!tas || tas_hash(amf, tas, f)) ? ask_new(amf, gnb, name, f->tas_hash) : NULL;
    if (!c) { /* what cannot be asked is not permitted where that counts */
        trust_none(amf, &gnb->trust, 503);
        if (f) {
            f->amf = amf;
            f->assoc = UINT64_MAX; /* nobody's */
            proc_abort(&f->p);
        }
        return true;
    }
    f->amf = amf;
    f->assoc = gnb->assoc;
    f->call = c;
    f->n = rx->raw.n;
    memcpy(f->message, rx->raw.p, rx->raw.n);
    gnb->trust_proc = &f->p;
    proc_start(&f->p);
    return false;
}

static void put_node(const struct amf_gnb *gnb, struct arena *a, struct sbi_TrustGone *g)
{
    g->kind = SBI_TrustKind_GNB;
    g->node_id = arena_str(a, str_of(gnb->id_text));
    g->has.peer_address = 1;
    g->peer_address = host_put(gnb, a);
}
void amf_trust_gone(struct amf *amf, struct amf_gnb *gnb)
{
    proc_abort(gnb->trust_proc);
    gnb->trust_proc = NULL;
    timer_stop(&amf->rt->timers, &gnb->drain_timer);
    struct call *c = gnb->trust.known && gnb->id_text[0] && amf_trust_is_on(amf) ? call_new(amf->rt, SBI_trust_gone) : NULL;
    SBI_REQ(trust_gone) *q = call_request(c);
    gnb->trust.known = false;
    if (!q)
        return;
    put_node(gnb, &c->arena, &q->body);
    call_notify(c);
}
void amf_trust_restarted(struct amf *amf, const struct amf_gnb *gnb)
{
    struct call *c = gnb->trust.known && gnb->id_text[0] && amf_trust_is_on(amf) ? call_new(amf->rt, SBI_trust_restarted) : NULL;
    SBI_REQ(trust_restarted) *q = call_request(c);
    if (!q)
        return;
    put_node(gnb, &c->arena, &q->body);
    call_notify(c);
}

/* ---- phones ---- */
/* TS 24.501 has no cause for another cell of the same area: a node that is not trusted is in an area of its own, or the
 * phone looks further than it would have to. */
uint8_t amf_trust_cause(const struct amf_conn *c, const struct amf_ue *ue)
{
    const struct amf_gnb *gnb = c->gnb;
    struct rt *rt = c->amf->rt;
    if (gnb->is_draining)
        return NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA;
    if (!ue || !ue->is_protected || !gnb->trust.no_protected)
        return 0;
    LOG(rt->log, trust_protected, "ue=%s gnb=%s", log_identity(rt->log, amf_ue_supi(ue)).text, amf_gnb_text(gnb));
    metric_add(rt->metrics, METRIC_trust_protected, 1);
    return NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA;
}
/* Protected subscribers on a node that is not trusted with them any more. */
void amf_trust_protected_away(struct amf_gnb *gnb)
{
    if (!gnb->trust.no_protected)
        return;
    struct ngap_Cause cause = amf_cause_radio(NGAP_CauseRadioNetwork_release_due_to_5gc_generated_reason);
    LIST_EACH_SAFE(l, &gnb->conns) {
        struct amf_conn *c = CONTAINER(l, struct amf_conn, on_gnb);
        if (!c->ue || !c->ue->is_protected || c->is_releasing)
            continue;
        if (c->proc)
            c->release_wanted = true;
        else
            amf_conn_release(c, cause);
    }
}

/* ---- the decision changes ---- */
static void all_released(struct amf_gnb *gnb)
{
    struct ngap_Cause cause = amf_cause_radio(NGAP_CauseRadioNetwork_release_due_to_5gc_generated_reason);
    LIST_EACH_SAFE(l, &gnb->conns) {
        struct amf_conn *c = CONTAINER(l, struct amf_conn, on_gnb);
        if (!c->is_releasing && !c->proc)
            amf_conn_release(c, cause);
        else
            c->release_wanted = true;
    }
}
/* Half of the time nobody new comes and whoever goes idle goes; then all are sent away; then the node is disconnected. */
static void drained(struct timer *t)
{
    struct amf_gnb *gnb = CONTAINER(t, struct amf_gnb, drain_timer);
    LOG(gnb->amf->rt->log, gnb_drained, "gnb=%s why=\"%s\"", amf_gnb_text(gnb), gnb->trust.why);
    amf_gnb_drop(gnb->amf, gnb, true);
}
static void drain_half(struct timer *t)
{
    struct amf_gnb *gnb = CONTAINER(t, struct amf_gnb, drain_timer);
    struct rt *rt = gnb->amf->rt;
    all_released(gnb);
    timer_set(&rt->timers, t, rt->now_us + gnb->drain_us / 2, drained);
}
static void drain_start(struct amf *amf, struct amf_gnb *gnb, uint32_t seconds)
{
    if (gnb->is_draining)
        return;
    gnb->is_draining = true;
    gnb->drain_us = seconds ? seconds * 1000000ull : 2000000; /* the phones must hear of it */
    LOG(amf->rt->log, gnb_draining, "gnb=%s seconds=%u why=\"%s\"", amf_gnb_text(gnb), seconds, gnb->trust.why);
    timer_set(&amf->rt->timers, &gnb->drain_timer, amf->rt->now_us + (seconds ? gnb->drain_us / 2 : 0), drain_half);
}
/* Others may claim its name on associations that are not set up. */
static struct amf_gnb *gnb_of_change(struct amf *amf, const struct sbi_TrustChange *m)
{
    struct amf_gnb *gnb;
    struct net_addr host = {0};
    if (m->has.peer_address)
        addr_parse(&host, m->peer_address, 0);
    for (uint32_t i = 0; (gnb = slab_next(&amf->gnbs, &i));)
        if (gnb->is_setup && str_is(m->node_id, gnb->id_text) && (!host.family || addr_same_host(&host, &gnb->peer)))
            return gnb;
    return NULL;
}
void amf_op_trust_changed(void *state, struct call *c)
{
    struct amf *amf = state;
    const SBI_REQ(trust_changed) *q = c->req;
    struct amf_gnb *gnb = gnb_of_change(amf, &q->body);
    if (gnb) {
        trust_take(amf, &gnb->trust, &q->body.decision);
        if (!gnb->trust.permitted) {
            drain_start(amf, gnb, q->body.has.drain_s ? (uint32_t)q->body.drain_s : amf->rt->config->trust.drain_s);
        } else if (gnb->is_draining) {
            gnb->is_draining = false;
            timer_stop(&amf->rt->timers, &gnb->drain_timer);
        }
        amf_trust_protected_away(gnb);
        for (uint32_t i = 0; i < gnb->n_tas; i++) /* fewer at once; more with the next configuration update */
            gnb->tas[i].slices &= gnb->trust.slices[gnb->tas[i].plmn];
    }
    call_reply(c, 204);
}
