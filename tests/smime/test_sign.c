/* SPDX-License-Identifier: Apache-2.0 */
#include "smime/attributes.h"
#include "support/craft.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

static struct pki *root, *sub;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    sub = pki_sub_ca(root, "Acme mail");
}

static void teardown(void)
{
    pki_free(root);
    pki_free(sub);
}

TestSuite(sign, .init = setup, .fini = teardown);

struct row {
    const char *name;
    enum pki_key key;
    enum signature signature;
    enum digest digest;
    enum format format;
    size_t size;
    const char *micalg;
    int signature_nid; /* of the AlgorithmIdentifier */
};

#define LARGE ((size_t)700 << 10) /* beyond the memory limit of the rig */

static const struct row rows[] = {
    {"pss clear", PKI_RSA, SIGNATURE_RSA_PSS, DIGEST_SHA256, FORMAT_CLEAR, 100, "sha-256", NID_rsassaPss},
    {"pss opaque", PKI_RSA, SIGNATURE_RSA_PSS, DIGEST_SHA384, FORMAT_OPAQUE, 100, NULL, NID_rsassaPss},
    {"pss clear 512", PKI_RSA, SIGNATURE_RSA_PSS, DIGEST_SHA512, FORMAT_CLEAR, LARGE, "sha-512", NID_rsassaPss},
    {"pkcs1 clear", PKI_RSA, SIGNATURE_RSA_PKCS1, DIGEST_SHA384, FORMAT_CLEAR, 100, "sha-384", NID_rsaEncryption},
    {"pkcs1 opaque", PKI_RSA, SIGNATURE_RSA_PKCS1, DIGEST_SHA256, FORMAT_OPAQUE, LARGE, NULL, NID_rsaEncryption},
    {"ecdsa clear", PKI_EC, SIGNATURE_RSA_PSS, DIGEST_SHA256, FORMAT_CLEAR, LARGE, "sha-256", NID_ecdsa_with_SHA256},
    {"ecdsa opaque", PKI_EC, SIGNATURE_RSA_PSS, DIGEST_SHA512, FORMAT_OPAQUE, 100, NULL, NID_ecdsa_with_SHA512},
    {"p-384 opaque", PKI_P384, SIGNATURE_RSA_PSS, DIGEST_SHA384, FORMAT_OPAQUE, LARGE, NULL, NID_ecdsa_with_SHA384},
    {"ed25519 clear", PKI_ED25519, SIGNATURE_RSA_PSS, DIGEST_SHA256, FORMAT_CLEAR, LARGE, "sha-512", NID_ED25519},
    {"ed25519 opaque", PKI_ED25519, SIGNATURE_RSA_PSS, DIGEST_SHA512, FORMAT_OPAQUE, 100, NULL, NID_ED25519},
    {"empty body", PKI_EC, SIGNATURE_RSA_PSS, DIGEST_SHA256, FORMAT_CLEAR, 0, "sha-256", NID_ecdsa_with_SHA256},
    {"empty opaque", PKI_EC, SIGNATURE_RSA_PSS, DIGEST_SHA256, FORMAT_OPAQUE, 0, NULL, NID_ecdsa_with_SHA256},
};

/* By OpenSSL's own CMS_verify(), against the root. */
static bool openssl_verifies(CMS_ContentInfo *cms, const struct slice *detached, struct slice expected)
{
    owned(X509_STORE) X509_STORE *store = X509_STORE_new();
    owned(BIO) BIO *content = detached != NULL ? BIO_new_mem_buf(detached->data, (int)detached->len) : NULL;
    owned(BIO) BIO *out = BIO_new(BIO_s_mem());
    char *data;
    long length;
    X509_STORE_add_cert(store, root->cert);
    if (CMS_verify(cms, NULL, store, content, out, CMS_BINARY) != 1)
        return false;
    length = BIO_get_mem_data(out, &data);
    return slice_equal((struct slice){data, (size_t)length}, expected);
}

