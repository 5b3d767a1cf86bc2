/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuers: certificates of authorities that were fetched, by the address to which a certificate points for its issuer
 * (RFC 5280 §4.2.2.1). A sender who chooses an address controls what lies there, and nothing at any other address. None
 * of them is trusted. Thread-safe.
 */
#ifndef DOMSEC_TRUST_ISSUERS_H
#define DOMSEC_TRUST_ISSUERS_H

#include "base/bytes.h"
#include "base/openssl.h"

#include <stdbool.h>
#include <time.h>

struct issuers;

struct issuers *issuers_new(void);
void issuers_free(struct issuers *issuers);

/* The authorities in a document: certificates, or a certs-only CMS, in DER or PEM. NULL: it has none. */
STACK_OF(X509) * issuers_read(struct slice document);
/* Takes certificates, in place of those that were there. */
void issuers_put(struct issuers *issuers, const char *url, STACK_OF(X509) * certificates);
bool issuers_have(struct issuers *issuers, const char *url);
/* Adds what lies at this address to the list, each once, if something there may have issued certificate, by its names
 * and key identifiers, and is valid at that time. Returns whether it may. list may be NULL. */
bool issuers_find(struct issuers *issuers, const char *url, X509 *certificate, time_t at, STACK_OF(X509) * list);

#endif
