/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - from certificates to elements. */
#include "trust/x509.h"
#include "trust/identity.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct identity_anchors {
    X509_STORE *store;
    uint32_t lists;
};
enum { CERTIFICATE_MAX = 65536 };

const char *identity_verdict_text(enum identity_verdict v)
{
    static const char *const names[IDENTITY_VERDICTS] = {
        "proved", "malformed", "unknown-issuer", "bad-signature", "not-yet-valid", "expired", "revoked", "no-revocation-list",
        "unfit", "stranger", "other-key", "other-element", "cloned", "out-of-service", "unproved"};
    return (unsigned)v < IDENTITY_VERDICTS ? names[v] : "";
}

/* ---- what is trusted ---- */
int identity_anchors_new(struct identity_anchors **out)
{
    struct identity_anchors *a = calloc(1, sizeof *a);
    *out = a;
    if (a && (a->store = X509_STORE_new()))
        return OK;
    free(a);
    *out = NULL;
    return ERR_NOSPACE;
}
void identity_anchors_free(struct identity_anchors *a)
{
    if (a)
        X509_STORE_free(a->store);
    free(a);
}
/* PEM after PEM until there is no other; *n counts. False: one is broken. libcrypto tells the end of the text and a block
 * that it cannot read by its error alone: a list that was cut must not leave an older one in force unseen. */
