/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_desc.h - the rows of spec/pfcp.def as data that the engine walks. Only for the files of the
 * PFCP codec. */
#pragma once
#include "codec/pfcp.h"

enum pfcp_kind { /* of IEs */
                 PFCP_K_U3,
                 PFCP_K_U4,
                 PFCP_K_U6,
                 PFCP_K_U8,
                 PFCP_K_U16,
                 PFCP_K_U32,
                 PFCP_K_FLAGS,
                 PFCP_K_STR,
                 PFCP_K_BYTES,
                 PFCP_K_COMP,
                 PFCP_K_GROUP,
};
enum pfcp_field_kind {
    PFCP_FK_U8,
    PFCP_FK_U16,
    PFCP_FK_U24,
    PFCP_FK_U32,
    PFCP_FK_U40,
    PFCP_FK_U64,
    PFCP_FK_IP4,
    PFCP_FK_IP6,
    PFCP_FK_LV8,
    PFCP_FK_LV16,
    PFCP_FK_REST,
    PFCP_FK_REST_BUT_1,
    PFCP_FK_U8_TAIL,
    PFCP_FK_LV16_TAIL,
};
enum pfcp_privacy { PFCP_PLAIN, PFCP_IDENTITY, PFCP_SECRET };
enum pfcp_presence { PFCP_PRESENCE_M, PFCP_PRESENCE_C, PFCP_PRESENCE_CO, PFCP_PRESENCE_O };

struct pfcp_field { /* present when (flags & mask) == want, or with want 0xffff when any bit of mask
                       is set; and none of `none` */
    const char *name;
    uint16_t offset, mask, want, none;
    uint8_t kind;
};
struct pfcp_comp {
    const struct pfcp_field *f;
    uint16_t n, need; /* need: flags of which one must be set */
};
struct pfcp_member {
    const char *name;
    uint16_t ie, offset, most; /* most 0: a single one */
    uint8_t presence, bit;     /* bit in has; of a single one */
};
struct pfcp_desc {
    const char *name;
    const struct pfcp_member *m;
    uint16_t n, other; /* offset of struct pfcp_others */
    uint8_t type;      /* of a message */
    bool session;
};
struct pfcp_ie {
    const char *name;
    const void *what; /* struct pfcp_comp or pfcp_desc */
    uint16_t size;    /* of the C value */
    uint8_t kind, least, privacy;
};
enum { PFCP_MEMBERS_MAX = 64 };

struct pfcp_list { /* what every {v, n} looks like */
    void *v;
    uint32_t n;
};
const struct pfcp_ie *pfcp_ie_of(uint16_t type); /* NULL: no row */
static inline bool pfcp_field_is_present(const struct pfcp_field *f, uint16_t flags)
{
    return (f->want == 0xffff ? (flags & f->mask) != 0 : (flags & f->mask) == f->want) &&
           !(flags & f->none);
}
/* Value of a number field; what conditions are about is the first field. */
static inline uint64_t pfcp_field_number(const struct pfcp_field *f, const void *value)
{
    const uint8_t *p = (const uint8_t *)value + f->offset;
    switch (f->kind) {
    case PFCP_FK_U8:
    case PFCP_FK_U8_TAIL: return *p;
    case PFCP_FK_U16: return *(const uint16_t *)(const void *)p;
    case PFCP_FK_U24:
    case PFCP_FK_U32: return *(const uint32_t *)(const void *)p;
    default: return *(const uint64_t *)(const void *)p;
    }
}
static inline uint16_t pfcp_comp_flags(const struct pfcp_comp *c, const void *value)
{
    return c->f[0].kind <= PFCP_FK_U16 ? (uint16_t)pfcp_field_number(&c->f[0], value) : 0;
}
