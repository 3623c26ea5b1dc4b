/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks of gNBs and of phones: N2-01, 02, 04, 05, 07, NAS-01, 03, 04. */
#include "cmd/trial.h"

static uint8_t PLMN[3] = {0x00, 0xf1, 0x10};
static void options(struct trial *t, const char *a, const char *b) { t->sets[0] = str_of(a), t->sets[1] = b ? str_of(b) : (struct str){0}; }

/* Another gNB answers for the phone, and names itself as where the packets are to go. */
static void forged_answer(struct trial *t, struct gnb *g, uint64_t ran_id, uint8_t psi)
{
    uint8_t teid[4] = {6, 6, 6, 6}, ip[4] = {10, 0, 0, 66}, octets[128];
    struct ngap_AssociatedQosFlowItem flow = {.qosFlowIdentifier = 1};
    struct ngap_PDUSessionResourceSetupResponseTransfer x = {0};
    x.dLQosFlowPerTNLInformation.uPTransportLayerInformation = (struct ngap_UPTransportLayerInformation){
        .sel = NGAP_UPTransportLayerInformation_gTPTunnel,
        .gTPTunnel = {.transportLayerAddress = {ip, 32}, .gTP_TEID = {teid, 4}}};
    x.dLQosFlowPerTNLInformation.associatedQosFlowList.v = &flow;
    x.dLQosFlowPerTNLInformation.associatedQosFlowList.n = 1;
    int k = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, &x, octets, sizeof octets);
    struct ngap_PDUSessionResourceSetupItemSURes it = {
        .pDUSessionID = psi, .pDUSessionResourceSetupResponseTransfer = {octets, k > 0 ? (uint32_t)k : 0}};
    struct ngap_PDUSessionResourceSetupResponse m = {.AMF_UE_NGAP_ID = trial_amf_id(t), .RAN_UE_NGAP_ID = ran_id};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceSetupListSURes = 1;
    m.PDUSessionResourceSetupListSURes.v = &it, m.PDUSessionResourceSetupListSURes.n = 1;
    gnb_send(g, NGAP_MSG_PDUSessionResourceSetupResponse, &m, 0);
    trial_go(t, SIM_S);
}
static void a_session_pulled_to_another_node(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    TRIAL_MUST(t, s, "no victim");
    struct gnb *evil = &t->n.cells[1].gnb, *own = &t->n.cells[0].gnb;
    forged_answer(t, evil, t->n.ue[0]->link->ran_id, s->psi);
    TRIAL_MUST(t, strstr(t->last, "gnb-001-01-000001"), "the finding does not name whose the phone is: %s", t->last);
    trial_only(t, GUARD_N2_01, "gnb-001-01-000002");
    trial_unharmed(t, s);
    forged_answer(t, own, 4711, s->psi); /* its own gNB, but for another phone of it */
    trial_only(t, GUARD_N2_01, "gnb-001-01-000001");
    /* the release of it, and a reset that names it */
    struct ngap_UEContextReleaseRequest r = {.AMF_UE_NGAP_ID = trial_amf_id(t), .RAN_UE_NGAP_ID = t->n.ue[0]->link->ran_id};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.Cause = 1;
    r.Cause = (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork, .radioNetwork = NGAP_CauseRadioNetwork_user_inactivity};
    gnb_send(evil, NGAP_MSG_UEContextReleaseRequest, &r, 0);
    trial_go(t, SIM_S);
    trial_only(t, GUARD_N2_01, "gnb-001-01-000002");
    struct ngap_UE_associatedLogicalNG_connectionItem item = {.aMF_UE_NGAP_ID = trial_amf_id(t)};
    item.has.aMF_UE_NGAP_ID = 1;
    gnb_reset(evil, &(struct ngap_UE_associatedLogicalNG_connectionList){&item, 1});
    trial_go(t, SIM_S);
    trial_only(t, GUARD_N2_01, "gnb-001-01-000002");
    trial_go(t, 30 * SIM_S);
    TRIAL_MUST(t, t->n.ue[0]->link, "the victim lost its connection");
    trial_unharmed(t, s);
}

