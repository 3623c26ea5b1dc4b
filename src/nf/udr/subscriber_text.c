/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/udr/subscriber_text.h"
#include "base/text.h"
#include "base/wire.h"
#include <stdarg.h>
#include <stdio.h>

#define RATE "a bit rate, 1 Kbps to 4 Tbps, such as 100 Mbps"
const struct subscriber_field_desc subscriber_fields[SUBSCRIBER_FIELD_COUNT] = {
    [SUBSCRIBER_FIELD_IMSI] = {"imsi", "6 to 15 digits", "identity"},
    [SUBSCRIBER_FIELD_K] = {"k", "32 hex digits (TUAK: or 64)", "permanent key"},
    [SUBSCRIBER_FIELD_OPC] = {"opc", "32 hex digits (TUAK: 64)", "the operator's constant for this key: OPc, or TOPc"},
    [SUBSCRIBER_FIELD_OP] = {"op", "32 hex digits (TUAK: 64)", "or the operator's OP or TOP, from which it follows"},
    [SUBSCRIBER_FIELD_AMF] = {"amf", "4 hex digits", "authentication management field (8000)"},
    [SUBSCRIBER_FIELD_SQN] = {"sqn", "12 hex digits", "sequence numbers above this one are used (000000000000)"},
    [SUBSCRIBER_FIELD_AUTH] = {"auth", "5G-AKA or EAP-AKA'", "method (what udm.authentication says)"},
    [SUBSCRIBER_FIELD_SLICE] = {"slice", "SST or SST-SD, at most 8, with ; between them",
                                "slices; the first is the default (1)"},
    [SUBSCRIBER_FIELD_DNN] = {"dnn", "names of 1 to 100 letters, digits, '-' and '.', at most 16 with all slices",
                              "data networks, with ; between them; the first is the default (internet)"},
    [SUBSCRIBER_FIELD_PDU_TYPES] = {"pdu-types", "IPv4, IPv6, IPv4v6, Ethernet, with ; between them",
                                    "session types; the first is the default (the first three)"},
    [SUBSCRIBER_FIELD_AMBR_DOWN] = {"ambr-down", RATE, "UE-AMBR downlink (2 Gbps)"},
    [SUBSCRIBER_FIELD_AMBR_UP] = {"ambr-up", RATE, "UE-AMBR uplink (1 Gbps)"},
    [SUBSCRIBER_FIELD_SESSION_AMBR_DOWN] = {"session-ambr-down", RATE, "session AMBR downlink (the data network's)"},
    [SUBSCRIBER_FIELD_SESSION_AMBR_UP] = {"session-ambr-up", RATE, "session AMBR uplink (the data network's)"},
    [SUBSCRIBER_FIELD_5QI] = {"5qi", "1 to 254", "5QI of the default flow (the data network's)"},
    [SUBSCRIBER_FIELD_ARP] = {"arp", "1 to 15", "ARP priority of the default flow (8 with a 5QI of its own)"},
    [SUBSCRIBER_FIELD_IP] = {"ip", "an IPv4 address or an IPv6 prefix of 64 bits, or DNN=ADDRESS, at most 4",
                             "static addresses, with ; between them; for the first data network when none is named"},
    [SUBSCRIBER_FIELD_PROTECTED] = {"protected", "none, government, defence or critical",
                                    "served by equipment alone that policy trusts with it (none)"},
};

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }
static bool same_name(struct str a, const char *z)
{
    if (a.n != strlen(z))
        return false;
    for (uint32_t i = 0; i < a.n; i++)
        if ((lower(a.p[i]) == '_' ? '-' : lower(a.p[i])) != lower(z[i]))
            return false;
    return true;
}
enum subscriber_field subscriber_field_of(struct str name)
{
    int f = 0;
    while (f < SUBSCRIBER_FIELD_COUNT && !same_name(name, subscriber_fields[f].name))
        f++;
    return (enum subscriber_field)f;
}

