/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: one received message in one run of bytes.
 *
 *     header lines, each ending in CRLF │ CRLF │ body
 *
 * Fields from a milter are written as text while they arrive, with their offsets recorded, so that a complete message
 * has the same form whatever its source. Limits are enforced while data arrives, and data beyond a limit is not stored.
 * A failure is permanent, because an incomplete message must not be mistaken for a complete one.
 *
 * A file (see message_read.c) is kept as read. If its header ends without an empty line, or in the middle of a line,
 * the missing bytes are added after the original ones, so that it has the form above, too. A Unix file is kept twice,
 * as read and with CRLF. A bare CR or LF in the body is not changed, nor is a bare LF in the header of a file whose
 * first line ends in CRLF; fields_parse() treats the latter as a line end. mime handles the MIME structure.
 */
#include "message_private.h"

#include <string.h>

struct message *message_new(const struct limits *limits)
{
    struct message *message = g_new0(struct message, 1);
    message->limits = limits;
    message->spool = spool_new(limits);
    return message;
}

void message_free(struct message *message)
{
    if (message == NULL)
        return;
    spool_free(message->spool);
    spool_free(message->original_spool);
    fields_clear(&message->fields);
    g_free(message->places);
    g_free(message);
}

bool message_check_size(const struct message *message, size_t more, struct error *error)
{
    size_t limit = message->limits->message_size;
    size_t length = spool_length(message->spool);
    if (length > limit || more > limit - length)
        return error_set(error, ERROR_TOO_LARGE, "message is larger than %zu octets", limit);
    return true;
}

bool message_check_header(const struct message *message, size_t size, size_t count, struct error *error)
{
    if (size > message->limits->header_size)
        return error_set(error, ERROR_TOO_LARGE, "header is larger than %zu octets", message->limits->header_size);
    if (count > message->limits->header_count)
        return error_set(error, ERROR_TOO_LARGE, "header has more than %u fields", message->limits->header_count);
    return true;
}

/* Returns the result of a step, and remembers a failure. */
static bool concluded(struct message *message, bool good, struct error *error)
{
    if (!good)
        message->failure = *error;
    return good;
}

static bool has_failed(const struct message *message, struct error *error)
{
    if (message->failure.kind == ERROR_NONE)
        return false;
    *error = message->failure;
    return true;
}

static bool store_field(struct message *message, struct slice name, struct slice value, struct error *error)
{
    size_t start = spool_length(message->spool);
    size_t length = name.len + 1 + value.len + 2;
    if (!message_check_size(message, length, error) ||
        !message_check_header(message, start + length, message->place_count + 1, error) ||
        !spool_write(message->spool, name.data, name.len, error) || !spool_write(message->spool, ":", 1, error) ||
        !spool_write(message->spool, value.data, value.len, error) || !spool_write(message->spool, "\r\n", 2, error))
        return false;
    if (message->place_count == message->place_room) {
        message->place_room = message->place_room != 0 ? message->place_room * 2 : 32;
        message->places = g_renew(struct place, message->places, message->place_room);
    }
    message->places[message->place_count++] = (struct place){start, name.len, value.len};
    return true;
}

bool message_add_field(struct message *message, const char *name, const char *value, struct error *error)
{
    if (has_failed(message, error))
        return false;
    if (message->in_body || message->finished)
        return concluded(message, error_set(error, ERROR_BUG, "header field after the end of the header"), error);
    if (strpbrk(name, "\r\n") != NULL || name[0] == ' ' || name[0] == '\t')
        return concluded(
            message,
            error_set(error, ERROR_PERMANENT, "header field name with a line end or a leading blank: \"%s\"", name),
            error);
    if (strpbrk(value, "\r\n") == NULL)
        return concluded(message, store_field(message, slice_of(name), slice_of(value), error), error);
    g_autofree char *folded = field_fold(slice_of(value));
    return concluded(message, store_field(message, slice_of(name), slice_of(folded), error), error);
}

static bool write_end_of_header(struct message *message, struct error *error)
{
    if (message->in_body)
        return true;
    message->header_length = spool_length(message->spool);
    message->in_body = true;
    message->body_start = message->header_length + 2;
    return message_check_size(message, 2, error) && spool_write(message->spool, "\r\n", 2, error);
}

bool message_end_header(struct message *message, struct error *error)
{
    if (has_failed(message, error))
        return false;
    return concluded(message, write_end_of_header(message, error), error);
}

bool message_add_body(struct message *message, const void *data, size_t length, struct error *error)
{
    if (has_failed(message, error))
        return false;
    return concluded(message,
                     write_end_of_header(message, error) && message_check_size(message, length, error) &&
                         spool_write(message->spool, data, length, error),
                     error);
}

static bool is_odd_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':')
            return true;
    }
    return name.len == 0;
}

/* A milter's fields, by the recorded offsets. The bytes are not parsed again, so a colon in a name has no effect. */
static void build_fields(struct message *message)
{
    struct fields *fields = &message->fields;
    fields->count = message->place_count;
    fields->list = g_new0(struct field, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        struct place place = message->places[i];
        const char *line = message->bytes.data + place.start;
        struct slice name = {line, place.name};
        /* White space before the colon is not part of the name (RFC 5322 §4.5.1), as MTAs count it. */
        while (name.len > 0 && (line[name.len - 1] == ' ' || line[name.len - 1] == '\t'))
            name.len--;
        fields->list[i].name = name;
        fields->list[i].value = (struct slice){line + place.name + 1, place.value};
        if (is_odd_name(name) && fields->junk.data == NULL)
            fields->junk = (struct slice){line, place.name + 1 + place.value};
    }
    fields_number(fields);
}

bool message_settle(struct message *message, struct error *error)
{
    struct slice all;
    if (!spool_finish(message->spool, &all, error))
        return false;
    message->bytes = (struct slice){all.data + message->start, all.len - message->start};
    message->header = (struct slice){message->bytes.data, message->header_length};
    message->body = (struct slice){all.data + message->body_start, all.len - message->body_start};
    message->finished = true;
    return true;
}

static bool finish(struct message *message, struct error *error)
{
    if (!write_end_of_header(message, error) || !message_settle(message, error))
        return false;
    message->original = message->bytes;
    message->original_body = message->body;
    build_fields(message);
    return true;
}

bool message_finish(struct message *message, struct error *error)
{
    if (has_failed(message, error))
        return false;
    return message->finished || concluded(message, finish(message, error), error);
}

struct slice message_original(const struct message *message)
{
    return message->original;
}

struct slice message_original_body(const struct message *message)
{
    return message->original_body;
}

struct slice message_bytes(const struct message *message)
{
    return message->bytes;
}

struct slice message_header(const struct message *message)
{
    return message->header;
}

struct slice message_body(const struct message *message)
{
    return message->body;
}

void message_lend_body(const struct message *message, struct rope *rope)
{
    spool_lend(message->spool, message->body, rope);
}

const struct fields *message_fields(const struct message *message)
{
    return &message->fields;
}

bool message_is_unix(const struct message *message)
{
    return message->original_spool != NULL;
}

void message_forget(const struct message *message)
{
    spool_forget(message->spool);
    if (message->original_spool != NULL)
        spool_forget(message->original_spool);
}
