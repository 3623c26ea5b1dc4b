/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h - which element is this? From the certificate of an IPsec or TLS peer to the one record whose key it is,
 * or to the precise reason why not. What a peer says of itself beside that is a claim. */
#pragma once
#include "trust/inventory.h"

enum identity_verdict {
    IDENTITY_PROVED,
    IDENTITY_MALFORMED,      /* no certificate */
    IDENTITY_ISSUER,         /* nobody we trust issued it */
    IDENTITY_SIGNATURE,      /* it was changed, or signed by another key than its issuer's */
    IDENTITY_EARLY,          /* not valid yet */
    IDENTITY_EXPIRED,
    IDENTITY_REVOKED,
    IDENTITY_NO_REVOCATION,  /* lists of revoked certificates are in use, and the issuer's is missing or out of date */
    IDENTITY_UNFIT,          /* a certificate for something else: an authority's, or with a key too weak */
    IDENTITY_STRANGER,       /* it is good, but no record has this key or name */
    IDENTITY_OTHER_KEY,      /* it names an element whose record has another key, or none */
    IDENTITY_OTHER_ELEMENT,  /* the key of one element, while the certificate or the peer names another */
    IDENTITY_CLONED,         /* an element's key at work in two places */
    IDENTITY_OUT_OF_SERVICE, /* the record says it is not in service on that day */
    IDENTITY_UNPROVED,       /* no certificate was shown, and the record does not allow the address to stand for it */
    IDENTITY_VERDICTS
};
struct identity_anchors;
/* Authorities that are trusted and their revocation lists. Lists are asked for as soon as one is given. */
int identity_anchors_new(struct identity_anchors **);
void identity_anchors_free(struct identity_anchors *);
/* One or more certificates, or lists, in PEM. How many; ERR_SYNTAX: none, or one that is not well formed. */
int identity_anchors_add(struct identity_anchors *, struct str authorities_pem);
int identity_anchors_add_crl(struct identity_anchors *, struct str lists_pem);
int identity_anchors_add_crl_der(struct identity_anchors *, struct bytes list_der); /* OK, ERR_SYNTAX */
void identity_anchors_want_lists(struct identity_anchors *); /* as if one had been given */

struct identity_peer {
    struct bytes certificate; /* DER; n 0: none was shown */
    struct net_addr from;     /* family 0: not known */
    uint32_t claims;          /* element that it says it is, by gNB identity, node identity, ...; 0: says nothing */
    struct net_addr in_use;   /* where the element of this key is connected from already; family 0: nowhere */
    uint8_t function;         /* of the interface, where the address alone may stand for it; 0: any */
    const enum identity_verdict *chain; /* what identity_chain() says of the certificate; NULL: asked now */
};
enum { IDENTITY_TEXT = 240 };
struct identity_result {
    enum identity_verdict verdict;
    uint32_t element;  /* proved; or the one whose key or name it is, for the finding; 0: none */
    uint32_t named;    /* that the certificate names; 0: none */
    bool by_address;   /* proved by its address alone, as its record says */
    uint8_t key_sha256[32];
    int64_t expires;   /* seconds since 1970 */
    char text[IDENTITY_TEXT];
};
/* OK when it is proved, otherwise ERR_DENIED; *out says which and why. */
int identity_verify(const struct identity_anchors *, const struct inventory *, const struct identity_peer *, uint64_t now_us,
                    struct identity_result *out);
/* The certificate by itself, without an inventory: its key (zero where it has none), the second in which it expires. */
enum identity_verdict identity_chain(const struct identity_anchors *, struct bytes der, uint64_t now_us, uint8_t key_sha256[32], int64_t *expires);
const char *identity_verdict_text(enum identity_verdict); /* one word, such as expired */
/* A certificate in PEM to DER, in the arena. ERR_SYNTAX, ERR_NOSPACE. */
int identity_pem_der(struct str pem, struct arena *, struct bytes *der);
