/* SPDX-License-Identifier: Apache-2.0 */
/* domsec cert dns: what it prints is a zone file for a real knot, and another gateway finds our certificates there. */
#include "keys/keys.h"
#include "net/dns.h"
#include "support/fake_dns.h"
#include "support/knot.h"
#include "support/pki.h"
#include "support/program.h"

#include <jansson.h>

#define ALICE_IDENTITY                                                                                                 \
    "identities = ( { address = ( \"alice@acme.test\", \"*@edi.acme.test\" ); certificate = \"alice.pem\"; "           \
    "key = \"file:alice.key\"; },"

/* Our configuration, with a person's certificate beside the domain's. */
static void make_ours(const char *folder)
{
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/acme'", folder);
    expect_status(made, 0);
    PKI_AUTO struct pki *ca = pki_ca("Acme people"), *alice = pki_person(ca, "alice@acme.test");
    g_free(pki_write(folder, "acme/alice.pem", alice, NULL));
    g_free(pki_write_key(folder, "acme/alice.key", alice));
    g_autofree char *text = folder_read(folder, "acme/domsec.conf");
    g_auto(GStrv) parts = g_strsplit(text, "identities = (", 2);
    g_autofree char *whole = g_strconcat(parts[0], ALICE_IDENTITY, parts[1], NULL);
    folder_write(folder, "acme/domsec.conf", whole);
}

static void expect_find(const char *folder, const char *address, int status, const char *says)
{
    owned(run) struct run got = run("domsec cert find -c '%s/corp/domsec.conf' %s", folder, address);
    expect_status(got, status);
    expect_contains(got.out, says);
}

Test(cert_dns, another_gateway_finds_what_we_publish)
{
    owned(folder) char *folder = folder_new();
    make_ours(folder);
    owned(run) struct run printed = run("domsec cert dns -c '%s/acme/domsec.conf'", folder);
    expect_status(printed, 0);
    expect_contains(printed.out, "\n; domain-confidentiality-authority@acme.test: ");
    expect_contains(printed.out, "\n; alice@acme.test: ");
    expect_contains(printed.out, "\n;acme.test. 3600 IN CAA 0 issuemail ");
    expect_contains(printed.err, "*@edi.acme.test: the DNS has no names for patterns");
    /* RFC 8659 §1: what may be issued from now on says nothing of what was issued. */
    g_autofree char *records = g_strconcat(printed.out, "@ CAA 0 issuemail \";\"\n", NULL);
    struct knot knot;
    const struct knot_zone zones[] = {{"acme.test", KNOT_SIGNED, records}, {"bare.test", KNOT_UNSIGNED, ""}};
    knot_start(&knot, zones, G_N_ELEMENTS(zones));
    owned(run) struct run made = run("domsec init --domain corp.test --algorithm p256 '%s/corp'", folder);
    expect_status(made, 0);
    g_autofree char *text = folder_read(folder, "corp/domsec.conf");
    g_autofree char *whole = g_strdup_printf("%s\ndns = { resolver = \"%s\"; anchors = ( \"%s\" ); timeout = 2; };\n",
                                             text, knot.address, knot.anchor);
    folder_write(folder, "corp/domsec.conf", whole);
    folder_write(folder, "corp/policy.d/default.conf", "outbound = { protect = \"encrypt\"; };\n");
    expect_find(folder, "alice@acme.test", 0, "  usable, vouched for by the zone\n");
    expect_find(folder, "bob@acme.test", 0, "  usable, vouched for by the zone\n");
    expect_find(folder, "bob@acme.test", 0, "SMIMEA at ");
    expect_find(folder, "bob@bare.test", 2, "");
    owned(run) struct run explained =
        run("domsec explain -c '%s/corp/domsec.conf' --from eve@corp.test --to bob@acme.test", folder);
    expect_contains(explained.out, "vouched for by the zone");
    knot_halt(&knot);
    expect_find(folder, "bob@acme.test", 75, "");
    knot_stop(&knot);
}

