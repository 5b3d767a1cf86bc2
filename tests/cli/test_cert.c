/* SPDX-License-Identifier: Apache-2.0 */
/* The store of partners' certificates, and keys made beside an existing configuration. */
#include "support/pki.h"
#include "support/program.h"

#include <jansson.h>

/* dir/a and dir/b: configurations of acme.test and partner.test. */
static char *two_domains(void)
{
    char *dir = folder_new();
    owned(run) struct run a = run("domsec init --domain acme.test --algorithm p256 '%s/a'", dir);
    owned(run) struct run b = run("domsec init --domain partner.test --algorithm p256 '%s/b'", dir);
    cr_assert_eq(a.status, 0, "%s", a.err);
    cr_assert_eq(b.status, 0, "%s", b.err);
    return dir;
}

static char *fingerprint(const char *dir, const char *file)
{
    owned(run) struct run shown = run("openssl x509 -in '%s/%s' -noout -fingerprint -sha256", dir, file);
    cr_assert_eq(shown.status, 0);
    char *equals = strchr(shown.out, '=');
    cr_assert_not_null(equals);
    g_strchomp(equals);
    return g_strdup(equals + 1); /* AB:CD:… */
}

static char *without_colons(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ":", -1);
    g_autofree char *joined = g_strjoinv("", words);
    return g_ascii_strdown(joined, -1);
}

Test(cert, import_list_show_export_find_remove)
{
    owned(folder) char *dir = two_domains();
    g_autofree char *colons = fingerprint(dir, "b/keys/dca.pem");
    g_autofree char *id = without_colons(colons);
    owned(run) struct run none = run("domsec cert find -c '%s/a/domsec.conf' bob@partner.test", dir);
    expect_status(none, 2);
    owned(run) struct run imported = run("domsec cert import '%s/b/keys/dca.pem' -c '%s/a/domsec.conf'", dir, dir);
    expect_status(imported, 0);
    expect_contains(imported.out, id);
    owned(run) struct run again = run("domsec cert import '%s/b/keys/dca.pem' -c '%s/a/domsec.conf'", dir, dir);
    expect_status(again, 0);
    owned(run) struct run listed = run("domsec cert list -c '%s/a/domsec.conf'", dir);
    expect_status(listed, 0);
    expect_contains(listed.out, "domain-confidentiality-authority@partner.test");
    owned(run) struct run json = run("domsec cert list --json -c '%s/a/domsec.conf'", dir);
    expect_contains(json.out, id);
    owned(run) struct run shown = run("domsec cert show %s -c '%s/a/domsec.conf'", colons, dir);
    expect_status(shown, 0);
    expect_contains(shown.out, "keyAgreement");
    expect_contains(shown.out, "p-256");
    owned(run) struct run in_file = run("domsec cert show '%s/b/keys/dca.pem' -c '%s/none'", dir, dir);
    expect_status(in_file, 0);
    expect_contains(in_file.out, id);
    owned(run) struct run exported = run("domsec cert export %.12s -c '%s/a/domsec.conf'", id, dir);
    g_autofree char *original = folder_read(dir, "b/keys/dca.pem");
    expect_status(exported, 0);
    cr_expect_str_eq(exported.out, original);
    owned(run) struct run found = run("domsec cert find bob@partner.test -c '%s/a/domsec.conf'", dir);
    expect_status(found, 1);
    expect_contains(found.out, "the domain");
    owned(run) struct run other = run("domsec cert find bob@another.test -c '%s/a/domsec.conf'", dir);
    expect_status(other, 2);
    owned(run) struct run nobody = run("domsec cert find '' -c '%s/a/domsec.conf'", dir);
    expect_status(nobody, 64);
    owned(run) struct run removed = run("domsec cert remove %.8s -c '%s/a/domsec.conf'", id, dir);
    expect_status(removed, 0);
    owned(run) struct run gone = run("domsec cert remove %.8s -c '%s/a/domsec.conf'", id, dir);
    cr_expect_neq(gone.status, 0);
    owned(run) struct run empty = run("domsec cert list --json -c '%s/a/domsec.conf'", dir);
    cr_expect_str_eq(empty.out, "[]\n");
}

