/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matching: what a message has leads to the rules that look for it, by the index of conf/. For each rule it is noted
 * which of its criteria hold; then the rules are looked through in order. So a message costs some lookups and a step
 * for each rule, however many values the rules have.
 */
#include "policy/matching.h"

#include <string.h>

static void hold(struct matching *matching, enum criterion criterion, const unsigned *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        matching->held[rules[i]] |= CRITERION_BIT(criterion);
    matching->steps += 1 + (unsigned)count;
}

static void hold_value(const struct partner *partner, enum criterion criterion, const char *value,
                       struct matching *matching)
{
    size_t count = 0;
    const unsigned *rules = partner_rules_with(partner, criterion, value, &count);
    hold(matching, criterion, rules, count);
}

static void hold_names(const struct partner *partner, enum criterion criterion, char *const *names,
                       struct matching *matching)
{
    for (; names != NULL && *names != NULL; names++)
        hold_value(partner, criterion, *names, matching);
}

/* --- what the criteria see, one function each --- */

/* Any author: such a rule adds protection, or the author is known to be the only one. */
static void match_from(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    for (size_t i = 0; i < facts->from_count; i++)
        hold_names(partner, CRITERION_FROM, facts->from[i].names, matching);
}

static void match_subject(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    hold_names(partner, CRITERION_SUBJECT, facts->tags, matching);
}

static void match_header(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    hold_names(partner, CRITERION_HEADER, facts->headers, matching);
}

static void match_login(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    if (facts->login != NULL)
        hold_value(partner, CRITERION_LOGIN, facts->login, matching);
}

static void match_kind(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    for (unsigned i = 0; i < KIND_COUNT; i++)
        if ((facts->kinds & (1u << i)) != 0)
            hold_value(partner, CRITERION_KIND, kind_name((enum kind)(1u << i)), matching);
}

static void match_size(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    size_t count = 0;
    const unsigned *rules = partner_rules_with_size(partner, &count);
    for (size_t i = 0; i < count; i++)
        if (facts->size > partner->rules[rules[i]].when.larger_than)
            hold(matching, CRITERION_LARGER_THAN, &rules[i], 1);
}

/* --- mail that leaves --- */

unsigned policy_words(const struct rule *rule, const struct rule_facts *facts)
{
    unsigned words = CRITERION_BIT(CRITERION_SUBJECT) | CRITERION_BIT(CRITERION_HEADER) |
                     CRITERION_BIT(CRITERION_KIND) | CRITERION_BIT(CRITERION_LARGER_THAN);
    if (!facts->from_is_proven)
        words |= CRITERION_BIT(CRITERION_FROM);
    return rule->criteria & words;
}

static enum found fits(const struct rule *rule, const struct rule_facts *facts, unsigned held)
{
    unsigned missing = rule->criteria & ~held;
    if (!rule->leaves || (policy_words(rule, facts) != 0 && !facts->sender_counts))
        return FOUND_NONE;
    if (missing == 0)
        return FOUND;
    return missing == CRITERION_BIT(CRITERION_FROM) && facts->from_unreadable ? FOUND_FAILED : FOUND_NONE;
}

/* Up to the first rule that fits without the sender's words. */
static void choose(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    for (size_t i = 0; i < partner->rule_count && matching->floor == NULL; i++) {
        const struct rule *rule = &partner->rules[i];
        enum found answer = fits(rule, facts, matching->held[i]);
        matching->steps++;
        if (answer != FOUND && answer != FOUND_NONE && matching->undecided == NULL)
            matching->undecided = rule;
        if (answer != FOUND)
            continue;
        if (matching->first == NULL)
            matching->first = rule;
        if (policy_words(rule, facts) == 0)
            matching->floor = rule;
    }
    if (matching->floor == NULL)
        matching->floor = &partner->base;
    if (matching->first == matching->floor || (matching->first != NULL && matching->first->lowers))
        matching->floor = NULL;
}

