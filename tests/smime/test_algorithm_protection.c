/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

#include <openssl/rsa.h>
#include <string.h>

static struct pki *alice, *rsa;

static void setup(void)
{
    struct pki *ca = pki_ca("Acme root");
    craft_init();
    alice = pki_role(ca, "domain-signing-authority", "acme.test");
    rsa = pki_role_with(ca, "domain-signing-authority", "acme.test", PKI_RSA);
    pki_free(ca);
}

static void teardown(void)
{
    pki_free(alice);
    pki_free(rsa);
}

TestSuite(algorithm_protection, .init = setup, .fini = teardown);

enum how { ONCE, TWO_VALUES, REPEATED, UNSIGNED, CUT, LONGER, NO_SEQUENCE };

/* What the attribute names; NID_undef: not there. */
static const struct row {
    const char *name;
    struct pki **signer;
    int digest, signature, mac;
    int parameters; /* type of the signature algorithm's: V_ASN1_UNDEF, V_ASN1_NULL, V_ASN1_OBJECT (some) */
    enum how how;
    const char *fault; /* NULL: the signature holds */
    bool pss;          /* signed so */
} rows[] = {
    {"the same", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, ONCE, NULL},
    {"the same with RSA", &rsa, NID_sha256, NID_rsaEncryption, NID_undef, V_ASN1_NULL, ONCE, NULL},
    {"NULL left out", &rsa, NID_sha256, NID_rsaEncryption, NID_undef, V_ASN1_UNDEF, ONCE, NULL},
    {"NULL added", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_NULL, ONCE, NULL},
    {"digest", &alice, NID_sha384, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, ONCE, "names another digest"},
    {"weaker digest", &alice, NID_sha1, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, ONCE, "names another digest"},
    {"signature", &alice, NID_sha256, NID_ecdsa_with_SHA384, NID_undef, V_ASN1_UNDEF, ONCE,
     "names another signature algorithm"},
    {"PSS for PKCS #1", &rsa, NID_sha256, NID_rsassaPss, NID_undef, V_ASN1_UNDEF, ONCE,
     "names another signature algorithm"},
    {"parameters", &rsa, NID_sha256, NID_rsaEncryption, NID_undef, V_ASN1_OBJECT, ONCE,
     "names another signature algorithm"},
    {"parameters where there are none", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_OBJECT, ONCE,
     "names another signature algorithm"},
    {"parameters of PSS", &rsa, NID_sha256, NID_rsassaPss, NID_undef, V_ASN1_OBJECT, ONCE,
     "names another signature algorithm", true},
    {"no signature", &alice, NID_sha256, NID_undef, NID_undef, V_ASN1_UNDEF, ONCE, "cannot be parsed"},
    {"a MAC", &alice, NID_sha256, NID_undef, NID_hmacWithSHA256, V_ASN1_UNDEF, ONCE, "cannot be parsed"},
    {"a MAC as well", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_hmacWithSHA256, V_ASN1_UNDEF, ONCE,
     "cannot be parsed"},
    {"nothing", &alice, NID_undef, NID_undef, NID_undef, V_ASN1_UNDEF, ONCE, "cannot be parsed"},
    {"cut", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, CUT, "cannot be parsed"},
    {"something behind them", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, LONGER,
     "cannot be parsed"},
    {"no sequence", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, NO_SEQUENCE,
     "cannot be parsed"},
    {"two values", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, TWO_VALUES, "exactly one value"},
    {"repeated", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, REPEATED, "repeated"},
    {"unsigned", &alice, NID_sha256, NID_ecdsa_with_SHA256, NID_undef, V_ASN1_UNDEF, UNSIGNED, "not signed"},
};

static const struct row *row;

static void name_algorithm(GByteArray *value, int tag, int nid, int parameters)
{
    if (nid == NID_undef)
        return;
    unsigned char *der = NULL;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), parameters,
                    parameters == V_ASN1_OBJECT ? OBJ_nid2obj(NID_sha256) : NULL);
    int length = i2d_X509_ALGOR(algorithm, &der);
    cr_assert_gt(length, 0);
    der[0] = (unsigned char)tag;
    g_byte_array_append(value, der, (guint)length);
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
}

