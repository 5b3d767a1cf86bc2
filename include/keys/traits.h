/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traits: what is known of one of our keys beside the key itself, as plain data: declared in the configuration, or
 * seen.
 */
#ifndef DOMSEC_KEYS_TRAITS_H
#define DOMSEC_KEYS_TRAITS_H

#include "conf/demands.h"

struct key_traits {
    enum key_origin origin;  /* seen for a key on a token, else declared */
    enum stated escrowed;    /* declared; STATED_NOTHING: not known */
    bool dual_use;           /* seen: it signs and is encrypted to, by this certificate or another of ours */
    bool content_commitment; /* seen: its certificate is for signatures that bind the signer (nonRepudiation) */
};

/* "token, not escrowed, dual use": without what is not known; g_free(). */
char *key_traits_text(const struct key_traits *traits);

#endif
