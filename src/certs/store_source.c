/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_source: the certificates that `domsec cert import` put into the store. Each lookup reads the database, so that
 * a change counts at once, and nothing is asked of it at the start: a store that cannot be read fails the lookups that
 * need it, and serves the next ones when it can.
 */
#include "source.h"
#include "store_names.h"

struct source {
    struct store *store;
    char *file;
};

static bool source_open(const struct conf *conf, void **state, struct faults *faults)
{
    (void)faults;
    if (conf->store == NULL)
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

/* Returns how many are no certificates. */
static unsigned add_found(struct certs_question *question, const struct store_certificates *found)
{
    unsigned odd = 0;
    for (size_t i = 0; i < found->count; i++) {
        const unsigned char *der = (const unsigned char *)found->list[i].der.data;
        owned(X509) X509 *certificate = d2i_X509(NULL, &der, (long)found->list[i].der.len);
        if (certificate == NULL)
            odd++;
        else
            certs_question_add(question, certificate, found->list[i].name == 0, NULL);
    }
    return odd;
}

/* Returns false if the store has failed. */
static bool answer(const struct source *source, struct certs_question *question, int64_t deadline, struct error *error)
{
    int64_t began = g_get_monotonic_time();
    const struct address *address = question->query->address;
    g_autoptr(GArray) names = store_names_of(question->query);
    owned(store_certificates) struct store_certificates found = {0};
    const struct store_question asked = {.names = (const struct store_name *)(const void *)names->data,
                                         .count = names->len,
                                         .origin = STORE_IMPORTED,
                                         .at = time(NULL),
                                         .deadline = deadline};
    bool failed = store_certificates_find(source->store, &asked, &found, error) == FOUND_FAILED;
    unsigned odd = failed ? 0 : add_found(question, &found);
    g_autofree char *note = odd > 0 ? g_strdup_printf("%u of %zu are no certificates", odd, found.count) : NULL;
    certs_question_step(question, failed, began, failed ? error->text : note, "%s and %s in %s", address->text,
                        address->domain, source->file);
    if (!failed)
        certs_question_answered(question);
    return !failed;
}

/* A store that is locked makes the first question wait. The others need not wait, too. */
static void source_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    struct error error = {0};
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = good && answer(state, questions[i], deadline, &error);
        if (!good)
            certs_question_failed(questions[i], true, &error);
    }
}

const struct certs_source certs_source_store = {
    .name = "store", .open = source_open, .close = source_close, .ask = source_ask};
