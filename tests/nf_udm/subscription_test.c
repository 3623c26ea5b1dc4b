/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations, subscription data and subscriptions to its changes: TS 29.503 5.2, 5.3. */
#include "tests/nf_udm/core.h"

/* ---- an AMF that can be called back ---- */
struct amf_stub {
    uint32_t deregistered, notified;
    enum sbi_DeregistrationReason reason;
    char path[128], changes[128];
};
static void stub_dereg(void *state, struct call *c)
{
    struct amf_stub *s = state;
    const SBI_REQ(nudm_uecm_dereg_notify) *q = c->req;
    s->deregistered++;
    s->reason = q->body.dereg_reason;
    str_copy(s->path, sizeof s->path, call_callback_path(c));
    call_reply(c, 204);
}
static int stub_boot(struct rt *rt, void *state) { return OK; }
static void stub_notify(void *state, struct call *c)
{
    struct amf_stub *s = state;
    const SBI_REQ(nudm_sdm_notify) *q = c->req;
    s->notified++;
    str_copy(s->path, sizeof s->path, q->body.notify_items.p[0].resource_id);
    str_copy(s->changes, sizeof s->changes, q->body.notify_items.p[0].changes);
    call_reply(c, 204);
}
static const struct nf_op stub_ops[] = {{SBI_nudm_uecm_dereg_notify, stub_dereg}, {SBI_nudm_sdm_notify, stub_notify}};
static const struct nf_desc stub_nf = {.kind = SBI_NF_AMF, .name = "amf", .state_octets = sizeof(struct amf_stub),
                                       .boot = stub_boot, .ops = stub_ops, .n_ops = 2};

#define AMF_1 "http://127.0.0.5:7777/amf-callback/v1/imsi-001010000000001/dereg"
#define AMF_2 "http://127.0.0.5:7777/amf-callback/v1/other"
static int amf_register(struct core *t, const char *supi, const char *uri, const char *amf_id, bool initial)
{
    struct ask *a = ask_new(t, SBI_nudm_uecm_amf_register);
    SBI_REQ(nudm_uecm_amf_register) *q = ask_request(a);
    q->ue_id = str_of(supi);
    q->body.amf_instance_id = STR("11111111-0000-4000-8000-000000000000");
    q->body.dereg_callback_uri = str_of(uri);
    q->body.guami.plmn_id.mcc = STR("001");
    q->body.guami.plmn_id.mnc = STR("01");
    q->body.guami.amf_id = str_of(amf_id);
    q->body.rat_type = SBI_RatType_NR;
    q->body.has.pei = 1;
    q->body.pei = STR("imei-350000000000000");
    q->body.has.initial_registration_ind = q->body.initial_registration_ind = initial;
    int status = ask_send(t, a);
    ask_done(a);
    world_attach(t->w, t->env, &t->rt);
    world_run(t->w, 10000);
    return status;
}

static void a_second_amf_takes_over(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    assert_int_equal(nf_start(&t->rt, &stub_nf), OK);
    struct amf_stub *amf = nf_state(&t->rt, SBI_NF_AMF);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 201);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 200); /* the same one anew: it is not told */
    assert_int_equal(amf->deregistered, 0);
    assert_int_equal(amf_register(t, SUPI, AMF_2, "020041", false), 200);
    assert_int_equal(amf->deregistered, 1);
    assert_string_equal(amf->path, "imsi-001010000000001/dereg");
    assert_int_equal(amf->reason, SBI_DeregistrationReason_UE_REGISTRATION_AREA_CHANGE);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 200);
    assert_int_equal(amf->reason, SBI_DeregistrationReason_UE_INITIAL_REGISTRATION);
    assert_int_equal(amf_register(t, "imsi-001010000000009", AMF_1, "020040", true), 404);
    core_stop(t); /* a registration outlives the process */
    core_start(t);
    struct ask *a = ask_new(t, SBI_nudr_dr_amf_3gpp_get);
    ((SBI_REQ(nudr_dr_amf_3gpp_get) *)ask_request(a))->ue_id = STR(SUPI);
    assert_int_equal(ask_send(t, a), 200);
    const SBI_RSP(nudr_dr_amf_3gpp_get) *r = a->c->rsp;
    assert_str(r->dereg_callback_uri, AMF_1);
    assert_str(r->pei, "imei-350000000000000");
    assert_str(r->guami.plmn_id.mnc, "01");
    assert_int_equal(r->rat_type, SBI_RatType_NR);
    ask_done(a);
    core_free(t);
}

