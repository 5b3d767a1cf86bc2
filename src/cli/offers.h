/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers: the certificates that a file offers for import, and whose they are. Reading decides nothing: whether one
 * belongs in the store is for cert_import.c.
 */
#ifndef DOMSEC_CLI_OFFERS_H
#define DOMSEC_CLI_OFFERS_H

#include "conf/conf.h"
#include "keys/keys.h"

struct offer {
    X509 *certificate; /* NULL: it was left out */
    char *note;        /* whose it is, or why it was left out; NULL: nothing is known but the certificate itself */
};

struct offers;

struct offers *offers_new(void);
void offers_free(struct offers *offers);
size_t offers_count(const struct offers *offers);
const struct offer *offers_at(const struct offers *offers, size_t index);

/* Takes a reference of its own. format NULL: no note. */
void offers_add(struct offers *offers, X509 *certificate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void offers_leave_out(struct offers *offers, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- offers_file.c --- */

/* Reads a file in whatever form: PEM, DER, PKCS #7, LDIF, or a signed message. False: it offers nothing, and the text
 * names the file. */
bool offers_read(struct offers *offers, const char *file, const struct limits *limits, struct error *error);

/* --- offers_ldif.c --- */

/* True if the contents are LDIF (RFC 2849). */
bool offers_is_ldif(struct slice contents);
/* The values of userCertificate and userSMIMECertificate (RFC 4523, RFC 2798). contents end in NUL, and are changed. */
bool offers_read_ldif(struct offers *offers, char *contents, size_t length, struct error *error);

/* --- offers_message.c --- */

/* True if the contents begin as a message does. */
bool offers_is_message(struct slice contents);
/* The certificates of those who signed it, if their signature holds. */
bool offers_read_message(struct offers *offers, struct slice contents, const struct limits *limits,
                         struct error *error);

DECLARE_OWNED(offers, struct offers *, offers_free)

#endif
