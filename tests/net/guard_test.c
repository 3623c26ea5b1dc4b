/* SPDX-License-Identifier: Apache-2.0 */
/* What equipment must not do: found, with the message it rests on, and without effect. docs/trust/guard.md. */
#include "codec/pfcp.h"
#include "proto/pfcp.h"
#include "tests/net/net.h"

/* GUARD_SEEDS=N runs all of it N times, each time with other delays: bench/attacks.sh. */
static uint64_t round_of;
static uint64_t seed(uint64_t of) { return of + 1000 * round_of; }

static uint32_t findings(const struct net *n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < GUARD_DETECTIONS; i++)
        sum += n->found[i];
    return sum;
}
/* This and nothing else was found. */
#define only(n, d) only_at(n, d, __LINE__)
static void only_at(struct net *n, enum guard_detection d, int line)
{
    if (!n->found[d] || findings(n) != n->found[d])
        fprintf(stderr, "line %d: %u of %u; last finding: %s\n", line, n->found[d], findings(n), n->why);
    assert_true(n->found[d] > 0);
    assert_int_equal(findings(n), n->found[d]);
    memset(n->found, 0, sizeof n->found);
}
static struct ue_session *victim(struct net *n)
{
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    assert_int_equal(findings(n), 0);
    return s;
}
static void unharmed(struct net *n, struct ue_session *s)
{
    net_ping(n, s, "8.8.8.8");
    net_run(n, NET_S);
    net_agree(n);
}
static uint8_t WHERE[] = NET_PLMN, CELL_ID[2][5] = {{0, 0, 1, 0, 0x10}, {0, 0, 2, 0, 0x10}}, TAC[2][3] = {{0, 0, 1}, {0, 0, 2}};
static struct ngap_UserLocationInformation at(uint32_t cell)
{
    return (struct ngap_UserLocationInformation){
        .sel = NGAP_UserLocationInformation_userLocationInformationNR,
        .userLocationInformationNR = {.nR_CGI = {.pLMNIdentity = {WHERE, 3}, .nRCellIdentity = {CELL_ID[cell], 36}},
                                      .tAI = {.pLMNIdentity = {WHERE, 3}, .tAC = {TAC[cell], 3}}}};
}
static uint64_t amf_id(struct net *n) { return amf_conn_id(net_amf_ue(n, n->ue[0])->conn); }

/* ---- N2 ---- */
/* Another gNB answers for the phone, and names itself as where the packets are to go. */
static void a_session_pulled_to_another_node(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(1)});
    struct ue_session *s = victim(n);
    uint8_t teid[4] = {6, 6, 6, 6}, ip[4] = {10, 0, 0, 66}, octets[128];
    struct ngap_AssociatedQosFlowItem flow = {.qosFlowIdentifier = 1};
    struct ngap_PDUSessionResourceSetupResponseTransfer t = {0};
    t.dLQosFlowPerTNLInformation.uPTransportLayerInformation = (struct ngap_UPTransportLayerInformation){
        .sel = NGAP_UPTransportLayerInformation_gTPTunnel,
        .gTPTunnel = {.transportLayerAddress = {ip, 32}, .gTP_TEID = {teid, 4}}};
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.v = &flow;
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.n = 1;
    int k = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, &t, octets, sizeof octets);
    assert_true(k > 0);
    struct ngap_PDUSessionResourceSetupItemSURes it = {
        .pDUSessionID = s->psi, .pDUSessionResourceSetupResponseTransfer = {octets, (uint32_t)k}};
    struct ngap_PDUSessionResourceSetupResponse m = {.AMF_UE_NGAP_ID = amf_id(n), .RAN_UE_NGAP_ID = 1};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceSetupListSURes = 1;
    m.PDUSessionResourceSetupListSURes.v = &it, m.PDUSessionResourceSetupListSURes.n = 1;
    gnb_send(&n->cells[1].gnb, NGAP_MSG_PDUSessionResourceSetupResponse, &m, 0);
    net_run(n, NET_S);
    assert_true(n->found[GUARD_N2_01] == 1);
    assert_non_null(strstr(n->why, "gnb-001-01-000002")); /* who did it, and whose the phone is */
    assert_non_null(strstr(n->why, "gnb-001-01-000001"));
    only(n, GUARD_N2_01);
    unharmed(n, s);
    /* its own gNB, but for another phone of it */
    m.RAN_UE_NGAP_ID = 4711;
    gnb_send(&n->cells[0].gnb, NGAP_MSG_PDUSessionResourceSetupResponse, &m, 0);
    net_run(n, NET_S);
    only(n, GUARD_N2_01);
    /* the release of it, and a reset that names it */
    struct ngap_UEContextReleaseRequest r = {.AMF_UE_NGAP_ID = amf_id(n), .RAN_UE_NGAP_ID = 1};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.Cause = 1;
    r.Cause = (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork, .radioNetwork = NGAP_CauseRadioNetwork_user_inactivity};
    gnb_send(&n->cells[1].gnb, NGAP_MSG_UEContextReleaseRequest, &r, 0);
    net_run(n, NET_S);
    only(n, GUARD_N2_01);
    struct ngap_UE_associatedLogicalNG_connectionItem item = {.aMF_UE_NGAP_ID = amf_id(n)};
    item.has.aMF_UE_NGAP_ID = 1;
    gnb_reset(&n->cells[1].gnb, &(struct ngap_UE_associatedLogicalNG_connectionList){&item, 1});
    net_run(n, NET_S);
    only(n, GUARD_N2_01);
    net_run(n, 30 * NET_S);
    assert_non_null(n->ue[0]->link);
    net_agree(n);
    net_free(n);
}

