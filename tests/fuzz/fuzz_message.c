/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_message: any bytes as a message from a file, or as the fields and the body that a mail server hands over; its
 * addresses; and edits made with what else is in the input. What is not edited comes out byte for byte, and no value
 * that is written makes a field of its own.
 *
 * Input: a byte of options, then the message. Through the milter's door: name NUL value NUL … NUL NUL body.
 */
#include "mail/address.h"
#include "mail/edits.h"
#include "mail/mime.h"
#include "require.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum option { OPTION_MILTER = 1, OPTION_REPLACE = 2, OPTION_SPOOL = 4 };

/* Output may be longer than what was accepted, by what edits put in. */
static const struct limits wide = {.header_size = (size_t)1 << 24, .header_count = 100000};

static void check_addresses(struct slice value)
{
    struct addresses addresses;
    struct error error = {0};
    if (addresses_parse(value, &addresses, &error)) {
        require(addresses.count > 0);
        for (size_t i = 0; i < addresses.count; i++) {
            struct address again, *one = &addresses.list[i];
            require(address_parse(slice_of(one->text), &again, &error));
            require(address_equal(&again, one) && strcmp(again.text, one->text) == 0);
            for (const char *c = one->text; *c != '\0'; c++)
                require((unsigned char)*c >= ' ' && *c != 0x7f);
            address_clear(&again);
        }
        addresses_clear(&addresses);
    } else {
        require(error.kind == ERROR_PERMANENT && error.text[0] != '\0');
    }
    struct address address;
    if (address_parse(value, &address, &error))
        address_clear(&address);
    if (address_parse_path(value, &address, &error))
        address_clear(&address);
    owned(mentions) struct mentions *mentions = mentions_new();
    mentions_add(mentions, value);
    mentions_hold(mentions, "acme.test");
}

static struct message *read_file(struct slice bytes, const struct limits *limits)
{
    struct error error = {0};
    int fd = memfd_create("message", 0);
    require(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len && lseek(fd, 0, SEEK_SET) == 0);
    struct message *message = message_read(fd, limits, &error);
    close(fd);
    require(message != NULL || error.kind == ERROR_TOO_LARGE);
    require(message == NULL || slice_equal(message_original(message), bytes));
    return message;
}

/* The next text up to a NUL, or to the end. */
static char *take_text(struct slice *rest)
{
    char *text = g_strndup(rest->data, rest->len);
    size_t taken = MIN(strlen(text) + 1, rest->len);
    rest->data += taken;
    rest->len -= taken;
    return text;
}

static struct message *from_server(struct slice bytes, const struct limits *limits)
{
    owned(message) struct message *message = message_new(limits);
    struct error error = {0};
    bool accepted = true;
    size_t count = 0;
    while (accepted && bytes.len > 0 && bytes.data[0] != '\0') {
        g_autofree char *name = take_text(&bytes);
        g_autofree char *value = take_text(&bytes);
        accepted = message_add_field(message, name, value, &error);
        count++;
    }
    size_t half = bytes.len / 2;
    accepted = accepted && message_end_header(message, &error) && message_add_body(message, bytes.data, half, &error) &&
               message_add_body(message, bytes.data + half, bytes.len - half, &error) &&
               message_finish(message, &error);
    require(accepted || error.kind == ERROR_PERMANENT || error.kind == ERROR_TOO_LARGE);
    require(!accepted || message_fields(message)->count == count);
    return accepted ? steal(&message) : NULL;
}

