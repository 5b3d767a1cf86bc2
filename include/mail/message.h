/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: one message as received, with header and body in one run of bytes with CRLF line ends, and the place of
 * each header field. It never changes after message_finish(); edits describe changes. Not thread-safe.
 */
#ifndef DOMSEC_MAIL_MESSAGE_H
#define DOMSEC_MAIL_MESSAGE_H

#include "base/bytes.h"
#include "base/error.h"
#include "conf/conf.h"

/* A header field. value is raw: everything between the colon and the final CRLF, with its leading space and its
 * folding. */
struct field {
    struct slice name;
    struct slice value;
    unsigned index; /* 1-based among the fields of that name (any case), as milters count */
};

/* Fields of a header block; used for a message's header and for those of inner entities. */
struct fields {
    struct field *list;
    size_t count;
    struct slice junk; /* first line that is not a header field (obsolete mbox "From " line, no colon), or empty */
};

/* Splits a header block (RFC 5322 §2.2, CRLF or LF lines, with or without the final empty line). Lines that are not
 * fields are skipped, and junk is the first of them. The slices point into block. Fails with ERROR_PERMANENT beyond
 * limits->header_count or header_size. */
bool fields_parse(struct slice block, const struct limits *limits, struct fields *fields, struct error *error);
void fields_clear(struct fields *fields); /* frees the list, not the struct */
/* nth is 1-based; NULL if there are fewer. Name compares case-insensitively. */
const struct field *fields_find(const struct fields *fields, const char *name, unsigned nth);
unsigned fields_count(const struct fields *fields, const char *name);
/* Sets the index of every field, for a caller that fills a list without fields_parse(). */
void fields_number(struct fields *fields);
/* True for a Content-… field, which belongs to the body (RFC 2045 §9). */
bool field_is_content(const struct field *field);
/* A value that cannot break out of its field: line ends become CRLF, a continuation line without leading white space
 * gets a space, a bare CR and a NUL become a space. g_free(). */
char *field_fold(struct slice value);
/* field_fold() without lines of blanks only, which are an obsolete folding (RFC 5322 §4.2), but end the header for some
 * readers. g_free(). */
char *field_plain(struct slice value);
/* The value on one line, without white space around it. g_free(). */
char *field_unfolded(struct slice value);
/* True if they are the same on one line. */
bool field_same_value(struct slice a, struct slice b);
/* True if all readers see the same field: its value is as field_plain() makes it, and its name ends at the colon. */
bool field_is_plain(const struct field *field);

struct message;

/* limits must outlive the message. */
struct message *message_new(const struct limits *limits);
void message_free(struct message *message);

/* For a milter, in this order: any number of fields, the end of the header, any number of body chunks, finish. value
 * has its leading space (SMFIP_HDR_LEADSPC) and lines folded by LF or CRLF; it is stored as field_fold() makes it. A
 * name is stored as received (an odd one is in fields.junk, too). One with a line end, or with leading white space
 * (it would continue the field before), is ERROR_PERMANENT. Over a limit: ERROR_TOO_LARGE, and the text says which.
 * After a failure all calls fail in the same way. */
bool message_add_field(struct message *message, const char *name, const char *value, struct error *error);
bool message_end_header(struct message *message, struct error *error);
bool message_add_body(struct message *message, const void *data, size_t length, struct error *error);
bool message_finish(struct message *message, struct error *error);

/* Reads a whole message from a file descriptor, for `domsec filter`. A leading mbox "From " line is dropped. A
 * message whose header lines end in LF is a Unix file: each LF becomes CRLF, and message_is_unix() is true, so that
 * the output can be written in the same way. message_original() keeps the bytes as read, for output that must be
 * identical. */
struct message *message_read(int fd, const struct limits *limits, struct error *error);

struct slice message_original(const struct message *message); /* as read; for a milter's message same as bytes */
struct slice message_original_body(const struct message *message);
struct slice message_bytes(const struct message *message);  /* header, empty line, body; CRLF (see message.c) */
struct slice message_header(const struct message *message); /* without the empty line */
struct slice message_body(const struct message *message);
void message_lend_body(const struct message *message, struct rope *rope); /* rope borrows it */
const struct fields *message_fields(const struct message *message);
bool message_is_unix(const struct message *message); /* LF line ends were converted to CRLF */
void message_forget(const struct message *message);  /* spool_forget() */

DECLARE_OWNED(message, struct message *, message_free)

#endif
