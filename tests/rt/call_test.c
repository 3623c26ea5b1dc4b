/* SPDX-License-Identifier: Apache-2.0 */
/* Service calls, as structs and as bytes: who may end first, and that in every order the answer is
 * right, nothing is touched after its end, and all memory returns. */
#include "tests/test.h"
#include "base/err.h"
#include "proto/sbi.h"
#include "rt/metrics.h"
#include "rt/nf.h"
#include "sim/world.h"
#include <stdlib.h>

static bool json; /* the mode in which the test at hand runs */

enum reaction { ANSWER, KEEP, REFUSE, REFUSE_WITH_MORE, ANSWER_WRONG, ANSWER_MUCH, ANSWER_TWICE };
struct trial {
    struct world *w;
    struct env *env;
    struct rt rt;
    enum reaction reaction;
    unsigned requests, woken, ended;
    struct call *kept;
    const char *seen_request;
    char text[600];
    int status[2];
};
static struct trial t;

/* ---- the producer ---- */
static void produce_auth(void *state, struct call *c)
{
    const SBI_REQ(nausf_auth_post) *q = c->req;
    SBI_RSP(nausf_auth_post) *r = c->rsp;
    t.requests++;
    t.seen_request = q->body.supi_or_suci.p;
    str_copy(t.text, sizeof t.text, q->body.supi_or_suci);
    switch (t.reaction) {
    case KEEP: t.kept = c; return;
    case REFUSE: call_problem(c, 403, "AUTHENTICATION_REJECTED", "because"); return;
    case ANSWER_WRONG: r->auth_type = SBI_AusfAuthType_OTHER; break;
    default: r->auth_type = SBI_AusfAuthType_5G_AKA; break;
    }
    struct sbi_entry_LinksValueSchema *l = arena_zero(&c->arena, sizeof *l);
    assert_non_null(l);
    l->key = STR("5g-aka");
    r->links.p = l;
    r->links.n = 1;
    r->has.location = true;
    r->location = arena_printf(&c->arena, "http://x/ctx/%u", t.requests);
    call_reply(c, 201);
    if (t.reaction == ANSWER_TWICE)
        call_reply(c, 500); /* the second is none: the consumer has not read the first yet */
}
static void produce_session(void *state, struct call *c)
{
    struct sbi_SmContextCreateError *e = call_error(c, 403, "DNN_DENIED", NULL);
    assert_non_null(e);
    e->has.n1_sm_msg = true;
    e->n1_sm_msg = arena_bytes(&c->arena, "\x2e\x01\x00\xc2", 4);
    call_reply(c, 403);
}
static void produce_notify(void *state, struct call *c)
{
    struct str path = call_callback_path(c);
    t.requests++;
    str_copy(t.text, sizeof t.text, path);
    call_reply(c, 204);
}
static void produce_search(void *state, struct call *c)
{
    enum { N = 64 };
    SBI_RSP(nnrf_disc_search) *r = c->rsp;
    struct sbi_NFProfile *p = arena_zero(&c->arena, N * sizeof *p);
    if (!p) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", NULL);
        return;
    }
    for (unsigned i = 0; i < N; i++) {
        p[i].nf_instance_id = arena_printf(&c->arena, "%036u", i);
        p[i].nf_type = SBI_NFType_AMF;
        p[i].nf_status = SBI_NFStatus_REGISTERED;
    }
    r->nf_instances.p = p;
    r->nf_instances.n = N;
    call_reply(c, 200);
}
static int stub_boot(struct rt *rt, void *state)
{
    return 0;
}
static const struct nf_op ausf_ops[] = {{SBI_nausf_auth_post, produce_auth}};
static const struct nf_op smf_ops[] = {{SBI_nsmf_pdusession_create, produce_session}};
static const struct nf_op amf_ops[] = {{SBI_nudm_uecm_dereg_notify, produce_notify}};
static const struct nf_op nrf_ops[] = {{SBI_nnrf_disc_search, produce_search}};
static const struct nf_desc stubs[] = {
    {SBI_NF_AUSF, "ausf", 8, stub_boot, NULL, NULL, ausf_ops, 1},
    {SBI_NF_SMF, "smf", 8, stub_boot, NULL, NULL, smf_ops, 1},
    {SBI_NF_AMF, "amf", 8, stub_boot, NULL, NULL, amf_ops, 1},
};
static const struct nf_desc nrf_stub = {SBI_NF_NRF, "nrf", 8, stub_boot, NULL, NULL, nrf_ops, 1};