static bool pem_all(struct str pem, bool lists, X509_STORE *store, uint32_t *n)
{
    BIO *b = BIO_new_mem_buf(pem.p ? pem.p : "", (int)(pem.n < 1u << 28 ? pem.n : 0));
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long octets;
    bool ok = b != NULL;
    ERR_clear_error();
    while (ok && PEM_read_bio(b, &name, &header, &der, &octets) == 1) {
        const uint8_t *p = der;
        if (lists) {
            X509_CRL *c = strcmp(name, PEM_STRING_X509_CRL) == 0 ? d2i_X509_CRL(NULL, &p, octets) : NULL;
            ok = c && X509_STORE_add_crl(store, c) == 1;
            X509_CRL_free(c);
        } else {
            X509 *x = strcmp(name, PEM_STRING_X509) == 0 ? d2i_X509(NULL, &p, octets) : NULL;
            ok = x && X509_check_ca(x) == 1 && X509_STORE_add_cert(store, x) == 1;
            X509_free(x);
        }
        *n += ok;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    ok = ok && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(b);
    ERR_clear_error();
    return ok;
}
int identity_anchors_add(struct identity_anchors *a, struct str pem)
{
    uint32_t n = 0;
    return pem_all(pem, false, a->store, &n) && n ? (int)n : ERR_SYNTAX;
}
int identity_anchors_add_crl(struct identity_anchors *a, struct str pem)
{
    uint32_t n = 0;
    bool ok = pem_all(pem, true, a->store, &n);
    a->lists += n;
    return ok && n ? (int)n : ERR_SYNTAX;
}

int identity_anchors_add_crl_der(struct identity_anchors *a, struct bytes der)
{
    const uint8_t *p = der.p;
    X509_CRL *c = d2i_X509_CRL(NULL, &p, (long)der.n);
    bool ok = c && p == der.p + der.n && X509_STORE_add_crl(a->store, c) == 1;
    a->lists += ok;
    X509_CRL_free(c);
    ERR_clear_error();
    return ok ? OK : ERR_SYNTAX;
}
void identity_anchors_want_lists(struct identity_anchors *a) { a->lists++; }

/* ---- the certificate by itself ---- */
static enum identity_verdict verdict_of(int error)
{
    switch (error) {
    case X509_V_OK: return IDENTITY_PROVED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return IDENTITY_EARLY;
    case X509_V_ERR_CERT_HAS_EXPIRED: return IDENTITY_EXPIRED;
    case X509_V_ERR_CERT_REVOKED: return IDENTITY_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER: return IDENTITY_NO_REVOCATION;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE: return IDENTITY_SIGNATURE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_PURPOSE: return IDENTITY_UNFIT;
    default: return IDENTITY_ISSUER;
    }
}
static enum identity_verdict chain_verify(const struct identity_anchors *a, X509 *x, uint64_t now_us, bool lists)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum identity_verdict v = IDENTITY_ISSUER;
    if (ctx && X509_STORE_CTX_init(ctx, a->store, x, NULL) == 1) {
        X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(p, (time_t)(now_us / 1000000));
        X509_VERIFY_PARAM_set_auth_level(p, 2); /* 112 bits: RSA 2048, P-224 and up */
        if (lists)
            X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_CRL_CHECK);
        int ok = X509_verify_cert(ctx);
        v = ok == 1 ? IDENTITY_PROVED : verdict_of(X509_STORE_CTX_get_error(ctx));
        if (ok != 1 && v == IDENTITY_PROVED)
            v = IDENTITY_ISSUER;
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return v;
}
/* A list that is out of date is told only where nothing worse is wrong. */
static enum identity_verdict chain_check(const struct identity_anchors *a, X509 *x, uint64_t now_us)
{
    enum identity_verdict v = chain_verify(a, x, now_us, a->lists > 0), without;
    if (v != IDENTITY_NO_REVOCATION)
        return v;
    without = chain_verify(a, x, now_us, false);
    return without == IDENTITY_PROVED ? v : without;
}
bool x509_key_hash(X509 *x, uint8_t out[32])
{
    uint8_t *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return ok;
}
/* NULL: it is none, or more than one. */
static X509 *certificate_read(struct bytes der, uint8_t key_sha256[32], int64_t *expires)
{
    const uint8_t *p = der.p;
    X509 *x = der.n <= CERTIFICATE_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
    struct tm tm = {0};
    if (!x || p != der.p + der.n || !x509_key_hash(x, key_sha256)) {
        X509_free(x);
        ERR_clear_error();
        return NULL;
    }
    *expires = ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
    return x;
}
static enum identity_verdict certificate_check(const struct identity_anchors *a, X509 *x, uint64_t now_us)
{
    return X509_check_ca(x) ? IDENTITY_UNFIT : chain_check(a, x, now_us);
}
enum identity_verdict identity_chain(const struct identity_anchors *a, struct bytes der, uint64_t now_us, uint8_t key_sha256[32],
                                     int64_t *expires)
{
    memset(key_sha256, 0, 32);
    *expires = 0;
    X509 *x = certificate_read(der, key_sha256, expires);
    enum identity_verdict v = x ? certificate_check(a, x, now_us) : IDENTITY_MALFORMED;
    X509_free(x);
    ERR_clear_error();
    return v;
}
/* The id in urn:redoubt:element:…, its escapes undone; n 0: none. */
static struct str urn_id(struct str uri, char *out, uint32_t cap)
{
    static const char prefix[] = "urn:redoubt:element:";
    uint32_t n = 0, i = sizeof prefix - 1;
    if (!str_starts(uri, prefix))
        return STR("");
    for (; i < uri.n && n < cap; i++, n++) {
        uint8_t octet;
        out[n] = uri.p[i];
        if (uri.p[i] != '%')
            continue;
        if (uri.n - i < 3 || !hex_get(&octet, 1, (struct str){uri.p + i + 1, 2}))
            return STR("");
        out[n] = (char)octet;
        i += 2;
    }
    return i < uri.n ? STR("") : (struct str){out, n};
}
static uint32_t named_by(const struct inventory *v, const GENERAL_NAME *g)
{
    char id[1100];
    int type;
    const ASN1_STRING *s = GENERAL_NAME_get0_value(g, &type);
    if (type != GEN_URI && type != GEN_DNS)
        return 0;
    struct str text = {(const char *)ASN1_STRING_get0_data(s), (uint32_t)ASN1_STRING_length(s)};
    if (type == GEN_DNS)
        return inventory_by_node_id(v, 0, text);
    if (str_starts(text, "urn:uuid:"))
        return inventory_by_nf_instance(v, (struct str){text.p + 9, text.n - 9});
    struct str urn = urn_id(text, id, sizeof id);
    return urn.n ? inventory_find(v, INV_element, urn) : 0;
}
/* The first of its names that is an element's. */
static uint32_t named(const struct inventory *v, X509 *x)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    uint32_t ref = 0;
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all) && !ref; i++)
        ref = named_by(v, sk_GENERAL_NAME_value(all, i));
    GENERAL_NAMES_free(all);
    return ref;
}

