/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.c - what no row can say alone: names that must be unique or known, networks that must fit into each
 * other, functions that need each other. Also fills in what is left out because another option says it. */
#include "rt/config_rows.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

struct check {
    const struct config_reader *reader;
    struct config *c;
    struct arena *arena;
    struct config_report *report;
    bool no_space;
};
/* One refusal at the place of section.key[index].sub. */
#define REFUSE(k, section, key, index, sub, ...) say(k, true, section, key, index, sub, __VA_ARGS__)
#define WARN(k, section, key, index, sub, ...)   say(k, false, section, key, index, sub, __VA_ARGS__)

static void say(struct check *k, bool is_error, const char *section, const char *key, uint32_t index, const char *sub,
                const char *format, ...) __attribute__((format(printf, 7, 8)));
static void say(struct check *k, bool is_error, const char *section, const char *key, uint32_t index, const char *sub,
                const char *format, ...)
{
    char where[CONFIG_WHERE], what[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    config_where(k->reader, section, key, index, sub, where);
    config_say(k->report, is_error, "%s: %s%s", where, is_error ? "" : "warning: ", what);
}

static bool runs(const struct config *c, enum config_nf nf)
{
    for (uint32_t i = 0; i < c->network.n_nfs; i++)
        if (c->network.nfs[i] == nf)
            return true;
    return false;
}

/* ---- network ---- */
static void check_network(struct check *k)
{
    static const struct {
        enum config_nf nf, needs;
    } needs[] = {
        {CONFIG_NF_AMF, CONFIG_NF_AUSF}, {CONFIG_NF_AMF, CONFIG_NF_UDM},  {CONFIG_NF_AMF, CONFIG_NF_PCF},
        {CONFIG_NF_AMF, CONFIG_NF_NSSF}, {CONFIG_NF_AUSF, CONFIG_NF_UDM}, {CONFIG_NF_UDM, CONFIG_NF_UDR},
        {CONFIG_NF_PCF, CONFIG_NF_UDR},  {CONFIG_NF_SMF, CONFIG_NF_AMF},  {CONFIG_NF_SMF, CONFIG_NF_UDM},
        {CONFIG_NF_SMF, CONFIG_NF_PCF},
    };
    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (runs(k->c, needs[i].nf) && !runs(k->c, needs[i].needs))
            REFUSE(k, "network", "nfs", CONFIG_WHOLE, NULL,
                   "found %s without %s, expected both: services between processes are not there yet",
                   config_nf_text(needs[i].nf), config_nf_text(needs[i].needs));
}

static bool plmn_set(const struct config_plmn *p) { return p->v[0] || p->v[1] || p->v[2]; }
static bool plmn_served(const struct config *c, const struct config_plmn *p)
{
    for (uint32_t i = 0; i < c->network.n_plmns; i++)
        if (memcmp(&c->network.plmns[i], p, sizeof *p) == 0)
            return true;
    return false;
}
static bool slice_in(const struct config_slice *s, const struct config_slice *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (memcmp(&list[i], s, sizeof *s) == 0)
            return true;
    return false;
}

/* ---- AMF ---- */
static void check_tais(struct check *k)
{
    char text[CONFIG_PLMN_TEXT];
    struct config_tai *tais = (struct config_tai *)(uintptr_t)k->c->amf.tais;
    for (uint32_t i = 0; i < k->c->amf.n_tais; i++) {
        if (!plmn_set(&tais[i].plmn))
            tais[i].plmn = k->c->network.plmns[0];
        else if (!plmn_served(k->c, &tais[i].plmn))
            REFUSE(k, "amf", "tais", i, "plmn", "found %s, expected one of network.plmns",
                   config_plmn_text(&tais[i].plmn, text));
        for (uint32_t j = 0; j < i; j++)
            if (tais[i].tac == tais[j].tac && memcmp(&tais[i].plmn, &tais[j].plmn, sizeof tais[i].plmn) == 0)
                REFUSE(k, "amf", "tais", i, "tac", "found TAC %u of the same network again, expected each once", tais[i].tac);
    }
}

static void check_gnbs(struct check *k)
{
    struct config_gnb *gnbs = (struct config_gnb *)(uintptr_t)k->c->amf.gnbs;
    for (uint32_t i = 0; i < k->c->amf.n_gnbs; i++) {
        if (!plmn_set(&gnbs[i].plmn))
            gnbs[i].plmn = k->c->network.plmns[0];
        for (uint32_t j = 0; j < i; j++)
            if (gnbs[i].id == gnbs[j].id && memcmp(&gnbs[i].plmn, &gnbs[j].plmn, sizeof gnbs[i].plmn) == 0)
                REFUSE(k, "amf", "gnbs", i, "id", "found gNB %u of the same network again, expected each once", gnbs[i].id);
    }
}

static void check_amf_name(struct check *k) /* AMFName is a PrintableString, TS 38.413 9.3.3.21, X.680 41.4 */
{
    struct str n = k->c->amf.name;
    for (uint32_t i = 0; i < n.n; i++)
        if (!isalnum((unsigned char)n.p[i]) && !strchr(" '()+,-./:=?", n.p[i])) {
            REFUSE(k, "amf", "name", CONFIG_WHOLE, NULL,
                   "found a character that NGAP does not carry, expected letters, digits, space or one of '()+,-./:=?");
            return;
        }
}

static void check_amf(struct check *k)
{
    const struct config_amf *a = &k->c->amf;
    for (uint32_t i = 0; i < a->n_ciphering; i++)
        if (a->ciphering[i] == CONFIG_NEA_0 && !a->unsafe_null_ciphering)
            REFUSE(k, "amf", "ciphering", i, NULL,
                   "found NEA0, expected NEA1, NEA2 or NEA3: it needs amf.unsafe_null_ciphering: true");
    for (uint32_t i = 0; i < a->n_integrity; i++)
        if (a->integrity[i] == CONFIG_NIA_0)
            REFUSE(k, "amf", "integrity", i, NULL,
                   "found NIA0, expected NIA1, NIA2 or NIA3: no integrity is for emergency calls alone (TS 33.501 5.5.2), "
                   "which are not there yet");
    if (a->t3512_s && a->mobile_reachable_s && a->mobile_reachable_s <= a->t3512_s)
        WARN(k, "amf", "mobile_reachable", CONFIG_WHOLE, NULL,
             "mobile_reachable is not longer than t3512: phones that keep to it are dropped (TS 24.501 5.3.7)");
    check_amf_name(k);
    check_tais(k);
    check_gnbs(k);
}

/* ---- networks within networks ---- */
static bool bits_eq(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
    uint8_t mask = (uint8_t)(0xff00u >> bits % 8);
    return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}
static bool prefix_within(const struct config_prefix *in, const struct config_prefix *out)
{
    return in->length >= out->length && bits_eq(in->addr.ip, out->addr.ip, out->length);
}
static bool prefix_overlap(const struct config_prefix *a, const struct config_prefix *b)
{
    return a->addr.family && a->addr.family == b->addr.family && (prefix_within(a, b) || prefix_within(b, a));
}
static bool addr_in(const struct net_addr *a, const struct config_prefix *p)
{
    return a->family == p->addr.family && bits_eq(a->ip, p->addr.ip, p->length);
}
static bool is_first_of(const struct net_addr *a, const struct config_prefix *pool)
{
    uint8_t first[16];
    memcpy(first, pool->addr.ip, sizeof first);
    first[a->family == 4 ? 3 : 15] |= 1;
    return memcmp(a->ip, first, a->family == 4 ? 4 : 16) == 0;
}

/* ---- data networks ---- */
static const struct config_dnn *dnn_named(const struct config *c, struct str name)
{
    for (uint32_t i = 0; i < c->smf.n_dnns; i++)
        if (str_eq_nocase(c->smf.dnns[i].name, name))
            return &c->smf.dnns[i];
    return NULL;
}
static bool type_in(const struct config_dnn *d, enum config_pdu_type t)
{
    for (uint32_t i = 0; i < d->n_pdu_types; i++)
        if (d->pdu_types[i] == t)
            return true;
    return false;
}
static bool type_has_pool(const struct config_dnn *d, enum config_pdu_type t)
{
    if (t == CONFIG_PDU_TYPE_ETHERNET)
        return d->n_lan_members != 0;
    return (t == CONFIG_PDU_TYPE_IPV6 || d->ipv4_pool.addr.family) &&
           (t == CONFIG_PDU_TYPE_IPV4 || d->ipv6_pool.addr.family);
}

/* Types that the user names need their pools; where none are named the pools say which there are. */
static void check_pdu_types(struct check *k, uint32_t i, struct config_dnn *d)
{
    static const char *const text[] = {"IPv4", "IPv6", "IPv4v6", "Ethernet"};
    char where[CONFIG_WHERE];
    bool given = config_where(k->reader, "smf", "dnns", i, "pdu_types", where);
    enum config_pdu_type *types = arena_zero(k->arena, sizeof *types * d->n_pdu_types);
    uint32_t n = 0;
    if (!types) {
        k->no_space = true;
        return;
    }
    for (uint32_t t = 0; t < d->n_pdu_types; t++) {
        if (type_has_pool(d, d->pdu_types[t]))
            types[n++] = d->pdu_types[t];
        else if (given)
            REFUSE(k, "smf", "dnns", i, "pdu_types", "found %s without its pool, expected ipv4_pool for IPv4, ipv6_pool for "
                   "IPv6, both for IPv4v6, lan_members for Ethernet", text[d->pdu_types[t]]);
    }
    d->pdu_types = types;
    d->n_pdu_types = n;
    if (n == 0) {
        if (!given)
            REFUSE(k, "smf", "dnns", i, NULL, "found no pool, expected ipv4_pool or ipv6_pool");
        return;
    }
    if (type_in(d, d->default_pdu_type))
        return;
    if (config_where(k->reader, "smf", "dnns", i, "default_pdu_type", where))
        REFUSE(k, "smf", "dnns", i, "default_pdu_type", "found %s, expected one of the pdu_types that have a pool",
               text[d->default_pdu_type]);
    d->default_pdu_type = types[0];
}

static void check_dnn_slices(struct check *k, const char *section, const char *key, uint32_t i, const char *sub,
                             const struct config_slice *slices, uint32_t n)
{
    char text[CONFIG_SLICE_TEXT];
    for (uint32_t s = 0; s < n && runs(k->c, CONFIG_NF_AMF); s++)
        if (!slice_in(&slices[s], k->c->amf.slices, k->c->amf.n_slices))
            REFUSE(k, section, key, i, sub, "found %s, expected one of amf.slices", config_slice_text(&slices[s], text));
}

static void check_lan(struct check *k, uint32_t i, const struct config_dnn *d)
{
    for (uint32_t j = 0; j < d->n_lan_members; j++)
        if (d->lan_members[j].n < 6 || memcmp(d->lan_members[j].p, "imsi-", 5) != 0)
            REFUSE(k, "smf", "dnns", i, "lan_members", "found '%s', expected a SUPI, as imsi-001010000000001",
                   d->lan_members[j].p);
    if (d->lan_outside && !d->n_lan_members)
        REFUSE(k, "smf", "dnns", i, "lan_outside", "found true without lan_members, expected them too");
    if (d->lan_outside && d->n_lan_members && type_in(d, CONFIG_PDU_TYPE_ETHERNET))
        REFUSE(k, "smf", "dnns", i, "lan_outside", "found true with Ethernet, expected one of them: frames go to members alone");
}

static void check_dnns(struct check *k)
{
    struct config_dnn *d = (struct config_dnn *)(uintptr_t)k->c->smf.dnns;
    for (uint32_t i = 0; i < k->c->smf.n_dnns; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq_nocase(d[i].name, d[j].name))
                REFUSE(k, "smf", "dnns", i, "name", "found '%s' again, expected each data network once", d[i].name.p);
            if (prefix_overlap(&d[i].ipv4_pool, &d[j].ipv4_pool))
                REFUSE(k, "smf", "dnns", i, "ipv4_pool", "found a pool that shares addresses with that of '%s', expected "
                       "one of its own", d[j].name.p);
            if (prefix_overlap(&d[i].ipv6_pool, &d[j].ipv6_pool))
                REFUSE(k, "smf", "dnns", i, "ipv6_pool", "found a pool that shares addresses with that of '%s', expected "
                       "one of its own", d[j].name.p);
        }
        check_pdu_types(k, i, &d[i]);
        check_lan(k, i, &d[i]);
        check_dnn_slices(k, "smf", "dnns", i, "slices", d[i].slices, d[i].n_slices);
        if (d[i].mtu + 50 > k->c->upf.n3_mtu && runs(k->c, CONFIG_NF_UPF))
            WARN(k, "smf", "dnns", i, "mtu", "an MTU of %u and 50 octets for N3 are more than upf.n3_mtu, which is %u",
                 d[i].mtu, k->c->upf.n3_mtu);
    }
}

