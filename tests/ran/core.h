/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - a scripted core: one AMF's end of N2 and one end of N3, just enough to say to phones what a test wants said,
 * and to remember what they say. Nothing of nf/ is in it. */
#pragma once
#include "codec/gtpu.h"
#include "crypto/eap_aka.h"
#include "crypto/kdf.h"
#include "ran/ue.h"
#include "sim/world.h"
#include "tests/test.h"
#include <stdlib.h>

#define PLMN {0x00, 0xf1, 0x10}
static const struct gnb_ta TA1 = {{0, 0, 1}, PLMN, 1, {{1, {0}, false}}};
static const struct gnb_ta TA2 = {{0, 0, 2}, PLMN, 1, {{1, {0}, false}}};

enum { CORE_EVENTS = 64, CORE_CELLS = 2, CORE_GNB_UE_IP = 0x0a2d0007 };
struct core {
    struct world *w;
    struct env *env, *ran_env;
    struct rt rt, ran_rt;
    struct crypto *crypto;
    struct ran ran;
    struct cell cell[CORE_CELLS];
    struct ue *ue;
    /* the AMF */
    uint64_t assoc[CORE_CELLS];
    uint32_t n_assocs;
    uint64_t last_assoc;
    struct aka_key key;
    uint64_t sqn;
    struct nas_security sec;
    bool has_sec, use_eap, no_reply;
    uint64_t amf_id, ran_id;
    uint8_t kausf[32], eap_k_aut[32], xres_star[16];
    uint8_t nas[4096], block[1 << 16], out[8192];
    struct nas_msg up, sm; /* latest uplink message, and what it carried */
    struct ngap_pdu ngap;
    uint32_t n_up, n_initial;
    uint8_t last_header;
    uint32_t seen_ngap[NGAP_MSGS], out_n;
    bool container_seen;
    struct nas_msg inner; /* of a container */
    /* the UPF */
    int n3;
    uint32_t n3_teid;
    uint8_t n3_last[2048];
    uint32_t n3_last_n, n_n3;
    struct gtpu_hdr n3_head;
    /* events of the phone */
    struct ue_event events[CORE_EVENTS];
    uint32_t n_events;
};
static inline void core_run(struct core *c, uint64_t us)
{
    world_attach(c->w, c->ran_env, &c->ran_rt); /* what was set from outside of an event */
    world_run(c->w, us);
    rt_enter(&c->ran_rt);
}
static inline uint32_t core_count(const struct core *c, enum ue_event_kind k)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_events; i++)
        n += c->events[i].kind == k;
    return n;
}
static inline const struct ue_event *core_last(const struct core *c, enum ue_event_kind k)
{
    for (uint32_t i = c->n_events; i--;)
        if (c->events[i].kind == k)
            return &c->events[i];
    return NULL;
}
static void core_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct core *c = ctx;
    if (c->n_events < CORE_EVENTS)
        c->events[c->n_events++] = *e;
}

