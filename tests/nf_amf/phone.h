/* SPDX-License-Identifier: Apache-2.0 */
/* phone.h - AMF, AUSF, UDM, UDR, PCF and NSSF on one simulated host, gNBs on others, and phones that a test leads by the hand:
 * it says what they send and looks at what they get. They keep their own keys and COUNTs. */
#pragma once
#include "base/log.h"
#include "crypto/aka.h"
#include "crypto/eap_aka.h"
#include "crypto/kdf.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/session.h"
#include "nf/ausf/ausf.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "proto/sbi.h"
#include "proto/serving_network.h"
#include "ran/gnb.h"
#include "rt/metrics.h"
#include "sim/store_memory.h"
#include "sim/world.h"
#include "tests/test.h"
#include <stdlib.h>

static const uint8_t PLMN[3] = {0x00, 0xf1, 0x10};
static const uint8_t TEST_K[16] = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f,
                                   0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc};
static const uint8_t TEST_OPC[16] = {0xe8, 0xed, 0x28, 0x9d, 0xeb, 0xa9, 0x52, 0xe4,
                                     0x28, 0x3b, 0x54, 0xe8, 0x8e, 0x61, 0x83, 0xca};
static const struct gnb_ta TAS[] = {{{0, 0, 1}, {0x00, 0xf1, 0x10}, 2, {{1, {0}, false}, {2, {0, 0, 9}, true}}},
                                    {{0, 0, 2}, {0x00, 0xf1, 0x10}, 1, {{2, {0, 0, 9}, true}}}};
#define CAPABILITY ((struct nas_ue_security_capability){.n = 2, .octet = {0xf0, 0x70}}) /* EA0-3, IA1-3 */

static const uint8_t TRANSFER[] = {0x7a, 0x7b, 0x7c}; /* what gNBs say to SMFs; the AMF looks into none */

enum { GNBS = 2, PHONES = 4, INBOX = 16, PDU_MAX = 2048 };
struct pdu {
    uint32_t n;
    uint8_t octet[PDU_MAX];
};
struct bed;
struct phone {
    struct bed *bed;
    uint32_t gnb; /* index */
    bool connected, has_amf_id, is_secure, quiet_context, quiet_release, fail_context;
    uint64_t ran_id, amf_id;
    char imsi[16];
    struct aka_key key;
    struct aka_sqn_array sqns;
    struct nas_security sec;
    struct nas_ue_security_capability cap;
    struct nas_guti guti;
    bool has_guti;
    uint8_t tac;
    /* what came */
    struct pdu in[INBOX];
    uint32_t n_in, taken;
    uint32_t contexts, releases;
    struct ngap_Cause release_cause;
    uint8_t kgnb[32];
    uint64_t ambr_down;
    uint32_t n_ngap_allowed, radio_capability; /* slices; octets */
    uint8_t masked_imeisv[8];
    /* what was taken last */
    _Alignas(16) uint8_t memory[65536];
    uint8_t buf[PDU_MAX];
    struct nas_header header;
    struct nas_msg msg;
    uint8_t rand[16], kamf[32], ksi;
};
struct bed {
    struct world *w;
    struct env *env, *gnb_env[GNBS];
    struct rt rt, gnb_rt[GNBS];
    struct gnb gnb[GNBS];
    struct phone phone[PHONES];
    struct config config;
    uint8_t *config_memory;
    struct store *store;
    struct crypto *crypto;
    struct log log;
    char text[65536];
    uint32_t text_n;
    uint64_t next_ran_id;
    uint32_t sent_to_gnb; /* messages about phones */
    void (*also)(struct bed *, uint32_t gnb, const struct ngap_pdu *); /* sees each of them first; may be NULL */
    uint16_t refuse_sessions; /* bit n: gNBs have no resources for session n */
};

