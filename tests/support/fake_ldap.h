/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_ldap: a server of one fault, on loopback, in a thread of the test. What it can answer is one entry with one
 * userCertificate. A failure of the harness aborts the test.
 *
 *     struct fake_ldap *fake = fake_ldap_start(FAKE_DRIP, NULL, NULL, 0);
 *     … fake->port …
 *     fake_ldap_stop(fake);
 */
#ifndef DOMSEC_TESTS_SUPPORT_FAKE_LDAP_H
#define DOMSEC_TESTS_SUPPORT_FAKE_LDAP_H

#include "support/pki.h"

enum fake_fault {
    FAKE_GOOD,             /* answers */
    FAKE_SILENT,           /* reads, and never answers, not even in a TLS handshake */
    FAKE_STARTTLS_SILENT,  /* agrees to StartTLS, then as FAKE_SILENT */
    FAKE_STARTTLS_REFUSED, /* and would answer a search in the clear */
    FAKE_STARTTLS_GARBAGE, /* agrees to StartTLS, then sends what is not TLS, and would answer in the clear */
    FAKE_DRIP,             /* a byte of the answer each 0.3 s */
    FAKE_HUGE,             /* announces an answer of 1 GB, and sends 1 MB of it */
    FAKE_RESET,            /* resets the connection in the middle of the answer */
    FAKE_GARBAGE,          /* answers with bytes that are not LDAP */
    FAKE_ENDLESS,          /* entries without end */
    FAKE_ONCE,             /* answers once on each connection, and then no more, as if a firewall had forgotten it */
    FAKE_CLOSES,           /* answers once on each connection, and then closes it */
};

struct fake_ldap {
    unsigned port;
    int fault; /* enum fake_fault; private, as the next one */
    const struct pki
        *tls;          /* its certificate: it speaks TLS from the first byte. NULL: in the clear, or after StartTLS */
    const void *value; /* of userCertificate;binary */
    size_t length;
    int listener;
    int connections; /* that were accepted; g_atomic_int_get() */
    int searches;    /* that came */
    GMutex lock;
    GByteArray *clear; /* every byte that came in the clear */
    GThread *thread;
    GPtrArray *threads;
    int ending;
};

struct fake_ldap *fake_ldap_start(enum fake_fault fault, const struct pki *tls, const void *value, size_t length);
/* From now on it is FAKE_GOOD, with this certificate. */
void fake_ldap_heal(struct fake_ldap *fake, const struct pki *tls);
void fake_ldap_stop(struct fake_ldap *fake);
/* Whether these bytes came in the clear. */
bool fake_ldap_saw(struct fake_ldap *fake, const char *bytes);

#endif
