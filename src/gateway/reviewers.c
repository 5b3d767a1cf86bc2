/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reviewers: which review authorities may release a message (RFC 3183 §2.2). They are named by certificate, not by
 * name: each is chosen by the administrator. Whether one of them has signed is policy's to say.
 */
#include "reviewers.h"

#include "keys/keys.h"

struct reviewers {
    GPtrArray *by_partner; /* NULL-terminated lists of fingerprints (char **), in the order of conf->partners */
};

static void add_file(GPtrArray *fingerprints, const struct partner *partner, const char *file, struct faults *faults)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *certificates = certificates_load(file, &error);
    if (certificates == NULL)
        faults_add(faults, partner->file, partner->base.outbound.require_review_line, "\"require_review\": %s",
                   error.text);
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        char *hex = g_malloc0(65);
        certificate_fingerprint(sk_X509_value(certificates, i), hex);
        g_ptr_array_add(fingerprints, hex);
    }
}

struct reviewers *reviewers_open(const struct conf *conf, struct faults *faults)
{
    struct reviewers *reviewers = g_new0(struct reviewers, 1);
    reviewers->by_partner = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        GPtrArray *fingerprints = g_ptr_array_new();
        for (char **file = partner->base.outbound.require_review; *file != NULL; file++)
            add_file(fingerprints, partner, *file, faults);
        g_ptr_array_add(fingerprints, NULL);
        g_ptr_array_add(reviewers->by_partner, g_ptr_array_free(fingerprints, FALSE));
    }
    return reviewers;
}

void reviewers_close(struct reviewers *reviewers)
{
    if (reviewers == NULL)
        return;
    g_ptr_array_unref(reviewers->by_partner);
    g_free(reviewers);
}

const char *const *reviewers_of(const struct reviewers *reviewers, const struct partner *partner)
{
    return g_ptr_array_index(reviewers->by_partner, partner->index);
}