static struct ask *amf_update(struct core *t, const char *amf_id, bool purge)
{
    struct ask *a = ask_new(t, SBI_nudm_uecm_amf_update);
    SBI_REQ(nudm_uecm_amf_update) *q = ask_request(a);
    q->ue_id = STR(SUPI);
    q->body.guami.plmn_id.mcc = STR("001");
    q->body.guami.plmn_id.mnc = STR("01");
    q->body.guami.amf_id = str_of(amf_id);
    q->body.has.purge_flag = q->body.purge_flag = purge;
    ask_send(t, a);
    return a;
}
static void only_the_registered_amf_updates(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    assert_int_equal(nf_start(&t->rt, &stub_nf), OK);
    struct amf_stub *amf = nf_state(&t->rt, SBI_NF_AMF);
    assert_refused(amf_update(t, "020040", true), 404, "CONTEXT_NOT_FOUND");
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 201);
    assert_refused(amf_update(t, "020041", true), 403, "INVALID_GUAMI");
    struct ask *a = amf_update(t, "020040", true);
    assert_int_equal(a->c->status, 204);
    ask_done(a);
    assert_int_equal(amf_register(t, SUPI, AMF_2, "020041", true), 200); /* a purged one is not told */
    assert_int_equal(amf->deregistered, 0);
    core_free(t);
}

static void sdm_request(SBI_REQ(nudm_sdm_get) *q, const char *supi, const struct str *sets, uint32_t n)
{
    q->supi = str_of(supi);
    q->dataset_names.p = sets;
    q->dataset_names.n = n;
}
static int smf_register(struct core *t, int64_t id, const char *dnn)
{
    struct ask *a = ask_new(t, SBI_nudm_uecm_smf_register);
    SBI_REQ(nudm_uecm_smf_register) *q = ask_request(a);
    q->ue_id = STR(SUPI);
    q->pdu_session_id = q->body.pdu_session_id = id;
    q->body.smf_instance_id = STR("22222222-0000-4000-8000-000000000000");
    q->body.single_nssai.sst = 1;
    q->body.single_nssai.has.sd = 1;
    q->body.single_nssai.sd = STR("000009");
    q->body.plmn_id.mcc = STR("001");
    q->body.plmn_id.mnc = STR("01");
    q->body.has.dnn = 1;
    q->body.dnn = str_of(dnn);
    int status = ask_send(t, a);
    ask_done(a);
    return status;
}
static int smf_deregister(struct core *t, int64_t id)
{
    struct ask *a = ask_new(t, SBI_nudm_uecm_smf_deregister);
    SBI_REQ(nudm_uecm_smf_deregister) *q = ask_request(a);
    q->ue_id = STR(SUPI);
    q->pdu_session_id = id;
    int status = ask_send(t, a);
    ask_done(a);
    return status;
}

