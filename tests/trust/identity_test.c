/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: what the authority issues proves its element, and everything else is refused with its own reason. */
#include "trust/x509.h"
#include "tests/test.h"
#include "trust/ca.h"
#include "trust/identity.h"
#include <stdlib.h>

enum { DAY = 86400, NOW = 1760000000 };
static const struct ca_term ten_years = {NOW - 100 * DAY, NOW + 3650 * DAY}, year = {NOW - DAY, NOW + 365 * DAY};
static struct ca *ca, *other_ca;
static struct ca_pem ca_key, ca_cert, other_key, other_cert;
static struct ca_issued g1, g2, u1, expired, early, renamed, foreign;
static struct ca_pem key;
static struct inventory *v;
static struct identity_anchors *anchors;
static uint8_t memory[65536];
static struct arena arena;

static struct str text_of(const struct ca_pem *p) { return (struct str){p->text, p->n}; }
static struct inv_element element(const char *id)
{
    return (struct inv_element){.id = str_of(id), .address = addr_v4(0x0a000001, 0)};
}
static int setup(void **state)
{
    struct inv_element a = element("g1 \xc3\xa5/x"), b = element("g2"), c = element("u1");
    c.node_id = STR("upf1.example");
    c.nf_instance = STR("f4435d99-5290-4729-8317-d8e39d2df9ce");
    arena = arena_over(memory, sizeof memory);
    assert_int_equal(ca_make(STR("lab \xc3\xa5"), ten_years, &ca_key, &ca_cert), OK);
    assert_int_equal(ca_make(STR("lab"), ten_years, &other_key, &other_cert), OK);
    assert_int_equal(ca_open(&ca, text_of(&ca_key), text_of(&ca_cert)), OK);
    assert_int_equal(ca_open(&other_ca, text_of(&other_key), text_of(&other_cert)), OK);
    assert_int_equal(ca_enrol(ca, &a, year, &key, &g1), OK);
    assert_int_equal(ca_enrol(ca, &b, year, &key, &g2), OK);
    assert_int_equal(ca_enrol(ca, &c, year, &key, &u1), OK);
    assert_int_equal(ca_enrol(ca, &b, (struct ca_term){NOW - 90 * DAY, NOW - 1}, &key, &expired), OK);
    assert_int_equal(ca_enrol(ca, &b, (struct ca_term){NOW + 5, NOW + DAY}, &key, &early), OK);
    assert_int_equal(ca_enrol(ca, &b, year, &key, &renamed), OK);
    assert_int_equal(ca_enrol(other_ca, &a, year, &key, &foreign), OK);
    char csv[2000], hex[3][65];
    hex_put(hex[0], g1.key_sha256, 32);
    hex_put(hex[1], g2.key_sha256, 32);
    hex_put(hex[2], u1.key_sha256, 32);
    int n = snprintf(csv, sizeof csv,
                     "id,function,key_sha256,address,identity,service_until,node_id,nf_instance\n"
                     "g1 \xc3\xa5/x,gnb,%s,10.0.0.1,,,,\ng2,gnb,%s,10.0.0.2,,,,\nu1,upf,%s,,,2025-10-01,upf1.example,"
                     "f4435d99-5290-4729-8317-d8e39d2df9ce\na1,gnb,,10.0.0.9,address-only,,,\nn1,amf,,10.0.0.8,,,,\n", hex[0], hex[1], hex[2]);
    struct inv_text t = {STR("e"), {csv, (uint32_t)n}, false, INV_element};
    struct inv_report report;
    int e = inventory_read(&v, &t, 1, &(struct inv_asked){.as_of = 20000}, &report);
    if (e < 0)
        fail_msg("%s", report.findings[0].why);
    inv_report_free(&report);
    assert_int_equal(identity_anchors_new(&anchors), OK);
    assert_int_equal(identity_anchors_add(anchors, text_of(&ca_cert)), 1);
    return 0;
}
static int teardown(void **state)
{
    inventory_free(v);
    identity_anchors_free(anchors);
    ca_free(ca);
    ca_free(other_ca);
    return 0;
}

