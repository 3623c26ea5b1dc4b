/* SPDX-License-Identifier: Apache-2.0 */
/* A whole core (AMF, SMF, AUSF, UDM, UDR, PCF, NSSF, and a UPF on a host of its own) in a simulated world, and a gNB
 * that lies: any octets as NGAP, random messages, phones with keys of their own whose NAS messages are broken,
 * repeated, out of state or speak of others, strangers on N4 and a UPF that lies or hangs, time that passes,
 * associations that die. The input is read as a list of operations (enum op).
 *
 * What must hold after all of it: a phone that registered through another gNB is untouched; no identity was logged;
 * when the gNBs are gone and the phones forgotten, no procedure, call, connection, session or address is left. */
#include "base/err.h"
#include "base/log.h"
#include "crypto/aka.h"
#include "crypto/kdf.h"
#include "fuzz/lie.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/session.h"
#include "nf/ausf/ausf.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "nf/smf/smf.h"
#include "nf/udm/udm.h"
#include "nf/udr/subscriber.h"
#include "nf/udr/udr.h"
#include "nf/upf/state.h"
#include "proto/sbi.h"
#include "proto/serving_network.h"
#include "ran/gnb.h"
#include "rt/config.h"
#include "sim/data_network.h"
#include "sim/store_memory.h"
#include "sim/user_plane.h"
#include "sim/world.h"
#include "trust/guard.h"
#include <stdio.h>
#include <stdlib.h>

