/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: the one table that says, for each way a message can end, its verdict, SMTP code, enhanced status code and text
 * (RFC 5321 §4.2, RFC 3463). No path can pair a rejection with a 2xx, and a kind that is not in the table defers.
 */
#include "gateway/gateway.h"

#include <stdio.h>

/* In the order of severity, as the enum says. An empty text: the reason alone is said. */
static const struct row {
    enum verdict verdict;
    unsigned code;
    const char *status, *text;
} rows[REPLY_COUNT] = {
    [REPLY_BUG] = {VERDICT_TEMPFAIL, 451, "4.3.0", "Internal error of the S/MIME gateway; see its log"},
    [REPLY_PROTOCOL] = {VERDICT_TEMPFAIL, 451, "4.3.5",
                        "The mail server does not support what the S/MIME gateway needs"},
    [REPLY_EDIT] = {VERDICT_TEMPFAIL, 451, "4.3.0", "The mail server did not accept a change by the S/MIME gateway"},
    [REPLY_CONFIGURATION] = {VERDICT_TEMPFAIL, 451, "4.3.5", ""},
    [REPLY_RESOURCE] = {VERDICT_TEMPFAIL, 452, "4.3.1", "The S/MIME gateway is short of memory or disk space"},
    [REPLY_FAILURE] = {VERDICT_TEMPFAIL, 451, "4.3.0", ""},
    [REPLY_TEMPFAIL] = {VERDICT_TEMPFAIL, 451, "4.7.1", ""},
    /* At the end of a message a 452 would be one for all recipients, and they would come again together for ever. */
    [REPLY_RECIPIENTS] = {VERDICT_REJECT, 550, "5.5.3", "Too many recipients; send the message to fewer at a time"},
    [REPLY_SENDER] = {VERDICT_REJECT, 553, "5.1.7", "Bad sender address"},
    [REPLY_RECIPIENT] = {VERDICT_REJECT, 553, "5.1.3", "Bad recipient address"},
    [REPLY_MALFORMED] = {VERDICT_REJECT, 550, "5.6.0", "The S/MIME gateway cannot parse the message"},
    [REPLY_UNFIT] = {VERDICT_REJECT, 550, "5.6.0", ""},
    [REPLY_SIZE] = {VERDICT_REJECT, 552, "5.3.4", "Message too large for the S/MIME gateway"},
    [REPLY_REJECT] = {VERDICT_REJECT, 550, "5.7.1", ""},
    [REPLY_QUARANTINE] = {VERDICT_QUARANTINE, 250, "2.0.0", ""},
    [REPLY_ACCEPT] = {VERDICT_ACCEPT, 250, "2.0.0", ""},
};

/* Replies go over SMTP and through smfi_setreply(): printable ASCII without its format character. */
static void make_printable(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (*c < ' ' || *c > '~' || *c == '%')
            *c = '?';
}

void reply_set(struct reply *reply, enum reply_kind kind, const char *reason, const char *text)
{
    if ((unsigned)kind >= REPLY_COUNT)
        kind = REPLY_BUG;
    const struct row *row = &rows[kind];
    const char *said = text != NULL ? text : reason;
    *reply = (struct reply){.kind = kind, .verdict = row->verdict, .code = row->code};
    g_strlcpy(reply->status, row->status, sizeof(reply->status));
    snprintf(reply->text, sizeof(reply->text), "%s%s%s", row->text, *row->text != '\0' && *said != '\0' ? ": " : "",
             said);
    make_printable(reply->text);
    g_strlcpy(reply->reason, *reason != '\0' ? reason : row->text, sizeof(reply->reason));
}

enum reply_kind reply_kind_of(const struct error *error)
{
    switch (error->kind) {
    case ERROR_PERMANENT:
        return REPLY_UNFIT;
    case ERROR_TOO_LARGE:
        return REPLY_SIZE;
    case ERROR_CONFIGURATION:
        return REPLY_CONFIGURATION;
    case ERROR_NONE:
    case ERROR_TEMPORARY:
    case ERROR_BUG:
        break;
    }
    return REPLY_FAILURE;
}

bool reply_accepts(const struct reply *reply)
{
    return reply->verdict == VERDICT_ACCEPT || reply->verdict == VERDICT_QUARANTINE;
}
