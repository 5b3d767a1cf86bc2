/* SPDX-License-Identifier: Apache-2.0 */
/* Identities of domains and of mailboxes, as domsec.conf names them. */
#include "support/scratch.h"

TestSuite(identities_conf, .init = scratch_setup, .fini = scratch_teardown);

#define MINIMAL "local_domains = ( \"acme.test\", \".trading.acme.test\" );\n"
#define FILES "certificate = \"x.pem\"; key = \"file:x.key\"; "

static struct address address_of(const char *text)
{
    struct address address;
    struct error error = {0};
    cr_assert(address_parse(slice_of(text), &address, &error), "%s", error.text);
    return address;
}

Test(identities_conf, of_mailboxes)
{
    scratch_write("domsec.conf", MINIMAL "identities = (\n"
                                         "{ address = \"Alice@Acme.test\"; " FILES "},\n"
                                         "{ address = ( \"edi@acme.test\", \"*@Trading.acme.test\" ); " FILES "},\n"
                                         "{ domain = \"acme.test\"; role = \"review-authority\"; " FILES "} );");
    owned(conf) struct conf *conf = scratch_load_good();
    const struct identity_conf *alice = &conf->identities[0], *edi = &conf->identities[1], *review = edi + 1;
    cr_assert_eq(conf->identity_count, 3);
    cr_expect_eq(alice->role, ROLE_MAILBOX);
    cr_expect_null(alice->domain);
    cr_expect_str_eq(alice->addresses[0], "alice@acme.test");
    cr_expect_str_eq(identity_owner(alice), "alice@acme.test");
    cr_expect_eq(alice->line, 3);
    cr_expect_eq(edi->role, ROLE_MAILBOX);
    cr_expect_str_eq(edi->addresses[1], "*@trading.acme.test");
    cr_expect_str_eq(identity_owner(edi), "edi@acme.test and 1 more");
    cr_expect_eq(review->role, ROLE_REVIEW);
    cr_expect_str_eq(identity_owner(review), "acme.test");
    cr_expect_null(review->mailboxes);
    struct address bob = address_of("Bob@trading.acme.test");
    cr_expect(address_set_holds(edi->mailboxes, &bob));
    cr_expect_not(address_set_holds(alice->mailboxes, &bob));
    address_clear(&bob);
}

