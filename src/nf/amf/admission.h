/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h - who may begin a procedure when more want to than the AMF can serve: docs/procedures/overload.md.
 *
 * A registration or service request is admitted to a window of procedures that run; by Little's law the size of the
 * window over the rate of their ends is how long each takes. Once half of it is in use a gNB that has its share already
 * gets no more: what a flooding one leaves is the others'. Who finds no room is told when to come back (#22, T3346),
 * one after the other at the rate at which procedures end; gNBs whose phones are put off get OVERLOAD START. The same
 * holds between slices (docs/decisions/0025). All of it costs the same for each event, however many phones and gNBs
 * there are. */
#pragma once
#include "base/list.h"
#include "rt/timer.h"

struct amf;
struct amf_conn;
struct amf_gnb;
struct amf_ue;

struct amf_slice {
    uint8_t sst, sd[3];
    bool has_sd;
};
enum { AMF_LOAD_SLICES = 16 }; /* served ones that get a share of their own */

enum amf_class {   /* by what the message and its RRC establishment cause say, the least first */
    AMF_ORDINARY,  /* a phone that nobody has verified */
    AMF_PROTECTED, /* its MAC holds: it is registered, or was */
    AMF_HIGH,      /* high priority access, MPS, MCS, an answer to paging: TS 24.501 5.3.9, TS 23.501 5.19.5 */
    AMF_EMERGENCY,
    AMF_CLASSES
};
/* What a gNB, or a slice, holds and wants. */
struct amf_load {
    uint32_t used;           /* procedures of its phones */
    uint32_t asked, put_off; /* since the last tick */
    uint64_t next_us;        /* when the next of its phones that is put off may come back */
    uint8_t reduction;       /* percent that is to be held back; 0: none */
};
struct amf_slice_load {
    struct amf_slice slice;
    uint32_t strangers; /* who were of it, of late */
    bool is_active; /* has something here, asked since the last tick, or is held back */
    struct amf_load load;
};
/* Windows: one for all, and for each class above the ordinary one of its own beside it, used when that one is full. */
struct amf_admission {
    uint32_t limit, limit_now; /* of the first window: amf.max_procedures, and less while the loop is late */
    uint32_t used[AMF_CLASSES]; /* [AMF_ORDINARY]: the first, which is for all */
    struct link admitted;       /* struct amf_conn.admitted, the oldest first */
    struct link active;         /* struct amf_gnb_load.link: who has something here, or asked since the last tick */
    uint32_t n_active, ended, served_s; /* ended well since the last tick; a second, about the best of late */
    struct amf_slice_load slices[AMF_LOAD_SLICES]; /* those that the AMF serves */
    uint32_t n_slices, n_slices_active;
    struct timer tick;
    uint64_t tick_at_us;
};
struct amf_gnb_load {
    struct link link;
    struct amf_load load;
    uint32_t verified;                  /* of load.used, those that verified phones began */
    uint32_t of_slice[AMF_LOAD_SLICES]; /* of load.used, by row of amf_admission.slices */
    uint8_t told;                       /* reduction as OVERLOAD START has told it … */
    uint8_t told_slices[AMF_LOAD_SLICES]; /* … and by row of amf_admission.slices */
};
void amf_admission_init(struct amf *);
void amf_admission_stop(struct amf *);
/* May the phone of this connection begin? ue NULL: nobody has verified who it is. False: it is to be put off. */
bool amf_admit(struct amf_conn *, struct amf_ue *, enum amf_class);
/* These slices a stranger may use, as it turns out: may it go on? False: they have their share; it is to be put off. */
bool amf_admit_slices(struct amf_conn *, const struct amf_slice *, uint32_t n);
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
