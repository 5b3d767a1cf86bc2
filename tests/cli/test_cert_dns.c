/* SPDX-License-Identifier: Apache-2.0 */
/* domsec cert dns: what it prints is a zone file for a real knot, and another gateway finds our certificates there. */
#include "support/knot.h"
#include "support/pki.h"
#include "support/program.h"

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
    struct knot knot;
    const struct knot_zone zones[] = {{"acme.test", KNOT_SIGNED, printed.out}, {"bare.test", KNOT_UNSIGNED, ""}};
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
