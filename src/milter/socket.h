/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket: the listening socket, as far as libmilter leaves it to its user.
 */
#ifndef DOMSEC_MILTER_SOCKET_H
#define DOMSEC_MILTER_SOCKET_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Opens the socket that conf->listen names through libmilter. A stale unix socket is removed, one that answers is an
 * error. A unix socket is made open to its owner and group only, and given to uid and gid ((uid_t)-1: left as it is).
 * On inet sockets Nagle's algorithm is turned off, also for the connections accepted: libmilter writes several times at
 * the end of a message, and that costs 40 ms over TCP otherwise. Returns the descriptor, -1 on error. */
int socket_open(const char *listen, uid_t uid, gid_t gid, struct error *error);

/* No more connections: those that come are refused by the kernel. libmilter keeps polling a socket that nobody can
 * reach, because told to stop it would free the sessions that are at work. */
void socket_refuse(int descriptor);

bool socket_is_tcp(const char *listen);

/* Removes a unix socket's file. */
void socket_remove(const char *listen);

#endif
