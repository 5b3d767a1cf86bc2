/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted_revocation: two revocation sources that answer by a script and count what they are asked. There is one
 * script for each of them in a process; each test writes its own.
 *
 *     scripted_revocation[0] = (struct scripted_revocation){.rows = {{"CN=Authority", REVOCATION_REVOKED}}};
 *     struct trust *trust = trust_open_with(conf, scripted_revocation_sources, faults);
 *
 * In a gateway: scripted_revocation_replace().
 */
#ifndef DOMSEC_TESTS_SUPPORT_SCRIPTED_REVOCATION_H
#define DOMSEC_TESTS_SUPPORT_SCRIPTED_REVOCATION_H

#include "trust/revocation.h"

#define SCRIPTED_ROWS_MAX 8
struct scripted_revocation {
    /* the script */
    bool does_not_open;
    struct {
        const char
            *subject; /* the answer is about each certificate whose subject holds this text; NULL: the last row */
        enum revocation_status status;
        const char *reason;
        time_t until;
    } rows[SCRIPTED_ROWS_MAX]; /* a certificate without a row is left as it is */
    void (*on_ask)(const struct revocation_query *query, const struct revocation_answer *answers); /* may be NULL */
    /* what was asked */
    unsigned opened, closed, asks;
};

extern struct scripted_revocation scripted_revocation[2];

/* Both, in their order; NULL-terminated. */
extern const struct revocation_source *const scripted_revocation_sources[];

/* Closes *trust and opens that of conf again, with these sources. For a gateway's own. */
void scripted_revocation_replace(struct trust **trust, const struct conf *conf);

#endif
