/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and responses as HTTP carries them: every operation there and back, and what each part
 * looks like. */
#include "tests/test.h"
#include "base/err.h"
#include "codec/sbi_wire.h"
#include "tests/sbi/fill.h"

static uint8_t block[1 << 18], block2[1 << 18], wire[1 << 18], value[8192], back[8192];
static struct sbi_report why;
static struct arena a, b, w;

static void fresh(void)
{
    a = arena_over(block, sizeof block);
    b = arena_over(block2, sizeof block2);
    w = arena_over(wire, sizeof wire);
    memset(value, 0, sizeof value);
    memset(back, 0x5a, sizeof back);
}
/* Written again it is the same to the bit. */
static void assert_same_http(const struct sbi_http *h, const struct sbi_http *again)
{
    assert_true(str_eq(h->path, again->path) && str_eq(h->content_type, again->content_type));
    assert_true(bytes_eq(h->body, again->body));
    assert_int_equal(h->n_headers, again->n_headers);
    for (uint32_t i = 0; i < h->n_headers; i++)
        assert_true(str_eq(h->headers[i].value, again->headers[i].value));
}
static void set_callback(enum sbi_op op)
{
    const struct sbi_field *f = sbi_ops[op].req->fields();
    if (sbi_ops[op].nf == SBI_NF_CALLBACK)
        *(struct str *)(void *)(value + f->off) =
            STR("http://127.0.0.1:7777/amf-callback/v1/imsi-1/x?y=%20");
}

static void every_operation_survives_the_way_there_and_back(void **state)
{
    struct sbi_http h, h2;
    for (enum sbi_op op = 0; op < SBI_OP_MAX; op++) {
        const struct sbi_op_desc *d = &sbi_ops[op];
        for (unsigned round = 0; round < 30; round++) {
            fresh();
            fill_struct(d->req, value, &a);
            set_callback(op);
            assert_int_equal(sbi_request_encode(op, value, &w, &h), OK);
            if (d->nf != SBI_NF_CALLBACK)
                assert_int_equal(sbi_route(h.method, h.path), op);
            if (sbi_request_decode(op, &h, &b, back, &why))
                fail_msg("%s: %s at %s: " STR_FMT, d->name, why.reason, why.pointer,
                         STR_ARG(h.path));
            assert_int_equal(sbi_request_encode(op, back, &w, &h2), OK);
            assert_same_http(&h, &h2);

            fresh();
            fill_struct(d->rsp, value, &a);
            assert_int_equal(sbi_response_encode(op, d->ok, value, NULL, &w, &h), OK);
            if (d->ok != 204) {
                if (sbi_response_decode(op, &h, &b, back, back, &why))
                    fail_msg("%s: %s at %s", d->name, why.reason, why.pointer);
                assert_int_equal(sbi_response_encode(op, d->ok, back, NULL, &w, &h2), OK);
                assert_same_http(&h, &h2);
            }
            fresh();
            fill_struct(d->err, value, &a);
            assert_int_equal(sbi_response_encode(op, 403, NULL, value, &w, &h), OK);
            assert_int_equal(sbi_response_decode(op, &h, &b, back, back, &why), OK);
            assert_int_equal(sbi_response_encode(op, 403, NULL, back, &w, &h2), OK);
            assert_same_http(&h, &h2);
        }
    }
}

