/* SPDX-License-Identifier: Apache-2.0 */
/* PDU sessions of a phone: the records, and what registration, service request and release do to all of them. */
#include "nf/amf/session.h"
#include "base/err.h"
#include <stdlib.h>

struct amf_blob *amf_blob_new(struct bytes b)
{
    struct amf_blob *n = malloc(sizeof *n + b.n);
    if (!n)
        return NULL;
    n->n = b.n;
    if (b.n)
        memcpy(n->octet, b.p, b.n);
    return n;
}

struct amf_session *amf_session_by_id(const struct amf_ue *ue, uint8_t id)
{
    LIST_EACH (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (s->id == id)
            return s;
    }
    return NULL;
}
struct amf_session *amf_session_new(struct amf_ue *ue, uint8_t id)
{
    struct amf_session *s = slab_new(&ue->amf->ues->sessions);
    if (!s)
        return NULL;
    s->amf = ue->amf;
    s->ue = ue;
    s->id = id;
    list_init(&s->procs);
    list_append(&ue->sessions, &s->on_ue);
    return s;
}

bool amf_session_name(struct amf_session *s, struct str dnn)
{
    struct interns *shared = &s->amf->ues->shared;
    intern_drop(shared, &s->dnn);
    return (s->dnn = intern(shared, (struct bytes){(const uint8_t *)dnn.p, dnn.n})) != NULL;
}
void amf_session_free(struct amf_session *s)
{
    intern_drop(&s->amf->ues->shared, &s->dnn);
    brief_clear(&s->sm_ref);
    slab_drop(&s->amf->ues->sessions, s);
}
void amf_session_drop(struct amf_session *s, bool tell)
{
    sm_drop_stored(s);
    list_remove(&s->on_ue);
    list_remove(&s->queued);
    if (s->ue && brief_is_set(&s->sm_ref))
        amf_ue_changed(s->ue);
    s->ue = NULL;
    s->up_active = s->setting_up = false;
    if (s->is_creating)
        return; /* its procedure finds out whether there is something to release */
    for (struct link *l; (l = list_pop(&s->procs));)
        proc_abort(&CONTAINER(l, struct sm_proc, on_session)->p);
    if (tell && brief_is_set(&s->sm_ref))
        sm_queue(s);
    else
        amf_session_free(s);
}

void *sm_proc_new(struct amf_session *s, const struct proc_type *type)
{
    struct sm_proc *f = s->n_procs < AMF_SESSION_PROCS ? proc_new(s->amf->rt, type, s) : NULL;
    if (!f)
        return NULL;
    f->s = s;
    s->n_procs++;
    list_append(&s->procs, &f->on_session);
    return f;
}
void sm_proc_ended(struct sm_proc *f)
{
    if (!link_is_on(&f->on_session))
        return;
    list_remove(&f->on_session);
    f->s->n_procs--;
}

/* ---- all sessions of a phone ---- */
void amf_sm_release_all(struct amf_ue *ue, uint8_t cause)
{
    LIST_EACH_SAFE (it, &ue->sessions)
        amf_session_drop(CONTAINER(it, struct amf_session, on_ue), true);
}
void amf_sm_forget(struct amf_ue *ue) { amf_sm_release_all(ue, 0); }

uint16_t amf_sm_active(const struct amf_ue *ue)
{
    uint16_t set = 0;
    LIST_EACH (it, &ue->sessions) {
        const struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (!s->is_creating)
            set = (uint16_t)(set | 1u << s->id);
    }
    return set;
}
void amf_sm_sync(struct amf_ue *ue, uint16_t phone_has)
{
    LIST_EACH_SAFE (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (s->is_creating || (phone_has >> s->id & 1))
            continue;
        sm_release_resources(s);
        amf_session_drop(s, true);
    }
}
bool amf_sm_pending(const struct amf_ue *ue)
{
    LIST_EACH (it, &ue->sessions) {
        const struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (s->n1 || s->n2 || s->n_procs)
            return true;
    }
    return false;
}
bool amf_sm_user_plane(const struct amf_ue *ue)
{
    LIST_EACH (it, &ue->sessions)
        if (CONTAINER(it, struct amf_session, on_ue)->up_active)
            return true;
    return false;
}
/* 23.502 4.2.6 step 5; many at once when an association is lost, hence the queue. What an SMF wants delivered waits
 * on, what was activated for this connection does not. */
void amf_sm_conn_gone(struct amf_ue *ue)
{
    LIST_EACH (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (!s->up_active && !s->setting_up && !s->activating)
            continue;
        if (s->activating)
            sm_drop_stored(s);
        s->up_active = s->setting_up = false;
        sm_queue(s);
    }
}
void amf_sm_idle(struct amf_ue *ue)
{
    enum { PAGES = 3 };
    bool waits = false;
    LIST_EACH (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if ((s->n1 || s->n2) && s->pages++ >= PAGES)
            sm_store_failed(s);
        waits = waits || s->n1 || s->n2;
    }
    if (waits && amf_page(ue) < 0)
        amf_sm_page_failed(ue);
}
void amf_sm_page_failed(struct amf_ue *ue)
{
    LIST_EACH (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (s->n1 || s->n2)
            sm_store_failed(s);
    }
}
