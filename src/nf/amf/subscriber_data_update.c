/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriber data update, TS 23.502 4.5.1: the UDM says that something changed; it is fetched anew. Sessions and
 * registrations from then on see it, and who may not use this network any more is deregistered. */
#include "nf/amf/registration.h"
#include "base/log.h"

struct update {
    struct proc p;
    struct amf *amf;
    struct call *sdm;
    char supi[AMF_SUPI_MAX + 1]; /* the context may be gone meanwhile */
};

static void take(struct update *f)
{
    struct amf_ue *ue = amf_ue_by_supi(f->amf, str_of(f->supi));
    if (!ue || !amf_ue_is_registered(ue))
        return;
    if (!call_ok(f->sdm)) { /* with the next registration, then */
        LOG(f->amf->rt->log, sbi_failed, "op=nudm_sdm_get status=%d", f->sdm->status);
        ue->has_subscription = false;
        return;
    }
    uint8_t cause = amf_subscription_store(ue, f->sdm->rsp);
    if (cause)
        amf_deregister(ue, false, cause);
    else if (ue->conn)
        amf_trust_protected_away(ue->conn->gnb);
}
static void run(struct proc *p, const struct wake *w)
{
    struct update *f = (struct update *)p;
    PROC_BEGIN(p);
    call_send(f->sdm, p);
    AWAIT_CALLS(p);
    take(f);
    call_done(f->sdm);
    PROC_END(p);
}
static const struct proc_type UPDATE = {"subscriber data update", sizeof(struct update), run, NULL};
static void start(struct amf_ue *ue)
{
    struct update *f = proc_new(ue->amf->rt, &UPDATE, ue->amf);
    if (!f)
        return;
    f->amf = ue->amf;
    f->sdm = amf_subscription_call(ue);
    str_copy(f->supi, sizeof f->supi, amf_ue_supi(ue));
    if (f->sdm)
        proc_start(&f->p);
    else
        proc_abort(&f->p);
}
void amf_subscriber_data_stop(struct amf *amf)
{
    LIST_EACH_SAFE(l, &amf->rt->procs)
    {
        struct proc *p = CONTAINER(l, struct proc, on_rt);
        if (p->type == &UPDATE && p->owner == amf)
            proc_abort(p);
    }
}

struct amf_ue *amf_ue_of_callback(struct amf *amf, const struct call *c)
{
    struct str path = call_callback_path(c);
    const char *slash = path.n ? memchr(path.p, '/', path.n) : NULL;
    return slash ? amf_ue_by_supi(amf, (struct str){path.p, (uint32_t)(slash - path.p)}) : NULL;
}
void amf_op_sdm_notify(void *state, struct call *c)
{
    struct amf_ue *ue = amf_ue_of_callback(state, c);
    if (!ue) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    ue->has_subscription = false; /* until it is here */
    start(ue);
    call_reply(c, 204);
}
