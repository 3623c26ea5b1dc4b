/* SPDX-License-Identifier: Apache-2.0 */
/* Random valid messages, for tests. Octets are drawn until the row takes them. */
#include "codec/nas_kind.h"

enum { TRIES = 20000, LONG = 24, VALUE_OCTETS = 64 };

struct dice {
    uint64_t *seed;
    struct wr w;
};
static uint64_t roll(struct dice *d) /* splitmix64 */
{
    uint64_t z = *d->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static bool is_half(uint8_t format) { return format == NAS_V_LOW || format == NAS_V_HIGH || format == NAS_TV1; }
/* Anything; pairs of digits, as in identities; small, as lengths and counts are. */
static uint8_t octet(struct dice *d, uint32_t n)
{
    uint64_t r = roll(d);
    switch (r & 3) {
    case 0: return (uint8_t)(r >> 8);
    case 1: return (uint8_t)((r >> 8) % 10 << 4 | (r >> 16) % 10);
    case 2: return (uint8_t)((r >> 8) % n);
    default: return 0;
    }
}
/* Octets of a value that the row takes; 0: none was found. */
static uint32_t value(struct dice *d, const struct nas_row *row, uint8_t *v)
{
    uint64_t block[128];
    struct nas_msg to; /* larger than any value */
    for (uint32_t i = 0; i < TRIES; i++) {
        struct arena a = arena_over(block, sizeof block);
        bool fixed = row->format == NAS_V || row->format == NAS_TV;
        uint32_t most = row->max < row->min + LONG ? row->max : row->min + LONG;
        uint32_t n = is_half(row->format) ? 1 : fixed ? row->max : row->min + (uint32_t)(roll(d) % (most - row->min + 1));
        if (!n || n > VALUE_OCTETS)
            n = 1;
        for (uint32_t k = 0; k < n; k++)
            v[k] = octet(d, n);
        if (is_half(row->format))
            v[0] &= 15;
        if (nas_value_get(row, (struct bytes){v, n}, (uint8_t *)&to, &a) == OK)
            return n;
    }
    return 0;
}
static bool put(struct dice *d, const struct nas_row *row, uint8_t *half)
{
    uint8_t v[VALUE_OCTETS];
    uint32_t n = value(d, row, v);
    if (!n)
        return false;
    switch ((enum nas_format)row->format) {
    case NAS_V_LOW: case NAS_V_HIGH:
        *half = row->format == NAS_V_LOW ? v[0] : (uint8_t)(*half | v[0] << 4);
        if (row->format == NAS_V_HIGH || row[1].format != NAS_V_HIGH || !row[1].name) {
            wr_u8(&d->w, *half);
            *half = 0;
        }
        return true;
    case NAS_TV1: wr_u8(&d->w, row->iei | v[0]); return true;
    case NAS_TV: case NAS_TLV: case NAS_TLV_E: wr_u8(&d->w, row->iei); break;
    default: break;
    }
    if (row->format == NAS_LV || row->format == NAS_TLV)
        wr_u8(&d->w, (uint8_t)n);
    else if (row->format == NAS_LV_E || row->format == NAS_TLV_E)
        wr_u16(&d->w, (uint16_t)n);
    wr_bytes(&d->w, (struct bytes){v, n});
    return true;
}
int nas_random(enum nas_type type, uint64_t *seed, uint8_t *buf, size_t cap)
{
    struct dice d = {.seed = seed, .w = wr_over(buf, (uint32_t)cap)};
    const struct nas_desc *desc = nas_desc_of(NAS_EPD_MM, (uint8_t)type);
    bool sm = !desc;
    uint8_t half = 0;
    desc = sm ? nas_desc_of(NAS_EPD_SM, (uint8_t)type) : desc;
    if (!desc)
        return ERR_UNKNOWN;
    wr_u8(&d.w, desc->epd);
    wr_u8(&d.w, sm ? (uint8_t)(1 + roll(&d) % 15) : NAS_PLAIN);
    if (sm)
        wr_u8(&d.w, (uint8_t)(1 + roll(&d) % 254));
    wr_u8(&d.w, (uint8_t)type);
    for (const struct nas_row *row = desc->row; row->name; row++)
        if (!row->iei || roll(&d) % 4 == 0)
            if (!put(&d, row, &half) && !row->iei)
                return ERR_RANGE; /* of its many tries none fitted */
    return d.w.bad ? ERR_NOSPACE : (int)d.w.n;
}
