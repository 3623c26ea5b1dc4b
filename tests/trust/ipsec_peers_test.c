/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands behind a tunnel: one key, of one certificate, as strongSwan's daemon tells; or nobody. */
#include "tests/trust/charon.h"
#include "sim/world.h"

enum { DAY = 86400, NOW = 1760000000 };
#define G1_AT "10.7.0.1/32[sctp]"
static struct ca *ca, *other_ca;
static struct ca_pem ca_key, ca_cert, other_key, other_cert, key;
static struct ca_issued g1, g1_again, g2, foreign;
static struct bytes der[4], crl[3]; /* none is revoked; g1; g1 again */
static struct inventory *v;
static uint8_t memory[65536];
static struct arena arena;

/* ---- a world ---- */
static struct world *w;
static struct rt rt;
static struct env *env;
static struct charon *c;
static unsigned changes;
static void changed(void *ctx, const struct net_addr *at) { changes++; }
static void run_ms(uint64_t ms)
{
    world_attach(w, env, &rt);
    world_run(w, ms * 1000);
}
static struct str text_of(const struct ca_pem *p) { return (struct str){p->text, p->n}; }
static int start(void **state)
{
    struct net_addr at = addr_v4(0x0a0700fe, 0);
    w = world_new(1);
    env = world_host(w, "core", &at);
    assert_int_equal(rt_init(&rt, env, 1 << 20), OK);
    int64_t was = (int64_t)(env_unix_us(env) / 1000000);
    world_step_clock(w, env, (NOW - was) * 1000000);
    run_ms(1);
    c = calloc(1, sizeof *c);
    charon_start(c, &rt, text_of(&ca_cert));
    ipsec_peers_listen(c->peers, changed, NULL);
    changes = 0;
    return 0;
}
static int finish(void **state)
{
    charon_stop(c);
    free(c);
    rt_free(&rt);
    world_free(w);
    return 0;
}
static void add_sa(const char *spi, const char *id, const char *selector)
{
    c->sas[c->n_sas++] = (struct charon_sa){.spi = spi, .id = id, .selectors = {selector}};
}
static void add_certificate(const char *subject, struct bytes b)
{
    c->certificates[c->n_certificates++] = (struct charon_certificate){"X509", subject, b};
}
static void add_list(struct bytes b) { c->certificates[c->n_certificates++] = (struct charon_certificate){"X509_CRL", NULL, b}; }

static struct identity_result r;
static int ask_at(const char *address, enum ipsec_service s, bool fresh)
{
    struct net_addr at;
    assert_true(addr_parse(&at, str_of(address), 0));
    return ipsec_peers_verify(c->peers, v, &at, s, fresh, &r);
}
static int ask(void) { return ask_at("10.7.0.1", IPSEC_N2, true); }
static void connect_up(void)
{
    charon_connect(c);
    run_ms(300);
    assert_false(c->closed);
}
#define SPI_1 "00000000000000a1"
#define SPI_2 "00000000000000a2"
static void g1_up(void)
{
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[0]);
    connect_up();
}

