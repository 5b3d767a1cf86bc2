/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quoted: a quoted-printable encoder whose output no MTA needs to change.
 *
 * GMime's encoder is not suitable: it treats any LF as a line break, so it loses whether there was a CR, and it leaves
 * "From " and text that looks like a delimiter at the beginning of a line (RFC 8551 §3.1.2, RFC 2049 §3). GMime
 * decodes.
 */
#include "quoted.h"

#include <glib.h>
#include <string.h>

#define MAX_LINE 76
#define BUFFER 16384

struct writer {
    struct spool *out;
    struct error *error;
    size_t used;
    size_t column;
    char buffer[BUFFER + 8];
};

static bool flush(struct writer *writer)
{
    bool good = spool_write(writer->out, writer->buffer, writer->used, writer->error);
    writer->used = 0;
    return good;
}

static void put(struct writer *writer, const char *text, size_t length)
{
    memcpy(writer->buffer + writer->used, text, length);
    writer->used += length;
    writer->column += length;
}

static void put_encoded(struct writer *writer, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    put(writer, (char[]){'=', hex[c >> 4], hex[c & 15]}, 3);
}

static void end_line(struct writer *writer, bool soft)
{
    if (soft)
        put(writer, "=", 1);
    put(writer, "\r\n", 2);
    writer->column = 0;
}

static bool at_line_end(const char *next, const char *end)
{
    return next == end || (end - next >= 2 && next[0] == '\r' && next[1] == '\n');
}

/* p is the first byte of an output line. True if a program could mistake it for something else there. */
static bool is_risky_at_line_start(const char *p, const char *end)
{
    size_t left = (size_t)(end - p);
    return (left >= 5 && memcmp(p, "From ", 5) == 0)  /* mbox */
           || (*p == '-' && left >= 2 && p[1] == '-') /* a delimiter around us */
           || (*p == '.' && at_line_end(p + 1, end)); /* the end of SMTP's DATA */
}

static bool must_encode(const struct writer *writer, const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (c == ' ' || c == '\t')
        return at_line_end(p + 1, end);
    if (c < 33 || c > 126 || c == '=')
        return true;
    return writer->column == 0 && is_risky_at_line_start(p, end);
}

/* Number of bytes from p (at most room) that need no encoding except at the start of a line. */
static size_t plain_run(const char *p, const char *end, size_t room)
{
    size_t length = 0;
    for (; length < room && p + length < end; length++) {
        unsigned char c = (unsigned char)p[length];
        bool is_inner_space = c == ' ' && p + length + 1 < end && p[length + 1] != '\r';
        if ((c < 33 || c > 126 || c == '=') && !is_inner_space)
            break;
    }
    return length;
}

bool quoted_write(struct slice text, bool close, struct spool *out, struct error *error)
{
    struct writer writer;
    writer.out = out;
    writer.error = error;
    writer.used = writer.column = 0;
    const char *p = text.data, *end = text.len == 0 ? p : p + text.len;
    while (p < end) {
        if (writer.used + MAX_LINE + 8 >= BUFFER && !flush(&writer))
            return false;
        size_t run = writer.column == 0 ? 0 : plain_run(p, end, MAX_LINE - 1 - MIN(writer.column, MAX_LINE - 1));
        if (run > 0) {
            put(&writer, p, run);
            p += run;
            continue;
        }
        if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
            end_line(&writer, false);
            p += 2;
            continue;
        }
        bool encode = must_encode(&writer, p, end);
        size_t width = encode ? 3 : 1;
        /* One column stays free for a soft line break, unless the line ends anyway. */
        bool is_last = at_line_end(p + 1, end) && !(close && p + 1 == end);
        if (writer.column + width > MAX_LINE - (is_last ? 0 : 1)) {
            end_line(&writer, true);
            encode = must_encode(&writer, p, end);
        }
        if (encode)
            put_encoded(&writer, (unsigned char)*p);
        else
            put(&writer, p, 1);
        p++;
    }
    if (close && writer.column > 0)
        end_line(&writer, true);
    return flush(&writer);
}
