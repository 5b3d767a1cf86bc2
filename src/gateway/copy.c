/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: the second pass of a message that is split: one recipient's copy comes back by a listener of its own. The box
 * is opened, and what is in it goes the way of every message, as from the client that sent it. From outside count only
 * the recipient, and the trace fields that are new. All else comes off: what other milters added in the first pass
 * belongs to the box.
 *
 * Who has a box must not get it opened for anyone he likes: the recipient is one of those that were sealed, or an alias
 * of one of them, or one of ours, or one of split.copies.
 */
#include "internal.h"

#include "proof.h"

#include <string.h>

#define DAY 86400

/* --- the message outside --- */

/* "v=1; key=ID", exactly once. */
static bool read_field(const struct message *message, char key_id[BOX_KEY_ID_SIZE], struct error *error)
{
    static const char beginning[] = "v=1; key=";
    const struct fields *fields = message_fields(message);
    unsigned count = fields_count(fields, BOX_FIELD);
    if (count != 1)
        return error_set(error, ERROR_PERMANENT,
                         count == 0 ? "the message on the listener for sealed messages has no field " BOX_FIELD
                                    : "the message has several fields " BOX_FIELD);
    g_autofree char *value = field_unfolded(fields_find(fields, BOX_FIELD, 1)->value);
    if (!text_begins_with(value, beginning) || strlen(value) != strlen(beginning) + BOX_KEY_ID_SIZE - 1)
        return error_set(error, ERROR_PERMANENT, "the field " BOX_FIELD " cannot be read");
    g_strlcpy(key_id, value + strlen(beginning), BOX_KEY_ID_SIZE);
    return true;
}

/* In pieces, so that a large message is not in memory as a whole. */
static bool decode(const struct message *outside, struct slice base64, struct spool *box, struct error *error)
{
    struct part part = {.id = (char *)"2", .encoding = ENCODING_BASE64};
    while (base64.len > 0) {
        part.body = (struct slice){base64.data, MIN(base64.len, BOX_LINES)};
        if (!part_decode(&part, box, error))
            return false;
        message_forget(outside);
        base64.data += part.body.len;
        base64.len -= part.body.len;
    }
    return true;
}

static struct opened_box *open_body(const struct gateway *gateway, const struct message *outside, struct error *error)
{
    const struct limits *limits = &gateway->copy_limits;
    struct slice base64 = SLICE_NONE, bytes = SLICE_NONE;
    owned(spool) struct spool *box = spool_new(limits);
    if (!box_find(message_body(outside), &base64)) {
        error_set(error, ERROR_PERMANENT, "the message is not as it was sealed");
        return NULL;
    }
    if (!decode(outside, base64, box, error) || !spool_finish(box, &bytes, error))
        return NULL;
    return box_open(gateway->box_keys, bytes, limits, error);
}

/* Folding may change on the way, the words may not. */
static char *from_of(const struct message *message)
{
    const struct fields *fields = message_fields(message);
    const struct field *field = NULL;
    GString *all = g_string_new(NULL);
    for (unsigned nth = 1; (field = fields_find(fields, "From", nth)) != NULL; nth++) {
        g_autofree char *value = field_unfolded(field->value);
        g_auto(GStrv) words = g_strsplit_set(value, " \t\r\n", -1);
        for (char **word = words; *word != NULL; word++)
            if (**word != '\0')
                g_string_append_printf(all, "%s ", *word);
        g_string_append_c(all, '\n');
    }
    return g_string_free(all, FALSE);
}

static bool is_same_message(const struct gateway *gateway, const struct message *outside,
                            const struct opened_box *opened, time_t at, struct error *error)
{
    unsigned days = gateway->conf->split.max_age;
    g_autofree char *arrives = from_of(outside), *sealed = from_of(opened->message);
    if (strcmp(arrives, sealed) != 0)
        return error_set(error, ERROR_PERMANENT, "From is not that of the sealed message");
    if (at - opened->contents.at > (time_t)days * DAY)
        return error_set(error, ERROR_PERMANENT, "the message was sealed more than %u days ago (split.max_age)", days);
    return true;
}

