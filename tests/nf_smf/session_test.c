/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a PDU session after its establishment: user plane on and off, downlink data, modification, release,
 * loss of the UPF, and what happens when things meet. */
#include "tests/nf_smf/smf_net.h"

static struct answer up(const char *ref, enum sbi_UpCnxState state)
{
    return update(ref, (struct news){.up = state});
}
static struct answer n1(const char *ref, enum nas_type type, uint8_t pti)
{
    uint8_t buf[64];
    return update(ref, (struct news){.n1 = n1_make(type, 1, pti, buf, sizeof buf)});
}
static struct answer n2(const char *ref, enum sbi_N2SmInfoType type)
{
    static const uint8_t empty[] = {0};
    return update(ref, (struct news){.n2 = BYTES_OF(empty), .n2_type = type});
}
static struct smf_session *the_session(void)
{
    uint32_t i = 0;
    return slab_next(&net->smf->sessions, &i);
}
static void report(uint64_t type)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_REPORT_REQUEST, .seid = net->upf.smf_seid};
    struct pfcp_session_report_request *q = &m.session_report_request;
    uint16_t pdr = 2;
    static const struct net_addr gnb = {4, 0, {10, 0, 0, 9}};
    struct pfcp_f_teid lost = pfcp_f_teid_of(0x77, &gnb);
    struct pfcp_usage_report usage = {.urr_id = 1, .ur_seqn = 0, .usage_report_trigger = PFCP_USAGE_PERIO};
    q->report_type = type;
    q->has.downlink_data_report = (type & PFCP_REPORT_TYPE_DLDR) != 0;
    q->downlink_data_report.pdr_id.v = &pdr, q->downlink_data_report.pdr_id.n = 1;
    q->has.error_indication_report = (type & PFCP_REPORT_TYPE_ERIR) != 0;
    q->error_indication_report.remote_f_teid.v = &lost, q->error_indication_report.remote_f_teid.n = 1;
    if (type & PFCP_REPORT_TYPE_USAR)
        q->usage_report.v = &usage, q->usage_report.n = 1;
    net->upf.report_cause = 0;
    rt_enter(&net->upf.rt);
    static const struct net_addr smf = {4, PFCP_PORT, {10, 0, 0, 1}};
    assert_int_equal(pfcp_request(&net->upf.node, &smf, &m, upf_reported, &net->upf, NULL), OK);
    go(SECOND / 2);
}
static void all_gone(void)
{
    go(SECOND);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_int_equal(net->smf->ues.used, 0);
    assert_int_equal(net->upf.sessions, 0);
    assert_int_equal(net->amf.policies, net->amf.policies_deleted);
    assert_int_equal(net->amf.registrations, net->amf.deregistrations);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 0);
    assert_int_equal(net->smf->dnns[0].v4.used, 0);
    assert_int_equal(net->smf->upfs[0].sessions, 0);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(net->rt.calls_open, 0);
}

/* ---- user plane ---- */

static void service_request(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    struct answer a = up(s.ref, SBI_UpCnxState_DEACTIVATED); /* AN release */
    assert_true(a.status == 200 && a.up_state == SBI_UpCnxState_DEACTIVATED);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
    a = up(s.ref, SBI_UpCnxState_ACTIVATING);
    assert_true(a.status == 200 && a.up_state == SBI_UpCnxState_ACTIVATING &&
                a.n2_type == SBI_N2SmInfoType_PDU_RES_SETUP_REQ);
    static uint8_t block[8192];
    struct arena arena = arena_over(block, sizeof block);
    struct ngap_PDUSessionResourceSetupRequestTransfer t;
    assert_int_equal(ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, octets_of(&a.n2), &arena,
                                          &t), OK);
    assert_int_equal(be32(t.UL_NGU_UP_TNLInformation.gTPTunnel.gTP_TEID.p), 0x1001);
    a = gnb_accepts(s.ref, 0x88);
    assert_true(a.status == 200 && a.up_state == SBI_UpCnxState_ACTIVATED);
    assert_true(net->upf.far_teid == 0x88 && net->upf.far_action == PFCP_APPLY_ACTION_FORW);
    assert_int_equal(net->amf.transfers, 1); /* that of the establishment */
}

