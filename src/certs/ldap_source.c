/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_source: certificates in the directories of the groups `ldap`, found as RFC 3183 §4.2 describes it: in the
 * recipient's own entry, and in the entry of the authority that acts for the domain.
 *
 * One search asks for all entries that have one of the addresses in question, because a certificate of the person's own
 * that is found may still not be usable, and the domain's counts then. An authority that has a common name and no
 * address takes a second search.
 *
 * The servers of a domain are asked one after the other until one has a certificate: "no entry" moves on, and so does a
 * server that fails, within its share of the time. Failed somewhere and found nowhere is failed.
 */
#include "index_names.h"
#include "ldap_targets.h"
#include "ldap_values.h"
#include "source.h"

#include <string.h>

#define SECONDS_FOUND 3600
#define SECONDS_NONE 300

struct source {
    struct ldap_servers *servers;
    struct net_ldap *ldap;
};

/* One question and what its servers have said so far. */
struct looking {
    struct source *source;
    struct certs_question *question;
    int64_t deadline;        /* of the present server */
    bool found;              /* it has certificates */
    bool found_domain;       /* one of them may act for the domain */
    bool failed, failed_own; /* of the servers that had none, or of the one that has */
    struct error error;
};

/* --- opening --- */

static void source_close(void *state)
{
    struct source *source = state;
    ldap_servers_free(source->servers);
    net_ldap_free(source->ldap);
    g_free(source);
}

/* Whether what the groups name can be used at all. The network is not asked. */
static void check(const struct conf *conf, struct faults *faults)
{
    for (size_t i = 0; i < conf->ldap_count; i++) {
        const struct ldap_conf *group = &conf->ldap[i];
        struct error error = {0};
        if (group->base != NULL && !net_ldap_is_dn(group->base))
            faults_add(faults, conf->file, group->line,
                       "ldap: \"base\": \"%s\" is not a name such as \"dc=partner,dc=test\"", group->base);
        if (group->bind_dn != NULL && !net_ldap_is_dn(group->bind_dn))
            faults_add(faults, conf->file, group->line,
                       "ldap: \"bind_dn\": \"%s\" is not a name such as \"cn=gateway,dc=partner,dc=test\"",
                       group->bind_dn);
        if (!group->tls && !group->starttls)
            continue;
        owned(x509_stack) STACK_OF(X509) *authorities = certificates_load(group->ca, &error);
        if (authorities == NULL)
            faults_add(faults, conf->file, group->line, "ldap: \"ca\": %s", error.text);
    }
}

static bool source_open(const struct conf *conf, void **state, struct faults *faults)
{
    size_t before = faults_errors(faults);
    if (conf->ldap_count == 0)
        return true;
    check(conf, faults);
    struct ldap_servers *servers = ldap_servers_new(conf, faults);
    if (servers == NULL || faults_errors(faults) > before) {
        ldap_servers_free(servers);
        return false;
    }
    struct source *source = g_new0(struct source, 1);
    *source = (struct source){servers, net_ldap_new()};
    *state = source;
    return true;
}

/* --- what is asked --- */

static void add_match(GArray *matches, const char *attribute, char *value)
{
    const struct net_ldap_match match = {attribute, value};
    g_array_append_val(matches, match);
}

static void match_clear(void *data)
{
    g_free((char *)((struct net_ldap_match *)data)->value);
}

static bool is_asked_for(const struct certs_query *query, enum role role)
{
    return query->purpose == CERTS_SIGNER || role == ROLE_DOMAIN_CONFIDENTIALITY;
}

/* The addresses whose entries are wanted: the person's, those of the roles in its domain and in the domains above
 * (RFC 3183 §4.1), the domain itself as an address, and those of gateways with other names. */
