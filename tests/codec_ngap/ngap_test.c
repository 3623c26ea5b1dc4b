/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver does with what it does not understand (TS 38.413 clause 10), and the corners of
 * X.691. */
#include <stdlib.h>
#include "base/err.h"
#include "codec/ngap.h"
#include "tests/test.h"

enum { R = ASN_REJECT, I = ASN_IGNORE, N = ASN_NOTIFY, ROOM = 1 << 23 };
struct part { /* a protocol IE as hex */
    unsigned id, criticality;
    const char *hex;
};
static uint32_t field(uint8_t *to, unsigned id, unsigned criticality, const char *hex)
{
    uint32_t n = (uint32_t)strlen(hex) / 2;
    put_be16(to, (uint16_t)id);
    to[2] = (uint8_t)(criticality << 6);
    to[3] = (uint8_t)n;
    assert_true(hex_get(to + 4, n, str_of(hex)));
    return n + 4;
}
struct got {
    int code;
    struct ngap_pdu pdu;
    struct ngap_report report;
    struct arena arena;
    uint64_t block[2048];
};
/* Decodes a PDU made of the parts, the list of which ends with hex NULL; `octets` more behind it.
 */
static void get(struct got *g, unsigned kind, unsigned procedure, unsigned criticality,
                const struct part *parts, unsigned octets)
{
    uint8_t in[1024] = {(uint8_t)(kind << 5), (uint8_t)procedure, (uint8_t)(criticality << 6)};
    uint32_t n = 7, count = 0;
    for (; parts[count].hex; count++)
        n += field(in + n, parts[count].id, parts[count].criticality, parts[count].hex);
    assert_true(n - 4 < 128);
    in[3] = (uint8_t)(n - 4);
    put_be16(in + 5, (uint16_t)count);
    g->arena = arena_over(g->block, sizeof g->block);
    g->code = ngap_decode((struct bytes){in, n + octets}, &g->arena, &g->pdu, &g->report);
}
#define GET(g, kind, procedure, criticality, octets, ...)                                          \
    get(g, kind, procedure, criticality, (const struct part[]){__VA_ARGS__, {0}}, octets)
#define AMF_ID                                                                                     \
    {                                                                                              \
        10, R, "0007"                                                                              \
    }
#define RAN_ID                                                                                     \
    {                                                                                              \
        85, R, "0009"                                                                              \
    }
#define NAS                                                                                        \
    {                                                                                              \
        38, R, "027e00"                                                                            \
    }
#define DOWNLINK(g, ...) GET(g, NGAP_INITIATING, NGAP_PROC_DownlinkNASTransport, I, 0, __VA_ARGS__)

