/* SPDX-License-Identifier: Apache-2.0 */
/* ran.h - redoubt ran: a simulated RAN in the real world, and what it is told on its control socket. */
#pragma once
#include "base/hist.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "os/control.h"
#include "os/env.h"
#include "ran/ue.h"

enum { RAN_CELLS_MAX = 64, RAN_CAUSES = 32 };
struct ran_options {
    uint32_t gnbs, ues, tuns, count, rate, gnb_id, tac, hn_id, idle_s, wait_s, parallel;
    struct net_addr amf, n3;
    struct config_plmn plmn;
    struct gnb_slice slice;
    const char *imsi, *key, *opc, *csv, *dnn, *hn_key, *hn_profile, *netns, *tun_name, *control, *name, *sctp;
    uint8_t type; /* enum nas_pdu_type */
    bool load, stay, no_session, no_register, debug, quiet, ping;
    struct net_addr ping_to;
};
struct ran_phone { /* what the command knows of a phone beside the phone itself */
    struct ue *ue;
    char imsi[16], tun_name[16], netns[48];
    uint64_t asked_us, registered_us;
    bool started, finished; /* of a load */
    uint32_t pings;
};
struct ran_cause {
    const char *what;
    uint8_t cause;
    uint32_t n;
};
struct ran_cmd {
    struct ran_options o;
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct log log;
    struct crypto *crypto;
    struct hn_key *hn;
    struct ran ran;
    struct gnb_ta ta;
    struct cell *cells;
    struct ran_phone *phones;
    uint32_t n_phones, next, registered, sessions, failed, finished, pings;
    struct aka_key key;
    struct control *control;
    struct timer pace;
    struct hist *registration, *session, *ping, *core; /* core: its share of a registration */
    struct ran_cause causes[RAN_CAUSES];
    uint64_t started_us, last_us;
    bool cells_up, said_ready, load_over;
    int status;
};
/* Shape of control_fn. */
int ran_answer(void *ran_cmd, struct str line, char *out, uint32_t cap);
/* The result of a load, one line of JSON: octets or ERR_NOSPACE. */
int ran_result(const struct ran_cmd *, char *out, uint32_t cap);
/* Registers the phone and opens its session, as the options say. */
void ran_phone_start(struct ran_cmd *, struct ran_phone *);
