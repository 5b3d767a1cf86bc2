/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a trust bundle, and whether it may be believed. Where it comes from is in test_bundles.c. */
#include "support/publisher.h"
#include "trust/bundle_content.h"

#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>

#define HOUR 3600
#define DAY (24 * HOUR)
#define LEEWAY HOUR
#define IN_2052 2600000000 /* a GeneralizedTime */
/* Its attribute is longer than that of the signing time, which comes first then. */
#define LONG_TYPE "1.3.6.1.4.1.99999.1.2.3.4.5.6.7.8"

static struct pki *root, *third, *alice, *publisher, *stranger, *late;

static void set_up(void)
{
    root = pki_ca("Root");
    third = pki_ca("Third");
    alice = pki_person(root, "alice@partner.test");
    publisher = pki_person(third, "publisher@bundles.test");
    stranger = pki_person(third, "stranger@bundles.test");
    late = pki_issue(&(struct pki_spec){.issuer = third,
                                        .subject = PKI_LIST("CN=late"),
                                        .not_before = time(NULL) - 20 * DAY,
                                        .not_after = time(NULL) - HOUR});
}

static void tear_down(void)
{
    struct pki *all[] = {root, third, alice, publisher, stranger, late};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        pki_free(all[i]);
}

TestSuite(bundle_content, .init = set_up, .fini = tear_down);

/* Each row is refused as a whole. */
Test(bundle_content, rules)
{
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){
        .ca = true, .subject = PKI_LIST("CN=Old"), .not_before = time(NULL) - 20 * DAY, .not_after = time(NULL) - DAY});
    PKI_AUTO struct pki *mute = pki_issue(&(struct pki_spec){
        .issuer = third, .subject = PKI_LIST("CN=mute"), .key_usage = "keyEncipherment", .key = PKI_RSA});
    PKI_AUTO struct pki *weak =
        pki_issue(&(struct pki_spec){.issuer = third, .subject = PKI_LIST("CN=weak"), .key = PKI_RSA_1024});
    g_autoptr(GByteArray) good = publisher_pack(PUBLISHER_DER, root->cert, old->cert, NULL);
    g_autoptr(GByteArray) with_leaf = publisher_pack(PUBLISHER_DER, root->cert, alice->cert, NULL);
    g_autoptr(GByteArray) expired = publisher_pack(PUBLISHER_DER, old->cert, NULL);
    g_autoptr(GByteArray) none = publisher_pack(PUBLISHER_DER, NULL, NULL);
    PKI_AUTO struct pki *unclear = pki_issue(&(struct pki_spec){
        .ca = true, .subject = PKI_LIST("CN=Unclear"), .extensions = PKI_LIST("nameConstraints=critical,DER:0500")});
    g_autoptr(GByteArray) with_unclear = publisher_pack(PUBLISHER_DER, root->cert, unclear->cert, NULL);
    time_t now = time(NULL);
    g_autoptr(GByteArray) twice = publisher_sign(good, &(struct publisher_seal){.signer = publisher});
    const struct {
        const GByteArray *plain;
        struct publisher_seal seal;
        const struct pki *known;
        const char *says; /* NULL: it is good */
    } rows[] = {
        {good, {.signer = publisher}, publisher, NULL},
        {good, {.signer = publisher, .at = -1}, publisher, NULL},
        {good, {.signer = publisher, .as_pem = true}, publisher, NULL},
        {good, {.signer = publisher, .digest = "SHA224"}, publisher, NULL},
        {good, {.signer = publisher, .at = now + LEEWAY}, publisher, NULL},
        {good, {.signer = publisher, .at = now + LEEWAY + 1}, publisher, "from the future"},
        {good, {.signer = publisher, .at = IN_2052}, publisher, "from the future"},
        {good, {.signer = publisher, .at = now, .type = LONG_TYPE}, publisher, NULL},
        {good, {.signer = publisher, .at = IN_2052, .type = LONG_TYPE}, publisher, "from the future"},
        {good, {.signer = stranger, .second = publisher}, publisher, NULL},
        {good, {.signer = stranger, .second = publisher, .more = 14}, publisher, NULL},
        {good, {.signer = stranger, .second = publisher, .more = 15}, publisher, "more than 16 signatures"},
        {good, {.signer = stranger}, publisher, "it is not signed by its signer"},
        {good, {.signer = late}, late, "the certificate of its signer has expired"},
        {good, {.signer = mute}, mute, "does not allow signatures"},
        {good, {.signer = weak}, weak, "its signer's key is weak"},
        {good, {.signer = publisher, .digest = "SHA1"}, publisher, "weak digest"},
        {with_leaf,
         {.signer = publisher},
         publisher,
         "alice@partner.test,O=Tests\", which is not that of an authority"},
        {expired, {.signer = publisher}, publisher, "each of its certificates has expired"},
        {none, {.signer = publisher}, publisher, "contains no certificate"},
        {twice, {.signer = publisher}, publisher, "it is signed; name its signer"},
        {with_leaf, {0}, NULL, "which is not that of an authority"},
        {with_unclear, {0}, NULL, "CN=Unclear\", which is not that of an authority"},
        {expired, {0}, NULL, "each of its certificates has expired"},
        {twice, {0}, NULL, "it is signed; name its signer"},
        {good, {0}, publisher, "it is not a signed bundle"},
        {none, {0}, NULL, "contains no certificate"},
        {good, {0}, NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(bundle_content) struct bundle_content content = {0};
        g_autoptr(GByteArray) bundle =
            rows[i].seal.signer != NULL ? publisher_sign(rows[i].plain, &rows[i].seal) : g_byte_array_new();
        if (rows[i].seal.signer == NULL)
            g_byte_array_append(bundle, rows[i].plain->data, rows[i].plain->len);
        owned(x509_stack) STACK_OF(X509) *signers = sk_X509_new_null();
        if (rows[i].known != NULL)
            X509_add_cert(signers, rows[i].known->cert, X509_ADD_FLAG_UP_REF);
        struct error error = {0};
        bool is_good = bundle_content_read((struct slice){(const char *)bundle->data, bundle->len}, signers, now,
                                           &content, &error);
        cr_expect_eq(is_good, rows[i].says == NULL, "row %zu: %s", i, error.text);
        cr_expect_eq(content.anchors != NULL, rows[i].says == NULL, "row %zu", i);
        cr_expect(is_good || strstr(error.text, rows[i].says) != NULL, "row %zu: %s", i, error.text);
        cr_expect(is_good || error.kind == ERROR_PERMANENT, "row %zu: %d", i, error.kind);
        cr_expect(is_good || content.signed_at == 0, "row %zu", i);
        cr_expect_eq(ERR_peek_error(), 0, "row %zu", i);
    }
}

