/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question: what a source says to a question. It is only written down here; certs.c decides what it means.
 */
#include "source.h"

void certs_question_add(struct certs_question *question, X509 *certificate, bool personal, STACK_OF(X509) * authorities)
{
    struct certs_answer *answer = question->answer;
    for (size_t i = 0; i < answer->count; i++)
        if (X509_cmp(answer->list[i].certificate, certificate) == 0)
            return;
    answer->list = g_renew(struct candidate, answer->list, answer->count + 1);
    X509_up_ref(certificate);
    answer->list[answer->count++] = (struct candidate){.certificate = certificate,
                                                       .source = question->source->name,
                                                       .pinned = question->source->pinned,
                                                       .personal = personal,
                                                       .authorities = authorities};
}

void certs_question_answered(struct certs_question *question)
{
    question->answered = true;
}

void certs_question_failed(struct certs_question *question, bool personal, const struct error *error)
{
    if (!question->failed || (personal && !question->own_failed))
        question->answer->error = *error;
    question->failed = question->answered = true;
    question->own_failed |= personal;
}
