/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c - one value: its text, what it means, what would have been right. */
#include "base/plmn.h"
#include "rt/config_rows.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- numbers and their units ---- */
static const struct {
    enum config_unit unit;
    const char *word;
    uint64_t factor;
} unit_words[] = { /* of each unit from the smallest; the first is meant when none is written */
    {CONFIG_UNIT_S, "s", 1},          {CONFIG_UNIT_S, "min", 60},
    {CONFIG_UNIT_S, "h", 3600},       {CONFIG_UNIT_MS, "ms", 1},
    {CONFIG_UNIT_MS, "s", 1000},      {CONFIG_UNIT_MS, "min", 60000},
    {CONFIG_UNIT_BPS, "bps", 1},      {CONFIG_UNIT_BPS, "kbps", 1000},
    {CONFIG_UNIT_BPS, "Mbps", 1000000}, {CONFIG_UNIT_BPS, "Gbps", 1000000000},
    {CONFIG_UNIT_BPS, "Tbps", 1000000000000}, {CONFIG_UNIT_OCTETS, "B", 1},
    {CONFIG_UNIT_OCTETS, "KiB", 1024}, {CONFIG_UNIT_OCTETS, "MiB", 1048576},
    {CONFIG_UNIT_OCTETS, "GiB", 1073741824},
};

static bool unit_factor(enum config_unit unit, struct str word, uint64_t *factor)
{
    *factor = 1;
    if (word.n == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(unit_words); i++)
        if (unit_words[i].unit == unit && str_is(word, unit_words[i].word)) {
            *factor = unit_words[i].factor;
            return true;
        }
    return false;
}

static const char *number_text(enum config_unit unit, uint64_t v, char *buf, size_t cap)
{
    const char *word = "";
    uint64_t factor = 1;
    for (size_t i = 0; i < ARRAY_LEN(unit_words); i++)
        if (unit_words[i].unit == unit && v % unit_words[i].factor == 0 && (v || unit_words[i].factor == 1)) {
            word = unit_words[i].word;
            factor = unit_words[i].factor;
        }
    snprintf(buf, cap, "%llu%s%s", (unsigned long long)(v / factor), *word ? " " : "", word);
    return buf;
}

static bool digits(struct str *t, unsigned base, uint64_t *v) /* takes what is there; false: none, or too large */
{
    uint32_t i = 0;
    for (*v = 0; i < t->n && isxdigit((unsigned char)t->p[i]); i++) {
        char c = t->p[i];
        unsigned d = c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        if (d >= base)
            break;
        if (*v > (UINT64_MAX - d) / base)
            return false;
        *v = *v * base + d;
    }
    t->p += i;
    t->n -= i;
    return i > 0;
}

/* "30", "0x1f" (without a unit), "1.5 Gbps" when it comes out whole. */
static bool number_parse(const struct config_opt *o, struct str t, uint64_t *v)
{
    uint64_t factor, fraction = 0, scale = 1;
    if (o->unit == CONFIG_UNIT_NONE && str_starts(t, "0x")) {
        t.p += 2;
        t.n -= 2;
        return digits(&t, 16, v) && t.n == 0;
    }
    if (!digits(&t, 10, v))
        return false;
    if (t.n && *t.p == '.' && o->unit != CONFIG_UNIT_NONE) {
        struct str f = {t.p + 1, t.n - 1};
        uint32_t n = f.n;
        if (!digits(&f, 10, &fraction) || n - f.n > 6)
            return false;
        for (n -= f.n; n > 0; n--)
            scale *= 10;
        t = f;
    }
    for (; t.n && *t.p == ' '; t.n--)
        t.p++;
    if (!unit_factor(o->unit, t, &factor) || fraction * factor % scale || *v > (UINT64_MAX - factor) / factor)
        return false;
    *v = *v * factor + fraction * factor / scale;
    return true;
}

