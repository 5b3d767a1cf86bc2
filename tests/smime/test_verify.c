/* SPDX-License-Identifier: Apache-2.0 */
#include "smime/attributes.h"
#include "support/craft.h"
#include "support/embed.h"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/ess.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>

static struct pki *root, *alice, *bob;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    alice = pki_person(root, "alice@acme.test");
    bob = pki_person(root, "bob@acme.test");
}

static void teardown(void)
{
    pki_free(root);
    pki_free(alice);
    pki_free(bob);
}

TestSuite(verify, .init = setup, .fini = teardown, .timeout = 100);

static enum opened open_cms(const CMS_ContentInfo *cms, struct layer *layer, struct error *error)
{
    CRAFT_PART part = craft_part_of_cms(cms);
    return craft_open(part.part, NULL, &craft_limits, layer, error);
}

/* --- tampering --- */

Test(verify, flips_in_opaque)
{
    CRAFT_PART part = craft_signed(alice, FORMAT_OPAQUE, SIGNATURE_TYPE_DOMAIN);
    GByteArray *der = craft_der(part.part);
    size_t content =
        (size_t)((unsigned char *)memmem(der->data, der->len, CRAFT_WHOLE, strlen(CRAFT_WHOLE)) - der->data);
    size_t still_valid = 0;
    for (guint i = 0; i < der->len; i++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        der->data[i] ^= 1u << (i % 8);
        CRAFT_PART changed = craft_part_of_der(der->data, der->len);
        enum opened opened = craft_open(changed.part, NULL, &craft_limits, &layer, &error);
        der->data[i] ^= 1u << (i % 8);
        if (opened != OPENED || layer.facts.signer_count == 0 || !layer.facts.signers[0].valid)
            continue;
        still_valid++;
        cr_expect(craft_inner_is(&layer, CRAFT_WHOLE), "octet %u", i);
        cr_expect_eq(X509_cmp(layer.signers[0].certificate, alice->cert), 0, "octet %u", i);
        cr_expect_eq(layer.facts.signers[0].types, SIGNATURE_TYPE_DOMAIN, "octet %u", i);
        cr_expect(i < content || i >= content + strlen(CRAFT_WHOLE), "octet %u", i);
    }
    /* Version numbers and the like; all else is covered by the signature, or finds the signer. */
    cr_expect_lt(still_valid, 40u, "%zu of %u changes go unnoticed", still_valid, der->len);
    g_byte_array_unref(der);
}

Test(verify, flips_in_the_clear_signed_part)
{
    CRAFT_PART made = craft_signed(alice, FORMAT_CLEAR, SIGNATURE_TYPE_DOMAIN);
    GByteArray *der = craft_der(&made.part->children[1]);
    g_autofree char *whole = g_strdup(CRAFT_WHOLE);
    for (size_t i = 0; whole[i] != '\0'; i++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        whole[i] ^= 1;
        CRAFT_PART changed = craft_part_of_clear(slice_of(whole), der->data, der->len);
        whole[i] ^= 1;
        enum opened opened = craft_open(changed.part, NULL, &craft_limits, &layer, &error);
        cr_expect(opened == OPENED_FAILED || (layer.facts.signer_count == 1 && !layer.facts.signers[0].valid),
                  "octet %zu", i);
        if (opened == OPENED)
            cr_expect(layer.facts.signers[0].reason[0] != '\0');
    }
    g_byte_array_unref(der);
}

static void flip_everywhere(const struct pki *pki)
{
    CRAFT_PART part = craft_signed(pki, FORMAT_OPAQUE, SIGNATURE_TYPE_DOMAIN);
    GByteArray *der = craft_der(part.part);
    for (guint i = 0; i < der->len; i++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        der->data[i] ^= 1u << (i % 8);
        CRAFT_PART changed = craft_part_of_der(der->data, der->len);
        enum opened opened = craft_open(changed.part, NULL, &craft_limits, &layer, &error);
        der->data[i] ^= 1u << (i % 8);
        if (opened == OPENED && layer.facts.signer_count == 1 && layer.facts.signers[0].valid) {
            cr_expect(craft_inner_is(&layer, CRAFT_WHOLE), "octet %u", i);
            cr_expect_eq(layer.facts.signers[0].types, SIGNATURE_TYPE_DOMAIN, "octet %u", i);
        }
    }
    g_byte_array_unref(der);
}

Test(verify, flips_with_other_keys)
{
    static const enum pki_key keys[] = {PKI_RSA, PKI_ED25519};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        PKI_AUTO struct pki *pki = pki_role_with(root, "domain-signing-authority", "acme.test", keys[i]);
        flip_everywhere(pki);
    }
}

Test(verify, truncations)
{
    CRAFT_PART part = craft_signed(alice, FORMAT_OPAQUE, SIGNATURE_TYPE_DOMAIN);
    GByteArray *der = craft_der(part.part);
    for (guint length = 0; length < der->len; length++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        CRAFT_PART cut = craft_part_of_der(der->data, length);
        cr_expect_eq(craft_open(cut.part, NULL, &craft_limits, &layer, &error), OPENED_FAILED, "%u octets", length);
        cr_expect_neq(error.kind, ERROR_NONE);
    }
    g_byte_array_unref(der);
}

/* Raw octets count: white space and line ends of the signed part, too. */
Test(verify, the_bytes_as_received)
{
    CRAFT_PART made = craft_signed(alice, FORMAT_CLEAR, 0);
    GByteArray *der = craft_der(&made.part->children[1]);
    static const struct {
        const char *whole;
        bool valid;
    } rows[] = {
        {CRAFT_WHOLE, true},
        {CRAFT_HEADER "\r\nThe quick brown fox. \r\n", false},
        {CRAFT_HEADER "\r\nThe quick brown fox.", false},
        {CRAFT_HEADER "\r\nThe quick brown fox.\r\n\r\n", false},
        {CRAFT_HEADER "\r\nThe quick brown fox.\n", false},
        {"content-type: text/plain; charset=us-ascii\r\n\r\n" CRAFT_BODY, false},
        {"Content-Type: text/plain;\r\n charset=us-ascii\r\n\r\n" CRAFT_BODY, false},
        {"X: y\r\n" CRAFT_WHOLE, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        CRAFT_PART part = craft_part_of_clear(slice_of(rows[i].whole), der->data, der->len);
        cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%zu: %s", i, error.text);
        cr_assert_eq(layer.facts.signer_count, 1u);
        cr_expect_eq(layer.facts.signers[0].valid, rows[i].valid, "%zu", i);
        cr_expect(craft_inner_is(&layer, rows[i].whole), "inner is the signed part");
        cr_expect(layer.facts.detached);
    }
    g_byte_array_unref(der);
}

/* --- attributes --- */

static void other_content_type(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)info;
    CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo));
}

static void names_bob(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ESS_SIGNING_CERT_V2 *attribute = OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), bob->cert, NULL, 0);
    unsigned char *der = NULL;
    int length = i2d_ESS_SIGNING_CERT_V2(attribute, &der);
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, der, length));
    OPENSSL_free(der);
    ESS_SIGNING_CERT_V2_free(attribute);
}

static void add_v1(CMS_SignerInfo *info, X509 *certificate)
{
    ESS_SIGNING_CERT *attribute = OSSL_ESS_signing_cert_new_init(certificate, NULL, 1);
    unsigned char *der = NULL;
    int length = i2d_ESS_SIGNING_CERT(attribute, &der);
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE, der, length));
    OPENSSL_free(der);
    ESS_SIGNING_CERT_free(attribute);
}

static void names_alice_v1(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_v1(info, alice->cert);
}

