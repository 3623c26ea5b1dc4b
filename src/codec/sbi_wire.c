/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sbi_wire.h"
#include "base/err.h"
#include "base/wire.h"
#include <stdio.h>
#include <strings.h>

/* ---- encodings ---- */
static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

uint32_t percent_put(char *out, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    char *q = out;
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved(s.p[i])) {
            *q++ = s.p[i];
            continue;
        }
        *q++ = '%';
        *q++ = digits[c >> 4];
        *q++ = digits[c & 15];
    }
    return (uint32_t)(q - out);
}

int64_t percent_get(char *out, struct str s, bool plus)
{
    char *q = out;
    for (uint32_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c == '+' && plus)
            c = ' ';
        if (c == '%') {
            if (s.n - i < 3 || !hex_get(&c, 1, (struct str){s.p + i + 1, 2}))
                return -1;
            i += 2;
        }
        *q++ = (char)c;
    }
    return q - out;
}

/* What is left of `s` before c, and *s moved behind c; the whole when there is no c. */
static struct str cut(struct str *s, char c)
{
    const char *p = s->n ? memchr(s->p, c, s->n) : NULL;
    struct str head = *s;
    if (!p) {
        *s = (struct str){NULL, 0};
        return head;
    }
    head.n = (uint32_t)(p - s->p);
    *s = (struct str){p + 1, s->n - head.n - 1};
    return head;
}

static void put_str(struct wr *w, struct str s)
{
    wr_bytes(w, (struct bytes){(const uint8_t *)s.p, s.n});
}
static void put_lit(struct wr *w, const char *z)
{
    put_str(w, str_of(z));
}
static void put_percent(struct wr *w, struct str s)
{
    char b[192];
    for (struct str left = s; left.n;) {
        struct str some = {left.p, left.n < 64 ? left.n : 64};
        put_str(w, (struct str){b, percent_put(b, some)});
        left = (struct str){left.p + some.n, left.n - some.n};
    }
}

/* ---- values outside of bodies ---- */
static const struct sbi_field *row_named(const struct sbi_schema *s, uint8_t flag, struct str name)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++)
        if ((f[i].flags & flag) && str_is(name, f[i].json))
            return f + i;
    return NULL;
}

static bool row_present(const struct sbi_field *f, const void *owner)
{
    return !(f->flags & SBI_OPTIONAL) || ((const uint8_t *)owner)[f->has_off];
}

static int put_json_row(struct wr *w, const struct sbi_field *f, const void *owner)
{
    char text[4096];
    int n = sbi_json_encode_row(f, owner, text, sizeof text);
    if (n < 0)
        return n;
    struct str s = {text, (uint32_t)n};
    if (s.n >= 2 && s.p[0] == '"')
        s = (struct str){s.p + 1, s.n - 2};
    put_percent(w, s);
    return OK;
}

/* Lists of simple values are joined with commas, objects are JSON (TS 29.501 5.3.13), strings stand
 * without quotes. */
static int put_row(struct wr *w, const struct sbi_field *f, const void *owner)
{
    const uint8_t *at = (const uint8_t *)owner + f->off;
    struct sbi_items items;
    switch ((enum sbi_kind)f->kind) {
    case SBI_TEXT: put_percent(w, *(const struct str *)(const void *)at); return OK;
    case SBI_CODE: {
        const char *text = sbi_code_text(f->code(), *(const int *)(const void *)at);
        put_percent(w, str_of(text));
        return *text ? OK : ERR_RANGE;
    }
    case SBI_TEXTS:
        memcpy(&items, at, sizeof items);
        for (uint32_t i = 0; i < items.n; i++) {
            put_lit(w, i ? "," : "");
            put_percent(w, ((const struct str *)items.p)[i]);
        }
        return OK;
    default: break;
    }
    return put_json_row(w, f, owner);
}

