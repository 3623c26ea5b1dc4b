/* SPDX-License-Identifier: Apache-2.0 */
/* capture_test FILE - what the SMF sends on N4, and its N1 and N2 in the messages that an AMF carries them in, as a
 * capture for an independent reader (tools/tshark_check.py). */
#include "tests/nf_smf/smf_net.h"
#include "sim/pcap.h"

static struct env *gnb;
static uint64_t assoc;
static uint8_t out[8192], nas[4096];

static void up(void *ctx, uint64_t a, const struct net_addr *peer, uint16_t streams)
{
    (void)peer, (void)streams;
    *(uint64_t *)ctx = a;
}
static void message(void *ctx, uint64_t a, uint16_t stream, uint32_t ppid, struct bytes b)
{
    (void)ctx, (void)a, (void)stream, (void)ppid, (void)b;
}
static void down(void *ctx, uint64_t a, const char *reason)
{
    (void)ctx, (void)a, (void)reason;
}

static void send(enum ngap_msg type, const void *value)
{
    int n = ngap_encode(type, value, out, sizeof out);
    assert_true(n > 0);
    assert_int_equal(gnb->ops->sctp_send(gnb, assoc, 1, 60, (struct bytes){out, (uint32_t)n}), OK);
    go(SECOND / 100);
}
static struct bytes in_transport(struct bytes n1)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_DL_NAS_TRANSPORT);
    m.dl_nas_transport.payload_container_type = NAS_PAYLOAD_N1_SM;
    m.dl_nas_transport.payload_container = n1;
    m.dl_nas_transport.has.pdu_session_id = 1;
    m.dl_nas_transport.pdu_session_id = 1;
    int n = nas_encode(&m, nas, sizeof nas);
    assert_true(n > 0);
    return (struct bytes){nas, (uint32_t)n};
}
static const uint8_t sst = 1;

