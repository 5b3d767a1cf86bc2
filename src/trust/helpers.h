/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helpers: certificates that may stand between a leaf and an anchor, or sign its revocation lists, from wherever they
 * are at hand: the message, the configuration, the store, what was fetched. None of them is trusted.
 */
#ifndef DOMSEC_TRUST_HELPERS_H
#define DOMSEC_TRUST_HELPERS_H

#include "path.h"

struct helpers {
    STACK_OF(X509) * list;    /* query->untrusted, then the others */
    STACK_OF(X509) * orphans; /* in the ways up from the leaf: no issuer that is valid is at hand; lent */
    bool failed;              /* the store, so that some may be missing; error says why */
    struct error error;
};

/* False: out of memory. */
bool helpers_find(const struct trust *trust, const struct path_query *query, struct helpers *helpers);
void helpers_clear(struct helpers *helpers);

static inline __attribute__((unused)) void cleanup_helpers(struct helpers *helpers)
{
    helpers_clear(helpers);
}

#endif
