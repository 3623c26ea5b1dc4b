/* SPDX-License-Identifier: Apache-2.0 */
/* qer.c - QoS enforcement rules, TS 29.244 7.5.2.5, 7.5.4.5 and 7.5.4.9; and the session's buffering
 * action rule, 7.5.2.6, 7.5.4.11 and 7.5.4.12. */
#include "nf/upf/state.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, DELAY_UNIT_US = 50000 };

static void gate_take(struct rule_qer *r, uint8_t gate) /* 8.2.7 */
{
    r->gate_ul_closed = (gate >> 2 & 3) != PFCP_GATE_OPEN;
    r->gate_dl_closed = (gate & 3) != PFCP_GATE_OPEN;
}
static void mbr_take(struct rule_qer *r, const struct pfcp_bitrate *b)
{
    r->has_mbr = true;
    r->mbr_ul_kbit = b->ul_kbps;
    r->mbr_dl_kbit = b->dl_kbps;
}
static void gbr_take(struct rule_qer *r, const struct pfcp_bitrate *b)
{
    r->gbr_ul_kbit = b->ul_kbps;
    r->gbr_dl_kbit = b->dl_kbps;
}

bool qer_create(struct upf_draft *d, const struct pfcp_create_qer *q)
{
    struct rule_qer r = {.id = q->qer_id};
    draft_rule(d, PFCP_FAILED_RULE_QER, q->qer_id);
    if (draft_qer(d, q->qer_id))
        return draft_refuse(d, FAILURE, PFCP_IE_qer_id, "a QER ID in use");
    if (d->qer_n == RULE_MAX)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "too many QERs in a session");
    gate_take(&r, q->gate_status);
    if (q->has.maximum_bitrate)
        mbr_take(&r, &q->maximum_bitrate);
    if (q->has.guaranteed_bitrate)
        gbr_take(&r, &q->guaranteed_bitrate);
    r.qfi = q->has.qfi ? q->qfi : 0;
    r.reflective = q->has.rqi && q->rqi & 1;
    d->qer[d->qer_n++] = r;
    return true;
}

bool qer_update(struct upf_draft *d, const struct pfcp_update_qer *q)
{
    struct rule_qer *r = draft_qer(d, q->qer_id);
    draft_rule(d, PFCP_FAILED_RULE_QER, q->qer_id);
    if (!r)
        return draft_refuse(d, FAILURE, PFCP_IE_qer_id, "no such QER");
    if (q->has.gate_status)
        gate_take(r, q->gate_status);
    if (q->has.maximum_bitrate)
        mbr_take(r, &q->maximum_bitrate);
    if (q->has.guaranteed_bitrate)
        gbr_take(r, &q->guaranteed_bitrate);
    if (q->has.qfi)
        r->qfi = q->qfi;
    if (q->has.rqi)
        r->reflective = q->rqi & 1;
    return true;
}

bool qer_remove(struct upf_draft *d, uint32_t id)
{
    struct rule_qer *r = draft_qer(d, id);
    draft_rule(d, PFCP_FAILED_RULE_QER, id);
    if (!r)
        return draft_refuse(d, FAILURE, PFCP_IE_qer_id, "no such QER");
    uint32_t at = (uint32_t)(r - d->qer);
    memmove(r, r + 1, (--d->qer_n - at) * sizeof *r);
    return true;
}

/* ---- BAR ---- */
bool bar_create(struct upf_draft *d, const struct pfcp_create_bar *q)
{
    draft_rule(d, PFCP_FAILED_RULE_BAR, q->bar_id);
    if (d->common.has_bar)
        return draft_refuse(d, FAILURE, PFCP_IE_bar_id, "a session has one BAR");
    d->common.has_bar = true;
    d->common.bar_id = q->bar_id;
    d->common.bar = (struct rule_bar){0};
    if (q->has.suggested_buffering_packets_count)
        d->common.bar.packets_max = q->suggested_buffering_packets_count;
    return true;
}

bool bar_update(struct upf_draft *d, const struct pfcp_update_bar *q)
{
    draft_rule(d, PFCP_FAILED_RULE_BAR, q->bar_id);
    if (!d->common.has_bar || d->common.bar_id != q->bar_id)
        return draft_refuse(d, FAILURE, PFCP_IE_bar_id, "no such BAR");
    if (q->has.suggested_buffering_packets_count)
        d->common.bar.packets_max = q->suggested_buffering_packets_count;
    if (q->has.downlink_data_notification_delay) /* 8.2.28 */
        d->common.bar.notify_delay_us =
            q->downlink_data_notification_delay * (uint32_t)DELAY_UNIT_US;
    return true;
}

bool bar_remove(struct upf_draft *d, uint8_t id)
{
    draft_rule(d, PFCP_FAILED_RULE_BAR, id);
    if (!d->common.has_bar || d->common.bar_id != id)
        return draft_refuse(d, FAILURE, PFCP_IE_bar_id, "no such BAR");
    d->common.has_bar = false;
    d->common.bar = (struct rule_bar){0};
    return true;
}
