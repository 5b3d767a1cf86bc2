/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: GMime decodes neighbouring encoded words of one charset as one run of octets, for the sake of senders that cut
 * characters in two. Behind the padding of base64, one version of it goes on and another stops, and most senders write
 * padding in every word. What a text means must not depend on the version: so words are found here, their base64 is
 * decoded up to its first padding, and GMime gets it back as it must be. A run ends at padding.
 *
 * That is one reading. What is no exact encoded word, others read differently: some go on behind padding, leave out
 * what is not base64, or take a word for ended where the text ends. There is no end of such readings to try. So
 * words_read() tells whether there can be another one, and a caller that decides by a text takes the safer one
 * then.
 */
#include "words.h"

#include "charsets.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"
#define SPACES BLANKS "\v\f"
#define WORDS_MAX 1000 /* no one writes more, and to ask for a charset takes time: beyond, none is decoded */

/* "=?charset?b?payload?=" */
struct word {
    struct slice text, charset, payload;
    bool is_base64;
};

static bool is_blank(const char *text, gsize length)
{
    return strspn(text, BLANKS) >= length;
}

/* Not strstr(): AddressSanitizer's looks for the end of the text each time. */
static const char *find(const char *text, const char *end, const char *what)
{
    return g_strstr_len(text, end - text, what);
}

/* The word at begin, which is "=?". GMime lets it stand in the middle of a text, with blanks in it. */
static bool word_at(const char *begin, const char *end, struct word *word)
{
    const char *charset = begin + 2, *mark = memchr(charset, '?', (size_t)(end - charset));
    if (mark == NULL || end - mark < 3 || memchr("BbQq", mark[1], 4) == NULL || mark[2] != '?')
        return false;
    const char *payload = mark + 3, *stop = find(payload, end, "?=");
    if (stop == NULL)
        return false;
    *word = (struct word){
        .text = {begin, (size_t)(stop + 2 - begin)},
        .charset = {charset, (size_t)(mark - charset)},
        .payload = {payload, (size_t)(stop - payload)},
        .is_base64 = g_ascii_tolower(mark[1]) == 'b',
    };
    return true;
}

/* The first word from text on; end: behind the last "?=", so that nothing is looked for in vain. */
static bool next_word(const char *text, const char *end, struct word *word)
{
    for (const char *begin = text; (begin = find(begin, end, "=?")) != NULL; begin += 2)
        if (word_at(begin, end, word))
            return true;
    return false;
}

/* Up to the first padding, whatever else is no base64 left out. Followed by a NUL. */
static char *decode_base64(struct slice payload, gsize *length)
{
    g_autoptr(GString) text = g_string_sized_new(payload.len + 4);
    for (size_t i = 0; i < payload.len && payload.data[i] != '='; i++) {
        char c = payload.data[i];
        if (g_ascii_isalnum(c) || c == '+' || c == '/')
            g_string_append_c(text, c);
    }
    if (text->len % 4 == 1) /* six bits are no octet */
        g_string_truncate(text, text->len - 1);
    while (text->len % 4 != 0)
        g_string_append_c(text, '=');
    return (char *)g_base64_decode(text->str, length);
}

static char *decode_quoted(struct slice payload, gsize *length)
{
    g_autoptr(GString) text = g_string_new_len(payload.data, (gssize)payload.len);
    GMimeEncoding state;

    g_string_replace(text, "_", "=20", 0);
    g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    char *octets = g_malloc(g_mime_encoding_outlen(&state, text->len) + 1);
    *length = g_mime_encoding_flush(&state, text->str, text->len, octets);
    octets[*length] = '\0';
    return octets;
}

static char *decode_octets(struct slice payload, bool base64, gsize *length)
{
    return base64 ? decode_base64(payload, length) : decode_quoted(payload, length);
}

/* In UTF-8, or as they are where the charset is not known; without NULs. */
static char *convert(const char *octets, gsize length, const char *charset)
{
    g_autofree char *name = g_strndup(charset, strcspn(charset, "*")); /* the language of RFC 2231 §5 */
    gsize converted = 0, kept = 0;
    g_autofree char *text = *name != '\0' ? charsets_convert(octets, length, "UTF-8", name, &converted) : NULL;
    if (text == NULL) {
        text = g_memdup2(octets, length + 1);
        converted = length;
    }
    for (gsize i = 0; i < converted; i++)
        if (text[i] != '\0')
            text[kept++] = text[i];
    return g_utf8_make_valid(text, (gssize)kept);
}

/* Adds a word as GMime is to see it. Returns false if the run ends with it. GMime ends the whole text at a NUL, and
 * does not decode a word without a charset; a reader may do otherwise. */
static bool add_word(GString *run, const struct word *word)
{
    gsize length;
    g_autofree char *octets = decode_octets(word->payload, word->is_base64, &length);
    g_autofree char *charset = g_strndup(word->charset.data, word->charset.len);
    bool is_odd = charset[0] == '\0' || charset[0] == '*' || memchr(octets, '\0', length) != NULL;
    if (!is_odd && !word->is_base64) {
        g_string_append_len(run, word->text.data, (gssize)word->text.len);
        return true;
    }
    g_autofree char *text = is_odd ? convert(octets, length, charset) : steal(&octets);
    if (is_odd)
        length = strlen(text);
    g_autofree char *base64 = g_base64_encode((const guchar *)text, length);
    g_string_append_printf(run, "=?%s?b?%s?=", is_odd ? "utf-8" : charset, base64);
    return length % 3 == 0;
}

