/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - who may build which part of the network, as dated rules with their legal source. Files (spec/policy.def) are
 * read into a struct policy; with an inventory they become a struct policy_set, which decides in microseconds. Neither
 * changes once made, but for the set's cache: a new inventory or a new file is a new set. One thread.
 *
 * Of all rules that concern an element the strictest holds, unless an override says otherwise. What is not known counts
 * against an element: no supplier, no position, no day of installation. docs/trust/policy.md has it in words. */
#pragma once
#include "rt/config.h"
#include "trust/inventory.h"

#define CONFIG_ROW(id) policy_##id
#define CONFIG_WORD(NAME, VALUE) POLICY_##NAME##_##VALUE
#include "rt/config_struct.h"
#include "../../spec/policy.def"
#undef CONFIG_ROW
#undef CONFIG_WORD
const char *policy_decision_text(uint8_t decision);
const char *policy_condition_text(uint8_t condition);
const char *policy_metric_text(uint8_t metric);
const char *policy_sure_text(uint8_t sure);
const char *policy_standing_text(uint8_t standing);
_Static_assert((int)POLICY_PLACE_CRITICAL == (int)INV_SENSITIVITY_critical, "places are numbered as in the inventory");
/* "Sat 02:00-05:00", "daily 22:00-01:00" (UTC), to minutes since Monday 00:00 of each day's; false: not of this form. */
struct policy_window {
    uint8_t days; /* bits, Monday first */
    uint16_t from, to; /* minutes of the day; to <= from: on the next day */
};
bool policy_window_parse(struct str, struct policy_window *);
bool policy_window_is_open(const struct policy_window *, uint64_t unix_us);
bool policy_country_is_known(struct str); /* ISO 3166-1 alpha-2 */

/* ---- files ---- */
struct policy_file {
    struct str name;       /* as it was opened */
    struct policy_regime r;
    uint32_t *rule_lines, *list_lines, *override_lines, *grant_lines; /* by index */
    void *memory;
};
struct policy_row { /* a rule as it holds: with its override, if there is one */
    const struct policy_file *file;
    const struct policy_rule *rule;         /* as it is written */
    const struct policy_override *override; /* NULL: none */
    const struct policy_file *override_file;
    uint32_t line;
    bool off;
    uint8_t decision, conditions; /* conditions: bits 1 << POLICY_CONDITION_* */
    uint8_t cap_percent;          /* 0: no cap */
    int32_t from, until;          /* 0: no bound */
    int32_t new_from, remove_by;  /* of the rule or its override */
    const struct config_slice *slices;
    uint32_t n_slices;
};
enum { POLICY_FILES_MAX = 64, POLICY_ROWS_MAX = 1024 };
struct policy {
    struct policy_file files[POLICY_FILES_MAX];
    uint32_t n_files, n_rows;
    struct policy_row rows[POLICY_ROWS_MAX]; /* policy_join() */
    uint8_t otherwise; /* the strictest that a file says; POLICY_DECISION_PERMIT when none does */
    const struct policy_file *otherwise_file;
};
struct policy *policy_new(void); /* NULL: no memory */
void policy_free(struct policy *);
/* Adds a file. Mistakes go to the report, as "FILE:LINE: what was found, what was expected". OK, ERR_CONFIG (the file is
 * not part of the policy then), ERR_NOSPACE, ERR_FULL. */
int policy_read(struct policy *, struct str name, struct str text, struct config_report *);
/* After the last file: overrides, lists and grants find what they name. OK or ERR_CONFIG, with a report. */
int policy_join(struct policy *, struct config_report *);
/* "regime/rule" */
const struct policy_row *policy_row_find(const struct policy *, struct str regime_rule);
/* What two files say differently of the same equipment, what is said of nobody, what the inventory leaves open; a line
 * each, as warnings. Never changes what holds. */
