/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/signature.h"

#include "support/views.h"

#include <criterion/criterion.h>

static const struct partner partners[2];

static const struct {
    const char *name;
    const char *layer;
    size_t authors; /* partners; 0: one */
    const char *outcome, *reason;
    const char *as_originators; /* its reason, only of what may be a mailing list agent's */
    size_t signer_judged;
} rows[] = {
    {"a domain signature that all agree on", "domain", 2, "pass", "good signature by domain"},
    {"an originator's", "originator", 2, "pass", "good signature by originator"},
    {"a signature without a type is the originator's", "untyped", 1, "pass", "good signature by untyped",
     "good signature by untyped"},
    {"an empty layer says nothing", "empty", 1, "none", "empty signature layer (RFC 3183 section 3)"},

    /* the cryptography */
    {"what was changed", "domain/invalid", 1, "fail", "invalid"},
    {"a signer whose certificate is missing", "domain/nocert", 1, "permerror", "nocert"},
    {"types that differ", "domain/fault", 1, "permerror", "signed attributes: fault"},
    {"types that differ, by a path that cannot be checked", "domain/path=temperror/fault", 1, "permerror",
     "signed attributes: fault"},
    {"a weak digest", "domain/weak", 1, "policy", "weak signature: weak"},
    {"a weak digest by another's name", "domain/weak/domain=policy", 1, "policy", "domain0=policy"},
    {"a signer after too many others", "domain/unasked/bad_paths=7", 1, "policy",
     "not checked, because 7 signers of this layer are not trusted"},

    /* the path, under each author's partner */
    {"an unknown issuer", "domain/path=fail", 1, "fail", "path0=fail"},
    {"an issuer that could not be checked", "domain/path=temperror", 1, "temperror", "path0=temperror"},
    {"an issuer of which not everything is known", "domain/unchecked1", 2, "pass",
     "good signature by domain; a certificate is unchecked"},
    {"… by the first author's partner", "domain/unchecked0", 2, "pass",
     "good signature by domain; a certificate is unchecked"},
    {"… and that is asked only of authors", "domain/unchecked1", 1, "pass", "good signature by domain"},
    {"a weak digest counts more", "domain/weak/unchecked1", 2, "policy", "weak signature: weak"},
    {"an issuer that only the first author's partner trusts", "domain/path1=fail", 2, "fail", "path1=fail"},
    {"… and that is asked only of authors", "domain/path1=fail", 1, "pass", "good signature by domain"},
    {"the worst answer counts", "domain/path0=policy/path1=fail", 2, "fail", "path1=fail"},
    {"the worst answer counts, in the other order", "domain/path0=fail/path1=policy", 2, "fail", "path0=fail"},
    {"of two that are as bad, the first", "domain/path0=fail/path1=fail", 2, "fail", "path0=fail"},
    {"the path comes before the name", "domain/path=temperror/domain=policy", 1, "temperror", "path0=temperror"},

    /* the names, by type */
    {"a domain signature in another's name", "domain/domain=policy", 1, "policy", "domain0=policy"},
    {"… of the second author", "domain/domain1=policy", 2, "policy", "domain1=policy"},
    {"a domain signature need not be any author's own", "domain/mailbox=policy", 1, "pass", "good signature by domain"},
    {"a review signature in another's name", "review/review=policy", 1, "policy", "review0=policy"},
    {"… of the second author", "review/review1=policy", 2, "policy", "review1=policy"},
    {"a review signature need not be in the domain's name", "review/domain=policy/attribute=policy/mailbox=policy", 1,
     "pass", "good signature by review"},
    {"an attribute signature in another's name", "attributes/attribute=policy", 1, "policy", "attribute0=policy"},
    {"… of the second author", "attributes/attribute1=policy", 2, "policy", "attribute1=policy"},
    {"an attribute signature need not be in the domain's name", "attributes/domain=policy/review=policy/mailbox=policy",
     1, "pass", "good signature by attributes"},
    {"an originator's in another's name", "originator/mailbox=policy", 1, "policy", "mailbox=policy"},
    {"… without a type, if it is around no other", "untyped/mailbox=policy", 1, "pass", "good signature by untyped",
     "mailbox=policy"},
    {"an originator's need not be in the domain's name", "originator/domain=policy/review=policy/attribute=policy", 1,
     "pass", "good signature by originator"},
    {"a name that could not be checked", "domain/domain=temperror", 1, "temperror", "domain0=temperror"},
    {"each type of several must fit: the domain's", "domain/and=originator/domain=policy", 1, "policy",
     "domain0=policy"},
    {"… the originator's", "domain/and=originator/mailbox=policy", 1, "policy", "mailbox=policy"},
    {"… the reviewer's", "domain/and=review/review=policy", 1, "policy", "review0=policy"},
    {"… all do", "domain/and=originator/and=review/and=attributes", 2, "pass", "good signature by domain"},

    /* several signers */
    {"the worst signer counts", "domain+domain/invalid", 1, "fail", "invalid", NULL, 1},
    {"… wherever it stands", "domain/invalid+domain", 1, "fail", "invalid"},
    {"… the worst of two that are bad", "domain/invalid+domain/nocert", 1, "permerror", "nocert", NULL, 1},
    {"… the first of two that are as bad", "domain/path=fail+domain/invalid", 1, "fail", "path0=fail"},

    /* mailing list agents sign in their own name */
    {"an agent's name is compared with nothing", "agent/mailbox=policy", 1, "pass", "good signature by agent",
     "mailbox=policy"},
    {"an agent that is the author", "agent", 1, "pass", "good signature by agent", "good signature by agent"},
    {"an agent's path counts", "agent/path=fail", 1, "fail", "path0=fail", "path0=fail"},
    {"an agent's weak signature", "agent/weak/mailbox=policy", 1, "policy", "weak signature: weak",
     "weak signature: weak"},
    {"a type makes it no agent's", "domain/and=agent/domain=policy", 1, "policy", "domain0=policy"},
    {"… nor an agent's", "agent/and=domain/domain=policy", 1, "policy", "domain0=policy"},
    {"of a part it is somebody's own", "part/untyped/mailbox=policy", 1, "policy", "mailbox=policy"},
    {"… but for an agent's", "part/agent/mailbox=policy", 1, "pass", "good signature by agent", "mailbox=policy"},
    {"an agent and somebody else", "agent/mailbox=policy+untyped", 1, "pass", "good signature by agent",
     "mailbox=policy"},
    {"… in the other order", "untyped+agent/mailbox=policy", 1, "pass", "good signature by untyped", "mailbox=policy",
     1},
    {"two agents", "agent+agent/mailbox=policy", 1, "pass", "good signature by agent", "mailbox=policy", 1},
    {"two agents, the first in another's name", "agent/mailbox=policy+agent", 1, "pass", "good signature by agent",
     "mailbox=policy"},
    {"two agents, both in another's name", "agent/mailbox=policy+agent/mailbox=neutral", 1, "pass",
     "good signature by agent", "mailbox=policy"},
    {"two agents, the second in the worse name", "agent/mailbox=neutral+agent/mailbox=policy", 1, "pass",
     "good signature by agent", "mailbox=policy", 1},
    {"two agents, one in another's name, one broken", "agent/invalid+agent/mailbox=policy", 1, "fail", "invalid",
     "invalid"},
    {"… and as bad as the name", "agent/path=neutral+agent/mailbox=policy", 1, "neutral", "path0=neutral",
     "mailbox=policy"},

    /* Sender explains and never mends (RFC 8550 section 3) */
    {"the domain of Sender", "domain/domain=fail/sender_domain", 1, "policy",
     "the signature is for the Sender list@list.test, not for the author in From"},
    {"the domain of Sender for one author's partner alone", "domain/domain=fail/sender_domain0", 2, "fail",
     "domain0=fail"},
    {"… for the other author's alone", "domain/domain=fail/sender_domain1", 2, "fail", "domain0=fail"},
    {"… for the only one that is asked", "domain/domain=fail/sender_domain0", 1, "policy",
     "the signature is for the Sender list@list.test, not for the author in From"},
    {"Sender's own", "originator/mailbox=fail/sender_mailbox", 1, "policy",
     "the signature is for the Sender list@list.test, not for the author in From"},
    {"Sender's own is not the domain's", "domain/domain=fail/sender_mailbox", 1, "fail", "domain0=fail"},
    {"Sender's domain is not its own", "originator/mailbox=fail/sender_domain", 1, "fail", "mailbox=fail"},
    {"Sender does not matter where From fits", "originator/sender_mailbox", 1, "pass", "good signature by originator"},
};