static void service_request_refused(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    up(s.ref, SBI_UpCnxState_DEACTIVATED);
    assert_int_equal(gnb_accepts(s.ref, 1).status, 403); /* nobody asked */
    up(s.ref, SBI_UpCnxState_ACTIVATING);
    struct answer a = n2(s.ref, SBI_N2SmInfoType_PDU_RES_SETUP_FAIL);
    assert_true(a.status == 200 && a.up_state == SBI_UpCnxState_DEACTIVATED);
    up(s.ref, SBI_UpCnxState_ACTIVATING);
    a = n2(s.ref, SBI_N2SmInfoType_PDU_RES_SETUP_RSP); /* no transfer */
    assert_true(a.status == 403 && strcmp(a.cause, "N2_SM_ERROR") == 0);
    assert_int_equal(the_session()->up_state, SMF_UP_OFF);
    up(s.ref, SBI_UpCnxState_ACTIVATING);
    net->upf.cause = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE;
    a = gnb_accepts(s.ref, 1);
    assert_true(a.status == 504 && strcmp(a.cause, "PEER_NOT_RESPONDING") == 0);
    assert_int_equal(a.n2_type, SBI_N2SmInfoType_PDU_RES_REL_CMD); /* the gNB has set it up in vain */
    assert_int_equal(the_session()->up_state, SMF_UP_OFF);
    net->upf.cause = 0;
    static const enum sbi_N2SmInfoType not_there[] = {SBI_N2SmInfoType_PATH_SWITCH_REQ, SBI_N2SmInfoType_HANDOVER_REQUIRED,
                                                      SBI_N2SmInfoType_PDU_RES_MOD_IND, SBI_N2SmInfoType_OTHER};
    for (unsigned i = 0; i < ARRAY_LEN(not_there); i++)
        assert_int_equal(update(s.ref, (struct news){.n2 = BYTES_OF(((uint8_t[]){0})), .n2_type = not_there[i]}).status, 403);
    assert_int_equal(update(s.ref, (struct news){0}).status, 204); /* nothing new */
    assert_int_equal(n2(s.ref, SBI_N2SmInfoType_PDU_RES_NTY).status, 204);
    assert_int_equal(n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP).status, 204); /* late */
}

static void upf_silent(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0}), a;
    net->upf.silent = true;
    update_send(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED}, &a);
    go(4 * SECOND);
    assert_true(a.done); /* what goes is gone */
    assert_int_equal(the_session()->up_state, SMF_UP_OFF);
    assert_int_equal(net->rt.procs_running, 0);
    struct call *c = call_begin(SBI_nsmf_pdusession_release); /* the same: the UPF is not waited for for ever */
    ((SBI_REQ(nsmf_pdusession_release) *)call_request(c))->sm_context_ref = arena_str(&c->arena, str_of(s.ref));
    send_call(c, &a);
    go(4 * SECOND);
    assert_true(a.done);
    assert_int_equal(net->smf->sessions.used, 0);
    net->upf.silent = false;
}

static void gnb_gives_up(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    struct answer a = n2(s.ref, SBI_N2SmInfoType_PDU_RES_NTY_REL);
    assert_true(a.status == 200 && the_session()->up_state == SMF_UP_OFF);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
}

/* ---- downlink data ---- */

