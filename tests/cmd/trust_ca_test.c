/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt trust ca and identity: enrolment binds, and every wrong certificate is told by its name. */
#include "command.h"
#include "tests/test.h"
#include <sys/stat.h>

static const char *binary;
static struct command c;
static char folder[] = "/tmp/redoubt-ca-XXXXXX", store[80], dir[80], out[80];
#define CA(...)  command_run(&c, binary, "trust", "ca", __VA_ARGS__, "--dir", dir, "--store", store, NULL)
#define WHO(...) command_run(&c, binary, "trust", "identity", "verify", __VA_ARGS__, "--dir", dir, "--store", store, NULL)
#define INVENTORY(...) command_run(&c, binary, "trust", "inventory", __VA_ARGS__, "--store", store, NULL)

static char *path(const char *of, const char *name)
{
    static char text[8][160];
    static unsigned i;
    char *p = text[i++ % 8];
    snprintf(p, 160, "%s/%s", of, name);
    return p;
}
static void says(const char *stream, const char *text)
{
    if (!strstr(stream, text))
        fail_msg("no '%s' in: %s%s", text, c.out, c.err);
}
static unsigned mode_of(const char *file)
{
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    return st.st_mode & 0777;
}
static int setup(void **state)
{
    snprintf(store, sizeof store, "%s/store.db", folder);
    snprintf(dir, sizeof dir, "%s/ca", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    FILE *f = fopen(path(folder, "elements.csv"), "w");
    fputs("id,function,address,serial\ngnb-1,gnb,10.0.0.1,S1\ngnb-2,gnb,10.0.0.2,S2\nupf/1,upf,10.0.0.3,S3\n", f);
    fclose(f);
    return INVENTORY("import", path(folder, "elements.csv"), "--from", "2020-01-01");
}

static void enrols(void **state)
{
    assert_int_equal(CA("list"), 1);
    says(c.err, "'redoubt trust ca init --name NAME' makes one");
    assert_int_equal(CA("init", "--name", "lab"), 0);
    assert_int_equal(mode_of(path(dir, "ca.key")), 0600);
    assert_int_equal(CA("init", "--name", "lab"), 1);
    says(c.err, "not replaced");
    assert_int_equal(CA("enrol", "gnb-1", "upf/1", "--output", out), 0);
    assert_int_equal(mode_of(path(out, "gnb-1.key")), 0600);
    assert_int_equal(mode_of(path(out, "upf_1.key")), 0600);
    assert_int_equal(CA("enrol", "nobody", "--output", out), 1);
    says(c.err, "no such element");
    assert_int_equal(INVENTORY("show", "gnb-1"), 0);
    says(c.out, "proves itself by the key of its certificate");
    says(c.out, "serial           S1"); /* the rest of the record stays */
    assert_int_equal(WHO(path(out, "gnb-1.crt"), path(out, "upf_1.crt")), 0);
    says(c.out, "gnb-1.crt: proved: 'gnb-1'");
    says(c.out, "upf_1.crt: proved: 'upf/1'");
    assert_int_equal(CA("enrol", "--all", "--output", out), 0);
    says(c.out, "gnb-2: ");
    assert_int_equal(CA("list"), 0);
    says(c.out, "  gnb-2");
}
static void tells_what_is_wrong(void **state)
{
    char *crt = path(out, "gnb-1.crt");
    assert_int_equal(WHO(crt, "--claims", "gnb-2"), 1);
    says(c.out, "other-element: ");
    assert_int_equal(WHO(crt, "--from", "10.0.0.77"), 1);
    says(c.out, "cloned: ");
    assert_int_equal(WHO(crt, "--at", "2020-02-01"), 1);
    says(c.out, "not-yet-valid: ");
    assert_int_equal(WHO(crt, "--at", "2190-01-01"), 1);
    says(c.out, "expired: ");
    assert_int_equal(WHO(path(dir, "ca.crt")), 1);
    says(c.out, "unfit: ");
    assert_int_equal(WHO(path(folder, "elements.csv")), 1);
    says(c.out, "malformed: ");
    char again[80];
    snprintf(again, sizeof again, "%s/again", folder);
    assert_int_equal(CA("enrol", "gnb-2", "--output", again, "--no-bind"), 0);
    assert_int_equal(WHO(path(again, "gnb-2.crt")), 1);
    says(c.out, "other-key: ");
    assert_int_equal(CA("revoke", "gnb-1", "--reason", "keyCompromise"), 0);
    assert_int_equal(WHO(crt), 1);
    says(c.out, "revoked: the certificate of 'gnb-1' was revoked");
    assert_int_equal(WHO(path(out, "gnb-2.crt")), 0);
    assert_int_equal(CA("revoke", "gnb-1"), 1);
    assert_int_equal(CA("revoke", "gnb-1", "--reason", "boredom"), 2);
    assert_int_equal(CA("crl", "--days", "30"), 0);
    says(c.out, "number 3, for 30 days");
    assert_int_equal(CA("list"), 0);
    says(c.out, "revoked");
}
static void refuses_words(void **state)
{
    assert_int_equal(CA("enrol", "gnb-1"), 2);
    assert_int_equal(CA("enrol", "--output", out), 2);
    assert_int_equal(CA("sign", path(out, "gnb-1.crt"), "--element", "gnb-1", "--output", out), 1);
    says(c.err, "no certificate request");
    assert_int_equal(CA("invent"), 2);
    assert_int_equal(WHO("--from", "nowhere"), 2);
    assert_int_equal(WHO("/nonexistent"), 1);
}
static int clean(void **state) { return command_run(&c, "/bin/rm", "-r", folder, NULL); }

int main(int argc, char **argv)
{
    binary = argv[1];
    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests(((const struct CMUnitTest[]){unit(enrols), unit(tells_what_is_wrong), unit(refuses_words)}), setup, clean);
}
