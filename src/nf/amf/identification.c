/* SPDX-License-Identifier: Apache-2.0 */
/* Identification, TS 24.501 5.4.3: IDENTITY REQUEST, T3570. */
#include "nf/amf/registration.h"
#include "base/log.h"
#include "rt/metrics.h"

struct identification {
    struct proc p;
    struct amf_conn *conn;
    char *suci;
    uint8_t attempts;
};

static void request(struct identification *f)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_IDENTITY_REQUEST);
    m.identity_request.identity_type = NAS_ID_SUCI;
    if (f->attempts++)
        metric_add(f->p.rt->metrics, METRIC_retransmissions, 1);
    amf_nas_send(f->conn, &m, f->conn->is_secure ? NAS_CIPHERED : NAS_PLAIN);
}
/* Only a SUCI is taken without protection (4.4.4.3), and only one that fits. */
static bool take(struct identification *f, const struct amf_nas_rx *rx)
{
    const struct nas_mobile_identity *id = &rx->msg->identity_response.mobile_identity;
    return id->type == NAS_ID_SUCI && nas_suci_text(&id->suci, f->suci, AMF_SUCI_MAX + 1) > 0;
}

static void run(struct proc *p, const struct wake *w)
{
    struct identification *f = (struct identification *)p;
    const struct config_amf *config = &p->rt->config->amf;
    PROC_BEGIN(p);
    STEP(p, "identity");
    p->result = PROC_FAILED;
    while (p->result != PROC_OK && f->attempts < AMF_NAS_ATTEMPTS) {
        request(f);
        AWAIT_MESSAGE(p, config->t3570_ms * 1000ull, NAS_IDENTITY_RESPONSE);
        if (w->kind == WAKE_MESSAGE && take(f, w->data))
            p->result = PROC_OK;
    }
    if (p->result != PROC_OK)
        LOG(p->rt->log, ue_no_answer, "conn=%llx to=\"Identity request\"",
            (unsigned long long)amf_conn_id(f->conn));
    PROC_END(p);
}

struct proc *amf_identification(struct amf_conn *c, char *suci)
{
    static const struct proc_type type = {"identification", sizeof(struct identification), run, NULL};
    struct identification *f = proc_new(c->amf->rt, &type, c);
    if (!f)
        return NULL;
    f->conn = c;
    f->suci = suci;
    return &f->p;
}
