/* SPDX-License-Identifier: Apache-2.0 */
/* The user plane of a session comes and goes: service request (TS 23.502 4.2.3.2), AN release (4.2.6), selective
 * deactivation (4.3.7); TS 29.502 5.2.2.3.2 and 5.2.2.3.3. Between asking the gNB and its answer no procedure runs:
 * the AMF sees to it that there is one. */
#include "nf/smf/smf.h"
#include "base/err.h"

static const struct bytes nothing = {NULL, 0};

struct change {
    struct smf_frame f;
    struct pfcp_call n4;
    struct smf_tunnel an; /* addr.family 0: the user plane goes */
};

/* What a UPF has told of once it may not tell of again while it keeps it: where the gNB was asked in vain, that is
 * dropped, so that the next packet tells again. */
static enum smf_n4_change change_of(const struct smf_session *s, bool on)
{
    return on ? SMF_N4_FORWARD : s->up_state == SMF_UP_ACTIVATING ? SMF_N4_DROP_BUFFERED : SMF_N4_BUFFER;
}

/* The gNB has set up what is of no use: it gives it up again. */
static void setup_refuse(struct smf_session *s, struct call **request, int status, const char *cause, const char *detail)
{
    static const struct ngap_Cause why = {.sel = NGAP_Cause_radioNetwork,
                                          .radioNetwork = NGAP_CauseRadioNetwork_release_due_to_5gc_generated_reason};
    struct call *c = *request;
    struct bytes n2 = smf_n2_release_command(s->smf, why);
    *request = NULL;
    if (!c)
        return;
    SBI_ERR(nsmf_pdusession_update) *e = call_error(c, status, cause, detail);
    if (e) {
        e->n2_sm_info = arena_bytes(&c->arena, n2.p, n2.n);
        e->has.n2_sm_info = e->has.n2_sm_info_type = e->n2_sm_info.p != NULL;
        e->n2_sm_info_type = SBI_N2SmInfoType_PDU_RES_REL_CMD;
        e->has.up_cnx_state = 1;
        e->up_cnx_state = SBI_UpCnxState_DEACTIVATED;
    }
    call_reply(c, status);
}

static void run(struct proc *p, const struct wake *w)
{
    struct change *f = (struct change *)p;
    struct smf_session *s = p->owner;
    bool on = f->an.addr.family != 0;
    (void)w;
    PROC_BEGIN(p);
    STEP(p, "N4 change");
    p->result = PROC_FAILED;
    do {
        if (smf_n4_modify(&f->n4, p, s, change_of(s, on), &f->an, NULL) == OK) {
            AWAIT_CALLS(p);
            if (smf_n4_modified(&f->n4, s))
                p->result = PROC_OK;
        }
    } while (smf_n4_again(&f->n4, s));
    if (p->result == PROC_OK && on && s->leaves && s->anchor) {
        STEP(p, "N4 change of the anchor"); /* the classifier has given the gNB what it kept, and nothing new comes to it */
        pfcp_call_drop(&f->n4);
        s->anchor->n9 = f->an;
        if (smf_n4_anchor_modify(&f->n4, p, s, SMF_N4_FORWARD, NULL) == OK) {
            AWAIT_CALLS(p);
            if (smf_n4_anchor_modified(&f->n4, s))
                smf_classifier_turn_out(s);
        }
    }
    if (p->result == PROC_OK && on)
        s->an = f->an;
    s->up_state = p->result == PROC_OK && on ? SMF_UP_ON : SMF_UP_OFF;
    if (on && p->result != PROC_OK)
        setup_refuse(s, &f->f.request, 504, "PEER_NOT_RESPONDING", "the UPF did not take the tunnel");
    else /* what goes is gone, whatever the UPF says */
        smf_update_answer(&f->f.request, nothing, nothing, 0,
                          on ? SBI_UpCnxState_ACTIVATED : SBI_UpCnxState_DEACTIVATED);
    PROC_END(p);
}
static const struct proc_type type = {"user plane change", sizeof(struct change), run, smf_proc_ended};

static void start(struct smf_session *s, struct call *request, const struct smf_tunnel *an)
{
    struct change *f = smf_proc_new(s, &type, SMF_RUN_USER_PLANE, request);
    if (!f)
        return;
    f->an = *an;
    proc_start(&f->f.p);
}

/* Steps 4 to 11 of 4.2.3.2: the N3 tunnel end is the one that the session has had all along. */
void smf_activation_start(struct smf_session *s, const struct smf_input *in)
{
    struct call *c = in->call;
    const SBI_REQ(nsmf_pdusession_update) *q = c->req;
    if (q->body.has.up_protection && q->body.up_protection) { /* of the gNB where the phone is now */
        smf_security_require(s);
        smf_session_changed(s);
    }
    if (!smf_has_n4(s) && !s->not_restored && smf_upf_may_serve(s->upf)) { /* its turn has not come yet: it comes now */
        smf_restoration_start(s, &(struct smf_input){.event = SMF_EV_RESTORE});
        if (s->proc) {
            list_append(&s->waiting, &c->on_producer);
            return;
        }
    }
    struct smf_upf *classifier = smf_has_n4(s) ? smf_classifier_wanted(s, smf_tac_of(q->body.has.ue_location, &q->body.ue_location)) : NULL;
    if (classifier) {
        smf_insertion_start(s, classifier, c);
        return;
    }
    s->leaves = smf_has_n4(s) && smf_classifier_leaves(s, smf_tac_of(q->body.has.ue_location, &q->body.ue_location));
    smf_activation_answer(s, &c);
}

void smf_activation_answer(struct smf_session *s, struct call **request)
{
    struct bytes n2 = smf_has_n4(s) && smf_upf_is_up(s->upf) ? smf_n2_setup_request(s) : nothing;
    if (!n2.p) {
        smf_update_error(request, 504, "PEER_NOT_RESPONDING", "the session has no user plane function now");
        return;
    }
    s->up_state = SMF_UP_ACTIVATING;
    smf_update_answer(request, nothing, n2, SBI_N2SmInfoType_PDU_RES_SETUP_REQ, SBI_UpCnxState_ACTIVATING);
}

void smf_deactivation_start(struct smf_session *s, const struct smf_input *in)
{
    start(s, in->call, &(struct smf_tunnel){0});
}

/* What a gNB says while no procedure runs: only the answer to an activation is awaited then. */
void smf_n2_answer_start(struct smf_session *s, const struct smf_input *in)
{
    struct call *c = in->call;
    struct smf_tunnel an;
    if (in->n2_type == SBI_N2SmInfoType_PDU_RES_SETUP_FAIL && s->up_state == SMF_UP_ACTIVATING) {
        start(s, c, &(struct smf_tunnel){0});
    } else if (in->n2_type != SBI_N2SmInfoType_PDU_RES_SETUP_RSP) {
        smf_answer(&c, 204); /* late */
    } else if (s->up_state == SMF_UP_OFF) {
        smf_update_error(&c, 403, "N2_SM_ERROR", "no gNB was asked for resources");
    } else if (smf_n2_setup_response(s, in->n2, &an) < 0) {
        s->up_state = SMF_UP_OFF;
        setup_refuse(s, &c, 403, "N2_SM_ERROR", "the transfer has no tunnel for the default QoS flow, or not the protection that the session requires");
    } else {
        start(s, c, &an);
    }
}
