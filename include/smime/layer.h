/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: the facts of one S/MIME layer as plain data, without a type of OpenSSL, so that policy can be tested from
 * tables. smime.h opens layers and keeps their handles.
 */
#ifndef DOMSEC_SMIME_LAYER_H
#define DOMSEC_SMIME_LAYER_H

#include "smime/ess.h"

#include <stddef.h>
#include <time.h>

enum layer_type { LAYER_SIGNED, LAYER_ENVELOPED, LAYER_AUTHENVELOPED, LAYER_COMPRESSED };
const char *layer_type_name(enum layer_type type); /* "signed-data" … */

/* SignatureType (RFC 3183 §3.1.2): a set of values under id-sti, as bits. */
enum signature_type {
    SIGNATURE_TYPE_ORIGINATOR = 1 << 1, /* id-sti 1 */
    SIGNATURE_TYPE_DOMAIN = 1 << 2,
    SIGNATURE_TYPE_ATTRIBUTES = 1 << 3,
    SIGNATURE_TYPE_REVIEW = 1 << 4,
};
const char *
signature_type_name(enum signature_type type); /* "originator", "domain", "additional-attributes", "review" */

/* Algorithms that somebody's software reads (RFC 8551 §2.5.2), as bits: 1 << CIPHER_…, and so on. Zeros: nothing is
 * said of them. */
struct capabilities {
    unsigned ciphers, key_transports, digests;
};

/* The statements of one SignerInfo, and whether its signature is valid. */
struct signer_facts {
    bool receipt;         /* over a receipt (RFC 2634 §2), not over an entity */
    bool has_certificate; /* false: the signer's certificate is not in the message */
    unsigned tried;       /* certificates whose key was tried: what this signer cost */
    bool valid;           /* the cryptography holds: message digest, signature over the signed attributes */
    char reason[320];     /* why not; also for what is valid but weak */
    bool has_unsigned;    /* it has unsigned attributes, which nothing protects */
    bool weak;            /* digest MD5/SHA-1, RSA below 2048, …: valid, but no basis for a pass */
    unsigned types;       /* SignatureType; 0: absent */
    bool type_fault;      /* valid, but it or an ESS attribute is malformed; or the signers' types or labels differ */
    struct ess ess;
    time_t signing_time; /* 0: absent; a claim */
    struct capabilities capabilities;
    char issuer[512], serial[132]; /* of SignerIdentifier, printable */
};

struct layer_facts {
    enum layer_type type;
    bool detached;                /* multipart/signed */
    struct signer_facts *signers; /* LAYER_SIGNED; count 0 is the empty-signature layer of RFC 3183 §3 */
    size_t signer_count;
    unsigned attempted; /* how many of our keys were used on it, whether it opened or not */
    bool authenticated; /* the content encryption was authenticated (GCM) */
    bool weak;          /* its cipher is obsolete: readable, but no reliable protection */
    char cipher[32];    /* "aes-256-gcm", or its OID */
};
bool layer_is_encrypted(const struct layer_facts *layer);

/* The outcome of opening a layer. */
enum opened {
    OPENED,           /* the layer is filled; for LAYER_SIGNED the signers say whether it holds */
    OPENED_NOT_SMIME, /* the part has none of the forms, or only carries certificates (RFC 8551 §3.8) */
    OPENED_NO_KEY,    /* encrypted, and none of our identities is a recipient; the layer's type is set */
    OPENED_BROKEN, /* error says so like OPENED_FAILED, but layer->inner holds what came out of the decryption. Without
                      authentication, only a wrong key or padding could be learned from a difference; so the
                      caller works on that as on what is good, and then forgets it (RFC 3218 §2.3) */
    OPENED_FAILED, /* error says; the layer's type is set if it is known. ERROR_PERMANENT: broken, tampered,
                      unsupported, over a limit; ERROR_TEMPORARY: our own trouble, such as a full disk, and no verdict
                      on the message */
};

#endif