/* ---- the gNBs ---- */
static inline struct phone *phone_of(struct gnb *g, uint64_t ran_id)
{
    struct bed *b = g->user;
    for (uint32_t i = 0; i < PHONES; i++)
        if (b->phone[i].connected && &b->gnb[b->phone[i].gnb] == g && b->phone[i].ran_id == ran_id)
            return &b->phone[i];
    return NULL;
}
static inline void phone_gets(struct phone *p, struct bytes nas)
{
    assert_true(p->n_in < INBOX && nas.n <= PDU_MAX);
    p->in[p->n_in].n = nas.n;
    memcpy(p->in[p->n_in++].octet, nas.p, nas.n);
}
static inline void phone_context(struct gnb *g, struct phone *p, const struct ngap_InitialContextSetupRequest *m)
{
    p->contexts++;
    memcpy(p->kgnb, m->SecurityKey.p, 32);
    p->n_ngap_allowed = m->AllowedNSSAI.n;
    p->radio_capability = m->has.UERadioCapability ? m->UERadioCapability.n : 0;
    if (m->has.MaskedIMEISV)
        memcpy(p->masked_imeisv, m->MaskedIMEISV.p, 8);
    p->ambr_down = m->has.UEAggregateMaximumBitRate ? m->UEAggregateMaximumBitRate.uEAggregateMaximumBitRateDL : 0;
    if (p->fail_context) {
        struct ngap_InitialContextSetupFailure f = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                    .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID};
        f.has.AMF_UE_NGAP_ID = f.has.RAN_UE_NGAP_ID = f.has.Cause = 1;
        f.Cause.sel = NGAP_Cause_radioNetwork;
        gnb_send(g, NGAP_MSG_InitialContextSetupFailure, &f, 1);
        return;
    }
    if (m->has.NAS_PDU)
        phone_gets(p, m->NAS_PDU);
    struct ngap_PDUSessionResourceSetupItemCxtRes up[16] = {0};
    struct ngap_PDUSessionResourceFailedToSetupItemCxtRes down[16] = {0};
    uint32_t n_up = 0, n_down = 0;
    struct bed *b = g->user;
    for (uint32_t i = 0; m->has.PDUSessionResourceSetupListCxtReq && i < m->PDUSessionResourceSetupListCxtReq.n; i++) {
        const struct ngap_PDUSessionResourceSetupItemCxtReq *s = &m->PDUSessionResourceSetupListCxtReq.v[i];
        assert_true(m->has.UEAggregateMaximumBitRate);
        if (b->refuse_sessions >> s->pDUSessionID & 1) {
            down[n_down].pDUSessionID = s->pDUSessionID;
            down[n_down++].pDUSessionResourceSetupUnsuccessfulTransfer = BYTES_OF(TRANSFER);
            continue;
        }
        if (s->has.nAS_PDU)
            phone_gets(p, s->nAS_PDU);
        up[n_up].pDUSessionID = s->pDUSessionID;
        up[n_up++].pDUSessionResourceSetupResponseTransfer = BYTES_OF(TRANSFER);
    }
    struct ngap_InitialContextSetupResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                 .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
    r.has.PDUSessionResourceSetupListCxtRes = n_up > 0;
    r.PDUSessionResourceSetupListCxtRes.v = up;
    r.PDUSessionResourceSetupListCxtRes.n = n_up;
    r.has.PDUSessionResourceFailedToSetupListCxtRes = n_down > 0;
    r.PDUSessionResourceFailedToSetupListCxtRes.v = down;
    r.PDUSessionResourceFailedToSetupListCxtRes.n = n_down;
    if (!p->quiet_context)
        gnb_send(g, NGAP_MSG_InitialContextSetupResponse, &r, 1);
}
static inline void phone_release(struct gnb *g, struct phone *p, const struct ngap_UEContextReleaseCommand *m)
{
    p->releases++;
    p->release_cause = m->Cause;
    struct ngap_UEContextReleaseComplete r = {.AMF_UE_NGAP_ID = m->UE_NGAP_IDs.uE_NGAP_ID_pair.aMF_UE_NGAP_ID,
                                              .RAN_UE_NGAP_ID = p->ran_id};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
    if (p->quiet_release)
        return;
    p->connected = false;
    gnb_send(g, NGAP_MSG_UEContextReleaseComplete, &r, 1);
}
static inline int on_message(struct gnb *g, const struct ngap_pdu *pdu)
{
    struct bed *b = g->user;
    b->sent_to_gnb++;
    uint64_t id = 0, amf_id = 0;
    if (b->also)
        b->also(b, (uint32_t)(g - b->gnb), pdu);
    if (pdu->msg == NGAP_MSG_DownlinkNASTransport) {
        const struct ngap_DownlinkNASTransport *m = pdu->value;
        id = m->RAN_UE_NGAP_ID;
        amf_id = m->AMF_UE_NGAP_ID;
    } else if (pdu->msg == NGAP_MSG_InitialContextSetupRequest) {
        const struct ngap_InitialContextSetupRequest *m = pdu->value;
        id = m->RAN_UE_NGAP_ID;
        amf_id = m->AMF_UE_NGAP_ID;
    } else if (pdu->msg == NGAP_MSG_UEContextReleaseCommand) {
        const struct ngap_UEContextReleaseCommand *m = pdu->value;
        id = m->UE_NGAP_IDs.uE_NGAP_ID_pair.rAN_UE_NGAP_ID;
        amf_id = m->UE_NGAP_IDs.uE_NGAP_ID_pair.aMF_UE_NGAP_ID;
    } else {
        return OK;
    }
    struct phone *p = phone_of(g, id);
    if (!p)
        return ERR_NOTFOUND;
    if (p->has_amf_id)
        assert_true(p->amf_id == amf_id);
    assert_true(amf_id != 0); /* gNBs in the field take it for none */
    p->amf_id = amf_id;
    p->has_amf_id = true;
    if (pdu->msg == NGAP_MSG_DownlinkNASTransport)
        phone_gets(p, ((const struct ngap_DownlinkNASTransport *)pdu->value)->NAS_PDU);
    else if (pdu->msg == NGAP_MSG_InitialContextSetupRequest)
        phone_context(g, p, pdu->value);
    else
        phone_release(g, p, pdu->value);
    return OK;
}
static inline void on_release_all(struct gnb *g)
{
    struct bed *b = g->user;
    for (uint32_t i = 0; i < PHONES; i++)
        if (&b->gnb[b->phone[i].gnb] == g)
            b->phone[i].connected = false;
}

