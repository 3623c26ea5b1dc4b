/* SPDX-License-Identifier: Apache-2.0 */
/* The regimes that are shipped: each can be read, they go together, and each says what its source says. */
#include "tests/trust/estate.h"
#include <dirent.h>

static const char *folder;
static void read_file(struct policy *p, const char *name)
{
    static char text[1 << 16];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    policy_add(p, name, text);
}
static struct policy *regimes(const char *only) /* NULL: all */
{
    struct policy *p = policy_new();
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, ".yaml") && (!only || strncmp(e->d_name, only, strlen(only)) == 0))
            read_file(p, e->d_name);
    closedir(d);
    estate_report = (struct config_report){.n = 0};
    int e = policy_join(p, &estate_report);
    if (e < 0)
        print_message("%s", estate_report.text);
    assert_int_equal(e, OK);
    return p;
}

static void all_can_be_read(void **state)
{
    struct policy *p = regimes(NULL);
    assert_int_equal(p->n_files, 17); /* 16, and a draft that was not adopted */
    for (uint32_t i = 0; i < p->n_files; i++) {
        const struct policy_regime *r = &p->files[i].r;
        char name[128];
        snprintf(name, sizeof name, "%s.yaml", r->id.p);
        assert_true(str_is(p->files[i].name, name));
        assert_true(r->checked > day("2026-01-01"));
        assert_true(r->n_sources || str_is(r->id, "others"));
        assert_true(r->n_rules || r->n_notes);
        for (uint32_t k = 0; k < r->n_rules; k++)
            if (r->rules[k].decision == POLICY_DECISION_NOTE)
                assert_true(r->rules[k].obligation.n > 0);
    }
    policy_free(p);
}

/* An element of a supplier called by name, and what the regime says of it on a day. */
static uint8_t say(const char *regime, const char *supplier, uint8_t function, uint32_t generation, uint32_t site, const char *installed, const char *date)
{
    struct policy *p = regimes(regime);
    struct estate *e = estate_new();
    struct policy_set *s;
    struct policy_verdict v;
    e->suppliers[DRAGO - 1].name = str_of(supplier);
    e->suppliers[DRAGO - 1].aliases = STR("");
    e->products[DRAGO - 1].generation = generation;
    uint32_t ref = estate_add(e, DRAGO, function, site, installed);
    for (uint32_t i = 0; i < 9; i++) { /* others, so that shares are small */
        uint32_t other = estate_add(e, ORION, function, 0, "2019-01-01");
        e->elements[other - 1].traffic_mbps = 100;
    }
    e->elements[ref - 1].traffic_mbps = 100;
    assert_int_equal(policy_compile(&s, p, &e->v), OK);
    policy_decide(s, &(struct policy_query){.element = ref, .date = day(date)}, &v);
    policy_set_free(s);
    policy_free(p);
    estate_free(e);
    return v.decision;
}
enum { P = POLICY_DECISION_PERMIT, D = POLICY_DECISION_DENY };
static void united_kingdom(void **state)
{
    static const char uk[] = "uk-dvd", huawei[] = "Huawei Technologies Co., Ltd.";
    assert_int_equal(say(uk, huawei, INV_CLASS_gnb, 5, 3, "2020-01-01", "2026-01-01"), P);
    assert_int_equal(say(uk, huawei, INV_CLASS_gnb, 5, 3, "2020-01-01", "2027-12-31"), P);
    assert_int_equal(say(uk, huawei, INV_CLASS_gnb, 5, 3, "2020-01-01", "2028-01-01"), D);
    assert_int_equal(say(uk, huawei, INV_CLASS_gnb, 5, 3, "2022-10-13", "2022-10-13"), D);
    assert_int_equal(say(uk, huawei, INV_CLASS_enb, 4, 3, "2022-10-13", "2030-01-01"), P);
    assert_int_equal(say(uk, huawei, INV_CLASS_mme, 4, 3, "2015-01-01", "2023-12-31"), P);
    assert_int_equal(say(uk, huawei, INV_CLASS_mme, 4, 3, "2015-01-01", "2024-01-01"), D);
    assert_int_equal(say(uk, huawei, INV_CLASS_gnb, 5, 2, "2020-01-01", "2023-01-29"), D); /* a critical site */
    assert_int_equal(say(uk, "Orion", INV_CLASS_gnb, 5, 2, "2024-01-01", "2030-01-01"), P);
}
static void others_too(void **state)
{
    assert_int_equal(say("de.yaml", "ZTE", INV_CLASS_upf, 5, 3, "2020-01-01", "2026-12-31"), P);
    assert_int_equal(say("de.yaml", "ZTE", INV_CLASS_upf, 5, 3, "2020-01-01", "2027-01-01"), D);
    assert_int_equal(say("de.yaml", "ZTE", INV_CLASS_gnb, 5, 3, "2025-01-01", "2040-01-01"), P);
    assert_int_equal(say("de.yaml", "ZTE", INV_CLASS_ran_management, 0, 3, "2020-01-01", "2030-01-01"), D);
    assert_int_equal(say("ca-2022", "ZTE", INV_CLASS_enb, 4, 3, "2020-01-01", "2027-12-31"), P);
    assert_int_equal(say("ca-2022", "ZTE", INV_CLASS_gnb, 5, 3, "2020-01-01", "2024-06-29"), D);
    assert_int_equal(say("se-pts", "ZTE", INV_CLASS_gnb, 5, 3, "2020-10-20", "2020-10-20"), D);
    assert_int_equal(say("us-ndaa", "ZTE", INV_CLASS_upf, 5, 3, "2024-01-01", "2026-01-01"), P); /* it is about buying */
    assert_int_equal(say("fr", "Orion", INV_CLASS_gnb, 5, 3, "2024-01-01", "2026-01-01"), POLICY_DECISION_AUTHORISE);
    assert_int_equal(say("in-", "Orion", INV_CLASS_gnb, 5, 3, "2021-06-14", "2026-01-01"), P);
    assert_int_equal(say("in-", "Orion", INV_CLASS_gnb, 5, 3, "2021-06-15", "2026-01-01"), POLICY_DECISION_AUTHORISE);
    assert_int_equal(say("nz-", "Orion", INV_CLASS_udm, 5, 3, "2020-01-01", "2026-01-01"), POLICY_DECISION_NOTIFY);
    assert_int_equal(say("pl", "ZTE", INV_CLASS_amf, 5, 3, "2020-01-01", "2040-01-01"), P); /* nobody has been declared */
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    folder = argv[1];
    return RUN(unit(all_can_be_read), unit(united_kingdom), unit(others_too));
}
