/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - slices: a pointer and a length that own nothing. What they point to lives in an arena, a packet
 * or a literal; the owner says how long. Big-endian loads and stores, hex, constant-time compare, wiping. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes { /* octets */
    const uint8_t *p;
    uint32_t n; /* octets */
};
struct str { /* text, not NUL-terminated */
    const char *p;
    uint32_t n; /* octets */
};
struct bits { /* a bit string, first bit is the most significant of p[0]; unused trailing bits are 0 */
    const uint8_t *p;
    uint32_t n; /* bits */
};

#define STR(lit)      ((struct str){(lit), sizeof(lit) - 1})
#define BYTES_OF(arr) ((struct bytes){(arr), sizeof(arr)})
#define ARRAY_LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define STR_FMT       "%.*s"
#define STR_ARG(s)    ((int)(s).n), ((s).p ? (s).p : "")

static inline struct str str_of(const char *z) { return (struct str){z, z ? (uint32_t)strlen(z) : 0}; }
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_is(struct str a, const char *z) { return str_eq(a, str_of(z)); }
/* Upper and lower case of A to Z are one. */
bool str_eq_nocase(struct str a, struct str b);
static inline bool str_starts(struct str a, const char *z)
{
    size_t n = strlen(z);
    return a.n >= n && memcmp(a.p, z, n) == 0;
}
static inline bool bytes_starts(struct bytes a, struct bytes with)
{
    return a.n >= with.n && (!with.n || memcmp(a.p, with.p, with.n) == 0);
}
static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
/* Copies into a char[cap], always terminated; false when it was cut. */
bool str_copy(char *to, size_t cap, struct str from);

static inline uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}
static inline uint32_t be32(const uint8_t *p) { return (uint32_t)be16(p) << 16 | be16(p + 2); }
static inline uint64_t be64(const uint8_t *p) { return (uint64_t)be32(p) << 32 | be32(p + 4); }
static inline void put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void put_be24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    put_be16(p + 1, (uint16_t)v);
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, (uint16_t)(v >> 16));
    put_be16(p + 2, (uint16_t)v);
}
static inline void put_be64(uint8_t *p, uint64_t v)
{
    put_be32(p, (uint32_t)(v >> 32));
    put_be32(p + 4, (uint32_t)v);
}

/* Lower-case hex of n octets into out[2n + 1]. */
void hex_put(char *out, const uint8_t *p, size_t n);
/* Octets from text of exactly 2n hex digits, either case; false (and out undefined) on anything else. */
bool hex_get(uint8_t *out, size_t n, struct str text);
/* True when equal; the time does not depend on the contents. For MACs, RES*, keys. */
bool secret_eq(const void *a, const void *b, size_t n);
/* Overwrites in a way the compiler keeps. */
void secret_wipe(void *p, size_t n);