/* ---- the bed ---- */
static inline void bed_log(void *ctx, struct str line)
{
    struct bed *b = ctx;
    if (b->text_n + line.n < sizeof b->text) {
        memcpy(b->text + b->text_n, line.p, line.n);
        b->text_n += line.n;
        b->text[b->text_n] = 0;
    }
}
static inline void bed_run_ms(struct bed *b, uint64_t ms)
{
    world_attach(b->w, b->env, &b->rt);
    for (uint32_t i = 0; i < GNBS; i++)
        world_attach(b->w, b->gnb_env[i], &b->gnb_rt[i]);
    world_run(b->w, ms * 1000);
}
static inline struct amf *bed_amf(struct bed *b) { return nf_state(&b->rt, SBI_NF_AMF); }
static inline uint64_t bed_metric(struct bed *b, enum metric m, uint32_t at) { return metric_get_at(b->rt.metrics, m, at); }
static inline void bed_config(struct bed *b, const char *yaml)
{
    struct config_report *report = calloc(1, sizeof *report);
    b->config_memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena arena = arena_over(b->config_memory, CONFIG_ARENA_OCTETS);
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "amf:\n  tais: [{tac: 1}, {tac: 2}, {tac: 3}]\n  slices: [1, 2-000009]\n  n2_addresses: [10.0.0.1]\n"
                     "  max_ues: 64\n%s", yaml);
    int e = config_parse(&b->config, &arena, STR("test"), (struct str){text, (uint32_t)n}, report);
    if (e < 0)
        fail_msg("%s", report->text);
    free(report);
}
/* A subscriber of the default slice 1, and of slice 2-000009. */
static inline void bed_subscriber(struct bed *b, const char *supi, uint8_t auth)
{
    struct subscriber s = {.key = {.alg = AKA_MILENAGE, .k_n = 16}, .amf = 0x8000, .auth = auth};
    struct subscriber_profile p = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 2, .n_dnns = 1};
    memcpy(s.key.k, TEST_K, 16);
    memcpy(s.key.opc, TEST_OPC, 16);
    p.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    p.slices[1] = (struct subscriber_slice){.sst = 2, .sd = {0, 0, 9}, .has_sd = true};
    p.dnns[0] = (struct subscriber_dnn){.slice = 0, .name = STR("internet"), .is_default = true, .types = 7,
                                        .default_type = SUBSCRIBER_IPV4, .fiveqi = 9};
    assert_int_equal(subscriber_profile_put(b->store, &p, &s.profile), OK);
    assert_int_equal(subscriber_put(b->store, str_of(supi), &s), OK);
    assert_int_equal(store_sync(b->store), OK);
}
static inline struct phone *bed_phone(struct bed *b, uint32_t i)
{
    struct phone *p = &b->phone[i];
    p->bed = b;
    p->key = (struct aka_key){.alg = AKA_MILENAGE, .k_n = 16};
    memcpy(p->key.k, TEST_K, 16);
    memcpy(p->key.opc, TEST_OPC, 16);
    snprintf(p->imsi, sizeof p->imsi, "00101000000000%u", i + 1);
    p->cap = CAPABILITY;
    p->tac = 1;
    p->ksi = NAS_KSI_NONE;
    return p;
}
static inline void bed_gnb(struct bed *b, uint32_t i)
{
    static const struct gnb_ue_ops ops = {.message = on_message, .release_all = on_release_all};
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    struct gnb_config c = {.plmn = {0x00, 0xf1, 0x10}, .id = 1 + i, .id_bits = 24, .name = "a gNB", .tas = TAS, .n_tas = 2,
                           .streams = 4, .stay_down = true};
    assert_int_equal(gnb_init(&b->gnb[i], &b->gnb_rt[i], &c), OK);
    b->gnb[i].ue_ops = &ops;
    b->gnb[i].user = b;
    assert_int_equal(gnb_start(&b->gnb[i], &amf), OK);
}
static inline struct bed *bed_new_with(const char *yaml, const struct nf_desc *const *more, uint32_t n_more)
{
    static const char *const names[] = {"gnb0", "gnb1"};
    static const uint8_t secret[16] = {1};
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->w = world_new(3);
    struct net_addr a = addr_v4(0x0a000001, 38412);
    b->env = world_host(b->w, "core", &a);
    b->store = store_memory_new();
    bed_config(b, yaml);
    assert_int_equal(rt_init(&b->rt, b->env, 8 << 20), OK);
    assert_int_equal(crypto_init(&b->crypto), OK);
    b->rt.api_root = "http://127.0.0.5:7777";
    b->rt.store = b->store;
    b->rt.crypto = b->crypto;
    b->rt.config = &b->config;
    b->rt.metrics = metrics_new();
    log_init(&b->log, secret);
    log_set_level(&b->log, LOG_DEBUG);
    b->log.line = bed_log;
    b->log.ctx = b;
    b->rt.log = &b->log;
    for (uint32_t i = 0; i < GNBS; i++) {
        struct net_addr g = addr_v4(0x0a000010 + i, 38412);
        b->gnb_env[i] = world_host(b->w, names[i], &g);
        assert_int_equal(rt_init(&b->gnb_rt[i], b->gnb_env[i], 1 << 16), OK);
    }
    if (getenv("SBI_JSON")) /* the services as bytes: nothing may change */
        assert_int_equal(sbi_json_mode(&b->rt), OK);
    rt_enter(&b->rt);
    static const struct nf_desc *const nfs[] = {&udr_nf, &udm_nf, &ausf_nf, &pcf_nf, &nssf_nf, &amf_nf};
    for (uint32_t i = 0; i < n_more; i++)
        assert_int_equal(nf_start(&b->rt, more[i]), OK);
    for (uint32_t i = 0; i < ARRAY_LEN(nfs); i++)
        if (!b->rt.nf[nfs[i]->kind])
            assert_int_equal(nf_start(&b->rt, nfs[i]), OK);
    for (uint32_t i = 0; i < GNBS; i++)
        bed_gnb(b, i);
    bed_run_ms(b, 100);
    assert_int_equal(bed_amf(b)->gnbs_setup, GNBS);
    for (uint32_t i = 0; i < PHONES; i++) {
        struct phone *p = bed_phone(b, i);
        char supi[32];
        snprintf(supi, sizeof supi, "imsi-%s", p->imsi);
        if (i < 3) /* the last one is a stranger */
            bed_subscriber(b, supi, SUBSCRIBER_AUTH_NONE);
    }
    return b;
}
static inline struct bed *bed_new(void) { return bed_new_with("", NULL, 0); }
/* Nothing is left running, and no identity was logged. */
static inline void bed_free(struct bed *b)
{
    bed_run_ms(b, 30000);
    assert_int_equal(b->rt.procs_running, 0);
    assert_int_equal(b->rt.calls_open, 0);
    for (uint32_t i = 0; i < PHONES; i++)
        assert_null(strstr(b->text, b->phone[i].imsi));
    for (uint32_t i = 0; i < GNBS; i++)
        gnb_free(&b->gnb[i]);
    bed_run_ms(b, 100);
    assert_int_equal(bed_amf(b)->ues->conns.used, 0);
    assert_int_equal(map_count(&bed_amf(b)->ues->by_ran), 0);
    nf_stop_all(&b->rt);
    while (rt_turn(&b->rt) <= b->rt.now_us)
        ;
    assert_int_equal(b->rt.procs_running, 0);
    assert_int_equal(b->rt.calls_open, 0);
    for (uint32_t i = 0; i < GNBS; i++)
        rt_free(&b->gnb_rt[i]);
    metrics_free(b->rt.metrics);
    sbi_json_mode_end(&b->rt);
    rt_free(&b->rt);
    store_memory_free(b->store);
    crypto_free(b->crypto);
    world_free(b->w);
    free(b->config_memory);
    free(b);
}

