/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_decode.c - octets to structs, and what TS 29.244 7.6 says about those that are wrong. */
#include "codec/pfcp_desc.h"
#include "base/err.h"
#include "base/wire.h"

/* The first error counts; decoding goes on after one that leaves the rest readable, so that the
 * answer knows as much of the request (its F-SEID above all) as there is. */
struct get {
    struct arena *a;
    struct pfcp_report *report;
    int err;
};

static int fail(struct get *g, int err, uint8_t cause, uint16_t type)
{
    if (!g->err) {
        g->err = err;
        g->report->cause = cause;
        g->report->offending = type;
    }
    return err;
}

static void field_get(const struct pfcp_field *f, void *value, struct rd *r)
{
    uint8_t *p = (uint8_t *)value + f->offset;
    struct bytes b = {NULL, 0};
    switch (f->kind) {
    case PFCP_FK_U8: *p = rd_u8(r); return;
    case PFCP_FK_U16: *(uint16_t *)(void *)p = rd_u16(r); return;
    case PFCP_FK_U24: *(uint32_t *)(void *)p = rd_u24(r); return;
    case PFCP_FK_U32: *(uint32_t *)(void *)p = rd_u32(r); return;
    case PFCP_FK_U40: {
        uint64_t high = rd_u8(r);
        *(uint64_t *)(void *)p = high << 32 | rd_u32(r);
        return;
    }
    case PFCP_FK_U64: *(uint64_t *)(void *)p = rd_u64(r); return;
    case PFCP_FK_IP4:
    case PFCP_FK_IP6: {
        uint32_t n = f->kind == PFCP_FK_IP4 ? 4 : 16;
        const uint8_t *q = rd_octets(r, n);
        if (q)
            memcpy(p, q, n);
        return;
    }
    case PFCP_FK_U8_TAIL:
        if (rd_left(r))
            *p = rd_u8(r);
        return;
    case PFCP_FK_LV8: b = rd_bytes(r, rd_u8(r)); break;
    case PFCP_FK_LV16: b = rd_bytes(r, rd_u16(r)); break;
    case PFCP_FK_LV16_TAIL:
        if (rd_left(r))
            b = rd_bytes(r, rd_u16(r));
        break;
    case PFCP_FK_REST: b = rd_rest(r); break;
    case PFCP_FK_REST_BUT_1: b = rd_bytes(r, rd_left(r) ? rd_left(r) - 1 : 1); break;
    default: break;
    }
    *(struct str *)(void *)p = (struct str){(const char *)b.p, b.n};
}

/* 0, or the cause that says what is wrong with the value. */
static uint8_t comp_get(const struct pfcp_comp *c, void *to, struct bytes in)
{
    struct rd r = rd_over(in);
    uint16_t flags = 0;
    for (uint16_t i = 0; i < c->n && !r.bad; i++) {
        const struct pfcp_field *f = &c->f[i];
        if (!pfcp_field_is_present(f, flags))
            continue;
        field_get(f, to, &r);
        if (i == 0)
            flags = pfcp_comp_flags(c, to);
    }
    if (r.bad)
        return PFCP_CAUSE_INVALID_LENGTH;
    return c->need && !(flags & c->need) ? PFCP_CAUSE_MANDATORY_IE_INCORRECT : 0;
}

static void group_get(struct get *g, const struct pfcp_desc *d, void *to, struct bytes in);

/* 0, or the cause. Errors inside a group are recorded where they are found. */
static uint8_t value_get(struct get *g, uint16_t type, const struct pfcp_ie *ie, void *to,
                         struct bytes in)
{
    if (in.n < ie->least)
        return PFCP_CAUSE_INVALID_LENGTH;
    switch (ie->kind) {
    case PFCP_K_U3: *(uint8_t *)to = in.p[0] & 0x07; return 0;
    case PFCP_K_U4: *(uint8_t *)to = in.p[0] & 0x0f; return 0;
    case PFCP_K_U6: *(uint8_t *)to = in.p[0] & 0x3f; return 0;
    case PFCP_K_U8: *(uint8_t *)to = in.p[0]; return 0;
    case PFCP_K_U16: *(uint16_t *)to = be16(in.p); return 0;
    case PFCP_K_U32: *(uint32_t *)to = be32(in.p); return 0;
    case PFCP_K_FLAGS: {
        uint64_t v = 0;
        for (uint32_t i = 0; i < in.n && i < 8; i++)
            v |= (uint64_t)in.p[i] << 8 * i;
        *(uint64_t *)to = v;
        return 0;
    }
    case PFCP_K_STR: *(struct str *)to = (struct str){(const char *)in.p, in.n}; return 0;
    case PFCP_K_BYTES: *(struct bytes *)to = in; return 0;
    case PFCP_K_COMP: {
        uint8_t cause = comp_get(ie->what, to, in);
        if (!cause && type == PFCP_IE_node_id && (in.p[0] & 0x0f) > PFCP_NODE_ID_FQDN)
            cause = PFCP_CAUSE_MANDATORY_IE_INCORRECT;
        return cause;
    }
    default: group_get(g, ie->what, to, in); return 0;
    }
}

