/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key gives way to another: the dates of identities that stand side by side, through `domsec filter`, and what the
 * commands say of them. acme.test has the keys, and partner.test writes to it and reads what it signs.
 */
#include "base/moment.h"
#include "cli/own.h"
#include "cli/standing.h"
#include "keys/keys.h"
#include "support/pki.h"
#include "support/program.h"

#define DAY 86400
#define TO_ACME                                                                                                        \
    "From: Bob <bob@partner.test>\nTo: Alice <alice@acme.test>\nSubject: plans\nMessage-ID: <1@partner.test>\n"        \
    "Date: Mon, 04 May 2026 12:00:00 +0000\n\nA line of plans.\n"
#define TO_PARTNER                                                                                                     \
    "From: Alice <alice@acme.test>\nTo: Bob <bob@partner.test>\nSubject: plans\nMessage-ID: <1@acme.test>\n"           \
    "Date: Mon, 04 May 2026 12:00:00 +0000\n\nA line of plans.\n"
#define SIGNING "domain-signing-authority"
#define CONFIDENTIALITY "domain-confidentiality-authority"

static char *dir;

static void introduce(const char *own, const char *peer, const char *peer_domain)
{
    g_autofree char *from = g_build_filename(dir, peer, NULL), *to = g_build_filename(dir, own, NULL);
    g_autofree char *name = g_strdup_printf("policy.d/%s.conf", peer_domain);
    g_autofree char *text =
        g_strdup_printf("domain = \"%s\";\noutbound = { protect = \"sign+encrypt\"; no_certificate = \"reject\"; };\n"
                        "inbound = { require = \"sign+encrypt\"; otherwise = \"reject\"; };\n"
                        "certificates = ( \"certs/peer-dca.pem\" );\nanchors = ( \"anchors/peer.pem\" );\n",
                        peer_domain);
    folder_copy(from, "ca/ca.pem", to, "anchors/peer.pem");
    folder_copy(from, "keys/dca.pem", to, "certs/peer-dca.pem");
    folder_write(to, name, text);
}

static void setup(void)
{
    dir = folder_new();
    owned(run) struct run a =
        run("domsec init --domain acme.test --algorithm p256 --listen 'local:%s/milter' '%s/a'", dir, dir);
    owned(run) struct run b = run("domsec init --domain partner.test --algorithm p256 '%s/b'", dir);
    expect_status(a, 0);
    expect_status(b, 0);
    introduce("a", "b", "partner.test");
    introduce("b", "a", "acme.test");
    program_give(dir, NULL);
}

static void teardown(void)
{
    folder_remove(dir);
}

TestSuite(rollover, .init = setup, .fini = teardown);

/* --- what the tests do with a/domsec.conf --- */

/* A second key for acme.test, as keys/STEM.key and keys/STEM.pem. */
static void second_key(const char *role, const char *stem)
{
    owned(run) struct run made =
        run("domsec key new --domain acme.test --role %s --algorithm p256 --out '%s/a/keys/%s.key' "
            "--ca '%s/a/ca'",
            role, dir, stem, dir);
    expect_status(made, 0);
}

/* One line of identities; dates 0: not given. */
static char *line(const char *role, const char *stem, time_t from, time_t until)
{
    g_autofree char *begins = moment_text(from), *ends = moment_text(until);
    GString *text = g_string_new(NULL);
    g_string_printf(
        text, "{ domain = \"acme.test\"; role = \"%s\"; certificate = \"keys/%s.pem\"; key = \"file:keys/%s.key\";",
        role, stem, stem);
    if (from != 0)
        g_string_append_printf(text, " from = \"%s\";", begins);
    if (until != 0)
        g_string_append_printf(text, " until = \"%s\";", ends);
    g_string_append(text, " }");
    return g_string_free(text, FALSE);
}

static void configure(const char *lines)
{
    g_autofree char *text = g_strdup_printf(
        "local_domains = ( \"acme.test\" );\nauthserv_id = \"acme.test\";\nlisten = \"local:%s/milter\";\n"
        "policy_dir = \"policy.d\";\ntrust_anchors = ( \"ca/ca.pem\" );\nidentities = (\n%s );\n",
        dir, lines);
    folder_write(dir, "a/domsec.conf", text);
}

