/* SPDX-License-Identifier: Apache-2.0 */
/* The SMF with the UPF of this project: a session's packets go through both ways, are kept while the phone is idle
 * and wake it, and nothing goes through once the session is released. */
#include "tests/nf_smf/smf_net.h"
#include "nf/upf/state.h"
#include "sim/data_network.h"
#include "sim/user_plane.h"

enum { MS = 1000 };
static struct config upf_config;
static uint8_t *upf_config_block;
static struct user_plane *path;
static struct data_network dn;
static struct env *gnb;
static int gnb_sock;
static struct {
    unsigned n;
    uint32_t teid, inner_n;
    uint8_t qfi, inner[2048];
} seen;
static const struct net_addr N3 = {4, 2152, {10, 0, 0, 2}}, GNB = {4, 2152, {10, 0, 0, 9}};

static void gnb_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock, (void)from;
    if (b.n < 16 || b.p[1] != 255)
        return;
    seen.n++;
    seen.teid = be32(b.p + 4);
    seen.qfi = b.p[14] & 63;
    seen.inner_n = b.n - 16;
    memcpy(seen.inner, b.p + 16, seen.inner_n);
}
static void phone_pings(uint32_t teid, const struct net_addr *me, const struct net_addr *far)
{
    uint8_t p[300] = {0x34, 255, [11] = 0x85, 1, 0x10, SMF_QFI, 0};
    uint32_t n = echo_request(me, far, 1, 1, 56, p + 16, sizeof p - 16);
    put_be16(p + 2, (uint16_t)(n + 8));
    put_be32(p + 4, teid);
    gnb->ops->udp_send(gnb, gnb_sock, &N3, (struct bytes){p, n + 16});
    go(20 * MS);
}
static void network_sends(const struct net_addr *ue)
{
    uint8_t p[300];
    struct net_addr far = {4, 0, {8, 8, 8, 8}};
    uint32_t n = echo_request(&far, ue, 1, 1, 56, p, sizeof p);
    int tun = world_tun(net->w, net->upf.env, NULL, "n6internet");
    assert_int_equal(world_inject(net->w, tun, (struct bytes){p, n}), OK);
    go(20 * MS);
}

static int open_both(void **state)
{
    static struct config_report report;
    net_open(state);
    upf_close(&net->upf);
    upf_config_block = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(upf_config_block, CONFIG_ARENA_OCTETS);
    int err = config_parse(&upf_config, &a, STR("upf"),
                           STR("network: {nfs: [upf]}\n"
                               "upf:\n"
                               "  n4_address: 10.0.0.2\n"
                               "  n3_addresses: [10.0.0.2]\n"
                               "  n6: [{dnn: internet, tun: n6internet, ipv4: 10.45.0.1/16, ipv6: \"fd00:10:45::1/48\"}]\n"),
                           &report);
    if (err)
        printf("%s\n", report.text);
    assert_int_equal(err, OK);
    assert_int_equal(rt_init(&net->upf.rt, net->upf.env, 8 << 20), OK);
    net->upf.rt.config = &upf_config;
    net->upf.open = true;
    world_attach(net->w, net->upf.env, &net->upf.rt);
    rt_enter(&net->upf.rt);
    assert_int_equal(user_plane_inline_open(&path, &net->upf.rt, &upf_config), OK);
    assert_int_equal(nf_start(&net->upf.rt, &upf_nf), OK);
    dn = (struct data_network){0};
    data_network_start(&dn, net->w, net->upf.env, "n6internet");
    gnb = world_host(net->w, "gnb", &GNB);
    struct udp_sink sink = {NULL, gnb_datagram};
    gnb_sock = gnb->ops->udp_open(gnb, &GNB, &sink);
    memset(&seen, 0, sizeof seen);
    go(40 * SECOND);
    assert_true(smf_upf_is_up(&net->smf->upfs[0]));
    return 0;
}
static int close_both(void **state)
{
    nf_stop_all(&net->rt);
    go(SECOND);
    nf_stop_all(&net->upf.rt);
    user_plane_close(path);
    world_attach(net->w, net->upf.env, NULL);
    rt_free(&net->upf.rt);
    net->upf.open = false;
    net_close(state);
    free(upf_config_block);
    return 0;
}
static struct smf_session *the_session(void)
{
    uint32_t i = 0;
    return slab_next(&net->smf->sessions, &i);
}

