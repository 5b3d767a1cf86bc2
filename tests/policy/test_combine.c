/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {"ann@a.test", "bob@b.test", "cid@c.test"};

#define D(v, s, e, t, r)                                                                                               \
    {                                                                                                                  \
        .verdict = (v), .sign = (s), .encrypt = (e), .triple = (t), .reason = r                                        \
    }
#define PLAIN D(VERDICT_ACCEPT, false, false, false, "plain")
#define SIGN D(VERDICT_ACCEPT, true, false, false, "sign")
#define ENCRYPT D(VERDICT_ACCEPT, false, true, false, "encrypt")
#define BOTH D(VERDICT_ACCEPT, true, true, false, "both")
#define TRIPLE D(VERDICT_ACCEPT, true, true, true, "triple")
#define FOUND_ONE                                                                                                      \
    {                                                                                                                  \
        .verdict = VERDICT_ACCEPT, .sign = true, .encrypt = true, .opportunistic = true, .reason = "found"             \
    }
#define FOUND_UNSIGNED                                                                                                 \
    {                                                                                                                  \
        .verdict = VERDICT_ACCEPT, .encrypt = true, .opportunistic = true, .reason = "unsigned"                        \
    }
#define REJECT D(VERDICT_REJECT, false, false, false, "no")
#define TEMPFAIL D(VERDICT_TEMPFAIL, false, false, false, "later")

static const struct {
    struct outbound_decision decisions[3];
    bool has[3]; /* a certificate */
    size_t count;
    enum mixed mixed;
    struct expected {
        enum verdict verdict;
        bool sign, encrypt, triple;
        size_t culprit;
        const char *reason;
        bool needs_split;
    } plan;
} rows[] = {
    {{PLAIN}, {false}, 1, MIXED_REJECT, {VERDICT_ACCEPT, false, false, false, 0, "ann@a.test: plain"}},
    {{SIGN, PLAIN}, {false}, 2, MIXED_REJECT, {VERDICT_ACCEPT, true, false, false, 0, "ann@a.test: sign"}},
    {{PLAIN, SIGN}, {false}, 2, MIXED_REJECT, {VERDICT_ACCEPT, true, false, false, 0, "bob@b.test: sign"}},
    {{ENCRYPT, BOTH}, {true, true}, 2, MIXED_REJECT, {VERDICT_ACCEPT, true, true, false, 0, "bob@b.test: both"}},
    /* of two that require as much, the first */
    {{SIGN, SIGN}, {false}, 2, MIXED_REJECT, {VERDICT_ACCEPT, true, false, false, 0, "ann@a.test: sign"}},
    {{ENCRYPT}, {true}, 1, MIXED_REJECT, {VERDICT_ACCEPT, false, true, false, 0, "ann@a.test: encrypt"}},
    {{SIGN, ENCRYPT}, {true, true}, 2, MIXED_REJECT, {VERDICT_ACCEPT, true, true, false, 0, "bob@b.test: encrypt"}},
    {{BOTH, TRIPLE, PLAIN},
     {true, true, true},
     3,
     MIXED_REJECT,
     {VERDICT_ACCEPT, true, true, true, 0, "bob@b.test: triple"}},
    {{PLAIN, ENCRYPT},
     {false, true},
     2,
     MIXED_REJECT,
     {VERDICT_REJECT, false, false, false, 0,
      "mixed_recipients = \"reject\": ann@a.test has no certificate, and bob@b.test must receive the message encrypted "
      "(encrypt); send "
      "it to each of them separately",
      true}},
    {{BOTH, PLAIN, SIGN},
     {true, true, false},
     3,
     MIXED_TEMPFAIL,
     {VERDICT_TEMPFAIL, false, false, false, 2,
      "mixed_recipients = \"tempfail\": cid@c.test has no certificate, and ann@a.test must receive the message "
      "encrypted "
      "(both); send "
      "it to each of them separately",
      true}},
    /* what no rule demands is left out where it would not serve all */
    {{FOUND_ONE}, {true}, 1, MIXED_REJECT, {VERDICT_ACCEPT, true, true, false, 0, "ann@a.test: found"}},
    {{FOUND_ONE, FOUND_ONE},
     {true, true},
     2,
     MIXED_REJECT,
     {VERDICT_ACCEPT, true, true, false, 0, "ann@a.test: found"}},
    {{FOUND_ONE, SIGN, FOUND_ONE},
     {true, false, true},
     3,
     MIXED_REJECT,
     {VERDICT_ACCEPT, true, false, false, 0,
      "not encrypted, since one copy serves all and bob@b.test has no certificate; ann@a.test: found"}},
    {{PLAIN, FOUND_ONE}, {true, true}, 2, MIXED_REJECT, {VERDICT_ACCEPT, true, true, false, 0, "bob@b.test: found"}},
    {{PLAIN, FOUND_ONE},
     {false, true},
     2,
     MIXED_TEMPFAIL,
     {VERDICT_ACCEPT, true, false, false, 0,
      "not encrypted, since one copy serves all and ann@a.test has no certificate; bob@b.test: found"}},
    /* … and not where one does */
    {{FOUND_ONE, ENCRYPT, SIGN},
     {true, true, false},
     3,
     MIXED_REJECT,
     {VERDICT_REJECT, false, false, false, 2,
      "mixed_recipients = \"reject\": cid@c.test has no certificate, and bob@b.test must receive the message encrypted "
      "(encrypt); send it to each of them separately",
      true}},
    {{FOUND_ONE, ENCRYPT},
     {true, true},
     2,
     MIXED_REJECT,
     {VERDICT_ACCEPT, true, true, false, 0, "bob@b.test: encrypt"}},
    {{FOUND_ONE, TEMPFAIL}, {true}, 2, MIXED_REJECT, {VERDICT_TEMPFAIL, false, false, false, 1, "bob@b.test: later"}},
    {{PLAIN, REJECT}, {false}, 2, MIXED_REJECT, {VERDICT_REJECT, false, false, false, 1, "bob@b.test: no"}},
    {{REJECT, TEMPFAIL}, {false}, 2, MIXED_REJECT, {VERDICT_TEMPFAIL, false, false, false, 1, "bob@b.test: later"}},
    {{ENCRYPT, TEMPFAIL, REJECT},
     {true},
     3,
     MIXED_REJECT,
     {VERDICT_TEMPFAIL, false, false, false, 1, "bob@b.test: later"}},
    {{D(VERDICT_QUARANTINE, false, false, false, "odd")},
     {false},
     1,
     MIXED_REJECT,
     {VERDICT_TEMPFAIL, false, false, false, 0, "ann@a.test: odd"}},
    {{PLAIN}, {false}, 0, MIXED_REJECT, {VERDICT_TEMPFAIL, false, false, false, 0, "the message has no recipients"}},
};

