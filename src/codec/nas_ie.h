/* SPDX-License-Identifier: Apache-2.0 */
/* nas_ie.h - structured values of NAS information elements, TS 24.501 V17.9.0 clause 9.11.
 *
 * Decoded lists live in the arena of the decode call; `struct bytes` point into the decoded
 * message. To encode, point them anywhere. Numbers that name a field of two bits or more keep the
 * wire's value; spare bits are ignored when read and 0 when written. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

/* Half-octet values. */
struct nas_ksi {   /* 9.11.3.32 */
    uint8_t value; /* 0..6, NAS_KSI_NONE */
    bool mapped;   /* KSI_ASME */
};
#define NAS_KSI_NONE 7
struct nas_registration_type { /* 9.11.3.7 */
    uint8_t value;             /* NAS_REG_* */
    bool follow_on;
};
enum {
    NAS_REG_INITIAL = 1,
    NAS_REG_MOBILITY = 2,
    NAS_REG_PERIODIC = 3,
    NAS_REG_EMERGENCY = 4,
    NAS_REG_SNPN_ONBOARDING = 5,
    NAS_REG_DISASTER_MOBILITY = 6,
    NAS_REG_DISASTER_INITIAL = 7
};
struct nas_deregistration_type { /* 9.11.3.20 */
    bool switch_off, re_registration;
    uint8_t access; /* NAS_ACCESS_* */
};
enum { NAS_ACCESS_3GPP = 1, NAS_ACCESS_NON_3GPP = 2, NAS_ACCESS_BOTH = 3 };
struct nas_algorithms { /* 9.11.3.34: 0 null, 1 SNOW 3G, 2 AES, 3 ZUC */
    uint8_t ciphering, integrity;
};
/* Bits of scalar values. */
enum {
    NAS_REG_RESULT_3GPP = 1,
    NAS_REG_RESULT_NON_3GPP = 2,
    NAS_REG_RESULT_BOTH = 3,
    NAS_REG_RESULT_SMS = 8, /* 9.11.3.6 */
    NAS_REG_RESULT_NSSAA = 16,
    NAS_REG_RESULT_EMERGENCY = 32,
    NAS_SECURITY_HDP = 1,   /* 9.11.3.12: derive KAMF */
    NAS_SECURITY_RINMR = 2, /* send the initial message again */
    NAS_IMEISV_REQUESTED = 1,
    NAS_UPDATE_SMS = 1, /* 9.11.3.9A */
    NAS_UPDATE_NG_RAN_RCU = 2,
    NAS_MICO_RAAI = 1, /* 9.11.3.31 */
    NAS_MICO_SPRTI = 2,
    NAS_CONFIG_ACK = 1, /* 9.11.3.18 */
    NAS_CONFIG_RED = 2,
    NAS_SLICING_NSSCI = 1, /* 9.11.3.36 */
    NAS_SLICING_DCNI = 2,
    NAS_UE_STATUS_S1 = 1, /* 9.11.3.56 */
    NAS_UE_STATUS_N1 = 2
};
enum nas_nssai_mode { NAS_NSSAI_MODE_A, NAS_NSSAI_MODE_B, NAS_NSSAI_MODE_C, NAS_NSSAI_MODE_D }; /* 9.11.3.37A */
enum nas_service_type { /* 9.11.3.50 */
                        NAS_SERVICE_SIGNALLING,
                        NAS_SERVICE_DATA,
                        NAS_SERVICE_MOBILE_TERMINATED,
                        NAS_SERVICE_EMERGENCY,
                        NAS_SERVICE_EMERGENCY_FALLBACK,
                        NAS_SERVICE_HIGH_PRIORITY,
                        NAS_SERVICE_ELEVATED_SIGNALLING
};
enum nas_request_type { /* 9.11.3.47 */
                        NAS_REQUEST_INITIAL = 1,
                        NAS_REQUEST_EXISTING,
                        NAS_REQUEST_INITIAL_EMERGENCY,
                        NAS_REQUEST_EXISTING_EMERGENCY,
                        NAS_REQUEST_MODIFICATION,
                        NAS_REQUEST_MA_PDU
};
enum nas_payload_type { /* 9.11.3.40 */
                        NAS_PAYLOAD_N1_SM = 1,
                        NAS_PAYLOAD_SMS,
                        NAS_PAYLOAD_LPP,
                        NAS_PAYLOAD_SOR,
                        NAS_PAYLOAD_UE_POLICY,
                        NAS_PAYLOAD_UE_PARAMETERS_UPDATE,
                        NAS_PAYLOAD_LOCATION,
                        NAS_PAYLOAD_CIOT,
                        NAS_PAYLOAD_SERVICE_LEVEL_AA,
                        NAS_PAYLOAD_EVENT,
                        NAS_PAYLOAD_MULTIPLE = 15
};
enum nas_pdu_type { /* 9.11.4.11 */
                    NAS_PDU_IPV4 = 1,
                    NAS_PDU_IPV6,
                    NAS_PDU_IPV4V6,
                    NAS_PDU_UNSTRUCTURED,
                    NAS_PDU_ETHERNET
};

