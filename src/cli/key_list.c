/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_list: shows our identities with their files, or the private keys in a token. `domsec status` shows what state the
 * gateway is in.
 */
#include "key_list.h"

#include "describe.h"
#include "output.h"
#include "own.h"

#include "keys/token_keys.h"

static json_t *listing_json(const struct token_listing *listing)
{
    json_t *entry = json_object();
    g_autofree char *kind = listing->public_key != NULL ? describe_key(listing->public_key) : NULL;
    json_object_set_new(entry, "key_uri", json_string(listing->uri));
    json_object_set_new(entry, "key", kind != NULL ? json_string(kind) : json_null());
    json_object_set_new(entry, "uses", json_string(listing->uses));
    json_object_set_new(entry, "note", listing->note != NULL ? json_string(listing->note) : json_null());
    return entry;
}

static void print_listing(const struct token_listing *listing)
{
    g_autofree char *kind = listing->public_key != NULL ? describe_key(listing->public_key) : NULL;
    printf("%s\n    %s; %s\n", listing->uri, kind != NULL ? kind : "unknown kind",
           listing->uses[0] != '\0' ? listing->uses : "can do nothing");
    if (listing->note != NULL)
        printf("    %s\n", listing->note);
}

static int show_token(const char *uri, bool as_json)
{
    struct error error = {0};
    owned(token_listings) struct token_listing **list = token_keys_list(uri, &error);
    if (list == NULL)
        return cli_bad_input(&error);
    json_t *array = as_json ? json_array() : NULL;
    for (struct token_listing **each = list; *each != NULL; each++)
        if (as_json)
            json_array_append_new(array, listing_json(*each));
        else
            print_listing(*each);
    if (as_json)
        describe_print_json(array);
    else if (list[0] == NULL)
        printf("no private keys\n");
    return EX_OK;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION, *token = NULL;
    bool as_json = false;
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"token", 0, OPTION_TEXT, &token, "URI", "show the private keys in this token instead"},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "print a JSON array"}};
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (token != NULL)
        return show_token(token, as_json);
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
    .arguments = "[-c FILE | --token URI] [--json]",
    .summary = "show our identities, or the private keys in a token",
    .details =
        "For an identity: its certificate, the remaining days and its files. For a key in a token: its URI, and\n"
        "what a trial showed that it can do.\n",
    .run = run,
};
