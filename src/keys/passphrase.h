/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passphrase: opens an encrypted key or PKCS #12 bundle with the first line of a file. Wiped from memory after use.
 */
#ifndef DOMSEC_KEYS_PASSPHRASE_H
#define DOMSEC_KEYS_PASSPHRASE_H

#include "keys/bundle.h"

#include <openssl/pkcs12.h>

/* Opens a bundle, in which there must be one key. On success the caller owns *key (key NULL: not wanted) and the
 * certificates, that of the key first. NULL: the text names neither file. */
STACK_OF(X509) * passphrase_open(PKCS12 *bundle, const char *passphrase, EVP_PKEY **key, struct error *error);
/* Why the library could not decrypt: reads and clears its errors. Always returns false. */
bool passphrase_failed(struct error *error);

DECLARE_OWNED(PKCS12, PKCS12 *, PKCS12_free)

#endif
