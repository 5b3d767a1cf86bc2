/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pinned: the first source, the `certificates` of a partner: an administrator's word for a partner comes before what
 * lies in any store. All certificates of a file are candidates, in their order, whatever they are named.
 */
#include "source.h"

#include <string.h>

struct pinned_certificate {
    X509 *certificate;
    char **mailboxes;
};

struct pinned_list {
    GPtrArray *candidates; /* struct pinned_certificate * */
    STACK_OF(X509) * authorities;
};

struct pinned {
    GHashTable *by_partner; /* const struct partner * → struct pinned_list * */
};

static void certificate_free(void *data)
{
    struct pinned_certificate *pinned = data;
    X509_free(pinned->certificate);
    g_strfreev(pinned->mailboxes);
    g_free(pinned);
}

static void list_free(void *data)
{
    struct pinned_list *list = data;
    g_ptr_array_unref(list->candidates);
    sk_X509_pop_free(list->authorities, X509_free);
    g_free(list);
}

static struct pinned_list *list_new(void)
{
    struct pinned_list *list = g_new0(struct pinned_list, 1);
    list->candidates = g_ptr_array_new_with_free_func(certificate_free);
    list->authorities = sk_X509_new_null();
    if (list->authorities == NULL)
        g_error("out of memory");
    return list;
}

static void pinned_close(void *state)
{
    struct pinned *pinned = state;
    g_hash_table_destroy(pinned->by_partner);
    g_free(pinned);
}

/* Takes certificate. */
static void add(struct pinned_list *list, X509 *certificate)
{
    if (certs_is_authority(certificate)) {
        if (sk_X509_push(list->authorities, certificate) <= 0)
            g_error("out of memory");
        return;
    }
    struct pinned_certificate *entry = g_new0(struct pinned_certificate, 1);
    entry->certificate = certificate;
    entry->mailboxes = certs_mailboxes(certificate);
    g_ptr_array_add(list->candidates, entry);
}

static bool load(const struct partner *partner, const char *file, struct pinned_list *list, struct faults *faults)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *found = certificates_load(file, &error);
    if (found == NULL) {
        faults_add(faults, partner->file, partner->certificates_line, "certificates: %s", error.text);
        return false;
    }
    guint before = list->candidates->len;
    while (sk_X509_num(found) > 0)
        add(list, sk_X509_shift(found));
    if (list->candidates->len == before)
        faults_warn(faults, partner->file, partner->certificates_line, "certificates: %s contains only CA certificates",
                    file);
    return true;
}

static void *pinned_open(const struct conf *conf, struct faults *faults)
{
    bool good = true;
    struct pinned *pinned = g_new0(struct pinned, 1);
    pinned->by_partner = g_hash_table_new_full(NULL, NULL, NULL, list_free);
    for (size_t i = 0; i < conf->partner_count; i++) {
        struct pinned_list *list = list_new();
        for (char **file = conf->partners[i]->certificates; *file != NULL; file++)
            good = load(conf->partners[i], *file, list, faults) && good;
        g_hash_table_insert(pinned->by_partner, conf->partners[i], list);
    }
    if (good)
        return pinned;
    pinned_close(pinned);
    return NULL;
}

static enum found pinned_find(const void *state, const struct certs_query *query, struct certs_answer *answer,
                              struct error *error)
{
    const struct pinned *pinned = state;
    const struct pinned_list *list = g_hash_table_lookup(pinned->by_partner, query->partner);
    if (list == NULL) {
        error_set(error, ERROR_BUG, "the partner belongs to another configuration");
        return FOUND_FAILED;
    }
    g_autofree char *mailbox = certs_mailbox(query->recipient);
    answer->authorities = list->authorities;
    for (guint i = 0; i < list->candidates->len; i++) {
        const struct pinned_certificate *each = g_ptr_array_index(list->candidates, i);
        bool personal = g_strv_contains((const char *const *)each->mailboxes, mailbox);
        certs_answer_add(answer, each->certificate, personal);
    }
    return list->candidates->len > 0 ? FOUND : FOUND_NONE;
}

const struct certs_source certs_source_pinned = {
    .name = "file", .pinned = true, .open = pinned_open, .close = pinned_close, .find = pinned_find};
