/* SPDX-License-Identifier: Apache-2.0 */
/*
 * originator: whom a message claims to be from. From alone counts (RFC 5322 §3.6.2): it is what the recipient sees and
 * what RFC 8550 §3 and RFC 3183 §3.1.1 compare names with. A From that two programs could read differently is none.
 */
#include "gateway/examine.h"

#include <string.h>

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
        g_snprintf(originator->fault, sizeof originator->fault, "From cannot be read: %s", error.text);
    }
}

void originator_read(const struct message *message, struct originator *originator)
{
    const struct fields *fields = message_fields(message);
    unsigned count = fields_count(fields, "From");

    memset(originator, 0, sizeof *originator);
    if (count == 1)
        read_value(originator, fields_find(fields, "From", 1)->value);
    else
        g_snprintf(originator->fault, sizeof originator->fault, "%s",
                   count == 0 ? "the message has no From field" : "the message has more than one From field");
    set_domains(originator);
}

void originator_from_text(const char *from, struct originator *originator)
{
    memset(originator, 0, sizeof *originator);
    if (from != NULL)
        read_value(originator, slice_of(from));
    else
        g_strlcpy(originator->fault, "no originator is given", sizeof originator->fault);
    set_domains(originator);
}

void originator_clear(struct originator *originator)
{
    addresses_clear(&originator->from);
    g_free(originator->domains);
    memset(originator, 0, sizeof *originator);
}
