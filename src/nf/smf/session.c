/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and what names them: SUPI and PDU session identity, smContextRef, SEID; their addresses. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"
#include <stdlib.h>

/* ---- by whom ---- */

struct smf_ue *smf_ue_find(struct smf *smf, struct str supi)
{
    return map_get(&smf->ue_by_supi, (struct bytes){(const uint8_t *)supi.p, supi.n});
}
struct smf_session *smf_session_find(struct smf *smf, struct str supi, uint8_t id)
{
    struct smf_ue *ue = smf_ue_find(smf, supi);
    for (struct smf_session *s = ue ? ue->first : NULL; s; s = s->next_of_ue)
        if (s->id == id)
            return s;
    return NULL;
}
static void ue_free(struct smf *smf, struct smf_ue *ue)
{
    if (ue->supi != ue->here)
        free(ue->supi);
    slab_drop(&smf->ues, ue);
}
static struct smf_ue *ue_new(struct smf *smf, struct str supi)
{
    struct smf_ue *ue = supi.n <= SMF_SUPI_MAX ? slab_new(&smf->ues) : NULL;
    if (!ue)
        return NULL;
    char *room = supi.n <= sizeof ue->here ? ue->here : malloc(supi.n);
    if (room && supi.n)
        memcpy(room, supi.p, supi.n);
    ue->supi = room;
    ue->supi_n = (uint8_t)supi.n;
    if (!room || map_put(&smf->ue_by_supi, (struct bytes){(const uint8_t *)ue->supi, ue->supi_n}, ue)) {
        ue_free(smf, ue);
        return NULL;
    }
    return ue;
}
static void ue_leave(struct smf *smf, struct smf_ue *ue, struct smf_session *s)
{
    for (struct smf_session **at = &ue->first; *at; at = &(*at)->next_of_ue) {
        if (*at == s) {
            *at = s->next_of_ue;
            ue->sessions--;
            break;
        }
    }
    if (ue->first)
        return;
    map_del(&smf->ue_by_supi, (struct bytes){(const uint8_t *)ue->supi, ue->supi_n});
    ue_free(smf, ue);
}

/* ---- by what was given to others ---- */

static uint64_t ref_proof(const struct smf *smf, struct ref r)
{
    return siphash24(smf->secret[0], smf->secret[1], &r, sizeof r);
}
/* The handle, and a proof that we gave it: a reference cannot be guessed. */
void smf_ref_text(const struct smf_session *s, char out[SMF_REF_OCTETS])
{
    struct ref r = slab_ref(&s->smf->sessions, s);
    uint8_t b[SMF_REF];
    if (s->has_ref) {
        hex_put(out, s->ref, sizeof s->ref);
        return;
    }
    put_be32(b, r.i);
    put_be32(b + 4, r.gen);
    put_be64(b + 8, ref_proof(s->smf, r));
    hex_put(out, b, sizeof b);
}
struct smf_session *smf_session_by_ref(struct smf *smf, struct str text)
{
    uint8_t b[SMF_REF], proof[8];
    if (text.n != 2 * sizeof b || !hex_get(b, sizeof b, text))
        return NULL;
    struct ref r = {be32(b), be32(b + 4)};
    put_be64(proof, ref_proof(smf, r));
    return secret_eq(proof, b + 8, sizeof proof) ? slab_get(&smf->sessions, r) : map_get(&smf->by_ref, BYTES_OF(b));
}

/* 4 bits of the shard, one of the leg, 27 of the generation, 8 of the time of our start, lest what a UPF sent before it is for another
 * session after it, 24 of the index; never 0, for a generation in use is odd. */
uint64_t smf_seid(const struct smf_session *s, unsigned leg)
{
    struct ref r = slab_ref(&s->smf->sessions, s);
    return (uint64_t)(s->smf->rt->shard & 15) << 60 | (uint64_t)(leg ^ s->is_turned) << 59 | (uint64_t)(r.gen & 0x7ffffff) << 32 |
           (s->smf->n4.recovery & 0xff) << 24 | (r.i & 0xffffff);
}
struct smf_session *smf_session_by_seid(struct smf *smf, uint64_t seid, unsigned *leg)
{
    *leg = seid >> 59 & 1;
    struct smf_session *s = slab_at(&smf->sessions, seid & 0xffffff);
    *leg ^= s && s->is_turned;
    return s && smf_seid(s, *leg) == seid ? s : NULL;
}

/* ---- life ---- */

static void next_run(struct work *w);

