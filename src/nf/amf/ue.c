/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and connections of phones: made, found, joined, dropped. */
#include "nf/amf/session.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    INDEX_BITS = 22,
    GENERATION_BITS = 14,
    STRANGERS_MIN = 1024, /* connections beyond one for each context */
    TMSI_TRIES = 64,
};

/* ---- connections ---- */
/* Never 0: gNBs in the field take an AMF UE NGAP ID of 0 for none. */
uint64_t amf_conn_id(const struct amf_conn *c)
{
    const struct slab *s = &c->amf->ues->conns;
    struct ref r = slab_ref(s, c);
    uint64_t gen = (r.gen >> 1) & ((1u << GENERATION_BITS) - 1);
    return (uint64_t)c->amf->rt->shard << (INDEX_BITS + GENERATION_BITS) | gen << INDEX_BITS | (r.i + 1);
}
struct amf_conn *amf_conn_by_id(struct amf *amf, uint64_t id)
{
    struct amf_conn *c = slab_at(&amf->ues->conns, (uint32_t)(id & ((1u << INDEX_BITS) - 1)) - 1);
    return c && amf_conn_id(c) == id ? c : NULL;
}
static uint64_t ran_key(const struct amf *amf, const struct amf_gnb *gnb, uint64_t ran_ue_id)
{
    return (uint64_t)slab_index(&amf->gnbs, gnb) << 32 | (ran_ue_id & 0xffffffff);
}
struct amf_conn *amf_conn_by_ran(struct amf *amf, const struct amf_gnb *gnb, uint64_t ran_ue_id)
{
    return map_get_u64(&amf->ues->by_ran, ran_key(amf, gnb, ran_ue_id));
}
struct amf_conn *amf_conn_new(struct amf *amf, struct amf_gnb *gnb, uint64_t ran_ue_id)
{
    struct amf_conn *c = slab_new(&amf->ues->conns);
    if (!c)
        return NULL;
    if (map_put_u64(&amf->ues->by_ran, ran_key(amf, gnb, ran_ue_id), c) < 0) {
        slab_drop(&amf->ues->conns, c);
        return NULL;
    }
    c->amf = amf;
    c->gnb = gnb;
    c->ran_ue_id = ran_ue_id;
    c->stream = amf_gnb_ue_stream(gnb, ran_ue_id);
    list_append(&gnb->conns, &c->on_gnb);
    return c;
}

/* The phone is idle from now on, its connection nobody's. */
static void detach(struct amf_ue *ue)
{
    struct rt *rt = ue->amf->rt;
    amf_sm_conn_gone(ue);
    ue->conn->ue = NULL;
    ue->conn = NULL;
    metric_add(rt->metrics, METRIC_ues_connected, -1);
    struct pseudonym who = log_identity(rt->log, amf_ue_supi(ue));
    LOG(rt->log, ue_idle, "ue=%s", who.text);
}
static void idle(struct amf_ue *ue)
{
    if (!amf_ue_is_registered(ue)) {
        amf_ue_drop(ue);
        return;
    }
    if (ue->pending & AMF_PENDING_DEREGISTRATION) { /* the network's, cut short: 5.5.2.3.5 b */
        amf_ue_deregister_local(ue, ue->dereg_cause);
        return;
    }
    amf_reachable_start(ue);
    amf_sm_idle(ue);
}

void amf_conn_drop(struct amf_conn *c)
{
    struct amf *amf = c->amf;
    proc_abort(c->proc);
    struct amf_ue *ue = c->ue;
    if (ue)
        detach(ue);
    timer_stop(&amf->rt->timers, &c->timer);
    amf_admit_end(c, false);
    list_remove(&c->on_gnb);
    map_del_u64(&amf->ues->by_ran, ran_key(amf, c->gnb, c->ran_ue_id));
    slab_drop(&amf->ues->conns, c);
    if (ue)
        idle(ue);
}

