/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_said.c - reading what strongSwan's daemon says of tunnels, connections, certificates and lists. */
#include "trust/ipsec_parts.h"
#include "trust/vici.h"
#include <stdlib.h>

/* ---- reading what the daemon says ---- */
/* "10.7.0.1/32[udp/2152]": one host, or it is nobody's proof. */
static bool selector_parse(struct str s, struct sa_host *h)
{
    const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL, *bracket = s.n ? memchr(s.p, '[', s.n) : NULL;
    if (!slash || (bracket && bracket < slash))
        return false;
    struct str host = {s.p, (uint32_t)(slash - s.p)}, bits = {slash + 1, (uint32_t)((bracket ? bracket : s.p + s.n) - slash - 1)};
    *h = (struct sa_host){.services = IPSEC_N2 | IPSEC_N3 | IPSEC_N4};
    if (!addr_parse(&h->at, host, 0) || h->at.port || !str_is(bits, h->at.family == 4 ? "32" : "128"))
        return false;
    if (!bracket)
        return true;
    struct str what = {bracket + 1, (uint32_t)(s.p + s.n - bracket - 1)};
    static const struct {
        const char *text;
        uint8_t services;
    } known[] = {{"sctp]", IPSEC_N2}, {"132]", IPSEC_N2}, {"sctp/", IPSEC_N2}, {"132/", IPSEC_N2}, {"udp]", IPSEC_N3 | IPSEC_N4},
                 {"17]", IPSEC_N3 | IPSEC_N4}, {"udp/2152]", IPSEC_N3}, {"udp/gtp-user]", IPSEC_N3}, {"17/2152]", IPSEC_N3},
                 {"udp/8805]", IPSEC_N4}, {"udp/pfcp]", IPSEC_N4}, {"17/8805]", IPSEC_N4}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_starts(what, known[i].text)) {
            h->services = known[i].services;
            return true;
        }
    return false; /* another protocol */
}
static void host_see(struct seen *x, struct str selector)
{
    struct sa_host h;
    if (!selector_parse(selector, &h))
        return;
    for (uint32_t i = 0; i < x->n_hosts; i++)
        if (addr_same_host(&x->hosts[i].at, &h.at)) {
            x->hosts[i].services |= h.services;
            return;
        }
    if (x->n_hosts < HOSTS)
        x->hosts[x->n_hosts++] = h;
}
static bool is_word(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_is(s, *words))
            return true;
    return false;
}
static int child_read(struct vici_cursor *c, struct seen *x)
{
    static const char *const there[] = {"INSTALLED", "UPDATING", "REKEYING", "REKEYED", NULL};
    struct seen mine = *x;
    bool remote = false, is_there = false;
    int k;
    while ((k = vici_next(c)) >= 0 && k != VICI_SECTION_END) {
        if (k == VICI_SECTION)
            k = vici_skip(c);
        if (k < 0)
            break;
        if (k == VICI_LIST)
            remote = str_is(c->name, "remote-ts");
        else if (k == VICI_ITEM && remote)
            host_see(&mine, c->value);
        else if (k == VICI_VALUE && str_is(c->name, "state"))
            is_there = is_word(c->value, there);
    }
    if (is_there)
        *x = mine;
    return k < 0 ? k : OK;
}
static int children_read(struct vici_cursor *c, struct seen *x)
{
    int k;
    while ((k = vici_next(c)) >= 0 && k != VICI_SECTION_END)
        if (k == VICI_SECTION && (k = child_read(c, x)) < 0)
            break;
    return k < 0 ? k : OK;
}
static uint64_t number(struct str s)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || v > UINT32_MAX)
            return UINT64_MAX;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    return s.n ? v : UINT64_MAX;
}
static void value_see(struct seen *x, struct str name, struct str v)
{
    static const char *const up[] = {"ESTABLISHED", "REKEYING", NULL};
    if (str_is(name, "initiator-spi"))
        x->has_initiator = hex_get(x->spis, 8, v);
    else if (str_is(name, "responder-spi"))
        x->has_responder = hex_get(x->spis + 8, 8, v);
    else if (str_is(name, "remote-id"))
        x->id = v;
    else if (str_is(name, "state"))
        x->is_up = is_word(v, up);
    else if (str_is(name, "established"))
        x->established_s = number(v);
}
/* To the end of the section that the cursor is in. */
static int ike_read(struct vici_cursor *c, struct seen *x)
{
    int k;
    while ((k = vici_next(c)) >= 0 && k != VICI_SECTION_END && k != VICI_END) {
        if (k == VICI_VALUE)
            value_see(x, c->name, c->value);
        else if (k == VICI_SECTION && (k = str_is(c->name, "child-sas") ? children_read(c, x) : vici_skip(c)) < 0)
            break;
    }
    return k < 0 ? k : OK;
}
int ipsec_on_list_sa(struct ipsec_peers *p, struct bytes body)
{
    struct vici_cursor c = vici_cursor(body);
    int k;
    while ((k = vici_next(&c)) > VICI_END) {
        struct seen x = {.established_s = UINT64_MAX, .connection = c.name};
        if (k == VICI_SECTION && (k = ike_read(&c, &x)) < 0)
            break;
        ipsec_sa_see(p, &x);
    }
    return k;
}
/* A round of authentication: does it ask for a signature by the key of a certificate? */
static int round_read(struct vici_cursor *c, bool *by_key)
{
    int k;
    *by_key = false;
    while ((k = vici_next(c)) >= 0 && k != VICI_SECTION_END) {
        if (k == VICI_VALUE && str_is(c->name, "class"))
            *by_key = str_is(c->value, "public key");
        if (k == VICI_SECTION && (k = vici_skip(c)) < 0)
            break;
    }
    return k < 0 ? k : OK;
}
static int connection_read(struct vici_cursor *c, struct sa *s)
{
    uint32_t rounds = 0, by_key = 0;
    int k;
    while ((k = vici_next(c)) >= 0 && k != VICI_SECTION_END && k != VICI_END) {
        bool is_so, remote = k == VICI_SECTION && str_starts(c->name, "remote");
        if (k == VICI_SECTION && (k = remote ? round_read(c, &is_so) : vici_skip(c)) < 0)
            break;
        rounds += remote;
        by_key += remote && is_so;
    }
    s->is_loaded = true;
    s->by_key = rounds > 0 && by_key == rounds;
    return k < 0 ? k : OK;
}
int ipsec_on_list_conn(struct ipsec_peers *p, struct bytes body)
{
    struct vici_cursor c = vici_cursor(body);
    int k;
    while ((k = vici_next(&c)) > VICI_END) {
        bool wanted = k == VICI_SECTION && p->asking && str_is(c.name, p->asking->connection);
        if (k == VICI_SECTION && (k = wanted ? connection_read(&c, p->asking) : vici_skip(&c)) < 0)
            break;
    }
    return k;
}
int ipsec_on_rekey(struct ipsec_peers *p, struct bytes body)
{
    struct vici_cursor c = vici_cursor(body);
    struct seen at[2] = {{.has_initiator = false}, {.has_initiator = false}};
    int k;
    while ((k = vici_next(&c)) > VICI_END)
        if (k == VICI_SECTION && c.depth == 2 && (k = ike_read(&c, &at[str_is(c.name, "new")])) < 0)
            break;
    if (k == OK && at[0].has_initiator && at[0].has_responder && at[1].has_initiator && at[1].has_responder)
        ipsec_sa_rekeyed(p, at[0].spis, at[1].spis);
    return k;
}
static int list_keep(struct ipsec_peers *p, struct str der)
{
    uint8_t n[4];
    if (!der.n || der.n > LISTS_OCTETS - p->lists_n - sizeof n)
        return der.n ? ERR_NOSPACE : OK;
    uint32_t need = p->lists_n + der.n + (uint32_t)sizeof n;
    if (need > p->lists_cap) {
        uint8_t *more = realloc(p->lists_in, need * 2u);
        if (!more)
            return ERR_NOSPACE;
        p->lists_in = more;
        p->lists_cap = need * 2;
    }
    put_be32(p->lists_in + p->lists_n, der.n);
    memcpy(p->lists_in + p->lists_n + 4, der.p, der.n);
    p->lists_n = need;
    return OK;
}
int ipsec_on_list_cert(struct ipsec_peers *p, struct bytes body)
{
    struct vici_cursor c = vici_cursor(body);
    struct str type = STR(""), data = STR("");
    int k;
    while ((k = vici_next(&c)) > VICI_END) {
        if (k == VICI_VALUE && c.depth == 0 && str_is(c.name, "type"))
            type = c.value;
        if (k == VICI_VALUE && c.depth == 0 && str_is(c.name, "data"))
            data = c.value;
    }
    if (k < 0)
        return k;
    if (p->step == STEP_LISTS && str_is(type, "X509_CRL"))
        return list_keep(p, data);
    if (p->step == STEP_CERTIFICATE && p->asking && str_is(type, "X509"))
        ipsec_candidate(p, p->asking, data);
    return OK;
}