/* ---- pieces of text ---- */
static struct str trim(struct str s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}
/* The next of a list; false at its end. */
static bool next_of(struct str *rest, const char *separators, struct str *item)
{
    if (!rest->p)
        return false;
    uint32_t n = 0;
    while (n < rest->n && !strchr(separators, rest->p[n]))
        n++;
    *item = trim((struct str){rest->p, n});
    *rest = n < rest->n ? (struct str){rest->p + n + 1, rest->n - n - 1} : (struct str){NULL, 0};
    return true;
}
static bool number(struct str s, uint64_t min, uint64_t max, uint64_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || *out > max / 10)
            return false;
        *out = *out * 10 + (uint64_t)(s.p[i] - '0');
    }
    return s.n && *out >= min && *out <= max;
}
bool bit_rate_parse(struct str s, uint64_t *bps)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {{"", 1}, {"bps", 1}, {"kbps", 1000}, {"mbps", 1000000}, {"gbps", 1000000000}, {"tbps", 1000000000000}};
    uint32_t n = 0;
    uint64_t v;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    struct str unit = trim((struct str){s.p + n, s.n - n});
    if (!number((struct str){s.p, n}, 1, 4000000000000, &v))
        return false;
    for (uint32_t i = 0; i < ARRAY_LEN(units); i++)
        if (same_name(unit, units[i].name) && v <= 4000000000000 / units[i].factor) {
            *bps = v * units[i].factor;
            return *bps >= 1000;
        }
    return false;
}
static bool rate(struct str s, uint64_t *bps) { return bit_rate_parse(s, bps); }

/* ---- fields ---- */
static bool set_imsi(struct subscriber_entry *e, struct str v)
{
    if (str_starts(v, "imsi-"))
        v = (struct str){v.p + 5, v.n - 5};
    if (v.n > 15)
        return false;
    snprintf(e->supi, sizeof e->supi, "imsi-" STR_FMT, STR_ARG(v));
    return subscriber_supi_ok(str_of(e->supi));
}
static bool set_key(uint8_t out[32], uint8_t *n, struct str v)
{
    *n = v.n == 64 ? 32 : 16;
    return (v.n == 32 || v.n == 64) && hex_get(out, *n, v);
}
static bool set_sqn(uint64_t *sqn, struct str v)
{
    uint8_t o[8] = {0};
    bool ok = hex_get(o + 2, 6, v);
    *sqn = be64(o);
    return ok;
}
static bool set_slices(struct subscriber_profile *p, struct str v)
{
    struct str item;
    for (p->n_slices = 0; next_of(&v, ";,", &item); p->n_slices++) {
        struct subscriber_slice *s = &p->slices[p->n_slices];
        struct str sst, sd = {NULL, 0};
        uint64_t n;
        if (p->n_slices == SUBSCRIBER_SLICES || !next_of(&item, "-", &sst) || !number(sst, 0, 255, &n))
            return false;
        *s = (struct subscriber_slice){.sst = (uint8_t)n, .is_default = !p->n_slices, .has_sd = item.p != NULL};
        sd = item;
        if (s->has_sd && !hex_get(s->sd, 3, sd))
            return false;
    }
    return p->n_slices != 0;
}
static bool dnn_ok(struct str s) /* TS 23.003 9.1: labels of letters, digits and '-' */
{
    for (uint32_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && i && s.p[i - 1] != '.')))
            return false;
    }
    return s.n && s.n <= 100 && s.p[s.n - 1] != '.';
}
static bool set_names(struct subscriber_entry *e, struct str v)
{
    struct str item;
    for (e->n_names = 0; next_of(&v, ";,", &item); e->n_names++) {
        if (e->n_names == SUBSCRIBER_DNNS || !dnn_ok(item))
            return false;
        e->names[e->n_names] = item;
    }
    return e->n_names != 0;
}
/* The first is the default, in the bits above 4. */
static bool set_types(uint8_t *types, struct str v)
{
    struct str item;
    for (*types = 0; next_of(&v, ";,", &item);) {
        uint8_t t = same_name(item, "ipv4")     ? SUBSCRIBER_IPV4
                    : same_name(item, "ipv6")   ? SUBSCRIBER_IPV6
                    : same_name(item, "ipv4v6") ? SUBSCRIBER_IPV4V6
                    : same_name(item, "ethernet") ? SUBSCRIBER_ETHERNET
                                                : 0;
        if (!t)
            return false;
        *types = (uint8_t)(*types ? *types | t : t << 4 | t);
    }
    return *types != 0;
}
static bool set_addresses(struct subscriber *s, struct str v)
{
    struct str item;
    for (s->n_static = 0; next_of(&v, ";", &item); s->n_static++) {
        if (s->n_static == SUBSCRIBER_STATIC)
            return false;
        struct subscriber_static *to = &s->fixed[s->n_static];
        const char *eq = memchr(item.p, '=', item.n);
        to->dnn = eq ? (struct str){item.p, (uint32_t)(eq - item.p)} : STR("");
        struct str a = eq ? (struct str){eq + 1, item.n - to->dnn.n - 1} : item;
        bool prefix = a.n > 3 && memcmp(a.p + a.n - 3, "/64", 3) == 0;
        a.n -= prefix ? 3 : 0;
        if ((eq && !dnn_ok(to->dnn)) || !addr_parse(&to->addr, a, 0) || to->addr.port ||
            prefix != (to->addr.family == 6))
            return false;
        memset(to->addr.ip + 8, 0, to->addr.family == 6 ? 8 : 0);
    }
    return true;
}

