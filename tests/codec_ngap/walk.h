/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - calls a function for every octet string that contains an encoded type, anywhere in a
 * value. */
#pragma once
#include "codec/aper.h"

typedef void contained_fn(const struct asn_type *t, struct bytes octets, void *user);

static inline void walk(const struct asn_type *t, const uint8_t *v, contained_fn *f, void *user)
{
    switch ((enum asn_kind)t->kind) {
    case ASN_OCTETS:
        if (t->elem)
            f(t->elem, *(const struct bytes *)v, user);
        break;
    case ASN_LIST: {
        const struct asn_list *l = (const struct asn_list *)v;
        for (uint32_t i = 0; i < l->n; i++)
            walk(t->elem, (const uint8_t *)l->v + (size_t)i * t->elem->size, f, user);
        break;
    }
    case ASN_CHOICE: {
        uint32_t sel = *(const uint32_t *)v;
        if (sel < t->n_fields)
            walk(t->fields[sel].type, v + t->fields[sel].offset, f, user);
        break;
    }
    case ASN_SEQ:
    case ASN_IES:
    case ASN_EXTSET: {
        uint64_t has = ((const struct asn_has *)v)->mask[0];
        for (unsigned i = 0; i < t->n_fields; i++) {
            const struct asn_field *m = &t->fields[i];
            if (m->presence == ASN_EXTENSIONS) {
                const uint8_t *x = m->type ? *(const uint8_t *const *)(v + m->offset) : NULL;
                if (x)
                    walk(m->type, x, f, user);
            } else if (has >> i & 1) {
                walk(m->type, v + m->offset, f, user);
            }
        }
        break;
    }
    case ASN_INT:
    case ASN_ENUM:
    case ASN_BITS:
    case ASN_CHARS:
    case ASN_UTF8:
    case ASN_NULL:
    case ASN_OPEN: break;
    }
}
