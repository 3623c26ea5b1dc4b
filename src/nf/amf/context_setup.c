/* SPDX-License-Identifier: Apache-2.0 */
/* Initial Context Setup, TS 38.413 8.3.1; its keys, TS 33.501 6.8.1.1 and 6.9.2.1. */
#include "nf/amf/ue.h"
#include "base/err.h"
#include "crypto/kdf.h"

enum { SCRATCH_OCTETS = 16384 };
static const uint64_t AMBR_UNSAID_BPS = 1000000000; /* of a subscription that sets none */

/* NGAP counts algorithms from 1, NAS from 0 (38.413 9.3.1.86). */
struct capability {
    uint8_t v[4][2];
};
static void fill_capability(const struct nas_ue_security_capability *c, struct capability *store,
                            struct ngap_UESecurityCapabilities *to)
{
    memset(store, 0, sizeof *store);
    for (uint32_t i = 0; i < 4 && i < c->n; i++)
        store->v[i][0] = (uint8_t)(c->octet[i] << 1);
    to->nRencryptionAlgorithms = (struct bits){store->v[0], 16};
    to->nRintegrityProtectionAlgorithms = (struct bits){store->v[1], 16};
    to->eUTRAencryptionAlgorithms = (struct bits){store->v[2], 16};
    to->eUTRAintegrityProtectionAlgorithms = (struct bits){store->v[3], 16};
}

/* The last four digits of the serial number are all ones (38.413 9.3.1.54). */
static bool mask_imeisv(const char *pei, uint8_t out[8])
{
    if (strncmp(pei, "imeisv-", 7) != 0 || strlen(pei) != 7 + 16 || !hex_get(out, 8, str_of(pei + 7)))
        return false;
    out[5] = out[6] = 0xff;
    return true;
}

static int fill_allowed(struct arena *a, const struct amf_slice *slices, uint32_t n, struct ngap_AllowedNSSAI *to)
{
    to->v = arena_zero(a, n * sizeof *to->v);
    if (!to->v)
        return ERR_NOSPACE;
    to->n = n;
    for (uint32_t i = 0; i < n; i++)
        amf_slice_ngap(&slices[i], &to->v[i].s_NSSAI);
    return OK;
}

/* KgNB, and the first next hop, which stays here (NCC 1; the gNB starts with 0). */
static int keys(struct amf_conn *c, uint8_t kgnb[32])
{
    struct amf_ue *ue = c->ue;
    struct crypto *crypto = c->amf->rt->crypto;
    int e = kdf_kgnb(crypto, ue->security.kamf, c->kgnb_count, KDF_ACCESS_3GPP, kgnb);
    if (e >= 0)
        e = kdf_nh(crypto, ue->security.kamf, kgnb, ue->nh);
    ue->ncc = 1;
    return e;
}

static void fill_optional(struct amf_conn *c, struct ngap_InitialContextSetupRequest *m, struct bytes nas_pdu,
                          uint8_t masked[8])
{
    const struct amf_ue *ue = c->ue;
    m->has.NAS_PDU = nas_pdu.p != NULL;
    m->NAS_PDU = nas_pdu;
    if (ue->ambr_up_bps && ue->ambr_down_bps) {
        m->has.UEAggregateMaximumBitRate = 1;
        m->UEAggregateMaximumBitRate.uEAggregateMaximumBitRateDL = ue->ambr_down_bps;
        m->UEAggregateMaximumBitRate.uEAggregateMaximumBitRateUL = ue->ambr_up_bps;
    }
    if (ue->rfsp) {
        m->has.IndexToRFSP = 1;
        m->IndexToRFSP = ue->rfsp;
    }
    if (mask_imeisv(ue->pei, masked)) {
        m->has.MaskedIMEISV = 1;
        m->MaskedIMEISV = (struct bits){masked, 64};
    }
    if (ue->radio_capability) {
        m->has.UERadioCapability = 1;
        m->UERadioCapability = (struct bytes){ue->radio_capability->octet, ue->radio_capability->n};
    }
}

