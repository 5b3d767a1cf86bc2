/* SPDX-License-Identifier: Apache-2.0 */
/* What `domsec check` says of identities of mailboxes. */
#include "support/rig.h"

#define SIGN_AS "outbound = { protect = \"sign\"; sign_as = \"mailbox\"; };"
#define RULE                                                                                                           \
    "outbound = { protect = \"none\"; };\nrules = ( { when = { from = \"x@acme.test\"; }; protect = \"sign\"; "        \
    "sign_as = "                                                                                                       \
    "\"mailbox\"; } );"

/* Opens acme's gateway with this identity beside the domain's. Returns its warnings and notes, one a line; g_free(). */
static char *check(const char *addresses, const char *extra, const char *policy, const char *key_usage)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    struct org *acme = &rig->acme;
    PKI_AUTO struct pki *person = pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                                               .subject = PKI_LIST("CN=x"),
                                                               .san = PKI_LIST("email:alice@acme.test"),
                                                               .key_usage = key_usage});
    g_free(pki_write(acme->folder, "p.pem", person, NULL));
    g_free(pki_write_key(acme->folder, "p.key", person));
    g_autofree char *identity =
        g_strdup_printf("{ address = ( %s ); certificate = \"p.pem\"; key = \"file:p.key\"; },\n", addresses);
    acme->people = addresses[0] != '\0' ? identity : "";
    g_autofree char *text = g_strconcat(extra, "\n", NULL);
    rig_open(acme, &rig->partner, policy, text);
    g_autofree char *file = g_build_filename(acme->folder, "domsec.conf", NULL);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    owned(gateway) struct gateway *gateway = gateway_open(conf, faults);
    cr_assert_not_null(gateway);
    GString *all = g_string_new(NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(all, "%s\n", faults_at(faults, i));
    return g_string_free(all, FALSE);
}

#define ALICE "\"alice@acme.test\""
#define LOGINS(addresses) "identity_logins = ( { login = \"al\"; addresses = ( " addresses " ); } );"

Test(check_mailboxes, table)
{
    static const struct {
        const char *addresses, *extra, *policy, *key_usage;
        const char *says; /* NULL: nothing */
    } rows[] = {
        {ALICE, LOGINS(ALICE), SIGN_AS, NULL, NULL},
        {ALICE, LOGINS("\"*@acme.test\""), SIGN_AS, NULL, NULL},
        {ALICE, "identity_logins = \"same\";", SIGN_AS, NULL, NULL},
        {ALICE, "mail_from_is_checked = true;", RULE, NULL, NULL},
        {ALICE ", \"*@acme.test\"", LOGINS("\"bob@acme.test\""), SIGN_AS, NULL,
         "domsec.conf:10: note: \\p.pem: the certificate does not name *@acme.test: From and certificate differ there"},
        /* names */
        {"\"bob@acme.test\"", LOGINS("\"bob@acme.test\""), SIGN_AS, NULL,
         "domsec.conf:10: warning: \\p.pem: the certificate is not for bob@acme.test (it names alice@acme.test); mail "
         "programs will warn of signatures in the name of bob@acme.test"},
        {"\"*@acme.test\"", LOGINS("\"bob@acme.test\""), SIGN_AS, NULL, "warning: \\p.pem: the certificate is not for"},
        {ALICE ", \"bob@acme.test\", \"carol@acme.test\"", LOGINS(ALICE), SIGN_AS, NULL,
         "note: \\p.pem: the certificate does not name bob@acme.test and others"},
        /* use */
        {ALICE, LOGINS("\"bob@acme.test\""), SIGN_AS, NULL,
         "domsec.conf:10: warning: no login may sign in the name of alice@acme.test, so this identity never signs"},
        {ALICE, LOGINS("\"bob@acme.test\""), RULE, NULL, "warning: no login may sign in the name of alice@acme.test"},
        {ALICE, LOGINS("\"bob@acme.test\""), SIGN_AS, "keyAgreement",
         "partner.test.conf:4: warning: \"sign_as\" asks for the author's own signature, and no identity with "
         "\"address\" can sign"},
        {"", LOGINS("\"bob@acme.test\""), RULE, NULL, "partner.test.conf:5: warning: \"sign_as\" asks for"},
        {ALICE, "", SIGN_AS, NULL,
         "partner.test.conf:4: warning: \"sign_as\" asks for the author's own signature, and neither identity_logins "
         "nor "
         "mail_from_is_checked lets anyone sign"},
        {ALICE, LOGINS(ALICE), "outbound = { protect = \"sign\"; };", NULL,
         "domsec.conf:10: note: identities of mailboxes only decrypt, because no policy has sign_as"},
        {ALICE, "", "outbound = { protect = \"none\"; sign_as = \"mailbox\"; };", NULL, "only decrypt"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *faults = check(rows[i].addresses, rows[i].extra, rows[i].policy, rows[i].key_usage);
        if (rows[i].says == NULL) {
            cr_expect_str_empty(faults, "row %zu: %s", i, faults);
            continue;
        }
        g_auto(GStrv) pieces = g_strsplit(rows[i].says, "\\", -1); /* a folder stands between */
        for (char **piece = pieces; *piece != NULL; piece++)
            cr_expect_not_null(strstr(faults, *piece), "row %zu: %s", i, faults);
        cr_expect(strchr(faults, '\n') == strrchr(faults, '\n'), "row %zu: one alone: %s", i, faults);
    }
}

/* A domain whose mail only its people sign needs no authority for it. */
Test(check_mailboxes, the_domains_own_identity)
{
    static const struct {
        enum sign_as sign_as;
        enum no_identity no_identity;
        bool as_domain, as_mailbox;
    } rows[] = {
        {SIGN_AS_DOMAIN, NO_IDENTITY_REJECT, true, false},
        {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, false, true},
        {SIGN_AS_MAILBOX, NO_IDENTITY_DOMAIN, true, true},
        {SIGN_AS_BOTH, NO_IDENTITY_REJECT, true, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct rule rule = {
            .outbound = {.protect = PROTECT_SIGN, .sign_as = rows[i].sign_as, .no_identity = rows[i].no_identity}};
        cr_expect_eq(policy_signs_as_domain(&rule), rows[i].as_domain, "row %zu", i);
        cr_expect_eq(policy_signs_as_mailbox(&rule), rows[i].as_mailbox, "row %zu", i);
        rule.outbound.protect = PROTECT_NONE;
        cr_expect_not(policy_signs_as_domain(&rule) || policy_signs_as_mailbox(&rule), "row %zu", i);
    }
}
