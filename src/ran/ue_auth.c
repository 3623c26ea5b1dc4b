/* SPDX-License-Identifier: Apache-2.0 */
/* ue_auth.c - authentication (TS 24.501 5.4.1) and security mode control (5.4.2) in the phone. */
#include "base/plmn.h"
#include "crypto/eap_aka.h"
#include "crypto/kdf.h"
#include "ran/ue.h"
#include <stdio.h>

enum { T3520_US = 15000000, AUTH_FAILURES_MAX = 3, SN_NAME = 40 };

/* TS 24.501 9.12.1, of the network that the phone camps on. */
static struct str sn_name(const struct ue *ue, char out[SN_NAME])
{
    char mcc[4], mnc[4];
    const struct gnb_ta *ta = &ue->cell->gnb.config.tas[0];
    plmn_text(ta->plmn, mcc, mnc);
    int n = snprintf(out, SN_NAME, "5G:mnc%s%s.mcc%s.3gppnetwork.org", mnc[2] ? "" : "0", mnc, mcc);
    return (struct str){out, (uint32_t)n};
}
void ue_contexts_forget(struct ue *ue)
{
    nas_security_wipe(&ue->current);
    nas_security_wipe(&ue->fresh);
    ue->has_fresh = ue->has_rand = false;
    ue->current.ksi = NAS_KSI_NONE;
}

/* ---- failure ---- */
static void t3520_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t3520);
    ue_lose_radio(ue); /* 5.4.1.3.7 g: the network did not prove itself; the procedure fails with the connection */
}
static void failure(struct ue *ue, uint8_t cause, const uint8_t auts[14])
{
    struct nas_msg m;
    struct rt *rt = ue->ran->rt;
    nas_msg_init(&m, NAS_AUTHENTICATION_FAILURE);
    m.authentication_failure.gmm_cause = cause;
    m.authentication_failure.has.authentication_failure_parameter = auts != NULL;
    m.authentication_failure.authentication_failure_parameter = (struct bytes){auts, 14};
    ue->auth_failures++;
    ue->has_rand = false;
    ue_send(ue, &m);
    timer_stop(&rt->timers, &ue->t_procedure); /* 5.4.1.3.7: T3510, T3517, T3521 wait */
    if (ue->auth_failures >= AUTH_FAILURES_MAX)
        ue_lose_radio(ue);
    else
        timer_set(&rt->timers, &ue->t3520, rt->now_us + T3520_US, t3520_over);
}

/* ---- KAUSF to KAMF, and the context that waits for its security mode ---- */
static int context_make(struct ue *ue, uint8_t ksi, struct bytes abba, const uint8_t kausf[32], struct str sn)
{
    struct crypto *c = ue->ran->rt->crypto;
    uint8_t kseaf[32], kamf[32];
    int e = kdf_kseaf(c, kausf, sn, kseaf);
    if (e >= 0)
        e = kdf_kamf(c, kseaf, str_of(ue->usim.imsi), abba, kamf);
    if (e >= 0) {
        nas_security_init(&ue->fresh, ksi, kamf);
        ue->has_fresh = true;
    }
    secret_wipe(kseaf, sizeof kseaf);
    secret_wipe(kamf, sizeof kamf);
    return e;
}

