/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smime: puts S/MIME layers around an entity and takes them off (RFC 8551, 5652, 5083). Knows nothing of policy, names
 * and chains: it says what the cryptography says, and hands out the certificates. Thread-safe: no state beyond its
 * arguments (algorithm handles fetched once in smime_init()).
 */
#ifndef DOMSEC_SMIME_SMIME_H
#define DOMSEC_SMIME_SMIME_H

#include "keys/keys.h"
#include "mail/mime.h"
#include "smime/attributes.h"
#include "smime/ess.h"

/* Registers OIDs and fetches algorithm handles; once, from the main thread, before any other call. */
bool smime_init(struct error *error);

/* --- putting on --- */

struct sign_options {
    enum format format;
    enum signature signature; /* for RSA keys; EC keys sign with ECDSA, Ed25519 keys with EdDSA */
    enum digest digest;
    unsigned types;                     /* SignatureType values; 0: no attribute */
    const struct security_label *label; /* NULL: none */
    const struct security_label *equivalents;
    unsigned equivalent_count;
    const struct ess_attributes *add; /* more signed attributes, as they were on another signature; NULL: none */
    const struct limits *limits;      /* for spools */
};

/* Wraps content in SignedData with signing time, SignatureType, signingCertificateV2 (RFC 5035), S/MIME capabilities,
 * the certificate and its chain without the root. Clear: multipart/signed with micalg (RFC 8551 §3.5.3), the content's
 * bytes borrowed. Opaque: application/pkcs7-mime; smime-type=signed-data. content is consumed (its ropes move into
 * out). */
bool smime_sign(const struct identity *signer, const struct sign_options *options, struct entity *content,
                struct entity *out, struct error *error);

/* RFC 3183 §3, method 1: SignedData without SignerInfos, eContentType id-data, eContent the entity; opaque. */
bool smime_wrap_unsigned(const struct limits *limits, struct entity *content, struct entity *out, struct error *error);

struct encrypt_options {
    enum cipher cipher;               /* GCM: AuthEnvelopedData; CBC: EnvelopedData */
    enum key_transport key_transport; /* for RSA keys; EC and X25519 keys agree (RFC 5753, RFC 8418) */
    X509 *originator;                 /* who encrypts, told in originatorInfo (RFC 3183 §5); NULL: nobody is named */
    const struct limits *limits;
};

/* Wraps content in one EnvelopedData or AuthEnvelopedData for all recipients. OAEP with SHA-256 and MGF1 SHA-256.
 * content is consumed. */
bool smime_encrypt(X509 *const *recipients, size_t count, const struct encrypt_options *options, struct entity *content,
                   struct entity *out, struct error *error);

/* --- taking off --- */

enum layer_type { LAYER_SIGNED, LAYER_ENVELOPED, LAYER_AUTHENVELOPED, LAYER_COMPRESSED };
const char *layer_type_name(enum layer_type type); /* "signed-data" … */

struct signer {
    X509 *certificate; /* NULL: not in the message */
    bool valid;        /* the cryptography holds: message digest, signature over the signed attributes */
    char reason[320];  /* why not; also for what is valid but weak */
    bool has_unsigned; /* it has unsigned attributes, which nothing protects */
    bool weak;         /* digest MD5/SHA-1, RSA below 2048, …: valid, but no basis for a pass */
    unsigned types;    /* SignatureType; 0: absent */
    bool type_fault;   /* valid, but it or an ESS attribute is malformed; or the signers' types or labels differ */
    struct ess ess;
    struct ess_attributes *kept;   /* of a mailing list agent's signature (ess.ml_expansions > 0), else NULL */
    time_t signing_time;           /* 0: absent; a claim */
    char issuer[512], serial[132]; /* of SignerIdentifier, printable, when the certificate is missing */
};

/* One opened layer. Owns what inner points into. */
struct layer {
    enum layer_type type;
    bool detached;          /* multipart/signed */
    struct signer *signers; /* LAYER_SIGNED; count 0 is the empty-signature layer of RFC 3183 §3 */
    size_t signer_count;
    STACK_OF(X509) *
        certificates; /* all in the SignedData, or in the originatorInfo of what was encrypted; NULL if none */
    STACK_OF(X509_CRL) * crls;
    const struct identity *identity; /* whose key opened it (enveloped) */
    bool attempted;                  /* one of our keys was used on it, whether it opened or not */
    bool authenticated;              /* the content encryption was authenticated (GCM) */
    bool weak;                       /* its cipher is of the past: readable, but no protection to rely on */
    char cipher[32];                 /* "aes-256-gcm", or its OID */
    struct slice inner;              /* the entity inside: header, empty line, body */
    void *owner;                     /* private */
};

/* The one reason that is told of all that our key did not open. */
#define SMIME_CANNOT_DECRYPT "cannot be decrypted"

enum opened {
    OPENED,           /* layer is filled; for LAYER_SIGNED the signers say whether it holds */
    OPENED_NOT_SMIME, /* part is none of the forms, or only carries certificates (RFC 8551 §3.8) */
    OPENED_NO_KEY,    /* encrypted, none of our identities is a recipient; layer->type is set */
    OPENED_BROKEN, /* error says so like OPENED_FAILED, but layer->inner holds what came out of the decryption. Without
                      authentication, a wrong key or padding is all that anybody could find out by watching; so the
                      caller works on that as on what is good, and then forgets it (RFC 3218 §2.3) */
    OPENED_FAILED, /* error says; layer->type is set if it is known. ERROR_PERMANENT: broken, tampered, unsupported,
                      over a limit; ERROR_TEMPORARY: our own trouble, such as a full disk, and no verdict on the message
                    */
};

/* Opens the outermost layer of part: a multipart/signed (exactly two parts, RFC 8551 §3.5.3; verified on the part's
 * bytes as received) or an application/pkcs7-mime of any smime-type (the content decides, the parameter is not
 * believed). Decryption uses the identities of role domain-confidentiality-authority whose RecipientIdentifier fits;
 * wrong key, wrong padding and broken content are one error with one text. Nothing of an AuthEnvelopedData whose tag
 * fails is ever handed out. known: certificates beside those in the message, for signers whose own is not in it; maybe
 * NULL. */
enum opened smime_open(const struct part *part, const struct keys *keys, STACK_OF(X509) * known,
                       const struct limits *limits, struct layer *layer, struct error *error);
void layer_clear(struct layer *layer);

#endif
