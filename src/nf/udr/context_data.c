/* SPDX-License-Identifier: Apache-2.0 */
/* Where a subscriber is registered: TS 29.505 5.2.3 and the registrations of SMFs. */
#include "nf/udr/udr.h"
#include "base/format.h"
#include "base/wire.h"
#include <stdio.h>

enum { FORMAT = 1, ROW_OCTETS = 1536, REGISTRATIONS = 16 };
enum { AMF_PEI = 1, AMF_INITIAL = 2, AMF_PURGED = 4, AMF_TIME = 8, AMF_NID = 16 };
enum { SMF_SD = 1, SMF_DNN = 2, SMF_CALLBACK = 4, SMF_TIME = 8 };

static struct bytes octets_of(struct str s) { return (struct bytes){(const uint8_t *)s.p, s.n}; }
static void put_text(struct wr *w, struct str s)
{
    wr_u16(w, (uint16_t)s.n);
    w->bad |= s.n > 0xffff;
    wr_bytes(w, octets_of(s));
}
static struct str get_text(struct rd *r)
{
    struct bytes b = rd_bytes(r, rd_u16(r));
    return (struct str){(const char *)b.p, b.n};
}
static void put_opt(struct wr *w, bool has, struct str s)
{
    if (has)
        put_text(w, s);
}
static struct str get_opt(struct rd *r, bool has) { return has ? get_text(r) : STR(""); }

/* ---- AMF ---- */
static struct bytes amf_encode(const struct sbi_Amf3GppAccessRegistration *m, struct wr *w)
{
    wr_u8(w, FORMAT);
    wr_u8(w, (uint8_t)((m->has.pei ? AMF_PEI : 0) |
                       (m->has.initial_registration_ind && m->initial_registration_ind ? AMF_INITIAL : 0) |
                       (m->has.purge_flag && m->purge_flag ? AMF_PURGED : 0) |
                       (m->has.registration_time ? AMF_TIME : 0) | (m->guami.plmn_id.has.nid ? AMF_NID : 0)));
    wr_u8(w, (uint8_t)m->rat_type);
    put_text(w, m->amf_instance_id);
    put_text(w, m->dereg_callback_uri);
    put_text(w, m->guami.plmn_id.mcc);
    put_text(w, m->guami.plmn_id.mnc);
    put_text(w, m->guami.amf_id);
    put_opt(w, m->guami.plmn_id.has.nid, m->guami.plmn_id.nid);
    put_opt(w, m->has.pei, m->pei);
    put_opt(w, m->has.registration_time, m->registration_time);
    return wr_done(w);
}
static int amf_decode(struct bytes row, struct sbi_Amf3GppAccessRegistration *m)
{
    struct rd r = rd_over(row);
    bool known = rd_u8(&r) == FORMAT;
    uint8_t flags = rd_u8(&r), rat = rd_u8(&r);
    m->rat_type = rat < SBI_RatType_MAX ? (enum sbi_RatType)rat : SBI_RatType_OTHER;
    m->amf_instance_id = get_text(&r);
    m->dereg_callback_uri = get_text(&r);
    m->guami.plmn_id.mcc = get_text(&r);
    m->guami.plmn_id.mnc = get_text(&r);
    m->guami.amf_id = get_text(&r);
    m->guami.plmn_id.has.nid = flags & AMF_NID;
    m->guami.plmn_id.nid = get_opt(&r, m->guami.plmn_id.has.nid);
    m->has.pei = flags & AMF_PEI;
    m->pei = get_opt(&r, m->has.pei);
    m->has.initial_registration_ind = m->initial_registration_ind = flags & AMF_INITIAL;
    m->has.purge_flag = m->purge_flag = flags & AMF_PURGED;
    m->has.registration_time = flags & AMF_TIME;
    m->registration_time = get_opt(&r, m->has.registration_time);
    return !known || r.bad || rd_left(&r) ? ERR_SYNTAX : OK;
}

