/* SPDX-License-Identifier: Apache-2.0 */
/* EAP-AKA' between a SIM and AUSF, UDM, UDR: TS 33.501 6.1.3.1, annex F, RFC 9048. */
#include "tests/nf_udm/core.h"

struct peer { /* the phone's end */
    struct sim sim;
    uint8_t k_aut[32], kseaf[32], msg[256];
    int n;
    uint8_t id;
};

/* Answers a challenge; ERR_REPLAY: with a synchronisation failure. */
static int answer(struct core *t, struct peer *p, struct bytes request)
{
    struct eap_aka m;
    uint8_t ck[16], ik[16];
    struct eap_aka_keys k;
    assert_int_equal(eap_aka_parse(request, &m), OK);
    assert_int_equal(m.code, EAP_REQUEST);
    assert_int_equal(m.subtype, EAP_AKA_CHALLENGE);
    assert_int_equal(m.n_kdf, 1);
    assert_int_equal(m.kdf[0], 1);
    assert_true(str_is((struct str){(const char *)m.kdf_input.p, m.kdf_input.n}, SN_NAME));
    p->id = m.id;
    int e = aka_usim(t->crypto, &p->sim.key, &p->sim.sqns, m.rand, m.autn, &p->sim.last);
    if (e == ERR_REPLAY)
        p->n = eap_aka_sync_failure(m.id, p->sim.last.auts, p->msg, sizeof p->msg);
    if (e < 0)
        return e;
    assert_int_equal(kdf_ck_ik_prime(t->crypto, p->sim.last.ck, p->sim.last.ik, STR(SN_NAME), m.autn, ck, ik), OK);
    assert_int_equal(kdf_eap_aka_prime(t->crypto, ck, ik, (struct bytes){(const uint8_t *)SUPI + 5, sizeof SUPI - 6}, &k), OK);
    assert_int_equal(eap_aka_check_mac(t->crypto, k.k_aut, request, &m), OK);
    memcpy(p->k_aut, k.k_aut, 32);
    assert_int_equal(kdf_kseaf(t->crypto, k.emsk, STR(SN_NAME), p->kseaf), OK);
    p->n = eap_aka_challenge_response(t->crypto, m.id, (struct bytes){p->sim.last.res, p->sim.last.res_n}, p->k_aut, p->msg,
                                      sizeof p->msg);
    return OK;
}
static struct ask *send(struct core *t, struct str id, const uint8_t *msg, int n)
{
    struct ask *a = ask_new(t, SBI_nausf_eap_session);
    SBI_REQ(nausf_eap_session) *q = ask_request(a);
    q->auth_ctx_id = id;
    q->body.eap_payload = (struct bytes){msg, (uint32_t)n};
    ask_send(t, a);
    return a;
}
static struct ask *begin(struct core *t, const char *who)
{
    struct ask *a = ask_auth(t, who, SN_NAME);
    const SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    assert_int_equal(a->c->status, 201);
    assert_int_equal(r->auth_type, SBI_AusfAuthType_EAP_AKA_PRIME);
    assert_true(r->has.x5g_auth_data_eap);
    assert_str(r->links.p[0].key, "eap-session");
    return a;
}
static struct str ctx_of(const struct ask *a)
{
    return sbi_uri_id(((const SBI_RSP(nausf_auth_post) *)a->c->rsp)->location);
}
static struct bytes challenge_of(const struct ask *a) { return ((const SBI_RSP(nausf_auth_post) *)a->c->rsp)->x5g_auth_data_eap; }
static const struct sbi_EapSession *session(const struct ask *a) { return a->c->rsp; }
static void expect_end(struct ask *b, bool success)
{
    const struct sbi_EapSession *r = session(b);
    assert_int_equal(b->c->status, 200);
    assert_int_equal(r->auth_result, success ? SBI_AuthResult_AUTHENTICATION_SUCCESS : SBI_AuthResult_AUTHENTICATION_FAILURE);
    assert_int_equal(r->eap_payload.n, 4);
    assert_int_equal(r->eap_payload.p[0], success ? EAP_SUCCESS : EAP_FAILURE);
    assert_int_equal(r->has.k_seaf, success);
    assert_int_equal(r->has.supi, success);
}

static void a_sim_and_the_core_agree(void **state)
{
    struct core *t = core_new("  authentication: \"EAP-AKA'\"\n");
    struct peer p = {.sim = sim_new()};
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE); /* the network's method */
    struct ask *a = begin(t, "suci-0-001-01-0000-0-0-0000000001");
    assert_int_equal(answer(t, &p, challenge_of(a)), OK);
    struct ask *b = send(t, ctx_of(a), p.msg, p.n);
    expect_end(b, true);
    assert_memory_equal(session(b)->k_seaf.p, p.kseaf, 32);
    assert_str(session(b)->supi, SUPI);
    assert_refused(send(t, ctx_of(a), p.msg, p.n), 404, "CONTEXT_NOT_FOUND");
    ask_done(b);
    ask_done(a);
    core_free(t);
}

