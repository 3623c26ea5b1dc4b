/* SPDX-License-Identifier: Apache-2.0 */
/* trace_test.c - redoubt trace and status of a session, as the control socket asks for them. */
#include "tests/nf_upf/n4.h"

static char answer[1 << 18];
static const char *tell(const char *words)
{
    struct text to = text_over(answer, sizeof answer);
    answer[0] = 0;
    rt_enter(&t.upf_rt);
    upf_nf.ask(the_upf(), str_of(words), &to);
    go(MS);
    return answer;
}
#define SAYS(words, part)                                                                          \
    do {                                                                                           \
        tell(words);                                                                               \
        if (!strstr(answer, part))                                                                 \
            fail_msg("'%s' is answered by '%s', without '%s'", words, answer, part);               \
    } while (0)

static void packets_with_their_reasons(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    SAYS("start ue=10.45.0.2 packets=4 seconds=10", "trace 1\n");
    go(MS);
    SAYS("read 1", "more\nsession 0x");
    assert_non_null(strstr(answer, "phone 10.45.0.2\n"));
    assert_non_null(strstr(answer, "PDR 1 from access, precedence 255"));
    assert_non_null(strstr(answer, "FAR 1 forward to data network internet; QER 1; forwarded 0 packets"));
    SAYS("start ue=10.45.0.2", "error: this session is being traced");
    ue_ping(teid, UE4);
    SAYS("read 1", "up   10.45.0.2 > 8.8.8.8 icmp type 8, 84 octets; tunnel 0x");
    assert_non_null(strstr(answer, "-> PDR 1, FAR 1: to data network internet\n"));
    assert_non_null(strstr(answer, "-> PDR 2, FAR 2: into tunnel 0x00004711 of 10.0.0.3, QFI 9\n"));
    ue_ping(teid, (const uint8_t[4]){10, 45, 0, 3});
    SAYS("read 1", "-> no PDR: dropped, source address is not the UE's\n");
    dn_sends(40);
    SAYS("read 1", "end\n");
    assert_non_null(strstr(answer, "4 packets: as many packets as asked for\n"));
    SAYS("read 1", "error: no such trace");
    char by_session[64];
    snprintf(by_session, sizeof by_session, "start seid=0x%llx packets=0", (unsigned long long)t.upf_seid);
    SAYS(by_session, "trace 2\n");
    go(MS);
    SAYS("read 2", "end\nsession 0x");
    assert_non_null(strstr(answer, "forwarded 1 packets, 84 octets"));
    assert_null(strstr(answer, "asked for"));
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

/* The same for a program: an object a line. */
static void as_json(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    SAYS("start ue=10.45.0.2 packets=3 seconds=10 json=2", "error: ");
    SAYS("start ue=10.45.0.2 packets=3 seconds=10 json=1", "trace 1\n");
    go(MS);
    SAYS("read 1", "more\n{\"session\":\"0x");
    assert_non_null(strstr(answer, "\"network\":\"internet\",\"ipv4\":\"10.45.0.2\",\"handled\":\"portable\","));
    assert_non_null(strstr(answer, "\"pdrs\":[{\"pdr\":1,\"packets\":0,\"octets\":0},{\"pdr\":2,\"packets\":0,\"octets\":0}]}\n"));
    ue_ping(teid, UE4);
    SAYS("read 1", "\"uplink\":true,\"octets\":84,\"source\":\"10.45.0.2\",\"destination\":\"8.8.8.8\",\"protocol\":1,\"from\":\"tunnel\"");
    assert_non_null(strstr(answer, "\"from_peer\":\"10.0.0.3\",\"from_qfi\":9,\"pdr\":1,\"far\":1,\"fate\":\"to_core\",\"to_network\":\"internet\"}\n"));
    assert_non_null(strstr(answer, "\"from\":\"network\",\"pdr\":2,\"far\":2,\"fate\":\"to_tunnel\",\"to_teid\":\"0x00004711\",\"to_qfi\":9,\"to_peer\":\"10.0.0.3\"}\n"));
    ue_ping(teid, (const uint8_t[4]){10, 45, 0, 3});
    SAYS("read 1", "\"fate\":\"spoofed\"}\n{\"packets\":3,\"ended\":\"as many packets as asked for\"}\n");
    SAYS("start ue=10.45.0.2 packets=0 json=1", "trace 2\n");
    go(MS);
    SAYS("read 2", "end\n{\"session\":\"0x");
    assert_non_null(strstr(answer, "{\"pdr\":1,\"packets\":1,\"octets\":84}"));
    assert_null(strstr(answer, "ended"));
}

/* A member of a 5G LAN without a way out of it. */
static void rules_of_a_lan(void **state)
{
    (void)state;
    associate();
    establishment(77);
    t.pdr[1].pdi.source_interface = PFCP_SOURCE_INTERFACE_VN_INTERNAL;
    t.far[0].forwarding_parameters.destination_interface = PFCP_INTERFACE_VN_INTERNAL;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    SAYS("start ue=10.45.0.2 packets=0", "trace 1\n");
    go(MS);
    SAYS("read 1", "PDR 1 from access, precedence 255");
    assert_non_null(strstr(answer, ": FAR 1 forward to members of the LAN; QER 1"));
    assert_non_null(strstr(answer, "PDR 2 from members of the LAN, precedence 255: FAR 2 forward into tunnel"));
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

static void it_ends_by_itself(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    SAYS("start ue=10.45.0.2 packets=1000 seconds=3", "trace 1\n");
    go(2 * SECOND);
    SAYS("read 1", "more\n");
    go(2 * SECOND);
    ue_ping(teid, UE4);
    SAYS("read 1", "end\n");
    assert_non_null(strstr(answer, "0 packets: its time is over\n"));
    SAYS("start ue=10.45.0.2 packets=1000 seconds=600", "trace 2\n");
    go(6 * SECOND); /* nobody reads */
    SAYS("read 2", "error: no such trace");
    SAYS("start ue=10.45.0.2", "trace 3\n");
    SAYS("stop 3", "end\n");
    SAYS("start ue=10.45.0.2", "trace 4\n");
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    SAYS("read 4", "0 packets: the session has ended\n");
    assert_empty();
}

static void wrong_words(void **state)
{
    (void)state;
    associate();
    establish(77);
    SAYS("start", "error: neither");
    SAYS("start ue=10.45.0.9", "error: no such session");
    SAYS("start ue=fd00::1", "error: no such session");
    SAYS("start seid=0x77", "error: no such session");
    SAYS("start seid=zz", "error: neither");
    SAYS("start ue=10.45.0.2 packets=1001", "error: at most 1000 packets");
    SAYS("start ue=10.45.0.2 packets=99999999999999999999", "error: at most");
    SAYS("start ue=10.45.0.2 seconds=-1", "error: at most");
    SAYS("read 1", "error: no such trace");
    SAYS("read", "error: no such trace");
    SAYS("", "error: no such trace");
}

static void a_line(void *ctx, const char *text)
{
    struct text *to = ctx;
    text_add(to, "%s\n", text);
}
static void status_of_the_whole(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    ue_ping(teid, (const uint8_t[4]){10, 45, 0, 3});
    struct text to = text_over(answer, sizeof answer);
    upf_nf.status(the_upf(), a_line, &to);
    assert_non_null(strstr(answer, "smf 10.0.0.1:8805 associated, node 10.0.0.1, 1 sessions\n"));
    assert_non_null(strstr(answer, "data network internet (n6internet): 1 sessions\n"));
    assert_non_null(strstr(answer, "data network ims (n6ims): 0 sessions\n"));
    assert_non_null(strstr(answer, "dropped 1: source address is not the UE's (spoofed)\n"));
    assert_non_null(strstr(answer, "gtp-u peer 10.0.0.3 in use, 1 tunnels\n"));
    assert_null(strstr(answer, "policed"));
}

int main(void)
{
    return RUN(upf_test(packets_with_their_reasons), upf_test(as_json), upf_test(rules_of_a_lan), upf_test(it_ends_by_itself), upf_test(wrong_words),
               upf_test(status_of_the_whole));
}
