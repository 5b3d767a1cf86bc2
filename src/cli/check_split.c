/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_split: follows a sealed message: milter_header_checks names a transport, that leads to a listener, and there
 * the gateway opens it. Where the way ends, recipients get a sealed message that they cannot read, or the queue keeps
 * it: a fault. Options that main.cf's other settings make necessary are compared with what init prints: a warning.
 */
#include "check_split.h"

#include "base/bytes.h"
#include "base/domain.h"
#include "split_lines.h"

#include <glib.h>
#include <string.h>

struct way {
    const struct conf *conf;
    const struct postfix *postfix;
    struct faults *faults;
    char *main, *master;
};

static const struct postfix_service *find_service(const struct way *way, const char *name, const char *type)
{
    g_autofree char *key = g_strconcat(name, "/", type, NULL);
    for (size_t i = 0; i < way->postfix->service_count; i++)
        if (g_str_equal(way->postfix->services[i].key, key))
            return &way->postfix->services[i];
    return NULL;
}

/* The options as one word, so that a blank more or less is no difference. */
static bool is_same_value(const char *one, const char *other)
{
    g_autofree char *a = g_strdelimit(g_strdup(one), " \t", ','), *b = g_strdelimit(g_strdup(other), " \t", ',');
    return g_str_equal(a, b);
}

static void check_options(const struct way *way, const struct postfix_service *service,
                          const struct split_option *options)
{
    for (; options->name != NULL; options++) {
        const char *value = postfix_value(way->postfix, service, options->name);
        if (options->otherwise == NULL || is_same_value(value, options->value))
            continue;
        /* Versions without the parameter need no option for it. */
        bool is_known = g_hash_table_contains(way->postfix->main, options->name);
        bool is_off = *value == '\0' && (g_str_equal(options->value, "none") || g_str_equal(options->value, "no"));
        if (is_known && !is_off)
            faults_warn(way->faults, way->master, 0, "%s: %s is \"%s\": %s; add -o %s=%s", service->key, options->name,
                        value, options->otherwise, options->name, options->value);
    }
}

/* --- main.cf: a sealed message goes to a transport --- */

static void check_version(const struct way *way)
{
    const char *version = postfix_value(way->postfix, NULL, "mail_version");
    char *end = NULL;
    guint64 major = g_ascii_strtoull(version, &end, 10), minor = *end == '.' ? g_ascii_strtoull(end + 1, NULL, 10) : 0;
    bool is_inline = strstr(postfix_value(way->postfix, NULL, "milter_header_checks"), "regexp:{") != NULL;
    if (*version == '\0' || major > 3 || (major == 3 && minor >= 7))
        return;
    if (is_inline)
        faults_add(way->faults, way->main, 0,
                   "milter_header_checks: Postfix %s cannot read a table in main.cf; put it into a file", version);
    else if (major < 3)
        faults_add(way->faults, way->main, 0, "Postfix %s cannot split messages; 3.0 can", version);
}

/* "TRANSPORT:NEXTHOP", or NULL with a fault. */
static char *find_route(const struct way *way)
{
    const struct postfix_service *cleanup = find_service(way, "cleanup", "unix");
    const char *list = postfix_value(way->postfix, cleanup, "milter_header_checks");
    g_auto(GStrv) tables = postfix_tables(list);
    for (char **table = tables; *table != NULL; table++) {
        g_autofree char *answer = NULL;
        if (!postfix_look_up(way->postfix, *table, "Domsec-Split: v=1; key=0", &answer)) {
            faults_add(way->faults, way->main, 0, "milter_header_checks: postmap cannot read %s", *table);
            return NULL;
        }
        if (answer == NULL)
            continue;
        if (text_begins_with(answer, "FILTER "))
            return g_strstrip(g_strdup(answer + strlen("FILTER ")));
        faults_add(way->faults, way->main, 0,
                   "milter_header_checks: %s answers \"%s\" to a sealed message; it must be FILTER", *table, answer);
        return NULL;
    }
    faults_add(
        way->faults, way->main, 0,
        "milter_header_checks does not bring sealed messages back to the gateway, so that recipients get what they "
        "cannot read; add the lines that `domsec init` prints, or set mixed_recipients = \"reject\"");
    return NULL;
}

