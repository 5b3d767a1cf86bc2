/* SPDX-License-Identifier: Apache-2.0 */
/* signer: what one SignerInfo costs, who is named as its signer, and keys and parameters that hide a forgery. */
#include "keys/keys.h"
#include "support/craft.h"

#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

static struct pki *root, *alice;
static unsigned compared, verified, looked_up;
static bool no_digest;

int CMS_SignerInfo_cert_cmp(CMS_SignerInfo *info, X509 *certificate)
{
    int (*real)(CMS_SignerInfo *, X509 *) =
        (int (*)(CMS_SignerInfo *, X509 *))dlsym(RTLD_NEXT, "CMS_SignerInfo_cert_cmp");
    compared++;
    return real(info, certificate);
}

int CMS_SignerInfo_verify_content(CMS_SignerInfo *info, BIO *chain)
{
    int (*real)(CMS_SignerInfo *, BIO *) =
        (int (*)(CMS_SignerInfo *, BIO *))dlsym(RTLD_NEXT, "CMS_SignerInfo_verify_content");
    verified++;
    return real(info, chain);
}

/* The first step of reading an attribute. */
int CMS_unsigned_get_attr_by_OBJ(const CMS_SignerInfo *info, const ASN1_OBJECT *type, int after)
{
    int (*real)(const CMS_SignerInfo *, const ASN1_OBJECT *, int) =
        (int (*)(const CMS_SignerInfo *, const ASN1_OBJECT *, int))dlsym(RTLD_NEXT, "CMS_unsigned_get_attr_by_OBJ");
    looked_up++;
    return real(info, type, after);
}

BIO *BIO_new(const BIO_METHOD *method)
{
    BIO *(*real)(const BIO_METHOD *) = (BIO * (*)(const BIO_METHOD *)) dlsym(RTLD_NEXT, "BIO_new");
    return no_digest && method == BIO_f_md() ? NULL : real(method);
}

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    alice = pki_person(root, "alice@acme.test");
}

static void teardown(void)
{
    pki_free(root);
    pki_free(alice);
}

TestSuite(signer, .init = setup, .fini = teardown);

/* A signature over a content of that length, without a certificate; empty: its signed attributes are taken out. */
static struct craft_part signed_content_with(size_t length, unsigned flags, bool empty)
{
    g_autofree char *text = craft_text(length);
    owned(BIO) BIO *data = BIO_new_mem_buf(text, -1);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms =
        CMS_sign(alice->cert, alice->key, NULL, data, CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP | flags);
    cr_assert_not_null(cms);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    while (empty && CMS_signed_get_attr_count(info) > 0)
        X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, 0));
    return craft_part_of_cms(cms);
}

static struct craft_part signed_content(size_t length, unsigned flags)
{
    return signed_content_with(length, flags, false);
}

static enum opened open_known(const struct craft_part *part, X509 *known, struct budget *budget, struct layer *layer,
                              struct error *error)
{
    STACK_OF(X509) *list = sk_X509_new_null();
    if (known != NULL)
        sk_X509_push(list, known);
    *error = (struct error){0};
    enum opened opened = smime_open(
        part->part, &(struct open_options){.limits = &craft_limits, .known = list, .budget = budget}, layer, error);
    cr_expect_eq(ERR_peek_error(), 0ul);
    sk_X509_free(list);
    return opened;
}

/* What is spent more if this certificate is known. */
static uint64_t price_of(const struct craft_part *part, X509 *certificate)
{
    uint64_t spent[2];
    for (int known = 0; known < 2; known++) {
        struct budget budget = {.limit = UINT64_MAX};
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_known(part, known ? certificate : NULL, &budget, &layer, &error), OPENED, "%s", error.text);
        cr_assert_eq(layer.facts.signers[0].tried, known ? 1u : 0u);
        spent[known] = budget.spent;
    }
    return spent[1] - spent[0];
}

