/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sim_attack.h"
#include "proto/pfcp.h"

enum { GNB_ID = 0xbad, TRIES = 8 };
static const uint8_t PLMN_001_01[3] = {0x00, 0xf1, 0x10};
static const struct gnb_ta AREA = {{0, 0, 1}, {0x00, 0xf1, 0x10}, 1, {{1, {0}, false}}};

static uint32_t draw(struct sim_attack *a, uint32_t n) { return n ? (uint32_t)(sim_draw(a->random, a->at++) >> 16) % n : 0; }
static void fill(struct sim_attack *a, uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        p[i] = (uint8_t)draw(a, 256);
}

/* ---- what it hears ---- */
static void keep(struct sim_heard *ring, uint32_t *count, struct bytes b)
{
    struct sim_heard *h = &ring[*count % SIM_HEARD];
    if (!b.n || b.n > SIM_HEARD_OCTETS)
        return;
    memcpy(h->octets, b.p, h->n = b.n);
    ++*count;
}
void sim_attack_hear_n2(struct sim_attack *a, struct bytes ngap) { keep(a->n2, &a->n_n2, ngap); }
void sim_attack_hear_nas(struct sim_attack *a, struct bytes pdu) { keep(a->nas, &a->n_nas, pdu); }
static struct sim_heard heard(struct sim_attack *a, const struct sim_heard *ring, uint32_t count)
{
    return count ? ring[draw(a, count < SIM_HEARD ? count : SIM_HEARD)] : (struct sim_heard){0};
}

/* ---- its gNB ---- */
static int on_message(struct gnb *g, const struct ngap_pdu *pdu)
{
    struct sim_attack *a = g->user;
    if (pdu->msg != NGAP_MSG_DownlinkNASTransport)
        return OK;
    const struct ngap_DownlinkNASTransport *m = pdu->value;
    a->own[a->n_own % SIM_VICTIMS].amf = m->AMF_UE_NGAP_ID;
    a->own[a->n_own++ % SIM_VICTIMS].ran = m->RAN_UE_NGAP_ID;
    return OK;
}
static const struct gnb_ue_ops OPS = {.message = on_message};

static void nothing(void *ctx, int sock, const struct net_addr *from, struct bytes b) {}
int sim_attack_start(struct sim_attack *a, struct sim_net *n)
{
    static const struct net_addr host = {4, 0, {10, 0, 0, 66}}, sock = {4, 2152, {10, 0, 0, 66}}, amf = {4, 38412, {10, 0, 0, 1}};
    struct gnb_config g = {.plmn = {0x00, 0xf1, 0x10}, .id = GNB_ID, .id_bits = 24, .name = "gnb", .tas = &AREA, .n_tas = 1, .streams = 4};
    static const struct net_addr beside = {4, 2153, {10, 0, 0, 16}};
    *a = (struct sim_attack){.n = n, .random = sim_draw(n->plan.seed, 0xa77ac), .udp = -1, .beside_gnb = -1};
    a->env = world_host(n->w, "evil", &host);
    int e = a->env ? rt_init(&a->rt, a->env, 2 << 20) : ERR_NOSPACE;
    if (e < 0)
        return e;
    a->is_on = true;
    world_attach(n->w, a->env, &a->rt);
    rt_enter(&a->rt);
    a->udp = a->env->ops->udp_open(a->env, &sock, &(struct udp_sink){a, nothing});
    a->beside_gnb = n->ran_env->ops->udp_open(n->ran_env, &beside, &(struct udp_sink){a, nothing});
    e = gnb_init(&a->gnb, &a->rt, &g);
    if (e < 0)
        return e;
    a->has_gnb = true;
    a->gnb.ue_ops = &OPS;
    a->gnb.user = a;
    return gnb_start(&a->gnb, &amf);
}
void sim_attack_stop(struct sim_attack *a)
{
    if (!a->is_on)
        return;
    a->is_on = false;
    rt_enter(&a->rt);
    if (a->has_gnb)
        gnb_free(&a->gnb);
    if (a->udp >= 0)
        a->env->ops->udp_close(a->env, a->udp);
    if (a->beside_gnb >= 0)
        a->n->ran_env->ops->udp_close(a->n->ran_env, a->beside_gnb);
    world_attach(a->n->w, a->env, NULL);
    rt_free(&a->rt);
}