#define PLANNED "  gnbs: [{id: 1, n3_addresses: [10.0.0.16, 10.0.0.17]}, {id: 2}]\n"
static void a_tunnel_that_ends_elsewhere(void **state)
{
    static const char *const plans[] = {PLANNED, "  gnbs: [{id: 1}, {id: 2}]\n"};
    for (int planned = 1; planned >= 0; planned--) {
        struct net *n = net_new((struct net_options){.seed = seed(2), .more = plans[!planned]});
        struct ue *ue = n->ue[0];
        net_register(n, ue);
        n->cells[0].faults.n3_elsewhere = addr_v4(0x0a000042, 0);
        int psi = ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
        assert_true(psi > 0);
        net_run(n, 3 * NET_S);
        n->cells[0].faults = (struct cell_faults){0};
        if (!planned) { /* nobody said where its tunnels may end: believed */
            assert_int_equal(findings(n), 0);
            net_free(n);
            continue;
        }
        assert_non_null(strstr(n->why, "10.0.0.66"));
        only(n, GUARD_N2_02);
        net_run(n, 20 * NET_S);
        net_agree(n); /* the session is gone, or waits for a tunnel */
        for (const struct ue_session *s = ue->sessions; s; s = s->next)
            assert_null(s->bearer);
        struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4); /* where it may */
        unharmed(n, s);
        /* and when it comes out of idle */
        net_idle(n, ue);
        n->cells[0].faults.n3_elsewhere = addr_v4(0x0a000042, 0);
        ue_service(ue);
        net_run(n, 5 * NET_S);
        n->cells[0].faults = (struct cell_faults){0};
        only(n, GUARD_N2_02);
        net_run(n, 30 * NET_S);
        net_agree(n);
        net_free(n);
    }
}

static void a_session_left_unprotected(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(3)});
    struct ue *ue = n->ue[0];
    net_register(n, ue); /* ciphering is required where the configuration says nothing else */
    n->cells[0].faults.unprotected = true;
    assert_true(ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4}) > 0);
    net_run(n, 3 * NET_S);
    n->cells[0].faults.unprotected = false;
    only(n, GUARD_N2_05);
    net_run(n, 20 * NET_S);
    net_agree(n);
    for (const struct ue_session *s = ue->sessions; s; s = s->next)
        assert_null(s->bearer);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    unharmed(n, s);
    net_idle(n, ue);
    n->cells[0].faults.unprotected = true;
    ue_service(ue);
    net_run(n, 5 * NET_S);
    n->cells[0].faults.unprotected = false;
    only(n, GUARD_N2_05);
    net_run(n, 30 * NET_S);
    net_agree(n);
    net_free(n);
}

static void a_trace_that_nobody_ordered(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(4)});
    struct ue_session *s = victim(n);
    uint8_t id[8] = {1}, plmn[3] = NET_PLMN, cell[5] = {0, 0, 1, 0, 0x10}, ip[4] = {198, 51, 100, 7};
    struct ngap_CellTrafficTrace m = {.AMF_UE_NGAP_ID = amf_id(n), .RAN_UE_NGAP_ID = n->ue[0]->link->ran_id,
                                      .NGRANTraceID = {id, 8}, .TraceCollectionEntityIPAddress = {ip, 32}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NGRANTraceID = m.has.NGRAN_CGI = 1;
    m.has.TraceCollectionEntityIPAddress = 1;
    m.NGRAN_CGI = (struct ngap_NGRAN_CGI){.sel = NGAP_NGRAN_CGI_nR_CGI,
                                          .nR_CGI = {.pLMNIdentity = {plmn, 3}, .nRCellIdentity = {cell, 36}}};
    gnb_send(&n->cells[0].gnb, NGAP_MSG_CellTrafficTrace, &m, 0);
    net_run(n, NET_S);
    only(n, GUARD_N2_07);
    unharmed(n, s);
    net_free(n);
}