static void a_sim_that_is_ahead_is_followed(void **state)
{
    struct core *t = core_new("");
    struct peer p = {.sim = sim_new()};
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    for (int i = 0; i < AKA_IND_COUNT; i++)
        p.sim.sqns.seq[i] = 7000;
    struct ask *a = begin(t, SUPI);
    assert_int_equal(answer(t, &p, challenge_of(a)), ERR_REPLAY);
    uint8_t first_id = p.id;
    struct ask *b = send(t, ctx_of(a), p.msg, p.n);
    assert_int_equal(b->c->status, 200);
    assert_int_equal(session(b)->auth_result, SBI_AuthResult_AUTHENTICATION_ONGOING);
    assert_int_equal(answer(t, &p, session(b)->eap_payload), OK);
    assert_int_equal(p.id, (uint8_t)(first_id + 1));
    struct ask *c = send(t, ctx_of(a), p.msg, p.n);
    expect_end(c, true);
    assert_memory_equal(session(c)->k_seaf.p, p.kseaf, 32);
    ask_done(c);
    ask_done(b);
    ask_done(a);
    core_free(t);
}

static void a_false_auts_ends_it(void **state)
{
    struct core *t = core_new("");
    struct ausf *ausf = nf_state(&t->rt, SBI_NF_AUSF);
    struct peer p = {.sim = sim_new()};
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    for (int i = 0; i < AKA_IND_COUNT; i++)
        p.sim.sqns.seq[i] = 7000;
    struct ask *a = begin(t, SUPI);
    assert_int_equal(answer(t, &p, challenge_of(a)), ERR_REPLAY);
    p.msg[p.n - 1] ^= 1;
    struct ask *b = send(t, ctx_of(a), p.msg, p.n);
    expect_end(b, false);
    ask_done(b);
    ask_done(a);
    assert_int_equal(ausf->ctxs.used, 0);
    core_free(t);
}

static void a_wrong_response_is_notified_then_failed(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    for (int wrong = 0; wrong < 2; wrong++) { /* the MAC; RES */
        struct peer p = {.sim = sim_new()};
        struct ask *a = begin(t, SUPI);
        assert_int_equal(answer(t, &p, challenge_of(a)), OK);
        if (wrong == 0)
            p.msg[p.n - 1] ^= 1;
        else {
            p.sim.last.res[0] ^= 1;
            p.n = eap_aka_challenge_response(t->crypto, p.id, (struct bytes){p.sim.last.res, p.sim.last.res_n}, p.k_aut,
                                             p.msg, sizeof p.msg);
        }
        struct ask *b = send(t, ctx_of(a), p.msg, p.n);
        struct eap_aka m;
        assert_int_equal(b->c->status, 200);
        assert_int_equal(session(b)->auth_result, SBI_AuthResult_AUTHENTICATION_ONGOING);
        assert_int_equal(eap_aka_parse(session(b)->eap_payload, &m), OK);
        assert_int_equal(m.subtype, EAP_AKA_NOTIFICATION);
        assert_int_equal(m.notification, 16384);
        p.n = eap_aka_notification(t->crypto, EAP_RESPONSE, m.id, 0, NULL, p.msg, sizeof p.msg);
        assert_true(p.n > 0);
        struct ask *c = send(t, ctx_of(a), p.msg, p.n);
        expect_end(c, false);
        ask_done(c);
        ask_done(b);
        ask_done(a);
    }
    assert_non_null(strstr(t->text, "auth_res_wrong"));
    core_free(t);
}

static void whatever_else_is_sent_ends_it(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    for (int what = 0; what < 6; what++) {
        struct peer p = {.sim = sim_new()};
        struct ask *a = begin(t, SUPI);
        assert_int_equal(answer(t, &p, challenge_of(a)), OK);
        switch (what) {
        case 0: p.n = eap_aka_auth_reject(p.id, p.msg, sizeof p.msg); break;
        case 1: p.n = eap_aka_client_error(p.id, 0, p.msg, sizeof p.msg); break;
        case 2: p.msg[1]++; break;                      /* another identifier */
        case 3: p.n = 3; break;                         /* cut */
        case 4: p.msg[0] = EAP_REQUEST; break;
        default: p.n = eap_identity(EAP_RESPONSE, p.id, (struct bytes){(const uint8_t *)"me", 2}, p.msg, sizeof p.msg);
        }
        struct ask *b = send(t, ctx_of(a), p.msg, p.n);
        expect_end(b, false);
        ask_done(b);
        ask_done(a);
    }
    /* the resource of the other method */
    struct ask *a = begin(t, SUPI);
    struct ask *b = ask_new(t, SBI_nausf_auth_confirm);
    SBI_REQ(nausf_auth_confirm) *q = ask_request(b);
    static const uint8_t zero[16];
    q->auth_ctx_id = ctx_of(a);
    q->body.res_star = BYTES_OF(zero);
    ask_send(t, b);
    assert_refused(b, 404, "CONTEXT_NOT_FOUND");
    struct ask *d = ask_new(t, SBI_nausf_auth_delete);
    ((SBI_REQ(nausf_auth_delete) *)ask_request(d))->auth_ctx_id = ctx_of(a);
    assert_int_equal(ask_send(t, d), 204);
    ask_done(d);
    d = ask_new(t, SBI_nausf_auth_delete);
    ((SBI_REQ(nausf_auth_delete) *)ask_request(d))->auth_ctx_id = ctx_of(a);
    ask_send(t, d);
    assert_refused(d, 404, "CONTEXT_NOT_FOUND");
    ask_done(a);
    core_free(t);
}

int main(void)
{
    return RUN_BOTH(unit(a_sim_and_the_core_agree), unit(a_sim_that_is_ahead_is_followed), unit(a_false_auts_ends_it),
               unit(a_wrong_response_is_notified_then_failed), unit(whatever_else_is_sent_ends_it));
}
