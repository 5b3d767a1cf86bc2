/* SPDX-License-Identifier: Apache-2.0 */
/*
 * treatment: what a part needs so that its content gets through unchanged. Private to mail/.
 */
#ifndef DOMSEC_MAIL_TREATMENT_H
#define DOMSEC_MAIL_TREATMENT_H

#include "mail/mime.h"

enum treatment {
    KEEP,      /* borrow; only the label of a transfer encoding may change */
    LINE_ENDS, /* copy, bare CR and LF made CRLF */
    QUOTED,    /* decode, encode as quoted-printable */
    BASE64,    /* decode, encode as base64 */
    OCTETS,    /* base64 of the body as it is, as application/octet-stream (RFC 2045 §6.4) */
    OPEN,      /* a multipart: each of its parts by itself */
    NEST,      /* message/rfc822: the message in it by itself */
    OPAQUE,    /* multipart/signed: as application/pkcs7-mime */
};

/* The treatment of what will be signed (transport NULL), or of what goes on as transport says. is_child: the delimiter
 * after the part brings its last CRLF. *troubles: those of the body as it is (lines_scan()); not set for OPEN. */
enum treatment treatment_choose(const struct part *part, const struct transport *transport, bool is_child,
                                unsigned *troubles);

/* The treatment of a body that cannot be decoded, or of a message or a signature that cannot be taken apart. */
enum treatment treatment_otherwise(const struct transport *transport, enum treatment treatment, unsigned troubles);

/* The troubles (lines.h) that do not pass; transport NULL: all hard ones. */
unsigned treatment_barred(const struct transport *transport);

/* The lines that replace fields in the header of a part; NULL: nothing is replaced. */
struct relabelling {
    const char *lines;        /* each with CRLF */
    const char *const *drops; /* names of the fields that go, up to NULL */
};
/* left: troubles that are left in the body. */
struct relabelling treatment_label(const struct part *part, const struct transport *transport, enum treatment treatment,
                                   unsigned left);

/* True if a label of a transfer encoding could have to change although nothing in the content does. */
bool treatment_has_label(const struct part *part, const struct transport *transport);

#endif
