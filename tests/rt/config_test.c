/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: an empty text is complete, values of every kind, and every refusal with its place. */
#include "base/suggest.h"
#include "rt/config_rows.h"
#include "tests/test.h"
#include <stdlib.h>

static uint8_t memory[2][CONFIG_ARENA_OCTETS];
static struct config config, other;
static struct config_report report;

static int parse_into(struct config *c, unsigned m, const char *text)
{
    struct arena a = arena_over(memory[m], sizeof memory[m]);
    return config_parse(c, &a, STR("t.yaml"), str_of(text), &report);
}
static int parse(const char *text) { return parse_into(&config, 0, text); }
static void accept(const char *text)
{
    int e = parse(text);
    if (e != OK)
        print_message("%s\n---\n%s", text, report.text);
    assert_int_equal(e, OK);
    assert_int_equal(report.errors, 0);
}
/* One error, which is this line. */
static void refuse(const char *text, const char *line)
{
    int e = parse(text);
    size_t n = strlen(line);
    if (e != ERR_CONFIG || report.errors != 1 || strncmp(report.text, line, n) != 0)
        print_message("%s\n--- expected\n%s\n--- got %d\n%s", text, line, e, report.text);
    assert_int_equal(e, ERR_CONFIG);
    assert_int_equal(report.errors, 1);
    assert_int_equal(strncmp(report.text, line, n), 0);
    assert_int_equal(report.text[report.n - 1], '\n');
}

static void empty_is_complete(void **state)
{
    static const char *const texts[] = {"", "\n", "# nothing\n", "---\n", "~", "{}", "amf:\n", "amf: {}\nsmf: ~\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        accept(texts[i]);
        assert_int_equal(report.n, 0);
        assert_int_equal(config.network.n_nfs, 9);
        assert_int_equal(config.network.n_plmns, 1);
        assert_memory_equal(config.network.plmns[0].v, "\x00\xf1\x10", 3);
        assert_int_equal(config.amf.n_tais, 1);
        assert_int_equal(config.amf.tais[0].tac, 1);
        assert_memory_equal(config.amf.tais[0].plmn.v, "\x00\xf1\x10", 3);
        assert_int_equal(config.amf.t3512_s, 54 * 60);
        assert_int_equal(config.amf.t3560_ms, 6000);
        assert_int_equal(config.amf.n_ciphering, 3);
        assert_int_equal(config.amf.ciphering[0], CONFIG_NEA_2);
        assert_int_equal(config.amf.n_gnbs, 0);
        assert_string_equal(config.amf.name.p, "amf.redoubt");
        assert_int_equal(config.smf.n_dnns, 1);
        assert_string_equal(config.smf.dnns[0].name.p, "internet");
        assert_int_equal(config.smf.dnns[0].ipv4_pool.length, 16);
        assert_int_equal(config.smf.dnns[0].n_pdu_types, 3);
        assert_int_equal(config.smf.dnns[0].ambr_downlink_bps, 1000000000);
        assert_int_equal(config.smf.n4_address.port, 8805);
        assert_int_equal(config.upf.n6[0].ipv6.addr.family, 6);
        assert_string_equal(config.control.log_file.p, "");
        assert_int_equal(config.control.metrics.port, 9090);
        assert_int_equal(config.limits.procedures_octets, 64u << 20);
    }
}

static void default_file_says_the_same(void **state)
{
    static char text[65536], help[65536];
    int n = config_default_yaml(text, sizeof text);
    assert_true(n > 1000);
    assert_int_equal(parse_into(&other, 1, text), OK);
    assert_int_equal(report.n, 0);
    accept("");
    assert_int_equal(config_reload_check(&config, &other, &report), 0);
    for (char *p = text; (p = strstr(p, "\n  # ")); p++) /* the commented options are options too */
        assert_non_null(strchr(p, ':'));
    assert_true(config_help(help, sizeof help) > n);
    assert_non_null(strstr(help, "\nsmf: sessions\n"));
    assert_non_null(strstr(help, "a time from 500 ms to 1 min (ms, s, min); default 6 s"));
    assert_int_equal(config_help(help, 100), ERR_NOSPACE);
    assert_int_equal(config_default_yaml(help, 100), ERR_NOSPACE);
    assert_int_equal(config_help(help, 0), ERR_NOSPACE);
}

