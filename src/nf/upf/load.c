/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - load and overload control information, TS 29.244 6.2.3 and 6.2.4: in answers and reports to SMFs that said
 * they understand it. Load is how many of the configured sessions exist. Overload is when requests that wait for the
 * packet path fill their room: a reduction is asked for that grows from there. */
#include "nf/upf/state.h"

enum {
    OVERLOADED_FROM = 80, /* percent of the room */
    OVERLOAD_VALID = 15,  /* times 2 s, 8.2.36 */
};

static uint8_t percent(uint32_t used, uint32_t max)
{
    return (uint8_t)(max ? (uint64_t)used * 100 / max : 100);
}

/* Another number with each change; it starts with the time of our start, so that it goes on after one. */
static uint32_t renewed(const struct upf *u, struct upf_metric *m, uint8_t now)
{
    if (!m->sequence)
        m->sequence = u->pfcp.recovery;
    if (m->value != now)
        m->sequence++;
    m->value = now;
    return m->sequence;
}

bool load_fill(struct upf *u, const struct pfcp_assoc *a, struct pfcp_load_control_information *to)
{
    if (!a || !(a->cp_features & PFCP_CP_FEATURE_LOAD))
        return false;
    to->load_metric = percent(u->sessions.used, u->sessions.max);
    to->load_control_sequence_number = renewed(u, &u->load, to->load_metric);
    return true;
}

bool overload_fill(struct upf *u, const struct pfcp_assoc *a, struct pfcp_overload_control_information *to)
{
    uint8_t full = percent(u->pendings.used, u->pendings.max);
    uint8_t reduction = full > OVERLOADED_FROM ? (uint8_t)((full - OVERLOADED_FROM) * 100 / (100 - OVERLOADED_FROM)) : 0;
    if (!a || !(a->cp_features & PFCP_CP_FEATURE_OVRL) || (!reduction && !u->overload.value))
        return false; /* 0 is said once, when it is over; else what was said ends with its time */
    to->overload_reduction_metric = reduction;
    to->overload_control_sequence_number = renewed(u, &u->overload, reduction);
    to->period_of_validity = OVERLOAD_VALID;
    return true;
}
