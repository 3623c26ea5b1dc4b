/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts of registered phones in the store, and back at the next start: docs/decisions/0005. What a row holds of
 * COUNTs is ahead of what has been used (downlink) or what was taken last (uplink, from initial messages). */
#include "nf/amf/session.h"
#include "base/err.h"
#include "base/log.h"
#include "base/wire.h"
#include <stdlib.h>

enum {
    FORMAT = 1,
    ROW_OCTETS = 16384,
    AHEAD = 32,        /* downlink COUNTs that a row allows to be used */
    EARLY = 8,         /* so many before the last of them the row is written anew */
    A_START = 16,      /* … that each start allows without a row of its own */
    STARTS = 8,        /* … as long as there were not more since the row was written */
    UPLINK_AHEAD = 64, /* uplink messages after which a row is written anew: estimation bears 255 (TS 24.501 4.4.3.1) */
    DNNS_MAX = 256,
};
enum { ROW_SUBSCRIPTION = 1, ROW_AT_UDM = 2, ROW_AGAIN = 4, ROW_LOCATED = 8, ROW_PROTECTED = 16 };
static const struct bytes key_epoch = {(const uint8_t *)"amf_epoch", 9};

static struct bytes key_of(const struct amf_ue *ue)
{
    return (struct bytes){(const uint8_t *)ue->supi, amf_ue_supi(ue).n};
}

/* ---- writing ---- */
static void put_text(struct wr *w, struct str t)
{
    wr_u8(w, (uint8_t)t.n);
    w->bad |= t.n > 255;
    wr_bytes(w, (struct bytes){(const uint8_t *)t.p, t.n});
}
static void put_slice(struct wr *w, const struct amf_slice *s)
{
    wr_u8(w, s->sst);
    wr_u8(w, s->has_sd);
    wr_bytes(w, BYTES_OF(s->sd));
}
static void put_slices(struct wr *w, const struct amf_slice *s, uint8_t n)
{
    wr_u8(w, n);
    for (uint32_t i = 0; i < n; i++)
        put_slice(w, &s[i]);
}
static void put_security(struct wr *w, const struct amf_ue *ue)
{
    const struct nas_security *s = &ue->security;
    wr_u8(w, s->ksi);
    wr_u8(w, s->nea);
    wr_u8(w, s->nia);
    wr_bytes(w, BYTES_OF(s->kamf));
    wr_bytes(w, BYTES_OF(s->k_enc));
    wr_bytes(w, BYTES_OF(s->k_int));
    wr_u32(w, s->count[NAS_UPLINK]);
    wr_u32(w, s->count[NAS_DOWNLINK] + AHEAD);
    wr_u8(w, ue->capability.n);
    wr_bytes(w, BYTES_OF(ue->capability.octet));
    wr_u8(w, ue->gmm_capability.n);
    wr_bytes(w, BYTES_OF(ue->gmm_capability.octet));
}
static void put_subscription(struct wr *w, const struct amf_ue *ue)
{
    put_slices(w, ue->allowed, ue->n_allowed);
    put_slices(w, ue->requested, ue->n_requested);
    const struct amf_facts *of = amf_ue_facts(ue);
    put_slices(w, of->subscribed, of->n_subscribed);
    wr_u16(w, of->default_slices);
    wr_u64(w, ue->ambr_up_bps);
    wr_u64(w, ue->ambr_down_bps);
    wr_u16(w, ue->rfsp);
    wr_u8(w, ue->drx);
    wr_u32(w, ue->t3512_s);
    wr_u32(w, ue->t3502_s);
    wr_u32(w, ue->subscribed_t3512_s);
    const struct amf_dnns *dnns = amf_ue_dnns(ue);
    uint32_t n = dnns ? dnns->n : 0;
    wr_u16(w, (uint16_t)n);
    w->bad |= n > DNNS_MAX;
    for (uint32_t i = 0; !w->bad && i < n; i++) {
        put_slice(w, &dnns->v[i].slice);
        wr_u8(w, dnns->v[i].is_default);
        put_text(w, str_of(dnns->v[i].name));
    }
}
static void put_place(struct wr *w, const struct amf_ue *ue)
{
    const struct amf_facts *of = amf_ue_facts(ue);
    wr_u8(w, of->n_area);
    for (uint32_t i = 0; i < of->n_area; i++) {
        wr_bytes(w, BYTES_OF(of->area[i].plmn));
        wr_bytes(w, BYTES_OF(of->area[i].tac));
    }
    wr_bytes(w, BYTES_OF(ue->location.tai.plmn));
    wr_bytes(w, BYTES_OF(ue->location.tai.tac));
    wr_bytes(w, BYTES_OF(ue->location.cgi_plmn));
    wr_u64(w, ue->location.nr_cell);
}
static void put_sessions(struct wr *w, const struct amf_ue *ue)
{
    uint32_t n = 0, at = w->n;
    wr_u8(w, 0);
    LIST_EACH (it, &ue->sessions) {
        const struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        char buf[BRIEF_BUF];
        if (!brief_is_set(&s->sm_ref))
            continue;
        n++;
        wr_u8(w, s->id);
        put_slice(w, &s->slice);
        put_text(w, interned_str(s->dnn));
        put_text(w, brief_get(&s->sm_ref, buf));
    }
    if (!w->bad)
        w->base[at] = (uint8_t)n;
}
static struct bytes encode(const struct amf_ue *ue, struct wr *w)
{
    wr_u8(w, FORMAT);
    wr_u32(w, ue->amf->ues->epoch);
    wr_u8(w, (uint8_t)((ue->has_subscription ? ROW_SUBSCRIPTION : 0) | (ue->at_udm ? ROW_AT_UDM : 0) |
                       (ue->dereg_again ? ROW_AGAIN : 0) | (ue->location.at_us ? ROW_LOCATED : 0) |
                       (ue->is_protected ? ROW_PROTECTED : 0)));
    wr_u8(w, ue->pending);
    wr_u8(w, ue->dereg_cause);
    wr_u8(w, ue->guami);
    wr_u32(w, ue->tmsi);
    wr_u32(w, ue->new_tmsi);
    wr_u32(w, ue->spare_tmsi);
    put_text(w, str_of(ue->pei));
    put_security(w, ue);
    put_subscription(w, ue);
    put_place(w, ue);
    put_sessions(w, ue);
    return wr_done(w);
}

