/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: does a milter answer on a socket? For `domsec status`.
 */
#ifndef DOMSEC_CLI_PROBE_H
#define DOMSEC_CLI_PROBE_H

#include "base/error.h"

/* Connects to a socket in libmilter's words ("inet:8891@127.0.0.1", "inet6:…", "local:/path", "unix:/path"), negotiates
 * options as an MTA does, and says goodbye. True with the milter protocol version of the answer; waits a few seconds at
 * most. */
bool probe_milter(const char *socket, unsigned *version, struct error *error);

#endif
