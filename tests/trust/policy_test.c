/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy decides: whom rules concern, when, by what share, with which grants, and that of all the strictest holds. */
#include "tests/trust/estate.h"

static struct policy_verdict verdict;
static struct policy_set *compiled(const struct policy *p, const struct estate *e)
{
    struct policy_set *s;
    assert_int_equal(policy_compile(&s, p, &e->v), OK);
    return s;
}
static uint8_t decide(struct policy_set *s, uint32_t element, const char *date)
{
    policy_decide(s, &(struct policy_query){.element = element, .date = day(date)}, &verdict);
    return verdict.decision;
}
/* One rule in one file, and what it decides of a gNB of each supplier on site 1. */
static void expect(const char *rule, const char *decisions)
{
    char text[1024];
    struct estate *e = estate_new();
    snprintf(text, sizeof text, REGIME("t") "lists:\n  - {name: risky, says: x, suppliers: [Dragon], countries: [RU]}\nrules:\n%s", rule);
    struct policy *p = policy_of_text(text, NULL);
    for (uint32_t i = ORION; i <= VOLGA; i++)
        estate_add(e, i, INV_CLASS_gnb, 1, "2020-01-01");
    struct policy_set *s = compiled(p, e);
    for (uint32_t i = ORION; i <= VOLGA; i++) {
        bool denied = decide(s, i, "2026-01-01") == POLICY_DECISION_DENY;
        if (denied != (decisions[i - 1] == 'd'))
            print_message("%s: supplier %u\n", rule, i);
        assert_int_equal(denied, decisions[i - 1] == 'd');
        assert_int_equal(verdict.permitted, !denied);
        assert_int_equal(verdict.n_reasons, 1);
        assert_int_equal(verdict.reasons[0].why, denied ? POLICY_WHY_RULE : POLICY_WHY_OTHERWISE);
    }
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
}
static void whom(void **state)
{
    /* orion drago drago-radio lynx volga */
    expect(RULE("a", "deny", "functions: [gnb]"), "ddddd");
    expect(RULE("a", "deny", "suppliers: [drago]"), "-dd--");
    expect(RULE("a", "deny", "suppliers: [Drago]"), "-dd--"); /* the first word of the name; its group with it */
    expect(RULE("a", "deny", "suppliers: [dragon]"), "-dd--");
    expect(RULE("a", "deny", "suppliers: [Drag]"), "-----");
    expect(RULE("a", "deny", "suppliers: [Radiowerk]"), "--d--");
    expect(RULE("a", "deny", "suppliers: [nobody]"), "-----");
    expect(RULE("a", "deny", "seated_in: [CN]"), "-dd--");
    expect(RULE("a", "deny", "owned_from: [CN], owned_percent: 50"), "-dd--");
    expect(RULE("a", "deny", "owned_from: [CN]"), "-ddd-"); /* half of 60 per cent is 30 */
    expect(RULE("a", "deny", "owned_from: [HK]"), "---d-");
    expect(RULE("a", "deny", "owned_from: [HK], owned_by_state: true"), "-----");
    expect(RULE("a", "deny", "owned_from: [CN], owned_by_state: true, owned_percent: 31"), "-dd--");
    expect(RULE("a", "deny", "compelled_by: [RU]"), "----d");
    expect(RULE("a", "deny", "compelled_by: [RU], extrajudicial: true"), "----d");
    expect(RULE("a", "deny", "compelled_by: [CN]"), "-----");
    expect(RULE("a", "deny", "compelled_by: [any]"), "----d");
    expect(RULE("a", "deny", "lists: [risky]"), "-dd-d");
    expect(RULE("a", "deny", "suppliers: [Lynx], compelled_by: [RU]"), "---dd"); /* one of them is enough */
    expect(RULE("a", "deny", "except_suppliers: [Orion, Lynx]"), "-dd-d");
    expect(RULE("a", "deny", "except_suppliers: [Dragon]"), "d--dd");
    expect(RULE("a", "deny", "except_lists: [risky]"), "d--d-");
    expect(RULE("a", "note", "suppliers: [Nobody]"), "-----");
}

