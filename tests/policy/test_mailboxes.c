/* SPDX-License-Identifier: Apache-2.0 */
/* What a mailbox's or a group's own key may be used for. */
#include "mail/mime.h"
#include "policy/policy.h"

#include <criterion/criterion.h>
#include <string.h>

static void initialise(void)
{
    mime_init();
}
TestSuite(mailboxes, .init = initialise);

#define RECIPIENTS_MAX 3

static struct identity_conf identity_of(const char *const *patterns)
{
    struct identity_conf identity = {.role = ROLE_MAILBOX, .mailboxes = address_set_new()};
    for (; *patterns != NULL; patterns++)
        address_set_add(identity.mailboxes, *patterns);
    return identity;
}

/* One that is delivered elsewhere: "given>where the MTA delivers to". */
static void add_recipient(struct envelope *envelope, const char *text)
{
    g_auto(GStrv) halves = g_strsplit(text, ">", 2);
    struct address address;
    struct error error = {0};
    cr_assert(address_parse_path(slice_of(halves[0]), &address, &error), "%s", error.text);
    struct recipient *recipient = envelope_add_recipient(envelope, &address);
    if (halves[1] != NULL)
        recipient_set_reading(recipient, halves[1], "host", "local");
}

Test(mailboxes, opens_only_for_its_own_addresses)
{
    static const char *const group[] = {"edi@acme.test", "*@trading.acme.test", NULL};
    static const struct {
        const char *recipients[RECIPIENTS_MAX];
        enum direction direction;
        bool opens;
    } rows[] = {
        {{"edi@acme.test"}, DIRECTION_INBOUND, true},
        {{"EDI@Acme.Test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test", "bob@trading.acme.test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test", "eve@acme.test"}, DIRECTION_INBOUND, false},
        {{"eve@acme.test", "edi@acme.test"}, DIRECTION_INBOUND, false},
        {{"edi@acme.test", "bob@trading.acme.test", "eve@partner.test"}, DIRECTION_INBOUND, false},
        {{"edi+x@acme.test"}, DIRECTION_INBOUND, false},
        {{"bob@sub.trading.acme.test"}, DIRECTION_INBOUND, false},
        {{"edi"}, DIRECTION_INBOUND, false},
        {{NULL}, DIRECTION_INBOUND, false},
        {{"edi@acme.test"}, DIRECTION_OUTBOUND, false},
        /* the MTA delivers elsewhere */
        {{"edi@acme.test>eve@acme.test"}, DIRECTION_INBOUND, false},
        {{"eve@acme.test>edi@acme.test"}, DIRECTION_INBOUND, false},
        {{"edi@acme.test>bob@trading.acme.test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test>edi@acme.test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test>Edi"}, DIRECTION_INBOUND, true}, /* Sendmail's local mailer */
        {{"edi@acme.test>eve"}, DIRECTION_INBOUND, false},
    };
    struct identity_conf identity = identity_of(group);
    const struct identity_conf domain = {.role = ROLE_DOMAIN_CONFIDENTIALITY, .domain = (char *)"acme.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(envelope) struct envelope *envelope = envelope_new();
        for (size_t j = 0; j < RECIPIENTS_MAX && rows[i].recipients[j] != NULL; j++)
            add_recipient(envelope, rows[i].recipients[j]);
        cr_expect_eq(policy_may_open(&identity, rows[i].direction, envelope->recipients, envelope->recipient_count),
                     rows[i].opens, "row %zu", i);
        cr_expect(policy_may_open(&domain, rows[i].direction, envelope->recipients, envelope->recipient_count));
    }
    address_set_free(identity.mailboxes);
}

/* --- signing: who may sign in whose name --- */

enum { LIST = 1, SAME = 2, CHECKED = 4 };

#define NO "\xff" /* no login at all */

