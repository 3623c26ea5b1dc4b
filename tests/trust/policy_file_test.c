/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: what may be said, and each mistake with its line and what was meant. */
#include "tests/trust/estate.h"

static struct config_report report;
static void refuse_text(const char *text, const char *line)
{
    struct policy *p = policy_new();
    report = (struct config_report){.n = 0};
    int e = policy_read(p, STR("p.yaml"), str_of(text), &report);
    if (e == OK)
        e = policy_join(p, &report);
    if (e != ERR_CONFIG || strncmp(report.text, line, strlen(line)) != 0)
        print_message("%s\n--- expected\n%s\n--- got %d\n%s", text, line, e, report.text);
    assert_int_equal(e, ERR_CONFIG);
    assert_int_equal(strncmp(report.text, line, strlen(line)), 0);
    policy_free(p);
}
#define RULES(text) REGIME("t") "rules:\n" text /* rules begin on line 8 */

static void whole_file(void **state)
{
    struct policy *p = policy_of_text(
        REGIME("t") "sources: [\"https://example.org/act\"]\nnotes: [\"fines\"]\n"
        "lists:\n  - {name: risky, says: \"of a minister\", suppliers: [Drago], declared: 2024-05-31}\n"
        "rules:\n"
        "  - id: ban\n    says: \"no new equipment\"\n    citation: \"s. 4\"\n    sure: recalled\n    lists: [risky]\n    functions: [core, gnb]\n"
        "    generations: [4, 5]\n    decision: deny\n    new_from: 2024-06-01\n    remove_after_months: 9\n"
        "  - id: look\n    says: \"watched\"\n    sure: seen\n    suppliers: [Lynx]\n    decision: permit-with-conditions\n"
        "    conditions: [monitored, listed-slices, maintenance-windows]\n    slices: [1, 1-000009]\n    windows: [\"Sat 02:00-05:00\"]\n", NULL);
    assert_int_equal(p->n_rows, 2);
    assert_int_equal(p->rows[0].line, 12);
    assert_int_equal(p->rows[1].line, 22);
    assert_int_equal(p->rows[0].remove_by, day("2025-02-28")); /* nine months after the last of May */
    assert_true(str_is(policy_citation(&p->rows[0]), "s. 4"));
    assert_true(str_is(policy_citation(&p->rows[1]), "Act t"));
    assert_true(str_is(policy_source(&p->rows[0]), "https://example.org/act"));
    assert_int_equal(policy_checked(&p->rows[0]), day("2026-01-01"));
    assert_int_equal(p->rows[1].conditions, 1 << POLICY_CONDITION_MONITORED | 1 << POLICY_CONDITION_SLICES | 1 << POLICY_CONDITION_WINDOWS);
    assert_int_equal(p->rows[1].n_slices, 2);
    assert_non_null(policy_row_find(p, STR("t/ban")));
    assert_null(policy_row_find(p, STR("t/bann")));
    policy_free(p);
}

static void wrong_words(void **state)
{
    refuse_text("", "p.yaml:1:1: found nothing");
    refuse_text("rules: []\n", "p.yaml:1:1: found nothing, expected 'id' in regime");
    refuse_text("id: t\nnation: UK\ntitle: x\nstanding: law\ncitation: c\nchecked: 2026-01-01\n",
                "p.yaml:2: found nation 'UK', expected an ISO 3166 code, EU or international; did you mean 'GB'?");
    refuse_text(RULES(RULE("a", "denny", "suppliers: [X]")), "p.yaml:8:55: found 'denny', expected one of note, permit");
    refuse_text(RULES(RULE("a", "deny", "supliers: [X]")), "p.yaml:8:61: found 'supliers', expected an option of regime.rules; did you mean 'suppliers'?");
    refuse_text(RULES(RULE("a", "deny", "functions: [gnbb]")), "p.yaml:8: found function 'gnbb', expected a function class; did you mean 'gnb'?");
    refuse_text(RULES(RULE("a", "deny", "functions: [spaceship]")), "p.yaml:8: found function 'spaceship', expected a function class or radio");
    refuse_text(RULES(RULE("a", "deny", "owned_from: [CN, XX]")), "p.yaml:8: found country 'XX', expected an ISO 3166 code such as FI");
    refuse_text(RULES(RULE("a", "deny", "seated_in: [cn]")), "p.yaml:8: found country 'cn', expected an ISO 3166 code; did you mean 'CN'?");
    refuse_text(RULES(RULE("a", "deny", "from: 2027-02-29")), "p.yaml:8:67: found '2027-02-29', expected a date such as 2027-12-31");
    refuse_text(RULES(RULE("a", "deny", "lists: [nobody]")), "p.yaml:8: found list 'nobody', expected one of the files read");
    refuse_text(RULES(RULE("a", "deny", "cap_percent: 100")), "p.yaml:8:74: found '100', expected a whole number from 1 to 99");
}

