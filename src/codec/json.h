/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - JSON text (RFC 8259) read in one pass, value by value, with line and column of where it is wrong. For files
 * that people and programs write; messages between network functions have rows of their own (codec/sbi_json.h).
 *
 *   json_start(&j, text);
 *   for (bool more = json_object(&j); more && json_member(&j, &name);)
 *       if (str_is(name, "x")) json_text(&j, &arena, &x); else json_skip(&j);
 *   json_end(&j);  if (j.why) … j.line, j.column
 *
 * The first error sticks: from then on nothing is found and every loop ends. */
#pragma once
#include "base/arena.h"

enum { JSON_DEPTH = 32 };
enum json_kind { JSON_NOTHING, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };
struct json {
    const char *p, *end, *line_start;
    uint32_t line, column; /* of the value read last; of the mistake when there is one; from 1 */
    uint32_t depth, lines;
    bool first[JSON_DEPTH]; /* nothing was read within yet */
    const char *why;        /* NULL: all is well */
};

void json_start(struct json *, struct str text);
/* What comes next; its place is in line and column. JSON_NOTHING: a mistake, or the end. */
enum json_kind json_peek(struct json *);
/* Goes into an object or array; false: it is none, which is a mistake. */
bool json_object(struct json *);
bool json_array(struct json *);
/* The next member's name, whose value must then be read; false at the end of the object, or after a mistake. The name
 * is a slice of the input where it has no escapes, otherwise of `scratch`: it lives until the next call. */
bool json_member(struct json *, struct str *name, char scratch[64]);
/* There is another element, which must then be read. */
bool json_item(struct json *);
/* A string's value: a slice of the input, or of the arena where escapes had to be undone. NUL is refused. */
bool json_text(struct json *, struct arena *, struct str *out);
/* A number as it is written. */
bool json_number(struct json *, struct str *out);
bool json_bool(struct json *, bool *out);
bool json_null(struct json *);
bool json_skip(struct json *); /* any one value, checked */
/* Nothing but white space may follow. True when all was well. */
bool json_end(struct json *);
/* For people who know more than the grammar: a mistake at the value read last. False. */
bool json_wrong(struct json *, const char *why);
/* s as a JSON string with its quotes, after what is in out; false when it does not fit. */
struct text;
void json_put_text(struct text *out, struct str s);
