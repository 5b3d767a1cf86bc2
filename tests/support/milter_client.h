/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_client: the MTA's side of the milter protocol, version 6, for tests and the load generator. One client is one
 * connection; blocking; not thread-safe, but any number of clients may run side by side. Sends like Postfix: commands
 * that need no answer are gathered and leave with the next command that needs one.
 */
#ifndef DOMSEC_TESTS_SUPPORT_MILTER_CLIENT_H
#define DOMSEC_TESTS_SUPPORT_MILTER_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <libmilter/mfdef.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* What an MTA of today offers. SMFIF_ constants are in mfapi.h with the functions, so they stand here as numbers. */
#define MC_ADDHDRS 0x01u
#define MC_CHGBODY 0x02u
#define MC_CHGHDRS 0x10u
#define MC_QUARANTINE 0x20u
#define MC_SETSYMLIST 0x100u
#define MC_ALL_ACTIONS 0x1ffu
#define MC_ALL_STEPS 0x1fffffu

struct mc {
    int fd;
    uint32_t offered_actions, offered_steps;
    uint32_t version, actions, steps; /* as agreed */
    GString *symbols[7];              /* macros asked for, by stage; NULL: none */
    GByteArray *out;
};

enum mc_edit_kind { MC_INSERT = 'i', MC_ADD = 'h', MC_CHANGE = 'm' };

struct mc_edit {
    char kind;
    unsigned index;
    char *name, *value; /* MC_CHANGE with an empty value deletes */
};

/* All that comes back for one message. */
struct mc_outcome {
    char disposition; /* 'a' or 'c' accept, 'y' reply, 'r', 't', 'd'; 0: connection lost */
    char *reply;      /* with 'y' */
    GArray *edits;    /* struct mc_edit */
    GByteArray *body; /* NULL: untouched */
    unsigned chunks;  /* of the new body */
    size_t largest_chunk;
    char *quarantine;
    bool disordered; /* a header edit after a body edit, or body edits not in one run */
    unsigned progress;
};

void mc_outcome_clear(struct mc_outcome *outcome);
bool mc_accepted(const struct mc_outcome *outcome);

/* The first edit of a field, or NULL. */
const struct mc_edit *mc_find_edit(const struct mc_outcome *outcome, const char *name);

/* Connects to an address as in the configuration: "inet:port@host", "local:/path". mc_close() also when it fails. */
bool mc_open(struct mc *client, const char *address);

/* Closes the connection without SMFIC_QUIT. */
void mc_close(struct mc *client);

/* Later reads fail after this time. */
void mc_timeout(struct mc *client, unsigned seconds);

/*
 * The commands. Each waits for its answer if the milter did not agree to give none. They return false if the connection
 * was lost or the answer was not "continue".
 */

/* Version 6 with all actions and steps, or what the test offers. */
bool mc_negotiate(struct mc *client);
bool mc_negotiate_as(struct mc *client, uint32_t version, uint32_t actions, uint32_t steps);

/* Macros of a command: pairs of name and value, then NULL. */
bool mc_macros(struct mc *client, char command, ...) __attribute__((sentinel));

/* address NULL: unknown. */
bool mc_connect(struct mc *client, const char *host, const char *address);
bool mc_helo(struct mc *client, const char *name);

/* The address, then parameters, then NULL. */
bool mc_mail(struct mc *client, const char *address, ...) __attribute__((sentinel));
bool mc_rcpt(struct mc *client, const char *address);
bool mc_data(struct mc *client);

/* value is everything after the colon; its leading white space is left out if the milter did not ask for it. */
bool mc_header(struct mc *client, const char *name, const char *value);
bool mc_eoh(struct mc *client);
bool mc_body(struct mc *client, const void *data, size_t length, size_t chunk);

/* Header and body of a whole message (LF or CRLF lines); chunk 0: 65535. */
bool mc_message(struct mc *client, const char *message, size_t length, size_t chunk);

/* Ends the message and reads everything that comes back. Returns false if the connection was lost. mc_outcome_clear()
 * in any case. */
bool mc_end(struct mc *client, struct mc_outcome *outcome);

bool mc_abort(struct mc *client);

/* Says goodbye and closes the connection. */
bool mc_quit(struct mc *client);

/* --- below the commands --- */

/* Queues one packet; large ones are sent at once. */
bool mc_send(struct mc *client, char command, const void *data, size_t length);
bool mc_flush(struct mc *client);

#endif
