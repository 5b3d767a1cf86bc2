/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_set: addresses and patterns of addresses, as the configuration writes them: "bob@acme.test" is that mailbox,
 * "*@acme.test" each mailbox of exactly that domain. Local parts are compared without ASCII case, domains as A-labels,
 * as address_equal() does. To look one address up costs the same whatever the number of patterns.
 */
#ifndef DOMSEC_CONF_ADDRESS_SET_H
#define DOMSEC_CONF_ADDRESS_SET_H

#include "base/address.h"

/* Returns the pattern in its normal form ("bob@xn--bcher-kva.test", "*@acme.test"), or NULL with ERROR_CONFIGURATION.
 * g_free(). */
char *address_pattern_normalise(const char *text, struct error *error);
bool address_pattern_is_wide(const char *pattern); /* in its normal form: it has an asterisk */

/* How an address is found in a set. The higher, the more specific. */
enum address_match { ADDRESS_MATCH_NONE, ADDRESS_MATCH_DOMAIN, ADDRESS_MATCH_EXACT };

struct address_set;
struct address_set *address_set_new(void);
void address_set_free(struct address_set *set);
/* pattern: in its normal form; copied. */
void address_set_add(struct address_set *set, const char *pattern);
/* key: of an address (address_key()), so that several sets are asked with one. NULL set: it holds nothing. */
enum address_match address_set_match(const struct address_set *set, const char *key);
bool address_set_holds(const struct address_set *set, const struct address *address);

DECLARE_OWNED(address_set, struct address_set *, address_set_free)

#endif
