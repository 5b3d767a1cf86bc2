/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signing: which of our keys signs: the newest that is all that the rules ask for (sign_with). What is not known of a
 * key satisfies nothing.
 */
#ifndef DOMSEC_POLICY_SIGNING_H
#define DOMSEC_POLICY_SIGNING_H

#include "base/error.h"
#include "keys/traits.h"

#include <stddef.h>

/* What the keys that sign one copy must be: the demands of all rules that count. Zeroed: anything. */
struct sign_with {
    unsigned other_origins;                          /* bits of the origins that are not accepted */
    unsigned escrowed, dual_use, content_commitment; /* STATED_BIT() of each value that is asked for */
};
#define STATED_BIT(stated) (1u << (stated))

/* Adds the demands of a rule, or those of another copy. */
void sign_with_add(const struct sign_with_conf *conf, struct sign_with *with);
void sign_with_unite(const struct sign_with *other, struct sign_with *with);

/* One of our identities that may act in a role. */
struct own_candidate {
    struct key_traits traits;
    bool is_current; /* it is valid now */
};

/* Those for one role. */
struct own_view {
    struct error missing;             /* why no identity is valid; kind ERROR_NONE: one is */
    const char *owner;                /* whose they are, for reasons */
    const struct own_candidate *list; /* the first that is valid and fits is taken */
    size_t count;
};

/* Finds the one that signs. False with *error: that of `missing`, or ERROR_CONFIGURATION if one fits that is not valid
 * now, else ERROR_PERMANENT. */
bool own_find(const struct own_view *own, const struct sign_with *with, size_t *index, struct error *error);

#endif
