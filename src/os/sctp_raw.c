/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sctp_raw.h"
#include "os/file.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    EPHEMERAL_FIRST = 49152,
    EPHEMERAL_COUNT = 16384,
    SOCKET_BUFFER = 8 << 20,
    SILENT_US = 60000000
};

static void flush_due(void *ctx);
int raw_open(struct raw *r, struct loop *loop, uint8_t instance)
{
    uint64_t secret[2];
    memset(r, 0, sizeof *r);
    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        return ERR_IO;
    r->loop = loop;
    r->instance = instance;
    crc32c_init(r);
    r->endpoints = calloc(RAW_ENDPOINTS, sizeof *r->endpoints);
    r->peers = calloc(RAW_PEERS, sizeof *r->peers);
    r->rx = malloc((size_t)RAW_BATCH * RAW_PACKET);
    r->tx = malloc(RAW_OUT_OCTETS);
    for (uint32_t i = 0; r->rx && i < RAW_BATCH; i++) {
        r->in_iov[i] = (struct iovec){r->rx + (size_t)i * RAW_PACKET, RAW_PACKET};
        r->in_msg[i].msg_hdr = (struct msghdr){
            .msg_name = &r->in_from[i], .msg_namelen = sizeof r->in_from[i], .msg_iov = &r->in_iov[i], .msg_iovlen = 1};
    }
    r->flush = (struct loop_flush){.fn = flush_due, .ctx = r};
    map_init(&r->peers_by_id, secret[0], secret[1]);
    map_init(&r->homes_in, secret[1], secret[0]);
    if (slab_init(&r->homes, "sctp homes", sizeof(struct raw_home), RAW_HOMES) < 0)
        return ERR_NOSPACE;
    return r->endpoints && r->peers && r->rx && r->tx ? OK : ERR_NOSPACE;
}

static void sock_release(struct raw *r, uint8_t i)
{
    struct raw_sock *s = r->socks[i];
    if (--s->refs)
        return;
    loop_unwatch(&s->watch);
    close(s->watch.fd);
    free(s);
    r->socks[i] = NULL;
}

void raw_close(struct raw *r)
{
    raw_flush(r);
    for (uint32_t i = 0; r->endpoints && i < RAW_ENDPOINTS; i++)
        if (r->endpoints[i].used)
            raw_endpoint_close(r, i, 0);
    if (r->endpoints)
        raw_reap(r, UINT64_MAX);
    map_free(&r->peers_by_id);
    map_free(&r->homes_in);
    if (r->homes.items)
        slab_free(&r->homes);
    free(r->endpoints);
    free(r->peers);
    free(r->rx);
    free(r->tx);
}

/* ---- peers ---- */
static struct bytes id_bytes(const struct raw_peer_id *id)
{
    return (struct bytes){(const uint8_t *)id, sizeof *id};
}
static uint64_t home_in_id(uint32_t our_tag, uint16_t endpoint)
{
    return (uint64_t)(endpoint + 1u) << 32 | our_tag;
}

static void home_drop(struct raw *r, struct raw_home *h)
{
    if (h->in_id && map_get_u64(&r->homes_in, h->in_id) == h)
        map_del_u64(&r->homes_in, h->in_id);
    if (h->pending_id && map_get_u64(&r->homes_in, h->pending_id) == h)
        map_del_u64(&r->homes_in, h->pending_id);
    h->peer->home = NULL;
    slab_drop(&r->homes, h);
}

static void peer_drop(struct raw *r, struct raw_peer *p)
{
    if (p->home)
        home_drop(r, p->home);
    map_del(&r->peers_by_id, id_bytes(&p->id));
    memset(p, 0, sizeof *p);
}

/* A free place, or that of the one without association that has been silent the longest of a few.
 */
static struct raw_peer *peer_place(struct raw *r)
{
    struct raw_peer *oldest = NULL;
    for (uint32_t i = 0; i < RAW_PEERS && (i < 64 || !oldest); i++) {
        struct raw_peer *p = &r->peers[r->peer_hand++ % RAW_PEERS];
        if (!p->used_us)
            return p;
        if (!p->pins && (!oldest || p->used_us < oldest->used_us))
            oldest = p;
    }
    if (oldest)
        peer_drop(r, oldest);
    return oldest;
}