/* A signature without signed attributes covers the content itself. A slow key is not used, and costs nothing. */
Test(signer, what_a_try_costs)
{
    enum { SMALL = 1000, LARGE = 100000 };
    owned(EVP_PKEY) EVP_PKEY *slow = pki_rsa_public(3072, 3000);
    PKI_AUTO struct pki *namesake =
        pki_issue(&(struct pki_spec){.issuer = root,
                                     .subject = PKI_LIST("CN=x"),
                                     .serial = ASN1_INTEGER_get(X509_get0_serialNumber(alice->cert)),
                                     .use_key = slow});
    CRAFT_PART small = signed_content(SMALL, 0);
    CRAFT_PART large = signed_content(LARGE, 0);
    CRAFT_PART small_bare = signed_content(SMALL, CMS_NOATTR);
    CRAFT_PART large_bare = signed_content(LARGE, CMS_NOATTR);
    CRAFT_PART large_empty = signed_content_with(LARGE, 0, true);
    g_autofree char *small_text = craft_text(SMALL), *large_text = craft_text(LARGE);
    cr_expect_eq(price_of(&small, alice->cert), key_cost(alice->key) + 3u * 2000);
    cr_expect_eq(price_of(&small, alice->cert), price_of(&large, alice->cert));
    cr_expect_eq(price_of(&small_bare, alice->cert), key_cost(alice->key) + strlen(small_text) * COST_HASHED);
    cr_expect_eq(price_of(&large_bare, alice->cert), key_cost(alice->key) + strlen(large_text) * COST_HASHED);
    cr_expect_eq(price_of(&large_empty, alice->cert), key_cost(alice->key));
    cr_expect_eq(price_of(&small, namesake->cert), 0u);
}

/* Nothing is compared, verified or read for which the budget does not suffice. */
Test(signer, what_cannot_be_paid_is_not_done)
{
    static const struct {
        uint64_t short_of; /* of what it costs */
        unsigned compared;
    } rows[] = {{1, 1}, {6u << 20, 0}};
    CRAFT_PART part = signed_content((size_t)3 << 20, CMS_NOATTR);
    struct budget whole = {.limit = UINT64_MAX};
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(open_known(&part, alice->cert, &whole, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        /* The price of the try is the last, as large as that of the digest before it. */
        uint64_t try = key_cost(alice->key) + layer.inner.len * COST_HASHED;
        struct budget budget = {.limit = whole.spent - rows[i].short_of - (rows[i].compared == 0 ? try : 0) };
        CRAFT_LAYER refused;
        compared = verified = looked_up = 0;
        cr_expect_eq(open_known(&part, alice->cert, &budget, &refused, &error), OPENED_FAILED, "row %zu", i);
        cr_expect_str_eq(error.text, BUDGET_SPENT, "row %zu", i);
        cr_expect_eq(compared, rows[i].compared, "row %zu: %u", i, compared);
        cr_expect_eq(verified, 0u, "row %zu: %u", i, verified);
        cr_expect_eq(looked_up, 0u, "row %zu: %u", i, looked_up);
    }
}

Test(signer, no_memory_for_a_digest)
{
    CRAFT_PART part = signed_content(100, 0);
    struct error error;
    CRAFT_LAYER layer;
    no_digest = true;
    cr_expect_eq(open_known(&part, alice->cert, NULL, &layer, &error), OPENED_FAILED);
    no_digest = false;
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    cr_expect_str_eq(error.said, "digest of the signed content");
}

static int freed;

static void note_free(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    freed += value != NULL;
}

/* Also of a signature that does not hold: a layer that is cleared frees no certificate of others. */
Test(signer, certificates_of_others_are_left_to_them)
{
    PKI_AUTO struct pki *namesake = pki_issue(&(struct pki_spec){
        .issuer = root, .subject = PKI_LIST("CN=x"), .serial = ASN1_INTEGER_get(X509_get0_serialNumber(alice->cert))});
    int index = X509_get_ex_new_index(0, NULL, NULL, NULL, note_free);
    X509 *const known[] = {alice->cert, namesake->cert};
    CRAFT_PART part = signed_content(100, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        cr_assert(X509_set_ex_data(known[i], index, &freed));
        for (int times = 0; times < 3; times++) {
            struct error error;
            CRAFT_LAYER layer;
            cr_assert_eq(open_known(&part, known[i], NULL, &layer, &error), OPENED, "%s", error.text);
            cr_expect_eq(layer.facts.signers[0].valid, known[i] == alice->cert);
            cr_expect_eq(layer.signers[0].certificate, known[i]);
        }
        cr_expect_eq(freed, 0, "%zu", i);
        X509_set_ex_data(known[i], index, NULL);
    }
}

/* Neither is named, and neither lasts longer. */
Test(signer, the_first_of_two_that_are_as_good)
{
    time_t now = time(NULL);
    struct pki_spec spec = {
        .issuer = root, .subject = PKI_LIST("CN=x"), .serial = 4244, .not_before = now - 1000, .not_after = now + 1000};
    PKI_AUTO struct pki *one = pki_issue(&spec);
    spec.use_key = one->key;
    spec.san = PKI_LIST("email:x@acme.test");
    PKI_AUTO struct pki *two = pki_issue(&spec);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(one, 0, "SHA256", NULL);
    cr_assert(CMS_add1_cert(cms, two->cert));
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_assert(layer.facts.signers[0].valid && layer.facts.signers[0].tried == 2);
    cr_expect_eq(layer.signers[0].certificate, sk_X509_value(layer.certificates, 0));
}

/* --- what is shown of the signer --- */

Test(signer, identifiers_of_any_length)
{
    g_autoptr(GString) long_id = g_string_new("2.5.29.14=DER:0464"), expected = g_string_new(NULL);
    for (unsigned i = 0; i < 100; i++) {
        g_string_append_printf(long_id, "%02X", i);
        if (i < 65)
            g_string_append_printf(expected, "%02X", i);
    }
    PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){
        .issuer = root, .subject = PKI_LIST("CN=x"), .no_key_ids = true, .extensions = PKI_LIST(long_id->str)});
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(signer, CMS_USE_KEYID, "SHA256", NULL);
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
    cr_expect_str_eq(layer.facts.signers[0].issuer, "subject key identifier");
    cr_expect_str_eq(layer.facts.signers[0].serial, expected->str);
}

