/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliver: makes of a message that arrives what is delivered: without the layers that were put on for the domain, and
 * marked with the result (RFC 8601, 7281). A message that cannot be opened is never delivered in part.
 */
#include "internal.h"
#include "leaving_header.h"
#include "mail/protected_entity.h"
#include "mail/subject.h"
#include "protected_headers.h"

#include <string.h>

#define GARBLED_MAX 64 /* octets at the end of a content that a change of its padding garbles */

/* It is delivered or held without what the rules require. */
static bool is_tagged(const struct plan *plan)
{
    return !plan->met && !plan->internal && (plan->verdict == VERDICT_ACCEPT || plan->verdict == VERDICT_QUARANTINE);
}

static void add_mark(GPtrArray *marks, const char *mark)
{
    if (mark != NULL && !g_ptr_array_find_with_equal_func(marks, mark, g_str_equal, NULL))
        g_ptr_array_add(marks, (gpointer)mark);
}

/* The marks of all rules: to a reader, any of them says that the gateway has looked. */
static GPtrArray *all_marks(const struct conf *conf)
{
    GPtrArray *marks = g_ptr_array_new();
    for (size_t i = 0; i < conf->partner_count; i++) {
        add_mark(marks, conf->partners[i]->base.inbound.subject_verified);
        add_mark(marks, conf->partners[i]->base.inbound.subject_unverified);
    }
    return marks;
}

/* Readers differ in which of several Subject fields they show. */
static void remove_marked_subjects(const struct message *message, const GPtrArray *marks, struct edits *edits)
{
    const struct field *field;
    for (unsigned i = 2; (field = fields_find(message_fields(message), "Subject", i)) != NULL; i++) {
        g_autofree char *without = subject_mark(field->value, (const char *const *)marks->pdata, marks->len, NULL);
        if (without != NULL)
            edits_delete(edits, "Subject", i);
    }
}

static const struct field *restored_subject(const struct made_fields *fields)
{
    for (size_t i = 0; i < fields->restored_count; i++)
        if (slice_equal_nocase(fields->restored[i]->name, "Subject"))
            return fields->restored[i];
    return NULL;
}

/* All but the Subject, which may get a mark. */
static void restore_fields(const struct passage *passage, struct edits *edits)
{
    const struct made_fields *fields = &passage->made.fields;
    for (size_t i = 0; i < fields->restored_count; i++) {
        const struct field *field = fields->restored[i];
        g_autofree char *name = g_strndup(field->name.data, field->name.len);
        g_autofree char *value = field_plain(field->value);
        if (field != restored_subject(fields))
            edits_set(edits, passage->mail.message, name, value);
    }
}

/* Optional marks for people's eyes. They are worth something only if no outsider can put them there. */
static void mark_subject(const struct passage *passage, struct edits *edits)
{
    const struct message *message = passage->mail.message;
    const struct field *restored = restored_subject(&passage->made.fields);
    const struct field *field = restored != NULL ? restored : fields_find(message_fields(message), "Subject", 1);
    const char *mark = passage->plan.mark;
    g_autoptr(GPtrArray) marks = all_marks(passage->gateway->conf);
    if (restored == NULL && (passage->plan.internal || marks->len == 0 || (field == NULL && mark == NULL)))
        return;
    g_autofree char *value =
        subject_mark(field != NULL ? field->value : SLICE_NONE, (const char *const *)marks->pdata, marks->len, mark);
    if (value == NULL && restored != NULL)
        value = field_plain(restored->value);
    if (value == NULL)
        remove_marked_subjects(message, marks, edits);
    else
        edits_set(edits, message, "Subject", value);
}

/* Behind the last encryption; what lies around one goes with it. */
static bool removes_originators(const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    bool found = false;
    for (size_t i = 0; i < plan->removable; i++) {
        const struct layer_view *view = &passage->lookups.views[i];
        found = !layer_is_encrypted(view->facts) && (found || judged_is_originators(view, &plan->judgement.layers[i]));
    }
    return found;
}

/* One of the forms that a message may be delivered in. */
struct ending {
    struct edits edits;
    size_t removed;   /* outermost layers that are not in it */
    const char *note; /* made.note */
};

/* A change garbles the end of the content, and what is garbled there is recoded as a whole. So that neither shows, what
 * went through as it is is recoded in vain, and what was recoded is made in vain without its end. */
static bool make_other_end(const struct part *part, const struct entity *made, const struct transport *transport,
                           const struct limits *limits, struct error *error)
{
    struct part other = *part;
    struct entity in_vain = {0};
    if (part->child_count > 0 || part->body.len < GARBLED_MAX)
        return true;
    if (rope_count(made->body) == 1 && slice_equal(rope_at(made->body, 0), part->body)) {
        while (other.body.len > 0 && strchr("\r\n", other.body.data[other.body.len - 1]) != NULL)
            other.body.len--; /* up to an open line, whatever blank lines are at the end */
    } else {
        const char *lf = memrchr(part->body.data, '\n', part->body.len - GARBLED_MAX);
        other.body.len = lf != NULL ? (size_t)(lf + 1 - part->body.data) : 0;
    }
    bool good = mime_deliverable(&other, transport, limits, &in_vain, error);
    entity_clear(&in_vain);
    return good;
}

/* What comes out goes through the MTA like any mail, whatever was encrypted or signed: no other line end than CRLF, so
 * that nothing can be smuggled into SMTP. Only the Content-* fields of what was inside become fields of the message: no
 * inner From or Received is ever promoted. */
