/* SPDX-License-Identifier: Apache-2.0 */
/* nas_ie.c - values of mobility management: identities, slices, areas, capabilities. */
#include "codec/nas_ie.h"
#include "codec/nas_kind.h"

bool nas_flag(const struct nas_octets *o, unsigned flag)
{
    return flag >> 3 < o->n && flag >> 3 < sizeof o->octet &&
           (o->octet[flag >> 3] >> (flag & 7) & 1);
}
void nas_flag_set(struct nas_octets *o, unsigned flag)
{
    unsigned at = flag >> 3;
    if (at >= sizeof o->octet)
        return;
    if (o->n <= at)
        o->n = (uint8_t)(at + 1);
    o->octet[at] |= (uint8_t)(1u << (flag & 7));
}

int nas_get_octets(struct rd *r, void *value, struct arena *arena)
{
    struct nas_octets *o = value;
    uint32_t n = rd_left(r) < sizeof o->octet ? rd_left(r) : sizeof o->octet;
    o->n = (uint8_t)n;
    memcpy(o->octet, rd_octets(r, n), n);
    return OK;
}
int nas_put_octets(struct wr *w, const void *value)
{
    const struct nas_octets *o = value;
    if (o->n > sizeof o->octet)
        return ERR_RANGE;
    wr_bytes(w, (struct bytes){o->octet, o->n});
    return OK;
}

int nas_get_ksi(struct rd *r, void *value, struct arena *arena)
{
    uint8_t half = rd_u8(r);
    *(struct nas_ksi *)value = (struct nas_ksi){half & 7, half >> 3 & 1};
    return OK;
}
int nas_put_ksi(struct wr *w, const void *value)
{
    const struct nas_ksi *k = value;
    wr_u8(w, (uint8_t)((k->value & 7) | k->mapped << 3));
    return k->value > 7 ? ERR_RANGE : OK;
}

int nas_get_reg_type(struct rd *r, void *value, struct arena *arena)
{
    uint8_t half = rd_u8(r);
    *(struct nas_registration_type *)value =
        (struct nas_registration_type){half & 7, half >> 3 & 1};
    return OK;
}
int nas_put_reg_type(struct wr *w, const void *value)
{
    const struct nas_registration_type *t = value;
    wr_u8(w, (uint8_t)((t->value & 7) | t->follow_on << 3));
    return t->value > 7 ? ERR_RANGE : OK;
}

int nas_get_dereg_type(struct rd *r, void *value, struct arena *arena)
{
    uint8_t half = rd_u8(r);
    *(struct nas_deregistration_type *)value =
        (struct nas_deregistration_type){half >> 3 & 1, half >> 2 & 1, half & 3};
    return OK;
}
int nas_put_dereg_type(struct wr *w, const void *value)
{
    const struct nas_deregistration_type *t = value;
    wr_u8(w, (uint8_t)((t->access & 3) | t->re_registration << 2 | t->switch_off << 3));
    return t->access > 3 ? ERR_RANGE : OK;
}

int nas_get_algorithms(struct rd *r, void *value, struct arena *arena)
{
    uint8_t octet = rd_u8(r);
    *(struct nas_algorithms *)value = (struct nas_algorithms){octet >> 4, octet & 15};
    return OK;
}
int nas_put_algorithms(struct wr *w, const void *value)
{
    const struct nas_algorithms *a = value;
    wr_u8(w, (uint8_t)(a->ciphering << 4 | (a->integrity & 15)));
    return a->ciphering > 15 || a->integrity > 15 ? ERR_RANGE : OK;
}

int nas_get_ue_sec_cap(struct rd *r, void *value, struct arena *arena)
{
    struct nas_ue_security_capability *c = value;
    uint32_t n = rd_left(r) < sizeof c->octet ? rd_left(r) : sizeof c->octet;
    memset(c, 0, sizeof *c);
    c->n = (uint8_t)n;
    memcpy(c->octet, rd_octets(r, n), n);
    return OK;
}
int nas_put_ue_sec_cap(struct wr *w, const void *value)
{
    const struct nas_ue_security_capability *c = value;
    if (c->n > sizeof c->octet)
        return ERR_RANGE;
    wr_bytes(w, (struct bytes){c->octet, c->n ? c->n : c->eea || c->eia ? 4 : 2});
    return OK;
}