static void fill(struct recipient_view *recipients, const bool *has, size_t count)
{
    for (size_t i = 0; i < count; i++)
        recipients[i] =
            (struct recipient_view){.text = names[i], .certificate = has != NULL && has[i] ? FOUND : FOUND_NONE};
}

Test(combine, table)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct plan plan;
        memset(&plan, 0xff, sizeof(plan));
        struct recipient_view recipients[3];
        fill(recipients, rows[i].has, 3);
        policy_combine(rows[i].mixed, rows[i].decisions, recipients, rows[i].count, &plan);
        cr_expect_eq(plan.verdict, rows[i].plan.verdict, "row %zu: %s", i, plan.reason);
        cr_expect_eq(plan.treatment.sign, rows[i].plan.sign, "row %zu", i);
        cr_expect_eq(plan.treatment.encrypt, rows[i].plan.encrypt, "row %zu", i);
        cr_expect_eq(plan.treatment.triple, rows[i].plan.triple, "row %zu", i);
        if (plan.verdict != VERDICT_ACCEPT)
            cr_expect_eq(plan.culprit, rows[i].plan.culprit, "row %zu", i);
        cr_expect_eq(plan.needs_split, rows[i].plan.needs_split, "row %zu", i);
        cr_expect_str_eq(plan.reason, rows[i].plan.reason, "row %zu: %s", i, plan.reason);
    }
}

