/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: shows the state of the gateway, for people or for a monitor: our certificates and their remaining days, the
 * rules, the store, whether the daemon answers, and its counters. It reads only files and the socket. `check` shows
 * the faults of the configuration.
 */
#include "cli.h"

#include "base/file.h"
#include "certs/certs.h"
#include "describe.h"
#include "gateway/expiry.h"
#include "keys/token_keys.h"
#include "output.h"
#include "own.h"
#include "probe.h"
#include "status_bundles.h"
#include "status_rollover.h"
#include "status_split.h"
#include "store/store.h"

#include <string.h>

struct status {
    const struct conf *conf;
    X509 **own;       /* per identity; NULL: could not be read */
    int stored;       /* certificates in certificate_directory; -1: no directory */
    int64_t in_store; /* certificates in the store; -1: no store, or it cannot be read */
    bool answers;
    unsigned protocol;
    struct error probe;
    struct expiries expiries;
    struct split_status split;
    struct bundles_status *bundles;
    char **counters; /* lines of the metrics file; NULL: none */
    char **refused;  /* PINs, in sentences */
    bool good;
};

static void gather_store(struct status *status)
{
    struct error error = {0};
    status->in_store = -1;
    if (status->conf->store == NULL)
        return;
    owned(store) struct store *store = store_open(status->conf->store);
    if (store_certificates_count(store, &status->in_store, &error))
        return;
    fprintf(stderr, "domsec: %s\n", error.text);
    status->good = false;
}

static void gather_directory(struct status *status)
{
    status->stored = -1;
    if (status->conf->certificate_dir == NULL)
        return;
    owned(faults) struct faults *faults = faults_new();
    owned(x509_stack) STACK_OF(X509) *stored = certs_directory_list(status->conf, faults);
    status->stored = sk_X509_num(stored);
    if (faults_errors(faults) > 0)
        status->good = false;
}

/* The samples of the metrics file, without the comments. */
static void gather_counters(struct status *status)
{
    struct error ignored = {0};
    size_t length = 0;
    g_autofree char *text =
        status->conf->metrics_file != NULL ? file_read(status->conf->metrics_file, &length, &ignored) : NULL;
    if (text == NULL)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GPtrArray *samples = g_ptr_array_new();
    for (char **line = lines; *line != NULL; line++)
        if (**line != '\0' && **line != '#')
            g_ptr_array_add(samples, g_strdup(*line));
    g_ptr_array_add(samples, NULL);
    status->counters = (char **)g_ptr_array_free(samples, FALSE);
}

static void gather_expiries(struct status *status)
{
    expiries_read(status->conf, &status->expiries);
    for (size_t i = 0; i < status->expiries.count; i++)
        if (expiry_is_near(status->expiries.list[i], time(NULL)))
            status->good = false;
}

static void gather(struct status *status, const struct conf *conf)
{
    owned(faults) struct faults *unread = faults_new(); /* `check` shows them */
    *status = (struct status){.conf = conf, .own = own_read(conf, unread)};
    status->good = own_are_good(status->own, conf);
    gather_expiries(status);
    gather_directory(status);
    gather_store(status);
    gather_counters(status);
    status->bundles = bundles_status_read(conf);
    status->refused = token_keys_refused_pins(conf_state_folder(conf));
    if (status->refused[0] != NULL)
        status->good = false;
    if (!split_status_read(conf, &status->split) || !bundles_status_is_good(status->bundles))
        status->good = false;
    status->answers = probe_milter(conf->listen, &status->protocol, &status->probe);
    if (!status->answers)
        status->good = false;
}

static void clear(struct status *status)
{
    own_free(status->own, status->conf);
    expiries_clear(&status->expiries);
    split_status_clear(&status->split);
    bundles_status_free(status->bundles);
    g_strfreev(status->counters);
    g_strfreev(status->refused);
}

static void print_expiries(const struct status *status)
{
    const char *const heading[] = {"ends soon", "role", "days", "file"};
    owned(table) struct table *table = table_new(4);
    time_t now = time(NULL);
    bool any = false;
    table_row(table, heading);
    for (size_t i = 0; i < status->expiries.count; i++) {
        const struct expiry *expiry = status->expiries.list[i];
        if (!expiry_is_near(expiry, now))
            continue;
        g_autofree char *days = g_strdup_printf("%ld", (long)(expiry->ends - now) / 86400);
        const char *cells[] = {expiry->who, expiry->role, days, expiry->file};
        table_row(table, cells);
        any = true;
    }
    if (!any)
        return;
    printf("\ncertificates that end within %d days\n", EXPIRY_DAYS);
    table_print(table, stdout, 2, true);
}

static void print_rules(const struct conf *conf)
{
    printf("\nrules\n");
    owned(table) struct table *table = table_new(5);
    const char *const heading[] = {"domain", "outbound", "inbound", "naming", "file"};
    table_row(table, heading);
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct rule *rule = &conf->partners[i]->base;
        g_autofree char *name =
            g_strconcat(rule->partner->name, rule->partner->mode == MODE_TEST ? " (test)" : "", NULL);
        const char *cells[] = {rule->partner->domain != NULL ? rule->partner->domain : "(all others)",
                               protect_name(rule->outbound.protect), require_name(rule->inbound.require),
                               naming_name(rule->partner->naming), name};
        table_row(table, cells);
    }
    table_print(table, stdout, 2, true);
}

/* Each sample as name and value. */
static void print_counters(char **counters)
{
    printf("\ncounters\n");
    owned(table) struct table *table = table_new(2);
    for (char **line = counters; *line != NULL; line++) {
        const char *space = strrchr(*line, ' ');
        g_autofree char *name = space != NULL ? g_strndup(*line, (gsize)(space - *line)) : g_strdup(*line);
        const char *cells[] = {name, space != NULL ? space + 1 : NULL};
        table_row(table, cells);
    }
    table_print(table, stdout, 2, false);
}