int policy_review(const struct policy *, const struct inventory *, int32_t date, struct config_report *);
static inline struct str policy_citation(const struct policy_row *w)
{
    return w->rule->citation.n ? w->rule->citation : w->file->r.citation;
}
static inline struct str policy_source(const struct policy_row *w)
{
    return w->rule->source.n || !w->file->r.n_sources ? w->rule->source : w->file->r.sources[0];
}
static inline int32_t policy_checked(const struct policy_row *w)
{
    return w->rule->checked ? w->rule->checked : w->file->r.checked;
}

/* ---- decisions ---- */
struct policy_set;
/* The inventory and the policy must outlive it. ERR_NOSPACE. */
int policy_compile(struct policy_set **, const struct policy *, const struct inventory *);
void policy_set_free(struct policy_set *);
const struct policy *policy_of(const struct policy_set *);
const struct inventory *policy_inventory_of(const struct policy_set *);

enum policy_why {
    POLICY_WHY_RULE,         /* a rule says so */
    POLICY_WHY_CAP,          /* … because it is beyond the share */
    POLICY_WHY_GRANTED,      /* … and what it asks for is there */
    POLICY_WHY_NOT_GRANTED,  /* … and what it asks for is not there */
    POLICY_WHY_STILL,        /* … and the element stays until the deadline */
    POLICY_WHY_OTHERWISE,    /* no rule speaks of it (row NULL) */
    POLICY_WHY_STRANGER,     /* not in the inventory (row NULL) */
    POLICY_WHY_NOT_IN_SERVICE, /* in the inventory, but not on this day (row NULL) */
    POLICY_WHY_PROTECTED,    /* fit for others, not for a protected subscriber */
    POLICY_WHY_SLICE,        /* fit, but not for this slice */
    POLICY_WHY_REMOTE,       /* a rule permits it under no-remote-access, and the inventory says that there is such access */
    POLICY_WHYS
};
struct policy_reason {
    const struct policy_row *row; /* NULL: see why */
    uint8_t decision;             /* what it demands on this day */
    uint8_t why;                  /* enum policy_why */
    int32_t deadline;             /* last day on which it allows the element; 0: none */
    uint16_t share_permille;      /* of a cap: where the supplier stands */
};
enum { POLICY_REASONS_MAX = 12 };
struct policy_query {
    uint32_t element;  /* reference in the inventory; 0: a stranger */
    int32_t date;      /* of the decision */
    bool is_protected; /* for a protected subscriber */
    bool has_slice;    /* … or one who uses this slice */
    struct config_slice slice;
};
struct policy_verdict {
    uint8_t decision;   /* enum policy_decision: the strictest; NOTIFY is permitted and owes a notice */
    bool permitted;
    uint8_t conditions; /* bits 1 << POLICY_CONDITION_* that hold as long as it is permitted */
    int32_t deadline;   /* last day on which it is permitted, as things stand; 0: no end is known */
    int32_t same_until; /* last day on which the verdict is the same; 0: no end is known */
    uint32_t n_reasons;
    bool cut;           /* there are more reasons; the strictest are here */
    struct policy_reason reasons[POLICY_REASONS_MAX]; /* the strictest first */
};
/* The answer for an element of the inventory is kept until the date leaves it. */
void policy_decide(struct policy_set *, const struct policy_query *, struct policy_verdict *);
/* Does a verdict with the condition listed-slices allow this slice? True without the condition. */
bool policy_slice_allowed(const struct policy_verdict *, const struct config_slice *);
/* The rule with the condition maintenance-windows none of whose windows is open, or NULL: it may change now. */
const struct policy_row *policy_window_closed(const struct policy_verdict *, uint64_t unix_us);
/* The inventory contradicts no-remote-access under a rule of this row's nation. */
bool policy_is_reached_from_outside(const struct policy_row *, const struct inv_element *);
/* The share of the element's supplier under a rule with a cap, in 1/1000; false: the rule has none, or it cannot be told. */
bool policy_share(const struct policy_set *, const struct policy_row *, uint32_t element, uint32_t *permille);
/* A sentence: "denied by uk-dvd-huawei/remove-all: …, until …". Returns buf. */
enum { POLICY_REASON_TEXT = 1024 };
const char *policy_reason_text(const struct policy_reason *, char buf[POLICY_REASON_TEXT]);
