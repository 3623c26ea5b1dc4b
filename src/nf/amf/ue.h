/* SPDX-License-Identifier: Apache-2.0 */
/* ue.h - the AMF's view of phones: connections (struct amf_conn), contexts (struct amf_ue), and the way of a NAS
 * message through them. A phone has a connection while it is CM-CONNECTED and a context once it is known.
 *
 *   Initial UE Message ─> amf_conn ─ conn->proc, a 5GMM procedure ─> amf_ue (after its MAC or authentication held)
 *
 * A procedure (frame: struct amf_proc first) computes in its frame and writes the context once. What a stranger sends
 * touches his connection alone; conn->ue is set only when a MAC made with the context's keys has been verified. */
#pragma once
#include "base/brief.h"
#include "base/interned.h"
#include "codec/nas.h"
#include "nf/amf/amf.h"
#include "proto/nas_security.h"
#include "rt/call.h"
#include "rt/commit.h"
#include "rt/config.h"
#include "rt/nf.h"

enum {
    AMF_SUPI_MAX = 63,   /* characters; longer ones are refused */
    AMF_ID_MAX = 47,     /* identifiers that other functions gave: last segment of a Location */
    AMF_AREA_TAIS = 16,  /* of a registration area */
    AMF_UE_SLICES = 8,   /* allowed or requested NSSAI */
    AMF_SUBSCRIBED_SLICES = 16,
    AMF_NAS_MAX = 65535, /* octets of a NAS message */
    AMF_NAS_ARENA_OCTETS = 512 * 1024,
    AMF_NAS_ATTEMPTS = 5, /* a message and its retransmissions (TS 24.501: on the fifth expiry) */
};

struct amf_ue;
struct amf_ues;

/* Where a phone is: UserLocationInformationNR. */
struct amf_location {
    struct amf_tai tai;
    uint8_t cgi_plmn[3];
    uint64_t nr_cell; /* 36 bits */
    uint64_t at_us;   /* rt time of the message that said so; 0: never */
};

/* A UE-associated logical NG-connection: from Initial UE Message to UE Context Release Complete, or the end of the
 * association. Its AMF UE NGAP ID: shard 4 bits, generation 14 bits, index + 1 22 bits; a stale one finds nothing. */
struct amf_conn {
    struct amf *amf;
    struct amf_gnb *gnb;
    struct link on_gnb;   /* gnb->conns */
    struct amf_ue *ue;    /* NULL: not identified; the other way round ue->conn */
    struct proc *proc;    /* the 5GMM procedure that runs on it (frame starts with struct amf_proc), or NULL */
    struct nas_security *candidate; /* of the procedure: the context that a SECURITY MODE COMMAND takes into use */
    bool candidate_used;            /* … it has been: what is sent until the procedure ends is protected with it */
    uint64_t ran_ue_id;
    struct amf_location location;
    uint32_t kgnb_count;  /* uplink NAS COUNT from which KgNB is derived: TS 33.501 6.8.1.1.2 */
    uint16_t stream;
    uint8_t rrc_cause;    /* NGAP_RRCEstablishmentCause_* */
    uint8_t window;       /* of amf_admission.used that counts it, while it is admitted */
    struct link admitted; /* amf_admission.admitted */
    uint64_t admitted_us;
    bool admitted_verified; /* … for a phone that was verified when it asked */
    uint8_t slice;          /* row of amf_admission.slices and 1 that it is charged to, or was put off for; 0: none */
    bool slice_guessed;     /* it is a stranger's who was put off: nobody knows whether it is his */
    bool asked_context;   /* the gNB wants an Initial Context Setup (UE Context Request) */
    bool is_secure;       /* secure exchange of NAS messages is established on it (TS 24.501 4.4.2.5) */
    bool has_context;     /* Initial Context Setup succeeded: radio bearers and AS security are there */
    bool setting_up;      /* Initial Context Setup Request sent, not answered */
    bool is_releasing;    /* UE Context Release Command sent */
    bool follow_on;       /* the phone said that it goes on (follow-on request), or has sessions */
    bool release_wanted;  /* by the gNB or the AMF, as soon as the procedure ended */
    struct timer timer;   /* identification that never comes, release that is never completed */
};
uint64_t amf_conn_id(const struct amf_conn *); /* its AMF UE NGAP ID */
struct amf_conn *amf_conn_by_id(struct amf *, uint64_t amf_ue_ngap_id); /* NULL: no such */
struct amf_conn *amf_conn_by_ran(struct amf *, const struct amf_gnb *, uint64_t ran_ue_ngap_id);

