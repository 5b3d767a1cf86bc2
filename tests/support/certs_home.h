/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs_home: a configuration with the partner partner.test and the folder "store" as certificate_directory, and its
 * certs: what each test of certs/ begins with. A failure aborts the test.
 *
 *     owned(certs_home) struct certs_home *home = certs_home_new("certificates = ( \"one.pem\" );");
 *     certs_home_put(home, "bob.pem", bob);
 *     cr_assert(certs_home_open(home));
 *     g_autofree char *names = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
 */
#ifndef DOMSEC_TESTS_SUPPORT_CERTS_HOME_H
#define DOMSEC_TESTS_SUPPORT_CERTS_HOME_H

#include "certs/certs.h"
#include "support/pki.h"

#include <criterion/criterion.h>

#define DCA "domain-confidentiality-authority"

struct certs_home {
    char *folder;
    struct conf *conf; /* NULL until certs_home_open() */
    struct faults *faults;
    struct certs *certs;
    struct pki *ca;
    bool in_store; /* private to certs_home.c */
};

struct certs_home *certs_home_new(const char *partner_keys);
void certs_home_free(struct certs_home *home);
DECLARE_OWNED(certs_home, struct certs_home *, certs_home_free)

/* Loads the configuration at the first call; reads the certificates at each. False: the reasons are in faults. */
bool certs_home_open(struct certs_home *home);

/* Writes one certificate into the folder "store". */
void certs_home_put(const struct certs_home *home, const char *name, const struct pki *pki);

/* Before certs_home_open(): the configuration has a store, and certs_home_put() writes to it, in place of the folder.
 */
void certs_home_use_store(struct certs_home *home);

/* A certificate of the home's CA. pki_free(). */
struct pki *certs_home_issue(const struct certs_home *home, const char *const *subject, const char *const *san,
                             int days_old);

/* Asks without an acceptance. certs_answers_clear(). */
struct certs_answer certs_home_ask(const struct certs_home *home, enum certs_purpose purpose, const char *address);

/* The common names of what is found, in order, separated by spaces; "*" behind personal ones, "!" behind pinned ones.
 * g_free(). */
char *certs_home_names(const struct certs_home *home, enum certs_purpose purpose, const char *address);

#endif