static const struct {
    int ways; /* LIST: identity_logins lets alice and the others of the table in; SAME: it is "same" */
    const char *login, *mail_from, *from;
    bool proven;
    const char *reason; /* is in it */
} proofs[] = {
    /* a map */
    {LIST, "alice", "alice@acme.test", "alice@acme.test", true, "the login alice may sign as alice@acme.test"},
    {LIST, "alice", "<>", "Alice <ALICE@Acme.Test>", true, "identity_logins"},
    {LIST, "alice", "eve@evil.test", "\"alice\"@acme.test", true, "identity_logins"},
    {LIST, "ALICE", "alice@acme.test", "alice@acme.test", true, "identity_logins"}, /* as Postfix compares logins */
    {LIST, "alice", "alice@acme.test", "edi@acme.test", true, "identity_logins"},
    {LIST, "alice", "alice@acme.test", "bob@trading.acme.test", true, "identity_logins"},
    {LIST, "alice", "alice@acme.test", "bob@acme.test", false, "does not let the login alice sign as bob@acme.test"},
    {LIST, "alice", "alice@acme.test", "alice+news@acme.test", false, "does not let"},
    {LIST, "alice", "alice@acme.test", "alice@acme.test.evil.test", false, "does not let"},
    {LIST, "alice ", "alice@acme.test", "alice@acme.test", false, "does not let"},
    {LIST, "bob", "alice@acme.test", "alice@acme.test", false, "the login bob"},
    {LIST, "alice@acme.test", "alice@acme.test", "alice@acme.test", false, "does not let"}, /* another login */
    {LIST, "j\xc3\xb6rg", "<>",
     "j\xc3\xb6rg@b\xc3\xbc"
     "cher.test",
     true, "identity_logins"},
    {LIST, "j\xc3\xb6rg", "<>", "j\xc3\xb6rg@xn--bcher-kva.test", true, "identity_logins"},
    {LIST, "j\xc3\xb6rg", "<>", "J\xc3\x96RG@xn--bcher-kva.test", false, "does not let"},
    {LIST, "j\xc3\xb6rg", "<>", "jo\xcc\x88rg@xn--bcher-kva.test", false, "does not let"}, /* composed otherwise */
    /* the login is the address */
    {SAME, "alice@acme.test", "<>", "alice@acme.test", true, "identity_logins"},
    {SAME, "Alice@ACME.test", "<>", "alice@acme.test", true, "identity_logins"},
    {SAME, "alice+news@acme.test", "<>", "alice+news@acme.test", true, "identity_logins"},
    {SAME, "\"a b\"@acme.test", "<>", "\"a b\"@acme.test", true, "identity_logins"},
    {SAME,
     "j\xc3\xb6rg@b\xc3\xbc"
     "cher.test",
     "<>", "j\xc3\xb6rg@xn--bcher-kva.test", true, "identity_logins"},
    {SAME, "alice", "<>", "alice@acme.test", false,
     "identity_logins = \"same\" does not let the login alice sign as alice@acme.test"},
    {SAME, "bob@acme.test", "alice@acme.test", "alice@acme.test", false, "does not let"},
    {SAME, "alice@acme.test", "<>", "alice+news@acme.test", false, "does not let"},
    {SAME, "alice@acme.test, bob@acme.test", "<>", "alice@acme.test", false, "does not let"},
    {SAME, "<>", "<>", "alice@acme.test", false, "does not let"},
    /* MAIL FROM, where the mail server checks it */
    {CHECKED, "x", "alice@acme.test", "alice@acme.test", true, "MAIL FROM, which the mail server lets the login x use"},
    {CHECKED, "x", "Alice@ACME.test", "alice@acme.test", true, "MAIL FROM"},
    {CHECKED, "x",
     "j\xc3\xb6rg@b\xc3\xbc"
     "cher.test",
     "j\xc3\xb6rg@xn--bcher-kva.test", true, "MAIL FROM"},
    {CHECKED, "x", "alice+news@acme.test", "alice@acme.test", false, "neither identity_logins nor MAIL FROM"},
    {CHECKED, "x", "<>", "alice@acme.test", false, "neither"},
    {CHECKED, "x", "eve@acme.test", "alice@acme.test", false, "neither"},
    {CHECKED, NO, "alice@acme.test", "alice@acme.test", false, "the client is not logged in"},
    {CHECKED, "", "alice@acme.test", "alice@acme.test", false, "not logged in"},
    {0, "x", "alice@acme.test", "alice@acme.test", false, "does not let"},
    {LIST | CHECKED, "bob", "alice@acme.test", "alice@acme.test", true, "MAIL FROM"},
    {LIST | CHECKED, "alice", "bob@acme.test", "edi@acme.test", true, "identity_logins"},
    /* not one clear author */
    {LIST, "alice", "<>", "alice@acme.test, edi@acme.test", false, "several authors"},
    {LIST, "alice", "<>", "alice@acme.test, alice@acme.test", false, "several authors"},
    {CHECKED, "x", "alice@acme.test", "alice@acme.test, bob@acme.test", false, "several authors"},
    {LIST, "alice", "<>", "alice@acme.test bob@acme.test", false, "From cannot be read"},
    {LIST, "alice", "<>", "=?utf-8?q?bob=40acme.test?= <alice@acme.test>", false, "another address"},
    {SAME, "alice@acme.test", "<>", "", false, "From"},
};

