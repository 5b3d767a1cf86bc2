/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder: a folder of a test's own below /tmp, and the files in it. A failure aborts the test.
 *
 *     owned(folder) char *folder = folder_new();
 *     folder_write(folder, "policy.d/partner.test.conf", "domain = \"partner.test\";\n");
 */
#ifndef DOMSEC_TESTS_SUPPORT_FOLDER_H
#define DOMSEC_TESTS_SUPPORT_FOLDER_H

#include "base/cleanup.h"

/* A new, empty folder; folder_remove(). */
char *folder_new(void);

/* Deletes the folder with everything in it, and frees its name. NULL is allowed. */
void folder_remove(char *folder);
DECLARE_OWNED(folder, char *, folder_remove)

/* Writes a file. Folders in its name are made as needed, for the owner only. */
void folder_write(const char *folder, const char *name, const char *text);

/* As folder_write(); returns the file's path. g_free(). */
char *folder_file(const char *folder, const char *name, const char *text);

/* The file's text, or NULL if it cannot be read. g_free(). */
char *folder_read(const char *folder, const char *name);

void folder_copy(const char *from_folder, const char *from, const char *to_folder, const char *to);

/* The permission bits, or 0 if there is no such file. Links are not followed. */
unsigned folder_mode(const char *folder, const char *name);

#endif