static void dates_and_conditions(void **state)
{
    refuse_text(RULES(RULE("a", "deny", "from: 2026-02-01, until: 2026-01-01")), "p.yaml:8: found until 2026-01-01, expected it after from 2026-02-01");
    refuse_text(RULES(RULE("a", "deny", "new_from: 2026-02-01, remove_by: 2026-01-01")),
                "p.yaml:8: found remove_by 2026-01-01, expected it after new_from 2026-02-01");
    refuse_text(RULES(RULE("a", "deny", "until: 2026-02-01, remove_by: 2027-01-01")),
                "p.yaml:8: found until 2026-02-01, expected it after remove_by 2027-01-01");
    refuse_text(RULES(RULE("a", "deny", "remove_after_months: 3")), "p.yaml:8: found no lists, expected one that has a day of publication");
    refuse_text(RULES(RULE("a", "permit", "remove_by: 2027-01-01")), "p.yaml:8: found decision permit with a day of installation or removal");
    refuse_text(RULES(RULE("a", "permit-with-conditions", "suppliers: [X]")), "p.yaml:8: found no conditions, expected those of");
    refuse_text(RULES(RULE("a", "deny", "conditions: [monitored]")), "p.yaml:8: found conditions with decision deny");
    refuse_text(RULES(RULE("a", "permit-with-conditions", "conditions: [listed-slices]")), "p.yaml:8: found no slices, expected slices and the condition");
    refuse_text(RULES(RULE("a", "permit-with-conditions", "conditions: [maintenance-windows], windows: [\"Sat 2-5\"]")),
                "p.yaml:8: found window 'Sat 2-5', expected one such as 'Sat 02:00-05:00'");
    refuse_text(RULES(RULE("a", "notify", "suppliers: [X], cap_percent: 30")), "p.yaml:8: found a cap with decision notify, expected deny");
    refuse_text(RULES(RULE("a", "deny", "cap_percent: 30")), "p.yaml:8: found a cap for everybody, expected whose share it limits");
    refuse_text(RULES(RULE("a", "deny", "extrajudicial: true")), "p.yaml:8: found no compelled_by");
}

static void contradictions(void **state)
{
    refuse_text(RULES(RULE("a", "deny", "suppliers: [X]") RULE("a", "deny", "suppliers: [Y]")), "p.yaml:9: found rule 'a' again, expected each id once (line 8 has it)");
    refuse_text(RULES(RULE("a", "deny", "suppliers: [X, Y], functions: [core]") RULE("b", "permit", "suppliers: [y, x], functions: [core]")),
                "p.yaml:9: found rule 'b' that contradicts 'a' (line 8): permit and deny for the same equipment at the same time");
    refuse_text(RULES(RULE("a", "deny", "suppliers: [X], remove_by: 2026-01-01") RULE("b", "deny", "suppliers: [X], remove_by: 2027-01-01")),
                "p.yaml:9: found rule 'b' whose dates overlap those of 'a' (line 8), expected one day for the same equipment");
    refuse_text(RULES(RULE("a", "deny", "suppliers: [X], cap_percent: 30, from: 2026-01-01") RULE("b", "deny", "suppliers: [X], cap_percent: 20, from: 2027-01-01")),
                "p.yaml:9: found rule 'b' whose dates overlap");
    /* one after the other, elsewhere, or of another measure: no contradiction */
    policy_free(policy_of_text(RULES(RULE("a", "deny", "suppliers: [X], cap_percent: 30, until: 2026-12-31")
                                         RULE("b", "deny", "suppliers: [X], cap_percent: 20, from: 2027-01-01")
                                             RULE("c", "deny", "suppliers: [X], cap_percent: 20, cap_metric: traffic")
                                                 RULE("d", "permit", "suppliers: [X], regions: [North]")), NULL));
}