static GByteArray *protection(void)
{
    GByteArray *value = g_byte_array_new();
    g_byte_array_append(value, (const guint8 *)"\x30\x00", 2);
    name_algorithm(value, 0x30, row->digest, V_ASN1_UNDEF);
    name_algorithm(value, 0xa1, row->signature, row->parameters);
    name_algorithm(value, 0xa2, row->mac, V_ASN1_UNDEF);
    cr_assert_lt(value->len, 128u);
    if (row->how == CUT)
        g_byte_array_set_size(value, value->len - 1);
    if (row->how == LONGER)
        g_byte_array_append(value, (const guint8 *)"\x05\x00", 2);
    value->data[1] = (guint8)(value->len - 2);
    return value;
}

/* Under another name first, as OpenSSL adds none twice. */
static void add_once(CMS_SignerInfo *info, const GByteArray *value)
{
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_new();
    int type = row->how == NO_SEQUENCE ? V_ASN1_OCTET_STRING : V_ASN1_SEQUENCE;
    X509_ATTRIBUTE_set1_object(attribute, OBJ_nid2obj(NID_friendlyName));
    for (int i = 0; i < (row->how == TWO_VALUES ? 2 : 1); i++)
        cr_assert(X509_ATTRIBUTE_set1_data(attribute, type, value->data, (int)value->len));
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113549.1.9.52", 1);
    if (row->how == UNSIGNED) {
        X509_ATTRIBUTE_set1_object(attribute, oid);
        cr_assert(CMS_unsigned_add1_attr(info, attribute));
    } else {
        cr_assert(CMS_signed_add1_attr(info, attribute));
        int place = CMS_signed_get_attr_by_NID(info, NID_friendlyName, -1);
        X509_ATTRIBUTE_set1_object(CMS_signed_get_attr(info, place), oid);
    }
    ASN1_OBJECT_free(oid);
    X509_ATTRIBUTE_free(attribute);
}

static void add(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    if (row->pss)
        cr_assert(EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(info), RSA_PKCS1_PSS_PADDING) > 0);
    GByteArray *value = protection();
    for (int i = 0; i < (row->how == REPEATED ? 2 : 1); i++)
        add_once(info, value);
    g_byte_array_unref(value);
}

/* --- RSASSA-PSS: the same parameters can be encoded in several ways (§3) --- */

/* The hash, that of the mask, the salt's length and the trailer; a default may be written. */
static const struct pss_row {
    const char *name;
    int hash, mask;     /* NID_undef: left out */
    long salt, trailer; /* 0: left out */
    int parameters;     /* of the hashes: V_ASN1_NULL or V_ASN1_UNDEF */
    bool same;
} pss_rows[] = {
    {"as it is signed", NID_sha256, NID_sha256, 32, 0, V_ASN1_NULL, true},
    {"without NULL", NID_sha256, NID_sha256, 32, 0, V_ASN1_UNDEF, true},
    {"with the default written", NID_sha256, NID_sha256, 32, 1, V_ASN1_NULL, true},
    {"another trailer", NID_sha256, NID_sha256, 32, 2, V_ASN1_NULL, false},
    {"another hash", NID_sha384, NID_sha256, 32, 0, V_ASN1_NULL, false},
    {"the default hash", NID_undef, NID_sha256, 32, 0, V_ASN1_NULL, false},
    {"another mask", NID_sha256, NID_sha384, 32, 0, V_ASN1_NULL, false},
    {"the default mask", NID_sha256, NID_undef, 32, 0, V_ASN1_NULL, false},
    {"another salt", NID_sha256, NID_sha256, 20, 0, V_ASN1_NULL, false},
    {"the default salt", NID_sha256, NID_sha256, 0, 0, V_ASN1_NULL, false},
};
static const struct pss_row *pss_row;

