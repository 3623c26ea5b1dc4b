/* SPDX-License-Identifier: Apache-2.0 */
/* More than the AMF can do: thousands at once with a small limit, a gNB and a phone that flood, who is let in first, and
 * what gNBs and phones do when they are told to hold back. */
#include "tests/net/net.h"
#include "base/hist.h"
#include <malloc.h>

static struct seen {
    struct hist us; /* of admitted registrations: from the message that was not put off */
    uint32_t refused[256], registered, barred;
    uint32_t n[NET_CELLS]; /* registered, by cell */
} *seen;
static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct net *n = ctx;
    if (e->kind == UE_REGISTERED) {
        hist_add(&seen->us, e->us);
        seen->registered++;
        if (ue->cell)
            seen->n[ue->cell - n->cells]++;
    }
    if (e->kind == UE_REGISTRATION_FAILED || e->kind == UE_SERVICE_FAILED)
        seen->refused[e->cause]++;
    seen->barred += e->kind == UE_BARRED;
    net_event(ctx, ue, e);
}
static struct net *open_net(struct net_options o)
{
    o.metrics = true;
    struct net *n = net_new(o);
    seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    n->ran.config.event = on_event;
    return n;
}
static void close_net(struct net *n)
{
    net_free(n);
    free(seen);
}
static uint32_t ready(const struct net *n)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n->o.phones; i++)
        k += n->ue[i]->state == MM_REGISTERED && n->ue[i]->sessions && n->ue[i]->sessions->state == SM_ACTIVE;
    return k;
}

/* ---- a storm ---- */
static void storm(void **state)
{
    enum { PHONES = 2000, LIMIT = 16 };
    struct world_faults f = {.delay_min_us = 500, .delay_max_us = 5000};
    struct net *n = open_net((struct net_options){.seed = 1, .phones = PHONES, .faults = &f, .more = "  max_procedures: 16\n"});
    for (uint32_t i = 0; i < PHONES; i++) {
        ue_camp(n->ue[i], &n->cells[i % NET_CELLS]);
        ue_register(n->ue[i]);
        ue_session_open(n->ue[i], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
        if (i % 2)
            net_run(n, NET_MS);
    }
    size_t memory = 0;
    uint64_t end = world_now_us(n->w) + 300 * NET_S;
    while (ready(n) < PHONES && world_now_us(n->w) < end) {
        net_run(n, NET_MS * 5);
        memory = n->core.frames.in_use > memory ? n->core.frames.in_use : memory;
        assert_true(n->amf->admission.used[AMF_ORDINARY] <= LIMIT);
    }
    assert_int_equal(ready(n), PHONES);
    assert_true(seen->refused[NAS_GMM_CAUSE_CONGESTION] > 0);
    assert_true(n->cells[0].gnb.overload_starts > 0 && n->ran.counters.barred > 0);
    for (uint32_t cause = 0; cause < 256; cause++)
        assert_true(cause == NAS_GMM_CAUSE_CONGESTION || seen->refused[cause] == 0);
    assert_true(hist_percentile(&seen->us, 99) <= 10 * hist_percentile(&seen->us, 50));
    assert_true(seen->us.max < NET_S);
    assert_true(memory < 4 << 20); /* of LIMIT registrations and their sessions, not of PHONES */
    net_run(n, 10 * NET_S);
    for (uint32_t i = 0; i < NET_CELLS; i++) {
        assert_false(n->cells[i].gnb.is_overloaded);
        assert_true(n->cells[i].gnb.overload_stops > 0);
    }
    assert_int_equal(metric_get(n->core.metrics, METRIC_gnbs_overloaded), 0);
    assert_int_equal(n->amf->admission.used[AMF_ORDINARY], 0);
    net_agree(n);
    close_net(n);
}

/* ---- more than the configuration has room for ---- */
static size_t heap_octets(void)
{
    struct mallinfo2 m = mallinfo2(); /* of the whole world; under AddressSanitizer nothing is known */
    return m.uordblks + m.hblkhd;
}
static void within(const struct net *n, uint32_t most)
{
    assert_true(n->amf->ues->ues.used <= most && n->amf->ues->ues.max <= most);
    assert_true(n->amf->ues->conns.used <= n->amf->ues->conns.max);
    assert_true(n->core.frames.in_use <= n->core.frames.cap);
    assert_true(n->smf->sessions.used <= n->config.smf.max_sessions);
    assert_true(n->upf->sessions.used <= n->config.upf.max_sessions);
}
/* Ten times as many as amf.max_ues: those that there is room for have it and keep it, all others are told to come later, and
 * cost nothing that stays. */
static void memory_is_what_the_configuration_says(void **state)
{
    enum { ROOM = 100, PHONES = 1000 };
    struct net *n = open_net((struct net_options){.seed = 8, .phones = PHONES, .max_ues = ROOM, .more = "  max_procedures: 16\n"});
    for (uint32_t i = 0; i < ROOM; i++) {
        net_register(n, n->ue[i]);
        ue_session_open(n->ue[i], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    }
    net_run(n, 5 * NET_S);
    for (uint32_t i = ROOM; i < PHONES; i++) /* what a connection needs is there the first time that all are in use */
        ue_camp(n->ue[i], &n->cells[i % NET_CELLS]);
    size_t before = 0, most = 0;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = ROOM; i < PHONES; i++) {
            timer_stop(&n->ran_rt.timers, &n->ue[i]->t_hold);
            timer_stop(&n->ran_rt.timers, &n->ue[i]->t_retry);
            ue_register(n->ue[i]);
        }
        for (uint32_t ms = 0; ms < 3000; ms += 10) {
            net_run(n, 10 * NET_MS);
            within(n, ROOM);
            size_t now = heap_octets();
            most = round && now > most ? now : most;
        }
        before = round ? before : heap_octets();
    }
    assert_true(most <= before + (256 << 10)); /* of 1,800 refusals, less than 150 octets each */
    assert_true(seen->refused[NAS_GMM_CAUSE_CONGESTION] > 2 * (PHONES - ROOM));
    assert_int_equal(n->amf->ues->registered, ROOM);
    for (uint32_t i = 0; i < ROOM; i++)
        assert_true(n->ue[i]->state == MM_REGISTERED && n->ue[i]->sessions && n->ue[i]->sessions->state == SM_ACTIVE);
    close_net(n);
}

