/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line: one passage as one line for people. It answers who could read a message, and with which key: it names each
 * certificate that was used by the first digits of its SHA-256.
 */
#include "internal.h"
#include "learn.h"
#include "tested.h"

#include <string.h>

#define CERTIFICATES_MAX 1500 /* octets of the line, for each list of certificates */

#define REDIRECTIONS_MAX 600 /* octets, roughly */

/* key="value" with the quotes escaped, so that a line can be taken apart again. */
static void append_quoted(GString *line, const char *key, const char *value)
{
    char printable[700];
    const char *known = value != NULL ? value : "";
    text_printable(printable, sizeof(printable), known, strlen(known));
    g_string_append_printf(line, " %s=\"", key);
    for (const char *c = printable; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(line, '\\');
        g_string_append_c(line, *c);
    }
    g_string_append_c(line, '"');
}

/* The recipients that the MTA delivers to other addresses than those given. */
static void append_redirections(GString *line, const struct envelope *envelope)
{
    g_autoptr(GString) all = g_string_new(NULL);
    for (size_t i = 0; i < envelope->recipient_count && all->len < REDIRECTIONS_MAX; i++) {
        const struct recipient *recipient = &envelope->recipients[i];
        if (recipient_is_redirected(recipient))
            g_string_append_printf(all, "%s%s to %s", all->len > 0 ? ", " : "", recipient->address.text,
                                   recipient->resolved.text);
    }
    if (all->len > 0)
        append_quoted(line, "redirected", all->str);
}

static void append_layers(GString *line, const struct passage *passage)
{
    const struct judgement *judgement = &passage->plan.judgement;
    const char *separator = " layers=";
    for (size_t i = 0; i < judgement->layer_count; i++) {
        const struct layer_view *view = &passage->lookups.views[i];
        if (judgement->layers[i].hidden)
            continue;
        g_string_append_printf(line, "%s%s%s:%s", separator, view->partial ? "partial-" : "",
                               layer_type_name(view->facts->type), outcome_name(judgement->layers[i].finding.outcome));
        separator = ",";
    }
}

/* What a library said of a lookup that failed, which stands in no reason. */
static void append_cause(GString *line, const struct passage *passage)
{
    for (size_t i = 0; passage->lookups.answers != NULL && i < passage->mail.envelope->recipient_count; i++) {
        const struct error *error = &passage->lookups.answers[i].certificates.error;
        if (strcmp(error->text, error->said) == 0)
            continue;
        append_quoted(line, "cause", error->text);
        return;
    }
}

/* --- who could read it, and who signed it --- */

/* Fingerprints, each once, in the order in which they were added. */
struct prints {
    GString *text;
    unsigned left_out;
};

static void prints_add(struct prints *prints, const char *sha256)
{
    g_autofree char *id = g_strndup(sha256 != NULL ? sha256 : "", FINGERPRINT_DIGITS);
    if (*id == '\0' || strstr(prints->text->str, id) != NULL)
        return;
    if (prints->text->len >= CERTIFICATES_MAX)
        prints->left_out++;
    else
        g_string_append_printf(prints->text, "%s%s", prints->text->len > 0 ? "," : "", id);
}

static void prints_add_own(struct prints *prints, const struct identity *identity)
{
    if (identity != NULL)
        prints_add(prints, identity->sha256);
}

static void prints_add_certificate(struct prints *prints, const X509 *certificate)
{
    char sha256[65] = "";
    certificate_fingerprint(certificate, sha256);
    prints_add(prints, sha256);
}

/* Frees the list. */
static void append_prints(GString *line, const char *key, struct prints *prints)
{
    if (prints->text->len > 0)
        g_string_append_printf(line, " %s=%s", key, prints->text->str);
    if (prints->left_out > 0)
        g_string_append_printf(line, ",and-%u-more", prints->left_out);
    g_string_free(prints->text, TRUE);
}

static void append_signed_with(GString *line, const struct passage *passage)
{
    struct prints prints = {.text = g_string_new(NULL)};
    enum own signers[OWN_COUNT];
    size_t count = policy_signers(&passage->made.treatment, &passage->plan.wrapping, signers);
    for (size_t i = 0; i < count; i++)
        prints_add_own(&prints, lookups_own(&passage->lookups, &passage->plan.wrapping, signers[i]));
    append_prints(line, "signed_with", &prints);
}

