/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbound: decides about a message after its layers were opened and verified. A temporary failure is neither a pass
 * nor a rejection: it asks the MTA to retry, unless the message would be rejected in any case.
 */
#include "policy/plan.h"

#include "reason.h"

#define EXPLAIN(decision, ...) reason_set((decision)->reason, sizeof((decision)->reason), __VA_ARGS__)

/* True if the rule refuses a message that stays encrypted, or a part of which does. */
static bool may_refuse_undecryptable(const struct rule *rule, const struct inbound_facts *facts)
{
    return (facts->undecryptable || facts->encrypted_part) && rule->inbound.undecryptable != UNDECRYPTABLE_DELIVER;
}

static void refuse_undecryptable(const struct rule *rule, const struct inbound_facts *facts,
                                 struct inbound_decision *decision)
{
    enum undecryptable undecryptable = rule->inbound.undecryptable;
    g_autofree char *why = reason_detail(facts->undecryptable ? facts->encrypt_reason : NULL);
    decision->verdict = undecryptable == UNDECRYPTABLE_REJECT ? VERDICT_REJECT : VERDICT_TEMPFAIL;
    EXPLAIN(decision, "%s: inbound.undecryptable = \"%s\": %s%s", policy_rule_name(rule).text,
            undecryptable_name(undecryptable),
            facts->undecryptable ? "none of our keys can decrypt the message"
                                 : "an encrypted part among other parts is not decrypted",
            why);
}

static enum verdict unmet(enum otherwise otherwise)
{
    switch (otherwise) {
    case OTHERWISE_REJECT:
        return VERDICT_REJECT;
    case OTHERWISE_QUARANTINE:
        return VERDICT_QUARANTINE;
    case OTHERWISE_TAG:
        return VERDICT_ACCEPT;
    }
    return VERDICT_TEMPFAIL;
}

bool policy_signed_ok(const struct rule *rule, bool domain_ok, bool originator_ok)
{
    switch (rule->inbound.signed_by) {
    case SIGNED_BY_ANY:
        return domain_ok || originator_ok;
    case SIGNED_BY_DOMAIN:
        return domain_ok;
    case SIGNED_BY_ORIGINATOR:
        return originator_ok;
    case SIGNED_BY_BOTH:
        break;
    }
    return domain_ok && originator_ok; /* an unknown value asks for both */
}

/* Retrying cannot make the message encrypted, and the rule rejects unencrypted mail: do not defer. */
static bool is_hopeless(const struct rule *rule, const struct inbound_facts *facts)
{
    bool may_wait = facts->undecryptable && rule->inbound.undecryptable == UNDECRYPTABLE_TEMPFAIL;
    return policy_requires_encryption(rule) && !facts->encrypted_ok && !may_wait &&
           rule->inbound.otherwise == OTHERWISE_REJECT;
}

/* Lists the unmet requirements for the reason. */
static char *list_unmet(const struct rule *rule, const struct inbound_facts *facts)
{
    g_autofree char *sign_why = reason_detail(facts->sign_reason);
    g_autofree char *encrypt_why = reason_detail(facts->encrypt_reason);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    if (policy_requires_signature(rule) && !facts->signed_ok && !facts->failed_temporarily)
        g_ptr_array_add(list, g_strconcat("no valid signature", sign_why, NULL));
    if (list->len > 0 && !policy_requires_encryption(rule) && facts->undecryptable) /* it may be inside */
        g_ptr_array_add(list, g_strconcat("not decrypted", encrypt_why, NULL));
    if (policy_requires_encryption(rule) && !facts->encrypted_ok)
        g_ptr_array_add(list, g_strconcat("not encrypted to us", encrypt_why, NULL));
    if (facts->label_reason != NULL)
        g_ptr_array_add(list, g_strdup(facts->label_reason));
    g_ptr_array_add(list, NULL);
    return g_strjoinv(", ", (char **)list->pdata);
}

void policy_inbound(const struct rule *rule, const struct inbound_facts *facts, struct inbound_decision *decision)
{
    enum require require = rule->inbound.require;
    bool may_refuse = require != REQUIRE_NONE || facts->label_reason != NULL || may_refuse_undecryptable(rule, facts);
    g_autofree char *sign_why = reason_detail(facts->sign_reason);
    g_autofree char *encrypt_why = reason_detail(facts->encrypt_reason);
    *decision = (struct inbound_decision){.verdict = VERDICT_ACCEPT};
    if (facts->failed_temporarily && may_refuse && !is_hopeless(rule, facts)) {
        bool tell_encryption = !facts->encrypted_ok && (policy_requires_encryption(rule) || facts->undecryptable);
        decision->verdict = VERDICT_TEMPFAIL;
        EXPLAIN(decision, "%s: inbound.require = \"%s\" could not be checked now%s%s", policy_rule_name(rule).text,
                require_name(require), facts->signed_ok ? "" : sign_why, tell_encryption ? encrypt_why : "");
        return;
    }
    if (may_refuse_undecryptable(rule, facts)) {
        refuse_undecryptable(rule, facts, decision);
        return;
    }
    g_autofree char *unmet_list = list_unmet(rule, facts);
    decision->met = unmet_list[0] == '\0';
    if (decision->met) {
        EXPLAIN(decision, "%s: inbound.require = \"%s\"%s", policy_rule_name(rule).text, require_name(require),
                require == REQUIRE_NONE ? "" : " is met");
        return;
    }
    decision->verdict = unmet(rule->inbound.otherwise);
    EXPLAIN(decision, "%s: inbound.require = \"%s\", otherwise = \"%s\": %s", policy_rule_name(rule).text,
            require_name(require), otherwise_name(rule->inbound.otherwise), unmet_list);
}
