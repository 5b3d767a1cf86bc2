/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that nobody here wrote, where they are present: the examples of RFC 4134 and samples of protected headers.
 * Each one gets through the gateway and its verdict is the one that is written here with its reason.
 */
#include "support/rig.h"
#include "support/schema.h"

struct row {
    const char *file;
    enum outcome originator;
    bool unchanged;       /* byte for byte as it came */
    const char *contains; /* in what is delivered; NULL: not looked at */
    const char *reason;   /* in the reason of the outermost layer; NULL: there is no layer */
};

/* Skips the test where the corpus is not there. */
static char *corpus(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    char *path = g_build_filename(tests != NULL ? tests : "tests", "../../shared/corpora", name, NULL);
    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_free(path);
        cr_skip_test("needs ../shared/corpora/%s", name);
    }
    return path;
}

static struct gateway *open_gateway(const char *folder, const char *corpus_path, const char *anchors,
                                    const char *identity)
{
    g_autofree char *anchor = g_build_filename(corpus_path, anchors, NULL);
    g_autofree char *text =
        g_strdup_printf("local_domains = ( \"partner.test\" );\nauthserv_id = \"gw\";\nspool_directory = \"/tmp\";\n"
                        "trust_anchors = ( \"%s\" );\n%s",
                        anchor, identity);
    g_autofree char *file = folder_file(folder, "domsec.conf", text);
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
    owned(passage) struct passage *result = rig_take(org->gateway, DIRECTION_INBOUND, envelope, message, at);
    owned(rope) struct rope *out = edits_apply(&result->made.edits, message);
    g_autofree char *delivered = rope_flatten(out, NULL);
    g_autofree char *report = passage_report(result);
    schema_expect(report, row->file);

    cr_expect_eq(result->reply.verdict, VERDICT_ACCEPT, "%s: %s", row->file, result->reply.reason);
    cr_expect_eq(result->plan.judgement.originator.outcome, row->originator, "%s: %s", row->file, report);
    cr_expect_eq(edits_are_empty(&result->made.edits), row->unchanged, "%s: %s", row->file, report);
    if (row->contains != NULL)
        cr_expect_not_null(strstr(delivered, row->contains), "%s: %s", row->file, delivered);
    if (row->reason == NULL)
        cr_expect_eq(result->plan.judgement.layer_count, 0, "%s: %s", row->file, report);
    else
        cr_expect(result->plan.judgement.layer_count > 0 &&
                      strstr(result->plan.judgement.layers[0].finding.reason, row->reason) != NULL,
                  "%s: %s", row->file, report);
}

/* Every row of one corpus, at a gateway that can decrypt with one key of it. */
static void check_all(const char *name, const char *anchors, const char *certificate, const char *key,
                      const struct row *rows, size_t count, time_t at)
{
    g_autofree char *folder = corpus(name);
    struct org org = {0};
    mime_init();
    char *scratch = folder_new();
    g_autofree char *bob =
        g_strdup_printf("identities = ( { domain = \"partner.test\"; role = \"domain-confidentiality-authority\"; "
                        "certificate = \"%s/%s\"; key = \"file:%s/%s\"; } );\n",
                        folder, certificate, folder, key);
    org.gateway = open_gateway(scratch, folder, anchors, bob);
    for (size_t i = 0; i < count; i++)
        check(&org, folder, &rows[i], at);
    gateway_unref(org.gateway);
    folder_remove(scratch);
}

/* Every key and digest is of 1999: DSA and RSA of 1024 bits, SHA-1. A signature that holds is weak or its chain is, so
 * none passes. The clock is the corpus's. */
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
    check_all("rfc4134", "anchors.pem", "BobRSASignByCarl.pem", "BobPrivRSAEncrypt.pem", rfc4134, G_N_ELEMENTS(rfc4134),
              1000000000);
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
    check_all("lamps/protected-headers", "sample-ca.pem", "bob.pem", "bob.pem", protected_headers,
              G_N_ELEMENTS(protected_headers), 1790000000);
}

/* RFC 9216: persons with RSA, Ed25519 and X25519 keys under two authorities. They sign, and are believed; they decrypt.
 */
static const struct {
    const char *prefix, *address;
} lamps[] = {
    {"alices", "alice@smime.example"},
    {"bobs", "bob@smime.example"},
    {"carloss", "carlos@smime.example"},
    {"danas", "dana@smime.example"},
};

static char *lamps_file(const char *folder, const char *prefix, const char *suffix)
{
    g_autofree char *name = g_strconcat(prefix, suffix, NULL);
    return g_build_filename(folder, name, NULL);
}

