/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NONE PROTECT_NONE
#define SIGN PROTECT_SIGN
#define ENCRYPT PROTECT_ENCRYPT
#define BOTH PROTECT_SIGN_ENCRYPT
#define TRIPLE PROTECT_TRIPLE
#define OPPORTUNISTIC PROTECT_OPPORTUNISTIC
#define REJECT VERDICT_REJECT
#define TEMPFAIL VERDICT_TEMPFAIL
#define ACCEPT VERDICT_ACCEPT

/* All of our identities are there. */
static const struct own_view ours[OWN_COUNT];

/* For an authentic originator, no bad signature inside. What leaves: "" plain, s signed, e encrypted, t triple, o only
 * encrypted since there is a certificate; upper-case words: refused. */
static const struct {
    enum protect protect;
    enum no_certificate no_certificate;
    enum unauthentic unauthentic;
    bool authentic;
    bool already_encrypted;
    enum found certificate;
    enum verdict verdict;
    const char *treatment;
    const char *reason;
} rows[] = {
    /* the six ordinary cases */
    {NONE, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "",
     "x.conf: outbound.protect = \"none\""},
    {SIGN, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "s",
     "x.conf: outbound.protect = \"sign\""},
    {ENCRYPT, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND, ACCEPT, "e",
     "x.conf: outbound.protect = \"encrypt\""},
    {BOTH, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND, ACCEPT, "se",
     "x.conf: outbound.protect = \"sign+encrypt\""},
    {TRIPLE, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND, ACCEPT, "set",
     "x.conf: outbound.protect = \"triple\""},
    {ENCRYPT, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, false, false, FOUND, ACCEPT, "e",
     "x.conf: outbound.protect = \"encrypt\""},
    /* no certificate */
    {BOTH, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, REJECT, "",
     "x.conf: outbound.no_certificate = \"reject\": no certificate (none at all)"},
    {BOTH, NO_CERTIFICATE_TEMPFAIL, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, TEMPFAIL, "",
     "x.conf: outbound.no_certificate = \"tempfail\": no certificate (none at all)"},
    {BOTH, NO_CERTIFICATE_SIGN, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "s",
     "x.conf: outbound.no_certificate = \"sign\": signed only, no certificate (none at all)"},
    {ENCRYPT, NO_CERTIFICATE_SIGN, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "s",
     "x.conf: outbound.no_certificate = \"sign\": signed only, no certificate (none at all)"},
    {TRIPLE, NO_CERTIFICATE_SIGN, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "s", NULL},
    {BOTH, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "",
     "x.conf: outbound.no_certificate = \"plain\": not protected, no certificate (none at all)"},
    /* not authentic */
    {SIGN, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, false, false, FOUND_NONE, REJECT, "",
     "x.conf: outbound.unauthentic = \"reject\": the originator is not authentic (who knows)"},
    {SIGN, NO_CERTIFICATE_REJECT, UNAUTHENTIC_TEMPFAIL, false, false, FOUND_NONE, TEMPFAIL, "",
     "x.conf: outbound.unauthentic = \"tempfail\": the originator is not authentic (who knows)"},
    {SIGN, NO_CERTIFICATE_REJECT, UNAUTHENTIC_UNSIGNED, false, false, FOUND_NONE, ACCEPT, "",
     "x.conf: outbound.unauthentic = \"unsigned\": not signed, the originator is not authentic (who knows)"},
    {BOTH, NO_CERTIFICATE_REJECT, UNAUTHENTIC_UNSIGNED, false, false, FOUND, ACCEPT, "e", NULL},
    {TRIPLE, NO_CERTIFICATE_REJECT, UNAUTHENTIC_UNSIGNED, false, false, FOUND, ACCEPT, "e", NULL},
    {BOTH, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, false, false, FOUND_NONE, REJECT, "", NULL},
    {ENCRYPT, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, false, false, FOUND_NONE, ACCEPT, "", NULL},
    /* not authentic, and no certificate: "sign" never ends unsigned */
    {BOTH, NO_CERTIFICATE_SIGN, UNAUTHENTIC_UNSIGNED, false, false, FOUND_NONE, REJECT, "",
     "x.conf: outbound.no_certificate = \"sign\": no certificate (none at all), and it may not be signed: the "
     "originator is not "
     "authentic (who knows)"},
    {ENCRYPT, NO_CERTIFICATE_SIGN, UNAUTHENTIC_UNSIGNED, false, false, FOUND_NONE, REJECT, "", NULL},
    {ENCRYPT, NO_CERTIFICATE_SIGN, UNAUTHENTIC_REJECT, false, false, FOUND_NONE, REJECT, "", NULL},
    {ENCRYPT, NO_CERTIFICATE_SIGN, UNAUTHENTIC_TEMPFAIL, false, false, FOUND_NONE, TEMPFAIL, "", NULL},
    /* a failed lookup is a tempfail, whatever the rule says */
    {ENCRYPT, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_UNSIGNED, true, false, FOUND_FAILED, TEMPFAIL, "",
     "x.conf: outbound.protect = \"encrypt\": the certificate could not be looked up (none at all)"},
    {BOTH, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, false, false, FOUND_FAILED, TEMPFAIL, "", NULL},
    {ENCRYPT, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND_FAILED, TEMPFAIL, "", NULL},
    {SIGN, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND_FAILED, ACCEPT, "s", NULL},
    /* already encrypted by the originator */
    {ENCRYPT, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND_NONE, ACCEPT, "",
     "x.conf: outbound.protect = \"encrypt\": already encrypted by the originator"},
    {TRIPLE, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND_NONE, ACCEPT, "s", NULL},
    {BOTH, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND, ACCEPT, "se", NULL},
    {BOTH, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, false, true, FOUND_NONE, REJECT, "", NULL},
    /* opportunistic: signed always, encrypted where there is a certificate; no_certificate does not count */
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND, ACCEPT, "seo",
     "x.conf: outbound.protect = \"opportunistic\""},
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "s",
     "x.conf: outbound.protect = \"opportunistic\": signed only, no certificate (none at all)"},
    {OPPORTUNISTIC, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, ACCEPT, "s", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_UNSIGNED, true, false, FOUND_FAILED, TEMPFAIL, "",
     "x.conf: outbound.protect = \"opportunistic\": the certificate could not be looked up (none at all)"},
    {OPPORTUNISTIC, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, false, false, FOUND_FAILED, TEMPFAIL, "", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_UNSIGNED, true, false, (enum found)99, TEMPFAIL, "", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, false, false, FOUND, REJECT, "", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_REJECT, false, false, FOUND_NONE, REJECT, "", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_UNSIGNED, false, false, FOUND, ACCEPT, "eo", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_UNSIGNED, false, false, FOUND_NONE, ACCEPT, "",
     "x.conf: outbound.unauthentic = \"unsigned\": not signed, the originator is not authentic (who knows)"},
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND, ACCEPT, "seo", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND_NONE, ACCEPT, "s", NULL},
    {OPPORTUNISTIC, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT, true, true, FOUND_FAILED, TEMPFAIL, "", NULL},
    /* values that there are not */
    {(enum protect)99, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_UNSIGNED, true, false, FOUND, TEMPFAIL, "",
     "x.conf: outbound.protect has an unknown value"},
    {BOTH, (enum no_certificate)99, UNAUTHENTIC_REJECT, true, false, FOUND_NONE, TEMPFAIL, "", NULL},
    {BOTH, NO_CERTIFICATE_PLAIN, (enum unauthentic)99, false, false, FOUND, TEMPFAIL, "", NULL},
    {BOTH, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_UNSIGNED, true, false, (enum found)99, TEMPFAIL, "", NULL},
};

