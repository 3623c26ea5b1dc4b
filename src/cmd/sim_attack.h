/* SPDX-License-Identifier: Apache-2.0 */
/* sim_attack.h - those who mean harm beside the simulated network: a gNB that the AMF let in, phones that send what they
 * like through honest gNBs, and a host that reaches N3 and N4. They hear all that goes over N2 and know every identity, but
 * no key. What they do is drawn; nothing of it may change what is true of the others. */
#pragma once
#include "cmd/sim_net.h"

enum { SIM_HEARD = 32, SIM_HEARD_OCTETS = 400, SIM_VICTIMS = 16 };
struct sim_heard {
    uint32_t n;
    uint8_t octets[SIM_HEARD_OCTETS];
};
struct sim_attack {
    struct sim_net *n;
    struct env *env;
    struct rt rt;
    struct gnb gnb;
    bool is_on, has_gnb;
    int udp; /* a socket on N3 and N4 */
    int beside_gnb; /* one on the host of the gNBs: as if something there were turned */
    uint64_t random, at;
    uint32_t ran_id;     /* the last that it used */
    struct { /* connections of its own that the AMF answered */
        uint64_t amf, ran;
    } own[SIM_VICTIMS];
    uint32_t n_own;
    struct sim_heard n2[SIM_HEARD], nas[SIM_HEARD]; /* heard last: messages of gNBs, NAS messages of phones */
    uint32_t n_n2, n_nas;
};
/* Its gNB connects. 0 or a negative error. */
int sim_attack_start(struct sim_attack *, struct sim_net *);
void sim_attack_stop(struct sim_attack *); /* also of one that never started */
void sim_attack_hear_n2(struct sim_attack *, struct bytes ngap);
void sim_attack_hear_nas(struct sim_attack *, struct bytes pdu);
/* A G-PDU with a UDP packet to 8.8.8.8 from this address, with these octets in it; its octets. */
enum { SIM_IN_TUNNEL = 44 }; /* beside them */
#define SIM_STOLEN "stolen!" /* in what attackers send through tunnels: it must come out nowhere */
uint32_t sim_in_tunnel(uint8_t *g, uint32_t teid, const uint8_t ip[4], uint16_t port, const void *what, uint32_t octets);
/* One attack, of those that x draws; its name. */
const char *sim_attack(struct sim_attack *, uint64_t x);
