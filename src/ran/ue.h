/* SPDX-License-Identifier: Apache-2.0 */
/* ue.h - a simulated phone: USIM, 5GMM (TS 24.501 clause 5), 5GSM (clause 6), and a small IP host behind it. Made from
 * the specification and on purpose not from the core's code: each checks the other. */
#pragma once
#include "codec/nas.h"
#include "crypto/aka.h"
#include "crypto/suci.h"
#include "proto/nas_security.h"
#include "ran/ran.h"

/* ---- USIM: usim.c ---- */
enum { USIM_SUCI_MAX = 64 };
struct usim_config {
    const char *imsi;       /* 15 digits at most */
    uint8_t mnc_digits;     /* 2 or 3 */
    struct aka_key key;     /* copied */
    const char *routing;    /* routing indicator, 1 to 4 digits; NULL: "0" */
    const struct hn_key *hn; /* home network public key; NULL: null scheme. Must outlive the phone */
    uint8_t hn_id;
    uint64_t sqn;            /* the highest that it has accepted, of each index; 0: none */
};
enum usim_update { USIM_UPDATED = 1, USIM_NOT_UPDATED, USIM_ROAMING_NOT_ALLOWED }; /* 5U1, 5U2, 5U3: 24.501 5.1.3.2.2 */
struct usim {
    char imsi[16], routing[5];
    uint8_t mnc_digits, scheme, hn_id;
    uint8_t plmn[3]; /* home */
    const struct hn_key *hn;
    struct aka_key key;
    struct aka_sqn_array sqns;
    bool is_invalid; /* for 5GS, until it is taken out and put in again */
    uint8_t update;  /* enum usim_update */
    bool has_guti, has_tai;
    struct nas_guti guti;
    struct nas_tai tai; /* last visited registered */
    /* The SUCI in use: the same within one procedure (T3519). */
    uint8_t suci[USIM_SUCI_MAX];
    uint8_t suci_n;
    uint64_t suci_us; /* since when T3519 runs: when it was first given out; 0: not yet */
};
int usim_init(struct usim *, const struct usim_config *); /* ERR_RANGE, ERR_SYNTAX */
void usim_wipe(struct usim *);
/* A SUCI that points into the USIM; concealed anew when there is none in use. NULL: makes one ahead. */
int usim_suci(struct usim *, struct ran *, struct nas_suci *out);
void usim_suci_forget(struct usim *);
/* Forgets what an identity or a context of the network was: GUTI, TAI. */
void usim_forget(struct usim *);

