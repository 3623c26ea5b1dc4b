/* SPDX-License-Identifier: Apache-2.0 */
/* NSSF and PCF as their consumers meet them. */
#include "codec/sbi_text.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "tests/nf_udm/core.h"

static const char NF_ID[] = "00000000-0000-4000-8000-000000000001";
#define SLICES                                                                                     \
    "smf:\n  dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, pdu_types: [IPv4]}, "                    \
    "{name: ims, ipv4_pool: 10.46.0.0/16, pdu_types: [IPv4]}]\n"                                       \
    "upf:\n  n6: [{dnn: internet, tun: a, ipv4: 10.45.0.1/16}, {dnn: ims, tun: b, ipv4: 10.46.0.1/16}]\n" \
    "amf:\n  slices: [1, 1-000009, 2]\n"                                                           \
    "nssf:\n  slices: [{slice: 1}, {slice: 1-000009, tacs: [7]}]\n"                                \
    "pcf:\n  policies:\n"                                                                          \
    "    - {dnn: ims, 5qi: 5, arp_priority: 1, ambr_uplink: 1Mbps, ambr_downlink: 2Mbps}\n"          \
    "    - {slices: [1-000009], arp_priority: 3}\n"

static struct core *start(const char *yaml)
{
    struct core *t = core_new(yaml);
    assert_int_equal(nf_start(&t->rt, &nssf_nf), OK);
    assert_int_equal(nf_start(&t->rt, &pcf_nf), OK);
    return t;
}
static struct sbi_Snssai slice(int64_t sst, const char *sd)
{
    struct sbi_Snssai s = {.sst = sst};
    s.has.sd = sd != NULL;
    s.sd = str_of(sd);
    return s;
}

/* Which slices come out for what is requested (n of them) in this tracking area. All three are subscribed. */
static struct ask *select_slices(struct core *t, const struct sbi_Snssai *requested, uint32_t n, bool marked, const char *tac)
{
    static struct sbi_SubscribedSnssai subscribed[3];
    struct ask *a = ask_new(t, SBI_nnssf_selection_get);
    SBI_REQ(nnssf_selection_get) *q = ask_request(a);
    struct sbi_SliceInfoForRegistration *r = &q->slice_info_for_registration;
    subscribed[0].subscribed_snssai = slice(1, NULL);
    subscribed[1].subscribed_snssai = slice(1, "000009");
    subscribed[1].has.default_indication = subscribed[1].default_indication = marked;
    subscribed[2].subscribed_snssai = slice(2, NULL);
    q->nf_type = SBI_NFType_AMF;
    q->nf_id = str_of(NF_ID);
    q->has.slice_info_for_registration = q->has.tai = r->has.subscribed_nssai = 1;
    q->tai.plmn_id = (struct sbi_PlmnId){.mcc = STR("001"), .mnc = STR("01")};
    q->tai.tac = str_of(tac);
    r->subscribed_nssai.p = subscribed;
    r->subscribed_nssai.n = 3;
    r->has.requested_nssai = n > 0;
    r->requested_nssai.p = requested;
    r->requested_nssai.n = n;
    ask_send(t, a);
    return a;
}

static void slices_by_place(void **state)
{
    struct core *t = start(SLICES);
    struct sbi_Snssai wish[3] = {slice(1, "000009"), slice(1, "ffffff"), slice(9, NULL)};
    struct ask *a = select_slices(t, wish, 3, false, "000007");
    const SBI_RSP(nnssf_selection_get) *r = a->c->rsp;
    assert_int_equal(a->c->status, 200);
    assert_int_equal(r->allowed_nssai_list.n, 1);
    assert_int_equal(r->allowed_nssai_list.p[0].allowed_snssai_list.n, 2); /* SD ffffff is no SD */
    assert_str(r->allowed_nssai_list.p[0].allowed_snssai_list.p[0].allowed_snssai.sd, "000009");
    assert_int_equal(r->has.rejected_nssai_in_ta, 0);
    assert_int_equal(r->rejected_nssai_in_plmn.n, 1);
    assert_int_equal(r->rejected_nssai_in_plmn.p[0].sst, 9);
    assert_int_equal(r->configured_nssai.n, 2); /* 1-000009 in some area; 2 is not among nssf.slices */
    ask_done(a);

    a = select_slices(t, wish, 1, false, "000001");
    r = a->c->rsp;
    assert_int_equal(r->rejected_nssai_in_ta.n, 1);
    assert_int_equal(r->allowed_nssai_list.p[0].allowed_snssai_list.n, 1); /* the default: first of amf.slices */
    assert_int_equal(r->allowed_nssai_list.p[0].allowed_snssai_list.p[0].allowed_snssai.sst, 1);
    ask_done(a);
    core_free(t);
}

