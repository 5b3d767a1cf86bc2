/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_module: the library of a token's maker.
 */
#ifndef DOMSEC_KEYS_TOKEN_MODULE_H
#define DOMSEC_KEYS_TOKEN_MODULE_H

#include "conf/token_uri.h"

#include <p11-kit/pkcs11.h>

struct token_module {
    void *library; /* of dlopen(); NULL: p11-kit's proxy */
    const CK_FUNCTION_LIST *call;
};

/* Loads and initialises the module of module-path or module-name, else all that p11-kit has in its configuration. */
bool token_module_open(const P11KitUri *uri, struct token_module *module, struct error *error);
/* Only after all of its calls have returned. */
void token_module_close(struct token_module *module);
/* C_Finalize and C_Initialize: the only way in which a module notices a token that was added or came back. */
bool token_module_restart(const P11KitUri *uri, struct token_module *module, struct error *error);

/* The slot with the token that the URI names. ERROR_TEMPORARY if no token fits: it may be plugged in later.
 * ERROR_CONFIGURATION if several fit. The texts name those that are there. */
bool token_module_find(const struct token_module *module, const P11KitUri *uri, CK_SLOT_ID *slot,
                       CK_TOKEN_INFO *information, struct error *error);

/* A field of a token that is padded with spaces; g_free(). */
char *token_padded_text(const unsigned char *field, size_t size);

#endif
