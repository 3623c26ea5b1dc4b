/* SPDX-License-Identifier: Apache-2.0 */
/* policy_decide.c - what holds for one element on one day, and why. */
#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "trust/policy_set.h"

/* ---- when ---- */
/* The first day on which the row holds for equipment installed on that day (0: not known); 0: never. */
static int32_t first_day(const struct policy_row *w, int32_t installed)
{
    int32_t day = w->from ? w->from : 1;
    bool old = w->new_from && installed && installed < w->new_from;
    if (old && !w->remove_by)
        return 0;
    int32_t by_date = w->new_from && !old ? w->new_from : w->remove_by ? w->remove_by + 1 : 0;
    day = by_date > day ? by_date : day;
    return w->until && day > w->until ? 0 : day;
}
/* The verdict may differ from `day` on. */
static void turns(struct policy_verdict *v, int32_t date, int32_t day)
{
    if (day > date && (!v->same_until || day - 1 < v->same_until))
        v->same_until = day - 1;
}

/* ---- reasons ---- */
/* Once permitted, what binds comes before what merely was weighed. */
static unsigned rank(const struct policy_reason *r)
{
    bool binds = r->why != POLICY_WHY_STILL && r->why != POLICY_WHY_GRANTED;
    if (!binds || r->decision == POLICY_DECISION_NOTE)
        return r->decision == POLICY_DECISION_NOTE ? 0 : 1;
    if (r->decision == POLICY_DECISION_CONDITIONS) /* before NOTIFY: the network carries them out */
        return 2 + POLICY_DECISION_NOTIFY;
    return 2u + r->decision - (r->decision == POLICY_DECISION_NOTIFY);
}
static void reason_add(struct policy_verdict *v, struct policy_reason r)
{
    uint32_t at = v->n_reasons;
    while (at > 0 && rank(&v->reasons[at - 1]) < rank(&r))
        at--;
    if (v->n_reasons == POLICY_REASONS_MAX) {
        v->cut = true;
        if (at == POLICY_REASONS_MAX)
            return;
        v->n_reasons--;
    }
    memmove(&v->reasons[at + 1], &v->reasons[at], (v->n_reasons - at) * sizeof r);
    v->reasons[at] = r;
    v->n_reasons++;
}

static bool has_ref(const uint32_t *v, uint32_t n, uint32_t ref)
{
    uint32_t lo = 0;
    while (ref && lo < n) {
        uint32_t mid = (lo + n) / 2;
        if (v[mid] == ref)
            return true;
        if (v[mid] < ref)
            lo = mid + 1;
        else
            n = mid;
    }
    return false;
}
/* A supplier's grant is also that of those who belong to it. */
static bool grant_names(const struct policy_set *s, const struct set_grant *g, uint32_t element)
{
    const struct inv_element *e = &s->inv->elements[element];
    if (g->by_region && !has_ref(g->regions, g->n_regions, e->region_ref))
        return false;
    if (has_ref(g->elements, g->n_elements, element + 1) || has_ref(g->products, g->n_products, e->product))
        return true;
    for (uint32_t i = 0; i < g->n_suppliers; i++)
        if (inventory_in_group(s->inv, e->supplier, g->suppliers[i]))
            return true;
    return false;
}
/* A grant that holds on the day: its last day (INT32_MAX: none is said); 0: there is none. */
static int32_t granted(const struct policy_set *s, const struct set_row *row, uint32_t element, int32_t date)
{
    int32_t until = 0;
    for (uint32_t i = 0; i < row->n_grants; i++) {
        const struct set_grant *g = &row->grants[i];
        if (!grant_names(s, g, element))
            continue;
        if (g->from <= date && (!g->until || date <= g->until)) {
            int32_t last = g->until ? g->until : INT32_MAX;
            until = last > until ? last : until;
        }
    }
    return until;
}

static void grants_turn(const struct policy_set *s, const struct set_row *row, uint32_t element, int32_t date, struct policy_verdict *v)
{
    for (uint32_t i = 0; i < row->n_grants; i++)
        if (grant_names(s, &row->grants[i], element)) {
            turns(v, date, row->grants[i].from);
            turns(v, date, row->grants[i].until ? row->grants[i].until + 1 : 0);
        }
}

