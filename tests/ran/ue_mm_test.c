/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's 5GMM against a scripted core: TS 24.501 clause 5. */
#include "crypto/eap_aka.h"
#include "tests/ran/core.h"

static void registers(void **state)
{
    struct core *c = core_new(NULL);
    assert_int_equal(ue_register(c->ue), OK);
    core_run(c, 5000);
    const struct nas_registration_request *r = &c->up.registration_request;
    assert_int_equal(c->last_header, NAS_PLAIN);
    assert_true(nas_is_cleartext_only(&c->up)); /* 4.4.6 */
    assert_int_equal(r->ngksi.value, NAS_KSI_NONE);
    assert_int_equal(r->fivegs_mobile_identity.type, NAS_ID_SUCI);
    char text[64];
    assert_true(nas_suci_supi(&r->fivegs_mobile_identity.suci, text, sizeof text) > 0);
    assert_string_equal(text, "imsi-001010000000001");
    core_challenge(c, 1);
    assert_memory_equal(c->up.authentication_response.authentication_response_parameter.p, c->xres_star, 16);
    core_security_mode(c, 2, 2);
    assert_int_equal(c->last_header, NAS_CIPHERED_NEW);
    assert_string_equal(c->up.security_mode_complete.imeisv.digits, "4370816125816151");
    assert_true(c->container_seen);
    assert_int_equal(c->inner.type, NAS_REGISTRATION_REQUEST);
    assert_int_equal(c->inner.registration_request.ngksi.value, NAS_KSI_NONE);
    assert_int_equal(c->inner.registration_request.requested_nssai.n, 1);
    struct nas_msg accept = core_accept();
    core_context(c, &accept, NULL);
    assert_int_equal(c->up.type, NAS_REGISTRATION_COMPLETE);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    assert_int_equal(core_count(c, UE_REGISTERED), 1);
    assert_int_equal(c->ran.counters.context_setups, 1);
    assert_int_equal(c->ran.counters.key_mismatches, 0);
    assert_int_equal(c->seen_ngap[NGAP_MSG_InitialContextSetupResponse], 1);
    assert_int_equal(c->seen_ngap[NGAP_MSG_UERadioCapabilityInfoIndication], 1);
    core_nas(c, &accept, NAS_CIPHERED); /* its answer was lost: answered again */
    assert_int_equal(c->up.type, NAS_REGISTRATION_COMPLETE);
    assert_int_equal(core_count(c, UE_REGISTERED), 1);
    core_release(c);
    assert_null(c->ue->link);
    assert_true(timer_is_running(&c->ue->t3512));
    core_free(c);
}
static void registers_by_eap(void **state)
{
    struct core *c = core_new(NULL);
    struct eap_aka q;
    c->use_eap = true;
    ue_register(c->ue);
    core_run(c, 5000);
    core_challenge(c, 2);
    assert_true(c->up.authentication_response.has.eap_message);
    assert_int_equal(eap_aka_parse(c->up.authentication_response.eap_message, &q), OK);
    assert_int_equal(q.subtype, EAP_AKA_CHALLENGE);
    assert_int_equal(eap_aka_check_mac(c->crypto, c->eap_k_aut, c->up.authentication_response.eap_message, &q), OK);
    core_security_mode(c, 1, 3);
    struct nas_msg accept = core_accept();
    core_context(c, &accept, NULL);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    core_free(c);
    c = core_new(NULL); /* and what EAP says to a stale number and to a wrong key */
    c->use_eap = true;
    c->ue->usim.sqns.seq[0] = 0x100000;
    ue_register(c->ue);
    core_run(c, 5000);
    core_challenge(c, 2);
    assert_int_equal(eap_aka_parse(c->up.authentication_response.eap_message, &q), OK);
    assert_int_equal(q.subtype == EAP_AKA_SYNC_FAILURE || q.subtype == EAP_AKA_CHALLENGE, 1);
    c->key.k[0] ^= 1;
    core_challenge(c, 3);
    assert_int_equal(eap_aka_parse(c->up.authentication_response.eap_message, &q), OK);
    assert_int_equal(q.subtype, EAP_AKA_AUTH_REJECT);
    core_free(c);
}
static void conceals(void **state)
{
    struct ue_config u = core_phone();
    struct crypto *crypto;
    struct hn_key *hn, *pub;
    uint8_t random[32] = {9}, raw[33], plain[16];
    assert_int_equal(crypto_init(&crypto), OK);
    for (enum suci_scheme s = SUCI_PROFILE_A; s <= SUCI_PROFILE_B; s++) {
        assert_int_equal(hn_key_generate(crypto, s, random, &hn), OK);
        int n = hn_key_public(hn, raw);
        assert_int_equal(hn_key_public_raw(crypto, s, (struct bytes){raw, (uint32_t)n}, &pub), OK);
        u.usim.hn = pub;
        u.usim.hn_id = 7;
        struct core *c = core_new(&u);
        ue_register(c->ue);
        core_run(c, 5000);
        const struct nas_suci *suci = &c->up.registration_request.fivegs_mobile_identity.suci;
        assert_int_equal(suci->scheme, s);
        assert_int_equal(suci->key_id, 7);
        assert_int_equal(suci_deconceal(crypto, hn, suci->output, plain, sizeof plain), 5);
        assert_memory_equal(plain, "\x00\x00\x00\x00\x10", 5);
        uint8_t first[64];
        uint32_t first_n = suci->output.n;
        memcpy(first, suci->output.p, first_n);
        struct nas_msg ask = core_msg(NAS_IDENTITY_REQUEST); /* the same one within a procedure: T3519 */
        ask.identity_request.identity_type = NAS_ID_SUCI;
        core_nas(c, &ask, NAS_PLAIN);
        assert_int_equal(c->up.type, NAS_IDENTITY_RESPONSE);
        assert_memory_equal(c->up.identity_response.mobile_identity.suci.output.p, first, first_n);
        ask.identity_request.identity_type = NAS_ID_IMEI; /* but not to anybody, 4.4.4.2 */
        uint32_t n_up = c->n_up;
        core_nas(c, &ask, NAS_PLAIN);
        assert_int_equal(c->n_up, n_up);
        core_free(c);
        hn_key_free(hn);
        hn_key_free(pub);
    }
    crypto_free(crypto);
}

