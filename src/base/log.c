/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/format.h"
#include "base/map.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const struct event_desc event_descs[EVENT_COUNT] = {
#define EVENT(id, level, nf, text) {#id, text, LOG_##level, LOG_NF_##nf},
#include "../../spec/events.def"
#undef EVENT
};
static const struct event_desc no_event = {"unknown", "an event that has no row", LOG_ERROR, LOG_NF_CMD};

const struct event_desc *event_desc(enum event e)
{
    return (unsigned)e < EVENT_COUNT ? &event_descs[e] : &no_event;
}

const char *log_level_text(enum log_level level)
{
    static const char *const text[] = {"error", "warn", "notice", "info", "debug"};
    return (unsigned)level < ARRAY_LEN(text) ? text[level] : "?";
}

const char *log_nf_text(enum log_nf nf)
{
    static const char *const text[LOG_NF_COUNT] = {
#define X(id, text) text,
        LOG_NFS(X)
#undef X
    };
    return (unsigned)nf < LOG_NF_COUNT ? text[nf] : "?";
}

/* ---- a line under construction ---- */
struct line {
    char text[LOG_LINE_MAX];
    uint32_t n;
    bool json;
};
enum { LINE_TAIL = 8 }; /* kept free for what closes a line */

static void put(struct line *l, const char *p, size_t n)
{
    if (l->n + n > LOG_LINE_MAX - LINE_TAIL)
        n = l->n < LOG_LINE_MAX - LINE_TAIL ? LOG_LINE_MAX - LINE_TAIL - l->n : 0;
    memcpy(l->text + l->n, p, n);
    l->n += (uint32_t)n;
}
static void put_text(struct line *l, const char *z) { put(l, z, strlen(z)); }

/* Length of the well-formed UTF-8 sequence at p, 0 if there is none (RFC 3629). */
static uint32_t utf8_len(const uint8_t *p, uint32_t n)
{
    if (p[0] < 0x80)
        return 1;
    uint32_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
        return 0;
    for (uint32_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : len;
}

/* One unit of a value: a character, or the escape of what may not stand in a line. C1 controls and line
 * separators of Unicode are escaped as well: terminals and log readers act on them. */
static void put_escaped(struct line *l, struct bytes v)
{
    char unit[8];
    for (uint32_t i = 0; i < v.n && l->n < LOG_LINE_MAX - LINE_TAIL - 8;) {
        const uint8_t *p = v.p + i;
        uint32_t len = utf8_len(p, v.n - i);
        bool control = p[0] < 0x20 || p[0] == 0x7f || (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) ||
                       (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8);
        if (len && !control && *p != '"' && *p != '\\') {
            put(l, (const char *)p, len);
            i += len;
            continue;
        }
        if (*p == '"' || *p == '\\')
            snprintf(unit, sizeof unit, "\\%c", *p);
        else
            snprintf(unit, sizeof unit, l->json ? "\\u00%02x" : "\\x%02x", *p);
        put_text(l, unit);
        i++;
    }
}

static bool is_bare(struct bytes v) /* needs no quotes in a text line */
{
    if (v.n == 0)
        return false;
    for (uint32_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] >= 0x7f || strchr("\"\\=", v.p[i]))
            return false;
    return true;
}

static void put_value(struct line *l, struct bytes v, bool number)
{
    bool quote = l->json ? !number : !is_bare(v);
    if (quote)
        put_text(l, "\"");
    put_escaped(l, v);
    if (quote)
        put(l, "\"", 1);
}

static void put_pair(struct line *l, struct str key, struct bytes v, bool number)
{
    put_text(l, l->json ? ",\"" : " ");
    put(l, key.p, key.n);
    put_text(l, l->json ? "\":" : "=");
    put_value(l, v, number);
}

/* ---- the format ---- */
/* Formats the conversion at *f (which stands on '%') with the argument that it takes, and steps over it. True for
 * a plain decimal number. Strings are bounded by the room, not by a terminator alone. */
