/* SPDX-License-Identifier: Apache-2.0 */
/* sm_select.h - slice and data network of a new PDU session: TS 23.502 4.3.2.2.1 step 2, TS 24.501 5.4.5.2.4. */
#pragma once
#include "nf/amf/ue.h"

enum { AMF_DNN_MAX = 100 };
struct amf_sm_request { /* what the UE asked for */
    bool has_slice;
    struct amf_slice slice;
    struct str dnn; /* n 0: none */
};
struct amf_sm_choice {
    struct amf_slice slice;
    char dnn[AMF_DNN_MAX + 1]; /* network identifier, lower case */
};
/* 0 with *out, or the 5GMM cause: 90 (the slice is not allowed here) or 91 (no such DNN in it). The allowed
 * slices have the preferred one first; subscribed may be NULL: none. fallback_dnn: of a subscription without default; n 0: none. */
uint8_t amf_sm_select(const struct amf_sm_request *, const struct amf_slice *allowed, uint32_t n_allowed,
                      const struct amf_dnns *subscribed, struct str fallback_dnn, struct amf_sm_choice *out);
/* "internet.mnc001.mcc001.gprs" -> "internet" (TS 23.003 9.1). */
struct str amf_dnn_network_id(struct str dnn);