static bool get_text(struct str s, const struct sbi_field *f, void *at)
{
    memcpy(at, &s, sizeof s);
    return s.n >= f->lo && s.n <= f->hi && utf8_valid(s);
}
static bool get_texts(struct str s, const struct sbi_field *f, struct arena *a, void *at)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < s.n; i++)
        n += s.p[i] == ',';
    struct str *p = n >= f->lo && n <= f->hi && s.n ? arena_take(a, n * sizeof *p) : NULL;
    if (!p)
        return false;
    struct sbi_items items = {p, n};
    for (uint32_t i = 0; i < n; i++) {
        p[i] = cut(&s, ',');
        if (!utf8_valid(p[i]))
            return false;
    }
    memcpy(at, &items, sizeof items);
    return true;
}
/* A value as put_row() writes it, still escaped, into its row. */
static bool get_row(struct str raw, bool plus, const struct sbi_field *f, struct arena *a,
                    void *owner)
{
    char *p = arena_take(a, raw.n + 2); /* room for the quotes that strings have in JSON */
    int64_t n = p ? percent_get(p + 1, raw, plus) : -1;
    if (n < 0)
        return false;
    struct str s = {p + 1, (uint32_t)n};
    void *at = (uint8_t *)owner + f->off;
    struct sbi_report inner;
    bool ok;
    switch ((enum sbi_kind)f->kind) {
    case SBI_TEXT: ok = get_text(s, f, at); break;
    case SBI_TEXTS: ok = get_texts(s, f, a, at); break;
    case SBI_CODE: {
        int v = sbi_code_find(f->code(), s);
        memcpy(at, &v, sizeof v);
        ok = s.n > 0 && utf8_valid(s);
        break;
    }
    case SBI_HEX:
    case SBI_B64:
        p[0] = p[s.n + 1] = '"';
        s = (struct str){p, s.n + 2};
        ok = sbi_json_decode_row(f, s, a, owner, &inner) == OK;
        break;
    default: ok = sbi_json_decode_row(f, s, a, owner, &inner) == OK; break;
    }
    if (ok && (f->flags & SBI_OPTIONAL))
        ((uint8_t *)owner)[f->has_off] = true;
    return ok;
}

/* ---- refusals ---- */
static int refuse(struct sbi_report *r, int err, const char *cause, const char *reason)
{
    *r = (struct sbi_report){.err = err, .cause = cause, .reason = reason};
    return err;
}
/* TS 29.500 5.2.7.2: which causes, and how a member outside of a body is named (TS 29.571 5.2.4.2).
 */
static int refuse_row(struct sbi_report *r, const struct sbi_field *f, bool missing)
{
    static const char *const causes[2][3] = {
        {"MANDATORY_IE_MISSING", "MANDATORY_IE_INCORRECT", "OPTIONAL_IE_INCORRECT"},
        {"MANDATORY_QUERY_PARAM_MISSING", "MANDATORY_QUERY_PARAM_INCORRECT",
         "OPTIONAL_QUERY_PARAM_INCORRECT"}};
    bool query = f->flags & SBI_QUERY, path = f->flags & SBI_PATH;
    unsigned which = missing ? 0 : f->flags & SBI_OPTIONAL ? 2 : 1;
    refuse(r, missing ? ERR_MISSING : ERR_RANGE, causes[query][which],
           missing ? "missing" : "a value that is not allowed");
    snprintf(r->pointer, sizeof r->pointer, "%s%s%s",
             query                   ? "query "
             : path                  ? "path {"
             : f->flags & SBI_HEADER ? "header "
                                     : "/",
             f->json, path ? "}" : "");
    return r->err;
}
int sbi_report_status(const struct sbi_report *r)
{
    switch (r->err) {
    case ERR_NOSPACE: return 503;
    case ERR_UNSUPPORTED: return 415;
    case ERR_NOTFOUND: return 404;
    default: return 400;
    }
}

