/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain: the form in which all layers compare mail domains: A-labels in lower case, without a final dot.
 *
 * This file checks and lowers a domain in ASCII, which is nearly every one. libidn2 converts all others, and every
 * label that claims to be an A-label (IDNA 2008 with the UTS #46 mapping, which also folds case and full-width forms).
 * Its result is checked like any other input, because its mapping can yield characters that are not allowed in a host
 * name. An underscore is accepted, because mail domains with one exist. Address literals ("[192.0.2.1]") are not
 * domains.
 */
#include "base/domain.h"

#include "base/bytes.h"
#include "base/cleanup.h"

#include <idn2.h>
#include <string.h>

#define DOMAIN_MAX 253 /* RFC 1035 §3.1: 255 octets on the wire */
#define LABEL_MAX 63
#define INPUT_MAX 1024 /* U-labels are longer in UTF-8 than their A-labels, but never by as much as this. */

/* RFC 5890 §2.3.1, and the underscore. */
static bool is_label(const char *label, size_t length)
{
    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    return true;
}

static bool is_domain(const char *domain)
{
    if (strlen(domain) > DOMAIN_MAX)
        return false;
    for (;;) {
        size_t length = strcspn(domain, ".");
        if (!is_label(domain, length))
            return false;
        if (domain[length] == '\0')
            return true;
        domain += length + 1;
    }
}

static bool needs_idna(const char *domain)
{
    bool at_start = true;
    for (; *domain != '\0'; domain++) {
        if (!g_ascii_isprint(*domain) || (at_start && g_ascii_strncasecmp(domain, "xn--", 4) == 0))
            return true;
        at_start = *domain == '.';
    }
    return false;
}

static char *without_final_dot(const char *domain, size_t length)
{
    if (length > 0 && domain[length - 1] == '.')
        length--;
    return g_ascii_strdown(domain, (gssize)length);
}

char *domain_normalise(const char *domain)
{
    if (domain == NULL)
        return NULL;
    size_t length = strnlen(domain, INPUT_MAX + 1);
    if (length == 0 || length > INPUT_MAX)
        return NULL;
    g_autofree char *result = NULL;
    if (needs_idna(domain)) {
        uint8_t *ascii = NULL;
        if (idn2_lookup_u8((const uint8_t *)domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
            return NULL;
        result = without_final_dot((const char *)ascii, strlen((const char *)ascii));
        idn2_free(ascii);
    } else {
        result = without_final_dot(domain, length);
    }
    return is_domain(result) ? steal(&result) : NULL;
}

char *domain_of_mail(const char *text)
{
    g_autofree char *domain = domain_normalise(text);
    return domain != NULL && !g_hostname_is_ip_address(domain) ? steal(&domain) : NULL;
}

bool domain_is_proper(const char *domain)
{
    g_autofree char *ascii = domain_normalise(domain);
    if (ascii == NULL || !needs_idna(domain) || g_ascii_strcasecmp(ascii, domain) == 0)
        return ascii != NULL;
    char *unicode = NULL;
    bool proper = idn2_to_unicode_8z8z(ascii, &unicode, 0) == IDN2_OK && g_ascii_strcasecmp(unicode, domain) == 0;
    idn2_free(unicode);
    return proper;
}

bool domain_is_within(const char *child, const char *parent)
{
    size_t child_length = strlen(child), parent_length = strlen(parent);
    if (parent_length == 0 || child_length < parent_length)
        return false;
    size_t start = child_length - parent_length;
    return strcmp(child + start, parent) == 0 && (start == 0 || child[start - 1] == '.');
}

bool host_is_loopback(const char *host)
{
    return g_ascii_strcasecmp(host, "localhost") == 0 || text_begins_with(host, "127.") || strcmp(host, "::1") == 0;
}