/* ---- the consumer ---- */
struct frame {
    struct proc p;
    struct call *c[2];
    unsigned n;
};
static void consume_run(struct proc *p, const struct wake *w)
{
    struct frame *f = (struct frame *)p;
    PROC_BEGIN(p);
    for (unsigned i = 0; i < f->n; i++)
        call_send(f->c[i], p);
    AWAIT_CALLS(p);
    t.woken++;
    for (unsigned i = 0; i < f->n; i++)
        t.status[i] = f->c[i]->status;
    AWAIT(p, WANT(WAKE_EVENT)); /* the test looks at the answers, then ends this */
    for (unsigned i = 0; i < f->n; i++)
        call_done(f->c[i]);
    PROC_END(p);
}
static void consume_end(struct proc *p, int outcome)
{
    t.ended++;
}
static const struct proc_type consume = {"consume", sizeof(struct frame), consume_run, consume_end};

static void start(size_t memory)
{
    memset(&t, 0, sizeof t);
    t.w = world_new(1);
    t.env = world_host(t.w, "host", &(struct net_addr){.family = 4});
    assert_int_equal(rt_init(&t.rt, t.env, memory), OK);
    t.rt.metrics = metrics_new();
    for (unsigned i = 0; i < ARRAY_LEN(stubs); i++)
        assert_int_equal(nf_start(&t.rt, &stubs[i]), OK);
    if (json)
        assert_int_equal(sbi_json_mode(&t.rt), OK);
    world_attach(t.w, t.env, &t.rt);
}
static void run_ms(uint64_t ms)
{
    world_attach(t.w, t.env, &t.rt);
    world_run(t.w, ms * 1000);
}
/* No octet of what was said stays behind. */
static void assert_wiped(const char *word)
{
    assert_null(memmem(t.rt.frames.base, t.rt.frames.fresh, word, strlen(word)));
}
static void stop(void)
{
    nf_stop_all(&t.rt);
    run_ms(10000);
    assert_int_equal(t.rt.procs_running, 0);
    assert_int_equal(t.rt.calls_open, 0);
    assert_int_equal(t.rt.frames.in_use, 0);
    assert_int_equal(t.rt.timers.n, 0);
    assert_wiped("suci-0-001");
    for (size_t i = 0, n = t.rt.frames.fresh; i < n;
         i += FRAME_GRAIN) { /* free frames hold the list, else nothing */
        const uint8_t *p = t.rt.frames.base + i;
        for (size_t k = sizeof(void *); k < FRAME_GRAIN; k++)
            assert_int_equal(p[k], 0);
    }
    sbi_json_mode_end(&t.rt);
    metrics_free(t.rt.metrics);
    rt_free(&t.rt);
    world_free(t.w);
}
static struct call *auth_call(const char *who)
{
    struct call *c = call_new(&t.rt, SBI_nausf_auth_post);
    SBI_REQ(nausf_auth_post) *q = call_request(c);
    assert_non_null(q);
    q->body.supi_or_suci = arena_str(&c->arena, str_of(who));
    q->body.serving_network_name = STR("5G:mnc001.mcc001.3gppnetwork.org");
    return c;
}
static struct frame *consumer(struct call *a, struct call *b)
{
    struct frame *f = proc_new(&t.rt, &consume, NULL);
    assert_non_null(f);
    f->c[0] = a;
    f->c[1] = b;
    f->n = 1 + (b != NULL);
    proc_start(&f->p);
    return f;
}
static void finish(struct frame *f)
{
    assert_true(proc_offer_event(&f->p, 1, NULL));
    assert_int_equal(t.ended, 1);
}

/* ---- tests ---- */
static void an_answer_reaches_its_consumer(void **state)
{
    start(1 << 20);
    struct call *c = auth_call("suci-0-001-01-0-0-0-1");
    const char *mine = ((const SBI_REQ(nausf_auth_post) *)c->req)->body.supi_or_suci.p;
    struct frame *f = consumer(c, NULL);
    assert_int_equal(t.requests, 0); /* never from within the send */
    run_ms(1);
    assert_int_equal(t.woken, 1);
    assert_int_equal(t.status[0], 201);
    assert_string_equal(t.text, "suci-0-001-01-0-0-0-1");
    assert_true(json ? t.seen_request != mine : t.seen_request == mine);
    const SBI_RSP(nausf_auth_post) *r = c->rsp;
    assert_true(r->auth_type == SBI_AusfAuthType_5G_AKA && r->links.n == 1 &&
                str_is(r->location, "http://x/ctx/1"));
    assert_int_equal(metric_get_at(t.rt.metrics, METRIC_sbi_status, 201), 1);
    assert_int_equal(metric_hist_at(t.rt.metrics, METRIC_sbi_us, SBI_nausf_auth_post)->n, 1);
    finish(f);
    stop();
}

