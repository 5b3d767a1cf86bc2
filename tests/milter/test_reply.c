/* SPDX-License-Identifier: Apache-2.0 */
/* What the MTA is told: the table of failures, and that no result becomes milder or unsendable on its way. */
#include "milter/reply.h"

#include <criterion/criterion.h>
#include <libmilter/mfapi.h>
#include <string.h>

static void set(struct result *result, enum verdict verdict, unsigned code, const char *status, const char *text)
{
    *result = (struct result){.verdict = verdict, .code = code};
    g_strlcpy(result->status, status, sizeof(result->status));
    g_strlcpy(result->reply, text, sizeof(result->reply));
    g_strlcpy(result->reason, "the reason", sizeof(result->reason));
}

Test(reply, results)
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
        struct result result;
        struct reply reply;
        set(&result, rows[i].verdict, rows[i].code, rows[i].status, rows[i].text);
        reply_of(&result, &reply);
        cr_expect_eq(reply.disposition, rows[i].disposition, "row %zu", i);
        cr_expect_eq(reply.quarantine, rows[i].verdict == VERDICT_QUARANTINE, "row %zu", i);
        g_autofree char *got = g_strdup_printf("%s %s %s", reply.code, reply.status, reply.text);
        if (reply.disposition != SMFIS_ACCEPT)
            cr_expect_str_eq(got, rows[i].want, "row %zu", i);
    }
}

Test(reply, text_fits_a_reply_line)
{
    struct result result;
    struct reply reply;
    char text[512];
    memset(text, '%', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    set(&result, VERDICT_REJECT, 550, "5.7.1", text);
    reply_of(&result, &reply);
    cr_expect_leq(strlen(reply.text), 480);
    cr_expect_eq(strlen(reply.text) % 2, 0, "no single per cent sign");
}

Test(reply, failures)
{
    static const struct {
        enum failure failure;
        enum verdict verdict;
        const char *want;
    } rows[] = {
        {FAILURE_BUG, VERDICT_TEMPFAIL, "451 4.3.0"},      {FAILURE_PROTOCOL, VERDICT_TEMPFAIL, "451 4.3.5"},
        {FAILURE_EDIT, VERDICT_TEMPFAIL, "451 4.3.0"},     {FAILURE_RESOURCE, VERDICT_TEMPFAIL, "452 4.3.1"},
        {FAILURE_RECIPIENTS, VERDICT_REJECT, "550 5.5.3"}, {FAILURE_SENDER, VERDICT_REJECT, "553 5.1.7"},
        {FAILURE_RECIPIENT, VERDICT_REJECT, "553 5.1.3"},  {FAILURE_SIZE, VERDICT_REJECT, "552 5.3.4"},
        {FAILURE_MALFORMED, VERDICT_REJECT, "550 5.6.0"},  {(enum failure)99, VERDICT_TEMPFAIL, "451 4.3.0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        struct reply reply;
        error_set(&error, ERROR_PERMANENT, "because");
        owned(result) struct result *result = reply_failure(DIRECTION_OUTBOUND, rows[i].failure, &error);
        cr_expect_eq(result->verdict, rows[i].verdict, "row %zu", i);
        cr_expect_str_eq(result->reason, "because");
        reply_of(result, &reply);
        g_autofree char *got = g_strdup_printf("%s %s", reply.code, reply.status);
        cr_expect_str_eq(got, rows[i].want, "row %zu", i);
        cr_expect_not_null(strstr(reply.text, "because"));
    }
}

Test(reply, errors_to_failures)
{
    static const struct {
        enum error_kind kind;
        enum failure failure;
    } rows[] = {
        {ERROR_PERMANENT, FAILURE_MALFORMED}, {ERROR_TOO_LARGE, FAILURE_SIZE}, {ERROR_TEMPORARY, FAILURE_RESOURCE},
        {ERROR_CONFIGURATION, FAILURE_BUG},   {ERROR_BUG, FAILURE_BUG},        {ERROR_NONE, FAILURE_BUG},
        {(enum error_kind)42, FAILURE_BUG},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(failure_of(&(struct error){.kind = rows[i].kind}), rows[i].failure, "row %zu", i);
}

Test(reply, override_is_always_temporary)
{
    static const enum failure rows[] = {FAILURE_EDIT, FAILURE_SIZE, FAILURE_NONE, FAILURE_SENDER};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct result result;
        struct reply reply;
        set(&result, VERDICT_ACCEPT, 250, "2.0.0", "fine");
        reply_override(&result, rows[i], "not taken");
        reply_of(&result, &reply);
        cr_expect_eq(result.verdict, VERDICT_TEMPFAIL, "row %zu", i);
        cr_expect_eq(reply.disposition, SMFIS_TEMPFAIL, "row %zu", i);
        cr_expect_eq(reply.code[0], '4', "row %zu", i);
    }
}
