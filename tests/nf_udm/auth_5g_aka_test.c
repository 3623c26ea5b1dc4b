/* SPDX-License-Identifier: Apache-2.0 */
/* 5G-AKA between a SIM and AUSF, UDM, UDR: TS 33.501 6.1.3.2, 6.1.3.3. */
#include "tests/nf_udm/core.h"

/* The SIM answers the challenge: OK, ERR_MAC or ERR_REPLAY; RES* and KSEAF as the phone has them. */
static int answer(struct core *t, struct sim *s, const struct sbi_Av5gAka *av, uint8_t res_star[16], uint8_t kseaf[32])
{
    int e = aka_usim(t->crypto, &s->key, &s->sqns, av->rand.p, av->autn.p, &s->last);
    if (e < 0)
        return e;
    uint8_t hres[16], kausf[32];
    struct bytes res = {s->last.res, s->last.res_n};
    assert_int_equal(kdf_res_star(t->crypto, s->last.ck, s->last.ik, STR(SN_NAME), av->rand.p, res, res_star), OK);
    assert_int_equal(kdf_hres_star(t->crypto, av->rand.p, res_star, hres), OK);
    assert_memory_equal(hres, av->hxres_star.p, 16);
    assert_int_equal(kdf_kausf(t->crypto, s->last.ck, s->last.ik, STR(SN_NAME), av->autn.p, kausf), OK);
    assert_int_equal(kdf_kseaf(t->crypto, kausf, STR(SN_NAME), kseaf), OK);
    return OK;
}
static struct ask *confirm(struct core *t, struct str id, const uint8_t res_star[16])
{
    struct ask *a = ask_new(t, SBI_nausf_auth_confirm);
    SBI_REQ(nausf_auth_confirm) *q = ask_request(a);
    q->auth_ctx_id = id;
    q->body.res_star = (struct bytes){res_star, 16};
    ask_send(t, a);
    return a;
}
/* One whole authentication that succeeds; the SQN that it used. */
static uint64_t authenticate(struct core *t, struct sim *s, const char *who)
{
    struct ask *a = ask_auth(t, who, SN_NAME);
    SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    uint8_t res_star[16], kseaf[32];
    assert_int_equal(a->c->status, 201);
    assert_int_equal(r->auth_type, SBI_AusfAuthType_5G_AKA);
    assert_int_equal(answer(t, s, &r->x5g_auth_data, res_star, kseaf), OK);
    struct ask *b = confirm(t, sbi_uri_id(r->location), res_star);
    const SBI_RSP(nausf_auth_confirm) *c = b->c->rsp;
    assert_int_equal(b->c->status, 200);
    assert_int_equal(c->auth_result, SBI_AuthResult_AUTHENTICATION_SUCCESS);
    assert_str(c->supi, SUPI);
    assert_memory_equal(c->kseaf.p, kseaf, 32);
    struct ask *again = confirm(t, sbi_uri_id(r->location), res_star); /* one answer for each context */
    assert_refused(again, 404, "CONTEXT_NOT_FOUND");
    ask_done(b);
    ask_done(a);
    return s->last.sqn;
}

static void a_sim_and_the_core_agree(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    uint64_t last = 0;
    for (int i = 0; i < 70; i++) { /* over block bounds */
        uint64_t sqn = authenticate(t, &s, SUPI);
        assert_int_equal(sqn >> AKA_IND_BITS, (last >> AKA_IND_BITS) + 1);
        last = sqn;
    }
    struct udm *udm = nf_state(&t->rt, SBI_NF_UDM);
    struct udr *udr = nf_state(&t->rt, SBI_NF_UDR);
    assert_int_equal(udm->vectors, 70);
    assert_int_equal(udr->writes, 3); /* 70 authentications by blocks of 32 */
    struct ausf *ausf = nf_state(&t->rt, SBI_NF_AUSF);
    assert_int_equal(ausf->ctxs.used, 0);
    assert_int_equal(ausf->succeeded, 70);
    assert_null(strstr(t->text, "001010000000001"));
    static uint64_t trace; /* the same happens whichever way calls travel */
    if (core_json)
        assert_int_equal(t->rt.trace, trace);
    trace = t->rt.trace;
    core_free(t);
}

