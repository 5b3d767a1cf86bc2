/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_source: checks the values that say where certificates are looked for: the sources, the servers of directories
 * and of the DNS.
 */
#include "option.h"
#include "words.h"

#include "base/distance.h"

#include <string.h>

/* The known names are those of the default. */
char *convert_source(const char *text, const struct place *place)
{
    g_auto(GStrv) names = g_strsplit(SOURCES_DEFAULT, " ", -1);
    if (g_strv_contains((const char *const *)names, text))
        return g_strdup(text);
    const char *nearest = NULL;
    unsigned least = distance_limit(text);
    for (char **name = names; *name != NULL; name++) {
        unsigned distance = distance_between(text, *name);
        if (distance < least) {
            least = distance;
            nearest = *name;
        }
    }
    g_autofree char *known = g_strjoinv("\", \"", names);
    if (nearest != NULL)
        place_fault(place, "\"%s\": unknown source \"%s\", did you mean \"%s\"?", place->key, text, nearest);
    else
        place_fault(place, "\"%s\": \"%s\" is not one of \"%s\"", place->key, text, known);
    return NULL;
}

char *convert_ldap_domain(const char *text, const struct place *place)
{
    return strcmp(text, "*") == 0 ? g_strdup(text) : convert_domain(text, place);
}

char *convert_ldap_uri(const char *text, const struct place *place)
{
    g_autofree char *scheme = NULL, *host = NULL, *path = NULL, *query = NULL, *user = NULL;
    if (strcmp(text, "srv:") == 0)
        return g_strdup(text);
    bool good = g_uri_split(text, G_URI_FLAGS_NONE, &scheme, &user, &host, NULL, &path, &query, NULL, NULL) &&
                scheme != NULL && (strcmp(scheme, "ldap") == 0 || strcmp(scheme, "ldaps") == 0) && host != NULL &&
                host[0] != '\0' && user == NULL;
    if (!good)
        place_fault(place, "\"%s\": \"%s\" is not a server such as \"ldaps://dir.partner.test\", and not \"srv:\"",
                    place->key, text);
    else if (query != NULL || strlen(path) > 1)
        place_fault(place, "\"%s\": \"%s\" names more than a server; write the entry to search below as \"base\"",
                    place->key, text);
    else if (!g_hostname_is_ip_address(host) && strcmp(host, "localhost") != 0 && !domain_is_proper(host))
        place_fault(place, "\"%s\": \"%s\" is not the name or the address of a host", place->key, host);
    else
        return g_strdup(text);
    return NULL;
}

static bool is_server(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "@", 2);
    guint64 port = 53;
    return parts[0] != NULL && g_hostname_is_ip_address(parts[0]) &&
           (parts[1] == NULL || g_ascii_string_to_unsigned(parts[1], 10, 1, 65535, &port, NULL));
}

char *convert_resolver(const char *text, const struct place *place)
{
    if (strcmp(text, DNS_RESOLVER_SYSTEM) == 0 || strcmp(text, DNS_RESOLVER_ROOT) == 0 || is_server(text))
        return g_strdup(text);
    place_fault(place,
                "\"%s\": \"%s\" is not an IP address; write \"192.0.2.1\", \"192.0.2.1@5353\", \"system\" or \"root\"",
                place->key, text);
    return NULL;
}

char *convert_dns_record(const char *text, const struct place *place)
{
    if (strcmp(text, "smimea") == 0 || strcmp(text, "cert") == 0)
        return g_strdup(text);
    place_fault(place, "\"%s\": \"%s\" is not one of \"smimea\", \"cert\"", place->key, text);
    return NULL;
}
