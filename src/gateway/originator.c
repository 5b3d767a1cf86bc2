/* SPDX-License-Identifier: Apache-2.0 */
/*
 * originator: whom a message claims to be from. From alone counts (RFC 5322 §3.6.2): it is what the recipient sees and
 * what RFC 8550 §3 and RFC 3183 §3.1.1 compare names with. A From that two programs could read differently is none.
 * Sender, which RFC 8550 §3 would take as well, is not shown by many programs: it explains a mismatch and mends none.
 */
#include "examine.h"

#include <string.h>

#define AUTHORS_MAX 100 /* each is compared with each address of each certificate in the message */

static void set_domains(struct originator *originator)
{
    originator->domains = g_new0(char *, originator->from.count + 1);
    for (size_t i = 0; i < originator->from.count; i++)
        originator->domains[i] = originator->from.list[i].domain;
}

static void read_value(struct originator *originator, struct slice value)
{
    struct error error = {0};
    if (!addresses_parse(value, &originator->from, &error)) {
        addresses_clear(&originator->from);
        g_snprintf(originator->fault, sizeof(originator->fault), "From cannot be read: %s", error.text);
    } else if (originator->from.count > AUTHORS_MAX) {
        addresses_clear(&originator->from);
        g_snprintf(originator->fault, sizeof(originator->fault), "From names more than %d authors", AUTHORS_MAX);
    }
}

/* RFC 5322 §3.6.2: one mailbox. */
static void read_sender(struct originator *originator, const struct fields *fields)
{
    struct error ignored = {0};
    if (fields_count(fields, "Sender") == 1 &&
        (!addresses_parse(fields_find(fields, "Sender", 1)->value, &originator->sender, &ignored) ||
         originator->sender.count != 1))
        addresses_clear(&originator->sender);
}

void originator_read(const struct message *message, struct originator *originator)
{
    const struct fields *fields = message_fields(message);
    unsigned count = fields_count(fields, "From");
    memset(originator, 0, sizeof(*originator));
    if (count == 1)
        read_value(originator, fields_find(fields, "From", 1)->value);
    else
        g_snprintf(originator->fault, sizeof(originator->fault), "%s",
                   count == 0 ? "the message has no From field" : "the message has more than one From field");
    set_domains(originator);
    read_sender(originator, fields);
}

void originator_from_text(const char *from, struct originator *originator)
{
    memset(originator, 0, sizeof(*originator));
    if (from != NULL)
        read_value(originator, slice_of(from));
    else
        g_strlcpy(originator->fault, "no originator is given", sizeof(originator->fault));
    set_domains(originator);
}

/* What a message has to have weighs first, then what happens to one that has it not. */
static unsigned strictness(const struct rule *rule)
{
    static const unsigned consequences[] = {[OTHERWISE_TAG] = 0, [OTHERWISE_QUARANTINE] = 1, [OTHERWISE_REJECT] = 2};
    return rule->inbound.require == REQUIRE_NONE
               ? 0
               : 1 + consequences[rule->inbound.otherwise] * 4 + rule->inbound.require;
}

static const struct rule *stricter(const struct rule *a, const struct rule *b)
{
    return a == NULL || strictness(b) > strictness(a) ? b : a;
}

static struct mentions *mentions_of_from(const struct message *message)
{
    struct mentions *mentions = mentions_new();
    const struct fields *fields = message_fields(message);
    for (size_t i = 0; i < fields->count; i++)
        if (slice_equal_nocase(fields->list[i].name, "From"))
            mentions_add(mentions, fields->list[i].value);
    return mentions;
}

const struct rule *originator_rule(const struct conf *conf, const struct originator *originator,
                                   const struct message *message, const struct address *sender)
{
    const struct rule *rule = NULL;
    for (size_t i = 0; i < originator->from.count; i++)
        rule = stricter(rule, policy_rule(conf, originator->from.list[i].domain));
    if (rule != NULL)
        return rule;
    rule = policy_rule(conf, sender->domain);
    owned(mentions) struct mentions *mentions = mentions_of_from(message);
    for (size_t i = 0; i < conf->partner_count; i++)
        if (conf->partners[i]->domain != NULL && mentions_hold(mentions, conf->partners[i]->domain))
            rule = stricter(rule, &conf->partners[i]->base);
    return rule;
}

void originator_clear(struct originator *originator)
{
    addresses_clear(&originator->from);
    addresses_clear(&originator->sender);
    g_free(originator->domains);
    memset(originator, 0, sizeof(*originator));
}
