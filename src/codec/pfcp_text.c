/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_text.c - messages as text, and values that name hosts. */
#include "codec/pfcp_desc.h"
#include "base/err.h"
#include "base/text.h"

static void octets_say(struct text *t, const void *p, uint32_t n)
{
    const uint8_t *b = p;
    bool plain = n != 0;
    for (uint32_t i = 0; i < n; i++)
        plain = plain && b[i] >= 0x20 && b[i] < 0x7f && b[i] != '"';
    if (plain)
        text_add(t, "\"%.*s\"", (int)n, (const char *)p);
    else
        for (uint32_t i = 0; i < n; i++)
            text_add(t, "%02x", b[i]);
}

static void comp_say(struct text *t, const struct pfcp_comp *c, const void *value)
{
    uint16_t flags = pfcp_comp_flags(c, value);
    for (uint16_t i = 0; i < c->n; i++) {
        const struct pfcp_field *f = &c->f[i];
        const uint8_t *at = (const uint8_t *)value + f->offset;
        const struct str *s = (const void *)at;
        if (i && !pfcp_field_is_present(f, flags))
            continue;
        text_add(t, " %s=", f->name);
        if (f->kind <= PFCP_FK_U64 || f->kind == PFCP_FK_U8_TAIL) {
            unsigned long long v = pfcp_field_number(f, value);
            text_add(t, strcmp(f->name, "flags") == 0 ? "0x%02llx" : "%llu", v);
        } else if (f->kind == PFCP_FK_IP4 || f->kind == PFCP_FK_IP6) {
            struct net_addr a = {.family = f->kind == PFCP_FK_IP4 ? 4 : 6};
            char buf[NET_ADDR_TEXT];
            memcpy(a.ip, at, a.family == 4 ? 4 : 16);
            text_add(t, "%s", addr_text(&a, buf));
        } else {
            octets_say(t, s->p, s->n);
        }
    }
}

static void group_say(struct text *t, const struct pfcp_desc *d, const void *from, int depth);

static void value_say(struct text *t, const struct pfcp_ie *ie, const void *v, int depth)
{
    const struct bytes *b = v;
    if (ie->privacy != PFCP_PLAIN) {
        if (ie->kind == PFCP_K_BYTES || ie->kind == PFCP_K_STR)
            text_add(t, " <%u octets>\n", b->n);
        else
            text_add(t, " <hidden>\n");
        return;
    }
    switch (ie->kind) {
    case PFCP_K_U3:
    case PFCP_K_U4:
    case PFCP_K_U6:
    case PFCP_K_U8: text_add(t, " %u", *(const uint8_t *)v); break;
    case PFCP_K_U16: text_add(t, " %u", *(const uint16_t *)v); break;
    case PFCP_K_U32: text_add(t, " %u", *(const uint32_t *)v); break;
    case PFCP_K_FLAGS: text_add(t, " 0x%02llx", (unsigned long long)*(const uint64_t *)v); break;
    case PFCP_K_STR:
    case PFCP_K_BYTES:
        text_add(t, " ");
        octets_say(t, b->p, b->n);
        break;
    case PFCP_K_COMP: comp_say(t, ie->what, v); break;
    default:
        text_add(t, "\n");
        group_say(t, ie->what, v, depth + 1);
        return;
    }
    text_add(t, "\n");
}

static void member_say(struct text *t, const struct pfcp_member *m, const void *v, int depth)
{
    const struct pfcp_ie *ie = pfcp_ie_of(m->ie);
    text_add(t, "%*s%s:", 2 * depth, "", m->name);
    if (m->ie == PFCP_IE_cause)
        text_add(t, " %u (%s)\n", *(const uint8_t *)v, pfcp_cause_name(*(const uint8_t *)v));
    else if (m->ie == PFCP_IE_offending_ie)
        text_add(t, " %u (%s)\n", *(const uint16_t *)v, pfcp_ie_name(*(const uint16_t *)v));
    else
        value_say(t, ie, v, depth);
}

static void group_say(struct text *t, const struct pfcp_desc *d, const void *from, int depth)
{
    uint64_t has = *(const uint64_t *)from;
    for (uint16_t i = 0; i < d->n; i++) {
        const struct pfcp_member *m = &d->m[i];
        const uint8_t *at = (const uint8_t *)from + m->offset;
        const struct pfcp_list *l = (const void *)at;
        if (!m->most && (m->presence == PFCP_PRESENCE_M || has >> m->bit & 1))
            member_say(t, m, at, depth);
        for (uint32_t k = 0; m->most && k < l->n; k++)
            member_say(t, m, (const uint8_t *)l->v + (size_t)k * pfcp_ie_of(m->ie)->size, depth);
    }
    const struct pfcp_others *o = (const void *)((const uint8_t *)from + d->other);
    for (uint32_t k = 0; k < o->n; k++)
        text_add(t, "%*sother %u (%s): <%u octets>\n", 2 * depth, "", o->v[k].type,
            pfcp_ie_name(o->v[k].type), o->v[k].value.n);
}

