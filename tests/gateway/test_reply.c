/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of replies: what each way to end a message is answered with. */
#include "gateway/gateway.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
    enum reply_kind kind;
    enum verdict verdict;
    const char *code;
} rows[] = {
    {REPLY_BUG, VERDICT_TEMPFAIL, "451 4.3.0"},          {REPLY_PROTOCOL, VERDICT_TEMPFAIL, "451 4.3.5"},
    {REPLY_EDIT, VERDICT_TEMPFAIL, "451 4.3.0"},         {REPLY_CONFIGURATION, VERDICT_TEMPFAIL, "451 4.3.5"},
    {REPLY_RESOURCE, VERDICT_TEMPFAIL, "452 4.3.1"},     {REPLY_FAILURE, VERDICT_TEMPFAIL, "451 4.3.0"},
    {REPLY_TEMPFAIL, VERDICT_TEMPFAIL, "451 4.7.1"},     {REPLY_RECIPIENTS, VERDICT_REJECT, "550 5.5.3"},
    {REPLY_SENDER, VERDICT_REJECT, "553 5.1.7"},         {REPLY_RECIPIENT, VERDICT_REJECT, "553 5.1.3"},
    {REPLY_MALFORMED, VERDICT_REJECT, "550 5.6.0"},      {REPLY_SIZE, VERDICT_REJECT, "552 5.3.4"},
    {REPLY_UNFIT, VERDICT_REJECT, "550 5.6.0"},          {REPLY_REJECT, VERDICT_REJECT, "550 5.7.1"},
    {REPLY_QUARANTINE, VERDICT_QUARANTINE, "250 2.0.0"}, {REPLY_ACCEPT, VERDICT_ACCEPT, "250 2.0.0"},
    {REPLY_COUNT, VERDICT_TEMPFAIL, "451 4.3.0"},        {(enum reply_kind) - 1, VERDICT_TEMPFAIL, "451 4.3.0"},
};

Test(reply, table)
{
    cr_assert_geq(G_N_ELEMENTS(rows), (size_t)REPLY_COUNT);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct reply reply;
        reply_set(&reply, rows[i].kind, "because", NULL);
        g_autofree char *got = g_strdup_printf("%u %s", reply.code, reply.status);
        cr_expect_eq(reply.verdict, rows[i].verdict, "row %zu", i);
        cr_expect_str_eq(got, rows[i].code, "row %zu", i);
        cr_expect_str_eq(reply.reason, "because", "row %zu", i);
        cr_expect(g_str_has_suffix(reply.text, "because"), "row %zu: %s", i, reply.text);
        cr_expect_eq(reply_accepts(&reply), reply.code == 250, "row %zu", i);
        cr_expect_eq(reply.status[0] - '0', (int)reply.code / 100, "row %zu: status and code agree", i);
    }
}

/* The other side may be told less than the log. */
Test(reply, another_text)
{
    struct reply reply;
    reply_set(&reply, REPLY_REJECT, "the padding is wrong", "not as required");
    cr_expect_str_eq(reply.text, "not as required");
    cr_expect_str_eq(reply.reason, "the padding is wrong");
}

Test(reply, text_is_safe)
{
    struct reply reply;
    reply_set(&reply, REPLY_REJECT, "100% s\r\n250 ok~\x7f\x01\xc3\xa4", NULL);
    cr_expect_str_eq(reply.text, "100? s??250 ok~????");
    reply_set(&reply, REPLY_EDIT, "", NULL);
    cr_expect_str_eq(reply.text, "The mail server did not accept a change by the S/MIME gateway");
    cr_expect_str_eq(reply.reason, reply.text);
}

Test(reply, errors)
{
    static const struct {
        enum error_kind kind;
        enum reply_kind reply;
    } errors[] = {
        {ERROR_PERMANENT, REPLY_UNFIT},       {ERROR_TOO_LARGE, REPLY_SIZE},
        {ERROR_TEMPORARY, REPLY_FAILURE},     {ERROR_CONFIGURATION, REPLY_CONFIGURATION},
        {ERROR_BUG, REPLY_FAILURE},           {ERROR_NONE, REPLY_FAILURE},
        {(enum error_kind)42, REPLY_FAILURE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        cr_expect_eq(reply_kind_of(&(struct error){.kind = errors[i].kind}), errors[i].reply, "row %zu", i);
}
