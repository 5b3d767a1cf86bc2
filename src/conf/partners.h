/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partners: the policy directory as a sorted list of partners. Private to conf/.
 */
#ifndef DOMSEC_CONF_PARTNERS_H
#define DOMSEC_CONF_PARTNERS_H

#include "option.h"

/* Reads every policy file of conf->policy_dir (NULL: there is none) into conf->partners, with the default last.
 * place is that of the key policy_dir; its folder is that of domsec.conf. */
void partners_load(struct conf *conf, const struct place *place);
void partners_free(struct conf *conf);

#endif
