/* SPDX-License-Identifier: Apache-2.0 */
/* docs/decisions/0003: whatever a crash takes, no sequence number is given out twice. */
#include "tests/nf_udm/core.h"

/* A disk that refuses all after so many writes: the process is killed there. */
struct dying {
    struct store store;
    struct store *inner;
    uint32_t left;
};
static struct dying *of(struct store *s) { return (struct dying *)s; }
static int d_get(struct store *s, enum store_table t, struct bytes k, struct arena *a, struct bytes *v)
{
    return of(s)->left ? store_get(of(s)->inner, t, k, a, v) : ERR_STORE;
}
static bool lives(struct store *s) { return of(s)->left && --of(s)->left; }
static int d_put(struct store *s, enum store_table t, struct bytes k, struct bytes v)
{
    return lives(s) ? store_put(of(s)->inner, t, k, v) : ERR_STORE;
}
static int d_del(struct store *s, enum store_table t, struct bytes k)
{
    return lives(s) ? store_del(of(s)->inner, t, k) : ERR_STORE;
}
static int d_scan(struct store *s, enum store_table t, struct bytes after, int (*row)(void *, struct bytes, struct bytes),
                  void *ctx)
{
    return of(s)->inner->ops->scan(of(s)->inner, t, after, row, ctx);
}
static int d_scan_of(struct store *s, enum store_table t, struct bytes prefix, int (*row)(void *, struct bytes, struct bytes),
                     void *ctx)
{
    return of(s)->inner->ops->scan_of(of(s)->inner, t, prefix, row, ctx);
}
static int d_sync(struct store *s) { return lives(s) ? store_sync(of(s)->inner) : ERR_STORE; }
static int64_t d_count(struct store *s, enum store_table t) { return of(s)->inner->ops->count(of(s)->inner, t); }
static const char *d_error(struct store *s) { return "killed"; }
static const struct store_ops dying_ops = {d_get, d_put, d_del, d_scan, d_scan_of, d_sync, d_count, d_error};

/* The SQN of a vector, or 0 when none was given. */
static uint64_t next_sqn(struct core *t, const char *who)
{
    struct ask *a = ask_auth(t, who, SN_NAME);
    const SBI_RSP(nausf_auth_post) *r = a->c->rsp;
    struct sim s = sim_new();
    uint64_t sqn = 0;
    if (a->c->status == 201) {
        int e = aka_usim(t->crypto, &s.key, &s.sqns, r->x5g_auth_data.rand.p, r->x5g_auth_data.autn.p, &s.last);
        assert_true(e == OK || e == ERR_REPLAY); /* a jump that a SIM of SQN 0 would refuse is no matter here */
        uint8_t ak[6], sqn_octets[8] = {0};
        struct aka_av av;
        assert_int_equal(aka_av(t->crypto, &s.key, r->x5g_auth_data.rand.p, 0, 0x8000, &av), OK);
        memcpy(ak, av.autn, 6); /* SQN 0: AUTN starts with AK */
        for (int i = 0; i < 6; i++)
            sqn_octets[2 + i] = r->x5g_auth_data.autn.p[i] ^ ak[i];
        sqn = be64(sqn_octets);
    } else {
        assert_in_range(a->c->status, 500, 504);
    }
    ask_done(a);
    return sqn;
}
static void expect_higher(uint64_t *last, uint64_t sqn)
{
    if (!sqn)
        return;
    if (sqn >> AKA_IND_BITS <= *last >> AKA_IND_BITS)
        fail_msg("SEQ %llx after %llx", (unsigned long long)sqn >> AKA_IND_BITS,
                 (unsigned long long)*last >> AKA_IND_BITS);
    *last = sqn;
}

static void killed_between_any_two_writes(void **state)
{
    static const char *const who[] = {SUPI, "imsi-001010000000002"};
    struct core *t = core_new("udr: {commit: 900 ms, sqn_block: 3}\n");
    struct dying d = {{&dying_ops}, t->store, 0};
    struct store *disk = t->store;
    uint64_t last[2] = {0}, given = 0, seed = 1;
    core_add(t, who[0], 0, SUBSCRIBER_AUTH_NONE);
    core_add(t, who[1], 99999, SUBSCRIBER_AUTH_NONE);
    core_stop(t);
    for (uint32_t round = 0; round < 240; round++) {
        d.left = round % 24 + 1; /* in the start, in a run, in the stop */
        t->store = &d.store;
        core_start(t);
        for (uint32_t i = 0; i < 20 && d.left; i++) {
            uint64_t sqn = next_sqn(t, who[i % 2]);
            given += sqn != 0;
            expect_higher(&last[i % 2], sqn);
            if (round % 5 == 0)
                world_run(t->w, 300000); /* commits come between */
        }
        if (round % 7 == 0) {
            core_stop(t); /* a clean stop, unless the disk dies in it */
        } else {
            nf_stop_all(&t->rt);
            rt_turn(&t->rt);
            core_end(t);
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t n = store_memory_unsynced(disk);
        store_memory_crash(disk, (uint32_t)(seed >> 33) % (n + 1));
    }
    assert_true(given > 1500);
    t->store = disk;
    core_start(t);
    for (int i = 0; i < 2; i++)
        expect_higher(&last[i], next_sqn(t, who[i]));
    core_free(t);
}

static void a_killed_process_loses_its_tail(void **state)
{
    struct core *t = core_new("udr: {commit: 1000 ms, sqn_block: 2}\n");
    uint64_t last = 0;
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < round % 9 + 1; i++)
            expect_higher(&last, next_sqn(t, SUPI));
        uint32_t n = store_memory_unsynced(t->store);
        core_kill(t, n ? round % (n + 1) : 0);
        core_start(t);
    }
    assert_int_equal(((struct udr *)nf_state(&t->rt, SBI_NF_UDR))->epoch, 40);
    core_free(t);
}

