/* SPDX-License-Identifier: Apache-2.0 */
/* Bills of materials: what is kept, what is refused with its line, and that a new bill takes the place of the old one. */
#include "sim/store_memory.h"
#include "tests/test.h"
#include "trust/cyclonedx.h"
#include "trust/inventory_store.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
static const char bill[] =
    "{ \"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.6\", \"version\": 1, \"serialNumber\": \"urn:uuid:0\",\n"
    "  \"metadata\": {\"timestamp\": \"2026-01-01T00:00:00Z\", \"component\": {\"type\": \"firmware\", \"name\": \"AirBase\", \"version\": \"4.1\"}},\n"
    "  \"components\": [\n"
    "    {\"type\": \"library\", \"group\": \"org\", \"name\": \"tls\", \"version\": \"3.0\", \"purl\": \"pkg:generic/tls@3.0\",\n"
    "     \"hashes\": [{\"alg\": \"MD5\", \"content\": \"00\"}, {\"content\": \"" HASH "\", \"alg\": \"SHA-256\"}],\n"
    "     \"supplier\": {\"name\": \"TLS \\u0026 Co\", \"url\": [\"https://x\"]}, \"licenses\": [{\"license\": {\"id\": \"MIT\"}}, {\"expression\": \"A OR B\"}]},\n"
    "    {\"name\": \"os\", \"components\": [{\"type\": \"library\", \"name\": \"inner\", \"version\": \"1\", \"manufacturer\": {\"name\": \"M\"}}], \"type\": \"operating-system\"},\n"
    "    {\"type\": \"library\", \"group\": \"org\", \"name\": \"tls\", \"version\": \"3.0\"}],\n"
    "  \"dependencies\": [{\"ref\": \"a\", \"dependsOn\": [\"b\"]}]\n}\n";

