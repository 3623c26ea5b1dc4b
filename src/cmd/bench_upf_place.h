/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_place.h - gnb (n3) --- (n3) upf (n6) --- (n6) data, each in a namespace, with a user plane and one session in the
 * middle; beside it the kernel forwards packets for addresses that are no phone's. */
#pragma once
#include "cmd/cmd.h"
#include "os/user_plane.h"

enum { BENCH_MTU = 1400, BENCH_DL_TEID = 0x4711, BENCH_QFI = 9 };
static const uint8_t bench_phone[4] = {10, 64, 0, 1};
#define BENCH_PLAIN "10.128.0.1" /* of gnb; the others of 10.128.0.0/16 are behind it */
struct bench_links { /* the namespaces, and links between them for programs: whom they send to is known */
    char gnb[32], upf[32], data[32];
    uint8_t gnb_mac[6], n3_mac[6], n6_mac[6], data_mac[6];
};
struct bench_place {
    char gnb[32], upf[32], data[32];
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct config config;
    struct config_n6 n6;
    struct net_addr n3;
    struct user_plane *up; /* NULL: none */
    uint32_t ul_teid;
    bool done; /* a command */
};

int bench_upf_failed(const char *what, const char *why); /* EXIT_FAILED, after it has been said */
struct net_addr bench_addr(const char *text);
/* PREFIX-LETTERgnb and so on; N3 is 192.168.3.1, the gNB .2; N6 192.168.6.1, the host .2. OK or an error. */
int bench_links_make(struct bench_links *, const char *prefix, const char *letter);
/* EXIT_OK, or it has been said why not, as of the others. The caller takes the namespaces away. */
int bench_place_make(struct bench_place *, const char *prefix, const char *letter);
int bench_place_open(struct bench_place *, enum config_data_path);
/* A usual session: a flow with its QFI, its session AMBR, volume counted; or a new rate for it. */
int bench_place_session(struct bench_place *, uint64_t kbit);
void bench_place_shut(struct bench_place *); /* the user plane alone */
void bench_place_close(struct bench_place *);
