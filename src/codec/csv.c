/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/csv.h"

void csv_start(struct csv *c, struct str text)
{
    static const char nothing[1];
    *c = (struct csv){.lines = 1, .line = 1, .column = 1, .ended = true};
    c->p = c->line_start = text.p ? text.p : nothing;
    c->end = c->p + text.n;
    if (str_starts(text, "\xef\xbb\xbf")) /* the mark that some spreadsheets put in front */
        c->p = c->line_start = c->p + 3;
}
static void newline(struct csv *c)
{
    c->lines++;
    c->line_start = c->p;
}
/* Takes a line end: LF, CR LF or CR; false: there is none. */
static bool line_end(struct csv *c)
{
    if (c->p >= c->end || (*c->p != '\n' && *c->p != '\r'))
        return false;
    c->p += *c->p == '\r' && c->end - c->p > 1 && c->p[1] == '\n' ? 2 : 1;
    newline(c);
    return true;
}
static void line_skip(struct csv *c)
{
    while (c->p < c->end && *c->p != '\n' && *c->p != '\r')
        c->p++;
    line_end(c);
}
bool csv_record(struct csv *c)
{
    if (!c->ended)
        line_skip(c);
    for (;;) {
        const char *p = c->p;
        while (p < c->end && (*p == ' ' || *p == '\t'))
            p++;
        if (p < c->end && *p != '\n' && *p != '\r' && *p != '#')
            break;
        if (p >= c->end)
            return false;
        line_skip(c);
    }
    c->at_start = true;
    c->ended = false;
    c->why = NULL;
    return true;
}

static bool wrong(struct csv *c, const char *why)
{
    c->why = why;
    return false;
}
static bool quoted(struct csv *c, struct arena *a, struct str *out)
{
    const char *from = ++c->p;
    uint32_t doubled = 0;
    for (;; c->p++) {
        if (c->p >= c->end)
            return wrong(c, "found no quote at the end of a field that begins with one");
        if (*c->p == '\n') {
            c->lines++;
            c->line_start = c->p + 1;
        }
        if (*c->p != '"')
            continue;
        if (c->end - c->p < 2 || c->p[1] != '"')
            break;
        c->p++;
        doubled++;
    }
    *out = (struct str){from, (uint32_t)(c->p++ - from)};
    if (!doubled)
        return true;
    char *q = arena_take(a, out->n);
    if (!q)
        return wrong(c, "there is no memory for this field");
    uint32_t n = 0;
    for (uint32_t i = 0; i < out->n; i++) {
        q[n++] = out->p[i];
        i += out->p[i] == '"';
    }
    *out = (struct str){q, n};
    return true;
}
bool csv_field(struct csv *c, struct arena *a, struct str *out)
{
    if (c->ended || c->why)
        return false;
    if (!c->at_start && (line_end(c) || c->p >= c->end)) {
        c->ended = true;
        return false;
    }
    c->p += !c->at_start; /* the comma, which the field before saw */
    c->at_start = false;
    c->line = c->lines;
    c->column = (uint32_t)(c->p - c->line_start) + 1;
    if (c->p < c->end && *c->p == '"') {
        if (!quoted(c, a, out))
            return false;
        if (c->p < c->end && *c->p != ',' && *c->p != '\n' && *c->p != '\r')
            return wrong(c, "found text after the quote that ends a field");
        return true;
    }
    const char *from = c->p;
    while (c->p < c->end && *c->p != ',' && *c->p != '\n' && *c->p != '\r')
        c->p++;
    *out = (struct str){from, (uint32_t)(c->p - from)};
    while (out->n && (out->p[out->n - 1] == ' ' || out->p[out->n - 1] == '\t'))
        out->n--;
    for (; out->n && (*out->p == ' ' || *out->p == '\t'); out->n--)
        out->p++;
    return true;
}

void csv_put(struct text *t, struct str s, bool first)
{
    bool quote = s.n && (s.p[0] == ' ' || s.p[0] == '#' || s.p[s.n - 1] == ' ');
    for (uint32_t i = 0; i < s.n && !quote; i++)
        quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!first)
        text_add(t, ",");
    if (!quote) {
        text_add(t, "%.*s", STR_ARG(s));
        return;
    }
    text_add(t, "\"");
    for (uint32_t i = 0; i < s.n; i++)
        text_add(t, "%s%c", s.p[i] == '"' ? "\"" : "", s.p[i]);
    text_add(t, "\"");
}