static void a_query_and_a_path_are_written_as_the_specification_says(void **state)
{
    struct sbi_http h;
    struct sbi_req_nnssf_selection_get q = {
        .nf_type = SBI_NFType_AMF,
        .nf_id = STR("85a6ff0a-3eca-41f1-b3f5-55ded11935bf"),
        .has.tai = 1,
        .tai = {.plmn_id = {.mcc = STR("001"), .mnc = STR("01")}, .tac = STR("000001")}};
    fresh();
    assert_int_equal(sbi_request_encode(SBI_nnssf_selection_get, &q, &w, &h), OK);
    assert_true(str_is(
        h.path, "/nnssf-nsselection/v2/"
                "network-slice-information?nf-type=AMF&nf-id=85a6ff0a-3eca-41f1-b3f5-55ded11935bf"
                "&tai=%7B%22plmnId%22%3A%7B%22mcc%22%3A%22001%22%2C%22mnc%22%3A%2201%22%7D%2C%"
                "22tac%22%3A%22000001%22%7D"));
    assert_true(h.body.n == 0 && h.content_type.n == 0 && h.method == SBI_GET);

    struct str names[] = {STR("nausf-auth"), STR("a b")};
    struct sbi_req_nnrf_disc_search s = {.target_nf_type = SBI_NFType_AUSF,
                                         .requester_nf_type = SBI_NFType_AMF,
                                         .has.service_names = 1,
                                         .service_names = {names, 2},
                                         .has.limit = 1,
                                         .limit = 3};
    assert_int_equal(sbi_request_encode(SBI_nnrf_disc_search, &s, &w, &h), OK);
    assert_true(str_is(h.path, "/nnrf-disc/v1/"
                               "nf-instances?target-nf-type=AUSF&requester-nf-type=AMF&service-"
                               "names=nausf-auth,a%20b&limit=3"));

    struct sbi_req_nudm_uecm_smf_deregister u = {.ue_id = STR("imsi-001/../\xc3\xa9"),
                                                 .pdu_session_id = 7};
    assert_int_equal(sbi_request_encode(SBI_nudm_uecm_smf_deregister, &u, &w, &h), OK);
    assert_true(
        str_is(h.path, "/nudm-uecm/v1/imsi-001%2F..%2F%C3%A9/registrations/smf-registrations/7"));

    struct sbi_req_nnrf_oauth2_token t = {.grant_type = SBI_GrantType_CLIENT_CREDENTIALS,
                                          .scope = STR("a b"),
                                          .nf_instance_id =
                                              STR("85a6ff0a-3eca-41f1-b3f5-55ded11935bf")};
    assert_int_equal(sbi_request_encode(SBI_nnrf_oauth2_token, &t, &w, &h), OK);
    assert_true(str_is(h.content_type, "application/x-www-form-urlencoded"));
    assert_true(str_is((struct str){(const char *)h.body.p, h.body.n},
                       "grant_type=client_credentials&nfInstanceId=85a6ff0a-3eca-41f1-b3f5-"
                       "55ded11935bf&scope=a%20b"));
}

static void callbacks_go_to_their_uri(void **state)
{
    struct sbi_http h;
    struct sbi_req_nudm_uecm_dereg_notify q = {.callback =
                                                   STR("https://[::1]:80/amf-callback/v1/x"),
                                               .body.dereg_reason =
                                                   SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN},
                                          r;
    fresh();
    assert_int_equal(sbi_request_encode(SBI_nudm_uecm_dereg_notify, &q, &w, &h), OK);
    assert_true(str_is(h.scheme, "https") && str_is(h.authority, "[::1]:80") &&
                str_is(h.path, "/amf-callback/v1/x"));
    assert_int_equal(sbi_request_decode(SBI_nudm_uecm_dereg_notify, &h, &b, &r, &why), OK);
    assert_true(str_eq(q.callback, r.callback));
    q.callback = STR("nonsense");
    assert_int_equal(sbi_request_encode(SBI_nudm_uecm_dereg_notify, &q, &w, &h), ERR_RANGE);
}

