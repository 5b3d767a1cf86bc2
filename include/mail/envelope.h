/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope: sender, recipients and connection, as the MTA or the command line gives them. Plain data; all strings are
 * owned (g_free), and NULL if unknown.
 */
#ifndef DOMSEC_MAIL_ENVELOPE_H
#define DOMSEC_MAIL_ENVELOPE_H

#include "mail/address.h"

struct envelope {
    char *queue_id;        /* macro i; may be NULL until end of message */
    char *authenticated;   /* {auth_authen}: login name, NULL if the client did not authenticate */
    char *client_address;  /* {client_addr} */
    char *daemon_name;     /* {daemon_name} */
    struct address sender; /* RFC 5321 reverse-path */
    struct address *recipients;
    size_t recipient_count;
};

struct envelope *envelope_new(void);
void envelope_free(struct envelope *envelope);
/* Takes the strings out of *address. */
void envelope_add_recipient(struct envelope *envelope, struct address *address);

DECLARE_OWNED(envelope, struct envelope *, envelope_free)

#endif
