/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_box.h"
#include "base/wire.h"
#include "crypto/internal.h"

/* ---- sealing ---- */
static const char seal_use[] = "redoubt subscriber key 1";

static bool gcm_begin(EVP_CIPHER_CTX *x, bool seal, const struct seal_key *k, const uint8_t *nonce, struct str supi)
{
    int n;
    return EVP_CipherInit_ex2(x, EVP_aes_256_gcm(), k->k, nonce, seal, NULL) &&
           EVP_CipherUpdate(x, NULL, &n, (const uint8_t *)seal_use, sizeof seal_use) &&
           EVP_CipherUpdate(x, NULL, &n, (const uint8_t *)supi.p, (int)supi.n);
}

static uint32_t opc_octets(enum aka_alg alg) { return alg == AKA_TUAK ? 32 : 16; }

int aka_key_seal(const struct seal_key *k, const uint8_t nonce[KEY_SEAL_NONCE], struct str supi, const struct aka_key *key,
                 uint8_t out[SEALED_KEY_MAX])
{
    uint8_t plain[2 + 32 + 32] = {(uint8_t)key->alg, key->k_n};
    uint32_t n = 2 + key->k_n + opc_octets(key->alg);
    int done = 0, rest = 0;
    if (key->k_n > 32)
        return ERR_RANGE;
    memcpy(plain + 2, key->k, key->k_n);
    memcpy(plain + 2 + key->k_n, key->opc, opc_octets(key->alg));
    memcpy(out, nonce, KEY_SEAL_NONCE);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    bool ok = x && gcm_begin(x, true, k, nonce, supi) && EVP_CipherUpdate(x, out + KEY_SEAL_NONCE, &done, plain, (int)n) &&
              EVP_CipherFinal_ex(x, out + KEY_SEAL_NONCE + done, &rest) &&
              EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, KEY_SEAL_TAG, out + KEY_SEAL_NONCE + n) > 0;
    EVP_CIPHER_CTX_free(x);
    secret_wipe(plain, sizeof plain);
    return ok ? (int)(KEY_SEAL_NONCE + n + KEY_SEAL_TAG) : ERR_CRYPTO;
}

static int key_take(const uint8_t *plain, uint32_t n, struct aka_key *out)
{
    *out = (struct aka_key){0};
    if (n < 2 || plain[0] > AKA_TUAK)
        return ERR_SYNTAX;
    out->alg = (enum aka_alg)plain[0];
    out->k_n = plain[1];
    bool k_ok = out->k_n == 16 || (out->k_n == 32 && out->alg == AKA_TUAK);
    if (!k_ok || n != 2 + out->k_n + opc_octets(out->alg))
        return ERR_SYNTAX;
    memcpy(out->k, plain + 2, out->k_n);
    memcpy(out->opc, plain + 2 + out->k_n, opc_octets(out->alg));
    return OK;
}

int aka_key_unseal(const struct seal_key *k, struct str supi, struct bytes sealed, struct aka_key *out)
{
    uint8_t plain[2 + 32 + 32 + 16], tag[KEY_SEAL_TAG];
    int done = 0, rest = 0;
    *out = (struct aka_key){0};
    if (sealed.n <= KEY_SEAL_NONCE + KEY_SEAL_TAG || sealed.n > SEALED_KEY_MAX)
        return ERR_SYNTAX;
    uint32_t n = sealed.n - KEY_SEAL_NONCE - KEY_SEAL_TAG;
    memcpy(tag, sealed.p + KEY_SEAL_NONCE + n, KEY_SEAL_TAG);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    bool ok = x && gcm_begin(x, false, k, sealed.p, supi) && EVP_CipherUpdate(x, plain, &done, sealed.p + KEY_SEAL_NONCE, (int)n) &&
              EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, KEY_SEAL_TAG, tag) > 0 && EVP_CipherFinal_ex(x, plain + done, &rest) > 0;
    EVP_CIPHER_CTX_free(x);
    int e = ok ? key_take(plain, n, out) : ERR_MAC;
    secret_wipe(plain, sizeof plain);
    return e;
}

