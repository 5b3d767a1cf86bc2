/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_check: finds rules that can never fit, and those by which senders can lower the protection. A rule is hidden if
 * an earlier one fits whenever it does: each criterion of the earlier one is a criterion of it, and all its values are
 * among those of the earlier one.
 */
#include "partners.h"

#include "base/bytes.h"
#include "conf/address_set.h"

#include <string.h>

/* Never proven; From may be. */
#define WORDS_ALWAYS                                                                                                   \
    (CRITERION_BIT(CRITERION_SUBJECT) | CRITERION_BIT(CRITERION_HEADER) | CRITERION_BIT(CRITERION_KIND) |              \
     CRITERION_BIT(CRITERION_LARGER_THAN))
#define WORDS (CRITERION_BIT(CRITERION_FROM) | WORDS_ALWAYS)

/* --- hidden rules --- */

/* For each earlier rule: which criteria hold whenever they do in this one. */
struct cover {
    const struct partner *partner;
    unsigned number;
    unsigned *criteria; /* CRITERION_BIT() */
    unsigned *values;   /* of the criterion in hand that it has, too */
    unsigned *seen;     /* the value in hand, counted from 1 */
};

static void mark_holders(const struct cover *cover, enum criterion criterion, const char *key, unsigned value)
{
    size_t count = 0;
    const unsigned *rules = partner_rules_with(cover->partner, criterion, key, &count);
    for (size_t i = 0; i < count && rules[i] < cover->number; i++)
        if (cover->seen[rules[i]] != value) {
            cover->seen[rules[i]] = value;
            cover->values[rules[i]]++;
        }
}

/* A value is among those of another rule as itself, by a pattern, or in a list. */
static void mark_value(const struct conf *conf, const struct cover *cover, enum criterion criterion, const char *text,
                       unsigned value)
{
    bool is_address = (criterion == CRITERION_FROM || criterion == CRITERION_TO) && !lists_is_name(text);
    const char *key = is_address && address_pattern_is_wide(text) ? text + 1 : text;
    const char *domain = is_address ? strrchr(text, '@') : NULL;
    mark_holders(cover, criterion, key, value);
    if (domain == NULL)
        return;
    if (domain != key)
        mark_holders(cover, criterion, domain, value);
    for (const char *const *name = conf_lists_holding(conf, key); name != NULL && *name != NULL; name++)
        mark_holders(cover, criterion, *name, value);
    for (const char *const *name = conf_lists_holding(conf, domain); name != NULL && *name != NULL; name++)
        mark_holders(cover, criterion, *name, value);
}

static void mark_criterion(const struct conf *conf, const struct cover *cover, enum criterion criterion)
{
    const struct rule *rules = cover->partner->rules;
    unsigned count = 0;
    if (rules[cover->number].when.values[criterion][0] == NULL)
        return;
    memset(cover->values, 0, cover->number * sizeof(*cover->values));
    memset(cover->seen, 0, cover->number * sizeof(*cover->seen));
    for (char **value = rules[cover->number].when.values[criterion]; *value != NULL; value++)
        mark_value(conf, cover, criterion, *value, ++count);
    for (unsigned i = 0; i < cover->number; i++)
        if (cover->values[i] == count)
            cover->criteria[i] |= CRITERION_BIT(criterion);
}

static bool hides(const struct rule *earlier, const struct rule *rule, unsigned covered)
{
    if (earlier->when.larger_than > 0 && rule->when.larger_than >= earlier->when.larger_than)
        covered |= CRITERION_BIT(CRITERION_LARGER_THAN);
    return (earlier->criteria & ~covered) == 0 && (earlier->leaves || !rule->leaves) &&
           (earlier->arrives || !rule->arrives);
}

static const struct rule *hidden_by(const struct conf *conf, struct cover *cover)
{
    const struct rule *rules = cover->partner->rules;
    memset(cover->criteria, 0, cover->number * sizeof(*cover->criteria));
    for (int i = 0; i < CRITERION_LARGER_THAN; i++)
        mark_criterion(conf, cover, (enum criterion)i);
    for (unsigned i = 0; i < cover->number; i++)
        if (hides(&rules[i], &rules[cover->number], cover->criteria[i]))
            return &rules[i];
    return NULL;
}

static void check_hidden(const struct conf *conf, const struct partner *partner, struct faults *faults)
{
    g_autofree unsigned *numbers = g_new(unsigned, 3 * partner->rule_count);
    struct cover cover = {.partner = partner,
                          .criteria = numbers,
                          .values = numbers + partner->rule_count,
                          .seen = numbers + 2 * partner->rule_count};
    for (; cover.number < partner->rule_count; cover.number++) {
        const struct rule *rule = &partner->rules[cover.number], *by = hidden_by(conf, &cover);
        if (by != NULL)
            faults_warn(
                faults, rule->file, rule->line,
                "this rule can never fit, because the one in line %u fits whenever it would; put it before that "
                "one",
                by->line);
    }
}

/* --- addresses that no mail has --- */