static bool is_durable(const struct amf_ue *ue) { return commit_is_done(ue->amf->rt, ue->asked_at); }
static void count_durable(struct amf_ue *ue)
{
    if (ue->count_asked > ue->count_limit && is_durable(ue))
        ue->count_limit = ue->count_asked;
}
/* The COUNTs that the row allows are used only when it is durable. Of new keys no row was ever there: until the first
 * is written any may be used, for with the process they are lost. */
static void count_asked(struct amf_ue *ue)
{
    uint32_t limit = ue->security.count[NAS_DOWNLINK] + AHEAD;
    count_durable(ue);
    if (ue->count_limit == UINT32_MAX)
        ue->count_limit = limit;
    ue->count_asked = limit;
    ue->asked_at = ue->amf->rt->commits;
    ue->stored_uplink = ue->security.count[NAS_UPLINK];
}
static bool put_row(struct amf_ue *ue)
{
    __attribute__((uninitialized)) uint8_t buf[ROW_OCTETS]; /* of which a row takes some 300 */
    struct wr w = wr_over(buf, sizeof buf);
    struct rt *rt = ue->amf->rt;
    struct bytes row = encode(ue, &w);
    int e = row.p ? store_put(rt->store, STORE_amf_ue, key_of(ue), row) : ERR_NOSPACE;
    secret_wipe(buf, w.n);
    if (e == ERR_NOSPACE) { /* larger than any subscription should be: the phone registers anew after a restart */
        LOG(rt->log, store_row_bad, "table=amf_ue why=too-long");
        amf_ue_row_delete(ue);
        return true;
    }
    if (e < 0)
        return false;
    ue->has_row = true;
    if (ue->spare_at == UINT64_MAX)
        ue->spare_at = rt->commits + 1;
    count_asked(ue);
    return true;
}
static bool write_changed(struct commit_user *c)
{
    struct amf_ues *u = CONTAINER(c, struct amf_ues, rows);
    LIST_EACH_SAFE (l, &u->changed) {
        struct amf_ue *ue = CONTAINER(l, struct amf_ue, changed);
        if (amf_ue_is_registered(ue) && ue->security.is_valid && !put_row(ue))
            return false;
        list_remove(&ue->changed);
    }
    return true;
}