/* ---- 5GS mobile identity 9.11.3.4 ---- */

static bool routing_get(char to[5], const uint8_t *p)
{
    unsigned n = 0;
    for (; n < 4; n++) {
        uint8_t digit = (uint8_t)(p[n / 2] >> (n & 1 ? 4 : 0)) & 15;
        if (digit == 15)
            break;
        if (digit > 9)
            return false;
        to[n] = (char)('0' + digit);
    }
    to[n] = 0;
    return true;
}

static int suci_get(struct rd *r, uint8_t first, struct nas_suci *s)
{
    s->supi_format = first >> 4 & 7;
    if (s->supi_format > 3) /* unused values are an IMSI */
        s->supi_format = 0;
    if (s->supi_format == 0) {
        const uint8_t *plmn = rd_octets(r, 3), *routing = rd_octets(r, 2);
        s->scheme = rd_u8(r) & 15;
        s->key_id = rd_u8(r);
        if (r->bad || !routing_get(s->routing, routing))
            return ERR_SYNTAX;
        memcpy(s->plmn, plmn, 3);
    }
    s->output = rd_rest(r);
    return s->output.n ? OK : ERR_SYNTAX;
}

static int guti_get(struct rd *r, bool whole, struct nas_guti *g)
{
    if (whole) {
        const uint8_t *plmn = rd_octets(r, 3);
        if (!plmn)
            return ERR_SYNTAX;
        memcpy(g->plmn, plmn, 3);
        g->region = rd_u8(r);
    }
    uint16_t set = rd_u16(r);
    g->set = set >> 6;
    g->pointer = set & 63;
    g->tmsi = rd_u32(r);
    return nas_got(r);
}

static int imei_get(struct rd *r, uint8_t first, unsigned digits, char to[17])
{
    const uint8_t *p = rd_octets(r, digits / 2);
    if (!p)
        return ERR_SYNTAX;
    for (unsigned i = 0; i < digits; i++) {
        uint8_t octet = i == 0 ? first : p[(i - 1) / 2];
        uint8_t digit = i == 0 || i % 2 == 0 ? octet >> 4 : octet & 15;
        if (digit > 9)
            return ERR_SYNTAX;
        to[i] = (char)('0' + digit);
    }
    to[digits] = 0;
    return OK;
}

int nas_get_mobile_id(struct rd *r, void *value, struct arena *arena)
{
    struct nas_mobile_identity *id = value;
    uint8_t first = rd_u8(r);
    const uint8_t *p;
    memset(id, 0, sizeof *id);
    id->type = first & 7;
    switch (id->type) {
    case NAS_ID_SUCI: return suci_get(r, first, &id->suci);
    case NAS_ID_GUTI:
    case NAS_ID_S_TMSI: return guti_get(r, id->type == NAS_ID_GUTI, &id->guti);
    case NAS_ID_IMEI:
    case NAS_ID_IMEISV: return imei_get(r, first, id->type == NAS_ID_IMEI ? 15 : 16, id->digits);
    case NAS_ID_MAC:
        id->unusable = first >> 3 & 1;
        if ((p = rd_octets(r, 6)))
            memcpy(id->mac, p, 6);
        break;
    case NAS_ID_EUI64:
        if ((p = rd_octets(r, 8)))
            memcpy(id->eui64, p, 8);
        break;
    default: break;
    }
    return nas_got(r);
}

static int suci_put(struct wr *w, const struct nas_suci *s)
{
    uint8_t routing[2] = {0xff, 0xff};
    if (s->supi_format > 3 || s->scheme > 15 || !s->output.n)
        return ERR_RANGE;
    wr_u8(w, (uint8_t)(s->supi_format << 4 | NAS_ID_SUCI));
    if (s->supi_format == 0) {
        for (unsigned i = 0; i < 4 && s->routing[i]; i++) {
            if (s->routing[i] < '0' || s->routing[i] > '9')
                return ERR_RANGE;
            unsigned digit = (unsigned)(s->routing[i] - '0');
            routing[i / 2] = (uint8_t)(i & 1 ? (routing[i / 2] & 0x0f) | digit << 4 : 0xf0 | digit);
        }
        wr_bytes(w, BYTES_OF(s->plmn));
        wr_bytes(w, BYTES_OF(routing));
        wr_u8(w, s->scheme);
        wr_u8(w, s->key_id);
    }
    wr_bytes(w, s->output);
    return OK;
}

