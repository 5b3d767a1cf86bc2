/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: reads the rules of a policy file, and builds the index by which policy/ finds those that fit a message: each
 * value of a criterion leads to the rules that have it. So a message costs a few lookups and a step for each rule,
 * whatever the rules compare.
 */
#include "partners.h"

#include "conf/address_set.h"

#include <libconfig.h>
#include <string.h>

struct rule_index {
    GHashTable *by_value[CRITERION_LARGER_THAN]; /* text, lent by the rules → GArray of unsigned */
    GArray *by_size;
};

/* --- reading --- */

static unsigned criteria_of(const struct when *when)
{
    unsigned criteria = when->larger_than > 0 ? CRITERION_BIT(CRITERION_LARGER_THAN) : 0;
    for (int i = 0; i < CRITERION_LARGER_THAN; i++)
        if (when->values[i][0] != NULL)
            criteria |= CRITERION_BIT(i);
    return criteria;
}

/* Whether the group has a key of `outbound`, or no setting at all, which means the base's. */
static bool is_for_leaving(const config_setting_t *group)
{
    if (config_setting_get_member(group, "otherwise") == NULL)
        return true;
    for (size_t i = 0; i < outbound_options.count; i++)
        if (config_setting_get_member(group, outbound_options.options[i].key) != NULL)
            return true;
    return false;
}

/* Mail that arrives has strangers' words in it, and rules for it know only where it comes from and what it is. */
static void check_arriving(const struct rule *rule, const struct place *place)
{
    static const enum criterion foreign[] = {CRITERION_SUBJECT, CRITERION_HEADER, CRITERION_LOGIN,
                                             CRITERION_LARGER_THAN};
    for (size_t i = 0; rule->arrives && i < G_N_ELEMENTS(foreign); i++)
        if ((rule->criteria & CRITERION_BIT(foreign[i])) != 0)
            place_fault(place, "\"otherwise\" cannot be changed by \"%s\"; use \"from\", \"to\" or \"kind\"",
                        criterion_name(foreign[i]));
}

static void read_lists(struct conf *conf, const struct rule *rule, const struct place *place)
{
    for (int i = CRITERION_FROM; i <= CRITERION_TO; i++)
        for (char **value = rule->when.values[i]; *value != NULL; value++)
            if (lists_is_name(*value))
                (void)lists_members(conf->lists, *value, place);
}

void rules_check_signatures(const struct outbound_rule *outbound, const struct place *place)
{
    if (outbound->sign_as == SIGN_AS_MAILBOX && (outbound->review || outbound->attributes))
        place_fault(place,
                    "\"%s\" goes inside the domain's signature, and \"sign_as\" is \"mailbox\"; set it to "
                    "\"mailbox+domain\"",
                    outbound->review ? "review" : "attributes");
}

/* What the rule leaves out is the base's, whose texts for mail that arrives it lends. */
static void read_rule(struct conf *conf, const struct partner *partner, const config_setting_t *group,
                      const struct place *place, struct rule *rule)
{
    rule->partner = partner;
    rule->file = g_intern_string(place->file);
    rule->line = place->line;
    option_set_defaults(&rule_options, rule);
    option_copy(&outbound_options, &partner->base.outbound, &rule->outbound);
    rule->inbound = partner->base.inbound;
    size_t faults = faults_errors(place->faults);
    option_apply_group(group, &rule_options, rule, place);
    bool is_read = faults_errors(place->faults) == faults; /* or else a criterion may be missing because it is bad */
    rule->criteria = criteria_of(&rule->when);
    rule->arrives = config_setting_get_member(group, "otherwise") != NULL;
    rule->leaves = is_for_leaving(group);
    if (is_read && rule->criteria == 0)
        place_fault(place, "this rule has no criteria in \"when\"; settings for all mail belong in \"outbound\"");
    check_arriving(rule, place);
    rules_check_signatures(&rule->outbound, place);
    read_lists(conf, rule, place);
    const config_setting_t *review = config_setting_get_member(group, "require_review");
    if (review != NULL)
        rule->outbound.require_review_line = option_line(group, "require_review");
}