/* What was asked, what came, and why it is used or not. */
Test(cert, find_shows_the_whole_search)
{
    owned(folder) char *dir = two_domains();
    g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\ncertificates = ( \"%s/a/keys/dca.pem\" );\n"
                                              "outbound = { protect = \"encrypt\"; };\n",
                                              dir);
    folder_write(dir, "a/policy.d/partner.conf", policy);
    owned(run) struct run imported = run("domsec cert import '%s/b/keys/dca.pem' -c '%s/a/domsec.conf'", dir, dir);
    expect_status(imported, 0);
    owned(run) struct run unusable = run("domsec cert find bob@partner.test -c '%s/a/domsec.conf'", dir);
    expect_status(unusable, 1);
    expect_contains(unusable.out, "bob@partner.test (rule partner.conf)\n");
    expect_contains(unusable.out, "pinned     certificates of partner.conf ");
    expect_contains(unusable.out, "directory  bob@partner.test and partner.test in ");
    expect_contains(unusable.out, "domain-confidentiality-authority@acme.test     not used: ");
    expect_contains(unusable.out, "domain-confidentiality-authority@partner.test  not used: ");
    expect_contains(unusable.err, "domsec: no usable certificate for bob@partner.test: ");
    g_autofree char *trusting = g_strdup_printf("%sanchors = ( \"%s/b/ca/ca.pem\" );\n", policy, dir);
    folder_write(dir, "a/policy.d/partner.conf", trusting);
    owned(run) struct run usable = run("domsec cert find bob@partner.test -c '%s/a/domsec.conf'", dir);
    expect_status(usable, 0);
    expect_contains(usable.out, "domain-confidentiality-authority@acme.test     not used: ");
    expect_contains(usable.out, "domain-confidentiality-authority@partner.test  usable\n");
    cr_expect_null(strstr(usable.err, "domsec: "), "%s", usable.err);
    owned(run) struct run json = run("domsec cert find --json bob@partner.test -c '%s/a/domsec.conf'", dir);
    expect_status(json, 0);
    static const char *const says[] = {
        "\"result\": \"usable\"",    "\"rule\": \"partner.conf\"", "\"source\": \"file\"",
        "\"source\": \"directory\"", "\"source\": \"pinned\"",     "\"for\": \"the domain\"",
        "\"note\": \"usable\"",      "\"answer\": \"found\"",      "\"purpose\": \"encrypt\"",
        "\"cached\": false",         "\"note\": \"not used: the c"};
    for (size_t i = 0; i < G_N_ELEMENTS(says); i++)
        expect_contains(json.out, says[i]);
    owned(run) struct run explained =
        run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --auth alice --to bob@partner.test", dir);
    expect_status(explained, 0);
    expect_contains(explained.out, "\n    pinned     certificates of partner.conf ");
    expect_contains(explained.out, "domain-confidentiality-authority@partner.test  used\n");
}

/* Nobody listens at port 1. What cannot be found out is not none. */
Test(cert, find_says_that_a_source_has_failed)
{
    owned(folder) char *dir = two_domains();
    g_autofree char *conf = folder_read(dir, "a/domsec.conf");
    g_autofree char *failing =
        g_strconcat(conf, "ldap = ( { domains = \"partner.test\"; uri = \"ldap://127.0.0.1:1\"; } );\n", NULL);
    folder_write(dir, "a/domsec.conf", failing);
    owned(run) struct run failed = run("domsec cert find bob@partner.test -c '%s/a/domsec.conf'", dir);
    expect_status(failed, 75);
    expect_contains(failed.out, "ldap ");
    expect_contains(failed.out, "ldap://127.0.0.1:1 ");
    expect_contains(failed.out, "  failed: ");
    expect_contains(failed.err, "domsec: the lookup failed for bob@partner.test: ");
    owned(run) struct run json = run("domsec cert find --json bob@partner.test -c '%s/a/domsec.conf'", dir);
    expect_status(json, 75);
    expect_contains(json.out, "\"result\": \"failed\"");
    expect_contains(json.out, "\"answer\": \"failed\"");
}

