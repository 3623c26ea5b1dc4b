/* SPDX-License-Identifier: Apache-2.0 */
/* abuse.c - what the packet path did not take because no honest peer sends it, for whoever listens on the tap. */
#include "nf/upf/state.h"

/* Rules and packets of one procedure may meet in any order: a phone that comes back through another gNB is heard before
 * N4 has named that, and the last packets of the gNB before come after. */
enum { SETTLE_S = 10 };

static enum tap_n3_what what_of(uint8_t counter)
{
    switch (counter) {
    case DP_spoofed:
    case DP_mac_taken: return TAP_N3_SOURCE;
    case DP_nested: return TAP_N3_NESTED;
    case DP_to_the_core: return TAP_N3_CORE;
    case DP_covert: return TAP_N3_COVERT;
    case DP_gtpu_extension: return TAP_N3_EXTENSION;
    default: return TAP_N3_PEER;
    }
}

static void tell(struct upf *u, const struct upf_suspect *x)
{
    rt_tap(u->rt, &(struct tap_event){.interface = TAP_N3, .direction = TAP_RX, .at_us = x->at_us, .type = x->n > 1 ? x->octets[1] : 0,
                                      .name = x->n3.teid ? "G-PDU" : "GTP-U", .value = &x->n3, .raw = {x->octets, x->n},
                                      .error = ERR_DENIED});
}

/* Its rules have been. The low bits come round after 18 hours: then something is missed. */
static bool changed_since(const struct upf *u, const struct upf_session *s, uint64_t at_us)
{
    uint32_t now = (uint32_t)(u->rt->now_us / 1000000);
    return (uint16_t)(now - s->changed_s) <= now - (uint32_t)(at_us / 1000000);
}

static void suspicion_plan(struct upf *u);
static void suspicion_due(struct timer *t)
{
    struct upf *u = CONTAINER(t, struct upf, suspicion);
    uint32_t done = 0;
    for (; done < u->suspects_n && u->rt->now_us - u->suspects[done].at_us >= SETTLE_S * 1000000ull; done++) {
        const struct upf_suspect *x = &u->suspects[done];
        const struct upf_session *s = slab_get(&u->sessions, x->session);
        if (s && !s->going && !changed_since(u, s, x->at_us))
            tell(u, x);
    }
    u->suspects_n -= done;
    memmove(u->suspects, u->suspects + done, u->suspects_n * sizeof *u->suspects);
    suspicion_plan(u);
}
static void suspicion_plan(struct upf *u)
{
    if (u->suspects_n)
        timer_set(&u->rt->timers, &u->suspicion, u->suspects[0].at_us + SETTLE_S * 1000000ull, suspicion_due);
}

void abuse_told(struct upf *u, const struct upf_session *s, const struct dp_event *e)
{
    struct upf_suspect x = {.session = {e->session, e->gen}, .at_us = u->rt->now_us,
                            .n = e->packet.n < UPF_SUSPECT_OCTETS ? e->packet.n : UPF_SUSPECT_OCTETS,
                            .n3 = {.what = what_of(e->what), .teid = e->teid, .more = e->more,
                                   .is_peer = e->is_peer || upf_path_of(u, &e->peer), .peer = {.family = e->peer.family}}};
    memcpy(x.n3.peer.ip, e->peer.ip, sizeof x.n3.peer.ip);
    memcpy(x.octets, e->packet.p, x.n);
    if (x.n3.what != TAP_N3_PEER || !e->teid) {
        tell(u, &x);
        return;
    }
    /* When there are too many already they are told of, and that is enough to be told. */
    uint64_t lately_us = x.at_us > SETTLE_S * 1000000ull ? x.at_us - SETTLE_S * 1000000ull : 0;
    if (!s || s->going || changed_since(u, s, lately_us) || u->suspects_n == UPF_SUSPECTS)
        return;
    u->suspects[u->suspects_n++] = x;
    if (u->suspects_n == 1)
        suspicion_plan(u);
}
