/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf.h - redoubt bench upf. */
#pragma once
#include "cmd/cmd.h"

/* Prints the figures; duration_ms of each flood. part: "xdp", "latency", "restart", "tcp" or "n4", NULL: all. The exit status. */
int bench_upf(bool json, uint32_t duration_ms, const char *part);
