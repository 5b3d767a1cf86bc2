/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_padding: what we do around the bare RSA operation of a token.
 */
#ifndef DOMSEC_KEYS_TOKEN_PADDING_H
#define DOMSEC_KEYS_TOKEN_PADDING_H

#include "key_holder.h"

/* Takes the padding of KEY_DECRYPT_RSA_PKCS1 or KEY_DECRYPT_RSA_OAEP off a block of the size of the modulus, in
 * constant time. False: the padding is wrong. */
bool token_padding_remove(const struct key_work *work, struct slice block, struct key_output *output);
/* DigestInfo (RFC 8017 §9.2) of the digest in work; OPENSSL_free() it. 0: no memory. */
size_t token_padding_digest_info(const struct key_work *work, unsigned char **der);

#endif
