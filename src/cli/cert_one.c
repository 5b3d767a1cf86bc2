/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_one: the commands that take one certificate by its id, which is its SHA-256 fingerprint in hexadecimal digits,
 * with or without colons, or at least its first eight digits. `show` and `export` also find our own certificates;
 * `remove` finds only those of partners. `show` takes a file, too.
 */
#include "cert_one.h"

#include "cert_stored.h"
#include "certs/certs.h"
#include "describe.h"
#include "issue.h"
#include "mail_domains.h"
#include "output.h"

#include <string.h>

#define ID_DIGITS_MIN 8

int cert_parse(const struct command *self, int argc, char **argv, const char *wanted, struct cert_call *call)
{
    *call = (struct cert_call){.file = CLI_CONFIGURATION};
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(call->file),
                                          {"json", 0, OPTION_FLAG, &call->as_json, NULL, "print a JSON object"},
                                          CLI_OPTION_DNS(call->asks_dns)};
    bool has_json = strstr(self->arguments, "--json") != NULL, has_dns = strstr(self->arguments, "--dns") != NULL;
    int operands = 0;
    int status = cli_options(self, options, has_dns ? 3 : has_json ? 2 : 1, argc, argv, &operands);
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

/* The certificates of certificate_directory, then our own. Our own that cannot be read are left out; `check` reports
 * them. */
static STACK_OF(X509) * known_certificates(const struct conf *conf, bool with_own)
{
    owned(faults) struct faults *faults = faults_new();
    STACK_OF(X509) *all = certs_directory_list(conf, faults);
    cli_print_faults(stderr, faults);
    for (size_t i = 0; with_own && i < conf->identity_count; i++) {
        struct error ignored = {0};
        owned(x509_stack) STACK_OF(X509) *chain = identity_certificates(&conf->identities[i], &ignored);
        X509 *leaf = chain != NULL ? sk_X509_value(chain, 0) : NULL;
        if (leaf != NULL && X509_up_ref(leaf) == 1 && sk_X509_push(all, leaf) <= 0)
            X509_free(leaf);
    }
    return all;
}

/* One that was looked for by its id. */
struct match {
    X509 *certificate;
    bool is_stored;
    struct store_certificate stored; /* without its DER */
};

/* Returns false if it is another one than the one found before. */
static bool take_match(struct match *match, X509 *certificate)
{
    if (match->certificate != NULL)
        return X509_cmp(match->certificate, certificate) == 0;
    match->certificate = X509_up_ref(certificate) == 1 ? certificate : NULL;
    return true;
}

static bool find_stored(const char *uri, const char *id, struct match *match, struct error *error)
{
    owned(store_certificates) struct store_certificates found = {0};
    if (!cert_stored_find(uri, id, &found, error))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        owned(X509) X509 *certificate = cert_stored_parse(&found.list[i]);
        if (certificate == NULL || !take_match(match, certificate))
            return error_set(error, ERROR_PERMANENT, "more than one certificate has an id that begins with %s", id);
        match->is_stored = true;
        match->stored = found.list[i];
        match->stored.der = SLICE_NONE;
    }
    return true;
}

/* The certificate with that id, as a reference. False if there is not exactly one. with_own: also one of our own. */
static bool find_by_id(const struct conf *conf, const char *id, bool with_own, struct match *match, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *all = known_certificates(conf, with_own);
    if (conf->store != NULL && !find_stored(conf->store, id, match, error))
        return false;
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *certificate = sk_X509_value(all, i);
        char sha256[65];
        certificate_fingerprint(certificate, sha256);
        if (text_begins_with(sha256, id) && !take_match(match, certificate))
            return error_set(error, ERROR_PERMANENT, "more than one certificate has an id that begins with %s", id);
    }
    return match->certificate != NULL ||
           error_set(error, ERROR_PERMANENT, "no certificate has an id that begins with %s", id);
}

struct by_id {
    struct conf *conf;
    char *id;
    struct match match;
};

static int read_id(const struct command *self, const struct cert_call *words, struct by_id *call)
{
    call->id = cert_normal_id(words->operand);
    if (call->id == NULL)
        return cli_usage(
            self, "%s is not an id; an id has %d to 64 hexadecimal digits%s", words->operand, ID_DIGITS_MIN,
            g_file_test(words->operand, G_FILE_TEST_EXISTS) ? "; `domsec cert show` shows what is in a file" : "");
    call->conf = cli_conf(words->file);
    return call->conf != NULL ? CLI_GO : EX_CONFIG;
}

static int parse_by_id(const struct command *self, int argc, char **argv, struct by_id *call)
{
    struct cert_call words;
    int status = cert_parse(self, argc, argv, "id", &words);
    return status == CLI_GO ? read_id(self, &words, call) : status;
}

static void by_id_clear(struct by_id *call)
{
    g_free(call->id);
    conf_unref(call->conf);
    X509_free(call->match.certificate);
}

