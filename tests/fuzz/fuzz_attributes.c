/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_attributes: any bytes as the attributes of a SignerInfo: SignatureType, ESS labels and histories. Nothing that
 * is not among the signed ones counts, what was read is printable and in range, and what is carried to another
 * signature says the same there.
 *
 * Input: a byte of options, then attributes in DER one after the other; each whose bit in the options is set goes among
 * the unsigned ones.
 */
#include "require.h"
#include "smime/attributes.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *certificate;
static EVP_PKEY *key;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error = {0};
    (void)argc;
    (void)argv;
    mime_init();
    require(smime_init(&error));
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    require(key != NULL && X509_set_pubkey(certificate, key) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"a", 1,
                               -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    require(X509_sign(certificate, key, EVP_sha256()) > 0);
    return 0;
}

/* Nothing is signed: what is read does not depend on it. */
static CMS_SignerInfo *new_signer(CMS_ContentInfo *cms)
{
    return CMS_add1_signer(cms, certificate, key, EVP_sha256(), CMS_PARTIAL | CMS_NOSMIMECAP | CMS_NOCERTS);
}

static void require_printable(const char *text)
{
    require(g_utf8_validate(text, -1, NULL));
    for (; *text != '\0'; text++)
        require((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_label(const struct security_label *label)
{
    require(label->policy[0] != '\0' && strspn(label->policy, "0123456789.") == strlen(label->policy));
    require(label->classification >= -1 && label->classification <= 256);
    require_printable(label->privacy_mark);
}

static bool read_attributes(CMS_SignerInfo *signer, struct signer_facts *facts)
{
    struct error error = {0};
    *facts = (struct signer_facts){.ess = ESS_NONE};
    if (attributes_read(signer, ATTRIBUTE_OF_MESSAGE, &(struct reading){.facts = facts}, &error))
        return true;
    require(error.kind == ERROR_PERMANENT);
    require_printable(error.text);
    return false;
}

/* What makes a signature hold or not. */
static void read_form(CMS_SignerInfo *signer)
{
    struct signer_facts facts = {0};
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *certificates = sk_X509_new_null();
    struct signer read = {0};
    const struct reading reading = {
        .certificate = certificate, .certificates = certificates, .signer = &read, .facts = &facts};
    require(X509_add_cert(certificates, certificate, X509_ADD_FLAG_UP_REF) == 1);
    require(attributes_read(signer, ATTRIBUTE_OF_SIGNATURE, &reading, &error) || error.kind == ERROR_PERMANENT);
    require_printable(error.text);
    error = (struct error){0};
    require(attributes_read(signer, ATTRIBUTE_OF_CERTIFICATE, &reading, &error) || error.kind == ERROR_PERMANENT);
    require_printable(error.text);
    X509_free(read.encryption);
}

/* Adds what one row of the table makes of the options. */
static void add_attribute(CMS_SignerInfo *signer, const char *oid, const struct sign_options *options)
{
    const struct signing signing = {.options = options};
    ASN1_STRING *value = NULL;
    struct error error = {0};
    require(attributes_find(oid)->add(&signing, &value, &error));
    if (value != NULL)
        require(CMS_signed_add1_attr_by_txt(signer, oid, ASN1_STRING_type(value), ASN1_STRING_get0_data(value),
                                            ASN1_STRING_length(value)) > 0);
    ASN1_STRING_free(value);
}

static void check_types(CMS_SignerInfo *signer, unsigned types)
{
    require(!(types & SIGNATURE_TYPE_ATTRIBUTES) || types == SIGNATURE_TYPE_ATTRIBUTES);
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(OID_SIGNATURE_TYPE, 1);
    require((CMS_signed_get_attr_by_OBJ(signer, oid, -1) >= 0) == (types != 0));
    require(CMS_unsigned_get_attr_by_OBJ(signer, oid, -1) < 0);
}

static bool same_ess(const struct ess *a, const struct ess *b)
{
    return strcmp(a->label.policy, b->label.policy) == 0 && a->label.classification == b->label.classification &&
           a->equivalent_count == b->equivalent_count && a->receipt_requested == b->receipt_requested &&
           a->ml_expansions == b->ml_expansions;
}

/* RFC 3183 §5, step 4: the list's attributes go on another signature. */
static void check_carried(CMS_SignerInfo *signer, const struct ess *ess)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_SignerInfo *other = new_signer(cms);
    struct error error = {0};
    struct signer_facts again;
    owned(carried_attributes) struct carried_attributes *carried = carried_attributes_of(signer);
    add_attribute(other, OID_SIGNATURE_TYPE, &(struct sign_options){.types = SIGNATURE_TYPE_DOMAIN});
    require(carried_attributes_add(other, carried, &error));
    require(read_attributes(other, &again) && same_ess(ess, &again.ess) && again.types == SIGNATURE_TYPE_DOMAIN);
}

static void check_made(const struct ess *ess)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_SignerInfo *signer = new_signer(cms);
    const struct sign_options options = {
        .label = ess->label.policy[0] != '\0' ? &ess->label : NULL,
        .equivalents = ess->equivalents,
        .equivalent_count = ess->equivalent_count,
    };
    struct signer_facts again;
    add_attribute(signer, OID_SECURITY_LABEL, &options);
    add_attribute(signer, OID_EQUIVALENT_LABELS, &options);
    require(read_attributes(signer, &again));
    require(strcmp(again.ess.label.policy, ess->label.policy) == 0 &&
            again.ess.label.classification == ess->label.classification);
    require(again.ess.equivalent_count == ess->equivalent_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signer_facts facts;
    if (size < 1 || size > 1 << 16)
        return 0;
    const unsigned char *at = data + 1, *end = data + size;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_SignerInfo *signer = new_signer(cms);
    require(signer != NULL);
    for (unsigned i = 0; at < end && i < 8; i++) {
        X509_ATTRIBUTE *attribute = d2i_X509_ATTRIBUTE(NULL, &at, end - at);
        if (attribute == NULL)
            break;
        if (data[0] & (1u << i))
            CMS_unsigned_add1_attr(signer, attribute);
        else
            CMS_signed_add1_attr(signer, attribute);
        X509_ATTRIBUTE_free(attribute);
    }
    ERR_clear_error();
    read_form(signer);
    if (read_attributes(signer, &facts)) {
        const struct ess *ess = &facts.ess;
        check_types(signer, facts.types);
        if (ess->label.policy[0] != '\0')
            check_label(&ess->label);
        require(ess->equivalent_count <= ESS_EQUIVALENTS_MAX);
        for (unsigned i = 0; i < ess->equivalent_count; i++)
            check_label(&ess->equivalents[i]);
        check_carried(signer, ess);
        check_made(ess);
    }
    require(ERR_peek_error() == 0);
    return 0;
}
