/* SPDX-License-Identifier: Apache-2.0 */
/* The UPF as uplink classifier, branching point and local anchor, TS 23.501 5.6.4.2, 5.6.4.3: some of a session's traffic leaves here, the rest
 * goes on to the session's anchor by N9 and comes back from there; and as that anchor. */
#include "tests/nf_upf/n4.h"

enum { PSA_TEID = 0x9999 };
static struct psa { /* the anchor, what it got last */
    struct env *env;
    int sock;
    unsigned n;
    uint32_t teid;
    uint8_t p[200];
} psa;

static void psa_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock, (void)from;
    if (b.p[1] != 255)
        return;
    psa.n++;
    psa.teid = be32(b.p + 4);
    memcpy(psa.p, b.p, b.n < sizeof psa.p ? b.n : sizeof psa.p);
}
static void psa_sends(uint32_t teid, const uint8_t to[4], uint8_t pdu_type)
{
    uint8_t p[200] = {0x34, 255, [4] = (uint8_t)(teid >> 24), (uint8_t)(teid >> 16), (uint8_t)(teid >> 8), (uint8_t)teid,
                      [11] = 0x85, 1, (uint8_t)(pdu_type << 4), 9, 0};
    struct net_addr far = {4, 0, {9, 9, 9, 9}}, ue = {.family = 4};
    memcpy(ue.ip, to, 4);
    uint32_t n = echo_request(&far, &ue, 1, 1, 56, p + 16, 180);
    put_be16(p + 2, (uint16_t)(n + 8));
    assert_int_equal(psa.env->ops->udp_send(psa.env, psa.sock, &N3_ADDR, (struct bytes){p, n + 16}), OK);
    go(5 * MS);
}
static void ue_sends(uint32_t teid, uint8_t first)
{
    uint8_t p[200];
    struct net_addr me = {.family = 4}, far = {4, 0, {first, first, first, first}};
    memcpy(me.ip, UE4, 4);
    gnb_send(teid, p, echo_request(&me, &far, 1, 1, 56, p, sizeof p));
    go(5 * MS);
}
static int begin_with_anchor(void **state)
{
    int e = begin(state);
    psa = (struct psa){.env = world_host(t.w, "psa", &GNB2_ADDR)};
    psa.sock = psa.env->ops->udp_open(psa.env, &GNB2_ADDR, &(struct udp_sink){NULL, psa_datagram});
    return e;
}

/* PDR 3 takes what is for 8.8/16 to the data network here, PDR 1 takes the rest to N9, where PDR 4 gets it from. */
static void classify(uint32_t *n3, uint32_t *n9)
{
    struct pfcp_session_establishment_request *q = establishment(77);
    t.pdr[0].pdi.local_f_teid.flags |= PFCP_F_TEID_CHID;
    t.pdr[0].pdi.local_f_teid.choose_id = 1;
    t.pdr[2] = t.pdr[3] = t.pdr[0];
    t.pdr[2].pdr_id = 3;
    t.pdr[2].precedence = 100;
    t.pdr[2].far_id = 3;
    t.sdf[0] = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD,
                                        .flow_description = STR("permit out ip from 8.8.0.0/16 to assigned")};
    t.pdr[2].pdi.sdf_filter.v = t.sdf, t.pdr[2].pdi.sdf_filter.n = 1;
    t.pdr[3].pdr_id = 4;
    t.pdr[3].far_id = 2;
    t.pdr[3].pdi.source_interface = PFCP_INTERFACE_CORE;
    t.pdr[3].pdi.local_f_teid.choose_id = 2;
    t.pdr[3].pdi.ue_ip_address.flags |= PFCP_UE_IP_DESTINATION;
    t.far[2] = t.far[0];
    t.far[2].far_id = 3;
    t.far[0].forwarding_parameters = (struct pfcp_forwarding_parameters){
        .destination_interface = PFCP_INTERFACE_CORE, .has.outer_header_creation = 1,
        .outer_header_creation = {.flags = PFCP_OHC_GTPU_IPV4, .teid = PSA_TEID, .ipv4 = {10, 0, 0, 4}}};
    q->create_pdr.n = 4;
    q->create_far.n = 3;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.created_n, 3);
    *n3 = t.created[0].local_f_teid.teid;
    *n9 = t.created[2].local_f_teid.teid;
    assert_int_equal(t.created[1].local_f_teid.teid, *n3);
    assert_int_not_equal(*n9, *n3);
}

