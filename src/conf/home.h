/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home: where a key belongs that stands in the wrong file or group. Private to conf/.
 */
#ifndef DOMSEC_CONF_HOME_H
#define DOMSEC_CONF_HOME_H

#include "place.h"

place_home home_of_main;   /* for domsec.conf */
place_home home_of_policy; /* for a policy file */

#endif