static void refuses_a_network_that_does_not_know_its_key(void **state)
{
    struct core *c = core_new(NULL);
    c->key.k[3] ^= 1;
    ue_register(c->ue);
    core_run(c, 5000);
    for (uint8_t i = 0; i < 3; i++) {
        core_challenge(c, i);
        assert_int_equal(c->up.type, NAS_AUTHENTICATION_FAILURE);
        assert_int_equal(c->up.authentication_failure.gmm_cause, NAS_GMM_CAUSE_MAC_FAILURE);
    }
    core_run(c, 100000); /* the third: the cell is left (5.4.1.3.7) */
    assert_null(c->ue->link);
    assert_int_equal(core_count(c, UE_REGISTRATION_FAILED), 1);
    assert_int_equal(c->seen_ngap[NGAP_MSG_UEContextReleaseRequest], 1);
    core_free(c);
}
static void resynchronises(void **state)
{
    struct ue_config u = core_phone();
    u.usim.sqn = 0x40000;
    struct core *c = core_new(&u);
    ue_register(c->ue);
    core_run(c, 5000);
    core_challenge(c, 1);
    assert_int_equal(c->up.authentication_failure.gmm_cause, NAS_GMM_CAUSE_SYNCH_FAILURE);
    assert_int_equal(c->up.authentication_failure.authentication_failure_parameter.n, 14);
    assert_int_equal(c->ue->auth_failures, 1);
    c->sqn = 0x50000;
    core_challenge(c, 1);
    assert_int_equal(c->up.type, NAS_AUTHENTICATION_RESPONSE);
    assert_int_equal(c->ue->auth_failures, 0);
    core_security_mode(c, 2, 2);
    assert_int_equal(c->up.type, NAS_SECURITY_MODE_COMPLETE);
    core_free(c);
}
static void same_challenge_same_answer(void **state)
{
    struct core *c = core_new(NULL);
    uint8_t first[16];
    ue_register(c->ue);
    core_run(c, 5000);
    core_challenge(c, 1);
    memcpy(first, c->up.authentication_response.authentication_response_parameter.p, 16);
    uint32_t n = c->n_up;
    core_again(c); /* T3560 of the network: T3516 keeps the answer */
    assert_int_equal(c->n_up, n + 1);
    assert_int_equal(c->up.type, NAS_AUTHENTICATION_RESPONSE);
    assert_memory_equal(c->up.authentication_response.authentication_response_parameter.p, first, 16);
    core_security_mode(c, 2, 2);
    assert_int_equal(c->up.type, NAS_SECURITY_MODE_COMPLETE);
    core_free(c);
}

