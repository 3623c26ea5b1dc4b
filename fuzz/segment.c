/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a packet of segmentation offload with its header: what is cut lies within what the header allows, and its
 * parts, joined, come apart as they are. The same octets as packets of one batch, of 1 to 256 octets each by their first
 * octet: each is in one group. */
#include "dp/segment.h"
#include <stdlib.h>

enum { SEGMENTS_MAX = 64 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void check(bool good)
{
    if (!good)
        abort();
}

static void apart(const struct join *j, const struct join_group *g)
{
    struct segment_header h;
    uint8_t *p = malloc(SEGMENT_HEADER_MAX + 65536), *to = malloc(65536);
    struct cut c;
    check(p && to);
    uint32_t n = join_header(j, g, &h, p);
    for (unsigned left = g->n, i = g->first; left; left--, i = j->next[i]) {
        memcpy(p + n, j->k[i].p + g->head, j->k[i].n - g->head);
        n += j->k[i].n - g->head;
    }
    check(n == g->octets && cut_start(&c, &h, p, n));
    for (unsigned left = g->n, i = g->first; left; left--, i = j->next[i])
        check(cut_next(&c, to) == j->k[i].n);
    check(cut_next(&c, to) == 0);
    free(p);
    free(to);
}

static void joined(const struct dp_packet *k, unsigned n)
{
    struct join *j = malloc(sizeof *j);
    unsigned all = 0;
    check(j != NULL);
    join(j, k, n, true);
    for (unsigned i = 0; i < j->groups; i++) {
        all += j->group[i].n;
        if (j->group[i].n > 1)
            apart(j, &j->group[i]);
    }
    check(all == n);
    free(j);
}

static void cut_up(const struct segment_header *h, const uint8_t *p, uint32_t n)
{
    struct dp_packet k[SEGMENTS_MAX];
    unsigned segments = 0;
    struct cut c;
    if (!cut_start(&c, h, p, n))
        return;
    for (uint32_t got = 1; got && segments < SEGMENTS_MAX;) {
        uint8_t *to = malloc(c.head + c.size); /* of its own length, so that a sanitizer sees what lies beyond */
        check(to != NULL);
        got = cut_next(&c, to);
        check(got <= c.head + c.size);
        if (got)
            k[segments++] = (struct dp_packet){to, got};
        else
            free(to);
    }
    joined(k, segments);
    for (unsigned i = 0; i < segments; i++)
        free(k[i].p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_header h;
    struct dp_packet k[DP_BATCH];
    unsigned packets = 0;
    if (size < sizeof h || size > 65536)
        return 0;
    memcpy(&h, data, sizeof h);
    uint32_t n = (uint32_t)(size - sizeof h);
    uint8_t *p = malloc(n + 1);
    check(p != NULL);
    memcpy(p, data + sizeof h, n);
    cut_up(&h, p, n);
    for (uint32_t at = 0; at < n && packets < DP_BATCH; packets++) {
        uint32_t take = 1u + data[sizeof h + at];
        take = take < n - at ? take : n - at;
        k[packets].n = take;
        k[packets].p = malloc(take);
        check(k[packets].p != NULL);
        memcpy(k[packets].p, p + at, take);
        at += take;
    }
    joined(k, packets);
    for (unsigned i = 0; i < packets; i++)
        free(k[i].p);
    segment_sum(&h, p, n);
    free(p);
    return 0;
}
