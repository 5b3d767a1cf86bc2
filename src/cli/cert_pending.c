/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_pending: decides about certificates that messages brought (key `harvest`). The daemon sees a decision at once.
 * Each is decided once: a second decision, in another process, is refused, and to change a decision a certificate is
 * removed and harvested again.
 */
#include "cert_pending.h"

#include "cert_one.h"
#include "describe.h"
#include "output.h"
#include "store/harvest.h"

#include <string.h>

#define PAGE 100

static int say_failure(const struct error *error)
{
    fprintf(stderr, "domsec: %s\n", error->text);
    return error->kind == ERROR_TEMPORARY ? EX_TEMPFAIL : EX_CONFIG;
}

/* NULL if none was found; then it has said why. */
static struct store *open_store(const struct conf *conf)
{
    if (conf->store != NULL)
        return store_open(conf->store);
    fprintf(stderr, "domsec: %s has no \"store\", so nothing is harvested\n", conf->file);
    return NULL;
}

static X509 *parse(const struct store_certificate *certificate)
{
    const unsigned char *der = (const unsigned char *)certificate->der.data;
    return d2i_X509(NULL, &der, (long)certificate->der.len);
}

/* --- list --- */

static void add_row(struct table *table, const struct harvest_pending *pending, const X509 *certificate)
{
    g_autofree char *id = describe_id(certificate), *name = describe_name(certificate);
    g_autofree char *expires = describe_date(X509_get0_notAfter(certificate));
    const char *cells[] = {id, pending->names, expires, name};
    table_row(table, cells);
}

static json_t *as_object(const struct harvest_pending *pending, const X509 *certificate)
{
    json_t *json = describe_json(certificate), *names = json_array();
    g_auto(GStrv) list = g_strsplit(pending->names, " ", -1);
    for (char **each = list; *each != NULL; each++)
        json_array_append_new(names, describe_string(*each));
    json_object_set_new(json, "for", names);
    return json;
}

struct listing {
    struct table *table;
    json_t *json;
    size_t count;
};

static void list_page(GPtrArray *page, struct listing *listing, int64_t *after)
{
    for (guint i = 0; i < page->len; i++) {
        const struct harvest_pending *pending = g_ptr_array_index(page, i);
        owned(X509) X509 *certificate = parse(&pending->certificate);
        *after = pending->certificate.id;
        if (certificate == NULL)
            continue;
        listing->count++;
        add_row(listing->table, pending, certificate);
        json_array_append_new(listing->json, as_object(pending, certificate));
    }
}

int cert_list_pending(const struct conf *conf, bool as_json)
{
    static const char *const heading[] = {"id", "for", "expires", "name"};
    owned(store) struct store *store = open_store(conf);
    owned(table) struct table *table = table_new(G_N_ELEMENTS(heading));
    struct listing listing = {.table = table};
    struct error error = {0};
    int64_t after = 0;
    if (store == NULL)
        return EX_CONFIG;
    listing.json = json_array();
    table_row(table, heading);
    for (bool more = true; more;) {
        g_autoptr(GPtrArray) page = store_harvest_pending(store, after, PAGE, &error);
        if (page == NULL) {
            json_decref(listing.json);
            return say_failure(&error);
        }
        list_page(page, &listing, &after);
        more = page->len == PAGE;
    }
    if (as_json)
        describe_print_json(listing.json);
    else if (listing.count == 0)
        printf("no certificate waits for approval\n");
    else
        table_print(table, stdout, 0, true);
    if (!as_json)
        json_decref(listing.json);
    return EX_OK;
}

/* --- approve, reject --- */

/* Returns false, after it has said why, if there is not exactly one. */
static bool find(struct store *store, const char *id, struct store_certificate *found, int *status)
{
    struct error error = {0};
    owned(store_certificates) struct store_certificates list = {0};
    *status = EX_USAGE;
    if (!store_certificates_by_id(store, id, 2, &list, &error))
        *status = say_failure(&error);
    else if (list.count == 0)
        fprintf(stderr, "domsec: no certificate has an id that begins with %s\n", id);
    else if (list.count > 1)
        fprintf(stderr, "domsec: more than one certificate has an id that begins with %s\n", id);
    else
        *status = EX_OK;
    if (*status != EX_OK)
        return false;
    *found = list.list[0];
    found->der = SLICE_NONE;
    return true;
}

static int decide(const struct conf *conf, const char *id, enum store_state state, bool as_json)
{
    const char *done = state == STORE_USED ? "approved" : "rejected";
    owned(store) struct store *store = open_store(conf);
    struct store_certificate found;
    struct error error = {0};
    bool decided = false;
    int status = EX_CONFIG;
    if (store == NULL || !find(store, id, &found, &status))
        return status;
    if (!store_harvest_decide(store, found.id, state, &decided, &error))
        return say_failure(&error);
    if (!decided) {
        fprintf(stderr, "domsec: %.16s does not wait for approval: it was %s\n", found.sha256,
                found.origin == STORE_IMPORTED  ? "imported"
                : found.state == STORE_REJECTED ? "rejected"
                                                : "decided before");
        return EX_USAGE;
    }
    if (as_json)
        describe_print_json(json_pack("{s:s, s:s}", "sha256", found.sha256, "result", done));
    else
        printf("%s %.16s\n", done, found.sha256);
    return EX_OK;
}

static int run(const struct command *self, int argc, char **argv, enum store_state state)
{
    struct cert_call call;
    int status = cert_parse(self, argc, argv, "id", &call);
    if (status != CLI_GO)
        return status;
    g_autofree char *id = cert_normal_id(call.operand);
    if (id == NULL)
        return cli_usage(self, "%s is not an id; an id has 8 to 64 hexadecimal digits", call.operand);
    owned(conf) struct conf *conf = cli_conf(call.file);
    return conf != NULL ? decide(conf, id, state, call.as_json) : EX_CONFIG;
}

static int run_approve(const struct command *self, int argc, char **argv)
{
    return run(self, argc, argv, STORE_USED);
}

static int run_reject(const struct command *self, int argc, char **argv)
{
    return run(self, argc, argv, STORE_REJECTED);
}

const struct command command_cert_approve = {.name = "cert approve",
                                             .arguments = "[-c FILE] [--json] ID",
                                             .summary = "use a certificate that a message brought",
                                             .details =
                                                 "`domsec cert list --pending` shows those that wait for approval.\n",
                                             .run = run_approve},
                     command_cert_reject = {.name = "cert reject",
                                            .arguments = "[-c FILE] [--json] ID",
                                            .summary = "never use a certificate that a message brought",
                                            .details = "It is not harvested again until it is removed (cert remove).\n",
                                            .run = run_reject};
