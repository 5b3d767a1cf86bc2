/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protected_headers: what becomes of the header fields of what was signed or encrypted (RFC 9788). None of them is
 * lost: what does not stand in the header of the message is shown to the reader.
 */
#include "protected_headers.h"

#include "mail/kept_fields.h"

/* Fields with their values, so that each is kept once. */
struct kept {
    GHashTable *known;
    GPtrArray *fields;
};

/* Without case, as names are compared; g_free(). */
static char *key_of(const struct field *field)
{
    g_autofree char *name = g_ascii_strdown(field->name.data, (gssize)field->name.len);
    g_autofree char *value = field_unfolded(field->value);
    return g_strconcat(name, ":", value, NULL);
}

/* Says how the content is to be read, and has no meaning beside it. */
static bool belongs_to_content(const struct field *field)
{
    return field_is_content(field) || slice_equal_nocase(field->name, "MIME-Version") ||
           slice_equal_nocase(field->name, "HP-Outer");
}

static bool is_restored(const struct made_fields *made, const struct field *field)
{
    for (size_t i = 0; i < made->restored_count; i++)
        if (made->restored[i] == field)
            return true;
    return false;
}

static void add_fields(struct kept *kept, const struct made_fields *made, const struct part *part)
{
    for (size_t i = 0; i < part->fields.count; i++) {
        const struct field *field = &part->fields.list[i];
        if (!belongs_to_content(field) && !is_restored(made, field) && g_hash_table_add(kept->known, key_of(field)))
            g_ptr_array_add(kept->fields, (gpointer)field);
    }
}

/* Nothing of what stays encrypted is shown, not even in the log: it may have been changed, and often cannot be read. */
static bool is_opened(const struct passage *passage, size_t depth)
{
    const struct examination *examination = passage->mail.examination;
    for (size_t i = passage->plan.removable; i < depth; i++)
        if (layer_is_encrypted(&examination->layers[i].layer.facts))
            return false;
    return true;
}

/* How many layers lie around the innermost entity that says that it protects fields: a gateway says so of what it signs
 * or encrypts, and an originator's signature may lie inside. 0: nothing says so. */
static size_t depth_of_payload(const struct passage *passage)
{
    const struct examination *examination = passage->mail.examination;
    for (size_t i = examination->whole; i > 0; i--) {
        const struct part *part = examination_entity(examination, i);
        if (part != NULL && is_opened(passage, i) &&
            header_protection_of(part_parameter(part, "hp")) != HEADER_PROTECTION_NONE)
            return part->fault == NULL ? i : 0; /* it could be read in several ways */
    }
    return 0;
}

void protected_headers_decide(struct made_fields *made, const struct passage *passage)
{
    size_t depth = depth_of_payload(passage);
    if (depth == 0)
        return;
    const struct part *payload = examination_entity(passage->mail.examination, depth);
    const struct protected_view view = {
        .protection = header_protection_of(part_parameter(payload, "hp")),
        .inside = &payload->fields,
        .outside = message_fields(passage->mail.message),
        .restores = depth >= passage->plan.restores_from,
    };
    made->settled = view.restores;
    made->restored_count = policy_restorable(&view, made->restored);
    made->difference_count = policy_differences(&view, made->differences);
}

bool protected_headers_keep(const struct passage *passage, size_t depth, bool if_opened,
                            const struct transport *transport, struct entity *entity, struct error *error)
{
    const struct examination *examination = passage->mail.examination;
    const struct fields *outside = message_fields(passage->mail.message);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) fields = g_ptr_array_new();
    struct kept kept = {known, fields};
    for (size_t i = 0; i < outside->count; i++)
        g_hash_table_add(known, key_of(&outside->list[i]));
    for (size_t i = 1; i <= depth; i++) {
        const struct part *part =
            if_opened ? examination_if_opened(examination, i) : examination_entity(examination, i);
        if (part != NULL)
            add_fields(&kept, &passage->made.fields, part);
    }
    return fields->len == 0 || mime_keep_fields((const struct field *const *)fields->pdata, fields->len, transport,
                                                &passage->gateway->conf->limits, entity, error);
}