int subscriber_entry_set(struct subscriber_entry *e, enum subscriber_field f, struct str v)
{
    uint8_t o[2];
    uint64_t n = 0;
    bool ok = false;
    e->given |= 1u << f;
    switch (f) {
    case SUBSCRIBER_FIELD_IMSI: ok = set_imsi(e, v); break;
    case SUBSCRIBER_FIELD_K: ok = set_key(e->s.key.k, &e->s.key.k_n, v); break;
    case SUBSCRIBER_FIELD_OPC: ok = set_key(e->s.key.opc, &e->op_n, v); break;
    case SUBSCRIBER_FIELD_OP: ok = set_key(e->op, &e->op_n, v); break;
    case SUBSCRIBER_FIELD_AMF:
        ok = hex_get(o, 2, v);
        e->s.amf = be16(o);
        break;
    case SUBSCRIBER_FIELD_SQN: ok = set_sqn(&e->s.sqn, v); break;
    case SUBSCRIBER_FIELD_AUTH:
        e->s.auth = same_name(v, "5G-AKA") ? SUBSCRIBER_AUTH_5G_AKA : SUBSCRIBER_AUTH_EAP_AKA_PRIME;
        ok = same_name(v, "5G-AKA") || same_name(v, "EAP-AKA'") || same_name(v, "EAP-AKA-PRIME");
        break;
    case SUBSCRIBER_FIELD_SLICE: ok = set_slices(&e->p, v); break;
    case SUBSCRIBER_FIELD_DNN: ok = set_names(e, v); break;
    case SUBSCRIBER_FIELD_PDU_TYPES: ok = set_types(&e->types, v); break;
    case SUBSCRIBER_FIELD_AMBR_DOWN: ok = rate(v, &e->p.ambr_down_bps); break;
    case SUBSCRIBER_FIELD_AMBR_UP: ok = rate(v, &e->p.ambr_up_bps); break;
    case SUBSCRIBER_FIELD_SESSION_AMBR_DOWN: ok = rate(v, &e->session_down_bps); break;
    case SUBSCRIBER_FIELD_SESSION_AMBR_UP: ok = rate(v, &e->session_up_bps); break;
    case SUBSCRIBER_FIELD_5QI:
        ok = number(v, 1, 254, &n);
        e->fiveqi = (uint8_t)n;
        break;
    case SUBSCRIBER_FIELD_ARP:
        ok = number(v, 1, 15, &n);
        e->arp_priority = (uint8_t)n;
        break;
    case SUBSCRIBER_FIELD_IP: ok = set_addresses(&e->s, v); break;
    case SUBSCRIBER_FIELD_PROTECTED: ok = subscriber_protected_of(v, &e->p.is_protected); break;
    default: break;
    }
    return ok ? OK : ERR_SYNTAX;
}