/* ---- contexts ---- */
struct amf_ue *amf_ue_by_supi(struct amf *amf, struct str supi)
{
    return map_get(&amf->ues->by_supi, (struct bytes){(const uint8_t *)supi.p, supi.n});
}
struct amf_ue *amf_ue_by_tmsi(struct amf *amf, uint32_t tmsi)
{
    return tmsi ? map_get_u64(&amf->ues->by_tmsi, tmsi) : NULL;
}
static void ue_free(struct amf_ue *ue)
{
    struct amf_ues *u = ue->amf->ues;
    if (ue->supi != ue->supi_here)
        free(ue->supi);
    brief_clear(&ue->policy_id);
    brief_clear(&ue->sdm_id);
    intern_drop(&u->shared, &ue->dnns);
    intern_drop(&u->shared, &ue->facts);
    slab_drop(&u->ues, ue); /* wipes */
}
struct amf_ue *amf_ue_take(struct amf *amf, struct str supi)
{
    struct amf_ue *ue = amf_ue_by_supi(amf, supi);
    if (ue || supi.n == 0 || supi.n > AMF_SUPI_MAX)
        return ue;
    ue = slab_new(&amf->ues->ues);
    if (!ue) {
        LOG(amf->rt->log, amf_full, "phones=%u", amf->ues->ues.used);
        return NULL;
    }
    ue->amf = amf;
    ue->count_limit = UINT32_MAX;
    list_init(&ue->sessions);
    ue->supi = supi.n < sizeof ue->supi_here ? ue->supi_here : malloc(supi.n + 1);
    if (ue->supi)
        str_copy(ue->supi, supi.n + 1, supi);
    if (!ue->supi || map_put(&amf->ues->by_supi, (struct bytes){(const uint8_t *)ue->supi, supi.n}, ue) < 0) {
        ue_free(ue);
        return NULL;
    }
    return ue;
}

void amf_ue_attach(struct amf_ue *ue, struct amf_conn *c)
{
    struct amf *amf = ue->amf;
    struct amf_conn *old = ue->conn;
    if (old == c)
        return;
    if (c->ue) { /* another SIM on the same connection: the one before has left it */
        struct amf_ue *before = c->ue;
        detach(before);
        idle(before);
    }
    if (old) {
        proc_abort(old->proc);
        detach(ue);
        amf_conn_release(old, amf_cause_radio(NGAP_CauseRadioNetwork_release_due_to_5gc_generated_reason));
    }
    metric_add(amf->rt->metrics, METRIC_ues_connected, 1);
    timer_stop(&amf->rt->timers, &ue->reachable);
    ue->ppf = true;
    ue->conn = c;
    ue->location = c->location;
    c->ue = ue;
    struct pseudonym who = log_identity(amf->rt->log, amf_ue_supi(ue));
    LOG(amf->rt->log, ue_connected, "ue=%s", who.text);
}

void amf_ue_forget_radio(struct amf_ue *ue)
{
    free(ue->radio_capability);
    free(ue->radio_capability_for_paging);
    ue->radio_capability = ue->radio_capability_for_paging = NULL;
}
void amf_ue_drop(struct amf_ue *ue)
{
    if (!ue)
        return;
    struct amf *amf = ue->amf;
    proc_abort(ue->proc);
    if (ue->conn) {
        proc_abort(ue->conn->proc);
        detach(ue);
    }
    amf_sm_forget(ue);
    amf_ue_set_registered(ue, false);
    timer_stop(&amf->rt->timers, &ue->reachable);
    if (ue->tmsi)
        map_del_u64(&amf->ues->by_tmsi, ue->tmsi);
    if (ue->new_tmsi)
        map_del_u64(&amf->ues->by_tmsi, ue->new_tmsi);
    if (ue->spare_tmsi)
        map_del_u64(&amf->ues->by_tmsi, ue->spare_tmsi);
    amf_ue_row_delete(ue);
    map_del(&amf->ues->by_supi, (struct bytes){(const uint8_t *)ue->supi, amf_ue_supi(ue).n});
    amf_ue_forget_radio(ue);
    ue_free(ue);
}

void amf_ue_set_registered(struct amf_ue *ue, bool registered)
{
    struct amf *amf = ue->amf;
    if (registered == amf_ue_is_registered(ue))
        return;
    ue->rm = registered ? AMF_RM_REGISTERED : AMF_RM_DEREGISTERED;
    amf->ues->registered += registered ? 1u : (uint32_t)-1;
    metric_set(amf->rt->metrics, METRIC_ues_registered, amf->ues->registered);
}

