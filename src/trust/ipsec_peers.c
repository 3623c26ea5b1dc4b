/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/x509.h"
#include "trust/ipsec_peers.h"
#include "trust/vici.h"
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HOSTS = 4,          /* addresses of one SA that are kept */
    SAS_MAX = 70000,
    ID_OCTETS = 512,    /* of an IKE identity as text */
    NAME_OCTETS = 128,  /* of a connection of the daemon's */
    CERTIFICATE_OCTETS = 16384,
    LISTS_OCTETS = 16 << 20,
    TRIES = 3,          /* rounds in which a certificate is asked for; then each RARELY-th */
    RARELY = 12,
    RECHECKS = 8,       /* certificates verified at once */
    GAP_US = 100000,    /* between the beginnings of rounds */
    POLL_US = 5000000,
    ANSWER_US = 5000000,
    PATIENCE_US = 700000, /* of those who wait; less than a service call's deadline */
    GONE_US = 10000000, /* a peer may take as long to come back */
    DOWN_US = 60000000, /* the daemon may */
    SLACK_US = 2000000, /* of times that are told in seconds */
    SPIS = 16,
    HOST_KEY = 17
};

struct sa;
struct place { /* an address that tunnels carry */
    uint8_t key[HOST_KEY];
    struct link hosts;
};
struct sa_host {
    struct link link; /* of its place */
    struct place *place;
    struct sa *sa;
    struct net_addr at;
    uint8_t services;
};
struct sa { /* IKE_SA */
    struct link link, on_ask;
    uint8_t spis[SPIS];
    char id[ID_OCTETS]; /* of the peer */
    char connection[NAME_OCTETS];
    bool is_loaded, by_key; /* its connection is; asks the peer for a certificate and nothing else */
    struct sa_host hosts[HOSTS];
    uint32_t n_hosts, tries;
    uint64_t round, gone_us /* 0: it is up */, since_us;
    bool several; /* its authority issued certificates for more than one key; for good: a daemon forgets what peers showed */
    uint8_t *certificate, key[32]; /* NULL: not known yet */
    uint32_t certificate_n;
    enum identity_verdict verdict; /* of the certificate by itself, under these lists: */
    uint64_t lists;
    int64_t expires;
};
struct seen { /* an SA as the daemon tells of it */
    uint8_t spis[SPIS];
    struct str id, connection;
    bool has_initiator, has_responder, is_up;
    uint64_t established_s;
    struct sa_host hosts[HOSTS];
    uint32_t n_hosts;
};

enum step { STEP_DOWN, STEP_REGISTER, STEP_IDLE, STEP_SAS, STEP_LISTS, STEP_CONNECTION, STEP_CERTIFICATE };
static const char *const events[] = {"ike-updown", "child-updown", "ike-rekey", "list-sa", "list-cert", "list-conn"};

struct ipsec_peers {
    struct ipsec_peers_conf conf;
    struct rt *rt;
    struct identity_anchors *anchors;
    char *authority;
    uint32_t authority_n;
    struct map by_spis, by_host;
    struct link sas, waiters, to_ask;
    uint32_t n_sas;
    /* the link */
    enum step step;
    uint32_t registered;
    uint8_t *in;
    uint32_t in_n, in_cap;
    struct timer answer, next, recheck, down;
    uint64_t round, began_us;
    bool want;  /* another round */
    bool known; /* the daemon has told of its tunnels since the link is up */
    struct sa *asking; /* in STEP_CERTIFICATE */
    /* revocation lists, one after another, each with its length before it */
    uint8_t *lists_in;
    uint32_t lists_n, lists_cap;
    uint8_t lists_hash[32];
    uint64_t lists, lists_since_us;
    bool had_lists;
    void (*told)(void *ctx, const struct net_addr *);
    void *told_ctx;
};

static uint64_t now_us(const struct ipsec_peers *p) { return p->rt->now_us; }

