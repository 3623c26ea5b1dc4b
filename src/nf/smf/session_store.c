/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in the store, and back at the next start: docs/decisions/0005. Their N4 sessions are set up again when the
 * UPF is there (restoration.c): it may be a new one, and one that stayed has dropped them with our old association. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/format.h"
#include "base/log.h"
#include "base/wire.h"
#include "rt/metrics.h"

enum { FORMAT = 1, FORMAT_ANCHOR = 2 /* the anchor's UPF follows */, FORMAT_BRANCHING = 3 /* and the second prefix */, ROW_OCTETS = 1024, KEY_OCTETS = SMF_SUPI_MAX + 5 };
enum { ROW_V4 = 1, ROW_V6 = 2, ROW_SD = 4, ROW_REGISTERED = 8, ROW_RATE_UL = 16, ROW_RATE_DL = 32, ROW_PROTECTED = 64 };
static const uint64_t ORPHAN_US = 60000000; /* in which AMFs name the sessions that they have */

static struct bytes key_of(const struct smf_session *s, char buf[KEY_OCTETS])
{
    int n = format_put(buf, KEY_OCTETS, STR_FMT "/%03u", STR_ARG(smf_supi(s)), s->id);
    return (struct bytes){(const uint8_t *)buf, (uint32_t)n};
}

/* ---- writing ---- */
static void put_text(struct wr *w, struct str s)
{
    wr_u8(w, (uint8_t)s.n);
    w->bad |= s.n > 255;
    wr_bytes(w, (struct bytes){(const uint8_t *)s.p, s.n});
}
static void put_addresses(struct wr *w, const struct smf_session *s)
{
    uint8_t v4[4] = {0}, v6[16] = {0};
    if (s->v4 != POOL_NONE)
        smf_ipv4(s, v4);
    if (s->v6 != POOL_NONE)
        smf_ipv6_prefix(s, v6);
    wr_bytes(w, BYTES_OF(v4));
    wr_bytes(w, (struct bytes){v6, 8});
}
static void put_qos(struct wr *w, const struct smf_qos *q)
{
    wr_u64(w, q->ambr_ul_bps);
    wr_u64(w, q->ambr_dl_bps);
    wr_u8(w, q->fiveqi);
    wr_u8(w, q->arp_priority);
    wr_u8(w, q->arp_may_preempt);
    wr_u8(w, q->arp_preemptable);
}
static struct bytes encode(const struct smf_session *s, struct wr *w)
{
    char ref[SMF_REF_OCTETS];
    uint8_t octets[SMF_REF] = {0};
    smf_ref_text(s, ref);
    hex_get(octets, sizeof octets, str_of(ref));
    uint8_t local[16];
    bool branches = smf_local_prefix(s, local);
    wr_u8(w, branches ? FORMAT_BRANCHING : s->anchor ? FORMAT_ANCHOR : FORMAT);
    wr_u8(w, (uint8_t)((s->v4 != POOL_NONE ? ROW_V4 : 0) | (s->v6 != POOL_NONE ? ROW_V6 : 0) |
                       (s->has_sd ? ROW_SD : 0) | (s->is_registered ? ROW_REGISTERED : 0) |
                       (s->max_rate_ul ? ROW_RATE_UL : 0) | (s->max_rate_dl ? ROW_RATE_DL : 0) |
                       (s->is_protected ? ROW_PROTECTED : 0)));
    wr_bytes(w, BYTES_OF(octets));
    put_text(w, s->dnn->c->name);
    put_text(w, s->upf->c->name);
    wr_u8(w, s->pdu_type);
    put_addresses(w, s);
    wr_u8(w, s->sst);
    wr_bytes(w, BYTES_OF(s->sd));
    wr_bytes(w, BYTES_OF(s->plmn));
    wr_u8(w, s->integrity);
    wr_u8(w, s->ciphering);
    put_qos(w, &s->qos);
    uint8_t block[SMF_URI_MAX + 1];
    struct arena a = arena_over(block, sizeof block);
    put_text(w, interned_for(s->status_uri, smf_supi(s), &a));
    if (s->anchor)
        put_text(w, s->anchor->upf->c->name);
    if (branches)
        wr_bytes(w, (struct bytes){local, 8});
    return wr_done(w);
}
static bool put_row(struct smf_session *s)
{
    uint8_t buf[ROW_OCTETS];
    char key[KEY_OCTETS];
    struct wr w = wr_over(buf, sizeof buf);
    struct bytes row = encode(s, &w);
    if (!row.p) { /* its names are longer than any should be: it does not outlive a restart */
        LOG(s->smf->rt->log, store_row_bad, "table=smf_session why=too-long");
        return true;
    }
    if (store_put(s->smf->rt->store, STORE_smf_session, key_of(s, key), row) < 0)
        return false;
    s->has_row = true;
    return true;
}
static bool write_changed(struct commit_user *c)
{
    struct smf *smf = CONTAINER(c, struct smf, rows);
    LIST_EACH_SAFE (l, &smf->changed) {
        struct smf_session *s = CONTAINER(l, struct smf_session, changed);
        if (s->state == SMF_ACTIVE && !put_row(s))
            return false;
        list_remove(&s->changed);
    }
    return true;
}