/* Returns false if the transport is missing. */
static bool check_transport(const struct way *way, const char *name)
{
    const struct postfix_service *service = find_service(way, name, "unix");
    g_autofree char *limit = g_strconcat(name, "_destination_recipient_limit", NULL);
    if (service == NULL || !g_str_equal(service->command, "smtp")) {
        faults_add(way->faults, way->master, 0,
                   "no service %s with the command smtp, to which milter_header_checks sends sealed messages; add the "
                   "lines that `domsec init` prints",
                   name);
        return false;
    }
    if (postfix_number(way->postfix, limit) != 1)
        faults_add(
            way->faults, way->main, 0,
            "%s is %s: the gateway opens a sealed message for one recipient at a time, and defers the others; set "
            "it to 1",
            limit, postfix_value(way->postfix, NULL, limit));
    check_options(way, service, split_transport);
    return true;
}

/* --- master.cf: a listener where it is opened --- */

/* HOST of "[HOST]:PORT" or "HOST:PORT"; "" if there is only a port. */
static char *host_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    char *host = g_strndup(address, colon != NULL ? (gsize)(colon - address) : 0);
    size_t length = strlen(host);
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        memmove(host, host + 1, length - 2);
        host[length - 2] = '\0';
    }
    return host;
}

static const struct postfix_service *find_listener(const struct way *way, const char *nexthop)
{
    const char *colon = strrchr(nexthop, ':'), *port = colon != NULL ? colon + 1 : "25";
    g_autofree char *host = host_of(nexthop);
    for (size_t i = 0; i < way->postfix->service_count; i++) {
        const struct postfix_service *service = &way->postfix->services[i];
        const char *own_colon = strrchr(service->name, ':');
        g_autofree char *own = host_of(service->name);
        bool same_host = *own == '\0' || g_str_equal(own, host) ||
                         (g_str_equal(own, "localhost") && host_is_loopback(host)) ||
                         (g_str_equal(host, "localhost") && host_is_loopback(own));
        if (g_str_has_suffix(service->key, "/inet") && g_str_equal(service->command, "smtpd") && same_host &&
            g_str_equal(own_colon != NULL ? own_colon + 1 : service->name, port))
            return service;
    }
    return NULL;
}

static bool calls_gateway(const struct way *way, const struct postfix_service *service)
{
    size_t count = 0;
    bool found = false;
    struct postfix_milter *milters = postfix_milters(postfix_value(way->postfix, service, "smtpd_milters"), &count);
    for (size_t i = 0; i < count; i++)
        found = found || postfix_is_our_socket(way->postfix, milters[i].socket, service->chroot, way->conf->listen);
    postfix_milters_free(milters, count);
    return found && strstr(postfix_value(way->postfix, service, "receive_override_options"), "no_milters") == NULL;
}

/* Each is loopback. */
static bool are_loopback(const char *networks)
{
    g_auto(GStrv) words = g_strsplit_set(networks, ", \t", -1);
    bool all = true;
    for (char **word = words; *word != NULL; word++)
        all = all && (**word == '\0' || text_begins_with(*word, "127.") || text_begins_with(*word, "[::1]"));
    return all;
}