static void judge(const char *layer, const struct originator *originator, size_t authors, struct judged_layer *judged)
{
    const struct partner *list[] = {&partners[0], &partners[1]};
    const struct authors all = {.partners = list, .count = authors > 0 ? authors : 1};
    owned(views) struct views *views = views_new(layer);
    *judged = (struct judged_layer){0};
    signature_judge(&views->layers[0], originator, &all, judged);
}

static struct address sender = {.text = (char *)"list@list.test"};

Test(signature, table)
{
    const struct originator originator = {.sender = {&sender, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct judged_layer judged;
        judge(rows[i].layer, &originator, rows[i].authors, &judged);
        cr_expect_str_eq(outcome_name(judged.finding.outcome), rows[i].outcome, "%s: %s (%s)", rows[i].name,
                         outcome_name(judged.finding.outcome), judged.finding.reason);
        cr_expect_str_eq(judged.finding.reason, rows[i].reason, "%s: %s", rows[i].name, judged.finding.reason);
        cr_expect_eq(judged.around_others, rows[i].as_originators != NULL, "%s", rows[i].name);
        bool by_agent = g_str_has_prefix(rows[i].layer, "agent") || g_str_has_prefix(rows[i].layer, "part/agent");
        cr_expect_eq(judged.by_list_agent, rows[i].as_originators != NULL && by_agent, "%s", rows[i].name);
        cr_expect_str_eq(judged.as_originators.reason, rows[i].as_originators != NULL ? rows[i].as_originators : "",
                         "%s: as the originator's: %s", rows[i].name, judged.as_originators.reason);
        cr_expect_eq(judged.signer_judged, rows[i].signer_judged, "%s: %zu", rows[i].name, judged.signer_judged);
    }
}

Test(signature, its_types_are_those_of_all_signers)
{
    static const struct {
        const char *layer;
        unsigned types;
    } types[] = {
        {"untyped", 0},
        {"originator", SIGNATURE_TYPE_ORIGINATOR},
        {"domain+review", SIGNATURE_TYPE_DOMAIN | SIGNATURE_TYPE_REVIEW},
        {"domain/invalid", SIGNATURE_TYPE_DOMAIN},
    };
    const struct originator originator = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        struct judged_layer judged;
        judge(types[i].layer, &originator, 1, &judged);
        cr_expect_eq(judged.signature_types, types[i].types, "%s", types[i].layer);
    }
}