/* An octet of the signed content, or of the signature, is another one. */
Test(bundle_content, nothing_can_be_changed_under_a_signature)
{
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    owned(x509_stack) STACK_OF(X509) *signers = sk_X509_new_null();
    X509_add_cert(signers, publisher->cert, X509_ADD_FLAG_UP_REF);
    for (int attributes = 0; attributes < 2; attributes++) {
        g_autoptr(GByteArray) bundle =
            publisher_sign(plain, &(struct publisher_seal){.signer = publisher, .at = attributes ? 0 : -1});
        const char *inside = memmem(bundle->data, bundle->len, "Root", 4);
        cr_assert_not_null(inside);
        const size_t places[] = {(size_t)(inside - (const char *)bundle->data), bundle->len - 5};
        for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
            owned(bundle_content) struct bundle_content content = {0};
            struct error error = {0};
            bundle->data[places[i]] ^= 1;
            cr_expect_not(bundle_content_read((struct slice){(const char *)bundle->data, bundle->len}, signers,
                                              time(NULL), &content, &error));
            cr_expect_not_null(strstr(error.text, "its signature is bad"), "%s", error.text);
            cr_expect_eq(ERR_peek_error(), 0);
            bundle->data[places[i]] ^= 1;
        }
    }
}

/* OpenSSL knows the name of the digest, and has it in its legacy provider alone. */
Test(bundle_content, a_digest_that_cannot_be_computed)
{
    unsigned char *der = NULL;
    struct error error = {0};
    X509_ALGOR *algorithm = NULL;
    owned(bundle_content) struct bundle_content content = {0};
    owned(x509_stack) STACK_OF(X509) *signers = sk_X509_new_null();
    X509_add_cert(signers, publisher->cert, X509_ADD_FLAG_UP_REF);
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) bundle =
        publisher_sign(plain, &(struct publisher_seal){.signer = publisher, .digest = "SHA512"});
    const unsigned char *at = bundle->data;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, bundle->len);
    CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), NULL, NULL, &algorithm, NULL);
    cr_assert(X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_whirlpool), V_ASN1_NULL, NULL) == 1);
    int length = i2d_CMS_ContentInfo(cms, &der);
    cr_expect_not(
        bundle_content_read((struct slice){(const char *)der, (size_t)length}, signers, time(NULL), &content, &error));
    cr_expect_not_null(strstr(error.text, "its signature"), "%s", error.text);
    OPENSSL_free(der);
}

Test(bundle_content, number_of_anchors_is_limited)
{
    owned(BIO) BIO *bio = BIO_new(BIO_s_mem());
    owned(bundle_content) struct bundle_content content = {0};
    struct error error = {0};
    char *text = NULL;
    for (int i = 0; i < BUNDLE_ANCHORS_MAX; i++)
        cr_assert(PEM_write_bio_X509(bio, root->cert) == 1);
    long length = BIO_get_mem_data(bio, &text);
    cr_expect(bundle_content_read((struct slice){text, (size_t)length}, NULL, time(NULL), &content, &error));
    bundle_content_clear(&content);
    cr_assert(PEM_write_bio_X509(bio, root->cert) == 1);
    length = BIO_get_mem_data(bio, &text);
    cr_expect_not(bundle_content_read((struct slice){text, (size_t)length}, NULL, time(NULL), &content, &error));
    cr_expect_not_null(strstr(error.text, "more than 5000 certificates"), "%s", error.text);
    cr_expect_eq(error.kind, ERROR_PERMANENT);
}

