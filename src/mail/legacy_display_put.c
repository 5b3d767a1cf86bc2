/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_display_put: shows fields at the head of a text, in its own character set. A text that cannot show them there
 * stays as it is.
 */
#include "charsets.h"
#include "content_type.h"
#include "html_tag.h"
#include "legacy_display.h"
#include "legacy_element.h"
#include "words.h"

#include <gmime/gmime.h>
#include <string.h>

#define HEAD ((size_t)64 << 10) /* octets in which <body> must lie */

struct addition {
    struct element_edit edit;
    const char *lines; /* "Subject: the subject", UTF-8, each with CRLF */
    const char *words; /* the same as the fields have it, ASCII if they are */
};

/* What the fields say, in a form for people; words: with their encoded words as they are. g_free(). */
static char *lines_of(const struct field *const *shown, size_t count, bool words)
{
    GString *lines = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        g_autofree char *line = field_unfolded(shown[i]->value);
        g_autofree char *decoded = words ? g_strdup(line) : words_decode(line);
        g_autofree char *valid = g_utf8_make_valid(decoded, -1);
        for (char *c = valid; *c != '\0'; c++)
            if (g_ascii_iscntrl(*c))
                *c = ' ';
        g_string_append_len(lines, shown[i]->name.data, (gssize)shown[i]->name.len);
        g_string_append_printf(lines, ": %s\r\n", g_strstrip(valid));
    }
    return g_string_free(lines, FALSE);
}

/* --- the element --- */

/* Letters of ASCII are the same octets in it. */
static bool holds_ascii(const char *charset)
{
    static const char text[] = "<Subject: \"A-Za-z\">";
    gsize length = 0;
    g_autofree char *same = charsets_convert(text, strlen(text), charset, "UTF-8", &length);
    return same != NULL && length == strlen(text) && memcmp(same, text, length) == 0;
}

/* The charset of the part in iconv's words; "US-ASCII" where it has none. g_free(). */
static char *charset_of(const struct part *part)
{
    const char *given = part_parameter(part, "charset");
    if (given == NULL || *given == '\0')
        return g_strdup("US-ASCII");
    charsets_enter(strlen(given));
    char *name = g_strdup(g_mime_charset_iconv_name(given));
    charsets_leave();
    return name;
}

static bool is_ascii_only(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((signed char)text.data[i] < 0)
            return false;
    return true;
}

/* *becomes_utf8: the text has ASCII alone, and its charset must change for this. */
static char *plain_element(const struct addition *addition, const char *charset, struct slice text, bool *becomes_utf8)
{
    gsize length = 0;
    g_autofree char *own = charsets_convert(addition->lines, strlen(addition->lines), charset, "UTF-8", &length);
    *becomes_utf8 = false;
    if (own != NULL && strlen(own) == length)
        return g_strconcat(own, "\r\n", NULL);
    *becomes_utf8 = is_ascii_only(text);
    if (!*becomes_utf8 && !g_str_is_ascii(addition->words))
        return NULL;
    return g_strconcat(*becomes_utf8 ? addition->lines : addition->words, "\r\n", NULL);
}

/* Numbers stand for what is not in ASCII. */
static char *html_element(const struct addition *addition)
{
    g_autofree char *escaped = g_markup_escape_text(addition->lines, -1);
    GString *element = g_string_new("<div class=\"" LEGACY_DISPLAY_CLASS "\"><pre>");
    for (const char *c = escaped; *c != '\0'; c = g_utf8_next_char(c)) {
        if ((signed char)*c < 0)
            g_string_append_printf(element, "&#%u;", g_utf8_get_char(c));
        else
            g_string_append_c(element, *c);
    }
    g_string_append(element, "</pre></div>");
    return g_string_free(element, FALSE);
}

