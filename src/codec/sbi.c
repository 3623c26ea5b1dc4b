/* SPDX-License-Identifier: Apache-2.0 */
/* sbi.c - the descriptions that the engines walk, made from spec/sbi. */
#include "codec/sbi.h"

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