/* ---- those it is after ---- */
static const struct ue *victim(struct sim_attack *a)
{
    return a->n->ue[draw(a, a->n->plan.phones)];
}
/* One with a connection, where there is any. */
static const struct gnb_ue *victim_link(struct sim_attack *a)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        const struct ue *ue = victim(a);
        if (ue && ue->link && ue->link->has_amf_id)
            return ue->link;
    }
    return NULL;
}

/* ---- NAS messages ---- */
static void forge_identity(struct sim_attack *a, struct nas_mobile_identity *to, struct arena *arena)
{
    uint32_t i = draw(a, a->n->plan.phones);
    const struct ue *ue = a->n->ue[i];
    to->type = NAS_ID_GUTI;
    if (ue && ue->usim.has_guti && draw(a, 4)) {
        to->guti = ue->usim.guti;
        return;
    }
    to->type = NAS_ID_SUCI;
    nas_suci_of_imsi(&to->suci, str_of(a->n->imsi[i]), 2, "0", arena);
}
/* Without protection, or with one that does not hold. */
static uint32_t forge(struct sim_attack *a, uint8_t *out, uint32_t cap)
{
    static const enum nas_type types[] = {
        NAS_REGISTRATION_REQUEST, NAS_REGISTRATION_REQUEST, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING, NAS_SERVICE_REQUEST,
        NAS_AUTHENTICATION_RESPONSE, NAS_AUTHENTICATION_FAILURE, NAS_SECURITY_MODE_COMPLETE, NAS_SECURITY_MODE_REJECT,
        NAS_REGISTRATION_COMPLETE, NAS_IDENTITY_RESPONSE, NAS_UL_NAS_TRANSPORT, NAS_GMM_STATUS,
        NAS_CONFIGURATION_UPDATE_COMPLETE, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED};
    uint8_t memory[512], octets[16];
    struct arena arena = arena_over(memory, sizeof memory);
    struct nas_msg m;
    enum nas_type type = types[draw(a, ARRAY_LEN(types))];
    fill(a, octets, sizeof octets);
    nas_msg_init(&m, type);
    if (type == NAS_REGISTRATION_REQUEST) {
        struct nas_registration_request *q = &m.registration_request;
        q->fivegs_registration_type = (struct nas_registration_type){(uint8_t)(1 + draw(a, 4)), draw(a, 2)};
        q->ngksi.value = (uint8_t)draw(a, 8);
        forge_identity(a, &q->fivegs_mobile_identity, &arena);
        q->has.ue_security_capability = 1;
        q->ue_security_capability.ea = q->ue_security_capability.ia = (uint8_t)draw(a, 256);
    } else if (type == NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING) {
        m.deregistration_request_ue_originating.de_registration_type = (struct nas_deregistration_type){draw(a, 2), false, 1};
        forge_identity(a, &m.deregistration_request_ue_originating.fivegs_mobile_identity, &arena);
    } else if (type == NAS_SERVICE_REQUEST) {
        const struct ue *ue = victim(a);
        m.service_request.fiveg_s_tmsi.type = NAS_ID_S_TMSI;
        m.service_request.fiveg_s_tmsi.guti = ue ? ue->usim.guti : (struct nas_guti){0};
    } else if (type == NAS_AUTHENTICATION_RESPONSE) {
        m.authentication_response.has.authentication_response_parameter = 1;
        m.authentication_response.authentication_response_parameter = BYTES_OF(octets);
    } else if (type == NAS_AUTHENTICATION_FAILURE) {
        m.authentication_failure.gmm_cause = (uint8_t)(20 + draw(a, 2));
    } else if (type == NAS_IDENTITY_RESPONSE) {
        forge_identity(a, &m.identity_response.mobile_identity, &arena);
    } else if (type == NAS_UL_NAS_TRANSPORT) {
        m.ul_nas_transport.payload_container_type = NAS_PAYLOAD_N1_SM;
        m.ul_nas_transport.payload_container = BYTES_OF(octets);
        m.ul_nas_transport.has.pdu_session_id = 1;
        m.ul_nas_transport.pdu_session_id = (uint8_t)(1 + draw(a, 15));
    }
    uint32_t head = draw(a, 2) ? 7 : 0;
    int k = nas_encode(&m, out + head, cap - head);
    if (k < 0)
        return 0;
    if (head) { /* sealed with nothing */
        out[0] = NAS_EPD_MM;
        out[1] = (uint8_t)(1 + draw(a, 4));
        fill(a, out + 2, 5);
    }
    return (uint32_t)k + head;
}
static uint32_t some_nas(struct sim_attack *a, uint8_t *out, uint32_t cap)
{
    struct sim_heard h = heard(a, a->nas, a->n_nas);
    switch (draw(a, 4)) {
    case 0: case 1: return forge(a, out, cap);
    case 2: /* heard, with something changed */
        if (h.n)
            h.octets[draw(a, h.n)] ^= (uint8_t)(1 + draw(a, 255));
        break;
    default: break; /* heard, as it was */
    }
    memcpy(out, h.octets, h.n);
    return h.n;
}

