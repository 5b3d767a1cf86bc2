/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ACCEPT VERDICT_ACCEPT
#define REJECT VERDICT_REJECT
#define TEMPFAIL VERDICT_TEMPFAIL
#define QUARANTINE VERDICT_QUARANTINE

static const struct {
    struct inbound_rule rule;
    struct inbound_facts facts; /* signed, encrypted, undecryptable, failed */
    enum verdict verdict;
    const char *reason;
} rows[] = {
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, false, false, NULL, NULL},
     ACCEPT,
     "x.conf: inbound.require = \"none\""},
    {{REQUIRE_SIGN, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {true, false, false, false, NULL, NULL},
     ACCEPT,
     "x.conf: inbound.require = \"sign\" is met"},
    {{REQUIRE_SIGN, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, true, false, false, "expired", NULL},
     REJECT,
     "x.conf: inbound.require = \"sign\", otherwise = \"reject\": no valid signature (expired)"},
    {{REQUIRE_SIGN, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, true, false, false, "", NULL},
     REJECT,
     "x.conf: inbound.require = \"sign\", otherwise = \"reject\": no valid signature"},
    {{REQUIRE_ENCRYPT, OTHERWISE_QUARANTINE, UNDECRYPTABLE_DELIVER},
     {true, false, false, false, NULL, NULL},
     QUARANTINE,
     "x.conf: inbound.require = \"encrypt\", otherwise = \"quarantine\": not encrypted to us"},
    {{REQUIRE_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER}, {false, true, false, false, NULL, NULL}, ACCEPT, NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {true, true, false, false, NULL, NULL},
     ACCEPT,
     NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {true, false, false, false, "x", "y"},
     REJECT,
     "x.conf: inbound.require = \"sign+encrypt\", otherwise = \"reject\": not encrypted to us (y)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, true, false, false, "x", "y"},
     REJECT,
     NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_TAG, UNDECRYPTABLE_DELIVER},
     {false, false, false, false, "x", "y"},
     ACCEPT,
     "x.conf: inbound.require = \"sign+encrypt\", otherwise = \"tag\": no valid signature (x), not encrypted to us "
     "(y)"},
    /* temporarily failed: never a pass, and a rejection only for what no other time would change */
    {{REQUIRE_SIGN, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, false, true, "no list", NULL},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign\" could not be checked now (no list)"},
    {{REQUIRE_SIGN, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, false, true, "no list", "not encrypted"},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign\" could not be checked now (no list)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, false, true, "no list", "not encrypted"},
     REJECT,
     "x.conf: inbound.require = \"sign+encrypt\", otherwise = \"reject\": not encrypted to us (not encrypted)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, true, false, true, "no list", NULL},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign+encrypt\" could not be checked now (no list)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_TEMPFAIL},
     {false, false, true, true, "no list", "other key"},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign+encrypt\" could not be checked now (no list) (other key)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, true, true, "no list", "other key"},
     REJECT,
     NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_TEMPFAIL},
     {false, false, false, true, "no list", "not encrypted"},
     REJECT,
     "x.conf: inbound.require = \"sign+encrypt\", otherwise = \"reject\": not encrypted to us (not encrypted)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, true, false, true, "no list", "decrypted"},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign+encrypt\" could not be checked now (no list)"},
    {{REQUIRE_SIGN, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, true, true, "no list", "other key"},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign\" could not be checked now (no list) (other key)"},
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_REJECT}, {false, false, false, true, NULL, NULL}, ACCEPT, NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_TAG, UNDECRYPTABLE_DELIVER},
     {false, false, false, true, "no list", "not encrypted"},
     TEMPFAIL,
     "x.conf: inbound.require = \"sign+encrypt\" could not be checked now (no list) (not encrypted)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_QUARANTINE, UNDECRYPTABLE_DELIVER},
     {false, false, false, true, NULL, NULL},
     TEMPFAIL,
     NULL},
    {{REQUIRE_SIGN, OTHERWISE_TAG, UNDECRYPTABLE_DELIVER}, {true, true, false, true, NULL, NULL}, TEMPFAIL, NULL},
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER}, {false, false, false, true, NULL, NULL}, ACCEPT, NULL},
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_REJECT}, {false, false, true, true, NULL, NULL}, TEMPFAIL, NULL},
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER}, {false, false, true, true, NULL, NULL}, ACCEPT, NULL},
    /* none of our keys */
    {{REQUIRE_SIGN, OTHERWISE_TAG, UNDECRYPTABLE_DELIVER},
     {false, false, true, false, "none", "other key"},
     ACCEPT,
     "x.conf: inbound.require = \"sign\", otherwise = \"tag\": no valid signature (none), not decrypted (other key)"},
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER}, {false, false, true, false, NULL, NULL}, ACCEPT, NULL},
    {{REQUIRE_NONE, OTHERWISE_TAG, UNDECRYPTABLE_REJECT},
     {false, false, true, false, NULL, "other key"},
     REJECT,
     "x.conf: inbound.undecryptable = \"reject\": none of our keys can decrypt the message (other key)"},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_TAG, UNDECRYPTABLE_TEMPFAIL},
     {false, false, true, false, NULL, NULL},
     TEMPFAIL,
     NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {false, false, true, false, NULL, NULL},
     REJECT,
     NULL},
    {{REQUIRE_SIGN, OTHERWISE_QUARANTINE, UNDECRYPTABLE_DELIVER}, {true, false, true, false, NULL, NULL}, ACCEPT, NULL},
    {{REQUIRE_SIGN_ENCRYPT, OTHERWISE_TAG, UNDECRYPTABLE_DELIVER},
     {false, false, true, false, "none", "other key"},
     ACCEPT,
     "x.conf: inbound.require = \"sign+encrypt\", otherwise = \"tag\": no valid signature (none), not encrypted to us "
     "(other key)"},
    {{REQUIRE_SIGN, OTHERWISE_TAG, UNDECRYPTABLE_DELIVER},
     {false, false, false, false, "none", "not encrypted"},
     ACCEPT,
     "x.conf: inbound.require = \"sign\", otherwise = \"tag\": no valid signature (none)"},
    {{REQUIRE_NONE, OTHERWISE_REJECT, (enum undecryptable)99}, {true, true, true, false, NULL, NULL}, TEMPFAIL, NULL},
    /* a part of it */
    {{REQUIRE_NONE, OTHERWISE_TAG, UNDECRYPTABLE_REJECT},
     {true, true, false, false, NULL, "other key", NULL, true},
     REJECT,
     "x.conf: inbound.undecryptable = \"reject\": an encrypted part among other parts is not decrypted"},
    {{REQUIRE_NONE, OTHERWISE_TAG, UNDECRYPTABLE_TEMPFAIL},
     {true, true, false, false, NULL, NULL, NULL, true},
     TEMPFAIL,
     NULL},
    {{REQUIRE_NONE, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {true, true, false, false, NULL, NULL, NULL, true},
     ACCEPT,
     NULL},
    {{REQUIRE_SIGN, (enum otherwise)99, UNDECRYPTABLE_DELIVER},
     {false, false, false, false, NULL, NULL},
     TEMPFAIL,
     NULL},
    {{(enum require)99, OTHERWISE_REJECT, UNDECRYPTABLE_DELIVER},
     {true, false, false, false, NULL, NULL},
     REJECT,
     NULL},
};