static void unknown_ie(void **state)
{
    (void)state;
    struct got g;
    DOWNLINK(&g, AMF_ID, RAN_ID, {4000, I, "aabb"}, NAS);
    assert_int_equal(g.code, OK);
    assert_int_equal(g.report.error, NGAP_ERROR_NONE);
    assert_int_equal(g.report.ies.n, 0);
    struct ngap_DownlinkNASTransport *m = g.pdu.value;
    assert_int_equal(m->AMF_UE_NGAP_ID, 7);
    assert_int_equal(m->NAS_PDU.n, 2);

    DOWNLINK(&g, AMF_ID, RAN_ID, {4000, N, "aabb"}, NAS);
    assert_int_equal(g.code, OK);
    assert_int_equal(g.report.error, NGAP_ERROR_NOTIFY);
    assert_int_equal(g.report.ies.n, 1);
    assert_int_equal(g.report.ies.note[0].id, 4000);
    assert_int_equal(g.report.ies.note[0].criticality, N);

    DOWNLINK(&g, AMF_ID, RAN_ID, {4000, R, "aabb"}, NAS);
    assert_int_equal(g.code, ERR_UNKNOWN);
    assert_int_equal(g.report.error, NGAP_ERROR_REJECT);
    m = g.pdu.value;
    assert_int_equal(m->RAN_UE_NGAP_ID, 9);
    struct ngap_CriticalityDiagnostics d;
    assert_int_equal(ngap_report_diagnostics(&g.report, &g.arena, &d), OK);
    assert_int_equal(d.procedureCode, NGAP_PROC_DownlinkNASTransport);
    assert_int_equal(d.triggeringMessage, NGAP_TriggeringMessage_initiating_message);
    assert_int_equal(d.procedureCriticality, NGAP_Criticality_ignore);
    assert_int_equal(d.iEsCriticalityDiagnostics.n, 1);
    assert_int_equal(d.iEsCriticalityDiagnostics.v[0].iE_ID, 4000);
    assert_int_equal(d.iEsCriticalityDiagnostics.v[0].typeOfError, NGAP_TypeOfError_not_understood);
    uint8_t out[64];
    assert_true(aper_encode(&ngap_desc_CriticalityDiagnostics, &d, out, sizeof out) > 0);
    struct ngap_Cause c = ngap_report_cause(&g.report);
    assert_int_equal(c.sel, NGAP_Cause_protocol);
    assert_int_equal(c.protocol, NGAP_CauseProtocol_abstract_syntax_error_reject);
}
static void missing_ie(void **state)
{
    (void)state;
    struct got g;
    DOWNLINK(&g, AMF_ID, RAN_ID);
    assert_int_equal(g.code, ERR_MISSING);
    assert_int_equal(g.report.error, NGAP_ERROR_REJECT);
    assert_int_equal(g.report.ies.note[0].id, 38);
    assert_int_equal(g.report.ies.note[0].type, APER_MISSING);
    /* RRCEstablishmentCause is mandatory and of criticality ignore */
    GET(&g, NGAP_INITIATING, NGAP_PROC_InitialUEMessage, I, 0, RAN_ID, NAS,
        {121, R,
         "4000f1100000000010"
         "00f110000001"});
    assert_int_equal(g.code, OK);
    struct ngap_InitialUEMessage *m = g.pdu.value;
    assert_int_equal(m->has.RRCEstablishmentCause, 0);
    assert_int_equal(m->has.NAS_PDU, 1);
}
static void falsely_constructed(void **state)
{
    (void)state;
    struct got g;
    DOWNLINK(&g, AMF_ID, {10, R, "0008"}, RAN_ID, NAS);
    assert_int_equal(g.code, ERR_ORDER);
    assert_int_equal(g.report.error, NGAP_ERROR_FALSE_CONSTRUCT);
    assert_true(g.report.ies.repeated && !g.report.ies.disorder);
    assert_int_equal(((struct ngap_DownlinkNASTransport *)g.pdu.value)->AMF_UE_NGAP_ID, 7);
    DOWNLINK(&g, AMF_ID, NAS, RAN_ID);
    assert_int_equal(g.code, ERR_ORDER);
    assert_true(!g.report.ies.repeated && g.report.ies.disorder);
    assert_int_equal(((struct ngap_DownlinkNASTransport *)g.pdu.value)->RAN_UE_NGAP_ID, 9);
}
static void unknown_procedure(void **state)
{
    (void)state;
    struct got g;
    static const enum ngap_error want[] = {NGAP_ERROR_REJECT, NGAP_ERROR_NONE, NGAP_ERROR_NOTIFY};
    for (unsigned c = 0; c < 3; c++) {
        GET(&g, NGAP_INITIATING, 200, c, 0, AMF_ID);
        assert_int_equal(g.code, ERR_UNKNOWN);
        assert_int_equal(g.report.error, want[c]);
        assert_null(g.pdu.value);
        assert_int_equal(g.report.procedure, 200);
    }
    GET(&g, NGAP_SUCCESSFUL, NGAP_PROC_DownlinkNASTransport, R, 0,
        AMF_ID); /* has no such message */
    assert_int_equal(g.code, ERR_UNKNOWN);
    assert_int_equal(g.pdu.msg, NGAP_MSGS);
}
static void unknown_value(void **state)
{
    (void)state;
    struct got g;
    /* an unknown addition: extension bit, then a small number; of a mandatory IE it stays, of an
     * optional one it is as if not received */
    GET(&g, NGAP_INITIATING, NGAP_PROC_InitialUEMessage, I, 0, RAN_ID, NAS,
        {121, R,
         "4000f1100000000010"
         "00f110000001"},
        {90, I, "9f80"}, {112, I, "9f80"});
    assert_int_equal(g.code, OK);
    struct ngap_InitialUEMessage *m = g.pdu.value;
    assert_int_equal(m->RRCEstablishmentCause, ASN_UNKNOWN);
    assert_int_equal(m->has.RRCEstablishmentCause, 1);
    assert_int_equal(m->has.UEContextRequest, 0);
    DOWNLINK(&g, AMF_ID, RAN_ID, NAS, {177, R, "9f80"});
    assert_int_equal(g.code, ERR_UNKNOWN);
    assert_int_equal(g.report.ies.note[0].id, 177);
    DOWNLINK(&g, AMF_ID, RAN_ID, NAS, {177, N, "9f80"});
    assert_int_equal(g.report.error, NGAP_ERROR_NOTIFY);
    /* an addition that Release 17 has */
    static const uint8_t in[] = {0x10, 0}; /* 000 radioNetwork, extension bit, first addition */
    uint8_t out[8];
    struct arena a = {0};
    ngap_Cause c;
    assert_int_equal(aper_decode(&ngap_desc_Cause, &c, BYTES_OF(in), &a, NULL, NULL), OK);
    assert_int_equal(c.radioNetwork, NGAP_CauseRadioNetwork_n26_interface_not_available);
    assert_int_equal(aper_encode(&ngap_desc_Cause, &c, out, sizeof out), 2);
    assert_memory_equal(in, out, 2);
}
static int tai(const char *hex, struct aper_report *r, ngap_TAI *v)
{
    uint8_t in[64];
    uint32_t n = (uint32_t)strlen(hex) / 2;
    uint64_t block[64];
    struct arena a = arena_over(block, sizeof block);
    assert_true(hex_get(in, n, str_of(hex)));
    return aper_decode(&ngap_desc_TAI, v, (struct bytes){in, n}, &a, r, NULL);
}
static void unknown_extension(void **state)
{
    (void)state;
    struct aper_report r;
    ngap_TAI v;
    assert_int_equal(tai("40"
                         "00f110"
                         "000001"
                         "0000"
                         "0fff4002aabb",
                         &r, &v),
                     OK);
    assert_int_equal(r.n, 0);
    assert_int_equal(tai("40"
                         "00f110"
                         "000001"
                         "0000"
                         "0fff8002aabb",
                         &r, &v),
                     OK);
    assert_true(r.notify && r.n == 1 && r.note[0].id == 0xfff);
    assert_int_equal(tai("40"
                         "00f110"
                         "000001"
                         "0000"
                         "0fff0002aabb",
                         &r, &v),
                     ERR_UNKNOWN);
    assert_true(r.reject);
    assert_int_equal(v.tAC.n, 3);
    /* additions behind the extension marker: one, of two octets */
    assert_int_equal(tai("80"
                         "00f110"
                         "000001"
                         "0102aabb",
                         &r, &v),
                     OK);
    assert_int_equal(tai("80"
                         "00f110"
                         "000001"
                         "0102aa",
                         &r, &v),
                     ERR_SHORT);
    /* choice-Extensions with an id that is not known */
    static const uint8_t uli[] = {0xc0, 0x0f, 0xff, 0x40, 0x02, 0xaa, 0xbb};
    struct arena a = {0};
    ngap_UserLocationInformation u;
    assert_int_equal(
        aper_decode(&ngap_desc_UserLocationInformation, &u, BYTES_OF(uli), &a, &r, NULL), OK);
    assert_int_equal(u.sel, ASN_UNKNOWN);
}
static void broken_and_padded(void **state)
{
    (void)state;
    struct got g;
    GET(&g, NGAP_INITIATING, NGAP_PROC_DownlinkNASTransport, I, 9, AMF_ID, RAN_ID, NAS);
    assert_int_equal(g.code, OK);
    assert_int_equal(g.report.trailing, 9);
    DOWNLINK(&g, AMF_ID, RAN_ID, {38, R, "057e00"}); /* octets beyond the IE */
    assert_int_equal(g.code, ERR_SHORT);
    assert_int_equal(g.report.error, NGAP_ERROR_TRANSFER_SYNTAX);
    assert_null(g.pdu.value);
    static const uint8_t in[] = {0, 4, 0x40, 3, 0, 0, 0};
    uint64_t block[128];
    for (uint32_t n = 0; n < sizeof in; n++) {
        struct arena a = arena_over(block, sizeof block);
        assert_true(ngap_decode((struct bytes){in, n}, &a, &g.pdu, &g.report) < 0);
        assert_int_equal(g.report.error, NGAP_ERROR_TRANSFER_SYNTAX);
    }
    struct arena a = arena_over(block, 64);
    assert_int_equal(ngap_decode(BYTES_OF(in), &a, &g.pdu, &g.report), ERR_NOSPACE);
    assert_int_equal(g.report.error, NGAP_ERROR_MEMORY);
}