static void requests_that_are_wrong_are_refused(void **state)
{
    static const struct {
        enum sbi_op op;
        const char *path, *type, *body;
        int err;
        const char *cause, *pointer;
    } rows[] = {
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/nf-instances?target-nf-type=AMF", "", "", ERR_MISSING,
         "MANDATORY_QUERY_PARAM_MISSING", "query requester-nf-type"},
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/nf-instances?target-nf-type=AMF%00%00", "", "",
         ERR_RANGE, "MANDATORY_QUERY_PARAM_INCORRECT", "query target-nf-type"},
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/nf-instances", "", "", ERR_MISSING,
         "MANDATORY_QUERY_PARAM_MISSING", "query target-nf-type"},
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/nf-instances?target-nf-type=", "", "", ERR_RANGE,
         "MANDATORY_QUERY_PARAM_INCORRECT", "query target-nf-type"},
        {SBI_nnrf_disc_search,
         "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=SMF&snssais=%5B", "", "",
         ERR_RANGE, "OPTIONAL_QUERY_PARAM_INCORRECT", "query snssais"},
        {SBI_nnrf_disc_search,
         "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=SMF&limit=0", "", "",
         ERR_RANGE, "OPTIONAL_QUERY_PARAM_INCORRECT", "query limit"},
        {SBI_nnrf_disc_search,
         "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=SMF&service-names=%ff",
         "", "", ERR_RANGE, "OPTIONAL_QUERY_PARAM_INCORRECT", "query service-names"},
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=%4",
         "", "", ERR_RANGE, "MANDATORY_QUERY_PARAM_INCORRECT", "query requester-nf-type"},
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&target-nf-type=SMF",
         "", "", ERR_ORDER, "INVALID_QUERY_PARAM", ""},
        {SBI_nnrf_disc_search, "/nnrf-disc/v1/other?target-nf-type=AMF", "", "", ERR_NOTFOUND,
         "RESOURCE_URI_STRUCTURE_NOT_FOUND", ""},
        {SBI_nnrf_nfm_deregister, "/nnrf-nfm/v1/nf-instances/short", "", "", ERR_RANGE,
         "MANDATORY_IE_INCORRECT", "path {nfInstanceID}"},
        {SBI_nnrf_nfm_deregister, "/nnrf-nfm/v1/nf-instances/", "", "", ERR_NOTFOUND,
         "RESOURCE_URI_STRUCTURE_NOT_FOUND", ""},
        {SBI_nudm_uecm_smf_deregister, "/nudm-uecm/v1/imsi-1/registrations/smf-registrations/256",
         "", "", ERR_RANGE, "MANDATORY_IE_INCORRECT", "path {pduSessionId}"},
        {SBI_nausf_auth_confirm, "/nausf-auth/v1/ue-authentications/7/5g-aka-confirmation", "", "",
         ERR_MISSING, "MANDATORY_IE_MISSING", ""},
        {SBI_nausf_auth_confirm, "/nausf-auth/v1/ue-authentications/7/5g-aka-confirmation",
         "text/plain", "{}", ERR_UNSUPPORTED, "UNSUPPORTED_MEDIA_TYPE", ""},
        {SBI_nausf_auth_confirm, "/nausf-auth/v1/ue-authentications/7/5g-aka-confirmation",
         "application/json; charset=utf-8", "{}", ERR_MISSING, "MANDATORY_IE_MISSING", "/resStar"},
        {SBI_nnrf_oauth2_token, "/oauth2/token", "application/x-www-form-urlencoded", "scope=x",
         ERR_MISSING, "MANDATORY_IE_MISSING", "/grant_type"},
        {SBI_nsmf_pdusession_update, "/nsmf-pdusession/v1/sm-contexts/1/modify",
         "multipart/related", "{}", ERR_SYNTAX, "INVALID_MSG_FORMAT", ""},
        {SBI_nsmf_pdusession_update, "/nsmf-pdusession/v1/sm-contexts/1/modify",
         "multipart/related; boundary=b", "--b\r\n\r\n{}", ERR_SYNTAX, "INVALID_MSG_FORMAT", ""},
        {SBI_nsmf_pdusession_update, "/nsmf-pdusession/v1/sm-contexts/1/modify",
         "multipart/related; boundary=b", "--b\r\n{}\r\n--b--", ERR_SYNTAX, "INVALID_MSG_FORMAT",
         ""},
        {SBI_nsmf_pdusession_update, "/nsmf-pdusession/v1/sm-contexts/1/modify",
         "multipart/related; boundary=b", "--b--", ERR_SYNTAX, "INVALID_MSG_FORMAT", ""},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        fresh();
        struct sbi_http h = {
            .method = sbi_ops[rows[i].op].method,
            .path = str_of(rows[i].path),
            .content_type = str_of(rows[i].type),
            .body = {(const uint8_t *)rows[i].body, (uint32_t)strlen(rows[i].body)}};
        int r = sbi_request_decode(rows[i].op, &h, &b, back, &why);
        if (r != rows[i].err || strcmp(why.cause, rows[i].cause) != 0 ||
            strcmp(why.pointer, rows[i].pointer) != 0)
            fail_msg("%u: %d %s at %s (%s)", i, r, why.cause, why.pointer, why.reason);
    }
    assert_int_equal(sbi_report_status(&(struct sbi_report){.err = ERR_NOSPACE}), 503);
    assert_int_equal(sbi_report_status(&(struct sbi_report){.err = ERR_UNSUPPORTED}), 415);
    assert_int_equal(sbi_report_status(&(struct sbi_report){.err = ERR_NOTFOUND}), 404);
    assert_int_equal(sbi_report_status(&(struct sbi_report){.err = ERR_RANGE}), 400);
    assert_int_equal(sbi_route(SBI_GET, STR("/nothing")), ERR_NOTFOUND);
    assert_int_equal(sbi_route(SBI_GET, STR("")), ERR_NOTFOUND);
    assert_int_equal(sbi_route(SBI_DELETE, STR("/oauth2/token")), ERR_NOTFOUND);
}

