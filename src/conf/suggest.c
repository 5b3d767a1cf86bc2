/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest: finds the known key that an unknown key was probably meant to be, for the faults of a configuration.
 */
#include "option.h"

#include "base/distance.h"

#include <string.h>

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

static bool holds(const struct option_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].key, key) == 0)
            return true;
    return false;
}

/* A key of a policy that stands in the wrong group of it. */
static const char *home_within(const struct option_table *table, const char *key)
{
    bool is_rule = table == &rule_options;
    if (table == &when_options && (holds(&rule_options, key) || holds(&outbound_options, key)))
        return "the rule, beside \"when\"";
    if (!is_rule && table != &outbound_options && table != &inbound_options)
        return NULL;
    if (holds(&inbound_options, key))
        return is_rule ? "\"inbound\", and no rule changes it" : "\"inbound\"";
    if (holds(&outbound_options, key))
        return "\"outbound\"";
    if (holds(&partner_options, key))
        return is_rule ? "the policy file itself, and no rule changes it" : "the policy file itself, not in a group";
    return NULL;
}

const char *option_home(const struct option_table *table, const char *key)
{
    bool of_policies = holds(&partner_options, key) || holds(&outbound_options, key) || holds(&inbound_options, key);
    if (table == &main_options || table == &identity_options || table == &login_options ||
        table == &revocation_options || table == &dns_options || table == &harvest_options)
        return of_policies ? "a policy file" : NULL;
    const char *home = home_within(table, key);
    if (home != NULL)
        return home;
    return holds(&main_options, key) && !holds(&partner_revocation_options, key) ? "domsec.conf" : NULL;
}