static void check_attributes(const struct row *row, CMS_ContentInfo *cms, const struct pki *leaf)
{
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    static const int wanted[] = {NID_pkcs9_contentType, NID_pkcs9_messageDigest, NID_pkcs9_signingTime,
                                 NID_SMIMECapabilities, NID_id_smime_aa_signingCertificateV2};
    owned(x509_stack) STACK_OF(X509) *certificates = CMS_get1_certs(cms);
    const ASN1_OBJECT *oid;
    X509_ALGOR *algorithm;
    struct signer_facts facts = {0};
    struct error error = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        cr_expect_geq(CMS_signed_get_attr_by_NID(info, wanted[i], -1), 0, "%s: %s", row->name, OBJ_nid2sn(wanted[i]));
    cr_expect(attributes_read(info, ATTRIBUTE_OF_MESSAGE, &(struct reading){.facts = &facts}, &error), "%s: %s",
              row->name, error.text);
    cr_expect_eq(facts.types, SIGNATURE_TYPE_DOMAIN);
    cr_expect_eq(CMS_unsigned_get_attr_count(info), -1, "%s: no unsigned attributes", row->name);
    cr_expect_eq(CMS_SignerInfo_cert_cmp(info, leaf->cert), 0);
    CMS_SignerInfo_get0_algs(info, NULL, NULL, NULL, &algorithm);
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    cr_expect_eq(OBJ_obj2nid(oid), row->signature_nid, "%s: %s", row->name, OBJ_nid2sn(OBJ_obj2nid(oid)));
    cr_expect_eq(sk_X509_num(certificates), 2, "%s: leaf and intermediate, not the root", row->name);
    for (int i = 0; i < sk_X509_num(certificates); i++)
        cr_expect_neq(X509_cmp(sk_X509_value(certificates, i), root->cert), 0);
}

/* RFC 4055 §3.1: salt as long as the digest, MGF1 with the same. */
static void check_pss(const struct row *row, CMS_ContentInfo *cms)
{
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    static const int lengths[] = {[DIGEST_SHA256] = 32, [DIGEST_SHA384] = 48, [DIGEST_SHA512] = 64};
    RSA_PSS_PARAMS *parameters;
    X509_ALGOR *algorithm;
    const void *value;
    int type;
    gint64 salt = 0;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, NULL, &algorithm);
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    cr_assert_eq(type, V_ASN1_SEQUENCE);
    parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    cr_assert_not_null(parameters);
    cr_expect(ASN1_INTEGER_get_int64(&salt, parameters->saltLength));
    cr_expect_eq(salt, lengths[row->digest], "%s: salt of %d", row->name, (int)salt);
    cr_expect_not_null(parameters->maskGenAlgorithm, "%s: not SHA-1 by default", row->name);
    RSA_PSS_PARAMS_free(parameters);
}

static void check_clear(const struct row *row, const struct craft_part *made, struct slice expected)
{
    const struct part *part = made->part;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    cr_assert(part_is_multipart_signed(part), "%s", row->name);
    cr_assert_eq(part->child_count, 2u);
    cr_assert_null(part->fault, "%s: %s", row->name, part->fault);
    cr_expect_str_eq(part_parameter(part, "micalg"), row->micalg, "%s", row->name);
    cr_expect_str_eq(part_parameter(part, "protocol"), "application/pkcs7-signature");
    cr_expect_str_eq(part->children[1].type, "application/pkcs7-signature");
    cr_expect_eq(part->children[1].encoding, ENCODING_BASE64);
    cr_expect(slice_equal(part->children[0].whole, expected), "%s: signed part unchanged", row->name);
    cms = craft_cms(&part->children[1]);
    cr_expect_eq(CMS_is_detached(cms), 1);
    if (row->key != PKI_ED25519) /* OpenSSL 3.0 has no EdDSA in CMS; the interoperability tests have */
        cr_expect(openssl_verifies(cms, &expected, expected), "%s", row->name);
}

static void check_opaque(const struct row *row, const struct craft_part *made, struct slice expected)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(made->part);
    cr_expect_str_eq(made->part->type, "application/pkcs7-mime");
    cr_expect_str_eq(part_parameter(made->part, "smime-type"), "signed-data");
    cr_expect_str_eq(part_parameter(made->part, "name"), "smime.p7m");
    cr_expect_eq(made->part->encoding, ENCODING_BASE64);
    if (row->key != PKI_ED25519)
        cr_expect(openssl_verifies(cms, NULL, expected), "%s", row->name);
}

static void check_row(const struct row *row)
{
    PKI_AUTO struct pki *leaf = pki_role_with(sub, "domain-signing-authority", "acme.test", row->key);
    struct identity signer = craft_signer(leaf, sub, root);
    struct sign_options options = {.format = row->format,
                                   .signature = row->signature,
                                   .digest = row->digest,
                                   .types = SIGNATURE_TYPE_DOMAIN,
                                   .limits = &craft_limits};
    g_autofree char *body = craft_text(row->size);
    g_autofree char *expected = g_strconcat(CRAFT_HEADER "\r\n", body, NULL);
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
    struct error error = {0};
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    CRAFT_LAYER layer;
    cr_assert(smime_sign(&signer, &options, &content, &out, &error), "%s: %s", row->name, error.text);
    entity_clear(&content);
    CRAFT_PART made = craft_part_of_entity(&out);
    if (row->format == FORMAT_CLEAR)
        check_clear(row, &made, slice_of(expected));
    else
        check_opaque(row, &made, slice_of(expected));
    cms = craft_cms(row->format == FORMAT_CLEAR ? &made.part->children[1] : made.part);
    check_attributes(row, cms, leaf);
    if (row->signature_nid == NID_rsassaPss)
        check_pss(row, cms);
    cr_expect_eq(craft_open(made.part, NULL, &craft_limits, &layer, &error), OPENED, "%s: %s", row->name, error.text);
    cr_expect(layer.facts.signer_count == 1 && layer.facts.signers[0].valid && !layer.facts.signers[0].weak, "%s",
              row->name);
    cr_expect(craft_inner_is(&layer, expected), "%s", row->name);
    sk_X509_free(signer.chain);
}

