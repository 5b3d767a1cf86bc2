/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: what the MTA is told. One table, ordered by severity, says for each way a message can fail outside the gateway
 * which SMTP code and enhanced status code it gets (RFC 5321 §4.2, RFC 3463); all that is unknown is a temporary
 * failure.
 */
#ifndef DOMSEC_MILTER_REPLY_H
#define DOMSEC_MILTER_REPLY_H

#include "gateway/gateway.h"

enum failure {
    FAILURE_NONE,
    FAILURE_BUG,        /* cannot happen */
    FAILURE_PROTOCOL,   /* the MTA broke the milter protocol, or offers less than is needed */
    FAILURE_EDIT,       /* the MTA did not take an edit */
    FAILURE_RESOURCE,   /* memory, disk */
    FAILURE_RECIPIENTS, /* more than recipients_limit */
    FAILURE_SENDER,     /* the reverse-path is no address */
    FAILURE_RECIPIENT,  /* a recipient is no address */
    FAILURE_MALFORMED,  /* a piece that belongs in no message */
    FAILURE_SIZE,       /* over message_size_limit or a limit of the header */
};

/* The failure that an error on storing a piece of a message stands for. */
enum failure failure_of(const struct error *error);

/* The result of a message that failed outside the gateway. */
struct result *reply_failure(enum direction direction, enum failure failure, const struct error *error);
/* Makes result a temporary failure for this cause, whatever it was. */
void reply_override(struct result *result, enum failure failure, const char *reason);

/* An SMTP reply as libmilter takes it. */
struct reply {
    int disposition; /* SMFIS_ACCEPT, SMFIS_REJECT or SMFIS_TEMPFAIL */
    bool quarantine; /* beside SMFIS_ACCEPT */
    char code[4];    /* "550"; with SMFIS_REJECT and SMFIS_TEMPFAIL only */
    char status[12]; /* "5.7.1" */
    char text[481];  /* one line of printable ASCII, % doubled because Sendmail takes it as a format */
};

/* The reply for a result. A code and status that do not fit the verdict, or each other, give way to those of the table.
 */
void reply_of(const struct result *result, struct reply *reply);

#endif
