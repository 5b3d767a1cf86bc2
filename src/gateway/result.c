/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result: what became of a message, and the SMTP reply that says it. One table orders the verdicts, so that no path can
 * pair a rejection with a 2xx. How a result is shown is in report.c.
 */
#include "internal.h"

#include <string.h>

static const struct {
    unsigned code;
    const char *status;
} replies[] = {
    [VERDICT_ACCEPT] = {250, "2.0.0"},
    [VERDICT_REJECT] = {550, "5.7.1"},
    [VERDICT_TEMPFAIL] = {451, "4.7.1"},
    [VERDICT_QUARANTINE] = {250, "2.0.0"},
};

struct result *result_new(enum direction direction)
{
    struct result *result = g_new0(struct result, 1);
    result->direction = direction;
    g_strlcpy(result->domain.reason, "no domain signature", sizeof(result->domain.reason));
    g_strlcpy(result->originator.reason, "no originator's signature", sizeof(result->originator.reason));
    /* Whatever forgets to decide defers the message. */
    result_decide(result, VERDICT_TEMPFAIL, "4.3.0", "no decision was made");
    return result;
}

/* Replies go over SMTP and through smfi_setreply(): printable ASCII without its format character. */
void result_reply(struct result *result, const char *text)
{
    size_t out = 0;
    for (const char *c = text; *c != '\0' && out + 1 < sizeof(result->reply); c++)
        result->reply[out++] = (*c < ' ' || *c > '~' || *c == '%') ? '?' : *c;
    result->reply[out] = '\0';
}

void result_decide(struct result *result, enum verdict verdict, const char *status, const char *reason)
{
    if (verdict > VERDICT_QUARANTINE) {
        verdict = VERDICT_TEMPFAIL;
        status = "4.3.0";
    }
    result->verdict = verdict;
    result->code = replies[verdict].code;
    g_strlcpy(result->status, status != NULL ? status : replies[verdict].status, sizeof(result->status));
    g_strlcpy(result->reason, reason, sizeof(result->reason));
    result_reply(result, result->reason);
}

void result_fail(struct result *result, const struct error *error)
{
    /* RFC 3463: 4.3.5 system incorrectly configured, 4.3.0 other system failure. */
    result_decide(result, VERDICT_TEMPFAIL, error->kind == ERROR_CONFIGURATION ? "4.3.5" : "4.3.0", error->text);
}

void result_refuse(struct result *result, const struct error *error)
{
    if (error->kind == ERROR_TOO_LARGE) {
        result_decide(result, VERDICT_REJECT, "5.3.4", error->text);
        result->code = 552;
    } else if (error->kind == ERROR_PERMANENT) {
        result_decide(result, VERDICT_REJECT, "5.6.0", error->text);
    } else {
        result_fail(result, error);
    }
}

struct result *gateway_failure(enum direction direction, const struct error *error)
{
    struct result *result = result_new(direction);
    result_refuse(result, error);
    return result;
}

void result_take_examination(struct result *result, struct examination *examination)
{
    result->domain = examination->domain;
    result->originator = examination->originator;
    result->domain_name = steal(&examination->domain_name);
    result->originator_name = steal(&examination->originator_name);
    result->layers = steal(&examination->reported);
    result->layer_count = examination->reported_count;
    examination->reported_count = 0;
}

static void destroy_examination(void *examination)
{
    examination_free(examination);
}

void result_keep_examination(struct result *result, struct examination *examination)
{
    rope_own(result->edits.body, examination, destroy_examination);
}

void reported_layers_free(struct reported_layer *layers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < layers[i].signer_count; j++) {
            struct reported_signer *signer = &layers[i].signers[j];
            g_free(signer->address);
            g_free(signer->subject);
            g_free(signer->serial);
            g_free(signer->issuer);
            g_free(signer->sha256);
        }
        g_free(layers[i].signers);
        g_free(layers[i].part);
    }
    g_free(layers);
}

static void recipients_free(struct reported_recipient *recipients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < recipients[i].certificate_count; j++) {
            g_free(recipients[i].certificates[j].sha256);
            g_free(recipients[i].certificates[j].subject);
            g_free(recipients[i].certificates[j].note);
        }
        g_free(recipients[i].certificates);
        g_free(recipients[i].address);
        g_free(recipients[i].rule);
    }
    g_free(recipients);
}

void result_free(struct result *result)
{
    if (result == NULL)
        return;
    edits_clear(&result->edits);
    reported_layers_free(result->layers, result->layer_count);
    recipients_free(result->recipients, result->recipient_count);
    g_free(result->domain_name);
    g_free(result->originator_name);
    g_free(result->from);
    g_free(result->rule);
    g_free(result->authentication_results);
    g_free(result);
}
