/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_rollover: domsec key rollover.
 */
#ifndef DOMSEC_CLI_KEY_ROLLOVER_H
#define DOMSEC_CLI_KEY_ROLLOVER_H

#include "cli.h"

extern const struct command command_key_rollover;

#endif
