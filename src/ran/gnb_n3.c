/* SPDX-License-Identifier: Apache-2.0 */
/* gnb_n3.c - the gNBs' end of N3: GTP-U (TS 29.281) with the PDU session container (TS 38.415). */
#include "codec/gtpu.h"
#include "ran/ue.h"

struct bearer *gnb_bearer_new(struct gnb_ue *l, uint8_t psi)
{
    struct ran *ran = l->cell->ran;
    struct bearer *b = slab_new(&ran->bearers);
    if (!b)
        return NULL;
    struct ref ref = slab_ref(&ran->bearers, b);
    b->link = l;
    b->psi = psi;
    b->teid = (ref.i + 1) | (ref.gen >> 1 & 0xff) << 24; /* one that was given back is not at once another's */
    b->next = l->bearers;
    l->bearers = b;
    ran->counters.bearers_up++;
    return b;
}
void gnb_bearer_drop(struct bearer *b)
{
    struct ran *ran = b->link->cell->ran;
    struct bearer **at = &b->link->bearers;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    if (b->link->ue)
        ue_bearer_gone(b->link->ue, b->psi);
    ran->counters.bearers_down++;
    slab_drop(&ran->bearers, b);
}
struct bearer *gnb_bearer_find(const struct gnb_ue *l, uint8_t psi)
{
    struct bearer *b = l->bearers;
    while (b && b->psi != psi)
        b = b->next;
    return b;
}
static struct bearer *bearer_of(struct ran *ran, uint32_t teid)
{
    struct bearer *b = (teid & 0xffffff) ? slab_at(&ran->bearers, (teid & 0xffffff) - 1) : NULL;
    return b && b->teid == teid ? b : NULL;
}

static void send_to(struct ran *ran, const struct net_addr *to, const uint8_t *p, int n)
{
    struct env *env = ran->rt->env;
    if (n <= 0 || ran->n3 < 0)
        return;
    struct bytes raw = {p, (uint32_t)n};
    rt_tap(ran->rt, &(struct tap_event){.interface = TAP_N3, .direction = TAP_TX, .at_us = ran->rt->now_us,
                                        .type = p[1], .name = "GTP-U", .raw = raw});
    ran->counters.n3_tx += env->ops->udp_send(env, ran->n3, to, raw) >= 0;
}
int gnb_n3_send(struct bearer *b, uint8_t qfi, struct bytes packet)
{
    struct ran *ran = b->link->cell->ran;
    if (ran->n3 < 0)
        return ERR_UNSUPPORTED;
    if (packet.n > RAN_PACKET_MAX - RAN_HEADROOM)
        return ERR_RANGE;
    uint8_t *at = ran->packet + RAN_HEADROOM;
    memcpy(at, packet.p, packet.n);
    if (!(b->flows >> (qfi & 63) & 1))
        qfi = b->qfi;
    size_t head = gtpu_push(at, packet.n, b->peer_teid, qfi, GTPU_UPLINK, false);
    b->tx++;
    b->link->active_us = ran->rt->now_us;
    send_to(ran, &b->peer, at - head, (int)(packet.n + head));
    return OK;
}
int gnb_n3_echo(struct ran *ran, const struct net_addr *upf)
{
    uint8_t out[16];
    int n = gtpu_echo_request(out, sizeof out, (uint16_t)rt_random(ran->rt));
    send_to(ran, upf, out, n);
    return n;
}

/* TS 29.281 7.3.1: the UPF has no such tunnel any more. The phone goes to idle; its next data makes a new one. */
static void tunnel_unknown(struct ran *ran, struct bytes body)
{
    struct gtpu_ies ies;
    ran->counters.n3_errors++;
    if (gtpu_ies(body.p, body.n, &ies) < 0 || !ies.has_teid)
        return;
    uint32_t i = 0;
    for (struct bearer *b; (b = slab_next(&ran->bearers, &i));) {
        if (b->peer_teid != ies.teid || (ies.has_peer && !addr_same_host(&b->peer, &ies.peer)))
            continue;
        gnb_ue_release_request(b->link, NGAP_CauseRadioNetwork_release_due_to_ngran_generated_reason);
        return;
    }
}
static void data(struct ran *ran, const struct net_addr *from, const struct gtpu_hdr *h, struct bytes packet)
{
    uint8_t out[64];
    struct bearer *b = bearer_of(ran, h->teid);
    if (!b) {
        ran->counters.n3_unknown++;
        struct net_addr to = *from;
        to.port = GTPU_PORT; /* 7.3.1 */
        if (h->type == GTPU_G_PDU)
            send_to(ran, &to, out, gtpu_error_indication(out, sizeof out, h->teid, &ran->config.n3));
        return;
    }
    if (h->type == GTPU_END_MARKER) {
        ran->counters.n3_end_markers++;
        return;
    }
    b->rx++;
    b->link->active_us = ran->rt->now_us;
    if (b->link->ue)
        ue_packet(b->link->ue, b->psi, packet);
}
static void on_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes in)
{
    struct ran *ran = ctx;
    struct gtpu_hdr h;
    uint8_t out[64];
    rt_enter(ran->rt);
    if (gtpu_parse(in.p, in.n, &h) < 0) {
        ran->counters.n3_bad++;
        return;
    }
    ran->counters.n3_rx++;
    rt_tap(ran->rt, &(struct tap_event){.interface = TAP_N3, .direction = TAP_RX, .at_us = ran->rt->now_us,
                                        .type = h.type, .name = "GTP-U", .raw = in});
    struct bytes body = {in.p + h.header, h.payload};
    if (h.unknown_ext) {
        send_to(ran, from, out, gtpu_supported_extensions(out, sizeof out, h.seq));
        return;
    }
    switch (h.type) {
    case GTPU_ECHO_REQUEST:
        ran->counters.n3_echo++;
        send_to(ran, from, out, gtpu_echo_response(out, sizeof out, h.seq));
        break;
    case GTPU_ECHO_RESPONSE: ran->n_echo++; break;
    case GTPU_ERROR_INDICATION: tunnel_unknown(ran, body); break;
    case GTPU_G_PDU:
    case GTPU_END_MARKER: data(ran, from, &h, body); break;
    default: break;
    }
}

int gnb_n3_open(struct ran *ran)
{
    struct env *env = ran->rt->env;
    struct udp_sink sink = {ran, on_datagram};
    ran->n3 = -1;
    if (!ran->config.n3.family)
        return OK;
    if (!ran->config.n3.port)
        ran->config.n3.port = GTPU_PORT;
    ran->n3 = env->ops->udp_open(env, &ran->config.n3, &sink);
    return ran->n3 < 0 ? ran->n3 : OK;
}
void gnb_n3_close(struct ran *ran)
{
    struct env *env = ran->rt->env;
    if (ran->n3 >= 0)
        env->ops->udp_close(env, ran->n3);
    ran->n3 = -1;
}
