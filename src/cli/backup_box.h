/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_box: the encrypted file of `domsec backup`.
 *
 *     "DOMSECBK", version (1 octet), cost (1 octet), salt (16), nonce (12)    authenticated
 *     ciphertext of AES-256-GCM, then its tag (16)
 *
 * The key is scrypt(passphrase, salt, N = 2^cost, r = 8, p = 1). A box is read twice: once to verify its tag, and then
 * for its contents, so that nothing that was not verified is looked at.
 */
#ifndef DOMSEC_CLI_BACKUP_BOX_H
#define DOMSEC_CLI_BACKUP_BOX_H

#include "base/bytes.h"
#include "base/error.h"

/* The first line of the file, which must not be empty. passphrase_free(). */
char *backup_passphrase(const char *file, struct error *error);

struct backup_box;

/* Begins a box in a file that is open for writing. name: of the file, for errors. */
struct backup_box *backup_box_new(int fd, const char *name, const char *passphrase, struct error *error);
bool backup_box_write(struct backup_box *box, struct slice bytes, struct error *error);
/* After the last byte: writes the tag. */
bool backup_box_finish(struct backup_box *box, struct error *error);

/* Opens a box, which must be a regular file. ERROR_PERMANENT if the passphrase is wrong or one bit has changed. */
struct backup_box *backup_box_open(const char *name, const char *passphrase, struct error *error);
/* The next bytes, exactly `length`. ERROR_PERMANENT if there are not so many. */
bool backup_box_read(struct backup_box *box, char *bytes, size_t length, struct error *error);
/* After the last byte: false if there are more, or if the file has changed since it was opened. */
bool backup_box_end(struct backup_box *box, struct error *error);

void backup_box_free(struct backup_box *box);
DECLARE_OWNED(backup_box, struct backup_box *, backup_box_free)

#endif