/* One IE off the front; false at the end or when its length is wrong (7.6.7), which is recorded. */
static bool ie_next(struct get *g, struct rd *r, uint16_t *type, struct bytes *value)
{
    if (!rd_left(r) || r->bad)
        return false;
    *type = rd_u16(r);
    uint16_t n = rd_u16(r);
    *value = rd_bytes(r, n);
    if (r->bad)
        fail(g, ERR_SHORT, PFCP_CAUSE_INVALID_LENGTH, *type);
    return !r->bad;
}

/* The member that this occurrence of a type belongs to: -1 none has the type, -2 one too many
 * (7.6.10: the first count). Two members of one type are filled in their order. */
static int member_find(const struct pfcp_desc *d, uint16_t type, const uint16_t *counts)
{
    int found = -1;
    for (int i = 0; i < d->n; i++) {
        if (d->m[i].ie != type)
            continue;
        if (d->m[i].most || !counts[i])
            return i;
        found = -2;
    }
    return found;
}

/* First walk: how many of each, so that every list is taken from the arena at once. */
static bool lists_get(struct get *g, const struct pfcp_desc *d, void *to, struct bytes in)
{
    uint16_t counts[PFCP_MEMBERS_MAX] = {0}, type;
    uint32_t unknown = 0;
    struct rd r = rd_over(in);
    struct bytes value;
    while (ie_next(g, &r, &type, &value)) {
        int i = member_find(d, type, counts);
        if (i == -1)
            unknown++;
        if (i < 0)
            continue;
        if (d->m[i].most && counts[i] >= d->m[i].most) {
            fail(g, ERR_FULL, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, type);
            return false;
        }
        counts[i]++;
    }
    for (int i = 0; i < d->n; i++) {
        if (!d->m[i].most || !counts[i])
            continue;
        struct pfcp_list *l = (void *)((uint8_t *)to + d->m[i].offset);
        l->v = arena_zero(g->a, (size_t)counts[i] * pfcp_ie_of(d->m[i].ie)->size);
        if (!l->v)
            goto memory;
    }
    if (unknown) {
        struct pfcp_others *o = (void *)((uint8_t *)to + d->other);
        o->v = arena_take(g->a, unknown * sizeof *o->v);
        if (!o->v)
            goto memory;
    }
    return true;
memory:
    fail(g, ERR_NOSPACE, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0);
    return false;
}

static void member_get(struct get *g, const struct pfcp_member *m, void *to, struct bytes value)
{
    const struct pfcp_ie *ie = pfcp_ie_of(m->ie);
    uint8_t *at = (uint8_t *)to + m->offset;
    struct pfcp_list *l = (void *)at;
    if (m->most)
        at = (uint8_t *)l->v + (size_t)l->n * ie->size;
    uint8_t cause = value_get(g, m->ie, ie, at, value);
    if (cause) {
        memset(at, 0, ie->size);
        if (m->presence == PFCP_PRESENCE_O)
            g->report->ignored++;
        else
            fail(g, ERR_RANGE, cause, m->ie);
    } else if (m->most) {
        l->n++;
    } else {
        *(uint64_t *)to |= 1ull << m->bit;
    }
}

static void group_get(struct get *g, const struct pfcp_desc *d, void *to, struct bytes in)
{
    if (!lists_get(g, d, to, in))
        return;
    uint16_t counts[PFCP_MEMBERS_MAX] = {0}, type;
    struct pfcp_others *other = (void *)((uint8_t *)to + d->other);
    struct rd r = rd_over(in);
    struct bytes value;
    while (ie_next(g, &r, &type, &value)) {
        int i = member_find(d, type, counts);
        if (i >= 0) {
            counts[i]++;
            member_get(g, &d->m[i], to, value);
        } else if (i == -1) {
            other->v[other->n++] = (struct pfcp_raw){type, value};
            g->report->unknown++;
        } else {
            g->report->ignored++;
        }
    }
    uint64_t has = *(uint64_t *)to;
    for (int i = 0; i < d->n; i++) { /* 7.6.6 */
        const struct pfcp_member *m = &d->m[i];
        const struct pfcp_list *l = (const void *)((const uint8_t *)to + m->offset);
        if (m->presence == PFCP_PRESENCE_M && !(m->most ? l->n : has >> m->bit & 1))
            fail(g, ERR_MISSING, PFCP_CAUSE_MANDATORY_IE_MISSING, m->ie);
    }
}

