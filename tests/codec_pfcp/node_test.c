/* SPDX-License-Identifier: Apache-2.0 */
/* node_test.c - an SMF's and a UPF's PFCP entity in the simulated world: associations, sessions
 * over links that lose and double, silence, restarts, refusals, and a procedure that awaits a
 * response. */
#include "tests/test.h"
#include "base/err.h"
#include "base/wire.h"
#include "proto/pfcp.h"
#include "sim/world.h"

struct side {
    struct env *env;
    struct rt rt;
    struct pfcp_node node;
    struct net_addr addr;
    unsigned events[PFCP_PEER_CHANGED + 1], requests;
    uint8_t setup_cause;
    bool later;
    struct ref kept;
};
static struct world *w;
static struct side smf, upf;
static unsigned done_ok, done_timeout;

/* What the test did from outside may have set timers: both sides are turned first. */
static void go(uint64_t for_us)
{
    world_attach(w, smf.env, &smf.rt);
    world_attach(w, upf.env, &upf.rt);
    world_run(w, for_us);
}

static void on_event(void *ctx, struct pfcp_node *n, struct pfcp_assoc *a, enum pfcp_event e)
{
    (void)n, (void)a;
    ((struct side *)ctx)->events[e]++;
}
static uint8_t on_setup(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    (void)n, (void)in;
    return ((struct side *)ctx)->setup_cause;
}
static uint64_t seid_of(void *ctx, uint64_t local)
{
    (void)ctx;
    return local + 1000;
}
static void on_request(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    struct side *s = ctx;
    s->requests++;
    if (s->later) {
        s->kept = in->answer;
        return;
    }
    if (in->msg->type == PFCP_SESSION_ESTABLISHMENT_REQUEST) {
        struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE,
                             .seid = in->msg->session_establishment_request.cp_f_seid.seid};
        struct pfcp_session_establishment_response *r = &m.session_establishment_response;
        struct pfcp_created_pdr pdr = {
            .pdr_id = 1, .has.local_f_teid = 1, .local_f_teid = pfcp_f_teid_of(77, &s->addr)};
        r->node_id = n->config.node_id;
        r->cause = PFCP_CAUSE_REQUEST_ACCEPTED;
        r->has.up_f_seid = 1;
        r->up_f_seid = pfcp_f_seid_of(5, &s->addr);
        r->created_pdr.v = &pdr;
        r->created_pdr.n = 1;
        assert_int_equal(pfcp_answer(n, in->answer, &m), OK);
        assert_int_equal(pfcp_answer(n, in->answer, &m), ERR_STATE);
    } else {
        assert_int_equal(pfcp_refuse(n, in->answer, 9, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0),
                         OK);
    }
}

static void side_open(struct side *s, const char *name, uint32_t ip, bool is_up)
{
    struct pfcp_config c = {.local = addr_v4(ip, PFCP_PORT),
                            .is_up = is_up,
                            .features = is_up ? PFCP_UP_FEATURE_FTUP : 0};
    struct pfcp_user u = {s, on_request, on_event, on_setup, seid_of};
    *s = (struct side){.addr = addr_v4(ip, 0), .setup_cause = PFCP_CAUSE_REQUEST_ACCEPTED};
    s->env = world_host(w, name, &s->addr);
    assert_int_equal(rt_init(&s->rt, s->env, 4 << 20), OK);
    world_attach(w, s->env, &s->rt);
    assert_int_equal(pfcp_open(&s->node, &s->rt, &c, &u), OK);
}
static void side_close(struct side *s)
{
    pfcp_close(&s->node);
    assert_int_equal(s->rt.frames.in_use, 0);
    world_attach(w, s->env, NULL);
    rt_free(&s->rt);
}
static int begin(void **state)
{
    (void)state;
    w = world_new(7);
    done_ok = done_timeout = 0;
    side_open(&smf, "smf", 0x0a000001, false);
    side_open(&upf, "upf", 0x0a000002, true);
    return 0;
}
static int end(void **state)
{
    (void)state;
    side_close(&smf);
    side_close(&upf);
    world_free(w);
    return 0;
}
enum { SECOND = 1000000 };

static struct pfcp_assoc *associate(void)
{
    struct pfcp_assoc *a;
    rt_enter(&smf.rt);
    assert_int_equal(pfcp_associate(&smf.node, &upf.addr, &a), OK);
    go(SECOND);
    return a;
}

