/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored: asks the store under the names of a query, step by step as the printed search shows it. Nothing is asked when
 * a source is opened: a store that cannot be read fails the lookups that need it, and serves the next ones when it can.
 */
#include "stored.h"

#include "store_names.h"

struct stored *stored_open(const struct conf *conf)
{
    if (conf->store == NULL)
        return NULL;
    struct stored *stored = g_new0(struct stored, 1);
    stored->store = store_open(conf->store);
    stored->file = g_strdup(store_file(conf->store));
    return stored;
}

void stored_close(void *state)
{
    struct stored *stored = state;
    store_close(stored->store);
    g_free(stored->file);
    g_free(stored);
}

X509 *stored_certificate(const struct store_certificate *stored)
{
    const unsigned char *der = (const unsigned char *)stored->der.data;
    return d2i_X509(NULL, &der, (long)stored->der.len);
}

STACK_OF(X509) * stored_chain(struct slice der)
{
    owned(x509_stack) STACK_OF(X509) *chain = sk_X509_new_null();
    const unsigned char *at = (const unsigned char *)der.data, *end = at + der.len;
    while (chain != NULL && at < end) {
        owned(X509) X509 *each = d2i_X509(NULL, &at, end - at);
        if (each == NULL || sk_X509_push(chain, each) <= 0)
            return NULL;
        steal(&each);
    }
    return steal(&chain);
}

static bool answer(const struct stored *stored, stored_find *find, struct certs_question *question, int64_t deadline,
                   struct error *error)
{
    int64_t began = g_get_monotonic_time();
    const struct address *address = question->query->address;
    g_autoptr(GArray) names = store_names_of(question->query);
    g_autofree char *note = NULL;
    struct store_question asked = {.names = (const struct store_name *)(const void *)names->data,
                                   .count = names->len,
                                   .at = time(NULL),
                                   .deadline = deadline};
    bool good = find(stored->store, &asked, question, &note, error);
    certs_question_step(question, !good, began, good ? note : error->text, "%s and %s in %s", address->text,
                        address->domain, stored->file);
    if (good)
        certs_question_answered(question);
    return good;
}

void stored_ask(const struct stored *stored, stored_find *find, struct certs_question *const *questions, size_t count,
                int64_t deadline)
{
    struct error error = {0};
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = good && answer(stored, find, questions[i], deadline, &error);
        if (!good)
            certs_question_failed(questions[i], true, &error);
    }
}
