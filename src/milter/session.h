/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: the callbacks of libmilter. A session is one connection of the MTA, with any number of messages.
 */
#ifndef DOMSEC_MILTER_SESSION_H
#define DOMSEC_MILTER_SESSION_H

#include "service.h"

/* Registers the callbacks with libmilter under this name. tcp: the MTA connects over TCP. service must live as long
 * as libmilter runs. Call it once in a process. */
bool session_register(struct service *service, const char *name, bool tcp, struct error *error);

#endif
