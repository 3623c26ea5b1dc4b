/* SPDX-License-Identifier: Apache-2.0 */
/* discovery.c - TS 29.510 5.3.2.2: functions by type, service, place and slice. */
#include "nf/nrf/nrf.h"

enum { FOUND_MAX = 64 }; /* as the row of SearchResult */

static bool in_types(const struct sbi_NFProfile *p, enum sbi_NFType type)
{
    bool open = !p->has.allowed_nf_types;
    for (uint32_t i = 0; p->has.allowed_nf_types && i < p->allowed_nf_types.n; i++)
        open |= p->allowed_nf_types.p[i] == type;
    return open;
}
static bool service_wanted(const struct sbi_req_nnrf_disc_search *q, const struct sbi_NFService *s)
{
    bool wanted = !q->has.service_names;
    for (uint32_t i = 0; q->has.service_names && i < q->service_names.n; i++)
        wanted |= str_eq(q->service_names.p[i], s->service_name);
    return wanted;
}
static bool same_slice(const struct sbi_Snssai *a, const struct sbi_Snssai *b)
{
    return a->sst == b->sst && a->has.sd == b->has.sd && (!a->has.sd || str_eq(a->sd, b->sd));
}
/* A function that does not say where it serves or which slices serves all. */
static bool serves_plmn(const struct sbi_req_nnrf_disc_search *q, const struct sbi_NFProfile *p)
{
    bool any = !q->has.target_plmn_list || !p->has.plmn_list;
    for (uint32_t i = 0; !any && i < q->target_plmn_list.n; i++)
        for (uint32_t k = 0; k < p->plmn_list.n; k++)
            any |= str_eq(q->target_plmn_list.p[i].mcc, p->plmn_list.p[k].mcc) &&
                   str_eq(q->target_plmn_list.p[i].mnc, p->plmn_list.p[k].mnc);
    return any;
}
static bool serves_slice(const struct sbi_req_nnrf_disc_search *q, const struct sbi_NFProfile *p)
{
    bool any = !q->has.snssais || !p->has.s_nssais;
    for (uint32_t i = 0; !any && i < q->snssais.n; i++)
        for (uint32_t k = 0; k < p->s_nssais.n; k++)
            any |= same_slice(&q->snssais.p[i], &p->s_nssais.p[k]);
    return any;
}
static bool offers_service(const struct sbi_req_nnrf_disc_search *q, const struct sbi_NFProfile *p)
{
    bool any = !q->has.service_names;
    for (uint32_t i = 0; p->has.nf_services && i < p->nf_services.n; i++)
        any |= service_wanted(q, &p->nf_services.p[i]);
    for (uint32_t i = 0; p->has.nf_service_list && i < p->nf_service_list.n; i++)
        any |= service_wanted(q, &p->nf_service_list.p[i].value);
    return any;
}
static bool fits(const struct sbi_req_nnrf_disc_search *q, const struct nrf_profile *x)
{
    const struct sbi_NFProfile *p = &x->v;
    return p->nf_type == q->target_nf_type && p->nf_status == SBI_NFStatus_REGISTERED &&
           (!q->has.target_nf_instance_id || str_is(q->target_nf_instance_id, x->id)) &&
           in_types(p, q->requester_nf_type) && offers_service(q, p) && serves_plmn(q, p) &&
           serves_slice(q, p);
}

/* Lower numbers first (6.1.6.2.2); one that gives none comes last. Equal ones in the order of
 * registration. */
static int64_t rank(const struct nrf_profile *x)
{
    return x->v.has.priority ? x->v.priority : 65536;
}
static uint32_t insert(const struct nrf_profile **found, uint32_t n, const struct nrf_profile *x)
{
    uint32_t at = n < FOUND_MAX ? n : FOUND_MAX - 1;
    if (n == FOUND_MAX && rank(found[at]) <= rank(x))
        return n;
    for (; at > 0 && rank(found[at - 1]) > rank(x); at--)
        found[at] = found[at - 1];
    found[at] = x;
    return n < FOUND_MAX ? n + 1 : n;
}

void nrf_search(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_disc_search) *q = c->req;
    SBI_RSP(nnrf_disc_search) *r = c->rsp;
    const struct nrf_profile *found[FOUND_MAX];
    uint32_t count = 0;
    n->searches++;
    LIST_EACH(l, &n->profiles)
    {
        const struct nrf_profile *x = CONTAINER(l, struct nrf_profile, link);
        if (fits(q, x))
            count = insert(found, count, x);
    }
    if (q->has.limit && count > q->limit)
        count = (uint32_t)q->limit;
    struct sbi_NFProfile *out = count ? arena_zero(&c->arena, count * sizeof *out) : NULL;
    bool ok = out || !count;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = nrf_profile_put(found[i], &c->arena, &out[i]);
    if (!ok) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", NULL);
        return;
    }
    r->has.validity_period = true;
    r->validity_period = NRF_VALIDITY_S;
    r->nf_instances.p = out;
    r->nf_instances.n = count;
    call_reply(c, 200);
}
