/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_prune: takes expired certificates and duplicates out of the store.
 */
#include "cert_prune.h"

#include "cert_one.h"
#include "cert_stored.h"
#include "certs/certs.h"
#include "describe.h"

#define PAGE 500

struct showing {
    bool only_show;
    unsigned count;
};

static void show(void *context, const struct certs_pruned *pruned)
{
    struct showing *showing = context;
    showing->count++;
    g_autofree char *name = describe_name(pruned->certificate);
    g_autofree char *end = describe_date(X509_get0_notAfter(pruned->certificate));
    printf("%s %s: %s, ", showing->only_show ? "would remove" : "removed", pruned->file, name);
    if (pruned->kept != NULL)
        printf("which %s holds as well\n", pruned->kept);
    else
        printf("expired on %s\n", end);
}

static bool prune_directory(const struct conf *conf, struct showing *showing, struct faults *faults,
                            struct error *error)
{
    const struct certs_pruning pruning = {
        .at = time(NULL), .only_show = showing->only_show, .removed = show, .context = showing};
    return certs_directory_prune(conf, &pruning, faults, error);
}

static void show_stored(struct showing *showing, const struct store_certificate *stored)
{
    owned(X509) X509 *certificate = cert_stored_parse(stored);
    showing->count++;
    if (certificate == NULL)
        return;
    g_autofree char *name = describe_name(certificate);
    g_autofree char *end = describe_date(X509_get0_notAfter(certificate));
    printf("%s %s: %s, expired on %s\n", showing->only_show ? "would remove" : "removed", stored->sha256, name, end);
}

static bool remove_page(struct store *store, const struct store_certificates *page, struct error *error)
{
    g_autofree int64_t *ids = g_new(int64_t, page->count);
    for (size_t i = 0; i < page->count; i++)
        ids[i] = page->list[i].id;
    return store_certificates_remove(store, ids, page->count, error);
}

static bool prune_store(const struct conf *conf, struct showing *showing, struct error *error)
{
    owned(store) struct store *store = store_open(conf->store);
    struct store_certificate last = {.not_after = INT64_MIN};
    for (time_t now = time(NULL);;) {
        owned(store_certificates) struct store_certificates page = {0};
        if (!store_certificates_expired(store, now, &last, PAGE, &page, error))
            return false;
        if (page.count == 0)
            return true;
        if (!showing->only_show && !remove_page(store, &page, error))
            return false;
        for (size_t i = 0; i < page.count; i++)
            show_stored(showing, &page.list[i]);
        last = page.list[page.count - 1];
    }
}

static int prune(const struct conf *conf, struct showing *showing)
{
    owned(faults) struct faults *faults = faults_new();
    struct error error = {0};
    bool good =
        (conf->store != NULL && conf->certificate_dir == NULL) || prune_directory(conf, showing, faults, &error);
    cli_print_faults(stderr, faults);
    if (showing->count > 0 && !showing->only_show)
        cert_print_reload_hint();
    good = good && (conf->store == NULL || prune_store(conf, showing, &error));
    if (!good)
        return cli_failed(&error);
    if (showing->count == 0)
        printf("nothing to remove\n");
    return faults_errors(faults) > 0 ? EX_CONFIG : EX_OK;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    struct showing showing = {0};
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"dry-run", 'n', OPTION_FLAG, &showing.only_show, NULL, "show what would be removed, and change nothing"},
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    owned(conf) struct conf *conf = cli_conf(file);
    return conf != NULL ? prune(conf, &showing) : EX_CONFIG;
}

const struct command command_cert_prune = {
    .name = "cert prune",
    .arguments = "[-c FILE] [--dry-run]",
    .summary = "remove expired certificates and duplicates from the store",
    .run = run,
};
