/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt subscriber: what it does, what it refuses, and that keys go only where they were meant to. */
#include "command.h"
#include "tests/test.h"
#include <sys/stat.h>

static const char *binary;
static struct command c;
static char folder[] = "/tmp/redoubt-subscriber-XXXXXX", store[64];
#define DO(word, ...) command_run(&c, binary, "subscriber", word, "--store", store, __VA_ARGS__, NULL)
#define K   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC "e8ed289deba952e4283b54e88e6183ca"

static char *path(const char *name)
{
    static char text[8][96];
    static unsigned i;
    char *p = text[i++ % 8];
    snprintf(p, 96, "%s/%s", folder, name);
    return p;
}
static void file_make(const char *name, const char *text)
{
    FILE *f = fopen(path(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}
static void file_text(const char *name, char out[4096])
{
    FILE *f = fopen(path(name), "r");
    assert_non_null(f);
    out[fread(out, 1, 4095, f)] = 0;
    fclose(f);
}
static unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(path(name), &st), 0);
    return st.st_mode & 0777;
}
static void says(const char *stream, const char *text)
{
    if (!strstr(stream, text))
        fail_msg("no '%s' in: %s", text, stream);
}

static void add_show_list_remove(void **state)
{
    assert_int_equal(DO("add", "--imsi", "001010000000001", "--k", K, "--opc", OPC, "--slice", "1;1-000009", "--dnn",
                        "internet;ims", "--ip", "ims=10.46.0.9;fd00:1::/64", "--ambr-down", "1 Gbps"), 0);
    says(c.out, "imsi-001010000000001 added");
    assert_int_equal(DO("add", "--imsi", "001010000000001", "--k", K, "--opc", OPC), 1);
    says(c.err, "there already");
    assert_int_equal(DO("show", "imsi-001010000000001"), 0);
    says(c.out, "not shown");
    says(c.out, "10.46.0.9 in ims");
    says(c.out, "fd00:1::/64 in internet");
    says(c.out, "1000000000 bps down");
    assert_null(strstr(c.out, "465b"));
    assert_int_equal(DO("list", "--limit", "5"), 0);
    says(c.out, "imsi-001010000000001  default  1,1-000009  internet,ims");
    assert_int_equal(DO("add", "--imsi", "001010000000001", "--k", K, "--op", OPC, "--replace", "--auth", "eap-aka'"), 0);
    assert_int_equal(DO("show", "001010000000001"), 0);
    says(c.out, "EAP-AKA'");
    assert_int_equal(DO("remove", "001010000000001", "001010000000007"), 1);
    says(c.out, "imsi-001010000000001 removed");
    says(c.err, "001010000000007: no such subscriber");
    assert_int_equal(DO("show", "001010000000001"), 1);
}

static void keys_go_to_their_file_alone(void **state)
{
    char text[4096];
    assert_int_equal(DO("add", "--imsi", "001010000000002"), 2);
    says(c.err, "--key-file");
    assert_int_equal(DO("add", "--imsi", "001010000000002", "--key-file", path("keys.csv")), 0);
    assert_int_equal(mode_of("keys.csv"), 0600);
    file_text("keys.csv", text);
    assert_memory_equal(text, "imsi,k,opc\n001010000000002,", 27);
    assert_int_equal(strlen(text), 11 + 15 + 1 + 32 + 1 + 32 + 1);
    text[27 + 32] = 0;
    assert_null(strstr(c.out, text + 27));
    assert_int_equal(DO("add", "--imsi", "001010000000003", "--key-file", path("keys.csv")), 1);
    says(c.err, "it is not replaced");
    assert_int_equal(DO("export", "--limit", "9"), 0);
    assert_null(strstr(c.out, text + 27));
    assert_int_equal(DO("export", "--with-keys"), 2);
    assert_int_equal(DO("export", "--with-keys", "--output", path("all.csv")), 0);
    assert_int_equal(mode_of("all.csv"), 0600);
    char all[4096];
    file_text("all.csv", all);
    says(all, text + 27);
    assert_int_equal(DO("export", "--output", path("all.csv")), 1);
    /* and what was exported is what is imported */
    char other[96];
    memcpy(other, path("other.db"), sizeof other);
    assert_int_equal(command_run(&c, binary, "subscriber", "import", path("all.csv"), "--store", other, NULL), 0);
    assert_int_equal(command_run(&c, binary, "subscriber", "export", "--store", other, "--with-keys", "-o",
                                 path("again.csv"), NULL), 0);
    file_text("again.csv", text);
    assert_string_equal(text, all);
}