Test(signature, what_sender_says_is_of_no_use_without_one_sender)
{
    const struct originator originator = {0};
    struct judged_layer judged;
    judge("originator/mailbox=fail/sender_mailbox", &originator, 1, &judged);
    cr_expect_str_eq(judged.finding.reason, "mailbox=fail");
}

/* No signature stands for authors whom programs read differently. */
Test(signature, a_from_with_a_fault)
{
    static const struct {
        const char *layer, *outcome, *reason;
    } faults[] = {
        {"domain", "policy", "two of them"},
        {"originator", "policy", "two of them"},
        {"untyped", "pass", "good signature by untyped"}, /* as the originator's it is not */
        {"domain/domain=fail", "policy", "two of them"},
        {"originator/and=review", "policy", "two of them"},
        {"review", "pass", "good signature by review"},
        {"attributes", "pass", "good signature by attributes"},
        {"review/review=policy", "policy", "review0=policy"},
        {"domain/path=fail", "fail", "path0=fail"},
        {"agent", "pass", "good signature by agent"},
    };
    const struct originator originator = {.fault = "two of them"};
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        struct judged_layer judged;
        judge(faults[i].layer, &originator, 1, &judged);
        cr_expect_str_eq(outcome_name(judged.finding.outcome), faults[i].outcome, "%s", faults[i].layer);
        cr_expect_str_eq(judged.finding.reason, faults[i].reason, "%s: %s", faults[i].layer, judged.finding.reason);
    }
}

