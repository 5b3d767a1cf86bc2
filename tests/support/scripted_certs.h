/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted_certs: a source of certificates that answers by a script and counts what it is asked. A question that the
 * script does not know is answered with none. Thread-safe once the script is written.
 *
 *     struct scripted_certs *ldap = scripted_certs_new("ldap");
 *     scripted_certs_own(ldap, "bob@partner.test", bob->cert);
 *     scripted_certs_fail(ldap, "carol@partner.test", true, ERROR_TEMPORARY, "the directory is down");
 *     struct certs *certs = certs_with((struct certs_opened[]){scripted_certs_source(ldap)}, 1);
 *     ... certs_ask() ...
 *     cr_expect_eq(ldap->batches, 1);
 *     certs_close(certs);                                          also frees the script
 *
 * In a gateway: scripted_certs_replace(&gateway->certs, ldap, NULL).
 */
#ifndef DOMSEC_TESTS_SUPPORT_SCRIPTED_CERTS_H
#define DOMSEC_TESTS_SUPPORT_SCRIPTED_CERTS_H

#include "certs/source.h"

struct scripted_certs {
    struct certs_source source;
    GHashTable *lines; /* address → what is answered */
    /* Set by the test. */
    bool slow;        /* returns at the deadline and has failed each question */
    unsigned seconds; /* for which answers may be kept */
    uint64_t changes; /* what version() says, if the test sets source.version = scripted_certs_version */
    GMutex lock;
    GCond released;
    char *held; /* under the lock: what hangs */
    /* read by the test */
    unsigned batches; /* calls of ask() */
    GString *asked;   /* the addresses asked about, in order, with a space behind each */
    int64_t deadline; /* of the last call */
};

/* name is static. certs_close() frees it, or scripted_certs_free(). */
struct scripted_certs *scripted_certs_new(const char *name);
void scripted_certs_free(struct scripted_certs *script);
struct certs_opened scripted_certs_source(struct scripted_certs *script);

/* The script. Certificates are answered in the order in which they were added, the person's own first, then the
 * group's; each takes a reference. A failure does not take away the certificates. */
void scripted_certs_own(struct scripted_certs *script, const char *address, X509 *certificate);
void scripted_certs_group(struct scripted_certs *script, const char *address, X509 *certificate);
void scripted_certs_domain(struct scripted_certs *script, const char *address, X509 *certificate);
/* personal: the person's own could not be looked for; else only one of the domain. */
void scripted_certs_fail(struct scripted_certs *script, const char *address, bool personal, enum error_kind kind,
                         const char *text);
/* It has the person's certificates no longer. */
void scripted_certs_forget(struct scripted_certs *script, const char *address);
/* Hangs when it is asked about an address that ends so, whatever the deadline, until it is released (NULL). */
void scripted_certs_hang(struct scripted_certs *script, const char *ending);
/* Sets slow while other threads ask. */
void scripted_certs_set_slow(struct scripted_certs *script, bool slow);
uint64_t scripted_certs_version(void *script);
/* How often it was asked, while other threads ask. */
unsigned scripted_certs_batches(struct scripted_certs *script);
/* Breaks the contract: gives no answer to this question. */
void scripted_certs_silent(struct scripted_certs *script, const char *address);

/* Closes *certs and puts one with these scripts, in this order, in its place. NULL ends them. */
void scripted_certs_replace(struct certs **certs, ...) __attribute__((sentinel));

#endif
