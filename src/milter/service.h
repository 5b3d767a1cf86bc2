/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: the state that all sessions of the daemon share: the gateway in force, the turns for cryptographic work,
 * and the number of messages in progress. Thread-safe.
 */
#ifndef DOMSEC_MILTER_SERVICE_H
#define DOMSEC_MILTER_SERVICE_H

#include "gateway/gateway.h"

#include <stdbool.h>

struct service;

/* Takes a reference of gateway. */
struct service *service_new(struct gateway *gateway);
void service_free(struct service *service);

/* The gateway in force, as a new reference. A message takes one at its first byte and keeps it to its verdict. */
struct gateway *service_gateway(struct service *service);
/* Puts another gateway in force for messages to come. Takes a reference. */
void service_replace(struct service *service, struct gateway *gateway);

/* Takes a turn for cryptographic work; at most crypto_threads of the gateway in force have one. Waits up to
 * timeout_seconds, and returns false if none became free. */
bool service_enter(struct service *service, unsigned timeout_seconds);
/* The same without a time limit. After each period of that many seconds it calls tell(context), so that the caller
 * can notify its MTA. It keeps its place in line. */
void service_enter_telling(struct service *service, unsigned seconds, void (*tell)(void *context), void *context);
void service_leave(struct service *service);

/* Between two turns of one message, while it waits for lookups: pause gives the turn back, resume waits for another one
 * as service_enter_telling() does, and finish ends a pause without another turn. service_drain() waits for paused
 * messages, and they get their turn even then. */
void service_pause(struct service *service);
void service_resume(struct service *service, unsigned seconds, void (*tell)(void *context), void *context);
void service_finish(struct service *service);

/* Count a message in progress. begin returns false after service_drain(): the message continues, but the process
 * does not wait for it, and the caller must not call end. */
bool service_message_begin(struct service *service);
void service_message_end(struct service *service);
/* Waits until no message is in progress, for at most timeout_seconds, and gives no more turns. Returns how many are
 * left. */
unsigned service_drain(struct service *service, unsigned timeout_seconds);

DECLARE_OWNED(service, struct service *, service_free)

#endif