Test(cert, shows_our_own_too)
{
    owned(folder) char *dir = two_domains();
    g_autofree char *colons = fingerprint(dir, "a/keys/dsa.pem");
    owned(run) struct run shown = run("domsec cert show %s -c '%s/a/domsec.conf'", colons, dir);
    expect_status(shown, 0);
    expect_contains(shown.out, "domain-signing-authority@acme.test");
    owned(run) struct run unknown = run("domsec cert show 0123456789 -c '%s/a/domsec.conf'", dir);
    expect_status(unknown, 65);
}

Test(cert, refuses_what_is_no_certificate)
{
    owned(folder) char *dir = two_domains();
    folder_write(dir, "rubbish.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    const char *const files[] = {"rubbish.pem", "missing.pem", "a/keys/dsa.key"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        owned(run) struct run refused = run("domsec cert import '%s/%s' -c '%s/a/domsec.conf'", dir, files[i], dir);
        cr_expect_eq(refused.status, 65, "%s: %d", files[i], refused.status);
        cr_expect_str_not_empty(refused.err);
    }
    owned(run) struct run authority = run("domsec cert import '%s/b/ca/ca.pem' -c '%s/a/domsec.conf'", dir, dir);
    expect_contains(authority.out, "anchors");
    owned(run) struct run empty = run("domsec cert list --json -c '%s/a/domsec.conf'", dir);
    cr_expect_str_eq(empty.out, "[]\n");
}

/* Only root can give a file away. */
Test(key, new_belongs_to_the_owner_of_its_folder)
{
    if (geteuid() != 0)
        return;
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 --owner nobody '%s'", dir);
    expect_status(made, 0);
    owned(run) struct run added = run("domsec key new --domain acme.test --role review-authority --algorithm p256 "
                                      "--out '%s/keys/review.key' --ca '%s/ca'",
                                      dir, dir);
    expect_status(added, 0);
    g_autofree char *key = g_build_filename(dir, "keys/review.key", NULL);
    g_autofree char *keys = g_build_filename(dir, "keys", NULL);
    struct stat of_key, of_folder;
    cr_assert(stat(key, &of_key) == 0 && stat(keys, &of_folder) == 0);
    cr_expect_eq(of_key.st_uid, of_folder.st_uid);
    cr_expect_neq(of_key.st_uid, 0);
}

/* Root can read what the daemon cannot. A key may be root's alone if a process of its own reads it. */
Test(check, what_the_daemon_cannot_read_is_a_fault)
{
    if (geteuid() != 0)
        return;
    owned(folder) char *dir = folder_new();
    cr_assert_eq(chmod(dir, 0755), 0);
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 --owner nobody '%s'", dir);
    expect_status(made, 0);
    owned(run) struct run good = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(good, 0);
    g_autofree char *key = g_build_filename(dir, "keys/dsa.key", NULL);
    cr_assert_eq(chown(key, 0, 0), 0);
    owned(run) struct run apart = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(apart, 0);
    g_autofree char *text = folder_read(dir, "domsec.conf");
    g_autofree char *within = g_strconcat(text, "key_process = false;\n", NULL);
    folder_write(dir, "domsec.conf", within);
    owned(run) struct run bad = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(bad, 1);
    expect_contains(bad.out, ": for the daemon's account nobody: ");
    expect_contains(bad.out, "keys/dsa.key: Permission denied\n");
    expect_contains(bad.out, "configuration is bad: 1 fault\n");
    g_autofree char *anchor = g_build_filename(dir, "ca/ca.pem", NULL);
    cr_assert_eq(chown(key, 65534, 65534), 0);
    cr_assert_eq(chmod(anchor, 0600), 0);
    owned(run) struct run other = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(other, 1);
    expect_contains(other.out, "ca/ca.pem: Permission denied\n");
    cr_assert_eq(chmod(dir, 0700), 0);
    owned(run) struct run none = run("domsec check -c '%s/domsec.conf'", dir);
    expect_contains(none.out, "/domsec.conf: cannot be read: Permission denied\n");
}

