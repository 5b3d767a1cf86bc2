/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbound: decides about a message for one recipient. It refuses first, then signs, then encrypts. A copy with less
 * protection than `protect` is possible only if the rule allows it by `no_certificate` and `unauthentic`; an unknown
 * value is a tempfail. combine.c combines the recipients of one message.
 */
#include "policy/plan.h"

#include "reason.h"

static void refuse(struct outbound_decision *decision, enum verdict verdict)
{
    *decision = (struct outbound_decision){.verdict = verdict};
}

#define KEY(rule, key) policy_key_name(rule, key).text
#define EXPLAIN(decision, ...) reason_set((decision)->reason, sizeof((decision)->reason), __VA_ARGS__)

/* Takes the rule's `protect` apart. False if it has no such value. */
static bool demand(const struct rule *rule, const struct outbound_facts *facts, struct outbound_decision *decision)
{
    *decision = (struct outbound_decision){.verdict = VERDICT_ACCEPT};
    switch (rule->outbound.protect) {
    case PROTECT_NONE:
        return true;
    case PROTECT_SIGN:
        decision->sign = true;
        return true;
    case PROTECT_ENCRYPT:
        decision->encrypt = true;
        return true;
    case PROTECT_TRIPLE:
        decision->triple = true;
        /* fall through */
    case PROTECT_SIGN_ENCRYPT:
        decision->sign = decision->encrypt = true;
        return true;
    case PROTECT_OPPORTUNISTIC:
        decision->sign = true;
        decision->encrypt = decision->opportunistic = facts->certificate != FOUND_NONE; /* failed is never none */
        return true;
    }
    return false;
}

static void explain_demand(const struct rule *rule, const struct outbound_facts *facts,
                           struct outbound_decision *decision)
{
    bool only_signs = rule->outbound.protect == PROTECT_OPPORTUNISTIC && !decision->encrypt;
    g_autofree char *why = reason_detail(facts->certificate_reason);
    EXPLAIN(decision, "%s = \"%s\"%s%s", KEY(rule, "protect"), protect_name(rule->outbound.protect),
            only_signs ? ": signed only, no certificate" : "", only_signs ? why : "");
}

/* RFC 3183 §3.1: no domain signature for an originator who is not authentic. True if the message may be signed. */
static bool may_sign(const struct outbound_facts *facts)
{
    return facts->originator_authentic && facts->bad_signature == NULL;
}

/* Only an authentic client learns the result of a signature that may be under encryption to us. */
static char *why_not_signed(const struct outbound_facts *facts)
{
    bool authentic = facts->originator_authentic;
    g_autofree char *detail = reason_detail(authentic ? facts->bad_signature : facts->originator_reason);
    const char *why = authentic ? "a signature inside does not verify" : "the originator is not authentic";
    return g_strconcat(why, detail, NULL);
}

/* The signature may be good: an outage must not become a bounce, or a message without our signature. */
static void wait_for_check(const struct rule *rule, const struct outbound_facts *facts,
                           struct outbound_decision *decision)
{
    g_autofree char *why = reason_detail(facts->unchecked);
    refuse(decision, VERDICT_TEMPFAIL);
    EXPLAIN(decision, "%s = \"%s\": a signature inside could not be checked now%s", KEY(rule, "protect"),
            protect_name(rule->outbound.protect), why);
}

/* A signature is required and not allowed: the message continues without it, or is refused. */
static void go_unsigned(const struct rule *rule, const struct outbound_facts *facts, struct outbound_decision *decision)
{
    g_autofree char *why = why_not_signed(facts);
    enum unauthentic unauthentic = rule->outbound.unauthentic;
    if (facts->unchecked != NULL) {
        wait_for_check(rule, facts, decision);
    } else if (unauthentic == UNAUTHENTIC_UNSIGNED) {
        decision->sign = decision->triple = false;
        EXPLAIN(decision, "%s = \"%s\": not signed, %s", KEY(rule, "unauthentic"), unauthentic_name(unauthentic), why);
    } else {
        refuse(decision, unauthentic == UNAUTHENTIC_REJECT ? VERDICT_REJECT : VERDICT_TEMPFAIL);
        EXPLAIN(decision, "%s = \"%s\": %s", KEY(rule, "unauthentic"), unauthentic_name(unauthentic), why);
    }
}

/* Whether one of our identities may sign under this rule. That none exists, or that the one that fits is not valid now,
 * is reported when all rules are combined; for the author's own signature the rule may have an alternative. */
static bool fits(const struct rule *rule, const struct outbound_facts *facts, enum own role, struct error *error)
{
    struct sign_with with = {0};
    size_t index;
    sign_with_add(&rule->outbound.sign_with, &with);
    return own_find(&facts->own[role], &with, &index, error);
}