enum amf_rm { AMF_RM_DEREGISTERED, AMF_RM_REGISTERED };

/* A data network of the subscription (SMF selection data): amf_session's choice of a DNN. */
struct amf_dnn {
    struct amf_slice slice;
    bool is_default;
    char name[101];
};
struct amf_dnns { /* octets that all with the same subscription have */
    uint32_t n;
    struct amf_dnn v[];
};
/* What a phone has in common with its neighbours and with all of the same subscription; unused rows are 0. */
struct amf_facts {
    uint8_t n_subscribed, n_area;
    uint16_t default_slices; /* bit i: subscribed[i] is one */
    struct amf_slice subscribed[AMF_SUBSCRIBED_SLICES];
    struct amf_tai area[AMF_AREA_TAIS]; /* registration area */
};
struct amf_blob { /* one block of exact size */
    uint32_t n;
    uint8_t octet[];
};

/* What shall happen when the phone next has a connection and nothing else runs. */
enum {
    AMF_PENDING_CONFIGURATION = 1, /* a configuration update command: names and time */
    AMF_PENDING_GUTI = 2,          /* … with a new GUTI, acknowledged (TS 33.501 6.12.3) */
    AMF_PENDING_DEREGISTRATION = 4,
};

/* A context: what the network knows of a subscriber who is (or was until just now) registered. */
struct amf_ue {
    struct amf *amf;
    struct amf_conn *conn; /* CM-CONNECTED; NULL: CM-IDLE */
    struct proc *proc;     /* a procedure without a connection (paging, implicit deregistration), or NULL */
    char *supi;            /* key of amf_ues.by_supi: octets without the NUL; in supi_here where it fits, as that of an IMSI does */
    char supi_here[24];
    char pei[24];          /* "imeisv-…", "imei-…", or empty */
    uint32_t tmsi;         /* 5G-TMSI that the phone uses; 0: none */
    uint32_t new_tmsi;     /* sent, not yet acknowledged: both are valid (TS 24.501 5.4.4.6); 0: none */
    uint32_t spare_tmsi;   /* the one after that, chosen ahead so that it is in the store before it is sent; 0: none */
    uint8_t rm;            /* enum amf_rm */
    uint8_t guami;         /* index into config.guamis of the GUTI */
    uint8_t pending;       /* AMF_PENDING_* */
    uint8_t dereg_cause;   /* 5GMM cause of a pending deregistration, 0: none */
    bool dereg_again;      /* … re-registration required */
    bool is_paged;         /* amf2: a paging procedure runs as ue->proc */
    bool is_protected;     /* government, defence, critical: not through equipment that policy does not trust with it */
    bool has_row;          /* in the store */
    bool guti_unsure;      /* restored: which of the three the phone uses is not known */
    uint64_t spare_at;     /* rt->commits with which the spare is durable; 0: it is; UINT64_MAX: not yet written */
    uint32_t count_limit;  /* downlink COUNTs below it may be used: ue_store.c; UINT32_MAX: no row has these keys */
    uint32_t count_asked;  /* the limit when what was put is durable … */
    uint64_t asked_at;     /* … which commit_is_done() tells of this */
    uint32_t stored_uplink; /* uplink COUNT in the row */
    struct link changed;   /* amf_ues.changed */
    bool ppf;              /* paging proceeds; cleared when the mobile reachable timer expired (TS 23.501 5.4.1.1) */
    struct nas_ue_security_capability capability; /* as received under integrity or replayed */
    struct nas_octets gmm_capability;
    struct nas_security security; /* current, full native context */
    uint8_t nh[32], ncc;   /* next hop chain: TS 33.501 6.9.2.1 */
    uint8_t n_allowed, n_requested;
    struct amf_slice allowed[AMF_UE_SLICES], requested[AMF_UE_SLICES];
    struct amf_location location;       /* last known */
    bool has_subscription;              /* … was fetched; cleared when the UDM says that it changed */
    const struct interned *dnns, *facts; /* amf_ue_dnns(), amf_ue_facts() */
    struct amf_blob *radio_capability, *radio_capability_for_paging; /* NULL: unknown */
    uint64_t ambr_up_bps, ambr_down_bps; /* 0: not subscribed */
    uint16_t rfsp;         /* 1..256; 0: none */
    uint8_t drx;           /* requested DRX parameters, TS 24.501 9.11.3.2A; 0: none */
    uint32_t t3512_s, t3502_s;
    uint32_t subscribed_t3512_s; /* 0: not said */
    bool at_udm;           /* registered there as the serving AMF */
    struct brief policy_id, sdm_id; /* empty: none */
    uint64_t busy_until_us; /* amf_phone_may() */
    struct timer reachable; /* mobile reachable, then implicit deregistration */
    struct link sessions;   /* struct amf_session, session.h */
};

