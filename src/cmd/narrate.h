/* SPDX-License-Identifier: Apache-2.0 */
/* narrate.h - the logs of core and RAN as a story for newcomers, and the times that they tell. */
#pragma once
#include "base/hist.h"

enum { NARRATED = 32 };
struct narrator {
    bool detailed;           /* sentences are printed */
    bool told[NARRATED];     /* each once */
    bool gnb_up, first_session, all_sessions; /* all: sessions_wanted of them */
    bool idle, paged;                         /* the core says so of some phone */
    uint32_t sessions_wanted;                 /* 0: not said */
    char functions[128];                      /* of the core, as they started: "AMF, SMF" */
    uint32_t registered, sessions, rejected; /* phones, as the RAN says */
    struct hist *registration, *session;     /* microseconds, as phones see it */
};
bool narrator_open(struct narrator *); /* false: no memory */
void narrator_close(struct narrator *);
void narrate(struct narrator *, bool from_ran, struct str json_line);
/* The value of a key of one of our log lines; false: it has none. Strings without their escapes. */
bool log_value(struct str json_line, const char *key, char *out, uint32_t cap);
