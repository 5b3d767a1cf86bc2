/* SPDX-License-Identifier: Apache-2.0 */
/*
 * missing: what a check of a path could not find out about anchors and revocation, and could if something was fetched.
 */
#ifndef DOMSEC_TRUST_MISSING_H
#define DOMSEC_TRUST_MISSING_H

#include "revocation.h"

/* Returns true if something can be fetched about what is unknown in the result. With `missing`, it gets the errands,
 * and what is known of the path is in use: it is renewed before it runs out. */
bool missing_note(const struct trust *trust, const struct revocation_query *query,
                  const struct revocation_result *result, const struct revocation_conf *conf, struct missing **missing);
/* The trust bundles of a partner that have not come yet. missing NULL: nothing is done. */
void missing_note_bundles(const struct trust *trust, const struct partner *partner, struct missing **missing);

/* The same for the issuers of these certificates, which lead to no anchor. Returns why one of them is not known, with
 * *orphan; NULL: fetching has nothing to do with it. *for_now: that may change. */
const char *missing_note_issuers(const struct trust *trust, const STACK_OF(X509) * orphans,
                                 const struct chain_query *query, X509 **orphan, bool *for_now);

#endif
