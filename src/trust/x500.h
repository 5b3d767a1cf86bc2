/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x500: X.500 names that stand for a mail domain.
 */
#ifndef DOMSEC_TRUST_X500_H
#define DOMSEC_TRUST_X500_H

#include "trust/trust.h"

/* True if partner->x500_name lets the X.500 name of this certificate stand for domain. */
bool x500_maps(const struct partner *partner, const X509 *certificate, const char *domain);

#endif