static const char *treatment(const struct outbound_decision *decision, char text[5])
{
    char *end = text;
    if (decision->sign)
        *end++ = 's';
    if (decision->encrypt)
        *end++ = 'e';
    if (decision->triple)
        *end++ = 't';
    if (decision->opportunistic)
        *end++ = 'o';
    *end = '\0';
    return text;
}

static const struct partner partner = {.name = (char *)"x.conf"};

Test(outbound, table)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rule rule = {.partner = &partner,
                            .outbound = {rows[i].protect, rows[i].no_certificate, rows[i].unauthentic}};
        struct outbound_facts facts = {.own = ours,
                                       .originator_authentic = rows[i].authentic,
                                       .originator_reason = "who knows",
                                       .already_encrypted = rows[i].already_encrypted,
                                       .certificate = rows[i].certificate,
                                       .certificate_reason = "none at all"};
        struct outbound_decision decision;
        memset(&decision, 0xff, sizeof(decision));
        policy_outbound(&rule, &facts, &decision);
        char text[5];
        cr_expect_eq(decision.verdict, rows[i].verdict, "row %zu: %s", i, decision.reason);
        cr_expect_str_eq(treatment(&decision, text), rows[i].treatment, "row %zu: %s", i, decision.reason);
        if (rows[i].reason != NULL)
            cr_expect_str_eq(decision.reason, rows[i].reason, "row %zu: %s", i, decision.reason);
        else
            cr_expect_eq(strncmp(decision.reason, "x.conf: outbound.", 17), 0, "row %zu: %s", i, decision.reason);
    }
}

