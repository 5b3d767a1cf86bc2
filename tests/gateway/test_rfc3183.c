/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3183 §5 and the examples of §5.1, by number. S is a signature by a member of acme.test, E an encryption to acme.test's own
 * confidentiality authority; what leaves is looked at by partner.test's gateway, layer by layer.
 */
#include "rig.h"

#define TOP "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: s\r\n"
#define ENCRYPT "outbound = { protect = \"sign+encrypt\"; };"
#define SIGN "outbound = { protect = \"sign\"; };"
#define ACCEPT "inbound = { require = \"none\"; otherwise = \"tag\"; };"

/* Wraps from the inside out: "SES" is S(E(S(content))). */
static char *wrap(const struct rig *rig, const char *layers)
{
    const struct limits *limits = &gateway_conf(rig->acme.gateway)->limits;
    struct identity alice = {.certificate = rig->acme.alice->cert, .key = rig->acme.alice->key};
    struct sign_options sign = {.format = FORMAT_OPAQUE, .limits = limits};
    struct encrypt_options encrypt = {.cipher = CIPHER_AES_256_GCM, .limits = limits};
    struct entity entity = {rope_new(), rope_new()};
    struct error error = {0};

    rope_copy(entity.header, slice_of("Content-Type: text/plain\r\n"));
    rope_copy(entity.body, slice_of("original content\r\n"));
    for (size_t i = strlen(layers); i > 0; i--) {
        struct entity out = {0};

        if (layers[i - 1] == 'S')
            cr_assert(smime_sign(&alice, &sign, &entity, &out, &error), "%s", error.text);
        else
            cr_assert(smime_encrypt(&rig->acme.dca->cert, 1, &encrypt, &entity, &out, &error), "%s", error.text);
        entity_clear(&entity);
        entity = out;
    }
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    g_autofree char *flat = rope_flatten(bytes, NULL);
    entity_clear(&entity);
    return g_strconcat(TOP "MIME-Version: 1.0\r\n", flat, NULL);
}

/* D: domain signature that passes; S: another signature; E: encrypted to the partner; X: encrypted, and not for the partner. */
static char *shape(const struct sent *in)
{
    GString *shape = g_string_new(NULL);

    for (size_t i = 0; i < in->result->layer_count; i++) {
        const struct reported_layer *layer = &in->result->layers[i];

        if (layer->type != LAYER_SIGNED)
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'E' : 'X');
        else if (layer->signature_types == SIGNATURE_TYPE_DOMAIN)
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'D' : '!');
        else
            g_string_append_c(shape, layer->finding.outcome == OUTCOME_PASS ? 'S' : '!');
    }
    return g_string_free(shape, FALSE);
}

static const struct {
    const char *example, *arrives, *policy, *leaves;
} examples[] = {
    {"1", "S", SIGN, "DS"},
    {"2", "SSS", SIGN, "DSSS"},
    {"3, encrypting", "ES", ENCRYPT, "EDS"},
    {"3, not encrypting", "ES", SIGN, "DS"},
    {"5, encrypting", "SSES", ENCRYPT, "EDS"},
    {"5, not encrypting", "SSES", SIGN, "DS"},
    {"7, encrypting", "SESES", ENCRYPT, "EDSX"},
    {"7, encrypted because of the inner layer", "SESES", SIGN, "EDSX"},
};

Test(rfc3183, section_5_1)
{
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        owned(rig) struct rig *rig = rig_new(examples[i].policy, ACCEPT);
        g_autofree char *text = wrap(rig, examples[i].arrives);
        AUTO_SENT struct sent out = rig_out(rig, text);

        cr_assert_eq(out.result->verdict, VERDICT_ACCEPT, "%s: %s", examples[i].example, out.result->reason);
        AUTO_SENT struct sent in = rig_in(rig, out.bytes, out.length);
        g_autofree char *leaves = shape(&in);
        cr_assert_str_eq(leaves, examples[i].leaves, "example %s: %s", examples[i].example, leaves);
    }
}

/* §3, method 1: the empty layer has id-data inside and no signer; §3.1.2: the domain signature encapsulates it. */
Test(rfc3183, unsigned_message_gets_an_empty_layer)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ACCEPT);
    AUTO_SENT struct sent out = rig_out(rig, TOP "\r\noriginal content\r\n");
    AUTO_SENT struct sent in = rig_in(rig, out.bytes, out.length);

    cr_assert(out.result->null_layer);
    cr_assert_eq(in.result->layer_count, 2);
    cr_assert_eq(in.result->layers[1].signer_count, 0);
    cr_assert_eq(in.result->layers[1].finding.outcome, OUTCOME_NONE);
    cr_assert_not_null(strstr(in.bytes, "\r\n\r\noriginal content\r\n"));
}

/* §3.2: valid for the originator's domain and what lies below it; flagged for any other. */
static const struct {
    const char *from;
    enum outcome outcome;
} mapped[] = {
    {"alice@acme.test", OUTCOME_PASS},         {"alice@ACME.Test", OUTCOME_PASS},
    {"alice@sales.acme.test", OUTCOME_PASS},   {"alice@notacme.test", OUTCOME_POLICY},
    {"alice@test", OUTCOME_POLICY},            {"alice@acme.test.evil.test", OUTCOME_POLICY},
};

Test(rfc3183, name_mapping)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ACCEPT);
    AUTO_SENT struct sent out = rig_out(rig, TOP "\r\noriginal content\r\n");
    char *rest = strstr(out.bytes, "To: bob");

    for (size_t i = 0; i < G_N_ELEMENTS(mapped); i++) {
        g_autofree char *text = g_strdup_printf("From: %s\r\n%s", mapped[i].from, rest);
        AUTO_SENT struct sent in = rig_in(rig, text, strlen(text));

        cr_assert_eq(in.result->domain.outcome, mapped[i].outcome, "%s: %s", mapped[i].from, in.result->domain.reason);
    }
}