static void append_encrypted_to(GString *line, const struct passage *passage)
{
    const struct lookups *lookups = &passage->lookups;
    struct prints prints = {.text = g_string_new(NULL)};
    for (size_t i = 0; passage->made.treatment.encrypt && i < passage->mail.envelope->recipient_count; i++) {
        const struct certs_answer *answer = &lookups->answers[i].certificates;
        if (answer->found == FOUND && answer->chosen < answer->count)
            prints_add_certificate(&prints, answer->list[answer->chosen].certificate);
    }
    if (passage->made.treatment.encrypt && passage->plan.wrapping.encrypt_to_self)
        prints_add_own(&prints, lookups_own(lookups, &passage->plan.wrapping, OWN_AUDITOR));
    append_prints(line, "encrypted_to", &prints);
}

/* What came, whether it was taken off or not. */
static void append_layers_keys(GString *line, const struct passage *passage)
{
    const struct examination *examination = passage->mail.examination;
    struct prints opened = {.text = g_string_new(NULL)}, signers = {.text = g_string_new(NULL)};
    for (size_t i = 0; i < passage->plan.judgement.layer_count; i++) {
        const struct layer_lookup *detail = &passage->lookups.details[i];
        const struct judged_layer *judged = &passage->plan.judgement.layers[i];
        if (judged->hidden)
            continue;
        if (judged->holds || examination->layers[i].partial)
            prints_add_own(&opened, examination->layers[i].layer.identity);
        for (size_t j = 0; j < detail->signer_count; j++)
            prints_add(&signers, detail->names[j].sha256);
    }
    append_prints(line, "opened_with", &opened);
    append_prints(line, "signed_by", &signers);
}

/* --- certificates that count although their revocation is not known --- */

/* The first signer of a layer that passes whose revocation is not known, and why; g_free(). NULL: no such signer. */
static char *unchecked_signer(const struct passage *passage)
{
    const struct judgement *judgement = &passage->plan.judgement;
    for (size_t i = 0; i < judgement->layer_count; i++) {
        const struct layer_view *view = &passage->lookups.views[i];
        bool counts = judgement->layers[i].finding.outcome == OUTCOME_PASS && !judgement->layers[i].hidden;
        for (unsigned j = 0; counts && j < view->facts->signer_count; j++)
            for (size_t k = 0; view->signers[j].trust != NULL && k < passage->mail.authors.count; k++)
                if (view->signers[j].trust[k].unchecked != NULL)
                    return g_strdup_printf("%s: one certificate %s", view->signers[j].subject,
                                           view->signers[j].trust[k].unchecked);
    }
    return NULL;
}

/* The first such recipient; as above. */
static char *unchecked_recipient(const struct passage *passage)
{
    for (size_t i = 0; passage->made.treatment.encrypt && i < passage->mail.envelope->recipient_count; i++) {
        const struct certs_answer *answer = &passage->lookups.answers[i].certificates;
        bool is_used = answer->found == FOUND && answer->chosen < answer->count;
        g_autofree char *why = is_used ? candidate_unchecked(&answer->list[answer->chosen]) : NULL;
        if (why != NULL)
            return g_strdup_printf("%s: %s", passage->mail.envelope->recipients[i].address.text, why);
    }
    return NULL;
}

static void append_unchecked(GString *line, const struct passage *passage)
{
    g_autofree char *recipient = unchecked_recipient(passage);
    g_autofree char *signer = recipient == NULL ? unchecked_signer(passage) : NULL;
    if (recipient != NULL || signer != NULL)
        append_quoted(line, "unchecked", recipient != NULL ? recipient : signer);
}

/* --- header fields --- */

static char *line_of(const struct field *field)
{
    return field != NULL ? field_unfolded(field->value) : g_strdup("not one field");
}

static void append_fields(GString *line, const struct made_fields *fields)
{
    g_autoptr(GString) restored = g_string_new(NULL), differences = g_string_new(NULL);
    for (size_t i = 0; i < fields->restored_count; i++) {
        g_string_append(restored, i > 0 ? "," : "");
        g_string_append_len(restored, fields->restored[i]->name.data, (gssize)fields->restored[i]->name.len);
    }
    for (size_t i = 0; i < fields->difference_count; i++) {
        const struct protected_difference *difference = &fields->differences[i];
        g_autofree char *inside = line_of(difference->inside), *outside = line_of(difference->outside);
        g_string_append_printf(differences, "%s%s: %.200s (protected), %.200s (received)", i > 0 ? "; " : "",
                               difference->name, inside, outside);
    }
    if (restored->len > 0)
        append_quoted(line, "restored", restored->str);
    if (differences->len > 0)
        append_quoted(line, "protected_policy", differences->str);
}

/* --- the line --- */

static void append_message(GString *line, const struct passage *passage)
{
    const struct message *message = passage->mail.message;
    const struct field *id = message != NULL ? fields_find(message_fields(message), "Message-ID", 1) : NULL;
    g_autofree char *value = id != NULL ? g_strndup(id->value.data, id->value.len) : NULL;
    append_quoted(line, "message_id", value != NULL ? g_strstrip(value) : NULL);
    g_string_append_printf(line, " size=%zu", message != NULL ? message_bytes(message).len : 0);
}

