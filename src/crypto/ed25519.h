/* SPDX-License-Identifier: Apache-2.0 */
/* ed25519.h - signatures of RFC 8032. The private key is its seed of 32 octets. 0 or ERR_*. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { ED25519_KEY = 32, ED25519_SIGNATURE = 64 };
int ed25519_public(const uint8_t seed[ED25519_KEY], uint8_t pub[ED25519_KEY]);
int ed25519_sign(const uint8_t seed[ED25519_KEY], struct bytes message, uint8_t signature[ED25519_SIGNATURE]);
/* ERR_MAC: the signature is not this key's of this message. */
int ed25519_verify(const uint8_t pub[ED25519_KEY], struct bytes message, const uint8_t signature[ED25519_SIGNATURE]);
