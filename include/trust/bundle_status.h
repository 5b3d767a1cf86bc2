/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_status: what the store knows of a trust bundle that is fetched, for people and monitors.
 */
#ifndef DOMSEC_TRUST_BUNDLE_STATUS_H
#define DOMSEC_TRUST_BUNDLE_STATUS_H

#include "base/error.h"
#include "conf/conf.h"

#include <time.h>

struct bundle_status {
    int certificates; /* in force; -1: none has come yet */
    time_t fetched;   /* the last success; 0: none */
    time_t failed;    /* the last failure; 0: none */
    char *fault;      /* of that failure; NULL: none */
    bool is_stale;    /* none has come, or not for three times `refresh` */
};

/* bundle: one of conf's that has a URL. False: the store or the signers cannot be read. */
bool bundle_status_read(const struct conf *conf, const struct bundle_conf *bundle, time_t now,
                        struct bundle_status *status, struct error *error);
void bundle_status_clear(struct bundle_status *status);

static inline __attribute__((unused)) void cleanup_bundle_status(struct bundle_status *status)
{
    bundle_status_clear(status);
}

#endif