static void where(void **state)
{
    static const struct { const char *more; const char *denied; } cases[] = { /* elements in the order made below */
        {"functions: [radio]", "dddd--d"}, {"functions: [core]", "----d--"}, {"functions: [upf, transport]", "----dd-"},
        {"generations: [5]", "dddddd-"}, {"generations: [4]", "-----dd"}, {"regions: [North]", "dd--ddd"},
        {"regions: [Atlantis]", "----ddd"}, {"except_regions: [North]", "--ddddd"}, {"place: sensitive", "-d-d---"}, {"place: critical", "-d-----"},
        {"within_km: 3", "dd--ddd"}, {"within_km: 2", "-d--ddd"}, {"within_km: 3, near: sensitive", "dd-dddd"},
        {"maintained_outside: [FI]", "dd-dddd"}, {"maintained_outside: [FI, SE]", "-d-dddd"}};
    struct estate *e = estate_new();
    estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2020-01-01");
    estate_add(e, DRAGO, INV_CLASS_gnb, 2, "2020-01-01");
    estate_add(e, DRAGO, INV_CLASS_gnb, 3, "2020-01-01");
    estate_add(e, DRAGO, INV_CLASS_gnb, 4, "2020-01-01");
    estate_add(e, DRAGO, INV_CLASS_upf, 0, "2020-01-01"); /* nobody knows where: every place may be meant */
    estate_add(e, DRAGO, INV_CLASS_transport, 0, "2020-01-01"); /* … nor of which generation */
    estate_add(e, DRAGO, INV_CLASS_enb, 0, "2020-01-01");
    memcpy(e->elements[0].maintained_from, "SE", 3);
    memcpy(e->elements[2].maintained_from, "FI", 3);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[512];
        snprintf(text, sizeof text, REGIME("t") "rules:\n  - {id: a, says: x, sure: seen, decision: deny, suppliers: [drago], %s}\n", cases[i].more);
        struct policy *p = policy_of_text(text, NULL);
        struct policy_set *s = compiled(p, e);
        for (uint32_t k = 1; k <= 7; k++) {
            if ((decide(s, k, "2026-01-01") == POLICY_DECISION_DENY) != (cases[i].denied[k - 1] == 'd'))
                print_message("%s: element %u\n", cases[i].more, k);
            assert_int_equal(verdict.decision == POLICY_DECISION_DENY, cases[i].denied[k - 1] == 'd');
        }
        policy_set_free(s);
        policy_free(p);
    }
    estate_free(e);
}

