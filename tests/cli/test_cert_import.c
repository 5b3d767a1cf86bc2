/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec cert import`: folders, LDIF as directories export it, and signed messages as openssl makes them. */
#include "support/pki.h"
#include "support/program.h"

static char *dir;
static struct pki *ca, *alice, *bob, *carol;

static void make_folder(const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    cr_assert_eq(g_mkdir_with_parents(path, 0700), 0);
}

static void make(void)
{
    dir = folder_new();
    folder_write(dir, "domsec.conf", "local_domains = ( \"acme.test\" );\ncertificate_directory = \"store\";\n");
    make_folder("store");
    ca = pki_ca("root");
    alice = pki_person(ca, "alice@partner.test");
    bob = pki_person(ca, "bob@partner.test");
    carol = pki_person(ca, "carol@partner.test");
    g_free(pki_write(dir, "ca.pem", ca, NULL));
    g_free(pki_write(dir, "alice.pem", alice, NULL));
    g_free(pki_write(dir, "bob.pem", bob, NULL));
    g_free(pki_write_key(dir, "alice.key", alice));
}

static void drop(void)
{
    pki_free(ca);
    pki_free(alice);
    pki_free(bob);
    pki_free(carol);
    folder_remove(dir);
}

TestSuite(cert_import, .init = make, .fini = drop);

#define import(what, options) run("domsec cert import -c '%s/domsec.conf' '%s/%s' " options, dir, dir, what)

/* The addresses in the store, in a fixed order. */
static char *stored(void)
{
    owned(run) struct run listed = run("domsec cert list -c '%s/domsec.conf'", dir);
    expect_status(listed, 0);
    g_autoptr(GString) text = g_string_new(NULL);
    static const char *const names[] = {"alice", "bob", "carol", "root"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strstr(listed.out, names[i]) != NULL)
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", names[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void expect_stored(const char *wanted)
{
    g_autofree char *names = stored();
    cr_expect_str_eq(names, wanted, "stored: %s", names);
}

/* --- folders --- */

Test(cert_import, folders_and_what_lies_in_them)
{
    make_folder("in/deep/er");
    make_folder("in/.git");
    folder_copy(dir, "alice.pem", dir, "in/alice.pem");
    folder_copy(dir, "bob.pem", dir, "in/deep/er/whatever.txt");
    folder_copy(dir, "ca.pem", dir, "in/deep/ca.pem");
    g_free(pki_write(dir, "in/.git/carol.pem", carol, NULL));
    folder_write(dir, "in/readme", "no certificate\n");
    folder_write(dir, "in/empty", "");
    g_autofree char *circle = g_build_filename(dir, "in/deep/circle", NULL);
    cr_assert_eq(symlink("..", circle), 0);
    owned(run) struct run got = import("in", "");
    expect_status(got, 0);
    expect_stored("alice bob");
    expect_contains(got.out, "skipped CN=root,O=Tests: a root certificate belongs in trust_anchors");
    expect_contains(got.out, "2 imported, 0 already there, 4 skipped\n");
    expect_contains(got.err, "passed over ");
    expect_contains(got.err, "/in/readme: contains no certificate in PEM or DER\n");
    expect_contains(got.err, "/in/empty: is empty\n");
    expect_contains(got.err, "/in/deep/circle: is a directory\n");
    owned(run) struct run again = import("in/alice.pem", "");
    expect_status(again, 0);
    expect_contains(again.out, "already there: ");
    cr_expect_null(strstr(again.out, "SIGHUP"), "%s", again.out);
}

Test(cert_import, folders_have_a_limit)
{
    g_autoptr(GString) path = g_string_new("in");
    for (int i = 0; i < 8; i++)
        g_string_append(path, "/x");
    make_folder(path->str);
    g_string_append(path, "/alice.pem");
    folder_copy(dir, "alice.pem", dir, path->str);
    owned(run) struct run got = import("in", "");
    expect_status(got, 65);
    expect_contains(got.err, ": more than 8 folders deep\n");
    owned(run) struct run below = import("in/x", "");
    expect_status(below, 0);
    expect_stored("alice");
}

/* What is named and cannot be read is a fault, and the rest is imported all the same. */
Test(cert_import, one_bad_file_does_not_hide_the_others)
{
    make_folder("none");
    owned(run) struct run got = run("domsec cert import -c '%s/domsec.conf' '%s/alice.key' '%s/absent' '%s/none' "
                                    "'%s/alice.pem'",
                                    dir, dir, dir, dir, dir);
    expect_status(got, 65);
    expect_contains(got.err, "alice.key: contains a private key, but no certificate\n");
    expect_contains(got.err, "absent: No such file or directory\n");
    expect_stored("alice");
    owned(run) struct run empty = import("none", "");
    expect_status(empty, 65);
    expect_contains(empty.err, "domsec: there is nothing to import\n");
    if (geteuid() == 0)
        return; /* may read everything */
    g_autofree char *folder = g_build_filename(dir, "none", NULL);
    cr_assert_eq(chmod(folder, 0), 0);
    owned(run) struct run shut = import("none", "");
    expect_status(shut, 65);
    expect_contains(shut.err, "Permission denied");
}

Test(cert_import, a_dry_run_changes_nothing)
{
    owned(run) struct run got = import("alice.pem", "--dry-run");
    expect_status(got, 0);
    expect_contains(got.out, "would import ");
    expect_contains(got.out, "alice@partner.test");
    expect_stored("");
}

Test(cert_import, prune_takes_out_what_has_expired)
{
    time_t now = time(NULL);
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_before = now - 9 * 86400, .not_after = now - 86400});
    owned(run) struct run got = import("alice.pem", "");
    expect_status(got, 0);
    owned(run) struct run none = run("domsec cert prune -c '%s/domsec.conf'", dir);
    expect_status(none, 0);
    cr_expect_str_eq(none.out, "nothing to remove\n");
    g_free(pki_write(dir, "store/old.pem", old, NULL));
    g_free(pki_write(dir, "store/again.pem", alice, NULL));
    owned(run) struct run shown = run("domsec cert prune --dry-run -c '%s/domsec.conf'", dir);
    expect_status(shown, 0);
    expect_contains(shown.out, "would remove ");
    owned(run) struct run pruned = run("domsec cert prune -c '%s/domsec.conf'", dir);
    expect_status(pruned, 0);
    expect_contains(pruned.out, "/store/old.pem: CN=old, expired on ");
    expect_contains(pruned.out, "/store/again.pem: alice@partner.test, which ");
    expect_contains(pruned.out, " (SIGHUP)\n");
    expect_stored("alice");
}

/* --- LDIF --- */

/* As ldapsearch folds it. */
static char *folded(const char *type, const unsigned char *data, gsize length, const char *line_end)
{
    g_autofree char *base64 = g_base64_encode(data, length);
    g_autofree char *line = g_strconcat(type, ":: ", base64, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    for (gsize at = 0; at < strlen(line); at += 76)
        g_string_append_printf(out, "%s%.76s%s", at > 0 ? " " : "", line + at, line_end);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *value_of(const char *type, const struct pki *pki, const char *line_end)
{
    unsigned char *der = NULL;
    int length = i2d_X509(pki->cert, &der);
    cr_assert_gt(length, 0);
    char *text = folded(type, der, (gsize)length, line_end);
    OPENSSL_free(der);
    return text;
}

Test(cert_import, ldif_as_directories_export_it)
{
    owned(run) struct run made = run("openssl crl2pkcs7 -nocrl -certfile '%s/bob.pem' -certfile '%s/ca.pem' -outform "
                                     "DER -out '%s/bob.p7'",
                                     dir, dir, dir);
    expect_status(made, 0);
    g_autofree char *bundle = NULL, *path = g_build_filename(dir, "bob.p7", NULL);
    gsize length = 0;
    cr_assert(g_file_get_contents(path, &bundle, &length, NULL));
    static const char *const line_ends[] = {"\n", "\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(line_ends); i++) {
        const char *end = line_ends[i];
        g_autofree char *one = value_of("userCertificate;binary", alice, end);
        g_autofree char *two = folded("usersmimecertificate", (const unsigned char *)bundle, length, end);
        g_autofree char *three = value_of("USERCERTIFICATE", carol, end);
        g_autofree char *authority = value_of("cACertificate;binary", ca, end);
        g_autofree char *text = g_strconcat(
            "# extended LDIF", end, "#", end, "version: 1", end, end, "dn: cn=Alice,dc=partner,dc=test", end,
            "cn: Alice", end, one, "description: userCertificate:: x", end, end, end, "# bob", end,
            "dn:: Y249QsO2YixkYz1wYXJ0bmVyLGRjPXRlc3Q=", end, two, authority, end, "dn: cn=Carol", end, three, NULL);
        folder_write(dir, "all.ldif", text);
        owned(run) struct run got = import("all.ldif", "");
        expect_status(got, 0);
        cr_expect_str_empty(got.err);
        expect_stored("alice bob carol");
        expect_contains(got.out, "(alice@partner.test; of cn=Alice,dc=partner,dc=test)\n");
        expect_contains(got.out, "(bob@partner.test; of cn=B\xc3\xb6"
                                 "b,dc=partner,dc=test)\n");
        expect_contains(got.out, i == 0 ? "3 imported, 0 already there, 1 skipped\n"
                                        : "0 imported, 3 already there, 1 skipped\n");
    }
}

/* One bad value does not hide the others. No other file is read. */
Test(cert_import, ldif_that_is_odd)
{
    g_autofree char *good = value_of("userCertificate;binary", alice, "\n");
    g_autofree char *url = g_strdup_printf("userCertificate;binary:< file://%s/bob.pem\n", dir);
    g_autofree char *include = g_strdup_printf("include: file://%s/other.ldif\n\n", dir);
    g_autofree char *text =
        g_strconcat("dn: cn=x\n", include, "dn: cn=y\nuserCertificate:: ****\n", url,
                    "userCertificate;binary:: AAAA\nuserCertificate\nuserCertificate;binary:\n", good, NULL);
    g_autofree char *other = value_of("userCertificate", bob, "\n"), *bait = g_strconcat("dn: cn=b\n", other, NULL);
    folder_write(dir, "odd.ldif", text);
    folder_write(dir, "other.ldif", bait);
    owned(run) struct run got = import("odd.ldif", "");
    expect_status(got, 0);
    expect_stored("alice");
    expect_contains(got.out, "skipped a value of cn=y: it cannot be decoded\n");
    expect_contains(got.out, "skipped a value of cn=y: it is in another file, which is not read\n");
    expect_contains(got.out, "skipped a value of cn=y: contains no certificate in PEM or DER\n");
    folder_write(dir, "none.ldif", "version: 1\n\ndn: cn=x\ncn: x\n");
    owned(run) struct run none = import("none.ldif", "");
    expect_status(none, 65);
    expect_contains(none.err, "none.ldif: LDIF without userCertificate or userSMIMECertificate\n");
}

/* --- messages --- */

static void sign(const char *file, const char *options)
{
    folder_write(dir, "text", "Content-Type: text/plain\n\nHello\n");
    owned(run) struct run made =
        run("openssl cms -sign -in '%s/text' -signer '%s/alice.pem' -inkey '%s/alice.key' -from alice@partner.test "
            "-to bob@acme.test -subject test -out '%s/%s' %s",
            dir, dir, dir, dir, file, options);
    expect_status(made, 0);
}

/* An RSA key for a signature, and one of the same person's for encryption, sent along; others are not the signer's. */
Test(cert_import, a_signed_message_offers_its_signer)
{
    PKI_AUTO struct pki *second = pki_person(ca, "Alice@Partner.test");
    g_free(pki_write(dir, "more.pem", ca, bob, second, NULL));
    g_autofree char *more = g_strdup_printf("-certfile '%s/more.pem'", dir);
    g_autofree char *opaque = g_strconcat("-nodetach ", more, NULL);
    sign("clear.eml", more);
    sign("opaque.eml", opaque);
    g_autofree char *clear = folder_read(dir, "clear.eml");
    g_autofree char *mbox = g_strconcat("From alice@partner.test Mon Nov 23 10:00:00 2026\n", clear, NULL);
    folder_write(dir, "mbox", mbox);
    g_autofree char *list = g_strconcat("From: list@x.test\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
                                        "boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nHello\n--b\n",
                                        strstr(clear, "MIME-Version"), "\n--b--\n", NULL);
    folder_write(dir, "list.eml", list);
    static const char *const files[] = {"clear.eml", "opaque.eml", "mbox", "list.eml"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        owned(run) struct run got = import(files[i], "");
        expect_status(got, 0);
        cr_expect_str_empty(got.err);
        expect_stored("alice");
        expect_contains(got.out, "(alice@partner.test; signed the message)\n");
        expect_contains(got.out, "(Alice@Partner.test; sent along by the signer, for the same address)\n");
        expect_contains(got.out, ": it is in the message, and not the signer's\n");
        expect_contains(got.out, i == 0 ? "2 imported, 0 already there, 1 skipped\n"
                                        : "0 imported, 2 already there, 1 skipped\n");
    }
}

Test(cert_import, a_signature_that_does_not_hold_offers_nothing)
{
    g_autofree char *more = g_strdup_printf("-certfile '%s/ca.pem'", dir);
    sign("clear.eml", more);
    g_autofree char *clear = folder_read(dir, "clear.eml");
    char *word = strstr(clear, "Hello");
    cr_assert_not_null(word);
    word[0] = 'J';
    folder_write(dir, "clear.eml", clear);
    owned(run) struct run got = import("clear.eml", "");
    expect_status(got, 65);
    expect_contains(got.out, ": the signature does not hold: ");
    expect_stored("");
}

Test(cert_import, other_messages)
{
    g_autofree char *pem = folder_read(dir, "alice.pem");
    g_autofree char *with_pem = g_strconcat("From: alice@partner.test\nSubject: x\n\nmy certificate:\n", pem, NULL);
    folder_write(dir, "pem.eml", with_pem);
    folder_write(dir, "plain.eml", "From: a@b.test\nSubject: x\n\nHello\n");
    sign("clear.eml", "");
    owned(run) struct run encrypted = run("openssl cms -encrypt -in '%s/clear.eml' -aes256 -out '%s/encrypted.eml' "
                                          "-from a@b.test '%s/bob.pem'",
                                          dir, dir, dir);
    expect_status(encrypted, 0);
    owned(run) struct run bundle =
        run("openssl crl2pkcs7 -nocrl -certfile '%s/bob.pem' -outform DER -out '%s/bob.p7'", dir, dir);
    expect_status(bundle, 0);
    g_autofree char *der = NULL, *path = g_build_filename(dir, "bob.p7", NULL);
    gsize length = 0;
    cr_assert(g_file_get_contents(path, &der, &length, NULL));
    g_autofree char *base64 = g_base64_encode((const guchar *)der, length);
    g_autofree char *certs_only =
        g_strconcat("From: bob@partner.test\nMIME-Version: 1.0\nContent-Type: application/pkcs7-mime; "
                    "smime-type=certs-only; name=smime.p7c\nContent-Transfer-Encoding: base64\n\n",
                    base64, "\n", NULL);
    folder_write(dir, "certs-only.eml", certs_only);
    static const struct {
        const char *file, *says, *stored;
        int status;
    } rows[] = {{"plain.eml", "plain.eml: a message without a signature, so it offers no certificate\n", "", 65},
                {"encrypted.eml", "encrypted.eml: a message that is encrypted, so it offers no certificate\n", "", 65},
                {"pem.eml", "imported ", "alice", 0},
                {"certs-only.eml", "(bob@partner.test; sent without a signature)\n", "alice bob", 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run got = import(rows[i].file, "");
        cr_expect_eq(got.status, rows[i].status, "%s: %s%s", rows[i].file, got.out, got.err);
        expect_contains(rows[i].status == 0 ? got.out : got.err, rows[i].says);
        expect_stored(rows[i].stored);
    }
}

Test(cert_import, an_authority_completes_paths)
{
    PKI_AUTO struct pki *root = pki_ca("Root"), *issuing = pki_sub_ca(root, "Issuing");
    PKI_AUTO struct pki *late = pki_issue(&(struct pki_spec){.issuer = root,
                                                             .ca = true,
                                                             .subject = PKI_LIST("CN=Late"),
                                                             .not_before = time(NULL) - 7200,
                                                             .not_after = time(NULL) - 3600});
    g_free(pki_write(dir, "chain.pem", issuing, root, late, NULL));
    owned(run) struct run got = import("chain.pem", "");
    expect_status(got, 0);
    expect_contains(got.out,
                    "  CN=Issuing,O=Tests (an authority, which completes certification paths and is not trusted "
                    "itself)\n");
    expect_contains(got.out, "skipped CN=Root,O=Tests: a root certificate belongs in trust_anchors");
    expect_contains(got.out, "skipped CN=Late: the certificate expired on ");
}

/* What openssl makes without options is used only where a policy pins it. */
Test(cert_import, a_self_signed_authority_is_for_a_policy)
{
    PKI_AUTO struct pki *own = pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=gw"), .key_usage = ""});
    g_free(pki_write(dir, "own.pem", own, NULL));
    owned(run) struct run got = import("own.pem", "");
    expect_status(got, 65);
    expect_contains(got.out, "skipped CN=gw: a self-signed CA certificate is used only where a policy's certificates "
                             "name it (naming = \"pinned\")\n");
}
