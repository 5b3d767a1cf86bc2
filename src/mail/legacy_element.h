/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy_element: what both ways of a Legacy Display Element (RFC 9788) need. Private to mail/.
 */
#ifndef DOMSEC_MAIL_LEGACY_ELEMENT_H
#define DOMSEC_MAIL_LEGACY_ELEMENT_H

#include "mail/mime.h"

#define LEGACY_DISPLAY_CLASS "header-protection-legacy-display"

/* A body that is written anew with some of its texts changed. */
struct element_edit {
    const struct limits *limits;
    struct spool *out;
    const char *at;  /* what was not written yet begins here; at first, the body of the root */
    char *root_type; /* the new value of its Content-Type; NULL: it stays */
    bool changed;
    struct error *error;
};

bool legacy_element_put(struct spool *out, const char *from, const char *to, struct error *error);

/* The text of a part. decoded: the caller's, which holds it. *can: false if it cannot be decoded. */
bool legacy_element_decode(const struct part *part, struct spool *decoded, struct slice *text, bool *can,
                           struct error *error);

/* Whether the header of a part that is not the root can get another Content-Type: there is one, and it says so once. */
bool legacy_element_has_header(const struct part *part);

/* Writes all up to the end of a part, with this Content-Type and text in place of its own. */
bool legacy_element_replace(struct element_edit *edit, const struct part *part, bool is_child, const char *type,
                            struct slice text);

/* Writes what is left, if anything was changed. */
bool legacy_element_finish(struct element_edit *edit, const struct part *root);

#endif
