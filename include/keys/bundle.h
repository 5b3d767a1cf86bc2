/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: a PKCS #12 bundle as a person exports it: one private key, its certificate and a chain. For the command line:
 * identities open theirs themselves.
 */
#ifndef DOMSEC_KEYS_BUNDLE_H
#define DOMSEC_KEYS_BUNDLE_H

#include "keys/keys.h"

#include <openssl/pkcs12.h>
#include <openssl/provider.h>

struct bundle {
    char *file;
    PKCS12 *sealed;
    EVP_PKEY *key;                 /* and what follows: once it is open */
    STACK_OF(X509) * certificates; /* that of the key first */
    OSSL_PROVIDER *old;            /* the legacy provider, while the bundle is open; NULL: it is not installed */
};

/* Reads the file. The text of an error names it, here and below. */
bool bundle_read(const char *file, struct bundle *bundle, struct error *error);
/* Opens what was read, also with old algorithms if OpenSSL's legacy provider is installed. */
bool bundle_open(struct bundle *bundle, const char *passphrase, struct error *error);
void bundle_clear(struct bundle *bundle);

/* The first line of the file, without its line end. passphrase_free() it. */
char *passphrase_read(const char *file, struct error *error);
/* Wipes it before. */
void passphrase_free(char *passphrase);

DECLARE_OWNED(passphrase, char *, passphrase_free)
static inline __attribute__((unused)) void cleanup_bundle(struct bundle *bundle)
{
    bundle_clear(bundle);
}

#endif
