/* SPDX-License-Identifier: Apache-2.0 */
/* PDU sessions through the AMF: TS 24.501 5.4.5, TS 23.502 4.3, TS 38.413 8.2. */
#include "tests/nf_amf/sessions.h"

static void is_established(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    say_sm(t.p, 5, NAS_REQUEST_INITIAL, NULL, NULL);
    const struct nas_dl_nas_transport *m = hear_sm(t.p, 5, 0);
    assert_int_equal(m->payload_container.n, sizeof N1_ACCEPT);
    assert_memory_equal(m->payload_container.p, N1_ACCEPT, sizeof N1_ACCEPT);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->op, SBI_nsmf_pdusession_create);
    assert_int_equal(a->n1_n, 6);
    assert_string_equal(t.smf->dnn, "internet");
    assert_int_equal(t.smf->slice.sst, 1);
    assert_string_equal(t.smf->supi, "imsi-001010000000001");
    a = smf_next(&t);
    assert_int_equal(a->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
    assert_string_equal(a->ref, "s5");
    assert_int_equal(t.smf->transfer_status, 200);
    assert_int_equal(t.smf->transfer_cause, SBI_N1N2MessageTransferCause_N1_N2_TRANSFER_INITIATED);
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 1 << 5);
    sessions_end(&t);
}
static void several_at_once(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    for (uint8_t id = 1; id <= AMF_SESSIONS_A_UE; id++)
        say_sm(t.p, id, NAS_REQUEST_INITIAL, "internet", NULL);
    for (uint8_t id = 1; id <= AMF_SESSIONS_A_UE; id++)
        expect(t.p, NAS_DL_NAS_TRANSPORT);
    bed_run_ms(t.b, 100);
    assert_int_equal(t.seen.setups, AMF_SESSIONS_A_UE);
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 0x1fe);
    say_sm(t.p, 15, NAS_REQUEST_INITIAL, NULL, NULL);
    hear_sm(t.p, 15, NAS_GMM_CAUSE_MAXIMUM_NUMBER_OF_PDU_SESSIONS_REACHED);
    sessions_end(&t);
}

int main(void) { return RUN(unit(is_established), unit(several_at_once)); }