static void when(void **state)
{
    struct estate *e = estate_new();
    uint32_t old = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2020-01-01"), fresh = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2023-01-01"),
             unknown = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "");
    struct policy *p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago], new_from: 2022-10-13, remove_by: 2027-12-31"), NULL);
    struct policy_set *s = compiled(p, e);
    assert_int_equal(decide(s, old, "2021-01-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(verdict.deadline, day("2027-12-31"));
    assert_int_equal(verdict.same_until, day("2027-12-31"));
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_STILL);
    assert_int_equal(decide(s, old, "2027-12-31"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, old, "2028-01-01"), POLICY_DECISION_DENY);
    assert_int_equal(verdict.deadline, 0);
    assert_int_equal(verdict.same_until, 0);
    assert_int_equal(decide(s, fresh, "2023-01-01"), POLICY_DECISION_DENY);
    assert_int_equal(decide(s, unknown, "2022-10-12"), POLICY_DECISION_PERMIT);
    assert_int_equal(verdict.deadline, day("2022-10-12"));
    assert_int_equal(decide(s, unknown, "2022-10-13"), POLICY_DECISION_DENY);
    policy_set_free(s);
    policy_free(p);
    /* what was there before stays for ever; a rule ends; a rule begins */
    p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago], new_from: 2022-10-13")
                           RULE("b", "deny", "suppliers: [volga], from: 2024-01-01, until: 2024-12-31"), NULL);
    uint32_t volga = estate_add(e, VOLGA, INV_CLASS_gnb, 1, "2020-01-01");
    s = compiled(p, e);
    assert_int_equal(decide(s, old, "2040-01-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(verdict.deadline, 0);
    assert_int_equal(decide(s, volga, "2023-12-31"), POLICY_DECISION_PERMIT);
    assert_int_equal(verdict.deadline, day("2023-12-31"));
    assert_int_equal(decide(s, volga, "2024-01-01"), POLICY_DECISION_DENY);
    assert_int_equal(verdict.same_until, day("2024-12-31"));
    assert_int_equal(decide(s, volga, "2025-01-01"), POLICY_DECISION_PERMIT);
    e->elements[volga - 1].service_from = day("2025-06-01");
    e->elements[volga - 1].service_until = day("2025-07-01");
    policy_set_free(s);
    s = compiled(p, e);
    assert_int_equal(decide(s, volga, "2025-05-31"), POLICY_DECISION_DENY);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_NOT_IN_SERVICE);
    assert_int_equal(verdict.same_until, day("2025-05-31"));
    assert_int_equal(decide(s, volga, "2025-06-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, volga, "2025-07-02"), POLICY_DECISION_DENY);
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
}

static void strangers_and_unknowns(void **state)
{
    struct estate *e = estate_new();
    uint32_t nobodys = estate_add(e, 0, INV_CLASS_gnb, 1, "2020-01-01"), orion = estate_add(e, ORION, INV_CLASS_gnb, 1, "2020-01-01");
    struct policy *p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago]"), NULL);
    struct policy_set *s = compiled(p, e);
    assert_int_equal(decide(s, 0, "2026-01-01"), POLICY_DECISION_DENY);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_STRANGER);
    assert_false(verdict.permitted);
    assert_int_equal(decide(s, 99, "2026-01-01"), POLICY_DECISION_DENY);
    assert_int_equal(decide(s, nobodys, "2026-01-01"), POLICY_DECISION_DENY); /* it may be drago's */
    assert_int_equal(decide(s, orion, "2026-01-01"), POLICY_DECISION_PERMIT);
    policy_set_free(s);
    policy_free(p);
    /* what holds where no rule speaks: the strictest of the files */
    p = policy_of_text(REGIME("t") "otherwise: notify\n", "id: u\nnation: FI\ntitle: x\nstanding: own\ncitation: c\nchecked: 2026-01-01\notherwise: deny\n");
    s = compiled(p, e);
    assert_int_equal(decide(s, orion, "2026-01-01"), POLICY_DECISION_DENY);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_OTHERWISE);
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
}

static void grants(void **state)
{
    struct estate *e = estate_new();
    uint32_t drago = estate_add(e, DRAGO_RADIO, INV_CLASS_gnb, 1, "2020-01-01"), south = estate_add(e, DRAGO_RADIO, INV_CLASS_gnb, 3, "2020-01-01"),
             lynx = estate_add(e, LYNX, INV_CLASS_gnb, 3, "2020-01-01"), volga = estate_add(e, VOLGA, INV_CLASS_gnb, 3, "2020-01-01");
    struct policy *p = policy_of_text(
        REGIME("t") "rules:\n" RULE("ask", "authorise", "functions: [gnb]") RULE("tell", "notify", "regions: [North]") "grants:\n"
        "  - {rule: t/ask, reference: \"No. 1\", suppliers: [drago], regions: [North], from: 2025-01-01, until: 2026-12-31}\n"
        "  - {rule: t/ask, reference: \"No. 2\", elements: [e3]}\n  - {rule: t/ask, reference: \"No. 3\", products: [volga], until: 2026-03-01}\n", NULL);
    struct policy_set *s = compiled(p, e);
    assert_int_equal(decide(s, drago, "2024-12-31"), POLICY_DECISION_AUTHORISE);
    assert_false(verdict.permitted);
    assert_int_equal(verdict.same_until, day("2024-12-31"));
    assert_int_equal(decide(s, drago, "2025-01-01"), POLICY_DECISION_NOTIFY); /* authorised, and a notice is owed */
    assert_true(verdict.permitted);
    assert_int_equal(verdict.deadline, day("2026-12-31"));
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_NOT_GRANTED);
    assert_int_equal(verdict.reasons[1].why, POLICY_WHY_GRANTED);
    assert_int_equal(decide(s, drago, "2027-01-01"), POLICY_DECISION_AUTHORISE);
    assert_int_equal(decide(s, south, "2026-01-01"), POLICY_DECISION_AUTHORISE);
    assert_int_equal(decide(s, lynx, "2030-01-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, volga, "2026-03-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, volga, "2026-03-02"), POLICY_DECISION_AUTHORISE);
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
}