enum { GNBS = 2, PHONES = 4, VICTIM = 3, OPS_MAX = 48, PDU_MAX = 4096, MEMORY = 1 << 17, LONG_WAITS = 2, MS = 1000, SECOND = 1000000 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t PLMN[3] = {0x00, 0xf1, 0x10}, K[16] = {1, 2, 3}, OPC[16] = {4, 5, 6};
static const struct gnb_ta TAS[] = {{{0, 0, 1}, {0x00, 0xf1, 0x10}, 2, {{1, {0}, false}, {2, {0, 0, 9}, true}}}};
static const char YAML[] =
    "amf:\n  n2_addresses: [10.0.0.1]\n  tais: [{tac: 1}, {tac: 2}]\n  slices: [1, 2-000009]\n  max_ues: 8\n  max_gnbs: 4\n"
    "smf:\n  n4_address: 10.0.0.1\n  pfcp_heartbeat: 600\n  upfs: [{name: upf, address: 10.0.0.2}]\n  max_sessions: 16\n"
    "  dnns: [{name: internet, ipv4_pool: 10.45.0.0/24, ipv6_pool: \"fd00:10:45::/48\"},\n"
    "    {name: plant, ipv4_pool: 10.60.0.0/24, lan_members: [imsi-001010000777001, imsi-001010000777004]}]\n"
    "ausf: {max_pending: 64}\nupf:\n  n4_address: 10.0.0.2\n  n3_addresses: [10.0.0.2]\n  max_sessions: 16\n"
    "  n6: [{dnn: internet, tun: n6internet, ipv4: 10.45.0.1/24, ipv6: \"fd00:10:45::1/48\"}, {dnn: plant}]\n";

struct input {
    const uint8_t *p;
    size_t n;
};
struct pdu {
    uint32_t n;
    uint8_t octet[PDU_MAX];
};
struct phone {
    struct bed *bed;
    char imsi[16];
    uint32_t gnb;
    uint64_t ran_id, amf_id;
    struct aka_key key;
    struct aka_sqn_array sqns;
    struct nas_security sec;
    struct nas_guti guti;
    uint8_t kamf[32], ksi;
    bool has_guti;
    struct pdu heard, said;
};
struct bed {
    struct world *w;
    struct env *core_env, *upf_env, *stranger_env, *gnb_env[GNBS];
    struct rt rt, upf_rt, gnb_rt[GNBS];
    struct gnb gnb[GNBS];
    struct phone phone[PHONES];
    struct store *store;
    struct log log;
    struct user_plane *path;
    struct guard *guard[2]; /* of the core, of the UPF */
    struct data_network dn;
    struct input in;
    uint64_t next_ran_id;
    uint32_t long_waits;
    uint32_t procs; /* that run always */
    bool honest;    /* gNBs answer what they are asked */
    int n4[2];      /* of a stranger, and of the UPF's address */
    struct pdu gnb_said; /* the last message of the gNB that lies */
    struct pdu smf_said; /* and of the SMF, on N4 */
    bool upf_hangs, upf_hung; /* now; ever */
    uint8_t asked_type, asked_seq[3]; /* of the SMF's last request */
    _Alignas(16) uint8_t memory[MEMORY];
    uint8_t plain[PDU_MAX], inner[PDU_MAX], lied[PDU_MAX];
};
static struct { /* made once, never changed */
    struct config config;
    uint8_t *config_memory;
    struct crypto *crypto;
    uint8_t transfer[32];
    uint32_t transfer_n;
} common;

static void check(bool good)
{
    if (!good)
        abort();
}

/* ---- the input ---- */
static uint8_t u8(struct input *in)
{
    if (!in->n)
        return 0;
    in->n--;
    return *in->p++;
}
static uint32_t u32(struct input *in)
{
    uint32_t v = u8(in);
    for (int i = 0; i < 3; i++)
        v = v << 8 | u8(in);
    return v;
}
static struct bytes octets(struct input *in)
{
    uint32_t n = u8(in);
    if (n > in->n)
        n = (uint32_t)in->n;
    struct bytes b = {in->p, n};
    in->p += n;
    in->n -= n;
    return b;
}

/* ---- the bed ---- */
static void on_log(void *ctx, struct str line)
{
    struct bed *b = ctx;
    for (uint32_t i = 0; i < PHONES; i++)
        check(!memmem(line.p, line.n, b->phone[i].imsi, 15));
}
static void run(struct bed *b, uint64_t us) { world_run(b->w, us); }
static struct phone *phone_of(struct gnb *g, uint64_t ran_id)
{
    struct bed *b = g->user;
    for (uint32_t i = 0; i < PHONES; i++)
        if (&b->gnb[b->phone[i].gnb] == g && b->phone[i].ran_id == ran_id)
            return &b->phone[i];
    return NULL;
}
static void hear(struct phone *p, struct bytes nas)
{
    if (!p || !nas.n || nas.n > PDU_MAX)
        return;
    p->heard.n = nas.n;
    memcpy(p->heard.octet, nas.p, nas.n);
}
static struct bytes transfer(void) { return (struct bytes){common.transfer, common.transfer_n}; }

static void on_context(struct gnb *g, const struct ngap_InitialContextSetupRequest *m)
{
    struct phone *p = phone_of(g, m->RAN_UE_NGAP_ID);
    struct ngap_PDUSessionResourceSetupItemCxtRes up[16] = {0};
    struct ngap_InitialContextSetupResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                 .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID};
    const struct ngap_PDUSessionResourceSetupListCxtReq *l = &m->PDUSessionResourceSetupListCxtReq;
    uint32_t n = m->has.PDUSessionResourceSetupListCxtReq ? l->n : 0;
    if (m->has.NAS_PDU)
        hear(p, m->NAS_PDU);
    for (uint32_t i = 0; i < n && i < 16; i++) {
        up[i].pDUSessionID = l->v[i].pDUSessionID;
        up[i].pDUSessionResourceSetupResponseTransfer = transfer();
        if (l->v[i].has.nAS_PDU)
            hear(p, l->v[i].nAS_PDU);
    }
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
    r.has.PDUSessionResourceSetupListCxtRes = n > 0;
    r.PDUSessionResourceSetupListCxtRes.v = up;
    r.PDUSessionResourceSetupListCxtRes.n = n < 16 ? n : 16;
    struct bed *b = g->user;
    if (b->honest || g == &b->gnb[1])
        gnb_send(g, NGAP_MSG_InitialContextSetupResponse, &r, 1);
}
static void on_setup(struct gnb *g, const struct ngap_PDUSessionResourceSetupRequest *m)
{
    struct ngap_PDUSessionResourceSetupItemSURes up = {
        .pDUSessionID = m->PDUSessionResourceSetupListSUReq.v[0].pDUSessionID,
        .pDUSessionResourceSetupResponseTransfer = transfer()};
    struct ngap_PDUSessionResourceSetupResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                     .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID,
                                                     .PDUSessionResourceSetupListSURes = {&up, 1}};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.PDUSessionResourceSetupListSURes = 1;
    if (m->PDUSessionResourceSetupListSUReq.v[0].has.pDUSessionNAS_PDU)
        hear(phone_of(g, m->RAN_UE_NGAP_ID), m->PDUSessionResourceSetupListSUReq.v[0].pDUSessionNAS_PDU);
    gnb_send(g, NGAP_MSG_PDUSessionResourceSetupResponse, &r, 1);
}
static void on_release(struct gnb *g, const struct ngap_UEContextReleaseCommand *m)
{
    const struct ngap_UE_NGAP_ID_pair *ids = &m->UE_NGAP_IDs.uE_NGAP_ID_pair;
    struct ngap_UEContextReleaseComplete r = {.AMF_UE_NGAP_ID = ids->aMF_UE_NGAP_ID,
                                              .RAN_UE_NGAP_ID = ids->rAN_UE_NGAP_ID};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
    gnb_send(g, NGAP_MSG_UEContextReleaseComplete, &r, 1);
}
static int on_message(struct gnb *g, const struct ngap_pdu *pdu)
{
    struct bed *b = g->user;
    bool answers = b->honest || g == &b->gnb[1];
    if (pdu->msg == NGAP_MSG_DownlinkNASTransport) {
        const struct ngap_DownlinkNASTransport *m = pdu->value;
        struct phone *p = phone_of(g, m->RAN_UE_NGAP_ID);
        hear(p, m->NAS_PDU);
        if (p)
            p->amf_id = m->AMF_UE_NGAP_ID;
    } else if (pdu->msg == NGAP_MSG_InitialContextSetupRequest) {
        on_context(g, pdu->value);
    } else if (pdu->msg == NGAP_MSG_PDUSessionResourceSetupRequest && answers) {
        on_setup(g, pdu->value);
    } else if (pdu->msg == NGAP_MSG_UEContextReleaseCommand && answers) {
        on_release(g, pdu->value);
    }
    return OK;
}
static void gnb_begin(struct bed *b, uint32_t i)
{
    static const struct gnb_ue_ops ops = {.message = on_message};
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    struct gnb_config c = {.plmn = {0x00, 0xf1, 0x10}, .id = 1 + i, .id_bits = 24, .name = "a gNB", .tas = TAS,
                           .n_tas = 1, .streams = 4, .reconnect_us = SECOND, .stay_down = i == 1};
    check(gnb_init(&b->gnb[i], &b->gnb_rt[i], &c) == OK);
    b->gnb[i].ue_ops = &ops;
    b->gnb[i].user = b;
    check(gnb_start(&b->gnb[i], &amf) == OK);
}
static void subscribe(struct bed *b, const struct phone *p, uint8_t auth)
{
    struct subscriber s = {.key = p->key, .amf = AKA_AMF_5G, .auth = auth};
    struct subscriber_profile f = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 2, .n_dnns = 2};
    char supi[32];
    f.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    f.slices[1] = (struct subscriber_slice){.sst = 2, .sd = {0, 0, 9}, .has_sd = true};
    f.dnns[0] = (struct subscriber_dnn){.name = STR("internet"), .is_default = true, .types = 7,
                                        .default_type = SUBSCRIBER_IPV4, .fiveqi = 9};
    f.dnns[1] = (struct subscriber_dnn){.name = STR("plant"), .types = 7, .default_type = SUBSCRIBER_IPV4, .fiveqi = 9};
    snprintf(supi, sizeof supi, "imsi-%s", p->imsi);
    check(subscriber_profile_put(b->store, &f, &s.profile) == OK);
    check(subscriber_put(b->store, str_of(supi), &s) == OK && store_sync(b->store) == OK);
}
static void nothing(void *ctx, int sock, const struct net_addr *from, struct bytes octets_)
{
    (void)ctx, (void)sock, (void)from, (void)octets_;
}
static void common_once(void)
{
    static struct config_report report;
    struct ngap_AssociatedQosFlowItem flow = {.qosFlowIdentifier = 1};
    static const uint8_t ip[4] = {10, 0, 0, 3}, teid[4] = {0, 0, 0, 7};
    struct ngap_PDUSessionResourceSetupResponseTransfer t = {0};
    if (common.crypto)
        return;
    check(crypto_init(&common.crypto) == OK);
    common.config_memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(common.config_memory, CONFIG_ARENA_OCTETS);
    check(config_parse(&common.config, &a, STR("fuzz"), STR(YAML), &report) >= 0);
    struct ngap_UPTransportLayerInformation *u = &t.dLQosFlowPerTNLInformation.uPTransportLayerInformation;
    u->sel = NGAP_UPTransportLayerInformation_gTPTunnel;
    u->gTPTunnel.transportLayerAddress = (struct bits){ip, 32};
    u->gTPTunnel.gTP_TEID = (struct bytes){teid, 4};
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.v = &flow;
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.n = 1;
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, &t, common.transfer,
                                 sizeof common.transfer);
    check(n > 0);
    common.transfer_n = (uint32_t)n;
}
static bool may_end_tunnel(void *ctx, struct bytes node_id, struct bits address)
{
    return amf_node_may_end_tunnel(&common.config, node_id, address);
}
static void guard_begin(struct guard **g, struct rt *rt)
{
    /* fewer than there are, so that it forgets */
    struct guard_conf c = {.max_ues = 3, .max_sessions = 3, .n_integrity = 2, .n_ciphering = 2, .integrity = {2, 1}, .ciphering = {2, 1},
                           .may_end_tunnel = may_end_tunnel};
    check(guard_open(g, rt, &c) == OK);
}
static void host(struct bed *b, struct rt *rt, struct env *env, size_t memory)
{
    check(rt_init(rt, env, memory) == OK);
    rt->crypto = common.crypto;
    rt->config = &common.config;
    world_attach(b->w, env, rt);
    rt_enter(rt);
}
static struct amf *bed_amf(struct bed *b) { return nf_state(&b->rt, SBI_NF_AMF); }
static void on_packet(void *ctx, const struct world_packet *k)
{
    struct bed *b = ctx;
    uint32_t at = k->octets.n >= 16 && k->octets.p[0] & 1 ? 12 : 4;
    if (k->is_sctp && k->to.ip[3] == 1 && k->from.ip[3] == 0x10 && k->octets.n <= PDU_MAX) {
        b->gnb_said.n = k->octets.n;
        memcpy(b->gnb_said.octet, k->octets.p, k->octets.n);
    }
    if (!k->is_sctp && k->to.port == 8805 && k->octets.n <= PDU_MAX && (k->from.ip[3] == 2 || k->to.ip[3] == 2)) {
        b->smf_said.n = k->octets.n;
        memcpy(b->smf_said.octet, k->octets.p, k->octets.n);
    }
    if (k->is_sctp || k->to.port != 8805 || k->to.ip[3] != 2 || k->octets.n < 16)
        return;
    b->asked_type = k->octets.p[1];
    memcpy(b->asked_seq, k->octets.p + at, 3);
}
static void hosts(struct bed *b)
{
    static const char *const names[] = {"gnb0", "gnb1"};
    struct net_addr core = addr_v4(0x0a000001, 0), upf = addr_v4(0x0a000002, 0), far = addr_v4(0x0a000009, 0);
    b->core_env = world_host(b->w, "core", &core);
    b->upf_env = world_host(b->w, "upf", &upf);
    b->stranger_env = world_host(b->w, "stranger", &far);
    for (uint32_t i = 0; i < GNBS; i++) {
        struct net_addr g = addr_v4(0x0a000010 + i, 38412);
        b->gnb_env[i] = world_host(b->w, names[i], &g);
        host(b, &b->gnb_rt[i], b->gnb_env[i], 1 << 16);
    }
    upf.port = far.port = 7000;
    b->n4[0] = b->stranger_env->ops->udp_open(b->stranger_env, &far, &(struct udp_sink){NULL, nothing});
    b->n4[1] = b->upf_env->ops->udp_open(b->upf_env, &upf, &(struct udp_sink){NULL, nothing});
}
static struct bed *bed_new(void)
{
    static const struct nf_desc *const nfs[] = {&udr_nf, &udm_nf, &ausf_nf, &pcf_nf, &nssf_nf, &smf_nf, &amf_nf};
    static const uint8_t secret[16] = {1};
    common_once();
    struct bed *b = calloc(1, sizeof *b);
    check(b != NULL);
    b->w = world_new(3);
    b->store = store_memory_new();
    b->honest = true;
    log_init(&b->log, secret);
    log_set_level(&b->log, LOG_DEBUG);
    b->log.line = on_log;
    b->log.ctx = b;
    for (uint32_t i = 0; i < PHONES; i++) {
        struct phone *p = &b->phone[i];
        p->bed = b;
        p->ksi = NAS_KSI_NONE;
        p->gnb = i == VICTIM;
        p->key = (struct aka_key){.alg = AKA_MILENAGE, .k_n = 16};
        memcpy(p->key.k, K, 16);
        memcpy(p->key.opc, OPC, 16);
        p->key.k[15] = (uint8_t)i;
        snprintf(p->imsi, sizeof p->imsi, "00101000077700%u", i + 1);
        if (i != 2) /* a stranger */
            subscribe(b, p, i == 1 ? SUBSCRIBER_AUTH_EAP_AKA_PRIME : SUBSCRIBER_AUTH_5G_AKA);
    }
    hosts(b);
    host(b, &b->upf_rt, b->upf_env, 4 << 20);
    guard_begin(&b->guard[1], &b->upf_rt);
    check(user_plane_inline_open(&b->path, &b->upf_rt, &common.config) == OK);
    check(nf_start(&b->upf_rt, &upf_nf) == OK);
    data_network_start(&b->dn, b->w, b->upf_env, NULL);
    host(b, &b->rt, b->core_env, 8 << 20);
    b->rt.api_root = "http://127.0.0.5:7777";
    b->rt.store = b->store;
    b->rt.log = &b->log;
    guard_begin(&b->guard[0], &b->rt);
    for (uint32_t i = 0; i < ARRAY_LEN(nfs); i++)
        check(nf_start(&b->rt, nfs[i]) == OK);
    for (uint32_t i = 0; i < GNBS; i++)
        gnb_begin(b, i);
    run(b, 100 * MS);
    check(bed_amf(b)->gnbs_setup == GNBS);
    b->procs = b->rt.procs_running;
    world_watch(b->w, on_packet, b);
    return b;
}

