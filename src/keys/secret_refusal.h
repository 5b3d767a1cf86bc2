/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_refusal: which file held a PIN or passphrase that was refused. Tokens lock after a few wrong PINs, so the same
 * one is not tried twice: not before its file has changed.
 *
 * Nothing of the secret is kept, not even its digest, because short PINs can be guessed from that.
 */
#ifndef DOMSEC_KEYS_SECRET_REFUSAL_H
#define DOMSEC_KEYS_SECRET_REFUSAL_H

#include "base/error.h"

#include <sys/stat.h>

struct secret_refusal {
    char *file; /* NULL: nothing was refused */
    struct stat status;
};

/* Replaces what is remembered. */
void secret_refusal_note(struct secret_refusal *refusal, const char *file);
void secret_refusal_clear(struct secret_refusal *refusal);
/* Whether that file holds what was refused: it was not written or replaced since. */
bool secret_refusal_holds(const struct secret_refusal *refusal, const char *file);

/* Keep it in a file of a folder of ours, over the end of this process. name: of the token. What cannot be read is not
 * remembered. NULL folder: nothing is kept. */
bool secret_refusal_save(const struct secret_refusal *refusal, const char *folder, const char *name,
                         struct error *error);
void secret_refusal_load(struct secret_refusal *refusal, const char *folder, const char *name);
void secret_refusal_forget(const char *folder, const char *name);
/* A sentence for each that still holds; NULL-terminated, g_strfreev(). */
char **secret_refusal_list(const char *folder);

#endif
