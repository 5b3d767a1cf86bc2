/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/plan.h"

#include "support/views.h"

#include <criterion/criterion.h>

static char *const any[] = {NULL}, *const labels[] = {(char *)"1.1", NULL};

/* A partner with this rule. Its marks are its name, without and with "?". */
#define PARTNER(id, ...) PARTNER_IN(MODE_ENFORCE, id, __VA_ARGS__)
#define PARTNER_IN(how, id, ...)                                                                                       \
    static const struct partner id = {                                                                                 \
        .name = (char *)#id,                                                                                           \
        .mode = how,                                                                                                   \
        .base = {.partner = &id, .inbound = {__VA_ARGS__}},                                                            \
    }
#define ANY .accept_labels = (char **)any
#define MARKED(name) .subject_verified = (char *)name, .subject_unverified = (char *)name "?"

PARTNER(nothing, ANY, MARKED("nothing"));
PARTNER(sign, ANY, .require = REQUIRE_SIGN, MARKED("sign"));
PARTNER(unmarked, ANY, .require = REQUIRE_SIGN);
PARTNER(domain, ANY, .require = REQUIRE_SIGN, .signed_by = SIGNED_BY_DOMAIN);
PARTNER(originator, ANY, .require = REQUIRE_SIGN, .signed_by = SIGNED_BY_ORIGINATOR);
PARTNER(both, ANY, .require = REQUIRE_SIGN, .signed_by = SIGNED_BY_BOTH);
PARTNER(odd, ANY, .require = REQUIRE_SIGN, .signed_by = (enum signed_by)99);
PARTNER(tag, ANY, .require = REQUIRE_SIGN, .otherwise = OTHERWISE_TAG, MARKED("tag"));
PARTNER(tag2, ANY, .require = REQUIRE_SIGN, .otherwise = OTHERWISE_TAG, MARKED("tag2"));
PARTNER(quarantine, ANY, .require = REQUIRE_SIGN, .otherwise = OTHERWISE_QUARANTINE, MARKED("quarantine"));
PARTNER(encrypt, ANY, .require = REQUIRE_ENCRYPT, MARKED("encrypt"));
PARTNER(unopened, ANY, .undecryptable = UNDECRYPTABLE_TEMPFAIL);
PARTNER(rejects_unopened, ANY, .undecryptable = UNDECRYPTABLE_REJECT);
PARTNER(labelled, .accept_labels = (char **)labels);
PARTNER(labelled_originator, .require = REQUIRE_SIGN, .signed_by = SIGNED_BY_ORIGINATOR,
        .accept_labels = (char **)labels);
PARTNER(labelled_sign, .require = REQUIRE_SIGN, .accept_labels = (char **)labels);