/* ---- a gNB floods ---- */
static void never_answers(struct ue *ue)
{
    ue->faults.drop_up = NAS_AUTHENTICATION_RESPONSE;
    ue->faults.drop_times = 255;
}
/* It obeys nobody: no back-off, no overload action, and its phones never answer a challenge. */
static void flood(struct net *n, uint32_t first)
{
    n->cells[1].gnb.is_overloaded = false;
    for (uint32_t i = first; i < n->o.phones; i++) {
        struct ue *ue = n->ue[i];
        never_answers(ue);
        timer_stop(&n->ran_rt.timers, &ue->t_hold);
        timer_stop(&n->ran_rt.timers, &ue->t_retry);
        if (!ue->link && ue->state == MM_DEREGISTERED)
            ue_register(ue);
    }
}
static void one_gnb_floods(void **state)
{
    enum { HONEST = 60, FLOOD = 400 };
    struct net *n = open_net((struct net_options){.seed = 2, .phones = HONEST + FLOOD, .more = "  max_procedures: 40\n"});
    for (uint32_t i = HONEST; i < n->o.phones; i++)
        ue_camp(n->ue[i], &n->cells[1]);
    for (uint32_t ms = 0, next = 0; ms < 4000; ms += 10) {
        flood(n, HONEST);
        if (ms >= 400 && ms % 50 == 0 && next < HONEST)
            ue_register(n->ue[next++]);
        net_run(n, 10 * NET_MS);
        assert_true(n->cells[1].gnb.state == GNB_READY);
    }
    assert_int_equal(seen->n[0], HONEST); /* each at the first try */
    assert_int_equal(seen->n[1], 0);
    assert_true(seen->us.max < 200 * NET_MS);
    assert_int_equal(n->cells[0].gnb.overload_starts, 0);
    assert_true(n->cells[1].gnb.overload_starts > 0);
    assert_true(seen->refused[NAS_GMM_CAUSE_CONGESTION] > FLOOD);
    close_net(n);
}

/* ---- a phone floods ---- */
static void one_phone_floods(void **state)
{
    enum { OTHERS = 20, SECONDS = 30, RATE = 2 };
    struct net *n = open_net((struct net_options){.seed = 3, .phones = OTHERS + 1, .more = "  phone_rate: 2\n"});
    struct ue *wild = n->ue[0];
    net_register(n, wild);
    uint32_t tries = 0;
    for (uint32_t ms = 0; ms < SECONDS * 1000; ms += 10) {
        timer_stop(&n->ran_rt.timers, &wild->t_hold); /* obeys no back-off */
        if (wild->link && wild->state == MM_REGISTERED)
            gnb_ue_release_request(wild->link, NGAP_CauseRadioNetwork_user_inactivity);
        else if (!wild->link && ue_service(wild) == OK)
            tries++;
        if (ms % 1000 == 0 && ms / 1000 < OTHERS)
            ue_register(n->ue[1 + ms / 1000]);
        net_run(n, 10 * NET_MS);
    }
    assert_true(tries > 1000);
    assert_true(n->count[UE_SERVICE_ACCEPTED] <= RATE * (SECONDS + 21));
    assert_true(seen->refused[NAS_GMM_CAUSE_CONGESTION] > 500);
    assert_int_equal(seen->registered, OTHERS + 1);
    assert_true(seen->us.max < 100 * NET_MS);
    assert_int_equal(wild->state, MM_REGISTERED); /* put off, and registered still */
    net_run(n, 60 * NET_S);
    close_net(n);
}