/* ---- addresses ---- */
static void host_key(const struct net_addr *a, uint8_t key[HOST_KEY])
{
    memset(key, 0, HOST_KEY);
    key[0] = a->family;
    memcpy(key + 1, a->ip, a->family == 4 ? 4 : 16);
}
static void host_leave(struct ipsec_peers *p, struct sa_host *h)
{
    struct place *at = h->place;
    if (!at)
        return;
    list_remove(&h->link);
    h->place = NULL;
    if (list_empty(&at->hosts)) {
        map_del(&p->by_host, BYTES_OF(at->key));
        free(at);
    }
}
static void host_enter(struct ipsec_peers *p, struct sa_host *h)
{
    uint8_t key[HOST_KEY];
    host_key(&h->at, key);
    struct place *at = map_get(&p->by_host, BYTES_OF(key));
    if (!at && (at = calloc(1, sizeof *at))) {
        memcpy(at->key, key, sizeof key);
        list_init(&at->hosts);
        if (map_put(&p->by_host, BYTES_OF(at->key), at) < 0) {
            free(at);
            at = NULL;
        }
    }
    h->place = at; /* NULL: no memory; it is as if the tunnel did not carry it */
    if (at)
        list_append(&at->hosts, &h->link);
}
static void tell(struct ipsec_peers *p, const struct net_addr *at)
{
    if (p->told)
        p->told(p->told_ctx, at);
}
static void tell_all(struct ipsec_peers *p, const struct sa *s)
{
    for (uint32_t i = 0; i < s->n_hosts; i++)
        tell(p, &s->hosts[i].at);
}
static bool same_hosts(const struct sa *s, const struct seen *x)
{
    bool same = s->n_hosts == x->n_hosts;
    for (uint32_t i = 0; same && i < s->n_hosts; i++)
        same = addr_same_host(&s->hosts[i].at, &x->hosts[i].at) && s->hosts[i].services == x->hosts[i].services;
    return same;
}
static void hosts_take(struct ipsec_peers *p, struct sa *s, const struct sa_host *hosts, uint32_t n)
{
    struct net_addr before[HOSTS];
    uint32_t n_before = s->n_hosts;
    for (uint32_t i = 0; i < n_before; i++) {
        before[i] = s->hosts[i].at;
        host_leave(p, &s->hosts[i]);
    }
    s->n_hosts = n;
    for (uint32_t i = 0; i < n; i++) {
        s->hosts[i] = (struct sa_host){.sa = s, .at = hosts[i].at, .services = hosts[i].services};
        host_enter(p, &s->hosts[i]);
    }
    if (!s->certificate)
        return;
    for (uint32_t i = 0; i < n_before; i++)
        tell(p, &before[i]);
    tell_all(p, s);
}