static void append_client(GString *line, const struct envelope *envelope)
{
    append_quoted(line, "client", envelope->client_address);
    if (envelope->authenticated != NULL)
        append_quoted(line, "login", envelope->authenticated);
}

static void append_split(GString *line, const struct passage *passage)
{
    const struct opened_box *opened = passage->copy != NULL ? passage->copy->opened : NULL;
    if (passage->plan.needs_split)
        g_string_append_printf(line, " split=1 forms=%zu", passage->plan.form_count);
    if (passage->made.sealed[0] != '\0')
        g_string_append_printf(line, " sealed=%s", passage->made.sealed);
    if (passage->is_second)
        g_string_append_printf(line, " split=2");
    if (opened != NULL)
        g_string_append_printf(line, " opened=%s sealed_as=%s", opened->key_id,
                               opened->envelope->queue_id != NULL ? opened->envelope->queue_id : "NOQUEUE");
}

/* What was new; nearly all is known. */
static void append_learned(GString *line, const struct learned *learned)
{
    g_autoptr(GString) all = g_string_new(NULL);
    for (size_t i = 0; i < learned->count; i++) {
        const struct lesson *lesson = &learned->list[i];
        if (strcmp(lesson_result(lesson), "known") != 0)
            g_string_append_printf(all, "%s%s %s %.16s", all->len > 0 ? ", " : "", lesson_result(lesson), lesson->name,
                                   lesson->sha256);
    }
    if (all->len > 0)
        append_quoted(line, "harvest", all->str);
    if (learned->failure.kind != ERROR_NONE)
        append_quoted(line, "harvest_failed", learned->failure.text);
}

static void append_test(GString *line, const struct passage *passage)
{
    g_autofree char *text = tested_text(passage);
    if (text[0] != '\0')
        append_quoted(line, "test", text);
}

char *passage_log_line(const struct passage *passage)
{
    const struct envelope *envelope = passage->mail.envelope;
    const struct judgement *judgement = &passage->plan.judgement;
    const struct reply *reply = &passage->reply;
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%s: direction=%s", envelope->queue_id != NULL ? envelope->queue_id : "NOQUEUE",
                           direction_name(passage->plan.direction));
    append_quoted(line, "from", passage_author(passage));
    append_quoted(line, "sender", envelope->sender.text);
    append_quoted(line, "to", envelope->recipient_count > 0 ? envelope->recipients[0].address.text : "");
    append_redirections(line, envelope);
    g_string_append_printf(line, " nrcpt=%zu verdict=%s code=%u status=%s", envelope->recipient_count,
                           verdict_name(reply->verdict), reply->code, reply->status);
    append_message(line, passage);
    append_client(line, envelope);
    if (passage->plan.direction == DIRECTION_OUTBOUND) {
        g_string_append_printf(line, " protect=%s null_signature=\"%s\"", passage_protection(passage),
                               made_null_signature(&passage->made));
        if (passage->made.leaving.count > 0)
            g_string_append_printf(line, " header_protection=%s", passage_header_protection(passage));
    } else {
        g_autofree char *rules = passage_rules(passage);
        append_quoted(line, "rule", rules);
    }
    append_split(line, passage);
    g_string_append_printf(line, " domain=%s originator=%s", outcome_name(judgement->domain.outcome),
                           outcome_name(judgement->originator.outcome));
    append_layers(line, passage);
    append_layers_keys(line, passage);
    append_signed_with(line, passage);
    append_encrypted_to(line, passage);
    append_unchecked(line, passage);
    append_quoted(line, "reason", reply->reason);
    append_test(line, passage);
    if (passage->made.note != NULL)
        append_quoted(line, "note", passage->made.note);
    append_fields(line, &passage->made.fields);
    append_cause(line, passage);
    append_learned(line, &passage->learned);
    g_autofree char *hint = hint_for_signature(passage);
    if (hint != NULL)
        append_quoted(line, "hint", hint);
    if (outcome_is_worse(judgement->domain.outcome, OUTCOME_NONE))
        append_quoted(line, "domain_reason", judgement->domain.reason);
    if (outcome_is_worse(judgement->originator.outcome, OUTCOME_NONE))
        append_quoted(line, "originator_reason", judgement->originator.reason);
    double seconds = (double)(g_get_monotonic_time() - passage->began) / G_USEC_PER_SEC;
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(line, " duration=%s", g_ascii_formatd(number, sizeof(number), "%.3f", seconds));
    return g_string_free(line, FALSE);
}
