/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what rules look at in a message, read once for all recipients. Only what some rule asks for is read.
 */
#include "policy/matching.h"

#include <string.h>

/* --- addresses --- */

static void add_names(GPtrArray *names, const struct conf *conf, const char *key)
{
    const char *const *lists = conf_lists_holding(conf, key);
    g_ptr_array_add(names, g_strdup(key));
    for (; lists != NULL && *lists != NULL; lists++)
        g_ptr_array_add(names, g_strdup(*lists));
}

struct known_as rule_names_of(const struct conf *conf, const struct address *address)
{
    GPtrArray *names = g_ptr_array_new();
    g_autofree char *key = address_key(address);
    const char *domain = strrchr(key, '@');
    add_names(names, conf, key);
    if (domain != NULL)
        add_names(names, conf, domain);
    g_ptr_array_add(names, NULL);
    return (struct known_as){(char **)g_ptr_array_free(names, FALSE)};
}

static void read_addresses(struct rule_facts *facts, const struct facts_source *source, unsigned wanted)
{
    const struct addresses *from = &source->originator->from;
    facts->from = g_new0(struct known_as, from->count + 1);
    facts->from_count = from->count;
    for (size_t i = 0; i < from->count && (wanted & CRITERION_BIT(CRITERION_FROM)) != 0; i++)
        facts->from[i] = rule_names_of(source->conf, &from->list[i]);
    facts->to = g_new0(struct known_as, source->envelope->recipient_count + 1);
    facts->to_count = source->envelope->recipient_count;
    for (size_t i = 0; i < facts->to_count && (wanted & CRITERION_BIT(CRITERION_TO)) != 0; i++) {
        const struct recipient *recipient = &source->envelope->recipients[i];
        bool is_read = recipient->resolved.text != NULL;
        facts->to[i] = rule_names_of(source->conf, is_read ? &recipient->resolved : &recipient->address);
    }
}

/* --- the header --- */

static void read_subjects(struct rule_facts *facts, const struct facts_source *source)
{
    const struct field *field = NULL;
    unsigned count = fields_count(source->fields, "Subject");
    g_autoptr(GHashTable) tags = g_hash_table_new(NULL, NULL);
    facts->subjects = g_new0(struct tagged_subject, count + 1);
    for (unsigned i = 1; (field = fields_find(source->fields, "Subject", i)) != NULL; i++) {
        struct tagged_subject *subject = &facts->subjects[facts->subject_count];
        subject->field = field;
        subject_tags_read(source->conf, field->value, &subject->tags);
        if (subject->tags.rest != NULL)
            facts->subject_count++;
        for (char **tag = subject->tags.found; *tag != NULL; tag++)
            g_hash_table_add(tags, *tag);
        if (subject->tags.rest == NULL)
            subject_tags_clear(&subject->tags);
    }
    facts->tags = (char **)g_hash_table_get_keys_as_array(tags, NULL);
}

/* Only what a rule looks for, and each text once: the number of fields must not become work for each recipient. */
static void add_header(GHashTable *headers, const struct conf *conf, const char *name, const char *value)
{
    g_autofree char *text = value != NULL ? g_strconcat(name, ": ", value, NULL) : NULL;
    if (text != NULL && conf_wants_field(conf, text))
        g_hash_table_add(headers, steal(&text));
}

static void read_headers(struct rule_facts *facts, const struct facts_source *source)
{
    g_autoptr(GHashTable) headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < source->fields->count; i++) {
        const struct field *field = &source->fields->list[i];
        g_autofree char *name = g_ascii_strdown(field->name.data, (gssize)field->name.len);
        g_autofree char *plain = NULL, *decoded = NULL;
        if (!conf_wants_header(source->conf, g_strchomp(name)))
            continue;
        field_texts(field->value, &plain, &decoded);
        add_header(headers, source->conf, name, plain);
        add_header(headers, source->conf, name, decoded);
    }
    facts->headers = (char **)g_hash_table_get_keys_as_array(headers, NULL);
    g_hash_table_steal_all(headers);
}

