/* SPDX-License-Identifier: Apache-2.0 */
/* nas_sm.c - values of session management: addresses, QoS, rates, DNN, protocol configuration,
 * multiple payloads. */
#include "codec/nas_kind.h"

/* ---- DNN 9.11.2.1B: labels, TS 23.003 9.1 ---- */

int nas_get_dnn(struct rd *r, void *value, struct arena *arena)
{
    uint32_t n = rd_left(r), at = 0;
    char *text = arena_take(arena, n);
    if (!text)
        return ERR_NOSPACE;
    while (rd_left(r)) {
        struct bytes label = rd_bytes(r, rd_u8(r));
        if (r->bad || !label.n)
            return ERR_SYNTAX;
        if (at)
            text[at++] = '.';
        for (uint32_t i = 0; i < label.n; i++) {
            if (label.p[i] <= ' ' || label.p[i] >= 0x7f || label.p[i] == '.')
                return ERR_SYNTAX;
            text[at++] = (char)label.p[i];
        }
    }
    *(struct str *)value = (struct str){text, at};
    return OK;
}
int nas_put_dnn(struct wr *w, const void *value)
{
    struct str s = *(const struct str *)value;
    uint32_t from = 0;
    for (uint32_t i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != '.')
            continue;
        if (i == from || i - from > 63)
            return ERR_RANGE;
        wr_u8(w, (uint8_t)(i - from));
        wr_bytes(w, (struct bytes){(const uint8_t *)s.p + from, i - from});
        from = i + 1;
    }
    return OK;
}

/* ---- PDU address 9.11.4.10 ---- */

static void octets_get(struct rd *r, uint8_t *to, uint32_t n)
{
    const uint8_t *p = rd_octets(r, n);
    if (p)
        memcpy(to, p, n);
}
int nas_get_pdu_address(struct rd *r, void *value, struct arena *arena)
{
    struct nas_pdu_address *a = value;
    uint8_t head = rd_u8(r);
    *a = (struct nas_pdu_address){.type = head & 7, .has_lla = head >> 3 & 1};
    if (a->type < NAS_PDU_IPV4 || a->type > NAS_PDU_IPV4V6)
        return ERR_SYNTAX;
    if (a->type != NAS_PDU_IPV4)
        octets_get(r, a->iid, 8);
    if (a->type != NAS_PDU_IPV6)
        octets_get(r, a->ipv4, 4);
    if (a->type == NAS_PDU_IPV4)
        a->has_lla = false;
    if (a->has_lla)
        octets_get(r, a->lla, 16);
    return nas_got(r);
}
int nas_put_pdu_address(struct wr *w, const void *value)
{
    const struct nas_pdu_address *a = value;
    bool lla = a->has_lla && a->type != NAS_PDU_IPV4;
    if (a->type < NAS_PDU_IPV4 || a->type > NAS_PDU_IPV4V6)
        return ERR_RANGE;
    wr_u8(w, (uint8_t)(a->type | lla << 3));
    if (a->type != NAS_PDU_IPV4)
        wr_bytes(w, BYTES_OF(a->iid));
    if (a->type != NAS_PDU_IPV6)
        wr_bytes(w, BYTES_OF(a->ipv4));
    if (lla)
        wr_bytes(w, BYTES_OF(a->lla));
    return OK;
}

/* ---- rates ---- */

static struct nas_rate rate_get(struct rd *r)
{
    uint8_t unit = rd_u8(r);
    return (struct nas_rate){unit, rd_u16(r)};
}
static void rate_put(struct wr *w, struct nas_rate rate)
{
    wr_u8(w, rate.unit);
    wr_u16(w, rate.value);
}
int nas_get_ambr(struct rd *r, void *value, struct arena *arena)
{
    struct nas_ambr *a = value;
    a->down = rate_get(r);
    a->up = rate_get(r);
    return nas_got(r);
}
int nas_put_ambr(struct wr *w, const void *value)
{
    const struct nas_ambr *a = value;
    rate_put(w, a->down);
    rate_put(w, a->up);
    return OK;
}

/* ---- QoS rules 9.11.4.13 ---- */

static int component_octets(uint8_t type) /* of the value; negative: unknown */
{
    switch (type) {
    case NAS_PF_MATCH_ALL: return 0;
    case NAS_PF_PROTOCOL:
    case NAS_PF_C_PCP:
    case NAS_PF_S_PCP: return 1;
    case NAS_PF_LOCAL_PORT:
    case NAS_PF_REMOTE_PORT:
    case NAS_PF_TOS:
    case NAS_PF_C_VID:
    case NAS_PF_S_VID:
    case NAS_PF_ETHERTYPE: return 2;
    case NAS_PF_FLOW_LABEL: return 3;
    case NAS_PF_LOCAL_PORTS:
    case NAS_PF_REMOTE_PORTS:
    case NAS_PF_SPI: return 4;
    case NAS_PF_MAC_DESTINATION:
    case NAS_PF_MAC_SOURCE: return 6;
    case NAS_PF_IPV4_REMOTE:
    case NAS_PF_IPV4_LOCAL: return 8;
    case NAS_PF_MAC_DESTINATIONS:
    case NAS_PF_MAC_SOURCES: return 12;
    case NAS_PF_IPV6_REMOTE:
    case NAS_PF_IPV6_LOCAL: return 17;
    default: return -1;
    }
}

