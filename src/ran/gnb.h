/* SPDX-License-Identifier: Apache-2.0 */
/* gnb.h - a simulated gNB's end of N2 (TS 38.413 8.7): connects, sets up, keeps trying as the AMF allows, resets,
 * reports errors. UEs hang from ue_ops. */
#pragma once
#include "codec/ngap.h"
#include "rt/rt.h"

enum { GNB_OVERLOADS = 64, GNB_TAS = 256, GNB_TA_SLICES = 16, GNB_PPID = 60, GNB_MESSAGE_MAX = 65536, GNB_AMF_PLMNS = 12 };

struct gnb_slice {
    uint8_t sst, sd[3];
    bool has_sd;
};
struct gnb_overload { /* of a slice */
    struct gnb_slice slice;
    uint8_t action, percent;
};
struct gnb_ta { /* one TAC with one PLMN */
    uint8_t tac[3], plmn[3];
    uint32_t n_slices; /* 1..GNB_TA_SLICES */
    struct gnb_slice slices[GNB_TA_SLICES];
};
struct gnb_config {
    uint8_t plmn[3];
    uint32_t id;      /* right-aligned */
    uint8_t id_bits;  /* 22..32 */
    const char *name; /* NULL: not sent; must outlive the gNB */
    const struct gnb_ta *tas; /* must outlive the gNB */
    uint32_t n_tas;           /* 1..GNB_TAS */
    uint8_t paging_drx;       /* NGAP_PagingDRX_* */
    uint16_t streams;         /* asked for; 0: 2 */
    uint64_t reconnect_us;    /* after an association died; 0: 1 s */
    bool stay_down;           /* do not reconnect */
};
enum gnb_state { GNB_IDLE, GNB_CONNECTING, GNB_SETTING_UP, GNB_WAITING, GNB_READY, GNB_REFUSED };

struct gnb;
struct gnb_ue_ops { /* members may be NULL */
    void (*ready)(struct gnb *);
    void (*release_all)(struct gnb *);
    void (*release_one)(struct gnb *, const struct ngap_UE_associatedLogicalNG_connectionItem *);
    /* UE-associated, or for the cells (Paging ...); lives until it returns. ERR_NOTFOUND: RAN UE NGAP ID unknown;
     * ERR_EXISTS: known with another AMF UE NGAP ID. */
    int (*message)(struct gnb *, const struct ngap_pdu *);
    void (*error)(struct gnb *, const struct ngap_ErrorIndication *);
};
struct gnb {
    struct rt *rt;
    struct gnb_config config;
    const struct gnb_ue_ops *ue_ops;
    void *user;
    struct net_addr amf;
    enum gnb_state state;
    bool has_assoc, reset_pending, update_pending;
    uint64_t assoc;
    uint16_t streams;
    struct timer timer; /* TimeToWait or reconnect */
    /* What the AMF said about itself. */
    char amf_name[151];
    uint8_t amf_capacity;
    uint32_t n_guamis, n_plmns;
    uint8_t amf_region, amf_pointer; /* of the first GUAMI */
    uint16_t amf_set;
    uint8_t amf_plmns[GNB_AMF_PLMNS][3];
    struct ngap_Cause last_cause; /* of the latest failure or Error Indication */
    uint64_t last_error_amf_ue, last_error_ran_ue;
    bool is_overloaded;      /* OVERLOAD START: … */
    uint8_t overload_action; /* NGAP_OverloadAction_* */
    uint8_t overload_percent; /* of the traffic that it names; 0: all of it */
    uint32_t n_overloads; /* the same by slice, of those that are listed */
    struct gnb_overload overloads[GNB_OVERLOADS];
    uint64_t overload_starts, overload_stops;
    uint8_t last_error_has; /* bit 0: AMF UE NGAP ID, bit 1: RAN UE NGAP ID */
    uint32_t last_reset_items; /* in the latest NG Reset Acknowledge */
    uint64_t setups_sent, setups_accepted, setups_refused, updates_accepted, updates_refused, resets,
        resets_acknowledged, errors_received, errors_sent, downs, rx, rx_bad, tx;
    uint8_t *block, *out;
};

/* 0, ERR_CONFIG, ERR_NOSPACE. */
int gnb_init(struct gnb *, struct rt *, const struct gnb_config *);
void gnb_free(struct gnb *);
int gnb_start(struct gnb *, const struct net_addr *amf);
void gnb_stop(struct gnb *); /* closes the association, stays down */
/* value is a struct ngap_<message>. */
int gnb_send(struct gnb *, enum ngap_msg, const void *value, uint16_t stream);
int gnb_send_raw(struct gnb *, struct bytes, uint16_t stream, uint32_t ppid); /* for tests: any octets */
uint16_t gnb_ue_stream(const struct gnb *, uint64_t ran_ue_id);
int gnb_setup(struct gnb *); /* NG Setup on the association that is up, again if need be */
/* The NG SETUP REQUEST this gNB sends: octets or a negative error. */
int gnb_setup_request(struct gnb *, uint8_t *buf, size_t cap);
/* New tracking areas (kept when the AMF takes them or not; must outlive the gNB) and name (NULL: unchanged). */
int gnb_update(struct gnb *, const struct gnb_ta *tas, uint32_t n_tas, const char *name);
/* list NULL: the whole interface. */
int gnb_reset(struct gnb *, const struct ngap_UE_associatedLogicalNG_connectionList *list);
int gnb_error(struct gnb *, const uint64_t *amf_ue_id, const uint64_t *ran_ue_id, struct ngap_Cause);