/* ---- paths ---- */
/* A callback's URI: scheme, authority and path of their own. */
static int put_uri(struct sbi_http *h, struct str uri)
{
    const char *p = uri.n > 3 ? memmem(uri.p, uri.n, "://", 3) : NULL;
    if (!p)
        return ERR_RANGE;
    h->scheme = (struct str){uri.p, (uint32_t)(p - uri.p)};
    struct str rest = {p + 3, uri.n - h->scheme.n - 3};
    h->authority = rest;
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    h->authority.n = slash ? (uint32_t)(slash - rest.p) : rest.n;
    h->path = slash ? (struct str){slash, rest.n - h->authority.n} : STR("/");
    return OK;
}
static const struct sbi_field *callback_row(const struct sbi_op_desc *d)
{
    return d->nf == SBI_NF_CALLBACK ? row_named(d->req, SBI_PATH, STR("callback")) : NULL;
}

static int put_path(struct wr *w, const struct sbi_op_desc *d, const void *req)
{
    struct str left = str_of(d->path);
    while (left.n && !w->bad) {
        put_str(w, cut(&left, '{'));
        if (!left.p)
            break;
        const struct sbi_field *f = row_named(d->req, SBI_PATH, cut(&left, '}'));
        int r = f ? put_row(w, f, req) : ERR_RANGE;
        if (r < 0)
            return r;
    }
    return OK;
}
static int put_pairs(struct wr *w, const struct sbi_schema *s, uint8_t flag, const void *req,
                     const char *first)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++) {
        if (!(f[i].flags & flag) || !row_present(f + i, req))
            continue;
        put_lit(w, first);
        put_lit(w, f[i].json);
        put_lit(w, "=");
        int r = put_row(w, f + i, req);
        if (r < 0)
            return r;
        first = "&";
    }
    return OK;
}

/* Walks path and template together, segment by segment. take is called with each variable segment;
 * it may be NULL. */
static bool path_walk(const char *template, struct str path,
                      bool (*take)(void *ctx, struct str name, struct str raw), void *ctx)
{
    struct str t = str_of(template);
    if (!str_starts(path, "/") || !str_starts(t, "/"))
        return false;
    do {
        struct str want = cut(&t, '/'), got = cut(&path, '/');
        if (want.n && want.p[0] == '{') {
            struct str name = {want.p + 1, want.n - 2};
            if (!got.n || (take && !take(ctx, name, got)))
                return false;
        } else if (!str_eq(want, got)) {
            return false;
        }
    } while (t.p && path.p);
    return !t.p && !path.p;
}

struct path_rows {
    const struct sbi_schema *schema;
    struct arena *arena;
    void *req;
    const struct sbi_field *bad;
};
static bool take_segment(void *ctx, struct str name, struct str raw)
{
    struct path_rows *r = ctx;
    const struct sbi_field *f = row_named(r->schema, SBI_PATH, name);
    if (!f || get_row(raw, false, f, r->arena, r->req))
        return f != NULL;
    r->bad = f;
    return false;
}
static int get_path(const struct sbi_op_desc *d, const struct sbi_http *h, struct str path,
                    struct arena *a, void *req, struct sbi_report *why)
{
    struct path_rows rows = {d->req, a, req, NULL};
    const struct sbi_field *f = callback_row(d);
    if (f) {
        struct str uri = arena_printf(a, STR_FMT "://" STR_FMT STR_FMT, STR_ARG(h->scheme),
                                      STR_ARG(h->authority), STR_ARG(h->path));
        return uri.p && get_text(uri, f, (uint8_t *)req + f->off) ? OK : refuse_row(why, f, false);
    }
    if (path_walk(d->path, path, take_segment, &rows))
        return OK;
    return rows.bad ? refuse_row(why, rows.bad, false)
                    : refuse(why, ERR_NOTFOUND, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "no such path");
}

