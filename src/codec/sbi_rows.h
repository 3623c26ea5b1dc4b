/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_rows.h - walks spec/sbi once with the macros that the includer set, then forgets them. The includer defines
 * ENUM VAL VALT END_ENUM MSG END OP END_OP FAIL, and either ROW_(member), or SBI_MEMBERS_ for C members, or
 * SBI_FIELDS_ for struct sbi_field rows (with SELF the struct in question). No include guard on purpose. */
#pragma push_macro("STR")
#undef STR
#ifdef SBI_MEMBERS_
#define TEXT(m, ...)              struct str m;
#define INT(m, ...)               int64_t m;
#define BOOL(m, ...)              bool m;
#define DOUBLE_(m, ...)           struct str m;
#define CODE(m, j, pr, f, T)      enum sbi_##T m;
#define HEX(m, ...)               struct bytes m;
#define B64(m, ...)               struct bytes m;
#define BIN(m, ...)               struct bytes m;
#define ANY(m, ...)               struct str m;
#define OBJ(m, j, pr, f, T)       struct sbi_##T m;
#define TEXTS(m, ...)             struct { const struct str *p; uint32_t n; } m;
#define INTS(m, ...)              struct { const int64_t *p; uint32_t n; } m;
#define CODES(m, j, pr, f, T, ...) struct { const enum sbi_##T *p; uint32_t n; } m;
#define OBJS(m, j, pr, f, T, ...)  struct { const struct sbi_##T *p; uint32_t n; } m;
#define MAPOF(m, j, pr, f, T, ...) struct { const struct sbi_entry_##T *p; uint32_t n; } m;
#define TEXTMAP(m, ...)           struct { const struct sbi_text_entry *p; uint32_t n; } m;
#elif defined(SBI_FIELDS_)
#define SBI_0        0
#define SBI_REQ_     0
#define SBI_OPT_     SBI_OPTIONAL
#define PATH         SBI_PATH
#define QUERY        SBI_QUERY
#define HEADER       SBI_HEADER
#define FORM         SBI_FORM
#define BODY         SBI_BODY
#define SECRET       SBI_SECRET
#define IDENTITY     SBI_IDENTITY
#define F_(m, j, p, f, k, lo_, hi_, ...)                                                           \
    {.json = j, .member = #m, .kind = SBI_##k, .flags = (uint8_t)(SBI_##p##_ | (f)),               \
     .off = offsetof(SELF, m), .has_off = offsetof(SELF, has.m), .lo = lo_, .hi = hi_, __VA_ARGS__},
#define ITEM_(m)                         .item = sizeof(*((SELF *)0)->m.p)
#define TEXT(m, j, p, f, lo, hi)         F_(m, j, p, f, TEXT, lo, hi)
#define INT(m, j, p, f, lo, hi)          F_(m, j, p, f, INT, lo, hi)
#define BOOL(m, j, p, f)                 F_(m, j, p, f, BOOL, 0, 1)
#define DOUBLE_(m, j, p, f)              F_(m, j, p, f, DOUBLE, 1, 40)
#define CODE(m, j, p, f, T)              F_(m, j, p, f, CODE, 0, SBI_##T##_MAX - 1, .code = sbi_code_##T)
#define HEX(m, j, p, f, lo, hi)          F_(m, j, p, f, HEX, lo, hi)
#define B64(m, j, p, f, lo, hi)          F_(m, j, p, f, B64, lo, hi)
#define BIN(m, j, p, f, ct)              F_(m, j, p, f, BIN, 0, 65535, .content_type = ct)
#define ANY(m, j, p, f)                  F_(m, j, p, f, ANY, 0, 65535)
#define OBJ(m, j, p, f, T)               F_(m, j, p, f, OBJ, 0, 0, .sub = &sbi_schema_##T)
#define TEXTS(m, j, p, f, lo, hi)        F_(m, j, p, f, TEXTS, lo, hi, ITEM_(m))
#define INTS(m, j, p, f, lo, hi)         F_(m, j, p, f, INTS, lo, hi, ITEM_(m))
#define CODES(m, j, p, f, T, lo, hi)     F_(m, j, p, f, CODES, lo, hi, ITEM_(m), .code = sbi_code_##T)
#define OBJS(m, j, p, f, T, lo, hi)      F_(m, j, p, f, OBJS, lo, hi, ITEM_(m), .sub = &sbi_schema_##T)
#define MAPOF(m, j, p, f, T, lo, hi)     F_(m, j, p, f, MAPOF, lo, hi, ITEM_(m), .sub = &sbi_schema_##T)
#define TEXTMAP(m, j, p, f, lo, hi)      F_(m, j, p, f, TEXTMAP, lo, hi, ITEM_(m))
#else
#define TEXT(m, ...)    ROW_(m)
#define INT(m, ...)     ROW_(m)
#define BOOL(m, ...)    ROW_(m)
#define DOUBLE_(m, ...) ROW_(m)
#define CODE(m, ...)    ROW_(m)
#define HEX(m, ...)     ROW_(m)
#define B64(m, ...)     ROW_(m)
#define BIN(m, ...)     ROW_(m)
#define ANY(m, ...)     ROW_(m)
#define OBJ(m, ...)     ROW_(m)
#define TEXTS(m, ...)   ROW_(m)
#define INTS(m, ...)    ROW_(m)
#define CODES(m, ...)   ROW_(m)
#define OBJS(m, ...)    ROW_(m)
#define MAPOF(m, ...)   ROW_(m)
#define TEXTMAP(m, ...) ROW_(m)
#endif
#include "../../spec/sbi/all.def"
#undef TEXT
#undef INT
#undef BOOL
#undef DOUBLE_
#undef CODE
#undef HEX
#undef B64
#undef BIN
#undef ANY
#undef OBJ
#undef TEXTS
#undef INTS
#undef CODES
#undef OBJS
#undef MAPOF
#undef TEXTMAP
#undef ENUM
#undef VAL
#undef VALT
#undef END_ENUM
#undef MSG
#undef END
#undef OP
#undef END_OP
#undef FAIL
#undef ROW_
#undef SBI_MEMBERS_
#undef SBI_FIELDS_
#pragma pop_macro("STR")
