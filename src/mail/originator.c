/* SPDX-License-Identifier: Apache-2.0 */
/*
 * originator: reads From and Sender. A From that two programs could read differently has a fault and no authors, so
 * that no verdict rests on one of the readings.
 */
#include "mail/originator.h"

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
    } else if (originator->from.shows_another) {
        g_snprintf(originator->misleading, sizeof(originator->misleading),
                   "a display name in From shows another address than that of its author, %.200s",
                   originator->from.list[0].text);
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

const char *originator_domain(const struct originator *originator)
{
    return originator->from.count > 0 ? originator->from.list[0].domain : NULL;
}

void originator_clear(struct originator *originator)
{
    addresses_clear(&originator->from);
    addresses_clear(&originator->sender);
    g_free(originator->domains);
    memset(originator, 0, sizeof(*originator));
}
