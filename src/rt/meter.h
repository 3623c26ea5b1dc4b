/* SPDX-License-Identifier: Apache-2.0 */
/* meter.h - the time that a part of a process takes, by a clock that somebody gives. What is done very often is timed at every
 * sixteenth time alone, so that the clock costs little. */
#pragma once
#include <stdint.h>

enum { METER_OF = 16, METER_LONGEST_NS = 200000 };
struct meter {
    uint64_t (*now_ns)(void); /* NULL: nothing is timed */
    uint64_t ns;              /* so far */
    uint32_t turn;
};
struct meter_start { /* at_ns 0: it is not timed this time */
    uint64_t at_ns, clock_ns; /* clock_ns: what the clock itself took */
    uint32_t of;
};
static inline struct meter_start meter_begin_of(const struct meter *m, uint32_t of)
{
    uint64_t before = m->now_ns(), at = m->now_ns();
    return (struct meter_start){at, at - before, of};
}
static inline struct meter_start meter_begin(const struct meter *m) /* m may be NULL */
{
    return m && m->now_ns ? meter_begin_of(m, 1) : (struct meter_start){0};
}
static inline struct meter_start meter_sample(struct meter *m)
{
    return m && m->now_ns && ++m->turn % METER_OF == 0 ? meter_begin_of(m, METER_OF) : (struct meter_start){0};
}
/* What took longer was no work of ours but that of others, who had the CPU meanwhile. */
static inline void meter_end(struct meter *m, struct meter_start s)
{
    uint64_t took = s.at_ns ? m->now_ns() - s.at_ns : 0;
    if (took > s.clock_ns && took < METER_LONGEST_NS)
        m->ns += (took - s.clock_ns) * s.of;
}
