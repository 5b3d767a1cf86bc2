/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_list: `domsec cert list`, which cert.c lists among its commands.
 */
#ifndef DOMSEC_CLI_CERT_LIST_H
#define DOMSEC_CLI_CERT_LIST_H

#include "cli.h"

extern const struct command command_cert_list;

#endif
