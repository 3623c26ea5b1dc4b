/* SPDX-License-Identifier: Apache-2.0 */
/* capture_test FILE - registrations, refusals, updates and deregistrations as they go over N2, with null ciphering, as
 * a capture for an independent reader (tools/tshark_check.py). */
#include "tests/nf_amf/phone.h"
#include "sim/pcap.h"

static void registrations(struct bed *b)
{
    struct phone *p = &b->phone[0];
    const struct nas_s_nssai wanted[] = {{.sst = 2, .has_sd = true, .sd = 9}, {.sst = 77}};
    struct nas_msg m;
    phone_register(p, 0);
    m = registration(p, NAS_REG_MOBILITY);
    m.registration_request.has.requested_nssai = m.registration_request.has.pdu_session_status = 1;
    m.registration_request.requested_nssai = (struct nas_nssai){2, wanted};
    phone_register_protected(p, 1, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    phone_complete(p);
    bed_run_ms(b, 50);
    phone_ue(p)->pending = AMF_PENDING_GUTI;
    rt_enter(&b->rt);
    amf_pending_start(phone_ue(p));
    expect(p, NAS_CONFIGURATION_UPDATE_COMMAND);
    p->guti = p->msg.configuration_update_command.fiveg_guti.guti;
    nas_msg_init(&m, NAS_CONFIGURATION_UPDATE_COMPLETE);
    phone_send(p, &m, NAS_CIPHERED);
    bed_run_ms(b, 50);
    amf_deregister(phone_ue(p), true, NAS_GMM_CAUSE_IMPLICITLY_DE_REGISTERED);
    expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    phone_send(p, &m, NAS_CIPHERED);
    bed_run_ms(b, 50);
}
static void refusals(struct bed *b)
{
    static const uint8_t unknown[] = {0x7e, 0x00, 0x64, 0x6f};
    struct phone *p = &b->phone[1], *stranger = &b->phone[3];
    uint8_t auts[14] = {0};
    struct nas_msg m = registration(stranger, NAS_REG_INITIAL);
    phone_register_plain(stranger, 0, &m);
    expect(stranger, NAS_REGISTRATION_REJECT);
    m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    m = authentication_failure(NAS_GMM_CAUSE_MAC_FAILURE, NULL);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_AUTHENTICATION_REJECT);
    m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    m = authentication_failure(NAS_GMM_CAUSE_SYNCH_FAILURE, auts);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_REGISTRATION_REJECT);
    p->has_guti = true;
    p->guti = (struct nas_guti){{0x00, 0xf1, 0x10}, 2, 1, 0, 0x0badcafe};
    m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 1, &m);
    expect(p, NAS_IDENTITY_REQUEST);
    nas_msg_init(&m, NAS_IDENTITY_RESPONSE);
    say_suci(p, &m.identity_response.mobile_identity);
    phone_send(p, &m, NAS_PLAIN);
    phone_authenticate(p);
    expect(p, NAS_SECURITY_MODE_COMMAND);
    nas_msg_init(&m, NAS_SECURITY_MODE_REJECT);
    m.security_mode_reject.gmm_cause = NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH;
    phone_send(p, &m, NAS_PLAIN);
    bed_run_ms(b, 100);
    p->tac = 3;
    p->has_guti = false;
    m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_REGISTRATION_REJECT);
    phone_begin(p, 0, BYTES_OF(unknown));
    bed_run_ms(b, 100);
}

int main(int argc, char **argv)
{
    struct world_pcap pcap;
    FILE *f = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (!f)
        return 2;
    struct bed *b = bed_new_with("  ciphering: [NEA0]\n  unsafe_null_ciphering: true\n", NULL, 0);
    world_pcap_start(&pcap, b->w, f);
    registrations(b);
    refusals(b);
    bed_free(b);
    return fclose(f) ? 1 : 0;
}
