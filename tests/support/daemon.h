/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: starts the real domsec-milter on a folder of its own and ends it again. A failure of the harness
 * aborts the test.
 *
 *     struct daemon daemon;
 *     daemon_start(&daemon, true, "crypto_threads = 1;");
 *     …
 *     daemon_stop(&daemon);
 */
#ifndef DOMSEC_TESTS_SUPPORT_DAEMON_H
#define DOMSEC_TESTS_SUPPORT_DAEMON_H

#include "support/milter_client.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>

struct daemon {
    char *folder;  /* holds the log, and acme/ with the configuration */
    char *conf;    /* path of domsec.conf */
    char *log;     /* path of what the daemon writes to both outputs */
    char *address; /* where it listens, as in the configuration */
    pid_t pid;     /* 0: it has ended */
};

/* A TCP port of 127.0.0.1 that was free a moment ago. */
unsigned daemon_free_port(void);

#define POLICY_SIGN                                                                                                    \
    "domain = \"partner.test\"; outbound = { protect = \"sign\"; };\ninbound = { require = \"none\"; };\n"             \
    "null_signature = false;\n"

/* A new folder with acme/ in it, made by `domsec init`, and POLICY_SIGN for partner.test. extra: more lines of
 * configuration. folder_remove(). */
char *daemon_folder(const char *listen, const char *extra);

/* Starts the program in the foreground, its outputs appended to log. It ends with the test's process. */
pid_t daemon_spawn(const char *conf, const char *log);

/* Returns true once it accepts connections, false if it ended before or did not within 20 seconds. */
bool daemon_wait_listening(const struct daemon *daemon);

/* What was logged so far; g_free(). */
char *daemon_log(const struct daemon *daemon);

/* A new daemon on a UNIX socket, or on a free TCP port; extra: more lines of configuration. Ends with daemon_stop(). */
void daemon_start(struct daemon *daemon, bool unix_socket, const char *extra);

/* Waits for its end; returns the exit status, 128 + signal, or -1 if it had to be killed after 30 seconds. */
int daemon_wait(struct daemon *daemon);

/* Removes its files, after its end. */
void daemon_free(struct daemon *daemon);

/* Sends SIGTERM, then expects exit status 0, no report of a sanitizer in the log, and that the daemon and its key
 * processes made no system call that their sandbox refused. Includes daemon_free(). */
void daemon_stop(struct daemon *daemon);

/* Waits until the log holds the text this many times; returns false after 15 seconds. */
bool daemon_wait_log(const struct daemon *daemon, const char *text, unsigned times);

/* Opens a connection as a trusted client, past HELO. mc_close() in any case. */
bool daemon_client(struct mc *client, const struct daemon *daemon);

#define MESSAGE                                                                                                        \
    "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: =?utf-8?q?fold=C3=A9d?=\r\n over two lines\r\n" \
    "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@acme.test>\r\nMIME-Version: 1.0\r\n"                      \
    "Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob.\r\nA second line.\r\n"

/* One whole transaction on such a connection: sender, one recipient, message in chunks (0: 65535), end. Returns false
 * if the connection was lost. mc_outcome_clear() in any case. */
bool daemon_exchange(struct mc *client, const char *from, const char *to, const char *message, size_t length,
                     size_t chunk, struct mc_outcome *outcome);

#define ALICE "<alice@acme.test>"
#define BOB "<bob@partner.test>"
#define CAROL "<carol@other.test>"

#endif