/* What one recipient's rules ask for together. */
Test(combine, stricter)
{
    static const struct {
        struct outbound_decision one, other, both;
    } pairs[] = {
        {PLAIN, PLAIN, PLAIN},
        {PLAIN, SIGN, SIGN},
        {SIGN, D(VERDICT_ACCEPT, true, false, false, "other"), SIGN}, /* of two that ask for as much, the first */
        {SIGN, ENCRYPT, D(VERDICT_ACCEPT, true, true, false, "encrypt")},
        {BOTH, SIGN, BOTH},
        {BOTH, TRIPLE, TRIPLE},
        {ENCRYPT, TRIPLE, TRIPLE},
        {PLAIN, FOUND_ONE, FOUND_ONE},
        {SIGN, FOUND_ONE, FOUND_ONE},
        {SIGN,
         FOUND_UNSIGNED,
         {.verdict = VERDICT_ACCEPT, .sign = true, .encrypt = true, .opportunistic = true, .reason = "unsigned"}},
        {BOTH, FOUND_ONE, BOTH},
        {ENCRYPT, FOUND_ONE, D(VERDICT_ACCEPT, true, true, false, "encrypt")},
        {TRIPLE, FOUND_ONE, TRIPLE},
        {REJECT, FOUND_ONE, REJECT},
        {SIGN, REJECT, REJECT},
        {TRIPLE, TEMPFAIL, TEMPFAIL},
        {REJECT, TEMPFAIL, TEMPFAIL},
        {D(VERDICT_QUARANTINE, false, false, false, "odd"), REJECT, D(VERDICT_QUARANTINE, false, false, false, "odd")},
    };
    for (size_t i = 0; i < COUNT(pairs) * 2; i++) {
        bool swapped = i >= COUNT(pairs);
        const struct outbound_decision *one = &pairs[i % COUNT(pairs)].one, *other = &pairs[i % COUNT(pairs)].other,
                                       *both = &pairs[i % COUNT(pairs)].both;
        struct outbound_decision found = swapped ? *other : *one;
        policy_stricter(swapped ? one : other, &found);
        cr_expect_eq(found.verdict, both->verdict, "%zu", i);
        cr_expect_eq(found.sign, both->sign, "%zu", i);
        cr_expect_eq(found.encrypt, both->encrypt, "%zu", i);
        cr_expect_eq(found.triple, both->triple, "%zu", i);
        cr_expect_eq(found.opportunistic, both->opportunistic, "%zu", i);
        if (!swapped || strcmp(other->reason, "other") != 0)
            cr_expect_str_eq(found.reason, both->reason, "%zu: %s", i, found.reason);
        else
            cr_expect_str_eq(found.reason, "other");
    }
}

Test(combine, unknown_certificates_are_none)
{
    struct outbound_decision decisions[] = {PLAIN, ENCRYPT};
    struct plan plan;
    struct recipient_view recipients[2];
    fill(recipients, NULL, 2);
    policy_combine(MIXED_REJECT, decisions, recipients, 2, &plan);
    cr_expect_eq(plan.verdict, VERDICT_REJECT);
}

/* Whether an encrypted copy would serve all is not known: the message waits, whatever mixed says. */
Test(combine, a_failed_lookup_is_not_none)
{
    static const struct outbound_decision encrypts[] = {ENCRYPT, FOUND_ONE};
    for (size_t i = 0; i < COUNT(encrypts); i++) {
        const struct outbound_decision decisions[] = {PLAIN, encrypts[i], SIGN};
        struct plan plan;
        struct recipient_view recipients[3];
        fill(recipients, NULL, 3);
        recipients[1].certificate = FOUND;
        recipients[2].certificate = FOUND_FAILED;
        recipients[2].certificate_reason = "the directory is down";
        policy_combine(MIXED_REJECT, decisions, recipients, 3, &plan);
        cr_expect_eq(plan.verdict, VERDICT_TEMPFAIL);
        cr_expect_not(plan.treatment.sign || plan.needs_split);
        cr_expect_eq(plan.culprit, 2);
        cr_expect_not_null(strstr(plan.reason, "cid@c.test: the certificate could not be looked up (the directory is "
                                               "down), and one copy serves bob@b.test, too ("),
                           "%s", plan.reason);
    }
}

/* What policy_outbound() may decide for a recipient, with and without a certificate. */
static const struct {
    struct outbound_decision decision;
    bool has_certificate;
} choices[] = {{PLAIN, false}, {PLAIN, true},  {SIGN, false},   {SIGN, true},      {ENCRYPT, true},
               {BOTH, true},   {TRIPLE, true}, {REJECT, false}, {TEMPFAIL, false}, {FOUND_ONE, true}};