static void check_upfs(struct check *k)
{
    const struct config_smf *s = &k->c->smf;
    bool here = false;
    for (uint32_t i = 0; i < s->n_upfs; i++) {
        here |= addr_eq(&s->upfs[i].address, &k->c->upf.n4_address);
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq_nocase(s->upfs[i].name, s->upfs[j].name))
                REFUSE(k, "smf", "upfs", i, "name", "found '%s' again, expected each UPF once", s->upfs[i].name.p);
            if (addr_eq(&s->upfs[i].address, &s->upfs[j].address))
                REFUSE(k, "smf", "upfs", i, "address", "found the address of '%s' again, expected another", s->upfs[j].name.p);
        }
        if ((s->upfs[i].local_dnn.n != 0) != (s->upfs[i].n_local_networks || s->upfs[i].local_ipv6_pool.addr.family))
            REFUSE(k, "smf", "upfs", i, "local_dnn", "found one of local_dnn and local_networks or local_ipv6_pool, expected both or none");
        for (uint32_t d = 0; d < s->upfs[i].n_dnns; d++)
            if (!dnn_named(k->c, s->upfs[i].dnns[d]))
                REFUSE(k, "smf", "upfs", i, "dnns", "found '%s', expected the name of one of smf.dnns", s->upfs[i].dnns[d].p);
    }
    if (!runs(k->c, CONFIG_NF_SMF) || !runs(k->c, CONFIG_NF_UPF))
        return;
    if (addr_eq(&s->n4_address, &k->c->upf.n4_address))
        REFUSE(k, "smf", "n4_address", CONFIG_WHOLE, NULL, "found upf.n4_address, expected an address of its own");
    if (!here)
        WARN(k, "smf", "upfs", CONFIG_WHOLE, NULL, "the UPF of this process is none of smf.upfs: the SMF will not use it");
}

