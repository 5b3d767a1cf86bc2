/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix: asks postconf(1), which knows defaults and expands $names, instead of reading main.cf and master.cf itself.
 * Only lists of milters are taken apart here.
 */
#include "postfix.h"

#include "base/bytes.h"
#include "base/domain.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"

/* --- postconf and postmap --- */

static char *find_program(const char *name)
{
    char *program = g_find_program_in_path(name);
    return program != NULL ? program : g_build_filename("/usr/sbin", name, NULL);
}

/* Runs a program of Postfix with two more words, of which the last may be NULL. Its output; NULL: it could not be run.
 * `status` is 0 if it succeeded. */
static char *run(const char *name, const char *folder, const char *const words[3], int *status, struct error *error)
{
    g_autofree char *program = find_program(name);
    char *out = NULL;
    g_autofree char *err = NULL;
    const char *all[7] = {program};
    size_t count = 1;
    for (size_t i = 0; i < 3 && words[i] != NULL; i++)
        all[count++] = words[i];
    if (folder != NULL) {
        all[count++] = "-c";
        all[count++] = folder;
    }
    g_autoptr(GError) problem = NULL;
    if (!g_spawn_sync(NULL, (char **)all, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, status, &problem)) {
        error_set(error, ERROR_CONFIGURATION, "%s cannot be run: %s", name, problem->message);
        return NULL;
    }
    if (*status != 0)
        error_set(error, ERROR_CONFIGURATION, "%s failed: %s", name, g_strchomp(err));
    return out;
}

/* The lines "NAME = VALUE" that postconf prints with these options, as a table. NULL: it failed. */
static GHashTable *ask(const char *folder, const char *option, struct error *error)
{
    int status = 0;
    g_autofree char *out = run("postconf", folder, (const char *[3]){option}, &status, error);
    if (out == NULL || status != 0)
        return NULL;
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        char *sign = strstr(*line, " =");
        if (sign != NULL)
            g_hash_table_insert(table, g_strndup(*line, (gsize)(sign - *line)), g_strdup(g_strstrip(sign + 2)));
    }
    return table;
}

static int compare_services(const void *a, const void *b)
{
    return strcmp(((const struct postfix_service *)a)->key, ((const struct postfix_service *)b)->key);
}

/* fields: "smtp/inet/chroot" → "y" … */
static void read_services(struct postfix *postfix, GHashTable *fields)
{
    GHashTableIter iterator;
    gpointer key, value;
    /* The default of the column depends on the compatibility level. */
    bool usual = g_ascii_strtoll(postfix_value(postfix, NULL, "compatibility_level"), NULL, 10) < 1;
    postfix->services = g_new0(struct postfix_service, g_hash_table_size(fields) + 1);
    g_hash_table_iter_init(&iterator, fields);
    while (g_hash_table_iter_next(&iterator, &key, &value)) {
        if (!g_str_has_suffix(key, "/command"))
            continue;
        struct postfix_service *service = &postfix->services[postfix->service_count++];
        service->key = g_strndup(key, strlen(key) - strlen("/command"));
        service->name = g_strndup(service->key, strcspn(service->key, "/"));
        service->command = g_strndup(value, strcspn(value, " \t"));
        g_autofree char *chroot = g_strconcat(service->key, "/chroot", NULL);
        const char *word = g_hash_table_lookup(fields, chroot);
        service->chroot = g_strcmp0(word, "y") == 0 || (g_strcmp0(word, "-") == 0 && usual);
    }
    qsort(postfix->services, postfix->service_count, sizeof(*postfix->services), compare_services);
}

struct postfix *postfix_read(const char *folder, struct error *error)
{
    owned(postfix) struct postfix *postfix = g_new0(struct postfix, 1);
    postfix->main = ask(folder, "-x", error);
    postfix->overrides = postfix->main != NULL ? ask(folder, "-xP", error) : NULL;
    g_autoptr(GHashTable) fields = postfix->overrides != NULL ? ask(folder, "-F", error) : NULL;
    if (fields == NULL)
        return NULL;
    postfix->asked = g_strdup(folder);
    postfix->folder = g_strdup(folder != NULL ? folder : postfix_value(postfix, NULL, "config_directory"));
    read_services(postfix, fields);
    return steal(&postfix);
}

void postfix_free(struct postfix *postfix)
{
    if (postfix == NULL)
        return;
    for (size_t i = 0; i < postfix->service_count; i++) {
        g_free(postfix->services[i].key);
        g_free(postfix->services[i].name);
        g_free(postfix->services[i].command);
    }
    g_free(postfix->services);
    if (postfix->main != NULL)
        g_hash_table_unref(postfix->main);
    if (postfix->overrides != NULL)
        g_hash_table_unref(postfix->overrides);
    g_free(postfix->folder);
    g_free(postfix->asked);
    g_free(postfix);
}

const char *postfix_value(const struct postfix *postfix, const struct postfix_service *service, const char *name)
{
    const char *value = NULL;
    if (service != NULL) {
        g_autofree char *key = g_strdup_printf("%s/%s", service->key, name);
        value = g_hash_table_lookup(postfix->overrides, key);
    }
    if (value == NULL)
        value = g_hash_table_lookup(postfix->main, name);
    return value != NULL ? value : "";
}

long long postfix_number(const struct postfix *postfix, const char *name)
{
    return g_ascii_strtoll(postfix_value(postfix, NULL, name), NULL, 10);
}

/* --- tables --- */

