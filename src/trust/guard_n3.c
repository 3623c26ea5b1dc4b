/* SPDX-License-Identifier: Apache-2.0 */
/* N3-01, N3-03, N3-04, N3-05: what a user plane of this process did not take. */
#include "trust/guard_parts.h"
#include "base/err.h"
#include <stdio.h>

/* Addresses where tunnels end are peers, each of its own; all others are one, so that who makes up addresses is told of as
 * often as one peer is and hides none. */
static struct guard_peer *sender(struct guard *g, const struct tap_n3 *n)
{
    char text[NET_ADDR_TEXT];
    struct guard_peer *p = guard_peer(g, n->is_peer ? guard_key_at(g, GUARD_ON_N3, &n->peer) : 1ull << GUARD_ON_N3);
    if (p && p->name[0] == '?') {
        if (n->is_peer)
            snprintf(p->name, sizeof p->name, "n3 %s", addr_text(&n->peer, text));
        else
            snprintf(p->name, sizeof p->name, "a stranger on N3");
        guard_peer_serves(g, p);
    }
    return p;
}

void guard_n3(struct guard *g, const struct tap_event *e)
{
    static const struct {
        enum guard_detection d;
        const char *why;
    } rows[] = {
        [TAP_N3_PEER] = {GUARD_N3_01, "is not where the tunnel ends"},
        [TAP_N3_SOURCE] = {GUARD_N3_03, "sends packets whose source is not the phone's"},
        [TAP_N3_NESTED] = {GUARD_N3_04, "sends packets that carry an interface of a mobile network"},
        [TAP_N3_CORE] = {GUARD_N3_04, "sends packets for an address of the core's own"},
        [TAP_N3_COVERT] = {GUARD_N3_05, "sends signalling with more in it than the standard has for it"},
        [TAP_N3_EXTENSION] = {GUARD_N3_05, "sends an extension header that the standard does not have"},
    };
    const struct tap_n3 *n = e->value;
    char from[NET_ADDR_TEXT];
    if (!n || e->error != ERR_DENIED)
        return;
    struct guard_peer *p = sender(g, n);
    if (p)
        guard_find(g, rows[n->what].d, p, e, "%s %s; tunnel %08x, %u more like it", addr_text(&n->peer, from), rows[n->what].why,
                   n->teid, n->more);
}