Test(identities_conf, faults)
{
    static const struct {
        const char *identity, *says;
    } rows[] = {
        {"address = \"alice@acme.test\"; domain = \"acme.test\";",
         "domsec.conf:2: \"address\" cannot stand beside \"domain\": an identity belongs to a domain or to mailboxes"},
        {"address = \"alice@acme.test\"; role = \"review-authority\";",
         "domsec.conf:2: \"address\" cannot stand beside \"role\""},
        {"address = ( );", "domsec.conf:2: \"address\" must not be empty"},
        {"address = ( \"acme.test\" );",
         "domsec.conf:2: \"address\": \"acme.test\" is neither an address such as \"bob@acme.test\" nor a pattern such "
         "as \"*@acme.test\""},
        {"domain = \"acme.test\";", "domsec.conf:2: missing key \"role\""},
        {"role = \"review-authority\";", "domsec.conf:2: missing key \"domain\": Domain that the identity acts for"},
        {"", "domsec.conf:2: missing key \"domain\" with \"role\", or \"address\""},
        {"domain = \"acme.test\"; role = \"mailbox\";", "domsec.conf:2: \"role\" must be one of"},
        {"address = \"alice@acme.test\"; origin = \"hsm\";",
         "domsec.conf:2: \"origin\": \"hsm\" is not one of \"ca\", \"token\", \"os\", \"application\", \"gateway\", "
         "\"cloud\""},
        {"address = \"alice@acme.test\"; origin = \"token\";",
         "domsec.conf:2: \"origin\" is \"token\", but the key is in a file"},
        {"address = \"alice@acme.test\"; escrowed = \"no\";", "domsec.conf:2: \"escrowed\" must be true or false"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(MINIMAL "identities = ( { " FILES "%s } );", rows[i].identity);
        scratch_write("domsec.conf", text);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_expect_null(conf, "%s", rows[i].identity);
        cr_assert_gt(faults_count(faults), 0, "%s", rows[i].identity);
        bool found = false;
        for (size_t j = 0; j < faults_count(faults); j++)
            found |= strstr(faults_at(faults, j), rows[i].says) != NULL;
        cr_expect(found, "%s: %s", rows[i].identity, faults_at(faults, 0));
    }
}

Test(identities_conf, origins_and_escrow)
{
    static const struct {
        const char *key, *lines;
        const char *origin; /* NULL: not declared */
        enum stated escrowed;
        bool bad;
    } rows[] = {
        {"file:x.key", "", NULL, STATED_NOTHING, false},
        {"file:x.key", "origin = \"gateway\"; escrowed = false;", "gateway", STATED_FALSE, false},
        {"file:x.key", "origin = \"ca\"; escrowed = true;", "ca", STATED_TRUE, false},
        {"file:x.key", "origin = \"cloud\";", "cloud", STATED_NOTHING, false},
        {"file:x.key", "origin = \"token\";", NULL, STATED_NOTHING, true},
        {"pkcs11:object=x", "", NULL, STATED_NOTHING, false},
        {"PKCS11:object=x", "origin = \"token\";", "token", STATED_NOTHING, false},
        {"pkcs11:object=x", "origin = \"os\";", "os", STATED_NOTHING, false},
        {"pkcs11:object=x", "origin = \"application\";", "application", STATED_NOTHING, false},
        {"pkcs11:object=x", "origin = \"cloud\";", "cloud", STATED_NOTHING, false},
        {"pkcs11:object=x", "origin = \"gateway\";", NULL, STATED_NOTHING, true},
        {"pkcs11:object=x", "origin = \"ca\";", NULL, STATED_NOTHING, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            MINIMAL "identities = ( { address = \"alice@acme.test\"; certificate = \"x.pem\"; key = \"%s\"; %s } );",
            rows[i].key, rows[i].lines);
        scratch_write("domsec.conf", text);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_expect_eq(conf == NULL, rows[i].bad, "row %zu", i);
        if (conf == NULL)
            continue;
        cr_expect_eq(g_strcmp0(conf->identities[0].origin, rows[i].origin), 0, "row %zu", i);
        cr_expect_eq(conf->identities[0].escrowed, rows[i].escrowed, "row %zu", i);
    }
}

/* Most likely typing errors. */
Test(identities_conf, foreign_addresses_are_warned_of)
{
    static const struct {
        const char *address;
        bool warned;
    } rows[] = {
        {"alice@acme.test", false},
        {"*@acme.test", false},
        {"alice@acne.test", true},
        {"alice@sub.acme.test", true},
        {"*@sub.acme.test", true},
        {"bob@trading.acme.test", false},
        {"bob@north.trading.acme.test", false},
        {"*@partner.test", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strdup_printf(MINIMAL "identities = (\n{ " FILES "address = \"%s\"; } );", rows[i].address);
        scratch_write("domsec.conf", text);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_assert_not_null(conf);
        cr_assert_eq(faults_count(faults), rows[i].warned ? 1 : 0, "%s", rows[i].address);
        cr_expect(!rows[i].warned || strstr(faults_at(faults, 0), "domsec.conf:3: warning: \"") != NULL, "%s",
                  faults_at(faults, 0));
    }
}

/* --- identity_logins --- */

static bool may_sign(const struct conf *conf, const char *login, const char *as)
{
    const struct login_conf *entry = conf_login(conf, login);
    struct address address = address_of(as);
    bool holds = entry != NULL && address_set_holds(entry->mailboxes, &address);
    address_clear(&address);
    return holds;
}

Test(identities_conf, logins)
{
    scratch_write("domsec.conf",
                  MINIMAL "lists = { board = ( \"ceo@acme.test\", \"cfo@acme.test\" ); };\n"
                          "identity_logins = ( { login = \"Alice\"; addresses = ( \"alice@acme.test\", "
                          "\"*@trading.acme.test\" ); },\n{ login = \"bo\"; addresses = \"list:board\"; } );\n"
                          "mail_from_is_checked = true;\n"
                          "identities = ( { address = ( \"list:board\", \"x@acme.test\" ); " FILES "} );");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect(may_sign(conf, "alice", "Alice@acme.test"));
    cr_expect(may_sign(conf, "ALICE", "bob@trading.acme.test"));
    cr_expect_not(may_sign(conf, "alice", "ceo@acme.test"));
    cr_expect_not(may_sign(conf, "carol", "alice@acme.test"));
    cr_expect_not(may_sign(conf, "", "alice@acme.test"));
    cr_expect(may_sign(conf, "bo", "cfo@acme.test"));
    cr_expect_eq(conf->logins[1].line, 4);
    cr_expect(conf->mail_from_is_checked);
    cr_expect_not(conf->logins_are_addresses);
    cr_expect_eq(g_strv_length(conf->identities[0].addresses), 3);
    cr_expect_str_eq(identity_owner(&conf->identities[0]), "ceo@acme.test and 2 more");
}

Test(identities_conf, logins_that_are_addresses)
{
    scratch_write("domsec.conf", MINIMAL "identity_logins = \"same\";");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect(conf->logins_are_addresses);
    cr_expect_not(conf->mail_from_is_checked);
    cr_expect_null(conf_login(conf, "alice"));
}

Test(identities_conf, a_bad_address_is_one_fault)
{
    scratch_write("domsec.conf", MINIMAL "identities = ( { address = ( \"*@\" ); " FILES "} );");
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = scratch_load(faults);
    cr_expect_null(conf);
    cr_expect_eq(faults_count(faults), 1);
}

Test(identities_conf, logins_of_foreign_addresses)
{
    scratch_write("domsec.conf",
                  MINIMAL "lists = { sales = ( \"x@trading.acme.test\", \"x@gmail.test\" ); };\n"
                          "identity_logins = ( { login = \"a\"; addresses = ( \"a@acme.test\", \"a@acme.tset\" ); },\n"
                          "{ login = \"b\"; addresses = \"list:sales\"; }, "
                          "{ login = \"c\"; addresses = \"*@sub.acme.test\"; } );");
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = scratch_load(faults);
    g_autofree char *all = scratch_faults(faults);
    cr_expect_not_null(conf);
    static const char rest[] =
        " is not in local_domains, so no login signs in its name; correct the address, or add its "
        "domain to local_domains";
    g_autofree char *expected = g_strdup_printf("domsec.conf:3: warning: identity_logins: \"a@acme.tset\"%s\n"
                                                "domsec.conf:4: warning: identity_logins: \"x@gmail.test\"%s\n"
                                                "domsec.conf:4: warning: identity_logins: \"*@sub.acme.test\"%s",
                                                rest, rest, rest);
    cr_expect_str_eq(all, expected);
}

Test(identities_conf, faults_of_logins)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"identity_logins = \"yes\";", "domsec.conf:2: \"identity_logins\" must be \"same\", or a list of groups: ( { "
                                       "login = …; addresses = …; }, … )"},
        {"identity_logins = true;", "domsec.conf:2: \"identity_logins\" must be a list of groups"},
        {"identity_logins = ( { login = \"a\"; } );", "domsec.conf:2: missing key \"addresses\""},
        {"identity_logins = ( { addresses = \"a@acme.test\"; } );", "domsec.conf:2: missing key \"login\""},
        {"identity_logins = ( { login = \"a\"; addresses = \"a\"; } );", "domsec.conf:2: \"addresses\": \"a\" is"},
        {"identity_logins = ( { login = \"a\"; addresses = \"list:none\"; } );", "the list \"list:none\" is missing"},
        {"identity_logins = ( { login = \"a\"; addresses = \"a@acme.test\"; },\n{ login = \"A\"; addresses = "
         "\"b@acme.test\"; } );",
         "domsec.conf:3: identity_logins: \"A\" is there twice"},
        {"identity_logins = ( { login = \"a\"; adresses = \"a@acme.test\"; } );", "did you mean \"addresses\"?"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(MINIMAL, rows[i].text, NULL);
        scratch_write("domsec.conf", text);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        g_autofree char *all = scratch_faults(faults);
        cr_expect_null(conf, "%s", rows[i].text);
        cr_expect_not_null(strstr(all, rows[i].says), "%s: %s", rows[i].text, all);
    }
}

