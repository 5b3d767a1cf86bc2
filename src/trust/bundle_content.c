/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_content: the forms are those of the Direct Project's guide to the distribution of trust bundles: PKCS #7 with
 * certificates only, and the same within a SignedData. The signer is known by its certificate and needs no path, as
 * there: its publisher is agreed on, and is not under one of its anchors.
 *
 * The signature of one signer is enough, so that a publisher who changes its key can sign with both for a while.
 */
#include "bundle_content.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define CLOCK_LEEWAY 3600    /* seconds by which a signer's clock may be fast */
#define SIGNERS_MAX 16       /* each has the whole content digested once more */
#define DIGEST_OCTETS_MIN 28 /* SHA-224; SHA-1 and MD5 are shorter */

void bundle_content_clear(struct bundle_content *content)
{
    sk_X509_pop_free(content->anchors, X509_free);
    *content = (struct bundle_content){0};
}

/* --- the signature --- */

/* The first block that may be a SignedData, of either name. */
static CMS_ContentInfo *parse_pem(struct slice contents)
{
    owned(BIO) BIO *file = BIO_new_mem_buf(contents.data, (int)contents.len);
    unsigned char *der = NULL;
    long length = 0;
    if (file == NULL || PEM_bytes_read_bio(&der, &length, NULL, PEM_STRING_CMS, file, NULL, NULL) != 1)
        return NULL;
    const unsigned char *at = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, length);
    OPENSSL_free(der);
    return cms;
}

/* NULL: it is not a SignedData with a content and a signature. */
static CMS_ContentInfo *parse_signed(struct slice contents)
{
    const unsigned char *at = (const unsigned char *)contents.data;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)contents.len);
    if (cms == NULL)
        cms = parse_pem(contents);
    bool is_signed_data = cms != NULL && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed;
    ASN1_OCTET_STRING **inside = is_signed_data ? CMS_get0_content(cms) : NULL;
    bool good = inside != NULL && *inside != NULL && sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0;
    ERR_clear_error();
    return good ? steal(&cms) : NULL;
}

bool bundle_content_is_signed(struct slice contents)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = contents.len <= BUNDLE_OCTETS_MAX ? parse_signed(contents) : NULL;
    return cms != NULL;
}

static const EVP_MD *digest_of(CMS_SignerInfo *info)
{
    const ASN1_OBJECT *oid = NULL;
    X509_ALGOR *algorithm = NULL;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &algorithm, NULL);
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    return EVP_get_digestbyobj(oid);
}

static bool signature_verifies(CMS_SignerInfo *info, const EVP_MD *digest, struct slice inside)
{
    owned(BIO) BIO *chain = BIO_new(BIO_s_null());
    BIO *filter = BIO_new(BIO_f_md());
    size_t written = 0;
    if (chain == NULL || filter == NULL || BIO_set_md(filter, digest) <= 0) {
        BIO_free(filter);
        return false;
    }
    chain = BIO_push(filter, steal(&chain));
    return BIO_write_ex(chain, inside.data, inside.len, &written) && written == inside.len &&
           (CMS_signed_get_attr_count(info) < 0 || CMS_SignerInfo_verify(info) == 1) &&
           CMS_SignerInfo_verify_content(info, chain) == 1;
}

/* Why a signature that is this signer's does not count; NULL: it does. */
static const char *refusal(CMS_SignerInfo *info, X509 *signer, struct slice inside, time_t at)
{
    const EVP_MD *digest = digest_of(info);
    if (!certificate_is_current(signer, at))
        return "the certificate of its signer has expired or is not yet valid";
    if ((X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
        return "the certificate of its signer does not allow signatures";
    if (digest == NULL || EVP_MD_get_size(digest) < DIGEST_OCTETS_MIN)
        return "its signature has a weak digest, or one that is not known";
    if (key_weakness(X509_get0_pubkey(signer)) != NULL)
        return "its signer's key is weak";
    CMS_SignerInfo_set1_signer_cert(info, signer);
    return signature_verifies(info, digest, inside) ? NULL : "its signature is bad";
}

static time_t signing_time(CMS_SignerInfo *info)
{
    struct tm parts = {0};
    int index = CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1);
    const ASN1_TYPE *value = index >= 0 ? X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(info, index), 0) : NULL;
    bool is_time = value != NULL && (value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME);
    return is_time && ASN1_TIME_to_tm(value->value.asn1_string, &parts) == 1 ? timegm(&parts) : 0;
}