char **postfix_tables(const char *list)
{
    GPtrArray *tables = g_ptr_array_new();
    while (*(list += strspn(list, SEPARATORS)) != '\0') {
        size_t length = 0;
        unsigned depth = 0;
        for (; list[length] != '\0' && (depth > 0 || strchr(SEPARATORS, list[length]) == NULL); length++)
            depth += (list[length] == '{') - (depth > 0 && list[length] == '}');
        g_ptr_array_add(tables, g_strndup(list, length));
        list += length;
    }
    g_ptr_array_add(tables, NULL);
    return (char **)g_ptr_array_free(tables, FALSE);
}

bool postfix_look_up(const struct postfix *postfix, const char *table, const char *key, char **answer)
{
    struct error error = {0};
    int status = 0;
    g_autofree char *out = run("postmap", postfix->asked, (const char *[3]){"-q", key, table}, &status, &error);
    *answer = out != NULL && *out != '\0' ? g_strchomp(g_strdup(out)) : NULL;
    /* postmap(1) also fails if the key is not there, but says nothing then, or only what it thinks of main.cf. */
    return out != NULL && (status == 0 || strstr(error.text, "fatal:") == NULL);
}

char **postfix_list(const struct postfix *postfix, const char *table)
{
    struct error error = {0};
    int status = 0;
    g_autofree char *out = run("postmap", postfix->asked, (const char *[3]){"-s", table}, &status, &error);
    return out != NULL && status == 0 ? g_strsplit(g_strchomp(out), "\n", -1) : NULL;
}

/* --- lists of milters --- */

/* What stands in braces: the socket, then NAME=VALUE. */
static void read_braces(struct postfix_milter *milter, const char *text)
{
    g_auto(GStrv) words = g_strsplit_set(text, SEPARATORS, -1);
    for (char **word = words; *word != NULL; word++) {
        if (**word == '\0')
            continue;
        if (milter->socket == NULL)
            milter->socket = g_strdup(*word);
        else if (text_begins_with(*word, "default_action="))
            milter->default_action = g_strdup(*word + strlen("default_action="));
    }
}

struct postfix_milter *postfix_milters(const char *list, size_t *count)
{
    GArray *milters = g_array_new(TRUE, TRUE, sizeof(struct postfix_milter));
    while (*(list += strspn(list, SEPARATORS)) != '\0') {
        struct postfix_milter milter = {0};
        size_t length = *list == '{' ? strcspn(list, "}") : strcspn(list, SEPARATORS);
        g_autofree char *word = g_strndup(list, length);
        if (*word == '{') {
            /* Blanks may stand around "=". */
            g_autoptr(GRegex) blanks = g_regex_new("\\s*=\\s*", 0, 0, NULL);
            g_autofree char *tight = g_regex_replace_literal(blanks, word + 1, -1, 0, "=", 0, NULL);
            read_braces(&milter, tight);
        } else {
            milter.socket = g_strdup(word);
        }
        list += length + (list[length] == '}');
        if (milter.socket != NULL)
            g_array_append_val(milters, milter);
    }
    *count = milters->len;
    return (struct postfix_milter *)g_array_free(milters, FALSE);
}

void postfix_milters_free(struct postfix_milter *milters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_free(milters[i].socket);
        g_free(milters[i].default_action);
    }
    g_free(milters);
}

/* --- sockets --- */

/* Postfix: HOST:PORT or [HOST]:PORT. ours: PORT@HOST or PORT. */
static bool is_same_inet(const char *postfix, const char *ours)
{
    const char *colon = strrchr(postfix, ':'), *at = strchr(ours, '@');
    if (colon == NULL)
        return false;
    g_autofree char *port = at != NULL ? g_strndup(ours, (gsize)(at - ours)) : g_strdup(ours);
    g_autofree char *host = g_strndup(postfix, (gsize)(colon - postfix));
    if (*host == '[' && g_str_has_suffix(host, "]")) {
        host[strlen(host) - 1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    if (!g_str_equal(colon + 1, port))
        return false;
    const char *own = at != NULL ? at + 1 : "";
    return *own == '\0' || g_str_equal(own, "0.0.0.0") || g_str_equal(own, "::") ||
           g_ascii_strcasecmp(own, host) == 0 || (host_is_loopback(own) && host_is_loopback(host));
}

bool postfix_is_our_socket(const struct postfix *postfix, const char *socket, bool chroot, const char *listen)
{
    const char *rest = strchr(socket, ':');
    if (rest == NULL)
        return false;
    rest++;
    if (text_begins_with(socket, "inet:"))
        return text_begins_with(listen, "inet") && is_same_inet(rest, strchr(listen, ':') + 1);
    if (!text_begins_with(socket, "unix:") || !text_begins_with(listen, "local:"))
        return false;
    const char *queue = postfix_value(postfix, NULL, "queue_directory");
    g_autofree char *path =
        chroot && *rest == '/' ? g_strconcat(queue, rest, NULL) : g_canonicalize_filename(rest, queue);
    return g_str_equal(path, listen + strlen("local:"));
}

char *postfix_form(const struct postfix *postfix, const char *listen)
{
    const char *rest = strchr(listen, ':') + 1, *queue = postfix_value(postfix, NULL, "queue_directory");
    if (text_begins_with(listen, "local:")) {
        size_t length = strlen(queue);
        bool below = strncmp(rest, queue, length) == 0 && rest[length] == '/';
        return g_strconcat("unix:", below ? rest + length + 1 : rest, NULL);
    }
    const char *at = strchr(rest, '@');
    if (at == NULL)
        return g_strdup_printf("inet:127.0.0.1:%s", rest);
    bool is_v6 = strchr(at + 1, ':') != NULL;
    return g_strdup_printf("inet:%s%s%s:%.*s", is_v6 ? "[" : "", at + 1, is_v6 ? "]" : "", (int)(at - rest), rest);
}