static void values(void **state)
{
    char plmn[CONFIG_PLMN_TEXT], slice[CONFIG_SLICE_TEXT];
    accept("network: {plmns: [999-70, 310-410], name: \"Ne\xc3\xb1\"}\n"
           "amf:\n  tais: [{tac: 0x00abcd}, {plmn: 310-410, tac: 7}]\n  slices: [1, 2-00000a]\n"
           "  t3512: 1 h\n  t3560: 1500\n  t3550: 7 s\n  n2_addresses: 10.0.0.1\n  max_ues: 0x10\n  unsafe_null_ciphering: true\n"
           "  ciphering: [NEA0]\n  sctp: userspace\n  gnbs: [{id: 4294967295, addresses: [10.0.0.2, \"fd00::2\"]}]\n"
           "smf:\n  dnns:\n  - {name: Internet, ipv4_pool: 10.1.0.0/16, ambr_uplink: 1.5 Mbps, slices: [2-00000a]}\n"
           "  - {name: ims, ipv6_pool: \"fd00:2::/56\"}\n"
           "  upfs: [{name: a, address: 10.0.0.9}, {name: b, address: \"[fd00::9]:9805\", dnns: [ims]}]\n"
           "upf:\n  n6: [{dnn: internet, tun: t0, ipv4: 10.1.0.1/8}, {dnn: ims, tun: t1, ipv6: \"fd00:2::1/56\"}]\n"
           "udm:\n  home_network_keys: [{id: 1, profile: A, file: /a/b}, {id: 2, profile: B, "
           "key: F1AB1074477EBCC7F554EA1C5FC368B1616730155E0041AC447D6301975FECDA}]\n"
           "pcf: {policies: [{dnn: ims, 5qi: 5}, {}]}\n"
           "control: {metrics: \"\", log_levels: [{nf: amf, level: debug}], socket: /tmp/x}\n"
           "limits: {procedures_memory: 1 GiB}\n");
    assert_string_equal(config_plmn_text(&config.network.plmns[1], plmn), "310-410");
    assert_string_equal(config_plmn_text(&config.amf.tais[0].plmn, plmn), "999-70");
    assert_string_equal(config_slice_text(&config.amf.slices[1], slice), "2-00000a");
    assert_string_equal(config_slice_text(&config.amf.slices[0], slice), "1");
    assert_int_equal(config.amf.tais[0].tac, 0xabcd);
    assert_int_equal(config.amf.t3512_s, 3600);
    assert_int_equal(config.amf.t3560_ms, 1500);
    assert_int_equal(config.amf.t3550_ms, 7000);
    assert_int_equal(config.amf.n_n2_addresses, 1);
    assert_int_equal(config.amf.max_ues, 16);
    assert_int_equal(config.amf.ciphering[0], CONFIG_NEA_0);
    assert_int_equal(config.amf.gnbs[0].id, 4294967295u);
    assert_int_equal(config.amf.gnbs[0].addresses[1].family, 6);
    assert_memory_equal(config.amf.gnbs[0].plmn.v, config.network.plmns[0].v, 3);
    assert_int_equal(config.smf.dnns[0].ambr_uplink_bps, 1500000);
    assert_int_equal(config.smf.dnns[0].n_pdu_types, 1); /* only what there is a pool for */
    assert_int_equal(config.smf.dnns[1].default_pdu_type, CONFIG_PDU_TYPE_IPV6);
    assert_int_equal(config.smf.upfs[0].address.port, 8805);
    assert_int_equal(config.smf.upfs[1].address.port, 9805);
    assert_int_equal(config.udm.hn_keys[1].key.p[0], 0xf1);
    assert_string_equal(config.udm.hn_keys[0].file.p, "/a/b");
    assert_int_equal(config.control.metrics.family, 0);
    assert_int_equal(config.limits.procedures_octets, 1u << 30);
    assert_int_equal(report.warnings, 2); /* unsafe option; the UPF here is none of smf.upfs */
    assert_non_null(strstr(report.text, "t.yaml:10:26: warning: unsafe_null_ciphering is on"));
}

