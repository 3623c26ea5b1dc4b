/* SPDX-License-Identifier: Apache-2.0 */
/* smf.h - the SMF: PDU sessions, their addresses and UPFs, and the procedures of TS 23.502 4.3 and 4.2.3 that
 * concern them. Services produced: Nsmf_PDUSession (TS 29.502). N4: TS 29.244. N1: TS 24.501 clause 6. N2: the
 * transfers of TS 38.413 9.3.4.
 *
 * What a session is lives in struct smf_session and is written when a procedure succeeds; what a procedure needs
 * meanwhile lives in its frame. At most one procedure runs for a session: collide.c says what becomes of whatever
 * arrives while one does. */
#pragma once
#include "base/brief.h"
#include "base/interned.h"
#include "base/slab.h"
#include "codec/nas.h"
#include "codec/ngap.h"
#include "nf/smf/pool.h"
#include "proto/pfcp.h"
#include "rt/commit.h"
#include "rt/config.h"
#include "rt/nf.h"

extern const struct nf_desc smf_nf;

enum {
    SMF_SUPI_MAX = 63,
    SMF_URI_MAX = 191,      /* of the AMF's callback */
    SMF_PSI_MAX = 15,       /* PDU session identities that a UE may choose, TS 24.007 11.2.3.1b */
    SMF_REF = 16,           /* octets of a smContextRef */
    SMF_QFI = 1,            /* of the default QoS flow */
    SMF_SCRATCH_OCTETS = 1 << 17,
    SMF_NAS_MAX = 8192,     /* octets of an N1 message that we make */
};
struct smf_dnn { /* a data network, with its pools */
    const struct config_dnn *c;
    struct pool v4, v6;
};
struct smf_upf {
    const struct config_upf_peer *c;
    struct smf *smf;
    struct pfcp_assoc *assoc;
    uint32_t sessions;
    struct pool local_v6; /* second prefixes of sessions that have it as branching point */
    int32_t credit;          /* of the smooth weighted round robin */
    uint32_t restore_next;   /* slab index; see restoration.c */
    uint32_t restoring;      /* procedures that do it now */
    bool restore, is_walking;
    bool refused;      /* by policy, or nobody has decided yet: no session is placed on it */
    bool leaving;      /* it wants to be released: no session is placed on it */
    bool no_protected; /* not for protected subscribers */
    struct timer again; /* associate, after the UPF was released; or release it, when it leaves */
};
struct smf_tunnel { /* addr.family 0: none */
    struct net_addr addr;
    uint32_t teid;
};
struct smf_qos { /* of the session and its default flow */
    uint64_t ambr_ul_bps, ambr_dl_bps;
    uint8_t fiveqi, arp_priority;
    bool arp_may_preempt, arp_preemptable;
};
struct smf_ue { /* who has sessions */
    struct smf_session *first;
    char *supi; /* key of smf.ue_by_supi; in here where it fits, as that of an IMSI does */
    uint8_t supi_n, sessions;
    char here[22];
};
enum smf_state { SMF_ESTABLISHING, SMF_ACTIVE, SMF_RELEASING };
enum smf_up_state { SMF_UP_OFF, SMF_UP_ACTIVATING, SMF_UP_ON }; /* of the N3 tunnel */
enum { /* what came while a procedure ran and is done after it */
       SMF_PENDING_DATA = 1,
       SMF_PENDING_TUNNEL_LOST = 2,
       SMF_PENDING_RESTORE = 4,
       SMF_PENDING_RELEASE = 8
};
/* The UPF with the session's address, where an uplink classifier or branching point stands before it (TS 23.501 5.6.4.2, 5.6.4.3):
 * that is session.upf then, with N3 and all that concerns it. */
