/* SPDX-License-Identifier: Apache-2.0 */
/* fields: header blocks of all kinds, told back as "name[index]=value|" with \r\n shown. */
#include "mail/message.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct limits limits = {.header_size = 1 << 20, .header_count = 1000};

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *block;
    size_t length;
    const char *fields; /* of each: name[index]=value, then "|" */
    const char *junk;   /* NULL: none */
} table[] = {
    {BYTES(""), "", NULL},
    {BYTES("\r\n"), "", NULL},
    {BYTES("\n"), "", NULL},
    {BYTES("A: b\r\n"), "A[1]= b|", NULL},
    {BYTES("A: b\n"), "A[1]= b|", NULL},
    {BYTES("A: b"), "A[1]= b|", NULL},
    {BYTES("A:b\r\n\r\nB: in the body\r\n"), "A[1]=b|", NULL},
    {BYTES("A:b\n\nB: in the body\n"), "A[1]=b|", NULL},
    {BYTES("A:\r\nB: \r\n"), "A[1]=|B[1]= |", NULL},
    {BYTES("A: b\r\n c\r\n\td\r\nE: f\r\n"), "A[1]= b\r\n c\r\n\td|E[1]= f|", NULL},
    {BYTES("A: b\n c\nE: f\n"), "A[1]= b\n c|E[1]= f|", NULL},
    {BYTES("A: b\r\n \r\n c\r\nE: f\r\n"), "A[1]= b\r\n \r\n c|E[1]= f|", NULL},
    {BYTES("A: b\r\n \r\n"), "A[1]= b\r\n |", NULL},
    /* counting, mixed case */
    {BYTES("to: 1\r\nTo: 2\r\nX: 1\r\nTO: 3\r\nx: 2\r\n"), "to[1]= 1|To[2]= 2|X[1]= 1|TO[3]= 3|x[2]= 2|", NULL},
    {BYTES("To: 1\r\nTo : 2\r\nTo\t: 3\r\nToo: 1\r\n"), "To[1]= 1|To[2]= 2|To[3]= 3|Too[1]= 1|", NULL},
    /* no fields */
    {BYTES("From x Mon Jan  1\r\nA: b\r\n"), "A[1]= b|", "From x Mon Jan  1"},
    {BYTES("no colon\r\nA: b\r\nnone either\r\n"), "A[1]= b|", "no colon"},
    {BYTES("junk\r\n continued: here\r\nA: b\r\n"), "A[1]= b|", "junk\r\n continued: here"},
    {BYTES(" starts: folded\r\nA: b\r\n"), "A[1]= b|", " starts: folded"},
    {BYTES(": no name\r\nA: b\r\n"), "A[1]= b|", ": no name"},
    {BYTES("A B: c\r\n"), "", "A B: c"},
    {BYTES("A\x01: c\r\n"), "", "A\x01: c"},
    {BYTES("\xc3\x84: c\r\n"), "", "\xc3\x84: c"},
    {BYTES("A:b:c\r\n"), "A[1]=b:c|", NULL},
    /* a CR alone is no line end, and no empty line */
    {BYTES("A: b\rB: c\r\nD: e\r\n"), "A[1]= b\rB: c|D[1]= e|", NULL},
    {BYTES("A: b\r\r\nD: e\r\n"), "A[1]= b\r|D[1]= e|", NULL},
    {BYTES("A: b\r\n\r\r\nD: e\r\n"), "A[1]= b|D[1]= e|", "\r"},
    {BYTES("A: b\r"), "A[1]= b\r|", NULL},
    /* bare LF within a CRLF header is a line end */
    {BYTES("A: b\nB: c\r\n\nD: body\r\n"), "A[1]= b|B[1]= c|", NULL},
};

static char *told(const struct fields *fields)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        g_string_append_printf(text, "%.*s[%u]=%.*s|", (int)field->name.len, field->name.data, field->index,
                               (int)field->value.len, field->value.data);
    }
    return g_string_free(text, FALSE);
}

