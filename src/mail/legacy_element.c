/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_element: the text of a part, decoded and encoded as it was, between all that stays.
 */
#include "legacy_element.h"

#include "quoted.h"

#include <string.h>

bool legacy_element_put(struct spool *out, const char *from, const char *to, struct error *error)
{
    return from == to || spool_write(out, from, (size_t)(to - from), error);
}

bool legacy_element_decode(const struct part *part, struct spool *decoded, struct slice *text, bool *can,
                           struct error *error)
{
    struct error cause = {0};
    *can = part_decode(part, decoded, &cause);
    if (*can)
        return spool_finish(decoded, text, error);
    if (cause.kind != ERROR_PERMANENT)
        *error = cause;
    return cause.kind == ERROR_PERMANENT;
}

static bool encode(const struct part *part, struct slice text, bool is_child, struct element_edit *edit)
{
    struct base64_state state = {.carried = 0};
    if (part->encoding == ENCODING_BASE64)
        return base64_write(&state, text, true, edit->out, edit->error);
    if (part->encoding == ENCODING_QUOTED_PRINTABLE)
        return quoted_write(text, !is_child, edit->out, edit->error);
    return legacy_element_put(edit->out, text.data, text.data + text.len, edit->error);
}

bool legacy_element_has_header(const struct part *part)
{
    return part->header.data < part->body.data && fields_count(&part->fields, "Content-Type") <= 1;
}

/* Everything up to the body of a part that is not the root. */
static bool write_header(struct element_edit *edit, const struct part *part, const char *type)
{
    const struct field *field = fields_find(&part->fields, "Content-Type", 1);
    const char *from = field != NULL ? field->name.data : part->header.data;
    const char *to = field != NULL ? field->value.data + field->value.len : from;
    g_autofree char *line = g_strconcat("Content-Type:", type, field != NULL ? "" : "\r\n", NULL);
    return legacy_element_put(edit->out, edit->at, from, edit->error) &&
           spool_write(edit->out, line, strlen(line), edit->error) &&
           legacy_element_put(edit->out, to, part->body.data, edit->error);
}

bool legacy_element_replace(struct element_edit *edit, const struct part *part, bool is_child, const char *type,
                            struct slice text)
{
    if ((is_child && !write_header(edit, part, type)) || !encode(part, text, is_child, edit))
        return false;
    edit->at = part->body.data + part->body.len;
    edit->changed = true;
    if (!is_child)
        edit->root_type = g_strdup(type);
    return true;
}

bool legacy_element_finish(struct element_edit *edit, const struct part *root)
{
    return !edit->changed || legacy_element_put(edit->out, edit->at, root->body.data + root->body.len, edit->error);
}
