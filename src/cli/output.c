/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output: a command that reports success must have written every byte. Messages go out by write(2) with each call
 * checked, and files are synced before they count as written. stdio is for text that people read. This file also
 * prints aligned tables.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool output_write(int fd, const char *name, struct slice bytes, struct error *error)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(error, ERROR_TEMPORARY, "cannot write to %s: %s", name,
                             n < 0 ? g_strerror(errno) : "no data was accepted");
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return true;
}

bool output_write_rope(int fd, const char *name, const struct rope *rope, struct error *error)
{
    for (size_t i = 0; i < rope_count(rope); i++)
        if (!output_write(fd, name, rope_at(rope, i), error))
            return false;
    return true;
}

bool output_reader_left(FILE *stream)
{
    (void)fflush(stream); /* an error stays with the stream */
    struct pollfd output = {.fd = fileno(stream), .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

bool output_close_stream(FILE *stream, const char *name, struct error *error)
{
    bool lost = ferror(stream) != 0;
    if (fclose(stream) != 0 || lost)
        return error_set(error, ERROR_TEMPORARY, "cannot write to %s: %s", name,
                         errno != 0 ? g_strerror(errno) : "output was lost");
    return true;
}

/* Always syncs and closes. */
static bool finish(int fd, const char *path, bool written, struct error *error)
{
    if (written && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        written = error_set(error, ERROR_TEMPORARY, "cannot write to %s: %s", path, g_strerror(errno));
    if (close(fd) != 0 && written)
        written = error_set(error, ERROR_TEMPORARY, "cannot write to %s: %s", path, g_strerror(errno));
    return written;
}

bool output_create(const char *path, mode_t mode, struct slice bytes, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600);
    if (fd < 0)
        return error_set(error, errno == EEXIST ? ERROR_PERMANENT : ERROR_TEMPORARY, "cannot create %s: %s", path,
                         errno == EEXIST ? "it exists already" : g_strerror(errno));
    bool written = output_write(fd, path, bytes, error);
    /* fchmod() and not the mode of open(), so that a tight umask does not make a certificate unreadable to the
     * daemon. */
    if (written && fchmod(fd, mode) != 0)
        written = error_set(error, ERROR_TEMPORARY, "cannot set the mode of %s: %s", path, g_strerror(errno));
    if (!finish(fd, path, written, error)) {
        (void)unlink(path);
        return false;
    }
    return true;
}

bool output_replace(const char *path, mode_t mode, const struct rope *rope, struct error *error)
{
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", path, g_strerror(errno));
    bool written = output_write_rope(fd, path, rope, error);
    if (written && fchmod(fd, mode) != 0)
        written = error_set(error, ERROR_TEMPORARY, "cannot set the mode of %s: %s", path, g_strerror(errno));
    written = finish(fd, path, written, error);
    if (written && rename(temporary, path) != 0)
        written = error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", path, g_strerror(errno));
    if (!written)
        (void)unlink(temporary);
    return written;
}

#define COLUMNS_MAX 12

struct table {
    size_t columns;
    GPtrArray *cells;
};

struct table *table_new(size_t columns)
{
    g_assert(columns > 0 && columns <= COLUMNS_MAX);
    struct table *table = g_new0(struct table, 1);
    table->columns = columns;
    table->cells = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    g_ptr_array_unref(table->cells);
    g_free(table);
}

void table_row(struct table *table, const char *const *cells)
{
    for (size_t i = 0; i < table->columns; i++) {
        const char *cell = cells[i] != NULL && *cells[i] != '\0' ? cells[i] : "-";
        g_ptr_array_add(table->cells, text_printable_copy(cell, strlen(cell)));
    }
}

size_t table_rows(const struct table *table)
{
    return table->cells->len / table->columns;
}

unsigned output_width(FILE *stream)
{
    struct winsize size = {0};
    if (!isatty(fileno(stream)) || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col < 40)
        return 0;
    return size.ws_col;
}

void output_wrap(FILE *stream, const char *text, unsigned column, unsigned left, unsigned width)
{
    while (*text != '\0') {
        size_t bytes = strcspn(text, " \n");
        unsigned length = (unsigned)g_utf8_strlen(text, (gssize)bytes);
        if (width > 0 && column > left && column + length > width) {
            fprintf(stream, "\n%*s", (int)left, "");
            column = left;
        }
        fprintf(stream, "%.*s", (int)bytes, text);
        column += length + 1;
        text += bytes;
        if (*text == '\0')
            break;
        text++;
        /* A full line gets no space at its end. */
        if (width == 0 || column + g_utf8_strlen(text, (gssize)strcspn(text, " \n")) <= width)
            fputc(' ', stream);
    }
    fputc('\n', stream);
}

/* The last cell of a row continues below itself, or on a line of its own, if it does not fit beside the others. */
static void print_last(FILE *stream, const char *cell, unsigned column, unsigned indent, unsigned width)
{
    bool fits = width == 0 || column + g_utf8_strlen(cell, -1) <= width;
    if (fits || column + 30 <= width) {
        output_wrap(stream, cell, column, column, fits ? 0 : width);
        return;
    }
    fprintf(stream, "\n%*s", (int)indent + 4, "");
    output_wrap(stream, cell, indent + 4, indent + 4, width);
}

void table_print(const struct table *table, FILE *stream, unsigned indent, bool heading)
{
    unsigned terminal = output_width(stream), at = 0;
    long width[COLUMNS_MAX] = {0};
    for (unsigned i = 0; i < table->cells->len; i++) {
        long length = g_utf8_strlen(table->cells->pdata[i], -1);
        width[i % table->columns] = MAX(width[i % table->columns], length);
    }
    for (unsigned i = 0; i < table->cells->len; i++) {
        const char *cell = table->cells->pdata[i];
        size_t column = i % table->columns;
        bool bold = heading && i < table->columns;
        bool last = column + 1 == table->columns;
        fprintf(stream, "%*s", column == 0 ? (int)indent : 0, "");
        at = column == 0 ? indent : at;
        if (last && !bold) {
            print_last(stream, cell, at, indent, terminal);
            continue;
        }
        fprintf(stream, "%s%s%s", bold ? output_style(stream, STYLE_BOLD) : "", cell,
                bold ? output_style(stream, STYLE_PLAIN) : "");
        fprintf(stream, last ? "\n" : "%*s", last ? 0 : (int)(width[column] - g_utf8_strlen(cell, -1)) + 2, "");
        at += (unsigned)width[column] + 2;
    }
}

const char *output_style(FILE *stream, enum style style)
{
    static const char *const sequences[] = {"\033[0m", "\033[1m", "\033[32m", "\033[31m"};
    const char *none = g_getenv("NO_COLOR");
    if (!isatty(fileno(stream)) || (none != NULL && *none != '\0'))
        return "";
    return sequences[style];
}