static const struct row {
    const char *name;
    const char *layers;
    const struct partner *partners[2];
    const char *verdict; /* "?": accepted, though not met */
    const char *mark;    /* NULL: none */
    const char *reason;  /* what stands in it */
} rows[] = {
    {"nothing is required", "", {&nothing}, "accept", NULL, "nothing: inbound.require = \"none\""},
    {"a signature is required", "domain", {&sign}, "accept", "sign", "is met"},
    {"none is there", "", {&sign}, "reject", "sign?", "neither the domain's nor the originator's"},
    {"… and the message is marked", "", {&tag}, "accept?", "tag?", "no valid signature"},

    /* whose */
    {"any: the originator's", "originator", {&sign}, "accept", "sign", "is met"},
    {"any: a broken one of the domain is not outweighed",
     "domain/invalid originator",
     {&sign},
     "reject",
     "sign?",
     "(invalid)"},
    {"any: a part of the domain's outweighs nothing", "originator part/domain", {&sign}, "accept", "sign", "is met"},
    {"any: a broken one of the originator", "domain originator/invalid", {&sign}, "accept", "sign", "is met"},
    {"any: the originator's alone, and broken", "originator/invalid", {&sign}, "reject", "sign?", "(invalid)"},
    {"any: the domain's alone, and in a part", "part/domain", {&sign}, "reject", "sign?", "covers only part 1"},
    {"any: the domain's is broken, the originator's is bad",
     "domain/invalid originator/path=policy",
     {&sign},
     "reject",
     "sign?",
     "(invalid)"},
    {"any: the domain's is only of a part, the originator's is bad",
     "originator/path=policy part/domain",
     {&sign},
     "reject",
     "sign?",
     "(path0=policy)"},
    {"domain: the originator's does not do", "originator", {&domain}, "reject", NULL, "(no domain signature)"},
    {"domain: none is there", "", {&domain}, "reject", NULL, "(no domain signature)"},
    {"domain: the domain's", "domain", {&domain}, "accept", NULL, "is met"},
    {"originator: the domain's does not do", "domain", {&originator}, "reject", NULL, "(no originator's signature)"},
    {"originator: its own", "originator", {&originator}, "accept", NULL, "is met"},
    {"originator: within a broken one of the domain",
     "domain/invalid originator",
     {&originator},
     "reject",
     NULL,
     "(invalid)"},
    {"originator: its own is bad", "domain originator/path=policy", {&originator}, "reject", NULL, "(path0=policy)"},
    {"originator: its own is bad, and the only one",
     "originator/path=policy",
     {&originator},
     "reject",
     NULL,
     "(path0=policy)"},
    {"both are there", "domain originator", {&both}, "accept", NULL, "is met"},
    {"both: the domain's is missing", "originator", {&both}, "reject", NULL, "(no domain signature)"},
    {"both: the originator's is missing", "domain", {&both}, "reject", NULL, "(no originator's signature)"},
    {"both: the originator's is bad", "domain originator/path=policy", {&both}, "reject", NULL, "(path0=policy)"},
    {"an unknown value asks for both", "domain", {&odd}, "reject", NULL, "no originator's signature"},

    /* what could not be checked now */
    {"not now", "domain/path=temperror", {&sign}, "tempfail", "sign?", "(path0=temperror)"},
    {"the originator's not now", "originator/path=temperror", {&sign}, "tempfail", "sign?", "(path0=temperror)"},
    {"the domain's not now, the originator's is good",
     "domain/path=temperror originator",
     {&originator},
     "tempfail",
     NULL,
     "(path0=temperror)"},
    {"not now, and nothing is required", "domain/path=temperror", {&nothing}, "accept", NULL, "\"none\""},
    {"not now, and it would not do later",
     "originator/path=temperror",
     {&domain},
     "reject",
     NULL,
     "(no domain signature)"},
    {"not now, around what can be changed",
     "domain/path=temperror cbc",
     {&sign},
     "reject",
     "sign?",
     "(path0=temperror)"},

    /* encryption */
    {"encryption is required", "gcm", {&encrypt}, "accept", "encrypt", "is met"},
    {"there is none", "domain", {&encrypt}, "reject", "encrypt?", "(the message is not encrypted to this gateway)"},
    {"a weak cipher", "old", {&encrypt}, "reject", "encrypt?", "(the cipher is weak)"},
    {"to others", "gcm/nokey", {&encrypt}, "reject", "encrypt?", "nokey"},
    {"to us and within to others", "gcm gcm/nokey", {&encrypt}, "accept", "encrypt", "is met"},
    {"that opens", "gcm", {&rejects_unopened}, "accept", NULL, "\"none\""},
    {"that does not open", "gcm/nokey", {&unopened}, "tempfail", NULL, "inbound.undecryptable = \"tempfail\""},
    {"that does not open, by another rule",
     "gcm/nokey",
     {&rejects_unopened},
     "reject",
     NULL,
     "inbound.undecryptable = \"reject\""},
    {"broken in CBC is as good as opened", "cbc/broken", {&encrypt}, "accept", "encrypt", "is met"},
    {"… never more than that", "cbc/broken", {&unopened}, "accept", NULL, "\"none\""},
    {"broken with a weak cipher", "old/broken", {&encrypt}, "reject", "encrypt?", "broken"},

    /* around what can be changed no signature counts */
    {"the domain's around CBC", "domain cbc", {&sign}, "reject", "sign?", "it is outside the encryption"},
    {"the originator's around CBC", "originator cbc", {&sign}, "reject", "sign?", "it is outside the encryption"},
    {"the originator's within CBC", "cbc originator", {&sign}, "accept", "sign", "is met"},
    {"the domain's within CBC", "cbc domain", {&domain}, "accept", NULL, "is met"},

    /* labels */
    {"an accepted label", "domain/label=1.1:1", {&labelled}, "accept", NULL, "\"none\""},
    {"a label that is not accepted", "domain/label=9.9:1", {&labelled}, "reject", NULL, "policy 9.9"},
    {"a label that only counts later",
     "cbc domain/path=temperror",
     {&labelled},
     "tempfail",
     NULL,
     "could not be checked now"},
    {"a label that would not be accepted later",
     "cbc domain/path=temperror/label=9.9:1",
     {&labelled},
     "reject",
     NULL,
     "policy 9.9"},
    {"a label with a signature that is missing", "cbc/broken", {&labelled_sign}, "reject", NULL, "no valid signature"},
    {"a label beside a good signature", "domain", {&labelled_sign}, "accept", NULL, "is met"},
    {"a label and its signature, later",
     "cbc domain/path=temperror",
     {&labelled_sign},
     "tempfail",
     NULL,
     "could not be checked now"},
    {"a label later, its signature never",
     "cbc domain/path=temperror",
     {&labelled_originator},
     "reject",
     NULL,
     "no valid signature"},
    {"a signature later, its label never",
     "domain/path=temperror/label=9.9:1",
     {&labelled_sign},
     "tempfail",
     NULL,
     "could not be checked now"},

    /* several authors: the most severe decision, and of two the first */
    {"all are satisfied", "domain", {&sign, &nothing}, "accept", "sign", "sign: "},
    {"… in the other order", "domain", {&nothing, &sign}, "accept", "sign", "nothing: "},
    {"one is not", "domain", {&sign, &encrypt}, "reject", "encrypt?", "encrypt: "},
    {"… in the other order", "domain", {&encrypt, &sign}, "reject", "encrypt?", "encrypt: "},
    {"accepted unmet is worse than met", "", {&nothing, &tag}, "accept?", "tag?", "tag: "},
    {"… in the other order", "", {&tag, &nothing}, "accept?", "tag?", "tag: "},
    {"quarantine is worse than a mark", "", {&tag, &quarantine}, "quarantine", "tag?", "quarantine: "},
    {"… in the other order", "", {&quarantine, &tag}, "quarantine", "quarantine?", "quarantine: "},
    {"a rejection is worse than quarantine", "", {&quarantine, &sign}, "reject", "quarantine?", "sign: "},
    {"… in the other order", "", {&sign, &quarantine}, "reject", "sign?", "sign: "},
    {"what is only delayed does not bounce", "gcm/nokey", {&unopened, &sign}, "tempfail", "sign?", "unopened: "},
    {"… in the other order", "gcm/nokey", {&sign, &unopened}, "tempfail", "sign?", "unopened: "},
    {"the first of two", "", {&tag, &tag2}, "accept?", "tag?", "tag: "},
    {"the first mark of two that are met", "domain", {&tag2, &tag}, "accept", "tag2", "tag2: "},
    {"a rule without marks does not hide another's", "domain", {&unmarked, &tag}, "accept", "tag", "unmarked: "},
    {"… of what is not met", "", {&unmarked, &tag}, "reject", "tag?", "unmarked: "},
    {"no author, no rule", "domain", {NULL}, "tempfail", NULL, "no rule applies"},
};

