/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: GMime decodes neighbouring encoded words of one charset as one run of octets, for the sake of senders that cut
 * characters in two. Of base64 it then leaves out all that comes after the first padding, which most senders write in
 * every word: a text would lose its end, and what looks for something in it would not see what a reader sees. So the
 * text is cut where a word's base64 is complete by itself.
 */
#include "words.h"

#include "charsets.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* How long the base64 is that ends at `end`, the "?=" of what may be "=?charset?b?…"; 0: it is none. */
static size_t base64_length(const char *text, const char *end)
{
    const char *mark = g_strrstr_len(text, end - text, "?");

    if (mark == NULL || mark - text < 4 || g_ascii_tolower(mark[-1]) != 'b' || mark[-2] != '?')
        return 0;
    const char *charset = g_strrstr_len(text, mark - 2 - text, "?");
    if (charset == NULL || charset == text || charset[-1] != '=')
        return 0;
    for (const char *c = mark; c < end; c++)
        if (strchr(BLANKS, *c) != NULL)
            return 0;
    return (size_t)(end - mark) - 1;
}

/* "=?charset?b?…?=" without a blank in it. */
static bool is_encoded_word(const char *text)
{
    for (unsigned marks = 0; *text != '\0' && strchr(BLANKS, *text) == NULL; text++)
        if (*text == '?' && ++marks == 4)
            return text[1] == '=';
    return false;
}

static void move_decoded(GString *out, GString *piece)
{
    charsets_enter(piece->len);
    g_autofree char *decoded = g_mime_utils_header_decode_text(NULL, piece->str);
    charsets_leave();

    g_string_append(out, decoded != NULL ? decoded : piece->str);
    g_string_truncate(piece, 0);
}

char *words_decode(const char *text)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GString) piece = g_string_new(NULL);
    const char *start = text;

    for (const char *end; (end = strstr(start, "?=")) != NULL;) {
        size_t length = base64_length(start, end);
        const char *next = end + 2 + strspn(end + 2, BLANKS);

        g_string_append_len(piece, start, end - start);
        /* Padding that was left out: what is short of it would not be decoded. */
        for (size_t i = length; i % 4 != 0; i++)
            g_string_append_c(piece, '=');
        g_string_append(piece, "?=");
        start = end + 2;
        /* RFC 2047 §6.2: white space between two encoded words is not shown. */
        if (length > 0 && (length % 4 != 0 || end[-1] == '=') && g_str_has_prefix(next, "=?")) {
            move_decoded(out, piece);
            start = is_encoded_word(next) ? next : start;
        }
    }
    /* No word ends any more: in one piece, GMime would look for the end from each beginning. */
    for (const char *next; (next = strstr(start + strspn(start, "=?"), "=?")) != NULL; start = next) {
        g_string_append_len(piece, start, next - start);
        move_decoded(out, piece);
    }
    g_string_append(piece, start);
    move_decoded(out, piece);
    return g_string_free(out, FALSE);
}