static void capabilities_made_less(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(5)});
    struct ue_session *s = victim(n);
    for (int honest = 1; honest >= 0; honest--) {
        uint8_t all[2] = {0xe0, 0}, less[2] = {0x80, 0}, none[2] = {0};
        uint8_t transfer[64], teid[4] = {1}, ip[4] = {10, 0, 0, 16};
        struct ngap_QosFlowAcceptedItem flow = {.qosFlowIdentifier = 1};
        struct ngap_PathSwitchRequestTransfer t = {.qosFlowAcceptedList = {&flow, 1}};
        t.dL_NGU_UP_TNLInformation = (struct ngap_UPTransportLayerInformation){
            .sel = NGAP_UPTransportLayerInformation_gTPTunnel,
            .gTPTunnel = {.transportLayerAddress = {ip, 32}, .gTP_TEID = {teid, 4}}};
        int k = ngap_transfer_encode(&ngap_desc_PathSwitchRequestTransfer, &t, transfer, sizeof transfer);
        assert_true(k > 0);
        struct ngap_PDUSessionResourceToBeSwitchedDLItem it = {.pDUSessionID = s->psi,
                                                               .pathSwitchRequestTransfer = {transfer, (uint32_t)k}};
        struct ngap_PathSwitchRequest m = {.RAN_UE_NGAP_ID = 77, .SourceAMF_UE_NGAP_ID = amf_id(n)};
        m.has.RAN_UE_NGAP_ID = m.has.SourceAMF_UE_NGAP_ID = m.has.UserLocationInformation = m.has.UESecurityCapabilities = 1;
        m.has.PDUSessionResourceToBeSwitchedDLList = 1;
        m.PDUSessionResourceToBeSwitchedDLList.v = &it, m.PDUSessionResourceToBeSwitchedDLList.n = 1;
        m.UserLocationInformation = at(1);
        m.UESecurityCapabilities = (struct ngap_UESecurityCapabilities){
            .nRencryptionAlgorithms = {all, 16}, .nRintegrityProtectionAlgorithms = {honest ? all : less, 16},
            .eUTRAencryptionAlgorithms = {none, 16}, .eUTRAintegrityProtectionAlgorithms = {none, 16}};
        gnb_send(&n->cells[1].gnb, NGAP_MSG_PathSwitchRequest, &m, 0);
        net_run(n, NET_S);
        if (honest)
            assert_int_equal(findings(n), 0);
        else
            only(n, GUARD_N2_04);
    }
    net_run(n, 30 * NET_S);
    net_agree(n);
    net_free(n);
}

/* Messages that the guard sees and no AMF let in: as if on associations of their own. */
static void seen(struct net *n, uint64_t assoc, enum ngap_msg msg, const void *value)
{
    rt_tap(&n->core, &(struct tap_event){.interface = TAP_N2, .direction = TAP_RX, .at_us = n->core.now_us, .peer = assoc,
                                         .type = msg, .name = ngap_msg_name(msg), .desc = ngap_msg_type(msg), .value = value});
}
/* Who is refused, under the victim's name or ever new ones, neither takes a place nor makes the guard forget. */
static void names_without_number(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(12)});
    struct ue_session *s = victim(n);
    uint8_t id[3] = {0, 0, 1}; /* gNB 1, which serves the phone */
    struct ngap_NGSetupRequest setup = {0};
    setup.has.GlobalRANNodeID = 1;
    setup.GlobalRANNodeID = (struct ngap_GlobalRANNodeID){
        .sel = NGAP_GlobalRANNodeID_globalGNB_ID,
        .globalGNB_ID = {.pLMNIdentity = {WHERE, 3}, .gNB_ID = {.sel = NGAP_GNB_ID_gNB_ID, .gNB_ID = {id, 24}}}};
    for (uint64_t i = 0; i < 10000; i++) {
        seen(n, 1000000 + i, NGAP_MSG_NGSetupRequest, &setup);
        put_be24(id, (uint32_t)(i % 3 ? i : 1));
    }
    assert_int_equal(findings(n), 0);
    struct ngap_UEContextReleaseRequest r = {.AMF_UE_NGAP_ID = amf_id(n), .RAN_UE_NGAP_ID = 1};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.Cause = 1;
    r.Cause = (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork, .radioNetwork = NGAP_CauseRadioNetwork_user_inactivity};
    gnb_send(&n->cells[1].gnb, NGAP_MSG_UEContextReleaseRequest, &r, 0);
    net_run(n, NET_S);
    assert_non_null(strstr(n->why, "gnb-001-01-000002"));
    assert_non_null(strstr(n->why, "gnb-001-01-000001"));
    only(n, GUARD_N2_01);
    unharmed(n, s);
    net_free(n);
}
/* All are counted, and so many told as a disk bears, whatever they are called. */
static void findings_without_number(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(13)});
    struct ngap_CellTrafficTrace m = {0};
    for (uint64_t i = 0; i < 10; i++)
        seen(n, 2000000, NGAP_MSG_CellTrafficTrace, &m);
    assert_int_equal(n->found[GUARD_N2_07], 4);
    for (uint64_t i = 1; i < 1000; i++)
        seen(n, 2000000 + i, NGAP_MSG_CellTrafficTrace, &m);
    assert_int_equal(n->found[GUARD_N2_07], 256);
    assert_int_equal(guard_count(n->guard[0], GUARD_N2_07), 1009);
    net_run(n, 61 * NET_S); /* the next minute */
    seen(n, 2000000, NGAP_MSG_CellTrafficTrace, &m);
    assert_int_equal(n->found[GUARD_N2_07], 257);
    net_free(n);
}

