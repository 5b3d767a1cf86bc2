/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pinned: the first source, the `certificates` of a rule: an administrator's word for a partner comes before what lies
 * in any store. All certificates of a file are candidates, in their order, whatever they are named.
 */
#include "source.h"

#include <openssl/err.h>
#include <string.h>

struct pinned_certificate {
    X509 *certificate;
    char **mailboxes;
};

struct pinned {
    GHashTable *by_rule; /* const struct rule * → GPtrArray of struct pinned_certificate * */
};

static void certificate_free(void *data)
{
    struct pinned_certificate *pinned = data;
    X509_free(pinned->certificate);
    g_strfreev(pinned->mailboxes);
    g_free(pinned);
}

static void pinned_close(void *state)
{
    struct pinned *pinned = state;
    g_hash_table_destroy(pinned->by_rule);
    g_free(pinned);
}

static bool load(const struct rule *rule, const char *file, GPtrArray *list, struct faults *faults)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *found = certificates_load(file, &error);
    if (found == NULL) {
        faults_add(faults, rule->file, 0, "certificates: %s", error.text);
        return false;
    }
    while (sk_X509_num(found) > 0) {
        struct pinned_certificate *entry = g_new0(struct pinned_certificate, 1);
        entry->certificate = sk_X509_shift(found);
        entry->mailboxes = certs_mailboxes(entry->certificate);
        g_ptr_array_add(list, entry);
    }
    return true;
}

static void *pinned_open(const struct conf *conf, struct faults *faults)
{
    bool good = true;
    struct pinned *pinned = g_new0(struct pinned, 1);
    pinned->by_rule = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    for (size_t i = 0; i < conf->rule_count; i++) {
        GPtrArray *list = g_ptr_array_new_with_free_func(certificate_free);
        for (char **file = conf->rules[i]->certificates; *file != NULL; file++)
            good = load(conf->rules[i], *file, list, faults) && good;
        g_hash_table_insert(pinned->by_rule, conf->rules[i], list);
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
    const GPtrArray *list = g_hash_table_lookup(pinned->by_rule, query->rule);
    if (list == NULL) {
        error_set(error, ERROR_BUG, "certificates asked for under a rule of another configuration");
        return FOUND_FAILED;
    }
    g_autofree char *mailbox = certs_mailbox(query->recipient);
    for (guint i = 0; i < list->len; i++) {
        const struct pinned_certificate *each = g_ptr_array_index(list, i);
        bool personal = g_strv_contains((const char *const *)each->mailboxes, mailbox);
        certs_answer_add(answer, each->certificate, personal);
    }
    return list->len > 0 ? FOUND : FOUND_NONE;
}

const struct certs_source certs_source_pinned = {
    .name = "file", .pinned = true, .open = pinned_open, .close = pinned_close, .find = pinned_find};
