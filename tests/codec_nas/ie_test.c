/* SPDX-License-Identifier: Apache-2.0 */
/* Structured values: what they mean, and that what is encoded decodes. */
#include "../test.h"
#include "base/err.h"
#include "base/plmn.h"
#include "codec/nas.h"

struct scene {
    uint64_t block[512], block2[512];
    uint8_t out[512];
    struct arena arena, arena2;
    struct nas_msg m, back;
};
static void begin(struct scene *s, enum nas_type type)
{
    s->arena = arena_over(s->block, sizeof s->block);
    s->arena2 = arena_over(s->block2, sizeof s->block2);
    assert_int_equal(nas_msg_init(&s->m, type), OK);
}
static void again(struct scene *s)
{
    struct nas_report report;
    int n = nas_encode(&s->m, s->out, sizeof s->out);
    assert_true(n > 0);
    assert_int_equal(nas_decode((struct bytes){s->out, (uint32_t)n}, &s->arena2, &s->back, &report),
                     OK);
    assert_int_equal(report.skipped, 0);
}

static void identities(void **state)
{
    struct scene s;
    char text[200];
    begin(&s, NAS_IDENTITY_RESPONSE);
    struct nas_mobile_identity *id = &s.m.identity_response.mobile_identity;
    const struct nas_mobile_identity *got = &s.back.identity_response.mobile_identity;
    id->type = NAS_ID_SUCI;
    assert_int_equal(nas_suci_of_imsi(&id->suci, STR("001010123456789"), 2, "12", &s.arena), OK);
    again(&s);
    assert_true(nas_suci_text(&got->suci, text, sizeof text) > 0);
    assert_string_equal(text, "suci-0-001-01-12-0-0-0123456789");
    assert_true(nas_suci_supi(&got->suci, text, sizeof text) > 0);
    assert_string_equal(text, "imsi-001010123456789");
    assert_int_equal(nas_suci_text(&got->suci, text, 30), ERR_NOSPACE);
    const char nai[] = "type1.rid678.schid0.useriduser17@example.com";
    id->suci =
        (struct nas_suci){.supi_format = 1, .output = {(const uint8_t *)nai, sizeof nai - 1}};
    again(&s);
    assert_true(nas_suci_text(&got->suci, text, sizeof text) > 0);
    assert_string_equal(text, "suci-1-example.com-678-0-0-user17");
    *id = (struct nas_mobile_identity){.type = NAS_ID_GUTI,
                                       .guti = {{0, 0xf1, 0x10}, 2, 1023, 63, 0xdeadbeef}};
    again(&s);
    assert_memory_equal(&got->guti, &id->guti, sizeof id->guti);
    id->guti.set = 1024;
    assert_int_equal(nas_encode(&s.m, s.out, sizeof s.out), ERR_RANGE);
    *id = (struct nas_mobile_identity){.type = NAS_ID_S_TMSI,
                                       .guti = {.set = 5, .pointer = 6, .tmsi = 7}};
    again(&s);
    assert_int_equal(got->guti.set << 16 | got->guti.pointer << 8 | got->guti.tmsi, 0x050607);
    *id = (struct nas_mobile_identity){.type = NAS_ID_IMEI, .digits = "490154203237518"};
    again(&s);
    assert_string_equal(got->digits, id->digits);
    *id = (struct nas_mobile_identity){.type = NAS_ID_IMEISV, .digits = "4901542032375186"};
    again(&s);
    assert_string_equal(got->digits, id->digits);
    *id = (struct nas_mobile_identity){
        .type = NAS_ID_MAC, .mac = {1, 2, 3, 4, 5, 6}, .unusable = true};
    again(&s);
    assert_true(got->unusable && got->mac[5] == 6);
    *id = (struct nas_mobile_identity){.type = NAS_ID_EUI64, .eui64 = {1, 2, 3, 4, 5, 6, 7, 8}};
    again(&s);
    assert_int_equal(got->eui64[7], 8);
    *id = (struct nas_mobile_identity){.type = NAS_ID_NONE};
    again(&s);
    assert_int_equal(got->type, NAS_ID_NONE);
}