static void paging(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    up(s.ref, SBI_UpCnxState_DEACTIVATED);
    net->amf.transfer_status = 202;
    report(PFCP_REPORT_TYPE_DLDR);
    assert_int_equal(net->upf.report_cause, PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(net->amf.transfers == 2 && net->amf.n1.n == 0 && net->amf.n2.n &&
                net->amf.n2_type == SBI_NgapIeType_PDU_RES_SETUP_REQ && !net->amf.skip);
    report(PFCP_REPORT_TYPE_DLDR); /* more of it */
    assert_int_equal(net->amf.transfers, 2);
    struct answer a = gnb_accepts(s.ref, 0x99);
    assert_true(a.status == 200 && a.up_state == SBI_UpCnxState_ACTIVATED && net->upf.far_teid == 0x99);
    report(PFCP_REPORT_TYPE_DLDR | PFCP_REPORT_TYPE_USAR); /* late */
    assert_int_equal(net->amf.transfers, 2);
    assert_int_equal(net->smf->usage_reports, 1);
}

static void paging_failed(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    up(s.ref, SBI_UpCnxState_DEACTIVATED);
    net->amf.transfer_status = 504;
    report(PFCP_REPORT_TYPE_DLDR);
    assert_int_equal(net->amf.transfers, 2);
    assert_int_equal(net->upf.smreq, PFCP_SMREQ_DROBU);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
    report(PFCP_REPORT_TYPE_DLDR); /* too early to page again: dropped */
    assert_int_equal(net->amf.transfers, 2);
    go(10 * SECOND);
    net->amf.transfer_status = 202;
    report(PFCP_REPORT_TYPE_DLDR);
    assert_int_equal(net->amf.transfers, 3);
    net->upf.smreq = 0;
    struct call *c = call_begin(SBI_namf_comm_n1n2_transfer_failure_notify);
    SBI_REQ(namf_comm_n1n2_transfer_failure_notify) *q = call_request(c);
    struct answer a;
    q->callback = arena_str(&c->arena, str_of(net->amf.failure_uri));
    q->body.cause = SBI_N1N2MessageTransferCause_UE_NOT_RESPONDING;
    q->body.n1n2_msg_data_uri = STR("http://core/x");
    send_call(c, &a);
    go(SECOND);
    assert_int_equal(a.status, 204);
    assert_int_equal(net->upf.smreq, PFCP_SMREQ_DROBU);
    assert_int_equal(the_session()->up_state, SMF_UP_OFF);
    struct answer b = up(s.ref, SBI_UpCnxState_ACTIVATING); /* and the UE may come by itself */
    assert_int_equal(b.status, 200);
}

static void strange_reports(void **state)
{
    (void)state;
    established((struct wanted){0});
    net->upf.smf_seid ^= 1ull << 33; /* another generation */
    report(PFCP_REPORT_TYPE_DLDR);
    assert_int_equal(net->upf.report_cause, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
    net->upf.smf_seid = 0xffffffffffffffff;
    report(PFCP_REPORT_TYPE_DLDR);
    assert_int_equal(net->upf.report_cause, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
}

static void tunnel_lost(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    report(PFCP_REPORT_TYPE_ERIR);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
    assert_true(net->amf.transfers == 2 && net->amf.n2_type == SBI_NgapIeType_PDU_RES_REL_CMD && net->amf.skip);
    assert_int_equal(n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP).status, 204);
    report(PFCP_REPORT_TYPE_DLDR);
    assert_int_equal(net->amf.n2_type, SBI_NgapIeType_PDU_RES_SETUP_REQ);
    gnb_accepts(s.ref, 0x5);
    assert_int_equal(net->upf.far_teid, 5);
    report(PFCP_REPORT_TYPE_ERIR); /* about the tunnel before this one */
    assert_int_equal(the_session()->up_state, SMF_UP_ON);
    report(PFCP_REPORT_TYPE_UPIR); /* nothing passed for long */
    assert_int_equal(the_session()->up_state, SMF_UP_OFF);
}

/* ---- release ---- */

static void release_by_ue(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    struct answer a = n1(s.ref, NAS_PDU_SESSION_RELEASE_REQUEST, 9);
    assert_true(a.status == 200 && a.n2_type == SBI_N2SmInfoType_PDU_RES_REL_CMD && a.n2.n);
    struct nas_msg m = n1_of(&a.n1);
    assert_true(m.type == NAS_PDU_SESSION_RELEASE_COMMAND && m.pti == 9 &&
                m.pdu_session_release_command.gsm_cause == NAS_GSM_CAUSE_REGULAR_DEACTIVATION);
    assert_int_equal(net->upf.sessions, 0); /* step 2 comes first */
    assert_int_equal(n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP).status, 204);
    assert_int_equal(net->smf->sessions.used, 1);
    assert_int_equal(n1(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 9).status, 204);
    assert_int_equal(net->amf.notifications, 1);
    all_gone();
    assert_int_equal(metric_get(net->metrics, METRIC_session_released), 1);
    s = established((struct wanted){0}); /* the address rests */
    assert_memory_equal(net->upf.ue_ip4, ((uint8_t[]){10, 45, 0, 3}), 4);
}

static void release_unanswered(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    n1(s.ref, NAS_PDU_SESSION_RELEASE_REQUEST, 9);
    assert_int_equal(n1(s.ref, NAS_PDU_SESSION_RELEASE_REQUEST, 9).status, 204); /* again: the command comes again anyway */
    assert_int_equal(n1(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 8).status, 200); /* of something else */
    for (unsigned i = 0; i < 4; i++) { /* T3592, 16 s */
        assert_int_equal(net->amf.transfers, 1 + i);
        go(16 * SECOND);
    }
    assert_int_equal(net->amf.transfers, 5);
    assert_int_equal(n1_of(&net->amf.n1).type, NAS_PDU_SESSION_RELEASE_COMMAND);
    assert_int_equal(net->smf->sessions.used, 1);
    go(16 * SECOND);
    assert_int_equal(net->amf.notifications, 1);
    all_gone();
}

static void release_by_amf(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    uint32_t transfers = net->amf.transfers;
    assert_int_equal(release(s.ref).status, 204);
    assert_int_equal(net->amf.notifications, 0);
    assert_int_equal(net->amf.transfers, transfers);
    all_gone();
    s = established((struct wanted){0});
    struct answer a = update(s.ref, (struct news){.release = true}); /* TS 23.502 4.3.4.2 step 1d: the phone is told */
    assert_true(a.status == 200 && a.n2_type == SBI_N2SmInfoType_PDU_RES_REL_CMD && a.n2.n);
    struct nas_msg m = n1_of(&a.n1);
    assert_true(m.type == NAS_PDU_SESSION_RELEASE_COMMAND && m.pti == 0 &&
                m.pdu_session_release_command.gsm_cause == NAS_GSM_CAUSE_REGULAR_DEACTIVATION);
    n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    n1(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 0);
    all_gone();
    s = create((struct wanted){0}); /* in the middle of an establishment */
    assert_int_equal(release(s.ref).status, 204);
    all_gone();
    s = established((struct wanted){0}); /* in the middle of a release by the UE */
    n1(s.ref, NAS_PDU_SESSION_RELEASE_REQUEST, 9);
    assert_int_equal(release(s.ref).status, 204);
    all_gone();
    net->upf.silent = true;
    net->upf.silent = false;
    s = established((struct wanted){0});
    struct answer b, c;
    struct call *first = call_begin(SBI_nsmf_pdusession_release), *second = call_begin(SBI_nsmf_pdusession_release);
    ((SBI_REQ(nsmf_pdusession_release) *)call_request(first))->sm_context_ref = arena_str(&first->arena, str_of(s.ref));
    ((SBI_REQ(nsmf_pdusession_release) *)call_request(second))->sm_context_ref = arena_str(&second->arena, str_of(s.ref));
    send_call(first, &b);
    send_call(second, &c);
    go(SECOND);
    assert_true(b.done && c.done && c.status == 204);
    all_gone();
}

static struct answer notify_policy(enum sbi_op op)
{
    struct answer a;
    struct call *c = call_begin(op);
    if (op == SBI_npcf_sm_policy_update_notify) {
        SBI_REQ(npcf_sm_policy_update_notify) *q = call_request(c);
        q->callback = arena_printf(&c->arena, "%s/update", net->amf.policy_uri);
        q->body.has.sm_policy_decision = 1;
        decision_fill(&q->body.sm_policy_decision, &c->arena);
    } else {
        SBI_REQ(npcf_sm_policy_terminate_notify) *q = call_request(c);
        q->callback = arena_printf(&c->arena, "%s/terminate", net->amf.policy_uri);
        q->body.resource_uri = STR("http://core/x");
        q->body.cause = STR("UNSPECIFIED");
    }
    send_call(c, &a);
    go(SECOND / 2);
    assert_true(a.done);
    return a;
}

static void release_by_network(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    assert_int_equal(notify_policy(SBI_npcf_sm_policy_terminate_notify).status, 204);
    struct nas_msg m = n1_of(&net->amf.n1);
    assert_true(m.type == NAS_PDU_SESSION_RELEASE_COMMAND && m.pti == 0 &&
                m.pdu_session_release_command.gsm_cause == NAS_GSM_CAUSE_REACTIVATION_REQUESTED);
    assert_true(net->amf.skip && net->amf.n2.n && net->amf.n2_type == SBI_NgapIeType_PDU_RES_REL_CMD);
    n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    n1(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 0);
    assert_int_equal(net->amf.notifications, 1);
    all_gone();
    assert_int_equal(notify_policy(SBI_npcf_sm_policy_terminate_notify).status, 404);
    s = established((struct wanted){0});
    up(s.ref, SBI_UpCnxState_DEACTIVATED);
    net->amf.transfer_status = 504; /* an idle UE that is not paged for it */
    notify_policy(SBI_npcf_sm_policy_terminate_notify);
    assert_int_equal(net->amf.n2.n, 0);
    all_gone();
}

/* ---- modification ---- */

static void modification_by_ue(void **state)
{
    uint8_t buf[128];
    (void)state;
    struct answer s = established((struct wanted){0});
    struct answer a = n1(s.ref, NAS_PDU_SESSION_MODIFICATION_REQUEST, 3);
    struct nas_msg m = n1_of(&a.n1);
    assert_true(a.status == 200 && a.n2.n == 0 && m.type == NAS_PDU_SESSION_MODIFICATION_COMMAND && m.pti == 3);
    assert_int_equal(n1(s.ref, NAS_PDU_SESSION_MODIFICATION_REQUEST, 3).status, 204); /* again, while it runs */
    assert_int_equal(n1(s.ref, NAS_PDU_SESSION_MODIFICATION_COMPLETE, 3).status, 204);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(metric_get(net->metrics, METRIC_session_modified), 1);
    a = n1(s.ref, NAS_PDU_SESSION_MODIFICATION_COMPLETE, 3); /* nothing is under way any more */
    assert_true(n1_of(&a.n1).type == NAS_GSM_STATUS && n1_of(&a.n1).gsm_status.gsm_cause == NAS_GSM_CAUSE_PTI_MISMATCH);
    struct nas_qos_flow flow = {.qfi = 2, .op = NAS_FLOW_CREATE, .e = true, .has.fiveqi = 1, .fiveqi = 1};
    nas_msg_init(&m, NAS_PDU_SESSION_MODIFICATION_REQUEST);
    m.pdu_session_id = 1;
    m.pti = 4;
    m.pdu_session_modification_request.has.requested_qos_flow_descriptions = 1;
    m.pdu_session_modification_request.requested_qos_flow_descriptions = (struct nas_qos_flows){1, &flow};
    int n = nas_encode(&m, buf, sizeof buf);
    a = update(s.ref, (struct news){.n1 = {buf, (uint32_t)n}});
    m = n1_of(&a.n1);
    assert_true(m.type == NAS_PDU_SESSION_MODIFICATION_REJECT && m.pti == 4 &&
                m.pdu_session_modification_reject.gsm_cause == NAS_GSM_CAUSE_5GS_QOS_NOT_ACCEPTED);
    n1(s.ref, NAS_PDU_SESSION_MODIFICATION_REQUEST, 5); /* never completed */
    go(90 * SECOND);
    assert_int_equal(net->amf.transfers, 1 + 4);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(net->smf->sessions.used, 1);
}

static void modification_by_network(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    net->amf.policy_ambr_dl = "50 Mbps";
    net->amf.policy_5qi = 8;
    assert_int_equal(notify_policy(SBI_npcf_sm_policy_update_notify).status, 204);
    assert_true(net->upf.qer_dl == 50000 && net->upf.qer_ul == 10000);
    struct nas_msg m = n1_of(&net->amf.n1);
    const struct nas_pdu_session_modification_command *c = &m.pdu_session_modification_command;
    assert_true(m.type == NAS_PDU_SESSION_MODIFICATION_COMMAND && m.pti == 0 && c->has.session_ambr &&
                nas_rate_kbps(c->session_ambr.down) == 50000 && c->authorized_qos_flow_descriptions.flow[0].fiveqi == 8);
    assert_int_equal(net->amf.n2_type, SBI_NgapIeType_PDU_RES_MOD_REQ);
    assert_int_equal(n2(s.ref, SBI_N2SmInfoType_PDU_RES_MOD_RSP).status, 204);
    assert_int_equal(n1(s.ref, NAS_PDU_SESSION_MODIFICATION_COMPLETE, 0).status, 204);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(the_session()->qos.ambr_dl_bps, 50000000);
    uint32_t transfers = net->amf.transfers;
    notify_policy(SBI_npcf_sm_policy_update_notify); /* nothing new */
    assert_int_equal(net->amf.transfers, transfers);
    net->amf.policy_5qi = 7;
    notify_policy(SBI_npcf_sm_policy_update_notify);
    n1(s.ref, NAS_PDU_SESSION_MODIFICATION_COMMAND_REJECT, 0);
    n2(s.ref, SBI_N2SmInfoType_PDU_RES_MOD_FAIL);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(metric_get(net->metrics, METRIC_session_modify_failed), 1);
    /* the UE's release ends it */
    net->amf.policy_5qi = 6;
    notify_policy(SBI_npcf_sm_policy_update_notify);
    struct answer a = n1(s.ref, NAS_PDU_SESSION_RELEASE_REQUEST, 9);
    assert_int_equal(n1_of(&a.n1).type, NAS_PDU_SESSION_RELEASE_COMMAND);
    n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    n1(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 9);
    all_gone();
}

/* ---- 5GSM messages that are not right, TS 24.501 7 ---- */

static void bad_n1(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0}), a;
    static const struct {
        uint8_t octets[5];
        uint32_t n;
        uint8_t type, cause; /* of the answer; type 0: none */
    } rows[] = {
        {{0x2e, 2, 9, NAS_PDU_SESSION_RELEASE_REQUEST}, 4, NAS_PDU_SESSION_RELEASE_REJECT, 43},
        {{0x2e, 1, 0, NAS_PDU_SESSION_RELEASE_REQUEST}, 4, NAS_PDU_SESSION_RELEASE_REJECT, 81},
        {{0x2e, 1, 255, NAS_PDU_SESSION_MODIFICATION_REQUEST}, 4, NAS_PDU_SESSION_MODIFICATION_REJECT, 81},
        {{0x2e, 2, 9, NAS_PDU_SESSION_MODIFICATION_REQUEST}, 4, NAS_PDU_SESSION_MODIFICATION_REJECT, 43},
        {{0x2e, 1, 9, NAS_PDU_SESSION_RELEASE_COMPLETE}, 4, NAS_GSM_STATUS, 47},
        {{0x2e, 1, 255, NAS_PDU_SESSION_RELEASE_COMPLETE}, 4, NAS_GSM_STATUS, 81},
        {{0x2e, 1, 0, NAS_PDU_SESSION_MODIFICATION_COMPLETE}, 4, 0, 0},
        {{0x2e, 1, 9, 0x99}, 4, NAS_GSM_STATUS, 97},
        {{0x2e, 1, 9, NAS_PDU_SESSION_RELEASE_COMMAND, 36}, 5, NAS_GSM_STATUS, 97},
        {{0x2e, 1, 9, NAS_PDU_SESSION_ESTABLISHMENT_REQUEST}, 4, NAS_GSM_STATUS, 96},
        {{0x2e, 1, 9, NAS_GSM_STATUS}, 4, 0, 0}, /* never answered with the same */
        {{0x2e, 1, 9}, 3, 0, 0},
        {{0x7e, 0, 0x41, 0}, 4, 0, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        a = update(s.ref, (struct news){.n1 = {rows[i].octets, rows[i].n}});
        assert_int_equal(a.status, rows[i].type ? 200 : 204);
        if (!rows[i].type)
            continue;
        struct nas_msg m = n1_of(&a.n1);
        assert_int_equal(m.type, rows[i].type);
        uint8_t cause = m.type == NAS_GSM_STATUS                    ? m.gsm_status.gsm_cause
                        : m.type == NAS_PDU_SESSION_RELEASE_REJECT ? m.pdu_session_release_reject.gsm_cause
                                                                   : m.pdu_session_modification_reject.gsm_cause;
        assert_int_equal(cause, rows[i].cause);
    }
    assert_int_equal(net->smf->sessions.used, 1);
    a = n1(s.ref, NAS_GSM_STATUS, 0); /* #43: the UE does not know the session */
    assert_int_equal(a.status, 204);
    assert_true(n1_of(&net->amf.n1).type == NAS_PDU_SESSION_RELEASE_COMMAND && net->amf.n2.n);
    assert_int_equal(n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP).status, 204);
    assert_int_equal(n1(s.ref, NAS_GSM_STATUS, 0).status, 204);
    assert_int_equal(net->amf.notifications, 1);
    all_gone();
    s = create((struct wanted){0}); /* it has given up before the accept came: #47 */
    static const uint8_t stray[] = {0x2e, 1, 1, NAS_GSM_STATUS, NAS_GSM_CAUSE_PTI_MISMATCH};
    assert_int_equal(update(s.ref, (struct news){.n1 = BYTES_OF(stray)}).status, 204);
    assert_int_equal(net->upf.sessions, 0);
    assert_true(n1_of(&net->amf.n1).type == NAS_PDU_SESSION_RELEASE_COMMAND && net->amf.n2.n);
    n2(s.ref, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    n1(s.ref, NAS_GSM_STATUS, 0);
    all_gone();
}

