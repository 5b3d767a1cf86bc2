/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_values: the certificates in what a directory has answered.
 */
#ifndef DOMSEC_CERTS_LDAP_VALUES_H
#define DOMSEC_CERTS_LDAP_VALUES_H

#include "base/openssl.h"
#include "net/ldap.h"

struct ldap_values {
    STACK_OF(X509) * leaves;      /* each once, the newest first */
    STACK_OF(X509) * authorities; /* certification authorities among them, for paths */
    size_t unreadable;            /* values that are no certificates */
    char *note;                   /* what is odd about the answer; NULL: nothing */
};

void ldap_values_read(const struct net_ldap_answer *answer, struct ldap_values *values);
void ldap_values_clear(struct ldap_values *values);

static inline __attribute__((unused)) void cleanup_ldap_values(struct ldap_values *values)
{
    ldap_values_clear(values);
}

#endif