/* ---- text ---- */
static bool is_plain_text(struct str t) /* no control characters; libyaml has seen to the UTF-8 */
{
    for (uint32_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
            return false;
    return true;
}
static bool is_name(struct str t)
{
    bool other = false;
    for (uint32_t i = 0; i < t.n; i++) {
        if (!isalnum((unsigned char)t.p[i]) && !memchr("-_.", t.p[i], 3))
            return false;
        other |= t.p[i] != '.';
    }
    return other; /* neither "." nor ".." */
}
static bool is_dnn(struct str t) /* TS 23.003 9A with 9.1: labels as RFC 1035 wants them */
{
    uint32_t label = 0;
    for (uint32_t i = 0; i < t.n; i++) {
        bool dot = t.p[i] == '.';
        if (dot ? label == 0 || t.p[i - 1] == '-'
                : !isalnum((unsigned char)t.p[i]) && (t.p[i] != '-' || label == 0))
            return false;
        label = dot ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0 && t.p[t.n - 1] != '-';
}

static int text_take(const struct config_opt *o, struct str t, struct arena *a, struct str *out)
{
    bool ok = t.n >= o->min && t.n <= o->max && is_plain_text(t) && (o->type != CONFIG_TYPE_NAME || is_name(t)) &&
              (o->type != CONFIG_TYPE_DNN || is_dnn(t));
    if (!ok)
        return ERR_CONFIG;
    char *p = arena_take(a, t.n + 1u);
    if (!p)
        return ERR_NOSPACE;
    str_copy(p, t.n + 1u, t);
    *out = (struct str){p, t.n};
    return OK;
}

static int hex_take(const struct config_opt *o, struct str t, struct arena *a, struct bytes *out)
{
    uint32_t n = t.n / 2;
    if (t.n % 2 || n < o->min || n > o->max)
        return ERR_CONFIG;
    uint8_t *p = arena_zero(a, n + 1u);
    if (!p)
        return ERR_NOSPACE;
    *out = (struct bytes){p, n};
    return hex_get(p, n, t) ? OK : ERR_CONFIG;
}

/* ---- addresses ---- */
static bool host_bits_clear(const uint8_t *ip, uint32_t bits, uint32_t length, uint8_t *network)
{
    bool clear = true;
    for (uint32_t i = 0; i < bits / 8; i++) {
        uint32_t keep = length >= 8 * (i + 1) ? 8 : length > 8 * i ? length - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> keep);
        clear &= (ip[i] & (uint8_t)~mask) == 0;
        network[i] = ip[i] & mask;
    }
    return clear;
}

static int prefix_parse(const struct config_opt *o, struct str t, struct config_prefix *out, char *why)
{
    bool six = o->type == CONFIG_TYPE_PREFIX6 || o->type == CONFIG_TYPE_CIDR6;
    bool pool = o->type == CONFIG_TYPE_PREFIX4 || o->type == CONFIG_TYPE_PREFIX6;
    const char *slash = t.n ? memchr(t.p, '/', t.n) : NULL;
    struct net_addr a, network = {.family = six ? 6 : 4};
    uint64_t length;
    char text[NET_ADDR_TEXT];
    if (!slash)
        return ERR_CONFIG;
    struct str host = {t.p, (uint32_t)(slash - t.p)}, bits = {slash + 1, t.n - host.n - 1};
    if (memchr(host.p, '[', host.n) || !addr_parse(&a, host, 0) || a.port || a.family != network.family ||
        !digits(&bits, 10, &length) || bits.n || length < o->min || length > o->max)
        return ERR_CONFIG;
    if (!host_bits_clear(a.ip, six ? 128 : 32, (uint32_t)length, network.ip) && pool) {
        snprintf(why, CONFIG_WHY, "a network: without host bits it is %s/%u", addr_text(&network, text), (unsigned)length);
        return ERR_CONFIG;
    }
    *out = (struct config_prefix){a, (uint8_t)length};
    return OK;
}

static bool ip_parse(const struct config_opt *o, struct str t, struct net_addr *out)
{
    bool with_port = o->type == CONFIG_TYPE_ADDR;
    struct net_addr a;
    if (!addr_parse(&a, t, with_port ? (uint16_t)o->min : 0) || (!with_port && (a.port || *t.p == '[')) ||
        (with_port && a.port == 0))
        return false;
    if ((o->type == CONFIG_TYPE_IP4 && a.family != 4) || (o->type == CONFIG_TYPE_IP6 && a.family != 6))
        return false;
    *out = a;
    return true;
}

/* ---- identifiers ---- */
static bool plmn_parse(struct str t, struct config_plmn *out) /* "001-01" or "001-001" */
{
    char text[8];
    if (t.n < 6 || t.p[3] != '-' || !str_copy(text, sizeof text, t))
        return false;
    text[3] = 0;
    /* no country has 000; all zero is "not set" here */
    return strcmp(text, "000") != 0 && plmn_of(out->v, text, text + 4);
}

static bool slice_parse(struct str t, struct config_slice *out)
{
    uint64_t sst;
    *out = (struct config_slice){0};
    if (!digits(&t, 10, &sst) || sst > 255)
        return false;
    out->sst = (uint8_t)sst;
    if (t.n == 0)
        return true;
    out->has_sd = true;
    /* ffffff means "no SD", TS 23.003 28.4.2 */
    return t.n == 7 && *t.p == '-' && hex_get(out->sd, 3, (struct str){t.p + 1, 6}) && be24(out->sd) != 0xffffff;
}

static bool enum_parse(const struct config_choices *c, struct str t, void *out)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (str_is(t, c->text[i])) {
            memcpy(out, &i, sizeof i); /* enums are unsigned int here */
            return true;
        }
    return false;
}
_Static_assert(sizeof(enum config_nf) == sizeof(uint32_t), "an enumeration is written as 32 bits");

