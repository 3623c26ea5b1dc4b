/* SPDX-License-Identifier: Apache-2.0 */
/* x509.h - what of OpenSSL the certificates need. To be included before headers of this project. */
#pragma once
/* OpenSSL has a type named ERR_STATE, spec/errors.def a row STATE: theirs has another name here. */
#define ERR_STATE openssl_err_state
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#undef ERR_STATE

bool x509_key_hash(X509 *, uint8_t sha256[32]); /* of its SubjectPublicKeyInfo, by which the inventory knows a key: identity.c */