Test(cert_dns, chosen)
{
    owned(folder) char *folder = folder_new();
    make_ours(folder);
    static const struct {
        const char *operand;
        int status;
        unsigned records;
    } rows[] = {
        {"", 0, 3},
        {"acme.test", 0, 3},
        {"Acme.Test", 0, 3},
        {"alice@acme.test", 0, 1},
        {"Alice@acme.test", 0, 1},
        {"domain-signing-authority@acme.test", 0, 1},
        {"bob@acme.test", 1, 0},
        {"other.test", 1, 0},
        {"a..b", 64, 0},
        {"a@b@c", 64, 0},
        {"acme.test alice@acme.test", 64, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run got = run("domsec cert dns -c '%s/acme/domsec.conf' %s", folder, rows[i].operand);
        g_auto(GStrv) parts = g_strsplit(got.out, " IN SMIMEA 3 0 0 (", -1);
        expect_status(got, rows[i].status);
        cr_expect_eq(g_strv_length(parts) - (got.out[0] != '\0'), rows[i].records, "%s: %s", rows[i].operand, got.out);
    }
}

/* Of two that decrypt, the newer is published, and none that has expired. */
Test(cert_dns, rollover)
{
    owned(folder) char *folder = folder_new();
    make_ours(folder);
    time_t now = time(NULL);
    PKI_AUTO struct pki *ca = pki_ca("ca");
    const time_t begins[] = {now - 100, now - 50, now - 200, now - 900},
                 ends[] = {now + 9000, now + 9000, now + 9000, now - 1};
    GString *identities = g_string_new("identities = (");
    for (size_t i = 0; i < G_N_ELEMENTS(begins); i++) {
        g_autofree char *subject = g_strdup_printf("CN=number %zu", i), *name = g_strdup_printf("acme/%zu.pem", i),
                        *key = g_strdup_printf("acme/%zu.key", i);
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST(subject), .not_before = begins[i], .not_after = ends[i]});
        g_free(pki_write(folder, name, pki, NULL));
        g_free(pki_write_key(folder, key, pki));
        g_string_append_printf(identities,
                               "%s{ address = \"bob@acme.test\"; certificate = \"%zu.pem\"; key = \"file:%zu.key\"; }",
                               i > 0 ? "," : "", i, i);
    }
    g_string_append(identities, ",");
    g_autofree char *text = folder_read(folder, "acme/domsec.conf");
    g_auto(GStrv) parts = g_strsplit(text, "identities = (", 2);
    g_autofree char *whole = g_strconcat(parts[0], identities->str, parts[1], NULL);
    g_string_free(identities, TRUE);
    folder_write(folder, "acme/domsec.conf", whole);
    owned(run) struct run got = run("domsec cert dns -c '%s/acme/domsec.conf' bob@acme.test", folder);
    expect_status(got, 0);
    expect_contains(got.out, "CN=number 1, until");
    cr_expect_null(strstr(got.out, "number 0"));
    cr_expect_null(strstr(got.out, "number 2"));
    cr_expect_null(strstr(got.out, "number 3"));
}

/* --- --dns of `cert show` and `cert lint`: what the zones of a certificate's domains say --- */