/* ---- downlink ---- */
static inline void core_ngap(struct core *c, enum ngap_msg msg, const void *value)
{
    int n = ngap_encode(msg, value, c->out, sizeof c->out);
    assert_true(n > 0);
    c->out_n = (uint32_t)n;
    c->env->ops->sctp_send(c->env, c->last_assoc, 1, 60, (struct bytes){c->out, (uint32_t)n});
}
static inline void core_again(struct core *c) /* the NGAP message sent last */
{
    c->env->ops->sctp_send(c->env, c->last_assoc, 1, 60, (struct bytes){c->out, c->out_n});
    core_run(c, 5000);
}
static inline void core_raw(struct core *c, struct bytes nas)
{
    struct ngap_DownlinkNASTransport m = {.AMF_UE_NGAP_ID = c->amf_id, .RAN_UE_NGAP_ID = c->ran_id, .NAS_PDU = nas};
    core_ngap(c, NGAP_MSG_DownlinkNASTransport, &m);
}
static inline struct bytes core_seal(struct core *c, const struct nas_msg *m, enum nas_security_header h, uint8_t *out, uint32_t cap)
{
    uint8_t plain[2048];
    int n = nas_encode(m, plain, sizeof plain);
    assert_true(n > 0);
    if (h == NAS_PLAIN) {
        memcpy(out, plain, (size_t)n);
        return (struct bytes){out, (uint32_t)n};
    }
    n = nas_protect(&c->sec, c->crypto, NAS_DOWNLINK, h, (struct bytes){plain, (uint32_t)n}, out, cap);
    assert_true(n > 0);
    return (struct bytes){out, (uint32_t)n};
}
static inline void core_nas(struct core *c, const struct nas_msg *m, enum nas_security_header h)
{
    uint8_t out[4096];
    core_raw(c, core_seal(c, m, h, out, sizeof out));
    core_run(c, 5000);
}
static inline struct nas_msg core_msg(enum nas_type type)
{
    struct nas_msg m;
    assert_int_equal(nas_msg_init(&m, type), OK);
    return m;
}
static inline void core_challenge(struct core *c, uint8_t ksi)
{
    struct nas_msg m = core_msg(NAS_AUTHENTICATION_REQUEST);
    static const uint8_t abba[2] = {0};
    static struct aka_5g_av av;
    static struct aka_eap_av eap;
    static uint8_t eap_msg[256];
    struct str sn = STR("5G:mnc001.mcc001.3gppnetwork.org"), imsi = STR("001010000000001");
    uint8_t rand[16];
    for (int i = 0; i < 16; i++)
        rand[i] = (uint8_t)world_random(c->w);
    c->sqn = aka_sqn_next(c->sqn);
    m.authentication_request.ngksi.value = ksi;
    m.authentication_request.abba = BYTES_OF(abba);
    uint8_t kseaf[32], kamf[32];
    if (c->use_eap) {
        struct eap_aka_keys k;
        assert_int_equal(aka_eap_av(c->crypto, &c->key, rand, c->sqn, AKA_AMF_5G, sn, &eap), OK);
        kdf_eap_aka_prime(c->crypto, eap.ck_prime, eap.ik_prime, (struct bytes){(const uint8_t *)imsi.p, imsi.n}, &k);
        memcpy(c->kausf, k.emsk, 32);
        memcpy(c->eap_k_aut, k.k_aut, 32);
        int n = eap_aka_challenge_request(c->crypto, 9, eap.rand, eap.autn, sn, k.k_aut, eap_msg, sizeof eap_msg);
        m.authentication_request.has.eap_message = 1;
        m.authentication_request.eap_message = (struct bytes){eap_msg, (uint32_t)n};
    } else {
        assert_int_equal(aka_5g_av(c->crypto, &c->key, rand, c->sqn, AKA_AMF_5G, sn, &av), OK);
        memcpy(c->kausf, av.kausf, 32);
        memcpy(c->xres_star, av.xres_star, 16);
        m.authentication_request.has.authentication_parameter_rand = m.authentication_request.has.authentication_parameter_autn = 1;
        m.authentication_request.authentication_parameter_rand = BYTES_OF(av.rand);
        m.authentication_request.authentication_parameter_autn = BYTES_OF(av.autn);
    }
    kdf_kseaf(c->crypto, c->kausf, sn, kseaf);
    kdf_kamf(c->crypto, kseaf, imsi, BYTES_OF(abba), kamf);
    core_nas(c, &m, NAS_PLAIN);
    nas_security_init(&c->sec, ksi, kamf);
}
static inline void core_security_mode(struct core *c, uint8_t nea, uint8_t nia)
{
    struct nas_msg m = core_msg(NAS_SECURITY_MODE_COMMAND);
    assert_int_equal(nas_security_select(&c->sec, c->crypto, nea, nia), OK);
    m.security_mode_command.selected_nas_security_algorithms = (struct nas_algorithms){nea, nia};
    m.security_mode_command.ngksi.value = c->sec.ksi;
    m.security_mode_command.replayed_ue_security_capabilities = (struct nas_ue_security_capability){2, {{0xf0, 0xf0}}};
    m.security_mode_command.has.imeisv_request = 1;
    m.security_mode_command.imeisv_request = NAS_IMEISV_REQUESTED;
    c->has_sec = true;
    core_nas(c, &m, NAS_INTEGRITY_NEW);
}
static inline struct nas_msg core_accept(void)
{
    static const struct nas_tai tai = {PLMN, 1};
    static const struct nas_tai_part part = {NAS_TAI_ONE_PLMN, false, 1, &tai};
    static const struct nas_s_nssai slice = {.sst = 1};
    static uint32_t tmsi = 0xc0000000;
    struct nas_msg m = core_msg(NAS_REGISTRATION_ACCEPT);
    struct nas_registration_accept *a = &m.registration_accept;
    a->fivegs_registration_result = NAS_REG_RESULT_3GPP;
    a->has.fiveg_guti = a->has.tai_list = a->has.allowed_nssai = a->has.t3512_value = 1;
    a->fiveg_guti.type = NAS_ID_GUTI;
    a->fiveg_guti.guti = (struct nas_guti){PLMN, 2, 1, 0, ++tmsi};
    a->tai_list = (struct nas_tai_list){1, &part};
    a->allowed_nssai = (struct nas_nssai){1, &slice};
    a->t3512_value = nas_timer3_of(3600);
    return m;
}
/* Initial Context Setup with a NAS message, KgNB from the COUNT of what the phone sent last; sessions: list or NULL. */
static inline void core_context(struct core *c, const struct nas_msg *nas, const struct ngap_PDUSessionResourceSetupListCxtReq *l)
{
    static const uint8_t region = 2, set[2] = {0, 0x40}, pointer = 0, cap[2] = {0xe0, 0}, sst = 1;
    uint8_t kgnb[32], out[4096];
    struct ngap_AllowedNSSAI_Item slice = {.s_NSSAI.sST = {&sst, 1}};
    struct ngap_InitialContextSetupRequest m = {.AMF_UE_NGAP_ID = c->amf_id, .RAN_UE_NGAP_ID = c->ran_id};
    kdf_kgnb(c->crypto, c->sec.kamf, c->sec.last, KDF_ACCESS_3GPP, kgnb);
    m.GUAMI = (struct ngap_GUAMI){.pLMNIdentity = {TA1.plmn, 3}, .aMFRegionID = {&region, 8}, .aMFSetID = {set, 10}, .aMFPointer = {&pointer, 6}};
    m.AllowedNSSAI.v = &slice;
    m.AllowedNSSAI.n = 1;
    m.UESecurityCapabilities.nRencryptionAlgorithms = m.UESecurityCapabilities.nRintegrityProtectionAlgorithms =
        m.UESecurityCapabilities.eUTRAencryptionAlgorithms = m.UESecurityCapabilities.eUTRAintegrityProtectionAlgorithms = (struct bits){cap, 16};
    m.SecurityKey = (struct bits){kgnb, 256};
    if (l) {
        m.has.PDUSessionResourceSetupListCxtReq = 1;
        m.PDUSessionResourceSetupListCxtReq = *l;
        m.has.UEAggregateMaximumBitRate = 1;
        m.UEAggregateMaximumBitRate.uEAggregateMaximumBitRateDL = m.UEAggregateMaximumBitRate.uEAggregateMaximumBitRateUL = 1000000;
    }
    m.has.NAS_PDU = nas != NULL;
    if (nas)
        m.NAS_PDU = core_seal(c, nas, NAS_CIPHERED, out, sizeof out);
    core_ngap(c, NGAP_MSG_InitialContextSetupRequest, &m);
    core_run(c, 5000);
}
static inline void core_release(struct core *c)
{
    struct ngap_UEContextReleaseCommand m = {.UE_NGAP_IDs.sel = NGAP_UE_NGAP_IDs_uE_NGAP_ID_pair};
    m.UE_NGAP_IDs.uE_NGAP_ID_pair.aMF_UE_NGAP_ID = c->amf_id;
    m.UE_NGAP_IDs.uE_NGAP_ID_pair.rAN_UE_NGAP_ID = c->ran_id;
    m.has.Cause = 1;
    m.Cause = (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release};
    core_ngap(c, NGAP_MSG_UEContextReleaseCommand, &m);
    core_run(c, 5000);
}

