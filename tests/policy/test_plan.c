/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/plan.h"

#include "support/scene.h"

#include <criterion/criterion.h>

static char *tell(const struct plan *plan)
{
    const struct unwrapping *unwrapping = &plan->unwrapping;
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s %s%s", direction_name(plan->direction), verdict_name(plan->verdict),
                           plan->failure == ERROR_NONE            ? ""
                           : plan->failure == ERROR_CONFIGURATION ? " failure"
                                                                  : " odd failure");
    g_string_append_printf(text, "%s%s%s%s", plan->treatment.sign ? " sign" : "",
                           plan->treatment.encrypt ? " encrypt" : "", plan->treatment.triple ? " triple" : "",
                           plan->needs_split ? " split" : "");
    if (unwrapping->depth > 0)
        g_string_append_printf(text, " unwrap=%zu", unwrapping->depth);
    g_string_append_printf(text, "%s%s", plan->internal ? " internal" : "", plan->met ? " met" : "");
    if (plan->removable > 0)
        g_string_append_printf(text, " remove=%zu", plan->removable);
    return g_string_free(text, FALSE);
}

static const struct row {
    const char *name;
    enum scene_sender sender;
    const char *author; /* the author's partner; NULL: it requires nothing */
    const char *layers, *recipients;
    const char *plan;
    const char *reason; /* what stands in it; NULL: any */
} rows[] = {
    /* what leaves, from us */
    {"nothing is due", OURS, NULL, "", "nothing", "outbound accept", "nothing: nothing: outbound.protect = \"none\""},
    {"a signature", OURS, NULL, "", "sign", "outbound accept sign", "sign: sign: outbound.protect"},
    {"encryption", OURS, NULL, "", "encrypt", "outbound accept encrypt"},
    {"both", OURS, NULL, "", "both", "outbound accept sign encrypt"},
    {"signed, and encrypted since there is a certificate", OURS, NULL, "", "opportunistic",
     "outbound accept sign encrypt"},
    {"… there is none", OURS, NULL, "", "opportunistic/none", "outbound accept sign"},
    {"… the lookup failed", OURS, NULL, "", "opportunistic/failed", "outbound tempfail"},
    {"… another rule demands it", OURS, NULL, "", "opportunistic+both/none", "outbound reject", "both: outbound"},
    {"… another rule gives up", OURS, NULL, "", "opportunistic+plain/none", "outbound accept sign"},
    {"… for one of two", OURS, NULL, "", "opportunistic opportunistic/none", "outbound accept sign", "not encrypted"},
    {"… for all but a colleague", OURS, NULL, "", "opportunistic local", "outbound accept sign", "not encrypted"},
    {"… beside one that must be encrypted", OURS, NULL, "", "opportunistic/none encrypt", "outbound reject split"},
    {"… beside one whose lookup failed", OURS, NULL, "", "opportunistic sign/failed", "outbound tempfail",
     "could not be looked up"},
    {"… it was encrypted to us", OURS, NULL, "gcm gcm/nokey", "opportunistic opportunistic/none",
     "outbound tempfail failure unwrap=1"},
    {"all three layers", OURS, NULL, "", "triple", "outbound accept sign encrypt triple"},
    {"no certificate", OURS, NULL, "", "both/none", "outbound reject", "no certificate (there is none)"},
    {"a lookup that failed", OURS, NULL, "", "plain/failed", "outbound tempfail",
     "could not be looked up (it is down)"},
    {"a rule that gives up", OURS, NULL, "", "plain/none", "outbound accept", "not protected"},
    {"the strictest of several", OURS, NULL, "", "sign encrypt", "outbound accept sign encrypt", "encrypt: encrypt:"},
    {"one of several has no certificate", OURS, NULL, "", "encrypt sign/none", "outbound reject split", "mixed"},
    {"one of several is ours", OURS, NULL, "", "sign local", "outbound accept sign"},
    {"one of several is ours and cannot read it", OURS, NULL, "", "encrypt local", "outbound reject split", "mixed"},
    {"a route to another host", OURS, NULL, "", "routed", "outbound reject", "route to another host"},

    /* the MTA delivers to another address than the one given: both rules count */
    {"two rules, none asks", OURS, NULL, "", "nothing+nothing", "outbound accept"},
    {"two rules, the first asks for more", OURS, NULL, "", "sign+nothing", "outbound accept sign", "sign: outbound"},
    {"two rules, the second asks for more", OURS, NULL, "", "nothing+encrypt", "outbound accept encrypt",
     "encrypt: outbound"},
    {"each asks for something else", OURS, NULL, "", "sign+encrypt", "outbound accept sign encrypt",
     "encrypt: outbound"},
    {"… and a third for all", OURS, NULL, "", "sign+encrypt+triple", "outbound accept sign encrypt triple",
     "triple: outbound"},
    {"one refuses", OURS, NULL, "", "nothing+encrypt/none", "outbound reject", "no certificate (there is none)"},
    {"… in the other order", OURS, NULL, "", "encrypt+nothing/none", "outbound reject", "no certificate"},
    {"one gives up, the other does not", OURS, NULL, "", "plain+encrypt/none", "outbound reject", "no certificate"},
    {"one refuses, the other waits", STRANGER, NULL, "", "sign+later", "outbound tempfail", "later: outbound"},
    {"… in the other order", STRANGER, NULL, "", "later+sign", "outbound tempfail", "later: outbound"},
    {"a review that the second asks for", OURS, NULL, "", "nothing+reviewed", "outbound reject", "no valid review"},
    {"what the second needs to be readable", OURS, NULL, "gcm/nokey", "nothing+readable", "outbound reject",
     "outbound.unreadable"},

    /* who may have a signature */
    {"a stranger", STRANGER, NULL, "", "sign", "outbound reject", "the originator is not authentic (unknown)"},
    {"a stranger, and the rule gives up", STRANGER, NULL, "", "unsigned", "outbound accept", "not signed"},
    {"a stranger, and the rule waits", STRANGER, NULL, "", "later", "outbound tempfail", "(unknown)"},
    {"a stranger with the author's signature", STRANGER, NULL, "originator", "sign", "outbound accept sign"},
    {"… that is bad", STRANGER, NULL, "originator/path=fail", "sign", "outbound reject", "(unknown)"},
    {"… that cannot be checked now", STRANGER, NULL, "originator/path=temperror", "unsigned", "outbound tempfail",
     "could not be checked now (path0=temperror)"},
    {"… within what is encrypted to us", STRANGER, NULL, "gcm originator/path=temperror", "unsigned", "outbound accept",
     "not signed, the originator is not authentic (unknown)"},
    {"… as another author", OURS_AS_OTHER, NULL, "originator/path=temperror", "unsigned", "outbound accept",
     "not signed"},
    {"a stranger with the domain's signature alone", STRANGER, NULL, "domain", "sign", "outbound reject", "(unknown)"},
    {"an author elsewhere", OURS_AS_OTHER, NULL, "originator", "sign", "outbound reject",
     "From eve@other.test is not in local_domains"},
    {"a second author elsewhere", OURS_AS_BOTH, NULL, "", "sign", "outbound reject",
     "From eve@other.test is not in local_domains"},
    {"a From that cannot be read", OURS_FAULTY, NULL, "", "sign", "outbound reject", "(two From fields)"},
    {"a bad signature inside", OURS, NULL, "domain/invalid", "sign", "outbound reject",
     "a signature inside does not verify (invalid)"},
    {"… that cannot be checked now", OURS, NULL, "domain/path=temperror", "sign", "outbound tempfail",
     "could not be checked now (path0=temperror)"},
    {"… is not excused by one that cannot be checked", OURS, NULL, "domain/path=temperror originator/invalid", "sign",
     "outbound reject", "(invalid)"},

    {"… is not excused by an author's that cannot be checked", OURS, NULL, "domain/invalid originator/path=temperror",
     "sign", "outbound reject", "(invalid)"},

    /* in the author's name */
    {"the author's signature", OURS, NULL, "", "mailbox", "outbound accept sign", "(as we know)"},
    {"… is on it already", OURS, NULL, "originator", "mailbox", "outbound accept", "signed by its author already"},
    {"… is on it, and bad", OURS, NULL, "originator/path=fail", "mailbox", "outbound reject", "(path0=fail)"},
    {"… is within what is encrypted to us", OURS, NULL, "gcm originator", "mailbox", "outbound accept sign unwrap=1",
     "(as we know)"},
    {"… is the domain's", OURS, NULL, "domain", "mailbox", "outbound accept sign", "(as we know)"},

    /* reviews */
    {"no review", OURS, NULL, "", "reviewed", "outbound reject", "no valid review"},
    {"a review", OURS, NULL, "review/by=AA", "reviewed", "outbound accept sign"},
    {"another's review", OURS, NULL, "review/by=BB", "reviewed", "outbound reject", "no valid review"},
    {"a review that cannot be checked now", OURS, NULL, "review/by=AA/path=temperror", "reviewed", "outbound tempfail",
     "could not be checked now"},

    /* already encrypted */
    {"encrypted by the author", OURS, NULL, "gcm/nokey", "encrypt/none", "outbound accept",
     "already encrypted by the originator"},
    {"… and encrypted again", OURS, NULL, "gcm/nokey", "encrypt", "outbound accept encrypt"},
    {"… with a cipher of the past", OURS, NULL, "old/nokey", "encrypt/none", "outbound reject", "no certificate"},
    {"… by its own word alone", OURS, NULL, "gcm/nokey/cipher=", "encrypt/none", "outbound reject", "no certificate"},
    {"… within a signature", OURS, NULL, "originator gcm/nokey", "encrypt/none", "outbound accept"},
    {"… and what is within is broken", OURS, NULL, "gcm/unread", "encrypt/none", "outbound accept"},
    {"a signature that does not open is no encryption", OURS, NULL, "empty/broken", "encrypt/none", "outbound reject",
     "no certificate"},
    {"a signature keeps no secret, whatever its cipher", OURS, NULL, "gcm/nokey empty/broken/cipher=aes-256-gcm",
     "encrypt/none", "outbound reject", "no certificate"},
    {"encrypted to us is not encrypted", OURS, NULL, "gcm", "encrypt/none", "outbound reject", "no certificate"},
    {"a part is not the message", OURS, NULL, "part/gcm/nokey", "encrypt/none", "outbound reject", "no certificate"},
    {"what must be readable", OURS, NULL, "gcm/nokey", "readable", "outbound reject", "outbound.unreadable"},
    {"… of which a part is not", OURS, NULL, "part/gcm/nokey", "readable", "outbound reject", "outbound.unreadable"},
    {"… of which the second part is not", OURS, NULL, "domain part/domain part/gcm/nokey", "readable",
     "outbound reject", "outbound.unreadable"},
    {"… of which a part is signed", OURS, NULL, "part/domain/path=temperror", "readable", "outbound tempfail",
     "could not be checked now"},
    {"… and is", OURS, NULL, "originator", "readable", "outbound accept sign"},
    {"… encrypted to us", OURS, NULL, "gcm", "readable", "outbound accept sign unwrap=1"},

    /* strangers do not learn what our key opens */
    {"a stranger's, encrypted to us, must be readable", STRANGER, NULL, "gcm", "readable", "outbound reject",
     "outbound.unreadable"},
    {"… with a cipher of the past, that opens", STRANGER, NULL, "old", "readable", "outbound reject",
     "outbound.unreadable"},
    {"a stranger's, encrypted to us", STRANGER, NULL, "gcm", "encrypt/none", "outbound accept",
     "already encrypted by the originator"},
    {"… with a cipher of the past", STRANGER, NULL, "old", "encrypt/none", "outbound reject", "no certificate"},
    {"… around what is not encrypted", STRANGER, NULL, "domain gcm domain", "encrypt/none", "outbound accept",
     "already encrypted by the originator"},
    {"… the outer one counts", STRANGER, NULL, "old gcm/nokey", "encrypt/none", "outbound reject", "no certificate"},
    {"… to others", STRANGER, NULL, "gcm/nokey", "encrypt/none", "outbound accept",
     "already encrypted by the originator"},
    {"… not at all", STRANGER, NULL, "domain", "encrypt/none", "outbound reject", "no certificate"},
    {"… in a part alone", STRANGER, NULL, "part/gcm", "encrypt/none", "outbound reject", "no certificate"},

    /* what comes off before, and is encrypted again */
    {"encrypted to us comes off", OURS, NULL, "gcm originator", "sign", "outbound accept sign unwrap=1"},
    {"… with the signature around it", OURS, NULL, "originator gcm", "encrypt", "outbound accept encrypt unwrap=2"},
    {"… not if nothing is due", OURS, NULL, "gcm", "nothing", "outbound accept"},
    {"an encryption inside is put on again", OURS, NULL, "gcm gcm/nokey", "sign",
     "outbound accept sign encrypt unwrap=1"},
    {"… without a certificate", OURS, NULL, "gcm gcm/nokey", "sign/none", "outbound tempfail failure unwrap=1",
     "no certificate for sign/none, whose copy must be encrypted"},
    {"… for a recipient of ours", OURS, NULL, "gcm gcm/nokey", "sign local", "outbound tempfail failure unwrap=1",
     "no certificate for local, whose copy must be encrypted"},
    {"… for whom the lookup failed", OURS, NULL, "gcm gcm/nokey", "sign/failed", "outbound tempfail failure unwrap=1",
     "no certificate for sign/failed"},
    {"… the first of two is said", OURS, NULL, "gcm gcm/nokey", "sign sign/none sign/failed",
     "outbound tempfail failure unwrap=1", "no certificate for sign/none"},
    {"a list agent's signature is replaced", OURS, NULL, "agent originator", "sign", "outbound accept sign unwrap=1"},
    {"… not by encryption alone", OURS, NULL, "agent originator", "encrypt", "outbound accept encrypt"},
    {"… unless it is around what is encrypted to us", OURS, NULL, "agent gcm", "encrypt",
     "outbound accept encrypt unwrap=2"},
    {"nothing of a stranger's comes off", STRANGER, NULL, "gcm gcm/nokey", "encrypt", "outbound accept encrypt"},

    /* what arrives */
    {"from one of ours to another", OURS, "strict", "", "local", "inbound accept internal",
     "from our own client to our own domains"},
    {"from outside", STRANGER, NULL, "", "local", "inbound accept met", "\"none\""},
    {"from outside, and a signature is required", STRANGER, "strict", "", "local", "inbound reject", "no valid"},
    {"… and a mark does", STRANGER, "tags", "", "local", "inbound accept", "otherwise = \"tag\""},
    {"… is there, and comes off", STRANGER, "strict", "domain", "local", "inbound accept met remove=1"},
    {"… of ours comes off, too", OURS, "strict", "gcm domain", "local", "inbound accept internal remove=2"},
    {"a client of ours in another's name", OURS_AS_OTHER, "strict", "", "local", "inbound reject", "no valid"},
    {"CBC comes off", STRANGER, "tags", "cbc", "local", "inbound accept remove=1", "neither"},
    {"… is left shut", STRANGER, "refuses", "cbc", "local", "inbound accept", "neither"},
    {"… with what is inside", STRANGER, "refuses", "gcm cbc domain/invalid cbc", "local", "inbound accept remove=1",
     "neither"},
    {"… and broken", STRANGER, "refuses", "cbc/broken", "local", "inbound accept", "neither"},
    {"… not around a good signature", STRANGER, "refuses", "cbc domain", "local", "inbound accept met remove=2"},
    {"… nor from one of ours", OURS, "refuses", "cbc", "local", "inbound accept internal remove=1"},
    {"a signature around CBC that is left shut", STRANGER, "refuses", "originator cbc", "local", "inbound accept",
     "it is outside the encryption"},
    {"the author's signature makes no client of ours", STRANGER, "strict", "originator", "local", "inbound accept met"},

    /* both at once */
    {"to both, from us", OURS, "strict", "", "sign local", "outbound accept sign"},
    {"to both, from us, as it is", OURS, "strict", "", "nothing local", "outbound accept"},
    {"to both, from us, encrypted to us", OURS, NULL, "gcm", "nothing local", "outbound accept"},
    {"to both, by a stranger with the author's signature", STRANGER, "strict", "originator", "sign local",
     "outbound accept sign"},
    {"… not encrypted, not signed", STRANGER, "strict", "", "nothing local", "inbound reject", "no valid signature"},
    {"… in the other order", STRANGER, "strict", "", "local nothing", "inbound reject", "no valid signature"},
    {"… accepted as it is", STRANGER, NULL, "domain", "nothing local", "inbound accept met remove=1", "\"none\""},
    {"… accepted, and the rule for others gives up", STRANGER, NULL, "domain", "plain/none local",
     "inbound accept met remove=1"},
    {"… accepted, and it leaves encrypted", STRANGER, NULL, "", "encrypt local/found", "outbound accept encrypt"},
    {"… accepted, and it leaves signed", STRANGER, NULL, "originator", "sign local", "outbound accept sign"},
    {"… refused, though it could leave with our signature", STRANGER, "secret", "originator", "sign local",
     "inbound reject", "not encrypted to us"},
    {"… refused, though it could leave signed", STRANGER, "strict", "domain/invalid", "unsigned local",
     "inbound reject", "(invalid)"},
    {"… refused before it is judged as what arrives", STRANGER, "strict", "", "sign local", "outbound reject",
     "the originator is not authentic"},
    {"… to others alone", STRANGER, "strict", "", "nothing", "outbound accept"},
    {"… encrypted to us", STRANGER, NULL, "gcm", "nothing local", "inbound reject met remove=1",
     "send it to each recipient separately"},
    {"… encrypted to us, in CBC", STRANGER, "strict", "domain cbc", "nothing local", "inbound reject remove=2",
     "send it to each recipient separately"},
    {"… encrypted to us, broken", STRANGER, NULL, "domain gcm/broken", "nothing local", "inbound reject met remove=1",
     "send it to each recipient separately"},
    {"… encrypted to others", STRANGER, NULL, "gcm/nokey", "nothing local", "inbound accept met"},
    {"… a part encrypted to us", STRANGER, NULL, "part/gcm", "nothing local", "inbound accept met"},
    {"to one of ours by another's address", STRANGER, "strict", "", "arrives/none", "inbound reject",
     "no valid signature"},
    {"… accepted as it is", STRANGER, NULL, "", "arrives/none", "inbound accept met"},
    {"… from us", OURS, "strict", "", "arrives/none", "outbound accept", "not protected"},
};

