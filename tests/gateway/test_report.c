/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, and that the report is as etc/report.schema.json says. rig_pass() compares each report of the tests.
 */
#include "gateway/internal.h"

#include "base/metrics.h"
#include "support/attack.h"
#include "support/schema.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

Test(report, what_was_refused_did_not_leave_unprotected)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    AUTO_SENT struct sent sent = rig_outbound(rig, MESSAGE);
    char *text = NULL;
    size_t length = 0;
    metrics_reset();
    passage_count(sent.result);
    sent.result->reply.verdict = VERDICT_REJECT;
    passage_count(sent.result);
    FILE *stream = open_memstream(&text, &length);
    metrics_print(stream);
    fclose(stream);
    cr_expect_not_null(strstr(text, "domsec_protected_total{protect=\"sign\"} 1\n"), "%s", text);
    cr_expect_not_null(strstr(text, "domsec_messages_total{direction=\"outbound\",verdict=\"reject\"} 1\n"), "%s",
                       text);
    free(text);
}

/* A message that cannot be read has a report, too. */
Test(report, of_a_failure)
{
    owned(rig) struct rig *rig = rig_new("", "");
    static const char *const to[] = {"bob@partner.test", "bob@acme.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(to); i++) {
        owned(envelope) struct envelope *envelope =
            rig_envelope(&(struct rig_envelope){"alice@acme.test", to[i], NULL, NULL, NULL});
        struct error error = {0};
        error_set(&error, ERROR_TOO_LARGE, "message is larger than 5 octets");
        owned(passage) struct passage *result = passage_failed(rig->acme.gateway, envelope, REPLY_SIZE, &error);
        g_autofree char *report = passage_report(result);
        schema_expect(report, "failure");
        cr_expect_not_null(strstr(report, i == 0 ? "\"direction\": \"outbound\"" : "\"direction\": \"inbound\""), "%s",
                           report);
        cr_expect_not_null(strstr(report, "\"verdict\": \"reject\""), "%s", report);
        cr_expect_eq(result->plan.verdict, VERDICT_REJECT);
        cr_expect_not_null(strstr(report, "\"no domain signature\""), "%s", report);
    }
    passage_free(NULL);
}

/* Each layer is named by the way to it: the outermost, what is inside it, and a part of what is inside. */
Test(report, names_of_layers)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"none\"; };");
    g_autofree char *innermost = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *mixed = g_strconcat("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nx\r\n--o\r\n",
                                         innermost, "--o--\r\n", NULL);
    struct attack inner = {.signer = rig->acme.alice, .content = mixed};
    g_autofree char *inside = attack_opaque("", attack_sign(&inner));
    g_autofree char *text = attack_message(&(struct attack){.signer = rig->acme.dsa, .content = inside});
    AUTO_SENT struct sent in = attack_in(rig, text);
    static const char *const names[] = {"1", "1.1", "1.1.1.2"};
    cr_assert_eq(in.result->lookups.layers.count, G_N_ELEMENTS(names));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        cr_expect_str_eq(in.result->lookups.views[i].part, names[i], "%s", in.result->lookups.views[i].part);
}

static const struct {
    const char *text, *changed, *fault;
} changes[] = {
    {"", "", ""},
    {"\"verdict\": \"accept\"", "\"verdict\": \"perhaps\"", "/verdict: unknown word perhaps\n"},
    {"\"reply\": null,", "", "/: missing key reply\n"},
    {"\"reply\": null", "\"reply\": \"200 2.0.0 fine\"", "/reply: wrong form: 200 2.0.0 fine\n"},
    {"\"reply\": null", "\"reply\": false", "/reply: wrong type\n"},
    {"\"reply\": null", "\"reply\": null, \"answer\": null", "/: undocumented key answer\n"},
    {"\"partial\": false", "\"partial\": null", "/layers/partial: wrong type\n"},
    {"\"serial\"", "\"number\"", "/layers/signers: missing key serial\n/layers/signers: undocumented key number\n"},
    {"\"name\": \"acme.test\"", "\"name\": 5", "/domain/name: wrong type\n"},
    {"{\n", "", "/: not JSON\n"},
};

/* The comparison itself finds each kind of difference. */
Test(report, differences_from_the_schema_are_found)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    g_autofree char *report = passage_report(in.result);
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        GString *changed = g_string_new(report);
        if (changes[i].text[0] != '\0')
            cr_expect_eq(g_string_replace(changed, changes[i].text, changes[i].changed, 1), 1, "%s", changes[i].text);
        g_autofree char *faults = schema_faults(changed->str);
        cr_expect_str_eq(faults, changes[i].fault, "%s", changes[i].text);
        g_string_free(changed, TRUE);
    }
}

/* A word that the code has and the schema does not would surprise a program. */
Test(report, every_word_is_in_the_schema)
{
    const char *outcomes[OUTCOME_PERMERROR + 2] = {NULL}, *verdicts[VERDICT_QUARANTINE + 2] = {NULL};
    const char *protects[PROTECT_TRIPLE + 2] = {NULL}, *layers[LAYER_COMPRESSED + 2] = {NULL};
    for (int i = 0; i <= OUTCOME_PERMERROR; i++)
        outcomes[i] = outcome_name((enum outcome)i);
    for (int i = 0; i <= VERDICT_QUARANTINE; i++)
        verdicts[i] = verdict_name((enum verdict)i);
    for (int i = 0; i <= PROTECT_TRIPLE; i++)
        protects[i] = protect_name((enum protect)i);
    for (int i = 0; i <= LAYER_COMPRESSED; i++)
        layers[i] = layer_type_name((enum layer_type)i);
    const char *const types[] = {
        signature_type_name(SIGNATURE_TYPE_ORIGINATOR), signature_type_name(SIGNATURE_TYPE_DOMAIN),
        signature_type_name(SIGNATURE_TYPE_ATTRIBUTES), signature_type_name(SIGNATURE_TYPE_REVIEW), NULL};
    schema_expect_words("/$defs/outcome", outcomes);
    schema_expect_words("/properties/verdict", verdicts);
    schema_expect_words("/$defs/group/properties/protect", protects);
    schema_expect_words("/$defs/layer/properties/type", layers);
    schema_expect_words("/$defs/layer/properties/signature_types/items", types);
}