/* What the words of receive_override_options keep from being done twice. */
static void check_overrides(const struct way *way, const struct postfix_service *service)
{
    static const struct {
        const char *word, *otherwise;
    } words[] = {
        {"no_address_mappings", "aliases, canonical maps and copies are applied a second time to each copy"},
        {"no_header_body_checks", "header_checks and body_checks see sealed messages, and may change or refuse them"},
        {"no_unknown_recipient_checks", "recipients that an alias leads to may be refused"},
    };
    const char *value = postfix_value(way->postfix, service, "receive_override_options");
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strstr(value, words[i].word) == NULL)
            faults_warn(way->faults, way->master, 0, "%s: receive_override_options lacks %s: %s; add it", service->key,
                        words[i].word, words[i].otherwise);
}

static void check_cleanup(const struct way *way, const struct postfix_service *listener)
{
    const char *name = postfix_value(way->postfix, listener, "cleanup_service_name");
    const struct postfix_service *cleanup = find_service(way, name, "unix");
    if (cleanup != NULL && g_str_equal(cleanup->command, "cleanup"))
        check_options(way, cleanup, split_cleanup);
    else
        faults_add(
            way->faults, way->master, 0,
            "%s: no service %s with the command cleanup, so that sealed messages stay in the queue; add the lines "
            "that `domsec init` prints",
            listener->key, name);
}

static void check_listener(const struct way *way, const struct postfix_service *service)
{
    const char *name = postfix_value(way->postfix, service, "milter_macro_daemon_name");
    const char *banner = postfix_value(way->postfix, service, "smtpd_banner");
    if (!calls_gateway(way, service))
        faults_add(
            way->faults, way->master, 0,
            "%s does not call the gateway, so that recipients get sealed messages that they cannot read; set its "
            "smtpd_milters",
            service->key);
    if (!g_str_equal(name, way->conf->split.daemon_name))
        faults_add(way->faults, way->master, 0,
                   "%s has the name \"%s\", so that the gateway does not open what comes back; add -o "
                   "milter_macro_daemon_name=%s",
                   service->key, name, way->conf->split.daemon_name);
    if (!are_loopback(postfix_value(way->postfix, service, "mynetworks")))
        faults_warn(way->faults, way->master, 0,
                    "%s: other hosts can hand messages to it; add -o mynetworks=127.0.0.0/8", service->key);
    if (strstr(banner, "ESMTP") == NULL || strstr(banner, "**") != NULL)
        faults_warn(
            way->faults, way->master, 0,
            "%s: the smtpd_banner \"%s\" may keep Postfix from using ESMTP; add -o { smtpd_banner = $myhostname "
            "ESMTP }",
            service->key, banner);
    check_overrides(way, service);
    check_options(way, service, split_listener);
    check_cleanup(way, service);
}

/* --- the other listeners --- */

/* The second pass must go through the same scanners as what is not split, and FILTER takes the place of content_filter
 * in the first pass. */
static void check_scanner(const struct way *way, const struct postfix_service *service,
                          const struct postfix_service *listener)
{
    const char *filter = postfix_value(way->postfix, service, "content_filter");
    const char *own = postfix_value(way->postfix, listener, "content_filter");
    if (*filter != '\0' && !g_str_equal(filter, own))
        faults_warn(way->faults, way->master, 0,
                    "%s: content_filter is \"%s\", and messages that are split do not pass it; add -o "
                    "content_filter=%s to %s",
                    service->key, filter, filter, listener->key);
}

static bool has_milter(const struct postfix_milter *milters, size_t count, const char *socket)
{
    for (size_t i = 0; i < count; i++)
        if (g_str_equal(milters[i].socket, socket))
            return true;
    return false;
}

/* A milter behind the gateway sees a sealed message in the first pass. */
static void check_milters(const struct way *way, const struct postfix_service *service,
                          const struct postfix_service *listener)
{
    size_t count = 0, own_count = 0;
    bool behind = false;
    struct postfix_milter *milters = postfix_milters(postfix_value(way->postfix, service, "smtpd_milters"), &count);
    struct postfix_milter *own = postfix_milters(postfix_value(way->postfix, listener, "smtpd_milters"), &own_count);
    for (size_t i = 0; i < count; i++) {
        bool ours = postfix_is_our_socket(way->postfix, milters[i].socket, service->chroot, way->conf->listen);
        if (behind && !ours && !has_milter(own, own_count, milters[i].socket))
            faults_warn(way->faults, way->master, 0,
                        "%s: the milter %s behind the gateway sees messages that are split only as sealed ones; add it "
                        "to smtpd_milters of %s",
                        service->key, milters[i].socket, listener->key);
        behind = behind || ours;
    }
    postfix_milters_free(milters, count);
    postfix_milters_free(own, own_count);
}

