/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_entity: reads an entity that some software has left with the line ends of its own system.
 *
 * Header, delimiters and text have lines, which get CRLF. The body of a part that says it is binary has none (RFC 2045
 * §2.9), so it keeps its octets. Which parts those are is seen in the text, so the text is made first; only if there is
 * such a part, with an octet that was changed, it is made once more.
 */
#include "mail/mime.h"

#include <string.h>

/* The same place in both. */
struct place {
    const char *text, *bytes, *bytes_end;
};

static void advance(struct place *at, const char *to)
{
    while (at->text < to) {
        const char *cr = memchr(at->text, '\r', (size_t)(to - at->text));
        size_t same = (size_t)((cr != NULL ? cr : to) - at->text);
        at->text += same;
        at->bytes += same;
        if (cr == NULL)
            return;
        at->text += 2;
        if (at->bytes_end - at->bytes >= 2 && memcmp(at->bytes, "\r\n", 2) == 0)
            at->bytes += 2;
        else if (at->bytes < at->bytes_end) /* the last CRLF of text may be an added one */
            at->bytes++;
    }
}

static bool is_binary(const struct part *part)
{
    return part->encoding == ENCODING_BINARY && !text_begins_with(part->type, "multipart/") &&
           !text_begins_with(part->type, "message/");
}

static bool has_binary(const struct part *part)
{
    for (size_t i = 0; i < part->child_count; i++)
        if (has_binary(&part->children[i]))
            return true;
    return is_binary(part);
}

static bool write_part(const struct part *part, struct place *at, struct spool *out, struct error *error)
{
    for (size_t i = 0; i < part->child_count; i++)
        if (!write_part(&part->children[i], at, out, error))
            return false;
    if (!is_binary(part))
        return true;
    const char *start = at->text;
    advance(at, part->body.data);
    if (!spool_write(out, start, (size_t)(at->text - start), error))
        return false;
    start = at->bytes;
    advance(at, part->body.data + part->body.len);
    return spool_write(out, start, (size_t)(at->bytes - start), error);
}

struct spool *mime_from_unix(struct slice bytes, const struct limits *limits, struct slice *text, struct error *error)
{
    owned(spool) struct spool *lines = spool_new(limits);
    struct error ignored = {0};
    bool changed;
    if (!mime_line_ends(bytes, lines, &changed, error) || !spool_finish(lines, text, error))
        return NULL;
    owned(part) struct part *part = part_parse_entity(*text, limits, &ignored);
    if (part == NULL || !has_binary(part))
        return steal(&lines);
    owned(spool) struct spool *out = spool_new(limits);
    struct place at = {text->data, bytes.data, bytes.data + bytes.len};
    const char *end = text->data + text->len;
    if (!write_part(part, &at, out, error) || !spool_write(out, at.text, (size_t)(end - at.text), error) ||
        !spool_finish(out, text, error))
        return NULL;
    return steal(&out);
}