static struct bytes der_of(struct str pem)
{
    struct bytes b;
    assert_int_equal(identity_pem_der(pem, &arena, &b), OK);
    return b;
}
static struct bytes list_of(const struct ca_revoked *x, uint32_t n, uint64_t number)
{
    char *pem;
    uint32_t pem_n, k = 0;
    static char clean[3][4096];
    assert_int_equal(ca_crl(ca, x, n, number, (struct ca_term){NOW - 3600 + (int64_t)number, NOW + DAY}, &pem, &pem_n), OK);
    /* base64 by hand: what vici carries is DER */
    char *out = clean[number - 1];
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, have = 0;
    const char *at = strchr(pem, '\n');
    for (; *at != '-'; at++) {
        const char *d = *at == '\n' || *at == '=' ? NULL : strchr(digits, *at);
        if (!d)
            continue;
        bits = bits << 6 | (uint32_t)(d - digits);
        have += 6;
        if (have >= 8)
            out[k++] = (char)(bits >> (have -= 8));
    }
    free(pem);
    return (struct bytes){(uint8_t *)out, k};
}
static int setup(void **state)
{
    struct ca_term years = {NOW - 100 * DAY, NOW + 3650 * DAY}, year = {NOW - DAY, NOW + 365 * DAY};
    struct inv_element a = {.id = STR("g1"), .address = addr_v4(0x0a070001, 0)}, b = {.id = STR("g2"), .address = addr_v4(0x0a070002, 0)};
    arena = arena_over(memory, sizeof memory);
    assert_int_equal(ca_make(STR("lab"), years, &ca_key, &ca_cert), OK);
    assert_int_equal(ca_make(STR("other"), years, &other_key, &other_cert), OK);
    assert_int_equal(ca_open(&ca, text_of(&ca_key), text_of(&ca_cert)), OK);
    assert_int_equal(ca_open(&other_ca, text_of(&other_key), text_of(&other_cert)), OK);
    assert_int_equal(ca_enrol(ca, &a, year, &key, &g1), OK);
    assert_int_equal(ca_enrol(ca, &a, year, &key, &g1_again), OK);
    assert_int_equal(ca_enrol(ca, &b, year, &key, &g2), OK);
    assert_int_equal(ca_enrol(other_ca, &a, year, &key, &foreign), OK);
    const struct ca_issued *all[] = {&g1, &g1_again, &g2, &foreign};
    for (int i = 0; i < 4; i++)
        der[i] = der_of(text_of(&all[i]->certificate));
    struct ca_revoked first = {.when = NOW - 60, .reason = 1}, second = first;
    memcpy(first.serial, g1.serial, CA_SERIAL);
    memcpy(second.serial, g1_again.serial, CA_SERIAL);
    crl[0] = list_of(NULL, 0, 1);
    crl[1] = list_of(&first, 1, 2);
    crl[2] = list_of(&second, 1, 3);
    char csv[1000], hex[2][65];
    hex_put(hex[0], g1.key_sha256, 32);
    hex_put(hex[1], g2.key_sha256, 32);
    int n = snprintf(csv, sizeof csv, "id,function,key_sha256,address\ng1,gnb,%s,10.7.0.1\ng2,gnb,%s,10.7.0.2\n", hex[0], hex[1]);
    struct inv_text t = {STR("e"), {csv, (uint32_t)n}, false, INV_element};
    struct inv_report report;
    assert_int_equal(inventory_read(&v, &t, 1, &(struct inv_asked){.as_of = 20000}, &report), OK);
    inv_report_free(&report);
    return 0;
}
static int teardown(void **state)
{
    inventory_free(v);
    ca_free(ca);
    ca_free(other_ca);
    return 0;
}

