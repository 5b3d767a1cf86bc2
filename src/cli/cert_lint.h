/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_lint: `domsec cert lint`, which cert.c lists among its commands.
 */
#ifndef DOMSEC_CLI_CERT_LINT_H
#define DOMSEC_CLI_CERT_LINT_H

#include "cli.h"

extern const struct command command_cert_lint;

#endif