static void names_bob_v1(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_v1(info, bob->cert);
}

static void names_nothing(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE,
                                          "\x30\x02\x30\x00", 4));
}

static void domain_type(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    craft_add_attribute(info, OID_SIGNATURE_TYPE, &(struct sign_options){.types = SIGNATURE_TYPE_DOMAIN});
}

static void bad_type(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    craft_add_attribute(info, OID_SIGNATURE_TYPE,
                        &(struct sign_options){.types = SIGNATURE_TYPE_DOMAIN | SIGNATURE_TYPE_ATTRIBUTES});
}

/* As the report shows it: the name of the issuer and the number, or the key identifier. */
static void expect_identifier(const struct signer_facts *facts, unsigned flags)
{
    bool by_key = (flags & CMS_USE_KEYID) != 0;
    const ASN1_STRING *number = by_key ? X509_get0_subject_key_id(alice->cert) : X509_get0_serialNumber(alice->cert);
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < ASN1_STRING_length(number); i++)
        g_string_append_printf(text, "%02X", ASN1_STRING_get0_data(number)[i]);
    cr_expect_str_eq(facts->issuer, by_key ? "subject key identifier" : "CN=Acme root,O=Tests");
    cr_expect_str_eq(facts->serial, text->str);
}

Test(verify, signed_attributes)
{
    static const struct {
        const char *name;
        unsigned flags;
        const char *digest;
        void (*alter)(CMS_ContentInfo *, CMS_SignerInfo *);
        bool opens, valid, weak, type_fault;
        const char *text; /* in the reason or the error */
    } rows[] = {
        {"plain", 0, "SHA256", NULL, true, true, false, false, ""},
        {"by key identifier", CMS_USE_KEYID, "SHA256", NULL, true, true, false, false, ""},
        {"without attributes", CMS_NOATTR, "SHA256", NULL, true, true, false, false, "no signed attributes"},
        {"signing certificate", CMS_CADES, "SHA256", NULL, true, true, false, false, ""},
        {"signing certificate 384", CMS_CADES, "SHA384", NULL, true, true, false, false, ""},
        {"signing certificate v1", 0, "SHA256", names_alice_v1, true, true, false, false, ""},
        {"names another", 0, "SHA256", names_bob, true, false, false, false, "names another certificate"},
        {"names another v1", 0, "SHA256", names_bob_v1, true, false, false, false, "names another certificate"},
        {"names nothing", 0, "SHA256", names_nothing, true, false, false, false,
         "signing certificate attribute cannot be parsed"},
        {"no data", 0, "SHA256", other_content_type, false, false, false, false, "not of type data"},
        {"SHA-1", 0, "SHA1", NULL, true, true, true, false, "weak digest SHA1"},
        {"SHA-1 without attributes", CMS_NOATTR, "SHA1", NULL, true, true, true, false, "weak digest SHA1"},
        {"SHA-224", 0, "SHA224", NULL, true, true, false, false, ""},
        {"signature type", 0, "SHA256", domain_type, true, true, false, false, ""},
        {"signature types that may not meet", 0, "SHA256", bad_type, true, true, false, true, "combined with another"},
        {"certificate not there", CMS_NOCERTS, "SHA256", NULL, true, false, false, false, "not in the message"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error;
        CRAFT_LAYER layer;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms =
            craft_sign_by_hand(alice, rows[i].flags, rows[i].digest, rows[i].alter);
        cr_expect_eq(open_cms(cms, &layer, &error), rows[i].opens ? OPENED : OPENED_FAILED, "%s: %s", rows[i].name,
                     error.text);
        if (!rows[i].opens) {
            cr_expect(strstr(error.text, rows[i].text) != NULL, "%s: %s", rows[i].name, error.text);
            continue;
        }
        cr_assert_eq(layer.facts.signer_count, 1u);
        const struct signer_facts *signer = &layer.facts.signers[0];
        cr_expect_eq(signer->valid, rows[i].valid, "%s: %s", rows[i].name, signer->reason);
        cr_expect_eq(signer->weak, rows[i].weak, "%s", rows[i].name);
        cr_expect_eq(signer->type_fault, rows[i].type_fault, "%s", rows[i].name);
        cr_expect(strstr(signer->reason, rows[i].text) != NULL, "%s: %s", rows[i].name, signer->reason);
        cr_expect_eq(signer->reason[0] == '\0', rows[i].text[0] == '\0', "%s: %s", rows[i].name, signer->reason);
        cr_expect_eq(signer->ess.label.classification, -1, "%s", rows[i].name);
        cr_expect_eq(signer->has_certificate, layer.signers[0].certificate != NULL, "%s", rows[i].name);
        expect_identifier(signer, rows[i].flags);
    }
}

/* By hand, as OpenSSL 3.0 has no EdDSA in CMS: somebody else's key stands in until the signature is put in. */
static CMS_ContentInfo *sign_by_edwards(const struct pki *signer, const char *content)
{
    X509 *stand_in = X509_dup(signer->cert);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    BIO *data = BIO_new_mem_buf(content, -1);
    unsigned char signature[64];
    size_t length = sizeof(signature);
    X509_ALGOR *algorithm;
    cr_assert(X509_set_pubkey(stand_in, alice->key) && CMS_add1_cert(cms, signer->cert));
    CMS_SignerInfo *info =
        CMS_add1_signer(cms, stand_in, alice->key, EVP_sha512(), CMS_NOATTR | CMS_NOCERTS | CMS_BINARY);
    cr_assert(info != NULL && CMS_final(cms, data, NULL, CMS_BINARY));
    cr_assert(EVP_DigestSignInit(context, NULL, NULL, NULL, signer->key) > 0 &&
              EVP_DigestSign(context, signature, &length, (const unsigned char *)content, strlen(content)) > 0);
    CMS_SignerInfo_get0_algs(info, NULL, NULL, NULL, &algorithm);
    cr_assert(X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_ED25519), V_ASN1_UNDEF, NULL) &&
              ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(info), signature, (int)length));
    BIO_free(data);
    EVP_MD_CTX_free(context);
    X509_free(stand_in);
    return cms;
}

/* RFC 5652 §5.4: then the signature is over the content itself. GnuTLS writes that. */
Test(verify, edwards_without_attributes)
{
    PKI_AUTO struct pki *signer = pki_role_with(root, "domain-signing-authority", "acme.test", PKI_ED25519);
    for (int changed = 0; changed < 2; changed++) {
        struct error error = {0};
        CRAFT_LAYER layer;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = sign_by_edwards(signer, CRAFT_WHOLE);
        if (changed)
            (*CMS_get0_content(cms))->data[strlen(CRAFT_WHOLE) - 4] ^= 1;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        cr_assert_eq(layer.facts.signer_count, 1u);
        cr_expect_eq(layer.facts.signers[0].valid, !changed, "%s", layer.facts.signers[0].reason);
        /* Some versions of OpenSSL add their own words. */
        const char *reason = changed ? "the signature does not verify" : "no signed attributes";
        cr_expect(text_begins_with(layer.facts.signers[0].reason, reason), "%s", layer.facts.signers[0].reason);
        cr_expect_eq(ERR_peek_error(), 0ul);
    }
}

