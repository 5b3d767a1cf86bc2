/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passphrase: what opens an encrypted key or PKCS #12 bundle: the first line of a file. Wiped from memory after use.
 */
#ifndef DOMSEC_KEYS_PASSPHRASE_H
#define DOMSEC_KEYS_PASSPHRASE_H

#include "keys/keys.h"

#include <openssl/pkcs12.h>

/* The first line of the file, without its line end. passphrase_free() it. */
char *passphrase_read(const char *file, struct error *error);
void passphrase_free(char *passphrase);

/* Opens a bundle. On success the caller owns *key (key NULL: not wanted) and the certificates, that of the key first.
 * NULL: the text names neither file. */
STACK_OF(X509) * passphrase_open(PKCS12 *bundle, const char *passphrase, EVP_PKEY **key, struct error *error);
/* Why the library could not decrypt: reads and clears its errors. Always returns false. */
bool passphrase_failed(struct error *error);

DECLARE_OWNED(PKCS12, PKCS12 *, PKCS12_free)
DECLARE_OWNED(passphrase, char *, passphrase_free)

#endif
