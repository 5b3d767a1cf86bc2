/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in tokens, as a user of the command line meets them. */
#include "support/pki.h"
#include "support/program.h"
#include "support/token.h"

#define SIGNING "domain-signing-authority"
#define CONFIDENTIALITY "domain-confidentiality-authority"

static struct token_home *home;
static char *token; /* the URI of the token */

static void make(void)
{
    home = token_home_new();
    token = token_home_uri(home, "token=T");
}

static void drop(void)
{
    g_free(token);
    token_home_free(home);
}

TestSuite(token, .init = make, .fini = drop);

/* --- key new, key csr, key list --- */

static char *named(const char *object)
{
    g_autofree char *path = g_strconcat("token=T;object=", object, NULL);
    return token_home_uri(home, path);
}

static struct run make_key(const char *algorithm, const char *role)
{
    g_autofree char *uri = named(algorithm);
    return run("domsec key new --domain acme.test --role %s --algorithm %s --token '%s' --out '%s/%s'", role, algorithm,
               uri, home->folder, algorithm);
}

Test(token, key_of_each_kind_is_made_with_its_request)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); /* SoftHSM leaks the name of an Edwards curve */
    static const struct {
        const char *algorithm, *role, *description;
    } cases[] = {
        {"rsa2048", SIGNING, "rsa-2048; signs RSA PKCS #1, signs RSA-PSS\n"},
        {"rsa3072", CONFIDENTIALITY,
         "rsa-3072; signs RSA PKCS #1, signs RSA-PSS, decrypts RSA PKCS #1, decrypts RSA-OAEP\n"
         "    decrypts by raw RSA"},
        {"p256", CONFIDENTIALITY, "p-256; signs ECDSA, agrees ECDH\n"},
        {"p384", SIGNING, "p-384; signs ECDSA\n"},
        {"ed25519", SIGNING, "ed25519; signs EdDSA\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        owned(run) struct run made = make_key(cases[i].algorithm, cases[i].role);
        expect_status(made, 0);
        expect_contains(made.out, "key = \"pkcs11:");
        owned(run) struct run verified =
            run("openssl req -in '%s/%s.csr' -verify -noout -subject", home->folder, cases[i].algorithm);
        expect_status(verified, 0);
        expect_contains(verified.out, cases[i].role);
        owned(run) struct run listed = run("domsec key list --token '%s'", token);
        expect_status(listed, 0);
        expect_contains(listed.out, cases[i].description);
        cr_assert_null(strstr(listed.out, "pin-source"), "%s", listed.out);
        g_autofree char *uri = named(cases[i].algorithm);
        owned(run) struct run again = run("domsec key csr --domain acme.test --role %s --key '%s'", cases[i].role, uri);
        expect_status(again, 0);
        expect_contains(again.out, "BEGIN CERTIFICATE REQUEST");
    }
    owned(run) struct run json = run("domsec key list --token '%s' --json", token);
    expect_contains(json.out, "\"uses\": \"signs EdDSA\"");
}

Test(token, key_new_harms_nothing_that_is_there)
{
    owned(run) struct run first = make_key("p256", SIGNING), second = make_key("p256", SIGNING);
    expect_status(first, 0);
    cr_assert_neq(second.status, 0);
    expect_contains(second.err, "exists already");
    g_autofree char *uri = named("p256");
    owned(run) struct run third = run("domsec key new --domain acme.test --role " SIGNING " --algorithm p256 --token "
                                      "'%s' --out '%s/x'",
                                      uri, home->folder);
    cr_assert_neq(third.status, 0);
    expect_contains(third.err, "the token has such a key already");
    owned(run) struct run listed = run("domsec key list --token '%s' --json", token);
    char *rest = strstr(listed.out, "key_uri");
    cr_assert(rest != NULL && strstr(rest + 1, "key_uri") == NULL, "%s", listed.out);
}

