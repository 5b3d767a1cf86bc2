/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authors: determines whose rules a message must satisfy. The partner of every author counts, with its own anchors,
 * naming and requirements: if one were chosen for all, a partner could vouch for the people of another partner.
 */
#include "policy/policy.h"

static size_t add(struct authors *authors, const struct partner *partner)
{
    for (size_t i = 0; i < authors->count; i++)
        if (authors->partners[i] == partner)
            return i;
    authors->partners = g_renew(const struct partner *, authors->partners, authors->count + 1);
    authors->partners[authors->count] = partner;
    return authors->count++;
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

static void add_mentioned(const struct conf *conf, const struct message *message, struct authors *authors)
{
    owned(mentions) struct mentions *mentions = mentions_of_from(message);
    for (size_t i = 0; i < conf->partner_count; i++)
        if (conf->partners[i]->domain != NULL && mentions_hold(mentions, conf->partners[i]->domain))
            add(authors, conf->partners[i]);
}

bool authors_accept_misleading_names(const struct authors *authors)
{
    bool accepted = authors->count > 0;
    for (size_t i = 0; i < authors->count; i++)
        accepted &= policy_rule(authors->partners[i])->inbound.misleading_names == MISLEADING_NAMES_ACCEPT;
    return accepted;
}

void authors_find(const struct conf *conf, const struct originator *originator, const struct message *message,
                  const struct address *sender, struct authors *authors)
{
    *authors = (struct authors){.partner_of = g_new0(size_t, originator->from.count + 1)};
    for (size_t i = 0; i < originator->from.count; i++)
        authors->partner_of[i] = add(authors, conf_partner(conf, originator->from.list[i].domain));
    bool is_clear = !originator->from.hides_another || authors_accept_misleading_names(authors);
    if (originator->from.count > 0 && is_clear)
        return;
    if (originator->from.count == 0)
        add(authors, conf_partner(conf, sender->domain));
    if (message != NULL)
        add_mentioned(conf, message, authors);
}

void authors_clear(struct authors *authors)
{
    g_free(authors->partners);
    g_free(authors->partner_of);
    *authors = (struct authors){0};
}