/* ---- N4 lost and found ---- */

static void upf_restart(void **state)
{
    (void)state;
    struct answer s[30];
    char supi[32];
    for (unsigned i = 0; i < 30; i++) {
        snprintf(supi, sizeof supi, "imsi-0010100000001%02u", i);
        s[i] = established((struct wanted){.supi = supi});
        if (i & 1)
            up(s[i].ref, SBI_UpCnxState_DEACTIVATED);
    }
    uint32_t transfers = net->amf.transfers;
    upf_close(&net->upf);
    net->upf.sessions = 0;
    go(2 * SECOND);
    upf_open(&net->upf);
    go(30 * SECOND);
    assert_int_equal(net->upf.sessions, 30);
    assert_int_equal(net->amf.transfers - transfers, 15); /* gNBs give up the tunnels that are no more */
    assert_int_equal(net->amf.n2_type, SBI_NgapIeType_PDU_RES_REL_CMD);
    assert_non_null(memmem(net->logged, net->logged_n, "pfcp_restarted", 14));
    assert_int_equal(net->smf->upfs[0].restoring, 0);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(up(s[i].ref, SBI_UpCnxState_ACTIVATING).status, 200);
        assert_int_equal(gnb_accepts(s[i].ref, i).up_state, SBI_UpCnxState_ACTIVATED);
        assert_int_equal(release(s[i].ref).status, 204);
    }
    all_gone();
}

