/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/demo_trust.h"
#include "cmd/narrate.h"
#include "cmd/policies.h"
#include "cmd/trust_store.h"
#include "os/control.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two gNBs that differ in who built them alone, and the UPF; made up, and marked so. */
static void inventory_write(struct demo_trust *t, const char *today)
{
    snprintf(t->inventory, sizeof t->inventory,
             "{\"suppliers\":[{\"id\":\"aurora\",\"name\":\"Aurora Radio\",\"country\":\"FI\",\"synthetic\":true},"
             "{\"id\":\"second\",\"name\":\"%s\",\"country\":\"CN\",\"synthetic\":true}],"
             "\"laws\":[{\"supplier\":\"second\",\"citation\":\"for the demonstration\",\"country\":\"CN\",\"extrajudicial\":true,\"synthetic\":true}],"
             "\"elements\":[{\"id\":\"gnb-site-1\",\"function\":\"gnb\",\"supplier\":\"aurora\",\"plmn\":\"001-01\",\"gnb_id\":1,\"gnb_id_bits\":%u,"
             "\"address\":\"" NET_SITE1_ADDRESS "\",\"identity\":\"address_only\",\"installed\":\"2019-01-01\",\"maintained_from\":\"FI\",\"synthetic\":true},"
             "{\"id\":\"gnb-site-2\",\"function\":\"gnb\",\"supplier\":\"second\",\"plmn\":\"001-01\",\"gnb_id\":2,\"gnb_id_bits\":%u,"
             "\"address\":\"" NET_SITE2_ADDRESS "\",\"identity\":\"address_only\",\"installed\":\"%s\",\"synthetic\":true},"
             "{\"id\":\"gnb-site-3\",\"function\":\"gnb\",\"supplier\":\"aurora\",\"plmn\":\"001-01\",\"gnb_id\":3,\"gnb_id_bits\":%u,"
             "\"address\":\"" NET_SITE3_ADDRESS "\",\"identity\":\"address_only\",\"installed\":\"2019-01-01\",\"maintained_from\":\"FI\",\"synthetic\":true},"
             "{\"id\":\"upf\",\"function\":\"upf\",\"supplier\":\"aurora\",\"node_id\":\"127.0.0.7\",\"address\":\"127.0.0.7\","
             "\"identity\":\"address_only\",\"installed\":\"2019-01-01\",\"maintained_from\":\"FI\",\"synthetic\":true}]}\n",
             t->supplier, 32u, 32u, today, 32u);
}

/* Whom a rule that would meet a new gNB names; a supplier that is made up where it names nobody. */
static void supplier_find(struct demo_trust *t, const struct policy *p)
{
    str_copy(t->supplier, sizeof t->supplier, STR("Longmen Wireless"));
    for (uint32_t i = p->n_rows; i-- > 0;) {
        const struct policy_rule *r = p->rows[i].rule;
        for (uint32_t k = 0; p->rows[i].decision >= POLICY_DECISION_AUTHORISE && k < r->n_suppliers; k++)
            if (!memchr(r->suppliers[k].p, '"', r->suppliers[k].n))
                str_copy(t->supplier, sizeof t->supplier, r->suppliers[k]);
    }
}
/* What will be said is asked beforehand, of the same policy and inventory. */
static bool is_banned(struct demo_trust *t, const struct policy *p, int32_t today)
{
    struct inv_text text = {STR("demo"), str_of(t->inventory), true, INV_KINDS};
    struct inv_asked asked = {.as_of = today};
    struct inv_report report = {0};
    struct inventory *v = NULL;
    struct policy_set *s;
    struct policy_verdict verdict = {0};
    int e = inventory_read(&v, &text, 1, &asked, &report);
    if (e == OK && policy_compile(&s, p, v) == OK) {
        policy_decide(s, &(struct policy_query){.element = inventory_find(v, INV_element, STR("gnb-site-2")), .date = today}, &verdict);
        const struct policy_row *w = verdict.n_reasons ? verdict.reasons[0].row : NULL;
        if (w) {
            snprintf(t->rule, sizeof t->rule, STR_FMT "/" STR_FMT, STR_ARG(w->file->r.id), STR_ARG(w->rule->id));
            str_copy(t->citation, sizeof t->citation, policy_citation(w));
            str_copy(t->says, sizeof t->says, w->rule->says);
            str_copy(t->source, sizeof t->source, policy_source(w));
            snprintf(t->decision, sizeof t->decision, "%s", policy_decision_text(verdict.reasons[0].decision));
        }
        struct policy_verdict first;
        policy_decide(s, &(struct policy_query){.element = inventory_find(v, INV_element, STR("gnb-site-1")), .date = today}, &first);
        verdict.permitted |= !first.permitted; /* whoever refuses everybody shows nothing */
        policy_set_free(s);
    } else {
        fprintf(stderr, "redoubt demo: the inventory of the demonstration: %s\n", report.n_findings ? report.findings[0].why : err_text(e));
    }
    inv_report_free(&report);
    inventory_free(v);
    return e == OK && verdict.n_reasons && !verdict.permitted && t->rule[0];
}
bool demo_trust_prepare(struct demo_trust *t)
{
    struct config_report *report = calloc(1, sizeof *report);
    struct str name = str_of(t->regime);
    struct policy *p = report ? policies_load(&name, 1, report) : NULL;
    int32_t today = inv_date_of_unix_us(trust_now_us());
    char day[INV_DATE_TEXT];
    bool ready = false;
    t->gnb = (struct child){.fd = -1};
    if (p) {
        supplier_find(t, p);
        inventory_write(t, inv_date_text(today, day));
        ready = is_banned(t, p, today);
        if (!ready)
            fprintf(stderr, "redoubt demo: %s does not keep one supplier's new gNB out and let another's in: choose another regime\n", t->regime);
    } else if (report) {
        fputs(report->text, stderr);
    }
    policy_free(p);
    free(report);
    return ready;
}

