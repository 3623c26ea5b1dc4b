/* SPDX-License-Identifier: Apache-2.0 */
/* The core is killed and started again: whoever was registered stays so, with sessions and addresses, and no COUNT is
 * used twice. docs/decisions/0005. */
#include "tests/net/net.h"

/* ---- the end of a process, and the next one ---- */
static void start(struct net *n, bool new_upf)
{
    world_attach(n->w, n->ran_env, &n->ran_rt);
    if (new_upf)
        net_upf_start(n);
    net_core_start(n);
}
static bool is_up(struct net *n)
{
    for (uint32_t i = 0; i < NET_CELLS; i++)
        if (n->cells[i].gnb.state != GNB_READY)
            return false;
    return smf_upf_is_up(&n->smf->upfs[0]);
}
static void restart(struct net *n, int kept, bool new_upf)
{
    if (new_upf)
        net_upf_end(n);
    net_core_end(n, kept);
    net_run_ran(n, NET_S);
    start(n, new_upf);
    assert_true(net_run_until(n, is_up(n), 60 * NET_S));
    net_run(n, 2 * NET_S);
}

/* ---- whole lives ---- */
static void idle_or_not(bool idle, bool new_upf, int kept, bool json)
{
    struct net *n = net_new((struct net_options){.seed = 5, .phones = 3, .json = json});
    struct ue_session *s[3];
    uint8_t ip[3][4];
    for (uint32_t i = 3; i-- > 0;) { /* the first one has not the first address */
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], i == 2 ? "ims" : "internet", NAS_PDU_IPV4);
        memcpy(ip[i], s[i]->ipv4, 4);
        net_ping(n, s[i], "8.8.8.8");
        if (idle)
            net_idle(n, n->ue[i]);
    }
    net_run(n, 100 * NET_MS);
    for (int round = 0; round < 3; round++) {
        restart(n, kept, new_upf);
        assert_int_equal(n->amf->ues->registered, 3);
        assert_int_equal(n->smf->sessions.used, 3);
        assert_int_equal(net_upf_sessions(n), 3);
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(n->ue[i]->state, MM_REGISTERED);
            net_ping(n, s[i], "8.8.8.8");
            assert_int_equal(n->ue[i]->n_authentications, 1);
            assert_memory_equal(s[i]->ipv4, ip[i], 4);
            struct smf_session *m = smf_session_find(n->smf, amf_ue_supi(net_amf_ue(n, n->ue[i])), s[i]->psi);
            assert_false(m->unconfirmed);
        }
        net_run(n, NET_S);
        net_agree(n);
        assert_int_equal(n->ran.counters.key_mismatches, 0);
    }
    net_run(n, 120 * NET_S); /* nobody is taken for an orphan */
    net_agree(n);
    net_free(n);
}
static void killed_idle(void **state) { idle_or_not(true, true, 0, false); }
static void killed_connected(void **state) { idle_or_not(false, true, 0, true); }
static void killed_and_the_upf_lives(void **state) { idle_or_not(true, false, 0, false); }
static void ended_in_order(void **state) { idle_or_not(true, true, NET_IN_ORDER, false); }

static void others(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 6, .phones = 4, .subscribers = 4});
    struct ue_session *s[4];
    for (uint32_t i = 0; i < 3; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "internet", i == 1 ? NAS_PDU_IPV4V6 : NAS_PDU_IPV4);
        net_idle(n, n->ue[i]);
    }
    restart(n, 0, true);
    net_register(n, n->ue[3]); /* a new one gets an address of its own */
    s[3] = net_session(n, n->ue[3], "internet", NAS_PDU_IPV4);
    for (uint32_t i = 0; i < 3; i++)
        assert_memory_not_equal(s[3]->ipv4, s[i]->ipv4, 4);
    net_from_far(n, s[0]); /* the network has something for a phone that sleeps */
    assert_true(net_run_until(n, s[0]->bearer, 5 * NET_S));
    assert_int_equal(ue_update(n->ue[1], NAS_REG_PERIODIC), OK);
    net_run(n, 5 * NET_S);
    assert_int_equal(n->ue[1]->state, MM_REGISTERED);
    struct amf_ue *a = net_amf_ue(n, n->ue[1]);
    assert_true(a->has_subscription && brief_is_set(&a->sdm_id) && brief_is_set(&a->policy_id)); /* made again with it */
    ue_camp(n->ue[2], &n->cells[1]);
    net_run(n, 5 * NET_S);
    net_ping(n, s[1], "8.8.8.8");
    net_ping(n, s[2], "8.8.8.8");
    assert_int_equal(ue_session_close(n->ue[2], s[2]->psi), OK);
    net_run(n, 2 * NET_S);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(n->ue[i]->n_authentications, 1);
    net_agree(n);
    assert_int_equal(ue_deregister(n->ue[0], false), OK);
    net_run(n, 15 * NET_S);
    restart(n, 0, true); /* who left stays away */
    assert_int_equal(n->amf->ues->registered, 3);
    assert_int_equal(n->smf->sessions.used, 2);
    net_free(n);
}