static int filter_get(struct rd *r, struct nas_filter *f, bool id_only, struct arena *arena)
{
    uint8_t head = rd_u8(r), n = 0;
    *f = (struct nas_filter){.id = head & 15, .direction = head >> 4 & 3};
    if (id_only) {
        f->direction = 0;
        return nas_got(r);
    }
    struct rd in = rd_over(rd_bytes(r, rd_u8(r)));
    if (r->bad)
        return ERR_SYNTAX;
    for (struct rd count = in; rd_left(&count); n++) {
        int octets = component_octets(rd_u8(&count));
        if (octets < 0 || !rd_octets(&count, (uint32_t)octets))
            return ERR_SYNTAX;
    }
    struct nas_component *c = arena_take(arena, n * sizeof *c);
    if (!c)
        return ERR_NOSPACE;
    f->n = n;
    f->component = c;
    for (uint8_t i = 0; i < n; i++) {
        c[i].type = rd_u8(&in);
        c[i].value = rd_bytes(&in, (uint32_t)component_octets(c[i].type));
    }
    return OK;
}

static int rule_get(struct rd *r, struct nas_qos_rule *q, struct arena *arena)
{
    *q = (struct nas_qos_rule){.id = rd_u8(r)};
    struct rd in = rd_over(rd_bytes(r, rd_u16(r)));
    uint8_t head = r->bad ? 0 : rd_u8(&in);
    q->op = head >> 5;
    q->dqr = head >> 4 & 1;
    q->n = head & 15;
    if (r->bad || in.bad || q->op < NAS_RULE_CREATE || q->op > NAS_RULE_MODIFY)
        return ERR_SYNTAX;
    if (q->op == NAS_RULE_DELETE || q->op == NAS_RULE_MODIFY)
        q->n = 0;
    struct nas_filter *f = arena_take(arena, q->n * sizeof *f);
    if (!f)
        return ERR_NOSPACE;
    q->filter = f;
    for (uint8_t i = 0; i < q->n; i++) {
        int err = filter_get(&in, &f[i], q->op == NAS_RULE_DELETE_FILTERS, arena);
        if (err)
            return err;
    }
    if ((q->has_precedence = rd_left(&in) > 0))
        q->precedence = rd_u8(&in);
    if ((q->has_qfi = rd_left(&in) > 0)) {
        uint8_t last = rd_u8(&in);
        q->segregation = last >> 6 & 1;
        q->qfi = last & 63;
    }
    return OK;
}

int nas_get_qos_rules(struct rd *r, void *value, struct arena *arena)
{
    struct nas_qos_rules *list = value;
    struct rd count = *r;
    uint32_t n = 0;
    for (; rd_left(&count) && !count.bad; n++) {
        rd_u8(&count);
        rd_octets(&count, rd_u16(&count));
    }
    if (count.bad)
        return ERR_SYNTAX;
    struct nas_qos_rule *rule = arena_take(arena, n * sizeof *rule);
    if (!rule)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        int err = rule_get(r, &rule[i], arena);
        if (err)
            return err;
    }
    *list = (struct nas_qos_rules){n, rule};
    return OK;
}

static int filter_put(struct wr *w, const struct nas_filter *f, bool id_only)
{
    if (f->id > 15 || f->direction > 3)
        return ERR_RANGE;
    if (id_only) {
        wr_u8(w, f->id);
        return OK;
    }
    wr_u8(w, (uint8_t)(f->direction << 4 | f->id));
    uint32_t mark = wr_block(w, 1);
    for (uint8_t i = 0; i < f->n; i++) {
        int octets = component_octets(f->component[i].type);
        if (octets < 0 || f->component[i].value.n != (uint32_t)octets)
            return ERR_RANGE;
        wr_u8(w, f->component[i].type);
        wr_bytes(w, f->component[i].value);
    }
    if (w->n - mark > 255)
        return ERR_RANGE;
    wr_end(w, mark, 1);
    return OK;
}