/* All of it; amf->ues. */
struct amf_ues {
    struct amf *amf;
    struct slab conns, ues, sessions;
    struct interns shared; /* what many phones have in common */
    struct map by_ran;  /* gNB's slab index << 32 | RAN UE NGAP ID -> amf_conn */
    struct map by_supi; /* supi -> amf_ue */
    struct map by_tmsi; /* 5G-TMSI -> amf_ue, current and new ones */
    uint8_t *block;     /* arena of the NAS message at hand */
    uint8_t *plain, *sealed; /* what is being sent; AMF_NAS_MAX + NAS_PROTECT_OVERHEAD octets each */
    uint32_t registered;
    struct link sm_queue;   /* amf_session.queued: SMFs that have something to be told */
    struct work sm_work;
    struct proc *sm_teller; /* tells them */
    uint32_t message_id;    /* of the N1 or N2 message stored last */
    struct commit_user rows; /* write NULL: nothing is stored */
    struct link changed;     /* struct amf_ue whose rows are to be written */
    uint32_t epoch;          /* of this start */
};
extern const struct amf_ue_ops amf_ue_side; /* ue_n2.c */
/* Slabs for max_ues contexts of rt->config. 0 or ERR_NOSPACE, ERR_CONFIG. Sets amf->ues and amf->ue_ops. */
int amf_ues_init(struct amf *);
void amf_ues_free(struct amf *); /* aborts what runs and forgets all; sends nothing */
/* A line a fact for status. */
void amf_ues_status(const struct amf *, void (*line)(void *ctx, const char *text), void *ctx);

/* ---- ue.c: contexts and connections ---- */
struct amf_ue *amf_ue_by_supi(struct amf *, struct str supi);
struct amf_ue *amf_ue_by_tmsi(struct amf *, uint32_t tmsi);
/* A deregistered context, or the one that is there. NULL: as many as configured are in use, or supi too long. */
struct amf_ue *amf_ue_take(struct amf *, struct str supi);
/* The context follows the phone to this connection; the one it had before is released (it lost its radio). */
void amf_ue_attach(struct amf_ue *, struct amf_conn *);
/* Forgets the context: procedures aborted, connection left without a UE, identifiers and timers returned. Sends
 * nothing and tells nobody: see amf_ue_deregister_local(). Safe on NULL. */
