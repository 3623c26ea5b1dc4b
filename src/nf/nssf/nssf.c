/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/nssf/nssf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/config.h"
#include <stdio.h>

enum { NSSF_LIST = 16 }; /* as many as the rows of AuthorizedNetworkSliceInfo hold */
struct nssf {
    struct rt *rt;
    uint64_t asked, refused;
};
struct slices {
    uint32_t n;
    struct sbi_Snssai v[NSSF_LIST];
};

/* An SD that is not given and the value "no SD", ffffff, are the same (TS 23.003 28.4.2). */
static bool sd_of(const struct sbi_Snssai *s, uint8_t sd[3])
{
    static const uint8_t none[3] = {0xff, 0xff, 0xff};
    return s->has.sd && hex_get(sd, 3, s->sd) && memcmp(sd, none, 3) != 0;
}
static bool same(const struct sbi_Snssai *a, const struct sbi_Snssai *b)
{
    uint8_t x[3], y[3];
    bool has = sd_of(a, x);
    return a->sst == b->sst && has == sd_of(b, y) && (!has || memcmp(x, y, 3) == 0);
}
static bool is_config(const struct sbi_Snssai *s, const struct config_slice *c)
{
    uint8_t sd[3];
    bool has = sd_of(s, sd);
    return s->sst == c->sst && has == c->has_sd && (!has || memcmp(sd, c->sd, 3) == 0);
}
static bool holds(const struct slices *l, const struct sbi_Snssai *s)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (same(&l->v[i], s))
            return true;
    return false;
}
static void add(struct slices *l, const struct sbi_Snssai *s)
{
    if (l->n < NSSF_LIST && !holds(l, s))
        l->v[l->n++] = *s;
}

enum place { NOWHERE, ELSEWHERE, HERE };
/* Can the slice be used in this tracking area, in another, or in none of this network? tac NULL: any will do. */
static enum place usable(const struct config *c, const struct sbi_Snssai *s, const uint32_t *tac)
{
    enum place found = NOWHERE;
    for (uint32_t i = 0; i < c->nssf.n_slices; i++) {
        const struct config_nssf_slice *row = &c->nssf.slices[i];
        if (!is_config(s, &row->slice))
            continue;
        found = ELSEWHERE;
        if (!tac || !row->n_tacs)
            return HERE;
        for (uint32_t k = 0; k < row->n_tacs; k++)
            if (row->tacs[k] == *tac)
                return HERE;
    }
    for (uint32_t i = 0; c->nssf.n_slices == 0 && i < c->amf.n_slices; i++)
        if (is_config(s, &c->amf.slices[i]))
            return HERE;
    return found;
}

typedef const struct sbi_SubscribedSnssai subscribed_t;
static subscribed_t *subscription(const struct sbi_SliceInfoForRegistration *q, const struct sbi_Snssai *s)
{
    for (uint32_t i = 0; q->has.subscribed_nssai && i < q->subscribed_nssai.n; i++)
        if (same(&q->subscribed_nssai.p[i].subscribed_snssai, s))
            return &q->subscribed_nssai.p[i];
    return NULL;
}

/* For a phone that asked for nothing it may have: those that its subscription marks, or else the configuration's
 * (nssf.defaults, or the first of amf.slices) as far as it has subscribed to them. */
static void take_defaults(const struct config *c, const struct sbi_SliceInfoForRegistration *q, const uint32_t *tac,
                          struct slices *allowed)
{
    bool marked = false;
    for (uint32_t i = 0; q->has.subscribed_nssai && i < q->subscribed_nssai.n; i++) {
        subscribed_t *s = &q->subscribed_nssai.p[i];
        marked |= s->has.default_indication && s->default_indication;
        if (s->has.default_indication && s->default_indication && usable(c, &s->subscribed_snssai, tac) == HERE)
            add(allowed, &s->subscribed_snssai);
    }
    if (marked)
        return;
    const struct config_slice *list = c->nssf.n_defaults ? c->nssf.defaults : c->amf.slices;
    uint32_t n = c->nssf.n_defaults ? c->nssf.n_defaults : 1;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; q->has.subscribed_nssai && i < q->subscribed_nssai.n; i++) {
            const struct sbi_Snssai *s = &q->subscribed_nssai.p[i].subscribed_snssai;
            if (is_config(s, &list[k]) && usable(c, s, tac) == HERE)
                add(allowed, s);
        }
}

static const struct sbi_Snssai *keep(struct arena *a, const struct slices *l)
{
    struct sbi_Snssai *p = arena_take(a, l->n * sizeof *p);
    for (uint32_t i = 0; p && i < l->n; i++) {
        p[i] = l->v[i];
        p[i].sd = arena_str(a, l->v[i].sd);
    }
    return p;
}

static bool put_allowed(struct arena *a, const struct slices *l, SBI_RSP(nnssf_selection_get) *r)
{
    struct sbi_AllowedNssai *one = arena_zero(a, sizeof *one);
    struct sbi_AllowedSnssai *list = arena_zero(a, l->n * sizeof *list);
    const struct sbi_Snssai *s = keep(a, l);
    if (!one || !list || !s)
        return false;
    for (uint32_t i = 0; i < l->n; i++)
        list[i].allowed_snssai = s[i];
    one->access_type = SBI_AccessType_3GPP_ACCESS;
    one->allowed_snssai_list.p = list;
    one->allowed_snssai_list.n = l->n;
    r->has.allowed_nssai_list = 1;
    r->allowed_nssai_list.p = one;
    r->allowed_nssai_list.n = 1;
    return true;
}
static bool put_configured(struct arena *a, const struct slices *l, SBI_RSP(nnssf_selection_get) *r)
{
    struct sbi_ConfiguredSnssai *list = arena_zero(a, l->n * sizeof *list);
    const struct sbi_Snssai *s = keep(a, l);
    if (!list || !s)
        return false;
    for (uint32_t i = 0; i < l->n; i++)
        list[i].configured_snssai = s[i];
    r->has.configured_nssai = 1;
    r->configured_nssai.p = list;
    r->configured_nssai.n = l->n;
    return true;
}