static void two_calls_are_one_wait(void **state)
{
    start(1 << 20);
    t.reaction = KEEP;
    struct frame *f = consumer(auth_call("suci-0-001-1"), call_new(&t.rt, SBI_nnrf_disc_search));
    run_ms(5);
    assert_int_equal(t.woken, 0); /* one is answered, one is kept */
    t.reaction = ANSWER;
    call_problem(t.kept, 404, "USER_NOT_FOUND", NULL);
    run_ms(1);
    assert_int_equal(t.woken, 1);
    assert_int_equal(t.status[0], 404);
    assert_int_equal(t.status[1], 503); /* nobody produces it */
    finish(f);
    stop();
}

static void refusals_carry_their_cause(void **state)
{
    start(1 << 20);
    t.reaction = REFUSE;
    struct frame *f =
        consumer(auth_call("suci-0-001-1"), call_new(&t.rt, SBI_nsmf_pdusession_create));
    SBI_REQ(nsmf_pdusession_create) *q = call_request(f->c[1]);
    q->body.serving_nf_id = STR("85a6ff0a-3eca-41f1-b3f5-55ded11935bf");
    q->body.serving_network = (struct sbi_PlmnIdNid){.mcc = STR("001"), .mnc = STR("01")};
    q->body.an_type = SBI_AccessType_3GPP_ACCESS;
    q->body.sm_context_status_uri = STR("http://h/amf-callback/v1/x");
    run_ms(1);
    assert_int_equal(t.status[0], 403);
    assert_true(str_is(call_cause(f->c[0]), "AUTHENTICATION_REJECTED"));
    assert_true(str_is(f->c[0]->problem->detail, "because") && f->c[0]->problem->status == 403);
    assert_int_equal(t.status[1], 403);
    assert_true(str_is(call_cause(f->c[1]), "DNN_DENIED"));
    const struct sbi_SmContextCreateError *e = f->c[1]->err;
    assert_true(e->has.n1_sm_msg && e->n1_sm_msg.n == 4 && e->n1_sm_msg.p[3] == 0xc2);
    assert_int_equal(metric_get_at(t.rt.metrics, METRIC_sbi_failed, SBI_nausf_auth_post), 1);
    finish(f);
    stop();
}

static void a_late_answer_is_none(void **state)
{
    start(1 << 20);
    t.reaction = KEEP;
    struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1999);
    assert_int_equal(t.woken, 0);
    run_ms(2);
    assert_int_equal(t.status[0], 504);
    finish(f);
    assert_int_equal(t.rt.calls_open, 1); /* the producer has it still */
    SBI_RSP(nausf_auth_post) *r = t.kept->rsp;
    r->auth_type = SBI_AusfAuthType_5G_AKA;
    call_reply(t.kept, 201);
    assert_int_equal(t.rt.calls_open, 0);
    stop();

    start(1 << 20); /* the producer answers late, while the consumer still holds the call */
    t.reaction = KEEP;
    f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(2001);
    call_problem(t.kept, 403, "X", NULL);
    assert_int_equal(f->c[0]->status, 504);
    finish(f);
    stop();
}

static void a_deadline_in_the_queue_of_the_producer(void **state)
{
    start(1 << 20); /* time has passed before the request was delivered: it is answered once */
    struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
    t.rt.now_us += 3000000;
    timers_run(&t.rt.timers, t.rt.now_us);
    assert_int_equal(f->c[0]->status, 504);
    run_ms(1);
    assert_int_equal(t.requests, 0);
    assert_int_equal(t.woken, 1);
    finish(f);
    stop();

    start(1 << 20); /* the answer is queued when the deadline passes: it counts */
    t.reaction = KEEP;
    f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1);
    call_problem(t.kept, 403, "X", NULL);
    t.rt.now_us += 3000000;
    timers_run(&t.rt.timers, t.rt.now_us);
    run_ms(1);
    assert_int_equal(t.status[0], 403);
    finish(f);
    stop();
}

