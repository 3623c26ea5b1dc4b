/* SPDX-License-Identifier: Apache-2.0 */
/* ca.c - certificates of a lab's authority. */
#include "trust/x509.h"
#include "trust/ca.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>

struct ca {
    EVP_PKEY *key;
    X509 *certificate;
};

/* ---- PEM ---- */
static BIO *bio_over(struct str s) { return BIO_new_mem_buf(s.p ? s.p : "", (int)(s.n < 1u << 24 ? s.n : 0)); }
static int no_passphrase(char *buf, int size, int rwflag, void *ctx) { return 0; } /* never ask a terminal */
static bool pem_take(BIO *b, struct ca_pem *out)
{
    char *p = NULL;
    long n = b ? BIO_get_mem_data(b, &p) : 0;
    out->n = n > 0 && (size_t)n < sizeof out->text ? (uint32_t)n : 0;
    if (out->n)
        memcpy(out->text, p, out->n);
    out->text[out->n] = 0;
    BIO_free(b);
    return out->n > 0;
}
static bool key_pem(EVP_PKEY *key, struct ca_pem *out)
{
    BIO *b = BIO_new(BIO_s_secmem());
    bool ok = b && PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
    return pem_take(b, out) && ok;
}
static bool certificate_pem(X509 *x, struct ca_pem *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    bool ok = b && PEM_write_bio_X509(b, x);
    return pem_take(b, out) && ok;
}
/* What libcrypto left in its queue is of no use to anybody later. */
static int failed(int e)
{
    ERR_clear_error();
    return e;
}

/* ---- what every certificate has ---- */
static bool extension_add(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX v3;
    X509V3_set_ctx(&v3, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &v3, nid, value);
    bool ok = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return ok;
}
static bool name_set(X509_NAME *n, struct str common)
{
    int octets = (int)(common.n < 64 ? common.n : 64); /* ub-common-name, RFC 5280 appendix A */
    while (octets && octets < (int)common.n && ((uint8_t)common.p[octets] & 0xc0) == 0x80) /* within a character */
        octets--;
    return X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const uint8_t *)"Redoubt lab", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)common.p, octets, -1, 0);
}
static bool serial_set(X509 *x, uint8_t serial[CA_SERIAL])
{
    if (RAND_bytes(serial, CA_SERIAL) != 1)
        return false;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always as many octets */
    BIGNUM *n = BN_bin2bn(serial, CA_SERIAL, NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
    return ok;
}
static bool term_set(X509 *x, struct ca_term t)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)t.from) && ASN1_TIME_set(X509_getm_notAfter(x), (time_t)t.until);
}
static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

/* ---- the subject alternative name ---- */
static bool name_add(GENERAL_NAMES *all, int type, const void *value, size_t n)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (!g || !s || !ASN1_STRING_set(s, value, (int)n)) {
        GENERAL_NAME_free(g);
        ASN1_STRING_free(s);
        return false;
    }
    GENERAL_NAME_set0_value(g, type, s);
    if (!sk_GENERAL_NAME_push(all, g)) {
        GENERAL_NAME_free(g);
        return false;
    }
    return true;
}
static bool is_host_name(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              s.p[i] == '-' || s.p[i] == '.'))
            return false;
    return s.n > 0;
}
/* As RFC 3986 wants octets that have no place in a URN. */
static void urn_of(struct str id, struct text *out)
{
    text_add(out, "urn:redoubt:element:");
    for (uint32_t i = 0; i < id.n; i++) {
        struct str one = {id.p + i, 1};
        if (is_host_name(one) || *one.p == '_')
            text_add(out, "%c", *one.p);
        else
            text_add(out, "%%%02x", (uint8_t)*one.p);
    }
}
static bool names_add(X509 *x, const struct inv_element *e)
{
    char urn[3200], uuid[64];
    struct text t = text_over(urn, sizeof urn);
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    struct net_addr a;
    urn_of(e->id, &t);
    bool ok = all && !t.full && name_add(all, GEN_URI, t.p, t.n);
    if (ok && e->nf_instance.n) { /* TS 33.310 6.1.3c.3 */
        int n = snprintf(uuid, sizeof uuid, "urn:uuid:%.*s", STR_ARG(e->nf_instance));
        ok = name_add(all, GEN_URI, uuid, (size_t)n);
    }
    if (ok && is_host_name(e->node_id) && !addr_parse(&a, e->node_id, 0))
        ok = name_add(all, GEN_DNS, e->node_id.p, e->node_id.n);
    if (ok && e->address.family)
        ok = name_add(all, GEN_IPADD, e->address.ip, e->address.family == 4 ? 4 : 16);
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return ok;
}

