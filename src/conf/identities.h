/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identities: our identities, and which logins may sign in the name of which of them. Private to conf/.
 */
#ifndef DOMSEC_CONF_IDENTITIES_H
#define DOMSEC_CONF_IDENTITIES_H

#include "option.h"

/* Reads `identities` and `identity_logins`. After the options of the file were read. */
void identities_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);
void identities_free(struct conf *conf);

#endif
