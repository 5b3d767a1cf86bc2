/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_keeper: a small process between the daemon and the key processes. It is forked before the daemon reads mail,
 * starts a thread or drops privileges, and does nothing but start and end key processes. So they inherit nothing of
 * the daemon, and can be started again at any time.
 */
#ifndef DOMSEC_KEYS_KEY_KEEPER_H
#define DOMSEC_KEYS_KEY_KEEPER_H

#include "base/error.h"

#include <sys/types.h>

struct key_keeper;

/* What a new key process does with its channels; it ends when this returns. */
typedef void key_keeper_body(const void *context, const char *order, const int channels[], unsigned count);

/* Must be called before any thread starts. context is as it was then. foreground: standard error stays open. NULL:
 * *error is set. */
struct key_keeper *key_keeper_start(key_keeper_body *body, const void *context, bool foreground, struct error *error);
/* The keeper ends when this, or the process itself, does; the key processes when their channels are closed. */
void key_keeper_free(struct key_keeper *keeper);

/* Starts a process with that order and these channels, which stay open here. Thread-safe, as is all that follows. -1:
 * *error is set. */
pid_t key_keeper_fork(struct key_keeper *keeper, const char *order, const int channels[], unsigned count,
                      struct error *error);
/* Whether the keeper itself has ended: no process can be started any more. */
bool key_keeper_is_lost(struct key_keeper *keeper);
/* Ends a process, if it still runs. */
void key_keeper_kill(struct key_keeper *keeper, pid_t process);

#endif