static void import_tells_each_wrong_line(void **state)
{
    file_make("in.csv", "\xef\xbb\xbfIMSI,k,opc,Session_AMBR_down,session-ambr-up,arp\r\n"
                        "# a remark\n\n"
                        "00101000000010, " K "," OPC ",,,\r\n"
                        "\"001010000000011\"," K "," OPC ",100 Mbps,50 Mbps,3\n"
                        "00101x," K "," OPC ",,,\n"
                        "001010000000012,12345678123456781234567812345" "6zz," OPC ",,,\n"
                        "001010000000013,," OPC ",,,\n"
                        "001010000000014," K "," OPC ",100 Mbps,,\n"
                        "001010000000015," K "," OPC ",,\n"
                        "001010000000016," K "," OPC ",,,,\n"
                        "001010000000017," K "," OPC ",,,16\n"
                        "001010000000011," K "," OPC ",,,\n");
    assert_int_equal(DO("import", path("in.csv"), "--dry-run"), 1);
    says(c.out, "3 subscribers would be imported");
    assert_int_equal(DO("import", path("in.csv")), 1);
    says(c.out, "2 subscribers imported");
    says(c.out, "8 lines wrong");
    says(c.err, "in.csv:6: imsi: expected 6 to 15 digits");
    says(c.err, "in.csv:7: k: expected 32 hex digits");
    says(c.err, "in.csv:8: k is missing");
    says(c.err, "in.csv:9: session-ambr-down and session-ambr-up go together");
    says(c.err, "in.csv:10: found 5 columns, expected 6");
    says(c.err, "in.csv:11: found more than 6 columns");
    says(c.err, "in.csv:12: arp: expected 1 to 15");
    says(c.err, "in.csv:13: this subscriber is there already");
    assert_null(strstr(c.err, "6zz"));
    assert_int_equal(DO("show", "00101000000010"), 0);
    assert_int_equal(DO("show", "001010000000011"), 0);
    says(c.out, "100000000 bps down, 50000000 bps up");
    file_make("bad.csv", "imsi,key\n");
    assert_int_equal(DO("import", path("bad.csv")), 1);
    says(c.err, "bad.csv:1: found column 'key'");
    file_make("empty.csv", "\n");
    assert_int_equal(DO("import", path("empty.csv")), 1);
    says(c.err, "expected a first line");
    assert_int_equal(DO("import", path("none.csv")), 1);
    file_make("twice.csv", "imsi,k,k\n");
    assert_int_equal(DO("import", path("twice.csv")), 1);
    says(c.err, "column k twice");
}

static void home_network_keys(void **state)
{
    char pem[4096], set[256];
    assert_int_equal(DO("keygen", "--profile", "C", "--output", path("x.pem")), 2);
    assert_int_equal(DO("keygen", "--profile", "A"), 2);
    static const char *const profiles[] = {"A", "B"};
    for (int i = 0; i < 2; i++) {
        const char *file = i ? "b.pem" : "a.pem";
        assert_int_equal(DO("keygen", "--profile", profiles[i], "--id", "7", "--output", path(file)), 0);
        assert_int_equal(mode_of(file), 0600);
        file_text(file, pem);
        says(pem, i ? "BEGIN EC PRIVATE KEY" : "BEGIN PRIVATE KEY");
        says(c.out, "identifier 7");
        assert_null(strstr(c.out, "PRIVATE KEY"));
        snprintf(set, sizeof set, "udm.home_network_keys=[{id: 7, profile: %s, file: %s}]", profiles[!i], path(file));
        char db[128], sock[128];
        snprintf(db, sizeof db, "udr.path=%s/run.db", folder);
        snprintf(sock, sizeof sock, "control.socket=%s/sock", folder);
        assert_int_equal(command_run(&c, binary, "run", "--set", "network.nfs=[udr, udm]", "--set", db, "--set", sock,
                                     "--set", set, NULL), 1);
        says(c.err, "it is of the other profile");
    }
}

static void mistakes(void **state)
{
    assert_int_equal(command_run(&c, binary, "subscriber", NULL), 2);
    assert_int_equal(DO("nix", "x"), 2);
    assert_int_equal(DO("show", "--limit", "1"), 2);
    assert_int_equal(DO("list", "x"), 2);
    assert_int_equal(DO("add", "--imsi", "12345"), 2);
    says(c.err, "--imsi: expected 6 to 15 digits");
    assert_int_equal(DO("add", "--imsi", "001010000000001", "--k", "zz"), 2);
    assert_null(strstr(c.err, "zz"));
    assert_int_equal(DO("add", "--k", K, "--opc", OPC), 2);
    says(c.err, "imsi is missing");
    assert_int_equal(DO("add", "--imsi", "001010000000001", "--k", K), 2);
    says(c.err, "opc or op is missing");
    assert_int_equal(DO("list", "--frob"), 2);
    assert_int_equal(command_run(&c, binary, "subscriber", "list", "--store", "/proc/none/s.db", NULL), 1);
    file_make("junk.db", "this is no database, and long enough to be seen as one that is none ............................");
    assert_int_equal(command_run(&c, binary, "subscriber", "list", "--store", path("junk.db"), NULL), 1);
    says(c.err, "junk.db");
}

static int start(void **state)
{
    assert_non_null(mkdtemp(folder));
    snprintf(store, sizeof store, "%s/store.db", folder);
    return 0;
}
static int end(void **state) { return command_run(&c, "/bin/rm", "-r", folder, NULL); }
int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {unit(add_show_list_remove), unit(keys_go_to_their_file_alone),
                                              unit(import_tells_each_wrong_line), unit(home_network_keys),
                                              unit(mistakes)};
    binary = argc > 1 ? argv[1] : "";
    return cmocka_run_group_tests(tests, start, end);
}
