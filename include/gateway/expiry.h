/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiry: when the certificates end that a configuration names, ours and the partners'. It reads the certificates'
 * files alone, and neither keys nor the rest, so that a monitor without rights can ask.
 */
#ifndef DOMSEC_GATEWAY_EXPIRY_H
#define DOMSEC_GATEWAY_EXPIRY_H

#include "conf/conf.h"

#include <time.h>

/* A certificate that ends sooner is warned of, because it takes partners time to change over. */
#define EXPIRY_DAYS 30

enum expiry_kind {
    EXPIRY_OWN,     /* an identity's */
    EXPIRY_PARTNER, /* in a partner's `certificates` */
    EXPIRY_ANCHOR,  /* a trust anchor */
    EXPIRY_STORE,   /* in certificate_directory */
};

struct expiry {
    enum expiry_kind kind;
    char *who;        /* a domain, an address, or an authority's subject */
    const char *role; /* ours: role_name(); "partner", "anchor", "bundle signer", "store"; static */
    char *file;       /* where the certificate is */
    char *origin;     /* the configuration file that names it, and the line there; 0: the file as a whole */
    unsigned line;
    time_t ends;
};

struct expiries {
    struct expiry **list;
    size_t count;
};

/* Of several certificates for the same who and role, the one that ends last. Unreadable files are left out. */
void expiries_read(const struct conf *conf, struct expiries *expiries);
void expiries_clear(struct expiries *expiries);
/* Whether it has not ended and does so within EXPIRY_DAYS. What has ended is found where certificates are used. */
bool expiry_is_near(const struct expiry *expiry, time_t now);
/* Adds a warning for each that is near. */
void expiries_check(const struct expiries *expiries, time_t now, struct faults *faults);
/* Sets the gauge domsec_certificate_expiry_timestamp_seconds for each, except those of the store, which may be many. */
void expiries_measure(const struct expiries *expiries);

#endif
