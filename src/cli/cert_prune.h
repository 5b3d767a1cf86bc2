/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_prune: `domsec cert prune`, which cert.c lists among its commands.
 */
#ifndef DOMSEC_CLI_CERT_PRUNE_H
#define DOMSEC_CLI_CERT_PRUNE_H

#include "cli.h"

extern const struct command command_cert_prune;

#endif