/* ---- 5G-AKA ---- */
static void answer_aka(struct ue *ue)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_AUTHENTICATION_RESPONSE);
    m.authentication_response.has.authentication_response_parameter = 1;
    m.authentication_response.authentication_response_parameter = BYTES_OF(ue->res_star);
    ue_send(ue, &m);
}
static int keys_aka(struct ue *ue, const struct nas_authentication_request *m, const struct aka_usim_result *r)
{
    struct crypto *c = ue->ran->rt->crypto;
    char name[SN_NAME];
    uint8_t kausf[32];
    struct str sn = sn_name(ue, name);
    const uint8_t *rand = m->authentication_parameter_rand.p, *autn = m->authentication_parameter_autn.p;
    int e = kdf_res_star(c, r->ck, r->ik, sn, rand, (struct bytes){r->res, r->res_n}, ue->res_star);
    if (e >= 0)
        e = kdf_kausf(c, r->ck, r->ik, sn, autn, kausf);
    if (e >= 0)
        e = context_make(ue, m->ngksi.value, m->abba, kausf, sn);
    secret_wipe(kausf, sizeof kausf);
    return e;
}
static void challenge_aka(struct ue *ue, const struct nas_authentication_request *m)
{
    struct aka_usim_result r;
    const uint8_t *rand = m->authentication_parameter_rand.p, *autn = m->authentication_parameter_autn.p;
    if (ue->has_rand && !memcmp(ue->rand, rand, 16)) { /* sent again: T3516 keeps the answer, 5.4.1.3.2 */
        answer_aka(ue);
        return;
    }
    if (!(autn[6] & 0x80)) { /* separation bit, 5.4.1.3.6 b */
        failure(ue, NAS_GMM_CAUSE_NON_5G_AUTHENTICATION_UNACCEPTABLE, NULL);
        return;
    }
    int e = aka_usim(ue->ran->rt->crypto, &ue->usim.key, &ue->usim.sqns, rand, autn, &r);
    if (e == ERR_REPLAY)
        failure(ue, NAS_GMM_CAUSE_SYNCH_FAILURE, r.auts);
    else if (e < 0)
        failure(ue, NAS_GMM_CAUSE_MAC_FAILURE, NULL);
    else if (keys_aka(ue, m, &r) >= 0) {
        memcpy(ue->rand, rand, 16);
        ue->has_rand = true;
        ue->auth_failures = 0;
        answer_aka(ue);
    }
    secret_wipe(&r, sizeof r);
}

/* ---- EAP-AKA', TS 33.501 6.1.3.1, RFC 9048 ---- */
static void answer_eap(struct ue *ue, const uint8_t *p, int n)
{
    struct nas_msg m;
    if (n <= 0)
        return;
    nas_msg_init(&m, NAS_AUTHENTICATION_RESPONSE);
    m.authentication_response.has.eap_message = 1;
    m.authentication_response.eap_message = (struct bytes){p, (uint32_t)n};
    ue_send(ue, &m);
}
static int keys_eap(struct ue *ue, const struct nas_authentication_request *m, const struct eap_aka *q,
                    const struct aka_usim_result *r)
{
    struct crypto *c = ue->ran->rt->crypto;
    struct eap_aka_keys k;
    char name[SN_NAME];
    uint8_t ck[16], ik[16];
    struct str sn = sn_name(ue, name), imsi = str_of(ue->usim.imsi);
    int e = kdf_ck_ik_prime(c, r->ck, r->ik, sn, q->autn, ck, ik);
    if (e >= 0)
        e = kdf_eap_aka_prime(c, ck, ik, (struct bytes){(const uint8_t *)imsi.p, imsi.n}, &k);
    if (e >= 0)
        e = eap_aka_check_mac(c, k.k_aut, m->eap_message, q);
    if (e >= 0)
        e = eap_aka_challenge_response(c, q->id, (struct bytes){r->res, r->res_n}, k.k_aut, ue->eap_answer,
                                       sizeof ue->eap_answer);
    if (e >= 0) {
        ue->eap_answer_n = (uint8_t)e;
        e = context_make(ue, m->ngksi.value, m->abba, k.emsk, sn);
    }
    secret_wipe(&k, sizeof k);
    secret_wipe(ck, sizeof ck);
    secret_wipe(ik, sizeof ik);
    return e;
}
static void challenge_eap(struct ue *ue, const struct nas_authentication_request *m)
{
    struct aka_usim_result r;
    struct eap_aka q;
    uint8_t out[64];
    char name[SN_NAME];
    struct str sn = sn_name(ue, name);
    int e = eap_aka_parse(m->eap_message, &q);
    if (e < 0 || q.code != EAP_REQUEST || q.subtype != EAP_AKA_CHALLENGE)
        return; /* RFC 4187 6.3: silently; the network asks again or gives up */
    if (ue->has_rand && !memcmp(ue->rand, q.rand, 16) && ue->eap_answer_n) {
        answer_eap(ue, ue->eap_answer, ue->eap_answer_n);
        return;
    }
    if (!bytes_eq(q.kdf_input, (struct bytes){(const uint8_t *)sn.p, sn.n}) || !(q.autn[6] & 0x80)) {
        answer_eap(ue, out, eap_aka_auth_reject(q.id, out, sizeof out)); /* RFC 9048 3.1 */
        return;
    }
    e = aka_usim(ue->ran->rt->crypto, &ue->usim.key, &ue->usim.sqns, q.rand, q.autn, &r);
    if (e == ERR_REPLAY) {
        answer_eap(ue, out, eap_aka_sync_failure(q.id, r.auts, out, sizeof out));
    } else if (e < 0 || keys_eap(ue, m, &q, &r) < 0) {
        answer_eap(ue, out, eap_aka_auth_reject(q.id, out, sizeof out));
    } else {
        memcpy(ue->rand, q.rand, 16);
        ue->has_rand = true;
        answer_eap(ue, ue->eap_answer, ue->eap_answer_n);
    }
    secret_wipe(&r, sizeof r);
}

