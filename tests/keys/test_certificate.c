/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keys.h"

#include "support/pki.h"

#include <criterion/criterion.h>

Test(certificate, names_are_printable)
{
    const struct {
        const char *const *subject;
        const char *expected;
    } rows[] = {
        {PKI_LIST("O=Acme", "CN=Alice"), "CN=Alice,O=Acme"},
        {PKI_LIST("CN=Jörg Müller"), "CN=Jörg Müller"},
        {PKI_LIST("CN=a,b+c"), "CN=a\\,b\\+c"},
        {NULL, "(empty name)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = rows[i].subject});
        g_autofree char *found = certificate_subject(pki->cert);
        cr_expect_str_eq(found, rows[i].expected, "row %zu: %s", i, found);
    }
    g_autofree char *filler = g_strnfill(5000, 'x');
    g_autofree char *longest = g_strconcat("CN=", filler, NULL);
    const char *const *hostile[] = {PKI_LIST("CN=a%0d%0aX-Evil: 1"), PKI_LIST("CN=a%00b"), PKI_LIST("CN=%ff%fe"),
                                    PKI_LIST(longest)};
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = hostile[i]});
        g_autofree char *subject = certificate_subject(pki->cert);
        g_autofree char *issuer = certificate_issuer(pki->cert);
        cr_expect_str_eq(subject, issuer);
        cr_expect(g_utf8_validate(subject, -1, NULL));
        cr_expect_leq(strlen(subject), 1000);
        for (const char *at = subject; *at != '\0'; at++)
            cr_expect((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
}

Test(certificate, serial_and_time)
{
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){
        .subject = PKI_LIST("CN=x"), .serial = 0x1a2b, .not_before = 1000000000, .not_after = 2000000000});
    g_autofree char *serial = certificate_serial(pki->cert);
    cr_expect_str_eq(serial, "1A2B");
    cr_expect_not(certificate_is_current(pki->cert, 999999999));
    cr_expect(certificate_is_current(pki->cert, 1000000000));
    cr_expect(certificate_is_current(pki->cert, 2000000000));
    cr_expect_not(certificate_is_current(pki->cert, 2000000001));
}

Test(certificate, key_weakness)
{
    const struct {
        enum pki_key key;
        bool strong;
    } rows[] = {{PKI_EC, true},       {PKI_P384, true},    {PKI_P192, false},     {PKI_RSA, true},
                {PKI_RSA_3072, true}, {PKI_ED25519, true}, {PKI_RSA_1024, false}, {PKI_X25519, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        EVP_PKEY *key = pki_new_key(rows[i].key, 0);
        cr_expect_eq(key_weakness(key) == NULL, rows[i].strong, "row %zu: %s", i, key_weakness(key));
        EVP_PKEY_free(key);
    }
    cr_expect_not_null(key_weakness(NULL));
}

Test(certificate, key_cost)
{
    EVP_PKEY *usual = pki_rsa_public(2048, 17), *longer = pki_rsa_public(4096, 17), *huge = pki_rsa_public(3072, 3071);
    EVP_PKEY *p256 = pki_new_key(PKI_EC, 0), *p384 = pki_new_key(PKI_P384, 0), *edwards = pki_new_key(PKI_ED25519, 0);
    cr_expect_eq(key_cost(longer), 4 * key_cost(usual));
    cr_expect_gt(key_cost(huge), 100 * key_cost(usual), "OpenSSL multiplies for each bit of the exponent");
    cr_expect(key_is_slow(huge) && !key_is_slow(longer) && !key_is_slow(NULL));
    cr_expect_gt(key_private_cost(usual), 10 * key_cost(usual));
    cr_expect_eq(key_private_cost(longer), 8 * key_private_cost(usual));
    cr_expect_gt(key_cost(p384), 3 * key_cost(p256));
    cr_expect_eq(key_private_cost(p256), key_cost(p256));
    cr_expect_gt(key_cost(edwards), 0);
    cr_expect_eq(key_cost(NULL) + key_private_cost(NULL), 0);
    EVP_PKEY *const all[] = {usual, longer, huge, p256, p384, edwards};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        EVP_PKEY_free(all[i]);
}
