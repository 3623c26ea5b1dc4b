/* SPDX-License-Identifier: Apache-2.0 */
/* smf_net.h - an SMF in the simulated world, between an AMF, a UDM and a PCF that do what the test says and remember
 * what they were asked, and the PFCP entity of a UPF on a host of its own. */
#pragma once
#include "codec/sbi_text.h"
#include "tests/test.h"
#include "base/err.h"
#include "base/log.h"
#include "nf/smf/smf.h"
#include "proto/sbi.h"
#include "rt/metrics.h"
#include "sim/world.h"
#include <stdlib.h>

enum { SECOND = 1000000, KEPT = 1024 };
struct octets {
    uint8_t p[KEPT];
    uint32_t n;
};
static inline void octets_keep(struct octets *o, struct bytes b)
{
    o->n = b.n < KEPT ? b.n : KEPT;
    if (o->n)
        memcpy(o->p, b.p, o->n);
}
static inline struct bytes octets_of(const struct octets *o) { return (struct bytes){o->p, o->n}; }

struct upf_stub {
    struct env *env;
    struct rt rt;
    struct pfcp_node node;
    struct net_addr addr;
    uint32_t sessions, established, modified, deleted;
    uint64_t smf_seid, next_seid;
    uint8_t cause, modify_cause; /* 0: accepted */
    bool silent, no_choice, open, loses_answers;
    uint32_t replaced;
    struct pfcp_session_establishment_request last; /* scalars only: its lists are gone */
    uint64_t qer_ul, qer_dl, far_action, far_teid, far_marking;
    uint8_t far_ip[4];
    uint64_t smreq;
    uint8_t ue_flags, ue_ip4[4], ue_ip6[16], teid_flags;
    bool accepted_report;
    uint8_t report_cause;
};
struct amf_stub { /* also UDM and PCF */
    uint32_t transfers, notifications, policies, policies_deleted, registrations, deregistrations;
    int transfer_status;
    struct octets n1, n2;
    enum sbi_NgapIeType n2_type;
    bool skip;
    char failure_uri[256];
    int sdm_status, pcf_status, uecm_status;
    const char *dnn_key, *ambr_ul, *ambr_dl, *fixed4, *fixed6, *policy_ambr_dl;
    int policy_5qi;
    enum sbi_PduSessionType types[3];
    uint32_t n_types;
    bool ssc2_only, has_security, other_slice;
    enum sbi_UpIntegrity integrity;
    char policy_uri[256], last_ipv6[64];
};
struct smf_net {
    struct world *w;
    struct env *core;
    struct rt rt;
    struct config config;
    uint8_t *config_block;
    struct metrics *metrics;
    struct log log;
    char logged[1 << 16];
    uint32_t logged_n;
    struct upf_stub upf;
    struct amf_stub amf;
    struct smf *smf;
};
struct answer {
    bool done;
    int status;
    char cause[64], ref[64];
    struct octets n1, n2;
    int n2_type, up_state;
};
static struct smf_net *net; /* of the test at hand */
/* Starts UDM and PCF in place of those below; NULL: those below. */
static void (*other_core)(struct rt *);
static bool as_bytes;        /* calls travel as HTTP carries them; main() decides by its argument */

/* ---- the UPF ---- */

