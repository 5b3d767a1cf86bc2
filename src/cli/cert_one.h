/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_one: `domsec cert show`, `export` and `remove`, which cert.c lists among its commands, and the functions that
 * both files use.
 */
#ifndef DOMSEC_CLI_CERT_ONE_H
#define DOMSEC_CLI_CERT_ONE_H

#include "cli.h"

int cert_run_show(const struct command *self, int argc, char **argv);
int cert_run_export(const struct command *self, int argc, char **argv);
int cert_run_remove(const struct command *self, int argc, char **argv);
/* What such a command is called with. */
struct cert_call {
    const char *file, *operand;
    bool as_json, asks_dns;
};
/* Reads -c, --json and --dns where the command's arguments show them, and the one operand that the command takes, an
 * "address" or an "id". Returns what cli_options() returns. */
int cert_parse(const struct command *self, int argc, char **argv, const char *wanted, struct cert_call *call);
/* "AB:cd…" → "abcd…", g_free(); NULL if it is not an id. */
char *cert_normal_id(const char *text);
/* Prints that the daemon reads the store when it reloads. */
void cert_print_reload_hint(void);

#endif