void amf_ue_changed(struct amf_ue *ue)
{
    struct amf_ues *u = ue->amf->ues;
    if (!u->rows.write || link_is_on(&ue->changed))
        return;
    list_append(&u->changed, &ue->changed);
    commit_soon(ue->amf->rt);
}
void amf_ue_row_delete(struct amf_ue *ue)
{
    struct amf_ues *u = ue->amf->ues;
    list_remove(&ue->changed);
    if (!u->rows.write || !ue->has_row)
        return;
    ue->has_row = store_del(ue->amf->rt->store, STORE_amf_ue, key_of(ue)) == ERR_STORE;
    commit_soon(ue->amf->rt);
}
void amf_ue_keys_changed(struct amf_ue *ue)
{
    ue->count_limit = UINT32_MAX;
    ue->count_asked = 0;
}
bool amf_ue_may_send(struct amf_ue *ue)
{
    struct amf_ues *u = ue->amf->ues;
    uint32_t count = ue->security.count[NAS_DOWNLINK];
    if (!u->rows.write || ue->count_limit == UINT32_MAX)
        return true;
    if (count + EARLY >= ue->count_asked)
        amf_ue_changed(ue);
    count_durable(ue);
    if (count >= ue->count_limit) { /* rare: many messages within one commit, or many restarts without any */
        amf_ue_changed(ue);
        commit_now(ue->amf->rt);
        count_durable(ue);
    }
    return count < ue->count_limit;
}
void amf_ue_heard(struct amf_ue *ue, bool is_initial)
{
    if (is_initial || ue->security.count[NAS_UPLINK] - ue->stored_uplink >= UPLINK_AHEAD)
        amf_ue_changed(ue);
}