/* ---- a phone speaks ---- */
static struct ngap_UserLocationInformation location(uint8_t memory[16], uint8_t tac)
{
    struct ngap_UserLocationInformation l = {.sel = NGAP_UserLocationInformation_userLocationInformationNR};
    memset(memory, 0, 16);
    memory[3] = 0x10;
    memory[10] = tac;
    l.userLocationInformationNR.nR_CGI.pLMNIdentity = BYTES_OF(PLMN);
    l.userLocationInformationNR.nR_CGI.nRCellIdentity = (struct bits){memory, 36};
    l.userLocationInformationNR.tAI.pLMNIdentity = BYTES_OF(PLMN);
    l.userLocationInformationNR.tAI.tAC = (struct bytes){memory + 8, 3};
    return l;
}
static void keep(struct phone *p, struct bytes nas)
{
    p->said.n = nas.n <= PDU_MAX ? nas.n : 0;
    if (p->said.n && nas.p != p->said.octet)
        memcpy(p->said.octet, nas.p, p->said.n);
}
static void begin(struct phone *p, struct bytes nas, uint8_t tac)
{
    uint8_t memory[16];
    p->ran_id = ++p->bed->next_ran_id;
    p->heard.n = 0;
    keep(p, nas);
    struct ngap_InitialUEMessage m = {.RAN_UE_NGAP_ID = p->ran_id, .NAS_PDU = nas,
                                      .UserLocationInformation = location(memory, tac),
                                      .RRCEstablishmentCause = NGAP_RRCEstablishmentCause_mo_Signalling,
                                      .UEContextRequest = NGAP_UEContextRequest_requested};
    m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = m.has.RRCEstablishmentCause = 1;
    m.has.UEContextRequest = 1;
    gnb_send(&p->bed->gnb[p->gnb], NGAP_MSG_InitialUEMessage, &m, 1);
}
static void say(struct phone *p, struct bytes nas)
{
    uint8_t memory[16];
    keep(p, nas);
    struct ngap_UplinkNASTransport m = {.AMF_UE_NGAP_ID = p->amf_id, .RAN_UE_NGAP_ID = p->ran_id, .NAS_PDU = nas,
                                        .UserLocationInformation = location(memory, 1)};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = 1;
    gnb_send(&p->bed->gnb[p->gnb], NGAP_MSG_UplinkNASTransport, &m, 1);
}
/* Protected with these keys, or as it is when there are none. In p->said. */
static struct bytes sealed(struct phone *p, struct nas_security *sec, uint8_t type, struct bytes plain)
{
    int n = type == NAS_PLAIN ? 0 : nas_protect(sec, common.crypto, NAS_UPLINK, type, plain, p->said.octet, PDU_MAX);
    if (n <= 0)
        return plain;
    p->said.n = (uint32_t)n;
    return (struct bytes){p->said.octet, p->said.n};
}
static struct bytes encoded(const struct nas_msg *m, uint8_t out[PDU_MAX])
{
    int n = nas_encode(m, out, PDU_MAX);
    return (struct bytes){out, n > 0 ? (uint32_t)n : 0};
}
static void say_suci(struct phone *p, struct nas_mobile_identity *id, struct arena *a)
{
    *id = (struct nas_mobile_identity){.type = NAS_ID_SUCI};
    nas_suci_of_imsi(&id->suci, str_of(p->imsi), 2, "0", a);
}
static struct nas_msg registration(struct phone *p, uint8_t type, struct arena *a)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_REGISTRATION_REQUEST);
    struct nas_registration_request *q = &m.registration_request;
    q->fivegs_registration_type = (struct nas_registration_type){type, true};
    q->ngksi.value = p->ksi;
    q->has.ue_security_capability = 1;
    q->ue_security_capability = (struct nas_ue_security_capability){.n = 2, .octet = {0xf0, 0x70}};
    say_suci(p, &q->fivegs_mobile_identity, a);
    return m;
}
static void answer_challenge(struct phone *p, const struct nas_authentication_request *q, struct nas_msg *m)
{
    struct aka_usim_result r;
    static uint8_t res_star[16], auts[14];
    uint8_t kausf[32], kseaf[32];
    char name[SERVING_NETWORK_NAME];
    serving_network_name(PLMN, name);
    p->ksi = q->ngksi.value;
    if (!q->has.authentication_parameter_autn || q->authentication_parameter_autn.n != 16)
        return;
    int e = aka_usim(common.crypto, &p->key, &p->sqns, q->authentication_parameter_rand.p,
                     q->authentication_parameter_autn.p, &r);
    if (e < 0) {
        memcpy(auts, r.auts, 14);
        nas_msg_init(m, NAS_AUTHENTICATION_FAILURE);
        m->authentication_failure.gmm_cause =
            e == ERR_MAC ? NAS_GMM_CAUSE_MAC_FAILURE : NAS_GMM_CAUSE_SYNCH_FAILURE;
        m->authentication_failure.has.authentication_failure_parameter = e != ERR_MAC;
        m->authentication_failure.authentication_failure_parameter = BYTES_OF(auts);
        return;
    }
    kdf_res_star(common.crypto, r.ck, r.ik, str_of(name), q->authentication_parameter_rand.p,
                 (struct bytes){r.res, r.res_n}, res_star);
    kdf_kausf(common.crypto, r.ck, r.ik, str_of(name), q->authentication_parameter_autn.p, kausf);
    kdf_kseaf(common.crypto, kausf, str_of(name), kseaf);
    kdf_kamf(common.crypto, kseaf, str_of(p->imsi), q->abba, p->kamf);
    nas_msg_init(m, NAS_AUTHENTICATION_RESPONSE);
    m->authentication_response.has.authentication_response_parameter = 1;
    m->authentication_response.authentication_response_parameter = BYTES_OF(res_star);
}
static void answer_security(struct phone *p, const struct nas_security_mode_command *q, struct nas_msg *m,
                            struct arena *a)
{
    nas_security_init(&p->sec, q->ngksi.value, p->kamf);
    nas_security_select(&p->sec, common.crypto, q->selected_nas_security_algorithms.ciphering,
                        q->selected_nas_security_algorithms.integrity);
    p->ksi = q->ngksi.value;
    struct nas_msg whole = registration(p, NAS_REG_INITIAL, a);
    nas_msg_init(m, NAS_SECURITY_MODE_COMPLETE);
    m->security_mode_complete.has.imeisv = q->has.imeisv_request;
    m->security_mode_complete.imeisv.type = NAS_ID_IMEISV;
    memcpy(m->security_mode_complete.imeisv.digits, "3569380356438091", 17);
    m->security_mode_complete.has.nas_message_container = 1;
    m->security_mode_complete.nas_message_container = encoded(&whole, p->bed->inner);
}
/* What an honest phone answers to what it heard last. False: nothing. */
static bool answer(struct phone *p)
{
    struct bed *b = p->bed;
    struct arena a = arena_over(b->memory, MEMORY);
    struct nas_header h;
    struct nas_msg in, out = {0};
    uint8_t buf[PDU_MAX], type = NAS_CIPHERED;
    struct bytes plain = {p->heard.octet, p->heard.n};
    if (!p->heard.n || nas_header_peek(plain, &h) < 0)
        return false;
    p->heard.n = 0;
    if (h.security == NAS_INTEGRITY_NEW)
        plain = h.plain;
    else if (h.security == NAS_PLAIN)
        type = NAS_PLAIN;
    else if (nas_unprotect(&p->sec, common.crypto, NAS_DOWNLINK, &h, buf, PDU_MAX, &plain) < 0)
        return false;
    if (nas_decode(plain, &a, &in, NULL) < 0)
        return false;
    if (in.type == NAS_IDENTITY_REQUEST) {
        nas_msg_init(&out, NAS_IDENTITY_RESPONSE);
        say_suci(p, &out.identity_response.mobile_identity, &a);
    } else if (in.type == NAS_AUTHENTICATION_REQUEST) {
        answer_challenge(p, &in.authentication_request, &out);
    } else if (in.type == NAS_SECURITY_MODE_COMMAND) {
        answer_security(p, &in.security_mode_command, &out, &a);
        type = NAS_CIPHERED_NEW;
    } else if (in.type == NAS_REGISTRATION_ACCEPT) {
        p->has_guti |= in.registration_accept.has.fiveg_guti;
        if (in.registration_accept.has.fiveg_guti)
            p->guti = in.registration_accept.fiveg_guti.guti;
        nas_msg_init(&out, NAS_REGISTRATION_COMPLETE);
    } else if (in.type == NAS_CONFIGURATION_UPDATE_COMMAND) {
        nas_msg_init(&out, NAS_CONFIGURATION_UPDATE_COMPLETE);
    } else if (in.type == NAS_DEREGISTRATION_REQUEST_UE_TERMINATED) {
        nas_msg_init(&out, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    }
    struct bytes e = out.type ? encoded(&out, b->plain) : (struct bytes){NULL, 0};
    if (!e.n)
        return false;
    say(p, sealed(p, &p->sec, type, e));
    return true;
}
static void register_all_the_way(struct phone *p)
{
    struct arena a = arena_over(p->bed->memory, MEMORY);
    struct nas_msg m = registration(p, NAS_REG_INITIAL, &a);
    begin(p, encoded(&m, p->bed->plain), 1);
    for (int i = 0; i < 8; i++) {
        run(p->bed, 10 * MS);
        answer(p);
    }
    run(p->bed, 10 * MS);
}

/* ---- a phone lies ---- */
static void any_identity(struct bed *b, struct phone *p, struct nas_mobile_identity *id, struct arena *a, bool tmsi)
{
    struct input *in = &b->in;
    struct phone *other = &b->phone[u8(in) % PHONES];
    *id = (struct nas_mobile_identity){.type = tmsi ? NAS_ID_S_TMSI : NAS_ID_GUTI, .guti = p->guti};
    switch (u8(in) % 8) {
    case 0: break;
    case 1: id->guti = other->guti; break;
    case 2:
        id->guti = b->phone[VICTIM].guti;
        id->guti.tmsi ^= u8(in);
        break;
    case 3: say_suci(p, id, a); break;
    case 4: say_suci(other, id, a); break;
    case 5:
        id->type = NAS_ID_SUCI;
        id->suci = (struct nas_suci){.supi_format = u8(in) & 3, .plmn = {0, 0xf1, 0x10}, .routing = "0",
                                     .scheme = u8(in) & 15, .key_id = u8(in)};
        id->suci.output = octets(in);
        break;
    case 6:
        *id = (struct nas_mobile_identity){.type = NAS_ID_IMEISV};
        memcpy(id->digits, "3569380356438091", 17);
        break;
    default: *id = (struct nas_mobile_identity){.type = NAS_ID_NONE};
    }
}
static struct bytes any_sm(struct bed *b, uint8_t psi)
{
    static const uint8_t types[] = {NAS_PDU_SESSION_ESTABLISHMENT_REQUEST, NAS_PDU_SESSION_ESTABLISHMENT_REQUEST,
                                    NAS_PDU_SESSION_MODIFICATION_REQUEST, NAS_PDU_SESSION_MODIFICATION_COMPLETE,
                                    NAS_PDU_SESSION_RELEASE_REQUEST, NAS_PDU_SESSION_RELEASE_COMPLETE,
                                    NAS_GSM_STATUS, NAS_PDU_SESSION_MODIFICATION_COMMAND_REJECT};
    struct input *in = &b->in;
    uint8_t how = u8(in);
    if (how & 0x80)
        return octets(in);
    uint8_t head[] = {NAS_EPD_SM, how & 0x40 ? u8(in) : psi, u8(in), types[how % sizeof types]};
    uint32_t n = sizeof head;
    memcpy(b->inner, head, n);
    if (head[3] == NAS_PDU_SESSION_ESTABLISHMENT_REQUEST) {
        memcpy(b->inner + n, "\xff\xff", 2);
        n += 2;
    } else if (head[3] == NAS_GSM_STATUS || head[3] == NAS_PDU_SESSION_MODIFICATION_COMMAND_REJECT) {
        b->inner[n++] = u8(in);
    }
    struct bytes more = octets(in);
    if (more.n)
        memcpy(b->inner + n, more.p, more.n);
    return (struct bytes){b->inner, n + more.n};
}
static struct bytes any_container(struct bed *b, struct phone *p, struct arena *a)
{
    struct input *in = &b->in;
    uint8_t how = u8(in);
    if (how & 1)
        return octets(in);
    struct nas_msg m = registration(p, how >> 1 & 15, a);
    any_identity(b, p, &m.registration_request.fivegs_mobile_identity, a, false);
    m.registration_request.ue_security_capability.octet[1] = how & 0x20 ? 0x80 : 0x70;
    m.registration_request.has.nas_message_container = (how >> 6 & 1) != 0;
    m.registration_request.nas_message_container = (struct bytes){K, 16};
    struct bytes e = encoded(&m, b->inner);
    return how & 0x80 ? (struct bytes){e.p, e.n / 2} : e;
}
static void any_registration(struct bed *b, struct phone *p, struct nas_msg *m, struct arena *a)
{
    struct input *in = &b->in;
    struct nas_registration_request *q;
    uint8_t type = u8(in), has = u8(in);
    *m = registration(p, type & 7, a);
    q = &m->registration_request;
    q->fivegs_registration_type.follow_on = type >> 3 & 1;
    q->ngksi.value = type & 0x10 ? type >> 5 : p->ksi;
    any_identity(b, p, &q->fivegs_mobile_identity, a, false);
    q->has.ue_security_capability = !(has & 1);
    if (has & 2) {
        q->ue_security_capability.n = 8;
        for (int i = 0; i < 8; i++)
            q->ue_security_capability.octet[i] = u8(in);
    }
    q->has.uplink_data_status = (has >> 2 & 1) != 0;
    q->uplink_data_status = (uint16_t)(u8(in) << 8 | 0xff);
    q->has.pdu_session_status = (has >> 3 & 1) != 0;
    q->pdu_session_status = u8(in);
    q->has.nas_message_container = (has >> 4 & 1) != 0;
    if (has & 0x10)
        q->nas_message_container = any_container(b, p, a);
    q->has.requested_nssai = (has >> 5 & 1) != 0;
    struct nas_s_nssai *s = arena_zero(a, 8 * sizeof *s);
    q->requested_nssai = (struct nas_nssai){has >> 6 ? 8 : 1, s};
    for (int i = 0; i < 8; i++)
        s[i] = (struct nas_s_nssai){.sst = (uint8_t)(i == 0 ? 1 + (has >> 7) : u8(in)), .has_sd = i > 3, .sd = 9};
}
static void any_transport(struct bed *b, struct nas_msg *m)
{
    struct input *in = &b->in;
    uint8_t has = u8(in);
    nas_msg_init(m, NAS_UL_NAS_TRANSPORT);
    struct nas_ul_nas_transport *t = &m->ul_nas_transport;
    t->payload_container_type = has & 0x80 ? u8(in) & 15 : NAS_PAYLOAD_N1_SM;
    t->has.pdu_session_id = !(has & 1);
    t->pdu_session_id = u8(in);
    t->has.request_type = (has >> 1 & 1) != 0;
    t->request_type = has & 4 ? u8(in) & 7 : NAS_REQUEST_INITIAL;
    t->has.dnn = (has >> 3 & 1) != 0;
    t->dnn = t->pdu_session_id == 7 ? STR("plant") /* a LAN, of which not all are members */
             : has & 0x10           ? STR("internet")
                                    : STR("internet.mnc001.mcc001.gprs");
    t->has.s_nssai = (has >> 5 & 1) != 0;
    t->s_nssai = (struct nas_s_nssai){.sst = 1 + (has >> 6 & 1)};
    t->payload_container = any_sm(b, t->pdu_session_id);
}
static void any_deregistration(struct bed *b, struct phone *p, struct nas_msg *m, struct arena *a)
{
    uint8_t how = u8(&b->in);
    nas_msg_init(m, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    struct nas_deregistration_request_ue_originating *q = &m->deregistration_request_ue_originating;
    q->de_registration_type = (struct nas_deregistration_type){how & 1, how >> 1 & 1, how >> 2 & 3};
    q->ngksi.value = how & 0x80 ? how >> 4 & 7 : p->ksi;
    any_identity(b, p, &q->fivegs_mobile_identity, a, false);
}
static void any_service(struct bed *b, struct phone *p, struct nas_msg *m, struct arena *a)
{
    uint8_t how = u8(&b->in);
    nas_msg_init(m, NAS_SERVICE_REQUEST);
    struct nas_service_request *q = &m->service_request;
    q->service_type = how & 15;
    q->ngksi.value = how & 0x80 ? how >> 4 & 7 : p->ksi;
    any_identity(b, p, &q->fiveg_s_tmsi, a, true);
    how = u8(&b->in);
    q->has.uplink_data_status = (how & 1) != 0;
    q->uplink_data_status = 0xffff;
    q->has.pdu_session_status = (how >> 1 & 1) != 0;
    q->pdu_session_status = u8(&b->in);
    q->has.nas_message_container = (how >> 2 & 1) != 0;
    if (how & 4)
        q->nas_message_container = any_container(b, p, a);
}
static void any_answer(struct bed *b, struct phone *p, struct nas_msg *m, struct arena *a)
{
    static const uint8_t types[] = {NAS_IDENTITY_RESPONSE, NAS_AUTHENTICATION_RESPONSE, NAS_AUTHENTICATION_FAILURE,
                                    NAS_SECURITY_MODE_COMPLETE, NAS_SECURITY_MODE_REJECT, NAS_REGISTRATION_COMPLETE,
                                    NAS_CONFIGURATION_UPDATE_COMPLETE, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED,
                                    NAS_NOTIFICATION_RESPONSE, NAS_GMM_STATUS};
    struct input *in = &b->in;
    nas_msg_init(m, types[u8(in) % sizeof types]);
    if (m->type == NAS_IDENTITY_RESPONSE) {
        any_identity(b, p, &m->identity_response.mobile_identity, a, false);
    } else if (m->type == NAS_AUTHENTICATION_RESPONSE) {
        struct nas_authentication_response *r = &m->authentication_response;
        r->has.eap_message = (u8(in) & 1) != 0;
        r->has.authentication_response_parameter = !r->has.eap_message;
        r->eap_message = r->authentication_response_parameter = octets(in);
    } else if (m->type == NAS_AUTHENTICATION_FAILURE) {
        m->authentication_failure.gmm_cause = u8(in);
        m->authentication_failure.authentication_failure_parameter = octets(in);
        m->authentication_failure.has.authentication_failure_parameter =
            m->authentication_failure.authentication_failure_parameter.n == 14;
    } else if (m->type == NAS_SECURITY_MODE_COMPLETE) {
        m->security_mode_complete.has.nas_message_container = 1;
        m->security_mode_complete.nas_message_container = any_container(b, p, a);
    } else if (m->type == NAS_SECURITY_MODE_REJECT) {
        m->security_mode_reject.gmm_cause = u8(in);
    } else if (m->type == NAS_GMM_STATUS) {
        m->gmm_status.gmm_cause = u8(in);
    }
}
/* A NAS message of that phone; lies in p->said or the bed. */
static struct bytes any_nas(struct bed *b, struct phone *p)
{
    struct input *in = &b->in;
    struct arena a = arena_over(b->memory, MEMORY);
    struct nas_msg m;
    uint8_t what = u8(in), how = u8(in);
    struct bytes plain;
    switch (what % 7) {
    case 0: plain = octets(in); break;
    case 1: any_registration(b, p, &m, &a); break;
    case 2: any_transport(b, &m); break;
    case 3: any_deregistration(b, p, &m, &a); break;
    case 4: any_service(b, p, &m, &a); break;
    default: any_answer(b, p, &m, &a); break;
    }
    if (what % 7)
        plain = encoded(&m, b->plain);
    if (how & 0x40) { /* well formed, and not true */
        uint64_t seed = u32(in);
        int n = lie_nas(plain, &seed, b->lied, PDU_MAX);
        plain = n > 0 ? (struct bytes){b->lied, (uint32_t)n} : plain;
    }
    /* keys: its own, or those of another that lies too */
    struct nas_security *sec = how & 8 ? &b->phone[u8(in) % VICTIM].sec : &p->sec;
    struct bytes out = sealed(p, sec, how % 8 % 5, plain);
    if (how & 0x10 && out.n && out.n <= PDU_MAX) { /* broken on the way */
        if (out.p != p->said.octet)
            memmove(p->said.octet, out.p, out.n);
        p->said.octet[u32(in) % out.n] ^= u8(in);
        out.p = p->said.octet;
    }
    if (how & 0x20)
        out.n /= 2;
    return out;
}

/* ---- a gNB lies ---- */
static void put_id(const struct asn_type *t, void *value, uint16_t id, uint64_t v)
{
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].id == id && t->fields[i].type->kind == ASN_INT)
            memcpy((uint8_t *)value + t->fields[i].offset, &v, sizeof v);
}
static void any_ngap(struct bed *b, struct phone *p)
{
    enum { ID_AMF_UE = 10, ID_RAN_UE = 85 };
    struct input *in = &b->in;
    enum ngap_msg msg = (enum ngap_msg)(u8(in) % NGAP_MSGS);
    uint64_t seed = u32(in);
    uint8_t how = u8(in);
    const struct asn_type *t = ngap_msg_type(msg);
    struct arena a = arena_over(b->memory, MEMORY);
    void *value = arena_zero(&a, t->size);
    if (!value || aper_random(t, value, &a, &seed, 3) < 0)
        return;
    const struct phone *whose = how & 1 ? &b->phone[VICTIM] : p;
    put_id(t, value, ID_AMF_UE, whose->amf_id);
    put_id(t, value, ID_RAN_UE, how & 2 ? p->ran_id : whose->ran_id);
    gnb_send(&b->gnb[0], msg, value, how >> 2 & 3);
}
static void hang(struct bed *b, bool now)
{
    b->upf_hangs = now;
    b->upf_hung |= now;
    world_attach(b->w, b->upf_env, now ? NULL : &b->upf_rt);
}
/* As the UPF: the answer to what the SMF asked last, or a report; with a cause and an F-SEID where the input wants. */
static void upf_says(struct bed *b, const struct net_addr *smf, bool report)
{
    static const uint8_t f_seid[] = {0, 57, 0, 13, 2, 0, 0, 0, 0, 0, 0, 0, 9, 10, 0, 0, 2};
    static const uint8_t created[] = {0, 8, 0, 19, 0, 56, 0, 2, 0, 1, 0, 21, 0, 9, 1, 0, 0, 0, 5, 10, 0, 0, 2};
    struct input *in = &b->in;
    struct smf *f = nf_state(&b->rt, SBI_NF_SMF);
    struct upf *u = nf_state(&b->upf_rt, SBI_NF_UPF);
    uint8_t how = u8(in), *p = b->inner;
    uint32_t i = 0, n = 16;
    struct smf_session *s = slab_next(&f->sessions, &i);
    memset(p, 0, n);
    p[0] = 0x21;
    p[1] = report ? PFCP_SESSION_REPORT_REQUEST : (uint8_t)(b->asked_type + 1);
    put_be64(p + 4, s ? smf_seid(s, SMF_LEG_UPF) ^ (how & 1) : 0);
    memcpy(p + 12, b->asked_seq, 3);
    p[14] = (uint8_t)(p[14] + report * u8(in));
    if (how & 2 && !report) {
        memcpy(p + n, (uint8_t[]){0, 60, 0, 5, 0, 10, 0, 0, 2, 0, 19, 0, 1, how & 0x80 ? u8(in) : 1}, 14);
        n += 14;
    }
    if (how & 4) {
        memcpy(p + n, f_seid, sizeof f_seid);
        n += sizeof f_seid;
    }
    if (how & 8) {
        memcpy(p + n, created, sizeof created);
        n += sizeof created;
    }
    if (report)
        memcpy(p + n, (uint8_t[]){0, 39, 0, 1, u8(in)}, 5), n += 5;
    struct bytes more = octets(in);
    if (more.n)
        memcpy(p + n, more.p, more.n);
    put_be16(p + 2, (uint16_t)(n + more.n - 4));
    b->upf_env->ops->udp_send(b->upf_env, u->pfcp.sock, smf, (struct bytes){p, n + more.n});
}
/* The last message of the gNB once more, well formed and changed: identities, lists and containers as the rows allow. Or the
 * last of N4, as the SMF's or the UPF's. */