/* Behind <body>, or at the beginning. */
static size_t place_in_html(struct slice text)
{
    const char *at = text.data, *end = text.len > 0 ? text.data + MIN(text.len, HEAD) : at;
    for (struct html_tag tag; html_next_tag(&at, end, "body", &tag);)
        if (!tag.is_end)
            return (size_t)(at - text.data);
    return 0;
}

/* --- the parts --- */

/* Its Content-Type with what has to be said there; NULL: it cannot say so. */
static char *new_type(const struct part *part, bool becomes_utf8)
{
    const struct field *field = fields_find(&part->fields, "Content-Type", 1);
    struct slice value = field != NULL ? field->value : slice_of(" text/plain; charset=us-ascii");
    g_autofree char *with = content_type_with(value, "hp-legacy-display", "1");
    return with != NULL && becomes_utf8 ? content_type_with(slice_of(with), "charset", "utf-8") : steal(&with);
}

/* False: of our own failure only. */
static bool add_element(const struct part *part, bool is_child, struct addition *addition)
{
    struct element_edit *edit = &addition->edit;
    owned(spool) struct spool *decoded = spool_new(edit->limits), *whole = spool_new(edit->limits);
    struct slice text = part->body, bytes;
    bool can = false, becomes_utf8 = false, is_html = strcmp(part->type, "text/html") == 0;
    g_autofree char *charset = charset_of(part), *element = NULL, *type = NULL;
    if (charset == NULL || !holds_ascii(charset))
        return true;
    if (!legacy_element_decode(part, decoded, &text, &can, edit->error))
        return false;
    if (can)
        element = is_html ? html_element(addition) : plain_element(addition, charset, text, &becomes_utf8);
    if (element != NULL)
        type = new_type(part, becomes_utf8);
    if (type == NULL)
        return true;
    size_t place = is_html ? place_in_html(text) : 0;
    return legacy_element_put(whole, text.data, text.data + place, edit->error) &&
           spool_write(whole, element, strlen(element), edit->error) &&
           legacy_element_put(whole, text.data + place, text.data + text.len, edit->error) &&
           spool_finish(whole, &bytes, edit->error) && legacy_element_replace(edit, part, is_child, type, bytes);
}

static bool is_attached(const struct part *part)
{
    const struct field *field = fields_find(&part->fields, "Content-Disposition", 1);
    g_autofree char *value = field != NULL ? field_unfolded(field->value) : NULL;
    return value != NULL && g_ascii_strncasecmp(value, "attachment", strlen("attachment")) == 0;
}

static bool is_readable(const struct part *part, bool is_child)
{
    return part->fault == NULL && part->encoding != ENCODING_UNKNOWN && !is_attached(part) &&
           (!is_child || legacy_element_has_header(part)) &&
           (strcmp(part->type, "text/plain") == 0 || strcmp(part->type, "text/html") == 0);
}

/* The forms of a text, and the first part of anything else. */
static bool walk(const struct part *part, bool is_child, struct addition *addition)
{
    size_t count = strcmp(part->type, "multipart/alternative") == 0 ? part->child_count : MIN(part->child_count, 1);
    if (part->fault != NULL || strcmp(part->type, "multipart/signed") == 0 ||
        strcmp(part->type, "multipart/encrypted") == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!walk(&part->children[i], true, addition))
            return false;
    return !is_readable(part, is_child) || add_element(part, is_child, addition);
}

bool mime_with_legacy_display(const struct part *root, const struct field *const *shown, size_t count,
                              const struct limits *limits, struct display_change *change, struct error *error)
{
    g_autofree char *lines = lines_of(shown, count, false), *words = lines_of(shown, count, true);
    *change = (struct display_change){.body = spool_new(limits)};
    struct addition addition = {
        .edit = {.limits = limits, .out = change->body, .at = root->body.data, .error = error},
        .lines = lines,
        .words = words,
    };
    bool good = walk(root, false, &addition) && legacy_element_finish(&addition.edit, root);
    change->changed = addition.edit.changed;
    change->type = addition.edit.root_type;
    return good;
}