static void conceal(struct core *t, enum suci_scheme scheme, const char *priv, uint8_t fill, char out[320])
{
    uint8_t raw[32], pub[33], eph[32], bcd[8], scheme_out[128];
    char hex[257];
    struct hn_key *k, *ue;
    assert_true(hex_get(raw, 32, str_of(priv)));
    assert_int_equal(hn_key_private_raw(t->crypto, scheme, raw, &k), OK);
    int n = hn_key_public(k, pub);
    assert_int_equal(hn_key_public_raw(t->crypto, scheme, (struct bytes){pub, (uint32_t)n}, &ue), OK);
    memset(eph, fill, sizeof eph);
    int m = suci_msin_put(STR("0000000001"), bcd, sizeof bcd);
    n = suci_conceal(t->crypto, ue, eph, (struct bytes){bcd, (uint32_t)m}, scheme_out, sizeof scheme_out);
    assert_true(n > 0);
    hex_put(hex, scheme_out, (size_t)n);
    snprintf(out, 320, "suci-0-001-01-0000-%d-%d-%s", scheme, scheme == SUCI_PROFILE_A ? 1 : 2, hex);
    hn_key_free(k);
    hn_key_free(ue);
}

static void concealed_identities_are_revealed(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    char suci[320];
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    conceal(t, SUCI_PROFILE_A, HN_A, 0x17, suci);
    authenticate(t, &s, suci);
    authenticate(t, &s, suci); /* the same again: no second key agreement */
    conceal(t, SUCI_PROFILE_B, HN_B, 0x18, suci);
    authenticate(t, &s, suci);
    authenticate(t, &s, "suci-0-001-01-0000-0-0-0000000001");
    struct udm *udm = nf_state(&t->rt, SBI_NF_UDM);
    assert_int_equal(udm->suci_ok, 4);
    conceal(t, SUCI_PROFILE_A, HN_A, 0x19, suci);
    suci[strlen(suci) - 1] ^= 1; /* the MAC */
    assert_refused(ask_auth(t, suci, SN_NAME), 403, "INVALID_SCHEME_OUTPUT");
    suci[strlen("suci-0-001-01-0000-1-")] = '9'; /* a key that is not ours */
    assert_refused(ask_auth(t, suci, SN_NAME), 403, "INVALID_HN_PUBLIC_KEY_IDENTIFIER");
    assert_refused(ask_auth(t, "suci-0-001-01-0000-7-1-00", SN_NAME), 501, "UNSUPPORTED_PROTECTION_SCHEME");
    assert_refused(ask_auth(t, "suci-0-999-70-0000-0-0-0000000001", SN_NAME), 404, "USER_NOT_FOUND");
    assert_refused(ask_auth(t, "suci-0-001-01-0000-0-0-00000x0001", SN_NAME), 403, "INVALID_SCHEME_OUTPUT");
    assert_refused(ask_auth(t, "imsi-12345x", SN_NAME), 404, "USER_NOT_FOUND");
    assert_refused(ask_auth(t, "imsi-001010000000002", SN_NAME), 404, "USER_NOT_FOUND");
    core_free(t);
    t = core_new("  suci_null_allowed: false\n");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    assert_refused(ask_auth(t, "suci-0-001-01-0000-0-0-0000000001", SN_NAME), 403, "AUTHENTICATION_REJECTED");
    core_free(t);
}

static void false_identities_cost_a_bounded_time(void **state)
{
    struct core *t = core_new("");
    struct udm *udm = nf_state(&t->rt, SBI_NF_UDM);
    char suci[320];
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    conceal(t, SUCI_PROFILE_A, HN_A, 0x19, suci);
    suci[strlen(suci) - 1] ^= 1;
    udm->refusals_from_us = t->rt.now_us;
    udm->refusals = UDM_REFUSALS_PER_S;
    assert_refused(ask_auth(t, suci, SN_NAME), 503, "NF_CONGESTION");
    world_run(t->w, 1100000);
    assert_refused(ask_auth(t, suci, SN_NAME), 403, "INVALID_SCHEME_OUTPUT");
    core_free(t);
}

