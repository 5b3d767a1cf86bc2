/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mention: is a domain's name anywhere in a field that cannot be read? What one parser gives up on, another shows to its
 * user, and mail that seems to come from a domain is to be treated as if it did. Errs on the side of finding the name.
 * Not for reading addresses: addresses.c.
 */
#include "conf/conf.h"
#include "mail/address.h"

#include <gmime/gmime.h>
#include <string.h>

/* The text without what parsers pass over: white space, control characters, quotes, backslashes and, if asked, comments. */
static char *squash(const char *text, bool without_comments)
{
    GString *out = g_string_new(NULL);
    size_t depth = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '(' && without_comments)
            depth++;
        else if (*c == ')' && depth > 0)
            depth--;
        else if (depth == 0 && (guchar)*c > ' ' && *c != 0x7f && strchr("\"\\()", *c) == NULL)
            g_string_append_c(out, g_ascii_tolower(*c));
    }
    return g_string_free(out, FALSE);
}

/* As its letters stand there, or in another form of the same name (U-labels, full width) behind an "@". */
static bool holds(const char *squashed, const char *domain)
{
    if (strstr(squashed, domain) != NULL)
        return true;
    for (const char *at = strchr(squashed, '@'); at != NULL; at = strchr(at + 1, '@')) {
        g_autofree char *word = g_strndup(at + 1, strcspn(at + 1, "@<>,;:[]="));
        g_autofree char *normal = domain_normalise(word);
        if (normal != NULL && domain_is_within(normal, domain))
            return true;
    }
    return false;
}

static bool text_mentions(const char *text, const char *domain)
{
    g_autofree char *with = squash(text, false);
    g_autofree char *without = squash(text, true);
    return holds(with, domain) || holds(without, domain);
}

bool addresses_mention(struct slice field_value, const char *domain)
{
    g_autofree char *text = g_strndup(field_value.data, field_value.len);
    if (field_value.len == 0)
        return false;
    memcpy(text, field_value.data, field_value.len); /* g_strndup() stops at a NUL */
    for (size_t i = 0; i < field_value.len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    g_autofree char *decoded = g_mime_utils_header_decode_text(NULL, text);
    return text_mentions(text, domain) || (decoded != NULL && text_mentions(decoded, domain));
}