static void strictest_and_overrides(void **state)
{
    static const char own[] = "id: own\nnation: FI\ntitle: x\nstanding: own\ncitation: \"Act 9\"\nchecked: 2026-01-01\n";
    char text[1024];
    struct estate *e = estate_new();
    uint32_t drago = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2020-01-01");
    struct policy *p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "permit-with-conditions", "suppliers: [drago], conditions: [no-protected-subscribers]")
                                          RULE("c", "permit-with-conditions", "seated_in: [CN], conditions: [listed-slices], slices: [1, 2]"),
                                      NULL);
    struct policy_set *s = compiled(p, e);
    assert_int_equal(decide(s, drago, "2026-01-01"), POLICY_DECISION_CONDITIONS);
    assert_int_equal(verdict.conditions, 1 << POLICY_CONDITION_NO_PROTECTED | 1 << POLICY_CONDITION_SLICES);
    policy_decide(s, &(struct policy_query){.element = drago, .date = day("2026-01-01"), .is_protected = true}, &verdict);
    assert_false(verdict.permitted);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_PROTECTED);
    policy_decide(s, &(struct policy_query){.element = drago, .date = day("2026-01-01"), .has_slice = true, .slice = {.sst = 2}}, &verdict);
    assert_true(verdict.permitted);
    policy_decide(s, &(struct policy_query){.element = drago, .date = day("2026-01-01"), .has_slice = true, .slice = {.sst = 2, .has_sd = true}}, &verdict);
    assert_false(verdict.permitted);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_SLICE);
    policy_set_free(s);
    policy_free(p);

    snprintf(text, sizeof text, "%srules:\n" RULE("b", "permit", "suppliers: [drago]"), own);
    p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago]"), text);
    s = compiled(p, e);
    assert_int_equal(decide(s, drago, "2026-01-01"), POLICY_DECISION_DENY); /* saying otherwise is not enough */
    policy_set_free(s);
    policy_free(p);

    snprintf(text, sizeof text, "%soverrides:\n  - {rule: t/a, reason: \"an exception\", citation: \"Act 9 s. 3\", remove_by: 2026-06-30}\n", own);
    p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago]"), text);
    s = compiled(p, e);
    assert_int_equal(decide(s, drago, "2026-06-30"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, drago, "2026-07-01"), POLICY_DECISION_DENY);
    char words[POLICY_REASON_TEXT];
    assert_string_equal(policy_reason_text(&verdict.reasons[0], words), "deny by t/a (Act t): it says so; changed by own: an exception");
    policy_set_free(s);
    policy_free(p);

    snprintf(text, sizeof text, "%soverrides:\n  - {rule: t/a, reason: r, citation: c, off: true}\n", own);
    p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago]"), text);
    s = compiled(p, e);
    assert_int_equal(decide(s, drago, "2026-01-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_OTHERWISE);
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
}

static void shares(void **state)
{
    struct estate *e = estate_new();
    uint32_t d[4], permille;
    for (uint32_t i = 0; i < 6; i++)
        estate_add(e, ORION, INV_CLASS_gnb, 0, "2020-01-01"); /* each a site of its own */
    d[0] = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2021-01-01");
    d[1] = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2023-01-01"); /* the same site */
    d[2] = estate_add(e, DRAGO, INV_CLASS_gnb, 2, "2022-01-01");
    d[3] = estate_add(e, DRAGO, INV_CLASS_gnb, 3, "");           /* the newest, for all that is known */
    estate_add(e, DRAGO, INV_CLASS_upf, 3, "2021-01-01");        /* not counted: no gNB */
    struct policy *p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago], functions: [radio], cap_percent: 25, remove_by: 2026-06-30"), NULL);
    struct policy_set *s = compiled(p, e);
    assert_int_equal(decide(s, d[0], "2030-01-01"), POLICY_DECISION_PERMIT); /* 1 of 9, 2 of 9 */
    assert_int_equal(decide(s, d[1], "2030-01-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, d[2], "2030-01-01"), POLICY_DECISION_PERMIT);
    assert_int_equal(decide(s, d[3], "2026-06-30"), POLICY_DECISION_PERMIT); /* 3 of 9, but not yet */
    assert_int_equal(verdict.deadline, day("2026-06-30"));
    assert_int_equal(decide(s, d[3], "2026-07-01"), POLICY_DECISION_DENY);
    assert_int_equal(verdict.reasons[0].why, POLICY_WHY_CAP);
    assert_int_equal(verdict.reasons[0].share_permille, 333);
    assert_true(policy_share(s, &p->rows[0], d[0], &permille));
    assert_int_equal(permille, 333);
    policy_set_free(s);
    policy_free(p);
    /* by region; and what cannot be measured is beyond any share */
    p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago], functions: [radio], cap_percent: 50, cap_per: region, regions: [South]")
                           RULE("b", "deny", "suppliers: [drago], regions: [North], cap_percent: 50, cap_metric: traffic, from: 2026-02-01"), NULL);
    estate_add(e, ORION, INV_CLASS_gnb, 3, "2020-01-01");
    estate_add(e, ORION, INV_CLASS_gnb, 3, "2020-01-01");
    s = compiled(p, e);
    assert_int_equal(decide(s, d[3], "2026-01-01"), POLICY_DECISION_DENY); /* the one site of the South is shared by both: 1 of 1 */
    assert_int_equal(decide(s, d[0], "2026-02-01"), POLICY_DECISION_DENY);
    assert_false(policy_share(s, &p->rows[1], d[0], &permille));
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
}