static void expect(const struct row *row)
{
    owned(views) struct views *views = views_new(row->layers);
    const struct partner *partners[] = {row->partners[0], row->partners[1]};
    struct authors authors = {.partners = partners, .count = row->partners[1] != NULL ? 2 : 1};
    const struct originator author = {0};
    const struct plan_input input = {.authors = &authors};
    struct judgement judgement;
    struct plan plan = {.mark = "old", .met = true, .verdict = VERDICT_ACCEPT};
    policy_judge(&views->all, &author, &authors, &judgement);
    authors.count = row->partners[0] != NULL ? authors.count : 0;
    policy_arriving(&input, &views->all, &judgement, &plan);
    bool accepted = plan.verdict == VERDICT_ACCEPT;
    g_autofree char *verdict = g_strconcat(verdict_name(plan.verdict), accepted && !plan.met ? "?" : "", NULL);
    cr_expect_str_eq(verdict, row->verdict, "%s: %s: %s", row->name, verdict, plan.reason);
    cr_expect_str_eq(plan.mark != NULL ? plan.mark : "", row->mark != NULL ? row->mark : "", "%s: %s", row->name,
                     plan.mark);
    cr_expect_not_null(strstr(plan.reason, row->reason), "%s: %s", row->name, plan.reason);
    cr_expect(accepted || !plan.met, "%s", row->name);
    bool refused = plan.verdict == VERDICT_REJECT || plan.verdict == VERDICT_TEMPFAIL;
    cr_expect_eq((plan.public_reason[0] != '\0'), refused && judgement.malleable, "%s", row->name);
    cr_expect(plan.met || plan.restores_from == PLAN_RESTORES_NONE || authors.count > 1, "%s", row->name);
    judgement_clear(&judgement);
}

