/* SPDX-License-Identifier: Apache-2.0 */
/* Admission, N2 overload control (TS 38.413 8.7.6, 8.7.7; TS 23.501 5.19.5.2), fairness between
 * slices, back-off of phones (TS 24.501 5.3.9). */
#include "nf/amf/ue.h"
#include "base/log.h"
#include <stdio.h>

enum {
    TICK_US = 250000,
    LATE_US = 100000,     /* a tick that comes so late: the loop is */
    LEASE_US = 3000000,   /* a phone that has answered nothing for so long costs memory and no time: its place is free */
    PUT_OFF_LEAST = 10,   /* percent put off in a tick: below it the node is told nothing new */
    ASKED_LEAST = 8,      /* in a tick: fewer say nothing of a node */
    REDUCTION_MOST = 95,
    STEP = 10,            /* percent by which a reduction must differ to be told */
    SERVED_LEAST = 50,    /* a second: what is assumed before anything was measured */
    PHONE_BURST = 20,     /* procedures that one phone may begin at once, in terms of seconds at its rate … */
};
/* Windows of classes above the ordinary: the share of the first that they have beside it. */
static const uint8_t BESIDE[AMF_CLASSES] = {1, 8, 4, 4};

static struct amf *amf_of(const struct amf_admission *a) { return CONTAINER(a, struct amf, admission); }
static uint32_t window(const struct amf_admission *a, enum amf_class class)
{
    uint32_t n = class == AMF_ORDINARY ? a->limit_now : a->limit / BESIDE[class];
    return n ? n : 1;
}
/* Of one among those that are active, and the next one that comes. */
static uint32_t share_among(const struct amf_admission *a, uint32_t active, uint32_t there)
{
    uint32_t n = active + (there > active);
    n = window(a, AMF_ORDINARY) / (n ? n : 1);
    return n ? n : 1;
}
static uint32_t share(const struct amf_admission *a) { return share_among(a, a->n_active, amf_of(a)->gnbs_setup); }
static uint32_t slice_share(const struct amf_admission *a) { return share_among(a, a->n_slices_active, a->n_slices); }
static bool slice_has_share(const struct amf_admission *a, const struct amf_slice_load *s)
{
    return s && s->load.used >= slice_share(a);
}
/* A node's share is for the slices of its phones: one that floods does not use up what is another's. */
static bool node_has_share(const struct amf_admission *a, const struct amf_gnb_load *g, const struct amf_slice_load *s)
{
    uint32_t of_one = s && a->n_slices_active > 1 ? share(a) / a->n_slices_active : 0;
    return g->load.used >= share(a) && (!of_one || g->of_slice[s - a->slices] >= of_one);
}

/* ---- slices ---- */
static struct amf_slice_load *slice_find(struct amf_admission *a, const struct amf_slice *s)
{
    for (uint32_t i = 0; i < a->n_slices; i++)
        if (amf_slice_eq(&a->slices[i].slice, s))
            return &a->slices[i];
    return NULL;
}
/* Whom the phone is charged to: of its slices the one that has least, since it is not to be put off for one while
 * another of them has room (TS 38.413 8.7.6.2: "only"). NULL: nobody. */
static struct amf_slice_load *slice_of(struct amf_admission *a, const struct amf_slice *list, uint32_t n)
{
    struct amf_slice_load *least = NULL;
    for (uint32_t i = 0; a->n_slices > 1 && i < n; i++) {
        struct amf_slice_load *s = slice_find(a, &list[i]);
        if (s && (!least || s->load.used < least->load.used))
            least = s;
    }
    return least;
}
static uint8_t row_of(const struct amf_admission *a, const struct amf_slice_load *s) { return s ? (uint8_t)(s - a->slices + 1) : 0; }
static void slice_asks(struct amf_admission *a, struct amf_slice_load *s)
{
    if (!s)
        return;
    s->load.asked++;
    a->n_slices_active += !s->is_active;
    s->is_active = true;
}
static void charge(struct amf_admission *a, struct amf_conn *c, struct amf_slice_load *s)
{
    if (c->slice) {
        a->slices[c->slice - 1].load.used--;
        c->gnb->load.of_slice[c->slice - 1]--;
    }
    c->slice = row_of(a, s);
    if (c->slice) {
        s->load.used++;
        c->gnb->load.of_slice[c->slice - 1]++;
    }
}
/* A stranger is put off: a slice is to blame that has its share, or has it if those in the window who have not said turn
 * out to be what strangers did of late; where phones tell RAN nodes their slices, so that it can be held back alone. */
