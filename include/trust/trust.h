/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: decides whether a certificate may do this, now, for this name. One verdict with one reason. Stores are built
 * once at gateway_open() and are thread-safe afterwards.
 */
#ifndef DOMSEC_TRUST_TRUST_H
#define DOMSEC_TRUST_TRUST_H

#include "base/finding.h"
#include "base/log.h"
#include "certs/association.h"
#include "keys/names.h"
#include "mail/address.h"

#include <stdint.h>

struct trust;

/* Loads trust_anchors, intermediates and crls, and each partner's, with its pins. conf must outlive it; partners given
 * to the checks are conf's. */
struct trust *trust_open(const struct conf *conf, struct faults *faults);
/* The same in place of another: what has been fetched stays known. previous: may be NULL. */
struct trust *trust_open_after(const struct conf *conf, const struct trust *previous, struct faults *faults);
void trust_close(struct trust *trust);

enum purpose {
    PURPOSE_SIGN,
    PURPOSE_ENCRYPT,
    PURPOSE_PATH, /* the path alone (RFC 5280 §6): not what the leaf is for, not the strength of keys and digests */
};

/* What would have to be fetched before more is known about revocation. */
struct missing;
void missing_free(struct missing *missing);

struct chain_query {
    X509 *leaf;
    STACK_OF(X509) * untrusted; /* from the message or beside our certificate; may be NULL */
    STACK_OF(X509_CRL) * crls;  /* from the message; may be NULL; they can always revoke */
    const GPtrArray *embedded;  /* GBytes: OCSP responses from the message, in DER; may be NULL; they can, too */
    enum purpose purpose;
    const struct partner *partner;  /* whose anchors count; a partner without anchors uses the global ones */
    const struct group_conf *group; /* of the partner: its certificates are asked about, in place of the partner's pins;
                                       NULL: none is */
    time_t at;
    const char **unchecked;   /* on a pass: gets why it is not known whether some certificate has been revoked, static;
                                 NULL if that is known or does not matter. May be NULL */
    struct missing **missing; /* gets what is to be fetched for trust_fetch(), after which the query may be answered
                                 in another way; NULL: nothing. May be NULL */
    unsigned *issuers;     /* how many certificates of authorities may still be fetched for this message; NULL: none */
    struct budget *budget; /* NULL: no limit */
    const struct associations *zone; /* what the leaf's zone says of it and of its path; NULL: nothing */
    bool *revoked; /* gets whether something in the path is known to be revoked, and there is no other path; may be NULL
                    */
    bool *vouched; /* on a pass: gets whether the zone stands for the leaf in place of our anchors. May be NULL */
};

/* Path, validity, basic constraints, name constraints, EKU emailProtection or any or absent (RFC 8550 §4.4.4), key
 * usage for the purpose (digitalSignature or nonRepudiation; keyEncipherment or keyAgreement), leaf is no CA, key and
 * digest strength (RSA >= 2048, no MD5 or SHA-1), revocation of the whole chain as the partner's `revocation` says
 * (hard: a missing or stale CRL is OUTCOME_TEMPERROR). Results: PASS; PERMERROR (more work than the budget allows);
 * FAIL (broken, expired, revoked, wrong usage, weak); POLICY (chain leads to no anchor of ours). A certificate pinned
 * by the partner under naming "pinned" passes without a chain, never without validity, usage and strength; so does one
 * of query->group under its naming. Also POLICY: the certificate is not what partner->demands asks for.
 * query->zone (RFC 8162): the leaf has to agree with one of its records. Those of usages 0 and 1 restrict a path to our
 * anchors. One of usage 2 names the anchor itself, and one of usage 3 passes without a path, if no path leads to an
 * anchor of ours in which something is or may be revoked; neither passes without validity, usage and strength. */
void trust_check_chain(const struct trust *trust, const struct chain_query *query, struct finding *finding);

/* True if a trust bundle that the partner's certificates may lead to has not come yet. */
bool trust_waits_for_bundle(const struct trust *trust, const struct partner *partner);

