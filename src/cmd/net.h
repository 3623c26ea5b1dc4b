/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - a whole network in namespaces of its own, for `redoubt demo` and `redoubt up`:
 *
 *     redoubt-ran                     redoubt-core                       redoubt-dn
 *     gNB, phones    n2 --- N2 --- n2   AMF, SMF, UPF, ...   n6 --- N6 --- n6   web page, ping
 *                    n3 --- N3 --- n3   lo: N4
 *     redoubt-site2, with net_site2_make(): another radio site, n2 --- N2 --- n2b of the core
 *     redoubt-edge, with options.edge: a UPF before the core's, n4e --- N3, N4, N9 --- n4e of the core, n6 --- n6e of the data network
 *     redoubt-phone1, redoubt-phone2, ...: each with its phone's interface alone
 *
 * One such network at a time on a machine; what one that was killed left behind is taken away first. */
#pragma once
#include "cmd/child.h"
#include "cmd/cmd.h"
#include "cmd/sweeper.h"

#define NET_PREFIX "redoubt-"
#define NET_CORE   NET_PREFIX "core"
#define NET_RAN    NET_PREFIX "ran"
#define NET_DN     NET_PREFIX "dn"
#define NET_EDGE   NET_PREFIX "edge"
#define NET_SITE2  NET_PREFIX "site2"
#define NET_SITE3  NET_PREFIX "site3"
#define NET_PHONE  NET_PREFIX "phone%u"
#define NET_DIR    "/run/redoubt-net"
#define NET_SERVER4 "10.99.0.1"
#define NET_WIRE4   "192.168.77.%u" /* /24 */
#define NET_SERVER_EDGE "10.70.0.1" /* of what is beside the UPF at the edge */
#define NET_SERVER6 "fd00:99::1"
enum { NET_PHONES_MAX = 200, NET_UES_MAX = 100000, NET_WORDS = 160 };

struct net_options {
    uint32_t phones; /* with a namespace and an interface of their own: the first of the subscribers */
    uint32_t ues;    /* subscribers, these included */
    bool null_ciphering, debug;
    bool edge;     /* sessions have an uplink classifier in a process of its own, for 10.70.0.0/16 */
    bool ethernet; /* phones have Ethernet sessions, and are a 5G LAN; each has NET_WIRE4 with its number, and no data network */
    const char *capture; /* file; NULL: none */
    const char *logs;    /* folder for the logs of core and RAN; NULL: none */
    const char *regime, *inventory; /* policy that is enforced, as trust.policies names it, and the inventory as JSON; NULL: off */
    const struct cmd_config_options *config; /* of the core, beside what the network needs; NULL: none */
};
/* A line of the core's or the RAN's log, as JSON. */
enum net_source { NET_FROM_CORE, NET_FROM_RAN };
struct net {
    const struct net_options *options;
    void (*line)(void *ctx, enum net_source, struct str line);
    void *ctx;
    int lock; /* of NET_DIR; -1: not ours */
    struct sweeper sweeper; /* after net_rest(): does what we may not any more */
    struct child core, ran, dn;
    struct capture *capture;
    uint64_t captured, capture_lost; /* packets, known after net_capture_end() */
    int log_fd[2];
    struct child edge;
    bool core_ready, ran_ready, dn_ready, edge_ready;
    bool ended;       /* one of them before its time, or a signal */
    bool interrupted; /* by SIGINT, SIGTERM or SIGHUP, which net_open() blocks and net_wait() takes */
    char why[512];                               /* what went wrong, for people */
    char hn_public[80];                          /* home network public key, hex */
    char tail[2][512], tail_edge[512];           /* last line that was no log line, of core and RAN */
};
/* 0, or EXIT_FAILED with n->why. After a failure net_down() is called all the same. */
int net_open(struct net *, const struct net_options *, void (*line)(void *ctx, enum net_source, struct str), void *ctx);
int net_core_start(struct net *);
int net_core_quiet(struct net *);
/* SIGKILL, and the same core again on what is in the store. */
void net_core_kill(struct net *);
int net_core_again(struct net *);
/* A gNB and phones, which register at once or when told. */
int net_ran_start(struct net *, bool register_all);
/* A load of `redoubt ran` beside it, with these words; its phones stay until the child is ended. Its result is the one
 * line that it writes. */
int net_load_start(struct net *, struct child *, const char *const *more);
/* A place for a second and a third gNB, which reach the AMF from addresses of their own. */
#define NET_SITE1_ADDRESS "10.99.2.2"
#define NET_SITE2_ADDRESS "10.99.4.2"
#define NET_SITE3_ADDRESS "10.99.5.2"
int net_site_make(struct net *, uint32_t site); /* 2 or 3 */
/* A command of ours, to its end: its exit status, or an error. */
int net_command(const char *const *words, void (*line)(void *ctx, struct str), void *ctx);
/* A line for the RAN's control socket: "register 2". */
int net_ran_tell(struct net *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The IPv4 address of a phone's session, as the RAN has it. */
int net_phone_address(struct net *, uint32_t phone, struct net_addr *);
/* Reads logs until *done, n->ended, or the time is up; true when *done. timeout_ms UINT32_MAX: no limit. */
bool net_wait(struct net *, const bool *done, uint32_t timeout_ms);
/* From here on the process only reads what they say, waits, and takes all down: it gives its rights away. 0, or EXIT_FAILED with
 * n->why. */
int net_rest(struct net *);
void net_capture_end(struct net *); /* also part of net_down() */
/* False: core or RAN did not end well, said in n->why. Safe after a failed net_open(), and twice. */
bool net_down(struct net *);
/* Namespaces that are left of a network that was killed; the count, or an error. */
int net_clean(void);
/* Whether a network of ours is up: the process that holds it, 0: none. */
pid_t net_owner(void);
