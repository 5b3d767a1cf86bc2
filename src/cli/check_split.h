/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_split: whether Postfix brings a message that has to be split back to the gateway, once for each recipient.
 */
#ifndef DOMSEC_CLI_CHECK_SPLIT_H
#define DOMSEC_CLI_CHECK_SPLIT_H

#include "conf/conf.h"
#include "postfix.h"

/* Adds what is wrong, or may be. Nothing if the configuration does not split. */
void check_split(const struct conf *conf, const struct postfix *postfix, struct faults *faults);
/* Adds a warning for aliases behind the gateway that lead to a domain that a rule protects. */
void check_aliases(const struct conf *conf, const struct postfix *postfix, struct faults *faults);

#endif
