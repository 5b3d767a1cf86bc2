/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: tests whether a milter answers on a socket, for `domsec status`.
 */
#ifndef DOMSEC_CLI_PROBE_H
#define DOMSEC_CLI_PROBE_H

#include "base/error.h"

/* Connects to a socket in libmilter's form ("inet:8891@127.0.0.1", "inet6:…", "local:/path", "unix:/path"),
 * negotiates options as an MTA does, and quits. Returns true if domsec-milter answers, with the milter protocol version
 * of the answer, and false if another program does. Waits a few seconds at most. */
bool probe_milter(const char *socket, unsigned *version, struct error *error);

#endif