int sbi_route(enum sbi_method method, struct str path)
{
    struct str only = path;
    path = cut(&only, '?');
    for (int op = 0; op < SBI_OP_MAX; op++)
        if (sbi_ops[op].nf != SBI_NF_CALLBACK && sbi_ops[op].method == method &&
            path_walk(sbi_ops[op].path, path, NULL, NULL))
            return op;
    return ERR_NOTFOUND;
}

/* name=value pairs of a query or a form. Those without a row are passed over. */
static int get_pairs(const struct sbi_schema *s, uint8_t flag, struct str text, struct arena *a,
                     void *req, struct sbi_report *why)
{
    const struct sbi_field *rows = s->fields();
    uint64_t seen = 0;
    while (text.n) {
        struct str value = cut(&text, '&'), name = cut(&value, '=');
        const struct sbi_field *f = row_named(s, flag, name);
        if (!f)
            continue;
        uint64_t bit = 1ull << (f - rows);
        if (seen & bit)
            return refuse(why, ERR_ORDER, "INVALID_QUERY_PARAM", "given twice");
        seen |= bit;
        if (!get_row(value, true, f, a, req))
            return refuse_row(why, f, false);
    }
    for (uint32_t i = 0; i < s->n; i++)
        if ((rows[i].flags & flag) && !(rows[i].flags & SBI_OPTIONAL) && !(seen >> i & 1))
            return refuse_row(why, rows + i, true);
    return OK;
}

/* ---- bodies ---- */
static bool type_is(struct str content_type, const char *type)
{
    struct str t = cut(&content_type, ';');
    while (t.n && t.p[t.n - 1] == ' ')
        t.n--;
    return str_eq_nocase(t, str_of(type));
}
static bool type_is_json(struct str content_type)
{
    struct str t = cut(&content_type, ';');
    while (t.n && t.p[t.n - 1] == ' ')
        t.n--;
    return type_is(t, "application/json") ||
           (t.n > 17 && strncasecmp(t.p, "application/", 12) == 0 &&
            strncasecmp(t.p + t.n - 5, "+json", 5) == 0);
}

/* A boundary that stands in no part. */
static bool boundary_is_free(const char *boundary, struct str json, const struct sbi_parts *parts)
{
    size_t n = strlen(boundary);
    bool free = !memmem(json.p, json.n, boundary, n);
    for (uint32_t i = 0; i < parts->n && free; i++)
        free = !parts->v[i].body.n || !memmem(parts->v[i].body.p, parts->v[i].body.n, boundary, n);
    return free;
}
/* RFC 2387, TS 29.502 6.1.2.4. The JSON text stands at the end of what *w has room for. */
static void put_multipart(struct wr *w, struct str json, const struct sbi_parts *parts,
                          const char *boundary)
{
    put_lit(w, "--");
    put_lit(w, boundary);
    put_lit(w, "\r\nContent-Type: application/json\r\n\r\n");
    put_str(w, json);
    for (uint32_t i = 0; i < parts->n; i++) {
        put_lit(w, "\r\n--");
        put_lit(w, boundary);
        put_lit(w, "\r\nContent-Id: ");
        put_str(w, parts->v[i].id);
        put_lit(w, "\r\nContent-Type: ");
        put_str(w, parts->v[i].type);
        put_lit(w, "\r\n\r\n");
        wr_bytes(w, parts->v[i].body);
    }
    put_lit(w, "\r\n--");
    put_lit(w, boundary);
    put_lit(w, "--\r\n");
}

static struct wr arena_rest(struct arena *a)
{
    return wr_over(a->base + a->off, a->cap - a->off);
}
/* What was written with arena_rest(), made the arena's. */
static struct str arena_keep(struct arena *a, const struct wr *w)
{
    a->off += w->n;
    return (struct str){(const char *)w->base, w->n};
}

