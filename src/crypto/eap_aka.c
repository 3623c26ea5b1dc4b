/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/eap_aka.h"
#include "base/wire.h"

enum attribute { /* RFC 4187 11, RFC 9048 10; below 128 none may be skipped */
                 AT_RAND = 1,
                 AT_AUTN = 2,
                 AT_RES = 3,
                 AT_AUTS = 4,
                 AT_PADDING = 6,
                 AT_PERMANENT_ID_REQ = 10,
                 AT_MAC = 11,
                 AT_NOTIFICATION = 12,
                 AT_ANY_ID_REQ = 13,
                 AT_IDENTITY = 14,
                 AT_FULLAUTH_ID_REQ = 17,
                 AT_CLIENT_ERROR_CODE = 22,
                 AT_KDF_INPUT = 23,
                 AT_KDF = 24,
                 AT_RESULT_IND = 135
};

/* Two octets of reserved, then the value: AT_RAND, AT_AUTN, AT_MAC. */
static int fixed16(struct rd v, const uint8_t **to)
{
    if (*to)
        return ERR_ORDER;
    if (rd_left(&v) != 18)
        return ERR_SYNTAX;
    *to = v.p + 2;
    return OK;
}

/* A length of two octets, then as many, then padding to the four-octet boundary and no further. */
static int counted(struct rd v, struct bytes *to)
{
    if (to->p)
        return ERR_ORDER;
    uint16_t n = rd_u16(&v);
    *to = rd_bytes(&v, n);
    return v.bad || rd_left(&v) > 3 ? ERR_SYNTAX : OK;
}

static int res(struct rd v, struct bits *to)
{
    if (to->p)
        return ERR_ORDER;
    uint16_t n = rd_u16(&v);
    if (n < 32 || n > 128 || rd_left(&v) < (n + 7u) / 8 || rd_left(&v) > (n + 7u) / 8 + 3)
        return ERR_SYNTAX;
    *to = (struct bits){v.p, n};
    return OK;
}

static int code16(struct rd v, int32_t *to)
{
    if (*to >= 0)
        return ERR_ORDER;
    if (rd_left(&v) != 2)
        return ERR_SYNTAX;
    *to = rd_u16(&v);
    return OK;
}

static int attribute(uint8_t type, struct rd v, struct eap_aka *m)
{
    switch (type) {
    case AT_RAND: return fixed16(v, &m->rand);
    case AT_AUTN: return fixed16(v, &m->autn);
    case AT_MAC: return fixed16(v, &m->mac);
    case AT_RES: return res(v, &m->res);
    case AT_AUTS:
        if (m->auts)
            return ERR_ORDER;
        m->auts = rd_octets(&v, 14);
        return m->auts && rd_left(&v) == 0 ? OK : ERR_SYNTAX;
    case AT_KDF_INPUT: return counted(v, &m->kdf_input);
    case AT_IDENTITY: return counted(v, &m->identity);
    case AT_KDF: /* the one attribute that repeats, RFC 9048 3.2 */
        if (rd_left(&v) != 2)
            return ERR_SYNTAX;
        if (m->n_kdf == EAP_AKA_KDF_MAX)
            return ERR_RANGE;
        m->kdf[m->n_kdf++] = rd_u16(&v);
        return OK;
    case AT_NOTIFICATION: return code16(v, &m->notification);
    case AT_CLIENT_ERROR_CODE: return code16(v, &m->client_error);
    case AT_PERMANENT_ID_REQ:
    case AT_ANY_ID_REQ:
    case AT_FULLAUTH_ID_REQ:
        if (m->id_req)
            return ERR_ORDER;
        m->id_req = type;
        return rd_left(&v) == 2 ? OK : ERR_SYNTAX;
    case AT_RESULT_IND: m->result_ind = true; return OK;
    default: return type < 128 ? ERR_UNKNOWN : OK;
    }
}