static void expect(const struct row *row)
{
    struct scene scene;
    struct plan plan;
    memset(&plan, 0xff, sizeof(plan));
    scene_set(&scene, row->sender, row->author, row->layers, row->recipients, MIXED_REJECT);
    policy_plan(&scene.input, &plan);
    g_autofree char *told = tell(&plan);
    cr_expect_str_eq(told, row->plan, "%s: %s: %s", row->name, told, plan.reason);
    if (row->reason != NULL)
        cr_expect_not_null(strstr(plan.reason, row->reason), "%s: %s", row->name, plan.reason);
    if (strstr(plan.reason, "separately") != NULL)
        cr_expect_str_empty(plan.public_reason, "%s", row->name);
    cr_expect_eq(plan.recipient_count, scene.input.recipient_count, "%s", row->name);
    cr_expect_not_null(plan.recipients, "%s", row->name);
    cr_expect_eq(plan.client_is_ours, row->sender == OURS, "%s", row->name);
    if (plan.internal)
        cr_expect_eq(plan.restores_from, PLAN_RESTORES_NONE, "%s", row->name);
    cr_expect(plan.verdict == VERDICT_ACCEPT || !(plan.treatment.sign || plan.treatment.encrypt), "%s", row->name);
    plan_clear(&plan);
    cr_expect(plan.recipients == NULL && plan.recipient_count == 0 && plan.judgement.layers == NULL, "%s", row->name);
    scene_clear(&scene);
}