static int put_body(const struct sbi_schema *s, const void *value, const char *type,
                    struct arena *a, struct sbi_http *h)
{
    struct sbi_parts parts;
    if (!sbi_has_body(s))
        return OK;
    struct wr w = arena_rest(a);
    int n = sbi_json_encode(s, value, (char *)w.base, w.cap, &parts);
    if (n <= 0)
        return n;
    w.n = (uint32_t)n;
    struct str json = arena_keep(a, &w);
    h->content_type = str_of(type);
    h->body = (struct bytes){(const uint8_t *)json.p, json.n};
    if (!parts.n)
        return OK;
    char boundary[24] = "redoubt-part";
    for (unsigned i = 0; i < 1000 && !boundary_is_free(boundary, json, &parts); i++)
        snprintf(boundary, sizeof boundary, "redoubt-part-%u", i);
    h->content_type = arena_printf(a, "multipart/related; boundary=\"%s\"", boundary);
    w = arena_rest(a);
    put_multipart(&w, json, &parts, boundary);
    if (w.bad || !h->content_type.p)
        return ERR_NOSPACE;
    struct str body = arena_keep(a, &w);
    h->body = (struct bytes){(const uint8_t *)body.p, body.n};
    return OK;
}

/* The value of a header among the lines of a part; p NULL: it is not there. */
static struct str part_header(struct str lines, const char *name)
{
    size_t n = strlen(name);
    while (lines.n) {
        struct str line = cut(&lines, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n <= n || strncasecmp(line.p, name, n) != 0 || line.p[n] != ':')
            continue;
        struct str v = {line.p + n + 1, line.n - (uint32_t)n - 1};
        while (v.n && (*v.p == ' ' || *v.p == '\t'))
            v.p++, v.n--;
        if (v.n >= 2 && v.p[0] == '<' &&
            v.p[v.n - 1] == '>') /* RFC 2045 7 has brackets, peers leave them out */
            v = (struct str){v.p + 1, v.n - 2};
        return v;
    }
    return (struct str){NULL, 0};
}

static struct str parameter(struct str content_type, const char *name)
{
    size_t n = strlen(name);
    struct str left = content_type;
    for (cut(&left, ';'); left.n;) {
        struct str v = cut(&left, ';');
        while (v.n && *v.p == ' ')
            v.p++, v.n--;
        if (v.n <= n || strncasecmp(v.p, name, n) != 0 || v.p[n] != '=')
            continue;
        v = (struct str){v.p + n + 1, v.n - (uint32_t)n - 1};
        if (v.n >= 2 && *v.p == '"' && v.p[v.n - 1] == '"')
            v = (struct str){v.p + 1, v.n - 2};
        return v;
    }
    return (struct str){NULL, 0};
}

/* The next part between delimiters; *left moves behind it. False at the end or where there is no
 * end. */
static bool part_next(struct str *left, struct str delimiter, struct str *part)
{
    const char *end = left->n ? memmem(left->p, left->n, delimiter.p, delimiter.n) : NULL;
    if (!end)
        return false;
    *part = (struct str){left->p, (uint32_t)(end - left->p)};
    left->n -= part->n + delimiter.n;
    left->p = end + delimiter.n;
    return true;
}

/* RFC 2046 5.1.1: the first part is the JSON text (TS 29.502 6.1.2.4), the others are found by
 * their ids. */
