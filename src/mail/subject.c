/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject: marks are compared on what a reader sees: the decoded text without case, compatibility forms, accents,
 * blanks and characters that take no room, so that one that was encoded or dressed up does not slip through. Each
 * letter is folded once, and work grows with the length: a Subject may be as long as a header.
 *
 * What two readers could read differently is written anew as it was read here, mark or not: then no reader can be shown
 * another text than the one that was looked through. Any other Subject without a mark stays as it is.
 */
#include "mail/subject.h"
#include "charsets.h"
#include "subject_text.h"
#include "words.h"

#include <gmime/gmime.h>
#include <string.h>

#define BACKWARDS "\xe2\x80\xae" /* U+202E: what follows is shown from its end on */

/* How many octets at c are no text. */
static size_t control_length(const char *c)
{
    return g_ascii_iscntrl(*c) ? 1 : text_begins_with(c, BACKWARDS) ? strlen(BACKWARDS) : 0;
}

/* Before marks are looked for: one must not come into being by it. Some readers show a blank, others nothing. */
static char *without_controls(const char *text, bool blanks)
{
    char *out = g_strdup(text), *end = out;
    for (const char *c = text; *c != '\0';) {
        size_t length = control_length(c);
        if (length == 0)
            *end++ = *c;
        else if (blanks || *c == '\t')
            *end++ = ' ';
        c += MAX(length, 1);
    }
    *end = '\0';
    return out;
}

static char *decoded(const char *raw)
{
    g_autofree char *line = g_mime_utils_header_unfold(raw);
    g_autofree char *text = words_decode(g_strstrip(line));
    return g_utf8_make_valid(text, -1);
}

/* A character with all that is shown on top of it or not at all. */
struct letter {
    const char *text;
    const char *folded; /* in letters.folded, once that is complete */
    guint32 length, folded_length;
};

struct letters {
    struct letter *list;
    size_t count;
    GString *folded;
};

/* What is not compared: one blank looks like two, or like none at an end of the mark. */
static bool takes_no_room(gunichar c)
{
    /* A soft hyphen; a Braille cell without dots; octets that were no text, which some leave out. */
    return c == 0xad || c == 0x2800 || c == 0xfffd || g_unichar_isspace(c) || g_unichar_iscntrl(c) ||
           g_unichar_iszerowidth(c);
}

static void append_folded(GString *out, gunichar c)
{
    gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];
    size_t count = c < 0x80 ? 0 : g_unichar_fully_decompose(c, TRUE, parts, G_N_ELEMENTS(parts));
    if (c < 0x80)
        g_string_append_c(out, g_ascii_tolower((char)c));
    for (size_t i = 0; i < count; i++) {
        char utf8[6];
        g_autofree char *folded = g_utf8_casefold(utf8, g_unichar_to_utf8(parts[i], utf8));
        if (!takes_no_room(parts[i]))
            g_string_append(out, folded);
    }
}

static void letters_read(struct letters *letters, const char *text)
{
    *letters = (struct letters){g_new(struct letter, strlen(text) + 1), 0, g_string_new(NULL)};
    for (const char *next; *text != '\0'; text = next) {
        gunichar c = g_utf8_get_char(text);
        size_t before = letters->folded->len;
        next = g_utf8_next_char(text);
        if (!takes_no_room(c))
            append_folded(letters->folded, c);
        if (letters->count > 0 && letters->folded->len == before)
            letters->list[letters->count - 1].length += (guint32)(next - text);
        else
            letters->list[letters->count++] =
                (struct letter){text, NULL, (guint32)(next - text), (guint32)(letters->folded->len - before)};
    }
    const char *folded = letters->folded->str;
    for (size_t i = 0; i < letters->count; i++) {
        letters->list[i].folded = folded;
        folded += letters->list[i].folded_length;
    }
}

static void letters_clear(struct letters *letters)
{
    g_free(letters->list);
    g_string_free(letters->folded, TRUE);
}

/* How many letters from at on are the mark; 0: it is not there. */
static size_t mark_at(const struct letter *at, const struct letter *end, const GString *mark)
{
    size_t done = 0, count = 0;
    for (; at + count < end && done < mark->len; count++) {
        const struct letter *letter = &at[count];
        if (letter->folded_length > mark->len - done ||
            memcmp(letter->folded, mark->str + done, letter->folded_length) != 0)
            return 0;
        done += letter->folded_length;
    }
    return done == mark->len ? count : 0;
}

/* All marks at once, the longest first, and back by no more than the longest when one is gone: taking it out may bring
 * the two halves of another together. */
static bool take_out(struct letters *text, const struct letters *marks, size_t count)
{
    struct letter *kept = text->list, *at = text->list, *end = text->list + text->count;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = MAX(longest, marks[i].folded->len);
    while (at < end) {
        size_t length = 0;
        for (size_t i = 0; i < count; i++)
            length = MAX(length, mark_at(at, end, marks[i].folded));
        if (length == 0) {
            *kept++ = *at++;
            continue;
        }
        at += length;
        for (size_t back = longest; back > 0 && kept > text->list; back--)
            *--at = *--kept;
    }
    bool found = kept < end;
    text->count = (size_t)(kept - text->list);
    return found;
}

