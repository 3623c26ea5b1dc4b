/* SPDX-License-Identifier: Apache-2.0 */
/* pfd.c - packet flow descriptions of applications, TS 29.244 6.2.5, 7.4.3: an SMF says once what an application's packets
 * look like, and its PDRs name the application. Flow descriptions are understood; URLs and domain names would need a look
 * into the packets, and are refused. Each SMF has applications of its own. */
#include "nf/upf/state.h"
#include "dp/sdf.h"
#include <stdlib.h>

/* Matches nothing: what is left of an application without flow descriptions. */
static const struct rule_sdf NOTHING = {.remote = {.family = 4}, .local = {.family = 6}};

struct upf_app *app_find(struct upf *u, const struct pfcp_assoc *a, struct str id)
{
    for (uint32_t i = 0; i < UPF_APPS; i++)
        if (u->app[i].assoc == a && a && str_eq((struct str){u->app[i].id, u->app[i].id_n}, id))
            return &u->app[i];
    return NULL;
}

static uint16_t app_number(const struct upf *u, const struct upf_app *a) { return (uint16_t)(a - u->app + 1); }

/* The application's filters take the place of the PDR's own; false: no room. */
bool app_filters(struct upf_draft *d, struct rule_pdr *p, const struct upf_app *a)
{
    uint32_t n = a->n ? a->n : 1;
    if (n > (uint32_t)2 * UPF_SDF_MAX - d->sdf_n)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_application_id, "too many filters in a session");
    p->app = app_number(d->upf, a);
    p->sdf = d->sdf + d->sdf_n;
    p->sdf_n = (uint16_t)n;
    memcpy(d->sdf + d->sdf_n, a->n ? a->sdf : &NOTHING, n * sizeof *d->sdf);
    d->sdf_n = (uint16_t)(d->sdf_n + n);
    return true;
}

/* ---- sessions whose PDRs name an application that has changed ---- */
static bool is_changed(const struct upf *u, const struct rule_pdr *p) { return p->app && u->app[p->app - 1].changed; }

static bool follows(const struct upf *u, const struct upf_session *s)
{
    const struct upf_rules *r = s->going ? NULL : upf_rules(u, s);
    for (uint32_t i = 0; r && i < r->pdr_n; i++)
        if (is_changed(u, &r->pdr[i]))
            return true;
    return false;
}

static void session_renew(struct upf *u, struct upf_session *s)
{
    struct upf_draft *d = u->draft;
    bool good = true;
    draft_begin(d, u, s);
    for (uint32_t i = 0; i < d->pdr_n && good; i++)
        if (is_changed(u, &d->pdr[i]))
            good = app_filters(d, &d->pdr[i], &u->app[d->pdr[i].app - 1]);
    struct dp_rules *dp = good ? draft_check(d) : NULL;
    good = dp && draft_commit(d, s, dp, 0);
    if (!good) /* it keeps what it had */
        LOG(u->rt->log, pfd_not_taken, "session=%u why=%s", d->session, d->why ? d->why : "");
}

/* Some of them at a time, so that nobody waits for an SMF that changes what all of its sessions follow. */
enum { RENEW_AT_ONCE = 256, RENEW_US = 2000 };
static void renewal_due(struct timer *t)
{
    struct upf *u = CONTAINER(t, struct upf, renewal);
    unsigned n = 0;
    for (struct upf_session *s; n < RENEW_AT_ONCE && (s = slab_next(&u->sessions, &u->renewed)); n++)
        if (follows(u, s))
            session_renew(u, s);
    bool more = n == RENEW_AT_ONCE;
    if (!more && u->renew_again) {
        u->renewed = 0;
        u->renew_again = false;
        more = true;
    }
    for (uint32_t i = 0; !more && i < UPF_APPS; i++)
        u->app[i].changed = false;
    if (more)
        timer_set(&u->rt->timers, &u->renewal, u->rt->now_us + RENEW_US, renewal_due);
}
/* Sessions that come later have what is new already. */
static void app_changed(struct upf *u, struct upf_app *a)
{
    if (!a->users)
        return;
    a->changed = true;
    u->renew_again = timer_is_running(&u->renewal);
    if (u->renew_again)
        return;
    u->renewed = 0;
    timer_set(&u->rt->timers, &u->renewal, u->rt->now_us, renewal_due);
}

/* Of PDRs, which name it by its number: that stays until they have gone. */
void apps_use(struct upf *u, const struct upf_rules *new_rules, const struct upf_rules *old_rules)
{
    for (uint32_t i = 0; new_rules && i < new_rules->pdr_n; i++)
        if (new_rules->pdr[i].app)
            u->app[new_rules->pdr[i].app - 1].users++;
    for (uint32_t i = 0; old_rules && i < old_rules->pdr_n; i++) {
        struct upf_app *a = old_rules->pdr[i].app ? &u->app[old_rules->pdr[i].app - 1] : NULL;
        if (a && !--a->users && !a->n)
            *a = (struct upf_app){0};
    }
}

