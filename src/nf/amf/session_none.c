/* SPDX-License-Identifier: Apache-2.0 */
/* PDU sessions: not served yet. Phones are told so, RAN nodes too. */
#include "nf/amf/session.h"
#include "base/err.h"

void amf_sm_uplink(const struct amf_nas_rx *rx, const struct nas_ul_nas_transport *m)
{
    struct nas_msg out;
    nas_msg_init(&out, NAS_DL_NAS_TRANSPORT);
    struct nas_dl_nas_transport *t = &out.dl_nas_transport;
    t->payload_container_type = m->payload_container_type;
    t->payload_container = m->payload_container;
    t->has.pdu_session_id = m->has.pdu_session_id;
    t->pdu_session_id = m->pdu_session_id;
    t->has.gmm_cause = 1;
    t->gmm_cause = NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    amf_nas_send(rx->conn, &out, NAS_CIPHERED);
}
void amf_sm_release_all(struct amf_ue *ue, uint8_t cause) { amf_sm_forget(ue); }
uint16_t amf_sm_active(const struct amf_ue *ue) { return 0; }
void amf_sm_sync(struct amf_ue *ue, uint16_t phone_has) {}
bool amf_sm_pending(const struct amf_ue *ue) { return false; }
void amf_sm_deliver(struct amf_ue *ue) {}
struct proc *amf_sm_activate(struct amf_ue *ue, uint16_t wanted, uint16_t *failed)
{
    *failed = wanted;
    return NULL;
}
int amf_sm_setup_list(struct amf_ue *ue, struct arena *a, struct ngap_PDUSessionResourceSetupListCxtReq *to)
{
    to->n = 0;
    return OK;
}
void amf_sm_setup_done(struct amf_ue *ue, const struct ngap_InitialContextSetupResponse *m) {}
void amf_sm_conn_gone(struct amf_ue *ue) {}
void amf_sm_forget(struct amf_ue *ue) {}

int amf_n2_session_resource_setup_response(const struct amf_n2_rx *rx) { return ERR_STATE; }
int amf_n2_session_resource_release_response(const struct amf_n2_rx *rx) { return ERR_STATE; }
int amf_n2_session_resource_modify_response(const struct amf_n2_rx *rx) { return ERR_STATE; }
int amf_n2_session_resource_notify(const struct amf_n2_rx *rx) { return ERR_STATE; }
int amf_n2_session_resource_modify_indication(const struct amf_n2_rx *rx) { return ERR_STATE; }
