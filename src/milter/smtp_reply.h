/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_reply: the gateway's reply as libmilter takes it. What is not a valid reply becomes a temporary failure: a reply
 * that libmilter refuses would become its default one, and a wrong digit a wrong decision.
 */
#ifndef DOMSEC_MILTER_SMTP_REPLY_H
#define DOMSEC_MILTER_SMTP_REPLY_H

#include "gateway/gateway.h"

struct smtp_reply {
    int disposition; /* SMFIS_ACCEPT, SMFIS_REJECT or SMFIS_TEMPFAIL */
    bool quarantine; /* beside SMFIS_ACCEPT */
    char code[4];    /* "550"; with SMFIS_REJECT and SMFIS_TEMPFAIL only */
    char status[12]; /* "5.7.1" */
    char text[481];  /* one line of printable ASCII, % doubled because Sendmail takes it as a format */
};

/* Code and status that do not fit the verdict, or each other, are replaced by usual ones for the verdict. */
void smtp_reply_of(const struct reply *reply, struct smtp_reply *out);

#endif