static void fragments_both_ways(void **state)
{
    (void)state;
    uint8_t *nas = malloc(200000), *out = malloc(ROOM), *block = malloc(ROOM);
    for (unsigned i = 0; i < 200000; i++)
        nas[i] = (uint8_t)(i * 7 + i / 251);
    static const uint32_t sizes[] = {1,     100,   127,   128,   16000, 16383, 16384, 16385,
                                     16500, 32768, 65535, 65536, 70000, 81920, 200000};
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        struct ngap_DownlinkNASTransport m = {
            .AMF_UE_NGAP_ID = 1, .RAN_UE_NGAP_ID = 2, .NAS_PDU = {nas, sizes[i]}};
        int n = ngap_encode(NGAP_MSG_DownlinkNASTransport, &m, out, ROOM);
        assert_true(n > (int)sizes[i]);
        struct ngap_pdu pdu;
        struct ngap_report r;
        struct arena a = arena_over(block, ROOM);
        assert_int_equal(ngap_decode((struct bytes){out, (uint32_t)n}, &a, &pdu, &r), OK);
        assert_int_equal(r.trailing, 0);
        struct ngap_DownlinkNASTransport *v = pdu.value;
        assert_int_equal(v->NAS_PDU.n, sizes[i]);
        assert_memory_equal(v->NAS_PDU.p, nas, sizes[i]);
        uint8_t *tight = malloc((size_t)n); /* room to the octet, and one less */
        assert_int_equal(ngap_encode(NGAP_MSG_DownlinkNASTransport, &m, tight, (size_t)n), n);
        assert_memory_equal(tight, out, n);
        assert_int_equal(ngap_encode(NGAP_MSG_DownlinkNASTransport, &m, tight, (size_t)n - 1),
                         ERR_NOSPACE);
        free(tight);
    }
    static const uint32_t counts[] = {1, 127, 128, 16384, 20000, 65536};
    ngap_UE_associatedLogicalNG_connectionItem *items = calloc(65537, sizeof *items);
    for (unsigned i = 0; i < 65537; i++) {
        items[i].has.rAN_UE_NGAP_ID = 1;
        items[i].rAN_UE_NGAP_ID = i;
    }
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++) {
        ngap_UE_associatedLogicalNG_connectionList l = {items, counts[i]}, v;
        int n = aper_encode(&ngap_desc_UE_associatedLogicalNG_connectionList, &l, out, ROOM);
        assert_true(n > 0);
        struct arena a = arena_over(block, ROOM);
        assert_int_equal(aper_decode(&ngap_desc_UE_associatedLogicalNG_connectionList, &v,
                                     (struct bytes){out, (uint32_t)n}, &a, NULL, NULL),
                         OK);
        assert_int_equal(v.n, counts[i]);
        assert_int_equal(v.v[counts[i] - 1].rAN_UE_NGAP_ID, counts[i] - 1);
    }
    ngap_UE_associatedLogicalNG_connectionList l = {items, 65537};
    assert_int_equal(aper_encode(&ngap_desc_UE_associatedLogicalNG_connectionList, &l, out, ROOM),
                     ERR_RANGE);
    free(items);
    free(nas);
    free(out);
    free(block);
}

