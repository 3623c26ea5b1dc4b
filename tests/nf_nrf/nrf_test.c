/* SPDX-License-Identifier: Apache-2.0 */
/* The NRF as functions of its process and others meet it, as structs and as bytes. */
#include "codec/sbi_text.h"
#include "nf/nrf/nrf.h"
#include "proto/sbi.h"
#include "tests/nf_udm/core.h"

static bool json;
#define OTHER_ID "85a6ff0a-3eca-41f1-b3f5-55ded11935bf"
#define THIRD_ID "95a6ff0a-3eca-41f1-b3f5-55ded11935bf"

/* ---- an AMF that is told ---- */
static struct {
    unsigned n;
    enum sbi_NotificationEventType event;
    char id[64];
    bool has_profile;
} told;
static void on_told(void *state, struct call *c)
{
    const SBI_REQ(nnrf_nfm_status_notify) *q = c->req;
    told.n++;
    told.event = q->body.event;
    told.has_profile = q->body.has.nf_profile;
    str_copy(told.id, sizeof told.id, sbi_uri_id(q->body.nf_instance_uri));
    call_reply(c, 204);
}
static int stub_boot(struct rt *rt, void *state)
{
    return 0;
}
static const struct nf_op amf_ops[] = {{SBI_nnrf_nfm_status_notify, on_told}};
static const struct nf_desc amf_stub = {SBI_NF_AMF, "amf", 8, stub_boot, NULL, NULL, amf_ops, 1};

static void run_ms(struct core *t, uint64_t ms)
{
    world_attach(t->w, t->env, &t->rt);
    world_run(t->w, ms * 1000);
}
static struct core *start(void)
{
    memset(&told, 0, sizeof told);
    struct core *t = core_new("nrf:\n  heartbeat: 10\n");
    if (json)
        assert_int_equal(sbi_json_mode(&t->rt), OK);
    assert_int_equal(nf_start(&t->rt, &nrf_nf), OK);
    assert_int_equal(nf_start(&t->rt, &amf_stub), OK);
    run_ms(t, 1);
    return t;
}
static void finish(struct core *t)
{
    sbi_json_mode_end(&t->rt);
    core_free(t);
}
static struct nrf *nrf_of(struct core *t)
{
    return nf_state(&t->rt, SBI_NF_NRF);
}

static struct ask *search(struct core *t, enum sbi_NFType target, const char *service)
{
    static struct str names[1];
    struct ask *a = ask_new(t, SBI_nnrf_disc_search);
    SBI_REQ(nnrf_disc_search) *q = ask_request(a);
    q->target_nf_type = target;
    q->requester_nf_type = SBI_NFType_AMF;
    names[0] = str_of(service);
    q->has.service_names = service != NULL;
    q->service_names.p = names;
    q->service_names.n = 1;
    assert_int_equal(ask_send(t, a), 200);
    return a;
}
static uint32_t count(struct core *t, enum sbi_NFType target, const char *service)
{
    struct ask *a = search(t, target, service);
    uint32_t n = ((const SBI_RSP(nnrf_disc_search) *)a->c->rsp)->nf_instances.n;
    ask_done(a);
    return n;
}

/* A function elsewhere: an AUSF unless changed. */
static int register_other(struct core *t, const char *id, void (*change)(struct sbi_NFProfile *))
{
    static const struct str address = {"10.1.2.3", 8};
    struct ask *a = ask_new(t, SBI_nnrf_nfm_register);
    SBI_REQ(nnrf_nfm_register) *q = ask_request(a);
    q->nf_instance_id = q->body.nf_instance_id = str_of(id);
    q->body.nf_type = SBI_NFType_AUSF;
    q->body.nf_status = SBI_NFStatus_REGISTERED;
    q->body.has.ipv4_addresses = true;
    q->body.ipv4_addresses.p = &address;
    q->body.ipv4_addresses.n = 1;
    if (change)
        change(&q->body);
    int status = ask_send(t, a);
    if (call_ok(a->c)) {
        const SBI_RSP(nnrf_nfm_register) *r = a->c->rsp;
        assert_true(r->has.heart_beat_timer && r->heart_beat_timer == 10 && r->has.location);
        assert_true(str_eq(r->nf_instance_id, str_of(id)));
    }
    ask_done(a);
    return status;
}
static int patch(struct core *t, const char *id, const char *path, const char *value)
{
    struct sbi_PatchItem item = {.op = SBI_PatchOperation_REPLACE,
                                 .path = str_of(path),
                                 .has.value = true,
                                 .value = str_of(value)};
    struct ask *a = ask_new(t, SBI_nnrf_nfm_update);
    SBI_REQ(nnrf_nfm_update) *q = ask_request(a);
    q->nf_instance_id = str_of(id);
    q->body.p = &item;
    q->body.n = 1;
    int status = ask_send(t, a);
    ask_done(a);
    return status;
}

