/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_read: reads a message from a file descriptor.
 *
 * The first line end decides the kind of file. CRLF: the bytes go to the spool unchanged, and are also the original.
 * LF: it is a Unix file; the bytes as read go to a second spool, and each LF without a CR before it becomes CRLF in
 * the first. The end of the header is detected on the way, because its limits must hold while data arrives. This is
 * not for a mailbox file with several messages: everything after the first line is one message.
 */
#include "message_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_SIZE ((size_t)64 << 10)

struct reader {
    struct message *message;
    size_t line_length;   /* of the current header line so far, without LF */
    bool line_is_cr;      /* so far it is only a CR */
    size_t line_count;    /* header lines that are not continuations */
    bool pending_cr;      /* Unix: a CR at the end of the last piece, not yet written */
    size_t original_body; /* Unix: offset of the body as read */
};

/* Looks for the empty line in bytes that are about to be stored; may set message->in_body. */
static bool scan_header(struct reader *reader, const char *data, size_t length, struct error *error)
{
    struct message *message = reader->message;
    size_t stored = spool_length(message->spool);
    size_t at = 0;
    while (at < length) {
        if (reader->line_length == 0 && data[at] != ' ' && data[at] != '\t')
            reader->line_count++;
        const char *end = memchr(data + at, '\n', length - at);
        size_t here = end != NULL ? (size_t)(end - data) - at : length - at;
        if (here > 0) {
            reader->line_is_cr = reader->line_length + here == 1 && data[at] == '\r';
            reader->line_length += here;
        }
        at += here;
        if (end == NULL)
            break;
        at++;
        if (reader->line_length == 0 || reader->line_is_cr) {
            message->header_length = stored + at - 1 - reader->line_length - message->start;
            message->body_start = stored + at;
            message->in_body = true;
            return message_check_header(message, message->header_length, reader->line_count - 1, error);
        }
        reader->line_length = 0;
        reader->line_is_cr = false;
    }
    size_t open = reader->line_is_cr ? 1 : 0; /* perhaps the first half of the empty line */
    return message_check_header(message, stored + length - message->start - open, reader->line_count - open, error);
}

static bool store(struct reader *reader, const char *data, size_t length, struct error *error)
{
    struct message *message = reader->message;
    return message_check_size(message, length, error) &&
           (message->in_body || scan_header(reader, data, length, error)) &&
           spool_write(message->spool, data, length, error);
}

/* Stores what comes with CRLF line ends. */
static bool store_unix(struct reader *reader, const char *data, size_t length, struct error *error)
{
    struct message *message = reader->message;
    const char *rest = data;
    while (length > 0) {
        const char *end = memchr(rest, '\n', length);
        size_t line = end != NULL ? (size_t)(end - rest) : length;
        if (reader->pending_cr && line > 0 && !store(reader, "\r", 1, error))
            return false;
        reader->pending_cr = line > 0 && rest[line - 1] == '\r';
        size_t text = reader->pending_cr ? line - 1 : line;
        if (text > 0 && !store(reader, rest, text, error))
            return false;
        if (end == NULL)
            return true;
        bool was_in_body = message->in_body;
        reader->pending_cr = false;
        if (!store(reader, "\r\n", 2, error))
            return false;
        rest += line + 1;
        length -= line + 1;
        if (!was_in_body && message->in_body)
            reader->original_body = spool_length(message->original_spool) + (size_t)(rest - data);
    }
    return true;
}

static bool take(struct reader *reader, const char *data, size_t length, struct error *error)
{
    struct message *message = reader->message;
    if (message->original_spool == NULL)
        return store(reader, data, length, error);
    return store_unix(reader, data, length, error) && spool_write(message->original_spool, data, length, error);
}

/* "From alice@acme.test Thu …", which is not a field "From : alice@acme.test" (RFC 5322 §4.5). */
static bool is_mbox_line(const char *data, size_t line)
{
    size_t at = 5;
    if (line < at || memcmp(data, "From ", at) != 0)
        return false;
    while (at < line && (data[at] == ' ' || data[at] == '\t'))
        at++;
    return at == line || data[at] != ':';
}