static void same(const struct asn_type *t, const void *v, const char *hex)
{
    uint8_t out[64], again[64];
    char text[129];
    uint64_t back[8], block[8];
    struct arena a = arena_over(block, sizeof block);
    int n = aper_encode(t, v, out, sizeof out);
    assert_true(n > 0);
    hex_put(text, out, (size_t)n);
    assert_string_equal(text, hex);
    assert_int_equal(aper_decode(t, back, (struct bytes){out, (uint32_t)n}, &a, NULL, NULL), OK);
    assert_int_equal(aper_encode(t, back, again, sizeof again), n);
    assert_memory_equal(again, out, n);
}
static void corners_of_x691(void **state)
{
    (void)state;
    struct asn_type t = {
        .name = "T", .kind = ASN_INT, .flags = ASN_EXT, .size = 8, .lower = 1, .upper = 8};
    same(&t, &(uint64_t){8}, "70");         /* extension bit, three bits */
    same(&t, &(uint64_t){9}, "800109");     /* beyond: unconstrained */
    same(&t, &(uint64_t){128}, "80020080"); /* two's complement needs a sign bit */
    same(&t, &(uint64_t){(uint64_t)-1}, "8001ff");
    t = (struct asn_type){.name = "T", .kind = ASN_INT, .size = 8, .lower = 5, .upper = ASN_NOMAX};
    same(&t, &(uint64_t){5}, "0100"); /* semi-constrained: the offset */
    same(&t, &(uint64_t){261}, "020100");
    t.lower = 0;
    t.upper = 255;
    same(&t, &(uint64_t){255}, "ff");
    t.upper = 65535;
    same(&t, &(uint64_t){1}, "0001");
    t.upper = 65536;
    same(&t, &(uint64_t){1}, "0001"); /* length 1 of 1..3 in two bits, an octet */
    t.upper = UINT64_MAX;
    same(&t, &(uint64_t){UINT64_MAX}, "e0ffffffffffffffff");
    struct asn_field names[200] = {{.name = "x"}};
    t = (struct asn_type){.name = "T",
                          .kind = ASN_ENUM,
                          .flags = ASN_EXT,
                          .size = 4,
                          .n_root = 2,
                          .fields = names,
                          .n_fields = 200};
    same(&t, &(uint32_t){1}, "40");
    same(&t, &(uint32_t){65}, "bf");     /* the 64th addition: six bits */
    same(&t, &(uint32_t){66}, "c00140"); /* more: a length and an octet */
    uint8_t p[] = {0xab, 0xc0};
    t = (struct asn_type){
        .name = "T", .kind = ASN_BITS, .flags = ASN_EXT, .size = 16, .lower = 8, .upper = 8};
    same(&t, &(struct bits){p, 8}, "5580"); /* short and fixed: not aligned */
    same(&t, &(struct bits){p, 10}, "800aabc0");
    ngap_Extended_RANNodeName name = {.has.rANNodeNameUTF8String = 1,
                                      .rANNodeNameUTF8String = STR("5HLAB02")};
    uint8_t out[64];
    assert_int_equal(aper_encode(&ngap_desc_Extended_RANNodeName, &name, out, sizeof out), 9);
    assert_memory_equal(out,
                        "\x20\x07"
                        "5HLAB02",
                        9);
}
static void secrets_are_not_printed(void **state)
{
    (void)state;
    uint8_t key[32];
    memset(key, 0xa5, sizeof key);
    ngap_SecurityContext v = {.nextHopChainingCount = 3, .nextHopNH = {key, 256}};
    char text[256];
    size_t n = aper_print(&ngap_desc_SecurityContext, &v, text, sizeof text, -1);
    assert_int_equal(n, strlen(text));
    assert_string_equal(text, "SecurityContext {nextHopChainingCount=3 nextHopNH=<secret>}");
    assert_int_equal(aper_print(&ngap_desc_SecurityContext, &v, text, 10, -1), n);
    assert_int_equal(strlen(text), 9);
    uint8_t tmsi[4] = {0xde, 0xad, 0xbe, 0xef};
    ngap_UplinkNASTransport up = {.AMF_UE_NGAP_ID = 1, .RAN_UE_NGAP_ID = 2, .NAS_PDU = {tmsi, 4}};
    up.has.AMF_UE_NGAP_ID = up.has.RAN_UE_NGAP_ID = up.has.NAS_PDU = 1;
    ngap_FiveG_TMSI id = {tmsi, 4};
    aper_print(&ngap_desc_FiveG_TMSI, &id, text, sizeof text, -1);
    assert_null(strstr(text, "dead"));
    aper_print(&ngap_desc_UplinkNASTransport, &up, text, sizeof text, 0);
    assert_null(strstr(text, "dead"));
    assert_non_null(strstr(text, "<identity>"));
}
static void messages_know_their_procedure(void **state)
{
    (void)state;
    for (int m = 0; m < NGAP_MSGS; m++)
        assert_int_equal(
            ngap_msg_of(ngap_msg_procedure((enum ngap_msg)m), ngap_msg_kind((enum ngap_msg)m)), m);
    assert_int_equal(NGAP_MSGS, 120); /* PrivateMessage counted */
    assert_string_equal(ngap_msg_name(NGAP_MSG_NGSetupRequest), "NGSetupRequest");
}