/* What the token refuses is said, and a PIN is shown nowhere. */
Test(token, key_commands_explain)
{
    owned(run) struct run in_uri =
        run("domsec key list --token 'pkcs11:token=T?pin-value=1234&module-path=%s'", home->shim);
    cr_assert_neq(in_uri.status, 0);
    expect_contains(in_uri.err, "pin-value");
    cr_assert_null(strstr(in_uri.err, "1234"), "%s", in_uri.err);
    owned(run) struct run no_pin = run("domsec key list --token 'pkcs11:token=T?module-path=%s'", home->shim);
    cr_assert_neq(no_pin.status, 0);
    expect_contains(no_pin.err, "pin-source");
    token_home_trouble(home, "fail C_GenerateKeyPair 0xe2 -1\n");
    owned(run) struct run written = make_key("p256", SIGNING);
    cr_assert_neq(written.status, 0);
    expect_contains(written.err, "CKR_TOKEN_WRITE_PROTECTED");
    owned(run) struct run other = run("domsec key new --domain acme.test --role " CONFIDENTIALITY
                                      " --algorithm ed25519 --token '%s' --out '%s/x'",
                                      token, home->folder);
    expect_status(other, 64);
    expect_contains(other.err, "ed25519 is no algorithm for the role");
}

/* --- keys in files --- */

Test(token, keys_in_files)
{
    static const char *const algorithms[] = {"rsa4096", "p384", "ed25519"};
    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        owned(run) struct run made = run("domsec key new --domain acme.test --role " SIGNING " --algorithm %s --out "
                                         "'%s/%s.key'",
                                         algorithms[i], home->folder, algorithms[i]);
        expect_status(made, 0);
        owned(run) struct run verified = run("openssl req -in '%s/%s.csr' -verify -noout", home->folder, algorithms[i]);
        expect_status(verified, 0);
    }
    owned(run) struct run refused =
        run("domsec key new --domain acme.test --role " CONFIDENTIALITY " --algorithm x25519 --out '%s/x.key'",
            home->folder);
    expect_status(refused, 64);
    expect_contains(refused.err, "--ca");
    owned(run) struct run authority = run("domsec init --domain acme.test --algorithm p256 '%s/a'", home->folder);
    expect_status(authority, 0);
    owned(run) struct run made = run("domsec key new --domain acme.test --role " CONFIDENTIALITY
                                     " --algorithm x25519 --ca '%s/a/ca' --out '%s/x.key'",
                                     home->folder, home->folder);
    expect_status(made, 0);
    owned(run) struct run shown = run("openssl x509 -in '%s/x.pem' -noout -text", home->folder);
    expect_contains(shown.out, "X25519");
    expect_contains(shown.out, "Key Agreement");
}

/* --- domsec check --- */

/* A configuration with these two keys in the token. */
static void configure(const char *signing, const char *confidentiality)
{
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen 'local:%s/milter' '%s/a'", home->folder,
            home->folder);
    expect_status(made, 0);
    static const char *const roles[] = {SIGNING, CONFIDENTIALITY};
    const char *const algorithms[] = {signing, confidentiality};
    g_autoptr(GString) identities = g_string_new("identities = (");
    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++) {
        g_autofree char *uri = named(roles[i]);
        owned(run) struct run key = run("domsec key new --domain acme.test --role %s --algorithm %s --token '%s' --ca "
                                        "'%s/a/ca' --out '%s/a/keys/%zu'",
                                        roles[i], algorithms[i], uri, home->folder, home->folder, i);
        expect_status(key, 0);
        g_string_append_printf(identities,
                               "%s{ domain = \"acme.test\"; role = \"%s\"; certificate = \"keys/%zu.pem\"; key = "
                               "\"%s\"; }",
                               i > 0 ? ",\n" : "", roles[i], i, uri);
    }
    g_autofree char *text = folder_read(home->folder, "a/domsec.conf");
    char *start = strstr(text, "\nidentities = ("), *end = start != NULL ? strstr(start, ");") : NULL;
    cr_assert_not_null(end);
    g_autofree char *new = g_strdup_printf("%.*s\n%s );%s\nstate_directory = \"%s\";\n", (int)(start - text), text,
                                           identities->str, end + 2, home->folder);
    folder_write(home->folder, "a/domsec.conf", new);
    program_give(home->folder, NULL);
}