/* What partner.test sends, encrypted for a certificate of ours. */
static char *encrypted_for(const char *stem)
{
    g_autofree char *a = g_build_filename(dir, "a", NULL), *b = g_build_filename(dir, "b", NULL);
    g_autofree char *name = g_strdup_printf("keys/%s.pem", stem);
    folder_copy(a, name, b, "certs/peer-dca.pem");
    owned(run) struct run out =
        run_with(TO_ACME, "domsec filter -c '%s/b/domsec.conf' --direction outbound --auth bob", dir);
    expect_status(out, 0);
    return steal(&out.out);
}

static struct run arrives(const char *message, time_t at)
{
    g_autofree char *when = moment_text(at);
    return run_with(
        message,
        "domsec filter -c '%s/a/domsec.conf' --direction inbound --from bob@partner.test --to alice@acme.test "
        "--at %s",
        dir, when);
}

static void fingerprint(const char *stem, char sha256[65])
{
    struct error error = {0};
    g_autofree char *path = g_strdup_printf("%s/a/keys/%s.pem", dir, stem);
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(path, &error);
    cr_assert_not_null(list, "%s", error.text);
    certificate_fingerprint(sk_X509_value(list, 0), sha256);
}

/* --- dates --- */

Test(rollover, old_and_new_keys_decrypt_side_by_side)
{
    time_t from = time(NULL) + 100 * DAY, until = from + 50 * DAY;
    second_key(CONFIDENTIALITY, "dca-new");
    g_autofree char *dsa = line(SIGNING, "dsa", 0, 0), *old = line(CONFIDENTIALITY, "dca", 0, until);
    g_autofree char *new = line(CONFIDENTIALITY, "dca-new", from, 0);
    g_autofree char *lines = g_strjoin(",\n", dsa, old, new, NULL);
    configure(lines);
    g_autofree char *to_old = encrypted_for("dca"), *to_new = encrypted_for("dca-new");
    const struct {
        const char *message;
        time_t at;
        bool decrypts;
    } rows[] = {
        {to_old, from - 1, true},  {to_new, from - 1, true},  {to_old, from, true},   {to_new, from, true},
        {to_old, until - 1, true}, {to_new, until - 1, true}, {to_old, until, false}, {to_new, until, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run in = arrives(rows[i].message, rows[i].at);
        expect_status(in, rows[i].decrypts ? 0 : 65);
        cr_expect_eq(strstr(in.out, "A line of plans") != NULL, rows[i].decrypts, "row %zu: %s%s", i, in.out, in.err);
        if (!rows[i].decrypts)
            expect_contains(
                in.err, "encrypted for acme.test with a certificate that was replaced, and whose key decrypted until ");
    }
}

/* As with a key that we never had: by default it is delivered as it came, and a policy may refuse or defer it. */
Test(rollover, what_is_encrypted_for_an_ended_key_is_not_lost)
{
    time_t until = time(NULL) + 100 * DAY;
    static const struct {
        const char *inbound;
        int status;
    } rows[] = {{"", 0}, {"undecryptable = \"reject\";", 65}, {"undecryptable = \"tempfail\";", 75}};
    second_key(CONFIDENTIALITY, "dca-new");
    g_autofree char *old = line(CONFIDENTIALITY, "dca", 0, until), *new = line(CONFIDENTIALITY, "dca-new", 0, 0);
    g_autofree char *lines = g_strjoin(",\n", old, new, NULL), *message = encrypted_for("dca");
    configure(lines);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\ninbound = { require = \"none\"; %s };\n"
                                                  "anchors = ( \"anchors/peer.pem\" );\n",
                                                  rows[i].inbound);
        folder_write(dir, "a/policy.d/partner.test.conf", policy);
        owned(run) struct run in = arrives(message, until);
        expect_status(in, rows[i].status);
        const char *body = strstr(message, "\n\n");
        cr_expect_eq(strstr(in.out, body) != NULL, rows[i].status == 0, "row %zu: %s", i, in.out);
    }
}

