/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_source: the certificates that `domsec cert import` put into the store. Each lookup reads the database, so that
 * a change counts at once.
 */
#include "stored.h"

static bool source_open(const struct conf *conf, void **state, struct faults *faults)
{
    (void)faults;
    *state = stored_open(conf);
    return true;
}

static bool find(struct store *store, struct store_question *asked, struct certs_question *question, char **note,
                 struct error *error)
{
    owned(store_certificates) struct store_certificates found = {0};
    unsigned odd = 0;
    asked->origin = STORE_IMPORTED;
    if (store_certificates_find(store, asked, &found, error) == FOUND_FAILED)
        return false;
    for (size_t i = 0; i < found.count; i++) {
        owned(X509) X509 *certificate = stored_certificate(&found.list[i]);
        if (certificate == NULL)
            odd++;
        else
            certs_question_add(question, certificate, found.list[i].name == 0, NULL);
    }
    if (odd > 0)
        *note = g_strdup_printf("%u of %zu are no certificates", odd, found.count);
    return true;
}

static void source_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    stored_ask(state, find, questions, count, deadline);
}

const struct certs_source certs_source_store = {
    .name = "store", .open = source_open, .close = stored_close, .ask = source_ask};
