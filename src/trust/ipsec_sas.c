/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_sas.c - tunnels by the addresses that they carry, the certificates that opened them, and what that proves. */
#include "trust/ipsec_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
void ipsec_tell_all(struct ipsec_peers *p, const struct sa *s)
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
    ipsec_tell_all(p, s);
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
void ipsec_sa_drop(struct ipsec_peers *p, struct sa *s)
{
    map_del(&p->by_spis, BYTES_OF(s->spis));
    list_remove(&s->link);
    for (uint32_t i = 0; i < s->n_hosts; i++)
        host_leave(p, &s->hosts[i]);
    p->n_sas--;
    list_remove(&s->on_ask);
    if (p->asking == s)
        p->asking = NULL;
    ipsec_tell_all(p, s);
    free(s->certificate);
    free(s);
}
void ipsec_gone_drop(struct ipsec_peers *p)
{
    LIST_EACH_SAFE(l, &p->sas) {
        struct sa *s = CONTAINER(l, struct sa, link);
        if (s->gone_us && ipsec_now_us(p) - s->gone_us >= GONE_US)
            ipsec_sa_drop(p, s);
    }
}
void ipsec_sa_see(struct ipsec_peers *p, const struct seen *x)
{
    struct sa *s = sa_find(p, x->spis);
    if (!x->is_up || !x->has_initiator || !x->has_responder || !x->id.n || x->id.n >= ID_OCTETS || memchr(x->id.p, 0, x->id.n))
        return;
    if (s && !str_is(x->id, s->id)) { /* not the one that it was */
        ipsec_sa_drop(p, s);
        s = NULL;
    }
    if (!s && (s = sa_new(p, x->spis))) {
        str_copy(s->id, sizeof s->id, x->id);
        if (!str_copy(s->connection, sizeof s->connection, x->connection))
            s->connection[0] = 0; /* none has no name */
        uint64_t ago_us = x->established_s < UINT32_MAX ? x->established_s * 1000000 : UINT64_MAX; /* not told: long ago */
        s->since_us = ipsec_now_us(p) > ago_us ? ipsec_now_us(p) - ago_us : 0;
    }
    if (!s)
        return;
    s->round = p->round;
    s->gone_us = 0;
    if (!same_hosts(s, x))
        hosts_take(p, s, x->hosts, x->n_hosts);
}
/* The keys stay what they were: nobody authenticated anew. */
void ipsec_sa_rekeyed(struct ipsec_peers *p, const uint8_t from[SPIS], const uint8_t to[SPIS])
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
        ipsec_tell_all(p, s);
}
/* The daemon, which asks for lists strictly, would not have let it in with this one. */
static bool is_out_of_question(const struct ipsec_peers *p, const struct sa *s, enum identity_verdict v, int64_t expires)
{
    int64_t ago_s = (int64_t)((ipsec_now_us(p) - s->since_us) / 1000000), since_s = (int64_t)(env_unix_us(p->rt->env) / 1000000) - ago_s;
    switch (v) {
    case IDENTITY_PROVED:
    case IDENTITY_NO_REVOCATION: return false;
    case IDENTITY_REVOKED: return p->lists_since_us + SLACK_US < s->since_us;
    case IDENTITY_EXPIRED: return expires + SLACK_US / 1000000 < since_s;
    default: return true; /* another authority's, or none */
    }
}
void ipsec_candidate(struct ipsec_peers *p, struct sa *s, struct str der)
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
void ipsec_recheck(struct timer *t)
{
    struct ipsec_peers *p = CONTAINER(t, struct ipsec_peers, recheck);
    int64_t now_s = (int64_t)(env_unix_us(p->rt->env) / 1000000);
    uint32_t n = 0;
    LIST_EACH(l, &p->sas) {
        struct sa *s = CONTAINER(l, struct sa, link);
        if (!s->certificate || (s->lists == p->lists && !(s->verdict == IDENTITY_PROVED && s->expires <= now_s)))
            continue;
        if (n++ == RECHECKS) {
            timer_set(&p->rt->timers, t, ipsec_now_us(p) + 1000, ipsec_recheck);
            return;
        }
        sa_check(p, s);
    }
}

/* ---- what they prove ---- */
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
