/* SPDX-License-Identifier: Apache-2.0 */
/* Which messages are split, and what each recipient's copy gets. */
#include "policy/plan.h"

#include "support/scene.h"

#include <criterion/criterion.h>
#include <string.h>

/* "sign encrypt | none | sign", then the number of forms; "one: …" for a message that is not split. */
static char *tell(const struct plan *plan)
{
    GString *text = g_string_new(NULL);
    if (plan->verdict != VERDICT_ACCEPT)
        return g_string_free(g_string_append(text, verdict_name(plan->verdict)), FALSE);
    for (size_t i = 0; i < (plan->needs_split ? plan->recipient_count : 1); i++) {
        const struct treatment *treatment =
            plan->needs_split ? &plan->manners[plan->shares[i].manner].treatment : &plan->treatment;
        static const char *const as[] = {"", " as mailbox", " as both"};
        g_string_append_printf(text, "%s%s%s%s%s%s",
                               i > 0               ? " |"
                               : plan->needs_split ? ""
                                                   : "one:",
                               treatment->sign ? " sign" : "", as[treatment->sign_as],
                               treatment->encrypt ? " encrypt" : "", treatment->triple ? " triple" : "",
                               !treatment->sign && !treatment->encrypt ? " none" : "");
    }
    if (plan->needs_split)
        g_string_append_printf(text, " /%zu", plan->form_count);
    return g_strstrip(g_string_free(text, FALSE));
}

/* certificates: a letter for that of each recipient; lower case: the recipient stands in no To or Cc. */
static void set_certificates(struct scene *scene, const char *certificates)
{
    static const char *const ids[] = {"A", "B", "C"};
    for (size_t i = 0; certificates != NULL && certificates[i] != '\0'; i++) {
        scene->recipients[i].certificate_id = ids[g_ascii_toupper(certificates[i]) - 'A'];
        scene->recipients[i].hidden = g_ascii_islower(certificates[i]);
    }
}

static const struct {
    const char *name;
    enum scene_sender sender;
    const char *author, *layers, *recipients, *certificates, *plan, *reason;
} rows[] = {
    {"one recipient", OURS, NULL, "", "both", NULL, "one: sign encrypt", NULL},
    {"two of a kind", OURS, NULL, "", "both both", NULL, "one: sign encrypt", NULL},
    {"nothing for anyone", OURS, NULL, "", "nothing local", NULL, "one: none", NULL},
    {"encrypted and not", OURS, NULL, "", "encrypt nothing", NULL, "encrypt | none /2", "split: encrypt: encrypt:"},
    {"signed and not", OURS, NULL, "", "sign nothing", NULL, "sign | none /2", NULL},
    {"a colleague", OURS, NULL, "", "sign local", NULL, "sign | none /2", NULL},
    {"the strictest is not for all", OURS, NULL, "", "sign encrypt both", NULL, "sign | encrypt | sign encrypt /3",
     NULL},
    {"three layers and two", OURS, NULL, "", "triple both triple", NULL,
     "sign encrypt triple | sign encrypt | sign encrypt triple /2", NULL},
    {"ours can read one of them", OURS, NULL, "", "encrypt audited", NULL, "encrypt | encrypt /2", NULL},
    {"… which does not matter in a signature", OURS, NULL, "", "sign audited_signed", NULL, "one: sign", NULL},
    {"a review", OURS, NULL, "", "sign reviews", NULL, "sign | sign /2", NULL},
    {"… which does not matter in an encryption", OURS, NULL, "", "encrypt reviews_encrypted", NULL, "one: encrypt",
     NULL},
    {"whose signature", OURS, NULL, "", "sign mailbox mailbox_domain sign", NULL,
     "sign | sign as mailbox | sign as both | sign /3", "split: sign: sign: outbound.protect"},
    {"one author's signature", OURS, NULL, "", "mailbox mailbox", NULL, "one: sign as mailbox", NULL},
    {"… that may not be made", OURS_AS_BOTH, NULL, "", "sign mailbox", NULL, "reject", NULL},
    {"a label", OURS, NULL, "", "sign labelled_alone labelled_alone", NULL, "sign | sign | sign /2", NULL},
    {"a rule that gives up", OURS, NULL, "", "plain/none plain", NULL, "none | encrypt /2", NULL},

    {"what is found", OURS, NULL, "", "opportunistic opportunistic/none", NULL, "sign encrypt | sign /2",
     "split: opportunistic: opportunistic: outbound.protect"},
    {"… for all", OURS, NULL, "", "opportunistic opportunistic both", NULL, "one: sign encrypt", NULL},
    {"… for none", OURS, NULL, "", "opportunistic/none sign", NULL, "one: sign", NULL},
    {"… beside what must be", OURS, NULL, "", "encrypt opportunistic/none", NULL, "encrypt | sign /2", NULL},

    /* one refusal is one for all */
    {"whether there is one is unknown", OURS, NULL, "", "opportunistic opportunistic/failed", NULL, "tempfail",
     "opportunistic/failed: "},
    {"one has no certificate", OURS, NULL, "", "sign both/none", NULL, "reject",
     "both/none: both: outbound.no_certificate"},
    {"one waits", OURS, NULL, "", "both/none both/failed", NULL, "tempfail", "both/failed: "},
    {"a certificate that an inner encryption needs", OURS, NULL, "gcm gcm/nokey", "sign sign/none", NULL, "tempfail",
     "sign/none: no certificate for sign/none"},

    /* blind copies */
    {"everyone is shown", OURS, NULL, "", "both both", "AB", "one: sign encrypt", NULL},
    {"one is not", OURS, NULL, "", "both both", "Ab", "sign encrypt | sign encrypt /2", "split: no recipient of a"},
    {"the other one is not", OURS, NULL, "", "both both", "aB", "sign encrypt | sign encrypt /2", NULL},
    {"nobody is", OURS, NULL, "", "both both", "ab", "sign encrypt | sign encrypt /2", NULL},
    {"… and all have one certificate", OURS, NULL, "", "both both", "aa", "one: sign encrypt", NULL},
    {"it has the certificate of one who is", OURS, NULL, "", "both both both", "ABb", "one: sign encrypt", NULL},
    {"nobody is named in a signature", OURS, NULL, "", "sign sign", "Ab", "one: sign", NULL},

    /* what arrives, too */
    {"a stranger's, for both", STRANGER, NULL, "", "nothing local", NULL, "one: none", NULL},
    {"… as each rule has it", STRANGER, NULL, "", "encrypt local", NULL, "encrypt | none /2", NULL},
    {"… the rule for what arrives refuses it", STRANGER, "strict", "", "encrypt local", NULL, "reject", "no valid"},
    {"… encrypted to us", STRANGER, NULL, "gcm", "nothing local", NULL, "none | none /1", NULL},
    {"… and refused", STRANGER, "strict", "gcm", "nothing local", NULL, "reject", NULL},
};

