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