size_t pfcp_print(const struct pfcp_msg *m, char *to, size_t cap)
{
    struct text t = text_over(to, cap);
    const struct pfcp_desc *d = pfcp_desc_of(m->type);
    if (!cap)
        return 0;
    *to = 0;
    text_add(&t, "%s", pfcp_name(m->type));
    if (d && d->session)
        text_add(&t, " seid=0x%llx", (unsigned long long)m->seid);
    text_add(&t, " seq=%u\n", m->seq);
    if (d)
        group_say(&t, d, m->body, 1);
    return t.n;
}

int pfcp_fqdn_put(uint8_t *to, size_t cap, struct str s)
{
    if (s.n == 0 || s.n > 254)
        return ERR_RANGE;
    if (cap < s.n + 1u)
        return ERR_NOSPACE;
    uint32_t label = 0;
    for (uint32_t i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != '.') {
            to[i + 1] = (uint8_t)s.p[i];
            continue;
        }
        uint32_t n = i - label;
        if (n == 0 || n > 63)
            return ERR_RANGE;
        to[label] = (uint8_t)n;
        label = i + 1;
    }
    return (int)s.n + 1;
}

static bool is_labels(struct str s)
{
    uint32_t i = 0;
    while (i < s.n && s.p[i])
        i += 1u + (uint8_t)s.p[i];
    return i == s.n || (s.n && i == s.n - 1);
}

int pfcp_fqdn_get(char *to, size_t cap, struct str s)
{
    if (s.n > 255)
        return ERR_RANGE;
    if (cap < s.n + 1u)
        return ERR_NOSPACE;
    uint32_t n = 0;
    if (s.n && is_labels(s)) {
        for (uint32_t i = 0; i < s.n && s.p[i]; i += 1u + (uint8_t)s.p[i]) {
            if (n)
                to[n++] = '.';
            memcpy(to + n, s.p + i + 1, (uint8_t)s.p[i]);
            n += (uint8_t)s.p[i];
        }
    } else {
        if (s.n)
            memcpy(to, s.p, s.n);
        n = s.n;
    }
    for (uint32_t i = 0; i < n; i++)
        if ((uint8_t)to[i] <= 0x20 || (uint8_t)to[i] >= 0x7f)
            return ERR_RANGE;
    to[n] = 0;
    return (int)n;
}

int pfcp_node_id_text(const struct pfcp_node_id *id, char *to, size_t cap)
{
    uint8_t type = id->flags & 0x0f;
    if (type == PFCP_NODE_ID_FQDN)
        return pfcp_fqdn_get(to, cap, id->fqdn);
    struct net_addr a = {.family = type == PFCP_NODE_ID_IPV4 ? 4 : 6};
    char buf[NET_ADDR_TEXT];
    if (type > PFCP_NODE_ID_FQDN)
        return ERR_RANGE;
    memcpy(a.ip, type == PFCP_NODE_ID_IPV4 ? id->ipv4 : id->ipv6, a.family == 4 ? 4 : 16);
    return str_copy(to, cap, str_of(addr_text(&a, buf))) ? (int)strlen(to) : ERR_NOSPACE;
}

bool pfcp_node_id_eq(const struct pfcp_node_id *a, const struct pfcp_node_id *b)
{
    uint8_t type = a->flags & 0x0f;
    if (type != (b->flags & 0x0f))
        return false;
    return type == PFCP_NODE_ID_IPV4   ? memcmp(a->ipv4, b->ipv4, 4) == 0
           : type == PFCP_NODE_ID_IPV6 ? memcmp(a->ipv6, b->ipv6, 16) == 0
                                       : str_eq(a->fqdn, b->fqdn);
}

struct pfcp_node_id pfcp_node_id_of(const struct net_addr *a)
{
    struct pfcp_node_id id = {.flags = a->family == 6 ? PFCP_NODE_ID_IPV6 : PFCP_NODE_ID_IPV4};
    memcpy(id.ipv4, a->ip, 4);
    memcpy(id.ipv6, a->ip, 16);
    return id;
}
struct pfcp_f_seid pfcp_f_seid_of(uint64_t seid, const struct net_addr *a)
{
    struct pfcp_f_seid s = {.flags = a->family == 6 ? PFCP_F_SEID_V6 : PFCP_F_SEID_V4,
                            .seid = seid};
    memcpy(s.ipv4, a->ip, 4);
    memcpy(s.ipv6, a->ip, 16);
    return s;
}
struct pfcp_f_teid pfcp_f_teid_of(uint32_t teid, const struct net_addr *a)
{
    struct pfcp_f_teid t = {.flags = a->family == 6 ? PFCP_F_TEID_V6 : PFCP_F_TEID_V4,
                            .teid = teid};
    memcpy(t.ipv4, a->ip, 4);
    memcpy(t.ipv6, a->ip, 16);
    return t;
}