static const struct knot_zone domains[] = {
    {"named.test", KNOT_SIGNED, "@ CAA 0 issuemail \"ca.example; account=1\"\n@ MX 10 mx.named.test.\n"},
    {"both.test", KNOT_SIGNED, "@ CAA 0 issuemail \";\"\n@ CAA 0 IssueMail \"ca.example\"\n"},
    {"shut.test", KNOT_UNSIGNED, "@ CAA 0 issuemail \";\"\n@ MX 0 .\n"},
    {"malformed.test", KNOT_SIGNED, "@ CAA 0 issuemail \"%%%%%\"\n@ CAA 0 issuemail \"ca.example; a;b=c\"\n"},
    {"parts.test", KNOT_SIGNED, "@ CAA 0 issuemail \"ca.example ; a=b; c = d\"\n"},
    {"open.test", KNOT_SIGNED, "@ MX 0 a.test.\n@ MX 10 .\n"},
    {"bare.test", KNOT_UNSIGNED, "@ MX 10 a.test.\n"},
    {"mixed.test", KNOT_SIGNED, "@ CAA 0 issuemail \"%\"\n@ CAA 0 issuemail \"ca.example\"\n@ MX 0 a.test.\n"},
    {"web.test", KNOT_SIGNED, "@ CAA 128 issue \";\"\n@ CAA 0 iodef \"mailto:a@b.test\"\n"},
    {"critical.test", KNOT_SIGNED, "@ CAA 128 other \"x\"\n@ CAA 0 issuemail \"ca.example\"\n"},
    {"ignored.test", KNOT_SIGNED, "@ CAA 127 other \"x\"\n"},
    {"bogus.test", KNOT_TAMPERED, "@ CAA 0 issuemail \"good.example\"\n"},
    {"xn--bcher-kva.test", KNOT_SIGNED, "@ CAA 0 issuemail \"ca.example\"\n"},
};

/* What is shown of one domain. */
struct view {
    const char *domain, *caa, *dnssec, *at, *issuance; /* NULL: null */
    const char *mx, *mx_dnssec;
    size_t hosts;
    const char *warning; /* a part of one; NULL: there are no warnings */
};

