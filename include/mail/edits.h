/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edits: what is to be changed in a message: header fields, then at most one whole new body, in the order in which a
 * milter may send them (Postfix refuses header edits after body edits). milter/ sends them, the command line applies
 * them.
 */
#ifndef DOMSEC_MAIL_EDITS_H
#define DOMSEC_MAIL_EDITS_H

#include "base/bytes.h"
#include "mail/message.h"
#include "mail/mime.h"

enum edit_kind {
    EDIT_INSERT, /* a new field at the very top */
    EDIT_APPEND, /* a new field at the end of the header */
    EDIT_CHANGE, /* the index-th field of that name gets a new value */
    EDIT_DELETE, /* the index-th field of that name goes */
};

struct edit {
    enum edit_kind kind;
    char *name;
    unsigned index; /* 1-based, counted in the message as received */
    char *value;    /* with its leading space and CRLF folding, without the final CRLF; NULL for EDIT_DELETE */
};

struct edits {
    struct edit
        *list; /* in the order to send: deletions from the highest index down, then changes, insertions, appends */
    size_t count;
    struct rope *body; /* the whole new body; NULL: untouched */
};

void edits_clear(struct edits *edits);
void edits_insert(struct edits *edits, const char *name, const char *value);
void edits_delete(struct edits *edits, const char *name, unsigned index);
/* The first field of that name gets a new value in its place, others of the name go; where there is none, one is
 * appended. */
void edits_set(struct edits *edits, const struct message *message, const char *name, const char *value);
/* The message's MIME fields (Content-*; MIME-Version stays or is added) become those of entity, in place where the name
 * is there already; the body becomes entity's, which gives it away. Called at most once, before or after the others. */
void edits_replace_entity(struct edits *edits, const struct message *message, struct entity *entity);
/* Brings list into the order told above. Call once when all is in. */
void edits_finish(struct edits *edits);
bool edits_are_empty(const struct edits *edits);

/* The message as it looks with the edits. With message_is_unix() line ends are LF again. With no edits: the original.
 * The rope borrows from both. */
struct rope *edits_apply(const struct edits *edits, const struct message *message);

#endif