struct smf_anchor {
    struct smf_upf *upf;
    uint64_t up_seid;          /* 0: no N4 session */
    struct smf_tunnel up, n9;  /* ends of N9: the anchor's, the classifier's */
    uint32_t local_v6;         /* the second prefix, of the branching point's pool; POOL_NONE: it has none */
    bool n4_unknown;
};
struct smf_session {
    struct smf *smf;
    struct smf_ue *ue;
    struct smf_session *next_of_ue;
    struct smf_upf *upf;
    struct smf_anchor *anchor; /* NULL: none but upf */
    struct smf_dnn *dnn;
    struct proc *proc;   /* the procedure that runs, or NULL */
    struct link waiting; /* struct call.on_producer: updates that come after it */
    struct work next;
    uint64_t up_seid; /* the UPF's; 0: no N4 session */
    uint64_t quiet_until_us; /* no paging before that, after it failed */
    struct smf_tunnel up, an; /* N3 tunnel ends: the UPF's and the gNB's */
    struct smf_qos qos;
    uint32_t v4, v6; /* pool numbers; POOL_NONE */
    uint8_t id;      /* PDU session identity */
    uint8_t pdu_type, state, up_state, pending, running, release_cause;
    uint8_t sst, sd[3], admitted; /* the last: row of smf_admission and 1, while it is being established */
    bool has_sd, is_registered; /* the latter: in the UDM */
    bool n4_unknown; /* an establishment was not answered: the UPF may have a session that we cannot name */
    bool has_row;      /* in the store */
    bool has_ref;      /* ref names it, which it got before a restart */
    bool unconfirmed;  /* its AMF has not spoken of it since the restart */
    bool not_restored; /* the UPF refused it when it was to be set up again */
    uint8_t ref[SMF_REF];
    struct link changed; /* smf.changed */
    uint8_t plmn[3];
    uint8_t integrity, ciphering; /* NGAP_IntegrityProtectionIndication_*, NGAP_Confidentiality… */
    bool is_named;      /* its UPF knows whose it is: a warrant names him */
    bool copies_refused; /* by its UPF, in the procedure that runs or ran last */
    bool is_protected;  /* of a subscriber whom not every UPF may serve */
    bool up_protection; /* where the phone was when it asked, policy wants user data protected on the radio */
    bool is_turned;   /* the legs' SEIDs: a classifier came, or went, while the session was there */
    bool leaves;      /* the gNB is told the anchor's tunnel: the classifier goes once it has answered */
    bool multi_homed; /* its phone can have several IPv6 prefixes, TS 24.501 9.11.4.1 */
    bool max_rate_ul, max_rate_dl; /* integrity protection at any rate, not just 64 kbit/s */
    struct brief policy_id; /* empty: none */
    const struct interned *status_uri; /* of the AMF's callback, by SUPI; NULL: nobody is told */
};

/* Establishments under way, by slice. */
enum { SMF_SLICES = 32 };
struct smf_slice_load {
    uint8_t sst, sd[3];
    bool has_sd;
    uint32_t used; /* 0: the row is free */
};
struct smf_admission {
    uint32_t used;
    struct smf_slice_load slices[SMF_SLICES];
};
struct smf {
    struct rt *rt;
    const struct config *config;
    struct pfcp_node n4;
    struct slab sessions, ues;
    struct interns texts;
    struct map ue_by_supi;
    struct map by_ref;     /* references of before a restart -> smf_session */
    struct commit_user rows; /* write NULL: nothing is stored */
    struct link changed;     /* struct smf_session whose rows are to be written */
    struct timer orphans;
    struct link deletions; /* struct n4_deletion: what UPFs have yet to confirm */
    uint32_t deletions_waiting;
    struct smf_dnn *dnns;
    struct smf_upf *upfs;
    uint32_t n_dnns, n_upfs;
    uint64_t secret[2];  /* of smContextRefs */
    struct smf_admission admission;
    bool is_stopping;
    uint8_t *scratch;    /* arena of the message at hand */
    uint8_t *out;        /* N1 and N2 being made, SMF_NAS_MAX each */
    uint64_t downlink_data, usage_reports, tunnels_lost;
};

/* ---- 5GSM causes as answers ---- */
struct smf_refusal {
    uint8_t cause;     /* 5GSM */
    int status;        /* HTTP */
    const char *sbi;   /* ProblemDetails cause, TS 29.502 6.1.7.3 */
    bool waits;        /* with a back-off timer */
};
/* Never NULL. */
const struct smf_refusal *smf_refusal_of(uint8_t gsm_cause);