/* No signature holds with an empty set of attributes: of two namesakes the first is named. */
Test(verify, edwards_with_an_empty_set_of_attributes)
{
    struct pki_spec spec = {.issuer = root, .subject = PKI_LIST("CN=x"), .serial = 4245, .key = PKI_ED25519};
    PKI_AUTO struct pki *one = pki_issue(&spec);
    PKI_AUTO struct pki *two = pki_issue(&spec);
    const struct pki *const signers[] = {one, two};
    for (size_t i = 0; i < G_N_ELEMENTS(signers); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = sign_by_edwards(signers[i], CRAFT_WHOLE);
        CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
        owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
        unsigned char signature[64];
        size_t length = sizeof(signature);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert(EVP_DigestSignInit(context, NULL, NULL, NULL, signers[i]->key) > 0 &&
                  EVP_DigestSign(context, signature, &length, (const unsigned char *)"\x31\x00", 2) > 0 &&
                  ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(info), signature, (int)length));
        cr_assert(CMS_signed_add1_attr_by_NID(info, NID_friendlyName, V_ASN1_OCTET_STRING, "x", 1));
        X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, 0));
        cr_assert(CMS_add1_cert(cms, signers[1 - i]->cert));
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        cr_expect(!layer.facts.signers[0].valid);
        cr_expect_str_eq(layer.facts.signers[0].reason, "the content type attribute is missing");
        cr_expect_eq(layer.facts.signers[0].tried, 2u);
        cr_expect_eq(layer.signers[0].certificate, sk_X509_value(layer.certificates, 0));
    }
}

/* Attributes that OpenSSL would not sign: a finished SignedData is changed and signed once more over what it is then.
 */
/* clang-format off */
ASN1_ITEM_TEMPLATE(ATTRIBUTE_SET) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, attributes, X509_ATTRIBUTE)
static_ASN1_ITEM_TEMPLATE_END(ATTRIBUTE_SET)
    /* clang-format on */

    static void sign_again(CMS_SignerInfo * info, const struct pki *pki)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    STACK_OF(X509_ATTRIBUTE) *list = sk_X509_ATTRIBUTE_new_null();
    unsigned char *der = NULL, signature[512];
    size_t length = sizeof(signature);
    int der_length;
    for (int i = 0; i < CMS_signed_get_attr_count(info); i++)
        sk_X509_ATTRIBUTE_push(list, CMS_signed_get_attr(info, i));
    der_length = ASN1_item_i2d((ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(ATTRIBUTE_SET));
    cr_assert_gt(der_length, 0);
    cr_assert(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pki->key) > 0 &&
              EVP_DigestSign(context, signature, &length, der, (size_t)der_length) > 0);
    cr_assert(ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(info), signature, (int)length));
    OPENSSL_free(der);
    sk_X509_ATTRIBUTE_free(list);
    EVP_MD_CTX_free(context);
}

static X509_ATTRIBUTE *attribute_of(CMS_SignerInfo *info, int nid)
{
    return CMS_signed_get_attr(info, CMS_signed_get_attr_by_NID(info, nid, -1));
}

/* OpenSSL adds no attribute twice, hence under another name first. */
static void add_twice(CMS_SignerInfo *info, int nid)
{
    X509_ATTRIBUTE *again = X509_ATTRIBUTE_dup(attribute_of(info, nid));
    X509_ATTRIBUTE_set1_object(again, OBJ_nid2obj(NID_friendlyName));
    cr_assert(CMS_signed_add1_attr(info, again));
    X509_ATTRIBUTE_set1_object(attribute_of(info, NID_friendlyName), OBJ_nid2obj(nid));
    X509_ATTRIBUTE_free(again);
}

static void leave_out(CMS_SignerInfo *info, int nid)
{
    X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, CMS_signed_get_attr_by_NID(info, nid, -1)));
}

static void second_value(CMS_SignerInfo *info, int nid)
{
    X509_ATTRIBUTE *attribute = attribute_of(info, nid);
    ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, 0);
    if (ASN1_TYPE_get(value) == V_ASN1_OBJECT)
        cr_assert(X509_ATTRIBUTE_set1_data(attribute, V_ASN1_OBJECT, value->value.object, -1));
    else
        cr_assert(X509_ATTRIBUTE_set1_data(attribute, ASN1_TYPE_get(value), value->value.asn1_string->data,
                                           value->value.asn1_string->length));
}

static void other_form(CMS_SignerInfo *info, int nid)
{
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create(nid, V_ASN1_UTF8STRING, ASN1_STRING_type_new(V_ASN1_UTF8STRING));
    leave_out(info, nid);
    cr_assert(CMS_signed_add1_attr(info, attribute));
    X509_ATTRIBUTE_free(attribute);
}

static void move_to_unsigned(CMS_SignerInfo *info, int nid)
{
    X509_ATTRIBUTE *attribute = CMS_signed_delete_attr(info, CMS_signed_get_attr_by_NID(info, nid, -1));
    cr_assert(CMS_unsigned_add1_attr(info, attribute));
    X509_ATTRIBUTE_free(attribute);
}

static void nothing(CMS_SignerInfo *info, int nid)
{
    (void)info;
    (void)nid;
}

/* Lists that say nothing: the values do not count here. */
static void add_preferences(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const unsigned char nothing_in_it[] = {0x30, 0};
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_SMIMECapabilities, V_ASN1_SEQUENCE, nothing_in_it, 2));
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_id_smime_aa_encrypKeyPref, V_ASN1_SEQUENCE, nothing_in_it, 2));
}

Test(verify, attributes_missing_doubled_or_odd)
{
    static const struct {
        const char *name;
        void (*change)(CMS_SignerInfo *, int);
        int nid;
        bool valid;
    } rows[] = {
        {"as it was", nothing, 0, true},
        {"no signing time", leave_out, NID_pkcs9_signingTime, true},
        {"content type left out", leave_out, NID_pkcs9_contentType, false},
        {"digest left out", leave_out, NID_pkcs9_messageDigest, false},
        {"content type twice", add_twice, NID_pkcs9_contentType, false},
        {"digest twice", add_twice, NID_pkcs9_messageDigest, false},
        {"signing certificate twice", add_twice, NID_id_smime_aa_signingCertificateV2, false},
        {"content type unsigned", move_to_unsigned, NID_pkcs9_contentType, false},
        {"digest unsigned", move_to_unsigned, NID_pkcs9_messageDigest, false},
        {"signing certificate of another form", other_form, NID_id_smime_aa_signingCertificateV2, false},
        {"signing certificate unsigned", move_to_unsigned, NID_id_smime_aa_signingCertificateV2, false},
        {"content type with two values", second_value, NID_pkcs9_contentType, false},
        {"digest with two values", second_value, NID_pkcs9_messageDigest, false},
        {"content type of another form", other_form, NID_pkcs9_contentType, false},
        {"digest of another form", other_form, NID_pkcs9_messageDigest, false},
        /* RFC 5652 §11.3, RFC 8551 §2.5.2, §2.5.3 */
        {"no capabilities", leave_out, NID_SMIMECapabilities, true},
        {"no key preference", leave_out, NID_id_smime_aa_encrypKeyPref, true},
        {"time of signing twice", add_twice, NID_pkcs9_signingTime, false},
        {"capabilities twice", add_twice, NID_SMIMECapabilities, false},
        {"key preference twice", add_twice, NID_id_smime_aa_encrypKeyPref, false},
        {"time of signing with two values", second_value, NID_pkcs9_signingTime, false},
        {"capabilities with two values", second_value, NID_SMIMECapabilities, false},
        {"key preference with two values", second_value, NID_id_smime_aa_encrypKeyPref, false},
        {"time of signing unsigned", move_to_unsigned, NID_pkcs9_signingTime, false},
        {"capabilities unsigned", move_to_unsigned, NID_SMIMECapabilities, false},
        {"key preference unsigned", move_to_unsigned, NID_id_smime_aa_encrypKeyPref, false},
        {"capabilities of another form", other_form, NID_SMIMECapabilities, true}, /* they say nothing */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, CMS_CADES, "SHA256", add_preferences);
        CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
        struct error error;
        CRAFT_LAYER layer;
        rows[i].change(info, rows[i].nid);
        sign_again(info, alice);
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s: %s", rows[i].name, error.text);
        cr_expect_eq(layer.facts.signers[0].valid, rows[i].valid, "%s: %s", rows[i].name,
                     layer.facts.signers[0].reason);
        cr_expect_eq(layer.facts.signers[0].reason[0] == '\0', rows[i].valid, "%s", rows[i].name);
        cr_expect_eq(layer.facts.signers[0].has_unsigned, rows[i].change == move_to_unsigned, "%s", rows[i].name);
        cr_expect_not_null(layer.signers[0].certificate, "%s: who claims to have signed is known", rows[i].name);
        if (strstr(rows[i].name, "signing time") != NULL)
            cr_expect_eq(layer.facts.signers[0].signing_time, 0);
    }
}

