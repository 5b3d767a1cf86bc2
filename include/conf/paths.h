/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths: every file and directory that a configuration reads, for a backup.
 */
#ifndef DOMSEC_CONF_PATHS_H
#define DOMSEC_CONF_PATHS_H

#include "conf/conf.h"

/* Calls seen() with each absolute path: the files that the configuration consists of, and those that its keys name to
 * be read, keys and passphrases among them. One may come more than once. Left out are the store, and what the daemon
 * writes. */
void conf_each_path(const struct conf *conf, void (*seen)(void *context, const char *path), void *context);

#endif