/* ---- SAs ---- */
static struct sa *sa_find(const struct ipsec_peers *p, const uint8_t spis[SPIS]) { return map_get(&p->by_spis, (struct bytes){spis, SPIS}); }
static struct sa *sa_new(struct ipsec_peers *p, const uint8_t spis[SPIS])
{
    struct sa *s = p->n_sas < SAS_MAX ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    memcpy(s->spis, spis, SPIS);
    if (map_put(&p->by_spis, BYTES_OF(s->spis), s) < 0) {
        free(s);
        return NULL;
    }
    list_append(&p->sas, &s->link);
    p->n_sas++;
    return s;
}
static void sa_drop(struct ipsec_peers *p, struct sa *s)
{
    map_del(&p->by_spis, BYTES_OF(s->spis));
    list_remove(&s->link);
    for (uint32_t i = 0; i < s->n_hosts; i++)
        host_leave(p, &s->hosts[i]);
    p->n_sas--;
    list_remove(&s->on_ask);
    if (p->asking == s)
        p->asking = NULL;
    tell_all(p, s);
    free(s->certificate);
    free(s);
}
static void gone_drop(struct ipsec_peers *p)
{
    LIST_EACH_SAFE(l, &p->sas) {
        struct sa *s = CONTAINER(l, struct sa, link);
        if (s->gone_us && now_us(p) - s->gone_us >= GONE_US)
            sa_drop(p, s);
    }
}
static void sa_see(struct ipsec_peers *p, const struct seen *x)
{
    struct sa *s = sa_find(p, x->spis);
    if (!x->is_up || !x->has_initiator || !x->has_responder || !x->id.n || x->id.n >= ID_OCTETS || memchr(x->id.p, 0, x->id.n))
        return;
    if (s && !str_is(x->id, s->id)) { /* not the one that it was */
        sa_drop(p, s);
        s = NULL;
    }
    if (!s && (s = sa_new(p, x->spis))) {
        str_copy(s->id, sizeof s->id, x->id);
        if (!str_copy(s->connection, sizeof s->connection, x->connection))
            s->connection[0] = 0; /* none has no name */
        uint64_t ago_us = x->established_s < UINT32_MAX ? x->established_s * 1000000 : UINT64_MAX; /* not told: long ago */
        s->since_us = now_us(p) > ago_us ? now_us(p) - ago_us : 0;
    }
    if (!s)
        return;
    s->round = p->round;
    s->gone_us = 0;
    if (!same_hosts(s, x))
        hosts_take(p, s, x->hosts, x->n_hosts);
}
/* The keys stay what they were: nobody authenticated anew. */
static void sa_rekeyed(struct ipsec_peers *p, const uint8_t from[SPIS], const uint8_t to[SPIS])
{
    struct sa *old = sa_find(p, from), *s = old && !sa_find(p, to) ? sa_new(p, to) : NULL;
    if (!s)
        return;
    memcpy(s->id, old->id, sizeof s->id);
    memcpy(s->connection, old->connection, sizeof s->connection);
    s->is_loaded = old->is_loaded;
    s->by_key = old->by_key;
    s->round = p->round;
    s->since_us = old->since_us;
    s->tries = old->tries;
    s->several = old->several;
    memcpy(s->key, old->key, sizeof s->key);
    s->verdict = old->verdict;
    s->lists = old->lists;
    s->expires = old->expires;
    if (old->certificate && (s->certificate = malloc(old->certificate_n))) {
        memcpy(s->certificate, old->certificate, old->certificate_n);
        s->certificate_n = old->certificate_n;
    }
    hosts_take(p, s, old->hosts, old->n_hosts);
}

