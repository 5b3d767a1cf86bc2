/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: the certificates of other people and domains. Sources answer one batch of queries in the order of the key
 * `sources`: the files that a partner's `certificates` names, the folder certificate_directory (one PEM file a
 * certificate, kept by `domsec cert`), and others. certs/ finds candidates; the caller's acceptance says whether a
 * candidate may be used, because that is trust's decision and trust/ stands right of certs/. Sources are opened once,
 * at gateway_open(); certs_ask() is thread-safe.
 */
#ifndef DOMSEC_CERTS_CERTS_H
#define DOMSEC_CERTS_CERTS_H

#include "base/finding.h"
#include "base/lookup.h"
#include "keys/keys.h"
#include "mail/address.h"
#include "store/store.h"

#include <stdint.h>

struct certs;

/* conf must outlive it, and the partners of queries are conf's. Returns NULL if a source added an error to faults. */
struct certs *certs_open(const struct conf *conf, struct faults *faults);
void certs_close(struct certs *certs);
/* Whether there are other sources than `certificates` and certificate_directory. */
bool certs_has_more(const struct certs *certs);

enum certs_purpose {
    CERTS_ENCRYPT, /* to encrypt to this person: the person's own, or one that acts for the domain */
    CERTS_SIGNER,  /* may have signed for this author: the author's own, or one of the domain in any role */
};

struct certs_query {
    enum certs_purpose purpose;
    const struct partner *partner; /* of the address's domain */
    const struct address *address; /* no source is asked for the null reverse-path */
    bool here;                     /* only sources that need not wait for others are asked */
};

struct candidate {
    X509 *certificate;              /* the answer's own reference */
    const char *source;             /* "file", "directory"; static */
    bool pinned;                    /* the partner's `certificates` names it */
    bool personal;                  /* one of its addresses is the query's */
    const struct group_conf *group; /* it is one of this group's, of which the address is a member. NULL, and not
                                       personal: it may act for the domain */
    STACK_OF(X509) * authorities;   /* certification authorities of the same source, for the path; lent as long as the
                                       answer and the sources; may be NULL */
    const struct associations *associations; /* what its zone says of it and of its path (certs/association.h); lent as
                                                those; NULL: nothing */
    struct finding finding; /* what the acceptance found; OUTCOME_NONE: this candidate was not checked */
};

/* What was asked where, and what came. */
struct certs_step {
    const char *source;   /* its name in `sources`; static */
    const char *asked;    /* in words: "(mail=bob@partner.test) at ldaps://dir.partner.test"; the answer's own */
    enum found found;     /* of this step alone */
    const char *note;     /* why it has failed, or what of it was passed over; the answer's own; NULL */
    size_t count;         /* candidates that came: in the answer's list, behind those of the steps before */
    size_t again;         /* and certificates that an earlier step gave */
    int64_t microseconds; /* how long it took, when it was asked */
    bool cached;          /* it was asked for an earlier question */
};

struct certs_answer {
    enum found found;
    struct error error;     /* the reason for FOUND_NONE or FOUND_FAILED */
    struct candidate *list; /* the candidates that came, in the order of preference */
    size_t count;
    size_t chosen;            /* index of the candidate that was accepted; count: none */
    struct certs_step *steps; /* the whole search */
    size_t step_count;
    struct _GPtrArray *held; /* private */
};

/* Decides whether a candidate may be used. check() returns true to accept it and sets the finding in either case. The
 * outcomes fail, policy and permerror rule the candidate out; any other outcome without acceptance means that it could
 * not be checked now. query is the index of the query. check() runs in the thread that called certs_ask(). */
struct certs_acceptance {
    /* NULL: everything is collected, as without an acceptance. */
    bool (*check)(void *context, size_t query, const struct candidate *candidate, struct finding *finding);
    void *context;
    /* Called before and after the checks of what one source answered; while a source is asked is no work. NULL: not. */
    void (*begin)(void *context);
    void (*end)(void *context);
    /* Called in the thread that called certs_ask(), after each tell_every microseconds that a source is waited for.
     * NULL: not. */
    void (*tell)(void *context);
    int64_t tell_every;
};

#define CERTS_NO_DEADLINE INT64_MAX

