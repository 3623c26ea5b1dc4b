/* SPDX-License-Identifier: Apache-2.0 */
/* Service request, TS 23.502 4.2.3: not served yet. */
#include "nf/amf/ue.h"

void amf_nas_service_request(const struct amf_nas_rx *rx)
{
    amf_nas_status(rx->conn, NAS_GMM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED);
}
void amf_service_reject(struct amf_conn *c, uint8_t cause)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_SERVICE_REJECT);
    m.service_reject.gmm_cause = cause;
    amf_nas_send(c, &m, c->ue && c->is_secure ? NAS_CIPHERED : NAS_PLAIN);
}
