/* SPDX-License-Identifier: Apache-2.0 */
#include "support/publisher.h"

#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

GByteArray *publisher_octets(BIO *bio)
{
    char *data = NULL;
    long length = BIO_get_mem_data(bio, &data);
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)data, (guint)length);
    return bytes;
}

GByteArray *publisher_pack(enum publisher_form form, ...)
{
    owned(BIO) BIO *bio = BIO_new(BIO_s_mem());
    PKCS7 *bundle = PKCS7_new();
    X509 *certificate;
    va_list list;
    cr_assert(PKCS7_set_type(bundle, NID_pkcs7_signed) == 1 && PKCS7_content_new(bundle, NID_pkcs7_data) == 1);
    PKCS7_set_detached(bundle, 1);
    va_start(list, form);
    while ((certificate = va_arg(list, X509 *)) != NULL)
        cr_assert(form == PUBLISHER_CERTIFICATES ? PEM_write_bio_X509(bio, certificate) == 1
                                                 : PKCS7_add_certificate(bundle, certificate) == 1);
    va_end(list);
    if (form == PUBLISHER_DER)
        cr_assert(i2d_PKCS7_bio(bio, bundle) == 1);
    else if (form == PUBLISHER_PEM)
        cr_assert(PEM_write_bio_PKCS7(bio, bundle) == 1);
    PKCS7_free(bundle);
    return publisher_octets(bio);
}

static void add_signer(CMS_ContentInfo *cms, const struct pki *signer, const struct publisher_seal *seal)
{
    const EVP_MD *digest = EVP_get_digestbyname(seal->digest != NULL ? seal->digest : "SHA256");
    bool is_again = signer == seal->signer && sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0;
    unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | (seal->at == -1 ? CMS_NOATTR : 0) | (is_again ? CMS_NOCERTS : 0);
    CMS_SignerInfo *info = CMS_add1_signer(cms, signer->cert, signer->key, digest, flags);
    cr_assert_not_null(info);
    if (seal->at <= 0)
        return;
    ASN1_TIME *at = ASN1_TIME_set(NULL, seal->at);
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, at->type, at, -1) == 1);
    ASN1_TIME_free(at);
}

GByteArray *publisher_sign(const GByteArray *content, const struct publisher_seal *seal)
{
    owned(BIO) BIO *in = BIO_new_mem_buf(content->data, (int)content->len), *out = BIO_new(BIO_s_mem());
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    cr_assert_not_null(cms);
    owned(ASN1_OBJECT) ASN1_OBJECT *type = seal->type != NULL ? OBJ_txt2obj(seal->type, 1) : NULL;
    cr_assert(type == NULL || CMS_set1_eContentType(cms, type) == 1);
    add_signer(cms, seal->signer, seal);
    for (unsigned i = 0; i < seal->more; i++)
        add_signer(cms, seal->signer, seal);
    if (seal->second != NULL)
        add_signer(cms, seal->second, seal);
    cr_assert(CMS_final(cms, in, NULL, CMS_BINARY) == 1);
    cr_assert(i2d_CMS_bio(out, cms) == 1);
    GByteArray *der = publisher_octets(out);
    if (!seal->as_pem)
        return der;
    (void)BIO_reset(out);
    cr_assert(PEM_write_bio(out, PEM_STRING_CMS, "", der->data, (long)der->len) > 0);
    g_byte_array_unref(der);
    return publisher_octets(out);
}

void publisher_write(const char *folder, const char *name, const GByteArray *bundle)
{
    g_autofree char *file = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(file, (const char *)bundle->data, bundle->len, NULL));
}