/* What goes inside the domain's signature needs one. */
Test(identities_conf, a_review_without_the_domains_signature)
{
    static const struct {
        const char *policy, *says; /* NULL: good */
    } rows[] = {
        {"outbound = { protect = \"sign\"; sign_as = \"mailbox\"; };", NULL},
        {"outbound = { protect = \"sign\"; sign_as = \"mailbox+domain\"; review = true; attributes = true; };", NULL},
        {"\noutbound = { protect = \"sign\"; sign_as = \"mailbox\"; review = true; };",
         "p/default.conf:2: \"review\" goes inside the domain's signature, and \"sign_as\" is \"mailbox\""},
        {"outbound = { protect = \"sign\"; sign_as = \"mailbox\"; attributes = true; };", "\"attributes\" goes inside"},
        {"outbound = { protect = \"sign\"; review = true; };\n"
         "rules = (\n{ when = { from = \"a@acme.test\"; }; sign_as = \"mailbox\"; } );",
         "p/default.conf:3: \"review\" goes inside"},
        {"outbound = { sign_as = \"person\"; };",
         "\"sign_as\" must be one of \"domain\", \"mailbox\", \"mailbox+domain\""},
        {"outbound = { no_identity = \"tempfail\"; };", "\"no_identity\" must be one of \"reject\", \"domain\""},
    };
    scratch_write("domsec.conf", MINIMAL "policy_dir = \"p\";");
    g_autofree char *folder = scratch_path("p");
    g_mkdir(folder, 0700);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scratch_write("p/default.conf", rows[i].policy);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        g_autofree char *all = scratch_faults(faults);
        cr_expect_eq(conf == NULL, rows[i].says != NULL, "row %zu: %s", i, all);
        if (rows[i].says != NULL)
            cr_expect_not_null(strstr(all, rows[i].says), "row %zu: %s", i, all);
    }
}