static void upf_lost(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    up(s.ref, SBI_UpCnxState_DEACTIVATED);
    world_set_faults(net->w, &(struct world_faults){1000000, 0, 50, 250, 0});
    go(60 * SECOND);
    assert_int_equal(net->smf->sessions.used, 1); /* it waits */
    assert_non_null(memmem(net->logged, net->logged_n, "pfcp_lost", 9));
    assert_int_equal(up(s.ref, SBI_UpCnxState_ACTIVATING).status, 504);
    world_set_faults(net->w, &(struct world_faults){0, 0, 50, 250, 0});
    go(30 * SECOND);
    assert_int_equal(up(s.ref, SBI_UpCnxState_ACTIVATING).status, 200);
    assert_int_equal(gnb_accepts(s.ref, 6).up_state, SBI_UpCnxState_ACTIVATED);
    net->upf.cause = PFCP_CAUSE_NO_RESOURCES_AVAILABLE; /* after the next restart it has no room */
    upf_close(&net->upf);
    upf_open(&net->upf);
    net->upf.sessions = 0;
    net->upf.node.recovery += 100;
    go(30 * SECOND);
    struct nas_msg m = n1_of(&net->amf.n1);
    assert_true(m.type == NAS_PDU_SESSION_RELEASE_COMMAND &&
                m.pdu_session_release_command.gsm_cause == NAS_GSM_CAUSE_REACTIVATION_REQUESTED);
    n1(s.ref, NAS_PDU_SESSION_RELEASE_COMPLETE, 0);
    all_gone();
}