/* ---- N1 ---- */
static void null_ciphering(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(6), .more = "  unsafe_null_ciphering: true\n  ciphering: [NEA0]\n"});
    net_register(n, n->ue[0]);
    net_run(n, NET_S);
    only(n, GUARD_NAS_01);
    net_free(n);
}
static void a_weaker_choice(void **state)
{
    /* The core's order differs from the one that the guard was told: as if the core itself were made to choose badly. */
    struct net *n = net_new((struct net_options){.seed = seed(7), .more = "  integrity: [NIA1, NIA2]\n"});
    net_register(n, n->ue[0]);
    net_run(n, NET_S);
    only(n, GUARD_NAS_01);
    net_free(n);
}

struct heard { /* what somebody in the air hears of the phone's first message */
    struct tap tap;
    uint8_t octets[512];
    uint32_t n;
};
static void hear(void *ctx, const struct tap_event *e)
{
    struct heard *h = ctx;
    const struct nas_msg *m = e->value;
    if (e->interface != TAP_N1 || e->direction != TAP_TX || h->n || !m || m->type != NAS_REGISTRATION_REQUEST)
        return;
    assert_true(e->raw.n > 0 && e->raw.n <= sizeof h->octets);
    memcpy(h->octets, e->raw.p, e->raw.n);
    h->n = e->raw.n;
}
static void say_again(struct net *n, const struct heard *h, uint32_t cell, uint64_t ran_id)
{
    struct ngap_InitialUEMessage m = {.RAN_UE_NGAP_ID = ran_id, .NAS_PDU = {h->octets, h->n},
                                      .RRCEstablishmentCause = NGAP_RRCEstablishmentCause_mo_Signalling};
    m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.RRCEstablishmentCause = m.has.UserLocationInformation = 1;
    m.UserLocationInformation = at(cell);
    gnb_send(&n->cells[cell].gnb, NGAP_MSG_InitialUEMessage, &m, 0);
    net_run(n, 100 * NET_MS);
}
static struct hn_key *home; /* its public half */
static void concealed(struct ue_config *u, uint32_t i)
{
    u->usim.hn = home;
    u->usim.hn_id = 1;
}
static void a_suci_heard_and_used_again(void **state)
{
    struct crypto *c;
    struct hn_key *private;
    uint8_t secret[32] = {1, 2, 3}, public[33];
    char hex[65], more[160];
    assert_int_equal(crypto_init(&c), OK);
    assert_int_equal(hn_key_private_raw(c, SUCI_PROFILE_A, secret, &private), OK);
    int k = hn_key_public(private, public);
    assert_int_equal(hn_key_public_raw(c, SUCI_PROFILE_A, (struct bytes){public, (uint32_t)k}, &home), OK);
    hex_put(hex, secret, sizeof secret);
    snprintf(more, sizeof more, "udm:\n  home_network_keys: [{id: 1, profile: A, key: %s}]\n", hex);
    for (int waits = 0; waits < 2; waits++) {
        struct net *n = net_new((struct net_options){.seed = seed(8), .phone = concealed, .more = more});
        struct heard h = {.tap = {.fn = hear, .ctx = &h}};
        rt_tap_add(&n->ran_rt, &h.tap);
        if (waits) { /* the phone did not come through: it uses the same one again, for as long as T3519 runs */
            n->ue[0]->faults.bad_mac = NAS_SECURITY_MODE_COMPLETE;
            ue_register(n->ue[0]);
            net_run(n, 300 * NET_MS);
            rt_tap_remove(&n->ran_rt, &h.tap);
            say_again(n, &h, 1, 900);
            say_again(n, &h, 0, 901);
            assert_int_equal(n->found[GUARD_NAS_03], 0);
            net_run(n, 80 * NET_S);
            say_again(n, &h, 1, 902);
            assert_int_equal(n->found[GUARD_NAS_03], 1);
        } else {
            net_register(n, n->ue[0]);
            rt_tap_remove(&n->ran_rt, &h.tap);
            assert_int_equal(findings(n), 0);
            say_again(n, &h, 1, 900);
            assert_int_equal(n->found[GUARD_NAS_03], 1);
            net_run(n, NET_S);
            assert_int_equal(n->ue[0]->state, MM_REGISTERED);
        }
        net_run(n, 60 * NET_S);
        net_free(n);
    }
    hn_key_free(private);
    hn_key_free(home);
    crypto_free(c);
}

