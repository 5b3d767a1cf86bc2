/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_private: shared by message.c (a message from a milter) and message_read.c (a message from a file).
 */
#ifndef DOMSEC_MAIL_MESSAGE_PRIVATE_H
#define DOMSEC_MAIL_MESSAGE_PRIVATE_H

#include "mail/message.h"
#include "mail/spool.h"

/* Where a field was written: offset of its line, lengths of name and value. */
struct place {
    size_t start, name, value;
};

struct message {
    const struct limits *limits;
    struct spool *spool;          /* as read if it is a CRLF file; otherwise converted to CRLF */
    struct spool *original_spool; /* a Unix file as read; else NULL */
    struct error failure;
    bool in_body, finished;
    size_t start;         /* of the header in spool: after an mbox "From " line */
    size_t header_length; /* known once in_body */
    size_t body_start;    /* in spool */
    struct place *places;
    size_t place_count, place_room;
    struct slice original, original_body, bytes, header, body;
    struct fields fields;
};

/* ERROR_TOO_LARGE if `more` octets would make the message too large. */
bool message_check_size(const struct message *message, size_t more, struct error *error);
bool message_check_header(const struct message *message, size_t size, size_t count, struct error *error);
/* Finishes the spool and fills bytes, header and body. */
bool message_settle(struct message *message, struct error *error);

#endif