/* ---- reading ---- */
static void get_text(struct rd *r, char *to, size_t cap)
{
    struct bytes b = rd_bytes(r, rd_u8(r));
    r->bad |= b.n >= cap || (b.n && memchr(b.p, 0, b.n));
    if (!r->bad)
        str_copy(to, cap, (struct str){(const char *)b.p, b.n});
}
static void get_octets(struct rd *r, void *to, uint32_t n)
{
    const uint8_t *p = rd_octets(r, n);
    if (p)
        memcpy(to, p, n);
}
static uint8_t get_number(struct rd *r, uint8_t most)
{
    uint8_t n = rd_u8(r);
    r->bad |= n > most;
    return r->bad ? 0 : n;
}
static void get_slice(struct rd *r, struct amf_slice *s)
{
    s->sst = rd_u8(r);
    s->has_sd = rd_u8(r) != 0;
    get_octets(r, s->sd, sizeof s->sd);
}
static uint8_t get_slices(struct rd *r, struct amf_slice *s, uint8_t most)
{
    uint8_t n = get_number(r, most);
    for (uint32_t i = 0; i < n; i++)
        get_slice(r, &s[i]);
    return n;
}
/* Starts that may have used COUNTs without saying so move it on. */
static void get_security(struct rd *r, struct amf_ue *ue, uint32_t starts)
{
    struct nas_security *s = &ue->security;
    s->ksi = get_number(r, 6);
    s->nea = get_number(r, NAS_ALG_COUNT - 1);
    s->nia = get_number(r, NAS_ALG_COUNT - 1);
    get_octets(r, s->kamf, sizeof s->kamf);
    get_octets(r, s->k_enc, sizeof s->k_enc);
    get_octets(r, s->k_int, sizeof s->k_int);
    s->count[NAS_UPLINK] = rd_u32(r);
    uint32_t down = rd_u32(r);
    r->bad |= s->count[NAS_UPLINK] > NAS_COUNT_MAX || down > NAS_COUNT_MAX;
    s->count[NAS_DOWNLINK] = down + A_START * (starts < STARTS ? starts : STARTS);
    ue->count_limit = s->count[NAS_DOWNLINK] + (starts < STARTS ? A_START : 0);
    ue->stored_uplink = s->count[NAS_UPLINK];
    s->is_valid = true;
    ue->capability.n = get_number(r, sizeof ue->capability.octet);
    get_octets(r, ue->capability.octet, sizeof ue->capability.octet);
    ue->gmm_capability.n = get_number(r, sizeof ue->gmm_capability.octet);
    get_octets(r, ue->gmm_capability.octet, sizeof ue->gmm_capability.octet);
}
static void get_subscription(struct rd *r, struct amf_ue *ue)
{
    ue->n_allowed = get_slices(r, ue->allowed, AMF_UE_SLICES);
    ue->n_requested = get_slices(r, ue->requested, AMF_UE_SLICES);
    struct amf_facts facts = {0};
    facts.n_subscribed = get_slices(r, facts.subscribed, AMF_SUBSCRIBED_SLICES);
    facts.default_slices = rd_u16(r);
    r->bad |= !amf_ue_set_facts(ue, &facts);
    ue->ambr_up_bps = rd_u64(r);
    ue->ambr_down_bps = rd_u64(r);
    ue->rfsp = rd_u16(r);
    ue->drx = rd_u8(r);
    ue->t3512_s = rd_u32(r);
    ue->t3502_s = rd_u32(r);
    ue->subscribed_t3512_s = rd_u32(r);
    uint32_t n = rd_u16(r);
    r->bad |= n > DNNS_MAX;
    struct amf_dnns *dnns = r->bad ? NULL : calloc(1, sizeof *dnns + n * sizeof dnns->v[0]);
    for (uint32_t i = 0; dnns && i < n; i++) {
        struct amf_dnn *d = &dnns->v[i];
        get_slice(r, &d->slice);
        d->is_default = rd_u8(r) != 0;
        get_text(r, d->name, sizeof d->name);
        dnns->n = i + 1;
    }
    if (dnns && !r->bad)
        amf_ue_keep_dnns(ue, dnns);
    free(dnns);
}
static void get_place(struct rd *r, struct amf_ue *ue, bool located)
{
    struct amf_facts facts = *amf_ue_facts(ue);
    facts.n_area = get_number(r, AMF_AREA_TAIS);
    for (uint32_t i = 0; i < facts.n_area; i++) {
        get_octets(r, facts.area[i].plmn, 3);
        get_octets(r, facts.area[i].tac, 3);
    }
    r->bad |= !amf_ue_set_facts(ue, &facts);
    get_octets(r, ue->location.tai.plmn, 3);
    get_octets(r, ue->location.tai.tac, 3);
    get_octets(r, ue->location.cgi_plmn, 3);
    ue->location.nr_cell = rd_u64(r);
    ue->location.at_us = located ? ue->amf->rt->now_us + 1 : 0;
}
/* Their SMFs hear that the user plane is off, which it is; one that does not know a session says so. */
static void get_sessions(struct rd *r, struct amf_ue *ue)
{
    uint8_t n = get_number(r, AMF_SESSIONS_A_UE);
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        struct amf_session *s = amf_session_new(ue, get_number(r, 15));
        r->bad |= !s || s->id == 0;
        if (r->bad)
            return;
        get_slice(r, &s->slice);
        char dnn[AMF_DNN_MAX + 1] = "", ref[AMF_ID_MAX + 1] = "";
        get_text(r, dnn, sizeof dnn);
        get_text(r, ref, sizeof ref);
        r->bad |= !amf_session_name(s, str_of(dnn)) || !brief_set(&s->sm_ref, str_of(ref));
    }
}
/* A new identity may have been sent just before the end: all of them find the phone, until it uses one. */
static int claim(struct amf_ue *ue)
{
    struct map *m = &ue->amf->ues->by_tmsi;
    uint32_t *const all[] = {&ue->tmsi, &ue->new_tmsi, &ue->spare_tmsi};
    int e = OK;
    for (uint32_t i = 0; i < ARRAY_LEN(all); i++) {
        if (*all[i] && map_get_u64(m, *all[i]))
            *all[i] = 0, e = ERR_EXISTS;
        else if (*all[i] && map_put_u64(m, *all[i], ue) < 0)
            *all[i] = 0, e = ERR_NOSPACE;
    }
    if (!ue->new_tmsi) {
        ue->new_tmsi = ue->spare_tmsi;
        ue->spare_tmsi = 0;
    }
    ue->guti_unsure = true;
    return e;
}
static int decode(struct bytes row, struct amf_ue *ue)
{
    struct rd r = rd_over(row);
    bool known = rd_u8(&r) == FORMAT;
    uint32_t epoch = rd_u32(&r);
    uint8_t flags = rd_u8(&r);
    if (!known || epoch >= ue->amf->ues->epoch)
        return ERR_SYNTAX;
    ue->dereg_again = flags & ROW_AGAIN;
    ue->is_protected = flags & ROW_PROTECTED;
    ue->at_udm = flags & ROW_AT_UDM;
    ue->pending = rd_u8(&r) & AMF_PENDING_DEREGISTRATION;
    ue->dereg_cause = rd_u8(&r);
    ue->guami = rd_u8(&r);
    ue->tmsi = rd_u32(&r);
    ue->new_tmsi = rd_u32(&r);
    ue->spare_tmsi = rd_u32(&r);
    int e = claim(ue);
    get_text(&r, ue->pei, sizeof ue->pei);
    get_security(&r, ue, ue->amf->ues->epoch - epoch - 1);
    get_subscription(&r, ue);
    get_place(&r, ue, flags & ROW_LOCATED);
    get_sessions(&r, ue);
    return r.bad || rd_left(&r) || ue->guami >= ue->amf->config.n_guamis || !amf_ue_facts(ue)->n_area ? ERR_SYNTAX : e;
}
static void give_up(struct amf_ue *ue)
{
    LIST_EACH_SAFE (it, &ue->sessions)
        amf_session_drop(CONTAINER(it, struct amf_session, on_ue), false);
    amf_ue_drop(ue);
}
/* The policy association and the subscription to changes were in functions that may have lost them: both are made
 * again, and the subscription is read again, with the next registration. */
