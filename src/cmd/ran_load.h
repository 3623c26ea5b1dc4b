/* SPDX-License-Identifier: Apache-2.0 */
/* ran_load.h - a load of redoubt ran: waves, in which every phone does the same once, or a mix, in which phones drawn
 * at random do this and that; each at a rate, or as fast as so many at once go. Phones stand in sets by what they are
 * fit for, so that finding one costs the same however many there are. */
#pragma once
#include "base/hist.h"
#include "base/list.h"
#include "ran/ue.h"
#include <stdio.h>

enum load_kind { LOAD_ATTACH, LOAD_SERVICE, LOAD_IDLE, LOAD_PING, LOAD_DEREGISTER, LOAD_KINDS,
                 LOAD_POWERCUT = LOAD_KINDS, /* in waves only: all gNBs and phones at once */
                 LOAD_WORDS, LOAD_NOTHING = LOAD_WORDS };
/* What phones can be; those that are about something are in no set. */
enum load_set { LOAD_OFF, LOAD_RESTING, LOAD_CONNECTED, LOAD_SETS, LOAD_NO_SET = LOAD_SETS };
enum { LOAD_WAVES = 16, LOAD_CAUSES = 32 };

struct ran_cmd;
struct ran_phone { /* what the command knows of a phone beside the phone itself */
    struct ue *ue;
    struct link running; /* load.running, the first to begin first */
    struct link pinging; /* load.pinging, the one whose ping left first */
    uint64_t begun_us, pinged_us;
    uint32_t at;         /* its place in its set */
    uint8_t set, doing;  /* enum load_set, load_kind */
    uint8_t pings;
};
struct load_plan {
    uint8_t waves[LOAD_WAVES];
    uint32_t n_waves;
    uint32_t mix[LOAD_KINDS]; /* weights; all 0: no mix */
    uint64_t mix_us;
    uint32_t rate;     /* a second; 0: as fast as `parallel` at once go */
    uint32_t parallel;
};
struct load_wave { /* of the result */
    uint64_t started_us, ended_us, begun, done;
};
struct load_cause {
    const char *what, *text;
    uint8_t cause;
    uint64_t n;
};
struct load_hists { /* microseconds */
    struct hist kind[LOAD_KINDS];
    struct hist registration, core, session; /* parts of an attach; core: the core's share of a registration */
};
struct load {
    struct load_plan plan;
    uint32_t *set[LOAD_SETS], n_set[LOAD_SETS]; /* phones by number */
    struct link running, pinging;
    uint32_t n_running;
    bool active, over, powering;
    uint32_t wave, next; /* the wave at hand (n_waves: the mix), the phone it comes to next */
    struct load_wave waves[LOAD_WAVES + 1];
    uint64_t started_us, last_us, done_us, progress_us, progress_done; /* last: one ended; done: well */
    uint64_t begun, done, failed, skipped, barred; /* skipped: were not fit for the wave; barred: times kept back by T3346 or gNB */
    struct load_cause causes[LOAD_CAUSES];
    struct load_hists *hists;
    struct hist *second; /* of the last second, all kinds */
    uint64_t rss_before; /* octets, before there were phones */
    int statm_fd;
    FILE *histogram; /* NULL: nobody wants it */
};

int load_init(struct ran_cmd *);
void load_phone(struct ran_cmd *, struct ran_phone *); /* a new one, switched off */
void load_phone_gone(struct ran_cmd *, struct ran_phone *); /* before another takes its place */
void load_free(struct ran_cmd *);
/* "attach,idle" into plan->waves; "attach=10,ping=90" into plan->mix. False: not so. */
bool load_waves_parse(const char *text, struct load_plan *);
bool load_mix_parse(const char *text, struct load_plan *);
#define LOAD_WAVES_EXPECTED "a list of attach, service, idle, ping, deregister, powercut"
#define LOAD_MIX_EXPECTED   "a list such as attach=1,service=40,idle=40,ping=18,deregister=1"
/* Starts what plan says, with figures from nothing. ERR_STATE: the one before is not over. */
int load_start(struct ran_cmd *);
/* Begins what is due. */
void load_turn(struct ran_cmd *);
/* Once a tick: ends what takes too long, says how it stands, ends the load. */
void load_tick(struct ran_cmd *);
void load_end(struct ran_cmd *);
void load_event(struct ran_cmd *, struct ran_phone *, const struct ue_event *);
/* One line of JSON: octets. */
int load_result(const struct ran_cmd *, char *out, uint32_t cap);