/* The valid one of the same file is imported. */
Test(cert, expired_certificates_are_left_out)
{
    owned(folder) char *dir = two_domains();
    time_t now = time(NULL);
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_before = now - 9 * 86400, .not_after = now - 86400});
    PKI_AUTO struct pki *new = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=new")});
    g_autofree char *both = pki_write(dir, "both.pem", old, new, NULL), *one = pki_write(dir, "old.pem", old, NULL);
    owned(run) struct run got = run("domsec cert import '%s' -c '%s/a/domsec.conf'", both, dir);
    expect_status(got, 0);
    expect_contains(got.out, "skipped CN=old: the certificate expired on 20");
    expect_contains(got.out, "  CN=new\n");
    owned(run) struct run listed = run("domsec cert list -c '%s/a/domsec.conf'", dir);
    cr_expect_null(strstr(listed.out, "expired"), "%s", listed.out);
    owned(run) struct run none = run("domsec cert import '%s' -c '%s/a/domsec.conf'", one, dir);
    expect_status(none, 65);
}

Test(cert, a_request_is_named_as_such)
{
    owned(folder) char *dir = two_domains();
    owned(run) struct run pem =
        run("openssl req -new -key '%s/a/keys/dsa.key' -subj /CN=x -out '%s/pem.csr'", dir, dir);
    owned(run) struct run der = run("openssl req -in '%s/pem.csr' -outform DER -out '%s/der.csr'", dir, dir);
    owned(run) struct run old = run("openssl req -in '%s/pem.csr' -newhdr -text -out '%s/old.csr'", dir, dir);
    expect_status(pem, 0);
    expect_status(der, 0);
    expect_status(old, 0);
    static const char *const names[] = {"pem.csr", "der.csr", "old.csr"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        owned(run) struct run got = run("domsec cert import '%s/%s' -c '%s/a/domsec.conf'", dir, names[i], dir);
        expect_status(got, 65);
        expect_contains(got.err, names[i]);
        expect_contains(got.err, ": this is a certificate request; ");
    }
}

Test(cert, nothing_imported_is_no_success)
{
    owned(folder) char *dir = two_domains();
    owned(run) struct run got = run("domsec cert import '%s/b/ca/ca.pem' -c '%s/a/domsec.conf'", dir, dir);
    expect_status(got, 65);
    expect_contains(got.out, "skipped ");
    cr_expect_null(strstr(got.out, "SIGHUP"));
}

Test(check, names_what_is_no_revocation_list)
{
    owned(folder) char *dir = two_domains();
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_autofree char *with_crls = g_strconcat(text, "crls = ( \"ca/ca.pem\", \"domsec.conf\" );\n", NULL);
    folder_write(dir, "a/domsec.conf", with_crls);
    owned(run) struct run bad = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_status(bad, 1);
    expect_contains(bad.out, "ca/ca.pem: contains no CRL, only other PEM data\n");
    expect_contains(bad.out, "a/domsec.conf: contains no CRL in PEM or DER\n");
}

Test(key, new_with_a_certificate_from_the_private_authority)
{
    owned(folder) char *dir = two_domains();
    owned(run) struct run made = run("domsec key new --domain acme.test --role domain-confidentiality-authority "
                                     "--out '%s/a/keys/dca2.key' --ca '%s/a/ca' --algorithm rsa2048",
                                     dir, dir);
    expect_status(made, 0);
    expect_contains(made.out, "dca2.pem");
    cr_expect_eq(folder_mode(dir, "a/keys/dca2.key"), 0600);
    owned(run) struct run verified = run("openssl verify -x509_strict -purpose smimeencrypt -CAfile '%s/a/ca/ca.pem' "
                                         "'%s/a/keys/dca2.pem'",
                                         dir, dir);
    expect_status(verified, 0);
    owned(run) struct run again = run("domsec key new --domain acme.test --role domain-confidentiality-authority "
                                      "--out '%s/a/keys/dca2.key' --ca '%s/a/ca' --algorithm p256",
                                      dir, dir);
    expect_status(again, 65);
    /* an authority's certificate that is not the key's */
    folder_copy(dir, "b/ca/ca.pem", dir, "a/ca/ca.pem");
    owned(run) struct run wrong = run("domsec key new --domain acme.test --role review-authority "
                                      "--out '%s/a/keys/r.key' --ca '%s/a/ca' --algorithm p256",
                                      dir, dir);
    expect_status(wrong, 65);
    cr_expect_eq(folder_mode(dir, "a/keys/r.key"), 0, "a key without its certificate stayed");
}