static void upf_establish_empty(struct upf_stub *u, const struct pfcp_in *in)
{
    const struct pfcp_session_establishment_request *q = &in->msg->session_establishment_request;
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE, .seid = q->cp_f_seid.seid};
    struct pfcp_session_establishment_response *r = &m.session_establishment_response;
    r->node_id = u->node.config.node_id;
    r->cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    r->has.up_f_seid = 1;
    r->up_f_seid = pfcp_f_seid_of(++u->next_seid, &u->addr);
    u->sessions++;
    if (!u->loses_answers)
        pfcp_answer(&u->node, in->answer, &m);
}
static void upf_establish(struct upf_stub *u, const struct pfcp_in *in)
{
    const struct pfcp_session_establishment_request *q = &in->msg->session_establishment_request;
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE, .seid = q->cp_f_seid.seid};
    struct pfcp_session_establishment_response *r = &m.session_establishment_response;
    struct pfcp_created_pdr created = {.pdr_id = q->create_pdr.v[0].pdr_id};
    bool is_known = u->sessions && u->smf_seid == q->cp_f_seid.seid; /* an F-SEID is of one session */
    u->smf_seid = q->cp_f_seid.seid;
    u->replaced += is_known;
    u->sessions -= is_known;
    if (q->create_qer.n == 0)
        return upf_establish_empty(u, in);
    u->qer_ul = q->create_qer.v[0].maximum_bitrate.ul_kbps;
    u->qer_dl = q->create_qer.v[0].maximum_bitrate.dl_kbps;
    u->far_action = q->create_far.v[1].apply_action;
    u->teid_flags = q->create_pdr.v[0].pdi.local_f_teid.flags;
    u->ue_flags = q->create_pdr.v[1].pdi.ue_ip_address.flags;
    memcpy(u->ue_ip4, q->create_pdr.v[1].pdi.ue_ip_address.ipv4, 4);
    memcpy(u->ue_ip6, q->create_pdr.v[1].pdi.ue_ip_address.ipv6, 16);
    r->node_id = u->node.config.node_id;
    r->cause = u->cause ? u->cause : PFCP_CAUSE_REQUEST_ACCEPTED;
    if (!u->cause) {
        u->established++;
        u->sessions++;
        r->has.up_f_seid = 1;
        r->up_f_seid = pfcp_f_seid_of(++u->next_seid, &u->addr);
        created.has.local_f_teid = 1;
        created.local_f_teid = pfcp_f_teid_of(0x1000 + (uint32_t)u->next_seid, &u->addr);
        r->created_pdr.v = &created;
        r->created_pdr.n = !u->no_choice;
    }
    if (!u->loses_answers)
        pfcp_answer(&u->node, in->answer, &m);
}
static void upf_modify(struct upf_stub *u, const struct pfcp_in *in)
{
    const struct pfcp_session_modification_request *q = &in->msg->session_modification_request;
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_RESPONSE, .seid = u->smf_seid};
    uint8_t cause = u->modify_cause ? u->modify_cause : u->cause;
    m.session_modification_response.cause = cause ? cause : PFCP_CAUSE_REQUEST_ACCEPTED;
    u->modified++;
    u->smreq = q->has.pfcpsmreq_flags ? q->pfcpsmreq_flags : 0;
    if (q->update_far.n) {
        const struct pfcp_update_far *f = &q->update_far.v[0];
        u->far_action = f->apply_action;
        u->far_teid = f->update_forwarding_parameters.outer_header_creation.teid;
        u->far_marking = f->update_forwarding_parameters.has.transport_level_marking
                             ? f->update_forwarding_parameters.transport_level_marking
                             : 0;
        memcpy(u->far_ip, f->update_forwarding_parameters.outer_header_creation.ipv4, 4);
    }
    if (q->update_qer.n) {
        u->qer_ul = q->update_qer.v[0].maximum_bitrate.ul_kbps;
        u->qer_dl = q->update_qer.v[0].maximum_bitrate.dl_kbps;
    }
    pfcp_answer(&u->node, in->answer, &m);
}
static void upf_request(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    struct upf_stub *u = ctx;
    struct pfcp_msg m = {.type = PFCP_SESSION_DELETION_RESPONSE, .seid = u->smf_seid};
    (void)n;
    if (u->silent)
        return;
    if (in->msg->type == PFCP_SESSION_ESTABLISHMENT_REQUEST)
        return upf_establish(u, in);
    if (in->msg->type == PFCP_SESSION_MODIFICATION_REQUEST)
        return upf_modify(u, in);
    m.session_deletion_response.cause =
        u->sessions ? PFCP_CAUSE_REQUEST_ACCEPTED : PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND;
    u->deleted += u->sessions > 0;
    u->sessions -= u->sessions > 0;
    pfcp_answer(&u->node, in->answer, &m);
}
static inline void upf_reported(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *r)
{
    struct upf_stub *u = ctx;
    (void)r;
    u->report_cause = err || !rsp ? 0 : rsp->session_report_response.cause;
}
static inline void upf_open(struct upf_stub *u)
{
    struct pfcp_config c = {.local = addr_v4(0x0a000002, PFCP_PORT), .is_up = true, .features = PFCP_UP_FEATURE_FTUP};
    struct pfcp_user user = {.ctx = u, .request = upf_request};
    assert_int_equal(rt_init(&u->rt, u->env, 8 << 20), OK);
    assert_int_equal(pfcp_open(&u->node, &u->rt, &c, &user), OK);
    world_attach(net->w, u->env, &u->rt);
    u->open = true;
}
static inline void upf_close(struct upf_stub *u)
{
    if (!u->open)
        return;
    u->open = false;
    world_attach(net->w, u->env, NULL);
    pfcp_close(&u->node);
    rt_free(&u->rt);
}

