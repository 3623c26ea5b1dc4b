/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_row.c - values and their texts. */
#include "trust/inventory_row.h"
#include "base/plmn.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "codec/sbi_json.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the rows ---- */
#define FIELD(kind, number, name, type, of, use, help)                                                                 \
    {number, INV_##type, INV_OF_##of, INV_USE_##use, offsetof(struct inv_##kind, name), #name, help},
static const struct inv_field supplier_fields[] = {
#define SUPPLIER(...) FIELD(supplier, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field ownership_fields[] = {
#define OWNERSHIP(...) FIELD(ownership, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field law_fields[] = {
#define LAW(...) FIELD(law, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field product_fields[] = {
#define PRODUCT(...) FIELD(product, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field certification_fields[] = {
#define CERTIFICATION(...) FIELD(certification, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field advisory_fields[] = {
#define ADVISORY(...) FIELD(advisory, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field component_fields[] = {
#define COMPONENT(...) FIELD(component, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field site_fields[] = {
#define SITE(...) FIELD(site, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field element_fields[] = {
#define ELEMENT(...) FIELD(element, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_field neighbour_fields[] = {
#define NEIGHBOUR(...) FIELD(neighbour, __VA_ARGS__)
#include "../../spec/inventory.def"
};
static const struct inv_kind_desc kinds[] = {
#define KIND(name, file, help)                                                                                         \
    {#name, #file, help, name##_fields, ARRAY_LEN(name##_fields), sizeof(struct inv_##name),                           \
     offsetof(struct inventory, file), offsetof(struct inventory, n_##file)},
#include "../../spec/inventory.def"
};
_Static_assert(ARRAY_LEN(element_fields) <= INV_FIELDS_MAX, "the largest kind");

const struct inv_kind_desc *inv_kind_desc(enum inv_kind k) { return &kinds[k]; }
static bool name_eq(struct str s, const char *name)
{
    uint32_t i = 0;
    while (i < s.n && name[i] && ((s.p[i] == '-' ? '_' : s.p[i]) | 0x20) == (name[i] | 0x20))
        i++;
    return s.n && i == s.n && !name[i];
}
enum inv_kind inv_kind_parse(struct str s)
{
    uint32_t k = 0;
    while (k < INV_KINDS && !name_eq(s, kinds[k].name) && !name_eq(s, kinds[k].file))
        k++;
    return (enum inv_kind)k;
}
uint32_t inv_field_find(const struct inv_kind_desc *d, struct str name)
{
    uint32_t i = 0;
    while (i < d->n_fields && !name_eq(name, d->fields[i].name))
        i++;
    return i;
}
enum inv_kind inv_field_target(const struct inv_field *f)
{
    if (f->type != INV_REF)
        return INV_KINDS;
    return f->of == INV_OF_supplier  ? INV_supplier
           : f->of == INV_OF_product ? INV_product
           : f->of == INV_OF_site    ? INV_site
                                     : INV_element;
}

/* ---- values ---- */
/* ISO 3166-1 alpha-2; XK is what is used for Kosovo, EU for what the Union owns. */
static const char countries[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC "
    "CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB "
    "GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG "
    "KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB "
    "SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US "
    "UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW ";
static const char currencies[] =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT "
    "MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD "
    "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES "
    "VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG ";

static bool word_in(const char *list, struct str s, uint32_t n)
{
    for (const char *p = list; s.n == n && *p; p += n + 1)
        if (memcmp(p, s.p, n) == 0)
            return true;
    return false;
}
bool inv_country_known(struct str s) { return word_in(countries, s, 2); }

__attribute__((format(printf, 2, 3))) static bool expected(char why[INV_REASON], const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = snprintf(why, INV_REASON, "expected ");
    vsnprintf(why + n, INV_REASON - (size_t)n, format, ap);
    va_end(ap);
    return false;
}
static bool text_ok(struct str s, char why[INV_REASON])
{
    bool ascii = true;
    if (s.n > INV_TEXT_MAX)
        return expected(why, "at most %u octets", INV_TEXT_MAX);
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f)
            return expected(why, "a text on one line, without control characters");
        ascii &= c < 0x80;
    }
    return ascii || utf8_valid(s) || expected(why, "UTF-8");
}
static bool number(struct str s, double *out)
{
    char buf[40], *end;
    if (!s.n || s.n >= sizeof buf)
        return false;
    for (uint32_t i = 0; i < s.n; i++) /* what strtod takes beside that, names of infinities, is no number here */
        if (!s.p[i] || !strchr("0123456789+-.eE", s.p[i]))
            return false;
    str_copy(buf, sizeof buf, s);
    *out = strtod(buf, &end);
    return !*end && *out < 1e18 && *out > -1e18;
}
static bool whole(struct str s, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (!s.n || s.n > 19)
        return false;
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(s.p[i] - '0');
    }
    return *out <= max;
}
static bool code(const struct inv_field *f, struct str s, uint8_t *at, char why[INV_REASON])
{
    *at = f->of == INV_OF_class ? inv_class_parse(s) : f->of == INV_OF_sensitivity ? inv_sensitivity_parse(s)
                                                                                   : inv_identity_parse(s);
    if (*at)
        return true;
    return f->of == INV_OF_class         ? expected(why, "a function class such as gnb, upf, transport; --help lists them")
           : f->of == INV_OF_sensitivity ? expected(why, "public, restricted, sensitive or critical")
                                         : expected(why, "certificate or address_only");
}
static bool boolean(struct str s, bool *at, char why[INV_REASON])
{
    *at = name_eq(s, "yes") || name_eq(s, "true") || str_is(s, "1");
    return *at || name_eq(s, "no") || name_eq(s, "false") || str_is(s, "0") || expected(why, "yes or no");
}
static bool plmn(struct str s, uint8_t *at, char why[INV_REASON])
{
    char mcc[4], mnc[4];
    const char *dash = s.n ? memchr(s.p, '-', s.n) : NULL;
    uint32_t n = dash ? (uint32_t)(dash - s.p) : 0;
    return (n == 3 && s.n - 4 <= 3 && str_copy(mcc, sizeof mcc, (struct str){s.p, 3}) &&
            str_copy(mnc, sizeof mnc, (struct str){s.p + 4, s.n - 4}) && plmn_of(at, mcc, mnc)) ||
           expected(why, "MCC and MNC as 001-01");
}
static bool quantity(const struct inv_field *f, struct str s, void *at, char why[INV_REASON])
{
    uint64_t v;
    double d;
    switch (f->type) {
    case INV_COUNT:
        if (!whole(s, UINT32_MAX, &v))
            return expected(why, "a whole number from 0 to 4294967295");
        memcpy(at, &(uint32_t){(uint32_t)v}, 4);
        return true;
    case INV_AMOUNT:
        if (!whole(s, 1ull << 53, &v))
            return expected(why, "a whole number from 0 to 9007199254740992");
        memcpy(at, &v, 8);
        return true;
    default:
        if (!number(s, &d) || (f->type == INV_SHARE && (d < 0 || d > 100)))
            return expected(why, f->type == INV_SHARE ? "per cent, from 0 to 100" : "a number");
        memcpy(at, &d, 8);
        return true;
    }
}

bool inv_value_parse(const struct inv_field *f, struct str s, void *at, char why[INV_REASON])
{
    switch ((enum inv_type)f->type) {
    case INV_TEXT:
    case INV_LIST: memcpy(at, &s, sizeof s); return text_ok(s, why);
    case INV_REF: return text_ok(s, why);
    case INV_CODE: return code(f, s, at, why);
    case INV_DATE: return inv_date_parse(s, at) || expected(why, "a day as 2027-12-31");
    case INV_COUNT:
    case INV_AMOUNT:
    case INV_REAL:
    case INV_SHARE: return quantity(f, s, at, why);
    case INV_BOOL: return boolean(s, at, why);
    case INV_COUNTRY:
        return (inv_country_known(s) && str_copy(at, 3, s)) || expected(why, "a country as ISO 3166 has it: SE, KR, US");
    case INV_CURRENCY:
        return (word_in(currencies, s, 3) && str_copy(at, 4, s)) || expected(why, "a currency as ISO 4217 has it: EUR, SEK");
    case INV_HASH: return hex_get(at, 32, s) || expected(why, "SHA-256 as 64 hex digits");
    case INV_PLMN: return plmn(s, at, why);
    case INV_ADDR: return addr_parse(at, s, 0) || expected(why, "an IP address");
    }
    return false;
}

struct str inv_value_canonical(const struct inv_field *f, struct str s, const void *at, char buf[80])
{
    const char *p = buf;
    double d;
    switch ((enum inv_type)f->type) {
    case INV_CODE: {
        uint8_t c = *(const uint8_t *)at;
        p = f->of == INV_OF_class         ? inv_class_text(c)
            : f->of == INV_OF_sensitivity ? inv_sensitivity_text(c)
                                          : inv_identity_text(c);
        break;
    }
    case INV_COUNT:
    case INV_AMOUNT:
        while (s.n > 1 && *s.p == '0')
            s = (struct str){s.p + 1, s.n - 1};
        return s;
    case INV_REAL:
    case INV_SHARE:
        memcpy(&d, at, 8);
        snprintf(buf, 80, "%.10g", d);
        break;
    case INV_BOOL: p = *(const bool *)at ? "yes" : "no"; break;
    case INV_HASH: hex_put(buf, at, 32); break;
    case INV_ADDR: addr_text(at, buf); break;
    default: return s;
    }
    return str_of(p);
}

/* ---- ids and rows ---- */
static bool is_key(const struct inv_field *f) { return f->use == INV_USE_KEY || f->use == INV_USE_PART; }
uint32_t inv_key_of(const struct inv_kind_desc *d, const struct inv_texts *t, char out[INV_KEY_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_fields && is_key(&d->fields[i]); i++) {
        if (t->v[i].n > INV_TEXT_MAX || n + t->v[i].n + 1 > INV_KEY_MAX)
            return 0;
        if (i)
            out[n++] = 0x1f;
        memcpy(out + n, t->v[i].n ? t->v[i].p : "", t->v[i].n);
        n += t->v[i].n;
    }
    return n;
}
const char *inv_key_text(struct str key, char *out, uint32_t cap)
{
    struct text t = text_over(out, cap);
    uint32_t from = 0;
    for (uint32_t i = 0; i <= key.n; i++)
        if (i == key.n || key.p[i] == 0x1f) {
            text_add(&t, "%s%.*s", from ? " / " : "", (int)(i - from), key.p ? key.p + from : "");
            from = i + 1;
        }
    return out;
}

uint32_t inv_row_put(const struct inv_kind_desc *d, const struct inv_texts *t, uint8_t *out, uint32_t cap)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        struct str s = t->v[i];
        if (!s.n)
            continue;
        if (s.n > INV_TEXT_MAX || cap - n < s.n + 3)
            return 0;
        out[n] = d->fields[i].number;
        put_be16(out + n + 1, (uint16_t)s.n);
        memcpy(out + n + 3, s.p, s.n);
        n += s.n + 3;
    }
    return n;
}
bool inv_row_get(const struct inv_kind_desc *d, struct bytes row, struct inv_texts *t)
{
    memset(t->v, 0, d->n_fields * sizeof t->v[0]);
    for (uint32_t at = 0; at < row.n;) {
        uint32_t n = row.n - at >= 3 ? be16(row.p + at + 1) : UINT32_MAX;
        if (n > row.n - at - 3 || n == UINT32_MAX)
            return false;
        /* numbers begin with 1 and follow each other */
        if (row.p[at] && row.p[at] <= d->n_fields)
            t->v[row.p[at] - 1] = (struct str){(const char *)row.p + at + 3, n};
        at += n + 3;
    }
    return true;
}