static void classifier(void **state)
{
    static const uint8_t other[4] = {10, 45, 0, 9};
    uint32_t n3, n9;
    (void)state;
    associate();
    classify(&n3, &n9);
    ue_sends(n3, 8); /* answered by the data network here */
    assert_int_equal(t.dn.packets, 1);
    assert_int_equal(t.gnb.n, 1);
    assert_int_equal(psa.n, 0);
    ue_sends(n3, 9); /* goes on, marked as what it is: uplink, its QoS flow */
    assert_int_equal(t.dn.packets, 1);
    assert_int_equal(psa.n, 1);
    assert_int_equal(psa.teid, PSA_TEID);
    assert_int_equal(psa.p[13] >> 4, 1);
    assert_int_equal(psa.p[14] & 63, 9);
    psa_sends(n9, UE4, 0);
    assert_int_equal(t.gnb.n, 2);
    assert_int_equal(t.gnb.teid, GNB_TEID);
    assert_int_equal(t.gnb.qfi, 9);
    dn_sends(56); /* and downlink from the data network here */
    assert_int_equal(t.gnb.n, 3);
    /* what does not belong there: another's address, uplink on the way down, downlink on the way up */
    psa_sends(n9, other, 0);
    assert_int_equal(counted(DP_not_for_ue), 1);
    psa_sends(n9, UE4, 1);
    psa_sends(n3, UE4, 0);
    assert_int_equal(counted(DP_gtpu_malformed), 2);
    assert_int_equal(t.gnb.n, 3);
    assert_int_equal(psa.n, 1);
    /* removed: all goes to the anchor again, 23.502 4.3.5.5 */
    struct pfcp_session_modification_request *m = modification();
    struct pfcp_remove_pdr remove = {.pdr_id = 3};
    m->remove_pdr.v = &remove, m->remove_pdr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_sends(n3, 8);
    assert_int_equal(t.dn.packets, 1);
    assert_int_equal(psa.n, 2);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

/* The anchor is a usual session whose access side is the classifier. */
static void anchor(void **state)
{
    (void)state;
    associate();
    establishment(77);
    t.far[1].forwarding_parameters.outer_header_creation.teid = PSA_TEID;
    memcpy(t.far[1].forwarding_parameters.outer_header_creation.ipv4, GNB2_ADDR.ip, 4);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t n9 = t.created[0].local_f_teid.teid;
    ue_sends(n9, 8);
    assert_int_equal(t.dn.packets, 1);
    assert_int_equal(psa.n, 1); /* the answer */
    assert_int_equal(psa.teid, PSA_TEID);
    assert_int_equal(psa.p[13] >> 4, 0);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

/* A branching point between two anchors: what is from the second prefix has a tunnel of its own, and so has what is for it. */
enum { SECOND_TEID = 0x8888 };
static const uint8_t OTHER_PREFIX[8] = {0xfd, 0, 0, 0x10, 0, 0x70, 0, 9};
static void from_prefix(uint32_t teid, const uint8_t prefix[8])
{
    uint8_t p[200];
    struct net_addr me = {.family = 6, .ip = {[15] = 1}}, far = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 1}};
    memcpy(me.ip, prefix, 8);
    gnb_send(teid, p, echo_request(&me, &far, 1, 1, 56, p, sizeof p));
    go(5 * MS);
}
static void to_prefix(uint32_t teid, const uint8_t prefix[8])
{
    uint8_t p[200] = {0x34, 255, [4] = (uint8_t)(teid >> 24), (uint8_t)(teid >> 16), (uint8_t)(teid >> 8), (uint8_t)teid, [11] = 0x85, 1, 0, 9, 0};
    struct net_addr ue = {.family = 6, .ip = {[15] = 1}}, far = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 1}};
    memcpy(ue.ip, prefix, 8);
    uint32_t n = echo_request(&far, &ue, 1, 1, 56, p + 16, 180);
    put_be16(p + 2, (uint16_t)(n + 8));
    assert_int_equal(psa.env->ops->udp_send(psa.env, psa.sock, &N3_ADDR, (struct bytes){p, n + 16}), OK);
    go(5 * MS);
}
static void home(struct pfcp_create_pdr *p, const uint8_t prefix[8])
{
    p->pdi.ue_ip_address = (struct pfcp_ue_ip_address){.flags = PFCP_UE_IP_V6};
    memcpy(p->pdi.ue_ip_address.ipv6, prefix, 8);
}
static void branching_point(void **state)
{
    (void)state;
    associate();
    struct pfcp_session_establishment_request *q = establishment(77);
    t.pdr[0].pdi.local_f_teid.flags |= PFCP_F_TEID_CHID;
    for (uint8_t i = 1; i < 4; i++) { /* up by the second; down of the first, of the second */
        t.pdr[i] = t.pdr[0];
        t.pdr[i].pdr_id = i + 1;
        t.pdr[i].pdi.local_f_teid.choose_id = i > 1 ? i : 0;
        t.pdr[i].pdi.source_interface = i > 1 ? PFCP_INTERFACE_CORE : PFCP_INTERFACE_ACCESS;
    }
    t.pdr[1].far_id = 3;
    t.pdr[2].far_id = t.pdr[3].far_id = 2;
    home(&t.pdr[0], UE6), home(&t.pdr[2], UE6);
    home(&t.pdr[1], OTHER_PREFIX), home(&t.pdr[3], OTHER_PREFIX);
    t.far[0].forwarding_parameters = (struct pfcp_forwarding_parameters){
        .destination_interface = PFCP_INTERFACE_CORE, .has.outer_header_creation = 1,
        .outer_header_creation = {.flags = PFCP_OHC_GTPU_IPV4, .teid = PSA_TEID, .ipv4 = {10, 0, 0, 4}}};
    t.far[2] = t.far[0];
    t.far[2].far_id = 3;
    t.far[2].forwarding_parameters.outer_header_creation.teid = SECOND_TEID;
    q->pdn_type = PFCP_PDN_IPV6;
    q->create_pdr.n = 4;
    q->create_far.n = 3;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t n3 = t.created[0].local_f_teid.teid, first = t.created[2].local_f_teid.teid, second = t.created[3].local_f_teid.teid;
    from_prefix(n3, UE6);
    assert_true(psa.n == 1 && psa.teid == PSA_TEID);
    from_prefix(n3, OTHER_PREFIX);
    assert_true(psa.n == 2 && psa.teid == SECOND_TEID);
    from_prefix(n3, (const uint8_t[]){0xfd, 0, 0, 0x10, 0, 0x70, 0, 10});
    assert_true(psa.n == 2 && counted(DP_spoofed) == 1);
    to_prefix(first, UE6);
    to_prefix(second, OTHER_PREFIX);
    assert_true(t.gnb.n == 2 && t.gnb.teid == GNB_TEID);
    to_prefix(second, UE6); /* from the other's anchor */
    to_prefix(first, OTHER_PREFIX);
    assert_true(t.gnb.n == 2 && counted(DP_no_rule) == 2);
    to_prefix(first, (const uint8_t[]){0xfd, 0, 0, 0x10, 0, 0x70, 0, 10});
    assert_true(t.gnb.n == 2 && counted(DP_not_for_ue) == 1);
    /* both prefixes are advertised, each by a router of its own; the second is no way to everywhere else than it is */
    uint8_t rs[48] = {0x60, 0, 0, 0, 0, 8, 58, 255, 0xfe, 0x80, [23] = 9, [24] = 0xff, 2, [39] = 2, [40] = 133};
    gnb_send(n3, rs, sizeof rs);
    go(5 * MS);
    const uint8_t *ra = t.gnb.p + t.gnb.inner;
    assert_true(t.gnb.n == 4 && ra[40] == 134);
    bool is_second = ra[23] == 2;
    assert_memory_equal(ra + 40 + 16 + 16, is_second ? OTHER_PREFIX : UE6, 8);
    assert_int_equal(ra[45], is_second ? 0x18 : 0);
    /* a PDI takes the place of the one before, 7.5.4.2: without an address it is of no prefix, and the second is nobody's then */
    struct pfcp_session_modification_request *m = modification();
    struct pfcp_update_pdr update[2] = {{.pdr_id = 4, .has.pdi = 1, .pdi = {.source_interface = PFCP_INTERFACE_CORE}},
                                        {.pdr_id = 2, .has.pdi = 1, .pdi = {.source_interface = PFCP_INTERFACE_ACCESS}}};
    m->update_pdr.v = update, m->update_pdr.n = 2;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    to_prefix(second, UE6);
    assert_int_equal(t.gnb.n, 5);
    from_prefix(n3, OTHER_PREFIX);
    assert_true(psa.n == 2 && counted(DP_spoofed) == 2);
    m = modification();
    for (unsigned i = 0; i < 2; i++) {
        update[i].pdi.has.ue_ip_address = 1;
        update[i].pdi.ue_ip_address = (struct pfcp_ue_ip_address){.flags = PFCP_UE_IP_V6};
        memcpy(update[i].pdi.ue_ip_address.ipv6, OTHER_PREFIX, sizeof OTHER_PREFIX);
    }
    m->update_pdr.v = update, m->update_pdr.n = 2;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    from_prefix(n3, OTHER_PREFIX);
    assert_true(psa.n == 3 && psa.teid == SECOND_TEID);
    /* the second anchor is taken out: its prefix is nobody's any more */
    m = modification();
    struct pfcp_remove_pdr remove[2] = {{.pdr_id = 2}, {.pdr_id = 4}};
    m->remove_pdr.v = remove, m->remove_pdr.n = 2;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    from_prefix(n3, OTHER_PREFIX);
    assert_true(psa.n == 3 && counted(DP_spoofed) == 3);
    from_prefix(n3, UE6);
    assert_int_equal(psa.n, 4);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

int main(void)
{
    return RUN(cmocka_unit_test_setup_teardown(classifier, begin_with_anchor, end),
               cmocka_unit_test_setup_teardown(anchor, begin_with_anchor, end),
               cmocka_unit_test_setup_teardown(branching_point, begin_with_anchor, end));
}