static void check_plan(const struct outbound_decision *decisions, const bool *has, size_t count, enum mixed mixed)
{
    struct plan plan = {0};
    struct recipient_view recipients[3];
    fill(recipients, has, count);
    policy_combine(mixed, decisions, recipients, count, &plan);
    bool tempfail = false, reject = false, unreadable = false, encrypt = false, all_have = true;
    for (size_t i = 0; i < count; i++) {
        encrypt |= decisions[i].encrypt && !decisions[i].opportunistic;
        all_have &= has[i];
    }
    for (size_t i = 0; i < count; i++) {
        const struct outbound_decision *d = &decisions[i];
        tempfail |= d->verdict == VERDICT_TEMPFAIL;
        reject |= d->verdict == VERDICT_REJECT;
        unreadable |= encrypt && !has[i];
        if (plan.verdict != VERDICT_ACCEPT)
            continue;
        cr_expect_eq(d->verdict, VERDICT_ACCEPT);
        cr_expect(!d->encrypt || plan.treatment.encrypt || (d->opportunistic && !all_have),
                  "plaintext where one decision encrypts");
        cr_expect(!d->sign || plan.treatment.sign);
        cr_expect(!d->triple || plan.treatment.triple);
        cr_expect(!plan.treatment.encrypt || has[i], "a copy that its recipient cannot read");
    }
    enum verdict mixed_verdict = mixed == MIXED_REJECT ? VERDICT_REJECT : VERDICT_TEMPFAIL;
    cr_expect_eq(plan.verdict, tempfail     ? VERDICT_TEMPFAIL
                               : reject     ? VERDICT_REJECT
                               : unreadable ? mixed_verdict
                                            : VERDICT_ACCEPT);
    cr_expect(plan.verdict == VERDICT_ACCEPT ||
              !(plan.treatment.sign || plan.treatment.encrypt || plan.treatment.triple));
    cr_expect_lt(plan.culprit, count);
    cr_expect_not_null(strstr(plan.reason, plan.verdict == VERDICT_ACCEPT ? "@" : names[plan.culprit]), "%s",
                       plan.reason);
}

Test(combine, every_combination_of_up_to_three_recipients)
{
    size_t total = 1, checked = 0;
    for (size_t count = 1; count <= 3; count++) {
        total *= COUNT(choices);
        for (size_t n = 0; n < total; n++) {
            struct outbound_decision decisions[3];
            bool has[3];
            size_t rest = n;
            for (size_t i = 0; i < count; i++, rest /= COUNT(choices)) {
                decisions[i] = choices[rest % COUNT(choices)].decision;
                has[i] = choices[rest % COUNT(choices)].has_certificate;
            }
            check_plan(decisions, has, count, MIXED_REJECT);
            check_plan(decisions, has, count, MIXED_TEMPFAIL);
            checked++;
        }
    }
    cr_expect_eq(checked, 10 + 100 + 1000);
}

/* Whoever signs for one recipient signs for all. */
Test(combine, signers)
{
    static const struct {
        enum sign_as a, b;
        bool a_signs, b_signs;
        enum sign_as both;
    } pairs[] = {
        {SIGN_AS_DOMAIN, SIGN_AS_DOMAIN, true, true, SIGN_AS_DOMAIN},
        {SIGN_AS_MAILBOX, SIGN_AS_MAILBOX, true, true, SIGN_AS_MAILBOX},
        {SIGN_AS_MAILBOX, SIGN_AS_DOMAIN, true, true, SIGN_AS_BOTH},
        {SIGN_AS_DOMAIN, SIGN_AS_MAILBOX, true, true, SIGN_AS_BOTH},
        {SIGN_AS_BOTH, SIGN_AS_MAILBOX, true, true, SIGN_AS_BOTH},
        {SIGN_AS_MAILBOX, SIGN_AS_DOMAIN, true, false, SIGN_AS_MAILBOX},
        {SIGN_AS_DOMAIN, SIGN_AS_MAILBOX, false, true, SIGN_AS_MAILBOX},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        /* The one that does not sign encrypts, and so is the stricter one. */
        const struct outbound_decision decisions[] = {
            {.sign = pairs[i].a_signs, .sign_as = pairs[i].a, .encrypt = !pairs[i].a_signs},
            {.sign = pairs[i].b_signs, .sign_as = pairs[i].b, .encrypt = !pairs[i].b_signs}};
        const struct recipient_view recipients[] = {{.text = "a", .certificate = FOUND},
                                                    {.text = "b", .certificate = FOUND}};
        struct outbound_decision stricter = decisions[0];
        struct plan plan = {0};
        policy_combine(MIXED_REJECT, decisions, recipients, 2, &plan);
        cr_expect(plan.treatment.sign);
        cr_expect_eq(plan.treatment.sign_as, pairs[i].both, "row %zu", i);
        policy_stricter(&decisions[1], &stricter);
        cr_expect_eq(stricter.sign_as, pairs[i].both, "row %zu", i);
    }
}
