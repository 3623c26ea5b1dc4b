/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sctp_raw.h"
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

enum { INIT_FIXED = 20, PARAM_IPV4 = 5, PARAM_IPV6 = 6 };

void crc32c_init(struct raw *r)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        r->crc_table[i] = c;
    }
#if defined(__x86_64__)
    r->crc_in_hardware = __builtin_cpu_supports("sse4.2");
#endif
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t c, const uint8_t *p,
                                                               size_t n)
{
    uint64_t c64 = c, v;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&v, p, 8);
        c64 = _mm_crc32_u64(c64, v);
    }
    c = (uint32_t)c64;
    for (; n; n--)
        c = _mm_crc32_u8(c, *p++);
    return c;
}
#endif

static uint32_t crc_update(const struct raw *r, uint32_t c, const uint8_t *p, size_t n)
{
#if defined(__x86_64__)
    if (r->crc_in_hardware)
        return crc_hardware(c, p, n);
#endif
    for (; n; n--)
        c = r->crc_table[(c ^ *p++) & 0xff] ^ c >> 8;
    return c;
}

uint32_t sctp_checksum(const struct raw *r, const uint8_t *p, size_t n)
{
    static const uint8_t zero[4];
    uint32_t c = crc_update(r, UINT32_MAX, p, 8);
    c = crc_update(r, c, zero, 4);
    c = ~crc_update(r, c, p + SCTP_HEADER, n - SCTP_HEADER);
    /* RFC 9260 Appendix A: the least significant octet goes first. */
    return __builtin_bswap32(c);
}

uint8_t init_addresses(const uint8_t *chunk, size_t n, struct net_addr *out, uint8_t max)
{
    uint8_t found = 0;
    size_t len = n >= 4 ? be16(chunk + 2) : 0;
    len = len < n ? len : n;
    for (size_t at = INIT_FIXED; at + 4 <= len && found < max;) {
        uint16_t type = be16(chunk + at), plen = be16(chunk + at + 2);
        if (plen < 4 || plen > len - at)
            break;
        struct net_addr a = {.family = type == PARAM_IPV4 ? 4 : 6};
        if (type == PARAM_IPV4 && plen == 8) {
            memcpy(a.ip, chunk + at + 4, 4);
            out[found++] = a;
        } else if (type == PARAM_IPV6 && plen == 20) {
            memcpy(a.ip, chunk + at + 4, 16);
            out[found++] = a;
        }
        at += (plen + 3u) & ~3u;
    }
    return found;
}

size_t init_append(uint8_t *packet, size_t n, size_t cap, const struct net_addr *a)
{
    uint16_t ip = a->family == 4 ? 4 : 16;
    size_t padded = (n + 3) & ~(size_t)3;
    if (padded + 4u + ip > cap)
        return n;
    memset(packet + n, 0, padded - n);
    put_be16(packet + padded, a->family == 4 ? PARAM_IPV4 : PARAM_IPV6);
    put_be16(packet + padded + 2, (uint16_t)(4 + ip));
    memcpy(packet + padded + 4, a->ip, ip);
    n = padded + 4u + ip;
    put_be16(packet + SCTP_HEADER + 2, (uint16_t)(n - SCTP_HEADER));
    return n;
}
