/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert: partners' certificates: those in the store, and the files of certificate_directory, which the daemon reads when
 * it starts and when it reloads. cert_one.c has the commands that take one certificate by its id.
 */
#include "cli.h"

#include "cert_dns.h"
#include "cert_import.h"
#include "cert_lint.h"
#include "cert_list.h"
#include "cert_one.h"
#include "cert_pending.h"
#include "cert_prune.h"
#include "certs/certs.h"
#include "describe.h"
#include "output.h"
#include "search_lines.h"

#include <openssl/x509v3.h>
#include <string.h>

enum { FIND_UNUSABLE = 1, FIND_NONE = 2 };

static int find_status(const struct certs_answer *answer)
{
    if (answer->found == FOUND)
        return EX_OK;
    if (answer->found == FOUND_FAILED)
        return EX_TEMPFAIL;
    return answer->count > 0 ? FIND_UNUSABLE : FIND_NONE;
}

static json_t *find_json(const struct certificate_search *search, const char *rule)
{
    const struct certs_answer *answer = search->answer;
    int status = find_status(answer);
    json_t *json = json_object(), *lookups = json_array();
    certificate_search_json(search, lookups);
    json_object_set_new(json, "address", describe_string(search->address->text));
    json_object_set_new(json, "rule", describe_string(rule));
    json_object_set_new(json, "result",
                        describe_string(status == EX_OK           ? "usable"
                                        : status == FIND_UNUSABLE ? "unusable"
                                        : status == FIND_NONE     ? "none"
                                                                  : "failed"));
    json_object_set_new(json, "reason", describe_string(status == EX_OK ? NULL : answer->error.text));
    json_object_set_new(json, "certificates", search_certificates_json(search));
    json_object_set_new(json, "lookups", lookups);
    return json;
}

static void print_find(const struct certificate_search *search, const char *rule)
{
    const struct certs_answer *answer = search->answer;
    printf("%s%s%s (rule %s)\n", output_style(stdout, STYLE_BOLD), search->address->text,
           output_style(stdout, STYLE_PLAIN), rule);
    search_print(search, 2);
    if (answer->found == FOUND)
        return;
    fflush(stdout);
    fprintf(stderr, "domsec: %s for %s: %s\n",
            answer->found == FOUND_FAILED ? "the lookup failed"
            : answer->count > 0           ? "no usable certificate"
                                          : "no certificate",
            search->address->text, answer->error.text);
}

static int find(const struct cert_call *call, const struct address *address)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(call->file, faults);
    owned(inquiry) struct inquiry *inquiry = conf != NULL ? inquiry_new(conf, address, time(NULL), faults) : NULL;
    cli_print_faults(stderr, faults);
    if (inquiry == NULL)
        return EX_CONFIG;
    const struct certificate_search *search = inquiry_search(inquiry);
    const char *rule = conf_partner(conf, address->domain)->name;
    if (call->as_json)
        describe_print_json(find_json(search, rule));
    else
        print_find(search, rule);
    return find_status(search->answer);
}

static int run_find(const struct command *self, int argc, char **argv)
{
    struct cert_call call;
    int status = cert_parse(self, argc, argv, "address", &call);
    if (status != CLI_GO)
        return status;
    struct address address = {0};
    if (!cli_address(call.operand, &address))
        return EX_USAGE;
    status = *address.text == '\0' ? cli_usage(self, "the address is empty") : find(&call, &address);
    address_clear(&address);
    return status;
}

static const struct command
    command_show =
        {.name = "cert show",
         .arguments = "[-c FILE] [--json] [--dns] ID|FILE",
         .summary = "show one certificate of the store, of our own or in a file in full",
         .details =
             "ID is the SHA-256 fingerprint of the certificate, or at least its first 8 digits. Of a FILE, the first\n"
             "certificate is shown; the configuration is then read only for --dns.\n",
         .run = cert_run_show},
    command_export = {.name = "cert export",
                      .arguments = "[-c FILE] ID",
                      .summary = "write one certificate of the store or of our own as PEM",
                      .run = cert_run_export},
    command_remove = {.name = "cert remove",
                      .arguments = "[-c FILE] ID",
                      .summary = "remove one certificate from the store",
                      .run = cert_run_remove},
    command_find = {
        .name = "cert find",
        .arguments = "[-c FILE] [--json] ADDRESS",
        .summary = "search for the encryption certificate of an address, and show the whole search",
        .details =
            "The exit status is 0 if a certificate may be used, 1 if some were found and none may be used, 2 if\n"
            "none was found, and 75 if that could not be found out.\n",
        .run = run_find};

static int run(const struct command *self, int argc, char **argv)
{
    static const struct command *const list[] = {&command_cert_import, &command_cert_list,    &command_show,
                                                 &command_export,      &command_remove,       &command_cert_prune,
                                                 &command_find,        &command_cert_approve, &command_cert_reject,
                                                 &command_cert_lint,   &command_cert_dns,     NULL};
    return cli_dispatch(self, list, argc, argv);
}

const struct command command_cert = {
    .name = "cert",
    .arguments = "import|list|show|export|remove|prune|find|approve|reject|lint",
    .summary = "manage partners' certificates",
    .run = run,
};
