/* SPDX-License-Identifier: Apache-2.0 */
/* Associations of the AMF and the way of a message through it: TS 38.412, and TS 38.413 10. */
#include "nf/amf/ue.h"
#include "base/err.h"
#include <stdlib.h>

enum { ARENA_OCTETS = 1 << 20 };
static const uint64_t SETUP_WAIT_US = 30000000;

struct amf_gnb *amf_gnb_by_assoc(struct amf *amf, uint64_t assoc)
{
    return map_get_u64(&amf->gnb_by_assoc, assoc);
}
struct amf_gnb *amf_gnb_by_id(struct amf *amf, struct bytes node_id)
{
    return map_get(&amf->gnb_by_id, node_id);
}
uint16_t amf_gnb_ue_stream(const struct amf_gnb *gnb, uint64_t ue_id)
{
    return gnb->streams > 1 ? (uint16_t)(1 + ue_id % (gnb->streams - 1u)) : 0;
}

const char *amf_gnb_text(const struct amf_gnb *gnb) { return gnb->id_text[0] ? gnb->id_text : "?"; }
void amf_gnb_gauges(struct amf *amf)
{
    metric_set(amf->rt->metrics, METRIC_gnbs_connected, amf->gnbs_setup);
    metric_set(amf->rt->metrics, METRIC_sctp_associations, map_count(&amf->gnb_by_assoc));
}

static void tap(struct amf *amf, enum tap_direction direction, const struct amf_gnb *gnb,
                const struct ngap_pdu *pdu, struct bytes raw, int error)
{
    bool known = pdu->msg < NGAP_MSGS;
    rt_tap(amf->rt, &(struct tap_event){.interface = TAP_N2,
                                        .direction = direction,
                                        .at_us = amf->rt->now_us,
                                        .peer = gnb->assoc,
                                        .ue = ngap_pdu_ue_ids(pdu->type, pdu->value).amf,
                                        .type = pdu->msg,
                                        .name = known ? ngap_msg_name(pdu->msg) : "unknown",
                                        .desc = pdu->type,
                                        .value = pdu->value,
                                        .raw = raw,
                                        .error = error});
}

int amf_gnb_send(struct amf *amf, struct amf_gnb *gnb, enum ngap_msg msg, const void *value,
                 uint16_t stream)
{
    struct ngap_pdu pdu = {.kind = ngap_msg_kind(msg), .procedure = ngap_msg_procedure(msg), .msg = msg,
                           .type = ngap_msg_type(msg), .value = (void *)(uintptr_t)value};
    struct bytes raw = {NULL, 0};
    int e = ngap_encode(msg, value, amf->out, AMF_MESSAGE_MAX);
    if (e >= 0) {
        raw = (struct bytes){amf->out, (uint32_t)e};
        struct env *env = amf->rt->env;
        e = env->ops->sctp_send(env, gnb->assoc, stream < gnb->streams ? stream : 0, AMF_NGAP_PPID, raw);
    }
    if (e < 0) {
        amf->counters.tx_failed++;
        LOG(amf->rt->log, sctp_send_failed, "gnb=%s message=%s error=%s", amf_gnb_text(gnb),
            ngap_msg_name(msg), err_text(e));
    } else {
        amf->counters.tx++;
        gnb->tx++;
        metric_add(amf->rt->metrics, METRIC_ngap_tx, 1);
        LOG(amf->rt->log, ngap_tx, "gnb=%s message=%s octets=%u", amf_gnb_text(gnb), ngap_msg_name(msg), raw.n);
    }
    tap(amf, TAP_TX, gnb, &pdu, raw, e < 0 ? e : 0);
    return e < 0 ? e : OK;
}

void amf_gnb_drop(struct amf *amf, struct amf_gnb *gnb, bool close)
{
    struct env *env = amf->rt->env;
    if (amf->ue_ops && amf->ue_ops->release_all)
        amf->ue_ops->release_all(amf, gnb);
    if (gnb->is_setup) {
        map_del(&amf->gnb_by_id, (struct bytes){gnb->node_id, gnb->node_id_n});
        amf->gnbs_setup--;
    }
    amf_gnb_load_forget(amf, gnb);
    timer_stop(&amf->rt->timers, &gnb->setup_timer);
    amf_trust_gone(amf, gnb);
    map_del_u64(&amf->gnb_by_assoc, gnb->assoc);
    if (close)
        env->ops->sctp_close(env, gnb->assoc, true);
    slab_drop(&amf->gnbs, gnb);
    amf_gnb_gauges(amf);
}

