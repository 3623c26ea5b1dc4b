/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory: what is read, what is refused and how, what it was on a day, and what a crash leaves. */
#include "sim/store_memory.h"
#include "tests/test.h"
#include "trust/inventory_store.h"
#include <stdlib.h>

#define SUPPLIERS "id,name,aliases,parent,country\nnordtel,Nordtel AB,Nordtel;NTEL,,SE\nnordtel-us,Nordtel Inc,,nordtel,US\n" \
                  "harbin,Harbin Radio,,,CN\n"
#define PRODUCTS  "id,supplier,name,function,version,generation\nnt-gnb,nordtel-us,AirBase 9,gnb,4.1,5\nhr-gnb,harbin,HR5000,gnb,2,5\n" \
                  "nt-upf,nordtel,PacketCore,upf,7,5\n"
#define SITES     "id,region,latitude,longitude,sensitivity\ns1,Stockholm,59.33,18.06,sensitive\ns2,Uppsala,59.86,17.64,\n"
#define HEX       "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ELEMENTS  "id,function,product,site,plmn,gnb_id,gnb_id_bits,node_id,address,key_sha256,identity,subscribers,area_km2\n" \
                  "g1,gnb,nt-gnb,s1,001-01,1,24,,10.0.0.1," HEX ",,900,3.5\n"                                           \
                  "g2,gnb,hr-gnb,s2,001-01,2,24,,10.0.0.2,,address-only,100,20\n"                                     \
                  "u1,upf,nt-upf,s1,,,,upf1.example,10.0.0.1,,,,\n"
#define NEIGHBOURS "element,neighbour,overlap\ng1,g2,20\ng2,g1,5.5\n"
static const struct inv_asked asked = {.as_of = 20000, .secret = {1, 2}};
static char why[512];

struct one {
    enum inv_kind kind;
    const char *text;
};
/* NULL: not given. The first finding to why[], as "file:line:column: text". */
static struct inventory *read_all(const struct one *files, uint32_t n)
{
    struct inv_text texts[10];
    struct inv_report report;
    struct inventory *v;
    for (uint32_t i = 0; i < n; i++)
        texts[i] = (struct inv_text){str_of(inv_kind_desc(files[i].kind)->file), str_of(files[i].text), false, files[i].kind};
    int e = inventory_read(&v, texts, n, &asked, &report);
    why[0] = 0;
    if (report.n_findings)
        snprintf(why, sizeof why, STR_FMT ":%u:%u: %s", STR_ARG(texts[report.findings[0].text].name),
                 report.findings[0].line, report.findings[0].column, report.findings[0].why);
    assert_int_equal(e == OK, v != NULL);
    assert_int_equal(e == OK, report.n_findings == 0);
    inv_report_free(&report);
    return v;
}
#define READ(...) read_all((const struct one[]){__VA_ARGS__}, ARRAY_LEN(((const struct one[]){__VA_ARGS__})))
#define COUNTRY   {INV_supplier, SUPPLIERS}, {INV_product, PRODUCTS}, {INV_site, SITES}
static void refused(struct inventory *v, const char *text)
{
    assert_null(v);
    if (strcmp(why, text) != 0)
        fail_msg("found '%s', expected '%s'", why, text);
}

