/* SPDX-License-Identifier: Apache-2.0 */
/* Admission, N2 overload control (TS 38.413 8.7.6, 8.7.7; TS 23.501 5.19.5.2), back-off of phones (TS 24.501 5.3.9). */
#include "nf/amf/ue.h"
#include "base/log.h"

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
/* Of one node among those that are active, and the next one that comes. */
static uint32_t share(const struct amf_admission *a)
{
    uint32_t nodes = a->n_active + (amf_of(a)->gnbs_setup > a->n_active);
    uint32_t n = window(a, AMF_ORDINARY) / (nodes ? nodes : 1);
    return n ? n : 1;
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
void amf_gnb_load_forget(struct amf *amf, struct amf_gnb *gnb)
{
    deactivate(&amf->admission, &gnb->load);
    if (gnb->load.told)
        metric_add(amf->rt->metrics, METRIC_gnbs_overloaded, -1);
    gnb->load = (struct amf_gnb_load){.used = gnb->load.used, .verified = gnb->load.verified};
}

/* ---- N2 ---- */
static void reduction_tell(struct amf *amf, struct amf_gnb *gnb, uint32_t percent)
{
    struct ngap_OverloadStart start = {0};
    struct ngap_OverloadStop stop;
    memset(&stop, 0, sizeof stop);
    struct amf_gnb_load *g = &gnb->load;
    uint32_t before = g->told;
    g->told = (uint8_t)percent;
    metric_add(amf->rt->metrics, METRIC_gnbs_overloaded, (int64_t)(percent != 0) - (int64_t)(before != 0));
    if (!percent) {
        LOG(amf->rt->log, overload_stop, "gnb=%s", amf_gnb_text(gnb));
        amf_gnb_send(amf, gnb, NGAP_MSG_OverloadStop, &stop, 0);
        return;
    }
    metric_add(amf->rt->metrics, METRIC_overload_starts, 1);
    LOG(amf->rt->log, overload_start, "gnb=%s reduction=%u asked=%u put_off=%u running=%u", amf_gnb_text(gnb), percent, g->asked,
        g->put_off, amf->admission.used[AMF_ORDINARY]);
    start.has.AMFOverloadResponse = start.has.AMFTrafficLoadReductionIndication = 1;
    start.AMFOverloadResponse.sel = NGAP_OverloadResponse_overloadAction;
    start.AMFOverloadResponse.overloadAction = NGAP_OverloadAction_reject_rrc_cr_signalling;
    start.AMFTrafficLoadReductionIndication = percent;
    amf_gnb_send(amf, gnb, NGAP_MSG_OverloadStart, &start, 0);
}
/* What is put off comes on top of what the node holds back already; half a step up, and down the faster the more room
 * there is: who waits at the gNB waits for up to 16 s. */
static uint32_t reduction_wanted(const struct amf_admission *a, const struct amf_gnb_load *g)
{
    uint32_t percent = g->asked >= ASKED_LEAST ? g->put_off * 100 / g->asked : 0;
    uint32_t first = window(a, AMF_ORDINARY);
    if (percent >= PUT_OFF_LEAST) {
        uint32_t more = g->reduction + (100u - g->reduction) * percent / 200;
        return more < REDUCTION_MOST ? more : REDUCTION_MOST;
    }
    if (percent || a->used[AMF_ORDINARY] > first / 4 * 3)
        return g->reduction;
    uint32_t less = a->used[AMF_ORDINARY] > first / 2 ? g->reduction * 3u / 4 : g->reduction / 2u;
    return less < PUT_OFF_LEAST ? 0 : less;
}
static void node_tick(struct amf_admission *a, struct amf_gnb *gnb)
{
    struct amf_gnb_load *g = &gnb->load;
    uint32_t wanted = reduction_wanted(a, g), by = wanted > g->told ? wanted - g->told : g->told - wanted;
    g->reduction = (uint8_t)wanted;
    if (gnb->is_setup && (by >= STEP || (wanted == 0) != (g->told == 0)))
        reduction_tell(amf_of(a), gnb, wanted);
    bool rests = !g->used && !g->asked && !g->reduction;
    g->asked = g->put_off = 0;
    if (rests)
        deactivate(a, g);
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
}
static void tick(struct timer *t)
{
    struct amf_admission *a = CONTAINER(t, struct amf_admission, tick);
    uint64_t now_us = env_now_us(amf_of(a)->rt->env);
    limit_adapt(a, now_us > a->tick_at_us ? now_us - a->tick_at_us : 0);
    served_measure(a);
    LIST_EACH_SAFE (it, &a->active)
        node_tick(a, CONTAINER(it, struct amf_gnb, load.link));
    gauges(a);
    if (a->n_active)
        tick_set(a);
}

/* ---- windows ---- */
static void leave(struct amf_conn *c)
{
    struct amf_admission *a = &c->amf->admission;
    list_remove(&c->admitted);
    a->used[c->window]--;
    c->gnb->load.used--;
    c->gnb->load.verified -= c->admitted_verified;
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
    uint32_t has = verified ? g->verified : g->used;
    bool is_fair = class == AMF_EMERGENCY || has < share(a) * (class == AMF_HIGH ? 2 : 1);
    return is_fair && a->used[class] < window(a, class);
}
/* The window that takes it, or AMF_CLASSES. */
static enum amf_class window_for(const struct amf_admission *a, const struct amf_gnb_load *g, enum amf_class class, bool verified)
{
    uint32_t first = window(a, AMF_ORDINARY);
    bool has_share = g->used >= share(a);
    if (a->used[AMF_ORDINARY] < first && !(has_share && a->used[AMF_ORDINARY] >= first / 2))
        return AMF_ORDINARY;
    if (class != AMF_ORDINARY && has_room_beside(a, g, class, verified))
        return class;
    /* Anybody can write a cause; nobody else's MAC. */
    return verified && has_room_beside(a, g, AMF_PROTECTED, true) ? AMF_PROTECTED : AMF_CLASSES;
}
static bool put_off(struct amf_conn *c, enum amf_class class)
{
    c->gnb->load.put_off++;
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
    g->asked++;
    leases_end(a, c->amf->rt->now_us);
    if (!ue && amf_is_crowded(c->amf))
        return put_off(c, class);
    enum amf_class in = window_for(a, g, class, ue != NULL);
    if (in == AMF_CLASSES)
        return put_off(c, class);
    c->window = (uint8_t)in;
    c->admitted_verified = ue != NULL;
    c->admitted_us = c->amf->rt->now_us;
    list_append(&a->admitted, &c->admitted);
    a->used[in]++;
    g->used++;
    g->verified += c->admitted_verified;
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
    struct amf_gnb_load *g = &c->gnb->load;
    const struct config_amf *config = &c->amf->rt->config->amf;
    uint64_t now_us = c->amf->rt->now_us, served = a->served_s > SERVED_LEAST ? a->served_s : SERVED_LEAST;
    g->next_us = (g->next_us > now_us ? g->next_us : now_us) + (a->n_active ? a->n_active : 1) * 1000000ull / served;
    uint64_t s = config->t3346_s + (g->next_us - now_us) / 1000000;
    if (s > config->t3346_longest_s) {
        s = config->t3346_longest_s;
        g->next_us = now_us + s * 1000000; /* no further than phones are sent */
    }
    return (uint32_t)(s + rt_random(c->amf->rt) % (s / 4 + 1));
}

/* ---- life ---- */
void amf_admission_init(struct amf *amf)
{
    struct amf_admission *a = &amf->admission;
    a->limit = a->limit_now = amf->rt->config->amf.max_procedures;
    list_init(&a->admitted);
    list_init(&a->active);
    gauges(a);
}
void amf_admission_stop(struct amf *amf) { timer_stop(&amf->rt->timers, &amf->admission.tick); }
