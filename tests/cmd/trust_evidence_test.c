/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt trust evidence: keys, entries by hand, proofs, witnesses, and what verify says of a copy that was touched. */
#include "command.h"
#include "tests/test.h"
#include <sys/stat.h>

static const char *binary;
static struct command c;
static char folder[] = "/tmp/redoubt-evidence-XXXXXX";
#define DO(...) command_run(&c, binary, "trust", "evidence", __VA_ARGS__, NULL)

static char *path(const char *name)
{
    static char text[16][128];
    static unsigned i;
    char *p = text[i++ % 16];
    snprintf(p, 128, "%s/%s", folder, name);
    return p;
}
static void says(const char *stream, const char *text)
{
    if (!strstr(stream, text))
        fail_msg("no '%s' in: %s", text, stream);
}

static void keys(void **state)
{
    struct stat st;
    assert_int_equal(DO("keygen", "--name", "evidence.example/core", "--output", path("log.key")), 0);
    says(c.out, "evidence.example/core+");
    assert_null(strstr(c.out, "PRIVATE"));
    assert_int_equal(stat(path("log.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char *key = strstr(c.out, "evidence.example/core+");
    FILE *f = fopen(path("log.pub"), "w");
    assert_non_null(f);
    fputs(key, f);
    fclose(f);
    assert_int_equal(DO("keygen", "--name", "evidence.example/core", "--output", path("log.key")), 1);
    says(c.err, "not replaced");
    assert_int_equal(DO("keygen", "--name", "no spaces", "--output", path("x.key")), 2);
    assert_int_equal(DO("keygen", "--output", path("x.key")), 2);
    assert_int_equal(DO("keygen", "--witness-key", "--name", "witness.example/w", "--output", path("witness.key")), 0);
    assert_int_equal(DO("keygen", "--seal", "--output", path("seal.key")), 0);
}

static void entries(void **state)
{
    for (int i = 0; i < 4; i++)
        assert_int_equal(DO("add", "--dir", path("log"), "--key", path("log.key"), "--subject", "gnb \x1b[31m1", "{\"seen\":true}"), 0);
    assert_int_equal(DO("list", "--dir", path("log")), 0);
    says(c.out, "       3  20");
    says(c.out, "note      gnb ?[31m1  {\"seen\":true}"); /* a terminal is safe from names */
    assert_int_equal(DO("list", "--dir", path("log"), "--json", "--from", "3"), 0);
    says(c.out, "{\"index\":3,\"time\":\"");
    says(c.out, "\"body\":\"{\\\"seen\\\":true}\"}");
    assert_int_equal(DO("list", "--dir", path("log"), "--kind", "finding"), 0);
    assert_int_equal(strlen(c.out), 0);
    assert_int_equal(DO("list", "--dir", path("log"), "--kind", "nothing"), 2);
    assert_int_equal(DO("show", "2", "--dir", path("log")), 0);
    says(c.out, "redoubt-evidence/v1\ntime 20");
    assert_int_equal(DO("show", "4", "--dir", path("log")), 1);
    says(c.err, "not so many");
    assert_int_equal(DO("show", "2", "--dir", path("log"), "--message-key", "00"), 1);
    assert_int_equal(DO("list", "--dir", path("nowhere")), 1);
    says(c.err, "no such folder");
    assert_int_equal(DO("lsit"), 2);
    says(c.err, "did you mean list");
    assert_int_equal(DO("add", "--dir", path("log"), "--key", path("log.pub"), "--subject", "s", "b"), 1);
    says(c.err, "no private key");
}

static void verify(void **state)
{
    assert_int_equal(DO("checkpoint", "--dir", path("log"), "--output", path("held")), 0);
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub")), 0);
    says(c.out, "4 of them signed");
    says(c.out, "Only a checkpoint from elsewhere");
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub"), "--checkpoint", path("held"), "--json"), 0);
    says(c.out, "{\"ok\":true,\"entries\":4,\"signed\":4,");
    assert_int_equal(DO("verify", path("log"), "--key", path("witness.key")), 1);
    says(c.out, "not signed by the log's key");
    assert_int_equal(DO("verify", path("log")), 2);
    FILE *f = fopen(path("log/entries-00000000"), "r+");
    assert_non_null(f);
    fseek(f, 150, SEEK_SET);
    int was = fgetc(f);
    fseek(f, 150, SEEK_SET);
    fputc(was ^ 1, f);
    fflush(f);
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub"), "--checkpoint", path("held")), 1);
    says(c.out, "WRONG  entry ");
    says(c.out, "NOT what was signed.");
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub"), "--json"), 1);
    says(c.out, "{\"ok\":false,");
    assert_int_equal(DO("add", "--dir", path("log"), "--key", path("log.key"), "--subject", "s", "b"), 1);
    fseek(f, 150, SEEK_SET);
    fputc(was, f);
    fclose(f);
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub")), 0);
}

static void proofs_and_witnesses(void **state)
{
    assert_int_equal(DO("prove", "2", "--dir", path("log"), "--output", path("2.tlog-proof")), 0);
    assert_int_equal(DO("show", "2", "--dir", path("log"), "--output", path("2.entry")), 0);
    assert_int_equal(DO("show", "1", "--dir", path("log"), "--output", path("1.entry")), 0);
    assert_int_equal(DO("verify", "--proof", path("2.tlog-proof"), "--entry", path("2.entry"), "--key", path("log.pub")), 0);
    says(c.out, "number 2 of evidence.example/core");
    assert_int_equal(DO("verify", "--proof", path("2.tlog-proof"), "--entry", path("1.entry"), "--key", path("log.pub")), 1);
    says(c.out, "NOT proved");
    assert_int_equal(DO("prove", "7", "--dir", path("log")), 1);
    assert_int_equal(DO("prove", "--consistency", "0", "--dir", path("log"), "--output", path("request")), 0);
    assert_int_equal(DO("witness", path("request"), "--key", path("witness.key"), "--state", path("witness"), "--log", path("log.pub"),
                        "--output", path("answer")), 0);
    assert_int_equal(DO("witness", "--add", path("answer"), "--witness", path("witness.key"), "--dir", path("log")), 0);
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub"), "--witness", path("witness.key")), 0);
    says(c.out, "1 cosignature of witnesses");
    assert_int_equal(DO("add", "--dir", path("log"), "--key", path("log.key"), "--subject", "s", "b"), 0);
    assert_int_equal(DO("prove", "--consistency", "0", "--dir", path("log"), "--output", path("request")), 0);
    assert_int_equal(DO("witness", path("request"), "--key", path("witness.key"), "--state", path("witness"), "--log", path("log.pub")), 1);
    says(c.err, "prove --consistency 4");
    assert_int_equal(DO("witness", path("request"), "--key", path("log.key"), "--state", path("witness"), "--log", path("log.pub")), 1);
    says(c.err, "keygen --witness-key");
    assert_int_equal(DO("verify", path("log"), "--key", path("log.pub"), "--witness", path("witness.key")), 0);
}

int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "";
    if (!mkdtemp(folder))
        return 1;
    int failed = RUN(unit(keys), unit(entries), unit(verify), unit(proofs_and_witnesses));
    command_run(&c, "/bin/rm", "-rf", folder, NULL);
    return failed;
}