static struct raw_peer *peer_get(struct raw *r, uint16_t endpoint, uint8_t sock,
                                 const struct net_addr *a)
{
    struct raw_peer_id id = {
        .family = a->family, .sock = sock, .port = a->port, .endpoint = endpoint};
    memcpy(id.ip, a->ip, a->family == 4 ? 4 : 16);
    struct raw_peer *p = map_get(&r->peers_by_id, id_bytes(&id));
    if (p)
        return p;
    if (!(p = peer_place(r)))
        return NULL;
    p->id = id;
    p->used_us = loop_now_us();
    if (map_put(&r->peers_by_id, id_bytes(&p->id), p) < 0) {
        memset(p, 0, sizeof *p);
        return NULL;
    }
    return p;
}
static uint32_t peer_index(const struct raw *r, const struct raw_peer *p)
{
    return (uint32_t)(p - r->peers);
}

struct net_addr raw_peer_addr(const struct raw *r, uint32_t peer)
{
    const struct raw_peer_id *id = &r->peers[peer].id;
    struct net_addr a = {.family = id->family, .port = id->port};
    memcpy(a.ip, id->ip, sizeof a.ip);
    return a;
}
void raw_peer_pin(struct raw *r, uint32_t peer)
{
    r->peers[peer].pins++;
}
void raw_peer_unpin(struct raw *r, uint32_t peer)
{
    r->peers[peer].pins--;
    r->peers[peer].used_us = loop_now_us(); /* it has to say good-bye: not the first to go */
}

static struct raw_endpoint *endpoint_by_port(struct raw *r, uint16_t port, uint16_t *index)
{
    uint32_t i = (uint32_t)port - 1 - (uint32_t)r->instance * RAW_ENDPOINTS;
    if (i >= RAW_ENDPOINTS || !r->endpoints[i].used)
        return NULL;
    *index = (uint16_t)i;
    return &r->endpoints[i];
}

/* ---- homes ---- */
static struct raw_home *home_new(struct raw *r, struct raw_peer *peer)
{
    struct raw_home *h = slab_new(&r->homes), *oldest = NULL;
    uint64_t now = loop_now_us();
    if (!h) { /* what no COOKIE ECHO has confirmed goes first, then what has been silent the longest
               */
        for (uint32_t i = 0; (h = slab_next(&r->homes, &i));)
            if (!oldest || h->confirmed < oldest->confirmed ||
                (h->confirmed == oldest->confirmed && h->heard_us < oldest->heard_us))
                oldest = h;
        if (oldest->confirmed && now - oldest->heard_us < SILENT_US)
            return NULL;
        home_drop(r, oldest);
        h = slab_new(&r->homes);
    }
    struct raw_endpoint *e = &r->endpoints[peer->id.endpoint];
    struct net_addr first = raw_peer_addr(r, peer_index(r, peer));
    first.port = 0;
    h->peer = peer;
    h->heard_us = now;
    h->addrs[0] = first;
    h->n_addrs = 1;
    h->n_socks = e->n_socks;
    memcpy(h->socks, e->socks, sizeof h->socks);
    for (uint8_t i = 0; i < h->n_socks; i++) /* start with the address at which the peer was met */
        if (h->socks[i] == peer->id.sock) {
            h->socks[i] = h->socks[0];
            h->socks[0] = peer->id.sock;
        }
    peer->home = h;
    return h;
}

static uint8_t addrs_merge(struct net_addr to[RAW_PATHS], uint8_t have, const struct net_addr *a,
                           uint8_t n)
{
    for (uint8_t i = 0; i < n && have < RAW_PATHS; i++) {
        bool known = addr_is_any(&a[i]);
        for (uint8_t k = 0; k < have; k++)
            known |= addr_same_host(&a[i], &to[k]);
        if (!known)
            to[have++] = a[i];
    }
    return have;
}
static void home_add_addrs(struct raw_home *h, const struct net_addr *a, uint8_t n)
{
    h->n_addrs = addrs_merge(h->addrs, h->n_addrs, a, n);
}

