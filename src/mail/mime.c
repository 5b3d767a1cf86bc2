/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: starts GMime, recognises the S/MIME media types (RFC 8551 §3.2, §3.10), and has small functions for entities.
 * part.c builds the tree of parts, and canonical.c makes the entity to sign.
 */
#include "mail/mime.h"

#include "content_type.h"

#include <gmime/gmime.h>
#include <string.h>

void mime_init(void)
{
    static gsize started;
    if (g_once_init_enter(&started)) {
        g_mime_init();
        g_once_init_leave(&started, 1);
    }
}

static bool has_ending(const char *name, const char *const *endings)
{
    if (name == NULL)
        return false;
    size_t length = strlen(name);
    while (length > 0 && g_ascii_isspace(name[length - 1]))
        length--;
    for (; *endings != NULL; endings++) {
        size_t ending = strlen(*endings);
        if (length > ending && g_ascii_strncasecmp(name + length - ending, *endings, ending) == 0)
            return true;
    }
    return false;
}

/* The filename of Content-Disposition, beside which the name of Content-Type may be present; g_free(). */
static char *filename_of(const struct part *part)
{
    const struct field *field = fields_find(&part->fields, "Content-Disposition", 1);
    return field == NULL ? NULL : disposition_filename(field->value);
}

static bool is_named(const struct part *part, const char *const *endings)
{
    g_autofree char *filename = filename_of(part);
    return has_ending(part_parameter(part, "name"), endings) || has_ending(filename, endings);
}

static bool has_two_endings(const char *name)
{
    const char *dot = name != NULL ? strchr(name, '.') : NULL;
    return dot != NULL && dot > name && strchr(dot + 1, '.') != NULL;
}

bool part_is_named_as_document(const struct part *part)
{
    g_autofree char *filename = filename_of(part);
    return has_two_endings(part_parameter(part, "name")) || has_two_endings(filename);
}

bool part_is_pkcs7_mime(const struct part *part)
{
    static const char *const endings[] = {".p7m", ".p7z", NULL};
    if (strcmp(part->type, "application/pkcs7-mime") == 0 || strcmp(part->type, "application/x-pkcs7-mime") == 0)
        return true;
    return strcmp(part->type, "application/octet-stream") == 0 && is_named(part, endings);
}

static bool is_signature_type(const char *type)
{
    return g_ascii_strcasecmp(type, "application/pkcs7-signature") == 0 ||
           g_ascii_strcasecmp(type, "application/x-pkcs7-signature") == 0;
}

bool part_is_multipart_signed(const struct part *part)
{
    static const char *const endings[] = {".p7s", NULL};
    if (strcmp(part->type, "multipart/signed") != 0)
        return false;
    const char *protocol = part_parameter(part, "protocol");
    if (protocol != NULL && is_signature_type(protocol))
        return true;
    if (part->child_count < 2)
        return false;
    const struct part *second = &part->children[1];
    return is_signature_type(second->type) ||
           (strcmp(second->type, "application/octet-stream") == 0 && is_named(second, endings));
}

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!g_ascii_isspace(text.data[i]))
            return false;
    return true;
}

const struct part *part_alone(const struct part *part)
{
    if (strcmp(part->type, "multipart/mixed") != 0 || part->fault != NULL || part->child_count != 1 ||
        part->children[0].fault != NULL || !is_blank(part->preamble) || !is_blank(part->epilogue))
        return NULL;
    for (size_t i = 0; i < part->children[0].fields.count; i++)
        if (!field_is_content(&part->children[0].fields.list[i]))
            return NULL;
    return &part->children[0];
}

void entity_clear(struct entity *entity)
{
    rope_free(entity->header);
    rope_free(entity->body);
    *entity = (struct entity){0};
}

struct rope *entity_bytes(const struct entity *entity)
{
    struct rope *bytes = rope_new();
    rope_borrow_all(bytes, entity->header);
    rope_borrow(bytes, slice_of("\r\n"));
    rope_borrow_all(bytes, entity->body);
    return bytes;
}
