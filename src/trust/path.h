/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: certification paths by RFC 5280 §6, apart from revocation, which has a step of its own (revocation.h). What is
 * found depends on certificates and time alone.
 */
#ifndef DOMSEC_TRUST_PATH_H
#define DOMSEC_TRUST_PATH_H

#include "anchors.h"

struct path_query {
    const struct anchors *anchors;
    X509 *leaf;
    STACK_OF(X509) * untrusted;
    bool strength;                            /* digests and keys have to be strong too */
    const struct revocation_conf *revocation; /* for the cache: what is known of revocation depends on it */
    time_t at;
    struct budget *budget; /* NULL: no limit */
};

#define PATH_TOO_MANY_POLICIES 10000 /* no error of OpenSSL's, which takes it for a lack of memory */

/* What OpenSSL said of one path: error is X509_V_OK only if all is well. */
struct path_result {
    int error;
    X509 *culprit;          /* the certificate at fault, or NULL; a reference of its own */
    const char *weakness;   /* with X509_V_ERR_CA_KEY_TOO_SMALL: what is wrong with its key, or NULL */
    STACK_OF(X509) * chain; /* leaf first; set when error is X509_V_OK */
};
void path_result_clear(struct path_result *result);

/* One attempt with the issuers in the order given; trusted, if not NULL, are the only anchors. */
void path_try(const struct path_query *query, STACK_OF(X509) * untrusted, STACK_OF(X509) * trusted,
              struct path_result *result);

/* A verification of query's leaf with these flags beside those of a path. It borrows both stacks; trusted, if not NULL,
 * are the only anchors. NULL: out of memory. */
X509_STORE_CTX *path_context(const struct path_query *query, STACK_OF(X509) * untrusted, STACK_OF(X509) * trusted,
                             unsigned long flags);

/* --- path_explain.c --- */

#define PATH_IS_VALID "the certification path is valid"
/* A verification's result as a finding; returns true for PASS. */
bool path_explain(const struct path_result *result, struct finding *finding);
/* A finding on one certificate of a path: `the certificate "subject" text`. Returns true for PASS. */
bool path_explain_one(const X509 *certificate, enum outcome outcome, const char *text, struct finding *finding);

/* --- path_search.c --- */

/* Judges a valid path, leaf first; `first` if it is the one that is preferred. Returns true to end the search. */
struct path_visitor {
    bool (*judge)(void *data, STACK_OF(X509) * chain, bool first);
    void *data;
};

/* Shows the valid paths of query to the visitor until it ends the search, the one that OpenSSL finds to a self-signed
 * anchor first. False if the visitor did not end it: failure is then why the first path is not valid, or X509_V_OK.
 * query's certificates are those of anchors_help() and path_inherit_parameters(). */
bool path_find(const struct path_query *query, const struct path_visitor *visitor, struct path_result *failure);

/* --- inherit.c --- */

/* RFC 3279 §2.3.2: a DSA key without parameters has its issuer's. The same certificates, where one had to be completed
 * a copy; leaf is replaced by its copy too. Keys are looked for among the untrusted and the anchors. A stack of
 * references of its own. */
STACK_OF(X509) * path_inherit_parameters(STACK_OF(X509) * untrusted, const struct path_query *query, X509 **leaf);

/* --- usage.c --- */

/* True if its extendedKeyUsage is absent or allows e-mail. */
bool usage_allows_mail(const X509 *certificate);
/* As trust_usage_refusal(), of a certificate that may be that of an authority, too. */
const char *usage_refusal(const X509 *certificate, enum purpose purpose, bool may_be_authority);

static inline __attribute__((unused)) void cleanup_path_result(struct path_result *result)
{
    path_result_clear(result);
}

#endif