static int guti_put(struct wr *w, uint8_t type, const struct nas_guti *g)
{
    if (g->set > 1023 || g->pointer > 63)
        return ERR_RANGE;
    wr_u8(w, 0xf0 | type);
    if (type == NAS_ID_GUTI) {
        wr_bytes(w, BYTES_OF(g->plmn));
        wr_u8(w, g->region);
    }
    wr_u16(w, (uint16_t)(g->set << 6 | g->pointer));
    wr_u32(w, g->tmsi);
    return OK;
}

static int imei_put(struct wr *w, uint8_t type, const char *digits)
{
    unsigned n = type == NAS_ID_IMEI ? 15 : 16;
    uint8_t out[9] = {0};
    for (unsigned i = 0; i < n; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return ERR_RANGE;
        unsigned digit = (unsigned)(digits[i] - '0'), at = (i + 1) / 2;
        out[at] |= (uint8_t)(i % 2 == 0 ? digit << 4 : digit);
    }
    if (type == NAS_ID_IMEISV)
        out[8] |= 0xf0;
    out[0] |= (uint8_t)(type | (n & 1) << 3);
    wr_bytes(w, (struct bytes){out, n / 2 + 1});
    return OK;
}

int nas_put_mobile_id(struct wr *w, const void *value)
{
    const struct nas_mobile_identity *id = value;
    switch (id->type) {
    case NAS_ID_NONE: wr_u8(w, 0); return OK;
    case NAS_ID_SUCI: return suci_put(w, &id->suci);
    case NAS_ID_GUTI:
    case NAS_ID_S_TMSI: return guti_put(w, id->type, &id->guti);
    case NAS_ID_IMEI:
    case NAS_ID_IMEISV: return imei_put(w, id->type, id->digits);
    case NAS_ID_MAC:
        wr_u8(w, (uint8_t)(id->unusable << 3 | NAS_ID_MAC));
        wr_bytes(w, BYTES_OF(id->mac));
        return OK;
    case NAS_ID_EUI64:
        wr_u8(w, NAS_ID_EUI64);
        wr_bytes(w, BYTES_OF(id->eui64));
        return OK;
    default: return ERR_RANGE;
    }
}

/* ---- slices 9.11.2.8, 9.11.3.37, 9.11.3.46 ---- */

static int slice_get(struct rd *r, uint32_t n, struct nas_s_nssai *s)
{
    if (n != 1 && n != 2 && n != 4 && n != 5 && n != 8)
        return ERR_SYNTAX;
    *s = (struct nas_s_nssai){.sst = rd_u8(r),
                              .has_sd = n >= 4,
                              .has_mapped_sst = n != 1 && n != 4,
                              .has_mapped_sd = n == 8};
    if (s->has_sd)
        s->sd = rd_u24(r);
    if (s->has_mapped_sst)
        s->mapped_sst = rd_u8(r);
    if (s->has_mapped_sd)
        s->mapped_sd = rd_u24(r);
    return nas_got(r);
}
static unsigned slice_octets(const struct nas_s_nssai *s) /* 0: cannot be said */
{
    if (s->has_mapped_sd && !(s->has_sd && s->has_mapped_sst))
        return 0;
    if (s->sd > 0xffffff || s->mapped_sd > 0xffffff)
        return 0;
    return 1u + (s->has_sd ? 3 : 0) + (s->has_mapped_sst ? 1 : 0) + (s->has_mapped_sd ? 3 : 0);
}
static void slice_put(struct wr *w, const struct nas_s_nssai *s)
{
    wr_u8(w, s->sst);
    if (s->has_sd)
        wr_u24(w, s->sd);
    if (s->has_mapped_sst)
        wr_u8(w, s->mapped_sst);
    if (s->has_mapped_sd)
        wr_u24(w, s->mapped_sd);
}

