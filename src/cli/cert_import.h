/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_import: `domsec cert import`, which cert.c lists among its commands.
 */
#ifndef DOMSEC_CLI_CERT_IMPORT_H
#define DOMSEC_CLI_CERT_IMPORT_H

#include "cli.h"

extern const struct command command_cert_import;

#endif
