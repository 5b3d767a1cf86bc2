/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_environment: the environment of the modules of tokens.
 */
#ifndef DOMSEC_KEYS_KEY_ENVIRONMENT_H
#define DOMSEC_KEYS_KEY_ENVIRONMENT_H

#include "conf/conf.h"

/* Sets the variables of key_environment in this process. Before any thread starts, and before a module is loaded. */
void key_environment_set(const struct conf *conf);

#endif
