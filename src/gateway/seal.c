/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: the first pass of a message that is split. The message and what is known of it go into a box; outside stay the
 * fields that a mail server, its log and its bounces need, and a field that asks Postfix to send each recipient its own
 * copy to our second listener (copy.c). If Postfix does not, a box leaves, never a plaintext.
 */
#include "internal.h"

#include "proof.h"

#include <string.h>

/* Trace fields count the hops, so that a loop ends (RFC 5321 §6.3). */
static bool stays_outside(const struct field *field)
{
    static const char *const names[] = {"From",        "Date",    "Message-ID",  "Received",
                                        "Return-Path", "Subject", "MIME-Version"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (slice_equal_nocase(field->name, names[i]))
            return true;
    return field_is_content(field); /* edits_replace_entity() sees to these */
}

/* The second pass puts each field back, and so must be able to. */
static bool fields_fit(const struct message *message, struct error *error)
{
    const struct fields *fields = message_fields(message);
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        if (field->name.len + field->value.len > EDIT_MAX)
            return error_set(error, ERROR_TOO_LARGE,
                             "header field %.*s is larger than the milter protocol allows (%u octets)",
                             (int)MIN(field->name.len, 80), field->name.data, EDIT_MAX);
    }
    return true;
}

static bool body_fits(const struct message *message, size_t length, const struct limits *limits, struct error *error)
{
    if (message_header(message).len + length <= limits->message_size)
        return true;
    return error_set(error, ERROR_TOO_LARGE,
                     "sealed, so that each recipient gets its own copy, the message is larger than message_size_limit "
                     "(%zu octets)",
                     limits->message_size);
}

/* Only Postfix has FILTER in milter_header_checks. */
static bool can_split(const struct envelope *envelope, struct error *error)
{
    if (text_begins_with(envelope->mta, "Postfix"))
        return true;
    return error_set(error, ERROR_CONFIGURATION,
                     "mixed_recipients = \"split\": only Postfix can split a message, and the mail server says that it "
                     "is %s (macro v)",
                     envelope->mta != NULL ? envelope->mta : "something unknown");
}

static void plan_shares(const struct plan *plan, struct least *planned)
{
    for (size_t i = 0; i < plan->recipient_count; i++)
        share_least(plan, i, &planned[i]);
}

void share_least(const struct plan *plan, size_t recipient, struct least *least)
{
    const struct manner *manner = &plan->manners[plan->shares[recipient].manner];
    *least = (struct least){.treatment = manner->treatment,
                            .form = manner->wrapping.form,
                            .headers = manner->wrapping.headers,
                            .review = manner->wrapping.review,
                            .attributes = manner->wrapping.attributes,
                            .sign_with = manner->wrapping.sign_with,
                            .opportunistic = plan->shares[recipient].opportunistic,
                            .is_planned = true};
}

static bool seal(const struct passage *passage, struct spool *box, struct error *error)
{
    const struct mail *mail = &passage->mail;
    g_autofree struct least *planned = g_new0(struct least, passage->plan.recipient_count + 1);
    plan_shares(&passage->plan, planned);
    const struct box_contents contents = {.envelope = mail->envelope,
                                          .message = mail->message,
                                          .client = mail->client,
                                          .planned = planned,
                                          .direction = passage->plan.direction,
                                          .at = mail->at};
    return box_seal(passage->gateway->box_keys, &contents, box, error);
}

static void edit_header(const struct passage *passage, struct edits *edits)
{
    const struct message *message = passage->mail.message;
    const struct fields *fields = message_fields(message);
    g_autofree char *value = g_strdup_printf(" v=1; key=%s", box_keys_id(passage->gateway->box_keys, 0));
    for (size_t i = 0; i < fields->count; i++) {
        g_autofree char *name = g_strndup(fields->list[i].name.data, fields->list[i].name.len);
        if (!stays_outside(&fields->list[i]))
            edits_delete(edits, name, fields->list[i].index);
    }
    edits_set(edits, message, "Subject", " [...]");
    edits_insert(edits, BOX_FIELD, value);
}

static bool make_edits(const struct passage *passage, struct spool **box, struct made *made)
{
    const struct message *message = passage->mail.message;
    struct error *error = &made->failure;
    __attribute__((cleanup(cleanup_entity))) struct entity entity = {.header = rope_new(), .body = rope_new()};
    rope_copy(entity.header, slice_of("Content-Type: " BOX_TYPE "\r\n"));
    rope_borrow(entity.body, slice_of(box_before));
    if (!spool_append(steal(box), entity.body, error))
        return false;
    rope_borrow(entity.body, slice_of(box_after));
    if (!body_fits(message, rope_length(entity.body), &passage->gateway->conf->limits, error))
        return false;
    edits_replace_entity(&made->edits, message, &entity);
    edit_header(passage, &made->edits);
    return edits_finish(&made->edits, message, error);
}

void made_seal(struct made *made, const struct passage *passage)
{
    const struct gateway *gateway = passage->gateway;
    const struct envelope *envelope = passage->mail.envelope;
    struct error *error = &made->failure;
    if (gateway->box_keys == NULL) {
        error_set(error, ERROR_BUG, "a message is to be split, and there is no key to seal it");
        return;
    }
    owned(spool) struct spool *box = spool_new(&gateway->conf->limits);
    bool good = can_split(envelope, error) && fields_fit(passage->mail.message, error) && seal(passage, box, error) &&
                make_edits(passage, &box, made) &&
                proof_may_go(gateway->proof, envelope->queue_id, passage->mail.at, error);
    message_forget(passage->mail.message); /* the box is a copy */
    if (good)
        g_strlcpy(made->sealed, box_keys_id(gateway->box_keys, 0), sizeof(made->sealed));
    else
        edits_clear(&made->edits);
}

void split_remove_field(const struct message *message, struct edits *edits)
{
    for (unsigned i = fields_count(message_fields(message), BOX_FIELD); i > 0; i--)
        edits_delete(edits, BOX_FIELD, i);
}
