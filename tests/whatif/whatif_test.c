/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"
#include "tests/test.h"
#include "trust/synth.h"
#include "trust/whatif.h"
#include "trust/whatif_flow.h"
#include <stdlib.h>

static int32_t day(const char *text)
{
    int32_t d = 0;
    assert_true(inv_date_parse(str_of(text), &d));
    return d;
}
static struct inventory *read_json(const char *json)
{
    struct inv_text t = {.name = STR("t.json"), .text = str_of(json), .is_json = true};
    struct inv_asked asked = {.as_of = day("2027-01-01"), .secret = {1, 2}};
    struct inv_report report = {0};
    struct inventory *v = NULL;
    int e = inventory_read(&v, &t, 1, &asked, &report);
    for (uint32_t i = 0; i < report.n_findings; i++)
        print_message("%u:%u %s\n", report.findings[i].line, report.findings[i].column, report.findings[i].why);
    assert_int_equal(e, OK);
    inv_report_free(&report);
    return v;
}
static struct whatif *run(const struct inventory *v, struct policy_set *set, const char *date, uint32_t per_month, const char *ban)
{
    struct whatif_ask ask = {.inventory = v, .set = set, .today = day("2027-01-01"), .date = day(date), .per_month = per_month};
    struct whatif *w;
    for (struct str list = str_of(ban), one; inv_list_next(&list, &one);) {
        ask.ban[ask.n_bans] = inventory_find_supplier(v, one);
        assert_true(ask.ban[ask.n_bans++] > 0);
    }
    assert_int_equal(whatif_run(&w, &ask), OK);
    return w;
}
static const struct whatif_element *element(const struct whatif *w, const char *id)
{
    uint32_t ref = inventory_find(w->ask.inventory, INV_element, str_of(id));
    assert_true(ref > 0);
    return &w->elements[ref - 1];
}

/* Three cells in a row and one far away: a is banned; b covers half of it and c a fifth; b has little room, c some. */
#define ROW                                                                                                            \
    "{\"suppliers\":[{\"id\":\"bad\",\"name\":\"Bad\",\"country\":\"CN\"},{\"id\":\"sub\",\"name\":\"Daughter\",\"country\":\"DE\",\"parent\":\"bad\"}," \
    "{\"id\":\"good\",\"name\":\"Good\",\"country\":\"FI\"}],\"sites\":["                                                \
    "{\"id\":\"sa\",\"region\":\"North\",\"latitude\":60,\"longitude\":24},{\"id\":\"sb\",\"region\":\"North\",\"latitude\":60.1,\"longitude\":24}," \
    "{\"id\":\"sc\",\"region\":\"North\",\"latitude\":60.2,\"longitude\":24},{\"id\":\"sd\",\"region\":\"South\",\"latitude\":58,\"longitude\":24}],\"elements\":[" \
    "{\"id\":\"a\",\"function\":\"gnb\",\"supplier\":\"sub\",\"site\":\"sa\",\"subscribers\":100,\"capacity_users\":200,\"area_km2\":10,\"population\":1000," \
    "\"replace_cost\":500,\"currency\":\"EUR\"},"                                                                        \
    "{\"id\":\"b\",\"function\":\"gnb\",\"supplier\":\"good\",\"site\":\"sb\",\"subscribers\":50,\"capacity_users\":60,\"area_km2\":10,\"population\":500}," \
    "{\"id\":\"c\",\"function\":\"gnb\",\"supplier\":\"good\",\"site\":\"sc\",\"subscribers\":10,\"capacity_users\":40,\"area_km2\":10,\"population\":300}," \
    "{\"id\":\"d\",\"function\":\"gnb\",\"supplier\":\"good\",\"site\":\"sd\",\"subscribers\":7,\"area_km2\":10}"

#define ROW_END                                                                                                        \
    "],\"neighbours\":[{\"element\":\"a\",\"neighbour\":\"b\",\"overlap\":50},{\"element\":\"a\",\"neighbour\":\"c\",\"overlap\":20}," \
    "{\"element\":\"b\",\"neighbour\":\"c\",\"overlap\":10}]}"

