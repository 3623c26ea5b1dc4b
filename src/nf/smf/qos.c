/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration, the subscription and the policy say of a session, in rising order of weight:
 * TS 23.502 4.3.2.2.1 steps 4 and 7b. */
#include "codec/sbi_text.h"
#include "nf/smf/smf.h"

static void ambr_take(struct smf_qos *q, const struct sbi_Ambr *a)
{
    uint64_t ul, dl;
    if (sbi_bit_rate_get(a->uplink, &ul) && sbi_bit_rate_get(a->downlink, &dl)) {
        q->ambr_ul_bps = ul;
        q->ambr_dl_bps = dl;
    }
}
static void arp_take(struct smf_qos *q, const struct sbi_Arp *a)
{
    q->arp_priority = (uint8_t)a->priority_level;
    q->arp_may_preempt = a->preempt_cap == SBI_PreemptionCapability_MAY_PREEMPT;
    q->arp_preemptable = a->preempt_vuln == SBI_PreemptionVulnerability_PREEMPTABLE;
}

void smf_qos_of_config(struct smf_qos *q, const struct config_dnn *c)
{
    *q = (struct smf_qos){c->ambr_uplink_bps,  c->ambr_downlink_bps, (uint8_t)c->fiveqi,
                          (uint8_t)c->arp_priority, c->arp_may_preempt,   c->arp_preemptable};
}
void smf_qos_of_subscription(struct smf_qos *q, const struct sbi_DnnConfiguration *d)
{
    if (d->has.session_ambr)
        ambr_take(q, &d->session_ambr);
    if (d->has.x5g_qos_profile && d->x5g_qos_profile.x5qi) {
        q->fiveqi = (uint8_t)d->x5g_qos_profile.x5qi;
        arp_take(q, &d->x5g_qos_profile.arp);
    }
}
/* One session rule is in force: the first, TS 29.512 4.2.6.3.1. */
void smf_qos_of_policy(struct smf_qos *q, const struct sbi_SmPolicyDecision *d)
{
    const struct sbi_SessionRule *r = d->has.sess_rules && d->sess_rules.n ? &d->sess_rules.p[0].value : NULL;
    if (!r)
        return;
    if (r->has.auth_sess_ambr)
        ambr_take(q, &r->auth_sess_ambr);
    if (r->has.auth_def_qos && r->auth_def_qos.has.x5qi && r->auth_def_qos.x5qi)
        q->fiveqi = (uint8_t)r->auth_def_qos.x5qi;
    if (r->has.auth_def_qos && r->auth_def_qos.has.arp)
        arp_take(q, &r->auth_def_qos.arp);
}

void smf_security_of_config(struct smf_session *s, const struct config_dnn *c)
{
    s->integrity = (uint8_t)c->up_integrity; /* the values of NGAP */
    s->ciphering = (uint8_t)c->up_ciphering;
}
/* TS 23.501 5.10.3: the subscription's word counts before the configuration's. */
void smf_security_of_subscription(struct smf_session *s, const struct sbi_DnnConfiguration *d)
{
    if (!d->has.up_security)
        return;
    if (d->up_security.up_integr != SBI_UpIntegrity_OTHER)
        s->integrity = (uint8_t)(d->up_security.up_integr - SBI_UpIntegrity_REQUIRED);
    if (d->up_security.up_confid != SBI_UpConfidentiality_OTHER)
        s->ciphering = (uint8_t)(d->up_security.up_confid - SBI_UpConfidentiality_REQUIRED);
}
void smf_security_require(struct smf_session *s)
{
    s->integrity = NGAP_IntegrityProtectionIndication_required;
    s->ciphering = NGAP_ConfidentialityProtectionIndication_required;
}
_Static_assert((int)CONFIG_UP_SECURITY_NOT_NEEDED == (int)NGAP_IntegrityProtectionIndication_not_needed &&
                   (int)CONFIG_UP_SECURITY_REQUIRED == (int)NGAP_ConfidentialityProtectionIndication_required,
               "one order everywhere");