/* Conditions of 7.5 that follow from the message alone. Not among them: FORW without Forwarding
 * Parameters, which free5GC sends for a downlink whose tunnel is not known yet; such a FAR has
 * nowhere to forward to. */
static void urr_check(struct get *g, const struct pfcp_create_urr *u)
{
    if (u->reporting_triggers & PFCP_TRIGGER_VOLTH && !u->has.volume_threshold)
        fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_volume_threshold);
    if (u->reporting_triggers & PFCP_TRIGGER_TIMTH && !u->has.time_threshold)
        fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_time_threshold);
    if (u->reporting_triggers & PFCP_TRIGGER_PERIO && !u->has.measurement_period)
        fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_measurement_period);
}
static void conditions_check(struct get *g, const struct pfcp_msg *m)
{
    if (m->type == PFCP_SESSION_ESTABLISHMENT_REQUEST) {
        const struct pfcp_session_establishment_request *q = &m->session_establishment_request;
        for (uint32_t i = 0; i < q->create_urr.n; i++)
            urr_check(g, &q->create_urr.v[i]);
    } else if (m->type == PFCP_SESSION_MODIFICATION_REQUEST) {
        const struct pfcp_session_modification_request *q = &m->session_modification_request;
        for (uint32_t i = 0; i < q->create_urr.n; i++)
            urr_check(g, &q->create_urr.v[i]);
    } else if (m->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE) {
        const struct pfcp_session_establishment_response *q = &m->session_establishment_response;
        if (pfcp_is_accepted(q->cause) && !q->has.up_f_seid)
            fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_f_seid);
    } else if (m->type == PFCP_SESSION_REPORT_REQUEST) {
        const struct pfcp_session_report_request *q = &m->session_report_request;
        if (q->report_type & PFCP_REPORT_TYPE_DLDR && !q->has.downlink_data_report)
            fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_downlink_data_report);
        if (q->report_type & PFCP_REPORT_TYPE_USAR && !q->usage_report.n)
            fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_usage_report_report);
        if (q->report_type & PFCP_REPORT_TYPE_ERIR && !q->has.error_indication_report)
            fail(g, ERR_MISSING, PFCP_CAUSE_CONDITIONAL_IE_MISSING,
                 PFCP_IE_error_indication_report);
    }
}

/* Header, 7.2.2. *body is what the IEs fill. */
static int header_get(struct bytes in, struct pfcp_msg *m, struct pfcp_report *report,
                      struct bytes *body)
{
    if (in.n < 8)
        return ERR_SHORT; /* 7.6.3: nothing to answer */
    uint8_t flags = in.p[0];
    uint32_t header = flags & 0x01 ? 16 : 8, octets = 4u + be16(in.p + 2);
    if (in.n < header)
        return ERR_SHORT;
    m->type = in.p[1];
    m->has_seid = flags & 0x01;
    m->seid = m->has_seid ? be64(in.p + 4) : 0;
    m->seq = be24(in.p + header - 4);
    m->follow_on = flags & 0x04;
    m->priority = m->has_seid && flags & 0x02 ? (uint8_t)(1 + (in.p[15] >> 4)) : 0;
    report->header = true;
    if (flags >> 5 != 1) {
        report->version = true;
        return ERR_UNSUPPORTED;
    }
    m->desc = pfcp_desc_of(m->type);
    if (!m->desc)
        return ERR_UNKNOWN; /* 7.6.4: not answered */
    if (m->desc->session != m->has_seid)
        return ERR_SYNTAX;
    if (octets != in.n || octets < header) {
        report->cause = PFCP_CAUSE_INVALID_LENGTH;
        return octets < in.n && octets >= header ? ERR_TRAILING : ERR_SHORT;
    }
    *body = (struct bytes){in.p + header, in.n - header};
    return OK;
}

int pfcp_decode(struct bytes in, struct arena *a, struct pfcp_msg *out, struct pfcp_report *report)
{
    struct get g = {a, report, OK};
    struct bytes body = {NULL, 0};
    memset(out, 0, sizeof *out);
    memset(report, 0, sizeof *report);
    int err = header_get(in, out, report, &body);
    if (err)
        return err;
    group_get(&g, out->desc, out->body, body);
    if (!g.err)
        conditions_check(&g, out);
    return g.err;
}

bool pfcp_next(struct bytes *datagram, struct bytes *message)
{
    if (!datagram->n)
        return false;
    *message = *datagram;
    if (datagram->n >= 4 && datagram->p[0] & 0x04 && 4u + be16(datagram->p + 2) < datagram->n)
        message->n = 4u + be16(datagram->p + 2);
    datagram->p += message->n;
    datagram->n -= message->n;
    return true;
}