static bool verify(CMS_ContentInfo *cms, const STACK_OF(X509) * signers, time_t at, time_t *signed_at,
                   struct error *error)
{
    const char *fault = "it is not signed by its signer";
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    const ASN1_OCTET_STRING *octets = *CMS_get0_content(cms);
    const struct slice inside = {(const char *)ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)};
    if (sk_CMS_SignerInfo_num(infos) > SIGNERS_MAX)
        return error_set(error, ERROR_PERMANENT, "it has more than %d signatures", SIGNERS_MAX);
    for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++)
        for (int j = 0; j < sk_X509_num(signers); j++) {
            CMS_SignerInfo *info = sk_CMS_SignerInfo_value(infos, i);
            if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(signers, j)) != 0)
                continue;
            fault = refusal(info, sk_X509_value(signers, j), inside, at);
            ERR_clear_error();
            if (fault != NULL)
                continue;
            *signed_at = signing_time(info);
            return *signed_at <= at + CLOCK_LEEWAY || error_set(error, ERROR_PERMANENT, "it is from the future");
        }
    return error_set(error, ERROR_PERMANENT, "%s", fault);
}

/* --- the anchors --- */

static bool check_anchors(STACK_OF(X509) * anchors, time_t at, struct error *error)
{
    int count = sk_X509_num(anchors), current = 0;
    if (count > BUNDLE_ANCHORS_MAX)
        return error_set(error, ERROR_PERMANENT, "it has more than %d certificates", BUNDLE_ANCHORS_MAX);
    for (int i = 0; i < count; i++) {
        X509 *anchor = sk_X509_value(anchors, i);
        bool is_authority = X509_check_ca(anchor) != 0 && (X509_get_extension_flags(anchor) & EXFLAG_INVALID) == 0;
        g_autofree char *subject = is_authority ? NULL : certificate_subject(anchor);
        ERR_clear_error();
        if (!is_authority)
            return error_set(error, ERROR_PERMANENT,
                             "it has the certificate \"%.120s\", which is not that of an authority", subject);
        current += certificate_is_current(anchor, at);
    }
    return current > 0 || error_set(error, ERROR_PERMANENT, "each of its certificates has expired or is not yet valid");
}

static bool read_anchors(struct slice contents, time_t at, struct bundle_content *content, struct error *error)
{
    if (bundle_content_is_signed(contents))
        return error_set(error, ERROR_PERMANENT, "it is signed; name its signer: { url = \"…\"; signer = \"…\"; }");
    content->anchors = certificates_parse(contents, NULL, error);
    if (content->anchors == NULL) {
        error->kind = error->kind == ERROR_TEMPORARY ? ERROR_TEMPORARY : ERROR_PERMANENT;
        return error_prefix(error, "the bundle");
    }
    return check_anchors(content->anchors, at, error);
}

static bool read_bundle(struct slice contents, const STACK_OF(X509) * signers, time_t at,
                        struct bundle_content *content, struct error *error)
{
    if (contents.len > BUNDLE_OCTETS_MAX)
        return error_set(error, ERROR_PERMANENT, "it is larger than %zu MiB", BUNDLE_OCTETS_MAX >> 20);
    if (sk_X509_num(signers) <= 0)
        return read_anchors(contents, at, content, error);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = parse_signed(contents);
    if (cms == NULL)
        return error_set(error, ERROR_PERMANENT, "it is not a signed bundle");
    if (!verify(cms, signers, at, &content->signed_at, error))
        return false;
    const ASN1_OCTET_STRING *inside = *CMS_get0_content(cms);
    return read_anchors((struct slice){(const char *)ASN1_STRING_get0_data(inside), (size_t)ASN1_STRING_length(inside)},
                        at, content, error);
}

bool bundle_content_read(struct slice contents, const STACK_OF(X509) * signers, time_t at,
                         struct bundle_content *content, struct error *error)
{
    *content = (struct bundle_content){0};
    if (read_bundle(contents, signers, at, content, error))
        return true;
    bundle_content_clear(content);
    return false;
}
