/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: the steps of a search for programs, and the words for people.
 */
#include "gateway/search.h"

#include <string.h>

static json_t *text(const char *string)
{
    if (string == NULL)
        return json_null();
    g_autofree char *printable = text_printable_copy(string, strlen(string));
    return json_string(printable);
}

static json_t *certificates(const struct certificate_search *search, size_t first, size_t count)
{
    json_t *list = json_array();
    for (size_t i = first; i < first + count; i++) {
        char sha256[65] = "";
        g_autofree char *subject = certificate_subject(search->answer->list[i].certificate);
        g_autofree char *note = search->note(search->context, i);
        certificate_fingerprint(search->answer->list[i].certificate, sha256);
        json_t *object = json_object();
        json_object_set_new(object, "sha256", text(sha256));
        json_object_set_new(object, "subject", text(subject));
        json_object_set_new(object, "note", text(note));
        json_array_append_new(list, object);
    }
    return list;
}

void certificate_search_json(const struct certificate_search *search, json_t *list)
{
    static const char *const answers[] = {[FOUND] = "found", [FOUND_NONE] = "none", [FOUND_FAILED] = "failed"};
    size_t first = 0;
    for (size_t i = 0; i < search->answer->step_count; i++) {
        const struct certs_step *step = &search->answer->steps[i];
        json_t *object = json_object();
        json_object_set_new(object, "address", text(search->address->text));
        json_object_set_new(object, "purpose", text(search->purpose == CERTS_ENCRYPT ? "encrypt" : "verify"));
        json_object_set_new(object, "source", text(step->source));
        json_object_set_new(object, "asked", text(step->asked));
        json_object_set_new(object, "answer", text(answers[step->found]));
        json_object_set_new(object, "reason", text(step->note));
        json_object_set_new(object, "certificates", certificates(search, first, step->count));
        json_object_set_new(object, "microseconds", json_integer(step->microseconds));
        json_object_set_new(object, "cached", json_boolean(step->cached));
        json_array_append_new(list, object);
        first += step->count;
    }
}

static void add(GString *text, const char *words)
{
    g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", words);
}

char *certificate_search_outcome(const struct certs_step *step)
{
    GString *text = g_string_new(NULL);
    if (step->count > 0)
        g_string_append_printf(text, "%zu certificate%s", step->count, step->count == 1 ? "" : "s");
    if (step->again > 0)
        g_string_append_printf(text, "%s%zu known already", text->len > 0 ? ", " : "", step->again);
    if (step->found == FOUND_FAILED)
        add(text, "failed");
    else if (text->len == 0)
        g_string_append(text, "none");
    if (step->note != NULL)
        g_string_append_printf(text, "%s%s", step->found == FOUND_FAILED ? ": " : "; ", step->note);
    if (step->cached)
        add(text, "known from an earlier lookup");
    return g_string_free(text, FALSE);
}

const char *certificate_search_whose(const struct candidate *candidate)
{
    if (candidate->personal)
        return "the person";
    return candidate->group != NULL ? "the group" : "the domain";
}

/* --- of a message --- */

static char *note_of_recipient(const void *context, size_t candidate)
{
    const struct recipient_search *about = context;
    return passage_note(about->passage, about->recipient, candidate);
}

struct certificate_search passage_search(const struct recipient_search *about)
{
    const struct recipient_lookup *lookup = &about->passage->lookups.answers[about->recipient];
    return (struct certificate_search){lookup->destination.address, CERTS_ENCRYPT, &lookup->certificates,
                                       note_of_recipient, about};
}

/* Signatures take what they name; whether one did is said with its layer. */
static char *note_of_signer(const void *context, size_t candidate)
{
    (void)context;
    (void)candidate;
    return g_strdup("known to the check of signatures");
}

void passage_searches_json(const struct passage *passage, json_t *list)
{
    const struct lookups *lookups = &passage->lookups;
    if (lookups->signers.step_count > 0) {
        const struct certificate_search search = {&passage->mail.originator.from.list[0], CERTS_SIGNER,
                                                  &lookups->signers, note_of_signer, NULL};
        certificate_search_json(&search, list);
    }
    for (size_t i = 0; lookups->answers != NULL && i < passage->mail.envelope->recipient_count; i++) {
        const struct recipient_search about = {passage, i};
        const struct certificate_search search = passage_search(&about);
        certificate_search_json(&search, list);
    }
}