/* Octet strings of flags: 5GMM and 5GSM capability, network feature support, S1 UE capabilities. */
struct nas_octets {
    uint8_t n; /* octets, 1..13 */
    uint8_t octet[13];
};
/* A flag is named by its octet (first value octet is 3, as in the figures of 9.11) and bit (1..8).
 */
#define NAS_FLAG(octet, bit) (((octet)-3) << 3 | ((bit)-1))
enum {
    NAS_GMM_CAP_S1_MODE = NAS_FLAG(3, 1), /* 9.11.3.1 */
    NAS_GMM_CAP_HO_ATTACH = NAS_FLAG(3, 2),
    NAS_GMM_CAP_LPP = NAS_FLAG(3, 3),
    NAS_GMM_CAP_RESTRICT_EC = NAS_FLAG(3, 4),
    NAS_GMM_CAP_CP_CIOT = NAS_FLAG(3, 5),
    NAS_GMM_CAP_NO_N3_DATA = NAS_FLAG(3, 6),
    NAS_GMM_CAP_IPHC_CP_CIOT = NAS_FLAG(3, 7),
    NAS_GMM_CAP_SGC = NAS_FLAG(3, 8),
    NAS_GMM_CAP_NSSAA = NAS_FLAG(4, 7),
    NAS_GMM_CAP_RACS = NAS_FLAG(4, 8),
    NAS_GMM_CAP_CAG = NAS_FLAG(5, 1),
    NAS_GMM_CAP_ER_NSSAI = NAS_FLAG(5, 5),
    NAS_FEATURE_IMS_VOPS_3GPP = NAS_FLAG(3, 1), /* 9.11.3.5 */
    NAS_FEATURE_IMS_VOPS_NON_3GPP = NAS_FLAG(3, 2),
    NAS_FEATURE_EMC_NR = NAS_FLAG(3, 3),
    NAS_FEATURE_EMC_EUTRA = NAS_FLAG(3, 4),
    NAS_FEATURE_EMF_NR = NAS_FLAG(3, 5),
    NAS_FEATURE_EMF_EUTRA = NAS_FLAG(3, 6),
    NAS_FEATURE_IWK_N26 = NAS_FLAG(3, 7), /* interworking without N26 */
    NAS_FEATURE_MPSI = NAS_FLAG(3, 8),
    NAS_FEATURE_EMC_NON_3GPP = NAS_FLAG(4, 1),
    NAS_FEATURE_MCSI = NAS_FLAG(4, 2),
    NAS_FEATURE_CP_CIOT = NAS_FLAG(4, 5),
    NAS_FEATURE_NO_N3_DATA = NAS_FLAG(4, 6),
    NAS_FEATURE_LCS = NAS_FLAG(5, 1),
    NAS_FEATURE_ATSSS = NAS_FLAG(5, 2),
    NAS_GSM_CAP_REFLECTIVE_QOS = NAS_FLAG(3, 1), /* 9.11.4.1 */
    NAS_GSM_CAP_MH6 = NAS_FLAG(3, 2)
};
bool nas_flag(const struct nas_octets *o, unsigned flag);
void nas_flag_set(struct nas_octets *o, unsigned flag); /* lengthens as needed */