/* ---- UPF ---- */
static void check_n6_address(struct check *k, uint32_t i, const char *sub, const struct config_prefix *at,
                             const struct config_prefix *pool, const struct config_n6 *n)
{
    if (!pool->addr.family)
        return;
    if (!at->addr.family) {
        if (n->create)
            REFUSE(k, "upf", "n6", i, sub, "found no address for the pool of '%s', expected %s", n->dnn.p, sub);
        return;
    }
    if (pool->length < at->length || !addr_in(&pool->addr, at))
        REFUSE(k, "upf", "n6", i, sub, "found a network that the pool of '%s' is not in, expected one that holds it", n->dnn.p);
    else if (addr_in(&at->addr, pool) && !is_first_of(&at->addr, pool))
        REFUSE(k, "upf", "n6", i, sub, "found an address that a phone of '%s' could get, expected the first of the pool, or "
               "one outside of it", n->dnn.p);
}

static void check_n6(struct check *k)
{
    const struct config_upf *u = &k->c->upf;
    for (uint32_t i = 0; i < u->n_n6; i++) {
        const struct config_n6 *n = &u->n6[i];
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq_nocase(n->dnn, u->n6[j].dnn))
                REFUSE(k, "upf", "n6", i, "dnn", "found '%s' again, expected each data network once", n->dnn.p);
            if (n->tun.n && str_eq(n->tun, u->n6[j].tun))
                REFUSE(k, "upf", "n6", i, "tun", "found '%s' again, expected each interface once", n->tun.p);
        }
        if (!runs(k->c, CONFIG_NF_SMF))
            continue;
        const struct config_dnn *d = dnn_named(k->c, n->dnn);
        if (!d) {
            REFUSE(k, "upf", "n6", i, "dnn", "found '%s', expected the name of one of smf.dnns", n->dnn.p);
            continue;
        }
        if (!n->tun.n) {
            if (!d->n_lan_members || d->lan_outside)
                REFUSE(k, "upf", "n6", i, "tun", "found no interface to '%s', expected the name of one: only a 5G LAN that "
                       "nothing leaves needs none", n->dnn.p);
            continue;
        }
        check_n6_address(k, i, "ipv4", &n->ipv4, &d->ipv4_pool, n);
        check_n6_address(k, i, "ipv6", &n->ipv6, &d->ipv6_pool, n);
    }
}

