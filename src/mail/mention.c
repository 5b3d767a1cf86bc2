/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mention: tests whether a domain's name occurs anywhere in a field that cannot be parsed. One program may show its
 * user a value that another parser refuses, and mail that seems to come from a domain must be treated as if it did.
 * This prefers to find the name: an encoded word that other programs decode differently may name every domain. Each
 * field is scanned once for all domains. addresses.c parses addresses.
 */
#include "conf/conf.h"
#include "mail/address.h"
#include "squash.h"
#include "words.h"

#include <glib.h>
#include <string.h>

#define NAMES_MAX 1000 /* after "@"; a field with more counts as naming every domain */

struct mentions {
    GPtrArray *texts;  /* as their letters stand there */
    GHashTable *names; /* the names after an "@", normalised: U-labels and full-width forms too */
    unsigned tried;
    bool everybody;
};

static void take_names(struct mentions *mentions, const char *squashed)
{
    for (const char *at = strchr(squashed, '@'); at != NULL; at = strchr(at + 1, '@')) {
        mentions->everybody = ++mentions->tried > NAMES_MAX;
        if (mentions->everybody)
            return;
        g_autofree char *word = g_strndup(at + 1, strcspn(at + 1, "@<>,;:[]="));
        char *normal = domain_normalise(word);
        if (normal != NULL)
            g_hash_table_add(mentions->names, normal);
    }
}

static void take_text(struct mentions *mentions, const char *text)
{
    for (unsigned without_comments = 0; without_comments < 2; without_comments++) {
        char *squashed = squash(text, strlen(text), without_comments != 0);
        g_ptr_array_add(mentions->texts, squashed);
        take_names(mentions, squashed);
    }
}

static void take_decoded(struct mentions *mentions, const char *decoded)
{
    g_autofree char *valid = g_utf8_make_valid(decoded, -1);
    g_autofree char *plain = plain_forms(valid);
    take_text(mentions, decoded);
    if (strcmp(plain, decoded) != 0)
        take_text(mentions, plain);
}

struct mentions *mentions_new(void)
{
    struct mentions *mentions = g_new0(struct mentions, 1);
    mentions->texts = g_ptr_array_new_with_free_func(g_free);
    mentions->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return mentions;
}

void mentions_free(struct mentions *mentions)
{
    if (mentions == NULL)
        return;
    g_ptr_array_unref(mentions->texts);
    g_hash_table_unref(mentions->names);
    g_free(mentions);
}

void mentions_add(struct mentions *mentions, struct slice field_value)
{
    g_autofree char *text = g_strndup(field_value.data, field_value.len);
    if (field_value.len == 0 || mentions->everybody)
        return;
    memcpy(text, field_value.data, field_value.len); /* g_strndup() stops at a NUL */
    for (size_t i = 0; i < field_value.len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    g_autofree char *decoded = words_decode(text);
    owned(words_reading) struct words_reading *other = words_read(text);
    if (strcmp(text, decoded) != 0)
        take_text(mentions, text);
    take_decoded(mentions, decoded);
    if (strcmp(other->each->str, decoded) != 0)
        take_decoded(mentions, other->each->str);
    if (!other->is_sound)
        mentions->everybody = true;
}

bool mentions_hold(const struct mentions *mentions, const char *domain)
{
    GHashTableIter iterator;
    gpointer name;
    if (mentions->everybody)
        return true;
    for (guint i = 0; i < mentions->texts->len; i++)
        if (strstr(g_ptr_array_index(mentions->texts, i), domain) != NULL)
            return true;
    g_hash_table_iter_init(&iterator, mentions->names);
    while (g_hash_table_iter_next(&iterator, &name, NULL))
        if (domain_is_within(name, domain))
            return true;
    return false;
}
