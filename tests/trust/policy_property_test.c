/* SPDX-License-Identifier: Apache-2.0 */
/* Never more than policy permits: random policies and inventories, decided and compared with an evaluator that takes each
 * rule as it is written, for one element and one day, without anything kept or worked out before. */
#include "base/text.h"
#include "tests/trust/estate.h"

enum { ROUNDS = 400, ELEMENTS = 30, QUERIES = 40 };
static uint64_t seed;
static uint32_t pick(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}
static bool chance(uint32_t percent) { return pick(100) < percent; }

/* ---- what is asked ---- */
static const char *const suppliers[] = {"orion", "Drago", "Radiowerk", "Lynx", "volga", "Dragon", "nobody"};
static const char *const countries[] = {"FI", "CN", "DE", "SE", "RU", "HK"};
static const char *const functions[] = {"gnb", "radio", "core", "upf", "transport", "management"};
static const char *const regions[] = {"North", "South", "Capital", "Atlantis"};
static void some(struct text *t, const char *key, const char *const *words, uint32_t n, uint32_t percent)
{
    uint32_t mask = pick(1u << n);
    bool first = true;
    if (!chance(percent) || !mask)
        return;
    text_add(t, ", %s: [", key);
    for (uint32_t i = 0; i < n; i++)
        if (mask >> i & 1) {
            text_add(t, "%s%s", first ? "" : ", ", words[i]);
            first = false;
        }
    text_add(t, "]");
}
static const char *a_day(void)
{
    static char text[4][CONFIG_DATE_TEXT];
    static uint32_t at;
    return config_date_text(18000 + (int32_t)pick(4000), text[at++ % 4]);
}
static void a_rule(struct text *t, uint32_t id)
{
    static const char *const decisions[] = {"note", "permit", "permit-with-conditions", "notify", "authorise", "deny"};
    static const char *const places[] = {"any", "public", "restricted", "sensitive", "critical"};
    static const char *const metrics[] = {"sites", "elements", "traffic", "subscribers"};
    uint32_t decision = pick(6);
    bool dated = decision > 1 && chance(60);
    int32_t from = 18000 + (int32_t)pick(3000);
    char day_a[CONFIG_DATE_TEXT], day_b[CONFIG_DATE_TEXT];
    text_add(t, "  - {id: r%u, says: x, sure: seen, decision: %s", id, decisions[decision]);
    if (decision == 2)
        text_add(t, ", conditions: [%s]", chance(50) ? "no-protected-subscribers" : "monitored");
    uint32_t before = t->n;
    some(t, "suppliers", suppliers, ARRAY_LEN(suppliers), 50);
    some(t, "seated_in", countries, ARRAY_LEN(countries), 15);
    some(t, "owned_from", countries, ARRAY_LEN(countries), 20);
    some(t, "compelled_by", countries, ARRAY_LEN(countries), 15);
    if (chance(15))
        text_add(t, ", lists: [risky]");
    bool names = t->n != before;
    if (chance(20))
        text_add(t, ", owned_percent: %u", 10 + pick(60));
    some(t, "except_suppliers", suppliers, ARRAY_LEN(suppliers), 10);
    some(t, "functions", functions, ARRAY_LEN(functions), 50);
    some(t, "regions", regions, ARRAY_LEN(regions), 20);
    some(t, "except_regions", regions, ARRAY_LEN(regions), 10);
    some(t, "maintained_outside", countries, ARRAY_LEN(countries), 10);
    if (chance(20))
        text_add(t, ", generations: [%u]", 4 + pick(2));
    if (chance(15))
        text_add(t, ", place: %s", places[pick(5)]);
    if (chance(10))
        text_add(t, ", within_km: %u, near: %s", 1 + pick(200), places[1 + pick(4)]);
    if (chance(30))
        text_add(t, ", from: %s", config_date_text(from, day_a));
    if (!dated && chance(20))
        text_add(t, ", until: %s", config_date_text(from + 1 + (int32_t)pick(1000), day_a));
    if (dated && chance(60)) {
        text_add(t, ", new_from: %s", config_date_text(from, day_a));
        if (chance(60))
            text_add(t, ", remove_by: %s", config_date_text(from + (int32_t)pick(1000), day_b));
    } else if (dated) {
        text_add(t, ", remove_by: %s", a_day());
    }
    if (decision == 5 && names && chance(30))
        text_add(t, ", cap_percent: %u, cap_metric: %s, cap_per: %s", 1 + pick(99), metrics[pick(4)], chance(50) ? "nation" : "region");
    text_add(t, "}\n");
}
static struct policy *a_policy(uint32_t rules)
{
    static char text[65536], more[16384];
    struct text t = text_over(text, sizeof text), m = text_over(more, sizeof more);
    text_add(&t, REGIME("t") "lists:\n  - {name: risky, says: x, suppliers: [volga], countries: [CN]}\n%srules:\n",
             chance(30) ? "otherwise: authorise\n" : "");
    for (uint32_t i = 0; i < rules; i++)
        a_rule(&t, i);
    struct policy *p = policy_new();
    estate_report = (struct config_report){.n = 0};
    if (policy_read(p, STR("a.yaml"), (struct str){text, t.n}, &estate_report) < 0) { /* contradicts itself: another one */
        policy_free(p);
        return NULL;
    }
    text_add(&m, "id: own\nnation: FI\ntitle: x\nstanding: own\ncitation: c\nchecked: 2026-01-01\ngrants:\n");
    bool any = false;
    for (uint32_t i = 0; i < rules; i++) {
        uint8_t d = (uint8_t)p->files[0].r.rules[i].decision;
        if ((d == POLICY_DECISION_AUTHORISE || d == POLICY_DECISION_NOTIFY) && chance(70)) {
            text_add(&m, "  - {rule: t/r%u, reference: x, %s%s", i, chance(50) ? "suppliers: [drago, lynx]" : "elements: [e1, e2, e3, e7]",
                     chance(30) ? ", regions: [North]" : "");
            if (chance(50))
                text_add(&m, ", until: %s", a_day());
            text_add(&m, "}\n");
            any = true;
        }
    }
    text_add(&m, "%soverrides:\n", any ? "" : "  []\n");
    bool overrides = false;
    for (uint32_t i = 0; i < rules; i++)
        if (p->files[0].r.rules[i].decision == POLICY_DECISION_DENY && !p->files[0].r.rules[i].until && chance(20)) {
            overrides = true;
            text_add(&m, chance(50) ? "  - {rule: t/r%u, reason: x, citation: x, off: true}\n" : "  - {rule: t/r%u, reason: x, citation: x, decision: permit}\n", i);
        }
    text_add(&m, "%s", overrides ? "" : "  []\n");
    policy_add(p, "b.yaml", more);
    assert_int_equal(policy_join(p, &estate_report), OK);
    return p;
}
static struct estate *an_estate(void)
{
    static const uint8_t classes[] = {INV_CLASS_gnb, INV_CLASS_enb, INV_CLASS_upf, INV_CLASS_amf, INV_CLASS_transport, INV_CLASS_ran_management};
    struct estate *e = estate_new();
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        char day_text[CONFIG_DATE_TEXT];
        uint32_t ref = estate_add(e, pick(6), classes[pick(6)], pick(5), chance(80) ? config_date_text(17000 + (int32_t)pick(4000), day_text) : "");
        struct inv_element *x = &e->elements[ref - 1];
        x->traffic_mbps = pick(4) * 100;
        x->subscribers = pick(1000);
        if (chance(60))
            memcpy(x->maintained_from, countries[pick(6)], 3);
        if (chance(10))
            x->service_from = 19000 + (int32_t)pick(2000);
        if (chance(10))
            x->service_until = 19000 + (int32_t)pick(3000);
    }
    return e;
}

