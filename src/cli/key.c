/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: creates certificate requests for keys, and lists the commands that create and show them.
 */
#include "cli.h"

#include "issue.h"
#include "key_import.h"
#include "key_list.h"
#include "key_new.h"
#include "key_rollover.h"

#include <string.h>

static int make_request(const struct command *self, const struct key_names *names, const char *location,
                        const char *out)
{
    struct error error = {0};
    bool has_scheme = strchr(location, ':') != NULL && !text_begins_with(location, "file:");
    const char *path = text_begins_with(location, "file:") ? location + strlen("file:") : location;
    owned(EVP_PKEY) EVP_PKEY *key = has_scheme ? keys_load(location, &error) : key_load_file(path, &error);
    if (key == NULL)
        return cli_bad_input(&error);
    if (EVP_PKEY_is_a(key, "X25519") || EVP_PKEY_is_a(key, "X448"))
        return cli_usage(self, KEY_SIGNS_NO_REQUEST);
    g_autofree char *name = key_names_of_request(names);
    struct subject subject = {names->domain, names->role, key, name};
    owned(X509_REQ) X509_REQ *wanted = issue_request(&subject, &error);
    g_autofree char *pem = wanted != NULL ? issue_request_pem(wanted, &error) : NULL;
    if (pem == NULL)
        return cli_failed(&error);
    if (out == NULL) {
        fputs(pem, stdout);
        return EX_OK;
    }
    return issue_write_request(out, wanted, &error) ? EX_OK : cli_failed(&error);
}

static int run_csr(const struct command *self, int argc, char **argv)
{
    const char *domain = NULL, *role = NULL, *key = NULL, *out = NULL;
    struct key_names names = {0};
    const struct option_spec options[] = {
        {"domain", 'd', OPTION_TEXT, &domain, "DOMAIN", "mail domain"},
        {"role", 'r', OPTION_TEXT, &role, "ROLE", "domain-signing-authority, domain-confidentiality-authority, ..."},
        {"key", 'k', OPTION_TEXT, &key, "KEY", "private key: a file, or a URI as in the configuration"},
        {"out", 'o', OPTION_TEXT, &out, "FILE", "file for the request; default: standard output"},
        KEY_NAME_OPTIONS(names),
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (key == NULL)
        return cli_usage(self, "--key is required");
    status = key_names_check(self, domain, role, &names);
    if (status == CLI_GO)
        status = make_request(self, &names, key, out);
    g_free(names.domain);
    return status;
}

static const struct command command_csr = {
    .name = "key csr",
    .arguments = "--domain DOMAIN --role ROLE --key KEY [--address ADDRESS | --role-names] [--out FILE]",
    .summary = "create a certificate request for an existing key",
    .run = run_csr};

static int run(const struct command *self, int argc, char **argv)
{
    static const struct command *const list[] = {&command_key_new,  &command_csr,          &command_key_import,
                                                 &command_key_list, &command_key_rollover, NULL};
    return cli_dispatch(self, list, argc, argv);
}

const struct command command_key = {
    .name = "key",
    .arguments = "new|csr|import|list|rollover",
    .summary = "create keys and certificate requests for our identities",
    .run = run,
};
