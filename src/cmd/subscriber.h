/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber.h - what the subcommands of redoubt subscriber share. */
#pragma once
#include "cmd/cmd.h"
#include "cmd/seal.h"
#include "nf/udr/subscriber_text.h"

struct subscriber_command {
    struct cmd_config_options options;
    const char *store_path, *word, *key_file, *output, *profile;
    uint32_t n_words, key_id, limit;
    bool replace, dry_run, with_keys;
    const char *words[64];
    struct subscriber_entry entry; /* what options named */
    int64_t added;                 /* since the last commit */
    struct cmd_config *config;
    struct store *store;
    struct crypto *crypto;
    bool has_seal;
    struct seal_key seal;
};
/* Where the store is sealed, or is to be: the key of *s as it lies there, and back. What is wrong has been said. */
int subscriber_seal(struct subscriber_command *, struct str supi, struct subscriber *s);
int subscriber_unseal(struct subscriber_command *, struct str supi, struct subscriber *s);
int subscriber_import(struct subscriber_command *);
int subscriber_export(struct subscriber_command *);
int subscriber_keygen(struct subscriber_command *);
/* Puts profile and subscriber, without a commit. ERR_EXISTS unless it may be replaced. */
int subscriber_entry_put(struct subscriber_command *, struct subscriber_entry *, bool replace);
/* With how many there are now. */
int subscriber_commit(struct subscriber_command *);
/* A new file of mode 0600 with this text; what went wrong has been said. */
int secret_file_write(const char *path, struct str text);
#define SUBSCRIBER_HELP_MORE                                                                                       \
    "  add --imsi IMSI --k KEY --opc OPC    keys as hex; --op OP instead of OPc. Without --k, --key-file FILE: keys are\n" \
    "                             made and written to a new FILE that only its owner reads, and nowhere else\n"     \
    "      --auth 5G-AKA|\"EAP-AKA'\" --amf 8000 --sqn 000000000000 --slice \"1;1-000009\" --dnn \"internet;ims\"\n" \
    "      --pdu-types \"IPv4;IPv6\" --ambr-down \"1 Gbps\" --ambr-up \"500 Mbps\" --session-ambr-down, -up\n"       \
    "      --5qi 9 --arp 8 --ip 10.45.0.9 (or DNN=ADDRESS, or an IPv6 /64) --replace\n"                             \
    "      --protected government|defence|critical    through equipment alone that policy trusts with it\n"           \
    "  set IMSI --protected none|government|defence|critical    of one that is there\n"                              \
    "  list [--limit N]           one line each; show IMSI: all but keys; remove IMSI...\n"                         \
    "  import FILE.csv [--replace] [--dry-run]    the first line names the columns, which are the options above\n"  \
    "                             without --; wrong lines are told and left out. - is standard input\n"             \
    "  export [--output FILE] [--with-keys]    as import reads it; keys only to a new FILE of mode 0600\n"          \
    "  keygen --profile A|B --id N --output FILE    a home network key: the private half to FILE, the public half,\n" \
    "                             for SIMs, to the terminal\n"                                                      \
    "  --store FILE               another store than the configured one\n\n"                                        \
    "It may run while the core does. The core reads the store whenever a phone registers, and is told of changes within\n" \
    "a second: functions that asked for that are notified, and who is removed is deregistered. A long import takes\n"    \
    "turns with the core. Keys on a command line can be seen by others who are logged in; a file for import cannot.\n"
