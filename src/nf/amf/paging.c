/* SPDX-License-Identifier: Apache-2.0 */
/* Paging: TS 23.502 4.2.3.3, TS 24.501 5.6.2, TS 38.413 8.5.1. To every gNB that serves the registration area, again
 * on each expiry of T3513; a service request or registration of the phone ends it. */
#include "nf/amf/session.h"
#include "base/err.h"

struct paging {
    struct amf_proc a;
    uint32_t attempt;
};

static bool serves(const struct amf *amf, const struct amf_gnb *gnb, const struct amf_ue *ue)
{
    for (uint32_t i = 0; i < gnb->n_tas; i++) {
        struct amf_tai tai;
        memcpy(tai.plmn, amf->config.plmns[gnb->tas[i].plmn].plmn, 3);
        memcpy(tai.tac, gnb->tas[i].tac, 3);
        if (amf_ue_is_in_area(ue, &tai))
            return true;
    }
    return false;
}
/* While a new identity is not confirmed the phone may use either (TS 24.501 5.4.4.6): they take turns. */
static uint32_t tmsi_of(const struct amf_ue *ue, uint32_t attempt)
{
    return ue->new_tmsi && (!ue->tmsi || attempt % 2) ? ue->new_tmsi : ue->tmsi;
}
static void fill_identity(const struct amf_ue *ue, uint32_t tmsi, uint8_t octets[8], struct ngap_FiveG_S_TMSI *to)
{
    const struct amf_guami *g = &ue->amf->config.guamis[ue->guami];
    put_be16(octets, (uint16_t)(g->set << 6));
    octets[2] = (uint8_t)(g->pointer << 2);
    put_be32(octets + 3, tmsi);
    to->aMFSetID = (struct bits){octets, 10};
    to->aMFPointer = (struct bits){octets + 2, 6};
    to->fiveG_TMSI = (struct bytes){octets + 3, 4};
}
/* The gNBs that were asked. */
static uint32_t page(const struct amf_ue *ue, uint32_t attempt)
{
    struct amf *amf = ue->amf;
    struct ngap_TAIListForPagingItem items[AMF_AREA_TAIS] = {0};
    struct ngap_Paging m = {0};
    uint8_t octets[8];
    m.has.UEPagingIdentity = m.has.TAIListForPaging = 1;
    m.UEPagingIdentity.sel = NGAP_UEPagingIdentity_fiveG_S_TMSI;
    fill_identity(ue, tmsi_of(ue, attempt), octets, &m.UEPagingIdentity.fiveG_S_TMSI);
    const struct amf_facts *of = amf_ue_facts(ue);
    for (uint32_t i = 0; i < of->n_area; i++) {
        items[i].tAI.pLMNIdentity = (struct bytes){of->area[i].plmn, 3};
        items[i].tAI.tAC = (struct bytes){of->area[i].tac, 3};
    }
    m.TAIListForPaging.v = items;
    m.TAIListForPaging.n = of->n_area;
    if (ue->radio_capability_for_paging) {
        m.has.UERadioCapabilityForPaging = 1;
        m.UERadioCapabilityForPaging.has.uERadioCapabilityForPagingOfNR = 1;
        m.UERadioCapabilityForPaging.uERadioCapabilityForPagingOfNR =
            amf_blob_bytes(ue->radio_capability_for_paging);
    }
    struct amf_gnb *gnb;
    uint32_t asked = 0;
    for (uint32_t i = 0; (gnb = slab_next(&amf->gnbs, &i));)
        if (gnb->is_setup && serves(amf, gnb, ue))
            asked += amf_gnb_send(amf, gnb, NGAP_MSG_Paging, &m, 0) >= 0; /* TS 38.412 7: not UE-associated */
    return asked;
}

static void paging_run(struct proc *p, const struct wake *w)
{
    struct paging *f = (struct paging *)p;
    const struct config_amf *config = &p->rt->config->amf;
    PROC_BEGIN(p);
    STEP(p, "paging");
    for (; f->attempt < config->paging_attempts; f->attempt++) {
        uint32_t gnbs = page(f->a.ue, f->attempt);
        struct pseudonym who = log_identity(p->rt->log, amf_ue_supi(f->a.ue));
        LOG(p->rt->log, ue_paged, "ue=%s attempt=%u gnbs=%u", who.text, f->attempt + 1, gnbs);
        proc_accept_(p, config->t3513_ms * 1000ull, NULL, 0);
        AWAIT(p, WANT(WAKE_TIMEOUT));
    }
    p->result = PROC_FAILED;
    PROC_END(p);
}
static void paging_end(struct proc *p, int outcome)
{
    struct paging *f = (struct paging *)p;
    struct amf_ue *ue = f->a.ue;
    ue->is_paged = false;
    if (ue->conn)
        metric_add(p->rt->metrics, METRIC_paging_ok, 1);
    amf_proc_ended(&f->a, outcome, AMF_THEN_STAY);
    if (outcome == PROC_ABORTED)
        return;
    metric_add(p->rt->metrics, METRIC_paging_failed, 1);
    struct pseudonym who = log_identity(p->rt->log, amf_ue_supi(ue));
    LOG(p->rt->log, ue_page_failed, "ue=%s attempts=%u", who.text, f->attempt);
    amf_sm_page_failed(ue);
    if (ue->pending & AMF_PENDING_DEREGISTRATION) /* it cannot be told */
        amf_ue_deregister_local(ue, ue->dereg_cause);
}
static const struct proc_type PAGING = {"paging", sizeof(struct paging), paging_run, paging_end};

int amf_page(struct amf_ue *ue)
{
    if (ue->conn || ue->is_paged)
        return OK;
    if (!amf_ue_is_registered(ue) || !ue->ppf || !(ue->tmsi || ue->new_tmsi) ||
        amf_collide(NULL, ue, AMF_EV_PAGING) != AMF_GO)
        return ERR_STATE;
    struct paging *f = amf_proc_new(ue->amf, &PAGING, AMF_PROC_PAGING, NULL, ue);
    if (!f)
        return ERR_NOSPACE;
    ue->is_paged = true;
    metric_add(ue->amf->rt->metrics, METRIC_paging_try, 1);
    proc_start(&f->a.p);
    return OK;
}