int smf_session_new(struct smf *smf, struct str supi, uint8_t id, struct smf_session **out)
{
    struct smf_ue *ue = smf_ue_find(smf, supi);
    if (ue && ue->sessions >= smf->config->smf.max_sessions_per_ue)
        return ERR_FULL;
    struct smf_session *s = slab_new(&smf->sessions);
    if (!s)
        return ERR_FULL;
    if (!ue && !(ue = ue_new(smf, supi))) {
        slab_drop(&smf->sessions, s);
        return ERR_FULL;
    }
    *s = (struct smf_session){.smf = smf, .ue = ue, .next_of_ue = ue->first, .id = id,
                              .v4 = POOL_NONE, .v6 = POOL_NONE, .next.fn = next_run};
    list_init(&s->waiting);
    ue->first = s;
    ue->sessions++;
    metric_add(smf->rt->metrics, METRIC_sessions, 1);
    *out = s;
    return OK;
}

static void policy_delete(struct smf_session *s)
{
    char buf[BRIEF_BUF];
    struct call *c = brief_is_set(&s->policy_id) ? call_new(s->smf->rt, SBI_npcf_sm_policy_delete) : NULL;
    SBI_REQ(npcf_sm_policy_delete) *q = c ? call_request(c) : NULL;
    if (q)
        q->sm_policy_id = arena_str(&c->arena, brief_get(&s->policy_id, buf));
    if (c)
        call_notify(c);
}
static void deregister(struct smf_session *s)
{
    struct call *c = s->is_registered ? call_new(s->smf->rt, SBI_nudm_uecm_smf_deregister) : NULL;
    SBI_REQ(nudm_uecm_smf_deregister) *q = c ? call_request(c) : NULL;
    if (q) {
        q->ue_id = arena_str(&c->arena, smf_supi(s));
        q->pdu_session_id = s->id;
    }
    if (c)
        call_notify(c);
}

/* What waited for the session learns that it is gone. A create that was to replace it is returned: the last one,
 * of those that a UE sent again. */
static struct call *waiting_answer(struct smf_session *s)
{
    struct call *successor = NULL;
    for (struct link *l; (l = list_pop(&s->waiting));) {
        struct call *c = CONTAINER(l, struct call, on_producer), *gone = c;
        if (c->op == SBI_nsmf_pdusession_create) {
            gone = successor;
            successor = c;
        }
        if (gone && gone->op == SBI_nsmf_pdusession_release)
            call_reply(gone, 204);
        else if (gone)
            call_problem(gone, 404, "CONTEXT_NOT_FOUND", "the session has just been released");
    }
    return successor;
}

void smf_session_drop(struct smf_session *s, bool notify)
{
    struct smf *smf = s->smf;
    smf_admit_end(s);
    uint32_t rest_s = s->n4_unknown || (s->anchor && s->anchor->n4_unknown) ? POOL_LONG_REST_S : POOL_REST_S;
    smf_n4_delete_notify(s);
    policy_delete(s);
    deregister(s);
    if (notify)
        smf_status_notify(s, NULL);
    metric_add(smf->rt->metrics, METRIC_addresses_used, -((s->v4 != POOL_NONE) + (s->v6 != POOL_NONE)));
    if (s->dnn && s->v4 != POOL_NONE)
        pool_return(&s->dnn->v4, s->v4, smf_now_s(smf), rest_s);
    if (s->dnn && s->v6 != POOL_NONE)
        pool_return(&s->dnn->v6, s->v6, smf_now_s(smf), rest_s);
    smf_session_row_delete(s);
    if (s->has_ref)
        map_del(&smf->by_ref, BYTES_OF(s->ref));
    struct call *successor = waiting_answer(s);
    list_remove(&s->next.link);
    if (s->upf)
        s->upf->sessions--;
    smf_anchor_drop(s);
    ue_leave(smf, s->ue, s);
    brief_clear(&s->policy_id);
    intern_drop(&smf->texts, &s->status_uri);
    slab_drop(&smf->sessions, s);
    metric_add(smf->rt->metrics, METRIC_sessions, -1);
    if (successor && smf->is_stopping)
        call_problem(successor, 503, "NF_CONGESTION", "the SMF ends");
    else if (successor)
        smf_create(smf, successor);
}

bool smf_session_is_overtaken(const struct smf_session *s)
{
    LIST_EACH (l, &s->waiting) {
        const struct call *c = CONTAINER(l, struct call, on_producer);
        if (c->op == SBI_nsmf_pdusession_create || c->op == SBI_nsmf_pdusession_release)
            return true;
        if (c->op == SBI_nsmf_pdusession_update && ((SBI_REQ(nsmf_pdusession_update) *)c->req)->body.release)
            return true;
    }
    return false;
}

/* ---- addresses, TS 23.501 5.8.2.2 ---- */

