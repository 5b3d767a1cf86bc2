/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `domsec explain` promises is what becomes of a plain message, where identities are missing or outdated.
 */
#include "support/rig.h"

enum {
    SIGNER = 1,
    DECRYPTER = 2,
    REVIEWER = 4,
    ADDER = 8,
    OUTDATED = 16,
    SECOND = 32,
    ALL = SIGNER | DECRYPTER | REVIEWER | ADDER
};

static const struct {
    int flag;
    const char *role, *file, *domain;
} identities[] = {
    {SIGNER, "domain-signing-authority", "dsa", "acme.test"},
    {DECRYPTER, "domain-confidentiality-authority", "dca", "acme.test"},
    {REVIEWER, "review-authority", "review", "acme.test"},
    {ADDER, "attribute-authority", "attribute", "acme.test"},
    {OUTDATED, "domain-signing-authority", "old", "acme.test"},
    {SECOND, "domain-signing-authority", "dsa", "second.test"},
};

static void write_old(struct org *org)
{
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.issuer = org->ca,
                                                            .subject = PKI_LIST("CN=domain-signing-authority"),
                                                            .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                                            .not_after = time(NULL) - 60});
    g_free(pki_write(org->folder, "old.pem", old, NULL));
    g_free(pki_write_key(org->folder, "old.key", old));
}

static void write_rule(const struct org *org, const char *domain, const char *rule)
{
    g_autofree char *name = g_strdup_printf("policy.d/%s.conf", domain);
    g_autofree char *text = g_strdup_printf("domain = \"%s\";\n%s\n", domain, rule);
    folder_write(org->folder, name, text);
}