static void defaults_of_the_subscription(void **state)
{
    struct core *t = start(SLICES);
    struct ask *a = select_slices(t, NULL, 0, true, "0007");
    const SBI_RSP(nnssf_selection_get) *r = a->c->rsp;
    assert_int_equal(a->c->status, 200);
    assert_int_equal(r->allowed_nssai_list.p[0].allowed_snssai_list.n, 1);
    assert_str(r->allowed_nssai_list.p[0].allowed_snssai_list.p[0].allowed_snssai.sd, "000009");
    ask_done(a);
    assert_refused(select_slices(t, NULL, 0, true, "000001"), 403, "SNSSAI_NOT_SUPPORTED");
    assert_refused(select_slices(t, NULL, 0, true, "00zz"), 400, "MANDATORY_QUERY_PARAM_INCORRECT");
    a = ask_new(t, SBI_nnssf_selection_get);
    SBI_REQ(nnssf_selection_get) *q = ask_request(a);
    q->nf_type = SBI_NFType_SMF;
    q->nf_id = str_of(NF_ID);
    ask_send(t, a);
    assert_refused(a, 400, "MANDATORY_QUERY_PARAM_MISSING");
    core_free(t);
}

static void slice_of_a_session(void **state)
{
    struct core *t = start("");
    for (int i = 0; i < 2; i++) {
        struct ask *a = ask_new(t, SBI_nnssf_selection_get);
        SBI_REQ(nnssf_selection_get) *q = ask_request(a);
        q->nf_type = SBI_NFType_SMF;
        q->nf_id = str_of(NF_ID);
        q->has.slice_info_for_pdu_session = 1;
        q->slice_info_for_pdu_session.s_nssai = slice(1 + i, NULL);
        q->slice_info_for_pdu_session.roaming_indication = SBI_RoamingIndication_NON_ROAMING;
        ask_send(t, a);
        if (i) {
            assert_refused(a, 403, "SNSSAI_NOT_SUPPORTED");
            continue;
        }
        assert_str(((SBI_RSP(nnssf_selection_get) *)a->c->rsp)->nsi_information.nrf_id, "http://127.0.0.5:7777/nnrf-disc/v1");
        ask_done(a);
    }
    core_free(t);
}

static struct ask *create(struct core *t, const char *dnn, const char *sd, bool subscribed)
{
    struct ask *a = ask_new(t, SBI_npcf_sm_policy_create);
    SBI_REQ(npcf_sm_policy_create) *q = ask_request(a);
    struct sbi_SmPolicyContextData *d = &q->body;
    d->supi = STR(SUPI);
    d->pdu_session_id = 1;
    d->pdu_session_type = SBI_PduSessionType_IPV4;
    d->dnn = str_of(dnn);
    d->notification_uri = STR("http://127.0.0.5:7777/smf-callback/v1/x");
    d->slice_info = slice(1, sd);
    d->has.subs_sess_ambr = d->has.subs_def_qos = subscribed;
    d->subs_sess_ambr = (struct sbi_Ambr){.uplink = STR("50 Mbps"), .downlink = STR("100 Mbps")};
    d->subs_def_qos.x5qi = 7;
    d->subs_def_qos.arp.priority_level = 6;
    d->subs_def_qos.arp.preempt_cap = SBI_PreemptionCapability_MAY_PREEMPT;
    d->subs_def_qos.arp.preempt_vuln = SBI_PreemptionVulnerability_PREEMPTABLE;
    ask_send(t, a);
    return a;
}
static void expect(const struct sbi_SmPolicyDecision *d, int x5qi, int priority, const char *up)
{
    assert_int_equal(d->sess_rules.n, 1);
    const struct sbi_SessionRule *r = &d->sess_rules.p[0].value;
    assert_int_equal(r->auth_def_qos.x5qi, x5qi);
    assert_int_equal(r->auth_def_qos.arp.priority_level, priority);
    assert_int_equal(r->has.auth_sess_ambr, up != NULL);
    if (up)
        assert_str(r->auth_sess_ambr.uplink, up);
    assert_int_equal(d->pcc_rules.p[0].value.precedence, 255);
    assert_true(str_eq(d->pcc_rules.p[0].value.ref_qos_data.p[0], d->qos_decs.p[0].value.qos_id));
    assert_int_equal(d->qos_decs.p[0].value.x5qi, x5qi);
}