static void three_cells(void **state)
{
    struct inventory *v = read_json(ROW ROW_END);
    struct whatif *w = run(v, NULL, "2028-01-01", 0, "bad"); /* with its group */
    /* covered: 1 - 0.5 * 0.8 = 0.6: 60 of 100 move, 43 to b and 17 to c; b has room for 10 of them and hands on what is in
     * the overlap with c, a tenth of 93, of which c has room for all: 9; 24 find no room */
    assert_int_equal(element(w, "a")->state, WHATIF_DENIED);
    assert_int_equal(element(w, "a")->lost, 40);
    assert_int_equal(element(w, "b")->demand, 43);
    assert_int_equal(element(w, "c")->demand, 17);
    assert_int_equal(element(w, "b")->handed_on, 9);
    assert_int_equal(element(w, "c")->taken_over, 9);
    assert_int_equal(element(w, "b")->lost, 24);
    assert_int_equal(w->sum.kept, 67);
    assert_int_equal(w->sum.moved, 36);
    assert_int_equal(w->sum.lost_coverage, 40);
    assert_int_equal(w->sum.lost_capacity, 24);
    assert_int_equal(w->sum.subscribers, 167);
    assert_int_equal(w->sum.population_lost, 400);
    assert_true(w->sum.area_lost_km2 > 3.99 && w->sum.area_lost_km2 < 4.01);
    assert_int_equal(w->sum.overflowing, 1);
    assert_int_equal(w->n_order, 1);
    assert_int_equal(w->n_costs, 1);
    assert_int_equal(w->cost[0].amount, 500);
    assert_int_equal(w->single_sites, 4);
    assert_int_equal(w->single_sites_after, 3);
    assert_int_equal(w->regions[0].region, inventory_find_region(v, STR("North")));
    assert_int_equal(w->regions[0].suppliers_before, 2);
    assert_int_equal(w->regions[0].suppliers_after, 1);
    assert_int_equal(w->n_causes, 1);
    assert_int_equal(w->causes[0].elements, 1);
    whatif_free(w);
    inventory_free(v);
}

/* The only transport of a site is banned: its cell falls silent with it. A second one keeps it on the air. */
static void cut_off_with_its_site(void **state)
{
    struct inventory *v = read_json(ROW ",{\"id\":\"t1\",\"function\":\"transport\",\"supplier\":\"bad\",\"site\":\"sc\"}" ROW_END);
    struct whatif *w = run(v, NULL, "2028-01-01", 0, "bad");
    assert_int_equal(element(w, "c")->state, WHATIF_CUT_OFF);
    assert_int_equal(element(w, "c")->cut_by, inventory_find(v, INV_element, STR("t1")));
    assert_int_equal(w->sum.silent, 2);
    assert_int_equal(w->sum.cut_off, 1);
    assert_int_equal(w->n_order, 2); /* the cell itself need not be replaced */
    assert_int_equal(w->n_classes, 1);
    assert_int_equal(w->n_without_cost, 1);
    whatif_free(w);
    inventory_free(v);
    v = read_json(ROW ",{\"id\":\"t1\",\"function\":\"transport\",\"supplier\":\"bad\",\"site\":\"sc\"},"
                      "{\"id\":\"t2\",\"function\":\"transport\",\"supplier\":\"good\",\"site\":\"sc\"}" ROW_END);
    w = run(v, NULL, "2028-01-01", 0, "bad");
    assert_int_equal(element(w, "c")->state, WHATIF_STAYS);
    whatif_free(w);
    inventory_free(v);
}

static struct policy *policy_of_text(const char *text)
{
    static struct config_report report;
    report = (struct config_report){.n = 0};
    struct policy *p = policy_new();
    int e = policy_read(p, STR("t.yaml"), str_of(text), &report);
    if (e == OK)
        e = policy_join(p, &report);
    if (e < 0)
        print_message("%s", report.text);
    assert_int_equal(e, OK);
    return p;
}
#define REGIME                                                                                                         \
    "id: own\nnation: FI\ntitle: Own plan\nstanding: own\ncitation: \"Act 1 s. 2\"\nchecked: 2026-11-25\n"              \
    "lists:\n  - {name: risky, says: risky, suppliers: [Bad]}\nrules:\n"
#define RULE(id, more) "  - {id: " id ", says: \"" id " says so\", sure: seen, lists: [risky], decision: deny, " more "}\n"

