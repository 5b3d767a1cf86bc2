/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: the state that all sessions of the daemon share: the gateway in force, the turns for cryptographic work,
 * and the number of messages in progress. Thread-safe.
 */
#ifndef DOMSEC_MILTER_SERVICE_H
#define DOMSEC_MILTER_SERVICE_H

#include "gateway/gateway.h"

#include <stdbool.h>
#include <stdint.h>

struct service;

/* Takes a reference of gateway. */
struct service *service_new(struct gateway *gateway);
void service_free(struct service *service);

/* The gateway in force, as a new reference. A message takes one at its first byte and keeps it to its verdict. */
struct gateway *service_gateway(struct service *service);
/* Puts another gateway in force for messages to come. Takes a reference. */
void service_replace(struct service *service, struct gateway *gateway);

/* How long to wait for a turn. */
struct waiting {
    unsigned seconds;
    void (*tell)(void *context); /* called after each period of that many seconds, so that the caller can notify its
                                    MTA; the place in line is kept. NULL: after the first one the wait ends in vain */
    void *context;
};

/* Takes a turn for cryptographic work; at most crypto_threads of the gateway in force have one. Turns are shared by
 * clients (fair_client()). Returns false if none became free in time. */
bool service_enter(struct service *service, const char *client, const struct waiting *how);
/* Between two turns of one message, while it waits for lookups or for its end: pause gives the turn back, resume waits
 * for another one, which it gets even if the process is about to end, and finish ends a pause without another turn.
 * used: microseconds of processor time since the turn began or rested. service_drain() waits for paused messages. */
void service_pause(struct service *service, const char *client, uint64_t used);
void service_resume(struct service *service, const char *client, const struct waiting *how);
void service_finish(struct service *service);
/* In the middle of a turn: lets others pass whose clients have used less. */
void service_rest(struct service *service, const char *client, uint64_t used, const struct waiting *how);

/* Count a message in progress. begin returns false after service_drain(): the message continues, but the process
 * does not wait for it, and the caller must not call end. */
bool service_message_begin(struct service *service);
void service_message_end(struct service *service);
/* Waits until no message is in progress, for at most timeout_seconds, and gives no more turns. Returns how many are
 * left. */
unsigned service_drain(struct service *service, unsigned timeout_seconds);

DECLARE_OWNED(service, struct service *, service_free)

#endif