static void sessions(void **state)
{
    struct core *t = start(SLICES);
    char id[64];
    struct ask *a = create(t, "internet", NULL, true); /* no row fits: the subscription */
    assert_int_equal(a->c->status, 201);
    expect(a->c->rsp, 7, 6, "50 Mbps");
    str_copy(id, sizeof id, sbi_uri_id(((SBI_RSP(npcf_sm_policy_create) *)a->c->rsp)->location));
    ask_done(a);
    a = create(t, "ims", NULL, true); /* the first row */
    expect(a->c->rsp, 5, 1, "1000000 bps");
    ask_done(a);
    a = create(t, "internet", "000009", false); /* the second row, and nothing subscribed */
    expect(a->c->rsp, 9, 3, NULL);
    ask_done(a);

    a = ask_new(t, SBI_npcf_sm_policy_update);
    SBI_REQ(npcf_sm_policy_update) *u = ask_request(a);
    u->sm_policy_id = str_of(id);
    u->body.has.subs_sess_ambr = 1;
    u->body.subs_sess_ambr = (struct sbi_Ambr){.uplink = STR("7 Mbps"), .downlink = STR("8 Mbps")};
    assert_int_equal(ask_send(t, a), 200);
    expect(a->c->rsp, 7, 6, "7 Mbps");
    ask_done(a);
    for (int i = 0; i < 2; i++) { /* deleted, then unknown */
        a = ask_new(t, SBI_npcf_sm_policy_delete);
        ((SBI_REQ(npcf_sm_policy_delete) *)ask_request(a))->sm_policy_id = str_of(id);
        assert_int_equal(ask_send(t, a), i ? 404 : 204);
        ask_done(a);
    }
    a = ask_new(t, SBI_npcf_sm_policy_update);
    ((SBI_REQ(npcf_sm_policy_update) *)ask_request(a))->sm_policy_id = STR("not hex");
    ask_send(t, a);
    assert_refused(a, 404, "RESOURCE_CONTEXT_NOT_FOUND");
    core_free(t);
}

static struct ask *am_create(struct core *t)
{
    struct ask *a = ask_new(t, SBI_npcf_am_policy_create);
    SBI_REQ(npcf_am_policy_create) *q = ask_request(a);
    q->body.supi = STR(SUPI);
    q->body.notification_uri = STR("http://127.0.0.5:7777/amf-callback/v1/x");
    q->body.supp_feat = STR("0");
    q->body.has.rfsp = 1;
    q->body.rfsp = 17;
    ask_send(t, a);
    return a;
}
static void phones(void **state)
{
    struct core *t = start("amf:\n  max_ues: 2\n");
    char id[64];
    struct ask *a = am_create(t);
    assert_int_equal(a->c->status, 201);
    assert_int_equal(((SBI_RSP(npcf_am_policy_create) *)a->c->rsp)->rfsp, 17);
    str_copy(id, sizeof id, sbi_uri_id(((SBI_RSP(npcf_am_policy_create) *)a->c->rsp)->location));
    ask_done(a);
    ask_done(am_create(t));
    assert_refused(am_create(t), 503, "NF_CONGESTION"); /* as many as configured */
    for (int i = 0; i < 2; i++) {
        a = ask_new(t, SBI_npcf_am_policy_delete);
        ((SBI_REQ(npcf_am_policy_delete) *)ask_request(a))->pol_asso_id = str_of(id);
        assert_int_equal(ask_send(t, a), i ? 404 : 204);
        ask_done(a);
    }
    core_free(t);
}

int main(void)
{
    return RUN(unit(slices_by_place), unit(defaults_of_the_subscription), unit(slice_of_a_session), unit(sessions),
               unit(phones));
}