static void setup_late(struct timer *t)
{
    struct amf_gnb *gnb = CONTAINER(t, struct amf_gnb, setup_timer);
    char peer[NET_ADDR_TEXT];
    gnb->amf->counters.setup_timeouts++;
    LOG(gnb->amf->rt->log, ng_setup_late, "peer=%s", addr_text(&gnb->peer, peer));
    amf_gnb_drop(gnb->amf, gnb, true);
}
void amf_gnb_await_setup(struct amf *amf, struct amf_gnb *gnb)
{
    timer_set(&amf->rt->timers, &gnb->setup_timer, amf->rt->now_us + SETUP_WAIT_US, setup_late);
}

/* ---- the sink ---- */
static void on_up(void *ctx, uint64_t assoc, const struct net_addr *peer, uint16_t streams)
{
    struct amf *amf = ctx;
    rt_enter(amf->rt);
    char text[NET_ADDR_TEXT];
    struct amf_gnb *gnb = slab_new(&amf->gnbs);
    if (!gnb || map_put_u64(&amf->gnb_by_assoc, assoc, gnb) < 0) {
        if (gnb)
            slab_drop(&amf->gnbs, gnb);
        amf->counters.associations_refused++;
        LOG(amf->rt->log, sctp_refused, "peer=%s associations=%u", addr_text(peer, text), amf->gnbs.used);
        amf->rt->env->ops->sctp_close(amf->rt->env, assoc, true);
        return;
    }
    amf->counters.associations++;
    gnb->amf = amf;
    list_init(&gnb->conns);
    gnb->assoc = assoc;
    gnb->peer = *peer;
    gnb->streams = streams ? streams : 1;
    amf_gnb_await_setup(amf, gnb);
    amf_gnb_gauges(amf);
    LOG(amf->rt->log, sctp_up, "peer=%s streams=%u", addr_text(peer, text), gnb->streams);
}
static void on_down(void *ctx, uint64_t assoc, const char *reason)
{
    struct amf *amf = ctx;
    rt_enter(amf->rt);
    struct amf_gnb *gnb = amf_gnb_by_assoc(amf, assoc);
    char peer[NET_ADDR_TEXT];
    if (!gnb)
        return;
    LOG(amf->rt->log, sctp_down, "gnb=%s peer=%s reason=%s", amf_gnb_text(gnb), addr_text(&gnb->peer, peer),
        reason ? reason : "");
    amf_gnb_drop(amf, gnb, false);
}

/* What the AMF itself does, by procedure and kind; all else that carries a UE NGAP ID is the UE side's. */
struct row {
    uint8_t procedure, kind;
    bool before_setup;
    amf_rx_fn *fn;
    amf_refuse_fn *refuse; /* NULL: by Error Indication */
};
static const struct row *row_of(uint8_t procedure, uint8_t kind)
{
    static const struct row rows[] = {
        {NGAP_PROC_NGSetup, NGAP_INITIATING, true, amf_rx_ng_setup, amf_refuse_ng_setup},
        {NGAP_PROC_RANConfigurationUpdate, NGAP_INITIATING, false, amf_rx_ran_configuration_update,
         amf_refuse_ran_configuration_update},
        {NGAP_PROC_NGReset, NGAP_INITIATING, false, amf_rx_ng_reset, NULL},
        {NGAP_PROC_NGReset, NGAP_SUCCESSFUL, false, amf_rx_ng_reset_acknowledge, NULL},
        {NGAP_PROC_ErrorIndication, NGAP_INITIATING, true, amf_rx_error_indication, NULL},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].procedure == procedure && rows[i].kind == kind)
            return &rows[i];
    return NULL;
}

