/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_service: key processes of the daemon, started and supervised. Private keys live there, not in the process that
 * parses mail: one process for the files of each configuration in force, one for each token.
 *
 *     service = key_service_start(file, false, tell, &error);           first of all: no thread, no mail, privileges
 * not dropped gateway = gateway_open_with(conf, service, faults);        at each reload
 *
 * A process that ends, or does not answer in time, is started again, and one whose token is away looks for it. Until
 * then what needs its keys waits, and fails as temporary when it has waited too long.
 */
#ifndef DOMSEC_KEYS_KEY_SERVICE_H
#define DOMSEC_KEYS_KEY_SERVICE_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"

#include <stdint.h>

struct key_service;

/* file: the configuration, which a key process reads itself, so that the daemon cannot name it other keys. foreground:
 * the processes keep standard error. tell() is called from any thread, when a process is lost or runs again. NULL:
 * *error is set. */
struct key_service *key_service_start(const char *file, bool foreground,
                                      void (*tell)(enum log_level level, const char *text), struct error *error);
/* Whether the keeper that starts the processes has ended, so that none can be started again. */
bool key_service_is_lost(struct key_service *service);
/* Ends the supervision: nothing is started again. Returns false if it has not ended within that time. */
bool key_service_stop(struct key_service *service, int64_t milliseconds);
/* Called when no key is used any more. The processes end. */
void key_service_free(struct key_service *service);

DECLARE_OWNED(key_service, struct key_service *, key_service_free)

#endif
