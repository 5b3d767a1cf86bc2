/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash: remembers which messages crashed the daemon, over its restarts, so that the same message does not crash it
 * again and again.
 *
 *     crash_open(folder, &error);                       once, before any thread starts
 *     if (crash_enter(trail, PIECE_FIELD, name, value)) each time before a thread works on a piece of a message
 *         …
 *     crash_leave();
 */
#ifndef DOMSEC_MILTER_CRASH_H
#define DOMSEC_MILTER_CRASH_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdint.h>

/* After so many crashes by the same content it is not worked on any more. */
#define CRASH_LIMIT 2

/* Reads what earlier runs have recorded in this folder, prepares the file for this one, and installs the handlers of
 * the signals that a crash raises. Call it as the user that the daemon runs as. Until it has succeeded, nothing is
 * recorded, and crash_enter() always returns true. */
bool crash_open(const char *folder, struct error *error);

enum crash_piece {
    PIECE_SENDER,
    PIECE_RECIPIENT,
    PIECE_FIELD,
    PIECE_END_OF_HEADER,
    PIECE_BODY,
    PIECE_END, /* the complete message */
};

/* What has been seen of one message so far. One for each connection; not thread-safe. */
struct crash_trail;
struct crash_trail *crash_trail_new(void);
void crash_trail_free(struct crash_trail *trail);
/* Begins another message. */
void crash_trail_reset(struct crash_trail *trail);

/* Says that this thread works on that piece from now on, until crash_leave(). name: of a field, else NULL. Returns
 * false if the message has crashed the daemon CRASH_LIMIT times at this piece. */
bool crash_enter(struct crash_trail *trail, enum crash_piece piece, const char *name, struct slice data);
void crash_leave(void);

#endif
