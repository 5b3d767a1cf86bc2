/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack: what the attack tests share: CMS objects as no honest sender makes them, messages around them, and what must
 * hold for whatever arrives. With ATTACK_STRICT the partner quarantines unsigned mail, so that the verdict shows
 * whether a message was believed, and the header that the recipient gets can be examined. A failure aborts the test.
 */
#ifndef DOMSEC_TESTS_SUPPORT_ATTACK_H
#define DOMSEC_TESTS_SUPPORT_ATTACK_H

#include "smime/attributes.h"
#include "support/craft.h"
#include "support/rig.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#define ATTACK_FIELDS "To: bob@partner.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
#define ATTACK_TOP "From: Alice <alice@acme.test>\r\n" ATTACK_FIELDS
#define ATTACK_SECRET "the secret line"
#define ATTACK_ENTITY "Content-Type: text/plain\r\n\r\n" ATTACK_SECRET "\r\n"
#define ATTACK_STRICT "inbound = { require = \"sign\"; otherwise = \"quarantine\"; };"
#define ATTACK_LAX "inbound = { require = \"none\"; otherwise = \"tag\"; };"

/* Base64 in lines of 76 characters; g_free(). */
char *attack_base64(const unsigned char *der, size_t length);

/* The DER of a CMS object; g_byte_array_unref(). */
GByteArray *attack_der(const CMS_ContentInfo *cms);

/* The SET OF Attribute that a signature covers (RFC 5652 §5.4); g_byte_array_unref(). */
GByteArray *attack_signed_attributes(const CMS_SignerInfo *info);

/* An entity of CompressedData (RFC 3274), which Debian's OpenSSL cannot make; g_free(). */
char *attack_compress(const char *content, size_t length);

/* --- messages; g_free() --- */

/* The header, then one application/pkcs7-mime of these octets. */
char *attack_opaque_der(const char *header, const unsigned char *der, size_t length);

/* The same of cms, which it frees. */
char *attack_opaque(const char *header, CMS_ContentInfo *cms);

/* multipart/signed of entity and cms, which it frees. */
char *attack_clear(const char *header, const char *entity, CMS_ContentInfo *cms);

/* The Content-* fields and the body of what a gateway sent; not to be freed. */
const char *attack_entity_of(const struct sent *out);

/* --- signatures --- */

/* How a signature is made. */
struct attack {
    const struct pki *signer;
    const struct pki *second;     /* another SignerInfo */
    const struct pki *carried[4]; /* certificates that are put in as well, up to the first NULL */
    const char *content;          /* ATTACK_ENTITY by default */
    const char *digest;           /* SHA256 by default */
    unsigned types, second_types; /* SignatureType; 0: none */
    unsigned flags;               /* CMS_DETACHED, CMS_NOATTR, CMS_NOCERTS, CMS_USE_KEYID … */
    void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info); /* before it is signed */
    void (*spoil)(CMS_ContentInfo *cms, CMS_SignerInfo *info); /* after it was signed */
};

/* Adds one signer, unsigned until CMS_final(). Returns what cms owns. types: its SignatureType; 0: none. */
CMS_SignerInfo *attack_add_signer(CMS_ContentInfo *cms, const struct attack *attack, const struct pki *signer,
                                  unsigned types);

/* CMS_ContentInfo_free(). */
CMS_ContentInfo *attack_sign(const struct attack *attack);

/* The message from alice@acme.test that carries the signature; g_free(). */
char *attack_message(const struct attack *attack);

/* --- encrypted objects --- */

/* EnvelopedData, or AuthEnvelopedData for a GCM cipher, to one recipient; CMS_ContentInfo_free(). */
CMS_ContentInfo *attack_envelop(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool oaep);

/* The same as DER; g_byte_array_unref(). */
GByteArray *attack_envelop_der(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool oaep);

/* Where a run of octets is in der; it must be there. */
guint8 *attack_find(GByteArray *der, const char *octets, size_t length);

/* --- what the partner's gateway does with it --- */

/* rig_inbound() of text, and of a message that carries der. sent_clear(). */
struct sent attack_in(const struct rig *rig, const char *text);
struct sent attack_open_der(const struct rig *rig, GByteArray *der);

/* What holds for every message, whatever the verdict. what: for the message of a failure, here and below. */
void attack_expect_safe(const struct sent *in, const char *what);

/* Safe, neither the domain's nor the originator's signature passes, and policy refused the message. */
void attack_expect_refused(const struct sent *in, const char *what);

/* Refused, still encrypted, and the secret is neither in the output nor in the report. */
void attack_expect_shut(const struct sent *in, const char *what);

/* Safe and accepted, with a valid signature of the domain, or else of the originator. Shows that what a test spoils was
 * sound to begin with. */
void attack_expect_believed(const struct sent *in, bool domain, const char *what);

/* A finding has this outcome, with `says` in its reason (NULL: any). */
void attack_expect_outcome(const struct finding *finding, enum outcome outcome, const char *says, const char *what);

#endif