/* ---- what an SA used ---- */
static void sa_check(struct ipsec_peers *p, struct sa *s)
{
    uint8_t key[32];
    enum identity_verdict before = s->verdict;
    s->verdict = identity_chain(p->anchors, (struct bytes){s->certificate, s->certificate_n}, env_unix_us(p->rt->env), key, &s->expires);
    s->lists = p->lists;
    if (s->verdict != before)
        tell_all(p, s);
}
/* The daemon, which asks for lists strictly, would not have let it in with this one. */
static bool is_out_of_question(const struct ipsec_peers *p, const struct sa *s, enum identity_verdict v, int64_t expires)
{
    int64_t ago_s = (int64_t)((now_us(p) - s->since_us) / 1000000), since_s = (int64_t)(env_unix_us(p->rt->env) / 1000000) - ago_s;
    switch (v) {
    case IDENTITY_PROVED:
    case IDENTITY_NO_REVOCATION: return false;
    case IDENTITY_REVOKED: return p->lists_since_us + SLACK_US < s->since_us;
    case IDENTITY_EXPIRED: return expires + SLACK_US / 1000000 < since_s;
    default: return true; /* another authority's, or none */
    }
}
static void candidate(struct ipsec_peers *p, struct sa *s, struct str der)
{
    uint8_t key[32];
    int64_t expires;
    struct bytes b = {(const uint8_t *)der.p, der.n};
    if (!der.n || der.n > CERTIFICATE_OCTETS)
        return;
    enum identity_verdict v = identity_chain(p->anchors, b, env_unix_us(p->rt->env), key, &expires);
    if (is_out_of_question(p, s, v, expires))
        return;
    if (s->certificate) {
        s->several |= memcmp(s->key, key, sizeof key) != 0;
        if (s->several || s->verdict == IDENTITY_PROVED || v != IDENTITY_PROVED)
            return;
        free(s->certificate);
    }
    s->certificate = malloc(der.n);
    if (!s->certificate)
        return;
    memcpy(s->certificate, der.p, der.n);
    s->certificate_n = der.n;
    memcpy(s->key, key, sizeof key);
    s->verdict = v;
    s->lists = p->lists;
    s->expires = expires;
}
static void recheck(struct timer *t)
{
    struct ipsec_peers *p = CONTAINER(t, struct ipsec_peers, recheck);
    int64_t now_s = (int64_t)(env_unix_us(p->rt->env) / 1000000);
    uint32_t n = 0;
    LIST_EACH(l, &p->sas) {
        struct sa *s = CONTAINER(l, struct sa, link);
        if (!s->certificate || (s->lists == p->lists && !(s->verdict == IDENTITY_PROVED && s->expires <= now_s)))
            continue;
        if (n++ == RECHECKS) {
            timer_set(&p->rt->timers, t, now_us(p) + 1000, recheck);
            return;
        }
        sa_check(p, s);
    }
}

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
static int on_list_sa(struct ipsec_peers *p, struct bytes body)
{
    struct vici_cursor c = vici_cursor(body);
    int k;
    while ((k = vici_next(&c)) > VICI_END) {
        struct seen x = {.established_s = UINT64_MAX, .connection = c.name};
        if (k == VICI_SECTION && (k = ike_read(&c, &x)) < 0)
            break;
        sa_see(p, &x);
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
static int on_list_conn(struct ipsec_peers *p, struct bytes body)
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
static int on_rekey(struct ipsec_peers *p, struct bytes body)
{
    struct vici_cursor c = vici_cursor(body);
    struct seen at[2] = {{.has_initiator = false}, {.has_initiator = false}};
    int k;
    while ((k = vici_next(&c)) > VICI_END)
        if (k == VICI_SECTION && c.depth == 2 && (k = ike_read(&c, &at[str_is(c.name, "new")])) < 0)
            break;
    if (k == OK && at[0].has_initiator && at[0].has_responder && at[1].has_initiator && at[1].has_responder)
        sa_rekeyed(p, at[0].spis, at[1].spis);
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
static int on_list_cert(struct ipsec_peers *p, struct bytes body)
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
        candidate(p, p->asking, data);
    return OK;
}

/* ---- revocation lists ---- */
static struct identity_anchors *anchors_new(const struct ipsec_peers *p)
{
    struct identity_anchors *a;
    if (identity_anchors_new(&a) < 0)
        return NULL;
    int e = identity_anchors_add(a, (struct str){p->authority, p->authority_n});
    for (uint32_t at = 0; e >= 0 && at + 4 <= p->lists_n; at += 4 + be32(p->lists_in + at))
        identity_anchors_add_crl_der(a, (struct bytes){p->lists_in + at + 4, be32(p->lists_in + at)}); /* others' are of no concern */
    if (e >= 0 && p->had_lists)
        identity_anchors_want_lists(a);
    if (e < 0) {
        identity_anchors_free(a);
        return NULL;
    }
    return a;
}
static void lists_take(struct ipsec_peers *p)
{
    uint8_t hash[32];
    if (EVP_Digest(p->lists_in ? p->lists_in : (const uint8_t *)"", p->lists_n, hash, NULL, EVP_sha256(), NULL) != 1 ||
        (p->lists && memcmp(hash, p->lists_hash, sizeof hash) == 0))
        return;
    p->had_lists |= p->lists_n > 0; /* from then on always: a daemon that lost its lists lets nobody in */
    struct identity_anchors *fresh = anchors_new(p);
    if (!fresh)
        return;
    identity_anchors_free(p->anchors);
    p->anchors = fresh;
    memcpy(p->lists_hash, hash, sizeof hash);
    p->lists++;
    p->lists_since_us = now_us(p);
}

/* ---- rounds of questions ---- */
static void waiter_end(struct ipsec_peers *p, struct ipsec_waiter *w)
{
    list_remove(&w->link);
    timer_stop(&p->rt->timers, &w->timer);
    w->fn(w);
}
static void waiters_end(struct ipsec_peers *p, uint64_t round)
{
    struct link ended;
    list_init(&ended);
    LIST_EACH_SAFE(l, &p->waiters) {
        if (CONTAINER(l, struct ipsec_waiter, link)->round > round)
            continue;
        list_remove(l);
        list_append(&ended, l);
    }
    for (struct link *l; (l = list_pop(&ended));)
        waiter_end(p, CONTAINER(l, struct ipsec_waiter, link));
}
static void timers_off(struct ipsec_peers *p)
{
    timer_stop(&p->rt->timers, &p->answer);
    timer_stop(&p->rt->timers, &p->next);
}
static void all_gone(struct timer *t)
{
    struct ipsec_peers *p = CONTAINER(t, struct ipsec_peers, down);
    while (!list_empty(&p->sas))
        sa_drop(p, CONTAINER(p->sas.next, struct sa, link));
}
static void link_lost(struct ipsec_peers *p)
{
    if (p->step == STEP_DOWN)
        return;
    if (p->known) /* else the time runs already */
        timer_set(&p->rt->timers, &p->down, now_us(p) + DOWN_US, all_gone);
    p->step = STEP_DOWN;
    p->known = p->want = false;
    p->asking = NULL;
    while (list_pop(&p->to_ask))
        ;
    p->in_n = 0;
    timers_off(p);
    waiters_end(p, UINT64_MAX);
}
static void link_fail(struct ipsec_peers *p)
{
    if (p->step == STEP_DOWN)
        return;
    link_lost(p);
    p->conf.close(p->conf.ctx);
}
static void no_answer(struct timer *t) { link_fail(CONTAINER(t, struct ipsec_peers, answer)); }
static void ask(struct ipsec_peers *p, enum vici_type type, struct str name, const struct vici_pair *pairs, uint32_t n)
{
    uint8_t out[1024];
    int k = vici_packet_write(out, sizeof out, type, name, pairs, n);
    timer_set(&p->rt->timers, &p->answer, now_us(p) + ANSWER_US, no_answer);
    if (k < 0 || p->conf.send(p->conf.ctx, (struct bytes){out, (uint32_t)k}) < 0)
        timer_set(&p->rt->timers, &p->answer, now_us(p), no_answer); /* not from within whoever called */
}
static void round_begin(struct timer *);
/* At once where somebody wants it, but not one after another without end. */
static void next_plan(struct ipsec_peers *p)
{
    bool soon = p->want || !list_empty(&p->waiters);
    uint64_t at_us = p->began_us + (soon ? GAP_US : POLL_US);
    if (p->step == STEP_IDLE)
        timer_set(&p->rt->timers, &p->next, at_us > now_us(p) ? at_us : now_us(p), round_begin);
}
static void round_begin(struct timer *t)
{
    struct ipsec_peers *p = CONTAINER(t, struct ipsec_peers, next);
    p->step = STEP_SAS;
    p->round++;
    p->began_us = now_us(p);
    p->want = false;
    ask(p, VICI_CMD_REQUEST, STR("list-sas"), NULL, 0);
}
static void round_end(struct ipsec_peers *p)
{
    p->step = STEP_IDLE;
    p->asking = NULL;
    gone_drop(p);
    recheck(&p->recheck);
    waiters_end(p, p->round);
    next_plan(p);
}
static void sas_known(struct ipsec_peers *p)
{
    LIST_EACH(l, &p->sas) {
        struct sa *s = CONTAINER(l, struct sa, link);
        if (s->round != p->round && !s->gone_us)
            s->gone_us = now_us(p);
        if (s->round == p->round && (!s->certificate || !s->by_key) && (s->tries < TRIES || p->round % RARELY == 0))
            list_append(&p->to_ask, &s->on_ask);
    }
    p->known = true;
    timer_stop(&p->rt->timers, &p->down);
    struct vici_pair what = {STR("type"), STR("X509_CRL")};
    p->lists_n = 0;
    p->step = STEP_LISTS;
    ask(p, VICI_CMD_REQUEST, STR("list-certs"), &what, 1);
}
/* The next SA: first how its connection asks who the peer is, then with which certificate it may have answered. */
static void sa_ask(struct ipsec_peers *p)
{
    struct link *l = list_pop(&p->to_ask);
    p->asking = l ? CONTAINER(l, struct sa, on_ask) : NULL;
    if (!l) {
        round_end(p);
        return;
    }
    struct vici_pair what = {STR("ike"), str_of(p->asking->connection)};
    p->asking->is_loaded = p->asking->by_key = false;
    p->step = STEP_CONNECTION;
    ask(p, VICI_CMD_REQUEST, STR("list-conns"), &what, 1);
}
static void certificate_ask(struct ipsec_peers *p)
{
    struct sa *s = p->asking;
    if (!s) { /* it went meanwhile */
        sa_ask(p);
        return;
    }
    struct vici_pair what[] = {{STR("type"), STR("X509")}, {STR("subject"), str_of(s->id)}};
    free(s->certificate); /* how it was asked for was not known */
    s->certificate = NULL;
    s->tries += s->tries < TRIES;
    p->step = STEP_CERTIFICATE;
    ask(p, VICI_CMD_REQUEST, STR("list-certs"), what, ARRAY_LEN(what));
}
static void certificate_known(struct ipsec_peers *p)
{
    struct sa *s = p->asking;
    if (s && s->certificate) {
        LOG(p->rt->log, ipsec_peer, "id=\"%s\" certificate=\"%s\"", s->id,
            !s->by_key ? "not asked for" : s->several ? "several" : identity_verdict_text(s->verdict));
        tell_all(p, s);
    }
    sa_ask(p);
}

/* ---- the link ---- */
static void answered(struct ipsec_peers *p)
{
    timer_stop(&p->rt->timers, &p->answer);
    switch (p->step) {
    case STEP_SAS: sas_known(p); return;
    case STEP_LISTS:
        lists_take(p);
        sa_ask(p);
        return;
    case STEP_CONNECTION: certificate_ask(p); return;
    case STEP_CERTIFICATE: certificate_known(p); return;
    default: link_fail(p); /* nothing was asked */
    }
}
static void registered(struct ipsec_peers *p)
{
    if (p->step != STEP_REGISTER) {
        link_fail(p);
        return;
    }
    timer_stop(&p->rt->timers, &p->answer);
    if (++p->registered < ARRAY_LEN(events)) {
        ask(p, VICI_EVENT_REGISTER, str_of(events[p->registered]), NULL, 0);
        return;
    }
    p->step = STEP_IDLE;
    p->want = true;
    next_plan(p);
}
static int on_event(struct ipsec_peers *p, const struct vici_packet *m)
{
    if (str_is(m->name, "list-sa"))
        return p->step == STEP_SAS ? on_list_sa(p, m->body) : OK;
    if (str_is(m->name, "list-cert"))
        return on_list_cert(p, m->body);
    if (str_is(m->name, "list-conn"))
        return p->step == STEP_CONNECTION ? on_list_conn(p, m->body) : OK;
    int e = str_is(m->name, "ike-rekey") ? on_rekey(p, m->body) : OK;
    p->want = true;
    next_plan(p);
    return e;
}
static void on_packet(struct ipsec_peers *p, const struct vici_packet *m)
{
    switch (m->type) {
    case VICI_CMD_RESPONSE: answered(p); return;
    case VICI_EVENT_CONFIRM:
    case VICI_EVENT_UNKNOWN: registered(p); return; /* a daemon without such an event is asked every few seconds all the same */
    case VICI_EVENT:
        if (on_event(p, m) < 0)
            link_fail(p);
        return;
    default: link_fail(p);
    }
}
static bool in_grow(struct ipsec_peers *p, uint32_t n)
{
    if (n <= p->in_cap)
        return true;
    uint8_t *more = realloc(p->in, n);
    if (!more)
        return false;
    p->in = more;
    p->in_cap = n;
    return true;
}
void ipsec_peers_octets(struct ipsec_peers *p, struct bytes b)
{
    struct vici_packet m;
    uint32_t at = 0;
    int k = 1;
    if (p->step == STEP_DOWN || !b.n)
        return;
    if (b.n > VICI_SEGMENT_MAX || !in_grow(p, p->in_n + b.n)) {
        link_fail(p);
        return;
    }
    memcpy(p->in + p->in_n, b.p, b.n);
    p->in_n += b.n;
    while (p->step != STEP_DOWN && (k = vici_packet_read((struct bytes){p->in + at, p->in_n - at}, &m)) > 0) {
        at += (uint32_t)k;
        on_packet(p, &m);
    }
    if (k < 0)
        link_fail(p);
    if (p->step == STEP_DOWN)
        return;
    p->in_n -= at;
    memmove(p->in, p->in + at, p->in_n);
}
void ipsec_peers_up(struct ipsec_peers *p)
{
    link_lost(p);
    p->step = STEP_REGISTER;
    p->registered = 0;
    ask(p, VICI_EVENT_REGISTER, str_of(events[0]), NULL, 0);
}
void ipsec_peers_down(struct ipsec_peers *p) { link_lost(p); }
bool ipsec_peers_is_up(const struct ipsec_peers *p) { return p->step != STEP_DOWN; }
uint32_t ipsec_peers_count(const struct ipsec_peers *p) { return p->n_sas; }

/* ---- those who ask ---- */
static void waited(struct timer *t)
{
    struct ipsec_waiter *w = CONTAINER(t, struct ipsec_waiter, timer);
    list_remove(&w->link);
    w->fn(w);
}
void ipsec_peers_wait(struct ipsec_peers *p, struct ipsec_waiter *w, void (*fn)(struct ipsec_waiter *))
{
    *w = (struct ipsec_waiter){.fn = fn, .round = p->round + 1};
    list_append(&p->waiters, &w->link);
    timer_set(&p->rt->timers, &w->timer, now_us(p) + (p->step == STEP_DOWN ? 0 : PATIENCE_US), waited);
    next_plan(p);
}
void ipsec_peers_cancel(struct ipsec_peers *p, struct ipsec_waiter *w)
{
    list_remove(&w->link);
    timer_stop(&p->rt->timers, &w->timer);
}
void ipsec_peers_listen(struct ipsec_peers *p, void (*fn)(void *ctx, const struct net_addr *), void *ctx)
{
    p->told = fn;
    p->told_ctx = ctx;
}

__attribute__((format(printf, 3, 4))) static int not_proved(struct identity_result *r, int e, const char *format, ...)
{
    va_list ap;
    *r = (struct identity_result){.verdict = IDENTITY_UNPROVED};
    va_start(ap, format);
    vsnprintf(r->text, sizeof r->text, format, ap);
    va_end(ap);
    return e;
}
/* All tunnels that count must have been opened with one key. */
static int sa_choose(const struct place *at, enum ipsec_service service, bool gone, const struct sa **out, struct identity_result *r)
{
    const struct sa *best = NULL;
    LIST_EACH(l, &at->hosts) {
        const struct sa_host *h = CONTAINER(l, struct sa_host, link);
        const struct sa *s = h->sa;
        if (!(h->services & service) || (s->gone_us != 0) != gone)
            continue;
        if (strchr(s->id, '*'))
            return not_proved(r, ERR_DENIED, "the identity that opened its tunnel, %.80s, means many", s->id);
        if (s->is_loaded && !s->by_key)
            return not_proved(r, ERR_DENIED, "strongSwan's connection %.60s does not ask for a certificate (auth = pubkey): whoever knows a secret opens it", s->connection);
        if (!s->by_key)
            return not_proved(r, ERR_DENIED, "how strongSwan's connection %.60s asks who its peer is, is not known", s->connection);
        if (s->several)
            return not_proved(r, ERR_DENIED, "certificates with different keys were issued for %.80s: which one opened its tunnel cannot be told", s->id);
        if (!s->certificate)
            return not_proved(r, ERR_DENIED, "the certificate that opened its tunnel, of %.80s, is not known", s->id);
        if (best && memcmp(best->key, s->key, sizeof s->key) != 0)
            return not_proved(r, ERR_DENIED, "tunnels of %.60s and %.60s, with different keys, carry its address", best->id, s->id);
        best = s;
    }
    *out = best;
    return best ? OK : ERR_NOTFOUND;
}
int ipsec_peers_verify(struct ipsec_peers *p, const struct inventory *v, const struct net_addr *at, enum ipsec_service service, bool fresh,
                       struct identity_result *r)
{
    const struct sa *s = NULL;
    uint8_t key[HOST_KEY];
    host_key(at, key);
    const struct place *place = at->family ? map_get(&p->by_host, BYTES_OF(key)) : NULL;
    if (fresh && !p->known)
        return not_proved(r, ERR_DENIED, "strongSwan does not answer");
    int e = place ? sa_choose(place, service, false, &s, r) : ERR_NOTFOUND;
    if (e == ERR_NOTFOUND && place && !fresh)
        e = sa_choose(place, service, true, &s, r);
    if (e == ERR_NOTFOUND)
        return not_proved(r, e, "no tunnel carries its address");
    if (e < 0)
        return e;
    struct identity_peer peer = {.certificate = {s->certificate, s->certificate_n}, .from = *at, .chain = &s->verdict};
    return identity_verify(p->anchors, v, &peer, env_unix_us(p->rt->env), r);
}

/* ---- life ---- */
int ipsec_peers_new(struct ipsec_peers **out, const struct ipsec_peers_conf *conf)
{
    struct ipsec_peers *p = calloc(1, sizeof *p);
    int e = p ? OK : ERR_NOSPACE;
    *out = NULL;
    if (!p)
        return e;
    p->conf = *conf;
    p->rt = conf->rt;
    p->authority_n = conf->authority.n;
    list_init(&p->sas);
    list_init(&p->waiters);
    list_init(&p->to_ask);
    map_init(&p->by_spis, rt_random(p->rt), rt_random(p->rt));
    map_init(&p->by_host, rt_random(p->rt), rt_random(p->rt));
    p->authority = malloc(conf->authority.n + 1u);
    if (p->authority) {
        memcpy(p->authority, conf->authority.p ? conf->authority.p : "", conf->authority.n);
        e = (p->anchors = anchors_new(p)) ? OK : ERR_SYNTAX;
    } else {
        e = ERR_NOSPACE;
    }
    if (e < 0)
        ipsec_peers_free(p);
    else
        *out = p;
    return e;
}
void ipsec_peers_free(struct ipsec_peers *p)
{
    if (!p)
        return;
    p->told = NULL;
    timers_off(p);
    timer_stop(&p->rt->timers, &p->recheck);
    timer_stop(&p->rt->timers, &p->down);
    for (struct link *l; (l = list_pop(&p->waiters));)
        timer_stop(&p->rt->timers, &CONTAINER(l, struct ipsec_waiter, link)->timer);
    while (!list_empty(&p->sas))
        sa_drop(p, CONTAINER(p->sas.next, struct sa, link));
    map_free(&p->by_spis);
    map_free(&p->by_host);
    identity_anchors_free(p->anchors);
    free(p->authority);
    free(p->lists_in);
    free(p->in);
    free(p);
}