static void replayed_and_forged(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(9)});
    struct ue_session *s = victim(n);
    n->ue[0]->faults.bad_mac = NAS_UL_NAS_TRANSPORT; /* one: a mistake */
    assert_int_equal(ue_session_modify(n->ue[0], s->psi), OK);
    net_run(n, 30 * NET_S);
    assert_int_equal(findings(n), 0);
    n->ue[0]->faults.replay = NAS_UL_NAS_TRANSPORT; /* a COUNT that was used: somebody else */
    assert_int_equal(ue_session_modify(n->ue[0], s->psi), OK);
    net_run(n, 30 * NET_S);
    only(n, GUARD_NAS_04);
    uint8_t forged[20] = {0x7e, 0x02, 1, 2, 3, 4, 9, 0x7e, 0x00, 0x67};
    for (int i = 0; i < 10; i++) { /* and many: no mistake */
        struct ngap_UplinkNASTransport m = {.AMF_UE_NGAP_ID = amf_id(n), .RAN_UE_NGAP_ID = n->ue[0]->link->ran_id,
                                            .NAS_PDU = BYTES_OF(forged)};
        m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = 1;
        m.UserLocationInformation = at(0);
        forged[3]++;
        gnb_send(&n->cells[0].gnb, NGAP_MSG_UplinkNASTransport, &m, 0);
        net_run(n, 20 * NET_MS);
    }
    only(n, GUARD_NAS_04);
    unharmed(n, s);
    net_free(n);
}