/* Aliases have to be expanded between the two passes. */
static void check_mappings(const struct way *way, const struct postfix_service *service)
{
    const char *overrides = postfix_value(way->postfix, service, "receive_override_options");
    if (strstr(overrides, "no_address_mappings") == NULL)
        return;
    (way->conf->split.aliases ? faults_add : faults_warn)(
        way->faults, way->master, 0,
        "%s: receive_override_options has no_address_mappings, so that aliases are expanded behind the gateway, and "
        "what they lead outside leaves as it came; remove it",
        service->key);
}

static void check_others(const struct way *way, const struct postfix_service *listener)
{
    for (size_t i = 0; i < way->postfix->service_count; i++) {
        const struct postfix_service *service = &way->postfix->services[i];
        if (service == listener || !g_str_equal(service->command, "smtpd"))
            continue;
        /* Only one listener may have the name: on another, all mail would be refused. */
        if (g_str_equal(postfix_value(way->postfix, service, "milter_macro_daemon_name"), way->conf->split.daemon_name))
            faults_add(way->faults, way->master, 0,
                       "%s has the name \"%s\", on which the gateway accepts only sealed messages; give it another "
                       "milter_macro_daemon_name",
                       service->key, way->conf->split.daemon_name);
        if (!calls_gateway(way, service))
            continue;
        check_scanner(way, service, listener);
        check_milters(way, service, listener);
        check_mappings(way, service);
    }
}

/* --- the way --- */

static void follow(const struct way *way)
{
    g_autofree char *route = find_route(way);
    if (route == NULL)
        return;
    const char *colon = strchr(route, ':'), *nexthop = colon != NULL ? colon + 1 : "";
    g_autofree char *transport = g_strndup(route, colon != NULL ? (gsize)(colon - route) : strlen(route));
    const struct postfix_service *listener = find_listener(way, nexthop);
    if (!check_transport(way, transport))
        return;
    if (listener == NULL) {
        faults_add(way->faults, way->master, 0,
                   "no smtpd listens on %s, to which milter_header_checks sends sealed messages; add the lines that "
                   "`domsec init` prints",
                   *nexthop != '\0' ? nexthop : "the next hop");
        return;
    }
    check_listener(way, listener);
    check_others(way, listener);
    const char *macro = postfix_value(way->postfix, NULL, "milter_macro_v");
    if (*macro != '\0' && !text_begins_with(macro, "Postfix"))
        faults_add(
            way->faults, way->main, 0,
            "milter_macro_v is \"%s\": the gateway splits messages only for Postfix, and defers them; let the value "
            "begin with \"Postfix\"",
            macro);
    if (g_str_equal(postfix_value(way->postfix, NULL, "enable_original_recipient"), "no"))
        faults_warn(way->faults, way->main, 0,
                    "enable_original_recipient is \"no\": the gateway cannot see from which address an alias led, and "
                    "defers split messages for its targets; set it to yes");
}

void check_split(const struct conf *conf, const struct postfix *postfix, struct faults *faults)
{
    g_autofree char *main = g_build_filename(postfix->folder, "main.cf", NULL);
    g_autofree char *master = g_build_filename(postfix->folder, "master.cf", NULL);
    const struct way way = {conf, postfix, faults, main, master};
    if (conf->mixed_recipients != MIXED_SPLIT)
        return;
    check_version(&way);
    follow(&way);
}
