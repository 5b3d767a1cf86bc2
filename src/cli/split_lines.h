/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split_lines: the lines of Postfix's main.cf and master.cf that bring a split message back to the gateway. `domsec
 * init` prints them and `domsec check --postfix` compares them; packaging/postfix/ has the same as files.
 */
#ifndef DOMSEC_CLI_SPLIT_LINES_H
#define DOMSEC_CLI_SPLIT_LINES_H

#include <stdio.h>

/* An option of a service, which holds there whatever main.cf says. */
struct split_option {
    const char *name;
    const char *value;
    const char *otherwise; /* what happens with another value; NULL: other values may do */
};

/* Each ends with a NULL name. */
extern const struct split_option split_transport[], split_listener[], split_cleanup[];

#define SPLIT_TRANSPORT "domsec-split"
#define SPLIT_CLEANUP "domsec-cleanup"
#define SPLIT_ADDRESS "127.0.0.1:10026"

/* The lines of main.cf, where the gateway is called `milter`, and those of master.cf, each after `indent` blanks. */
void split_print_main(FILE *stream, const char *milter, unsigned indent);
void split_print_master(FILE *stream, unsigned indent);

#endif
