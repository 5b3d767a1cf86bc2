/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_code: what the return values of PKCS #11 mean to us.
 */
#ifndef DOMSEC_KEYS_TOKEN_CODE_H
#define DOMSEC_KEYS_TOKEN_CODE_H

#include "base/error.h"

#include <p11-kit/pkcs11.h>

enum token_class {
    TOKEN_GOOD,
    TOKEN_BAD_INPUT, /* what was decrypted does not fit */
    TOKEN_CANNOT,    /* this token or this key does not do that, and will not */
    TOKEN_FULL,      /* short of sessions or memory: trying again may help */
    TOKEN_STALE,     /* the session, its login or the handle of the key is gone: a new one may help */
    TOKEN_PIN,       /* the PIN was refused: trying again would lock the token */
    TOKEN_UNCLEAR,   /* an error that tokens give for a lost link as well as for bad input */
    TOKEN_BROKEN,    /* the token or the module is gone: only a new C_Initialize may help */
};

enum token_class token_class(CK_RV code);
/* "CKR_DEVICE_ERROR (0x30)", for one that is not known "0x80000001"; buffer has room for 64 bytes. Returns buffer. */
const char *token_code_text(CK_RV code, char *buffer);
#define TOKEN_CODE_TEXT 64
/* Sets the text "what: CKR_…" and the kind of the class. Always returns false. */
bool token_code_fails(CK_RV code, const char *what, struct error *error);

#endif
