/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - the condition maintenance-windows: an element that is permitted under it changes and restarts inside its windows
 * alone. What each said of itself last is remembered, by its id in the inventory, for as long as the process runs: what
 * happened before is not known, and not held against anybody. */
#pragma once
#include "base/map.h"
#include "trust/policy.h"

enum { CHANGE_CONFIG = 8 };
struct change_said { /* in a claim: what it says of itself */
    bool has_config, has_started;
    uint8_t config[CHANGE_CONFIG]; /* a hash of it */
    uint32_t started;
};
struct changes {
    struct map by_id; /* struct change_known */
};
struct change_found {
    bool changed, restarted;      /* against what it said last */
    const struct policy_row *row; /* whose windows are closed; NULL: it may */
};
void changes_init(struct changes *, uint64_t secret0, uint64_t secret1);
void changes_free(struct changes *);
/* Nothing is remembered yet. */
struct change_found changes_look(const struct changes *, struct str element, const struct change_said *, const struct policy_verdict *, uint64_t unix_us);
/* From here on this is what it is. ERR_NOSPACE: the next change will not be seen. */
int changes_learn(struct changes *, struct str element, const struct change_said *);
/* "…; Mon 02:00-05:00" */
enum { CHANGE_TEXT = 1400 };
const char *change_text(const struct policy_row *, bool is_restart, char buf[CHANGE_TEXT]);
