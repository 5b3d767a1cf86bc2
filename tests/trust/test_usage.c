/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate may be used for, without its path. */
#include "support/pki.h"

#include "trust/path.h"

#include <criterion/criterion.h>

#define SIGN PURPOSE_SIGN
#define ENCRYPT PURPOSE_ENCRYPT
#define UNREADABLE "its extensions cannot be read"
#define NO_MAIL "its extended key usage does not include e-mail protection"
#define NO_AGREEMENT "its key usage does not allow encryption (no keyAgreement)"
#define NO_ENCIPHERMENT "its key usage does not allow encryption (no keyEncipherment)"
#define AUTHORITY "it is a CA certificate"
#define CANNOT_SIGN "its key cannot sign"

struct row {
    struct pki_spec spec;
    const char *type; /* of the key, as OpenSSL names it; NULL: as in spec */
    enum purpose purpose;
    const char *refusal;
};

static const struct row rows[] = {
    {{.eku = NULL}, NULL, SIGN, NULL},
    {{.eku = ""}, NULL, SIGN, NULL},
    {{.eku = "anyExtendedKeyUsage"}, NULL, SIGN, NULL},
    {{.eku = "serverAuth,emailProtection"}, NULL, ENCRYPT, NULL},
    {{.eku = "serverAuth"}, NULL, SIGN, NO_MAIL},
    {{.eku = "serverAuth"}, NULL, ENCRYPT, NO_MAIL},
    {{.key_usage = "digitalSignature"}, NULL, SIGN, NULL},
    {{.key_usage = "nonRepudiation"}, NULL, SIGN, NULL},
    {{.key_usage = "keyAgreement"}, NULL, SIGN, "its key usage does not allow signatures"},
    {{.key_usage = "keyAgreement"}, NULL, ENCRYPT, NULL},
    {{.key_usage = "keyEncipherment,digitalSignature"}, NULL, ENCRYPT, NO_AGREEMENT},
    {{.key = PKI_RSA, .key_usage = "keyEncipherment"}, NULL, ENCRYPT, NULL},
    {{.key = PKI_RSA, .key_usage = "keyAgreement,digitalSignature"}, NULL, ENCRYPT, NO_ENCIPHERMENT},
    {{.key = PKI_RSA, .key_usage = ""}, NULL, ENCRYPT, NULL},
    {{.key = PKI_RSA, .key_usage = ""}, NULL, SIGN, NULL},
    {{.key_usage = ""}, NULL, ENCRYPT, NULL},
    {{.key_usage = ""}, "X25519", SIGN, CANNOT_SIGN},
    {{.key_usage = ""}, "X448", SIGN, CANNOT_SIGN},
    {{.key_usage = "digitalSignature"}, "X25519", SIGN, CANNOT_SIGN},
    {{.key_usage = "keyAgreement"}, "X25519", ENCRYPT, NULL},
    {{.key_usage = "keyAgreement"}, "X448", ENCRYPT, NULL},
    {{.key_usage = "keyEncipherment"}, "X25519", ENCRYPT, NO_AGREEMENT},
    {{.key_usage = "keyEncipherment"}, "X448", ENCRYPT, NO_AGREEMENT},
    {{.key = PKI_ED25519}, NULL, SIGN, NULL},
    {{.key = PKI_ED25519, .key_usage = "keyAgreement,keyEncipherment"}, NULL, ENCRYPT, "its key cannot encrypt"},
    {{.ca = true}, NULL, SIGN, AUTHORITY},
    {{.ca = true, .key_usage = "digitalSignature,keyCertSign"}, NULL, SIGN, AUTHORITY},
    {{.basic = "CA:TRUE", .key_usage = "digitalSignature"}, NULL, SIGN, AUTHORITY},
    {{.basic = "", .key_usage = "digitalSignature,keyCertSign"}, NULL, SIGN, AUTHORITY},
    {{.basic = "CA:FALSE", .key_usage = "digitalSignature"}, NULL, SIGN, NULL},
    {{.basic = "", .extensions = PKI_LIST("2.5.29.19=DER:0500")}, NULL, SIGN, UNREADABLE},
    {{.eku = "", .extensions = PKI_LIST("2.5.29.37=DER:0500")}, NULL, ENCRYPT, UNREADABLE},
};

static const char *refusal_of(const struct row *row, const struct pki *issuer, bool may_be_authority)
{
    struct pki_spec spec = row->spec;
    EVP_PKEY *key = row->type != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, row->type) : NULL;
    spec.issuer = issuer;
    spec.subject = PKI_LIST("CN=leaf");
    spec.use_key = key;
    PKI_AUTO struct pki *pki = pki_issue(&spec);
    EVP_PKEY_free(key);
    if (may_be_authority)
        return usage_refusal(pki->cert, row->purpose, true);
    return trust_usage_refusal(pki->cert, row->purpose);
}

Test(usage, of_each)
{
    PKI_AUTO struct pki *issuer = pki_ca("Issuer");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *refusal = refusal_of(&rows[i], issuer, false);
        cr_expect_eq(g_strcmp0(refusal, rows[i].refusal), 0, "row %zu: %s", i, refusal);
    }
}

Test(usage, of_what_may_be_an_authority)
{
    static const struct row own[] = {
        {{.ca = true, .key_usage = "digitalSignature,keyCertSign"}, NULL, SIGN, NULL},
        {{.basic = "", .key_usage = "digitalSignature,keyCertSign"}, NULL, SIGN, NULL},
        {{.ca = true, .key_usage = "keyCertSign"}, NULL, SIGN, "its key usage does not allow signatures"},
        {{.ca = true, .eku = "serverAuth"}, NULL, SIGN, NO_MAIL},
    };
    PKI_AUTO struct pki *issuer = pki_ca("Issuer");
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        const char *refusal = refusal_of(&own[i], issuer, true);
        cr_expect_eq(g_strcmp0(refusal, own[i].refusal), 0, "row %zu: %s", i, refusal);
    }
}

Test(usage, of_weak_keys)
{
    static const struct row weak[] = {{{.key = PKI_RSA_1024}, NULL, SIGN, ""}, {{.key = PKI_P192}, NULL, ENCRYPT, ""}};
    PKI_AUTO struct pki *issuer = pki_ca("Issuer");
    for (size_t i = 0; i < G_N_ELEMENTS(weak); i++) {
        const char *refusal = refusal_of(&weak[i], issuer, false);
        cr_expect(refusal != NULL && strstr(refusal, "below") != NULL, "row %zu: %s", i, refusal);
    }
}