static struct opened_box *open_outside(const struct gateway *gateway, const struct passage_request *request,
                                       struct error *error)
{
    char key_id[BOX_KEY_ID_SIZE];
    if (request->message == NULL) {
        error_set(error, ERROR_PERMANENT, "this listener takes sealed messages only (split.daemon_name)");
        return NULL;
    }
    if (!read_field(request->message, key_id, error))
        return NULL;
    owned(opened_box) struct opened_box *opened = open_body(gateway, request->message, error);
    if (opened == NULL)
        return NULL;
    if (strcmp(opened->key_id, key_id) != 0)
        error_set(error, ERROR_PERMANENT, "the field " BOX_FIELD " names another key than the sealed message");
    else if (is_same_message(gateway, request->message, opened, request->at, error))
        return steal(&opened);
    return NULL;
}

/* The second pass comes from loopback, which trusted_networks need not name. */
static bool may_be_of_ours(const struct conf *conf, const char *client)
{
    return conf_is_trusted_network(conf, client) || (client != NULL && host_is_loopback(client));
}

bool copy_may_be_astray(const struct gateway *gateway, const struct passage_request *request)
{
    const struct message *message = request->message;
    return message != NULL && fields_find(message_fields(message), BOX_FIELD, 1) != NULL &&
           may_be_of_ours(gateway->conf, request->envelope->client_address);
}

bool copy_is_astray(const struct gateway *gateway, const struct passage_request *request)
{
    char key_id[BOX_KEY_ID_SIZE];
    struct error ignored = {0};
    if (!read_field(request->message, key_id, &ignored))
        return false;
    owned(opened_box) struct opened_box *opened = open_body(gateway, request->message, &ignored);
    return opened != NULL;
}

/* --- the recipient --- */

/* xtext and utf-8-addr-xtext (RFC 3461 §4, RFC 6533 §3) as plain text. */
static char *decode_xtext(const char *text)
{
    GString *plain = g_string_new(NULL);
    for (const char *c = text; *c != '\0'; c++) {
        char *end = NULL;
        if (c[0] == '\\' && c[1] == 'x' && c[2] == '{') {
            gunichar letter = (gunichar)g_ascii_strtoull(c + 3, &end, 16);
            if (*end != '}' || !g_unichar_validate(letter))
                break;
            g_string_append_unichar(plain, letter);
            c = end;
        } else if (c[0] == '+' && g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
            g_string_append_c(plain, (char)(g_ascii_xdigit_value(c[1]) * 16 + g_ascii_xdigit_value(c[2])));
            c += 2;
        } else {
            g_string_append_c(plain, *c);
        }
    }
    return g_string_free(plain, FALSE);
}

/* The value of the parameter ORCPT, by which the sender, or the mail server that has expanded an alias, says how the
 * recipient was given; NULL: the parameter is missing. Lent. */
static const char *original_of(const struct recipient *recipient)
{
    for (char **parameter = recipient->parameters; parameter != NULL && *parameter != NULL; parameter++)
        if (g_ascii_strncasecmp(*parameter, "ORCPT=", strlen("ORCPT=")) == 0)
            return *parameter + strlen("ORCPT=");
    return NULL;
}

/* Returns false if it is not a mail address, as that of another address type need not be one. */
static bool original_address(const char *original, struct address *address)
{
    struct error ignored = {0};
    const char *semicolon = strchr(original, ';');
    if (semicolon == NULL ||
        (g_ascii_strncasecmp(original, "rfc822;", 7) != 0 && g_ascii_strncasecmp(original, "utf-8;", 6) != 0))
        return false;
    g_autofree char *text = decode_xtext(semicolon + 1);
    return address_parse_path(slice_of(text), address, &ignored);
}

static bool was_sealed_as(const struct recipient *sealed, const struct address *address)
{
    return address_equal(&sealed->address, address) ||
           (sealed->resolved.text != NULL && address_equal(&sealed->resolved, address));
}