static void set_ways(struct conf *conf, int ways, struct login_conf *logins)
{
    static const char *const alices[] = {"alice@acme.test", "edi@acme.test", "*@trading.acme.test", NULL};
    static const char *const joergs[] = {"j\xc3\xb6rg@xn--bcher-kva.test", NULL};
    const char *const *lists[] = {alices, joergs};
    static const char *const names[] = {"alice", "j\xc3\xb6rg"};
    conf->logins_by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    conf->logins_are_addresses = (ways & SAME) != 0;
    conf->mail_from_is_checked = (ways & CHECKED) != 0;
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        logins[i] = (struct login_conf){.mailboxes = address_set_new()};
        for (const char *const *each = lists[i]; *each != NULL; each++)
            address_set_add(logins[i].mailboxes, *each);
        if ((ways & LIST) != 0)
            g_hash_table_insert(conf->logins_by_name, g_strdup(names[i]), &logins[i]);
    }
}

Test(mailboxes, proof_for_from)
{
    for (size_t i = 0; i < G_N_ELEMENTS(proofs); i++) {
        struct conf conf = {0};
        struct login_conf logins[2];
        struct originator originator;
        struct address mail_from;
        struct error error = {0};
        char reason[320] = "";
        const char *login = strcmp(proofs[i].login, NO) != 0 ? proofs[i].login : NULL;
        set_ways(&conf, proofs[i].ways, logins);
        originator_from_text(proofs[i].from, &originator);
        cr_assert(address_parse(slice_of(proofs[i].mail_from), &mail_from, &error));
        bool proven = policy_proves_author(&conf, &originator, login, &mail_from, reason, sizeof(reason));
        cr_expect_eq(proven, proofs[i].proven, "row %zu: %s", i, reason);
        cr_expect_not_null(strstr(reason, proofs[i].reason), "row %zu: %s", i, reason);
        address_clear(&mail_from);
        originator_clear(&originator);
        g_hash_table_destroy(conf.logins_by_name);
        for (size_t j = 0; j < G_N_ELEMENTS(logins); j++)
            address_set_free(logins[j].mailboxes);
    }
}

/* Sender neither proves nor disproves. */
Test(mailboxes, sender_does_not_count)
{
    for (int as_sender = 0; as_sender < 2; as_sender++) {
        struct conf conf = {0};
        struct login_conf logins[2];
        struct originator originator;
        struct address mail_from;
        struct error error = {0};
        char reason[320] = "";
        set_ways(&conf, LIST, logins);
        originator_from_text(as_sender ? "bob@acme.test" : "alice@acme.test", &originator);
        cr_assert(
            addresses_parse(slice_of(as_sender ? "alice@acme.test" : "bob@acme.test"), &originator.sender, &error));
        cr_assert(address_parse(slice_of("alice@acme.test"), &mail_from, &error));
        cr_expect_eq(policy_proves_author(&conf, &originator, "alice", &mail_from, reason, sizeof(reason)), !as_sender,
                     "%s", reason);
        address_clear(&mail_from);
        originator_clear(&originator);
        g_hash_table_destroy(conf.logins_by_name);
        for (size_t j = 0; j < G_N_ELEMENTS(logins); j++)
            address_set_free(logins[j].mailboxes);
    }
}
