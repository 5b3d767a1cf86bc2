/* SPDX-License-Identifier: Apache-2.0 */
/* What `domsec check` foresees: a fault or a warning, each of which says what to do. */
#include "support/pki.h"
#include "support/program.h"

#include <openssl/rsa.h>

#define POLICY "domain = \"partner.test\";\noutbound = { protect = \"sign\"; };\ninbound = { require = \"sign\"; };\n"

/* A configuration on a socket that nobody else reaches, with one policy file. */
static char *configuration(const char *policy)
{
    char *dir = folder_new();
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen 'local:%s/milter' '%s/a'", dir, dir);
    expect_status(made, 0);
    cr_assert_eq(chmod(dir, 0755), 0);
    folder_write(dir, "a/policy.d/partner.test.conf", policy);
    program_give(dir, NULL);
    return dir;
}

static void append(const char *dir, const char *name, const char *more)
{
    g_autofree char *text = folder_read(dir, name), *all = g_strconcat(text, more, NULL);
    folder_write(dir, name, all);
}

/* One finding is expected, and --strict makes a fault of it if it is a warning. */
static void expect(const char *dir, const char *where, const char *text)
{
    owned(run) struct run plain = run("domsec check -c '%s/a/domsec.conf'", dir);
    owned(run) struct run strict = run("domsec check --strict -c '%s/a/domsec.conf'", dir);
    bool is_warning = strstr(where, ": warning: ") != NULL, is_note = strstr(where, ": note: ") != NULL;
    expect_contains(plain.out, where);
    expect_contains(plain.out, text);
    expect_status(plain, is_warning || is_note ? 0 : 1);
    expect_status(strict, is_note ? 0 : 1);
    expect_contains(plain.out, is_warning ? ", 1 warning\n" : is_note ? ", 1 note\n" : "is bad: 1 fault\n");
    if (is_warning)
        expect_contains(strict.out, "is bad: 1 warning (--strict)\n");
}

static void expect_nothing(const char *dir)
{
    owned(run) struct run strict = run("domsec check --strict -c '%s/a/domsec.conf'", dir);
    expect_status(strict, 0);
    expect_contains(strict.out, "configuration is good: 2 identities, 1 policy, 1 trust anchor file\n");
}

Test(check, a_good_configuration_has_no_finding)
{
    owned(folder) char *dir = configuration(POLICY);
    expect_nothing(dir);
}