/* ---- a phone speaks ---- */
static inline struct ngap_UserLocationInformation location(const struct phone *p, uint8_t memory[16])
{
    struct ngap_UserLocationInformation l = {.sel = NGAP_UserLocationInformation_userLocationInformationNR};
    memset(memory, 0, 16);
    memory[3] = 0x10; /* the cell */
    memory[10] = p->tac;
    l.userLocationInformationNR.nR_CGI.pLMNIdentity = BYTES_OF(PLMN);
    l.userLocationInformationNR.nR_CGI.nRCellIdentity = (struct bits){memory, 36};
    l.userLocationInformationNR.tAI.pLMNIdentity = BYTES_OF(PLMN);
    l.userLocationInformationNR.tAI.tAC = (struct bytes){memory + 8, 3};
    return l;
}
/* On a new connection at that gNB; the one before is lost without a word. */
static inline void phone_begin(struct phone *p, uint32_t gnb, struct bytes nas)
{
    uint8_t memory[16];
    struct ngap_InitialUEMessage m = {.NAS_PDU = nas, .UserLocationInformation = location(p, memory)};
    p->gnb = gnb;
    p->ran_id = ++p->bed->next_ran_id;
    p->connected = true;
    p->has_amf_id = p->is_secure = false;
    p->n_in = p->taken = 0;
    m.RAN_UE_NGAP_ID = p->ran_id;
    m.RRCEstablishmentCause = NGAP_RRCEstablishmentCause_mo_Signalling;
    m.UEContextRequest = NGAP_UEContextRequest_requested;
    m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = m.has.RRCEstablishmentCause = 1;
    m.has.UEContextRequest = 1;
    assert_int_equal(gnb_send(&p->bed->gnb[gnb], NGAP_MSG_InitialUEMessage, &m, 1), OK);
}
static inline void phone_say(struct phone *p, struct bytes nas)
{
    uint8_t memory[16];
    struct ngap_UplinkNASTransport m = {.AMF_UE_NGAP_ID = p->amf_id, .RAN_UE_NGAP_ID = p->ran_id, .NAS_PDU = nas,
                                        .UserLocationInformation = location(p, memory)};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = 1;
    assert_int_equal(gnb_send(&p->bed->gnb[p->gnb], NGAP_MSG_UplinkNASTransport, &m, 1), OK);
}
static inline struct bytes phone_protect(struct phone *p, struct bytes plain, enum nas_security_header type,
                                         uint8_t out[PDU_MAX])
{
    int n = nas_protect(&p->sec, p->bed->crypto, NAS_UPLINK, type, plain, out, PDU_MAX);
    assert_true(n > 0);
    return (struct bytes){out, (uint32_t)n};
}
static inline struct bytes encode(const struct nas_msg *m, uint8_t out[PDU_MAX])
{
    int n = nas_encode(m, out, PDU_MAX);
    assert_true(n > 0);
    return (struct bytes){out, (uint32_t)n};
}
static inline void phone_send(struct phone *p, const struct nas_msg *m, enum nas_security_header type)
{
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    struct bytes b = encode(m, plain);
    phone_say(p, type == NAS_PLAIN ? b : phone_protect(p, b, type, out));
}