/* ---- N3 ---- */
/* A host that reaches the user plane: a gNB's own address, or one that is no tunnel's end. */
struct intruder {
    struct env *env;
    int udp;
    uint32_t heard; /* answers */
};
static void intruder_hears(void *ctx, int sock, const struct net_addr *from, struct bytes b) { ((struct intruder *)ctx)->heard++; }
static void intruder_open(struct net *n, struct intruder *x, struct env *env, struct net_addr at)
{
    *x = (struct intruder){.env = env ? env : world_host(n->w, "intruder", &at)};
    x->udp = x->env->ops->udp_open(x->env, &at, &(struct udp_sink){x, intruder_hears});
    assert_true(x->udp >= 0);
}
static void inject(struct net *n, struct intruder *x, const uint8_t *p, uint32_t octets)
{
    struct net_addr upf = addr_v4(0x0a000002, 2152);
    x->env->ops->udp_send(x->env, x->udp, &upf, (struct bytes){p, octets});
    net_run(n, 20 * NET_MS);
}
/* Through a tunnel a UDP packet to 8.8.8.8 from this address, with these octets in it. */
static uint32_t in_tunnel(uint8_t *g, uint32_t teid, const uint8_t ip[4], uint16_t port, const void *what, uint32_t octets)
{
    static const uint8_t head[16] = {0x34, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x85, 1, 0x10, 1, 0}, dns[4] = {8, 8, 8, 8};
    uint8_t *p = g + 16;
    memcpy(g, head, 16);
    put_be16(g + 2, (uint16_t)(8 + 28 + octets));
    put_be32(g + 4, teid);
    memset(p, 0, 28);
    p[0] = 0x45;
    put_be16(p + 2, (uint16_t)(28 + octets));
    p[8] = 64;
    p[9] = 17;
    memcpy(p + 12, ip, 4);
    memcpy(p + 16, dns, 4);
    put_be16(p + 20, 4000);
    put_be16(p + 22, port);
    put_be16(p + 24, (uint16_t)(8 + octets));
    memcpy(p + 28, what, octets);
    return 44 + octets;
}
static uint64_t user_plane_counted(struct net *n, enum dp_counter c)
{
    uint64_t v[DP_COUNTERS];
    user_plane_counters(n->path, v);
    return v[c];
}
static void into_anothers_tunnel(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(20), .more_upf = "  check_gnb_address: true\n"});
    struct ue_session *s = victim(n);
    struct intruder x;
    uint8_t g[256];
    intruder_open(n, &x, NULL, addr_v4(0x0a000042, 2152));
    net_run(n, 30 * NET_S);
    uint64_t before = user_plane_counted(n, DP_to_core);
    uint32_t k = in_tunnel(g, s->bearer->peer_teid, s->ipv4, 53, "stolen", 6);
    for (int i = 0; i < 50; i++)
        inject(n, &x, g, k);
    assert_int_equal(findings(n), 0); /* the tunnel's end might have moved there */
    net_run(n, 12 * NET_S);
    assert_non_null(strstr(n->why, "10.0.0.66"));
    only(n, GUARD_N3_01);
    assert_int_equal(user_plane_counted(n, DP_to_core), before);
    assert_int_equal(user_plane_counted(n, DP_peer_wrong), 50);
    /* that it is gone */
    uint8_t e[] = {0x32, 26, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 133, 0, 4, 10, 0, 0, 0x10};
    put_be32(e + 13, s->bearer->teid);
    inject(n, &x, e, sizeof e);
    only(n, GUARD_N3_01);
    unharmed(n, s);
    /* a search for tunnels opens none */
    for (uint32_t i = 1; i < 200; i++) {
        put_be32(g + 4, s->bearer->peer_teid + i * 0x10001);
        inject(n, &x, g, k);
    }
    assert_int_equal(user_plane_counted(n, DP_to_core), before + 1); /* the ping */
    net_free(n);
}
static void out_of_a_tunnel_what_is_not_the_phones(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(21), .phones = 2});
    struct ue_session *s = victim(n);
    net_register(n, n->ue[1]);
    struct ue_session *other = net_session(n, n->ue[1], "internet", NAS_PDU_IPV4);
    struct intruder x;
    uint8_t g[256], nested[36] = {0x30, 255, 0, 28, 0, 0, 0, 1, 0x45}, pfcp[16] = {0x20, 5, 0, 12}, upf[4] = {10, 0, 0, 2};
    intruder_open(n, &x, n->ran_env, addr_v4(0x0a000010, 2153)); /* the gNB's own address, another port */
    net_run(n, 30 * NET_S);
    uint64_t before = user_plane_counted(n, DP_to_core);
    for (int i = 0; i < 20; i++) { /* in another phone's name */
        inject(n, &x, g, in_tunnel(g, s->bearer->peer_teid, other->ipv4, 53, "forged", 6));
    }
    assert_non_null(strstr(n->why, "n3 10.0.0.16"));
    only(n, GUARD_N3_03);
    inject(n, &x, g, in_tunnel(g, s->bearer->peer_teid, s->ipv4, 2152, nested, sizeof nested));
    only(n, GUARD_N3_04);
    net_run(n, 2 * NET_S);
    inject(n, &x, g, in_tunnel(g, s->bearer->peer_teid, s->ipv4, 8805, pfcp, sizeof pfcp));
    only(n, GUARD_N3_04);
    uint32_t k = in_tunnel(g, s->bearer->peer_teid, s->ipv4, 80, "hello", 5);
    memcpy(g + 16 + 16, upf, 4);
    inject(n, &x, g, k);
    only(n, GUARD_N3_04);
    assert_int_equal(user_plane_counted(n, DP_to_core), before);
    unharmed(n, s);
    unharmed(n, other);
    net_free(n);
}
static void what_signalling_hides(void **state)
{
    static const uint8_t magic[] = {0x32, 1, 0, 14, 0, 0, 0, 0, 0, 1, 0, 0, 255, 0, 7, 0x53, 0x95, 'k', 'n', 'o', 'c', 'k'};
    struct net *n = net_new((struct net_options){.seed = seed(22)});
    struct ue_session *s = victim(n);
    struct intruder x;
    uint8_t g[256];
    intruder_open(n, &x, NULL, addr_v4(0x0a000042, 2152));
    inject(n, &x, magic, sizeof magic);
    only(n, GUARD_N3_05);
    net_run(n, NET_S);
    assert_int_equal(x.heard, 0);
    inject(n, &x, magic, 12); /* not as long as it says */
    assert_int_equal(findings(n), 0);
    uint32_t k = in_tunnel(g, s->bearer->peer_teid, s->ipv4, 53, "x", 1);
    g[11] = 0x39;
    struct intruder gnb;
    intruder_open(n, &gnb, n->ran_env, addr_v4(0x0a000010, 2153));
    inject(n, &gnb, g, k);
    only(n, GUARD_N3_05);
    /* an honest question is answered, and no finding */
    static const uint8_t echo[] = {0x32, 1, 0, 4, 0, 0, 0, 0, 0, 9, 0, 0};
    inject(n, &x, echo, sizeof echo);
    net_run(n, NET_S);
    assert_int_equal(x.heard, 1);
    assert_int_equal(findings(n), 0);
    unharmed(n, s);
    net_free(n);
}
/* Many made-up addresses hide nobody. */
static void a_flood_hides_nobody(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(23)});
    struct ue_session *s = victim(n);
    struct intruder x, gnb;
    uint8_t g[256];
    static const uint8_t magic[] = {0x32, 1, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 1};
    for (uint32_t i = 0; i < 12; i++) {
        intruder_open(n, &x, NULL, addr_v4(0x0a000100 + i, 2152));
        inject(n, &x, magic, sizeof magic);
    }
    assert_true(n->found[GUARD_N3_05] >= 1 && n->found[GUARD_N3_05] <= 8); /* told as one */
    only(n, GUARD_N3_05);
    intruder_open(n, &gnb, n->ran_env, addr_v4(0x0a000010, 2153));
    uint8_t wrong[4] = {10, 45, 99, 99};
    inject(n, &gnb, g, in_tunnel(g, s->bearer->peer_teid, wrong, 53, "x", 1));
    only(n, GUARD_N3_03);
    unharmed(n, s);
    net_free(n);
}

