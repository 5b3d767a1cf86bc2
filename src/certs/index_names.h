/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_names: the addresses and domains under which an index keeps a certificate.
 */
#ifndef DOMSEC_CERTS_INDEX_NAMES_H
#define DOMSEC_CERTS_INDEX_NAMES_H

#include "conf/conf.h"
#include "keys/keys.h"

/* An address as a key of an index: "local@domain", local part in lower case, domain as A-labels. g_free(). */
char *index_mailbox(const struct address *address);
/* The addresses of a certificate in that form; what is not a mail address is left out. NULL-terminated; g_strfreev().
 */
char **index_mailboxes(const X509 *certificate);

/* A domain that a certificate may act for, and in which roles. */
struct index_domain {
    char *name;     /* normalised */
    unsigned roles; /* INDEX_ROLE() of each */
};
#define INDEX_ROLE(role) (1u << (role))
#define INDEX_ANY_ROLE ((1u << ROLE_COUNT) - 1)

/* By a role address, by dc= components beside a role as CN (RFC 3183 §3.1.1), or, in any role, by a dNSName or an
 * address that is a bare domain. Array of struct index_domain, each domain once; g_array_unref(). */
GArray *index_domains(const X509 *certificate);

/* The domain itself, then its parents. The ascent ends at the registrable domain (public suffix list), because a public
 * suffix has no owner who could act for what lies below it. NULL-terminated; g_strfreev(). */
char **index_ascent(const char *domain);

/* True for a certification authority: it is not used for encryption, but is a step of other certificates' paths. */
bool index_is_authority(X509 *certificate);

#endif
