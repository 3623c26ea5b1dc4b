/* SPDX-License-Identifier: Apache-2.0 */
/* rules_test.c - TS 29.244 7.6 rule by rule, values at their bounds, bundling, text; GTP-U headers
 * that are wrong. */
#include "tests/test.h"
#include "base/err.h"
#include "base/wire.h"
#include "codec/gtpu.h"
#include "codec/pfcp.h"

static uint8_t block[1 << 18];
static struct arena a;
static struct pfcp_msg m;
static struct pfcp_report r;

static int get(const void *p, size_t n)
{
    a = arena_over(block, sizeof block);
    return pfcp_decode((struct bytes){p, (uint32_t)n}, &a, &m, &r);
}
static int hex(const char *text)
{
    static uint8_t buf[4096];
    size_t n = strlen(text) / 2;
    assert_true(n < sizeof buf && hex_get(buf, n, str_of(text)));
    return get(buf, n);
}
static void expect(const char *text, int err, int cause, int offending)
{
    assert_int_equal(hex(text), err);
    assert_int_equal(r.cause, cause);
    assert_int_equal(r.offending, offending);
}

#define NODE             "003c0005000a000001"
#define TIME             "00600004e55ba216"
#define SETUP(len, body) "20050" len "00000100" body

static void header_rules(void **state)
{
    (void)state;
    expect("2001000c000001", ERR_SHORT, 0, 0); /* no whole header: not answered */
    assert_false(r.header);
    expect("2101000c00000000000000010000", ERR_SHORT, 0, 0);
    assert_false(r.header);
    expect("4001000c00000700" TIME, ERR_UNSUPPORTED, 0, 0);
    assert_true(r.version && r.header && m.seq == 7);
    expect("2063000400000700", ERR_UNKNOWN, 0, 0);
    expect("2101001400000000000000010000010000600004e55ba216", ERR_SYNTAX, 0,
           0);                                    /* a node message with SEID */
    expect("2036000400000700", ERR_SYNTAX, 0, 0); /* a session message without */
    expect("2001000d00000100" TIME, ERR_SHORT, 68, 0);
    assert_true(r.header);
    expect("2001000b00000100" TIME, ERR_TRAILING, 68, 0);
    expect("2001000300000100" TIME, ERR_SHORT, 68, 0);
    expect("2001000c00000100" TIME, OK, 0, 0);
    assert_int_equal(m.heartbeat_request.recovery_time_stamp, 0xe55ba216);
    assert_int_equal(hex("2336000c112233445566778800000970"), OK); /* MP */
    assert_true(m.priority == 8 && m.seid == 0x1122334455667788);
}

static void ie_rules(void **state)
{
    (void)state;
    expect(SETUP("00d", NODE), ERR_MISSING, 66, 96);
    assert_true(m.association_setup_request.has.node_id);
    expect(SETUP("015", NODE TIME), OK, 0, 0);
    expect(SETUP("015", "003c0005030a000001" TIME), ERR_RANGE, 69, 60); /* no such Node ID type */
    expect(SETUP("013", "003c00030000000060"
                        "0004e55ba216"),
           ERR_RANGE, 68, 60); /* an IPv4 of two octets, then shifted */
    expect(SETUP("014", NODE "00600003e55ba2"), ERR_RANGE, 68, 96);
    expect(SETUP("015", NODE "00600005e55ba216"), ERR_SHORT, 68, 96); /* past the end */
    expect(SETUP("017", NODE TIME "0000"), ERR_SHORT, 68, 0);
    expect(SETUP("016", NODE "00600005e55ba21677"), OK, 0,
           0); /* extendable: more octets than known */
    assert_int_equal(m.association_setup_request.recovery_time_stamp, 0xe55ba216);
    expect(SETUP("01d", NODE TIME "0060000400000001"), OK, 0, 0); /* repeated: the first counts */
    assert_int_equal(m.association_setup_request.recovery_time_stamp, 0xe55ba216);
    assert_int_equal(r.ignored, 1);
    expect(SETUP("022", NODE TIME "7fff000201028001000312340d"), OK, 0, 0); /* unknown and vendor */
    assert_true(r.unknown == 2 && m.association_setup_request.other.n == 2);
    expect(SETUP("019", NODE TIME "01030000"), OK, 0, 0); /* optional with no octets: passed over */
    assert_true(r.ignored == 1 && !m.association_setup_request.has.pfcpasreq_flags);
    expect(SETUP("019", NODE TIME "002b0000"), ERR_RANGE, 68, 43); /* conditional with no octets */
    /* the F-SEID is known although an earlier rule is wrong */
    expect("21320045"
           "0000000000000000"
           "00000500" NODE "0001000a"
           "00380002000100390001"
           "0039000d02"
           "0000000000000007"
           "0a000001"
           "0003000d"
           "006c000400000001"
           "002c000101",
           ERR_SHORT, 68, 57);
}