static void many_times_without_a_word(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 7});
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_idle(n, n->ue[0]);
    uint32_t before = n->ue[0]->current.count[NAS_DOWNLINK];
    for (int i = 0; i < 30; i++)
        restart(n, 0, true);
    struct amf_ue *a = net_amf_ue(n, n->ue[0]);
    assert_true(a->security.count[NAS_DOWNLINK] >= before);
    assert_true(a->security.count[NAS_DOWNLINK] - before < 256); /* or the phone could not follow */
    net_ping(n, s, "8.8.8.8");
    assert_int_equal(n->ue[0]->n_authentications, 1);
    net_agree(n);
    net_free(n);
}

/* ---- at any moment ---- */
struct before { /* of the kill */
    uint8_t kamf[32];
    uint32_t down, up_initial, authentications;
    bool was_known, is_settled;
};
static struct before look(struct net *n, struct ue *ue)
{
    struct before b = {.authentications = (uint32_t)ue->n_authentications};
    const struct amf_ue *a = net_amf_ue(n, ue);
    if (!a || !a->security.is_valid)
        return b;
    b.was_known = true;
    memcpy(b.kamf, a->security.kamf, 32);
    b.down = a->security.count[NAS_DOWNLINK];
    bool durable = a->has_row && !link_is_on(&a->changed) && commit_is_done(&n->core, a->asked_at);
    b.up_initial = durable && a->conn ? a->conn->kgnb_count : 0;
    b.is_settled = durable && amf_ue_is_registered(a) && ue->state == MM_REGISTERED &&
                   memcmp(ue->current.kamf, a->security.kamf, 32) == 0;
    return b;
}
static void no_count_twice(struct net *n, struct ue *ue, const struct before *b)
{
    const struct amf_ue *a = net_amf_ue(n, ue);
    if (!a || !b->was_known || memcmp(a->security.kamf, b->kamf, 32) != 0)
        return;
    assert_true(a->security.count[NAS_DOWNLINK] >= b->down);
    assert_true(!b->up_initial || a->security.count[NAS_UPLINK] > b->up_initial);
}
/* A life in short steps: step() acts when it is time. */
static bool step(struct net *n, struct ue *ue, uint32_t ms)
{
    struct ue_session *s = ue_session_find(ue, 1);
    if (ms == 0)
        ue_register(ue);
    else if (ms == 300)
        ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    else if ((ms == 600 || ms == 1100) && ue->link)
        gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
    else if (ms == 800)
        ue_service(ue);
    else if (ms == 1300 && s)
        net_from_far(n, s); /* paging, and a new GUTI */
    else if (ms == 1700 && s)
        ue_session_close(ue, 1);
    else if (ms == 2000)
        ue_deregister(ue, false);
    return ms < 2300;
}
static void works_again(struct net *n, struct ue *ue)
{
    if (ue->state != MM_REGISTERED)
        ue_register(ue);
    assert_true(net_run_until(n, ue->state == MM_REGISTERED, 120 * NET_S));
    net_run(n, 12 * NET_S);
    ue_service(ue); /* it may be told that it has no session any more, or that it is not known: then it registers */
    net_run(n, 12 * NET_S);
    struct ue_session *s = ue_session_find(ue, 1);
    if (!s || s->state != SM_ACTIVE)
        s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_ping(n, s, "8.8.8.8");
}
/* kept: how much of what was written but not committed is there all the same, in per cent. */
static void killed_at(uint32_t ms, uint32_t kept, bool new_upf)
{
    const char *guti = ms % 4 < 2 ? "  guti_reallocation: required\n" : NULL;
    struct net *n = net_new((struct net_options){.seed = 100 + ms, .more = guti});
    struct ue *ue = n->ue[0];
    for (uint32_t t = 0; t < ms && step(n, ue, t); t++)
        net_run(n, NET_MS);
    struct before b = look(n, ue);
    bool leaves = ue->state != MM_REGISTERED;
    if (new_upf)
        net_upf_end(n);
    net_core_end(n, (int)(store_memory_unsynced(n->store) * kept / 100));
    net_run_ran(n, NET_MS * 10);
    start(n, new_upf);
    no_count_twice(n, ue, &b);
    if (b.is_settled)
        assert_true(amf_ue_is_registered(net_amf_ue(n, ue)));
    assert_true(net_run_until(n, is_up(n), 60 * NET_S));
    works_again(n, ue);
    if (b.is_settled && !leaves)
        assert_int_equal(ue->n_authentications, b.authentications);
    net_run(n, 90 * NET_S); /* what nobody has any more is released */
    net_agree(n);
    net_free(n);
}
static void killed_at_any_time(void **state)
{
    for (uint32_t ms = 0; ms < 2300; ms += ms % 100 < 30 ? 1 : 13)
        killed_at(ms, ms * 37 % 101, ms % 2);
}

