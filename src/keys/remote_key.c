/* SPDX-License-Identifier: Apache-2.0 */
#include "remote_key.h"

struct remote_key *remote_key_ref(struct remote_key *key)
{
    g_atomic_int_inc(&key->references);
    return key;
}

void remote_key_unref(struct remote_key *key)
{
    if (key == NULL || !g_atomic_int_dec_and_test(&key->references))
        return;
    EVP_PKEY_free(key->public_half);
    linked_key_unref(key->linked);
    g_free(key);
}

bool remote_digest(const EVP_MD *md, enum key_digest *digest)
{
    for (int i = 0; md != NULL && i < KEY_DIGESTS; i++)
        if (EVP_MD_is_a(md, key_digest_name((enum key_digest)i))) {
            *digest = (enum key_digest)i;
            return true;
        }
    return false;
}
