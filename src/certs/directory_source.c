/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory_source: the certificates of certificate_directory, found by address and by domain.
 *
 * The folder is read once and indexed, so that a lookup is a few hash probes and never touches the disk. The ascent to
 * a parent domain ends at the registrable domain (public suffix list), because a public suffix has no owner who could
 * act for what lies below it. directory.c changes the folder.
 */
#include "index_names.h"
#include "source.h"

struct entry {
    X509 *certificate;
    unsigned roles; /* INDEX_ROLE(): in which it may act for a domain */
};

struct directory {
    GHashTable *by_mailbox; /* "local@domain" → GArray of struct entry, newest first */
    GHashTable *by_domain;  /* domain → the same */
    STACK_OF(X509) * authorities;
    const char *folder; /* lent by conf */
};

/* --- reading --- */

static void directory_close(void *state)
{
    struct directory *directory = state;
    g_hash_table_destroy(directory->by_mailbox);
    g_hash_table_destroy(directory->by_domain);
    x509_stack_free(directory->authorities);
    g_free(directory);
}

static void entry_clear(void *data)
{
    struct entry *entry = data;
    X509_free(entry->certificate);
}

static void list_free(void *data)
{
    g_array_unref(data);
}

static void index_under(GHashTable *index, const char *name, X509 *certificate, unsigned roles)
{
    struct entry entry = {.certificate = certificate, .roles = roles};
    GArray *list = g_hash_table_lookup(index, name);
    if (list == NULL) {
        list = g_array_new(FALSE, FALSE, sizeof(struct entry));
        g_array_set_clear_func(list, entry_clear);
        g_hash_table_insert(index, g_strdup(name), list);
    }
    X509_up_ref(certificate);
    g_array_append_val(list, entry);
}

static void add(struct directory *directory, X509 *certificate)
{
    if (index_is_authority(certificate)) {
        if (!X509_add_cert(directory->authorities, certificate, X509_ADD_FLAG_UP_REF))
            g_error("out of memory");
        return;
    }
    g_auto(GStrv) mailboxes = index_mailboxes(certificate);
    for (char **each = mailboxes; *each != NULL; each++)
        index_under(directory->by_mailbox, *each, certificate, 0);
    g_autoptr(GArray) domains = index_domains(certificate);
    for (guint i = 0; i < domains->len; i++) {
        const struct index_domain *domain = &g_array_index(domains, struct index_domain, i);
        index_under(directory->by_domain, domain->name, certificate, domain->roles);
    }
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
    const X509 *first = ((const struct entry *)a)->certificate, *second = ((const struct entry *)b)->certificate;
    int order = ASN1_TIME_compare(X509_get0_notBefore(second), X509_get0_notBefore(first));
    return order != 0 ? order : X509_cmp(first, second); /* the same order at each start */
}

static void sort_all(GHashTable *index)
{
    GHashTableIter iterator;
    gpointer list;
    g_hash_table_iter_init(&iterator, index);
    while (g_hash_table_iter_next(&iterator, NULL, &list))
        g_array_sort(list, newest_first);
}

static bool directory_open(const struct conf *conf, void **state, struct faults *faults)
{
    if (conf->certificate_dir == NULL)
        return true;
    size_t before = faults_errors(faults);
    owned(x509_stack) STACK_OF(X509) *all = certs_directory_list(conf, faults);
    if (faults_errors(faults) > before)
        return false; /* an unreadable certificate would look like none */
    struct directory *directory = g_new0(struct directory, 1);
    directory->by_mailbox = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
    directory->by_domain = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
    directory->authorities = sk_X509_new_null();
    if (directory->authorities == NULL)
        g_error("out of memory");
    for (int i = 0; i < sk_X509_num(all); i++)
        add(directory, sk_X509_value(all, i));
    sort_all(directory->by_mailbox);
    sort_all(directory->by_domain);
    directory->folder = conf->certificate_dir;
    *state = directory;
    return true;
}

/* --- answering --- */

static void add_mailbox(struct certs_question *question, const struct directory *directory)
{
    g_autofree char *mailbox = index_mailbox(question->query->address);
    const GArray *list = g_hash_table_lookup(directory->by_mailbox, mailbox);
    for (guint i = 0; list != NULL && i < list->len; i++)
        certs_question_add(question, g_array_index(list, struct entry, i).certificate, true, directory->authorities);
}

static void add_domain(struct certs_question *question, const struct directory *directory, const char *domain)
{
    unsigned roles =
        question->query->purpose == CERTS_SIGNER ? INDEX_ANY_ROLE : INDEX_ROLE(ROLE_DOMAIN_CONFIDENTIALITY);
    const GArray *list = g_hash_table_lookup(directory->by_domain, domain);
    for (guint i = 0; list != NULL && i < list->len; i++) {
        const struct entry *entry = &g_array_index(list, struct entry, i);
        if ((entry->roles & roles) != 0)
            certs_question_add(question, entry->certificate, false, directory->authorities);
    }
}

static void add_domains(struct certs_question *question, const struct directory *directory)
{
    g_auto(GStrv) domains = index_ascent(question->query->address->domain);
    for (char **each = domains; *each != NULL; each++)
        add_domain(question, directory, *each);
}

/* Other gateways than those of RFC 3183 have addresses of their own. */
static void add_gateways(struct certs_question *question, const struct directory *directory)
{
    const struct partner *partner = question->query->partner;
    for (char **each = partner != NULL ? partner->gateway_addresses : NULL; each != NULL && *each != NULL; each++) {
        const GArray *list = g_hash_table_lookup(directory->by_mailbox, *each);
        for (guint i = 0; list != NULL && i < list->len; i++)
            certs_question_add(question, g_array_index(list, struct entry, i).certificate, false,
                               directory->authorities);
    }
}

static void directory_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    (void)deadline; /* never waits */
    const struct directory *directory = state;
    for (size_t i = 0; i < count; i++) {
        int64_t began = g_get_monotonic_time();
        const struct address *address = questions[i]->query->address;
        add_mailbox(questions[i], directory);
        add_domains(questions[i], directory);
        add_gateways(questions[i], directory);
        certs_question_step(questions[i], false, began, NULL, "%s and %s in %s", address->text, address->domain,
                            directory->folder);
        certs_question_answered(questions[i]);
    }
}

const struct certs_source certs_source_directory = {
    .name = "directory", .open = directory_open, .close = directory_close, .ask = directory_ask};