static struct run check(void)
{
    return run("domsec check -c '%s/a/domsec.conf'", home->folder);
}

Test(token, check_uses_the_keys)
{
    configure("p256", "rsa2048");
    owned(run) struct run good = check();
    expect_status(good, 0);
    cr_assert_gt(token_home_calls(home, "C_Sign"), 2);
    owned(run) struct run listed = run("domsec key list -c '%s/a/domsec.conf' --json", home->folder);
    expect_contains(listed.out, "\"origin\": \"token\"");
    cr_assert_null(strstr(listed.out, "\"origin\": null"), "%s", listed.out);
    token_home_trouble(home, "hide 3\n"); /* now nothing is left for OAEP with SHA-256 */
    owned(run) struct run poor = check();
    expect_status(poor, 1);
    expect_contains(poor.out, "the self-test failed");
    token_home_trouble(home, "fail C_Login 0xa0 -1\n");
    unsigned before = token_home_calls(home, "C_Login");
    owned(run) struct run refused = check();
    expect_status(refused, 1);
    cr_assert_eq(token_home_calls(home, "C_Login"), before + 1, "two keys, one try");
    token_home_trouble(home, "");
    owned(run) struct run remembered = check();
    expect_status(remembered, 1);
    expect_contains(remembered.out, "which has not changed since");
    owned(run) struct run status = run("domsec status -c '%s/a/domsec.conf'", home->folder);
    expect_contains(status.out, "which has not changed since");
    expect_status(status, 1);
    cr_assert_eq(token_home_calls(home, "C_Login"), before + 1, "nor another one by the next command");
    folder_write(home->folder, "pin", "1234\n");
    cr_assert_eq(chmod(home->pin_file, 0600), 0);
    program_give(home->folder, NULL);
    token_home_vanish(home);
    owned(run) struct run away = check();
    expect_status(away, 0);
    expect_contains(away.out, "mail that needs this key is deferred until it is there");
    token_home_return(home);
    owned(run) struct run back = check();
    expect_status(back, 0);
    owned(run) struct run forgotten = run("domsec status -c '%s/a/domsec.conf' --json", home->folder);
    expect_contains(forgotten.out, "\"refused_pins\": []");
}

Test(token, check_compares_the_certificate)
{
    configure("p256", "p256");
    owned(run) struct run swapped =
        run("sh -c 'cd \"%s/a/keys\" && mv 0.pem x && mv 1.pem 0.pem && mv x 1.pem'", home->folder);
    expect_status(swapped, 0);
    owned(run) struct run wrong = check();
    expect_status(wrong, 1);
    expect_contains(wrong.out, "is not the key of the first certificate");
}

#define TO_ACME                                                                                                        \
    "From: Bob <bob@partner.test>\nTo: Alice <alice@acme.test>\nSubject: plans\nMessage-ID: <1@partner.test>\n"        \
    "Date: Mon, 04 May 2026 12:00:00 +0000\n\nA line of plans.\n"

