/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/note.h"
#include "codec/sbi_json.h"
#include <stdio.h>

#define DASH "\xe2\x80\x94 " /* U+2014, a space */

bool line_take(struct str *rest, struct str *line)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    if (!end)
        return false;
    *line = (struct str){rest->p, (uint32_t)(end - rest->p)};
    rest->p += line->n + 1;
    rest->n -= line->n + 1;
    return true;
}

bool decimal_get(struct str s, uint64_t *out)
{
    uint64_t v = 0;
    if (!s.n || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (uint32_t i = 0; i < s.n; i++) {
        uint32_t digit = (uint32_t)(s.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

/* Octets of base64 (RFC 4648 clause 4) that is written in the one way that it can be; their number or -1. */
static int32_t base64_strict(uint8_t *out, uint32_t cap, struct str s)
{
    uint8_t raw[192];
    char again[260];
    if (s.n % 4 || s.n > 240)
        return -1;
    int64_t n = base64_get(raw, s);
    if (n < 0 || n > cap || base64_put(again, (struct bytes){raw, (uint32_t)n}) != s.n || memcmp(again, s.p, s.n) != 0)
        n = -1;
    else
        memcpy(out, raw, (size_t)n);
    secret_wipe(raw, sizeof raw); /* private keys come this way as well */
    secret_wipe(again, sizeof again);
    return (int32_t)n;
}

bool hash_get(struct str base64, struct merkle_hash *out)
{
    return base64.n == HASH_TEXT - 1 && base64_strict(out->b, sizeof out->b, base64) == MERKLE_HASH;
}

void hash_text(const struct merkle_hash *h, char out[HASH_TEXT])
{
    out[base64_put(out, BYTES_OF(h->b))] = 0;
}

/* ---- keys ---- */
static bool is_unicode_space(const uint8_t *p, uint32_t left)
{
    if (left >= 2 && p[0] == 0xc2)
        return p[1] == 0x85 || p[1] == 0xa0;
    if (left < 3)
        return false;
    uint32_t v = be24(p);
    return v == 0xe19a80 || (v >= 0xe28080 && v <= 0xe2808a) || v == 0xe280a8 || v == 0xe280a9 || v == 0xe280af ||
           v == 0xe2819f || v == 0xe38080;
}

bool note_name_valid(struct str s)
{
    if (!s.n || s.n > NOTE_NAME_MAX || !utf8_valid(s))
        return false;
    for (uint32_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c <= 0x20 || c == '+' || c == 0x7f || is_unicode_space((const uint8_t *)s.p + i, s.n - i))
            return false;
    }
    return true;
}

static int key_init(struct note_key *k, struct crypto *c, struct str name, enum note_algorithm a, const uint8_t pub[ED25519_KEY])
{
    uint8_t digest[32], type = (uint8_t)a;
    if (!note_name_valid(name))
        return ERR_SYNTAX;
    const struct bytes parts[] = {{(const uint8_t *)name.p, name.n}, {(const uint8_t *)"\n", 1}, {&type, 1}, {pub, ED25519_KEY}};
    int e = crypto_sha256(c, parts, ARRAY_LEN(parts), digest);
    *k = (struct note_key){.id = be32(digest), .algorithm = a};
    str_copy(k->name, sizeof k->name, name);
    memcpy(k->pub, pub, ED25519_KEY);
    return e;
}

int note_signer_init(struct note_signer *s, struct crypto *c, struct str name, enum note_algorithm a,
                     const uint8_t seed[ED25519_KEY])
{
    uint8_t pub[ED25519_KEY];
    int e = ed25519_public(seed, pub);
    if (e == OK)
        e = key_init(&s->key, c, name, a, pub);
    memcpy(s->seed, seed, ED25519_KEY);
    return e;
}

/* NAME+HASH+BASE64 where BASE64 is an octet for the algorithm and the key's 32. */
static int key_split(struct str text, struct str *name, uint8_t id[4], uint8_t key[1 + ED25519_KEY])
{
    while (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    const char *plus = text.n ? memchr(text.p, '+', text.n) : NULL;
    if (!plus)
        return ERR_SYNTAX;
    *name = (struct str){text.p, (uint32_t)(plus - text.p)};
    struct str rest = {plus + 1, text.n - name->n - 1};
    char lower[9];
    if (rest.n < 10 || rest.p[8] != '+' || !hex_get(id, 4, (struct str){rest.p, 8}))
        return ERR_SYNTAX;
    hex_put(lower, id, 4);
    if (memcmp(lower, rest.p, 8) != 0)
        return ERR_SYNTAX;
    if (base64_strict(key, 1 + ED25519_KEY, (struct str){rest.p + 9, rest.n - 9}) != 1 + ED25519_KEY)
        return ERR_SYNTAX;
    return key[0] == NOTE_ED25519 || key[0] == NOTE_COSIGNATURE ? OK : ERR_UNSUPPORTED;
}

int note_key_parse(struct note_key *k, struct crypto *c, struct str text)
{
    struct str name;
    uint8_t id[4], key[1 + ED25519_KEY];
    int e = key_split(text, &name, id, key);
    if (e == OK)
        e = key_init(k, c, name, (enum note_algorithm)key[0], key + 1);
    return e == OK && k->id != be32(id) ? ERR_SYNTAX : e;
}

#define PRIVATE "PRIVATE+KEY+"
int note_signer_parse(struct note_signer *s, struct crypto *c, struct str text)
{
    struct str name;
    uint8_t id[4], key[1 + ED25519_KEY];
    if (!str_starts(text, PRIVATE))
        return ERR_SYNTAX;
    int e = key_split((struct str){text.p + sizeof PRIVATE - 1, text.n - (uint32_t)sizeof PRIVATE + 1}, &name, id, key);
    if (e == OK)
        e = note_signer_init(s, c, name, (enum note_algorithm)key[0], key + 1);
    secret_wipe(key, sizeof key);
    return e == OK && s->key.id != be32(id) ? ERR_SYNTAX : e;
}

static uint32_t key_put(const struct note_key *k, const char *head, const uint8_t raw[ED25519_KEY], char out[NOTE_KEY_TEXT])
{
    uint8_t key[1 + ED25519_KEY] = {(uint8_t)k->algorithm};
    char base64[48];
    memcpy(key + 1, raw, ED25519_KEY);
    uint32_t n = base64_put(base64, BYTES_OF(key));
    int m = snprintf(out, NOTE_KEY_TEXT, "%s%s+%08x+%.*s", head, k->name, k->id, (int)n, base64);
    secret_wipe(key, sizeof key);
    secret_wipe(base64, sizeof base64);
    return (uint32_t)m;
}
uint32_t note_key_text(const struct note_key *k, char out[NOTE_KEY_TEXT]) { return key_put(k, "", k->pub, out); }
uint32_t note_signer_text(const struct note_signer *s, char out[NOTE_KEY_TEXT]) { return key_put(&s->key, PRIVATE, s->seed, out); }

/* ---- notes ---- */
static int signature_parse(struct note_signature *s, struct str line)
{
    uint8_t raw[4 + sizeof s->octets];
    if (!str_starts(line, DASH))
        return ERR_SYNTAX;
    line = (struct str){line.p + 4, line.n - 4};
    const char *space = memchr(line.p, ' ', line.n);
    if (!space)
        return ERR_SYNTAX;
    s->name = (struct str){line.p, (uint32_t)(space - line.p)};
    struct str base64 = {space + 1, line.n - s->name.n - 1};
    if (!note_name_valid(s->name) || base64.n < 8 || base64.n % 4)
        return ERR_SYNTAX;
    int32_t n = base64_strict(raw, sizeof raw, base64);
    s->n = 0;
    s->id = 0;
    if (n < 0) /* longer than ours, such as of ML-DSA; what is short must be base64 */
        return base64.n > 100 ? OK : ERR_SYNTAX;
    if (n < 5)
        return ERR_SYNTAX;
    s->id = be32(raw);
    s->n = (uint32_t)n - 4;
    memcpy(s->octets, raw + 4, s->n);
    return OK;
}

static bool text_valid(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < 0x20 && s.p[i] != '\n')
            return false;
    return s.n && s.p[s.n - 1] == '\n' && utf8_valid(s);
}

int note_parse(struct note *n, struct str text)
{
    *n = (struct note){0};
    if (text.n > NOTE_MAX)
        return ERR_FULL;
    if (!text_valid(text))
        return ERR_SYNTAX;
    const char *gap = NULL; /* the last empty line divides the text from its signatures */
    for (const char *p = text.p; p + 1 < text.p + text.n; p++)
        if (p[0] == '\n' && p[1] == '\n')
            gap = p;
    if (!gap)
        return ERR_SYNTAX;
    n->text = (struct str){text.p, (uint32_t)(gap + 1 - text.p)};
    struct str rest = {gap + 2, text.n - n->text.n - 1}, line;
    while (line_take(&rest, &line)) {
        if (n->n == NOTE_SIGNATURES_MAX)
            return ERR_FULL;
        int e = signature_parse(&n->signature[n->n++], line);
        if (e < 0)
            return e;
    }
    return n->n && !rest.n ? OK : ERR_SYNTAX;
}

/* What a key signs: the text, or for a cosignature two lines before it. */
static uint32_t signed_text(enum note_algorithm a, struct str text, uint64_t at_s, char out[NOTE_MAX + 64])
{
    int n = a == NOTE_COSIGNATURE ? snprintf(out, 64, "cosignature/v1\ntime %llu\n", (unsigned long long)at_s) : 0;
    memcpy(out + n, text.p, text.n);
    return (uint32_t)n + text.n;
}

static int signature_verify(const struct note_signature *s, const struct note_key *k, struct str text, uint64_t *at_s)
{
    char message[NOTE_MAX + 64];
    uint32_t head = k->algorithm == NOTE_COSIGNATURE ? 8 : 0;
    if (s->n != head + ED25519_SIGNATURE)
        return ERR_MAC;
    *at_s = head ? be64(s->octets) : 0;
    if (*at_s > INT64_MAX)
        return ERR_MAC;
    uint32_t n = signed_text(k->algorithm, text, *at_s, message);
    return ed25519_verify(k->pub, (struct bytes){(const uint8_t *)message, n}, s->octets + head);
}

int note_verify(const struct note *n, const struct note_key *k, uint64_t *at_s)
{
    uint64_t at = 0;
    int result = ERR_NOTFOUND;
    for (uint32_t i = 0; i < n->n; i++) {
        const struct note_signature *s = &n->signature[i];
        if (s->id != k->id || !str_is(s->name, k->name))
            continue;
        result = signature_verify(s, k, n->text, &at);
        if (result < 0)
            return result;
        if (at_s)
            *at_s = at;
    }
    return result;
}

int note_sign(const struct note_signer *s, struct str text, uint64_t at_s, char *out, uint32_t cap)
{
    char message[NOTE_MAX + 64], base64[112];
    uint8_t raw[4 + 8 + ED25519_SIGNATURE];
    uint32_t head = 4;
    if (text.n > NOTE_MAX || at_s > INT64_MAX)
        return ERR_NOSPACE;
    put_be32(raw, s->key.id);
    if (s->key.algorithm == NOTE_COSIGNATURE) {
        put_be64(raw + 4, at_s);
        head += 8;
    }
    uint32_t n = signed_text(s->key.algorithm, text, at_s, message);
    int e = ed25519_sign(s->seed, (struct bytes){(const uint8_t *)message, n}, raw + head);
    if (e < 0)
        return e;
    uint32_t k = base64_put(base64, (struct bytes){raw, head + ED25519_SIGNATURE});
    int m = snprintf(out, cap, DASH "%s %.*s\n", s->key.name, (int)k, base64);
    return m > 0 && (uint32_t)m < cap ? m : ERR_NOSPACE;
}

/* ---- checkpoints ---- */
int checkpoint_parse(struct checkpoint *c, struct str text)
{
    struct str size, root, line;
    if (!line_take(&text, &c->origin) || !line_take(&text, &size) || !line_take(&text, &root))
        return ERR_SYNTAX;
    if (!c->origin.n || !decimal_get(size, &c->size) || !hash_get(root, &c->root))
        return ERR_SYNTAX;
    while (line_take(&text, &line))
        if (!line.n)
            return ERR_SYNTAX;
    return text.n ? ERR_SYNTAX : OK;
}

int checkpoint_text(const struct checkpoint *c, char *out, uint32_t cap)
{
    char root[HASH_TEXT];
    hash_text(&c->root, root);
    int n = snprintf(out, cap, "%.*s\n%llu\n%s\n", STR_ARG(c->origin), (unsigned long long)c->size, root);
    return n > 0 && (uint32_t)n < cap ? n : ERR_NOSPACE;
}