static void data_sets_come_together(void **state)
{
    static const struct str sets[] = {{"AM", 2}, {"SMF_SEL", 7}, {"UEC_SMF", 7}, {"SM", 2}};
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    assert_int_equal(smf_register(t, 5, "internet"), 201);
    assert_int_equal(smf_register(t, 12, "ims"), 201);
    struct ask *a = ask_new(t, SBI_nudm_sdm_get);
    sdm_request(ask_request(a), SUPI, sets, 4);
    assert_int_equal(ask_send(t, a), 200);
    const SBI_RSP(nudm_sdm_get) *r = a->c->rsp;
    assert_str(r->am_data.subscribed_ue_ambr.downlink, "1 Gbps");
    assert_str(r->am_data.subscribed_ue_ambr.uplink, "500 Mbps");
    assert_int_equal(r->am_data.nssai.default_single_nssais.n, 1);
    assert_int_equal(r->am_data.nssai.single_nssais.n, 1);
    assert_str(r->am_data.nssai.single_nssais.p[0].sd, "000009");
    assert_int_equal(r->smf_sel_data.subscribed_snssai_infos.n, 2);
    assert_str(r->smf_sel_data.subscribed_snssai_infos.p[0].key, "1");
    assert_str(r->smf_sel_data.subscribed_snssai_infos.p[1].key, "1-000009");
    assert_str(r->smf_sel_data.subscribed_snssai_infos.p[1].value.dnn_infos.p[0].dnn, "ims");
    assert_int_equal(r->uec_smf_data.pdu_sessions.n, 2);
    assert_str(r->uec_smf_data.pdu_sessions.p[0].key, "5");
    assert_str(r->uec_smf_data.pdu_sessions.p[1].key, "12");
    assert_str(r->uec_smf_data.pdu_sessions.p[1].value.dnn, "ims");
    assert_int_equal(r->sm_data.n, 2);
    ask_done(a);
    assert_int_equal(smf_deregister(t, 5), 204);
    assert_int_equal(smf_deregister(t, 5), 404);
    a = ask_new(t, SBI_nudm_sdm_get);
    sdm_request(ask_request(a), SUPI, sets + 2, 2);
    assert_int_equal(ask_send(t, a), 200);
    r = a->c->rsp;
    assert_false(r->has.am_data);
    assert_int_equal(r->sm_data.n, 2);
    assert_int_equal(r->uec_smf_data.pdu_sessions.n, 1);
    ask_done(a);
    a = ask_new(t, SBI_nudm_sdm_get);
    sdm_request(ask_request(a), "imsi-001010000000009", sets, 3);
    ask_send(t, a);
    assert_refused(a, 404, "USER_NOT_FOUND");
    static const struct str other[] = {{"TRACE", 5}, {"V2X", 3}};
    a = ask_new(t, SBI_nudm_sdm_get);
    sdm_request(ask_request(a), SUPI, other, 2);
    ask_send(t, a);
    assert_refused(a, 404, "DATA_NOT_FOUND");
    core_free(t);
}

static struct ask *sm_data(struct core *t, int64_t sst, const char *sd, const char *dnn)
{
    struct ask *a = ask_new(t, SBI_nudm_sdm_get_sm_data);
    SBI_REQ(nudm_sdm_get_sm_data) *q = ask_request(a);
    q->supi = STR(SUPI);
    q->has.single_nssai = q->has.dnn = 1;
    q->single_nssai.sst = sst;
    q->single_nssai.has.sd = sd != NULL;
    q->single_nssai.sd = sd ? str_of(sd) : STR("");
    q->dnn = str_of(dnn);
    ask_send(t, a);
    return a;
}
static void session_data_of_a_slice(void **state)
{
    struct core *t = core_new("");
    struct subscriber s = core_subscriber(t, 0, 0);
    s.n_static = 2;
    s.fixed[0] = (struct subscriber_static){STR("ims"), addr_v4(0x0a2d0009, 0)};
    s.fixed[1] = (struct subscriber_static){STR("internet"), addr_v4(0x0a2d0008, 0)};
    assert_int_equal(subscriber_put(t->store, STR(SUPI), &s), OK);
    struct ask *a = sm_data(t, 1, "000009", "IMS"); /* names have no case */
    assert_int_equal(a->c->status, 200);
    const SBI_RSP(nudm_sdm_get_sm_data) *r = a->c->rsp;
    assert_int_equal(r->items.n, 1);
    assert_int_equal(r->items.p[0].dnn_configurations.n, 1);
    const struct sbi_DnnConfiguration *d = &r->items.p[0].dnn_configurations.p[0].value;
    assert_int_equal(d->pdu_session_types.default_session_type, SBI_PduSessionType_IPV4);
    assert_int_equal(d->pdu_session_types.allowed_session_types.n, 3);
    assert_int_equal(d->x5g_qos_profile.x5qi, 9);
    assert_str(d->session_ambr.uplink, "1500 Kbps");
    assert_str(d->session_ambr.downlink, "100 Mbps");
    assert_int_equal(d->static_ip_address.n, 1);
    assert_str(d->static_ip_address.p[0].ipv4_addr, "10.45.0.9");
    ask_done(a);
    assert_refused(sm_data(t, 1, NULL, "ims"), 404, "DATA_NOT_FOUND");
    assert_refused(sm_data(t, 2, NULL, "internet"), 404, "DATA_NOT_FOUND");
    a = sm_data(t, 1, "ffffff", "internet"); /* no SD, as some write it */
    assert_int_equal(a->c->status, 200);
    ask_done(a);
    static const uint8_t junk[8] = {9};
    uint8_t key[8];
    put_be64(key, s.profile);
    store_put(t->store, STORE_profile, BYTES_OF(key), BYTES_OF(junk));
    assert_refused(sm_data(t, 1, NULL, "internet"), 500, "SYSTEM_FAILURE");
    store_del(t->store, STORE_profile, BYTES_OF(key));
    assert_refused(sm_data(t, 1, NULL, "internet"), 404, "DATA_NOT_FOUND");
    core_free(t);
}

