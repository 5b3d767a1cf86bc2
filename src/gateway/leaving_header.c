/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaving_header: the fields stand in the header of what our first layer holds. That may be a signature of the
 * originator, whose content nothing can be added to. Fields that the originator protected are left as they are, and
 * what stands outside of them is the originator's choice.
 */
#include "leaving_header.h"

#include "mail/protected_entity.h"

/* --- tags, which no one outside sees --- */

/* The fields of the message, whose Subjects have no tags. */
static void read_header(const struct passage *passage, struct fields *header)
{
    const struct fields *received = message_fields(passage->mail.message);
    const struct rule_facts *facts = &passage->lookups.facts;
    *header = (struct fields){.list = g_memdup2(received->list, received->count * sizeof(*received->list)),
                              .count = received->count};
    for (size_t i = 0; i < facts->subject_count && facts->sender_counts; i++)
        header->list[facts->subjects[i].field - received->list].value = slice_of(facts->subjects[i].tags.rest);
}

static bool hides_subject(const struct leaving_fields *leaving)
{
    for (size_t i = 0; i < leaving->count; i++)
        if (leaving->list[i].hidden && slice_equal_nocase(leaving->list[i].field->name, "Subject"))
            return true;
    return false;
}

void leaving_header_remove_tags(const struct passage *passage, struct made *made)
{
    const struct rule_facts *facts = &passage->lookups.facts;
    const struct copy *copy = passage->copy;
    bool leaves =
        passage->plan.direction == DIRECTION_OUTBOUND || (copy != NULL && copy->direction == DIRECTION_OUTBOUND);
    for (size_t i = 0; i < facts->subject_count && leaves && facts->sender_counts && !hides_subject(&made->leaving);
         i++)
        edits_change(&made->edits, "Subject", facts->subjects[i].field->index, facts->subjects[i].tags.rest);
}

/* --- fields that are protected inside --- */

/* The entity inside the layers whose sender said that it has protected fields; NULL: no such entity. */
static const struct part *protected_by_originator(const struct passage *passage, size_t depth)
{
    const struct examination *examination = passage->mail.examination;
    for (size_t i = MAX(depth, 1); i <= examination->whole; i++) {
        const struct part *part = examination_entity(examination, i);
        if (part != NULL && header_protection_of(part_parameter(part, "hp")) != HEADER_PROTECTION_NONE)
            return part;
    }
    return NULL;
}

static bool is_outside_too(const struct fields *outside, const struct field *field)
{
    for (size_t i = 0; i < outside->count; i++)
        if (outside->list[i].name.len == field->name.len &&
            g_ascii_strncasecmp(outside->list[i].name.data, field->name.data, field->name.len) == 0 &&
            field_same_value(outside->list[i].value, field->value))
            return true;
    return false;
}

/* Fields of what the originator encrypted to us that say something else than those of the message. Without hp=, they
 * claim nothing: we neither vouch for them nor put others in their place. */
static bool has_other_fields(const struct part *entity, const struct fields *outside)
{
    for (size_t i = 0; i < entity->fields.count; i++) {
        const struct field *field = &entity->fields.list[i];
        if (!field_is_content(field) && !slice_equal_nocase(field->name, "MIME-Version") &&
            !is_outside_too(outside, field))
            return true;
    }
    return false;
}

/* What stands outside when the message leaves. */
static char *outer_lines(const struct leaving_fields *leaving)
{
    GString *lines = g_string_new(NULL);
    for (size_t i = 0; i < leaving->count; i++) {
        const struct leaving_field *field = &leaving->list[i];
        g_autofree char *same = field->hidden ? NULL : field_plain(field->field->value);
        const char *value = field->hidden ? field->outside : same;
        if (value != NULL)
            g_string_append_printf(lines, "HP-Outer: %.*s:%s\r\n", (int)field->field->name.len, field->field->name.data,
                                   value);
    }
    return g_string_free(lines, FALSE);
}

static bool make_protected(const struct passage *passage, const struct part *root, const struct leaving_fields *leaving,
                           struct entity *entity, struct error *error)
{
    bool encrypts = passage->plan.treatment.encrypt;
    g_autofree char *outer = encrypts ? outer_lines(leaving) : g_strdup("");
    g_autofree const struct field **fields = g_new0(const struct field *, leaving->count + 1);
    g_autofree const struct field **shown = g_new0(const struct field *, leaving->count + 1);
    struct protected_header header = {
        .hp = encrypts ? "cipher" : "clear", .fields = fields, .outer = outer, .shown = shown};
    for (size_t i = 0; i < leaving->count; i++) {
        const struct leaving_field *each = &leaving->list[i];
        fields[header.field_count++] = each->field;
        if (each->hidden && each->shown)
            shown[header.shown_count++] = each->field;
    }
    return mime_protect(root, &header, &passage->gateway->conf->limits, entity, error);
}

bool leaving_header_make(const struct passage *passage, struct made *made, struct entity *entity, struct error *error)
{
    const struct plan *plan = &passage->plan;
    const struct limits *limits = &passage->gateway->conf->limits;
    const struct fields *outside = message_fields(passage->mail.message);
    size_t depth = plan->unwrapping.depth;
    const struct part *root = examination_entity(passage->mail.examination, depth);
    if (root == NULL)
        return error_set(error, ERROR_BUG, "there is no message to protect");
    const struct part *own = protected_by_originator(passage, depth);
    bool is_left = own != NULL || (depth > 0 && has_other_fields(root, outside));
    read_header(passage, &made->header);
    policy_leaving_fields(is_left ? outside : &made->header, plan->wrapping.headers, plan->treatment.encrypt,
                          &made->leaving);
    if (made->leaving.count > 0 && !is_left)
        return make_protected(passage, root, &made->leaving, entity, error);
    if (made->leaving.count > 0)
        made->note = "the header fields that the originator's program put inside are left as they are";
    if (own != NULL && header_protection_of(part_parameter(own, "hp")) == HEADER_PROTECTION_CLEAR)
        leaving_fields_limit(&made->leaving, &own->fields);
    else
        leaving_fields_clear(&made->leaving);
    return (depth > 0 ? mime_canonical_inner : mime_canonical)(root, limits, entity, error);
}

void leaving_header_edit(const struct passage *passage, struct made *made)
{
    leaving_header_remove_tags(passage, made);
    for (size_t i = 0; i < made->leaving.count; i++) {
        const struct leaving_field *field = &made->leaving.list[i];
        g_autofree char *name = g_strndup(field->field->name.data, field->field->name.len);
        if (field->hidden && field->outside != NULL)
            edits_set(&made->edits, passage->mail.message, name, field->outside);
        else if (field->hidden)
            edits_delete(&made->edits, name, field->field->index);
    }
}
