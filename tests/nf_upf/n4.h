/* SPDX-License-Identifier: Apache-2.0 */
/* n4.h - a UPF in the simulated world between a scripted SMF, a scripted gNB and a data network. */
#pragma once
#include "base/err.h"
#include "nf/upf/state.h"
#include "sim/data_network.h"
#include "sim/user_plane.h"
#include "tests/test.h"
#include <stdlib.h>

enum { SECOND = 1000000, MS = 1000, GNB_TEID = 0x4711, KEPT = 16 };
static const struct net_addr SMF_ADDR = {4, 8805, {10, 0, 0, 1}},
                             UPF_ADDR = {4, 8805, {10, 0, 0, 2}},
                             N3_ADDR = {4, 2152, {10, 0, 0, 2}}, GNB_ADDR = {4, 2152, {10, 0, 0, 3}},
                             GNB2_ADDR = {4, 2152, {10, 0, 0, 4}},
                             STRANGER = {4, 8805, {10, 0, 0, 9}};
static const uint8_t UE4[4] = {10, 45, 0, 2};
static const uint8_t UE6[16] = {0xfd, 0, 0, 0x10, 0, 0x45, 0, 7, [15] = 1};

struct gtpu_seen { /* what the gNB got last */
    unsigned n, echoes, errors, ends;
    uint32_t teid, octets, inner;
    uint8_t p[2048], qfi, rqi;
};
struct n4 {
    struct world *w;
    struct env *smf_env, *upf_env, *gnb_env;
    struct rt smf_rt, upf_rt;
    struct pfcp_node smf;
    struct user_plane *up;
    struct data_network dn, dn2;
    struct config config;
    struct net_addr peers[2];
    int gnb_sock;
    bool gnb_deaf;
    struct gtpu_seen gnb;
    /* the answer to the last request of the SMF; what a report needs is copied out */
    unsigned answers;
    int err;
    uint8_t cause;
    uint16_t offending;
    uint64_t upf_seid, rsp_seid;
    struct pfcp_failed_rule_id failed;
    bool has_load, has_overload;
    struct pfcp_load_control_information load;
    struct pfcp_overload_control_information overload;
    unsigned failed_n, created_n, usage_n;
    struct pfcp_created_pdr created[KEPT];
    struct pfcp_created_traffic_endpoint endpoints[KEPT];
    unsigned endpoints_n;
    struct pfcp_usage_report usage[KEPT];
    /* Session and Node Report Requests that the SMF got */
    unsigned reports, node_reports, report_usage_n;
    uint64_t report_type, report_seid, node_report_type;
    uint16_t report_pdr;
    uint8_t report_qfi;
    struct pfcp_f_teid report_teid;
    struct pfcp_usage_report report_usage;
    uint8_t report_cause; /* to be answered */
    bool report_update_bar, report_drop;
    /* the request at hand */
    struct pfcp_create_pdr pdr[4];
    struct pfcp_create_far far[4];
    struct pfcp_create_qer qer[2];
    struct pfcp_create_urr urr[2];
    struct pfcp_sdf_filter sdf[2];
    uint32_t qer_id[2], urr_id[2];
    uint8_t internet[16];
    struct pfcp_msg m;
};
static struct n4 t;

static inline void go(uint64_t us)
{
    world_attach(t.w, t.smf_env, &t.smf_rt);
    world_attach(t.w, t.upf_env, &t.upf_rt);
    world_run(t.w, us);
}
static inline uint64_t counted(enum dp_counter c)
{
    uint64_t all[DP_COUNTERS];
    user_plane_counters(t.up, all);
    return all[c];
}
static inline struct upf *the_upf(void)
{
    return nf_state(&t.upf_rt, SBI_NF_UPF);
}