Test(outbound, local_recipient)
{
    struct rule rule = {.partner = &partner, .outbound = {BOTH, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT}};
    struct outbound_facts facts = {.own = ours, .local_recipient = true, .certificate = FOUND_FAILED};
    struct outbound_decision decision;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, ACCEPT);
    cr_expect_not(decision.sign || decision.encrypt || decision.triple);
    cr_expect_str_eq(decision.reason, "the recipient is in a local domain");
}

/* "bob%partner.test@acme.test": whose rule applies is the MTA's to know. */
Test(outbound, routed_recipient)
{
    struct rule rule = {.partner = &partner, .outbound = {NONE, NO_CERTIFICATE_PLAIN, UNAUTHENTIC_UNSIGNED}};
    static const char *const reasons[] = {
        [UNCLEAR_ROUTE] = "the local part may be a route to another host, so the rule that applies is unknown; the "
                          "mail server does not send {rcpt_addr} and {rcpt_mailer}",
        [UNCLEAR_DOMAIN] = "the domain may be an abbreviation, so the rule that applies is unknown; the mail server "
                           "does not send {rcpt_addr} and {rcpt_mailer}",
        [UNCLEAR_NEXT] = "the local part may be a route to another host, so the rule that applies is unknown",
    };
    for (int unclear = UNCLEAR_ROUTE; unclear <= UNCLEAR_NEXT; unclear++) {
        struct outbound_facts facts = {
            .own = ours, .unclear = (enum unclear)unclear, .originator_authentic = true, .certificate = FOUND};
        struct outbound_decision decision;
        policy_outbound(&rule, &facts, &decision);
        cr_expect_eq(decision.verdict, REJECT);
        cr_expect_str_eq(decision.reason, reasons[unclear]);
    }
}

Test(outbound, reason_is_printable_and_cut)
{
    char endless[1000];
    memset(endless, '\n', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    struct rule rule = {.partner = &partner, .outbound = {SIGN, NO_CERTIFICATE_REJECT, UNAUTHENTIC_REJECT}};
    struct outbound_facts facts = {.own = ours, .bad_signature = endless, .originator_authentic = true};
    struct outbound_decision decision;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, REJECT);
    cr_expect_not_null(strstr(decision.reason, "a signature inside does not verify ("));
    cr_expect_null(strchr(decision.reason, '\n'));
    cr_expect_lt(strlen(decision.reason), sizeof(decision.reason));
}

/* Every combination of a rule's values and of facts. */
struct cell {
    struct rule rule;
    struct outbound_facts facts;
};
#define CELLS (6 * 4 * 3 * 2 * 2 * 2 * 2 * 3 * 2)

static unsigned digit(unsigned *number, unsigned base)
{
    unsigned value = *number % base;
    *number /= base;
    return value;
}

