/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: one mailbox of an envelope, split and normalised.
 *
 * The grammar is RFC 5321 §4.1.2 with RFC 6531 §3.3 (UTF-8). It is strict where the beginning of the domain is
 * decided, and lenient in one respect that occurs in real mail and cannot be misread: dots at odd places of a local
 * part. Local parts are kept unchanged, including their Unicode form (RFC 6531 §3.3 leaves it to the receiving
 * system). addresses.c parses header fields, which have comments and display names.
 */
#include "base/address.h"

#include "base/domain.h"

#include <arpa/inet.h>
#include <string.h>

/* RFC 5321 §4.5.3.1.3 has 256 for a path; forwarders (SRS, VERP) go beyond. */
#define ADDRESS_MAX 512

static bool is_atext(char c)
{
    return g_ascii_isalnum(c) || (guchar)c >= 0x80 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool fault(struct error *error, struct slice text, const char *why)
{
    char shown[200];
    text_printable(shown, sizeof(shown), text.data, text.len);
    return error_set(error, ERROR_PERMANENT, "address \"%s\": %s", shown, why);
}

/* Unquotes the local part at the start of *rest into local; *rest moves past it. Returns NULL, or why it cannot be
 * parsed. */
static const char *take_quoted(struct slice *rest, GString *local)
{
    size_t at = 1;
    while (at < rest->len && rest->data[at] != '"') {
        if (rest->data[at] == '\\' && ++at >= rest->len)
            break;
        g_string_append_c(local, rest->data[at++]);
    }
    if (at >= rest->len)
        return "the quoted string does not end";
    *rest = (struct slice){rest->data + at + 1, rest->len - at - 1};
    return NULL;
}

static const char *take_local(struct slice *rest, GString *local)
{
    if (rest->len > 0 && rest->data[0] == '"')
        return take_quoted(rest, local);
    size_t at = 0;
    while (at < rest->len && (is_atext(rest->data[at]) || rest->data[at] == '.'))
        at++;
    if (at == 0)
        return "there is no local part";
    g_string_append_len(local, rest->data, (gssize)at);
    *rest = (struct slice){rest->data + at, rest->len - at};
    return NULL;
}

/* "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3) in their canonical form; NULL for other literals. */
static char *literal_normalise(const char *domain)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    size_t length = strlen(domain);
    if (length < 3 || domain[length - 1] != ']')
        return NULL;
    g_autofree char *inside = g_strndup(domain + 1, length - 2);
    bool is_ipv6 = g_ascii_strncasecmp(inside, "IPv6:", 5) == 0;
    int family = is_ipv6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, inside + (is_ipv6 ? 5 : 0), &binary) != 1 ||
        inet_ntop(family, &binary, text, sizeof(text)) == NULL)
        return NULL;
    return g_strdup_printf("[%s%s]", is_ipv6 ? "ipv6:" : "", text);
}

static char *make_text(const char *local, const char *domain)
{
    const char *at = local, *separator = *domain != '\0' ? "@" : "";
    while (is_atext(*at) || (*at == '.' && at != local && is_atext(at[1])))
        at++;
    if (*at == '\0' && at != local)
        return g_strconcat(local, separator, domain, NULL);
    GString *text = g_string_new("\"");
    for (at = local; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *at);
    }
    g_string_append_printf(text, "\"%s%s", separator, domain);
    return g_string_free(text, FALSE);
}

static char *normalise(const char *domain)
{
    return domain[0] == '[' ? literal_normalise(domain) : domain_normalise(domain);
}

/* Takes the source route at the start of *rest, "@a.test,@b.test:". Returns NULL, or why it cannot be parsed. */
static const char *take_route(struct slice *rest, char **route)
{
    const char *end = memchr(rest->data, ':', rest->len);
    if (end == NULL)
        return "there is no local part";
    g_autofree char *text = g_strndup(rest->data, (gsize)(end - rest->data));
    g_auto(GStrv) hosts = g_strsplit(text, ",", -1);
    for (char **host = hosts; *host != NULL; host++) {
        char *domain = (*host)[0] == '@' ? normalise(*host + 1) : NULL;
        if (domain == NULL)
            return "its source route is not valid";
        g_free(*host);
        *host = domain;
    }
    *route = g_strjoinv(",", hosts);
    *rest = (struct slice){end + 1, (size_t)(rest->data + rest->len - end - 1)};
    return NULL;
}

/* NULL, or why these bytes cannot form an address in any order. */
static const char *odd_bytes(struct slice text)
{
    if (text.len > ADDRESS_MAX)
        return "it is too long";
    for (size_t i = 0; i < text.len; i++) {
        if (g_ascii_iscntrl(text.data[i]))
            return "it contains a control character";
    }
    if (!g_utf8_validate_len(text.data, text.len, NULL))
        return "it is not UTF-8";
    for (const char *at = text.data; at < text.data + text.len; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c >= 0x80 && (g_unichar_iscntrl(c) || g_unichar_isspace(c)))
            return "it contains a control character or odd white space";
    }
    return NULL;
}

/* With is_path, a source route and a local part alone are valid. */
static bool parse(struct slice text, bool is_path, struct address *address, struct error *error)
{
    struct slice rest = text;
    g_autoptr(GString) local = g_string_new(NULL);
    g_autofree char *route = NULL;

    *address = (struct address){0};
    const char *why = text.len > 0 ? odd_bytes(text) : NULL;
    if (why != NULL)
        return fault(error, text, why);
    if (rest.len > 0 && rest.data[0] == '<') {
        if (rest.len < 2 || rest.data[rest.len - 1] != '>')
            return fault(error, text, "\"<\" without \">\"");
        rest = (struct slice){rest.data + 1, rest.len - 2};
    }
    if (rest.len == 0) {
        *address = (struct address){g_strdup(""), g_strdup(""), g_strdup("")};
        return true;
    }
    if (is_path && rest.data[0] == '@')
        why = take_route(&rest, &route);
    if (why == NULL)
        why = take_local(&rest, local);
    if (why != NULL)
        return fault(error, text, why);
    if (rest.len == 0 && (!is_path || route != NULL))
        return fault(error, text, "it has no domain");
    if (rest.len > 0 && rest.data[0] != '@')
        return fault(error, text, "\"@\" is expected after the local part");
    g_autofree char *given = rest.len > 0 ? g_strndup(rest.data + 1, rest.len - 1) : NULL;
    char *domain = given != NULL ? normalise(given) : g_strdup("");
    if (domain == NULL)
        return fault(error, text, "its domain is not valid");
    *address = (struct address){g_strdup(local->str), domain, make_text(local->str, domain), steal(&route)};
    return true;
}

bool address_parse(struct slice text, struct address *address, struct error *error)
{
    return parse(text, false, address, error);
}

bool address_parse_path(struct slice text, struct address *address, struct error *error)
{
    return parse(text, true, address, error);
}

void address_clear(struct address *address)
{
    g_free(address->local);
    g_free(address->domain);
    g_free(address->text);
    g_free(address->route);
    *address = (struct address){0};
}

bool address_equal(const struct address *a, const struct address *b)
{
    return g_ascii_strcasecmp(a->local, b->local) == 0 && strcmp(a->domain, b->domain) == 0;
}

char *address_key(const struct address *address)
{
    return g_ascii_strdown(address->text, -1);
}