static void check_n3(struct check *k, const char *key, const struct net_addr *a, uint32_t n)
{
    if (n == 2 && a[0].family == a[1].family)
        REFUSE(k, "upf", key, 1, NULL, "found two addresses of one family, expected one IPv4 and one IPv6 at most");
}

static void check_upf(struct check *k)
{
    const struct config_upf *u = &k->c->upf;
    check_n3(k, "n3_addresses", u->n3_addresses, u->n_n3_addresses);
    check_n3(k, "n3_advertised", u->n3_advertised, u->n_n3_advertised);
    check_n6(k);
    for (uint32_t i = 0; i < k->c->smf.n_dnns && runs(k->c, CONFIG_NF_SMF); i++) {
        bool served = false;
        for (uint32_t j = 0; j < u->n_n6; j++)
            served |= str_eq_nocase(u->n6[j].dnn, k->c->smf.dnns[i].name);
        if (!served && k->c->smf.n_upfs == 1)
            REFUSE(k, "upf", "n6", CONFIG_WHOLE, NULL, "found no interface to '%s', expected one for each of smf.dnns",
                   k->c->smf.dnns[i].name.p);
    }
}

/* ---- the rest ---- */
static void check_hn_keys(struct check *k)
{
    const struct config_udm *u = &k->c->udm;
    for (uint32_t i = 0; i < u->n_hn_keys; i++) {
        const struct config_hn_key *h = &u->hn_keys[i];
        if ((h->file.n != 0) == (h->key.n != 0))
            REFUSE(k, "udm", "home_network_keys", i, NULL, "found %s, expected either file or key",
                   h->file.n ? "both file and key" : "neither file nor key");
        for (uint32_t j = 0; j < i; j++)
            if (u->hn_keys[j].id == h->id)
                REFUSE(k, "udm", "home_network_keys", i, "id", "found key %u again, expected each once", h->id);
    }
}