int nas_put_qos_rules(struct wr *w, const void *value)
{
    const struct nas_qos_rules *list = value;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct nas_qos_rule *q = &list->rule[i];
        if (q->op < NAS_RULE_CREATE || q->op > NAS_RULE_MODIFY || q->n > 15 || q->qfi > 63)
            return ERR_RANGE;
        if (q->has_qfi && !q->has_precedence)
            return ERR_RANGE;
        uint8_t n = q->op == NAS_RULE_DELETE || q->op == NAS_RULE_MODIFY ? 0 : q->n;
        wr_u8(w, q->id);
        uint32_t mark = wr_block(w, 2);
        wr_u8(w, (uint8_t)(q->op << 5 | q->dqr << 4 | n));
        for (uint8_t k = 0; k < n; k++) {
            int err = filter_put(w, &q->filter[k], q->op == NAS_RULE_DELETE_FILTERS);
            if (err)
                return err;
        }
        if (q->has_precedence)
            wr_u8(w, q->precedence);
        if (q->has_qfi)
            wr_u8(w, (uint8_t)(q->segregation << 6 | q->qfi));
        wr_end(w, mark, 2);
    }
    return OK;
}

/* ---- QoS flow descriptions 9.11.4.12 ---- */

enum {
    FLOW_5QI = 1,
    FLOW_GFBR_UP,
    FLOW_GFBR_DOWN,
    FLOW_MFBR_UP,
    FLOW_MFBR_DOWN,
    FLOW_WINDOW,
    FLOW_EBI
};

/* has.mask has the parameters' bits in the order of their identifiers. */
static struct nas_rate *flow_rate(struct nas_qos_flow *q, uint8_t id)
{
    return id == FLOW_GFBR_UP     ? &q->gfbr_up
           : id == FLOW_GFBR_DOWN ? &q->gfbr_down
           : id == FLOW_MFBR_UP   ? &q->mfbr_up
                                  : &q->mfbr_down;
}

static int flow_get(struct rd *r, struct nas_qos_flow *q)
{
    memset(q, 0, sizeof *q);
    q->qfi = rd_u8(r) & 63;
    q->op = rd_u8(r) >> 5;
    uint8_t head = rd_u8(r);
    q->e = head >> 6 & 1;
    for (uint8_t i = 0; i < (head & 63) && !r->bad; i++) {
        uint8_t id = rd_u8(r);
        struct rd in = rd_over(rd_bytes(r, rd_u8(r)));
        if (r->bad)
            return ERR_SYNTAX;
        if (id < FLOW_5QI || id > FLOW_EBI) /* of a later release */
            continue;
        if (id == FLOW_5QI)
            q->fiveqi = rd_u8(&in);
        else if (id == FLOW_WINDOW)
            q->window_ms = rd_u16(&in);
        else if (id == FLOW_EBI)
            q->ebi = rd_u8(&in) >> 4;
        else
            *flow_rate(q, id) = rate_get(&in);
        if (in.bad)
            return ERR_SYNTAX;
        q->has.mask |= (uint8_t)(1u << (id - 1));
    }
    return nas_got(r);
}

int nas_get_qos_flows(struct rd *r, void *value, struct arena *arena)
{
    struct nas_qos_flows *list = value;
    struct rd count = *r;
    struct nas_qos_flow one;
    uint32_t n = 0;
    for (; rd_left(&count); n++)
        if (flow_get(&count, &one))
            return ERR_SYNTAX;
    struct nas_qos_flow *flow = arena_take(arena, n * sizeof *flow);
    if (!flow)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++)
        flow_get(r, &flow[i]);
    *list = (struct nas_qos_flows){n, flow};
    return OK;
}

int nas_put_qos_flows(struct wr *w, const void *value)
{
    const struct nas_qos_flows *list = value;
    for (uint32_t i = 0; i < list->n; i++) {
        struct nas_qos_flow q = list->flow[i];
        if (q.qfi > 63 || q.op > 7 || q.ebi > 15)
            return ERR_RANGE;
        uint8_t mask = q.has.mask & 0x7f;
        wr_u8(w, q.qfi);
        wr_u8(w, (uint8_t)(q.op << 5));
        wr_u8(w, (uint8_t)(q.e << 6 | __builtin_popcount(mask)));
        for (uint8_t id = FLOW_5QI; id <= FLOW_EBI; id++) {
            if (!(mask >> (id - 1) & 1))
                continue;
            wr_u8(w, id);
            uint32_t mark = wr_block(w, 1);
            if (id == FLOW_5QI)
                wr_u8(w, q.fiveqi);
            else if (id == FLOW_WINDOW)
                wr_u16(w, q.window_ms);
            else if (id == FLOW_EBI)
                wr_u8(w, (uint8_t)(q.ebi << 4));
            else
                rate_put(w, *flow_rate(&q, id));
            wr_end(w, mark, 1);
        }
    }
    return OK;
}

/* ---- extended protocol configuration options 9.11.4.6, TS 24.008 10.5.6.3 ---- */