/* ---- what proves, and what does not ---- */
static void one_certificate_proves(void **state)
{
    assert_int_equal(ask(), ERR_DENIED);
    assert_non_null(strstr(r.text, "does not answer"));
    g1_up();
    assert_int_equal(ask(), OK);
    assert_int_equal(r.element, inventory_find(v, INV_element, STR("g1")));
    assert_memory_equal(r.key_sha256, g1.key_sha256, 32);
    assert_true(changes > 0);
    assert_int_equal(ask_at("10.7.0.1", IPSEC_N4, true), ERR_NOTFOUND); /* the tunnel is for SCTP alone */
    assert_int_equal(ask_at("10.7.0.2", IPSEC_N2, true), ERR_NOTFOUND);
    assert_int_equal(ipsec_peers_count(c->peers), 1);
}
static void octet_by_octet(void **state)
{
    c->piece = 1;
    g1_up();
    assert_int_equal(ask(), OK);
}
static void selectors(void **state)
{
    static const struct {
        const char *text;
        int n2, n3, n4;
    } all[] = {{"10.7.0.1/32", OK, OK, OK}, {"10.7.0.1/32[udp/2152]", ERR_NOTFOUND, OK, ERR_NOTFOUND}, {"10.7.0.1/32[udp]", ERR_NOTFOUND, OK, OK},
               {"10.7.0.1/32[udp/8805]", ERR_NOTFOUND, ERR_NOTFOUND, OK}, {"10.7.0.1/32[132]", OK, ERR_NOTFOUND, ERR_NOTFOUND},
               {"10.7.0.0/24[sctp]", ERR_NOTFOUND, ERR_NOTFOUND, ERR_NOTFOUND}, {"10.7.0.1/32[tcp]", ERR_NOTFOUND, ERR_NOTFOUND, ERR_NOTFOUND},
               {"10.7.0.1..10.7.0.9", ERR_NOTFOUND, ERR_NOTFOUND, ERR_NOTFOUND}, {"dynamic", ERR_NOTFOUND, ERR_NOTFOUND, ERR_NOTFOUND},
               {"", ERR_NOTFOUND, ERR_NOTFOUND, ERR_NOTFOUND}, {"0.0.0.0/0", ERR_NOTFOUND, ERR_NOTFOUND, ERR_NOTFOUND}};
    g1_up();
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        c->sas[0].selectors[0] = all[i].text;
        charon_tell(c, "child-updown");
        charon_flush(c);
        run_ms(300);
        assert_int_equal(ask(), all[i].n2);
        assert_int_equal(ask_at("10.7.0.1", IPSEC_N3, true), all[i].n3);
        assert_int_equal(ask_at("10.7.0.1", IPSEC_N4, true), all[i].n4);
    }
}
static void who_is_not_up_proves_nothing(void **state)
{
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[0]);
    c->sas[0].state = "CONNECTING";
    connect_up();
    assert_int_equal(ask(), ERR_NOTFOUND);
    c->sas[0].state = "ESTABLISHED";
    c->sas[0].child_state = "INSTALLING";
    run_ms(6000);
    assert_int_equal(ask(), ERR_NOTFOUND);
    c->sas[0].child_state = "INSTALLED";
    run_ms(6000);
    assert_int_equal(ask(), OK);
}
/* A second certificate of the same authority for the same name: which one opened the tunnel? */
static void two_keys_prove_nothing(void **state)
{
    add_certificate("10.7.0.1", der[1]);
    g1_up();
    assert_int_equal(ask(), ERR_DENIED);
    assert_non_null(strstr(r.text, "different keys"));
    c->certificates[0].subject = "elsewhere"; /* the daemon forgot it: whoever used it would only have to wait for that */
    run_ms(70000);
    assert_int_equal(ask(), ERR_DENIED);
    c->sas[0].spi = SPI_2; /* the tunnel is opened anew */
    run_ms(20000);
    assert_int_equal(ask(), OK);
}
/* A tunnel that no certificate opened has nobody's key, whatever certificates there are for its identity. */
static void opened_by_a_secret(void **state)
{
    static const char *const bad[][3] = {{"pre-shared key"}, {"EAP"}, {"any"}, {"public key", "EAP"}, {"pre-shared key", "public key"}};
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[0]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        memcpy(c->classes, bad[i], sizeof bad[i]);
        connect_up();
        run_ms(6000);
        assert_int_equal(ask(), ERR_DENIED);
        assert_non_null(strstr(r.text, "connection gnb-1 does not ask for a certificate"));
    }
    c->classes[0] = c->classes[1] = "public key";
    run_ms(70000);
    assert_int_equal(ask(), OK);
}
static void a_connection_that_is_not_there(void **state)
{
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[0]);
    c->sas[0].connection = "gone";
    connect_up();
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_non_null(strstr(r.text, "connection gone asks who its peer is, is not known"));
    c->sas[0].connection = "gnb-1";
    c->sas[0].spi = SPI_2;
    run_ms(20000);
    assert_int_equal(ask(), OK);
    c->no_connections = true; /* taken away later: what was found out stays with the tunnel */
    run_ms(20000);
    assert_int_equal(ask(), OK);
}
/* An identity with a wildcard is whatever it matches. */
static void an_identity_of_many(void **state)
{
    add_sa(SPI_1, "*.example", G1_AT);
    add_certificate("*.example", der[0]);
    connect_up();
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_non_null(strstr(r.text, "*.example, means many"));
}
/* It has the name, and a key that is not of the record. */
static void another_key(void **state)
{
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[1]);
    connect_up();
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(r.verdict, IDENTITY_OTHER_KEY);
}
/* What another authority issued, or nobody, does not count; it does not keep the right one out either. */
static void others_certificates(void **state)
{
    static uint8_t junk[] = {0x30, 0x03, 1, 2, 3};
    add_certificate("10.7.0.1", der[3]);
    add_certificate("10.7.0.1", BYTES_OF(junk));
    connect_up();
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_non_null(strstr(r.text, "not known"));
    add_certificate("10.7.0.1", der[0]);
    run_ms(6000);
    assert_int_equal(ask(), OK);
}
/* The tunnel of g2 carries the address of g1. */
static void anothers_address(void **state)
{
    add_sa(SPI_1, "10.7.0.2", G1_AT);
    add_certificate("10.7.0.2", der[2]);
    connect_up();
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(r.verdict, IDENTITY_CLONED);
    add_sa(SPI_2, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[0]);
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_non_null(strstr(r.text, "with different keys"));
}

