/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest: finds the known key that an unknown key was probably meant to be, for the faults of a configuration.
 */
#include "option.h"

#include <string.h>

#define KEY_MAX 64

/* The number of letters to insert, omit, exchange or swap with their neighbour (optimal string alignment). */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    unsigned rows[3][KEY_MAX + 1];
    if (a_length > KEY_MAX || b_length > KEY_MAX)
        return KEY_MAX;
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned exchange = last[j - 1] + (g_ascii_tolower(a[i - 1]) != b[j - 1]);
            row[j] = MIN(exchange, MIN(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b_length];
}

static const char *nearest(const struct option_table *table, const char *key, unsigned *distance)
{
    const char *found = NULL;
    for (size_t i = 0; i < table->count; i++) {
        unsigned d = edit_distance(key, table->options[i].key);
        if (d < *distance) {
            *distance = d;
            found = table->options[i].key;
        }
    }
    return found;
}

char *option_suggest(const struct option_table *table, const char *key)
{
    unsigned distance = 2 + (unsigned)MIN(strlen(key), 16) / 4; /* a greater distance is not a typing error */
    const char *found = nearest(table, key, &distance);
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

static bool holds(const struct option_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].key, key) == 0)
            return true;
    return false;
}

const char *option_home(const struct option_table *table, const char *key)
{
    bool of_policies = holds(&partner_options, key) || holds(&outbound_options, key) || holds(&inbound_options, key);
    if (table == &main_options || table == &identity_options || table == &revocation_options)
        return of_policies ? "a policy file" : NULL;
    return holds(&main_options, key) && !holds(&partner_revocation_options, key) ? "domsec.conf" : NULL;
}
