/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the configuration: spec/config.def has a row for each option, from which come these structs, the YAML
 * reader, the help and the default file. All that a struct points to lives in the arena given to config_parse().
 * Every struct str here is followed by a NUL that n does not count, so .p may be passed on as a C string.
 * A list is a pointer `x` and its count `n_x`. Addresses that are not set have family 0. */
#pragma once
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"

struct config_prefix { /* addr.port is 0; pools have no host bits, interface addresses keep theirs */
    struct net_addr addr;
    uint8_t length; /* bits */
};
struct config_plmn { /* as in all protocols: TS 24.501 9.11.3.8; 00 f1 10 is 001/01 */
    uint8_t v[3];
};
struct config_slice { /* S-NSSAI, TS 23.003 28.4.2 */
    uint8_t sst, sd[3];
    bool has_sd;
};

#define CONFIG_C_BOOL bool
#define CONFIG_C_INT uint32_t
#define CONFIG_C_LONG uint64_t
#define CONFIG_C_STR struct str
#define CONFIG_C_NAME struct str  /* letters, digits, '-', '_', '.' */
#define CONFIG_C_DNN struct str   /* labels with dots, TS 23.003 9A */
#define CONFIG_C_PATH struct str
#define CONFIG_C_HEX struct bytes /* secret: never printed */
#define CONFIG_C_IP struct net_addr
#define CONFIG_C_IP4 struct net_addr
#define CONFIG_C_IP6 struct net_addr
#define CONFIG_C_ADDR struct net_addr /* with a port; `min` of the row is the one meant when none is written */
#define CONFIG_C_PREFIX4 struct config_prefix
#define CONFIG_C_PREFIX6 struct config_prefix
#define CONFIG_C_CIDR4 struct config_prefix
#define CONFIG_C_CIDR6 struct config_prefix
#define CONFIG_C_PLMN struct config_plmn
#define CONFIG_C_TAC uint32_t /* 24 bits */
#define CONFIG_C_SLICE struct config_slice
#define CONFIG_C_DATE int32_t /* days since 1970-01-01; 0: none */
#define CONFIG_C_ENUM(e) enum CONFIG_ROW(e)

#define CONFIG_ROW(id) config_##id
#define CONFIG_WORD(NAME, VALUE) CONFIG_##NAME##_##VALUE
#include "rt/config_struct.h"
#include "../../spec/config.def"
#undef CONFIG_ROW
#undef CONFIG_WORD

struct config {
#define TOP(id) struct config_##id id;
#include "../../spec/config.def"
};

enum { CONFIG_TEXT_MAX = 1 << 20, CONFIG_ARENA_OCTETS = 1 << 20, CONFIG_REPORT_OCTETS = 16384 };
/* What is wrong, a line each: "FILE:LINE:COLUMN: what was found, what was expected". */
struct config_report {
    uint32_t n, errors, warnings;
    bool cut; /* more than fits */
    char text[CONFIG_REPORT_OCTETS]; /* n octets and a NUL */
};
/* Everything that the text leaves out has its default; an empty text is a complete configuration. `file` is the
 * name that errors carry. OK, or ERR_CONFIG after all that is wrong has been reported and *config may not be used;
 * ERR_NOSPACE: the arena is too small. Warnings alone (unsafe options) are OK. */
int config_parse(struct config *config, struct arena *, struct str file, struct str text,
                 struct config_report *);
/* The same with options that take the place of the text's: "section.key=value", the value as YAML ("[a, b]" for a
 * list). Errors in them are told as "--set section.key". */
int config_parse_with(struct config *config, struct arena *, struct str file, struct str text, const struct str *sets,
                      uint32_t n_sets, struct config_report *);
/* Reports as a warning each option that differs and takes effect at start only. The count of these. */
uint32_t config_reload_check(const struct config *old, const struct config *new_one, struct config_report *);
/* Puts back into new_one what takes effect at start only. Both must live on: it points into the old one's memory. A
 * list of mappings whose elements differ in such an option stays as it was as a whole. */
void config_keep_start(const struct config *old, struct config *new_one);
/* All options with type, range, default and help; and a commented file that says the same as an empty one.
 * NUL-terminated; the length or ERR_NOSPACE. 64 KiB are enough. */
int config_help(char *out, uint32_t cap);
int config_default_yaml(char *out, uint32_t cap);
const char *config_nf_text(enum config_nf); /* "amf" */
/* A day as "2027-12-31" to days since 1970-01-01 and back; 0 is no day and an empty text. */
enum { CONFIG_DATE_TEXT = 12, CONFIG_YEAR_MIN = 1990, CONFIG_YEAR_MAX = 2199 };
bool config_date_parse(struct str, int32_t *days);
const char *config_date_text(int32_t days, char buf[CONFIG_DATE_TEXT]);
/* "001-01"; "1-000009" or "1". Return buf. */
enum { CONFIG_PLMN_TEXT = 8, CONFIG_SLICE_TEXT = 12 };
const char *config_plmn_text(const struct config_plmn *, char buf[CONFIG_PLMN_TEXT]);
const char *config_slice_text(const struct config_slice *, char buf[CONFIG_SLICE_TEXT]);
