/* SPDX-License-Identifier: Apache-2.0 */
/* trust_who.c - which element of the inventory a peer is: what it claims against what is proved. */
#include "trust/trust_parts.h"
#include "base/err.h"

/* The classes that this kind of peer may have, one after another from *at = 0. */
static uint8_t class_next(enum sbi_TrustKind kind, uint8_t *at)
{
    while (++*at < INV_CLASSES) {
        enum inv_group g = inv_class_group(*at);
        bool fits = kind == SBI_TrustKind_GNB    ? g == INV_GROUP_radio || *at == INV_CLASS_n3iwf
                    : kind == SBI_TrustKind_UPF  ? *at == INV_CLASS_upf
                    : kind == SBI_TrustKind_SEPP ? *at == INV_CLASS_sepp
                    : kind == SBI_TrustKind_SMF  ? *at == INV_CLASS_smf
                                                 : g == INV_GROUP_core;
        if (fits)
            return *at;
    }
    return 0;
}
uint32_t trust_claimed(const struct trust *t, const struct trust_peer *p)
{
    uint32_t ref = 0;
    if (p->kind == SBI_TrustKind_GNB)
        return p->gnb_id_bits ? inventory_by_gnb(t->inventory, p->plmn, p->gnb_id, p->gnb_id_bits) : 0;
    if (p->kind == SBI_TrustKind_NF)
        return inventory_by_nf_instance(t->inventory, str_of(p->node_id));
    for (uint8_t at = 0, class; !ref && (class = class_next(p->kind, &at));)
        ref = inventory_by_node_id(t->inventory, class, str_of(p->node_id));
    return ref;
}
/* What of N2, N3 and N4 it speaks; 0: nothing that IPsec is for (TS 33.501 9.2, 9.9). */
uint8_t trust_service_of(enum sbi_TrustKind kind)
{
    return kind == SBI_TrustKind_GNB ? IPSEC_N2 : kind == SBI_TrustKind_UPF || kind == SBI_TrustKind_SMF ? IPSEC_N4 : 0;
}
static bool asks_ipsec(const struct trust *t, const struct trust_peer *p) { return t->rt->ipsec && trust_service_of(p->kind); }
/* The key that opened its tunnel is its key; what it says itself of that is nothing. */
void trust_prove(struct trust *t, struct trust_peer *p, bool fresh)
{
    struct identity_result r;
    if (!asks_ipsec(t, p))
        return;
    p->has_key = ipsec_peers_verify(t->rt->ipsec, t->inventory, &p->address, trust_service_of(p->kind), fresh, &r) == OK;
    memcpy(p->key_sha256, r.key_sha256, sizeof p->key_sha256);
    str_copy(p->proof, sizeof p->proof, p->has_key ? STR("") : str_of(r.text));
}
/* Behind tunnels that carry one address each, and that only the certificate naming it opens, the address of a gNB or UPF
 * is as good as its certificate: trust/ipsec.h. */
static bool has_address(const struct trust *t, const struct inv_element *e, const struct trust_peer *p)
{
    bool tunnelled = t->rt->config->trust.tunnels && !t->rt->ipsec && e->identity == INV_IDENTITY_certificate &&
                     trust_service_of(p->kind);
    return (e->identity == INV_IDENTITY_address_only || tunnelled) && p->address.family && addr_same_host(&e->address, &p->address);
}
/* What is proved: the key of a certificate, or the address of an element for which the operator said that it is enough. */
uint32_t trust_proved(const struct trust *t, const struct trust_peer *p)
{
    uint32_t ref = p->has_key ? inventory_by_key(t->inventory, p->key_sha256) : 0;
    if (ref)
        return ref;
    ref = trust_claimed(t, p);
    if (ref && has_address(t, inventory_element(t->inventory, ref), p)) /* several may stand behind one address */
        return ref;
    for (uint8_t at = 0, class; p->address.family && (class = class_next(p->kind, &at));) {
        ref = inventory_by_address(t->inventory, class, &p->address);
        if (ref && has_address(t, inventory_element(t->inventory, ref), p))
            return ref;
    }
    return 0;
}
static bool has_claim_on_record(const struct trust_peer *p, const struct inv_element *e)
{
    return p->kind == SBI_TrustKind_GNB ? e->gnb_id_bits != 0 : p->kind == SBI_TrustKind_NF ? e->nf_instance.n != 0 : e->node_id.n != 0;
}
static bool class_fits(const struct trust_peer *p, const struct inv_element *e)
{
    for (uint8_t at = 0, class; (class = class_next(p->kind, &at));)
        if (class == e->function)
            return true;
    return false;
}
/* The vendorId (TS 29.510) that it states is neither its supplier's nor of the group above; or, where these have none on
 * record, somebody else's. Of an element that is only claimed as well: then one of the two is a lie. */
bool trust_says_other_vendor(const struct trust *t, const struct trust_peer *p)
{
    const struct inventory *v = t->inventory;
    struct str said = str_of(p->vendor_id);
    uint32_t proved = trust_proved(t, p);
    const struct inv_element *e = inventory_element(v, proved ? proved : trust_claimed(t, p));
    bool on_record = false;
    if (!said.n || !e)
        return false;
    const struct inv_supplier *s = inventory_supplier(v, e->supplier);
    for (; s; s = inventory_supplier(v, s->parent)) { /* no circles: the inventory has been checked */
        if (str_eq(s->vendor_id, said))
            return false;
        on_record |= s->vendor_id.n != 0;
    }
    for (uint32_t i = 0; !on_record && i < v->n_suppliers; i++)
        on_record = str_eq(v->suppliers[i].vendor_id, said);
    return on_record;
}
/* The element that it is, or 0. What it says of itself must not be another's. */
uint32_t trust_identify(const struct trust *t, const struct trust_peer *p, enum trust_finding *finding)
{
    uint32_t claimed = trust_claimed(t, p), proved = trust_proved(t, p);
    const struct inv_element *e = inventory_element(t->inventory, proved);
    *finding = TRUST_FINDING_NONE;
    if (!proved) {
        *finding = claimed ? TRUST_FINDING_UNPROVED : TRUST_FINDING_STRANGER;
        return 0;
    }
    if ((claimed && claimed != proved) || (!claimed && has_claim_on_record(p, e)) || !class_fits(p, e)) {
        *finding = TRUST_FINDING_OTHER;
        return 0;
    }
    if (p->name[0] && e->name.n && !str_eq_nocase(str_of(p->name), e->name))
        *finding = TRUST_FINDING_NAME;
    return proved;
}