static struct amf_slice_load *slice_that_fills(struct amf_admission *a)
{
    uint32_t known = 0, strangers = 0;
    struct amf_slice_load *most = NULL;
    if (amf_of(a)->rt->config->amf.nssai_mode == CONFIG_NSSAI_MODE_D)
        return NULL;
    for (uint32_t i = 0; i < a->n_slices; i++) {
        struct amf_slice_load *s = &a->slices[i];
        known += s->load.used;
        strangers += s->strangers;
        if (!most || s->load.used + s->strangers > most->load.used + most->strangers)
            most = s;
    }
    if (!most || !strangers)
        return slice_has_share(a, most) ? most : NULL;
    uint32_t unknown = a->used[AMF_ORDINARY] > known ? a->used[AMF_ORDINARY] - known : 0;
    uint32_t likely = most->load.used + (uint32_t)((uint64_t)unknown * most->strangers / strangers);
    return likely >= slice_share(a) ? most : NULL;
}

/* ---- nodes ---- */
static void activate(struct amf_admission *a, struct amf_gnb_load *g)
{
    if (link_is_on(&g->link))
        return;
    list_append(&a->active, &g->link);
    a->n_active++;
}
static void deactivate(struct amf_admission *a, struct amf_gnb_load *g)
{
    if (!link_is_on(&g->link))
        return;
    list_remove(&g->link);
    a->n_active--;
}
static bool is_told(const struct amf_gnb_load *g)
{
    static const uint8_t NONE[AMF_LOAD_SLICES];
    return g->told || memcmp(g->told_slices, NONE, sizeof NONE) != 0;
}
void amf_gnb_load_forget(struct amf *amf, struct amf_gnb *gnb)
{
    struct amf_gnb_load *g = &gnb->load;
    deactivate(&amf->admission, g);
    if (is_told(g))
        metric_add(amf->rt->metrics, METRIC_gnbs_overloaded, -1);
    g->load = (struct amf_load){.used = g->load.used};
    g->told = 0;
    memset(g->told_slices, 0, sizeof g->told_slices);
}

