/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h - scenarios: a network and what happens in it, as prose (docs/scenarios.md). scenario_parse() makes steps
 * of a text by the rows of spec/scenario.def; scenario_run() does them one after the other in whatever stands behind
 * struct scenario_bed; scenario_sim() is the simulated one. */
#pragma once
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

enum scenario_op {
#define STEP(id, kind, pattern, text) SCENARIO_##id,
#include "../../spec/scenario.def"
#undef STEP
    SCENARIO_OPS
};
enum scenario_kind { SCENARIO_SETUP, SCENARIO_ANY, SCENARIO_INSIDE, SCENARIO_SIM };
struct scenario_row {
    const char *name, *pattern, *text;
    enum scenario_kind kind;
};
extern const struct scenario_row scenario_rows[SCENARIO_OPS];

enum { SCENARIO_ARGS = 20, SCENARIO_STEPS_MAX = 1024, SCENARIO_TEXT_MAX = 65536, SCENARIO_ARENA = 1 << 20 };
enum scenario_link { SCENARIO_N1, SCENARIO_N2, SCENARIO_N4, SCENARIO_SBI, SCENARIO_LINKS };
enum scenario_compare { SCENARIO_EQ, SCENARIO_NE, SCENARIO_LT, SCENARIO_LE, SCENARIO_GT, SCENARIO_GE };
/* n: a number; microseconds; which of a|b|c, counted from 0; enum scenario_link or _compare; a row of a table; of a
 * MESSAGE its type. s: the word as it stands in the text. */
struct scenario_arg {
    bool is_there;
    uint64_t n;
    struct str s;
};
struct scenario_step {
    enum scenario_op op;
    uint32_t line, n;
    struct str text; /* as it was written */
    struct scenario_arg arg[SCENARIO_ARGS];
};
struct scenario {
    const char *file; /* for messages */
    struct scenario_step *steps;
    uint32_t n;
    uint32_t ues, gnbs; /* as SETUP says */
};
enum { SCENARIO_UES_MAX = 50, SCENARIO_GNBS_MAX = 4 };
/* Everything points into the text and the arena. OK; ERR_SYNTAX, with one line "FILE:LINE: …" in why that says what was
 * found and what was expected; ERR_NOSPACE likewise. Any text is read or refused. */
int scenario_parse(struct scenario *, const char *file, struct str text, struct arena *, struct text *why);
void scenario_help(void); /* the rows, on standard output */

/* ---- words of the rows: scenario_words.c ---- */
/* Letters and digits alone count, whatever their case. */
bool scenario_same(struct str a, struct str b);
/* The type of a message, or ERR_UNKNOWN with the nearest name (NULL: none is near). */
int scenario_message(enum scenario_link, struct str word, char near[64]);
/* "RegistrationReject": how a scenario names it. */
void scenario_message_name(enum scenario_link, uint32_t type, char out[64]);
/* May this be a field of that message? For N4: every word may. near as above. */
bool scenario_field_is_known(enum scenario_link, uint32_t type, struct str field, char near[64]);
/* The text of a field in a message of a tap; false: it is not there. Of secrets and identities there is none. */
bool scenario_field(enum scenario_link, uint32_t type, const void *value, struct str field, struct text *out);
/* A 5GMM cause: a number or its name. ERR_UNKNOWN. */
int scenario_gmm_cause(struct str word);
