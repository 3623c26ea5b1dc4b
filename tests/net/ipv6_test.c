/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 and IPv4v6 sessions: a /64 by router advertisement, TS 23.501 5.8.2.2. */
#include "tests/net/net.h"

static void six(struct net *n)
{
    static const char *const far = "2001:db8::1";
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV6);
    assert_int_equal(s->type, NAS_PDU_IPV6);
    assert_true(net_run_until(n, s->has_prefix, 5 * NET_S));
    assert_memory_equal(s->prefix, ((uint8_t[]){0xfd, 0, 0, 0x10, 0, 0x45}), 6);
    net_ping(n, s, far);
    struct ue_session *b = net_session(n, ue, "internet", NAS_PDU_IPV4V6);
    assert_int_equal(b->type, NAS_PDU_IPV4V6);
    assert_true(net_run_until(n, b->has_prefix, 5 * NET_S));
    assert_memory_not_equal(b->prefix, s->prefix, 8);
    net_ping(n, b, far);
    net_ping(n, b, "8.8.8.8");
    net_agree(n);
    net_idle(n, ue);
    net_ping(n, s, far); /* from idle, by IPv6 */
    net_run(n, NET_S);
    net_agree(n);
}
static void six_both_ways(void **state) { net_both_ways(six, (struct net_options){.seed = 1}); }
int main(void) { return RUN(unit(six_both_ways)); }
