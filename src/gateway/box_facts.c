/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_facts: what is known of a sealed message, as JSON. Values of the configuration are written as its words, so that
 * gateways of several versions may open each other's boxes.
 */
#include "box_private.h"

#include <jansson.h>
#include <string.h>

bool box_keeps(const struct field *field)
{
    return !slice_equal_nocase(field->name, BOX_FIELD);
}

size_t box_name_length(const struct field *field)
{
    return (size_t)(field->value.data - field->name.data) - 1;
}

/* --- writing --- */

/* NULL is null. What is not in UTF-8 makes all of them fail. */
static json_t *text(const char *string)
{
    return string != NULL ? json_string(string) : json_null();
}

static json_t *texts(char *const *strings)
{
    json_t *list = json_array();
    for (; strings != NULL && *strings != NULL; strings++)
        if (json_array_append_new(list, json_string(*strings)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* What a value must be; null: either. Demands that contradict each other need no form, because no key signs then. */
static json_t *stated(unsigned values)
{
    return values != 0 ? json_boolean((values & STATED_BIT(STATED_TRUE)) != 0) : json_null();
}

static json_t *sign_with(const struct sign_with *with)
{
    json_t *origins = with->other_origins != 0 ? json_array() : json_null();
    for (int origin = ORIGIN_CA; json_is_array(origins) && origin <= ORIGIN_CLOUD; origin++)
        if ((with->other_origins & (1u << origin)) == 0)
            json_array_append_new(origins, json_string(key_origin_name((enum key_origin)origin)));
    return json_pack("{s:o, s:o, s:o, s:o}", "origin", origins, "escrowed", stated(with->escrowed), "dual_use",
                     stated(with->dual_use), "content_commitment", stated(with->content_commitment));
}

static json_t *planned(const struct least *least)
{
    const struct form *form = &least->form;
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "sign", least->treatment.sign,
                     "encrypt", least->treatment.encrypt, "triple", least->treatment.triple, "review", least->review,
                     "attributes", least->attributes, "opportunistic", least->opportunistic, "signature",
                     signature_name(form->signature), "digest", digest_name(form->digest), "cipher",
                     cipher_name(form->cipher), "key_transport", key_transport_name(form->key_transport), "headers",
                     protect_headers_name(least->headers), "sign_as", sign_as_name(least->treatment.sign_as),
                     "sign_with", sign_with(&least->sign_with));
}

static json_t *recipients(const struct box_contents *contents)
{
    json_t *list = json_array();
    for (size_t i = 0; i < contents->envelope->recipient_count; i++) {
        const struct recipient *recipient = &contents->envelope->recipients[i];
        json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "address",
                                   text(recipient->argument != NULL ? recipient->argument : recipient->address.text),
                                   "parameters", texts(recipient->parameters), "mta_address",
                                   text(recipient->mta_address), "mta_host", text(recipient->mta_host), "mta_mailer",
                                   text(recipient->mta_mailer), "planned", planned(&contents->planned[i]));
        if (json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The length of each name and of each value. The bytes are not parsed again, so an odd field comes back as it was. */
static json_t *fields(const struct fields *fields)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fields->count; i++) {
        if (!box_keeps(&fields->list[i]))
            continue;
        json_array_append_new(list, json_integer((json_int_t)box_name_length(&fields->list[i])));
        json_array_append_new(list, json_integer((json_int_t)fields->list[i].value.len));
    }
    return list;
}

char *box_facts_write(const struct box_contents *contents, struct error *error)
{
    const struct envelope *envelope = contents->envelope;
    json_t *client = json_pack("{s:o, s:o, s:b, s:s}", "address", text(envelope->client_address), "login",
                               text(envelope->authenticated), "trusted", contents->client.trusted, "reason",
                               contents->client.reason);
    json_t *facts = json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "time", (json_int_t)contents->at,
                              "direction", direction_name(contents->direction), "queue_id", text(envelope->queue_id),
                              "client", client, "sender", text(envelope->sender.text), "sender_parameters",
                              texts(envelope->sender_parameters), "recipients", recipients(contents), "eight_bit",
                              envelope->eight_bit, "fields", fields(message_fields(contents->message)));
    char *dump = facts != NULL ? json_dumps(facts, JSON_COMPACT) : NULL;
    json_decref(facts);
    if (dump == NULL)
        error_set(error, ERROR_PERMANENT,
                  "an address in the envelope is not in UTF-8, so the message cannot be split; send it to each "
                  "recipient separately");
    return dump;
}

/* --- reading --- */

static bool bad(struct error *error)
{
    return error_set(error, ERROR_BUG, "the facts of the sealed message are not as they were written");
}

/* The number of a word of the configuration. An unknown one is that of a later version. */
static bool read_word(const char *word, const char *(*name)(int), int *number, struct error *error)
{
    for (int i = 0; strcmp(name(i), "?") != 0; i++)
        if (strcmp(name(i), word) == 0) {
            *number = i;
            return true;
        }
    return error_set(error, ERROR_CONFIGURATION, "this version does not know \"%s\" in the sealed message", word);
}

static const char *name_signature(int number)
{
    return signature_name((enum signature)number);
}

static const char *name_digest(int number)
{
    return digest_name((enum digest)number);
}

static const char *name_cipher(int number)
{
    return cipher_name((enum cipher)number);
}

static const char *name_key_transport(int number)
{
    return key_transport_name((enum key_transport)number);
}

static const char *name_headers(int number)
{
    return protect_headers_name((enum protect_headers)number);
}

static const char *name_sign_as(int number)
{
    return sign_as_name((enum sign_as)number);
}

static enum stated read_stated(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return !json_is_boolean(value) ? STATED_NOTHING : json_is_true(value) ? STATED_TRUE : STATED_FALSE;
}

/* object NULL: an earlier version wrote the facts, and demanded nothing. */
static bool read_sign_with(const json_t *object, struct sign_with *with, struct error *error)
{
    const json_t *origins = json_object_get(object, "origin");
    struct sign_with_conf conf = {.escrowed = read_stated(object, "escrowed"),
                                  .dual_use = read_stated(object, "dual_use"),
                                  .content_commitment = read_stated(object, "content_commitment")};
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(origins); i++) {
        const char *name = json_string_value(json_array_get(origins, i));
        if (key_origin_of(name) == ORIGIN_UNKNOWN)
            return error_set(error, ERROR_CONFIGURATION, "this version does not know \"%s\" in the sealed message",
                             name != NULL ? name : "");
        g_ptr_array_add(names, (gpointer)name);
    }
    g_ptr_array_add(names, NULL);
    conf.origins = (char **)names->pdata;
    sign_with_add(&conf, with);
    return true;
}

