/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: asks each source in turn and puts their answers into one list, best first.
 *
 * A source that cannot answer makes the whole answer "failed", even if another one has found something: the one that is
 * down may hold what the administrator prefers, and failed is never none. Whether a candidate may be encrypted for is
 * trust's to say.
 */
#include "source.h"

static const struct certs_source *const sources[] = {&certs_source_pinned, &certs_source_store};

struct certs {
    void *states[G_N_ELEMENTS(sources)];
};

struct certs *certs_open(const struct conf *conf, struct faults *faults)
{
    bool good = true;
    struct certs *certs = g_new0(struct certs, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        certs->states[i] = sources[i]->open(conf, faults);
        good = good && certs->states[i] != NULL;
    }
    if (good)
        return certs;
    certs_close(certs);
    return NULL;
}

void certs_close(struct certs *certs)
{
    if (certs == NULL)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
        if (certs->states[i] != NULL)
            sources[i]->close(certs->states[i]);
    g_free(certs);
}

void certs_answer_add(struct certs_answer *answer, X509 *certificate, bool personal)
{
    struct candidates *all = answer->candidates;
    for (size_t i = 0; i < all->count; i++)
        if (X509_cmp(all->list[i].certificate, certificate) == 0)
            return;
    all->list = g_renew(struct candidate, all->list, all->count + 1);
    X509_up_ref(certificate);
    all->list[all->count++] = (struct candidate){.certificate = certificate,
                                                 .source = answer->source->name,
                                                 .pinned = answer->source->pinned,
                                                 .personal = personal,
                                                 .authorities = answer->authorities};
}

enum found certs_find(const struct certs *certs, const struct partner *partner, const struct address *recipient,
                      struct candidates *candidates, struct error *error)
{
    struct certs_query query = {.partner = partner, .recipient = recipient};
    *candidates = (struct candidates){0};
    if (recipient->domain == NULL || recipient->domain[0] == '\0')
        return FOUND_NONE; /* the null reverse-path */
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        struct certs_answer answer = {.source = sources[i], .candidates = candidates};
        if (sources[i]->find(certs->states[i], &query, &answer, error) == FOUND_FAILED) {
            candidates_clear(candidates);
            return FOUND_FAILED;
        }
    }
    return candidates->count > 0 ? FOUND : FOUND_NONE;
}

void candidates_clear(struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        X509_free(candidates->list[i].certificate);
    g_free(candidates->list);
    *candidates = (struct candidates){0};
}
