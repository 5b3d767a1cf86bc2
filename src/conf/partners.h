/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: the policy folder as a sorted list of rules. Private to conf/.
 */
#ifndef DOMSEC_CONF_PARTNERS_H
#define DOMSEC_CONF_PARTNERS_H

#include "option.h"

/* Reads every policy file of conf->policy_dir (NULL: there is none) into conf->partners, the default rule last. place
 * is that of the key policy_dir; the folder in it is that of domsec.conf. */
void partners_load(struct conf *conf, const struct place *place);
void partners_free(struct conf *conf);

#endif
