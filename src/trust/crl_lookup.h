/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crl_lookup: which lists OpenSSL gets to see in a verification, and what it makes of those that were fetched.
 */
#ifndef DOMSEC_TRUST_CRL_LOOKUP_H
#define DOMSEC_TRUST_CRL_LOOKUP_H

#include "crls.h"
#include "kept.h"

/* One verification with CRLs. */
struct run {
    const struct crls *configured; /* NULL: they do not count */
    struct kept *kept;             /* what was fetched; NULL: it does not count */
    GPtrArray *tables;             /* references to what of it OpenSSL has seen */
    STACK_OF(X509_CRL) * received;
    const struct revocation_answer *earlier; /* another source's */
    struct revocation_answer *answers;       /* of the certificates up to the one that ended it */
    const STACK_OF(X509) * chain;
    int count, ended; /* ended: depth of that certificate, or count */
    time_t at;
    X509_CRL *judged; /* by OpenSSL just now */
    bool tries;       /* a CRL has to have a good signature to be offered */
    unsigned tried;
};

/* In the callback of a verification whose application data is a struct run. True if OpenSSL complains about the
 * signature of a list without its entries, and the key with which it should hold is the one that signed the whole list.
 */
bool crl_was_verified(X509_STORE_CTX *context);

#endif
