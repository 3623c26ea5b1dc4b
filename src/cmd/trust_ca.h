/* SPDX-License-Identifier: Apache-2.0 */
/* trust_ca.h - redoubt trust ca and redoubt trust identity. */
#pragma once
#include "cmd/trust_store.h"
#include "trust/ca.h"

#define TRUST_CA_DIR "/var/lib/redoubt/ca"
/* ---- the folder: ca.key (0600), ca.crt, crl.pem, index.tsv ---- */
struct ca_entry {
    uint8_t serial[CA_SERIAL], key_sha256[32], reason;
    bool revoked;
    int64_t from, until, revoked_at;
    char *element;
};
struct ca_folder {
    const char *dir;
    int lock_fd;
    struct ca *ca;
    struct ca_entry *entries;
    uint32_t n_entries;
    uint64_t crl_number;
};
/* Opens, under a lock; EXIT_OK or what has been said. */
int ca_folder_open(struct ca_folder *, const char *dir);
void ca_folder_close(struct ca_folder *);
int ca_folder_make(const char *dir, struct str name, uint32_t days);
/* Copies. False: no memory. */
bool ca_folder_add(struct ca_folder *, const struct ca_issued *, struct str element, struct ca_term);
int ca_folder_save(const struct ca_folder *); /* index.tsv */
/* Signs and writes crl.pem, and index.tsv with its number. */
int ca_folder_crl(struct ca_folder *, uint32_t days);
int ca_refuse(const char *what, const char *why); /* on standard error; EXIT_FAILED */
/* DIR/NAME; characters that file names should not have become '_'. */
const char *ca_path(const char *dir, struct str name, const char *suffix, char out[4200]);

int trust_ca(int argc, char **argv);
int trust_identity(int argc, char **argv);
#define TRUST_CA_HELP                                                                                                  \
    "A certificate authority for labs. A network in service has its own; import its elements with their key_sha256.\n\n" \
    "  init --name NAME [--days N]    makes the authority: its key is read by nobody but its owner (3650 days)\n"        \
    "  enrol ELEMENT... --output DIR [--days N]    a key and a certificate for elements of the inventory, whose records\n" \
    "                             are bound to that key (365 days); --all: those that have none\n"                      \
    "  sign REQUEST.csr --element ELEMENT --output DIR    the same for a key that the element made itself\n"           \
    "  revoke SERIAL | ELEMENT [--reason keyCompromise | superseded | cessationOfOperation]    and a new list\n"       \
    "  crl [--days N]             signs the list of revoked certificates anew (7 days)\n"                               \
    "  list                       certificates: until when, and which were revoked\n"                                   \
    "  --dir DIR                  of the authority (" TRUST_CA_DIR ")\n"                                                 \
    "  --no-bind                  leave the inventory as it is\n" TRUST_STORE_HELP
#define TRUST_IDENTITY_HELP                                                                                            \
    "Which element is this? Says for each certificate whose it is, or why it proves nothing: unknown-issuer,\n"         \
    "bad-signature, not-yet-valid, expired, revoked, no-revocation-list, unfit, stranger, other-key, other-element,\n"  \
    "cloned, out-of-service. Exit status 0 only if all prove their element.\n\n"                                       \
    "  verify CERTIFICATE.pem...\n"                                                                                     \
    "      --ca FILE --crl FILE   authorities that are trusted and their lists of revoked certificates, in PEM; without\n" \
    "                             them those of --dir DIR (" TRUST_CA_DIR ")\n"                                          \
    "      --claims ELEMENT       who the peer says it is\n"                                                            \
    "      --from ADDRESS         where it comes from; --in-use ADDRESS: where its key is at work already\n"          \
    TRUST_STORE_HELP