static void expect_signer(time_t at, const char *stem)
{
    char sha256[65];
    g_autofree char *when = moment_text(at);
    fingerprint(stem, sha256);
    owned(run) struct run out = run_with(
        TO_PARTNER, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice --at %s", dir, when);
    expect_status(out, 0);
    owned(run) struct run in =
        run_with(out.out,
                 "domsec filter -c '%s/b/domsec.conf' --direction inbound --from alice@acme.test "
                 "--to bob@partner.test --at %s --report - --output '%s/in'",
                 dir, when, dir);
    expect_status(in, 0);
    expect_contains(in.err, sha256);
}

Test(rollover, one_signs_after_the_other)
{
    time_t from = time(NULL) + 100 * DAY, until = from + 50 * DAY;
    second_key(SIGNING, "dsa-new");
    g_autofree char *old = line(SIGNING, "dsa", 0, from + DAY), *new = line(SIGNING, "dsa-new", from, until);
    g_autofree char *lines = g_strjoin(",\n", old, new, NULL);
    configure(lines);
    expect_signer(from - 1, "dsa");
    expect_signer(from, "dsa-new");
    expect_signer(until - 1, "dsa-new");
    g_autofree char *end = moment_text(until);
    owned(run) struct run none =
        run_with(TO_PARTNER, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice --at %s", dir, end);
    expect_status(none, 75);
    expect_contains(none.err, " ended on ");
    cr_expect_str_empty(none.out);
}

/* The newest valid one is published, and only within its dates. */
Test(rollover, the_new_certificate_is_published_on_its_day)
{
    time_t now = time(NULL);
    second_key(CONFIDENTIALITY, "dca-new");
    const struct {
        time_t from, until;
        bool is_new;
    } rows[] = {{now + DAY, 0, false}, {now - 60, 0, true}, {0, now - DAY, false}, {now - 60, now + DAY, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *old = line(CONFIDENTIALITY, "dca", now - 20 * DAY, 0);
        g_autofree char *new = line(CONFIDENTIALITY, "dca-new", rows[i].from, rows[i].until);
        g_autofree char *lines = g_strjoin(",\n", old, new, NULL);
        configure(lines);
        owned(run) struct run got = run("domsec cert dns -c '%s/a/domsec.conf'", dir);
        expect_status(got, 0);
        char expected[65], other[65];
        fingerprint(rows[i].is_new ? "dca-new" : "dca", expected);
        fingerprint(rows[i].is_new ? "dca" : "dca-new", other);
        expected[FINGERPRINT_DIGITS] = other[FINGERPRINT_DIGITS] = '\0';
        expect_contains(got.out, expected);
        cr_expect_null(strstr(got.out, other), "row %zu: %s", i, got.out);
    }
}

/* --- key rollover --- */

/* What stands between two texts; g_free(). */
static char *between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    cr_assert_not_null(start, "\"%s\" is not in:\n%s", before, text);
    start += strlen(before);
    const char *end = strstr(start, after);
    cr_assert_not_null(end, "\"%s\" is not in:\n%s", after, start);
    return g_strndup(start, (gsize)(end - start));
}

/* Does with a/domsec.conf what the command has printed. old: what stands in the line of the old key. */
static void follow(const char *printed, const char *old)
{
    g_autofree char *lines = between(printed, "behind \"identities = (\":\n\n", "\n\n");
    g_autofree char *text = folder_read(dir, "a/domsec.conf"), *first = g_strdup_printf("identities = (\n%s\n", lines);
    g_autoptr(GString) conf = g_string_new(text);
    if (strstr(printed, "add this to the identity in line ") != NULL) {
        g_autofree char *date = between(printed, "):\n\n    ", "\n\n"), *with = g_strdup_printf("%s %s", old, date);
        cr_assert_eq(g_string_replace(conf, old, with, 0), 1);
    }
    cr_assert_eq(g_string_replace(conf, "identities = (\n", first, 0), 1);
    folder_write(dir, "a/domsec.conf", conf->str);
    program_give(dir, NULL);
}

/* keys/STEM-DATE of a rollover that was made today. */
static char *stem_of_today(const char *stem)
{
    g_autofree char *today = moment_text(time(NULL) / DAY * DAY);
    return g_strdup_printf("%s-%s", stem, today);
}

static struct run checked(void)
{
    return run("domsec check -c '%s/a/domsec.conf'", dir);
}

static struct run shown(void)
{
    return run("domsec status -c '%s/a/domsec.conf'", dir);
}

static void expect_backup(void)
{
    g_autofree char *pass = g_build_filename(dir, "pass", NULL);
    folder_write(dir, "pass", "of the backup\n");
    cr_assert_eq(chmod(pass, 0600), 0);
    owned(run) struct run backup =
        run("domsec backup -c '%s/a/domsec.conf' --passphrase-file '%s' '%s/backup'", dir, pass, dir);
    expect_status(backup, 0);
}

/* With the private CA: the lines are added, and the dates do the rest. */
Test(rollover, of_a_confidentiality_authority)
{
    time_t now = time(NULL), from = now / DAY * DAY + 30 * DAY;
    owned(run) struct run made =
        run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " CONFIDENTIALITY " --ca '%s/a/ca'",
            dir, dir);
    expect_status(made, 0);
    expect_contains(made.out, "partners who encrypt to the old certificate (inbound.require), and need the new one:\n"
                              "  partner.test.conf\n");
    follow(made.out, "key = \"file:keys/dca.key\";");
    owned(run) struct run check = checked(), status = shown();
    expect_status(check, 0);
    cr_expect_null(strstr(check.out, ": warning: "), "%s", check.out);
    expect_contains(status.out, "waiting, from ");
    expect_contains(status.out, "in force, until ");
    expect_contains(status.out, "\nrollover of acme.test, " CONFIDENTIALITY "\n");
    g_autofree char *stem = stem_of_today("dca");
    g_autofree char *to_old = encrypted_for("dca"), *to_new = encrypted_for(stem);
    const time_t times[] = {now, from, from + 690 * DAY};
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        owned(run) struct run old = arrives(to_old, times[i]), new = arrives(to_new, times[i]);
        expect_contains(old.out, "A line of plans.");
        expect_contains(new.out, "A line of plans.");
    }
    owned(run) struct run again =
        run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " CONFIDENTIALITY
            " --out '%s/a/keys/third.key'",
            dir, dir);
    expect_status(again, 65);
    expect_contains(again.err, "a rollover is under way already");
    cr_expect_eq(folder_mode(dir, "a/keys/third.key"), 0);
}