static void a_clean_stop_wastes_no_more_than_a_block(void **state)
{
    struct core *t = core_new("");
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    uint64_t before = next_sqn(t, SUPI);
    core_stop(t);
    core_start(t);
    uint64_t after = next_sqn(t, SUPI);
    assert_int_equal((after >> AKA_IND_BITS) - (before >> AKA_IND_BITS), 32);
    assert_int_equal(((struct udr *)nf_state(&t->rt, SBI_NF_UDR))->epoch, 0);
    core_free(t);
}

/* The store takes writes and never commits: after a margin's worth no number is given any more. */
static int refuse_sync(struct store *s) { return ERR_STORE; }
static void what_is_not_durable_is_bounded(void **state)
{
    struct core *t = core_new("udr: {commit: 1000 ms, sqn_block: 4096}\n");
    struct store_ops ops = *t->store->ops;
    const struct store_ops *real = t->store->ops;
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    struct udm *udm = nf_state(&t->rt, SBI_NF_UDM);
    uint32_t blocks = 0;
    ops.sync = refuse_sync;
    t->store->ops = &ops;
    while (next_sqn(t, SUPI)) {
        udm_slot(udm, udm_imsi(STR(SUPI)), false)->left = 0; /* the block is used up */
        assert_true(++blocks <= UDR_SQN_MARGIN / 4096);
    }
    assert_int_equal(blocks, UDR_SQN_MARGIN / 4096);
    t->store->ops = real;
    world_run(t->w, 5000000);
    assert_true(next_sqn(t, SUPI));
    core_free(t);
}

static void many_at_once_share_a_block(void **state)
{
    enum { MANY = 24 };
    struct core *t = core_new("");
    struct ask *a[MANY];
    uint8_t seen[MANY][6];
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    rt_enter(&t->rt);
    for (int i = 0; i < MANY; i++) {
        a[i] = ask_new(t, SBI_nudm_ueau_generate_auth_data);
        SBI_REQ(nudm_ueau_generate_auth_data) *q = ask_request(a[i]);
        q->supi_or_suci = STR(SUPI);
        q->body.serving_network_name = STR(SN_NAME);
        q->body.ausf_instance_id = STR("33333333-0000-4000-8000-000000000000");
        proc_start(&a[i]->p);
    }
    world_attach(t->w, t->env, &t->rt);
    world_run(t->w, 100000);
    for (int i = 0; i < MANY; i++) {
        const SBI_RSP(nudm_ueau_generate_auth_data) *r = a[i]->c->rsp;
        struct sim s = sim_new();
        struct aka_av av;
        assert_true(a[i]->c->answered);
        assert_int_equal(a[i]->c->status, 200);
        const struct sbi_AuthenticationVector *v = &r->authentication_vector;
        assert_int_equal(aka_av(t->crypto, &s.key, v->rand.p, 0, 0x8000, &av), OK);
        for (int k = 0; k < 6; k++)
            seen[i][k] = v->autn.p[k] ^ av.autn[k];
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], 6);
        ask_done(a[i]);
    }
    assert_int_equal(((struct udr *)nf_state(&t->rt, SBI_NF_UDR))->writes, 1);
    core_free(t);
}

static void another_udm_may_take_numbers_too(void **state)
{
    struct core *t = core_new("");
    uint64_t last = 0;
    core_add(t, SUPI, 0, SUBSCRIBER_AUTH_NONE);
    expect_higher(&last, next_sqn(t, SUPI));
    struct ask *a = ask_new(t, SBI_nudr_dr_auth_subscription_patch); /* as TS 29.505 has it: replace, no test */
    SBI_REQ(nudr_dr_auth_subscription_patch) *q = ask_request(a);
    struct sbi_PatchItem item = {.op = SBI_PatchOperation_REPLACE, .path = STR("/sequenceNumber"),
                                 .value = STR("{\"sqnScheme\": \"NON_TIME_BASED\", \"sqn\": \"000000010000\"}")};
    item.has.value = 1;
    q->ue_id = STR(SUPI);
    q->body.p = &item;
    q->body.n = 1;
    assert_int_equal(ask_send(t, a), 204);
    ask_done(a);
    udm_slot(nf_state(&t->rt, SBI_NF_UDM), udm_imsi(STR(SUPI)), false)->left = 0;
    last = 0x10000;
    expect_higher(&last, next_sqn(t, SUPI));
    item.path = STR("/encPermanentKey");
    a = ask_new(t, SBI_nudr_dr_auth_subscription_patch);
    q = ask_request(a);
    q->ue_id = STR(SUPI);
    q->body.p = &item;
    q->body.n = 1;
    ask_send(t, a);
    assert_refused(a, 403, "MODIFICATION_NOT_ALLOWED");
    item.path = STR("/sequenceNumber/sqn");
    item.value = STR("\"00000001000\"");
    a = ask_new(t, SBI_nudr_dr_auth_subscription_patch);
    q = ask_request(a);
    q->ue_id = STR(SUPI);
    q->body.p = &item;
    q->body.n = 1;
    ask_send(t, a);
    assert_refused(a, 400, "INVALID_MSG_FORMAT");
    core_free(t);
}

int main(void)
{
    return RUN_BOTH(unit(killed_between_any_two_writes), unit(a_killed_process_loses_its_tail),
               unit(a_clean_stop_wastes_no_more_than_a_block), unit(what_is_not_durable_is_bounded),
               unit(another_udm_may_take_numbers_too), unit(many_at_once_share_a_block));
}
