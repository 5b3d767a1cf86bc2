/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: GMime decodes neighbouring encoded words of one charset as one run of octets, for the sake of senders that cut
 * characters in two. Of base64 it then leaves out all that comes after the first padding, which most senders write in
 * every word: a text would lose its end, and what looks for something in it would not see what a reader sees. So the
 * text is cut where a word's base64 is complete by itself.
 *
 * That is one reading. What is no exact encoded word, others read differently: some go on behind padding, leave out
 * what is not base64, or take a word for ended where the text ends. There is no end of such readings to try. So
 * words_read() tells whether there can be another one, and whoever takes a decision from a text takes the safer one
 * then.
 */
#include "words.h"

#include "charsets.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"
#define WORD_BEGIN "=\\?([^?]*)\\?\\s*([bq])\\s*\\?" /* also folded where it must not be */
#define WORDS_MAX 1000 /* nobody writes more, and to ask for a charset takes time: beyond, none is decoded */

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
    g_autofree char *text =
        *name != '\0' ? g_convert(octets, (gssize)length, "UTF-8", name, NULL, &converted, NULL) : NULL;
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

static bool are_too_many(const char *text)
{
    const char *end = text + strlen(text);
    unsigned begun = 0;
    for (const char *next = text; begun <= WORDS_MAX && (next = find(next, end, "=?")) != NULL; next += 2)
        begun++;
    return begun > WORDS_MAX;
}

char *words_decode(const char *given)
{
    if (are_too_many(given))
        return g_strdup(given);
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

/* --- other readings --- */

/* Base64 as it must be, but for blanks in it and its padding. */
static bool is_base64(const char *payload, const char *base64)
{
    size_t length = strcspn(base64, "=");
    g_autoptr(GString) given = g_string_new(NULL);

    for (const char *c = payload; *c != '\0'; c++)
        if (strchr(BLANKS, *c) == NULL)
            g_string_append_c(given, *c);
    return strncmp(given->str, base64, length) == 0 && given->str[length + strspn(given->str + length, "=")] == '\0';
}

/* RFC 2047 section 4.2. */
static bool is_q(const char *payload)
{
    for (const char *c = payload; *c != '\0'; c++)
        if (!g_ascii_isgraph(*c) || (*c == '=' && (!g_ascii_isxdigit(c[1]) || !g_ascii_isxdigit(c[2]))))
            return false;
    return true;
}

/* In UTF-8; NULL: not exactly. Ends with an "A" that is one only if the charset holds ASCII, and nothing is cut or left
 * open. */
static char *convert_exactly(const char *octets, gsize length, const char *charset)
{
    g_autofree char *name = g_strndup(charset, strcspn(charset, "*"));
    g_autofree char *with_end = g_malloc(length + 1);
    gsize converted = 0;
    for (const char *c = name; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr("-_.:+", *c) == NULL)
            return NULL;
    memcpy(with_end, octets, length);
    with_end[length] = 'A';
    g_autofree char *text = g_convert(with_end, (gssize)length + 1, "UTF-8", name, NULL, &converted, NULL);
    if (*name == '\0' || text == NULL || converted == 0 || text[converted - 1] != 'A' || strlen(text) != converted)
        return NULL;
    text[converted - 1] = '\0';
    return g_steal_pointer(&text);
}

static void read_text(struct words_reading *reading, const char *text, gsize length)
{
    g_string_append_len(reading->each, text, (gssize)length);
    g_string_append_len(reading->octets, text, (gssize)length);
}

static void read_word(struct words_reading *reading, const char *charset, bool is_base64_word, const char *payload,
                      bool too_many)
{
    gsize length;
    g_autofree char *octets = decode_octets(payload, is_base64_word, &length);
    g_autofree char *base64 = g_base64_encode((const guchar *)octets, length);
    g_autofree char *text = too_many ? NULL : convert_exactly(octets, length, charset);
    reading->is_exact &= text != NULL && (is_base64_word ? strcmp(payload, base64) == 0 : is_q(payload));
    reading->is_sound &= memchr(octets, '\0', length) == NULL && (!is_base64_word || is_base64(payload, base64));
    if (text == NULL)
        text = convert(octets, length, too_many ? "" : charset);
    g_string_append(reading->each, text);
    for (gsize i = 0; i < length; i++)
        if (octets[i] != '\0')
            g_string_append_c(reading->octets, octets[i]);
}

static bool is_blank(const char *text, gsize length)
{
    return strspn(text, BLANKS) >= length;
}

struct words_reading *words_read(const char *text)
{
    struct words_reading *reading = g_new(struct words_reading, 1);
    g_autoptr(GRegex) word = g_regex_new(WORD_BEGIN "(?:([^?]*)\\?=)?", G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GError) error = NULL;
    bool too_many = are_too_many(text);
    int at = 0;

    *reading = (struct words_reading){g_string_new(NULL), g_string_new(NULL), !too_many, !too_many};
    g_regex_match_full(word, text, -1, 0, 0, &match, &error);
    for (int start, end; g_match_info_matches(match); g_match_info_next(match, &error)) {
        g_autofree char *charset = g_match_info_fetch(match, 1), *encoding = g_match_info_fetch(match, 2);
        g_autofree char *payload = g_match_info_fetch(match, 3);
        g_match_info_fetch_pos(match, 0, &start, &end);
        reading->is_exact &= start == 0 || is_blank(text + start - 1, 1);
        reading->is_exact &= text[end] == '\0' || is_blank(text + end, 1);
        if (at == 0 || !is_blank(text + at, (gsize)(start - at)))
            read_text(reading, text + at, (gsize)(start - at));
        at = end;
        if (text[end - 1] == '=') {
            read_word(reading, charset, g_ascii_tolower(encoding[0]) == 'b', payload, too_many);
            continue;
        }
        reading->is_exact = reading->is_sound = false;
        read_text(reading, text + start, (gsize)(end - start));
    }
    read_text(reading, text + at, strlen(text + at));
    if (error != NULL)
        reading->is_exact = reading->is_sound = false;
    return reading;
}

void words_reading_free(struct words_reading *reading)
{
    g_string_free(reading->each, TRUE);
    g_string_free(reading->octets, TRUE);
    g_free(reading);
}

bool words_begin(const char *text)
{
    return g_regex_match_simple(WORD_BEGIN, text, G_REGEX_CASELESS | G_REGEX_RAW, 0);
}
