/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_list: shows the certificates of certificate_directory, and those of the store page by page: a million of them
 * needs no memory, and a list that is paused on a terminal holds nothing in the database.
 */
#include "cert_list.h"

#include "cert_pending.h"
#include "cert_stored.h"
#include "certs/certs.h"
#include "describe.h"
#include "output.h"

#define PAGE 500

/* What is printed, one certificate after the other. */
struct listing {
    bool as_json, with_place; /* with_place: there is a store, so that the place is shown */
    struct table *table;      /* of the rows that are not printed yet; NULL: none */
    bool headed;              /* the heading was printed */
    size_t count;
};

static void begin_table(struct listing *listing)
{
    const char *const heading[] = {"id", "expires", "days", listing->with_place ? "from" : "name", "name"};
    listing->table = table_new(listing->with_place ? 5 : 4);
    if (!listing->headed)
        table_row(listing->table, heading);
}

/* stored: what the store says of it; NULL: it is in certificate_directory. */
static void list_one(struct listing *listing, const X509 *certificate, const struct store_certificate *stored)
{
    if (listing->as_json) {
        json_t *json = listing->with_place ? cert_stored_json(certificate, stored) : describe_json(certificate);
        fputs(listing->count == 0 ? "[\n" : ",\n", stdout);
        json_dumpf(json, stdout, JSON_INDENT(2));
        json_decref(json);
    } else {
        if (listing->table == NULL)
            begin_table(listing);
        g_autofree char *id = describe_id(certificate);
        g_autofree char *expires = describe_date(X509_get0_notAfter(certificate));
        g_autofree char *days = describe_days(certificate);
        g_autofree char *name = describe_name(certificate);
        g_autofree char *place = cert_stored_place(stored);
        const char *cells[] = {id, expires, days, listing->with_place ? place : name, name};
        table_row(listing->table, cells);
    }
    listing->count++;
}

static void end_page(struct listing *listing)
{
    if (listing->table == NULL)
        return;
    table_print(listing->table, stdout, 0, !listing->headed);
    listing->headed = true;
    table_free(listing->table);
    listing->table = NULL;
}

static bool list_store(struct listing *listing, const struct conf *conf, struct error *error)
{
    owned(store) struct store *store = store_open(conf->store);
    for (int64_t after = 0;;) {
        owned(store_certificates) struct store_certificates page = {0};
        if (!store_certificates_page(store, after, PAGE, &page, error))
            return false;
        if (page.count == 0)
            return true;
        for (size_t i = 0; i < page.count; i++) {
            owned(X509) X509 *certificate = cert_stored_parse(&page.list[i]);
            if (certificate != NULL)
                list_one(listing, certificate, &page.list[i]);
        }
        end_page(listing);
        after = page.list[page.count - 1].id;
    }
}

static int list_all(struct listing *listing, const struct conf *conf)
{
    struct error error = {0};
    owned(faults) struct faults *faults = faults_new();
    owned(x509_stack) STACK_OF(X509) *certificates = certs_directory_list(conf, faults);
    cli_print_faults(stderr, faults);
    for (int i = 0; i < sk_X509_num(certificates); i++)
        list_one(listing, sk_X509_value(certificates, i), NULL);
    bool good = conf->store == NULL || list_store(listing, conf, &error);
    end_page(listing);
    if (listing->as_json)
        fputs(listing->count == 0 ? "[]\n" : "\n]\n", stdout);
    else if (listing->count == 0 && good)
        printf("no certificates\n");
    if (!good)
        return cli_failed(&error);
    return faults_errors(faults) > 0 ? EX_CONFIG : EX_OK;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    bool as_json = false, pending = false;
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(file),
                                          {"pending", 0, OPTION_FLAG, &pending, NULL, "those that wait for approval"},
                                          {"json", 0, OPTION_FLAG, &as_json, NULL, "print a JSON array"}};
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    if (pending)
        return cert_list_pending(conf, as_json);
    struct listing listing = {.as_json = as_json, .with_place = conf->store != NULL};
    return list_all(&listing, conf);
}

const struct command command_cert_list = {
    .name = "cert list",
    .arguments = "[-c FILE] [--json] [--pending]",
    .summary = "show the certificates in the store",
    .run = run,
};