static void print_status(const struct status *status)
{
    const struct conf *conf = status->conf;
    g_autofree char *daemon =
        status->answers ? g_strdup_printf("answers on %s (milter protocol %u)", conf->listen, status->protocol)
                        : g_strdup(status->probe.text);
    g_autofree char *directory =
        status->stored < 0 ? g_strdup("none") : g_strdup_printf("%d in %s", status->stored, conf->certificate_dir);
    g_autofree char *store =
        status->in_store < 0 ? g_strdup("cannot be read")
                             : g_strdup_printf("%" G_GINT64_FORMAT " in %s", status->in_store, store_file(conf->store));
    const char *const rows[][2] = {
        {"configuration", conf->file}, {"certificates", directory}, {"store", store}, {"daemon", daemon}};
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (conf->store != NULL || strcmp(rows[i][0], "store") != 0)
            table_row(table, rows[i]);
    table_print(table, stdout, 0, false);
    printf("\nidentities\n");
    own_print(status->own, conf, false);
    for (char **line = status->refused; *line != NULL; line++)
        printf("%s\n", *line);
    rollovers_print(conf, status->own);
    print_expiries(status);
    print_rules(conf);
    bundles_status_print(status->bundles);
    split_status_print(&status->split);
    if (status->counters != NULL)
        print_counters(status->counters);
}

static json_t *expiries_json(const struct status *status)
{
    json_t *list = json_array();
    time_t now = time(NULL);
    for (size_t i = 0; i < status->expiries.count; i++) {
        const struct expiry *expiry = status->expiries.list[i];
        if (!expiry_is_near(expiry, now))
            continue;
        json_t *entry = json_object();
        json_object_set_new(entry, "who", json_string(expiry->who));
        json_object_set_new(entry, "role", json_string(expiry->role));
        json_object_set_new(entry, "file", json_string(expiry->file));
        json_object_set_new(entry, "days_left", json_integer((expiry->ends - now) / 86400));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *rules_json(const struct conf *conf)
{
    json_t *list = json_array();
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct rule *rule = &conf->partners[i]->base;
        json_t *entry = json_object();
        json_object_set_new(entry, "domain",
                            rule->partner->domain != NULL ? json_string(rule->partner->domain) : json_null());
        json_object_set_new(entry, "name", json_string(rule->partner->name));
        json_object_set_new(entry, "protect", json_string(protect_name(rule->outbound.protect)));
        json_object_set_new(entry, "require", json_string(require_name(rule->inbound.require)));
        json_object_set_new(entry, "naming", json_string(naming_name(rule->partner->naming)));
        json_object_set_new(entry, "mode", json_string(mode_name(rule->partner->mode)));
        json_object_set_new(entry, "exceptions", json_integer((json_int_t)rule->partner->rule_count));
        json_array_append_new(list, entry);
    }
    return list;
}

static void print_json(const struct status *status)
{
    json_t *json = json_object();
    json_object_set_new(json, "good", json_boolean(status->good));
    json_object_set_new(json, "configuration", json_string(status->conf->file));
    json_object_set_new(json, "listen", json_string(status->conf->listen));
    json_object_set_new(json, "answers", json_boolean(status->answers));
    json_object_set_new(json, "identities", own_json(status->own, status->conf));
    json_object_set_new(json, "rollovers", rollovers_json(status->conf, status->own));
    json_object_set_new(json, "ends_soon", expiries_json(status));
    json_object_set_new(json, "rules", rules_json(status->conf));
    json_object_set_new(json, "split", split_status_json(&status->split));
    json_object_set_new(json, "bundles", bundles_status_json(status->bundles));
    json_object_set_new(json, "certificates", status->stored < 0 ? json_null() : json_integer(status->stored));
    if (status->conf->store != NULL)
        json_object_set_new(json, "store", status->in_store < 0 ? json_null() : json_integer(status->in_store));
    json_t *refused = json_array();
    for (char **line = status->refused; *line != NULL; line++)
        json_array_append_new(refused, json_string(*line));
    json_object_set_new(json, "refused_pins", refused);
    json_t *counters = json_object();
    for (char **line = status->counters; line != NULL && *line != NULL; line++) {
        char *space = strrchr(*line, ' ');
        g_autofree char *name = space != NULL ? g_strndup(*line, (gsize)(space - *line)) : g_strdup(*line);
        json_object_set_new(counters, name, json_real(space != NULL ? g_ascii_strtod(space + 1, NULL) : 0));
    }
    json_object_set_new(json, "counters", counters);
    describe_print_json(json);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    bool as_json = false;
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(file),
                                          {"json", 0, OPTION_FLAG, &as_json, NULL, "print a JSON object"}};
    int parsed = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (parsed != CLI_GO)
        return parsed;
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    struct status status;
    gather(&status, conf);
    if (as_json)
        print_json(&status);
    else
        print_status(&status);
    bool good = status.good;
    clear(&status);
    return good ? EX_OK : 1;
}

const struct command command_status = {
    .name = "status",
    .arguments = "[-c FILE] [--json]",
    .summary = "show identities, rules, the store and whether the daemon answers",
    .details =
        "The exit status is 1 if the daemon does not answer, if one of our certificates or a key that seals cannot\n"
        "be read, if an identity has no certificate in force, if a certificate of ours or of a partner ends within\n"
        "30 days and no other takes its place, if a token refused a PIN, or if a trust bundle was not fetched for\n"
        "long. It is 78 if the configuration is bad, and 0 otherwise.\n",
    .run = run,
};
