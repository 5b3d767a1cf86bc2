/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_connection: one connection to a server, encrypted and logged in as its server asks for it.
 */
#ifndef DOMSEC_NET_LDAP_CONNECTION_H
#define DOMSEC_NET_LDAP_CONNECTION_H

#include "dial.h"
#include "watchdog.h"

#include "net/ldap.h"

#include <ldap.h>

struct ldap_connection {
    LDAP *ld;
    int fd; /* libldap's */
    struct watchdog *watchdog;
    struct watch watch;
    bool watched;
    bool ready;      /* encrypted and logged in, as its server asks for it */
    char **contexts; /* the naming contexts of the server, once they were asked for */
    int64_t used;    /* when it was last of use */
};

/* What all connections share. */
struct ldap_tools {
    struct dialler *dialler;
    struct watchdog *watchdog;
};

/* Watched until the deadline. NULL with ERROR_TEMPORARY, or ERROR_CONFIGURATION for a password that cannot be read. */
struct ldap_connection *ldap_connection_open(const struct ldap_tools *tools, const struct net_ldap_server *server,
                                             int64_t deadline, struct error *error);
void ldap_connection_close(struct ldap_connection *connection);

/* Before and after each use of one that is kept. Both return false if the connection is of no more use. */
bool ldap_connection_begin(struct ldap_connection *connection, int64_t deadline);
bool ldap_connection_end(struct ldap_connection *connection);

/* Waits for the next message that answers a request; ldap_msgfree(). NULL with the reason: the connection is of no
 * more use. */
LDAPMessage *ldap_connection_receive(struct ldap_connection *connection, int request, struct error *error);

/* error: why the connection failed, with libldap's words for rc. Always false. */
bool ldap_connection_failed(struct ldap_connection *connection, int rc, const char *what, struct error *error);

DECLARE_OWNED(ldap_connection, struct ldap_connection *, ldap_connection_close)
static inline __attribute__((unused)) void cleanup_ldap_message(LDAPMessage **message)
{
    if (*message != NULL)
        ldap_msgfree(*message);
}

#endif
