/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane_xdp.h - the XDP data path beside the portable one (os/user_plane.c), which stays its slow
 * path: the program is put on the interfaces of N3 and N6, and the dp's sessions are handed to it.
 * Belongs to whom the dp belongs to. */
#pragma once
#include "os/user_plane.h"

struct fast_path;
struct fast_path_options {
    struct rt *rt;
    const struct config_upf *config;
    struct dp *dp; /* without sessions */
    const struct dp_config *dp_config;
    const char *netns; /* NULL: this one */
};
/* As user_plane_open(); the log says where it runs and how. */
int fast_path_open(struct fast_path **, const struct fast_path_options *, char *why);
void fast_path_close(struct fast_path *); /* before the dp; may be NULL */
/* After each batch; idle: no packet waits in the sockets. */
void fast_path_settle(struct fast_path *, uint64_t now_us, bool idle);
uint64_t fast_path_next_us(const struct fast_path *); /* when to call that at the latest */
void fast_path_counters(const struct fast_path *, uint64_t to[DP_COUNTERS]); /* adds */
/* "xdp on n3 (native), n6 (native); 120 of 130 sessions in the kernel, 5000 packets" */
void fast_path_text(const struct fast_path *, char *out, size_t cap);
