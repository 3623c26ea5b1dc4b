/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication subscription and status, TS 29.505 5.2.2. */
#include "nf/udr/udr.h"
#include "base/log.h"
#include "rt/config.h"

static enum sbi_AuthMethod method_of(const struct udr *u, const struct subscriber *s)
{
    if (s->auth == SUBSCRIBER_AUTH_NONE)
        return u->rt->config && u->rt->config->udm.auth == CONFIG_AUTH_EAP_AKA_PRIME ? SBI_AuthMethod_EAP_AKA_PRIME
                                                                                      : SBI_AuthMethod_5G_AKA;
    return s->auth == SUBSCRIBER_AUTH_5G_AKA ? SBI_AuthMethod_5G_AKA : SBI_AuthMethod_EAP_AKA_PRIME;
}

static bool fill(struct udr *u, struct call *c, const struct subscriber *s, uint64_t sqn)
{
    SBI_RSP(nudr_dr_auth_subscription_get) *r = c->rsp;
    uint8_t octets[8], amf[2];
    bool tuak = s->key.alg == AKA_TUAK;
    put_be64(octets, sqn);
    put_be16(amf, s->amf);
    r->authentication_method = method_of(u, s);
    r->has.enc_permanent_key = r->has.authentication_management_field = r->has.algorithm_id = 1;
    r->enc_permanent_key = s->sealed_n ? arena_bytes(&c->arena, s->sealed, s->sealed_n) : arena_bytes(&c->arena, s->key.k, s->key.k_n);
    r->authentication_management_field = arena_bytes(&c->arena, amf, sizeof amf);
    r->algorithm_id = tuak ? STR("TUAK") : STR("MILENAGE");
    r->has.protection_parameter_id = s->sealed_n != 0; /* OPc is sealed with K */
    r->protection_parameter_id = STR(SEALED_BY);
    r->has.enc_topc_key = tuak && !s->sealed_n;
    r->has.enc_opc_key = !tuak && !s->sealed_n;
    struct bytes *opc = tuak ? &r->enc_topc_key : &r->enc_opc_key;
    *opc = arena_bytes(&c->arena, s->key.opc, tuak ? 32 : 16);
    r->has.sequence_number = r->sequence_number.has.sqn = 1;
    r->sequence_number.sqn = arena_bytes(&c->arena, octets + 2, 6);
    return r->enc_permanent_key.p && r->authentication_management_field.p && opc->p && r->sequence_number.sqn.p;
}

void udr_auth_subscription_get(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_auth_subscription_get) *q = c->req;
    struct subscriber s;
    uint64_t sqn;
    if (udr_subscriber(u, c, q->ue_id, &s)) {
        int e = udr_sqn_get(u, q->ue_id, &s, &sqn);
        if (e == OK && !fill(u, c, &s, sqn))
            e = ERR_NOSPACE;
        if (e == OK)
            call_reply(c, 200);
        else
            udr_refuse(u, c, e, STORE_sqn, "USER_NOT_FOUND");
    }
    secret_wipe(&s, sizeof s);
}

/* A JSON text of twelve hex digits, or an object {"sqn": "…", …}. */
static bool sqn_from_json(struct str json, uint64_t *sqn)
{
    uint8_t o[8] = {0};
    const char *p = json.p, *end = json.p + json.n;
    if (json.n && *p == '{') {
        p = memmem(json.p, json.n, "\"sqn\"", 5);
        p = p ? memchr(p + 5, '"', (size_t)(end - p - 5)) : NULL;
    }
    if (!p || end - p < 14 || p[0] != '"' || p[13] != '"' || !hex_get(o + 2, 6, (struct str){p + 1, 12}))
        return false;
    *sqn = be64(o);
    return true;
}

/* TS 29.505 5.2.2.3.2. "test" keeps two UDMs from taking the same numbers (RFC 6902 4.6). */
static void patch_sqn(struct udr *u, struct call *c, const struct subscriber *s)
{
    const SBI_REQ(nudr_dr_auth_subscription_patch) *q = c->req;
    uint64_t now, wanted, sqn = 0;
    bool has_new = false;
    int e = udr_sqn_get(u, q->ue_id, s, &now);
    if (e < 0) {
        udr_refuse(u, c, e, STORE_sqn, "USER_NOT_FOUND");
        return;
    }
    for (uint32_t i = 0; i < q->body.n; i++) {
        const struct sbi_PatchItem *p = &q->body.p[i];
        bool is_sqn = str_is(p->path, "/sequenceNumber/sqn") || str_is(p->path, "/sequenceNumber");
        bool is_set = p->op == SBI_PatchOperation_REPLACE || p->op == SBI_PatchOperation_ADD;
        if (!is_sqn || (!is_set && p->op != SBI_PatchOperation_TEST)) {
            call_problem(c, 403, "MODIFICATION_NOT_ALLOWED", "only the sequence number can be changed");
            return;
        }
        if (!p->has.value || !sqn_from_json(p->value, &wanted)) {
            call_problem(c, 400, "INVALID_MSG_FORMAT", "not a sequence number");
            return;
        }
        if (!is_set && wanted != now) {
            call_problem(c, 409, "MODIFICATION_NOT_ALLOWED", "the sequence number is another by now");
            return;
        }
        has_new |= is_set;
        sqn = is_set ? wanted : sqn;
    }
    e = has_new ? udr_sqn_set(u, q->ue_id, now, sqn) : OK;
    if (e < 0)
        udr_refuse(u, c, e, STORE_sqn, "USER_NOT_FOUND");
    else
        call_reply(c, 204);
}

void udr_auth_subscription_patch(void *state, struct call *c)
{
    struct udr *u = state;
    const SBI_REQ(nudr_dr_auth_subscription_patch) *q = c->req;
    struct subscriber s;
    if (udr_subscriber(u, c, q->ue_id, &s))
        patch_sqn(u, c, &s);
    secret_wipe(&s, sizeof s);
}

/* Kept by the UDM in its memory; here it is only checked that there is such a subscriber: a write for each
 * authentication would be what docs/decisions/0003 avoids. */
void udr_auth_status_put(void *state, struct call *c)
{
    const SBI_REQ(nudr_dr_auth_status_put) *q = c->req;
    struct subscriber s;
    if (udr_subscriber(state, c, q->ue_id, &s))
        call_reply(c, 204);
    secret_wipe(&s, sizeof s);
}