/* ---- the SMF ---- */
static inline void smf_report(const struct pfcp_session_report_request *q)
{
    t.reports++;
    t.report_type = q->report_type;
    if (q->has.downlink_data_report) {
        t.report_pdr = q->downlink_data_report.pdr_id.v[0];
        t.report_qfi = q->downlink_data_report.downlink_data_service_information.qfi;
    }
    if (q->has.error_indication_report)
        t.report_teid = q->error_indication_report.remote_f_teid.v[0];
    t.report_usage_n += q->usage_report.n;
    if (q->usage_report.n)
        t.report_usage = q->usage_report.v[0];
}
static inline void smf_request(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    (void)ctx;
    struct pfcp_msg m = {.seid = t.upf_seid};
    if (in->msg->type == PFCP_NODE_REPORT_REQUEST) {
        t.node_reports++;
        t.node_report_type = in->msg->node_report_request.node_report_type;
        m.type = PFCP_NODE_REPORT_RESPONSE;
        m.node_report_response.node_id = n->config.node_id;
        m.node_report_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    } else {
        assert_int_equal(in->msg->type, PFCP_SESSION_REPORT_REQUEST);
        t.report_seid = in->msg->seid;
        smf_report(&in->msg->session_report_request);
        m.type = PFCP_SESSION_REPORT_RESPONSE;
        struct pfcp_session_report_response *r = &m.session_report_response;
        r->cause = t.report_cause;
        r->has.update_bar = t.report_update_bar;
        r->update_bar = (struct pfcp_update_bar){.bar_id = 1,
                                                 .has.suggested_buffering_packets_count = 1,
                                                 .suggested_buffering_packets_count = 1};
        r->has.pfcpsrrsp_flags = t.report_drop;
        r->pfcpsrrsp_flags = PFCP_SRRSP_DROBU;
    }
    assert_int_equal(pfcp_answer(n, in->answer, &m), OK);
}
#define KEEP(rsp)                                                                                  \
    do {                                                                                           \
        t.cause = rsp->cause;                                                                      \
        t.offending = rsp->has.offending_ie ? rsp->offending_ie : 0;                               \
    } while (0)
#define KEEP_LOAD(rsp)                                                                             \
    do {                                                                                           \
        t.has_load = rsp->has.load_control_information;                                            \
        t.load = rsp->load_control_information;                                                    \
        t.has_overload = rsp->has.overload_control_information;                                    \
        t.overload = rsp->overload_control_information;                                            \
    } while (0)
#define KEEP_LIST(from, to, count)                                                                 \
    do {                                                                                           \
        t.count = (from).n;                                                                        \
        for (uint32_t i = 0; i < (from).n && i < KEPT; i++)                                        \
            t.to[i] = (from).v[i];                                                                 \
    } while (0)
#define KEEP_FAILED(rsp)                                                                           \
    do {                                                                                           \
        t.failed_n = rsp->failed_rule_id.n;                                                        \
        if (t.failed_n)                                                                            \
            t.failed = rsp->failed_rule_id.v[0];                                                   \
    } while (0)
static inline void smf_done(void *ctx, int err, const struct pfcp_msg *m,
                            const struct pfcp_report *report)
{
    (void)ctx, (void)report;
    t.answers++;
    t.err = err;
    if (!m)
        return;
    t.rsp_seid = m->seid;
    if (m->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE) {
        const struct pfcp_session_establishment_response *r = &m->session_establishment_response;
        KEEP(r);
        KEEP_LOAD(r);
        KEEP_FAILED(r);
        KEEP_LIST(r->created_pdr, created, created_n);
        KEEP_LIST(r->created_traffic_endpoint, endpoints, endpoints_n);
        if (r->has.up_f_seid)
            t.upf_seid = r->up_f_seid.seid;
    } else if (m->type == PFCP_SESSION_MODIFICATION_RESPONSE) {
        const struct pfcp_session_modification_response *r = &m->session_modification_response;
        KEEP(r);
        KEEP_LOAD(r);
        KEEP_FAILED(r);
        KEEP_LIST(r->created_pdr, created, created_n);
        KEEP_LIST(r->created_updated_traffic_endpoint, endpoints, endpoints_n);
        KEEP_LIST(r->usage_report, usage, usage_n);
    } else if (m->type == PFCP_SESSION_DELETION_RESPONSE) {
        const struct pfcp_session_deletion_response *r = &m->session_deletion_response;
        KEEP(r);
        KEEP_LOAD(r);
        KEEP_LIST(r->usage_report, usage, usage_n);
    } else if (m->type == PFCP_SESSION_SET_DELETION_RESPONSE) {
        KEEP((&m->session_set_deletion_response));
    } else if (m->type == PFCP_PFD_MANAGEMENT_RESPONSE) {
        KEEP((&m->pfd_management_response));
    }
}
/* Sends t.m; 20 ms later. The cause, 0: no answer. */
static inline uint8_t ask(void)
{
    t.cause = 0;
    t.usage_n = t.created_n = t.endpoints_n = t.failed_n = 0;
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_request(&t.smf, &UPF_ADDR, &t.m, smf_done, NULL, NULL), OK);
    go(20 * MS);
    return t.cause;
}
static inline void associate(void)
{
    struct pfcp_assoc *a;
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_associate(&t.smf, &UPF_ADDR, &a), OK);
    go(100 * MS);
    assert_true(a->is_up);
}