static bool scalar_parse(const struct config_opt *o, struct str t, void *out)
{
    uint64_t v = 0;
    switch (o->type) {
    case CONFIG_TYPE_BOOL: *(bool *)out = str_is(t, "true"); return str_is(t, "true") || str_is(t, "false");
    case CONFIG_TYPE_TAC:
    case CONFIG_TYPE_INT:
        if (!number_parse(o, t, &v) || v < o->min || v > (o->max > UINT32_MAX ? UINT32_MAX : o->max))
            return false;
        *(uint32_t *)out = (uint32_t)v;
        return true;
    case CONFIG_TYPE_LONG:
        if (!number_parse(o, t, &v) || v < o->min || v > o->max)
            return false;
        *(uint64_t *)out = v;
        return true;
    case CONFIG_TYPE_IP: case CONFIG_TYPE_IP4: case CONFIG_TYPE_IP6: case CONFIG_TYPE_ADDR: return ip_parse(o, t, out);
    case CONFIG_TYPE_PLMN: return plmn_parse(t, out);
    case CONFIG_TYPE_SLICE: return slice_parse(t, out);
    case CONFIG_TYPE_DATE: return config_date_parse(t, out);
    case CONFIG_TYPE_ENUM: return enum_parse(o->choices, t, out);
    default: return false;
    }
}

bool config_may_be_empty(const struct config_opt *o)
{
    return (o->def && !*o->def) || (o->type == CONFIG_TYPE_ADDR && o->max);
}

int config_value_parse(const struct config_opt *o, struct str t, struct arena *a, void *out, char why[CONFIG_WHY])
{
    why[0] = 0;
    memset(out, 0, o->octets);
    bool is_text = o->type >= CONFIG_TYPE_STR && o->type <= CONFIG_TYPE_PATH;
    if (t.n == 0 && o->form == CONFIG_ONE && config_may_be_empty(o)) {
        if (is_text)
            *(struct str *)out = STR("");
        return OK;
    }
    if (is_text)
        return text_take(o, t, a, out);
    if (o->type == CONFIG_TYPE_HEX)
        return hex_take(o, t, a, out);
    if (o->type >= CONFIG_TYPE_PREFIX4 && o->type <= CONFIG_TYPE_CIDR6)
        return prefix_parse(o, t, out, why);
    return t.n && scalar_parse(o, t, out) ? OK : ERR_CONFIG;
}

bool config_value_eq(const struct config_opt *o, const void *a, const void *b)
{
    const struct config_prefix *p = a, *q = b;
    switch (o->type) {
    case CONFIG_TYPE_STR: case CONFIG_TYPE_NAME: case CONFIG_TYPE_DNN: case CONFIG_TYPE_PATH:
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    case CONFIG_TYPE_HEX: return bytes_eq(*(const struct bytes *)a, *(const struct bytes *)b);
    case CONFIG_TYPE_IP: case CONFIG_TYPE_IP4: case CONFIG_TYPE_IP6: case CONFIG_TYPE_ADDR: return addr_eq(a, b);
    case CONFIG_TYPE_PREFIX4: case CONFIG_TYPE_PREFIX6: case CONFIG_TYPE_CIDR4: case CONFIG_TYPE_CIDR6:
        return p->length == q->length && addr_eq(&p->addr, &q->addr);
    default: return memcmp(a, b, o->octets) == 0;
    }
}

/* ---- dates ---- */
static uint32_t days_of_month(uint64_t y, uint64_t m)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return days[m - 1] + (leap && m == 2);
}
bool config_date_parse(struct str t, int32_t *days)
{
    uint64_t y, m, d;
    uint32_t n = 0;
    if (t.n != 10 || t.p[4] != '-' || t.p[7] != '-')
        return false;
    struct str part[3] = {{t.p, 4}, {t.p + 5, 2}, {t.p + 8, 2}};
    if (!digits(&part[0], 10, &y) || !digits(&part[1], 10, &m) || !digits(&part[2], 10, &d) || part[0].n || part[1].n ||
        part[2].n || y < CONFIG_YEAR_MIN || y > CONFIG_YEAR_MAX || m < 1 || m > 12 || d < 1 || d > days_of_month(y, m))
        return false;
    for (uint64_t i = 1970; i < y; i++)
        n += 337 + days_of_month(i, 2);
    for (uint64_t i = 1; i < m; i++)
        n += days_of_month(y, i);
    *days = (int32_t)(n + (uint32_t)d - 1);
    return true;
}
const char *config_date_text(int32_t days, char buf[CONFIG_DATE_TEXT])
{
    uint32_t y = 1970, m = 1, left = days > 0 ? (uint32_t)days : 0;
    buf[0] = 0;
    if (days <= 0)
        return buf;
    for (; y < CONFIG_YEAR_MAX + 1 && left >= 337 + days_of_month(y, 2); y++)
        left -= 337 + days_of_month(y, 2);
    for (; m < 12 && left >= days_of_month(y, m); m++)
        left -= days_of_month(y, m);
    snprintf(buf, CONFIG_DATE_TEXT, "%04u-%02u-%02u", y % 10000, m, left % 31 + 1);
    return buf;
}

