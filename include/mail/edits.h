/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edits: the changes to a message: header fields, then at most one whole new body, in the order in which a milter may
 * send them (Postfix refuses header edits after body edits). milter/ sends them, and cli/ applies them.
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
    EDIT_DELETE, /* the index-th field of that name is deleted */
};

struct edit {
    enum edit_kind kind;
    char *name;
    unsigned index; /* 1-based, counted in the message as received */
    char *value;    /* with its leading space and CRLF folding, without the final CRLF; NULL for EDIT_DELETE */
};

struct edits {
    struct edit *list; /* in the order to send: changes, deletions from the highest index down, insertions, appends */
    size_t count;
    struct rope *body;  /* the whole new body; NULL: unchanged */
    size_t body_chunks; /* in how many packets of a milter it goes, if it can; 0: in as few as possible */
};

/* Octets of a body that one packet of the milter protocol holds (MILTER_CHUNK_SIZE). */
#define EDIT_CHUNK 65535

void edits_clear(struct edits *edits);
void edits_insert(struct edits *edits, const char *name, const char *value);
void edits_delete(struct edits *edits, const char *name, unsigned index);
/* The index-th field of that name gets a new value. */
void edits_change(struct edits *edits, const char *name, unsigned index, const char *value);
/* The first field of that name gets a new value in its place, and the others are deleted. If no field has the name, one
 * is appended. */
void edits_set(struct edits *edits, const struct message *message, const char *name, const char *value);
/* Replaces the message's MIME fields (Content-*; MIME-Version stays or is added) by those of entity, in place if the
 * name exists, and the body by that of entity, which is taken. Call it at most once, before or after the other
 * edits. */
void edits_replace_entity(struct edits *edits, const struct message *message, struct entity *entity);
/* The Content-* fields and the body are replaced by themselves: as much work for the MTA as a new entity, and nothing
 * changes. In place of edits_replace_entity(). */
void edits_replace_by_itself(struct edits *edits, const struct message *message);
/* Adds edits that change nothing until there are `count`: deletions of fields that are not there. */
void edits_pad(struct edits *edits, const struct message *message, size_t count);
/* Edits of inner become edits of outer: outside, only the fields in kept stay (one for each of its fields, in their
 * order), those of inner as edited come behind them, and the body is that of inner as edited. */
void edits_move(struct edits *edits, const struct message *inner, const struct message *outer, const bool *kept);
/* Call once, after all edits. If there are any, each other field of message that has a line of blanks only gets its
 * value without (field_plain()). Then sorts list into the order above. ERROR_TOO_LARGE: a field is larger than a milter
 * can send; the edits are cleared then. */
bool edits_finish(struct edits *edits, const struct message *message, struct error *error);
/* False if an edit so far is larger than a milter can send; error as of edits_finish(). */
bool edits_fit(const struct edits *edits, struct error *error);
bool edits_are_empty(const struct edits *edits);

/* Octets of name and value that one packet of the milter protocol holds, beside what else is in it (mfdef.h:
 * MILTER_CHUNK_SIZE). */
#define EDIT_MAX 65520

/* The message with the edits applied. A line of its header that is no field becomes the value of an X-Malformed-Line,
 * for it would end the header for some readers. With message_is_unix(), line ends are LF again. Without edits: the
 * original. The rope borrows from both. */
struct rope *edits_apply(const struct edits *edits, const struct message *message);

#endif
