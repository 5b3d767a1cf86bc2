/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reviewers: which review authorities may release a message (RFC 3183 §2.2). They are named by certificate, not by
 * name: whoever may let a message out is chosen one by one. That the signature holds and that the certificate is named
 * as it must be was judged before.
 */
#include "reviewers.h"

#include <string.h>

struct reviewers {
    GHashTable *by_rule; /* struct rule → set of fingerprints */
};

static void add_file(GHashTable *set, const struct rule *rule, const char *file, struct faults *faults)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *certificates = certificates_load(file, &error);
    if (certificates == NULL)
        faults_add(faults, rule->partner->file, rule->outbound.require_review_line, "\"require_review\": %s",
                   error.text);
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        char hex[65];
        certificate_fingerprint(sk_X509_value(certificates, i), hex);
        g_hash_table_add(set, g_strdup(hex));
    }
}

struct reviewers *reviewers_open(const struct conf *conf, struct faults *faults)
{
    struct reviewers *reviewers = g_new0(struct reviewers, 1);
    reviewers->by_rule = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)g_hash_table_unref);
    for (size_t i = 0; i < conf->partner_count; i++) {
        GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (char **file = conf->partners[i]->base.outbound.require_review; *file != NULL; file++)
            add_file(set, &conf->partners[i]->base, *file, faults);
        g_hash_table_insert(reviewers->by_rule, (gpointer)&conf->partners[i]->base, set);
    }
    return reviewers;
}

void reviewers_close(struct reviewers *reviewers)
{
    if (reviewers == NULL)
        return;
    g_hash_table_unref(reviewers->by_rule);
    g_free(reviewers);
}

bool reviewers_have_signed(const struct reviewers *reviewers, const struct rule *rule,
                           const struct reported_layer *layers, size_t count)
{
    GHashTable *set = g_hash_table_lookup(reviewers->by_rule, rule);
    for (size_t i = 0; set != NULL && i < count; i++) {
        if (layers[i].partial || layers[i].finding.outcome != OUTCOME_PASS ||
            !(layers[i].signature_types & SIGNATURE_TYPE_REVIEW))
            continue;
        for (size_t j = 0; j < layers[i].signer_count; j++)
            if (layers[i].signers[j].sha256 != NULL && g_hash_table_contains(set, layers[i].signers[j].sha256))
                return true;
    }
    return false;
}
