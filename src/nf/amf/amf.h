/* SPDX-License-Identifier: Apache-2.0 */
/* amf.h - the AMF's end of N2: associations, the RAN nodes behind them, and the procedures of TS 38.413 8.7 that
 * concern the interface as a whole. What concerns one UE is handed to `ue_ops`. */
#pragma once
#include "base/arena.h"
#include "base/log.h"
#include "base/slab.h"
#include "codec/ngap.h"
#include "nf/amf/admission.h"
#include "rt/metrics.h"
#include "rt/rt.h"

enum {
    AMF_PLMNS = 12,   /* maxnoofPLMNs */
    AMF_SLICES = 16,  /* a PLMN; a row of amf_ta holds one bit for each */
    AMF_GUAMIS = 16,
    AMF_TAIS = 256,
    AMF_GNB_TAS = 256, /* pairs of TAC and PLMN kept of one RAN node */
    AMF_NODE_ID_MAX = 64,
    AMF_NGAP_PPID = 60,
    AMF_MESSAGE_MAX = 65536, /* octets of a PDU, in or out */
    AMF_SPARE_ASSOCIATIONS = 16, /* beyond max_gnbs: those that are told to come back later */
};

struct amf_plmn_support {
    uint8_t plmn[3];
    uint8_t n_slices; /* 1..AMF_SLICES */
    struct amf_slice slices[AMF_SLICES];
};
struct amf_guami {
    uint8_t plmn[3], region;
    uint16_t set;    /* 10 bits */
    uint8_t pointer; /* 6 bits */
};
struct amf_tai {
    uint8_t plmn[3], tac[3];
};
struct amf_config { /* copied by amf_init */
    const char *name; /* 1..150 printable characters; must outlive the AMF */
    struct amf_guami guamis[AMF_GUAMIS];
    uint32_t n_guamis; /* at least 1 */
    uint8_t relative_capacity;
    struct amf_plmn_support plmns[AMF_PLMNS];
    uint32_t n_plmns; /* at least 1 */
    struct amf_tai tais[AMF_TAIS];
    uint32_t n_tais; /* 0: every TAC of a served PLMN */
    uint32_t max_gnbs; /* set up at once */
    bool strict_order; /* refuse IEs out of order (TS 38.413 10.4); peers in the field send such */
};

/* A tracking area of a RAN node that this AMF serves too. */
struct amf_ta {
    uint8_t tac[3];
    uint8_t plmn;    /* index into config.plmns */
    uint16_t slices; /* bit i: config.plmns[plmn].slices[i] is supported on both sides */
};
/* What the trust function decided of a node; all permitted where nobody asks. */
struct amf_trust {
    bool known, permitted;
    bool change_refused;      /* permitted, but not with what it now says of itself */
    bool no_protected, up_protection, listed_slices; /* conditions */
    uint16_t slices[AMF_PLMNS]; /* by served PLMN, bits as in amf_ta */
    char why[512];              /* the first reason, with its rule */
};
struct amf_gnb {
    uint64_t assoc;
    uint16_t streams; /* outbound, at least 1 */
    struct net_addr peer;
    bool is_setup, reset_pending;
    uint8_t default_paging_drx; /* NGAP_PagingDRX_* */
    uint8_t node_id_n;
    uint8_t node_id[AMF_NODE_ID_MAX]; /* GlobalRANNodeID as encoded: the key of amf.gnb_by_id */
    char name[151];                   /* empty: none was sent */
    char id_text[NGAP_NODE_TEXT];      /* "gnb-001-01-000001"; empty before NG Setup */
    uint8_t id_plmn[3], id_bits; /* of a gNB's identity; id_bits 0: it is something else */
    uint32_t id;
    struct amf_trust trust;
    struct proc *trust_proc;  /* that asks, or NULL */
    uint8_t tas_hash[32];     /* of the Supported TA List that was accepted last */
    bool is_draining;         /* it lost its permission: nobody new, and an end */
    struct timer drain_timer;
    uint64_t drain_us;
    uint32_t n_tas;
    struct amf_ta tas[AMF_GNB_TAS];
    struct amf *amf;
    struct timer setup_timer; /* an association that never sets up gives its place back */
    uint64_t error_window_us; /* at most ERRORS_A_SECOND Error Indications */
    uint32_t errors_in_window;
    uint64_t rx, tx, rx_bad;
    struct link conns; /* UE-associated connections, struct amf_conn of ue.h */
    struct amf_gnb_load load;
};