void smf_session_changed(struct smf_session *s)
{
    struct smf *smf = s->smf;
    if (!smf->rows.write || link_is_on(&s->changed))
        return;
    list_append(&smf->changed, &s->changed);
    commit_soon(smf->rt);
}
void smf_session_row_delete(struct smf_session *s)
{
    char key[KEY_OCTETS];
    list_remove(&s->changed);
    if (!s->smf->rows.write || !s->has_row)
        return;
    s->has_row = store_del(s->smf->rt->store, STORE_smf_session, key_of(s, key)) == ERR_STORE; /* asked again at its end */
    commit_soon(s->smf->rt);
}

/* ---- reading ---- */
static struct str get_text(struct rd *r)
{
    struct bytes b = rd_bytes(r, rd_u8(r));
    return (struct str){(const char *)b.p, b.n};
}
static void get_octets(struct rd *r, void *to, uint32_t n)
{
    const uint8_t *p = rd_octets(r, n);
    if (p)
        memcpy(to, p, n);
}
static void get_qos(struct rd *r, struct smf_qos *q)
{
    q->ambr_ul_bps = rd_u64(r);
    q->ambr_dl_bps = rd_u64(r);
    q->fiveqi = rd_u8(r);
    q->arp_priority = rd_u8(r);
    q->arp_may_preempt = rd_u8(r) != 0;
    q->arp_preemptable = rd_u8(r) != 0;
}
/* The configuration may have other data networks and UPFs by now. */
static void find(struct smf_session *s, struct str dnn, struct str upf)
{
    struct smf *smf = s->smf;
    for (uint32_t i = 0; i < smf->n_dnns; i++)
        if (str_eq(smf->dnns[i].c->name, dnn))
            s->dnn = &smf->dnns[i];
    for (uint32_t i = 0; i < smf->n_upfs && !s->upf; i++)
        if (str_eq(smf->upfs[i].c->name, upf)) {
            s->upf = &smf->upfs[i];
            s->upf->sessions++;
        }
}
static int find_anchor(struct smf_session *s, struct str name)
{
    struct smf *smf = s->smf;
    for (uint32_t i = 0; i < smf->n_upfs; i++)
        if (str_eq(smf->upfs[i].c->name, name) && s->upf != &smf->upfs[i])
            return smf_anchor_set(s, &smf->upfs[i]);
    return ERR_SYNTAX;
}
static int take_addresses(struct smf_session *s, uint8_t flags, const struct net_addr *v4, const struct net_addr *v6)
{
    bool has4 = smf_has_ipv4(s->pdu_type), has6 = smf_has_ipv6(s->pdu_type), is_frames = s->pdu_type == NAS_PDU_ETHERNET;
    if (!(has4 || has6 || is_frames) || !s->dnn || !s->upf || !smf_may_join(s) || (is_frames && !smf_dnn_is_lan(s->dnn)) ||
        !!(flags & ROW_V4) != has4 || !!(flags & ROW_V6) != has6)
        return ERR_SYNTAX;
    return smf_addresses_take(s, v4, v6);
}
static int decode(struct bytes row, struct smf_session *s)
{
    struct rd r = rd_over(row);
    struct net_addr v4 = {.family = 4}, v6 = {.family = 6}, local = {.family = 6};
    uint8_t format = rd_u8(&r);
    uint8_t flags = rd_u8(&r);
    get_octets(&r, s->ref, sizeof s->ref);
    struct str dnn = get_text(&r), upf = get_text(&r);
    s->pdu_type = rd_u8(&r);
    get_octets(&r, v4.ip, 4);
    get_octets(&r, v6.ip, 8);
    s->sst = rd_u8(&r);
    get_octets(&r, s->sd, sizeof s->sd);
    get_octets(&r, s->plmn, sizeof s->plmn);
    s->integrity = rd_u8(&r);
    s->ciphering = rd_u8(&r);
    get_qos(&r, &s->qos);
    struct str uri = get_text(&r), anchor = format >= FORMAT_ANCHOR ? get_text(&r) : STR("");
    if (format == FORMAT_BRANCHING)
        get_octets(&r, local.ip, 8);
    s->has_sd = flags & ROW_SD;
    s->max_rate_ul = flags & ROW_RATE_UL;
    s->max_rate_dl = flags & ROW_RATE_DL;
    s->is_protected = flags & ROW_PROTECTED;
    if (format < FORMAT || format > FORMAT_BRANCHING || r.bad || rd_left(&r) || (uri.n && memchr(uri.p, 0, uri.n)) ||
        uri.n > SMF_URI_MAX || s->integrity > NGAP_IntegrityProtectionIndication_not_needed ||
        s->ciphering > NGAP_ConfidentialityProtectionIndication_not_needed)
        return ERR_SYNTAX;
    s->status_uri = uri.n ? intern_of(&s->smf->texts, uri, smf_supi(s)) : NULL;
    if (uri.n && !s->status_uri)
        return ERR_NOSPACE;
    find(s, dnn, upf);
    int e = format >= FORMAT_ANCHOR ? find_anchor(s, anchor) : OK;
    if (e < 0)
        return e;
    if (format == FORMAT_BRANCHING && (!s->upf || !s->upf->c->local_ipv6_pool.addr.family || !smf_local_prefix_take(s, &local)))
        return ERR_SYNTAX;
    e = take_addresses(s, flags, &v4, &v6);
    if (e < 0)
        return e;
    s->is_registered = flags & ROW_REGISTERED;
    return OK;
}
/* "imsi-…/001" */
static bool key_take(struct bytes key, struct str *supi, uint8_t *id)
{
    uint32_t n = 0;
    if (key.n < 5 || key.n > KEY_OCTETS - 1 || key.p[key.n - 4] != '/' || memchr(key.p, 0, key.n))
        return false;
    for (uint32_t i = key.n - 3; i < key.n; i++)
        n = key.p[i] >= '0' && key.p[i] <= '9' ? n * 10 + (uint32_t)(key.p[i] - '0') : 1000;
    *supi = (struct str){(const char *)key.p, key.n - 4};
    *id = (uint8_t)n;
    return n >= 1 && n <= SMF_PSI_MAX;
}
static int restore(void *state, struct bytes key, struct bytes value)
{
    struct smf *smf = state;
    struct smf_session *s = NULL;
    struct str supi = STR("");
    uint8_t id = 0;
    int e = key_take(key, &supi, &id) ? smf_session_new(smf, supi, id, &s) : ERR_SYNTAX;
    if (e == OK)
        e = decode(value, s);
    if (e == OK && map_put(&smf->by_ref, BYTES_OF(s->ref), s) < 0)
        e = ERR_NOSPACE;
    if (e < 0) {
        LOG(smf->rt->log, store_row_bad, "table=smf_session ue=%s why=%s", log_identity(smf->rt->log, supi).text, err_text(e));
        if (s)
            smf_session_drop(s, false);
        return OK;
    }
    s->has_row = s->has_ref = s->unconfirmed = true;
    s->state = SMF_ACTIVE;
    s->upf->restore = true;
    if (s->anchor)
        s->anchor->upf->restore = true;
    return OK;
}

