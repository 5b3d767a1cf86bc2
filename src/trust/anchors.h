/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchors: what trust_open() has loaded, for the checks.
 */
#ifndef DOMSEC_TRUST_ANCHORS_H
#define DOMSEC_TRUST_ANCHORS_H

#include "trust/trust.h"

struct anchors {
    int references;
    char *unfetched; /* the URL of a bundle that belongs to them and has not come yet; NULL: they are complete */
    X509_STORE *store;
    STACK_OF(X509) * list;  /* the same certificates */
    STACK_OF(X509) * roots; /* those of them that are self-signed */
    GHashTable *helpers;    /* trusted by no one: hash of the subject → GPtrArray of X509 * */
    GHashTable *names;      /* of the anchors alone, as above; lent */
};

/* --- anchors.c --- */

struct anchors *anchors_new(void);
struct anchors *anchors_ref(const struct anchors *anchors);
void anchors_unref(struct anchors *anchors);
DECLARE_OWNED(anchors, struct anchors *, anchors_unref)
/* Each takes a reference of its own. False: OpenSSL's queue has the error. */
bool anchors_add(struct anchors *anchors, X509 *certificate);
bool anchors_add_helper(struct anchors *anchors, X509 *certificate);
bool anchors_have(const struct anchors *anchors, const X509 *certificate);
/* Those that have this name, or nearly: X509 *, lent; NULL: none has. There may be thousands of anchors, so that
 * nothing should look at each. */
const GPtrArray *anchors_named(const struct anchors *anchors, const X509_NAME *name);
/* What may lie between leaf and an anchor: the certificates given, and the helpers above leaf and above each of them. A
 * stack of references of its own; NULL: out of memory. */
STACK_OF(X509) * anchors_help(const struct anchors *anchors, const X509 *leaf, STACK_OF(X509) * untrusted);
/* Adds the helpers with this subject to the list, each once. False: out of memory. */
bool anchors_add_named(const struct anchors *anchors, const X509_NAME *subject, STACK_OF(X509) * list);
/* True if one of the anchors is the issuer of certificate by its names and key identifiers. */
bool anchors_issue(const struct anchors *anchors, X509 *certificate);

/* --- scope.c --- */

struct remote_bundle;

/* The anchors that count somewhere, and what they are made of. A bundle brings others now and then; who has a reference
 * keeps those it began with. Once it was renewed first, it is thread-safe. */
struct scope;

/* base: whose anchors count here, too; it outlives the scope. NULL: none does. */
struct scope *scope_new(const struct scope *base);
void scope_free(struct scope *scope);
/* Each takes references of its own. */
void scope_add_anchors(struct scope *scope, const STACK_OF(X509) * anchors);
void scope_add_helpers(struct scope *scope, const STACK_OF(X509) * helpers);
/* bundle: lent, outlives the scope. */
void scope_add_bundle(struct scope *scope, struct remote_bundle *bundle);
/* Whether its anchors may change. */
bool scope_has_bundles(const struct scope *scope);
/* Makes the anchors of what there is now. */
void scope_renew(struct scope *scope);
/* Calls visit() with each bundle that has not come yet. */
void scope_each_unfetched(const struct scope *scope, void (*visit)(void *context, struct remote_bundle *bundle),
                          void *context);
/* A reference to those in force. */
struct anchors *scope_anchors(const struct scope *scope);

/* --- trust.c --- */

enum pin {
    PIN_NONE,
    PIN_PLAIN,
    PIN_ALONE, /* a CA certificate that stands for itself: certificate_stands_alone() */
};

struct partner_trust {
    struct scope *scope;           /* NULL: the global one */
    GHashTable *pins;              /* fingerprint → enum pin; those of a group behind its number */
    STACK_OF(X509) * issuers;      /* those of require_certificate */
    struct revocation *revocation; /* NULL: the global one */
};

struct trust {
    struct scope *global;
    struct notices *notices;
    struct bundles *bundles;
    GMutex renewing;                /* one bundle's news at a time */
    STACK_OF(X509) * intermediates; /* helpers of every set of anchors */
    GHashTable *partners;           /* const struct partner * → struct partner_trust * */
    struct path_cache *cache;
    struct names_cache *names;
    struct revocation *revocation;
    struct own_checks *own; /* of our certificates */
    struct kept *kept;      /* what has been fetched about revocation, for each partner the same */
    struct courier *courier;
    struct store *store; /* with authorities that complete paths; NULL: there is no store */
    bool fetches_issuers;
    unsigned names_limit;
};

/* False, with the finding, if a certificate has more names than names_limit. */
bool trust_counts_names(const struct trust *trust, const struct certificate_names *names, struct finding *finding);

/* A reference to the anchors that count under a partner; NULL for a partner of another configuration. */
struct anchors *trust_anchors(const struct trust *trust, const struct partner *partner);
/* Where they come from, as above; lent. */
const struct scope *trust_scope(const struct trust *trust, const struct partner *partner);
/* group NULL: of the partner's certificates. */
enum pin trust_pin(const struct trust *trust, const struct partner *partner, const struct group_conf *group,
                   const X509 *certificate);
/* The authorities that require_certificate of a partner names; lent. */
const STACK_OF(X509) * trust_issuers(const struct trust *trust, const struct partner *partner);
/* The sources that are asked about revocation under a partner, as above. */
const struct revocation *trust_revocation(const struct trust *trust, const struct partner *partner);

#endif