static struct identity_result r;
static int verify(const struct ca_issued *c, struct identity_peer p, uint64_t now)
{
    if (c)
        assert_int_equal(identity_pem_der(text_of(&c->certificate), &arena, &p.certificate), OK);
    int e = identity_verify(anchors, v, &p, now * 1000000, &r);
    arena.off = 0;
    assert_int_equal(e == OK, r.verdict == IDENTITY_PROVED);
    return (int)r.verdict;
}
static uint32_t ref(const char *id) { return inventory_find(v, INV_element, str_of(id)); }
#define G1 "g1 \xc3\xa5/x"
static const struct identity_peer nobody;

static void proves(void **state)
{
    assert_int_equal(verify(&g1, nobody, NOW), IDENTITY_PROVED);
    assert_int_equal(r.element, ref(G1));
    assert_int_equal(r.named, ref(G1));
    assert_false(r.by_address);
    assert_int_equal(r.expires, NOW + 365 * DAY);
    assert_int_equal(verify(&g1, (struct identity_peer){.claims = ref(G1), .from = addr_v4(0x0a000001, 38412), .in_use = addr_v4(0x0a000001, 9)}, NOW),
                     IDENTITY_PROVED);
    /* a name that is found by the NF instance or the host alone proves as well, since the key is what counts */
    assert_int_equal(verify(&u1, nobody, NOW - DAY / 2), IDENTITY_OUT_OF_SERVICE);
}
static void refuses_certificates(void **state)
{
    assert_int_equal(verify(&expired, nobody, NOW), IDENTITY_EXPIRED);
    assert_int_equal(r.element, ref("g2"));
    assert_non_null(strstr(r.text, "'g2' has expired"));
    assert_int_equal(verify(&early, nobody, NOW), IDENTITY_EARLY);
    assert_int_equal(verify(&foreign, nobody, NOW), IDENTITY_ISSUER);
    assert_int_equal(verify(&g1, nobody, NOW + 400 * DAY), IDENTITY_EXPIRED);
    assert_int_equal(verify(&g1, nobody, NOW - 2 * DAY), IDENTITY_EARLY); /* the clock stepped */
    struct bytes der;
    uint8_t copy[8192];
    assert_int_equal(identity_pem_der(text_of(&g1.certificate), &arena, &der), OK);
    memcpy(copy, der.p, der.n);
    copy[der.n - 3] ^= 1; /* within the signature */
    assert_int_equal(verify(NULL, (struct identity_peer){.certificate = {copy, der.n}}, NOW), IDENTITY_SIGNATURE);
    assert_int_equal(verify(NULL, (struct identity_peer){.certificate = {copy, der.n - 1}}, NOW), IDENTITY_MALFORMED);
    assert_int_equal(verify(NULL, (struct identity_peer){.certificate = {(const uint8_t *)"abc", 3}}, NOW), IDENTITY_MALFORMED);
    struct ca_issued self = {.certificate = ca_cert};
    assert_int_equal(verify(&self, nobody, NOW), IDENTITY_UNFIT);
}
static void tells_elements_apart(void **state)
{
    assert_int_equal(verify(&g1, (struct identity_peer){.claims = ref("g2")}, NOW), IDENTITY_OTHER_ELEMENT);
    assert_non_null(strstr(r.text, "but the peer says it is 'g2'"));
    /* a second certificate for g2, with a key that its record does not have */
    assert_int_equal(verify(&renamed, nobody, NOW), IDENTITY_OTHER_KEY);
    assert_non_null(strstr(r.text, "another key"));
    struct inv_element n1 = element("n1"), stranger = element("who"), g2_as = element("g2");
    struct ca_issued x;
    char why[CA_WHY];
    assert_int_equal(ca_enrol(ca, &n1, year, &key, &x), OK);
    assert_int_equal(verify(&x, nobody, NOW), IDENTITY_OTHER_KEY);
    assert_non_null(strstr(r.text, "not enrolled"));
    assert_int_equal(ca_enrol(ca, &stranger, year, &key, &x), OK);
    assert_int_equal(verify(&x, nobody, NOW), IDENTITY_STRANGER);
    assert_int_equal(r.element, 0);
    assert_int_equal(ca_sign(ca, text_of(&x.certificate), &g2_as, year, &x, why), ERR_SYNTAX); /* no request */
}
static struct str request_make(EVP_PKEY *own, EVP_PKEY *signer, char out[4096])
{
    X509_REQ *q = X509_REQ_new();
    BIO *b = BIO_new(BIO_s_mem());
    char *p;
    assert_true(X509_REQ_set_pubkey(q, own) == 1 && X509_REQ_sign(q, signer, EVP_sha256()) > 0 && PEM_write_bio_X509_REQ(b, q) == 1);
    long n = BIO_get_mem_data(b, &p);
    memcpy(out, p, (size_t)n);
    BIO_free(b);
    X509_REQ_free(q);
    return (struct str){out, (uint32_t)n};
}
static void signs_requests(void **state)
{
    EVP_PKEY *good = EVP_EC_gen("P-256"), *second = EVP_EC_gen("P-256"), *weak = EVP_EC_gen("secp224r1");
    struct inv_element e = element("g2");
    struct ca_issued x;
    char pem[4096], why[CA_WHY];
    assert_int_equal(ca_sign(ca, request_make(good, good, pem), &e, year, &x, why), OK);
    assert_int_equal(verify(&x, nobody, NOW), IDENTITY_OTHER_KEY); /* until it is bound */
    assert_memory_equal(r.key_sha256, x.key_sha256, 32);
    assert_int_equal(ca_sign(ca, request_make(good, second, pem), &e, year, &x, why), ERR_DENIED);
    assert_string_equal(why, "it is not signed by its own key");
    assert_int_equal(ca_sign(ca, request_make(weak, weak, pem), &e, year, &x, why), ERR_DENIED);
    assert_string_equal(why, "the curve of its key is smaller than P-256");
    assert_int_equal(ca_sign(ca, request_make(good, good, pem), &e, (struct ca_term){NOW, NOW + 9000 * (int64_t)DAY}, &x, why), ERR_RANGE);
    EVP_PKEY_free(good);
    EVP_PKEY_free(second);
    EVP_PKEY_free(weak);
}
static void finds_copies(void **state)
{
    assert_int_equal(verify(&g1, (struct identity_peer){.from = addr_v4(0x0a000007, 0)}, NOW), IDENTITY_CLONED);
    assert_non_null(strstr(r.text, "10.0.0.7, but it stands at 10.0.0.1"));
    assert_int_equal(verify(&u1, (struct identity_peer){.from = addr_v4(0x0a000007, 0), .in_use = addr_v4(0x0a000006, 0)}, NOW), IDENTITY_CLONED);
    assert_non_null(strstr(r.text, "while it is connected from 10.0.0.6"));
}
static void by_address(void **state)
{
    assert_int_equal(verify(NULL, (struct identity_peer){.from = addr_v4(0x0a000009, 1234), .function = INV_CLASS_gnb}, NOW), IDENTITY_PROVED);
    assert_true(r.by_address && r.element == ref("a1"));
    assert_int_equal(verify(NULL, (struct identity_peer){.from = addr_v4(0x0a000001, 0)}, NOW), IDENTITY_UNPROVED);
    assert_int_equal(verify(NULL, (struct identity_peer){.from = addr_v4(0x0a000003, 0), .claims = ref("a1")}, NOW), IDENTITY_UNPROVED);
    assert_int_equal(verify(NULL, (struct identity_peer){.from = addr_v4(0x0a000009, 0), .claims = ref(G1)}, NOW), IDENTITY_OTHER_ELEMENT);
    assert_int_equal(verify(NULL, (struct identity_peer){.from = addr_v4(0x0a000003, 0)}, NOW), IDENTITY_STRANGER);
    assert_int_equal(verify(NULL, nobody, NOW), IDENTITY_STRANGER);
}
static void revokes(void **state)
{
    struct identity_anchors *a = anchors;
    struct ca_revoked list[] = {{.when = NOW - 10, .reason = 1}};
    char *pem;
    uint32_t n;
    memcpy(list[0].serial, g1.serial, CA_SERIAL);
    assert_int_equal(identity_anchors_new(&anchors), OK);
    assert_int_equal(identity_anchors_add(anchors, text_of(&ca_cert)), 1);
    assert_int_equal(identity_anchors_add_crl(anchors, text_of(&ca_cert)), ERR_SYNTAX);
    assert_int_equal(ca_crl(ca, list, 1, 1, (struct ca_term){NOW - 5, NOW + DAY}, &pem, &n), OK);
    assert_int_equal(identity_anchors_add_crl(anchors, (struct str){pem, n}), 1);
    free(pem);
    assert_int_equal(verify(&g1, nobody, NOW), IDENTITY_REVOKED);
    assert_int_equal(r.element, ref(G1));
    assert_int_equal(verify(&g2, nobody, NOW), IDENTITY_PROVED);
    assert_int_equal(verify(&g2, nobody, NOW + 2 * DAY), IDENTITY_NO_REVOCATION); /* the list is out of date */
    identity_anchors_free(anchors);
    anchors = a;
    assert_int_equal(ca_reason_parse(STR("KeyCompromise")), 1);
    assert_int_equal(ca_reason_parse(STR("boredom")), 255);
}
/* A file whose second block was cut or garbled on its way is no file: what it revokes would be in force for nobody. */
static void every_block_can_be_read(void **state)
{
    struct ca_revoked list[] = {{.when = NOW - 10, .reason = 1}};
    struct identity_anchors *a;
    char *older, *newer, both[3 * CA_PEM];
    uint32_t n[2];
    memcpy(list[0].serial, g1.serial, CA_SERIAL);
    assert_int_equal(ca_crl(ca, list, 0, 1, (struct ca_term){NOW - 9, NOW + DAY}, &older, &n[0]), OK);
    assert_int_equal(ca_crl(ca, list, 1, 2, (struct ca_term){NOW - 5, NOW + DAY}, &newer, &n[1]), OK);
    for (uint32_t cut = 0; cut < n[1]; cut++) {
        int k = snprintf(both, sizeof both, "%s%.*s", older, (int)(n[1] - cut), newer);
        assert_int_equal(identity_anchors_new(&a), OK);
        int got = identity_anchors_add_crl(a, (struct str){both, (uint32_t)k});
        bool whole = cut <= 1, text = n[1] - cut < sizeof "-----BEGIN X509 CRL-----" - 1; /* what is around blocks is not read */
        assert_int_equal(got, whole ? 2 : text ? 1 : ERR_SYNTAX);
        identity_anchors_free(a);
    }
    snprintf(both, sizeof both, "%s%s", older, newer);
    both[n[0] + n[1] / 2] = '!'; /* no base64 */
    assert_int_equal(identity_anchors_new(&a), OK);
    assert_int_equal(identity_anchors_add_crl(a, str_of(both)), ERR_SYNTAX);
    snprintf(both, sizeof both, "%s%.*s", ca_cert.text, (int)other_cert.n / 2, other_cert.text);
    assert_int_equal(identity_anchors_add(a, str_of(both)), ERR_SYNTAX);
    identity_anchors_free(a);
    free(older);
    free(newer);
}
static void authority_has_bounds(void **state)
{
    struct inv_element e = element("e");
    struct ca_issued x;
    struct ca *bad;
    assert_int_equal(ca_enrol(ca, &e, (struct ca_term){NOW, NOW + 4000 * DAY}, &key, &x), ERR_RANGE);
    assert_int_equal(ca_enrol(ca, &e, (struct ca_term){NOW, NOW}, &key, &x), ERR_RANGE);
    assert_int_equal(ca_open(&bad, text_of(&other_key), text_of(&ca_cert)), ERR_SYNTAX);
    assert_int_equal(ca_open(&bad, STR("x"), STR("y")), ERR_SYNTAX);
    assert_int_equal(identity_anchors_add(anchors, text_of(&g1.certificate)), ERR_SYNTAX); /* no authority */
    assert_int_equal(identity_anchors_add(anchors, STR("")), ERR_SYNTAX);
}
/* Any octet of a certificate changed: never proved. */
static void no_octet_can_change(void **state)
{
    struct bytes der;
    uint8_t copy[8192];
    assert_int_equal(identity_pem_der(text_of(&g1.certificate), &arena, &der), OK);
    arena.off = 0;
    for (uint32_t i = 0; i < der.n; i++) {
        memcpy(copy, der.p, der.n);
        copy[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(verify(NULL, (struct identity_peer){.certificate = {copy, der.n}}, NOW), IDENTITY_PROVED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(proves), unit(refuses_certificates), unit(tells_elements_apart), unit(signs_requests), unit(finds_copies),
                                       unit(by_address), unit(revokes), unit(every_block_can_be_read), unit(authority_has_bounds), unit(no_octet_can_change)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