/* AMF and SMF are one process and restart together; the AMF names all sessions that it has. What is left was being released, or its phone's
 * context was of no use. */
static void release_orphans(struct timer *t)
{
    struct smf *smf = CONTAINER(t, struct smf, orphans);
    uint32_t i = 0, n = 0;
    for (struct smf_session *s; (s = slab_next(&smf->sessions, &i));)
        if (s->unconfirmed) {
            s->unconfirmed = false;
            s->release_cause = NAS_GSM_CAUSE_REACTIVATION_REQUESTED;
            smf_collide(s, &(struct smf_input){.event = SMF_EV_NETWORK_RELEASE});
            n++;
        }
    if (n)
        LOG(smf->rt->log, sessions_orphaned, "sessions=%u", n);
}

void smf_store_open(struct smf *smf)
{
    struct rt *rt = smf->rt;
    if (!rt->store)
        return;
    int e = rt->store->ops->scan(rt->store, STORE_smf_session, (struct bytes){NULL, 0}, restore, smf);
    if (e < 0)
        LOG(rt->log, store_failed, "what=smf_session why=%s", e == ERR_STORE ? store_error(rt->store) : err_text(e));
    smf->rows.write = write_changed;
    commit_join(rt, &smf->rows);
    if (smf->sessions.used)
        timer_set(&rt->timers, &smf->orphans, rt->now_us + ORPHAN_US, release_orphans);
}
void smf_store_close(struct smf *smf)
{
    if (!smf->rows.write)
        return;
    timer_stop(&smf->rt->timers, &smf->orphans);
    if (!list_empty(&smf->changed))
        commit_now(smf->rt);
    commit_leave(&smf->rows);
    smf->rows.write = NULL;
}