/* Policy rejects what none of the domain's keys may sign. */
static void check_domain(const struct rule *rule, const struct outbound_facts *facts,
                         struct outbound_decision *decision)
{
    const enum own roles[] = {OWN_DOMAIN, OWN_REVIEW};
    for (size_t i = 0; i < (rule->outbound.review ? 2 : 1); i++) {
        struct error error = {0};
        if (fits(rule, facts, roles[i], &error) || facts->own[roles[i]].missing.kind != ERROR_NONE ||
            error.kind != ERROR_PERMANENT)
            continue;
        refuse(decision, VERDICT_REJECT);
        EXPLAIN(decision, "%s = \"%s\": %s", KEY(rule, "no_identity"), no_identity_name(rule->outbound.no_identity),
                error.text);
        return;
    }
}

/* Whose signature it is, where the rule asks for the author's own. The message may be signed, by the domain at least.
 */
static void choose_author(const struct rule *rule, const struct outbound_facts *facts,
                          struct outbound_decision *decision)
{
    const struct outbound_rule *outbound = &rule->outbound;
    const char *sign_as = sign_as_name(outbound->sign_as);
    struct error error = {0};
    /* What is encrypted to us is taken apart only to be signed or encrypted anew. */
    if (facts->signed_by_author && !decision->triple && (decision->encrypt || !facts->encrypted_to_us)) {
        decision->sign = outbound->sign_as == SIGN_AS_BOTH;
        EXPLAIN(decision, "%s = \"%s\": signed by its author already", KEY(rule, "sign_as"), sign_as);
        return;
    }
    const char *no_mailbox = facts->no_mailbox;
    if (no_mailbox == NULL && !fits(rule, facts, OWN_MAILBOX, &error))
        no_mailbox = error.text;
    g_autofree char *why = reason_detail(no_mailbox != NULL ? no_mailbox : facts->proof);
    if (no_mailbox == NULL) {
        decision->sign_as = outbound->sign_as;
        EXPLAIN(decision, "%s = \"%s\", sign_as = \"%s\"%s", KEY(rule, "protect"), protect_name(outbound->protect),
                sign_as, why);
    } else if (outbound->no_identity == NO_IDENTITY_DOMAIN) {
        EXPLAIN(decision, "%s = \"domain\": signed by the domain, not by the author%s", KEY(rule, "no_identity"), why);
    } else {
        refuse(decision, error.kind == ERROR_CONFIGURATION ? VERDICT_TEMPFAIL : VERDICT_REJECT);
        EXPLAIN(decision, "%s = \"%s\", no_identity = \"reject\": it may not be signed in the author's name%s",
                KEY(rule, "sign_as"), sign_as, why);
    }
}

static void choose_signer(const struct rule *rule, const struct outbound_facts *facts,
                          struct outbound_decision *decision)
{
    if (decision->sign && rule->outbound.sign_as != SIGN_AS_DOMAIN)
        choose_author(rule, facts, decision);
    if (decision->sign && decision->sign_as != SIGN_AS_MAILBOX)
        check_domain(rule, facts, decision);
}

/* "sign" in place of encryption. A message that may not be signed does not leave: `unsigned` gives up the signature
 * of an encrypted message, never both. */
static void sign_instead(const struct rule *rule, const struct outbound_facts *facts, const char *why,
                         struct outbound_decision *decision)
{
    if (may_sign(facts)) {
        *decision = (struct outbound_decision){.verdict = VERDICT_ACCEPT, .sign = true};
        EXPLAIN(decision, "%s = \"sign\": signed only, no certificate%s", KEY(rule, "no_certificate"), why);
        choose_signer(rule, facts, decision);
        return;
    }
    if (facts->unchecked != NULL) {
        wait_for_check(rule, facts, decision);
        return;
    }
    g_autofree char *why_unsigned = why_not_signed(facts);
    refuse(decision, rule->outbound.unauthentic == UNAUTHENTIC_TEMPFAIL ? VERDICT_TEMPFAIL : VERDICT_REJECT);
    EXPLAIN(decision, "%s = \"sign\": no certificate%s, and it may not be signed: %s", KEY(rule, "no_certificate"), why,
            why_unsigned);
}