static void wrong_values(void **state)
{
    refuse("amf: {max_ues: many}", "t.yaml:1:16: found 'many', expected a whole number from 1 to 4000000\n");
    refuse("amf:\n  max_ues: 0\n", "t.yaml:2:12: found '0', expected a whole number from 1 to");
    refuse("amf: {max_ues: 4000001}", "t.yaml:1:16: found '4000001', expected a whole");
    refuse("amf: {max_ues: 99999999999999999999999}", "t.yaml:1:16: found '9999");
    refuse("amf: {max_ues: -1}", "t.yaml:1:16: found '-1'");
    refuse("amf: {max_ues: 1.5}", "t.yaml:1:16: found '1.5'");
    refuse("amf: {max_ues: 5 s}", "t.yaml:1:16: found '5 s'");
    refuse("amf: {max_ues: }", "t.yaml:1:16: found nothing, expected a whole");
    refuse("amf: {max_ues: [1]}", "t.yaml:1:16: found a list, expected a whole");
    refuse("amf: {max_ues: {a: 1}}", "t.yaml:1:16: found a mapping, expected a whole");
    refuse("amf: {t3560: 100 ms}", "t.yaml:1:14: found '100 ms', expected a time from 500 ms to 1 min (ms, s, min)\n");
    refuse("amf: {t3560: 2 days}", "t.yaml:1:14: found '2 days', expected a time");
    refuse("amf: {t3512: 1.0000001 s}", "t.yaml:1:14: found '1.0000001 s'");
    refuse("amf: {t3512: 1.7 s}", "t.yaml:1:14: found '1.7 s'");
    refuse("limits: {procedures_memory: 99999999999999999999 GiB}", "t.yaml:1:29: found");
    refuse("limits: {procedures_memory: 18446744073709551615 GiB}", "t.yaml:1:29: found");
    refuse("amf: {strict_order: yes}", "t.yaml:1:21: found 'yes', expected true or false\n");
    refuse("amf: {sctp: tcp}", "t.yaml:1:13: found 'tcp', expected one of auto, kernel, userspace\n");
    refuse("amf: {name: \"\"}", "t.yaml:1:13: found nothing, expected text of 1 to 150 octets");
    refuse("amf: {name: \"a\\tb\"}", "t.yaml:1:13: found 'a\\x09b', expected text");
    refuse("network: {short_name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}",
           "t.yaml:1:23: found 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...', expected text of 1 to 32");
    refuse("network: {plmns: [00101]}", "t.yaml:1:19: found '00101', expected a network as MCC-MNC, such as 001-01\n");
    refuse("network: {plmns: [001-1]}", "t.yaml:1:19:");
    refuse("network: {plmns: [001-a1]}", "t.yaml:1:19:");
    refuse("network: {plmns: [000-01]}", "t.yaml:1:19:");
    refuse("network: {plmns: [001-01, 001-01]}", "t.yaml:1:27: found '001-01', expected each value once\n");
    refuse("amf: {slices: [256]}", "t.yaml:1:16: found '256', expected a slice as SST or SST-SD");
    refuse("amf: {slices: [1-09]}", "t.yaml:1:16:");
    refuse("amf: {slices: [1-00000g]}", "t.yaml:1:16:");
    refuse("amf: {slices: [1-ffffff]}", "t.yaml:1:16:");
    refuse("amf: {slices: []}", "t.yaml:1:15: found a list, expected a list of 1 to 16 values\n");
    refuse("amf: {slices: }", "t.yaml:1:15: found nothing, expected a list of 1 to 16 values\n");
    refuse("amf: {tais: 3}", "t.yaml:1:13: found '3', expected a list of 0 to 256 mappings ([] for none)\n");
    refuse("amf: {tais: [3]}", "t.yaml:1:14: found '3', expected a mapping of options of amf.tais\n");
    refuse("amf: {tais: [{tac: 0}]}", "t.yaml:1:20: found '0', expected a tracking area code from 1 to 16777213\n");
    refuse("amf: {tais: [{plmn: 001-01}]}", "t.yaml:1:14: found nothing, expected 'tac' in amf.tais\n");
    refuse("amf: {n2_addresses: [localhost]}", "t.yaml:1:22: found 'localhost', expected an IP address\n");
    refuse("amf: {n2_addresses: [\"10.0.0.1:5\"]}", "t.yaml:1:22:");
    refuse("amf: {n2_addresses: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5]}", "t.yaml:1:21: found a list, expected a list of 1 to 4");
    refuse("smf: {n4_address: \"10.0.0.1:0\"}", "t.yaml:1:19: found '10.0.0.1:0', expected an IP address with a port, such as "
           "127.0.0.1:8805 or [::1]:8805\n");
    refuse("smf: {n4_address: \"\"}", "t.yaml:1:19: found nothing, expected an IP address with a port");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.0.0.0/16, dns_ipv4: [\"::1\"]}]}", "t.yaml:1:59: found '::1', expected an IPv4 address");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.0.0.0/16, dns_ipv6: [1.1.1.1]}]}", "t.yaml:1:59: found '1.1.1.1', expected an IPv6 address");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.1/16}]}",
           "t.yaml:1:35: found '10.45.0.1/16', expected a network: without host bits it is 10.45.0.0/16\n");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0}]}", "t.yaml:1:35: found '10.45.0.0', expected an IPv4 network of /8 to /30");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0/31}]}", "t.yaml:1:35:");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0/16x}]}", "t.yaml:1:35:");
    refuse("smf: {dnns: [{name: a, ipv6_pool: 10.45.0.0/48}]}", "t.yaml:1:35: found '10.45.0.0/48', expected an IPv6 network");
    refuse("smf: {dnns: [{name: a, ipv6_pool: \"fd00::/64\"}]}", "t.yaml:1:35:");
    refuse("smf: {dnns: [{name: a..b, ipv4_pool: 10.45.0.0/16}]}", "t.yaml:1:21: found 'a..b', expected a data network name");
    refuse("smf: {dnns: [{name: -a, ipv4_pool: 10.45.0.0/16}]}", "t.yaml:1:21:");
    refuse("smf: {dnns: [{name: a-, ipv4_pool: 10.45.0.0/16}]}", "t.yaml:1:21:");
    refuse("smf: {dnns: [{name: a_b, ipv4_pool: 10.45.0.0/16}]}", "t.yaml:1:21:");
    refuse("upf: {n6: [{dnn: internet, tun: \"a/b\", ipv4: 10.45.0.1/16, ipv6: \"fd00:10:45::1/48\"}]}",
           "t.yaml:1:33: found 'a/b', expected a name of 1 to 15 letters, digits, '-', '_' or '.'\n");
    refuse("upf: {n6: [{dnn: internet, tun: \"..\", ipv4: 10.45.0.1/16, ipv6: \"fd00:10:45::1/48\"}]}", "t.yaml:1:33:");
    refuse("upf: {n6: [{dnn: internet, tun: a, ipv4: 10.45.0.1, ipv6: \"fd00:10:45::1/48\"}]}",
           "t.yaml:1:42: found '10.45.0.1', expected an IPv4 address with a length of /8 to /32");
    refuse("udm: {home_network_keys: [{id: 1, profile: C, file: x}]}", "t.yaml:1:44: found 'C', expected one of A, B\n");
}