static void where_tunnels_may_end(struct trial *t) { options(t, "amf.gnbs=[{id: 1, n3_addresses: [10.0.0.16, 10.0.0.17]}, {id: 2}]", NULL); }
static void no_tunnel(struct trial *t)
{
    trial_go(t, 20 * SIM_S);
    sim_check_rest(&t->c); /* the session is gone, or waits for a tunnel */
    for (const struct ue_session *s = t->n.ue[0]->sessions; s; s = s->next)
        TRIAL_MUST(t, !s->bearer, "the session has a tunnel all the same");
}
/* The victim's gNB does this when it sets a session up, and when the phone comes out of idle. */
static void a_session_set_up_badly(struct trial *t, struct cell_faults faults, enum guard_detection d, const char *by)
{
    struct ue *ue = t->n.ue[0];
    ue_camp(ue, &t->n.cells[0]);
    trial_register(t, ue);
    TRIAL_GO_ON(t);
    t->n.cells[0].faults = faults;
    ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    trial_go(t, 3 * SIM_S);
    t->n.cells[0].faults = (struct cell_faults){0};
    trial_only(t, d, by);
    no_tunnel(t);
    TRIAL_GO_ON(t);
    struct ue_session *s = trial_session(t, ue); /* as it must be */
    TRIAL_MUST(t, s, "no session");
    trial_unharmed(t, s);
    trial_idle(t, ue);
    TRIAL_GO_ON(t);
    t->n.cells[0].faults = faults;
    ue_service(ue);
    trial_go(t, 5 * SIM_S);
    t->n.cells[0].faults = (struct cell_faults){0};
    trial_only(t, d, by);
    trial_go(t, 30 * SIM_S);
    sim_check_rest(&t->c);
}
static void a_tunnel_that_ends_elsewhere(struct trial *t)
{
    a_session_set_up_badly(t, (struct cell_faults){.n3_elsewhere = addr_v4(0x0a000042, 0)}, GUARD_N2_02, "10.0.0.66");
}
static void a_session_left_unprotected(struct trial *t) /* ciphering is required where the configuration says nothing else */
{
    a_session_set_up_badly(t, (struct cell_faults){.unprotected = true}, GUARD_N2_05, NULL);
}