Test(fields, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        struct fields fields;
        struct error error = {0};
        /* An exact copy, so that a sanitizer sees a step beyond the end. */
        g_autofree char *copy = table[i].length != 0 ? g_memdup2(table[i].block, table[i].length) : NULL;
        cr_assert(fields_parse((struct slice){copy, table[i].length}, &limits, &fields, &error), "row %zu", i);
        g_autofree char *text = told(&fields);
        cr_expect_str_eq(text, table[i].fields, "row %zu: %s", i, text);
        if (table[i].junk == NULL)
            cr_expect(fields.junk.data == NULL, "row %zu: %.*s", i, (int)fields.junk.len, fields.junk.data);
        else
            cr_expect(slice_equal(fields.junk, slice_of(table[i].junk)), "row %zu: %.*s", i, (int)fields.junk.len,
                      fields.junk.data);
        fields_clear(&fields);
        cr_expect(fields.list == NULL && fields.count == 0);
    }
}

Test(fields, nul_bytes_are_ordinary)
{
    struct fields fields;
    struct error error = {0};
    struct slice block = {BYTES("A: b\0c\r\nB\0: d\r\nE: f\r\n")};
    cr_assert(fields_parse(block, &limits, &fields, &error));
    cr_assert(fields.count == 2);
    cr_expect(slice_equal(fields.list[0].value, (struct slice){BYTES(" b\0c")}));
    cr_expect(slice_equal(fields.junk, (struct slice){BYTES("B\0: d")}));
    cr_expect(slice_equal(fields.list[1].name, slice_of("E")));
    fields_clear(&fields);
}

Test(fields, find_and_count)
{
    struct fields fields;
    struct error error = {0};
    cr_assert(fields_parse(slice_of("To: 1\r\nX: y\r\ntO: 2\r\n"), &limits, &fields, &error));
    cr_expect(fields_count(&fields, "to") == 2);
    cr_expect(fields_count(&fields, "t") == 0);
    cr_expect(fields_count(&fields, "") == 0);
    cr_expect(slice_equal(fields_find(&fields, "TO", 2)->value, slice_of(" 2")));
    cr_expect(fields_find(&fields, "TO", 3) == NULL);
    cr_expect(fields_find(&fields, "TO", 0) == NULL);
    fields_clear(&fields);
}

Test(fields, content_fields)
{
    static const struct {
        const char *name;
        bool is_content;
    } names[] = {{"Content-Type", true}, {"content-x", true},   {"CONTENT-MD5", true},     {"Content-", false},
                 {"Content", false},     {"Contents-X", false}, {"X-Content-Type", false}, {"", false}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct field field = {.name = slice_of(names[i].name)};
        cr_assert_eq(field_is_content(&field), names[i].is_content, "%s", names[i].name);
    }
}

Test(fields, limits_hold)
{
    struct fields fields;
    struct error error = {0};
    const struct limits small = {.header_size = 20, .header_count = 2};
    cr_expect(fields_parse(slice_of("A: 1\r\nB: 2\r\n"), &small, &fields, &error));
    fields_clear(&fields);
    cr_expect(!fields_parse(slice_of("A:1\r\nB:2\r\nC:3\r\n"), &small, &fields, &error));
    cr_expect(error.kind == ERROR_PERMANENT && strstr(error.text, "more than 2 fields") != NULL);
    cr_expect(fields.list == NULL);
    error = (struct error){0};
    cr_expect(!fields_parse(slice_of("A: 0123456789012345\r\n"), &small, &fields, &error));
    cr_expect(error.kind == ERROR_PERMANENT && strstr(error.text, "larger than 20 octets") != NULL);
    fields_clear(&fields);
}

