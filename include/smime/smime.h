/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smime: adds S/MIME layers to an entity and removes them (RFC 8551, 5652, 5083). It knows nothing of policy, names
 * and chains: it reports what the cryptography proves, and provides the certificates. Thread-safe: no state beyond its
 * arguments (algorithm handles fetched once in smime_init()).
 */
#ifndef DOMSEC_SMIME_SMIME_H
#define DOMSEC_SMIME_SMIME_H

#include "keys/keys.h"
#include "mail/mime.h"
#include "smime/layer.h"

/* Fetches algorithm handles; must succeed before any other call. Further calls, from any thread, do nothing and
 * succeed. Fails with ERROR_CONFIGURATION if OpenSSL lacks an algorithm. */
bool smime_init(struct error *error);

/* One sentence on what the OpenSSL that runs lacks for our work, g_free(); NULL: nothing that is known. */
char *smime_library_warning(void);

/* The signed attributes of a SignerInfo that can be put on another signature (RFC 3183 §5, step 4): all but those that
 * belong to the signature itself (content type, message digest, signing time, signing certificate, capabilities,
 * signature type). */
struct carried_attributes;
void carried_attributes_free(struct carried_attributes *attributes);
DECLARE_OWNED(carried_attributes, struct carried_attributes *, carried_attributes_free)

/* --- putting on --- */

struct sign_options {
    enum format format;
    enum signature signature; /* for RSA keys; EC keys sign with ECDSA, Ed25519 keys with EdDSA */
    enum digest digest;
    unsigned types;   /* SignatureType values; 0: no attribute */
    X509 *encryption; /* to which answers shall be encrypted, in place of the signer's own (RFC 8551 §2.5.3); NULL */
    const struct security_label *label; /* NULL: none */
    const struct security_label *equivalents;
    unsigned equivalent_count;
    const struct carried_attributes
        *carried;                /* more signed attributes, as they were on another signature; NULL: none */
    const struct limits *limits; /* for spools */
};

/* False if key is an RSA-PSS key whose parameters (RFC 4055 §3.1) exclude this digest. */
bool smime_key_takes_digest(EVP_PKEY *key, enum digest digest);

/* Wraps content in SignedData with signing time, SignatureType, signingCertificateV2 (RFC 5035), S/MIME capabilities,
 * the certificate and its chain without the root. Clear: multipart/signed with micalg (RFC 8551 §3.5.3), the content's
 * bytes borrowed. Opaque: application/pkcs7-mime; smime-type=signed-data; also what is fragile, whatever the format.
 * content is consumed (its ropes move into out). */
bool smime_sign(const struct identity *signer, const struct sign_options *options, struct entity *content,
                struct entity *out, struct error *error);

/* RFC 3183 §3, method 1: SignedData without SignerInfos, eContentType id-data, eContent the entity; opaque. */
bool smime_wrap_unsigned(const struct limits *limits, struct entity *content, struct entity *out, struct error *error);

struct encrypt_options {
    enum cipher cipher;               /* GCM: AuthEnvelopedData; CBC: EnvelopedData */
    enum key_transport key_transport; /* for RSA keys; EC and X25519 keys agree (RFC 5753, RFC 8418) */
    X509 *originator;                 /* who encrypts, named in originatorInfo (RFC 3183 §5); NULL: no one is named */
    const struct limits *limits;
};

/* Wraps content in one EnvelopedData or AuthEnvelopedData for all recipients. OAEP with SHA-256 and MGF1 SHA-256.
 * content is consumed. */
bool smime_encrypt(X509 *const *recipients, size_t count, const struct encrypt_options *options, struct entity *content,
                   struct entity *out, struct error *error);

/* The capabilities that an extension of a certificate announces (RFC 4262); zeros: the certificate lacks it. */
void smime_certificate_capabilities(const X509 *certificate, struct capabilities *capabilities);

/* --- taking off --- */

/* The same signature in its other form: the body of an application/pkcs7-mime that holds signature and content of a
 * multipart/signed, both with the octets that were received. Adds to out. ERROR_PERMANENT, and nothing is added: part
 * is not a multipart/signed with a signature that can be parsed. It verifies nothing. For struct transport. */
bool smime_write_opaque(const struct part *part, const struct limits *limits, struct spool *out, struct error *error);
extern const char smime_opaque_header[]; /* its MIME fields, each with CRLF */

/* One SignerInfo: its facts, and the handles that go with them. */
struct signer {
    struct signer_facts *facts; /* those of the layer at the same place */
    X509 *certificate;          /* NULL: not in the message */
    X509
        *encryption; /* to which the signer wants to be encrypted (RFC 8551 §2.5.3); NULL: the signature does not say */
    struct carried_attributes *carried; /* of a mailing list agent's signature (ess.ml_expansions > 0), else NULL */
};

/* One opened layer. Owns what inner points into, and the signers of its facts. */
struct layer {
    struct layer_facts facts;
    struct signer *signers; /* facts.signer_count of them */
    STACK_OF(X509) *
        certificates; /* all in the SignedData, or in the originatorInfo of what was encrypted; NULL if none */
    STACK_OF(X509_CRL) * crls;
    GPtrArray *embedded;             /* GBytes: OCSP responses that came with them (RFC 5940), in DER; NULL if none */
    const struct identity *identity; /* whose key opened it (enveloped) */
    struct slice inner;              /* the entity inside: header, empty line, body */
    bool noise;                      /* inner is what a wrong key leaves: neither an entity nor text */
    void *owner;                     /* private */
};

/* The only reason that is given for anything that our key did not open. */
#define SMIME_CANNOT_DECRYPT "cannot be decrypted"

/* Whether the key of an identity that a message names may be used on it. It must not depend on what any key opens. */
typedef bool identity_admission(const void *context, const struct identity *identity);

struct open_options {
    const struct limits *limits;
    const struct keys *keys;    /* NULL: nothing is decrypted */
    time_t at;                  /* what has ended by then does not decrypt; 0: all do */
    identity_admission *admits; /* NULL: each identity may be used */
    const void *admits_context;
    STACK_OF(X509) * known; /* certificates beside those in the message, for signers whose own is not in it; or NULL */
    struct budget *budget;  /* may be NULL */
};

/* Opens the outermost layer of part: a multipart/signed (exactly two parts, RFC 8551 §3.5.3; verified on the part's
 * bytes as received) or an application/pkcs7-mime of any smime-type (the content decides, the parameter is not
 * believed). Decryption uses the identities of role domain-confidentiality-authority whose RecipientIdentifier fits;
 * wrong key, wrong padding and broken content are one error with one text. Nothing of an AuthEnvelopedData whose tag
 * fails is ever handed out. What budget does not allow is OPENED_FAILED, ERROR_PERMANENT. */
enum opened smime_open(const struct part *part, const struct open_options *options, struct layer *layer,
                       struct error *error);
/* The same of the only part of a multipart that says no more: OPENED_NOT_SMIME unless it is encrypted. Only that is
 * read in one way: of a signed part alone, some programs say that it is signed, and some that the message is. */
enum opened smime_open_encrypted(const struct part *part, const struct open_options *options, struct layer *layer,
                                 struct error *error);
/* The same of a part among others. Signed content that is no MIME entity is then a document of its own, such as an
 * attached invoice.xml.p7m or contract.pdf.p7m, and no layer of the message: OPENED_NOT_SMIME, and not verified. (To
 * smime_open() it is one if it has such a name, too: other software signs whole messages of bare text.) */
enum opened smime_open_part(const struct part *part, const struct open_options *options, struct layer *layer,
                            struct error *error);
void layer_clear(struct layer *layer);

#endif