static const char *word(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void expect_view(const json_t *list, const struct view *view)
{
    const json_t *json = NULL;
    for (size_t i = 0; i < json_array_size(list) && json == NULL; i++)
        if (g_strcmp0(word(json_array_get(list, i), "domain"), view->domain) == 0)
            json = json_array_get(list, i);
    cr_assert_not_null(json, "%s is not shown", view->domain);
    const json_t *caa = json_object_get(json, "caa"), *mx = json_object_get(json, "mx");
    const char *const got[][2] = {{word(caa, "result"), view->caa}, {word(caa, "dnssec"), view->dnssec},
                                  {word(caa, "at"), view->at},      {word(caa, "issuance"), view->issuance},
                                  {word(mx, "result"), view->mx},   {word(mx, "dnssec"), view->mx_dnssec}};
    for (size_t i = 0; i < G_N_ELEMENTS(got); i++)
        cr_expect(g_strcmp0(got[i][0], got[i][1]) == 0, "%s: not %s, but %s", view->domain, got[i][1], got[i][0]);
    cr_expect_eq(json_array_size(json_object_get(mx, "hosts")), view->hosts, "%s", view->domain);
    g_autofree char *warnings = json_dumps(json_object_get(json, "warnings"), 0);
    cr_expect(view->warning == NULL ? strcmp(warnings, "[]") == 0 : strstr(warnings, view->warning) != NULL, "%s: %s",
              view->domain, warnings);
}

static void expect_views(const char *output, const struct view *views, size_t count)
{
    json_t *json = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(json, "%s", output);
    const json_t *list = json_object_get(json, "dns");
    cr_expect_eq(json_array_size(list), count, "%s", output);
    for (size_t i = 0; i < count; i++)
        expect_view(list, &views[i]);
    json_decref(json);
}

static void write_certificate(const char *folder, const char *const *san)
{
    PKI_AUTO struct pki *ca = pki_ca("The issuer"),
                        *pki = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=many"), .san = san});
    g_free(pki_write(folder, "many.pem", pki, NULL));
}

static void write_resolver(const char *folder, const char *resolver, const char *anchor)
{
    g_autofree char *text = folder_read(folder, "acme/domsec.conf");
    g_auto(GStrv) parts = g_strsplit(text, "\ndns = ", 2);
    g_autofree char *whole =
        g_strdup_printf("%s\ndns = { resolver = \"%s\"; anchors = ( %s%s%s ); timeout = 1; };\n", parts[0], resolver,
                        anchor != NULL ? "\"" : "", anchor != NULL ? anchor : "", anchor != NULL ? "\"" : "");
    folder_write(folder, "acme/domsec.conf", whole);
}

static char *lint_dns(const char *folder, const char *options)
{
    owned(run) struct run got =
        run("domsec cert lint -c '%s/acme/domsec.conf' %s '%s/many.pem'", folder, options, folder);
    expect_status(got, 65);
    cr_expect_str_eq(got.err, "");
    return g_strdup(got.out);
}

#define NO_MX "it has no MX record"

Test(cert_dns, zones_of_a_certificate)
{
    static const struct view views[] = {
        {"named.test", "found", "secure", "named.test", "named", "found", "secure", 1, NULL},
        {"a.b.named.test", "found", "secure", "named.test", "named", "none", "secure", 0, NO_MX},
        {"both.test", "found", "secure", "both.test", "named", "none", "secure", 0, NO_MX},
        {"shut.test", "found", "insecure", "shut.test", "forbidden", "found", "insecure", 1, "names no authority"},
        {"a.shut.test", "found", "insecure", "shut.test", "forbidden", "none", "insecure", 0, "names no authority"},
        {"malformed.test", "found", "secure", "malformed.test", "forbidden", "none", "secure", 0, "is malformed"},
        {"parts.test", "found", "secure", "parts.test", "named", "none", "secure", 0, NO_MX},
        {"open.test", "none", "secure", NULL, "any", "found", "secure", 2, NULL},
        {"bare.test", "none", "insecure", NULL, "any", "found", "insecure", 1, NULL},
        {"mixed.test", "found", "secure", "mixed.test", "named", "found", "secure", 1, "is malformed"},
        {"web.test", "found", "secure", "web.test", "any", "none", "secure", 0, NO_MX},
        {"critical.test", "found", "secure", "critical.test", "forbidden", "none", "secure", 0, "\\\"other\\\""},
        {"ignored.test", "found", "secure", "ignored.test", "any", "none", "secure", 0, NO_MX},
        {"bogus.test", "failed", "bogus", NULL, "unknown", "none", "secure", 0,
         "an authority that finds the same may not issue"},
        {"a.bogus.test", "failed", "bogus", NULL, "unknown", "none", "secure", 0,
         "an authority that finds the same may not issue"},
        {"xn--bcher-kva.test", "found", "secure", "xn--bcher-kva.test", "named", "none", "secure", 0, NO_MX},
    };
    owned(folder) char *folder = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/acme'", folder);
    expect_status(made, 0);
    struct knot knot;
    knot_start(&knot, domains, G_N_ELEMENTS(domains));
    write_resolver(folder, knot.address, knot.anchor);
    write_certificate(
        folder, PKI_LIST("email:a@named.test", "email:b@NAMED.test", "email:c@a.b.named.test", "email:a@both.test",
                         "email:a@shut.test", "email:a@a.shut.test", "email:a@malformed.test", "email:a@parts.test",
                         "email:a@open.test", "email:a@bare.test", "email:a@mixed.test", "email:a@web.test",
                         "email:a@critical.test", "email:a@ignored.test", "email:a@bogus.test", "email:a@a.bogus.test",
                         "utf8:j\u00f6rg@b\u00fccher.test", "email:a@[192.0.2.1]"));
    g_autofree char *json = lint_dns(folder, "--dns --json"), *text = lint_dns(folder, "--dns");
    expect_views(json, views, G_N_ELEMENTS(views));
    static const char *const lines[] = {
        "\nDNS, to compare with the issuer CN=The issuer,O=Tests; no verdict on mail depends on it\n",
        "\n  named.test          CAA     secure    issuemail \"ca.example; account=1\" at named.test\n",
        "\n  named.test          MX      secure    mx.named.test\n",
        "  issuemail \";\" at shut.test\n",
        "  null MX\n",
        "  no record, so that any authority may issue\n",
        "\n  warning  shut.test: issuemail names no authority, so that no public authority may issue for its "
        "addresses\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        expect_contains(text, lines[i]);
    owned(run) struct run imported = run("domsec cert import -c '%s/acme/domsec.conf' '%s/many.pem'", folder, folder);
    expect_status(imported, 0);
    char sha256[65];
    g_autofree char *pem = folder_read(folder, "many.pem");
    owned(BIO) BIO *memory = BIO_new_mem_buf(pem, -1);
    owned(X509) X509 *certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL);
    certificate_fingerprint(certificate, sha256);
    owned(run) struct run shown = run("domsec cert show -c '%s/acme/domsec.conf' --dns --json %s", folder, sha256);
    expect_status(shown, 0);
    expect_views(shown.out, views, G_N_ELEMENTS(views));
    owned(run) struct run plain = run("domsec cert show -c '%s/acme/domsec.conf' --dns %s", folder, sha256);
    expect_contains(plain.out, lines[0]);
    expect_contains(plain.out, lines[1]);
    knot_stop(&knot);
}

/* Without --dns nothing is asked. A lookup that fails, for whatever cause, is not "none", and changes no exit status.
 */
Test(cert_dns, zones_that_cannot_be_asked)
{
    static const struct {
        enum fake_action caa;
        struct view view;
    } rows[] = {
        {FAKE_SERVFAIL, {"named.test", "failed", "failed", NULL, "unknown", "found", "secure", 1, "is not known"}},
        {FAKE_DROP, {"named.test", "failed", "failed", NULL, "unknown", "found", "secure", 1, "is not known"}},
        {FAKE_EMPTY, {"named.test", "failed", "bogus", NULL, "unknown", "found", "secure", 1, "does not prove"}},
    };
    static const struct view unchecked = {"named.test", "found",     "unchecked", "named.test", "named",
                                          "found",      "unchecked", 1,           NULL};
    owned(folder) char *folder = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/acme'", folder);
    expect_status(made, 0);
    struct knot knot;
    knot_start(&knot, domains, 1);
    owned(fake_dns) struct fake_dns *fake = fake_dns_new(knot.port);
    write_resolver(folder, fake->address, knot.anchor);
    write_certificate(folder, PKI_LIST("email:a@named.test"));
    g_autofree char *offline = lint_dns(folder, "");
    cr_expect_null(strstr(offline, "DNS"));
    cr_expect_eq(g_atomic_int_get(&fake->asked), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fake_dns_set(fake, DNS_CAA, rows[i].caa);
        g_autofree char *json = lint_dns(folder, "--dns --json");
        expect_views(json, &rows[i].view, 1);
    }
    cr_expect_gt(g_atomic_int_get(&fake->asked), 0);
    write_resolver(folder, knot.address, NULL);
    g_autofree char *json = lint_dns(folder, "--dns --json");
    expect_views(json, &unchecked, 1);
    knot_stop(&knot);
}

/* The number of domains that are asked for is bounded. */
Test(cert_dns, many_domains)
{
    owned(folder) char *folder = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/acme'", folder);
    expect_status(made, 0);
    write_resolver(folder, "127.0.0.1@9", NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < 40; i++)
        g_ptr_array_add(names, g_strdup_printf("email:a@a%u.test", i));
    g_ptr_array_add(names, NULL);
    write_certificate(folder, (const char *const *)names->pdata);
    g_autofree char *text = lint_dns(folder, "--dns");
    expect_contains(text, "\n  a31.test ");
    cr_expect_null(strstr(text, "\n  a32.test "));
    expect_contains(text, "\n  8 further domains were not asked for\n");
    write_certificate(folder, PKI_LIST("dns:acme.test", "email:a@[192.0.2.1]"));
    g_autofree char *none = lint_dns(folder, "--dns");
    expect_contains(none, "DNS: there is no mail domain to ask for\n");
}