/* ---- N2 ---- */
struct told { /* what OVERLOAD START says: it is all that holds from then on */
    uint8_t all, slices[AMF_LOAD_SLICES];
};
static bool serves(const struct amf_gnb *gnb, const struct amf_slice *s)
{
    for (uint32_t i = 0; i < gnb->n_tas; i++) {
        const struct amf_plmn_support *p = &gnb->amf->config.plmns[gnb->tas[i].plmn];
        for (uint32_t j = 0; j < p->n_slices; j++)
            if (gnb->tas[i].slices >> j & 1 && amf_slice_eq(&p->slices[j], s))
                return true;
    }
    return false;
}
static struct ngap_OverloadResponse response(void)
{
    return (struct ngap_OverloadResponse){.sel = NGAP_OverloadResponse_overloadAction,
                                          .overloadAction = NGAP_OverloadAction_reject_rrc_cr_signalling};
}
struct slice_list {
    struct ngap_OverloadStartNSSAIItem items[AMF_LOAD_SLICES];
    struct ngap_SliceOverloadItem slices[AMF_LOAD_SLICES];
    char text[AMF_LOAD_SLICES * 20];
};
static void slices_fill(const struct amf_admission *a, const struct told *t, struct slice_list *l, struct ngap_OverloadStart *m)
{
    uint32_t n = 0, at = 0;
    l->text[0] = 0;
    for (uint32_t i = 0; i < a->n_slices; i++) {
        if (!t->slices[i])
            continue;
        const struct amf_slice *s = &a->slices[i].slice;
        struct ngap_OverloadStartNSSAIItem *item = &l->items[n];
        *item = (struct ngap_OverloadStartNSSAIItem){.sliceOverloadList = {&l->slices[n], 1},
                                                     .sliceOverloadResponse = response(),
                                                     .sliceTrafficLoadReductionIndication = t->slices[i]};
        item->has.sliceOverloadResponse = item->has.sliceTrafficLoadReductionIndication = 1;
        l->slices[n] = (struct ngap_SliceOverloadItem){0};
        amf_slice_ngap(s, &l->slices[n++].s_NSSAI);
        char sd[8] = "";
        if (s->has_sd)
            snprintf(sd, sizeof sd, "-%06x", be24(s->sd));
        at += (uint32_t)snprintf(l->text + at, sizeof l->text - at, "%s%u%s:%u", n > 1 ? "," : "", s->sst, sd, t->slices[i]);
    }
    m->has.OverloadStartNSSAIList = n > 0;
    m->OverloadStartNSSAIList.v = l->items;
    m->OverloadStartNSSAIList.n = n;
}
static void reduction_tell(struct amf *amf, struct amf_gnb *gnb, const struct told *t)
{
    struct ngap_OverloadStart start = {0};
    struct ngap_OverloadStop stop;
    struct slice_list l;
    memset(&stop, 0, sizeof stop);
    struct amf_gnb_load *g = &gnb->load;
    bool before = is_told(g);
    g->told = t->all;
    memcpy(g->told_slices, t->slices, sizeof g->told_slices);
    metric_add(amf->rt->metrics, METRIC_gnbs_overloaded, (int64_t)is_told(g) - (int64_t)before);
    if (!is_told(g)) {
        LOG(amf->rt->log, overload_stop, "gnb=%s", amf_gnb_text(gnb));
        amf_gnb_send(amf, gnb, NGAP_MSG_OverloadStop, &stop, 0);
        return;
    }
    slices_fill(&amf->admission, t, &l, &start);
    metric_add(amf->rt->metrics, METRIC_overload_starts, 1);
    LOG(amf->rt->log, overload_start, "gnb=%s reduction=%u slices=%s asked=%u put_off=%u running=%u", amf_gnb_text(gnb), t->all, l.text,
        g->load.asked, g->load.put_off, amf->admission.used[AMF_ORDINARY]);
    start.has.AMFOverloadResponse = start.has.AMFTrafficLoadReductionIndication = t->all != 0;
    start.AMFOverloadResponse = response();
    start.AMFTrafficLoadReductionIndication = t->all;
    amf_gnb_send(amf, gnb, NGAP_MSG_OverloadStart, &start, 0);
}
/* What is put off comes on top of what is held back already; half a step up, and down the faster the more room there
 * is: who waits at the gNB waits for up to 16 s. */
static uint8_t reduction_wanted(const struct amf_admission *a, const struct amf_load *l, bool others_fill)
{
    uint32_t percent = l->asked >= ASKED_LEAST ? l->put_off * 100 / l->asked : 0;
    uint32_t first = window(a, AMF_ORDINARY);
    if (percent >= PUT_OFF_LEAST) {
        uint32_t more = l->reduction + (100u - l->reduction) * percent / 200;
        return more < REDUCTION_MOST ? (uint8_t)more : REDUCTION_MOST;
    }
    if (percent || (a->used[AMF_ORDINARY] > first / 4 * 3 && !others_fill))
        return l->reduction;
    uint32_t less = a->used[AMF_ORDINARY] > first / 2 ? l->reduction * 3u / 4 : l->reduction / 2u;
    return less < PUT_OFF_LEAST ? 0 : (uint8_t)less;
}
static bool is_news(uint8_t wanted, uint8_t told)
{
    return (wanted > told ? wanted - told : told - wanted) >= STEP || (wanted == 0) != (told == 0);
}
static void node_tick(struct amf_admission *a, struct amf_gnb *gnb, bool by_slice)
{
    struct amf_gnb_load *g = &gnb->load;
    g->load.reduction = reduction_wanted(a, &g->load, by_slice);
    struct told t = {.all = g->load.reduction};
    bool news = is_news(t.all, g->told);
    for (uint32_t i = 0; i < a->n_slices; i++) {
        uint8_t wanted = a->slices[i].load.reduction;
        t.slices[i] = wanted && serves(gnb, &a->slices[i].slice) ? wanted : 0;
        news |= is_news(t.slices[i], g->told_slices[i]);
    }
    if (gnb->is_setup && news)
        reduction_tell(amf_of(a), gnb, &t);
    bool rests = !g->load.used && !g->load.asked && !g->load.reduction && !is_told(g);
    g->load.asked = g->load.put_off = 0;
    if (rests)
        deactivate(a, g);
}
static void slice_tick(struct amf_admission *a, struct amf_slice_load *s)
{
    struct amf_load *l = &s->load;
    l->reduction = reduction_wanted(a, l, false);
    if (s->is_active && !l->used && !l->asked && !l->reduction) {
        s->is_active = false;
        a->n_slices_active--;
    }
    l->asked = l->put_off = 0;
    s->strangers /= 2;
}