int seal_key_name(struct crypto *c, const struct seal_key *k, uint8_t name[8])
{
    static const char use[] = "redoubt seal key name";
    struct bytes part = {(const uint8_t *)use, sizeof use};
    uint8_t mac[32];
    int e = crypto_hmac_sha256(c, BYTES_OF(k->k), &part, 1, mac);
    memcpy(name, mac, 8);
    return e;
}

/* ---- messages ---- */
_Static_assert(sizeof(struct aka_5g_av) == 16 + 16 + 16 + 32 && sizeof(struct aka_eap_av) == 5 * 16 + 1, "octets alone, as they travel");
static void put_text(struct wr *w, struct bytes b, uint32_t max)
{
    w->bad |= b.n > max;
    wr_u8(w, (uint8_t)b.n);
    wr_bytes(w, b);
}
static struct bytes octets_of(struct str s) { return (struct bytes){(const uint8_t *)s.p, s.n}; }
static struct bytes get_text(struct rd *r, uint32_t max)
{
    struct bytes b = rd_bytes(r, rd_u8(r));
    r->bad |= b.n > max;
    return b;
}
static struct str text_of(struct bytes b) { return (struct str){(const char *)b.p, b.n}; }
static void get_octets(struct rd *r, uint8_t *to, uint32_t n)
{
    const uint8_t *p = rd_octets(r, n);
    if (p)
        memcpy(to, p, n);
}

int key_request_encode(const struct key_request *q, uint8_t out[KEY_REQUEST_OCTETS])
{
    struct wr w = wr_over(out, KEY_REQUEST_OCTETS);
    memset(out, 0, KEY_REQUEST_OCTETS);
    wr_u32(&w, q->id);
    wr_u8(&w, (uint8_t)q->kind);
    if (q->kind == KEY_REVEAL) {
        put_text(&w, octets_of(q->suci), 255);
    } else {
        put_text(&w, octets_of(q->supi), KEY_SUPI - 1);
        put_text(&w, q->sealed, SEALED_KEY_MAX);
        wr_bytes(&w, BYTES_OF(q->rand));
        wr_u64(&w, q->sqn);
        wr_u16(&w, q->amf);
        put_text(&w, octets_of(q->sn_name), KEY_SN_NAME);
        wr_bytes(&w, BYTES_OF(q->auts));
    }
    return w.bad ? ERR_RANGE : OK;
}

int key_request_decode(struct bytes in, struct key_request *q)
{
    struct rd r = rd_over(in);
    *q = (struct key_request){.id = rd_u32(&r)};
    uint8_t kind = rd_u8(&r);
    if (in.n != KEY_REQUEST_OCTETS || kind < KEY_AV_5G || kind > KEY_REVEAL)
        return ERR_SYNTAX;
    q->kind = (enum key_kind)kind;
    if (q->kind == KEY_REVEAL) {
        q->suci = text_of(get_text(&r, 255));
    } else {
        q->supi = text_of(get_text(&r, KEY_SUPI - 1));
        q->sealed = get_text(&r, SEALED_KEY_MAX);
        get_octets(&r, q->rand, sizeof q->rand);
        q->sqn = rd_u64(&r);
        q->amf = rd_u16(&r);
        q->sn_name = text_of(get_text(&r, KEY_SN_NAME));
        get_octets(&r, q->auts, sizeof q->auts);
    }
    return r.bad || q->sqn >> 48 ? ERR_SYNTAX : OK;
}

