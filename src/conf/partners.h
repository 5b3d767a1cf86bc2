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

/* --- revocation.c, each after the options of the file were read --- */

void revocation_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);
void revocation_read_partner(struct partner *partner, const struct config_setting_t *root);
/* Gives a partner without that group the global one. After revocation_read(). */
void revocation_settle(const struct conf *conf, struct partner *partner, struct faults *faults);

/* --- split.c --- */

/* What the group `split` and mixed_recipients come to. After the options of the file were read. */
void split_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);
/* Whether mail servers give a listener this name unless the administrator chooses another one. */
bool split_is_usual_name(const char *name);

#endif
