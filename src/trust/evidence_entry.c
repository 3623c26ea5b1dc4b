/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/evidence_entry.h"
#include "base/wire.h"
#include "trust/note.h"
#include <stdio.h>

enum { INTERFACE_MAX = 8 };
#define HEAD "redoubt-evidence/v1\ntime "

static const char *const kind_names[EVIDENCE_KIND_COUNT] = {
#define EVIDENCE(name, text) #name,
#include "../../spec/evidence.def"
#undef EVIDENCE
};
const char *evidence_kind_text(enum evidence_kind k) { return k < EVIDENCE_KIND_COUNT ? kind_names[k] : "unknown"; }

/* ---- time: the proleptic Gregorian calendar, without leap seconds ---- */
static int64_t days_of(int64_t y, uint32_t m, uint32_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    uint32_t yoe = (uint32_t)(y - era * 400), doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + (int64_t)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

static void date_of(int64_t days, uint32_t *y, uint32_t *m, uint32_t *d)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t doe = (uint32_t)(z - era * 146097), yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = (uint32_t)(yoe + era * 400) + (*m <= 2);
}

static void digits_put(char *p, uint32_t v, uint32_t n)
{
    while (n--) {
        p[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

void utc_text(uint64_t at_us, char out[UTC_TEXT])
{
    uint64_t s = at_us / 1000000;
    uint32_t y, m, d, day = (uint32_t)(s % 86400);
    date_of((int64_t)(s / 86400), &y, &m, &d);
    memcpy(out, "0000-00-00T00:00:00.000000Z", UTC_TEXT);
    digits_put(out, y, 4);
    digits_put(out + 5, m, 2);
    digits_put(out + 8, d, 2);
    digits_put(out + 11, day / 3600, 2);
    digits_put(out + 14, day / 60 % 60, 2);
    digits_put(out + 17, day % 60, 2);
    digits_put(out + 20, (uint32_t)(at_us % 1000000), 6);
}

static bool digits_get(const char *p, uint32_t n, uint32_t *v)
{
    for (*v = 0; n; n--, p++) {
        if (*p < '0' || *p > '9')
            return false;
        *v = *v * 10 + (uint32_t)(*p - '0');
    }
    return true;
}

bool utc_get(struct str s, uint64_t *at_us)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t y, m, d, h, min, sec, us;
    if (s.n != UTC_TEXT - 1 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' ||
        s.p[19] != '.' || s.p[26] != 'Z')
        return false;
    if (!digits_get(s.p, 4, &y) || !digits_get(s.p + 5, 2, &m) || !digits_get(s.p + 8, 2, &d) || !digits_get(s.p + 11, 2, &h) ||
        !digits_get(s.p + 14, 2, &min) || !digits_get(s.p + 17, 2, &sec) || !digits_get(s.p + 20, 6, &us))
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > month_days[m - 1] + (m == 2 && leap ? 1u : 0u) || h > 23 || min > 59 || sec > 59)
        return false;
    *at_us = ((uint64_t)days_of(y, m, d) * 86400 + h * 3600 + min * 60 + sec) * 1000000 + us;
    return true;
}

/* ---- text that may come from a hostile peer ---- */
/* Octets of the printable character at p, 0: none. */
static uint32_t printable_one(const uint8_t *p, uint32_t left, bool newlines)
{
    if (p[0] < 0x80)
        return (p[0] >= 0x20 && p[0] != 0x7f) || (newlines && p[0] == '\n');
    uint32_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, v;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
        return 0;
    v = p[0] & (0x7fu >> n);
    for (uint32_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    if ((n == 3 && v < 0x800) || (n == 4 && v < 0x10000) || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    /* C1 controls; marks that turn the direction of text or end lines; byte order marks */
    if (v < 0xa0 || (v >= 0x202a && v <= 0x202e) || (v >= 0x2066 && v <= 0x2069) || (v >= 0x2028 && v <= 0x2029) ||
        v == 0x200e || v == 0x200f || v == 0x061c || v == 0xfeff)
        return 0;
    return n;
}

uint32_t printable_length(struct str s, bool newlines)
{
    uint32_t at = 0;
    for (uint32_t n; at < s.n && (n = printable_one((const uint8_t *)s.p + at, s.n - at, newlines)); at += n) {
    }
    return at;
}

static void put_text(struct wr *w, struct str s, bool newlines)
{
    while (s.n) {
        uint32_t n = printable_length(s, newlines);
        wr_bytes(w, (struct bytes){(const uint8_t *)s.p, n});
        if (n == s.n)
            break;
        wr_u8(w, '?');
        s = (struct str){s.p + n + 1, s.n - n - 1};
    }
}

static void put_str(struct wr *w, const char *z) { wr_bytes(w, (struct bytes){(const uint8_t *)z, (uint32_t)strlen(z)}); }
static void put_hex(struct wr *w, const uint8_t *p, uint32_t n)
{
    static const char digit[] = "0123456789abcdef";
    uint8_t *o = n < INT32_MAX ? wr_octets(w, 2 * n) : NULL;
    for (uint32_t i = 0; o && i < n; i++) {
        o[2 * i] = (uint8_t)digit[p[i] >> 4];
        o[2 * i + 1] = (uint8_t)digit[p[i] & 15];
    }
}

/* ---- sealed messages ---- */
static int seal_keys(struct crypto *c, const uint8_t key[32], struct bytes clear, uint8_t *cipher, uint8_t tag[32])
{
    static const uint8_t iv[16];
    const struct bytes tagged[] = {{(const uint8_t *)"tag", 3}, clear};
    int e = crypto_hmac_sha256(c, (struct bytes){key, 32}, tagged, 2, tag);
    if (clear.n)
        memcpy(cipher, clear.p, clear.n);
    return e < 0 ? e : crypto_aes128_ctr(c, key, iv, cipher, clear.n); /* a key is used for one message */
}

static int key_of(struct crypto *c, const uint8_t seal_key[SEAL_KEY], const uint8_t nonce[SEAL_NONCE], uint8_t key[32])
{
    const struct bytes parts[] = {{(const uint8_t *)"redoubt-evidence-seal", 21}, {nonce, SEAL_NONCE}};
    return crypto_hmac_sha256(c, (struct bytes){seal_key, SEAL_KEY}, parts, 2, key);
}

static int put_sealed(struct wr *w, struct crypto *c, const struct entry_draft *d, uint32_t i)
{
    uint8_t key[32], tag[32];
    struct bytes clear = d->message[i].octets;
    int e = key_of(c, d->seal_key, d->nonce[i], key);
    put_str(w, " sealed ");
    put_hex(w, d->nonce[i], SEAL_NONCE);
    put_str(w, " ");
    uint8_t *tag_at = wr_octets(w, 64);
    put_str(w, " ");
    uint8_t *at = clear.n < INT32_MAX ? wr_octets(w, 2 * clear.n) : NULL;
    if (e == OK && at && tag_at) { /* ciphertext into the back half of its room, then hexadecimal from the front */
        uint8_t *cipher = at + clear.n;
        e = seal_keys(c, key, clear, cipher, tag);
        struct wr t = wr_over(tag_at, 64), h = wr_over(at, 2 * clear.n);
        put_hex(&t, tag, sizeof tag);
        for (uint32_t k = 0; k < clear.n; k++) {
            uint8_t octet = cipher[k];
            put_hex(&h, &octet, 1);
        }
    }
    secret_wipe(key, sizeof key);
    return e;
}

int message_key(struct crypto *c, const uint8_t seal_key[SEAL_KEY], struct str nonce, uint8_t key[32])
{
    uint8_t raw[SEAL_NONCE];
    return hex_get(raw, sizeof raw, nonce) ? key_of(c, seal_key, raw, key) : ERR_SYNTAX;
}

int message_open(struct crypto *c, const struct entry_message *m, const uint8_t key[32], uint8_t *out)
{
    static const uint8_t iv[16];
    uint8_t want[32], tag[32];
    uint32_t n = m->octets.n / 2;
    if (!m->is_sealed || !hex_get(want, sizeof want, m->tag) || !hex_get(out, n, m->octets))
        return ERR_SYNTAX;
    int e = crypto_aes128_ctr(c, key, iv, out, n);
    const struct bytes tagged[] = {{(const uint8_t *)"tag", 3}, {out, n}};
    if (e == OK)
        e = crypto_hmac_sha256(c, (struct bytes){key, 32}, tagged, 2, tag);
    return e < 0 ? e : secret_eq(tag, want, sizeof tag) ? OK : ERR_MAC;
}

static bool is_interface(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

/* ---- writing ---- */
static int put_message(struct wr *w, struct crypto *c, const struct entry_draft *d, uint32_t i)
{
    const struct evidence_message *m = &d->message[i];
    const char *name = m->interface && *m->interface ? m->interface : "-";
    put_str(w, "message ");
    for (const char *p = name; *p && p < name + INTERFACE_MAX; p++)
        wr_u8(w, is_interface(*p) ? (uint8_t)*p : '-');
    put_str(w, m->is_sent ? " sent" : " received");
    int e = OK;
    if (m->is_clear) {
        put_str(w, " clear ");
        put_hex(w, m->octets.p, m->octets.n);
    } else if (d->seal_key) {
        e = put_sealed(w, c, d, i);
    } else {
        char octets[16];
        snprintf(octets, sizeof octets, "%u", m->octets.n);
        put_str(w, " withheld ");
        put_str(w, octets);
    }
    put_str(w, "\n");
    return e;
}

int entry_encode(struct crypto *c, const struct entry_draft *d, uint8_t *out, uint32_t cap)
{
    struct wr w = wr_over(out, cap < EVIDENCE_ENTRY_MAX ? cap : EVIDENCE_ENTRY_MAX);
    char at[UTC_TEXT];
    if (d->kind >= EVIDENCE_KIND_COUNT || d->n_messages > EVIDENCE_MESSAGES_MAX || d->at_us > 253402300799999999u)
        return ERR_RANGE;
    utc_text(d->at_us, at);
    put_str(&w, HEAD);
    put_str(&w, at);
    put_str(&w, "\nkind ");
    put_str(&w, kind_names[d->kind]);
    put_str(&w, "\nsubject ");
    struct str subject = d->subject.n ? d->subject : STR("-");
    if (subject.n > EVIDENCE_SUBJECT_MAX)
        subject.n = EVIDENCE_SUBJECT_MAX;
    put_text(&w, subject, false);
    put_str(&w, "\n");
    int e = OK;
    for (uint32_t i = 0; i < d->n_messages && e == OK; i++)
        e = put_message(&w, c, d, i);
    put_str(&w, "\n");
    put_text(&w, d->body, true);
    return e < 0 ? e : w.bad ? ERR_NOSPACE : (int)w.n;
}

/* ---- reading ---- */
static bool is_hex(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n % 2 == 0;
}

static bool word(struct str *line, struct str *w) /* one space between words */
{
    const char *space = line->n ? memchr(line->p, ' ', line->n) : NULL;
    *w = (struct str){line->p, space ? (uint32_t)(space - line->p) : line->n};
    line->p += w->n + (space ? 1 : 0);
    line->n -= w->n + (space ? 1 : 0);
    return space != NULL;
}

static bool message_get(struct str line, struct entry_message *m)
{
    struct str which, how;
    uint64_t octets;
    *m = (struct entry_message){0};
    if (!word(&line, &m->interface) || !m->interface.n || m->interface.n > INTERFACE_MAX || !word(&line, &which) || !word(&line, &how))
        return false;
    for (uint32_t i = 0; i < m->interface.n; i++)
        if (!is_interface(m->interface.p[i]))
            return false;
    m->is_sent = str_is(which, "sent");
    if (!m->is_sent && !str_is(which, "received"))
        return false;
    if (str_is(how, "withheld"))
        return decimal_get(line, &octets);
    m->is_sealed = str_is(how, "sealed");
    if (m->is_sealed && (!word(&line, &m->nonce) || !word(&line, &m->tag) || m->nonce.n != 2 * SEAL_NONCE || m->tag.n != 64 ||
                         !is_hex(m->nonce) || !is_hex(m->tag)))
        return false;
    m->octets = line;
    return (m->is_sealed || str_is(how, "clear")) && is_hex(line);
}

static bool field(struct str *rest, const char *name, struct str *value)
{
    size_t n = strlen(name);
    if (!line_take(rest, value) || !str_starts(*value, name))
        return false;
    *value = (struct str){value->p + n, value->n - (uint32_t)n};
    return true;
}

int entry_time(struct bytes b, uint64_t *at_us)
{
    enum { AT = sizeof HEAD - 1 };
    if (b.n < AT + UTC_TEXT || memcmp(b.p, HEAD, AT) != 0 || b.p[AT + UTC_TEXT - 1] != '\n')
        return ERR_SYNTAX;
    return utc_get((struct str){(const char *)b.p + AT, UTC_TEXT - 1}, at_us) ? OK : ERR_SYNTAX;
}

int entry_decode(struct bytes b, struct evidence_entry *out)
{
    struct str rest = {(const char *)b.p, b.n}, line;
    *out = (struct evidence_entry){0};
    if (b.n > EVIDENCE_ENTRY_MAX || entry_time(b, &out->at_us) < 0)
        return ERR_SYNTAX;
    line_take(&rest, &line);
    line_take(&rest, &line);
    if (!field(&rest, "kind ", &line))
        return ERR_SYNTAX;
    uint32_t k = 0;
    while (k < EVIDENCE_KIND_COUNT && !str_is(line, kind_names[k]))
        k++;
    if (k == EVIDENCE_KIND_COUNT)
        return ERR_UNKNOWN;
    out->kind = (enum evidence_kind)k;
    if (!field(&rest, "subject ", &out->subject) || !out->subject.n || out->subject.n > EVIDENCE_SUBJECT_MAX ||
        printable_length(out->subject, false) != out->subject.n)
        return ERR_SYNTAX;
    while (line_take(&rest, &line) && line.n) {
        if (out->n_messages == EVIDENCE_MESSAGES_MAX)
            return ERR_FULL;
        if (!str_starts(line, "message ") || !message_get((struct str){line.p + 8, line.n - 8}, &out->message[out->n_messages++]))
            return ERR_SYNTAX;
    }
    if (line.n) /* it ended without the empty line */
        return ERR_SYNTAX;
    out->body = rest;
    return printable_length(rest, true) == rest.n ? OK : ERR_SYNTAX;
}