static void session_rules(void **state)
{
    (void)state;
    static uint8_t out[65536];
    struct pfcp_create_pdr pdr = {
        .pdr_id = 1, .precedence = 5, .pdi.source_interface = PFCP_INTERFACE_ACCESS};
    struct pfcp_create_far far = {.far_id = 1, .apply_action = PFCP_APPLY_ACTION_FORW};
    struct pfcp_create_urr urr = {.urr_id = 1, .reporting_triggers = PFCP_TRIGGER_VOLTH};
    struct net_addr addr = addr_v4(0x0a000001, 0);
    struct pfcp_msg q = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST, .seq = 1};
    struct pfcp_session_establishment_request *s = &q.session_establishment_request;
    s->node_id = pfcp_node_id_of(&addr);
    s->cp_f_seid = pfcp_f_seid_of(9, &addr);
    assert_int_equal(pfcp_encode(&q, out, sizeof out), ERR_MISSING);
    s->create_pdr.v = &pdr, s->create_pdr.n = 1;
    s->create_far.v = &far, s->create_far.n = 1;
    int n = pfcp_encode(&q, out, sizeof out);
    assert_true(n > 0);
    assert_int_equal(get(out, (size_t)n), OK);
    assert_int_equal(m.session_establishment_request.cp_f_seid.seid, 9);
    far.has.forwarding_parameters = 1;
    s->create_urr.v = &urr, s->create_urr.n = 1;
    n = pfcp_encode(&q, out, sizeof out);
    assert_int_equal(get(out, (size_t)n), ERR_MISSING);
    assert_true(r.cause == 67 && r.offending == PFCP_IE_volume_threshold);
    urr.has.volume_threshold = 1;
    urr.volume_threshold = (struct pfcp_volume){.flags = PFCP_VOLUME_TOVOL, .total = 1ull << 40};
    far.forwarding_parameters.has.outer_header_creation = 1;
    far.forwarding_parameters.outer_header_creation = (struct pfcp_outer_header_creation){
        .flags = PFCP_OHC_GTPU_IPV4, .teid = 77, .ipv4 = {10, 0, 0, 9}};
    pdr.pdi.has.local_f_teid = 1;
    pdr.pdi.local_f_teid = (struct pfcp_f_teid){
        .flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH | PFCP_F_TEID_CHID, .choose_id = 3};
    s->has.user_id = 1;
    s->user_id = (struct pfcp_user_id){.flags = PFCP_USER_ID_IMSI, .imsi = STR("00101secret")};
    n = pfcp_encode(&q, out, sizeof out);
    assert_int_equal(get(out, (size_t)n), OK);
    const struct pfcp_session_establishment_request *d = &m.session_establishment_request;
    assert_int_equal(d->create_far.v[0].forwarding_parameters.outer_header_creation.teid, 77);
    assert_int_equal(d->create_urr.v[0].volume_threshold.total, 1ull << 40);
    assert_int_equal(d->create_pdr.v[0].pdi.local_f_teid.choose_id, 3);
    static char text[8192], small[16];
    pfcp_print(&m, text, sizeof text);
    assert_non_null(strstr(text, "outer_header_creation: flags=0x100 teid=77 ipv4=10.0.0.9"));
    assert_null(strstr(text, "secret"));
    assert_int_equal(pfcp_print(&m, small, sizeof small), sizeof small - 1);
    struct arena tiny = arena_over(block, 200);
    assert_int_equal(pfcp_decode((struct bytes){out, (uint32_t)n}, &tiny, &m, &r), ERR_NOSPACE);
    assert_int_equal(r.cause, PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    s->cp_f_seid.flags = 0;
    assert_int_equal(pfcp_encode(&q, out, sizeof out), ERR_RANGE);
    q.seq = 1 << 24;
    assert_int_equal(pfcp_encode(&q, out, sizeof out), ERR_RANGE);
}

