/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/amf/sm_select.h"
#include "nf/amf/ue.h"
#include <strings.h>

struct str amf_dnn_network_id(struct str dnn)
{
    enum { OPERATOR = 19 }; /* ".mncNNN.mccNNN.gprs" */
    if (!dnn.p || dnn.n <= OPERATOR)
        return dnn;
    const char *oi = dnn.p + (dnn.n - OPERATOR);
    if (strncasecmp(oi, ".mnc", 4) == 0 && strncasecmp(oi + 7, ".mcc", 4) == 0 && strncasecmp(oi + 14, ".gprs", 5) == 0)
        dnn.n -= OPERATOR;
    return dnn;
}

/* The key of subscribedSnssaiInfos: "1" or "1-000009" (TS 29.571 5.4.4.2). */
static bool key_is(struct str key, const struct amf_slice *s)
{
    uint32_t sst = 0, i = 0;
    uint8_t sd[3];
    while (i < key.n && i < 3 && key.p[i] >= '0' && key.p[i] <= '9')
        sst = sst * 10 + (uint32_t)(key.p[i++] - '0');
    if (!i || sst != s->sst)
        return false;
    if (i == key.n)
        return !s->has_sd;
    return s->has_sd && key.p[i] == '-' && hex_get(sd, 3, (struct str){key.p + i + 1, key.n - i - 1}) &&
           memcmp(sd, s->sd, 3) == 0;
}
static const struct sbi_SnssaiInfo *slice_info(const struct sbi_SmfSelectionSubscriptionData *sub,
                                               const struct amf_slice *slice)
{
    for (uint32_t i = 0; sub && sub->has.subscribed_snssai_infos && i < sub->subscribed_snssai_infos.n; i++)
        if (key_is(sub->subscribed_snssai_infos.p[i].key, slice))
            return &sub->subscribed_snssai_infos.p[i].value;
    return NULL;
}
static bool dnn_is(struct str a, struct str b) { return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0; }

static struct str default_dnn(const struct sbi_SnssaiInfo *info)
{
    struct str first = STR("");
    for (uint32_t i = 0; info && i < info->dnn_infos.n; i++) {
        const struct sbi_DnnInfo *d = &info->dnn_infos.p[i];
        if (str_is(d->dnn, "*"))
            continue;
        if (d->has.default_dnn_indicator && d->default_dnn_indicator)
            return d->dnn;
        if (!first.n)
            first = d->dnn;
    }
    return first;
}
static bool subscribed(const struct sbi_SnssaiInfo *info, struct str dnn)
{
    for (uint32_t i = 0; info && i < info->dnn_infos.n; i++)
        if (str_is(info->dnn_infos.p[i].dnn, "*") || dnn_is(amf_dnn_network_id(info->dnn_infos.p[i].dnn), dnn))
            return true;
    return false;
}
/* 0, or the cause. */
static uint8_t take_dnn(struct amf_sm_choice *out, struct str dnn)
{
    if (!dnn.n || !str_copy(out->dnn, sizeof out->dnn, dnn))
        return NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE;
    for (char *p = out->dnn; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return 0;
}

uint8_t amf_sm_select(const struct amf_sm_request *q, const struct amf_slice *allowed, uint32_t n_allowed,
                      const struct sbi_SmfSelectionSubscriptionData *sub, struct str fallback_dnn,
                      struct amf_sm_choice *out)
{
    struct str dnn = amf_dnn_network_id(q->dnn);
    uint8_t cause = NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    for (uint32_t i = 0; i < n_allowed; i++) {
        if (q->has_slice && !amf_slice_eq(&q->slice, &allowed[i]))
            continue;
        const struct sbi_SnssaiInfo *info = slice_info(sub, &allowed[i]);
        out->slice = allowed[i];
        if (dnn.n)
            cause = subscribed(info, dnn) ? take_dnn(out, dnn)
                                          : NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE;
        else
            cause = take_dnn(out, default_dnn(info).n ? amf_dnn_network_id(default_dnn(info)) : fallback_dnn);
        if (!cause)
            return 0;
    }
    return cause;
}
