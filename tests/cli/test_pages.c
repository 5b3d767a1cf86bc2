/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of section 7: each example is tried. A comment before it says as what:
 *
 *     .\" tried: policy            a policy file, after which `domsec check --strict` finds nothing
 *     .\" tried: policy with warnings   the same, and there are warnings
 *     .\" tried: domsec.conf       the same for lines in domsec.conf
 *     .\" tried: identities        the same for an entry of identities
 *     .\" tried: commands          for the shell, in /etc/domsec; what would need a whole system does nothing
 *     .\" not tried: REASON
 */
#include "base/bytes.h"
#include "support/pki.h"
#include "support/program.h"

#include <openssl/pkcs12.h>

#define STUB "#!/bin/sh\nexit 0\n"
/* A list's, so that the policy with rules for lists does not refuse it. */
#define MESSAGE                                                                                                        \
    "From: Bob <bob@partner.test>\r\nTo: alice@acme.test\r\nList-Id: <l.partner.test>\r\nSubject: x\r\nMessage-ID: "   \
    "<1@partner.test>\r\n\r\nHello\r\n"

/* Stands in place of / in the examples. */
static char *root;

static char *shipped(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *file = g_build_filename(tests != NULL ? tests : "tests", "..", name, NULL);
    char *text = NULL;
    cr_assert(g_file_get_contents(file, &text, NULL, NULL), "%s", file);
    return text;
}

static GPtrArray *pages(void)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *folder = g_build_filename(tests != NULL ? tests : "tests", "../man", NULL);
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    cr_assert_not_null(directory);
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(directory)) != NULL;)
        if (g_str_has_suffix(name, ".7"))
            g_ptr_array_add(found, g_strdup(name));
    cr_assert_geq(found->len, 5);
    return found;
}

static void add_program(const char *name, const char *text)
{
    g_autofree char *place = g_strconcat("bin/", name, NULL), *path = g_build_filename(root, place, NULL);
    folder_write(root, place, text);
    cr_assert_eq(chmod(path, 0755), 0);
}

static void write_bundle(const struct pki *pki)
{
    g_autofree char *path = g_build_filename(root, "etc/domsec/edi.p12", NULL);
    PKCS12 *bundle = PKCS12_create("secret", NULL, pki->key, pki->cert, NULL, 0, 0, 0, 0, 0);
    cr_assert_not_null(bundle);
    BIO *file = BIO_new_file(path, "wb");
    cr_assert(file != NULL && i2d_PKCS12_bio(file, bundle) == 1);
    BIO_free(file);
    PKCS12_free(bundle);
    folder_write(root, "etc/domsec/keys/edi.pass", "secret\n");
}

static void copy_profile(const char *name)
{
    g_autofree char *from = g_build_filename("policy/profiles", name, NULL), *text = shipped(from);
    g_autofree char *to = g_build_filename("etc/domsec/profiles", name, NULL);
    folder_write(root, to, text);
}

