/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_checks: whether certificates of ours are known to be revoked. They are asked about for each message that leaves,
 * so what came out stands until something new is known, or for a minute. Thread-safe.
 */
#ifndef DOMSEC_TRUST_OWN_CHECKS_H
#define DOMSEC_TRUST_OWN_CHECKS_H

#include <stdbool.h>
#include <time.h>

struct own_checks;

struct own_check {
    unsigned generation; /* of what was known then */
    time_t from;
    bool revoked;
};

struct own_checks *own_checks_new(void);
void own_checks_free(struct own_checks *own);

/* name: of what was asked. Returns false if that has to be asked again. */
bool own_checks_find(struct own_checks *own, const char *name, unsigned generation, time_t at, bool *revoked);
void own_checks_put(struct own_checks *own, const char *name, const struct own_check *check);

#endif
