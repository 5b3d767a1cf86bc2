/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec cert find` and `explain` with a directory: found, none, hung, and back without a restart of anything. */
#include "support/program.h"
#include "support/slapd.h"

#define BASE "dc=partner,dc=test"

Test(cert_find_ldap, found_none_and_failed, .timeout = 100)
{
    owned(folder) char *folder = folder_new();
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    PKI_AUTO struct pki *ca = pki_ca("Partner root"), *bob = pki_person(ca, "bob@partner.test"),
                        *sign = pki_issue(&(struct pki_spec){.issuer = ca,
                                                             .subject = PKI_LIST("CN=carol"),
                                                             .san = PKI_LIST("email:carol@partner.test"),
                                                             .key_usage = "digitalSignature"});
    slapd_person(slapd, "uid=bob," BASE, "bob@partner.test");
    slapd_certificate(slapd, bob->cert);
    slapd_person(slapd, "uid=carol," BASE, "carol@partner.test");
    slapd_certificate(slapd, sign->cert);
    slapd_start(slapd);
    g_autofree char *anchor = pki_write(folder, "anchor.pem", ca, NULL);
    g_autofree char *text =
        g_strdup_printf("local_domains = ( \"acme.test\" ); trust_anchors = ( \"anchor.pem\" ); "
                        "lookup_timeout = 4;\nldap = ( { domains = \"partner.test\"; uri = "
                        "\"ldaps://localhost:%u\"; base = \"" BASE "\"; ca = \"%s\"; timeout = 1; } );\n",
                        slapd->tls_port, slapd->ca);
    g_autofree char *conf = folder_file(folder, "domsec.conf", text);
    static const struct {
        const char *address;
        int status;
        const char *says;
    } rows[] = {
        {"bob@partner.test", 0, "(mail=bob@partner.test)"},
        {"carol@partner.test", 1, "(mail=carol@partner.test)"},
        {"dave@partner.test", 2, "(mail=dave@partner.test)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run found = run("domsec cert find -c '%s' %s", conf, rows[i].address);
        expect_status(found, rows[i].status);
        expect_contains(found.out, rows[i].says);
        expect_contains(found.out, "ldaps://localhost:");
    }
    slapd_pause(slapd);
    owned(run) struct run hung = run("domsec cert find -c '%s' bob@partner.test", conf);
    expect_status(hung, 75);
    expect_contains(hung.out, "did not answer in time");
    owned(run) struct run elsewhere = run("domsec cert find -c '%s' x@other.test", conf);
    expect_status(elsewhere, 2);
    slapd_resume(slapd);
    owned(run) struct run back = run("domsec cert find -c '%s' bob@partner.test", conf);
    expect_status(back, 0);
}
