/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_key: what the files of the provider (remote_provider.h) share.
 */
#ifndef DOMSEC_KEYS_REMOTE_KEY_H
#define DOMSEC_KEYS_REMOTE_KEY_H

#include "key_link.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

/* What the provider knows of an EVP_PKEY: its key, or the public half of another's. */
struct remote_key {
    gint references;
    const char *type;          /* "RSA" */
    EVP_PKEY *public_half;     /* of OpenSSL's own provider; may be parameters only */
    struct linked_key *linked; /* NULL: there is no private half */
};

struct remote_key *remote_key_ref(struct remote_key *key);
void remote_key_unref(struct remote_key *key);

#define REMOTE_PROPERTIES "provider=domsec"
/* The parameter by which an import names a linked key, which is lent. */
#define REMOTE_KEY_PARAM "domsec-linked-key"
struct remote_key_reference {
    struct linked_key *key;
};

/* False if the digest is not one of enum key_digest. */
bool remote_digest(const EVP_MD *md, enum key_digest *digest);

/* The tables of the provider, one of each kind of operation. */
extern const OSSL_ALGORITHM remote_keymgmt[];
extern const OSSL_ALGORITHM remote_signatures[];
extern const OSSL_ALGORITHM remote_ciphers[];
extern const OSSL_ALGORITHM remote_exchanges[];

DECLARE_OWNED(remote_key, struct remote_key *, remote_key_unref)

#endif