/* ---- in words ---- */
static void words(char *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void words(char *buf, const char *format, ...)
{
    size_t n = strlen(buf);
    va_list ap;
    va_start(ap, format);
    vsnprintf(buf + n, CONFIG_EXPECTED - n, format, ap);
    va_end(ap);
}

static void number_expected(const struct config_opt *o, char *buf)
{
    static const char *const kind[] = {"a whole number", "a time", "a time", "a bit rate", "an amount of memory"};
    char least[40], most[40];
    words(buf, "%s from %s to %s", kind[o->unit], number_text(o->unit, o->min, least, sizeof least),
          number_text(o->unit, o->max, most, sizeof most));
    if (o->unit == CONFIG_UNIT_NONE)
        return;
    words(buf, " (");
    for (size_t i = 0, n = 0; i < ARRAY_LEN(unit_words); i++)
        if (unit_words[i].unit == o->unit)
            words(buf, "%s%s", n++ ? ", " : "", unit_words[i].word);
    words(buf, ")");
}

const char *config_value_expected(const struct config_opt *o, char buf[CONFIG_EXPECTED])
{
    unsigned min = (unsigned)o->min, max = (unsigned)o->max;
    buf[0] = 0;
    switch (o->type) {
    case CONFIG_TYPE_BOOL: words(buf, "true or false"); break;
    case CONFIG_TYPE_INT: case CONFIG_TYPE_LONG: number_expected(o, buf); break;
    case CONFIG_TYPE_STR: words(buf, "text of %u to %u octets without control characters", min, max); break;
    case CONFIG_TYPE_NAME: words(buf, "a name of %u to %u letters, digits, '-', '_' or '.'", min, max); break;
    case CONFIG_TYPE_DNN: words(buf, "a data network name such as internet or ims.example"); break;
    case CONFIG_TYPE_PATH: words(buf, "a path of at most %u octets", max); break;
    case CONFIG_TYPE_HEX: words(buf, "%u octets in hex", min); break;
    case CONFIG_TYPE_IP: words(buf, "an IP address"); break;
    case CONFIG_TYPE_IP4: words(buf, "an IPv4 address"); break;
    case CONFIG_TYPE_IP6: words(buf, "an IPv6 address"); break;
    case CONFIG_TYPE_ADDR: words(buf, "an IP address with a port, such as 127.0.0.1:%u or [::1]:%u", min, min); break;
    case CONFIG_TYPE_PREFIX4: words(buf, "an IPv4 network of /%u to /%u such as 10.45.0.0/16", min, max); break;
    case CONFIG_TYPE_PREFIX6: words(buf, "an IPv6 network of /%u to /%u such as fd00:10:45::/48", min, max); break;
    case CONFIG_TYPE_CIDR4: words(buf, "an IPv4 address with a length of /%u to /%u such as 10.45.0.1/16", min, max); break;
    case CONFIG_TYPE_CIDR6: words(buf, "an IPv6 address with a length of /%u to /%u such as fd00:10:45::1/48", min, max); break;
    case CONFIG_TYPE_PLMN: words(buf, "a network as MCC-MNC, such as 001-01"); break;
    case CONFIG_TYPE_TAC: words(buf, "a tracking area code from %u to %u", min, max); break;
    case CONFIG_TYPE_SLICE: words(buf, "a slice as SST or SST-SD, such as 1 or 1-000009"); break;
    case CONFIG_TYPE_DATE: words(buf, "a date such as 2027-12-31"); break;
    case CONFIG_TYPE_ENUM:
        words(buf, "one of ");
        for (uint32_t i = 0; i < o->choices->n; i++)
            words(buf, "%s%s", i ? ", " : "", o->choices->text[i]);
        break;
    }
    return buf;
}

const char *config_plmn_text(const struct config_plmn *p, char buf[CONFIG_PLMN_TEXT])
{
    char mcc[4], mnc[4];
    if (plmn_text(p->v, mcc, mnc))
        snprintf(buf, CONFIG_PLMN_TEXT, "%s-%s", mcc, mnc);
    else
        buf[0] = 0;
    return buf;
}

const char *config_slice_text(const struct config_slice *s, char buf[CONFIG_SLICE_TEXT])
{
    snprintf(buf, CONFIG_SLICE_TEXT, s->has_sd ? "%u-%06x" : "%u", s->sst, (unsigned)be24(s->sd));
    return buf;
}
