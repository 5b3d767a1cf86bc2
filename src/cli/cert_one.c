/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_one: the commands that take one certificate by its id, which is its SHA-256 fingerprint in hexadecimal digits,
 * with or without colons, or at least its first eight digits. `show` and `export` also find our own certificates;
 * `remove` finds only those of the store.
 */
#include "cert_one.h"

#include "certs/certs.h"
#include "describe.h"
#include "issue.h"
#include "output.h"

#include <string.h>

#define ID_DIGITS_MIN 8

int cert_parse(const struct command *self, int argc, char **argv, const char *wanted, struct cert_call *call)
{
    *call = (struct cert_call){.file = CLI_CONFIGURATION};
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(call->file),
                                          {"json", 0, OPTION_FLAG, &call->as_json, NULL, "print a JSON object"}};
    bool has_json = strstr(self->arguments, "--json") != NULL;
    int operands = 0;
    int status = cli_options(self, options, has_json ? 2 : 1, argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands != 1)
        return cli_usage(self, "exactly one %s is required", wanted);
    call->operand = argv[operands];
    return CLI_GO;
}

void cert_print_reload_hint(void)
{
    printf("the change takes effect when the daemon reloads (SIGHUP)\n");
}

char *cert_normal_id(const char *text)
{
    GString *id = g_string_new(NULL);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ':')
            continue;
        if (!g_ascii_isxdigit(*p)) {
            g_string_free(id, TRUE);
            return NULL;
        }
        g_string_append_c(id, g_ascii_tolower(*p));
    }
    if (id->len >= ID_DIGITS_MIN && id->len <= 64)
        return g_string_free(id, FALSE);
    g_string_free(id, TRUE);
    return NULL;
}

/* The certificates of the store, then our own. Our own that cannot be read are left out; `check` reports them. */
static STACK_OF(X509) * known_certificates(const struct conf *conf)
{
    owned(faults) struct faults *faults = faults_new();
    STACK_OF(X509) *all = certs_directory_list(conf, faults);
    cli_print_faults(stderr, faults);
    for (size_t i = 0; i < conf->identity_count; i++) {
        struct error ignored = {0};
        owned(x509_stack) STACK_OF(X509) *chain = identity_certificates(&conf->identities[i], &ignored);
        X509 *leaf = chain != NULL ? sk_X509_value(chain, 0) : NULL;
        if (leaf != NULL && X509_up_ref(leaf) == 1 && sk_X509_push(all, leaf) <= 0)
            X509_free(leaf);
    }
    return all;
}

/* The certificate with that id, as a reference. NULL if there is not exactly one; the reason is then on standard
 * error. */
static X509 *find_by_id(const struct conf *conf, const char *id)
{
    owned(x509_stack) STACK_OF(X509) *all = known_certificates(conf);
    X509 *found = NULL;
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *certificate = sk_X509_value(all, i);
        char sha256[65];
        certificate_fingerprint(certificate, sha256);
        if (!text_begins_with(sha256, id) || (found != NULL && X509_cmp(found, certificate) == 0))
            continue;
        if (found != NULL) {
            fprintf(stderr, "domsec: more than one certificate has an id that begins with %s\n", id);
            return NULL;
        }
        found = certificate;
    }
    if (found == NULL)
        fprintf(stderr, "domsec: no certificate has an id that begins with %s\n", id);
    return found != NULL && X509_up_ref(found) == 1 ? found : NULL;
}

struct by_id {
    struct conf *conf;
    char *id;
    bool as_json;
};

static int parse_by_id(const struct command *self, int argc, char **argv, struct by_id *call)
{
    struct cert_call words;
    int status = cert_parse(self, argc, argv, "id", &words);
    if (status != CLI_GO)
        return status;
    call->as_json = words.as_json;
    call->id = cert_normal_id(words.operand);
    if (call->id == NULL)
        return cli_usage(self, "%s is not an id; an id has %d to 64 hexadecimal digits%s", words.operand, ID_DIGITS_MIN,
                         g_file_test(words.operand, G_FILE_TEST_EXISTS)
                             ? "; `domsec cert import --dry-run` shows what a file contains"
                             : "");
    call->conf = cli_conf(words.file);
    return call->conf != NULL ? CLI_GO : EX_CONFIG;
}

static void by_id_clear(struct by_id *call)
{
    g_free(call->id);
    conf_unref(call->conf);
}

static void print_certificate(const X509 *certificate)
{
    struct description of;
    description_make(certificate, &of);
    g_autofree char *addresses = describe_addresses(certificate);
    g_autofree char *days = describe_days(certificate);
    const char *const rows[][2] = {{"sha256", of.sha256},     {"subject", of.subject},  {"issuer", of.issuer},
                                   {"serial", of.serial},     {"addresses", addresses}, {"valid from", of.from},
                                   {"valid until", of.until}, {"days left", days},      {"key", of.key},
                                   {"key usage", of.usage},   {"for", of.purpose},      {"S/MIME BR", of.type},
                                   {"policies", of.policies}};
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        table_row(table, rows[i]);
    table_print(table, stdout, 0, false);
    description_clear(&of);
}

int cert_run_show(const struct command *self, int argc, char **argv)
{
    struct by_id call = {0};
    int status = parse_by_id(self, argc, argv, &call);
    if (status == CLI_GO && call.conf != NULL) {
        owned(X509) X509 *certificate = find_by_id(call.conf, call.id);
        if (certificate != NULL && call.as_json)
            describe_print_json(describe_json(certificate));
        else if (certificate != NULL)
            print_certificate(certificate);
        status = certificate != NULL ? EX_OK : EX_DATAERR;
    }
    by_id_clear(&call);
    return status;
}

static int export_pem(const struct by_id *call)
{
    struct error error = {0};
    owned(X509) X509 *certificate = find_by_id(call->conf, call->id);
    if (certificate == NULL)
        return EX_DATAERR;
    g_autofree char *pem = issue_certificate_pem(certificate, &error);
    if (pem == NULL)
        return cli_failed(&error);
    fputs(pem, stdout);
    return EX_OK;
}

int cert_run_export(const struct command *self, int argc, char **argv)
{
    struct by_id call = {0};
    int status = parse_by_id(self, argc, argv, &call);
    if (status == CLI_GO && call.conf != NULL)
        status = export_pem(&call);
    by_id_clear(&call);
    return status;
}

int cert_run_remove(const struct command *self, int argc, char **argv)
{
    struct by_id call = {0};
    struct error error = {0};
    int status = parse_by_id(self, argc, argv, &call);
    if (status == CLI_GO && call.conf != NULL) {
        bool removed = certs_directory_remove(call.conf, call.id, &error);
        status = removed ? EX_OK : cli_failed(&error);
        if (removed) {
            printf("removed %s\n", call.id);
            cert_print_reload_hint();
        }
    }
    by_id_clear(&call);
    return status;
}
