/* SPDX-License-Identifier: Apache-2.0 */
/* lie.h - messages that are well formed and lie: one that decodes, changed in one or more places as its rows allow. Numbers at
 * and around their bounds, enumerations, lists at their limits and repeated, optional parts that come and go, alternatives,
 * other parts of the same message where they do not belong, and the same within what containers hold. From a seed, which is
 * advanced. Octets written, or 0: it does not decode, or what came out has no encoding. */
#pragma once
#include "base/arena.h"

uint64_t lie_roll(uint64_t *seed);
int lie_ngap(struct bytes pdu, uint64_t *seed, struct arena *, uint8_t *out, uint32_t cap);
int lie_nas(struct bytes plain, uint64_t *seed, uint8_t *out, uint32_t cap); /* 5GMM or 5GSM, without security */
int lie_pfcp(struct bytes message, uint64_t *seed, uint8_t *out, uint32_t cap);