/* Deadlines, order and capacity of a plan; rules with their citation. */
static void plan_by_deadline(void **state)
{
    char json[16384] = ROW;
    for (uint32_t i = 0; i < 30; i++) {
        size_t n = strlen(json);
        snprintf(json + n, sizeof json - n, ",{\"id\":\"x%02u\",\"function\":\"gnb\",\"supplier\":\"bad\",\"site\":\"sd\",\"subscribers\":%u,"
                 "%s\"replace_cost\":10,\"currency\":\"EUR\"}", i, i, i == 7 ? "\"sensitivity\":\"critical\"," : "");
    }
    size_t n = strlen(json);
    snprintf(json + n, sizeof json - n, ",{\"id\":\"u\",\"function\":\"upf\",\"supplier\":\"bad\",\"site\":\"sd\"}" ROW_END);
    struct inventory *v = read_json(json);
    struct policy *p = policy_of_text(REGIME RULE("core", "functions: [core], remove_by: 2026-06-30") RULE("ran", "functions: [radio], remove_by: 2027-06-30"));
    struct policy_set *s;
    assert_int_equal(policy_compile(&s, p, v), OK);
    struct whatif *w = run(v, s, "2027-03-01", 0, "");
    assert_int_equal(w->sum.denied, 1); /* the UPF; the radio network has until June */
    assert_int_equal(w->later, 31);
    assert_int_equal(w->later_last, day("2027-06-30"));
    whatif_free(w);
    w = run(v, s, "2028-01-01", 0, "");
    assert_int_equal(w->sum.denied, 32);
    assert_int_equal(w->n_overdue, 1);
    assert_int_equal(w->per_month_needed, 7); /* 32 in February to June, 5 months that end by the deadline */
    assert_int_equal(w->n_months, 5);
    assert_int_equal(w->n_late, 0);
    assert_int_equal(w->order[0], inventory_find(v, INV_element, STR("u"))); /* overdue */
    assert_int_equal(w->order[1], inventory_find(v, INV_element, STR("x07"))); /* critical */
    assert_int_equal(w->order[2], inventory_find(v, INV_element, STR("a"))); /* most subscribers */
    assert_int_equal(w->order[3], inventory_find(v, INV_element, STR("x29")));
    assert_int_equal(w->months[0].first, day("2027-02-01"));
    assert_int_equal(w->months[0].due, 1);
    assert_int_equal(w->months[4].due, 31);
    whatif_free(w);
    w = run(v, s, "2028-01-01", 4, ""); /* slower: 20 by June, the rest late */
    assert_int_equal(w->n_months, 8);
    assert_int_equal(w->n_late, 12);
    assert_int_equal(w->months[7].late, 4);
    assert_false(whatif_is_endless(w));
    uint32_t len;
    char *text = whatif_text(w, &len);
    assert_non_null(strstr(text, "own/ran: ran says so. Act 1 s. 2 (own, seen, checked 2026-11-25)"));
    assert_null(strstr(text, "SYNTHETIC"));
    free(text);
    whatif_free(w);
    struct whatif_ask ask = {.inventory = v, .today = day("2027-01-01"), .date = day("2026-01-01")};
    assert_int_equal(whatif_run(&w, &ask), ERR_RANGE);
    policy_set_free(s);
    policy_free(p);
    inventory_free(v);
}

/* Two rules, one of them broken today: it is the one that is named. */
static void the_rule_that_is_overdue_is_named(void **state)
{
    struct inventory *v = read_json(ROW ROW_END);
    struct policy *p = policy_of_text(REGIME RULE("all", "remove_by: 2027-06-30") RULE("north", "regions: [North], functions: [radio], remove_by: 2026-06-30"));
    struct policy_set *s;
    assert_int_equal(policy_compile(&s, p, v), OK);
    struct whatif *w = run(v, s, "2028-01-01", 0, "");
    assert_int_equal(w->n_overdue, 1);
    assert_true(str_is(w->causes[element(w, "a")->cause].row->rule->id, "north"));
    whatif_free(w);
    policy_set_free(s);
    policy_free(p);
    inventory_free(v);
}

