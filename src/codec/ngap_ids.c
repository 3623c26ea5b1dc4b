/* SPDX-License-Identifier: Apache-2.0 */
/* Identities and addresses out of NGAP messages. */
#include "codec/ngap.h"
#include "base/err.h"
#include "base/plmn.h"
#include <stdio.h>

enum { ID_AMF_UE = 10, ID_RAN_UE = 85 }; /* 9.4.7 */
struct ngap_ue_ids ngap_pdu_ue_ids(const struct asn_type *type, const void *value)
{
    struct ngap_ue_ids ids = {0};
    if (!type || !value)
        return ids;
    const struct asn_has *has = value;
    for (uint32_t i = 0; i < type->n_fields && !(ids.has_amf && ids.has_ran); i++) {
        const struct asn_field *f = &type->fields[i];
        if (!(has->mask[i / 64] >> i % 64 & 1))
            continue;
        const void *v = (const uint8_t *)value + f->offset;
        if (f->id == ID_AMF_UE && f->type == &ngap_desc_AMF_UE_NGAP_ID) {
            ids.has_amf = true;
            memcpy(&ids.amf, v, sizeof ids.amf);
        } else if (f->id == ID_RAN_UE && f->type == &ngap_desc_RAN_UE_NGAP_ID) {
            ids.has_ran = true;
            memcpy(&ids.ran, v, sizeof ids.ran);
        }
    }
    return ids;
}

int ngap_transfer_ie(struct bytes in, uint32_t id, struct arena *a, struct bytes *contents)
{
    uint32_t at = 3, used; /* after the extension bit of the SEQUENCE and the count of its IEs */
    for (uint32_t i = 0, n = in.n < at ? 0 : be16(in.p + 1); i < n; i++) {
        if (at + 3 > in.n)
            return ERR_SHORT;
        uint32_t is = be16(in.p + at);
        at += 3; /* id, criticality */
        int e = aper_open_get((struct bytes){in.p + at, in.n - at}, a, contents, &used);
        if (e < 0)
            return e;
        if (is == id)
            return OK;
        at += used;
    }
    return ERR_NOTFOUND;
}

int ngap_addresses(struct bits b, struct net_addr out[2])
{
    int n = 0;
    if (b.n == 32 || b.n == 160)
        out[n++] = (struct net_addr){.family = 4, .ip = {b.p[0], b.p[1], b.p[2], b.p[3]}};
    if (b.n == 128 || b.n == 160) {
        out[n] = (struct net_addr){.family = 6};
        memcpy(out[n++].ip, b.p + (b.n == 160 ? 4 : 0), 16);
    }
    return n;
}

uint32_t ngap_gnb_id(struct bits id)
{
    uint8_t v[4] = {0};
    if (id.n == 0 || id.n > 32)
        return 0;
    memcpy(v, id.p, (id.n + 7) / 8);
    return be32(v) >> (32 - id.n);
}

void ngap_node_text(const struct ngap_GlobalRANNodeID *id, char out[NGAP_NODE_TEXT])
{
    static const char *const kinds[] = {"gnb", "ngenb", "n3iwf", "tngf", "twif", "wagf"};
    const char *kind = id->sel < ARRAY_LEN(kinds) ? kinds[id->sel] : "node";
    const struct ngap_GlobalGNB_ID *g = &id->globalGNB_ID;
    char mcc[4], mnc[4];
    snprintf(out, NGAP_NODE_TEXT, "%s", kind);
    if (id->sel == NGAP_GlobalRANNodeID_globalGNB_ID && g->pLMNIdentity.n == 3 &&
        g->gNB_ID.sel == NGAP_GNB_ID_gNB_ID && plmn_text(g->pLMNIdentity.p, mcc, mnc))
        snprintf(out, NGAP_NODE_TEXT, "gnb-%s-%s-%06x", mcc, mnc, ngap_gnb_id(g->gNB_ID.gNB_ID));
}
