/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addresses: every e-mail address in a certificate, from each of the three places where one can be: the subjectAltName
 * as rfc822Name (RFC 5280 §4.2.1.6) or SmtpUTF8Mailbox (RFC 8398), and the emailAddress attribute of the subject.
 *
 * All of them, for whoever compares only the first or the last can be shown another one by the certificate's maker.
 * What two programs could read differently (a NUL, a control character, bytes beyond the string type) is no address at
 * all and is reported as odd, so that the caller can refuse the certificate. Not for domain names (dNSName):
 * trust/role.c.
 */
#include "keys/keys.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static bool is_clean(const unsigned char *data, int length, bool utf8)
{
    if (data == NULL || length <= 0)
        return false;
    for (int i = 0; i < length; i++)
        if (data[i] < 0x20 || data[i] == 0x7f || (!utf8 && data[i] > 0x7f))
            return false;
    if (!utf8)
        return true;
    if (!g_utf8_validate((const char *)data, length, NULL))
        return false;
    const char *end = (const char *)data + length;
    for (const char *at = (const char *)data; at < end; at = g_utf8_next_char(at)) {
        GUnicodeType type = g_unichar_type(g_utf8_get_char(at));
        /* C1 controls, direction marks, line separators: what is shown would not be what is compared. */
        if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR ||
            type == G_UNICODE_PARAGRAPH_SEPARATOR)
            return false;
    }
    return true;
}

static void add(GPtrArray *list, const unsigned char *data, int length, bool utf8, bool *odd)
{
    if (is_clean(data, length, utf8))
        g_ptr_array_add(list, g_strndup((const char *)data, (gsize)length));
    else
        *odd = true;
}

static void add_string(GPtrArray *list, const ASN1_STRING *string, bool utf8, bool *odd)
{
    add(list, ASN1_STRING_get0_data(string), ASN1_STRING_length(string), utf8, odd);
}

static void add_other_name(GPtrArray *list, const GENERAL_NAME *name, bool *odd)
{
    ASN1_OBJECT *type = NULL;
    ASN1_TYPE *value = NULL;
    if (!GENERAL_NAME_get0_otherName(name, &type, &value) || OBJ_obj2nid(type) != NID_id_on_SmtpUTF8Mailbox)
        return;
    if (value == NULL || ASN1_TYPE_get(value) != V_ASN1_UTF8STRING)
        *odd = true;
    else
        add_string(list, value->value.utf8string, true, odd);
}

static void add_alternative_names(GPtrArray *list, const X509 *certificate, bool *odd)
{
    int found = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, NULL);
    if (names == NULL) {
        if (found != -1)
            *odd = true; /* it is there twice, or cannot be decoded */
        ERR_clear_error();
        return;
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_EMAIL)
            add_string(list, name->d.rfc822Name, false, odd);
        else if (name->type == GEN_OTHERNAME)
            add_other_name(list, name, odd);
    }
    GENERAL_NAMES_free(names);
}

static void add_subject_attributes(GPtrArray *list, const X509 *certificate, bool *odd)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;
    while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        unsigned char *text = NULL;
        int length = ASN1_STRING_to_UTF8(&text, value); /* seen as other string types too */
        add(list, text, length, false, odd);
        OPENSSL_free(text);
    }
    ERR_clear_error();
}

char **certificate_addresses(const X509 *certificate, bool *odd)
{
    GPtrArray *list = g_ptr_array_new();
    *odd = false;
    add_alternative_names(list, certificate, odd);
    add_subject_attributes(list, certificate, odd);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