static void secrets_are_not_shown(void **state)
{
    refuse("udm: {home_network_keys: [{id: 1, profile: A, key: c53c22208b61860b06c6}]}",
           "t.yaml:1:52: found a secret of 20 characters, expected 32 octets in hex\n");
    refuse("udm: {home_network_keys: [{id: 1, profile: A, key: "
           "zz3c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d}]}",
           "t.yaml:1:52: found a secret of 64 characters, expected 32 octets in hex\n");
    assert_null(strstr(report.text, "3c22"));
}

static void wrong_keys(void **state)
{
    refuse("amf: {max_use: 5}", "t.yaml:1:7: found 'max_use', expected an option of amf; did you mean 'max_ues'?\n");
    refuse("amf: {Max-UEs: 5}", "t.yaml:1:7: found 'Max-UEs', expected an option of amf; did you mean 'max_ues'?\n");
    refuse("amf: {log_level: info}", "t.yaml:1:7: found 'log_level', expected an option of amf; section control has one of this name\n");
    refuse("amf: {colour: red}", "t.yaml:1:7: found 'colour', expected an option of amf; see redoubt config help\n");
    refuse("amf: {[a]: red}", "t.yaml:1:7: found a list, expected an option of amf");
    refuse("amff: {}", "t.yaml:1:1: found 'amff', expected a section; did you mean 'amf'?\n");
    refuse("max_ues: 5", "t.yaml:1:1: found 'max_ues', expected a section; 'max_ues' is an option of section amf\n");
    refuse("colour: red", "t.yaml:1:1: found 'colour', expected a section: network");
    refuse("amf: {}\nsmf: {}\namf: {}", "t.yaml:3:1: found 'amf', expected each section once\n");
    refuse("amf: {max_ues: 1, max_ues: 2}", "t.yaml:1:19: found 'max_ues', expected each option once\n");
    refuse("amf: {tais: [{tac: 1, tak: 2}]}", "t.yaml:1:23: found 'tak', expected an option of amf.tais; did you mean 'tac'?\n");
    refuse("amf: 5", "t.yaml:1:6: found '5', expected a mapping of options of amf\n");
    refuse("amf: [1]", "t.yaml:1:6: found a list, expected a mapping of options of amf\n");
    refuse("- amf", "t.yaml:1:1: found a list, expected a mapping of sections");
    refuse("hello", "t.yaml:1:1: found 'hello', expected a mapping of sections");
}

static void wrong_yaml(void **state)
{
    refuse("amf: {", "t.yaml:2:1: found no YAML (did not find expected node content while parsing a flow node), expected YAML\n");
    refuse("amf:\n  max_ues: 1\n bad", "t.yaml:3:");
    refuse("\tamf: 1", "t.yaml:1:1: found no YAML (found character that cannot start any token");
    refuse("amf: {name: \"\xff\"}", "t.yaml:1:14: found no YAML (invalid leading UTF-8 octet), expected YAML\n");
    refuse("amf: {}\n---\nsmf: {}", "t.yaml:3:1: found a mapping, expected one document\n");
    refuse("amf: {}\n--- {", "t.yaml:3:1: found no YAML");
    refuse("amf: *x", "t.yaml:1:6: found no YAML (found undefined alias), expected YAML\n");
    accept("amf: &a {max_ues: 7}\n");
    assert_int_equal(parse("amf: &a {tais: [*a]}"), ERR_CONFIG); /* a node within itself */
}

