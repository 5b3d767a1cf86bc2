/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_prune: takes expired certificates and duplicates out of the store.
 */
#include "cert_prune.h"

#include "cert_one.h"
#include "certs/certs.h"
#include "describe.h"

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
    if (conf == NULL)
        return EX_CONFIG;
    owned(faults) struct faults *faults = faults_new();
    struct error error = {0};
    const struct certs_pruning pruning = {
        .at = time(NULL), .only_show = showing.only_show, .removed = show, .context = &showing};
    bool good = certs_directory_prune(conf, &pruning, faults, &error);
    cli_print_faults(stderr, faults);
    if (good && showing.count == 0)
        printf("nothing to remove\n");
    else if (showing.count > 0 && !showing.only_show)
        cert_print_reload_hint();
    if (!good)
        return cli_failed(&error);
    return faults_errors(faults) > 0 ? EX_CONFIG : EX_OK;
}

const struct command command_cert_prune = {
    .name = "cert prune",
    .arguments = "[-c FILE] [--dry-run]",
    .summary = "remove expired certificates and duplicates from the store",
    .run = run,
};