static bool find_planned(const struct opened_box *opened, const struct address *address, struct least *least)
{
    for (size_t i = 0; i < opened->envelope->recipient_count; i++)
        if (was_sealed_as(&opened->envelope->recipients[i], address)) {
            *least = opened->planned[i];
            return true;
        }
    return false;
}

/* Whether the mail server may have led the sealed recipient to one with this original: it keeps the original that the
 * sender gave, and else gives the address. */
static bool leads_to(const struct recipient *sealed, const char *original)
{
    struct address given = {0}, own = {0};
    const char *kept = original_of(sealed);
    bool is_address = original_address(original, &given);
    bool leads = (is_address && was_sealed_as(sealed, &given)) ||
                 (kept != NULL && g_ascii_strcasecmp(kept, original) == 0) ||
                 (kept != NULL && is_address && original_address(kept, &own) && address_equal(&own, &given));
    address_clear(&given);
    address_clear(&own);
    return leads;
}

static bool is_copy(const struct conf *conf, const struct address *address)
{
    g_autofree char *key = address_key(address); /* the form of split.copies */
    return g_strv_contains((const char *const *)conf->split.copies, key);
}

static bool is_ours(const struct conf *conf, const struct recipient *recipient)
{
    struct destination destination;
    policy_destination(conf, recipient, &destination);
    return destination.arrives;
}

/* Encrypts at least as it had to be for that recipient, and hides as much of the header. */
static void encrypt_as(const struct least *planned, struct least *least)
{
    struct wrapping wrapping = {.form = least->form};
    if (!planned->treatment.encrypt || planned->opportunistic)
        return;
    if (least->treatment.encrypt)
        wrapping_raise(planned, &wrapping);
    else
        wrapping.form = planned->form;
    least->form = wrapping.form;
    least->headers = MAX(least->headers, planned->headers);
    least->treatment.encrypt = true;
}

/* Returns false if no sealed recipient leads to it. An alias of ours must not be a way around an encryption that
 * anyone's copy gets. An address outside that the mail server rewrites to another (canonical_maps) was decided as it
 * was. Several recipients may have the same original: all of them count. */
static bool admit_alias(const struct conf *conf, const struct opened_box *opened, const char *original,
                        struct least *least)
{
    bool leads = false, ours = false;
    for (size_t i = 0; i < opened->envelope->recipient_count; i++) {
        const struct recipient *sealed = &opened->envelope->recipients[i];
        if (!leads_to(sealed, original))
            continue;
        leads = true;
        ours = ours || is_ours(conf, sealed);
        encrypt_as(&opened->planned[i], least);
    }
    for (size_t i = 0; i < opened->envelope->recipient_count && ours; i++)
        encrypt_as(&opened->planned[i], least);
    return leads;
}

/* Whether the box is opened for this recipient, and what it must get at least. */
static bool admit(const struct conf *conf, const struct opened_box *opened, const struct recipient *recipient,
                  struct least *least, struct error *error)
{
    const struct address *address = &recipient->address;
    const char *original = original_of(recipient);
    *least = (struct least){0};
    if (find_planned(opened, address, least) || is_ours(conf, recipient) ||
        (original != NULL && admit_alias(conf, opened, original, least)) || is_copy(conf, address))
        return true;
    return error_set(error, ERROR_CONFIGURATION,
                     "the sealed message %s is not for %s, which is no alias of one of its recipients, not in "
                     "local_domains, and not in split.copies",
                     opened->envelope->queue_id != NULL ? opened->envelope->queue_id : "", address->text);
}

static bool copy_recipient(const struct recipient *from, struct envelope *envelope, struct error *error)
{
    struct address address = {0};
    const char *text = from->argument != NULL ? from->argument : from->address.text;
    if (!address_parse_path(slice_of(text), &address, error))
        return false;
    struct recipient *to = envelope_add_recipient(envelope, &address);
    to->argument = g_strdup(from->argument);
    to->parameters = g_strdupv(from->parameters);
    recipient_set_reading(to, from->mta_address, from->mta_host, from->mta_mailer);
    return true;
}

