/* SPDX-License-Identifier: Apache-2.0 */
/* trust_evidence.h - what the words of redoubt trust evidence share. */
#pragma once
#include "cmd/cmd.h"
#include "trust/evidence_verify.h"
#include "trust/witness.h"

enum { EVIDENCE_NAMES = EVIDENCE_HELD_MAX };
struct evidence_command {
    const char *dir, *key, *output, *name, *kind, *seal_key, *message_key, *state, *proof, *entry, *subject, *words[8];
    const char *witness[EVIDENCE_WITNESSES_MAX], *held[EVIDENCE_HELD_MAX], *log[8];
    uint32_t n_words, n_witness, n_held, n_log, from, limit, consistency;
    bool json, is_witness, is_seal, is_add, has_consistency, reveal, sign;
    struct crypto *crypto;
    struct disk *disk;
};
#define EVIDENCE_DIR "/var/lib/redoubt/evidence"
int trust_evidence(int argc, char **argv);
int evidence_fail(const char *what, const char *why); /* on standard error; EXIT_FAILED */
/* The folder of the log; what went wrong has been said. */
int evidence_disk(struct evidence_command *, bool is_writer);
/* A whole file, or "-": standard input, followed by a NUL; free() it. NULL after it has been said. */
char *evidence_file(const char *path, uint32_t *n);
/* A public key: its text, or a file with it. */
int evidence_key(struct evidence_command *, const char *text_or_file, struct note_key *);
int evidence_signer(struct evidence_command *, const char *file, struct note_signer *);
/* To --output, or to standard output. */
int evidence_put(const struct evidence_command *, struct str text);
void json_put(struct str); /* a JSON string, with its quotes */

int evidence_keygen(struct evidence_command *);
int evidence_prove(struct evidence_command *);
int evidence_witness(struct evidence_command *);
int evidence_verify_proof(struct evidence_command *);
int evidence_checkpoint(struct evidence_command *);
int evidence_add(struct evidence_command *);
#define TRUST_EVIDENCE_HELP                                                                                            \
    "  list [--from N] [--limit N] [--kind KIND] [--json]    entries, one line each\n"                                 \
    "  show N [--seal-key FILE | --message-key HEX] [--reveal]    one entry; with a key its sealed messages; --reveal\n" \
    "                             prints the key of each, which opens that message and no other\n"                      \
    "  verify [DIR] --key KEY [--checkpoint FILE]... [--witness KEY]... [--json]    is a copy what was signed? With\n" \
    "                             checkpoints from before: was anything changed, removed, reordered, back-dated since?\n" \
    "  checkpoint [--sign FILE]   the newest signed checkpoint, for others to keep; --sign signs what is not yet\n"     \
    "  prove N [--output FILE]    a proof that entry N is in the log; verify --proof FILE --entry FILE --key KEY\n"     \
    "  prove --consistency OLD    a request for a witness that cosigned the log when it had OLD entries (0: never)\n"   \
    "  witness REQUEST --key FILE --state DIR --log KEY [--log KEY]...    be a witness: cosign what is consistent\n"    \
    "  witness --add ANSWER --witness KEY    put a witness's answer to the log's checkpoint\n"                          \
    "  add --key FILE --subject TEXT BODY    an entry by hand, while no core writes\n"                                  \
    "  keygen --name NAME --output FILE [--witness-key | --seal]    a key: of a log, of a witness, for sealing\n"       \
    "  --dir DIR                  of the log (" EVIDENCE_DIR ")\n"                                                      \
    "  KEY is the text that keygen prints, or a file with it. NAME is like a URL without its scheme: example.org/core-1.\n" \
    "  Checkpoints, proofs, requests and cosignatures are those of c2sp.org; tools for them work with these.\n"
