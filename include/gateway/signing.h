/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signing: which of our identities sign, and what is known of their keys, for the report, `domsec explain` and `domsec
 * status`.
 */
#ifndef DOMSEC_GATEWAY_SIGNING_H
#define DOMSEC_GATEWAY_SIGNING_H

#include "gateway/gateway.h"

#include <jansson.h>

/* The identities that put a treatment's signatures on, from the inside out; those that are missing are left out. */
json_t *passage_signers_json(const struct passage *passage, const struct treatment *treatment,
                             const struct wrapping *wrapping);
/* The same for people: "alice@acme.test (mailbox), then acme.test (domain-signing-authority; token)"; g_free(). NULL:
 * no signature. */
char *passage_signers_text(const struct passage *passage, const struct treatment *treatment,
                           const struct wrapping *wrapping);
/* Sets the members origin, escrowed, dual_use and content_commitment; null is what is not known. */
void key_traits_json(const struct key_traits *traits, json_t *object);

#endif