static void refuse(const struct amf_rx *rx, const struct row *row, struct ngap_Cause cause)
{
    bool is_error = rx->report->known_header && rx->report->procedure == NGAP_PROC_ErrorIndication;
    bool is_outcome = rx->report->known_header && rx->report->kind != NGAP_INITIATING;
    if (is_error || is_outcome)
        return; /* outcomes: local error handling only (10.3.4, 10.3.5, 10.4) */
    if (row && row->refuse) {
        row->refuse(rx, cause);
        return;
    }
    struct ngap_CriticalityDiagnostics d;
    struct ngap_ue_ids ids = ngap_pdu_ue_ids(rx->pdu->type, rx->pdu->value);
    bool has_d = rx->report->known_header && ngap_report_diagnostics(rx->report, rx->arena, &d) >= 0;
    amf_error_send(rx->amf, rx->gnb, &ids, cause, has_d ? &d : NULL);
}

/* 10.6 says which identity is wrong. */
static void to_ue(const struct amf_rx *rx)
{
    struct amf *amf = rx->amf;
    struct ngap_ue_ids ids = ngap_pdu_ue_ids(rx->pdu->type, rx->pdu->value);
    int e = ids.has_amf ? ERR_NOTFOUND : ERR_STATE;
    if (amf->ue_ops && amf->ue_ops->message)
        e = amf->ue_ops->message(amf, rx->gnb, rx->pdu, rx->report);
    struct ngap_Cause cause;
    if (e == ERR_NOTFOUND)
        cause = amf_cause_radio(NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID);
    else if (e == ERR_EXISTS)
        cause = amf_cause_radio(NGAP_CauseRadioNetwork_inconsistent_remote_UE_NGAP_ID);
    else if (e == ERR_STATE)
        cause = amf_cause_protocol(NGAP_CauseProtocol_message_not_compatible_with_receiver_state);
    else
        return;
    LOG(amf->rt->log, ngap_foreign_ue, "gnb=%s message=%s why=%s", amf_gnb_text(rx->gnb),
        ngap_msg_name(rx->pdu->msg), err_text(e));
    metric_add(amf->rt->metrics, METRIC_ngap_bad, 1);
    bool is_outcome = rx->report->kind != NGAP_INITIATING, is_last = rx->pdu->msg == NGAP_MSG_UEContextReleaseComplete;
    if (is_last || (is_outcome && e == ERR_STATE))
        return; /* 10.6: the last message of its connection; 10.4: an outcome of nothing */
    amf_error_send(amf, rx->gnb, &ids, cause, NULL);
}

static bool may_go_on(const struct amf_rx *rx)
{
    const struct ngap_report *r = rx->report;
    if (!rx->pdu->value)
        return false;
    if (r->error == NGAP_ERROR_FALSE_CONSTRUCT)
        return !rx->amf->config.strict_order && r->ies.disorder && !r->ies.repeated && !r->ies.reject;
    return r->error == NGAP_ERROR_NONE || r->error == NGAP_ERROR_NOTIFY;
}
static void dispatch(const struct amf_rx *rx)
{
    const struct ngap_report *r = rx->report;
    const struct row *row = r->known_header ? row_of(r->procedure, r->kind) : NULL;
    if (!may_go_on(rx)) {
        rx->amf->counters.rx_bad++;
        rx->gnb->rx_bad++;
        metric_add(rx->amf->rt->metrics, METRIC_ngap_bad, 1);
        LOG(rx->amf->rt->log, ngap_malformed, "gnb=%s message=%s at=%s octet=%u", amf_gnb_text(rx->gnb),
            rx->pdu->msg < NGAP_MSGS ? ngap_msg_name(rx->pdu->msg) : "unknown",
            r->ies.where ? r->ies.where : "", r->ies.octet);
        if (r->error != NGAP_ERROR_NONE)
            refuse(rx, row, ngap_report_cause(r));
        return;
    }
    struct ngap_ue_ids ids = ngap_pdu_ue_ids(rx->pdu->type, rx->pdu->value);
    bool about_ue = !row && (ids.has_amf || ids.has_ran);
    if ((row ? !row->before_setup : true) && !rx->gnb->is_setup) {
        refuse(rx, row,
               amf_cause_protocol(NGAP_CauseProtocol_message_not_compatible_with_receiver_state));
        return;
    }
    LOG(rx->amf->rt->log, ngap_rx, "gnb=%s message=%s", amf_gnb_text(rx->gnb), ngap_msg_name(rx->pdu->msg));
    if (row)
        row->fn(rx);
    else if (about_ue)
        to_ue(rx);
    else
        refuse(rx, NULL,
               amf_cause_protocol(NGAP_CauseProtocol_message_not_compatible_with_receiver_state));
}