static void there_and_back(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){.type = NAS_PDU_IPV4V6});
    uint32_t teid = the_session()->up.teid;
    struct net_addr me = {.family = 4}, me6 = {.family = 6}, far = {4, 0, {8, 8, 8, 8}},
                    far6 = {6, 0, {0x20, 1, 0x0d, 0xb8, [15] = 1}}, other = {4, 0, {10, 45, 0, 77}};
    smf_ipv4(the_session(), me.ip);
    smf_ipv6_prefix(the_session(), me6.ip);
    me6.ip[15] = 5;
    phone_pings(teid, &me, &far);
    assert_true(seen.n == 1 && seen.teid == 0x77 && seen.qfi == SMF_QFI);
    phone_pings(teid, &me6, &far6);
    assert_true(seen.n == 2 && seen.inner[0] >> 4 == 6);
    phone_pings(teid, &other, &far); /* not its own address */
    assert_int_equal(dn.packets, 2);
    /* idle: kept, and the AMF is asked for the phone */
    assert_int_equal(update(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED}).status, 200);
    net->amf.transfer_status = 202;
    uint32_t transfers = net->amf.transfers;
    network_sends(&me);
    network_sends(&me);
    assert_int_equal(seen.n, 2);
    assert_int_equal(net->amf.transfers, transfers + 1);
    struct answer a = gnb_accepts(s.ref, 0x78);
    assert_int_equal(a.up_state, SBI_UpCnxState_ACTIVATED);
    assert_true(seen.n == 4 && seen.teid == 0x78);
    network_sends(&me);
    assert_int_equal(seen.n, 5);
    assert_int_equal(release(s.ref).status, 204);
    network_sends(&me);
    phone_pings(teid, &me, &far);
    assert_int_equal(seen.n, 5);
    assert_int_equal(dn.packets, 2);
}

/* The UPF's answer to the establishment never arrives: what it has for nobody is found by its name and deleted. */
static void a_session_for_nobody(void **state)
{
    (void)state;
    struct upf *upf = nf_state(&net->upf.rt, SBI_NF_UPF);
    struct answer a;
    create_send((struct wanted){.type = NAS_PDU_IPV4}, &a);
    go(10); /* the request is on its way */
    world_set_faults(net->w, &(struct world_faults){1000000, 0, 50, 250, 0});
    go(4 * SECOND);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_int_equal(upf->sessions.used, 1);
    world_set_faults(net->w, &(struct world_faults){0, 0, 50, 250, 0});
    go(4 * SECOND);
    assert_int_equal(upf->sessions.used, 0);
    assert_true(list_empty(&net->smf->deletions));
}
static void paging_in_vain(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    struct net_addr me = {.family = 4};
    smf_ipv4(the_session(), me.ip);
    update(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED});
    net->amf.transfer_status = 504;
    uint32_t transfers = net->amf.transfers;
    network_sends(&me);
    assert_int_equal(net->amf.transfers, transfers + 1);
    network_sends(&me); /* within the quiet time: dropped without a word to the AMF */
    assert_int_equal(net->amf.transfers, transfers + 1);
    go(11 * SECOND);
    net->amf.transfer_status = 202;
    network_sends(&me);
    assert_int_equal(net->amf.transfers, transfers + 2);
    gnb_accepts(s.ref, 0x79);
    assert_int_equal(seen.n, 1); /* the one that was not dropped */
    /* the phone comes, and its gNB cannot */
    update(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED});
    network_sends(&me);
    assert_int_equal(net->amf.transfers, transfers + 3);
    struct answer a = update(s.ref, (struct news){.n2 = BYTES_OF(((uint8_t[]){0, 0})),
                                                  .n2_type = SBI_N2SmInfoType_PDU_RES_SETUP_FAIL});
    assert_true(a.status == 200 && a.up_state == SBI_UpCnxState_DEACTIVATED);
    network_sends(&me); /* tells again */
    assert_int_equal(net->amf.transfers, transfers + 4);
    update(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED}); /* idle again before it was set up */
    network_sends(&me);
    assert_int_equal(net->amf.transfers, transfers + 5);
}

static void rates_change(void **state)
{
    (void)state;
    established((struct wanted){0});
    net->amf.policy_ambr_dl = "5 Mbps";
    struct answer a;
    struct call *c = call_begin(SBI_npcf_sm_policy_update_notify);
    SBI_REQ(npcf_sm_policy_update_notify) *q = call_request(c);
    q->callback = arena_printf(&c->arena, "%s/update", net->amf.policy_uri);
    q->body.has.sm_policy_decision = 1;
    decision_fill(&q->body.sm_policy_decision, &c->arena);
    send_call(c, &a);
    go(SECOND);
    assert_int_equal(a.status, 204);
    assert_int_equal(the_session()->qos.ambr_dl_bps, 5000000);
}

int main(int argc, char **argv)
{
    as_bytes = argc > 1 && strcmp(argv[1], "bytes") == 0;
#define both(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)
    return RUN(both(there_and_back), both(a_session_for_nobody), both(paging_in_vain), both(rates_change));
}
