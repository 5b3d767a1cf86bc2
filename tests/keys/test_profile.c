/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate claims to be, and what its key is for. */
#include "keys/profile.h"

#include "support/pki.h"

#include <criterion/criterion.h>

#define BR "2.23.140.1.5."

Test(profile, types_and_generations_of_the_baseline_requirements)
{
    const struct {
        const char *policies; /* NULL: no extension */
        const char *type, *generation;
        unsigned count;
    } rows[] = {
        {NULL, NULL, NULL, 0},
        {BR "1.1", "mailbox", "legacy", 1},
        {BR "1.3", "mailbox", "strict", 1},
        {BR "2.2", "organization", "multipurpose", 1},
        {BR "3.3", "sponsor", "strict", 1},
        {BR "4.2,1.2.3", "individual", "multipurpose", 2},
        {"1.2.3," BR "3.1", "sponsor", "legacy", 2},
        {"1.2.3", NULL, NULL, 1},
        {"2.5.29.32.0", NULL, NULL, 1},
        {BR "1.3," BR "1.2", NULL, NULL, 2}, /* exactly one of them is allowed */
        {BR "1.3," BR "3.3", NULL, NULL, 2},
        {BR "0.1", NULL, NULL, 1},
        {BR "5.1", NULL, NULL, 1},
        {BR "1.0", NULL, NULL, 1},
        {BR "1.4", NULL, NULL, 1},
        {BR "1.1.1", NULL, NULL, 1},
        {BR "11.1", NULL, NULL, 1},
        {BR "1", NULL, NULL, 1},
        {"2.23.140.1.51.1", NULL, NULL, 1},
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *extension = g_strconcat("certificatePolicies=", rows[i].policies, NULL);
        PKI_AUTO struct pki *pki = pki_issue(
            &(struct pki_spec){.issuer = ca,
                               .subject = PKI_LIST("CN=x"),
                               .extensions = rows[i].policies != NULL ? PKI_LIST(extension) : PKI_LIST(NULL)});
        owned(certificate_profile) struct certificate_profile profile = {0};
        certificate_profile_read(pki->cert, &profile);
        cr_expect_str_eq(profile.type != NULL ? profile.type : "-", rows[i].type != NULL ? rows[i].type : "-",
                         "row %zu", i);
        cr_expect_str_eq(profile.generation != NULL ? profile.generation : "-",
                         rows[i].generation != NULL ? rows[i].generation : "-", "row %zu", i);
        cr_expect_eq(g_strv_length(profile.policies), rows[i].count, "row %zu", i);
    }
}

Test(profile, policies_that_cannot_be_read_are_none)
{
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){
        .issuer = ca, .subject = PKI_LIST("CN=x"), .extensions = PKI_LIST("certificatePolicies=DER:3006300406028005")});
    owned(certificate_profile) struct certificate_profile profile = {0};
    certificate_profile_read(pki->cert, &profile);
    cr_expect_null(profile.type);
    cr_expect_null(profile.policies[0]);
}

Test(profile, what_a_key_is_for)
{
    const struct {
        enum pki_key key;
        const char *usage; /* "": no such extension */
        bool signs, encrypts, commits;
    } rows[] = {
        {PKI_RSA, "digitalSignature", true, false, false},
        {PKI_RSA, "nonRepudiation", true, false, true},
        {PKI_RSA, "keyEncipherment", false, true, false},
        {PKI_RSA, "dataEncipherment", false, true, false},
        {PKI_RSA, "digitalSignature,keyEncipherment", true, true, false},
        {PKI_RSA, "", true, true, false},
        {PKI_RSA, "keyAgreement", false, false, false},
        {PKI_EC, "digitalSignature,nonRepudiation", true, false, true},
        {PKI_EC, "keyAgreement", false, true, false},
        {PKI_EC, "keyEncipherment", false, false, false},
        {PKI_EC, "", true, true, false},
        {PKI_ED25519, "digitalSignature", true, false, false},
        {PKI_ED25519, "", true, false, false},
        {PKI_X25519, "keyAgreement", false, true, false},
        {PKI_X25519, "digitalSignature", false, false, false},
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST("CN=x"), .key = rows[i].key, .key_usage = rows[i].usage});
        owned(certificate_profile) struct certificate_profile profile = {0};
        certificate_profile_read(pki->cert, &profile);
        cr_expect_eq(profile.signs, rows[i].signs, "row %zu: signs", i);
        cr_expect_eq(profile.encrypts, rows[i].encrypts, "row %zu: encrypts", i);
        cr_expect_eq(profile.content_commitment, rows[i].commits, "row %zu: content commitment", i);
    }
}

Test(profile, kinds_of_keys)
{
    const struct {
        enum pki_key key;
        const char *kind, *fits, *fits_not;
    } rows[] = {
        {PKI_RSA, "rsa-2048", "rsa-2048", "rsa-2049"},
        {PKI_RSA_3072, "rsa-3072", "rsa-2048", "rsa-4096"},
        {PKI_EC, "p-256", "p-256", "p-384"},
        {PKI_P384, "p-384", "p-384", "p-256"},
        {PKI_ED25519, "ed25519", "ed25519", "x25519"},
        {PKI_X25519, "x25519", "x25519", "rsa-2048"},
        {PKI_P192, "other", "", "other"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(rows[i].key, 0);
        g_autofree char *kind = key_kind(key);
        cr_expect_str_eq(kind, rows[i].kind);
        cr_expect(rows[i].fits[0] == '\0' || key_kind_fits(key, rows[i].fits), "%s", rows[i].kind);
        cr_expect_not(key_kind_fits(key, rows[i].fits_not), "%s", rows[i].kind);
    }
    g_autofree char *without = key_kind(NULL);
    cr_expect_str_eq(without, "other");
    cr_expect_not(key_kind_fits(NULL, "rsa-2048"));
}
