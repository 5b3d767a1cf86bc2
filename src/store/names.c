/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: the number under which the second index keeps a name.
 */
#include "names.h"

#include <openssl/sha.h>
#include <string.h>

int64_t names_hash(const char *name)
{
    unsigned char sha256[SHA256_DIGEST_LENGTH];
    int64_t hash;
    SHA256((const unsigned char *)name, strlen(name), sha256);
    memcpy(&hash, sha256, sizeof(hash));
    return hash;
}
