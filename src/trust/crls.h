/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crls: the configured CRLs. Read-only once they are loaded.
 */
#ifndef DOMSEC_TRUST_CRLS_H
#define DOMSEC_TRUST_CRLS_H

#include "trust/trust.h"

struct crls;
/* Loads conf->crls, which stand in file. NULL after an error was added to faults. */
struct crls *crls_open(const struct revocation_conf *conf, const char *file, struct faults *faults);
void crls_close(struct crls *crls);
bool crls_are_configured(const struct crls *crls);

/* Those that may speak for certificates of this issuer, and the indirect ones; sk_X509_CRL_pop_free(). NULL: out of
 * memory. */
STACK_OF(X509_CRL) * crls_of(const struct crls *crls, const X509_NAME *issuer);

/* The last second until which no CRL that matters to this chain, valid or not yet at `at`, runs out or begins. */
time_t crls_stable_until(const struct crls *crls, const STACK_OF(X509) * chain, time_t at);

/* A reference of its own; what does not fit into memory is left out. */
void crls_add(STACK_OF(X509_CRL) * list, X509_CRL *crl);

DECLARE_OWNED(crls, struct crls *, crls_close)

#endif