/* ---- the request ---- */
static void app_empty(struct upf *u, struct upf_app *a)
{
    free(a->sdf);
    a->sdf = NULL;
    a->n = 0;
    if (a->users)
        app_changed(u, a);
    else
        *a = (struct upf_app){0};
}

/* Of an association that has ended, with its sessions. */
void apps_drop(struct upf *u, const struct pfcp_assoc *of)
{
    for (uint32_t i = 0; i < UPF_APPS; i++)
        if (u->app[i].assoc && (!of || u->app[i].assoc == of)) {
            free(u->app[i].sdf);
            u->app[i] = (struct upf_app){0};
        }
}

static uint32_t contents_count(const struct pfcp_application_ids_pfds *q)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < q->pfd_context.n; i++)
        n += q->pfd_context.v[i].pfd_contents.n;
    return n;
}

/* Parsed, or the cause with what offends. */
static uint8_t contents_take(const struct pfcp_application_ids_pfds *q, struct rule_sdf *to, uint16_t *offending)
{
    enum { FLOW_DESCRIPTION = 1 };
    for (uint32_t i = 0; i < q->pfd_context.n; i++)
        for (uint32_t k = 0; k < q->pfd_context.v[i].pfd_contents.n; k++) {
            const struct pfcp_pfd_contents *c = &q->pfd_context.v[i].pfd_contents.v[k];
            *offending = PFCP_IE_pfd_contents;
            if (c->flags != FLOW_DESCRIPTION)
                return PFCP_CAUSE_SERVICE_NOT_SUPPORTED;
            if (sdf_parse(to++, c->flow_description, NULL) < 0)
                return PFCP_CAUSE_MANDATORY_IE_INCORRECT;
        }
    *offending = 0;
    return PFCP_CAUSE_REQUEST_ACCEPTED;
}

static struct upf_app *app_new(struct upf *u, struct pfcp_assoc *a, struct str id)
{
    for (uint32_t i = 0; i < UPF_APPS; i++)
        if (!u->app[i].assoc) {
            u->app[i] = (struct upf_app){.assoc = a, .id_n = (uint8_t)id.n};
            memcpy(u->app[i].id, id.p, id.n);
            return &u->app[i];
        }
    return NULL;
}

/* 6.2.5.2: what is given takes the place of all that was. */
static uint8_t app_take(struct upf *u, struct pfcp_assoc *assoc, const struct pfcp_application_ids_pfds *q, uint16_t *offending)
{
    struct upf_app *a = app_find(u, assoc, q->application_id);
    uint32_t n = contents_count(q);
    *offending = PFCP_IE_application_id;
    if (!q->application_id.n || q->application_id.n > UPF_APP_ID_MAX)
        return PFCP_CAUSE_MANDATORY_IE_INCORRECT;
    if (!n) {
        if (a)
            app_empty(u, a);
        return PFCP_CAUSE_REQUEST_ACCEPTED;
    }
    struct rule_sdf *sdf = n <= UPF_APP_FILTERS ? calloc(n, sizeof *sdf) : NULL;
    uint8_t cause = sdf ? contents_take(q, sdf, offending) : PFCP_CAUSE_NO_RESOURCES_AVAILABLE;
    if (cause == PFCP_CAUSE_REQUEST_ACCEPTED && !a && !(a = app_new(u, assoc, q->application_id)))
        cause = PFCP_CAUSE_NO_RESOURCES_AVAILABLE;
    if (cause != PFCP_CAUSE_REQUEST_ACCEPTED) {
        free(sdf);
        return cause;
    }
    free(a->sdf);
    a->sdf = sdf;
    a->n = (uint16_t)n;
    app_changed(u, a);
    return cause;
}

void pfd_management(struct upf *u, const struct pfcp_in *in)
{
    const struct pfcp_pfd_management_request *q = &in->msg->pfd_management_request;
    struct pfcp_msg m = {.type = PFCP_PFD_MANAGEMENT_RESPONSE};
    struct pfcp_pfd_management_response *r = &m.pfd_management_response;
    uint16_t offending = 0;
    r->cause = in->assoc && in->assoc->is_up ? PFCP_CAUSE_REQUEST_ACCEPTED : PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION;
    for (uint32_t i = 0; r->cause == PFCP_CAUSE_REQUEST_ACCEPTED && !q->application_ids_pfds.n && i < UPF_APPS; i++)
        if (u->app[i].assoc == in->assoc) /* none named: all go, 7.4.3.1 */
            app_empty(u, &u->app[i]);
    for (uint32_t i = 0; r->cause == PFCP_CAUSE_REQUEST_ACCEPTED && i < q->application_ids_pfds.n; i++)
        r->cause = app_take(u, in->assoc, &q->application_ids_pfds.v[i], &offending);
    if (r->cause != PFCP_CAUSE_REQUEST_ACCEPTED) {
        r->has.offending_ie = offending != 0;
        r->offending_ie = offending;
        refuse_log(u, in, r->cause, offending, "packet flow descriptions that are not possible here");
    }
    pfcp_answer(&u->pfcp, in->answer, &m);
}