int amf_context_setup(struct amf_conn *c, struct bytes nas_pdu, const struct amf_slice *allowed,
                      uint32_t n_allowed)
{
    /* not zeroed at each call, as the compiler is told to do otherwise: an arena's memory is undefined */
    __attribute__((uninitialized)) _Alignas(16) uint8_t scratch[SCRATCH_OCTETS];
    uint8_t kgnb[32], masked[8];
    struct arena a = arena_over(scratch, sizeof scratch);
    struct capability store;
    struct amf *amf = c->amf;
    struct amf_ue *ue = c->ue;
    struct ngap_InitialContextSetupRequest m = {.AMF_UE_NGAP_ID = amf_conn_id(c), .RAN_UE_NGAP_ID = c->ran_ue_id};
    if (!ue || !ue->security.is_valid || c->has_context || c->setting_up)
        return ERR_STATE;
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.GUAMI = m.has.AllowedNSSAI = 1;
    m.has.UESecurityCapabilities = m.has.SecurityKey = 1;
    fill_capability(&ue->capability, &store, &m.UESecurityCapabilities);
    /* Sessions seal NAS messages of their own into where this one lies. */
    fill_optional(c, &m, arena_bytes(&a, nas_pdu.p, nas_pdu.n), masked);
    int e = nas_pdu.n && !m.NAS_PDU.p ? ERR_NOSPACE : OK;
    if (e >= 0)
        e = amf_guami_ngap(&a, &amf->config.guamis[ue->guami], &m.GUAMI);
    if (e >= 0)
        e = fill_allowed(&a, allowed, n_allowed, &m.AllowedNSSAI);
    if (e >= 0)
        e = amf_sm_setup_list(ue, &a, &m.PDUSessionResourceSetupListCxtReq);
    m.has.PDUSessionResourceSetupListCxtReq = m.PDUSessionResourceSetupListCxtReq.n > 0;
    if (m.has.PDUSessionResourceSetupListCxtReq && !m.has.UEAggregateMaximumBitRate) { /* then it is mandatory */
        m.has.UEAggregateMaximumBitRate = 1;
        m.UEAggregateMaximumBitRate.uEAggregateMaximumBitRateDL = AMBR_UNSAID_BPS;
        m.UEAggregateMaximumBitRate.uEAggregateMaximumBitRateUL = AMBR_UNSAID_BPS;
    }
    if (e >= 0)
        e = keys(c, kgnb);
    m.SecurityKey = (struct bits){kgnb, 256};
    if (e >= 0)
        e = amf_gnb_send(amf, c->gnb, NGAP_MSG_InitialContextSetupRequest, &m, c->stream);
    secret_wipe(kgnb, sizeof kgnb);
    c->setting_up = e >= 0;
    return e;
}

/* New keys while the gNB has a context: TS 33.501 6.9.4.1, TS 38.413 8.3.4. */
int amf_context_rekey(struct amf_conn *c)
{
    uint8_t kgnb[32];
    struct ngap_UEContextModificationRequest m = {.AMF_UE_NGAP_ID = amf_conn_id(c), .RAN_UE_NGAP_ID = c->ran_ue_id};
    if (!c->ue || !c->has_context)
        return ERR_STATE;
    int e = keys(c, kgnb);
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.SecurityKey = 1;
    m.SecurityKey = (struct bits){kgnb, 256};
    if (e >= 0)
        e = amf_gnb_send(c->amf, c->gnb, NGAP_MSG_UEContextModificationRequest, &m, c->stream);
    secret_wipe(kgnb, sizeof kgnb);
    return e;
}

int amf_n2_context_setup_response(const struct amf_n2_rx *rx)
{
    struct amf_conn *c = rx->conn;
    if (!c->setting_up)
        return OK; /* an outcome that nobody waits for (10.4) */
    c->setting_up = false;
    c->has_context = true;
    if (c->ue)
        amf_sm_setup_done(c->ue, rx->pdu->value);
    if (c->proc)
        proc_offer_event(c->proc, AMF_PE_CONTEXT_SETUP, NULL);
    return OK;
}
int amf_n2_context_setup_failure(const struct amf_n2_rx *rx)
{
    struct amf_conn *c = rx->conn;
    const struct ngap_InitialContextSetupFailure *m = rx->pdu->value;
    if (!c->setting_up)
        return OK;
    c->setting_up = false;
    if (c->ue)
        amf_sm_setup_done(c->ue, NULL);
    if (c->proc)
        proc_offer_event(c->proc, AMF_PE_CONTEXT_FAILED, m->has.Cause ? &m->Cause : NULL);
    return OK;
}