uint32_t smf_v4_number(const struct smf_dnn *d, const struct net_addr *a)
{
    uint32_t base = be32(d->c->ipv4_pool.addr.ip), address = be32(a->ip);
    return address >= base && address - base < POOL_MAX ? address - base : POOL_NONE;
}
uint32_t smf_v6_number(const struct smf_dnn *d, const struct net_addr *a)
{
    uint64_t base = be64(d->c->ipv6_pool.addr.ip), prefix = be64(a->ip);
    return prefix >= base && prefix - base < POOL_MAX ? (uint32_t)(prefix - base) : POOL_NONE;
}
static int number_take(struct pool *p, bool fixed, uint32_t wanted, uint32_t now_s, uint32_t *out)
{
    if (fixed) {
        if (!pool_take_this(p, wanted))
            return ERR_EXISTS;
        *out = wanted;
        return OK;
    }
    *out = pool_take(p, now_s);
    return *out == POOL_NONE ? ERR_FULL : OK;
}

int smf_addresses_take(struct smf_session *s, const struct net_addr *fixed4, const struct net_addr *fixed6)
{
    struct smf_dnn *d = s->dnn;
    struct metrics *m = s->smf->rt->metrics;
    uint32_t now_s = smf_now_s(s->smf);
    int err = OK;
    if (smf_has_ipv4(s->pdu_type))
        err = number_take(&d->v4, fixed4->family != 0, smf_v4_number(d, fixed4), now_s, &s->v4);
    if (!err && s->v4 != POOL_NONE)
        metric_add(m, METRIC_addresses_used, 1);
    if (!err && smf_has_ipv6(s->pdu_type))
        err = number_take(&d->v6, fixed6->family != 0, smf_v6_number(d, fixed6), now_s, &s->v6);
    if (!err && s->v6 != POOL_NONE)
        metric_add(m, METRIC_addresses_used, 1);
    if (err == ERR_FULL)
        LOG(s->smf->rt->log, pool_empty, "dnn=" STR_FMT " ipv4_used=%u ipv6_used=%u", STR_ARG(d->c->name),
            d->v4.used, d->v6.used);
    return err;
}

void smf_ipv4(const struct smf_session *s, uint8_t out[4])
{
    put_be32(out, be32(s->dnn->c->ipv4_pool.addr.ip) + s->v4);
}
void smf_ipv6_prefix(const struct smf_session *s, uint8_t out[16])
{
    memset(out, 0, 16);
    put_be64(out, be64(s->dnn->c->ipv6_pool.addr.ip) + s->v6);
}
/* TS 23.501 5.8.2.2.2: of our choosing, for the link-local address; nothing may be read out of it. */
void smf_ipv6_iid(const struct smf_session *s, uint8_t out[8])
{
    uint64_t proof = ref_proof(s->smf, (struct ref){s->v6, (uint32_t)slab_ref(&s->smf->sessions, s).gen});
    put_be64(out, proof & ~(2ull << 56)); /* not from a global identifier, RFC 4291 2.5.1 */
    out[7] |= 1;
}

/* ---- what waited ---- */

static struct smf_input pending_take(struct smf_session *s)
{
    static const struct {
        uint8_t bit;
        enum smf_event event;
    } rows[] = {{SMF_PENDING_RELEASE, SMF_EV_NETWORK_RELEASE},
                {SMF_PENDING_RESTORE, SMF_EV_RESTORE},
                {SMF_PENDING_TUNNEL_LOST, SMF_EV_TUNNEL_LOST},
                {SMF_PENDING_DATA, SMF_EV_DATA}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (s->pending & rows[i].bit) {
            s->pending &= (uint8_t)~rows[i].bit;
            return (struct smf_input){.event = rows[i].event};
        }
    }
    return (struct smf_input){.event = SMF_EV_COUNT};
}

/* Once through the queue: what still cannot be done lines up again. A procedure that starts may end the session,
 * which empties the queue. */
static void next_run(struct work *w)
{
    struct smf_session *s = CONTAINER(w, struct smf_session, next);
    struct smf *smf = s->smf;
    struct ref self = slab_ref(&smf->sessions, s);
    uint32_t n = 0;
    LIST_EACH (l, &s->waiting)
        n++;
    while (n-- && slab_get(&smf->sessions, self) && !list_empty(&s->waiting)) {
        struct call *c = CONTAINER(list_pop(&s->waiting), struct call, on_producer);
        smf->rt->nf[SBI_NF_SMF]->fn[c->op](smf, c);
    }
    if (slab_get(&smf->sessions, self) && s->pending & SMF_PENDING_RELEASE && s->proc && smf_can_take_over(s)) {
        s->pending &= (uint8_t)~SMF_PENDING_RELEASE;
        smf_collide(s, &(struct smf_input){.event = SMF_EV_NETWORK_RELEASE});
    }
    while (slab_get(&smf->sessions, self) && !s->proc && s->pending) {
        struct smf_input in = pending_take(s);
        smf_collide(s, &in);
    }
}

void smf_session_kick(struct smf_session *s)
{
    if (!link_is_on(&s->next.link) && (s->pending || !list_empty(&s->waiting)))
        rt_queue(s->smf->rt, &s->next);
}