static bool is_possible(const struct conf *conf, const struct partner *partner, const char *member, bool ours)
{
    const char *domain = strrchr(member, '@');
    if (domain == NULL)
        return true;
    return ours ? conf_is_local_domain(conf, domain + 1) : conf_partner(conf, domain + 1) == partner;
}

static bool some_is_possible(const struct conf *conf, const struct partner *partner, char *const *values, bool ours)
{
    static const struct place nowhere = {0};
    if (values == NULL)
        return true; /* a list that is missing is a fault already */
    for (; *values != NULL; values++) {
        char *const *members = lists_is_name(*values) ? lists_members(conf->lists, *values, &nowhere) : NULL;
        if (lists_is_name(*values) ? some_is_possible(conf, partner, members, ours)
                                   : is_possible(conf, partner, *values, ours))
            return true;
    }
    return false;
}

static void check_addresses(const struct conf *conf, const struct rule *rule, struct faults *faults)
{
    const struct partner *partner = rule->partner;
    for (int i = CRITERION_FROM; i <= CRITERION_TO; i++) {
        char *const *values = rule->when.values[i];
        bool is_ours = i == CRITERION_FROM, fits_leaving = some_is_possible(conf, partner, values, is_ours),
             fits_arriving = some_is_possible(conf, partner, values, !is_ours);
        if (values[0] != NULL && !(rule->leaves && fits_leaving) && !(rule->arrives && fits_arriving))
            faults_warn(faults, rule->file, rule->line, "this rule can never fit: no address in \"%s\" is %s",
                        criterion_name((enum criterion)i),
                        is_ours == rule->leaves ? "in local_domains" : "of a domain that this file is for");
    }
}

/* --- rules that do something else than they seem to say --- */

/* What a rule asks for, as bits. */
static unsigned asks_of(const struct rule *rule)
{
    static const unsigned asks[] = {[PROTECT_NONE] = 0,
                                    [PROTECT_SIGN] = 1,
                                    [PROTECT_OPPORTUNISTIC] = 1 + 2,
                                    [PROTECT_ENCRYPT] = 2 + 4,
                                    [PROTECT_SIGN_ENCRYPT] = 1 + 2 + 4,
                                    [PROTECT_TRIPLE] = 1 + 2 + 4 + 8};
    return asks[rule->outbound.protect];
}

/* What is asked for wherever the sender's words do not count. */
static unsigned asked_anyway(const struct partner *partner)
{
    unsigned asks = asks_of(&partner->base);
    for (size_t i = 0; i < partner->rule_count; i++)
        if (partner->rules[i].leaves && (partner->rules[i].criteria & WORDS_ALWAYS) == 0)
            asks &= asks_of(&partner->rules[i]);
    return asks;
}

static void check_protect(const struct rule *rule, unsigned anyway, struct faults *faults)
{
    unsigned asks = asks_of(rule);
    bool is_raising = rule->lowers || !rule->leaves || rule->outbound.refuse || (asks & ~anyway) != 0;
    if ((rule->criteria & WORDS_ALWAYS) != 0 && !is_raising && asks != asks_of(&rule->partner->base))
        faults_warn(faults, rule->file, rule->line,
                    "\"protect\" has no effect: the rule fits by the sender's words, which only add protection; write "
                    "lowers = true if mail that fits shall have less than other mail");
}

static bool is_plain(const char *tag)
{
    for (; *tag != '\0'; tag = g_utf8_next_char(tag))
        if (!g_unichar_isalnum(g_utf8_get_char(tag)) && *tag != ' ')
            return false;
    return true;
}

static void check_tags(const struct rule *rule, struct faults *faults)
{
    for (char **tag = rule->when.values[CRITERION_SUBJECT]; *tag != NULL; tag++)
        if (is_plain(*tag))
            faults_warn(faults, rule->file, rule->line,
                        "\"subject\": each Subject that begins with \"%s\" has this tag, and loses it; write \"[%s]\"",
                        *tag, *tag);
}

void rules_check(const struct conf *conf, const struct partner *partner, struct faults *faults)
{
    unsigned anyway = asked_anyway(partner);
    check_hidden(conf, partner, faults);
    for (size_t i = 0; i < partner->rule_count; i++) {
        check_addresses(conf, &partner->rules[i], faults);
        check_protect(&partner->rules[i], anyway, faults);
        check_tags(&partner->rules[i], faults);
    }
}

static void note_lowers(const struct rule *rule, struct faults *faults)
{
    if (rule->lowers && (rule->criteria & WORDS) != 0)
        faults_note(faults, rule->file, rule->line,
                    "\"lowers\": by this rule, what a sender writes can lower the protection");
    else if (rule->lowers)
        faults_note(faults, rule->file, rule->line,
                    "\"lowers\" has no effect: the rule does not fit by the sender's words");
}

void conf_note_policies(const struct conf *conf, struct faults *faults)
{
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        const struct value_origin *origin = conf_origin(conf, &partner->mode);
        if (partner->mode == MODE_TEST && origin != NULL)
            faults_note(faults, origin->file, origin->line,
                        "\"mode\" is \"test\": what this policy decides is logged and not done");
        for (size_t j = 0; j < partner->rule_count; j++)
            note_lowers(&partner->rules[j], faults);
    }
}
