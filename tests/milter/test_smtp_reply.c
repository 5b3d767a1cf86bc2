/* SPDX-License-Identifier: Apache-2.0 */
/* No reply becomes milder or unsendable on its way to the MTA. */
#include "milter/smtp_reply.h"

#include <criterion/criterion.h>
#include <libmilter/mfapi.h>
#include <string.h>

static void set(struct reply *reply, enum verdict verdict, unsigned code, const char *status, const char *text)
{
    *reply = (struct reply){.verdict = verdict, .code = code};
    g_strlcpy(reply->status, status, sizeof(reply->status));
    g_strlcpy(reply->text, text, sizeof(reply->text));
    g_strlcpy(reply->reason, "the reason", sizeof(reply->reason));
}

Test(smtp_reply, results)
{
    static const struct {
        enum verdict verdict;
        unsigned code;
        const char *status, *text;
        int disposition;
        const char *want;
    } rows[] = {
        {VERDICT_ACCEPT, 250, "2.0.0", "fine", SMFIS_ACCEPT, ""},
        {VERDICT_ACCEPT, 550, "5.7.1", "fine", SMFIS_ACCEPT, ""},
        {VERDICT_REJECT, 550, "5.7.1", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 552, "5.3.4", "no", SMFIS_REJECT, "552 5.3.4 no"},
        {VERDICT_TEMPFAIL, 451, "4.7.1", "later", SMFIS_TEMPFAIL, "451 4.7.1 later"},
        {VERDICT_TEMPFAIL, 452, "4.5.3", "later", SMFIS_TEMPFAIL, "452 4.5.3 later"},
        {VERDICT_QUARANTINE, 250, "2.0.0", "odd", SMFIS_ACCEPT, ""},
        /* The verdict counts, not the code. */
        {VERDICT_TEMPFAIL, 250, "2.0.0", "later", SMFIS_TEMPFAIL, "451 4.3.0 later"},
        {VERDICT_TEMPFAIL, 550, "5.7.1", "later", SMFIS_TEMPFAIL, "451 4.3.0 later"},
        {VERDICT_REJECT, 451, "4.7.1", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 0, "", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 600, "5.7.1", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 550, "4.7.1", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 550, "5.7", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 550, "5..1", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 550, "5.7.1x", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {VERDICT_REJECT, 550, "5.7777.", "no", SMFIS_REJECT, "550 5.7.1 no"},
        {(enum verdict)77, 250, "2.0.0", "what", SMFIS_TEMPFAIL, "451 4.3.0 what"},
        /* What libmilter or Sendmail would stumble over. */
        {VERDICT_REJECT, 550, "5.7.1", "100% s\r\n250 ok\x01\xc3\xa4", SMFIS_REJECT, "550 5.7.1 100%% s??250 ok???"},
        {VERDICT_REJECT, 550, "5.7.1", "", SMFIS_REJECT, "550 5.7.1 the reason"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct reply result;
        struct smtp_reply reply;
        set(&result, rows[i].verdict, rows[i].code, rows[i].status, rows[i].text);
        smtp_reply_of(&result, &reply);
        cr_expect_eq(reply.disposition, rows[i].disposition, "row %zu", i);
        cr_expect_eq(reply.quarantine, rows[i].verdict == VERDICT_QUARANTINE, "row %zu", i);
        g_autofree char *got = g_strdup_printf("%s %s %s", reply.code, reply.status, reply.text);
        if (reply.disposition != SMFIS_ACCEPT)
            cr_expect_str_eq(got, rows[i].want, "row %zu", i);
    }
}

Test(smtp_reply, text_fits_a_reply_line)
{
    struct reply result;
    struct smtp_reply reply;
    char text[512];
    memset(text, '%', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    set(&result, VERDICT_REJECT, 550, "5.7.1", text);
    smtp_reply_of(&result, &reply);
    cr_expect_leq(strlen(reply.text), 480);
    cr_expect_eq(strlen(reply.text) % 2, 0, "no single per cent sign");
}
