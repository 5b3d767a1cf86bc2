/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaving_fields: which header fields of a message that leaves are protected inside, and what stands outside in their
 * place (RFC 9788, header confidentiality policies).
 */
#ifndef DOMSEC_POLICY_LEAVING_FIELDS_H
#define DOMSEC_POLICY_LEAVING_FIELDS_H

#include "mail/message.h"

struct leaving_field {
    const struct field *field; /* as received; it is protected as it is */
    bool hidden;               /* another value leaves, or none */
    char *outside;             /* the value that leaves, with its leading space; NULL: none */
    bool shown;                /* readers who know no header protection miss it if it is hidden */
};

struct leaving_fields {
    struct leaving_field *list;
    size_t count;
};

/* Fills leaving with the fields that are protected. encrypted: so that something can be hidden. */
void policy_leaving_fields(const struct fields *fields, enum protect_headers how, bool encrypted,
                           struct leaving_fields *leaving);
void leaving_fields_clear(struct leaving_fields *leaving);

/* Hides no field that does not stand inside with the same value: a sender's own protection of its fields, which says
 * that none is hidden (hp="clear"), stays as it is, and nothing may be lost. */
void leaving_fields_limit(struct leaving_fields *leaving, const struct fields *inside);

#endif