static void home_pend(struct raw *r, struct raw_home *h, uint32_t tag)
{
    uint64_t id = home_in_id(tag, h->peer->id.endpoint);
    if (id == h->in_id)
        return;
    if (h->pending_id)
        map_del_u64(&r->homes_in, h->pending_id);
    h->pending_tag = tag;
    h->pending_id = id;
    h->n_pending = addrs_merge(h->pending, 0, h->addrs, 1);
    h->n_pending = addrs_merge(h->pending, h->n_pending, r->init_peers, r->n_init_peers);
    if (map_put_u64(&r->homes_in, id, h) < 0)
        h->pending_id = 0;
}

static void home_promote(struct raw *r, struct raw_home *h)
{
    map_del_u64(&r->homes_in, h->in_id);
    h->in_id = h->pending_id;
    h->our_tag = h->pending_tag;
    h->n_addrs = h->n_pending;
    memcpy(h->addrs, h->pending, sizeof h->addrs);
    h->pending_id = 0;
    h->at = 0;
}

/* An INIT or INIT ACK of ours leaves: from now on the tag in it names the association. */
static void home_learn(struct raw *r, struct raw_peer *p, const uint8_t *packet)
{
    bool is_ack = packet[SCTP_HEADER] == CHUNK_INIT_ACK;
    uint32_t tag = be32(packet + SCTP_HEADER + 4);
    struct raw_home *h = p->home;
    if (h && is_ack && h->confirmed) {
        home_pend(r, h, tag);
        return;
    }
    if (!h && is_ack && r->n_init_peers == 0 && r->endpoints[p->id.endpoint].n_socks == 1)
        return; /* nothing to remember */
    if (!h && !(h = home_new(r, p)))
        return;
    if (h->in_id)
        map_del_u64(&r->homes_in, h->in_id);
    if (is_ack)
        home_add_addrs(h, r->init_peers, r->n_init_peers);
    h->confirmed = !is_ack;
    h->our_tag = tag;
    h->in_id = home_in_id(tag, p->id.endpoint);
    if (map_put_u64(&r->homes_in, h->in_id, h) < 0)
        home_drop(r, h);
}

/* ---- out ---- */
static bool home_pair(const struct raw *r, const struct raw_home *h, uint8_t at, uint8_t *addr,
                      uint8_t *sock)
{
    *addr = at % h->n_addrs;
    *sock = h->socks[at / h->n_addrs % h->n_socks];
    return r->socks[*sock]->local.family == h->addrs[*addr].family;
}

static bool home_pair_is(const struct raw *r, const struct raw_home *h, uint8_t at, uint8_t addr,
                         uint8_t sock)
{
    uint8_t a, s;
    return home_pair(r, h, at, &a, &s) && a == addr && s == sock;
}

/* To the pair on which the peer was heard since this one went silent; without such, to the next. */
static void home_rotate(struct raw *r, struct raw_home *h, uint64_t now)
{
    uint8_t pairs = (uint8_t)(h->n_addrs * h->n_socks), next = h->at, addr, sock;
    if (pairs < 2)
        return;
    for (uint8_t i = (uint8_t)(pairs - 1); i; i--) {
        uint8_t at = (uint8_t)((h->at + i) % pairs);
        if (home_pair(r, h, at, &addr, &sock))
            next = at;
    }
    for (uint8_t at = 0; h->heard_us > h->unanswered_since_us && at < pairs; at++)
        if (at != h->at && home_pair_is(r, h, at, h->answer_addr, h->answer_sock))
            next = at;
    h->at = next;
    h->unanswered = 1;
    h->unanswered_since_us = now;
    r->counts->path_switches++;
}

/* RFC 9260 6.2 and 8.3: back to where what it answers came from. On our own path it would be lost
 * where the peer has found that one dead before us. */