/* The text without any of the marks; NULL: it has no mark. */
static char *without(const char *text, const char *const *marks, size_t count)
{
    g_autofree struct letters *folded = g_new(struct letters, count + 1);
    struct letters letters;
    char *rest = NULL;
    letters_read(&letters, text);
    for (size_t i = 0; i < count; i++)
        letters_read(&folded[i], marks[i] != NULL ? marks[i] : "");
    if (take_out(&letters, folded, count)) {
        GString *out = g_string_sized_new(strlen(text));
        for (size_t i = 0; i < letters.count; i++)
            g_string_append_len(out, letters.list[i].text, letters.list[i].length);
        rest = g_string_free(out, FALSE);
    }
    for (size_t i = 0; i < count; i++)
        letters_clear(&folded[i]);
    letters_clear(&letters);
    return rest;
}

/* What is plain text now, or came together, must not be read as an encoded word. */
static char *without_words(const char *text)
{
    GString *out = g_string_sized_new(strlen(text));
    for (const char *c = text; *c != '\0'; c++) {
        g_string_append_c(out, *c);
        if (c[0] == '=' && c[1] == '?')
            g_string_append_c(out, ' ');
    }
    return g_string_free(out, FALSE);
}

/* The field's value, with words encoded and lines folded where need be. */
static char *written(const char *text)
{
    charsets_enter(0);
    g_autofree char *encoded = g_mime_utils_header_encode_text(NULL, text, "utf-8");
    g_autofree char *field = g_strconcat("Subject: ", encoded, NULL);
    g_autofree char *line = g_mime_utils_unstructured_header_fold(NULL, NULL, field);
    charsets_leave();

    GString *out = g_string_new(" ");
    for (const char *c = g_strchomp(line) + strlen("Subject: "); *c != '\0'; c++) {
        const char *next = c + 1 + strspn(c + 1, " \t");
        /* GMime breaks a long encoded word in two, and a line of blanks alone is not allowed (RFC 5322 section 2.2.3).
         */
        if (*c == '\n' && (next == c + 1 || *next == '\n' || *next == '\0'))
            continue;
        if (*c == '\n')
            g_string_append_c(out, '\r');
        g_string_append_c(out, *c);
    }
    return g_string_free(out, FALSE);
}

/* The caller that finds a mark decides what is left: no other reading of that is possible. */
static void read_once(char **left, char *shown, const char *const *marks, size_t count)
{
    char *rest = without(shown, marks, count);
    if (rest != NULL) {
        g_free(*left);
        *left = rest;
    }
    g_free(shown);
}

static void read_all(char **left, const char *raw, const char *const *marks, size_t count)
{
    g_autofree char *shown = decoded(raw);
    for (const char *c = shown; *c != '\0'; c++)
        if (control_length(c) > 0) {
            read_once(left, without_controls(shown, false), marks, count);
            break;
        }
    read_once(left, without_controls(shown, true), marks, count);
}

/* Nothing in it that some show, some act upon, and some decode once more. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (control_length(c) > 0 && *c != '\t')
            return false;
    return !words_begin(text);
}

static bool shows(const char *text, const char *const *marks, size_t count)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *line = without_controls(valid, false);
    g_autofree char *rest = without(line, marks, count);
    return rest != NULL;
}

/* Does everybody read it as it is read here, or at least no mark in it? */
static bool is_certain(const char *raw, const char *const *marks, size_t count)
{
    g_autofree char *valid = g_utf8_make_valid(raw, -1);
    g_autofree char *line = g_strstrip(g_mime_utils_header_unfold(valid));
    g_autofree char *shown = decoded(line);
    owned(words_reading) struct words_reading *reading = words_read(line);
    /* Octets of some charset: no reader takes an ASCII character for another one, but for the rest it is a guess. */
    for (size_t i = 0; i < count && strcmp(raw, valid) != 0; i++)
        if (marks[i] != NULL && !g_str_is_ascii(marks[i]))
            return false;
    return reading->is_exact && is_plain(shown) && strcmp(shown, reading->each->str) == 0 &&
           !shows(reading->octets->str, marks, count);
}

char *subject_shown(const char *raw)
{
    g_autofree char *shown = decoded(raw);
    return without_controls(shown, true);
}

char *subject_written(const char *text)
{
    g_autofree char *plain = without_words(text);
    return written(g_strstrip(plain));
}

char *subject_mark(struct slice value, const char *const *marks, size_t count, const char *mark)
{
    g_autofree char *raw = g_malloc0(value.len + 1);
    g_autofree char *text = NULL;
    for (size_t i = 0; i < value.len; i++)
        raw[i] = value.data[i] != '\0' ? value.data[i] : '\x01';
    read_all(&text, raw, marks, count);
    if (!g_utf8_validate(raw, -1, NULL)) {
        /* GMime takes it for some other charset; another reader, for UTF-8 with odd bytes in it. */
        g_autofree char *valid = g_utf8_make_valid(raw, -1);
        read_all(&text, valid, marks, count);
    }
    if (text == NULL && mark == NULL && is_certain(raw, marks, count))
        return NULL;
    if (text == NULL) {
        g_autofree char *shown = decoded(raw);
        text = without_controls(shown, true);
    }
    g_autofree char *plain = without_words(g_strstrip(text));
    g_autofree char *marked = mark != NULL ? g_strconcat(mark, " ", plain, NULL) : g_strdup(plain);
    return written(marked);
}