static void any_lie(struct bed *b)
{
    struct input *in = &b->in;
    struct net_addr upf = addr_v4(0x0a000002, 8805), smf = addr_v4(0x0a000001, 8805);
    struct arena a = arena_over(b->memory, MEMORY);
    struct upf *u = nf_state(&b->upf_rt, SBI_NF_UPF);
    struct smf *f = nf_state(&b->rt, SBI_NF_SMF);
    uint8_t how = u8(in);
    uint64_t seed = u32(in);
    int n = how & 1 ? lie_pfcp((struct bytes){b->smf_said.octet, b->smf_said.n}, &seed, b->lied, PDU_MAX)
                    : lie_ngap((struct bytes){b->gnb_said.octet, b->gnb_said.n}, &seed, &a, b->lied, PDU_MAX);
    struct bytes lied = {b->lied, n > 0 ? (uint32_t)n : 0};
    if (!lied.n)
        return;
    if (!(how & 1))
        gnb_send_raw(&b->gnb[0], lied, how >> 1 & 3, GNB_PPID);
    else if (how & 2)
        b->core_env->ops->udp_send(b->core_env, f->n4.sock, &upf, lied);
    else
        b->upf_env->ops->udp_send(b->upf_env, u->pfcp.sock, &smf, lied);
    b->upf_hung |= (how & 3) == 3; /* what the SMF did not mean, the UPF may keep */
}
static void any_n4(struct bed *b)
{
    struct net_addr smf = addr_v4(0x0a000001, 8805);
    struct upf *u = nf_state(&b->upf_rt, SBI_NF_UPF);
    uint8_t how = u8(&b->in) % 6;
    struct env *e = how ? b->upf_env : b->stranger_env;
    if (how == 3)
        hang(b, !b->upf_hangs);
    else if (how >= 4)
        upf_says(b, &smf, how == 5);
    else
        e->ops->udp_send(e, how == 2 ? u->pfcp.sock : b->n4[how], &smf, octets(&b->in));
}