static struct cell cell(unsigned number)
{
    struct cell c = {.rule = {.partner = &partner}, .facts = {.own = ours}};
    c.rule.outbound.protect = (enum protect)digit(&number, 6);
    c.rule.outbound.no_certificate = (enum no_certificate)digit(&number, 4);
    c.rule.outbound.unauthentic = (enum unauthentic)digit(&number, 3);
    c.facts.local_recipient = digit(&number, 2) == 1;
    c.facts.originator_authentic = digit(&number, 2) == 1;
    c.facts.bad_signature = digit(&number, 2) == 1 ? "bad" : NULL;
    c.facts.already_encrypted = digit(&number, 2) == 1;
    c.facts.certificate = (enum found)digit(&number, 3);
    c.facts.unchecked = digit(&number, 2) == 1 ? "no CRL" : NULL;
    return c;
}

Test(outbound, what_holds_for_every_combination)
{
    for (unsigned i = 0; i < CELLS; i++) {
        struct cell c = cell(i);
        struct outbound_decision d;
        policy_outbound(&c.rule, &c.facts, &d);
        const struct outbound_rule *rule = &c.rule.outbound;
        bool opportunistic = rule->protect == OPPORTUNISTIC && !c.facts.local_recipient;
        bool demands_encryption = rule->protect >= ENCRYPT && !c.facts.local_recipient && !opportunistic;
        bool demands_signature = (rule->protect == SIGN || rule->protect >= BOTH) && !c.facts.local_recipient;
        bool may_sign = c.facts.originator_authentic && c.facts.bad_signature == NULL;
        bool opened = c.facts.certificate == FOUND_NONE &&
                      (c.facts.already_encrypted || rule->no_certificate == NO_CERTIFICATE_PLAIN ||
                       (rule->no_certificate == NO_CERTIFICATE_SIGN && d.sign));
        cr_expect(d.verdict == ACCEPT || !(d.sign || d.encrypt || d.triple), "cell %u: treatment of a refused message",
                  i);
        cr_expect(!d.triple || (d.sign && d.encrypt), "cell %u: triple without its parts", i);
        cr_expect(!d.sign || may_sign, "cell %u: signed for nobody", i);
        cr_expect(!d.encrypt || c.facts.certificate == FOUND, "cell %u: encrypted for nobody", i);
        cr_expect_neq(d.reason[0], '\0', "cell %u: no reason", i);
        bool signs_instead = demands_encryption && c.facts.certificate == FOUND_NONE && !c.facts.already_encrypted &&
                             rule->no_certificate == NO_CERTIFICATE_SIGN;
        if ((demands_signature || signs_instead) && !may_sign && c.facts.unchecked != NULL)
            cr_expect_eq(d.verdict, TEMPFAIL, "cell %u: unchecked taken for bad", i);
        if (d.verdict != ACCEPT)
            continue;
        cr_expect(!demands_encryption || d.encrypt || opened, "cell %u: plaintext", i);
        cr_expect(!(demands_encryption || opportunistic) || c.facts.certificate != FOUND_FAILED,
                  "cell %u: failed taken for none", i);
        cr_expect(!opportunistic || d.encrypt == (c.facts.certificate == FOUND), "cell %u: not what was found", i);
        cr_expect_eq(d.opportunistic, opportunistic && d.encrypt, "cell %u", i);
        cr_expect(
            !demands_signature || d.sign || rule->unauthentic == UNAUTHENTIC_UNSIGNED ||
                (c.facts.certificate == FOUND_NONE && rule->no_certificate == NO_CERTIFICATE_PLAIN && !opportunistic),
            "cell %u: unsigned", i);
    }
}