static bool get_multipart(const struct sbi_http *h, struct str *json, struct sbi_parts *parts)
{
    char delimiter[80];
    struct str boundary = parameter(h->content_type, "boundary"), part;
    if (!boundary.n || boundary.n > 70)
        return false;
    snprintf(delimiter, sizeof delimiter, "\r\n--" STR_FMT, STR_ARG(boundary));
    struct str mark = str_of(delimiter), left = {(const char *)h->body.p, h->body.n},
               first = {mark.p + 2, mark.n - 2};
    if (!str_starts(left, first.p) && !part_next(&left, mark, &part)) /* a preamble, or none */
        return false;
    if (str_starts(left, first.p))
        left = (struct str){left.p + first.n, left.n - first.n};
    bool have_json = false;
    while (!str_starts(left, "--")) {
        if (!part_next(&left, mark, &part))
            return false;
        const char *blank = memmem(part.p, part.n, "\r\n\r\n", 4);
        if (!blank)
            return false;
        struct str lines = {part.p, (uint32_t)(blank - part.p) + 2};
        struct str body = {blank + 4, part.n - (uint32_t)(blank + 4 - part.p)};
        if (!have_json) {
            *json = body;
            have_json = true;
            continue;
        }
        if (parts->n == SBI_PARTS_MAX)
            return false;
        parts->v[parts->n++] = (struct sbi_part){.id = part_header(lines, "content-id"),
                                                 .type = part_header(lines, "content-type"),
                                                 .body = {(const uint8_t *)body.p, body.n}};
    }
    return have_json;
}

static int get_body(const struct sbi_schema *s, const struct sbi_http *h, struct arena *a,
                    void *value, struct sbi_report *why)
{
    struct sbi_parts parts;
    parts.n = 0;
    struct str json = {(const char *)h->body.p, h->body.n};
    if (type_is(h->content_type, "multipart/related")) {
        if (!get_multipart(h, &json, &parts))
            return refuse(why, ERR_SYNTAX, "INVALID_MSG_FORMAT", "not multipart/related");
    } else if (json.n && h->content_type.n && !type_is_json(h->content_type)) {
        return refuse(why, ERR_UNSUPPORTED, "UNSUPPORTED_MEDIA_TYPE", "a body of another type");
    }
    return sbi_json_decode(s, json, &parts, a, value, why);
}

/* ---- headers ---- */
static int put_headers(const struct sbi_schema *s, const void *value, struct sbi_http *h)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++) {
        if (!(f[i].flags & SBI_HEADER) || !row_present(f + i, value))
            continue;
        if (h->n_headers == SBI_HEADERS_MAX || f[i].kind != SBI_TEXT)
            return ERR_NOSPACE;
        h->headers[h->n_headers++] = (struct sbi_header){
            str_of(f[i].json),
            *(const struct str *)(const void *)((const uint8_t *)value + f[i].off)};
    }
    return OK;
}
static int get_headers(const struct sbi_schema *s, const struct sbi_http *h, struct arena *a,
                       void *value, struct sbi_report *why)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++) {
        const struct sbi_header *found = NULL;
        for (uint32_t k = 0; k < h->n_headers && (f[i].flags & SBI_HEADER); k++)
            if (h->headers[k].name.n == strlen(f[i].json) &&
                strncasecmp(h->headers[k].name.p, f[i].json, h->headers[k].name.n) == 0)
                found = &h->headers[k];
        if (!found)
            continue;
        struct str v = arena_str(a, found->value);
        if (!get_text(v, f + i, (uint8_t *)value + f[i].off))
            return refuse_row(why, f + i, false);
        if (f[i].flags & SBI_OPTIONAL)
            ((uint8_t *)value)[f[i].has_off] = true;
    }
    return OK;
}

/* ---- requests ---- */
static const char *
request_type(const struct sbi_op_desc *d) /* TS 29.501 5.3.5: json-patch or merge-patch */
{
    const struct sbi_field *body = sbi_body_row(d->req);
    if (d->method != SBI_PATCH || !body)
        return "application/json";
    return body->kind == SBI_OBJS ? "application/json-patch+json" : "application/merge-patch+json";
}
static bool has_form(const struct sbi_schema *s)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++)
        if (f[i].flags & SBI_FORM)
            return true;
    return false;
}

