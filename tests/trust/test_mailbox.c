/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8550 §3: a person's certificate against the addresses of a message. */
#include "support/counted.h"
#include "support/setting.h"

#include "trust/anchors.h"
#include "trust/names_cache.h"

static struct trust five = {.names_limit = 5};

static void setup(void)
{
    five.names = names_cache_new();
}

static void teardown(void)
{
    names_cache_free(five.names);
}

TestSuite(mailbox, .init = setup, .fini = teardown);

Test(mailbox, every_address_has_an_equal)
{
    const struct {
        const char *const *subject, *const *san;
        const char *addresses; /* separated by spaces */
        enum outcome expected;
        const char *reason; /* NULL: any */
    } rows[] = {
        {PKI_LIST("CN=a"), PKI_LIST("email:a@x.test"), "a@x.test", OUTCOME_PASS, "the certificate names a@x.test"},
        {PKI_LIST("CN=a"), PKI_LIST("email:a@x.test", "email:b@x.test"), "a@x.test b@x.test", OUTCOME_PASS,
         "the certificate names a@x.test and the other addresses"},
        {PKI_LIST("CN=a"), PKI_LIST("email:a@x.test"), "b@x.test", OUTCOME_POLICY,
         "the certificate is not for b@x.test (it names a@x.test)"},
        {PKI_LIST("CN=a"), PKI_LIST("email:a@x.test", "email:b@x.test"), "a@x.test c@x.test", OUTCOME_POLICY,
         "the certificate is not for c@x.test (it names a@x.test and others)"},
        {PKI_LIST("CN=a"), NULL, "a@x.test", OUTCOME_POLICY,
         "the certificate is not for a@x.test (it names no address)"},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test"), "alice@acme.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("email:Alice@ACME.test"), "alice@acme.test", OUTCOME_PASS},
        {PKI_LIST("emailAddress=alice@acme.test"), NULL, "alice@acme.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("email:bob@acme.test", "email:alice@acme.test"), "alice@acme.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("email:bob@acme.test", "email:alice@acme.test"), "alice@acme.test bob@acme.test",
         OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test"), "alice@acme.test bob@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test"), "bob@acme.test alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test"), "", OUTCOME_POLICY},
        {PKI_LIST("CN=alice@acme.test"), NULL, "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("dns:acme.test", "uri:mailto:alice@acme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:acme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test"), "alice@sales.acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@sales.acme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test "), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:<alice@acme.test>"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test, bob@acme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test%00@evil.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test", "email:x%00@evil.test"), "alice@acme.test",
         OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:\"alice\"@acme.test"), "alice@acme.test", OUTCOME_PASS},
        /* RFC 8398: U-labels and A-labels are the same domain; local parts are compared as they are. */
        {PKI_LIST("CN=a"), PKI_LIST("utf8:jörg@bücher.test"), "jörg@xn--bcher-kva.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:jörg@xn--bcher-kva.test"), "jörg@bücher.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@xn--bcher-kva.test"), "alice@bücher.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:jörg@acme.test"), "jorg@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:%d0%b0lice@acme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:alice@acme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:alice@bücher.test"), "alice@bücher.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("email:alice@acme.test", "utf8:alice@acme.test"), "alice@acme.test", OUTCOME_PASS},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:bob@acme.test", "email:alice@acme.test"), "bob@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:bob%00@acme.test", "email:alice@acme.test"), "alice@acme.test",
         OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:alice@%d0%b0cme.test"), "alice@acme.test", OUTCOME_POLICY},
        {PKI_LIST("CN=a"), PKI_LIST("utf8:al%e2%80%8bice@acme.test"), "alice@acme.test", OUTCOME_POLICY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = rows[i].subject, .san = rows[i].san});
        g_auto(GStrv) texts = g_strsplit(rows[i].addresses, " ", -1);
        struct address addresses[4] = {0};
        struct error error = {0};
        struct finding finding = {.outcome = OUTCOME_NONE};
        size_t count = 0;
        for (; texts[count] != NULL && texts[count][0] != '\0'; count++)
            cr_assert(address_parse(slice_of(texts[count]), &addresses[count], &error), "%s", error.text);
        trust_check_mailbox(&five, pki->cert, addresses, count, &finding);
        cr_expect_eq(finding.outcome, rows[i].expected, "row %zu: %s: %s", i, outcome_name(finding.outcome),
                     finding.reason);
        cr_expect(g_utf8_validate(finding.reason, -1, NULL) && finding.reason[0] != '\0');
        if (rows[i].reason != NULL)
            cr_expect_str_eq(finding.reason, rows[i].reason, "row %zu: %s", i, finding.reason);
        for (size_t j = 0; j < count; j++)
            address_clear(&addresses[j]);
    }
}

Test(mailbox, the_null_path_is_nobody)
{
    PKI_AUTO struct pki *pki = pki_person(NULL, "alice@acme.test");
    struct address nobody = {.local = (char *)"", .domain = (char *)"", .text = (char *)""};
    struct finding finding = {0};
    trust_check_mailbox(&five, pki->cert, &nobody, 1, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_POLICY);
}

