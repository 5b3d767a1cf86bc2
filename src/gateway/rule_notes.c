/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_notes: why a rule counts, and why earlier ones do not, in words. It asks policy/ once more what policy/ has
 * answered before, so it cannot say anything else.
 */
#include "internal.h"

#include <string.h>

static void note_free(gpointer data)
{
    struct rule_note *note = data;
    g_free(note->note);
    g_free(note);
}

static void add(GPtrArray *notes, const struct rule *rule, bool is_taken, char *text)
{
    struct rule_note *note = g_new0(struct rule_note, 1);
    *note = (struct rule_note){rule, is_taken, text};
    g_ptr_array_add(notes, note);
}

/* "subject, login" */
static char *names_of(unsigned criteria)
{
    GString *names = g_string_new(NULL);
    for (int i = 0; i < CRITERION_COUNT; i++)
        if ((criteria & CRITERION_BIT(i)) != 0)
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", criterion_name((enum criterion)i));
    return g_string_free(names, FALSE);
}

static char *why_not(const struct rule *rule, const struct rule_facts *facts, unsigned held, bool leaves)
{
    g_autofree char *missing = names_of(rule->criteria & ~held);
    if (leaves ? !rule->leaves : !rule->arrives)
        return g_strdup_printf("only for mail that %s", leaves ? "arrives" : "leaves");
    if (missing[0] != '\0')
        return g_strdup_printf("does not fit: %s", missing);
    g_autofree char *words = names_of(policy_words(rule, facts));
    return g_strdup_printf(
        "does not count: %s %s the sender's own words, and the client is not trusted or From is not ours", words,
        strchr(words, ',') != NULL ? "are" : "is");
}

static void add_rule(GPtrArray *notes, const struct rule *rule, const struct matching *matching,
                     const struct rule_facts *facts, bool leaves)
{
    unsigned held = matching->held[rule - rule->partner->rules] | matching->unread;
    g_autofree char *names = names_of(rule->criteria);
    if (rule == matching->undecided)
        add(notes, rule, false, g_strdup("cannot be decided: From cannot be read"));
    else if (rule == matching->first)
        add(notes, rule, true, g_strdup_printf("taken: %s", names));
    else if (rule == matching->floor)
        add(notes, rule, true,
            g_strdup_printf("applies as well, because users may not lower what it asks for: %s", names));
    else if (matching->first != NULL && leaves && rule->leaves && (rule->criteria & ~held) == 0 && facts->sender_counts)
        add(notes, rule, false, g_strdup("fits, but an earlier rule is taken"));
    else
        add(notes, rule, false, why_not(rule, facts, held, leaves));
}

/* Up to the last rule that counts. */
static void add_partner(GPtrArray *notes, const struct partner *partner, const struct matching *matching,
                        const struct rule_facts *facts, bool leaves)
{
    const struct rule *base = policy_rule(partner);
    bool is_base = matching->first == NULL || matching->floor == base;
    const struct rule *last = matching->floor != NULL ? matching->floor : matching->first;
    for (size_t i = 0; i < partner->rule_count; i++) {
        add_rule(notes, &partner->rules[i], matching, facts, leaves);
        if (&partner->rules[i] == last && !is_base)
            return;
    }
    if (is_base && matching->first != NULL)
        add(notes, base, true, g_strdup("applies as well, because users may not lower what it asks for"));
    else if (is_base)
        add(notes, base, true, g_strdup(partner->rule_count > 0 ? "taken: no rule fits" : "taken"));
}

static void add_destination(GPtrArray *notes, const struct passage *passage, size_t recipient)
{
    const struct destination *destination = &passage->lookups.answers[recipient].destination;
    for (size_t i = 0; i < destination->rule_count; i++) {
        const struct partner *partner = destination->rules[i]->partner;
        struct matching matching;
        policy_match(partner, &passage->lookups.facts, destination->addresses[i], &matching);
        add_partner(notes, partner, &matching, &passage->lookups.facts, true);
        matching_clear(&matching);
    }
}

static void add_authors(GPtrArray *notes, const struct passage *passage)
{
    const struct authors *authors = &passage->mail.authors;
    for (size_t i = 0; i < authors->count; i++) {
        struct matching matching;
        policy_match_arriving(authors->partners[i], &passage->lookups.facts, &matching);
        add_partner(notes, authors->partners[i], &matching, &passage->lookups.facts, false);
        matching_clear(&matching);
    }
}

GPtrArray *passage_rule_notes(const struct passage *passage, size_t recipient)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(note_free);
    if (passage->lookups.answers == NULL)
        return notes;
    if (passage->plan.direction == DIRECTION_INBOUND)
        add_authors(notes, passage);
    else
        add_destination(notes, passage, recipient);
    return notes;
}

static gboolean is_same(gconstpointer a, gconstpointer b)
{
    const struct rule_setting *one = a, *other = b;
    return strcmp(one->key, other->key) == 0 && one->origin.file == other->origin.file &&
           one->origin.line == other->origin.line;
}

GPtrArray *passage_settings(const struct passage *passage, const GPtrArray *notes)
{
    GPtrArray *all = NULL;
    for (guint i = 0; i < notes->len; i++) {
        const struct rule_note *note = g_ptr_array_index(notes, i);
        bool leaves = passage->plan.direction == DIRECTION_OUTBOUND;
        GPtrArray *own = note->is_taken ? conf_settings(passage->gateway->conf, note->rule, leaves) : NULL;
        for (guint j = 0; own != NULL && all != NULL && j < own->len;) {
            if (g_ptr_array_find_with_equal_func(all, g_ptr_array_index(own, j), is_same, NULL))
                g_ptr_array_remove_index(own, j);
            else
                j++;
        }
        if (all != NULL && own != NULL)
            g_ptr_array_extend_and_steal(all, own);
        else if (own != NULL)
            all = own;
    }
    return all != NULL ? all : g_ptr_array_new();
}

unsigned passage_rule_line(const struct passage *passage, size_t recipient)
{
    const struct authors *authors = &passage->mail.authors;
    if (passage->lookups.recipients == NULL)
        return 0;
    if (passage->plan.direction == DIRECTION_INBOUND) {
        for (size_t i = 0; i < authors->count; i++) {
            const struct rule *rule = policy_arriving_rule(authors->partners[i], &passage->lookups.facts);
            if (rule->line > 0)
                return rule->line;
        }
        return 0;
    }
    const struct recipient_view *view = &passage->lookups.recipients[recipient];
    for (size_t i = 0; i < view->claim_count; i++)
        if (view->claims[i].rule->line > 0)
            return view->claims[i].rule->line;
    return 0;
}