static void reads_and_finds(void **state)
{
    struct inventory *v = READ(COUNTRY, {INV_element, ELEMENTS}, {INV_neighbour, NEIGHBOURS});
    assert_non_null(v);
    assert_int_equal(v->n_elements, 3);
    uint32_t g1 = inventory_find(v, INV_element, STR("g1"));
    const struct inv_element *e = inventory_element(v, g1);
    assert_non_null(e);
    assert_true(str_is(inventory_supplier(v, e->supplier)->id, "nordtel-us"));
    assert_true(str_is(e->version, "4.1"));
    assert_true(str_is(e->region, "Stockholm"));
    assert_int_equal(e->sensitivity, INV_SENSITIVITY_sensitive);
    assert_int_equal(e->identity, INV_IDENTITY_certificate);
    assert_true(e->latitude > 59.3 && e->latitude < 59.4);
    assert_true(inventory_in_group(v, e->supplier, inventory_find_supplier(v, STR("ntel"))));
    assert_false(inventory_in_group(v, inventory_find_supplier(v, STR("NORDTEL")), e->supplier));
    uint8_t plmn[3] = {0x00, 0xf1, 0x10}, key[32];
    assert_true(hex_get(key, 32, STR(HEX)));
    assert_int_equal(inventory_by_gnb(v, plmn, 1, 24), g1);
    assert_int_equal(inventory_by_gnb(v, plmn, 1, 25), 0);
    assert_int_equal(inventory_by_key(v, key), g1);
    key[0] = 9;
    assert_int_equal(inventory_by_key(v, key), 0);
    struct net_addr a = addr_v4(0x0a000001, 38412);
    assert_int_equal(inventory_by_address(v, INV_CLASS_gnb, &a), g1);
    assert_true(str_is(inventory_element(v, inventory_by_address(v, INV_CLASS_upf, &a))->id, "u1"));
    assert_int_equal(inventory_by_address(v, 0, &a), 0); /* two have it */
    assert_int_equal(inventory_by_node_id(v, 0, STR("UPF1.example")), inventory_find(v, INV_element, STR("u1")));
    const struct inv_site *s = inventory_site(v, e->site);
    assert_int_equal(s->elements.n, 2);
    assert_int_equal(v->by_site[s->elements.first], g1);
    const struct inv_region *r = inventory_region(v, inventory_find_region(v, STR("uppsala")));
    assert_int_equal(r->elements.n, 1);
    assert_int_equal(e->neighbours.n, 1);
    assert_true(v->neighbours[e->neighbours.first].overlap == 20);
    assert_false(v->synthetic);
    inventory_free(v);
}

static void refuses_by_line(void **state)
{
    refused(READ({INV_supplier, "id,name\nx,X\n"}), "suppliers:1:1: column country is missing: seat");
    refused(READ({INV_supplier, "id,name,contry\nx,X,SE\n"}), "suppliers:1:9: suppliers have no 'contry'; is 'country' meant?");
    refused(READ({INV_supplier, "id,name,country,name\n"}), "suppliers:1:17: column name twice");
    refused(READ({INV_supplier, ""}), "suppliers:1:1: found nothing, expected a first line that names the columns");
    refused(READ({INV_supplier, "id,name,country\nx,X\n"}), "suppliers:2:1: found 2 columns, expected 3 as in the first line");
    refused(READ({INV_supplier, "id,name,country\n\nx,X,ZZ\n"}),
            "suppliers:3:5: country: found 'ZZ', expected a country as ISO 3166 has it: SE, KR, US");
    refused(READ({INV_supplier, "id,name,country,vendor_id\nx,X,SE,010415\ny,Y,SE,10415\n"}),
            "suppliers:3:8: vendor_id: expected six digits, as 010415");
    refused(READ({INV_supplier, "id,name,country\nx,,SE\n"}), "suppliers:2:3: name is missing: legal name");
    refused(READ({INV_supplier, "id,name,country\nx,X,SE\ny,Y,SE\nx,X2,SE\n"}),
            "suppliers:4:1: supplier 'x' is there already, at line 2 of suppliers");
    refused(READ({INV_supplier, "id,name,country,parent\nnordtel,X,SE,\ny,Y,SE,nortdel\n"}),
            "suppliers:3:8: parent: there is no supplier 'nortdel'; is 'nordtel' meant?");
    refused(READ({INV_supplier, SUPPLIERS}, {INV_product, "id,supplier,name,function\np,nordtel,P,gnd\n"}),
            "products:2:13: function: found 'gnd', expected a function class such as gnb, upf, transport; --help lists them");
}
static void refuses_circles(void **state)
{
    refused(READ({INV_supplier, "id,name,country,parent\na,A,SE,b\nb,B,SE,c\nc,C,SE,a\n"}),
            "suppliers:2:8: a circle: 'a' belongs to 'b' belongs to 'c' belongs to 'a'; the other end is at line 3 of suppliers");
    refused(READ({INV_supplier, "id,name,country,parent\na,A,SE,a\n"}),
            "suppliers:2:8: a circle: 'a' belongs to 'a'; the other end is at line 2 of suppliers");
    refused(READ({INV_supplier, SUPPLIERS}, {INV_ownership, "supplier,owner,country,share\nnordtel,harbin,CN,51\nharbin,nordtel,SE,60\n"}),
            "ownership:3:8: a circle: 'harbin' is owned by 'nordtel' is owned by 'harbin'; the other end is at line 2 of ownership");
    refused(READ({INV_supplier, SUPPLIERS}, {INV_ownership, "supplier,owner,country,share\nharbin,X,CN,51\nharbin,Y,CN,50\n"}),
            "ownership:3:13: the shares of 'harbin' add up to 101 per cent, from its first owner on");
    struct inventory *v = READ({INV_supplier, SUPPLIERS}, /* each owns a little of the other */
                               {INV_ownership, "supplier,owner,country,share,state_owned\nnordtel,harbin,CN,10,no\nharbin,nordtel,SE,10,no\nharbin,State,CN,50,yes\n"});
    assert_non_null(v);
    const struct inv_supplier *h = inventory_supplier(v, inventory_find(v, INV_supplier, STR("harbin")));
    assert_int_equal(h->owners.n, 2);
    assert_true(v->ownership[h->owners.first].state_owned != v->ownership[h->owners.first + 1].state_owned);
    inventory_free(v);
}
/* What is refused is quoted, and read at a terminal; for more mistakes than anybody reads nobody looks for what was meant. */
static void findings_are_tame(void **state)
{
    refused(READ({INV_supplier, "id,name,country\nx,X,\x1b[2J\x7f\n"}),
            "suppliers:2:5: country: found '?[2J?', expected a country as ISO 3166 has it: SE, KR, US");
    static const char nul[] = "id,latitude,longitude\ns,5\0" "6,7\n";
    struct inv_text t = {STR("sites"), {nul, sizeof nul - 1}, false, INV_site};
    struct inv_report report;
    struct inventory *v;
    assert_int_equal(inventory_read(&v, &t, 1, &asked, &report), ERR_SYNTAX);
    assert_string_equal(report.findings[0].why, "latitude: found '5', expected a number");
    inv_report_free(&report);
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    fputs("id,name,country,parent\n", f);
    for (unsigned i = 0; i < 200; i++)
        fprintf(f, "supplier-%03u,S,SE,suplier-%03u\n", i, (i + 1) % 200);
    fclose(f);
    t = (struct inv_text){STR("s"), {text, (uint32_t)n}, false, INV_supplier};
    assert_int_equal(inventory_read(&v, &t, 1, &asked, &report), ERR_SYNTAX);
    assert_int_equal(report.n_findings, 200);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(strstr(report.findings[i].why, "is meant?") || strstr(report.findings[i].why, "' meant?"), i < 50);
    inv_report_free(&report);
    free(text);
}
#define ELEMENT_IS(columns, value, text)                                                                               \
    refused(READ(COUNTRY, {INV_element, "id,function," columns "\ne,gnb," value "\n"}), "elements:2:" text)