static void a_trace_that_nobody_ordered(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    TRIAL_MUST(t, s, "no victim");
    uint8_t id[8] = {1}, cell[5] = {0, 0, 1, 0, 0x10}, ip[4] = {198, 51, 100, 7};
    struct ngap_CellTrafficTrace m = {.AMF_UE_NGAP_ID = trial_amf_id(t), .RAN_UE_NGAP_ID = t->n.ue[0]->link->ran_id,
                                      .NGRANTraceID = {id, 8}, .TraceCollectionEntityIPAddress = {ip, 32}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NGRANTraceID = m.has.NGRAN_CGI = 1;
    m.has.TraceCollectionEntityIPAddress = 1;
    m.NGRAN_CGI = (struct ngap_NGRAN_CGI){.sel = NGAP_NGRAN_CGI_nR_CGI, .nR_CGI = {.pLMNIdentity = {PLMN, 3}, .nRCellIdentity = {cell, 36}}};
    gnb_send(&t->n.cells[0].gnb, NGAP_MSG_CellTrafficTrace, &m, 0);
    trial_go(t, SIM_S);
    trial_only(t, GUARD_N2_07, NULL);
    trial_unharmed(t, s);
}

static void path_switch(struct trial *t, uint8_t psi, bool honest)
{
    uint8_t all[2] = {0xe0, 0}, less[2] = {0x80, 0}, none[2] = {0}, transfer[64], teid[4] = {1}, ip[4] = {10, 0, 0, 16};
    struct ngap_QosFlowAcceptedItem flow = {.qosFlowIdentifier = 1};
    struct ngap_PathSwitchRequestTransfer x = {.qosFlowAcceptedList = {&flow, 1}};
    x.dL_NGU_UP_TNLInformation = (struct ngap_UPTransportLayerInformation){
        .sel = NGAP_UPTransportLayerInformation_gTPTunnel,
        .gTPTunnel = {.transportLayerAddress = {ip, 32}, .gTP_TEID = {teid, 4}}};
    int k = ngap_transfer_encode(&ngap_desc_PathSwitchRequestTransfer, &x, transfer, sizeof transfer);
    struct ngap_PDUSessionResourceToBeSwitchedDLItem it = {.pDUSessionID = psi,
                                                           .pathSwitchRequestTransfer = {transfer, k > 0 ? (uint32_t)k : 0}};
    struct ngap_PathSwitchRequest m = {.RAN_UE_NGAP_ID = 77, .SourceAMF_UE_NGAP_ID = trial_amf_id(t)};
    m.has.RAN_UE_NGAP_ID = m.has.SourceAMF_UE_NGAP_ID = m.has.UserLocationInformation = m.has.UESecurityCapabilities = 1;
    m.has.PDUSessionResourceToBeSwitchedDLList = 1;
    m.PDUSessionResourceToBeSwitchedDLList.v = &it, m.PDUSessionResourceToBeSwitchedDLList.n = 1;
    m.UserLocationInformation = trial_location(1);
    m.UESecurityCapabilities = (struct ngap_UESecurityCapabilities){
        .nRencryptionAlgorithms = {all, 16}, .nRintegrityProtectionAlgorithms = {honest ? all : less, 16},
        .eUTRAencryptionAlgorithms = {none, 16}, .eUTRAintegrityProtectionAlgorithms = {none, 16}};
    gnb_send(&t->n.cells[1].gnb, NGAP_MSG_PathSwitchRequest, &m, 0);
    trial_go(t, SIM_S);
}
static void capabilities_made_less(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    TRIAL_MUST(t, s, "no victim");
    path_switch(t, s->psi, true);
    trial_quiet(t);
    path_switch(t, s->psi, false);
    trial_only(t, GUARD_N2_04, NULL);
    trial_go(t, 30 * SIM_S);
    trial_unharmed(t, s);
}

/* ---- N1 ---- */
static void without_ciphering(struct trial *t) { options(t, "amf.unsafe_null_ciphering=true", "amf.ciphering=[NEA0]"); }
static void null_ciphering(struct trial *t)
{
    trial_register(t, t->n.ue[0]);
    trial_go(t, SIM_S);
    trial_only(t, GUARD_NAS_01, NULL);
}
/* The core's order is another than the one that the guard was told: as if the core itself were made to choose badly. */
static void a_weaker_choice(struct trial *t)
{
    static const __typeof__(*t->n.config.amf.integrity) worse[] = {CONFIG_NIA_1, CONFIG_NIA_2};
    t->n.config.amf.integrity = worse;
    t->n.config.amf.n_integrity = ARRAY_LEN(worse);
    trial_register(t, t->n.ue[0]);
    trial_go(t, SIM_S);
    trial_only(t, GUARD_NAS_01, NULL);
}

struct heard { /* what somebody in the air hears of the phone's first message */
    struct tap tap;
    const char *wanted; /* its identity is the victim's alone: others are silent */
    uint8_t octets[512];
    uint32_t n;
};
static void hear(void *ctx, const struct tap_event *e)
{
    struct heard *h = ctx;
    const struct nas_msg *m = e->value;
    if (e->interface != TAP_N1 || e->direction != TAP_TX || h->n || !m || m->type != NAS_REGISTRATION_REQUEST || e->raw.n > sizeof h->octets)
        return;
    memcpy(h->octets, e->raw.p, e->raw.n);
    h->n = e->raw.n;
}
static void say_again(struct trial *t, const struct heard *h, uint32_t cell, uint64_t ran_id)
{
    struct ngap_InitialUEMessage m = {.RAN_UE_NGAP_ID = ran_id, .NAS_PDU = {h->octets, h->n},
                                      .RRCEstablishmentCause = NGAP_RRCEstablishmentCause_mo_Signalling};
    m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.RRCEstablishmentCause = m.has.UserLocationInformation = 1;
    m.UserLocationInformation = trial_location(cell);
    gnb_send(&t->n.cells[cell].gnb, NGAP_MSG_InitialUEMessage, &m, 0);
    trial_go(t, 100 * SIM_MS);
}
static void concealed(struct trial *t) { t->n.plan.suci = SUCI_PROFILE_A; }
static void a_suci_of_a_registered_phone(struct trial *t)
{
    struct heard h = {.tap = {.fn = hear, .ctx = &h}};
    rt_tap_add(&t->n.ran_rt, &h.tap);
    trial_register(t, t->n.ue[0]);
    rt_tap_remove(&t->n.ran_rt, &h.tap);
    trial_quiet(t);
    TRIAL_MUST(t, h.n, "nothing was heard");
    say_again(t, &h, 1, 900);
    trial_only(t, GUARD_NAS_03, NULL);
    trial_go(t, SIM_S);
    TRIAL_MUST(t, t->n.ue[0]->state == MM_REGISTERED, "the phone lost its registration");
    trial_go(t, 60 * SIM_S);
    sim_check_rest(&t->c);
}
/* The phone did not come through, and uses the same one again for as long as T3519 runs; who does so later is not the phone. */
static void a_suci_that_is_too_old(struct trial *t)
{
    struct heard h = {.tap = {.fn = hear, .ctx = &h}};
    rt_tap_add(&t->n.ran_rt, &h.tap);
    t->n.ue[0]->faults.bad_mac = NAS_SECURITY_MODE_COMPLETE;
    ue_register(t->n.ue[0]);
    trial_go(t, 300 * SIM_MS);
    rt_tap_remove(&t->n.ran_rt, &h.tap);
    TRIAL_MUST(t, h.n, "nothing was heard");
    say_again(t, &h, 1, 900);
    say_again(t, &h, 0, 901);
    TRIAL_MUST(t, !t->found[GUARD_NAS_03], "a false alarm: %s", t->last);
    trial_go(t, 80 * SIM_S);
    say_again(t, &h, 1, 902);
    trial_only(t, GUARD_NAS_03, NULL);
    trial_go(t, 60 * SIM_S);
}

static void replayed_and_forged(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct ue *ue = t->n.ue[0];
    TRIAL_MUST(t, s, "no victim");
    ue->faults.bad_mac = NAS_UL_NAS_TRANSPORT; /* one: a mistake */
    TRIAL_MUST(t, ue_session_modify(ue, s->psi) == OK, "the phone cannot ask");
    trial_go(t, 30 * SIM_S);
    trial_quiet(t);
    ue->faults.replay = NAS_UL_NAS_TRANSPORT; /* a COUNT that was used: somebody else */
    TRIAL_MUST(t, ue_session_modify(ue, s->psi) == OK, "the phone cannot ask");
    trial_go(t, 30 * SIM_S);
    trial_only(t, GUARD_NAS_04, NULL);
    uint8_t forged[20] = {0x7e, 0x02, 1, 2, 3, 4, 9, 0x7e, 0x00, 0x67};
    for (int i = 0; i < 10; i++) { /* and many: no mistake */
        TRIAL_MUST(t, ue->link, "the phone lost its connection");
        struct ngap_UplinkNASTransport m = {.AMF_UE_NGAP_ID = trial_amf_id(t), .RAN_UE_NGAP_ID = ue->link->ran_id, .NAS_PDU = BYTES_OF(forged)};
        m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = 1;
        m.UserLocationInformation = trial_location(0);
        forged[3]++;
        gnb_send(&t->n.cells[0].gnb, NGAP_MSG_UplinkNASTransport, &m, 0);
        trial_go(t, 20 * SIM_MS);
    }
    trial_only(t, GUARD_NAS_04, NULL);
    trial_unharmed(t, s);
}

const struct trial_desc trials_n2[] = {
    {GUARD_N2_01, "a_session_pulled_to_another_node", NULL, a_session_pulled_to_another_node},
    {GUARD_N2_02, "a_tunnel_that_ends_elsewhere", where_tunnels_may_end, a_tunnel_that_ends_elsewhere},
    {GUARD_N2_04, "capabilities_made_less", NULL, capabilities_made_less},
    {GUARD_N2_05, "a_session_left_unprotected", NULL, a_session_left_unprotected},
    {GUARD_N2_07, "a_trace_that_nobody_ordered", NULL, a_trace_that_nobody_ordered},
    {GUARD_NAS_01, "null_ciphering", without_ciphering, null_ciphering},
    {GUARD_NAS_01, "a_weaker_choice", NULL, a_weaker_choice},
    {GUARD_NAS_03, "a_suci_of_a_registered_phone", concealed, a_suci_of_a_registered_phone},
    {GUARD_NAS_03, "a_suci_that_is_too_old", concealed, a_suci_that_is_too_old},
    {GUARD_NAS_04, "replayed_and_forged", NULL, replayed_and_forged},
    {0},
};