static void wrong_answers_are_refused(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    uint8_t res_star[16], kseaf[32];
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_5G_AKA);
    assert_refused(ask_auth(t, SUPI, "5G:mnc070.mcc999.3gppnetwork.org"), 403, "SERVING_NETWORK_NOT_AUTHORIZED");
    assert_refused(ask_auth(t, SUPI, "5G:mnc001.mcc001.3gppnetwork.orgx"), 403, "SERVING_NETWORK_NOT_AUTHORIZED");
    struct ask *a = ask_auth(t, SUPI, SN_NAME);
    SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    assert_int_equal(answer(t, &s, &r->x5g_auth_data, res_star, kseaf), OK);
    res_star[3] ^= 1;
    struct ask *b = confirm(t, sbi_uri_id(r->location), res_star);
    const SBI_RSP(nausf_auth_confirm) *c = b->c->rsp;
    assert_int_equal(b->c->status, 200);
    assert_int_equal(c->auth_result, SBI_AuthResult_AUTHENTICATION_FAILURE);
    assert_false(c->has.kseaf);
    assert_false(c->has.supi);
    res_star[3] ^= 1;
    assert_refused(confirm(t, sbi_uri_id(r->location), res_star), 404, "CONTEXT_NOT_FOUND");
    ask_done(b);
    ask_done(a);
    assert_refused(confirm(t, STR("00"), res_star), 404, "CONTEXT_NOT_FOUND");
    assert_refused(confirm(t, STR("00112233445566778899aabbccddeeff"), res_star), 404, "CONTEXT_NOT_FOUND");
    assert_non_null(strstr(t->text, "auth_res_wrong"));
    assert_non_null(strstr(t->text, "auth_network_denied"));
    core_free(t);
}

static struct ask *resync(struct core *t, const uint8_t rand[16], const uint8_t auts[14])
{
    struct ask *a = ask_new(t, SBI_nausf_auth_post);
    SBI_REQ(nausf_auth_post) *q = ask_request(a);
    q->body.supi_or_suci = STR(SUPI);
    q->body.serving_network_name = STR(SN_NAME);
    q->body.has.resynchronization_info = 1;
    q->body.resynchronization_info.rand = (struct bytes){rand, 16};
    q->body.resynchronization_info.auts = (struct bytes){auts, 14};
    ask_send(t, a);
    return a;
}
static void resynchronised(struct core *t, struct sim *s)
{
    uint8_t res_star[16], kseaf[32];
    struct ask *a = ask_auth(t, SUPI, SN_NAME);
    const SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    assert_int_equal(answer(t, s, &r->x5g_auth_data, res_star, kseaf), ERR_REPLAY);
    struct ask *b = resync(t, r->x5g_auth_data.rand.p, s->last.auts);
    const SBI_RSP(nausf_auth_post) *n = b->c->rsp;
    assert_int_equal(b->c->status, 201);
    assert_int_equal(answer(t, s, &n->x5g_auth_data, res_star, kseaf), OK);
    struct ask *c = confirm(t, sbi_uri_id(n->location), res_star);
    assert_int_equal(c->c->status, 200);
    ask_done(c);
    ask_done(b);
    ask_done(a);
}

static void a_sim_that_is_ahead_is_followed(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    for (int i = 0; i < AKA_IND_COUNT; i++)
        s.sqns.seq[i] = 5000;
    resynchronised(t, &s);
    assert_true(s.last.sqn >> AKA_IND_BITS > 5000 && s.last.sqn >> AKA_IND_BITS < 5100);
    authenticate(t, &s, SUPI);
    core_stop(t); /* and still after a restart */
    core_start(t);
    authenticate(t, &s, SUPI);
    core_free(t);
}

static void a_sim_that_is_far_behind_is_met(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    core_add(t, SUPI, (uint64_t)1 << 40, SUBSCRIBER_AUTH_NONE);
    resynchronised(t, &s);
    assert_true(s.last.sqn >> AKA_IND_BITS < 100);
    authenticate(t, &s, SUPI);
    core_free(t);
}

static void an_old_or_false_resynchronisation_changes_nothing(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    uint8_t res_star[16], kseaf[32], rand[16], auts[14];
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    for (int i = 0; i < AKA_IND_COUNT; i++)
        s.sqns.seq[i] = 500;
    struct ask *a = ask_auth(t, SUPI, SN_NAME);
    const SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    assert_int_equal(answer(t, &s, &r->x5g_auth_data, res_star, kseaf), ERR_REPLAY);
    memcpy(rand, r->x5g_auth_data.rand.p, 16);
    memcpy(auts, s.last.auts, 14);
    ask_done(a);
    auts[13] ^= 1;
    assert_refused(resync(t, rand, auts), 403, "AUTHENTICATION_REJECTED");
    assert_non_null(strstr(t->text, "auth_resync_bad"));
    auts[13] ^= 1;
    ask_done(resync(t, rand, auts));
    uint64_t before = authenticate(t, &s, SUPI);
    for (int i = 0; i < 3; i++) /* the same AUTS again: the numbers go on upwards */
        ask_done(resync(t, rand, auts));
    assert_true(authenticate(t, &s, SUPI) > before);
    core_free(t);
}