/* Many messages down: slowly, so that rows are written in time, and at once, so that each block is waited for. */
static void many_messages(void **state)
{
    for (uint32_t messages = 1; messages < 150; messages += 1 + messages / 5)
        for (int slow = 0; slow < 2; slow++) {
            struct net *n = net_new((struct net_options){.seed = 20 + messages});
            struct ue *ue = n->ue[0];
            net_register(n, ue);
            struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
            net_run(n, NET_S);
            for (uint32_t i = 0; i < messages; i++) {
                assert_true(amf_configuration_update(net_amf_ue(n, ue), false));
                if (slow)
                    net_run(n, NET_MS);
            }
            struct before b = look(n, ue);
            assert_true(!slow || b.is_settled || link_is_on(&net_amf_ue(n, ue)->changed));
            net_core_end(n, 0);
            net_run_ran(n, NET_S);
            start(n, false);
            no_count_twice(n, ue, &b);
            assert_true(net_run_until(n, is_up(n), 60 * NET_S));
            net_ping(n, s, "8.8.8.8");
            assert_int_equal(ue->n_authentications, 1);
            net_agree(n);
            net_free(n);
        }
}

/* Killed before the first commit of each life: what was used in it no row tells. */
static void short_lives(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 8});
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_run(n, NET_S);
    net_idle(n, ue);
    for (int i = 0; i < 6; i++) {
        restart(n, 0, false);
        ue_service(ue);
        assert_true(net_run_until(n, net_amf_ue(n, ue)->conn && net_amf_ue(n, ue)->conn->has_context, 5 * NET_S));
        struct before b = look(n, ue);
        assert_true(link_is_on(&net_amf_ue(n, ue)->changed));
        net_core_end(n, 0);
        net_run_ran(n, NET_S);
        start(n, false);
        no_count_twice(n, ue, &b);
        assert_true(net_run_until(n, is_up(n), 60 * NET_S));
    }
    net_ping(n, s, "8.8.8.8");
    assert_int_equal(ue->n_authentications, 1);
    net_agree(n);
    net_free(n);
}

/* Only the AMF or only the SMF has a row: the other side is told, or finds out. */
static void one_side_only(void **state)
{
    static const char key[2][32] = {"imsi-001010000000001", "imsi-001010000000001/001"};
    for (int smf = 0; smf < 2; smf++) {
        struct net *n = net_new((struct net_options){.seed = 9});
        net_register(n, n->ue[0]);
        net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
        net_run(n, NET_S);
        net_idle(n, n->ue[0]);
        struct bytes k = {(const uint8_t *)key[smf], (uint32_t)strlen(key[smf])};
        int64_t rows = n->store->ops->count(n->store, smf ? STORE_smf_session : STORE_amf_ue);
        assert_int_equal(rows, 1);
        net_core_end(n, 0);
        assert_int_equal(store_del(n->store, smf ? STORE_smf_session : STORE_amf_ue, k), OK);
        assert_int_equal(n->store->ops->count(n->store, smf ? STORE_smf_session : STORE_amf_ue), 0);
        start(n, false);
        assert_true(net_run_until(n, is_up(n), 60 * NET_S));
        net_run(n, 90 * NET_S);
        assert_int_equal(n->amf->ues->sessions.used, 0);
        assert_int_equal(n->smf->sessions.used, 0);
        assert_int_equal(n->store->ops->count(n->store, STORE_smf_session), 0);
        works_again(n, n->ue[0]);
        net_agree(n);
        net_free(n);
    }
}

