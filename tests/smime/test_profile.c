/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8551 and RFC 8550, what no other test of smime/ shows: the form of what we make, and odd things that must not
 * disturb. */
#include "support/craft.h"

#include <openssl/asn1t.h>

static struct pki *root, *alice, *dca;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    alice = pki_person(root, "alice@acme.test");
    dca = pki_role(root, "domain-confidentiality-authority", "acme.test");
}

static void teardown(void)
{
    pki_free(root);
    pki_free(alice);
    pki_free(dca);
}

TestSuite(profile, .init = setup, .fini = teardown);

static struct craft_part empty_layer(void)
{
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_assert(smime_wrap_unsigned(&craft_limits, &content, &out, &error), "%s", error.text);
    return craft_part_of_entity(&out);
}

static void expect_form(struct craft_part made, const char *type, const char *smime_type, const char *name)
{
    const struct part *part = made.part->child_count > 0 ? &made.part->children[1] : made.part;
    g_autofree char *header = g_strndup(part->header.data, part->header.len);
    g_autofree char *disposition = g_strdup_printf("Content-Disposition: attachment; filename=\"%s\"\r\n", name);
    const char *given = part_parameter(part, "smime-type");
    cr_expect_str_eq(part->type, type);
    cr_expect(g_strcmp0(given, smime_type) == 0, "smime-type %s, not %s", given, smime_type);
    cr_expect_str_eq(part_parameter(part, "name"), name);
    cr_expect_not_null(strstr(header, disposition), "%s", header);
    cr_expect_eq(part->encoding, ENCODING_BASE64);
    for (size_t i = 0; i < made.length; i++)
        cr_assert((signed char)made.bytes[i] > 0, "seven bits");
    craft_part_clear(&made);
}

/* §3.2, §3.2.1, §3.2.2, §3.5.3.2 */
Test(profile, media_types_and_names)
{
    CRAFT_PART clear = craft_signed(alice, FORMAT_CLEAR, 0);
    cr_expect_not_null(strstr(clear.bytes, "protocol=\"application/pkcs7-signature\""), "in quotes");
    expect_form(craft_signed(alice, FORMAT_CLEAR, 0), "application/pkcs7-signature", NULL, "smime.p7s");
    expect_form(craft_signed(alice, FORMAT_OPAQUE, 0), "application/pkcs7-mime", "signed-data", "smime.p7m");
    expect_form(empty_layer(), "application/pkcs7-mime", "signed-data", "smime.p7m");
    expect_form(craft_encrypted(dca, CIPHER_AES_128_CBC, KEY_TRANSPORT_RSA_OAEP), "application/pkcs7-mime",
                "enveloped-data", "smime.p7m");
    expect_form(craft_encrypted(dca, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP), "application/pkcs7-mime",
                "authEnveloped-data", "smime.p7m");
}

/* §2.4.1, §2.5.1, §2.5.2: content of type data, each attribute once, time as UTCTime, capabilities without parameters.
 */
Test(profile, content_type_time_and_capabilities)
{
    CRAFT_PART made = craft_signed(alice, FORMAT_OPAQUE, 0),
               shut = craft_encrypted(dca, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(made.part), *enveloped = craft_cms(shut.part);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    static const int once[] = {NID_pkcs9_contentType, NID_pkcs9_messageDigest, NID_pkcs9_signingTime,
                               NID_SMIMECapabilities, NID_id_smime_aa_signingCertificateV2};
    cr_expect_eq(OBJ_obj2nid(CMS_get0_eContentType(cms)), NID_pkcs7_data);
    cr_expect_eq(OBJ_obj2nid(CMS_get0_eContentType(enveloped)), NID_pkcs7_data);
    for (size_t i = 0; i < G_N_ELEMENTS(once); i++) {
        int first = CMS_signed_get_attr_by_NID(info, once[i], -1);
        cr_assert_geq(first, 0, "%s", OBJ_nid2sn(once[i]));
        cr_expect_lt(CMS_signed_get_attr_by_NID(info, once[i], first), 0, "%s", OBJ_nid2sn(once[i]));
        cr_expect_eq(X509_ATTRIBUTE_count(CMS_signed_get_attr(info, first)), 1, "%s", OBJ_nid2sn(once[i]));
    }
    cr_expect_not_null(CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_UTCTIME));
    const ASN1_STRING *value =
        CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_SMIMECapabilities), -3, V_ASN1_SEQUENCE);
    const unsigned char *at = ASN1_STRING_get0_data(value);
    X509_ALGORS *list = d2i_X509_ALGORS(NULL, &at, ASN1_STRING_length(value));
    for (int i = 0; i < sk_X509_ALGOR_num(list); i++)
        cr_expect_null(sk_X509_ALGOR_value(list, i)->parameter, "absent, not NULL");
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
}