/* RFC 8551 §2.5.1: both forms, and what the two digits of a year mean. */
static const char *time_given;

static void add_time(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    int type = strlen(time_given) == strlen("YYMMDDHHMMSSZ") ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME;
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, type, time_given, (int)strlen(time_given)));
}

Test(verify, signing_time_in_both_forms)
{
    static const struct {
        const char *given;
        time_t time;
    } rows[] = {
        {"260102030405Z", 1767323045},   {"491231235959Z", 2524607999},   {"500101000000Z", -631152000},
        {"20260102030405Z", 1767323045}, {"20550101000000Z", 2682374400},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error;
        CRAFT_LAYER layer;
        time_given = rows[i].given;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, 0, "SHA256", add_time);
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s: %s", rows[i].given, error.text);
        cr_expect(layer.facts.signers[0].valid, "%s: %s", rows[i].given, layer.facts.signers[0].reason);
        cr_expect_eq(layer.facts.signers[0].signing_time, rows[i].time, "%s: %ld", rows[i].given,
                     (long)layer.facts.signers[0].signing_time);
    }
}

/* OpenSSL's CMS_verify() takes it. */
Test(verify, content_type_attribute_of_another_type)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, 0, "SHA256", other_content_type);
    struct error error;
    CRAFT_LAYER layer;
    CMS_set1_eContentType(cms, OBJ_nid2obj(NID_pkcs7_data));
    cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
    cr_expect(!layer.facts.signers[0].valid);
    cr_expect(strstr(layer.facts.signers[0].reason, "differs from the content's type") != NULL, "%s",
              layer.facts.signers[0].reason);
}

/* The signed attributes of one message as the content of another, which has none: the signature is over the same
 * octets. */
Test(verify, attributes_taken_as_content)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *victim = craft_sign_by_hand(alice, 0, "SHA256", NULL);
    owned(CMS_ContentInfo) CMS_ContentInfo *forged = craft_sign_by_hand(alice, CMS_NOATTR, "SHA256", NULL);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(victim), 0);
    CMS_SignerInfo *target = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(forged), 0);
    STACK_OF(X509_ATTRIBUTE) *list = sk_X509_ATTRIBUTE_new_null();
    const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    owned(X509_STORE) X509_STORE *store = X509_STORE_new();
    unsigned char *der = NULL;
    struct error error;
    CRAFT_LAYER layer;
    int length;
    for (int i = 0; i < CMS_signed_get_attr_count(info); i++)
        sk_X509_ATTRIBUTE_push(list, CMS_signed_get_attr(info, i));
    length = ASN1_item_i2d((ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(ATTRIBUTE_SET));
    sk_X509_ATTRIBUTE_free(list);
    ASN1_OCTET_STRING_set(*CMS_get0_content(forged), der, length);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(target), ASN1_STRING_get0_data(signature),
                          ASN1_STRING_length(signature));
    CRAFT_PART part = craft_part_of_cms(forged);
    owned(CMS_ContentInfo) CMS_ContentInfo *received = craft_cms(part.part);
    cr_expect_eq(CMS_verify(received, NULL, store, NULL, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1,
                 "the mathematics holds");
    cr_assert_eq(open_cms(forged, &layer, &error), OPENED, "%s", error.text);
    cr_expect(!layer.facts.signers[0].valid);
    cr_expect(strstr(layer.facts.signers[0].reason, "signed attributes of another message") != NULL, "%s",
              layer.facts.signers[0].reason);
}

/* A SET in DER and nothing else. Any other content may be signed without attributes. */
Test(verify, contents_that_could_be_attributes)
{
    static const struct {
        const char *content;
        int length;
        bool valid;
    } rows[] = {
        {"\x31\x02\x05\x00", 4, false},
        {"\x31\x02\x05\x00x", 5, true},
        {"\x31\x02\x05", 3, true},
        {"\x30\x02\x05\x00", 4, true},
        {"\x31", 1, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(BIO) BIO *data = BIO_new_mem_buf(rows[i].content, rows[i].length);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms =
            CMS_sign(alice->cert, alice->key, NULL, data, CMS_BINARY | CMS_NOATTR);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        cr_expect_eq(layer.facts.signers[0].valid, rows[i].valid, "row %zu: %s", i, layer.facts.signers[0].reason);
    }
}

static void short_digest(CMS_ContentInfo *cms)
{
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    leave_out(info, NID_pkcs9_messageDigest);
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, "short", 5));
    sign_again(info, alice);
}

static void no_attribute(CMS_ContentInfo *cms)
{
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    while (CMS_signed_get_attr_count(info) > 0)
        X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, 0));
    sign_again(info, alice);
}

static void other_content(CMS_ContentInfo *cms)
{
    (*CMS_get0_content(cms))->data[strlen(CRAFT_WHOLE) - 4] ^= 1;
}

static void other_signature(CMS_ContentInfo *cms)
{
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    cr_assert(ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(info), (const unsigned char *)"garbage", 7));
}

/* Attributes that nobody signed are no fault of their own. */
Test(verify, why_a_signature_does_not_hold)
{
    static const struct {
        unsigned flags;
        void (*alter)(CMS_ContentInfo *, CMS_SignerInfo *);
        void (*change)(CMS_ContentInfo *);
        const char *reason;
    } rows[] = {
        {0, NULL, short_digest, "the signature does not verify: its message digest has the wrong length"},
        {0, NULL, other_content, "the signature does not verify: the content is not what was signed"},
        {0, bad_type, other_content, "the signature does not verify: the content is not what was signed"},
        {CMS_NOATTR, NULL, other_content, "the signature does not verify: the content is not what was signed"},
        {0, NULL, no_attribute, "the content type attribute is missing"},
        {0, NULL, other_signature,
         "the signature does not verify: it was not made with the signer's key, or its parameters are wrong"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, rows[i].flags, "SHA256", rows[i].alter);
        struct error error;
        CRAFT_LAYER layer;
        rows[i].change(cms);
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        cr_expect_str_eq(layer.facts.signers[0].reason, rows[i].reason, "row %zu: %s", i,
                         layer.facts.signers[0].reason);
        cr_expect(!layer.facts.signers[0].valid && !layer.facts.signers[0].type_fault, "row %zu", i);
    }
}

/* --- certificates and keys --- */