void amf_ue_drop(struct amf_ue *);
void amf_ue_forget_radio(struct amf_ue *); /* its radio capabilities */
/* A 5G-TMSI nobody has, in ue->new_tmsi. 0 or ERR_NOSPACE. */
int amf_ue_new_tmsi(struct amf_ue *);
/* The phone has taken the new one. */
void amf_ue_tmsi_taken(struct amf_ue *);
void amf_ue_set_registered(struct amf_ue *, bool); /* counts */
bool amf_ue_is_in_area(const struct amf_ue *, const struct amf_tai *);
static inline bool amf_ue_is_registered(const struct amf_ue *u) { return u && u->rm == AMF_RM_REGISTERED; }
/* Data networks of the subscription; NULL: none. */
static inline const struct amf_dnns *amf_ue_dnns(const struct amf_ue *u)
{
    return u->dnns ? (const struct amf_dnns *)(const void *)u->dnns->octet : NULL;
}
const struct amf_facts *amf_ue_facts(const struct amf_ue *); /* never NULL */
bool amf_ue_set_facts(struct amf_ue *, const struct amf_facts *); /* false: no memory, and nothing changes */
static inline struct str amf_ue_supi(const struct amf_ue *u) { return str_of(u->supi); }
/* NULL: as many as fit are in use. The RAN UE NGAP ID must not be in use at the gNB. */
struct amf_conn *amf_conn_new(struct amf *, struct amf_gnb *, uint64_t ran_ue_ngap_id);
/* Idle again: conn goes away (release complete, association lost). Aborts conn->proc first. Tells the sessions
 * (amf_sm_conn_gone) and starts the mobile reachable timer, or drops a context that is not registered. */
void amf_conn_drop(struct amf_conn *);
/* The phone uses this one: it has taken it, or never took another. */
void amf_ue_tmsi_seen(struct amf_ue *, uint32_t tmsi);
/* Forms that the services want. */
void amf_guami_sbi(const struct amf *, uint32_t guami, struct arena *, struct sbi_Guami *);
void amf_tai_sbi(const struct amf_tai *, struct arena *, struct sbi_Tai *);
void amf_location_sbi(const struct amf_location *, struct arena *, struct sbi_UserLocation *);
void amf_slice_sbi(const struct amf_slice *, struct arena *, struct sbi_Snssai *);
bool amf_slice_of_sbi(const struct sbi_Snssai *, struct amf_slice *); /* false: SST or SD out of bounds */
void amf_slice_of_nas(const struct nas_s_nssai *, struct amf_slice *);
void amf_slice_nas(const struct amf_slice *, struct nas_s_nssai *);
void amf_slice_ngap(const struct amf_slice *, struct ngap_S_NSSAI *); /* points into the slice */
void amf_guti_nas(const struct amf_ue *, uint32_t tmsi, struct nas_mobile_identity *);
void amf_registration_area(struct amf_ue *, const struct amf_conn *); /* around where it is */
/* The registration area; points into items. */
void amf_area_nas(const struct amf_ue *, struct nas_tai items[AMF_AREA_TAIS], struct nas_tai_part *);
bool amf_slice_eq(const struct amf_slice *, const struct amf_slice *);
/* The last segment of a Location; empty when it does not fit. */
void amf_last_segment(struct str location, char *to, size_t cap);
void amf_id_take(struct brief *to, struct str location); /* the same, of AMF_ID_MAX characters at most */

void amf_ue_keep_dnns(struct amf_ue *, const struct amf_dnns *); /* subscription.c; memory: those of before stay */

/* ---- ue_store.c: what is there after a restart ---- */
void amf_ue_store_open(struct amf *);  /* and restores */
void amf_ue_store_close(struct amf *); /* writes what is left; contexts that are dropped then keep their rows */
void amf_ue_changed(struct amf_ue *);  /* its row is written soon, once it is registered */
void amf_ue_row_delete(struct amf_ue *);
void amf_ue_keys_changed(struct amf_ue *);
/* The next downlink COUNT may be used. false: the store cannot commit, and the row that is durable allows no more. */
bool amf_ue_may_send(struct amf_ue *);
/* An uplink COUNT was taken; is_initial: of a message that may begin a connection, and must never do so again. */
void amf_ue_heard(struct amf_ue *, bool is_initial);

