/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest: finds the known key that an unknown key was probably meant to be, for the faults of a configuration.
 */
#include "option.h"

#include "base/distance.h"

static const char *nearest(const struct option_table *table, const char *key, unsigned *distance)
{
    const char *found = NULL;
    for (size_t i = 0; i < table->count; i++) {
        unsigned d = distance_between(key, table->options[i].key);
        if (d < *distance) {
            *distance = d;
            found = table->options[i].key;
        }
    }
    return found;
}

char *option_suggest(const struct option_table *table, const char *key)
{
    unsigned distance = distance_limit(key);
    const char *found = nearest(table, key, &distance);
    const char *other = table->also != NULL ? nearest(table->also, key, &distance) : NULL;
    found = other != NULL ? other : found;
    g_autofree char *suggestion = g_strdup(found);
    for (size_t i = 0; i < table->count; i++) {
        if (table->options[i].type != OPTION_GROUP)
            continue;
        found = nearest(table->options[i].group, key, &distance);
        if (found != NULL) {
            g_free(suggestion);
            suggestion = g_strdup_printf("%s.%s", table->options[i].key, found);
        }
    }
    return steal(&suggestion);
}