/* ---- the tick ---- */
static void tick(struct timer *);
static void tick_set(struct amf_admission *a)
{
    struct amf *amf = amf_of(a);
    a->tick_at_us = amf->rt->now_us + TICK_US;
    timer_set(&amf->rt->timers, &a->tick, a->tick_at_us, tick);
}
/* A loop that is late has more work than it gets done: fewer at once until it is not. */
static void limit_adapt(struct amf_admission *a, uint64_t late_us)
{
    uint32_t least = a->limit / 8 ? a->limit / 8 : 1, step = a->limit / 16 ? a->limit / 16 : 1;
    if (late_us > LATE_US)
        a->limit_now = a->limit_now / 4 * 3 > least ? a->limit_now / 4 * 3 : least;
    else
        a->limit_now = a->limit_now + step < a->limit ? a->limit_now + step : a->limit;
}
static void served_measure(struct amf_admission *a)
{
    uint32_t s = a->ended * (1000000 / TICK_US);
    a->served_s = s > a->served_s ? a->served_s + (s - a->served_s + 1) / 2 : a->served_s - (a->served_s - s) / 32;
    a->ended = 0;
}
static void gauges(struct amf_admission *a)
{
    metric_set(amf_of(a)->rt->metrics, METRIC_admitted, a->used[AMF_ORDINARY]);
    metric_set(amf_of(a)->rt->metrics, METRIC_admission_limit, a->limit_now);
    int64_t held = 0;
    for (uint32_t i = 0; i < a->n_slices; i++)
        held += a->slices[i].load.reduction != 0;
    metric_set(amf_of(a)->rt->metrics, METRIC_slices_overloaded, held);
}
static void tick(struct timer *t)
{
    struct amf_admission *a = CONTAINER(t, struct amf_admission, tick);
    uint64_t now_us = env_now_us(amf_of(a)->rt->env);
    limit_adapt(a, now_us > a->tick_at_us ? now_us - a->tick_at_us : 0);
    served_measure(a);
    bool by_slice = false; /* what fills the window is a slice: nobody else is held back for it */
    for (uint32_t i = 0; i < a->n_slices; i++) {
        slice_tick(a, &a->slices[i]);
        by_slice |= a->slices[i].load.reduction != 0;
    }
    LIST_EACH_SAFE (it, &a->active)
        node_tick(a, CONTAINER(it, struct amf_gnb, load.link), by_slice);
    gauges(a);
    if (a->n_active)
        tick_set(a);
    for (uint32_t i = 0; !a->n_active && i < a->n_slices; i++)
        a->slices[i].strangers = 0; /* no ticks until somebody comes: these will not be of late then */
}

/* ---- windows ---- */
static void leave(struct amf_conn *c)
{
    struct amf_admission *a = &c->amf->admission;
    list_remove(&c->admitted);
    a->used[c->window]--;
    c->gnb->load.load.used--;
    c->gnb->load.verified -= c->admitted_verified;
    charge(a, c, NULL);
}
static void leases_end(struct amf_admission *a, uint64_t now_us)
{
    while (!list_empty(&a->admitted)) {
        struct amf_conn *c = CONTAINER(a->admitted.next, struct amf_conn, admitted);
        if (c->admitted_us + LEASE_US > now_us)
            return;
        leave(c);
    }
}
/* The last of memory and of connections (there are some more than phones) is for phones that have proved who they are:
 * strangers cost nothing to make. */