struct amf_counters {
    uint64_t rx, tx, tx_failed, rx_bad, wrong_ppid, too_long, associations, associations_refused, setups,
        setups_refused, updates, updates_refused, resets, resets_sent, resets_acknowledged, errors_sent,
        errors_received, errors_suppressed, setup_timeouts;
};

struct amf;
/* The UE side. A member that is NULL: there are no UEs. */
struct amf_ue_ops {
    /* Every UE of the node is released locally: association down, NG Setup, NG Reset. */
    void (*release_all)(struct amf *, struct amf_gnb *);
    /* One UE of a partial reset; fills in an identity that the item lacks. Unknown UEs are no error. */
    void (*release_one)(struct amf *, struct amf_gnb *,
                        struct ngap_UE_associatedLogicalNG_connectionItem *);
    /* The peer complains about a UE. */
    void (*error)(struct amf *, struct amf_gnb *, const struct ngap_ErrorIndication *);
    /* A UE-associated message, syntactically right. ERR_NOTFOUND: its AMF UE NGAP ID is not known;
     * ERR_EXISTS: it is, with another RAN UE NGAP ID; ERR_STATE: not now. These become Error Indications.
     * Any other result: dealt with. */
    int (*message)(struct amf *, struct amf_gnb *, const struct ngap_pdu *, const struct ngap_report *);
};

struct amf {
    struct rt *rt;
    struct amf_config config;
    const struct amf_ue_ops *ue_ops; /* NULL: none */
    struct amf_ues *ues;             /* ue.h; NULL: none */
    struct amf_admission admission;
    struct slab gnbs;
    struct map gnb_by_assoc, gnb_by_id;
    uint32_t gnbs_setup;
    uint8_t *block, *out; /* arena of the message at hand; what is being sent */
    struct amf_counters counters;
};

/* 0, ERR_CONFIG or ERR_NOSPACE. The AMF keeps rt's pointer. */
int amf_init(struct amf *, struct rt *, const struct amf_config *);
void amf_free(struct amf *); /* aborts all associations */
int amf_listen(struct amf *, const struct sctp_local *);

/* ---- gnb.c ---- */
/* NULL when there is none. */
struct amf_gnb *amf_gnb_by_assoc(struct amf *, uint64_t assoc);
struct amf_gnb *amf_gnb_by_id(struct amf *, struct bytes node_id);
/* Stream of a UE: never that of non-UE-associated signalling while there is another (TS 38.412 7). */
uint16_t amf_gnb_ue_stream(const struct amf_gnb *, uint64_t ue_id);
/* value is a struct ngap_<message>. 0 or a negative error, counted. */
int amf_gnb_send(struct amf *, struct amf_gnb *, enum ngap_msg, const void *value, uint16_t stream);
/* What logs call the node: its identity, or before NG Setup "?". */
const char *amf_gnb_text(const struct amf_gnb *);
/* Brings the gauges of associations and nodes up to date. */
void amf_gnb_gauges(struct amf *);
/* Forgets the node and releases its UEs; close: the association is still there and is aborted. */
void amf_gnb_drop(struct amf *, struct amf_gnb *, bool close);
/* Aborts the association unless an NG Setup succeeds within 30 s. */
void amf_gnb_await_setup(struct amf *, struct amf_gnb *);