/* ---- conditions that the inventory can contradict ---- */
bool policy_is_reached_from_outside(const struct policy_row *w, const struct inv_element *e)
{
    struct str nation = w->file->r.nation, from = str_of(e->maintained_from);
    return e->remote_access || (from.n && policy_country_is_known(nation) && !str_eq_nocase(nation, from));
}

/* ---- one row ---- */
static bool denies(uint8_t decision) { return decision >= POLICY_DECISION_AUTHORISE; }
static void deadline_lower(struct policy_verdict *v, int32_t day)
{
    if (day && day != INT32_MAX && (!v->deadline || day < v->deadline))
        v->deadline = day;
}
static void row_apply(const struct policy_set *s, uint32_t i, uint32_t element, int32_t date, struct policy_verdict *v)
{
    const struct set_row *row = &s->rows[i];
    const struct policy_row *w = row->w;
    struct policy_reason why = {.row = w, .decision = w->decision, .why = w->cap_percent ? POLICY_WHY_CAP : POLICY_WHY_RULE};
    if (row->within) {
        uint32_t permille = row->permille[w->rule->cap_per == POLICY_PER_REGION ? s->inv->elements[element].region_ref : 0];
        why.share_permille = permille < 1000 ? (uint16_t)permille : 1000;
    }
    if (w->decision == POLICY_DECISION_AUTHORISE || w->decision == POLICY_DECISION_NOTIFY) {
        int32_t until = granted(s, row, element, date);
        why.why = until ? POLICY_WHY_GRANTED : POLICY_WHY_NOT_GRANTED;
        if (until) {
            why.decision = POLICY_DECISION_PERMIT;
            why.deadline = until == INT32_MAX ? 0 : until;
            if (denies(w->decision))
                deadline_lower(v, until);
        }
    }
    if (why.decision == POLICY_DECISION_CONDITIONS && w->conditions >> POLICY_CONDITION_NO_REMOTE & 1 &&
        policy_is_reached_from_outside(w, &s->inv->elements[element])) { /* permitted under a condition that is not met */
        why.decision = POLICY_DECISION_DENY;
        why.why = POLICY_WHY_REMOTE;
    }
    if (why.decision == POLICY_DECISION_CONDITIONS)
        v->conditions |= w->conditions;
    v->decision = why.decision > v->decision ? why.decision : v->decision;
    reason_add(v, why);
}
/* The row concerns the element, now or some day. true: it speaks of it on this day. */
static bool row_weigh(const struct policy_set *s, uint32_t i, uint32_t element, int32_t date, struct policy_verdict *v)
{
    const struct set_row *row = &s->rows[i];
    const struct policy_row *w = row->w;
    if (row->within && bit_get(row->within, element))
        return false;
    int32_t day = first_day(w, s->inv->elements[element].installed);
    turns(v, date, w->from);
    turns(v, date, day);
    turns(v, date, w->until ? w->until + 1 : 0);
    grants_turn(s, row, element, date, v);
    if (day > date && denies(w->decision) && !(w->decision == POLICY_DECISION_AUTHORISE && granted(s, row, element, day)))
        deadline_lower(v, day - 1);
    if (date < w->from || (w->until && date > w->until))
        return false;
    if (day && day <= date) {
        row_apply(s, i, element, date, v);
        return w->decision != POLICY_DECISION_NOTE;
    }
    reason_add(v, (struct policy_reason){.row = w, .decision = POLICY_DECISION_PERMIT, .why = POLICY_WHY_STILL, .deadline = day ? day - 1 : 0});
    return true;
}

static void evaluate(const struct policy_set *s, uint32_t element, int32_t date, struct policy_verdict *v)
{
    const struct inv_element *e = &s->inv->elements[element];
    const uint64_t *rows = s->by_supplier + (size_t)e->supplier * s->words;
    bool spoken = false;
    turns(v, date, e->service_from);
    turns(v, date, e->service_until ? e->service_until + 1 : 0);
    for (uint32_t word = 0; word < s->words; word++)
        for (uint64_t bits = rows[word]; bits; bits &= bits - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (set_row_covers(s, &s->rows[i], element))
                spoken |= row_weigh(s, i, element, date, v);
        }
    if (!spoken) {
        v->decision = s->policy->otherwise;
        reason_add(v, (struct policy_reason){.decision = v->decision, .why = POLICY_WHY_OTHERWISE});
    }
    if (!inv_in_service(e, date)) {
        v->decision = POLICY_DECISION_DENY;
        reason_add(v, (struct policy_reason){.decision = POLICY_DECISION_DENY, .why = POLICY_WHY_NOT_IN_SERVICE});
    }
    if (denies(v->decision))
        v->deadline = 0;
    if (v->decision == POLICY_DECISION_NOTE)
        v->decision = POLICY_DECISION_PERMIT;
    if (v->decision == POLICY_DECISION_PERMIT && v->conditions)
        v->decision = POLICY_DECISION_CONDITIONS;
}