/* Nothing is written before it is known that the authority can be used. */
Test(key, new_with_an_authority_that_is_not_there)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run got = run("domsec key new --domain acme.test --role review-authority --algorithm p256 "
                                    "--out '%s/x.key' --ca '%s'",
                                    dir, dir);
    expect_status(got, 65);
    expect_contains(got.err, "/ca.key: No such file or directory\n");
    cr_expect_eq(folder_mode(dir, "x.key"), 0);
}

Test(key, requests)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec key new --domain acme.test --role review-authority --algorithm p256 "
                                     "--out '%s/review.key'",
                                     dir);
    expect_status(made, 0);
    owned(run) struct run beside = run("openssl req -in '%s/review.csr' -noout -verify -text -nameopt RFC2253", dir);
    expect_status(beside, 0);
    expect_contains(beside.out, "Subject: CN=review-authority@acme.test\n");
    expect_contains(beside.out, "Digital Signature");
    owned(run) struct run printed = run("domsec key csr --domain acme.test --role domain-signing-authority "
                                        "--key 'file:%s/review.key'",
                                        dir);
    expect_status(printed, 0);
    owned(run) struct run shown = run_with(printed.out, "openssl req -noout -verify -subject -nameopt RFC2253");
    expect_status(shown, 0);
    expect_contains(shown.out, "subject=CN=domain-signing-authority@acme.test\n");
    owned(run) struct run written = run("domsec key csr --domain acme.test --role domain-signing-authority "
                                        "--key '%s/review.key' --out '%s/new.csr'",
                                        dir, dir);
    expect_status(written, 0);
    owned(run) struct run twice = run("domsec key csr --domain acme.test --role domain-signing-authority "
                                      "--key '%s/review.key' --out '%s/new.csr'",
                                      dir, dir);
    expect_status(twice, 65);
    owned(run) struct run missing = run("domsec key csr --domain acme.test --role domain-signing-authority "
                                        "--key '%s/none.key'",
                                        dir);
    expect_status(missing, 65);
    cr_expect_str_empty(missing.out);
}

/* --- what a certificate is, in words --- */

struct shown {
    const char *policies; /* of the extension; NULL: without it */
    const char *usage;    /* keyUsage; "": without it */
    enum pki_key kind;
    const char *key, *key_usage, *purpose, *type, *list; /* as the text shows them */
    const char *smime_br, *generation;                   /* JSON; NULL: null */
    bool signs, encrypts, content_commitment;
};

/* The reserved policies: BR "TYPE.GENERATION". */
#define BR "2.23.140.1.5."
static const struct shown shown[] = {
    {BR "1.1", "digitalSignature", PKI_EC, "p-256", "digitalSignature", "signatures",
     "mailbox-validated, legacy generation", BR "1.1", "mailbox", "legacy", true},
    {BR "2.2", "keyEncipherment", PKI_RSA, "rsa-2048", "keyEncipherment", "encryption",
     "organization-validated, multipurpose generation", BR "2.2", "organization", "multipurpose", false, true},
    {BR "3.3,1.2.3.4", "digitalSignature,keyEncipherment,dataEncipherment", PKI_RSA, "rsa-2048",
     "digitalSignature, keyEncipherment, dataEncipherment", "signatures and encryption (dual use)",
     "sponsor-validated, strict generation", BR "3.3, 1.2.3.4", "sponsor", "strict", true, true},
    {"1.2.3.4," BR "4.2", "digitalSignature,nonRepudiation,keyAgreement", PKI_P384, "p-384",
     "digitalSignature, nonRepudiation, keyAgreement", "signatures with content commitment, and encryption (dual use)",
     "individual-validated, multipurpose generation", "1.2.3.4, " BR "4.2", "individual", "multipurpose", true, true,
     true},
    {BR "1.2," BR "2.2", "nonRepudiation", PKI_ED25519, "ed25519", "nonRepudiation",
     "signatures with content commitment", "not declared", BR "1.2, " BR "2.2", NULL, NULL, true, false, true},
    {BR "5.1", "keyCertSign,cRLSign", PKI_P192, "ec-192", "keyCertSign, cRLSign", "neither signatures nor encryption",
     "not declared", BR "5.1", NULL, NULL},
    {NULL, "", PKI_X25519, "x25519", "any", "encryption", "not declared", "none", NULL, NULL, false, true},
};

