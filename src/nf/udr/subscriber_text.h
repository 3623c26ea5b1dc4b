/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber_text.h - a subscriber as people write it: options of a command and columns of a CSV file have the same
 * names. Values are slices of the caller's text, which must outlive the entry. */
#pragma once
#include "nf/udr/subscriber.h"

enum subscriber_field {
    SUBSCRIBER_FIELD_IMSI, SUBSCRIBER_FIELD_K, SUBSCRIBER_FIELD_OPC, SUBSCRIBER_FIELD_OP, SUBSCRIBER_FIELD_AMF,
    SUBSCRIBER_FIELD_SQN, SUBSCRIBER_FIELD_AUTH, SUBSCRIBER_FIELD_SLICE, SUBSCRIBER_FIELD_DNN,
    SUBSCRIBER_FIELD_PDU_TYPES, SUBSCRIBER_FIELD_AMBR_DOWN, SUBSCRIBER_FIELD_AMBR_UP,
    SUBSCRIBER_FIELD_SESSION_AMBR_DOWN, SUBSCRIBER_FIELD_SESSION_AMBR_UP, SUBSCRIBER_FIELD_5QI, SUBSCRIBER_FIELD_ARP,
    SUBSCRIBER_FIELD_IP, SUBSCRIBER_FIELD_PROTECTED, SUBSCRIBER_FIELD_COUNT
};
struct subscriber_field_desc {
    const char *name, *expected, *help;
};
extern const struct subscriber_field_desc subscriber_fields[SUBSCRIBER_FIELD_COUNT];
/* By name, '_' as '-', either case; SUBSCRIBER_FIELD_COUNT: none. */
enum subscriber_field subscriber_field_of(struct str name);

struct subscriber_entry {
    char supi[SUBSCRIBER_SUPI];
    struct subscriber s;
    struct subscriber_profile p; /* its DNNs are those of every slice */
    uint32_t given;              /* bits of enum subscriber_field */
    uint8_t op[32], op_n;
    uint8_t n_names, types, fiveqi, arp_priority;
    struct str names[SUBSCRIBER_DNNS];
    uint64_t session_down_bps, session_up_bps;
};
static inline bool subscriber_has(const struct subscriber_entry *e, enum subscriber_field f)
{
    return e->given >> f & 1;
}
/* All secrets of *e are the caller's to wipe. ERR_SYNTAX: not what subscriber_fields[f].expected says. */
int subscriber_entry_set(struct subscriber_entry *e, enum subscriber_field f, struct str value);
/* Defaults for what was not given, OPc from OP. *why says in words what is missing or does not fit. */
int subscriber_entry_finish(struct subscriber_entry *e, struct crypto *, const char **why);

/* ---- CSV ---- */
struct subscriber_csv {
    enum subscriber_field columns[SUBSCRIBER_FIELD_COUNT];
    uint32_t n;
};
enum { SUBSCRIBER_WHY = 160 };
/* The first line: names of columns. ERR_SYNTAX with why. */
int subscriber_csv_header(struct subscriber_csv *, struct str line, char why[SUBSCRIBER_WHY]);
/* A line to an entry that is ready to be put. `line` without its end. */
int subscriber_csv_line(const struct subscriber_csv *, struct str line, struct crypto *, struct subscriber_entry *,
                        char why[SUBSCRIBER_WHY]);
/* Without keys unless with_keys; "" never. The length or ERR_NOSPACE. */
int subscriber_csv_print(char *out, uint32_t cap, struct str supi, const struct subscriber *, uint64_t sqn,
                         const struct subscriber_profile *, bool with_keys);
const char *subscriber_csv_columns(bool with_keys);
/* "1 Gbps", "500 Kbps", "1500000"; 0 in *bps is refused. */
bool bit_rate_parse(struct str text, uint64_t *bps);
