/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON engine: values both ways, and each way in which a text can be wrong. */
#include "tests/test.h"
#include "base/err.h"
#include "tests/sbi/fill.h"

static uint8_t block[1 << 18], block2[1 << 18];
static char out[1 << 17], out2[1 << 17];
static struct sbi_report why;

static const struct sbi_schema *schema_of(enum sbi_op op)
{
    return sbi_ops[op].rsp;
}
static const struct sbi_schema *body_of(enum sbi_op op)
{
    return sbi_body_row(sbi_ops[op].req)->sub;
}
static int decode(const struct sbi_schema *s, const char *text, void *value)
{
    /* an allocation of the exact size: a read one past the end shows */
    size_t n = strlen(text);
    char *copy = test_malloc(n ? n : 1);
    memcpy(copy, text, n);
    struct arena a = arena_over(block, sizeof block);
    int r = sbi_json_decode(s, (struct str){copy, (uint32_t)n}, NULL, &a, value, &why);
    test_free(copy);
    return r;
}
static void refused(const struct sbi_schema *s, const char *text, int err, const char *cause,
                    const char *pointer)
{
    uint8_t value[4096];
    assert_true(s->size <= sizeof value);
    int r = decode(s, text, value);
    if (r != err || strcmp(why.pointer, pointer) != 0 || strcmp(why.cause, cause) != 0)
        fail_msg("%s: %d %s at %s (%s), not %d %s at %s", text, r, why.cause, why.pointer,
                 why.reason, err, cause, pointer);
}

static void every_type_survives_the_way_there_and_back(void **state)
{
    static uint8_t value[8192], back[8192];
    for (unsigned op = 0; op < SBI_OP_MAX; op++) {
        const struct sbi_schema *all[] = {sbi_ops[op].req, sbi_ops[op].rsp, sbi_ops[op].err};
        for (unsigned k = 0; k < 3; k++) {
            for (unsigned round = 0; round < 40; round++) {
                struct arena a = arena_over(block, sizeof block),
                             b = arena_over(block2, sizeof block2);
                struct sbi_parts parts, parts2;
                assert_true(all[k]->size <= sizeof value && all[k]->n <= SBI_ROWS_MAX);
                memset(value, 0, sizeof value);
                fill_struct(all[k], value, &a);
                int n = sbi_json_encode(all[k], value, out, sizeof out, &parts);
                assert_true(n >= 0);
                int r =
                    sbi_json_decode(all[k], (struct str){out, (uint32_t)n}, &parts, &b, back, &why);
                if (r)
                    fail_msg("%s: %s at %s: %.*s", all[k]->name, why.reason, why.pointer, n, out);
                assert_int_equal(sbi_json_encode(all[k], back, out2, sizeof out2, &parts2), n);
                assert_memory_equal(out, out2, (size_t)n);
                assert_int_equal(parts.n, parts2.n);
                for (uint32_t i = 0; i < parts.n; i++)
                    assert_true(bytes_eq(parts.v[i].body, parts2.v[i].body));
                for (int cap = 0; cap < n; cap += 1 + n / 50)
                    assert_int_equal(sbi_json_encode(all[k], value, out2, (uint32_t)cap, &parts2),
                                     ERR_NOSPACE);
            }
        }
    }
}

static void a_vector_is_written_as_the_specification_says(void **state)
{
    struct sbi_AuthenticationInfoResult r = {
        .auth_type = SBI_AuthType_5G_AKA,
        .has.authentication_vector = true,
        .has.supi = true,
        .supi = STR("imsi-001010000000001"),
        .authentication_vector = {.av_type = SBI_AvType_5G_HE_AKA,
                                  .rand = {(const uint8_t *)"0123456789abcdef", 16},
                                  .autn = {(const uint8_t *)"0123456789abcdef", 16}}};
    int n = sbi_json_encode(schema_of(SBI_nudm_ueau_generate_auth_data), &r, out, sizeof out, NULL);
    out[n] = 0;
    assert_string_equal(
        out, "{\"authType\":\"5G_AKA\",\"authenticationVector\":{\"avType\":\"5G_HE_AKA\","
             "\"rand\":\"30313233343536373839616263646566\",\"autn\":"
             "\"30313233343536373839616263646566\"},"
             "\"supi\":\"imsi-001010000000001\"}");
    r.auth_type = SBI_AuthType_OTHER; /* has no text */
    assert_int_equal(
        sbi_json_encode(schema_of(SBI_nudm_ueau_generate_auth_data), &r, out, sizeof out, NULL),
        ERR_RANGE);
}