/* ---- procedures and their collisions: collide.c ---- */
enum amf_proc_kind { /* what runs */
    AMF_PROC_REGISTRATION,
    AMF_PROC_SERVICE_REQUEST,
    AMF_PROC_DEREGISTRATION_UE,
    AMF_PROC_DEREGISTRATION_NETWORK,
    AMF_PROC_CONFIGURATION,
    AMF_PROC_PAGING,
    AMF_PROC_KINDS
};
struct amf_proc { /* start of the frame of every 5GMM procedure */
    struct proc p;
    struct amf *amf;
    struct amf_conn *conn; /* NULL: it runs without one, as ue->proc */
    struct amf_ue *ue;     /* NULL: not yet known */
    uint8_t kind;          /* enum amf_proc_kind */
};
enum amf_event { /* what arrives */
    AMF_EV_REGISTRATION_REQUEST,
    AMF_EV_SERVICE_REQUEST,
    AMF_EV_DEREGISTRATION_REQUEST,
    AMF_EV_NETWORK_DEREGISTRATION,
    AMF_EV_NETWORK_CONFIGURATION,
    AMF_EV_PAGING, /* downlink data or signalling for an idle phone */
    AMF_EVENTS
};
enum amf_collision {
    AMF_GO,           /* nothing runs: start */
    AMF_ABORT,        /* what ran is ended, its effects undone: start (has been aborted already) */
    AMF_IGNORE,       /* the running one goes on, the new one is not started */
    AMF_REPEAT,       /* the same request again: the running one repeats its last answer (EVENT_REPEAT) */
    AMF_QUEUE,        /* after the running one: set ue->pending */
};
/* Looks at what runs on the connection (or for the idle UE) and applies the table. */
enum amf_collision amf_collide(struct amf_conn *, struct amf_ue *, enum amf_event);
/* A frame with its start filled in and conn->proc (or ue->proc) set; proc_start(&frame->p) then runs it.
 * NULL: memory used up. Every such type's `end` calls amf_proc_ended() last. */
void *amf_proc_new(struct amf *, const struct proc_type *, enum amf_proc_kind, struct amf_conn *, struct amf_ue *);
/* Takes the procedure off its connection (or UE). Unless it was aborted, what is pending starts then, what waits for
 * the phone is delivered, or the connection is released: at once if somebody wanted that, after a moment without
 * uplink NAS if `then` is AMF_THEN_IDLE and there is nothing left to do on it. */
enum amf_then { AMF_THEN_STAY, AMF_THEN_IDLE, AMF_THEN_RELEASE /* now; a reject */ };
void amf_proc_ended(struct amf_proc *, int outcome, enum amf_then);
enum { AMF_PE_CONTEXT_SETUP = 1, /* data: NULL; Initial Context Setup Response */
       AMF_PE_CONTEXT_FAILED,    /* data: const struct ngap_Cause * */
       AMF_PE_REPEAT,            /* AMF_REPEAT */
       AMF_PE_NON_DELIVERY };    /* NAS Non Delivery Indication, data: const struct ngap_Cause * */

/* ---- NAS: nas_rx.c, nas_tx.c ---- */
struct amf_nas_rx { /* one uplink message; all of it lives until the function returns */
    struct amf *amf;
    struct amf_conn *conn;
    struct amf_ue *ue;         /* whose keys verified the message; NULL: nobody's */
    const struct nas_header *header;
    const struct nas_msg *msg; /* plain; of an initial message with a container: what was in the container */
    const struct nas_msg *outer; /* what was outside of the container; otherwise the same as msg */
    struct bytes plain;        /* octets of msg */
    bool is_initial;           /* came in an Initial UE Message */
    struct amf_ue *claimed;    /* the context of the GUTI in it, verified or not: look, do not touch */
    struct arena *arena;
};
typedef void amf_nas_fn(const struct amf_nas_rx *);
/* Each message that is not an answer has its function; answers go to the procedure that awaits them. */
amf_nas_fn amf_nas_registration_request, amf_nas_service_request, amf_nas_deregistration_request,
    amf_nas_ul_nas_transport, amf_nas_gmm_status;
