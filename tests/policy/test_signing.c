/* SPDX-License-Identifier: Apache-2.0 */
/* Which of our keys signs under sign_with. */
#include "policy/plan.h"

#include "support/scene.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOTHING STATED_NOTHING
#define NO STATED_FALSE
#define YES STATED_TRUE

static char *const token[] = {(char *)"token", NULL}, *const file[] = {(char *)"ca", (char *)"gateway", NULL},
                   *const either[] = {(char *)"gateway", (char *)"token", NULL}, *const any[] = {NULL};

/* --- one demand --- */

static const struct demand {
    struct sign_with_conf with;
    struct key_traits traits;
    const char *says; /* NULL: it fits */
} demands[] = {
    {{.origins = (char **)any}, {.origin = ORIGIN_UNKNOWN}, NULL},
    {{.origins = (char **)token}, {.origin = ORIGIN_TOKEN}, NULL},
    {{.origins = (char **)token}, {.origin = ORIGIN_GATEWAY}, "origin must be token"},
    {{.origins = (char **)token}, {.origin = ORIGIN_UNKNOWN}, "origin must be token"},
    {{.origins = (char **)file}, {.origin = ORIGIN_GATEWAY}, NULL},
    {{.origins = (char **)file}, {.origin = ORIGIN_CA}, NULL},
    {{.origins = (char **)file}, {.origin = ORIGIN_CLOUD}, "origin must be ca or gateway"},
    {{.origins = (char **)file}, {.origin = ORIGIN_UNKNOWN}, "origin must be ca or gateway"},
    {{.escrowed = NO}, {.escrowed = NO}, NULL},
    {{.escrowed = NO}, {.escrowed = YES}, "escrowed must be false"},
    {{.escrowed = NO}, {.escrowed = NOTHING}, "escrowed must be false"},
    {{.escrowed = YES}, {.escrowed = YES}, NULL},
    {{.escrowed = YES}, {.escrowed = NO}, "escrowed must be true"},
    {{.escrowed = YES}, {.escrowed = NOTHING}, "escrowed must be true"},
    {{.dual_use = NO}, {.dual_use = false}, NULL},
    {{.dual_use = NO}, {.dual_use = true}, "dual_use must be false"},
    {{.dual_use = YES}, {.dual_use = true}, NULL},
    {{.dual_use = YES}, {.dual_use = false}, "dual_use must be true"},
    {{.content_commitment = YES}, {.content_commitment = true}, NULL},
    {{.content_commitment = YES}, {.content_commitment = false}, "content_commitment must be true"},
    {{.content_commitment = NO}, {.content_commitment = false}, NULL},
    {{.content_commitment = NO}, {.content_commitment = true}, "content_commitment must be false"},
    {{.origins = (char **)token, .escrowed = NO, .dual_use = NO, .content_commitment = YES},
     {.origin = ORIGIN_OS, .escrowed = YES, .dual_use = true},
     "origin must be token, escrowed must be false, dual_use must be false, content_commitment must be true"},
    {{.origins = (char **)token, .escrowed = NO, .dual_use = NO, .content_commitment = YES},
     {.origin = ORIGIN_TOKEN, .escrowed = NO, .content_commitment = true},
     NULL},
};