void demo_trust_line(struct demo_trust *t, struct str line)
{
    char event[48], node[64];
    if (!log_value(line, "event", event, sizeof event))
        return;
    if (strcmp(event, "finding") == 0 && log_value(line, "detection", t->detection, sizeof t->detection))
        t->found = log_value(line, "why", t->why, sizeof t->why);
    if (!log_value(line, "node", node, sizeof node) && !log_value(line, "gnb", node, sizeof node))
        return;
    t->third_in |= strcmp(event, "ng_setup_done") == 0 && strcmp(node, "gnb-001-01-000003") == 0;
    if (strcmp(node, "gnb-001-01-000002") != 0)
        return;
    t->refused |= strcmp(event, "trust_refused") == 0 && log_value(line, "why", t->why, sizeof t->why);
    t->others |= strcmp(event, "trust_permitted") == 0;
    memcpy(t->node, node, sizeof t->node);
}

static void no_line(void *ctx, struct str line) {}
bool demo_trust_join(struct demo_trust *t, struct net *n)
{
    const char *const words[] = {"ran", "--amf", "10.99.2.1", "--n3", NET_SITE2_ADDRESS, "--gnb-id", "2", "--ues", "1", "--no-register",
                                 "--name", "gnb-site-2", "--wait", "5", "--quiet", NULL};
    bool never = false;
    if (net_site_make(n, 2))
        return false;
    int e = child_start(&t->gnb, NET_SITE2, words);
    for (int i = 0; e == OK && i < 100 && !t->refused && !t->others && !n->ended; i++) {
        net_wait(n, &never, 50);
        child_read(&t->gnb, no_line, NULL);
    }
    child_end(&t->gnb);
    if (e < 0)
        snprintf(n->why, sizeof n->why, "the second gNB did not start: %s", err_text(e));
    else if (t->others)
        snprintf(n->why, sizeof n->why, "the second gNB was let in");
    else if (!t->refused && !n->ended)
        snprintf(n->why, sizeof n->why, "the core said nothing of the second gNB");
    return e == OK && t->refused && !t->others;
}

