/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: what all sessions of the daemon share: the gateway in force, the turns at cryptographic work, and the count
 * of messages in hand. Thread-safe.
 */
#ifndef DOMSEC_MILTER_SERVICE_H
#define DOMSEC_MILTER_SERVICE_H

#include "gateway/gateway.h"

#include <stdbool.h>

struct service;

/* Takes a reference of gateway. */
struct service *service_new(struct gateway *gateway);
void service_free(struct service *service);

/* The gateway in force, with a reference of its own: a message takes one at its first byte and keeps it to its verdict.
 */
struct gateway *service_gateway(struct service *service);
/* Puts another one in force for the messages to come; takes a reference. */
void service_replace(struct service *service, struct gateway *gateway);

/* A turn at cryptographic work; at most crypto_threads of the gateway in force have one. Waits up to timeout_seconds
 * and returns false if none came free. */
bool service_enter(struct service *service, unsigned timeout_seconds);
/* The same without an end: each time that so many seconds are over tell(context) is called, so that the caller can tell
 * its MTA that it lives. It keeps its place in line meanwhile. */
void service_enter_telling(struct service *service, unsigned seconds, void (*tell)(void *context), void *context);
void service_leave(struct service *service);

/* A message in hand. begin returns false once service_drain() has been called: the message goes its way, but nobody
 * waits for it, and the caller does not call end. */
bool service_message_begin(struct service *service);
void service_message_end(struct service *service);
/* Waits until no message is in hand and none at work, at most for timeout_seconds; gives no more turns then. Returns
 * how many are left. */
unsigned service_drain(struct service *service, unsigned timeout_seconds);

DECLARE_OWNED(service, struct service *, service_free)

#endif