/* ---- ng_setup.c ---- */
/* "gnb-001-01-000001": kind, network, identity in hex. */
/* Checks a supported TA list against what is served and fills gnb's rows. 0, or a negative error with *cause. */
/* node_id: GlobalRANNodeID as encoded; a TransportLayerAddress. */
bool amf_node_may_end_tunnel(const struct config *, struct bytes node_id, struct bits address);
int amf_gnb_take_tas(struct amf *, struct amf_gnb *, const struct ngap_SupportedTAList *,
                     struct ngap_Cause *cause);
int amf_guami_ngap(struct arena *, const struct amf_guami *, struct ngap_GUAMI *); /* 0 or ERR_NOSPACE */

/* ---- trust.c ---- */
struct amf_rx;
bool amf_trust_is_on(const struct amf *);
/* gnb->trust is what holds for this message of a node that names itself so. false: that is being asked, and the message
 * comes again. */
bool amf_trust_known(const struct amf_rx *, struct str name, const struct ngap_SupportedTAList *); /* NULL: as before */
struct amf_conn;
struct amf_ue;
/* 0, or the 5GMM cause with which a phone is sent elsewhere: this node is being emptied, or is not trusted with the
 * subscriber (ue NULL: not yet known who it is). */
uint8_t amf_trust_cause(const struct amf_conn *, const struct amf_ue *);
/* Protected subscribers do not stay at a node that is not trusted with them: it, or one of them, has changed. */
void amf_trust_protected_away(struct amf_gnb *);
/* The node is not what it was, or not there any more: nobody asks, and the trust function forgets it. */
void amf_trust_gone(struct amf *, struct amf_gnb *);
void amf_trust_restarted(struct amf *, const struct amf_gnb *); /* it says so by a reset of the whole interface */
struct call;
void amf_op_trust_changed(void *amf, struct call *); /* callback path "trust/{node}" */
/* gnb.c: deals with a message that waited. */
void amf_gnb_message_again(struct amf *, struct amf_gnb *, struct bytes);

/* ---- ng_reset.c ---- */
/* list NULL: the whole interface. The caller has released its UEs or does so now. */
int amf_reset_send(struct amf *, struct amf_gnb *, struct ngap_Cause,
                   const struct ngap_UE_associatedLogicalNG_connectionList *list);

/* ---- error_indication.c ---- */
/* Either pointer may be NULL. Silent when the node gets more of them than a sane peer can cause. */
void amf_error_send(struct amf *, struct amf_gnb *, const struct ngap_ue_ids *, struct ngap_Cause,
                    const struct ngap_CriticalityDiagnostics *);
/* Cause shorthands. */
struct ngap_Cause amf_cause_radio(uint32_t value);
struct ngap_Cause amf_cause_protocol(uint32_t value);
struct ngap_Cause amf_cause_misc(uint32_t value);
/* The value within its group (c->sel). */
uint32_t amf_cause_value(const struct ngap_Cause *);

/* Procedures, called by the dispatch of gnb.c with the arena of the message. report->error is NONE or NOTIFY, or
 * what the row asked to see itself. */
struct amf_rx {
    struct amf *amf;
    struct amf_gnb *gnb;
    const struct ngap_pdu *pdu;
    const struct ngap_report *report;
    struct arena *arena;
    struct bytes raw;
    bool is_again; /* it waited for a decision (trust.c) */
};
typedef void amf_rx_fn(const struct amf_rx *);
amf_rx_fn amf_rx_ng_setup, amf_rx_ran_configuration_update, amf_rx_ng_reset, amf_rx_ng_reset_acknowledge,
    amf_rx_error_indication;
/* Refusals of class 1 messages by their own failure message. */
typedef void amf_refuse_fn(const struct amf_rx *, struct ngap_Cause);
amf_refuse_fn amf_refuse_ng_setup, amf_refuse_ran_configuration_update;
/* CriticalityDiagnostics for an answer; true when there is something to say. */
bool amf_rx_diagnostics(const struct amf_rx *, struct ngap_CriticalityDiagnostics *);