static void refuses_elements(void **state)
{
    ELEMENT_IS("latitude,longitude", "91,2", "7: latitude: found 91, expected -90 to 90; are latitude and longitude exchanged?");
    ELEMENT_IS("latitude,longitude", "9,200", "9: longitude: found 200, expected -180 to 180");
    ELEMENT_IS("latitude,longitude", "0,0", "7: the position 0, 0 is in the sea and stands for none; leave both out");
    ELEMENT_IS("latitude", "12", "7: a position needs both latitude and longitude");
    ELEMENT_IS("latitude,longitude", "nan,2", "7: latitude: found 'nan', expected a number");
    ELEMENT_IS("installed,service_from", "2024-05-01,2024-04-30", "18: service_from 2024-04-30 is before installed 2024-05-01");
    ELEMENT_IS("service_from,service_until", "2024-05-01,2023-02-28",
               "18: service_until 2023-02-28 is before service_from 2024-05-01");
    ELEMENT_IS("installed", "2023-02-29", "7: installed: found '2023-02-29', expected a day as 2027-12-31");
    ELEMENT_IS("product,supplier", "nt-gnb,harbin", "14: supplier: the product's is 'nordtel-us', at line 2 of products");
    ELEMENT_IS("product", "nt-upf", "3: function: found gnb, but its product is a upf, at line 4 of products");
    ELEMENT_IS("plmn,gnb_id,gnb_id_bits", "001-01,4194304,22", "14: gnb_id: 4194304 does not fit into 22 bits");
    ELEMENT_IS("plmn,gnb_id,gnb_id_bits", "001-01,1,21", "16: gnb_id_bits: found 21, expected 22 to 32");
    ELEMENT_IS("gnb_id,gnb_id_bits", "1,22", "7: a gNB identity needs its plmn");
    ELEMENT_IS("nf_instance", "123", "7: nf_instance: expected a UUID, 8-4-4-4-12 hex digits");
    ELEMENT_IS("identity", "address-only", "7: identity address_only needs an address");
    ELEMENT_IS("replace_cost", "5", "7: replace_cost needs a currency");
    ELEMENT_IS("replace_cost,currency", "5,EUX", "9: currency: found 'EUX', expected a currency as ISO 4217 has it: EUR, SEK");
    refused(READ(COUNTRY, {INV_element, "id,function,plmn,gnb_id,gnb_id_bits\na,gnb,001-01,7,24\nb,gnb,001-01,7,24\n"}),
            "elements:3:14: 'b' and 'a' have one gNB identity; the other is at line 2 of elements");
    refused(READ(COUNTRY, {INV_element, "id,function,key_sha256\na,gnb," HEX "\nb,upf," HEX "\n"}),
            "elements:3:7: 'b' and 'a' have one key (a cloned certificate?); the other is at line 2 of elements");
    refused(READ(COUNTRY, {INV_element, "id,function,address\na,upf,10.0.0.1\nb,upf,10.0.0.1\n"}),
            "elements:3:7: 'b' and 'a' have one address; the other is at line 2 of elements");
    refused(READ(COUNTRY, {INV_element, "id,function\na,gnb\n"}, {INV_neighbour, "element,neighbour,overlap\na,a,1\n"}),
            "neighbours:2:3: a cell is no neighbour of its own");
}