/* --- from and until --- */

static void with_dates(const char *dates)
{
    g_autofree char *text =
        g_strdup_printf(MINIMAL "identities = (\n{ " FILES "address = \"alice@acme.test\"; %s } );", dates);
    scratch_write("domsec.conf", text);
}

Test(identities_conf, dates)
{
    static const struct {
        const char *dates;
        time_t from, until;
    } rows[] = {
        {"", 0, 0},
        {"from = \"2026-01-01\";", 1767225600, 0},
        {"until = \"2028-01-01\";", 0, 1830297600},
        {"from = \"2026-01-01\"; until = \"2028-01-01\";", 1767225600, 1830297600},
        {"from = \"2026-01-01T00:00:00Z\";", 1767225600, 0},
        {"from = \"2026-01-01T01:30:00+01:30\";", 1767225600, 0},
        {"from = \"2025-12-31T23:00:00-01:00\"; until = \"2026-01-01T00:00:01Z\";", 1767225600, 1767225601},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        with_dates(rows[i].dates);
        owned(conf) struct conf *conf = scratch_load_good();
        cr_expect_eq(conf->identities[0].from, rows[i].from, "%s: %ld", rows[i].dates, conf->identities[0].from);
        cr_expect_eq(conf->identities[0].until, rows[i].until, "%s: %ld", rows[i].dates, conf->identities[0].until);
    }
}

Test(identities_conf, bad_dates)
{
    static const struct {
        const char *dates, *says;
    } rows[] = {
        {"from = \"2026-02-30\";", "domsec.conf:3: \"from\": \"2026-02-30\" is neither a date such as"},
        {"from = \"soon\";", "\"from\": \"soon\" is neither"},
        {"until = \"01.01.2028\";", "\"until\": \"01.01.2028\" is neither"},
        {"until = \"2028-01-01T08:00:00\";", "is neither a date such as \"2028-01-01\" nor a time with its zone"},
        {"until = \"2028-01\";", "is neither"},
        {"until = \"1970-01-01\";", "is neither"},
        {"from = 20280101;", "\"from\" must be a date in quotes, not an integer"},
        {"from = \"2028-01-01\"; until = \"2026-01-01\";",
         "domsec.conf:3: \"until\" must be later than \"from\" (2028-01-01)"},
        {"from = \"2028-01-01\"; until = \"2028-01-01T00:00:00Z\";", "\"until\" must be later than \"from\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        with_dates(rows[i].dates);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_expect_null(conf, "%s", rows[i].dates);
        cr_assert_gt(faults_count(faults), 0, "%s", rows[i].dates);
        cr_expect_not_null(strstr(faults_at(faults, 0), rows[i].says), "%s: %s", rows[i].dates, faults_at(faults, 0));
    }
}
