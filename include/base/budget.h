/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget: how much work one message may cause, whatever it nests in what.
 *
 * Work is counted, not timed, so that the same message has the same result on each machine and at each hour. The unit
 * is a nanosecond of one core of a server as of 2020, and prices are coarse. Code that is about to work for a message
 * pays first. Not thread-safe: one thread works for a message at a time.
 */
#ifndef DOMSEC_BASE_BUDGET_H
#define DOMSEC_BASE_BUDGET_H

#include "base/error.h"

#include <stdint.h>

struct budget {
    uint64_t limit, spent;
    /* Called each time that much more was spent, by the thread that spends: there others can be let pass. May be NULL.
     */
    void (*rest)(void *context);
    void *context;
    uint64_t rested; /* private: spent when rest() was called last */
};

#define BUDGET_MILLISECOND ((uint64_t)1000000)
#define BUDGET_REST_EVERY BUDGET_MILLISECOND

/* Returns false, with ERROR_PERMANENT, if the message has no more to spend; then the caller does not work. budget NULL:
 * there is no limit. error may be NULL. */
bool budget_spend(struct budget *budget, uint64_t cost, struct error *error);
/* True if it has nothing left. */
bool budget_is_spent(const struct budget *budget);

/* The one reason for what was not done. */
#define BUDGET_SPENT "the message takes more work than work_limit allows"

/* --- prices --- */

#define COST_READ 1                         /* an octet that is looked through: parsed, compared, copied */
#define COST_DECODED 2                      /* an octet that a transfer encoding, a compression or a cipher yields */
#define COST_HASHED 4                       /* an octet that a digest sees */
#define COST_DER 30                         /* an octet of DER that is taken apart into its elements */
#define COST_CERTIFICATE ((uint64_t)100000) /* a certificate that is read, with its key */

#endif
