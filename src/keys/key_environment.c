/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_environment.h"

#include <string.h>

void key_environment_set(const struct conf *conf)
{
    for (char **variable = conf->key_environment; variable != NULL && *variable != NULL; variable++) {
        const char *equals = strchr(*variable, '=');
        g_autofree char *name = g_strndup(*variable, (gsize)(equals - *variable));
        g_setenv(name, equals + 1, TRUE);
    }
}
