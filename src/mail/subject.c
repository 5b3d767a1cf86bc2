/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject: marks are compared on what a reader sees, the decoded text with compatibility forms folded, so that one that was
 * encoded or dressed up does not slip through.
 */
#include "mail/subject.h"

#include <gmime/gmime.h>
#include <string.h>

static char *decoded(struct slice value)
{
    g_autofree char *raw = g_strndup(value.data, value.len);
    g_autofree char *line = g_mime_utils_header_unfold(raw);
    g_autofree char *text = g_mime_utils_header_decode_text(NULL, g_strstrip(line));
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    return g_utf8_normalize(valid, -1, G_NORMALIZE_NFC);
}

static char *folded(const char *text)
{
    g_autofree char *normal = g_utf8_normalize(text, -1, G_NORMALIZE_NFKC);

    return g_utf8_casefold(normal, -1);
}

/* Where in text the mark stands, and how many bytes of text make it up. */
static char *find_mark(char *text, const char *mark, size_t *length)
{
    g_autofree char *wanted = folded(mark);
    size_t wanted_length = strlen(wanted);

    if (wanted_length == 0)
        return NULL;
    for (char *start = text; *start != '\0'; start = g_utf8_next_char(start))
        for (char *end = g_utf8_next_char(start);; end = g_utf8_next_char(end)) {
            g_autofree char *piece = g_strndup(start, (size_t)(end - start));
            g_autofree char *shown = folded(piece);

            if (strcmp(shown, wanted) == 0) {
                *length = (size_t)(end - start);
                return start;
            }
            if (strlen(shown) > wanted_length || *end == '\0')
                break;
        }
    return NULL;
}

static bool take_out(char *text, const char *mark)
{
    bool found = false;
    size_t length;

    /* Taking one out may bring the two halves of another together. */
    for (char *at; (at = find_mark(text, mark, &length)) != NULL; found = true)
        memmove(at, at + length, strlen(at + length) + 1);
    return found;
}

char *subject_mark(struct slice value, const char *const *marks, size_t count, const char *mark)
{
    g_autofree char *text = value.data != NULL ? decoded(value) : g_strdup("");
    bool changed = mark != NULL;

    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < count; i++)
            if (marks[i] != NULL && take_out(text, marks[i]))
                again = changed = true;
    }
    if (!changed)
        return NULL;
    g_autofree char *marked = mark != NULL ? g_strconcat(mark, " ", g_strstrip(text), NULL) : g_strdup(g_strstrip(text));
    for (char *c = marked; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    g_autofree char *encoded = g_mime_utils_header_encode_text(NULL, marked, "utf-8");
    g_autofree char *field = g_strconcat("Subject: ", encoded, NULL);
    g_autofree char *line = g_mime_utils_unstructured_header_fold(NULL, NULL, field);
    GString *out = g_string_new(" ");
    for (const char *c = g_strchomp(line) + strlen("Subject: "); *c != '\0'; c++) {
        if (*c == '\n')
            g_string_append_c(out, '\r');
        g_string_append_c(out, *c);
    }
    return g_string_free(out, FALSE);
}