/* ---- files; values are canonical ---- */
void inv_csv_header(struct text *t, enum inv_kind k)
{
    for (uint32_t i = 0; i < kinds[k].n_fields; i++)
        text_add(t, "%s%s", i ? "," : "", kinds[k].fields[i].name);
    text_add(t, "\n");
}
void inv_csv_line(struct text *t, enum inv_kind k, const struct inv_texts *v)
{
    for (uint32_t i = 0; i < kinds[k].n_fields; i++)
        csv_put(t, v->v[i], i == 0);
    text_add(t, "\n");
}
static void json_value(struct text *t, const struct inv_field *f, struct str s)
{
    struct str item;
    bool first = true;
    switch ((enum inv_type)f->type) {
    case INV_COUNT:
    case INV_AMOUNT:
    case INV_REAL:
    case INV_SHARE: text_add(t, STR_FMT, STR_ARG(s)); break;
    case INV_BOOL: text_add(t, "%s", str_is(s, "yes") ? "true" : "false"); break;
    case INV_LIST:
        text_add(t, "[");
        for (; inv_list_next(&s, &item); first = false) {
            text_add(t, "%s", first ? "" : ",");
            json_put_text(t, item);
        }
        text_add(t, "]");
        break;
    default: json_put_text(t, s); break;
    }
}
void inv_json_object(struct text *t, enum inv_kind k, const struct inv_texts *v)
{
    bool first = true;
    text_add(t, "{");
    for (uint32_t i = 0; i < kinds[k].n_fields; i++) {
        if (!v->v[i].n)
            continue;
        text_add(t, "%s\"%s\":", first ? "" : ",", kinds[k].fields[i].name);
        json_value(t, &kinds[k].fields[i], v->v[i]);
        first = false;
    }
    text_add(t, "}");
}