/* ---- admission.c ---- */
uint8_t smf_admit(struct smf_session *); /* its slice is known; 0, or the 5GSM cause */
void smf_admit_end(struct smf_session *); /* safe twice */
/* ---- session.c ---- */
struct smf_ue *smf_ue_find(struct smf *, struct str supi);
struct smf_session *smf_session_find(struct smf *, struct str supi, uint8_t id);
/* ERR_FULL: no room, or the UE has as many as it may. */
int smf_session_new(struct smf *, struct str supi, uint8_t id, struct smf_session **out);
/* Whatever it still has goes back and is told without waiting: N4 session, policy, registration, addresses; calls
 * that wait get CONTEXT_NOT_FOUND. notify: the AMF is told that it is released. A procedure must have ended. */
void smf_session_drop(struct smf_session *, bool notify);
/* The AMF waits for its end, or for its successor. */
bool smf_session_is_overtaken(const struct smf_session *);
enum { SMF_REF_OCTETS = 33 };
void smf_ref_text(const struct smf_session *, char out[SMF_REF_OCTETS]);
struct smf_session *smf_session_by_ref(struct smf *, struct str last_segment);
/* Of this end of N4, with session.upf and with the anchor; a UPF keeps its own when a classifier comes before it or goes. */
enum { SMF_LEG_UPF, SMF_LEG_ANCHOR };
uint64_t smf_seid(const struct smf_session *, unsigned leg);
struct smf_session *smf_session_by_seid(struct smf *, uint64_t seid, unsigned *leg);
/* Its N4 sessions are all there. */
static inline bool smf_has_n4(const struct smf_session *s) { return s->up_seid && (!s->anchor || s->anchor->up_seid); }
/* Of a PDU session type, TS 24.501 9.11.4.11. */
static inline bool smf_has_ipv4(uint8_t type) { return type == NAS_PDU_IPV4 || type == NAS_PDU_IPV4V6; }
static inline bool smf_has_ipv6(uint8_t type) { return type == NAS_PDU_IPV6 || type == NAS_PDU_IPV4V6; }
static inline struct str smf_supi(const struct smf_session *s)
{
    return (struct str){s->ue->supi, s->ue->supi_n};
}
/* Addresses for its type and DNN, static ones where given (family 0: none). ERR_FULL, ERR_EXISTS. */
int smf_addresses_take(struct smf_session *, const struct net_addr *fixed4, const struct net_addr *fixed6);
void smf_ipv4(const struct smf_session *, uint8_t out[4]);
void smf_ipv6_prefix(const struct smf_session *, uint8_t out[16]); /* the /64; the rest is 0 */
/* The second prefix of a multi-homed session; false: it has none. */
bool smf_local_prefix(const struct smf_session *, uint8_t out[16]);
void smf_ipv6_iid(const struct smf_session *, uint8_t out[8]);
static inline uint32_t smf_now_s(const struct smf *smf) { return (uint32_t)(smf->rt->now_us / 1000000); }

/* Of an address of its pool; POOL_NONE: it is not. */
uint32_t smf_v4_number(const struct smf_dnn *, const struct net_addr *);
uint32_t smf_v6_number(const struct smf_dnn *, const struct net_addr *);

/* ---- session_store.c: what is there after a restart ---- */
void smf_store_open(struct smf *);  /* and restores */
void smf_store_close(struct smf *); /* writes what is left; sessions that are dropped then keep their rows */
void smf_session_changed(struct smf_session *); /* its row is written soon */
void smf_session_row_delete(struct smf_session *);

/* ---- qos.c: subscription and policy become the session's parameters ---- */
void smf_qos_of_config(struct smf_qos *, const struct config_dnn *);
void smf_qos_of_subscription(struct smf_qos *, const struct sbi_DnnConfiguration *);
void smf_qos_of_policy(struct smf_qos *, const struct sbi_SmPolicyDecision *);
void smf_security_of_config(struct smf_session *, const struct config_dnn *);
void smf_security_of_subscription(struct smf_session *, const struct sbi_DnnConfiguration *);

