/* SPDX-License-Identifier: Apache-2.0 */
/* aper.h - ASN.1 aligned PER (ITU-T X.691) over tables: a descriptor a type, one engine for every
 * type, with the 3GPP containers (protocolIEs, iE-Extensions, choice-Extensions) and the rules for
 * what is not understood (TS 38.413 clause 10) built in.
 *
 * How an ASN.1 type looks in C:
 *   INTEGER            uint64_t                                ENUMERATED         uint32_t,
 * ASN_UNKNOWN when not known OCTET STRING       struct bytes                            character
 * strings  struct str BIT STRING         struct bits                             any open type
 * struct bytes SEQUENCE OF        struct { E *v; uint32_t n; }            NULL uint8_t CHOICE
 * struct { uint32_t sel; union {...}; }   sel is ASN_UNKNOWN when not known SEQUENCE, IEs struct {
 * union { struct { a bit a member }; uint64_t mask[1]; } has; members } iE-Extensions      struct
 * X_ExtIEs *ext, of the same shape; NULL when there are none
 *
 * Decoded values point into the input and the arena: both must outlive the value. Nothing is
 * allocated elsewhere. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

enum asn_kind {
    ASN_INT,
    ASN_ENUM,
    ASN_BITS,
    ASN_OCTETS,
    ASN_CHARS,
    ASN_UTF8,
    ASN_NULL,
    ASN_OPEN,
    ASN_LIST,
    ASN_SEQ,
    ASN_CHOICE,
    ASN_IES,
    ASN_EXTSET,
};
enum { ASN_REJECT, ASN_IGNORE, ASN_NOTIFY }; /* Criticality */
enum {                                       /* presence; conditional is decoded as optional */
       ASN_MANDATORY,
       ASN_OPTIONAL,
       ASN_CONDITIONAL,
       ASN_EXTENSIONS, /* iE-Extensions, last in a SEQUENCE; no bit in `has`, the pointer says it */
};
enum { /* flags of a type */
       ASN_FIX = 0,
       ASN_EXT = 1,    /* extensible: "..." */
       ASN_SECRET = 2, /* never printed */
       ASN_IDENTITY = 4, /* likewise: it names a subscriber */
};
#define ASN_UNKNOWN UINT32_MAX
#define ASN_NOMAX                                                                                  \
    UINT64_MAX /* no upper bound on a size; INTEGER (0..MAX) would be read as 0..2^64-1 */

struct asn_type;
struct asn_field { /* a SEQUENCE member, a CHOICE alternative, an IE, an extension; also a value of
                      an ENUMERATED */
    const char *name; /* ASN.1 spelling with '_' for '-' */
    const struct asn_type
        *type;       /* NULL: a value of an ENUMERATED, or iE-Extensions with no extension known */
    uint32_t offset; /* of the value in the parent struct; iE-Extensions: of the pointer to it */
    uint16_t id;     /* ProtocolIE-ID, ProtocolExtensionID */
    uint8_t criticality, presence; /* an alternative of choice-Extensions is ASN_OPTIONAL */
};
struct asn_type {
    const char *name;
    uint8_t kind, flags; /* enum asn_kind, ASN_EXT.. */
    uint16_t n_fields;
    uint32_t n_root; /* ENUMERATED: values, CHOICE: alternatives on the wire, before the extension
                        marker */
    uint32_t size;   /* of the C value */
    uint64_t lower, upper; /* of a value or a size */
    const struct asn_field *fields;
    const struct asn_type *elem; /* LIST: element; OCTETS: what they contain, or NULL */
};
struct asn_has { /* first in every SEQUENCE, IEs and extension set: bit i is fields[i] */
    uint64_t mask[1];
};
struct asn_list {
    void *v;
    uint32_t n;
};

/* What the receiver did not understand or missed, TS 38.413 10.3. */
enum { APER_NOT_UNDERSTOOD, APER_MISSING }; /* TypeOfError */
struct aper_note {
    uint16_t id;
    uint8_t criticality, type;
};
enum { APER_NOTES = 16 };
struct aper_report {
    bool reject;   /* an item of criticality reject: abstract-syntax-error-reject */
    bool notify;   /* an item of criticality notify: abstract-syntax-error-ignore-and-notify */
    bool repeated; /* an IE was there twice (the first counts):
                      abstract-syntax-error-falsely-constructed-message */
    bool disorder; /* IEs out of order: likewise; some peers in the field do this, so a receiver can
                      choose to go on */
    uint8_t n;     /* items in note[]; later ones are dropped */
    struct aper_note note[APER_NOTES];
    const char *where; /* name of the type that was being read when decoding failed; NULL */
    uint32_t octet;    /* and where in the open type that held it */
};

/* Reads a value of t->size octets at v. OK; ERR_SYNTAX, ERR_SHORT, ERR_RANGE, ERR_DEPTH: transfer
 * syntax error; ERR_NOSPACE: the arena is full; ERR_UNKNOWN, ERR_MISSING, ERR_ORDER: an abstract
 * syntax error of which `report` tells the rest, and v holds all that was understood. An item of
 * criticality `ignore` or `notify` is left out (its bit in `has` is 0, even where it is mandatory)
 * and that is no error. `report` may be NULL. Octets after the value are not an error: *used, if
 * not NULL, tells how many belong to the value. */
int aper_decode(const struct asn_type *t, void *v, struct bytes in, struct arena *a,
                struct aper_report *report, uint32_t *used);
/* Octets written, or ERR_RANGE (a value outside its bounds), ERR_MISSING, ERR_NOSPACE. Mandatory
 * members are written whatever their bit says. */
int aper_encode(const struct asn_type *t, const void *v, uint8_t *buf, size_t cap);

/* An open type that starts at in.p[0]: its contents (a copy in the arena when it was sent in
 * fragments), and how many octets it took. ERR_SHORT, ERR_SYNTAX, ERR_NOSPACE. */
int aper_open_get(struct bytes in, struct arena *a, struct bytes *contents, uint32_t *used);
/* Writes the value as an open type at buf[0]. Octets, or as aper_encode. */
int aper_open_put(const struct asn_type *t, const void *v, uint8_t *buf, size_t cap);

/* Text of a value, always terminated; returns its length, which is >= cap when it was cut. SECRET
 * values read
 * "<secret>", IDENTITY ones "<identity>". indent < 0: on one line; else indented by that many levels, and octets that contain a
 * type are opened up. */
size_t aper_print(const struct asn_type *t, const void *v, char *buf, size_t cap, int indent);
/* A random valid value from a seed (advanced), for tests: at most `list_max` elements in a list.
 * ERR_NOSPACE. */
int aper_random(const struct asn_type *t, void *v, struct arena *a, uint64_t *seed,
                uint32_t list_max);