void rules_read(struct conf *conf, struct partner *partner, const config_setting_t *root, const struct place *place)
{
    const config_setting_t *list = config_setting_get_member(root, "rules");
    if (list == NULL)
        return;
    g_autofree char *list_file = NULL;
    struct place at = option_place(place, list, &list_file);
    if (!config_setting_is_list(list)) {
        place_fault(&at, "\"rules\" must be a list of groups: ( { when = { … }; … }, … )");
        return;
    }
    size_t count = (size_t)config_setting_length(list);
    partner->rules = g_new0(struct rule, count + 1);
    for (unsigned i = 0; i < count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, i);
        g_autofree char *file = NULL;
        at = option_place(place, group, &file);
        if (config_setting_is_group(group))
            read_rule(conf, partner, group, &at, &partner->rules[partner->rule_count++]);
        else
            place_fault(&at, "each element of \"rules\" must be a group: { when = { … }; … }");
    }
}

/* --- the index --- */

/* A pattern without its asterisk is the end of the key of each address that it holds. */
static const char *index_key(enum criterion criterion, const char *value)
{
    bool is_address = criterion == CRITERION_FROM || criterion == CRITERION_TO;
    return is_address && !lists_is_name(value) && address_pattern_is_wide(value) ? value + 1 : value;
}

static void index_value(struct rule_index *index, enum criterion criterion, const char *value, unsigned number)
{
    GHashTable *table = index->by_value[criterion];
    GArray *rules = g_hash_table_lookup(table, value);
    if (rules == NULL) {
        rules = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_hash_table_insert(table, (gpointer)value, rules);
    }
    if (rules->len == 0 || g_array_index(rules, unsigned, rules->len - 1) != number)
        g_array_append_val(rules, number);
}

static struct rule_index *index_new(const struct partner *partner)
{
    struct rule_index *index = g_new0(struct rule_index, 1);
    index->by_size = g_array_new(FALSE, FALSE, sizeof(unsigned));
    for (int i = 0; i < CRITERION_LARGER_THAN; i++)
        index->by_value[i] = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
    for (unsigned number = 0; number < partner->rule_count; number++) {
        const struct when *when = &partner->rules[number].when;
        for (int i = 0; i < CRITERION_LARGER_THAN; i++)
            for (char **value = when->values[i]; *value != NULL; value++)
                index_value(index, (enum criterion)i, index_key((enum criterion)i, *value), number);
        if (when->larger_than > 0)
            g_array_append_val(index->by_size, number);
    }
    return index;
}

static void index_free(struct rule_index *index)
{
    if (index == NULL)
        return;
    for (int i = 0; i < CRITERION_LARGER_THAN; i++)
        g_hash_table_unref(index->by_value[i]);
    g_array_unref(index->by_size);
    g_free(index);
}

static const unsigned *content(const GArray *rules, size_t *count)
{
    *count = rules != NULL ? rules->len : 0;
    return rules != NULL ? (const unsigned *)(const void *)rules->data : NULL;
}

const unsigned *partner_rules_with(const struct partner *partner, enum criterion criterion, const char *value,
                                   size_t *count)
{
    const struct rule_index *index = partner->rule_index;
    return content(index != NULL ? g_hash_table_lookup(index->by_value[criterion], value) : NULL, count);
}

const unsigned *partner_rules_with_size(const struct partner *partner, size_t *count)
{
    return content(partner->rule_index != NULL ? partner->rule_index->by_size : NULL, count);
}

void rules_settle(struct partner *partner)
{
    if (partner->rule_count > 0)
        partner->rule_index = index_new(partner);
}

void rules_free(struct partner *partner)
{
    index_free(g_steal_pointer(&partner->rule_index));
    for (size_t i = 0; i < partner->rule_count; i++) {
        option_clear(&outbound_options, &partner->rules[i].outbound);
        option_clear(&when_options, &partner->rules[i].when);
    }
    g_free(partner->rules);
    partner->rules = NULL;
    partner->rule_count = 0;
}