static void a_consumer_may_end_at_any_time(void **state)
{
    for (unsigned when = 0; when < 5; when++) {
        start(1 << 20);
        t.reaction = KEEP;
        struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
        if (when == 0) /* before it is delivered */
            proc_abort(&f->p);
        run_ms(1);
        assert_int_equal(t.requests, 1);
        if (when == 1) /* while the producer has it */
            proc_abort(&f->p);
        if (when < 3)
            call_problem(t.kept, 403, "X", NULL);
        if (when == 2) /* while the answer is queued */
            proc_abort(&f->p);
        run_ms(when == 3 ? 3000 : 1);
        if (when == 3) { /* after the deadline, before the producer answers */
            proc_abort(&f->p);
            call_problem(t.kept, 403, "X", NULL);
        }
        if (when == 4) /* never answered: the producer's end answers */
            proc_abort(&f->p);
        assert_int_equal(t.ended, 1);
        stop();
    }
}

static void a_call_may_be_dropped_unsent_or_unanswered(void **state)
{
    start(1 << 20);
    call_done(auth_call("suci-0-001-1"));
    call_done(NULL);
    assert_null(call_request(NULL));
    assert_int_equal(t.rt.calls_open, 0);
    t.reaction = KEEP;
    struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1);
    call_done(f->c[0]); /* the only one it waits for: it goes on */
    f->n = 0;
    run_ms(1);
    assert_int_equal(t.woken, 1);
    call_problem(t.kept, 403, "X", NULL);
    run_ms(1);
    assert_int_equal(t.rt.calls_open, 0);
    finish(f);
    stop();
}

static void notifications_free_themselves(void **state)
{
    start(1 << 20);
    call_notify(auth_call("suci-0-001-1"));
    run_ms(1);
    assert_int_equal(t.requests, 1);
    assert_int_equal(t.rt.calls_open, 0);
    t.reaction = KEEP;
    call_notify(auth_call("suci-0-001-1"));
    run_ms(3000);
    assert_int_equal(t.rt.calls_open, 1);
    call_problem(t.kept, 403, "X", NULL);
    assert_int_equal(t.rt.calls_open, 0);
    stop();
}

static void a_second_answer_is_none(void **state)
{
    start(1 << 20);
    t.reaction = ANSWER_TWICE;
    struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 201);
    finish(f);
    stop();
}

static void nobody_produces_it(void **state)
{
    start(1 << 20);
    nf_stop(&t.rt, SBI_NF_AUSF);
    struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 503);
    assert_true(str_is(call_cause(f->c[0]), "TARGET_NF_NOT_REACHABLE"));
    finish(f);
    stop();
}

static void a_producer_that_stops_answers(void **state)
{
    start(1 << 20);
    t.reaction = KEEP;
    struct frame *f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1);
    nf_stop(&t.rt, SBI_NF_AUSF);
    run_ms(1);
    assert_int_equal(t.status[0], 503);
    finish(f);
    stop();
}

static void callbacks_find_who_gave_the_uri(void **state)
{
    start(1 << 20);
    struct call *c = call_new(&t.rt, SBI_nudm_uecm_dereg_notify);
    SBI_REQ(nudm_uecm_dereg_notify) *q = call_request(c);
    q->callback = call_callback_uri(&t.rt, &c->arena, SBI_NF_AMF, "%s/dereg", "imsi-1");
    assert_true(str_is(q->callback, "http://localhost/amf-callback/v1/imsi-1/dereg"));
    q->body.dereg_reason = SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN;
    call_notify(c);
    run_ms(1);
    assert_string_equal(t.text, "imsi-1/dereg");
    c = call_new(&t.rt, SBI_nudm_uecm_dereg_notify);
    q = call_request(c);
    q->callback = STR("http://elsewhere/other-callback/v1/x");
    q->body.dereg_reason = SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN;
    struct frame *f = consumer(c, NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 503);
    finish(f);
    stop();
}

