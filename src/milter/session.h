/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: the callbacks of libmilter. One session is one connection of the MTA; it may bring any number of messages.
 */
#ifndef DOMSEC_MILTER_SESSION_H
#define DOMSEC_MILTER_SESSION_H

#include "service.h"

/* Registers the callbacks under this name with libmilter. tcp: the MTA connects over TCP. service must live as long as
 * libmilter runs. Once a process. */
bool session_register(struct service *service, const char *name, bool tcp, struct error *error);

#endif