/* ---- the certificate and the inventory ---- */
static struct str id_of(const struct inventory *v, uint32_t ref)
{
    const struct inv_element *e = inventory_element(v, ref);
    return e ? (struct str){e->id.p, e->id.n < 60 ? e->id.n : 60} : STR("nobody");
}
__attribute__((format(printf, 3, 4))) static int refuse(struct identity_result *r, enum identity_verdict verdict,
                                                        const char *format, ...)
{
    va_list ap;
    r->verdict = verdict;
    va_start(ap, format);
    vsnprintf(r->text, sizeof r->text, format, ap);
    va_end(ap);
    return ERR_DENIED;
}
static int refuse_chain(const struct inventory *v, struct identity_result *r, enum identity_verdict verdict)
{
    static const char *const why[IDENTITY_VERDICTS] = {
        [IDENTITY_ISSUER] = "was issued by nobody who is trusted",
        [IDENTITY_SIGNATURE] = "has a signature that is not its issuer's: it was changed or forged",
        [IDENTITY_EARLY] = "is not valid yet; is the clock right?",
        [IDENTITY_EXPIRED] = "has expired",
        [IDENTITY_REVOKED] = "was revoked",
        [IDENTITY_NO_REVOCATION] = "cannot be checked for revocation: the issuer's list is missing or out of date",
        [IDENTITY_UNFIT] = "is not fit for this: an authority's, or too weak",
    };
    struct str id = id_of(v, r->element);
    return refuse(r, verdict, "the certificate of '" STR_FMT "' %s", STR_ARG(id), why[verdict] ? why[verdict] : "is refused");
}
static int place_check(const struct inventory *v, const struct identity_peer *p, uint64_t now_us, struct identity_result *r)
{
    const struct inv_element *e = inventory_element(v, r->element);
    struct str id = id_of(v, r->element), claimed = id_of(v, p->claims);
    char from[NET_ADDR_TEXT], other[NET_ADDR_TEXT], day[INV_DATE_TEXT];
    struct net_addr recorded = e->address, at = p->from, in_use = p->in_use;
    recorded.port = at.port = in_use.port = 0;
    if (p->claims && p->claims != r->element)
        return refuse(r, IDENTITY_OTHER_ELEMENT, "the certificate is that of '" STR_FMT "', but the peer says it is '" STR_FMT "'",
                      STR_ARG(id), STR_ARG(claimed));
    if (at.family && recorded.family && !addr_same_host(&at, &recorded))
        return refuse(r, IDENTITY_CLONED, "the key of '" STR_FMT "' is used from %s, but it stands at %s: was it copied?", STR_ARG(id),
                      addr_text(&at, from), addr_text(&recorded, other));
    if (at.family && in_use.family && !addr_same_host(&at, &in_use))
        return refuse(r, IDENTITY_CLONED, "the key of '" STR_FMT "' is used from %s while it is connected from %s: was it copied?",
                      STR_ARG(id), addr_text(&at, from), addr_text(&in_use, other));
    if (!inv_in_service(e, inv_date_of_unix_us(now_us)))
        return refuse(r, IDENTITY_OUT_OF_SERVICE, "'" STR_FMT "' is not in service on %s", STR_ARG(id),
                      inv_date_text(inv_date_of_unix_us(now_us), day));
    r->verdict = IDENTITY_PROVED;
    snprintf(r->text, sizeof r->text, "'" STR_FMT "'%s", STR_ARG(id), r->by_address ? ", by its address alone" : "");
    return OK;
}
static int record_check(const struct inventory *v, const struct identity_peer *p, uint32_t keyed, uint64_t now_us,
                        struct identity_result *r)
{
    static const uint8_t none[32];
    if (!keyed && !r->named)
        return refuse(r, IDENTITY_STRANGER, "the certificate is good, but no element of the inventory has its key or name");
    struct str name = id_of(v, r->named), key = id_of(v, keyed);
    if (!keyed) {
        bool enrolled = memcmp(inventory_element(v, r->named)->key_sha256, none, 32) != 0;
        return refuse(r, IDENTITY_OTHER_KEY, "the certificate names '" STR_FMT "', whose record has %s", STR_ARG(name),
                      enrolled ? "another key: a second certificate, or a forged one" : "no key: it was not enrolled");
    }
    if (r->named && r->named != keyed)
        return refuse(r, IDENTITY_OTHER_ELEMENT, "the key is that of '" STR_FMT "', but the certificate names '" STR_FMT "'",
                      STR_ARG(key), STR_ARG(name));
    return place_check(v, p, now_us, r);
}
static int by_address(const struct inventory *v, const struct identity_peer *p, uint64_t now_us, struct identity_result *r)
{
    uint32_t ref = p->from.family ? inventory_by_address(v, p->function, &p->from) : 0;
    const struct inv_element *e = inventory_element(v, ref ? ref : p->claims);
    char from[NET_ADDR_TEXT];
    r->element = ref ? ref : p->claims;
    if (!e)
        return refuse(r, IDENTITY_STRANGER, "no certificate was shown, and no element has the address %s",
                      p->from.family ? addr_text(&p->from, from) : "that is not known");
    struct str id = id_of(v, r->element);
    if (e->identity != INV_IDENTITY_address_only || !ref)
        return refuse(r, IDENTITY_UNPROVED, "'" STR_FMT "' showed no certificate%s", STR_ARG(id),
                      e->identity == INV_IDENTITY_address_only ? " and comes from another address" : ", and its address alone is not enough");
    r->by_address = true;
    return place_check(v, p, now_us, r);
}

