/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as NAS of a registered phone and of strangers, and as NGAP of their gNB, into a whole AMF in a simulated
 * world with other functions that say yes. An input is a list of records: kind (3 bits) and length (13 bits), octets.
 * Kinds: 0 NAS in an Initial UE Message; 1 NAS of the stranger who came last; 2 NAS of the phone, protected with its
 * keys; 3 the same in an Initial UE Message; 4 an NGAP message; 5 time passes. In the end nothing may run or be left. */
#include "base/err.h"
#include "crypto/kdf.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/session.h"
#include "ran/gnb.h"
#include "sim/world.h"
#include "trust/guard.h"
#include <stdlib.h>
#include "fuzz/mutate.h"

enum { RECORDS_MAX = 24, MS = 1000, SECOND = 1000000, PROTECTED_MAX = 8192 + 16 };
static const uint8_t PLMN[3] = {0x00, 0xf1, 0x10}, ZERO[32];
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

/* ---- functions that say yes ---- */
static void vector(void *state, struct call *c)
{
    SBI_RSP(nausf_auth_post) *r = c->rsp;
    uint8_t *hxres = arena_zero(&c->arena, 16);
    check(hxres && kdf_hres_star(c->rt->crypto, ZERO, ZERO, hxres) >= 0);
    r->auth_type = SBI_AusfAuthType_5G_AKA;
    r->has.x5g_auth_data = r->has.location = true;
    r->x5g_auth_data.rand = r->x5g_auth_data.autn = (struct bytes){ZERO, 16};
    r->x5g_auth_data.hxres_star = (struct bytes){hxres, 16};
    r->location = STR("http://a/nausf-auth/v1/ue-authentications/1");
    call_reply(c, 201);
}
static void confirm(void *state, struct call *c)
{
    SBI_RSP(nausf_auth_confirm) *r = c->rsp;
    r->auth_result = SBI_AuthResult_AUTHENTICATION_SUCCESS;
    r->has.supi = r->has.kseaf = true;
    r->supi = STR("imsi-001010000000001");
    r->kseaf = BYTES_OF(ZERO);
    call_reply(c, 200);
}
static void data_sets(void *state, struct call *c)
{
    static const struct sbi_Snssai slice = {.sst = 1};
    SBI_RSP(nudm_sdm_get) *r = c->rsp;
    r->has.am_data = r->am_data.has.nssai = true;
    r->am_data.nssai.default_single_nssais.p = &slice;
    r->am_data.nssai.default_single_nssais.n = 1;
    call_reply(c, 200);
}
static void yes(void *state, struct call *c) { call_reply(c, sbi_ops[c->op].ok); }
static int boot(struct rt *rt, void *state) { return OK; }
static const struct nf_op AUSF_OPS[] = {{SBI_nausf_auth_post, vector}, {SBI_nausf_auth_confirm, confirm}};
static const struct nf_op UDM_OPS[] = {{SBI_nudm_sdm_get, data_sets}, {SBI_nudm_uecm_amf_register, yes},
                                       {SBI_nudm_uecm_amf_update, yes}, {SBI_nudm_sdm_subscribe, yes},
                                       {SBI_nudm_sdm_unsubscribe, yes}};
static const struct nf_desc AUSF = {.kind = SBI_NF_AUSF, .name = "ausf", .state_octets = 1, .boot = boot,
                                    .ops = AUSF_OPS, .n_ops = ARRAY_LEN(AUSF_OPS)};
static const struct nf_desc UDM = {.kind = SBI_NF_UDM, .name = "udm", .state_octets = 1, .boot = boot, .ops = UDM_OPS,
                                   .n_ops = ARRAY_LEN(UDM_OPS)};

