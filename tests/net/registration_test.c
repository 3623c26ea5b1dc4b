/* SPDX-License-Identifier: Apache-2.0 */
/* Registration and what belongs to it, in the whole network: TS 23.502 4.2.2. */
#include "tests/net/net.h"

static void initial(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    assert_int_equal(n->count[UE_REGISTERED], 1);
    assert_int_equal(n->ran.counters.key_mismatches, 0);
    assert_int_equal(n->ran.counters.context_failures, 0);
    assert_int_equal(ue->n_authentications, 1);
    assert_true(ue->usim.has_guti);
    assert_int_equal(ue->n_allowed, 1);
    assert_int_equal(ue->n_tais, 2);
    net_agree(n);
    assert_true(net_run_until(n, !ue->link, 30 * NET_S)); /* nothing to do: released */
    net_agree(n);
}
static void registers_both_ways(void **state) { net_both_ways(initial, (struct net_options){.seed = 1}); }
static void registers_by_eap(void **state) { net_both_ways(initial, (struct net_options){.seed = 2, .eap = true}); }

static struct hn_key *hn_public;
static void concealed_phone(struct ue_config *u, uint32_t i)
{
    u->usim.hn = hn_public;
    u->usim.hn_id = 1;
}
static void registers_concealed(void **state)
{
    struct crypto *c;
    static const char *const key = "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d";
    static char more[256];
    uint8_t raw[32], pub[33];
    assert_int_equal(crypto_init(&c), OK);
    for (enum suci_scheme s = SUCI_PROFILE_A; s <= SUCI_PROFILE_B; s++) {
        struct hn_key *private;
        hex_get(raw, 32, str_of(key));
        assert_int_equal(hn_key_private_raw(c, s, raw, &private), OK);
        int k = hn_key_public(private, pub);
        assert_int_equal(hn_key_public_raw(c, s, (struct bytes){pub, (uint32_t)k}, &hn_public), OK);
        snprintf(more, sizeof more, "udm:\n  suci_null_allowed: false\n  home_network_keys: [{id: 1, profile: %c, key: %s}]\n",
                 s == SUCI_PROFILE_A ? 'A' : 'B', key);
        struct net *n = net_new((struct net_options){.more = more, .phone = concealed_phone});
        initial(n);
        net_free(n);
        hn_key_free(hn_public);
        hn_key_free(private);
    }
    crypto_free(c);
}
static void again_periodic_mobility(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    assert_true(net_run_until(n, !ue->link, 30 * NET_S));
    uint32_t tmsi = ue->usim.guti.tmsi;
    uint64_t auth = ue->n_authentications;
    assert_int_equal(ue_update(ue, NAS_REG_PERIODIC), OK);
    assert_true(net_run_until(n, n->count[UE_REGISTERED] == 2, 3 * NET_S));
    assert_int_equal(ue->n_authentications, auth); /* its context is known */
    assert_int_not_equal(ue->usim.guti.tmsi, tmsi);
    net_run(n, 100 * NET_MS);
    net_agree(n);
    assert_true(net_run_until(n, !ue->link, 30 * NET_S));
    assert_true(net_run_until(n, n->count[UE_REGISTERED] == 3, 7200ull * NET_S)); /* T3512 */
    assert_true(net_run_until(n, !ue->link, 30 * NET_S));
    ue_camp(ue, &n->cells[1]); /* within the registration area: nothing to tell */
    assert_int_equal(ue->state, MM_REGISTERED);
    assert_int_equal(ue_update(ue, NAS_REG_MOBILITY), OK);
    assert_true(net_run_until(n, n->count[UE_REGISTERED] == 4, 3 * NET_S));
    net_run(n, 100 * NET_MS);
    assert_int_equal(n->ran.counters.key_mismatches, 0);
    net_agree(n);
}
static void updates_both_ways(void **state) { net_both_ways(again_periodic_mobility, (struct net_options){.seed = 3}); }

static void leaves_and_returns(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    assert_int_equal(ue_deregister(ue, false), OK);
    assert_true(net_run_until(n, ue->state == MM_DEREGISTERED, 3 * NET_S));
    assert_true(net_run_until(n, !ue->link, 15 * NET_S));
    net_agree(n);
    assert_int_equal(n->amf->ues->registered, 0);
    net_register(n, ue); /* with its GUTI, which nobody knows any more or is still known */
    net_agree(n);
    assert_int_equal(ue_deregister(ue, true), OK);
    net_run(n, 3 * NET_S);
    assert_int_equal(n->amf->ues->registered, 0);
    assert_int_equal(ue->state, MM_NULL);
}
static void deregisters_both_ways(void **state) { net_both_ways(leaves_and_returns, (struct net_options){.seed = 4}); }

static void stale_phone(struct ue_config *u, uint32_t i) { u->usim.sqn = 0x123456; }
static void resynchronises(struct net *n)
{
    net_register(n, n->ue[0]);
    assert_int_equal(n->ue[0]->n_authentications, 2);
    net_agree(n);
}
static void resynchronises_both_ways(void **state)
{
    net_both_ways(resynchronises, (struct net_options){.seed = 5, .phone = stale_phone});
    struct net *n = net_new((struct net_options){.seed = 5, .phone = stale_phone, .eap = true});
    resynchronises(n);
    net_free(n);
}
/* Each downlink message is lost once: timers of the network bring it again. */
static void lost_messages(void **state)
{
    static const uint8_t down[] = {NAS_AUTHENTICATION_REQUEST, NAS_SECURITY_MODE_COMMAND, NAS_REGISTRATION_ACCEPT};
    static const uint8_t up[] = {NAS_REGISTRATION_REQUEST, NAS_AUTHENTICATION_RESPONSE, NAS_SECURITY_MODE_COMPLETE,
                                 NAS_REGISTRATION_COMPLETE};
    for (uint32_t i = 0; i < ARRAY_LEN(down) + ARRAY_LEN(up); i++) {
        struct net *n = net_new((struct net_options){.seed = 10 + i});
        struct ue *ue = n->ue[0];
        if (i < ARRAY_LEN(down))
            ue->faults.drop_down = down[i];
        else
            ue->faults.drop_up = up[i - ARRAY_LEN(down)];
        ue_register(ue);
        assert_true(net_run_until(n, ue->state == MM_REGISTERED, 40 * NET_S));
        net_run(n, 10 * NET_S);
        assert_int_equal(ue->state, MM_REGISTERED);
        net_agree(n);
        net_free(n);
    }
}

int main(void)
{
    return RUN(unit(registers_both_ways), unit(registers_by_eap), unit(registers_concealed), unit(updates_both_ways),
               unit(deregisters_both_ways), unit(resynchronises_both_ways), unit(lost_messages));
}