int sbi_request_encode(enum sbi_op op, const void *req, struct arena *a, struct sbi_http *h)
{
    const struct sbi_op_desc *d = &sbi_ops[op];
    *h = (struct sbi_http){.method = d->method};
    const struct sbi_field *callback = callback_row(d);
    struct wr w = arena_rest(a);
    int r =
        callback
            ? put_uri(h, *(const struct str *)(const void *)((const uint8_t *)req + callback->off))
            : put_path(&w, d, req);
    if (!r && !callback)
        r = put_pairs(&w, d->req, SBI_QUERY, req, "?");
    if (!r && w.bad)
        r = ERR_NOSPACE;
    if (!r && !callback)
        h->path = arena_keep(a, &w);
    if (!r)
        r = put_headers(d->req, req, h);
    if (!r && has_form(d->req)) {
        w = arena_rest(a);
        r = put_pairs(&w, d->req, SBI_FORM, req, "");
        h->content_type = STR("application/x-www-form-urlencoded");
        h->body = wr_done(&w);
        arena_keep(a, &w);
        return !r && w.bad ? ERR_NOSPACE : r;
    }
    return r ? r : put_body(d->req, req, request_type(d), a, h);
}

int sbi_request_decode(enum sbi_op op, const struct sbi_http *h, struct arena *a, void *req,
                       struct sbi_report *why)
{
    const struct sbi_op_desc *d = &sbi_ops[op];
    struct str query = h->path, path = cut(&query, '?');
    memset(req, 0, d->req->size);
    *why = (struct sbi_report){0};
    int r = get_path(d, h, path, a, req, why);
    if (!r && d->nf != SBI_NF_CALLBACK)
        r = get_pairs(d->req, SBI_QUERY, query, a, req, why);
    if (!r)
        r = get_headers(d->req, h, a, req, why);
    if (!r && has_form(d->req))
        return get_pairs(d->req, SBI_FORM, (struct str){(const char *)h->body.p, h->body.n}, a, req,
                         why);
    return r || !sbi_has_body(d->req) ? r : get_body(d->req, h, a, req, why);
}

/* ---- responses ---- */
static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

int sbi_response_encode(enum sbi_op op, int status, const void *rsp, const void *err,
                        struct arena *a, struct sbi_http *h)
{
    const struct sbi_op_desc *d = &sbi_ops[op];
    *h = (struct sbi_http){.method = d->method, .status = status};
    if (!is_success(status)) {
        bool problem = strcmp(d->err->name, "ProblemDetails") == 0;
        return err ? put_body(d->err, err,
                              problem ? "application/problem+json" : "application/json", a, h)
                   : OK;
    }
    int r = put_headers(d->rsp, rsp, h);
    return r || status == 204 ? r : put_body(d->rsp, rsp, "application/json", a, h);
}

static int get_error(const struct sbi_op_desc *d, const struct sbi_http *h, struct arena *a,
                     void *err, struct sbi_report *why)
{
    static const char name[] = "ProblemDetails";
    memset(err, 0, d->err->size);
    if (!h->body.n)
        return OK;
    /* An error of the way, not of the producer: the problem alone, whatever else the type of the op
     * would hold. */
    struct sbi_ProblemDetails *inner = sbi_problem_in(d->err, err);
    if (type_is(h->content_type, "application/problem+json") && strcmp(d->err->name, name) != 0)
        return inner ? get_body(sbi_problem_schema(), h, a, inner, why) : OK;
    return get_body(d->err, h, a, err, why);
}

int sbi_response_decode(enum sbi_op op, const struct sbi_http *h, struct arena *a, void *rsp,
                        void *err, struct sbi_report *why)
{
    const struct sbi_op_desc *d = &sbi_ops[op];
    *why = (struct sbi_report){0};
    if (!is_success(h->status))
        return get_error(d, h, a, err, why);
    memset(rsp, 0, d->rsp->size);
    /* Another 2xx than the op's own may come without a body: 204 for 200. */
    bool body = sbi_has_body(d->rsp) && (h->body.n || h->status == d->ok) && h->status != 204;
    int r = body ? get_body(d->rsp, h, a, rsp, why) : OK;
    return r ? r : get_headers(d->rsp, h, a, rsp, why);
}
