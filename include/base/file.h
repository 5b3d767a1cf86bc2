/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: reads what the configuration or a command names.
 */
#ifndef DOMSEC_BASE_FILE_H
#define DOMSEC_BASE_FILE_H

#include "base/error.h"

/* The whole of a regular file, symbolic links followed, with a NUL behind it. A folder, FIFO, device or socket is
 * refused, and not waited for; but a descriptor that whoever started the program has opened for it may be named
 * (/dev/stdin, /dev/fd/N, as a shell's <(command) does). g_free(). NULL with ERROR_CONFIGURATION; the text does not
 * name the file. Thread-safe. */
char *file_read(const char *path, size_t *length, struct error *error);

#endif