/* ---- the gNB ---- */
struct bed {
    struct world *w;
    struct rt rt, gnb_rt;
    struct gnb gnb;
    struct amf *amf;
    uint64_t ran_id, amf_id; /* of the connection that came last */
    uint64_t phone_ran, phone_amf;
};
static int on_message(struct gnb *g, const struct ngap_pdu *pdu)
{
    struct bed *b = g->user;
    const struct ngap_DownlinkNASTransport *d = pdu->msg == NGAP_MSG_DownlinkNASTransport ? pdu->value : NULL;
    if (d && d->RAN_UE_NGAP_ID == b->ran_id)
        b->amf_id = d->AMF_UE_NGAP_ID;
    if (pdu->msg == NGAP_MSG_InitialContextSetupRequest) {
        const struct ngap_InitialContextSetupRequest *m = pdu->value;
        struct ngap_InitialContextSetupResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                     .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID};
        r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
        gnb_send(g, NGAP_MSG_InitialContextSetupResponse, &r, 1);
    } else if (pdu->msg == NGAP_MSG_UEContextReleaseCommand) {
        const struct ngap_UEContextReleaseCommand *m = pdu->value;
        struct ngap_UEContextReleaseComplete r = {.AMF_UE_NGAP_ID = m->UE_NGAP_IDs.uE_NGAP_ID_pair.aMF_UE_NGAP_ID,
                                                  .RAN_UE_NGAP_ID = m->UE_NGAP_IDs.uE_NGAP_ID_pair.rAN_UE_NGAP_ID};
        r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
        gnb_send(g, NGAP_MSG_UEContextReleaseComplete, &r, 1);
    }
    return OK;
}
static struct ngap_UserLocationInformation location(void)
{
    static const uint8_t cell[5] = {0, 0, 0, 0x10, 0}, tac[3] = {0, 0, 1};
    struct ngap_UserLocationInformation l = {.sel = NGAP_UserLocationInformation_userLocationInformationNR};
    l.userLocationInformationNR.nR_CGI.pLMNIdentity = l.userLocationInformationNR.tAI.pLMNIdentity = BYTES_OF(PLMN);
    l.userLocationInformationNR.nR_CGI.nRCellIdentity = (struct bits){cell, 36};
    l.userLocationInformationNR.tAI.tAC = BYTES_OF(tac);
    return l;
}
static void begin(struct bed *b, struct bytes nas)
{
    struct ngap_InitialUEMessage m = {.RAN_UE_NGAP_ID = ++b->ran_id, .NAS_PDU = nas, .UserLocationInformation = location()};
    m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = m.has.RRCEstablishmentCause = 1;
    gnb_send(&b->gnb, NGAP_MSG_InitialUEMessage, &m, 1);
    world_run(b->w, 5 * MS);
}
static void say(struct bed *b, uint64_t ran_id, uint64_t amf_id, struct bytes nas)
{
    struct ngap_UplinkNASTransport m = {.AMF_UE_NGAP_ID = amf_id, .RAN_UE_NGAP_ID = ran_id, .NAS_PDU = nas,
                                        .UserLocationInformation = location()};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = m.has.UserLocationInformation = 1;
    gnb_send(&b->gnb, NGAP_MSG_UplinkNASTransport, &m, 1);
    world_run(b->w, 5 * MS);
}
/* Protected as the phone would, with what the AMF holds; or with the context that is being taken into use. */
static struct bytes protect(struct bed *b, struct bytes plain, bool initial, uint8_t *out)
{
    struct amf_conn *c = amf_conn_by_id(b->amf, b->phone_amf);
    struct amf_ue *ue = amf_ue_by_supi(b->amf, STR("imsi-001010000000001"));
    bool fresh = c && c->candidate && !c->candidate_used;
    if (!fresh && !ue)
        return plain;
    struct nas_security s = fresh ? *c->candidate : ue->security;
    int n = s.is_valid ? nas_protect(&s, b->rt.crypto, NAS_UPLINK,
                                     fresh     ? NAS_CIPHERED_NEW
                                     : initial ? NAS_INTEGRITY
                                               : NAS_CIPHERED, plain, out, PROTECTED_MAX)
                       : 0;
    return n > 0 ? (struct bytes){out, (uint32_t)n} : plain;
}
static void register_phone(struct bed *b)
{
    static const uint8_t request[] = {0x7e, 0, 0x41, 0x79, 0, 13, 1, 0x00, 0xf1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
                                      0x2e, 2, 0xf0, 0x70},
                         response[] = {0x7e, 0, 0x57, 0x2d, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                         complete[] = {0x7e, 0, 0x5e}, registered[] = {0x7e, 0, 0x43};
    uint8_t out[64];
    begin(b, BYTES_OF(request));
    b->phone_ran = b->ran_id;
    b->phone_amf = b->amf_id;
    say(b, b->phone_ran, b->phone_amf, BYTES_OF(response));
    say(b, b->phone_ran, b->phone_amf, protect(b, BYTES_OF(complete), false, out));
    say(b, b->phone_ran, b->phone_amf, protect(b, BYTES_OF(registered), false, out));
    check(b->amf->ues->registered == 1 && b->rt.procs_running == 0);
}
static void record(struct bed *b, uint8_t kind, struct bytes in)
{
    uint8_t out[PROTECTED_MAX];
    if (kind == 0)
        begin(b, in);
    else if (kind == 1)
        say(b, b->ran_id, b->amf_id, in);
    else if (kind == 2)
        say(b, b->phone_ran, b->phone_amf, protect(b, in, false, out));
    else if (kind == 3) {
        begin(b, protect(b, in, true, out));
        b->phone_ran = b->ran_id;
        struct amf_conn *c = amf_conn_by_ran(b->amf, slab_at(&b->amf->gnbs, 0), b->ran_id);
        b->phone_amf = c ? amf_conn_id(c) : 0;
    } else if (kind == 4) {
        gnb_send_raw(&b->gnb, in, 1, GNB_PPID);
        world_run(b->w, 5 * MS);
    } else {
        world_run(b->w, in.n * 100ull * MS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gnb_ta ta = {{0, 0, 1}, {0x00, 0xf1, 0x10}, 1, {{1, {0}, false}}};
    static const struct gnb_ue_ops ue_ops = {.message = on_message};
    struct net_addr core = addr_v4(0x0a000001, 38412), ran = addr_v4(0x0a000002, 38412);
    static struct config_report report;
    static uint8_t memory[CONFIG_ARENA_OCTETS];
    struct arena a = arena_over(memory, sizeof memory);
    struct config config;
    struct bed b = {.w = world_new(1)};
    struct guard *guard = NULL;
    struct env *amf = world_host(b.w, "amf", &core), *gnb = world_host(b.w, "gnb", &ran);
    check(config_parse(&config, &a, STR("fuzz"), STR("amf: {n2_addresses: [10.0.0.1], max_ues: 8, max_gnbs: 2}\n"), &report) >= 0);
    check(rt_init(&b.rt, amf, 1 << 20) == OK && rt_init(&b.gnb_rt, gnb, 1 << 16) == OK);
    world_attach(b.w, amf, &b.rt);
    world_attach(b.w, gnb, &b.gnb_rt);
    b.rt.config = &config;
    b.rt.api_root = "http://a";
    check(crypto_init(&b.rt.crypto) == OK);
    check(guard_open(&guard, &b.rt, &(struct guard_conf){.max_ues = 4, .max_sessions = 4}) == OK);
    check(nf_start(&b.rt, &AUSF) == OK && nf_start(&b.rt, &UDM) == OK && nf_start(&b.rt, &amf_nf) == OK);
    b.amf = nf_state(&b.rt, SBI_NF_AMF);
    struct gnb_config g = {.plmn = {0x00, 0xf1, 0x10}, .id = 1, .id_bits = 24, .tas = &ta, .n_tas = 1, .streams = 4,
                           .stay_down = true};
    check(gnb_init(&b.gnb, &b.gnb_rt, &g) == OK && gnb_start(&b.gnb, &core) == OK);
    b.gnb.ue_ops = &ue_ops;
    b.gnb.user = &b;
    world_run(b.w, 50 * MS);
    register_phone(&b);
    for (unsigned k = 0; k < RECORDS_MAX && size >= 2; k++) {
        uint8_t kind = data[0] >> 5;
        uint32_t n = be16(data) & 0x1fff;
        data += 2;
        size -= 2;
        if (n > size)
            n = (uint32_t)size;
        record(&b, kind, (struct bytes){data, n});
        data += n;
        size -= n;
    }
    world_run(b.w, 60ull * SECOND);
    gnb_free(&b.gnb);
    world_run(b.w, 60ull * SECOND);
    check(b.amf->ues->conns.used == 0 && map_count(&b.amf->ues->by_ran) == 0);
    check(b.rt.procs_running == 0 && b.rt.calls_open == 0);
    check(map_count(&b.amf->ues->by_supi) == b.amf->ues->ues.used && b.amf->ues->registered == b.amf->ues->ues.used);
    check(map_count(&b.amf->ues->by_tmsi) <= 3 * b.amf->ues->ues.used);
    nf_stop_all(&b.rt);
    check(b.rt.procs_running == 0);
    guard_free(guard);
    crypto_free(b.rt.crypto);
    rt_free(&b.gnb_rt);
    rt_free(&b.rt);
    world_free(b.w);
    return 0;
}

#ifdef LIE_MUTATOR
static int lie(unsigned kind, struct bytes b, uint64_t *seed, uint8_t *to, uint32_t cap)
{
    static uint64_t memory[1 << 16];
    struct arena a = arena_over(memory, sizeof memory);
    return kind == 4 ? lie_ngap(b, seed, &a, to, cap) : kind < 4 ? lie_nas(b, seed, to, cap) : 0;
}
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return mutate_records(data, size, max, seed, 3, lie);
}
#endif
