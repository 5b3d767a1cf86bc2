/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file: a configuration file as libconfig's tree, without what libconfig would silently misread. Private to
 * conf/.
 */
#ifndef DOMSEC_CONF_CONFIG_FILE_H
#define DOMSEC_CONF_CONFIG_FILE_H

#include "option.h"

#include <libconfig.h>

/* The caller initialises and frees config. @include lines are relative to place->folder. Returns false after it has
 * added faults. */
bool config_file_read(const char *file, const struct place *place, config_t *config);

#endif