static void multipart_of_other_cores_is_read(void **state)
{
    static const char body[] =
        "preamble\r\n--=-PPvl==\r\nContent-Type: "
        "application/"
        "json\r\n\r\n{\"n1SmMsg\":{\"contentId\":\"5gnas-sm\"},\"n2SmInfo\":{\"contentId\":"
        "\"ngap\"}}"
        "\r\n--=-PPvl==\r\ncontent-id: <5gnas-sm>\r\nContent-Type: "
        "application/vnd.3gpp.5gnas\r\n\r\n\x2e\x01\r\n\x00"
        "\r\n--=-PPvl==\r\nContent-Type: "
        "application/vnd.3gpp.ngap\r\nContent-Id:ngap\r\n\r\n\r\n--=-PPvl==--\r\n";
    struct sbi_req_nsmf_pdusession_update q;
    struct sbi_http h = {
        .method = SBI_POST,
        .path = STR("/nsmf-pdusession/v1/sm-contexts/1/modify"),
        .content_type = STR("Multipart/Related; type=\"application/json\"; boundary=\"=-PPvl==\""),
        .body = {(const uint8_t *)body, sizeof body - 1}};
    fresh();
    assert_int_equal(sbi_request_decode(SBI_nsmf_pdusession_update, &h, &b, &q, &why), OK);
    assert_true(q.body.has.n1_sm_msg && q.body.n1_sm_msg.n == 5 &&
                memcmp(q.body.n1_sm_msg.p, "\x2e\x01\r\n\x00", 5) == 0);
    assert_true(q.body.has.n2_sm_info && q.body.n2_sm_info.n == 0);
    for (uint32_t n = 0; n < h.body.n; n++) { /* no prefix of it crashes or reads on */
        uint8_t *copy = test_malloc(n + 1);
        memcpy(copy, body, n);
        struct sbi_http cut = h;
        cut.body = (struct bytes){copy, n};
        fresh();
        sbi_request_decode(SBI_nsmf_pdusession_update, &cut, &b, &q, &why);
        test_free(copy);
    }
}

static void a_boundary_stands_in_no_part(void **state)
{
    struct sbi_http h;
    struct sbi_req_nsmf_pdusession_update
        q = {.sm_context_ref = STR("1"),
             .body = {.has.n1_sm_msg = 1,
                      .n1_sm_msg = {(const uint8_t *)"\r\n--redoubt-part--\r\nredoubt-part-0",
                                    34}}},
        r;
    fresh();
    assert_int_equal(sbi_request_encode(SBI_nsmf_pdusession_update, &q, &w, &h), OK);
    assert_true(str_is(h.content_type, "multipart/related; boundary=\"redoubt-part-1\""));
    assert_int_equal(sbi_request_decode(SBI_nsmf_pdusession_update, &h, &b, &r, &why), OK);
    assert_true(bytes_eq(q.body.n1_sm_msg, r.body.n1_sm_msg));
}

static void errors_come_in_more_than_one_form(void **state)
{
    struct sbi_SmContextCreateError e;
    static const char body[] = "{\"status\":503,\"cause\":\"NF_CONGESTION\"}";
    struct sbi_http h = {.status = 503,
                         .content_type = STR("application/problem+json"),
                         .body = {(const uint8_t *)body, sizeof body - 1}};
    fresh();
    assert_int_equal(sbi_response_decode(SBI_nsmf_pdusession_create, &h, &b, back, &e, &why), OK);
    assert_true(str_is(e.error.cause, "NF_CONGESTION"));
    h.body.n = 0;
    assert_int_equal(sbi_response_decode(SBI_nsmf_pdusession_create, &h, &b, back, &e, &why), OK);
    assert_int_equal(e.error.cause.n, 0);
    h = (struct sbi_http){.status = 204}; /* no content where some is usual */
    assert_int_equal(sbi_response_decode(SBI_nudm_uecm_amf_register, &h, &b, back, &e, &why), OK);
    h.status = 201;
    assert_int_equal(sbi_response_decode(SBI_nudm_uecm_amf_register, &h, &b, back, &e, &why),
                     ERR_SYNTAX);
    for (uint32_t cap = 0; cap < 64; cap++) { /* room that ends */
        struct arena little = arena_over(wire, cap);
        struct sbi_req_nnrf_oauth2_token t = {.grant_type = SBI_GrantType_CLIENT_CREDENTIALS,
                                              .scope = STR("a"),
                                              .nf_instance_id =
                                                  STR("85a6ff0a-3eca-41f1-b3f5-55ded11935bf")};
        assert_int_equal(sbi_request_encode(SBI_nnrf_oauth2_token, &t, &little, &h), ERR_NOSPACE);
    }
}

int main(void)
{
    return RUN(unit(every_operation_survives_the_way_there_and_back),
               unit(a_query_and_a_path_are_written_as_the_specification_says),
               unit(callbacks_go_to_their_uri), unit(requests_that_are_wrong_are_refused),
               unit(multipart_of_other_cores_is_read), unit(a_boundary_stands_in_no_part),
               unit(errors_come_in_more_than_one_form));
}