static void a_call_grows_and_memory_that_ends_is_an_answer(void **state)
{
    start(1 << 20);
    assert_int_equal(nf_start(&t.rt, &nrf_stub), OK);
    run_ms(1);
    struct call *c = call_new(&t.rt, SBI_nnrf_disc_search);
    SBI_REQ(nnrf_disc_search) *q = call_request(c);
    q->target_nf_type = q->requester_nf_type = SBI_NFType_AMF;
    struct frame *f = consumer(c, NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 200);
    const SBI_RSP(nnrf_disc_search) *r = c->rsp;
    assert_int_equal(r->nf_instances.n, 64);
    assert_true(
        str_is(r->nf_instances.p[63].nf_instance_id, "000000000000000000000000000000000063"));
    finish(f);
    stop();

    start(12 << 10); /* room for the procedure and one call without growth */
    assert_int_equal(nf_start(&t.rt, &nrf_stub), OK);
    run_ms(1);
    c = call_new(&t.rt, SBI_nnrf_disc_search);
    q = call_request(c);
    q->target_nf_type = q->requester_nf_type = SBI_NFType_AMF;
    f = consumer(c, NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 503);
    struct call *more[8];
    unsigned n = 0;
    while (n < 8 && (more[n] = call_new(&t.rt, SBI_nausf_auth_post)))
        n++;
    assert_in_range(n, 1, 7);
    while (n)
        call_done(more[--n]);
    finish(f);
    stop();
}

static void texts_of_any_length_fit(void **state)
{
    start(1 << 20);
    char longest[512];
    memset(longest, 'a', sizeof longest - 1);
    longest[511] = 0;
    struct call *c = auth_call("");
    SBI_REQ(nausf_auth_post) *q = call_request(c);
    for (unsigned i = 0; i < 20; i++) /* each longer than what is left, in the end */
        q->body.supi_or_suci = arena_printf(&c->arena, "%s%u", longest, i % 10);
    struct frame *f = consumer(c, NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 201);
    assert_int_equal(strlen(t.text), 512);
    assert_int_equal(t.text[511], '9');
    finish(f);
    stop();
}

/* What only bytes can tell. */
static void what_the_codec_refuses_is_an_answer(void **state)
{
    if (!json)
        return;
    start(1 << 20);
    struct call *c = auth_call("suci-0-001-1");
    ((SBI_REQ(nausf_auth_post) *)call_request(c))->body.serving_network_name = STR("");
    struct frame *f = consumer(c, NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 400);
    assert_int_equal(t.requests, 0);
    assert_true(str_is(call_cause(c), "MANDATORY_IE_INCORRECT"));
    assert_int_equal(c->problem->invalid_params.n, 1);
    assert_true(str_is(c->problem->invalid_params.p[0].param, "/servingNetworkName"));
    finish(f);
    stop();

    start(1 << 20);
    t.reaction = ANSWER_WRONG;
    f = consumer(auth_call("suci-0-001-1"), NULL);
    run_ms(1);
    assert_int_equal(t.status[0], 502);
    assert_true(str_is(call_cause(f->c[0]), "INVALID_MSG_FORMAT"));
    finish(f);
    stop();
}

static uint64_t traced(bool mode)
{
    json = mode;
    start(1 << 20);
    t.rt.trace = 1;
    struct frame *f = consumer(auth_call("suci-0-001-1"), auth_call("suci-0-001-2"));
    run_ms(1);
    finish(f);
    t.ended = 0;
    t.reaction = REFUSE;
    f = consumer(auth_call("suci-0-001-3"), NULL);
    run_ms(1);
    uint64_t trace = t.rt.trace;
    finish(f);
    stop();
    return trace;
}
static void bytes_leave_the_same_trace_as_structs(void **state)
{
    bool mode = json;
    assert_true(traced(false) == traced(true));
    json = mode;
}

int main(void)
{
    int failed = 0;
    for (int mode = 0; mode < 2; mode++) {
        json = mode;
        print_message("%s\n", json ? "as bytes" : "as structs");
        failed |= RUN(
            unit(an_answer_reaches_its_consumer), unit(two_calls_are_one_wait),
            unit(refusals_carry_their_cause), unit(a_late_answer_is_none),
            unit(a_deadline_in_the_queue_of_the_producer), unit(a_consumer_may_end_at_any_time),
            unit(a_call_may_be_dropped_unsent_or_unanswered), unit(notifications_free_themselves),
            unit(a_second_answer_is_none), unit(nobody_produces_it),
            unit(a_producer_that_stops_answers), unit(callbacks_find_who_gave_the_uri),
            unit(a_call_grows_and_memory_that_ends_is_an_answer), unit(texts_of_any_length_fit),
            unit(what_the_codec_refuses_is_an_answer), unit(bytes_leave_the_same_trace_as_structs));
    }
    return failed;
}