/* 9.11.3.54. Bit 8 of an octet is algorithm 0, bit 7 algorithm 1... Replay it as it was received.
 */
struct nas_ue_security_capability {
    uint8_t n; /* octets, 2..8; 0 when encoding: as many as needed */
    union {
        uint8_t octet[8];
        struct {
            uint8_t ea, ia, eea, eia;
        };
    };
};

/* A PLMN is three octets as on the wire, the same in NGAP. */

/* 9.11.3.4 */
enum nas_id_type {
    NAS_ID_NONE,
    NAS_ID_SUCI,
    NAS_ID_GUTI,
    NAS_ID_IMEI,
    NAS_ID_S_TMSI,
    NAS_ID_IMEISV,
    NAS_ID_MAC,
    NAS_ID_EUI64
};
struct nas_suci {
    uint8_t supi_format; /* 0 IMSI, 1 network specific identifier, 2 GCI, 3 GLI */
    uint8_t plmn[3];     /* the rest is for format 0 */
    char routing[5];     /* 1 to 4 digits */
    uint8_t scheme;      /* 0 null, 1 profile A, 2 profile B */
    uint8_t key_id;
    struct bytes output; /* scheme output: BCD digits of the MSIN for the null scheme, else
                          * key, ciphertext, MAC. Formats 1 to 3: the NAI, text. */
};
struct nas_guti {
    uint8_t plmn[3]; /* not in a 5G-S-TMSI */
    uint8_t region;  /* not in a 5G-S-TMSI */
    uint16_t set;    /* 10 bits */
    uint8_t pointer; /* 6 bits */
    uint32_t tmsi;
};
struct nas_mobile_identity {
    uint8_t type; /* enum nas_id_type */
    union {
        struct nas_suci suci;
        struct nas_guti guti; /* also 5G-S-TMSI */
        char digits[17];      /* IMEI: 15, IMEISV: 16 */
        struct {
            uint8_t mac[6];
            bool unusable; /* not usable as an equipment identifier */
        };
        uint8_t eui64[8];
    };
};
/* "suci-0-001-01-0000-0-0-0000000001" as in TS 29.571 Suci; formats 1 to 3
 * "suci-1-<realm>-<routing>-<scheme>-<key>-..." from the NAI of TS 23.003 28.7.3. Octets without
 * the terminating NUL or negative. */
int nas_suci_text(const struct nas_suci *suci, char *to, size_t cap);
/* "imsi-001010000000001" out of a null scheme SUCI of format 0; ERR_UNSUPPORTED otherwise. */
int nas_suci_supi(const struct nas_suci *suci, char *to, size_t cap);
/* Null scheme SUCI of an IMSI; msin (BCD octets) lives in the arena. */
int nas_suci_of_imsi(struct nas_suci *to, struct str imsi_digits, unsigned mnc_digits,
                     const char *routing, struct arena *arena);

/* 9.11.2.8 */
struct nas_s_nssai {
    uint8_t sst, mapped_sst;
    bool has_sd, has_mapped_sst, has_mapped_sd;
    uint32_t sd, mapped_sd; /* 24 bits */
};
struct nas_nssai { /* 9.11.3.37 */
    uint32_t n;    /* at most 8, configured and pending 16 */
    const struct nas_s_nssai *item;
};
struct nas_rejected_s_nssai {
    uint8_t cause; /* 0 PLMN, 1 registration area, 2 NSSAA */
    struct nas_s_nssai s_nssai;
};
struct nas_rejected_nssai { /* 9.11.3.46 */
    uint32_t n;
    const struct nas_rejected_s_nssai *item;
};