/* ---- the gNB ---- */
static inline void gnb_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock;
    assert_true(addr_eq(from, &N3_ADDR));
    if (b.p[1] == 1) {
        uint8_t answer[14] = {0x32, 2, 0, 6, [8] = b.p[8], b.p[9], 0, 0, 14, 0};
        t.gnb.echoes++;
        if (!t.gnb_deaf)
            t.gnb_env->ops->udp_send(t.gnb_env, t.gnb_sock, from, BYTES_OF(answer));
        return;
    }
    t.gnb.errors += b.p[1] == 26;
    t.gnb.ends += b.p[1] == 254;
    if (b.p[1] != 255)
        return;
    t.gnb.n++;
    t.gnb.teid = be32(b.p + 4);
    t.gnb.octets = b.n;
    t.gnb.inner = b.p[0] & 4 ? 16 : 8;
    t.gnb.qfi = b.p[0] & 4 ? b.p[14] & 63 : 0;
    t.gnb.rqi = b.p[0] & 4 ? b.p[14] >> 6 & 1 : 0;
    memcpy(t.gnb.p, b.p, b.n < sizeof t.gnb.p ? b.n : sizeof t.gnb.p);
}
static inline void gnb_send(uint32_t teid, const uint8_t *inner, uint32_t n)
{
    uint8_t p[2048] = {0x34, 255, [11] = 0x85, 1, 0x10, 9, 0};
    put_be16(p + 2, (uint16_t)(n + 8));
    put_be32(p + 4, teid);
    memcpy(p + 16, inner, n);
    t.gnb_env->ops->udp_send(t.gnb_env, t.gnb_sock, &N3_ADDR, (struct bytes){p, n + 16});
}
static inline void ue_ping(uint32_t teid, const uint8_t from[4])
{
    uint8_t p[200];
    struct net_addr me = {.family = 4}, far = {4, 0, {8, 8, 8, 8}};
    memcpy(me.ip, from, 4);
    gnb_send(teid, p, echo_request(&me, &far, 1, 1, 56, p, sizeof p));
    go(5 * MS);
}
/* The data network sends n octets of data to the UE. */
static inline void dn_sends(uint32_t n)
{
    uint8_t p[1500];
    struct net_addr far = {4, 0, {8, 8, 8, 8}}, ue = {.family = 4};
    memcpy(ue.ip, UE4, 4);
    uint32_t all = echo_request(&far, &ue, 1, 1, n, p, sizeof p);
    int tun = world_tun(t.w, t.upf_env, NULL, "n6internet");
    assert_int_equal(world_inject(t.w, tun, (struct bytes){p, all}), OK);
    go(5 * MS);
}

