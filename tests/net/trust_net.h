/* SPDX-License-Identifier: Apache-2.0 */
/* trust_net.h - the inventory of the simulated network: two gNBs behind one address, and a UPF; and what tests of policy do with it. */
#pragma once
#include "tests/net/net.h"
#include "trust/inventory_store.h"

#define ESTATE_SUPPLIERS_JSON                                                                                          \
    "\"suppliers\":[{\"id\":\"orion\",\"name\":\"Orion Networks\",\"country\":\"FI\",\"vendor_id\":\"010415\"},"                                 \
    "{\"id\":\"drago\",\"name\":\"Drago Technologies\",\"country\":\"CN\"}],"
static const char *estate_smf = "orion"; /* who makes the SMF */
/* Who makes gNB 1, gNB 2 and the UPF; gNB 1's name; how gNB 2 proves who it is. */
static inline void estate_import(struct store *s, const char *gnb1, const char *gnb2, const char *upf, const char *name1, const char *identity2)
{
    static char json[2048];
    static uint64_t now = 1700000000000000;
    struct inv_report report = {0};
    struct inv_import_result result;
    int n = snprintf(json, sizeof json,
                     "{" ESTATE_SUPPLIERS_JSON "\"elements\":["
                     "{\"id\":\"site1-gnb\",\"function\":\"gnb\",\"supplier\":\"%s\",\"name\":\"%s\",\"plmn\":\"001-01\",\"gnb_id\":1,"
                     "\"gnb_id_bits\":24,\"address\":\"10.0.0.16\",\"identity\":\"address_only\",\"installed\":\"2020-01-01\"},"
                     "{\"id\":\"site2-cu\",\"function\":\"cu\",\"supplier\":\"%s\",\"plmn\":\"001-01\",\"gnb_id\":2,\"gnb_id_bits\":24,"
                     "\"address\":\"10.0.0.16\",%s\"installed\":\"2020-01-01\"},"
                     "{\"id\":\"upf1\",\"function\":\"upf\",\"supplier\":\"%s\",\"node_id\":\"10.0.0.2\",\"address\":\"10.0.0.2\","
                     "\"identity\":\"address_only\",\"installed\":\"2020-01-01\"},"
                     "{\"id\":\"pcf1\",\"function\":\"pcf\",\"supplier\":\"orion\",\"nf_instance\":\"85a6ff0a-3eca-41f1-b3f5-55ded11935bf\","
                     "\"address\":\"10.0.0.5\",\"identity\":\"address_only\"},"
                     "{\"id\":\"smf1\",\"function\":\"smf\",\"supplier\":\"%s\",\"node_id\":\"10.0.0.1\",\"address\":\"10.0.0.1\","
                     "\"identity\":\"address_only\",\"installed\":\"2020-01-01\"}]}",
                     gnb1, name1, gnb2, identity2, upf, estate_smf);
    struct inv_text text = {STR("estate.json"), {json, (uint32_t)n}, true, INV_KINDS};
    struct inv_import m = {.texts = &text, .n_texts = 1, .from = 3650, .correction = true, .now_us = now += 1000000};
    int e = inventory_import(s, &m, &report, &result);
    for (uint32_t i = 0; i < report.n_findings; i++)
        print_message("%u:%u %s\n", report.findings[i].line, report.findings[i].column, report.findings[i].why);
    assert_int_equal(e, OK);
    inv_report_free(&report);
}
#define ADDRESS_ONLY "\"identity\":\"address_only\","
#define ENFORCE      "trust: {mode: enforce, drain: 20 s}\n"
#define REGIME_HEAD  "id: t\nnation: FI\ntitle: a test\nstanding: own\ncitation: \"Act 7\"\nchecked: 2020-01-01\nrules:\n"
#define NOTHING "id: t\nnation: FI\ntitle: a test\nstanding: own\ncitation: \"Act 7\"\nchecked: 2020-01-01\n"
#define BAN          "  - {id: ban, says: \"nothing of Drago's\", citation: \"Act 7 s. 3\", sure: seen, suppliers: [Drago], decision: deny}\n"
static inline void two_of_orion(struct store *s) { estate_import(s, "orion", "orion", "orion", "gnb", ADDRESS_ONLY); }
static inline struct trust *trust_of(struct net *n) { return nf_state(&n->core, SBI_NF_TRUST); }
static inline struct amf_gnb *gnb_of(struct net *n, uint32_t assoc)
{
    struct amf_gnb *g;
    for (uint32_t i = 0; (g = slab_next(&n->amf->gnbs, &i));)
        if (assoc-- == 0)
            return g;
    return NULL;
}

static inline void permitted(struct net *n)
{
    net_register(n, n->ue[0]);
    net_ping(n, net_session(n, n->ue[0], "internet", NAS_PDU_IPV4), "8.8.8.8");
    net_run(n, NET_S);
    net_agree(n);
}
static inline struct policy *policy_made(const char *text)
{
    static struct config_report report;
    struct policy *p = policy_new();
    report = (struct config_report){.n = 0};
    if (policy_read(p, STR("new.yaml"), str_of(text), &report) < 0)
        fail_msg("%s", report.text);
    assert_int_equal(policy_join(p, &report), OK);
    return p;
}
static inline bool session_refused(struct net *n, struct ue *ue)
{
    uint32_t before = n->count[UE_SESSION_FAILED];
    assert_true(ue_session_open(ue, &(struct ue_open){.dnn = "internet", .has_slice = true, .slice = {.sst = 1}}) > 0);
    net_run_until(n, n->count[UE_SESSION_FAILED] > before, 5 * NET_S);
    net_run(n, 300 * NET_MS);
    return n->count[UE_SESSION_FAILED] > before;
}
