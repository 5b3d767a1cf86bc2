/* SPDX-License-Identifier: Apache-2.0 */
/* message: as a milter and as a file bring it, with odd headers, odd line ends, and over each limit. */
#include "mail/message.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct limits limits = {
    .message_size = 10 << 20, .memory = 1 << 20, .spool_dir = "/tmp", .header_size = 100000, .header_count = 500};

#define BYTES(text) text, sizeof(text) - 1

static void expect_slice(struct slice got, const char *expected, size_t length, const char *what, size_t row)
{
    cr_expect(slice_equal(got, (struct slice){expected, length}), "%s, row %zu: %zu octets: %.*s", what, row, got.len,
              (int)got.len, got.data);
}

/* Reads from a pipe, in pieces, as from a terminal or another program. */
static struct message *read_pieces(const char *data, size_t length, size_t piece, const struct limits *given,
                                   struct error *error)
{
    int ends[2];
    cr_assert(pipe2(ends, O_DIRECT) == 0); /* each write is one read */
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        close(ends[0]);
        for (size_t at = 0; at < length; at += piece) {
            if (write(ends[1], data + at, MIN(piece, length - at)) < 0)
                break;
        }
        _exit(0);
    }
    close(ends[1]);
    struct message *message = message_read(ends[0], given, error);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return message;
}

static const struct {
    const char *file;
    size_t length;
    const char *header, *body;
    bool is_unix;
    unsigned fields;
} files[] = {
    {BYTES("A: b\r\nC: d\r\n\r\nbody\r\n"), "A: b\r\nC: d\r\n", "body\r\n", false, 2},
    {BYTES("A: b\nC: d\n\nbody\n"), "A: b\r\nC: d\r\n", "body\r\n", true, 2},
    {BYTES("From x\r\nA: b\r\n\r\nbody\r\n"), "A: b\r\n", "body\r\n", false, 1},
    {BYTES("From x\nA: b\n\nbody\nFrom y\n"), "A: b\r\n", "body\r\nFrom y\r\n", true, 1},
    {BYTES("From: x\n\nbody"), "From: x\r\n", "body", true, 1},
    /* no body, no empty line, no line end, nothing */
    {BYTES("A: b\r\n\r\n"), "A: b\r\n", "", false, 1},
    {BYTES("A: b\r\n"), "A: b\r\n", "", false, 1},
    {BYTES("A: b\n"), "A: b\r\n", "", true, 1},
    {BYTES("A: b\nC: d"), "A: b\r\nC: d\r\n", "", true, 2},
    {BYTES("A: b"), "A: b\r\n", "", false, 1},
    {BYTES("A: b\r\nC: d"), "A: b\r\nC: d\r\n", "", false, 2},
    {BYTES(""), "", "", false, 0},
    {BYTES("\n"), "", "", true, 0},
    {BYTES("\r\nbody"), "", "body", false, 0},
    {BYTES("\nbody\n"), "", "body\r\n", true, 0},
    {BYTES("From x\n"), "", "", true, 0},
    {BYTES("From x"), "", "", false, 0},
    {BYTES("From x\r\n\r\nbody"), "", "body", false, 0},
    /* odd line ends */
    {BYTES("A: b\n\na\r\nb\n"), "A: b\r\n", "a\r\nb\r\n", true, 1},
    {BYTES("A: b\n\na\rb\r\r\nc\r"), "A: b\r\n", "a\rb\r\r\nc\r", true, 1},
    {BYTES("A: b\n\na\r"), "A: b\r\n", "a\r", true, 1},
    {BYTES("A: b\r"), "A: b\r\r\n", "", false, 1},
    {BYTES("A: b\nC: d\r"), "A: b\r\nC: d\r\r\n", "", true, 2},
    {BYTES("A: b\r\n\r\na\nb\rc\r\n"), "A: b\r\n", "a\nb\rc\r\n", false, 1},
    {BYTES("A: b\r\nC: d\n\nbody"), "A: b\r\nC: d\n", "body", false, 2},
    {BYTES("A: b\rC: d\r\n\r\nbody"), "A: b\rC: d\r\n", "body", false, 1},
    {BYTES("A: b\r\n\r\r\nC: d\r\n\r\nbody"), "A: b\r\n\r\r\nC: d\r\n", "body", false, 2},
    {BYTES("A: b\r\n \r\n c\r\n\r\nbody"), "A: b\r\n \r\n c\r\n", "body", false, 1},
    /* no header lines in the header */
    {BYTES("no colon\nA: b\n\nbody"), "no colon\r\nA: b\r\n", "body", true, 1},
};

