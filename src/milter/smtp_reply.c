/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_reply: turns the gateway's reply into what libmilter takes, and checks it. Not for deciding: no verdict gets
 * milder here.
 */
#include "smtp_reply.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

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

void smtp_reply_of(const struct reply *reply, struct smtp_reply *out)
{
    *out = (struct smtp_reply){.disposition = SMFIS_TEMPFAIL};
    if (reply_accepts(reply)) {
        out->disposition = SMFIS_ACCEPT;
        out->quarantine = reply->verdict == VERDICT_QUARANTINE;
        copy_text(out->text, sizeof(out->text), reply->reason);
        return;
    }
    /* An unknown verdict stays the temporary failure it was set to. */
    if (reply->verdict == VERDICT_REJECT)
        out->disposition = SMFIS_REJECT;
    char class = reply->verdict == VERDICT_REJECT ? '5' : '4';
    unsigned low = (unsigned)(class - '0') * 100;
    if (reply->code > low && reply->code < low + 100 && is_status(reply->status, class)) {
        snprintf(out->code, sizeof(out->code), "%u", reply->code % 1000);
        g_strlcpy(out->status, reply->status, sizeof(out->status));
    } else {
        g_strlcpy(out->code, class == '5' ? "550" : "451", sizeof(out->code));
        g_strlcpy(out->status, class == '5' ? "5.7.1" : "4.3.0", sizeof(out->status));
    }
    copy_text(out->text, sizeof(out->text), *reply->text != '\0' ? reply->text : reply->reason);
    if (*out->text == '\0')
        g_strlcpy(out->text, "No reason given; see the log of the S/MIME gateway", sizeof(out->text));
}
