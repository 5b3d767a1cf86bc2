/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that nobody here wrote, where they are present: the examples of RFC 4134 and samples of protected headers. Each one gets
 * through the gateway and its verdict is the one that is written here with its reason.
 */
#include "rig.h"

struct row {
    const char *file;
    enum outcome originator;
    bool unchanged;            /* byte for byte as it came */
    const char *contains;      /* in what is delivered; NULL: not looked at */
    const char *reason;        /* in the reason of the outermost layer; NULL: there is no layer */
};

static char *corpus(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *path = g_build_filename(tests != NULL ? tests : "tests", "../../shared/corpora", name, NULL);

    return g_file_test(path, G_FILE_TEST_IS_DIR) ? steal(&path) : NULL;
}

static struct gateway *open_gateway(const char *folder, const char *corpus_path, const char *anchors, const char *identity)
{
    g_autofree char *anchor = g_build_filename(corpus_path, anchors, NULL);
    g_autofree char *text =
        g_strdup_printf("local_domains = ( \"partner.test\" );\nauthserv_id = \"gw\";\nspool_directory = \"/tmp\";\n"
                        "trust_anchors = ( \"%s\" );\n%s", anchor, identity);
    g_autofree char *file = pki_write_text(folder, "domsec.conf", text);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;

    for (size_t i = 0; i < faults_errors(faults) && i < faults_count(faults); i++)
        fprintf(stderr, "%s\n", faults_at(faults, i));
    cr_assert_not_null(gateway);
    return gateway;
}

static void check(const struct org *org, const char *folder, const struct row *row, time_t at)
{
    g_autofree char *path = g_build_filename(folder, row->file, NULL), *bytes = NULL;
    gsize length = 0;

    cr_assert(g_file_get_contents(path, &bytes, &length, NULL), "%s", path);
    owned(message) struct message *message = rig_message(org, bytes, length);
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"someone@elsewhere.test", "bob@partner.test", NULL, NULL, "198.51.100.1"});
    owned(result) struct result *result = gateway_inbound(org->gateway, envelope, message, at);
    owned(rope) struct rope *out = edits_apply(&result->edits, message);
    g_autofree char *delivered = rope_flatten(out, NULL);
    g_autofree char *report = result_report(result);

    cr_expect_eq(result->verdict, VERDICT_ACCEPT, "%s: %s", row->file, result->reason);
    cr_expect_eq(result->originator.outcome, row->originator, "%s: %s", row->file, report);
    cr_expect_eq(edits_are_empty(&result->edits), row->unchanged, "%s: %s", row->file, report);
    if (row->contains != NULL)
        cr_expect_not_null(strstr(delivered, row->contains), "%s: %s", row->file, delivered);
    if (row->reason == NULL)
        cr_expect_eq(result->layer_count, 0, "%s: %s", row->file, report);
    else
        cr_expect(result->layer_count > 0 && strstr(result->layers[0].finding.reason, row->reason) != NULL, "%s: %s",
                  row->file, report);
}

/* Every key and digest is of 1999: DSA and RSA of 1024 bits, SHA-1. A signature that holds is weak or its chain is, so none passes. The
 * clock is the corpus's. */
static const struct row rfc4134[] = {
    {"eml/3.1.eml", OUTCOME_NONE, true, NULL, NULL}, /* data: no layer of S/MIME */
    {"eml/3.2.eml", OUTCOME_NONE, true, NULL, NULL},
    {"eml/4.1.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.2.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.3.eml", OUTCOME_PERMERROR, false, "smime=permerror", "no content"}, /* detached, in an opaque type */
    {"eml/4.4.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.5.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.6.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.7.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"4.8.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"4.9.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.10.eml", OUTCOME_FAIL, false, "smime=fail", "weak"},
    {"eml/4.11.eml", OUTCOME_NONE, true, NULL, NULL}, /* certs-only */
    {"eml/5.1.eml", OUTCOME_NONE, false, "This is some sample content.", "weak cipher des-ede3-cbc"},
    {"eml/5.2.eml", OUTCOME_NONE, false, "pkcs7-mime", "weak cipher"}, /* RC2: refused */
    {"5.3.eml", OUTCOME_NONE, false, "This is some sample content.", "weak cipher des-ede3-cbc"},
    {"eml/6.0.eml", OUTCOME_NONE, true, NULL, NULL}, /* digestedData */
    {"eml/7.1.eml", OUTCOME_NONE, true, NULL, NULL}, /* encryptedData */
    {"eml/7.2.eml", OUTCOME_NONE, true, NULL, NULL},
};

Test(corpora, rfc4134)
{
    g_autofree char *folder = corpus("rfc4134");
    struct org org = {0};

    if (folder == NULL)
        return;
    mime_init();
    char *scratch = pki_folder();
    g_autofree char *bob = g_strdup_printf("identities = ( { domain = \"partner.test\"; role = \"domain-confidentiality-authority\"; "
                                           "certificate = \"%s/BobRSASignByCarl.pem\"; key = \"file:%s/BobPrivRSAEncrypt.pem\"; } );\n",
                                           folder, folder);
    org.gateway = open_gateway(scratch, folder, "anchors.pem", bob);
    for (size_t i = 0; i < G_N_ELEMENTS(rfc4134); i++)
        check(&org, folder, &rfc4134[i], 1000000000);
    gateway_unref(org.gateway);
    pki_remove(scratch);
}

/* Header protection (an early form of RFC 9788): the inner fields stay where they are, none is promoted. */
static const struct row protected_headers[] = {
    {"smime-multipart-signed.eml", OUTCOME_PASS, false, "smime=pass", "good signature"},
    {"smime-onepart-signed.eml", OUTCOME_PASS, false, "smime=pass", "good signature"},
    {"smime-enc+legacy-disp.eml", OUTCOME_NONE, false, "\nSubject: ...", "decrypted"},
    {"smime-sign+enc.eml", OUTCOME_PASS, false, "\nSubject: ...", "decrypted"},
    {"smime-sign+enc+legacy-disp.eml", OUTCOME_PASS, false, "\nSubject: ...", "decrypted"},
    {"unfortunately-complex.eml", OUTCOME_NONE, true, NULL, NULL}, /* PGP outside: not ours to open */
};

Test(corpora, protected_headers)
{
    g_autofree char *folder = corpus("lamps/protected-headers");
    struct org org = {0};

    if (folder == NULL)
        return;
    mime_init();
    char *scratch = pki_folder();
    g_autofree char *bob = g_strdup_printf("identities = ( { domain = \"partner.test\"; role = \"domain-confidentiality-authority\"; "
                                           "certificate = \"%s/bob.pem\"; key = \"file:%s/bob.pem\"; } );\n", folder, folder);
    org.gateway = open_gateway(scratch, folder, "sample-ca.pem", bob);
    for (size_t i = 0; i < G_N_ELEMENTS(protected_headers); i++)
        check(&org, folder, &protected_headers[i], 1790000000);
    gateway_unref(org.gateway);
    pki_remove(scratch);
}