/* ---- a gNB that policy permits, and that its supplier has turned ---- */
bool demo_trust_attack(struct demo_trust *t, struct net *n)
{
    const char *const words[] = {"ran", "--amf", "10.99.2.1", "--n3", NET_SITE3_ADDRESS, "--gnb-id", "3", "--ues", "1", "--no-register",
                                 "--name", "gnb-site-3", "--wait", "5", "--quiet", "--control", NET_DIR "/site3.sock", NULL};
    char said[2048], order[64];
    uint64_t victim = 0;
    if (net_site_make(n, 3))
        return false;
    int e = child_start(&t->gnb, NET_SITE3, words);
    for (int i = 0; e == OK && i < 100 && !t->third_in && !n->ended; i++) {
        net_wait(n, &t->third_in, 50);
        child_read(&t->gnb, no_line, NULL);
    }
    t->found = false;
    if (e == OK && t->third_in && control_ask(NET_DIR "/ran.sock", "status 1", said, sizeof said, 3000) > 0) {
        const char *as = strstr(said, "connected as ");
        victim = as ? strtoull(as + 13, NULL, 10) : 0;
    }
    snprintf(order, sizeof order, "steal %llu 1", (unsigned long long)victim);
    if (victim)
        e = control_ask(NET_DIR "/site3.sock", order, said, sizeof said, 3000);
    net_wait(n, &t->found, 5000);
    child_end(&t->gnb);
    if (!t->third_in)
        snprintf(n->why, sizeof n->why, "the third gNB was not let in");
    else if (!victim)
        snprintf(n->why, sizeof n->why, "phone 1 is not connected");
    else if (!t->found)
        snprintf(n->why, sizeof n->why, "the forged answer was not found: %.200s", e < 0 ? err_text(e) : said);
    return t->found;
}

/* ---- evidence ---- */
struct answer {
    struct demo_trust *t;
    void (*line)(struct str);
    char last[256];
};
static void entry_line(void *ctx, struct str line)
{
    enum { SHOWN = 150 };
    struct answer *a = ctx;
    char what[40];
    str_copy(a->last, sizeof a->last, line);
    snprintf(what, sizeof what, "\"detection\":\"%s\"", a->t->detection);
    if (!memmem(line.p, line.n, what, strlen(what)))
        return;
    a->t->kept = true;
    a->line((struct str){line.p, line.n < SHOWN ? line.n : SHOWN});
}
static void verify_line(void *ctx, struct str line)
{
    struct answer *a = ctx;
    str_copy(a->last, sizeof a->last, line);
    a->line(line);
}
bool demo_trust_evidence(struct demo_trust *t, struct net *n, void (*line)(struct str))
{
    const char *const list[] = {"trust", "evidence", "list", "--dir", NET_DIR "/evidence", "--kind", "finding", NULL};
    const char *const verify[] = {"trust", "evidence", "verify", NET_DIR "/evidence", "--key", NET_DIR "/evidence.key", NULL};
    struct answer a = {t, line, {0}};
    int e = net_command(list, entry_line, &a);
    if (e || !t->kept) {
        snprintf(n->why, sizeof n->why, "the evidence log has no entry of it: %.200s", e < 0 ? err_text(e) : a.last);
        return false;
    }
    e = net_command(verify, verify_line, &a);
    if (e)
        snprintf(n->why, sizeof n->why, "the evidence log does not verify: %.200s", e < 0 ? err_text(e) : a.last);
    return !e;
}

/* ---- what a ban would cost ---- */
static void answer_line(void *ctx, struct str line)
{
    static const char *const wanted[] = {"  cells that fall silent", "  subscribers whom neighbours take over", "  subscribers who lose service",
                                         "  cells that overflow at first", "  elements to be replaced", "  deadlines ask for"};
    struct answer *a = ctx;
    str_copy(a->last, sizeof a->last, line);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (str_starts(line, wanted[i]) && a->line)
            a->line(line);
}
bool demo_trust_nation(struct net *n, uint32_t sites, const char *page, void (*line)(struct str))
{
    char count[12], day[INV_DATE_TEXT], *store = NET_DIR "/nation.db";
    inv_date_text(inv_date_of_unix_us(trust_now_us()) + 730, day);
    snprintf(count, sizeof count, "%u", sites);
    const char *const synth[] = {"trust", "synth", "--sites", count, "--store", store, "--import", NULL};
    const char *const what_if[] = {"trust", "what-if", "--store", store, "--supplier", DEMO_SECOND, "--at", day, NULL};
    const char *const print[] = {"trust", "what-if", "--store", store, "--supplier", DEMO_SECOND, "--at", day,
                                 "--as",  "html",    "--output", page, NULL};
    struct answer quiet = {0}, a = {.line = line};
    int e = net_command(synth, answer_line, &quiet);
    e = e ? e : net_command(what_if, answer_line, &a);
    if (!e && page)
        e = net_command(print, answer_line, &quiet);
    if (e)
        snprintf(n->why, sizeof n->why, "the country could not be made or asked: %.200s", e < 0 ? err_text(e) : *quiet.last ? quiet.last : a.last);
    return !e;
}
