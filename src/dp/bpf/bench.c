/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* bench.c - for redoubt bench upf: the packet path with what makes packets for it and what counts them
 * behind it. The packets of a mix of sessions are made from one, by a number. */
#include "dp/bpf/upf.c"
#include "dp/xdp_bench.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct xdp_bench);
} bench SEC(".maps");
struct { /* packets, octets by the IP header */
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} sunk SEC(".maps");

INLINE int put32(struct xdp_md *ctx, __u32 at, __u32 v)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    if (at > XDP_BENCH_HEAD - 4 || data + at + 4 > end)
        return 0;
    *(__u32 *)(data + at) = v;
    return 1;
}

/* A walk over all sessions in no order. */
INLINE __u32 session_next(struct xdp_bench *b)
{
    b->walk = b->walk * 1664525 + 1013904223;
    return (__u32)(((__u64)b->walk * b->sessions) >> 32);
}

/* The headers, for the next session. */
INLINE int packet_make(struct xdp_md *ctx, struct xdp_bench *b)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 sum_at = b->sum_at;
    if (data + XDP_BENCH_HEAD > end || sum_at > XDP_BENCH_HEAD - 2)
        return 0;
    __u32 i = session_next(b), ip = bpf_htonl(b->ue_first + i);
    __builtin_memcpy(data, b->head, XDP_BENCH_HEAD);
    if (b->teid_at && !put32(ctx, b->teid_at, bpf_htonl(b->teid_first + i * XDP_TUNNELS)))
        return 0;
    __u32 sum = (__u16)~b->sum;
    sum += (ip & 0xffff) + (ip >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    if (data + sum_at + 2 > end)
        return 0;
    *(__u16 *)(data + sum_at) = (__u16)~sum;
    return put32(ctx, b->ue_at, ip);
}

INLINE struct xdp_bench *bench_state(void)
{
    __u32 k = 0;
    return bpf_map_lookup_elem(&bench, &k);
}

/* Test runs do not make the packet anew, so this does, and takes back what was done to the frame. */
SEC("xdp")
int bench_path(struct xdp_md *ctx)
{
    struct xdp_bench *b = bench_state();
    if (!b || !packet_make(ctx, b))
        return XDP_ABORTED;
    if (b->base)
        return XDP_PASS;
    __u32 before = (__u32)(ctx->data_end - ctx->data);
    int verdict = frame_way(ctx);
    __u32 after = (__u32)(ctx->data_end - ctx->data);
    if (verdict != XDP_REDIRECT)
        b->lost++;
    if (after != before && bpf_xdp_adjust_head(ctx, (int)after - (int)before))
        b->lost++;
    return verdict;
}

/* What memory takes for a session that is in no cache, whatever is done with it: one word of each, one after the other. */
SEC("xdp")
int bench_touch(struct xdp_md *ctx)
{
    struct xdp_bench *b = bench_state();
    if (!b)
        return XDP_ABORTED;
    __u32 k = session_next(b);
    struct xdp_session *s = b->base ? 0 : bpf_map_lookup_elem(&sessions, &k);
    if (s)
        b->walk ^= (__u32)(*(volatile __u64 *)&s->state >> 63); /* which is 0 */
    return XDP_PASS;
}

/* What the veth path takes, whatever is done on it: frames are passed on to the other interface. */
SEC("xdp")
int bench_forward(struct xdp_md *ctx)
{
    struct xdp_bench *b = bench_state();
    return b ? (int)bpf_redirect_map(&out, ctx->ingress_ifindex == b->forward[0] ? b->forward[1] : b->forward[0], 0)
             : XDP_ABORTED;
}

SEC("xdp")
int bench_send(struct xdp_md *ctx)
{
    struct xdp_bench *b = bench_state();
    if (!b || !packet_make(ctx, b))
        return XDP_ABORTED;
    return (int)bpf_redirect(b->ifindex, 0);
}

SEC("xdp")
int bench_sink(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *e = data;
    struct iphdr *ip = (void *)(e + 1);
    __u32 k = 0, k1 = 1;
    __u64 *n = bpf_map_lookup_elem(&sunk, &k), *octets = bpf_map_lookup_elem(&sunk, &k1);
    if ((void *)(ip + 1) > end || e->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != PROTO_UDP)
        return XDP_PASS;
    if (n && octets) {
        ++*n;
        *octets += bpf_ntohs(ip->tot_len);
    }
    return XDP_DROP;
}
