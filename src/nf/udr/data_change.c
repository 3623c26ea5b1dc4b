/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever wants to know is told what a command changed in the store: TS 29.504 5.2.2.5, TS 29.505 5.2.20. */
#include "nf/udr/udr.h"
#include "base/log.h"
#include "rt/metrics.h"
#include "codec/sbi_own.h"

enum { POLL_US = 1000000, AGAIN_US = 10000, NOTES = 32, NOTE_OCTETS = 8 + SUBSCRIBER_SUPI };

struct notes {
    uint32_t n;
    struct {
        uint8_t key[NOTE_OCTETS];
        uint32_t key_n;
        bool removed;
    } note[NOTES];
};
static int take_note(void *ctx, struct bytes key, struct bytes value)
{
    struct notes *x = ctx;
    if (key.n <= 8 || key.n > NOTE_OCTETS) {
        key.n = key.n > NOTE_OCTETS ? NOTE_OCTETS : key.n; /* of no use: it is deleted where it can be named */
        value.n = 0;
    }
    memcpy(x->note[x->n].key, key.p, key.n);
    x->note[x->n].key_n = key.n;
    x->note[x->n].removed = value.n == 1 && value.p[0] == 'r';
    return ++x->n == NOTES ? 1 : OK;
}

static void tell(struct udr *u, const char *uri, struct str supi, bool removed)
{
    struct call *c = call_new(u->rt, SBI_nudr_dr_data_change_notify);
    SBI_REQ(nudr_dr_data_change_notify) *q = c ? call_request(c) : NULL;
    struct sbi_DataChangeNotify n = {.ue_id = supi};
    struct sbi_NotifyItem item = {.changes = removed ? STR("[{\"op\":\"REMOVE\",\"path\":\"/\"}]")
                                                     : STR("[{\"op\":\"REPLACE\",\"path\":\"/\"}]")};
    if (q) {
        item.resource_id = arena_printf(&c->arena, "/nudr-dr/v2/subscription-data/" STR_FMT, STR_ARG(supi));
        n.has.ue_id = n.has.notify_items = 1;
        n.notify_items.p = &item;
        n.notify_items.n = 1;
        q->callback = str_of(uri);
        q->body.p = &n;
        q->body.n = 1;
        if (item.resource_id.p && sbi_own(sbi_ops[c->op].req, &c->arena, q) == OK) {
            call_notify(c);
            return;
        }
    }
    call_done(c);
}

static void poll_due(struct timer *t)
{
    struct udr *u = CONTAINER(t, struct udr, poll);
    struct store *st = u->rt->store;
    struct notes x = {0};
    if (u->n_listeners)
        st->ops->scan(st, STORE_change, (struct bytes){NULL, 0}, take_note, &x);
    for (uint32_t i = 0; i < x.n; i++) {
        struct str supi = {(const char *)x.note[i].key + 8, x.note[i].key_n > 8 ? x.note[i].key_n - 8 : 0};
        if (store_del(st, STORE_change, (struct bytes){x.note[i].key, x.note[i].key_n}) < 0)
            break; /* told again when the store works again */
        udr_written(u);
        if (!subscriber_supi_ok(supi))
            continue;
        LOG(u->rt->log, subscriber_changed, "ue=%s what=%s", log_identity(u->rt->log, supi).text,
            x.note[i].removed ? "removed" : "changed");
        for (uint32_t j = 0; j < u->n_listeners; j++)
            tell(u, u->listeners[j], supi, x.note[i].removed);
    }
    if (x.n) {
        int64_t n = subscriber_count(st);
        metric_set(u->rt->metrics, METRIC_subscribers, n > 0 ? (uint64_t)n : 0);
    }
    timer_set(&u->rt->timers, t, u->rt->now_us + (x.n == NOTES ? AGAIN_US : POLL_US), poll_due);
}
void udr_watch_changes(struct udr *u) { timer_set(&u->rt->timers, &u->poll, u->rt->now_us + POLL_US, poll_due); }

void udr_subs_to_notify(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_subs_to_notify) *q = c->req;
    SBI_RSP(nudr_dr_subs_to_notify) *r = c->rsp;
    uint32_t i = 0;
    while (i < u->n_listeners && !str_is(q->body.callback_reference, u->listeners[i]))
        i++;
    if (q->body.has.ue_id) {
        call_problem(c, 501, "UNSUPPORTED_MONITORED_URI", "changes are told for all subscribers only");
        return;
    }
    if (i == UDR_LISTENERS || !str_copy(u->listeners[i], UDR_LISTENER_URI, q->body.callback_reference)) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", "too many subscriptions");
        return;
    }
    u->n_listeners = i == u->n_listeners ? i + 1 : u->n_listeners;
    *r = q->body;
    r->has.location = 1;
    r->location = arena_printf(&c->arena, "%s/nudr-dr/v2/subscription-data/subs-to-notify/%u",
                               u->rt->api_root ? u->rt->api_root : "", i + 1);
    call_reply(c, 201);
}