static void caps_and_when(void **state)
{
    struct inventory *v = read_json(ROW ROW_END);
    struct policy *p = policy_of_text(REGIME RULE("later", "functions: [radio], cap_percent: 20, cap_metric: elements, remove_by: 2029-12-31")
                                      RULE("wide", "functions: [radio], cap_percent: 50, cap_metric: subscribers")
                                      RULE("narrow", "functions: [radio], cap_percent: 26, cap_metric: coverage"));
    struct policy_set *s;
    assert_int_equal(policy_compile(&s, p, v), OK);
    struct whatif *w = run(v, s, "2028-01-01", 0, "");
    assert_int_equal(w->n_caps, 3);
    assert_true(str_is(w->caps[0].row->rule->id, "later"));
    assert_true(w->caps[0].is_above);
    assert_int_equal(w->caps[0].permille, 250);
    assert_int_equal(w->caps[0].from, day("2030-01-01"));
    assert_true(str_is(w->caps[1].row->rule->id, "wide")); /* 59.9 % of subscribers: crossed long since */
    assert_int_equal(w->caps[1].permille, 599);
    assert_int_equal(w->caps[1].permille_after, 0); /* a is beyond it, and would go */
    assert_false(w->caps[2].is_above);
    whatif_free(w);
    policy_set_free(s);
    policy_free(p);
    inventory_free(v);
}

/* ---- properties, over countries that do not exist ---- */
static struct inventory *country(uint64_t seed, uint32_t sites)
{
    struct synth_options o = {.seed = seed, .sites = sites, .operators = 1, .today = day("2026-12-01")};
    struct inv_asked asked = {.as_of = day("2027-01-01"), .secret = {seed, 7}};
    struct inventory *v;
    char why[256] = "";
    int e = synth_inventory(&v, &o, &asked, why, sizeof why);
    if (e < 0)
        print_message("%s\n", why);
    assert_int_equal(e, OK);
    return v;
}

static void conserves(const struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    uint64_t before = 0, after = 0, regions = 0, handed = 0, taken = 0;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct whatif_element *e = &w->elements[i];
        if (!e->is_cell || e->state == WHATIF_ABSENT)
            continue;
        before += v->elements[i].subscribers;
        if (e->state != WHATIF_STAYS) {
            assert_true(e->lost <= v->elements[i].subscribers);
            assert_int_equal(e->demand + e->handed_on + e->taken_over, 0);
            continue;
        }
        after += whatif_load(e, &v->elements[i]);
        handed += e->handed_on;
        taken += e->taken_over;
        uint64_t most = e->capacity > v->elements[i].subscribers ? e->capacity : v->elements[i].subscribers;
        if (e->capacity)
            assert_true(whatif_load(e, &v->elements[i]) <= most); /* nobody is put where there is no room */
        assert_true(e->lost <= e->demand);
    }
    const struct whatif_sum *s = &w->sum;
    assert_int_equal(handed, taken);
    assert_int_equal(s->subscribers, before);
    assert_int_equal(s->subscribers, s->kept + s->moved + s->lost_coverage + s->lost_capacity);
    assert_int_equal(after, s->kept + s->moved);
    assert_true(s->population_lost <= s->population && s->area_lost_km2 <= s->area_km2 + 1e-6);
    for (uint32_t i = 0; i < w->n_regions; i++)
        regions += w->regions[i].sum.kept + w->regions[i].sum.moved + whatif_lost(&w->regions[i].sum);
    assert_int_equal(regions, s->subscribers);
    uint32_t planned = 0;
    for (uint32_t i = 0; i < w->n_months; i++)
        planned += w->months[i].elements;
    assert_int_equal(planned, s->denied);
    assert_int_equal(w->n_order, s->denied);
}

static void properties(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct inventory *v = country(seed, 300);
        struct whatif *none = run(v, NULL, "2028-01-01", 0, "");
        conserves(none);
        assert_int_equal(none->sum.silent + none->sum.denied + none->n_causes + none->n_order, 0);
        assert_int_equal(none->sum.kept, none->sum.subscribers);
        assert_int_equal(none->sum.population_lost, 0);
        assert_true(none->sum.cells > 300 && none->sum.subscribers > 10000);
        char bans[512] = "";
        uint32_t silent = 0, denied = 0;
        uint64_t kept = none->sum.kept;
        double area = 0;
        for (uint32_t i = 0; i < v->n_suppliers; i++) { /* one more at a time */
            size_t n = strlen(bans);
            snprintf(bans + n, sizeof bans - n, "%s%.*s", n ? ";" : "", STR_ARG(v->suppliers[i].id));
            struct whatif *w = run(v, NULL, "2028-01-01", 0, bans);
            conserves(w);
            assert_true(w->sum.silent >= silent && w->sum.denied >= denied && w->sum.kept <= kept && w->sum.area_lost_km2 >= area - 1e-6);
            silent = w->sum.silent;
            denied = w->sum.denied;
            kept = w->sum.kept;
            area = w->sum.area_lost_km2;
            whatif_free(w);
        }
        assert_int_equal(silent, none->sum.cells); /* nobody is left */
        assert_int_equal(kept, 0);
        whatif_free(none);
        inventory_free(v);
    }
}