int nas_get_s_nssai(struct rd *r, void *value, struct arena *arena)
{
    return slice_get(r, rd_left(r), value);
}
int nas_put_s_nssai(struct wr *w, const void *value)
{
    if (!slice_octets(value))
        return ERR_RANGE;
    slice_put(w, value);
    return OK;
}

int nas_get_nssai(struct rd *r, void *value, struct arena *arena)
{
    struct nas_nssai *list = value;
    struct rd count = *r;
    uint32_t n = 0;
    for (; rd_left(&count) && !count.bad; n++)
        rd_octets(&count, rd_u8(&count));
    if (count.bad)
        return ERR_SYNTAX;
    struct nas_s_nssai *item = arena_take(arena, n * sizeof *item);
    if (!item)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++)
        if (slice_get(r, rd_u8(r), &item[i]))
            return ERR_SYNTAX;
    *list = (struct nas_nssai){n, item};
    return OK;
}
int nas_put_nssai(struct wr *w, const void *value)
{
    const struct nas_nssai *list = value;
    for (uint32_t i = 0; i < list->n; i++) {
        unsigned n = slice_octets(&list->item[i]);
        if (!n)
            return ERR_RANGE;
        wr_u8(w, (uint8_t)n);
        slice_put(w, &list->item[i]);
    }
    return OK;
}

int nas_get_rejected_nssai(struct rd *r, void *value, struct arena *arena)
{
    struct nas_rejected_nssai *list = value;
    struct rd count = *r;
    uint32_t n = 0;
    for (; rd_left(&count) && !count.bad; n++)
        rd_octets(&count, rd_u8(&count) >> 4);
    if (count.bad)
        return ERR_SYNTAX;
    struct nas_rejected_s_nssai *item = arena_take(arena, n * sizeof *item);
    if (!item)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t head = rd_u8(r);
        item[i].cause = head & 15;
        if (slice_get(r, head >> 4, &item[i].s_nssai))
            return ERR_SYNTAX;
    }
    *list = (struct nas_rejected_nssai){n, item};
    return OK;
}
int nas_put_rejected_nssai(struct wr *w, const void *value)
{
    const struct nas_rejected_nssai *list = value;
    for (uint32_t i = 0; i < list->n; i++) {
        unsigned n = slice_octets(&list->item[i].s_nssai);
        if (!n || list->item[i].cause > 15)
            return ERR_RANGE;
        wr_u8(w, (uint8_t)(n << 4 | list->item[i].cause));
        slice_put(w, &list->item[i].s_nssai);
    }
    return OK;
}

/* ---- areas 9.11.3.8, 9.11.3.9, 9.11.3.49 ---- */

int nas_get_plmn(struct rd *r, void *value, struct arena *arena)
{
    const uint8_t *p = rd_octets(r, 3);
    if (p)
        memcpy(value, p, 3);
    return nas_got(r);
}
int nas_put_plmn(struct wr *w, const void *value)
{
    wr_bytes(w, (struct bytes){value, 3});
    return OK;
}

int nas_get_tai(struct rd *r, void *value, struct arena *arena)
{
    struct nas_tai *t = value;
    int err = nas_get_plmn(r, t->plmn, arena);
    t->tac = rd_u24(r);
    return err ? err : nas_got(r);
}
int nas_put_tai(struct wr *w, const void *value)
{
    const struct nas_tai *t = value;
    wr_bytes(w, BYTES_OF(t->plmn));
    wr_u24(w, t->tac);
    return t->tac > 0xffffff ? ERR_RANGE : OK;
}

