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

/* certificates: a letter for that of each recipient; lower case: the recipient stands in no To or Cc; "?": so does this
 * one, and which certificate it has is not known. */
static void set_certificates(struct scene *scene, const char *certificates)
{
    static const char *const ids[] = {"A", "B", "C"};
    for (size_t i = 0; certificates != NULL && certificates[i] != '\0'; i++) {
        bool is_known = certificates[i] != '?';
        scene->recipients[i].certificate_id = is_known ? ids[g_ascii_toupper(certificates[i]) - 'A'] : NULL;
        scene->recipients[i].hidden = !is_known || g_ascii_islower(certificates[i]);
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
    {"… the first of two is told", OURS, NULL, "gcm gcm/nokey", "sign/none sign/failed", NULL, "tempfail",
     "sign/none: no certificate for sign/none"},

    /* blind copies */
    {"everyone is shown", OURS, NULL, "", "both both", "AB", "one: sign encrypt", NULL},
    {"one is not", OURS, NULL, "", "both both", "Ab", "sign encrypt | sign encrypt /2", "split: no recipient of a"},
    {"the other one is not", OURS, NULL, "", "both both", "aB", "sign encrypt | sign encrypt /2", NULL},
    {"nobody is", OURS, NULL, "", "both both", "ab", "sign encrypt | sign encrypt /2", NULL},
    {"… and all have one certificate", OURS, NULL, "", "both both", "aa", "one: sign encrypt", NULL},
    {"it has the certificate of one who is", OURS, NULL, "", "both both both", "ABb", "one: sign encrypt", NULL},
    {"… of the first who is", OURS, NULL, "", "both both both", "ABa", "one: sign encrypt", NULL},
    {"the certificate of one who is shown is not known", OURS, NULL, "", "both both both", "AB", "one: sign encrypt",
     NULL},
    {"… of one who is not", OURS, NULL, "", "both both both", "AB?", "sign encrypt | sign encrypt | sign encrypt /3",
     NULL},
    {"nobody is named in a signature", OURS, NULL, "", "sign sign", "Ab", "one: sign", NULL},

    /* what arrives, too */
    {"a stranger's, for both", STRANGER, NULL, "", "nothing local", NULL, "one: none", NULL},
    {"… as each rule has it", STRANGER, NULL, "", "encrypt local", NULL, "encrypt | none /2", NULL},
    {"… the rule for what arrives refuses it", STRANGER, "strict", "", "encrypt local", NULL, "reject", "no valid"},
    {"… the rule for what arrives waits", STRANGER, "strict", "domain/path=temperror", "encrypt local", NULL,
     "tempfail", "could not be checked now"},
    {"… encrypted to us", STRANGER, NULL, "gcm", "nothing local", NULL, "none | none /1", NULL},
    {"… and refused", STRANGER, "strict", "gcm", "nothing local", NULL, "reject", "no valid signature"},
    {"… for one alone, there is nothing to split", STRANGER, NULL, "gcm", "arrives/none", NULL, "reject",
     "send it to each recipient separately"},
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
        cr_expect_eq(plan.shares != NULL, plan.needs_split, "%s", rows[i].name);
        cr_expect_leq(plan.manner_count, plan.recipient_count, "%s", rows[i].name);
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
    {"three layers", "both", {true, true, true}, true, "one: sign encrypt triple"},
    {"in the author's name", "nothing", {true, false, false, SIGN_AS_MAILBOX}, true, "one: sign as mailbox"},
    {"… and the rule wants another's", "sign", {true, false, false, SIGN_AS_MAILBOX}, true, "one: sign as both"},
    {"… and the rule alone wants that", "mailbox", {true, false, false}, true, "one: sign as both"},
    {"… and nothing was planned", "mailbox", {false, false, false}, true, "one: sign as mailbox"},
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
        bool encrypts = least.treatment.encrypt || recipient_wants(&scene.recipients[0], policy_encrypts);
        cr_expect_eq(policy_wants_certificates(&scene.input), encrypts, "%s", copies[i].name);
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
        cr_expect_eq(plan.failure, plan.verdict == VERDICT_ACCEPT ? ERROR_NONE : ERROR_TEMPORARY, "row %zu", i);
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
        {{.sign = true, .encrypt = true, .triple = true}, {.sign = true, .encrypt = true, .triple = true}, true},
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
        {OURS, "local", "none /1"},
        {OURS, "local local", "none | none /1"},
        {OURS, "nothing local", "none | none /1"},
        {OURS, "sign", "one: sign"},
        {STRANGER, "local", "one: none"},
        {OURS_AS_OTHER, "local", "none /1"},
        {OURS, "sign local", "sign | none /2"},
        {OURS, "both/none local", "reject"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, aliases[i].sender, NULL, "", aliases[i].recipients, MIXED_SPLIT);
        scene.conf.split.aliases = true;
        policy_plan(&scene.input, &plan);
        g_autofree char *told = tell(&plan);
        cr_expect_str_eq(told, aliases[i].plan, "row %zu: %s (%s)", i, told, plan.reason);
        cr_expect(plan.verdict == VERDICT_ACCEPT || !plan.needs_split, "row %zu", i);
        cr_expect_leq(plan.manner_count, plan.recipient_count, "row %zu", i);
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

/* A copy is not split again, and nothing is where the configuration does not split. */
Test(split, aliases_of_what_is_not_split)
{
    static const struct least least = {.is_planned = true};
    for (int is_copy = 0; is_copy < 2; is_copy++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, "", "local", is_copy != 0 ? MIXED_SPLIT : MIXED_REJECT);
        scene.conf.split.aliases = true;
        scene.input.least = is_copy != 0 ? &least : NULL;
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.verdict, VERDICT_ACCEPT);
        cr_expect_not(plan.needs_split, "%d: %s", is_copy, plan.reason);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* The same for copies that are made alike. */
Test(split, what_is_merely_found_for_all)
{
    static const struct {
        const char *layers, *recipients;
        bool merely;
    } cases[] = {
        {"", "opportunistic opportunistic", true},
        {"gcm gcm/nokey", "opportunistic opportunistic", false},
        {"", "encrypt encrypt", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, cases[i].layers, cases[i].recipients, MIXED_SPLIT);
        scene.conf.split.aliases = true;
        scene.recipients[0].arrives = true;
        policy_plan(&scene.input, &plan);
        cr_assert(plan.needs_split && plan.manner_count == 1, "%zu: %s", i, plan.reason);
        for (size_t j = 0; j < 2; j++)
            cr_expect_eq(plan.shares[j].opportunistic, cases[i].merely, "%zu: %zu", i, j);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

/* What keeps one recipient from its copy is told with the recipient's name; of a message to one alone, as it is. */
Test(split, a_copy_that_fails)
{
    static const struct {
        const char *recipients, *reason, *public_reason;
        size_t culprit;
    } cases[] = {
        {"sign reviews", "reviews: the key: EIO", "reviews: the key", 1},
        {"reviews sign", "reviews: the key: EIO", "reviews: the key", 0},
        {"reviews", "the key: EIO", "the key", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene scene;
        struct plan plan;
        scene_set(&scene, OURS, NULL, "", cases[i].recipients, MIXED_SPLIT);
        error_set_foreign(&scene.own[OWN_REVIEW].missing, ERROR_CONFIGURATION, "EIO", "the key");
        policy_plan(&scene.input, &plan);
        cr_expect_eq(plan.verdict, VERDICT_TEMPFAIL, "%zu: %s", i, plan.reason);
        cr_expect_eq(plan.failure, ERROR_CONFIGURATION, "%zu", i);
        cr_expect_eq(plan.culprit, cases[i].culprit, "%zu: %zu", i, plan.culprit);
        cr_expect_str_eq(plan.reason, cases[i].reason, "%zu: %s", i, plan.reason);
        cr_expect_str_eq(plan.public_reason, cases[i].public_reason, "%zu: %s", i, plan.public_reason);
        cr_expect(!plan.needs_split && plan.shares == NULL, "%zu", i);
        plan_clear(&plan);
        scene_clear(&scene);
    }
}

Test(split, what_is_due)
{
    static const struct {
        struct treatment treatment;
        bool due;
    } cases[] = {{{0}, false}, {{.sign = true}, true}, {{.encrypt = true}, true}, {{.triple = true}, true}};
    cr_expect_not(policy_is_due(NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        cr_expect_eq(policy_is_due(&(struct least){.treatment = cases[i].treatment}), cases[i].due, "%zu", i);
}

/* What was accepted before waits for what may be mended, and says so. An alias was never promised. */
Test(split, what_fails_for_a_copy)
{
    static const struct {
        bool is_planned;
        enum verdict verdict, held;
        enum error_kind failure, kept;
    } cases[] = {
        {true, VERDICT_REJECT, VERDICT_TEMPFAIL, ERROR_NONE, ERROR_NONE},
        {false, VERDICT_REJECT, VERDICT_REJECT, ERROR_NONE, ERROR_NONE},
        {true, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL, ERROR_PERMANENT, ERROR_TEMPORARY},
        {true, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL, ERROR_TOO_LARGE, ERROR_TEMPORARY},
        {true, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL, ERROR_CONFIGURATION, ERROR_CONFIGURATION},
        {false, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL, ERROR_PERMANENT, ERROR_PERMANENT},
        {false, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL, ERROR_TOO_LARGE, ERROR_TOO_LARGE},
        {true, VERDICT_ACCEPT, VERDICT_TEMPFAIL, ERROR_NONE, ERROR_NONE},
        {true, VERDICT_QUARANTINE, VERDICT_TEMPFAIL, ERROR_NONE, ERROR_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (int inbound = 0; inbound < 2; inbound++) {
            const struct least least = {.treatment.encrypt = true, .is_planned = cases[i].is_planned};
            struct plan plan = {.direction = inbound != 0 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
                                .verdict = cases[i].verdict,
                                .failure = cases[i].failure,
                                .reason = "as it was"};
            policy_hold(&least, &plan);
            bool passed = cases[i].verdict == VERDICT_ACCEPT || cases[i].verdict == VERDICT_QUARANTINE;
            const char *reason = !passed ? "as it was"
                                 : inbound != 0
                                     ? "protection was planned for this recipient, which now is in a local domain"
                                     : "protection was planned for this recipient, and cannot be put on now";
            cr_expect_eq(plan.verdict, cases[i].held, "%zu", i);
            cr_expect_eq(plan.failure, cases[i].kept, "%zu", i);
            cr_expect_str_eq(plan.reason, reason, "%zu: %s", i, plan.reason);
        }
}