static void order_spaces_and_unknown_members_do_not_matter(void **state)
{
    struct sbi_Snssai s;
    const struct sbi_schema *amf = body_of(SBI_npcf_am_policy_create);
    struct sbi_PolicyAssociationRequest q;
    assert_int_equal(decode(amf,
                            " {\n\t\"x\": [1, -2.5e+7, {\"y\":[{}]}, \"\\u00e9\\ud83d\\ude00\"], "
                            "\"suppFeat\" : \"\", \"allowedSnssais\":"
                            "[{\"sd\":\"00000a\",\"new\":null,\"sst\":1},{\"sst\":2}],"
                            "\"notific\\u0061tionUri\":\"http:\\/\\/a\\u00e9"
                            "\\ud83d\\ude00\",\"supi\":\"imsi-1\",\"accessType\":\"5G_SATELLITE\","
                            "\"ratType\":\"NR\",\"gpsi\":null} ",
                            &q),
                     OK);
    assert_true(str_is(q.notification_uri, "http://a\xc3\xa9\xf0\x9f\x98\x80"));
    assert_int_equal(q.allowed_snssais.n, 2);
    s = q.allowed_snssais.p[0];
    assert_true(s.sst == 1 && s.has.sd && str_is(s.sd, "00000a"));
    assert_false(q.allowed_snssais.p[1].has.sd);
    assert_true(q.has.access_type &&
                q.access_type == SBI_AccessType_OTHER); /* an enumeration may grow */
    assert_int_equal(q.rat_type, SBI_RatType_NR);
    assert_false(q.has.gpsi); /* null: absent */
}

static void alternatives_are_told_apart_by_their_kind(void **state)
{
    const struct sbi_schema *ctx = schema_of(SBI_nausf_auth_post);
    struct sbi_UEAuthenticationCtx c;
    assert_int_equal(decode(ctx,
                            "{\"authType\":\"EAP_AKA_PRIME\",\"_links\":{\"eap-session\":{\"href\":"
                            "\"u\"}},\"5gAuthData\":\"AQIDBA==\"}",
                            &c),
                     OK);
    assert_true(c.has.x5g_auth_data_eap && !c.has.x5g_auth_data && c.x5g_auth_data_eap.n == 4);
    assert_true(c.links.n == 1 && str_is(c.links.p[0].key, "eap-session") &&
                str_is(c.links.p[0].value.href, "u"));
    assert_int_equal(decode(ctx,
                            "{\"5gAuthData\":{\"rand\":\"00112233445566778899aabbccddeeff\","
                            "\"autn\":\"00112233445566778899AABBCCDDEEFF\","
                            "\"hxresStar\":\"00112233445566778899aabbccddeeff\"},\"authType\":\"5G_"
                            "AKA\",\"_links\":{\"l\":{}}}",
                            &c),
                     OK);
    assert_true(c.has.x5g_auth_data && !c.has.x5g_auth_data_eap &&
                c.x5g_auth_data.autn.p[15] == 0xff);
    refused(ctx, "{\"5gAuthData\":17,\"authType\":\"5G_AKA\",\"_links\":{\"l\":{}}}", ERR_RANGE,
            "OPTIONAL_IE_INCORRECT", "/5gAuthData");
    refused(ctx, "{\"5gAuthData\":\"AQIDBA==\",\"5gAuthData\":{}}", ERR_ORDER, "INVALID_MSG_FORMAT",
            "/5gAuthData");
}

