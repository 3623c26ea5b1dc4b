/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - a JSON reader that walks. */
#include "codec/json.h"
#include "base/text.h"
#include "codec/sbi_json.h"

static void place(struct json *j, const char *at)
{
    j->line = j->lines;
    j->column = (uint32_t)(at - j->line_start) + 1;
}
static bool wrong_at(struct json *j, const char *at, const char *why)
{
    if (!j->why) {
        place(j, at);
        j->why = why;
    }
    return false;
}
bool json_wrong(struct json *j, const char *why)
{
    if (!j->why)
        j->why = why;
    return false;
}

void json_start(struct json *j, struct str text)
{
    static const char nothing[1];
    *j = (struct json){.line = 1, .column = 1, .lines = 1};
    j->p = j->line_start = text.p ? text.p : nothing;
    j->end = j->p + text.n;
    if (str_starts(text, "\xef\xbb\xbf"))
        j->p = j->line_start = j->p + 3;
}

static void space(struct json *j)
{
    for (; j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'); j->p++)
        if (*j->p == '\n') {
            j->lines++;
            j->line_start = j->p + 1;
        }
}

enum json_kind json_peek(struct json *j)
{
    if (j->why)
        return JSON_NOTHING;
    space(j);
    place(j, j->p);
    switch (j->p < j->end ? *j->p : 0) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_TEXT;
    case 't':
    case 'f': return JSON_BOOL;
    case 'n': return JSON_NULL;
    case '-': return JSON_NUMBER;
    default: break;
    }
    if (j->p < j->end && *j->p >= '0' && *j->p <= '9')
        return JSON_NUMBER;
    wrong_at(j, j->p, j->p < j->end ? "found no value, expected one" : "the text ends before it should");
    return JSON_NOTHING;
}

static bool enter(struct json *j, enum json_kind kind, const char *why)
{
    if (json_peek(j) != kind)
        return json_wrong(j, why);
    if (j->depth == JSON_DEPTH)
        return json_wrong(j, "objects and arrays are nested too deep");
    j->first[j->depth++] = true;
    j->p++;
    return true;
}
bool json_object(struct json *j) { return enter(j, JSON_OBJECT, "expected an object, { ... }"); }
bool json_array(struct json *j) { return enter(j, JSON_ARRAY, "expected an array, [ ... ]"); }

/* Past the comma to the next, or past the bracket. */
static bool next(struct json *j, char close)
{
    if (j->why || !j->depth)
        return false;
    space(j);
    bool first = j->first[j->depth - 1];
    if (j->p < j->end && *j->p == close) {
        j->p++;
        j->depth--;
        return false;
    }
    if (!first && (j->p >= j->end || *j->p != ','))
        return wrong_at(j, j->p, close == '}' ? "expected , or }" : "expected , or ]");
    if (!first)
        j->p++;
    j->first[j->depth - 1] = false;
    return true;
}
bool json_item(struct json *j) { return next(j, ']'); }

static int hex4(const char *p, const char *end)
{
    uint8_t b[2];
    return end - p >= 4 && hex_get(b, 2, (struct str){p, 4}) ? be16(b) : -1;
}
/* The value of an escape and the octets it took; -1: there is no such escape. A NUL is none. */
static int32_t escape(const char *p, const char *end, uint32_t *taken)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (end - p < 2)
        return -1;
    const char *two = p[1] != 'u' && p[1] ? strchr(from, p[1]) : NULL;
    *taken = two ? 2 : 6;
    if (two)
        return to[two - from];
    int v = p[1] == 'u' ? hex4(p + 2, end) : -1;
    if (v <= 0 || (v >= 0xdc00 && v < 0xe000))
        return -1;
    if (v < 0xd800 || v >= 0xe000)
        return v;
    int low = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, end) : -1;
    *taken = 12;
    return low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00) : -1;
}
static uint32_t utf8_put(char *out, uint32_t v)
{
    if (v < 0x80)
        return out[0] = (char)v, 1;
    uint32_t n = v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
    for (uint32_t i = n; --i; v >>= 6)
        out[i] = (char)(0x80 | (v & 63));
    out[0] = (char)((0xf00 >> n & 0xff) | v);
    return n;
}

