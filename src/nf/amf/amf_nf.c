/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plmn.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/session.h"
#include "base/err.h"
#include "codec/nas.h"
#include <stdio.h>

const uint8_t *amf_config_plmn(const struct config *c, const struct config_plmn *p)
{
    static const uint8_t none[3];
    return memcmp(p->v, none, 3) == 0 && c->network.n_plmns ? c->network.plmns[0].v : p->v;
}

static void take_slices(const struct config *c, struct amf_plmn_support *p)
{
    uint32_t n = c->amf.n_slices < AMF_SLICES ? c->amf.n_slices : AMF_SLICES;
    p->n_slices = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++) {
        const struct config_slice *s = &c->amf.slices[i];
        p->slices[i] = (struct amf_slice){s->sst, {s->sd[0], s->sd[1], s->sd[2]}, s->has_sd};
    }
}

void amf_config_of(const struct config *c, struct amf_config *to)
{
    *to = (struct amf_config){.name = c->amf.name.p,
                              .relative_capacity = (uint8_t)c->amf.relative_capacity,
                              .max_gnbs = c->amf.max_gnbs,
                              .strict_order = c->amf.strict_order};
    to->n_plmns = to->n_guamis = c->network.n_plmns < AMF_PLMNS ? c->network.n_plmns : AMF_PLMNS;
    for (uint32_t i = 0; i < to->n_plmns; i++) {
        struct amf_guami *g = &to->guamis[i];
        memcpy(to->plmns[i].plmn, c->network.plmns[i].v, 3);
        take_slices(c, &to->plmns[i]);
        memcpy(g->plmn, c->network.plmns[i].v, 3);
        g->region = (uint8_t)c->amf.region_id;
        g->set = (uint16_t)c->amf.set_id;
        g->pointer = (uint8_t)c->amf.pointer;
    }
    to->n_tais = c->amf.n_tais < AMF_TAIS ? c->amf.n_tais : AMF_TAIS;
    for (uint32_t i = 0; i < to->n_tais; i++) {
        memcpy(to->tais[i].plmn, amf_config_plmn(c, &c->amf.tais[i].plmn), 3);
        put_be24(to->tais[i].tac, c->amf.tais[i].tac);
    }
}

static int nf_listen(struct amf *amf, const struct config *c)
{
    struct net_addr addrs[4];
    char text[NET_ADDR_TEXT];
    uint32_t n = c->amf.n_n2_addresses < ARRAY_LEN(addrs) ? c->amf.n_n2_addresses : (uint32_t)ARRAY_LEN(addrs);
    for (uint32_t i = 0; i < n; i++) {
        addrs[i] = c->amf.n2_addresses[i];
        addrs[i].port = (uint16_t)c->amf.n2_port;
    }
    int e = amf_listen(amf, &(struct sctp_local){addrs, n, (uint16_t)c->amf.sctp_streams});
    const char *first = n ? addr_text(&addrs[0], text) : "";
    if (e < 0)
        LOG(amf->rt->log, os_refused, "what=sctp-listen address=%s error=%s", first, err_text(e));
    else
        LOG(amf->rt->log, sctp_listening, "address=%s addresses=%u", first, n);
    return e;
}

static int nf_boot(struct rt *rt, void *state)
{
    struct amf_config c;
    if (!rt->config)
        return ERR_CONFIG;
    amf_config_of(rt->config, &c);
    int e = amf_init(state, rt, &c);
    if (e >= 0)
        e = amf_ues_init(state);
    if (e >= 0)
        amf_ue_store_open(state);
    return e < 0 ? e : nf_listen(state, rt->config);
}
static void nf_end(struct rt *rt, void *state) { amf_free(state); }

/* ---- status ---- */
static const char *ta_text(const struct amf *amf, const struct amf_ta *ta, char out[24])
{
    char mcc[4], mnc[4];
    plmn_text(amf->config.plmns[ta->plmn].plmn, mcc, mnc);
    snprintf(out, 24, "%s-%s/%u", mcc, mnc, be24(ta->tac));
    return out;
}
static uint32_t phones_of(const struct amf_gnb *gnb)
{
    uint32_t n = 0;
    for (const struct link *l = gnb->conns.next; l && l != &gnb->conns; l = l->next)
        n++;
    return n;
}
static void status_gnb(const struct amf *amf, const struct amf_gnb *gnb,
                       void (*line)(void *, const char *), void *ctx)
{
    char peer[NET_ADDR_TEXT], ta[24], text[400];
    addr_text(&gnb->peer, peer);
    if (!gnb->is_setup) {
        snprintf(text, sizeof text, "gNB at %s: connected, not set up", peer);
    } else {
        snprintf(text, sizeof text, "gNB %s \"%s\" at %s: %u areas, the first %s; %u phones; %llu messages in, %llu out",
                 gnb->id_text, gnb->name, peer, gnb->n_tas, ta_text(amf, &gnb->tas[0], ta), phones_of(gnb),
                 (unsigned long long)gnb->rx, (unsigned long long)gnb->tx);
    }
    line(ctx, text);
}
static void nf_status(void *state, void (*line)(void *, const char *), void *ctx)
{
    enum { SHOWN = 64 };
    const struct amf *amf = state;
    const struct amf_gnb *gnb;
    char text[96];
    snprintf(text, sizeof text, "gNBs: %u in service of at most %u", amf->gnbs_setup, amf->config.max_gnbs);
    line(ctx, text);
    amf_ues_status(amf, line, ctx);
    for (uint32_t i = 0, n = 0; n < SHOWN && (gnb = slab_next(&amf->gnbs, &i)); n++)
        status_gnb(amf, gnb, line, ctx);
}

static const struct nf_op ops[] = {
    {SBI_nudm_uecm_dereg_notify, amf_op_dereg_notify},
    {SBI_nudm_sdm_notify, amf_op_sdm_notify},
    {SBI_namf_comm_n1n2_message_transfer, amf_op_n1n2_transfer},
    {SBI_nsmf_pdusession_status_notify, amf_op_session_status},
    {SBI_trust_changed, amf_op_trust_changed},
};
const struct nf_desc amf_nf = {
    .kind = SBI_NF_AMF,
    .name = "amf",
    .state_octets = sizeof(struct amf),
    .boot = nf_boot,
    .stop = nf_end,
    .status = nf_status,
    .ops = ops,
    .n_ops = ARRAY_LEN(ops),
};