/* ---- the slow evaluator ---- */
static bool means(struct str said, struct str name)
{
    return name.n >= said.n && str_eq_nocase(said, (struct str){name.p, said.n}) &&
           (name.n == said.n || strchr(" ,.", name.p[said.n]) != NULL);
}
static bool in(struct str s, const struct str *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(s, v[i]))
            return true;
    return false;
}
static bool called(const struct inv_supplier *s, const struct str *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct str aliases = s->aliases, item;
        bool hit = str_eq_nocase(v[i], s->id) || means(v[i], s->name);
        while (inv_list_next(&aliases, &item))
            hit |= means(v[i], item);
        if (hit)
            return true;
    }
    return false;
}
static double owned(const struct inventory *v, uint32_t ref, const struct str *c, uint32_t n)
{
    const struct inv_supplier *s = inventory_supplier(v, ref);
    double sum = 0;
    for (uint32_t i = 0; s && i < s->owners.n; i++) {
        const struct inv_ownership *o = &v->ownership[s->owners.first + i];
        sum += in(str_of(o->country), c, n) ? o->share : o->owner_supplier ? o->share / 100 * owned(v, o->owner_supplier, c, n) : 0;
    }
    double parent = s && s->parent ? owned(v, s->parent, c, n) : 0;
    return sum > parent ? sum : parent;
}
static bool slow_whom(const struct policy_row *w, const struct inventory *v, uint32_t supplier)
{
    static const struct str volga[] = {{"volga", 5}}, cn[] = {{"CN", 2}};
    const struct policy_rule *r = w->rule;
    bool hit = !r->n_suppliers && !r->n_seated_in && !r->n_owned_from && !r->n_compelled_by && !r->n_lists;
    if (!supplier)
        return true;
    hit |= r->n_owned_from && owned(v, supplier, r->owned_from, r->n_owned_from) >= r->owned_percent;
    hit |= r->n_lists && owned(v, supplier, cn, 1) >= r->owned_percent;
    for (const struct inv_supplier *s = inventory_supplier(v, supplier); s; s = inventory_supplier(v, s->parent)) {
        if (called(s, r->except_suppliers, r->n_except_suppliers))
            return false;
        hit |= called(s, r->suppliers, r->n_suppliers) || in(str_of(s->country), r->seated_in, r->n_seated_in);
        hit |= r->n_lists && (called(s, volga, 1) || in(str_of(s->country), cn, 1));
        for (uint32_t i = 0; i < s->laws.n; i++)
            hit |= in(str_of(v->laws[s->laws.first + i].country), r->compelled_by, r->n_compelled_by);
    }
    return hit;
}
static bool slow_where(const struct policy_row *w, const struct inventory *v, uint32_t ref)
{
    const struct inv_element *e = &v->elements[ref - 1];
    const struct policy_rule *r = w->rule;
    bool class = !r->n_functions, generation = !r->n_generations, region = !r->n_regions || !e->region_ref;
    for (uint32_t i = 0; i < r->n_functions; i++)
        class |= inv_class_parse(r->functions[i]) == e->function || inv_group_parse(r->functions[i]) == inv_class_group(e->function);
    uint32_t g = e->function == INV_CLASS_enb ? 4 : e->function == INV_CLASS_transport || e->function == INV_CLASS_ran_management ? 0 : 5;
    for (uint32_t i = 0; i < r->n_generations; i++)
        generation |= !g || r->generations[i] == g;
    const struct inv_region *at = inventory_region(v, e->region_ref);
    region = region || in(at->name, r->regions, r->n_regions);
    bool out = at && in(at->name, r->except_regions, r->n_except_regions);
    bool near = !r->within_km || e->sensitivity >= (uint8_t)r->near || !e->site;
    for (uint32_t i = 0; i < v->n_sites && r->within_km; i++)
        near |= v->sites[i].sensitivity >= (uint8_t)r->near &&
                inv_distance_km(e->latitude, e->longitude, v->sites[i].latitude, v->sites[i].longitude) <= r->within_km;
    bool home = r->n_maintained_outside && e->maintained_from[0] && in(str_of(e->maintained_from), r->maintained_outside, r->n_maintained_outside);
    return class && generation && region && !out && near && !home && e->sensitivity >= (uint8_t)r->place;
}
static double weight(const struct inv_element *e, uint8_t metric) { return metric == POLICY_METRIC_TRAFFIC ? e->traffic_mbps : metric == POLICY_METRIC_SUBSCRIBERS ? e->subscribers : 1; }
static bool older(const struct inv_element *v, uint32_t a, uint32_t b) /* references */
{
    int32_t x = v[a - 1].installed ? v[a - 1].installed : INT32_MAX, y = v[b - 1].installed ? v[b - 1].installed : INT32_MAX;
    return x != y ? x < y : a < b;
}
/* Walks from the oldest to the element, and looks whether the share was full before or with it. */
static bool slow_beyond(const struct policy_row *w, const struct inventory *v, uint32_t ref)
{
    uint8_t metric = (uint8_t)w->rule->cap_metric;
    bool by_region = w->rule->cap_per == POLICY_PER_REGION, full = false, sites_in[ESTATE_SITES + 1] = {0}, seen[ESTATE_SITES + 1] = {0}, all[ESTATE_SITES + 1] = {0};
    double total = 0, part = 0;
    bool done[ELEMENTS + 1] = {0};
    const struct inv_element *me = &v->elements[ref - 1];
    for (uint32_t i = 1; i <= v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i - 1];
        if (!slow_where(w, v, i) || (e->service_until && e->service_until < v->as_of) || (by_region && e->region_ref != me->region_ref))
            continue;
        total += metric == POLICY_METRIC_SITES && e->site ? !all[e->site] : weight(e, metric);
        all[e->site] = true;
    }
    for (;;) {
        uint32_t next = 0;
        for (uint32_t i = 1; i <= v->n_elements; i++) {
            const struct inv_element *e = &v->elements[i - 1];
            bool counts = !done[i] && slow_where(w, v, i) && slow_whom(w, v, e->supplier) && !(e->service_until && e->service_until < v->as_of) &&
                          (!by_region || e->region_ref == me->region_ref);
            if (counts && (!next || older(v->elements, i, next)))
                next = i;
        }
        if (!next)
            return true; /* it was not counted, as it is out of service: not within */
        done[next] = true;
        const struct inv_element *e = &v->elements[next - 1];
        bool again = metric == POLICY_METRIC_SITES && e->site && seen[e->site];
        part += again ? 0 : weight(e, metric);
        bool within = again ? sites_in[e->site] : !full && total > 0 && part * 100 <= w->cap_percent * total;
        full |= !again && !within;
        seen[e->site] = true;
        sites_in[e->site] |= within && !again;
        if (next == ref)
            return !within;
    }
}
static bool slow_granted(const struct policy *p, const struct policy_row *w, const struct inventory *v, uint32_t ref, int32_t date)
{
    const struct inv_element *e = &v->elements[ref - 1];
    for (uint32_t i = 0; i < p->files[1].r.n_grants; i++) {
        const struct policy_grant *g = &p->files[1].r.grants[i];
        bool named = in(e->id, g->elements, g->n_elements);
        for (uint32_t k = 0; k < g->n_suppliers; k++)
            named |= inventory_in_group(v, e->supplier, inventory_find_supplier(v, g->suppliers[k]));
        bool here = !g->n_regions || (e->region_ref && in(inventory_region(v, e->region_ref)->name, g->regions, g->n_regions));
        if (policy_row_find(p, g->rule) == w && named && here && (!g->until || date <= g->until))
            return true;
    }
    return false;
}
static uint8_t slow_decide(const struct policy *p, const struct inventory *v, uint32_t ref, int32_t date, bool is_protected)
{
    const struct inv_element *e = &v->elements[ref - 1];
    uint8_t decision = 0;
    bool spoken = false, no_protected = false;
    for (uint32_t i = 0; i < p->n_rows; i++) {
        const struct policy_row *w = &p->rows[i];
        bool old = w->new_from && e->installed && e->installed < w->new_from;
        if (w->off || !slow_whom(w, v, e->supplier) || !slow_where(w, v, ref) || (w->cap_percent && !slow_beyond(w, v, ref)) ||
            date < w->from || (w->until && date > w->until))
            continue;
        spoken |= w->decision != POLICY_DECISION_NOTE;
        bool holds = w->new_from && !old ? date >= w->new_from : w->remove_by ? date > w->remove_by : !old;
        if (!holds)
            continue;
        uint8_t d = w->decision;
        if ((d == POLICY_DECISION_AUTHORISE || d == POLICY_DECISION_NOTIFY) && slow_granted(p, w, v, ref, date))
            d = POLICY_DECISION_PERMIT;
        no_protected |= d == POLICY_DECISION_CONDITIONS && w->conditions >> POLICY_CONDITION_NO_PROTECTED & 1;
        decision = d > decision ? d : decision;
    }
    if (!spoken)
        decision = p->otherwise;
    if (!inv_in_service(e, date) || (is_protected && no_protected && decision < POLICY_DECISION_AUTHORISE))
        decision = POLICY_DECISION_DENY;
    return decision ? decision : POLICY_DECISION_PERMIT;
}

