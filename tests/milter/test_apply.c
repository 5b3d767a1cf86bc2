/* SPDX-License-Identifier: Apache-2.0 */
/* Edits to calls: order, values, chunks, and what happens when one is not taken. */
#include "milter/apply.h"

#include <criterion/criterion.h>
#include <string.h>

struct record {
    GString *calls;
    GByteArray *body;
    unsigned chunks;
    size_t largest;
    int fail_at; /* the n-th call is refused; -1: none */
};

static bool take(struct record *record, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    g_string_append_vprintf(record->calls, format, list);
    va_end(list);
    return record->fail_at-- != 0;
}

static bool insert(void *context, const char *name, const char *value)
{
    return take(context, "insert %s:%s;", name, value);
}

static bool append(void *context, const char *name, const char *value)
{
    return take(context, "append %s:%s;", name, value);
}

static bool change(void *context, const char *name, unsigned index, const char *value)
{
    return take(context, "change %u %s:%s;", index, name, value != NULL ? value : "-");
}

static bool replace_body(void *context, struct slice chunk)
{
    struct record *record = context;
    g_byte_array_append(record->body, (const guint8 *)chunk.data, (guint)chunk.len);
    record->chunks++;
    record->largest = MAX(record->largest, chunk.len);
    return take(record, "body;");
}

static bool run(struct record *record, const struct edits *edits, bool leading_space, int fail_at)
{
    struct error error = {0};
    *record = (struct record){g_string_new(NULL), g_byte_array_new(), 0, 0, fail_at};
    const struct apply_target target = {record, insert, append, change, replace_body};
    bool good = apply_edits(edits, leading_space, &target, &error);
    cr_expect_eq(good, error.kind == ERROR_NONE);
    return good;
}

static void clear(struct record *record)
{
    g_string_free(record->calls, TRUE);
    g_byte_array_free(record->body, TRUE);
}

static struct edit some_edits[] = {
    {EDIT_DELETE, (char *)"Content-Type", 2, NULL},
    {EDIT_CHANGE, (char *)"Content-Type", 1, (char *)" multipart/signed;\r\n\tmicalg=sha-256;\r\n boundary=x"},
    {EDIT_INSERT, (char *)"Authentication-Results", 0, (char *)" gw;\r\n\tsmime=pass"},
    {EDIT_APPEND, (char *)"MIME-Version", 0, (char *)" 1.0"},
};

Test(apply, header_then_body)
{
    struct record record;
    owned(rope) struct rope *body = rope_new();
    rope_copy(body, slice_of("new\r\n"));
    struct edits edits = {some_edits, G_N_ELEMENTS(some_edits), body};

    cr_assert(run(&record, &edits, true, -1));
    cr_expect_str_eq(record.calls->str, "change 2 Content-Type:-;"
                                        "change 1 Content-Type: multipart/signed;\n\tmicalg=sha-256;\n boundary=x;"
                                        "insert Authentication-Results: gw;\n\tsmime=pass;"
                                        "append MIME-Version: 1.0;body;");
    clear(&record);

    cr_assert(run(&record, &edits, false, -1));
    cr_expect_str_eq(record.calls->str, "change 2 Content-Type:-;"
                                        "change 1 Content-Type:multipart/signed;\n\tmicalg=sha-256;\n boundary=x;"
                                        "insert Authentication-Results:gw;\n\tsmime=pass;"
                                        "append MIME-Version:1.0;body;");
    clear(&record);
}

Test(apply, every_refusal_is_a_failure)
{
    owned(rope) struct rope *body = rope_new();
    rope_copy(body, slice_of("new\r\n"));
    struct edits edits = {some_edits, G_N_ELEMENTS(some_edits), body};
    for (int at = 0; at < 5; at++) {
        struct record record;
        cr_expect_not(run(&record, &edits, true, at), "call %d", at);
        clear(&record);
    }
}

Test(apply, nothing_to_do_calls_nothing)
{
    struct record record;
    struct edits edits = {0};
    cr_assert(run(&record, &edits, true, -1));
    cr_expect_str_eq(record.calls->str, "");
    clear(&record);
}

Test(apply, empty_body_is_sent)
{
    struct record record;
    owned(rope) struct rope *body = rope_new();
    struct edits edits = {NULL, 0, body};
    cr_assert(run(&record, &edits, true, -1));
    cr_expect_str_eq(record.calls->str, "body;");
    cr_expect_eq(record.body->len, 0);
    clear(&record);
}

