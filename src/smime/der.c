/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded values, as OpenSSL's encoders leave them and its attributes take them.
 */
#include "smime_private.h"

struct slice der_slice(const unsigned char *der, int length)
{
    return length > 0 ? (struct slice){(const char *)der, (size_t)length} : SLICE_NONE;
}

ASN1_STRING *der_string(int type, struct slice der, struct error *error)
{
    owned(ASN1_STRING) ASN1_STRING *string = ASN1_STRING_type_new(type);
    if (string == NULL || der.len == 0 || !ASN1_STRING_set(string, der.data, (int)der.len)) {
        error_set_openssl(error, ERROR_TEMPORARY, "encoding");
        return NULL;
    }
    return steal(&string);
}
