/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_list: `domsec key list`, which key.c lists among its commands.
 */
#ifndef DOMSEC_CLI_KEY_LIST_H
#define DOMSEC_CLI_KEY_LIST_H

#include "cli.h"

extern const struct command command_key_list;

#endif
