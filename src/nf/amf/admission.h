/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h - who may begin a procedure when more want to than the AMF can serve: docs/procedures/overload.md.
 *
 * A registration or service request is admitted to a window of procedures that run; by Little's law the size of the
 * window over the rate of their ends is how long each takes. Once half of it is in use a gNB that has its share already
 * gets no more: what a flooding one leaves is the others'. Who finds no room is told when to come back (#22, T3346),
 * one after the other at the rate at which procedures end; gNBs whose phones are put off get OVERLOAD START. All of it
 * costs the same for each event, however many phones and gNBs there are. */
#pragma once
#include "base/list.h"
#include "rt/timer.h"

struct amf;
struct amf_conn;
struct amf_gnb;
struct amf_ue;

enum amf_class {   /* by what the message and its RRC establishment cause say, the least first */
    AMF_ORDINARY,  /* a phone that nobody has verified */
    AMF_PROTECTED, /* its MAC holds: it is registered, or was */
    AMF_HIGH,      /* high priority access, MPS, MCS, an answer to paging: TS 24.501 5.3.9, TS 23.501 5.19.5 */
    AMF_EMERGENCY,
    AMF_CLASSES
};
/* Windows: one for all, and for each class above the ordinary one of its own beside it, used when that one is full. */
struct amf_admission {
    uint32_t limit, limit_now; /* of the first window: amf.max_procedures, and less while the loop is late */
    uint32_t used[AMF_CLASSES]; /* [AMF_ORDINARY]: the first, which is for all */
    struct link admitted;       /* struct amf_conn.admitted, the oldest first */
    struct link active;         /* struct amf_gnb_load.link: who has something here, or asked since the last tick */
    uint32_t n_active, ended, served_s; /* ended well since the last tick; a second, about the best of late */
    struct timer tick;
    uint64_t tick_at_us;
};
struct amf_gnb_load {
    struct link link;
    uint32_t used, verified; /* procedures of its phones; those that verified ones began */
    uint32_t asked, put_off; /* since the last tick */
    uint64_t next_us;              /* when the next of its phones that is put off may come back */
    uint8_t reduction, told;       /* percent that it is to hold back, and as OVERLOAD START has told it; 0: none */
};
void amf_admission_init(struct amf *);
void amf_admission_stop(struct amf *);
/* May the phone of this connection begin? ue NULL: nobody has verified who it is. False: it is to be put off. */
bool amf_admit(struct amf_conn *, struct amf_ue *, enum amf_class);
/* The procedure has ended; safe when none was admitted. */
void amf_admit_end(struct amf_conn *, bool well);
/* What is left of memory and connections is for phones that are verified. */
bool amf_is_crowded(const struct amf *);
/* One phone's own rate (amf.phone_rate); false: it has had its share, whatever room there is. */
bool amf_phone_may(struct amf_ue *);
enum amf_class amf_class_of(const struct amf_conn *, const struct amf_ue *);
/* For T3346: seconds until it is this phone's turn, never the same for all. */
uint32_t amf_back_off_s(struct amf_conn *);
/* The node is gone or starts anew: nothing is told to it. */
void amf_gnb_load_forget(struct amf *, struct amf_gnb *);