/* Of one kind: others do not count. */
Test(mailbox, names_limit)
{
    static const struct {
        unsigned addresses, hosts;
        bool passes;
    } rows[] = {{5, 0, true}, {6, 0, false}, {1, 6, false}, {5, 5, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
        for (unsigned j = 0; j < rows[i].addresses; j++)
            g_ptr_array_add(list, g_strdup_printf("email:alice%u@acme.test", j));
        for (unsigned j = 0; j < rows[i].hosts; j++)
            g_ptr_array_add(list, g_strdup_printf("dns:h%u.acme.test", j));
        g_ptr_array_add(list, NULL);
        PKI_AUTO struct pki *pki =
            pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=alice"), .san = (const char *const *)list->pdata});
        struct address alice = {(char *)"alice0", (char *)"acme.test", (char *)"alice0@acme.test"};
        struct finding finding = {0};
        trust_check_mailbox(&five, pki->cert, &alice, 1, &finding);
        cr_expect_eq(finding.outcome == OUTCOME_PASS, rows[i].passes, "row %zu: %s", i, finding.reason);
        cr_expect_eq(strstr(finding.reason, "names, more than names_limit (5)") == NULL, rows[i].passes, "row %zu: %s",
                     i, finding.reason);
    }
}

/* --- groups --- */

/* One of the group's certificates, and under "mailbox" one that names a member. */
Test(groups, certificates)
{
    PKI_AUTO struct pki *desk = pki_person(NULL, "desk@partner.test"), *edi = pki_person(NULL, "edi@partner.test"),
                        *bare = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=bare")}),
                        *odd = pki_issue(
                            &(struct pki_spec){.subject = PKI_LIST("CN=odd"),
                                               .san = PKI_LIST("email:edi@partner.test", "email:x%00@partner.test")}),
                        *second = pki_issue(
                            &(struct pki_spec){.subject = PKI_LIST("CN=second"),
                                               .san = PKI_LIST("email:desk@partner.test", "email:edi@partner.test")}),
                        *host = pki_issue(
                            &(struct pki_spec){.subject = PKI_LIST("CN=host"), .san = PKI_LIST("email:partner.test")}),
                        *other = pki_person(NULL, "edi@partner.test");
    const struct {
        const struct pki *pki;
        bool pinned, named;
        const char *says; /* under "mailbox" */
    } rows[] = {
        {desk, true, false, "the certificate names no member of the group (it names desk@partner.test)"},
        {edi, true, true, "the certificate is that of a group of partner.test.conf"},
        {bare, true, false, "the certificate names no member of the group (it names no address)"},
        {odd, true, false, "the certificate names no member of the group (it names edi@partner.test)"},
        {host, true, false, "the certificate names no member of the group (it names partner.test)"},
        {second, true, true, "the certificate is that of a group of partner.test.conf"},
        {other, false, false, "the certificate is not one of the group's"},
    };
    for (size_t naming = 0; naming < 2; naming++) {
        g_autofree char *keys = g_strdup_printf("groups = ( { members = \"edi@partner.test\"; certificates = ( "
                                                "\"all.pem\" ); naming = \"%s\"; } );",
                                                naming == 0 ? "pinned" : "mailbox");
        AUTO_SETTING setting = setting_new("", keys);
        g_free(pki_write(setting->folder, "all.pem", desk, edi, bare, odd, host, second, NULL));
        setting_open(setting);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            struct finding finding = {0};
            bool passes = naming == 0 ? rows[i].pinned : rows[i].named;
            trust_check_group(setting->trust, setting->partner, &setting->partner->groups[0], rows[i].pki->cert,
                              &finding);
            cr_expect_eq(finding.outcome, passes ? OUTCOME_PASS : OUTCOME_POLICY, "%zu, row %zu", naming, i);
            cr_expect_str_eq(finding.reason, naming == 0 && passes
                                                 ? "the certificate is pinned for a group by partner.test.conf"
                                                 : rows[i].says);
        }
    }
}

/* --- what hundreds of names cost, counted --- */

/* Each message brings a certificate anew. */
static void expect_names(const struct setting *setting, const X509 *kept, unsigned decoded)
{
    static const char *const domain = "acme.test";
    struct address alice = {(char *)"alice", (char *)"acme.test", (char *)"alice@acme.test"};
    struct finding finding = {0};
    owned(X509) X509 *certificate = X509_dup(kept);
    const struct role_query query = {setting->partner, certificate, ROLE_DOMAIN_SIGNING, &domain, 1};
    counted = (struct counted){0};
    trust_check_role(setting->trust, &query, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
    trust_check_mailbox(setting->trust, certificate, &alice, 1, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_POLICY, "%s", finding.reason);
    cr_expect(decoded > 0 ? counted.names > 0 : counted.names == 0, "names were decoded %u times", counted.names);
}

static struct pki *with_names(unsigned count, const char *padding)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(list, g_strdup("email:domain-signing-authority@acme.test"));
    for (unsigned i = 1; i < count; i++)
        g_ptr_array_add(list, g_strdup_printf("email:%s@a%u.test", padding, i));
    g_ptr_array_add(list, NULL);
    return pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=many"), .san = (const char *const *)list->pdata});
}

Test(names, are_decoded_once)
{
    AUTO_SETTING setting = setting_new("", "naming = \"mailbox\";");
    setting_open(setting);
    PKI_AUTO struct pki *many = with_names(500, "a");
    expect_names(setting, many->cert, 1);
    for (unsigned i = 0; i < 3; i++)
        expect_names(setting, many->cert, 0);
}

/* What senders bring does not fill the memory. */
Test(names, are_kept_within_a_limit)
{
    g_autofree char *padding = g_strnfill(64, 'a');
    AUTO_SETTING setting = setting_new("names_limit = 10000;", "naming = \"mailbox\";");
    setting_open(setting);
    PKI_AUTO struct pki *first = with_names(500, padding);
    expect_names(setting, first->cert, 1);
    for (unsigned i = 0; i < 60; i++) {
        PKI_AUTO struct pki *other = with_names(500, padding);
        expect_names(setting, other->cert, 1);
    }
    expect_names(setting, first->cert, 1);
    PKI_AUTO struct pki *huge = with_names(5000, padding);
    for (unsigned i = 0; i < 2; i++)
        expect_names(setting, huge->cert, 1);
    expect_names(setting, first->cert, 0);
}
