/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_display: finds the elements in the decoded text, and encodes the rest as it was encoded. A text in which none
 * is found where it should be stays as it is.
 */
#include "legacy_display.h"

#include "content_type.h"
#include "legacy_element.h"

#include <string.h>

#define HTML_HEAD ((size_t)64 << 10) /* octets in which an element must lie */

static struct slice range(const char *from, const char *to)
{
    return (struct slice){from, (size_t)(to - from)};
}

/* The lines up to and including the first empty one. */
static bool find_in_plain(struct slice text, struct slice *element)
{
    const char *end = text.data + text.len;
    for (const char *line = text.data, *lf; line < end; line = lf + 1) {
        lf = memchr(line, '\n', (size_t)(end - line));
        if (lf == NULL)
            return false;
        if (lf == line || (lf == line + 1 && *line == '\r')) {
            *element = range(text.data, lf + 1);
            return true;
        }
    }
    return false;
}

/* The end of the div whose content begins at offset; -1: it does not end. */
static int end_of_div(const char *text, size_t length, int offset)
{
    g_autoptr(GRegex) tag = g_regex_new("<(/?)div\\b[^>]*>", G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    unsigned open = 1;
    g_regex_match_full(tag, text, (gssize)length, offset, 0, &match, NULL);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        int from, to, slash_from, slash_to;
        g_match_info_fetch_pos(match, 0, &from, &to);
        g_match_info_fetch_pos(match, 1, &slash_from, &slash_to);
        open += slash_to > slash_from ? -1u : 1u;
        if (open == 0)
            return to;
    }
    return -1;
}

/* The first div of that class. */
static bool find_in_html(struct slice text, struct slice *element)
{
    size_t length = MIN(text.len, HTML_HEAD);
    g_autoptr(GRegex) div =
        g_regex_new("<div\\s[^>]*?\\bclass\\s*=\\s*[\"']?(?:[^\"'>]*\\s)?" LEGACY_DISPLAY_CLASS "[\"'\\s>]",
                    G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    int from, to;
    if (!g_regex_match_full(div, text.data, (gssize)length, 0, 0, &match, NULL) ||
        !g_match_info_fetch_pos(match, 0, &from, &to))
        return false;
    const char *close = memchr(text.data + to - 1, '>', length - (size_t)(to - 1));
    int end = close != NULL ? end_of_div(text.data, length, (int)(close + 1 - text.data)) : -1;
    if (end < 0)
        return false;
    *element = range(text.data + from, text.data + end);
    return true;
}

static bool find(const struct part *part, struct slice text, struct slice *element)
{
    if (text.len == 0)
        return false;
    return strcmp(part->type, "text/html") == 0 ? find_in_html(text, element) : find_in_plain(text, element);
}

/* False: of our own failure only. */
static bool take_element(const struct part *part, bool is_child, struct element_edit *edit)
{
    owned(spool) struct spool *decoded = spool_new(edit->limits), *left = spool_new(edit->limits);
    const struct field *field = fields_find(&part->fields, "Content-Type", 1);
    struct slice text = part->body, element, rest;
    bool can = false;
    g_autofree char *type = content_type_without(field->value, "hp-legacy-display");
    if (!legacy_element_decode(part, decoded, &text, &can, edit->error))
        return false;
    if (!can || type == NULL || !find(part, text, &element))
        return true;
    return legacy_element_put(left, text.data, element.data, edit->error) &&
           legacy_element_put(left, element.data + element.len, text.data + text.len, edit->error) &&
           spool_finish(left, &rest, edit->error) && legacy_element_replace(edit, part, is_child, type, rest);
}

static bool has_element(const struct part *part)
{
    const char *says = part_parameter(part, "hp-legacy-display");
    return says != NULL && strcmp(says, "1") == 0 && part->fault == NULL && part->encoding != ENCODING_UNKNOWN &&
           (strcmp(part->type, "text/plain") == 0 || strcmp(part->type, "text/html") == 0);
}

static bool walk(const struct part *part, bool is_child, struct element_edit *edit)
{
    if (strcmp(part->type, "multipart/signed") == 0)
        return true;
    for (size_t i = 0; i < part->child_count; i++)
        if (!walk(&part->children[i], true, edit))
            return false;
    return !has_element(part) || (is_child && !legacy_element_has_header(part)) || take_element(part, is_child, edit);
}

bool mime_without_legacy_display(const struct part *root, const struct limits *limits, struct display_change *change,
                                 struct error *error)
{
    *change = (struct display_change){.body = spool_new(limits)};
    struct element_edit edit = {.limits = limits, .out = change->body, .at = root->body.data, .error = error};
    bool good = walk(root, false, &edit) && legacy_element_finish(&edit, root);
    change->changed = edit.changed;
    change->type = edit.root_type;
    return good;
}

void display_change_clear(struct display_change *change)
{
    spool_free(change->body);
    g_free(change->type);
    *change = (struct display_change){0};
}
