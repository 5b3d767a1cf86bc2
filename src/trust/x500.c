/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x500: the name mapping rule for certificates that contain no mail domain (RFC 3183 §3.1.1, §4.1): the domain part of
 * an X.500 name is its country, state, locality, organization and organizational units. Neither the mail domain nor
 * the X.500 name implies the other, so the partner's x500_name gives the mapping on which sender and recipient have
 * agreed.
 *
 * The certificate's domain part must be that name or its beginning, component by component from the most significant
 * one. A country, state or locality alone never maps, like a public suffix.
 */
#include "x500.h"

#include <openssl/err.h>
#include <string.h>

static void name_free(X509_NAME *name)
{
    X509_NAME_free(name);
}
DECLARE_OWNED(name, X509_NAME *, name_free)

static bool is_domain_part(int nid)
{
    return nid == NID_countryName || nid == NID_stateOrProvinceName || nid == NID_localityName ||
           nid == NID_organizationName || nid == NID_organizationalUnitName;
}

/* NULL if no part can map, if its order is unclear (two components in one RDN), or if there are dc= components,
 * which name a mail domain or were meant to. */
static X509_NAME *domain_part(const X509_NAME *subject)
{
    owned(name) X509_NAME *part = X509_NAME_new();
    for (int i = 0; part != NULL && i < X509_NAME_entry_count(subject); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        if (nid == NID_domainComponent)
            return NULL;
        if (i > 0 && X509_NAME_ENTRY_set(entry) == X509_NAME_ENTRY_set(X509_NAME_get_entry(subject, i - 1)))
            return NULL;
        if (is_domain_part(nid) && !X509_NAME_add_entry(part, entry, -1, 0))
            return NULL;
    }
    return part != NULL && X509_NAME_get_index_by_NID(part, NID_organizationName, -1) >= 0 ? steal(&part) : NULL;
}

/* The first `count` components of the partner's name. */
static X509_NAME *beginning_of(char *const *components, int count)
{
    owned(name) X509_NAME *name = X509_NAME_new();
    for (int i = 0; name != NULL && i < count; i++) {
        const char *equals = components[i] != NULL ? strchr(components[i], '=') : NULL;
        g_autofree char *type = equals != NULL ? g_strndup(components[i], (gsize)(equals - components[i])) : NULL;
        if (type == NULL ||
            !X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)equals + 1, -1, -1, 0))
            return NULL;
    }
    return steal(&name);
}

bool x500_maps(const struct partner *partner, const X509 *certificate, const char *domain)
{
    bool maps = false;
    if (partner->domain == NULL || !domain_is_within(domain, partner->domain))
        return false;
    owned(name) X509_NAME *part = domain_part(X509_get_subject_name(certificate));
    if (part != NULL) {
        owned(name) X509_NAME *named = beginning_of(partner->x500_name, X509_NAME_entry_count(part));
        /* Compares without regard to case and to runs of spaces (RFC 5280 §7.1). */
        maps = named != NULL && X509_NAME_cmp(part, named) == 0;
    }
    ERR_clear_error();
    return maps;
}