static int amf_put(struct udr *u, struct str ue_id, const struct sbi_Amf3GppAccessRegistration *m)
{
    uint8_t buf[ROW_OCTETS];
    struct wr w = wr_over(buf, sizeof buf);
    struct bytes row = amf_encode(m, &w);
    int e = row.p ? store_put(u->rt->store, STORE_amf_reg, octets_of(ue_id), row) : ERR_NOSPACE;
    if (e == OK)
        udr_written(u);
    return e;
}
static int amf_get(struct udr *u, struct call *c, struct str ue_id, struct sbi_Amf3GppAccessRegistration *m)
{
    struct bytes row;
    u->reads++;
    int e = store_get(u->rt->store, STORE_amf_reg, octets_of(ue_id), &c->arena, &row);
    return e < 0 ? e : amf_decode(row, m);
}
static bool known(struct udr *u, struct call *c, struct str ue_id)
{
    struct subscriber s;
    bool ok = udr_subscriber(u, c, ue_id, &s);
    secret_wipe(&s, sizeof s);
    return ok;
}

void udr_amf_3gpp_put(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_amf_3gpp_put) *q = c->req;
    if (!known(u, c, q->ue_id))
        return;
    int e = amf_put(u, q->ue_id, &q->body);
    if (e < 0)
        udr_refuse(u, c, e, STORE_amf_reg, "CONTEXT_NOT_FOUND");
    else
        call_reply(c, 204);
}

void udr_amf_3gpp_get(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_amf_3gpp_get) *q = c->req;
    int e = amf_get(u, c, q->ue_id, c->rsp);
    if (e < 0)
        udr_refuse(u, c, e, STORE_amf_reg, "CONTEXT_NOT_FOUND");
    else
        call_reply(c, 200);
}

static bool text_from_json(struct str json, struct str *out)
{
    if (json.n < 2 || json.p[0] != '"' || json.p[json.n - 1] != '"' || memchr(json.p, '\\', json.n))
        return false;
    *out = (struct str){json.p + 1, json.n - 2};
    return true;
}
/* purgeFlag and pei: what TS 29.503 6.2.6.2.7 lets an AMF modify. */
static bool amf_change(struct sbi_Amf3GppAccessRegistration *m, const struct sbi_PatchItem *p)
{
    bool is_set = p->op == SBI_PatchOperation_ADD || p->op == SBI_PatchOperation_REPLACE;
    if (!is_set || !p->has.value)
        return false;
    if (str_is(p->path, "/purgeFlag")) {
        m->has.purge_flag = m->purge_flag = str_is(p->value, "true");
        return true;
    }
    m->has.pei |= str_is(p->path, "/pei");
    return str_is(p->path, "/pei") && text_from_json(p->value, &m->pei);
}

void udr_amf_3gpp_patch(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_amf_3gpp_patch) *q = c->req;
    struct sbi_Amf3GppAccessRegistration m = {0};
    int e = amf_get(u, c, q->ue_id, &m);
    for (uint32_t i = 0; e == OK && i < q->body.n; i++)
        if (!amf_change(&m, &q->body.p[i])) {
            call_problem(c, 403, "MODIFICATION_NOT_ALLOWED", "only purgeFlag and pei can be changed");
            return;
        }
    if (e == OK)
        e = amf_put(u, q->ue_id, &m);
    if (e < 0)
        udr_refuse(u, c, e, STORE_amf_reg, "CONTEXT_NOT_FOUND");
    else
        call_reply(c, 204);
}

/* ---- SMF ---- */
static struct bytes smf_encode(const struct sbi_SmfRegistration *m, struct wr *w)
{
    wr_u8(w, FORMAT);
    wr_u8(w, (uint8_t)((m->single_nssai.has.sd ? SMF_SD : 0) | (m->has.dnn ? SMF_DNN : 0) |
                       (m->has.dereg_callback_uri ? SMF_CALLBACK : 0) |
                       (m->has.registration_time ? SMF_TIME : 0)));
    wr_u8(w, (uint8_t)m->pdu_session_id);
    wr_u8(w, (uint8_t)m->single_nssai.sst);
    put_text(w, m->smf_instance_id);
    put_text(w, m->plmn_id.mcc);
    put_text(w, m->plmn_id.mnc);
    put_opt(w, m->single_nssai.has.sd, m->single_nssai.sd);
    put_opt(w, m->has.dnn, m->dnn);
    put_opt(w, m->has.dereg_callback_uri, m->dereg_callback_uri);
    put_opt(w, m->has.registration_time, m->registration_time);
    return wr_done(w);
}
static int smf_decode(struct bytes row, struct sbi_SmfRegistration *m)
{
    struct rd r = rd_over(row);
    bool known_format = rd_u8(&r) == FORMAT;
    uint8_t flags = rd_u8(&r);
    m->pdu_session_id = rd_u8(&r);
    m->single_nssai.sst = rd_u8(&r);
    m->smf_instance_id = get_text(&r);
    m->plmn_id.mcc = get_text(&r);
    m->plmn_id.mnc = get_text(&r);
    m->single_nssai.has.sd = flags & SMF_SD;
    m->single_nssai.sd = get_opt(&r, m->single_nssai.has.sd);
    m->has.dnn = flags & SMF_DNN;
    m->dnn = get_opt(&r, m->has.dnn);
    m->has.dereg_callback_uri = flags & SMF_CALLBACK;
    m->dereg_callback_uri = get_opt(&r, m->has.dereg_callback_uri);
    m->has.registration_time = flags & SMF_TIME;
    m->registration_time = get_opt(&r, m->has.registration_time);
    return !known_format || r.bad || rd_left(&r) ? ERR_SYNTAX : OK;
}

