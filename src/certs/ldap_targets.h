/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_targets: the servers that are asked about a domain, in their order.
 */
#ifndef DOMSEC_CERTS_LDAP_TARGETS_H
#define DOMSEC_CERTS_LDAP_TARGETS_H

#include "base/breaker.h"
#include "conf/conf.h"
#include "net/dns.h"
#include "net/ldap.h"

struct ldap_target {
    const struct ldap_conf *group;
    struct net_ldap_server server; /* its strings are the target's own, or the configuration's */
    char *text;                    /* "ldaps://dir.partner.test:636" */
    char *host, *name;
    struct breaker *breaker; /* lent; NULL: none */
    bool down;               /* it did not answer an earlier question of the batch; error says why */
    struct error error;
};

/* What was asked about the servers. */
struct ldap_discovery {
    char *asked; /* "SRV _ldap._tcp.partner.test" */
    int64_t began;
    bool failed;
    struct error error; /* of a failure */
};

struct ldap_targets {
    struct ldap_target *list;
    size_t count;
    struct ldap_discovery *discoveries;
    size_t discovery_count;
};

/* Servers of all groups, with their breakers. Thread-safe. */
struct ldap_servers;

/* conf must outlive it. NULL with a fault. */
struct ldap_servers *ldap_servers_new(const struct conf *conf, struct faults *faults);
void ldap_servers_free(struct ldap_servers *servers);

void ldap_targets_find(struct ldap_servers *servers, const char *domain, int64_t deadline,
                       struct ldap_targets *targets);
void ldap_targets_clear(struct ldap_targets *targets);

/* Orders SRV records (RFC 2782): by priority, and at random by weight among equals. random: a number from 0 to its
 * argument. */
void ldap_targets_order(struct dns_srv *list, size_t count, unsigned (*random)(unsigned most));

static inline __attribute__((unused)) void cleanup_ldap_targets(struct ldap_targets *targets)
{
    ldap_targets_clear(targets);
}

#endif
