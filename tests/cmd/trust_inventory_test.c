/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt trust inventory: import, what it refuses, what was true when, export that imports again. */
#include "command.h"
#include "tests/test.h"
#include <sys/stat.h>

static const char *binary;
static struct command c;
static char folder[] = "/tmp/redoubt-inventory-XXXXXX", store[80];
#define DO(word, ...) command_run(&c, binary, "trust", "inventory", word, "--store", store, __VA_ARGS__, NULL)

static char *path(const char *name)
{
    static char text[8][96];
    static unsigned i;
    char *p = text[i++ % 8];
    snprintf(p, 96, "%s/%s", folder, name);
    return p;
}
static char *file_make(const char *name, const char *text)
{
    char *p = path(name);
    FILE *f = fopen(p, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return p;
}
static void says(const char *stream, const char *text)
{
    if (!strstr(stream, text))
        fail_msg("no '%s' in: %s%s", text, c.out, c.err);
}

static void imports_and_remembers(void **state)
{
    file_make("suppliers.csv", "id,name,country\nnordtel,Nordtel AB,SE\nharbin,Harbin Radio,CN\n");
    file_make("products.csv", "id,supplier,name,function,generation\nhr,harbin,HR5000,gnb,5\n");
    file_make("elements.csv", "id,function,product,region\ng1,gnb,hr,North\ng2,gnb,hr,South\n");
    assert_int_equal(DO("import", folder, "--from", "2020-01-01", "--note", "first count"), 0);
    says(c.out, "5 records added");
    char *products = file_make("products.csv", "id,supplier,name,function,generation\nhr,nordtel,NT1,gnb,5\n");
    assert_int_equal(DO("import", products, "--from", "2024-01-01", "--dry-run"), 0);
    says(c.out, "1 would be changed");
    assert_int_equal(DO("import", products, "--from", "2024-01-01"), 0);
    assert_int_equal(DO("list", "--supplier", "harbin radio", "--at", "2023-12-31"), 0);
    says(c.out, "2 of 2 elements");
    assert_int_equal(DO("list", "--supplier", "harbin", "--at", "2024-01-01"), 0);
    says(c.out, "0 of 2 elements");
    assert_int_equal(DO("list", "--region", "north", "--function", "gnb"), 0);
    says(c.out, "1 of 2 elements");
    assert_int_equal(DO("show", "g1"), 0);
    says(c.out, "Nordtel AB (SE)");
    assert_int_equal(DO("history", "product", "hr"), 0);
    says(c.out, "harbin  ->  nordtel");
    assert_int_equal(DO("history", "--set", "udr.path=unused"), 0);
    says(c.out, "first count");
    assert_int_equal(DO("check", "--at", "2024-02-01"), 0);
    says(c.out, "elements that cannot prove who they are, such as g1");
    assert_int_equal(DO("remove", "element", "g2", "--from", "2025-01-01"), 0);
    assert_int_equal(DO("list", "--at", "2025-01-02"), 0);
    says(c.out, "1 of 1 elements");
}
static void refuses(void **state)
{
    char *wrong = file_make("elements.csv", "id,function,product\ng3,gnb,hr\ng4,gnb,hrr\n");
    assert_int_equal(DO("import", wrong), 1);
    says(c.err, "elements.csv:3:8: product: there is no product 'hrr'; is 'hr' meant?");
    says(c.err, "1 mistakes; nothing was imported");
    assert_int_equal(DO("show", "g3"), 1);
    says(c.err, "no such record");
    assert_int_equal(DO("import", file_make("things.csv", "id\n")), 2);
    says(c.err, "the name says no kind of record");
    assert_int_equal(DO("import", "/nonexistent.json"), 1);
    assert_int_equal(DO("import", wrong, "--kind", "elemnts"), 2);
    says(c.err, "is 'elements' meant?");
    assert_int_equal(DO("import", wrong, "--from", "2024-02-30"), 2);
    assert_int_equal(DO("remove", "supplier", "nordtel"), 1);
    says(c.err, "nothing was removed");
    assert_int_equal(DO("remove", "element", "nobody"), 1);
    assert_int_equal(DO("list", "--function", "gbn"), 2);
    assert_int_equal(DO("check", file_make("x.json", "{\"elements\":[{\"id\":\"e\",\"function\":\"gnb\",\"latitude\":100,\"longitude\":1}]}")), 1);
    says(c.err, "x.json:1:52: latitude: found 100");
    assert_int_equal(command_run(&c, binary, "trust", "inventroy", NULL), 2);
    says(c.err, "did you mean 'inventory'?");
    assert_int_equal(command_run(&c, binary, "trust", "inventory", "--help", NULL), 0);
    says(c.out, "--correct");
    assert_int_equal(command_run(&c, binary, "trust", "inventory", "fields", "element", NULL), 0);
    says(c.out, "gnb_id_bits");
}
static void exports_what_imports(void **state)
{
    char *all = path("all.json"), *csv = path("csv");
    assert_int_equal(DO("export", "--json", "--output", all), 0);
    assert_int_equal(DO("export", "--output", csv), 0);
    assert_int_equal(DO("export", "--json", "--output", all), 1);
    says(c.err, "not replaced");
    assert_int_equal(DO("export", "elements"), 0);
    says(c.out, "g1,,gnb,hr,");
    assert_int_equal(DO("import", all, "--complete"), 0);
    says(c.out, "0 records added, 0 changed, 0 removed");
    assert_int_equal(DO("import", csv, "--complete"), 0);
    says(c.out, "0 records added, 0 changed, 0 removed");
}
static void takes_a_bill(void **state)
{
    char *bill = file_make("bill.json", "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[\n"
                                        "{\"type\":\"library\",\"name\":\"tls\",\"version\":\"3\"},{\"type\":\"library\",\"name\":\"os\"}]}");
    assert_int_equal(DO("bom", "hr", bill), 0);
    says(c.out, "2 components");
    assert_int_equal(DO("bom", "hr", bill), 0);
    says(c.out, "0 records added");
    assert_int_equal(DO("show", "product", "hr"), 0);
    says(c.out, "2 in its bill of materials");
    assert_int_equal(DO("show", "component", "hr / tls / 3"), 0);
    assert_int_equal(DO("bom", "nothing", bill), 1);
    says(c.err, "there is no product 'nothing'");
    assert_int_equal(DO("bom", "hr", file_make("bad.json", "{\n\"bomFormat\":\"SPDX\"}")), 1);
    says(c.err, "bad.json:1:1: this is no CycloneDX");
}
/* As long as the texts of a component may be, each octet one that CSV and JSON write as two. */
static void takes_a_long_bill(void **state)
{
    char quotes[2001], *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    for (unsigned i = 0; i < 1000; i++)
        memcpy(quotes + 2 * i, "\\\"", 3);
    fprintf(f, "{\"bomFormat\":\"CycloneDX\",\"components\":[{\"name\":\"a\",\"version\":\"%s\",\"purl\":\"%s\",\"type\":\"%s\","
               "\"supplier\":{\"name\":\"%s\"},\"licenses\":[{\"expression\":\"%s\"}]},{\"name\":\"hidden\"}]}",
            quotes, quotes, quotes, quotes, quotes);
    fclose(f);
    assert_int_equal(DO("bom", "hr", file_make("long.json", text)), 0);
    free(text);
    says(c.out, "2 components");
    says(c.out, "2 records added");
    assert_int_equal(DO("show", "component", "hr / hidden / "), 0);
    assert_int_equal(DO("list", "components", "--json"), 0);
    char *id = c.out; /* the record of the long texts, whole */
    says(id, "\"type\":\"");
    char *key = malloc(1200), *p = key + sprintf(key, "hr / a / ");
    memset(p, '"', 1000);
    p[1000] = 0;
    assert_int_equal(DO("show", "component", key, "--json"), 0);
    says(c.out, "\"}\n");
    free(key);
}
static void makes_a_country(void **state)
{
    char *csv = path("made"), *json = path("made.json"), *db = path("made.db");
#define SYNTH(...) command_run(&c, binary, "trust", "synth", "--sites", "60", __VA_ARGS__, NULL)
    assert_int_equal(SYNTH("--output", csv), 0);
    says(c.out, "63 sites");
    assert_int_equal(SYNTH("--output", json), 0);
    assert_int_equal(command_run(&c, binary, "trust", "inventory", "check", csv, NULL), 0);
    says(c.out, "synthetic");
    assert_int_equal(SYNTH("--import", "--store", db), 0);
    assert_int_equal(command_run(&c, binary, "trust", "inventory", "import", json, "--store", db, NULL), 0);
    says(c.out, "0 records added, 0 changed");
    assert_int_equal(command_run(&c, binary, "trust", "inventory", "list", "--store", db, "--limit", "3", NULL), 0);
    says(c.out, "synthetic: made up for a trial");
    assert_int_equal(SYNTH("--import", "--store", store), 1); /* a real one is there */
    says(c.err, "not synthetic");
    assert_int_equal(SYNTH("--output", csv), 1);
    assert_int_equal(SYNTH("--output", csv, "--import"), 2);
    assert_int_equal(SYNTH("--operators", "9", "--output", csv), 2);
    assert_int_equal(SYNTH("--suppliers", "A:XX:1", "--output", csv), 2);
    says(c.err, "NAME:COUNTRY:SHARE");
}
static int clean(void **state)
{
    return command_run(&c, "/bin/rm", "-r", folder, NULL);
}

int main(int argc, char **argv)
{
    binary = argv[1];
    if (!mkdtemp(folder))
        return 1;
    snprintf(store, sizeof store, "%s/store.db", folder);
    return cmocka_run_group_tests(((const struct CMUnitTest[]){unit(imports_and_remembers), unit(refuses), unit(exports_what_imports), unit(takes_a_bill), unit(takes_a_long_bill), unit(makes_a_country)}),
                                  NULL, clean);
}