/* ---- what changes ---- */
static void revoked(void **state)
{
    add_list(crl[0]);
    g1_up();
    assert_int_equal(ask(), OK);
    unsigned before = changes;
    add_list(crl[1]);
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(r.verdict, IDENTITY_REVOKED);
    assert_true(changes > before);
    /* the newest list counts, whichever the daemon tells first */
    c->certificates[0].der = crl[1];
    c->certificates[2].der = crl[0];
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(r.verdict, IDENTITY_REVOKED);
    /* a daemon that forgot its lists does not make it good */
    c->certificates[0].type = c->certificates[2].type = "OCSP_RESPONSE";
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(r.verdict, IDENTITY_NO_REVOCATION);
}
/* A certificate that was revoked before the tunnel was opened cannot have opened it. */
static void revoked_before(void **state)
{
    add_list(crl[2]);
    add_certificate("10.7.0.1", der[1]);
    connect_up();
    run_ms(10000);
    add_sa(SPI_1, "10.7.0.1", G1_AT);
    add_certificate("10.7.0.1", der[0]);
    run_ms(6000);
    assert_int_equal(ask(), OK);
    /* but one that was revoked later may have */
    c->sas[0] = (struct charon_sa){.spi = SPI_2, .id = "10.7.0.1", .established = "3600", .selectors = {G1_AT}};
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
}
static void tunnel_ends(void **state)
{
    g1_up();
    c->n_sas = 0;
    charon_tell(c, "ike-updown");
    charon_flush(c);
    unsigned before = changes;
    run_ms(300);
    assert_int_equal(ask(), ERR_NOTFOUND);                             /* not for anybody new, */
    assert_int_equal(ask_at("10.7.0.1", IPSEC_N2, false), OK);         /* but it may come back */
    assert_int_equal(changes, before);
    run_ms(16000);
    assert_int_equal(ask_at("10.7.0.1", IPSEC_N2, false), ERR_NOTFOUND);
    assert_true(changes > before);
    assert_int_equal(ipsec_peers_count(c->peers), 0);
}
static void rekeyed(void **state)
{
    g1_up();
    c->n_certificates = 0; /* the daemon remembers few */
    c->sas[0].spi = SPI_2;
    charon_rekeyed(c, SPI_1, SPI_2);
    charon_flush(c);
    run_ms(300);
    assert_int_equal(ask(), OK);
    run_ms(20000);
    assert_int_equal(ask(), OK);
    assert_int_equal(ipsec_peers_count(c->peers), 1);
}
static void daemon_goes_and_comes(void **state)
{
    g1_up();
    c->connected = false;
    ipsec_peers_down(c->peers);
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(ask_at("10.7.0.1", IPSEC_N2, false), OK);
    run_ms(30000);
    connect_up();
    assert_int_equal(ask(), OK);
    c->connected = false;
    ipsec_peers_down(c->peers);
    unsigned before = changes;
    run_ms(61000);
    assert_int_equal(ask_at("10.7.0.1", IPSEC_N2, false), ERR_NOTFOUND);
    assert_true(changes > before);
}
/* It takes the connection, again and again, and says nothing: that is as if it were not there. */
static void daemon_hangs(void **state)
{
    g1_up();
    c->silent = true;
    for (int i = 0; i < 12; i++) { /* some 7 s each */
        run_ms(i ? 2000 : 11000);
        assert_true(c->closed);
        charon_connect(c);
        run_ms(1000);
        assert_true(ipsec_peers_is_up(c->peers));
        assert_int_equal(ask(), ERR_DENIED);
        if (i < 8 || i > 9)
            assert_int_equal(ask_at("10.7.0.1", IPSEC_N2, false), i < 8 ? OK : ERR_NOTFOUND);
        run_ms(4000);
    }
    assert_int_equal(ipsec_peers_count(c->peers), 0);
    c->silent = false;
    run_ms(2000);
    connect_up();
    assert_int_equal(ask(), OK);
}
static void expires(void **state)
{
    g1_up();
    world_step_clock(w, env, 366ll * DAY * 1000000);
    run_ms(6000);
    assert_int_equal(ask(), ERR_DENIED);
    assert_int_equal(r.verdict, IDENTITY_EXPIRED);
}