/* Containers whose length takes two octets. */
static bool pco_wide(uint16_t id, bool down)
{
    return id == 0x0041 || (down && (id == 0x0023 || id == 0x0024 || id == 0x0030 || id == 0x0031));
}
static struct nas_pco_item pco_item_get(struct rd *r, bool down)
{
    uint16_t id = rd_u16(r);
    return (struct nas_pco_item){id, rd_bytes(r, pco_wide(id, down) ? rd_u16(r) : rd_u8(r))};
}
static int pco_get(struct rd *r, struct nas_pco *pco, bool down, struct arena *arena)
{
    uint32_t n = 0;
    rd_u8(r);
    for (struct rd count = *r; rd_left(&count); n++) {
        pco_item_get(&count, down);
        if (count.bad)
            return ERR_SYNTAX;
    }
    struct nas_pco_item *item = arena_take(arena, n * sizeof *item);
    if (!item)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++)
        item[i] = pco_item_get(r, down);
    *pco = (struct nas_pco){n, item};
    return OK;
}
static int pco_put(struct wr *w, const struct nas_pco *pco, bool down)
{
    wr_u8(w, 0x80); /* PPP for use with IP */
    for (uint32_t i = 0; i < pco->n; i++) {
        const struct nas_pco_item *item = &pco->item[i];
        bool wide = pco_wide(item->id, down);
        if (item->value.n > (wide ? 0xffffu : 0xffu))
            return ERR_RANGE;
        wr_u16(w, item->id);
        if (wide)
            wr_u16(w, (uint16_t)item->value.n);
        else
            wr_u8(w, (uint8_t)item->value.n);
        wr_bytes(w, item->value);
    }
    return OK;
}
int nas_get_epco_up(struct rd *r, void *value, struct arena *arena)
{
    return pco_get(r, value, false, arena);
}
int nas_put_epco_up(struct wr *w, const void *value)
{
    return pco_put(w, value, false);
}
int nas_get_epco_down(struct rd *r, void *value, struct arena *arena)
{
    return pco_get(r, value, true, arena);
}
int nas_put_epco_down(struct wr *w, const void *value)
{
    return pco_put(w, value, true);
}
const struct nas_pco_item *nas_pco_find(const struct nas_pco *pco, uint16_t id)
{
    for (uint32_t i = 0; i < pco->n; i++)
        if (pco->item[i].id == id)
            return &pco->item[i];
    return NULL;
}

/* ---- multiple payloads 9.11.3.39 ---- */

static int payload_get(struct rd *r, struct nas_payload *p, struct arena *arena)
{
    struct rd in = rd_over(rd_bytes(r, rd_u16(r)));
    if (r->bad)
        return ERR_SYNTAX;
    uint8_t head = rd_u8(&in);
    struct nas_payload_ie *ie = arena_take(arena, (head >> 4) * sizeof *ie);
    if (!ie)
        return ERR_NOSPACE;
    *p = (struct nas_payload){head & 15, head >> 4, ie, {NULL, 0}};
    for (uint8_t i = 0; i < p->n; i++) {
        ie[i].iei = rd_u8(&in);
        ie[i].value = rd_bytes(&in, rd_u8(&in));
    }
    p->contents = rd_rest(&in);
    return nas_got(&in);
}

int nas_payloads_decode(struct bytes container, struct arena *arena, struct nas_payloads *to)
{
    struct rd r = rd_over(container);
    uint32_t n = rd_u8(&r);
    if (!n || r.bad)
        return ERR_SYNTAX;
    struct nas_payload *item = arena_take(arena, n * sizeof *item);
    if (!item)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < n; i++) {
        int err = payload_get(&r, &item[i], arena);
        if (err)
            return err;
    }
    *to = (struct nas_payloads){n, item};
    return OK;
}

int nas_payloads_encode(const struct nas_payloads *from, uint8_t *buf, size_t cap)
{
    struct wr w = wr_over(buf, cap > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)cap);
    if (from->n < 1 || from->n > 255)
        return ERR_RANGE;
    wr_u8(&w, (uint8_t)from->n);
    for (uint32_t i = 0; i < from->n; i++) {
        const struct nas_payload *p = &from->item[i];
        if (p->n > 15 || p->type > 15)
            return ERR_RANGE;
        uint32_t mark = wr_block(&w, 2);
        wr_u8(&w, (uint8_t)(p->n << 4 | p->type));
        for (uint8_t k = 0; k < p->n; k++) {
            if (p->ie[k].value.n > 255)
                return ERR_RANGE;
            wr_u8(&w, p->ie[k].iei);
            wr_u8(&w, (uint8_t)p->ie[k].value.n);
            wr_bytes(&w, p->ie[k].value);
        }
        wr_bytes(&w, p->contents);
        if (w.n - mark > 0xffff)
            return ERR_RANGE;
        wr_end(&w, mark, 2);
    }
    return w.bad ? ERR_NOSPACE : (int)w.n;
}