/* A session that ends while N4 is down has gone when it is up again: a setup anew deletes it, TS 29.244 6.2.6.3. To ask for
 * it would look as if SEIDs were tried. */
static void released_while_lost(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    world_set_faults(net->w, &(struct world_faults){1000000, 0, 50, 250, 0});
    go(60 * SECOND);
    assert_false(smf_upf_is_up(&net->smf->upfs[0]));
    assert_int_equal(release(s.ref).status, 204);
    assert_true(net->smf->sessions.used == 0 && net->smf->deletions_waiting == 1);
    net->upf.sessions = 0;
    world_set_faults(net->w, &(struct world_faults){0, 0, 50, 250, 0});
    go(30 * SECOND);
    assert_true(smf_upf_is_up(&net->smf->upfs[0]) && net->smf->deletions_waiting == 0 && net->upf.deleted == 0);
    all_gone();
    s = established((struct wanted){0});
    world_set_faults(net->w, &(struct world_faults){1000000, 0, 50, 250, 0});
    go(60 * SECOND);
    assert_int_equal(release(s.ref).status, 204);
    net->upf.node.recovery += 100; /* it restarts meanwhile */
    net->upf.sessions = 0;
    world_set_faults(net->w, &(struct world_faults){0, 0, 50, 250, 0});
    go(30 * SECOND);
    assert_int_equal(net->smf->deletions_waiting, 0);
    assert_true(list_empty(&net->smf->deletions));
    all_gone();
}