static GArray *addresses_of(const struct certs_query *query)
{
    GArray *matches = g_array_new(FALSE, FALSE, sizeof(struct net_ldap_match));
    const struct partner *partner = query->partner;
    g_auto(GStrv) domains = index_ascent(query->address->domain);
    g_array_set_clear_func(matches, match_clear);
    add_match(matches, "mail", g_strconcat(query->address->local, "@", query->address->domain, NULL));
    for (char **domain = domains; *domain != NULL; domain++) {
        for (int role = 0; role < ROLE_COUNT; role++)
            if (is_asked_for(query, (enum role)role))
                add_match(matches, "mail", g_strconcat(role_name((enum role)role), "@", *domain, NULL));
        add_match(matches, "mail", g_strdup(*domain));
    }
    for (char **each = partner != NULL ? partner->gateway_addresses : NULL; each != NULL && *each != NULL; each++)
        add_match(matches, "mail", g_strdup(*each));
    return matches;
}

static GArray *common_names_of(const struct certs_query *query)
{
    GArray *matches = g_array_new(FALSE, FALSE, sizeof(struct net_ldap_match));
    g_array_set_clear_func(matches, match_clear);
    for (int role = 0; role < ROLE_COUNT; role++)
        if (is_asked_for(query, (enum role)role))
            add_match(matches, "cn", g_strdup(role_name((enum role)role)));
    return matches;
}

/* --- what came --- */

static bool is_of(const X509 *certificate, const struct address *address)
{
    g_autofree char *wanted = index_mailbox(address);
    g_auto(GStrv) mailboxes = index_mailboxes(certificate);
    return g_strv_contains((const char *const *)mailboxes, wanted);
}

static bool acts_for(const X509 *certificate, const struct address *address)
{
    g_auto(GStrv) above = index_ascent(address->domain);
    g_autoptr(GArray) domains = index_domains(certificate);
    for (guint i = 0; i < domains->len; i++)
        if (g_strv_contains((const char *const *)above, g_array_index(domains, struct index_domain, i).name))
            return true;
    return false;
}

/* The person's own first. */
static void add_certificates(struct looking *looking, struct ldap_values *values)
{
    struct certs_question *question = looking->question;
    STACK_OF(X509) *authorities = NULL;
    int count = sk_X509_num(values->leaves);
    if (sk_X509_num(values->authorities) > 0)
        authorities = certs_question_keep(question, steal(&values->authorities));
    for (int own = 1; own >= 0; own--)
        for (int i = 0; i < count; i++) {
            X509 *certificate = sk_X509_value(values->leaves, i);
            if (is_of(certificate, question->query->address) != (own == 1))
                continue;
            certs_question_add(question, certificate, own == 1, authorities);
            looking->found_domain = looking->found_domain || acts_for(certificate, question->query->address);
        }
    looking->found = looking->found || count > 0;
}

static void fail(struct looking *looking, bool own, const struct error *error)
{
    if (!looking->failed || (own && !looking->failed_own))
        looking->error = *error;
    looking->failed = true;
    looking->failed_own = looking->failed_own || own;
}

/* Asks one server for the entries with one of these values. own: the person's is among them. Returns whether the server
 * answered. */
static bool search(struct looking *looking, struct ldap_target *target, const GArray *matches, bool own)
{
    static const char *const attributes[] = {"userCertificate;binary", "userCertificate", "userSMIMECertificate",
                                             "userSMIMECertificate;binary", NULL};
    const struct net_ldap_query query = {.base = target->group->base,
                                         .match = (const struct net_ldap_match *)(const void *)matches->data,
                                         .match_count = matches->len,
                                         .attributes = attributes};
    int64_t began = g_get_monotonic_time();
    owned(net_ldap_answer) struct net_ldap_answer answer = {0};
    owned(ldap_values) struct ldap_values values = {0};
    net_ldap_search(looking->source->ldap, &target->server, &query, looking->deadline, &answer);
    ldap_values_read(&answer, &values);
    bool failed = answer.found == FOUND_FAILED;
    if (!failed && values.unreadable > 0 && sk_X509_num(values.leaves) == 0) {
        failed = true;
        error_set_foreign(&answer.error, ERROR_TEMPORARY, values.note,
                          "a directory holds only values that are no certificates");
    }
    add_certificates(looking, &values);
    if (failed)
        fail(looking, own, &answer.error);
    g_autofree char *note =
        failed && values.note != NULL ? g_strconcat(answer.error.text, "; ", values.note, NULL) : NULL;
    certs_question_step(looking->question, failed, began,
                        note != NULL ? note
                        : failed     ? answer.error.text
                                     : values.note,
                        "%s at %s", answer.filter != NULL ? answer.filter : looking->question->query->address->text,
                        target->text);
    if (!answer.answered)
        target->error = answer.error;
    return answer.answered;
}

