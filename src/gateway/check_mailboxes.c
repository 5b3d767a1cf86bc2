/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_mailboxes: identities of mailboxes and groups: does the certificate name the addresses that it is for, and does
 * anything lead to its signature? An address in From that the certificate does not name makes mail programs warn, and
 * an identity that no login may sign with is most likely a slip of the pen.
 */
#include "internal.h"

/* --- names --- */

/* Whether the certificate names that mailbox. A pattern is never named. */
static bool names(const struct gateway *gateway, const struct identity *identity, const char *pattern,
                  struct finding *finding)
{
    struct address address;
    struct error ignored = {0};
    if (!address_parse(slice_of(pattern), &address, &ignored))
        return false;
    trust_check_mailbox(gateway->trust, identity->certificate, &address, 1, finding);
    address_clear(&address);
    return finding->outcome == OUTCOME_PASS;
}

static void check_names(const struct gateway *gateway, const struct identity *identity, struct faults *faults)
{
    const struct identity_conf *entry = identity->conf;
    const char *first = NULL;
    struct finding finding = {0}, why = {0};
    size_t named = 0, others = 0;
    for (char **pattern = entry->addresses; *pattern != NULL; pattern++) {
        if (names(gateway, identity, *pattern, &finding)) {
            named++;
        } else if (others++ == 0) {
            first = *pattern;
            why = finding;
        }
    }
    if (named == 0)
        faults_warn(faults, gateway->conf->file, entry->line,
                    "%s: %s; mail programs will warn of signatures in the name of %s; have another one issued",
                    entry->certificate, why.reason, identity_owner(entry));
    else if (others > 0)
        faults_note(faults, gateway->conf->file, entry->line,
                    "%s: the certificate does not name %s%s: From and certificate differ there, which partners must "
                    "have agreed to (groups)",
                    entry->certificate, first, others > 1 ? " and others" : "");
}

/* --- use --- */

/* The first rule that asks for an author's own signature; NULL: no rule does. */
static const struct rule *asking_rule(const struct conf *conf)
{
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        if (policy_signs_as_mailbox(&partner->base))
            return &partner->base;
        for (size_t j = 0; j < partner->rule_count; j++)
            if (policy_signs_as_mailbox(&partner->rules[j]))
                return &partner->rules[j];
    }
    return NULL;
}

/* All addresses of identity_logins. */
static struct address_set *all_of_logins(const struct conf *conf)
{
    struct address_set *set = address_set_new();
    for (size_t i = 0; i < conf->login_count; i++)
        for (char **address = conf->logins[i].addresses; *address != NULL; address++)
            address_set_add(set, *address);
    return set;
}

static bool holds_one_of(const struct address_set *set, char *const *patterns)
{
    for (; *patterns != NULL; patterns++)
        if (address_set_match(set, *patterns) != ADDRESS_MATCH_NONE)
            return true;
    return false;
}

/* Some login may sign as some address of the identity. */
static bool is_within_reach(const struct conf *conf, const struct address_set *allowed,
                            const struct identity_conf *identity)
{
    if (conf->logins_are_addresses || conf->mail_from_is_checked || holds_one_of(allowed, identity->addresses))
        return true;
    for (size_t i = 0; i < conf->login_count; i++)
        if (holds_one_of(identity->mailboxes, conf->logins[i].addresses))
            return true;
    return false;
}

static void check_use(const struct gateway *gateway, const struct address_set *allowed, const struct identity *identity,
                      struct faults *faults)
{
    const struct conf *conf = gateway->conf;
    if (identity_signs(identity) && !is_within_reach(conf, allowed, identity->conf))
        faults_warn(faults, conf->file, identity->conf->line,
                    "no login may sign in the name of %s, so this identity never signs; add the address to "
                    "identity_logins",
                    identity_owner(identity->conf));
}

static bool is_proof_possible(const struct conf *conf)
{
    return conf->login_count > 0 || conf->logins_are_addresses || conf->mail_from_is_checked;
}

static void warn_of_rule(const struct rule *rule, const char *why, struct faults *faults)
{
    bool is_base = rule->line == 0;
    faults_warn(faults, is_base ? rule->partner->file : rule->file, is_base ? rule->partner->outbound_line : rule->line,
                "\"sign_as\" asks for the author's own signature, and %s", why);
}

void check_mailboxes(const struct gateway *gateway, struct faults *faults)
{
    owned(address_set) struct address_set *allowed = all_of_logins(gateway->conf);
    const struct rule *asking = asking_rule(gateway->conf);
    const struct identity *first = NULL;
    bool any_signs = false;
    for (size_t i = 0; i < keys_count(gateway->keys); i++) {
        const struct identity *identity = keys_at(gateway->keys, i);
        if (identity->conf->role != ROLE_MAILBOX)
            continue;
        first = first != NULL ? first : identity;
        any_signs |= identity_signs(identity);
        check_names(gateway, identity, faults);
        if (asking != NULL && is_proof_possible(gateway->conf))
            check_use(gateway, allowed, identity, faults);
    }
    if (asking == NULL && any_signs)
        faults_note(faults, gateway->conf->file, first->conf->line,
                    "identities of mailboxes only decrypt, because no policy has sign_as = \"mailbox\" or "
                    "\"mailbox+domain\"");
    else if (asking != NULL && !any_signs)
        warn_of_rule(asking, "no identity with \"address\" can sign", faults);
    else if (asking != NULL && !is_proof_possible(gateway->conf))
        warn_of_rule(asking, "neither identity_logins nor mail_from_is_checked lets anyone sign in an author's name",
                     faults);
}
