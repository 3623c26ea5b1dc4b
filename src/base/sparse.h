/* SPDX-License-Identifier: Apache-2.0 */
/* sparse.h - memory that is mostly zeros (structs of which few members are set), kept without them: an octet for each 8 words of
 * 8 octets that says which are not 0, for each of those one that says which of its octets are not, and these. */
#pragma once
#include <stdint.h>

/* Of n octets, a multiple of 8: what sparse_pack() writes at most. */
#define SPARSE_MAX(n) ((n) + (n) / 8 + (n) / 64 + 1)
/* Octets written. */
uint32_t sparse_pack(uint8_t *to, const void *from, uint32_t n);
/* What was packed from n octets, by this process: it is believed. */
void sparse_unpack(void *to, uint32_t n, const uint8_t *from);