/* ---- upf.c: UPFs and the N4 entity ---- */
void smf_n4_timers(const struct smf *, struct pfcp_config *to);
int smf_n4_open(struct smf *);
void smf_n4_close(struct smf *);
/* ---- classifier.c: a classifier or branching point before the session's UPF ---- */
/* Of those that stand in the phone's tracking area; s->upf is the anchor then. ERR_NOSPACE. */
int smf_classifier_insert(struct smf_session *, uint32_t tac);
/* The phone is there now: whether a classifier is to come before the session's UPF, which is put there and returned; NULL: none. */
struct smf_upf *smf_classifier_wanted(const struct smf_session *, uint32_t tac);
bool smf_classifier_leaves(const struct smf_session *, uint32_t tac); /* there is one, which does not stand in that area */
int smf_classifier_turn_in(struct smf_session *, struct smf_upf *); /* session.upf becomes the anchor. ERR_NOSPACE */
void smf_classifier_turn_out(struct smf_session *); /* and back: the classifier's N4 session is deleted without waiting */
void smf_insertion_start(struct smf_session *, struct smf_upf *, struct call *request);
int smf_anchor_set(struct smf_session *, struct smf_upf *); /* ERR_NOSPACE */
bool smf_local_prefix_take(struct smf_session *, const struct net_addr *fixed); /* family 0: any */
void smf_anchor_drop(struct smf_session *);
/* By DNN and weight; NULL: none serves it and is up. */
struct smf_upf *smf_upf_select(struct smf *, const struct smf_dnn *, bool is_protected);
bool smf_upf_serves(const struct smf_upf *, const struct smf_dnn *);
static inline bool smf_upf_is_up(const struct smf_upf *u) { return u->assoc && u->assoc->is_up; }
static inline bool smf_upf_may_serve(const struct smf_upf *u) { return smf_upf_is_up(u) && !u->refused && !u->leaving; }

/* ---- trust.c: who built the UPF ---- */
void smf_trust_ask(struct smf_upf *); /* the association is up */
void smf_trust_gone(struct smf_upf *);
/* May the session be on its UPF, as decided by now? Its establishment may have begun before. */
bool smf_trust_permits(const struct smf_session *);
void smf_op_trust_changed(void *smf, struct call *); /* callback path "trust/{upf}" */
void smf_trust_stop(struct smf *);
/* The session's security where policy or the subscriber wants user data protected on the radio. */
void smf_security_require(struct smf_session *);

/* ---- lan.c: 5G LANs, TS 23.501 5.29 ---- */
static inline bool smf_dnn_is_lan(const struct smf_dnn *d) { return d->c->n_lan_members != 0; }
bool smf_may_join(const struct smf_session *); /* its data network, as far as that is a LAN: is its phone a member? */
/* ---- n4.c: PFCP messages of a session ---- */
/* Each sends within a procedure; then AWAIT_CALLS and smf_n4_cause(). 0 or a negative error. */
int smf_n4_establish(struct pfcp_call *, struct proc *, struct smf_session *);
/* A PFCP cause when it was refused, 0 when not answered or malformed; *ok says accepted. Takes the UPF's F-SEID
 * and F-TEID from an establishment. */
bool smf_n4_established(struct pfcp_call *, struct smf_session *);
enum smf_n4_change {
    SMF_N4_FORWARD,     /* downlink to s->an */
    SMF_N4_BUFFER,      /* keep downlink data and tell of it */
    SMF_N4_DROP_BUFFERED, /* the same, and forget what has been kept */
    SMF_N4_QOS,         /* the rates of s->qos */
};
int smf_n4_modify(struct pfcp_call *, struct proc *, const struct smf_session *, enum smf_n4_change,
                  const struct smf_tunnel *an, const struct smf_qos *);
/* Also sees that the UPF has lost the session: it is set up again then. */
bool smf_n4_modified(const struct pfcp_call *, struct smf_session *);
/* After each of the two, before looking at what came of it: the UPF refused what asks for copies under a warrant, and is to be asked
 * the same once more without them. Whom a warrant names has service also where nobody can copy. */