static struct pfcp_create_pdr pdr = {.pdr_id = 1, .precedence = 5};
static struct pfcp_create_far far = {.far_id = 1, .apply_action = PFCP_APPLY_ACTION_DROP};
static struct pfcp_msg establishment(void)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    q->node_id = smf.node.config.node_id;
    q->cp_f_seid = pfcp_f_seid_of(9, &smf.addr);
    q->create_pdr.v = &pdr, q->create_pdr.n = 1;
    q->create_far.v = &far, q->create_far.n = 1;
    return m;
}
static uint8_t last_cause;
static uint64_t last_seid;
static void on_done(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *r)
{
    (void)ctx, (void)r;
    done_ok += err == OK;
    done_timeout += err == ERR_TIMEOUT;
    if (rsp && rsp->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE)
        last_cause = rsp->session_establishment_response.cause;
    else if (rsp && rsp->type == PFCP_SESSION_MODIFICATION_RESPONSE)
        last_cause = rsp->session_modification_response.cause;
    last_seid = rsp ? rsp->seid : 0;
}
static void establish(struct ref *r)
{
    struct pfcp_msg m = establishment();
    rt_enter(&smf.rt);
    assert_int_equal(pfcp_request(&smf.node, &(struct net_addr){4, PFCP_PORT, {10, 0, 0, 2}}, &m,
                                  on_done, NULL, r),
                     OK);
}

static void association(void **state)
{
    (void)state;
    establish(NULL);
    go(SECOND);
    assert_true(done_ok == 1 && last_cause == PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION &&
                last_seid == 9);
    assert_int_equal(upf.requests, 0);
    struct pfcp_assoc *a = associate();
    assert_true(a->is_up && smf.events[PFCP_PEER_UP] == 1 && upf.events[PFCP_PEER_UP] == 1);
    assert_true(a->up_features & PFCP_UP_FEATURE_FTUP);
    assert_int_equal(a->recovery, upf.node.recovery);
    uint64_t before = upf.node.counts.rx;
    go(100 * SECOND); /* both sides' heartbeats */
    assert_in_range(upf.node.counts.rx - before, 8, 12);
    assert_true(a->is_up && smf.node.counts.resent == 0);
    rt_enter(&smf.rt);
    assert_int_equal(pfcp_release(&smf.node, a), OK);
    go(SECOND);
    assert_true(smf.events[PFCP_PEER_RELEASED] == 1 && upf.events[PFCP_PEER_RELEASED] == 1);
    assert_null(pfcp_assoc_find(&smf.node, &upf.addr));
    assert_null(pfcp_assoc_find(&upf.node, &smf.addr));
}

static void bad_links(void **state)
{
    (void)state;
    associate();
    /* one of five lost, one of five doubled, in either direction; each request is carried out once
     * or not at all */
    world_set_faults(w, &(struct world_faults){200000, 200000, 50, 5000, 0});
    for (int i = 0; i < 200; i++) {
        establish(NULL);
        go(10000);
    }
    go(30 * SECOND);
    assert_int_equal(done_ok + done_timeout, 200);
    assert_in_range(done_ok, 180, 200);
    assert_in_range(upf.requests, done_ok, 200);
    assert_true(upf.node.counts.repeated > 20 && smf.node.counts.resent > 20);
    world_set_faults(w, &(struct world_faults){0, 0, 50, 250, 0});
    go(60 * SECOND);
    assert_int_equal(upf.node.answers.used, 0);
    assert_int_equal(smf.node.requests.used, 0);
}

static void silence_and_restart(void **state)
{
    (void)state;
    struct pfcp_assoc *a = associate();
    world_set_faults(w, &(struct world_faults){1000000, 0, 50, 250, 0});
    establish(NULL);
    go(5 * SECOND);
    assert_int_equal(done_timeout, 0); /* 2 s, three times */
    go(2 * SECOND);
    assert_int_equal(done_timeout, 1);
    assert_int_equal(smf.node.counts.resent, 2);
    go(60 * SECOND);
    assert_true(!a->is_up && smf.events[PFCP_PEER_LOST] == 1 && smf.events[PFCP_PEER_REFUSED] >= 1);
    world_set_faults(w, &(struct world_faults){0, 0, 50, 250, 0});
    go(30 * SECOND);
    assert_true(a->is_up && smf.events[PFCP_PEER_UP] == 2);
    unsigned gone = upf.events[PFCP_PEER_RESTARTED] + upf.events[PFCP_PEER_LOST];
    assert_int_equal(gone, 1);
    /* the UPF's process begins anew: its time stamp tells, and it does not know us */
    upf.node.recovery += 100;
    go(45 * SECOND);
    assert_true(a->is_up && smf.events[PFCP_PEER_RESTARTED] == 1 && smf.events[PFCP_PEER_UP] == 3);
    assert_int_equal(a->recovery, upf.node.recovery);
}

