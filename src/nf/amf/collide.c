/* SPDX-License-Identifier: Apache-2.0 */
/* Procedures of a phone: one at a time, and what happens when another wants to start (the abnormal cases that TS
 * 24.501 lists with each procedure). */
#include "nf/amf/ue.h"

static const uint64_t IDLE_GRACE_US = 2000000;

/* Rows: what runs. Columns: registration request, service request, deregistration request; the network's own
 * deregistration, configuration update, paging. A registration request looks closer at itself first: the same once
 * more is repeated or ignored (5.5.1.2.8 d, 5.5.1.3.8 d), and so is a service request (5.6.1.8 d). */
static const uint8_t table[AMF_PROC_KINDS][AMF_EVENTS] = {
    [AMF_PROC_REGISTRATION] = {AMF_ABORT, AMF_IGNORE, AMF_ABORT /* 5.5.1.2.8 g */, AMF_QUEUE, AMF_QUEUE, AMF_IGNORE},
    [AMF_PROC_SERVICE_REQUEST] = {AMF_ABORT, AMF_ABORT, AMF_ABORT, AMF_QUEUE, AMF_QUEUE, AMF_IGNORE},
    [AMF_PROC_DEREGISTRATION_UE] = {AMF_ABORT, AMF_IGNORE, AMF_IGNORE, AMF_IGNORE, AMF_IGNORE, AMF_IGNORE},
    /* 5.5.2.3.5 c to e */
    [AMF_PROC_DEREGISTRATION_NETWORK] = {AMF_ABORT, AMF_IGNORE, AMF_ABORT, AMF_IGNORE, AMF_IGNORE, AMF_IGNORE},
    /* 5.4.4.6 */
    [AMF_PROC_CONFIGURATION] = {AMF_ABORT, AMF_ABORT, AMF_ABORT, AMF_ABORT, AMF_IGNORE, AMF_IGNORE},
    [AMF_PROC_PAGING] = {AMF_ABORT, AMF_ABORT, AMF_ABORT, AMF_QUEUE, AMF_QUEUE, AMF_IGNORE},
};

static struct proc *running(const struct amf_conn *c, const struct amf_ue *ue)
{
    if (c && c->proc)
        return c->proc;
    if (ue && ue->conn && ue->conn->proc)
        return ue->conn->proc;
    return ue ? ue->proc : NULL;
}

enum amf_collision amf_collide(struct amf_conn *c, struct amf_ue *ue, enum amf_event event)
{
    for (struct proc *p; (p = running(c, ue));) {
        uint8_t what = table[((struct amf_proc *)(void *)p)->kind][event];
        if (what != AMF_ABORT)
            return what;
        proc_abort(p);
    }
    return AMF_GO;
}

void *amf_proc_new(struct amf *amf, const struct proc_type *type, enum amf_proc_kind kind, struct amf_conn *c,
                   struct amf_ue *ue)
{
    struct amf_proc *a = proc_new(amf->rt, type, c ? (void *)c : ue);
    if (!a)
        return NULL;
    a->amf = amf;
    a->conn = c;
    a->ue = ue;
    a->kind = (uint8_t)kind;
    if (c) {
        timer_stop(&amf->rt->timers, &c->timer);
        c->proc = &a->p;
    } else {
        ue->proc = &a->p;
    }
    return a;
}

/* The phone has had its moment. */
static void idle_for_long(struct timer *t)
{
    struct amf_conn *c = CONTAINER(t, struct amf_conn, timer);
    if (c->proc || c->is_releasing || (c->ue && (amf_sm_pending(c->ue) || amf_sm_user_plane(c->ue))))
        return;
    amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release});
}
void amf_conn_idle(struct amf_conn *c)
{
    timer_set(&c->amf->rt->timers, &c->timer, c->amf->rt->now_us + IDLE_GRACE_US, idle_for_long);
}

void amf_proc_ended(struct amf_proc *a, int outcome, enum amf_then then)
{
    struct amf_conn *c = a->conn;
    struct amf_ue *ue = a->ue;
    if (c && c->proc == &a->p) {
        c->proc = NULL;
        c->candidate = NULL;
        c->candidate_used = false;
        if (a->kind == AMF_PROC_REGISTRATION || a->kind == AMF_PROC_SERVICE_REQUEST)
            amf_admit_end(c, outcome == PROC_OK);
    }
    if (ue && ue->proc == &a->p)
        ue->proc = NULL;
    if (outcome == PROC_ABORTED)
        return; /* by whoever now goes on with the connection */
    if (c && (then == AMF_THEN_RELEASE || c->release_wanted)) {
        amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release});
        return;
    }
    if ((ue && amf_pending_start(ue)) || !c || c->is_releasing)
        return;
    if (c->ue && amf_sm_pending(c->ue))
        amf_sm_deliver(c->ue);
    else if (then == AMF_THEN_IDLE)
        amf_conn_idle(c);
}