/* ---- life ---- */
static inline void upf_start(void)
{
    assert_int_equal(rt_init(&t.upf_rt, t.upf_env, 8 << 20), OK);
    world_attach(t.w, t.upf_env, &t.upf_rt);
    t.upf_rt.config = &t.config;
    t.upf_rt.metrics = metrics_new();
    assert_int_equal(user_plane_inline_open(&t.up, &t.upf_rt, &t.config), OK);
    assert_int_equal(nf_start(&t.upf_rt, &upf_nf), OK);
}
static inline void upf_end(void)
{
    nf_stop_all(&t.upf_rt);
    user_plane_close(t.up);
    metrics_free(t.upf_rt.metrics);
    assert_int_equal(t.upf_rt.frames.in_use, 0);
    world_attach(t.w, t.upf_env, NULL);
    rt_free(&t.upf_rt);
}
static struct config_n6 n6_rows[2] = {{.dnn = {"internet", 8},
                                       .tun = {"n6internet", 10},
                                       .create = true,
                                       .ipv4 = {{4, 0, {10, 45, 0, 1}}, 16},
                                       .ipv6 = {{6, 0, {0xfd, 0, 0, 0x10, 0, 0x45, [15] = 1}}, 48}},
                                      {.dnn = {"ims", 3},
                                       .tun = {"n6ims", 5},
                                       .create = true,
                                       .ipv4 = {{4, 0, {10, 46, 0, 1}}, 16}}};
static inline int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.report_cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    t.peers[0] = SMF_ADDR;
    t.config.upf = (struct config_upf){.n4_address = UPF_ADDR,
                                       .n3_addresses = &N3_ADDR,
                                       .n_n3_addresses = 1,
                                       .n6 = n6_rows,
                                       .n_n6 = 2,
                                       .n3_mtu = 1500,
                                       .max_sessions = 4,
                                       .buffer_packets = 16,
                                       .buffer_packets_session = 8};
    t.w = world_new(11);
    world_set_faults(t.w, &(struct world_faults){.delay_min_us = 100, .delay_max_us = 100});
    t.smf_env = world_host(t.w, "smf", &SMF_ADDR);
    t.upf_env = world_host(t.w, "upf", &UPF_ADDR);
    t.gnb_env = world_host(t.w, "gnb", &GNB_ADDR);
    assert_int_equal(rt_init(&t.smf_rt, t.smf_env, 8 << 20), OK);
    world_attach(t.w, t.smf_env, &t.smf_rt);
    struct pfcp_user user = {NULL, smf_request, NULL, NULL, NULL};
    assert_int_equal(pfcp_open(&t.smf, &t.smf_rt, &(struct pfcp_config){.local = SMF_ADDR}, &user),
                     OK);
    t.gnb_sock = t.gnb_env->ops->udp_open(t.gnb_env, &GNB_ADDR, &(struct udp_sink){NULL, gnb_datagram});
    assert_int_equal(data_network_start(&t.dn, t.w, t.upf_env, "n6internet"), OK);
    assert_int_equal(data_network_start(&t.dn2, t.w, t.upf_env, "n6ims"), OK);
    upf_start();
    return 0;
}
static inline int end(void **state)
{
    (void)state;
    upf_end();
    pfcp_close(&t.smf);
    world_attach(t.w, t.smf_env, NULL);
    rt_free(&t.smf_rt);
    world_free(t.w);
    return 0;
}

