/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation: has a certificate of a valid path been revoked? Asks sources, in order. Runs after the path was found, so
 * that a slow source holds up nothing in OpenSSL.
 */
#ifndef DOMSEC_TRUST_REVOCATION_H
#define DOMSEC_TRUST_REVOCATION_H

#include "anchors.h"

#include <stdint.h>

enum revocation_status { REVOCATION_UNKNOWN, REVOCATION_GOOD, REVOCATION_REVOKED };

struct revocation_query {
    const struct anchors *anchors;
    STACK_OF(X509) * chain;        /* a valid path, leaf first; the last is an anchor */
    STACK_OF(X509) * untrusted;    /* other certificates at hand, such as those of CRL issuers */
    STACK_OF(X509_CRL) * received; /* from the message; may be NULL */
    const GPtrArray *embedded;     /* the same of OCSP responses, as of struct chain_query */
    enum revocation_check check;   /* OFF: nothing counts but what was received */
    bool fetched, answers;         /* what was fetched counts, too: lists; answers of OCSP responders */
    bool strength;                 /* as of the path */
    time_t at;
    struct budget *budget; /* NULL: no limit */
};

/* Of one certificate of the chain. */
struct revocation_answer {
    enum revocation_status status; /* UNKNOWN when the first source is asked */
    /* Unknown: why, as "cannot be checked for revocation: …"; static. NULL: no source has anything to do with this
     * certificate. */
    const char *reason;
    time_t from; /* good: when the newest that says so was issued; 0: not known */
    /* A source lowers it to the last second for which what it said stands, also that it does not know. 0: it is to be
     * asked each time. */
    time_t until;
};

struct kept;

struct revocation_setup {
    const struct revocation_conf *conf;
    const char *file;  /* in which conf stands */
    struct kept *kept; /* what has been fetched; outlives the source */
};

struct revocation_source {
    const char *name;
    /* Returns the source's state, or NULL after it added an error to faults. A source without data is not an error. */
    void *(*open)(const struct revocation_setup *setup, struct faults *faults);
    void (*close)(void *state);
    /* Fills the answers that are unknown, one for each certificate of the chain; the others are an earlier source's,
     * and of them it may only turn good into revoked. No answer is needed for the last certificate, which is an anchor.
     * Nothing is waited for. Thread-safe. */
    void (*ask)(void *state, const struct revocation_query *query, struct revocation_answer *answers);
};

extern const struct revocation_source revocation_source_crls; /* configured, received and fetched */
extern const struct revocation_source revocation_source_ocsp;

/* Makes OpenSSL look for CRLs in revocation_source_crls wherever it verifies with this store. */
void crls_attach(X509_STORE *store);

struct revocation;

/* sources: NULL-terminated, lent; NULL: all of this build. NULL after an error was added to faults. */
struct revocation *revocation_open(const struct revocation_setup *setup, const struct revocation_source *const *sources,
                                   struct faults *faults);
void revocation_close(struct revocation *revocation);

struct revocation_result {
    enum revocation_status status;
    time_t until;          /* GOOD: the last second for which all answers stay; 0: not known */
    int depth;             /* the certificate that status is about; 0: the leaf */
    const char *unchecked; /* GOOD, but not known of a certificate for this reason; static; NULL: known as far as
                              query->check asks for it */
    uint64_t unknown;      /* the certificates of the path about which more should be known, a bit for each depth */
    int below_anchor;      /* how many of its certificates count, from the leaf on */
};
/* GOOD: nothing in the chain is revoked, as far as query->check wants to know. Otherwise finding says why. */
void revocation_check(const struct revocation *revocation, const struct revocation_query *query,
                      struct revocation_result *result, struct finding *finding);

/* trust_open() with other sources: for tests. */
struct trust *trust_open_with(const struct conf *conf, const struct revocation_source *const *sources,
                              struct faults *faults);

DECLARE_OWNED(revocation, struct revocation *, revocation_close)

#endif