/* The peer heard no heartbeat of ours for a while and forgot us; its own answers never failed. */
static void half_an_association(void **state)
{
    (void)state;
    struct pfcp_assoc *a = associate();
    pfcp_assoc_find(&upf.node, &smf.addr)->is_up = false;
    establish(NULL);
    a->setup_us = smf.rt.now_us; /* it was set up anew while that was on its way */
    go(SECOND);
    assert_int_equal(last_cause, PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    assert_true(a->is_up && smf.events[PFCP_PEER_RESTARTED] == 0);
    establish(NULL);
    go(SECOND);
    assert_int_equal(last_cause, PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    assert_int_equal(smf.events[PFCP_PEER_RESTARTED], 1);
    assert_true(a->is_up && smf.events[PFCP_PEER_UP] == 2);
    establish(NULL);
    go(SECOND);
    assert_int_equal(last_cause, PFCP_CAUSE_REQUEST_ACCEPTED);
}
static void refusals(void **state)
{
    (void)state;
    upf.setup_cause = PFCP_CAUSE_REQUEST_REJECTED;
    struct pfcp_assoc *a = associate();
    assert_true(!a->is_up && a->cause == PFCP_CAUSE_REQUEST_REJECTED &&
                smf.events[PFCP_PEER_REFUSED] == 1);
    assert_null(pfcp_assoc_find(&upf.node, &smf.addr));
    upf.setup_cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    go(15 * SECOND);
    assert_true(a->is_up);
    /* 7.6: what does not decode is answered by the entity, with the SEID that its user knows */
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .seid = 5};
    struct pfcp_update_far bad = {.far_id = 1};
    struct pfcp_raw raw = {PFCP_IE_remove_pdr, {NULL, 0}}; /* without a PDR ID */
    m.session_modification_request.update_far.v = &bad;
    m.session_modification_request.update_far.n = 1;
    m.session_modification_request.other.v = &raw;
    m.session_modification_request.other.n = 1;
    rt_enter(&smf.rt);
    assert_int_equal(pfcp_request(&smf.node, &a->peer, &m, on_done, NULL, NULL), OK);
    go(SECOND);
    assert_true(last_cause == PFCP_CAUSE_MANDATORY_IE_MISSING && last_seid == 1005);
    assert_int_equal(upf.requests, 0);
    m.session_modification_request.other.n = 0;
    rt_enter(&smf.rt);
    assert_int_equal(pfcp_request(&smf.node, &a->peer, &m, on_done, NULL, NULL), OK);
    go(SECOND);
    assert_true(last_cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND && upf.requests == 1);
    /* an answer that comes after the repetitions have ended goes nowhere */
    upf.later = true;
    establish(NULL);
    go(20 * SECOND);
    assert_int_equal(done_timeout, 1);
    assert_int_equal(upf.requests, 2);
    assert_int_equal(pfcp_refuse(&upf.node, upf.kept, 9, 64, 0), ERR_NOTFOUND);
    struct ref r;
    unsigned before = done_ok;
    establish(&r);
    pfcp_forget(&smf.node, r);
    go(20 * SECOND);
    assert_true(done_ok == before && done_timeout == 1);
}

struct frame {
    struct proc p;
    struct pfcp_call one, two;
};
static uint32_t teid;
static int call_error;
static void two_calls(struct proc *p, const struct wake *wake)
{
    struct frame *f = (struct frame *)p;
    struct net_addr to = {4, PFCP_PORT, {10, 0, 0, 2}};
    struct pfcp_msg m = establishment(), m2 = establishment();
    (void)wake;
    PROC_BEGIN(p);
    assert_int_equal(pfcp_call(&f->one, p, &smf.node, &to, &m), OK);
    assert_int_equal(pfcp_call(&f->two, p, &smf.node, &to, &m2), OK);
    AWAIT_CALLS(p);
    call_error = f->one.err;
    if (f->one.rsp)
        teid = f->one.rsp->session_establishment_response.created_pdr.v[0].local_f_teid.teid;
    pfcp_call_drop(&f->one);
    PROC_END(p); /* the other is dropped with the procedure */
}
static const struct proc_type type = {"two calls", sizeof(struct frame), two_calls, NULL};

static void procedure(void **state)
{
    (void)state;
    associate();
    teid = 0;
    rt_enter(&smf.rt);
    proc_start(proc_new(&smf.rt, &type, NULL));
    go(SECOND);
    assert_true(teid == 77 && call_error == OK && smf.rt.procs_running == 0);
    world_set_faults(w, &(struct world_faults){1000000, 0, 50, 250, 0});
    rt_enter(&smf.rt);
    proc_start(proc_new(&smf.rt, &type, NULL));
    go(10 * SECOND);
    assert_true(call_error == ERR_TIMEOUT && smf.rt.procs_running == 0);
    rt_enter(&smf.rt);
    struct proc *p = proc_new(&smf.rt, &type, NULL);
    proc_start(p);
    proc_abort(p);
    assert_int_equal(smf.node.requests.used, 0);
}

static void versions_and_bundles(void **state)
{
    (void)state;
    associate();
    uint8_t buf[40];
    uint64_t rx = smf.node.counts.rx, tx = upf.node.counts.tx;
    assert_true(hex_get(buf, 32,
                        STR("2401000c0000010000600004e55ba216"
                            "2001000c0000020000600004e55ba216")));
    put_be32(buf + 12, smf.node.recovery);
    put_be32(buf + 28, smf.node.recovery);
    struct net_addr to = {4, PFCP_PORT, {10, 0, 0, 2}};
    smf.env->ops->udp_send(smf.env, smf.node.sock, &to, (struct bytes){buf, 32});
    buf[0] = 0x40;
    smf.env->ops->udp_send(smf.env, smf.node.sock, &to, (struct bytes){buf, 16});
    go(SECOND);
    assert_int_equal(upf.node.counts.tx - tx, 3);
    assert_int_equal(smf.node.counts.rx - rx, 3);
    assert_int_equal(smf.node.counts.unexpected, 3);
}

/* Requests of a host without an association take no room from those with one, and teach it nothing. */
static uint64_t told_seid;
static unsigned told;
static void on_told(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock, (void)from;
    told++;
    if (b.n >= 16 && b.p[0] & 1)
        told_seid |= be64(b.p + 4);
}
static void strangers(void **state)
{
    (void)state;
    enum { FLOOD = 10000 }; /* more than answers are kept */
    struct net_addr host = {4, PFCP_PORT, {10, 0, 0, 9}}, to = {4, PFCP_PORT, {10, 0, 0, 2}};
    struct env *stranger = world_host(w, "stranger", &host);
    int sock = stranger->ops->udp_open(stranger, &host, &(struct udp_sink){NULL, on_told});
    uint8_t modify[16] = {0x21, PFCP_SESSION_MODIFICATION_REQUEST, 0, 12, 0, 0, 0, 0, 0, 0, 0, 5};
    uint8_t setup[25] = {0x20, PFCP_ASSOCIATION_SETUP_REQUEST, 0, 21, 0, 0, 0, 0,
                         0, 60, 0, 5, 0, 10, 0, 0, 9, 0, 96, 0, 4, 1, 2, 3, 4};
    associate();
    told = 0;
    told_seid = 0;
    upf.setup_cause = PFCP_CAUSE_REQUEST_REJECTED;
    for (uint32_t i = 0; i < FLOOD; i++) {
        put_be24(modify + 12, i + 1);
        put_be24(setup + 4, i + 1);
        stranger->ops->udp_send(stranger, sock, &to, (struct bytes){modify, sizeof modify});
        stranger->ops->udp_send(stranger, sock, &to, (struct bytes){setup, sizeof setup});
    }
    go(100000);
    assert_int_equal(told, 2 * FLOOD);
    assert_true(told_seid == 0); /* what the SMF calls session 5 is not his business */
    establish(NULL);
    go(100000);
    assert_true(done_ok == 1 && last_cause == PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(upf.node.counts.full, 0);
    assert_int_equal(upf.node.answers.used, 1 + 1); /* the SMF's */
}

int main(void)
{
#define world_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    return RUN(world_test(association), world_test(bad_links), world_test(silence_and_restart),
               world_test(half_an_association), world_test(refusals), world_test(procedure),
               world_test(versions_and_bundles), world_test(strangers));
}
