/* SPDX-License-Identifier: Apache-2.0 */
/* xdp_pin.h - what of the XDP data path outlives its process, by names in a folder of a bpffs (os/xdp.h): maps,
 * configuration, and a link for each interface. Private to os/xdp.c. */
#pragma once
#include "os/xdp.h"
#include <bpf/libbpf.h>

enum { PIN_PATH = 192 };
/* Makes it if need be. ERR_DENIED: not this user's alone, or no bpffs; ERR_IO. */
int pin_folder(const char *pin);
bool pin_link(char path[PIN_PATH], const char *pin, uint32_t ifindex); /* false: too long */
/* Whether all maps of an earlier process with this configuration are there, in the shape of the object's, which has
 * them then; else it is as before. */
bool pin_take_over(struct bpf_object *, const char *pin, const struct xdp_config *);
int pin_all(struct bpf_object *, const char *pin); /* after load */
void pin_clear(const char *pin);                   /* the folder stays */
void pin_links_keep(const char *pin, bool (*wanted)(void *ctx, uint32_t ifindex), void *ctx);