static void check_shape(const struct message *message)
{
    struct slice bytes = message_bytes(message), header = message_header(message), body = message_body(message);
    struct slice original = message_original(message), original_body = message_original_body(message);
    const struct fields *fields = message_fields(message);
    struct edits none = {0};
    size_t length;
    require(header.data == bytes.data && body.data >= header.data + header.len &&
            body.data + body.len == bytes.data + bytes.len);
    require(original_body.data + original_body.len == original.data + original.len);
    for (size_t i = 0; i < fields->count; i++) {
        struct slice name = fields->list[i].name, value = fields->list[i].value;
        g_autofree char *text = g_strndup(name.data, name.len);
        require(name.data >= header.data && value.data + value.len <= header.data + header.len);
        require(strlen(text) != name.len || fields_find(fields, text, fields->list[i].index) == &fields->list[i]);
        check_addresses(value);
    }
    owned(rope) struct rope *untouched = edits_apply(&none, message);
    g_autofree char *flat = rope_flatten(untouched, &length);
    require(slice_equal((struct slice){flat, length}, original));
}

/* Fields of the message that are still there. An odd name from a server may be read back as another or as none. */
static void check_kept(const struct message *message, const struct fields *after, bool replaced)
{
    const struct fields *fields = message_fields(message);
    size_t at = 0;
    if (fields->junk.data != NULL)
        return;

    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        bool is_mime = field->name.len >= 5 && (g_ascii_strncasecmp(field->name.data, "Conte", 5) == 0 ||
                                                g_ascii_strncasecmp(field->name.data, "MIME-", 5) == 0);
        if ((slice_equal_nocase(field->name, "Subject") && field->index == 1) || (replaced && is_mime))
            continue;
        while (at < after->count && !slice_equal(after->list[at].name, field->name))
            at++;
        require(at < after->count);
        at++;
    }
}

static void check_edits(const struct message *message, struct slice hostile, bool replace)
{
    struct edits edits = {0};
    struct error error = {0};
    struct fields fields;
    size_t length;
    g_autofree char *value = field_plain(hostile);
    g_autofree char *one = g_strconcat(" ", value, NULL);
    struct entity entity = {rope_new(), rope_new()};
    rope_printf(entity.header, "Content-Type:%s\r\n", one);
    rope_copy(entity.body, slice_of("the new body\r\n"));
    edits_insert(&edits, "X-Result", one);
    edits_delete(&edits, "Subject", 1);
    if (replace)
        edits_replace_entity(&edits, message, &entity);
    if (!edits_finish(&edits, message, &error)) {
        require(error.kind == ERROR_TOO_LARGE);
        entity_clear(&entity);
        return;
    }
    owned(rope) struct rope *out = edits_apply(&edits, message);
    g_autofree char *flat = rope_flatten(out, &length);
    require(fields_parse((struct slice){flat, length}, &wide, &fields, &error));
    require(fields.count > 0 && slice_equal_nocase(fields.list[0].name, "X-Result"));
    if (!message_is_unix(message))
        require(slice_equal(fields.list[0].value, slice_of(one)));
    check_kept(message, &fields, replace);
    if (replace) {
        require(fields_count(&fields, "Content-Type") == 1 && fields_count(&fields, "MIME-Version") > 0);
        require(length >= 13 && memmem(flat + length - 14, 14, "the new body", 12) != NULL);
    } else if (message_fields(message)->junk.data == NULL) {
        unsigned gone = fields_count(message_fields(message), "Subject") > 0;
        require(fields.count == message_fields(message)->count + 1 - gone);
    }
    fields_clear(&fields);
    entity_clear(&entity);
    edits_clear(&edits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    struct limits limits = {
        .message_size = 20000, .memory = 100000, .spool_dir = (char *)"/tmp", .header_size = 4000, .header_count = 40};
    if (!is_ready)
        mime_init();
    is_ready = true;
    if (size < 1)
        return 0;
    unsigned options = data[0];
    struct slice bytes = {(const char *)data + 1, size - 1};
    if (options & OPTION_SPOOL)
        limits.memory = 200;
    check_addresses(bytes);
    owned(message) struct message *message =
        options & OPTION_MILTER ? from_server(bytes, &limits) : read_file(bytes, &limits);
    if (message == NULL)
        return 0;
    check_shape(message);
    check_edits(message, bytes.len > 200 ? (struct slice){bytes.data, 200} : bytes, options & OPTION_REPLACE);
    return 0;
}
