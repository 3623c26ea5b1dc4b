/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/udr/subscriber.h"
#include "base/map.h"
#include "base/wire.h"

enum { FORMAT = 1, FORMAT_SEALED = 2 };
enum { SLICE_SD = 1, SLICE_DEFAULT = 2 };
enum { DNN_DEFAULT = 1, DNN_MAY_PREEMPT = 2, DNN_PREEMPTABLE = 4 };

static struct bytes octets_of(struct str s) { return (struct bytes){(const uint8_t *)s.p, s.n}; }
static void put_name(struct wr *w, struct str s)
{
    w->bad |= s.n > 255;
    wr_u8(w, (uint8_t)s.n);
    wr_bytes(w, octets_of(s));
}
static struct str get_name(struct rd *r)
{
    struct bytes b = rd_bytes(r, rd_u8(r));
    return (struct str){(const char *)b.p, b.n};
}
static void put_u48(struct wr *w, uint64_t v)
{
    wr_u16(w, (uint16_t)(v >> 32));
    wr_u32(w, (uint32_t)v);
}
static uint64_t get_u48(struct rd *r)
{
    uint64_t high = rd_u16(r);
    return high << 32 | rd_u32(r);
}
static int ended(const struct rd *r) { return r->bad || rd_left(r) ? ERR_SYNTAX : OK; }

bool subscriber_supi_ok(struct str supi)
{
    if (!str_starts(supi, "imsi-") || supi.n < 5 + 6 || supi.n > 5 + 15)
        return false;
    for (uint32_t i = 5; i < supi.n; i++)
        if (supi.p[i] < '0' || supi.p[i] > '9')
            return false;
    return true;
}

uint64_t subscriber_sqn_skip(uint64_t sqn, uint64_t n)
{
    uint64_t seq = (sqn >> AKA_IND_BITS) + n, ind = (sqn + n) & (AKA_IND_COUNT - 1);
    return (seq << AKA_IND_BITS | ind) & 0xffffffffffffu;
}

/* ---- the subscriber's row ---- */
static int encode(const struct subscriber *s, struct wr *w)
{
    uint32_t opc_n = s->key.alg == AKA_TUAK ? 32 : 16;
    wr_u8(w, s->sealed_n ? FORMAT_SEALED : FORMAT);
    wr_u8(w, s->auth);
    wr_u8(w, (uint8_t)s->key.alg);
    wr_u8(w, s->sealed_n ? s->sealed_n : s->key.k_n);
    if (s->sealed_n) {
        wr_bytes(w, (struct bytes){s->sealed, s->sealed_n});
    } else {
        wr_bytes(w, (struct bytes){s->key.k, s->key.k_n});
        wr_bytes(w, (struct bytes){s->key.opc, opc_n});
    }
    wr_u16(w, s->amf);
    put_u48(w, s->sqn);
    wr_u64(w, s->profile);
    wr_u8(w, s->n_static);
    for (uint32_t i = 0; i < s->n_static; i++) {
        put_name(w, s->fixed[i].dnn);
        wr_u8(w, s->fixed[i].addr.family);
        wr_bytes(w, (struct bytes){s->fixed[i].addr.ip, s->fixed[i].addr.family == 4 ? 4 : 8});
    }
    return w->bad ? ERR_NOSPACE : OK;
}

static void get_octets(struct rd *r, uint8_t *to, uint32_t n)
{
    const uint8_t *p = rd_octets(r, n);
    if (p)
        memcpy(to, p, n);
}
int subscriber_decode(struct bytes row, struct subscriber *s)
{
    struct rd r = rd_over(row);
    memset(s, 0, sizeof *s);
    uint8_t format = rd_u8(&r);
    s->auth = rd_u8(&r);
    uint8_t alg = rd_u8(&r), n = rd_u8(&r);
    bool n_ok = format == FORMAT ? n == 16 || (n == 32 && alg == AKA_TUAK) : format == FORMAT_SEALED && n && n <= SEALED_KEY_MAX;
    if (alg > AKA_TUAK || s->auth > SUBSCRIBER_AUTH_EAP_AKA_PRIME || !n_ok)
        return ERR_SYNTAX;
    s->key.alg = (enum aka_alg)alg;
    if (format == FORMAT_SEALED) {
        s->sealed_n = n;
        get_octets(&r, s->sealed, n);
    } else {
        s->key.k_n = n;
        get_octets(&r, s->key.k, n);
        get_octets(&r, s->key.opc, alg == AKA_TUAK ? 32 : 16);
    }
    s->amf = rd_u16(&r);
    s->sqn = get_u48(&r);
    s->profile = rd_u64(&r);
    s->n_static = rd_u8(&r);
    if (s->n_static > SUBSCRIBER_STATIC)
        return ERR_SYNTAX;
    for (uint32_t i = 0; i < s->n_static; i++) {
        struct net_addr *a = &s->fixed[i].addr;
        s->fixed[i].dnn = get_name(&r);
        a->family = rd_u8(&r);
        if (a->family != 4 && a->family != 6)
            return ERR_SYNTAX;
        get_octets(&r, a->ip, a->family == 4 ? 4 : 8);
    }
    return ended(&r);
}