static bool home_answers(const struct raw *r, const struct raw_home *h, uint8_t chunk)
{
    return (chunk == CHUNK_SACK || chunk == CHUNK_HEARTBEAT_ACK || chunk == CHUNK_COOKIE_ACK) &&
           h->answer_addr < h->n_addrs && r->socks[h->answer_sock] &&
           r->socks[h->answer_sock]->local.family == h->addrs[h->answer_addr].family;
}

static void home_choose(struct raw *r, struct raw_home *h, uint8_t chunk, uint8_t *addr,
                        uint8_t *sock)
{
    if (home_answers(r, h, chunk)) {
        *addr = h->answer_addr;
        *sock = h->answer_sock;
        return;
    }
    uint64_t now = loop_now_us();
    bool wants_answer = chunk == CHUNK_DATA || chunk == CHUNK_HEARTBEAT || chunk == CHUNK_INIT ||
                        chunk == CHUNK_COOKIE_ECHO;
    if (wants_answer && h->unanswered++ == 0)
        h->unanswered_since_us = now;
    /* libusrsctp believes in one path; when what it repeats brings no answer, another pair is
     * tried. */
    if (wants_answer && h->unanswered > 2 && now - h->unanswered_since_us > r->switch_after_us)
        home_rotate(r, h, now);
    if (!home_pair(r, h, h->at, addr, sock)) {
        *addr = 0;
        *sock = h->peer->id.sock;
    }
}

static int raw_send(struct raw *r, const struct raw_out *o, uint8_t sock, struct net_addr to)
{
    union sock_addr s;
    to.port = 0; /* a raw v6 socket takes it for a protocol number */
    socklen_t len = sock_from_addr(&s, &to);
    ssize_t sent = sendto(r->socks[sock]->watch.fd, r->tx + o->at, o->n,
                          MSG_DONTWAIT | MSG_NOSIGNAL, &s.sa, len);
    return sent < 0 ? errno : 0;
}

/* An ICMP error about an earlier packet is told here, once; without a route or such an interface
 * any more: the next pair at once, each once. */
static void out_again(struct raw *r, const struct raw_out *o)
{
    struct raw_peer *p = &r->peers[o->peer];
    uint8_t addr, sock;
    if (raw_send(r, o, o->sock, o->to) == 0 || !p->used_us || p->tag != o->tag || !p->home ||
        !p->home->confirmed)
        return;
    for (uint8_t i = 0; i < p->home->n_addrs * p->home->n_socks; i++) {
        home_rotate(r, p->home, loop_now_us());
        if (home_pair(r, p->home, p->home->at, &addr, &sock) &&
            raw_send(r, o, sock, p->home->addrs[addr]) == 0)
            break;
    }
}

void raw_flush(struct raw *r)
{
    uint32_t n = r->n_out, at = 0;
    if (!n)
        return;
    loop_flush_cancel(&r->flush);
    meter_enter(r->meter);
    for (uint32_t i = 0; i < n; i++) {
        struct raw_out *o = &r->out[i];
        uint8_t *p = r->tx + o->at;
        struct net_addr to = o->to;
        to.port = 0;
        put_be32(p + 8, sctp_checksum(r, p, o->n));
        r->out_iov[i] = (struct iovec){p, o->n};
        r->out_msg[i].msg_hdr =
            (struct msghdr){.msg_name = &r->out_to[i], .msg_iov = &r->out_iov[i], .msg_iovlen = 1};
        r->out_msg[i].msg_hdr.msg_namelen = sock_from_addr(&r->out_to[i], &to);
    }
    while (at < n) {
        uint32_t k = 1;
        while (at + k < n && r->out[at + k].sock == r->out[at].sock)
            k++;
        int sent = sendmmsg(r->socks[r->out[at].sock]->watch.fd, &r->out_msg[at], k,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0)
            out_again(r, &r->out[at]);
        at += sent <= 0 ? 1 : (uint32_t)sent;
    }
    r->counts->tx_packets += n;
    r->n_out = r->out_used = 0;
    meter_leave(r->meter);
}
static void flush_due(void *ctx)
{
    raw_flush(ctx);
}