static int restore(void *state, struct bytes key, struct bytes value)
{
    struct amf *amf = state;
    struct str supi = {(const char *)key.p, key.n};
    struct amf_ue *ue = memchr(key.p, 0, key.n) ? NULL : amf_ue_take(amf, supi);
    int e = ue ? decode(value, ue) : ERR_NOSPACE;
    if (e < 0) {
        LOG(amf->rt->log, store_row_bad, "table=amf_ue ue=%s why=%s", log_identity(amf->rt->log, supi).text, err_text(e));
        if (ue)
            give_up(ue);
        return OK;
    }
    ue->has_row = true;
    ue->ppf = true;
    amf_ue_set_registered(ue, true);
    amf_reachable_start(ue);
    LIST_EACH (it, &ue->sessions)
        sm_queue(CONTAINER(it, struct amf_session, on_ue));
    return OK;
}

/* Each start is an epoch of its own; it is durable before anything is used in it. */
static int next_epoch(struct amf *amf)
{
    uint8_t memory[64], octets[4];
    struct arena a = arena_over(memory, sizeof memory);
    struct store *st = amf->rt->store;
    struct bytes v;
    int e = store_get(st, STORE_meta, key_epoch, &a, &v);
    uint32_t epoch = e == OK && v.n == 4 ? be32(v.p) : 0;
    if (e < 0 && e != ERR_NOTFOUND)
        return e;
    if (e == OK && (v.n != 4 || epoch >= UINT32_MAX - 1))
        return ERR_SYNTAX;
    put_be32(octets, epoch + 1);
    e = store_put(st, STORE_meta, key_epoch, BYTES_OF(octets));
    if (e == OK)
        e = store_sync(st);
    if (e == OK)
        amf->ues->epoch = epoch + 1;
    return e;
}
void amf_ue_store_open(struct amf *amf)
{
    struct amf_ues *u = amf->ues;
    struct rt *rt = amf->rt;
    if (!rt->store)
        return;
    int e = next_epoch(amf);
    if (e == OK)
        e = rt->store->ops->scan(rt->store, STORE_amf_ue, (struct bytes){NULL, 0}, restore, amf);
    if (e < 0) { /* it is served without: phones that were registered register anew */
        LOG(rt->log, store_failed, "what=amf_ue why=%s", e == ERR_STORE ? store_error(rt->store) : err_text(e));
        return;
    }
    u->rows.write = write_changed;
    commit_join(rt, &u->rows);
    if (u->registered)
        LOG(rt->log, store_restored, "phones=%u sessions=%u", u->registered, u->sessions.used);
}
void amf_ue_store_close(struct amf *amf)
{
    struct amf_ues *u = amf->ues;
    if (!u->rows.write)
        return;
    if (!list_empty(&u->changed))
        commit_now(amf->rt);
    commit_leave(&u->rows);
    u->rows.write = NULL;
}