int subscriber_get(struct store *st, struct str supi, struct arena *a, struct subscriber *out)
{
    struct bytes row;
    int e = store_get(st, STORE_subscriber, octets_of(supi), a, &row);
    return e < 0 ? e : subscriber_decode(row, out);
}

int subscriber_put(struct store *st, struct str supi, const struct subscriber *s)
{
    uint8_t buf[SUBSCRIBER_ROW_OCTETS];
    struct wr w = wr_over(buf, sizeof buf);
    int e = encode(s, &w);
    if (e == OK)
        e = store_put(st, STORE_subscriber, octets_of(supi), wr_done(&w));
    secret_wipe(buf, sizeof buf);
    return e;
}

int subscriber_remove(struct store *st, struct str supi)
{
    uint8_t buf[SUBSCRIBER_ROW_OCTETS];
    struct arena a = arena_over(buf, sizeof buf);
    struct bytes row, key = octets_of(supi);
    int e = store_get(st, STORE_subscriber, key, &a, &row);
    secret_wipe(buf, sizeof buf);
    if (e == ERR_NOTFOUND || e == ERR_STORE)
        return e;
    e = store_del(st, STORE_subscriber, key);
    return e < 0 ? e : store_del(st, STORE_sqn, key);
}

int subscriber_note_change(struct store *st, struct str supi, uint64_t unix_us, bool removed)
{
    uint8_t key[8 + SUBSCRIBER_SUPI];
    if (supi.n > SUBSCRIBER_SUPI)
        return ERR_RANGE;
    put_be64(key, unix_us);
    memcpy(key + 8, supi.p, supi.n);
    return store_put(st, STORE_change, (struct bytes){key, 8 + supi.n}, octets_of(removed ? STR("r") : STR("c")));
}

static const struct bytes key_count = {(const uint8_t *)"subscribers", 11};
int64_t subscriber_count(struct store *st)
{
    uint8_t memory[64];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes v;
    int e = store_get(st, STORE_meta, key_count, &a, &v);
    if (e == OK && v.n == 8)
        return (int64_t)be64(v.p);
    return e == ERR_STORE ? e : st->ops->count(st, STORE_subscriber);
}
int subscriber_count_add(struct store *st, int64_t by)
{
    uint8_t v[8], memory[64];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes old;
    int e = store_get(st, STORE_meta, key_count, &a, &old);
    if (e != OK && e != ERR_NOTFOUND)
        return e;
    int64_t n = e == OK && old.n == 8 ? (int64_t)be64(old.p) + by : st->ops->count(st, STORE_subscriber);
    put_be64(v, n > 0 ? (uint64_t)n : 0);
    return store_put(st, STORE_meta, key_count, BYTES_OF(v));
}

/* ---- protection ---- */
static const char *const protected_names[SUBSCRIBER_PROTECTED_COUNT] = {"none", "government", "defence", "critical"};
const char *subscriber_protected_text(uint8_t v) { return v < SUBSCRIBER_PROTECTED_COUNT ? protected_names[v] : "?"; }
bool subscriber_protected_of(struct str s, uint8_t *out)
{
    for (uint8_t i = 0; i < SUBSCRIBER_PROTECTED_COUNT; i++)
        if (str_eq_nocase(s, str_of(protected_names[i]))) {
            *out = i;
            return true;
        }
    return false;
}