static void functions_of_the_process_are_there(void **state)
{
    struct core *t = start();
    assert_int_equal(map_count(&nrf_of(t)->by_id),
                     5); /* UDR, UDM, AUSF before it; itself; AMF after it */
    assert_int_equal(metric_get(t->rt.metrics, METRIC_nfs_registered), 5);
    struct ask *a = search(t, SBI_NFType_UDM, "nudm-ueau");
    const SBI_RSP(nnrf_disc_search) *r = a->c->rsp;
    assert_int_equal(r->nf_instances.n, 1);
    const struct sbi_NFProfile *p = &r->nf_instances.p[0];
    assert_true(str_is(p->nf_instance_id, t->rt.nf[SBI_NF_UDM]->instance_id));
    assert_true(p->has.ipv4_addresses && str_is(p->ipv4_addresses.p[0], "127.0.0.5"));
    assert_true(p->plmn_list.n == 1 && str_is(p->plmn_list.p[0].mnc, "01"));
    assert_int_equal(p->nf_service_list.n, 3); /* nudm-ueau, nudm-uecm, nudm-sdm */
    ask_done(a);
    assert_int_equal(count(t, SBI_NFType_UDM, "nausf-auth"), 0);
    assert_int_equal(count(t, SBI_NFType_SMF, NULL), 0);
    run_ms(t, 3600000); /* without any heartbeat */
    assert_int_equal(count(t, SBI_NFType_UDM, NULL), 1);
    nf_stop(&t->rt, SBI_NF_AUSF);
    run_ms(t, 1);
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 0);
    finish(t);
}

static void one_that_falls_silent_is_not_found(void **state)
{
    struct core *t = start();
    assert_int_equal(register_other(t, OTHER_ID, NULL), 201);
    assert_int_equal(register_other(t, OTHER_ID, NULL), 200);
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 2);
    for (unsigned i = 0; i < 10; i++) {
        run_ms(t, 20000);
        assert_int_equal(patch(t, OTHER_ID, "/nfStatus", "\"REGISTERED\""), 204);
    }
    run_ms(t, 24900);
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 2);
    run_ms(t, 200);
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 1);
    assert_non_null(strstr(t->text, "nf_lost"));
    assert_int_equal(patch(t, OTHER_ID, "/nfStatus", "\"REGISTERED\""), 204); /* it was only slow */
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 2);
    run_ms(t, 400000);
    assert_int_equal(patch(t, OTHER_ID, "/nfStatus", "\"REGISTERED\""),
                     404); /* forgotten: it has to register anew */
    finish(t);
}

static void changes_and_refusals(void **state)
{
    struct core *t = start();
    register_other(t, OTHER_ID, NULL);
    assert_int_equal(patch(t, OTHER_ID, "/load", "17"), 204);
    assert_int_equal(patch(t, OTHER_ID, "/priority", "3"), 204);
    assert_int_equal(patch(t, OTHER_ID, "/load", "101"), 400);
    assert_int_equal(patch(t, OTHER_ID, "/load", "\"1\""), 400);
    assert_int_equal(patch(t, OTHER_ID, "/nfType", "\"AMF\""), 400);
    assert_int_equal(patch(t, OTHER_ID, "/nfStatus", "\"X\""), 400);
    assert_int_equal(patch(t, THIRD_ID, "/load", "1"), 404);
    struct ask *a = ask_new(t, SBI_nnrf_nfm_get);
    SBI_REQ(nnrf_nfm_get) *q = ask_request(a);
    q->nf_instance_id = STR(OTHER_ID);
    assert_int_equal(ask_send(t, a), 200);
    const SBI_RSP(nnrf_nfm_get) *r = a->c->rsp;
    assert_true(r->load == 17 && r->priority == 3 && r->nf_type == SBI_NFType_AUSF);
    ask_done(a);
    assert_int_equal(patch(t, OTHER_ID, "/nfStatus", "\"UNDISCOVERABLE\""), 204);
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 1);
    a = ask_new(t, SBI_nnrf_nfm_register); /* path and body differ */
    SBI_REQ(nnrf_nfm_register) *g = ask_request(a);
    g->nf_instance_id = STR(OTHER_ID);
    g->body = (struct sbi_NFProfile){.nf_instance_id = STR(THIRD_ID),
                                     .nf_type = SBI_NFType_AMF,
                                     .nf_status = SBI_NFStatus_REGISTERED};
    assert_int_equal(ask_send(t, a), 400);
    ask_done(a);
    a = ask_new(t, SBI_nnrf_oauth2_token);
    SBI_REQ(nnrf_oauth2_token) *o = ask_request(a);
    o->grant_type = SBI_GrantType_CLIENT_CREDENTIALS;
    o->nf_instance_id = STR(OTHER_ID);
    o->scope = STR("nudm-sdm");
    assert_int_equal(ask_send(t, a), 501); /* and says so */
    assert_int_equal(((const SBI_ERR(nnrf_oauth2_token) *)a->c->err)->error,
                     SBI_TokenError_UNAUTHORIZED_CLIENT);
    ask_done(a);
    finish(t);
}

