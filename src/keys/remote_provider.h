/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_provider: OpenSSL's view of a key whose private half is elsewhere. It is an EVP_PKEY like any other, so that
 * CMS signs and decrypts with it; what needs the private half goes over a key_link.
 *
 * The provider lives in a library context of its own: a fetch in the default context never finds it, so that ordinary
 * keys are not affected. Padding, digests and their parameters are checked by OpenSSL itself: each operation has an
 * inner context of the public half, which takes them and gives them back.
 */
#ifndef DOMSEC_KEYS_REMOTE_PROVIDER_H
#define DOMSEC_KEYS_REMOTE_PROVIDER_H

#include "key_link.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

/* Takes the reference of key. NULL: *error is set. */
EVP_PKEY *remote_provider_key(struct linked_key *key, struct error *error);

/* --- between the files of the provider --- */

/* What the provider knows of an EVP_PKEY: its key, or the public half of another's. */
struct remote_key {
    gint references;
    const char *type;          /* "RSA" */
    EVP_PKEY *public_half;     /* of OpenSSL's own provider; may be parameters only */
    struct linked_key *linked; /* NULL: there is no private half */
};

struct remote_key *remote_key_ref(struct remote_key *key);
void remote_key_unref(struct remote_key *key);

extern const OSSL_ALGORITHM remote_keymgmt[];
extern const OSSL_ALGORITHM remote_signatures[];
extern const OSSL_ALGORITHM remote_ciphers[];
extern const OSSL_ALGORITHM remote_exchanges[];

#define REMOTE_PROPERTIES "provider=domsec"
/* The parameter by which an import names a linked key, which is lent. */
#define REMOTE_KEY_PARAM "domsec-linked-key"
struct remote_key_reference {
    struct linked_key *key;
};

/* False if the digest is not one of enum key_digest. */
bool remote_digest(const EVP_MD *md, enum key_digest *digest);

DECLARE_OWNED(remote_key, struct remote_key *, remote_key_unref)

#endif
