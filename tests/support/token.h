/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: tokens of SoftHSM for one test, and a module before them that makes trouble (tests/preload/token.c).
 *
 *     owned(token_home) struct token_home *home = token_home_new();      a token "T" with the PIN 1234, in a new folder
 *     token_home_import(home, "dsa", "01", pki->key, "sign");            a key made elsewhere
 *     char *uri = token_home_uri(home, "token=T;object=dsa");            with the module and the PIN's file
 *     token_home_trouble(home, "fail C_Sign 0x30 2\n");
 *
 * The environment of the process is set for it.
 */
#ifndef DOMSEC_TESTS_SUPPORT_TOKEN_H
#define DOMSEC_TESTS_SUPPORT_TOKEN_H

#include "support/folder.h"

#include <openssl/evp.h>

#define TOKEN_SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

struct token_home {
    char *folder; /* tokens/, control, calls, pin */
    char *shim;   /* the module that makes trouble */
    char *pin_file;
};

struct token_home *token_home_new(void);
void token_home_free(struct token_home *home);
DECLARE_OWNED(token_home, struct token_home *, token_home_free)

/* One more token, with the PIN 1234. */
void token_home_add(const struct token_home *home, const char *label);
/* Writes the key into the token "T". id: hex. usage: "sign", "decrypt", "derive", or several with commas. */
void token_home_import(const struct token_home *home, const char *label, const char *id, EVP_PKEY *key,
                       const char *usage);
/* Lets the token make a key: "RSA:2048", "EC:prime256v1", "EC:edwards25519". */
void token_home_generate(const struct token_home *home, const char *label, const char *id, const char *type);
void token_home_delete(const struct token_home *home, const char *label, const char *type);

/* "pkcs11:PATH?module-path=…&pin-source=…"; g_free(). */
char *token_home_uri(const struct token_home *home, const char *path);

/* What the module does from now on; "": no trouble. */
void token_home_trouble(const struct token_home *home, const char *lines);
/* How often a function of the module was called so far. */
unsigned token_home_calls(const struct token_home *home, const char *function);

/* The token is pulled out, or put back. */
void token_home_vanish(const struct token_home *home);
void token_home_return(const struct token_home *home);

#endif