static void across_options(void **state)
{
    refuse("network: {nfs: [amf, ausf, udm, udr, nssf]}", "t.yaml:1:16: found amf without pcf, expected both");
    refuse("network: {nfs: [udm]}", "t.yaml:1:16: found udm without udr, expected both");
    refuse("amf: {ciphering: [NEA2, NEA0]}", "t.yaml:1:25: found NEA0, expected NEA1, NEA2 or NEA3: it needs amf.unsafe_null_ciphering: true\n");
    refuse("amf: {integrity: [NIA0]}", "t.yaml:1:19: found NIA0, expected NIA1");
    refuse("amf: {name: a_b}", "t.yaml:1:13: found a character that NGAP does not carry");
    refuse("amf: {tais: [{plmn: 002-01, tac: 1}]}", "t.yaml:1:21: found 002-01, expected one of network.plmns\n");
    refuse("amf: {tais: [{tac: 1}, {tac: 2}, {plmn: 001-01, tac: 1}]}", "t.yaml:1:54: found TAC 1 of the same network again");
    refuse("amf: {gnbs: [{id: 1}, {id: 1}]}", "t.yaml:1:28: found gNB 1 of the same network again");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, pdu_types: [Ethernet]}]}",
           "t.yaml:1:67: found Ethernet without its pool, expected ipv4_pool for IPv4, ipv6_pool for IPv6, both for IPv4v6, "
           "lan_members for Ethernet\n");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, pdu_types: [IPv6]}]}",
           "t.yaml:1:67: found IPv6 without its pool, expected ipv4_pool for IPv4");
    refuse("smf: {dnns: [{name: internet}]}", "t.yaml:1:14: found no pool, expected ipv4_pool or ipv6_pool\n");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, default_pdu_type: IPv6}]}",
           "t.yaml:1:74: found IPv6, expected one of the pdu_types that have a pool\n");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, slices: [5]}]}", "t.yaml:1:64: found 5, expected one of amf.slices\n");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16}, {name: INTERNET, ipv4_pool: 10.46.0.0/16}]}",
           "t.yaml:1:64: found 'INTERNET' again, expected each data network once\n");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/17}, {name: b, ipv4_pool: 10.45.64.0/20}]}\n"
           "upf: {n6: [{dnn: internet, tun: a, ipv4: 10.45.0.1/17}, {dnn: b, tun: b, ipv4: 10.45.64.1/20}]}",
           "t.yaml:1:78: found a pool that shares addresses with that of 'internet'");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.46.0.0/16}]}",
           "t.yaml:1:1: found a network that the pool of 'internet' is not in, expected one that holds it\n");
    refuse("upf: {n6: [{dnn: internet, tun: t, ipv4: 10.45.0.2/16, ipv6: \"fd00:10:45::1/48\"}]}",
           "t.yaml:1:42: found an address that a phone of 'internet' could get");
    refuse("upf: {n6: [{dnn: internet, tun: t, ipv4: 10.45.0.1/16}]}",
           "t.yaml:1:12: found no address for the pool of 'internet', expected ipv6\n");
    accept("upf: {n6: [{dnn: internet, tun: t, create: false}]}");
    accept("smf: {upfs: [{name: a, address: 127.0.0.7}, {name: b, address: 10.0.0.8, weight: 0, local_dnn: edge, local_networks: [9.9.0.0/16]}]}");
    refuse("smf: {upfs: [{name: a, address: 127.0.0.7}, {name: b, address: 10.0.0.8, local_dnn: edge}]}", "t.yaml:1:");
    accept("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0/16, lan_members: [imsi-001010000000001]}]}\nupf: {n6: [{dnn: a}]}");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0/16}]}\nupf: {n6: [{dnn: a}]}", "t.yaml:2:");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0/16, lan_outside: true, lan_members: [imsi-001010000000001]}]}\nupf: {n6: [{dnn: a}]}",
           "t.yaml:2:");
    refuse("smf: {dnns: [{name: a, ipv4_pool: 10.45.0.0/16, lan_members: [001010000000001]}]}\nupf: {n6: [{dnn: a}]}", "t.yaml:1:");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, lan_outside: true}]}", "t.yaml:1:");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, lan_outside: true, lan_members: [imsi-001010000000001], pdu_types: [IPv4, Ethernet]}]}",
           "t.yaml:1:69: found true with Ethernet, expected one of them: frames go to members alone\n");
    refuse("upf: {n6: [{dnn: other, tun: t, ipv4: 10.45.0.1/16}, {dnn: internet, tun: u, create: false}]}",
           "t.yaml:1:18: found 'other', expected the name of one of smf.dnns\n");
    refuse("upf: {n6: [{dnn: internet, tun: t, create: false}, {dnn: internet, tun: u, create: false}]}",
           "t.yaml:1:58: found 'internet' again");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16}, {name: b, ipv4_pool: 10.46.0.0/16}]}",
           "t.yaml:1:1: found no interface to 'b', expected one for each of smf.dnns\n");
    refuse("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16}, {name: b, ipv4_pool: 10.46.0.0/16}]}\n"
           "upf: {n6: [{dnn: internet, tun: t, create: false}, {dnn: b, tun: t, create: false}]}",
           "t.yaml:2:66: found 't' again, expected each interface once\n");
    refuse("upf: {n3_addresses: [1.1.1.1, 1.1.1.2]}", "t.yaml:1:31: found two addresses of one family");
    refuse("smf: {upfs: [{name: a, address: 127.0.0.7}, {name: A, address: 127.0.0.8}]}", "t.yaml:1:52: found 'A' again");
    refuse("smf: {upfs: [{name: a, address: 127.0.0.7}, {name: b, address: \"127.0.0.7:8805\"}]}",
           "t.yaml:1:64: found the address of 'a' again");
    refuse("smf: {upfs: [{name: a, address: 127.0.0.7, dnns: [nix]}]}", "t.yaml:1:50: found 'nix', expected the name of one of smf.dnns\n");
    refuse("smf: {n4_address: 127.0.0.7}", "t.yaml:1:19: found upf.n4_address, expected an address of its own\n");