/* What a policy asks of the old key, the new one is, too: it takes over. */
Test(rollover, declared_as_the_old_one)
{
    static const char *const old = "key = \"file:keys/dsa.key\";";
    g_autofree char *text = folder_read(dir, "a/domsec.conf"),
                    *policy = folder_read(dir, "a/policy.d/partner.test.conf");
    g_autoptr(GString) conf = g_string_new(text), strict = g_string_new(policy);
    cr_assert_eq(g_string_replace(conf, old, "key = \"file:keys/dsa.key\"; origin = \"ca\"; escrowed = true;", 0), 1);
    cr_assert_eq(g_string_replace(strict, "protect = \"sign+encrypt\";",
                                  "protect = \"sign+encrypt\"; sign_with = { origin = ( \"ca\", \"gateway\" ); };", 0),
                 1);
    folder_write(dir, "a/domsec.conf", conf->str);
    folder_write(dir, "a/policy.d/partner.test.conf", strict->str);
    program_give(dir, NULL);
    owned(run) struct run made = run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " SIGNING
                                     " --ca '%s/a/ca' --from 2020-01-01",
                                     dir, dir);
    expect_status(made, 0);
    expect_contains(made.out, "    origin = \"gateway\";\n    escrowed = false;\n    from = ");
    follow(made.out, "");
    g_autofree char *stem = stem_of_today("dsa");
    expect_signer(time(NULL), stem);
}