/* ---- JSON ---- */
static int json(const char *text, struct inventory **v)
{
    struct inv_text t = {STR("x.json"), str_of(text), true, 0};
    struct inv_report report;
    int e = inventory_read(v, &t, 1, &asked, &report);
    why[0] = 0;
    if (report.n_findings)
        snprintf(why, sizeof why, "%u:%u: %s", report.findings[0].line, report.findings[0].column, report.findings[0].why);
    inv_report_free(&report);
    return e;
}
static void reads_json(void **state)
{
    struct inventory *v;
    assert_int_equal(json("{\"note\":\"x\",\"suppliers\":[{\"id\":\"a\",\"name\":\"A \\u00e5\",\"country\":\"SE\",\"aliases\":[\"B\",\"C\"],"
                          "\"parent\":null,\"synthetic\":true}],\n\"sites\":[{\"id\":\"s\",\"latitude\":59.5,\"longitude\":-1e1}]}", &v), OK);
    assert_true(str_is(v->suppliers[0].name, "A \xc3\xa5"));
    assert_true(str_is(v->suppliers[0].aliases, "B;C"));
    inventory_free(v);
    assert_int_equal(json("{\"suppliers\":[{\"id\":\"a\",\"name\":\"A\",\"country\":\"SE\",\"aliases\":\";; B ;C D;;\",\"listed_in\":\" ; \"}]}", &v), OK);
    assert_true(str_is(v->suppliers[0].aliases, "B;C D"));
    assert_int_equal(v->suppliers[0].listed_in.n, 0);
    inventory_free(v);
    assert_int_equal(json("{\"suppliers\":[{\"id\":\"a\",\"name\":\"A \\u00e5\",\"country\":\"SE\",\"synthetic\":true}],"
                          "\"sites\":[{\"id\":\"s\",\"latitude\":59.5,\"longitude\":-1e1}]}", &v), OK);
    assert_true(v->suppliers[0].synthetic && v->synthetic);
    assert_true(v->sites[0].longitude == -10);
    inventory_free(v);
    static const char *const wrong[][2] = {
        {"{\"suppliers\":[{\"id\":\"a\",\n\"name\":\"A\",\"country\":\"QQ\"}]}",
         "2:22: country: found 'QQ', expected a country as ISO 3166 has it: SE, KR, US"},
        {"{\"suppliers\":[{\"id\":\"a\",\"id\":\"b\"}]}", "1:30: this member is there twice"},
        {"{\"suppliers\":[{\"id\":1}]}", "1:21: found a number, expected a text"},
        {"{\"suppliers\":[{\"id\":{}}]}", "1:21: found an object, expected one value"},
        {"{\"suppliers\":[{\"aliases\":[\"a;b\"]}]}", "1:27: a text of a list has no ';'"},
        {"{\"suppliers\":[{\"naem\":\"a\"}]}", "1:23: suppliers have no 'naem'; is 'name' meant?"},
        {"{\"supplier_s\":[]}", "1:2: found a member that is no kind of record; expected suppliers, products, sites, elements, ..."},
        {"[]", "1:1: expected an object, { ... }"},
        {"{\"sites\":[{\"id\":\"s\",\"latitude\":1,\"longitude\":200}]}", "1:46: longitude: found 200, expected -180 to 180"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(json(wrong[i][0], &v), ERR_SYNTAX);
        assert_null(v);
        assert_string_equal(why, wrong[i][1]);
    }
}

/* ---- the store ---- */
static struct inv_import_result result;
static int import(struct store *s, const char *from, int flags, const char *suppliers, const char *sites)
{
    struct inv_text texts[2] = {{STR("suppliers.csv"), str_of(suppliers), false, INV_supplier},
                                {STR("sites.csv"), str_of(sites), false, INV_site}};
    static uint64_t now = 1700000000000000;
    struct inv_import m = {.texts = suppliers ? texts : texts + 1, .n_texts = (suppliers != NULL) + (sites != NULL),
                           .correction = flags & 1, .complete = flags & 2, .now_us = now += 1000000, .note = STR("test")};
    struct inv_report report;
    assert_true(inv_date_parse(str_of(from), &m.from));
    int e = inventory_import(s, &m, &report, &result);
    snprintf(why, sizeof why, "%s", report.n_findings ? report.findings[0].why : "");
    inv_report_free(&report);
    return e;
}
/* "id=name " of the suppliers on a day. */
static const char *names(struct store *s, const char *day)
{
    static char out[256];
    struct text t = text_over(out, sizeof out);
    struct inv_asked a = asked;
    struct inventory *v;
    out[0] = 0;
    assert_true(inv_date_parse(str_of(day), &a.as_of));
    assert_int_equal(inventory_load(&v, s, &a, why, sizeof why), OK);
    for (uint32_t i = 0; i < v->n_suppliers; i++)
        text_add(&t, STR_FMT "=" STR_FMT " ", STR_ARG(v->suppliers[i].id), STR_ARG(v->suppliers[i].name));
    inventory_free(v);
    return out;
}
static int count_version(void *ctx, const struct inv_version *v)
{
    ++*(uint32_t *)ctx;
    return OK;
}
#define HEAD "id,name,country\n"
static void remembers(void **state)
{
    struct store *s = store_memory_new();
    uint64_t g0, g1;
    assert_int_equal(inventory_generation(s, &g0), OK);
    assert_int_equal(import(s, "2020-01-01", 0, HEAD "a,A,SE\nb,B,SE\n", "id\ns1\n"), OK);
    assert_int_equal(result.added, 3);
    assert_int_equal(inventory_generation(s, &g1), OK);
    assert_int_not_equal(g0, g1);
    /* a change holds from its day on */
    assert_int_equal(import(s, "2022-06-01", 0, HEAD "a,A2,SE\nb,B,SE\nc,C,FI\n", NULL), OK);
    assert_int_equal(result.changed * 100 + result.added * 10 + result.same, 111);
    assert_string_equal(names(s, "2019-12-31"), "");
    assert_string_equal(names(s, "2020-01-01"), "a=A b=B ");
    assert_string_equal(names(s, "2022-05-31"), "a=A b=B ");
    assert_string_equal(names(s, "2022-06-01"), "a=A2 b=B c=C ");
    /* a correction replaces what was wrong from the day on which it held */
    assert_int_equal(import(s, "2021-01-01", 1, HEAD "a,Aa,SE\n", NULL), OK);
    assert_string_equal(names(s, "2020-01-01"), "a=Aa b=B ");
    assert_string_equal(names(s, "2022-06-01"), "a=A2 b=B c=C ");
    /* nothing new: no import */
    assert_int_equal(import(s, "2022-06-01", 0, HEAD "a,A2,SE\n", NULL), OK);
    assert_int_equal(result.number, 0);
    /* complete: what is not in it is gone from that day; sites are not of it */
    assert_int_equal(import(s, "2023-01-01", 2, HEAD "a,A2,SE\n", NULL), OK);
    assert_int_equal(result.removed, 2);
    assert_string_equal(names(s, "2023-01-01"), "a=A2 ");
    assert_string_equal(names(s, "2022-12-31"), "a=A2 b=B c=C ");
    uint32_t n = 0;
    assert_int_equal(inventory_history(s, INV_supplier, STR("a"), count_version, &n), OK);
    assert_int_equal(n, 3);
    store_memory_free(s);
}
static void half_is_nothing(void **state)
{
    struct store *s = store_memory_new();
    assert_int_equal(import(s, "2020-01-01", 0, HEAD "a,A,SE\n", NULL), OK);
    /* one wrong line: nothing of it */
    assert_int_equal(import(s, "2020-01-01", 0, HEAD "b,B,SE\nc,C,XX\n", "id\ns1\n"), ERR_SYNTAX);
    assert_string_equal(names(s, "2021-01-01"), "a=A ");
    /* what it refers to is removed */
    assert_int_equal(import(s, "2020-01-01", 0, "id,name,country,parent\nd,D,SE,a\n", NULL), OK);
    struct inv_report report;
    struct inv_import m = {.from = 20000, .now_us = 5, .remove_kind = INV_supplier, .remove = (const struct str[]){STR("a")}, .n_remove = 1};
    assert_int_equal(inventory_import(s, &m, &report, &result), ERR_SYNTAX);
    assert_string_equal(report.findings[0].why, "supplier 'd' in the store: parent: there is no supplier 'a'");
    inv_report_free(&report);
    m.remove = (const struct str[]){STR("zz")};
    assert_int_equal(inventory_import(s, &m, &report, &result), ERR_NOTFOUND);
    m.remove = (const struct str[]){STR("d")};
    assert_int_equal(inventory_import(s, &m, &report, &result), OK);
    assert_int_equal(result.removed, 1);
    assert_string_equal(names(s, "2030-01-01"), "a=A ");
    store_memory_free(s);
}
/* A store that refuses after some writes, as a full disk does, or a process that is killed. */
struct failing {
    struct store store;
    struct store_ops ops;
    struct store *inner;
    uint32_t left;
};
static struct store *inner(struct store *s) { return ((struct failing *)s)->inner; }
static int failing_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    struct failing *f = (struct failing *)s;
    return f->left ? f->left--, store_put(f->inner, t, key, value) : ERR_STORE;
}
static int failing_sync(struct store *s)
{
    struct failing *f = (struct failing *)s;
    return f->left ? f->left--, store_sync(f->inner) : ERR_STORE;
}
static int failing_scan(struct store *s, enum store_table t, struct bytes after,
                        int (*row)(void *, struct bytes, struct bytes), void *ctx)
{
    return inner(s)->ops->scan(inner(s), t, after, row, ctx);
}
/* Two imports at once: one of them is told, and what it wrote has no effect. */
static struct store *second_store;
static uint32_t second_at;
static int between_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    struct failing *f = (struct failing *)s;
    if (second_at && !--second_at)
        assert_int_equal(import(second_store, "2021-01-01", 2, HEAD "z,Z,SE\n", NULL), OK);
    return store_put(f->inner, t, key, value);
}
static void two_at_once(void **state)
{
    uint32_t told = 0;
    for (uint32_t at = 1; at < 12; at++) {
        struct store *s = store_memory_new();
        struct failing f = {.ops = {.put = between_put, .sync = failing_sync, .scan = failing_scan}, .inner = s, .left = 100};
        f.store.ops = &f.ops;
        second_store = s;
        second_at = 0;
        assert_int_equal(import(s, "2020-01-01", 0, HEAD "a,A,SE\nb,B,SE\n", NULL), OK);
        second_at = at;
        int e = import(&f.store, "2021-01-01", 0, HEAD "a,A2,SE\nb,B2,SE\nc,C2,SE\n", NULL);
        bool ran = !second_at;
        told += e == ERR_STATE;
        assert_true(e == OK || (ran && e == ERR_STATE));
        if (e == ERR_STATE)
            assert_string_equal(names(s, "2024-01-01"), "z=Z ");
        store_memory_free(s);
    }
    assert_true(told >= 4);
}
/* How many writes survive, beyond those that were made durable. False: there were not so many. */
static bool crash_after(uint32_t writes, uint32_t kept)
{
    struct store *s = store_memory_new();
    struct failing f = {.ops = {.put = failing_put, .sync = failing_sync, .scan = failing_scan}, .inner = s, .left = writes};
    f.store.ops = &f.ops;
    assert_int_equal(import(s, "2020-01-01", 0, HEAD "a,A,SE\nb,B,SE\n", NULL), OK);
    int e = import(&f.store, "2021-01-01", 0, HEAD "a,A2,SE\nb,B2,SE\nc,C2,SE\n", NULL);
    assert_true(e == OK || e == ERR_STORE);
    bool was_so = kept <= store_memory_unsynced(s);
    store_memory_crash(s, kept);
    const char *found = names(s, "2024-01-01");
    bool new = strcmp(found, "a=A2 b=B2 c=C2 ") == 0;
    assert_true(new || (e != OK && strcmp(found, "a=A b=B ") == 0));
    /* what was left of it does not come to life with the next */
    assert_int_equal(import(s, "2022-01-01", 0, HEAD "b,B3,SE\n", NULL), OK);
    assert_string_equal(names(s, "2024-01-01"), new ? "a=A2 b=B3 c=C2 " : "a=A b=B3 ");
    store_memory_free(s);
    return was_so;
}
static void survives_a_crash(void **state)
{
    for (uint32_t writes = 0; writes < 20; writes++)
        for (uint32_t kept = 0; crash_after(writes, kept); kept++)
            ;
}

