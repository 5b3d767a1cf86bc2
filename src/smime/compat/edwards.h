/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 in CMS (RFC 8419) until OpenSSL 4.0 does it; what to do then is in edwards.c.
 */
#ifndef DOMSEC_SMIME_EDWARDS_H
#define DOMSEC_SMIME_EDWARDS_H

#include "../smime_private.h"

bool edwards_init(struct error *error); /* by smime_init(), once */
bool edwards_is(const EVP_PKEY *key);
/* As CMS_add1_signer(), with SHA-512; the certificate is not checked against a key. NULL: it failed. */
CMS_SignerInfo *edwards_add_signer(CMS_ContentInfo *cms, X509 *certificate, unsigned flags);
/* Adds content type, signing time and message digest, and signs. */
bool edwards_sign(CMS_SignerInfo *info, EVP_PKEY *key, const struct rope *content, struct error *error);
/* Verifies the signature over the signed attributes, whose message digest is not checked; without signed attributes,
 * over content. */
bool edwards_verify(CMS_SignerInfo *info, EVP_PKEY *key, struct slice content);

#endif