/* ---- uplink ---- */
static inline void core_setup(struct core *c)
{
    static const uint8_t region = 2, set[2] = {0, 0x40}, pointer = 0, sst = 1;
    struct ngap_ServedGUAMIItem guami = {0};
    struct ngap_PLMNSupportItem plmn = {0};
    struct ngap_SliceSupportItem slice = {.s_NSSAI.sST = {&sst, 1}};
    struct ngap_NGSetupResponse r = {.AMFName = STR("scripted"), .RelativeAMFCapacity = 1};
    guami.gUAMI = (struct ngap_GUAMI){.pLMNIdentity = {TA1.plmn, 3}, .aMFRegionID = {&region, 8}, .aMFSetID = {set, 10}, .aMFPointer = {&pointer, 6}};
    r.ServedGUAMIList.v = &guami;
    r.ServedGUAMIList.n = 1;
    plmn.pLMNIdentity = (struct bytes){TA1.plmn, 3};
    plmn.sliceSupportList.v = &slice;
    plmn.sliceSupportList.n = 1;
    r.PLMNSupportList.v = &plmn;
    r.PLMNSupportList.n = 1;
    r.has.RelativeAMFCapacity = 1;
    core_ngap(c, NGAP_MSG_NGSetupResponse, &r);
}
static inline void core_take(struct core *c, struct bytes nas)
{
    struct nas_header h;
    struct bytes plain;
    struct arena a = arena_over(c->block + (1 << 15), 1 << 15);
    assert_int_equal(nas_header_peek(nas, &h), OK);
    c->last_header = h.security;
    plain = h.plain;
    if (h.security != NAS_PLAIN)
        assert_int_equal(nas_unprotect(&c->sec, c->crypto, NAS_UPLINK, &h, c->nas, sizeof c->nas, &plain), OK);
    assert_int_equal(nas_decode(plain, &a, &c->up, NULL), OK);
    c->n_up++;
    struct bytes in = {NULL, 0};
    if (c->up.type == NAS_REGISTRATION_REQUEST && c->up.registration_request.has.nas_message_container)
        in = c->up.registration_request.nas_message_container;
    if (c->up.type == NAS_SERVICE_REQUEST && c->up.service_request.has.nas_message_container)
        in = c->up.service_request.nas_message_container;
    if (in.n)
        assert_int_equal(nas_container_cipher(&c->sec, c->crypto, NAS_UPLINK, c->sec.last, (uint8_t *)(uintptr_t)in.p, in.n), OK);
    if (c->up.type == NAS_SECURITY_MODE_COMPLETE && c->up.security_mode_complete.has.nas_message_container)
        in = c->up.security_mode_complete.nas_message_container;
    c->container_seen = in.n > 0;
    if (in.n)
        assert_int_equal(nas_decode(in, &a, &c->inner, NULL), OK);
    if (c->up.type == NAS_UL_NAS_TRANSPORT)
        assert_int_equal(nas_decode(c->up.ul_nas_transport.payload_container, &a, &c->sm, NULL), OK);
}
static void core_on_message(void *ctx, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes in)
{
    struct core *c = ctx;
    static uint8_t copy[8192];
    struct arena a = arena_over(c->block, 1 << 15);
    struct ngap_report report;
    memcpy(copy, in.p, in.n);
    rt_enter(&c->rt);
    assert_int_equal(ngap_decode((struct bytes){copy, in.n}, &a, &c->ngap, &report), OK);
    c->last_assoc = assoc;
    c->seen_ngap[c->ngap.msg]++;
    if (c->ngap.msg == NGAP_MSG_NGSetupRequest)
        core_setup(c);
    if (c->ngap.msg == NGAP_MSG_InitialUEMessage) {
        const struct ngap_InitialUEMessage *m = c->ngap.value;
        c->ran_id = m->RAN_UE_NGAP_ID;
        c->amf_id++;
        c->n_initial++;
        core_take(c, m->NAS_PDU);
    }
    if (c->ngap.msg == NGAP_MSG_UplinkNASTransport)
        core_take(c, ((const struct ngap_UplinkNASTransport *)c->ngap.value)->NAS_PDU);
}
static void core_on_up(void *ctx, uint64_t assoc, const struct net_addr *peer, uint16_t streams)
{
    struct core *c = ctx;
    c->assoc[c->n_assocs++ % CORE_CELLS] = assoc;
}
static void core_on_down(void *ctx, uint64_t assoc, const char *why) {}
static void core_on_n3(void *ctx, int sock, const struct net_addr *from, struct bytes in)
{
    struct core *c = ctx;
    assert_int_equal(gtpu_parse(in.p, in.n, &c->n3_head), 0);
    c->n_n3++;
    c->n3_last_n = c->n3_head.payload;
    memcpy(c->n3_last, in.p + c->n3_head.header, c->n3_head.payload);
}
static inline void core_n3_send(struct core *c, uint32_t teid, struct bytes packet)
{
    uint8_t buf[2048];
    struct net_addr to = addr_v4(0x0a000010, GTPU_PORT);
    memcpy(buf + 32, packet.p, packet.n);
    size_t head = gtpu_push(buf + 32, packet.n, teid, 1, GTPU_DOWNLINK, false);
    c->env->ops->udp_send(c->env, c->n3, &to, (struct bytes){buf + 32 - head, (uint32_t)(packet.n + head)});
    core_run(c, 2000);
}

