/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - the AMF's side of a PDU session: who serves it, and what waits to be delivered. */
#pragma once
#include "nf/amf/ue.h"

struct amf_session {
    struct link on_ue; /* ue->sessions */
    struct amf_ue *ue;
    struct proc *proc; /* a session procedure of it, or NULL */
    uint8_t id;        /* PDU session identity 1..15 */
    struct amf_slice slice;
    char dnn[101];
    char sm_ref[AMF_ID_MAX + 1]; /* smContextRef; empty: being created */
    bool up_active;              /* the gNB has resources for it */
    struct amf_blob *n1, *n2;    /* waiting for the phone and the gNB; NULL: none */
    uint8_t n2_type;             /* enum sbi_NgapIeType of n2 */
};