static int finish_key(struct subscriber_entry *e, struct crypto *c, const char **why)
{
    bool has_op = subscriber_has(e, SUBSCRIBER_FIELD_OP), has_opc = subscriber_has(e, SUBSCRIBER_FIELD_OPC);
    *why = !subscriber_has(e, SUBSCRIBER_FIELD_K) ? "k is missing"
           : !has_op && !has_opc                  ? "opc or op is missing"
           : has_op && has_opc                    ? "opc and op: one of them"
                                                  : NULL;
    if (*why)
        return ERR_MISSING;
    e->s.key.alg = e->op_n == 32 ? AKA_TUAK : AKA_MILENAGE;
    if (e->s.key.alg == AKA_MILENAGE && e->s.key.k_n != 16) {
        *why = "k of 64 hex digits needs a TUAK opc or op of 64";
        return ERR_SYNTAX;
    }
    if (has_op && aka_key_set_op(c, &e->s.key, (struct bytes){e->op, e->op_n}) < 0) {
        *why = "opc could not be computed from op";
        return ERR_CRYPTO;
    }
    secret_wipe(e->op, sizeof e->op);
    return OK;
}
static int finish_profile(struct subscriber_entry *e, const char **why)
{
    struct subscriber_profile *p = &e->p;
    if (!p->n_slices)
        set_slices(p, STR("1"));
    if (!e->n_names)
        set_names(e, STR("internet"));
    if (!e->types)
        set_types(&e->types, STR("IPv4;IPv6;IPv4v6"));
    if ((uint32_t)p->n_slices * e->n_names > SUBSCRIBER_DNNS) {
        *why = "slices times data networks are more than 16";
        return ERR_RANGE;
    }
    p->ambr_down_bps = p->ambr_down_bps ? p->ambr_down_bps : 2000000000;
    p->ambr_up_bps = p->ambr_up_bps ? p->ambr_up_bps : 1000000000;
    p->n_dnns = 0;
    for (uint8_t i = 0; i < p->n_slices; i++)
        for (uint8_t j = 0; j < e->n_names; j++)
            p->dnns[p->n_dnns++] = (struct subscriber_dnn){
                .slice = i, .name = e->names[j], .is_default = j == 0, .types = e->types & 15,
                .default_type = e->types >> 4, .fiveqi = e->fiveqi, .arp_priority = e->arp_priority,
                .preemptable = true, .ambr_down_bps = e->session_down_bps, .ambr_up_bps = e->session_up_bps};
    if (!e->session_down_bps != !e->session_up_bps) {
        *why = "session-ambr-down and session-ambr-up go together";
        return ERR_MISSING;
    }
    for (uint32_t i = 0; i < e->s.n_static; i++)
        if (!e->s.fixed[i].dnn.n)
            e->s.fixed[i].dnn = e->names[0];
    return OK;
}
int subscriber_entry_finish(struct subscriber_entry *e, struct crypto *c, const char **why)
{
    if (!subscriber_has(e, SUBSCRIBER_FIELD_IMSI)) {
        *why = "imsi is missing";
        return ERR_MISSING;
    }
    if (!subscriber_has(e, SUBSCRIBER_FIELD_AMF))
        e->s.amf = AKA_AMF_5G;
    int r = finish_key(e, c, why);
    return r < 0 ? r : finish_profile(e, why);
}

/* ---- CSV ---- */
static int complain(char why[SUBSCRIBER_WHY], int e, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int complain(char why[SUBSCRIBER_WHY], int e, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, SUBSCRIBER_WHY, format, ap);
    va_end(ap);
    return e;
}
static struct str unquoted(struct str s)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    return quoted ? trim((struct str){s.p + 1, s.n - 2}) : s;
}

int subscriber_csv_header(struct subscriber_csv *csv, struct str line, char why[SUBSCRIBER_WHY])
{
    struct str item;
    if (str_starts(line, "\xef\xbb\xbf")) /* the mark that some spreadsheets put in front */
        line = (struct str){line.p + 3, line.n - 3};
    uint32_t seen = 0;
    for (csv->n = 0; next_of(&line, ",", &item); csv->n++) {
        enum subscriber_field f = subscriber_field_of(unquoted(item));
        if (f == SUBSCRIBER_FIELD_COUNT)
            return complain(why, ERR_SYNTAX, "found column '%.*s', expected names such as imsi,k,opc,dnn",
                            (int)(item.n < 40 ? item.n : 40), item.p);
        if (seen >> f & 1)
            return complain(why, ERR_ORDER, "column %s twice", subscriber_fields[f].name);
        seen |= 1u << f;
        csv->columns[csv->n] = f;
    }
    if (!(seen >> SUBSCRIBER_FIELD_IMSI & 1))
        return complain(why, ERR_MISSING, "column imsi is missing: the first line names the columns");
    return OK;
}

/* What stands in a field of a key is never repeated in an error. */
int subscriber_csv_line(const struct subscriber_csv *csv, struct str line, struct crypto *c, struct subscriber_entry *e,
                        char why[SUBSCRIBER_WHY])
{
    struct str item;
    uint32_t i = 0;
    memset(e, 0, sizeof *e);
    for (; next_of(&line, ",", &item); i++) {
        struct str v = unquoted(item);
        if (i == csv->n)
            return complain(why, ERR_TRAILING, "found more than %u columns", csv->n);
        if (v.n && subscriber_entry_set(e, csv->columns[i], v) < 0)
            return complain(why, ERR_SYNTAX, "%s: expected %s", subscriber_fields[csv->columns[i]].name,
                            subscriber_fields[csv->columns[i]].expected);
    }
    if (i < csv->n)
        return complain(why, ERR_SHORT, "found %u columns, expected %u", i, csv->n);
    const char *missing = NULL;
    int r = subscriber_entry_finish(e, c, &missing);
    return r < 0 ? complain(why, r, "%s", missing ? missing : err_text(r)) : OK;
}