/* ---- N2 ---- */
static struct ngap_UserLocationInformation location(void)
{
    static const uint8_t cell[5] = {0, 0xb, 0xad, 0, 0x10};
    struct ngap_UserLocationInformation u = {.sel = NGAP_UserLocationInformation_userLocationInformationNR};
    u.userLocationInformationNR.nR_CGI.pLMNIdentity = BYTES_OF(PLMN_001_01);
    u.userLocationInformationNR.nR_CGI.nRCellIdentity = (struct bits){cell, 36};
    u.userLocationInformationNR.tAI.pLMNIdentity = BYTES_OF(PLMN_001_01);
    u.userLocationInformationNR.tAI.tAC = BYTES_OF(AREA.tac);
    return u;
}
/* A connection through that gNB, with a RAN UE NGAP ID that no honest phone has. */
static void connect(struct sim_attack *a, struct gnb *g)
{
    uint8_t nas[SIM_HEARD_OCTETS + 64], id[4], set[2] = {0, 0x40}, pointer = 0;
    const struct ue *ue = victim(a);
    struct ngap_InitialUEMessage m = {.RAN_UE_NGAP_ID = 0xe0000000u | ++a->ran_id, .UserLocationInformation = location(),
                                      .RRCEstablishmentCause = draw(a, 8), .NAS_PDU = {nas, some_nas(a, nas, sizeof nas)}};
    m.has.RRCEstablishmentCause = m.has.UEContextRequest = 1;
    if (ue && ue->usim.has_guti && draw(a, 2)) {
        const struct nas_guti *guti = &ue->usim.guti;
        put_be32(id, guti->tmsi);
        put_be16(set, (uint16_t)(guti->set << 6));
        pointer = (uint8_t)(guti->pointer << 2);
        m.has.FiveG_S_TMSI = 1;
        m.FiveG_S_TMSI.aMFSetID = (struct bits){set, 10};
        m.FiveG_S_TMSI.aMFPointer = (struct bits){&pointer, 6};
        m.FiveG_S_TMSI.fiveG_TMSI = BYTES_OF(id);
    }
    if (g->state == GNB_READY && m.NAS_PDU.n)
        gnb_send(g, NGAP_MSG_InitialUEMessage, &m, 1);
}
static void uplink(struct sim_attack *a, uint64_t amf, uint64_t ran)
{
    uint8_t nas[SIM_HEARD_OCTETS + 64];
    struct ngap_UplinkNASTransport m = {.AMF_UE_NGAP_ID = amf, .RAN_UE_NGAP_ID = ran, .NAS_PDU = {nas, some_nas(a, nas, sizeof nas)},
                                        .UserLocationInformation = location()};
    m.has.UserLocationInformation = 1;
    if (m.NAS_PDU.n)
        gnb_send(&a->gnb, NGAP_MSG_UplinkNASTransport, &m, 1);
}
static void release(struct sim_attack *a, uint64_t amf, uint64_t ran)
{
    struct ngap_UEContextReleaseRequest m = {.AMF_UE_NGAP_ID = amf, .RAN_UE_NGAP_ID = ran,
                                             .Cause = {.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release}};
    struct ngap_UEContextReleaseComplete c = {.AMF_UE_NGAP_ID = amf, .RAN_UE_NGAP_ID = ran};
    if (draw(a, 2))
        gnb_send(&a->gnb, NGAP_MSG_UEContextReleaseRequest, &m, 1);
    else
        gnb_send(&a->gnb, NGAP_MSG_UEContextReleaseComplete, &c, 1);
}
static void sessions(struct sim_attack *a, uint64_t amf, uint64_t ran)
{
    uint8_t transfer[24];
    fill(a, transfer, sizeof transfer);
    struct bytes t = {transfer, draw(a, sizeof transfer)};
    uint8_t psi = (uint8_t)(1 + draw(a, 4));
    struct ngap_PDUSessionResourceReleasedItemNot gone = {.pDUSessionID = psi, .pDUSessionResourceNotifyReleasedTransfer = t};
    struct ngap_PDUSessionResourceNotify m = {.AMF_UE_NGAP_ID = amf, .RAN_UE_NGAP_ID = ran, .PDUSessionResourceReleasedListNot = {&gone, 1}};
    struct ngap_PDUSessionResourceReleasedItemRelRes released = {.pDUSessionID = psi, .pDUSessionResourceReleaseResponseTransfer = t};
    struct ngap_PDUSessionResourceReleaseResponse r = {.AMF_UE_NGAP_ID = amf, .RAN_UE_NGAP_ID = ran,
                                                       .PDUSessionResourceReleasedListRelRes = {&released, 1}};
    m.has.PDUSessionResourceReleasedListNot = 1;
    if (draw(a, 2))
        gnb_send(&a->gnb, NGAP_MSG_PDUSessionResourceNotify, &m, 1);
    else
        gnb_send(&a->gnb, NGAP_MSG_PDUSessionResourceReleaseResponse, &r, 1);
}
/* As if the victim had come to it. */
static void take_over(struct sim_attack *a, uint64_t amf, uint64_t ran)
{
    uint8_t transfer[24], caps[2] = {0xff, 0xff};
    fill(a, transfer, sizeof transfer);
    struct ngap_PDUSessionResourceToBeSwitchedDLItem item = {.pDUSessionID = 1, .pathSwitchRequestTransfer = BYTES_OF(transfer)};
    struct ngap_PathSwitchRequest m = {.RAN_UE_NGAP_ID = ran, .SourceAMF_UE_NGAP_ID = amf, .UserLocationInformation = location(),
                                       .PDUSessionResourceToBeSwitchedDLList = {&item, 1}};
    m.UESecurityCapabilities.nRencryptionAlgorithms = m.UESecurityCapabilities.nRintegrityProtectionAlgorithms = (struct bits){caps, 16};
    m.UESecurityCapabilities.eUTRAencryptionAlgorithms = m.UESecurityCapabilities.eUTRAintegrityProtectionAlgorithms =
        (struct bits){caps, 16};
    gnb_send(&a->gnb, NGAP_MSG_PathSwitchRequest, &m, 1);
}
static void on_others_connection(struct sim_attack *a)
{
    const struct gnb_ue *l = victim_link(a);
    uint64_t amf = l ? l->amf_id : draw(a, 1 << 23), ran = l ? l->ran_id : draw(a, 1 << 24);
    struct ngap_UE_associatedLogicalNG_connectionItem item = {.aMF_UE_NGAP_ID = amf};
    struct ngap_UE_associatedLogicalNG_connectionList list = {&item, 1};
    item.has.aMF_UE_NGAP_ID = 1;
    switch (draw(a, 6)) {
    case 0: uplink(a, amf, ran); break;
    case 1: release(a, amf, ran); break;
    case 2: sessions(a, amf, ran); break;
    case 3: take_over(a, amf, ran); break;
    case 4: gnb_reset(&a->gnb, &list); break;
    case 5:
        gnb_error(&a->gnb, &amf, &ran, (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork,
                                                           .radioNetwork = NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID});
        break;
    }
}
static void again(struct sim_attack *a, bool changed)
{
    struct sim_heard h = heard(a, a->n2, a->n_n2);
    for (uint32_t i = changed && h.n ? 1 + draw(a, 4) : 0; i; i--)
        h.octets[draw(a, h.n)] = (uint8_t)draw(a, 256);
    if (h.n)
        gnb_send_raw(&a->gnb, (struct bytes){h.octets, h.n}, (uint16_t)draw(a, 3), GNB_PPID);
}
/* As a gNB that is in service already. */
static void as_another(struct sim_attack *a)
{
    uint32_t own = a->gnb.config.id;
    a->gnb.config.id = 1 + draw(a, a->n->plan.cells);
    gnb_setup(&a->gnb);
    a->gnb.config.id = own;
}

