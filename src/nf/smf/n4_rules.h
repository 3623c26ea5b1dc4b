/* SPDX-License-Identifier: Apache-2.0 */
/* n4_rules.h - the rules of a session, as an establishment request carries them. Private to n4.c. */
#pragma once
#include "nf/smf/smf.h"

enum { /* rule identities; those of a session that has more than the usual rules follow */
       N4_PDR_UP = 1,
       N4_PDR_DOWN,
       N4_PDR_UP_LAN,
       N4_PDR_LAN,
       N4_PDR_LAN_SPREAD,
       N4_PDR_UP_LOCAL,
       N4_PDR_DOWN_N9,
       N4_PDR_UP_HOME,
       N4_PDR_DOWN_HOME,
       N4_FAR_UP = 1,
       N4_FAR_DOWN,
       N4_FAR_LAN,
       N4_FAR_LOCAL,
       N4_QER_SESSION = 1,
       N4_URR_SESSION = 1,
       N4_URR_MACS,
       N4_PDRS = 6,
       N4_FARS = 3,
       N4_FILTERS = 10,
       N4_FILTER_TEXT = 96,
};
struct n4_rules { /* what the pieces of an establishment point to */
    struct pfcp_create_pdr pdr[N4_PDRS];
    struct pfcp_create_far far[N4_FARS];
    struct pfcp_create_qer qer;
    struct pfcp_create_urr urr[2];
    struct pfcp_duplicating_parameters copy;
    uint32_t pdr_n, far_n, urr_n, qer_id, urr_id[2], filter_n;
    struct pfcp_sdf_filter filter[N4_FILTERS];
    char text[N4_FILTERS][N4_FILTER_TEXT];
    uint8_t qfi, labels[128], local_labels[128];
    struct str dnn;   /* as Network Instance and APN/DNN */
    struct str local; /* Network Instance of the data network beside a classifier */
};
int n4_rules_fill(struct n4_rules *, const struct smf_session *, unsigned leg);
/* The tunnel end that the UPF is asked for, or told where it chooses none, TS 29.244 5.5. */
struct pfcp_f_teid n4_local_f_teid(const struct smf_session *, const struct smf_upf *);
/* Of the warrant under which the session is to be copied now; false: there is none, or its UPF does not copy. */
bool n4_copy_to(const struct smf_session *, struct pfcp_outer_header_creation *);
struct pfcp_outer_header_creation n4_tunnel_to(const struct smf_tunnel *); /* 8.2.56 */
static inline uint64_t n4_kbps(uint64_t bps) { return (bps + 999) / 1000; }
