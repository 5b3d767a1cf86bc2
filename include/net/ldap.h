/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap: searches directories by LDAP (RFC 4511). Plain data in and out; no type of libldap is seen outside of net/.
 *
 * A search ends by its deadline, whatever the server does: stopped, silent in the TLS handshake, slow, or endless. Its
 * results are bounded in number and in size. The server's certificate is always verified where TLS is used, and after
 * a failed StartTLS nothing is sent in the clear. Referrals are not followed.
 *
 * Connections are kept and used again. One that was found dead is replaced within the same search. Thread-safe, except
 * net_ldap_free(), during which no search may run.
 */
#ifndef DOMSEC_NET_LDAP_H
#define DOMSEC_NET_LDAP_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/lookup.h"

#include <stddef.h>
#include <stdint.h>

/* The connections to all servers. */
struct net_ldap;

struct net_ldap *net_ldap_new(void);
void net_ldap_free(struct net_ldap *ldap);

enum net_ldap_security { NET_LDAP_CLEAR, NET_LDAP_STARTTLS, NET_LDAP_TLS };

struct net_ldap_server {
    const char *host; /* name or address */
    unsigned port;
    enum net_ldap_security security;
    const char *name;          /* that the server's certificate must have (RFC 4513 §3.1.3); NULL: host */
    const char *ca;            /* file with the authorities that this certificate must lead to; needed with TLS */
    const char *bind_dn;       /* NULL: anonymous */
    const char *password_file; /* read at each login */
};

/* "ldaps://dir.partner.test:636", for people; g_free(). */
char *net_ldap_server_text(const struct net_ldap_server *server);

/* Entries in which the attribute has this value. */
struct net_ldap_match {
    const char *attribute;
    const char *value; /* any text; it is escaped (RFC 4515 §3) */
};

struct net_ldap_query {
    const char *base;                   /* NULL: each naming context of the server (RFC 4512 §5.1) */
    const struct net_ldap_match *match; /* entries in which any of them fits, at least one */
    size_t match_count;
    const char *const *attributes; /* whose values are wanted; NULL-terminated */
};

#define NET_LDAP_ENTRIES_MAX 50
#define NET_LDAP_VALUES_MAX 1000
#define NET_LDAP_ENTRY_BYTES (4u << 20) /* of one message of the server */
#define NET_LDAP_BYTES_MAX (8u << 20)   /* of all values */

struct net_ldap_value {
    const char *entry;     /* the entry's name */
    const char *attribute; /* as the server writes it, with its options */
    const unsigned char *data;
    size_t length;
};

/* FOUND: there are entries, which need not have values. FOUND_NONE: the server has no such entry. FOUND_FAILED: the
 * server could not be asked, or its answer is not complete (a limit, ours or its own); `values` has what came. */
struct net_ldap_answer {
    enum found found;
    struct error error;            /* of FOUND_FAILED */
    bool answered;                 /* the server has answered the search, be it with a refusal or in part */
    struct net_ldap_value *values; /* in the server's order */
    size_t count;
    size_t entries;
    size_t referrals; /* to other servers, which were not asked */
    char *filter;     /* what was asked (RFC 4515); NULL if it was not */
    void *owned;      /* private */
};

/* deadline: microseconds of g_get_monotonic_time(). */
void net_ldap_search(struct net_ldap *ldap, const struct net_ldap_server *server, const struct net_ldap_query *query,
                     int64_t deadline, struct net_ldap_answer *answer);
void net_ldap_answer_clear(struct net_ldap_answer *answer);

/* Whether the text is a distinguished name (RFC 4514). */
bool net_ldap_is_dn(const char *text);

DECLARE_OWNED(net_ldap, struct net_ldap *, net_ldap_free)
static inline __attribute__((unused)) void cleanup_net_ldap_answer(struct net_ldap_answer *answer)
{
    net_ldap_answer_clear(answer);
}

#endif