/* --- the servers of a domain --- */

/* Whether the server may be asked. If it may not, that is a failure. */
static bool may_ask(struct looking *looking, struct ldap_target *target)
{
    int64_t now = g_get_monotonic_time();
    if (!target->down && target->breaker != NULL && !breaker_allows(target->breaker, now, &target->error))
        target->down = true;
    if (!target->down)
        return true;
    fail(looking, true, &target->error);
    certs_question_step(looking->question, true, now, target->error.text, "%s at %s",
                        looking->question->query->address->text, target->text);
    return false;
}

static void ask_target(struct looking *looking, struct ldap_target *target)
{
    if (!may_ask(looking, target))
        return;
    g_autoptr(GArray) addresses = addresses_of(looking->question->query);
    bool answered = search(looking, target, addresses, true);
    if (answered && !looking->found_domain) {
        g_autoptr(GArray) names = common_names_of(looking->question->query);
        answered = search(looking, target, names, false);
    }
    target->down = !answered;
    if (target->breaker != NULL && answered)
        breaker_answered(target->breaker);
    else if (target->breaker != NULL)
        breaker_failed(target->breaker, g_get_monotonic_time());
}

/* What was asked in the DNS, as a part of each question's search. */
static void tell_discoveries(struct looking *looking, const struct ldap_targets *targets)
{
    for (size_t i = 0; i < targets->discovery_count; i++) {
        const struct ldap_discovery *discovery = &targets->discoveries[i];
        certs_question_step(looking->question, discovery->failed, discovery->began,
                            discovery->failed ? discovery->error.text : NULL, "%s", discovery->asked);
        if (discovery->failed)
            fail(looking, true, &discovery->error);
    }
}

static void answer(struct looking *looking, struct ldap_targets *targets, int64_t began, int64_t deadline)
{
    tell_discoveries(looking, targets);
    for (size_t i = 0; i < targets->count && !looking->found; i++) {
        struct ldap_target *target = &targets->list[i];
        struct looking before = *looking;
        int64_t now = g_get_monotonic_time();
        int64_t last = MIN(deadline, began + (int64_t)target->group->timeout * G_USEC_PER_SEC);
        looking->deadline = now + (last - now) / (int64_t)(targets->count - i);
        looking->failed = looking->failed_own = false;
        ask_target(looking, target);
        if (!looking->found && before.failed)
            fail(looking, before.failed_own, &before.error);
    }
    if (looking->failed) {
        certs_question_failed(looking->question, looking->failed_own, &looking->error);
        return;
    }
    certs_question_valid_for(looking->question, looking->found ? SECONDS_FOUND : SECONDS_NONE);
    certs_question_answered(looking->question);
}

/* All questions are about one domain. */
static void source_ask(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    struct source *source = state;
    int64_t began = g_get_monotonic_time();
    owned(ldap_targets) struct ldap_targets targets = {0};
    ldap_targets_find(source->servers, questions[0]->query->address->domain, deadline, &targets);
    for (size_t i = 0; i < count; i++) {
        struct looking looking = {.source = source, .question = questions[i]};
        answer(&looking, &targets, began, deadline);
    }
}

const struct certs_source certs_source_ldap = {
    .name = "ldap", .waits = true, .open = source_open, .close = source_close, .ask = source_ask};