void amf_nas_receive(struct amf *, struct amf_conn *, struct bytes pdu, bool is_initial);

/* A whole initial message out of a NAS message container: of that type, without a further container. NULL: unusable. */
const struct nas_msg *amf_nas_inner(struct arena *, uint8_t type, struct bytes plain);

/* Encodes, protects and sends in a Downlink NAS Transport. type NAS_PLAIN: unprotected, only for the messages of
 * 4.4.4.2; NAS_CIPHERED: with the UE's context; NAS_INTEGRITY_NEW: with conn->candidate. 0 or a negative error. */
int amf_nas_send(struct amf_conn *, const struct nas_msg *, enum nas_security_header type);
/* The same without sending: the protected octets, valid until the next; p NULL when it failed. For the NAS PDU of
 * other NGAP messages. One protected message is one COUNT: send it or lose it, do not keep it. */
struct bytes amf_nas_seal(struct amf_conn *, const struct nas_msg *, enum nas_security_header type);
int amf_nas_send_sealed(struct amf_conn *, struct bytes sealed);
/* 5GMM STATUS, protected when it can be. */
void amf_nas_status(struct amf_conn *, uint8_t cause);

/* ---- N2: ue_n2.c ---- */
struct amf_n2_rx {
    struct amf *amf;
    struct amf_gnb *gnb;
    struct amf_conn *conn; /* found by the message's identities; NULL for Initial UE Message only */
    const struct ngap_pdu *pdu;
    const struct ngap_report *report;
};
typedef int amf_n2_fn(const struct amf_n2_rx *); /* result as of amf_ue_ops.message */
amf_n2_fn amf_n2_initial_ue_message, amf_n2_uplink_nas_transport, amf_n2_nas_non_delivery,
    amf_n2_radio_capability_info, amf_n2_context_setup_response, amf_n2_context_setup_failure;
/* ue_context_release.c */
amf_n2_fn amf_n2_ue_context_release_request, amf_n2_ue_context_release_complete;
/* session files */
amf_n2_fn amf_n2_session_resource_setup_response, amf_n2_session_resource_release_response,
    amf_n2_session_resource_modify_response, amf_n2_session_resource_notify,
    amf_n2_session_resource_modify_indication;
/* Location of a UE-associated message, into the connection and its UE. */
void amf_conn_locate(struct amf_conn *, const struct ngap_UserLocationInformation *);
/* Initial Context Setup Request with this NAS PDU (sealed; p NULL: none) and, where sessions have user planes to be
 * activated, their resources (amf_sm_setup_list). KgNB from conn->kgnb_count. The answer comes to conn->proc as
 * AMF_PE_CONTEXT_SETUP or AMF_PE_CONTEXT_FAILED. 0 or a negative error. */
int amf_context_setup(struct amf_conn *, struct bytes nas_pdu, const struct amf_slice *allowed, uint32_t n_allowed);

/* UE Context Modification Request with a KgNB of the NAS keys that were just taken into use. */
int amf_context_rekey(struct amf_conn *);

/* handover.c */
amf_n2_fn amf_n2_handover_required, amf_n2_handover_cancel, amf_n2_path_switch_request, amf_n2_nothing_to_do;

/* ---- UE Context Release, TS 23.502 4.2.6: ue_context_release.c ---- */
/* UE Context Release Command; conn is dropped at Complete, or when that does not come in time. conn->proc must have
 * ended. Does nothing when it is being released already. */
void amf_conn_release(struct amf_conn *, struct ngap_Cause);

