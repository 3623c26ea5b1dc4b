/* SPDX-License-Identifier: Apache-2.0 */
/* What a phone may do wrong, each refused with its cause and nothing left behind: TS 24.501, TS 33.501. */
#include "tests/net/net.h"

static const uint8_t NO_CAUSE = 0;
static uint8_t registered_as(struct net *n, struct ue *ue) /* the cause of the reject; 0: registered or none */
{
    ue_register(ue);
    net_run_until(n, ue->state == MM_REGISTERED || n->count[UE_REGISTRATION_FAILED], 8 * NET_S);
    net_run(n, 200 * NET_MS);
    return n->count[UE_REGISTRATION_FAILED] ? n->last[UE_REGISTRATION_FAILED].cause : NO_CAUSE;
}
static void nothing_left(struct net *n)
{
    net_run(n, 15 * NET_S);
    assert_int_equal(n->amf->ues->registered, 0);
    assert_int_equal(n->amf->ues->conns.used, 0);
    assert_int_equal(n->core.procs_running, 0);
    assert_int_equal(n->core.calls_open, 0);
}
static void stranger(struct ue_config *u, uint32_t i) { u->usim.imsi = "001019999999999"; }
static void unknown_subscriber(void **state)
{
    struct net *n = net_new((struct net_options){.phone = stranger});
    uint8_t cause = registered_as(n, n->ue[0]);
    assert_true(cause == NAS_GMM_CAUSE_ILLEGAL_UE || cause == NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED ||
                cause == NAS_GMM_CAUSE_PLMN_NOT_ALLOWED);
    assert_int_equal(n->ue[0]->state, MM_DEREGISTERED);
    nothing_left(n);
    net_free(n);
}
static void wrong(struct ue_config *u, uint32_t i) { u->usim.key.k[5] ^= 1; }
static void wrong_key(void **state)
{
    for (int eap = 0; eap < 2; eap++) {
        struct net *n = net_new((struct net_options){.phone = wrong, .eap = eap});
        uint8_t cause = registered_as(n, n->ue[0]);
        assert_int_equal(cause, NAS_GMM_CAUSE_ILLEGAL_UE); /* AUTHENTICATION REJECT leads there */
        nothing_left(n);
        net_free(n);
    }
}
static void none(struct ue_config *u, uint32_t i) { u->no_algorithms = true; }
static void no_algorithms(void **state)
{
    struct net *n = net_new((struct net_options){.phone = none});
    uint8_t cause = registered_as(n, n->ue[0]);
    assert_int_equal(cause, NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH);
    nothing_left(n);
    net_free(n);
}
static void altered_capabilities(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 1});
    n->ue[0]->faults.altered_capabilities = true;
    registered_as(n, n->ue[0]);
    assert_int_not_equal(n->ue[0]->state, MM_REGISTERED);
    assert_int_equal(n->amf->ues->registered, 0);
    net_free(n);
}
static void slices(struct ue_config *u, uint32_t i) { u->slices[0] = (struct gnb_slice){.sst = 77}; }
static void slice_not_there(void **state)
{
    struct net *n = net_new((struct net_options){.phone = slices});
    uint8_t cause = registered_as(n, n->ue[0]);
    /* the default slice instead, or none at all */
    assert_true(cause == NAS_GMM_CAUSE_NO_NETWORK_SLICES_AVAILABLE ||
                (n->ue[0]->state == MM_REGISTERED && n->ue[0]->allowed[0].sst == 1));
    net_run(n, NET_S);
    net_agree(n);
    net_free(n);
}
/* Once secure: plain, forged and replayed messages do nothing; the phone's real ones still do. */
static void plain_forged_replayed(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 2});
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    for (int i = 0; i < 3; i++) {
        uint8_t *fault = i == 0 ? &ue->faults.plain : i == 1 ? &ue->faults.bad_mac : &ue->faults.replay;
        *fault = NAS_UL_NAS_TRANSPORT;
        assert_int_equal(ue_session_modify(ue, s->psi), OK);
        net_run(n, 500 * NET_MS);
        if (i < 2)
            assert_int_equal(s->state, SM_MODIFICATION_PENDING); /* not answered */
        net_run(n, 20 * NET_S);
        assert_int_equal(s->state, SM_ACTIVE); /* T3581: said again, and rightly */
        assert_int_equal(n->amf->ues->registered, 1);
    }
    net_ping(n, s, "8.8.8.8");
    net_run(n, NET_S);
    net_agree(n);
    /* a deregistration that is not the phone's own */
    ue->faults.plain = NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING;
    ue_deregister(ue, false);
    net_run(n, NET_S);
    assert_int_equal(n->amf->ues->registered, 1);
    assert_true(net_run_until(n, ue->state == MM_DEREGISTERED, 20 * NET_S));
    net_free(n);
}
/* In idle: somebody else's service request with the phone's identity. */
static void forged_from_idle(void **state)
{
    for (int plain = 0; plain < 2; plain++) {
        struct net *n = net_new((struct net_options){.seed = 3});
        struct ue *ue = n->ue[0];
        net_register(n, ue);
        net_session(n, ue, "internet", NAS_PDU_IPV4);
        net_idle(n, ue);
        *(plain ? &ue->faults.plain : &ue->faults.bad_mac) = NAS_SERVICE_REQUEST;
        ue_service(ue);
        net_run(n, 500 * NET_MS);
        assert_int_equal(n->count[UE_SERVICE_ACCEPTED], 0);
        net_run(n, 40 * NET_S); /* #9, and the phone is back as a stranger that proves itself */
        assert_int_equal(ue->state, MM_REGISTERED);
        net_agree(n);
        net_free(n);
    }
}
static uint8_t session_cause(struct net *n, const struct ue_open *o, bool *is_gmm)
{
    uint32_t before = n->count[UE_SESSION_FAILED];
    assert_true(ue_session_open(n->ue[0], o) > 0);
    assert_true(net_run_until(n, n->count[UE_SESSION_FAILED] > before, 5 * NET_S));
    net_run(n, 300 * NET_MS);
    *is_gmm = n->last[UE_SESSION_FAILED].is_gmm;
    return n->last[UE_SESSION_FAILED].cause;
}
static void sessions_refused(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 4, .more = NULL});
    struct ue *ue = n->ue[0];
    bool is_gmm;
    net_register(n, ue);
    uint8_t cause = session_cause(n, &(struct ue_open){.dnn = "nowhere", .has_slice = true, .slice = {.sst = 1}}, &is_gmm);
    assert_true(is_gmm ? cause == NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE
                       : cause == NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN || cause == NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN_IN_A_SLICE);
    cause = session_cause(n, &(struct ue_open){.dnn = "internet", .has_slice = true, .slice = {.sst = 99}}, &is_gmm);
    assert_int_not_equal(cause, 0);
    cause = session_cause(n, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_ETHERNET, .has_slice = true, .slice = {.sst = 1}}, &is_gmm);
    assert_false(is_gmm);
    assert_true(cause == NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE || cause == NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED);
    net_agree(n);
    net_ping(n, net_session(n, ue, "internet", NAS_PDU_IPV4), "8.8.8.8"); /* and what is right still works */
    net_agree(n);
    net_free(n);
}
static void too_many_sessions(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 5, .phones = 4});
    struct ue *ue = n->ue[0];
    bool is_gmm;
    net_register(n, ue);
    for (int i = 0; i < 8; i++) /* smf.max_sessions_per_ue */
        net_session(n, ue, "internet", NAS_PDU_IPV4);
    uint8_t cause = session_cause(n, &(struct ue_open){.dnn = "internet", .has_slice = true, .slice = {.sst = 1}}, &is_gmm);
    assert_true(cause == NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES || (is_gmm && cause == NAS_GMM_CAUSE_MAXIMUM_NUMBER_OF_PDU_SESSIONS_REACHED));
    net_agree(n);
    net_free(n);
}
/* The identity of a session that is there: the old one goes (TS 23.502 4.3.2.2.1), the network is left with one. */
static void duplicate_identity(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 6});
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    uint8_t psi = s->psi;
    ue_session_free(s); /* the phone forgets it without a word */
    s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    assert_int_equal(s->psi, psi);
    net_run(n, 2 * NET_S);
    net_ping(n, s, "8.8.8.8");
    net_agree(n);
    net_free(n);
}
/* The store refuses: registration is refused, the core stays, and all is well once it is back. */
static void store_fails(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 7, .phones = 2});
    net_register(n, n->ue[0]);
    store_memory_fail(n->store, "disk full", true);
    registered_as(n, n->ue[1]);
    assert_int_not_equal(n->ue[1]->state, MM_REGISTERED);
    assert_int_equal(n->ue[0]->state, MM_REGISTERED);
    store_memory_fail(n->store, NULL, false);
    n->ue[1]->usim.is_invalid = false;
    net_run(n, 40 * NET_S);
    ue_register(n->ue[1]);
    assert_true(net_run_until(n, n->ue[1]->state == MM_REGISTERED, 60 * NET_S));
    net_run(n, NET_S);
    net_agree(n);
    net_free(n);
}
int main(void)
{
    return RUN(unit(unknown_subscriber), unit(wrong_key), unit(no_algorithms), unit(altered_capabilities), unit(slice_not_there),
               unit(plain_forged_replayed), unit(forged_from_idle), unit(sessions_refused), unit(too_many_sessions),
               unit(duplicate_identity), unit(store_fails));
}