static void flush(GString *out, GString *run)
{
    if (run->len == 0)
        return;
    g_autofree char *decoded = g_mime_utils_header_decode_text(NULL, run->str);
    g_string_append(out, decoded);
    g_string_truncate(run, 0);
}

/* What is no encoded word. The charset of octets beyond ASCII is guessed for each piece by itself. */
static void add_text(GString *out, const char *text, const char *end)
{
    for (const char *next; text < end; text = next) {
        bool ascii = true, blank = is_blank(text, 1);
        for (next = text; next < end && is_blank(next, 1) == blank; next++) {
            if (next > text && next[0] == '=' && next[1] == '?')
                break;
            ascii &= (guchar)*next < 0x80;
        }
        g_autofree char *decoded = ascii ? NULL : g_mime_utils_decode_8bit(NULL, text, (size_t)(next - text));
        if (ascii)
            g_string_append_len(out, text, next - text);
        else
            g_string_append(out, decoded);
    }
}

static bool are_too_many(const char *text)
{
    const char *end = text + strlen(text);
    unsigned begun = 0;
    for (const char *next = text; begun <= WORDS_MAX && (next = find(next, end, "=?")) != NULL; next += 2)
        begun++;
    return begun > WORDS_MAX;
}

char *words_decode(const char *text)
{
    if (are_too_many(text))
        return g_strdup(text);
    GString *out = g_string_new(NULL);
    g_autoptr(GString) run = g_string_new(NULL);
    const char *end = text + strlen(text), *last = g_strrstr_len(text, end - text, "?="), *at = text;
    struct word word;
    charsets_enter((size_t)(end - text));
    while (last != NULL && next_word(at, last + 2, &word)) {
        size_t between = (size_t)(word.text.data - at);
        /* RFC 2047 §6.2: white space between two encoded words is not shown. */
        if (at == text || !is_blank(at, between)) {
            flush(out, run);
            add_text(out, at, word.text.data);
        }
        if (!add_word(run, &word))
            flush(out, run);
        at = word.text.data + word.text.len;
    }
    flush(out, run);
    add_text(out, at, end);
    charsets_leave();
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
    g_autofree char *text = charsets_convert(with_end, length + 1, "UTF-8", name, &converted);
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
    g_autofree char *octets = decode_octets(slice_of(payload), is_base64_word, &length);
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

/* As word_at(), for those who are less exact: with spaces where they must not be, and without an end (no payload). */
static bool loose_word_at(const char *begin, struct word *word)
{
    const char *charset = begin + 2, *mark = strchr(charset, '?');
    if (mark == NULL)
        return false;
    const char *encoding = mark + 1 + strspn(mark + 1, SPACES);
    if (*encoding == '\0' || strchr("BbQq", *encoding) == NULL)
        return false;
    const char *second = encoding + 1 + strspn(encoding + 1, SPACES);
    if (*second != '?')
        return false;
    const char *payload = second + 1, *stop = strchr(payload, '?');
    bool has_end = stop != NULL && stop[1] == '=';
    *word = (struct word){
        .text = {begin, (size_t)((has_end ? stop + 2 : payload) - begin)},
        .charset = {charset, (size_t)(mark - charset)},
        .payload = has_end ? (struct slice){payload, (size_t)(stop - payload)} : (struct slice){NULL, 0},
        .is_base64 = g_ascii_tolower(*encoding) == 'b',
    };
    return true;
}

/* The first one from text on. No regular expression: GLib crashes where it cannot allocate one. */
static bool next_loose_word(const char *text, const char *end, struct word *word)
{
    const char *begin = find(text, end, "=?");
    while (begin != NULL && !loose_word_at(begin, word))
        begin = find(begin + 1, end, "=?");
    return begin != NULL;
}

struct words_reading *words_read(const char *text)
{
    struct words_reading *reading = g_new(struct words_reading, 1);
    bool too_many = are_too_many(text);
    const char *at = text, *last = text + strlen(text);
    struct word word;

    *reading = (struct words_reading){g_string_new(NULL), g_string_new(NULL), !too_many, !too_many};
    while (next_loose_word(at, last, &word)) {
        const char *start = word.text.data, *end = start + word.text.len;
        reading->is_exact &= start == text || is_blank(start - 1, 1);
        reading->is_exact &= *end == '\0' || is_blank(end, 1);
        if (at == text || !is_blank(at, (gsize)(start - at)))
            read_text(reading, at, (gsize)(start - at));
        at = end;
        if (word.payload.data != NULL) {
            g_autofree char *charset = g_strndup(word.charset.data, word.charset.len);
            g_autofree char *payload = g_strndup(word.payload.data, word.payload.len);
            read_word(reading, charset, word.is_base64, payload, too_many);
            continue;
        }
        reading->is_exact = reading->is_sound = false;
        read_text(reading, start, word.text.len);
    }
    read_text(reading, at, (gsize)(last - at));
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
    struct word word;
    return next_loose_word(text, text + strlen(text), &word);
}