/* A certificate of the signer's name and number with a key that is not used. */
Test(verify, keys_that_are_not_tried)
{
    EVP_PKEY *slow = pki_rsa_public(3072, 3000);
    for (int readable = 0; readable < 2; readable++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, CMS_NOCERTS, "SHA256", NULL);
        PKI_AUTO struct pki *namesake =
            pki_issue(&(struct pki_spec){.issuer = root,
                                         .subject = PKI_LIST("CN=x"),
                                         .serial = ASN1_INTEGER_get(X509_get0_serialNumber(alice->cert)),
                                         .use_key = readable ? slow : alice->key});
        struct error error = {0};
        CRAFT_LAYER layer;
        cr_assert(CMS_add1_cert(cms, namesake->cert));
        CRAFT_PART part = craft_part_of_cms(cms);
        GByteArray *der = craft_der(part.part);
        unsigned char *oid = memmem(der->data, der->len, "\x2a\x86\x48\xce\x3d\x02\x01", 7);
        if (!readable)
            oid[6] = 0x63; /* a kind of key that nobody knows */
        CRAFT_PART changed = craft_part_of_der(der->data, der->len);
        cr_assert_eq(craft_open(changed.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
        cr_expect_str_eq(layer.facts.signers[0].reason,
                         readable ? "the signature does not verify: the signer's key is of a kind that takes too long"
                                  : "the signature does not verify: the signer's key cannot be read");
        cr_expect_not(layer.facts.signers[0].valid);
        g_byte_array_unref(der);
    }
    EVP_PKEY_free(slow);
}

/* From another message of the same sender. */
Test(verify, certificates_known_before)
{
    for (unsigned flags = 0; flags < 2; flags++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, CMS_NOCERTS, "SHA256", NULL);
        STACK_OF(X509) *known = sk_X509_new_null();
        cr_assert(flags == 0 || CMS_add1_cert(cms, bob->cert));
        cr_assert(sk_X509_push(known, alice->cert));
        CRAFT_PART part = craft_part_of_cms(cms);
        struct error error = {0};
        CRAFT_LAYER layer;
        cr_assert_eq(
            smime_open(part.part, &(struct open_options){.limits = &craft_limits, .known = known}, &layer, &error),
            OPENED, "%s", error.text);
        cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
        cr_expect_eq(sk_X509_num(layer.certificates), flags == 0 ? 1 : 2);
        sk_X509_free(known);
    }
}

static CMS_ContentInfo *sign_with(const struct pki *pki, X509 *const *certificates, size_t count)
{
    CMS_ContentInfo *cms = craft_sign_by_hand(pki, CMS_NOCERTS, "SHA256", NULL);
    for (size_t i = 0; i < count; i++)
        cr_assert(CMS_add1_cert(cms, certificates[i]));
    return cms;
}

Test(verify, several_certificates_fit_the_identifier)
{
    struct pki_spec spec = {.issuer = root, .subject = PKI_LIST("CN=x"), .serial = 4242};
    PKI_AUTO struct pki *right = pki_issue(&spec);
    PKI_AUTO struct pki *wrong = pki_issue(&spec);
    PKI_AUTO struct pki *rsa =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=x"), .serial = 4242, .key = PKI_RSA});
    X509 *const orders[][3] = {{right->cert, wrong->cert, rsa->cert},
                               {wrong->cert, right->cert, rsa->cert},
                               {rsa->cert, wrong->cert, right->cert}};
    for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = sign_with(right, orders[i], 3);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
        cr_expect_eq(X509_cmp(layer.signers[0].certificate, right->cert), 0);
        cr_expect_eq(sk_X509_num(layer.certificates), 3);
    }
    owned(CMS_ContentInfo) CMS_ContentInfo *swapped = sign_with(right, (X509 *const[]){wrong->cert, rsa->cert}, 2);
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(open_cms(swapped, &layer, &error), OPENED, "%s", error.text);
    cr_expect(!layer.facts.signers[0].valid);
    cr_expect_not_null(layer.signers[0].certificate);
}

/* One key, two certificates of one name and number: the signing certificate attribute says which (RFC 5035). */
Test(verify, a_certificate_swapped_under_the_same_key)
{
    struct pki_spec spec = {.issuer = root, .subject = PKI_LIST("CN=x"), .serial = 4243};
    PKI_AUTO struct pki *first = pki_issue(&spec);
    spec.use_key = first->key;
    spec.san = PKI_LIST("email:ceo@acme.test");
    PKI_AUTO struct pki *second = pki_issue(&spec);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(first, CMS_NOCERTS | CMS_CADES, "SHA256", NULL);
    struct error error;
    CRAFT_LAYER layer;

    CMS_add1_cert(cms, second->cert);
    cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
    cr_expect(!layer.facts.signers[0].valid);
    cr_expect(strstr(layer.facts.signers[0].reason, "names another certificate") != NULL, "%s",
              layer.facts.signers[0].reason);
}

/* RSA with public exponent 1: the signature is the padded digest, which anybody can write. */
static EVP_PKEY *exponent_one(void)
{
    EVP_PKEY *honest = pki_new_key(PKI_RSA, 0), *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *modulus = NULL, *one = BN_new();
    OSSL_PARAM *parameters;
    BN_set_word(one, 1);
    cr_assert(EVP_PKEY_get_bn_param(honest, OSSL_PKEY_PARAM_RSA_N, &modulus));
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, one);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, one);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    cr_assert_gt(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters), 0);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(honest);
    BN_free(modulus);
    BN_free(one);
    return key;
}

static EVP_PKEY *pss_key(int bits)
{
    EVP_PKEY *key = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    cr_assert(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1 &&
              EVP_PKEY_generate(context, &key) == 1);
    return key;
}

static void set_pss(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    cr_assert(EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(info), RSA_PKCS1_PSS_PADDING) == 1);
}