static char lines[2048];
static struct cyclonedx out;
static int print_row(void *ctx, const struct inv_texts *t)
{
    struct text *x = ctx;
    inv_csv_line(x, INV_component, t);
    return OK;
}
static int read_bill(const char *text)
{
    struct text t = text_over(lines, sizeof lines);
    lines[0] = 0;
    return cyclonedx_read(str_of(text), STR("p"), print_row, &t, &out);
}
static void keeps(void **state)
{
    assert_int_equal(read_bill(bill), OK);
    assert_string_equal(lines, "p,org/tls,3.0,pkg:generic/tls@3.0," HASH ",TLS & Co,MIT AND A OR B,library,\n"
                               "p,inner,1,,,M,,library,\np,os,,,,,,operating-system,\n");
    assert_int_equal(out.components * 10 + out.repeated, 31);
    assert_string_equal(out.name, "AirBase");
    assert_string_equal(out.version, "4.1");
    assert_int_equal(read_bill("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.2\"}"), OK);
    assert_string_equal(lines, "");
}
static void refuses(void **state)
{
    static const struct {
        const char *text, *why;
        uint32_t line, column;
    } wrong[] = {
        {"{}", "this is no CycloneDX: bomFormat does not say so", 1, 1},
        {"{\"bomFormat\":\"SPDX\"}", "this is no CycloneDX: bomFormat does not say so", 1, 1},
        {"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"2.0\"}", "specVersion: expected 1.2 to 1.7", 1, 40},
        {"{\"bomFormat\":\"CycloneDX\",\n\"components\":[{\"name\":\"x\"},\n {\"version\":\"1\"}]}", "a component without a name", 3, 2},
        {"{\"bomFormat\":\"CycloneDX\",\"components\":[{\"name\":\"a\\nb\"}]}",
         "a component's name: expected a text on one line, without control characters", 1, 40},
        {"{\"bomFormat\":\"CycloneDX\",\"components\":[{\"name\":\"a\",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"12\"}]}]}",
         "a component's sha256: expected SHA-256 as 64 hex digits", 1, 40},
        {"{\"bomFormat\":\"CycloneDX\",\"components\":[{\"group\":\"g\",\"version\":\"1\"}]}", "a component without a name", 1, 40},
        {"{\"bomFormat\":\"CycloneDX\",\"metadata\":{\"component\":{\"name\":\"\\u001b[2J\"}}}", /* it would clear the screen */
         "a component's name: expected a text on one line, without control characters", 1, 50},
        {"{\"bomFormat\":\"CycloneDX\",\"components\":[7]}", "expected an object, { ... }", 1, 40},
        {"[]", "expected an object, { ... }", 1, 1},
        {"", "the text ends before it should", 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(read_bill(wrong[i].text), ERR_SYNTAX);
        assert_string_equal(out.why, wrong[i].why);
        assert_int_equal(out.line * 1000 + out.column, wrong[i].line * 1000 + wrong[i].column);
    }
}
/* The group is a part of the name: two groups with one name are two components, and what is too long is said. */
static void groups_are_kept(void **state)
{
    char text[4000], g[1001];
    memset(g, 'g', 1000);
    g[1000] = 0;
    for (int n = 998; n <= 1000; n++) {
        snprintf(text, sizeof text, "{\"bomFormat\":\"CycloneDX\",\"components\":[{\"group\":\"%.*s\",\"name\":\"x\"},"
                                    "{\"group\":\"h\",\"name\":\"x\"},{\"name\":\"x\"}]}", n, g);
        int e = read_bill(text);
        assert_int_equal(e, n == 998 ? OK : ERR_SYNTAX);
        if (e == OK)
            assert_int_equal(out.components, 3);
        else
            assert_string_equal(out.why, "a component's name: expected at most 1000 octets");
    }
}
/* Cut anywhere: an error with a place, never anything else. */
static void refuses_what_is_cut(void **state)
{
    char copy[sizeof bill];
    for (size_t n = 0; n < sizeof bill - 3; n++) {
        memcpy(copy, bill, n);
        copy[n] = 0;
        assert_int_equal(read_bill(copy), ERR_SYNTAX);
        assert_true(out.line >= 1 && out.column >= 1 && out.why[0]);
    }
}

static int import(struct store *s, enum inv_kind kind, const char *csv, const char *within, struct inv_import_result *r)
{
    struct inv_text t = {STR("x"), str_of(csv), false, kind};
    struct inv_report report;
    static uint64_t now = 1;
    struct inv_import m = {.texts = &t, .n_texts = 1, .from = 20000, .now_us = ++now, .complete = within != NULL, .within = str_of(within)};
    int e = inventory_import(s, &m, &report, r);
    inv_report_free(&report);
    return e;
}
static void replaces_within_the_product(void **state)
{
    struct store *s = store_memory_new();
    struct inv_import_result r;
    assert_int_equal(import(s, INV_supplier, "id,name,country\na,A,SE\n", NULL, &r), OK);
    assert_int_equal(import(s, INV_product, "id,supplier,name,function\np,a,P,gnb\npp,a,P,gnb\n", NULL, &r), OK);
    assert_int_equal(import(s, INV_component, "product,name\np,x\np,y\npp,x\n", NULL, &r), OK);
    assert_int_equal(import(s, INV_component, "product,name\np,x\np,z\n", "p\x1f", &r), OK);
    assert_int_equal(r.added * 100 + r.removed * 10 + r.same, 111);
    assert_int_equal(import(s, INV_component, "product,name\n", "p\x1f", &r), OK); /* an empty bill */
    assert_int_equal(r.removed, 2);
    struct inventory *v;
    char why[200];
    assert_int_equal(inventory_load(&v, s, &(struct inv_asked){.as_of = 20000}, why, sizeof why), OK);
    assert_int_equal(v->n_components, 1);
    assert_true(str_is(inventory_product(v, v->components[0].product)->id, "pp"));
    inventory_free(v);
    store_memory_free(s);
}

int main(void) { return RUN(unit(keeps), unit(refuses), unit(groups_are_kept), unit(refuses_what_is_cut), unit(replaces_within_the_product)); }