static void same_question_same_answer(void **state)
{
    char *text[2];
    uint32_t n[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct inventory *v = country(9, 200);
        struct whatif *w = run(v, NULL, "2028-01-01", 0, "Harbin Radio");
        text[i] = whatif_json(w, &n[i]);
        whatif_free(w);
        inventory_free(v);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(text[0], text[1], n[0]);
    free(text[0]);
    free(text[1]);
}

/* ---- the flow ---- */
static void flows(void **state)
{
    /* 0 is crowded by 10; 1 and 2 lead to 3 and 4, which have room; 5 is too far */
    struct flow_edge edges[] = {{0, 1, 8, 0}, {0, 2, 5, 0}, {1, 3, 6, 0}, {2, 3, 4, 0}, {2, 4, 3, 0}, {3, 5, 9, 0}};
    uint32_t excess[6] = {14}, spare[6] = {0, 1, 0, 5, 1, 0};
    struct flow f = {edges, ARRAY_LEN(edges), excess, spare, 6};
    assert_int_equal(flow_run(&f, 6), OK);
    assert_int_equal(excess[0], 14 - 7); /* all the room there is: 1 + 5 + 1 */
    assert_int_equal(spare[1] + spare[3] + spare[4], 0);
    assert_int_equal(edges[0].used + edges[1].used, 7);
    struct flow_edge chain[] = {{0, 1, 9, 0}, {1, 2, 9, 0}, {2, 3, 9, 0}};
    uint32_t e2[4] = {5}, s2[4] = {0, 0, 0, 9};
    struct flow g = {chain, 3, e2, s2, 4};
    assert_int_equal(flow_run(&g, 2), OK); /* three cells away is too far */
    assert_int_equal(e2[0], 5);
    assert_int_equal(flow_run(&g, 3), OK);
    assert_int_equal(e2[0], 0);
    assert_int_equal(s2[3], 4);
    /* a path taken first must be given back: 0 -> 1 -> 3 blocks 2, whose only way is 1 -> 3 */
    struct flow_edge back[] = {{0, 1, 1, 0}, {0, 4, 1, 0}, {2, 1, 1, 0}, {1, 3, 1, 0}, {4, 5, 1, 0}};
    uint32_t e3[6] = {1, 0, 1}, s3[6] = {0, 0, 0, 1, 0, 1};
    struct flow h = {back, 5, e3, s3, 6};
    assert_int_equal(flow_run(&h, 6), OK);
    assert_int_equal(e3[0] + e3[2], 0);
}

/* ---- reports ---- */
static void names_of_strangers(void **state)
{
    struct inventory *v = read_json(
        "{\"suppliers\":[{\"id\":\"s\",\"name\":\"<script>alert(1)</script>\\\"'&\\u202e\",\"country\":\"CN\",\"synthetic\":\"yes\"}],"
        "\"sites\":[{\"id\":\"<b>\",\"region\":\"</text></svg><script>\",\"latitude\":1,\"longitude\":1,\"synthetic\":\"yes\"},"
        "{\"id\":\"q\",\"region\":\"ok\",\"latitude\":1.5,\"longitude\":1.2,\"synthetic\":\"yes\"}],"
        "\"elements\":[{\"id\":\"<img src=x>\",\"name\":\"\\\"><script>\",\"function\":\"gnb\",\"supplier\":\"s\",\"site\":\"<b>\",\"subscribers\":5,"
        "\"area_km2\":1,\"replace_cost\":3,\"currency\":\"EUR\",\"synthetic\":\"yes\"},"
        "{\"id\":\"t\",\"function\":\"transport\",\"supplier\":\"s\",\"site\":\"q\",\"synthetic\":\"yes\"}]}");
    struct whatif *w = run(v, NULL, "2028-01-01", 0, "s");
    uint32_t n, m, k;
    char *html = whatif_html(w, &n), *json = whatif_json(w, &m), *text = whatif_text(w, &k);
    assert_non_null(html);
    assert_null(strcasestr(html, "<script"));
    assert_null(strstr(html, "<b>\""));
    assert_null(strstr(html, "<img"));
    assert_null(strstr(html, "\xe2\x80\xae"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;?"));
    assert_non_null(strstr(html, "default-src 'none'"));
    assert_null(strstr(html, "http://"));
    assert_null(strstr(html, "https://"));
    assert_null(strstr(html, "url("));
    assert_null(strstr(html, "@import"));
    uint32_t marks = 0;
    for (const char *p = html; (p = strstr(p, "SYNTHETIC")); p++)
        marks++;
    assert_true(marks >= 3);
    assert_non_null(strstr(text, "SYNTHETIC"));
    struct json j;
    json_start(&j, (struct str){json, m});
    assert_true(json_skip(&j) && json_end(&j));
    assert_non_null(strstr(json, "{\"synthetic\":true,"));
    for (uint32_t i = 0; i < k; i++)
        assert_true((uint8_t)text[i] >= 0x20 || text[i] == '\n');
    free(html);
    free(json);
    free(text);
    whatif_free(w);
    inventory_free(v);
}

/* Every tag that is opened is closed, in order; attributes are quoted. */
static void page_is_well_formed(void **state)
{
    struct inventory *v = country(3, 250);
    struct policy *p = policy_of_text("id: own\nnation: FI\ntitle: Own\nstanding: own\ncitation: \"Act\"\nchecked: 2026-11-25\nrules:\n"
                                      "  - {id: r, says: r, sure: seen, suppliers: [\"Harbin Radio\"], remove_by: 2027-12-31, decision: deny}\n"
                                      "  - {id: c, says: c, sure: seen, suppliers: [Nordtel], functions: [radio], cap_percent: 20, decision: deny}\n");
    struct policy_set *s;
    assert_int_equal(policy_compile(&s, p, v), OK);
    struct whatif *w = run(v, s, "2028-01-01", 20, "");
    uint32_t n, depth = 0;
    char *html = whatif_html(w, &n), open[64][16];
    for (const char *q = html; (q = strchr(q, '<')); q++) {
        char name[16] = "";
        bool closing = q[1] == '/';
        sscanf(q + 1 + closing, "%15[a-z0-9]", name);
        const char *end = strchr(q, '>');
        assert_non_null(end);
        if (q[1] == '!' || end[-1] == '/' || !strcmp(name, "meta") || !strcmp(name, "br") || !strcmp(name, "th"))
            continue; /* a cell of a heading may stay open */
        if (!closing) {
            assert_true(depth < 64);
            strcpy(open[depth++], name);
        } else {
            assert_true(depth > 0);
            if (strcmp(open[depth - 1], name) != 0)
                fail_msg("</%s> closes <%s> before: %.60s", name, open[depth - 1], q - 40);
            depth--;
        }
    }
    assert_int_equal(depth, 0);
    assert_non_null(strstr(html, "id=\"R1\""));
    free(html);
    whatif_free(w);
    policy_set_free(s);
    policy_free(p);
    inventory_free(v);
}

static void nothing_there(void **state)
{
    struct inventory *v = read_json("{\"suppliers\":[{\"id\":\"s\",\"name\":\"S\",\"country\":\"FI\"}]}");
    struct whatif *w = run(v, NULL, "2028-01-01", 0, "s");
    uint32_t n;
    char *html = whatif_html(w, &n), *json = whatif_json(w, &n), *text = whatif_text(w, &n);
    assert_non_null(strstr(html, "there is no map"));
    assert_int_equal(w->sum.elements, 0);
    free(html);
    free(json);
    free(text);
    whatif_free(w);
    inventory_free(v);
}

int main(void)
{
    return RUN(unit(three_cells), unit(cut_off_with_its_site), unit(plan_by_deadline), unit(the_rule_that_is_overdue_is_named), unit(caps_and_when), unit(properties),
               unit(same_question_same_answer), unit(flows), unit(names_of_strangers), unit(page_is_well_formed), unit(nothing_there));
}