/* By a request: until the certificate is there, the old one works, and status says what is missing. */
Test(rollover, of_a_signing_authority_by_a_request)
{
    owned(run) struct run made =
        run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " SIGNING " --from 2020-01-01", dir);
    expect_status(made, 0);
    expect_contains(made.out, "send the request to your certification authority");
    expect_contains(made.out, "need the new one if they have pinned it:\n  partner.test.conf\n");
    cr_expect_null(strstr(made.out, "until = "), "one that signs needs no end: %s", made.out);
    follow(made.out, "");
    g_autofree char *stem = stem_of_today("dsa");
    owned(run) struct run check = checked(), status = shown();
    expect_status(check, 0);
    expect_contains(check.out, "is not there yet, although its date has come; when your CA has answered the request ");
    expect_contains(status.out, "no certificate yet, from 2020-01-01");
    expect_contains(status.out, "it waits for the answer of your authority to the request ");
    expect_signer(time(NULL), "dsa");
    expect_backup();
    owned(run) struct run names =
        run("openssl req -in '%s/a/keys/%s.csr' -noout -verify -subject -nameopt RFC2253 -text", dir, stem);
    expect_contains(names.out, "subject=CN=" SIGNING ",O=acme.test\n");
    expect_contains(names.out, "prime256v1");
    owned(run) struct run issued =
        run("openssl x509 -req -in '%s/a/keys/%s.csr' -CA '%s/a/ca/ca.pem' -CAkey '%s/a/ca/ca.key' -copy_extensions "
            "copyall -days 700 -out '%s/a/keys/%s.pem'",
            dir, stem, dir, dir, dir, stem);
    expect_status(issued, 0);
    owned(run) struct run good = checked(), after = shown();
    expect_status(good, 0);
    cr_expect_null(strstr(good.out, "is not there yet"), "%s", good.out);
    expect_contains(after.out, "  replaced ");
    expect_signer(time(NULL), stem);
}

/* A request from a public authority has a mail address in place of the role, and so has that for the next key. */
Test(rollover, names_are_those_of_the_old_certificate)
{
    owned(run) struct run wanted = run("domsec key new --domain acme.test --role " SIGNING " --algorithm p384 --out "
                                       "'%s/a/keys/gw.key' --address gateway@acme.test",
                                       dir);
    owned(run) struct run issued =
        run("openssl x509 -req -in '%s/a/keys/gw.csr' -CA '%s/a/ca/ca.pem' -CAkey '%s/a/ca/ca.key' -copy_extensions "
            "copyall -days 700 -out '%s/a/keys/gw.pem'",
            dir, dir, dir, dir);
    expect_status(wanted, 0);
    expect_status(issued, 0);
    g_autofree char *gateway = line(SIGNING, "gw", 0, 0);
    configure(gateway);
    owned(run) struct run made = run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " SIGNING
                                     " --out '%s/a/keys/next.key'",
                                     dir, dir);
    expect_status(made, 0);
    owned(run) struct run names =
        run("openssl req -in '%s/a/keys/next.csr' -noout -subject -nameopt RFC2253 -text", dir);
    expect_contains(names.out, "subject=CN=gateway@acme.test\n");
    expect_contains(names.out, "email:gateway@acme.test");
    expect_contains(names.out, "secp384r1");
}

/* A mailbox's certificate is for what the old one was for, and names the same addresses. */
Test(rollover, of_a_mailbox)
{
    owned(run) struct run issued = run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout '%s/a/keys/edi.key' -out '%s/a/keys/edi.pem' -days 60 -subj "
        "/CN=edi@acme.test -addext subjectAltName=email:edi@acme.test,email:orders@acme.test -addext "
        "keyUsage=critical,digitalSignature,keyEncipherment -addext basicConstraints=critical,CA:FALSE",
        dir, dir);
    expect_status(issued, 0);
    configure("{ address = ( \"edi@acme.test\", \"orders@acme.test\" ); certificate = \"keys/edi.pem\"; key = "
              "\"file:keys/edi.key\"; }\n");
    owned(run) struct run made = run("domsec key rollover -c '%s/a/domsec.conf' --address Orders@acme.test --ca "
                                     "'%s/a/ca' --out '%s/a/keys/next.key'",
                                     dir, dir, dir);
    expect_status(made, 0);
    expect_contains(made.out,
                    "address = ( \"edi@acme.test\", \"orders@acme.test\" );\n    certificate = \"keys/next.pem\";");
    owned(run) struct run next = run("openssl x509 -in '%s/a/keys/next.pem' -noout -text", dir);
    expect_contains(next.out, "email:edi@acme.test, email:orders@acme.test");
    expect_contains(next.out, "Digital Signature, Key Encipherment\n");
    follow(made.out, "key = \"file:keys/edi.key\";");
    owned(run) struct run check = checked();
    expect_status(check, 0);
}