static void contexts_are_bounded_in_number_and_time(void **state)
{
    struct core *t = core_new("ausf: {max_pending: 3, pending: 60 s}\n");
    struct ausf *ausf = nf_state(&t->rt, SBI_NF_AUSF);
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    for (int i = 0; i < 3; i++)
        ask_done(ask_auth(t, SUPI, SN_NAME));
    assert_int_equal(ausf->ctxs.used, 3);
    assert_refused(ask_auth(t, SUPI, SN_NAME), 503, "INSUFFICIENT_RESOURCES");
    world_run(t->w, 11000000); /* now the oldest has had its time */
    struct ask *a = ask_auth(t, SUPI, SN_NAME);
    assert_int_equal(a->c->status, 201);
    ask_done(a);
    assert_int_equal(ausf->ctxs.used, 3);
    world_run(t->w, 50000000);
    assert_int_equal(ausf->ctxs.used, 1);
    world_run(t->w, 61000000);
    assert_int_equal(ausf->ctxs.used, 0);
    assert_int_equal(ausf->expired, 4);
    core_free(t);
}

static void a_store_that_fails_is_told_and_survived(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    store_memory_fail(t->store, "disk full", false);
    assert_refused(ask_auth(t, SUPI, SN_NAME), 503, "NF_CONGESTION");
    store_memory_fail(t->store, "disk gone", true);
    assert_refused(ask_auth(t, SUPI, SN_NAME), 503, "NF_CONGESTION");
    assert_non_null(strstr(t->text, "store_failed"));
    store_memory_fail(t->store, NULL, false);
    authenticate(t, &s, SUPI);
    world_run(t->w, 100000);
    assert_non_null(strstr(t->text, "store_recovered"));
    static const uint8_t junk[] = {1, 2, 3};
    struct bytes key = {(const uint8_t *)SUPI, sizeof SUPI - 1};
    store_put(t->store, STORE_sqn, key, BYTES_OF(junk)); /* never guessed: a number could come twice */
    store_put(t->store, STORE_subscriber, (struct bytes){(const uint8_t *)"imsi-001010000000002", 20}, BYTES_OF(junk));
    assert_refused(ask_auth(t, SUPI, SN_NAME), 500, "AV_GENERATION_PROBLEM");
    assert_refused(ask_auth(t, "imsi-001010000000002", SN_NAME), 500, "AV_GENERATION_PROBLEM");
    assert_non_null(strstr(t->text, "store_row_bad"));
    core_free(t);
}

static void a_start_without_a_store_waits_for_it(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    core_stop(t);
    store_memory_fail(t->store, "read-only", false);
    core_start(t); /* it starts */
    assert_refused(ask_auth(t, SUPI, SN_NAME), 503, "NF_CONGESTION");
    store_memory_fail(t->store, NULL, false);
    authenticate(t, &s, SUPI);
    core_free(t);
}

static void keys_in_another_process(void **state)
{
    struct core *t = core_new("");
    struct sim s = sim_new();
    char suci[320];
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    if (!core_separate) {
        struct subscriber sealed = core_subscriber(t, 0, SUBSCRIBER_AUTH_NONE); /* but nobody holds the seal */
        sealed.sealed_n = 62;
        assert_int_equal(subscriber_put(t->store, STR(SUPI), &sealed), OK);
        assert_refused(ask_auth(t, SUPI, SN_NAME), 501, "AV_GENERATION_PROBLEM");
        core_free(t);
        return;
    }
    conceal(t, SUCI_PROFILE_A, HN_A, 0x17, suci);
    authenticate(t, &s, suci);
    assert_int_equal(t->keys.asked, 2); /* who is it; a vector */
    authenticate(t, &s, suci);
    assert_int_equal(t->keys.asked, 3); /* known by now */
    authenticate(t, &s, SUPI);
    assert_int_equal(t->keys.asked, 4);
    t->keys.dead = true;
    assert_refused(ask_auth(t, SUPI, SN_NAME), 503, "NF_CONGESTION");
    conceal(t, SUCI_PROFILE_B, HN_B, 0x18, suci);
    assert_refused(ask_auth(t, suci, SN_NAME), 503, "NF_CONGESTION");
    t->keys.dead = false;
    t->keys.box.seal.k[0] ^= 1; /* sealed with another key */
    assert_refused(ask_auth(t, SUPI, SN_NAME), 500, "AV_GENERATION_PROBLEM");
    t->keys.box.seal.k[0] ^= 1;
    authenticate(t, &s, SUPI);
    /* what is asked for and never answered goes with its procedure */
    t->keys.silent = true;
    struct ask *a = ask_new(t, SBI_nudm_ueau_generate_auth_data);
    SBI_REQ(nudm_ueau_generate_auth_data) *q = ask_request(a);
    q->supi_or_suci = STR(SUPI);
    q->body.serving_network_name = STR(SN_NAME);
    rt_enter(&t->rt);
    proc_start(&a->p);
    rt_turn(&t->rt);
    assert_int_equal(t->keys.n, 1);
    nf_stop(&t->rt, SBI_NF_UDM);
    assert_int_equal(t->keys.cancelled, 1);
    rt_turn(&t->rt);
    assert_int_equal(a->c->status, 503);
    ask_done(a);
    core_free(t);
}

