/* SPDX-License-Identifier: Apache-2.0 */
/*
 * originator_info: OriginatorInfo, who encrypted, by certificate (RFC 5652 §6.1), as RFC 3183 §5 asks of a
 * confidentiality authority that encrypts again. OpenSSL 3.0 has no call that puts one into an EnvelopedData it has
 * made, hence the template; frame.c puts it in its place. Anyone can put any certificate there, so one that arrives
 * proves nothing.
 */
#include "smime_private.h"

#include <openssl/asn1t.h>

struct originator_info {
    STACK_OF(X509) * certificates;
};

ASN1_SEQUENCE(ORIGINATOR_INFO) =
    {
        ASN1_IMP_SET_OF_OPT(struct originator_info, certificates, X509, 0),
} static_ASN1_SEQUENCE_END_name(struct originator_info, ORIGINATOR_INFO)

    /* originatorInfo [0] IMPLICIT OriginatorInfo */
    ASN1_ITEM_TEMPLATE(TAGGED_ORIGINATOR_INFO) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_IMPLICIT, 0, originator,
                                                                       ORIGINATOR_INFO)
        static_ASN1_ITEM_TEMPLATE_END(TAGGED_ORIGINATOR_INFO)

            static void borrowed_certificates_free(STACK_OF(X509) * list)
{
    sk_X509_free(list);
}

DECLARE_OWNED(borrowed_certificates, STACK_OF(X509) *, borrowed_certificates_free)

int originator_info_encode(X509 *certificate, unsigned char **der, struct error *error)
{
    owned(borrowed_certificates) STACK_OF(X509) *list = sk_X509_new_null();
    struct originator_info info = {.certificates = list};
    int length = -1;
    if (list != NULL && sk_X509_push(list, certificate) > 0)
        length = ASN1_item_i2d((const ASN1_VALUE *)&info, der, ASN1_ITEM_rptr(TAGGED_ORIGINATOR_INFO));
    if (length <= 0)
        error_set_openssl(error, ERROR_TEMPORARY, "originatorInfo");
    return length;
}
