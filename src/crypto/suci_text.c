/* SPDX-License-Identifier: Apache-2.0 */
/* suci_text.c - MSINs in BCD, and the text form of a SUCI (TS 23.003 2.2B, TS 29.571 5.3.2). */
#include "crypto/suci.h"

static bool digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static bool digits(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if (!digit(s.p[i]))
            return false;
    return s.n > 0;
}

int suci_msin_put(struct str msin, uint8_t *out, uint32_t cap)
{
    uint32_t n = msin.n / 2 + (msin.n & 1);
    if (!digits(msin))
        return ERR_SYNTAX;
    if (msin.n > 10)
        return ERR_RANGE;
    if (n > cap)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        unsigned low = (unsigned)(msin.p[2 * i] - '0');
        unsigned high = 2 * i + 1 < msin.n ? (unsigned)(msin.p[2 * i + 1] - '0') : 0xf;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return (int)n;
}

int suci_msin_get(struct bytes bcd, char *out, uint32_t cap)
{
    uint32_t n = 0;
    if (bcd.n == 0 || bcd.n > 5)
        return ERR_RANGE;
    if (cap < bcd.n * 2 + 1)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < bcd.n; i++) {
        uint8_t low = bcd.p[i] & 0xf, high = bcd.p[i] >> 4;
        if (low > 9 || (high > 9 && !(high == 0xf && i + 1 == bcd.n)))
            return ERR_SYNTAX;
        out[n++] = (char)('0' + low);
        if (high <= 9)
            out[n++] = (char)('0' + high);
    }
    out[n] = 0;
    return (int)n;
}

/* The text up to the next '-', which is taken too; n 0 when there is none. */
static struct str field(struct str *rest)
{
    for (uint32_t i = 0; i < rest->n; i++) {
        if (rest->p[i] == '-') {
            struct str f = {rest->p, i};
            *rest = (struct str){rest->p + i + 1, rest->n - i - 1};
            return f;
        }
    }
    return (struct str){rest->p, 0};
}

static int hex_digit(char ch)
{
    return digit(ch)                ? ch - '0'
           : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
           : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                    : -1;
}

/* "<routing>-<scheme>-<key id>-<output>" */
static bool tail_parse(struct str s, struct suci *out)
{
    struct str scheme, key;
    out->routing = field(&s);
    scheme = field(&s);
    key = field(&s);
    out->output = s;
    if (!digits(out->routing) || out->routing.n > 4 || scheme.n != 1 ||
        hex_digit(scheme.p[0]) < 0 || !digits(key) || key.n > 3 || s.n == 0)
        return false;
    unsigned id = 0;
    for (uint32_t i = 0; i < key.n; i++)
        id = id * 10 + (unsigned)(key.p[i] - '0');
    out->scheme = (uint8_t)hex_digit(scheme.p[0]);
    out->key_id = (uint8_t)id;
    return id <= 255;
}

int suci_parse(struct str text, struct suci *out)
{
    *out = (struct suci){0};
    if (!str_starts(text, "suci-"))
        return ERR_SYNTAX;
    struct str s = {text.p + 5, text.n - 5}, type = field(&s);
    if (type.n != 1 || type.p[0] < '0' || type.p[0] > '7')
        return ERR_SYNTAX;
    out->type = (uint8_t)(type.p[0] - '0');
    if (out->type == 0) {
        out->mcc = field(&s);
        out->mnc = field(&s);
        bool ok = out->mcc.n == 3 && digits(out->mcc) && (out->mnc.n == 2 || out->mnc.n == 3) &&
                  digits(out->mnc);
        return ok && tail_parse(s, out) ? OK : ERR_SYNTAX;
    }
    /* a realm may contain '-': it ends where the first well-formed rest begins */
    for (uint32_t i = 1; i < s.n; i++) {
        if (s.p[i] == '-' && tail_parse((struct str){s.p + i + 1, s.n - i - 1}, out)) {
            out->realm = (struct str){s.p, i};
            return OK;
        }
    }
    return ERR_SYNTAX;
}

/* The plaintext of a concealed SUCI. */
static int open_output(struct crypto *c, const struct hn_key *hn, const struct suci *s,
                       uint8_t *plain, uint32_t cap)
{
    uint8_t bin[SUCI_OVERHEAD + SUCI_PLAIN_MAX];
    if (s->scheme != SUCI_PROFILE_A && s->scheme != SUCI_PROFILE_B)
        return ERR_UNSUPPORTED;
    if (!hn || (uint8_t)hn_key_scheme(hn) != s->scheme)
        return ERR_NOTFOUND;
    if (s->output.n & 1)
        return ERR_SYNTAX;
    if (s->output.n / 2 > sizeof bin)
        return ERR_RANGE;
    if (!hex_get(bin, s->output.n / 2, s->output))
        return ERR_SYNTAX;
    return suci_deconceal(c, hn, (struct bytes){bin, s->output.n / 2}, plain, cap);
}

static bool user_name(struct str s) /* what RFC 7542 lets stand before the '@', roughly */
{
    for (uint32_t i = 0; i < s.n; i++) {
        uint8_t ch = (uint8_t)s.p[i];
        if (ch <= ' ' || ch == 0x7f || ch == '@')
            return false;
    }
    return s.n > 0;
}

struct text { /* a writer of text that remembers that it did not fit */
    char *p;
    uint32_t n, cap;
    bool bad;
};

static void text_add(struct text *t, struct str s)
{
    if (t->bad || s.n >= t->cap - t->n) {
        t->bad = true;
        return;
    }
    memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
    t->p[t->n] = 0;
}

int suci_reveal(struct crypto *c, const struct hn_key *hn, const struct suci *s, char *supi,
                uint32_t cap)
{
    static const char *const prefix[] = {"imsi-", "nai-", "gci-", "gli-"};
    uint8_t plain[SUCI_PLAIN_MAX];
    char msin[16];
    struct str id = s->output;
    if (cap == 0)
        return ERR_NOSPACE;
    if (s->type >= ARRAY_LEN(prefix))
        return ERR_UNSUPPORTED;
    int n = 0;
    if (s->scheme != SUCI_NULL) {
        n = open_output(c, hn, s, plain, sizeof plain);
        if (n < 0)
            return n;
        id = (struct str){(const char *)plain, (uint32_t)n};
        if (s->type == 0) {
            n = suci_msin_get((struct bytes){plain, (uint32_t)n}, msin, sizeof msin);
            id = (struct str){msin, n > 0 ? (uint32_t)n : 0};
        }
    }
    struct text t = {supi, 0, cap, false};
    if (n >= 0 && s->type == 0 ? !digits(id) || id.n + s->mcc.n + s->mnc.n > 15 : !user_name(id))
        n = ERR_SYNTAX;
    if (n >= 0) {
        text_add(&t, str_of(prefix[s->type]));
        if (s->type == 0) {
            text_add(&t, s->mcc);
            text_add(&t, s->mnc);
        }
        text_add(&t, id);
        if (s->type != 0) {
            text_add(&t, STR("@"));
            text_add(&t, s->realm);
        }
        n = t.bad ? ERR_NOSPACE : (int)t.n;
    }
    secret_wipe(plain, sizeof plain);
    secret_wipe(msin, sizeof msin);
    return n;
}
