/* SPDX-License-Identifier: Apache-2.0 */
/* Whose signature makes an originator authentic. */
#include "policy/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#define LAYERS_MAX 4

/* Layers from the outside in: s the originator's signature, d the domain's, b a bad one of the originator's; c
 * compressed; e encrypted to us and open, x encrypted to others, f encrypted to us and broken. */
static const struct {
    const char *layers;
    bool trusted, authentic;
} rows[] = {
    {"", false, false},    {"", true, true},      {"s", false, true},   {"d", false, false}, {"b", false, false},
    {"e", false, false},   {"x", false, false},   {"es", false, false}, {"es", true, true},  {"se", false, true},
    {"ses", false, true},  {"seb", false, false}, {"ds", false, true},  {"cs", false, true}, {"ces", false, false},
    {"des", false, false}, {"ees", false, false}, {"dse", false, true}, {"sx", false, true}, {"sf", false, true},
    {"bs", false, false},  {"ecs", false, false}, {"sd", false, true},
};

struct made {
    struct layer_facts facts[LAYERS_MAX];
    struct signer_facts signer_facts[LAYERS_MAX];
    struct signer_trust trust[LAYERS_MAX];
    struct signer_view signers[LAYERS_MAX];
    struct layer_view list[LAYERS_MAX];
    struct error broken;
};

static void make_layer(struct made *made, size_t i, char kind)
{
    struct layer_facts *facts = &made->facts[i];
    const struct finding pass = {.outcome = OUTCOME_PASS};
    static const struct error none;
    made->signer_facts[i] = (struct signer_facts){
        .valid = kind != 'b', .has_certificate = true, .types = kind == 'd' ? SIGNATURE_TYPE_DOMAIN : 0};
    made->trust[i] = (struct signer_trust){.path = pass, .domain = pass};
    made->signers[i] = (struct signer_view){
        .facts = &made->signer_facts[i], .subject = "CN=x", .trust = &made->trust[i], .mailbox = pass};
    facts->type = strchr("sdb", kind) != NULL ? LAYER_SIGNED : kind == 'c' ? LAYER_COMPRESSED : LAYER_ENVELOPED;
    facts->signers = &made->signer_facts[i];
    facts->signer_count = facts->type == LAYER_SIGNED ? 1 : 0;
    facts->attempted = kind == 'e' || kind == 'f';
    facts->authenticated = true;
    made->list[i] = (struct layer_view){.facts = facts,
                                        .part = "1",
                                        .opened = kind == 'x'   ? OPENED_NO_KEY
                                                  : kind == 'f' ? OPENED_FAILED
                                                                : OPENED,
                                        .has_content = kind != 'x' && kind != 'f',
                                        .error = kind == 'f' ? &made->broken : &none,
                                        .signers = &made->signers[i],
                                        .encrypter = pass};
}

static bool is_authentic(const char *kinds, bool trusted)
{
    struct made made = {.broken = {.kind = ERROR_PERMANENT}};
    char *local_domains[] = {(char *)"acme.test", NULL}, reason[720];
    struct address from = {.text = (char *)"a@acme.test", .local = (char *)"a", .domain = (char *)"acme.test"};
    const struct originator originator = {.from = {.list = &from, .count = 1}};
    const struct partner partner = {0}, *partners[] = {&partner};
    const struct authors authors = {.partners = partners, .count = 1, .partner_of = (size_t[]){0}};
    const struct conf conf = {.local_domains = local_domains};
    const struct layers_view view = {.list = made.list, .count = strlen(kinds), .whole = strlen(kinds)};
    for (size_t i = 0; kinds[i] != '\0'; i++)
        make_layer(&made, i, kinds[i]);
    struct judgement judgement;
    policy_judge(&view, &originator, &authors, &judgement);
    const struct client client = {.trusted = trusted};
    const struct plan_input input = {.conf = &conf, .client = &client, .originator = &originator, .layers = &view};
    bool authentic = policy_is_authentic(&input, &judgement, reason, sizeof(reason));
    judgement_clear(&judgement);
    return authentic;
}

Test(authentic, a_signature_counts_that_is_visible_without_our_key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(is_authentic(rows[i].layers, rows[i].trusted), rows[i].authentic, "%s, %d", rows[i].layers,
                     rows[i].trusted);
}