static void carry_n1(const struct octets *n1)
{
    struct ngap_DownlinkNASTransport m = {.AMF_UE_NGAP_ID = 1, .RAN_UE_NGAP_ID = 1, .NAS_PDU = in_transport(octets_of(n1))};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = 1;
    send(NGAP_MSG_DownlinkNASTransport, &m);
}
static void carry_setup(const struct octets *n1, const struct octets *n2)
{
    struct ngap_PDUSessionResourceSetupItemSUReq item = {.pDUSessionID = 1, .s_NSSAI.sST = {&sst, 1},
                                                         .pDUSessionResourceSetupRequestTransfer = octets_of(n2)};
    struct ngap_PDUSessionResourceSetupRequest m = {.AMF_UE_NGAP_ID = 1, .RAN_UE_NGAP_ID = 1,
                                                    .PDUSessionResourceSetupListSUReq = {&item, 1}};
    item.has.pDUSessionNAS_PDU = n1->n != 0;
    if (n1->n)
        item.pDUSessionNAS_PDU = in_transport(octets_of(n1));
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceSetupListSUReq = 1;
    send(NGAP_MSG_PDUSessionResourceSetupRequest, &m);
}
static void carry_release(const struct octets *n1, const struct octets *n2)
{
    struct ngap_PDUSessionResourceToReleaseItemRelCmd item = {.pDUSessionID = 1,
                                                              .pDUSessionResourceReleaseCommandTransfer = octets_of(n2)};
    struct ngap_PDUSessionResourceReleaseCommand m = {.AMF_UE_NGAP_ID = 1, .RAN_UE_NGAP_ID = 1,
                                                      .PDUSessionResourceToReleaseListRelCmd = {&item, 1}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceToReleaseListRelCmd = 1;
    m.has.NAS_PDU = n1->n != 0;
    if (n1->n)
        m.NAS_PDU = in_transport(octets_of(n1));
    send(NGAP_MSG_PDUSessionResourceReleaseCommand, &m);
}
static void carry_modify(const struct octets *n1, const struct octets *n2)
{
    struct ngap_PDUSessionResourceModifyItemModReq item = {.pDUSessionID = 1, .has.nAS_PDU = 1,
                                                           .nAS_PDU = in_transport(octets_of(n1)),
                                                           .pDUSessionResourceModifyRequestTransfer = octets_of(n2)};
    struct ngap_PDUSessionResourceModifyRequest m = {.AMF_UE_NGAP_ID = 1, .RAN_UE_NGAP_ID = 1,
                                                     .PDUSessionResourceModifyListModReq = {&item, 1}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceModifyListModReq = 1;
    send(NGAP_MSG_PDUSessionResourceModifyRequest, &m);
}

static struct answer n1_up(const char *ref, enum nas_type type, uint8_t pti)
{
    uint8_t buf[64];
    return update(ref, (struct news){.n1 = n1_make(type, 1, pti, buf, sizeof buf)});
}

static void establishments(void)
{
    static const uint8_t types[] = {NAS_PDU_IPV4, NAS_PDU_IPV6, NAS_PDU_IPV4V6};
    for (unsigned i = 0; i < 3; i++) {
        struct answer a = create((struct wanted){.type = types[i], .pco = true, .always_on = i == 1});
        assert_int_equal(a.status, 201);
        carry_setup(&net->amf.n1, &net->amf.n2);
        assert_int_equal(gnb_accepts(a.ref, 0x77).status, 200);
        assert_int_equal(release(a.ref).status, 204);
    }
    net->amf.n_types = 1; /* IPv4 only: cause #50 */
    struct answer a = create((struct wanted){.type = NAS_PDU_IPV4V6});
    carry_setup(&net->amf.n1, &net->amf.n2);
    release(a.ref);
    net->amf.n_types = 3;
}
static void refusals(void)
{
    static const struct wanted rows[] = {{.dnn = "nowhere"}, {.ssc = 2}, {.type = NAS_PDU_ETHERNET}, {.dnn = "small"}};
    net->amf.dnn_key = "*";
    struct answer taken = create((struct wanted){.psi = 3, .dnn = "small"});
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct answer a = create(rows[i]);
        assert_true(a.status >= 400);
        carry_n1(&a.n1);
    }
    release(taken.ref);
}
static void life(void)
{
    struct answer s = established((struct wanted){0}), a;
    update(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED});
    a = update(s.ref, (struct news){.up = SBI_UpCnxState_ACTIVATING});
    carry_setup(&a.n1, &a.n2);
    gnb_accepts(s.ref, 0x78);
    a = n1_up(s.ref, NAS_PDU_SESSION_MODIFICATION_REQUEST, 3);
    carry_n1(&a.n1);
    n1_up(s.ref, NAS_PDU_SESSION_MODIFICATION_COMPLETE, 3);
    a = n1_up(s.ref, NAS_PDU_SESSION_MODIFICATION_COMPLETE, 3);
    carry_n1(&a.n1); /* 5GSM STATUS */
    net->amf.policy_ambr_dl = "50 Mbps";
    struct call *c = call_begin(SBI_npcf_sm_policy_update_notify);
    SBI_REQ(npcf_sm_policy_update_notify) *q = call_request(c);
    q->callback = arena_printf(&c->arena, "%s/update", net->amf.policy_uri);
    q->body.has.sm_policy_decision = 1;
    decision_fill(&q->body.sm_policy_decision, &c->arena);
    send_call(c, &a);
    go(SECOND);
    carry_modify(&net->amf.n1, &net->amf.n2);
    update(s.ref, (struct news){.n2 = BYTES_OF(((uint8_t[]){0})), .n2_type = SBI_N2SmInfoType_PDU_RES_MOD_RSP});
    n1_up(s.ref, NAS_PDU_SESSION_MODIFICATION_COMPLETE, 0);
    a = n1_up(s.ref, NAS_PDU_SESSION_RELEASE_REQUEST, 9);
    carry_release(&a.n1, &a.n2);
    update(s.ref, (struct news){.n2 = BYTES_OF(((uint8_t[]){0})), .n2_type = SBI_N2SmInfoType_PDU_RES_REL_RSP});
    n1_up(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 9);
}

int main(int argc, char **argv)
{
    static const struct net_addr amf_at = {4, 38412, {10, 0, 0, 5}}, gnb_at = {4, 38412, {10, 0, 0, 9}};
    uint64_t there = 0;
    struct world_pcap pcap;
    FILE *f = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (!f)
        return 2;
    net_open(NULL);
    world_pcap_start(&pcap, net->w, f);
    struct env *amf = world_host(net->w, "amf", &(struct net_addr){4, 0, {10, 0, 0, 5}});
    gnb = amf; /* who sends is the AMF */
    struct env *peer = world_host(net->w, "gnb", &(struct net_addr){4, 0, {10, 0, 0, 9}});
    struct sctp_sink sink = {&there, up, message, down}, mine = {&assoc, up, message, down};
    struct sctp_local at_peer = {&gnb_at, 1, 4}, at_amf = {&amf_at, 1, 4};
    uint64_t id;
    assert_int_equal(peer->ops->sctp_listen(peer, &at_peer, &sink), OK);
    assert_int_equal(amf->ops->sctp_connect(amf, &at_amf, &gnb_at, &mine, &id), OK);
    go(SECOND);
    establishments();
    refusals();
    life();
    net_close(NULL);
    return fclose(f) ? 1 : 0;
}
