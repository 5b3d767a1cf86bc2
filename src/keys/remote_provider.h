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

/* Finds a key, as key_link_find() does. It keeps a reference of the link. */
EVP_PKEY *remote_provider_load(struct key_link *link, const char *location, const char *secret_file, EVP_PKEY *expected,
                               struct error *error);

#endif