/* ---- the phone ---- */
enum { UE_SESSIONS = 15, UE_SLICES = 8, UE_RULES = 8, UE_TAIS = 16, UE_DNN = 101 };
struct ue_config {
    struct usim_config usim;
    const char *imeisv; /* 16 digits; NULL: "4370816125816151" */
    uint8_t ea, ia;     /* bit 7: algorithm 0 … as in the UE security capability; both 0: 0xf0, 0xf0 unless no_algorithms */
    bool multi_homed;   /* says that its sessions can have several IPv6 prefixes (MH6-PDU) */
    bool no_algorithms; /* says that it supports none */
    uint32_t n_slices;  /* requested NSSAI; 0: none is sent */
    struct gnb_slice slices[UE_SLICES];
    bool tun;           /* sessions get a TUN interface */
    const char *tun_name;  /* base of its name; psi is appended for sessions after the first */
    const char *tun_netns; /* NULL: this namespace */
    void *user;
};
enum ue_mm_state { /* 5.1.3.2.1 */
                   MM_NULL,
                   MM_DEREGISTERED,
                   MM_REGISTERED_INITIATED,
                   MM_REGISTERED,
                   MM_DEREGISTERED_INITIATED,
                   MM_SERVICE_REQUEST_INITIATED
};
enum ue_mm_sub { /* 5.1.3.2.2, 5.1.3.2.3, those that a phone which camps can be in */
                 MM_NORMAL_SERVICE,
                 MM_ATTEMPTING, /* attempting registration, or its update: T3511, T3502 or T3346 runs */
                 MM_LIMITED_SERVICE,
                 MM_NO_SUPI
};
enum ue_sm_state { /* 6.1.3.2 */
                   SM_INACTIVE,
                   SM_ACTIVE_PENDING,
                   SM_ACTIVE,
                   SM_MODIFICATION_PENDING,
                   SM_INACTIVE_PENDING
};
struct ue_rule { /* an authorized QoS rule, without its filters */
    uint8_t id, precedence, qfi, filters;
    bool is_default;
};
struct ue_held { /* a packet that waits for the user plane */
    uint32_t n;
    uint8_t octets[1518];
};
struct ue_session {
    struct ue *ue;
    struct ue_session *next;
    struct timer timer; /* T3580, T3581, T3582 */
    uint8_t psi, pti, state, attempts;
    bool due;         /* its message is to be sent (again) */
    bool waits;       /* for T3396: it has not been asked for yet */
    bool is_existing; /* request type "existing PDU session" */
    uint8_t wanted_type, type, cause;
    bool has_slice;
    struct gnb_slice slice;
    char dnn[UE_DNN];
    uint8_t ipv4[4], iid[8], prefix[8], prefix2[8]; /* prefix2: of another router, for what is beside that */
    bool has_prefix, has_prefix2;
    uint8_t n_routes; /* by prefix2, RFC 4191 */
    struct ue_route {
        uint8_t bits, ip[16];
    } routes[4];
    uint8_t router[16]; /* link local address of who advertised the prefix */
    uint8_t dns4[4], dns6[16];
    uint16_t mtu;
    uint64_t ambr_down_kbps, ambr_up_kbps;
    uint8_t n_rules;
    struct ue_rule rules[UE_RULES];
    struct bearer *bearer; /* its user plane; NULL: not there now */
    struct ue_held *held;
    struct timer solicit; /* router solicitation */
    uint8_t solicitations;
    int tun; /* negative: none */
    uint64_t asked_us, rx, tx;
    uint32_t pings_sent, pings_received;
    uint8_t mac[6]; /* of an Ethernet session's interface */
};
/* 6.2.7, 6.2.8; one of each is remembered, the latest. */
enum ue_back_off_kind {
    UE_T3396, /* cause 26: this data network */
    UE_T3584, /* cause 67: this slice and data network */
    UE_T3585, /* cause 69: this slice */
    UE_BACK_OFFS
};
struct ue_back_off {
    uint64_t until_us; /* UINT64_MAX: until it is switched off */
    uint32_t what;     /* hash of slice and data network */
};
/* What a test makes a phone do wrong. All zero: nothing. Types are of the NAS message, 0: none. */
struct ue_faults {
    uint8_t drop_up, drop_down; /* this message is lost once … */
    uint8_t drop_times;         /* … or so often; 0 counts as once */
    uint8_t bad_mac;            /* the message is sent with a wrong MAC, once */
    uint8_t plain;              /* sent without protection, once */
    uint8_t replay;             /* sent twice, the same octets */
    bool altered_capabilities;  /* believes that it sent other capabilities than it did */
    bool fixed_psi;             /* a session is opened with the identity of one that is open */
    bool silent;                /* answers nothing any more */
};
struct ue {
    struct ran *ran;
    struct cell *cell;   /* where it camps; NULL: nowhere */
    struct gnb_ue *link; /* NULL: 5GMM-IDLE */
    struct usim usim;
    uint8_t state, sub;  /* enum ue_mm_state, ue_mm_sub */
    uint8_t registration; /* NAS_REG_* of the registration under way */
    uint8_t attempts, service_attempts, deregister_attempts, auth_failures;
    bool wants_registration, wants_update, wants_deregistration, wants_service;
    bool switch_off, is_paged, register_again, multi_homed;
    bool secure;         /* secure exchange of NAS messages is established on this connection */
    bool was_protected;  /* the initial message of this connection was */
    bool initial_was_service;
    uint8_t initial_ksi; /* ngKSI that it carried */
    uint8_t last_cause;  /* 5GMM, of the latest reject */
    char imeisv[17];
    struct nas_ue_security_capability capability;
    uint32_t n_slices, n_allowed, n_tais;
    struct gnb_slice slices[UE_SLICES];
    struct nas_s_nssai allowed[UE_SLICES];
    struct nas_tai tais[UE_TAIS]; /* registration area */
    uint32_t t3512_s, t3502_s;    /* UINT32_MAX: off */
    uint8_t nssai_mode;           /* whether gNBs are told slices: enum nas_nssai_mode */
    /* Security contexts: in use; made by an authentication and not yet taken into use. */
    struct nas_security current, fresh;
    bool has_fresh;
    bool has_rand; /* T3516: the same RAND gets the same answer */
    uint8_t rand[16], res_star[16], eap_answer[64], eap_answer_n;
    uint32_t kgnb_count; /* uplink COUNT that KgNB is derived from (33.501 A.9) */
    struct ue_session *sessions;
    uint16_t psis_up; /* sessions whose user plane the network is asked for */
    uint8_t next_pti;
    struct timer t_procedure; /* T3510, T3517, T3521 */
    struct timer t_retry;     /* T3511, T3502, T3346 */
    struct ue_back_off back_offs[UE_BACK_OFFS];
    struct timer t_hold;      /* T3346, T302: nothing is begun but an answer to paging and a deregistration */
    struct timer t3512, t3520, t3540;
    uint64_t started_us;
    struct ue_faults faults;
    const char *tun_name, *tun_netns;
    bool tun;
    uint64_t n_identity_requests, n_authentications, n_security_modes, n_configurations, n_statuses;
    void *user;
};
/* A phone with its USIM, switched off. NULL: as many as configured, or a wrong configuration. */
struct ue *ue_new(struct ran *, const struct ue_config *);
void ue_drop(struct ue *); /* without a word to the network */
/* Switched on and camping on a cell (NULL: out of coverage). Moving away from a connected cell loses the connection;
 * outside the registration area a registered phone updates by itself. */
void ue_camp(struct ue *, struct cell *);
/* What its user wants; each returns at once and the phone goes on until it is so or refused, told by events.
 * ERR_STATE: makes no sense now. */
