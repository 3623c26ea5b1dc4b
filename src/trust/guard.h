/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - watches what equipment does, on the tap of the runtime: every message as it was decoded, both ways. It never
 * changes anything: that the core is not harmed is the network functions' part. What it finds is a row of
 * spec/detections.def with the message it rests on, and goes to the log, to the metrics and to rt->evidence.
 *
 * The guard knows no network function. What it has to know of phones and sessions it takes from what passes by, so that
 * after a restart it may miss what it would have found before; it never finds what was not there. */
#pragma once
#include "rt/rt.h"

enum guard_detection {
#define DETECTION(id, name, text, fight, effect) GUARD_##id,
#include "../../spec/detections.def"
#undef DETECTION
    GUARD_DETECTIONS
};
struct guard_finding {
    enum guard_detection detection;
    const char *subject; /* "gnb-001-01-000001", "smf 10.0.0.4" */
    const char *why;     /* one sentence, without identities of subscribers */
    const struct tap_event *message;
};
struct guard_conf {
    uint32_t max_ues, max_sessions; /* how many it follows at once; those beyond are not watched */
    uint8_t n_integrity, n_ciphering;
    uint8_t integrity[4], ciphering[4]; /* algorithms in the order in which the AMF is to choose them */
    /* May this node, named by its GlobalRANNodeID as encoded, have the end of a tunnel at this TransportLayerAddress?
     * NULL: there is no plan. */
    bool (*may_end_tunnel)(void *ctx, struct bytes node_id, struct bits address);
    uint64_t secret[2]; /* of its hash maps: random */
    void (*found)(void *ctx, const struct guard_finding *); /* NULL: nobody else wants to know */
    void *ctx;
};
struct guard;
/* Listens from here on; ERR_NOSPACE. */
int guard_open(struct guard **, struct rt *, const struct guard_conf *);
void guard_free(struct guard *); /* listens no longer */
uint64_t guard_count(const struct guard *, enum guard_detection); /* findings since the start, told or not */
/* For redoubt status: of each kind that was found how often, the latest with when and who, and why it had no effect. */
void guard_status(const struct guard *, void (*line)(void *, const char *), void *ctx);
const char *guard_name(enum guard_detection);    /* "N2-01" */
const char *guard_text(enum guard_detection);    /* what it means */
const char *guard_effect(enum guard_detection);  /* why the abuse has none */
const char *guard_fight(enum guard_detection);   /* MITRE FiGHT techniques */