PARTNER(refuses, ANY, .require = REQUIRE_SIGN, .malleable = MALLEABLE_REFUSE);
PARTNER(refuses_domain, ANY, .require = REQUIRE_SIGN, .signed_by = SIGNED_BY_DOMAIN, .malleable = MALLEABLE_REFUSE);
PARTNER(refuses_unknown, ANY, .require = REQUIRE_SIGN, .malleable = (enum malleable)99);
PARTNER_IN(MODE_TEST, refuses_tested, ANY, .require = REQUIRE_SIGN, .malleable = MALLEABLE_REFUSE);

/* Unless the signature that the rule requires is inside, or may turn out to be. */
Test(arriving, what_is_left_shut)
{
    static const struct {
        const char *layers;
        const struct partner *partners[2];
        bool shut;
    } cases[] = {
        {"cbc", {&refuses}, true},
        {"cbc", {&sign}, false},
        {"cbc", {&sign, &refuses}, true},
        {"cbc", {&refuses_unknown}, true},
        {"cbc", {&refuses_tested}, true}, /* as it would be in force */
        {"cbc", {&refuses_tested, &sign}, false},
        {"cbc", {&refuses_tested, &refuses}, true},
        {"gcm", {&refuses}, false},
        {"domain", {&refuses}, false},
        {"cbc/nokey", {&refuses}, false},
        {"cbc/broken", {&refuses}, true},
        {"cbc/garbled", {&refuses}, true},
        {"cbc domain", {&refuses}, false},
        {"cbc originator", {&refuses}, false},
        {"cbc originator", {&refuses_domain}, true},
        {"cbc originator", {&refuses, &refuses_domain}, true},
        {"cbc domain", {&refuses, &refuses_domain}, false},
        {"cbc domain/invalid", {&refuses}, true},
        {"cbc domain/path=fail", {&refuses}, true},
        {"cbc domain/path=temperror", {&refuses}, false},
        {"domain cbc", {&refuses}, true},
        {"cbc part/domain", {&refuses}, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        owned(views) struct views *views = views_new(cases[i].layers);
        const struct partner *partners[] = {cases[i].partners[0], cases[i].partners[1]};
        const struct authors authors = {.partners = partners, .count = partners[1] != NULL ? 2 : 1};
        const struct originator author = {0};
        struct judgement judgement;
        policy_judge(&views->all, &author, &authors, &judgement);
        cr_expect_eq(policy_shuts_malleable(&authors, &judgement), cases[i].shut, "%zu: %s", i, cases[i].layers);
        judgement_clear(&judgement);
    }
}

Test(arriving, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(&rows[i]);
}

static void plan_for(const char *layers, const struct partner *const given[2], struct plan *plan)
{
    owned(views) struct views *views = views_new(layers);
    const struct partner *partners[] = {given[0], given[1]};
    struct authors authors = {.partners = partners, .count = partners[1] != NULL ? 2 : 1};
    const struct originator author = {0};
    const struct plan_input input = {.authors = &authors};
    struct judgement judgement;
    policy_judge(&views->all, &author, &authors, &judgement);
    authors.count = partners[0] != NULL ? authors.count : 0;
    *plan = (struct plan){.restores_from = 9};
    policy_arriving(&input, &views->all, &judgement, plan);
    judgement_clear(&judgement);
}

PARTNER(keeps, ANY, .protected_headers = PROTECTED_HEADERS_KEEP);
PARTNER(restores, ANY);
PARTNER(restores_originator, ANY, .signed_by = SIGNED_BY_ORIGINATOR);
PARTNER(restores_both, ANY, .signed_by = SIGNED_BY_BOTH);
PARTNER_IN(MODE_TEST, restores_tested, ANY);

/* Only what good signatures cover, those that each author's rule asks for. */
Test(arriving, where_protected_fields_may_be_restored_from)
{
    const size_t none = PLAN_RESTORES_NONE;
    const struct {
        const char *layers;
        const struct partner *partners[2];
        size_t restores_from;
    } cases[] = {
        {"domain", {&restores}, 1},
        {"originator", {&restores}, 1},
        {"gcm domain", {&restores}, 2},
        {"domain gcm", {&restores}, 1},
        {"domain cbc", {&restores}, none},
        {"cbc domain", {&restores}, 2},
        {"", {&restores}, none},
        {"gcm", {&restores}, none},
        {"part/domain", {&restores}, none},
        {"domain", {&keeps}, none},
        {"domain", {&restores_originator}, none},
        {"domain originator", {&restores_originator}, 2},
        {"domain originator", {&restores_both}, 2},
        {"domain gcm originator", {&restores_both}, 3},
        /* a signature that does not hold, or is not known to hold now */
        {"domain/invalid", {&restores}, none},
        {"domain/path=temperror", {&restores}, none},
        {"domain/invalid originator", {&restores}, none},
        {"domain/path=temperror originator", {&restores}, none},
        {"originator/path=temperror domain", {&restores}, 2},
        {"originator/path=fail domain", {&restores}, 2},
        /* the one that asks for most */
        {"domain originator", {&restores, &restores_originator}, 2},
        {"domain originator", {&restores_originator, &restores}, 2},
        {"domain", {&restores, &keeps}, none},
        {"domain", {&keeps, &restores}, none},
        {"originator", {&restores, &domain}, none},
        {"domain", {&restores, &restores_tested}, 1},
        {"domain", {&restores_tested}, none},
        {"domain", {NULL}, none},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct plan plan;
        plan_for(cases[i].layers, cases[i].partners, &plan);
        cr_expect_eq(plan.restores_from, cases[i].restores_from, "%zu: %s: %zu", i, cases[i].layers,
                     plan.restores_from);
    }
}

PARTNER_IN(MODE_TEST, tested, ANY, .require = REQUIRE_SIGN, MARKED("tested"));
PARTNER_IN(MODE_TEST, tested_too, ANY, .require = REQUIRE_ENCRYPT, .otherwise = OTHERWISE_QUARANTINE);

/* What a policy in test mode decides is told, and makes the message neither better nor worse. */
Test(arriving, in_test_mode)
{
    static const struct {
        const char *layers;
        const struct partner *partners[2];
        bool is_test, met;
        enum verdict verdict, tested;
        const char *reason, *tested_reason;
    } cases[] = {
        {"",
         {&tested},
         true,
         true,
         VERDICT_ACCEPT,
         VERDICT_REJECT,
         "mode = \"test\": nothing is done; in force: reject: tested: ",
         "tested: "},
        {"domain",
         {&tested},
         true,
         true,
         VERDICT_ACCEPT,
         VERDICT_ACCEPT,
         "mode = \"test\": nothing is done; in force: accept: tested: ",
         "is met"},
        {"",
         {&tested_too, &tested},
         true,
         true,
         VERDICT_ACCEPT,
         VERDICT_REJECT,
         "mode = \"test\": nothing is done; in force: reject: tested: ",
         "tested: "},
        {"", {&tested, &nothing}, false, true, VERDICT_ACCEPT, VERDICT_REJECT, "nothing: ", "tested: "},
        {"", {&nothing, &tested}, false, true, VERDICT_ACCEPT, VERDICT_REJECT, "nothing: ", "tested: "},
        {"domain", {&encrypt, &tested}, false, false, VERDICT_REJECT, VERDICT_ACCEPT, "encrypt: ", "is met"},
        {"", {&quarantine, &tested}, false, false, VERDICT_QUARANTINE, VERDICT_REJECT, "quarantine: ", "tested: "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct plan plan;
        plan_for(cases[i].layers, cases[i].partners, &plan);
        cr_expect_eq(plan.is_test, cases[i].is_test, "%zu", i);
        cr_expect_eq(plan.met, cases[i].met, "%zu", i);
        cr_expect_eq(plan.verdict, cases[i].verdict, "%zu: %s", i, plan.reason);
        cr_expect_eq(plan.tested_arrival.verdict, cases[i].tested, "%zu: %s", i, plan.tested_arrival.reason);
        cr_expect(g_str_has_prefix(plan.reason, cases[i].reason), "%zu: %s", i, plan.reason);
        cr_expect_not_null(strstr(plan.tested_arrival.reason, cases[i].tested_reason), "%zu: %s", i,
                           plan.tested_arrival.reason);
        cr_expect(!cases[i].is_test || plan.mark == NULL, "%zu: %s", i, plan.mark);
    }
}