/* The passphrase of the old key protects the new one. */
Test(rollover, of_an_encrypted_key)
{
    folder_write(dir, "a/keys/dsa.pass", "secret\n");
    g_autofree char *pass = g_build_filename(dir, "a/keys/dsa.pass", NULL);
    cr_assert_eq(chmod(pass, 0600), 0);
    owned(run) struct run encrypted =
        run("openssl pkcs8 -topk8 -in '%s/a/keys/dsa.key' -passout pass:secret -out '%s/a/keys/enc.key'", dir, dir);
    expect_status(encrypted, 0);
    configure("{ domain = \"acme.test\"; role = \"" SIGNING "\"; certificate = \"keys/dsa.pem\"; key = "
              "\"file:keys/enc.key\"; passphrase_file = \"keys/dsa.pass\"; }\n");
    owned(run) struct run made = run("domsec key rollover -c '%s/a/domsec.conf' --line 7 --ca '%s/a/ca'", dir, dir);
    expect_status(made, 0);
    follow(made.out, "");
    g_autofree char *stem = stem_of_today("dsa"), *name = g_strdup_printf("a/keys/%s.key", stem);
    g_autofree char *key = folder_read(dir, name);
    expect_contains(key, "BEGIN ENCRYPTED PRIVATE KEY");
    owned(run) struct run check = checked();
    expect_status(check, 0);
}

Test(rollover, where_the_old_certificate_is_pinned)
{
    folder_write(dir, "a/policy.d/sister.test.conf",
                 "domain = \"sister.test\";\nanchors = ( \"anchors/peer.pem\" );\n"
                 "certificates = ( \"keys/dca.pem\" );\noutbound = { protect = \"encrypt\"; };\n"
                 "groups = ( { members = ( \"edi@sister.test\" );\n certificates = ( \"keys/dca.pem\" ); } );\n");
    folder_write(dir, "a/policy.d/none.test.conf", "domain = \"none.test\";\n");
    owned(run) struct run made =
        run("domsec key rollover -c '%s/a/domsec.conf' --domain acme.test --role " CONFIDENTIALITY, dir);
    expect_status(made, 0);
    const char *own =
        strstr(made.out, "files of your own that pin the old certificate, and need the new one beside it:\n");
    cr_assert_not_null(own, "%s", made.out);
    expect_contains(own, "a/policy.d/sister.test.conf:3: certificates: ");
    expect_contains(own, "a/policy.d/sister.test.conf:5: groups: ");
    cr_expect_null(strstr(own, "partner.test.conf"), "%s", own);
    const char *seeing = strstr(made.out, "partners who see the old certificate");
    cr_assert_not_null(seeing, "%s", made.out);
    expect_contains(seeing, "  sister.test.conf\n");
    cr_expect_null(strstr(made.out, "none.test.conf"), "%s", made.out);
}

Test(rollover, usage)
{
    static const struct {
        const char *options;
        int status;
        const char *says;
    } rows[] = {
        {"", 64, "say which identity"},
        {"--domain acme.test", 64, "say which identity"},
        {"--domain acme.test --role " SIGNING " --line 3", 64, "say which identity"},
        {"--domain acme.test --role signer", 64, "signer is not a role"},
        {"--domain other.test --role " SIGNING, 65, "there is no such identity"},
        {"--domain acme.test --role review-authority", 65, "there is no such identity"},
        {"--line 1", 65, "there is no such identity"},
        {"--domain acme.test --role " SIGNING " --from soon", 64, "soon is not a date"},
        {"--domain acme.test --role " SIGNING " --until 1960-01-01", 64, "1960-01-01 is not a date"},
        {"--domain acme.test --role " CONFIDENTIALITY " --from 2030-01-01 --until 2029-01-01", 64, "would end before"},
        {"--domain acme.test --role " SIGNING " --algorithm x25519", 64, "x25519 is no algorithm for the role"},
        {"--domain acme.test --role " SIGNING " --algorithm rot13", 64, "rot13 is not one of"},
        {"--domain acme.test --role " SIGNING " --out '%s/a/keys/dca.key'", 65, "exists already"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) options = g_string_new(rows[i].options);
        g_string_replace(options, "%s", dir, 0);
        owned(run) struct run got = run("domsec key rollover -c '%s/a/domsec.conf' %s", dir, options->str);
        expect_status(got, rows[i].status);
        expect_contains(got.err, rows[i].says);
    }
    g_autofree char *stem = stem_of_today("dsa"), *name = g_strdup_printf("a/keys/%s.key", stem);
    cr_expect_eq(folder_mode(dir, name), 0, "what was refused leaves nothing behind");
}

