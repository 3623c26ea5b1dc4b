/* SPDX-License-Identifier: Apache-2.0 */
/* What SMFs are told without anybody waiting for it: user planes that are off, sessions that are gone. An association
 * that dies can mean a hundred thousand of them, so one procedure asks for a few at a time. */
#include "nf/amf/session.h"
#include "base/err.h"

enum { AT_ONCE = 16, ATTEMPTS = 3 };
static const uint64_t RETRY_US = 1000000;

struct item {
    struct call *c;
    struct ref s;
    bool is_release;
};
struct teller {
    struct proc p;
    struct amf *amf;
    uint32_t n;
    uint8_t attempt;
    bool any_failed;
    struct item items[AT_ONCE];
};

static struct call *release_call(struct amf_session *s)
{
    char buf[BRIEF_BUF];
    struct call *c = call_new(s->amf->rt, SBI_nsmf_pdusession_release);
    if (!c)
        return NULL;
    SBI_REQ(nsmf_pdusession_release) *q = call_request(c);
    q->sm_context_ref = arena_str(&c->arena, brief_get(&s->sm_ref, buf));
    return c;
}
static struct call *deactivate_call(struct amf_session *s)
{
    struct call *c = sm_update_call(s);
    if (!c)
        return NULL;
    SBI_REQ(nsmf_pdusession_update) *q = call_request(c);
    q->body.has.up_cnx_state = 1;
    q->body.up_cnx_state = SBI_UpCnxState_DEACTIVATED;
    return c;
}

/* A user plane that has been set up again meanwhile is left alone. */
static bool has_still_to_be_told(const struct amf_session *s)
{
    return !s->ue || !(s->up_active || s->setting_up);
}
static void take_some(struct teller *f)
{
    struct amf_ues *u = f->amf->ues;
    while (f->n < AT_ONCE && !list_empty(&u->sm_queue)) {
        struct amf_session *s = CONTAINER(u->sm_queue.next, struct amf_session, queued);
        if (!has_still_to_be_told(s)) {
            list_remove(&s->queued);
            continue;
        }
        struct call *c = s->ue ? deactivate_call(s) : release_call(s);
        if (!c)
            return; /* memory used up: later */
        list_remove(&s->queued);
        f->items[f->n++] = (struct item){c, slab_ref(&u->sessions, s), !s->ue};
        call_send(c, &f->p);
    }
}
/* 404: the SMF does not know it, which is what was wanted. */
static void finish(struct teller *f, struct item *it)
{
    struct slab *sessions = &f->amf->ues->sessions;
    struct amf_session *s = slab_get(sessions, it->s);
    bool done = call_ok(it->c) || (it->c->status >= 400 && it->c->status < 500);
    bool is_unknown = it->c->status == 404;
    call_done(it->c);
    if (!s || link_is_on(&s->queued))
        return; /* gone, or to be told something else by now */
    if (!done) {
        f->any_failed = true;
        if (f->attempt < ATTEMPTS) {
            sm_queue(s);
            return;
        }
    }
    if (!s->ue)
        amf_session_free(s);
    else if (is_unknown && !s->is_creating)
        amf_session_drop(s, false);
}

static void teller_run(struct proc *p, const struct wake *w)
{
    struct teller *f = (struct teller *)p;
    PROC_BEGIN(p);
    while (!list_empty(&f->amf->ues->sm_queue)) {
        f->n = 0;
        f->any_failed = false;
        take_some(f);
        if (f->n) {
            AWAIT_CALLS(p);
            for (uint32_t i = 0; i < f->n; i++)
                finish(f, &f->items[i]);
        }
        f->attempt = f->any_failed ? (uint8_t)(f->attempt + 1) : 0;
        if (f->any_failed || (!f->n && !list_empty(&f->amf->ues->sm_queue))) {
            proc_accept_(p, RETRY_US, NULL, 0);
            AWAIT(p, WANT(WAKE_TIMEOUT));
        }
    }
    PROC_END(p);
}
static void teller_end(struct proc *p, int outcome) { ((struct teller *)p)->amf->ues->sm_teller = NULL; }
static const struct proc_type TELLER = {"session-queue", sizeof(struct teller), teller_run, teller_end};

static void start(struct work *w)
{
    struct amf_ues *u = CONTAINER(w, struct amf_ues, sm_work);
    struct teller *f = u->sm_teller || list_empty(&u->sm_queue) ? NULL : proc_new(u->amf->rt, &TELLER, u);
    if (!f)
        return; /* memory used up: the next one that is queued tries again */
    f->amf = u->amf;
    u->sm_teller = &f->p;
    proc_start(&f->p);
}
void sm_queue(struct amf_session *s)
{
    struct amf_ues *u = s->amf->ues;
    if (link_is_on(&s->queued))
        return;
    list_append(&u->sm_queue, &s->queued);
    if (!u->sm_teller && !link_is_on(&u->sm_work.link)) {
        u->sm_work.fn = start;
        rt_queue(u->amf->rt, &u->sm_work);
    }
}

void amf_sm_stop(struct amf *amf)
{
    struct amf_ues *u = amf->ues;
    struct amf_session *s;
    proc_abort(u->sm_teller);
    list_remove(&u->sm_work.link);
    for (uint32_t i = 0; u->sessions.items && (s = slab_next(&u->sessions, &i));) {
        s->is_creating = false;
        amf_session_drop(s, false);
    }
}
