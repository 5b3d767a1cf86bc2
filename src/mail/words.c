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

/* The octets of an encoded word; g_free(). */
static char *decode_octets(const char *payload, bool base64, gsize *length)
{
    g_autoptr(GString) text = g_string_new(payload);
    GMimeEncoding state;

    while (base64 && text->len % 4 != 0) /* padding that was left out */
        g_string_append_c(text, '=');
    if (!base64)
        g_string_replace(text, "_", "=20", 0);
    g_mime_encoding_init_decode(&state,
                                base64 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    char *octets = g_malloc(g_mime_encoding_outlen(&state, text->len) + 1);
    *length = g_mime_encoding_flush(&state, text->str, text->len, octets);
    return octets;
}

/* In UTF-8, or as they are where the charset is none; without NULs. */
static char *convert(const char *octets, gsize length, const char *charset)
{
    g_autofree char *name = g_strndup(charset, strcspn(charset, "*")); /* the language of RFC 2231 §5 */
    gsize converted = 0, kept = 0;
    g_autofree char *text = *name != '\0' ? g_convert(octets, (gssize)length, "UTF-8", name, NULL, &converted, NULL) : NULL;

    if (text == NULL) {
        text = g_memdup2(octets, length + 1);
        converted = length;
    }
    for (gsize i = 0; i < converted; i++)
        if (text[i] != '\0')
            text[kept++] = text[i];
    return g_utf8_make_valid(text, (gssize)kept);
}

static gboolean rewrite_word(const GMatchInfo *match, GString *out, gpointer unused)
{
    g_autofree char *word = g_match_info_fetch(match, 0), *charset = g_match_info_fetch(match, 1);
    g_autofree char *encoding = g_match_info_fetch(match, 2), *payload = g_match_info_fetch(match, 3);
    gsize length;
    g_autofree char *octets = decode_octets(payload, g_ascii_tolower(encoding[0]) == 'b', &length);

    (void)unused;
    if (charset[0] != '\0' && memchr(octets, '\0', length) == NULL) {
        g_string_append(out, word);
        return FALSE;
    }
    g_autofree char *text = convert(octets, length, charset);
    g_autofree char *base64 = g_base64_encode((const guchar *)text, strlen(text));
    g_string_append_printf(out, "=?utf-8?b?%s?=", base64);
    return FALSE;
}

/* GMime ends the whole text at a NUL, and does not decode a word without a charset; a reader may do otherwise. */
static char *rewritten(const char *text)
{
    g_autoptr(GRegex) word = g_regex_new("=\\?([^?]*)\\?([bq])\\?([^?]*)\\?=", G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    char *result = g_regex_replace_eval(word, text, -1, 0, 0, rewrite_word, NULL, NULL);

    return result != NULL ? result : g_strdup(text);
}

/* Not strstr(): AddressSanitizer's looks for the end of the text each time. */
static const char *find(const char *text, const char *end, const char *what)
{
    return g_strstr_len(text, end - text, what);
}

char *words_decode(const char *given)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GString) piece = g_string_new(NULL);
    g_autofree char *text = strstr(given, "=?") != NULL ? rewritten(given) : g_strdup(given);
    const char *start = text, *text_end = text + strlen(text);

    for (const char *end; (end = find(start, text_end, "?=")) != NULL;) {
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
    for (const char *next; (next = find(start + strspn(start, "=?"), text_end, "=?")) != NULL; start = next) {
        g_string_append_len(piece, start, next - start);
        move_decoded(out, piece);
    }
    g_string_append(piece, start);
    move_decoded(out, piece);
    return g_string_free(out, FALSE);
}