static void plmns(void **state)
{
    uint8_t plmn[3];
    char mcc[4], mnc[4];
    assert_true(plmn_of(plmn, "310", "410"));
    assert_memory_equal(plmn, ((uint8_t[]){0x13, 0x00, 0x14}), 3);
    assert_true(plmn_text(plmn, mcc, mnc));
    assert_string_equal(mcc, "310");
    assert_string_equal(mnc, "410");
    assert_true(plmn_of(plmn, "208", "93"));
    assert_memory_equal(plmn, ((uint8_t[]){0x02, 0xf8, 0x39}), 3);
    assert_true(plmn_text(plmn, mcc, mnc));
    assert_string_equal(mnc, "93");
    assert_false(plmn_of(plmn, "20", "93"));
    assert_false(plmn_text((const uint8_t[]){0xaa, 0, 0}, mcc, mnc));
}

static void slices_and_areas(void **state)
{
    struct scene s;
    begin(&s, NAS_REGISTRATION_ACCEPT);
    struct nas_registration_accept *r = &s.m.registration_accept;
    const struct nas_s_nssai slice[] = {
        {.sst = 1},
        {.sst = 1, .has_sd = true, .sd = 0x010203},
        {.sst = 1, .has_mapped_sst = true, .mapped_sst = 3},
        {.sst = 1, .has_sd = true, .sd = 4, .has_mapped_sst = true, .mapped_sst = 5},
        {1, 5, true, true, true, 4, 6},
    };
    const struct nas_rejected_s_nssai refused[] = {{1, {.sst = 2}},
                                                   {2, {.sst = 3, .has_sd = true, .sd = 9}}};
    const struct nas_tai tai[] = {{{0, 0xf1, 0x10}, 1}, {{0, 0xf1, 0x10}, 7}, {{0, 0xf1, 0x20}, 9}};
    const struct nas_tai_part part[] = {{NAS_TAI_ONE_PLMN, false, 2, tai},
                                        {NAS_TAI_CONSECUTIVE, false, 4, tai + 1},
                                        {NAS_TAI_ANY_PLMN, false, 2, tai + 1}};
    const struct nas_tai_part area[] = {{NAS_TAI_WHOLE_PLMN, true, 1, tai}};
    r->has.allowed_nssai = r->has.rejected_nssai = r->has.tai_list = r->has.service_area_list = 1;
    r->has.fivegs_network_feature_support = r->has.pdu_session_status = 1;
    r->fivegs_registration_result = NAS_REG_RESULT_3GPP;
    r->allowed_nssai = (struct nas_nssai){5, slice};
    r->rejected_nssai = (struct nas_rejected_nssai){2, refused};
    r->tai_list = (struct nas_tai_list){3, part};
    r->service_area_list = (struct nas_tai_list){1, area};
    r->pdu_session_status = 1 << 5 | 1 << 15;
    nas_flag_set(&r->fivegs_network_feature_support, NAS_FEATURE_IMS_VOPS_3GPP);
    nas_flag_set(&r->fivegs_network_feature_support, NAS_FEATURE_LCS);
    again(&s);
    const struct nas_registration_accept *b = &s.back.registration_accept;
    assert_int_equal(b->allowed_nssai.n, 5);
    assert_int_equal(b->allowed_nssai.item[4].mapped_sd, 6);
    assert_int_equal(b->rejected_nssai.item[1].s_nssai.sd, 9);
    assert_int_equal(b->rejected_nssai.item[1].cause, 2);
    assert_true(nas_tai_list_has(&b->tai_list, &(struct nas_tai){{0, 0xf1, 0x10}, 10}));
    assert_false(nas_tai_list_has(&b->tai_list, &(struct nas_tai){{0, 0xf1, 0x10}, 11}));
    assert_true(nas_tai_list_has(&b->tai_list, &tai[2]));
    assert_true(b->service_area_list.part[0].not_allowed);
    assert_true(nas_tai_list_has(&b->service_area_list, &tai[1]));
    assert_int_equal(b->pdu_session_status, 1 << 5 | 1 << 15);
    assert_int_equal(b->fivegs_network_feature_support.n, 3);
    assert_true(nas_flag(&b->fivegs_network_feature_support, NAS_FEATURE_LCS));
    assert_false(nas_flag(&b->fivegs_network_feature_support, NAS_FEATURE_ATSSS));
}

static void timers(void **state)
{
    assert_int_equal(nas_timer_of(54), 27);
    assert_int_equal(nas_timer_s(nas_timer_of(12 * 60)), 720);
    assert_int_equal(nas_timer_s(nas_timer_of(720 * 5)), 3600);
    assert_int_equal(nas_timer_s(0xff), UINT32_MAX);
    assert_int_equal(nas_timer_of(UINT32_MAX), 0xe0);
    assert_int_equal(nas_timer_s(0x61), 60);
    assert_int_equal(nas_timer_of(1000000), 0x5f);
    assert_int_equal(nas_timer3_s(0x06), 3600);
    assert_int_equal(nas_timer3_s(nas_timer3_of(3240)), 3600); /* the next above 54 minutes */
    assert_int_equal(nas_timer3_s(nas_timer3_of(30 * 60)), 1800);
    assert_int_equal(nas_timer3_s(nas_timer3_of(1152000)), 1152000);
    assert_int_equal(nas_timer3_s(nas_timer3_of(7)), 8);
    assert_int_equal(nas_timer3_of(0), 0);
}