/* One IE of a transfer, without the others: the same as the whole of it has, wherever it ends. */
static void one_ie_of_a_transfer(void **state)
{
    uint8_t memory[4096], octets[256], ip[4] = {10, 0, 0, 2}, teid[4] = {1};
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes ie;
    struct ngap_QosFlowSetupRequestItem flow = {.qosFlowIdentifier = 1};
    struct ngap_PDUSessionResourceSetupRequestTransfer t = {0};
    flow.qosFlowLevelQosParameters.qosCharacteristics.sel = NGAP_QosCharacteristics_nonDynamic5QI;
    flow.qosFlowLevelQosParameters.qosCharacteristics.nonDynamic5QI.fiveQI = 9;
    flow.qosFlowLevelQosParameters.allocationAndRetentionPriority.priorityLevelARP = 1;
    t.QosFlowSetupRequestList.v = &flow, t.QosFlowSetupRequestList.n = 1;
    t.UL_NGU_UP_TNLInformation = (struct ngap_UPTransportLayerInformation){
        .sel = NGAP_UPTransportLayerInformation_gTPTunnel, .gTPTunnel = {.transportLayerAddress = {ip, 32}, .gTP_TEID = {teid, 4}}};
    for (int has = 0; has < 2; has++) {
        t.has.SecurityIndication = (uint64_t)has & 1;
        t.SecurityIndication.integrityProtectionIndication = NGAP_IntegrityProtectionIndication_required;
        t.SecurityIndication.confidentialityProtectionIndication = NGAP_ConfidentialityProtectionIndication_preferred;
        int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, &t, octets, sizeof octets);
        assert_true(n > 0);
        assert_int_equal(ngap_transfer_ie((struct bytes){octets, (uint32_t)n}, 138, &a, &ie), has ? OK : ERR_NOTFOUND);
        struct ngap_SecurityIndication s;
        if (has) {
            assert_int_equal(ngap_transfer_decode(&ngap_desc_SecurityIndication, ie, &a, &s), OK);
            assert_int_equal(s.integrityProtectionIndication, NGAP_IntegrityProtectionIndication_required);
            assert_int_equal(s.confidentialityProtectionIndication, NGAP_ConfidentialityProtectionIndication_preferred);
        }
        for (int k = 0; has && k < n; k++) { /* cut off, it is found or not, and nothing is read beyond */
            uint8_t *cut = malloc((size_t)k + 1);
            memcpy(cut, octets, (size_t)k);
            int e = ngap_transfer_ie((struct bytes){cut, (uint32_t)k}, 138, &a, &ie);
            assert_true(e < 0 || ie.p + ie.n <= cut + k);
            free(cut);
        }
    }
}

int main(void)
{
    return RUN(unit(one_ie_of_a_transfer), unit(unknown_ie), unit(missing_ie), unit(falsely_constructed),
               unit(unknown_procedure), unit(unknown_value), unit(unknown_extension),
               unit(broken_and_padded), unit(fragments_both_ways), unit(corners_of_x691),
               unit(secrets_are_not_printed), unit(messages_know_their_procedure));
}