const char *subscriber_csv_columns(bool with_keys)
{
    return with_keys ? "imsi,k,opc,amf,sqn,auth,slice,dnn,pdu-types,ambr-down,ambr-up,session-ambr-down,session-ambr-up,"
                       "5qi,arp,ip,protected"
                     : "imsi,amf,sqn,auth,slice,dnn,pdu-types,ambr-down,ambr-up,session-ambr-down,session-ambr-up,"
                       "5qi,arp,ip,protected";
}

static void add_number(struct text *t, uint64_t v)
{
    if (v)
        text_add(t, ",%llu", (unsigned long long)v);
    else
        text_add(t, ",");
}
static void add_keys(struct text *t, const struct aka_key *k)
{
    char hex[65];
    hex_put(hex, k->k, k->k_n);
    text_add(t, ",%s", hex);
    hex_put(hex, k->opc, k->alg == AKA_TUAK ? 32 : 16);
    text_add(t, ",%s", hex);
    secret_wipe(hex, sizeof hex);
}
static void add_types(struct text *t, const struct subscriber_dnn *d)
{
    static const char *const names[] = {[SUBSCRIBER_IPV4] = "IPv4", [SUBSCRIBER_IPV6] = "IPv6", [SUBSCRIBER_IPV4V6] = "IPv4v6",
                                        [SUBSCRIBER_ETHERNET] = "Ethernet"};
    uint8_t first = d->default_type & d->types;
    const char *sep = ",";
    for (uint8_t i = 0; i < 2; i++)
        for (uint8_t b = SUBSCRIBER_IPV4; b <= SUBSCRIBER_ETHERNET; b = (uint8_t)(b << 1))
            if ((d->types & b) && (b == first) == !i) {
                text_add(t, "%s%s", sep, names[b]);
                sep = ";";
            }
}
int subscriber_csv_print(char *out, uint32_t cap, struct str supi, const struct subscriber *s, uint64_t sqn,
                         const struct subscriber_profile *p, bool with_keys)
{
    static const char *const auths[] = {"", "5G-AKA", "EAP-AKA'"};
    static const struct subscriber_dnn none = {.types = 7, .default_type = SUBSCRIBER_IPV4};
    const struct subscriber_dnn *d = p->n_dnns ? &p->dnns[0] : &none;
    struct text t = text_over(out, cap);
    text_add(&t, STR_FMT, (int)supi.n - 5, supi.p + 5);
    if (with_keys)
        add_keys(&t, &s->key);
    text_add(&t, ",%04x,%012llx,%s", s->amf, (unsigned long long)sqn, auths[s->auth]);
    for (uint32_t i = 0; i < p->n_slices; i++) {
        text_add(&t, "%s%u", i ? ";" : ",", p->slices[i].sst);
        if (p->slices[i].has_sd)
            text_add(&t, "-%02x%02x%02x", p->slices[i].sd[0], p->slices[i].sd[1], p->slices[i].sd[2]);
    }
    for (uint32_t i = 0, n = 0; i < p->n_dnns; i++)
        if (p->dnns[i].slice == 0)
            text_add(&t, "%s" STR_FMT, n++ ? ";" : ",", STR_ARG(p->dnns[i].name));
    add_types(&t, d);
    add_number(&t, p->ambr_down_bps);
    add_number(&t, p->ambr_up_bps);
    add_number(&t, d->ambr_down_bps);
    add_number(&t, d->ambr_up_bps);
    add_number(&t, d->fiveqi);
    add_number(&t, d->arp_priority);
    text_add(&t, ",");
    for (uint32_t i = 0; i < s->n_static; i++) {
        char a[NET_ADDR_TEXT];
        text_add(&t, "%s" STR_FMT "=%s%s", i ? ";" : "", STR_ARG(s->fixed[i].dnn), addr_text(&s->fixed[i].addr, a),
            s->fixed[i].addr.family == 6 ? "/64" : "");
    }
    text_add(&t, ",%s", p->is_protected ? subscriber_protected_text(p->is_protected) : "");
    return t.full ? ERR_NOSPACE : (int)t.n;
}
