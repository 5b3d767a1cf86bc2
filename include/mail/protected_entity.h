/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protected_entity: an entity that has header fields of the message in its own header (RFC 9788), on its way out and
 * in.
 */
#ifndef DOMSEC_MAIL_PROTECTED_ENTITY_H
#define DOMSEC_MAIL_PROTECTED_ENTITY_H

#include "mail/mime.h"

struct protected_header {
    const char *hp;                    /* "clear" or "cipher" */
    const struct field *const *fields; /* those that are protected */
    size_t field_count;
    const char *outer;                /* more lines, each with CRLF: the HP-Outer fields */
    const struct field *const *shown; /* what the text repeats for readers that know nothing of it */
    size_t shown_count;
};

/* mime_canonical() with these fields in place of all fields of root but Content-*. An entity whose Content-Type cannot
 * take a parameter becomes the only part of a multipart/mixed. Only a spool can make this fail (ERROR_TEMPORARY). */
bool mime_protect(const struct part *root, const struct protected_header *header, const struct limits *limits,
                  struct entity *entity, struct error *error);

/* mime_deliverable() without what says that the header was protected: hp= in the Content-Type of root, and, with
 * elements, what a text repeats of it. */
bool mime_unprotect(const struct part *root, bool elements, const struct transport *transport,
                    const struct limits *limits, struct entity *entity, struct error *error);

#endif
