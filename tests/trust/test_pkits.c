/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NIST's PKITS, 2011 edition, and its path discovery suite: each message brings its chain and CRLs, expect.tsv has the
 * verdict on the path under default inputs. Skipped where the corpus is not there.
 */
#include "support/setting.h"
#include "support/web.h"

#include "trust/anchors.h"
#include "trust/fetch.h"
#include "trust/path.h"

struct row {
    char *file;
    char *name;
    bool valid; /* of the path; meaningless for policy_dependent */
    bool policy_dependent;
    time_t at;
};

static char *corpus(void)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    char *folder = tests != NULL ? g_build_filename(tests, "..", "..", "shared", "corpora", "pkits", NULL) : NULL;
    if (folder == NULL || !g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        g_free(folder);
        cr_skip_test("needs ../shared/corpora/pkits");
    }
    return folder;
}

static bool parse_row(const char *line, const char *folder, const char *suite, struct row *row)
{
    g_auto(GStrv) columns = g_strsplit(line, "\t", -1);
    if (g_strv_length(columns) < 5 || !g_str_has_prefix(columns[0], suite))
        return false;
    g_autoptr(GDateTime) clock = g_date_time_new_from_iso8601(columns[4], NULL);
    cr_assert_not_null(clock, "%s", line);
    row->file = g_build_filename(folder, columns[0], NULL);
    row->name = g_strdup(columns[1]);
    row->valid = strcmp(columns[2], "VALID-path") == 0;
    row->policy_dependent = strcmp(columns[2], "policy-dependent") == 0;
    row->at = g_date_time_to_unix(clock);
    return true;
}

/* Opaque or clear-signed, always base64; SMIME_read_CMS() stumbles over the empty lines that some begin with. */
static CMS_ContentInfo *read_cms(const char *path)
{
    g_autofree char *text = NULL;
    gsize length = 0;
    cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
    g_auto(GStrv) lines = g_strsplit(text, "\r", -1); /* line ends are mixed */
    g_autofree char *unix_text = g_strjoinv("", lines);
    const char *part = strstr(unix_text, "Content-Type: application/");
    const char *body = part != NULL ? strstr(part, "\n\n") : NULL;
    cr_assert_not_null(body, "%s", path);
    g_autofree char *base64 = g_strndup(body, strcspn(body, "-"));
    g_autofree guchar *der = g_base64_decode(base64, &length);
    const unsigned char *at = der;
    return d2i_CMS_ContentInfo(NULL, &at, (long)length);
}

static X509 *signer_of(CMS_ContentInfo *cms, STACK_OF(X509) * certificates)
{
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    for (int i = 0; signer != NULL && i < sk_X509_num(certificates); i++)
        if (CMS_SignerInfo_cert_cmp(signer, sk_X509_value(certificates, i)) == 0)
            return sk_X509_value(certificates, i);
    return NULL;
}

static void judge(const struct setting *setting, const struct row *row, enum purpose purpose, bool with_crls,
                  struct finding *finding)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = read_cms(row->file);
    cr_assert_not_null(cms, "%s", row->file);
    owned(x509_stack) STACK_OF(X509) *certificates = CMS_get1_certs(cms);
    STACK_OF(X509_CRL) *crls = CMS_get1_crls(cms);
    struct chain_query query = {.leaf = signer_of(cms, certificates),
                                .untrusted = certificates,
                                .crls = with_crls ? crls : NULL,
                                .purpose = purpose,
                                .at = row->at};
    cr_assert_not_null(query.leaf, "%s", row->file);
    setting_judge(setting, &query, finding);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

/* All certificates of the corpus, as a path would have them: with the parameters that a key inherits. */
static STACK_OF(X509) * all_certificates(const struct setting *setting, const char *folder)
{
    owned(x509_stack) STACK_OF(X509) *all = sk_X509_new_null();
    g_autofree char *certificates = g_build_filename(folder, "ed2011-sha256/certs", NULL);
    g_autoptr(GDir) dir = g_dir_open(certificates, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(certificates, name, NULL), *text = NULL;
        gsize length = 0;
        cr_assert(g_file_get_contents(file, &text, &length, NULL));
        const unsigned char *at = (const unsigned char *)text;
        X509 *certificate = d2i_X509(NULL, &at, (long)length);
        if (certificate != NULL)
            sk_X509_push(all, certificate);
    }
    owned(X509) X509 *leaf = X509_dup(sk_X509_value(all, 0));
    owned(anchors) struct anchors *anchors = scope_anchors(setting->trust->global);
    const struct path_query query = {.anchors = anchors, .leaf = leaf};
    return path_inherit_parameters(all, &query, &leaf);
}

/* Certificates with the name of a list's issuer. */
static STACK_OF(X509) * signers_of(const STACK_OF(X509) * all, const char *der, gsize length)
{
    const unsigned char *at = (const unsigned char *)der;
    owned(X509_CRL) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)length);
    STACK_OF(X509) *signers = sk_X509_new_null();
    for (int i = 0; crl != NULL && i < sk_X509_num(all); i++)
        if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(all, i)), X509_CRL_get_issuer(crl)) == 0)
            X509_add_cert(signers, sk_X509_value(all, i), X509_ADD_FLAG_UP_REF);
    return signers;
}

struct tally {
    unsigned rows, agreed, used, refused;
};