struct nas_tai { /* 9.11.3.8 */
    uint8_t plmn[3];
    uint32_t tac; /* 24 bits */
};
enum nas_tai_part_type {
    NAS_TAI_ONE_PLMN,    /* n TAIs of the PLMN of item[0] */
    NAS_TAI_CONSECUTIVE, /* n TACs from item[0] on; only item[0] is there */
    NAS_TAI_ANY_PLMN,    /* n TAIs */
    NAS_TAI_WHOLE_PLMN   /* service area list only: item[0].plmn */
};
struct nas_tai_part {
    uint8_t type;     /* enum nas_tai_part_type */
    bool not_allowed; /* service area list only */
    uint8_t n;        /* TAIs, 1..16 */
    const struct nas_tai *item;
};
struct nas_tai_list { /* 9.11.3.9; service area list 9.11.3.49 */
    uint32_t n;
    const struct nas_tai_part *part;
};
bool nas_tai_list_has(const struct nas_tai_list *list, const struct nas_tai *tai);

/* Timers are octets in the structs; UINT32_MAX is deactivated. nas_*_of() yields the octet that is
 * exactly `s`, or the next one above where no unit is exact. 9.11.2.3, 9.11.2.4 (the
 * same), 9.11.2.5. */
uint32_t nas_timer_s(uint8_t octet);
uint8_t nas_timer_of(uint32_t s);
uint32_t nas_timer3_s(uint8_t octet);
uint8_t nas_timer3_of(uint32_t s);

struct nas_time { /* 9.11.3.53 */
    int64_t unix_s;
    int8_t zone; /* quarters of an hour east */
};
uint8_t nas_zone_octet(int zone); /* 9.11.3.52 */
/* Network name 9.11.3.35 from ASCII text, packed GSM 7 bit; and back. p == NULL, negative: cannot.
 */
struct bytes nas_network_name_of(struct str text, struct arena *arena);
int nas_network_name_text(struct bytes name, char *to, size_t cap);

/* Rates: value times unit, units of 9.11.4.14. */
struct nas_rate {
    uint8_t unit;
    uint16_t value;
};
uint64_t nas_rate_kbps(struct nas_rate rate);
struct nas_rate nas_rate_of_kbps(uint64_t kbps); /* exact where a unit is, else rounded up */
struct nas_ambr {
    struct nas_rate down, up;
};

struct nas_pdu_address { /* 9.11.4.10 */
    uint8_t type;        /* enum nas_pdu_type: IPV4, IPV6, IPV4V6 */
    bool has_lla;
    uint8_t ipv4[4], iid[8];
    uint8_t lla[16]; /* the SMF's link local address */
};

