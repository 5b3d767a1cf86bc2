/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: a configuration file as libconfig's tree, after what libconfig would get wrong without a word was refused.
 * Private to conf/.
 */
#ifndef DOMSEC_CONF_SOURCE_H
#define DOMSEC_CONF_SOURCE_H

#include "option.h"

#include <libconfig.h>

/* config is initialised, and freed by the caller. @include lines are relative to place->folder. False after faults were
 * added. */
bool source_read(const char *file, const struct place *place, config_t *config);

#endif