static void receive(struct amf *amf, struct amf_gnb *gnb, struct bytes in, bool is_again)
{
    struct arena arena = arena_over(amf->block, ARENA_OCTETS);
    struct ngap_pdu pdu = {0};
    struct ngap_report report = {0};
    int e = ngap_decode(in, &arena, &pdu, &report);
    if (!is_again)
        tap(amf, TAP_RX, gnb, &pdu, in, e < 0 ? e : 0);
    dispatch(&(struct amf_rx){amf, gnb, &pdu, &report, &arena, in, is_again});
}
static void on_message(void *ctx, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes in)
{
    struct amf *amf = ctx;
    rt_enter(amf->rt);
    struct amf_gnb *gnb = amf_gnb_by_assoc(amf, assoc);
    if (!gnb)
        return;
    amf->counters.rx++;
    gnb->rx++;
    metric_add(amf->rt->metrics, METRIC_ngap_rx, 1);
    if (ppid != AMF_NGAP_PPID) {
        amf->counters.wrong_ppid++;
        LOG(amf->rt->log, ngap_wrong_ppid, "gnb=%s ppid=%u octets=%u", amf_gnb_text(gnb), ppid, in.n);
        return;
    }
    if (in.n > AMF_MESSAGE_MAX) {
        amf->counters.too_long++;
        LOG(amf->rt->log, ngap_malformed, "gnb=%s octets=%u longer than any message may be", amf_gnb_text(gnb),
            in.n);
        return;
    }
    receive(amf, gnb, in, false);
}
void amf_gnb_message_again(struct amf *amf, struct amf_gnb *gnb, struct bytes in) { receive(amf, gnb, in, true); }

/* ---- the AMF ---- */
static bool config_is_good(const struct amf_config *c)
{
    size_t n = c->name ? strlen(c->name) : 0;
    bool good = n >= 1 && n <= 150 && c->n_guamis >= 1 && c->n_guamis <= AMF_GUAMIS && c->n_plmns >= 1 &&
                c->n_plmns <= AMF_PLMNS && c->n_tais <= AMF_TAIS && c->max_gnbs >= 1 &&
                c->max_gnbs <= 65536;
    for (uint32_t i = 0; good && i < c->n_plmns; i++)
        good = c->plmns[i].n_slices >= 1 && c->plmns[i].n_slices <= AMF_SLICES;
    for (uint32_t i = 0; good && i < c->n_guamis; i++)
        good = c->guamis[i].set < 1024 && c->guamis[i].pointer < 64;
    return good;
}
int amf_init(struct amf *amf, struct rt *rt, const struct amf_config *config)
{
    memset(amf, 0, sizeof *amf);
    if (!config_is_good(config))
        return ERR_CONFIG;
    amf->rt = rt;
    amf->config = *config;
    uint64_t secret[4];
    env_random(rt->env, secret, sizeof secret);
    map_init(&amf->gnb_by_assoc, secret[0], secret[1]);
    map_init(&amf->gnb_by_id, secret[2], secret[3]);
    secret_wipe(secret, sizeof secret);
    amf->block = malloc(ARENA_OCTETS);
    amf->out = malloc(AMF_MESSAGE_MAX);
    if (!amf->block || !amf->out ||
        slab_init(&amf->gnbs, "gnb", sizeof(struct amf_gnb), config->max_gnbs + AMF_SPARE_ASSOCIATIONS) < 0) {
        amf_free(amf);
        return ERR_NOSPACE;
    }
    return OK;
}
void amf_free(struct amf *amf)
{
    struct amf_gnb *gnb;
    for (uint32_t i = 0; amf->gnbs.items && (gnb = slab_next(&amf->gnbs, &i));)
        amf_gnb_drop(amf, gnb, true);
    amf_ues_free(amf);
    if (amf->gnbs.items)
        slab_free(&amf->gnbs);
    map_free(&amf->gnb_by_assoc);
    map_free(&amf->gnb_by_id);
    free(amf->block);
    free(amf->out);
    memset(amf, 0, sizeof *amf);
}
int amf_listen(struct amf *amf, const struct sctp_local *local)
{
    struct sctp_sink sink = {amf, on_up, on_message, on_down};
    return amf->rt->env->ops->sctp_listen(amf->rt->env, local, &sink);
}