static void print_certificate(const X509 *certificate, const char *place)
{
    struct description of;
    description_make(certificate, &of);
    g_autofree char *addresses = describe_addresses(certificate);
    g_autofree char *days = describe_days(certificate);
    const char *const rows[][2] = {{"sha256", of.sha256},     {"subject", of.subject},  {"issuer", of.issuer},
                                   {"serial", of.serial},     {"addresses", addresses}, {"valid from", of.from},
                                   {"valid until", of.until}, {"days left", days},      {"key", of.key},
                                   {"key usage", of.usage},   {"for", of.purpose},      {"S/MIME BR", of.type},
                                   {"policies", of.policies}, {"from", place}};
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; i < G_N_ELEMENTS(rows) - (place == NULL); i++)
        table_row(table, rows[i]);
    table_print(table, stdout, 0, false);
    description_clear(&of);
}

/* stored: where it is in the store; NULL: elsewhere. conf: of which the DNS is asked; NULL: it is not asked. */
static int show(X509 *certificate, const struct store_certificate *stored, const struct conf *conf, bool as_json)
{
    struct error error = {0};
    owned(mail_domains) struct mail_domains domains = {0};
    if (conf != NULL && !mail_domains_ask(conf, certificate, &domains, &error))
        return cli_failed(&error);
    if (as_json) {
        json_t *json = stored != NULL ? cert_stored_json(certificate, stored) : describe_json(certificate);
        if (conf != NULL)
            json_object_set_new(json, "dns", mail_domains_json(&domains));
        describe_print_json(json);
        return EX_OK;
    }
    g_autofree char *place = stored != NULL ? cert_stored_place(stored) : NULL;
    g_autofree char *issuer = certificate_issuer(certificate);
    print_certificate(certificate, place);
    if (conf != NULL) {
        putchar('\n');
        mail_domains_print(&domains, issuer);
    }
    return EX_OK;
}

/* The first certificate in a file. No configuration is needed for it. */
static int show_file(const struct cert_call *words)
{
    struct error error = {0};
    owned(conf) struct conf *conf = words->asks_dns ? cli_conf(words->file) : NULL;
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(words->operand, &error);
    if (words->asks_dns && conf == NULL)
        return EX_CONFIG;
    return list != NULL ? show(sk_X509_value(list, 0), NULL, conf, words->as_json) : cli_bad_input(&error);
}

static int show_known(struct by_id *call, bool as_json, bool asks_dns)
{
    struct error error = {0};
    struct match *match = &call->match;
    if (!find_by_id(call->conf, call->id, true, match, &error))
        return cli_failed(&error);
    return show(match->certificate, match->is_stored ? &match->stored : NULL, asks_dns ? call->conf : NULL, as_json);
}

int cert_run_show(const struct command *self, int argc, char **argv)
{
    struct by_id call = {0};
    struct cert_call words;
    int status = cert_parse(self, argc, argv, "id or file", &words);
    if (status != CLI_GO)
        return status;
    g_autofree char *id = cert_normal_id(words.operand);
    if (id == NULL && g_file_test(words.operand, G_FILE_TEST_EXISTS))
        return show_file(&words);
    status = read_id(self, &words, &call);
    if (status == CLI_GO && call.conf != NULL)
        status = show_known(&call, words.as_json, words.asks_dns);
    by_id_clear(&call);
    return status;
}

static int export_pem(struct by_id *call)
{
    struct error error = {0};
    if (!find_by_id(call->conf, call->id, true, &call->match, &error))
        return cli_failed(&error);
    g_autofree char *pem = issue_certificate_pem(call->match.certificate, &error);
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

/* It may be in the store, in certificate_directory, or in both. */
static bool remove_everywhere(struct by_id *call, struct error *error)
{
    char sha256[65];
    if (!find_by_id(call->conf, call->id, false, &call->match, error))
        return false;
    certificate_fingerprint(call->match.certificate, sha256);
    if (!call->match.is_stored)
        return certs_directory_remove(call->conf, sha256, error);
    owned(store) struct store *store = store_open(call->conf->store);
    if (!store_certificates_remove(store, &call->match.stored.id, 1, error))
        return false;
    return call->conf->certificate_dir == NULL || certs_directory_remove(call->conf, sha256, error) ||
           error->kind == ERROR_PERMANENT; /* it is not there, too */
}

static int remove_one(struct by_id *call)
{
    struct error error = {0};
    bool removed = call->conf->store != NULL ? remove_everywhere(call, &error)
                                             : certs_directory_remove(call->conf, call->id, &error);
    if (!removed)
        return cli_failed(&error);
    printf("removed %s\n", call->id);
    if (!call->match.is_stored)
        cert_print_reload_hint();
    return EX_OK;
}

int cert_run_remove(const struct command *self, int argc, char **argv)
{
    struct by_id call = {0};
    int status = parse_by_id(self, argc, argv, &call);
    if (status == CLI_GO && call.conf != NULL)
        status = remove_one(&call);
    by_id_clear(&call);
    return status;
}