enum op { OP_RAW, OP_BEGIN, OP_SAY, OP_NGAP, OP_TIME, OP_ANSWER, OP_REGISTER, OP_CUT, OP_AGAIN, OP_N4, OP_MOOD, OP_LIE, OPS };
static void operate(struct bed *b)
{
    static const uint32_t times[] = {1 * MS, 20 * MS, 700 * MS, 3 * SECOND, 7 * SECOND, 31 * SECOND, 300 * SECOND,
                                     4000u * SECOND};
    struct input *in = &b->in;
    uint8_t what = u8(in), n;
    struct phone *p = &b->phone[(what >> 4) % VICTIM];
    struct bytes nas;
    switch (what % 16 % OPS) {
    case OP_RAW: gnb_send_raw(&b->gnb[0], octets(in), u8(in) & 3, GNB_PPID); break;
    case OP_BEGIN:
        nas = any_nas(b, p);
        begin(p, nas, what & 0x80 ? u8(in) : 1);
        break;
    case OP_SAY: say(p, any_nas(b, p)); break;
    case OP_NGAP: any_ngap(b, p); break;
    case OP_TIME:
        n = u8(in) % ARRAY_LEN(times);
        if (n == 7 && b->long_waits++ >= LONG_WAITS)
            n = 0;
        run(b, times[n]);
        return;
    case OP_ANSWER: answer(p); break;
    case OP_REGISTER: register_all_the_way(p); break;
    case OP_CUT:
        world_cut_all(b->w, b->gnb_env[0]);
        run(b, 2 * SECOND);
        break;
    case OP_AGAIN:
        n = u8(in);
        nas = (struct bytes){b->phone[n % VICTIM].said.octet, b->phone[n % VICTIM].said.n};
        if (n & 0x80)
            say(p, nas);
        else
            begin(p, nas, 1);
        break;
    case OP_N4: any_n4(b); break;
    case OP_LIE: any_lie(b); break;
    default: b->honest = !b->honest;
    }
    if (!(what & 0x80)) /* else it meets what comes next on the way */
        run(b, 5 * MS);
}