static struct bytes smf_key(char buf[40], struct str ue_id, int64_t session)
{
    int n = format_put(buf, 40, STR_FMT "/%03u", STR_ARG(ue_id), (unsigned)(session & 0xff));
    return (struct bytes){(const uint8_t *)buf, (uint32_t)n};
}

void udr_smf_put(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_smf_put) *q = c->req;
    uint8_t buf[ROW_OCTETS];
    char key[40];
    if (!known(u, c, q->ue_id))
        return;
    struct wr w = wr_over(buf, sizeof buf);
    struct bytes row = smf_encode(&q->body, &w);
    int e = row.p ? store_put(u->rt->store, STORE_smf_reg, smf_key(key, q->ue_id, q->pdu_session_id), row)
                  : ERR_NOSPACE;
    if (e < 0) {
        udr_refuse(u, c, e, STORE_smf_reg, "CONTEXT_NOT_FOUND");
        return;
    }
    udr_written(u);
    call_reply(c, 204);
}

void udr_smf_delete(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_smf_delete) *q = c->req;
    char buf[40];
    struct bytes key, row;
    if (!known(u, c, q->ue_id))
        return;
    key = smf_key(buf, q->ue_id, q->pdu_session_id);
    int e = store_get(u->rt->store, STORE_smf_reg, key, &c->arena, &row);
    if (e != ERR_NOTFOUND && e != ERR_STORE) /* one of no use goes as well */
        e = store_del(u->rt->store, STORE_smf_reg, key);
    if (e < 0) {
        udr_refuse(u, c, e, STORE_smf_reg, "CONTEXT_NOT_FOUND");
        return;
    }
    udr_written(u);
    call_reply(c, 204);
}

struct smf_rows {
    struct call *c;
    struct sbi_SmfRegistration *items;
    uint32_t n, bad;
};
enum { ROWS_END = 1 };
static int smf_row(void *ctx, struct bytes key, struct bytes value)
{
    struct smf_rows *x = ctx;
    if (x->n == REGISTRATIONS)
        return ROWS_END;
    struct bytes row = arena_bytes(&x->c->arena, value.p, value.n);
    if (!row.p)
        return ERR_NOSPACE;
    if (smf_decode(row, &x->items[x->n]) == OK)
        x->n++;
    else
        x->bad++;
    return OK;
}
void udr_smf_list(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_smf_list) *q = c->req;
    SBI_RSP(nudr_dr_smf_list) *r = c->rsp;
    struct smf_rows x = {c, arena_zero(&c->arena, REGISTRATIONS * sizeof *x.items), 0, 0};
    char from[40];
    if (!known(u, c, q->ue_id))
        return;
    int n = snprintf(from, sizeof from, STR_FMT "/", STR_ARG(q->ue_id));
    int e = !x.items ? ERR_NOSPACE
                     : u->rt->store->ops->scan_of(u->rt->store, STORE_smf_reg,
                                                  (struct bytes){(const uint8_t *)from, (uint32_t)n}, smf_row, &x);
    if (e < 0) {
        udr_refuse(u, c, e, STORE_smf_reg, "CONTEXT_NOT_FOUND");
        return;
    }
    r->items.p = x.items;
    r->items.n = x.n;
    call_reply(c, 200);
}