static struct ask *subscribe(struct core *t, const char *supi, const char *callback)
{
    struct ask *a = ask_new(t, SBI_nudm_sdm_subscribe);
    SBI_REQ(nudm_sdm_subscribe) *q = ask_request(a);
    static const struct str uris[] = {{"x", 1}};
    q->ue_id = str_of(supi);
    q->body.nf_instance_id = STR("11111111-0000-4000-8000-000000000000");
    q->body.callback_reference = str_of(callback);
    q->body.monitored_resource_uris.p = uris;
    q->body.monitored_resource_uris.n = 1;
    q->body.has.implicit_unsubscribe = q->body.implicit_unsubscribe = true;
    ask_send(t, a);
    return a;
}
static struct ask *unsubscribe(struct core *t, const char *supi, struct str id)
{
    struct ask *a = ask_new(t, SBI_nudm_sdm_unsubscribe);
    SBI_REQ(nudm_sdm_unsubscribe) *q = ask_request(a);
    q->ue_id = str_of(supi);
    q->subscription_id = id;
    ask_send(t, a);
    return a;
}
static void subscriptions_end(void **state)
{
    struct core *t = core_new("");
    struct udm *udm = nf_state(&t->rt, SBI_NF_UDM);
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    struct ask *a = subscribe(t, SUPI, AMF_1);
    const SBI_RSP(nudm_sdm_subscribe) *r = a->c->rsp;
    assert_int_equal(a->c->status, 201);
    assert_refused(unsubscribe(t, "imsi-001010000000002", sbi_uri_id(r->location)), 404, "SUBSCRIPTION_NOT_FOUND");
    struct ask *b = unsubscribe(t, SUPI, sbi_uri_id(r->location));
    assert_int_equal(b->c->status, 204);
    ask_done(b);
    assert_refused(unsubscribe(t, SUPI, sbi_uri_id(r->location)), 404, "SUBSCRIPTION_NOT_FOUND");
    assert_refused(unsubscribe(t, SUPI, STR("nonsense")), 404, "SUBSCRIPTION_NOT_FOUND");
    ask_done(a);
    assert_int_equal(map_count(&udm->subs), 0);
    ask_done(subscribe(t, SUPI, AMF_1)); /* one that asks twice has one */
    ask_done(subscribe(t, SUPI, AMF_1));
    assert_int_equal(map_count(&udm->subs), 1);
    ask_done(subscribe(t, SUPI, AMF_2));
    assert_int_equal(map_count(&udm->subs), 2);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 201);
    ask_done(amf_update(t, "020040", true)); /* purged: its subscriptions go */
    assert_int_equal(map_count(&udm->subs), 0);
    assert_int_equal(map_count(&udm->subs_by_ue), 0);
    for (int i = 0; i < UDM_SUBS_PER_UE; i++) {
        char uri[64];
        snprintf(uri, sizeof uri, "http://127.0.0.5:7777/smf-callback/v1/%d", i);
        ask_done(subscribe(t, SUPI, uri));
    }
    assert_refused(subscribe(t, SUPI, AMF_1), 503, "INSUFFICIENT_RESOURCES");
    assert_refused(subscribe(t, "nai-x@y", AMF_1), 404, "USER_NOT_FOUND");
    core_free(t);
}