/* The answer that was kept is the one that would be given. */
static void kept_answers(void **state)
{
    struct estate *e = estate_new();
    uint32_t drago = estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2020-01-01");
    struct policy *p = policy_of_text(REGIME("t") "rules:\n" RULE("a", "deny", "suppliers: [drago], remove_by: 2026-06-30")
                                          RULE("b", "permit-with-conditions", "from: 2025-01-01, until: 2026-03-31, conditions: [monitored]"), NULL);
    struct policy_set *kept = compiled(p, e);
    for (int32_t d = day("2024-12-01"); d < day("2026-09-01"); d += 7) {
        struct policy_set *s = compiled(p, e);
        struct policy_verdict a, b;
        for (int i = 0; i < 3; i++)
            policy_decide(kept, &(struct policy_query){.element = drago, .date = d - i * 100}, &a);
        policy_decide(kept, &(struct policy_query){.element = drago, .date = d}, &a);
        policy_decide(s, &(struct policy_query){.element = drago, .date = d}, &b);
        assert_int_equal(a.decision, b.decision);
        assert_int_equal(a.conditions, b.conditions);
        assert_int_equal(a.deadline, b.deadline);
        assert_int_equal(a.same_until, b.same_until);
        assert_int_equal(a.n_reasons, b.n_reasons);
        for (uint32_t i = 0; i < a.n_reasons; i++) {
            assert_ptr_equal(a.reasons[i].row, b.reasons[i].row);
            assert_int_equal(a.reasons[i].why, b.reasons[i].why);
            assert_int_equal(a.reasons[i].deadline, b.reasons[i].deadline);
        }
        policy_set_free(s);
    }
    policy_set_free(kept);
    policy_free(p);
    estate_free(e);
}