static void expect_row(const char *text, const char *label, const char *value)
{
    g_autofree char *line = g_strdup_printf("\n%-11s  %s\n", label, value);
    expect_contains(text, line);
}

static void expect_member(const json_t *json, const char *name, const char *value)
{
    const json_t *member = json_object_get(json, name);
    cr_expect(value != NULL ? g_strcmp0(json_string_value(member), value) == 0 : json_is_null(member), "%s: %s", name,
              json_string_value(member));
}

static void expect_json(const char *text, const struct shown *row)
{
    json_t *json = json_loads(text, 0, NULL);
    cr_assert_not_null(json, "%s", text);
    expect_member(json, "issuer", "CN=An authority,O=Tests");
    expect_member(json, "key", row->key);
    expect_member(json, "key_usage", row->key_usage);
    expect_member(json, "smime_br", row->smime_br);
    expect_member(json, "generation", row->generation);
    cr_expect_eq(json_boolean_value(json_object_get(json, "signs")), row->signs, "%s", text);
    cr_expect_eq(json_boolean_value(json_object_get(json, "encrypts")), row->encrypts, "%s", text);
    cr_expect_eq(json_boolean_value(json_object_get(json, "content_commitment")), row->content_commitment, "%s", text);
    GString *policies = g_string_new("");
    for (size_t i = 0; i < json_array_size(json_object_get(json, "policies")); i++)
        g_string_append_printf(policies, "%s%s", i > 0 ? ", " : "",
                               json_string_value(json_array_get(json_object_get(json, "policies"), i)));
    cr_expect_str_eq(policies->str, row->policies != NULL ? row->list : "", "%s", text);
    g_string_free(policies, TRUE);
    json_decref(json);
}

Test(cert, show_says_what_a_certificate_is)
{
    owned(folder) char *dir = folder_new();
    PKI_AUTO struct pki *ca = pki_ca("An authority");
    for (size_t i = 0; i < G_N_ELEMENTS(shown); i++) {
        const struct shown *row = &shown[i];
        g_autofree char *policies = g_strdup_printf("certificatePolicies=%s", row->policies);
        const char *const extensions[] = {row->policies != NULL ? policies : NULL, NULL};
        PKI_AUTO struct pki *one = pki_issue(&(struct pki_spec){.issuer = ca,
                                                                .subject = PKI_LIST("CN=x"),
                                                                .key_usage = row->usage,
                                                                .key = row->kind,
                                                                .extensions = extensions});
        g_autofree char *file = pki_write(dir, "one.pem", one, NULL);
        owned(run) struct run text = run("domsec cert show '%s'", file);
        expect_status(text, 0);
        expect_row(text.out, "issuer", "CN=An authority,O=Tests");
        expect_row(text.out, "key", row->key);
        expect_row(text.out, "key usage", row->key_usage);
        expect_row(text.out, "for", row->purpose);
        expect_row(text.out, "S/MIME BR", row->type);
        expect_row(text.out, "policies", row->list);
        owned(run) struct run json = run("domsec cert show --json '%s'", file);
        expect_status(json, 0);
        expect_json(json.out, row);
    }
}