static void check_file(size_t row, size_t piece)
{
    struct error error = {0};
    owned(message) struct message *message = read_pieces(files[row].file, files[row].length, piece, &limits, &error);
    cr_assert(message != NULL, "row %zu: %s", row, error.text);
    expect_slice(message_original(message), files[row].file, files[row].length, "original", row);
    expect_slice(message_header(message), files[row].header, strlen(files[row].header), "header", row);
    expect_slice(message_body(message), files[row].body, strlen(files[row].body), "body", row);
    g_autofree char *whole = g_strconcat(files[row].header, "\r\n", files[row].body, NULL);
    struct slice bytes = message_bytes(message);
    if (strstr(files[row].file, "\n\n") == NULL || files[row].is_unix)
        expect_slice(bytes, whole, strlen(whole), "bytes", row);
    cr_expect(message_is_unix(message) == files[row].is_unix, "row %zu", row);
    cr_expect(message_fields(message)->count == files[row].fields, "row %zu", row);
    struct slice tail = message_original_body(message);
    cr_expect(tail.data + tail.len == message_original(message).data + message_original(message).len, "row %zu", row);
    if (!files[row].is_unix)
        expect_slice(tail, files[row].body, strlen(files[row].body), "original body", row);
    message_forget(message);
}

Test(message, files)
{
    static const size_t pieces[] = {1000, 1, 2, 3};
    for (size_t row = 0; row < G_N_ELEMENTS(files); row++) {
        for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
            check_file(row, pieces[i]);
    }
}

Test(message, unix_original_body)
{
    struct error error = {0};
    const char text[] = "From x\nA: b\r\n\na\r\nb\n";
    owned(message) struct message *message = read_pieces(BYTES(text), 5, &limits, &error);
    cr_assert(message != NULL);
    expect_slice(message_original_body(message), BYTES("a\r\nb\n"), "original body", 0);
    expect_slice(message_bytes(message), BYTES("A: b\r\n\r\na\r\nb\r\n"), "bytes", 0);
}

/* A CRLF file is held once: what it reads as is part of what was read. */
Test(message, crlf_file_is_one_copy)
{
    struct error error = {0};
    owned(message) struct message *message = read_pieces(BYTES("From x\r\nA: b\r\n\r\nc"), 100, &limits, &error);
    cr_assert(message != NULL);
    cr_expect(message_bytes(message).data == message_original(message).data + strlen("From x\r\n"));
}

/* Large, in memory and in a file, with line ends across the pieces read. */
static void check_large(const struct limits *given, const char *line_end)
{
    struct error error = {0};
    g_autoptr(GString) file = g_string_new(NULL);
    g_autoptr(GString) body = g_string_new(NULL);
    g_string_printf(file, "From x%sA: b%s%s", line_end, line_end, line_end);
    for (unsigned i = 0; i < 60000; i++) {
        g_string_append_printf(file, "line %u%s", i, line_end);
        g_string_append_printf(body, "line %u\r\n", i);
    }
    owned(message) struct message *message = read_pieces(file->str, file->len, 65536, given, &error);
    cr_assert(message != NULL, "%s", error.text);
    cr_expect(slice_equal(message_original(message), (struct slice){file->str, file->len}));
    cr_expect(slice_equal(message_body(message), (struct slice){body->str, body->len}));
    message_forget(message);
    cr_expect(slice_equal(message_body(message), (struct slice){body->str, body->len}));
}

Test(message, large_files)
{
    struct limits small = limits;
    small.memory = 1000;
    check_large(&limits, "\r\n");
    check_large(&limits, "\n");
    check_large(&small, "\r\n");
    check_large(&small, "\n");
}

static const struct {
    const char *name, *value, *line;
    const char *counted; /* the name as it counts */
    bool odd;
} milter_fields[] = {
    {"Subject", " hello", "Subject: hello\r\n", "Subject", false},
    {"Subject", "hello", "Subject:hello\r\n", "Subject", false},
    {"To", " a,\n\tb", "To: a,\r\n\tb\r\n", "To", false},
    {"To", " a,\r\n b", "To: a,\r\n b\r\n", "To", false},
    {"X", "", "X:\r\n", "X", false},
    {"X", " a\nBcc: c", "X: a\r\n Bcc: c\r\n", "X", false},
    {"X", " a\r\n\r\nbody", "X: a\r\n \r\n body\r\n", "X", false},
    {"X", " a\rBcc: c", "X: a Bcc: c\r\n", "X", false},
    {"X", " a\r", "X: a \r\n", "X", false},
    {"X", " a\n", "X: a\r\n \r\n", "X", false},
    {"X ", " a", "X : a\r\n", "X", false},
    {"", " a", ": a\r\n", "", true},
    {"X:Y", " a", "X:Y: a\r\n", "X:Y", true},
    {"X Y", " a", "X Y: a\r\n", "X Y", true},
    {"X\x01", " a", "X\x01: a\r\n", "X\x01", true},
    {"\xff\xfe", " \xff", "\xff\xfe: \xff\r\n", "\xff\xfe", true},
};