/* ---- waiting ---- */
static unsigned waits;
static void waited(struct ipsec_waiter *x) { waits++; }
static void waiting(void **state)
{
    struct ipsec_waiter a, b;
    waits = 0;
    ipsec_peers_wait(c->peers, &a, waited); /* nobody to ask */
    assert_int_equal(waits, 0);
    run_ms(1);
    assert_int_equal(waits, 1);
    connect_up();
    run_ms(1000);
    unsigned rounds = c->rounds;
    g1_up();
    run_ms(1000);
    rounds = c->rounds;
    ipsec_peers_wait(c->peers, &a, waited);
    ipsec_peers_wait(c->peers, &b, waited);
    run_ms(50);
    assert_int_equal(waits, 3);
    assert_int_equal(c->rounds, rounds + 1); /* one for both */
    ipsec_peers_wait(c->peers, &a, waited);
    ipsec_peers_cancel(c->peers, &a);
    c->silent = true;
    ipsec_peers_wait(c->peers, &b, waited);
    run_ms(600);
    assert_int_equal(waits, 3);
    run_ms(200);
    assert_int_equal(waits, 4); /* it had patience, and no more of it */
    run_ms(5000);
    assert_true(c->closed);
    assert_false(ipsec_peers_is_up(c->peers));
}
/* Whoever asks all the time does not keep the daemon busy all the time. */
static void rounds_are_bounded(void **state)
{
    struct ipsec_waiter a;
    g1_up();
    unsigned rounds = c->rounds;
    for (int i = 0; i < 1000; i++) {
        ipsec_peers_wait(c->peers, &a, waited);
        run_ms(1);
        ipsec_peers_cancel(c->peers, &a);
    }
    assert_in_range(c->rounds - rounds, 5, 11);
}