/* ---- what was decided before ---- */
static bool cached(const struct policy_set *s, uint32_t element, int32_t date, struct policy_verdict *v)
{
    const struct set_cached *c = &s->cache[element];
    if (!c->at || date < c->at || (c->same_until && date > c->same_until))
        return false;
    v->decision = c->decision;
    v->conditions = c->conditions;
    v->deadline = c->deadline;
    v->same_until = c->same_until;
    v->n_reasons = c->n_reasons;
    for (uint32_t i = 0; i < c->n_reasons; i++) {
        const struct set_row *row = c->reasons[i].row == SET_NO_ROW ? NULL : &s->rows[c->reasons[i].row];
        struct policy_reason *r = &v->reasons[i];
        *r = (struct policy_reason){.row = row ? row->w : NULL, .decision = c->reasons[i].decision, .why = c->reasons[i].why,
                                    .deadline = c->reasons[i].deadline};
        if (row && row->permille) {
            uint32_t g = row->w->rule->cap_per == POLICY_PER_REGION ? s->inv->elements[element].region_ref : 0;
            r->share_permille = row->permille[g] < 1000 ? (uint16_t)row->permille[g] : 1000;
        }
    }
    return true;
}
static void keep(struct policy_set *s, uint32_t element, int32_t date, const struct policy_verdict *v)
{
    struct set_cached *c = &s->cache[element];
    if (v->n_reasons > SET_CACHED_REASONS)
        return;
    *c = (struct set_cached){.at = date, .same_until = v->same_until, .deadline = v->deadline, .decision = v->decision,
                             .conditions = v->conditions, .n_reasons = (uint8_t)v->n_reasons};
    for (uint32_t i = 0; i < v->n_reasons; i++) {
        const struct policy_reason *r = &v->reasons[i];
        c->reasons[i].row = r->row ? (uint16_t)(r->row - s->policy->rows) : (uint16_t)SET_NO_ROW;
        c->reasons[i].decision = r->decision;
        c->reasons[i].why = r->why;
        c->reasons[i].deadline = r->deadline;
    }
}

/* ---- for whom ---- */
static bool row_has_slice(const struct policy_row *w, const struct config_slice *slice)
{
    for (uint32_t i = 0; i < w->n_slices; i++)
        if (w->slices[i].sst == slice->sst && w->slices[i].has_sd == slice->has_sd &&
            (!slice->has_sd || memcmp(w->slices[i].sd, slice->sd, 3) == 0))
            return true;
    return false;
}
static const struct policy_row *condition_row(const struct policy_verdict *v, uint8_t condition)
{
    for (uint32_t i = 0; i < v->n_reasons; i++)
        if (v->reasons[i].row && v->reasons[i].decision == POLICY_DECISION_CONDITIONS && v->reasons[i].why != POLICY_WHY_STILL &&
            v->reasons[i].row->conditions >> condition & 1)
            return v->reasons[i].row;
    return NULL;
}
bool policy_slice_allowed(const struct policy_verdict *v, const struct config_slice *slice)
{
    if (!(v->conditions >> POLICY_CONDITION_SLICES & 1))
        return true;
    for (uint32_t i = 0; i < v->n_reasons; i++) {
        const struct policy_reason *r = &v->reasons[i];
        if (r->row && r->decision == POLICY_DECISION_CONDITIONS && r->why != POLICY_WHY_STILL &&
            r->row->conditions >> POLICY_CONDITION_SLICES & 1 && !row_has_slice(r->row, slice))
            return false;
    }
    return !v->cut; /* a row that is not here may list fewer */
}
const struct policy_row *policy_window_closed(const struct policy_verdict *v, uint64_t unix_us)
{
    for (uint32_t i = 0; i < v->n_reasons; i++) {
        const struct policy_reason *r = &v->reasons[i];
        struct policy_window window;
        bool is_open = false;
        if (!r->row || r->decision != POLICY_DECISION_CONDITIONS || r->why == POLICY_WHY_STILL ||
            !(r->row->conditions >> POLICY_CONDITION_WINDOWS & 1))
            continue;
        for (uint32_t k = 0; k < r->row->rule->n_windows; k++)
            is_open |= policy_window_parse(r->row->rule->windows[k], &window) && policy_window_is_open(&window, unix_us);
        if (!is_open)
            return r->row;
    }
    return NULL;
}
static void refuse_for(struct policy_verdict *v, const struct policy_row *row, enum policy_why why)
{
    v->decision = POLICY_DECISION_DENY;
    reason_add(v, (struct policy_reason){.row = row, .decision = POLICY_DECISION_DENY, .why = (uint8_t)why});
}

