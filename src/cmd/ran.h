/* SPDX-License-Identifier: Apache-2.0 */
/* ran.h - redoubt ran: a simulated RAN in the real world, and what it is told on its control socket. */
#pragma once
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/ran_load.h"
#include "cmd/sweeper.h"
#include "os/control.h"
#include "os/env.h"

struct scenario;
struct scenario_run;
enum { RAN_CELLS_MAX = 64 };
struct ran_options {
    uint32_t gnbs, ues, tuns, gnb_id, tac, hn_id, idle_s, wait_s;
    struct net_addr amf, n3;
    struct config_plmn plmn;
    struct gnb_slice slice;
    const char *imsi, *key, *opc, *csv, *dnn, *hn_key, *histogram, *netns, *tun_name, *control, *name, *sctp, *scenario;
    uint8_t type; /* enum nas_pdu_type */
    bool load, stay, persist, no_session, no_register, debug, quiet, ping, profile_b, unsafe_no_sandbox;
    struct net_addr ping_to;
};
struct ran_tun { /* names of a phone's interface */
    char name[16], netns[48];
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
    struct ran_tun *tuns; /* o.tuns of them, of the first phones */
    struct load load;
    uint32_t n_phones, registered, sessions, failures, pings; /* told by phones, so far */
    struct aka_key key;
    struct control *control;
    struct sweeper sweeper; /* removes the control socket */
    struct timer pace, dark;
    uint64_t down_us; /* since when not all cells are in service */
    bool cells_up, said_ready, interrupted;
    int status;
    struct scenario *script; /* --scenario */
    void *script_memory;
    struct scenario_run *scenario; /* NULL: none runs */
};
/* In place of the one that is there; the key is copied. */
int ran_phone_make(struct ran_cmd *, uint32_t i, const char *imsi, const struct aka_key *);
/* ran_attack.c: 0 when it was sent, ERR_STATE while no gNB is in service. */
int ran_steal_session(struct ran_cmd *, uint64_t amf_ue_id, uint8_t psi);
/* Shape of control_fn. */
int ran_answer(void *ran_cmd, struct str line, char *out, uint32_t cap);
