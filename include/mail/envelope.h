/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope: sender, recipients and connection, as the MTA or the command line gives them. Plain data; all strings are
 * owned (g_free), and NULL if unknown.
 */
#ifndef DOMSEC_MAIL_ENVELOPE_H
#define DOMSEC_MAIL_ENVELOPE_H

#include "mail/address.h"

struct recipient {
    struct address address; /* as given */
    char *argument;         /* as the client gave it to RCPT TO, with its angle brackets */
    char **parameters;      /* its ESMTP parameters ("NOTIFY=NEVER"), NULL-terminated; NULL: it has none */
    /* The macros {rcpt_addr}, {rcpt_host}, {rcpt_mailer}; NULL: the MTA did not send them. */
    char *mta_address, *mta_host, *mta_mailer;
    struct address resolved; /* where the MTA delivers to, by these macros; text NULL: it does not say */
};

struct envelope {
    char *queue_id;           /* macro i; may be NULL until end of message */
    char *authenticated;      /* {auth_authen}: login name, NULL if the client did not authenticate */
    char *client_address;     /* {client_addr} */
    char *daemon_name;        /* {daemon_name} */
    char *mta;                /* macro v: name and version of the mail server's software */
    struct address sender;    /* RFC 5321 reverse-path */
    char **sender_parameters; /* its ESMTP parameters, NULL-terminated; NULL: it has none */
    bool eight_bit; /* the client said BODY=8BITMIME or BINARYMIME (RFC 6152): where this goes, 8-bit passes */
    struct recipient *recipients;
    size_t recipient_count;
};

struct envelope *envelope_new(void);
void envelope_free(struct envelope *envelope);
/* Adds a recipient and takes the strings out of *address; the rest is the caller's to fill. Lent until the next call.
 */
struct recipient *envelope_add_recipient(struct envelope *envelope, struct address *address);

/* How the MTA reads a recipient; each NULL where it does not say. Postfix's sendmail(1) sends {rcpt_addr} before it has
 * resolved any route in it, and no mailer: such an address is not where it delivers to. */
void recipient_set_reading(struct recipient *recipient, const char *address, const char *host, const char *mailer);
/* Whether the MTA delivers to another address than the one given. */
bool recipient_is_redirected(const struct recipient *recipient);

DECLARE_OWNED(envelope, struct envelope *, envelope_free)

#endif