/* ---- a phone listens ---- */
/* The next message that has come, within 20 s; its type, 0: none. Opened with the phone's keys. */
static inline uint8_t phone_next(struct phone *p)
{
    for (int ms = 0; ms < 20000 && p->taken == p->n_in; ms += 10)
        bed_run_ms(p->bed, 10);
    if (p->taken == p->n_in)
        return 0;
    const struct pdu *in = &p->in[p->taken++];
    struct bytes plain = {in->octet, in->n};
    struct arena a = arena_over(p->memory, sizeof p->memory);
    assert_int_equal(nas_header_peek(plain, &p->header), OK);
    if (p->header.security == NAS_INTEGRITY_NEW) { /* not ciphered: keys come from what it says */
        plain = p->header.plain;
    } else if (p->header.security != NAS_PLAIN) {
        assert_int_equal(nas_unprotect(&p->sec, p->bed->crypto, NAS_DOWNLINK, &p->header, p->buf, PDU_MAX, &plain), OK);
    }
    assert_int_equal(nas_decode(plain, &a, &p->msg, NULL), OK);
    return p->msg.type;
}
#define expect(p, t) assert_int_equal(phone_next(p), (t))
/* Nothing more comes for a while. */
static inline void expect_silence(struct phone *p, uint32_t ms)
{
    bed_run_ms(p->bed, ms);
    assert_int_equal(p->taken, p->n_in);
}

