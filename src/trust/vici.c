/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/vici.h"

static int take(struct bytes *from, uint32_t n, struct bytes *out)
{
    if (n > from->n)
        return ERR_SHORT;
    *out = (struct bytes){from->p, n};
    from->p += n;
    from->n -= n;
    return OK;
}
/* `octets`: of the length before it, 1 or 2. */
static int take_text(struct bytes *from, uint32_t octets, struct str *out)
{
    struct bytes head, b;
    int e = take(from, octets, &head);
    if (e == OK)
        e = take(from, octets == 1 ? head.p[0] : be16(head.p), &b);
    if (e == OK)
        *out = (struct str){(const char *)b.p, b.n};
    return e;
}

int vici_packet_read(struct bytes read, struct vici_packet *p)
{
    if (read.n < VICI_HEAD)
        return 0;
    uint32_t n = be32(read.p);
    if (n < 1 || n > VICI_SEGMENT_MAX)
        return ERR_RANGE;
    if (read.n - VICI_HEAD < n)
        return 0;
    *p = (struct vici_packet){.type = read.p[VICI_HEAD], .body = {read.p + VICI_HEAD + 1, n - 1}};
    int e = OK;
    switch (p->type) {
    case VICI_CMD_REQUEST:
    case VICI_EVENT_REGISTER:
    case VICI_EVENT_UNREGISTER:
    case VICI_EVENT: e = take_text(&p->body, 1, &p->name); break;
    case VICI_CMD_RESPONSE:
    case VICI_CMD_UNKNOWN:
    case VICI_EVENT_CONFIRM:
    case VICI_EVENT_UNKNOWN: break;
    default: e = ERR_UNKNOWN;
    }
    return e < 0 ? e : (int)(VICI_HEAD + n);
}

/* ---- messages ---- */
static int item(struct vici_cursor *c, uint8_t type)
{
    bool misplaced = c->in_list ? type != VICI_ITEM && type != VICI_LIST_END : type == VICI_ITEM || type == VICI_LIST_END;
    if (misplaced)
        return ERR_ORDER;
    switch (type) {
    case VICI_SECTION:
        if (c->depth == VICI_DEPTH)
            return ERR_DEPTH;
        c->depth++;
        return take_text(&c->rest, 1, &c->name);
    case VICI_SECTION_END:
        if (!c->depth)
            return ERR_ORDER;
        c->depth--;
        return OK;
    case VICI_VALUE: {
        int e = take_text(&c->rest, 1, &c->name);
        return e < 0 ? e : take_text(&c->rest, 2, &c->value);
    }
    case VICI_LIST: c->in_list = true; return take_text(&c->rest, 1, &c->name);
    case VICI_ITEM: return take_text(&c->rest, 2, &c->value);
    case VICI_LIST_END: c->in_list = false; return OK;
    default: return ERR_SYNTAX;
    }
}
int vici_next(struct vici_cursor *c)
{
    struct bytes type, before = c->rest;
    if (!c->rest.n)
        return c->depth || c->in_list ? ERR_SHORT : VICI_END;
    take(&c->rest, 1, &type);
    int e = item(c, type.p[0]);
    if (e < 0)
        c->rest = before;
    return e < 0 ? e : type.p[0];
}
int vici_skip(struct vici_cursor *c)
{
    uint32_t outside = c->depth - 1;
    int k = OK;
    while (c->depth > outside && k >= 0)
        k = vici_next(c);
    return k < 0 ? k : OK;
}

/* ---- writing ---- */
struct room {
    uint8_t *p;
    uint32_t cap, n;
};
static void put(struct room *r, const void *p, uint32_t n)
{
    if (n <= r->cap && r->n <= r->cap - n)
        memcpy(r->p + r->n, p, n);
    r->n += n;
}
static void put_number(struct room *r, uint32_t v, uint32_t octets)
{
    uint8_t b[4];
    put_be32(b, v);
    put(r, b + 4 - octets, octets);
}
int vici_packet_write(uint8_t *out, uint32_t cap, enum vici_type type, struct str name, const struct vici_pair *pairs, uint32_t n)
{
    struct room r = {out, cap, 0};
    if (name.n > UINT8_MAX || cap < VICI_HEAD)
        return ERR_NOSPACE;
    put_number(&r, 0, VICI_HEAD);
    put_number(&r, (uint32_t)type, 1);
    put_number(&r, name.n, 1);
    put(&r, name.p, name.n);
    for (uint32_t i = 0; i < n; i++) {
        if (pairs[i].key.n > UINT8_MAX || pairs[i].value.n > UINT16_MAX)
            return ERR_NOSPACE;
        put_number(&r, VICI_VALUE, 1);
        put_number(&r, pairs[i].key.n, 1);
        put(&r, pairs[i].key.p, pairs[i].key.n);
        put_number(&r, pairs[i].value.n, 2);
        put(&r, pairs[i].value.p, pairs[i].value.n);
    }
    if (r.n > cap || r.n - VICI_HEAD > VICI_SEGMENT_MAX)
        return ERR_NOSPACE;
    put_be32(out, r.n - VICI_HEAD);
    return (int)r.n;
}