#define ORDER(id, from, until, teid) \
    "{id: " id ", authority: court, supi: imsi-001010000000001, from: " from ", until: " until ", delivery: 10.9.0.5, teid: " teid "}"
    refuse("trust: {warrants: [" ORDER("a", "2026-12-01", "2026-12-31", "1") "]}", "t.yaml:1:19: found warrants without an evidence log");
    refuse("trust: {evidence: /e, warrants: [" ORDER("a", "2026-12-01", "2026-11-30", "1") "]}", "t.yaml:1:113: found 2026-11-30, expected no day before the first");
    refuse("trust: {evidence: /e, warrants: [" ORDER("a", "2026-12-01", "2026-12-31", "1") ", " ORDER("a", "2026-12-01", "2026-12-31", "2") "]}",
           "t.yaml:1:160: found 'a' again, expected each once");
    refuse("trust: {evidence: /e, warrants: [" ORDER("a", "2026-12-01", "2026-12-31", "1") ", " ORDER("b", "2026-12-01", "2026-12-31", "1") "]}",
           "t.yaml:1:272: found a tunnel that another warrant has");
    refuse("udm: {home_network_keys: [{id: 1, profile: A}]}", "t.yaml:1:27: found neither file nor key, expected either file or key\n");
    refuse("udm: {home_network_keys: [{id: 1, profile: A, file: a}, {id: 1, profile: B, file: b}]}",
           "t.yaml:1:62: found key 1 again, expected each once\n");
    refuse("udm: {home_network_keys: [{id: 1, profile: A, file: a, key: "
           "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d}]}",
           "t.yaml:1:27: found both file and key, expected either file or key\n");
    refuse("pcf: {policies: [{dnn: nix}]}", "t.yaml:1:24: found 'nix', expected the name of one of smf.dnns\n");
    refuse("pcf: {policies: [{slices: [9]}]}", "t.yaml:1:27: found 9, expected one of amf.slices\n");
    refuse("nssf: {slices: [{slice: 1}, {slice: 1}]}", "t.yaml:1:37: found 1 again, expected each slice once\n");
    refuse("nssf: {defaults: [3]}", "t.yaml:1:18: found 3, expected one of amf.slices\n");
    refuse("control: {log_levels: [{nf: amf, level: info}, {nf: amf, level: debug}]}", "t.yaml:1:53: found the same part again");
}

static void warnings(void **state)
{
    accept("amf: {t3512: 54 min, mobile_reachable: 10 min}");
    assert_string_equal(report.text, "t.yaml:1:40: warning: mobile_reachable is not longer than t3512: phones that keep to it "
                                     "are dropped (TS 24.501 5.3.7)\n");
    accept("upf: {n3_mtu: 1400}");
    assert_non_null(strstr(report.text, "an MTU of 1400 and 50 octets for N3 are more than upf.n3_mtu, which is 1400\n"));
    accept("smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, unsafe_ue_to_ue: true}]}");
    assert_non_null(strstr(report.text, "t.yaml:1:73: warning: unsafe_ue_to_ue is on: phones of this data network"));
    accept("smf: {upfs: [{name: a, address: 10.0.0.1}]}");
    assert_non_null(strstr(report.text, "warning: the UPF of this process is none of smf.upfs"));
}

static void all_at_once(void **state)
{
    assert_int_equal(parse("amf: {max_ues: a, max_gnbs: b, colour: c}\nsmf: {dnns: 7}\nnix: 1\n"), ERR_CONFIG);
    assert_int_equal(report.errors, 5);
    static char text[200000];
    size_t n = 0;
    for (int i = 0; i < 20000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "k%d: 1\n", i);
    assert_int_equal(parse(text), ERR_CONFIG);
    assert_true(report.cut && report.n < CONFIG_REPORT_OCTETS);
    assert_int_equal(report.text[report.n - 1], '\n');
    static char large[CONFIG_TEXT_MAX + 2];
    memset(large, '#', sizeof large - 1);
    refuse(large, "t.yaml:1:1: found 1048577 octets, expected at most 1048576\n");
    for (uint32_t cap = 0; cap < 4096; cap += 64) {
        struct arena a = arena_over(memory[0], cap);
        int e = config_parse(&config, &a, STR("t"), STR(""), &report);
        assert_true(e == ERR_NOSPACE || (e == OK && cap > 500));
    }
}

