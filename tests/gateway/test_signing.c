/* SPDX-License-Identifier: Apache-2.0 */
/* With which of our keys a message is signed: sign_with, from the policy file to the report. */
#include "gateway/internal.h"
#include "support/rig.h"

#include <jansson.h>

#define TEXT "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: [x] y\r\n\r\nthe line\r\n"
#define LOGINS "identity_logins = ( { login = \"al\"; addresses = ( \"alice@acme.test\" ); } );\n"
#define SIGN(more) "outbound = { protect = \"sign\"; " more " };\n"
#define AS(what, more) SIGN("sign_as = \"" what "\"; " more)

/* Beside the domain's newest key, of which nothing is declared, an older one that only the gateway has, for
 * content commitment; and alice's, which the authority made and keeps, and which is for both uses. */
static struct rig *rig_with(const char *domain, const char *policy)
{
    struct rig *rig = rig_closed(PKI_EC);
    struct org *acme = &rig->acme;
    time_t now = time(NULL);
    PKI_AUTO struct pki *kept =
        pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                     .subject = PKI_LIST("O=Test", "CN=domain-signing-authority"),
                                     .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                     .key_usage = "critical,digitalSignature,nonRepudiation",
                                     .not_before = now - 172800,
                                     .not_after = now + 8640000});
    g_free(pki_write(acme->folder, "kept.pem", kept, NULL));
    g_free(pki_write_key(acme->folder, "kept.key", kept));
    g_free(pki_write(acme->folder, "alice.pem", acme->alice, NULL));
    g_free(pki_write_key(acme->folder, "alice.key", acme->alice));
    g_autofree char *people = g_strdup_printf(
        "{ domain = \"%s\"; role = \"domain-signing-authority\"; certificate = \"kept.pem\"; key = "
        "\"file:kept.key\"; origin = \"gateway\"; escrowed = false; },\n"
        "{ address = \"alice@acme.test\"; certificate = \"alice.pem\"; key = \"file:alice.key\"; origin = "
        "\"ca\"; escrowed = true; },\n",
        domain);
    acme->people = people;
    rig_open(acme, &rig->partner, policy, LOGINS);
    rig_open(&rig->partner, acme, "inbound = { require = \"sign\"; };", NULL);
    acme->people = NULL;
    return rig;
}

static struct rig *rig_with_kept(const char *policy)
{
    return rig_with("acme.test", policy);
}

/* Of the faults and warnings of `check`, each on a line; g_free(). */
static char *checked(const struct rig *rig, enum fault_grade grade, size_t *errors)
{
    owned(faults) struct faults *faults = faults_new();
    GString *text = g_string_new(NULL);
    gateway_check_signing(rig->acme.gateway, grade, faults);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(text, "%s\n", faults_at(faults, i));
    *errors = faults_errors(faults);
    return g_string_free(text, FALSE);
}

/* "acme.test gateway false false true": the signers of the first form; g_free(). */
static char *signers(const struct sent *sent)
{
    g_autofree char *report = passage_report(sent->result);
    json_t *json = json_loads(report, 0, NULL);
    const json_t *list = json_object_get(json_array_get(json_object_get(json, "groups"), 0), "signed_by");
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        static const char *const keys[] = {"name", "origin", "escrowed", "dual_use", "content_commitment"};
        for (size_t j = 0; j < G_N_ELEMENTS(keys); j++) {
            const json_t *value = json_object_get(json_array_get(list, i), keys[j]);
            cr_expect_not_null(value, "%s", report);
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "",
                                   json_is_string(value)    ? json_string_value(value)
                                   : json_is_boolean(value) ? json_is_true(value) ? "true" : "false"
                                                            : "null");
        }
    }
    json_decref(json);
    return g_string_free(text, FALSE);
}

#define NEWEST "acme.test null null false false"
#define KEPT "acme.test gateway false false true"
#define ALICE "alice@acme.test ca true true false"
#define ONLY_TOKEN "sign_with = { origin = ( \"token\" ); };"
#define ONLY_KEPT "sign_with = { origin = ( \"gateway\", \"token\" ); escrowed = false; };"