Test(sign, what_is_made_verifies)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
}

Test(sign, clear_borrows_the_content)
{
    PKI_AUTO struct pki *leaf = pki_person(sub, "alice@acme.test");
    struct identity signer = craft_signer(leaf, NULL, NULL);
    struct sign_options options = {.limits = &craft_limits};
    g_autofree char *body = craft_text(50000);
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
    struct error error = {0};
    bool found = false;
    cr_assert(smime_sign(&signer, &options, &content, &out, &error), "%s", error.text);
    for (size_t i = 0; i < rope_count(out.body); i++)
        found = found || rope_at(out.body, i).data == body;
    cr_expect(found, "the body is where it was");
    entity_clear(&content);
    entity_clear(&out);
    sk_X509_free(signer.chain);
}

/* A clear signature over it would not last. */
Test(sign, fragile_content_is_signed_in_opaque_form)
{
    PKI_AUTO struct pki *leaf = pki_person(sub, "alice@acme.test");
    struct identity signer = craft_signer(leaf, NULL, NULL);
    struct sign_options options = {.format = FORMAT_CLEAR, .limits = &craft_limits};
    for (int fragile = 0; fragile < 2; fragile++) {
        struct entity content = craft_entity(CRAFT_HEADER, slice_of("eight \xc3\xa4 bits\r\n")), out = {0};
        struct error error = {0};
        content.fragile = fragile;
        cr_assert(smime_sign(&signer, &options, &content, &out, &error), "%s", error.text);
        cr_expect(!out.fragile);
        CRAFT_PART made = craft_part_of_entity(&out);
        cr_expect_str_eq(made.part->type, fragile ? "application/pkcs7-mime" : "multipart/signed");
        entity_clear(&content);
    }
    sk_X509_free(signer.chain);
}

