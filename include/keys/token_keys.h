/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_keys: what the command line does in a token: makes keys, and shows those that are there. The process must have
 * no other use of the module at that time.
 */
#ifndef DOMSEC_KEYS_TOKEN_KEYS_H
#define DOMSEC_KEYS_TOKEN_KEYS_H

#include "base/error.h"
#include "base/openssl.h"

/* A private key in a token. */
struct token_listing {
    char *uri;
    EVP_PKEY *public_key; /* NULL: the token does not show it */
    char *uses;           /* what a trial showed: "RSA-PSS, RSA-OAEP"; "": nothing */
    char *note;           /* NULL: nothing to say */
};

/* All private keys of the token that the URI names; token_listings_free(). NULL: *error is set. */
struct token_listing **token_keys_list(const char *uri, struct error *error);
void token_listings_free(struct token_listing **list);

/* A sentence for each PIN that a token refused and that is not tried again before its file changes, as the folder of
 * the daemon's state tells; NULL-terminated, g_strfreev(). */
char **token_keys_refused_pins(const char *folder);

/* What a new key is for. */
enum token_purpose { TOKEN_SIGNS, TOKEN_DECRYPTS };

/* Lets the token make a key that never leaves it. The URI names the token, and may name object and id; else the label
 * is `label`, and the id is random. group NULL: RSA of so many bits; else an EC group or "ED25519". Returns the URI of
 * the new key, with what the first URI has behind its "?"; g_free(). NULL: *error is set. */
char *token_keys_new(const char *uri, const char *label, unsigned bits, const char *group, enum token_purpose purpose,
                     struct error *error);

DECLARE_OWNED(token_listings, struct token_listing **, token_listings_free)

#endif