/* ---- AMF, UDM, PCF ---- */

static void amf_transfer(void *state, struct call *c)
{
    struct amf_stub *a = &net->amf;
    const SBI_REQ(namf_comm_n1n2_message_transfer) *q = c->req;
    SBI_RSP(namf_comm_n1n2_message_transfer) *r = c->rsp;
    (void)state;
    a->transfers++;
    a->n1.n = a->n2.n = 0;
    if (q->body.has.n1_message_container)
        octets_keep(&a->n1, q->body.n1_message_container.n1_message_content);
    if (q->body.has.n2_info_container) {
        octets_keep(&a->n2, q->body.n2_info_container.sm_info.n2_info_content.ngap_data);
        a->n2_type = q->body.n2_info_container.sm_info.n2_info_content.ngap_ie_type;
    }
    a->skip = q->body.has.skip_ind && q->body.skip_ind;
    str_copy(a->failure_uri, sizeof a->failure_uri, q->body.n1n2_failure_txf_notif_uri);
    if (a->transfer_status >= 300)
        return call_problem(c, a->transfer_status, "UE_NOT_REACHABLE", NULL);
    r->cause = a->transfer_status == 202 ? SBI_N1N2MessageTransferCause_ATTEMPTING_TO_REACH_UE
                                         : SBI_N1N2MessageTransferCause_N1_N2_TRANSFER_INITIATED;
    call_reply(c, a->transfer_status ? a->transfer_status : 200);
}
static void amf_notified(void *state, struct call *c)
{
    (void)state;
    net->amf.notifications++;
    call_reply(c, 204);
}
static int stub_boot(struct rt *rt, void *state)
{
    (void)rt, (void)state;
    return OK;
}
static const struct nf_op amf_ops[] = {{SBI_namf_comm_n1n2_message_transfer, amf_transfer},
                                       {SBI_nsmf_pdusession_status_notify, amf_notified}};
static const struct nf_desc amf_stub_nf = {SBI_NF_AMF, "amf", 8, stub_boot, NULL, NULL, amf_ops, 2};

