/* SPDX-License-Identifier: Apache-2.0 */
/* inventory.c - words, dates, groups of suppliers and distances. */
#include "trust/inventory.h"
#include <math.h>
#include <stdio.h>

/* ---- words ---- */
static const char *const kind_names[] = {
#define KIND(name, file, help) #name,
#include "../../spec/inventory.def"
};
static const struct {
    const char *name, *help;
    enum inv_group group;
} classes[] = {{"", "", INV_GROUP_UNKNOWN},
#define CLASS(name, group, help) {#name, help, INV_GROUP_##group},
#include "../../spec/inventory.def"
};
static const char *const group_names[] = {"", "radio", "core", "transport", "management", "identity", "other"};
#define CODE(set, name, help) CODE_##set(name)
static const char *const sensitivity_names[] = {"",
#define CODE_sensitivity(name) #name,
#define CODE_identity(name)
#include "../../spec/inventory.def"
#undef CODE_sensitivity
#undef CODE_identity
};
#define CODE(set, name, help) CODE_##set(name)
static const char *const identity_names[] = {"",
#define CODE_sensitivity(name)
#define CODE_identity(name) #name,
#include "../../spec/inventory.def"
#undef CODE_sensitivity
#undef CODE_identity
};

const char *inv_kind_text(enum inv_kind k) { return (unsigned)k < INV_KINDS ? kind_names[k] : ""; }
const char *inv_class_text(uint8_t f) { return f < INV_CLASSES ? classes[f].name : ""; }
const char *inv_class_help(uint8_t f) { return f < INV_CLASSES ? classes[f].help : ""; }
enum inv_group inv_class_group(uint8_t f) { return f < INV_CLASSES ? classes[f].group : INV_GROUP_UNKNOWN; }
const char *inv_group_text(uint8_t g) { return g < INV_GROUPS ? group_names[g] : ""; }
const char *inv_sensitivity_text(uint8_t s) { return s < INV_SENSITIVITIES ? sensitivity_names[s] : ""; }
const char *inv_identity_text(uint8_t i) { return i < INV_IDENTITIES ? identity_names[i] : ""; }

static bool word_eq(struct str s, const char *word)
{
    uint32_t i = 0;
    for (; i < s.n && word[i]; i++) {
        char c = s.p[i] == '-' ? '_' : s.p[i];
        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != word[i])
            return false;
    }
    return s.n && i == s.n && !word[i];
}
uint8_t inv_class_parse(struct str s)
{
    for (uint8_t i = 1; i < INV_CLASSES; i++)
        if (word_eq(s, classes[i].name))
            return i;
    return 0;
}
static uint8_t word_parse(struct str s, const char *const *names, uint8_t n)
{
    for (uint8_t i = 1; i < n; i++)
        if (word_eq(s, names[i]))
            return i;
    return 0;
}
uint8_t inv_group_parse(struct str s) { return word_parse(s, group_names, INV_GROUPS); }
uint8_t inv_sensitivity_parse(struct str s) { return word_parse(s, sensitivity_names, INV_SENSITIVITIES); }
uint8_t inv_identity_parse(struct str s) { return word_parse(s, identity_names, INV_IDENTITIES); }

/* ---- dates: the proleptic Gregorian calendar, a year beginning in March so that the leap day ends it ---- */
static int32_t days_of(int32_t y, int32_t m, int32_t d)
{
    y -= m <= 2;
    int32_t era = y / 400, yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
static void civil_of(int32_t days, int32_t *y, int32_t *m, int32_t *d)
{
    days += 719468;
    int32_t era = days / 146097, doe = days - era * 146097;
    int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp + (mp < 10 ? 3 : -9);
    *y = yoe + era * 400 + (*m <= 2);
}
static bool digits(const char *p, uint32_t n, int32_t *out)
{
    *out = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}
bool inv_date_parse(struct str s, int32_t *date)
{
    int32_t y, m, d, y2, m2, d2;
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !digits(s.p, 4, &y) || !digits(s.p + 5, 2, &m) ||
        !digits(s.p + 8, 2, &d) || y < 1971 || y > 2199 || m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    int32_t days = days_of(y, m, d);
    civil_of(days, &y2, &m2, &d2);
    if (y != y2 || m != m2 || d != d2) /* the 31st of a month that has none */
        return false;
    *date = days;
    return true;
}
const char *inv_date_text(int32_t date, char buf[INV_DATE_TEXT])
{
    int32_t y, m, d;
    buf[0] = 0;
    if (date > 0 && date < 84371) { /* 2200-12-31 */
        civil_of(date, &y, &m, &d);
        snprintf(buf, INV_DATE_TEXT, "%04u-%02u-%02u", (unsigned)y % 10000, (unsigned)m % 100, (unsigned)d % 100);
    }
    return buf;
}

const char *inv_time_text(uint64_t unix_us, char buf[INV_TIME_TEXT])
{
    char day[INV_DATE_TEXT];
    unsigned s = (unsigned)(unix_us / 1000000 % 86400);
    snprintf(buf, INV_TIME_TEXT, "%s %02u:%02u:%02u UTC", inv_date_text(inv_date_of_unix_us(unix_us), day), s / 3600, s / 60 % 60, s % 60);
    return buf;
}

bool inv_list_next(struct str *list, struct str *item)
{
    while (list->n) {
        const char *end = memchr(list->p, ';', list->n);
        struct str s = {list->p, end ? (uint32_t)(end - list->p) : list->n};
        uint32_t taken = s.n + (end != NULL);
        list->p += taken;
        list->n -= taken;
        for (; s.n && *s.p == ' '; s.n--)
            s.p++;
        while (s.n && s.p[s.n - 1] == ' ')
            s.n--;
        *item = s;
        if (s.n)
            return true;
    }
    return false;
}

/* ---- groups, regions, places ---- */
bool inventory_in_group(const struct inventory *v, uint32_t supplier, uint32_t group)
{
    /* a chain longer than there are suppliers is a circle, which no inventory that was checked has */
    for (uint32_t i = 0; supplier && group && i <= v->n_suppliers; i++) {
        if (supplier == group)
            return true;
        const struct inv_supplier *s = inventory_supplier(v, supplier);
        supplier = s ? s->parent : 0;
    }
    return false;
}
static bool has_alias(struct str aliases, struct str name)
{
    struct str item;
    while (inv_list_next(&aliases, &item))
        if (str_eq_nocase(item, name))
            return true;
    return false;
}
uint32_t inventory_find_supplier(const struct inventory *v, struct str name)
{
    uint32_t ref = name.n ? inventory_find(v, INV_supplier, name) : 0;
    for (uint32_t i = 0; !ref && name.n && i < v->n_suppliers; i++)
        if (str_eq_nocase(v->suppliers[i].id, name) || str_eq_nocase(v->suppliers[i].name, name) ||
            has_alias(v->suppliers[i].aliases, name))
            ref = i + 1;
    return ref;
}
uint32_t inventory_find_region(const struct inventory *v, struct str name)
{
    for (uint32_t i = 0; i < v->n_regions; i++)
        if (str_eq_nocase(v->regions[i].name, name))
            return i + 1;
    return 0;
}
double inv_distance_km(double lat1, double lon1, double lat2, double lon2)
{
    const double radians = 0.017453292519943295, diameter = 12742.0176;
    double dy = sin((lat2 - lat1) * radians / 2), dx = sin((lon2 - lon1) * radians / 2);
    double h = dy * dy + cos(lat1 * radians) * cos(lat2 * radians) * dx * dx;
    return diameter * asin(sqrt(h < 1 ? h : 1));
}
