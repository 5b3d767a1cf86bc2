/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_display: what repeats protected header fields at the head of a text, for readers that do not know header
 * protection (RFC 9788): put in, and taken out. Private to mail/.
 */
#ifndef DOMSEC_MAIL_LEGACY_DISPLAY_H
#define DOMSEC_MAIL_LEGACY_DISPLAY_H

#include "mail/mime.h"

/* A body of root that is written anew. */
struct display_change {
    struct spool *body;
    char *type;   /* the value that the Content-Type of root gets; NULL: it stays */
    bool changed; /* whether there is a text to change; nothing is written otherwise */
};
void display_change_clear(struct display_change *change);

/* Without them. Changes only texts that say that they begin with one, and no text under a signature. */
bool mime_without_legacy_display(const struct part *root, const struct limits *limits, struct display_change *change,
                                 struct error *error);

/* With one that shows these fields, at the head of each text that a reader sees first. Nothing under a signature or
 * encryption changes. */
bool mime_with_legacy_display(const struct part *root, const struct field *const *shown, size_t count,
                              const struct limits *limits, struct display_change *change, struct error *error);

static inline __attribute__((unused)) void cleanup_display_change(struct display_change *change)
{
    display_change_clear(change);
}

#endif
