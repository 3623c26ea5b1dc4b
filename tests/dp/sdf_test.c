/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/err.h"
#include "dp/sdf.h"

static void texts_come_back(void **state)
{
    static const struct {
        const char *text, *back; /* NULL: the same */
    } rows[] = {
        {"permit out ip from any to assigned", NULL},
        {"permit out 17 from 8.8.8.8/32 53 to assigned 1000-2000", NULL},
        {"permit out udp from 8.8.8.8 53 to assigned",
         "permit out 17 from 8.8.8.8/32 53 to assigned"},
        {"permit  out\ttcp from 10.1.2.3/16 to any ", "permit out 6 from 10.1.0.0/16 to any"},
        {"permit out 6 from 2001:db8::/33 80,443,8000-8010 to any", NULL},
        {"permit out 6 from 2001:db8:ffff::1/33 80 to any",
         "permit out 6 from 2001:db8:8000::/33 80 to any"},
        {"permit in 6 from assigned 5 to 1.2.3.4 6",
         "permit out 6 from 1.2.3.4/32 6 to assigned 5"},
        {"permit out ip from 0.0.0.0/0 to any 0-65535", NULL},
        {"permit out 58 from ff02::2/128 to assigned", NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct rule_sdf f;
        struct sdf_error e = {0};
        char text[400];
        assert_int_equal(sdf_parse(&f, str_of(rows[i].text), &e), 0);
        const char *expect = rows[i].back ? rows[i].back : rows[i].text;
        assert_int_equal(sdf_print(&f, text, sizeof text), strlen(expect));
        assert_string_equal(text, expect);
        for (uint32_t n = 0; n <= strlen(expect); n++)
            assert_int_equal(sdf_print(&f, text, n), ERR_NOSPACE);
    }
}

static void mistakes_are_pointed_at(void **state)
{
    static const struct {
        const char *text;
        int error;
        uint32_t at;
    } rows[] = {
        {"", ERR_SYNTAX, 0},
        {"deny out ip from any to any", ERR_UNSUPPORTED, 0},
        {"allow out ip from any to any", ERR_SYNTAX, 0},
        {"permit both ip from any to any", ERR_SYNTAX, 7},
        {"permit out 256 from any to any", ERR_SYNTAX, 11},
        {"permit out ip any to any", ERR_SYNTAX, 14},
        {"permit out ip from !any to any", ERR_UNSUPPORTED, 19},
        {"permit out ip from 1.2.3 to any", ERR_SYNTAX, 19},
        {"permit out ip from 1.2.3.4/33 to any", ERR_RANGE, 27},
        {"permit out ip from 1.2.3.4/ to any", ERR_RANGE, 27},
        {"permit out ip from ::1/129 to any", ERR_RANGE, 23},
        {"permit out ip from any 70000 to any", ERR_RANGE, 23},
        {"permit out ip from any 5-4 to any", ERR_RANGE, 23},
        {"permit out ip from any 1,2,3,4,5 to any", ERR_NOSPACE, 23},
        {"permit out ip from any 1, to any", ERR_RANGE, 23},
        {"permit out ip from any to", ERR_SYNTAX, 25},
        {"permit out ip from any to any frag", ERR_UNSUPPORTED, 30},
        {"permit out ip from 1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb to any",
         ERR_SYNTAX, 19},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct rule_sdf f;
        struct sdf_error e = {99, NULL};
        assert_int_equal(sdf_parse(&f, str_of(rows[i].text), &e), rows[i].error);
        assert_int_equal(e.at, rows[i].at);
        assert_non_null(e.text);
        assert_int_equal(sdf_parse(&f, str_of(rows[i].text), NULL), rows[i].error);
    }
}

int main(void)
{
    return RUN(unit(texts_come_back), unit(mistakes_are_pointed_at));
}