/* ---- who is let in first ---- */
static void the_known_and_the_paged_get_in(void **state)
{
    enum { KNOWN = 3, STRANGERS = 60 };
    struct net *n = open_net((struct net_options){.seed = 4, .phones = KNOWN + STRANGERS, .more = "  max_procedures: 16\n"});
    for (uint32_t i = 0; i < KNOWN; i++) {
        net_register(n, n->ue[i]);
        ue_session_open(n->ue[i], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    }
    net_run(n, NET_S);
    for (uint32_t i = 0; i < KNOWN; i++)
        gnb_ue_release_request(n->ue[i]->link, NGAP_CauseRadioNetwork_user_inactivity);
    net_run(n, NET_S);
    for (uint32_t i = KNOWN; i < n->o.phones; i++) {
        never_answers(n->ue[i]);
        ue_camp(n->ue[i], &n->cells[i % NET_CELLS]);
        ue_register(n->ue[i]);
    }
    net_run(n, 20 * NET_MS);
    assert_int_equal(n->amf->admission.used[AMF_ORDINARY], 16);
    net_from_far(n, n->ue[0]->sessions); /* is paged and answers: high priority, and the gNB lets it through */
    net_run(n, 200 * NET_MS);
    assert_non_null(n->ue[0]->link);
    assert_int_equal(n->ue[0]->state, MM_REGISTERED);
    assert_int_equal(n->count[UE_SERVICE_ACCEPTED], 1);
    /* A service request of its own, at a gNB that does not hold back and of whose share strangers have all. */
    n->cells[0].gnb.is_overloaded = false;
    assert_int_equal(ue_service(n->ue[1]), OK);
    net_run(n, 200 * NET_MS);
    assert_int_equal(n->count[UE_SERVICE_ACCEPTED], 2);
    /* Those who answer nothing lose their place after 3 s: whoever comes then gets in. */
    n->cells[0].gnb.is_overloaded = false;
    n->ue[KNOWN + STRANGERS - 1]->faults = (struct ue_faults){0};
    assert_true(net_run_until(n, n->ue[KNOWN + STRANGERS - 1]->state == MM_REGISTERED, 60 * NET_S));
    close_net(n);
}

static struct amf_gnb *node_of(struct net *n, const char *name)
{
    struct amf_gnb *node;
    for (uint32_t i = 0; (node = slab_next(&n->amf->gnbs, &i)) && strcmp(node->id_text, name);)
        ;
    assert_non_null(node);
    return node;
}
/* Begins with this cause at the node; the window that takes it, or AMF_CLASSES. */
static enum amf_class taken_by(struct net *n, struct amf_gnb *node, uint32_t id, uint8_t rrc_cause, bool is_known)
{
    struct amf_ue *ue = is_known ? net_amf_ue(n, n->ue[0]) : NULL;
    struct amf_conn *c = amf_conn_new(n->amf, node, id);
    assert_non_null(c);
    c->rrc_cause = rrc_cause;
    return amf_admit(c, ue, amf_class_of(c, ue)) ? (enum amf_class)c->window : AMF_CLASSES;
}
static void classes_and_shares(void **state)
{
    enum { LIMIT = 16, SIGNALLING = NGAP_RRCEstablishmentCause_mo_Signalling };
    struct net *n = open_net((struct net_options){.seed = 7, .phones = 1, .more = "  max_procedures: 16\n"});
    struct amf_gnb *a = node_of(n, "gnb-001-01-000001"), *b = node_of(n, "gnb-001-01-000002");
    uint32_t id = 0x10000;
    net_register(n, n->ue[0]);
    rt_enter(&n->core);
    for (uint32_t i = 0; i < LIMIT / 2; i++) /* alone it may have half, the other's share stays free */
        assert_int_equal(taken_by(n, a, id++, SIGNALLING, false), AMF_ORDINARY);
    assert_int_equal(taken_by(n, a, id++, SIGNALLING, false), AMF_CLASSES);
    /* Known: what strangers take of its node's share is not taken from it; an eighth, whatever node it is at. */
    assert_int_equal(taken_by(n, a, id++, SIGNALLING, true), AMF_PROTECTED);
    assert_int_equal(taken_by(n, a, id++, SIGNALLING, true), AMF_PROTECTED);
    assert_int_equal(taken_by(n, a, id++, SIGNALLING, true), AMF_CLASSES);
    for (uint32_t i = 0; i < LIMIT / 2; i++)
        assert_int_equal(taken_by(n, b, id++, SIGNALLING, false), AMF_ORDINARY);
    assert_int_equal(n->amf->admission.used[AMF_ORDINARY], LIMIT);
    assert_int_equal(taken_by(n, b, id++, SIGNALLING, false), AMF_CLASSES);
    /* mt-Access is believed of phones that are verified */
    assert_int_equal(taken_by(n, b, id++, NGAP_RRCEstablishmentCause_mt_Access, false), AMF_CLASSES);
    assert_int_equal(taken_by(n, b, id++, NGAP_RRCEstablishmentCause_mt_Access, true), AMF_HIGH);
    assert_int_equal(taken_by(n, b, id++, NGAP_RRCEstablishmentCause_mps_PriorityAccess, false), AMF_HIGH);
    assert_int_equal(taken_by(n, b, id++, NGAP_RRCEstablishmentCause_highPriorityAccess, false), AMF_HIGH);
    assert_int_equal(taken_by(n, b, id++, NGAP_RRCEstablishmentCause_mcs_PriorityAccess, false), AMF_HIGH);
    assert_int_equal(taken_by(n, a, id++, NGAP_RRCEstablishmentCause_highPriorityAccess, false), AMF_CLASSES); /* a quarter */
    for (uint32_t i = 0; i < LIMIT / 4; i++) /* whatever share the node has */
        assert_int_equal(taken_by(n, a, id++, NGAP_RRCEstablishmentCause_emergency, false), AMF_EMERGENCY);
    assert_int_equal(taken_by(n, a, id++, NGAP_RRCEstablishmentCause_emergency, false), AMF_CLASSES);
    /* The last of the memory is for who is verified, whatever a stranger calls himself. */
    struct frames *memory = &n->amf->rt->frames;
    size_t in_use = memory->in_use;
    amf_admit_end(amf_conn_by_ran(n->amf, a, id - 2), false);
    memory->in_use = memory->cap / 4 * 3 + 1;
    assert_int_equal(taken_by(n, a, id++, NGAP_RRCEstablishmentCause_emergency, false), AMF_CLASSES);
    assert_int_equal(taken_by(n, a, id++, NGAP_RRCEstablishmentCause_emergency, true), AMF_EMERGENCY);
    memory->in_use = in_use;
    /* T3346: each later than the one before, and a flood of one node's phones does not put off the other's */
    uint32_t first = amf_back_off_s(CONTAINER(b->conns.next, struct amf_conn, on_gnb)), last = 0;
    for (uint32_t i = 0; i < 2000; i++)
        last = amf_back_off_s(CONTAINER(a->conns.next, struct amf_conn, on_gnb));
    assert_in_range(first, 4, 6);
    assert_true(last > 60);
    assert_in_range(amf_back_off_s(CONTAINER(b->conns.next, struct amf_conn, on_gnb)), 4, 6);
    for (uint32_t i = 0x10000; i < id; i++) {
        struct amf_conn *c = amf_conn_by_ran(n->amf, a, i);
        amf_conn_drop(c ? c : amf_conn_by_ran(n->amf, b, i));
    }
    for (uint32_t i = 0; i < AMF_CLASSES; i++)
        assert_int_equal(n->amf->admission.used[i], 0);
    net_run(n, 3 * NET_S);
    close_net(n);
}

/* ---- sessions and slices ---- */
static void two_slices(struct ue_config *c, uint32_t i)
{
    c->n_slices = 2;
    c->slices[1] = (struct gnb_slice){.sst = 1, .sd = {0, 0, 9}, .has_sd = true};
}
static uint32_t sessions_of(const struct net *n, bool has_sd)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n->o.phones; i++)
        for (const struct ue_session *s = n->ue[i]->sessions; s; s = s->next)
            k += s->state == SM_ACTIVE && s->slice.has_sd == has_sd;
    return k;
}
static void again(void *ctx, struct ue *ue, const struct ue_event *e)
{
    if (e->kind == UE_SESSION_FAILED) { /* its user asks again at once; the phone waits for T3396 */
        seen->refused[e->cause]++;
        assert_true(ue_backs_off(ue));
        assert_true(ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4, .has_slice = true, .slice = {.sst = 1}}) > 0);
    }
    net_event(ctx, ue, e);
}
static void sessions_by_the_dozen(void **state)
{
    enum { PHONES = 60, OTHERS = 2 };
    struct net *n = open_net((struct net_options){.seed = 6, .phones = PHONES, .phone = two_slices,
                                                  .more_smf = "  max_procedures: 8\n  t3396: 4 s\n"});
    for (uint32_t i = 0; i < PHONES; i++)
        net_register(n, n->ue[i]);
    n->ran.config.event = again;
    uint64_t from_us = world_now_us(n->w);
    for (uint32_t i = 0; i < PHONES; i++) {
        struct ue_open o = {.dnn = "internet", .type = NAS_PDU_IPV4, .has_slice = true, .slice = {.sst = 1}};
        if (i >= PHONES - OTHERS)
            o.slice = (struct gnb_slice){.sst = 1, .sd = {0, 0, 9}, .has_sd = true};
        assert_true(ue_session_open(n->ue[i], &o) > 0);
    }
    assert_true(net_run_until(n, sessions_of(n, true) == OTHERS, 500 * NET_MS)); /* the other slice has its share */
    assert_true(sessions_of(n, false) < PHONES - OTHERS);
    assert_true(seen->refused[NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE] > 0);
    assert_true(net_run_until(n, sessions_of(n, false) == PHONES - OTHERS, 120 * NET_S));
    assert_true(world_now_us(n->w) - from_us > 4 * NET_S);
    net_run(n, NET_S);
    assert_int_equal(n->smf->admission.used, 0);
    net_agree(n);
    n->ran.config.event = on_event;
    close_net(n);
}