/* What each subtype cannot do without: RFC 4187 9, RFC 9048 3. */
static int complete(const struct eap_aka *m)
{
    bool request = m->code == EAP_REQUEST, ok;
    switch (m->subtype) {
    case EAP_AKA_CHALLENGE:
        ok = request
                 ? m->rand && m->autn && m->mac && m->n_kdf && m->kdf_input.n
                 : (m->mac && m->res.n) || (m->n_kdf && !m->mac); /* or the peer's choice of KDF */
        break;
    case EAP_AKA_SYNC_FAILURE: ok = !request && m->auts; break;
    case EAP_AKA_AUTH_REJECT: ok = !request; break;
    case EAP_AKA_CLIENT_ERROR: ok = !request && m->client_error >= 0; break;
    case EAP_AKA_NOTIFICATION: ok = !request || m->notification >= 0; break;
    case EAP_AKA_IDENTITY: ok = request ? m->id_req : m->identity.n; break;
    case EAP_AKA_REAUTH: ok = m->mac; break;
    default: return ERR_UNKNOWN;
    }
    return ok ? OK : ERR_MISSING;
}

int eap_aka_parse(struct bytes msg, struct eap_aka *out)
{
    *out = (struct eap_aka){.notification = -1, .client_error = -1};
    struct rd r = rd_over(msg);
    out->code = rd_u8(&r);
    out->id = rd_u8(&r);
    uint16_t len = rd_u16(&r);
    if (r.bad || len > msg.n)
        return ERR_SHORT;
    if (len < msg.n)
        return ERR_TRAILING;
    if (out->code == EAP_SUCCESS || out->code == EAP_FAILURE)
        return len == 4 ? OK : ERR_TRAILING;
    if (out->code != EAP_REQUEST && out->code != EAP_RESPONSE)
        return ERR_UNKNOWN;
    out->type = rd_u8(&r);
    if (r.bad)
        return ERR_SHORT;
    if (out->type == EAP_TYPE_IDENTITY ||
        (out->type == EAP_TYPE_NAK && out->code == EAP_RESPONSE)) {
        out->identity = rd_rest(&r);
        return OK;
    }
    if (out->type != EAP_TYPE_AKA_PRIME)
        return ERR_UNKNOWN;
    out->subtype = rd_u8(&r);
    rd_u16(&r);
    if (r.bad)
        return ERR_SHORT;
    while (rd_left(&r)) {
        uint8_t type = rd_u8(&r), words = rd_u8(&r);
        if (!r.bad && words == 0)
            return ERR_SYNTAX;
        struct bytes v = rd_bytes(&r, words * 4u - 2u);
        if (r.bad)
            return ERR_SHORT;
        int e = attribute(type, rd_over(v), out);
        if (e)
            return e;
    }
    return complete(out);
}

/* HMAC-SHA-256-128 over the packet with the MAC's own octets as zeros, RFC 9048 3.4.4, RFC
 * 4187 10.15. */
static int mac_over(struct crypto *c, const uint8_t k_aut[32], struct bytes msg, const uint8_t *at,
                    uint8_t out[16])
{
    static const uint8_t zero[16];
    uint8_t full[32];
    uint32_t before = (uint32_t)(at - msg.p);
    const struct bytes part[] = {{msg.p, before}, BYTES_OF(zero), {at + 16, msg.n - before - 16}};
    int e = crypto_hmac_sha256(c, (struct bytes){k_aut, 32}, part, 3, full);
    if (e == OK)
        memcpy(out, full, 16);
    secret_wipe(full, sizeof full);
    return e;
}

int eap_aka_check_mac(struct crypto *c, const uint8_t k_aut[32], struct bytes msg,
                      const struct eap_aka *m)
{
    uint8_t want[16];
    if (!m->mac)
        return ERR_MISSING;
    int e = mac_over(c, k_aut, msg, m->mac, want);
    if (e == OK && !secret_eq(want, m->mac, 16))
        e = ERR_MAC;
    secret_wipe(want, sizeof want);
    return e;
}

static struct wr begin(uint8_t *buf, uint32_t cap, uint8_t code, uint8_t id, uint8_t subtype)
{
    struct wr w = wr_over(buf, cap < EAP_AKA_MSG_MAX ? cap : EAP_AKA_MSG_MAX);
    wr_u8(&w, code);
    wr_u8(&w, id);
    wr_u16(&w, 0);
    if (subtype) {
        wr_u8(&w, EAP_TYPE_AKA_PRIME);
        wr_u8(&w, subtype);
        wr_u16(&w, 0);
    }
    return w;
}