static void rates(void **state)
{
    assert_int_equal(nas_rate_kbps((struct nas_rate){6, 1000}), 1000000);
    assert_int_equal(nas_rate_kbps((struct nas_rate){11, 2}), 2000000);
    const uint64_t exact[] = {0, 1, 65535, 100000, 1000000, 65536 * 4, 20000000000};
    for (unsigned i = 0; i < ARRAY_LEN(exact); i++)
        assert_int_equal(nas_rate_kbps(nas_rate_of_kbps(exact[i])), exact[i]);
    assert_int_equal(nas_rate_kbps(nas_rate_of_kbps(65537)), 65540);
    assert_true(nas_rate_kbps(nas_rate_of_kbps(UINT64_MAX)) > 0);
}

static void session(void **state)
{
    struct scene s;
    begin(&s, NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT);
    struct nas_pdu_session_establishment_accept *r = &s.m.pdu_session_establishment_accept;
    const uint8_t address[8] = {10, 0, 0, 1, 255, 255, 255, 255}, tcp = 6, dns[4] = {8, 8, 8, 8},
                  mtu[2] = {5, 0x78};
    const struct nas_component c[] = {{NAS_PF_IPV4_REMOTE, BYTES_OF(address)},
                                      {NAS_PF_PROTOCOL, {&tcp, 1}}};
    const struct nas_component all[] = {{NAS_PF_MATCH_ALL, {NULL, 0}}};
    const struct nas_filter f[] = {{1, NAS_FILTER_BOTH, 1, all}, {2, NAS_FILTER_DOWN, 2, c}};
    const struct nas_qos_rule rule[] = {
        {.id = 1,
         .op = NAS_RULE_CREATE,
         .dqr = true,
         .has_precedence = true,
         .has_qfi = true,
         .precedence = 255,
         .qfi = 9,
         .n = 1,
         .filter = f},
        {.id = 2,
         .op = NAS_RULE_CREATE,
         .has_precedence = true,
         .has_qfi = true,
         .precedence = 3,
         .qfi = 1,
         .segregation = true,
         .n = 2,
         .filter = f},
        {.id = 3, .op = NAS_RULE_DELETE},
        {.id = 4, .op = NAS_RULE_DELETE_FILTERS, .has_precedence = true, .n = 1, .filter = f}};
    struct nas_qos_flow flow[] = {
        {.qfi = 9, .op = NAS_FLOW_CREATE, .e = true, .fiveqi = 9},
        {.qfi = 1, .op = NAS_FLOW_CREATE, .e = true, .fiveqi = 1, .window_ms = 2000, .ebi = 5}};
    flow[0].has.fiveqi = 1;
    flow[1].has.mask = 0x7f;
    flow[1].gfbr_up = nas_rate_of_kbps(128);
    const struct nas_pco_item pco[] = {{NAS_PCO_DNS_IPV4, BYTES_OF(dns)},
                                       {NAS_PCO_IPV4_MTU, BYTES_OF(mtu)},
                                       {0x23, BYTES_OF(dns)}};
    s.m.pdu_session_id = 5;
    s.m.pti = 1;
    r->selected_pdu_session_type = NAS_PDU_IPV4V6;
    r->selected_ssc_mode = 1;
    r->authorized_qos_rules = (struct nas_qos_rules){4, rule};
    r->session_ambr = (struct nas_ambr){nas_rate_of_kbps(1000000), nas_rate_of_kbps(500)};
    r->has.pdu_address = r->has.dnn = r->has.authorized_qos_flow_descriptions = 1;
    r->has.extended_protocol_configuration_options = 1;
    r->pdu_address = (struct nas_pdu_address){.type = NAS_PDU_IPV4V6,
                                              .has_lla = true,
                                              .ipv4 = {10, 1, 0, 2},
                                              .iid = {1},
                                              .lla = {0xfe, 0x80}};
    r->dnn = STR("internet.example");
    r->authorized_qos_flow_descriptions = (struct nas_qos_flows){2, flow};
    r->extended_protocol_configuration_options = (struct nas_pco){3, pco};
    again(&s);
    const struct nas_pdu_session_establishment_accept *b = &s.back.pdu_session_establishment_accept;
    assert_int_equal(s.back.pdu_session_id, 5);
    assert_int_equal(b->selected_ssc_mode << 4 | b->selected_pdu_session_type, 0x13);
    assert_int_equal(b->authorized_qos_rules.n, 4);
    const struct nas_qos_rule *q = b->authorized_qos_rules.rule;
    assert_true(q[0].dqr && q[0].qfi == 9 && q[1].segregation && !q[2].has_precedence &&
                q[3].filter[0].id == 1);
    assert_memory_equal(q[1].filter[1].component[0].value.p, address, 8);
    assert_int_equal(b->authorized_qos_flow_descriptions.flow[1].has.mask, 0x7f);
    assert_int_equal(nas_rate_kbps(b->authorized_qos_flow_descriptions.flow[1].gfbr_up), 128);
    assert_int_equal(b->authorized_qos_flow_descriptions.flow[1].window_ms, 2000);
    assert_int_equal(nas_rate_kbps(b->session_ambr.down), 1000000);
    assert_true(str_is(b->dnn, "internet.example"));
    assert_int_equal(b->pdu_address.ipv4[3] + b->pdu_address.iid[0] + b->pdu_address.lla[0],
                     2 + 1 + 0xfe);
    assert_memory_equal(
        nas_pco_find(&b->extended_protocol_configuration_options, NAS_PCO_IPV4_MTU)->value.p, mtu,
        2);
    assert_int_equal(b->extended_protocol_configuration_options.item[2].value.n, 4);
    assert_null(nas_pco_find(&b->extended_protocol_configuration_options, 1));
    const char *bad[] = {"", ".", "a..b", "a.",
                         "0123456789012345678901234567890123456789012345678901234567890123"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        r->dnn = str_of(bad[i]);
        assert_int_equal(nas_encode(&s.m, s.out, sizeof s.out), ERR_RANGE);
    }
}

