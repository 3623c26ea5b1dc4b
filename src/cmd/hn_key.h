/* SPDX-License-Identifier: Apache-2.0 */
/* hn_key.h - home network keys in files. */
#pragma once
#include "crypto/suci.h"
#include "rt/config.h"

enum { HN_KEYS_MAX = 16, HN_KEYS_WHY = 320 };
/* Reads the PEM files that udm.home_network_keys names; each entry's `key` then points into keys[], which live as
 * long as the configuration and are the caller's to wipe. ERR_CONFIG with why. Call it before nf_start. */
int hn_keys_read(struct config *, uint8_t keys[HN_KEYS_MAX][32], struct crypto *, char why[HN_KEYS_WHY]);
/* A new or replaced PEM file of mode 0600. */
int hn_key_file_write(const char *path, enum suci_scheme, const uint8_t priv[32]);
