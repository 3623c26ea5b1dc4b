/* SPDX-License-Identifier: Apache-2.0 */
/* The SMF with the UDM, UDR and PCF of this project: subscriptions, policies and registrations as they are. */
#include "crypto/crypto.h"
#include "nf/pcf/pcf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "sim/store_memory.h"
#include "tests/nf_smf/smf_net.h"

static struct store *store;
static struct crypto *crypto;

static void core_start(struct rt *rt)
{
    rt->store = store;
    rt->crypto = crypto;
    assert_int_equal(nf_start(rt, &udr_nf), OK);
    assert_int_equal(nf_start(rt, &udm_nf), OK);
    assert_int_equal(nf_start(rt, &pcf_nf), OK);
}
static void subscriber_add(void)
{
    struct subscriber s = {.key = {.alg = AKA_MILENAGE, .k_n = 16}, .amf = 0x8000};
    struct subscriber_profile p = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 1, .n_dnns = 2};
    p.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    p.dnns[0] = (struct subscriber_dnn){.name = STR("internet"), .is_default = true, .types = 7,
                                        .default_type = SUBSCRIBER_IPV4V6, .fiveqi = 9, .preemptable = true,
                                        .ambr_down_bps = 100000000, .ambr_up_bps = 1500000};
    p.dnns[1] = (struct subscriber_dnn){.name = STR("small"), .types = 1, .default_type = SUBSCRIBER_IPV4, .fiveqi = 8,
                                        .ambr_down_bps = 3000000, .ambr_up_bps = 2000000};
    assert_int_equal(subscriber_profile_put(store, &p, &s.profile), OK);
    assert_int_equal(subscriber_put(store, STR("imsi-001010000000001"), &s), OK);
}
static int begin(void **state)
{
    store = store_memory_new();
    assert_int_equal(crypto_init(&crypto), OK);
    subscriber_add();
    other_core = core_start;
    return net_open(state);
}
static int end(void **state)
{
    net_close(state);
    store_memory_free(store);
    crypto_free(crypto);
    return 0;
}

static void session(void **state)
{
    (void)state;
    struct answer a = established((struct wanted){.no_type = true, .pco = true});
    struct nas_msg m = n1_of(&net->amf.n1);
    assert_int_equal(m.pdu_session_establishment_accept.selected_pdu_session_type, NAS_PDU_IPV4V6);
    assert_int_equal(nas_rate_kbps(m.pdu_session_establishment_accept.session_ambr.down), 100000);
    assert_int_equal(nas_rate_kbps(m.pdu_session_establishment_accept.session_ambr.up), 1500);
    assert_true(net->upf.qer_dl == 100000 && net->upf.qer_ul == 1500);
    assert_int_equal(store->ops->count(store, STORE_smf_reg), 1);
    established((struct wanted){.psi = 2, .dnn = "small"});
    assert_int_equal(n1_of(&net->amf.n1).pdu_session_establishment_accept.authorized_qos_flow_descriptions.flow[0].fiveqi, 8);
    assert_int_equal(store->ops->count(store, STORE_smf_reg), 2);
    assert_int_equal(release(a.ref).status, 204);
    go(SECOND);
    assert_int_equal(store->ops->count(store, STORE_smf_reg), 1);
    assert_int_equal(net->smf->sessions.used, 1);
}

static void refused(void **state)
{
    (void)state;
    struct answer a = create((struct wanted){.supi = "imsi-001010000000009"}); /* nobody of ours */
    assert_true(a.status == 403 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 33);
    a = create((struct wanted){.dnn = "six", .type = NAS_PDU_IPV6}); /* not subscribed */
    assert_true(a.status == 403 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 33);
    a = create((struct wanted){.dnn = "small", .type = NAS_PDU_IPV6});
    assert_true(a.status == 403 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 50);
    store_memory_fail(store, "the disk is gone", false);
    a = create((struct wanted){0});
    assert_true(a.status == 201 || n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 38);
    store_memory_fail(store, NULL, false);
    assert_in_range(net->smf->sessions.used, 0, 1);
}

int main(int argc, char **argv)
{
    as_bytes = argc > 1 && strcmp(argv[1], "bytes") == 0;
#define core_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    return RUN(core_test(session), core_test(refused));
}