/* ---- rows that are of no use ---- */
struct rows {
    uint32_t n, octets[4];
    uint8_t key[4][80], value[4][1024];
    uint32_t key_n[4];
};
static int take_row(void *ctx, struct bytes key, struct bytes value)
{
    struct rows *r = ctx;
    memcpy(r->key[r->n], key.p, r->key_n[r->n] = key.n);
    memcpy(r->value[r->n], value.p, r->octets[r->n] = value.n);
    r->n++;
    return OK;
}
static void bad_rows(void **state)
{
    static const enum store_table tables[] = {STORE_amf_ue, STORE_smf_session};
    struct net *n = net_new((struct net_options){.seed = 9});
    net_register(n, n->ue[0]);
    net_session(n, n->ue[0], "internet", NAS_PDU_IPV4V6);
    net_run(n, NET_S);
    for (uint32_t t = 0; t < 2; t++) {
        struct rows r = {0};
        assert_int_equal(n->store->ops->scan(n->store, tables[t], (struct bytes){NULL, 0}, take_row, &r), OK);
        assert_int_equal(r.n, 1);
        struct bytes key = {r.key[0], r.key_n[0]};
        assert_true(r.octets[0] < 700);
        for (uint32_t cut = 0; cut <= r.octets[0]; cut += 1 + cut / 8) {
            net_core_end(n, 0);
            uint8_t v[1025];
            memcpy(v, r.value[0], 1024);
            if (cut == 0)
                v[0] = 77; /* of a version to come */
            uint32_t octets = cut == 0 ? r.octets[0] : cut + (cut == r.octets[0]); /* or one more than it needs */
            assert_int_equal(store_put(n->store, tables[t], key, (struct bytes){v, octets}), OK);
            start(n, false);
            assert_int_equal(t == 0 ? n->amf->ues->ues.used : n->smf->sessions.used, 0);
            assert_int_equal(map_count(&n->amf->ues->by_tmsi) > 0, t == 1);
        }
        assert_true(net_run_until(n, is_up(n), 60 * NET_S));
        works_again(n, n->ue[0]);
        net_run(n, 90 * NET_S);
        net_agree(n);
    }
    net_free(n);
}

/* ---- the store does not work ---- */
static void store_fails(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 10});
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_run(n, NET_S);
    store_memory_fail(n->store, "the disk is full", false);
    for (int i = 0; i < 60; i++) { /* more messages than a row allows; the phone gets new keys if it must */
        net_idle(n, ue);
        ue_service(ue);
        net_run_until(n, ue->link, 10 * NET_S);
        net_run(n, 3 * NET_S);
        if (!ue->link || !s->bearer)
            net_run(n, 30 * NET_S);
        if (ue->state == MM_REGISTERED && !ue->link)
            ue_service(ue), net_run(n, NET_S);
        if (!ue->link)
            break; /* the subscriber's own numbers cannot be reserved either: nothing goes on until the disk does */
    }
    struct before b = look(n, ue);
    store_memory_fail(n->store, NULL, false);
    restart(n, 0, true);
    no_count_twice(n, ue, &b);
    works_again(n, ue);
    net_run(n, 90 * NET_S);
    net_agree(n);
    net_free(n);
}

int main(void)
{
    return RUN(unit(killed_idle), unit(killed_connected), unit(killed_and_the_upf_lives), unit(ended_in_order),
               unit(others), unit(many_times_without_a_word), unit(bad_rows), unit(many_messages), unit(short_lives), unit(one_side_only), unit(store_fails), unit(killed_at_any_time));
}