Test(verify, weak_and_forgeable_keys)
{
    PKI_AUTO struct pki *small =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=small"), .key = PKI_RSA_1024});
    PKI_AUTO struct pki *curve =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=curve"), .key = PKI_P192});
    PKI_AUTO struct pki *rsa =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    EVP_PKEY *one = exponent_one(), *p224 = EVP_EC_gen("P-224"), *pss = pss_key(1024), *just = pss_key(2047);
    PKI_AUTO struct pki *small_pss =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=pss"), .use_key = pss});
    PKI_AUTO struct pki *just_too_small =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=2047"), .use_key = just});
    PKI_AUTO struct pki *shortest =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=224"), .use_key = p224});
    PKI_AUTO struct pki *forgeable =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=forgeable"), .use_key = one});
    const struct {
        const struct pki *pki;
        const char *digest;
        bool valid, weak;
        const char *text;
    } rows[] = {
        {small, "SHA256", true, true, "RSA key of 1024 bits"},
        {small_pss, "SHA256", true, true, "RSA key of 1024 bits"},
        {just_too_small, "SHA256", true, true, "RSA key of 2047 bits"},
        {rsa, "SHA256", true, false, ""},
        {curve, "SHA256", true, true, "EC key of 192 bits"},
        {shortest, "SHA256", true, false, ""},
        {forgeable, "SHA256", false, false, "lets anybody sign"},
        {forgeable, "SHA1", false, false, "lets anybody sign"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool is_pss = rows[i].pki == small_pss || rows[i].pki == just_too_small;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms =
            craft_sign_by_hand(rows[i].pki, is_pss ? CMS_KEY_PARAM : 0, rows[i].digest, is_pss ? set_pss : NULL);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        cr_expect_eq(layer.facts.signers[0].valid, rows[i].valid, "%zu: %s", i, layer.facts.signers[0].reason);
        cr_expect_eq(layer.facts.signers[0].reason[0] == '\0', rows[i].text[0] == '\0', "%zu", i);
        cr_expect_eq(layer.facts.signers[0].weak, rows[i].weak, "%zu", i);
        cr_expect(strstr(layer.facts.signers[0].reason, rows[i].text) != NULL, "%s", layer.facts.signers[0].reason);
    }
    EVP_PKEY_free(one);
    EVP_PKEY_free(p224);
    EVP_PKEY_free(pss);
    EVP_PKEY_free(just);
}

/* A subject and an issuer with CR LF and control characters never reach a report raw. */
Test(verify, names_are_made_printable)
{
    PKI_AUTO struct pki *ca =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=bad%0d%0aX-Injected: yes%00%7f")});
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=x")});
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(leaf, CMS_NOCERTS, "SHA256", NULL);
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
    cr_expect_null(layer.signers[0].certificate);
    cr_expect_neq(layer.facts.signers[0].serial[0], '\0');
    cr_expect(strstr(layer.facts.signers[0].issuer, "Injected") != NULL);
    for (const char *at = layer.facts.signers[0].issuer; *at != '\0'; at++)
        cr_expect(!g_ascii_iscntrl(*at));
}

/* --- several signers --- */

static CMS_ContentInfo *sign_by_all(const struct pki *const *list, const unsigned *types, size_t count)
{
    const EVP_MD *const digests[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()}; /* the longer comes later in the SET */
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(CRAFT_WHOLE, -1);
    for (size_t i = 0; i < count; i++) {
        CMS_SignerInfo *info = CMS_add1_signer(cms, list[i]->cert, list[i]->key, digests[MIN(i, 2)],
                                               CMS_PARTIAL | CMS_BINARY | (i > 1 ? CMS_NOCERTS : 0));
        cr_assert_not_null(info);
        if (types[i] != 0)
            craft_add_attribute(info, OID_SIGNATURE_TYPE, &(struct sign_options){.types = types[i]});
    }
    cr_assert(CMS_final(cms, data, NULL, CMS_BINARY));
    BIO_free(data);
    return cms;
}

Test(verify, each_signer_has_its_own_result)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms =
        sign_by_all((const struct pki *const[]){alice, bob}, (const unsigned[]){2, 2}, 2);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 1);
    ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    struct error error;
    CRAFT_LAYER layer, spoiled;
    size_t valid = 0;
    cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
    cr_assert_eq(layer.facts.signer_count, 2u);
    for (size_t i = 0; i < 2; i++) {
        cr_expect(layer.facts.signers[i].valid, "%s", layer.facts.signers[i].reason);
        cr_expect_eq(layer.facts.signers[i].types, SIGNATURE_TYPE_ORIGINATOR);
        cr_expect_gt(layer.facts.signers[i].signing_time, time(NULL) - 100);
    }
    cr_assert(ASN1_OCTET_STRING_set(signature, (const unsigned char *)"garbage", 7));
    cr_assert_eq(open_cms(cms, &spoiled, &error), OPENED, "%s", error.text);
    for (size_t i = 0; i < 2; i++)
        valid += spoiled.facts.signers[i].valid;
    cr_expect_eq(valid, 1u);
}

/* RFC 3183 §3.1.2 */
Test(verify, signers_with_different_types_are_flagged)
{
    static const unsigned types[][3] = {{2, 4, 2}, {2, 2, 4}, {4, 0}, {0, 16}, {4, 4 | 16}};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        size_t count = types[i][2] != 0 ? 3 : 2;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms =
            sign_by_all((const struct pki *const[]){alice, bob, alice}, types[i], count);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        for (size_t j = 0; j < count; j++) {
            cr_expect(layer.facts.signers[j].type_fault, "%zu", i);
            cr_expect(strstr(layer.facts.signers[j].reason, "differ") != NULL, "%zu: %s", i,
                      layer.facts.signers[j].reason);
        }
    }
}

#define POLICY "\x06\x02\x2a\x03"
#define OTHER_POLICY "\x06\x02\x2a\x04"
#define CATEGORY(value) "\x30\x09\x80\x02\x2a\x03\xa1\x03\x02\x01" value
#define CATEGORIES(value) "\x31\x0b" CATEGORY(value)

/* The members of ESSSecurityLabel (RFC 2634 §3.2), without the SET around them. */
static const struct {
    const char *label[2], *equivalent[2];
    bool same;
} labels[] = {
    {{POLICY, POLICY}, {NULL, NULL}, true},
    {{POLICY CATEGORIES("\x05"), POLICY CATEGORIES("\x05")}, {OTHER_POLICY, OTHER_POLICY}, true},
    {{POLICY, OTHER_POLICY}, {NULL, NULL}, false},
    {{POLICY, POLICY CATEGORIES("\x05")}, {OTHER_POLICY, OTHER_POLICY}, false},
    {{POLICY, NULL}, {NULL, NULL}, false},
    {{"\x02\x01\x03" POLICY, "\x02\x01\x02" POLICY}, {NULL, NULL}, false},
    {{POLICY "\x0c\x01x", POLICY "\x0c\x01y"}, {NULL, NULL}, false},
    {{POLICY CATEGORIES("\x05"), POLICY}, {NULL, NULL}, false},
    {{POLICY CATEGORIES("\x05"), POLICY CATEGORIES("\x06")}, {NULL, NULL}, false},
    {{POLICY, POLICY}, {OTHER_POLICY, NULL}, false},
    {{POLICY, POLICY}, {OTHER_POLICY CATEGORIES("\x05"), OTHER_POLICY CATEGORIES("\x06")}, false},
};

/* The attribute's value: a label, in a sequence of one if it is an equivalent. */
static void add_label(CMS_SignerInfo *info, const char *members, bool equivalent)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(equivalent ? OID_EQUIVALENT_LABELS : OID_SECURITY_LABEL, 1);
    char der[64];
    if (members == NULL)
        return;
    int size = (int)strlen(members), at = 0;
    if (equivalent) {
        der[at++] = 0x30;
        der[at++] = (char)(size + 2);
    }
    der[at++] = 0x31;
    der[at++] = (char)size;
    memcpy(der + at, members, (size_t)size);
    cr_assert(CMS_signed_add1_attr_by_OBJ(info, oid, equivalent ? V_ASN1_SEQUENCE : V_ASN1_SET, der, at + size));
}

/* RFC 2634 §3.1.1: with several signers, the label is the same in each. */
Test(verify, signers_with_different_labels_are_flagged)
{
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
        owned(BIO) BIO *data = BIO_new_mem_buf(CRAFT_WHOLE, -1);
        const struct pki *const signers[] = {alice, bob};
        for (size_t j = 0; j < 2; j++) {
            CMS_SignerInfo *info = CMS_add1_signer(cms, signers[j]->cert, signers[j]->key, EVP_sha256(), CMS_PARTIAL);
            add_label(info, labels[i].label[j], false);
            add_label(info, labels[i].equivalent[j], true);
        }
        cr_assert(CMS_final(cms, data, NULL, CMS_BINARY));
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
        for (size_t j = 0; j < 2; j++) {
            cr_expect(layer.facts.signers[j].valid, "%zu: %s", i, layer.facts.signers[j].reason);
            cr_expect_eq(layer.facts.signers[j].type_fault, !labels[i].same, "%zu: %s", i,
                         layer.facts.signers[j].reason);
            if (!labels[i].same)
                cr_expect(strstr(layer.facts.signers[j].reason, "labels of the signers differ") != NULL, "%zu: %s", i,
                          layer.facts.signers[j].reason);
        }
    }
}