void policy_decide(struct policy_set *s, const struct policy_query *q, struct policy_verdict *v)
{
    v->decision = v->conditions = 0;
    v->deadline = v->same_until = 0;
    v->n_reasons = 0;
    v->cut = v->permitted = false;
    if (!q->element || q->element > s->inv->n_elements) {
        v->decision = POLICY_DECISION_DENY;
        reason_add(v, (struct policy_reason){.decision = POLICY_DECISION_DENY, .why = POLICY_WHY_STRANGER});
        return;
    }
    if (!cached(s, q->element - 1, q->date, v)) {
        evaluate(s, q->element - 1, q->date, v);
        keep(s, q->element - 1, q->date, v);
    }
    if (!denies(v->decision) && q->is_protected && v->conditions >> POLICY_CONDITION_NO_PROTECTED & 1)
        refuse_for(v, condition_row(v, POLICY_CONDITION_NO_PROTECTED), POLICY_WHY_PROTECTED);
    if (!denies(v->decision) && q->has_slice && !policy_slice_allowed(v, &q->slice))
        refuse_for(v, condition_row(v, POLICY_CONDITION_SLICES), POLICY_WHY_SLICE);
    v->permitted = !denies(v->decision);
}

/* ---- in words ---- */
static void put_rule(struct text *t, const struct policy_row *w)
{
    text_add(t, STR_FMT "/" STR_FMT " (" STR_FMT "): " STR_FMT, STR_ARG(w->file->r.id), STR_ARG(w->rule->id), STR_ARG(policy_citation(w)),
             STR_ARG(w->rule->says));
}
const char *policy_reason_text(const struct policy_reason *r, char buf[POLICY_REASON_TEXT])
{
    static const char *const words[POLICY_WHYS] = {
        [POLICY_WHY_OTHERWISE] = "no rule speaks of it", [POLICY_WHY_STRANGER] = "not in the inventory",
        [POLICY_WHY_NOT_IN_SERVICE] = "in the inventory, but not in service on this day"};
    struct text t = text_over(buf, POLICY_REASON_TEXT);
    char day[CONFIG_DATE_TEXT];
    buf[0] = 0;
    if (r->why == POLICY_WHY_STILL)
        text_add(&t, r->deadline ? "stays until %s under " : "stays under ", config_date_text(r->deadline, day));
    else if (r->why == POLICY_WHY_GRANTED)
        text_add(&t, "authorised or notified under ");
    else
        text_add(&t, "%s%s", policy_decision_text(r->decision), r->row ? " by " : ": ");
    if (r->row)
        put_rule(&t, r->row);
    else
        text_add(&t, "%s", words[r->why] ? words[r->why] : "");
    if (r->why == POLICY_WHY_NOT_GRANTED)
        text_add(&t, "; no grant is on record");
    if (r->why == POLICY_WHY_GRANTED && r->deadline)
        text_add(&t, "; until %s", config_date_text(r->deadline, day));
    if (r->why == POLICY_WHY_REMOTE)
        text_add(&t, "; it asks for no remote access, and the inventory says that it is reached from outside");
    if (r->why == POLICY_WHY_CAP && r->row)
        text_add(&t, "; share %u.%u %%, cap %u %%", r->share_permille / 10, r->share_permille % 10, r->row->cap_percent);
    if (r->row && r->row->override)
        text_add(&t, "; changed by " STR_FMT ": " STR_FMT, STR_ARG(r->row->override_file->r.id), STR_ARG(r->row->override->reason));
    return buf;
}
