/* SPDX-License-Identifier: Apache-2.0 */
/* Random histories beside a model of a few lines: changes, corrections, removals and complete counts of four suppliers,
 * in any order of days; then what is shown of any day, as known at any time. And rows that are damaged. */
#include "sim/store_memory.h"
#include "tests/test.h"
#include "trust/inventory_store.h"

enum { KEYS = 4, DAYS = 12, FIRST = 20000, STEPS = 14, SEEDS = 120 };
struct version {
    uint32_t key, name;
    int32_t from;
    uint32_t number; /* of the import */
    bool removed;
};
static struct version model[STEPS * KEYS];
static uint32_t n_model;
static uint32_t seed;
static uint32_t dice(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}
/* The version of a key that holds on a day as far as import `known` knew; NULL: none, or removed. */
static const struct version *shown(uint32_t key, int32_t day, uint32_t known)
{
    const struct version *best = NULL;
    for (uint32_t i = 0; i < n_model; i++) {
        const struct version *v = &model[i];
        if (v->key == key && v->from <= day && v->number <= known &&
            (!best || v->from > best->from || (v->from == best->from && v->number > best->number)))
            best = v;
    }
    return best && !best->removed ? best : NULL;
}
static uint64_t recorded_us(uint32_t number) { return 1700000000000000 + (uint64_t)number * 1000000; }

static void step(struct store *s, uint32_t number)
{
    char csv[400] = "id,name,country\n";
    struct text t = {csv, sizeof csv, (uint32_t)strlen(csv), false};
    struct inv_text text = {STR("x"), STR(""), false, INV_supplier};
    struct inv_import m = {.texts = &text, .n_texts = 1, .from = FIRST + (int32_t)dice(DAYS), .correction = dice(3) == 0,
                           .complete = dice(4) == 0, .now_us = recorded_us(number)};
    struct inv_import_result r;
    struct inv_report report;
    struct version news[KEYS];
    uint32_t n = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        const struct version *before = shown(k, m.from, number);
        bool given = dice(2) != 0;
        uint32_t name = dice(3);
        int32_t from = m.correction && before ? before->from : m.from;
        if (given)
            text_add(&t, "k%u,name %u,SE\n", k, name);
        if (given && (!before || before->name != name))
            news[n++] = (struct version){k, name, from, number, false};
        if (!given && m.complete && before)
            news[n++] = (struct version){k, 0, from, number, true};
    }
    text.text = (struct str){csv, t.n};
    assert_int_equal(inventory_import(s, &m, &report, &r), OK);
    assert_int_equal(r.added + r.changed + r.removed, n);
    assert_int_equal(r.number != 0, n != 0);
    for (uint32_t i = 0; i < n; i++) {
        news[i].number = r.number;
        model[n_model++] = news[i];
    }
    inv_report_free(&report);
}
static void compare(struct store *s, int32_t day, uint32_t known, const uint64_t *when)
{
    struct inventory *v;
    char why[200], name[20], id[4];
    struct inv_asked asked = {.as_of = day, .known_us = when[known]};
    assert_int_equal(inventory_load(&v, s, &asked, why, sizeof why), OK);
    uint32_t n = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        const struct version *m = shown(k, day, known);
        snprintf(id, sizeof id, "k%u", k);
        uint32_t ref = inventory_find(v, INV_supplier, str_of(id));
        if ((ref != 0) != (m != NULL))
            fail_msg("seed: k%u on day %d as known at %u", k, day - FIRST, known);
        if (!m)
            continue;
        n++;
        snprintf(name, sizeof name, "name %u", m->name);
        assert_true(str_is(inventory_supplier(v, ref)->name, name));
    }
    assert_int_equal(v->n_suppliers, n);
    inventory_free(v);
}
static void histories(void **state)
{
    for (uint32_t i = 1; i <= SEEDS; i++) {
        struct store *s = store_memory_new();
        uint64_t when[STEPS + 1] = {1};
        seed = i;
        n_model = 0;
        uint32_t number = 0;
        for (uint32_t k = 0; k < STEPS; k++) {
            uint32_t before = n_model;
            step(s, number + 1);
            if (n_model > before) {
                number++;
                when[number] = recorded_us(number);
            }
        }
        for (uint32_t k = 0; k < 12; k++)
            compare(s, FIRST - 1 + (int32_t)dice(DAYS + 2), dice(number + 1), when);
        store_memory_free(s);
    }
}

static int damaged(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    struct inventory *v;
    char why[200] = "";
    assert_int_equal(store_put(s, t, key, value), OK);
    int e = inventory_load(&v, s, &(struct inv_asked){.as_of = FIRST}, why, sizeof why);
    assert_true(e == OK || why[0]);
    inventory_free(v);
    assert_int_equal(store_del(s, t, key), OK);
    return e;
}
static void damaged_rows(void **state)
{
    struct store *s = store_memory_new();
    seed = 5;
    n_model = 0;
    step(s, 1);
    while (!n_model)
        step(s, 1);
    static const uint8_t key[] = {INV_supplier, 'x', 0, 0, 0, 0, 1, 0, 0, 0, 1}, bad_kind[] = {99, 'x', 0, 0, 0, 0, 1, 0, 0, 0, 1};
    static const uint8_t row[] = {0, 1, 0, 1, 'x', 2, 0, 1, 'y', 5, 0, 2, 'S', 'E'}, cut[] = {0, 1, 0, 9, 'x'}, number[] = {9, 9, 9, 9};
    assert_int_equal(damaged(s, STORE_inventory, BYTES_OF(key), BYTES_OF(row)), OK);
    assert_int_equal(damaged(s, STORE_inventory, BYTES_OF(key), BYTES_OF(cut)), ERR_SYNTAX);
    assert_int_equal(damaged(s, STORE_inventory, BYTES_OF(key), (struct bytes){NULL, 0}), ERR_SYNTAX);
    assert_int_equal(damaged(s, STORE_inventory, BYTES_OF(bad_kind), BYTES_OF(row)), ERR_SYNTAX);
    assert_int_equal(damaged(s, STORE_inventory, (struct bytes){key, 4}, BYTES_OF(row)), ERR_SYNTAX);
    assert_int_equal(damaged(s, STORE_inventory_import, BYTES_OF(number), BYTES_OF(row)), ERR_SYNTAX);
    /* a value that cannot be, such as a country that is none */
    static const uint8_t odd[] = {0, 1, 0, 1, 'x', 2, 0, 1, 'y', 5, 0, 2, 'Q', 'Q'};
    assert_int_equal(damaged(s, STORE_inventory, BYTES_OF(key), BYTES_OF(odd)), ERR_SYNTAX);
    store_memory_fail(s, "the disk is gone", true);
    struct inventory *v;
    char why[200];
    assert_int_equal(inventory_load(&v, s, &(struct inv_asked){.as_of = FIRST}, why, sizeof why), ERR_STORE);
    assert_string_equal(why, "the disk is gone");
    store_memory_free(s);
}

int main(void) { return RUN(unit(histories), unit(damaged_rows)); }
