/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_names: as whom somebody may be known in the store, for the sources that ask it.
 */
#include "store_names.h"

#include "index_names.h"

static void add_name(GArray *names, char *name, unsigned roles)
{
    const struct store_name added = {name, roles};
    g_array_append_val(names, added);
}

static void name_clear(void *data)
{
    g_free((char *)((struct store_name *)data)->name);
}

GArray *store_names_of(const struct certs_query *query)
{
    GArray *names = g_array_new(FALSE, FALSE, sizeof(struct store_name));
    unsigned roles = query->purpose == CERTS_SIGNER ? INDEX_ANY_ROLE : INDEX_ROLE(ROLE_DOMAIN_CONFIDENTIALITY);
    g_array_set_clear_func(names, name_clear);
    add_name(names, index_mailbox(query->address), 0);
    g_auto(GStrv) domains = index_ascent(query->address->domain);
    for (char **each = domains; *each != NULL; each++)
        add_name(names, g_strdup(*each), roles);
    for (char **each = query->partner != NULL ? query->partner->gateway_addresses : NULL; each != NULL && *each != NULL;
         each++)
        add_name(names, g_strdup(*each), 0);
    return names;
}
