/* SPDX-License-Identifier: Apache-2.0 */
/* policies.h - policy files by name: the id of a regime that is shipped, or a path. */
#pragma once
#include "trust/policy.h"

enum { POLICY_PATH = 4200 };
/* Where the regimes are that are shipped: beside this binary as installed, or in the tree that it was built in. */
const char *policies_folder(char path[POLICY_PATH]);
/* A name with '/' or ending in .yaml is a path already. */
const char *policy_path(const char *name, char path[POLICY_PATH]);
/* Adds the file of that name, or the open descriptor (fd >= 0, which is closed), to the policy; what is wrong is told in
 * the report. */
int policies_add(struct policy *, const char *name, int fd, struct config_report *);
/* All of them, joined. NULL: no memory, or what the report says. */
struct policy *policies_load(const struct str *names, uint32_t n, struct config_report *);