static void security_mode_is_checked(void **state)
{
    static const struct {
        uint8_t nea, nia, ea, ia, cause;
        bool altered, wrong_key;
    } row[] = {{2, 0, 0xf0, 0xf0, 24, false, false}, {3, 2, 0xc0, 0xf0, 23, false, false},
               {2, 2, 0xf0, 0xf0, 23, true, false},  {2, 2, 0xf0, 0xf0, 24, false, true}};
    for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
        struct ue_config u = core_phone();
        u.ea = row[i].ea;
        u.ia = row[i].ia;
        struct core *c = core_new(&u);
        c->ue->faults.altered_capabilities = row[i].altered;
        ue_register(c->ue);
        core_run(c, 5000);
        core_challenge(c, 1);
        if (row[i].wrong_key)
            c->sec.kamf[0] ^= 1;
        core_security_mode(c, row[i].nea, row[i].nia);
        assert_int_equal(c->up.type, NAS_SECURITY_MODE_REJECT);
        assert_int_equal(c->up.security_mode_reject.gmm_cause, row[i].cause);
        assert_false(c->ue->secure);
        core_free(c);
    }
}
static void nothing_plain_when_secure(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    uint32_t n = c->n_up;
    uint64_t discarded = c->ran.counters.nas_discarded;
    struct nas_msg m = core_msg(NAS_IDENTITY_REQUEST);
    m.identity_request.identity_type = NAS_ID_SUCI;
    core_nas(c, &m, NAS_PLAIN);
    struct nas_msg reject = core_msg(NAS_REGISTRATION_REJECT);
    reject.registration_reject.gmm_cause = 3;
    core_nas(c, &reject, NAS_PLAIN);
    assert_int_equal(c->n_up, n);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    uint8_t out[256];
    struct bytes sealed = core_seal(c, &m, NAS_CIPHERED, out, sizeof out);
    out[3] ^= 1;
    core_raw(c, sealed); /* wrong MAC */
    core_run(c, 5000);
    assert_int_equal(c->n_up, n);
    out[3] ^= 1;
    core_raw(c, sealed);
    core_run(c, 5000);
    assert_int_equal(c->n_up, n + 1);
    core_raw(c, sealed); /* a replay */
    core_run(c, 5000);
    assert_int_equal(c->n_up, n + 1);
    assert_int_equal(c->ran.counters.nas_discarded, discarded + 4);
    core_free(c);
}

