/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distance: how far a word is from one that was probably meant, for suggestions.
 */
#ifndef DOMSEC_BASE_DISTANCE_H
#define DOMSEC_BASE_DISTANCE_H

/* The number of letters to insert, omit, exchange or swap with their neighbour (optimal string alignment), whatever
 * the case of typed; known is in lower case. */
unsigned distance_between(const char *typed, const char *known);
/* A greater distance, or this one, is not a typing error. */
unsigned distance_limit(const char *typed);

#endif
