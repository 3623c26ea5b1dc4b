/* SPDX-License-Identifier: Apache-2.0 */
/* one.h - one phone's session in the packet path, for tests of it alone. */
#pragma once
#include "tests/test.h"
#include "tests/dp/net.h"
#include "dp/state.h"

static struct net T; /* one test at a time */
static struct plain P;
static const uint8_t ue4[4] = {10, 45, 0, 5}, ue4b[4] = {10, 45, 0, 6}, far4[4] = {8, 8, 8, 8};
static const uint8_t ue6[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t far6[16] = {0x2a, 0, [15] = 1};

static inline uint32_t open_with(const struct dp_config *c)
{
    net_open(&T, c);
    assert_non_null(T.dp);
    return 0;
}
static inline void put(struct rule_session *s)
{
    const char *why = NULL;
    int e = dp_session_set(T.dp, T.now, s, &why);
    if (e < 0)
        print_error("%s\n", why ? why : err_text(e));
    assert_int_equal(e, 0);
}
static inline void start(void)
{
    struct dp_config c = net_config();
    open_with(&c);
    put(plain_session(&P, 100, 5, 1));
}
static inline void stop(void)
{
    assert_true(net_adds_up(&T));
    dp_free(T.dp);
}
static inline void up(uint32_t n)
{
    net_uplink(&T, P.pdr[0].teid, 9, n, v4_peer(2));
}
static inline void down_marked(uint8_t mark)
{
    uint32_t n = ip4(net_inner(&T), far4, ue4, 60);
    net_inner(&T)[59] = mark;
    net_downlink(&T, 0, n);
}
#define COUNTED(name, n) assert_int_equal(net_count(&T, DP_##name), n)