/* --- kinds, as domsec.conf(5) defines them --- */

static bool has_calendar(const struct part *part)
{
    if (strcmp(part->type, "text/calendar") == 0 && part_parameter(part, "method") != NULL)
        return true;
    for (size_t i = 0; i < part->child_count; i++)
        if (has_calendar(&part->children[i]))
            return true;
    return false;
}

/* RFC 3834 §5: a word, and perhaps parameters. */
static bool is_automatic(const struct fields *fields)
{
    const struct field *field = NULL;
    for (unsigned i = 1; (field = fields_find(fields, "Auto-Submitted", i)) != NULL; i++) {
        g_autofree char *value = field_unfolded(field->value);
        value[strcspn(value, " \t;(")] = '\0';
        if (value[0] != '\0' && g_ascii_strcasecmp(value, "no") != 0)
            return true;
    }
    return false;
}

/* What is inside an encryption does not count: only our key may show it. */
static unsigned kinds_of_layers(const struct layers_view *layers)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < layers->whole; i++) {
        const struct layer_facts *facts = layers->list[i].facts;
        if (layer_is_encrypted(facts))
            return kinds | KIND_ENCRYPTED;
        if (facts->type == LAYER_SIGNED)
            kinds |= KIND_SIGNED;
    }
    return kinds;
}

static unsigned read_kinds(const struct facts_source *source)
{
    unsigned kinds = source->layers != NULL ? kinds_of_layers(source->layers) : 0;
    if (source->entity != NULL && has_calendar(source->entity))
        kinds |= KIND_CALENDAR;
    if (source->entity != NULL && strcmp(source->entity->type, "multipart/report") == 0 &&
        source->envelope->sender.text[0] == '\0')
        kinds |= KIND_BOUNCE;
    if (source->fields != NULL && is_automatic(source->fields))
        kinds |= KIND_AUTO_REPLY;
    if (source->fields != NULL && fields_count(source->fields, "List-Id") > 0)
        kinds |= KIND_LIST;
    return kinds;
}

/* --- all --- */

/* Strangers' words do not count, and neither do those of someone else whose mail a client of ours passes on. */
static bool counts(const struct facts_source *source)
{
    const struct addresses *from = &source->originator->from;
    bool ours = source->client->trusted;
    for (size_t i = 0; i < from->count; i++)
        ours = ours && conf_is_local_domain(source->conf, from->list[i].domain);
    return ours;
}

void rule_facts_read(struct rule_facts *facts, const struct facts_source *source)
{
    unsigned wanted = conf_criteria(source->conf);
    *facts = (struct rule_facts){.conf = source->conf, .authors = source->authors, .size = source->size};
    facts->sender_counts = counts(source);
    facts->from_is_proven = source->client->proves_author;
    facts->from_unreadable = source->originator->from.count == 0;
    if (source->envelope->authenticated != NULL && source->envelope->authenticated[0] != '\0')
        facts->login = g_ascii_strdown(source->envelope->authenticated, -1);
    read_addresses(facts, source, wanted);
    if (source->fields != NULL && (wanted & CRITERION_BIT(CRITERION_SUBJECT)) != 0)
        read_subjects(facts, source);
    if (source->fields != NULL && (wanted & CRITERION_BIT(CRITERION_HEADER)) != 0)
        read_headers(facts, source);
    if ((wanted & CRITERION_BIT(CRITERION_KIND)) != 0)
        facts->kinds = read_kinds(source);
}

static void clear_names(struct known_as *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_strfreev(list[i].names);
    g_free(list);
}

void rule_facts_clear(struct rule_facts *facts)
{
    clear_names(facts->from, facts->from_count);
    clear_names(facts->to, facts->to_count);
    for (size_t i = 0; i < facts->subject_count; i++)
        subject_tags_clear(&facts->subjects[i].tags);
    g_free(facts->login);
    g_free(facts->tags);
    g_free(facts->subjects);
    g_strfreev(facts->headers);
    *facts = (struct rule_facts){0};
}