Test(plan, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(&rows[i]);
}

Test(plan, identities_of_ours_that_are_missing)
{
    static const char *const names[OWN_COUNT] = {"mailbox", "review", "attribute", "domain", "auditor", "encrypter"};
    static const struct {
        const char *recipients;
        const char *needed[4]; /* each alone is missed; of all, the first */
    } needs[] = {
        {"sign", {"domain"}},
        {"both", {"domain"}},
        {"triple", {"domain"}},
        {"opportunistic", {"domain"}},
        {"opportunistic/none", {"domain"}},
        {"opportunistic+audited", {"domain", "auditor"}},
        {"encrypt", {NULL}},
        {"reviews", {"review", "domain"}},
        {"reviews_encrypted", {NULL}},
        {"attributes", {"domain"}},
        {"labelled", {"attribute", "domain"}},
        {"labelled_encrypted", {NULL}},
        {"labelled_alone", {"domain"}},
        {"equivalent", {"attribute", "domain"}},
        {"reviews labelled", {"review", "attribute", "domain"}},
        {"sign+reviews", {"review", "domain"}},
        {"sign+audited", {"domain", "auditor"}},
        {"audited", {"auditor"}},
        {"audited_signed", {"domain"}},
        {"audited sign", {"domain", "auditor"}},
        {"nothing", {NULL}},
        {"mailbox", {NULL}}, /* the author's own is asked for by the decision */
        {"mailbox_domain", {"domain"}},
        {"mailbox sign", {"domain"}},
        {"mailbox encrypt", {NULL}},
        {"mailbox reviews", {"review", "domain"}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++)
        for (size_t missing = 0; missing <= OWN_COUNT; missing++) {
            struct scene scene;
            struct plan plan;
            scene_set(&scene, OURS, NULL, "", needs[i].recipients, MIXED_REJECT);
            for (size_t j = 0; j < OWN_COUNT; j++)
                if (j != OWN_MAILBOX && (j == missing || missing == OWN_COUNT))
                    error_set(&scene.own[j].missing, ERROR_CONFIGURATION, "%s", names[j]);
            policy_plan(&scene.input, &plan);
            const char *const *needed = needs[i].needed;
            bool fails = missing == OWN_COUNT ? needed[0] != NULL : g_strv_contains(needed, names[missing]);
            cr_expect_eq(plan.failure, fails ? ERROR_CONFIGURATION : ERROR_NONE, "%s without %zu: %s",
                         needs[i].recipients, missing, plan.reason);
            cr_expect_eq(plan.verdict, fails ? VERDICT_TEMPFAIL : VERDICT_ACCEPT, "%s", needs[i].recipients);
            if (fails)
                cr_expect_str_eq(plan.reason, missing == OWN_COUNT ? needed[0] : names[missing], "%s", plan.reason);
            plan_clear(&plan);
            scene_clear(&scene);
        }
}

/* The author's own identity: that there is none is for the rule to decide; that it is outdated is for us to mend. */
Test(plan, an_identity_of_the_author)
{
    static const struct {
        const char *recipients;
        enum scene_sender sender;
        enum error_kind missing;
        enum verdict verdict;
        enum sign_as sign_as;
        const char *says;
    } cases[] = {
        {"mailbox", OURS, ERROR_NONE, VERDICT_ACCEPT, SIGN_AS_MAILBOX, "as we know"},
        {"mailbox_domain", OURS, ERROR_NONE, VERDICT_ACCEPT, SIGN_AS_BOTH, "as we know"},
        {"mailbox sign", OURS, ERROR_NONE, VERDICT_ACCEPT, SIGN_AS_BOTH, "mailbox"},
        {"mailbox", OURS, ERROR_PERMANENT, VERDICT_REJECT, SIGN_AS_DOMAIN, "nothing there"},
        {"mailbox", OURS, ERROR_CONFIGURATION, VERDICT_TEMPFAIL, SIGN_AS_DOMAIN, "nothing there"},
        {"sign mailbox", OURS, ERROR_PERMANENT, VERDICT_REJECT, SIGN_AS_DOMAIN, "mailbox: "},
        {"sign", OURS, ERROR_PERMANENT, VERDICT_ACCEPT, SIGN_AS_DOMAIN, "sign"},
        {"mailbox", OURS_AS_BOTH, ERROR_NONE, VERDICT_REJECT, SIGN_AS_DOMAIN, "From"},
        {"mailbox", STRANGER, ERROR_NONE, VERDICT_REJECT, SIGN_AS_DOMAIN, "not authentic"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, cases[i].sender, NULL, "", cases[i].recipients, MIXED_REJECT);
        if (cases[i].missing != ERROR_NONE)
            error_set(&scene.own[OWN_MAILBOX].missing, cases[i].missing, "nothing there");
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.verdict, cases[i].verdict, "row %zu: %s", i, plan.reason);
        cr_expect_eq(plan.treatment.sign_as, cases[i].sign_as, "row %zu: %s", i, plan.reason);
        cr_expect_not_null(strstr(plan.reason, cases[i].says), "row %zu: %s", i, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

Test(plan, what_a_local_recipients_rule_asks_is_not_asked)
{
    struct scene scene;
    struct plan plan;
    scene_set(&scene, OURS, NULL, "", "sign local", MIXED_REJECT);
    scene.recipients[1].claims[0].rule = &scene_partner("reviews")->base;
    policy_plan(&scene.input, &plan);
    cr_expect_eq(plan.verdict, VERDICT_ACCEPT);
    cr_expect_not(plan.wrapping.review);
    plan_clear(&plan);
    scene_clear(&scene);
}

Test(plan, a_message_that_could_not_be_worked_on)
{
    static const char *const recipients[] = {"sign", "local", "nothing local"};
    for (size_t i = 0; i < G_N_ELEMENTS(recipients); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, "domain", recipients[i], MIXED_REJECT);
        error_set(&scene.failure, ERROR_TEMPORARY, "no memory");
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.verdict, VERDICT_TEMPFAIL);
        cr_expect_eq(plan.failure, ERROR_TEMPORARY);
        cr_expect_str_eq(plan.reason, "no memory");
        cr_expect(!plan.treatment.sign && !plan.treatment.encrypt && plan.client_is_ours);
        cr_expect_eq(plan.judgement.domain_layer, JUDGED_NO_LAYER);
        cr_expect_eq(plan.judgement.layer_count, 0);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* A stranger's reply is the same whatever a part holds that our key opens. */
Test(plan, to_both_at_once_nothing_shows_what_our_key_opens)
{
    static const struct {
        const char *layers, *each; /* as judged for the reply */
    } replies[] = {
        {"domain part/gcm part/ours/domain/invalid", "pass/holds neutral hidden/none"},
        {"domain part/gcm/broken", "pass/holds neutral"},
        {"domain part/gcm/unread", "pass/holds neutral"},
        {"domain part/gcm/nokey", "pass/holds neutral"},
        {"domain part/domain/invalid", "pass/holds fail"},
        {"gcm domain", "pass/holds pass/holds"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, STRANGER, NULL, replies[i].layers, "nothing local", MIXED_TEMPFAIL);
        policy_plan(&scene.input, &plan);
        g_autofree char *each = views_tell_layers(&plan.judgement);
        cr_expect_str_eq(each, replies[i].each, "%s: %s", replies[i].layers, each);
        cr_expect_eq(plan.verdict, replies[i].layers[0] == 'g' ? VERDICT_TEMPFAIL : VERDICT_ACCEPT);
        cr_expect_str_empty(plan.public_reason);
        for (size_t j = 1; j < plan.judgement.layer_count; j++)
            if (strstr(replies[i].layers, "part/gcm") != NULL && !plan.judgement.layers[j].hidden)
                cr_expect_str_eq(plan.judgement.layers[j].finding.reason,
                                 "an encrypted part among other parts is not decrypted", "%s", replies[i].layers);
        cr_expect_str_eq(plan.judgement.bad_signature, strstr(each, "fail") != NULL ? "invalid" : "");
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

Test(plan, whether_certificates_are_wanted)
{
    static const struct {
        enum scene_sender sender;
        const char *layers, *recipients;
        bool wanted;
    } lookups[] = {
        {OURS, "", "nothing", false},
        {OURS, "", "sign", false},
        {OURS, "", "encrypt", true},
        {OURS, "", "sign encrypt", true},
        {OURS, "", "local", false},
        {OURS, "", "nothing+encrypt", true},
        {STRANGER, "", "encrypt", true},
        {OURS, "gcm", "sign", false},
        {OURS, "gcm gcm/nokey", "sign", true},
        {STRANGER, "gcm gcm/nokey", "sign", false},
        {STRANGER, "gcm originator gcm/nokey", "sign", false},
        {STRANGER, "originator gcm gcm/nokey", "sign", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lookups); i++) {
        struct scene scene;
        scene_set(&scene, lookups[i].sender, NULL, lookups[i].layers, lookups[i].recipients, MIXED_REJECT);
        scene.recipients[scene.input.recipient_count] =
            (struct recipient_view){.claims = {{&scene_partner("encrypt")->base, NULL}}, .claim_count = 1};
        cr_expect_eq(policy_wants_certificates(&scene.input), lookups[i].wanted, "%s, to %s", lookups[i].layers,
                     lookups[i].recipients);
        scene_clear(&scene);
    }
    struct scene scene;
    scene_set(&scene, OURS, NULL, "", "local", MIXED_REJECT);
    scene.recipients[0].claims[0].rule = &scene_partner("encrypt")->base;
    cr_expect_not(policy_wants_certificates(&scene.input), "a local recipient's rule encrypts nothing");
    scene_clear(&scene);
}

Test(plan, why_the_originator_is_authentic)
{
    static const struct {
        enum scene_sender sender;
        const char *layers; /* NULL: by the connection alone */
        bool authentic;
        const char *reason;
    } origins[] = {
        {OURS, "", true, "logged in"},
        {OURS, NULL, true, "logged in"},
        {STRANGER, "originator", true, "originator's signature: good signature by originator"},
        {STRANGER, NULL, false, "unknown"},
        {STRANGER, "", false, "unknown"},
        {STRANGER, "originator/path=temperror", false, "unknown"},
        {OURS_AS_OTHER, "originator", false, "From eve@other.test is not in local_domains"},
        {OURS_AS_BOTH, "originator", false, "From eve@other.test is not in local_domains"},
        {OURS_FAULTY, "originator", false, "two From fields"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(origins); i++) {
        struct scene scene;
        struct judgement judgement;
        char reason[720];
        const char *layers = origins[i].layers;
        scene_set(&scene, origins[i].sender, NULL, layers != NULL ? layers : "originator", "sign", MIXED_REJECT);
        policy_judge(scene.input.layers, &scene.originator, &scene.partners, &judgement);
        bool authentic = policy_is_authentic(&scene.input, layers != NULL ? &judgement : NULL, reason, sizeof(reason));
        cr_expect_eq(authentic, origins[i].authentic, "%zu: %s", i, reason);
        cr_expect_str_eq(reason, origins[i].reason, "%zu: %s", i, reason);
        judgement_clear(&judgement);
        scene_clear(&scene);
    }
}

/* A library's words are for the log. */
Test(plan, what_is_said_of_a_failure)
{
    struct scene scene;
    struct plan plan;
    struct error failure = {0};
    error_set_foreign(&failure, ERROR_TEMPORARY, "ENOSPC", "file in spool_directory");
    scene_set(&scene, STRANGER, NULL, "domain", "nothing local", MIXED_TEMPFAIL);
    scene.input.failure = &failure;
    policy_plan(&scene.input, &plan);
    cr_expect_eq(plan.failure, ERROR_TEMPORARY);
    cr_expect_str_eq(plan.reason, "file in spool_directory: ENOSPC");
    cr_expect_str_eq(plan.public_reason, "file in spool_directory");
    plan_clear(&plan);
    scene_clear(&scene);
}

/* An originator's signature comes off only if each author's rule says so, and from no one but strangers. */
Test(plan, originators_signatures_that_come_off)
{
    static const struct {
        enum scene_sender sender;
        const char *first, *second; /* the authors' partners */
        size_t removable;
    } senders[] = {
        {STRANGER, "nothing", NULL, 0},      {STRANGER, "removes", NULL, 1},      {STRANGER, "removes", "removes", 1},
        {STRANGER, "removes", "nothing", 0}, {STRANGER, "nothing", "removes", 0}, {OURS, "removes", NULL, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(senders); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, senders[i].sender, NULL, "originator", "local", MIXED_REJECT);
        const struct partner *partners[] = {scene_partner(senders[i].first),
                                            senders[i].second != NULL ? scene_partner(senders[i].second) : NULL};
        scene.partners = (struct authors){.partners = partners, .count = senders[i].second != NULL ? 2 : 1};
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.removable, senders[i].removable, "row %zu: %zu", i, plan.removable);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* What the rest of From says counts before all that is known of the client. */
Test(plan, a_name_that_hides_another_author)
{
    struct scene scene;
    char reason[720] = "";
    scene_set(&scene, OURS, NULL, "", "sign", MIXED_REJECT);
    scene.originator.from.hides_another = true;
    g_strlcpy(scene.originator.misleading, "it hides another", sizeof(scene.originator.misleading));
    cr_expect_not(policy_is_authentic(&scene.input, NULL, reason, sizeof(reason)));
    cr_expect_str_eq(reason, "it hides another");
    scene_clear(&scene);
}

/* A client of ours that may not use the author's name. */
Test(plan, an_author_who_is_not_proven)
{
    struct scene scene;
    struct plan plan;
    scene_set(&scene, OURS, NULL, "", "mailbox", MIXED_REJECT);
    scene.client.proves_author = false;
    g_strlcpy(scene.client.proof, "the login is another's", sizeof(scene.client.proof));
    policy_plan(&scene.input, &plan);
    cr_expect_eq(plan.verdict, VERDICT_REJECT);
    cr_expect_not_null(strstr(plan.reason, "it may not be signed in the author's name (the login is another's)"), "%s",
                       plan.reason);
    plan_clear(&plan);
    scene_clear(&scene);
}

Test(plan, a_rule_of_which_it_is_not_known_whether_it_fits)
{
    struct scene scene;
    struct plan plan;
    scene_set(&scene, OURS, NULL, "", "nothing", MIXED_REJECT);
    scene.recipients[0].unclear = UNCLEAR_RULE;
    scene.recipients[0].undecided = &scene_partner("encrypt")->base;
    policy_plan(&scene.input, &plan);
    cr_expect_eq(plan.verdict, VERDICT_TEMPFAIL);
    cr_expect_str_eq(plan.reason, "nothing: encrypt: From cannot be read, so whether this rule fits is unknown", "%s",
                     plan.reason);
    plan_clear(&plan);
    scene_clear(&scene);
}

/* What is left shut is told as if its decryption had failed, and nothing of what is inside. */
Test(plan, what_is_told_of_what_is_left_shut)
{
    static const struct {
        const char *layers, *each;
    } shut[] = {
        {"cbc", "fail"},
        {"cbc originator/invalid", "fail"},
        {"gcm cbc", "pass/holds fail"},
        {"domain gcm cbc originator/invalid cbc", "pass/holds pass/holds fail"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(shut); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, STRANGER, "refuses", shut[i].layers, "local", MIXED_REJECT);
        policy_plan(&scene.input, &plan);
        g_autofree char *each = views_tell_layers(&plan.judgement);
        cr_expect_str_eq(each, shut[i].each, "%s: %s", shut[i].layers, each);
        cr_expect_eq(plan.judgement.decrypted, strstr(shut[i].layers, "gcm") != NULL, "%s", shut[i].layers);
        cr_expect(g_str_has_prefix(plan.judgement.undecryptable_reason,
                                   "encrypted without protection against changes (aes-256-cbc)"),
                  "%s: %s", shut[i].layers, plan.judgement.undecryptable_reason);
        cr_expect_str_empty(plan.judgement.bad_signature, "%s", shut[i].layers);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}
