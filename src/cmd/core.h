/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - a running core: what `redoubt run` puts together and `redoubt status` looks at. */
#pragma once
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/hn_key.h"
#include "cmd/keeper.h"
#include "cmd/key_process.h"
#include "cmd/store_group.h"
#include "os/control.h"
#include "os/env.h"
#include "os/loop.h"
#include "os/sandbox.h"
#include "rt/meter.h"
#include "rt/metrics.h"
#include "rt/nf.h"
#include "trust/guard.h"

struct core_config { /* each that was in force: what runs may still point into it */
    struct core_config *before;
    struct cmd_config *loaded;
};
struct core_evidence;
struct core_ipsec;
struct core {
    const struct cmd_config_options *options;
    struct core_config *config; /* in force */
    uint64_t started_us, started_unix_us;
    uint32_t start_ms;
    bool debug;
    int log_fd, statm_fd;
    struct keeper keeper;
    struct key_process *keys; /* NULL: they are here */
    bool failed; /* it ends for that */
    struct sandbox sandbox;
    bool sandboxed, memory_locked;
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct log log;
    struct store *store;
    struct store_group group;
    struct control *control;
    struct metrics_http *http;
    struct user_plane *user_plane;
    struct guard *guard;
    struct meter trust_meter;
    struct core_evidence *evidence; /* NULL: none is kept */
    struct core_ipsec *ipsec;       /* NULL: strongSwan is not asked */
    struct timer second;
    uint8_t hn_keys[HN_KEYS_MAX][32]; /* read from files */
};
static inline const struct config *config_of(const struct core *c) { return &c->config->loaded->config; }
/* What the control socket answers: status [NF] [--json], metrics, trace, reload, stop. Shape of control_fn. */
int core_answer(void *core, struct str line, char *out, uint32_t cap);
/* For GET /metrics. */
int core_metrics(void *core, struct str path, char *out, uint32_t cap);
void core_reload(struct core *);

/* ---- trust_core.c ---- */
/* The trust function with the policies of the configuration, unless trust.mode is off. EXIT_OK, or what has been said. */
int core_trust_start(struct core *);
/* trust policy preview | apply */
int core_trust_answer(struct core *, struct str line, char *out, uint32_t cap);

/* ---- core_evidence.c ---- */
/* The evidence log that the configuration names; before the functions that write to it. EXIT_OK, or what has been said. */
int core_evidence_start(struct core *);
uint64_t core_evidence_cpu_us(const struct core *); /* of the thread that writes it, so far */
void core_evidence_second(struct core *); /* each second: tells what the writing thread cannot */
void core_evidence_stop(struct core *);   /* after those functions; signs a last time */

/* ---- core_ipsec.c ---- */
/* Asks strongSwan, where the configuration says so; before the trust function. EXIT_OK, or what has been said. */
int core_ipsec_start(struct core *);
void core_ipsec_stop(struct core *); /* after it */
