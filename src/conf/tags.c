/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tags: what the rules of all policy files look for in a message, so that the rest of it need not be read: the tags of
 * Subjects, found by their length, and the names of header fields.
 */
#include "partners.h"

#include <string.h>

struct wanted {
    GHashTable *tags;    /* texts, lent by conf->tags */
    GArray *lengths;     /* unsigned: of the tags, each once, the longest first */
    GHashTable *headers; /* names in lower case */
    GHashTable *fields;  /* "name: value", lent by the rules */
    unsigned criteria;
};

static int longest_first(gconstpointer a, gconstpointer b)
{
    unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;
    return (left < right) - (left > right);
}

static void add_length(GArray *lengths, unsigned length)
{
    for (guint i = 0; i < lengths->len; i++)
        if (g_array_index(lengths, unsigned, i) == length)
            return;
    g_array_append_val(lengths, length);
}

static void add_rule(struct wanted *wanted, const struct rule *rule, GPtrArray *tags)
{
    wanted->criteria |= rule->criteria;
    for (char **tag = rule->when.values[CRITERION_SUBJECT]; *tag != NULL; tag++)
        if (!g_hash_table_contains(wanted->tags, *tag)) {
            char *copy = g_strdup(*tag);
            g_ptr_array_add(tags, copy);
            g_hash_table_add(wanted->tags, copy);
            add_length(wanted->lengths, (unsigned)strlen(copy));
        }
    for (char **header = rule->when.values[CRITERION_HEADER]; *header != NULL; header++) {
        g_hash_table_add(wanted->headers, g_strndup(*header, strcspn(*header, ":")));
        g_hash_table_add(wanted->fields, *header);
    }
}

void wanted_gather(struct conf *conf)
{
    struct wanted *wanted = g_new0(struct wanted, 1);
    g_autoptr(GPtrArray) tags = g_ptr_array_new();
    wanted->tags = g_hash_table_new(g_str_hash, g_str_equal);
    wanted->lengths = g_array_new(FALSE, FALSE, sizeof(unsigned));
    wanted->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    wanted->fields = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < conf->partner_count; i++)
        for (size_t j = 0; j < conf->partners[i]->rule_count; j++)
            add_rule(wanted, &conf->partners[i]->rules[j], tags);
    g_array_sort(wanted->lengths, longest_first);
    g_ptr_array_add(tags, NULL);
    conf->tags = (char **)g_ptr_array_free(steal(&tags), FALSE);
    conf->wanted = wanted;
}

void wanted_free(struct wanted *wanted)
{
    if (wanted == NULL)
        return;
    g_hash_table_unref(wanted->tags);
    g_array_unref(wanted->lengths);
    g_hash_table_unref(wanted->headers);
    g_hash_table_unref(wanted->fields);
    g_free(wanted);
}

unsigned conf_criteria(const struct conf *conf)
{
    return conf->wanted->criteria;
}

bool conf_wants_header(const struct conf *conf, const char *name)
{
    return g_hash_table_contains(conf->wanted->headers, name);
}

bool conf_wants_field(const struct conf *conf, const char *text)
{
    return g_hash_table_contains(conf->wanted->fields, text);
}

const char *conf_longest_tag(const struct conf *conf, const char *text, size_t shorter_than)
{
    const GArray *lengths = conf->wanted->lengths;
    size_t available = strlen(text);
    for (guint i = 0; i < lengths->len; i++) {
        size_t length = g_array_index(lengths, unsigned, i);
        if (length > available || length >= shorter_than)
            continue;
        char head[TAG_MAX + 1];
        memcpy(head, text, length);
        head[length] = '\0';
        gpointer tag = NULL;
        if (g_hash_table_lookup_extended(conf->wanted->tags, head, &tag, NULL))
            return tag;
    }
    return NULL;
}