Test(signer, an_issuer_without_a_name)
{
    PKI_AUTO struct pki *ca = pki_issue(&(struct pki_spec){.ca = true, .subject = (const char *const[]){NULL}});
    PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=x")});
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(signer, 0, "SHA256", NULL);
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
    cr_expect_str_eq(layer.facts.signers[0].issuer, "");
}

/* --- keys and parameters --- */

/* In OpenSSL's queue is an error of another library then, whose number is that of a digest of a wrong length. */
Test(signer, parameters_that_cannot_be_parsed)
{
    PKI_AUTO struct pki *rsa =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(rsa, CMS_NOATTR, "SHA256", NULL);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    ASN1_STRING *parameters = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    X509_ALGOR *algorithm;
    struct error error;
    CRAFT_LAYER layer;
    cr_assert(ASN1_STRING_set(parameters, "\x30\x04\x81\x02\x30\x00", 6)); /* [1] without its form */
    CMS_SignerInfo_get0_algs(info, NULL, NULL, NULL, &algorithm);
    cr_assert(X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, parameters));
    CRAFT_PART part = craft_part_of_cms(cms);
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(!layer.facts.signers[0].valid);
    cr_expect_str_eq(layer.facts.signers[0].reason,
                     "the signature does not verify: the content is not what was signed");
}

static EVP_PKEY *key_from(const char *type, const char *const *names, BIGNUM *const *numbers, size_t count)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    for (size_t i = 0; i < count; i++)
        cr_assert(OSSL_PARAM_BLD_push_BN(builder, names[i], numbers[i]));
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    cr_assert(EVP_PKEY_fromdata_init(context) > 0 &&
              EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) > 0);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* Exponent 2 and a prime of the form 4n + 3 as the modulus: every second number has a root, to the power of n + 1. */
static EVP_PKEY *exponent_two(void)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D};
    BIGNUM *prime = BN_get_rfc3526_prime_2048(NULL), *two = BN_new(), *root_of = BN_dup(prime);
    cr_assert(BN_set_word(two, 2) && BN_add_word(root_of, 1) && BN_rshift(root_of, root_of, 2));
    EVP_PKEY *key = key_from("RSA", names, (BIGNUM *const[]){prime, two, root_of}, 3);
    BN_free(prime);
    BN_free(two);
    BN_free(root_of);
    return key;
}

static unsigned try_number;

static void add_number(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    cr_assert(
        CMS_signed_add1_attr_by_NID(info, NID_friendlyName, V_ASN1_OCTET_STRING, &try_number, sizeof(try_number)));
}

