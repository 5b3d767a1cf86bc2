/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: the mailboxes of a header field (RFC 5322 §3.4). One mailbox is in base/address.h.
 */
#ifndef DOMSEC_MAIL_ADDRESS_H
#define DOMSEC_MAIL_ADDRESS_H

#include "base/address.h"

struct addresses {
    struct address *list;
    size_t count;
    bool shows_another; /* a display name or a comment holds an address that is not in the list */
    bool hides_another; /* one does so in encoded words: a program that decodes first finds another mailbox */
};

/* Every mailbox of a From, Sender, To … value, with groups expanded, and without display names and comments. Strict:
 * a value that two parsers could read differently (no mailbox, two angle brackets, an address in an unquoted display
 * name, stray text, encoded-words inside an address) is ERROR_PERMANENT with the reason. An address in a quoted or
 * encoded display name is not: the mailbox is clear then. */
bool addresses_parse(struct slice field_value, struct addresses *addresses, struct error *error);
void addresses_clear(struct addresses *addresses);

/* For fields that addresses_parse() cannot parse: true if a domain (A-labels, lower case), or one below it, occurs
 * anywhere in one of them, also in encoded words, or split by comments, quotes and white space. When in doubt, true. */
struct mentions;
struct mentions *mentions_new(void);
void mentions_free(struct mentions *mentions);
void mentions_add(struct mentions *mentions, struct slice field_value);
bool mentions_hold(const struct mentions *mentions, const char *domain);

DECLARE_OWNED(mentions, struct mentions *, mentions_free)

#endif
