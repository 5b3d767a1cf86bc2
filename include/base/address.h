/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: a mailbox as RFC 5321 and 6531 have it, split, with its domain as A-labels.
 */
#ifndef DOMSEC_BASE_ADDRESS_H
#define DOMSEC_BASE_ADDRESS_H

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
/* The text by which an address is looked up: address_equal() addresses have the same one. g_free(). */
char *address_key(const struct address *address);

#endif
