/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap: the groups `ldap` of domsec.conf, the directories that know certificates of other domains. Plain data.
 */
#ifndef DOMSEC_CONF_LDAP_H
#define DOMSEC_CONF_LDAP_H

#include <stdbool.h>

/* One group of `ldap`. */
struct ldap_conf {
    char **domains;      /* A-labels, each with the domains below it; "*": any */
    char *uri;           /* as written */
    char *host;          /* of uri; NULL: "srv:", the servers that _ldap._tcp of the recipient's domain names */
    unsigned port;       /* of uri */
    bool tls;            /* from the first byte: ldaps */
    bool starttls;       /* key `starttls`; never with tls */
    char *base;          /* NULL: each naming context of the server */
    char *bind_dn;       /* NULL: anonymous */
    char *password_file; /* there if bind_dn is */
    char *ca;            /* file with the authorities of the server's certificate */
    unsigned timeout;    /* seconds */
    unsigned line;       /* in domsec.conf */
};

struct conf;

/* The groups for a domain: those that name it, or else its nearest parent, or else "*", in their order. Returns how
 * many there are, which is at most max; groups has room for max. domain is normalised. Lent by conf. */
#define LDAP_GROUPS_MAX 16
unsigned conf_ldap_groups(const struct conf *conf, const char *domain, const struct ldap_conf *groups[LDAP_GROUPS_MAX]);

#endif