static X509_ALGOR *hash_of(int nid)
{
    X509_ALGOR *hash = nid != NID_undef ? X509_ALGOR_new() : NULL;
    if (hash != NULL)
        X509_ALGOR_set0(hash, OBJ_nid2obj(nid), pss_row->parameters, NULL);
    return hash;
}

static ASN1_INTEGER *number_of(long number)
{
    ASN1_INTEGER *integer = number != 0 ? ASN1_INTEGER_new() : NULL;
    if (integer != NULL)
        ASN1_INTEGER_set(integer, number);
    return integer;
}

static X509_ALGOR *pss_algorithm(void)
{
    RSA_PSS_PARAMS *parameters = RSA_PSS_PARAMS_new();
    ASN1_STRING *packed = NULL;
    X509_ALGOR *algorithm = X509_ALGOR_new(), *mask = hash_of(pss_row->mask);
    parameters->hashAlgorithm = hash_of(pss_row->hash);
    if (mask != NULL) {
        ASN1_STRING *inner = NULL;
        cr_assert_not_null(ASN1_item_pack(mask, ASN1_ITEM_rptr(X509_ALGOR), &inner));
        parameters->maskGenAlgorithm = X509_ALGOR_new();
        X509_ALGOR_set0(parameters->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, inner);
        X509_ALGOR_free(mask);
    }
    parameters->saltLength = number_of(pss_row->salt);
    parameters->trailerField = number_of(pss_row->trailer);
    cr_assert_not_null(ASN1_item_pack(parameters, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &packed));
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, packed);
    RSA_PSS_PARAMS_free(parameters);
    return algorithm;
}

/* SEQUENCE { digest, [1] signature }, below 128 octets each. */
static void add_pss(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(info);
    cr_assert(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0);
    unsigned char *der = NULL;
    X509_ALGOR *algorithm = pss_algorithm();
    int length = i2d_X509_ALGOR(algorithm, &der);
    g_autoptr(GByteArray) value = g_byte_array_new();
    g_byte_array_append(value, (const guint8 *)"\x30\x00", 2);
    name_algorithm(value, 0x30, NID_sha256, V_ASN1_UNDEF);
    der[0] = 0xa1;
    g_byte_array_append(value, der, (guint)length);
    cr_assert_lt(value->len, 130u);
    value->data[1] = (guint8)(value->len - 2);
    row = &rows[0];
    add_once(info, value);
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
}

Test(algorithm_protection, parameters_of_pss_are_compared_by_their_meaning)
{
    for (pss_row = pss_rows; pss_row < pss_rows + G_N_ELEMENTS(pss_rows); pss_row++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(rsa, CMS_KEY_PARAM, "SHA256", add_pss);
        CRAFT_PART part = craft_part_of_cms(cms);
        cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s: %s", pss_row->name,
                     error.text);
        cr_expect_eq(layer.facts.signers[0].valid, pss_row->same, "%s: %s", pss_row->name,
                     layer.facts.signers[0].reason);
    }
}

Test(algorithm_protection, what_contradicts_the_signer_info_breaks_the_signature)
{
    for (row = rows; row < rows + G_N_ELEMENTS(rows); row++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms =
            craft_sign_by_hand(*row->signer, row->pss ? CMS_KEY_PARAM : 0, "SHA256", add);
        CRAFT_PART part = craft_part_of_cms(cms);
        cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s: %s", row->name,
                     error.text);
        cr_assert_eq(layer.facts.signer_count, 1u);
        const struct signer_facts *signer = &layer.facts.signers[0];
        cr_expect_eq(signer->valid, row->fault == NULL, "%s: %s", row->name, signer->reason);
        cr_expect(row->fault == NULL || (strstr(signer->reason, "CMS algorithm protection attribute") != NULL &&
                                         strstr(signer->reason, row->fault) != NULL),
                  "%s: %s", row->name, signer->reason);
    }
}