static const struct partner partner = {.name = (char *)"x.conf"};

Test(inbound, table)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rule rule = {.partner = &partner, .inbound = rows[i].rule};
        struct inbound_decision decision;
        memset(&decision, 0xff, sizeof(decision));
        policy_inbound(&rule, &rows[i].facts, &decision);
        cr_expect_eq(decision.verdict, rows[i].verdict, "row %zu: %s", i, decision.reason);
        if (rows[i].reason != NULL)
            cr_expect_str_eq(decision.reason, rows[i].reason, "row %zu: %s", i, decision.reason);
        cr_expect_eq(strncmp(decision.reason, "x.conf: inbound.", 16), 0, "row %zu: %s", i, decision.reason);
    }
}

Test(inbound, what_holds_for_every_combination)
{
    for (unsigned n = 0; n < 4 * 3 * 3 * 16; n++) {
        struct rule rule = {.partner = &partner};
        rule.inbound.require = (enum require)(n % 4);
        rule.inbound.otherwise = (enum otherwise)(n / 4 % 3);
        rule.inbound.undecryptable = (enum undecryptable)(n / 12 % 3);
        unsigned bits = n / 36;
        struct inbound_facts facts = {
            .signed_ok = bits & 1, .encrypted_ok = bits & 2, .undecryptable = bits & 4, .failed_temporarily = bits & 8};
        struct inbound_decision decision;
        policy_inbound(&rule, &facts, &decision);
        bool wants_signature = rule.inbound.require == REQUIRE_SIGN || rule.inbound.require == REQUIRE_SIGN_ENCRYPT;
        bool wants_encryption = rule.inbound.require >= REQUIRE_ENCRYPT;
        bool met = (!wants_signature || facts.signed_ok) && (!wants_encryption || facts.encrypted_ok);
        if (facts.failed_temporarily)
            cr_expect(decision.verdict == TEMPFAIL ||
                      (decision.verdict == ACCEPT && rule.inbound.require == REQUIRE_NONE) ||
                      (decision.verdict == REJECT && wants_encryption && !facts.encrypted_ok));
        else if (decision.verdict == ACCEPT)
            cr_expect(met || rule.inbound.otherwise == OTHERWISE_TAG, "cell %u", n);
        else if (met)
            cr_expect(facts.undecryptable && rule.inbound.undecryptable != UNDECRYPTABLE_DELIVER, "cell %u", n);
    }
}

static const struct {
    enum signed_by signed_by;
    bool domain, originator, ok;
} signatures[] = {
    {SIGNED_BY_ANY, true, false, true},        {SIGNED_BY_ANY, false, true, true},
    {SIGNED_BY_ANY, false, false, false},      {SIGNED_BY_DOMAIN, true, false, true},
    {SIGNED_BY_DOMAIN, false, true, false},    {SIGNED_BY_ORIGINATOR, true, false, false},
    {SIGNED_BY_ORIGINATOR, false, true, true}, {SIGNED_BY_BOTH, true, false, false},
    {SIGNED_BY_BOTH, false, true, false},      {SIGNED_BY_BOTH, true, true, true},
    {(enum signed_by)99, true, false, false},  {(enum signed_by)99, true, true, true},
};

Test(inbound, signed_by)
{
    for (size_t i = 0; i < COUNT(signatures); i++) {
        struct rule rule = {.partner = &partner, .inbound = {.signed_by = signatures[i].signed_by}};
        cr_expect_eq(policy_signed_ok(&rule, signatures[i].domain, signatures[i].originator), signatures[i].ok, "%zu",
                     i);
    }
}

Test(inbound, label_that_is_not_accepted_gets_otherwise)
{
    struct rule rule = {.partner = &partner, .inbound = {.require = REQUIRE_NONE, .otherwise = OTHERWISE_QUARANTINE}};
    struct inbound_facts facts = {.label_reason = "labelled secret"};
    struct inbound_decision decision;
    policy_inbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, QUARANTINE);
    cr_expect_not(decision.met);
    cr_expect_not_null(strstr(decision.reason, "labelled secret"));
}
