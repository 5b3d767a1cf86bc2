/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers_ldif: certificates in what a directory exports (RFC 2849). libldap unfolds the lines and decodes the values.
 * Its ldif_read_record() is not used, because that opens other files where the text says so.
 */
#include "offers.h"

#include <ldap.h>
#include <ldif.h>
#include <string.h>

/* The first line that is no comment. */
bool offers_is_ldif(struct slice contents)
{
    const char *at = contents.data, *end = contents.data + contents.len;
    while (at < end && (*at == '#' || *at == '\r' || *at == '\n')) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        at = line_end != NULL ? line_end + 1 : end;
    }
    size_t left = (size_t)(end - at);
    return (left >= strlen("dn:") && g_ascii_strncasecmp(at, "dn:", strlen("dn:")) == 0) ||
           (left >= strlen("version:") && g_ascii_strncasecmp(at, "version:", strlen("version:")) == 0);
}

/* Without its options, such as ";binary". */
static bool is_attribute(struct slice type, const char *name)
{
    const char *options = memchr(type.data, ';', type.len);
    size_t length = options != NULL ? (size_t)(options - type.data) : type.len;
    return length == strlen(name) && g_ascii_strncasecmp(type.data, name, length) == 0;
}

static void add_value(struct offers *offers, const struct berval *value, const char *name)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *list =
        certificates_parse((struct slice){value->bv_val, value->bv_len}, NULL, &error);
    for (int i = 0; i < sk_X509_num(list); i++)
        offers_add(offers, sk_X509_value(list, i), "of %s", name);
    if (list == NULL)
        offers_leave_out(offers, "a value of %s: %s", name, error.text);
}

/* libldap would open the URL of "type:< URL" itself. */
static bool names_file(const char *line)
{
    const char *colon = strchr(line, ':');
    return colon != NULL && colon[1] == '<';
}

static void read_line(struct offers *offers, char *line, char **name)
{
    struct slice type = {line, strcspn(line, ":")};
    bool is_name = is_attribute(type, "dn");
    if (!is_name && !is_attribute(type, "userCertificate") && !is_attribute(type, "userSMIMECertificate"))
        return;
    if (names_file(line)) {
        offers_leave_out(offers, "a value of %s: it is in another file, which is not read", *name);
        return;
    }
    struct berval parsed, value;
    int is_copy = 0;
    if (ldif_parse_line2(line, &parsed, &value, &is_copy) != 0) {
        offers_leave_out(offers, "a value of %s: it cannot be decoded", *name);
        return;
    }
    if (is_name) {
        g_free(*name);
        *name = g_strndup(value.bv_val, value.bv_len);
    } else {
        add_value(offers, &value, *name);
    }
    if (is_copy)
        ber_memfree(value.bv_val);
}

bool offers_read_ldif(struct offers *offers, char *contents, size_t length, struct error *error)
{
    g_autofree char *name = g_strdup("an entry without a name");
    if (memchr(contents, '\0', length) != NULL)
        return error_set(error, ERROR_PERMANENT, "LDIF with a NUL");
    for (char *next = contents; next != NULL && *next != '\0';) {
        char *line = ldif_getline(&next);
        if (line != NULL)
            read_line(offers, line, &name);
        while (next != NULL && (*next == '\n' || *next == '\r')) /* between two entries */
            next++;
    }
    return offers_count(offers) > 0 ||
           error_set(error, ERROR_PERMANENT, "LDIF without userCertificate or userSMIMECertificate");
}
