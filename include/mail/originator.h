/* SPDX-License-Identifier: Apache-2.0 */
/*
 * originator: who a message claims to be from. From alone counts (RFC 5322 §3.6.2): it is what the recipient sees, and
 * what RFC 8550 §3 and RFC 3183 §3.1.1 compare names with. Sender, which RFC 8550 §3 would take as well, is not shown
 * by many programs: it explains a mismatch and never mends one.
 */
#ifndef DOMSEC_MAIL_ORIGINATOR_H
#define DOMSEC_MAIL_ORIGINATOR_H

#include "mail/address.h"
#include "mail/message.h"

struct originator {
    struct addresses from;   /* the authors: the mailboxes of From; empty if there is a fault */
    char misleading[320];    /* how a name in From shows an address that is no author's; empty: none does */
    char fault[320];         /* why From cannot be used (absent, repeated, odd syntax); empty: it can */
    char **domains;          /* of from, in its order, NULL-terminated; lent by from */
    struct addresses sender; /* the mailbox of Sender; empty unless there is exactly one that can be read */
};

/* Fills originator from a message's header. A From that two programs could read differently is a fault. */
void originator_read(const struct message *message, struct originator *originator);
/* The same from a value of From alone, where there is no message; from may be NULL. */
void originator_from_text(const char *from, struct originator *originator);
void originator_clear(struct originator *originator);
/* The domain of the first author; NULL if there is no author. Lent. */
const char *originator_domain(const struct originator *originator);

#endif