static void one_session_lost(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    net->upf.modify_cause = PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND;
    net->upf.sessions = 0;
    assert_int_equal(up(s.ref, SBI_UpCnxState_DEACTIVATED).status, 200);
    net->upf.modify_cause = 0;
    assert_true(net->upf.established == 2 && net->upf.sessions == 1);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
    up(s.ref, SBI_UpCnxState_ACTIVATING);
    assert_int_equal(gnb_accepts(s.ref, 4).up_state, SBI_UpCnxState_ACTIVATED);
    assert_int_equal(release(s.ref).status, 204);
    all_gone();
}

static void stranger(void **state)
{
    (void)state;
    struct env *env = world_host(net->w, "stranger", &(struct net_addr){4, 0, {10, 0, 0, 66}});
    struct upf_stub x = {.env = env, .addr = addr_v4(0x0a000042, 0)};
    struct pfcp_config c = {.local = addr_v4(0x0a000042, PFCP_PORT), .is_up = true};
    struct pfcp_user user = {.ctx = &x, .request = upf_request};
    struct pfcp_assoc *a;
    static const struct net_addr smf = {4, PFCP_PORT, {10, 0, 0, 1}};
    assert_int_equal(rt_init(&x.rt, env, 1 << 20), OK);
    assert_int_equal(pfcp_open(&x.node, &x.rt, &c, &user), OK);
    established((struct wanted){0});
    rt_enter(&x.rt);
    assert_int_equal(pfcp_associate(&x.node, &smf, &a), OK);
    world_attach(net->w, env, &x.rt);
    go(SECOND);
    assert_true(!a->is_up && a->cause == PFCP_CAUSE_REQUEST_REJECTED);
    assert_non_null(memmem(net->logged, net->logged_n, "pfcp_stranger", 13));
    struct pfcp_msg m = {.type = PFCP_SESSION_REPORT_REQUEST, .seid = net->upf.smf_seid};
    m.session_report_request.report_type = PFCP_REPORT_TYPE_UPIR;
    rt_enter(&x.rt);
    pfcp_request(&x.node, &smf, &m, upf_reported, &x, NULL);
    world_attach(net->w, env, &x.rt);
    go(SECOND);
    assert_int_equal(x.report_cause, PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    assert_int_equal(the_session()->up_state, SMF_UP_ON);
    world_attach(net->w, env, NULL);
    pfcp_close(&x.node);
    rt_free(&x.rt);
}

/* The UPF lets us go and is asked again. */
static void association_released(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0});
    static const struct net_addr smf = {4, 0, {10, 0, 0, 1}};
    rt_enter(&net->upf.rt);
    pfcp_release(&net->upf.node, pfcp_assoc_find(&net->upf.node, &smf));
    net->upf.sessions = 0;
    go(SECOND);
    assert_false(smf_upf_is_up(&net->smf->upfs[0]));
    assert_int_equal(up(s.ref, SBI_UpCnxState_DEACTIVATED).status, 200);
    go(30 * SECOND);
    assert_true(smf_upf_is_up(&net->smf->upfs[0]));
    assert_int_equal(net->upf.sessions, 1);
}

/* ---- many things at once ---- */

/* Whatever comes in whatever order over a link that loses, each request is answered, and in the end nothing is left
 * over on either side of N4. */