Test(bundle_content, size_is_limited)
{
    g_autofree char *much = g_malloc0(BUNDLE_OCTETS_MAX + 1);
    owned(x509_stack) STACK_OF(X509) *signers = sk_X509_new_null();
    X509_add_cert(signers, publisher->cert, X509_ADD_FLAG_UP_REF);
    for (int more = 0; more < 2; more++) {
        owned(bundle_content) struct bundle_content content = {0};
        struct error error = {0};
        cr_expect_not(bundle_content_read((struct slice){much, BUNDLE_OCTETS_MAX + (size_t)more}, signers, time(NULL),
                                          &content, &error));
        cr_expect_str_eq(error.text, more ? "it is larger than 16 MiB" : "it is not a signed bundle");
        cr_expect_eq(error.kind, ERROR_PERMANENT);
    }
}

/* A SignedData with so much of what belongs to a signature. */
static GByteArray *sign_partly(bool has_content, bool has_odd_time)
{
    static const char text[] = "no bundle";
    owned(BIO) BIO *in = BIO_new_mem_buf(text, -1), *out = BIO_new(BIO_s_mem());
    unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP | (has_content ? 0 : CMS_DETACHED);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    CMS_SignerInfo *info = CMS_add1_signer(cms, publisher->cert, publisher->key, EVP_sha256(), flags);
    cr_assert(!has_odd_time || CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, V_ASN1_BOOLEAN, text, -1) == 1);
    cr_assert(CMS_final(cms, in, NULL, flags) == 1 && i2d_CMS_bio(out, cms) == 1);
    return publisher_octets(out);
}

/* The same without a signature, which OpenSSL makes of PKCS #7 alone. */
static GByteArray *leave_unsigned(bool has_content)
{
    owned(BIO) BIO *out = BIO_new(BIO_s_mem());
    PKCS7 *bundle = PKCS7_new();
    cr_assert(PKCS7_set_type(bundle, NID_pkcs7_signed) == 1 && PKCS7_content_new(bundle, NID_pkcs7_data) == 1);
    if (has_content)
        cr_assert(ASN1_OCTET_STRING_set(bundle->d.sign->contents->d.data, (const unsigned char *)"text", 4) == 1);
    else
        PKCS7_set_detached(bundle, 1);
    cr_assert(i2d_PKCS7_bio(out, bundle) == 1);
    PKCS7_free(bundle);
    return publisher_octets(out);
}

Test(bundle_content, what_is_signed)
{
    static const struct {
        bool has_signer, has_content, has_odd_time, is_signed;
    } rows[] = {
        {true, true, false, true},   {true, true, true, true},     {true, false, false, false},
        {false, true, false, false}, {false, false, false, false},
    };
    owned(x509_stack) STACK_OF(X509) *signers = sk_X509_new_null();
    X509_add_cert(signers, publisher->cert, X509_ADD_FLAG_UP_REF);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(bundle_content) struct bundle_content content = {0};
        struct error error = {0};
        g_autoptr(GByteArray) bundle = rows[i].has_signer ? sign_partly(rows[i].has_content, rows[i].has_odd_time)
                                                          : leave_unsigned(rows[i].has_content);
        const struct slice octets = {(const char *)bundle->data, bundle->len};
        cr_expect_eq(bundle_content_is_signed(octets), rows[i].is_signed, "row %zu", i);
        cr_expect_not(bundle_content_read(octets, signers, time(NULL), &content, &error));
        cr_expect_eq(strcmp(error.text, "it is not a signed bundle") == 0, !rows[i].is_signed, "row %zu: %s", i,
                     error.text);
        cr_expect_eq(strncmp(error.text, "the bundle", 10) == 0, rows[i].is_signed, "row %zu: %s", i, error.text);
    }
}

Test(bundle_content, that_is_too_large_is_not_looked_into)
{
    g_autofree char *much = g_malloc0(BUNDLE_OCTETS_MAX + 1);
    g_autoptr(GByteArray) bundle = sign_partly(true, false);
    memcpy(much, bundle->data, bundle->len);
    cr_expect(bundle_content_is_signed((struct slice){much, BUNDLE_OCTETS_MAX}));
    cr_expect_not(bundle_content_is_signed((struct slice){much, BUNDLE_OCTETS_MAX + 1}));
    cr_expect_not(bundle_content_is_signed((struct slice){"<html>", 6}));
    cr_expect_eq(ERR_peek_error(), 0);
}