static void configuration_fill(struct amf_stub *a, struct sbi_DnnConfiguration *d, struct arena *arena)
{
    d->pdu_session_types.has.default_session_type = 1;
    d->pdu_session_types.default_session_type = a->types[0];
    d->pdu_session_types.has.allowed_session_types = 1;
    d->pdu_session_types.allowed_session_types.p = a->types;
    d->pdu_session_types.allowed_session_types.n = a->n_types;
    d->ssc_modes.default_ssc_mode = a->ssc2_only ? SBI_SscMode_SSC_MODE_2 : SBI_SscMode_SSC_MODE_1;
    d->has.session_ambr = 1;
    d->session_ambr.uplink = str_of(a->ambr_ul);
    d->session_ambr.downlink = str_of(a->ambr_dl);
    d->has.x5g_qos_profile = 1;
    d->x5g_qos_profile.x5qi = 9;
    d->x5g_qos_profile.arp = (struct sbi_Arp){.priority_level = 8, .preempt_cap = SBI_PreemptionCapability_NOT_PREEMPT,
                                              .preempt_vuln = SBI_PreemptionVulnerability_PREEMPTABLE};
    if (a->fixed4 || a->fixed6) {
        struct sbi_IpAddress *ip = arena_zero(arena, 2 * sizeof *ip);
        d->has.static_ip_address = 1;
        d->static_ip_address.p = ip;
        if (a->fixed4) {
            ip[d->static_ip_address.n].has.ipv4_addr = 1;
            ip[d->static_ip_address.n++].ipv4_addr = str_of(a->fixed4);
        }
        if (a->fixed6) {
            ip[d->static_ip_address.n].has.ipv6_prefix = 1;
            ip[d->static_ip_address.n++].ipv6_prefix = str_of(a->fixed6);
        }
    }
    d->has.up_security = a->has_security;
    d->up_security.up_integr = a->integrity;
    d->up_security.up_confid = SBI_UpConfidentiality_REQUIRED;
}
static void udm_sm_data(void *state, struct call *c)
{
    struct amf_stub *a = &net->amf;
    SBI_RSP(nudm_sdm_get_sm_data) *r = c->rsp;
    (void)state;
    if (a->sdm_status)
        return call_problem(c, a->sdm_status, "DATA_NOT_FOUND", NULL);
    struct sbi_SessionManagementSubscriptionData *d = arena_zero(&c->arena, sizeof *d);
    struct sbi_entry_DnnConfiguration *e = arena_zero(&c->arena, sizeof *e);
    r->items.p = d, r->items.n = 1;
    d->single_nssai.sst = a->other_slice ? 2 : 1;
    d->has.dnn_configurations = 1;
    d->dnn_configurations.p = e, d->dnn_configurations.n = 1;
    e->key = str_of(a->dnn_key);
    configuration_fill(a, &e->value, &c->arena);
    call_reply(c, 200);
}
static void udm_register(void *state, struct call *c)
{
    SBI_RSP(nudm_uecm_smf_register) *r = c->rsp;
    (void)state;
    net->amf.registrations++;
    *r = ((SBI_REQ(nudm_uecm_smf_register) *)c->req)->body;
    if (net->amf.uecm_status)
        call_problem(c, net->amf.uecm_status, "CONTEXT_NOT_FOUND", NULL);
    else
        call_reply(c, 201);
}
static void udm_deregister(void *state, struct call *c)
{
    (void)state;
    net->amf.deregistrations++;
    call_reply(c, 204);
}
static const struct nf_op udm_ops[] = {{SBI_nudm_sdm_get_sm_data, udm_sm_data},
                                       {SBI_nudm_uecm_smf_register, udm_register},
                                       {SBI_nudm_uecm_smf_deregister, udm_deregister}};
static const struct nf_desc udm_stub_nf = {SBI_NF_UDM, "udm", 8, stub_boot, NULL, NULL, udm_ops, 3};

static void decision_fill(struct sbi_SmPolicyDecision *d, struct arena *arena)
{
    struct amf_stub *a = &net->amf;
    struct sbi_entry_SessionRule *e = arena_zero(arena, sizeof *e);
    d->has.sess_rules = 1;
    d->sess_rules.p = e, d->sess_rules.n = 1;
    e->key = e->value.sess_rule_id = STR("1");
    if (a->policy_ambr_dl) {
        e->value.has.auth_sess_ambr = 1;
        e->value.auth_sess_ambr = (struct sbi_Ambr){.uplink = STR("10 Mbps"), .downlink = str_of(a->policy_ambr_dl)};
    }
    if (a->policy_5qi) {
        e->value.has.auth_def_qos = e->value.auth_def_qos.has.x5qi = 1;
        e->value.auth_def_qos.x5qi = a->policy_5qi;
    }
}
static void pcf_create(void *state, struct call *c)
{
    const SBI_REQ(npcf_sm_policy_create) *q = c->req;
    SBI_RSP(npcf_sm_policy_create) *r = c->rsp;
    (void)state;
    net->amf.policies++;
    str_copy(net->amf.policy_uri, sizeof net->amf.policy_uri, q->body.notification_uri);
    str_copy(net->amf.last_ipv6, sizeof net->amf.last_ipv6, q->body.ipv6_address_prefix);
    if (net->amf.pcf_status)
        return call_problem(c, net->amf.pcf_status, "POLICY_CONTEXT_DENIED", NULL);
    decision_fill(r, &c->arena);
    r->has.location = 1;
    r->location = STR("http://core/npcf-smpolicycontrol/v1/sm-policies/77");
    call_reply(c, 201);
}
static void pcf_delete(void *state, struct call *c)
{
    const SBI_REQ(npcf_sm_policy_delete) *q = c->req;
    (void)state;
    assert_true(str_is(q->sm_policy_id, "77"));
    net->amf.policies_deleted++;
    call_reply(c, 204);
}
static const struct nf_op pcf_ops[] = {{SBI_npcf_sm_policy_create, pcf_create},
                                       {SBI_npcf_sm_policy_delete, pcf_delete}};
