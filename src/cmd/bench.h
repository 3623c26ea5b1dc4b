/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the benchmarks of a core have in common: a network of its own in namespaces, loads of redoubt ran on
 * it, and what the core's process takes, seen from outside. */
#pragma once
#include "cmd/net.h"

#define BENCH_FIRST_IMSI 1010000000001ull /* 001-01, as the network of net.h has its subscribers */
#define BENCH_LOAD_SOCKET NET_DIR "/load.sock"
struct bench_sample { /* of the core process */
    double cpu_us, crypto_us, sctp_us, trust_us, rss_mb, private_octets;
    double peak_mb; /* resident, the most since bench_peak_begin() */
};
struct bench_times { /* us; negative: nothing of it was done */
    double n, p50, p99, max;
};
struct bench_result { /* of a load; a number that is not there is negative */
    double phones, registered, sessions, done, failed, seconds, rate, kept_back;
    struct bench_times registration, core, session, service, ping;
    double attach_max_us, put_off;
    double last_wave_seconds;
};
struct bench_core {
    struct net net;
    struct net_options options;
    struct cmd_config_options config;
    struct child load;
    char line[CHILD_LINE]; /* the load's latest result */
    double start_ms;       /* as the core says it */
    bool json;
};
struct bench_row { /* of a report */
    const char *key, *text;
    double value;
    int digits;
};

int bench_failed(const char *format, ...) __attribute__((format(printf, 1, 2))); /* EXIT_FAILED, after it has been said */
void bench_say(const struct bench_core *, const char *text); /* to people: on standard error with --json */
/* A network with so many subscribers and its core; the log at the rates that a user has. Of the options the regime and its
 * inventory may have been set. */
int bench_open(struct bench_core *, uint32_t subscribers);
int bench_sample(const struct bench_core *, struct bench_sample *);
void bench_peak_begin(const struct bench_core *);
/* redoubt ran load with these words, NULL ends; its phones stay until bench_load_stop(). */
int bench_load(struct bench_core *, const char *const *words, uint32_t timeout_s, struct bench_result *);
/* More of it with the same phones: "idle 500". */
int bench_load_more(struct bench_core *, const char *waves, uint32_t timeout_s, struct bench_result *);
/* Until all gNBs of the load are in service. */
int bench_load_await_gnbs(struct bench_core *, uint32_t timeout_s);
void bench_load_stop(struct bench_core *);
void bench_close(struct bench_core *);
void bench_report(const struct bench_core *, const struct bench_row *, uint32_t n);

int bench_storm(struct bench_core *, uint32_t phones, uint32_t seconds); /* bench_storm.c */
int bench_sim(bool json); /* bench_sim.c */
struct bench_trust_options {
    bool json, attacks_only;
    uint32_t first_seed, attack_seeds, quiet_seeds;
};
int bench_trust(const struct bench_trust_options *); /* what-if, evidence, decisions, CPU, attacks: bench_trust.c */
int bench_trust_cpu(double *pct);                    /* bench_trust_cpu.c */
struct policy;
/* Takes the policy. false: the decisions were not those that it asks for. */
bool bench_decisions(struct policy *, double *decision_us);
