/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_display: finds the elements in the decoded text, and encodes the rest as it was encoded. A text in which none
 * is found where it should be stays as it is.
 */
#include "mail/legacy_display.h"

#include "quoted.h"

#include <string.h>

#define HTML_HEAD ((size_t)64 << 10) /* octets in which an element must lie */

struct removal {
    const struct limits *limits;
    struct spool *out;
    const char *at; /* what was not written yet begins here */
    bool changed;
    struct error *error;
};

static struct slice range(const char *from, const char *to)
{
    return (struct slice){from, (size_t)(to - from)};
}

static bool put(struct spool *out, struct slice bytes, struct error *error)
{
    return bytes.len == 0 || spool_write(out, bytes.data, bytes.len, error);
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
    g_autoptr(GRegex) div = g_regex_new("<div\\s[^>]*?\\bclass\\s*=\\s*[\"']?(?:[^\"'>]*\\s)?"
                                        "header-protection-legacy-display[\"'\\s>]",
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

static bool encode(const struct part *part, struct slice text, bool is_child, struct removal *removal)
{
    struct base64_state state = {.carried = 0};
    if (part->encoding == ENCODING_BASE64)
        return base64_write(&state, text, true, removal->out, removal->error);
    if (part->encoding == ENCODING_QUOTED_PRINTABLE)
        return quoted_write(text, !is_child, removal->out, removal->error);
    return put(removal->out, text, removal->error);
}

/* False: of our own failure only. */
static bool write_without(const struct part *part, bool is_child, struct removal *removal)
{
    owned(spool) struct spool *decoded = spool_new(removal->limits), *left = spool_new(removal->limits);
    struct slice text = part->body, element, rest;
    struct error cause = {0};
    if (!part_decode(part, decoded, &cause)) {
        if (cause.kind != ERROR_PERMANENT)
            *removal->error = cause;
        return cause.kind == ERROR_PERMANENT; /* it cannot be decoded */
    }
    if (!spool_finish(decoded, &text, removal->error))
        return false;
    if (!find(part, text, &element))
        return true;
    if (!put(left, range(text.data, element.data), removal->error) ||
        !put(left, range(element.data + element.len, text.data + text.len), removal->error) ||
        !spool_finish(left, &rest, removal->error) ||
        !put(removal->out, range(removal->at, part->body.data), removal->error) ||
        !encode(part, rest, is_child, removal))
        return false;
    removal->at = part->body.data + part->body.len;
    removal->changed = true;
    return true;
}

static bool has_element(const struct part *part)
{
    const char *says = part_parameter(part, "hp-legacy-display");
    return says != NULL && strcmp(says, "1") == 0 && part->fault == NULL && part->encoding != ENCODING_UNKNOWN &&
           (strcmp(part->type, "text/plain") == 0 || strcmp(part->type, "text/html") == 0);
}

static bool walk(const struct part *part, bool is_child, struct removal *removal)
{
    if (strcmp(part->type, "multipart/signed") == 0)
        return true;
    for (size_t i = 0; i < part->child_count; i++)
        if (!walk(&part->children[i], true, removal))
            return false;
    return !has_element(part) || write_without(part, is_child, removal);
}

bool mime_without_legacy_display(const struct part *root, const struct limits *limits, struct spool *out, bool *changed,
                                 struct error *error)
{
    struct removal removal = {.limits = limits, .out = out, .at = root->header.data, .error = error};
    bool good = root->header.len == 0 || root->body.len == 0 || walk(root, false, &removal);
    *changed = removal.changed;
    if (!good || !removal.changed)
        return good;
    return put(out, range(removal.at, root->body.data + root->body.len), error);
}