/* Unpredictable (TS 33.501 6.12.3): 28 random bits, and the shard in front so that any node can tell whose it is. */
static int tmsi_choose(struct amf_ue *ue, uint32_t *to)
{
    struct amf *amf = ue->amf;
    for (unsigned i = 0; i < TMSI_TRIES; i++) {
        uint32_t tmsi;
        env_random(amf->rt->env, &tmsi, sizeof tmsi);
        tmsi = (tmsi & 0x0fffffff) | (uint32_t)amf->rt->shard << 28;
        if (tmsi == 0 || tmsi == 0xffffffff || amf_ue_by_tmsi(amf, tmsi))
            continue;
        if (map_put_u64(&amf->ues->by_tmsi, tmsi, ue) < 0)
            return ERR_NOSPACE;
        *to = tmsi;
        return OK;
    }
    return ERR_NOSPACE;
}
static void tmsi_forget(struct amf_ue *ue, uint32_t *tmsi)
{
    if (*tmsi)
        map_del_u64(&ue->amf->ues->by_tmsi, *tmsi);
    *tmsi = 0;
}
static void spare_choose(struct amf_ue *ue)
{
    if (!ue->amf->ues->rows.write || tmsi_choose(ue, &ue->spare_tmsi) < 0)
        return;
    ue->spare_at = UINT64_MAX;
    amf_ue_changed(ue);
}
int amf_ue_new_tmsi(struct amf_ue *ue)
{
    tmsi_forget(ue, &ue->new_tmsi); /* sent and never confirmed: the next one takes its place */
    if (ue->guti_unsure)
        tmsi_forget(ue, &ue->spare_tmsi);
    ue->guti_unsure = false;
    if (ue->has_row && ue->spare_tmsi && ue->spare_at > ue->amf->rt->commits)
        commit_now(ue->amf->rt); /* rare: two within one commit; else the phone may be unknown after a restart */
    ue->new_tmsi = ue->spare_tmsi;
    ue->spare_tmsi = 0;
    int e = ue->new_tmsi ? OK : tmsi_choose(ue, &ue->new_tmsi);
    if (e == OK)
        spare_choose(ue);
    return e;
}
void amf_ue_tmsi_taken(struct amf_ue *ue)
{
    if (!ue->new_tmsi)
        return;
    tmsi_forget(ue, &ue->tmsi);
    ue->tmsi = ue->new_tmsi;
    ue->new_tmsi = 0;
}
/* Those that come after it were not taken, and the last of them can be the next. */
void amf_ue_tmsi_seen(struct amf_ue *ue, uint32_t tmsi)
{
    bool unsure = ue->guti_unsure;
    ue->guti_unsure = false;
    if (tmsi && tmsi == ue->spare_tmsi) { /* sent just before a restart */
        tmsi_forget(ue, &ue->new_tmsi);
        ue->new_tmsi = tmsi;
        ue->spare_tmsi = 0;
    }
    if (tmsi && tmsi == ue->new_tmsi) {
        amf_ue_tmsi_taken(ue);
    } else if (unsure && !ue->spare_tmsi) {
        ue->spare_tmsi = ue->new_tmsi;
        ue->new_tmsi = 0;
    }
    if (!ue->spare_tmsi)
        spare_choose(ue);
}

bool amf_ue_is_in_area(const struct amf_ue *ue, const struct amf_tai *tai)
{
    const struct amf_facts *of = amf_ue_facts(ue);
    for (uint32_t i = 0; i < of->n_area; i++)
        if (memcmp(&of->area[i], tai, sizeof *tai) == 0)
            return true;
    return false;
}
const struct amf_facts *amf_ue_facts(const struct amf_ue *ue)
{
    static const struct amf_facts none = {0};
    return ue->facts ? (const struct amf_facts *)(const void *)ue->facts->octet : &none;
}
bool amf_ue_set_facts(struct amf_ue *ue, const struct amf_facts *f)
{
    struct interns *s = &ue->amf->ues->shared;
    const struct interned *kept = intern(s, (struct bytes){(const uint8_t *)f, sizeof *f});
    if (!kept)
        return false;
    intern_drop(s, &ue->facts);
    ue->facts = kept;
    return true;
}