static void check_policies(struct check *k)
{
    const struct config_pcf *p = &k->c->pcf;
    for (uint32_t i = 0; i < p->n_policies; i++) {
        if (p->policies[i].dnn.n && runs(k->c, CONFIG_NF_SMF) && !dnn_named(k->c, p->policies[i].dnn))
            REFUSE(k, "pcf", "policies", i, "dnn", "found '%s', expected the name of one of smf.dnns", p->policies[i].dnn.p);
        check_dnn_slices(k, "pcf", "policies", i, "slices", p->policies[i].slices, p->policies[i].n_slices);
    }
}

static void check_nssf(struct check *k)
{
    const struct config_nssf *n = &k->c->nssf;
    char text[CONFIG_SLICE_TEXT];
    for (uint32_t i = 0; i < n->n_slices; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (memcmp(&n->slices[i].slice, &n->slices[j].slice, sizeof n->slices[i].slice) == 0)
                REFUSE(k, "nssf", "slices", i, "slice", "found %s again, expected each slice once",
                       config_slice_text(&n->slices[i].slice, text));
        check_dnn_slices(k, "nssf", "slices", i, "slice", &n->slices[i].slice, 1);
    }
    check_dnn_slices(k, "nssf", "defaults", CONFIG_WHOLE, NULL, n->defaults, n->n_defaults);
}