bool amf_is_crowded(const struct amf *amf)
{
    const struct frames *m = &amf->rt->frames;
    const struct slab *conns = &amf->ues->conns;
    return m->in_use > m->cap / 4 * 3 || conns->used > conns->max - (conns->max - amf->ues->ues.max) / 2;
}
/* Of a node's share beside the first window strangers take nothing from phones that are verified: who floods a cell does
 * not keep out those who live there. */
static bool has_room_beside(const struct amf_admission *a, const struct amf_gnb_load *g, enum amf_class class, bool verified)
{
    uint32_t has = verified ? g->verified : g->load.used;
    bool is_fair = class == AMF_EMERGENCY || has < share(a) * (class == AMF_HIGH ? 2 : 1);
    return is_fair && a->used[class] < window(a, class);
}
/* The window that takes it, or AMF_CLASSES. */
static enum amf_class window_for(const struct amf_admission *a, const struct amf_conn *c, const struct amf_slice_load *s,
                                 enum amf_class class, bool verified)
{
    const struct amf_gnb_load *g = &c->gnb->load;
    uint32_t first = window(a, AMF_ORDINARY);
    bool has_share = node_has_share(a, g, s) || slice_has_share(a, s);
    if (a->used[AMF_ORDINARY] < first && !(has_share && a->used[AMF_ORDINARY] >= first / 2))
        return AMF_ORDINARY;
    if (class != AMF_ORDINARY && has_room_beside(a, g, class, verified))
        return class;
    /* Anybody can write a cause; nobody else's MAC. */
    return verified && has_room_beside(a, g, AMF_PROTECTED, true) ? AMF_PROTECTED : AMF_CLASSES;
}
/* It counts against the slice that is to blame, so that its gNB need not hold back others; otherwise, and when
 * the loop does not get its work done, against its gNB. */
static bool put_off(struct amf_conn *c, struct amf_slice_load *blamed, enum amf_class class)
{
    struct amf_admission *a = &c->amf->admission;
    c->slice = row_of(a, blamed);
    if (blamed)
        blamed->load.put_off++;
    if (!blamed || a->limit_now <= a->limit / 2)
        c->gnb->load.load.put_off++;
    metric_add(c->amf->rt->metrics, METRIC_put_off_slice, blamed != NULL);
    metric_add_at(c->amf->rt->metrics, METRIC_put_off, class, 1);
    return false;
}
bool amf_admit(struct amf_conn *c, struct amf_ue *ue, enum amf_class class)
{
    struct amf_admission *a = &c->amf->admission;
    struct amf_gnb_load *g = &c->gnb->load;
    if (link_is_on(&c->admitted))
        return true;
    activate(a, g);
    if (!timer_is_running(&a->tick))
        tick_set(a);
    g->load.asked++;
    leases_end(a, c->amf->rt->now_us);
    struct amf_slice_load *s = ue ? slice_of(a, ue->allowed, ue->n_allowed) : NULL;
    slice_asks(a, s);
    enum amf_class in = !ue && amf_is_crowded(c->amf) ? AMF_CLASSES : window_for(a, c, s, class, ue != NULL);
    if (in == AMF_CLASSES) {
        c->slice_guessed = !ue;
        if (!ue) {
            s = slice_that_fills(a);
            slice_asks(a, s);
        }
        return put_off(c, !ue || slice_has_share(a, s) ? s : NULL, class);
    }
    c->window = (uint8_t)in;
    c->admitted_verified = ue != NULL;
    c->admitted_us = c->amf->rt->now_us;
    list_append(&a->admitted, &c->admitted);
    a->used[in]++;
    g->load.used++;
    g->verified += c->admitted_verified;
    c->slice = 0;
    charge(a, c, s);
    return true;
}
bool amf_admit_slices(struct amf_conn *c, const struct amf_slice *list, uint32_t n)
{
    struct amf_admission *a = &c->amf->admission;
    struct amf_slice_load *s = slice_of(a, list, n);
    if (!link_is_on(&c->admitted) || !s || c->slice == row_of(a, s))
        return true;
    if (!c->slice) {
        enum amf_class class = amf_class_of(c, NULL);
        slice_asks(a, s);
        s->strangers += 16; /* so that it lasts some ticks */
        if (class == AMF_ORDINARY && a->n_slices_active > 1 && slice_has_share(a, s) &&
            a->used[AMF_ORDINARY] > window(a, AMF_ORDINARY) / 2) {
            leave(c);
            c->slice_guessed = false;
            return put_off(c, s, class);
        }
    }
    charge(a, c, s);
    return true;
}
void amf_admit_end(struct amf_conn *c, bool well)
{
    c->amf->admission.ended += well;
    if (link_is_on(&c->admitted))
        leave(c);
}
enum amf_class amf_class_of(const struct amf_conn *c, const struct amf_ue *ue)
{
    switch (c->rrc_cause) {
    case NGAP_RRCEstablishmentCause_emergency: return AMF_EMERGENCY;
    case NGAP_RRCEstablishmentCause_highPriorityAccess:
    case NGAP_RRCEstablishmentCause_mps_PriorityAccess:
    case NGAP_RRCEstablishmentCause_mcs_PriorityAccess: return AMF_HIGH;
    case NGAP_RRCEstablishmentCause_mt_Access: return ue ? AMF_HIGH : AMF_ORDINARY;
    default: return ue ? AMF_PROTECTED : AMF_ORDINARY;
    }
}

