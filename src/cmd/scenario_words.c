/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, their fields and their contents by name, as the rows of the protocols have them. */
#include "base/suggest.h"
#include "cmd/scenario.h"
#include "codec/nas.h"
#include "codec/ngap.h"
#include "codec/pfcp.h"
#include "codec/sbi.h"
#include <stdio.h>
#include <stdlib.h>

enum { PRINT_MAX = 16384 };

static bool counts(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static char low(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }
bool scenario_same(struct str a, struct str b)
{
    uint32_t i = 0, k = 0;
    for (;;) {
        while (i < a.n && !counts(a.p[i]))
            i++;
        while (k < b.n && !counts(b.p[k]))
            k++;
        if (i == a.n || k == b.n)
            return i == a.n && k == b.n;
        if (low(a.p[i++]) != low(b.p[k++]))
            return false;
    }
}
/* "PDU session release command" -> "PDUSessionReleaseCommand" */
static void joined(const char *text, char out[64])
{
    uint32_t n = 0;
    bool first = true;
    for (; *text && n < 63; text++) {
        if (counts(*text))
            out[n++] = first && *text >= 'a' && *text <= 'z' ? (char)(*text & ~0x20) : *text;
        first = !counts(*text);
    }
    out[n] = 0;
}

/* ---- messages ---- */
static const struct nas_desc *nas_of(uint32_t type)
{
    const struct nas_desc *d = nas_desc_of(NAS_EPD_MM, (uint8_t)type);
    return d ? d : nas_desc_of(NAS_EPD_SM, (uint8_t)type);
}
/* NULL: there is none of that type. */
static const char *name_of(enum scenario_link link, uint32_t type)
{
    switch (link) {
    case SCENARIO_N1: return type < 256 && nas_of(type) ? nas_of(type)->name : NULL;
    case SCENARIO_N2: return type < NGAP_MSGS ? ngap_msg_name((enum ngap_msg)type) : NULL;
    case SCENARIO_N4: return type < 256 && pfcp_desc_of((uint8_t)type) ? pfcp_name((uint8_t)type) : NULL;
    case SCENARIO_SBI: return type < SBI_OP_MAX ? sbi_ops[type].name : NULL;
    default: return NULL;
    }
}
void scenario_message_name(enum scenario_link link, uint32_t type, char out[64])
{
    const char *name = name_of(link, type);
    if (link == SCENARIO_SBI)
        snprintf(out, 64, "%s", name ? name : "?");
    else
        joined(name ? name : "?", out);
}
int scenario_message(enum scenario_link link, struct str word, char near[64])
{
    uint32_t best = UINT32_MAX;
    char name[64];
    for (uint32_t i = 0; i < 512; i++) {
        if (!name_of(link, i))
            continue;
        scenario_message_name(link, i, name);
        if (scenario_same(word, str_of(name)))
            return (int)i;
        if (str_is_nearer(word, str_of(name), &best))
            memcpy(near, name, 64);
    }
    return ERR_UNKNOWN;
}

/* ---- fields ---- */
static void nearer(struct str word, const char *name, uint32_t *best, char near[64])
{
    char n[64];
    joined(name, n);
    if (str_is_nearer(word, str_of(n), best))
        memcpy(near, n, 64);
}
static const struct nas_row *nas_field(uint32_t type, struct str field, char near[64])
{
    uint32_t best = UINT32_MAX;
    const struct nas_desc *d = nas_of(type);
    for (const struct nas_row *r = d ? d->row : NULL; r && r->name; r++) {
        if (scenario_same(field, str_of(r->name)))
            return r;
        nearer(field, r->name, &best, near);
    }
    return NULL;
}
/* The first word of a path with dots. */
static struct str head(struct str *path)
{
    struct str w = {path->p, 0};
    while (w.n < path->n && path->p[w.n] != '.')
        w.n++;
    uint32_t used = w.n < path->n ? w.n + 1 : w.n;
    path->p += used;
    path->n -= used;
    return w;
}
static const struct asn_field *asn_member(const struct asn_type *t, struct str word, char near[64])
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < t->n_fields && t->kind != ASN_ENUM; i++) {
        if (!t->fields[i].type || t->fields[i].presence == ASN_EXTENSIONS)
            continue;
        if (scenario_same(word, str_of(t->fields[i].name)))
            return &t->fields[i];
        nearer(word, t->fields[i].name, &best, near);
    }
    return NULL;
}
static const struct asn_type *asn_step(const struct asn_type *t, struct str word, char near[64])
{
    uint64_t i = 0;
    if (t->kind == ASN_LIST) { /* an element by its number, from 0 */
        for (uint32_t k = 0; k < word.n; k++)
            i = word.p[k] >= '0' && word.p[k] <= '9' && i < 100000 ? i * 10 + (uint64_t)(word.p[k] - '0') : 100000;
        return word.n && i < 100000 ? t->elem : NULL;
    }
    const struct asn_field *f = asn_member(t, word, near);
    return f ? f->type : NULL;
}
bool scenario_field_is_known(enum scenario_link link, uint32_t type, struct str field, char near[64])
{
    const struct asn_type *t;
    switch (link) {
    case SCENARIO_N1: return nas_field(type, field, near) != NULL;
    case SCENARIO_N2:
        t = type < NGAP_MSGS ? ngap_msg_type((enum ngap_msg)type) : NULL;
        while (t && field.n)
            t = asn_step(t, head(&field), near);
        return t != NULL;
    case SCENARIO_N4: return true;
    default: return false;
    }
}
static bool asn_is_there(const struct asn_type *t, const struct asn_field *f, const uint8_t *v)
{
    uint32_t i = (uint32_t)(f - t->fields);
    if (t->kind == ASN_CHOICE)
        return *(const uint32_t *)(const void *)v == i;
    return ((const struct asn_has *)(const void *)v)->mask[i / 64] >> i % 64 & 1 || (f->presence == ASN_MANDATORY && t->kind == ASN_SEQ);
}
static bool ngap_field(uint32_t type, const uint8_t *v, struct str field, struct text *out)
{
    char near[64], *buf = malloc(PRINT_MAX);
    const struct asn_type *t = ngap_msg_type((enum ngap_msg)type);
    bool good = buf != NULL;
    while (good && field.n) {
        struct str word = head(&field);
        const struct asn_list *l = (const void *)v;
        const struct asn_field *f = t->kind == ASN_LIST ? NULL : asn_member(t, word, near);
        uint32_t i = t->kind == ASN_LIST ? (uint32_t)strtoul(word.p, NULL, 10) : 0;
        if (t->kind == ASN_LIST && (good = i < l->n)) {
            v = (const uint8_t *)l->v + (size_t)i * t->elem->size;
            t = t->elem;
        } else if (t->kind != ASN_LIST && (good = f && asn_is_there(t, f, v))) {
            v += f->offset;
            t = f->type;
        }
    }
    if (good) {
        aper_print(t, v, buf, PRINT_MAX, -1);
        const char *value = strchr(buf, ' '); /* after the name of the type */
        text_add(out, "%s", value ? value + 1 : "");
    }
    free(buf);
    return good;
}
/* In a message that was printed: what stands behind a name and ": ", up to `end`. */
static bool printed(const char *p, const char *end, struct str field, struct text *out)
{
    for (const char *next; *p; p = next) {
        const char *stop = strstr(p, end), *colon = strchr(p, ':');
        next = stop ? stop + strlen(end) : p + strlen(p);
        stop = stop ? stop : next;
        if (!colon || colon > stop || !scenario_same(field, (struct str){p, (uint32_t)(colon - p)}))
            continue;
        for (colon++; *colon == ' '; colon++)
            ;
        text_add(out, "%.*s", (int)(stop - colon), colon);
        return true;
    }
    return false;
}
bool scenario_field(enum scenario_link link, uint32_t type, const void *value, struct str field, struct text *out)
{
    if (!value || link == SCENARIO_SBI)
        return false;
    if (link == SCENARIO_N2)
        return ngap_field(type, value, field, out);
    char *buf = malloc(PRINT_MAX);
    if (!buf)
        return false;
    link == SCENARIO_N1 ? (void)nas_print(value, buf, PRINT_MAX) : (void)pfcp_print(value, buf, PRINT_MAX);
    bool good = printed(buf, link == SCENARIO_N1 ? "; " : "\n", field, out);
    free(buf);
    return good;
}

int scenario_gmm_cause(struct str word)
{
    static const struct {
        const char *name;
        uint8_t value;
    } causes[] = {
#define CAUSE(group, name, value, text) {#group #name, value},
#include "../../spec/nas_causes.def"
#undef CAUSE
    };
    uint32_t v = 0, i = word.n && word.p[0] == '#';
    bool digits = word.n > i && word.n <= i + 3;
    for (; i < word.n && digits; i++) {
        digits = word.p[i] >= '0' && word.p[i] <= '9';
        v = v * 10 + (uint32_t)(word.p[i] - '0');
    }
    if (digits)
        return v < 256 ? (int)v : ERR_UNKNOWN;
    for (i = 0; i < ARRAY_LEN(causes); i++)
        if (str_starts(str_of(causes[i].name), "GMM") && scenario_same(word, str_of(causes[i].name + 3)))
            return causes[i].value;
    return ERR_UNKNOWN;
}