/* On the wire an empty value deletes. */
Test(apply, change_to_nothing_is_no_deletion)
{
    struct record record;
    struct edit edit = {EDIT_CHANGE, (char *)"X", 1, (char *)" "};
    struct edits edits = {&edit, 1, NULL};
    cr_assert(run(&record, &edits, false, -1));
    cr_expect_str_eq(record.calls->str, "change 1 X: ;");
    clear(&record);
    edit.value = NULL;
    cr_expect_not(run(&record, &edits, false, -1));
    clear(&record);
}

Test(apply, chunks)
{
    static const size_t slices[][6] = {
        {1},
        {65535},
        {65536},
        {10, 65535},
        {65534, 1, 1},
        {65535, 65535, 65535},
        {200000},
        {1, 200000, 1},
        {60000, 60000, 60000, 60000},
        {5, 131070, 65530, 3},
        {40000, 25535, 1},
    };
    char *bytes = g_malloc(1 << 20);
    for (size_t i = 0; i < 1 << 20; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    for (size_t row = 0; row < G_N_ELEMENTS(slices); row++) {
        struct record record;
        size_t total = 0;
        owned(rope) struct rope *body = rope_new();
        for (size_t i = 0; i < 6; i++) {
            rope_borrow(body, (struct slice){bytes + total, slices[row][i]});
            total += slices[row][i];
        }
        struct edits edits = {NULL, 0, body};
        cr_assert(run(&record, &edits, true, -1));
        cr_assert_eq(record.body->len, total, "row %zu", row);
        cr_expect(memcmp(record.body->data, bytes, total) == 0, "row %zu", row);
        cr_expect_leq(record.largest, APPLY_CHUNK);
        cr_expect_leq(record.chunks, total / APPLY_CHUNK + 1, "row %zu: %u chunks", row, record.chunks);
        clear(&record);
    }
    g_free(bytes);
}

/* At most; never more octets in one than the protocol allows. */
Test(apply, as_many_chunks_as_the_edits_ask_for)
{
    static const struct {
        size_t length, chunks, sent;
    } bodies[] = {
        {0, 3, 1},      {1, 3, 1},      {3, 3, 3},      {65535, 0, 1},        {65535, 1, 1}, {65535, 2, 2},
        {100000, 2, 2}, {100000, 5, 5}, {100000, 1, 2}, {65535 * 40, 55, 55}, {65536, 2, 2},
    };
    char *bytes = g_malloc0(65535 * 40);
    for (size_t i = 0; i < 65535 * 40; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    for (size_t row = 0; row < G_N_ELEMENTS(bodies); row++) {
        struct record record;
        owned(rope) struct rope *body = rope_new();
        size_t first = bodies[row].length / 3;
        rope_borrow(body, (struct slice){bytes, first});
        rope_borrow(body, (struct slice){bytes + first, bodies[row].length - first});
        struct edits edits = {.body = body, .body_chunks = bodies[row].chunks};
        cr_assert(run(&record, &edits, true, -1));
        cr_expect_eq(record.chunks, bodies[row].sent, "row %zu: %u", row, record.chunks);
        cr_expect_leq(record.largest, APPLY_CHUNK);
        cr_expect_eq(record.body->len, bodies[row].length);
        cr_expect(record.body->len == 0 || memcmp(record.body->data, bytes, record.body->len) == 0);
        clear(&record);
    }
    g_free(bytes);
}

Test(apply, many_small_slices_are_gathered)
{
    struct record record;
    owned(rope) struct rope *body = rope_new();
    for (int i = 0; i < 10000; i++)
        rope_borrow(body, slice_of("0123456789abcdef\r\n"));
    struct edits edits = {NULL, 0, body};
    cr_assert(run(&record, &edits, true, -1));
    cr_expect_eq(record.body->len, 180000);
    cr_expect_eq(record.chunks, 3);
    clear(&record);
}

Test(apply, values)
{
    static const struct {
        const char *value;
        bool leading_space;
        const char *want;
    } rows[] = {
        {" a", true, " a"},
        {" a", false, "a"},
        {"a", false, "a"},
        {"  a", false, " a"},
        {" a\r\n\tb\r\n c", true, " a\n\tb\n c"},
        {" a\rb", true, " a\rb"},
        {"", true, ""},
        {"", false, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *got = apply_value(rows[i].value, rows[i].leading_space);
        cr_expect_str_eq(got, rows[i].want, "row %zu", i);
    }
}