/* ---- sessions: session.c and its neighbours ---- */
/* UL NAS TRANSPORT with N1 SM. */
void amf_sm_uplink(const struct amf_nas_rx *, const struct nas_ul_nas_transport *);
/* Releases all at their SMFs without waiting, and forgets them. cause: 5GMM cause or 0. */
void amf_sm_release_all(struct amf_ue *, uint8_t cause);
/* Bit n: PDU session n is active here (TS 24.501 9.11.3.44). */
uint16_t amf_sm_active(const struct amf_ue *);
/* Sessions that the phone does not have (PDU session status) are released locally (5.5.1.3.4). */
void amf_sm_sync(struct amf_ue *, uint16_t phone_has);
/* N1 or N2 messages wait for the phone, or a session procedure runs: do not release the connection. */
bool amf_sm_pending(const struct amf_ue *);
/* User planes are active: whether the phone is idle is the gNB's to say (23.502 4.2.6), not ours. */
bool amf_sm_user_plane(const struct amf_ue *);
/* Sends what waits, now that a connection is there and its procedure has ended. */
void amf_sm_deliver(struct amf_ue *);
/* A procedure (not yet started; NULL: nothing to do) that asks the SMFs to activate user planes: start it as a child. After
 * it, what the SMFs gave is kept for amf_context_setup(); *failed: sessions that could not (reactivation result). */
struct proc *amf_sm_activate(struct amf_ue *, uint16_t wanted, uint16_t *failed);
/* Resources for an Initial Context Setup Request; n 0: none. Items live in the arena or the sessions. */
int amf_sm_setup_list(struct amf_ue *, struct arena *, struct ngap_PDUSessionResourceSetupListCxtReq *);
/* What the gNB made of them; m NULL: Initial Context Setup failed altogether. */
void amf_sm_setup_done(struct amf_ue *, const struct ngap_InitialContextSetupResponse *m);
/* The connection is going: user planes are deactivated (23.502 4.2.6 step 5). */
void amf_sm_conn_gone(struct amf_ue *);
/* It has none now: what waits for it makes us page it. */
void amf_sm_idle(struct amf_ue *);
/* It did not answer paging: senders of what waits are told. */
void amf_sm_page_failed(struct amf_ue *);
/* For amf_ues_free(): whatever runs or waits for SMFs. */
void amf_sm_stop(struct amf *);
/* amf_session records back to the slab; for amf_ue_drop(). */
void amf_sm_forget(struct amf_ue *);

/* ---- rejects outside of a procedure: protected when they can be ---- */
void amf_registration_reject(struct amf_conn *, uint8_t cause);
void amf_service_reject(struct amf_conn *, uint8_t cause); /* amf2: service_request.c */

/* ---- registration and its parts ---- */
/* Ends the registration without a word to the phone: sessions, UDM, policy, subscription, then the context. */
void amf_ue_deregister_local(struct amf_ue *, uint8_t cause);
/* Network-initiated deregistration (5.5.2.3): by Deregistration Request when the phone is connected, else after
 * paging; by the collision table. */
void amf_deregister(struct amf_ue *, bool again, uint8_t cause);
/* Starts or restarts the mobile reachable timer of an idle phone (5.3.7). */
void amf_reachable_start(struct amf_ue *);
/* Starts ue->pending where nothing runs; called by amf_proc_ended(). True when something has started. */
bool amf_pending_start(struct amf_ue *);
/* ---- configuration_update.c ---- */
bool amf_configuration_update(struct amf_ue *, bool new_guti); /* true: started, and perhaps ended */
/* No uplink NAS in the next moment: the connection is released. */
void amf_conn_idle(struct amf_conn *);
/* ---- paging: paging.c ---- */
/* Pages an idle phone; nothing when it is connected or being paged. 0 or a negative error. */
int amf_page(struct amf_ue *);

/* Operations of spec/sbi that the 5GMM side produces. Callback paths begin with the SUPI. */
struct amf_ue *amf_ue_of_callback(struct amf *, const struct call *);
void amf_op_dereg_notify(void *amf, struct call *); /* nudm_uecm_dereg_notify, callback path "{supi}/dereg" */
void amf_subscriber_data_stop(struct amf *); /* for amf_ues_free() */
void amf_op_sdm_notify(void *amf, struct call *);   /* nudm_sdm_notify, callback path "{supi}/sdm" */
