/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directories: the list `ldap`. Private to conf/.
 */
#ifndef DOMSEC_CONF_DIRECTORIES_H
#define DOMSEC_CONF_DIRECTORIES_H

#include "option.h"

/* After the options of the file were read. */
void directories_read(struct conf *conf, const struct config_setting_t *root, const struct place *place);
void directories_free(struct conf *conf);

#endif