/* Whose key is asked for, what no_identity says, and whether each key fits: what comes of it. */
static void expect_decision(const struct demand *demand, enum sign_as sign_as, enum no_identity no_identity,
                            bool mailbox_fits, bool domain_fits)
{
    const struct partner partner = {.name = (char *)"x.conf"};
    const struct rule rule = {
        .partner = &partner,
        .outbound = {
            .protect = PROTECT_SIGN, .sign_as = sign_as, .no_identity = no_identity, .sign_with = demand->with}};
    static const struct own_candidate fitting = {{ORIGIN_TOKEN, NO, false, true}, true};
    struct own_candidate other = {demand->traits, true};
    struct own_view own[OWN_COUNT] = {0};
    own[OWN_MAILBOX] = (struct own_view){.owner = "ann@us.test", .list = mailbox_fits ? &fitting : &other, .count = 1};
    own[OWN_DOMAIN] = (struct own_view){.owner = "us.test", .list = domain_fits ? &fitting : &other, .count = 1};
    const struct outbound_facts facts = {.originator_authentic = true, .own = own};
    struct outbound_decision decision;
    policy_outbound(&rule, &facts, &decision);
    bool falls_back = sign_as != SIGN_AS_DOMAIN && !mailbox_fits && no_identity == NO_IDENTITY_DOMAIN;
    bool as_mailbox = sign_as != SIGN_AS_DOMAIN && !falls_back;
    bool good = (!as_mailbox || mailbox_fits) && (sign_as == SIGN_AS_MAILBOX && !falls_back ? true : domain_fits);
    cr_expect_eq(decision.verdict, good ? VERDICT_ACCEPT : VERDICT_REJECT, "%d %d %d %d: %s", sign_as, no_identity,
                 mailbox_fits, domain_fits, decision.reason);
    cr_expect_eq(decision.sign, good, "never unsigned, and not at all: %s", decision.reason);
    if (good)
        cr_expect_eq(decision.sign_as, falls_back ? SIGN_AS_DOMAIN : sign_as, "%s", decision.reason);
    g_autofree char *why = g_strdup_printf("no signing key of %s fits sign_with: %s",
                                           as_mailbox && !mailbox_fits ? "ann@us.test" : "us.test", demand->says);
    if (!good)
        cr_expect_not_null(strstr(decision.reason, why), "%s: %s", why, decision.reason);
    if (!good && !(as_mailbox && !mailbox_fits))
        cr_expect_not_null(strstr(decision.reason, "x.conf: outbound.no_identity = "), "%s", decision.reason);
}

Test(signing, one_demand)
{
    for (size_t i = 0; i < G_N_ELEMENTS(demands); i++) {
        const struct own_candidate candidate = {demands[i].traits, true};
        const struct own_view own = {.owner = "us.test", .list = &candidate, .count = 1};
        struct sign_with with = {0};
        struct error error = {0};
        size_t index = 9;
        sign_with_add(&demands[i].with, &with);
        bool fits = own_find(&own, &with, &index, &error);
        cr_expect_eq(fits, demands[i].says == NULL, "row %zu: %s", i, error.text);
        cr_expect(!fits || index == 0);
        cr_expect_eq(error.kind, fits ? ERROR_NONE : ERROR_PERMANENT, "row %zu", i);
        g_autofree char *text = g_strconcat("no signing key of us.test fits sign_with: ", demands[i].says, NULL);
        if (!fits)
            cr_expect_str_eq(error.text, text, "row %zu: %s", i, error.text);
    }
}

/* Of the rows whose demands the fitting key satisfies. */
Test(signing, decision)
{
    for (size_t i = 0; i < G_N_ELEMENTS(demands); i++) {
        const struct sign_with_conf *with = &demands[i].with;
        bool of_fitting = with->origins != (char **)file && with->escrowed != YES && with->dual_use != YES &&
                          with->content_commitment != NO;
        for (unsigned c = 0; c < 3 * 2 * 2 * 2 && of_fitting && demands[i].says != NULL; c++)
            expect_decision(&demands[i], (enum sign_as)(c % 3), (enum no_identity)(c / 3 % 2), c / 6 % 2 != 0,
                            c / 12 != 0);
    }
}

/* --- several keys --- */

