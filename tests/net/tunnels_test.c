/* SPDX-License-Identifier: Apache-2.0 */
/* Elements that prove themselves by certificate, at N2: nothing without tunnels, their address where tunnels are all there is. */
#include "tests/net/trust_net.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CERTIFICATE "\"identity\":\"certificate\",\"key_sha256\":\"" KEY "\","
static void with_certificate(struct store *s) { estate_import(s, "orion", "orion", "orion", "gnb", CERTIFICATE); }
static void without_proof(struct store *s) { estate_import(s, "orion", "orion", "orion", "gnb", ""); }
static void banned_with_certificate(struct store *s) { estate_import(s, "orion", "drago", "orion", "gnb", CERTIFICATE); }

static void second_gnb(const char *more, void (*provision)(struct store *), bool in)
{
    struct net *n = net_new((struct net_options){.more = more, .provision = provision, .policies = {REGIME_HEAD BAN}, .refused_cells = in ? 0 : 2});
    assert_int_equal(n->cells[1].gnb.state, in ? GNB_READY : GNB_REFUSED);
    assert_int_equal(n->amf->gnbs_setup, 1 + in);
    net_free(n);
}
static void address_for_certificate(void **state)
{
    static const char tunnels[] = "trust: {mode: enforce, tunnels: true}\n";
    second_gnb(ENFORCE, with_certificate, false);
    second_gnb(tunnels, with_certificate, true);
    second_gnb(tunnels, without_proof, false);
    second_gnb(tunnels, banned_with_certificate, false); /* known, and not permitted */
}

int main(void) { return RUN(unit(address_for_certificate)); }