Test(check, strings_that_libconfig_joins)
{
    static const struct {
        const char *lines, *where; /* NULL: nothing is found */
    } rows[] = {
        {"accept_labels = ( \"1.2.3\" \".4\" );", "partner.test.conf:5: warning: this string is joined "},
        {"accept_labels = ( \"1.2.3\"\n\".4\" );", "partner.test.conf:6: warning: this string is joined "},
        {"accept_labels = ( \"1.2.3\" // one\n/* two */ # three\n\".4\" );",
         "partner.test.conf:7: warning: this string is joined "},
        {"accept_labels = ( \"1.2.3\", \"1.2.4\" );", NULL},
        {"subject_unverified = \"a\"; signed_by = \"any\";", NULL},
        {"subject_unverified = \"a \\\" b\"; /* \"c\" \"d\" */", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy =
            g_strdup_printf("domain = \"partner.test\";\noutbound = { protect = \"sign\"; };\n\ninbound = { require = "
                            "\"sign\";\n%s };\n",
                            rows[i].lines);
        owned(folder) char *dir = configuration(policy);
        if (rows[i].where != NULL)
            expect(dir, rows[i].where, "is a comma missing between them?");
        else
            expect_nothing(dir);
    }
}

Test(check, a_rule_for_our_own_domain)
{
    owned(folder) char *dir = configuration(
        "\ndomain = \"acme.test\";\noutbound = { protect = \"sign\"; };\ninbound = { require = \"sign\"; };\n");
    expect(dir, "partner.test.conf:2: warning: \"acme.test\" is one of local_domains: ", "; remove the file if");
}

Test(check, a_mark_that_every_message_gets)
{
    owned(folder) char *dir = configuration("domain = \"partner.test\";\noutbound = { protect = \"sign\"; };\n"
                                            "inbound = { subject_verified = \"[ok]\"; };\n");
    expect(dir, "partner.test.conf:3: warning: \"subject_verified\" marks every message",
           "set \"require\" to \"sign\"");
}

static void identity(const char *dir, const struct pki *pki, const struct pki *more)
{
    g_autofree char *keys = g_build_filename(dir, "a", "keys", NULL), *key = g_build_filename(keys, "dsa.key", NULL);
    struct stat status;
    cr_assert_eq(stat(key, &status), 0);
    g_free(pki_write(keys, "dsa.pem", pki, more, NULL));
    g_free(pki_write_key(keys, "dsa.key", pki));
    cr_assert_eq(chown(key, status.st_uid, status.st_gid), 0);
}

static void anchor(const char *dir, const struct pki *pki)
{
    g_autofree char *ca = g_build_filename(dir, "a", "ca", NULL), *own = folder_read(ca, "ca.pem");
    g_free(pki_write(ca, "root.pem", pki, NULL));
    g_autofree char *root = folder_read(ca, "root.pem"), *both = g_strconcat(own, root, NULL);
    folder_write(ca, "ca.pem", both);
}

Test(check, our_own_intermediate_is_missing)
{
    owned(folder) char *dir = configuration(POLICY);
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *middle =
        pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Middle")});
    PKI_AUTO struct pki *dsa = pki_role(middle, "domain-signing-authority", "acme.test");
    identity(dir, dsa, NULL);
    expect(dir, ": warning: ",
           "dsa.pem: the issuing authority \"CN=Middle\" is not known; if it is an intermediate one, append");
    anchor(dir, root);
    expect(dir, ": warning: ", "the issuing authority \"CN=Middle\" is not known");
    g_autofree char *before = folder_read(dir, "a/domsec.conf");
    g_autofree char *anchors = g_build_filename(dir, "a", "anchors", NULL);
    g_free(pki_write(anchors, "middle.pem", middle, NULL));
    append(dir, "a/domsec.conf", "intermediates = ( \"anchors/middle.pem\" );\n");
    expect(dir, ": warning: ", "dsa.pem: the certificate of the issuing authority \"CN=Middle\" is missing");
    folder_write(dir, "a/domsec.conf", before);
    anchor(dir, middle);
    expect(dir, ": warning: ", "dsa.pem: the certificate of the issuing authority \"CN=Middle\" is missing");
    identity(dir, dsa, middle);
    expect_nothing(dir);
}

Test(check, a_chain_below_a_root_that_we_do_not_know)
{
    owned(folder) char *dir = configuration(POLICY);
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *middle =
        pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Middle")});
    PKI_AUTO struct pki *dsa = pki_role(middle, "domain-signing-authority", "acme.test");
    identity(dir, dsa, middle);
    expect(dir, ": note: ",
           "the chain ends below \"CN=Root,O=Tests\"; partners must have that certificate as a trust anchor");
}

/* RFC 4055 §3.1: a key that its own parameters limit to one digest. */
static EVP_PKEY *limited_key(const char *digest)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    const EVP_MD *md = EVP_get_digestbyname(digest);
    EVP_PKEY *key = NULL;
    cr_assert(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_md(context, md) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context, md) > 0 && EVP_PKEY_keygen(context, &key) > 0);
    EVP_PKEY_CTX_free(context);
    return key;
}

Test(check, a_key_that_cannot_sign_with_the_digest)
{
    owned(EVP_PKEY) EVP_PKEY *key = limited_key("SHA384");
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *dsa = pki_issue(&(struct pki_spec){.issuer = root,
                                                            .subject = PKI_LIST("CN=domain-signing-authority"),
                                                            .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                                            .use_key = key});
    owned(folder) char *dir = configuration(POLICY);
    anchor(dir, root);
    identity(dir, dsa, NULL);
    expect(dir, "partner.test.conf:2: \"digest\": the parameters of the RSA-PSS key of ",
           "dsa.pem exclude sha256, so that it cannot sign; set digest to sha384");
    append(dir, "a/policy.d/partner.test.conf", "digest = \"sha384\";\n");
    expect_nothing(dir);
}