static struct pki lamps_load(const char *folder, const char *prefix, const char *certificate, const char *key)
{
    g_autofree char *certificate_file = lamps_file(folder, prefix, certificate);
    g_autofree char *key_file = lamps_file(folder, prefix, key), *uri = g_strconcat("file:", key_file, NULL);
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *stack = certificates_load(certificate_file, &error);
    cr_assert_not_null(stack, "%s", error.text);
    struct pki pki = {.cert = sk_X509_shift(stack), .key = keys_load(uri, &error)};
    cr_assert_not_null(pki.key, "%s", error.text);
    return pki;
}

static char *lamps_anchors(const char *folder, const char *scratch)
{
    g_autofree char *rsa = NULL, *edwards = NULL;
    g_autofree char *rsa_file = lamps_file(folder, "rsa", "-certification-authority-root-certificate.crt");
    g_autofree char *edwards_file = lamps_file(folder, "ed25519", "-certification-authority-root-certificate.crt");
    cr_assert(g_file_get_contents(rsa_file, &rsa, NULL, NULL) &&
              g_file_get_contents(edwards_file, &edwards, NULL, NULL));
    g_autofree char *both = g_strconcat(rsa, "\n", edwards, NULL);
    return folder_file(scratch, "anchors.pem", both);
}

static void lamps_person(const struct org *org, const char *folder, size_t i)
{
    struct pki signer = lamps_load(folder, lamps[i].prefix, "-signature-verification-end-entity-certificate.crt",
                                   "-signing-private-key-material.key");
    g_autofree char *top = g_strdup_printf("From: %s\r\nSubject: x\r\n", lamps[i].address);
    struct entity content = rig_content("Content-Type: text/plain\r\n", "the words\r\n");
    g_autofree char *text = rig_sign(org, &signer, 0, top, &content);
    AUTO_SENT struct sent in = rig_pass(
        org, DIRECTION_INBOUND, &(struct rig_envelope){lamps[i].address, "x@partner.test", NULL, NULL, "198.51.100.1"},
        text, strlen(text));
    cr_expect_eq(in.result->plan.judgement.originator.outcome, OUTCOME_PASS, "%s: %s", lamps[i].prefix,
                 in.result->plan.judgement.originator.reason);
    X509_free(signer.cert);
    EVP_PKEY_free(signer.key);

    g_autofree char *file = lamps_file(folder, lamps[i].prefix, "-encryption-end-entity-certificate.crt");
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *stack = certificates_load(file, &error);
    X509 *recipient = sk_X509_value(stack, 0);
    struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM, .limits = &gateway_conf(org->gateway)->limits};
    struct entity secret = rig_content("Content-Type: text/plain\r\n", "the secret\r\n"), shut = {0};
    bool encrypted = smime_encrypt(&recipient, 1, &options, &secret, &shut, &error);

    entity_clear(&secret);
    cr_assert(encrypted, "%s: %s", lamps[i].prefix, error.text);
    g_autofree char *sealed = rig_text(top, &shut);
    AUTO_SENT struct sent opened = rig_pass(
        org, DIRECTION_INBOUND, &(struct rig_envelope){lamps[i].address, "x@partner.test", NULL, NULL, "198.51.100.1"},
        sealed, strlen(sealed));
    cr_expect_not_null(strstr(opened.bytes, "the secret"), "%s: %s", lamps[i].prefix, opened.result->reply.reason);
}

Test(corpora, rfc9216)
{
    g_autofree char *folder = corpus("lamps/rfc9216");
    struct org org = {0};
    mime_init();
    char *scratch = folder_new();
    g_autofree char *anchors = lamps_anchors(folder, scratch);
    GString *identities = g_string_new("identities = (");
    for (size_t i = 0; i < G_N_ELEMENTS(lamps); i++)
        g_string_append_printf(
            identities,
            "%s { domain = \"partner.test\"; role = \"domain-confidentiality-authority\"; certificate = "
            "\"%s/%s-encryption-end-entity-certificate.crt\"; key = "
            "\"file:%s/%s-decryption-private-key-material.key\"; }",
            i > 0 ? "," : "", folder, lamps[i].prefix, folder, lamps[i].prefix);
    g_string_append(identities, " );\n");
    org.gateway = open_gateway(scratch, scratch, "anchors.pem", identities->str);
    for (size_t i = 0; i < G_N_ELEMENTS(lamps); i++)
        lamps_person(&org, folder, i);
    g_string_free(identities, TRUE);
    gateway_unref(org.gateway);
    folder_remove(scratch);
}