static void lists_too_long(void **state)
{
    (void)state;
    static uint8_t out[65536];
    struct wr w = wr_over(out, sizeof out);
    wr_bytes(&w, (struct bytes){(const uint8_t *)"\x21\x34\0\0\0\0\0\0\0\0\0\1\0\0\1\0", 16});
    for (uint16_t i = 0; i < 257; i++) {
        wr_u32(&w, (uint32_t)PFCP_IE_remove_pdr << 16 | 6);
        wr_u32(&w, (uint32_t)PFCP_IE_pdr_id << 16 | 2);
        wr_u16(&w, i);
    }
    put_be16(out + 2, (uint16_t)(w.n - 4));
    assert_int_equal(get(out, w.n), ERR_FULL);
    assert_true(r.cause == PFCP_CAUSE_NO_RESOURCES_AVAILABLE && r.offending == PFCP_IE_remove_pdr);
    put_be16(out + 2, (uint16_t)(w.n - 14));
    assert_int_equal(get(out, w.n - 10), OK);
    assert_int_equal(m.session_modification_request.remove_pdr.v[255].pdr_id, 255);
}

static void bundles(void **state)
{
    (void)state;
    uint8_t buf[64];
    assert_true(hex_get(buf, 32, STR("2401000c00000100" TIME "2001000c00000200" TIME)));
    struct bytes datagram = {buf, 32}, one;
    assert_true(pfcp_next(&datagram, &one));
    assert_int_equal(get(one.p, one.n), OK);
    assert_true(m.follow_on && m.seq == 1);
    assert_true(pfcp_next(&datagram, &one));
    assert_int_equal(get(one.p, one.n), OK);
    assert_true(!m.follow_on && m.seq == 2);
    assert_false(pfcp_next(&datagram, &one));
    for (int type = 1; type < 60; type++) {
        bool request = strstr(pfcp_name((uint8_t)type), "Request") != NULL;
        if (strcmp(pfcp_name((uint8_t)type), "unknown PFCP message") != 0)
            assert_int_equal(pfcp_is_request((uint8_t)type), request);
    }
}

static void names(void **state)
{
    (void)state;
    uint8_t wire[64];
    char text[64];
    int n = pfcp_fqdn_put(wire, sizeof wire, STR("upf.example.org"));
    assert_int_equal(n, 16);
    assert_int_equal(pfcp_fqdn_get(text, sizeof text, (struct str){(char *)wire, 16}), 15);
    assert_string_equal(text, "upf.example.org");
    assert_int_equal(pfcp_fqdn_get(text, sizeof text, STR("internet")), 8); /* dotted */
    assert_int_equal(pfcp_fqdn_get(text, 8, STR("internet")), ERR_NOSPACE);
    assert_int_equal(pfcp_fqdn_put(wire, sizeof wire, STR("a..b")), ERR_RANGE);
    struct net_addr addr = addr_v4(0x7f000001, 0);
    struct pfcp_node_id id = pfcp_node_id_of(&addr),
                        other = {.flags = PFCP_NODE_ID_FQDN, .fqdn = STR("\3upf")};
    assert_int_equal(pfcp_node_id_text(&id, text, sizeof text), 9);
    assert_string_equal(text, "127.0.0.1");
    assert_true(pfcp_node_id_eq(&id, &id) && !pfcp_node_id_eq(&id, &other));
    assert_string_equal(pfcp_cause_name(73), "Rule creation/modification Failure");
}