Test(sign, a_chain_with_repetitions)
{
    PKI_AUTO struct pki *leaf = pki_person(sub, "alice@acme.test");
    struct identity signer = craft_signer(leaf, leaf, sub);
    struct sign_options options = {.format = FORMAT_OPAQUE, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    sk_X509_push(signer.chain, sub->cert);
    sk_X509_push(signer.chain, root->cert);
    cr_assert(smime_sign(&signer, &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART made = craft_part_of_entity(&out);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(made.part);
    owned(x509_stack) STACK_OF(X509) *certificates = CMS_get1_certs(cms);
    cr_expect_eq(sk_X509_num(certificates), 2);
    sk_X509_free(signer.chain);
}

/* RFC 4055 §1.2: such a key signs with PSS whatever the rule says. */
Test(sign, a_key_for_pss_alone)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;
    cr_assert(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0 &&
              EVP_PKEY_generate(context, &key) > 0);
    EVP_PKEY_CTX_free(context);
    PKI_AUTO struct pki *leaf =
        pki_issue(&(struct pki_spec){.issuer = sub, .subject = PKI_LIST("CN=pss"), .use_key = key});
    struct identity signer = craft_signer(leaf, NULL, NULL);
    struct sign_options options = {.signature = SIGNATURE_RSA_PKCS1, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    CRAFT_LAYER layer;

    cr_assert(smime_sign(&signer, &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART made = craft_part_of_entity(&out);
    cr_assert_eq(craft_open(made.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
    entity_clear(&content);
    EVP_PKEY_free(key);
    sk_X509_free(signer.chain);
}

Test(sign, capabilities_are_what_we_open)
{
    PKI_AUTO struct pki *leaf = pki_person(sub, "alice@acme.test");
    CRAFT_PART made = craft_signed(leaf, FORMAT_OPAQUE, 0);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(made.part);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    const ASN1_STRING *value =
        CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_SMIMECapabilities), -3, V_ASN1_SEQUENCE);
    static const int wanted[] = {NID_aes_256_gcm, NID_aes_128_gcm, NID_aes_256_cbc, NID_aes_128_cbc};
    const unsigned char *at;
    X509_ALGORS *list;
    cr_assert_not_null(value);
    at = ASN1_STRING_get0_data(value);
    list = d2i_X509_ALGORS(NULL, &at, ASN1_STRING_length(value));
    cr_assert_eq(sk_X509_ALGOR_num(list), (int)G_N_ELEMENTS(wanted));
    for (int i = 0; i < sk_X509_ALGOR_num(list); i++)
        cr_expect_eq(OBJ_obj2nid(sk_X509_ALGOR_value(list, i)->algorithm), wanted[i]);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    cr_expect_lt(CMS_signed_get_attr_by_NID(info, OBJ_txt2nid(OID_SIGNATURE_TYPE), -1), 0, "types 0: no attribute");
}

/* A private key that does not belong to the public one it claims to have: what it signs is garbage. */
static EVP_PKEY *broken_key(const struct pki *leaf)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    unsigned char point[200];
    size_t length = 0;
    BIGNUM *number = BN_new();
    OSSL_PARAM *parameters;
    EVP_PKEY *key = NULL;
    cr_assert(EVP_PKEY_get_octet_string_param(leaf->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &length));
    BN_set_word(number, 4711);
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, length);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    cr_assert_gt(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters), 0);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(number);
    return key;
}

Test(sign, a_key_that_returns_garbage_is_caught)
{
    PKI_AUTO struct pki *leaf = pki_person(sub, "alice@acme.test");
    struct identity signer = craft_signer(leaf, NULL, NULL);
    struct sign_options options = {.limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    signer.key = broken_key(leaf);
    cr_expect(!smime_sign(&signer, &options, &content, &out, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    cr_expect(strstr(error.text, "does not verify") != NULL, "%s", error.text);
    cr_expect_null(out.header);
    cr_expect_null(out.body);
    EVP_PKEY_free(signer.key);
    entity_clear(&content);
    sk_X509_free(signer.chain);
}

/* Signs with a key under a certificate of somebody else; why that fails. */
static enum error_kind kind_of_failure(X509 *certificate, EVP_PKEY *key)
{
    struct identity signer = {.certificate = certificate, .key = key};
    struct sign_options options = {.limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_expect(!smime_sign(&signer, &options, &content, &out, &error));
    cr_expect_eq(ERR_peek_error(), 0);
    entity_clear(&content);
    return error.kind;
}

/* The administrator has to act: no retry will help. */
Test(sign, a_key_of_another_certificate_is_refused)
{
    static const enum pki_key types[] = {PKI_RSA, PKI_EC, PKI_ED25519, PKI_X25519};
    PKI_AUTO struct pki *leaf = pki_person(sub, "alice@acme.test");
    PKI_AUTO struct pki *edwards =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=e"), .key = PKI_ED25519});
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        PKI_AUTO struct pki *other =
            pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=o"), .key = types[i]});
        cr_expect_eq(kind_of_failure(leaf->cert, other->key), ERROR_CONFIGURATION, "%zu", i);
        cr_expect_eq(kind_of_failure(edwards->cert, other->key), ERROR_CONFIGURATION, "%zu", i);
    }
    PKI_AUTO struct pki *agreeing =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=x"), .key = PKI_X25519});
    cr_expect_eq(kind_of_failure(agreeing->cert, agreeing->key), ERROR_CONFIGURATION, "cannot sign at all");
}

/* What a key store gives when its session is lost: the right key, whose private operation fails. */
Test(sign, a_key_that_does_not_answer_may_do_so_later)
{
    static const enum pki_key types[] = {PKI_RSA, PKI_EC, PKI_ED25519};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        PKI_AUTO struct pki *leaf =
            pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=s"), .key = types[i]});
        cr_expect_eq(kind_of_failure(leaf->cert, X509_get0_pubkey(leaf->cert)), ERROR_TEMPORARY, "%zu", i);
    }
}

/* RFC 3183 §3: no signer, content of type data. */
Test(sign, the_empty_signature_layer)
{
    for (size_t size = 0; size <= LARGE; size += LARGE / 2) {
        g_autofree char *body = craft_text(size);
        g_autofree char *expected = g_strconcat(CRAFT_HEADER "\r\n", body, NULL);
        struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
        struct error error = {0};
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
        CRAFT_LAYER layer;
        cr_assert(smime_wrap_unsigned(&craft_limits, &content, &out, &error), "%s", error.text);
        entity_clear(&content);
        CRAFT_PART made = craft_part_of_entity(&out);
        cms = craft_cms(made.part);
        cr_expect_eq(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)), 0);
        cr_expect_eq(OBJ_obj2nid(CMS_get0_eContentType(cms)), NID_pkcs7_data);
        cr_expect_eq(craft_open(made.part, NULL, &craft_limits, &layer, &error), OPENED, "%s", error.text);
        cr_expect_eq(layer.facts.type, LAYER_SIGNED);
        cr_expect_eq(layer.facts.signer_count, 0u);
        cr_expect(craft_inner_is(&layer, expected));
    }
}
