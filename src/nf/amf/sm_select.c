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

static struct str default_dnn(const struct amf_dnns *l, const struct amf_slice *slice)
{
    struct str first = STR("");
    for (uint32_t i = 0; l && i < l->n; i++) {
        const struct amf_dnn *d = &l->v[i];
        if (!amf_slice_eq(&d->slice, slice) || strcmp(d->name, "*") == 0)
            continue;
        if (d->is_default)
            return str_of(d->name);
        if (!first.n)
            first = str_of(d->name);
    }
    return first;
}
static bool subscribed(const struct amf_dnns *l, const struct amf_slice *slice, struct str dnn)
{
    for (uint32_t i = 0; l && i < l->n; i++) {
        struct str name = amf_dnn_network_id(str_of(l->v[i].name));
        if (!amf_slice_eq(&l->v[i].slice, slice))
            continue;
        if (str_is(name, "*") || str_eq_nocase(name, dnn))
            return true;
    }
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
                      const struct amf_dnns *dnns, struct str fallback_dnn, struct amf_sm_choice *out)
{
    struct str dnn = amf_dnn_network_id(q->dnn);
    uint8_t cause = NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    for (uint32_t i = 0; i < n_allowed; i++) {
        if (q->has_slice && !amf_slice_eq(&q->slice, &allowed[i]))
            continue;
        struct str preset = default_dnn(dnns, &allowed[i]);
        out->slice = allowed[i];
        if (dnn.n)
            cause = subscribed(dnns, &allowed[i], dnn) ? take_dnn(out, dnn)
                                          : NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE;
        else
            cause = take_dnn(out, preset.n ? amf_dnn_network_id(preset) : fallback_dnn);
        if (!cause)
            return 0;
    }
    return cause;
}
