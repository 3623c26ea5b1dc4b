/* SPDX-License-Identifier: Apache-2.0 */
/* What changed in the UDR goes on to those who subscribed here: TS 29.503 5.2.2.5, 5.3.2.3; TS 23.502 4.2.2.3.3. */
#include "nf/udm/udm.h"
#include "codec/sbi_own.h"

void udm_ask_for_changes(struct udm *u)
{
    static const struct str all[] = {{"/nudr-dr/v2/subscription-data", 29}};
    struct call *c = call_new(u->rt, SBI_nudr_dr_subs_to_notify);
    SBI_REQ(nudr_dr_subs_to_notify) *q = c ? call_request(c) : NULL;
    if (q)
        q->body.callback_reference = call_callback_uri(u->rt, &c->arena, SBI_NF_UDM, "data-change");
    if (!q || !q->body.callback_reference.p) {
        call_done(c);
        return;
    }
    q->body.monitored_resource_uris.p = all;
    q->body.monitored_resource_uris.n = 1;
    call_notify(c);
}

static void tell_subscriber(struct udm *u, const struct udm_sub *s, struct str supi, bool removed)
{
    struct call *c = call_new(u->rt, SBI_nudm_sdm_notify);
    SBI_REQ(nudm_sdm_notify) *q = c ? call_request(c) : NULL;
    struct sbi_NotifyItem item = {.changes = removed ? STR("[{\"op\":\"REMOVE\",\"path\":\"/\"}]")
                                                     : STR("[{\"op\":\"REPLACE\",\"path\":\"/\"}]")};
    if (q) {
        item.resource_id = arena_printf(&c->arena, "%s/nudm-sdm/v2/" STR_FMT, u->rt->api_root ? u->rt->api_root : "",
                                        STR_ARG(supi));
        q->callback = interned_for(s->callback, supi, &c->arena);
        q->body.notify_items.p = &item;
        q->body.notify_items.n = 1;
        if (item.resource_id.p && q->callback.p && sbi_own(sbi_ops[c->op].req, &c->arena, q) == OK) {
            call_notify(c);
            return;
        }
    }
    call_done(c);
}

/* A subscription that is withdrawn: the AMF that serves the UE deregisters it. */
struct withdraw_frame {
    struct proc p;
    struct call *get;
    char supi[UDM_IMSI_TEXT];
};
static void tell_amf(struct withdraw_frame *f)
{
    const struct sbi_Amf3GppAccessRegistration *r = f->get->rsp;
    if (!call_ok(f->get) || (r->has.purge_flag && r->purge_flag))
        return;
    struct call *c = call_new(f->p.rt, SBI_nudm_uecm_dereg_notify);
    SBI_REQ(nudm_uecm_dereg_notify) *q = c ? call_request(c) : NULL;
    if (q)
        q->callback = arena_str(&c->arena, r->dereg_callback_uri);
    if (!q || !q->callback.p) {
        call_done(c);
        return;
    }
    q->body.dereg_reason = SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN;
    q->body.has.access_type = 1;
    q->body.access_type = SBI_AccessType_3GPP_ACCESS;
    call_notify(c);
}
static void withdraw_run(struct proc *p, const struct wake *w)
{
    struct withdraw_frame *f = (struct withdraw_frame *)p;
    PROC_BEGIN(p);
    f->get = call_new(p->rt, SBI_nudr_dr_amf_3gpp_get);
    SBI_REQ(nudr_dr_amf_3gpp_get) *q = f->get ? call_request(f->get) : NULL;
    if (q)
        q->ue_id = arena_str(&f->get->arena, str_of(f->supi));
    if (q && q->ue_id.p) {
        call_send(f->get, p);
        AWAIT_CALLS(p);
        tell_amf(f);
    } else {
        call_done(f->get);
    }
    PROC_END(p);
}
static const struct proc_type withdraw = {"subscription withdrawn", sizeof(struct withdraw_frame), withdraw_run, NULL};

static void changed(struct udm *u, const struct sbi_DataChangeNotify *n)
{
    uint64_t imsi = n->has.ue_id ? udm_imsi(n->ue_id) : 0;
    bool removed = false;
    for (uint32_t i = 0; i < n->notify_items.n; i++) {
        struct str changes = n->notify_items.p[i].changes;
        removed |= changes.n && memmem(changes.p, changes.n, "\"REMOVE\"", 8) != NULL;
    }
    if (!imsi)
        return;
    for (const struct udm_sub *s = map_get_u64(&u->subs_by_ue, imsi); s; s = s->next)
        tell_subscriber(u, s, n->ue_id, removed);
    struct withdraw_frame *f = removed ? proc_new(u->rt, &withdraw, NULL) : NULL; /* it may outlive us */
    if (f) {
        str_copy(f->supi, sizeof f->supi, n->ue_id);
        proc_start(&f->p);
    }
}
void udm_data_change_notify(void *state, struct call *c)
{
    const SBI_REQ(nudr_dr_data_change_notify) *q = c->req;
    for (uint32_t i = 0; i < q->body.n; i++)
        changed(state, &q->body.p[i]);
    call_reply(c, 204);
}
