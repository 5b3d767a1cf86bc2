/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key gives way to another: the dates of identities that stand side by side, through `domsec filter`, and what the
 * commands say of them. acme.test has the keys, and partner.test writes to it and reads what it signs.
 */
#include "base/moment.h"
#include "keys/keys.h"
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
