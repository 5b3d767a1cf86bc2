/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in test mode: what they decide is told, and nothing is done. */
#include "policy/plan.h"

#include "support/scene.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct partner in_force = {.name = (char *)"in force"},
                            in_test = {.name = (char *)"in test", .mode = MODE_TEST};
static const struct rule enforced = {.partner = &in_force}, tested = {.partner = &in_test};

/* Where it is not clear which rule applies, the one in test mode is not taken for it. */
Test(testing, which_rules_are_only_tested)
{
    static const struct {
        const struct rule *rule;
        bool local;
        enum unclear unclear;
        const struct rule *undecided;
        bool tests;
    } cases[] = {
        {&tested, false, UNCLEAR_NOT, NULL, true},        {&enforced, false, UNCLEAR_NOT, NULL, false},
        {&tested, true, UNCLEAR_NOT, NULL, false},        {&tested, false, UNCLEAR_ROUTE, NULL, false},
        {&tested, false, UNCLEAR_DOMAIN, NULL, false},    {&tested, false, UNCLEAR_NEXT, NULL, false},
        {&tested, false, UNCLEAR_RULE, &tested, true},    {&tested, false, UNCLEAR_RULE, &enforced, false},
        {&enforced, false, UNCLEAR_RULE, &tested, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct recipient_view recipient = {
            .local = cases[i].local, .unclear = cases[i].unclear, .undecided = cases[i].undecided};
        cr_expect_eq(policy_tests(&recipient, cases[i].rule), cases[i].tests, "%zu", i);
    }
}

/* Of recipients: t in test mode, e in force, b one rule of each; upper case: local. */
Test(testing, whether_there_is_nothing_but_tests)
{
    static const struct {
        const char *recipients;
        bool only_tests;
    } cases[] = {
        {"", false},   {"t", true},   {"e", false}, {"b", false}, {"tt", true}, {"te", false},
        {"et", false}, {"tb", false}, {"E", false}, {"T", false}, {"tE", true}, {"Et", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct recipient_view recipients[3];
        size_t count = strlen(cases[i].recipients);
        for (size_t j = 0; j < G_N_ELEMENTS(recipients); j++) {
            char letter = j < count ? cases[i].recipients[j] : 'e'; /* what lies beyond */
            char lower = g_ascii_tolower(letter);
            recipients[j] = (struct recipient_view){.local = letter != lower, .claim_count = lower == 'b' ? 2 : 1};
            recipients[j].claims[0].rule = lower == 'e' ? &enforced : &tested;
            recipients[j].claims[1].rule = &enforced;
        }
        const struct plan_input input = {.recipients = recipients, .recipient_count = count};
        cr_expect_eq(policy_only_tests(&input, DIRECTION_OUTBOUND), cases[i].only_tests, "%s", cases[i].recipients);
    }
}

Test(testing, what_would_be_done)
{
    static const struct {
        struct outbound_decision decision;
        enum error_kind missing;
        const char *name, *reason; /* behind "in force: " */
    } cases[] = {
        {{.verdict = VERDICT_ACCEPT}, ERROR_NONE, "none", "none"},
        {{.verdict = VERDICT_ACCEPT, .sign = true}, ERROR_NONE, "sign", "sign"},
        {{.verdict = VERDICT_ACCEPT, .encrypt = true}, ERROR_NONE, "encrypt", "encrypt"},
        {{.verdict = VERDICT_ACCEPT, .sign = true, .encrypt = true}, ERROR_NONE, "sign+encrypt", "sign+encrypt"},
        {{.verdict = VERDICT_ACCEPT, .sign = true, .encrypt = true, .triple = true}, ERROR_NONE, "triple", "triple"},
        {{.verdict = VERDICT_REJECT}, ERROR_NONE, "reject", "reject"},
        {{.verdict = VERDICT_TEMPFAIL}, ERROR_NONE, "tempfail", "tempfail"},
        {{.verdict = VERDICT_ACCEPT, .sign = true}, ERROR_CONFIGURATION, "sign", "sign, but no key"},
        {{.verdict = VERDICT_ACCEPT, .sign = true}, ERROR_TEMPORARY, "sign", "sign, but no key"},
        {{.verdict = VERDICT_ACCEPT, .encrypt = true}, ERROR_CONFIGURATION, "encrypt", "encrypt"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct own_view own[OWN_COUNT] = {0};
        const struct plan_input input = {.own = own};
        struct outbound_decision decision;
        g_autofree char *reason = g_strdup_printf("mode = \"test\": nothing is done; in force: %s", cases[i].reason);
        g_strlcpy(own[OWN_DOMAIN].missing.text, cases[i].missing == ERROR_NONE ? "nothing" : "no key", 10);
        own[OWN_DOMAIN].missing.kind = cases[i].missing;
        memset(&decision, 0xff, sizeof(decision));
        policy_leave_alone(&input, &cases[i].decision, &decision);
        cr_expect_eq(decision.verdict, VERDICT_ACCEPT, "%zu", i);
        cr_expect_not(decision.sign || decision.encrypt || decision.triple, "%zu", i);
        cr_expect_str_eq(decision.reason, reason, "%zu: %s", i, decision.reason);
        cr_expect_str_eq(policy_treatment_name(&cases[i].decision), cases[i].name, "%zu", i);
    }
}

/* --- a message --- */

/* modes: a letter for each rule of the recipients, one after another: t in test mode, e in force. */
static void set_modes(struct scene *scene, const char *modes, struct partner partners[4], struct rule rules[4])
{
    size_t count = 0;
    for (size_t i = 0; i < scene->input.recipient_count; i++)
        for (size_t j = 0; j < scene->recipients[i].claim_count && !scene->recipients[i].local; j++) {
            cr_assert(count < 4 && modes[count] != '\0', "%s", modes);
            rules[count] = *scene->recipients[i].claims[j].rule;
            partners[count] = *rules[count].partner;
            partners[count].mode = modes[count] == 't' ? MODE_TEST : MODE_ENFORCE;
            rules[count].partner = &partners[count];
            scene->recipients[i].claims[j].rule = &rules[count++];
        }
}

/* "accept sign test: sign - reject": what is done; behind the colon what policies in test mode decide for each. */
static char *tell(const struct plan *plan)
{
    GString *text = g_string_new(verdict_name(plan->verdict));
    g_string_append_printf(text, "%s%s%s", plan->treatment.sign ? " sign" : "",
                           plan->treatment.encrypt ? " encrypt" : "", plan->is_test ? " test" : "");
    for (size_t i = 0; plan->tested != NULL && i < plan->recipient_count; i++)
        g_string_append_printf(text, "%s %s", i == 0 ? ":" : "",
                               plan->tested[i].reason[0] != '\0' ? policy_treatment_name(&plan->tested[i]) : "-");
    return g_string_free(text, FALSE);
}

Test(testing, what_leaves)
{
    static const struct {
        const char *recipients, *modes, *plan, *reason;
    } cases[] = {
        {"sign", "e", "accept sign", "sign: sign: outbound.protect"},
        {"sign", "t", "accept test: sign", "sign: mode = \"test\": nothing is done; in force: sign"},
        {"nothing", "t", "accept test: none", "nothing: mode = \"test\": nothing is done; in force: none"},
        {"encrypt/none", "t", "accept test: reject", "in force: reject"},
        {"encrypt/failed", "t", "accept test: tempfail", "in force: tempfail"},
        {"sign+encrypt", "tt", "accept test: sign+encrypt", "in force: sign+encrypt"},
        {"sign+encrypt", "te", "accept encrypt: sign", "sign+encrypt: encrypt: outbound.protect"},
        {"encrypt+sign", "et", "accept encrypt: sign", "encrypt+sign: encrypt: outbound.protect"},
        {"both+sign/none", "te", "accept sign: reject", "both+sign/none: sign: outbound.protect"},
        {"sign+both/none", "te", "reject: sign", "both: outbound.no_certificate"},
        {"sign nothing", "te", "accept: sign -", ""},
        {"nothing sign", "te", "accept sign: none -", ""},
        {"nothing nothing sign", "eet", "accept: - - sign", ""},
        {"sign local", "t", "accept test: sign -", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        struct partner partners[4];
        struct rule rules[4];
        scene_set(&scene, OURS, NULL, "", cases[i].recipients, MIXED_REJECT);
        set_modes(&scene, cases[i].modes, partners, rules);
        policy_plan(&scene.input, &plan);
        g_autofree char *told = tell(&plan);
        cr_expect_str_eq(told, cases[i].plan, "%zu: %s: %s", i, told, plan.reason);
        cr_expect_not_null(strstr(plan.reason, cases[i].reason), "%zu: %s", i, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* Nothing comes off, and nothing is restored. */
Test(testing, what_arrives)
{
    static const struct {
        enum scene_sender sender;
        const char *layers;
        bool tests;
        size_t removable, endings, restores_from;
    } cases[] = {
        {STRANGER, "gcm domain", false, 2, 0, 2},
        {STRANGER, "gcm domain", true, 0, 0, PLAN_RESTORES_NONE},
        {STRANGER, "cbc domain", false, 2, 2, 2},
        {STRANGER, "cbc domain", true, 0, 0, PLAN_RESTORES_NONE},
        {OURS, "gcm domain", false, 2, 0, PLAN_RESTORES_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, cases[i].sender, NULL, cases[i].layers, "local", MIXED_REJECT);
        struct partner author = *scene.author;
        author.mode = cases[i].tests ? MODE_TEST : MODE_ENFORCE;
        author.base.partner = &author;
        scene.author = &author;
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.is_test, cases[i].tests, "%zu", i);
        cr_expect_eq(plan.verdict, VERDICT_ACCEPT, "%zu: %s", i, plan.reason);
        cr_expect_eq(plan.removable, cases[i].removable, "%zu: %zu", i, plan.removable);
        cr_expect_eq(plan.ending_count, cases[i].endings, "%zu: %zu", i, plan.ending_count);
        cr_expect_eq(plan.restores_from, cases[i].restores_from, "%zu: %zu", i, plan.restores_from);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* A message that could not be worked on goes on where nothing but tests would have been made, of what leaves and of
 * what arrives. */
Test(testing, what_could_not_be_worked_on)
{
    static const struct {
        enum scene_sender sender;
        const char *recipients, *modes;
        bool author_tests, goes_on;
    } cases[] = {
        {OURS, "sign", "t", false, true},       {OURS, "sign", "e", true, false},
        {OURS, "sign sign", "te", true, false}, {OURS, "sign local", "t", false, true},
        {STRANGER, "sign", "t", false, true},   {STRANGER, "sign local", "t", false, false}, /* it arrives, too */
        {STRANGER, "local", "", true, true},    {STRANGER, "local", "", false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        struct partner partners[4];
        struct rule rules[4];
        scene_set(&scene, cases[i].sender, NULL, "", cases[i].recipients, MIXED_REJECT);
        set_modes(&scene, cases[i].modes, partners, rules);
        struct partner author = *scene.author;
        author.mode = cases[i].author_tests ? MODE_TEST : MODE_ENFORCE;
        author.base.partner = &author;
        scene.author = &author;
        error_set(&scene.failure, ERROR_TEMPORARY, "the directory is down");
        policy_plan(&scene.input, &plan);
        const char *reason = cases[i].goes_on ? "mode = \"test\": nothing is done; in force: the directory is down"
                                              : "the directory is down";
        cr_expect_eq(plan.verdict, cases[i].goes_on ? VERDICT_ACCEPT : VERDICT_TEMPFAIL, "%zu", i);
        cr_expect_eq(plan.failure, cases[i].goes_on ? ERROR_NONE : ERROR_TEMPORARY, "%zu", i);
        cr_expect_eq(plan.is_test, cases[i].goes_on, "%zu", i);
        cr_expect_str_eq(plan.reason, reason, "%zu: %s", i, plan.reason);
        cr_expect_str_eq(plan.public_reason, cases[i].goes_on ? "" : "the directory is down", "%zu", i);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}
