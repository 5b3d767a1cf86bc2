/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question: what a source says to a question. It is only written down here; search.c decides what it means.
 */
#include "reply.h"

#include "base/metrics.h"

#include <stdarg.h>

static void candidate_clear(void *data)
{
    X509_free(((struct candidate *)data)->certificate);
}

static void step_clear(void *data)
{
    struct certs_step *step = data;
    g_free((char *)step->asked);
    g_free((char *)step->note);
}

struct certs_reply *reply_new(const struct certs_source *source)
{
    struct certs_reply *reply = g_new0(struct certs_reply, 1);
    reply->references = 1;
    reply->source = source;
    reply->candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
    g_array_set_clear_func(reply->candidates, candidate_clear);
    reply->steps = g_array_new(FALSE, FALSE, sizeof(struct certs_step));
    g_array_set_clear_func(reply->steps, step_clear);
    reply->kept = g_ptr_array_new_with_free_func((GDestroyNotify)x509_stack_free);
    reply->zones = g_ptr_array_new_with_free_func(associations_unref);
    return reply;
}

struct certs_reply *reply_ref(struct certs_reply *reply)
{
    g_atomic_int_inc(&reply->references);
    return reply;
}

void reply_unref(void *data)
{
    struct certs_reply *reply = data;
    if (!g_atomic_int_dec_and_test(&reply->references))
        return;
    g_array_unref(reply->candidates);
    g_array_unref(reply->steps);
    g_ptr_array_unref(reply->kept);
    g_ptr_array_unref(reply->zones);
    g_free(reply);
}

bool reply_has_failed(const struct certs_reply *reply)
{
    for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
        if (reply->failed[kind])
            return true;
    return false;
}

static void add(struct certs_question *question, const struct candidate *candidate)
{
    struct candidate added = *candidate;
    added.source =
        question->reply->source->shown != NULL ? question->reply->source->shown : question->reply->source->name;
    added.pinned = question->reply->source->pinned;
    X509_up_ref(added.certificate);
    g_array_append_val(question->reply->candidates, added);
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

void certs_question_add_associated(struct certs_question *question, X509 *certificate, bool personal,
                                   STACK_OF(X509) * authorities, struct associations *associations)
{
    if (associations != NULL)
        g_ptr_array_add(question->reply->zones, associations_ref(associations));
    add(question, &(struct candidate){.certificate = certificate,
                                      .personal = personal,
                                      .authorities = authorities,
                                      .associations = associations});
}

STACK_OF(X509) * certs_question_keep(struct certs_question *question, STACK_OF(X509) * authorities)
{
    g_ptr_array_add(question->reply->kept, authorities);
    return authorities;
}

/* The candidates that came with a step. */
static size_t count_said(const struct certs_reply *reply)
{
    size_t count = 0;
    for (guint i = 0; i < reply->steps->len; i++)
        count += g_array_index(reply->steps, struct certs_step, i).count;
    return count;
}

static char *printable(const char *text)
{
    size_t size = 4 * strlen(text) + 1;
    char *safe = g_malloc(size);
    text_printable(safe, size, text, strlen(text));
    return safe;
}

void certs_question_step(struct certs_question *question, bool failed, int64_t began, const char *note,
                         const char *asked, ...)
{
    struct certs_reply *reply = question->reply;
    va_list values;
    va_start(values, asked);
    g_autofree char *text = g_strdup_vprintf(asked, values);
    va_end(values);
    struct certs_step step = {.source = reply->source->name,
                              .asked = printable(text),
                              .note = note != NULL ? printable(note) : NULL,
                              .count = reply->candidates->len - count_said(reply),
                              .microseconds = g_get_monotonic_time() - began};
    step.found = failed ? FOUND_FAILED : step.count > 0 ? FOUND : FOUND_NONE;
    g_array_append_val(reply->steps, step);
}

void certs_question_valid_for(struct certs_question *question, unsigned seconds)
{
    question->reply->seconds = seconds;
}

void certs_question_answered(struct certs_question *question)
{
    question->reply->answered = true;
}

static void fail_kind(struct certs_reply *reply, enum certificate_kind kind, const struct error *error)
{
    if (!reply->failed[kind])
        reply->errors[kind] = *error;
    reply->failed[kind] = reply->answered = true;
}

/* A group's certificates come from the partner's file alone. */
void certs_question_failed(struct certs_question *question, bool personal, const struct error *error)
{
    if (personal)
        fail_kind(question->reply, CERTIFICATE_OWN, error);
    fail_kind(question->reply, CERTIFICATE_DOMAIN, error);
}

static const struct error *first_error(const struct certs_reply *reply)
{
    return &reply->errors[reply->failed[CERTIFICATE_OWN] ? CERTIFICATE_OWN : CERTIFICATE_DOMAIN];
}

void reply_complete(struct certs_question *question, int64_t began)
{
    struct certs_reply *reply = question->reply;
    struct error silent = {0};
    if (!reply->answered) {
        error_set(&silent, ERROR_BUG, "the source \"%s\" did not answer", reply->source->name);
        certs_question_failed(question, true, &silent);
    }
    bool failed = reply_has_failed(reply), has_said = !failed;
    for (guint i = 0; i < reply->steps->len; i++)
        has_said = has_said || g_array_index(reply->steps, struct certs_step, i).found == FOUND_FAILED;
    if (reply->steps->len > 0 && has_said && count_said(reply) == reply->candidates->len)
        return;
    certs_question_step(question, failed, began, failed ? first_error(reply)->text : NULL, "%s",
                        question->query->address->text);
}

void reply_sign(struct certs_reply *reply)
{
    for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
        if (reply->failed[kind] && !text_begins_with(reply->errors[kind].text, reply->source->name))
            error_prefix(&reply->errors[kind], "%s", reply->source->name);
}

void reply_count(const struct certs_reply *reply, bool cached)
{
    char labels[100];
    int64_t microseconds = 0;
    const char *answer = reply_has_failed(reply) ? "failed" : reply->candidates->len > 0 ? "found" : "none";
    g_snprintf(labels, sizeof(labels), "source=\"%s\",answer=\"%s\",cached=\"%s\"", reply->source->name, answer,
               cached ? "yes" : "no");
    metrics_add("domsec_lookups_total", labels, 1);
    if (cached || !reply->source->waits)
        return;
    for (guint i = 0; i < reply->steps->len; i++)
        microseconds += g_array_index(reply->steps, struct certs_step, i).microseconds;
    g_snprintf(labels, sizeof(labels), "source=\"%s\"", reply->source->name);
    metrics_add("domsec_lookup_seconds_total", labels, (double)microseconds / G_USEC_PER_SEC);
}
