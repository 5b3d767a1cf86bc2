/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_links: opens links to the processes of a key_service.
 */
#ifndef DOMSEC_KEYS_KEY_LINKS_H
#define DOMSEC_KEYS_KEY_LINKS_H

#include "key_link.h"
#include "keys/key_service.h"

/* A link to a process for that kind of place. place NULL: a process of its own; else links to the same place share one.
 * milliseconds: for each request. A process that could not be started, and a place that is away, is tried again. */
struct key_link *key_service_link(struct key_service *service, const char *scheme, const char *place,
                                  gint64 milliseconds);

#endif
