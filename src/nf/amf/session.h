/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - PDU sessions as the AMF sees them (TS 23.502 4.3): who serves one, and what waits to be delivered.
 * What a session procedure still does when its phone is forgotten, it does for a session without one (ue NULL):
 * the SMF is told, by the queue of session_queue.c, and the record goes back. */
#pragma once
#include "nf/amf/sm_select.h"
#include "nf/amf/ue.h"

enum {
    AMF_SESSIONS_A_UE = 8,
    AMF_SESSION_PROCS = 8, /* that run at once of one session: what comes beyond is refused */
    AMF_N1N2_URI_MAX = 255,
};
struct amf_session {
    struct link on_ue;  /* ue->sessions */
    struct link procs;  /* struct sm_proc */
    struct link queued; /* amf->ues->sm_queue: the SMF is to be told */
    struct amf_ue *ue;  /* NULL: forgotten, its SMF has yet to hear of it */
    struct amf *amf;
    uint8_t id; /* PDU session identity 1..15 */
    uint8_t n_procs;
    uint8_t n2_type;    /* enum sbi_NgapIeType of n2 */
    uint8_t cause;      /* 5GMM cause why its user plane was not activated last; 0: none */
    uint8_t pages;      /* how often the phone was paged for what waits */
    uint8_t arp;        /* priority of what waits, 1 the highest; 0: not said */
    bool up_active;     /* the gNB has resources for it */
    bool setting_up;    /* the gNB was asked for them */
    bool activating;    /* n2 is from an activation that the phone's connection asked for, and goes with it */
    bool is_creating;   /* the SMF has not answered yet */
    bool skip_released; /* the next release response is of an earlier session of this identity */
    struct amf_slice slice;
    struct brief sm_ref;         /* smContextRef; empty while it is being created */
    const struct interned *dnn;  /* NULL: not yet known */
    uint32_t message_id;         /* of what waits, in its resource */
    struct amf_blob *n1, *n2;    /* waiting for the phone and the gNB; NULL: none */
    struct amf_blob *failure;    /* URI to be told when that cannot be delivered; NULL: none */
};
/* Start of the frame of a procedure of one session. */
struct sm_proc {
    struct proc p;
    struct link on_session;
    struct amf_session *s;
};
struct amf_session *amf_session_by_id(const struct amf_ue *, uint8_t id);
/* NULL: as many as configured. */
struct amf_session *amf_session_new(struct amf_ue *, uint8_t id);
bool amf_session_name(struct amf_session *, struct str dnn); /* false: no memory */
void amf_session_free(struct amf_session *); /* the record itself; of amf_session_drop() and the queue */
/* Forgets it. tell: its SMF is told as well, in time. Procedures that ask its SMF for something are aborted; one
 * that creates it goes on until there is something to release. */
void amf_session_drop(struct amf_session *, bool tell);
/* A frame of that type as a procedure of the session; NULL: too many or no memory. Its `end` calls sm_proc_ended(). */
void *sm_proc_new(struct amf_session *, const struct proc_type *);
void sm_proc_ended(struct sm_proc *);

/* ---- session_update.c: nsmf_pdusession_update, and what comes back ---- */
struct sm_update {
    struct bytes n1, n2;       /* n 0: none */
    enum sbi_N2SmInfoType n2_type;
    bool release; /* the session is to end, at the phone and the gNB as well */
};
/* Asks the SMF; what it answers is delivered. 0, ERR_FULL (too many run), ERR_NOSPACE. */
int sm_update(struct amf_session *, const struct sm_update *);
/* The call with its reference, location and access filled in; not sent. NULL: no memory. */
struct call *sm_update_call(struct amf_session *);

/* ---- session_deliver.c: to the phone and its gNB ---- */
struct sm_message {
    struct bytes n1, n2; /* n 0: none */
    uint8_t n2_type;     /* enum sbi_NgapIeType */
};
/* OK: it is on its way. ERR_STATE: the phone is not connected or busy: sm_store() it. Other errors: it is lost. */
int sm_send(struct amf_session *, const struct sm_message *);
/* Keeps it until the phone can be reached; replaces what waited. 0 or ERR_NOSPACE. */
int sm_store(struct amf_session *, const struct sm_message *);
/* Sends or stores, and pages when the phone is idle. 0 or a negative error. */
int sm_put(struct amf_session *, const struct sm_message *);
void sm_drop_stored(struct amf_session *);
/* What waited cannot be delivered: its sender is told (TS 29.518 5.2.2.3.2). */
void sm_store_failed(struct amf_session *);
/* DL NAS TRANSPORT with a 5GSM message; cause 0: of the SMF; else one that was not forwarded (TS 24.501 5.4.5.3.1). */
int sm_send_n1(struct amf_ue *, uint8_t id, struct bytes n1, uint8_t cause);
/* Resources of one session are released at the gNB by the AMF itself. */
void sm_release_resources(struct amf_session *);
/* A block of exact size; NULL: no memory. */
struct amf_blob *amf_blob_new(struct bytes);
static inline struct bytes amf_blob_bytes(const struct amf_blob *b)
{
    return b ? (struct bytes){b->octet, b->n} : (struct bytes){NULL, 0};
}

/* ---- session_queue.c ---- */
/* The SMF is told that the user plane is off, or (ue NULL) that the session is gone: a few at a time. */
void sm_queue(struct amf_session *);

/* Operations of spec/sbi that the session side produces. */
void amf_op_n1n2_transfer(void *amf, struct call *);  /* namf_comm_n1n2_message_transfer */
void amf_op_session_status(void *amf, struct call *); /* nsmf_pdusession_status_notify, path "{supi}/sm/{id}" */