/* How many TAIs a part has on the wire, and their octets. */
static uint32_t part_items(uint8_t type, uint8_t n)
{
    return type == NAS_TAI_ONE_PLMN || type == NAS_TAI_ANY_PLMN ? n : 1;
}
static uint32_t part_octets(uint8_t type, uint8_t n)
{
    return type == NAS_TAI_ONE_PLMN      ? 3u + 3u * n
           : type == NAS_TAI_CONSECUTIVE ? 6
           : type == NAS_TAI_ANY_PLMN    ? 6u * n
                                         : 3;
}
static struct nas_tai_part part_head(uint8_t octet)
{
    uint8_t n = (uint8_t)((octet & 31) + 1);
    return (struct nas_tai_part){
        .type = octet >> 5 & 3, .not_allowed = octet >> 7, .n = n > 16 ? 16 : n};
}

static int part_get(struct rd *r, struct nas_tai_part *part, struct arena *arena)
{
    *part = part_head(rd_u8(r));
    uint32_t n = part_items(part->type, part->n);
    struct nas_tai *item = arena_zero(arena, n * sizeof *item);
    if (!item)
        return ERR_NOSPACE;
    part->item = item;
    int err = OK;
    for (uint32_t i = 0; i < n && err == OK; i++) {
        if (part->type == NAS_TAI_ONE_PLMN && i)
            memcpy(item[i].plmn, item[0].plmn, 3);
        else
            err = nas_get_plmn(r, item[i].plmn, arena);
        if (part->type != NAS_TAI_WHOLE_PLMN)
            item[i].tac = rd_u24(r);
    }
    return err ? err : nas_got(r);
}

static int parts_get(struct rd *r, struct nas_tai_list *list, bool area, struct arena *arena)
{
    struct rd count = *r;
    uint32_t n = 0;
    for (; rd_left(&count) && !count.bad; n++) {
        struct nas_tai_part head = part_head(rd_u8(&count));
        if (head.type == NAS_TAI_WHOLE_PLMN && !area)
            return ERR_SYNTAX;
        rd_octets(&count, part_octets(head.type, head.n));
    }
    if (count.bad)
        return ERR_SYNTAX;
    struct nas_tai_part *part = arena_take(arena, n * sizeof *part);
    if (!part)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        int err = part_get(r, &part[i], arena);
        if (err)
            return err;
        part[i].not_allowed &= area;
    }
    *list = (struct nas_tai_list){n, part};
    return OK;
}

static int parts_put(struct wr *w, const struct nas_tai_list *list, bool area)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct nas_tai_part *p = &list->part[i];
        if (p->n < 1 || p->n > 16 || p->type > (area ? NAS_TAI_WHOLE_PLMN : NAS_TAI_ANY_PLMN))
            return ERR_RANGE;
        wr_u8(w, (uint8_t)((area && p->not_allowed ? 0x80 : 0) | p->type << 5 | (p->n - 1)));
        for (uint32_t k = 0; k < part_items(p->type, p->n); k++) {
            if (p->type != NAS_TAI_ONE_PLMN || k == 0)
                wr_bytes(w, BYTES_OF(p->item[k].plmn));
            if (p->item[k].tac > 0xffffff)
                return ERR_RANGE;
            if (p->type != NAS_TAI_WHOLE_PLMN)
                wr_u24(w, p->item[k].tac);
        }
    }
    return OK;
}

int nas_get_tai_list(struct rd *r, void *value, struct arena *arena)
{
    return parts_get(r, value, false, arena);
}
int nas_put_tai_list(struct wr *w, const void *value)
{
    return parts_put(w, value, false);
}
int nas_get_area_list(struct rd *r, void *value, struct arena *arena)
{
    return parts_get(r, value, true, arena);
}
int nas_put_area_list(struct wr *w, const void *value)
{
    return parts_put(w, value, true);
}

bool nas_tai_list_has(const struct nas_tai_list *list, const struct nas_tai *tai)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct nas_tai_part *p = &list->part[i];
        for (uint32_t k = 0; k < part_items(p->type, p->n); k++) {
            if (memcmp(p->item[k].plmn, tai->plmn, 3) != 0)
                continue;
            uint32_t span = p->type == NAS_TAI_CONSECUTIVE ? p->n : 1;
            if (p->type == NAS_TAI_WHOLE_PLMN ||
                (tai->tac >= p->item[k].tac && tai->tac - p->item[k].tac < span))
                return true;
        }
    }
    return false;
}
