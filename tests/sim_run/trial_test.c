/* SPDX-License-Identifier: Apache-2.0 */
/* Each attack of cmd/trial.h over some seeds: found, alone, without effect. redoubt bench trust does it over a thousand. */
#include "cmd/trial.h"
#include "tests/test.h"

enum { SEEDS = 8 };
static void trial(void **state)
{
    const struct trial_desc *d = *state;
    char why[512];
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        if (!trial_run(d, seed, why, sizeof why))
            fail_msg("%s, seed %u: %s", d->name, (unsigned)seed, why);
}
/* Each row of spec/detections.def has an attack that makes it. */
static void each_detection_has_an_attack(void **state)
{
    for (uint32_t i = 0; i < GUARD_DETECTIONS; i++) {
        uint32_t n = 0;
        const struct trial_desc *d;
        for (uint32_t k = 0; (d = trial_desc(k)); k++)
            n += d->detection == i;
        if (!n)
            fail_msg("nobody tries %s", guard_name((enum guard_detection)i));
    }
}
/* An attack that has an effect, and one that is not found, are told. */
static void nothing_done(struct trial *t) { trial_only(t, GUARD_N2_01, NULL); }
static void a_phone_cut_off(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    TRIAL_MUST(t, s, "no victim");
    cell_vanish(&t->n.cells[0]);
    t->found[GUARD_N2_01] = 1;
    trial_only(t, GUARD_N2_01, NULL);
    trial_unharmed(t, s);
}
static void what_is_not_as_it_must_be_is_told(void **state)
{
    char why[512];
    assert_false(trial_run(&(struct trial_desc){GUARD_N2_01, "nothing", NULL, nothing_done}, 1, why, sizeof why));
    assert_string_equal(why, "N2-01 was not found");
    assert_false(trial_run(&(struct trial_desc){GUARD_N2_01, "cut", NULL, a_phone_cut_off}, 1, why, sizeof why));
    assert_string_equal(why, "the phone's traffic does not come back");
}

int main(void)
{
    struct CMUnitTest tests[64] = {cmocka_unit_test(each_detection_has_an_attack), cmocka_unit_test(what_is_not_as_it_must_be_is_told)};
    size_t n = 2;
    const struct trial_desc *d;
    for (uint32_t i = 0; (d = trial_desc(i)) && n < ARRAY_LEN(tests); i++)
        tests[n++] = (struct CMUnitTest){d->name, trial, NULL, NULL, (void *)(uintptr_t)d};
    return _cmocka_run_group_tests("trials", tests, n, NULL, NULL);
}
