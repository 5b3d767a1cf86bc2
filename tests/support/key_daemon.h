/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_daemon: what tests of the daemon and of its key processes share: the processes, a message that needs a private
 * key, and a daemon whose key for signatures is in a token.
 */
#ifndef DOMSEC_TESTS_SUPPORT_KEY_DAEMON_H
#define DOMSEC_TESTS_SUPPORT_KEY_DAEMON_H

#include "support/daemon.h"
#include "support/token.h"

#define PATIENCE 20 /* seconds that a test waits for what must happen */

/* The first child of a process; 0: it has none. */
pid_t child_of(pid_t process);
/* Waits until that process has ended. */
void wait_until_gone(pid_t process);
/* Raises the limit of core files as far as possible, so that a process without them is one that gave them up. */
void allow_core(void);
bool leaves_no_core(pid_t process);
/* The key process of a daemon with one; waits for it, because it comes and goes while the daemon runs. */
pid_t key_process(const struct daemon *daemon);
/* How many descriptors a process has open; 0: the kernel shows those of a process with secrets to root alone. */
unsigned descriptors_of(pid_t process);

/* What became of one message on a connection of its own. */
enum outcome { SIGNED, DEFERRED, OTHER };
#define OUTCOMES (OTHER + 1)
enum outcome send_message(const struct daemon *daemon, const char *from, const char *to, const char *message);
/* MESSAGE of Alice. */
enum outcome send_to(const struct daemon *daemon, const char *to);
/* Sends until a message is not deferred; returns true if that was signed. */
bool signs_again(const struct daemon *daemon);

/* Threads that send one message after the other, and count what becomes of each. */
struct flow {
    const struct daemon *daemon;
    GThread *threads[4];
    gint stop;
    gint counts[OUTCOMES];
};
void flow_begin(struct flow *flow, const struct daemon *daemon);
/* Waits until so many more were signed, or until PATIENCE is over. */
void flow_wait(struct flow *flow, gint more);
/* The counts are final then. */
void flow_end(struct flow *flow);

/* Makes a daemon whose key for signatures is in the token "T" of the home; extra: more lines of configuration. */
void token_daemon_prepare(struct daemon *daemon, const struct token_home *home, const char *extra);
/* The daemon that was made, started; also again after its end. */
void token_daemon_start(struct daemon *daemon);
/* Expects that the PIN is not in the log. */
void token_daemon_stop(struct daemon *daemon);

#endif