/* ---- messages ---- */
static inline void say_suci(struct phone *p, struct nas_mobile_identity *id)
{
    struct arena a = arena_over(p->memory, sizeof p->memory);
    *id = (struct nas_mobile_identity){.type = NAS_ID_SUCI};
    assert_int_equal(nas_suci_of_imsi(&id->suci, str_of(p->imsi), 2, "0", &a), OK);
}
/* What the phone would send without a context; the caller changes it. */
static inline struct nas_msg registration(struct phone *p, uint8_t type)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_REGISTRATION_REQUEST);
    m.registration_request.fivegs_registration_type = (struct nas_registration_type){type, true};
    m.registration_request.ngksi.value = p->ksi;
    m.registration_request.has.ue_security_capability = 1;
    m.registration_request.ue_security_capability = p->cap;
    if (p->has_guti) {
        m.registration_request.fivegs_mobile_identity.type = NAS_ID_GUTI;
        m.registration_request.fivegs_mobile_identity.guti = p->guti;
    } else {
        say_suci(p, &m.registration_request.fivegs_mobile_identity);
    }
    return m;
}
static inline void phone_register_plain(struct phone *p, uint32_t gnb, const struct nas_msg *m)
{
    uint8_t plain[PDU_MAX];
    phone_begin(p, gnb, encode(m, plain));
}
static inline void phone_register_protected(struct phone *p, uint32_t gnb, const struct nas_msg *m)
{
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    phone_begin(p, gnb, phone_protect(p, encode(m, plain), NAS_INTEGRITY, out));
}
/* The USIM answers the challenge in p->msg: OK, ERR_MAC, ERR_REPLAY (auts). */
static inline int phone_challenge(struct phone *p, uint8_t res_star[16], uint8_t auts[14])
{
    const struct nas_authentication_request *q = &p->msg.authentication_request;
    struct crypto *c = p->bed->crypto;
    struct aka_usim_result r;
    uint8_t kausf[32], kseaf[32];
    char name[SERVING_NETWORK_NAME];
    serving_network_name(PLMN, name);
    p->ksi = q->ngksi.value;
    memcpy(p->rand, q->authentication_parameter_rand.p, 16);
    int e = aka_usim(c, &p->key, &p->sqns, p->rand, q->authentication_parameter_autn.p, &r);
    memcpy(auts, r.auts, 14);
    if (e < 0)
        return e;
    assert_int_equal(kdf_res_star(c, r.ck, r.ik, str_of(name), p->rand, (struct bytes){r.res, r.res_n}, res_star), OK);
    assert_int_equal(kdf_kausf(c, r.ck, r.ik, str_of(name), q->authentication_parameter_autn.p, kausf), OK);
    assert_int_equal(kdf_kseaf(c, kausf, str_of(name), kseaf), OK);
    assert_int_equal(kdf_kamf(c, kseaf, str_of(p->imsi), q->abba, p->kamf), OK);
    return OK;
}
static inline struct nas_msg authentication_response(const uint8_t res_star[16])
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_AUTHENTICATION_RESPONSE);
    m.authentication_response.has.authentication_response_parameter = 1;
    m.authentication_response.authentication_response_parameter = (struct bytes){res_star, 16};
    return m;
}
static inline struct nas_msg authentication_failure(uint8_t cause, const uint8_t *auts)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_AUTHENTICATION_FAILURE);
    m.authentication_failure.gmm_cause = cause;
    m.authentication_failure.has.authentication_failure_parameter = auts != NULL;
    m.authentication_failure.authentication_failure_parameter = (struct bytes){auts, auts ? 14u : 0u};
    return m;
}
/* AUTHENTICATION REQUEST comes and is answered rightly. */
static inline void phone_authenticate(struct phone *p)
{
    uint8_t res_star[16], auts[14];
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res_star, auts), OK);
    struct nas_msg m = authentication_response(res_star);
    phone_send(p, &m, NAS_PLAIN);
}
/* SECURITY MODE COMMAND in p->msg: keys, and its MAC holds. */
static inline void phone_take_keys(struct phone *p)
{
    const struct nas_security_mode_command *q = &p->msg.security_mode_command;
    struct bytes plain;
    struct nas_header h = p->header;
    nas_security_init(&p->sec, q->ngksi.value, p->kamf);
    assert_int_equal(nas_security_select(&p->sec, p->bed->crypto, q->selected_nas_security_algorithms.ciphering,
                                         q->selected_nas_security_algorithms.integrity), OK);
    assert_int_equal(nas_unprotect(&p->sec, p->bed->crypto, NAS_DOWNLINK, &h, p->buf, PDU_MAX, &plain), OK);
    p->ksi = q->ngksi.value;
    p->is_secure = true;
}
/* SECURITY MODE COMPLETE with IMEISV and the whole request. */
static inline void phone_complete_security(struct phone *p, const struct nas_msg *whole)
{
    uint8_t inner[PDU_MAX];
    struct nas_msg m;
    nas_msg_init(&m, NAS_SECURITY_MODE_COMPLETE);
    m.security_mode_complete.has.imeisv = p->msg.security_mode_command.has.imeisv_request;
    m.security_mode_complete.imeisv.type = NAS_ID_IMEISV;
    memcpy(m.security_mode_complete.imeisv.digits, "3569380356438091", 17);
    if (whole) {
        m.security_mode_complete.has.nas_message_container = 1;
        m.security_mode_complete.nas_message_container = encode(whole, inner);
    }
    phone_send(p, &m, NAS_CIPHERED_NEW);
}
static inline void phone_security(struct phone *p, const struct nas_msg *whole)
{
    expect(p, NAS_SECURITY_MODE_COMMAND);
    phone_take_keys(p);
    phone_complete_security(p, whole);
}
/* REGISTRATION ACCEPT in p->msg: its GUTI. */
static inline void phone_take_guti(struct phone *p)
{
    const struct nas_registration_accept *m = &p->msg.registration_accept;
    if (!m->has.fiveg_guti)
        return;
    p->guti = m->fiveg_guti.guti;
    p->has_guti = true;
}
static inline void phone_complete(struct phone *p)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_REGISTRATION_COMPLETE);
    phone_send(p, &m, NAS_CIPHERED);
}
/* SERVICE REQUEST on a new connection. */
static inline struct nas_msg service_request(struct phone *p, uint8_t type)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_SERVICE_REQUEST);
    m.service_request.ngksi.value = p->ksi;
    m.service_request.service_type = type;
    m.service_request.fiveg_s_tmsi.type = NAS_ID_S_TMSI;
    m.service_request.fiveg_s_tmsi.guti = p->guti;
    return m;
}
/* The whole way, with a SUCI. */
static inline void phone_register(struct phone *p, uint32_t gnb)
{
    p->has_guti = false;
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, gnb, &m);
    phone_authenticate(p);
    phone_security(p, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    phone_complete(p);
    expect(p, NAS_CONFIGURATION_UPDATE_COMMAND);
}
static inline struct amf_ue *phone_ue(struct phone *p)
{
    char supi[32];
    snprintf(supi, sizeof supi, "imsi-%s", p->imsi);
    return amf_ue_by_supi(bed_amf(p->bed), str_of(supi));
}
