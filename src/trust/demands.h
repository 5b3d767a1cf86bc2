/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demands: does a trusted certificate have what its partner's `require_certificate` asks for?
 */
#ifndef DOMSEC_TRUST_DEMANDS_H
#define DOMSEC_TRUST_DEMANDS_H

#include "anchors.h"

/* Whether an answer depends on the path, and not on the certificate alone. */
bool demands_concern_path(const struct partner *partner);

/* What is asked of the path. chain: leaf first; a pinned certificate stands alone, and no authority has to confirm its
 * policy. Returns true, or sets the finding to OUTCOME_POLICY. */
bool demands_met_by_path(const struct trust *trust, const struct partner *partner, const STACK_OF(X509) * chain,
                         struct finding *finding);
/* What is asked of the certificate alone; as above. */
bool demands_met_by_leaf(const struct partner *partner, const X509 *leaf, struct finding *finding);

#endif