bool smf_n4_again(struct pfcp_call *, struct smf_session *);
int smf_n4_delete(struct pfcp_call *, struct proc *, const struct smf_session *);
/* The same of the anchor: before the classifier is established, and forward or rates after that. */
int smf_n4_anchor_establish(struct pfcp_call *, struct proc *, struct smf_session *);
bool smf_n4_anchor_established(struct pfcp_call *, struct smf_session *);
int smf_n4_anchor_modify(struct pfcp_call *, struct proc *, const struct smf_session *, enum smf_n4_change,
                         const struct smf_qos *);
bool smf_n4_anchor_modified(const struct pfcp_call *, struct smf_session *);
bool smf_n4_deleted(const struct pfcp_call *); /* or it was not there */
/* ---- n4_deletion.c ---- */
/* Without waiting, and again until the UPF has confirmed it or its association is set up anew; of a session that ends. */
void smf_n4_delete_notify(struct smf_session *);
void smf_n4_delete_near(struct smf_session *); /* of its UPF alone, not of the anchor */
void smf_n4_deletions_go(struct smf_upf *); /* it is associated again */
void smf_n4_late(struct smf_upf *, const struct pfcp_msg *); /* an answer that nothing waits for */
void smf_n4_deletions_forget(struct smf *);

/* ---- n1.c: 5GSM messages ---- */
struct smf_ask { /* what a UE asked for in an establishment or modification request */
    uint8_t pti;
    uint8_t pdu_type, ssc_mode; /* 0: not said */
    bool always_on, has_always_on;
    bool max_rate_ul, max_rate_dl, multi_homed;
    bool dns4, dns6, pcscf4, pcscf6, mtu4, ipcp; /* extended protocol configuration options */
    uint8_t ipcp_id;
};
void smf_ask_pco(struct smf_ask *, const struct nas_pco *);
/* Each makes a message in smf->out; p NULL: it did not fit. */
struct bytes smf_n1_accept(struct smf_session *, const struct smf_ask *, uint8_t gsm_cause);
struct bytes smf_n1_reject(struct smf *, uint8_t psi, uint8_t pti, enum nas_type reject, uint8_t gsm_cause);
struct bytes smf_n1_status(struct smf *, uint8_t psi, uint8_t pti, uint8_t gsm_cause);
struct bytes smf_n1_modification_command(struct smf_session *, const struct smf_ask *, uint8_t pti,
                                         const struct smf_qos *changed);
struct bytes smf_n1_release_command(struct smf_session *, uint8_t pti, uint8_t gsm_cause);

/* ---- n2.c: NGAP transfers, made in the other half of smf->out ---- */
struct bytes smf_n2_setup_request(struct smf_session *);
struct bytes smf_n2_modify_request(struct smf_session *, const struct smf_qos *);
struct bytes smf_n2_release_command(struct smf *, struct ngap_Cause);
int smf_n2_setup_response(const struct smf_session *, struct bytes transfer, struct smf_tunnel *an);

/* ---- namf.c: to the AMF ---- */
/* N1 and N2 (p NULL: none) by Namf_Communication_N1N2MessageTransfer, to be sent; NULL: memory. */
struct call *smf_n1n2_new(struct smf_session *, struct bytes n1, struct bytes n2, enum sbi_NgapIeType);
bool smf_was_transferred(const struct call *); /* it has been answered so */
void smf_status_notify(struct smf_session *, const char *cause);

