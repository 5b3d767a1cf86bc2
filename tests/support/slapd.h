/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slapd: a real LDAP server on loopback, in a folder of its own, with ldap: and ldaps:. A failure of the harness aborts
 * the test.
 *
 *     owned(slapd) struct slapd *slapd = slapd_new("dc=partner,dc=test");
 *     slapd_person(slapd, "uid=bob,dc=partner,dc=test", "bob@partner.test");
 *     slapd_value(slapd, "userCertificate;binary", der, length);             of the last entry
 *     slapd_start(slapd);
 *     … slapd->port, slapd->tls_port, slapd->ca …
 *
 * Its certificate is for localhost, signed by an authority of its own.
 */
#ifndef DOMSEC_TESTS_SUPPORT_SLAPD_H
#define DOMSEC_TESTS_SUPPORT_SLAPD_H

#include "base/cleanup.h"

#include "support/pki.h"

#include <sys/types.h>

#define SLAPD_ADMIN "cn=admin," /* and the suffix */
#define SLAPD_PASSWORD "sesame"

struct slapd {
    char *folder;
    char *suffix;
    char *ca;           /* file with the authority of its certificate */
    struct pki *issuer; /* that authority */
    unsigned port, tls_port;
    pid_t pid;           /* 0: it does not run */
    GString *ldif;       /* until it starts for the first time */
    const char *options; /* more lines of slapd.conf; before the start */
    int reserved[2];     /* sockets that keep others off the ports */
};

struct slapd *slapd_new(const char *suffix);
/* Ends it, and removes its folder. */
void slapd_free(struct slapd *slapd);

/* An entry of class inetOrgPerson; its cn and sn are the first value of its name. mail NULL: none. */
void slapd_person(struct slapd *slapd, const char *dn, const char *mail);
void slapd_value(struct slapd *slapd, const char *attribute, const void *data, size_t length);
void slapd_certificate(struct slapd *slapd, X509 *certificate);
/* Lines of LDIF as they are. */
void slapd_line(struct slapd *slapd, const char *line);

/* Another certificate of the server, before the start. */
void slapd_use(struct slapd *slapd, const struct pki *server);

/* Waits until it listens. May be called again after slapd_stop(). */
void slapd_start(struct slapd *slapd);
void slapd_stop(struct slapd *slapd);
void slapd_pause(struct slapd *slapd);  /* SIGSTOP: the kernel accepts, and nothing answers */
void slapd_resume(struct slapd *slapd); /* SIGCONT */

DECLARE_OWNED(slapd, struct slapd *, slapd_free)

/* A port of 127.0.0.1 that no other process is given as long as the descriptor, which does not listen, is open. */
int slapd_reserve_port(unsigned *port);

#endif