/* ---- OVERLOAD START at the gNB and the phone ---- */
static void told_to_hold_back(void **state)
{
    struct net *n = open_net((struct net_options){.seed = 5, .phones = 2});
    struct gnb *g = &n->cells[0].gnb;
    struct ngap_OverloadStart start = {0};
    struct ngap_OverloadStop stop;
    struct amf_gnb *node = node_of(n, "gnb-001-01-000001");
    memset(&stop, 0, sizeof stop);
    start.has.AMFOverloadResponse = 1; /* no reduction: all that it names */
    start.AMFOverloadResponse.overloadAction = NGAP_OverloadAction_reject_rrc_cr_signalling;
    amf_gnb_send(n->amf, node, NGAP_MSG_OverloadStart, &start, 0);
    net_run(n, 10 * NET_MS);
    assert_true(g->is_overloaded);
    ue_register(n->ue[0]);
    net_run(n, 30 * NET_S);
    assert_int_equal(n->ue[0]->state, MM_DEREGISTERED);
    assert_int_equal(n->count[UE_REGISTRATION_FAILED], 0); /* no attempt is counted: 5.5.1.2.7 a */
    assert_true(n->count[UE_BARRED] >= 2);
    assert_int_equal(n->ran.links.used, 0);
    amf_gnb_send(n->amf, node, NGAP_MSG_OverloadStop, &stop, 0);
    assert_true(net_run_until(n, n->ue[0]->state == MM_REGISTERED, 17 * NET_S));
    /* mobile originated data alone */
    ue_session_open(n->ue[0], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    net_run(n, NET_S);
    gnb_ue_release_request(n->ue[0]->link, NGAP_CauseRadioNetwork_user_inactivity);
    net_run(n, NET_S);
    start.AMFOverloadResponse.overloadAction = NGAP_OverloadAction_reject_non_emergency_mo_dt;
    amf_gnb_send(n->amf, node, NGAP_MSG_OverloadStart, &start, 0);
    net_run(n, 10 * NET_MS);
    net_register(n, n->ue[1]); /* signalling passes */
    assert_int_equal(ue_service(n->ue[0]), OK);
    net_run(n, 20 * NET_S);
    assert_null(n->ue[0]->link);
    assert_int_equal(n->count[UE_SERVICE_FAILED], 0);
    net_from_far(n, n->ue[0]->sessions); /* paged: mt-Access is not named */
    net_run(n, NET_S);
    assert_non_null(n->ue[0]->link);
    /* a new NG Setup forgets it */
    assert_int_equal(gnb_setup(g), OK);
    net_run(n, NET_S);
    assert_false(g->is_overloaded);
    close_net(n);
}

int main(void)
{
    return RUN(unit(storm), unit(memory_is_what_the_configuration_says), unit(one_gnb_floods), unit(one_phone_floods), unit(the_known_and_the_paged_get_in), unit(classes_and_shares),
               unit(told_to_hold_back), unit(sessions_by_the_dozen));
}
