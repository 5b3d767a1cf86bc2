/* SPDX-License-Identifier: Apache-2.0 */
#include "key_holders.h"

const struct key_holder_type *key_holder_of(const char *scheme)
{
    static const struct key_holder_type *const types[] = {&key_holder_file, &key_holder_pkcs11};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_ascii_strcasecmp(types[i]->scheme, scheme) == 0)
            return types[i];
    return NULL;
}
