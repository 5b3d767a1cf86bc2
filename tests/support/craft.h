/* SPDX-License-Identifier: Apache-2.0 */
/*
 * craft: what the tests of smime/ work with: limits, identities, entities, layers made and opened in one call, and CMS
 * objects that smime/ itself does not make. A failure aborts the test.
 */
#ifndef DOMSEC_TESTS_SUPPORT_CRAFT_H
#define DOMSEC_TESTS_SUPPORT_CRAFT_H

#include "smime/smime.h"
#include "support/pki.h"

#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/err.h>

/* Low limits, so that a test reaches them soon. */
extern const struct limits craft_limits;

void craft_init(void);

/* For signing: an identity as keys/ gives it, which borrows everything but its list of the chain: sk_X509_free(). Each
 * certificate of the chain may be NULL. */
struct identity craft_signer(const struct pki *pki, const struct pki *chain_1, const struct pki *chain_2);

/* Identities of acme.test in one role, opened from files as in production. */
struct craft_keys {
    char *folder;
    struct conf conf;
    struct keys *keys;
};

/* list ends with NULL. */
void craft_keys_open(struct craft_keys *keys, const struct pki *const *list, enum role role);
void craft_keys_close(struct craft_keys *keys);
#define CRAFT_KEYS __attribute__((cleanup(craft_keys_close))) struct craft_keys

#define CRAFT_HEADER "Content-Type: text/plain; charset=us-ascii\r\n"
#define CRAFT_BODY "The quick brown fox.\r\n"
#define CRAFT_WHOLE CRAFT_HEADER "\r\n" CRAFT_BODY

/* An entity that borrows body; entity_clear(). */
struct entity craft_entity(const char *header, struct slice body);

/* Lines of text, `length` octets or a little more; g_free(). */
char *craft_text(size_t length);

/* A message on its way: header and body in one run of bytes, parsed. */
struct craft_part {
    char *bytes;
    size_t length;
    struct part *part;
};

void craft_part_clear(struct craft_part *part);
#define CRAFT_PART __attribute__((cleanup(craft_part_clear))) struct craft_part

/* Takes bytes, which g_free() frees. */
struct craft_part craft_part_of(char *bytes, size_t length);

/* Consumes the entity. */
struct craft_part craft_part_of_entity(struct entity *entity);

/* application/pkcs7-mime in base64. */
struct craft_part craft_part_of_der(const unsigned char *der, size_t length);
struct craft_part craft_part_of_cms(const CMS_ContentInfo *cms);

/* multipart/signed around the entity `whole` and the DER of a signature. */
struct craft_part craft_part_of_clear(struct slice whole, const unsigned char *der, size_t length);

/* A layer of the whole CRAFT_WHOLE. */
struct craft_part craft_signed(const struct pki *pki, enum format format, unsigned types);
struct craft_part craft_encrypted(const struct pki *pki, enum cipher cipher, enum key_transport transport);

/* A CMS signature over CRAFT_WHOLE. flags and digest: of CMS_add1_signer(); alter: what happens before signing, or
 * NULL. CMS_ContentInfo_free(). */
CMS_ContentInfo *craft_sign_by_hand(const struct pki *pki, unsigned flags, const char *digest,
                                    void (*alter)(CMS_ContentInfo *, CMS_SignerInfo *));

/* Adds the one signed attribute of this object identifier, with the value that options ask for. */
void craft_add_attribute(CMS_SignerInfo *info, const char *oid, const struct sign_options *options);

/* The DER of the CMS object in a part; g_byte_array_unref(). */
GByteArray *craft_der(const struct part *part);

/* The same, parsed; nothing may follow it. CMS_ContentInfo_free(). */
CMS_ContentInfo *craft_cms(const struct part *part);

void craft_layer_clear(struct layer *layer);
#define CRAFT_LAYER __attribute__((cleanup(craft_layer_clear))) struct layer

/* smime_open(). Expects that OpenSSL's error queue is empty behind it. */
enum opened craft_open(const struct part *part, const struct keys *keys, const struct limits *limits,
                       struct layer *layer, struct error *error);

bool craft_inner_is(const struct layer *layer, const char *text);

#endif
