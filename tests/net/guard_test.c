/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps the guard from being misled, blinded or worn out, whoever attacks. That each attack is found and has no effect:
 * cmd/trial.h, tests/sim_run/trial_test.c. docs/trust/guard.md. */
#include "cmd/rogue.h"
#include "cmd/sim_attack.h"
#include "tests/net/net.h"
#include "trust/evidence_entry.h"

static uint32_t findings(const struct net *n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < GUARD_DETECTIONS; i++)
        sum += n->found[i];
    return sum;
}
/* This and nothing else was found. */
#define only(n, d) only_at(n, d, __LINE__)
static void only_at(struct net *n, enum guard_detection d, int line)
{
    if (!n->found[d] || findings(n) != n->found[d])
        fprintf(stderr, "line %d: %u of %u; last finding: %s\n", line, n->found[d], findings(n), n->why);
    assert_true(n->found[d] > 0);
    assert_int_equal(findings(n), n->found[d]);
    memset(n->found, 0, sizeof n->found);
}
static struct ue_session *victim(struct net *n)
{
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    assert_int_equal(findings(n), 0);
    return s;
}
static void unharmed(struct net *n, struct ue_session *s)
{
    net_ping(n, s, "8.8.8.8");
    net_run(n, NET_S);
    net_agree(n);
}
static uint8_t WHERE[] = NET_PLMN;
static uint64_t amf_id(struct net *n) { return amf_conn_id(net_amf_ue(n, n->ue[0])->conn); }
/* Nobody said where its tunnels may end. */
static void a_tunnel_is_believed_where_nothing_is_planned(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 2, .more = "  gnbs: [{id: 1}, {id: 2}]\n"});
    net_register(n, n->ue[0]);
    n->cells[0].faults.n3_elsewhere = addr_v4(0x0a000042, 0);
    assert_true(ue_session_open(n->ue[0], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4}) > 0);
    net_run(n, 3 * NET_S);
    assert_int_equal(findings(n), 0);
    net_free(n);
}
/* Messages that the guard sees and no AMF let in: as if on associations of their own. */
static void seen(struct net *n, uint64_t assoc, enum ngap_msg msg, const void *value)
{
    rt_tap(&n->core, &(struct tap_event){.interface = TAP_N2, .direction = TAP_RX, .at_us = n->core.now_us, .peer = assoc,
                                         .type = msg, .name = ngap_msg_name(msg), .desc = ngap_msg_type(msg), .value = value});
}
/* Who is refused, under the victim's name or ever new ones, neither takes a place nor makes the guard forget. */
static void names_without_number(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 12});
    struct ue_session *s = victim(n);
    uint8_t id[3] = {0, 0, 1}; /* gNB 1, which serves the phone */
    struct ngap_NGSetupRequest setup = {0};
    setup.has.GlobalRANNodeID = 1;
    setup.GlobalRANNodeID = (struct ngap_GlobalRANNodeID){
        .sel = NGAP_GlobalRANNodeID_globalGNB_ID,
        .globalGNB_ID = {.pLMNIdentity = {WHERE, 3}, .gNB_ID = {.sel = NGAP_GNB_ID_gNB_ID, .gNB_ID = {id, 24}}}};
    for (uint64_t i = 0; i < 10000; i++) {
        seen(n, 1000000 + i, NGAP_MSG_NGSetupRequest, &setup);
        put_be24(id, (uint32_t)(i % 3 ? i : 1));
    }
    assert_int_equal(findings(n), 0);
    struct ngap_UEContextReleaseRequest r = {.AMF_UE_NGAP_ID = amf_id(n), .RAN_UE_NGAP_ID = 1};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.Cause = 1;
    r.Cause = (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork, .radioNetwork = NGAP_CauseRadioNetwork_user_inactivity};
    gnb_send(&n->cells[1].gnb, NGAP_MSG_UEContextReleaseRequest, &r, 0);
    net_run(n, NET_S);
    assert_non_null(strstr(n->why, "gnb-001-01-000002"));
    assert_non_null(strstr(n->why, "gnb-001-01-000001"));
    only(n, GUARD_N2_01);
    unharmed(n, s);
    net_free(n);
}
static void status_line(void *ctx, const char *text)
{
    char *to = ctx;
    size_t n = strlen(to);
    snprintf(to + n, 2048 - n, "%s\n", text);
}
/* What a person is told of it. */
static void status(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 14});
    char said[2048] = "";
    guard_status(n->guard[0], status_line, said);
    assert_string_equal(said, "no findings since the start\n");
    struct ngap_CellTrafficTrace m = {0};
    for (uint64_t i = 0; i < 10; i++)
        seen(n, 2000000, NGAP_MSG_CellTrafficTrace, &m);
    said[0] = 0;
    guard_status(n->guard[0], status_line, said);
    assert_memory_equal(said, "N2-07 10 times, the latest told at 20", 37);
    assert_non_null(strstr(said, " UTC: ?: this core has ordered no trace\n  a RAN node reports a trace that nobody ordered; the message is answered with an "
                                 "Error Indication; no trace is handed on\n"));
    net_free(n);
}
/* All are counted, and so many told as a disk bears, whatever they are called. */
static void findings_without_number(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 13});
    struct ngap_CellTrafficTrace m = {0};
    for (uint64_t i = 0; i < 10; i++)
        seen(n, 2000000, NGAP_MSG_CellTrafficTrace, &m);
    assert_int_equal(n->found[GUARD_N2_07], 4);
    for (uint64_t i = 1; i < 1000; i++)
        seen(n, 2000000 + i, NGAP_MSG_CellTrafficTrace, &m);
    assert_int_equal(n->found[GUARD_N2_07], 256);
    assert_int_equal(guard_count(n->guard[0], GUARD_N2_07), 1009);
    net_run(n, 61 * NET_S); /* the next minute */
    seen(n, 2000000, NGAP_MSG_CellTrafficTrace, &m);
    assert_int_equal(n->found[GUARD_N2_07], 257);
    net_free(n);
}