/* Whether a packet has a SACK, if any, and then nothing but DATA, and the octets of the SACK. A
 * SACK that tells of duplicates stays as it is: the next one does not tell of them. */
static bool out_is_open(const uint8_t *p, uint32_t n, uint16_t *sack)
{
    uint32_t at = SCTP_HEADER;
    *sack = 0;
    if (p[at] == CHUNK_SACK) {
        uint16_t octets = be16(p + at + 2);
        if (octets < 16 || octets % 4 || octets > n - at || be16(p + at + 14))
            return false;
        *sack = octets;
        at += octets;
    }
    while (at < n) {
        uint32_t octets = n - at >= 16 ? be16(p + at + 2) : 0;
        if (p[at] != CHUNK_DATA || octets < 16 || octets > n - at)
            return false;
        at += (octets + 3) & ~3u;
    }
    return at == n;
}

/* Puts the chunks of the packet into one that waits for the same peer: the newer SACK in front,
 * DATA behind, RFC 9260 6.10. */
static bool out_join(struct raw *r, const struct raw_out *o, const uint8_t *packet)
{
    for (uint32_t i = r->n_out; i-- > 0;) {
        struct raw_out *q = &r->out[i];
        if (q->peer != o->peer)
            continue;
        /* Only the last one has room behind it. */
        uint16_t sack = o->sack ? o->sack : q->sack;
        uint32_t n = q->n - q->sack + sack + o->n - SCTP_HEADER - o->sack;
        if (!q->open || !o->open || q->tag != o->tag || q->sock != o->sock || i + 1 != r->n_out ||
            n > r->packet_max || !addr_same_host(&q->to, &o->to) || q->at + n > RAW_OUT_OCTETS)
            return false;
        uint8_t *p = r->tx + q->at + SCTP_HEADER;
        const uint8_t *from = packet + SCTP_HEADER;
        uint32_t data = q->n - SCTP_HEADER - q->sack;
        memmove(p + sack, p + q->sack, data);
        if (o->sack)
            memcpy(p, from, o->sack);
        memcpy(p + sack + data, from + o->sack, o->n - SCTP_HEADER - o->sack);
        q->sack = sack;
        q->n = n;
        r->out_used = q->at + n;
        return true;
    }
    return false;
}

int raw_output(struct raw *r, const uint8_t *packet, size_t n)
{
    uint16_t ei, pi = (uint16_t)(n >= 4 ? be16(packet + 2) - 1u : 0);
    struct raw_endpoint *e;
    if (n < SCTP_HEADER + 4 || n + 256 > RAW_PACKET ||
        !(e = endpoint_by_port(r, be16(packet), &ei)) || pi >= RAW_PEERS || !r->peers[pi].used_us ||
        r->peers[pi].id.endpoint != ei)
        return EHOSTUNREACH;
    struct raw_peer *p = &r->peers[pi];
    uint8_t chunk = packet[SCTP_HEADER], addr;
    bool is_init = (chunk == CHUNK_INIT || chunk == CHUNK_INIT_ACK) && n >= SCTP_HEADER + 20;
    struct raw_out o = {.n = (uint32_t)n,
                        .peer = pi,
                        .tag = be32(packet + 4),
                        .sock = p->id.sock,
                        .to = raw_peer_addr(r, pi)};
    if (is_init)
        home_learn(r, p, packet);
    p->tag = o.tag;
    if (p->home && (p->home->confirmed || is_init)) {
        home_choose(r, p->home, chunk, &addr, &o.sock);
        o.to = p->home->addrs[addr];
    }
    o.open = out_is_open(packet, o.n, &o.sack);
    if (out_join(r, &o, packet))
        return 0; /* an error would make libusrsctp give up what a timer may mend, here and below */
    if (r->n_out == RAW_OUT || r->out_used + RAW_PACKET > RAW_OUT_OCTETS)
        raw_flush(r);
    uint8_t *tx = r->tx + r->out_used;
    memcpy(tx, packet, n);
    if (is_init && e->n_socks > 1)
        for (uint8_t i = 0; i < e->n_socks; i++)
            n = init_append(tx, n, RAW_PACKET, &r->socks[e->socks[i]]->local);
    put_be16(tx, e->wire_port);
    put_be16(tx + 2, p->id.port);
    o.at = r->out_used;
    o.n = (uint32_t)n;
    r->out_used += (o.n + 7) & ~7u;
    r->out[r->n_out++] = o;
    if (o.open)
        loop_flush_soon(r->loop, &r->flush);
    else
        raw_flush(r); /* beginning, end and trouble: nothing to gain by waiting */
    return 0;
}