static void storm(void **state)
{
    enum { N = 20 };
    static struct answer s[N], a[4000];
    uint64_t seed = 11;
    uint32_t n = 0;
    uint8_t buf[128];
    (void)state;
    for (unsigned i = 0; i < N; i++) {
        char supi[32];
        snprintf(supi, sizeof supi, "imsi-0010100000001%02u", i);
        s[i] = established((struct wanted){.supi = supi});
    }
    world_set_faults(net->w, &(struct world_faults){100000, 100000, 50, 5000, 0});
    for (unsigned i = 0; i < 3000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct answer *x = &s[(seed >> 40) % N], *out = &a[n++];
        switch (seed >> 33 & 15) {
        case 0: update_send(x->ref, (struct news){.up = SBI_UpCnxState_ACTIVATING}, out); break;
        case 1:
        case 2: update_send(x->ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED}, out); break;
        case 3:
        case 4:
            update_send(x->ref, (struct news){.n2 = setup_response((uint32_t)seed | 1, buf, sizeof buf),
                                              .n2_type = SBI_N2SmInfoType_PDU_RES_SETUP_RSP}, out);
            break;
        case 5:
            update_send(x->ref, (struct news){.n1 = n1_make(NAS_PDU_SESSION_MODIFICATION_REQUEST, 1, 7, buf, sizeof buf)},
                        out);
            break;
        case 6:
            update_send(x->ref, (struct news){.n1 = n1_make(NAS_PDU_SESSION_MODIFICATION_COMPLETE, 1, 7, buf, sizeof buf)},
                        out);
            break;
        case 7: update_send(x->ref, (struct news){.n2 = BYTES_OF(((uint8_t[]){0})), .n2_type = SBI_N2SmInfoType_PDU_RES_REL_RSP}, out); break;
        case 8:
            update_send(x->ref, (struct news){.n1 = n1_make(NAS_PDU_SESSION_RELEASE_COMPLETE, 1, 7, buf, sizeof buf)}, out);
            break;
        case 9:
            if (seed >> 60 < 4)
                update_send(x->ref, (struct news){.n1 = n1_make(NAS_PDU_SESSION_RELEASE_REQUEST, 1, 7, buf, sizeof buf)},
                            out);
            else
                out->done = true;
            break;
        case 10: {
            static const uint64_t types[] = {PFCP_REPORT_TYPE_DLDR, PFCP_REPORT_TYPE_UPIR, PFCP_REPORT_TYPE_DLDR};
            struct smf_session *t = smf_session_by_ref(net->smf, str_of(x->ref));
            struct pfcp_msg m = {.type = PFCP_SESSION_REPORT_REQUEST, .seid = t ? smf_seid(t, SMF_LEG_UPF) : 1};
            static const struct net_addr smf = {4, PFCP_PORT, {10, 0, 0, 1}};
            uint16_t pdr = 2;
            m.session_report_request.report_type = types[seed >> 50 & 1];
            m.session_report_request.has.downlink_data_report = m.session_report_request.report_type == PFCP_REPORT_TYPE_DLDR;
            m.session_report_request.downlink_data_report.pdr_id.v = &pdr;
            m.session_report_request.downlink_data_report.pdr_id.n = 1;
            rt_enter(&net->upf.rt);
            pfcp_request(&net->upf.node, &smf, &m, upf_reported, &net->upf, NULL);
            out->done = true;
            break;
        }
        default: out->done = true; break;
        }
        go((seed >> 20 & 1023) * 10);
    }
    world_set_faults(net->w, &(struct world_faults){0, 0, 50, 250, 0});
    go(120 * SECOND);
    for (unsigned i = 0; i < n; i++)
        assert_true(a[i].done);
    assert_int_equal(net->rt.procs_running, 0);
    uint32_t left = net->smf->sessions.used;
    assert_in_range(left, 1, N);
    assert_int_equal(net->amf.notifications, N - left);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(release(s[i].ref).status, smf_session_by_ref(net->smf, str_of(s[i].ref)) ? 204 : release(s[i].ref).status);
    go(60 * SECOND);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 0);
    assert_int_equal(net->amf.policies, net->amf.policies_deleted);
}

/* No memory for procedures is an answer, not an end. */
static void no_memory(void **state)
{
    (void)state;
    struct answer s = established((struct wanted){0}), a;
    size_t cap = net->rt.frames.cap;
    struct call *c = call_begin(SBI_nsmf_pdusession_update);
    SBI_REQ(nsmf_pdusession_update) *q = call_request(c);
    q->sm_context_ref = arena_str(&c->arena, str_of(s.ref));
    q->body.has.up_cnx_state = 1;
    q->body.up_cnx_state = SBI_UpCnxState_DEACTIVATED;
    send_call(c, &a);
    for (unsigned i = 0; i <= FRAME_CLASSES; i++)
        net->rt.frames.free[i] = NULL;
    net->rt.frames.cap = net->rt.frames.fresh;
    go(SECOND);
    net->rt.frames.cap = cap;
    assert_true(a.done && a.status == 503);
    assert_non_null(memmem(net->logged, net->logged_n, "memory_full", 11));
    net->rt.frames.in_use = 0; /* the free lists were thrown away */
}

int main(int argc, char **argv)
{
    as_bytes = argc > 1 && strcmp(argv[1], "bytes") == 0;
    return RUN(net_test(service_request), net_test(service_request_refused), net_test(upf_silent), net_test(gnb_gives_up),
               net_test(paging), net_test(paging_failed), net_test(strange_reports), net_test(tunnel_lost),
               net_test(release_by_ue), net_test(release_unanswered), net_test(release_by_amf),
               net_test(release_by_network), net_test(modification_by_ue), net_test(modification_by_network),
               net_test(bad_n1), net_test(upf_restart), net_test(upf_lost), net_test(released_while_lost), net_test(one_session_lost),
               net_test(stranger),
               net_test(association_released), net_test(storm), net_test(no_memory));
}
