/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_postfix: is Postfix wired as this configuration needs?
 */
#ifndef DOMSEC_CLI_CHECK_POSTFIX_H
#define DOMSEC_CLI_CHECK_POSTFIX_H

#include "conf/conf.h"

/* Asks postconf(1) about the Postfix with its configuration in folder, NULL: the system's. */
void check_postfix(const struct conf *conf, const char *folder, struct faults *faults);

#endif