/* ---- a session: PDR 1 up and 2 down, FAR 1 to the core and 2 to the gNB, QER 1 ---- */
static inline struct pfcp_session_establishment_request *establishment(uint64_t cp_seid)
{
    struct pfcp_session_establishment_request *q = &t.m.session_establishment_request;
    t.m = (struct pfcp_msg){.type = PFCP_SESSION_ESTABLISHMENT_REQUEST};
    int n = pfcp_fqdn_put(t.internet, sizeof t.internet, STR("internet"));
    struct str internet = {(const char *)t.internet, (uint32_t)n};
    t.qer_id[0] = t.urr_id[0] = 1;
    t.pdr[0] = (struct pfcp_create_pdr){
        .pdr_id = 1, .precedence = 255, .has.outer_header_removal = 1,
        .outer_header_removal = {.flags = PFCP_OHR_GTPU_UDP_IPV4}, .has.far_id = 1, .far_id = 1,
        .qer_id = {t.qer_id, 1},
        .pdi = {.source_interface = PFCP_INTERFACE_ACCESS, .has.local_f_teid = 1,
                .local_f_teid = {.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH}, .has.ue_ip_address = 1,
                .ue_ip_address = {.flags = PFCP_UE_IP_V4}}};
    memcpy(t.pdr[0].pdi.ue_ip_address.ipv4, UE4, 4);
    t.pdr[1] = (struct pfcp_create_pdr){
        .pdr_id = 2, .precedence = 255, .has.far_id = 1, .far_id = 2, .qer_id = {t.qer_id, 1},
        .pdi = {.source_interface = PFCP_INTERFACE_CORE, .has.network_instance = 1,
                .network_instance = internet, .has.ue_ip_address = 1,
                .ue_ip_address = {.flags = PFCP_UE_IP_V4 | PFCP_UE_IP_DESTINATION}}};
    memcpy(t.pdr[1].pdi.ue_ip_address.ipv4, UE4, 4);
    t.far[0] = (struct pfcp_create_far){
        .far_id = 1, .apply_action = PFCP_APPLY_ACTION_FORW, .has.forwarding_parameters = 1,
        .forwarding_parameters = {.destination_interface = PFCP_INTERFACE_CORE,
                                  .has.network_instance = 1, .network_instance = internet}};
    t.far[1] = (struct pfcp_create_far){
        .far_id = 2, .apply_action = PFCP_APPLY_ACTION_FORW, .has.forwarding_parameters = 1,
        .forwarding_parameters = {.destination_interface = PFCP_INTERFACE_ACCESS,
                                  .has.outer_header_creation = 1,
                                  .outer_header_creation = {.flags = PFCP_OHC_GTPU_IPV4,
                                                            .teid = GNB_TEID, .ipv4 = {10, 0, 0, 3}}}};
    t.qer[0] = (struct pfcp_create_qer){.qer_id = 1, .has.qfi = 1, .qfi = 9};
    q->node_id = t.smf.config.node_id;
    q->cp_f_seid = pfcp_f_seid_of(cp_seid, &SMF_ADDR);
    q->create_pdr.v = t.pdr, q->create_pdr.n = 2;
    q->create_far.v = t.far, q->create_far.n = 2;
    q->create_qer.v = t.qer, q->create_qer.n = 1;
    q->has.pdn_type = 1;
    q->pdn_type = PFCP_PDN_IPV4;
    return q;
}
/* Adds URR 1 to both PDRs. */
static inline struct pfcp_create_urr *with_urr(struct pfcp_session_establishment_request *q,
                                               uint64_t method, uint64_t triggers)
{
    t.urr[0] = (struct pfcp_create_urr){
        .urr_id = 1, .measurement_method = method, .reporting_triggers = triggers};
    t.pdr[0].urr_id.v = t.pdr[1].urr_id.v = t.urr_id;
    t.pdr[0].urr_id.n = t.pdr[1].urr_id.n = 1;
    q->create_urr.v = t.urr;
    q->create_urr.n = 1;
    return t.urr;
}
static inline uint32_t establish(uint64_t cp_seid)
{
    establishment(cp_seid);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    return t.created[0].local_f_teid.teid;
}
static inline struct pfcp_session_modification_request *modification(void)
{
    t.m = (struct pfcp_msg){.type = PFCP_SESSION_MODIFICATION_REQUEST, .seid = t.upf_seid};
    return &t.m.session_modification_request;
}
static inline uint8_t delete_session(void)
{
    t.m = (struct pfcp_msg){.type = PFCP_SESSION_DELETION_REQUEST, .seid = t.upf_seid};
    return ask();
}
/* Nothing may be left of any session. */
static inline void assert_empty(void)
{
    struct upf *u = the_upf();
    assert_int_equal(u->sessions.used, 0);
    assert_int_equal(u->pendings.used, 0);
    assert_int_equal(u->paths.used, 0);
    assert_int_equal(u->going, 0);
    assert_int_equal(u->by_cp.used, 0);
    assert_int_equal(u->ue4.used, 0);
    assert_int_equal(map_count(&u->ue6[0]) + map_count(&u->ue6[1]), 0);
    assert_int_equal(metric_get(t.upf_rt.metrics, METRIC_upf_sessions), 0);
}
#define upf_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
