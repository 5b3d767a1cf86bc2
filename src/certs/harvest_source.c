/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harvest_source: certificates that messages brought, as far as they were approved. They come in the order in which
 * they were harvested, so that whoever sends a newer one does not take the place of an older one that is valid. trust/
 * checks each of them as it checks any other, with the authorities that came with it.
 */
#include "source.h"
#include "store/harvest.h"
#include "store_names.h"

struct source {
    struct store *store;
    char *file;
};

static bool source_open(const struct conf *conf, void **state, struct faults *faults)
{
    (void)faults;
    if (conf->store == NULL || conf->harvest.approve == APPROVE_OFF)
        return true;
    struct source *source = g_new0(struct source, 1);
    source->store = store_open(conf->store);
    source->file = g_strdup(store_file(conf->store));
    *state = source;
    return true;
}

static void source_close(void *state)
{
    struct source *source = state;
    store_close(source->store);
    g_free(source->file);
    g_free(source);
}

/* NULL: none came with it. */
static STACK_OF(X509) * read_chain(struct slice der)
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

static void add_found(struct certs_question *question, const struct harvest_found *found)
{
    for (size_t i = 0; i < found->certificates.count; i++) {
        const struct store_certificate *each = &found->certificates.list[i];
        const unsigned char *der = (const unsigned char *)each->der.data;
        owned(X509) X509 *certificate = d2i_X509(NULL, &der, (long)each->der.len);
        STACK_OF(X509) *chain = read_chain(found->chains[i]);
        if (chain != NULL)
            chain = certs_question_keep(question, chain);
        if (certificate != NULL)
            certs_question_add(question, certificate, each->name == 0, chain);
    }
}

/* Returns false if the store has failed. */
static bool answer(const struct source *source, struct certs_question *question, int64_t deadline, struct error *error)
{
    int64_t began = g_get_monotonic_time();
    const struct address *address = question->query->address;
    g_autoptr(GArray) names = store_names_of(question->query);
    owned(harvest_found) struct harvest_found found = {0};
    const struct store_question asked = {.names = (const struct store_name *)(const void *)names->data,
                                         .count = names->len,
                                         .at = time(NULL),
                                         .deadline = deadline};
    bool failed = store_harvest_find(source->store, &asked, &found, error) == FOUND_FAILED;
    if (!failed)
        add_found(question, &found);
    certs_question_step(question, failed, began, failed ? error->text : NULL, "%s and %s in %s", address->text,
                        address->domain, source->file);
    if (!failed)
        certs_question_answered(question);
    return !failed;
}

/* A store that is locked makes the first question wait. The others need not wait, too. Signers are not asked for: what
 * was harvested came with a signature. */
static void source_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    struct error error = {0};
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        if (questions[i]->query->purpose == CERTS_SIGNER) {
            certs_question_answered(questions[i]);
            continue;
        }
        good = good && answer(state, questions[i], deadline, &error);
        if (!good)
            certs_question_failed(questions[i], true, &error);
    }
}

const struct certs_source certs_source_harvest = {
    .name = "harvest", .open = source_open, .close = source_close, .ask = source_ask};
