/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarations that only the files of smime/ share.
 */
#ifndef DOMSEC_SMIME_PRIVATE_H
#define DOMSEC_SMIME_PRIVATE_H

#include "smime/smime.h"

/* --- algorithms.c --- */

/* Fetches the handles; by smime_init(), once. They are read-only afterwards. */
bool algorithms_init(struct error *error);
const EVP_MD *algorithm_digest(enum digest digest);
const char *algorithm_micalg(enum digest digest); /* RFC 8551 §3.5.3.2 */
const EVP_CIPHER *algorithm_cipher(enum cipher cipher);
/* "aes-256-gcm", or the dotted OID of an unknown algorithm. */
void algorithm_name(const ASN1_OBJECT *algorithm, char *name, size_t size);
/* Parameters that are a SEQUENCE of that kind, decoded; NULL: they are not. */
void *algorithm_parameters(const X509_ALGOR *algorithm, const ASN1_ITEM *item);

DECLARE_OWNED(X509_ALGOR, X509_ALGOR *, X509_ALGOR_free)

/* --- frame.c: a CMS with its content, in DER, as base64 --- */

/* Where the content goes. */
enum content_place {
    CONTENT_SIGNED,    /* eContent of SignedData: [0] EXPLICIT OCTET STRING */
    CONTENT_ENCRYPTED, /* encryptedContent: [0] IMPLICIT OCTET STRING */
};

struct frame {
    /* Set by the caller. */
    const unsigned char *originator; /* DER of originatorInfo, put in after the version; NULL: none */
    int originator_length;
    unsigned char version; /* of the structure, if there is an originatorInfo */
    size_t growth;         /* octets by which the suffix grows later: an authentication tag that is not known yet */
    /* Set by frame_make(). */
    GByteArray *prefix;   /* all DER before the content's octets */
    size_t suffix_length; /* octets of DER after the content */
    size_t suffix_at;     /* where they begin in the DER that was given */
};

/* Makes the DER that comes before and after `length` octets of content, from the DER of a CMS whose content is
 * detached. */
bool frame_make(const unsigned char *der, long der_length, enum content_place place, size_t length, struct frame *frame,
                struct error *error);
void frame_clear(struct frame *frame);

/* originator.c: the DER of an originatorInfo that holds this certificate; free with OPENSSL_free(). Negative: error is
 * set. */
int originator_info_encode(X509 *certificate, unsigned char **der, struct error *error);

/* DER of a CMS; free with OPENSSL_free(). Negative: error is set. */
long frame_der(const CMS_ContentInfo *cms, unsigned char **der, struct error *error);

/* The DER of a SignedData whose content is detached, with content put in, as base64. */
bool frame_write(const unsigned char *der, long length, const struct rope *content, struct spool *out,
                 struct error *error);

/* The entity application/pkcs7-mime around a base64 body; takes the spool. */
bool frame_entity(const char *smime_type, struct spool **body, struct entity *out, struct error *error);

static inline __attribute__((unused)) void cleanup_frame(struct frame *frame)
{
    frame_clear(frame);
}

DECLARE_OWNED(ASN1_STRING, ASN1_STRING *, ASN1_STRING_free)

/* --- der.c: encoded values --- */

/* What i2d_…() has made; SLICE_NONE where length says that it failed. */
struct slice der_slice(const unsigned char *der, int length);
/* A copy as a string of this type; NULL, and error set, also where der is SLICE_NONE because it could not be encoded.
 */
ASN1_STRING *der_string(int type, struct slice der, struct error *error);

/* --- library.c: what this version of OpenSSL lacks; static; NULL: nothing that is known --- */
const char *library_lacks(unsigned major, unsigned minor, unsigned patch);

/* --- digest.c: the digests of a SignedData --- */

/* The digest that a SignerInfo names; NULL: an unknown one. */
const EVP_MD *digest_of(CMS_SignerInfo *info);
/* False for NULL, and for a digest that OpenSSL knows and cannot compute. */
bool digest_is_usable(const EVP_MD *digest);
/* A chain of one digest BIO for each digest in use, before a null BIO. A digest that is not usable is left out: the
 * SignerInfo that names it then fails by itself. NULL: it failed. */
BIO *digest_chain(STACK_OF(CMS_SignerInfo) * infos);
/* All of content into a chain of digest BIOs. */
bool digest_write(BIO *chain, struct slice content, struct budget *budget, struct error *error);

/* --- opening --- */

/* What a layer's `owner` is. */
struct layer_owner {
    CMS_ContentInfo *cms; /* NULL unless inner points into it */
    struct spool *spool;  /* NULL unless inner points into it */
};

/* layer.c */
void layer_owner_free(struct layer_owner *owner);
/* Keeps the facts of what did not open, such as its type, but no signer and no handle: what was found before it failed
 * is no result. */
void layer_forget(struct layer *layer);

struct opening {
    const struct keys *keys;
    time_t at;
    STACK_OF(X509) * known;
    const struct limits *limits;
    identity_admission *admits;
    const void *admits_context;
    bool only_encrypted;  /* anything else is no layer */
    bool may_be_document; /* signed content that is no MIME entity is a document, and no layer */
    struct budget *budget;
    struct layer *layer;
    struct error *error;
};

/* layer.c: ERROR_PERMANENT for that reason, and OPENED_FAILED. */
enum opened opening_failed(const struct opening *opening, const char *reason);
/* skeleton.c: pays for decoding it; false also if what is beside the content would take too much memory then. *nid:
 * its content type, where it had to be looked at. *answers: of a SignedData, as of struct layer; may be NULL. */
bool skeleton_check(struct slice der, struct budget *budget, int *nid, GPtrArray **answers, struct error *error);
/* embedded.c: the OCSP responses in this field `crls` of a SignedData; NULL: it has none. */
GPtrArray *embedded_answers(const ASN1_STRING *field);

/* verify.c. content: of a multipart/signed, else NULL. On OPENED *cms may have been taken. */
enum opened open_signed(const struct opening *opening, CMS_ContentInfo **cms, const struct slice *content);
/* receipt.c: false if these octets are no Receipt (RFC 2634 §2.8). */
bool receipt_is_sound(struct slice der);
/* signer.c: one SignerInfo. False, and over is set, if the budget does not allow it. */
struct verification {
    BIO *digests; /* a chain that has seen the content */
    struct slice content;
    STACK_OF(X509) * certificates;
    struct budget *budget;
};
bool signer_check(CMS_SignerInfo *info, const struct verification *by, struct signer *signer, struct error *over);
/* decrypt.c */
enum opened open_enveloped(const struct opening *opening, CMS_ContentInfo **cms);
/* transport.c: false if the key transport algorithm of a KeyTransRecipientInfo for RSA is unknown or malformed. */
bool transport_is_known(CMS_RecipientInfo *info);
/* transport.c: false if a KeyAgreeRecipientInfo does not say how the key of that content cipher is wrapped, or names
 * an unknown wrap. */
bool agreement_is_known(CMS_RecipientInfo *info, int cipher_nid);
/* decompress.c */
enum opened open_compressed(const struct opening *opening, CMS_ContentInfo **cms);

#endif
