/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_attributes: any bytes as the attributes of a SignerInfo: SignatureType, ESS labels and histories. Nothing that
 * is not among the signed ones counts, what was read is printable and in range, and what is kept for another signature
 * says the same there.
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
    char number[16];
    require(label->policy[0] != '\0' && strspn(label->policy, "0123456789.") == strlen(label->policy));
    require(label->classification >= -1 && label->classification <= 256);
    require_printable(label->privacy_mark);
    if (label->classification >= 0)
        require(classification_parse(classification_name(label->classification, number)) == label->classification);
}

static void check_types(CMS_SignerInfo *signer)
{
    struct error error = {0};
    unsigned types = 0;
    if (!attributes_get_type(signer, &types, &error)) {
        require(error.kind == ERROR_PERMANENT);
        require_printable(error.text);
        return;
    }
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
static void check_kept(CMS_SignerInfo *signer, const struct ess *ess)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_SignerInfo *other = new_signer(cms);
    struct error error = {0};
    struct ess again;
    unsigned types;
    owned(ess_attributes) struct ess_attributes *kept = ess_attributes_keep(signer);
    require(attributes_add_type(other, SIGNATURE_TYPE_DOMAIN, &error));
    if (!ess_attributes_add(other, kept, &error))
        abort();
    require(ess_read(other, &again, &error) && same_ess(ess, &again));
    require(attributes_get_type(other, &types, &error) && types == SIGNATURE_TYPE_DOMAIN);
}

static void check_made(const struct ess *ess)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_SignerInfo *signer = new_signer(cms);
    struct error error = {0};
    struct ess again;
    if (ess->label.policy[0] != '\0')
        require(ess_add_label(signer, &ess->label, &error));
    if (ess->equivalent_count > 0)
        require(ess_add_equivalents(signer, ess->equivalents, ess->equivalent_count, &error));
    require(ess_read(signer, &again, &error));
    require(strcmp(again.label.policy, ess->label.policy) == 0 &&
            again.label.classification == ess->label.classification);
    require(again.equivalent_count == ess->equivalent_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct ess ess;
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
    check_types(signer);
    if (ess_read(signer, &ess, &error)) {
        if (ess.label.policy[0] != '\0')
            check_label(&ess.label);
        require(ess.equivalent_count <= ESS_EQUIVALENTS_MAX);
        for (unsigned i = 0; i < ess.equivalent_count; i++)
            check_label(&ess.equivalents[i]);
        check_kept(signer, &ess);
        check_made(&ess);
    } else {
        require(error.kind == ERROR_PERMANENT);
        require_printable(error.text);
    }
    require(ERR_peek_error() == 0);
    return 0;
}
