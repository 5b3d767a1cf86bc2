/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home: where a key belongs that stands in the wrong file or in the wrong group of a policy.
 */
#include "home.h"

#include "option.h"

#include <string.h>

static bool holds(const struct option_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].key, key) == 0)
            return true;
    return false;
}

const char *home_of_main(const struct option_table *table, const char *key)
{
    (void)table;
    bool of_policies = holds(&partner_options, key) || holds(&outbound_options, key) || holds(&inbound_options, key);
    return of_policies ? "a policy file" : NULL;
}

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

const char *home_of_policy(const struct option_table *table, const char *key)
{
    const char *home = home_within(table, key);
    if (home != NULL)
        return home;
    return holds(&main_options, key) && !holds(&partner_revocation_options, key) ? "domsec.conf" : NULL;
}
