/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_channels: the daemon's ends of the sockets to one key process. Each request takes one of them for itself, so that
 * requests run side by side and none waits behind another that hangs. Thread-safe.
 */
#ifndef DOMSEC_KEYS_KEY_CHANNELS_H
#define DOMSEC_KEYS_KEY_CHANNELS_H

#include "key_protocol.h"

struct key_channels;

#define KEY_CHANNELS_MAX 64

/* Makes count pairs of sockets. Those of the process are put into ends; the caller closes them. NULL: *error is set. */
struct key_channels *key_channels_new(unsigned count, int ends[], struct error *error);
struct key_channels *key_channels_ref(struct key_channels *channels);
void key_channels_unref(struct key_channels *channels);

enum asked {
    ASKED_ANSWERED,
    ASKED_ENDED,  /* the process has ended, maybe because of another request: a new one may answer */
    ASKED_FAILED, /* no answer in time, or one that makes no sense */
};

/* Sends a request, whose id it sets, and reads the reply into octets (KEY_REPLY_MAX), to which *reply points. Without
 * an answer *error says why, and the channels are dead: no further request is sent to that process. */
enum asked key_channels_ask(struct key_channels *channels, struct key_request *request, unsigned char *octets,
                            struct key_reply *reply, struct error *error);
/* The process is not to be asked any more. Also wakes those that wait for a channel. */
void key_channels_bury(struct key_channels *channels);
/* Whether the process has ended, or has not answered in time. */
bool key_channels_are_dead(struct key_channels *channels);
/* Looks whether the process has ended, without asking it. */
void key_channels_check(struct key_channels *channels);

DECLARE_OWNED(key_channels, struct key_channels *, key_channels_unref)

#endif