static const struct nf_desc pcf_stub_nf = {SBI_NF_PCF, "pcf", 8, stub_boot, NULL, NULL, pcf_ops, 2};

/* ---- the world ---- */

static inline void go(uint64_t us)
{
    world_attach(net->w, net->core, &net->rt);
    if (net->upf.open)
        world_attach(net->w, net->upf.env, &net->upf.rt);
    world_run(net->w, us);
}
static void log_keep(void *ctx, struct str line)
{
    struct smf_net *n = ctx;
    if (n->logged_n + line.n < sizeof n->logged) {
        memcpy(n->logged + n->logged_n, line.p, line.n);
        n->logged_n += line.n;
    }
}
static uint64_t log_clock(void *ctx) { return world_now_us(((struct smf_net *)ctx)->w); }

#define NET_CONFIG                                                                                 \
    "network: {nfs: [nrf, udr, udm, ausf, pcf, nssf, smf, amf]}\n"                           \
    "amf: {slices: [\"1\", \"2-000001\"]}\n"                                                     \
    "smf:\n"                                                                                       \
    "  n4_address: 10.0.0.1\n"                                                                     \
    "  upfs: [{name: upf1, address: 10.0.0.2}]\n"                                                  \
    "  max_sessions: 64\n"                                                                         \
    "  max_sessions_per_ue: 3\n"                                                                   \
    "  dnns:\n"                                                                                    \
    "    - {name: internet, slices: [\"1\"], dscp: 46, ipv4_pool: 10.45.0.0/16, ipv6_pool: \"fd00:10:45::/48\"}\n"            \
    "    - {name: small, ipv4_pool: 10.46.0.0/30, pdu_types: [IPv4]}\n"                            \
    "    - {name: six, ipv6_pool: \"fd00:10:47::/48\", pdu_types: [IPv6], default_pdu_type: IPv6}\n" \
    "    - {name: sliced, ipv4_pool: 10.48.0.0/24, slices: [\"2-000001\"], pdu_types: [IPv4]}\n"

static inline int net_open_with(const char *yaml)
{
    static struct config_report report;
    net = calloc(1, sizeof *net);
    net->w = world_new(5);
    net->core = world_host(net->w, "core", &(struct net_addr){4, 0, {10, 0, 0, 1}});
    net->upf.addr = addr_v4(0x0a000002, 0);
    net->upf.env = world_host(net->w, "upf", &net->upf.addr);
    net->amf = (struct amf_stub){.dnn_key = "internet", .ambr_ul = "100 Mbps", .ambr_dl = "200 Mbps", .n_types = 3,
                                 .types = {SBI_PduSessionType_IPV4, SBI_PduSessionType_IPV6, SBI_PduSessionType_IPV4V6}};
    net->config_block = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(net->config_block, CONFIG_ARENA_OCTETS);
    int err = config_parse(&net->config, &a, STR("test"), str_of(yaml), &report);
    if (err)
        printf("%s\n", report.text);
    assert_int_equal(err, OK);
    assert_int_equal(rt_init(&net->rt, net->core, 8 << 20), OK);
    net->rt.config = &net->config;
    net->rt.api_root = "http://core";
    if (as_bytes)
        assert_int_equal(sbi_json_mode(&net->rt), OK);
    net->metrics = net->rt.metrics = metrics_new();
    log_init(&net->log, (const uint8_t[16]){1});
    net->log.line = log_keep;
    net->log.ctx = net->log.clock = net;
    net->log.unix_us = log_clock;
    net->rt.log = &net->log;
    rt_enter(&net->rt);
    assert_int_equal(nf_start(&net->rt, &amf_stub_nf), OK);
    if (other_core) {
        other_core(&net->rt);
    } else {
        assert_int_equal(nf_start(&net->rt, &udm_stub_nf), OK);
        assert_int_equal(nf_start(&net->rt, &pcf_stub_nf), OK);
    }
    assert_int_equal(nf_start(&net->rt, &smf_nf), OK);
    net->smf = nf_state(&net->rt, SBI_NF_SMF);
    upf_open(&net->upf);
    go(SECOND);
    return 0;
}
static inline int net_open(void **state)
{
    (void)state;
    return net_open_with(NET_CONFIG);
}
static inline int net_close(void **state)
{
    (void)state;
    assert_null(memmem(net->logged, net->logged_n, "00101000000", 11)); /* no identity in clear */
    nf_stop_all(&net->rt);
    upf_close(&net->upf);
    assert_int_equal(net->rt.procs_running, 0);
    rt_enter(&net->rt);
    rt_turn(&net->rt);
    world_attach(net->w, net->core, NULL);
    sbi_json_mode_end(&net->rt);
    rt_free(&net->rt);
    metrics_free(net->metrics);
    world_free(net->w);
    free(net->config_block);
    free(net);
    net = NULL;
    return 0;
}