/* Answers each query; answers has room for count, and certs_answers_clear() releases what they hold. The deadline is
 * one for the whole batch, in microseconds of g_get_monotonic_time().
 *
 * CERTS_ENCRYPT with an acceptance: the sources are asked in their order, each for the queries that are still open. The
 * candidates of a source are checked in its order of preference. A query is done with the first one accepted: later
 * candidates are not checked and later sources are not asked.
 * With partner->prefer, the sources are asked until a certificate of the first kind was accepted, and the best kind
 * that was accepted counts.
 * - FOUND: list[chosen] was accepted. What failed before it does not matter, with one exception: where a certificate of
 *   a better kind could not be looked up or checked, only another one of that kind is accepted after that. The person's
 *   own is the best, then the group's, then one of the domain, unless partner->prefer says otherwise.
 * - FOUND_FAILED: nothing was accepted, and a source failed, a candidate could not be checked, or the deadline passed
 *   before each source was asked. The error is the first failure, that of the person's own before that of the domain.
 * - FOUND_NONE: each source was asked and answered, and nothing was accepted. The error has the finding of the first
 *   candidate.
 *
 * CERTS_SIGNER, or nothing to check with: every source is asked, the list collects everything, and nothing is checked
 * or chosen.
 * - FOUND: each source answered, and there are candidates.
 * - FOUND_FAILED: a source failed, so the list is not complete. It holds what the other sources gave.
 * - FOUND_NONE: each source answered, and there is no candidate.
 *
 * A certificate that several sources give stands in the list once, as the first of them gave it. */
void certs_ask(const struct certs *certs, const struct certs_query *queries, size_t count, int64_t deadline,
               const struct certs_acceptance *accept, struct certs_answer *answers);
void certs_answers_clear(struct certs_answer *answers, size_t count);

/* Goes through the certificates in the store that messages may use at that time, the newest first. */
struct certs_walk {
    time_t at;
    size_t limit; /* at most so many */
    /* authorities: those that came with it; may be NULL. Returns false if that is enough. */
    bool (*take)(void *context, X509 *certificate, STACK_OF(X509) * authorities);
    void *context;
};
/* A store that cannot be read has no certificates here. */
void certs_walk_store(const struct conf *conf, const struct certs_walk *walk);

/* A certificate as store_certificates_add() takes it: an imported one that is used, added now; the caller may change
 * that. certs_addition_clear(). */
void certs_addition_make(X509 *certificate, struct store_addition *addition);
void certs_addition_clear(struct store_addition *addition);
/* The name under which the store knows a mailbox. g_free(). */
char *certs_mailbox_name(const struct address *address);
/* The name under which it knows those that issue certificates or sign revocation lists under this subject. Others may
 * have the same. g_free(). */
char *certs_issuer_name(const X509_NAME *subject);

/* The files of certificate_directory, for `domsec cert`. import writes <sha256>.pem atomically; *is_new is false, and
 * nothing is written, if that file is there. remove takes a fingerprint, or a unique prefix of at least 8 digits. */
bool certs_directory_import(const struct conf *conf, X509 *certificate, bool *is_new, struct error *error);
bool certs_directory_remove(const struct conf *conf, const char *fingerprint, struct error *error);
/* What certs_directory_prune() removes, or would remove. */
struct certs_pruned {
    const char *file;
    const X509 *certificate;
    const char *kept; /* the file that holds the same certificate; NULL: it has expired */
};
struct certs_pruning {
    time_t at;
    bool only_show; /* nothing is removed */
    /* Called for each file after it was removed. */
    void (*removed)(void *context, const struct certs_pruned *pruned);
    void *context;
};
/* Removes certificates that have expired at that time, and files whose certificate another file holds. Files that
 * cannot be read are faults, and stay. */
bool certs_directory_prune(const struct conf *conf, const struct certs_pruning *pruning, struct faults *faults,
                           struct error *error);
/* All certificates of the folder, sorted by file name; unreadable files are faults. Never returns NULL. */
STACK_OF(X509) * certs_directory_list(const struct conf *conf, struct faults *faults);

DECLARE_OWNED(certs, struct certs *, certs_close)
/* For one answer: owned(certs_answer) struct certs_answer answer = {0}; */
static inline __attribute__((unused)) void cleanup_certs_answer(struct certs_answer *answer)
{
    certs_answers_clear(answer, 1);
}

#endif
