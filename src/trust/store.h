/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what trust/ shares within itself: anchors, pins and CRLs as loaded, and the check of one path.
 */
#ifndef DOMSEC_TRUST_STORE_H
#define DOMSEC_TRUST_STORE_H

#include "trust/trust.h"

/* --- crls.c --- */

struct crls;
/* Loads conf->crls. NULL after an error was added to faults. */
struct crls *crls_open(const struct conf *conf, struct faults *faults);
void crls_close(struct crls *crls);
bool crls_are_configured(const struct crls *crls);
/* The last second until which no configured CRL that matters to this chain, valid or not yet at `at`, runs out or
 * begins. */
time_t crls_stable_until(const struct crls *crls, const STACK_OF(X509) * chain, time_t at);
/* Makes every verification with this store ask lookup_crls(), which looks for a struct crls_scope in the context. */
void crls_attach(X509_STORE *store);

/* The CRLs that one verification may use. */
struct crls_scope {
    const struct crls *configured;
    STACK_OF(X509_CRL) * received; /* from the message; may be NULL */
};
/* Lends scope to the verification. */
bool crls_use(X509_STORE_CTX *context, struct crls_scope *scope);

/* --- x500.c --- */

/* True if partner->x500_name lets the X.500 name of this certificate stand for domain. */
bool x500_maps(const struct partner *partner, const X509 *certificate, const char *domain);

/* --- cache.c --- */

struct path_cache;

/* --- trust.c --- */

struct anchors {
    X509_STORE *store;
    STACK_OF(X509) * list; /* the same certificates */
};

struct partner_trust {
    struct anchors *anchors; /* NULL: the global ones */
    GHashTable *pins;        /* set of fingerprints */
};

struct trust {
    struct anchors *global;
    GHashTable *partners; /* const struct partner * → struct partner_trust * */
    struct crls *crls;
    struct path_cache *cache;
};

/* The anchors that count under a partner; NULL for a partner of another configuration. */
const struct anchors *trust_anchors(const struct trust *trust, const struct partner *partner);

/* --- path.c --- */

struct path_query {
    const struct anchors *anchors;
    const struct crls *crls;
    X509 *leaf;
    STACK_OF(X509) * untrusted;
    STACK_OF(X509_CRL) * received;
    bool strength; /* digests and keys have to be strong too */
    time_t at;
};

/* What OpenSSL said of one path: error is X509_V_OK only if all is well. */
struct path_result {
    int error;
    int depth;
    X509 *culprit;          /* the certificate at fault, or NULL; a reference of its own */
    const char *weakness;   /* with X509_V_ERR_CA_KEY_TOO_SMALL: what is wrong with its key, or NULL */
    STACK_OF(X509) * chain; /* leaf first; set when error is X509_V_OK */
};
void path_result_clear(struct path_result *result);

/* One attempt with the issuers in the order given; anchor, if not NULL, is the only trusted one. */
void path_try(const struct path_query *query, STACK_OF(X509) * untrusted, X509 *anchor, struct path_result *result);
/* The finding of the best path that there is. The chain, leaf first, is given in *chain if it passes; may be NULL. */
bool path_check(const struct path_query *query, STACK_OF(X509) * *chain, struct finding *finding);

/* --- explain.c --- */

#define PATH_IS_VALID "the certification path is valid"
/* A verification's result as a finding; returns true for PASS. */
bool path_explain(const struct path_result *result, struct finding *finding);
bool path_error_is_about_crls(int error);

/* --- alternatives.c --- */

/* Tries each other way from the leaf to an anchor, at most so many; true if one of them passes, result is then its. */
bool path_try_alternatives(const struct path_query *query, STACK_OF(X509) * untrusted, struct path_result *result);

/* --- inherit.c --- */

/* RFC 3279 §2.3.2: a DSA key without parameters has its issuer's. The same certificates, where one had to be completed
 * a copy; leaf is replaced by its copy too. A stack of references of its own. */
STACK_OF(X509) * path_inherit_parameters(STACK_OF(X509) * untrusted, STACK_OF(X509) * anchors, X509 **leaf);

/* --- usage.c --- */

/* True if its extendedKeyUsage is absent or allows e-mail. */
bool usage_allows_mail(const X509 *certificate);

DECLARE_OWNED(crls, struct crls *, crls_close)
static inline __attribute__((unused)) void cleanup_path_result(struct path_result *result)
{
    path_result_clear(result);
}

#endif