/* ---- in ---- */
static bool acknowledges(uint8_t chunk)
{
    return chunk == CHUNK_SACK || chunk == CHUNK_HEARTBEAT_ACK || chunk == CHUNK_INIT_ACK ||
           chunk == CHUNK_COOKIE_ACK;
}

/* Of a packet with a tag of ours. What the peer sends of its own accord, or on another pair, does
 * not say that ours gets through. */
static struct raw_home *home_of_packet(struct raw *r, uint16_t ei, uint8_t sock,
                                       const struct net_addr *from, const uint8_t *p)
{
    struct raw_home *h = map_get_u64(&r->homes_in, home_in_id(be32(p + 4), ei));
    if (!h || h->peer->id.port != be16(p))
        return NULL;
    if (h->pending_id && be32(p + 4) == h->pending_tag) {
        bool from_pending = false;
        for (uint8_t i = 0; i < h->n_pending; i++)
            from_pending |= addr_same_host(from, &h->pending[i]);
        if (!from_pending)
            return NULL;
        home_promote(r, h);
    }
    for (uint8_t i = 0; i < h->n_addrs; i++)
        if (addr_same_host(from, &h->addrs[i])) {
            h->answer_addr = i;
            h->answer_sock = sock;
            h->heard_us = loop_now_us();
            if (acknowledges(p[SCTP_HEADER]) && home_pair_is(r, h, h->at, i, sock))
                h->unanswered = 0;
            h->confirmed = true;
            return h;
        }
    return NULL;
}

static void packet_in(struct raw *r, uint8_t sock, struct net_addr *from, uint8_t *p, uint32_t n)
{
    if (n < SCTP_HEADER + 4) {
        r->counts->rx_bad++;
        return;
    }
    uint16_t ei = r->socks[sock]->endpoint_of[be16(p + 2)];
    if (ei-- == 0)
        return; /* another process's */
    r->counts->rx_packets++;
    if (be32(p + 8) != sctp_checksum(r, p, n)) {
        r->counts->rx_bad++;
        return;
    }
    struct raw_home *h = map_count(&r->homes_in) ? home_of_packet(r, ei, sock, from, p) : NULL;
    uint8_t chunk = p[SCTP_HEADER];
    r->n_init_peers = 0;
    if (chunk == CHUNK_INIT)
        r->n_init_peers =
            init_addresses(p + SCTP_HEADER, n - SCTP_HEADER, r->init_peers, RAW_PATHS);
    if (chunk == CHUNK_INIT_ACK && h) {
        struct net_addr more[RAW_PATHS];
        home_add_addrs(h, more, init_addresses(p + SCTP_HEADER, n - SCTP_HEADER, more, RAW_PATHS));
    }
    from->port = be16(p);
    struct raw_peer *peer = h ? h->peer : peer_get(r, ei, sock, from);
    if (!peer)
        return;
    put_be16(p, raw_peer_port(peer_index(r, peer)));
    put_be16(p + 2, raw_port(r, ei));
    r->input(r->ctx, p, n);
}

/* RFC 9260 10, ICMP7: "protocol unreachable" about a packet with the right tag means that nobody
 * there speaks SCTP any more. Of a peer with several addresses only the path is gone. */