Test(message, milter_fields)
{
    for (size_t i = 0; i < G_N_ELEMENTS(milter_fields); i++) {
        struct error error = {0};
        owned(message) struct message *message = message_new(&limits);
        cr_assert(message_add_field(message, milter_fields[i].name, milter_fields[i].value, &error));
        cr_assert(message_end_header(message, &error));
        cr_assert(message_finish(message, &error));
        expect_slice(message_header(message), milter_fields[i].line, strlen(milter_fields[i].line), "header", i);
        const struct fields *fields = message_fields(message);
        cr_assert(fields->count == 1);
        expect_slice(fields->list[0].name, milter_fields[i].counted, strlen(milter_fields[i].counted), "name", i);
        cr_expect((fields->junk.data != NULL) == milter_fields[i].odd, "row %zu", i);
        cr_expect(fields->list[0].index == 1);
        cr_expect(!message_is_unix(message));
    }
}

/* What is written for a milter reads the same when it is parsed again. */
Test(message, milter_fields_stay_one_field)
{
    for (size_t i = 0; i < G_N_ELEMENTS(milter_fields); i++) {
        struct error error = {0};
        struct fields fields;
        owned(message) struct message *message = message_new(&limits);
        cr_assert(message_add_field(message, "First", " 1", &error));
        cr_assert(message_add_field(message, milter_fields[i].name, milter_fields[i].value, &error));
        cr_assert(message_finish(message, &error));
        cr_assert(fields_parse(message_bytes(message), &limits, &fields, &error));
        cr_expect(fields.count == 2 || milter_fields[i].odd, "row %zu", i);
        cr_expect(fields_count(&fields, "Bcc") == 0 && fields_count(&fields, "Injected") == 0, "row %zu", i);
        fields_clear(&fields);
    }
}

Test(message, milter_name_that_breaks_the_header_fails)
{
    static const char *const names[] = {"X\r\nBcc", "X\nBcc", "X\r", "\n", " X", "\tX", " "};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        owned(message) struct message *message = message_new(&limits);
        cr_expect(!message_add_field(message, names[i], " a", &error), "row %zu", i);
        cr_expect(error.kind == ERROR_PERMANENT);
        error = (struct error){0};
        cr_expect(!message_finish(message, &error), "a failure must stick");
        cr_expect(error.kind == ERROR_PERMANENT);
    }
}

Test(message, milter_whole)
{
    struct error error = {0};
    owned(message) struct message *message = message_new(&limits);
    cr_assert(message_add_field(message, "Received", " a", &error));
    cr_assert(message_add_field(message, "From", " b", &error));
    cr_assert(message_add_field(message, "received", " c\n\td", &error));
    cr_assert(message_end_header(message, &error));
    cr_assert(message_add_body(message, "one\r\n", 5, &error));
    cr_assert(message_add_body(message, "", 0, &error));
    cr_assert(message_add_body(message, "t\0o\r\n", 5, &error));
    cr_assert(message_finish(message, &error));
    cr_assert(message_finish(message, &error), "again gives the same");
    expect_slice(message_bytes(message), BYTES("Received: a\r\nFrom: b\r\nreceived: c\r\n\td\r\n\r\none\r\nt\0o\r\n"),
                 "bytes", 0);
    expect_slice(message_body(message), BYTES("one\r\nt\0o\r\n"), "body", 0);
    cr_expect(message_original(message).data == message_bytes(message).data);
    cr_expect(slice_equal(fields_find(message_fields(message), "RECEIVED", 2)->value, slice_of(" c\r\n\td")));
    cr_expect(!message_add_field(message, "Late", " x", &error) && error.kind == ERROR_BUG);
}

Test(message, milter_without_fields_or_body)
{
    struct error error = {0};
    owned(message) struct message *message = message_new(&limits);
    cr_assert(message_finish(message, &error));
    expect_slice(message_bytes(message), BYTES("\r\n"), "bytes", 0);
    cr_expect(message_header(message).len == 0 && message_body(message).len == 0);
    cr_expect(message_fields(message)->count == 0);
    message_free(NULL);
}

static const struct limits tight = {
    .message_size = 100, .memory = 1000, .spool_dir = "/tmp", .header_size = 60, .header_count = 3};