static void a_bare_array_is_a_body(void **state)
{
    struct sbi_SmSubsData s;
    const struct sbi_schema *schema = schema_of(SBI_nudm_sdm_get_sm_data);
    assert_int_equal(
        decode(schema, "[{\"singleNssai\":{\"sst\":1}},{\"singleNssai\":{\"sst\":2}}]", &s), OK);
    assert_true(s.items.n == 2 && s.items.p[1].single_nssai.sst == 2);
    refused(schema, "[]", ERR_RANGE, "MANDATORY_IE_INCORRECT", "");
    refused(schema, "", ERR_MISSING, "MANDATORY_IE_MISSING", "");
    refused(schema, "[{}]", ERR_MISSING, "MANDATORY_IE_MISSING", "/0/singleNssai");
    refused(schema, "{}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "");
}

static void what_is_wrong_is_refused_with_its_member(void **state)
{
    const struct sbi_schema *s = body_of(SBI_npcf_sm_policy_create),
                            *p = schema_of(SBI_npcf_sm_policy_create);
    const struct sbi_schema *confirm = body_of(SBI_nausf_auth_confirm);
#define BASE                                                                                       \
    "\"supi\":\"imsi-1\",\"pduSessionId\":5,\"pduSessionType\":\"IPV4\",\"dnn\":\"internet\","     \
    "\"notificationUri\":\"u\",\"sliceInfo\":{\"sst\":1}"
    struct sbi_SmPolicyContextData q;
    assert_int_equal(decode(s, "{" BASE "}", &q), OK);
    /* members */
    refused(s, "{}", ERR_MISSING, "MANDATORY_IE_MISSING", "/supi");
    refused(s, "{" BASE ",\"servingNetwork\":{\"mcc\":\"001\"}}", ERR_MISSING,
            "MANDATORY_IE_MISSING", "/servingNetwork/mnc");
    refused(s, "{" BASE ",\"supi\":\"imsi-2\"}", ERR_ORDER, "INVALID_MSG_FORMAT", "/supi");
    refused(s, "{\"supi\":null}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/supi");
    refused(s, "{\"supi\":\"\"}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/supi");
    refused(s, "{\"pduSessionId\":256}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/pduSessionId");
    refused(s, "{\"pduSessionId\":-1}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/pduSessionId");
    refused(s, "{\"pduSessionId\":1.0}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/pduSessionId");
    refused(s, "{\"pduSessionId\":18446744073709551617}", ERR_RANGE, "MANDATORY_IE_INCORRECT",
            "/pduSessionId");
    refused(s, "{\"pduSessionId\":\"5\"}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/pduSessionId");
    refused(s, "{\"gpsi\":5}", ERR_RANGE, "OPTIONAL_IE_INCORRECT", "/gpsi");
    refused(s, "{\"subsDefQos\":{\"5qi\":9,\"arp\":{\"priorityLevel\":0}}}", ERR_RANGE,
            "MANDATORY_IE_INCORRECT", "/subsDefQos/arp/priorityLevel");
    refused(p, "{\"pccRules\":{}}", ERR_RANGE, "OPTIONAL_IE_INCORRECT", "/pccRules");
    refused(p, "{\"pccRules\":{\"a/b~c\":{\"pccRuleId\":\"\"}}}", ERR_RANGE,
            "MANDATORY_IE_INCORRECT", "/pccRules/a~1b~0c/pccRuleId");
    refused(p, "{\"pccRules\":{\"a\":{\"pccRuleId\":\"a\"},\"a\":{\"pccRuleId\":\"a\"}}}",
            ERR_ORDER, "INVALID_MSG_FORMAT", "/pccRules/a");
    refused(p, "{\"policyCtrlReqTriggers\":[\"A\",7]}", ERR_RANGE, "OPTIONAL_IE_INCORRECT",
            "/policyCtrlReqTriggers/1");
    refused(p, "{\"pccRules\":{\"a\":{\"pccRuleId\":\"a\",\"refQosData\":[\"1\",\"2\"]}}}",
            ERR_RANGE, "OPTIONAL_IE_INCORRECT", "/pccRules/a/refQosData");
    /* octets */
    refused(confirm, "{\"resStar\":\"0\"}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/resStar");
    refused(confirm, "{\"resStar\":\"0g\"}", ERR_RANGE, "MANDATORY_IE_INCORRECT", "/resStar");
    refused(confirm, "{\"resStar\":\"00112233445566778899aabbccddeeff00\"}", ERR_RANGE,
            "MANDATORY_IE_INCORRECT", "/resStar");
    /* syntax */
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"",
                                      "{\"x\"",
                                      "{\"x\":",
                                      "{\"x\":1",
                                      "{\"x\":1,",
                                      "{\"x\":1,}",
                                      "{,}",
                                      "{" BASE "}x",
                                      "{" BASE "}{}",
                                      "{x:1}",
                                      "{\"x\" 1}",
                                      "{\"x\":01}",
                                      "{\"x\":+1}",
                                      "{\"x\":.5}",
                                      "{\"x\":1.}",
                                      "{\"x\":1e}",
                                      "{\"x\":-}",
                                      "{\"x\":tru}",
                                      "{\"x\":nul}",
                                      "{\"x\":[1,]}",
                                      "{\"x\":[1 2]}",
                                      "{\"x\":[}",
                                      "{\"x\":{]}",
                                      "{\"x\":\"\\x\"}",
                                      "{\"x\":\"\\u12\"}",
                                      "{\"x\":\"\\u0000\"}",
                                      "{\"x\":\"\\ud800\"}",
                                      "{\"x\":\"\\udc00\"}",
                                      "{\"x\":\"\\ud800\\u0041\"}",
                                      "{\"x\":\"a\nb\"}",
                                      "{\"x\":\"\xff\"}",
                                      "{\"x\":\"\xc0\x80\"}",
                                      "{\"x\":\"\xed\xa0\x80\"}",
                                      "{\"x\":\"\xf4\x90\x80\x80\"}",
                                      "{\"x\":\"\xe2\x82\"}",
                                      "{\"x\":\"\\\"}",
                                      "nul",
                                      "\xef\xbb\xbf{}"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        refused(s, bad[i], ERR_SYNTAX, "INVALID_MSG_FORMAT", "");
    static char deep[4096] = "{\"x\":";
    memset(deep + 5, '[', sizeof deep - 6);
    refused(s, deep, ERR_DEPTH, "INVALID_MSG_FORMAT", "");
}

static void memory_that_ends_is_said_so(void **state)
{
    struct sbi_PolicyAssociationRequest q;
    const struct sbi_schema *s = body_of(SBI_npcf_am_policy_create);
    struct str text = STR(
        "{\"notificationUri\":\"http://"
        "x\",\"supi\":\"imsi-001\",\"suppFeat\":\"0\",\"allowedSnssais\":[{\"sst\":1},{\"sst\":2}],"
        "\"pei\":\"\\u0061\",\"rat\\u0054ype\":\"N\\u0052\"}");
    uint32_t need = 0;
    for (uint32_t cap = 0; cap < 400 && !need; cap += 8) {
        struct arena a = arena_over(block, cap);
        int r = sbi_json_decode(s, text, NULL, &a, &q, &why);
        if (r == OK)
            need = cap;
        else
            assert_string_equal(why.cause, "INSUFFICIENT_RESOURCES");
    }
    assert_in_range(need, 100, 300);
    assert_int_equal(q.rat_type, SBI_RatType_NR);
}

static void binary_parts_are_found_by_their_id(void **state)
{
    struct sbi_SmContextCreateData c;
    const struct sbi_schema *s = body_of(SBI_nsmf_pdusession_create);
    struct sbi_parts parts = {.n = 1,
                              .v = {{.id = STR("5gnas-sm"), .body = {(const uint8_t *)"nas", 3}}}};
    struct arena a = arena_over(block, sizeof block);
#define HEAD                                                                                       \
    "{\"servingNfId\":\"85a6ff0a-3eca-41f1-b3f5-55ded11935bf\",\"servingNetwork\":{\"mcc\":"       \
    "\"001\",\"mnc\":\"01\"},\"anType\":\"3GPP_ACCESS\",\"smContextStatusUri\":\"u\""
    assert_int_equal(sbi_json_decode(s, STR(HEAD ",\"n1SmMsg\":{\"contentId\":\"5gnas-sm\"}}"),
                                     &parts, &a, &c, &why),
                     OK);
    assert_true(c.has.n1_sm_msg && c.n1_sm_msg.n == 3 && memcmp(c.n1_sm_msg.p, "nas", 3) == 0);
    refused(s, HEAD ",\"n1SmMsg\":{\"contentId\":\"5gnas-sm\"}}", ERR_RANGE,
            "OPTIONAL_IE_INCORRECT", "/n1SmMsg");
    refused(s, HEAD ",\"n1SmMsg\":{}}", ERR_RANGE, "OPTIONAL_IE_INCORRECT", "/n1SmMsg");
}

static void a_print_shows_nothing_private(void **state)
{
    struct sbi_req_nausf_auth_confirm q = {
        .auth_ctx_id = STR("7"), .body.res_star = {(const uint8_t *)"0123456789abcdef", 16}};
    uint32_t n = sbi_print(sbi_ops[SBI_nausf_auth_confirm].req, &q, out, sizeof out);
    assert_string_equal(out, "{\"authCtxId\":\"7\",\"body\":{\"resStar\":\"(secret)\"}}");
    assert_int_equal(n, strlen(out));
    struct sbi_req_nudm_uecm_amf_update u = {.ue_id = STR("imsi-001010000000001"),
                                             .body = {.has.pei = 1, .pei = STR("imei-1")}};
    sbi_print(sbi_ops[SBI_nudm_uecm_amf_update].req, &u, out, sizeof out);
    assert_null(strstr(out, "imsi-"));
    assert_null(strstr(out, "imei-"));
    assert_non_null(strstr(out, "\"(identity)\""));
    for (uint32_t cap = 0; cap < 60; cap++) { /* cut, and terminated */
        memset(out, 'x', 100);
        n = sbi_print(sbi_ops[SBI_nudm_uecm_amf_update].req, &u, out, cap);
        assert_true(cap == 0 ? out[0] == 'x' : n < cap && strlen(out) == n);
    }
}

static void base64_both_ways(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
    uint8_t b[32];
    char t[32];
    for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) { /* RFC 4648 10 */
        uint32_t n = base64_put(
            t, (struct bytes){(const uint8_t *)pairs[i][0], (uint32_t)strlen(pairs[i][0])});
        assert_true(str_is((struct str){t, n}, pairs[i][1]));
        assert_int_equal(base64_get(b, str_of(pairs[i][1])), strlen(pairs[i][0]));
        assert_memory_equal(b, pairs[i][0], strlen(pairs[i][0]));
    }
    assert_int_equal(base64_get(b, STR("Zg")), 1); /* without padding */
    static const char *const bad[] = {
        "Z", "Zh==", "Zm9=", "Z===", "Zg=", "Z g=", "Zm9v\n", "=", "===="};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(base64_get(b, str_of(bad[i])), -1);
}

int main(void)
{
    return RUN(unit(every_type_survives_the_way_there_and_back),
               unit(a_vector_is_written_as_the_specification_says),
               unit(order_spaces_and_unknown_members_do_not_matter),
               unit(alternatives_are_told_apart_by_their_kind), unit(a_bare_array_is_a_body),
               unit(what_is_wrong_is_refused_with_its_member), unit(memory_that_ends_is_said_so),
               unit(binary_parts_are_found_by_their_id), unit(a_print_shows_nothing_private),
               unit(base64_both_ways));
}
