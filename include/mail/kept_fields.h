/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_fields: shows header fields of what was signed or encrypted to the reader, beside the content.
 */
#ifndef DOMSEC_MAIL_KEPT_FIELDS_H
#define DOMSEC_MAIL_KEPT_FIELDS_H

#include "mail/mime.h"

/* Makes entity the second part of a multipart/mixed, unchanged. The first holds the fields, as text/rfc822-headers (RFC
 * 6522 §4), recoded if transport needs it. */
bool mime_keep_fields(const struct field *const *fields, size_t count, const struct transport *transport,
                      const struct limits *limits, struct entity *entity, struct error *error);

#endif
