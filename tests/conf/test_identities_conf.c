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