/* Many fields, of one name and of many: each index right, and in a time that is not quadratic. */
Test(fields, many, .timeout = 10)
{
    const struct limits wide = {.header_size = SIZE_MAX, .header_count = 1000000};
    g_autoptr(GString) block = g_string_new(NULL);
    struct fields fields;
    struct error error = {0};
    for (unsigned i = 0; i < 100000; i++)
        g_string_append_printf(block, "X%u: a\r\n%s: b\r\n", i, i % 2 == 0 ? "Same" : "sAME");
    cr_assert(fields_parse((struct slice){block->str, block->len}, &wide, &fields, &error));
    cr_assert(fields.count == 200000);
    for (unsigned i = 0; i < 100000; i++) {
        cr_assert(fields.list[2 * i].index == 1);
        cr_assert(fields.list[2 * i + 1].index == i + 1);
    }
    fields_clear(&fields);
}

static const struct {
    const char *value;
    size_t length;
    const char *folded;
} folding[] = {
    {BYTES(" plain"), " plain"},
    {BYTES(""), ""},
    {BYTES(" a\n\tb"), " a\r\n\tb"},
    {BYTES(" a\r\n b"), " a\r\n b"},
    {BYTES(" a\nInjected: b"), " a\r\n Injected: b"},
    {BYTES(" a\r\n\r\nbody"), " a\r\n \r\n body"},
    {BYTES(" a\r\n"), " a\r\n "},
    {BYTES("\n"), "\r\n "},
    {BYTES(" a\rInjected: b"), " a Injected: b"},
    {BYTES(" a\r\r\n b"), " a \r\n b"},
    {BYTES(" a\r"), " a "},
    {BYTES(" a\0b"), " a b"},
};

Test(fields, fold)
{
    for (size_t i = 0; i < G_N_ELEMENTS(folding); i++) {
        g_autofree char *copy = g_memdup2(folding[i].value, folding[i].length + 1);
        g_autofree char *folded = field_fold((struct slice){copy, folding[i].length});
        cr_expect_str_eq(folded, folding[i].folded, "row %zu: %s", i, folded);
        g_autofree char *again = field_fold(slice_of(folded));
        cr_expect_str_eq(again, folded, "row %zu changes when folded twice", i);
    }
}

Test(fields, plain)
{
    static const struct {
        struct slice line; /* a name of one letter, a colon, and the value */
        const char *plain; /* of the value; NULL: the same */
    } rows[] = {
        {{"X:", 2}, NULL},
        {{"X: ", 3}, NULL},
        {{"X: a\r\n b", 8}, NULL},
        {{"X:\r\n a", 6}, NULL},
        {{"X: a\r\n \t b \r\n c", 15}, NULL},
        {{"X: a\r\n \r\n b", 11}, " a\r\n b"},
        {{"X: a\n\t\n \n b\n", 12}, " a\r\n b"},
        {{"X: a\r\n ", 7}, " a"},
        {{"X:\r\n \r\n ", 8}, ""},
        {{"X: \r\n \r\n\tb\r\n  ", 14}, " \r\n\tb"},
        {{"X: a\rb", 6}, " a b"},
        {{"X: a\n b", 7}, " a\r\n b"},
        {{"X: a\0b", 6}, " a b"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct slice line = rows[i].line;
        const struct field field = {.name = {line.data, 1}, .value = {line.data + 2, line.len - 2}};
        g_autofree char *plain = field_plain(field.value);
        g_autofree char *same = g_strndup(field.value.data, field.value.len);
        cr_expect_str_eq(plain, rows[i].plain != NULL ? rows[i].plain : same, "%zu: %s", i, plain);
        cr_expect_eq(field_is_plain(&field), rows[i].plain == NULL, "%zu", i);
        g_autofree char *again = field_plain(slice_of(plain));
        cr_expect_str_eq(again, plain, "%zu", i);
    }
    g_autofree char *nothing = field_plain(SLICE_NONE);
    cr_expect_str_eq(nothing, "");
    cr_expect(!field_is_plain(&(struct field){.name = {"X : a", 1}, .value = {"X : a" + 3, 2}}));
}