/* The envelope of the client, with this recipient alone. */
static struct envelope *envelope_for(const struct envelope *sealed, const struct envelope *outside,
                                     const struct recipient *recipient, struct error *error)
{
    owned(envelope) struct envelope *envelope = envelope_new();
    envelope->queue_id = g_strdup(outside->queue_id);
    envelope->daemon_name = g_strdup(outside->daemon_name);
    envelope->mta = g_strdup(outside->mta);
    envelope->authenticated = g_strdup(sealed->authenticated);
    envelope->client_address = g_strdup(sealed->client_address);
    envelope->eight_bit = sealed->eight_bit;
    envelope->sender_parameters = g_strdupv(sealed->sender_parameters);
    const char *sender = sealed->sender.text != NULL ? sealed->sender.text : "";
    if (!address_parse_path(slice_of(sender), &envelope->sender, error) || !copy_recipient(recipient, envelope, error))
        return NULL;
    return steal(&envelope);
}

void copy_free(struct copy *copy)
{
    if (copy == NULL)
        return;
    envelope_free(copy->envelope);
    opened_box_free(copy->opened);
    g_free(copy);
}

/* --- both --- */

struct copy *copy_open(const struct gateway *gateway, const struct passage_request *request, bool *alarm,
                       struct error *error)
{
    const struct envelope *outside = request->envelope;
    owned(copy) struct copy *copy = g_new0(struct copy, 1);
    copy->opened = open_outside(gateway, request, error);
    if (copy->opened == NULL)
        return NULL;
    proof_came_back(gateway->proof, copy->opened->key_id, request->at);
    if (outside->recipient_count != 1) {
        error_set(error, ERROR_CONFIGURATION,
                  "the mail server sends a sealed message to %zu recipients at once; set "
                  "domsec-split_destination_recipient_limit = 1",
                  outside->recipient_count);
        return NULL;
    }
    const struct recipient *recipient = &outside->recipients[0];
    *alarm = !admit(gateway->conf, copy->opened, recipient, &copy->least, error);
    if (*alarm)
        return NULL;
    copy->client = copy->opened->contents.client;
    copy->direction = copy->opened->contents.direction;
    copy->message = copy->opened->message;
    copy->outside = request->message;
    copy->envelope = envelope_for(copy->opened->envelope, outside, recipient, error);
    return copy->envelope != NULL ? steal(&copy) : NULL;
}

struct copy *copy_of_form(const struct passage *whole, size_t form, struct error *error)
{
    size_t i = 0;
    while (i < whole->plan.recipient_count && whole->plan.shares[i].form != form)
        i++;
    const struct envelope *envelope = whole->mail.envelope;
    owned(copy) struct copy *copy = g_new0(struct copy, 1);
    share_least(&whole->plan, i, &copy->least);
    copy->client = whole->mail.client;
    copy->direction = whole->plan.direction;
    copy->message = whole->mail.message;
    copy->envelope = envelope_for(envelope, envelope, &envelope->recipients[i], error);
    return copy->envelope != NULL ? steal(&copy) : NULL;
}

/* --- what leaves --- */

/* A trace field that the sealed message does not have. Those that it has come back with the box. */
static bool is_new_trace(const struct field *field, const struct fields *sealed)
{
    const struct field *known = NULL;
    if (!slice_equal_nocase(field->name, "Received"))
        return false;
    g_autofree char *value = field_unfolded(field->value);
    for (unsigned nth = 1; (known = fields_find(sealed, "Received", nth)) != NULL; nth++) {
        g_autofree char *other = field_unfolded(known->value);
        if (strcmp(value, other) == 0)
            return false;
    }
    return true;
}

bool copy_finish(const struct copy *copy, struct edits *edits, struct error *error)
{
    const struct fields *fields = message_fields(copy->outside);
    g_autofree bool *kept = g_new0(bool, fields->count + 1);
    for (size_t i = 0; i < fields->count; i++)
        kept[i] = is_new_trace(&fields->list[i], message_fields(copy->message));
    edits_move(edits, copy->message, copy->outside, kept);
    return edits_finish(edits, copy->outside, error);
}
