/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: a mailbox as RFC 5321 and 6531 have it, split, with its domain as A-labels; and the mailboxes of a header
 * field (RFC 5322 §3.4).
 */
#ifndef DOMSEC_MAIL_ADDRESS_H
#define DOMSEC_MAIL_ADDRESS_H

#include "base/bytes.h"
#include "base/error.h"

struct address {
    char *local;  /* as given, unquoted; case-sensitive in the RFC, but address_equal() ignores case */
    char *domain; /* A-labels, lower case; "[192.0.2.1]" for a literal */
    char *text;   /* local@domain, made from the two (local part quoted again where it must be) */
    char *route;  /* the hosts of a source route before it (RFC 5321 §4.1.1.3), "a.test,b.test"; NULL: it has none */
};

/* Parses "a@b" and "<a@b>" (an envelope address), without a display name, source route or list. Fails with
 * ERROR_PERMANENT, also on NUL, control characters, spaces outside quotes, and more than one @ outside quotes. The
 * null reverse-path "<>" or "" gives an address with three empty strings. */
bool address_parse(struct slice text, struct address *address, struct error *error);
/* As an MTA accepts it: also a local part alone ("<postmaster>", RFC 5321 §4.5.1), whose domain is then empty, and also
 * behind a source route ("<@a.test,@b.test:bob@c.test>"). Whether the MTA delivers to it, or takes its local part for a
 * route ("bob%x.test"), is not known here. */
bool address_parse_path(struct slice text, struct address *address, struct error *error);
void address_clear(struct address *address);
bool address_equal(const struct address *a, const struct address *b); /* local part: ASCII case-insensitive */

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
