/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored_walk: goes through the store in pages, each of which is a transaction of its own, because the
 * caller may be slow.
 */
#include "certs/certs.h"
#include "store/harvest.h"
#include "stored.h"

#define PAGE 50

struct walk {
    const struct certs_walk *asked;
    bool imported, harvested; /* such certificates are a source of the configuration */
    size_t left;
    int64_t before;
};

/* Returns false at the end of the walk. */
static bool take(struct walk *walk, const struct store_certificate *stored, struct slice der)
{
    owned(X509) X509 *certificate = stored_certificate(stored);
    owned(x509_stack) STACK_OF(X509) *chain = stored_chain(der);
    walk->before = stored->id;
    if (certificate == NULL || !(stored->origin == STORE_HARVESTED ? walk->harvested : walk->imported))
        return true;
    walk->left--;
    return walk->asked->take(walk->asked->context, certificate, chain) && walk->left > 0;
}

static bool walk_page(struct walk *walk, struct store *store)
{
    struct error ignored = {0};
    owned(harvest_found) struct harvest_found found = {0};
    if (!store_harvest_recent(store, walk->before, PAGE, walk->asked->at, &found, &ignored))
        return false;
    for (size_t i = 0; i < found.certificates.count; i++)
        if (!take(walk, &found.certificates.list[i], found.chains[i]))
            return false;
    return found.certificates.count == PAGE;
}

void certs_walk_store(const struct conf *conf, const struct certs_walk *asked)
{
    struct walk walk = {.asked = asked, .left = asked->limit, .before = INT64_MAX};
    walk.imported = g_strv_contains((const char *const *)conf->sources, certs_source_store.name);
    walk.harvested = conf->harvest.approve != APPROVE_OFF &&
                     g_strv_contains((const char *const *)conf->sources, certs_source_harvest.name);
    if (conf->store == NULL || walk.left == 0 || (!walk.imported && !walk.harvested) ||
        !g_file_test(store_file(conf->store), G_FILE_TEST_EXISTS))
        return;
    owned(store) struct store *store = store_open(conf->store);
    while (walk_page(&walk, store))
        ;
}
