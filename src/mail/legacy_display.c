/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_display: finds the elements in the decoded text, and encodes the rest as it was encoded. A text in which none
 * is found where it should be stays as it is.
 */
#include "legacy_display.h"

#include "content_type.h"
#include "html_tag.h"
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

/* The end of the div whose content begins at this place; NULL: it does not end. */
static const char *end_of_div(const char *at, const char *end)
{
    size_t open = 1;
    for (struct html_tag tag; html_next_tag(&at, end, "div", &tag);) {
        open += tag.is_end ? (size_t)-1 : 1;
        if (open == 0)
            return at;
    }
    return NULL;
}

/* The first div of that class. */
static bool find_in_html(struct slice text, struct slice *element)
{
    const char *at = text.data, *end = text.data + MIN(text.len, HTML_HEAD);
    for (struct html_tag tag; html_next_tag(&at, end, "div", &tag);) {
        if (tag.is_end || !html_tag_has_class(&tag, LEGACY_DISPLAY_CLASS))
            continue;
        const char *behind = end_of_div(at, end);
        if (behind != NULL)
            *element = range(tag.whole.data, behind);
        return behind != NULL;
    }
    return false;
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
