/* SPDX-License-Identifier: Apache-2.0 */
/* sbi.c - the descriptions that the engines walk, made from spec/sbi. */
#include "codec/sbi_json.h"

_Static_assert(sizeof(enum sbi_AccessType) == sizeof(int), "engines read enumerations as int");

/* Pass: enumerations. */
#define ENUM(T)                                                                                    \
    static const struct sbi_code_desc *sbi_code_##T(void)                                          \
    {                                                                                              \
        static const char *const texts[] = {NULL,
#define VAL(T, X)        [SBI_##T##_##X] = #X,
#define VALT(T, X, text) [SBI_##T##_##X] = text,
#define END_ENUM(T)                                                                                \
        };                                                                                         \
        static const struct sbi_code_desc d = {#T, texts, ARRAY_LEN(texts)};                       \
        return &d;                                                                                 \
    }
#define MSG(T)
#define END(T)
#define OP(name, ...)
#define END_OP(name)
#define FAIL(...)
#define ROW_(m)
#include "codec/sbi_rows.h"

/* Pass: rows. A function for each, so that its rows can name their own struct as SELF. */
#define ENUM(T)
#define VAL(T, X)
#define VALT(T, X, text)
#define END_ENUM(T)
#define MSG(T)                                                                                     \
    static const struct sbi_field *sbi_fields_##T(void)                                            \
    {                                                                                              \
        typedef struct sbi_##T SELF;                                                               \
        static const struct sbi_field fields[] = {
#define END(T)                                                                                     \
        {0}};                                                                                      \
        (void)sizeof(SELF);                                                                        \
        return fields;                                                                             \
    }                                                                                              \
    __attribute__((unused)) static const struct sbi_schema sbi_schema_##T = {                      \
        #T, sbi_fields_##T, sizeof(struct sbi_has_##T) - 1, sizeof(struct sbi_##T)};
#define OP(name, ...)                                                                              \
    static const struct sbi_field *sbi_fields_req_##name(void)                                     \
    {                                                                                              \
        typedef struct sbi_req_##name SELF;                                                        \
        static const struct sbi_field fields[] = {
#define END_OP(op)                                                                                 \
        {0}};                                                                                      \
        return fields;                                                                             \
    }                                                                                              \
    static const struct sbi_schema sbi_schema_req_##op = {                                         \
        #op, sbi_fields_req_##op, sizeof(struct sbi_has_req_##op) - 1, sizeof(struct sbi_req_##op)};
#define FAIL(...)
#define SBI_FIELDS_
#include "codec/sbi_rows.h"

const struct sbi_op_desc sbi_ops[SBI_OP_MAX] = {
#define ENUM(T)
#define VAL(T, X)
#define VALT(T, X, text)
#define END_ENUM(T)
#define MSG(T)
#define END(T)
#define OP(op, nf_, method_, path_, Rsp, Err, ok_, deadline_)                                      \
    [SBI_##op] = {.name = #op, .path = path_, .nf = SBI_NF_##nf_, .method = SBI_##method_,         \
                  .req = &sbi_schema_req_##op, .rsp = &sbi_schema_##Rsp, .err = &sbi_schema_##Err, \
                  .ok = ok_, .deadline_us = (deadline_) * 1000ull},
#define END_OP(name)
#define FAIL(...)
#define ROW_(m)
#include "codec/sbi_rows.h"
};

const char *sbi_code_text(const struct sbi_code_desc *d, int value)
{
    return value > 0 && (uint32_t)value < d->n ? d->texts[value] : "";
}

const struct sbi_schema *sbi_problem_schema(void) { return &sbi_schema_ProblemDetails; }

struct sbi_ProblemDetails *sbi_problem_in(const struct sbi_schema *err, void *value)
{
    if (err == &sbi_schema_ProblemDetails)
        return value;
    const struct sbi_field *f = err->fields();
    for (uint32_t i = 0; i < err->n; i++)
        if (f[i].kind == SBI_OBJ && f[i].sub == &sbi_schema_ProblemDetails)
            return (void *)((uint8_t *)value + f[i].off);
    return NULL;
}

int sbi_code_find(const struct sbi_code_desc *d, struct str text)
{
    for (uint32_t i = 1; text.n && i < d->n; i++)
        if (str_is(text, d->texts[i]))
            return (int)i;
    return 0;
}

const struct sbi_field *sbi_body_row(const struct sbi_schema *s)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++)
        if (f[i].flags & SBI_BODY)
            return f + i;
    return NULL;
}

bool sbi_has_body(const struct sbi_schema *s)
{
    const struct sbi_field *f = s->fields();
    for (uint32_t i = 0; i < s->n; i++)
        if ((f[i].flags & SBI_BODY) || sbi_in_json(f + i))
            return true;
    return false;
}

/* RFC 3629 4: shortest form, no surrogates, nothing above U+10FFFF; and no NUL. */
bool utf8_valid(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
    while (p < end) {
        unsigned char c = *p++;
        if (c - 1u < 0x7f)
            continue;
        unsigned n = c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
        if (!n || (size_t)(end - p) < n || (c == 0xe0 && *p < 0xa0) || (c == 0xed && *p >= 0xa0) ||
            (c == 0xf0 && *p < 0x90) || (c == 0xf4 && *p >= 0x90))
            return false;
        while (n--)
            if ((*p++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

uint32_t base64_put(char *out, struct bytes b) /* RFC 4648 4 */
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *q = out;
    for (uint32_t i = 0; i < b.n; i += 3) {
        uint32_t left = b.n - i;
        uint32_t v = (uint32_t)b.p[i] << 16 | (left > 1 ? (uint32_t)b.p[i + 1] << 8 : 0) | (left > 2 ? b.p[i + 2] : 0u);
        *q++ = digits[v >> 18];
        *q++ = digits[v >> 12 & 63];
        *q++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *q++ = left > 2 ? digits[v & 63] : '=';
    }
    return (uint32_t)(q - out);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int64_t base64_get(uint8_t *out, struct str s)
{
    if (s.n % 4 == 0)
        for (unsigned pad = 0; pad < 2 && s.n && s.p[s.n - 1] == '='; pad++)
            s.n--;
    uint32_t v = 0, n = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        int digit = base64_digit(s.p[i]);
        if (digit < 0)
            return -1;
        v = v << 6 | (uint32_t)digit;
        if (i % 4)
            out[n++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
    }
    /* one digit left over is no octet; bits left over are 0 in what an encoder makes */
    uint32_t rest = s.n % 4;
    return rest == 1 || (rest && (v & ((1u << (6 - 2 * (rest - 1))) - 1))) ? -1 : (int64_t)n;
}