/* A certificate and its key as keys/STEM.pem and keys/STEM.key, valid from and to these days from now. */
static void issue(const char *stem, const char *usage, long from, long to)
{
    g_autofree char *keys = g_build_filename(dir, "a/keys", NULL), *certificate = g_strconcat(stem, ".pem", NULL);
    g_autofree char *key = g_strconcat(stem, ".key", NULL);
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=edi@acme.test"),
                                                            .san = PKI_LIST("email:edi@acme.test"),
                                                            .key_usage = usage,
                                                            .not_before = time(NULL) + from * DAY,
                                                            .not_after = time(NULL) + to * DAY});
    g_free(pki_write(keys, certificate, pki, NULL));
    g_free(pki_write_key(keys, key, pki));
}

static struct conf *loaded(void)
{
    owned(faults) struct faults *faults = faults_new();
    g_autofree char *file = g_build_filename(dir, "a/domsec.conf", NULL);
    struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    return conf;
}

Test(rollover, states)
{
    static const struct {
        const char *role, *first, *second; /* second NULL: there is none */
        int until;                         /* of the first, in days; 0: none */
        enum standing is_first, is_second;
        bool good;
    } rows[] = {
        {SIGNING, "now", NULL, 0, STANDING_IN_FORCE, 0, true},
        {SIGNING, "now", "now", 0, STANDING_IN_FORCE, STANDING_REPLACED, true},
        {CONFIDENTIALITY, "now", "now", 0, STANDING_IN_FORCE, STANDING_DECRYPTS, true},
        {SIGNING, "now", "early", 0, STANDING_IN_FORCE, STANDING_WAITING, true},
        {SIGNING, "now", "later", 0, STANDING_REPLACED, STANDING_IN_FORCE, true},
        {SIGNING, "late", "now", 0, STANDING_EXPIRED, STANDING_IN_FORCE, true},
        {CONFIDENTIALITY, "late", "now", 0, STANDING_DECRYPTS, STANDING_IN_FORCE, true},
        {SIGNING, "late", NULL, 0, STANDING_EXPIRED, 0, false},
        {CONFIDENTIALITY, "late", "early", 0, STANDING_DECRYPTS, STANDING_WAITING, false},
        {SIGNING, "gone", "now", 0, STANDING_UNREADABLE, STANDING_IN_FORCE, false},
        {SIGNING, "now", "later", -1, STANDING_ENDED, STANDING_IN_FORCE, true},
        {SIGNING, "now", NULL, -1, STANDING_ENDED, 0, false},
    };
    issue("now", "digitalSignature", -9, 90);
    issue("later", "digitalSignature", -5, 90);
    issue("early", "digitalSignature", 5, 90);
    issue("late", "digitalSignature", -90, -5);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *first =
            line(rows[i].role, rows[i].first, 0, rows[i].until != 0 ? time(NULL) + rows[i].until * DAY : 0);
        g_autofree char *second = rows[i].second != NULL ? line(rows[i].role, rows[i].second, 0, 0) : NULL;
        g_autofree char *lines = g_strjoin(",\n", first, second, NULL);
        configure(lines);
        owned(conf) struct conf *conf = loaded();
        owned(faults) struct faults *ignored = faults_new();
        X509 **own = own_read(conf, ignored);
        g_autofree enum standing *standing = standing_read(conf, own, time(NULL));
        cr_expect_eq(standing[0], rows[i].is_first, "row %zu: %s", i, standing_name(standing[0]));
        cr_expect(second == NULL || standing[1] == rows[i].is_second, "row %zu: %s", i, standing_name(standing[1]));
        cr_expect_eq(own_are_good(own, conf), rows[i].good, "row %zu", i);
        own_free(own, conf);
    }
}