static void icmp_in(struct raw *r, struct raw_sock *s)
{
    uint8_t data[64], control[512];
    union sock_addr to;
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = sizeof to,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    for (ssize_t n; (n = recvmsg(s->watch.fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT)) >= 0;
         m.msg_controllen = sizeof control, m.msg_namelen = sizeof to) {
        const struct sock_extended_err *e = NULL;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR)
                e = (const void *)CMSG_DATA(c);
        if (!e || e->ee_origin != SO_EE_ORIGIN_ICMP || e->ee_type != ICMP_DEST_UNREACH ||
            e->ee_code != ICMP_PROT_UNREACH || n < 8)
            continue;
        const uint8_t *p = data;
        if (n >= 28 && p[0] >> 4 == 4) /* with or without the IP header, as the kernel likes */
            p += (p[0] & 15) * 4;
        if (p + 8 > data + n)
            continue;
        uint16_t ei = s->endpoint_of[be16(p)];
        struct net_addr peer = sock_to_addr(&to.sa);
        if (ei-- == 0)
            continue;
        uint8_t index = 0;
        while (r->socks[index] != s)
            index++;
        struct raw_peer_id id = {
            .family = peer.family, .sock = index, .port = be16(p + 2), .endpoint = ei};
        memcpy(id.ip, peer.ip, sizeof id.ip);
        struct raw_peer *who = map_get(&r->peers_by_id, id_bytes(&id));
        if (who && who->pins && who->tag == be32(p + 4) && (!who->home || who->home->n_addrs == 1))
            r->unreachable(r->ctx, peer_index(r, who));
    }
}

static void raw_readable(void *ctx, uint32_t events)
{
    struct raw_sock *s = ctx;
    struct raw *r = s->raw;
    struct mmsghdr *m = r->in_msg;
    uint8_t index = 0;
    while (r->socks[index] != s)
        index++;
    if (events & EPOLLERR)
        icmp_in(r, s);
    meter_enter(r->meter);
    int n = recvmmsg(s->watch.fd, m, RAW_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        uint8_t *p = r->in_iov[i].iov_base;
        uint32_t len = m[i].msg_len;
        struct net_addr a = sock_to_addr(&r->in_from[i].sa);
        m[i].msg_hdr.msg_namelen = sizeof r->in_from[i];
        a.port = 0;
        if (s->local.family == 4) {
            uint32_t header = len >= 20 ? (p[0] & 15u) * 4 : len;
            if (header > len || header < 20)
                continue;
            p += header;
            len -= header;
        }
        packet_in(r, index, &a, p, len);
    }
    meter_leave(r->meter);
    r->batch_end(r->ctx);
}

/* ---- endpoints ---- */
static int sock_open(struct raw *r, const struct net_addr *local, uint8_t i)
{
    union sock_addr s;
    struct net_addr bare = *local;
    bare.port = 0;
    socklen_t len = sock_from_addr(&s, &bare);
    int fd = socket(s.sa.sa_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP);
    if (fd < 0)
        return err_from_errno(errno);
    int size = SOCKET_BUFFER, on = 1, dont = IP_PMTUDISC_DONT;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (local->family == 4) {
        setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof dont);
        setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    }
    struct raw_sock *k = calloc(1, sizeof *k);
    int rc = !k ? ERR_NOSPACE : bind(fd, &s.sa, len) < 0 ? err_from_errno(errno) : OK;
    if (rc == OK)
        rc = loop_watch(r->loop, &k->watch, fd, EPOLLIN, raw_readable, k);
    if (rc < 0) {
        close(fd);
        free(k);
        return rc;
    }
    k->raw = r;
    k->local = bare;
    r->socks[i] = k;
    return OK;
}

/* The socket of a local address, with one more reference; its index or an error. */
static int sock_take(struct raw *r, const struct net_addr *local)
{
    int place = ERR_FULL;
    for (int i = RAW_SOCKS - 1; i >= 0; i--) {
        if (!r->socks[i])
            place = i;
        else if (addr_same_host(&r->socks[i]->local, local)) {
            r->socks[i]->refs++;
            return i;
        }
    }
    if (place < 0)
        return place;
    int rc = sock_open(r, local, (uint8_t)place);
    if (rc < 0)
        return rc;
    r->socks[place]->refs = 1;
    return place;
}

static bool port_is_free(const struct raw *r, const struct raw_endpoint *e, uint16_t port)
{
    for (uint8_t i = 0; i < e->n_socks; i++)
        if (r->socks[e->socks[i]]->endpoint_of[port])
            return false;
    return true;
}