/* ---- what must hold ---- */
static struct amf_ue *ue_of(struct bed *b, const struct phone *p)
{
    char supi[32];
    snprintf(supi, sizeof supi, "imsi-%s", p->imsi);
    return amf_ue_by_supi(bed_amf(b), str_of(supi));
}
static void check_victim(struct bed *b)
{
    struct phone *v = &b->phone[VICTIM];
    struct amf_ue *ue = ue_of(b, v);
    check(amf_ue_is_registered(ue) && ue->security.count[NAS_UPLINK] == v->sec.count[NAS_UPLINK]);
    check(ue->tmsi == v->guti.tmsi && !memcmp(ue->security.kamf, v->kamf, 32));
    if (b->gnb[1].downs == 0) /* the other gNB did not take its name */
        check(ue->conn && amf_conn_id(ue->conn) == v->amf_id && ue->conn->gnb->assoc);
}
static void check_and_free(struct bed *b)
{
    struct amf *amf = bed_amf(b);
    struct smf *smf = nf_state(&b->rt, SBI_NF_SMF);
    struct upf *upf = nf_state(&b->upf_rt, SBI_NF_UPF);
    hang(b, false);
    for (uint32_t i = 0; i < GNBS; i++)
        gnb_free(&b->gnb[i]);
    run(b, 120ull * SECOND);
    check(amf->ues->conns.used == 0 && map_count(&amf->ues->by_ran) == 0 && amf->gnbs.used == 0);
    rt_enter(&b->rt);
    for (uint32_t i = 0; i < PHONES; i++)
        if (ue_of(b, &b->phone[i]))
            amf_ue_deregister_local(ue_of(b, &b->phone[i]), 0);
    run(b, 60ull * SECOND);
    check(b->rt.procs_running <= b->procs && b->rt.calls_open == 0);
    check(amf->ues->ues.used == 0 && map_count(&amf->ues->by_tmsi) == 0 && amf->ues->sessions.used == 0);
    check(smf->sessions.used == 0 && smf->ues.used == 0 && (upf->sessions.used == 0 || b->upf_hung));
    nf_stop_all(&b->rt);
    sbi_json_mode_end(&b->rt);
    nf_stop_all(&b->upf_rt);
    user_plane_close(b->path);
    guard_free(b->guard[0]);
    guard_free(b->guard[1]);
    rt_free(&b->rt);
    rt_free(&b->upf_rt);
    for (uint32_t i = 0; i < GNBS; i++)
        rt_free(&b->gnb_rt[i]);
    store_memory_free(b->store);
    world_free(b->w);
    free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bed *b = bed_new();
    if (size % 2) /* services as bytes */
        check(sbi_json_mode(&b->rt) == OK);
    register_all_the_way(&b->phone[VICTIM]);
    check(b->phone[VICTIM].has_guti);
    b->in = (struct input){data, size};
    for (unsigned k = 0; k < OPS_MAX && b->in.n; k++)
        operate(b);
    run(b, 30ull * SECOND);
    check_victim(b);
    check_and_free(b);
    return 0;
}
