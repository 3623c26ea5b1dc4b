/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_encode.c - structs to octets in the canonical form that pfcp.h describes. */
#include "codec/pfcp_desc.h"
#include "base/err.h"
#include "base/wire.h"

struct put {
    struct wr w;
    int err;
};
static void fail(struct put *p, int err)
{
    if (!p->err)
        p->err = err;
}

static void text_put(struct put *p, uint32_t width, struct str s)
{
    if ((width == 1 && s.n > 0xff) || s.n > 0xffff) {
        fail(p, ERR_RANGE);
        return;
    }
    if (width == 1)
        wr_u8(&p->w, (uint8_t)s.n);
    else if (width == 2)
        wr_u16(&p->w, (uint16_t)s.n);
    wr_bytes(&p->w, (struct bytes){(const uint8_t *)s.p, s.n});
}

static void field_put(struct put *p, const struct pfcp_field *f, const void *value)
{
    const uint8_t *at = (const uint8_t *)value + f->offset;
    const struct str *s = (const void *)at;
    if (f->kind <= PFCP_FK_U64) {
        uint64_t v = pfcp_field_number(f, value);
        static const uint8_t octets[] = {1, 2, 3, 4, 5, 8};
        uint32_t n = octets[f->kind];
        if (n < 8 && v >> 8 * n)
            fail(p, ERR_RANGE);
        uint8_t *to = wr_octets(&p->w, n);
        for (uint32_t i = 0; to && i < n; i++)
            to[i] = (uint8_t)(v >> 8 * (n - 1 - i));
        return;
    }
    switch (f->kind) {
    case PFCP_FK_IP4: wr_bytes(&p->w, (struct bytes){at, 4}); break;
    case PFCP_FK_IP6: wr_bytes(&p->w, (struct bytes){at, 16}); break;
    case PFCP_FK_LV8: text_put(p, 1, *s); break;
    case PFCP_FK_LV16: text_put(p, 2, *s); break;
    case PFCP_FK_U8_TAIL:
        if (*at)
            wr_u8(&p->w, *at);
        break;
    case PFCP_FK_LV16_TAIL:
        if (s->n)
            text_put(p, 2, *s);
        break;
    default: text_put(p, 0, *s); break;
    }
}

static void comp_put(struct put *p, const struct pfcp_comp *c, const void *value)
{
    uint16_t flags = pfcp_comp_flags(c, value);
    if (c->need && !(flags & c->need))
        fail(p, ERR_RANGE);
    for (uint16_t i = 0; i < c->n; i++)
        if (i == 0 || pfcp_field_is_present(&c->f[i], flags))
            field_put(p, &c->f[i], value);
}

static void group_put(struct put *p, const struct pfcp_desc *d, const void *from);

static void value_put(struct put *p, const struct pfcp_ie *ie, const void *from)
{
    switch (ie->kind) {
    case PFCP_K_U3: wr_u8(&p->w, *(const uint8_t *)from & 0x07); break;
    case PFCP_K_U4: wr_u8(&p->w, *(const uint8_t *)from & 0x0f); break;
    case PFCP_K_U6: wr_u8(&p->w, *(const uint8_t *)from & 0x3f); break;
    case PFCP_K_U8: wr_u8(&p->w, *(const uint8_t *)from); break;
    case PFCP_K_U16: wr_u16(&p->w, *(const uint16_t *)from); break;
    case PFCP_K_U32: wr_u32(&p->w, *(const uint32_t *)from); break;
    case PFCP_K_FLAGS: {
        uint64_t v = *(const uint64_t *)from;
        for (uint32_t i = 0; i < 8 && (i < ie->least || v >> 8 * i); i++)
            wr_u8(&p->w, (uint8_t)(v >> 8 * i));
        break;
    }
    case PFCP_K_STR: text_put(p, 0, *(const struct str *)from); break;
    case PFCP_K_BYTES: wr_bytes(&p->w, *(const struct bytes *)from); break;
    case PFCP_K_COMP: comp_put(p, ie->what, from); break;
    default: group_put(p, ie->what, from); break;
    }
}

static void ie_put(struct put *p, uint16_t type, const struct pfcp_ie *ie, const void *from)
{
    wr_u16(&p->w, type);
    uint32_t mark = wr_block(&p->w, 2), before = p->w.n;
    value_put(p, ie, from);
    if (!p->w.bad && p->w.n - before > 0xffff)
        fail(p, ERR_RANGE);
    wr_end(&p->w, mark, 2);
}

static void group_put(struct put *p, const struct pfcp_desc *d, const void *from)
{
    uint64_t has = *(const uint64_t *)from;
    for (uint16_t i = 0; i < d->n; i++) {
        const struct pfcp_member *m = &d->m[i];
        const struct pfcp_ie *ie = pfcp_ie_of(m->ie);
        const void *at = (const uint8_t *)from + m->offset;
        if (!m->most) {
            if (m->presence == PFCP_PRESENCE_M || has >> m->bit & 1)
                ie_put(p, m->ie, ie, at);
            continue;
        }
        const struct pfcp_list *l = at;
        if (l->n > m->most)
            fail(p, ERR_RANGE);
        else if (m->presence == PFCP_PRESENCE_M && !l->n)
            fail(p, ERR_MISSING);
        for (uint32_t k = 0; k < l->n && !p->w.bad && !p->err; k++)
            ie_put(p, m->ie, ie, (const uint8_t *)l->v + (size_t)k * ie->size);
    }
    const struct pfcp_others *o = (const void *)((const uint8_t *)from + d->other);
    for (uint32_t k = 0; k < o->n; k++) {
        wr_u16(&p->w, o->v[k].type);
        text_put(p, 2, (struct str){(const char *)o->v[k].value.p, o->v[k].value.n});
    }
}

int pfcp_encode(const struct pfcp_msg *m, uint8_t *to, size_t cap)
{
    const struct pfcp_desc *d = pfcp_desc_of(m->type);
    if (!d)
        return ERR_UNKNOWN;
    if (m->seq > 0xffffff || m->priority > 16)
        return ERR_RANGE;
    struct put p = {wr_over(to, cap > 4 + 65535 ? 4 + 65535 : (uint32_t)cap), OK};
    bool priority = d->session && m->priority;
    wr_u8(&p.w, (uint8_t)(0x20 | (m->follow_on ? 0x04 : 0) | (priority ? 0x02 : 0) | d->session));
    wr_u8(&p.w, m->type);
    uint32_t mark = wr_block(&p.w, 2);
    if (d->session)
        wr_u64(&p.w, m->seid);
    wr_u24(&p.w, m->seq);
    wr_u8(&p.w, priority ? (uint8_t)((m->priority - 1) << 4) : 0);
    group_put(&p, d, m->body);
    wr_end(&p.w, mark, 2);
    if (p.err)
        return p.err;
    return p.w.bad ? ERR_NOSPACE : (int)p.w.n;
}