/* ---- the AMF's requests ---- */

struct drive {
    struct proc p;
    struct call *c;
    struct answer *out;
};
static void error_keep(struct answer *a, struct call *c)
{
    if (c->op == SBI_nsmf_pdusession_update && c->err) {
        const SBI_ERR(nsmf_pdusession_update) *e = c->err;
        octets_keep(&a->n2, e->has.n2_sm_info ? e->n2_sm_info : (struct bytes){NULL, 0});
        a->n2_type = e->has.n2_sm_info_type ? e->n2_sm_info_type : 0;
    }
    str_copy(a->cause, sizeof a->cause, call_cause(c));
    if (c->op == SBI_nsmf_pdusession_create && c->err) {
        const SBI_ERR(nsmf_pdusession_create) *e = c->err;
        octets_keep(&a->n1, e->has.n1_sm_msg ? e->n1_sm_msg : (struct bytes){NULL, 0});
    }
}
static void answer_keep(struct answer *a, struct call *c)
{
    a->done = true;
    a->status = c->status;
    if (!call_ok(c)) {
        error_keep(a, c);
    } else if (c->op == SBI_nsmf_pdusession_create) {
        const SBI_RSP(nsmf_pdusession_create) *r = c->rsp;
        str_copy(a->ref, sizeof a->ref, sbi_uri_id(r->location));
    } else if (c->op == SBI_nsmf_pdusession_update) {
        const SBI_RSP(nsmf_pdusession_update) *r = c->rsp;
        octets_keep(&a->n1, r->has.n1_sm_msg ? r->n1_sm_msg : (struct bytes){NULL, 0});
        octets_keep(&a->n2, r->has.n2_sm_info ? r->n2_sm_info : (struct bytes){NULL, 0});
        a->n2_type = r->has.n2_sm_info_type ? r->n2_sm_info_type : 0;
        a->up_state = r->has.up_cnx_state ? r->up_cnx_state : 0;
    }
}
static void drive_run(struct proc *p, const struct wake *w)
{
    struct drive *d = (struct drive *)p;
    (void)w;
    PROC_BEGIN(p);
    call_send(d->c, p);
    AWAIT_CALLS(p);
    answer_keep(d->out, d->c);
    call_done(d->c);
    PROC_END(p);
}
static const struct proc_type drive_type = {"test", sizeof(struct drive), drive_run, NULL};
static inline void send_call(struct call *c, struct answer *out)
{
    *out = (struct answer){0};
    struct drive *d = proc_new(&net->rt, &drive_type, NULL);
    d->c = c;
    d->out = out;
    proc_start(&d->p);
}
static inline struct call *call_begin(enum sbi_op op)
{
    rt_enter(&net->rt);
    return call_new(&net->rt, op);
}