/* A message that is too large for an entry of evidence is no way around it: its front is kept, and how long it was. */
static struct {
    struct evidence e;
    struct crypto *crypto;
    uint32_t entries;
    char body[1024];
} log_kept;
static int log_append(struct evidence *e, enum evidence_kind k, struct str subject, struct str body, const struct evidence_message *m, uint32_t n)
{
    static uint8_t out[EVIDENCE_ENTRY_MAX];
    static const uint8_t key[SEAL_KEY];
    int octets = entry_encode(log_kept.crypto, &(struct entry_draft){.kind = k, .subject = subject, .body = body, .message = m, .n_messages = n, .seal_key = key}, out, sizeof out);
    if (octets < 0)
        return octets;
    assert_int_equal(n, 1);
    log_kept.entries++;
    snprintf(log_kept.body, sizeof log_kept.body, STR_FMT, STR_ARG(body));
    return OK;
}
static void a_message_too_large_for_evidence(void **state)
{
    static const uint8_t raw[AMF_MESSAGE_MAX];
    struct net *n = net_new((struct net_options){.seed = 15});
    struct ngap_CellTrafficTrace m = {0};
    struct tap_event e = {.interface = TAP_N2, .direction = TAP_RX, .at_us = n->core.now_us, .peer = 2000000, .type = NGAP_MSG_CellTrafficTrace,
                          .name = "CellTrafficTrace", .desc = ngap_msg_type(NGAP_MSG_CellTrafficTrace), .value = &m, .raw = {raw, 100}};
    memset(&log_kept, 0, sizeof log_kept);
    log_kept.e.append = log_append;
    log_kept.crypto = n->core.crypto;
    n->core.evidence = &log_kept.e;
    rt_tap(&n->core, &e);
    assert_true(log_kept.entries == 1 && !strstr(log_kept.body, "octets"));
    e.raw.n = sizeof raw;
    rt_tap(&n->core, &e);
    assert_true(log_kept.entries == 2 && strstr(log_kept.body, "\"octets\":65536,\"kept\":16384"));
    n->core.evidence = NULL;
    net_free(n);
}

/* ---- N3 ---- */
/* A host that reaches the user plane: a gNB's own address, or one that is no tunnel's end. */
struct intruder {
    struct env *env;
    int udp;
    uint32_t heard; /* answers */
};
static void intruder_hears(void *ctx, int sock, const struct net_addr *from, struct bytes b) { ((struct intruder *)ctx)->heard++; }
static void intruder_open(struct net *n, struct intruder *x, struct env *env, struct net_addr at)
{
    *x = (struct intruder){.env = env ? env : world_host(n->w, "intruder", &at)};
    x->udp = x->env->ops->udp_open(x->env, &at, &(struct udp_sink){x, intruder_hears});
    assert_true(x->udp >= 0);
}
static void inject(struct net *n, struct intruder *x, const uint8_t *p, uint32_t octets)
{
    struct net_addr upf = addr_v4(0x0a000002, 2152);
    x->env->ops->udp_send(x->env, x->udp, &upf, (struct bytes){p, octets});
    net_run(n, 20 * NET_MS);
}
/* Many made-up addresses hide nobody. */
static void a_flood_hides_nobody(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 23});
    struct ue_session *s = victim(n);
    struct intruder x, gnb;
    uint8_t g[256];
    static const uint8_t magic[] = {0x32, 1, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 1};
    for (uint32_t i = 0; i < 12; i++) {
        intruder_open(n, &x, NULL, addr_v4(0x0a000100 + i, 2152));
        inject(n, &x, magic, sizeof magic);
    }
    assert_true(n->found[GUARD_N3_05] >= 1 && n->found[GUARD_N3_05] <= 8); /* told as one */
    only(n, GUARD_N3_05);
    intruder_open(n, &gnb, n->ran_env, addr_v4(0x0a000010, 2153));
    uint8_t wrong[4] = {10, 45, 99, 99};
    inject(n, &gnb, g, sim_in_tunnel(g, s->bearer->peer_teid, wrong, 53, "x", 1));
    only(n, GUARD_N3_03);
    unharmed(n, s);
    net_free(n);
}