Test(signer, an_even_exponent)
{
    owned(EVP_PKEY) EVP_PKEY *two = exponent_two();
    PKI_AUTO struct pki *signer =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=two"), .use_key = two});
    bool found = false;
    for (try_number = 0; try_number < 64 && !found; try_number++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(signer, 0, "SHA256", add_number);
        CRAFT_PART part = craft_part_of_cms(cms);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
        cr_expect(!layer.facts.signers[0].valid, "%u", try_number);
        found = strstr(layer.facts.signers[0].reason, "lets anybody sign") != NULL;
    }
    cr_expect(found);
}

/* Its signature verifies. */
static void expect_weak(EVP_PKEY *key, const char *reason)
{
    PKI_AUTO struct pki *signer =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=weak"), .use_key = key});
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(signer, 0, "SHA256", NULL);
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid && layer.facts.signers[0].weak, "%s", layer.facts.signers[0].reason);
    cr_expect_str_eq(layer.facts.signers[0].reason, reason);
}

/* DSA, with numbers as short as those of an EC key. */
Test(signer, dsa)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G,
                                        OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_PUB_KEY};
    static const char *const digits[] = {
        "80FB31A1FC374D801549AC089EC695F1D4128A26074524B79B", "8960AFE94BBDBB01DC14ED575E0730B3CC170C31",
        "3683B8086EAE819F03CD42202688086A420308F65EC56DBBA4", "65B6B12D7F56C9CF0CEACC6FA4ED49483E53A1AD",
        "12A85C9F957D4F8183074B65555A7CEDEE6F99384FFA4700D2"};
    BIGNUM *numbers[G_N_ELEMENTS(digits)] = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(digits); i++)
        cr_assert(BN_hex2bn(&numbers[i], digits[i]));
    owned(EVP_PKEY) EVP_PKEY *key = key_from("DSA", names, numbers, G_N_ELEMENTS(numbers));
    expect_weak(key, "signed with a DSA key");
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        BN_free(numbers[i]);
}

/* Of a curve without a name, with as many points as the prime and one: a sixth of them is a group of 223 bits. */
static EVP_PKEY *key_of_223_bits(void)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_EC_P, OSSL_PKEY_PARAM_EC_A, OSSL_PKEY_PARAM_EC_B,
                                        OSSL_PKEY_PARAM_EC_ORDER, OSSL_PKEY_PARAM_EC_COFACTOR};
    static const char *const digits[] = {"1800000000000000000000000000000000000000000000000000043CD", "0", "1",
                                         "40000000000000000000000000000000000000000000000000000B4D", "6"};
    static const unsigned char generator[] = {0x04, 0x00, 0xe3, 0x93, 0xb5, 0xab, 0xe1, 0x7a, 0x81, 0xac, 0xd1, 0x20,
                                              0xbb, 0x3e, 0x4a, 0xfe, 0x0e, 0x2a, 0xd6, 0xac, 0x65, 0x82, 0x56, 0xa3,
                                              0xc0, 0xd6, 0xf5, 0x67, 0x37, 0x7e, 0x00, 0x3c, 0xfd, 0xa1, 0xaf, 0xaa,
                                              0xac, 0x90, 0x9c, 0x81, 0xde, 0x27, 0xc1, 0x23, 0x82, 0x4f, 0x1a, 0x60,
                                              0xc7, 0x89, 0xc0, 0x5a, 0xe3, 0x26, 0x99, 0xc2, 0xdd, 0xd5, 0x8b};
    BIGNUM *numbers[G_N_ELEMENTS(digits)] = {0};
    EVP_PKEY *curve = NULL, *key = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    for (size_t i = 0; i < G_N_ELEMENTS(digits); i++)
        cr_assert(BN_hex2bn(&numbers[i], digits[i]) && OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]));
    cr_assert(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_EC_FIELD_TYPE, SN_X9_62_prime_field, 0));
    cr_assert(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_EC_GENERATOR, generator, sizeof(generator)));
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    cr_assert(EVP_PKEY_fromdata_init(context) > 0 &&
              EVP_PKEY_fromdata(context, &curve, EVP_PKEY_KEY_PARAMETERS, parameters) > 0);
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_pkey(NULL, curve, NULL);
    cr_assert(EVP_PKEY_keygen_init(making) > 0 && EVP_PKEY_generate(making, &key) > 0);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_free(curve);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        BN_free(numbers[i]);
    return key;
}

Test(signer, an_elliptic_key_that_is_just_too_short)
{
    owned(EVP_PKEY) EVP_PKEY *key = key_of_223_bits();
    expect_weak(key, "signed with a weak EC key of 223 bits");
}