/* --- RFC 8550 §2.2.1, §2.2.2: what is no X.509 certificate among the certificates --- */

/* A header around bytes. */
static ASN1_STRING *tagged(int tag, const unsigned char *bytes, int length)
{
    unsigned char *der = g_malloc((size_t)length + 16), *end = der;
    ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_OTHER);
    ASN1_put_object(&end, 1, length, tag, V_ASN1_CONTEXT_SPECIFIC);
    memcpy(end, bytes, (size_t)length);
    cr_assert(ASN1_STRING_set(string, der, (int)(end - der) + length));
    g_free(der);
    return string;
}

/* The content octets of an element. */
static const unsigned char *content_of(const ASN1_TYPE *type, long *length)
{
    const unsigned char *at = ASN1_STRING_get0_data(type->value.asn1_string);
    int tag, class;
    cr_assert_eq(ASN1_get_object(&at, length, &tag, &class, ASN1_STRING_length(type->value.asn1_string)) & 0x80, 0);
    return at;
}

/* cms with one more element at the end of SignedData.certificates. */
static struct craft_part with_choice(const CMS_ContentInfo *cms, const char *choice, int choice_length)
{
    unsigned char *der = NULL, *inner_der = NULL, *whole = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);
    const unsigned char *at = der;
    ASN1_SEQUENCE_ANY *outer = d2i_ASN1_SEQUENCE_ANY(NULL, &at, length);
    long inner_length, certificates_length;
    at = content_of(sk_ASN1_TYPE_value(outer, 1), &inner_length);
    ASN1_SEQUENCE_ANY *inner = d2i_ASN1_SEQUENCE_ANY(NULL, &at, inner_length);
    const unsigned char *certificates = content_of(sk_ASN1_TYPE_value(inner, 3), &certificates_length);
    GByteArray *more = g_byte_array_new();
    g_byte_array_append(more, certificates, (guint)certificates_length);
    g_byte_array_append(more, (const guint8 *)choice, (guint)choice_length);
    ASN1_TYPE_set(sk_ASN1_TYPE_value(inner, 3), V_ASN1_OTHER, tagged(0, more->data, (int)more->len));
    length = i2d_ASN1_SEQUENCE_ANY(inner, &inner_der);
    ASN1_TYPE_set(sk_ASN1_TYPE_value(outer, 1), V_ASN1_OTHER, tagged(0, inner_der, length));
    length = i2d_ASN1_SEQUENCE_ANY(outer, &whole);
    cr_assert_gt(length, 0);
    struct craft_part part = craft_part_of_der(whole, (size_t)length);
    g_byte_array_unref(more);
    sk_ASN1_TYPE_pop_free(inner, ASN1_TYPE_free);
    sk_ASN1_TYPE_pop_free(outer, ASN1_TYPE_free);
    OPENSSL_free(der);
    OPENSSL_free(inner_der);
    OPENSSL_free(whole);
    return part;
}

Test(profile, other_kinds_of_certificates_are_passed_over)
{
    static const struct {
        const char *name, *der;
        int length;
    } rows[] = {
        {"PKCS #6 extended certificate", "\xa0\x03\x02\x01\x00", 5},
        {"attribute certificate, version 1", "\xa1\x03\x02\x01\x00", 5},
        {"attribute certificate, version 2", "\xa2\x03\x02\x01\x00", 5},
        {"another format", "\xa3\x07\x06\x03\x2a\x03\x04\x05\x00", 9},
        {"nothing", "", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, 0, "SHA256", NULL);
        CRAFT_PART part = with_choice(cms, rows[i].der, rows[i].length);
        struct error error = {0};
        CRAFT_LAYER layer;
        cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s: %s", rows[i].name,
                     error.text);
        cr_expect(layer.facts.signers[0].valid, "%s: %s", rows[i].name, layer.facts.signers[0].reason);
        cr_expect_eq(sk_X509_num(layer.certificates), 1, "%s", rows[i].name);
    }
}

/* RFC 8551 §2.5: attributes that nobody knows, capabilities that nobody knows. */
static void add_unknown(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const unsigned char list[] = {0x30, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x2a, 0x03, 0x04, 0x02, 0x01, 0x05};
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.5", 1);
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_OBJ(info, oid, V_ASN1_UTF8STRING, "what?", 5));
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_SMIMECapabilities, V_ASN1_SEQUENCE, list, sizeof(list)));
    ASN1_OBJECT_free(oid);
}

Test(profile, unknown_attributes_and_capabilities_do_no_harm)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, CMS_CADES, "SHA256", add_unknown);
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error = {0};
    CRAFT_LAYER layer;
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid && !layer.facts.signers[0].type_fault, "%s", layer.facts.signers[0].reason);
}