static int with_sets(const char *text, uint32_t n, const struct str *sets)
{
    struct arena a = arena_over(memory[0], sizeof memory[0]);
    return config_parse_with(&config, &a, STR("t.yaml"), str_of(text), sets, n, &report);
}
static void set_refused(const char *set, const char *line)
{
    struct str s = str_of(set);
    assert_int_equal(with_sets("", 1, &s), ERR_CONFIG);
    if (strncmp(report.text, line, strlen(line)))
        print_message("expected %s got %s", line, report.text);
    assert_memory_equal(report.text, line, strlen(line));
}
static void sets(void **state)
{
    struct str s[] = {STR("amf.max_ues=7"), STR("amf.max_ues=8"), STR("amf.slices=[1, 2]"), STR("control.metrics="),
                      STR("smf.dnns=[{name: x, ipv4_pool: 10.45.0.0/16}]"),
                      STR("upf.n6=[{dnn: x, tun: t, ipv4: 10.45.0.1/16}]"), STR("control.log_file=")};
    int e = with_sets("amf: {max_ues: 5, max_gnbs: 9}", ARRAY_LEN(s), s);
    assert_string_equal(report.text, "");
    assert_int_equal(e, OK);
    assert_int_equal(config.amf.max_ues, 8);
    assert_int_equal(config.amf.max_gnbs, 9);
    assert_int_equal(config.amf.n_slices, 2);
    assert_int_equal(config.control.metrics.family, 0);
    assert_string_equal(config.smf.dnns[0].name.p, "x");
    set_refused("amf.max_ues=many", "--set amf.max_ues: found 'many', expected a whole number");
    set_refused("amf.max_ues=", "--set amf.max_ues: found nothing, expected a whole number");
    set_refused("amf.slices=", "--set amf.slices: found nothing, expected a list");
    set_refused("amf.slices=[", "--set amf.slices: found no YAML (did not find expected node content");
    set_refused("amf.max_use=1", "--set amf.max_use: expected an option of amf; did you mean 'max_ues'?\n");
    set_refused("amf.colour=1", "--set amf.colour: expected an option of amf\n");
    set_refused("anf.max_ues=1", "--set anf.max_ues: expected a section before the dot");
    set_refused("amf", "--set amf: expected section.key=value, such as");
    set_refused("", "--set : expected section.key=value");
    set_refused("amf=5.5", "--set amf=5.5: expected section.key=value");
    set_refused("amf.ciphering=[NEA0]", "--set amf.ciphering: found NEA0, expected");
}

static void reload(void **state)
{
    accept("");
    assert_int_equal(parse_into(&other, 1, "amf: {t3512: 5 min, n2_port: 5, slices: [1, 2], gnbs: [{id: 5}]}\n"
                                           "control: {log_level: debug}\n"
                                           "smf: {dnns: [{name: internet, ipv4_pool: 10.45.0.0/17, mtu: 1300}]}\n"), OK);
    assert_int_equal(config_reload_check(&config, &other, &report), 4);
    assert_string_equal(report.text, "amf.slices changed: it takes effect at the next start\n"
                                     "amf.n2_port changed: it takes effect at the next start\n"
                                     "smf.dnns[0].ipv4_pool changed: it takes effect at the next start\n"
                                     "smf.dnns[0].ipv6_pool changed: it takes effect at the next start\n");
    assert_int_equal(config_reload_check(&other, &other, &report), 0);
    config_keep_start(&config, &other);
    assert_int_equal(config_reload_check(&config, &other, &report), 0);
    assert_int_equal(other.amf.n2_port, 38412);
    assert_int_equal(other.amf.n_slices, 1);
    assert_int_equal(other.amf.t3512_s, 300);
    assert_int_equal(other.amf.n_gnbs, 1);
    assert_int_equal(other.smf.dnns[0].mtu, 1400); /* the list stays as a whole: one of its elements must wait */
    assert_int_equal(other.control.log_level, CONFIG_LOG_LEVEL_DEBUG);
    assert_string_equal(config_nf_text(CONFIG_NF_UPF), "upf");
}

static void nearest_words(void **state)
{
    assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
    assert_int_equal(str_distance(STR("ab"), STR("ba")), 1);
    assert_int_equal(str_distance(STR(""), STR("abc")), 3);
    assert_int_equal(str_distance(STR("A-b"), STR("a_B")), 0);
    char longest[SUGGEST_MAX + 1];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(str_distance((struct str){longest, sizeof longest}, STR("x")), UINT32_MAX);
    uint32_t best = UINT32_MAX;
    assert_true(str_is_nearer(STR("staus"), STR("status"), &best));
    assert_false(str_is_nearer(STR("staus"), STR("stats"), &best));
    best = UINT32_MAX;
    assert_false(str_is_nearer(STR("xyz"), STR("run"), &best));
}