static const enum sbi_NFType amf_only[] = {SBI_NFType_AMF}, smf_only[] = {SBI_NFType_SMF};
static void prefer(struct sbi_NFProfile *p)
{
    p->has.priority = p->has.allowed_nf_types = true;
    p->priority = 1;
    p->allowed_nf_types.p = amf_only;
    p->allowed_nf_types.n = 1;
}
static void for_others(struct sbi_NFProfile *p)
{
    p->has.allowed_nf_types = true;
    p->allowed_nf_types.p = smf_only;
    p->allowed_nf_types.n = 1;
}
static void the_best_comes_first(void **state)
{
    struct core *t = start();
    register_other(t, OTHER_ID, prefer);
    register_other(t, THIRD_ID, for_others);
    struct ask *a = search(t, SBI_NFType_AUSF, NULL);
    const SBI_RSP(nnrf_disc_search) *r = a->c->rsp;
    assert_int_equal(r->nf_instances.n, 2); /* the third is not for AMFs */
    assert_true(str_is(r->nf_instances.p[0].nf_instance_id, OTHER_ID));
    assert_int_equal(r->validity_period, NRF_VALIDITY_S);
    ask_done(a);
    finish(t);
}

static void those_who_want_to_know_are_told(void **state)
{
    struct core *t = start();
    struct ask *a = ask_new(t, SBI_nnrf_nfm_subscribe);
    SBI_REQ(nnrf_nfm_subscribe) *q = ask_request(a);
    q->body.nf_status_notification_uri =
        call_callback_uri(&t->rt, &a->c->arena, SBI_NF_AMF, "nf-status");
    q->body.has.subscr_cond = q->body.subscr_cond.has.nf_type = true;
    q->body.subscr_cond.nf_type = SBI_NFType_AUSF;
    assert_int_equal(ask_send(t, a), 201);
    char id[17];
    const SBI_RSP(nnrf_nfm_subscribe) *r = a->c->rsp;
    str_copy(id, sizeof id, r->subscription_id);
    ask_done(a);
    register_other(t, OTHER_ID, NULL);
    run_ms(t, 1);
    assert_int_equal(told.n, 1);
    assert_true(told.event == SBI_NotificationEventType_NF_REGISTERED && told.has_profile);
    assert_string_equal(told.id, OTHER_ID);
    patch(t, OTHER_ID, "/load", "5"); /* not worth a word */
    patch(t, OTHER_ID, "/priority", "5");
    run_ms(t, 1);
    assert_int_equal(told.n, 2);
    run_ms(t, 25100);
    assert_int_equal(told.n, 3); /* silent */
    nf_stop(&t->rt, SBI_NF_UDM); /* of another type */
    run_ms(t, 1);
    assert_int_equal(told.n, 3);
    run_ms(t, 400000);
    assert_true(told.n == 4 && told.event == SBI_NotificationEventType_NF_DEREGISTERED &&
                !told.has_profile);
    for (unsigned i = 0; i < 2; i++) {
        a = ask_new(t, SBI_nnrf_nfm_unsubscribe);
        ((SBI_REQ(nnrf_nfm_unsubscribe) *)ask_request(a))->subscription_id = str_of(id);
        assert_int_equal(ask_send(t, a), i ? 404 : 204);
        ask_done(a);
    }
    register_other(t, OTHER_ID, NULL);
    run_ms(t, 1);
    assert_int_equal(told.n, 4);
    finish(t);
}