static bool read_planned(json_t *object, struct least *least, struct error *error)
{
    int sign, encrypt, triple, review, attributes, opportunistic = 0; /* earlier versions do not write it */
    const char *words[6];
    static const char *(*const names[])(int) = {name_signature,     name_digest,  name_cipher,
                                                name_key_transport, name_headers, name_sign_as};
    int numbers[G_N_ELEMENTS(names)];
    if (json_unpack(object, "{s:b, s:b, s:b, s:b, s:b, s?b, s:s, s:s, s:s, s:s, s:s, s:s}", "sign", &sign, "encrypt",
                    &encrypt, "triple", &triple, "review", &review, "attributes", &attributes, "opportunistic",
                    &opportunistic, "signature", &words[0], "digest", &words[1], "cipher", &words[2], "key_transport",
                    &words[3], "headers", &words[4], "sign_as", &words[5]) != 0)
        return bad(error);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (!read_word(words[i], names[i], &numbers[i], error))
            return false;
    least->treatment = (struct treatment){sign != 0, encrypt != 0, triple != 0, (enum sign_as)numbers[5]};
    least->review = review != 0;
    least->attributes = attributes != 0;
    least->opportunistic = opportunistic != 0;
    least->form = (struct form){.signature = (enum signature)numbers[0],
                                .digest = (enum digest)numbers[1],
                                .cipher = (enum cipher)numbers[2],
                                .key_transport = (enum key_transport)numbers[3]};
    least->headers = (enum protect_headers)numbers[4];
    least->is_planned = true;
    return read_sign_with(json_object_get(object, "sign_with"), &least->sign_with, error);
}

static char **read_texts(json_t *list)
{
    GPtrArray *strings = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(list); i++)
        g_ptr_array_add(strings, g_strdup(json_string_value(json_array_get(list, i))));
    g_ptr_array_add(strings, NULL);
    return (char **)g_ptr_array_free(strings, FALSE);
}