struct wanted { /* an establishment; 0: the default */
    const char *supi, *dnn;
    uint8_t psi, pti, type, ssc;
    bool no_type, pco, always_on, no_dnn, sd;
    struct bytes n1; /* p: this instead */
    enum sbi_RequestType request;
    enum sbi_AccessType access;
    uint16_t rate;
};
static inline struct bytes request_make(const struct wanted *x, uint8_t *buf, size_t cap)
{
    static const struct nas_pco_item items[] = {{NAS_PCO_DNS_IPV4, {NULL, 0}}, {NAS_PCO_DNS_IPV6, {NULL, 0}},
                                                {NAS_PCO_IPV4_MTU, {NULL, 0}}, {NAS_PCO_P_CSCF_IPV4, {NULL, 0}},
                                                {NAS_PCO_IPCP, {(const uint8_t *)"\1\1\0\4", 4}}};
    struct nas_msg m;
    nas_msg_init(&m, NAS_PDU_SESSION_ESTABLISHMENT_REQUEST);
    struct nas_pdu_session_establishment_request *q = &m.pdu_session_establishment_request;
    m.pdu_session_id = x->psi;
    m.pti = x->pti;
    q->integrity_protection_maximum_data_rate = x->rate;
    q->has.pdu_session_type = !x->no_type;
    q->pdu_session_type = x->type;
    q->has.ssc_mode = x->ssc != 0;
    q->ssc_mode = x->ssc;
    q->has.always_on_pdu_session_requested = x->always_on;
    q->always_on_pdu_session_requested = x->always_on;
    q->has.extended_protocol_configuration_options = x->pco;
    q->extended_protocol_configuration_options = (struct nas_pco){ARRAY_LEN(items), items};
    int n = nas_encode(&m, buf, cap);
    assert_true(n > 0);
    return (struct bytes){buf, (uint32_t)n};
}
static inline struct wanted with_defaults(struct wanted x)
{
    x.supi = x.supi ? x.supi : "imsi-001010000000001";
    x.dnn = x.dnn ? x.dnn : "internet";
    x.psi = x.psi ? x.psi : 1;
    x.pti = x.pti ? x.pti : 1;
    x.type = x.type ? x.type : NAS_PDU_IPV4;
    x.rate = x.rate ? x.rate : 0xffff;
    return x;
}
static inline void create_send(struct wanted x, struct answer *out)
{
    uint8_t buf[256];
    x = with_defaults(x);
    struct call *c = call_begin(SBI_nsmf_pdusession_create);
    struct sbi_SmContextCreateData *b = &((SBI_REQ(nsmf_pdusession_create) *)call_request(c))->body;
    struct bytes n1 = x.n1.p ? x.n1 : request_make(&x, buf, sizeof buf);
    b->has.supi = b->has.pdu_session_id = b->has.s_nssai = b->has.n1_sm_msg = 1;
    b->supi = arena_str(&c->arena, str_of(x.supi));
    b->pdu_session_id = x.psi;
    b->has.dnn = !x.no_dnn;
    b->dnn = str_of(x.dnn);
    b->s_nssai.sst = 1;
    if (x.sd)
        b->s_nssai = (struct sbi_Snssai){.has.sd = 1, .sst = 2, .sd = STR("000001")};
    b->serving_nf_id = STR("00000000-0000-4000-8000-000000000001");
    b->serving_network = (struct sbi_PlmnIdNid){.mcc = STR("001"), .mnc = STR("01")};
    b->has.request_type = 1;
    b->request_type = x.request ? x.request : SBI_RequestType_INITIAL_REQUEST;
    b->n1_sm_msg = arena_bytes(&c->arena, n1.p, n1.n);
    b->an_type = x.access ? x.access : SBI_AccessType_3GPP_ACCESS;
    b->sm_context_status_uri = call_callback_uri(&net->rt, &c->arena, SBI_NF_AMF, "%s/sm/%u", x.supi, x.psi);
    send_call(c, out);
}
static inline struct answer create(struct wanted x)
{
    struct answer a;
    create_send(x, &a);
    go(SECOND / 2);
    assert_true(a.done);
    return a;
}
struct news { /* an update */
    struct bytes n1, n2;
    enum sbi_N2SmInfoType n2_type;
    enum sbi_UpCnxState up;
    bool release;
};
static inline void update_send(const char *ref, struct news x, struct answer *out)
{
    struct call *c = call_begin(SBI_nsmf_pdusession_update);
    SBI_REQ(nsmf_pdusession_update) *q = call_request(c);
    struct sbi_SmContextUpdateData *b = &q->body;
    q->sm_context_ref = arena_str(&c->arena, str_of(ref));
    b->has.n1_sm_msg = x.n1.p != NULL;
    b->n1_sm_msg = arena_bytes(&c->arena, x.n1.p, x.n1.n);
    b->has.n2_sm_info = x.n2.p != NULL;
    b->n2_sm_info = arena_bytes(&c->arena, x.n2.p, x.n2.n);
    b->has.n2_sm_info_type = x.n2_type != 0;
    b->n2_sm_info_type = x.n2_type;
    b->has.up_cnx_state = x.up != 0;
    b->up_cnx_state = x.up;
    b->has.release = b->release = x.release;
    send_call(c, out);
}
static inline struct answer update(const char *ref, struct news x)
{
    struct answer a;
    update_send(ref, x, &a);
    go(SECOND / 2);
    assert_true(a.done);
    return a;
}
static inline struct answer release(const char *ref)
{
    struct answer a;
    struct call *c = call_begin(SBI_nsmf_pdusession_release);
    ((SBI_REQ(nsmf_pdusession_release) *)call_request(c))->sm_context_ref = arena_str(&c->arena, str_of(ref));
    send_call(c, &a);
    go(SECOND / 2);
    assert_true(a.done);
    return a;
}

