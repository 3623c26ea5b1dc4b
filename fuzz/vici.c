/* SPDX-License-Identifier: Apache-2.0 */
/* What strongSwan's daemon sends over vici, from the first octet after it was connected to. Whatever it says, nobody is
 * proved by it, since no certificate here is of the authority. The first octet says how the rest is cut into pieces. */
#include "sim/world.h"
#include "trust/ca.h"
#include "trust/ipsec_peers.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct link_end {
    bool closed;
};
static int take(void *ctx, struct bytes b) { return OK; }
static void closed(void *ctx) { ((struct link_end *)ctx)->closed = true; }
static struct str authority(void)
{
    static struct ca_pem key, certificate;
    if (!certificate.n && ca_make(STR("lab"), (struct ca_term){1700000000, 1900000000}, &key, &certificate) < 0)
        abort();
    return (struct str){certificate.text, certificate.n};
}
static void ask(struct ipsec_peers *p)
{
    struct inventory v = {.as_of = 20000};
    struct net_addr at = addr_v4(0x0a070001, 0);
    struct identity_result r;
    if (ipsec_peers_verify(p, &v, &at, IPSEC_N2, false, &r) == OK)
        abort();
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link_end end = {false};
    struct ipsec_peers *p;
    struct rt rt;
    if (size < 2)
        return 0;
    struct world *w = world_new(1);
    struct net_addr host = addr_v4(0x0a000001, 0);
    struct env *env = world_host(w, "core", &host);
    if (rt_init(&rt, env, 1 << 20) < 0)
        abort();
    struct ipsec_peers_conf conf = {.rt = &rt, .authority = authority(), .send = take, .close = closed, .ctx = &end};
    if (ipsec_peers_new(&p, &conf) < 0)
        abort();
    ipsec_peers_up(p);
    world_attach(w, env, &rt);
    for (size_t at = 1, n = (size_t)data[0] * 4 + 1; at < size && !end.closed; at += n, world_run(w, 1000)) /* rounds begin by time */
        ipsec_peers_octets(p, (struct bytes){data + at, (uint32_t)(size - at < n ? size - at : n)});
    ask(p);
    ipsec_peers_free(p);
    rt_free(&rt);
    world_free(w);
    return 0;
}