void policy_match(const struct partner *partner, const struct rule_facts *facts, const struct address *to,
                  struct matching *matching)
{
    *matching = (struct matching){.held = g_new0(unsigned char, partner->rule_count + 1)};
    if (partner->rule_count == 0) {
        matching->floor = &partner->base;
        return;
    }
    struct known_as recipient = rule_names_of(facts->conf, to);
    match_from(partner, facts, matching);
    hold_names(partner, CRITERION_TO, recipient.names, matching);
    if (facts->sender_counts) {
        match_subject(partner, facts, matching);
        match_header(partner, facts, matching);
    } else
        matching->unread = CRITERION_BIT(CRITERION_SUBJECT) | CRITERION_BIT(CRITERION_HEADER);
    match_login(partner, facts, matching);
    match_kind(partner, facts, matching);
    match_size(partner, facts, matching);
    g_strfreev(recipient.names);
    choose(partner, facts, matching);
}

/* Rules may be named several times, by several addresses. */
static void add_claim(const struct rule *rules[CLAIMS_MAX], size_t *count, const struct rule *rule)
{
    for (size_t i = 0; i < *count; i++)
        if (rules[i] == rule)
            return;
    if (rule != NULL && *count < CLAIMS_MAX)
        rules[(*count)++] = rule;
}

const struct rule *policy_claims(const struct rule_facts *facts, const struct destination *destination,
                                 const struct rule *rules[CLAIMS_MAX], size_t *count)
{
    const struct rule *undecided = NULL;
    *count = 0;
    for (size_t i = 0; i < destination->rule_count; i++) {
        struct matching matching;
        policy_match(destination->rules[i]->partner, facts, destination->addresses[i], &matching);
        add_claim(rules, count, matching.first);
        add_claim(rules, count, matching.floor);
        bool outweighs = undecided == NULL || undecided->partner->mode == MODE_TEST;
        if (matching.undecided != NULL && outweighs)
            undecided = matching.undecided;
        matching_clear(&matching);
    }
    return undecided;
}

/* --- mail that arrives --- */

/* Every one of the addresses has to be among those of the rule: an exception is not for those beside it. */
static void hold_if_all(const struct partner *partner, enum criterion criterion, const struct known_as *list,
                        size_t count, struct matching *matching)
{
    g_autofree size_t *times = g_new0(size_t, partner->rule_count + 1); /* addresses that a rule has, without a gap */
    for (size_t i = 0; i < count; i++)
        for (char **name = list[i].names; name != NULL && *name != NULL; name++) {
            size_t found = 0;
            const unsigned *rules = partner_rules_with(partner, criterion, *name, &found);
            for (size_t j = 0; j < found; j++)
                if (times[rules[j]] == i)
                    times[rules[j]]++;
            matching->steps += 1 + (unsigned)found;
        }
    for (size_t i = 0; i < partner->rule_count && count > 0; i++)
        if (times[i] == count)
            matching->held[i] |= CRITERION_BIT(criterion);
}

static void match_all_from(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    g_autofree struct known_as *own = g_new0(struct known_as, facts->from_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < facts->from_count; i++)
        if (facts->authors->partners[facts->authors->partner_of[i]] == partner)
            own[count++] = facts->from[i];
    hold_if_all(partner, CRITERION_FROM, own, count, matching);
}

void policy_match_arriving(const struct partner *partner, const struct rule_facts *facts, struct matching *matching)
{
    *matching = (struct matching){.held = g_new0(unsigned char, partner->rule_count + 1)};
    if (partner->rule_count == 0)
        return;
    match_all_from(partner, facts, matching);
    hold_if_all(partner, CRITERION_TO, facts->to, facts->to_count, matching);
    match_kind(partner, facts, matching);
    for (size_t i = 0; i < partner->rule_count && matching->first == NULL; i++) {
        const struct rule *rule = &partner->rules[i];
        if (rule->arrives && (rule->criteria & ~(unsigned)matching->held[i]) == 0)
            matching->first = rule;
        matching->steps++;
    }
}

const struct rule *policy_arriving_rule(const struct partner *partner, const struct rule_facts *facts)
{
    struct matching matching;
    if (facts == NULL)
        return &partner->base;
    policy_match_arriving(partner, facts, &matching);
    const struct rule *rule = matching.first != NULL ? matching.first : &partner->base;
    matching_clear(&matching);
    return rule;
}

/* --- both --- */

void matching_clear(struct matching *matching)
{
    g_free(matching->held);
    *matching = (struct matching){0};
}