/* ---- what the gNB says ---- */

static inline struct bytes setup_response(uint32_t teid, uint8_t *buf, size_t cap)
{
    static const uint8_t ip[4] = {10, 0, 0, 9};
    uint8_t t[4];
    put_be32(t, teid);
    struct ngap_AssociatedQosFlowItem flow = {.qosFlowIdentifier = SMF_QFI};
    struct ngap_PDUSessionResourceSetupResponseTransfer m = {0};
    struct ngap_QosFlowPerTNLInformation *q = &m.dLQosFlowPerTNLInformation;
    q->uPTransportLayerInformation.gTPTunnel.transportLayerAddress = (struct bits){ip, 32};
    q->uPTransportLayerInformation.gTPTunnel.gTP_TEID = BYTES_OF(t);
    q->associatedQosFlowList.v = &flow, q->associatedQosFlowList.n = 1;
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, &m, buf, cap);
    assert_true(n > 0);
    return (struct bytes){buf, (uint32_t)n};
}
static inline struct answer gnb_accepts(const char *ref, uint32_t teid)
{
    uint8_t buf[128];
    return update(ref, (struct news){.n2 = setup_response(teid, buf, sizeof buf),
                                     .n2_type = SBI_N2SmInfoType_PDU_RES_SETUP_RSP});
}
/* A session that is up; its smContextRef. */
static inline struct answer established(struct wanted x)
{
    struct answer a = create(x);
    assert_int_equal(a.status, 201);
    struct answer b = gnb_accepts(a.ref, 0x77);
    assert_int_equal(b.status, 200);
    assert_int_equal(b.up_state, SBI_UpCnxState_ACTIVATED);
    return a;
}
static inline struct nas_msg n1_of(const struct octets *o)
{
    static uint8_t block[4096];
    struct arena a = arena_over(block, sizeof block);
    struct nas_msg m = {0};
    assert_int_equal(nas_decode(octets_of(o), &a, &m, NULL), OK);
    return m;
}
static inline struct bytes n1_make(enum nas_type type, uint8_t psi, uint8_t pti, uint8_t *buf, size_t cap)
{
    struct nas_msg m;
    nas_msg_init(&m, type);
    m.pdu_session_id = psi;
    m.pti = pti;
    if (type == NAS_PDU_SESSION_MODIFICATION_COMMAND_REJECT)
        m.pdu_session_modification_command_reject.gsm_cause = NAS_GSM_CAUSE_SEMANTIC_ERROR_IN_THE_QOS_OPERATION;
    if (type == NAS_GSM_STATUS)
        m.gsm_status.gsm_cause = NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY;
    int n = nas_encode(&m, buf, cap);
    assert_true(n > 0);
    return (struct bytes){buf, (uint32_t)n};
}
#define net_test(f) cmocka_unit_test_setup_teardown(f, net_open, net_close)