/* The first that is valid and fits; one that fits and is not valid defers, and does not bounce. */
Test(signing, newest_that_fits)
{
    static const struct {
        const char *keys; /* t: a token's, g: the gateway's; upper case: not valid */
        int found;        /* -1: none */
        enum error_kind kind;
        const char *says;
    } rows[] = {
        {"t", 0, ERROR_NONE, ""},
        {"gt", 1, ERROR_NONE, ""},
        {"gtt", 1, ERROR_NONE, ""},
        {"g", -1, ERROR_PERMANENT, "no signing key"},
        {"gg", -1, ERROR_PERMANENT, "no signing key"},
        {"gT", -1, ERROR_CONFIGURATION, "the signing key of us.test that fits sign_with is not valid now"},
        {"gTt", 2, ERROR_NONE, ""},
        {"Tg", -1, ERROR_CONFIGURATION, "the signing key of us.test that fits sign_with is not valid now"},
        {"gG", -1, ERROR_PERMANENT, "no signing key"},
        {"", -1, ERROR_PERMANENT, "no signing key"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct own_candidate list[4] = {0};
        struct own_view own = {.owner = "us.test", .list = list, .count = strlen(rows[i].keys)};
        for (size_t j = 0; j < own.count; j++) {
            list[j].traits.origin = g_ascii_tolower(rows[i].keys[j]) == 't' ? ORIGIN_TOKEN : ORIGIN_GATEWAY;
            list[j].is_current = g_ascii_islower(rows[i].keys[j]);
        }
        struct sign_with with = {0};
        struct error error = {0};
        size_t index = 9;
        sign_with_add(&(struct sign_with_conf){.origins = (char **)token}, &with);
        cr_expect_eq(own_find(&own, &with, &index, &error), rows[i].found >= 0, "row %zu: %s", i, error.text);
        cr_expect_eq(error.kind, rows[i].kind, "row %zu: %s", i, error.text);
        cr_expect_not_null(strstr(error.text, rows[i].says), "row %zu: %s", i, error.text);
        cr_expect(rows[i].found < 0 || (size_t)rows[i].found == index, "row %zu: %zu", i, index);
    }
    struct own_view missing = {.owner = "us.test"};
    struct error error = {0};
    size_t index;
    error_set(&missing.missing, ERROR_CONFIGURATION, "nothing there");
    cr_expect_not(own_find(&missing, &(struct sign_with){0}, &index, &error));
    cr_expect_str_eq(error.text, "nothing there");
}

/* --- several recipients --- */

/* A partner that asks for a signature with such keys: "t" a token's, "f" a file's, "e" either, "n" not escrowed, "y"
 * escrowed, "" any. */
static struct partner partner_asking(const char *word)
{
    struct partner partner = {.name = (char *)word, .base.outbound = {.protect = PROTECT_SIGN}};
    struct sign_with_conf *with = &partner.base.outbound.sign_with;
    with->origins = (char **)(strchr(word, 't') ? token : strchr(word, 'f') ? file : strchr(word, 'e') ? either : any);
    with->escrowed = strchr(word, 'n') ? NO : strchr(word, 'y') ? YES : NOTHING;
    partner.base.inbound.accept_labels = (char **)any;
    return partner;
}

static const struct {
    const char *first, *second;
    bool same_recipient; /* both rules count for one */
    enum mixed mixed;
    enum verdict verdict;
    size_t signer, other; /* which key signs; of a message that is split, for the second one */
    bool splits;
    const char *says;
} unions[] = {
    /* keys: 0 gateway, escrow not known; 1 gateway, not escrowed; 2 token, escrowed; 3 token, not escrowed */
    {"", "", false, MIXED_REJECT, VERDICT_ACCEPT, 0, 0, false, ""},
    {"", "t", false, MIXED_REJECT, VERDICT_ACCEPT, 2, 0, false, ""},
    {"t", "", false, MIXED_REJECT, VERDICT_ACCEPT, 2, 0, false, ""},
    {"t", "n", false, MIXED_REJECT, VERDICT_ACCEPT, 3, 0, false, ""},
    {"n", "t", false, MIXED_REJECT, VERDICT_ACCEPT, 3, 0, false, ""},
    {"e", "t", false, MIXED_REJECT, VERDICT_ACCEPT, 2, 0, false, ""},
    {"e", "f", false, MIXED_REJECT, VERDICT_ACCEPT, 0, 0, false, ""},
    {"t", "f", false, MIXED_REJECT, VERDICT_REJECT, 0, 0, false,
     "mixed_recipients = \"reject\": one copy serves all recipients, and no signing key of us.test fits sign_with: no "
     "origin suits all rules; send it to each of them separately"},
    {"t", "f", false, MIXED_TEMPFAIL, VERDICT_TEMPFAIL, 0, 0, false, "mixed_recipients = \"tempfail\""},
    {"n", "y", false, MIXED_REJECT, VERDICT_REJECT, 0, 0, false, "escrowed must be both true and false"},
    {"t", "f", true, MIXED_REJECT, VERDICT_REJECT, 0, 0, false, "no signing key of us.test fits sign_with"},
    {"t", "n", true, MIXED_REJECT, VERDICT_ACCEPT, 3, 0, false, ""},
    /* each copy its own */
    {"t", "f", false, MIXED_SPLIT, VERDICT_ACCEPT, 2, 0, true, "split"},
    {"", "t", false, MIXED_SPLIT, VERDICT_ACCEPT, 0, 2, true, "split"},
    {"t", "ey", false, MIXED_SPLIT, VERDICT_ACCEPT, 2, 0, false, ""},
    {"e", "", false, MIXED_SPLIT, VERDICT_ACCEPT, 0, 0, false, ""},
};

Test(signing, demands_unite)
{
    static const struct own_candidate list[] = {{{ORIGIN_GATEWAY, NOTHING, false, false}, true},
                                                {{ORIGIN_GATEWAY, NO, false, false}, true},
                                                {{ORIGIN_TOKEN, YES, false, false}, true},
                                                {{ORIGIN_TOKEN, NO, false, false}, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(unions); i++) {
        struct scene scene;
        struct plan plan;
        struct partner first = partner_asking(unions[i].first), second = partner_asking(unions[i].second);
        first.base.partner = &first;
        second.base.partner = &second;
        scene_set(&scene, OURS, NULL, "", unions[i].same_recipient ? "sign+sign" : "sign sign", unions[i].mixed);
        scene.recipients[0].claims[0].rule = &first.base;
        scene.recipients[unions[i].same_recipient ? 0 : 1].claims[unions[i].same_recipient ? 1 : 0].rule = &second.base;
        scene.own[OWN_DOMAIN] = (struct own_view){.owner = "us.test", .list = list, .count = G_N_ELEMENTS(list)};
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.verdict, unions[i].verdict, "row %zu: %s", i, plan.reason);
        cr_expect_eq(plan.failure, ERROR_NONE, "row %zu", i);
        cr_expect_not_null(strstr(plan.reason, unions[i].says), "row %zu: %s", i, plan.reason);
        cr_expect_eq(plan.needs_split, unions[i].splits, "row %zu: %s", i, plan.reason);
        if (plan.needs_split) {
            cr_expect_eq(plan.manners[plan.shares[0].manner].wrapping.chosen[OWN_DOMAIN], unions[i].signer, "row %zu",
                         i);
            cr_expect_eq(plan.manners[plan.shares[1].manner].wrapping.chosen[OWN_DOMAIN], unions[i].other, "row %zu",
                         i);
        } else if (plan.verdict == VERDICT_ACCEPT) {
            cr_expect_eq(plan.wrapping.chosen[OWN_DOMAIN], unions[i].signer, "row %zu", i);
        }
        cr_expect(plan.verdict == VERDICT_ACCEPT || !plan.treatment.sign, "row %zu", i);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* A copy of a message that was split has to be signed as was planned, and the message was accepted: it waits. */
Test(signing, copy_is_held_to_what_was_planned)
{
    static const struct own_candidate list[] = {{{ORIGIN_GATEWAY, NOTHING, false, false}, true},
                                                {{ORIGIN_TOKEN, NOTHING, false, false}, true}};
    for (size_t count = 1; count <= 2; count++)
        for (int signs = 0; signs < 2; signs++) {
            struct scene scene;
            struct plan plan;
            struct least least = {.treatment = {.sign = signs != 0}, .is_planned = true};
            sign_with_add(&(struct sign_with_conf){.origins = (char **)token}, &least.sign_with);
            scene_set(&scene, OURS, NULL, "", "sign", MIXED_SPLIT);
            scene.own[OWN_DOMAIN] = (struct own_view){.owner = "us.test", .list = list, .count = count};
            scene.input.least = &least;
            policy_plan(&scene.input, &plan);
            bool fits = count == 2 || signs == 0;
            cr_expect_eq(plan.verdict, fits ? VERDICT_ACCEPT : VERDICT_TEMPFAIL, "%zu: %s", count, plan.reason);
            cr_expect_eq(plan.wrapping.chosen[OWN_DOMAIN], count == 2 && signs != 0 ? 1 : 0);
            plan_clear(&plan);
            scene_clear(&scene);
        }
}

/* The review authority's key, too: at once if the rule asks for a review, and the attribute authority's when all rules
 * are combined. */
Test(signing, every_key_that_signs)
{
    static const struct {
        const char *recipient;
        enum own role;
        const char *says;
    } rows[] = {
        {"reviews", OWN_REVIEW, "reviews: outbound.no_identity = \"reject\": no signing key of the authority fits"},
        {"labelled", OWN_ATTRIBUTE, "no signing key of the authority fits sign_with: origin must be token"},
        {"mailbox_domain", OWN_MAILBOX, "no signing key of the authority fits sign_with: origin must be token"},
        {"mailbox_domain", OWN_DOMAIN, "no signing key of the authority fits sign_with: origin must be token"},
    };
    static const struct own_candidate good = {{ORIGIN_TOKEN, NOTHING, false, false}, true},
                                      bad = {{ORIGIN_GATEWAY, NOTHING, false, false}, true};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, "", rows[i].recipient, MIXED_TEMPFAIL); /* one recipient is not mixed */
        struct rule rule = *scene.recipients[0].claims[0].rule;
        rule.outbound.sign_with.origins = (char **)token;
        scene.recipients[0].claims[0].rule = &rule;
        for (int pass = 0; pass < 2; pass++) {
            for (int role = 0; role < OWN_COUNT; role++)
                scene.own[role] = (struct own_view){.owner = "the authority",
                                                    .list = pass != 0 && role == (int)rows[i].role ? &bad : &good,
                                                    .count = 1};
            policy_plan(&scene.input, &plan);
            cr_expect_eq(plan.verdict, pass != 0 ? VERDICT_REJECT : VERDICT_ACCEPT, "row %zu: %s", i, plan.reason);
            cr_expect(pass == 0 || strstr(plan.reason, rows[i].says) != NULL, "row %zu: %s", i, plan.reason);
            cr_expect_null(strstr(plan.reason, "mixed_recipients"), "row %zu: %s", i, plan.reason);
            plan_clear(&plan);
        }
        scene_clear(&scene);
    }
}

/* A recipient's rule refuses what no key of ours may ever sign. A key that is missing, or that is not valid now, is
 * told when all rules are combined, with what it is that failed. */
Test(signing, what_no_key_may_sign)
{
    static const struct {
        const char *domain, *review; /* good, bad, old (it fits and is not valid now), none, outdated */
        bool reviews;
        enum verdict decision, plan;
        enum error_kind failure;
        const char *says;
    } rows[] = {
        {"good", "good", true, VERDICT_ACCEPT, VERDICT_ACCEPT, ERROR_NONE, ""},
        {"bad", "good", true, VERDICT_REJECT, VERDICT_REJECT, ERROR_NONE, "no signing key of us.test fits"},
        {"good", "bad", true, VERDICT_REJECT, VERDICT_REJECT, ERROR_NONE, "no signing key of the reviewer fits"},
        {"good", "bad", false, VERDICT_ACCEPT, VERDICT_ACCEPT, ERROR_NONE, ""},
        {"bad", "bad", true, VERDICT_REJECT, VERDICT_REJECT, ERROR_NONE, "no signing key of us.test fits"},
        {"old", "bad", true, VERDICT_REJECT, VERDICT_REJECT, ERROR_NONE, "no signing key of the reviewer fits"},
        {"old", "good", true, VERDICT_ACCEPT, VERDICT_TEMPFAIL, ERROR_CONFIGURATION, "us.test that fits sign_with is"},
        {"none", "good", true, VERDICT_ACCEPT, VERDICT_TEMPFAIL, ERROR_PERMANENT, "us.test has none"},
        {"outdated", "good", true, VERDICT_ACCEPT, VERDICT_TEMPFAIL, ERROR_CONFIGURATION, "us.test has none"},
        {"good", "none", true, VERDICT_ACCEPT, VERDICT_TEMPFAIL, ERROR_PERMANENT, "the reviewer has none"},
    };
    static const struct own_candidate good = {{ORIGIN_TOKEN, NOTHING, false, false}, true},
                                      old = {{ORIGIN_TOKEN, NOTHING, false, false}, false},
                                      bad = {{ORIGIN_GATEWAY, NOTHING, false, false}, true};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, "", rows[i].reviews ? "reviews" : "sign", MIXED_REJECT);
        struct rule rule = *scene.recipients[0].claims[0].rule;
        rule.outbound.sign_with.origins = (char **)token;
        scene.recipients[0].claims[0].rule = &rule;
        for (int each = 0; each < 2; each++) {
            const char *word = each == 0 ? rows[i].domain : rows[i].review;
            struct own_view *own = &scene.own[each == 0 ? OWN_DOMAIN : OWN_REVIEW];
            *own = (struct own_view){.owner = each == 0 ? "us.test" : "the reviewer",
                                     .list = word[0] == 'g'   ? &good
                                             : word[0] == 'b' ? &bad
                                                              : &old,
                                     .count = 1};
            if (strcmp(word, "none") == 0 || strcmp(word, "outdated") == 0)
                error_set(&own->missing, word[0] == 'n' ? ERROR_PERMANENT : ERROR_CONFIGURATION, "%s has none",
                          own->owner);
        }
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.recipients[0].verdict, rows[i].decision, "row %zu: %s", i, plan.recipients[0].reason);
        cr_expect_eq(plan.verdict, rows[i].plan, "row %zu: %s", i, plan.reason);
        cr_expect_eq(plan.failure, rows[i].failure, "row %zu: %s", i, plan.reason);
        cr_expect_not_null(strstr(plan.reason, rows[i].says), "row %zu: %s", i, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* What one rule demands is demanded, whatever others say after it. */
Test(signing, no_demand_is_forgotten)
{
    const struct sign_with_conf all = {
        .origins = (char **)token, .escrowed = NO, .dual_use = YES, .content_commitment = NO};
    struct sign_with with = {0}, united = {0};
    sign_with_add(&all, &with);
    sign_with_unite(&with, &united);
    const struct sign_with first = with;
    sign_with_add(&(struct sign_with_conf){.origins = (char **)any}, &with);
    sign_with_unite(&(struct sign_with){0}, &united);
    for (const struct sign_with *each = &with; each != NULL; each = each == &with ? &united : NULL) {
        cr_expect(each->other_origins != 0 && each->other_origins == first.other_origins);
        cr_expect_eq(each->escrowed, STATED_BIT(NO));
        cr_expect_eq(each->dual_use, STATED_BIT(YES));
        cr_expect_eq(each->content_commitment, STATED_BIT(NO));
    }
}

/* All demands that some key does not satisfy are told. */
Test(signing, what_is_told)
{
    static char *const cloud[] = {(char *)"cloud", NULL}, *const odd[] = {(char *)"odd", NULL};
    static const struct {
        struct sign_with_conf with;
        struct key_traits keys[2];
        const char *says;
    } rows[] = {
        {{.origins = (char **)cloud}, {{.origin = ORIGIN_CA}, {.origin = ORIGIN_TOKEN}}, "origin must be cloud"},
        {{.origins = (char **)odd}, {{.origin = ORIGIN_UNKNOWN}, {.origin = ORIGIN_CA}}, "no origin suits all rules"},
        {{.origins = (char **)token, .escrowed = NO},
         {{.origin = ORIGIN_CA, .escrowed = NO}, {.origin = ORIGIN_TOKEN, .escrowed = YES}},
         "origin must be token, escrowed must be false"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct own_candidate list[] = {{rows[i].keys[0], true}, {rows[i].keys[1], true}};
        const struct own_view own = {.owner = "us.test", .list = list, .count = 2};
        struct sign_with with = {0};
        struct error error = {0};
        size_t index;
        g_autofree char *text = g_strconcat("no signing key of us.test fits sign_with: ", rows[i].says, NULL);
        sign_with_add(&rows[i].with, &with);
        cr_expect_not(own_find(&own, &with, &index, &error), "row %zu", i);
        cr_expect_str_eq(error.text, text, "row %zu: %s", i, error.text);
    }
}