static void no_more_than_there_is_room_for(void **state)
{
    struct core *t = start();
    char id[37];
    unsigned n = 0;
    for (; n < NRF_PROFILES; n++) {
        snprintf(id, sizeof id, "%08u-0000-4000-8000-000000000000", n);
        if (register_other(t, id, NULL) != 201)
            break;
    }
    assert_int_equal(n, NRF_PROFILES - 5);
    assert_int_equal(count(t, SBI_NFType_AUSF, NULL), 64);
    finish(t);
}

/* ---- trust ---- */
static struct {
    unsigned asked, gone;
    char callback[128], vendor[8];
} trusted;
static void on_decide(void *state, struct call *c)
{
    static const struct str why[] = {{"deny by t/ban (Act 7): not this vendor", 38}};
    const SBI_REQ(trust_decide_connect) *q = c->req;
    SBI_RSP(trust_decide_connect) *r = c->rsp;
    trusted.asked++;
    assert_int_equal(q->body.kind, SBI_TrustKind_NF);
    str_copy(trusted.callback, sizeof trusted.callback, q->body.callback_uri);
    str_copy(trusted.vendor, sizeof trusted.vendor, q->body.vendor_id);
    r->permitted = str_is(q->body.node_id, OTHER_ID);
    r->verdict = r->permitted ? SBI_TrustVerdict_PERMIT : SBI_TrustVerdict_DENY;
    r->has.reasons = true;
    r->reasons.p = why;
    r->reasons.n = 1;
    call_reply(c, 200);
}
static void on_gone(void *state, struct call *c)
{
    trusted.gone++;
    call_reply(c, 204);
}
static const struct nf_op trust_ops[] = {{SBI_trust_decide_connect, on_decide}, {SBI_trust_gone, on_gone}};
static const struct nf_desc trust_stub = {SBI_NF_TRUST, "trust", 8, stub_boot, NULL, NULL, trust_ops, 2};
static void of_vendor(struct sbi_NFProfile *p)
{
    p->has.vendor_id = true;
    p->vendor_id = STR("002011");
}
/* Functions of elsewhere register as the trust function allows, and leave when it takes its word back. */
static void only_whom_policy_permits(void **state)
{
    memset(&trusted, 0, sizeof trusted);
    struct core *t = core_new("nrf:\n  heartbeat: 10\ntrust:\n  mode: enforce\n");
    if (json)
        assert_int_equal(sbi_json_mode(&t->rt), OK);
    assert_int_equal(nf_start(&t->rt, &nrf_nf), OK);
    run_ms(t, 1);
    uint32_t own = map_count(&nrf_of(t)->by_id);
    assert_true(own >= 4); /* those of this process are not asked about */
    assert_int_equal(trusted.asked, 0);
    assert_int_equal(register_other(t, OTHER_ID, of_vendor), 403); /* nobody decides */
    assert_int_equal(nf_start(&t->rt, &trust_stub), OK);
    assert_int_equal(register_other(t, OTHER_ID, of_vendor), 201);
    assert_string_equal(trusted.vendor, "002011");
    assert_int_equal(register_other(t, THIRD_ID, NULL), 403);
    assert_int_equal(trusted.asked, 2);
    assert_int_equal(map_count(&nrf_of(t)->by_id), own + 1);
    assert_null(nrf_find(nrf_of(t), STR(THIRD_ID)));
    assert_non_null(strstr(trusted.callback, "/nrf-callback/v1/trust/" THIRD_ID));
    struct ask *a = ask_new(t, SBI_trust_changed);
    SBI_REQ(trust_changed) *q = ask_request(a);
    q->body.kind = SBI_TrustKind_NF;
    q->body.node_id = STR(OTHER_ID);
    char uri[128];
    snprintf(uri, sizeof uri, "%s/nrf-callback/v1/trust/%s", t->rt.api_root, OTHER_ID);
    q->callback = str_of(uri);
    q->body.decision.verdict = SBI_TrustVerdict_DENY;
    assert_int_equal(ask_send(t, a), 204);
    ask_done(a);
    run_ms(t, 10);
    assert_null(nrf_find(nrf_of(t), STR(OTHER_ID)));
    assert_int_equal(trusted.gone, 1);
    finish(t);
}

int main(void)
{
    int failed = 0;
    for (int mode = 0; mode < 2; mode++) {
        json = mode;
        print_message("%s\n", json ? "as bytes" : "as structs");
        failed |=
            RUN(unit(functions_of_the_process_are_there), unit(one_that_falls_silent_is_not_found),
                unit(changes_and_refusals), unit(the_best_comes_first),
                unit(those_who_want_to_know_are_told), unit(no_more_than_there_is_room_for),
                unit(only_whom_policy_permits));
    }
    return failed;
}
