/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject: marks are compared on what a reader sees, the decoded text with compatibility forms folded, so that one that was
 * encoded or dressed up does not slip through.
 */
#include "mail/subject.h"
#include "words.h"

#include <gmime/gmime.h>
#include <string.h>

static char *decoded(const char *raw)
{
    g_autofree char *line = g_mime_utils_header_unfold(raw);
    g_autofree char *text = words_decode(g_strstrip(line));
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    /* Before marks are looked for: one must not come into being by it. */
    for (char *c = valid; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return g_utf8_normalize(valid, -1, G_NORMALIZE_NFC);
}

static char *folded(const char *text)
{
    g_autofree char *normal = g_utf8_normalize(text, -1, G_NORMALIZE_NFKC);

    return g_utf8_casefold(normal, -1);
}

struct wanted {
    char *folded;
    size_t length;
};

/* Most text is ASCII, which folds letter by letter where no combining character follows. */
static bool cannot_begin(const char *start, const char *wanted)
{
    return (guchar)start[0] < 0x80 && (guchar)start[1] < 0x80 && g_ascii_tolower(start[0]) != wanted[0];
}

/* How many bytes at start are the mark; 0: it is not there. */
static size_t mark_at(const char *start, const struct wanted *wanted)
{
    if (wanted->length == 0 || cannot_begin(start, wanted->folded))
        return 0;
    for (const char *end = g_utf8_next_char(start);; end = g_utf8_next_char(end)) {
        g_autofree char *piece = g_strndup(start, (size_t)(end - start));
        g_autofree char *shown = folded(piece);

        if (strcmp(shown, wanted->folded) == 0)
            return (size_t)(end - start);
        if (strlen(shown) > wanted->length || *end == '\0')
            return 0;
    }
}

/* All marks at once, and back by no more than the longest of them when one is gone: taking it out may bring the two halves of
 * another together. A Subject may be as long as a header. */
static bool take_out(char *text, const struct wanted *wanted, size_t count)
{
    char *at = text, *end = text + strlen(text);
    bool found = false;

    while (at < end) {
        size_t length = 0, back = 0;

        for (size_t i = 0; i < count; i++) {
            length = MAX(length, mark_at(at, &wanted[i]));
            back = MAX(back, wanted[i].length * 4); /* in characters: combining ones may become one with another */
        }
        if (length == 0) {
            at = g_utf8_next_char(at);
            continue;
        }
        memmove(at, at + length, (size_t)(end - at) - length + 1);
        end -= length;
        for (; back > 0 && at > text; back--)
            at = g_utf8_prev_char(at);
        found = true;
    }
    return found;
}

static bool take_out_all(char *text, const char *const *marks, size_t count)
{
    g_autofree struct wanted *wanted = g_new0(struct wanted, count + 1);

    for (size_t i = 0; i < count; i++) {
        wanted[i].folded = folded(marks[i] != NULL ? marks[i] : "");
        wanted[i].length = strlen(wanted[i].folded);
    }
    bool found = take_out(text, wanted, count);
    for (size_t i = 0; i < count; i++)
        g_free(wanted[i].folded);
    return found;
}

char *subject_mark(struct slice value, const char *const *marks, size_t count, const char *mark)
{
    g_autofree char *raw = g_strndup(value.data != NULL ? value.data : "", value.len);
    g_autofree char *text = decoded(raw);
    bool changed = mark != NULL;

    changed |= take_out_all(text, marks, count);
    if (!g_utf8_validate(raw, -1, NULL)) {
        /* GMime takes it for some other charset; another reader, for UTF-8 with odd bytes in it. */
        g_autofree char *valid = g_utf8_make_valid(raw, -1);
        g_autofree char *other = decoded(valid);
        if (take_out_all(other, marks, count)) {
            g_free(text);
            text = steal(&other);
            changed = true;
        }
    }
    if (!changed)
        return NULL;
    g_autofree char *marked = mark != NULL ? g_strconcat(mark, " ", g_strstrip(text), NULL) : g_strdup(g_strstrip(text));
    g_autofree char *encoded = g_mime_utils_header_encode_text(NULL, marked, "utf-8");
    g_autofree char *field = g_strconcat("Subject: ", encoded, NULL);
    g_autofree char *line = g_mime_utils_unstructured_header_fold(NULL, NULL, field);
    GString *out = g_string_new(" ");
    for (const char *c = g_strchomp(line) + strlen("Subject: "); *c != '\0'; c++) {
        const char *next = c + 1 + strspn(c + 1, " \t");
        /* GMime breaks a long encoded word in two, and a line of blanks alone is none (RFC 5322 section 2.2.3). */
        if (*c == '\n' && (next == c + 1 || *next == '\n' || *next == '\0'))
            continue;
        if (*c == '\n')
            g_string_append_c(out, '\r');
        g_string_append_c(out, *c);
    }
    return g_string_free(out, FALSE);
}