/* The mailbox is clear, but its readers take another for the author. */
Test(signature, a_misleading_name)
{
    static const struct partner accepts = {.base.inbound.misleading_names = MISLEADING_NAMES_ACCEPT};
    static const struct {
        const char *layer, *outcome, *reason;
        const struct partner *partners[2];
    } names[] = {
        {"domain", "policy", "misleads", {&partners[0], &partners[0]}},
        {"originator", "policy", "misleads", {&partners[0], &partners[0]}},
        {"domain", "policy", "misleads", {&accepts, &partners[0]}},
        {"domain", "policy", "misleads", {&partners[0], &accepts}},
        {"domain", "pass", "good signature by domain", {&accepts, &accepts}},
        {"originator", "pass", "good signature by originator", {&accepts, &accepts}},
        {"originator/and=review", "policy", "misleads", {&partners[0], &partners[0]}},
        {"review", "pass", "good signature by review", {&partners[0], &partners[0]}},
        {"domain/domain=fail", "fail", "domain0=fail", {&partners[0], &partners[0]}},
        {"domain/path=fail", "fail", "path0=fail", {&accepts, &accepts}},
    };
    const struct originator originator = {.misleading = "misleads"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct partner *list[] = {names[i].partners[0], names[i].partners[1]};
        const struct authors all = {.partners = list, .count = 2};
        owned(views) struct views *views = views_new(names[i].layer);
        struct judged_layer judged = {0};
        signature_judge(&views->layers[0], &originator, &all, &judged);
        cr_expect_str_eq(outcome_name(judged.finding.outcome), names[i].outcome, "%zu %s", i, names[i].layer);
        cr_expect_str_eq(judged.finding.reason, names[i].reason, "%zu %s: %s", i, names[i].layer,
                         judged.finding.reason);
    }
}

/* What partners have agreed to take for the domain's has all faults that a domain signature may have. */
Test(signature, by_agreement)
{
    static char *anchors[] = {(char *)"anchors.pem", NULL};
    static const struct {
        const char *layer;
        const char *fault, *misleading; /* of From */
        bool is_domains;
        const char *outcome, *reason;
    } layers[] = {
        {"untyped/domain=pass", "", "", true, "pass",
         "good signature by untyped (for the domain, without SignatureType)"},
        {"untyped/domain=pass", "two of them", "", true, "policy", "two of them"},
        {"untyped/domain=pass", "", "misleads", true, "policy", "misleads"},
        {"untyped/domain=pass+untyped/domain=pass", "", "", false, "pass", "good signature by untyped"},
        {"untyped/domain=policy", "", "", false, "pass", "good signature by untyped"},
        {"untyped/domain=pass/unasked", "", "", false, "policy",
         "not checked, because 0 signers of this layer are not trusted"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
        struct partner agreed = {.naming = NAMING_ADDRESS, .anchors = anchors};
        const struct partner *list[] = {&agreed};
        const struct authors all = {.partners = list, .count = 1};
        owned(views) struct views *views = views_new(layers[i].layer);
        struct judged_layer judged = {.outermost = true};
        struct originator originator = {0};
        g_strlcpy(originator.fault, layers[i].fault, sizeof(originator.fault));
        g_strlcpy(originator.misleading, layers[i].misleading, sizeof(originator.misleading));
        agreed.base.inbound.without_signature_type = WITHOUT_TYPE_DOMAIN;
        signature_judge(&views->layers[0], &originator, &all, &judged);
        cr_expect_eq(judged.signature_types, layers[i].is_domains ? SIGNATURE_TYPE_DOMAIN : 0, "%zu", i);
        cr_expect_eq(judged.around_others, !layers[i].is_domains, "%zu", i);
        cr_expect_str_eq(outcome_name(judged.finding.outcome), layers[i].outcome, "%zu", i);
        cr_expect_str_eq(judged.finding.reason, layers[i].reason, "%zu: %s", i, judged.finding.reason);
    }
}