/* ---- all of them ---- */
int amf_ues_init(struct amf *amf)
{
    const struct config *config = amf->rt->config;
    if (!config || !amf->rt->crypto)
        return ERR_CONFIG;
    uint32_t max = config->amf.max_ues;
    uint32_t strangers = max / 8 > STRANGERS_MIN ? max / 8 : STRANGERS_MIN;
    if (max == 0 || max + strangers >= 1u << INDEX_BITS)
        return ERR_CONFIG;
    struct amf_ues *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_NOSPACE;
    u->amf = amf;
    amf->ues = u;
    list_init(&u->sm_queue);
    list_init(&u->changed);
    uint64_t secret[6];
    env_random(amf->rt->env, secret, sizeof secret);
    map_init(&u->by_supi, secret[0], secret[1]);
    map_init(&u->by_tmsi, secret[2], secret[3]);
    map_init(&u->by_ran, secret[4], secret[5]);
    interns_init(&u->shared, secret[0], secret[5]);
    secret_wipe(secret, sizeof secret);
    u->block = malloc(AMF_NAS_ARENA_OCTETS);
    u->plain = malloc(AMF_NAS_MAX);
    u->sealed = malloc(AMF_NAS_MAX + NAS_PROTECT_OVERHEAD);
    if (!u->block || !u->plain || !u->sealed || slab_init(&u->ues, "ue", sizeof(struct amf_ue), max) < 0 ||
        slab_init(&u->conns, "conn", sizeof(struct amf_conn), max + strangers) < 0 ||
        slab_init(&u->sessions, "session", sizeof(struct amf_session), max * 4) < 0) {
        amf_ues_free(amf);
        return ERR_NOSPACE;
    }
    amf->ue_ops = &amf_ue_side;
    amf_admission_init(amf);
    return OK;
}
void amf_ues_free(struct amf *amf)
{
    struct amf_ues *u = amf->ues;
    if (!u)
        return;
    amf_ue_store_close(amf);
    amf_admission_stop(amf);
    struct amf_conn *c;
    struct amf_ue *ue;
    for (uint32_t i = 0; u->ues.items && (ue = slab_next(&u->ues, &i));)
        amf_ue_drop(ue);
    for (uint32_t i = 0; u->conns.items && (c = slab_next(&u->conns, &i));)
        amf_conn_drop(c);
    amf_sm_stop(amf);
    amf_subscriber_data_stop(amf);
    if (u->ues.items)
        slab_free(&u->ues);
    if (u->conns.items)
        slab_free(&u->conns);
    if (u->sessions.items)
        slab_free(&u->sessions);
    map_free(&u->by_supi);
    map_free(&u->by_tmsi);
    map_free(&u->by_ran);
    interns_free(&u->shared);
    free(u->block);
    free(u->plain);
    free(u->sealed);
    free(u);
    amf->ues = NULL;
    amf->ue_ops = NULL;
}
void amf_ues_status(const struct amf *amf, void (*line)(void *, const char *), void *ctx)
{
    char text[160];
    const struct amf_ues *u = amf->ues;
    const struct amf_admission *a = &amf->admission;
    if (!u)
        return;
    snprintf(text, sizeof text, "phones: %u registered, %u connections, %u sessions, at most %u", u->registered,
             u->conns.used, u->sessions.used, u->ues.max);
    line(ctx, text);
    snprintf(text, sizeof text, "load: %u procedures admitted of at most %u, %u RAN nodes active, %u procedures a second of late",
             a->used[AMF_ORDINARY], a->limit_now, a->n_active, a->served_s);
    line(ctx, text);
    for (uint32_t i = 0; a->n_slices > 1 && i < a->n_slices; i++) {
        const struct amf_slice_load *s = &a->slices[i];
        char sd[8] = "";
        if (!s->load.used && !s->load.reduction)
            continue;
        if (s->slice.has_sd)
            snprintf(sd, sizeof sd, "-%06x", be24(s->slice.sd));
        snprintf(text, sizeof text, "load of slice %u%s: %u procedures admitted, %u%% to be held back", s->slice.sst, sd, s->load.used,
                 s->load.reduction);
        line(ctx, text);
    }
}
