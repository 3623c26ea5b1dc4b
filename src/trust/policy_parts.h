/* SPDX-License-Identifier: Apache-2.0 */
/* policy_parts.h - what the files of the policy share among themselves. */
#pragma once
#include "trust/policy.h"

/* Does a name in a file mean this supplier? Its id, or a name or alias that it is or begins. */
bool policy_name_means(struct str said, const struct inv_supplier *);
bool policy_rule_names_suppliers(const struct policy_rule *); /* false: it concerns everybody's */
/* The lists of this name in all files, one after another: start with *at = 0. NULL at the end. */
struct policy_list_at {
    const struct policy_file *file;
    const struct policy_list *list;
    uint32_t line;
};
bool policy_list_next(const struct policy *, struct str name, uint32_t *at, struct policy_list_at *);