/* type, length in words, `first` (reserved, or an actual length), value, padding */
static uint8_t *put(struct wr *w, uint8_t type, uint16_t first, const void *p, uint32_t n)
{
    uint32_t words = (4 + n + 3) / 4;
    if (words > 255)
        w->bad = true;
    uint8_t *at = wr_octets(w, words * 4);
    if (!at)
        return NULL;
    memset(at, 0, words * 4);
    at[0] = type;
    at[1] = (uint8_t)words;
    put_be16(at + 2, first);
    if (p && n)
        memcpy(at + 4, p, n);
    return at + 4;
}

static int finish(struct crypto *c, struct wr *w, const uint8_t *k_aut)
{
    uint8_t *mac = k_aut ? put(w, AT_MAC, 0, NULL, 16) : NULL;
    if (w->bad)
        return ERR_NOSPACE;
    put_be16(w->base + 2, (uint16_t)w->n);
    if (mac) {
        uint8_t value[16];
        int e = mac_over(c, k_aut, (struct bytes){w->base, w->n}, mac, value);
        if (e)
            return e;
        memcpy(mac, value, 16);
    }
    return (int)w->n;
}

int eap_aka_challenge_request(struct crypto *c, uint8_t id, const uint8_t rand[16],
                              const uint8_t autn[16], struct str network_name,
                              const uint8_t k_aut[32], uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, EAP_REQUEST, id, EAP_AKA_CHALLENGE);
    if (network_name.n > 1016)
        return ERR_RANGE;
    put(&w, AT_RAND, 0, rand, 16);
    put(&w, AT_AUTN, 0, autn, 16);
    put(&w, AT_KDF, 1, NULL, 0);
    put(&w, AT_KDF_INPUT, (uint16_t)network_name.n, network_name.p, network_name.n);
    return finish(c, &w, k_aut);
}

int eap_aka_challenge_response(struct crypto *c, uint8_t id, struct bytes res_value,
                               const uint8_t k_aut[32], uint8_t *buf, uint32_t cap)
{
    if (res_value.n < 4 || res_value.n > 16)
        return ERR_RANGE;
    struct wr w = begin(buf, cap, EAP_RESPONSE, id, EAP_AKA_CHALLENGE);
    put(&w, AT_RES, (uint16_t)(res_value.n * 8), res_value.p, res_value.n);
    return finish(c, &w, k_aut);
}

int eap_aka_sync_failure(uint8_t id, const uint8_t auts[14], uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, EAP_RESPONSE, id, EAP_AKA_SYNC_FAILURE);
    put(&w, AT_AUTS, be16(auts), auts + 2, 12); /* the one attribute without reserved octets */
    return finish(NULL, &w, NULL);
}

int eap_aka_auth_reject(uint8_t id, uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, EAP_RESPONSE, id, EAP_AKA_AUTH_REJECT);
    return finish(NULL, &w, NULL);
}

int eap_aka_client_error(uint8_t id, uint16_t code, uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, EAP_RESPONSE, id, EAP_AKA_CLIENT_ERROR);
    put(&w, AT_CLIENT_ERROR_CODE, code, NULL, 0);
    return finish(NULL, &w, NULL);
}

int eap_aka_notification(struct crypto *c, enum eap_code code, uint8_t id, uint16_t notification,
                         const uint8_t *k_aut, uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, (uint8_t)code, id, EAP_AKA_NOTIFICATION);
    if (code == EAP_REQUEST)
        put(&w, AT_NOTIFICATION, notification, NULL, 0);
    return finish(c, &w, k_aut);
}

int eap_identity(enum eap_code code, uint8_t id, struct bytes identity, uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, (uint8_t)code, id, 0);
    wr_u8(&w, EAP_TYPE_IDENTITY);
    wr_bytes(&w, identity);
    return finish(NULL, &w, NULL);
}

int eap_result(bool success, uint8_t id, uint8_t *buf, uint32_t cap)
{
    struct wr w = begin(buf, cap, success ? EAP_SUCCESS : EAP_FAILURE, id, 0);
    return finish(NULL, &w, NULL);
}