/* ---- one phone ---- */
/* When it would be at rest again, were it to go on at its rate. */
bool amf_phone_may(struct amf_ue *ue)
{
    uint32_t rate = ue->amf->rt->config->amf.phone_rate;
    uint64_t now_us = ue->amf->rt->now_us;
    if (!rate)
        return true;
    uint64_t from_us = ue->busy_until_us > now_us ? ue->busy_until_us : now_us;
    if (from_us - now_us > (uint64_t)PHONE_BURST * 1000000)
        return false;
    ue->busy_until_us = from_us + 1000000 / rate;
    return true;
}
uint32_t amf_back_off_s(struct amf_conn *c)
{
    struct amf_admission *a = &c->amf->admission;
    bool by_slice = c->slice && !c->slice_guessed && !link_is_on(&c->admitted);
    struct amf_load *l = by_slice ? &a->slices[c->slice - 1].load : &c->gnb->load.load;
    uint32_t among = by_slice ? a->n_slices_active : a->n_active;
    const struct config_amf *config = &c->amf->rt->config->amf;
    uint64_t now_us = c->amf->rt->now_us, served = a->served_s > SERVED_LEAST ? a->served_s : SERVED_LEAST;
    l->next_us = (l->next_us > now_us ? l->next_us : now_us) + (among ? among : 1) * 1000000ull / served;
    uint64_t s = config->t3346_s + (l->next_us - now_us) / 1000000;
    if (s > config->t3346_longest_s) {
        s = config->t3346_longest_s;
        l->next_us = now_us + s * 1000000; /* no further than phones are sent */
    }
    return (uint32_t)(s + rt_random(c->amf->rt) % (s / 4 + 1));
}

/* ---- life ---- */
static void slices_init(struct amf_admission *a, const struct amf_config *c)
{
    a->n_slices = a->n_slices_active = 0;
    for (uint32_t i = 0; i < c->n_plmns; i++)
        for (uint32_t j = 0; j < c->plmns[i].n_slices && a->n_slices < AMF_LOAD_SLICES; j++)
            if (!slice_find(a, &c->plmns[i].slices[j]))
                a->slices[a->n_slices++] = (struct amf_slice_load){.slice = c->plmns[i].slices[j]};
}
void amf_admission_init(struct amf *amf)
{
    struct amf_admission *a = &amf->admission;
    slices_init(a, &amf->config);
    a->limit = a->limit_now = amf->rt->config->amf.max_procedures;
    list_init(&a->admitted);
    list_init(&a->active);
    gauges(a);
}
void amf_admission_stop(struct amf *amf) { timer_stop(&amf->rt->timers, &amf->admission.tick); }
