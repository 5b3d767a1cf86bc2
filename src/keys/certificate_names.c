/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_names: the names in a certificate: every e-mail address, from each of the three places where one can be
 * (the subjectAltName as rfc822Name, RFC 5280 §4.2.1.6, or SmtpUTF8Mailbox, RFC 9598, and the emailAddress attribute
 * of the subject), every dNSName, every common name, and the domain of its dc= components (RFC 2247).
 *
 * It returns all of them, because a certificate can show a different name to a program that compares only the first or
 * the last. A name that two programs could read differently (a NUL, a control character, bytes beyond the string type)
 * is not returned but reported as odd, so that the caller can refuse the certificate. trust/ decides what the names
 * are good for.
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
    if (list->len < CERTIFICATE_NAMES_MAX && is_clean(data, length, utf8))
        g_ptr_array_add(list, g_strndup((const char *)data, (gsize)length));
    else
        *odd = true;
}

static void add_string(GPtrArray *list, const ASN1_STRING *string, bool utf8, bool *odd)
{
    add(list, ASN1_STRING_get0_data(string), ASN1_STRING_length(string), utf8, odd);
}

static bool has_ascii_local_part(const unsigned char *mailbox, int length)
{
    for (int i = 0; i < length && mailbox[i] != '@'; i++)
        if (mailbox[i] > 0x7f)
            return false;
    return true;
}

/* RFC 9598 §3 (before it, RFC 8398 §3): an ASCII local part belongs in an rfc822Name and MUST NOT be here, where it
 * names no one; the certificate's other names count. The domain is compared octet by octet, so nothing is mapped to it
 * here. */
static void add_smtputf8_mailbox(GPtrArray *list, const ASN1_STRING *string, bool *odd)
{
    guint before = list->len;
    if (has_ascii_local_part(ASN1_STRING_get0_data(string), ASN1_STRING_length(string))) {
        *odd |= !is_clean(ASN1_STRING_get0_data(string), ASN1_STRING_length(string), true);
        return;
    }
    add_string(list, string, true, odd);
    const char *at = list->len > before ? strrchr(g_ptr_array_index(list, before), '@') : NULL;
    if (at != NULL && !domain_is_proper(at + 1))
        *odd = true;
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
        add_smtputf8_mailbox(list, value->value.utf8string, odd);
}

/* form: GEN_EMAIL (with SmtpUTF8Mailbox) or GEN_DNS. */
static void add_alternative_names(GPtrArray *list, const X509 *certificate, int form, bool *odd)
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
        if (name->type == form) /* both are IA5String */
            add_string(list, name->d.ia5, false, odd);
        else if (name->type == GEN_OTHERNAME && form == GEN_EMAIL)
            add_other_name(list, name, odd);
    }
    GENERAL_NAMES_free(names);
}

static void add_value(GPtrArray *list, const X509_NAME_ENTRY *entry, bool utf8, bool *odd)
{
    unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry)); /* they come as any string type */
    add(list, text, length, utf8, odd);
    OPENSSL_free(text);
    ERR_clear_error();
}

static void add_subject_attributes(GPtrArray *list, const X509 *certificate, int nid, bool utf8, bool *odd)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;
    while ((at = X509_NAME_get_index_by_NID(subject, nid, at)) >= 0)
        add_value(list, X509_NAME_get_entry(subject, at), utf8, odd);
}

static char **finish(GPtrArray *list)
{
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

char **certificate_addresses(const X509 *certificate, bool *odd)
{
    GPtrArray *list = g_ptr_array_new();
    *odd = false;
    add_alternative_names(list, certificate, GEN_EMAIL, odd);
    add_subject_attributes(list, certificate, NID_pkcs9_emailAddress, false, odd);
    return finish(list);
}

char **certificate_san_addresses(const X509 *certificate, bool *odd)
{
    GPtrArray *list = g_ptr_array_new();
    *odd = false;
    add_alternative_names(list, certificate, GEN_EMAIL, odd);
    return finish(list);
}

unsigned certificate_name_count(const X509 *certificate)
{
    unsigned addresses = 0, hosts = 0, common = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    const X509_NAME *subject = X509_get_subject_name(certificate);
    ERR_clear_error();
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;
        addresses += type == GEN_EMAIL || type == GEN_OTHERNAME;
        hosts += type == GEN_DNS;
    }
    GENERAL_NAMES_free(names);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0;)
        addresses++;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
        common++;
    return MAX(MAX(addresses, hosts), common);
}

bool certificate_address_parse(const char *text, struct address *address)
{
    struct error ignored = {0};
    *address = (struct address){0};
    /* In an envelope "<a@b>" and "" are fine, in a certificate they are not. */
    if (strchr(text, '@') == NULL || text[0] == '<' || !address_parse(slice_of(text), address, &ignored))
        return false;
    if (address->local[0] != '\0' && address->domain[0] != '\0')
        return true;
    address_clear(address);
    return false;
}

char **certificate_dns_names(const X509 *certificate, bool *odd)
{
    GPtrArray *list = g_ptr_array_new();
    *odd = false;
    add_alternative_names(list, certificate, GEN_DNS, odd);
    return finish(list);
}

char **certificate_common_names(const X509 *certificate, bool *odd)
{
    GPtrArray *list = g_ptr_array_new();
    *odd = false;
    add_subject_attributes(list, certificate, NID_commonName, true, odd);
    return finish(list);
}

/* The encoding begins with the most significant component (RFC 2247 §2): DC=test, DC=acme is acme.test. */
char *certificate_dc_domain(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
    bool odd = false;
    int at = -1, before = -1;
    while ((at = X509_NAME_get_index_by_NID(subject, NID_domainComponent, at)) >= 0) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, at);
        /* Two in one RDN have no order, and two with another attribute between them are no one name. */
        if (before >= 0 && (at != before + 1 ||
                            X509_NAME_ENTRY_set(entry) == X509_NAME_ENTRY_set(X509_NAME_get_entry(subject, before))))
            return NULL;
        add_value(labels, entry, true, &odd);
        before = at;
    }
    g_autoptr(GString) domain = g_string_new(NULL);
    for (guint i = labels->len; i > 0 && !odd; i--) {
        const char *label = g_ptr_array_index(labels, i - 1);
        if (strchr(label, '.') != NULL)
            return NULL;
        g_string_append_printf(domain, "%s%s", domain->len > 0 ? "." : "", label);
    }
    return odd ? NULL : domain_normalise(domain->str);
}
