/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_out.c - texts that grow, and how numbers and names are written in every report. */
#include "trust/evidence_entry.h"
#include "trust/whatif_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *room(struct out *o, size_t n)
{
    if (o->bad)
        return NULL;
    if (o->n + n + 1 > o->cap) {
        size_t cap = (o->n + n + 1) * 2 + 65536;
        char *p = cap <= INT32_MAX ? realloc(o->p, cap) : NULL;
        if (!p) {
            o->bad = true;
            return NULL;
        }
        o->p = p;
        o->cap = cap;
    }
    return o->p + o->n;
}

void out_str(struct out *o, struct str s)
{
    char *p = room(o, s.n);
    if (!p)
        return;
    if (s.n)
        memcpy(p, s.p, s.n);
    o->n += s.n;
    o->p[o->n] = 0;
}

void out_add(struct out *o, const char *format, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text)
        o->bad = true;
    else
        out_str(o, (struct str){text, (uint32_t)n});
}

char *out_end(struct out *o, uint32_t *n)
{
    if (o->bad) {
        free(o->p);
        return NULL;
    }
    *n = (uint32_t)o->n;
    return o->p;
}

/* ---- names: they come from files of others ---- */
static void clean(struct out *o, struct str s, void (*put)(struct out *, struct str))
{
    while (s.n) {
        uint32_t n = printable_length(s, false);
        put(o, (struct str){s.p, n});
        if (n == s.n)
            break;
        out_str(o, STR("?"));
        s = (struct str){s.p + n + 1, s.n - n - 1};
    }
}
void out_plain(struct out *o, struct str s) { clean(o, s, out_str); }

static void escape_html(struct out *o, struct str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        const char *e = s.p[i] == '&'   ? "&amp;"
                        : s.p[i] == '<' ? "&lt;"
                        : s.p[i] == '>' ? "&gt;"
                        : s.p[i] == '"' ? "&quot;"
                        : s.p[i] == '\'' ? "&#39;"
                                        : NULL;
        out_str(o, e ? str_of(e) : (struct str){s.p + i, 1});
    }
}
void out_html(struct out *o, struct str s) { clean(o, s, escape_html); }

static void escape_json(struct out *o, struct str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            out_str(o, STR("\\"));
        out_str(o, (struct str){s.p + i, 1});
    }
}
void out_json(struct out *o, struct str s)
{
    out_str(o, STR("\""));
    clean(o, s, escape_json);
    out_str(o, STR("\""));
}

/* ---- numbers ---- */
const char *number_text(uint64_t v, char buf[NUMBER_TEXT])
{
    char *p = buf + NUMBER_TEXT - 1;
    *p = 0;
    for (uint32_t i = 0; i == 0 || v; i++, v /= 10) {
        if (i && i % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + v % 10);
    }
    memmove(buf, p, strlen(p) + 1);
    return buf;
}

const char *share_text(uint64_t part, uint64_t whole, char buf[NUMBER_TEXT])
{
    double percent = whole ? (double)part * 100 / (double)whole : 0;
    *buf = 0;
    if (whole && part && percent < 0.05)
        snprintf(buf, NUMBER_TEXT, "under 0.1 %%");
    else if (whole)
        snprintf(buf, NUMBER_TEXT, "%.1f %%", percent);
    return buf;
}

const char *money_text(const struct whatif_money *m, char buf[NUMBER_TEXT])
{
    char number[NUMBER_TEXT];
    snprintf(buf, NUMBER_TEXT, "%.3s %.27s", *m->currency ? m->currency : "?", number_text(m->amount, number));
    return buf;
}

/* ---- names of things ---- */
struct str whatif_supplier_name(const struct whatif *w, uint32_t supplier)
{
    const struct inv_supplier *s = inventory_supplier(w->ask.inventory, supplier);
    return s ? (s->name.n ? s->name : s->id) : STR("(supplier not known)");
}
struct str whatif_region_name(const struct whatif *w, uint32_t region)
{
    const struct inv_region *r = inventory_region(w->ask.inventory, region);
    return r ? r->name : STR("(no region)");
}
struct str whatif_element_name(const struct whatif *w, uint32_t element)
{
    const struct inv_element *e = &w->ask.inventory->elements[element];
    return e->name.n ? e->name : e->id;
}

const char *cause_mark(const struct whatif *w, uint16_t cause, char buf[NUMBER_TEXT])
{
    uint32_t rules = 0, bans = 0;
    *buf = 0;
    for (uint32_t i = 0; cause != WHATIF_NO_CAUSE && i <= cause; i++)
        *(w->causes[i].supplier ? &bans : &rules) += 1;
    if (cause != WHATIF_NO_CAUSE)
        snprintf(buf, NUMBER_TEXT, "%c%u", w->causes[cause].supplier ? 'B' : 'R', w->causes[cause].supplier ? bans : rules);
    return buf;
}

void whatif_title(struct out *o, const struct whatif *w, void (*name)(struct out *, struct str))
{
    const struct policy *p = w->ask.set ? policy_of(w->ask.set) : NULL;
    for (uint32_t i = 0; i < w->ask.n_bans; i++) {
        out_str(o, str_of(i == 0 ? "Ban of " : i + 1 == w->ask.n_bans ? " and " : ", "));
        name(o, whatif_supplier_name(w, w->ask.ban[i]));
    }
    for (uint32_t i = 0; p && i < p->n_files; i++) {
        out_str(o, str_of(i ? ", " : w->ask.n_bans ? ", with " : ""));
        name(o, p->files[i].r.title);
    }
    if (!w->ask.n_bans && (!p || !p->n_files))
        out_str(o, STR("No ban and no policy"));
}