static const struct {
    const char *policy;
    const char *signers; /* NULL: rejected */
    const char *reason;
    const char *check; /* NULL: nothing */
    size_t faults;
} rows[] = {
    {SIGN(""), NEWEST, "protect", NULL, 0},
    {SIGN("sign_with = { };"), NEWEST, "protect", NULL, 0},
    {SIGN("sign_with = { dual_use = false; };"), NEWEST, "protect", NULL, 0},
    {SIGN("sign_with = { content_commitment = false; };"), NEWEST, "protect", NULL, 0},
    {SIGN("sign_with = { origin = \"gateway\"; };"), KEPT, "protect", NULL, 0},
    {SIGN("sign_with = { origin = ( \"token\", \"gateway\" ); };"), KEPT, "protect", NULL, 0},
    {SIGN("sign_with = { escrowed = false; };"), KEPT, "protect", NULL, 0},
    {SIGN("sign_with = { content_commitment = true; };"), KEPT, "protect", NULL, 0},
    {SIGN("sign_with = { origin = \"gateway\"; escrowed = false; dual_use = false; content_commitment = true; };"),
     KEPT, "protect", NULL, 0},
    {SIGN(ONLY_TOKEN), NULL,
     "partner.test.conf: outbound.no_identity = \"reject\": no signing key of acme.test fits sign_with: origin must be "
     "token",
     "partner.test.conf:4: no signing key of acme.test fits sign_with: origin must be token; mail under this rule", 1},
    {SIGN("sign_with = { escrowed = true; };"), NULL,
     "no signing key of acme.test fits sign_with: escrowed must be true", "escrowed must be true", 1},
    {SIGN("sign_with = { dual_use = true; };"), NULL, "dual_use must be true", "dual_use must be true", 1},
    {SIGN("sign_with = { origin = \"gateway\"; content_commitment = false; };"), NULL,
     "origin must be gateway, content_commitment must be false", "origin must be gateway", 1},
    /* nothing is signed, or nothing is done */
    {"outbound = { protect = \"none\"; " ONLY_TOKEN " };", "", "protect", NULL, 0},
    {"outbound = { protect = \"encrypt\"; " ONLY_TOKEN " };", "", "protect", NULL, 0},
    {"outbound = { protect = \"encrypt\"; no_certificate = \"sign\"; " ONLY_TOKEN " };", "", "protect", "token", 1},
    {"mode = \"test\";\n" SIGN(ONLY_TOKEN), "", "in force: reject", "partner.test.conf:5: warning: no signing key", 0},
    /* rules: each key that they leave out is the base's */
    {SIGN("sign_with = { origin = \"gateway\"; };") "rules = ( { when = { from = \"alice@acme.test\"; }; } );", KEPT,
     "partner.test.conf:5", NULL, 0},
    {SIGN("sign_with = { origin = \"gateway\"; };") "rules = ( { when = { from = \"alice@acme.test\"; }; sign_with = { "
                                                    "content_commitment = false; }; } );",
     NULL,
     "partner.test.conf:5: rules.no_identity = \"reject\": no signing key of acme.test fits sign_with: origin must "
     "be gateway, content_commitment must be false",
     "partner.test.conf:5: no signing key", 1},
    {SIGN(ONLY_TOKEN) "rules = ( { when = { from = \"alice@acme.test\"; }; sign_with = { origin = ( ); }; } );", NEWEST,
     "partner.test.conf:5", "partner.test.conf:4: no signing key", 1},
    {SIGN("") "rules = ( { when = { from = \"alice@acme.test\"; }; " ONLY_KEPT " } );", KEPT, "partner.test.conf:5",
     NULL, 0},
    {SIGN(ONLY_TOKEN) "rules = ( { when = { from = \"bob@partner.test\"; }; otherwise = \"tag\"; } );", NULL,
     "origin must be token", "partner.test.conf:4: no signing key", 1},
    /* what a user asks for takes no demand away */
    {SIGN("sign_with = { origin = \"gateway\"; };") "rules = ( { when = { subject = \"[x]\"; }; sign_with = { origin = "
                                                    "( "
                                                    "); }; } );",
     KEPT, "partner.test.conf", NULL, 0},
    {SIGN("sign_with = { origin = \"gateway\"; };") "rules = ( { when = { subject = \"[x]\"; }; sign_with = { origin = "
                                                    "( "
                                                    "); }; lowers = true; } );",
     NEWEST, "partner.test.conf", NULL, 0},
    /* in the author's name */
    {AS("mailbox", ""), ALICE, "sign_as", NULL, 0},
    {AS("mailbox", "sign_with = { origin = \"ca\"; escrowed = true; dual_use = true; };"), ALICE, "sign_as", NULL, 0},
    {AS("mailbox", ONLY_KEPT), NULL,
     "outbound.sign_as = \"mailbox\", no_identity = \"reject\": it may not be signed in the author's name (no signing "
     "key of alice@acme.test fits sign_with: origin must be token or gateway, escrowed must be false)",
     "no signing key of any mailbox fits sign_with", 1},
    {AS("mailbox", "no_identity = \"domain\"; " ONLY_KEPT), KEPT,
     "no_identity = \"domain\": signed by the domain, not by the author (no signing key of alice@acme.test fits", NULL,
     0},
    {AS("mailbox", "no_identity = \"domain\"; " ONLY_TOKEN), NULL,
     "outbound.no_identity = \"domain\": no signing key of acme.test fits sign_with: origin must be token",
     "no signing key of acme.test", 1},
    {AS("mailbox+domain", "no_identity = \"domain\"; " ONLY_KEPT), KEPT, "not by the author", NULL, 0},
    {AS("mailbox+domain", "sign_with = { origin = ( \"ca\", \"gateway\" ); };"), ALICE " " KEPT, "sign_as", NULL, 0},
    {AS("mailbox+domain", "sign_with = { origin = \"ca\"; };"), NULL, "no signing key of acme.test fits",
     "no signing key of acme.test", 1},
    /* the review authority's key, of which nothing is known */
    {SIGN("review = true; sign_with = { origin = \"gateway\"; };"), NULL,
     "no signing key of the review-authority of acme.test fits sign_with: origin must be gateway", "no signing key", 1},
};

