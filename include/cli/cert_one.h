/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_one: `domsec cert show`, `export` and `remove`; cert.c lists them among its commands.
 */
#ifndef DOMSEC_CLI_CERT_ONE_H
#define DOMSEC_CLI_CERT_ONE_H

#include "cli/cli.h"

int cert_run_show(const struct command *self, int argc, char **argv);
int cert_run_export(const struct command *self, int argc, char **argv);
int cert_run_remove(const struct command *self, int argc, char **argv);
/* Says that the daemon reads the store when it reloads. */
void cert_print_reload_hint(void);

#endif