struct held {
    struct call *c[8];
    uint32_t n;
};
static int hold(void *ctx, struct call *c)
{
    struct held *h = ctx;
    assert_in_range(h->n, 0, 7);
    h->c[h->n++] = c;
    return OK;
}
static void a_udr_that_does_not_answer(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    struct ask *a = ask_auth(t, SUPI, SN_NAME); /* an EAP context, for later */
    nf_stop(&t->rt, SBI_NF_UDR);
    struct held far = {0};
    t->rt.sbi_remote = hold;
    t->rt.sbi_remote_ctx = &far;
    assert_refused(ask_auth(t, SUPI, SN_NAME), 504, "UPSTREAM_SERVER_ERROR");
    /* everything ends in the middle: a vector is awaited, for a registration and for a resynchronisation */
    static const uint8_t auts[14] = {1};
    uint8_t msg[64];
    struct eap_aka m;
    const SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    assert_int_equal(eap_aka_parse(r->x5g_auth_data_eap, &m), OK);
    int n = eap_aka_sync_failure(m.id, auts, msg, sizeof msg);
    struct ask *b = ask_new(t, SBI_nausf_eap_session), *c = ask_new(t, SBI_nausf_auth_post);
    ((SBI_REQ(nausf_eap_session) *)ask_request(b))->auth_ctx_id = sbi_uri_id(r->location);
    ((SBI_REQ(nausf_eap_session) *)ask_request(b))->body.eap_payload = (struct bytes){msg, (uint32_t)n};
    ((SBI_REQ(nausf_auth_post) *)ask_request(c))->body.supi_or_suci = STR(SUPI);
    ((SBI_REQ(nausf_auth_post) *)ask_request(c))->body.serving_network_name = STR(SN_NAME);
    rt_enter(&t->rt);
    proc_start(&b->p);
    proc_start(&c->p);
    rt_turn(&t->rt);
    assert_int_equal(t->rt.procs_running, 7); /* a, b, c; two of the AUSF, two of the UDM */
    nf_stop_all(&t->rt);
    rt_turn(&t->rt);
    assert_true(b->c->answered && c->c->answered);
    assert_refused(b, 503, "NF_CONGESTION");
    assert_refused(c, 503, "SYSTEM_FAILURE");
    ask_done(a);
    world_attach(t->w, t->env, &t->rt);
    world_run(t->w, 3000000);
    for (uint32_t i = 0; i < far.n; i++) /* too late */
        call_reply(far.c[i], 200);
    rt_turn(&t->rt);
    core_end(t);
    core_free(t);
}

int main(void)
{
    return RUN_BOTH(unit(a_sim_and_the_core_agree), unit(concealed_identities_are_revealed),
               unit(false_identities_cost_a_bounded_time), unit(wrong_answers_are_refused),
               unit(a_sim_that_is_ahead_is_followed), unit(a_sim_that_is_far_behind_is_met),
               unit(an_old_or_false_resynchronisation_changes_nothing), unit(contexts_are_bounded_in_number_and_time),
               unit(a_store_that_fails_is_told_and_survived), unit(a_start_without_a_store_waits_for_it), unit(keys_in_another_process), unit(a_udr_that_does_not_answer));
}