static inline struct ue_config core_phone(void)
{
    struct ue_config u = {.usim = {.imsi = "001010000000001", .mnc_digits = 2, .routing = "0"},
                          .n_slices = 1, .slices = {{1, {0}, false}}};
    u.usim.key = (struct aka_key){.alg = AKA_MILENAGE, .k_n = 16};
    hex_get(u.usim.key.k, 16, STR("465B5CE8B199B49FAA5F0A2EE238A6BC"));
    hex_get(u.usim.key.opc, 16, STR("E8ED289DEBA952E4283B54E88E6183CA"));
    return u;
}
static inline struct core *core_new(const struct ue_config *phone)
{
    struct core *c = calloc(1, sizeof *c);
    struct ue_config u = phone ? *phone : core_phone();
    struct net_addr core_addr = addr_v4(0x0a000001, 0), ran_addr = addr_v4(0x0a000010, 0);
    c->w = world_new(7);
    c->env = world_host(c->w, "core", &core_addr);
    c->ran_env = world_host(c->w, "ran", &ran_addr);
    assert_int_equal(rt_init(&c->rt, c->env, 1 << 16), OK);
    assert_int_equal(rt_init(&c->ran_rt, c->ran_env, 1 << 20), OK);
    assert_int_equal(crypto_init(&c->crypto), OK);
    c->ran_rt.crypto = c->crypto;
    world_attach(c->w, c->env, &c->rt);
    world_attach(c->w, c->ran_env, &c->ran_rt);
    struct sctp_sink sink = {c, core_on_up, core_on_message, core_on_down};
    struct sctp_local local = {.streams = 4};
    assert_true(c->env->ops->sctp_listen(c->env, &local, &sink) >= 0);
    struct net_addr n3 = addr_v4(0x0a000001, GTPU_PORT);
    c->n3 = c->env->ops->udp_open(c->env, &n3, &(struct udp_sink){c, core_on_n3});
    struct ran_config rc = {.max_ues = 4, .max_sessions = 16, .n3 = addr_v4(0x0a000010, 0), .event = core_event, .ctx = c};
    assert_int_equal(ran_init(&c->ran, &c->ran_rt, &rc), OK);
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    for (uint32_t i = 0; i < CORE_CELLS; i++) {
        struct gnb_config g = {.plmn = PLMN, .id = i + 1, .id_bits = 24, .name = "g", .tas = i ? &TA2 : &TA1, .n_tas = 1, .streams = 4, .stay_down = true};
        assert_int_equal(cell_init(&c->cell[i], &c->ran, &g), OK);
        assert_int_equal(gnb_start(&c->cell[i].gnb, &amf), OK);
        core_run(c, 50000);
        assert_int_equal(c->cell[i].gnb.state, GNB_READY);
    }
    c->key = core_phone().usim.key;
    c->sqn = 0x1000;
    c->ue = ue_new(&c->ran, &u);
    assert_non_null(c->ue);
    ue_camp(c->ue, &c->cell[0]);
    return c;
}
static inline void core_free(struct core *c)
{
    if (c->ue)
        ue_drop(c->ue);
    for (uint32_t i = 0; i < CORE_CELLS; i++)
        cell_free(&c->cell[i]);
    assert_int_equal(c->ran.ues.used, 0);
    assert_int_equal(c->ran.sessions.used, 0);
    assert_int_equal(c->ran.links.used, 0);
    assert_int_equal(c->ran.bearers.used, 0);
    assert_int_equal(map_count(&c->ran.by_tmsi), 0);
    assert_int_equal(c->ran_rt.timers.n, 0);
    ran_free(&c->ran);
    assert_int_equal(c->ran_rt.frames.in_use, 0);
    rt_free(&c->rt);
    rt_free(&c->ran_rt);
    crypto_free(c->crypto);
    world_free(c->w);
    free(c);
}
/* Through authentication and security mode to registered, with a context in the gNB. */
static inline void core_register(struct core *c)
{
    assert_int_equal(ue_register(c->ue), OK);
    core_run(c, 5000);
    assert_int_equal(c->up.type, NAS_REGISTRATION_REQUEST);
    core_challenge(c, 1);
    assert_int_equal(c->up.type, NAS_AUTHENTICATION_RESPONSE);
    core_security_mode(c, 2, 2);
    assert_int_equal(c->up.type, NAS_SECURITY_MODE_COMPLETE);
    struct nas_msg accept = core_accept();
    core_context(c, &accept, NULL);
    assert_int_equal(c->ue->state, MM_REGISTERED);
    assert_int_equal(c->up.type, NAS_REGISTRATION_COMPLETE);
}
/* ---- 5GSM ---- */
static inline void core_sm(struct core *c, const struct nas_msg *sm, uint8_t cause)
{
    uint8_t buf[1024];
    int n = nas_encode(sm, buf, sizeof buf);
    assert_true(n > 0);
    struct nas_msg m = core_msg(NAS_DL_NAS_TRANSPORT);
    m.dl_nas_transport.payload_container_type = NAS_PAYLOAD_N1_SM;
    m.dl_nas_transport.payload_container = (struct bytes){buf, (uint32_t)n};
    m.dl_nas_transport.has.pdu_session_id = 1;
    m.dl_nas_transport.pdu_session_id = sm->pdu_session_id;
    m.dl_nas_transport.has.gmm_cause = cause != 0;
    m.dl_nas_transport.gmm_cause = cause;
    core_nas(c, &m, NAS_CIPHERED);
}
static inline struct nas_msg core_sm_msg(struct core *c, enum nas_type type)
{
    struct nas_msg m = core_msg(type);
    m.pdu_session_id = c->sm.pdu_session_id;
    m.pti = c->sm.pti;
    return m;
}
static inline struct nas_msg core_session_accept(struct core *c, uint8_t type)
{
    static const struct nas_component all = {NAS_PF_MATCH_ALL, {NULL, 0}};
    static const struct nas_filter filter = {1, NAS_FILTER_BOTH, 1, &all};
    static const struct nas_qos_rule rule = {.id = 1, .op = NAS_RULE_CREATE, .dqr = true, .has_precedence = true, .has_qfi = true,
                                             .precedence = 255, .qfi = 5, .n = 1, .filter = &filter};
    static const uint8_t dns[4] = {8, 8, 4, 4}, mtu[2] = {0x05, 0x14};
    static const struct nas_pco_item items[] = {{NAS_PCO_DNS_IPV4, {dns, 4}}, {NAS_PCO_IPV4_MTU, {mtu, 2}}};
    struct nas_msg m = core_sm_msg(c, NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT);
    struct nas_pdu_session_establishment_accept *a = &m.pdu_session_establishment_accept;
    a->selected_pdu_session_type = type;
    a->selected_ssc_mode = 1;
    a->authorized_qos_rules = (struct nas_qos_rules){1, &rule};
    a->session_ambr = (struct nas_ambr){nas_rate_of_kbps(100000), nas_rate_of_kbps(50000)};
    a->has.pdu_address = 1;
    a->pdu_address = (struct nas_pdu_address){.type = type, .ipv4 = {10, 45, 0, 7}, .iid = {0, 0, 0, 0, 0, 0, 0, 9}};
    a->has.extended_protocol_configuration_options = 1;
    a->extended_protocol_configuration_options = (struct nas_pco){2, items};
    return m;
}
static inline struct bytes core_transfer(uint8_t *buf, uint32_t cap)
{
    static uint8_t ip[4] = {10, 0, 0, 1}, teid[4] = {0, 0, 0x77, 1};
    struct ngap_QosFlowSetupRequestItem flow = {.qosFlowIdentifier = 5};
    struct ngap_PDUSessionResourceSetupRequestTransfer t = {0};
    flow.qosFlowLevelQosParameters.qosCharacteristics.sel = NGAP_QosCharacteristics_nonDynamic5QI;
    flow.qosFlowLevelQosParameters.qosCharacteristics.nonDynamic5QI.fiveQI = 9;
    flow.qosFlowLevelQosParameters.allocationAndRetentionPriority.priorityLevelARP = 8;
    t.UL_NGU_UP_TNLInformation.sel = NGAP_UPTransportLayerInformation_gTPTunnel;
    t.UL_NGU_UP_TNLInformation.gTPTunnel.transportLayerAddress = (struct bits){ip, 32};
    t.UL_NGU_UP_TNLInformation.gTPTunnel.gTP_TEID = (struct bytes){teid, 4};
    t.PDUSessionType = NGAP_PDUSessionType_ipv4;
    t.QosFlowSetupRequestList.v = &flow;
    t.QosFlowSetupRequestList.n = 1;
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, &t, buf, cap);
    assert_true(n > 0);
    return (struct bytes){buf, (uint32_t)n};
}
static inline void core_session_setup(struct core *c, const struct nas_msg *sm)
{
    static const uint8_t sst = 1;
    uint8_t inner[1024], nas[1024], transfer[256];
    int n = nas_encode(sm, inner, sizeof inner);
    struct nas_msg m = core_msg(NAS_DL_NAS_TRANSPORT);
    m.dl_nas_transport.payload_container_type = NAS_PAYLOAD_N1_SM;
    m.dl_nas_transport.payload_container = (struct bytes){inner, (uint32_t)n};
    m.dl_nas_transport.has.pdu_session_id = 1;
    m.dl_nas_transport.pdu_session_id = sm->pdu_session_id;
    struct ngap_PDUSessionResourceSetupItemSUReq item = {.pDUSessionID = sm->pdu_session_id, .s_NSSAI.sST = {&sst, 1}};
    item.has.pDUSessionNAS_PDU = 1;
    item.pDUSessionNAS_PDU = core_seal(c, &m, NAS_CIPHERED, nas, sizeof nas);
    item.pDUSessionResourceSetupRequestTransfer = core_transfer(transfer, sizeof transfer);
    struct ngap_PDUSessionResourceSetupRequest r = {.AMF_UE_NGAP_ID = c->amf_id, .RAN_UE_NGAP_ID = c->ran_id};
    r.PDUSessionResourceSetupListSUReq.v = &item;
    r.PDUSessionResourceSetupListSUReq.n = 1;
    core_ngap(c, NGAP_MSG_PDUSessionResourceSetupRequest, &r);
    core_run(c, 5000);
}
static inline struct ue_session *core_session(struct core *c, uint8_t type)
{
    int psi = ue_session_open(c->ue, &(struct ue_open){.dnn = "internet", .type = type});
    assert_true(psi > 0);
    core_run(c, 5000);
    assert_int_equal(c->sm.type, NAS_PDU_SESSION_ESTABLISHMENT_REQUEST);
    struct nas_msg accept = core_session_accept(c, type);
    core_session_setup(c, &accept);
    struct ue_session *s = ue_session_find(c->ue, (uint8_t)psi);
    assert_non_null(s);
    assert_int_equal(s->state, SM_ACTIVE);
    assert_non_null(s->bearer);
    return s;
}
