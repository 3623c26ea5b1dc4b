/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTRATION ACCEPT and REJECT, TS 24.501 5.5.1.2.4, 5.5.1.2.5, 8.2.7, 8.2.9. */
#include "nf/amf/registration.h"
#include "base/log.h"
#include "rt/metrics.h"

enum { T3502_DEFAULT_S = 720 };

enum { AREA_GNBS = 64 }; /* looked at; a large network has more neighbours than a registration area holds */

static uint16_t slices_at(const struct amf *amf, const struct amf_gnb *gnb, const struct amf_tai *tai)
{
    for (uint32_t i = 0; i < gnb->n_tas; i++)
        if (memcmp(gnb->tas[i].tac, tai->tac, 3) == 0 &&
            memcmp(amf->config.plmns[gnb->tas[i].plmn].plmn, tai->plmn, 3) == 0)
            return gnb->tas[i].slices;
    return 0;
}
static bool has_area(const struct amf_facts *to, const struct amf_tai *tai)
{
    for (uint32_t i = 0; i < to->n_area; i++)
        if (memcmp(&to->area[i], tai, sizeof *tai) == 0)
            return true;
    return false;
}
static void add_areas(struct amf_facts *to, const struct amf_gnb *gnb, uint16_t slices)
{
    for (uint32_t i = 0; i < gnb->n_tas && to->n_area < AMF_AREA_TAIS; i++) {
        const struct amf_ta *t = &gnb->tas[i];
        struct amf_tai tai;
        memcpy(tai.plmn, gnb->amf->config.plmns[t->plmn].plmn, 3);
        memcpy(tai.tac, t->tac, 3);
        if (t->slices == slices && memcmp(tai.plmn, to->area[0].plmn, 3) == 0 && !has_area(to, &tai))
            to->area[to->n_area++] = tai;
    }
}
/* Where the phone may move without telling: its tracking area, and others that offer the same slices (TS 23.501
 * 5.15.5.2.1), those of its own node first. */
void amf_registration_area(struct amf_ue *ue, const struct amf_conn *c)
{
    struct amf *amf = ue->amf;
    uint16_t slices = slices_at(amf, c->gnb, &c->location.tai);
    struct amf_facts facts = *amf_ue_facts(ue);
    memset(facts.area, 0, sizeof facts.area);
    facts.area[0] = c->location.tai;
    facts.n_area = 1;
    add_areas(&facts, c->gnb, slices);
    const struct amf_gnb *gnb;
    for (uint32_t i = 0, n = 0; n < AREA_GNBS && (gnb = slab_next(&amf->gnbs, &i)); n++)
        if (gnb->is_setup)
            add_areas(&facts, gnb, slices);
    amf_ue_set_facts(ue, &facts);
}

void amf_guti_nas(const struct amf_ue *ue, uint32_t tmsi, struct nas_mobile_identity *to)
{
    const struct amf_guami *g = &ue->amf->config.guamis[ue->guami];
    *to = (struct nas_mobile_identity){.type = NAS_ID_GUTI};
    memcpy(to->guti.plmn, g->plmn, 3);
    to->guti.region = g->region;
    to->guti.set = g->set;
    to->guti.pointer = g->pointer;
    to->guti.tmsi = tmsi;
}
void amf_area_nas(const struct amf_ue *ue, struct nas_tai items[AMF_AREA_TAIS], struct nas_tai_part *part)
{
    const struct amf_facts *of = amf_ue_facts(ue);
    for (uint32_t i = 0; i < of->n_area; i++) {
        memcpy(items[i].plmn, of->area[i].plmn, 3);
        items[i].tac = be24(of->area[i].tac);
    }
    *part = (struct nas_tai_part){.type = NAS_TAI_ONE_PLMN, .n = of->n_area, .item = items};
}

