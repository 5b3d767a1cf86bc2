/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_object: the keys in a token, as the token describes them.
 */
#ifndef DOMSEC_KEYS_TOKEN_OBJECT_H
#define DOMSEC_KEYS_TOKEN_OBJECT_H

#include "token.h"

#include "base/openssl.h"

/* A private key in a token. */
struct token_object {
    CK_OBJECT_HANDLE handle;
    GBytes *id;           /* never NULL; may be empty */
    char *label;          /* never NULL; may be empty */
    EVP_PKEY *public_key; /* NULL: the token does not show it */
    bool asks_each_time;  /* CKA_ALWAYS_AUTHENTICATE */
};
void token_object_clear(struct token_object *object);

/* All private keys with the id and the label of the URI (those that it has), as struct token_object *; free it with
 * g_ptr_array_unref(). NULL: *code and *error say why. */
GPtrArray *token_objects(struct token *token, CK_SESSION_HANDLE session, const P11KitUri *uri, CK_RV *code,
                         struct error *error);
/* The handle of the one private key with this id and label; CKR_OBJECT_HANDLE_INVALID if no key fits, or several do. */
CK_RV token_object_handle(struct token *token, CK_SESSION_HANDLE session, const struct token_object *object,
                          CK_OBJECT_HANDLE *handle);
/* Its URI without "pkcs11:", with what tells its token and module; free() it. NULL: out of memory. */
char *token_object_location(const struct token *token, const struct token_object *object);

/* The EC group of CKA_EC_PARAMS; DER is OpenSSL's to read. NULL: unknown. */
const char *token_group_name(const unsigned char *der, size_t length);

#endif