static void check_control(struct check *k)
{
    const struct config_control *c = &k->c->control;
    for (uint32_t i = 0; i < c->n_log_levels; i++)
        for (uint32_t j = 0; j < i; j++)
            if (c->log_levels[i].nf == c->log_levels[j].nf)
                REFUSE(k, "control", "log_levels", i, "nf", "found the same part again, expected each once");
}

static void check_warrants(struct check *k)
{
    const struct config_trust *t = &k->c->trust;
    char until[CONFIG_DATE_TEXT];
    if (t->n_warrants && !t->evidence.n)
        REFUSE(k, "trust", "warrants", CONFIG_WHOLE, NULL, "found warrants without an evidence log, expected trust.evidence");
    for (uint32_t i = 0; i < t->n_warrants; i++) {
        const struct config_warrant *w = &t->warrants[i];
        if (w->until < w->from)
            REFUSE(k, "trust", "warrants", i, "until", "found %s, expected no day before the first", config_date_text(w->until, until));
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq(w->id, t->warrants[j].id))
                REFUSE(k, "trust", "warrants", i, "id", "found '%s' again, expected each once", w->id.p);
            if (w->teid == t->warrants[j].teid && addr_same_host(&w->delivery, &t->warrants[j].delivery))
                REFUSE(k, "trust", "warrants", i, "teid", "found a tunnel that another warrant has, expected one of its own");
        }
    }
}

/* Whoever turns a protection off hears of it at each start. */
static void warn_unsafe(struct check *k, const char *section, const char *list, uint32_t index,
                        const struct config_section *s, const void *at)
{
    for (uint32_t i = 0; i < s->n_opts; i++) {
        const struct config_opt *o = &s->opts[i];
        uint32_t n;
        const char *items = config_items(o, at, &n);
        for (uint32_t m = 0; m < n && o->form == CONFIG_MAPPINGS; m++)
            warn_unsafe(k, section, o->key, m, o->element, items + (size_t)m * o->octets);
        if (o->type == CONFIG_TYPE_BOOL && strncmp(o->key, "unsafe_", 7) == 0 && *(const bool *)(const void *)items)
            WARN(k, section, list ? list : o->key, index, list ? o->key : NULL, "%s is on: %s", o->key, o->help);
    }
}

int config_check(const struct config_reader *r, struct config *c, struct arena *a, struct config_report *report)
{
    struct check k = {r, c, a, report, false};
    check_network(&k);
    check_amf(&k);
    check_dnns(&k);
    check_upfs(&k);
    if (runs(c, CONFIG_NF_UPF))
        check_upf(&k);
    check_hn_keys(&k);
    check_policies(&k);
    check_nssf(&k);
    check_control(&k);
    check_warrants(&k);
    for (uint32_t i = 0; i < config_n_tops; i++)
        warn_unsafe(&k, config_tops[i].section->name, NULL, CONFIG_WHOLE, config_tops[i].section,
                    (const char *)c + config_tops[i].offset);
    return k.no_space ? ERR_NOSPACE : OK;
}
