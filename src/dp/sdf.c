/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/sdf.h"
#include "base/err.h"
#include <arpa/inet.h>
#include <stdio.h>

struct reader {
    struct str s;
    uint32_t off;
    struct sdf_error *e;
};

static int fail(struct reader *r, uint32_t at, int error, const char *text)
{
    if (r->e)
        *r->e = (struct sdf_error){at, text};
    return error;
}

/* The next word, n == 0 at the end; *at is where it starts. */
static struct str word(struct reader *r, uint32_t *at)
{
    while (r->off < r->s.n && (r->s.p[r->off] == ' ' || r->s.p[r->off] == '\t'))
        r->off++;
    *at = r->off;
    while (r->off < r->s.n && r->s.p[r->off] != ' ' && r->s.p[r->off] != '\t')
        r->off++;
    return (struct str){r->s.p + *at, r->off - *at};
}

/* Decimal, no sign, at most max; false otherwise. */
static bool number(struct str s, uint32_t max, uint32_t *v)
{
    uint64_t n = 0;
    if (!s.n || s.n > 5)
        return false;
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *v = (uint32_t)n;
    return n <= max;
}

static bool split(struct str s, char at, struct str *a, struct str *b)
{
    const char *c = s.n ? memchr(s.p, at, s.n) : NULL;
    *a = s;
    *b = (struct str){NULL, 0};
    if (!c)
        return false;
    a->n = (uint32_t)(c - s.p);
    *b = (struct str){c + 1, s.n - a->n - 1};
    return true;
}

static int protocol(struct reader *r, struct rule_sdf *f)
{
    static const struct {
        const char *name;
        uint8_t proto;
    } names[] = {{"icmp", 1}, {"tcp", 6},     {"udp", 17},  {"gre", 47},
                 {"esp", 50}, {"icmpv6", 58}, {"sctp", 132}};
    uint32_t at, v;
    struct str w = word(r, &at);
    if (str_is(w, "ip"))
        return OK;
    f->has_proto = true;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(w, names[i].name)) {
            f->proto = names[i].proto;
            return OK;
        }
    if (!number(w, 255, &v))
        return fail(r, at, ERR_SYNTAX, "expected a protocol: ip, a name, or 0 to 255");
    f->proto = (uint8_t)v;
    return OK;
}

static int address(struct reader *r, struct rule_prefix *p)
{
    uint32_t at, bits;
    struct str w = word(r, &at), ip, len;
    char z[INET6_ADDRSTRLEN];
    if (str_is(w, "any"))
        return OK;
    if (str_is(w, "assigned")) {
        p->assigned = true;
        return OK;
    }
    if (w.n && w.p[0] == '!')
        return fail(r, at, ERR_UNSUPPORTED, "the modifier ! is not used, TS 29.212 5.4.2");
    bool has_len = split(w, '/', &ip, &len);
    if (!ip.n || !str_copy(z, sizeof z, ip) || strlen(z) != ip.n)
        return fail(r, at, ERR_SYNTAX, "expected an address, any or assigned");
    if (inet_pton(AF_INET, z, p->ip) == 1)
        p->family = 4;
    else if (inet_pton(AF_INET6, z, p->ip) == 1)
        p->family = 6;
    else
        return fail(r, at, ERR_SYNTAX, "expected an address, any or assigned");
    uint32_t max = p->family == 4 ? 32 : 128;
    p->bits = (uint8_t)max;
    if (has_len) {
        if (!number(len, max, &bits))
            return fail(r, at + ip.n + 1, ERR_RANGE, "a prefix length out of range");
        p->bits = (uint8_t)bits;
    }
    for (unsigned i = 0; i < 16; i++) { /* bits beyond the prefix say nothing */
        unsigned keep = p->bits >= 8 * (i + 1) ? 8 : p->bits > 8 * i ? p->bits - 8 * i : 0;
        p->ip[i] &= (uint8_t)(0xff00 >> keep);
    }
    return OK;
}

