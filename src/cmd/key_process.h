/* SPDX-License-Identifier: Apache-2.0 */
/* key_process.h - a child of `redoubt run` that alone reads the keys of subscribers and of the home network
 * (udm.keys: separate). It takes requests of crypto/key_box.h by a socket pair, has no files and no network, and cannot be
 * looked into by the core. docs/decisions/0010 */
#pragma once
#include "os/loop.h"
#include "rt/config.h"
#include "rt/rt.h"
#include <sys/types.h>

enum { KEY_PROCESS_WHY = 320 };
struct key_process;
/* Forks it and waits until it is ready: it makes the seal key, seals what lies open in the store, reads the home network keys
 * and enters its sandbox. Before the store is opened here. ERR_CONFIG and others, with why. */
int key_process_start(struct key_process **, const struct config *, char why[KEY_PROCESS_WHY]);
/* rt->keys is it from now on. lost() is called once, when it is gone: what waits has been answered with ERR_IO. */
int key_process_attach(struct key_process *, struct rt *, struct loop *, void (*lost)(void *ctx), void *ctx);
pid_t key_process_pid(const struct key_process *);
bool key_process_locked(const struct key_process *); /* its memory cannot go to swap */
void key_process_end(struct key_process *); /* NULL is fine */
