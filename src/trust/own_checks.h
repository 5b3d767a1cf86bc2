/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_checks: what trust_is_revoked() remembers. Thread-safe.
 */
#ifndef DOMSEC_TRUST_OWN_CHECKS_H
#define DOMSEC_TRUST_OWN_CHECKS_H

struct own_checks;

struct own_checks *own_checks_new(void);
void own_checks_free(struct own_checks *own);

#endif
