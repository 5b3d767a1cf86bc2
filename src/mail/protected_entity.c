/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protected_entity: writes the new header, and lets canonical.c do the rest.
 */
#include "mail/protected_entity.h"

#include "content_type.h"
#include "legacy_display.h"
#include "lines.h"

#include <limits.h>
#include <string.h>

static void add_field(GString *header, const struct field *field)
{
    g_autofree char *value = field_plain(field->value);
    g_string_append_len(header, field->name.data, (gssize)field->name.len);
    g_string_append_printf(header, ":%s\r\n", value);
}

static void add_protected(GString *header, const struct protected_header *protected)
{
    for (size_t i = 0; i < protected->field_count; i++)
        add_field(header, protected->fields[i]);
    g_string_append(header, protected->outer);
}

/* The value with the parameter hp; g_free(). NULL: it cannot have it. type: in place of that of root; NULL: as it is.
 */
static char *type_with_hp(const struct part *root, const char *type, const char *hp)
{
    const struct field *field = fields_find(&root->fields, "Content-Type", 1);
    bool is_eight_bit = (lines_scan(root->body) & TROUBLE_EIGHT_BIT) != 0;
    struct slice value = type != NULL    ? slice_of(type)
                         : field != NULL ? field->value
                         : is_eight_bit  ? slice_of(" text/plain")
                                         : slice_of(" text/plain; charset=us-ascii");
    /* A second one is left out if it is the same, and a fault otherwise. */
    if (fields_count(&root->fields, "Content-Type") > 1 && root->fault != NULL)
        return NULL;
    return content_type_with(value, "hp", hp);
}

/* The entity of a header that we wrote and a body, which it borrows. transport NULL: to be signed. Takes header. */
static bool make(GString *header, struct slice body, const struct transport *transport, const struct limits *limits,
                 struct entity *entity, struct error *error)
{
    struct limits own = *limits;
    size_t length = header->len;
    char *bytes = g_string_free(header, FALSE);
    own.header_size = MAX(limits->header_size, length); /* it is made of what was within the limits */
    own.header_count = UINT_MAX;
    owned(part) struct part *part = part_parse((struct slice){bytes, length}, body, &own, error);
    if (part == NULL || !(transport != NULL ? mime_deliverable(part, transport, limits, entity, error)
                                            : mime_canonical_inner(part, limits, entity, error))) {
        g_free(bytes);
        return false;
    }
    rope_own(entity->body, bytes, g_free);
    return true;
}

/* The Content-* fields of root, with that type. */
static GString *content_header(const struct part *root, const char *type)
{
    GString *header = g_string_new(NULL);
    g_string_append_printf(header, "Content-Type:%s\r\n", type);
    for (size_t i = 0; i < root->fields.count; i++)
        if (field_is_content(&root->fields.list[i]) && !slice_equal_nocase(root->fields.list[i].name, "Content-Type"))
            add_field(header, &root->fields.list[i]);
    return header;
}

static bool make_around(const struct part *root, const struct protected_header *protected, const struct limits *limits,
                        struct entity *entity, struct error *error)
{
    owned(entity) struct entity inner = {0};
    char boundary[BOUNDARY_SIZE];
    if (!boundary_choose(boundary, error) || !mime_canonical(root, limits, &inner, error))
        return false;
    GString *header = g_string_new(NULL);
    g_string_append_printf(header, "Content-Type: multipart/mixed; boundary=\"%s\";\r\n\thp=\"%s\"\r\n", boundary,
                           protected->hp);
    add_protected(header, protected);
    entity->fragile = inner.fragile || (lines_scan((struct slice){header->str, header->len}) & TROUBLE_HARD) != 0;
    entity->eight_bit = inner.eight_bit;
    entity->header = rope_new();
    rope_copy(entity->header, (struct slice){header->str, header->len});
    g_string_free(header, TRUE);
    entity->body = rope_new();
    rope_printf(entity->body, "--%s\r\n", boundary);
    rope_take(entity->body, steal(&inner.header));
    rope_copy(entity->body, slice_of("\r\n"));
    rope_take(entity->body, steal(&inner.body));
    rope_printf(entity->body, "\r\n--%s--\r\n", boundary);
    return true;
}

bool mime_protect(const struct part *root, const struct protected_header *protected, const struct limits *limits,
                  struct entity *entity, struct error *error)
{
    owned(display_change) struct display_change change = {0};
    struct slice body = root->body;
    if (protected->shown_count > 0 &&
        (!mime_with_legacy_display(root, protected->shown, protected->shown_count, limits, &change, error) ||
         (change.changed && !spool_finish(change.body, &body, error))))
        return false;
    g_autofree char *with = type_with_hp(root, change.type, protected->hp);
    if (with == NULL)
        return make_around(root, protected, limits, entity, error);
    GString *header = content_header(root, with);
    add_protected(header, protected);
    if (!make(header, body, NULL, limits, entity, error))
        return false;
    spool_give(steal(&change.body), entity->body);
    return true;
}

bool mime_unprotect(const struct part *root, bool elements, const struct transport *transport,
                    const struct limits *limits, struct entity *entity, struct error *error)
{
    owned(display_change) struct display_change change = {0};
    const struct field *field = fields_find(&root->fields, "Content-Type", 1);
    struct slice body = root->body;
    if (field == NULL || root->fault != NULL)
        return mime_deliverable(root, transport, limits, entity, error);
    if (elements && (!mime_without_legacy_display(root, limits, &change, error) ||
                     (change.changed && !spool_finish(change.body, &body, error))))
        return false;
    const char *type = change.type;
    g_autofree char *same = field_plain(field->value);
    g_autofree char *without_claim = content_type_without(type != NULL ? slice_of(type) : field->value, "hp");
    if (without_claim != NULL)
        type = without_claim;
    if (type == NULL && !change.changed)
        return mime_deliverable(root, transport, limits, entity, error);
    if (!make(content_header(root, type != NULL ? type : same), body, transport, limits, entity, error))
        return false;
    spool_give(steal(&change.body), entity->body);
    return true;
}