Test(split, rows)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, rows[i].sender, rows[i].author, rows[i].layers, rows[i].recipients, MIXED_SPLIT);
        set_certificates(&scene, rows[i].certificates);
        policy_plan(&scene.input, &plan);
        g_autofree char *told = tell(&plan);
        cr_expect_str_eq(told, rows[i].plan, "%s: %s (%s)", rows[i].name, told, plan.reason);
        cr_expect(rows[i].reason == NULL || strstr(plan.reason, rows[i].reason) != NULL, "%s: %s", rows[i].name,
                  plan.reason);
        cr_expect(!plan.needs_split || !(plan.treatment.sign || plan.treatment.encrypt), "%s", rows[i].name);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* An alias of a recipient has to get what a rule demanded, not what was merely found. What was encrypted to us is never
 * merely found. */
Test(split, what_is_merely_found)
{
    static const struct {
        const char *layers, *recipients;
        bool merely[3];
    } cases[] = {
        {"", "opportunistic opportunistic/none both", {true, false, false}},
        {"", "opportunistic+encrypt opportunistic sign", {false, true, false}},
        {"gcm gcm/nokey", "opportunistic sign sign", {false, false, false}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, cases[i].layers, cases[i].recipients, MIXED_SPLIT);
        set_certificates(&scene, "abc");
        policy_plan(&scene.input, &plan);
        cr_assert(plan.needs_split, "%s: %s", cases[i].recipients, plan.reason);
        for (size_t j = 0; j < 3; j++)
            cr_expect_eq(plan.shares[j].opportunistic, cases[i].merely[j], "%s: %zu", cases[i].recipients, j);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* --- one copy --- */

static const struct {
    const char *name, *recipient;
    struct treatment least;
    bool is_planned;
    const char *plan;
} copies[] = {
    {"as planned", "both", {true, true, false}, true, "one: sign encrypt"},
    {"a weaker rule", "nothing", {true, true, false}, true, "one: sign encrypt"},
    {"a stronger rule", "triple", {true, false, false}, true, "one: sign encrypt triple"},
    {"nothing was planned", "sign", {false, false, false}, true, "one: sign"},
    {"no certificate any more", "both/none", {true, true, false}, true, "tempfail"},
    {"… and a rule without encryption", "nothing/none", {false, true, false}, true, "tempfail"},
    {"… and a rule that gives up", "plain/none", {false, true, false}, true, "tempfail"},
    {"found once, and now not any more", "opportunistic/none", {true, true, false}, true, "tempfail"},
    {"found once, and now unknown", "opportunistic/failed", {true, true, false}, true, "tempfail"},
    {"found once", "opportunistic", {true, true, false}, true, "one: sign encrypt"},
    {"found only now", "opportunistic", {true, false, false}, true, "one: sign encrypt"},
    {"found never", "opportunistic/none", {true, false, false}, true, "one: sign"},
    {"an alias outside", "nothing", {false, true, false}, false, "one: encrypt"},
    {"… with a rule that refuses", "both/none", {false, true, false}, false, "reject"},
    {"it became ours", "local", {false, true, false}, true, "tempfail"},
    {"it always was", "local", {false, false, false}, true, "one: none"},
};

Test(split, copies)
{
    for (size_t i = 0; i < G_N_ELEMENTS(copies); i++) {
        struct scene scene;
        struct plan plan;
        const struct least least = {.treatment = copies[i].least, .is_planned = copies[i].is_planned};
        scene_set(&scene, OURS, NULL, "", copies[i].recipient, MIXED_SPLIT);
        scene.input.least = &least;
        cr_expect(!least.treatment.encrypt || policy_wants_certificates(&scene.input), "%s", copies[i].name);
        policy_plan(&scene.input, &plan);
        g_autofree char *told = tell(&plan);
        cr_expect_str_eq(told, copies[i].plan, "%s: %s (%s)", copies[i].name, told, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* A policy in test mode lets a message pass that cannot be worked on, but not a copy for which protection was planned.
 */
Test(split, test_mode_does_not_undo_what_was_planned)
{
    static const struct least none = {.is_planned = true},
                              encryption = {.treatment = {.encrypt = true}, .is_planned = true},
                              alias = {.treatment = {.encrypt = true}};
    static const struct {
        const struct least *least;
        enum verdict verdict;
    } cases[] = {
        {NULL, VERDICT_ACCEPT}, {&none, VERDICT_ACCEPT}, {&encryption, VERDICT_TEMPFAIL}, {&alias, VERDICT_TEMPFAIL}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, "", "nothing", MIXED_SPLIT);
        struct partner partner = *scene.recipients[0].claims[0].rule->partner;
        struct rule rule = *scene.recipients[0].claims[0].rule;
        partner.mode = MODE_TEST;
        rule.partner = &partner;
        scene.recipients[0].claims[0].rule = &rule;
        scene.input.least = cases[i].least;
        error_set(&scene.failure, ERROR_TEMPORARY, "the directory is down");
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.verdict, cases[i].verdict, "row %zu: %s", i, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* Whatever led to a plan, it is not carried out without what was planned. */
Test(split, the_last_word)
{
    static const struct {
        struct treatment least, given;
        bool holds;
    } cases[] = {
        {{.sign = true}, {.sign = true}, true},
        {{.encrypt = true}, {.sign = true}, false},
        {{.sign = true}, {.encrypt = true}, false},
        {{.sign = true, .encrypt = true, .triple = true}, {.sign = true, .encrypt = true}, false},
        {{0}, {.encrypt = true}, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct least least = {.treatment = cases[i].least, .is_planned = true};
        struct plan plan = {.direction = DIRECTION_OUTBOUND, .verdict = VERDICT_ACCEPT, .treatment = cases[i].given};
        policy_hold(&least, &plan);
        cr_expect_eq(plan.verdict, cases[i].holds ? VERDICT_ACCEPT : VERDICT_TEMPFAIL, "row %zu", i);
    }
}

Test(split, aliases)
{
    static const struct {
        enum scene_sender sender;
        const char *recipients, *plan;
    } aliases[] = {
        {OURS, "local", "none /1"},  {OURS, "local local", "none | none /1"}, {OURS, "nothing local", "none | none /1"},
        {OURS, "sign", "one: sign"}, {STRANGER, "local", "one: none"},        {OURS_AS_OTHER, "local", "none /1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, aliases[i].sender, NULL, "", aliases[i].recipients, MIXED_SPLIT);
        scene.conf.split.aliases = true;
        policy_plan(&scene.input, &plan);
        g_autofree char *told = tell(&plan);
        cr_expect_str_eq(told, aliases[i].plan, "row %zu: %s (%s)", i, told, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

Test(split, the_stronger_algorithms_hold)
{
    static const struct {
        enum cipher planned, now, made;
    } ciphers[] = {
        {CIPHER_AES_256_GCM, CIPHER_AES_128_CBC, CIPHER_AES_256_GCM},
        {CIPHER_AES_128_GCM, CIPHER_AES_256_CBC, CIPHER_AES_128_GCM},
        {CIPHER_AES_192_CBC, CIPHER_AES_128_CBC, CIPHER_AES_192_CBC},
        {CIPHER_AES_128_CBC, CIPHER_AES_128_GCM, CIPHER_AES_128_GCM},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ciphers); i++) {
        const struct least least = {.treatment = {true, true, false},
                                    .form = {.cipher = ciphers[i].planned, .digest = DIGEST_SHA512},
                                    .review = true};
        struct wrapping wrapping = {.form = {.cipher = ciphers[i].now,
                                             .signature = SIGNATURE_RSA_PKCS1,
                                             .key_transport = KEY_TRANSPORT_RSA_PKCS1}};
        wrapping_raise(&least, &wrapping);
        cr_expect_eq(wrapping.form.cipher, ciphers[i].made, "row %zu", i);
        cr_expect_eq(wrapping.form.digest, DIGEST_SHA512);
        cr_expect_eq(wrapping.form.signature, SIGNATURE_RSA_PSS);
        cr_expect_eq(wrapping.form.key_transport, KEY_TRANSPORT_RSA_OAEP);
        cr_expect(wrapping.review && !wrapping.attributes);
    }
}