static int port_choose(struct raw *r, struct raw_endpoint *e, uint16_t asked)
{
    if (asked)
        return port_is_free(r, e, asked) ? asked : ERR_EXISTS;
    uint16_t start;
    if (getrandom(&start, sizeof start, 0) != sizeof start)
        return ERR_IO;
    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        uint16_t port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
        if (port_is_free(r, e, port))
            return port;
    }
    return ERR_FULL;
}

int raw_endpoint_open(struct raw *r, const struct sctp_local *l)
{
    uint32_t i, index = 0;
    for (i = 0; i < RAW_ENDPOINTS; i++) { /* the one freed last is used last */
        index = (r->next_endpoint + i) % RAW_ENDPOINTS;
        if (!r->endpoints[index].used)
            break;
    }
    if (i == RAW_ENDPOINTS || l->n_addrs > RAW_PATHS)
        return ERR_FULL;
    struct raw_endpoint *e = &r->endpoints[index];
    memset(e, 0, sizeof *e);
    int rc = l->n_addrs ? OK : ERR_RANGE;
    for (uint32_t k = 0; rc >= 0 && k < l->n_addrs; k++) {
        rc = l->addrs[k].family ? sock_take(r, &l->addrs[k]) : ERR_RANGE;
        if (rc >= 0)
            e->socks[e->n_socks++] = (uint8_t)rc;
    }
    if (rc >= 0)
        rc = port_choose(r, e, l->addrs[0].port);
    if (rc < 0) {
        while (e->n_socks)
            sock_release(r, e->socks[--e->n_socks]);
        return rc;
    }
    e->used = true;
    e->wire_port = (uint16_t)rc;
    for (uint8_t k = 0; k < e->n_socks; k++)
        r->socks[e->socks[k]]->endpoint_of[e->wire_port] = (uint16_t)(index + 1);
    r->next_endpoint = index + 1;
    return (int)index;
}

void raw_endpoint_close(struct raw *r, uint32_t endpoint, uint64_t linger_us)
{
    struct raw_endpoint *e = &r->endpoints[endpoint];
    if (e->used && (!e->free_at_us || !linger_us))
        e->free_at_us = linger_us ? loop_now_us() + linger_us : 1;
}

void raw_reap(struct raw *r, uint64_t now_us)
{
    raw_flush(r); /* through sockets that may go now */
    for (uint32_t i = 0; i < RAW_ENDPOINTS; i++) {
        struct raw_endpoint *e = &r->endpoints[i];
        if (!e->used || !e->free_at_us || e->free_at_us > now_us)
            continue;
        for (uint32_t k = 0; k < RAW_PEERS; k++)
            if (r->peers[k].used_us && r->peers[k].id.endpoint == i)
                peer_drop(r, &r->peers[k]);
        for (uint8_t k = 0; k < e->n_socks; k++) {
            r->socks[e->socks[k]]->endpoint_of[e->wire_port] = 0;
            sock_release(r, e->socks[k]);
        }
        e->used = false;
    }
}

int raw_connect(struct raw *r, uint32_t endpoint, const struct net_addr *addrs, uint32_t n)
{
    struct raw_endpoint *e = &r->endpoints[endpoint];
    for (uint8_t i = 0; i < e->n_socks; i++)
        for (uint32_t k = 0; k < n; k++) {
            if (r->socks[e->socks[i]]->local.family != addrs[k].family)
                continue;
            struct net_addr first = addrs[k];
            first.port = addrs[0].port;
            struct raw_peer *p = peer_get(r, (uint16_t)endpoint, e->socks[i], &first);
            if (!p)
                return ERR_FULL;
            p->pins++;
            struct raw_home *h = home_new(r, p);
            for (uint32_t m = 0; h && m < n; m++) {
                struct net_addr one = addrs[m];
                one.port = 0;
                home_add_addrs(h, &one, 1);
            }
            if (h)
                h->confirmed = true;
            return (int)peer_index(r, p);
        }
    return ERR_RANGE;
}
