/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_fields: puts fields into a part of their own. Readers show text/rfc822-headers as text, and act upon none of the
 * fields in it.
 */
#include "mail/kept_fields.h"

#include "lines.h"

/* The part with the fields, for g_free(). */
static char *shown_text(const struct field *const *fields, size_t count, size_t *length)
{
    g_autoptr(GString) lines = g_string_new(NULL), whole = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        g_autofree char *value = field_plain(fields[i]->value);
        g_string_append_len(lines, fields[i]->name.data, (gssize)fields[i]->name.len);
        g_string_append_printf(lines, ":%s\r\n", value);
    }
    const struct slice text = {lines->str, lines->len};
    g_string_append_printf(whole, "Content-Type: text/rfc822-headers\r\nContent-Disposition: inline\r\n%s\r\n%s",
                           (lines_scan(text) & TROUBLE_EIGHT_BIT) != 0 ? "Content-Transfer-Encoding: 8bit\r\n" : "",
                           lines->str);
    *length = whole->len;
    return g_string_free(steal(&whole), FALSE);
}

/* What comes out refers to the text. */
static bool make_shown(struct slice text, const struct transport *transport, const struct limits *limits,
                       struct entity *shown, struct error *error)
{
    owned(part) struct part *part = part_parse_entity(text, limits, error);
    return part != NULL && mime_deliverable(part, transport, limits, shown, error);
}

static void add_part(struct rope *body, const char *boundary, struct entity *part)
{
    rope_printf(body, "--%s\r\n", boundary);
    rope_take(body, steal(&part->header));
    rope_borrow(body, slice_of("\r\n"));
    rope_take(body, steal(&part->body));
    rope_borrow(body, slice_of("\r\n")); /* it belongs to the delimiter that follows */
}

bool mime_keep_fields(const struct field *const *fields, size_t count, const struct transport *transport,
                      const struct limits *limits, struct entity *entity, struct error *error)
{
    owned(entity) struct entity shown = {0};
    size_t length;
    g_autofree char *bytes = shown_text(fields, count, &length);
    char boundary[BOUNDARY_SIZE];
    /* To look for the boundary in the content would take longer for what was decrypted than for what could not be
     * decrypted. */
    if (!boundary_choose(boundary, error) ||
        !make_shown((struct slice){bytes, length}, transport, limits, &shown, error))
        return false;
    struct rope *header = rope_new(), *body = rope_new();
    rope_printf(header, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n", boundary);
    if (shown.eight_bit || entity->eight_bit)
        rope_borrow(header, slice_of("Content-Transfer-Encoding: 8bit\r\n"));
    add_part(body, boundary, &shown);
    add_part(body, boundary, entity);
    rope_printf(body, "--%s--\r\n", boundary);
    rope_own(body, steal(&bytes), g_free);
    entity->header = header;
    entity->body = body;
    entity->is_base64 = false;
    return true;
}