/* ---- N3 and N4 ---- */
static void n4(struct sim_attack *a)
{
    uint8_t p[32] = {0x21, PFCP_SESSION_DELETION_REQUEST, 0, 12};
    uint32_t i = draw(a, a->n->upf ? a->n->upf->sessions.used : 0);
    const struct upf_session *s = a->n->upf ? slab_next(&a->n->upf->sessions, &i) : NULL;
    struct net_addr to = {4, PFCP_PORT, {10, 0, 0, (uint8_t)(1 + draw(a, 2))}};
    put_be64(p + 4, s ? (uint64_t)(s->cp_seid ^ draw(a, 2)) : draw(a, 1 << 24));
    fill(a, p + 12, 3);
    if (draw(a, 2))
        fill(a, p + draw(a, 8), 8);
    a->env->ops->udp_send(a->env, a->udp, &to, (struct bytes){p, 16 + draw(a, 2) * draw(a, 16)});
}
uint32_t sim_in_tunnel(uint8_t *g, uint32_t teid, const uint8_t ip[4], uint16_t port, const void *what, uint32_t octets)
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
    return SIM_IN_TUNNEL + octets;
}
static void noise(struct sim_attack *a)
{
    uint8_t p[64] = {0x30, 255, 0, 28};
    struct net_addr to = {4, 2152, {10, 0, 0, draw(a, 2) ? 2 : 16}};
    fill(a, p + 4, sizeof p - 4);
    if (draw(a, 3) == 0)
        p[1] = 26; /* Error Indication */
    if (draw(a, 3) == 0)
        fill(a, p, 4);
    a->env->ops->udp_send(a->env, a->udp, &to, (struct bytes){p, 36});
}
/* A session with a tunnel and an IPv4 address, where there is any. */
static const struct ue_session *victim_session(struct sim_attack *a)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        const struct ue *ue = victim(a);
        for (const struct ue_session *s = ue ? ue->sessions : NULL; s; s = s->next)
            if (s->bearer && s->state == SM_ACTIVE && s->type != NAS_PDU_IPV6)
                return s;
    }
    return NULL;
}
/* N3-01, 03, 04, 05: tunnels are known, and nothing of what is sent through them may come out. */
static const char *n3(struct sim_attack *a)
{
    static const struct net_addr upf = {4, 2152, {10, 0, 0, 2}};
    static const uint8_t core[4] = {10, 0, 0, 2}, nobody[4] = {10, 99, 99, 99};
    uint8_t g[256], nested[36] = {0x30, 255, 0, 28, 0, 0, 0, 1, 0x45}, covert[] = {0x32, 1, 0, 11, 0, 0, 0, 0, 0, 1, 0, 0, 's', 't', 'o', 'l', 'e', 'n', '!'};
    uint8_t gone[] = {0x32, 26, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 133, 0, 4, 10, 0, 0, 0x10};
    const struct ue_session *s = victim_session(a), *other = victim_session(a);
    struct env *host = a->n->ran_env;
    int sock = a->beside_gnb;
    uint32_t n = 0, port = 53, kind = draw(a, 8);
    const char *name = "N3";
    if (!s || kind == 0) {
        noise(a);
        return name;
    }
    n = sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, (uint16_t)port, SIM_STOLEN, 7);
    switch (kind) {
    case 1: case 2: name = "N3: into another's tunnel"; host = a->env; sock = a->udp; break;
    case 3: name = "N3: another's tunnel is said to be gone"; host = a->env; sock = a->udp; put_be32(gone + 13, s->bearer->teid); memcpy(g, gone, n = sizeof gone); break;
    case 4: name = "N3: in another phone's name"; memcpy(g + 16 + 12, other && other != s ? other->ipv4 : nobody, 4); break;
    case 5: name = "N3: a tunnel within a tunnel"; memcpy(nested + 9, SIM_STOLEN, 7); n = sim_in_tunnel(g, s->bearer->peer_teid, s->ipv4, draw(a, 2) ? 2152 : 8805, nested, sizeof nested); break;
    case 6: name = "N3: for the core itself"; memcpy(g + 16 + 16, core, 4); break;
    default: name = "N3: hidden in signalling"; memcpy(g, covert, n = sizeof covert); break;
    }
    if (sock >= 0)
        host->ops->udp_send(host, sock, &upf, (struct bytes){g, n});
    return name;
}