static bool replace_by(const struct passage *passage, size_t depth, struct edits *edits, const char **note,
                       struct error *error)
{
    const struct examination *examination = passage->mail.examination;
    bool is_one_of_several = passage->plan.ending_count > 0;
    const struct part *part =
        is_one_of_several ? examination_if_opened(examination, depth) : examination_entity(examination, depth);
    const struct transport transport = {.eight_bit = passage->mail.envelope->eight_bit,
                                        .opaque_header = smime_opaque_header,
                                        .write_opaque = smime_write_opaque};
    const struct limits *limits = &passage->gateway->conf->limits;
    struct entity entity = {0};
    if (part == NULL)
        return error_set(error, ERROR_BUG, "there is no message to deliver");
    const struct made_fields *fields = &passage->made.fields;
    if (!(fields->settled ? mime_unprotect(part, fields->restored_count > 0, &transport, limits, &entity, error)
                          : mime_deliverable(part, &transport, limits, &entity, error)))
        return false;
    if ((is_one_of_several && !make_other_end(part, &entity, &transport, limits, error)) ||
        !protected_headers_keep(passage, depth, is_one_of_several, &transport, &entity, error)) {
        entity_clear(&entity);
        return false;
    }
    if (entity.opaque)
        *note = "a signature that stays is delivered in opaque form, because its content cannot pass in clear form";
    else if (removes_originators(passage))
        *note = "the originator's signature passed and was taken off";
    edits_replace_entity(edits, passage->mail.message, &entity);
    return true;
}

static bool ending_make(const struct passage *passage, size_t depth, struct ending *ending, struct error *error)
{
    struct error too_large = {0};
    if (depth > 0) {
        if (!replace_by(passage, depth, &ending->edits, &ending->note, error))
            return false;
        ending->removed = depth;
        if (edits_fit(&ending->edits, &too_large))
            return true;
        /* No answer may tell what is inside. */
        edits_clear(&ending->edits);
        ending->removed = 0;
        ending->note = "delivered as it came, because a header field inside is larger than the milter protocol allows";
    }
    if (passage->plan.ending_count > 0)
        edits_replace_by_itself(&ending->edits, passage->mail.message);
    return edits_fit(&ending->edits, error);
}

/* Whether a decryption succeeded must not show in what it takes to deliver the message, here and in the MTA. So
 * everything that could have come out is made, only the right one is kept, and it has as many edits, and its
 * body goes in as many packets, as any. */
static bool ending_choose(const struct passage *passage, struct ending *chosen, struct error *error)
{
    const struct plan *plan = &passage->plan;
    size_t most = 0, longest = 0;
    bool found = false, good = true;
    for (size_t i = 0; i < plan->ending_count && good; i++) {
        struct ending ending = {0};
        good = ending_make(passage, plan->endings[i], &ending, error);
        most = MAX(most, ending.edits.count);
        if (good)
            longest = MAX(longest, rope_length(ending.edits.body));
        if (good && !found && plan->endings[i] == plan->removable) {
            *chosen = ending;
            found = true;
        } else {
            edits_clear(&ending.edits);
        }
    }
    if (!good || (!found && !ending_make(passage, plan->removable, chosen, error)))
        return false;
    edits_pad(&chosen->edits, passage->mail.message, most);
    chosen->edits.body_chunks = (longest + EDIT_CHUNK - 1) / EDIT_CHUNK;
    return true;
}

static bool take_off(const struct passage *passage, struct made *made)
{
    struct ending ending = {0};
    bool good = ending_choose(passage, &ending, &made->failure);
    made->edits = ending.edits;
    made->removed = good ? ending.removed : 0;
    made->note = ending.note;
    return good;
}

/* A policy in test mode does nothing, but what outsiders forged must not count for others. */
static void leave_as_it_came(struct made *made, const struct passage *passage)
{
    const struct message *message = passage->mail.message;
    results_remove_forged(passage->gateway, message, &made->edits);
    split_remove_field(message, &made->edits);
    mark_subject(passage, &made->edits);
    (void)edits_finish(&made->edits, message, &made->failure);
}

void made_deliver(struct made *made, const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    const struct message *message = passage->mail.message;
    if (plan->is_test) {
        leave_as_it_came(made, passage);
        return;
    }
    made->authentication_results = authentication_results(passage, is_tagged(plan) ? plan->reason : NULL);
    if (plan->verdict != VERDICT_ACCEPT && plan->verdict != VERDICT_QUARANTINE)
        return;
    protected_headers_decide(&made->fields, passage);
    if (!take_off(passage, made)) {
        /* The message was accepted: that it cannot be written now is our failure, unless it never can. */
        if (made->failure.kind != ERROR_TOO_LARGE)
            made->failure.kind = ERROR_TEMPORARY;
        edits_clear(&made->edits);
        return;
    }
    if (made->removed < plan->removable) /* it is delivered as it came */
        made->fields.restored_count = 0;
    results_remove_forged(passage->gateway, message, &made->edits);
    split_remove_field(message, &made->edits);
    restore_fields(passage, &made->edits);
    mark_subject(passage, &made->edits);
    if (plan->internal)
        leaving_header_remove_tags(passage, made);
    if (made->authentication_results != NULL)
        edits_insert(&made->edits, "Authentication-Results", made->authentication_results);
    (void)edits_finish(&made->edits, message, &made->failure);
}