Test(signing, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_with_kept(rows[i].policy);
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", NULL, "al", "192.0.2.1"};
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, TEXT, strlen(TEXT));
        cr_expect_eq(rig_verdict(&out), rows[i].signers != NULL ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s", i,
                     rig_reason(&out));
        cr_expect_not_null(strstr(rig_reason(&out), rows[i].reason), "row %zu: %s", i, rig_reason(&out));
        cr_expect(rows[i].signers != NULL || out.result->reply.code == 550, "row %zu", i);
        g_autofree char *by = signers(&out);
        cr_expect_str_eq(by, rows[i].signers != NULL ? rows[i].signers : "", "row %zu: %s", i, by);
        size_t errors = 0, warnings = 0;
        g_autofree char *says = checked(rig, FAULT_ERROR, &errors), *at_start = checked(rig, FAULT_WARNING, &warnings);
        cr_expect_eq(errors, rows[i].faults, "row %zu: %s", i, says);
        cr_expect(strchr(says, '\n') == strrchr(says, '\n'), "row %zu: one alone: %s", i, says);
        cr_expect_eq(warnings, 0, "row %zu: the daemon serves all other rules", i);
        cr_expect_eq(*at_start != '\0', rows[i].check != NULL, "row %zu: %s", i, at_start);
        if (rows[i].check == NULL)
            cr_expect_str_empty(says, "row %zu: %s", i, says);
        else
            cr_expect_not_null(strstr(says, rows[i].check), "row %zu: %s", i, says);
        if (by[0] == '\0')
            continue;
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&in));
    }
}

/* One key signs for all authors: that of a domain above them, though another is more specific, or newer, or declared.
 */
