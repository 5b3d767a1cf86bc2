/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: the number under which the second index keeps a name.
 */
#ifndef DOMSEC_STORE_NAMES_H
#define DOMSEC_STORE_NAMES_H

#include <stdint.h>

/* The first 64 bits of its SHA-256: a stranger cannot choose two names that share one. */
int64_t names_hash(const char *name);

#endif