static void rejects(void **state)
{
    static const struct {
        uint8_t cause, state, sub;
        bool protect, invalid;
    } row[] = {{3, MM_DEREGISTERED, MM_NO_SUPI, true, true},
               {3, MM_DEREGISTERED, MM_LIMITED_SERVICE, false, false},
               {11, MM_DEREGISTERED, MM_LIMITED_SERVICE, true, false},
               {12, MM_DEREGISTERED, MM_LIMITED_SERVICE, true, false},
               {62, MM_DEREGISTERED, MM_LIMITED_SERVICE, true, false},
               {111, MM_DEREGISTERED, MM_ATTEMPTING, true, false},
               {22, MM_DEREGISTERED, MM_ATTEMPTING, true, false}};
    for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
        struct core *c = core_new(NULL);
        ue_register(c->ue);
        core_run(c, 5000);
        core_challenge(c, 1);
        if (row[i].protect)
            core_security_mode(c, 2, 2);
        struct nas_msg m = core_msg(NAS_REGISTRATION_REJECT);
        m.registration_reject.gmm_cause = row[i].cause;
        core_nas(c, &m, row[i].protect ? NAS_CIPHERED : NAS_PLAIN);
        assert_int_equal(c->ue->state, row[i].state);
        assert_int_equal(c->ue->sub, row[i].sub);
        assert_int_equal(c->ue->usim.is_invalid, row[i].invalid);
        assert_int_equal(core_last(c, UE_REGISTRATION_FAILED)->cause, row[i].cause);
        assert_int_equal(ue_register(c->ue), row[i].invalid ? ERR_STATE : OK);
        core_free(c);
    }
}
static void tries_again_and_gives_up(void **state)
{
    struct core *c = core_new(NULL);
    ue_register(c->ue);
    core_run(c, 4000000);
    assert_int_equal(c->n_initial, 1);
    core_run(c, 12000000); /* T3510: nobody answers */
    assert_int_equal(c->ue->attempts, 1);
    assert_int_equal(c->ue->sub, MM_ATTEMPTING);
    for (uint32_t i = 2; i <= 5; i++) { /* T3511 */
        core_run(c, 25500000);
        assert_int_equal(c->n_initial, i);
    }
    core_run(c, 20000000);
    assert_int_equal(c->ue->attempts, 5);
    uint32_t n = c->n_initial;
    core_run(c, 600000000ull); /* T3502: 12 minutes */
    assert_int_equal(c->n_initial, n);
    core_run(c, 200000000ull);
    assert_true(c->n_initial > n);
    core_free(c);
}

