/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's sessions, its user plane, idle and paging, against a scripted core: TS 24.501 clause 6, TS 38.413. */
#include "sim/data_network.h"
#include "tests/ran/core.h"

static void establishes(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    struct ue_session *s = core_session(c, NAS_PDU_IPV4);
    const struct nas_ul_nas_transport *t = &c->up.ul_nas_transport;
    assert_int_equal(t->request_type, NAS_REQUEST_INITIAL);
    assert_true(str_is(t->dnn, "internet"));
    assert_memory_equal(s->ipv4, ((uint8_t[]){10, 45, 0, 7}), 4);
    assert_memory_equal(s->dns4, ((uint8_t[]){8, 8, 4, 4}), 4);
    assert_int_equal(s->mtu, 1300);
    assert_int_equal(s->n_rules, 1);
    assert_int_equal(s->rules[0].qfi, 5);
    assert_int_equal(s->ambr_up_kbps, 50000);
    assert_int_equal(c->seen_ngap[NGAP_MSG_PDUSessionResourceSetupResponse], 1);
    assert_int_equal(core_count(c, UE_SESSION_UP), 1);
    /* ping out */
    struct net_addr far = addr_v4(0x08080808, 0);
    assert_int_equal(ue_ping(c->ue, 1, &far, 56), OK);
    core_run(c, 2000);
    assert_int_equal(c->n_n3, 1);
    assert_int_equal(c->n3_head.teid, 0x7701);
    assert_int_equal(c->n3_head.qfi, 5);
    assert_int_equal(c->n3_head.pdu_type, GTPU_UPLINK);
    uint8_t answer[256];
    uint32_t n = echo_answer((struct bytes){c->n3_last, c->n3_last_n}, answer, sizeof answer);
    assert_true(n > 0);
    core_n3_send(c, s->bearer->teid, (struct bytes){answer, n});
    assert_int_equal(core_count(c, UE_PING_REPLY), 1);
    /* and in */
    struct net_addr us = addr_v4(CORE_GNB_UE_IP, 0);
    n = echo_request(&far, &us, 3, 4, 32, answer, sizeof answer);
    core_n3_send(c, s->bearer->teid, (struct bytes){answer, n});
    assert_int_equal(c->n_n3, 2);
    assert_int_equal(c->n3_last[20], 0); /* echo reply */
    us.ip[3] ^= 1; /* not its address */
    n = echo_request(&far, &us, 3, 4, 32, answer, sizeof answer);
    core_n3_send(c, s->bearer->teid, (struct bytes){answer, n});
    assert_int_equal(c->n_n3, 2);
    /* a tunnel that there is not: Error Indication */
    core_n3_send(c, s->bearer->teid + 1, (struct bytes){answer, n});
    assert_int_equal(c->n3_head.type, GTPU_ERROR_INDICATION);
    core_free(c);
}
static void refused_and_not_forwarded(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    int psi = ue_session_open(c->ue, &(struct ue_open){.dnn = "nowhere"});
    core_run(c, 5000);
    assert_int_equal(ue_session_open(c->ue, &(struct ue_open){.psi = (uint8_t)psi}), ERR_EXISTS);
    struct nas_msg m = core_sm_msg(c, NAS_PDU_SESSION_ESTABLISHMENT_REJECT);
    m.pdu_session_establishment_reject.gsm_cause = 27;
    m.pti ^= 3; /* another's: nothing happens */
    core_sm(c, &m, 0);
    assert_non_null(ue_session_find(c->ue, (uint8_t)psi));
    m.pti ^= 3;
    core_sm(c, &m, 0);
    assert_null(ue_session_find(c->ue, (uint8_t)psi));
    assert_int_equal(core_last(c, UE_SESSION_FAILED)->cause, 27);
    psi = ue_session_open(c->ue, &(struct ue_open){.dnn = "nowhere"});
    core_run(c, 5000);
    m = core_sm_msg(c, NAS_PDU_SESSION_ESTABLISHMENT_REQUEST); /* comes back */
    core_sm(c, &m, NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE);
    assert_null(ue_session_find(c->ue, (uint8_t)psi));
    assert_true(core_last(c, UE_SESSION_FAILED)->is_gmm);
    assert_int_equal(core_last(c, UE_SESSION_FAILED)->cause, 91);
    /* nobody answers: five times, T3580 */
    ue_session_open(c->ue, &(struct ue_open){.dnn = "internet"});
    for (int i = 0; i < 4; i++)
        core_run(c, 16100000);
    assert_int_equal(c->ue->sessions->attempts, 5);
    core_run(c, 16100000);
    assert_null(c->ue->sessions);
    core_free(c);
}
static void modifies_and_releases(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    struct ue_session *s = core_session(c, NAS_PDU_IPV4);
    uint8_t psi = s->psi;
    assert_int_equal(ue_session_modify(c->ue, psi), OK);
    core_run(c, 5000);
    assert_int_equal(c->sm.type, NAS_PDU_SESSION_MODIFICATION_REQUEST);
    struct nas_msg m = core_sm_msg(c, NAS_PDU_SESSION_MODIFICATION_COMMAND);
    m.pdu_session_modification_command.has.session_ambr = 1;
    m.pdu_session_modification_command.session_ambr = (struct nas_ambr){nas_rate_of_kbps(7000), nas_rate_of_kbps(3000)};
    core_sm(c, &m, 0);
    assert_int_equal(c->sm.type, NAS_PDU_SESSION_MODIFICATION_COMPLETE);
    assert_int_equal(s->ambr_down_kbps, 7000);
    assert_int_equal(s->state, SM_ACTIVE);
    assert_int_equal(ue_session_modify(c->ue, psi), OK);
    core_run(c, 5000);
    m = core_sm_msg(c, NAS_PDU_SESSION_MODIFICATION_REJECT);
    m.pdu_session_modification_reject.gsm_cause = 31;
    core_sm(c, &m, 0);
    assert_int_equal(s->state, SM_ACTIVE);
    assert_int_equal(ue_session_close(c->ue, psi), OK);
    core_run(c, 5000);
    assert_int_equal(c->sm.type, NAS_PDU_SESSION_RELEASE_REQUEST);
    assert_int_equal(ue_session_close(c->ue, psi), ERR_STATE);
    m = core_sm_msg(c, NAS_PDU_SESSION_RELEASE_COMMAND);
    m.pdu_session_release_command.gsm_cause = 36;
    core_sm(c, &m, 0);
    assert_int_equal(c->sm.type, NAS_PDU_SESSION_RELEASE_COMPLETE);
    assert_null(ue_session_find(c->ue, psi));
    assert_int_equal(core_last(c, UE_SESSION_DOWN)->cause, 36);
    core_sm(c, &m, 0); /* again: answered, nothing else */
    assert_int_equal(c->sm.type, NAS_PDU_SESSION_RELEASE_COMPLETE);
    m = core_sm_msg(c, NAS_PDU_SESSION_MODIFICATION_COMMAND); /* of a session that there is not */
    core_sm(c, &m, 0);
    assert_int_equal(c->sm.type, NAS_GSM_STATUS);
    assert_int_equal(c->sm.gsm_status.gsm_cause, 43);
    core_free(c);
}
static void released_by_network_with_bearer(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    core_session(c, NAS_PDU_IPV4);
    static const struct ngap_PDUSessionResourceReleaseCommandTransfer t = {.cause = {.sel = NGAP_Cause_nas}};
    uint8_t buf[64];
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceReleaseCommandTransfer, &t, buf, sizeof buf);
    struct ngap_PDUSessionResourceToReleaseItemRelCmd item = {.pDUSessionID = 1};
    struct ngap_PDUSessionResourceReleaseCommand m = {.AMF_UE_NGAP_ID = c->amf_id, .RAN_UE_NGAP_ID = c->ran_id};
    item.pDUSessionResourceReleaseCommandTransfer = (struct bytes){buf, (uint32_t)n};
    m.PDUSessionResourceToReleaseListRelCmd.v = &item;
    m.PDUSessionResourceToReleaseListRelCmd.n = 1;
    core_ngap(c, NGAP_MSG_PDUSessionResourceReleaseCommand, &m);
    core_run(c, 5000);
    assert_int_equal(c->seen_ngap[NGAP_MSG_PDUSessionResourceReleaseResponse], 1);
    assert_int_equal(c->ran.bearers.used, 0);
    assert_null(c->ue->sessions->bearer);
    core_free(c);
}