/* ---- collide.c ---- */
enum smf_running {
    SMF_RUN_NONE,
    SMF_RUN_ESTABLISHMENT,
    SMF_RUN_MODIFICATION,
    SMF_RUN_RELEASE,
    SMF_RUN_USER_PLANE,
    SMF_RUN_RESTORATION,
    SMF_RUN_COUNT
};
enum smf_event {
    SMF_EV_N1_MODIFY,    /* PDU SESSION MODIFICATION REQUEST */
    SMF_EV_N1_RELEASE,   /* PDU SESSION RELEASE REQUEST */
    SMF_EV_N1_ANSWER,    /* COMPLETE or COMMAND REJECT */
    SMF_EV_N2_ANSWER,    /* what a gNB says to a request of ours */
    SMF_EV_UP_ON,        /* upCnxState ACTIVATING */
    SMF_EV_UP_OFF,       /* upCnxState DEACTIVATED */
    SMF_EV_RELEASE,      /* the AMF wants it gone */
    SMF_EV_POLICY,       /* the PCF decided anew */
    SMF_EV_DATA,         /* downlink data for an idle session */
    SMF_EV_TUNNEL_LOST,  /* the gNB does not know the tunnel, or nothing passed for long */
    SMF_EV_RESTORE,      /* the UPF lost the session */
    SMF_EV_NETWORK_RELEASE,
    SMF_EV_COUNT
};
/* What an event carries; lives until it has been dealt with or queued. */
struct smf_input {
    enum smf_event event;
    struct call *call; /* to be answered; NULL: none */
    const struct nas_msg *n1;
    struct bytes n2;
    enum sbi_N2SmInfoType n2_type;
};
void smf_collide(struct smf_session *, const struct smf_input *);
/* May its procedure be aborted? Not while the UPF or the PCF makes something of which only the answer tells. */
bool smf_can_take_over(const struct smf_session *);
/* Calls that wait are looked at again; a procedure says so before it awaits events, and when it ended. */
void smf_session_kick(struct smf_session *);

/* ---- frames ---- */
struct smf_frame { /* begins every frame */
    struct proc p;
    struct call *request; /* of the AMF or PCF, not answered yet; NULL: none */
};
/* NULL: memory; request has been answered so. */
void *smf_proc_new(struct smf_session *, const struct proc_type *, enum smf_running, struct call *request);
void smf_proc_ended(struct proc *, int outcome); /* for proc_type.end, or from it */
/* Until an event is offered (w->kind WAKE_EVENT) or the time is over; 0: no end. */
#define SMF_AWAIT_EVENT(s, p, timeout_us)                                                          \
    do {                                                                                           \
        smf_session_kick(s);                                                                       \
        proc_accept_(p, timeout_us, NULL, 0);                                                      \
        AWAIT(p, WANT(WAKE_EVENT) | WANT(WAKE_TIMEOUT));                                           \
    } while (0)
/* These answer *request and forget it; NULL is nobody. smf_answer: without a body. */
void smf_answer(struct call **request, int status);
void smf_update_answer(struct call **request, struct bytes n1, struct bytes n2, enum sbi_N2SmInfoType,
                       enum sbi_UpCnxState);
void smf_update_error(struct call **request, int status, const char *cause, const char *detail);

/* ---- smf.c ---- */
void smf_config_follow(struct smf *); /* before anything that an option decides */

/* Procedures. */
void smf_create(void *smf, struct call *);  /* pdu_session_establishment.c */
void smf_update(void *smf, struct call *);  /* update.c */
void smf_release(void *smf, struct call *); /* pdu_session_release.c */
typedef void smf_start_fn(struct smf_session *, const struct smf_input *);
smf_start_fn smf_modification_start, smf_policy_start;         /* pdu_session_modification.c */
smf_start_fn smf_release_by_ue_start, smf_release_by_amf_start, /* pdu_session_release.c */
    smf_release_by_network_start;
uint32_t smf_tac_of(bool has, const struct sbi_UserLocation *); /* 0: not said */
void smf_activation_answer(struct smf_session *, struct call **request); /* the gNB is to be asked */
smf_start_fn smf_activation_start, smf_deactivation_start, smf_n2_answer_start; /* up_activation.c */
smf_start_fn smf_n1_answer_late;                               /* update.c */
/* An answer of the UE to something else than the procedure with this PTI: it has been told so. */
bool smf_n1_is_stray(struct smf_session *, const struct smf_input *, uint8_t pti);
smf_start_fn smf_downlink_data_start, smf_tunnel_lost_start;   /* network_triggered_service_request.c */
smf_start_fn smf_restoration_start;                            /* restoration.c */
void smf_report(struct smf *, const struct pfcp_in *);         /* session_report.c */
void smf_transfer_failed(void *smf, struct call *);            /* network_triggered_service_request.c */
void smf_policy_notified(void *smf, struct call *), smf_policy_terminated(void *smf, struct call *);
void smf_restore(struct smf_upf *);                            /* restoration.c */
