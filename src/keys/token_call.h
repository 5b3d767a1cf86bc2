/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_call: one piece of work with one key in one session, as calls of PKCS #11.
 */
#ifndef DOMSEC_KEYS_TOKEN_CALL_H
#define DOMSEC_KEYS_TOKEN_CALL_H

#include "key_holder.h"
#include "token_object.h"

/* A key in use. What is below `object` was found out when the key was found, but `generation` and the handle, which
 * the lock of the token guards. */
struct token_key {
    struct token_object object;
    unsigned generation;   /* in which object.handle is valid */
    unsigned can, oaep;    /* as in struct held_key */
    struct key_work proof; /* a scheme that works; without input */
    bool raw;              /* RSA decrypts by CKM_RSA_X_509, and we take the padding off */
    bool wrapped_point;    /* the token wants the other side's point in an OCTET STRING */
    bool unclear;          /* the token answers a damaged block as it answers a fault of its own */
};

/* A key in a session. */
struct token_use {
    struct token *token;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE handle;
    const struct token_key *key;
};

/* Whether the token has the mechanism that this work needs with this key. */
bool token_call_known(const struct token_use *use, const struct key_work *work);
/* The input must fit the key. CKR_ENCRYPTED_DATA_INVALID if a padding is wrong. The session is only good for more
 * after CKR_OK and after codes of TOKEN_BAD_INPUT and TOKEN_CANNOT. */
CK_RV token_call(const struct token_use *use, const struct key_work *work, struct key_output *output);

/* The octets of the modulus or of a coordinate. */
size_t token_key_size(const struct token_key *key);

#endif
