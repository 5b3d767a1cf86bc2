/* SPDX-License-Identifier: Apache-2.0 */
/*
 * squash: helps to find a name in a field that cannot be parsed. Programs differ in what they skip, so a search for a
 * name looks twice: with comments and without. token.c parses values.
 */
#include "squash.h"

#include <glib.h>
#include <string.h>

char *squash(const char *text, size_t length, bool without_comments)
{
    GString *squashed = g_string_sized_new(length + 1);
    size_t depth = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '(' && without_comments)
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (depth == 0 && c > ' ' && c != 0x7f && strchr("\"\\()", c) == NULL)
            g_string_append_c(squashed, g_ascii_tolower((char)c));
    }
    return g_string_free(squashed, FALSE);
}

/* They are converted one by one, because GLib needs quadratic time to sort the marks on a letter. */
char *plain_forms(const char *text)
{
    GString *plain = g_string_sized_new(strlen(text));
    for (const char *next; *text != '\0'; text = next) {
        next = g_utf8_next_char(text);
        g_autofree char *form = next - text > 1 ? g_utf8_normalize(text, next - text, G_NORMALIZE_NFKC) : NULL;
        if (form != NULL)
            g_string_append(plain, form);
        else
            g_string_append_len(plain, text, next - text);
    }
    return g_string_free(plain, FALSE);
}
