/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_holder: a kind of place that holds private keys and works with them: files, tokens. One file per kind fills a
 * struct key_holder_type. A holder runs in a key process (key_process.h), where its calls may hang or crash without
 * harm to mail, or inside a command (`domsec check`, `key list`). It sees neither messages nor certificates.
 *
 *     open ─▶ find, find … ─▶ work, work … (from several threads at once) ─▶ forget … ─▶ close
 *
 * The daemon never sees a private key: a request names a key by the number that the process gave it, says what to do
 * (struct key_work) and gets octets or a reason. Nothing here logs, and no text of an error holds a secret.
 */
#ifndef DOMSEC_KEYS_KEY_HOLDER_H
#define DOMSEC_KEYS_KEY_HOLDER_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/openssl.h"

#include <stdint.h>

enum key_scheme {
    KEY_SIGN_RSA_PKCS1, /* RSASSA-PKCS1-v1_5; input: the digest, without DigestInfo */
    KEY_SIGN_RSA_PSS,   /* input: the digest */
    KEY_SIGN_ECDSA,     /* input: the digest; output: ECDSA-Sig-Value in DER, as OpenSSL has it (not r and s) */
    KEY_SIGN_EDDSA,     /* input: the message; output: 64 octets (Ed25519), 114 (Ed448) */
    KEY_DECRYPT_RSA_PKCS1,
    KEY_DECRYPT_RSA_OAEP,
    KEY_DERIVE, /* ECDH, X25519, X448; input: the other side's point, uncompressed (X9.62 §4.3.6) or raw; output: the
                   raw secret, of the length of the field, with leading zeros */
};
#define KEY_SCHEMES (KEY_DERIVE + 1)

enum key_digest { KEY_SHA1, KEY_SHA224, KEY_SHA256, KEY_SHA384, KEY_SHA512 };
#define KEY_DIGESTS (KEY_SHA512 + 1)
/* OpenSSL's name, such as "SHA2-256". */
const char *key_digest_name(enum key_digest digest);

#define KEY_OUTPUT_MAX 2048       /* RSA with 16384 bits */
#define KEY_INPUT_MAX (64 * 1024) /* of EdDSA; the others have a digest or a block */

/* One request. What a scheme does not need is zero. */
struct key_work {
    enum key_scheme scheme;
    enum key_digest digest;      /* of a signature (not EdDSA), of OAEP */
    enum key_digest mgf1_digest; /* of PSS and OAEP */
    unsigned salt_length;        /* of PSS, in octets */
    struct slice label;          /* of OAEP */
    struct slice input;          /* digest, message, encrypted block, point */
};

struct key_output {
    size_t length;
    unsigned char octets[KEY_OUTPUT_MAX]; /* wiped by the caller */
};

enum key_answer {
    KEY_DONE,
    KEY_WRONG, /* the input does not fit this key: a wrong padding, a point that is not on the curve. Must cost the
                  same and leave the same traces as KEY_DONE (RFC 3218): no log, no branch before the work is done */
    KEY_UNSUPPORTED, /* this key or its place cannot do that; it will stay so */
    KEY_BUSY,        /* trying again may help: no session free, out of memory. Anything unknown is this */
    KEY_GONE,        /* the place does not work any more (token removed, device error, session lost): the process ends,
                        and a new one opens the place again */
};

/* What a key can do, one bit per scheme; KEY_CAN(KEY_SIGN_RSA_PSS). */
#define KEY_CAN(scheme) (1U << (scheme))

/* A key that was found, or one of a list. */
struct held_key {
    char *location;       /* URI without scheme and colon, canonical, without a secret */
    EVP_PKEY *public_key; /* never NULL after find */
    unsigned can;         /* KEY_CAN(), as it was tried or as the place says */
    unsigned oaep;        /* 1U << digest: with which digests OAEP works */
    char *note;           /* for `key list`: "OAEP by raw RSA"; NULL: nothing to say */
    void *handle;         /* of the holder; NULL in a list */
};

/* The location is a key's URI without its scheme and colon. An error's kind is ERROR_TEMPORARY if trying again may help
 * and ERROR_CONFIGURATION if an administrator has to act; ERROR_PERMANENT: the passphrase or PIN was refused, and must
 * not be tried again before its file has changed (the supervisor sees to that). A function that is optional may be
 * NULL. All functions but open and close may be called by several threads at once. */
struct key_holder_type {
    const char *scheme; /* "file", "pkcs11" */
    /* Which locations share one process: those for which this returns the same text (module and token, without a
     * secret); g_free(). Optional: all share one. */
    char *(*place)(const char *location, struct error *error);
    /* Once per process, before anything else; the environment is set, privileges are dropped where place says so.
     * `place` as above, or NULL. memory: a folder for what must outlive the process, such as which PIN was refused;
     * NULL: nothing does. */
    bool (*open)(const char *place, const char *memory, void **state, struct error *error);
    void (*close)(void *state);
    /* secret_file: passphrase or PIN in its first line; may be NULL. Fills *key. */
    bool (*find)(void *state, const char *location, const char *secret_file, struct held_key *key, struct error *error);
    /* Ends the use of a found key: frees its handle, wipes it. held_key_clear() calls it not. */
    void (*forget)(void *state, void *handle);
    /* The keys in the place of that location; NULL-terminated, owned by the caller: held_key_clear() and g_free() each,
     * g_free() the list. NULL: *error is set. */
    struct held_key **(*list)(void *state, const char *location, const char *secret_file, struct error *error);
    enum key_answer (*work)(void *state, void *handle, const struct key_work *work, struct key_output *output);
    /* Optional: whether the place works, at a price of at most one small operation. KEY_DONE or why not. */
    enum key_answer (*probe)(void *state);
};

/* Frees what it points to, but not the handle. */
void held_key_clear(struct held_key *key);

extern const struct key_holder_type key_holder_file, key_holder_pkcs11;

#endif