static void other_files(void **state)
{
    refuse_text(REGIME("t") "overrides:\n  - {rule: u/x, reason: r, citation: c, off: true}\n", "p.yaml:8: found rule 'u/x', expected regime/rule");
    refuse_text(RULES(RULE("abc", "deny", "suppliers: [X]")) "grants:\n  - {rule: t/abd, reference: r, suppliers: [X]}\n",
                "p.yaml:10: found rule 't/abd', expected one of the files read; did you mean 't/abc'?");
    refuse_text(RULES(RULE("abc", "deny", "suppliers: [X]")) "grants:\n  - {rule: t/abc, reference: r, suppliers: [X]}\n",
                "p.yaml:10: found a grant under 't/abc', which says deny");
    refuse_text(REGIME("t") "overrides:\n  - {rule: u/x, reason: r, citation: c}\n", "p.yaml:8: found no change, expected either 'off: true' or");
    refuse_text(REGIME("t") "overrides:\n  - {rule: t/x, reason: r, citation: c, off: true}\n", "p.yaml:8: found an override of this file's own rule");
    refuse_text(REGIME("t") "overrides:\n  - {rule: u/x, reason: r, citation: c, decision: permit-with-conditions}\n", "p.yaml:8: found no conditions");
    refuse_text(REGIME("t") "overrides:\n  - {rule: u/x, citation: c, off: true}\n", "p.yaml:8:5: found nothing, expected 'reason' in regime.overrides");
    struct policy *p = policy_new();
    policy_add(p, "a.yaml", RULES(RULE("a", "deny", "suppliers: [X]")));
    policy_add(p, "b.yaml", "id: b\nnation: FI\ntitle: x\nstanding: own\ncitation: c\nchecked: 2026-01-01\noverrides:\n  - {rule: t/a, reason: r, citation: c, off: true}\n");
    policy_add(p, "c.yaml", "id: c\nnation: FI\ntitle: x\nstanding: own\ncitation: c\nchecked: 2026-01-01\noverrides:\n  - {rule: t/a, reason: r, citation: c, off: true}\n");
    report = (struct config_report){.n = 0};
    assert_int_equal(policy_join(p, &report), ERR_CONFIG);
    assert_int_equal(strncmp(report.text, "c.yaml:8: found an override of 't/a', expected one: b.yaml has one too", 60), 0);
    policy_free(p);
    p = policy_new();
    policy_add(p, "a.yaml", REGIME("t"));
    policy_add(p, "b.yaml", REGIME("t"));
    report = (struct config_report){.n = 0};
    assert_int_equal(policy_join(p, &report), ERR_CONFIG);
    assert_int_equal(strncmp(report.text, "b.yaml:1: found regime 't' again", 30), 0);
    policy_free(p);
}

static void windows(void **state)
{
    struct policy_window w;
    const uint64_t minute = 60000000, thursday = 0; /* 1970-01-01 */
    assert_true(policy_window_parse(STR("Sat 02:00-05:00"), &w));
    assert_false(policy_window_is_open(&w, thursday));
    assert_false(policy_window_is_open(&w, (2 * 1440 + 119) * minute));
    assert_true(policy_window_is_open(&w, (2 * 1440 + 120) * minute));
    assert_true(policy_window_is_open(&w, (2 * 1440 + 299) * minute));
    assert_false(policy_window_is_open(&w, (2 * 1440 + 300) * minute));
    assert_false(policy_window_is_open(&w, (3 * 1440 + 180) * minute));
    assert_true(policy_window_parse(STR("thu 23:00-01:00"), &w));
    assert_false(policy_window_is_open(&w, 30 * minute)); /* of the day before, which is no Thursday */
    assert_true(policy_window_is_open(&w, 1400 * minute));
    assert_true(policy_window_is_open(&w, (1440 + 30) * minute));
    assert_false(policy_window_is_open(&w, (1440 + 60) * minute));
    static const char *const bad[] = {"", "Sat", "Sat 02:00", "Sat 2:00-3:00", "Sun 25:00-26:00", "Someday 02:00-03:00", "Sat 02:60-03:00",
                                      "Sat 02:00-02:00", "Sat 24:00-01:00", "daily 0a:00-01:00"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(policy_window_parse(str_of(bad[i]), &w));
}

int main(void)
{
    return RUN(unit(whole_file), unit(wrong_words), unit(dates_and_conditions), unit(contradictions), unit(other_files), unit(windows));
}