/* 9.11.4.13 */
enum nas_rule_op {
    NAS_RULE_CREATE = 1,
    NAS_RULE_DELETE,
    NAS_RULE_ADD_FILTERS,
    NAS_RULE_REPLACE_FILTERS,
    NAS_RULE_DELETE_FILTERS,
    NAS_RULE_MODIFY
};
enum nas_filter_direction { NAS_FILTER_DOWN = 1, NAS_FILTER_UP, NAS_FILTER_BOTH };
enum nas_component_type {
    NAS_PF_MATCH_ALL = 0x01,
    NAS_PF_IPV4_REMOTE = 0x10, /* address, mask */
    NAS_PF_IPV4_LOCAL = 0x11,
    NAS_PF_IPV6_REMOTE = 0x21, /* address, prefix length */
    NAS_PF_IPV6_LOCAL = 0x23,
    NAS_PF_PROTOCOL = 0x30,
    NAS_PF_LOCAL_PORT = 0x40,
    NAS_PF_LOCAL_PORTS = 0x41,
    NAS_PF_REMOTE_PORT = 0x50,
    NAS_PF_REMOTE_PORTS = 0x51,
    NAS_PF_SPI = 0x60,
    NAS_PF_TOS = 0x70, /* value, mask */
    NAS_PF_FLOW_LABEL = 0x80,
    NAS_PF_MAC_DESTINATION = 0x81,
    NAS_PF_MAC_SOURCE = 0x82,
    NAS_PF_C_VID = 0x83,
    NAS_PF_S_VID = 0x84,
    NAS_PF_C_PCP = 0x85,
    NAS_PF_S_PCP = 0x86,
    NAS_PF_ETHERTYPE = 0x87,
    NAS_PF_MAC_DESTINATIONS = 0x88,
    NAS_PF_MAC_SOURCES = 0x89
};
struct nas_component {
    uint8_t type;       /* enum nas_component_type */
    struct bytes value; /* as long as the type says */
};
struct nas_filter {
    uint8_t id, direction;
    uint8_t n;
    const struct nas_component *component;
};
struct nas_qos_rule {
    uint8_t id, op; /* enum nas_rule_op */
    bool dqr;
    bool has_precedence, has_qfi; /* always, unless deleted or modified */
    uint8_t precedence, qfi;
    bool segregation;
    uint8_t n; /* filters, 0..15; for NAS_RULE_DELETE_FILTERS only their ids */
    const struct nas_filter *filter;
};
struct nas_qos_rules {
    uint32_t n;
    const struct nas_qos_rule *rule;
};
/* 9.11.4.12 */
enum nas_flow_op { NAS_FLOW_CREATE = 1, NAS_FLOW_DELETE, NAS_FLOW_MODIFY };
struct nas_qos_flow {
    uint8_t qfi, op; /* enum nas_flow_op */
    bool e;
    union {
        struct {
            uint8_t fiveqi : 1, gfbr_up : 1, gfbr_down : 1, mfbr_up : 1, mfbr_down : 1, window : 1,
                ebi : 1;
        };
        uint8_t mask;
    } has;
    uint8_t fiveqi, ebi;
    uint16_t window_ms;
    struct nas_rate gfbr_up, gfbr_down, mfbr_up, mfbr_down;
};
struct nas_qos_flows {
    uint32_t n;
    const struct nas_qos_flow *flow;
};

/* 9.11.4.6, TS 24.008 10.5.6.3: containers in order. */
enum {
    NAS_PCO_IPCP = 0x8021,
    NAS_PCO_PAP = 0xc023,
    NAS_PCO_CHAP = 0xc223,
    NAS_PCO_P_CSCF_IPV6 = 0x0001,
    NAS_PCO_DNS_IPV6 = 0x0003,
    NAS_PCO_IP_BY_NAS = 0x000a,
    NAS_PCO_P_CSCF_IPV4 = 0x000c,
    NAS_PCO_DNS_IPV4 = 0x000d,
    NAS_PCO_MSISDN = 0x000e,
    NAS_PCO_IPV4_MTU = 0x0010,
    NAS_PCO_NON_IP_MTU = 0x0015,
    NAS_PCO_QOS_RULES = 0x001c,
    NAS_PCO_QOS_FLOWS = 0x001f,
    NAS_PCO_ETHERNET_MTU = 0x0020
};
struct nas_pco_item {
    uint16_t id;
    struct bytes value;
};
struct nas_pco {
    uint32_t n;
    const struct nas_pco_item *item;
};
/* The first container of that id, NULL if none. */
const struct nas_pco_item *nas_pco_find(const struct nas_pco *pco, uint16_t id);

/* Payload container of type NAS_PAYLOAD_MULTIPLE, 9.11.3.39. */
struct nas_payload_ie {
    uint8_t iei;
    struct bytes value;
};
struct nas_payload {
    uint8_t type; /* enum nas_payload_type */
    uint8_t n;    /* IEs, 0..15 */
    const struct nas_payload_ie *ie;
    struct bytes contents;
};
struct nas_payloads {
    uint32_t n; /* 1..255 */
    const struct nas_payload *item;
};
int nas_payloads_decode(struct bytes container, struct arena *arena, struct nas_payloads *to);
int nas_payloads_encode(const struct nas_payloads *from, uint8_t *buf, size_t cap); /* octets */