/* As many equivalents as there can be, the same in both; the names of the signers differ. */
Test(verify, labels_are_compared_up_to_the_last)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    owned(BIO) BIO *data = BIO_new_mem_buf(CRAFT_WHOLE, -1);
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(OID_EQUIVALENT_LABELS, 1);
    char equivalents[2 + 6 * ESS_EQUIVALENTS_MAX] = {0x30, 6 * ESS_EQUIVALENTS_MAX};
    for (int i = 0; i < ESS_EQUIVALENTS_MAX; i++)
        memcpy(equivalents + 2 + 6 * i, (const char[]){0x31, 4, 6, 2, 0x2a, (char)(10 + i)}, 6);
    for (char letter = 'a'; letter <= 'b'; letter++) {
        g_autofree char *letters = g_strnfill(100, letter), *name = g_strconcat("OU=", letters, NULL);
        PKI_AUTO struct pki *ca =
            pki_issue(&(struct pki_spec){.ca = true, .subject = (const char *const[]){name, "CN=CA", name, NULL}});
        PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=x")});
        CMS_SignerInfo *info = CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), CMS_PARTIAL);
        cr_assert_not_null(info);
        add_label(info, POLICY, false);
        cr_assert(CMS_signed_add1_attr_by_OBJ(info, oid, V_ASN1_SEQUENCE, equivalents, sizeof(equivalents)));
    }
    cr_assert(CMS_final(cms, data, NULL, CMS_BINARY));
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
    for (size_t i = 0; i < 2; i++) {
        cr_expect(layer.facts.signers[i].valid, "%s", layer.facts.signers[i].reason);
        cr_expect_eq(layer.facts.signers[i].ess.equivalent_count, ESS_EQUIVALENTS_MAX);
        cr_expect(!layer.facts.signers[i].type_fault, "%s", layer.facts.signers[i].reason);
    }
}

/* Certificates of the signer's name and number cost a verification each. */
Test(verify, few_namesakes_are_tried)
{
    enum { SERIAL = 4711, MANY = 12, TRIED = 8 };
    const struct pki_spec spec = {
        .issuer = root, .subject = PKI_LIST("CN=signer"), .san = PKI_LIST("email:x@acme.test"), .serial = SERIAL};
    struct limits limits = craft_limits;
    limits.certificates = MANY + 1;
    for (int namesakes = 0; namesakes <= MANY; namesakes += MANY) {
        PKI_AUTO struct pki *signer = pki_issue(&spec);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(signer, 0, "SHA256", NULL);
        for (int i = 0; i < namesakes; i++) {
            PKI_AUTO struct pki *namesake = pki_issue(&spec);
            cr_assert(CMS_add1_cert(cms, namesake->cert));
        }
        CRAFT_PART part = craft_part_of_cms(cms);
        struct error error = {0};
        CRAFT_LAYER layer;
        cr_assert_eq(craft_open(part.part, NULL, &limits, &layer, &error), OPENED, "%s", error.text);
        cr_expect_eq(layer.facts.signers[0].tried, namesakes == 0 ? 1 : TRIED, "%u", layer.facts.signers[0].tried);
    }
}

Test(verify, limits)
{
    const struct pki *const four[] = {alice, bob, alice, bob};
    owned(CMS_ContentInfo) CMS_ContentInfo *crowd = sign_by_all(four, (const unsigned[]){0, 0, 0, 0}, 4);
    owned(CMS_ContentInfo) CMS_ContentInfo *chain = craft_sign_by_hand(alice, 0, "SHA256", NULL);
    struct error error;
    CRAFT_LAYER layer;
    cr_expect_eq(open_cms(crowd, &layer, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "signers_limit") != NULL, "%s", error.text);
    for (unsigned i = 0; i < craft_limits.certificates; i++) {
        CRAFT_LAYER allowed;
        cr_expect_eq(open_cms(chain, &allowed, &error), OPENED, "%u: %s", i, error.text);
        PKI_AUTO struct pki *each = pki_person(root, "x@acme.test");
        CMS_add1_cert(chain, each->cert);
    }
    cr_expect_eq(open_cms(chain, &layer, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "certificates_limit") != NULL, "%s", error.text);
}

/* As many CRLs as certificates: each is read and may be searched. */
Test(verify, crls_are_limited)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, 0, "SHA256", NULL);
    for (unsigned i = 1; i <= craft_limits.certificates + 1; i++) {
        owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root, .number = i});
        struct error error;
        CRAFT_LAYER layer;
        cr_assert(CMS_add1_crl(cms, crl));
        enum opened opened = open_cms(cms, &layer, &error);
        cr_expect_eq(opened, i <= craft_limits.certificates ? OPENED : OPENED_FAILED, "%u: %s", i, error.text);
        if (opened == OPENED_FAILED)
            cr_expect(strstr(error.text, "certificates_limit") != NULL, "%s", error.text);
    }
}

/* What work_limit does not allow makes no result: no signature that passes, and no reason of another kind. */
Test(verify, a_budget_that_ends_anywhere)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *both =
        sign_by_all((const struct pki *const[]){alice, bob}, (const unsigned[]){0, 0}, 2);
    owned(CMS_ContentInfo) CMS_ContentInfo *bare = craft_sign_by_hand(alice, CMS_NOATTR, "SHA256", NULL);
    g_autofree char *text = craft_text(20000);
    owned(BIO) BIO *data = BIO_new_mem_buf(text, -1);
    owned(CMS_ContentInfo) CMS_ContentInfo *large = CMS_sign(alice->cert, alice->key, NULL, data, CMS_BINARY);
    const CMS_ContentInfo *const list[] = {both, bare, large};
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        CRAFT_PART part = craft_part_of_cms(list[i]);
        unsigned failures = 0, successes = 0;
        for (uint64_t limit = 1; successes == 0; limit += 1 + limit / 64) {
            struct budget budget = {.limit = limit};
            const struct open_options options = {.limits = &craft_limits, .budget = &budget};
            struct error error = {0};
            CRAFT_LAYER layer;
            enum opened opened = smime_open(part.part, &options, &layer, &error);
            cr_expect_eq(ERR_peek_error(), 0ul);
            if (opened == OPENED && !budget_is_spent(&budget)) {
                cr_expect(layer.facts.signers[0].valid && !layer.facts.signers[0].type_fault);
                successes++;
                continue;
            }
            failures++;
            cr_expect(budget_is_spent(&budget), "row %zu: %lu", i, (unsigned long)limit);
            cr_expect_eq(opened, OPENED_FAILED, "row %zu: %lu", i, (unsigned long)limit);
            cr_expect_str_eq(error.text, BUDGET_SPENT, "row %zu: %lu", i, (unsigned long)limit);
            cr_expect_eq(error.kind, ERROR_PERMANENT);
        }
        cr_expect_gt(failures, 10u);
    }
}

/* --- where the content is --- */

Test(verify, content_of_its_own_beside_a_detached_one)
{
    CRAFT_PART attached = craft_signed(alice, FORMAT_OPAQUE, 0);
    GByteArray *der = craft_der(attached.part);
    static const char *const wholes[] = {CRAFT_WHOLE, CRAFT_HEADER "\r\nYou are fired!\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(wholes); i++) {
        CRAFT_PART part = craft_part_of_clear(slice_of(wholes[i]), der->data, der->len);
        struct error error = {0};
        CRAFT_LAYER layer;
        cr_expect_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED_FAILED);
        cr_expect(strstr(error.text, "content of its own") != NULL, "%s", error.text);
        cr_expect_eq(layer.facts.signer_count, 0u);
        cr_expect_null(layer.inner.data);
    }
    g_byte_array_unref(der);
}

Test(verify, no_content_anywhere)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *detached = craft_sign_by_hand(alice, CMS_DETACHED, "SHA256", NULL);
    owned(CMS_ContentInfo) CMS_ContentInfo *certificates = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    struct error error;
    CRAFT_LAYER layer;
    cr_expect_eq(open_cms(detached, &layer, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "no content") != NULL, "%s", error.text);
    CMS_add1_cert(certificates, alice->cert);
    CMS_set_detached(certificates, 1);
    cr_expect_eq(open_cms(certificates, &layer, &error), OPENED_NOT_SMIME, "certificates only");
}