static void periodic_and_mobility(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    core_release(c);
    core_run(c, 3600ull * 1000000 + 100000);
    assert_int_equal(c->up.type, NAS_REGISTRATION_REQUEST);
    assert_int_equal(c->last_header, NAS_INTEGRITY);
    assert_int_equal(c->up.registration_request.fivegs_registration_type.value, NAS_REG_PERIODIC);
    assert_int_equal(c->up.registration_request.ngksi.value, 1);
    assert_int_equal(c->up.registration_request.fivegs_mobile_identity.type, NAS_ID_GUTI);
    assert_true(c->container_seen);
    assert_true(c->inner.registration_request.has.pdu_session_status);
    struct nas_msg accept = core_accept();
    core_nas(c, &accept, NAS_CIPHERED);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    core_release(c);
    ue_camp(c->ue, &c->cell[1]); /* another tracking area */
    core_run(c, 5000);
    assert_int_equal(c->up.registration_request.fivegs_registration_type.value, NAS_REG_MOBILITY);
    assert_int_equal(c->inner.registration_request.last_visited_registered_tai.tac, 1);
    core_context(c, &accept, NULL); /* KgNB from the COUNT of the request */
    assert_int_equal(c->ran.counters.key_mismatches, 0);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    assert_int_equal(c->ue->usim.tai.tac, 2);
    core_free(c);
}
static void deregisters(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    assert_int_equal(ue_deregister(c->ue, false), OK);
    core_run(c, 5000);
    assert_int_equal(c->up.type, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    core_run(c, 15100000); /* T3521: asked again */
    assert_int_equal(c->ue->deregister_attempts, 1);
    struct nas_msg m = core_msg(NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING);
    core_nas(c, &m, NAS_CIPHERED);
    assert_int_equal(c->ue->state, MM_DEREGISTERED);
    core_release(c);
    assert_int_equal(ue_register(c->ue), OK); /* with its GUTI and context */
    core_run(c, 5000);
    assert_int_equal(c->last_header, NAS_INTEGRITY);
    assert_int_equal(c->up.registration_request.fivegs_mobile_identity.type, NAS_ID_GUTI);
    struct nas_msg accept = core_accept();
    core_nas(c, &accept, NAS_CIPHERED);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    assert_int_equal(ue_deregister(c->ue, true), OK);
    core_run(c, 5000);
    assert_true(c->up.deregistration_request_ue_originating.de_registration_type.switch_off);
    assert_int_equal(c->ue->state, MM_NULL);
    core_free(c);
}
static void worn_out_context(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    core_release(c);
    c->ue->current.count[NAS_UPLINK] = NAS_COUNT_MAX + 1;
    assert_int_equal(ue_update(c->ue, NAS_REG_PERIODIC), OK);
    core_run(c, 5000);
    assert_int_equal(c->last_header, NAS_PLAIN);
    assert_int_equal(c->up.registration_request.ngksi.value, NAS_KSI_NONE);
    core_free(c);
}
static void deregistered_by_the_network(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    struct nas_msg m = core_msg(NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    m.deregistration_request_ue_terminated.de_registration_type.access = NAS_ACCESS_3GPP;
    m.deregistration_request_ue_terminated.de_registration_type.re_registration = true;
    core_nas(c, &m, NAS_CIPHERED);
    assert_int_equal(c->up.type, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    assert_int_equal(c->ue->state, MM_DEREGISTERED);
    core_release(c); /* it comes back when the connection has gone */
    assert_int_equal(c->up.type, NAS_REGISTRATION_REQUEST);
    struct nas_msg accept = core_accept();
    core_nas(c, &accept, NAS_CIPHERED);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    m.deregistration_request_ue_terminated.de_registration_type.re_registration = false;
    m.deregistration_request_ue_terminated.has.gmm_cause = 1;
    m.deregistration_request_ue_terminated.gmm_cause = 7;
    core_nas(c, &m, NAS_CIPHERED);
    core_release(c);
    assert_int_equal(c->ue->state, MM_DEREGISTERED);
    assert_true(c->ue->usim.is_invalid);
    core_free(c);
}
static void configuration_and_identity(void **state)
{
    struct core *c = core_new(NULL);
    core_register(c);
    struct nas_msg m = core_msg(NAS_CONFIGURATION_UPDATE_COMMAND);
    m.configuration_update_command.has.configuration_update_indication = 1;
    m.configuration_update_command.configuration_update_indication = NAS_CONFIG_ACK;
    m.configuration_update_command.has.fiveg_guti = 1;
    m.configuration_update_command.fiveg_guti.type = NAS_ID_GUTI;
    m.configuration_update_command.fiveg_guti.guti = (struct nas_guti){PLMN, 2, 1, 0, 0xabcdef01};
    core_nas(c, &m, NAS_CIPHERED);
    assert_int_equal(c->up.type, NAS_CONFIGURATION_UPDATE_COMPLETE);
    assert_int_equal(c->ue->usim.guti.tmsi, 0xabcdef01);
    struct nas_msg ask = core_msg(NAS_IDENTITY_REQUEST);
    ask.identity_request.identity_type = NAS_ID_IMEISV;
    core_nas(c, &ask, NAS_CIPHERED);
    assert_string_equal(c->up.identity_response.mobile_identity.digits, "4370816125816151");
    struct nas_msg odd = core_msg(NAS_REGISTRATION_COMPLETE); /* not for a phone: 5GMM STATUS #97 */
    core_nas(c, &odd, NAS_CIPHERED);
    assert_int_equal(c->up.type, NAS_GMM_STATUS);
    assert_int_equal(c->up.gmm_status.gmm_cause, 97);
    core_free(c);
}
static void wrong_access_key_is_noticed(void **state)
{
    struct core *c = core_new(NULL);
    ue_register(c->ue);
    core_run(c, 5000);
    core_challenge(c, 1);
    core_security_mode(c, 2, 2);
    c->sec.last += 5;
    core_context(c, NULL, NULL);
    assert_int_equal(c->ran.counters.key_mismatches, 1);
    assert_int_equal(c->seen_ngap[NGAP_MSG_InitialContextSetupFailure], 1);
    core_free(c);
}

int main(void)
{
    return RUN(unit(registers), unit(registers_by_eap), unit(conceals), unit(refuses_a_network_that_does_not_know_its_key),
               unit(resynchronises), unit(same_challenge_same_answer), unit(security_mode_is_checked),
               unit(nothing_plain_when_secure), unit(rejects), unit(tries_again_and_gives_up),
               unit(periodic_and_mobility), unit(deregisters), unit(worn_out_context), unit(deregistered_by_the_network),
               unit(configuration_and_identity), unit(wrong_access_key_is_noticed));
}