/* ---- the authority ---- */
int ca_make(struct str name, struct ca_term term, struct ca_pem *key, struct ca_pem *certificate)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    uint8_t serial[CA_SERIAL];
    bool ok = k && x && X509_set_version(x, X509_VERSION_3) && serial_set(x, serial) && term_set(x, term) &&
              name_set(X509_get_subject_name(x), name) && X509_set_issuer_name(x, X509_get_subject_name(x)) &&
              X509_set_pubkey(x, k) && extension_add(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
              extension_add(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
              extension_add(x, x, NID_subject_key_identifier, "hash") && X509_sign(x, k, EVP_sha256()) &&
              key_pem(k, key) && certificate_pem(x, certificate);
    X509_free(x);
    EVP_PKEY_free(k);
    return ok ? OK : failed(ERR_CRYPTO);
}
int ca_open(struct ca **out, struct str key, struct str certificate)
{
    struct ca *ca = calloc(1, sizeof *ca);
    BIO *k = bio_over(key), *x = bio_over(certificate);
    *out = NULL;
    if (!ca || !k || !x) {
        BIO_free(k);
        BIO_free(x);
        free(ca);
        return ERR_NOSPACE;
    }
    ca->key = PEM_read_bio_PrivateKey(k, NULL, no_passphrase, NULL);
    ca->certificate = PEM_read_bio_X509(x, NULL, no_passphrase, NULL);
    BIO_free(k);
    BIO_free(x);
    if (!ca->key || !ca->certificate || X509_check_private_key(ca->certificate, ca->key) != 1) {
        ca_free(ca);
        return failed(ERR_SYNTAX);
    }
    *out = ca;
    return OK;
}
void ca_free(struct ca *ca)
{
    if (!ca)
        return;
    EVP_PKEY_free(ca->key);
    X509_free(ca->certificate);
    free(ca);
}
int64_t ca_expires(const struct ca *ca) { return seconds_of(X509_get0_notAfter(ca->certificate)); }

static int issue(struct ca *ca, EVP_PKEY *key, const struct inv_element *e, struct ca_term term, struct ca_issued *out)
{
    if (term.until <= term.from || term.until > ca_expires(ca) || term.from < seconds_of(X509_get0_notBefore(ca->certificate)))
        return ERR_RANGE;
    X509 *x = X509_new();
    bool ok = x && X509_set_version(x, X509_VERSION_3) && serial_set(x, out->serial) && term_set(x, term) &&
              name_set(X509_get_subject_name(x), e->id) &&
              X509_set_issuer_name(x, X509_get_subject_name(ca->certificate)) && X509_set_pubkey(x, key) &&
              extension_add(x, ca->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
              extension_add(x, ca->certificate, NID_key_usage, "critical,digitalSignature") &&
              extension_add(x, ca->certificate, NID_ext_key_usage, "serverAuth,clientAuth,1.3.6.1.5.5.7.3.17") && /* IKE, RFC 4945 */
              extension_add(x, ca->certificate, NID_subject_key_identifier, "hash") &&
              extension_add(x, ca->certificate, NID_authority_key_identifier, "keyid:always") && names_add(x, e) &&
              X509_sign(x, ca->key, EVP_sha256()) && certificate_pem(x, &out->certificate) && x509_key_hash(x, out->key_sha256);
    X509_free(x);
    return ok ? OK : failed(ERR_CRYPTO);
}
int ca_enrol(struct ca *ca, const struct inv_element *e, struct ca_term term, struct ca_pem *key, struct ca_issued *out)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    int r = k && key_pem(k, key) ? issue(ca, k, e, term, out) : failed(ERR_CRYPTO);
    EVP_PKEY_free(k);
    return r;
}
static const char *weakness(EVP_PKEY *k)
{
    int kind = EVP_PKEY_get_base_id(k), bits = EVP_PKEY_get_bits(k);
    if (kind == EVP_PKEY_EC)
        return bits >= 256 ? NULL : "the curve of its key is smaller than P-256";
    if (kind == EVP_PKEY_RSA)
        return bits >= 3072 ? NULL : "its RSA key has less than 3072 bits";
    return "its key is neither EC nor RSA";
}
int ca_sign(struct ca *ca, struct str request, const struct inv_element *e, struct ca_term term, struct ca_issued *out,
            char why[CA_WHY])
{
    BIO *b = bio_over(request);
    X509_REQ *r = b ? PEM_read_bio_X509_REQ(b, NULL, no_passphrase, NULL) : NULL;
    EVP_PKEY *k = r ? X509_REQ_get0_pubkey(r) : NULL;
    const char *weak = k ? weakness(k) : NULL;
    int result = OK;
    if (!k)
        result = ERR_SYNTAX;
    else if (weak || X509_REQ_verify(r, k) != 1)
        result = ERR_DENIED;
    snprintf(why, CA_WHY, "%s", result == ERR_SYNTAX ? "found no certificate request (PKCS #10, PEM)"
                                : weak              ? weak
                                : result < 0        ? "it is not signed by its own key"
                                                    : "");
    if (result == OK)
        result = issue(ca, k, e, term, out);
    if (result == ERR_RANGE)
        snprintf(why, CA_WHY, "the authority's own certificate does not cover that term");
    X509_REQ_free(r);
    BIO_free(b);
    return result < 0 ? failed(result) : OK;
}

/* ---- revocation ---- */
static const struct {
    const char *name;
    uint8_t reason;
} reasons[] = {{"unspecified", 0}, {"keyCompromise", 1}, {"superseded", 4}, {"cessationOfOperation", 5}};
uint8_t ca_reason_parse(struct str s)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq_nocase(s, str_of(reasons[i].name)))
            return reasons[i].reason;
    return 255;
}
static bool revoked_add(X509_CRL *crl, const struct ca_revoked *r)
{
    X509_REVOKED *x = X509_REVOKED_new();
    BIGNUM *n = BN_bin2bn(r->serial, CA_SERIAL, NULL);
    ASN1_INTEGER *serial = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)r->when);
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    bool ok = x && serial && when && reason && X509_REVOKED_set_serialNumber(x, serial) &&
              X509_REVOKED_set_revocationDate(x, when) && ASN1_ENUMERATED_set(reason, r->reason) &&
              (!r->reason || X509_REVOKED_add1_ext_i2d(x, NID_crl_reason, reason, 0, 0) == 1) && X509_CRL_add0_revoked(crl, x);
    if (!ok)
        X509_REVOKED_free(x);
    ASN1_ENUMERATED_free(reason);
    ASN1_TIME_free(when);
    ASN1_INTEGER_free(serial);
    BN_free(n);
    return ok;
}
static bool crl_head(struct ca *ca, X509_CRL *crl, uint64_t number, struct ca_term term)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)term.from), *until = ASN1_TIME_set(NULL, (time_t)term.until);
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    X509V3_CTX v3;
    X509V3_set_ctx(&v3, ca->certificate, NULL, NULL, crl, 0);
    X509_EXTENSION *aki = X509V3_EXT_nconf_nid(NULL, &v3, NID_authority_key_identifier, "keyid:always");
    bool ok = from && until && n && aki && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
              X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->certificate)) && X509_CRL_set1_lastUpdate(crl, from) &&
              X509_CRL_set1_nextUpdate(crl, until) && ASN1_INTEGER_set_uint64(n, number) &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1 && X509_CRL_add_ext(crl, aki, -1);
    X509_EXTENSION_free(aki);
    ASN1_INTEGER_free(n);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return ok;
}
int ca_crl(struct ca *ca, const struct ca_revoked *revoked, uint32_t n, uint64_t number, struct ca_term term, char **pem,
           uint32_t *pem_n)
{
    X509_CRL *crl = X509_CRL_new();
    BIO *b = BIO_new(BIO_s_mem());
    char *p = NULL;
    bool ok = crl && b && crl_head(ca, crl, number, term);
    for (uint32_t i = 0; i < n && ok; i++)
        ok = revoked_add(crl, &revoked[i]);
    ok = ok && X509_CRL_sort(crl) && X509_CRL_sign(crl, ca->key, EVP_sha256()) && PEM_write_bio_X509_CRL(b, crl);
    long octets = ok ? BIO_get_mem_data(b, &p) : 0;
    *pem = octets > 0 ? malloc((size_t)octets + 1) : NULL;
    *pem_n = *pem ? (uint32_t)octets : 0;
    if (*pem) {
        memcpy(*pem, p, (size_t)octets);
        (*pem)[octets] = 0;
    }
    BIO_free(b);
    X509_CRL_free(crl);
    return *pem ? OK : failed(ok ? ERR_NOSPACE : ERR_CRYPTO);
}
