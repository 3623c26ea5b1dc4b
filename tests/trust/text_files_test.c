/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of CSV and JSON files: values, places, and each mistake. */
#include "base/text.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "tests/test.h"

static uint8_t memory[4096];
static char line[512];

static const char *csv_all(const char *text)
{
    struct csv c;
    struct arena a = arena_over(memory, sizeof memory);
    struct text out = text_over(line, sizeof line);
    struct str s;
    line[0] = 0;
    csv_start(&c, str_of(text));
    while (csv_record(&c)) {
        while (csv_field(&c, &a, &s))
            text_add(&out, "%u:%u[" STR_FMT "]", c.line, c.column, STR_ARG(s));
        text_add(&out, c.why ? "!%u:%u %s;" : ";", c.line, c.column, c.why);
    }
    return line;
}
static void csv_reads(void **state)
{
    assert_string_equal(csv_all(""), "");
    assert_string_equal(csv_all("a,b\n"), "1:1[a]1:3[b];");
    assert_string_equal(csv_all("a, b ,\r\n# note\r\n\r\n,x"), "1:1[a]1:3[b]1:7[];4:1[]4:2[x];");
    assert_string_equal(csv_all("\xef\xbb\xbf\"a,\"\"b\"\"\",\"c\nd\"\ne"), "1:1[a,\"b\"]1:11[c\nd];3:1[e];");
    assert_string_equal(csv_all("\"a\"b,c\nd"), "!1:1 found text after the quote that ends a field;2:1[d];");
    assert_string_equal(csv_all("\"a"), "!1:1 found no quote at the end of a field that begins with one;");
}
static void csv_writes(void **state)
{
    struct text t = text_over(line, sizeof line);
    csv_put(&t, STR("a"), true);
    csv_put(&t, STR("b,\"c\"\n"), false);
    csv_put(&t, STR(" d"), false);
    csv_put(&t, STR(""), false);
    assert_string_equal(line, "a,\"b,\"\"c\"\"\n\",\" d\",");
}

static void value_print(struct json *j, struct arena *a, struct text *out)
{
    struct str s;
    char scratch[64];
    bool b;
    switch (json_peek(j)) {
    case JSON_OBJECT:
        text_add(out, "{");
        for (bool more = json_object(j); more && json_member(j, &s, scratch);) {
            text_add(out, STR_FMT "=", STR_ARG(s));
            value_print(j, a, out);
        }
        text_add(out, "}");
        break;
    case JSON_ARRAY:
        text_add(out, "[");
        for (bool more = json_array(j); more && json_item(j);)
            value_print(j, a, out);
        text_add(out, "]");
        break;
    case JSON_TEXT:
        if (json_text(j, a, &s))
            text_add(out, "'" STR_FMT "'", STR_ARG(s));
        break;
    case JSON_NUMBER:
        if (json_number(j, &s))
            text_add(out, "<" STR_FMT ">", STR_ARG(s));
        break;
    case JSON_BOOL:
        if (json_bool(j, &b))
            text_add(out, b ? "+" : "-");
        break;
    case JSON_NULL:
        if (json_null(j))
            text_add(out, "0");
        break;
    default: break;
    }
}
static const char *json_all(const char *text)
{
    static char other[64];
    struct json j;
    struct arena a = arena_over(memory, sizeof memory);
    struct text out = text_over(line, sizeof line);
    line[0] = 0;
    json_start(&j, str_of(text));
    value_print(&j, &a, &out);
    json_end(&j);
    snprintf(other, sizeof other, "%u:%u %s", j.line, j.column, j.why);
    struct json skipped;
    json_start(&skipped, str_of(text));
    json_skip(&skipped);
    json_end(&skipped);
    assert_int_equal(skipped.why == NULL, j.why == NULL);
    return j.why ? other : line;
}
static void json_reads(void **state)
{
    assert_string_equal(json_all(" {\"a\": [1, -2.5e+3, true, false, null], \"b\":{}, \"c\":[] }\n"),
                        "{a=[<1><-2.5e+3>+-0]b={}c=[]}");
    assert_string_equal(json_all("\"\\u00e5\\ud83d\\ude00\\n\\/\""), "'\xc3\xa5\xf0\x9f\x98\x80\n/'");
    assert_string_equal(json_all("\"\xc3\xa5\""), "'\xc3\xa5'");
}
static void json_refuses(void **state)
{
    static const char *const wrong[][2] = {
        {"", "1:1 the text ends before it should"},
        {"{\"a\":1,\n \"b\" 2}", "2:6 expected : after the name of a member"},
        {"[1 2]", "1:4 expected , or ]"},
        {"{\"a\":1 \"b\":2}", "1:8 expected , or }"},
        {"[01]", "1:2 not a number"},
        {"[1.]", "1:2 not a number"},
        {"[tru]", "1:2 expected true or false"},
        {"[nul]", "1:2 expected null"},
        {"\"a", "1:1 a text that does not end"},
        {"\"\\x\"", "1:2 an escape sequence that does not exist"},
        {"\"\\u0000\"", "1:2 an escape sequence that does not exist"},
        {"\"\\ud800\"", "1:2 an escape sequence that does not exist"},
        {"\"\xff\"", "1:1 a text that is not UTF-8"},
        {"\"\n\"", "1:2 a control character in a text"},
        {"{1:2}", "1:2 expected a text in quotes"},
        {"[,]", "1:2 found no value, expected one"},
        {"[1,]", "1:4 found no value, expected one"},
        {"[1] x", "1:5 found more after the end"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "1:33 objects and arrays are nested too deep"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_string_equal(json_all(wrong[i][0]), wrong[i][1]);
}
static void json_writes(void **state)
{
    struct text t = text_over(line, sizeof line);
    json_put_text(&t, STR("a\"b\\c\n\xc3\xa5"));
    assert_string_equal(line, "\"a\\\"b\\\\c\\u000a\xc3\xa5\"");
}

int main(void)
{
    return RUN(unit(csv_reads), unit(csv_writes), unit(json_reads), unit(json_refuses), unit(json_writes));
}