/* Under PURPOSE_SIGN a valid path may still end in a certificate that must not sign mail. */
static void judge_usage(const struct setting *setting, const struct row *row, bool with_crls, struct tally *tally)
{
    struct finding finding = {0};
    judge(setting, row, PURPOSE_SIGN, with_crls, &finding);
    if (finding.outcome == OUTCOME_PASS) {
        tally->used++;
        cr_expect(row->valid || row->policy_dependent, "%s passes", row->name);
        return;
    }
    if (!row->valid)
        return;
    tally->refused++;
    cr_expect(strstr(row->name, "DSA") != NULL || strstr(finding.reason, "it is a CA certificate") != NULL,
              "%s: %s: %s", row->name, outcome_name(finding.outcome), finding.reason);
}

/* All lists of the corpus, from a web server, as if a certificate had named its address: theirs name directories. Each
 * file of certs/ may have signed one. */
static void fetch_lists(const struct setting *setting, const char *folder)
{
    owned(web) struct web *web = web_start();
    owned(fetcher) struct fetcher *fetcher = fetcher_new(setting->conf, setting->trust->kept, setting->trust->notices);
    owned(x509_stack) STACK_OF(X509) *all = all_certificates(setting, folder);
    g_autofree char *lists = g_build_filename(folder, "ed2011-sha256/crls", NULL);
    g_autoptr(GDir) dir = g_dir_open(lists, 0, NULL);
    unsigned taken = 0;
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(lists, name, NULL), *text = NULL;
        g_autofree char *path = g_strconcat("/", name, NULL), *url = web_url(web, path);
        gsize length = 0;
        time_t due = 0;
        cr_assert(g_file_get_contents(file, &text, &length, NULL));
        web_put(web, path, &(struct web_page){.body = text, .length = length});
        owned(x509_stack) STACK_OF(X509) *signers = signers_of(all, text, length);
        taken += fetch_list(fetcher, url, signers, &due) == NULL;
    }
    cr_expect_geq(taken, 160, "%u lists", taken);
}

static struct tally run(const char *folder, const char *suite, const char *main_keys, bool with_crls)
{
    struct tally tally = {0};
    AUTO_SETTING setting = setting_new(main_keys, "");
    g_autofree char *crls = g_build_filename(setting->folder, "none", NULL);
    g_assert_true(g_mkdir(crls, 0700) == 0);
    setting_open(setting);
    if (setting->conf->revocation.fetch)
        fetch_lists(setting, folder);
    g_autofree char *list = g_build_filename(folder, "expect.tsv", NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(list, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        struct row row = {0};
        struct finding finding = {0};
        if (!parse_row(*line, folder, suite, &row))
            continue;
        judge(setting, &row, PURPOSE_PATH, with_crls, &finding);
        if (!row.policy_dependent) {
            bool agreed = (finding.outcome == OUTCOME_PASS) == row.valid;
            tally.rows++;
            tally.agreed += agreed;
            cr_expect(agreed, "%s: expected %s, found %s: %s", row.name, row.valid ? "valid" : "not valid",
                      outcome_name(finding.outcome), finding.reason);
        }
        judge_usage(setting, &row, with_crls, &tally);
        g_free(row.file);
        g_free(row.name);
    }
    return tally;
}

Test(pkits, paths_and_revocation)
{
    static const struct {
        const char *crls; /* below the corpus */
        bool in_messages;
    } rows[] = {{NULL, true}, {"ed2011-sha256/crls", false}, {"ed2011-sha256/crls", true}};
    g_autofree char *folder = corpus();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *crls = rows[i].crls != NULL ? g_build_filename(folder, rows[i].crls, NULL) : g_strdup("none");
        g_autofree char *keys = g_strdup_printf(
            "trust_anchors = ( \"%s/ed2011-sha256/trust-anchor.pem\" ); crls = ( \"%s\" );", folder, crls);
        struct tally tally = run(folder, "ed2011-sha256/", keys, rows[i].in_messages);
        cr_expect_eq(tally.rows, 214);
        cr_expect_eq(tally.agreed, 214);
        /* Two DSA keys of 1024 bits, four authorities' certificates as signers. */
        cr_expect_eq(tally.refused, 6, "%u valid paths refused for their leaf", tally.refused);
    }
}

/* OpenSSL sees the fetched ones without their entries, and comes to the same. */
Test(pkits, fetched_lists)
{
    g_autofree char *folder = corpus();
    g_autofree char *keys = g_strdup_printf(
        "trust_anchors = ( \"%s/ed2011-sha256/trust-anchor.pem\" ); fetch_networks = ( \"127.0.0.1\" ); "
        "revocation = { check = \"hard\"; ocsp = false; };",
        folder);
    struct tally tally = run(folder, "ed2011-sha256/", keys, false);
    cr_expect_eq(tally.rows, 214);
    cr_expect_eq(tally.agreed, 214);
    cr_expect_eq(tally.refused, 6, "%u valid paths refused for their leaf", tally.refused);
}

/* Its certificates point to directories and web servers; nothing here opens a connection, so no path is found. */
Test(pkits, path_discovery)
{
    g_autofree char *folder = corpus();
    g_autofree char *keys =
        g_strdup_printf("trust_anchors = ( \"%s/path-discovery/trust-anchors.pem\" ); crls = ( \"none\" );", folder);
    struct tally tally = run(folder, "path-discovery/", keys, true);
    cr_expect_eq(tally.rows, 75);
    cr_expect_eq(tally.agreed, 75);
    cr_expect_eq(tally.used, 0);
}