/* Decides the kind of file by the first line, and skips an mbox "From " line. `line` is its length with the line
 * end. */
static bool begin(struct reader *reader, const char *data, size_t line, bool ended, struct error *error)
{
    struct message *message = reader->message;
    bool is_unix = ended && (line < 2 || data[line - 2] != '\r');
    bool is_mbox = is_mbox_line(data, line);
    if (is_unix)
        message->original_spool = spool_new(message->limits);
    if (!is_mbox)
        return take(reader, data, line, error);
    if (is_unix)
        return spool_write(message->original_spool, data, line, error);
    message->start = line;
    return spool_write(message->spool, data, line, error);
}

static ssize_t read_chunk(int fd, char *buffer, size_t size, struct error *error)
{
    ssize_t got;
    do
        got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        error_set_foreign(error, ERROR_TEMPORARY, g_strerror(errno), "the message cannot be read");
    return got;
}

static bool read_all(struct reader *reader, int fd, struct error *error)
{
    g_autofree char *buffer = g_malloc(CHUNK_SIZE);
    g_autoptr(GString) head = g_string_new(NULL); /* until the first line end */
    bool begun = false;

    for (;;) {
        ssize_t got = read_chunk(fd, buffer, CHUNK_SIZE, error);
        if (got < 0)
            return false;
        if (begun && got == 0)
            return true;
        if (begun) {
            if (!take(reader, buffer, (size_t)got, error))
                return false;
            continue;
        }
        g_string_append_len(head, buffer, got);
        const char *end = memchr(head->str, '\n', head->len);
        if (end == NULL && got > 0) {
            if (!message_check_header(reader->message, head->len, 0, error))
                return false;
            continue;
        }
        size_t line = end != NULL ? (size_t)(end - head->str) + 1 : head->len;
        if (!begin(reader, head->str, line, end != NULL, error) ||
            !take(reader, head->str + line, head->len - line, error))
            return false;
        begun = true;
    }
}

/* Completes the form "header lines, empty line, body". */
static bool complete(struct reader *reader, struct error *error)
{
    struct message *message = reader->message;
    if (reader->pending_cr && !store(reader, "\r", 1, error))
        return false;
    if (message->in_body)
        return true;
    bool open_line = reader->line_length > 0;
    size_t length = spool_length(message->spool) + (open_line ? 2 : 0);
    message->header_length = length - message->start;
    message->body_start = length + 2;
    message->in_body = true;
    return spool_write(message->spool, "\r\n\r\n", open_line ? 4 : 2, error);
}

static bool finish_original(struct reader *reader, size_t length, struct error *error)
{
    struct message *message = reader->message;
    if (message->original_spool == NULL) {
        message->original = (struct slice){message->bytes.data - message->start, length};
        size_t body = MIN(message->body_start, length);
        message->original_body = (struct slice){message->original.data + body, length - body};
        return true;
    }
    if (!spool_finish(message->original_spool, &message->original, error))
        return false;
    message->original_body =
        (struct slice){message->original.data + reader->original_body, message->original.len - reader->original_body};
    return true;
}

struct message *message_read(int fd, const struct limits *limits, struct error *error)
{
    owned(message) struct message *message = message_new(limits);
    struct reader reader = {.message = message};
    if (!read_all(&reader, fd, error))
        return NULL;
    size_t length = spool_length(message->spool); /* everything that was read, unless it is a Unix file */
    if (!complete(&reader, error) || !message_settle(message, error))
        return NULL;
    if (reader.original_body == 0 && message->original_spool != NULL) /* no empty line */
        reader.original_body = spool_length(message->original_spool);
    if (!finish_original(&reader, length, error) || !fields_parse(message->header, limits, &message->fields, error))
        return NULL;
    return steal(&message);
}
