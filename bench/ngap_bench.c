/* SPDX-License-Identifier: Apache-2.0 */
/* ngap_bench - how long one core takes to decode and to encode captured NGAP PDUs: the best of several rounds, so
 * that a noisy machine shows its own speed. Usage: ngap_bench tests/codec_ngap/vectors.hex */
#include "base/err.h"
#include "codec/ngap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 70000, BLOCK = 1 << 20, TURNS = 20000, ROUNDS = 7 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int measure(struct bytes in, uint8_t *block, uint8_t *out)
{
    struct ngap_pdu pdu;
    struct ngap_report report;
    double best_in = 1e18, best_out = 1e18;
    int n = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double t0 = now_ns();
        for (int i = 0; i < TURNS; i++) {
            struct arena a = arena_over(block, BLOCK);
            if (ngap_decode(in, &a, &pdu, &report) != OK)
                return 1;
        }
        double t1 = now_ns();
        for (int i = 0; i < TURNS; i++)
            if ((n = ngap_encode(pdu.msg, pdu.value, out, BLOCK)) < 0)
                return 1;
        double t2 = now_ns();
        best_in = t1 - t0 < best_in ? t1 - t0 : best_in;
        best_out = t2 - t1 < best_out ? t2 - t1 : best_out;
    }
    printf("%-36s %4u octets  decode %5.0f ns  encode %5.0f ns\n", ngap_msg_name(pdu.msg), in.n,
           best_in / TURNS, best_out / TURNS);
    return 0;
}

int main(int argc, char **argv)
{
    static char line[LINE];
    static uint8_t in[LINE / 2], seen[512];
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    uint8_t *block = malloc(BLOCK), *out = malloc(BLOCK);
    int r = 0;
    if (!f || !block || !out) {
        fprintf(stderr, "usage: %s tests/codec_ngap/vectors.hex\n", argv[0]);
        return 2;
    }
    while (fgets(line, sizeof line, f)) {
        size_t digits = strcspn(line, "\n");
        if (line[0] != 'c' || digits < 4) /* captured, and not marked as an exception */
            continue;
        struct str hex = {line + 2, (uint32_t)digits - 2};
        unsigned kind = 0;
        if (!hex_get(in, hex.n / 2, hex))
            continue;
        kind = (unsigned)(in[0] >> 5) << 7 | in[1]; /* outcome and procedure: one PDU of each message */
        if (seen[kind & 511]++)
            continue;
        r |= measure((struct bytes){in, hex.n / 2}, block, out);
    }
    fclose(f);
    free(block);
    free(out);
    return r;
}