/* The files that the examples name. */
static void write_certificates(void)
{
    g_autofree char *folder = g_build_filename(root, "etc/domsec", NULL);
    PKI_AUTO struct pki *ca = pki_ca("Partner CA");
    PKI_AUTO struct pki *dca = pki_role_with(ca, "domain-confidentiality-authority", "partner.test", PKI_RSA);
    PKI_AUTO struct pki *bob = pki_person(ca, "bob@partner.test"), *carol = pki_person(ca, "carol@partner.test");
    PKI_AUTO struct pki *edi = pki_person(ca, "edi@partner.test"), *ours = pki_person(ca, "edi@acme.test");
    PKI_AUTO struct pki *alone = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=Mail gateway")});
    PKI_AUTO struct pki *gateway = pki_issue(&(struct pki_spec){.issuer = ca,
                                                                .subject = PKI_LIST("CN=Partner"),
                                                                .san = PKI_LIST("email:gateway@partner.test"),
                                                                .key = PKI_RSA});
    PKI_AUTO struct pki *domain = pki_issue(
        &(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=Partner"), .san = PKI_LIST("dns:partner.test")});
    g_free(pki_write(folder, "anchors/partner-ca.pem", ca, NULL));
    g_free(pki_write(folder, "anchors/edi-ca.pem", ca, NULL));
    g_free(pki_write(folder, "certs/partner-dca.pem", dca, NULL));
    g_free(pki_write(folder, "certs/partner-gateway.pem", gateway, NULL));
    g_free(pki_write(folder, "certs/partner-self-signed.pem", alone, NULL));
    g_free(pki_write(folder, "certs/partner-domain.pem", domain, NULL));
    g_free(pki_write(folder, "certs/users.pem", bob, carol, NULL));
    g_free(pki_write(folder, "certs/edi-partner.pem", edi, NULL));
    write_bundle(ours);
}

static void setup(void)
{
    root = folder_new();
    g_autofree char *domsec = program_path("domsec");
    g_autofree char *wrapper =
        g_strdup_printf("#!/bin/sh\ncase \"$1 $2 $3\" in init* | \"key new\"* | \"key csr\"* | \"key import\"* | \"key "
                        "list --token\") exec '%s' \"$@\" ;; esac\nexec '%s' \"$@\" -c '%s/etc/domsec/domsec.conf'\n",
                        domsec, domsec, root);
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen 'local:%s/milter' '%s/etc/domsec'", root, root);
    expect_status(made, 0);
    cr_assert_eq(chmod(root, 0755), 0);
    write_certificates();
    folder_write(root, "etc/domsec/message.eml", MESSAGE);
    folder_write(root, "etc/mail/sendmail.mc", "");
    folder_write(root, "run/domsec/x", "");
    copy_profile("bdew.conf");
    add_program("domsec", wrapper);
    add_program("systemctl", STUB);
    add_program("make", STUB);
    add_program("chown", STUB);
    add_program("install", "#!/bin/sh\nfor last; do :; done\nexec mkdir -p \"$last\"\n");
    program_give(root, NULL);
}

static void teardown(void)
{
    folder_remove(root);
}

/* Below root instead of /. */
static void move(GString *text)
{
    static const char *const places[] = {"/etc", "/var/lib", "/run/domsec"};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *place = g_strconcat(root, places[i], NULL);
        g_string_replace(text, places[i], place, 0);
    }
}

static void run_commands(const char *page, GString *text)
{
    bool begins = strstr(text->str, "domsec init ") != NULL; /* in an empty folder */
    move(text);
    g_autofree char *folder = g_build_filename(root, "etc/domsec", NULL);
    g_autofree char *script =
        g_strdup_printf("set -e\nPATH='%s/bin':$PATH\ncd '%s'\n%s", root, begins ? root : folder, text->str);
    if (begins)
        folder_remove(g_steal_pointer(&folder));
    char *words[] = {(char *)"sh", (char *)"-c", script, NULL};
    owned(run) struct run done = run_words(words, "", 0, -1);
    cr_expect_eq(done.status, 0, "%s: status %d\n%s\n%s%s", page, done.status, script, done.out, done.err);
    program_give(root, NULL);
}

static void check_configuration(const char *page, const char *example, bool has_warnings)
{
    program_give(root, NULL);
    owned(run) struct run strict = run("domsec check --strict -c '%s/etc/domsec/domsec.conf'", root);
    owned(run) struct run plain = run("domsec check -c '%s/etc/domsec/domsec.conf'", root);
    cr_expect_eq(strict.status, has_warnings ? 1 : 0, "%s:\n%s%s", page, example, strict.out);
    cr_expect_eq(plain.status, 0, "%s:\n%s%s", page, example, plain.out);
}

/* The lines of an example replace those of the same keys. */
static void set_keys(GString *conf, const char *example)
{
    g_auto(GStrv) lines = g_strsplit(example, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *key = g_strndup(*line, strcspn(*line, "=")), *head = g_strconcat("\n", key, "=", NULL);
        const char *old = strchr(*line, '=') != NULL ? strstr(conf->str, head) : NULL;
        if (old != NULL)
            g_string_erase(conf, old - conf->str, (gssize)strcspn(old + 1, "\n") + 1);
    }
    g_string_append(conf, example);
}

static void edit_configuration(GString *text, bool is_identity)
{
    g_autofree char *before = folder_read(root, "etc/domsec/domsec.conf");
    GString *conf = g_string_new(before);
    move(text);
    if (is_identity) {
        g_autofree char *entry = g_strconcat("\nidentities = (\n", text->str, ",\n", NULL);
        cr_expect_eq(g_string_replace(conf, "\nidentities = (\n", entry, 0), 1);
    } else {
        set_keys(conf, text->str);
    }
    folder_write(root, "etc/domsec/domsec.conf", conf->str);
    g_string_free(conf, TRUE);
}

/* What roff makes of an example. */
static GString *example(const char *from)
{
    const char *end = strstr(from, "\n.EE\n");
    cr_assert_not_null(end, "%s", from);
    GString *text = g_string_new_len(from, end - from + 1);
    static const char *const marks[][2] = {
        {"\\-", "-"}, {"\\(ga", "`"}, {"\\(aq", "'"}, {"\\(dq", "\""}, {"\\e", "\\"}};
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
        g_string_replace(text, marks[i][0], marks[i][1], 0);
    return text;
}

static void try_example(const char *page, const char *kind, GString *text)
{
    if (strcmp(kind, "commands") == 0) {
        run_commands(page, text);
        return;
    }
    bool has_warnings = strcmp(kind, "policy with warnings") == 0;
    if (strcmp(kind, "policy") == 0 || has_warnings)
        folder_write(root, "etc/domsec/policy.d/partner.test.conf", text->str);
    else if (strcmp(kind, "identities") == 0 || strcmp(kind, "domsec.conf") == 0)
        edit_configuration(text, strcmp(kind, "identities") == 0);
    else
        cr_assert_fail("%s: no way to try \"%s\"", page, kind);
    check_configuration(page, text->str, has_warnings);
}

Test(pages, each_example_works)
{
    g_autoptr(GPtrArray) names = pages();
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *path = g_build_filename("man", name, NULL), *page = shipped(path);
        setup();
        for (char *at = page; (at = strstr(at, "\n.EX\n")) != NULL; at += 5) {
            g_autofree char *before = g_strndup(page, (gsize)(at - page));
            const char *mark = strrchr(before, '\n') + 1;
            GString *text = example(at + 5);
            if (text_begins_with(mark, ".\\\" tried: "))
                try_example(name, mark + strlen(".\\\" tried: "), text);
            else
                cr_expect(text_begins_with(mark, ".\\\" not tried: "), "%s: %s", name, mark);
            g_string_free(text, TRUE);
        }
        teardown();
    }
}

/* A reader finds each page from the others. */
Test(pages, each_is_listed)
{
    static const char *const lists[] = {"man/domsec.1", "man/domsec-milter.8", "man/domsec.conf.5"};
    g_autofree char *readme = shipped("README.md");
    g_autoptr(GPtrArray) names = pages();
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *name = g_strndup(g_ptr_array_index(names, i), strlen(g_ptr_array_index(names, i)) - 2);
        g_autofree char *plain = g_strconcat(name, "(7)", NULL);
        expect_contains(readme, plain);
        g_auto(GStrv) pieces = g_strsplit(name, "-", -1);
        g_autofree char *roff = g_strjoinv("\\-", pieces);
        for (size_t p = 0; p < G_N_ELEMENTS(lists); p++) {
            g_autofree char *list = shipped(lists[p]), *row = g_strconcat(".BR ", roff, " (7)", NULL);
            const char *also = strstr(list, ".SH SEE ALSO");
            cr_assert_not_null(also);
            expect_contains(also, row);
        }
    }
}