static void without_certificate(const struct rule *rule, const struct outbound_facts *facts,
                                struct outbound_decision *decision)
{
    g_autofree char *why = reason_detail(facts->certificate_reason);
    enum no_certificate no_certificate = rule->outbound.no_certificate;
    switch (no_certificate) {
    case NO_CERTIFICATE_SIGN:
        sign_instead(rule, facts, why, decision);
        return;
    case NO_CERTIFICATE_PLAIN:
        *decision = (struct outbound_decision){.verdict = VERDICT_ACCEPT};
        EXPLAIN(decision, "%s = \"plain\": not protected, no certificate%s", KEY(rule, "no_certificate"), why);
        return;
    case NO_CERTIFICATE_REJECT:
        refuse(decision, VERDICT_REJECT);
        break;
    case NO_CERTIFICATE_TEMPFAIL:
    default:
        refuse(decision, VERDICT_TEMPFAIL);
    }
    EXPLAIN(decision, "%s = \"%s\": no certificate%s", KEY(rule, "no_certificate"), no_certificate_name(no_certificate),
            why);
}

static void encrypt(const struct rule *rule, const struct outbound_facts *facts, struct outbound_decision *decision)
{
    if (facts->certificate == FOUND)
        return;
    if (facts->certificate != FOUND_NONE) { /* never "none": an outage must not become plaintext */
        g_autofree char *why = reason_detail(facts->certificate_reason);
        refuse(decision, VERDICT_TEMPFAIL);
        EXPLAIN(decision, "%s = \"%s\": the certificate could not be looked up%s", KEY(rule, "protect"),
                protect_name(rule->outbound.protect), why);
    } else if (facts->already_encrypted) {
        decision->encrypt = decision->triple = false;
        EXPLAIN(decision, "%s = \"%s\": already encrypted by the originator", KEY(rule, "protect"),
                protect_name(rule->outbound.protect));
    } else {
        without_certificate(rule, facts, decision);
    }
}

/* True if the rule wants a review, and the message has none. */
static bool refuse_unreviewed(const struct rule *rule, const struct outbound_facts *facts,
                              struct outbound_decision *decision)
{
    char **authorities = rule->outbound.require_review;
    if (authorities == NULL || authorities[0] == NULL || facts->reviewed)
        return false;
    refuse(decision, facts->may_be_reviewed ? VERDICT_TEMPFAIL : VERDICT_REJECT);
    EXPLAIN(decision, "%s: %s", KEY(rule, "require_review"),
            facts->may_be_reviewed ? "the review signature could not be checked now"
                                   : "no valid review signature by an authority named there");
    return true;
}

void policy_outbound(const struct rule *rule, const struct outbound_facts *facts, struct outbound_decision *decision)
{
    if (facts->local_recipient) {
        *decision = (struct outbound_decision){.verdict = VERDICT_ACCEPT};
        EXPLAIN(decision, "the recipient is in a local domain");
        return;
    }
    if (facts->unclear == UNCLEAR_RULE) {
        refuse(decision, VERDICT_TEMPFAIL);
        EXPLAIN(decision, "%s: From cannot be read, so whether this rule fits is unknown",
                policy_rule_name(facts->undecided).text);
        return;
    }
    if (facts->unclear != UNCLEAR_NOT) {
        refuse(decision, VERDICT_REJECT);
        EXPLAIN(decision, "%s, so the rule that applies is unknown%s",
                facts->unclear == UNCLEAR_DOMAIN ? "the domain may be an abbreviation"
                                                 : "the local part may be a route to another host",
                facts->unclear == UNCLEAR_NEXT ? "" : "; the mail server does not send {rcpt_addr} and {rcpt_mailer}");
        return;
    }
    if (rule->outbound.refuse) {
        refuse(decision, VERDICT_REJECT);
        EXPLAIN(decision, "%s = true", KEY(rule, "refuse"));
        return;
    }
    if ((facts->already_encrypted || facts->unreadable) && rule->outbound.unreadable != UNREADABLE_PASS) {
        refuse(decision, rule->outbound.unreadable == UNREADABLE_REJECT ? VERDICT_REJECT : VERDICT_TEMPFAIL);
        EXPLAIN(decision, "%s = \"%s\": the originator has encrypted the message or a part of it",
                KEY(rule, "unreadable"), unreadable_name(rule->outbound.unreadable));
        return;
    }
    if (refuse_unreviewed(rule, facts, decision))
        return;
    if (!demand(rule, facts, decision)) {
        refuse(decision, VERDICT_TEMPFAIL);
        EXPLAIN(decision, "%s has an unknown value", KEY(rule, "protect"));
        return;
    }
    explain_demand(rule, facts, decision);
    bool lookup_failed = decision->encrypt && facts->certificate != FOUND && facts->certificate != FOUND_NONE;
    if (decision->sign && !lookup_failed && !may_sign(facts))
        go_unsigned(rule, facts, decision);
    else if (!lookup_failed)
        choose_signer(rule, facts, decision);
    if (decision->encrypt)
        encrypt(rule, facts, decision);
}