static bool convert(const char **f, va_list *ap, char *out, size_t cap)
{
    char spec[16];
    size_t n = 0;
    int stars[2], n_stars = 0, longs = 0;
    bool size = false, bare = true;
    const char *p = *f;
    spec[n++] = *p++;
    while (*p && strchr("-+ #0123456789.*hlzjt", *p) && n < sizeof spec - 2) {
        if (*p == '*' && n_stars < 2)
            stars[n_stars++] = va_arg(*ap, int);
        longs += *p == 'l';
        size |= *p == 'z' || *p == 'j' || *p == 't';
        bare &= strchr("hlzjt", *p) != NULL;
        spec[n++] = *p++;
    }
    char c = *p ? *p++ : '%';
    spec[n++] = c;
    spec[n] = 0;
    *f = p;
#define EMIT(value)                                                                                \
    (n_stars == 0   ? snprintf(out, cap, spec, value)                                              \
     : n_stars == 1 ? snprintf(out, cap, spec, stars[0], value)                                    \
                    : snprintf(out, cap, spec, stars[0], stars[1], value))
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
    switch (c) {
    case 'd': case 'i': case 'u': case 'x': case 'X': case 'o':
        if (longs || size)
            EMIT(va_arg(*ap, unsigned long));
        else
            EMIT(va_arg(*ap, unsigned));
        return bare && (c == 'd' || c == 'i' || c == 'u');
    case 'c': EMIT(va_arg(*ap, int)); return false;
    case 'f': case 'g': case 'e': EMIT(va_arg(*ap, double)); return false;
    case 'p': EMIT(va_arg(*ap, void *)); return false;
    case 's': {
        const char *s = va_arg(*ap, const char *);
        EMIT(s ? s : n_stars ? "" : "none");
        return false;
    }
    default: snprintf(out, cap, "%%"); return false;
    }
    _Pragma("GCC diagnostic pop")
#undef EMIT
}

/* Reads one word of the format up to a space, with the arguments of its conversions. */
struct word {
    struct str key; /* p NULL: text */
    char value[LOG_LINE_MAX];
    uint32_t n;
    bool number; /* the value is one decimal number and nothing else */
};
static void word_read(struct word *w, const char **f, va_list *ap)
{
    const char *p = *f;
    size_t key = strcspn(p, "= %");
    w->key = (struct str){NULL, 0};
    w->n = 0;
    w->number = false;
    if (p[key] == '=') {
        w->key = (struct str){p, (uint32_t)key};
        p += key + 1;
    }
    bool quoted = w->key.p && *p == '"'; /* then it may hold spaces */
    p += quoted;
    char last = quoted ? '"' : ' ';
    bool only = !quoted && *p == '%';
    while (*p && *p != last) {
        size_t room = sizeof w->value - w->n;
        if (*p == '%') {
            w->number = convert(&p, ap, w->value + w->n, room);
            w->n += (uint32_t)strnlen(w->value + w->n, room - 1);
        } else if (room > 1) {
            w->value[w->n++] = *p++;
            only = false;
        } else {
            p++;
        }
        only &= *p == 0 || *p == last;
    }
    p += quoted && *p;
    w->number &= only;
    *f = p;
}