int ue_register(struct ue *);
int ue_update(struct ue *, uint8_t type); /* NAS_REG_MOBILITY or NAS_REG_PERIODIC */
int ue_deregister(struct ue *, bool switch_off);
int ue_service(struct ue *); /* a connection, and the user plane of all sessions */
struct ue_open {
    uint8_t psi;     /* 0: the lowest that is free */
    uint8_t type;    /* enum nas_pdu_type; 0: not said */
    const char *dnn; /* NULL: not said */
    bool has_slice;
    struct gnb_slice slice;
};
int ue_session_open(struct ue *, const struct ue_open *); /* the psi, or ERR_STATE, ERR_FULL, ERR_EXISTS */
int ue_session_close(struct ue *, uint8_t psi);
int ue_session_modify(struct ue *, uint8_t psi); /* asks with a 5GSM capability alone */
struct ue_session *ue_session_find(const struct ue *, uint8_t psi);
/* Off without a word to anybody; what a USIM and its phone keep without power (GUTI, keys) is there when it is on again. */
void ue_power_cut(struct ue *);
/* The connection dies as when a tunnel swallows the phone. */
void ue_lose_radio(struct ue *);
const char *ue_mm_state_name(uint8_t state);

/* ---- what the gNB tells it ---- */
void ue_downlink(struct ue *, struct bytes nas);
void ue_released(struct ue *, bool is_lost); /* is_lost: not in order */
void ue_paged(struct ue *);
void ue_barred(struct ue *, uint64_t us); /* RRC reject with that wait time */
bool ue_kgnb_is(struct ue *, const uint8_t kgnb[32]); /* access stratum security would work */
void ue_bearer_up(struct ue *, struct bearer *);
void ue_bearer_gone(struct ue *, uint8_t psi);
void ue_packet(struct ue *, uint8_t psi, struct bytes packet);

/* ---- inside ---- */
/* ue.c */
int ue_send(struct ue *, const struct nas_msg *);
/* The first message of a connection (4.4.6): with a context, protected, and in full within a container. */
int ue_send_initial(struct ue *, struct nas_msg *outer, const struct nas_msg *full, uint32_t cause);
int ue_send_protected(struct ue *, struct bytes plain, enum nas_security_header, uint32_t cause);
void ue_status(struct ue *, uint8_t cause);
/* A test wants this message lost: faults.drop_up or drop_down. */
bool ue_drops(struct ue *, uint8_t *fault, uint8_t type);
/* ue_auth.c */
void ue_authentication_request(struct ue *, const struct nas_authentication_request *);
void ue_authentication_result(struct ue *, const struct nas_authentication_result *);
void ue_security_mode(struct ue *, const struct nas_header *);
void ue_contexts_forget(struct ue *);
/* ue_mm.c */
void ue_mm_message(struct ue *, const struct nas_msg *, bool is_protected);
int ue_registration_build(struct ue *, struct nas_msg *, struct nas_s_nssai *slices, bool full);
int ue_service_build(struct ue *, struct nas_msg *, bool full);
void ue_mm_lost(struct ue *); /* the connection went during a procedure */
void ue_authentication_rejected(struct ue *, bool is_protected);
void ue_kick(struct ue *); /* does what is wanted next, if it can now */
bool ue_in_area(const struct ue *);
uint64_t ue_tmsi_key(const struct nas_guti *);
/* ue_sm.c */
void ue_sm_transport(struct ue *, const struct nas_dl_nas_transport *);
void ue_sm_kick(struct ue *); /* sends what is due; connected */
bool ue_sm_is_due(const struct ue *);
bool ue_backs_off(const struct ue *); /* T3396, T3584 or T3585 runs */
void ue_back_offs_forget(struct ue *); /* those that last until it is switched off */
void ue_sessions_drop(struct ue *);
void ue_sessions_keep(struct ue *, uint16_t psis); /* local release of the others */
void ue_session_free(struct ue_session *);
/* ue_host.c */
void ue_host_up(struct ue_session *);   /* its user plane is there */
void ue_host_down(struct ue_session *); /* the session goes */
void ue_host_packet(struct ue_session *, struct bytes);
int ue_host_send(struct ue_session *, struct bytes packet); /* uplink; asks for the user plane when idle */
/* Echo request of the built-in host, from the session's own address. to: family 4 or 6; n octets of payload. */
int ue_ping(struct ue *, uint8_t psi, const struct net_addr *to, uint32_t n);
/* A frame of IEEE's type for experiments to that address, which the built-in host there answers; n octets of payload. */
int ue_frame(struct ue *, uint8_t psi, const uint8_t to[6], uint32_t n);
int ue_udp(struct ue *, uint8_t psi, const struct net_addr *to, uint16_t from_port, struct bytes data);
bool ue_session_addr6(const struct ue_session *, uint8_t addr[16]); /* global address; false: none yet */
/* The one to be used for that destination: of the prefix whose router has a route to it. */
bool ue_session_source6(const struct ue_session *, const uint8_t to[16], uint8_t addr[16]);