Test(message, milter_limits)
{
    struct error error = {0};
    owned(message) struct message *many = message_new(&tight);
    for (int i = 0; i < 3; i++)
        cr_assert(message_add_field(many, "A", " b", &error));
    cr_expect(!message_add_field(many, "A", " b", &error));
    cr_expect(error.kind == ERROR_TOO_LARGE && strstr(error.text, "more than 3 fields") != NULL);

    error = (struct error){0};
    owned(message) struct message *wide = message_new(&tight);
    cr_expect(!message_add_field(wide, "A", " 0123456789012345678901234567890123456789012345678901234567", &error));
    cr_expect(error.kind == ERROR_TOO_LARGE && strstr(error.text, "larger than 60 octets") != NULL);

    error = (struct error){0};
    char body[100] = {0};
    owned(message) struct message *large = message_new(&tight);
    cr_assert(message_add_field(large, "A", " b", &error)); /* 6 octets, and 2 for the empty line */
    cr_assert(message_add_body(large, body, 92, &error), "up to the limit is allowed: %s", error.text);
    cr_expect(!message_add_body(large, body, 1, &error));
    cr_expect(error.kind == ERROR_TOO_LARGE && strstr(error.text, "larger than 100 octets") != NULL);
    error = (struct error){0};
    cr_expect(!message_add_body(large, body, 0, &error), "a message with a piece missing must not go on");
    cr_expect(!message_finish(large, &error) && error.kind == ERROR_TOO_LARGE);
}

static const struct {
    const char *file;
    size_t length;
    const char *fault; /* NULL: within the limits */
} limited[] = {
    {BYTES("A: 1\r\nB: 2\r\nC: 3\r\n\r\n"), NULL},
    {BYTES("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n"), "more than 3 fields"},
    {BYTES("A: 1\nB: 2\nC: 3\nD: 4\n\n"), "more than 3 fields"},
    {BYTES("A: 1\r\n b\r\n c\r\n d\r\n e\r\n\r\n"), NULL},
    {BYTES("A: 0123456789012345678901234567890123456789012345678901234\r\n\r\n"), NULL},
    {BYTES("A: 01234567890123456789012345678901234567890123456789012345\r\n\r\n"), "larger than 60 octets"},
    {BYTES("A: 01234567890123456789012345678901234567890123456789012345\n\n"), "larger than 60 octets"},
    {BYTES("0123456789012345678901234567890123456789012345678901234567890123"), "larger than 60 octets"},
    {BYTES("A: 1\r\n\r\n01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"),
     NULL},
    {BYTES("A: 1\r\n\r\n012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"),
     "message is larger than 100 octets"},
};

Test(message, file_limits)
{
    for (size_t i = 0; i < G_N_ELEMENTS(limited); i++) {
        for (size_t piece = 1; piece < 200; piece += 66) {
            struct error error = {0};
            owned(message) struct message *message =
                read_pieces(limited[i].file, limited[i].length, piece, &tight, &error);
            cr_expect((message != NULL) == (limited[i].fault == NULL), "row %zu in %zu: %s", i, piece, error.text);
            if (limited[i].fault == NULL)
                continue;
            cr_expect(error.kind == ERROR_TOO_LARGE, "row %zu", i);
            cr_expect(strstr(error.text, limited[i].fault) != NULL, "row %zu in %zu: %s", i, piece, error.text);
        }
    }
}

/* An endless stream ends at the limit. */
Test(message, endless_file, .timeout = 10)
{
    static const char *const starts[] = {"", "A: b\r\n\r\n", "A: b\n", "From "};
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++) {
        int ends[2];
        struct error error = {0};
        cr_assert(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            g_autofree char *fill = g_strnfill(65536, 'x');
            while (write(ends[1], i == 2 ? " y\n" : fill, i == 2 ? 3 : 65536) > 0) {
            }
            _exit(0);
        }
        close(ends[1]);
        owned(message) struct message *message = message_read(ends[0], &limits, &error);
        close(ends[0]);
        waitpid(child, NULL, 0);
        cr_expect(message == NULL && error.kind == ERROR_TOO_LARGE, "row %zu", i);
    }
}

Test(message, unreadable_file_and_full_spool)
{
    struct error error = {0};
    cr_expect(message_read(-1, &limits, &error) == NULL);
    cr_expect(error.kind == ERROR_TEMPORARY);
    struct limits broken = limits;
    broken.memory = 10;
    broken.spool_dir = "/nonexistent";
    error = (struct error){0};
    cr_expect(read_pieces(BYTES("A: b\r\n\r\nlonger than ten octets"), 1000, &broken, &error) == NULL);
    cr_expect(error.kind == ERROR_TEMPORARY);
    owned(message) struct message *message = message_new(&broken);
    cr_assert(message_add_field(message, "A", " b", &error));
    cr_expect(!message_add_body(message, "0123456789", 10, &error));
    error = (struct error){0};
    cr_expect(!message_finish(message, &error) && error.kind == ERROR_TEMPORARY);
}
