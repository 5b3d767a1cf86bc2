/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket: the listening socket, as far as libmilter leaves it to us.
 */
#ifndef DOMSEC_MILTER_SOCKET_H
#define DOMSEC_MILTER_SOCKET_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Opens the socket in conf->listen through libmilter. A stale unix socket is removed; one on which a process listens
 * is an error. A unix socket is accessible to its owner and group only, and gets uid and gid ((uid_t)-1: unchanged); in
 * a directory with the setgid bit it keeps the group of that directory. On inet sockets Nagle's algorithm is off, also
 * for accepted connections, because libmilter writes several times at the end of a message, which would cost 40 ms over
 * TCP. Returns the descriptor, or -1 on error. */
int socket_open(const char *listen, uid_t uid, gid_t gid, struct error *error);

/* Accepts no more connections; the kernel refuses new ones. libmilter keeps polling a socket that no client can
 * reach, because stopping libmilter would free sessions that are in use. */
void socket_refuse(int descriptor);

bool socket_is_tcp(const char *listen);

/* Removes a unix socket's file. */
void socket_remove(const char *listen);

#endif
