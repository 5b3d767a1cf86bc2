/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: reads a file that an administrator named.
 *
 * Opening a FIFO without a writer, or reading a terminal, blocks forever, and a daemon that reloads would not react
 * meanwhile. So the file is opened without waiting, and is read only if it is a regular file. This is not for
 * messages, which come from anywhere and have a limit (mail/message.h), and not for keys, whose bytes must not stay in
 * memory.
 */
#include "base/file.h"

#include "base/bytes.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536

static bool names_descriptor(const char *path)
{
    return g_str_equal(path, "/dev/stdin") || text_begins_with(path, "/dev/fd/") ||
           text_begins_with(path, "/proc/self/fd/");
}

static int open_regular(const char *path, struct error *error)
{
    bool any = names_descriptor(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (any ? 0 : O_NONBLOCK));
    struct stat status = {0};
    if (fd >= 0 && fstat(fd, &status) == 0 && (any || S_ISREG(status.st_mode)))
        return fd;
    /* Some devices cannot even be opened in this way. */
    bool odd = fd >= 0 || errno == ENXIO;
    const char *what = fd >= 0 && S_ISDIR(status.st_mode) ? "is a directory" : "not a regular file";
    error_set(error, ERROR_CONFIGURATION, "%s", odd ? what : g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool read_all(int fd, GString *contents)
{
    char chunk[CHUNK];
    ssize_t got;
    do {
        got = read(fd, chunk, sizeof(chunk));
        if (got > 0)
            g_string_append_len(contents, chunk, got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0;
}

char *file_read(const char *path, size_t *length, struct error *error)
{
    int fd = open_regular(path, error);
    if (fd < 0)
        return NULL;
    GString *contents = g_string_new(NULL);
    bool good = read_all(fd, contents) || error_set(error, ERROR_CONFIGURATION, "%s", g_strerror(errno));
    close(fd);
    *length = contents->len;
    return g_string_free(contents, !good);
}
