/* SPDX-License-Identifier: Apache-2.0 */
/* nas_kind.h - inside the NAS codec: how structured values are read and written.
 * get: r spans the value; what it leaves is ignored. ERR_NOSPACE (arena) or ERR_SYNTAX.
 * put: ERR_RANGE when the value has no encoding; room is w's business. */
#pragma once
#include "base/err.h"
#include "base/wire.h"
#include "codec/nas.h"

struct nas_codec {
    int (*get)(struct rd *r, void *value, struct arena *arena);
    int (*put)(struct wr *w, const void *value);
};
#define NAS_CODEC(name)                                                                            \
    int nas_get_##name(struct rd *r, void *value, struct arena *arena);                            \
    int nas_put_##name(struct wr *w, const void *value);
NAS_CODEC(octets)
NAS_CODEC(ksi)
NAS_CODEC(reg_type)
NAS_CODEC(dereg_type)
NAS_CODEC(algorithms)
NAS_CODEC(ue_sec_cap)
NAS_CODEC(mobile_id)
NAS_CODEC(s_nssai)
NAS_CODEC(nssai)
NAS_CODEC(rejected_nssai)
NAS_CODEC(plmn)
NAS_CODEC(tai)
NAS_CODEC(tai_list)
NAS_CODEC(area_list)
NAS_CODEC(dnn)
NAS_CODEC(time)
NAS_CODEC(pdu_address)
NAS_CODEC(qos_rules)
NAS_CODEC(qos_flows)
NAS_CODEC(ambr)
NAS_CODEC(epco_up)
NAS_CODEC(epco_down)
/* A value of a row from its octets: OK, ERR_SYNTAX, ERR_NOSPACE. */
int nas_value_get(const struct nas_row *row, struct bytes v, uint8_t *to, struct arena *arena);
/* ERR_SYNTAX if a reader went past its end. */
static inline int nas_got(const struct rd *r)
{
    return r->bad ? ERR_SYNTAX : OK;
}