/* RFC 9788: a reply quotes the Subject, and is not protected as it was. */
Test(check, a_restored_subject_leaves_in_the_clear)
{
    static const struct {
        const char *protect, *headers, *inbound;
        bool is_noted;
    } rows[] = {
        {"encrypt", "none", "", true},
        {"sign+encrypt", "none", "protected_headers = \"restore\";", true},
        {"encrypt", "none", "protected_headers = \"keep\";", false},
        {"sign", "none", "", false},
        {"sign+encrypt", "baseline", "", false},
        {"sign+encrypt", "shy", "", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\n\noutbound = { protect = \"%s\"; "
                                                  "header_protection = \"%s\"; };\ninbound = { %s };\n",
                                                  rows[i].protect, rows[i].headers, rows[i].inbound);
        owned(folder) char *dir = configuration(policy);
        owned(run) struct run checked = run("domsec check -c '%s/a/domsec.conf'", dir);
        expect_status(checked, 0);
        cr_expect_eq(strstr(checked.out,
                            "partner.test.conf:3: note: \"protect\" encrypts, and inbound.protected_headers "
                            "= \"restore\": a Subject") != NULL,
                     rows[i].is_noted, "row %zu: %s", i, checked.out);
    }
}

/* What could not be found for anyone is no fault, but the administrator should know. */
Test(check, opportunistic_without_a_source)
{
    static const struct {
        const char *policy;
        bool is_noted, is_warned;
    } rows[] = {
        {"outbound = { protect = \"opportunistic\"; }; certificates = ( );", true, false},
        {"outbound = { protect = \"opportunistic\"; }; certificates = ( \"keys/dca.pem\" ); naming = \"pinned\";",
         false, false},
        {"outbound = { protect = \"sign\"; }; certificates = ( );", false, false},
        {"outbound = { protect = \"encrypt\"; }; certificates = ( );", false, true},
        {"outbound = { protect = \"opportunistic\"; }; certificates = ( ); rules = ( { when = { login = \"a\"; }; "
         "protect = \"encrypt\"; } );",
         false, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\n%s\n", rows[i].policy);
        owned(folder) char *dir = configuration(policy);
        owned(run) struct run checked = run("domsec check -c '%s/a/domsec.conf'", dir);
        cr_expect_eq(strstr(checked.out, "partner.test.conf:2: note: \"protect\" is \"opportunistic\", and no source "
                                         "could find") != NULL,
                     rows[i].is_noted, "row %zu: %s", i, checked.out);
        cr_expect_eq(strstr(checked.out, "there is no encryption certificate") != NULL, rows[i].is_warned,
                     "row %zu: %s", i, checked.out);
    }
}

/* RFC 9788: what hides a Subject, and what makes sure that it comes back. */
Test(check, header_protection_that_does_not_do_what_it_says)
{
    static const struct {
        const char *protect, *headers, *more, *warning; /* warning NULL: there is none */
    } rows[] = {
        {"sign+encrypt", "shy", "", NULL},
        {"triple", "baseline", "", NULL},
        {"sign", "sign", "", NULL},
        {"encrypt", "sign", "", NULL},
        {"none", "none", "", NULL},
        {"none", "sign", "", "\"header_protection\" does nothing"},
        {"sign", "baseline", "", "\"header_protection\" hides nothing"},
        {"encrypt", "baseline", "", "what is not signed is not put back"},
        {"none", "baseline", "rules = ( { when = { subject = \"[secret]\"; }; protect = \"sign+encrypt\"; } );", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\n\noutbound = { protect = \"%s\"; "
                                                  "header_protection = \"%s\"; };\n%s\n",
                                                  rows[i].protect, rows[i].headers, rows[i].more);
        owned(folder) char *dir = configuration(policy);
        owned(run) struct run checked = run("domsec check -c '%s/a/domsec.conf'", dir);
        cr_expect_eq(strstr(checked.out, "\"header_protection\"") != NULL, rows[i].warning != NULL, "row %zu: %s", i,
                     checked.out);
        if (rows[i].warning != NULL)
            cr_expect_not_null(strstr(checked.out, rows[i].warning), "row %zu: %s", i, checked.out);
    }
}

Test(check, a_certificate_that_does_not_stand_for_the_partner)
{
    static const struct {
        const char *first, *second, *naming, *where, *text; /* where NULL: nothing is found */
    } rows[] = {
        {"email:gateway@partner.test", NULL, "rfc3183",
         "partner.test.conf:3: warning: certificates: the only certificate does not stand for partner.test under "
         "naming = "
         "\"rfc3183\": ",
         "; if it is that of a gateway, set naming = \"address\" with gateway_addresses, or naming = \"pinned\"; if it "
         "is "
         "that of a person, put it into the store (domsec cert import) in place of this list"},
        {"email:gateway@partner.test", NULL, "pinned", NULL, NULL},
        {"email:bob@partner.test", "email:carol@partner.test", "rfc3183",
         "partner.test.conf:3: note: certificates: none of them stands for all of partner.test",
         "only for the addresses"},
        {"email:bob@partner.test", "email:domain-confidentiality-authority@partner.test", "rfc3183", NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy =
            g_strdup_printf("domain = \"partner.test\"; naming = \"%s\"; anchors = ( \"ca/peer.pem\" );\n"
                            "outbound = { protect = \"encrypt\"; };\n"
                            "certificates = ( \"certs/one.pem\"%s );\n"
                            "inbound = { protected_headers = \"keep\"; };\n",
                            rows[i].naming, rows[i].second != NULL ? ", \"certs/two.pem\"" : "");
        owned(folder) char *dir = configuration(policy);
        g_autofree char *ca = g_build_filename(dir, "a/ca", NULL), *certs = g_build_filename(dir, "a/certs", NULL);
        PKI_AUTO struct pki *root = pki_ca("Peer");
        PKI_AUTO struct pki *one = pki_issue(&(struct pki_spec){.issuer = root,
                                                                .subject = PKI_LIST("CN=Gateway"),
                                                                .san = PKI_LIST(rows[i].first),
                                                                .key_usage = "keyAgreement"});
        PKI_AUTO struct pki *two =
            pki_issue(&(struct pki_spec){.issuer = root,
                                         .subject = PKI_LIST("CN=domain-confidentiality-authority"),
                                         .san = PKI_LIST(rows[i].second != NULL ? rows[i].second : "email:x@y.test"),
                                         .key_usage = "keyAgreement"});
        g_free(pki_write(ca, "peer.pem", root, NULL));
        g_free(pki_write(certs, "one.pem", one, NULL));
        g_free(pki_write(certs, "two.pem", two, NULL));
        if (rows[i].where != NULL)
            expect(dir, rows[i].where, rows[i].text);
        else
            expect_nothing(dir);
    }
}

Test(check, places_that_the_daemon_cannot_write)
{
    owned(folder) char *dir = configuration(POLICY);
    g_autofree char *line = g_strdup_printf("metrics_file = \"%s/absent/x.prom\";\n", dir);
    append(dir, "a/domsec.conf", line);
    expect(dir, ": warning: \"metrics_file\": no file can be created in ",
           "absent: No such file or directory; let the daemon's account write there");
    owned(folder) char *other = configuration(POLICY);
    g_autofree char *text = folder_read(other, "a/domsec.conf");
    g_autofree char *moved =
        g_strdup_printf("listen = \"local:%s/absent/milter\"; //%s", other, strstr(text, "// Domains whose"));
    folder_write(other, "a/domsec.conf", moved);
    expect(other, "domsec.conf:1: warning: \"listen\": no socket can be created in ",
           "absent: No such file or directory; ");
    if (geteuid() != 0)
        return;
    program_give(dir, "root");
    append(dir, "a/domsec.conf", "user = \"nobody\";\n");
    owned(run) struct run chown = run("chown -R nobody '%s/a/keys'", dir);
    owned(run) struct run mkdir = run("mkdir -m 755 '%s/absent'", dir);
    expect_status(chown, 0);
    expect_status(mkdir, 0);
    expect(dir, ": warning: \"metrics_file\": no file can be created in ", "absent: Permission denied; ");
    g_autofree char *state = g_strdup_printf("state_directory = \"%s/absent\";\n", dir);
    append(dir, "a/domsec.conf", state);
    owned(run) struct run bad = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_status(bad, 1);
    expect_contains(bad.out, ": \"state_directory\": no file can be created in ");
}

/* Their process reads them before the daemon becomes its user. */
Test(check, keys_may_belong_to_root_alone)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    owned(folder) char *dir = configuration(POLICY);
    program_give(dir, "root");
    append(dir, "a/domsec.conf", "user = \"nobody\";\n");
    owned(run) struct run modes = run("chmod -R a+rX '%s'", dir);
    owned(run) struct run dsa = run("chmod 600 '%s/a/keys/dsa.key' '%s/a/keys/dca.key'", dir, dir);
    owned(run) struct run box = run("chown nobody '%s/a/keys/split.key'", dir);
    owned(run) struct run box_mode = run("chmod 600 '%s/a/keys/split.key'", dir);
    expect_status(box_mode, 0);
    owned(run) struct run good = run("domsec check -c '%s/a/domsec.conf'", dir);
    cr_expect_null(strstr(good.out, "for the daemon's account"), "%s", good.out);
    append(dir, "a/domsec.conf", "key_process = false;\n");
    owned(run) struct run bad = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(bad.out, "for the daemon's account nobody: ");
    expect_contains(bad.out, "dsa.key: Permission denied");
}

Test(check, a_certificate_that_ends_soon)
{
    owned(folder) char *dir = configuration(POLICY);
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *dsa = pki_issue(&(struct pki_spec){.issuer = root,
                                                            .subject = PKI_LIST("CN=domain-signing-authority"),
                                                            .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                                            .not_after = time(NULL) + 5 * 86400 + 100});
    anchor(dir, root);
    identity(dir, dsa, NULL);
    expect(dir, ": warning: ", "dsa.pem: the certificate of acme.test (domain-signing-authority) ends on ");
    owned(run) struct run status = run("domsec status -c '%s/a/domsec.conf'", dir);
    expect_status(status, 1);
    expect_contains(status.out, "\ncertificates that end within 30 days\n");
    expect_contains(status.out, "  acme.test  domain-signing-authority  5 ");
    owned(run) struct run json = run("domsec status --json -c '%s/a/domsec.conf'", dir);
    expect_contains(json.out, "\"ends_soon\": [");
    expect_contains(json.out, "\"days_left\": 5");
}

/* A user who is not root. Only root can become one. */
static struct run as_nobody(const char *dir, const char *words)
{
    g_autofree char *program = program_path("domsec"), *copy = g_build_filename(dir, "domsec", NULL);
    owned(run) struct run copied = run("cp '%s' '%s'", program, copy);
    expect_status(copied, 0);
    return run("setpriv --reuid=65534 --regid=65534 --clear-groups '%s' %s -c '%s/domsec.conf'", copy, words, dir);
}

Test(check, those_who_may_not_read_are_sent_to_root)
{
    if (geteuid() != 0)
        return;
    owned(folder) char *dir = folder_new();
    cr_assert_eq(chmod(dir, 0755), 0);
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 --owner root '%s'", dir);
    expect_status(made, 0);
    owned(run) struct run bad = as_nobody(dir, "check");
    expect_status(bad, 1);
    expect_contains(bad.out, "keys/dsa.pem: Permission denied\n");
    expect_contains(bad.out, "root and the daemon's account can read more than you; run the command as root\n");
    owned(run) struct run listed = as_nobody(dir, "key list");
    expect_status(listed, 78);
    expect_contains(listed.out, "unreadable");
    expect_contains(listed.err, "keys/dca.pem: Permission denied\n");
    g_autofree char *certificate = g_build_filename(dir, "x.pem", NULL);
    owned(run) struct run shown = run("openssl x509 -in '%s/keys/dsa.pem' -out '%s'", dir, certificate);
    expect_status(shown, 0);
    cr_assert_eq(chmod(certificate, 0644), 0);
    g_autofree char *import = g_strdup_printf("cert import '%s'", certificate);
    owned(run) struct run imported = as_nobody(dir, import);
    expect_status(imported, 78);
    expect_contains(imported.err, "certificate_directory ");
    expect_contains(imported.err, "/certs.d: Permission denied\n");
}