/* ---- N4 ---- */
static struct rogue *rogue_new(struct net *n)
{
    struct rogue *r = calloc(1, sizeof *r);
    assert_int_equal(rogue_open(r, n->w), OK);
    net_run(n, NET_S);
    assert_true(r->assoc->is_up);
    return r;
}
static void rogue_free(struct rogue *r)
{
    rogue_close(r);
    free(r);
}
static uint8_t say(struct net *n, struct rogue *r, struct pfcp_msg *m)
{
    uint32_t before = r->answers;
    assert_int_equal(rogue_say(r, m), OK);
    net_run(n, 100 * NET_MS);
    assert_int_equal(r->answers, before + 1);
    return r->cause;
}
/* Two that differ in the last octet of an IPv6 address are two. */
static void another_smf_by_ipv6(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 12});
    struct net_addr own, other;
    assert_true(addr_parse(&own, STR("fd00:10::1"), 8805) && addr_parse(&other, STR("fd00:10::2"), 8805));
    struct pfcp_msg told = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE, .has_seid = true, .seid = 1};
    told.session_establishment_response = (struct pfcp_session_establishment_response){.cause = PFCP_CAUSE_REQUEST_ACCEPTED};
    told.session_establishment_response.has.up_f_seid = 1;
    told.session_establishment_response.up_f_seid.seid = 0x4711;
    struct pfcp_msg order = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .has_seid = true, .seid = 0x4711};
    struct tap_event sent = {.interface = TAP_N4, .direction = TAP_TX, .at = &own, .type = told.type, .name = "", .value = &told};
    struct tap_event heard = {.interface = TAP_N4, .at = &own, .type = order.type, .name = "", .value = &order};
    rt_tap(&n->upf_rt, &sent);
    rt_tap(&n->upf_rt, &heard);
    assert_int_equal(findings(n), 0);
    heard.at = &other;
    rt_tap(&n->upf_rt, &heard);
    assert_non_null(strstr(n->why, "smf fd00:10::2"));
    only(n, GUARD_N4_01);
    net_free(n);
}
/* More sessions than the guard follows, of an SMF that then goes: those of others are followed again. */
static void sessions_without_number(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 13});
    struct rogue *r = rogue_new(n);
    struct pfcp_create_far far;
    struct pfcp_create_pdr pdr;
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < 3 * n->o.phones + 8; i++) { /* as many as net_guard() has it follow */
        struct pfcp_msg m = rogue_rule(r, i + 1, PFCP_APPLY_ACTION_DROP, &pdr, &far);
        accepted += pfcp_is_accepted(say(n, r, &m));
    }
    assert_int_equal(accepted, 3 * n->o.phones + 8);
    assert_int_equal(rogue_release(r), OK);
    net_run(n, NET_S);
    assert_int_equal(net_upf_sessions(n), 0);
    struct ue_session *s = victim(n);
    char supi[24];
    int k = snprintf(supi, sizeof supi, "imsi-%s", n->ue[0]->usim.imsi);
    struct pfcp_update_far to;
    struct pfcp_msg order = rogue_redirection(smf_session_find(n->smf, (struct str){supi, (uint32_t)k}, s->psi)->up_seid, &to);
    assert_int_equal(rogue_associate(r), OK);
    net_run(n, NET_S);
    assert_true(r->assoc->is_up);
    assert_int_equal(say(n, r, &order), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
    only(n, GUARD_N4_01);
    unharmed(n, s);
    rogue_free(r);
    net_free(n);
}
int main(void)
{
    return RUN(unit(a_tunnel_is_believed_where_nothing_is_planned), unit(names_without_number), unit(findings_without_number), unit(status), unit(a_message_too_large_for_evidence),
               unit(another_smf_by_ipv6), unit(sessions_without_number), unit(a_flood_hides_nobody));
}