/* Whether this certificate of ours is known to be revoked, or an authority between it and a trust anchor; chain: what
 * was issued with it. What is not known is fetched in the background. */
bool trust_is_revoked(const struct trust *trust, const struct partner *partner, X509 *certificate,
                      STACK_OF(X509) * chain, time_t at);

/* Waits until what is missing has been fetched or cannot be, at most until the deadline (of g_get_monotonic_time()).
 * Returns false if the deadline came first. trust_check_chain() itself waits for nothing. */
bool trust_fetch(const struct trust *trust, const struct missing *missing, int64_t deadline);
/* For a process that stays, every few seconds: starts to fetch the trust bundles that are due. */
void trust_renew_bundles(const struct trust *trust, time_t now);
/* Waits for those that have not come yet, at most until the deadline (of g_get_monotonic_time()). */
void trust_await_bundles(const struct trust *trust, int64_t deadline);
/* A line for the log about what happened in threads of trust's own, g_free(); NULL: there is no more. */
char *trust_next_notice(const struct trust *trust, enum log_level *level);
/* True if an issuer is among it: with that, something else may turn out to be missing. */
bool trust_missing_issuers(const struct missing *missing);
/* From now on what is known about revocation is renewed before it runs out, by threads of trust's own. For a process
 * that stays; after its last fork(). */
void trust_keep_fresh(const struct trust *trust);
/* Ends these threads; nothing is fetched any more. */
void trust_stop_fetching(const struct trust *trust);

/* Its names, which are kept for the next time; certificate_names_unref(). */
struct certificate_names *trust_names(const struct trust *trust, const X509 *certificate);

/* May this certificate serve the purpose by its own extensions and key (RFC 8550 §4.4)? NULL, or why not; static. */
const char *trust_usage_refusal(const X509 *certificate, enum purpose purpose);

struct role_query {
    const struct partner *partner; /* whose naming applies */
    const X509 *certificate;
    enum role role;
    const char *const *domains; /* normalised; each must map */
    size_t domain_count;
};

/* Compares the names of a certificate with a role and the domains for which it shall act (RFC 3183 §3.1.1, §4.1), by
 * partner->naming. PASS or POLICY with the reason. The ascent to a parent domain ends at the registrable domain
 * (libpsl), and a public suffix never maps. Under rfc3183 there is exactly one CN, equal to the role, and every e-mail
 * address has the role as its local part and an ascendant of each domain as its domain part. A certificate without an
 * e-mail address maps by its dc= components (RFC 2247), and one with neither by partner->x500_name. */
void trust_check_role(const struct trust *trust, const struct role_query *query, struct finding *finding);

/* The same by the names alone, for who orders a certificate: as long as names_limit allows, and without pins. */
bool trust_names_role(const struct role_query *query, struct finding *finding);

/* Which of the global anchors and intermediates has issued certificate, a self-signed one first, by names and key
 * identifiers; X509_free(). NULL: none of them. */
X509 *trust_issuer(const struct trust *trust, const X509 *certificate);

/* True if the partner's `certificates` or `naming = "pinned"` names exactly this certificate. */
bool trust_is_pinned(const struct trust *trust, const struct partner *partner, const X509 *certificate);

/* Whether this certificate is one of a group's, and stands for all its members: PASS or POLICY. */
void trust_check_group(const struct trust *trust, const struct partner *partner, const struct group_conf *group,
                       const X509 *certificate, struct finding *finding);

/* Compares a person's certificate with addresses (RFC 8550 §3): each address must equal one of the certificate's.
 * PASS or POLICY. */
void trust_check_mailbox(const struct trust *trust, const X509 *certificate, const struct address *addresses,
                         size_t count, struct finding *finding);

/* True if domain may act for the domains below it: it is not a public suffix. Normalised domain. */
bool trust_is_registrable(const char *domain);
/* True if domain may act for itself: it is not a public suffix of a registry ("com", "co.uk"). Normalised domain. */
bool trust_has_owner(const char *domain);

DECLARE_OWNED(trust, struct trust *, trust_close)
DECLARE_OWNED(missing, struct missing *, missing_free)

#endif