/* ---- random inventories: what is written is read, whichever way ---- */
static uint32_t seed;
static uint32_t dice(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}
static void random_text(struct text *t, enum inv_kind k, const struct inv_field *f, uint32_t i)
{
    static const char *const texts[] = {"plain", "with, comma", "\"quoted\"", "\xc3\xa5\xc3\xa4\xc3\xb6", "#hash", " x ", "a\\b"};
    if (strcmp(f->name, "id") == 0)
        text_add(t, "%s %u", inv_kind_text(k), i);
    else if (f->type == INV_REF)
        text_add(t, "%s %u", inv_kind_text(inv_field_target(f)), dice(6));
    else if (f->type == INV_TEXT && strcmp(f->name, "nf_instance") != 0)
        text_add(t, "%s %u", texts[dice(7)], i);
    else if (f->type == INV_LIST)
        text_add(t, "one, 1;two");
    else if (f->type == INV_COUNTRY)
        text_add(t, "FI");
    else if (f->type == INV_SHARE)
        text_add(t, "%u.5", dice(40));
    else if (f->type == INV_DATE)
        text_add(t, "20%02u-0%u-1%u", dice(50) + 10, dice(9) + 1, dice(10));
    else if (f->type == INV_BOOL)
        text_add(t, dice(2) ? "yes" : "no");
    else if (f->type == INV_AMOUNT)
        text_add(t, "%u", dice(100000));
    else if (f->type == INV_CURRENCY)
        text_add(t, "EUR");
    else if (f->type == INV_CODE && f->of == INV_OF_class)
        text_add(t, "gnb");
    else if (f->type == INV_CODE && f->of == INV_OF_sensitivity)
        text_add(t, "critical");
}
static bool random_given(enum inv_kind k, const struct inv_field *f)
{
    if (strcmp(f->name, "vendor_id") == 0) /* six digits */
        return false;
    if (f->use == INV_USE_KEY || f->use == INV_USE_MUST)
        return true;
    return dice(2) && strcmp(f->name, "parent") != 0 && strcmp(f->name, "supplier") != 0 && f->type != INV_REAL &&
           f->type != INV_DATE && f->type != INV_AMOUNT && strcmp(f->name, "product") != 0;
}
static void random_inventory(struct inv_build *b, char *csv[INV_KINDS], char *json_text, uint32_t cap)
{
    struct text j = text_over(json_text, cap);
    text_add(&j, "{");
    for (uint32_t k = 0; k < INV_KINDS; k++) {
        const struct inv_kind_desc *d = inv_kind_desc((enum inv_kind)k);
        struct text c = text_over(csv[k], cap);
        uint32_t n = k == INV_neighbour || k == INV_ownership ? 1 : 6;
        inv_csv_header(&c, (enum inv_kind)k);
        text_add(&j, "%s\"%s\":[", k ? "," : "", d->file);
        for (uint32_t i = 0; i < n; i++) {
            char values[INV_FIELDS_MAX][80] = {{0}}, canonical[80], reason[INV_REASON];
            struct inv_texts t = {0};
            uint8_t scratch[64];
            for (uint32_t f = 0; f < d->n_fields; f++) {
                struct text v = text_over(values[f], 80);
                if (random_given((enum inv_kind)k, &d->fields[f]))
                    random_text(&v, (enum inv_kind)k, &d->fields[f], i);
                t.v[f] = (struct str){values[f], v.n};
                if (v.n) {
                    assert_true(inv_value_parse(&d->fields[f], t.v[f], scratch, reason));
                    struct str s = inv_value_canonical(&d->fields[f], t.v[f], scratch, canonical);
                    memmove(values[f], s.p, s.n);
                    t.v[f].n = s.n;
                }
            }
            if (k == INV_neighbour)
                t.v[1] = str_is(t.v[0], "element 0") ? STR("element 1") : STR("element 0");
            inv_csv_line(&c, (enum inv_kind)k, &t);
            text_add(&j, "%s", i ? "," : "");
            inv_json_object(&j, (enum inv_kind)k, &t);
            inv_build_add(b, (enum inv_kind)k, &t, 0, (struct inv_place){1, 1}, NULL);
        }
        text_add(&j, "]");
        assert_false(c.full);
    }
    text_add(&j, "}");
    assert_false(j.full);
}
static void csv_json_and_rows_agree(void **state)
{
    enum { CAP = 60000, SEEDS = 200 };
    char *csv[INV_KINDS], *json_text = malloc(CAP);
    for (uint32_t k = 0; k < INV_KINDS; k++)
        csv[k] = malloc(CAP);
    for (uint32_t i = 1; i <= SEEDS; i++) {
        struct inv_build b, c, d;
        struct inv_report rb, rc, rd;
        struct inv_text texts[INV_KINDS], jt = {STR("x.json"), {json_text, 0}, true, 0};
        seed = i;
        inv_build_init(&b, (struct inv_text[]){{STR("made"), STR(""), false, 0}}, &rb);
        random_inventory(&b, csv, json_text, CAP);
        jt.text.n = (uint32_t)strlen(json_text);
        for (uint32_t k = 0; k < INV_KINDS; k++)
            texts[k] = (struct inv_text){STR("x"), str_of(csv[k]), false, (enum inv_kind)k};
        inv_build_init(&c, texts, &rc);
        inv_build_init(&d, &jt, &rd);
        for (uint32_t k = 0; k < INV_KINDS; k++)
            inv_build_read(&c, k);
        inv_build_read(&d, 0);
        if (rb.n_findings || rc.n_findings || rd.n_findings)
            fail_msg("seed %u: %s", i, (rb.n_findings ? &rb : rc.n_findings ? &rc : &rd)->findings[0].why);
        for (uint32_t k = 0; k < INV_KINDS; k++) {
            assert_int_equal(b.kinds[k].n, c.kinds[k].n);
            assert_int_equal(b.kinds[k].n, d.kinds[k].n);
            for (uint32_t n = 0; n < b.kinds[k].n; n++) {
                assert_true(bytes_eq(b.kinds[k].v[n].row, c.kinds[k].v[n].row));
                assert_true(bytes_eq(b.kinds[k].v[n].row, d.kinds[k].v[n].row));
            }
        }
        struct inventory *v;
        int e = inv_build_finish(&b, &asked, &v);
        if (e < 0)
            fail_msg("seed %u: %s", i, rb.findings[0].why);
        inventory_free(v);
        inv_build_free(&b);
        inv_build_free(&c);
        inv_build_free(&d);
        inv_report_free(&rb);
        inv_report_free(&rc);
        inv_report_free(&rd);
    }
    for (uint32_t k = 0; k < INV_KINDS; k++)
        free(csv[k]);
    free(json_text);
}