static void for_registration(struct nssf *n, struct call *c, const struct sbi_SliceInfoForRegistration *q,
                             const uint32_t *tac)
{
    const struct config *config = n->rt->config;
    SBI_RSP(nnssf_selection_get) *r = c->rsp;
    struct slices allowed = {0}, configured = {0}, in_plmn = {0}, in_ta = {0};
    for (uint32_t i = 0; q->has.requested_nssai && i < q->requested_nssai.n; i++) {
        const struct sbi_Snssai *s = &q->requested_nssai.p[i];
        enum place where = subscription(q, s) ? usable(config, s, tac) : NOWHERE;
        add(where == HERE ? &allowed : where == ELSEWHERE ? &in_ta : &in_plmn, s);
    }
    if (!allowed.n)
        take_defaults(config, q, tac, &allowed);
    for (uint32_t i = 0; q->has.subscribed_nssai && i < q->subscribed_nssai.n; i++)
        if (usable(config, &q->subscribed_nssai.p[i].subscribed_snssai, NULL) == HERE)
            add(&configured, &q->subscribed_nssai.p[i].subscribed_snssai);
    if (!allowed.n) {
        n->refused++;
        LOG(n->rt->log, slice_refused, "requested=%u subscribed=%u", q->has.requested_nssai ? q->requested_nssai.n : 0,
            q->has.subscribed_nssai ? q->subscribed_nssai.n : 0);
        if (!in_plmn.n && !in_ta.n) {
            call_problem(c, 403, "SNSSAI_NOT_SUPPORTED", "no slice of the subscription can be used here");
            return;
        }
    }
    bool fits = (!allowed.n || put_allowed(&c->arena, &allowed, r)) &&
                (!configured.n || put_configured(&c->arena, &configured, r));
    r->has.rejected_nssai_in_plmn = in_plmn.n > 0;
    r->rejected_nssai_in_plmn.n = in_plmn.n;
    r->has.rejected_nssai_in_ta = in_ta.n > 0;
    r->rejected_nssai_in_ta.n = in_ta.n;
    if (in_plmn.n)
        fits &= (r->rejected_nssai_in_plmn.p = keep(&c->arena, &in_plmn)) != NULL;
    if (in_ta.n)
        fits &= (r->rejected_nssai_in_ta.p = keep(&c->arena, &in_ta)) != NULL;
    if (fits)
        call_reply(c, 200);
    else
        call_problem(c, 503, "NF_CONGESTION", "no memory");
}

static void for_session(struct nssf *n, struct call *c, const struct sbi_Snssai *s, const uint32_t *tac)
{
    SBI_RSP(nnssf_selection_get) *r = c->rsp;
    if (usable(n->rt->config, s, tac) != HERE) {
        n->refused++;
        call_problem(c, 403, "SNSSAI_NOT_SUPPORTED", "the slice cannot be used here");
        return;
    }
    r->has.nsi_information = 1;
    r->nsi_information.nrf_id = arena_printf(&c->arena, "%s/nnrf-disc/v1", n->rt->api_root);
    call_reply(c, 200);
}

/* Nnssf_NSSelection_Get, TS 29.531 5.2.2.2. */
static void selection_get(void *state, struct call *c)
{
    struct nssf *n = state;
    const SBI_REQ(nnssf_selection_get) *q = c->req;
    uint8_t octets[3];
    uint32_t tac = 0;
    n->asked++;
    bool has_tac = q->has.tai;
    if (has_tac && q->tai.tac.n == 6 && hex_get(octets, 3, q->tai.tac))
        tac = be24(octets);
    else if (has_tac && q->tai.tac.n == 4 && hex_get(octets, 2, q->tai.tac))
        tac = be16(octets);
    else if (has_tac) {
        call_problem(c, 400, "MANDATORY_QUERY_PARAM_INCORRECT", "tai: tac is not 4 or 6 hexadecimal digits");
        return;
    }
    if (q->has.slice_info_for_registration)
        for_registration(n, c, &q->slice_info_for_registration, has_tac ? &tac : NULL);
    else if (q->has.slice_info_for_pdu_session)
        for_session(n, c, &q->slice_info_for_pdu_session.s_nssai, has_tac ? &tac : NULL);
    else
        call_problem(c, 400, "MANDATORY_QUERY_PARAM_MISSING", "neither a registration nor a PDU session to select for");
}

static int nssf_boot(struct rt *rt, void *state)
{
    ((struct nssf *)state)->rt = rt;
    return rt->config ? OK : ERR_CONFIG;
}
static void nssf_status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct nssf *n = state;
    char text[128];
    snprintf(text, sizeof text, "%llu selections, %llu without any slice", (unsigned long long)n->asked,
             (unsigned long long)n->refused);
    line(ctx, text);
}
static const struct nf_op nssf_ops[] = {{SBI_nnssf_selection_get, selection_get}};
const struct nf_desc nssf_nf = {.kind = SBI_NF_NSSF,
                                .name = "nssf",
                                .state_octets = sizeof(struct nssf),
                                .boot = nssf_boot,
                                .status = nssf_status,
                                .ops = nssf_ops,
                                .n_ops = ARRAY_LEN(nssf_ops)};
