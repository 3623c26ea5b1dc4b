/* SPDX-License-Identifier: Apache-2.0 */
/* demo_trust.h - act two of redoubt demo: who built it. */
#pragma once
#include "cmd/net.h"

enum { DEMO_INVENTORY = 4096 };
struct demo_trust {
    const char *regime;       /* its id or path */
    char supplier[128];       /* whom it keeps out of the radio network */
    char rule[160], citation[512], says[1024], source[512], decision[32];
    char inventory[DEMO_INVENTORY];
    bool refused, others;     /* the core said so; "others": the second gNB came in */
    bool third_in, found;     /* the third gNB is in service; the guard found what it tried */
    char detection[16];
    bool kept; /* the evidence log has an entry of it */
    char why[1024], node[64];
    struct child gnb;
};
/* Reads the regime, finds whom it bans and makes the inventory of the demonstration. False: what is wrong has been told on
 * standard error. */
bool demo_trust_prepare(struct demo_trust *);
void demo_trust_line(struct demo_trust *, struct str json_line); /* of the core's log */
/* The gNB of that supplier tries to join; true when the core has refused it, false with net->why. */
bool demo_trust_join(struct demo_trust *, struct net *);
/* A gNB that policy permits answers for the session of phone 1, which is another gNB's; true when that was found, false
 * with net->why. */
bool demo_trust_attack(struct demo_trust *, struct net *);
/* The evidence log holds what was found, and verifies offline with its public key, as anybody could do it: what the commands
 * say goes to `line`. False with net->why. */
bool demo_trust_evidence(struct demo_trust *, struct net *, void (*line)(struct str));
/* What a ban of the made up supplier DEMO_SECOND would do to a made up country of so many sites: a page, if it is wanted
 * (NULL: none), and the lines of the answer that matter to `line`. True, or false with net->why. */
#define DEMO_SECOND "Harbin Radio"
bool demo_trust_nation(struct net *, uint32_t sites, const char *page, void (*line)(struct str));