static int ports(struct reader *r, struct rule_ports *to, uint8_t *n)
{
    uint32_t before = r->off, at, first, last;
    struct str rest = word(r, &at), one, a, b;
    if (!rest.n || rest.p[0] < '0' || rest.p[0] > '9') { /* no ports: the word is not ours */
        r->off = before;
        return OK;
    }
    for (bool more = true; more;) {
        more = split(rest, ',', &one, &rest);
        if (*n == RULE_SDF_PORTS)
            return fail(r, at, ERR_NOSPACE, "too many port ranges");
        bool range = split(one, '-', &a, &b);
        if (!number(a, 65535, &first) || (range && !number(b, 65535, &last)))
            return fail(r, at, ERR_RANGE, "a port is 0 to 65535");
        if (!range)
            last = first;
        if (last < first)
            return fail(r, at, ERR_RANGE, "a port range that ends before it starts");
        to[(*n)++] = (struct rule_ports){(uint16_t)first, (uint16_t)last};
    }
    return OK;
}

static int keyword(struct reader *r, const char *name, const char *text)
{
    uint32_t at;
    return str_is(word(r, &at), name) ? OK : fail(r, at, ERR_SYNTAX, text);
}

static void turn_round(struct rule_sdf *f)
{
    struct rule_sdf o = *f;
    f->remote = o.local;
    f->local = o.remote;
    f->remote_ports_n = o.local_ports_n;
    f->local_ports_n = o.remote_ports_n;
    memcpy(f->remote_ports, o.local_ports, sizeof f->remote_ports);
    memcpy(f->local_ports, o.remote_ports, sizeof f->local_ports);
}

int sdf_parse(struct rule_sdf *f, struct str text, struct sdf_error *error)
{
    struct reader r = {text, 0, error};
    uint32_t at;
    int e;
    memset(f, 0, sizeof *f);
    struct str w = word(&r, &at);
    if (str_is(w, "deny"))
        return fail(&r, at, ERR_UNSUPPORTED, "only permit is used, TS 29.212 5.4.2");
    if (!str_is(w, "permit"))
        return fail(&r, at, ERR_SYNTAX, "expected permit");
    w = word(&r, &at);
    bool in = str_is(w, "in");
    if (!in && !str_is(w, "out"))
        return fail(&r, at, ERR_SYNTAX, "expected out or in");
    if ((e = protocol(&r, f)) < 0 || (e = keyword(&r, "from", "expected from")) < 0 ||
        (e = address(&r, &f->remote)) < 0 ||
        (e = ports(&r, f->remote_ports, &f->remote_ports_n)) < 0 ||
        (e = keyword(&r, "to", "expected to")) < 0 || (e = address(&r, &f->local)) < 0 ||
        (e = ports(&r, f->local_ports, &f->local_ports_n)) < 0)
        return e;
    if (word(&r, &at).n)
        return fail(&r, at, ERR_UNSUPPORTED,
                    "nothing may follow: options are not used, TS 29.212 5.4.2");
    if (in)
        turn_round(f);
    return OK;
}

struct writer {
    char *p;
    uint32_t n, cap;
};
static void put(struct writer *w, const char *text)
{
    size_t n = strlen(text);
    if (n < w->cap - w->n)
        memcpy(w->p + w->n, text, n + 1);
    else
        w->n = w->cap - 1, n = 0;
    w->n += (uint32_t)n;
}

static void side(struct writer *w, const struct rule_prefix *p, const struct rule_ports *q,
                 unsigned n)
{
    char z[INET6_ADDRSTRLEN + 8], ip[INET6_ADDRSTRLEN] = "";
    if (p->family)
        inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->ip, ip, sizeof ip);
    snprintf(z, sizeof z, "%s/%u", ip, p->bits);
    put(w, p->family ? z : p->assigned ? "assigned" : "any");
    for (unsigned i = 0; i < n; i++) {
        snprintf(z, sizeof z, q[i].first == q[i].last ? "%s%u" : "%s%u-%u", i ? "," : " ",
                 q[i].first, q[i].last);
        put(w, z);
    }
}

int sdf_print(const struct rule_sdf *f, char *to, uint32_t cap)
{
    if (!cap)
        return ERR_NOSPACE;
    struct writer w = {to, 0, cap};
    char proto[16] = "ip";
    to[0] = 0;
    if (f->has_proto)
        snprintf(proto, sizeof proto, "%u", f->proto);
    put(&w, "permit out ");
    put(&w, proto);
    put(&w, " from ");
    side(&w, &f->remote, f->remote_ports, f->remote_ports_n);
    put(&w, " to ");
    side(&w, &f->local, f->local_ports, f->local_ports_n);
    return w.n >= cap - 1 ? ERR_NOSPACE : (int)w.n;
}
