/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's configuration: who gets a connection, who is let in by its address, and that no name of an element can
 * become anything else in a file for another program. */
#include "tests/test.h"
#include "trust/ipsec.h"
#include <stdlib.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
static struct inventory *v;
static char out[16384];
static uint32_t n;
static const struct ipsec_options *o;

static int put(void *ctx, struct str s)
{
    assert_true(n + s.n < sizeof out);
    memcpy(out + n, s.p, s.n);
    n += s.n;
    out[n] = 0;
    return OK;
}
static int refuse(void *ctx, struct str s) { return ERR_IO; }
static int setup(void **state)
{
    static const char csv[] = "id,function,address,key_sha256,identity,service_until\n"
                              "\"g1 } x { # \"\"å\",gnb,10.0.0.1," HEX "01,,\n"
                              "g2,gnb,10.0.0.2,,address-only,\n"
                              "g3,gnb,10.0.0.3,,,\n"
                              "g4,gnb,," HEX "04,,\n"
                              "g5,gnb,10.0.0.5," HEX "05,,2020-01-01\n"
                              "u6,upf,fd00::6," HEX "06,,\n"
                              "u7,upf,fd00::7,,address-only,\n"
                              "nrf,nrf,10.0.0.8," HEX "08,,\n"
                              "self,upf,10.0.0.254," HEX "09,,\n";
    static struct ipsec_options options = {.certificate = {"core.crt", 8}, .authority = {"ca.crt", 6}, .date = 20000};
    struct inv_text t = {STR("e"), {csv, sizeof csv - 1}, false, INV_element};
    struct inv_report report;
    if (inventory_read(&v, &t, 1, &(struct inv_asked){.as_of = 20000}, &report) < 0)
        fail_msg("%s", report.findings[0].why);
    inv_report_free(&report);
    options.outer = addr_v4(0xc0000201, 0);
    options.core = addr_v4(0x0a0000fe, 0);
    o = &options;
    return 0;
}
static int teardown(void **state)
{
    inventory_free(v);
    return 0;
}
static uint32_t count(const char *what)
{
    uint32_t k = 0;
    for (const char *p = out; (p = strstr(p, what)); p++)
        k++;
    return k;
}
static void core(void **state)
{
    struct ipsec_result r;
    n = 0;
    assert_int_equal(ipsec_core_config(v, o, put, NULL, &r), OK);
    assert_int_equal(r.connections * 1000 + r.by_address * 100 + r.no_key * 10 + r.no_address, 2211);
    assert_int_equal(count("{"), count("}"));
    assert_non_null(strstr(out, "  g1___x________-1 {\n"));
    assert_int_equal(count("#"), 1); /* the first line */
    assert_non_null(strstr(out, "id = 10.0.0.1\n      cacerts = ca.crt\n      revocation = strict"));
    assert_non_null(strstr(out, "remote_ts = 10.0.0.1/32[sctp]"));
    assert_non_null(strstr(out, "remote_ts = fd00::6/128[udp/8805]"));
    assert_null(strstr(out, "id = 10.0.0.2\n"));
    assert_null(strstr(out, "10.0.0.5"));
    assert_int_equal(ipsec_core_config(v, o, refuse, NULL, &r), ERR_IO);
}
static void element(void **state)
{
    n = 0;
    assert_int_equal(ipsec_element_config(v, 1, o, put, NULL), OK);
    assert_non_null(strstr(out, "remote_addrs = 192.0.2.1"));
    assert_non_null(strstr(out, "local_ts = 10.0.0.1/32[udp/2152]\n        remote_ts = 10.0.0.254/32[udp/2152]"));
    assert_int_equal(ipsec_element_config(v, inventory_find(v, INV_element, STR("g4")), o, put, NULL), ERR_MISSING);
    assert_int_equal(ipsec_element_config(v, inventory_find(v, INV_element, STR("nrf")), o, put, NULL), ERR_MISSING);
    assert_int_equal(ipsec_element_config(v, 0, o, put, NULL), ERR_MISSING);
}
static void filter(void **state)
{
    n = 0;
    assert_int_equal(ipsec_filter(v, o, put, NULL), OK);
    assert_non_null(strstr(out, "elements = {\n      10.0.0.2\n    }"));
    assert_non_null(strstr(out, "ip daddr 10.0.0.254 udp dport { 2152, 8805 } counter drop"));
    assert_null(strstr(out, "fd00::7"));
    struct ipsec_options six = *o;
    assert_true(addr_parse(&six.core, STR("fd00::ff"), 0));
    n = 0;
    assert_int_equal(ipsec_filter(v, &six, put, NULL), OK);
    assert_non_null(strstr(out, "type ipv6_addr\n    elements = {\n      fd00::7\n    }"));
    assert_non_null(strstr(out, "ip6 daddr fd00::ff ip6 saddr @address_only_6 accept"));
}

int main(void)
{
    return cmocka_run_group_tests(((const struct CMUnitTest[]){unit(core), unit(element), unit(filter)}), setup, teardown);
}
