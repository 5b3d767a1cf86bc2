/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key agreement by X25519 in CMS (RFC 8418) until OpenSSL does it; what to do then is in x25519.c.
 */
#ifndef DOMSEC_SMIME_X25519_H
#define DOMSEC_SMIME_X25519_H

#include "../smime_private.h"

bool x25519_is(const EVP_PKEY *key);
/* As CMS_add1_recipient_cert(). What OpenSSL holds for the recipient afterwards is a stand-in, to be encoded by
 * x25519_der(). key_length: of the content key, in octets. */
bool x25519_add_recipient(CMS_ContentInfo *cms, X509 *recipient, size_t key_length, struct error *error);
/* As frame_der(), with the agreements in the place of their stand-ins. */
long x25519_der(CMS_ContentInfo *cms, unsigned char **der, struct error *error);
/* False if a KeyAgreeRecipientInfo does not use X25519, or uses an unknown key derivation. */
bool x25519_is_known(CMS_RecipientInfo *info);
/* The same envelope without its content and with the content key in it, as CMS_decrypt_set1_pkey() would leave it
 * there; without a key, if none came out. NULL: cannot be decrypted. */
CMS_ContentInfo *x25519_decrypt(CMS_ContentInfo *cms, const struct identity *identity);

/* agreed_key.c */

bool agreed_key_init(struct error *error); /* by smime_init(), once */
/* The key under which X25519 wraps a content key, by the algorithm of a KeyAgreeRecipientInfo; its length, or 0. */
#define AGREED_KEY_MAX 32
size_t agreed_key(const X509_ALGOR *algorithm, ASN1_OCTET_STRING *ukm, EVP_PKEY *own, EVP_PKEY *other,
                  unsigned char key[AGREED_KEY_MAX]);
bool agreed_key_is_known(const X509_ALGOR *algorithm);
/* What we send (RFC 8551 §2.3), for a content key of that length. */
bool agreed_key_set_algorithm(X509_ALGOR *algorithm, size_t key_length);

#endif