/* partner.test encrypts for the certificate, and acme.test reads it with the key in the token. */
static void expect_readable(const char *certificate)
{
    g_autofree char *policy = g_strdup_printf("domain = \"acme.test\"; outbound = { protect = \"sign+encrypt\"; };\n"
                                              "anchors = ( \"../a/ca/ca.pem\" );\ncertificates = ( \"%s\" );\n",
                                              certificate);
    folder_write(home->folder, "b/policy.d/acme.test.conf", policy);
    owned(run) struct run sent =
        run_with(TO_ACME, "domsec filter -c '%s/b/domsec.conf' --direction outbound --auth bob", home->folder);
    expect_status(sent, 0);
    cr_expect_null(strstr(sent.out, "A line of plans"), "%s", certificate);
    unsigned before = token_home_calls(home, "C_DeriveKey");
    owned(run) struct run read = run_with(sent.out,
                                          "domsec filter -c '%s/a/domsec.conf' --direction inbound --from "
                                          "bob@partner.test --to alice@acme.test",
                                          home->folder);
    expect_status(read, 0);
    expect_contains(read.out, "A line of plans");
    cr_expect_gt(token_home_calls(home, "C_DeriveKey"), before, "by the token");
}

/* The new key is made in the same token, under the name of its certificate's file, by which it is found again. */
Test(token, rollover_stays_in_the_token)
{
    configure("p256", "p384");
    g_autofree char *before = folder_read(home->folder, "a/domsec.conf"),
                    *softhsm = g_strdup(g_getenv("SOFTHSM2_CONF"));
    g_autofree char *with = g_strdup_printf("%s\nkey_environment = ( \"SOFTHSM2_CONF=%s\" );\n", before, softhsm);
    folder_write(home->folder, "a/domsec.conf", with);
    program_give(home->folder, NULL);
    g_unsetenv("SOFTHSM2_CONF"); /* the configuration has it */
    owned(run) struct run made =
        run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " CONFIDENTIALITY
            " --ca '%s/a/ca' --out '%s/a/keys/dca-next'",
            home->folder, home->folder, home->folder);
    expect_status(made, 0);
    expect_contains(made.out, "object=dca-next");
    const char *start = strstr(made.out, "  { domain"), *end = start != NULL ? strstr(start, "\n\n") : NULL;
    cr_assert_not_null(end, "%s", made.out);
    g_autofree char *text = folder_read(home->folder, "a/domsec.conf");
    g_autofree char *lines = g_strdup_printf("\nidentities = (%.*s\n", (int)(end - start), start);
    g_autoptr(GString) conf = g_string_new(text);
    cr_assert_eq(g_string_replace(conf, "\nidentities = (", lines, 0), 1);
    folder_write(home->folder, "a/domsec.conf", conf->str);
    program_give(home->folder, NULL);
    owned(run) struct run good = check();
    expect_status(good, 0);
    owned(run) struct run listed = run("domsec key list -c '%s/a/domsec.conf'", home->folder);
    expect_contains(listed.out, "waiting, from ");
    expect_contains(listed.out, "p-384");
    cr_expect_eq(folder_mode(home->folder, "a/keys/dca-next"), 0, "the key has no file");
    owned(run) struct run partner = run("domsec init --domain partner.test --algorithm p256 '%s/b'", home->folder);
    expect_status(partner, 0);
    folder_write(home->folder, "a/policy.d/partner.test.conf",
                 "domain = \"partner.test\"; inbound = { require = \"encrypt\"; };\n"
                 "anchors = ( \"../b/ca/ca.pem\" );\n");
    program_give(home->folder, NULL);
    expect_readable("../a/keys/1.pem");
    expect_readable("../a/keys/dca-next.pem");
}

/* --- sign_with --- */