/* What must be reviewed leaves reviewed or not at all; what nobody can read leaves only where the rule lets it. */
Test(outbound, review_and_unreadable)
{
    char *reviewers[] = {"/reviewer.pem", NULL}, *none[] = {NULL};
    struct rule rule = {.partner = &partner, .outbound = {.protect = PROTECT_NONE, .require_review = reviewers}};
    struct outbound_facts facts = {.own = ours, .originator_authentic = true};
    struct outbound_decision decision;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, VERDICT_REJECT);
    facts.may_be_reviewed = true;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, VERDICT_TEMPFAIL);
    facts.reviewed = true;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, VERDICT_ACCEPT);
    facts.local_recipient = true, facts.reviewed = false;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, VERDICT_ACCEPT, "what stays inside needs no release");

    static const enum verdict expected[] = {VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL};
    for (unsigned i = 0; i < 12; i++) {
        rule.outbound = (struct outbound_rule){.unreadable = i % 4, .require_review = none};
        facts = (struct outbound_facts){.own = ours,
                                        .originator_authentic = true,
                                        .already_encrypted = i < 8,
                                        .unreadable = i >= 4,
                                        .certificate = FOUND_NONE};
        policy_outbound(&rule, &facts, &decision);
        cr_expect_eq(decision.verdict, expected[i % 4], "%u", i);
    }
}

/* Whose signatures: "" no, "d" the domain's, "m" the author's, "md" both. For an authentic originator. */
static const struct {
    enum sign_as sign_as;
    enum no_identity no_identity;
    enum protect protect;
    bool by_author;         /* the author's own signature is on it */
    const char *no_mailbox; /* NULL: we may sign in the author's name */
    bool outdated;
    enum verdict verdict;
    const char *signers, *reason;
} signers[] = {
    {SIGN_AS_DOMAIN, NO_IDENTITY_REJECT, SIGN, false, "no login", false, ACCEPT, "d",
     "x.conf: outbound.protect = \"sign\""},
    {SIGN_AS_DOMAIN, NO_IDENTITY_REJECT, SIGN, true, NULL, false, ACCEPT, "d", "x.conf: outbound.protect = \"sign\""},
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, NONE, false, "no login", false, ACCEPT, "",
     "x.conf: outbound.protect = \"none\""},
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, SIGN, false, NULL, false, ACCEPT, "m",
     "x.conf: outbound.protect = \"sign\", sign_as = \"mailbox\" (the login fits)"},
    {SIGN_AS_BOTH, NO_IDENTITY_REJECT, BOTH, false, NULL, false, ACCEPT, "md",
     "x.conf: outbound.protect = \"sign+encrypt\", sign_as = \"mailbox+domain\" (the login fits)"},
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, TRIPLE, false, NULL, false, ACCEPT, "m", NULL},
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, ENCRYPT, false, "no login", false, ACCEPT, "",
     "x.conf: outbound.protect = \"encrypt\""},
    /* it may not be made */
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, SIGN, false, "no login", false, REJECT, "",
     "x.conf: outbound.sign_as = \"mailbox\", no_identity = \"reject\": it may not be signed in the author's name (no "
     "login)"},
    {SIGN_AS_BOTH, NO_IDENTITY_REJECT, BOTH, false, "no login", false, REJECT, "",
     "x.conf: outbound.sign_as = \"mailbox+domain\", no_identity = \"reject\": it may not be signed in the author's "
     "name (no "
     "login)"},
    {SIGN_AS_MAILBOX, NO_IDENTITY_DOMAIN, SIGN, false, "no login", false, ACCEPT, "d",
     "x.conf: outbound.no_identity = \"domain\": signed by the domain, not by the author (no login)"},
    {SIGN_AS_BOTH, NO_IDENTITY_DOMAIN, BOTH, false, "no login", false, ACCEPT, "d", NULL},
    {SIGN_AS_MAILBOX, (enum no_identity)99, SIGN, false, "no login", false, REJECT, "", NULL},
    /* an outdated certificate is for us to mend: nothing bounces */
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, SIGN, false, "has expired", true, TEMPFAIL, "", NULL},
    {SIGN_AS_BOTH, NO_IDENTITY_REJECT, TRIPLE, false, "has expired", true, TEMPFAIL, "", NULL},
    {SIGN_AS_MAILBOX, NO_IDENTITY_DOMAIN, SIGN, false, "has expired", true, ACCEPT, "d", NULL},
    /* the author has signed already */
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, SIGN, true, "no login", false, ACCEPT, "",
     "x.conf: outbound.sign_as = \"mailbox\": signed by its author already"},
    {SIGN_AS_BOTH, NO_IDENTITY_REJECT, BOTH, true, "no login", false, ACCEPT, "d",
     "x.conf: outbound.sign_as = \"mailbox+domain\": signed by its author already"},
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, TRIPLE, true, "no login", false, REJECT, "", NULL}, /* the outer one is due */
    {SIGN_AS_MAILBOX, NO_IDENTITY_REJECT, TRIPLE, true, NULL, false, ACCEPT, "m", NULL},
};

