/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: converts a socket in libmilter's form, or in the form of Postfix's smtpd_milters, to libmilter's form, so
 * that an administrator can use the same text on both sides. It does not open the socket.
 */
#include "option.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool is_port(const char *text)
{
    return g_ascii_string_to_unsigned(text, 10, 1, 65535, NULL, NULL);
}

static bool is_host(const char *text)
{
    return text[0] != '\0' &&
           strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-_") == strlen(text);
}

static char *convert_local(const char *path, const struct place *place)
{
    if (path[0] == '\0') {
        place_fault(place, "\"%s\": the path of the socket is missing", place->key);
        return NULL;
    }
    g_autofree char *absolute = convert_path(path, place);
    if (strlen(absolute) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        place_fault(place, "\"%s\": the path %s is too long for a socket", place->key, absolute);
        return NULL;
    }
    return g_strconcat("local:", absolute, NULL);
}

/* libmilter: port@host or port. Postfix: host:port, [host]:port. NULL if it has neither form. */
static char *convert_inet(const char *family, const char *rest)
{
    g_autofree char *copy = g_strdup(rest);
    char *port = copy, *host = strchr(copy, '@');
    if (host == NULL && !is_port(copy)) {
        host = copy;
        port = strrchr(copy, ':');
        if (port == NULL)
            return NULL;
        *port++ = '\0';
    } else if (host != NULL) {
        *host++ = '\0';
    }
    if (!is_port(port))
        return NULL;
    if (host == NULL)
        return g_strdup_printf("%s:%s", family, port);
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        host++;
        family = "inet6";
    }
    return is_host(host) ? g_strdup_printf("%s:%s@%s", strchr(host, ':') != NULL ? "inet6" : family, port, host) : NULL;
}

char *convert_listen(const char *text, const struct place *place)
{
    const char *rest = strchr(text, ':');
    g_autofree char *family = rest == NULL ? NULL : g_ascii_strdown(text, rest - text);
    char *listen = NULL;
    if (text[0] == '/')
        return convert_local(text, place);
    if (family != NULL && (strcmp(family, "unix") == 0 || strcmp(family, "local") == 0))
        return convert_local(rest + 1, place);
    if (family != NULL && (strcmp(family, "inet") == 0 || strcmp(family, "inet6") == 0))
        listen = convert_inet(family, rest + 1);
    if (listen == NULL)
        place_fault(place,
                    "\"%s\": \"%s\" is not a socket such as \"inet:8891@127.0.0.1\" or \"local:/run/domsec/socket\"",
                    place->key, text);
    return listen;
}