const char *sim_attack(struct sim_attack *a, uint64_t x)
{
    const char *name = "garbage";
    uint8_t garbage[64];
    if (!a->is_on)
        return "nobody";
    a->random = x;
    a->at = 0;
    rt_enter(&a->rt);
    if (a->gnb.state != GNB_READY && draw(a, 2))
        name = "its gNB is not in service";
    else switch (draw(a, 12)) {
    case 0: name = "a message of another gNB again"; again(a, false); break;
    case 1: case 2: name = "a message of another gNB, changed"; again(a, true); break;
    case 3: fill(a, garbage, sizeof garbage); gnb_send_raw(&a->gnb, (struct bytes){garbage, draw(a, sizeof garbage)}, 0, GNB_PPID); break;
    case 4: case 5: name = "a phone through its gNB"; connect(a, &a->gnb); break;
    case 6: name = "a phone through an honest gNB"; rt_enter(&a->n->ran_rt); connect(a, &a->n->cells[draw(a, a->n->plan.cells)].gnb); break;
    case 7: case 8: name = "another's connection"; on_others_connection(a); break;
    case 9:
        name = "a connection of its own";
        if (a->n_own) {
            uint32_t i = draw(a, a->n_own < SIM_VICTIMS ? a->n_own : SIM_VICTIMS);
            uplink(a, a->own[i].amf, a->own[i].ran);
        }
        break;
    case 10:
        name = "another gNB's identity, a reset, or away";
        switch (draw(a, 4)) {
        case 0: gnb_reset(&a->gnb, NULL); break;
        case 1: world_cut_all(a->n->w, a->env); break;
        default: as_another(a); break;
        }
        break;
    case 11:
        if (draw(a, 2)) {
            name = n3(a);
        } else {
            name = "N4";
            n4(a);
        }
        break;
    }
    world_attach(a->n->w, a->env, &a->rt);
    world_attach(a->n->w, a->n->ran_env, &a->n->ran_rt);
    rt_enter(&a->n->ran_rt);
    return name;
}
