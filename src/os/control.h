/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - how a person asks a running process: a local socket with one line for a question and
 * a text for the answer; and metrics over HTTP. */
#pragma once
#include "os/loop.h"
#include "base/addr.h"

enum { CONTROL_LINE = 4096, CONTROL_ANSWER = 1 << 20, CONTROL_CLIENTS = 16 };
struct control;
/* Writes the answer to `line` (no newline) into out[cap]: its length or a negative error, whose
 * text is sent. */
typedef int control_fn(void *ctx, struct str line, char *out, uint32_t cap);
/* The socket has mode 0600; a stale one is replaced, a live one is ERR_EXISTS. */
int control_open(struct control **, struct loop *, const char *path, control_fn *, void *ctx);
void control_free(struct control *); /* removes the socket */
/* The client's side; blocking. The answer's length in out (NUL-terminated, cut at cap), or an
 * error: ERR_NOTFOUND: nobody listens; ERR_TIMEOUT. What the other side refused is an answer that
 * starts with "error: ". */
int control_ask(const char *path, const char *line, char *out, uint32_t cap, uint32_t timeout_ms);

/* GET /metrics. fn as above, with the path as line; other paths are 404 by a negative answer. */
struct metrics_http;
int metrics_http_open(struct metrics_http **, struct loop *, const struct net_addr *local,
                      control_fn *, void *ctx);
int metrics_http_port(const struct metrics_http *);
void metrics_http_free(struct metrics_http *);