static void dates_and_places(void **state)
{
    char buf[INV_DATE_TEXT];
    int32_t d;
    assert_true(inv_date_parse(STR("2024-02-29"), &d));
    assert_string_equal(inv_date_text(d, buf), "2024-02-29");
    assert_true(inv_date_parse(STR("2000-01-01"), &d));
    assert_int_equal(d, 10957);
    assert_false(inv_date_parse(STR("2023-02-29"), &d));
    assert_false(inv_date_parse(STR("2023-2-1"), &d));
    assert_false(inv_date_parse(STR("1969-01-01"), &d));
    assert_string_equal(inv_date_text(0, buf), "");
    for (d = 365; d < 84000; d++) {
        int32_t back;
        assert_true(inv_date_parse(str_of(inv_date_text(d, buf)), &back));
        assert_int_equal(d, back);
    }
    double km = inv_distance_km(59.3293, 18.0686, 60.1699, 24.9384); /* Stockholm to Helsinki */
    assert_true(km > 390 && km < 400);
}

int main(void)
{
    return RUN(unit(reads_and_finds), unit(refuses_by_line), unit(refuses_circles), unit(findings_are_tame), unit(refuses_elements), unit(reads_json),
               unit(remembers), unit(half_is_nothing), unit(survives_a_crash), unit(two_at_once), unit(csv_json_and_rows_agree),
               unit(dates_and_places));
}