/* ---- the profile's row ---- */
static void encode_dnn(const struct subscriber_dnn *d, struct wr *w)
{
    wr_u8(w, d->slice);
    put_name(w, d->name);
    wr_u8(w, (uint8_t)((d->is_default ? DNN_DEFAULT : 0) | (d->may_preempt ? DNN_MAY_PREEMPT : 0) |
                       (d->preemptable ? DNN_PREEMPTABLE : 0)));
    wr_u8(w, d->types);
    wr_u8(w, d->default_type);
    wr_u8(w, d->fiveqi);
    wr_u8(w, d->arp_priority);
    wr_u64(w, d->ambr_down_bps);
    wr_u64(w, d->ambr_up_bps);
    wr_u8(w, d->up_integrity);
    wr_u8(w, d->up_ciphering);
}
static void decode_dnn(struct rd *r, struct subscriber_dnn *d)
{
    d->slice = rd_u8(r);
    d->name = get_name(r);
    uint8_t flags = rd_u8(r);
    d->is_default = flags & DNN_DEFAULT;
    d->may_preempt = flags & DNN_MAY_PREEMPT;
    d->preemptable = flags & DNN_PREEMPTABLE;
    d->types = rd_u8(r);
    d->default_type = rd_u8(r);
    d->fiveqi = rd_u8(r);
    d->arp_priority = rd_u8(r);
    d->ambr_down_bps = rd_u64(r);
    d->ambr_up_bps = rd_u64(r);
    d->up_integrity = rd_u8(r);
    d->up_ciphering = rd_u8(r);
}

static struct bytes encode_profile(const struct subscriber_profile *p, struct wr *w)
{
    wr_u8(w, FORMAT);
    wr_u64(w, p->ambr_down_bps);
    wr_u64(w, p->ambr_up_bps);
    wr_u8(w, p->n_slices);
    for (uint32_t i = 0; i < p->n_slices; i++) {
        const struct subscriber_slice *s = &p->slices[i];
        wr_u8(w, (uint8_t)((s->has_sd ? SLICE_SD : 0) | (s->is_default ? SLICE_DEFAULT : 0)));
        wr_u8(w, s->sst);
        wr_bytes(w, BYTES_OF(s->sd));
    }
    wr_u8(w, p->n_dnns);
    for (uint32_t i = 0; i < p->n_dnns; i++)
        encode_dnn(&p->dnns[i], w);
    if (p->is_protected) /* rows from before there was such a thing end here */
        wr_u8(w, p->is_protected);
    return wr_done(w);
}

int subscriber_profile_decode(struct bytes row, struct subscriber_profile *p)
{
    struct rd r = rd_over(row);
    memset(p, 0, sizeof *p);
    if (rd_u8(&r) != FORMAT)
        return ERR_SYNTAX;
    p->ambr_down_bps = rd_u64(&r);
    p->ambr_up_bps = rd_u64(&r);
    p->n_slices = rd_u8(&r);
    if (p->n_slices > SUBSCRIBER_SLICES)
        return ERR_SYNTAX;
    for (uint32_t i = 0; i < p->n_slices; i++) {
        struct subscriber_slice *s = &p->slices[i];
        uint8_t flags = rd_u8(&r);
        s->has_sd = flags & SLICE_SD;
        s->is_default = flags & SLICE_DEFAULT;
        s->sst = rd_u8(&r);
        get_octets(&r, s->sd, 3);
    }
    p->n_dnns = rd_u8(&r);
    if (p->n_dnns > SUBSCRIBER_DNNS)
        return ERR_SYNTAX;
    for (uint32_t i = 0; i < p->n_dnns; i++) {
        decode_dnn(&r, &p->dnns[i]);
        if (p->dnns[i].slice >= p->n_slices)
            return ERR_SYNTAX;
    }
    p->is_protected = rd_left(&r) ? rd_u8(&r) : 0;
    return p->is_protected < SUBSCRIBER_PROTECTED_COUNT ? ended(&r) : ERR_SYNTAX;
}

int subscriber_profile_get(struct store *st, uint64_t id, struct arena *a, struct subscriber_profile *out)
{
    uint8_t key[8];
    struct bytes row;
    put_be64(key, id);
    int e = store_get(st, STORE_profile, BYTES_OF(key), a, &row);
    return e < 0 ? e : subscriber_profile_decode(row, out);
}

/* The name is the hash of the value, so equal profiles share a row; another value of that name moves it on. */
int subscriber_profile_put(struct store *st, const struct subscriber_profile *p, uint64_t *id)
{
    uint8_t buf[SUBSCRIBER_PROFILE_OCTETS], there[SUBSCRIBER_PROFILE_OCTETS], key[8];
    struct wr w = wr_over(buf, sizeof buf);
    struct bytes value = encode_profile(p, &w), row;
    if (!value.p)
        return ERR_NOSPACE;
    for (*id = siphash24(0, 0, value.p, value.n);; ++*id) {
        struct arena a = arena_over(there, sizeof there);
        put_be64(key, *id);
        int e = store_get(st, STORE_profile, BYTES_OF(key), &a, &row);
        if (e == ERR_NOTFOUND)
            return store_put(st, STORE_profile, BYTES_OF(key), value);
        if (e < 0 && e != ERR_NOSPACE)
            return e;
        if (e == OK && bytes_eq(row, value))
            return OK;
    }
}