static void serve(struct core *c) /* answers a service request with the session's bearer */
{
    static const uint8_t sst = 1;
    uint8_t transfer[256];
    struct nas_msg m = core_msg(NAS_SERVICE_ACCEPT);
    m.service_accept.has.pdu_session_status = 1;
    m.service_accept.pdu_session_status = 1 << 1;
    struct ngap_PDUSessionResourceSetupItemCxtReq item = {.pDUSessionID = 1, .s_NSSAI.sST = {&sst, 1}};
    item.pDUSessionResourceSetupRequestTransfer = core_transfer(transfer, sizeof transfer);
    struct ngap_PDUSessionResourceSetupListCxtReq list = {&item, 1};
    core_context(c, &m, &list);
}
static void idle_service_and_paging(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    struct ue_session *s = core_session(c, NAS_PDU_IPV4);
    struct gnb_ue *l = c->ue->link;
    assert_int_equal(gnb_ue_release_request(l, NGAP_CauseRadioNetwork_user_inactivity), OK);
    core_run(c, 5000);
    const struct ngap_UEContextReleaseRequest *r = c->ngap.value;
    assert_int_equal(r->PDUSessionResourceListCxtRelReq.n, 1);
    core_release(c);
    assert_null(c->ue->link);
    assert_null(s->bearer);
    assert_int_equal(c->ran.bearers.used, 0);
    /* uplink data in idle */
    struct net_addr far = addr_v4(0x08080808, 0);
    assert_int_equal(ue_ping(c->ue, 1, &far, 8), OK);
    core_run(c, 5000);
    assert_int_equal(c->up.type, NAS_SERVICE_REQUEST);
    assert_int_equal(c->last_header, NAS_INTEGRITY);
    assert_int_equal(c->up.service_request.service_type, NAS_SERVICE_DATA);
    assert_true(c->container_seen);
    assert_int_equal(c->inner.service_request.uplink_data_status, 2);
    assert_int_equal(c->inner.service_request.pdu_session_status, 2);
    assert_int_equal(c->n_n3, 0);
    serve(c);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    assert_int_equal(core_count(c, UE_SERVICE_ACCEPTED), 1);
    assert_int_equal(c->n_n3, 1); /* what was held */
    core_release(c);
    /* paging: in another area nobody is meant */
    static const uint8_t set[2] = {0, 0x40}, pointer = 0;
    uint8_t tmsi[4], tac[3] = {0, 0, 9};
    put_be32(tmsi, c->ue->usim.guti.tmsi);
    struct ngap_TAIListForPagingItem item = {.tAI = {.pLMNIdentity = {TA1.plmn, 3}, .tAC = {tac, 3}}};
    struct ngap_Paging p = {.UEPagingIdentity = {.sel = NGAP_UEPagingIdentity_fiveG_S_TMSI}, .TAIListForPaging = {&item, 1}};
    p.has.UEPagingIdentity = p.has.TAIListForPaging = 1;
    p.UEPagingIdentity.fiveG_S_TMSI = (struct ngap_FiveG_S_TMSI){.aMFSetID = {set, 10}, .aMFPointer = {&pointer, 6}, .fiveG_TMSI = {tmsi, 4}};
    c->last_assoc = c->assoc[0];
    core_ngap(c, NGAP_MSG_Paging, &p);
    core_run(c, 5000);
    assert_int_equal(c->ran.counters.paging_hits, 0);
    tac[2] = 1;
    core_ngap(c, NGAP_MSG_Paging, &p);
    core_run(c, 5000);
    assert_int_equal(c->ran.counters.paging_hits, 1);
    assert_int_equal(c->up.service_request.service_type, NAS_SERVICE_MOBILE_TERMINATED);
    serve(c);
    assert_int_equal(core_count(c, UE_SERVICE_ACCEPTED), 2);
    assert_non_null(s->bearer);
    /* the network has lost the session meanwhile */
    core_release(c);
    ue_service(c->ue);
    core_run(c, 5000);
    struct nas_msg m = core_msg(NAS_SERVICE_ACCEPT);
    m.service_accept.has.pdu_session_status = 1;
    core_nas(c, &m, NAS_CIPHERED);
    assert_null(c->ue->sessions);
    assert_int_equal(core_count(c, UE_SESSION_DOWN), 1);
    core_free(c);
}
static void service_refused(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    core_release(c);
    ue_service(c->ue);
    core_run(c, 5000);
    struct nas_msg m = core_msg(NAS_SERVICE_REJECT);
    m.service_reject.gmm_cause = 9;
    core_nas(c, &m, NAS_PLAIN);
    assert_int_equal(c->ue->state, MM_DEREGISTERED);
    assert_false(c->ue->usim.has_guti);
    core_release(c); /* comes back as a stranger */
    assert_int_equal(c->up.type, NAS_REGISTRATION_REQUEST);
    assert_int_equal(c->up.registration_request.fivegs_mobile_identity.type, NAS_ID_SUCI);
    core_free(c);
    c = core_new(NULL);
    core_register(c);
    core_release(c);
    ue_service(c->ue);
    core_run(c, 16000000); /* T3517 */
    assert_int_equal(core_count(c, UE_SERVICE_FAILED), 1);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    core_free(c);
}
static void ipv6_by_advertisement(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    struct ue_session *s = core_session(c, NAS_PDU_IPV6);
    assert_int_equal(c->n3_last[40], 133); /* router solicitation */
    uint8_t ra[40 + 16 + 32] = {0x60, [6] = 58, [7] = 255, [8] = 0xfe, 0x80, [23] = 1, [24] = 0xff, 2, [39] = 1};
    put_be16(ra + 4, 48);
    ra[40] = 134;
    uint8_t *o = ra + 56;
    o[0] = 3;
    o[1] = 4;
    o[2] = 64;
    o[3] = 0x40;
    memcpy(o + 16, "\xfd\x00\x00\x10\x00\x45\x00\x01", 8);
    struct bytes packet = BYTES_OF(ra);
    o[1] = 0; /* a length of 0 ends nowhere: ignored */
    core_n3_send(c, s->bearer->teid, packet);
    assert_false(s->has_prefix);
    o[1] = 4;
    core_n3_send(c, s->bearer->teid, packet);
    assert_true(s->has_prefix);
    assert_int_equal(core_count(c, UE_ADDRESS6), 1);
    uint8_t ours[16], buf[256];
    assert_true(ue_session_addr6(s, ours));
    assert_int_equal(ours[15], 9);
    struct net_addr from = {.family = 6, .ip = {0x20, 1, [15] = 1}}, to = {.family = 6};
    memcpy(to.ip, ours, 16);
    uint32_t n = echo_request(&from, &to, 1, 2, 40, buf, sizeof buf);
    core_n3_send(c, s->bearer->teid, (struct bytes){buf, n});
    assert_int_equal(c->n3_last[40], 129);
    assert_int_equal(ue_ping(c->ue, s->psi, &from, 32), OK);
    core_run(c, 2000);
    n = echo_answer((struct bytes){c->n3_last, c->n3_last_n}, buf, sizeof buf);
    assert_true(n > 0); /* its checksum is right */
    core_n3_send(c, s->bearer->teid, (struct bytes){buf, n});
    assert_int_equal(core_count(c, UE_PING_REPLY), 1);
    core_free(c);
}
static void losses(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    core_session(c, NAS_PDU_IPV4);
    uint8_t out[32];
    struct net_addr to = addr_v4(0x0a000010, GTPU_PORT);
    int n = gtpu_echo_request(out, sizeof out, 77);
    c->env->ops->udp_send(c->env, c->n3, &to, (struct bytes){out, (uint32_t)n});
    core_run(c, 2000);
    assert_int_equal(c->n3_head.type, GTPU_ECHO_RESPONSE);
    assert_int_equal(c->n3_head.seq, 77);
    ue_lose_radio(c->ue); /* a tunnel swallows the phone: the gNB tells the AMF, nothing can be delivered */
    core_run(c, 5000);
    assert_int_equal(c->seen_ngap[NGAP_MSG_UEContextReleaseRequest], 1);
    struct nas_msg m = core_msg(NAS_IDENTITY_REQUEST);
    core_nas(c, &m, NAS_CIPHERED);
    assert_int_equal(c->seen_ngap[NGAP_MSG_NASNonDeliveryIndication], 1);
    core_release(c);
    assert_int_equal(c->ran.links.used, 0);
    core_release(c); /* unknown by now */
    assert_int_equal(c->seen_ngap[NGAP_MSG_ErrorIndication], 1);
    ue_service(c->ue);
    core_run(c, 5000);
    cell_vanish(&c->cell[0]); /* and the gNB dies */
    assert_null(c->ue->link);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    assert_int_equal(core_count(c, UE_SERVICE_FAILED), 1);
    core_free(c);
}
static void faults(void **state)
{
    struct core *c = core_new(NULL);
    c->ue->faults.drop_up = NAS_REGISTRATION_REQUEST;
    ue_register(c->ue);
    core_run(c, 5000);
    assert_int_equal(c->n_up, 0);
    core_run(c, 26000000); /* T3510, T3511 */
    assert_int_equal(c->n_up, 1);
    core_free(c);
}

int main(void)
{
    return RUN(unit(establishes), unit(refused_and_not_forwarded), unit(modifies_and_releases),
               unit(released_by_network_with_bearer), unit(idle_service_and_paging), unit(service_refused),
               unit(ipv6_by_advertisement), unit(losses), unit(faults));
}
