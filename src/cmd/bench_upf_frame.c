/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/bench_upf_frame.h"
#include "base/err.h"
#include "dp/dp.h"
#include "dp/inner.h"
#include <bpf/bpf.h>
#include <string.h>

enum { ETH = 14, BATCH = 64 };

static void ip_make(uint8_t *ip, uint32_t n, uint32_t src, uint32_t dst)
{
    ip[0] = 0x45;
    put_be16(ip + 2, (uint16_t)n);
    ip[8] = 64;
    ip[9] = 17;
    put_be32(ip + 12, src);
    put_be32(ip + 16, dst);
    put_be16(ip + 10, (uint16_t)~inet_sum(ip, 20, 0));
}

static void tunnel_make(uint8_t *ip, uint32_t n)
{
    ip_make(ip, n + 44, 0xc0a80302, 0xc0a80301);
    uint8_t *u = ip + 20, *g = u + 8;
    put_be16(u, DP_GTPU_PORT);
    put_be16(u + 2, DP_GTPU_PORT);
    put_be16(u + 4, (uint16_t)(n + 24));
    g[0] = 0x34;
    g[1] = 255;
    put_be16(g + 2, (uint16_t)(n + 8));
    g[11] = 0x85;
    g[12] = 1;
    g[13] = 0x10;
    g[14] = 9;
}

uint32_t bench_frame_make(const struct bench_frame *k, uint8_t *f, struct xdp_bench *x)
{
    uint32_t at = ETH;
    bool up = k->up;
    memset(f, 0, BENCH_FRAME_MAX);
    *x = (struct xdp_bench){.sessions = k->sessions, .walk = 1, .ue_first = k->ue_first};
    memcpy(f, k->to, 6);
    memcpy(f + 6, k->from, 6);
    put_be16(f + 12, 0x800);
    if (up && k->tunnel) {
        tunnel_make(f + at, k->n);
        x->teid_at = at + 28 + 4;
        x->teid_first = dp_teid(k->sessions_max, 0, 0, 0x40000000);
        at += 44;
    }
    uint8_t *ip = f + at;
    ip_make(ip, k->n, up ? 0 : 0xc6336409, up ? 0xc6336409 : 0); /* 198.51.100.9 */
    put_be16(ip + 20, up ? 4000 : 9);
    put_be16(ip + 22, up ? 9 : 4000);
    put_be16(ip + 24, (uint16_t)(k->n - 20));
    x->sum_at = at + 10;
    x->ue_at = at + (up ? 12 : 16);
    uint16_t sum;
    memcpy(&sum, ip + 10, sizeof sum);
    x->sum = sum;
    memcpy(x->head, f, XDP_BENCH_HEAD);
    return at + k->n;
}

int bench_run(void *run)
{
    struct bench_run *r = run;
    struct xdp_md md = {.data_end = r->n, .ingress_ifindex = r->ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = r->frame, .data_size_in = r->n, .ctx_in = &md, .ctx_size_in = sizeof md,
                .repeat = (int)r->repeat, .flags = r->flags, .batch_size = r->flags ? BATCH : 0);
    if (bpf_prog_test_run_opts(r->program, &o) < 0)
        return ERR_UNSUPPORTED;
    r->ns = o.duration;
    return OK;
}