/* A key in a token is seen to be there, unless its module is said to stand for a store of another kind. */
Test(token, origin_is_seen)
{
    static const struct {
        const char *declared, *demand;
        bool fits;
    } rows[] = {
        {"", "token", true},
        {"", "gateway", false},
        {" origin = \"cloud\";", "cloud", true},
        {" origin = \"cloud\";", "token", false},
    };
    configure("p256", "rsa2048");
    g_autofree char *conf = folder_read(home->folder, "a/domsec.conf");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) pieces = g_strsplit(conf, "certificate = \"keys/0.pem\";", 2);
        g_autofree char *with = g_strconcat("certificate = \"keys/0.pem\";", rows[i].declared, NULL);
        g_autofree char *text = g_strjoinv(with, pieces);
        g_autofree char *policy =
            g_strdup_printf("domain = \"partner.test\"; outbound = { protect = \"sign\"; sign_with = "
                            "{ origin = \"%s\"; }; };\n",
                            rows[i].demand);
        folder_write(home->folder, "a/domsec.conf", text);
        folder_write(home->folder, "a/policy.d/partner.test.conf", policy);
        owned(run) struct run checked = check();
        owned(run) struct run explained = run("domsec explain -c '%s/a/domsec.conf' --from a@acme.test --to "
                                              "b@partner.test --auth a --json",
                                              home->folder);
        owned(run) struct run shown = run("domsec explain -c '%s/a/domsec.conf' --from a@acme.test --to "
                                          "b@partner.test --auth a",
                                          home->folder);
        g_autofree char *origin = g_strdup_printf("\"origin\": \"%s\"", rows[i].demand);
        g_autofree char *who = g_strdup_printf("acme.test (" SIGNING "; %s)", rows[i].demand);
        g_autofree char *why =
            g_strdup_printf("no signing key of acme.test fits sign_with: origin must be %s", rows[i].demand);
        expect_status(checked, rows[i].fits ? 0 : 1);
        expect_contains(checked.out, rows[i].fits ? "good" : why);
        expect_contains(explained.out, rows[i].fits ? origin : why);
        expect_contains(shown.out, rows[i].fits ? who : why);
        expect_contains(shown.out, "outbound.sign_with.origin");
    }
}

/* What a policy may ask of a key is seen in `status`, for people and for scripts. */
Test(token, status_shows_what_is_known_of_a_key)
{
    static const struct {
        const char *usage, *declared, *text;
    } rows[] = {
        {"critical,digitalSignature,nonRepudiation,keyAgreement", " origin = \"ca\"; escrowed = true;",
         "ca, escrowed, dual use, content commitment"},
        {"critical,digitalSignature", " origin = \"gateway\"; escrowed = false;", "gateway, not escrowed"},
        {"critical,digitalSignature,keyAgreement", " origin = \"os\";", "os, dual use"},
    };
    configure("p256", "p256");
    PKI_AUTO struct pki *ca = pki_ca("Root");
    g_autofree char *text = folder_read(home->folder, "a/domsec.conf");
    g_autoptr(GString) conf = g_string_new(text), lines = g_string_new("\nidentities = (\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *address = g_strdup_printf("email:u%zu@acme.test", i),
                        *folder = g_strdup_printf("%s/a/keys", home->folder);
        g_autofree char *certificate = g_strdup_printf("u%zu.pem", i), *key = g_strdup_printf("u%zu.key", i);
        PKI_AUTO struct pki *person = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST("CN=U"), .san = PKI_LIST(address), .key_usage = rows[i].usage});
        g_autofree char *written = pki_write(folder, certificate, person, NULL),
                        *kept = pki_write_key(folder, key, person);
        g_string_append_printf(
            lines, "{ address = \"u%zu@acme.test\"; certificate = \"keys/%s\"; key = \"file:keys/%s\";%s },\n", i,
            certificate, key, rows[i].declared);
    }
    cr_assert_eq(g_string_replace(conf, "\nidentities = (", lines->str, 0), 1);
    folder_write(home->folder, "a/domsec.conf", conf->str);
    program_give(home->folder, NULL);
    owned(run) struct run status = run("domsec status -c '%s/a/domsec.conf'", home->folder);
    g_auto(GStrv) shown = g_strsplit(status.out, "\n", -1);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *address = g_strdup_printf("u%zu@acme.test ", i);
        char **line = shown;
        while (*line != NULL && strstr(*line, address) == NULL)
            line++;
        cr_assert_not_null(*line, "%s", status.out);
        cr_expect(g_str_has_suffix(g_strchomp(*line), rows[i].text), "\"%s\" does not end with \"%s\"", *line,
                  rows[i].text);
    }
}
