/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetching: root → authority → alice, whose certificates name lists and OCSP responders on a web server of the test,
 * and a configuration that fetches them.
 *
 *     struct fetching *rig = fetching_new("check = \"hard\";");
 *     fetching_put_list(rig, "/root.crl", &(struct pki_crl_spec){.issuer = rig->root}, FETCHING_DER);
 *     fetching_expect(rig, OUTCOME_PASS, "valid");
 */
#ifndef DOMSEC_TESTS_SUPPORT_FETCHING_H
#define DOMSEC_TESTS_SUPPORT_FETCHING_H

#include "support/setting.h"
#include "support/web.h"

struct fetching {
    struct web *web;
    struct pki *root, *authority, *alice;
    STACK_OF(X509) * untrusted; /* the authority */
    struct setting *setting;
    char *group;
    const GPtrArray *embedded; /* comes with what is asked about; NULL: nothing does */
};

/* A list for the authority at /root.crl; alice's extensions may hold "%s" for the web server. group: the keys of
 * `revocation`. */
struct fetching *fetching_new(const char *group, const char *const *alice);
void fetching_free(struct fetching *rig);
/* Trust anew: what was fetched is forgotten. main_keys: instead of fetch_networks; NULL: not. */
void fetching_open(struct fetching *rig, const char *main_keys);

enum fetching_form { FETCHING_DER, FETCHING_PEM };
void fetching_put_list(struct fetching *rig, const char *path, const struct pki_crl_spec *spec,
                       enum fetching_form form);
void fetching_put(struct fetching *rig, const char *path, const X509_CRL *crl);

/* Checks, fetches what is missing with this patience, and checks again, once. Returns true if something was missing. */
bool fetching_ask(const struct fetching *rig, const struct pki *leaf, int64_t patience, struct finding *finding);
void fetching_expect(const struct fetching *rig, enum outcome expected, const char *says);
void fetching_expect_of(const struct fetching *rig, const struct pki *leaf, enum outcome expected, const char *says);

#define FETCHING_PATIENCE ((int64_t)20 * G_USEC_PER_SEC)

DECLARE_OWNED(fetching, struct fetching *, fetching_free)

#endif
