/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "dp/ring.h"
#include <pthread.h>
#include <sched.h>

enum { ITEMS = 300000 };
static void *write_all(void *ring)
{
    for (uint64_t i = 0; i < ITEMS;) {
        uint64_t item[3] = {i, ~i, i * 7};
        if (ring_push(ring, item))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

static void two_threads_lose_nothing(void **state)
{
    struct ring r;
    pthread_t thread;
    assert_int_equal(ring_init(&r, 24, 60), 0);
    assert_int_equal(r.mask, 63);
    assert_int_equal(pthread_create(&thread, NULL, write_all, &r), 0);
    for (uint64_t i = 0; i < ITEMS;) {
        uint64_t item[3];
        if (!ring_pop(&r, item)) {
            sched_yield();
            continue;
        }
        if (item[0] != i || item[1] != ~i || item[2] != i * 7)
            fail();
        i++;
    }
    pthread_join(thread, NULL);
    uint64_t item[3] = {0};
    assert_false(ring_pop(&r, item));
    for (int i = 0; i < 64; i++)
        assert_true(ring_push(&r, item));
    assert_false(ring_push(&r, item));
    ring_free(&r);
}

static void events_carry_their_packet(void **state)
{
    uint8_t packet[600];
    memset(packet, 7, sizeof packet);
    struct dp_event e = {
        .kind = DP_EVENT_ROUTER_SOLICITATION, .session = 4, .packet = {packet, 48}};
    struct dp_event_item a, b;
    dp_event_pack(&a, &e);
    b = a;
    memset(packet, 0, sizeof packet);
    const struct dp_event *back = dp_event_unpack(&b);
    assert_int_equal(back->session, 4);
    assert_int_equal(back->packet.n, 48);
    assert_int_equal(back->packet.p[47], 7);
    e.packet.n = 600;
    dp_event_pack(&a, &e);
    assert_int_equal(a.event.packet.n, DP_EVENT_ITEM_DATA);
}

int main(void)
{
    return RUN(unit(two_threads_lose_nothing), unit(events_carry_their_packet));
}
