/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: what the MTA is told.
 *
 * The gateway says code, status and text of what it decided; this file adds those for what goes wrong before a message
 * is whole or after it was decided, and makes sure that a reply can be sent: a reply that libmilter refuses would
 * become its default one, and a wrong digit a wrong decision. Not for deciding: no verdict gets milder here.
 */
#include "reply.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

/* In the order of severity: the first is the most severe for us (nobody but the maker can help), the last concerns this
 * message only. */
static const struct failure_reply {
    enum failure failure;
    enum verdict verdict;
    unsigned code;
    const char *status;
    const char *text;
} failures[] = {
    {FAILURE_BUG, VERDICT_TEMPFAIL, 451, "4.3.0", "Internal error of the S/MIME gateway, see its log"},
    {FAILURE_PROTOCOL, VERDICT_TEMPFAIL, 451, "4.3.5",
     "The mail server does not offer the S/MIME gateway what it needs"},
    {FAILURE_EDIT, VERDICT_TEMPFAIL, 451, "4.3.0", "The mail server did not take a change from the S/MIME gateway"},
    {FAILURE_RESOURCE, VERDICT_TEMPFAIL, 452, "4.3.1", "The S/MIME gateway is short of memory or disk space"},
    /* At the end of a message a 452 would be one for all recipients, and they would come again together for ever. */
    {FAILURE_RECIPIENTS, VERDICT_REJECT, 550, "5.5.3",
     "Too many recipients for one message, send it to fewer at a time"},
    {FAILURE_SENDER, VERDICT_REJECT, 553, "5.1.7", "Bad sender address"},
    {FAILURE_RECIPIENT, VERDICT_REJECT, 553, "5.1.3", "Bad recipient address"},
    {FAILURE_MALFORMED, VERDICT_REJECT, 550, "5.6.0", "The S/MIME gateway cannot read the message"},
    {FAILURE_SIZE, VERDICT_REJECT, 552, "5.3.4", "Message too big for the S/MIME gateway"},
};

static const struct failure_reply *failure_find(enum failure failure)
{
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++)
        if (failures[i].failure == failure)
            return &failures[i];
    return &failures[0];
}

enum failure failure_of(const struct error *error)
{
    switch (error->kind) {
    case ERROR_PERMANENT:
        return FAILURE_MALFORMED;
    case ERROR_TOO_LARGE:
        return FAILURE_SIZE;
    case ERROR_TEMPORARY:
        return FAILURE_RESOURCE;
    case ERROR_NONE:
    case ERROR_CONFIGURATION:
    case ERROR_BUG:
        break;
    }
    return FAILURE_BUG;
}

static void result_set(struct result *result, const struct failure_reply *row, const char *reason)
{
    result->verdict = row->verdict;
    result->code = row->code;
    g_strlcpy(result->status, row->status, sizeof(result->status));
    if (*reason != '\0')
        snprintf(result->reply, sizeof(result->reply), "%s: %s", row->text, reason);
    else
        g_strlcpy(result->reply, row->text, sizeof(result->reply));
    g_strlcpy(result->reason, *reason != '\0' ? reason : row->text, sizeof(result->reason));
}

struct result *reply_failure(enum direction direction, enum failure failure, const struct error *error)
{
    struct result *result = gateway_failure(direction, error);
    result_set(result, failure_find(failure), error->text);
    return result;
}

void reply_override(struct result *result, enum failure failure, const char *reason)
{
    const struct failure_reply *row = failure_find(failure);
    if (row->verdict != VERDICT_TEMPFAIL)
        row = failure_find(FAILURE_BUG);
    result_set(result, row, reason);
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* RFC 3463 §2: class "." subject "." detail, one to three digits each. */
static bool is_status(const char *status, char class)
{
    if (status[0] != class || status[1] != '.')
        return false;
    const char *subject = status + 2;
    size_t length = digits(subject);
    if (length < 1 || length > 3 || subject[length] != '.')
        return false;
    const char *detail = subject + length + 1;
    length = digits(detail);
    return length >= 1 && length <= 3 && detail[length] == '\0';
}

static void copy_text(char *dst, size_t size, const char *src)
{
    size_t used = 0;
    for (; *src != '\0' && used + 2 < size; src++) {
        unsigned char byte = (unsigned char)*src;
        if (byte == '%')
            dst[used++] = '%';
        dst[used++] = byte < ' ' || byte > '~' ? '?' : (char)byte;
    }
    dst[used] = '\0';
}

void reply_of(const struct result *result, struct reply *reply)
{
    *reply = (struct reply){.disposition = SMFIS_TEMPFAIL};
    if (result->verdict == VERDICT_ACCEPT || result->verdict == VERDICT_QUARANTINE) {
        reply->disposition = SMFIS_ACCEPT;
        reply->quarantine = result->verdict == VERDICT_QUARANTINE;
        copy_text(reply->text, sizeof(reply->text), result->reason);
        return;
    }
    /* A verdict that is none of those known stays the temporary failure it was set to. */
    if (result->verdict == VERDICT_REJECT)
        reply->disposition = SMFIS_REJECT;
    char class = result->verdict == VERDICT_REJECT ? '5' : '4';
    unsigned low = (unsigned)(class - '0') * 100;

    if (result->code > low && result->code < low + 100 && is_status(result->status, class)) {
        snprintf(reply->code, sizeof(reply->code), "%u", result->code % 1000);
        g_strlcpy(reply->status, result->status, sizeof(reply->status));
    } else {
        g_strlcpy(reply->code, class == '5' ? "550" : "451", sizeof(reply->code));
        g_strlcpy(reply->status, class == '5' ? "5.7.1" : "4.3.0", sizeof(reply->status));
    }
    copy_text(reply->text, sizeof(reply->text), *result->reply != '\0' ? result->reply : result->reason);
    if (*reply->text == '\0')
        g_strlcpy(reply->text, "No reason given, see the log of the S/MIME gateway", sizeof(reply->text));
}
