/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "mail/address.h"
#include "mail/mime.h"
#include "mail/subject.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <string.h>

#define ROUNDS 40
#define LENGTH 262144

static const char *const marks[] = {"[verified]"};

static void read_subject(struct slice text)
{
    g_autofree char *value = subject_mark(text, marks, 1, "[verified]");
    cr_expect_not_null(value);
}

static void read_addresses(struct slice text)
{
    struct addresses addresses;
    struct error error = {0};
    if (addresses_parse(text, &addresses, &error))
        addresses_clear(&addresses);
}

static void read_part(struct slice text)
{
    g_autofree char *header = g_strdup_printf("Content-Type: text/plain; name*=%.*s\r\n", (int)text.len, text.data);
    struct limits limits = {.header_size = 1 << 20, .header_count = 10, .nesting = 5, .parts = 5};
    struct error error = {0};
    owned(part) struct part *part = part_parse(slice_of(header), slice_of("x"), &limits, &error);
    cr_expect_not_null(part);
}

static const struct {
    const char *before, *after; /* the name */
    int name_length;
    size_t length; /* of a text */
    void (*read)(struct slice text);
    unsigned times; /* in a message */
} rows[] = {
    {"=?", "?q?x?= ", 9, LENGTH, read_subject, 1},
    {"=?other", "?q?x?= <a@b.test>,", 9, LENGTH, read_addresses, 1},
    {"", "''a", 999, 1, read_part, 200},
};

/* A server runs for months, and each message may bring names of character sets that nobody has heard of. */
Test(charsets, names_from_outside_are_not_kept_for_good, .timeout = 60)
{
    mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t before = mallinfo2().uordblks;
        for (unsigned round = 0, n = 0; round < ROUNDS; round++) {
            for (unsigned time = 0; time < rows[i].times; time++) {
                g_autoptr(GString) text = g_string_new(" ");

                while (text->len < rows[i].length + 1)
                    g_string_append_printf(text, "%s%0*u%s", rows[i].before, rows[i].name_length, n++, rows[i].after);
                rows[i].read((struct slice){text->str, text->len});
            }
        }
        size_t after = mallinfo2().uordblks;
        cr_expect_lt(after, before + ((size_t)14 << 20), "%zu: %zu bytes are kept", i, after - before);
    }
}

static gpointer read_often(gpointer data)
{
    (void)data;
    for (unsigned i = 0; i < 3000; i++) {
        g_autofree char *text = g_strdup_printf(" =?none-%u?q?x?= =?iso-8859-15?q?=E9?= %01000u", i, i);
        g_autofree char *value = subject_mark(slice_of(text), marks, 1, "[verified]");
        if (strstr(value, "=?UTF-8?B?w6k=?=") == NULL && strstr(value, "=?UTF-8?B?eMOp?=") == NULL)
            return value[0] != '\0' ? g_strdup(value) : NULL;
    }
    return NULL;
}

/* Names are forgotten while others are being read. */
Test(charsets, are_read_by_many_threads_at_once, .timeout = 60)
{
    GThread *threads[4];
    mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("reader", read_often, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_autofree char *wrong = g_thread_join(threads[i]);
        cr_expect_null(wrong, "[%s]", wrong);
    }
}