void key_answer_encode(const struct key_answer *a, enum key_kind kind, uint8_t out[KEY_ANSWER_OCTETS])
{
    struct wr w = wr_over(out, KEY_ANSWER_OCTETS);
    memset(out, 0, KEY_ANSWER_OCTETS);
    wr_u32(&w, a->id);
    wr_u8(&w, (uint8_t)kind);
    wr_u32(&w, (uint32_t)-a->error);
    if (a->error == OK && kind == KEY_AV_5G)
        wr_bytes(&w, (struct bytes){(const uint8_t *)&a->av, sizeof a->av}); /* octets only: no padding, no order */
    else if (a->error == OK && kind == KEY_AV_EAP)
        wr_bytes(&w, (struct bytes){(const uint8_t *)&a->eap, sizeof a->eap});
    else if (a->error == OK && kind == KEY_RESYNCHRONISE)
        wr_u64(&w, a->sqn_ms);
    else if (a->error == OK)
        wr_bytes(&w, (struct bytes){(const uint8_t *)a->supi, sizeof a->supi});
}

int key_answer_decode(struct bytes in, struct key_answer *a, enum key_kind *kind)
{
    struct rd r = rd_over(in);
    *a = (struct key_answer){.id = rd_u32(&r)};
    *kind = (enum key_kind)rd_u8(&r);
    uint32_t error = rd_u32(&r);
    if (in.n != KEY_ANSWER_OCTETS || *kind < KEY_AV_5G || *kind > KEY_REVEAL || error > 255)
        return ERR_SYNTAX;
    a->error = -(int)error;
    if (*kind == KEY_AV_5G)
        get_octets(&r, (uint8_t *)&a->av, sizeof a->av);
    else if (*kind == KEY_AV_EAP)
        get_octets(&r, (uint8_t *)&a->eap, sizeof a->eap);
    else if (*kind == KEY_RESYNCHRONISE)
        a->sqn_ms = rd_u64(&r);
    else
        get_octets(&r, (uint8_t *)a->supi, sizeof a->supi);
    bool ok = !r.bad && (*kind != KEY_AV_EAP || a->eap.xres_n <= 16) && (*kind != KEY_REVEAL || !a->supi[KEY_SUPI - 1]);
    return ok ? OK : ERR_SYNTAX;
}

/* ---- who answers ---- */
static int reveal(struct key_box *b, struct str text, char supi[KEY_SUPI])
{
    struct suci s;
    int e = suci_parse(text, &s);
    if (e < 0)
        return e;
    if (s.type != 0 || s.scheme == SUCI_NULL)
        return ERR_UNSUPPORTED;
    for (uint32_t i = 0; i < b->n_hn; i++)
        if (b->hn[i].id == s.key_id && hn_key_scheme(b->hn[i].key) == (enum suci_scheme)s.scheme) {
            e = suci_reveal(b->crypto, b->hn[i].key, &s, supi, KEY_SUPI);
            return e < 0 ? e : OK;
        }
    return ERR_NOTFOUND;
}

void key_box_answer(struct key_box *b, const struct key_request *q, struct key_answer *a)
{
    struct aka_key key;
    *a = (struct key_answer){.id = q->id};
    if (q->kind == KEY_REVEAL) {
        a->error = reveal(b, q->suci, a->supi);
        return;
    }
    bool makes_vector = q->kind == KEY_AV_5G || q->kind == KEY_AV_EAP;
    if (makes_vector && !(q->amf & AKA_AMF_5G)) { /* TS 33.501 6.1.3: whoever asks gets none that is of an older system */
        a->error = ERR_DENIED;
        return;
    }
    a->error = aka_key_unseal(&b->seal, q->supi, q->sealed, &key);
    if (a->error == OK && q->kind == KEY_AV_5G)
        a->error = aka_5g_av(b->crypto, &key, q->rand, q->sqn, q->amf, q->sn_name, &a->av);
    else if (a->error == OK && q->kind == KEY_AV_EAP)
        a->error = aka_eap_av(b->crypto, &key, q->rand, q->sqn, q->amf, q->sn_name, &a->eap);
    else if (a->error == OK)
        a->error = aka_auts_verify(b->crypto, &key, q->rand, q->auts, &a->sqn_ms);
    secret_wipe(&key, sizeof key);
}
