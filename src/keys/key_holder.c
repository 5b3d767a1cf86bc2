/* SPDX-License-Identifier: Apache-2.0 */
#include "key_holder.h"

const char *key_digest_name(enum key_digest digest)
{
    static const char *const names[] = {[KEY_SHA1] = "SHA1",
                                        [KEY_SHA224] = "SHA2-224",
                                        [KEY_SHA256] = "SHA2-256",
                                        [KEY_SHA384] = "SHA2-384",
                                        [KEY_SHA512] = "SHA2-512"};
    return names[digest];
}

void held_key_clear(struct held_key *key)
{
    g_free(key->location);
    EVP_PKEY_free(key->public_key);
    g_free(key->note);
    *key = (struct held_key){.handle = key->handle};
}
