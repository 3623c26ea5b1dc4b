/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/pcap.h"
#include <netinet/in.h>

enum { LINKTYPE_RAW = 101, HEAD_MAX = 40 + 12 + 16, SCTP_HEADER = 12, DATA_HEADER = 16, UDP_HEADER = 8 };

static void put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i += 2)
        sum += be16(p + i);
    return n % 2 ? sum + (uint32_t)(p[n - 1] << 8) : sum;
}
static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t ip_put(uint8_t *p, const struct world_packet *k, uint8_t protocol, uint32_t payload)
{
    if (k->from.family == 4) {
        memset(p, 0, 20);
        p[0] = 0x45;
        put_be16(p + 2, (uint16_t)(20 + payload));
        p[8] = 64;
        p[9] = protocol;
        memcpy(p + 12, k->from.ip, 4);
        memcpy(p + 16, k->to.ip, 4);
        put_be16(p + 10, fold(sum16(0, p, 20)));
        return 20;
    }
    memset(p, 0, 40);
    p[0] = 0x60;
    put_be16(p + 4, (uint16_t)payload);
    p[6] = protocol;
    p[7] = 64;
    memcpy(p + 8, k->from.ip, 16);
    memcpy(p + 24, k->to.ip, 16);
    return 40;
}

static uint32_t udp_put(uint8_t *p, const struct world_packet *k)
{
    uint32_t n = UDP_HEADER + k->octets.n, a = k->from.family == 4 ? 4 : 16;
    put_be16(p, k->from.port);
    put_be16(p + 2, k->to.port);
    put_be16(p + 4, (uint16_t)n);
    put_be16(p + 6, 0);
    uint32_t sum = sum16(IPPROTO_UDP + n, k->from.ip, a);
    sum = sum16(sum16(sum, k->to.ip, a), p, UDP_HEADER);
    uint16_t check = fold(sum16(sum, k->octets.p, k->octets.n));
    put_be16(p + 6, check ? check : 0xffff);
    return UDP_HEADER;
}

/* The checksum stays 0: readers do not look at it unless told to. */
static uint32_t sctp_put(struct world_pcap *w, uint8_t *p, const struct world_packet *k)
{
    memset(p, 0, SCTP_HEADER + DATA_HEADER);
    put_be16(p, k->from.port);
    put_be16(p + 2, k->to.port);
    put_be32(p + 4, 1);
    p[13] = 3; /* DATA, first and last fragment */
    put_be16(p + 14, (uint16_t)(DATA_HEADER + k->octets.n));
    put_be32(p + 16, w->tsn++);
    put_be16(p + 20, k->stream);
    put_be32(p + 24, k->ppid);
    return SCTP_HEADER + DATA_HEADER;
}

static void watch(void *ctx, const struct world_packet *k)
{
    struct world_pcap *w = ctx;
    static const uint8_t zeros[4];
    uint8_t record[16], head[HEAD_MAX];
    uint32_t pad = k->is_sctp ? -k->octets.n & 3 : 0;
    uint32_t over = k->is_sctp ? SCTP_HEADER + DATA_HEADER : UDP_HEADER, n = over + k->octets.n + pad;
    if (n + 40 > UINT16_MAX) {
        w->too_long++;
        return;
    }
    uint32_t at = ip_put(head, k, k->is_sctp ? IPPROTO_SCTP : IPPROTO_UDP, n);
    at += k->is_sctp ? sctp_put(w, head + at, k) : udp_put(head + at, k);
    put_le32(record, (uint32_t)(k->at_us / 1000000));
    put_le32(record + 4, (uint32_t)(k->at_us % 1000000));
    put_le32(record + 8, at + k->octets.n + pad);
    put_le32(record + 12, at + k->octets.n + pad);
    fwrite(record, sizeof record, 1, w->out);
    fwrite(head, at, 1, w->out);
    fwrite(k->octets.p, k->octets.n, 1, w->out);
    fwrite(zeros, pad, 1, w->out);
    w->packets++;
}

void world_pcap_start(struct world_pcap *p, struct world *w, FILE *out)
{
    uint8_t head[24] = {0};
    *p = (struct world_pcap){.out = out, .tsn = 1};
    put_le32(head, 0xa1b2c3d4);
    head[4] = 2;
    head[6] = 4;
    put_le32(head + 16, 65535);
    put_le32(head + 20, LINKTYPE_RAW);
    fwrite(head, sizeof head, 1, out);
    world_watch(w, watch, p);
}
