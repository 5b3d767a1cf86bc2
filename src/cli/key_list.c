/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_list: shows our identities with their files. `domsec status` shows what state the gateway is in.
 */
#include "key_list.h"

#include "describe.h"
#include "own.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    bool as_json = false;
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(file),
                                          {"json", 0, OPTION_FLAG, &as_json, NULL, "print a JSON array"}};
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    owned(faults) struct faults *faults = faults_new();
    X509 **own = own_read(conf, faults);
    cli_print_faults(stderr, faults);
    if (as_json)
        describe_print_json(own_json(own, conf));
    else if (conf->identity_count > 0)
        own_print(own, conf, true);
    else
        printf("no identities\n");
    own_free(own, conf);
    return faults_errors(faults) > 0 ? EX_CONFIG : EX_OK;
}

const struct command command_key_list = {
    .name = "key list",
    .arguments = "[-c FILE] [--json]",
    .summary = "show our identities: certificates, their remaining days, and the files of both",
    .run = run,
};
