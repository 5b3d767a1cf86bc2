/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchors: what trust_open() has loaded, for the checks.
 */
#ifndef DOMSEC_TRUST_ANCHORS_H
#define DOMSEC_TRUST_ANCHORS_H

#include "trust/trust.h"

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
    struct path_cache *cache;
    struct revocation *revocation;
};

/* The anchors that count under a partner; NULL for a partner of another configuration. */
const struct anchors *trust_anchors(const struct trust *trust, const struct partner *partner);

#endif