static uint32_t permitted, refused;
static void compare(const struct policy *p, struct policy_set *s, const struct inventory *v, uint32_t round)
{
    for (uint32_t i = 0; i < QUERIES; i++) {
        struct policy_query q = {.element = 1 + pick(ELEMENTS), .date = 17900 + (int32_t)pick(5000), .is_protected = chance(20)};
        struct policy_verdict got;
        policy_decide(s, &q, &got);
        uint8_t want = slow_decide(p, v, q.element, q.date, q.is_protected);
        if (got.decision != want)
            print_message("round %u element %u day %d: %u, slowly %u\n", round, q.element, q.date, got.decision, want);
        assert_int_equal(got.decision, want);
        assert_int_equal(got.permitted, want < POLICY_DECISION_AUTHORISE);
        permitted += got.permitted;
        refused += !got.permitted;
        if (got.same_until) { /* and it is the same until then */
            struct policy_query later = {.element = q.element, .date = got.same_until, .is_protected = q.is_protected};
            assert_int_equal(slow_decide(p, v, q.element, later.date, q.is_protected), want);
        }
        if (got.permitted && got.deadline && !q.is_protected) /* permitted to the last day, were it not for other ends */
            assert_true(slow_decide(p, v, q.element, got.deadline + 1, false) >= POLICY_DECISION_AUTHORISE);
    }
}
static void never_more_than_policy(void **state)
{
    uint32_t done = 0;
    for (uint32_t round = 0; done < ROUNDS && round < ROUNDS * 4; round++) {
        seed = round;
        struct policy *p = a_policy(1 + pick(12));
        if (!p)
            continue;
        struct estate *e = an_estate();
        struct policy_set *s;
        assert_int_equal(policy_compile(&s, p, &e->v), OK);
        compare(p, s, &e->v, round);
        policy_set_free(s);
        policy_free(p);
        estate_free(e);
        done++;
    }
    assert_int_equal(done, ROUNDS);
    assert_true(permitted > 1000 && refused > 1000); /* both are really tried */
}
/* A file more, without overrides and grants, never permits more where the others had a word to say. */
static void files_only_restrict(void **state)
{
    uint32_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        seed = round * 7919 + 1;
        struct policy *p = a_policy(1 + pick(6));
        struct estate *e = an_estate();
        struct policy_set *s;
        bool spoken[ELEMENTS] = {0}, was[ELEMENTS] = {0};
        int32_t date = 18000 + (int32_t)pick(4000);
        char text[4096];
        struct text t = text_over(text, sizeof text);
        struct policy_verdict v;
        for (int pass = 0; p && pass < 2; pass++) {
            assert_int_equal(policy_compile(&s, p, &e->v), OK);
            for (uint32_t i = 0; i < ELEMENTS; i++) {
                policy_decide(s, &(struct policy_query){.element = i + 1, .date = date}, &v);
                if (pass && spoken[i])
                    assert_true(was[i] || !v.permitted);
                was[i] = v.permitted;
                spoken[i] = true;
                for (uint32_t r = 0; r < v.n_reasons; r++)
                    spoken[i] &= v.reasons[r].why != POLICY_WHY_OTHERWISE;
            }
            policy_set_free(s);
            if (pass)
                break;
            text_add(&t, "id: z\nnation: SE\ntitle: x\nstanding: own\ncitation: c\nchecked: 2026-01-01\nrules:\n");
            a_rule(&t, 99);
            estate_report = (struct config_report){.n = 0};
            assert_int_equal(policy_read(p, STR("z.yaml"), (struct str){text, t.n}, &estate_report), OK);
            assert_int_equal(policy_join(p, &estate_report), OK);
            done++;
        }
        policy_free(p);
        estate_free(e);
    }
    assert_true(done > ROUNDS / 2);
}

int main(void) { return RUN(unit(never_more_than_policy), unit(files_only_restrict)); }
