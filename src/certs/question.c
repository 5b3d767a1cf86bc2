/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question: what a source says to a question. It is only written down here; certs.c decides what it means.
 */
#include "source.h"

/* A group's certificate may also be that of one of its addresses, and the partner may prefer either kind. */
static void add(struct certs_question *question, const struct candidate *candidate)
{
    struct certs_answer *answer = question->answer;
    for (size_t i = 0; i < answer->count; i++)
        if ((answer->list[i].group != NULL) == (candidate->group != NULL) &&
            X509_cmp(answer->list[i].certificate, candidate->certificate) == 0)
            return;
    answer->list = g_renew(struct candidate, answer->list, answer->count + 1);
    X509_up_ref(candidate->certificate);
    answer->list[answer->count] = *candidate;
    answer->list[answer->count].source = question->source->name;
    answer->list[answer->count++].pinned = question->source->pinned;
}

void certs_question_add(struct certs_question *question, X509 *certificate, bool personal, STACK_OF(X509) * authorities)
{
    add(question, &(struct candidate){.certificate = certificate, .personal = personal, .authorities = authorities});
}

void certs_question_add_of_group(struct certs_question *question, X509 *certificate, const struct group_conf *group,
                                 STACK_OF(X509) * authorities)
{
    add(question, &(struct candidate){.certificate = certificate, .group = group, .authorities = authorities});
}

void certs_question_answered(struct certs_question *question)
{
    question->answered = true;
}

void certs_question_failed_kind(struct certs_question *question, enum certificate_kind kind, const struct error *error)
{
    if (!question->failed || (kind == CERTIFICATE_OWN && !question->kind_failed[CERTIFICATE_OWN]))
        question->answer->error = *error;
    question->failed = question->answered = true;
    question->kind_failed[kind] = true;
}

/* A group's certificates come from the partner's file alone. */
void certs_question_failed(struct certs_question *question, bool personal, const struct error *error)
{
    if (personal)
        certs_question_failed_kind(question, CERTIFICATE_OWN, error);
    certs_question_failed_kind(question, CERTIFICATE_DOMAIN, error);
}