Test(signing, several_authors)
{
    static const struct {
        const char *policy, *from, *signers; /* signers NULL: refused */
    } cases[] = {
        {SIGN(""), "alice@acme.test", NEWEST},
        {SIGN(""), "ann@north.acme.test", "north.acme.test gateway false false true"},
        {SIGN("sign_with = { dual_use = false; content_commitment = false; };"), "ann@north.acme.test", NEWEST},
        {SIGN(""), "ann@north.acme.test, alice@acme.test", NEWEST},
        {SIGN(""), "alice@acme.test, ann@north.acme.test", NEWEST},
        {SIGN("sign_with = { origin = \"gateway\"; };"), "ann@north.acme.test",
         "north.acme.test gateway false false true"},
        {SIGN("sign_with = { origin = \"gateway\"; };"), "ann@north.acme.test, alice@acme.test", NULL},
        {SIGN("sign_with = { origin = \"gateway\"; };"), "alice@acme.test", NULL},
    };
    static char *const local[] = {(char *)"acme.test", (char *)".acme.test", NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        owned(rig) struct rig *rig = rig_with("north.acme.test", cases[i].policy);
        struct conf *conf = (struct conf *)gateway_conf(rig->acme.gateway);
        char **before = conf->local_domains;
        conf->local_domains = (char **)local;
        g_autofree char *text = g_strdup_printf("From: %s\r\nTo: bob@partner.test\r\n\r\nx\r\n", cases[i].from);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), cases[i].signers != NULL ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s", i,
                     rig_reason(&out));
        g_autofree char *by = signers(&out);
        cr_expect_str_eq(by, cases[i].signers != NULL ? cases[i].signers : "", "row %zu: %s", i, by);
        size_t errors = 0;
        g_autofree char *says = checked(rig, FAULT_ERROR, &errors);
        cr_expect_eq(errors, 0, "row %zu: the key of one domain fits: %s", i, says);
        cr_expect_eq(strstr(says, "warning: no signing key of acme.test fits") != NULL,
                     strstr(cases[i].policy, "origin") != NULL, "row %zu: %s", i, says);
        conf->local_domains = before;
    }
}

/* The reply, explain's text and what is logged name the key that signs. */
Test(signing, what_is_said)
{
    owned(rig) struct rig *rig =
        rig_with_kept(AS("mailbox+domain", "sign_with = { origin = ( \"ca\", \"gateway\" ); };"));
    const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", NULL, "al", "192.0.2.1"};
    AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, TEXT, strlen(TEXT));
    const struct keys *keys = rig->acme.gateway->keys;
    g_autofree char *line = passage_log_line(out.result);
    g_autofree char *both =
        g_strdup_printf("signed_with=%.16s,%.16s", keys_at(keys, 1)->sha256, keys_at(keys, 0)->sha256);
    cr_expect_not_null(strstr(line, both), "%s: %s", both, line);
}

/* A key that is restricted to one digest (RFC 4055 §3.1) signs with that, whatever the partner's software announces;
 * any other key signs as the rule says. */
Test(signing, the_digest_fits_the_key)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    owned(EVP_PKEY) EVP_PKEY *key = NULL;
    cr_assert(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_md(context, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(context, 32) > 0 && EVP_PKEY_generate(context, &key) > 0);
    for (size_t i = 0; i < 2; i++) {
        bool restricted = i == 1;
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        struct org *acme = &rig->acme;
        PKI_AUTO struct pki *dsa =
            pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                         .subject = PKI_LIST("CN=domain-signing-authority"),
                                         .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                         .use_key = restricted ? key : NULL});
        g_free(pki_write(acme->folder, "dsa.pem", dsa, NULL));
        g_free(pki_write_key(acme->folder, "dsa.key", dsa));
        rig_open(acme, &rig->partner, SIGN(""), NULL);
        rig_open(&rig->partner, acme, "inbound = { require = \"sign\"; };", NULL);
        const struct conf *conf = gateway_conf(acme->gateway); /* as if it was announced: the file is checked */
        for (size_t j = 0; j < conf->partner_count; j++)
            ((struct partner *)conf->partners[j])->form.digest = DIGEST_SHA512;
        AUTO_SENT struct sent out = rig_outbound(rig, TEXT);
        cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%zu: %s", i, rig_reason(&out));
        cr_expect_not_null(strstr(out.bytes, restricted ? "micalg=sha-256" : "micalg=sha-512"), "%zu: %s", i,
                           out.bytes);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%zu: %s", i, rig_reason(&in));
    }
}
