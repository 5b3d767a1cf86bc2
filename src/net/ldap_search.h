/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_search: one query over one connection.
 */
#ifndef DOMSEC_NET_LDAP_SEARCH_H
#define DOMSEC_NET_LDAP_SEARCH_H

#include "ldap_connection.h"

enum ldap_ended {
    LDAP_ENDED,       /* the answer is what the server says, be it a failure; the connection is of further use */
    LDAP_ENDED_SPENT, /* the same, but the connection is of no more use */
    LDAP_ENDED_LOST,  /* the connection was lost before the end */
};

/* Fills the answer, which is empty. */
enum ldap_ended ldap_search_over(struct ldap_connection *connection, const struct net_ldap_query *query,
                                 struct net_ldap_answer *answer);

#endif
