/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair: who of those that wait for a turn is next. Clients share the turns by what they use, not by how many messages
 * or connections they have: one whose messages cost much waits behind those whose messages cost little. Not
 * thread-safe: service.c has the lock.
 */
#ifndef DOMSEC_MILTER_FAIR_H
#define DOMSEC_MILTER_FAIR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct fair;

/* A thread that waits for a turn; it lives on its stack. */
struct waiter {
    GCond woken;
    const char *client; /* lent */
    bool resuming;      /* it has had a turn for the same message: before others of its client, and also at the end */
    uint64_t number;    /* private: its place in the order of arrival */
};

struct fair *fair_new(void);
void fair_free(struct fair *fair);

/* Puts it in line, and takes it out. */
void fair_wait(struct fair *fair, struct waiter *waiter);
void fair_wait_no_more(struct fair *fair, struct waiter *waiter);
/* Returns the waiter whose client has used least, the first of equals, or NULL if no one waits. resuming: only of those
 * that resume. */
struct waiter *fair_next(const struct fair *fair, bool resuming);

/* A client has a turn from begin to end; in between and at the end it is charged for what it has used, in
 * microseconds. */
void fair_begin(struct fair *fair, const char *client);
void fair_charge(struct fair *fair, const char *client, uint64_t used);
void fair_end(struct fair *fair, const char *client);
/* True if the one who is next has used less than this client, which has a turn. */
bool fair_is_due(const struct fair *fair, const char *client);

/* The client that an SMTP client's address stands for; NULL: it is not known. IPv6: the network of 64 bits, of which
 * one client has all addresses. g_free(). */
char *fair_client(const char *address);

#endif