static bool read_recipient(json_t *object, struct opened_box *opened, size_t index, struct error *error)
{
    const char *address = NULL;
    json_t *parameters = NULL, *plan = NULL, *mta_address = NULL, *mta_host = NULL, *mta_mailer = NULL;
    struct address parsed = {0};
    if (json_unpack(object, "{s:s, s:o, s:o, s:o, s:o, s:o}", "address", &address, "parameters", &parameters,
                    "mta_address", &mta_address, "mta_host", &mta_host, "mta_mailer", &mta_mailer, "planned",
                    &plan) != 0)
        return bad(error);
    if (!address_parse_path(slice_of(address), &parsed, error) || !read_planned(plan, &opened->planned[index], error)) {
        address_clear(&parsed);
        return false;
    }
    struct recipient *recipient = envelope_add_recipient(opened->envelope, &parsed);
    if (json_array_size(parameters) > 0)
        recipient->parameters = read_texts(parameters);
    recipient_set_reading(recipient, json_string_value(mta_address), json_string_value(mta_host),
                          json_string_value(mta_mailer));
    return true;
}

static bool read_fields(json_t *list, struct slice header, struct message *message, struct error *error)
{
    size_t at = 0;
    for (size_t i = 0; i + 1 < json_array_size(list); i += 2) {
        size_t name = (size_t)json_integer_value(json_array_get(list, i));
        size_t value = (size_t)json_integer_value(json_array_get(list, i + 1));
        if (name > header.len || value > header.len || at + name + 1 + value + 2 > header.len)
            return bad(error);
        g_autofree char *name_text = g_strndup(header.data + at, name);
        g_autofree char *value_text = g_strndup(header.data + at + name + 1, value);
        if (!message_add_field(message, name_text, value_text, error))
            return false;
        at += name + 1 + value + 2;
    }
    return at == header.len ? message_end_header(message, error) : bad(error);
}

static bool read_client(json_t *object, struct opened_box *opened)
{
    json_t *address = NULL, *login = NULL;
    const char *reason = NULL;
    int trusted = 0;
    if (json_unpack(object, "{s:o, s:o, s:b, s:s}", "address", &address, "login", &login, "trusted", &trusted, "reason",
                    &reason) != 0)
        return false;
    opened->envelope->client_address = g_strdup(json_string_value(address));
    opened->envelope->authenticated = g_strdup(json_string_value(login));
    opened->contents.client.trusted = trusted != 0;
    g_strlcpy(opened->contents.client.reason, reason, sizeof(opened->contents.client.reason));
    return true;
}

static bool read_facts(json_t *facts, struct slice header, struct opened_box *opened, struct error *error)
{
    const char *sender = NULL, *direction = NULL;
    json_t *queue_id = NULL, *client = NULL, *parameters = NULL, *list = NULL, *lengths = NULL;
    json_int_t at = 0;
    int eight_bit = 0;
    struct envelope *envelope = opened->envelope = envelope_new();
    if (json_unpack(facts, "{s:I, s:s, s:o, s:o, s:s, s:o, s:o, s:b, s:o}", "time", &at, "direction", &direction,
                    "queue_id", &queue_id, "client", &client, "sender", &sender, "sender_parameters", &parameters,
                    "recipients", &list, "eight_bit", &eight_bit, "fields", &lengths) != 0 ||
        !read_client(client, opened))
        return bad(error);
    envelope->queue_id = g_strdup(json_string_value(queue_id));
    envelope->eight_bit = eight_bit != 0;
    envelope->sender_parameters = read_texts(parameters);
    opened->planned = g_new0(struct least, json_array_size(list) + 1);
    if (!address_parse_path(slice_of(sender), &envelope->sender, error))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_recipient(json_array_get(list, i), opened, i, error))
            return false;
    opened->contents.at = (time_t)at;
    opened->contents.direction =
        strcmp(direction, direction_name(DIRECTION_INBOUND)) == 0 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    opened->contents.envelope = envelope;
    opened->contents.planned = opened->planned;
    return read_fields(lengths, header, opened->message, error);
}

bool box_facts_read(struct slice facts, struct slice header, struct opened_box *opened, struct error *error)
{
    json_error_t ignored;
    json_t *object = json_loadb(facts.data, facts.len, 0, &ignored);
    bool good = object != NULL ? read_facts(object, header, opened, error) : bad(error);
    json_decref(object);
    return good;
}
