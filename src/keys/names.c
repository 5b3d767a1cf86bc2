/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: certificate_names.c reads them, and certificate_address_parse() parses the addresses. trust/ keeps them.
 */
#include "keys/names.h"

#include <string.h>

#define WORD 32 /* what a string takes beside its text, nearly */

static size_t octets_of(char *const *list)
{
    size_t octets = 0;
    for (; *list != NULL; list++)
        octets += strlen(*list) + WORD;
    return octets;
}

struct certificate_names *certificate_names_new(const X509 *certificate)
{
    struct certificate_names *names = g_new0(struct certificate_names, 1);
    g_auto(GStrv) san = certificate_san_addresses(certificate, &names->odd_san);
    names->references = 1;
    names->addresses = certificate_addresses(certificate, &names->odd_address);
    names->dns_names = certificate_dns_names(certificate, &names->odd_dns_name);
    names->common_names = certificate_common_names(certificate, &names->odd_common_name);
    names->count = certificate_name_count(certificate);
    names->address_count = g_strv_length(names->addresses);
    names->san_count = g_strv_length(san);
    names->mailboxes = g_new0(struct address, names->address_count + 1);
    for (size_t i = 0; i < names->address_count; i++)
        if (!certificate_address_parse(names->addresses[i], &names->mailboxes[i]))
            names->mailboxes[i] = (struct address){0};
    names->octets = sizeof(*names) + 3 * octets_of(names->addresses) + names->address_count * sizeof(struct address) +
                    octets_of(names->dns_names) + octets_of(names->common_names);
    return names;
}

struct certificate_names *certificate_names_ref(struct certificate_names *names)
{
    g_atomic_int_inc(&names->references);
    return names;
}

void certificate_names_unref(struct certificate_names *names)
{
    if (names == NULL || !g_atomic_int_dec_and_test(&names->references))
        return;
    for (size_t i = 0; i < names->address_count; i++)
        address_clear(&names->mailboxes[i]);
    g_free(names->mailboxes);
    g_strfreev(names->addresses);
    g_strfreev(names->dns_names);
    g_strfreev(names->common_names);
    g_free(names);
}
