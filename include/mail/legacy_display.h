/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_display: takes out what repeats protected header fields at the head of a text, for readers that do not know
 * header protection (RFC 9788).
 */
#ifndef DOMSEC_MAIL_LEGACY_DISPLAY_H
#define DOMSEC_MAIL_LEGACY_DISPLAY_H

#include "mail/mime.h"

/* Writes the entity without them: header, empty line, body. It changes only texts that say that they begin with one,
 * and no text under a signature. *changed: whether it has changed one. */
bool mime_without_legacy_display(const struct part *root, const struct limits *limits, struct spool *out, bool *changed,
                                 struct error *error);

#endif
