/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reviewers: which review authorities may release a message (RFC 3183 §2.2). They are named by certificate, not by
 * name: each is chosen by the administrator. Whether one of them has signed is policy's to say.
 */
#include "reviewers.h"

#include "keys/keys.h"
#include "policy/policy.h"

struct reviewers {
    GHashTable *by_rule; /* struct rule → NULL-terminated list of fingerprints (char **) */
};

static void add_file(GStrvBuilder *fingerprints, const struct rule *rule, const char *file, struct faults *faults)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *certificates = certificates_load(file, &error);
    if (certificates == NULL)
        faults_add(faults, rule->partner->file, rule->outbound.require_review_line, "\"require_review\": %s",
                   error.text);
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        char hex[65];
        certificate_fingerprint(sk_X509_value(certificates, i), hex);
        g_strv_builder_add(fingerprints, hex);
    }
}

static void add_rule(struct reviewers *reviewers, const struct rule *rule, struct faults *faults)
{
    g_autoptr(GStrvBuilder) fingerprints = g_strv_builder_new();
    for (char **file = rule->outbound.require_review; *file != NULL; file++)
        add_file(fingerprints, rule, *file, faults);
    g_hash_table_insert(reviewers->by_rule, (gpointer)rule, g_strv_builder_end(fingerprints));
}

struct reviewers *reviewers_open(const struct conf *conf, struct faults *faults)
{
    struct reviewers *reviewers = g_new0(struct reviewers, 1);
    reviewers->by_rule = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_strfreev);
    for (size_t i = 0; i < conf->partner_count; i++)
        for (size_t j = 0; j <= conf->partners[i]->rule_count; j++) {
            const struct rule *rule = policy_nth_rule(conf->partners[i], j);
            const struct rule *base = policy_rule(rule->partner);
            if (j == 0 || !g_strv_equal((const char *const *)rule->outbound.require_review,
                                        (const char *const *)base->outbound.require_review))
                add_rule(reviewers, rule, faults);
        }
    return reviewers;
}

void reviewers_close(struct reviewers *reviewers)
{
    g_hash_table_unref(reviewers->by_rule);
    g_free(reviewers);
}

const char *const *reviewers_of(const struct reviewers *reviewers, const struct rule *rule)
{
    const char *const *own = g_hash_table_lookup(reviewers->by_rule, rule);
    return own != NULL ? own : g_hash_table_lookup(reviewers->by_rule, policy_rule(rule->partner));
}