static void dates(void **state)
{
    static const struct { const char *text; int32_t days; } good[] = {
        {"2000-01-01", 10957}, {"2024-02-29", 19782}, {"2027-12-31", 21183}, {"1990-01-01", 7305}, {"2199-12-31", 84005}};
    static const char *const bad[] = {"", "2027", "2027-12-32", "2023-02-29", "2100-02-29", "2027-13-01", "2027-00-10", "2027-1-01",
                                      "27-12-31", "1989-12-31", "2200-01-01", "2027/12/31", "2027-12-31 ", "2O27-12-31"};
    char buf[CONFIG_DATE_TEXT];
    int32_t days;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(config_date_parse(str_of(good[i].text), &days));
        assert_int_equal(days, good[i].days);
        assert_string_equal(config_date_text(days, buf), good[i].text);
    }
    for (days = 7305; days < 30000; days++) {
        int32_t again;
        assert_true(config_date_parse(str_of(config_date_text(days, buf)), &again));
        assert_int_equal(again, days);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(config_date_parse(str_of(bad[i]), &days));
    assert_string_equal(config_date_text(0, buf), "");
    config_date_text(INT32_MAX, buf); /* no such day; nothing breaks */
}

/* A text with rows of its own. */
struct other_item { struct str name; int32_t day; };
struct other_root { const struct other_item *items; uint32_t n_items; };
static const struct config_opt other_item_opts[] = {
    {"name", "a name", NULL, CONFIG_ONE, CONFIG_TYPE_NAME, NULL, NULL, CONFIG_UNIT_NONE, 1, 1, 1, 32, sizeof(struct str),
     offsetof(struct other_item, name), 0, false},
    {"day", "a day", "", CONFIG_ONE, CONFIG_TYPE_DATE, NULL, NULL, CONFIG_UNIT_NONE, 1, 1, 0, 0, sizeof(int32_t),
     offsetof(struct other_item, day), 0, false}};
static const struct config_section other_item_section = {"item", "an item", other_item_opts, 2, sizeof(struct other_item)};
static const struct config_opt other_root_opts[] = {
    {"items", "items", NULL, CONFIG_MAPPINGS, CONFIG_TYPE_STR, NULL, &other_item_section, CONFIG_UNIT_NONE, 1, 8, 0, 0,
     sizeof(struct other_item), offsetof(struct other_root, items), offsetof(struct other_root, n_items), false}};
static const struct config_section other_section = {"others", "others", other_root_opts, 1, sizeof(struct other_root)};
static int lines(const struct config_reader *r, void *ctx)
{
    uint32_t *line = ctx;
    line[0] = config_row_line(r, "items", CONFIG_WHOLE, NULL);
    line[1] = config_row_line(r, "items", 1, NULL);
    line[2] = config_row_line(r, "items", 1, "day");
    line[3] = config_row_line(r, "items", 0, "day"); /* not written: the item's own */
    return OK;
}
static int other_read(struct other_root *to, const char *text, uint32_t line[4])
{
    struct arena a = arena_over(memory[0], sizeof memory[0]);
    report = (struct config_report){.n = 0};
    return config_rows_read(&other_section, to, &a, STR("o.yaml"), str_of(text), &report, lines, line);
}
static void rows_of_another_text(void **state)
{
    static const struct { const char *text, *line; } bad[] = {
        {"", "o.yaml:1:1: found nothing"},
        {"items: []\n", "o.yaml:1:8: found a list, expected a list of 1 to 8"},
        {"items:\n  - {name: a, dya: 2027-01-01}\n", "o.yaml:2:15: found 'dya', expected an option of others.items; did you mean 'day'?"},
        {"items:\n  - {name: a, zones: 1}\n", "o.yaml:2:15: found 'zones', expected an option of others.items\n"},
        {"items:\n  - {name: a, day: 2027-02-30}\n", "o.yaml:2:20: found '2027-02-30', expected a date such as 2027-12-31"},
        {"items:\n  - {day: 2027-02-03}\n", "o.yaml:2:5: found nothing, expected 'name' in others.items"},
    };
    struct other_root root;
    uint32_t line[4] = {0};
    assert_int_equal(other_read(&root, "# two\nitems:\n  - name: a\n  - name: b\n    day: 2027-12-31\n", line), OK);
    assert_int_equal(root.n_items, 2);
    assert_int_equal(root.items[0].day, 0);
    assert_int_equal(root.items[1].day, 21183);
    assert_int_equal(line[0], 3);
    assert_int_equal(line[1], 4);
    assert_int_equal(line[2], 5);
    assert_int_equal(line[3], 3);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(other_read(&root, bad[i].text, line), ERR_CONFIG);
        assert_int_equal(strncmp(report.text, bad[i].line, strlen(bad[i].line)), 0);
    }
}

int main(void)
{
    return RUN(unit(empty_is_complete), unit(default_file_says_the_same), unit(values), unit(wrong_values),
               unit(secrets_are_not_shown), unit(wrong_keys), unit(wrong_yaml), unit(across_options), unit(warnings),
               unit(all_at_once), unit(sets), unit(reload), unit(nearest_words), unit(dates), unit(rows_of_another_text));
}