static int parse(const char *text, struct gtpu_hdr *h)
{
    uint8_t buf[256];
    size_t n = strlen(text) / 2;
    assert_true(hex_get(buf, n, str_of(text)));
    return gtpu_parse(buf, n, h);
}
static void gtpu_rules(void **state)
{
    (void)state;
    struct gtpu_hdr h;
    struct gtpu_ies ies;
    uint8_t buf[128];
    assert_int_equal(parse("30ff000000000001", &h), OK);
    assert_int_equal(parse("30ff00010000000155", &h), OK);
    assert_int_equal(parse("30ff000200000001aa", &h), ERR_SHORT);
    assert_int_equal(parse("30ff0001000000015566", &h), OK); /* octets after the message */
    assert_int_equal(h.payload, 1);
    assert_int_equal(parse("50ff000000000001", &h), ERR_UNSUPPORTED);
    assert_int_equal(parse("20ff000000000001", &h), ERR_UNSUPPORTED); /* GTP' */
    assert_int_equal(parse("32ff0003000000010001", &h), ERR_SHORT);
    assert_int_equal(parse("34ff00080000000100000085"
                           "00000000",
                           &h),
                     ERR_SYNTAX); /* length 0 */
    assert_int_equal(parse("34ff00080000000100000085"
                           "02000000",
                           &h),
                     ERR_SHORT);
    assert_int_equal(parse("34ff00080000000100000085"
                           "01200500",
                           &h),
                     ERR_SYNTAX); /* PDU type 2 */
    assert_int_equal(parse("34ff00080000000100000085"
                           "01004500",
                           &h),
                     OK);
    assert_true(h.rqi && h.qfi == 5 && h.pdu_type == GTPU_DOWNLINK && h.header == 16);
    assert_int_equal(parse("34ff000c0000000100000085"
                           "0200c5e000000000",
                           &h),
                     OK);
    assert_true(h.ppi == 7 && h.rqi && h.qfi == 5 && h.header == 20);
    assert_int_equal(gtpu_put(&h, 0, buf, sizeof buf), 20);
    assert_int_equal(gtpu_parse(buf, 20, &h), OK);
    assert_int_equal(h.ppi, 7);
    assert_int_equal(parse("34ff000c00000001000000c0"
                           "0100008501100900",
                           &h),
                     OK); /* a chain */
    assert_true(h.qfi == 9 && h.pdu_type == GTPU_UPLINK && !h.unknown_ext);
    assert_int_equal(parse("34ff000c0000000100000003"
                           "0100004501000000",
                           &h),
                     OK); /* need not be understood */
    assert_int_equal(h.unknown_ext, 0);
    assert_int_equal(parse("34ff00080000000100000084"
                           "01000000",
                           &h),
                     OK);
    assert_int_equal(h.unknown_ext, 0x84);

    int n = gtpu_echo_response(buf, sizeof buf, 0x1234);
    assert_true(n == 14 && gtpu_parse(buf, (size_t)n, &h) == OK && h.seq == 0x1234 && h.teid == 0);
    assert_int_equal(gtpu_ies(buf + h.header, h.payload, &ies), OK);
    assert_true(ies.has_recovery && ies.recovery == 0);
    struct net_addr peer;
    assert_true(addr_parse(&peer, STR("2001:db8::7"), 0));
    n = gtpu_error_indication(buf, sizeof buf, 0xabcdef01, &peer);
    assert_int_equal(gtpu_parse(buf, (size_t)n, &h), OK);
    assert_int_equal(h.type, GTPU_ERROR_INDICATION);
    assert_int_equal(gtpu_ies(buf + h.header, h.payload, &ies), OK);
    assert_true(ies.has_teid && ies.teid == 0xabcdef01 && ies.has_peer &&
                addr_eq(&ies.peer, &peer));
    for (int cap = 0; cap < n; cap++)
        assert_int_equal(gtpu_error_indication(buf, (size_t)cap, 1, &peer), ERR_NOSPACE);
    n = gtpu_supported_extensions(buf, sizeof buf, 1);
    assert_int_equal(gtpu_parse(buf, (size_t)n, &h), OK);
    assert_int_equal(gtpu_ies(buf + h.header, h.payload, &ies), OK);
    assert_true(ies.ext_types.n == 1 && ies.ext_types.p[0] == GTPU_EXT_PDU_SESSION);
    n = gtpu_end_marker(buf, sizeof buf, 5, 1, GTPU_DOWNLINK);
    assert_true(n == 16 && gtpu_parse(buf, 16, &h) == OK && h.type == GTPU_END_MARKER &&
                h.payload == 0);
    assert_int_equal(gtpu_ies((const uint8_t *)"\x85\0\3abc", 6, &ies), ERR_RANGE);
    assert_int_equal(gtpu_ies((const uint8_t *)"\x10\0", 2, &ies), ERR_SHORT);
    assert_int_equal(gtpu_ies((const uint8_t *)"\x05\0", 2, &ies), ERR_UNKNOWN);
}

int main(void)
{
    return RUN(unit(header_rules), unit(ie_rules), unit(session_rules), unit(lists_too_long),
               unit(bundles), unit(names), unit(gtpu_rules));
}