/* ---- N4 ---- */
struct rogue { /* an SMF that is not this network's */
    struct env *env;
    struct rt rt;
    struct crypto *crypto;
    struct pfcp_node node;
    struct pfcp_assoc *assoc;
    uint32_t answers;
    uint8_t cause;
};
static void no_request(void *ctx, struct pfcp_node *node, const struct pfcp_in *in) {}
static struct rogue *rogue_new(struct net *n)
{
    struct rogue *r = calloc(1, sizeof *r);
    struct net_addr at = addr_v4(0x0a000042, 0), upf = addr_v4(0x0a000002, 0);
    r->env = world_host(n->w, "rogue", &at);
    assert_int_equal(rt_init(&r->rt, r->env, 1 << 20), OK);
    world_attach(n->w, r->env, &r->rt);
    rt_enter(&r->rt);
    struct pfcp_config c = {.local = addr_v4(0x0a000042, 0), .heartbeat_us = UINT64_MAX};
    assert_int_equal(pfcp_open(&r->node, &r->rt, &c, &(struct pfcp_user){.ctx = r, .request = no_request}), OK);
    assert_int_equal(pfcp_associate(&r->node, &upf, &r->assoc), OK);
    net_run(n, NET_S);
    assert_true(r->assoc->is_up);
    return r;
}
static void rogue_free(struct rogue *r)
{
    pfcp_close(&r->node);
    rt_free(&r->rt);
    free(r);
}
static void answered(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *report)
{
    struct rogue *r = ctx;
    r->answers++;
    r->cause = !rsp ? 0 : rsp->type == PFCP_SESSION_MODIFICATION_RESPONSE ? rsp->session_modification_response.cause
             : rsp->type == PFCP_SESSION_DELETION_RESPONSE ? rsp->session_deletion_response.cause
                                                           : rsp->session_establishment_response.cause;
}
static uint8_t say(struct net *n, struct rogue *r, struct pfcp_msg *m)
{
    struct net_addr upf = addr_v4(0x0a000002, 8805);
    uint32_t before = r->answers;
    rt_enter(&r->rt);
    assert_int_equal(pfcp_request(&r->node, &upf, m, answered, r, NULL), OK);
    world_attach(n->w, r->env, &r->rt);
    net_run(n, 100 * NET_MS);
    assert_int_equal(r->answers, before + 1);
    return r->cause;
}
static struct pfcp_msg redirection(uint64_t seid, struct pfcp_update_far *far)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .has_seid = true, .seid = seid};
    *far = (struct pfcp_update_far){.far_id = 2, .apply_action = PFCP_APPLY_ACTION_FORW};
    far->has.far_id = far->has.apply_action = 1;
    m.session_modification_request.update_far.v = far;
    m.session_modification_request.update_far.n = 1;
    return m;
}
static void another_smf(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(10)});
    struct ue_session *s = victim(n);
    struct rogue *r = rogue_new(n);
    char supi[24];
    int k = snprintf(supi, sizeof supi, "imsi-%s", n->ue[0]->usim.imsi);
    uint64_t seid = smf_session_find(n->smf, (struct str){supi, (uint32_t)k}, s->psi)->up_seid;
    struct pfcp_update_far far;
    struct pfcp_msg m = redirection(seid, &far);
    assert_int_equal(say(n, r, &m), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
    assert_non_null(strstr(n->why, "smf 10.0.0.66"));
    only(n, GUARD_N4_01);
    m = (struct pfcp_msg){.type = PFCP_SESSION_DELETION_REQUEST, .has_seid = true, .seid = seid};
    assert_int_equal(say(n, r, &m), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
    only(n, GUARD_N4_01);
    net_run(n, 60 * NET_S);
    for (uint32_t i = 0; i < 10; i++) { /* those that are nobody's: one is a mistake, many are a search */
        m = redirection(0x4711000 + i, &far);
        assert_int_equal(say(n, r, &m), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
        assert_int_equal(n->found[GUARD_N4_01], i + 1 >= 8);
    }
    only(n, GUARD_N4_01);
    unharmed(n, s);
    rogue_free(r);
    net_free(n);
}
/* Two that differ in the last octet of an IPv6 address are two. */
static void another_smf_by_ipv6(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(12)});
    struct net_addr own, other;
    assert_true(addr_parse(&own, STR("fd00:10::1"), 8805) && addr_parse(&other, STR("fd00:10::2"), 8805));
    struct pfcp_msg told = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE, .has_seid = true, .seid = 1};
    told.session_establishment_response = (struct pfcp_session_establishment_response){.cause = PFCP_CAUSE_REQUEST_ACCEPTED};
    told.session_establishment_response.has.up_f_seid = 1;
    told.session_establishment_response.up_f_seid.seid = 0x4711;
    struct pfcp_msg order = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .has_seid = true, .seid = 0x4711};
    struct tap_event sent = {.interface = TAP_N4, .direction = TAP_TX, .at = &own, .type = told.type, .name = "", .value = &told};
    struct tap_event heard = {.interface = TAP_N4, .at = &own, .type = order.type, .name = "", .value = &order};
    rt_tap(&n->upf_rt, &sent);
    rt_tap(&n->upf_rt, &heard);
    assert_int_equal(findings(n), 0);
    heard.at = &other;
    rt_tap(&n->upf_rt, &heard);
    assert_non_null(strstr(n->why, "smf fd00:10::2"));
    only(n, GUARD_N4_01);
    net_free(n);
}
/* One rule from access, and what becomes of what it takes. */
static struct pfcp_msg one_rule(struct rogue *r, uint64_t seid, uint16_t action, struct pfcp_create_pdr *pdr, struct pfcp_create_far *far)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST, .has_seid = true};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    *far = (struct pfcp_create_far){.far_id = 1, .apply_action = action};
    *pdr = (struct pfcp_create_pdr){.pdr_id = 1, .precedence = 1, .far_id = 1};
    far->has.far_id = far->has.apply_action = 1;
    pdr->has.pdr_id = pdr->has.precedence = pdr->has.pdi = pdr->has.far_id = 1;
    pdr->has.outer_header_removal = 1;
    pdr->outer_header_removal.flags = PFCP_OHR_GTPU_UDP_IPV4;
    pdr->pdi.has.source_interface = pdr->pdi.has.local_f_teid = 1;
    pdr->pdi.local_f_teid.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH;
    pdr->pdi.has.ue_ip_address = 1;
    pdr->pdi.ue_ip_address = (struct pfcp_ue_ip_address){.flags = PFCP_UE_IP_V4, .ipv4 = {10, 45, 200, (uint8_t)seid}};
    q->has.node_id = q->has.cp_f_seid = 1;
    q->node_id = r->node.config.node_id;
    q->cp_f_seid = (struct pfcp_f_seid){.flags = 2, .seid = seid, .ipv4 = {10, 0, 0, 66}};
    q->create_far.v = far, q->create_far.n = 1;
    q->create_pdr.v = pdr, q->create_pdr.n = 1;
    return m;
}
/* More sessions than the guard follows, of an SMF that then goes: those of others are followed again. */
static void sessions_without_number(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(13)});
    struct rogue *r = rogue_new(n);
    struct pfcp_create_far far;
    struct pfcp_create_pdr pdr;
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < 3 * n->o.phones + 8; i++) { /* as many as net_guard() has it follow */
        struct pfcp_msg m = one_rule(r, i + 1, PFCP_APPLY_ACTION_DROP, &pdr, &far);
        accepted += pfcp_is_accepted(say(n, r, &m));
    }
    assert_int_equal(accepted, 3 * n->o.phones + 8);
    assert_int_equal(pfcp_release(&r->node, r->assoc), OK);
    net_run(n, NET_S);
    assert_int_equal(net_upf_sessions(n), 0);
    struct ue_session *s = victim(n);
    char supi[24];
    int k = snprintf(supi, sizeof supi, "imsi-%s", n->ue[0]->usim.imsi);
    struct pfcp_update_far to;
    struct pfcp_msg order = redirection(smf_session_find(n->smf, (struct str){supi, (uint32_t)k}, s->psi)->up_seid, &to);
    struct net_addr upf = addr_v4(0x0a000002, 0);
    rt_enter(&r->rt);
    assert_int_equal(pfcp_associate(&r->node, &upf, &r->assoc), OK);
    world_attach(n->w, r->env, &r->rt);
    net_run(n, NET_S);
    assert_true(r->assoc->is_up);
    assert_int_equal(say(n, r, &order), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
    only(n, GUARD_N4_01);
    unharmed(n, s);
    rogue_free(r);
    net_free(n);
}
static void a_copy_elsewhere(void **state)
{
    struct net *n = net_new((struct net_options){.seed = seed(11)});
    struct ue_session *s = victim(n);
    struct rogue *r = rogue_new(n);
    struct pfcp_create_far far;
    struct pfcp_create_pdr pdr;
    struct pfcp_msg m = one_rule(r, 1, PFCP_APPLY_ACTION_FORW, &pdr, &far);
    assert_true(pfcp_is_accepted(say(n, r, &m))); /* but for the copy */
    m = one_rule(r, 2, PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL, &pdr, &far);
    assert_false(pfcp_is_accepted(say(n, r, &m)));
    only(n, GUARD_N4_02);
    assert_int_equal(pfcp_release(&r->node, r->assoc), OK);
    net_run(n, NET_S);
    unharmed(n, s);
    rogue_free(r);
    net_free(n);
}

int main(void)
{
    uint64_t rounds = getenv("GUARD_SEEDS") ? strtoull(getenv("GUARD_SEEDS"), NULL, 10) : 1;
    int failed = 0;
    for (round_of = 0; round_of < rounds; round_of++)
        failed += RUN(unit(a_session_pulled_to_another_node), unit(a_tunnel_that_ends_elsewhere),
                      unit(a_session_left_unprotected), unit(a_trace_that_nobody_ordered), unit(capabilities_made_less), unit(names_without_number),
                      unit(findings_without_number),
                      unit(null_ciphering), unit(a_weaker_choice), unit(a_suci_heard_and_used_again),
                      unit(replayed_and_forged), unit(another_smf), unit(another_smf_by_ipv6), unit(sessions_without_number), unit(into_anothers_tunnel), unit(out_of_a_tunnel_what_is_not_the_phones),
                      unit(what_signalling_hides), unit(a_flood_hides_nobody), unit(a_copy_elsewhere));
    return failed;
}
