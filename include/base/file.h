/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: reads a file that the configuration or a command names.
 */
#ifndef DOMSEC_BASE_FILE_H
#define DOMSEC_BASE_FILE_H

#include "base/error.h"

/* Returns the contents of a regular file, with a NUL after them. Symbolic links are followed. A directory, FIFO,
 * device or socket is refused without waiting, except a descriptor that was open when the program started
 * (/dev/stdin, /dev/fd/N, as in a shell's <(command)). g_free(). NULL with ERROR_CONFIGURATION; the text does not
 * name the file. Thread-safe. */
char *file_read(const char *path, size_t *length, struct error *error);

#endif