static void open_org(struct org *org, int own, const char *partner_rule, const char *other_rule)
{
    GString *text = g_string_new(
        "local_domains = ( \"acme.test\", \".acme.test\", \"second.test\" );\nauthserv_id = \"gw.acme.test\";\n"
        "policy_dir = \"policy.d\";\ntrust_anchors = ( \"ca.pem\" );\nspool_directory = \"/tmp\";\n"
        "identities = (");
    const char *separator = "";
    for (size_t i = 0; i < G_N_ELEMENTS(identities); i++) {
        if ((own & identities[i].flag) == 0)
            continue;
        g_string_append_printf(
            text, "%s\n { domain = \"%s\"; role = \"%s\"; certificate = \"%s.pem\"; key = \"file:%s.key\"; }",
            separator, identities[i].domain, identities[i].role, identities[i].file, identities[i].file);
        separator = ",";
    }
    g_string_append(text, " );\n");
    write_rule(org, "partner.test", partner_rule);
    write_rule(org, "other.test", other_rule);
    g_autofree char *all = g_string_free(text, FALSE);
    g_autofree char *file = folder_file(org->folder, "domsec.conf", all);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    gateway_unref(org->gateway);
    org->gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    cr_assert_not_null(org->gateway, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
}

#define SIGN "outbound = { protect = \"sign\"; "
#define BOTH                                                                                                           \
    "certificates = ( \"other-dca.pem\" ); anchors = ( \"other-ca.pem\" ); outbound = { protect = \"sign+encrypt\"; "
#define ENCRYPT                                                                                                        \
    "certificates = ( \"other-dca.pem\" ); anchors = ( \"other-ca.pem\" ); outbound = { protect = \"encrypt\"; "
#define LABEL "labels = ( { policy = \"1.2.3\"; } );"
#define LABEL_BY_FIELD "label_header = \"Sensitivity\"; labels = ( { value = \"x\"; policy = \"1.2.3\"; } );"
#define OTHER "carol@other.test"

static const struct {
    const char *name;
    int own;
    const char *partner, *other, *to2; /* bob@partner.test is always there */
    const char *from;                  /* in the message */
    enum verdict verdict;
    const char *says;
} rows[] = {
    {"all there", ALL, BOTH "review = true; attributes = true; encrypt_to_self = true; };" LABEL, "", NULL,
     "alice@acme.test", VERDICT_ACCEPT, "protect"},
    {"nobody signs", DECRYPTER, SIGN "};", "", NULL, "alice@acme.test", VERDICT_TEMPFAIL, "domain-signing-authority"},
    {"outdated", OUTDATED, SIGN "};", "", NULL, "alice@acme.test", VERDICT_TEMPFAIL, "has expired"},
    {"outdated beside a new one", OUTDATED | SIGNER, SIGN "};", "", NULL, "alice@acme.test", VERDICT_ACCEPT, "protect"},
    {"another of our domains", SIGNER, SIGN "};", "", NULL, "alice@second.test", VERDICT_TEMPFAIL, "second.test"},
    {"below our domain", SIGNER, SIGN "};", "", NULL, "alice@mail.acme.test", VERDICT_ACCEPT, "protect"},
    {"two authors, one domain", SIGNER, SIGN "};", "", NULL, "alice@acme.test, bob@mail.acme.test", VERDICT_ACCEPT,
     "protect"},
    {"two authors, nobody for the second", SIGNER, SIGN "};", "", NULL, "alice@acme.test, bob@second.test",
     VERDICT_TEMPFAIL, "second.test"},
    {"two authors, nobody for both", SIGNER | SECOND, SIGN "};", "", NULL, "alice@acme.test, bob@second.test",
     VERDICT_REJECT, "all authors"},
    {"nobody has to sign", 0, ENCRYPT "};", "", NULL, "alice@acme.test", VERDICT_ACCEPT, "protect"},
    {"nothing to do", 0, "outbound = { protect = \"none\"; review = true; attributes = true; };" LABEL, "", NULL,
     "alice@acme.test", VERDICT_ACCEPT, "protect"},
    {"no reviewer", ALL & ~REVIEWER, SIGN "review = true; };", "", NULL, "alice@acme.test", VERDICT_TEMPFAIL,
     "review-authority"},
    {"no reviewer for the second", ALL & ~REVIEWER, SIGN "};", SIGN "review = true; };", OTHER, "alice@acme.test",
     VERDICT_TEMPFAIL, "review-authority"},
    {"the second's rule does not count", ALL & ~REVIEWER, SIGN "};", SIGN "review = true; };", NULL, "alice@acme.test",
     VERDICT_ACCEPT, "protect"},
    {"nobody adds attributes", ALL & ~ADDER, SIGN "attributes = true; };" LABEL, "", NULL, "alice@acme.test",
     VERDICT_TEMPFAIL, "attribute-authority"},
    {"no attributes to add", ALL & ~ADDER, SIGN "attributes = true; };", "", NULL, "alice@acme.test", VERDICT_ACCEPT,
     "protect"},
    {"none without a field", ALL & ~ADDER, SIGN "attributes = true; };" LABEL_BY_FIELD, "", NULL, "alice@acme.test",
     VERDICT_ACCEPT, "protect"},
    {"one asks for attributes, the other has a label", ALL & ~ADDER, SIGN "attributes = true; };", SIGN "};" LABEL,
     OTHER, "alice@acme.test", VERDICT_TEMPFAIL, "attribute-authority"},
    {"no copy for us", ALL & ~DECRYPTER, BOTH "encrypt_to_self = true; };", "", NULL, "alice@acme.test",
     VERDICT_TEMPFAIL, "domain-confidentiality-authority"},
    {"no copy for us, nothing encrypted", ALL & ~DECRYPTER, SIGN "encrypt_to_self = true; };", "", NULL,
     "alice@acme.test", VERDICT_ACCEPT, "protect"},
};

Test(explain, promises_what_is_done)
{
    struct rig rig = {.key = PKI_EC};
    mime_init();
    rig_make(&rig, &rig.acme, "acme.test");
    rig_make(&rig, &rig.partner, "partner.test");
    g_free(pki_write(rig.acme.folder, "other-ca.pem", rig.partner.ca, NULL));
    g_free(pki_write(rig.acme.folder, "other-dca.pem", rig.partner.dca, NULL));
    write_old(&rig.acme);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", rows[i].to2, "alice", "198.51.100.1"};
        g_autofree char *text = g_strdup_printf("From: %s\r\nSubject: Plan\r\n\r\nx\r\n", rows[i].from);
        open_org(&rig.acme, rows[i].own, rows[i].partner, rows[i].other);
        AUTO_SENT struct sent sent = rig_pass(&rig.acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
        owned(envelope) struct envelope *envelope = rig_envelope(&spec);
        owned(passage) struct passage *promised = rig_explain(rig.acme.gateway, envelope, rows[i].from);

        cr_expect_eq(sent.result->reply.verdict, rows[i].verdict, "%s: %s", rows[i].name, sent.result->reply.reason);
        cr_expect_eq(promised->reply.verdict, rows[i].verdict, "%s: %s", rows[i].name, promised->reply.reason);
        cr_expect_not_null(strstr(promised->reply.reason, rows[i].says), "%s: %s", rows[i].name,
                           promised->reply.reason);
        cr_expect_str_eq(promised->reply.reason, sent.result->reply.reason, "%s", rows[i].name);
        cr_expect_eq(promised->reply.code, sent.result->reply.code, "%s", rows[i].name);
        cr_expect_str_eq(promised->reply.status, sent.result->reply.status, "%s", rows[i].name);
    }
    rig_org_free(&rig.acme);
    rig_org_free(&rig.partner);
}