/* What its author has signed and encrypted to us must not leave as it came: only our key opens it. */
Test(outbound, what_is_encrypted_to_us_is_made_anew)
{
    for (int encrypts = 0; encrypts < 2; encrypts++) {
        const struct rule rule = {
            .partner = &partner,
            .outbound = {.protect = encrypts != 0 ? PROTECT_SIGN_ENCRYPT : PROTECT_SIGN, .sign_as = SIGN_AS_MAILBOX}};
        const struct outbound_facts facts = {.own = ours,
                                             .originator_authentic = true,
                                             .certificate = FOUND,
                                             .signed_by_author = true,
                                             .encrypted_to_us = true};
        struct outbound_decision decision;
        policy_outbound(&rule, &facts, &decision);
        cr_expect_eq(decision.verdict, VERDICT_ACCEPT);
        cr_expect_eq(decision.sign, encrypts == 0, "%s", decision.reason);
        cr_expect_eq(decision.encrypt, encrypts != 0);
    }
}

Test(outbound, signers)
{
    static const char *const words[] = {"d", "m", "md"};
    for (size_t i = 0; i < COUNT(signers); i++) {
        struct rule rule = {.partner = &partner,
                            .outbound = {.protect = signers[i].protect,
                                         .sign_as = signers[i].sign_as,
                                         .no_identity = signers[i].no_identity}};
        struct own_view own[OWN_COUNT] = {0};
        if (signers[i].outdated)
            error_set(&own[OWN_MAILBOX].missing, ERROR_CONFIGURATION, "%s", signers[i].no_mailbox);
        struct outbound_facts facts = {.own = own,
                                       .originator_authentic = true,
                                       .certificate = FOUND,
                                       .signed_by_author = signers[i].by_author,
                                       .no_mailbox = signers[i].outdated ? NULL : signers[i].no_mailbox,
                                       .proof = "the login fits"};
        struct outbound_decision decision;
        policy_outbound(&rule, &facts, &decision);
        cr_expect_eq(decision.verdict, signers[i].verdict, "row %zu: %s", i, decision.reason);
        cr_expect_str_eq(decision.sign ? words[decision.sign_as] : "", signers[i].signers, "row %zu: %s", i,
                         decision.reason);
        if (signers[i].reason != NULL)
            cr_expect_str_eq(decision.reason, signers[i].reason, "row %zu: %s", i, decision.reason);
        /* "sign" in place of encryption is signed by the same */
        if (signers[i].protect == NONE || signers[i].protect == ENCRYPT || signers[i].by_author)
            continue;
        facts.certificate = FOUND_NONE;
        rule.outbound.protect = ENCRYPT;
        rule.outbound.no_certificate = NO_CERTIFICATE_SIGN;
        policy_outbound(&rule, &facts, &decision);
        cr_expect_eq(decision.verdict, signers[i].verdict, "row %zu: %s", i, decision.reason);
        cr_expect_str_eq(decision.sign ? words[decision.sign_as] : "", signers[i].signers, "row %zu: %s", i,
                         decision.reason);
    }
}

/* Whether the author's name may be signed in is asked only of a message that may be signed at all. */
Test(outbound, not_authentic_comes_first)
{
    struct rule rule = {.partner = &partner, .outbound = {.protect = SIGN, .sign_as = SIGN_AS_MAILBOX}};
    struct outbound_facts facts = {.own = ours, .originator_reason = "who knows", .no_mailbox = "no login"};
    struct outbound_decision decision;
    policy_outbound(&rule, &facts, &decision);
    cr_expect_eq(decision.verdict, REJECT);
    cr_expect_not_null(strstr(decision.reason, "the originator is not authentic (who knows)"), "%s", decision.reason);
}