/* The text between the quotes as it stands, checked; *escapes: how many it has. */
static bool raw_text(struct json *j, struct str *raw, uint32_t *escapes)
{
    if (json_peek(j) != JSON_TEXT)
        return json_wrong(j, "expected a text in quotes");
    const char *from = j->p + 1, *p = from;
    bool ascii = true;
    uint32_t taken;
    *escapes = 0;
    for (; p < j->end && *p != '"'; p += taken) {
        unsigned char c = (unsigned char)*p;
        taken = 1;
        if (c < 0x20)
            return wrong_at(j, p, "a control character in a text");
        if (c == '\\' && escape(p, j->end, &taken) < 0)
            return wrong_at(j, p, "an escape sequence that does not exist");
        *escapes += c == '\\';
        ascii &= c < 0x80;
    }
    if (p >= j->end)
        return json_wrong(j, "a text that does not end");
    *raw = (struct str){from, (uint32_t)(p - from)};
    j->p = p + 1;
    return ascii || utf8_valid(*raw) || json_wrong(j, "a text that is not UTF-8");
}
static uint32_t unescape(char *out, struct str raw)
{
    char *q = out;
    uint32_t taken;
    for (const char *p = raw.p, *end = raw.p + raw.n; p < end; p += taken) {
        taken = 1;
        if (*p != '\\')
            *q++ = *p;
        else
            q += utf8_put(q, (uint32_t)escape(p, end, &taken));
    }
    return (uint32_t)(q - out);
}
bool json_text(struct json *j, struct arena *a, struct str *out)
{
    uint32_t escapes;
    if (!raw_text(j, out, &escapes) || !escapes)
        return !j->why;
    char *p = arena_take(a, out->n);
    if (!p)
        return json_wrong(j, "there is no memory for this text");
    *out = (struct str){p, unescape(p, *out)};
    return true;
}
bool json_member(struct json *j, struct str *name, char scratch[64])
{
    struct arena a = arena_over(scratch, 64);
    if (!next(j, '}') || !json_text(j, &a, name))
        return false;
    space(j);
    if (j->p >= j->end || *j->p != ':')
        return wrong_at(j, j->p, "expected : after the name of a member");
    j->p++;
    return true;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}
bool json_number(struct json *j, struct str *out)
{
    if (json_peek(j) != JSON_NUMBER)
        return json_wrong(j, "expected a number");
    const char *from = j->p, *whole = from + (*from == '-'), *p = digits(whole, j->end);
    bool ok = p > whole && (p - whole == 1 || *whole != '0');
    if (ok && p < j->end && *p == '.') {
        const char *fraction = p + 1;
        p = digits(fraction, j->end);
        ok = p > fraction;
    }
    if (ok && p < j->end && (*p | 0x20) == 'e') {
        const char *x = p + 1 + (p + 1 < j->end && (p[1] == '+' || p[1] == '-'));
        p = digits(x, j->end);
        ok = p > x;
    }
    *out = (struct str){from, (uint32_t)(p - from)};
    j->p = p;
    return ok || json_wrong(j, "not a number");
}
static bool word(struct json *j, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, w, n) != 0)
        return false;
    j->p += n;
    return true;
}
bool json_bool(struct json *j, bool *out)
{
    if (json_peek(j) != JSON_BOOL || !((*out = word(j, "true")) || word(j, "false")))
        return json_wrong(j, "expected true or false");
    return true;
}
bool json_null(struct json *j)
{
    if (json_peek(j) != JSON_NULL || !word(j, "null"))
        return json_wrong(j, "expected null");
    return true;
}

static bool skip_simple(struct json *j, enum json_kind k)
{
    struct str s;
    uint32_t n;
    bool b;
    return k == JSON_TEXT ? raw_text(j, &s, &n) : k == JSON_NUMBER ? json_number(j, &s)
                                              : k == JSON_BOOL     ? json_bool(j, &b)
                                                                   : k == JSON_NULL && json_null(j);
}
static bool skip_in(struct json *j, bool object)
{
    struct str s;
    uint32_t n;
    while (next(j, object ? '}' : ']')) {
        if (object && raw_text(j, &s, &n)) {
            space(j);
            if (j->p < j->end && *j->p == ':')
                j->p++;
            else
                wrong_at(j, j->p, "expected : after the name of a member");
        }
        if (!json_skip(j))
            break;
    }
    return !j->why;
}
bool json_skip(struct json *j)
{
    enum json_kind k = json_peek(j);
    if (k == JSON_OBJECT)
        return json_object(j) && skip_in(j, true);
    if (k == JSON_ARRAY)
        return json_array(j) && skip_in(j, false);
    return k != JSON_NOTHING && skip_simple(j, k);
}
bool json_end(struct json *j)
{
    if (!j->why) {
        space(j);
        if (j->p < j->end)
            wrong_at(j, j->p, "found more after the end");
    }
    return !j->why;
}

void json_put_text(struct text *out, struct str s)
{
    text_add(out, "\"");
    for (uint32_t i = 0, from = 0; i <= s.n; i++) {
        unsigned char c = i < s.n ? (unsigned char)s.p[i] : 0;
        if (i < s.n && c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_add(out, "%.*s", (int)(i - from), s.p ? s.p + from : "");
        if (i < s.n && c >= 0x20)
            text_add(out, "\\%c", c);
        else if (i < s.n)
            text_add(out, "\\u%04x", c);
        from = i + 1;
    }
    text_add(out, "\"");
}