static void changes_are_told(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    assert_int_equal(nf_start(&t->rt, &stub_nf), OK);
    struct amf_stub *amf = nf_state(&t->rt, SBI_NF_AMF);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 201);
    ask_done(subscribe(t, SUPI, AMF_1));
    assert_int_equal(subscriber_note_change(t->store, STR(SUPI), 1000, false), OK);
    for (uint64_t i = 0; i < 100; i++) { /* of others, and some that are no notes at all */
        assert_int_equal(subscriber_note_change(t->store, STR("imsi-001010000000777"), 2000 + i, i & 1), OK);
        store_put(t->store, STORE_change, (struct bytes){(const uint8_t *)"zzzzzzzzzzzzz", (uint32_t)i % 13 + 1},
                  (struct bytes){(const uint8_t *)"r", 1});
    }
    world_run(t->w, 3000000);
    assert_int_equal(amf->notified, 1);
    assert_int_equal(amf->deregistered, 0);
    assert_string_equal(amf->path, "http://127.0.0.5:7777/nudm-sdm/v2/" SUPI);
    assert_non_null(strstr(amf->changes, "REPLACE"));
    assert_int_equal(t->store->ops->count(t->store, STORE_change), 0);
    assert_int_equal(subscriber_remove(t->store, STR(SUPI)), OK);
    assert_int_equal(subscriber_note_change(t->store, STR(SUPI), 9000, true), OK);
    world_run(t->w, 3000000);
    assert_int_equal(amf->notified, 2);
    assert_non_null(strstr(amf->changes, "REMOVE"));
    assert_int_equal(amf->deregistered, 1);
    assert_int_equal(amf->reason, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN);
    core_free(t);
}

static void a_store_that_fails_is_told(void **state)
{
    static const struct str sets[] = {{"AM", 2}, {"SMF_SEL", 7}};
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    store_memory_fail(t->store, "disk full", false);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 503);
    assert_int_equal(smf_register(t, 5, "internet"), 503);
    struct ask *a = ask_new(t, SBI_nudm_sdm_get);
    sdm_request(ask_request(a), SUPI, sets, 2);
    assert_int_equal(ask_send(t, a), 200); /* what can be read is served */
    ask_done(a);
    store_memory_fail(t->store, "disk gone", true);
    a = ask_new(t, SBI_nudm_sdm_get);
    sdm_request(ask_request(a), SUPI, sets, 2);
    ask_send(t, a);
    assert_refused(a, 503, "SYSTEM_FAILURE");
    store_memory_fail(t->store, NULL, false);
    assert_int_equal(amf_register(t, SUPI, AMF_1, "020040", true), 201);
    static const uint8_t junk[] = {7, 7};
    store_put(t->store, STORE_amf_reg, (struct bytes){(const uint8_t *)SUPI, sizeof SUPI - 1}, BYTES_OF(junk));
    assert_int_equal(amf_register(t, SUPI, AMF_2, "020040", true), 201); /* a row of no use is as none */
    core_free(t);
}

static void policy_data(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    struct ask *a = ask_new(t, SBI_nudr_dr_sm_policy_get);
    ((SBI_REQ(nudr_dr_sm_policy_get) *)ask_request(a))->ue_id = STR(SUPI);
    assert_int_equal(ask_send(t, a), 200);
    const SBI_RSP(nudr_dr_sm_policy_get) *r = a->c->rsp;
    assert_int_equal(r->sm_policy_snssai_data.n, 2);
    assert_str(r->sm_policy_snssai_data.p[0].value.sm_policy_dnn_data.p[0].key, "internet");
    ask_done(a);
    a = ask_new(t, SBI_nudr_dr_am_policy_get);
    ((SBI_REQ(nudr_dr_am_policy_get) *)ask_request(a))->ue_id = STR("imsi-001010000000009");
    ask_send(t, a);
    assert_refused(a, 404, "USER_NOT_FOUND");
    core_free(t);
}

int main(void)
{
    return RUN_BOTH(unit(a_second_amf_takes_over), unit(only_the_registered_amf_updates), unit(data_sets_come_together),
               unit(session_data_of_a_slice), unit(subscriptions_end), unit(a_store_that_fails_is_told),
               unit(policy_data), unit(changes_are_told));
}
