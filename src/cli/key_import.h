/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_import: `domsec key import`, which key.c lists among its commands.
 */
#ifndef DOMSEC_CLI_KEY_IMPORT_H
#define DOMSEC_CLI_KEY_IMPORT_H

#include "cli.h"

extern const struct command command_key_import;

#endif