/* Without options there is a month before and a month after, but no day without a certificate. */
Test(rollover, default_dates)
{
    static const struct {
        long ends, from, until;
    } rows[] = {{100, 30, 130}, {30, 30, 60}, {9, 9, 39}, {-9, 0, 30}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        time_t today = time(NULL) / DAY * DAY;
        issue("old", "keyAgreement", -90, rows[i].ends);
        g_autofree char *old = line(CONFIDENTIALITY, "old", 0, 0);
        g_autofree char *from = moment_text(today + rows[i].from * DAY),
                        *until = moment_text(today + rows[i].until * DAY);
        configure(old);
        owned(run) struct run made = run("domsec key rollover -c '%s/a/domsec.conf' --line 7 --ca '%s/a/ca' --out "
                                         "'%s/a/keys/%zu.key'",
                                         dir, dir, dir, i);
        expect_status(made, 0);
        g_autofree char *begins = g_strdup_printf("from = \"%s\";", from),
                        *ends = g_strdup_printf("until = \"%s\";", until);
        expect_contains(made.out, begins);
        expect_contains(made.out, ends);
    }
}

/* A mailbox with one key to sign and one to decrypt: each has its own rollover. */
Test(rollover, of_split_keys)
{
    issue("signs", "digitalSignature", -9, 90);
    issue("decrypts", "keyAgreement", -9, 90);
    issue("next", "digitalSignature", -9, 90);
    configure(
        "{ address = \"edi@acme.test\"; certificate = \"keys/signs.pem\"; key = \"file:keys/signs.key\"; },\n"
        "{ address = \"edi@acme.test\"; certificate = \"keys/decrypts.pem\"; key = \"file:keys/decrypts.key\"; },\n"
        "{ address = \"edi@acme.test\"; certificate = \"keys/next.pem\"; key = \"file:keys/next.key\"; from = "
        "\"2200-01-01\"; }\n");
    owned(conf) struct conf *conf = loaded();
    cr_assert_eq(conf->identity_count, 3);
    owned(run) struct run which = run("domsec key rollover -c '%s/a/domsec.conf' --address edi@acme.test", dir);
    expect_status(which, 64);
    expect_contains(which.err, "2 identities of edi@acme.test are in force; say which with --line");
    owned(run) struct run signs = run("domsec key rollover -c '%s/a/domsec.conf' --line 7", dir);
    expect_status(signs, 65);
    expect_contains(signs.err, "a rollover is under way already");
    owned(run) struct run decrypts = run("domsec key rollover -c '%s/a/domsec.conf' --line 8 --ca '%s/a/ca'", dir, dir);
    expect_status(decrypts, 0);
}

/* An old identity was not removed, and its key is gone: it harms nothing. */
Test(rollover, the_old_one_has_ended)
{
    second_key(CONFIDENTIALITY, "dca-new");
    /* As a signer's the certificate would be warned of: it is for encryption. */
    g_autofree char *old = line(SIGNING, "dca", 0, time(NULL) - DAY);
    g_autofree char *new = line(CONFIDENTIALITY, "dca-new", 0, 0), *dsa = line(SIGNING, "dsa", 0, 0);
    g_autofree char *lines = g_strjoin(",\n", old, new, dsa, NULL);
    configure(lines);
    owned(run) struct run whole = checked();
    cr_expect_null(strstr(whole.out, "keys/dca.pem"), "%s", whole.out);
    const char *const files[] = {"a/keys/dca.key", "a/keys/dca.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(dir, files[i], NULL);
        cr_assert_eq(unlink(path), 0);
        owned(run) struct run check = checked(), status = shown(),
                              list = run("domsec key list -c '%s/a/domsec.conf'", dir);
        expect_status(check, 0);
        expect_contains(check.out, "note: this identity ended on ");
        cr_expect_null(strstr(check.out, "keys/dca.pem"), "%s", check.out);
        expect_contains(status.out, "ended, on ");
        expect_status(list, 0);
    }
    expect_backup();
}

/* The same key has the same identifier wherever it is, and another key another one. */
Test(rollover, key_identifiers)
{
    g_autofree char *dsa = line(SIGNING, "dsa", 0, 0);
    configure(dsa);
    owned(run) struct run digest =
        run("sh -c \"openssl x509 -in '%s/a/keys/dsa.pem' -noout -pubkey | openssl pkey -pubin "
            "-outform DER | openssl dgst -sha256 -r\"",
            dir);
    expect_status(digest, 0);
    g_autofree char *whole = g_strndup(digest.out, 64), *beginning = g_strndup(digest.out, FINGERPRINT_DIGITS);
    owned(run) struct run status = shown(), json = run("domsec status -c '%s/a/domsec.conf' --json", dir);
    expect_contains(status.out, beginning);
    expect_contains(json.out, whole);
}
