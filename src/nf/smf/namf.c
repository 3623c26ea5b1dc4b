/* SPDX-License-Identifier: Apache-2.0 */
/* What the SMF asks of the AMF: Namf_Communication N1N2MessageTransfer (TS 29.518 5.2.2.3.1), and the notification
 * that a session is gone (TS 29.502 5.2.2.5). */
#include "nf/smf/smf.h"

struct call *smf_n1n2_new(struct smf_session *s, struct bytes n1, struct bytes n2, enum sbi_NgapIeType type)
{
    struct rt *rt = s->smf->rt;
    struct call *c = call_new(rt, SBI_namf_comm_n1n2_message_transfer);
    SBI_REQ(namf_comm_n1n2_message_transfer) *q = c ? call_request(c) : NULL;
    if (!q) {
        call_done(c);
        return NULL;
    }
    struct sbi_N1N2MessageTransferReqData *b = &q->body;
    q->ue_context_id = arena_str(&c->arena, smf_supi(s));
    b->has.pdu_session_id = 1;
    b->pdu_session_id = s->id;
    if (n1.p) {
        b->has.n1_message_container = 1;
        b->n1_message_container.n1_message_class = SBI_N1MessageClass_SM;
        b->n1_message_container.n1_message_content = arena_bytes(&c->arena, n1.p, n1.n);
    }
    if (n2.p) {
        struct sbi_N2SmInformation *i = &b->n2_info_container.sm_info;
        b->has.n2_info_container = b->n2_info_container.has.sm_info = i->has.n2_info_content = 1;
        b->n2_info_container.n2_information_class = SBI_N2InformationClass_SM;
        i->pdu_session_id = s->id;
        i->n2_info_content.has.ngap_ie_type = 1;
        i->n2_info_content.ngap_ie_type = type;
        i->n2_info_content.ngap_data = arena_bytes(&c->arena, n2.p, n2.n);
        i->has.s_nssai = 1;
        i->s_nssai.sst = s->sst;
        i->s_nssai.has.sd = s->has_sd;
        if (s->has_sd)
            i->s_nssai.sd = arena_printf(&c->arena, "%06x", be24(s->sd));
    }
    return c;
}

bool smf_was_transferred(const struct call *c)
{
    const SBI_RSP(namf_comm_n1n2_message_transfer) *r = c->rsp;
    return call_ok(c) && r->cause != SBI_N1N2MessageTransferCause_N1_MSG_NOT_TRANSFERRED &&
           r->cause != SBI_N1N2MessageTransferCause_N2_MSG_NOT_TRANSFERRED;
}

void smf_status_notify(struct smf_session *s, const char *cause)
{
    struct call *c = s->status_uri ? call_new(s->smf->rt, SBI_nsmf_pdusession_status_notify) : NULL;
    SBI_REQ(nsmf_pdusession_status_notify) *q = c ? call_request(c) : NULL;
    if (q) {
        q->callback = interned_for(s->status_uri, smf_supi(s), &c->arena);
        q->body.status_info.resource_status = SBI_ResourceStatus_RELEASED;
        q->body.status_info.has.cause = cause != NULL;
        q->body.status_info.cause = str_of(cause);
    }
    if (c)
        call_notify(c);
}