/* Certificates and CRLs are handed out, also when the signature does not hold. */
Test(verify, crls_are_handed_out)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, 0, "SHA256", NULL);
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root});
    struct error error;
    CRAFT_LAYER layer;
    CMS_add1_crl(cms, crl);
    cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%s", error.text);
    cr_expect_eq(sk_X509_CRL_num(layer.crls), 1);
    cr_expect_eq(sk_X509_num(layer.certificates), 1);
}

/* --- OCSP responses beside them (RFC 5940) --- */

static GPtrArray *answers_of(size_t count, size_t length)
{
    GPtrArray *answers = embed_list();
    for (size_t i = 0; i < count; i++) { /* any SEQUENCE will do here */
        OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
        unsigned char *der = NULL;
        int size = i2d_OCSP_RESPONSE(response, &der);
        GByteArray *answer = g_byte_array_append(g_byte_array_new(), der, (guint)size);
        if (length > 0) { /* a SEQUENCE of that many octets */
            g_byte_array_set_size(answer, 5);
            answer->data[1] = 0x83;
            answer->data[2] = (guint8)(length >> 16);
            answer->data[3] = (guint8)(length >> 8);
            answer->data[4] = (guint8)length;
            g_autofree guint8 *zeros = g_malloc0(length);
            g_byte_array_append(answer, zeros, (guint)length);
        }
        embed_add(answers, answer);
        OPENSSL_free(der);
        OCSP_RESPONSE_free(response);
    }
    return answers;
}

Test(verify, answers_are_handed_out)
{
    static const struct {
        const char *format;
        size_t count, length;
        bool has_list;
        guint expected;
    } rows[] = {
        {EMBED_OCSP, 1, 0, false, 1},    {EMBED_OCSP, 2, 0, true, 2},      {EMBED_OCSP, 16, 0, false, 16},
        {EMBED_OCSP, 17, 0, false, 16},  {EMBED_OCSP, 1, 65000, false, 1}, {EMBED_OCSP, 1, 65532, false, 0},
        {EMBED_OCSP, 3, 65000, true, 3}, {EMBED_SCVP, 1, 0, false, 0},     {EMBED_OCSP, 0, 0, true, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) answers = answers_of(rows[i].count, rows[i].length);
        CMS_ContentInfo *made = craft_sign_by_hand(alice, 0, "SHA256", NULL);
        owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root});
        if (rows[i].has_list)
            CMS_add1_crl(made, crl);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = embed_in(made, rows[i].format, answers);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "%zu: %s", i, error.text);
        cr_expect(layer.facts.signers[0].valid);
        cr_expect_eq(sk_X509_CRL_num(layer.crls), rows[i].has_list ? 1 : (layer.crls == NULL ? -1 : 0));
        cr_expect_eq(layer.embedded != NULL ? layer.embedded->len : 0, rows[i].expected, "%zu", i);
        if (rows[i].expected > 0)
            cr_expect(g_bytes_equal(g_ptr_array_index(layer.embedded, 0), g_ptr_array_index(answers, 0)));
    }
}

/* One whose extensions cannot be read is asked for its key identifier, and may be the signer's own. */
Test(verify, broken_certificates)
{
    PKI_AUTO struct pki *broken = pki_issue(&(struct pki_spec){
        .issuer = root, .subject = PKI_LIST("CN=broken"), .basic = "", .extensions = PKI_LIST("2.5.29.19=DER:0500")});
    owned(CMS_ContentInfo) CMS_ContentInfo *beside =
        craft_sign_by_hand(alice, CMS_USE_KEYID | CMS_NOCERTS, "SHA256", NULL);
    owned(CMS_ContentInfo) CMS_ContentInfo *own = craft_sign_by_hand(broken, 0, "SHA256", NULL);
    struct error error;
    CRAFT_LAYER layer;
    CRAFT_LAYER second;
    CMS_add1_cert(beside, broken->cert);
    cr_assert_eq(open_cms(beside, &layer, &error), OPENED, "%s", error.text);
    cr_expect_null(layer.signers[0].certificate);
    cr_assert_eq(open_cms(own, &second, &error), OPENED, "%s", error.text);
    cr_expect(second.facts.signers[0].valid, "%s", second.facts.signers[0].reason);
}

/* A digest algorithm listed a thousand times does not cost a thousand digests. */
Test(verify, the_list_of_digests_is_not_believed)
{
    CRAFT_PART part = craft_signed(alice, FORMAT_OPAQUE, 0);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part.part);
    GByteArray *der = craft_der(part.part);
    /* SET OF AlgorithmIdentifier: 31 0d 30 0b 06 09 …, made to say SHA-1 while the SignerInfo says SHA-256. */
    unsigned char *list =
        memmem(der->data, der->len, "\x31\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01", 15);
    struct error error = {0};
    CRAFT_LAYER layer;
    cr_assert_not_null(list);
    list[14] = 0x02; /* SHA-384 */
    CRAFT_PART changed = craft_part_of_der(der->data, der->len);
    cr_assert_eq(craft_open(changed.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
    g_byte_array_unref(der);
}

/* --- digests that cannot be computed --- */

/* A SignerInfo that names a digest which OpenSSL knows by name alone, such as MD4, or not at all. */
static CMS_ContentInfo *signed_with(int nid, const char *oid, bool second)
{
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(CRAFT_WHOLE, -1);
    ASN1_OBJECT *object = nid != NID_undef ? OBJ_nid2obj(nid) : OBJ_txt2obj(oid, 1);
    CMS_SignerInfo *info = CMS_add1_signer(cms, alice->cert, alice->key, EVP_sha256(), CMS_BINARY);
    X509_ALGOR *digest;
    if (second)
        cr_assert_not_null(CMS_add1_signer(cms, alice->cert, alice->key, EVP_sha384(), CMS_BINARY | CMS_NOCERTS));
    cr_assert(CMS_final(cms, data, NULL, CMS_BINARY));
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
    cr_assert(X509_ALGOR_set0(digest, object, V_ASN1_NULL, NULL));
    BIO_free(data);
    return cms;
}

/* It is a defect of this signature, and of nothing else: no failure of ours, which would be tried again for ever. */
Test(verify, digests_that_cannot_be_computed)
{
    static const struct {
        int nid;
        const char *oid;
    } rows[] = {
        {NID_md4, NULL}, {NID_mdc2, NULL}, {NID_md2, NULL}, {NID_whirlpool, NULL}, {NID_undef, "1.3.6.1.4.1.99999.1"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int second = 0; second < 2; second++) {
            owned(CMS_ContentInfo) CMS_ContentInfo *cms = signed_with(rows[i].nid, rows[i].oid, second);
            struct error error = {0};
            CRAFT_LAYER layer;
            cr_assert_eq(open_cms(cms, &layer, &error), OPENED, "row %zu: %s", i, error.text);
            cr_assert_eq(layer.facts.signer_count, second ? 2u : 1u, "row %zu, %d: %zu", i, second,
                         layer.facts.signer_count);
            unsigned supported = 0;
            for (size_t j = 0; j < layer.facts.signer_count; j++) {
                const struct signer_facts *facts = &layer.facts.signers[j];
                supported += facts->valid;
                if (!facts->valid)
                    cr_expect_str_eq(facts->reason,
                                     "the signature does not verify: its digest algorithm is not supported");
            }
            cr_expect_eq(supported, second ? 1u : 0u, "row %zu", i);
            cr_expect_eq(ERR_peek_error(), 0ul);
        }
}