static void times_and_names(void **state)
{
    struct scene s;
    char text[64];
    begin(&s, NAS_CONFIGURATION_UPDATE_COMMAND);
    struct nas_configuration_update_command *r = &s.m.configuration_update_command;
    r->has.universal_time_and_local_time_zone = r->has.full_name_for_network = 1;
    r->universal_time_and_local_time_zone =
        (struct nas_time){1709210096, -14}; /* 2024-02-29T12:34:56 */
    r->full_name_for_network = nas_network_name_of(STR("Redoubt 5G@_$"), &s.arena);
    again(&s);
    const struct nas_configuration_update_command *b = &s.back.configuration_update_command;
    assert_int_equal(b->universal_time_and_local_time_zone.unix_s, 1709210096);
    assert_int_equal(b->universal_time_and_local_time_zone.zone, -14);
    assert_int_equal(nas_network_name_text(b->full_name_for_network, text, sizeof text), 13);
    assert_string_equal(text, "Redoubt 5G@_$");
    assert_int_equal(nas_zone_octet(8), 0x80); /* UTC+2 */
    assert_int_equal(nas_zone_octet(-14), 0x49);
}

static void payloads(void **state)
{
    struct scene s;
    uint8_t id = 5;
    const struct nas_payload_ie ie = {0x12, {&id, 1}};
    const struct nas_payload item[] = {{NAS_PAYLOAD_N1_SM, 1, &ie, {(const uint8_t *)"abc", 3}},
                                       {NAS_PAYLOAD_SMS, 0, NULL, {(const uint8_t *)"d", 1}}};
    struct nas_payloads got;
    s.arena = arena_over(s.block, sizeof s.block);
    int n = nas_payloads_encode(&(struct nas_payloads){2, item}, s.out, sizeof s.out);
    assert_int_equal(n, 1 + (2 + 1 + 3 + 3) + (2 + 1 + 1));
    assert_int_equal(nas_payloads_decode((struct bytes){s.out, (uint32_t)n}, &s.arena, &got), OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.item[0].ie[0].value.p[0], 5);
    assert_int_equal(got.item[1].contents.p[0], 'd');
    assert_int_equal(nas_payloads_decode((struct bytes){s.out, (uint32_t)n - 1}, &s.arena, &got),
                     ERR_SYNTAX);
}

int main(void)
{
    return RUN(unit(identities), unit(plmns), unit(slices_and_areas), unit(timers), unit(rates),
               unit(session), unit(times_and_names), unit(payloads));
}