/* Many lines are of one second: its text is made once. */
static void put_clock(struct line *l, struct log *log)
{
    uint64_t us = log->unix_us ? log->unix_us(log->clock) : 0;
    char fraction[8] = {'.', [7] = 'Z'};
    if (log->clock_s != us / 1000000 || !log->clock_text[0]) {
        time_t s = (time_t)(us / 1000000);
        struct tm tm;
        gmtime_r(&s, &tm);
        log->clock_s = us / 1000000;
        log->clock_text[strftime(log->clock_text, sizeof log->clock_text - 1, "%FT%T", &tm)] = 0;
    }
    put_text(l, log->clock_text);
    uint32_t rest = (uint32_t)(us % 1000000);
    for (uint32_t i = 6; i > 0; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    put(l, fraction, sizeof fraction);
}
static void put_padded(struct line *l, const char *z, uint32_t width)
{
    static const char spaces[] = "        ";
    size_t n = strlen(z);
    put(l, z, n);
    if (n < width)
        put(l, spaces, width - n);
}
static void line_head(struct line *l, struct log *log, const struct event_desc *d)
{
    if (l->json) {
        put_text(l, "{\"time\":\"");
        put_clock(l, log);
        put_text(l, "\",\"level\":\"");
        put_text(l, log_level_text(d->level));
        put_text(l, "\",\"nf\":\"");
        put_text(l, log_nf_text(d->nf));
        put_text(l, "\",\"event\":\"");
        put_text(l, d->name);
        put_text(l, "\"");
        return;
    }
    put_clock(l, log);
    put_text(l, " ");
    put_padded(l, log_level_text(d->level), 6);
    put_text(l, " ");
    put_padded(l, log_nf_text(d->nf), 6);
    put_text(l, " ");
    put_text(l, d->name);
}

/* In a text line what is free text comes last, after a colon, so that pairs stay easy to find. */
static void line_write(struct log *log, enum event e, const char *format, va_list *ap)
{
    const struct event_desc *d = event_desc(e);
    struct line l = {.n = 0, .json = log->format == LOG_JSON};
    struct word w;
    char words[512];
    uint32_t n_words = 0;
    line_head(&l, log, d);
    for (const char *f = format; *f;) {
        if (*f == ' ') {
            f++;
            continue;
        }
        word_read(&w, &f, ap);
        if (w.key.p) {
            put_pair(&l, w.key, (struct bytes){(const uint8_t *)w.value, w.n}, w.number);
        } else if (n_words + w.n + 1 < sizeof words) {
            if (n_words)
                words[n_words++] = ' ';
            memcpy(words + n_words, w.value, w.n);
            n_words += w.n;
        }
    }
    struct bytes text = n_words ? (struct bytes){(const uint8_t *)words, n_words}
                                : (struct bytes){(const uint8_t *)d->text, (uint32_t)strlen(d->text)};
    if (l.json) {
        put_pair(&l, STR("text"), text, false);
        l.text[l.n++] = '}';
    } else {
        put_text(&l, ": ");
        put_escaped(&l, text);
    }
    l.text[l.n++] = '\n';
    log->line(log->ctx, (struct str){l.text, l.n});
}

static void write_now(struct log *log, enum event e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void write_now(struct log *log, enum event e, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    line_write(log, e, format, &ap);
    va_end(ap);
}

/* ---- not too much of it ---- */
static void suppressed_tell(struct log *log, enum event e)
{
    struct log_bucket *b = &log->buckets[e];
    if (!b->suppressed)
        return;
    uint32_t lines = b->suppressed;
    b->suppressed = 0;
    if (log_is_on(log, EVENT_log_suppressed))
        write_now(log, EVENT_log_suppressed, "of=%s lines=%u", event_desc(e)->name, lines);
}

static bool bucket_takes(struct log *log, enum event e)
{
    struct log_bucket *b = &log->buckets[e];
    uint64_t now = log->unix_us ? log->unix_us(log->clock) : 0;
    uint64_t more = event_desc(e)->level == LOG_DEBUG ? 50 : 1;
    uint64_t burst = log->burst * more * 1000, rate = log->rate_s * more;
    if (!log->unix_us)
        return true;
    if (!b->used || now < b->at_us) { /* the clock may step back */
        b->tokens = b->used ? b->tokens : (uint32_t)(burst > UINT32_MAX ? UINT32_MAX : burst);
        b->used = true;
    } else {
        uint64_t gap = now - b->at_us;
        uint64_t tokens = gap > 3600u * 1000000u ? burst : b->tokens + gap * rate / 1000;
        if (tokens == b->tokens && tokens < 1000) /* too soon for even one part: keep the time running */
            goto taken;
        b->tokens = (uint32_t)(tokens > burst ? burst : tokens);
    }
    b->at_us = now;
taken:
    if (b->tokens < 1000) {
        b->suppressed++;
        log->suppressed++;
        return false;
    }
    b->tokens -= 1000;
    return true;
}

void log_event(struct log *log, enum event e, const char *format, ...)
{
    if (!log_is_on(log, e) || (unsigned)e >= EVENT_COUNT || !bucket_takes(log, e))
        return;
    suppressed_tell(log, e);
    va_list ap;
    va_start(ap, format);
    line_write(log, e, format, &ap);
    va_end(ap);
}

void log_flush(struct log *log)
{
    for (unsigned e = 0; log && log->line && e < EVENT_COUNT; e++)
        suppressed_tell(log, (enum event)e);
}

void log_init(struct log *log, const uint8_t secret[16])
{
    *log = (struct log){.format = LOG_TEXT, .rate_s = 10, .burst = 40};
    log->secret[0] = be64(secret);
    log->secret[1] = be64(secret + 8);
    log_set_level(log, LOG_INFO);
}

void log_set_level(struct log *log, enum log_level level)
{
    memset(log->level, (int)level, sizeof log->level);
}

struct pseudonym log_identity(const struct log *log, struct str supi)
{
    struct pseudonym p = {"ue#none"};
    if (log && supi.n)
        format_put(p.text, sizeof p.text, "ue#%08x",
                   (unsigned)(siphash24(log->secret[0], log->secret[1], supi.p, supi.n) & UINT32_MAX));
    return p;
}
