/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harvest_source: certificates that messages brought, as far as they were approved. They come in the order in which
 * they were harvested, so that the sender of a newer one does not take the place of an older one that is valid. trust/
 * checks each of them as it checks any other, with the authorities that came with it.
 */
#include "store/harvest.h"
#include "stored.h"

static bool source_open(const struct conf *conf, void **state, struct faults *faults)
{
    (void)faults;
    if (conf->harvest.approve != APPROVE_OFF)
        *state = stored_open(conf);
    return true;
}

static bool find(struct store *store, struct store_question *asked, struct certs_question *question, char **note,
                 struct error *error)
{
    (void)note;
    owned(harvest_found) struct harvest_found found = {0};
    if (store_harvest_find(store, asked, &found, error) == FOUND_FAILED)
        return false;
    for (size_t i = 0; i < found.certificates.count; i++) {
        const struct store_certificate *each = &found.certificates.list[i];
        owned(X509) X509 *certificate = stored_certificate(each);
        STACK_OF(X509) *chain = stored_chain(found.chains[i]);
        if (chain != NULL)
            chain = certs_question_keep(question, chain);
        if (certificate != NULL)
            certs_question_add(question, certificate, each->name == 0, chain);
    }
    return true;
}

/* Signers are not asked for: what was harvested came with a signature. */
static void source_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    g_autofree struct certs_question **wanted = g_new(struct certs_question *, count + 1);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (questions[i]->query->purpose == CERTS_SIGNER)
            certs_question_answered(questions[i]);
        else
            wanted[kept++] = questions[i];
    stored_ask(state, find, wanted, kept, deadline);
}

const struct certs_source certs_source_harvest = {
    .name = "harvest", .open = source_open, .close = stored_close, .ask = source_ask};