void ue_authentication_request(struct ue *ue, const struct nas_authentication_request *m)
{
    struct rt *rt = ue->ran->rt;
    ue->n_authentications++;
    if (timer_is_running(&ue->t3520))
        timer_stop(&rt->timers, &ue->t3520);
    if (m->ngksi.mapped || m->ngksi.value == NAS_KSI_NONE || (ue->current.is_valid && ue->current.ksi == m->ngksi.value)) {
        failure(ue, NAS_GMM_CAUSE_NGKSI_ALREADY_IN_USE, NULL);
        return;
    }
    if (m->has.eap_message)
        challenge_eap(ue, m);
    else if (m->has.authentication_parameter_rand && m->has.authentication_parameter_autn)
        challenge_aka(ue, m);
    else
        ue_status(ue, NAS_GMM_CAUSE_CONDITIONAL_IE_ERROR);
}
void ue_authentication_result(struct ue *ue, const struct nas_authentication_result *m)
{
    struct eap_aka q;
    if (eap_aka_parse(m->eap_message, &q) >= 0 && q.code == EAP_FAILURE) {
        ue->has_fresh = false; /* 5.4.1.2.2.8; the reject follows */
        nas_security_wipe(&ue->fresh);
    }
}

/* ---- security mode ---- */
static void reject(struct ue *ue, uint8_t cause)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_SECURITY_MODE_REJECT);
    m.security_mode_reject.gmm_cause = cause;
    ue->has_fresh = false;
    ue_send(ue, &m);
}
/* The octets that were not sent are as good as zero (9.11.3.54). */
static bool capability_is_ours(const struct ue *ue, const struct nas_ue_security_capability *c)
{
    uint8_t ours[8] = {0}, theirs[8] = {0};
    memcpy(ours, ue->capability.octet, ue->capability.n);
    memcpy(theirs, c->octet, c->n);
    if (ue->faults.altered_capabilities)
        ours[0] ^= 0x20;
    return !memcmp(ours, theirs, sizeof ours);
}
static bool algorithms_are_ours(const struct ue *ue, const struct nas_algorithms *a)
{
    if (a->ciphering > 3 || a->integrity > 3 || a->integrity == 0) /* NIA0: emergency alone, TS 33.501 5.5.2 */
        return false;
    return (ue->capability.ea >> (7 - a->ciphering) & 1) && (ue->capability.ia >> (7 - a->integrity) & 1);
}
static void complete(struct ue *ue, const struct nas_security_mode_command *c)
{
    struct ran *ran = ue->ran;
    struct nas_msg m, full;
    struct nas_s_nssai slices[UE_SLICES];
    nas_msg_init(&m, NAS_SECURITY_MODE_COMPLETE);
    struct nas_security_mode_complete *s = &m.security_mode_complete;
    if (c->has.imeisv_request && c->imeisv_request == NAS_IMEISV_REQUESTED) {
        s->has.imeisv = 1;
        s->imeisv.type = NAS_ID_IMEISV;
        str_copy(s->imeisv.digits, sizeof s->imeisv.digits, str_of(ue->imeisv));
    }
    bool again = c->has.additional_fiveg_security_information &&
                 (c->additional_fiveg_security_information & NAS_SECURITY_RINMR);
    int n = 0;
    if (!ue->was_protected || again) { /* 5.4.2.3: the network has not read the whole of it */
        int e = ue->initial_was_service ? ue_service_build(ue, &full, true)
                                        : ue_registration_build(ue, &full, slices, true);
        bool is_open = ue->registration || ue->state == MM_SERVICE_REQUEST_INITIATED;
        n = e < 0 || !is_open ? 0 : nas_encode(&full, ran->inner, RAN_NAS_MAX);
    }
    if (n > 0) {
        s->has.nas_message_container = 1;
        s->nas_message_container = (struct bytes){ran->inner, (uint32_t)n};
    }
    n = nas_encode(&m, ran->plain, RAN_NAS_MAX);
    if (n < 0)
        return;
    struct bytes plain = {ran->plain, (uint32_t)n};
    ue->kgnb_count = ue->current.count[NAS_UPLINK];
    rt_tap(ran->rt, &(struct tap_event){.interface = TAP_N1, .direction = TAP_TX, .at_us = ran->rt->now_us,
                                        .ue = slab_index(&ran->ues, ue), .type = m.type, .name = m.desc->name,
                                        .value = &m, .raw = plain});
    ue_send_protected(ue, plain, NAS_CIPHERED_NEW, 0);
}
/* The context that the command is for, with its algorithms; its MAC says whether the network has it too. */
static int context_try(struct ue *ue, const struct nas_security_mode_command *c, const struct nas_header *h,
                       struct nas_security *out)
{
    struct ran *ran = ue->ran;
    struct bytes plain;
    if (ue->has_fresh && ue->fresh.ksi == c->ngksi.value)
        *out = ue->fresh;
    else if (ue->current.is_valid && ue->current.ksi == c->ngksi.value)
        *out = ue->current;
    else
        return ERR_NOTFOUND;
    int e = nas_security_select(out, ran->rt->crypto, c->selected_nas_security_algorithms.ciphering,
                                c->selected_nas_security_algorithms.integrity);
    return e < 0 ? e : nas_unprotect(out, ran->rt->crypto, NAS_DOWNLINK, h, ran->clear, RAN_NAS_MAX, &plain);
}
void ue_security_mode(struct ue *ue, const struct nas_header *h)
{
    struct ran *ran = ue->ran;
    struct arena a = arena_over(ran->block, 1 << 15);
    struct nas_security s;
    struct nas_msg m;
    ue->n_security_modes++;
    if (nas_decode(h->plain, &a, &m, NULL) < 0 || m.epd != NAS_EPD_MM || m.type != NAS_SECURITY_MODE_COMMAND) {
        ran->counters.nas_discarded++;
        return;
    }
    if (ue_drops(ue, &ue->faults.drop_down, m.type))
        return;
    rt_tap(ran->rt, &(struct tap_event){.interface = TAP_N1, .direction = TAP_RX, .at_us = ran->rt->now_us,
                                        .ue = slab_index(&ran->ues, ue), .type = m.type, .name = m.desc->name,
                                        .value = &m, .raw = h->plain});
    const struct nas_security_mode_command *c = &m.security_mode_command;
    if (!capability_is_ours(ue, &c->replayed_ue_security_capabilities)) {
        reject(ue, NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH);
        return;
    }
    if (!algorithms_are_ours(ue, &c->selected_nas_security_algorithms) || context_try(ue, c, h, &s) < 0) {
        reject(ue, NAS_GMM_CAUSE_SECURITY_MODE_REJECTED_UNSPECIFIED);
        return;
    }
    timer_stop(&ran->rt->timers, &ue->t3520);
    ue->current = s;
    ue->has_fresh = ue->has_rand = false;
    nas_security_wipe(&ue->fresh);
    nas_security_wipe(&s);
    ue->secure = true;
    complete(ue, c);
}

bool ue_kgnb_is(struct ue *ue, const uint8_t kgnb[32])
{
    uint8_t ours[32];
    if (!ue->current.is_valid ||
        kdf_kgnb(ue->ran->rt->crypto, ue->current.kamf, ue->kgnb_count, KDF_ACCESS_3GPP, ours) < 0)
        return false;
    bool same = secret_eq(ours, kgnb, 32);
    secret_wipe(ours, sizeof ours);
    return same;
}