/* Conflicts and gaps are told, each once, with its place. */
static void review(void **state)
{
    static const char *const lines[] = {
        "a.yaml:9: warning: list empty names nobody, so that rule t/c concerns nobody until somebody fills it in\n",
        "a.yaml:11: warning: rule t/a names supplier 'nobody', whom the inventory does not know\n",
        "b.yaml:8: warning: b/x says permit and t/a says deny of 3 elements, such as e1: the stricter holds, as no override says otherwise\n",
        "b.yaml:1: warning: b is a proposal, not law: it holds here because it was chosen\n",
        "b.yaml:1: warning: 1 of 3 rules are recalled, not seen in a source: check them before they decide anything\n",
        "b.yaml:9: warning: rule b/y: no-remote-access is held against the inventory (remote_access, maintained_from); the core does not see who reaches an element, "
        "and nothing on record is no access\n",
        "inventory: warning: 1 elements have no supplier: every rule about suppliers counts against them\n",
        "inventory: warning: 2 elements have no day of installation: they count as new\n",
        "inventory: warning: no rule speaks of 1 elements, such as e3: permit, as nothing else is said\n",
        "a.yaml:13: warning: rule t/s: the share of traffic cannot be told: everything counts as beyond it\n",
        "a.yaml:15: warning: the grant names product 'x9', which the inventory does not know: it grants nothing\n"};
    struct policy *p = policy_of_text(
        REGIME("t") "lists:\n  # nobody yet\n  - {name: empty, says: x}\nrules:\n" RULE("a", "deny", "suppliers: [drago, nobody], new_from: 2020-01-01")
            RULE("c", "deny", "lists: [empty]") RULE("s", "deny", "suppliers: [volga], cap_percent: 30, cap_metric: traffic, regions: [North]")
                "grants:\n  - {rule: b/z, reference: r, products: [x9]}\n",
        "id: b\nnation: FI\ntitle: x\nstanding: proposal\ncitation: c\nchecked: 2026-01-01\nrules:\n"
        "  - {id: x, says: s, sure: recalled, suppliers: [drago], decision: permit}\n"
        "  - {id: y, says: s, sure: seen, suppliers: [volga], decision: permit-with-conditions, conditions: [no-remote-access]}\n"
        "  - {id: z, says: s, sure: seen, suppliers: [lynx], decision: notify}\n");
    struct estate *e = estate_new();
    estate_add(e, DRAGO, INV_CLASS_gnb, 1, "2021-01-01");
    estate_add(e, DRAGO, INV_CLASS_gnb, 1, "");
    estate_add(e, ORION, INV_CLASS_gnb, 1, "2021-01-01");
    estate_add(e, 0, INV_CLASS_gnb, 1, "");
    estate_report = (struct config_report){.n = 0};
    assert_int_equal(policy_review(p, &e->v, day("2026-01-01"), &estate_report), OK);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (!strstr(estate_report.text, lines[i]))
            print_message("%s--- lacks\n%s", estate_report.text, lines[i]);
        assert_non_null(strstr(estate_report.text, lines[i]));
    }
    assert_int_equal(estate_report.errors, 0);
    estate_report = (struct config_report){.n = 0};
    assert_int_equal(policy_review(p, NULL, day("2026-01-01"), &estate_report), OK);
    assert_non_null(strstr(estate_report.text, lines[0]));
    policy_free(p);
    estate_free(e);
}

int main(void)
{
    return RUN(unit(whom), unit(where), unit(when), unit(strangers_and_unknowns), unit(grants), unit(strictest_and_overrides), unit(shares),
               unit(kept_answers), unit(review));
}
