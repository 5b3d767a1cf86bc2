/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the second source, the certificates of certificate_directory, found by address and by domain.
 *
 * The folder is read once and indexed, so that a lookup per recipient is a few hash probes and never touches the disk.
 * The ascent to a parent domain ends at the registrable domain (public suffix list): nobody owns what lies above it.
 * Changing the folder is directory.c's part.
 */
#include "source.h"

#include <libpsl.h>
#include <string.h>

struct store {
    GHashTable *by_mailbox; /* "local@domain" → GPtrArray of X509 *, newest first */
    GHashTable *by_domain;  /* domain → the same, for those that may act for a whole domain */
    STACK_OF(X509) * authorities;
};

static void store_close(void *state)
{
    struct store *store = state;
    g_hash_table_destroy(store->by_mailbox);
    g_hash_table_destroy(store->by_domain);
    sk_X509_pop_free(store->authorities, X509_free);
    g_free(store);
}

static void list_free(void *data)
{
    GPtrArray *list = data;
    g_ptr_array_set_free_func(list, (GDestroyNotify)X509_free);
    g_ptr_array_unref(list);
}

/* Takes the keys, not the vector. */
static void index_under(GHashTable *index, char **names, X509 *certificate)
{
    for (; *names != NULL; names++) {
        GPtrArray *list = g_hash_table_lookup(index, *names);
        if (list == NULL) {
            list = g_ptr_array_new();
            g_hash_table_insert(index, g_strdup(*names), list);
        }
        X509_up_ref(certificate);
        g_ptr_array_add(list, certificate);
    }
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
    const X509 *first = *(X509 *const *)a, *second = *(X509 *const *)b;
    int order = ASN1_TIME_compare(X509_get0_notBefore(second), X509_get0_notBefore(first));
    return order != 0 ? order : X509_cmp(first, second); /* the same order at each start */
}

static void sort_all(GHashTable *index)
{
    GHashTableIter iterator;
    gpointer list;
    g_hash_table_iter_init(&iterator, index);
    while (g_hash_table_iter_next(&iterator, NULL, &list))
        g_ptr_array_sort(list, newest_first);
}

static void *store_open(const struct conf *conf, struct faults *faults)
{
    size_t before = faults_errors(faults);
    owned(x509_stack) STACK_OF(X509) *all = certs_store_list(conf, faults);
    if (faults_errors(faults) > before)
        return NULL; /* an unreadable certificate would look like none at all */
    struct store *store = g_new0(struct store, 1);
    store->by_mailbox = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
    store->by_domain = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
    store->authorities = sk_X509_new_null();
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *certificate = sk_X509_value(all, i);
        if (certs_is_authority(certificate)) {
            if (store->authorities == NULL || !X509_add_cert(store->authorities, certificate, X509_ADD_FLAG_UP_REF))
                g_error("out of memory");
            continue;
        }
        g_auto(GStrv) mailboxes = certs_mailboxes(certificate);
        g_auto(GStrv) domains = certs_domains(certificate);
        index_under(store->by_mailbox, mailboxes, certificate);
        index_under(store->by_domain, domains, certificate);
    }
    sort_all(store->by_mailbox);
    sort_all(store->by_domain);
    return store;
}

static void add_list(struct certs_answer *answer, GHashTable *index, const char *name, bool personal)
{
    const GPtrArray *list = g_hash_table_lookup(index, name);
    for (guint i = 0; list != NULL && i < list->len; i++)
        certs_answer_add(answer, g_ptr_array_index(list, i), personal);
}

/* The domain itself, then its parents; a public suffix stands for nobody below it, and an address literal has no
 * parents. */
static void add_domains(struct certs_answer *answer, const struct store *store, const char *domain)
{
    const psl_ctx_t *suffixes = psl_builtin();
    add_list(answer, store->by_domain, domain, false);
    if (domain[0] == '[' || suffixes == NULL)
        return;
    for (const char *dot = strchr(domain, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        if (psl_is_public_suffix(suffixes, dot + 1))
            return;
        add_list(answer, store->by_domain, dot + 1, false);
    }
}

static enum found store_find(const void *state, const struct certs_query *query, struct certs_answer *answer,
                             struct error *error)
{
    (void)error;
    const struct store *store = state;
    size_t before = answer->candidates->count;
    answer->authorities = store->authorities;
    g_autofree char *mailbox = certs_mailbox(query->recipient);
    add_list(answer, store->by_mailbox, mailbox, true);
    add_domains(answer, store, query->recipient->domain);
    return answer->candidates->count > before ? FOUND : FOUND_NONE;
}

const struct certs_source certs_source_store = {
    .name = "store", .open = store_open, .close = store_close, .find = store_find};