struct lists { /* what the message points to while it is encoded */
    struct nas_tai tais[AMF_AREA_TAIS];
    struct nas_tai_part part;
    struct nas_s_nssai allowed[AMF_UE_SLICES], configured[AMF_SUBSCRIBED_SLICES];
    struct nas_rejected_s_nssai rejected[AMF_UE_SLICES];
};
static void fill_slices(const struct amf_registration *f, struct nas_registration_accept *m, struct lists *l)
{
    const struct amf_ue *ue = f->a.ue;
    for (uint32_t i = 0; i < f->n_allowed; i++)
        amf_slice_nas(&f->allowed[i], &l->allowed[i]);
    m->has.allowed_nssai = 1;
    m->allowed_nssai = (struct nas_nssai){f->n_allowed, l->allowed};
    for (uint32_t i = 0; i < f->n_rejected; i++) {
        l->rejected[i].cause = f->rejected[i].cause;
        amf_slice_nas(&f->rejected[i].slice, &l->rejected[i].s_nssai);
    }
    m->has.rejected_nssai = f->n_rejected > 0;
    m->rejected_nssai = (struct nas_rejected_nssai){f->n_rejected, l->rejected};
    /* The phone does not know what it may ask for, or asked for what it may not have. */
    const struct amf_facts *of = amf_ue_facts(ue);
    if (of->n_subscribed && (!f->wish.has_requested || f->n_rejected)) {
        for (uint32_t i = 0; i < of->n_subscribed; i++)
            amf_slice_nas(&of->subscribed[i], &l->configured[i]);
        m->has.configured_nssai = 1;
        m->configured_nssai = (struct nas_nssai){of->n_subscribed, l->configured};
    }
}
static void fill_sessions(const struct amf_registration *f, struct nas_registration_accept *m)
{
    if (f->wish.type == NAS_REG_INITIAL)
        return;
    m->has.pdu_session_status = f->wish.has_session_status;
    m->pdu_session_status = amf_sm_active(f->a.ue);
    m->has.pdu_session_reactivation_result = f->wish.has_uplink_data;
    m->pdu_session_reactivation_result = f->failed_sessions;
}
struct bytes amf_registration_accept(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    struct nas_msg msg;
    struct lists l;
    nas_msg_init(&msg, NAS_REGISTRATION_ACCEPT);
    struct nas_registration_accept *m = &msg.registration_accept;
    m->fivegs_registration_result = NAS_REG_RESULT_3GPP;
    m->has.fiveg_guti = f->has_guti;
    amf_guti_nas(ue, ue->new_tmsi ? ue->new_tmsi : ue->tmsi, &m->fiveg_guti);
    m->has.tai_list = 1;
    amf_area_nas(ue, l.tais, &l.part);
    m->tai_list = (struct nas_tai_list){1, &l.part};
    fill_slices(f, m, &l);
    fill_sessions(f, m);
    m->has.nssai_inclusion_mode = f->a.amf->rt->config->amf.nssai_mode != CONFIG_NSSAI_MODE_D; /* what holds without it */
    m->nssai_inclusion_mode = (uint8_t)f->a.amf->rt->config->amf.nssai_mode;
    m->has.fivegs_network_feature_support = 1;
    m->fivegs_network_feature_support.n = 1; /* none of them */
    m->has.t3512_value = 1;
    m->t3512_value = nas_timer3_of(ue->t3512_s ? ue->t3512_s : UINT32_MAX);
    m->has.t3502_value = ue->t3502_s != T3502_DEFAULT_S;
    m->t3502_value = nas_timer_of(ue->t3502_s ? ue->t3502_s : UINT32_MAX);
    m->has.negotiated_drx_parameters = ue->drx != 0;
    m->negotiated_drx_parameters = ue->drx;
    return amf_nas_seal(f->a.conn, &msg, NAS_CIPHERED);
}

/* ---- reject ---- */
static void send_reject(struct amf_conn *c, struct nas_msg *msg, uint8_t cause)
{
    struct rt *rt = c->amf->rt;
    struct nas_registration_reject *m = &msg->registration_reject;
    m->gmm_cause = cause;
    if (cause == NAS_GMM_CAUSE_CONGESTION) { /* 5.3.9: integrity or not, the phone waits */
        m->has.t3346_value = 1;
        m->t3346_value = nas_timer_of(amf_back_off_s(c));
    }
    struct pseudonym who = log_identity(rt->log, c->ue ? amf_ue_supi(c->ue) : STR(""));
    metric_add_at(rt->metrics, METRIC_reg_failed, cause, 1);
    LOG(rt->log, ue_rejected, "ue=%s conn=%llx cause=%u text=\"%s\"", who.text,
        (unsigned long long)amf_conn_id(c), cause, nas_gmm_cause_text(cause));
    amf_nas_send(c, msg, c->is_secure ? NAS_CIPHERED : NAS_PLAIN);
}
void amf_registration_reject(struct amf_conn *c, uint8_t cause)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_REGISTRATION_REJECT);
    send_reject(c, &m, cause);
}
void amf_registration_refuse(struct amf_registration *f)
{
    struct nas_msg m;
    struct nas_rejected_s_nssai rejected[AMF_UE_SLICES];
    nas_msg_init(&m, NAS_REGISTRATION_REJECT);
    if (f->cause == NAS_GMM_CAUSE_NO_NETWORK_SLICES_AVAILABLE && f->n_rejected) {
        for (uint32_t i = 0; i < f->n_rejected; i++) {
            rejected[i].cause = f->rejected[i].cause;
            amf_slice_nas(&f->rejected[i].slice, &rejected[i].s_nssai);
        }
        m.registration_reject.has.rejected_nssai = 1;
        m.registration_reject.rejected_nssai = (struct nas_rejected_nssai){f->n_rejected, rejected};
    }
    if (f->auth.eap_success && !f->fresh) { /* 5.5.1.2.5: with an EAP message the phone knows the result */
        m.registration_reject.has.eap_message = 1;
        m.registration_reject.eap_message =
            (struct bytes){f->auth.eap_success->octet, f->auth.eap_success->n};
    }
    send_reject(f->a.conn, &m, f->cause);
}