/* ---- what is not vici ---- */
static void hostile(const void *p, uint32_t n)
{
    connect_up();
    ipsec_peers_octets(c->peers, (struct bytes){p, n});
    assert_true(c->closed);
    assert_false(ipsec_peers_is_up(c->peers));
    ipsec_peers_octets(c->peers, (struct bytes){p, n}); /* nothing is read any more */
}
#define HOSTILE(...) hostile((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
static void refuses_what_is_not_vici(void **state)
{
    HOSTILE(0, 0, 0, 0);                                   /* nothing in it */
    HOSTILE(0, 8, 0, 1);                                   /* longer than a segment may be */
    HOSTILE(0xff, 0xff, 0xff, 0xff);
    HOSTILE(0, 0, 0, 1, 8);                                /* no such type */
    HOSTILE(0, 0, 0, 1, VICI_CMD_RESPONSE);                /* nobody asked */
    HOSTILE(0, 0, 0, 1, VICI_CMD_UNKNOWN);
    HOSTILE(0, 0, 0, 1, VICI_EVENT_CONFIRM);
    HOSTILE(0, 0, 0, 2, VICI_EVENT, 9);                    /* a name that is not there */
    HOSTILE(0, 0, 0, 13, VICI_EVENT, 9, 'i', 'k', 'e', '-', 'r', 'e', 'k', 'e', 'y', VICI_SECTION, 3);
    HOSTILE(0, 0, 0, 12, VICI_EVENT, 9, 'i', 'k', 'e', '-', 'r', 'e', 'k', 'e', 'y', VICI_SECTION_END);
    HOSTILE(0, 0, 0, 12, VICI_EVENT, 9, 'i', 'k', 'e', '-', 'r', 'e', 'k', 'e', 'y', VICI_ITEM);
    HOSTILE(0, 0, 0, 12, VICI_EVENT, 9, 'i', 'k', 'e', '-', 'r', 'e', 'k', 'e', 'y', 77);
}
static int read_all(const uint8_t *p, uint32_t n)
{
    struct vici_cursor x = vici_cursor((struct bytes){p, n});
    int k;
    while ((k = vici_next(&x)) > 0)
        ;
    return k;
}
#define READ(...) read_all((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
static void messages(void **state)
{
    assert_int_equal(read_all(NULL, 0), OK);
    assert_int_equal(READ(3, 1, 'k', 0, 1, 'v'), OK);
    assert_int_equal(READ(1, 1, 's', 4, 1, 'l', 5, 0, 0, 6, 2), OK);
    assert_int_equal(READ(1, 1, 's'), ERR_SHORT);
    assert_int_equal(READ(4, 1, 'l'), ERR_SHORT);
    assert_int_equal(READ(3, 1, 'k', 0, 2, 'v'), ERR_SHORT);
    assert_int_equal(READ(3, 1, 'k', 0), ERR_SHORT);
    assert_int_equal(READ(2), ERR_ORDER);
    assert_int_equal(READ(5, 0, 0), ERR_ORDER);
    assert_int_equal(READ(6), ERR_ORDER);
    assert_int_equal(READ(4, 1, 'l', 3, 1, 'k', 0, 0), ERR_ORDER); /* a value in a list */
    assert_int_equal(READ(4, 1, 'l', 4, 1, 'm', 6, 6), ERR_ORDER); /* a list in a list */
    assert_int_equal(READ(0), ERR_SYNTAX);
    assert_int_equal(READ(1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0), ERR_DEPTH);
    uint8_t out[32];
    struct vici_pair pair = {STR("k"), STR("v")};
    assert_int_equal(vici_packet_write(out, sizeof out, VICI_CMD_REQUEST, STR("x"), &pair, 1), 4 + 3 + 6);
    assert_memory_equal(out, ((const uint8_t[]){0, 0, 0, 9, 0, 1, 'x', 3, 1, 'k', 0, 1, 'v'}), 13);
    assert_int_equal(vici_packet_write(out, 12, VICI_CMD_REQUEST, STR("x"), &pair, 1), ERR_NOSPACE);
}
static void bad_authorities(void **state)
{
    struct ipsec_peers *p;
    struct ipsec_peers_conf conf = {.rt = &rt, .authority = STR("nothing"), .send = charon_send, .close = charon_close, .ctx = c};
    assert_int_equal(ipsec_peers_new(&p, &conf), ERR_SYNTAX);
    assert_null(p);
    conf.authority = text_of(&g1.certificate); /* no authority's */
    assert_int_equal(ipsec_peers_new(&p, &conf), ERR_SYNTAX);
}

#define IN_A_WORLD(f) cmocka_unit_test_setup_teardown(f, start, finish)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(one_certificate_proves), IN_A_WORLD(octet_by_octet), IN_A_WORLD(selectors), IN_A_WORLD(who_is_not_up_proves_nothing),
        IN_A_WORLD(two_keys_prove_nothing), IN_A_WORLD(opened_by_a_secret), IN_A_WORLD(a_connection_that_is_not_there),
        IN_A_WORLD(an_identity_of_many), IN_A_WORLD(another_key), IN_A_WORLD(others_certificates), IN_A_WORLD(anothers_address),
        IN_A_WORLD(revoked), IN_A_WORLD(revoked_before), IN_A_WORLD(tunnel_ends), IN_A_WORLD(rekeyed), IN_A_WORLD(daemon_goes_and_comes),
        IN_A_WORLD(daemon_hangs), IN_A_WORLD(expires), IN_A_WORLD(waiting), IN_A_WORLD(rounds_are_bounded), IN_A_WORLD(refuses_what_is_not_vici),
        IN_A_WORLD(messages), IN_A_WORLD(bad_authorities)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