int identity_verify(const struct identity_anchors *a, const struct inventory *v, const struct identity_peer *p, uint64_t now_us,
                    struct identity_result *r)
{
    memset(r, 0, sizeof *r);
    if (!p->certificate.n)
        return by_address(v, p, now_us, r);
    X509 *x = certificate_read(p->certificate, r->key_sha256, &r->expires);
    if (!x)
        return refuse(r, IDENTITY_MALFORMED, "what was shown is no certificate");
    uint32_t keyed = inventory_by_key(v, r->key_sha256);
    r->named = named(v, x);
    r->element = keyed ? keyed : r->named;
    enum identity_verdict verdict = p->chain ? *p->chain : certificate_check(a, x, now_us);
    X509_free(x);
    ERR_clear_error();
    return verdict == IDENTITY_PROVED ? record_check(v, p, keyed, now_us, r) : refuse_chain(v, r, verdict);
}

int identity_pem_der(struct str pem, struct arena *arena, struct bytes *der)
{
    BIO *b = BIO_new_mem_buf(pem.p ? pem.p : "", (int)(pem.n < 1u << 24 ? pem.n : 0));
    char *name = NULL, *header = NULL;
    uint8_t *p = NULL;
    long n = 0;
    int e = ERR_SYNTAX;
    if (b && PEM_read_bio(b, &name, &header, &p, &n) == 1 && strcmp(name, PEM_STRING_X509) == 0) {
        *der = arena_bytes(arena, p, (uint32_t)n);
        e = der->p ? OK : ERR_NOSPACE;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(p);
    BIO_free(b);
    ERR_clear_error();
    return e;
}
