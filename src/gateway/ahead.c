/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ahead: fetches what the messages to come will ask about revocation: of the certificates that the configuration names
 * and of the authorities beside them. A daemon does this once, when it starts with a configuration, in a thread of its
 * own; what has been fetched is then renewed by trust/.
 */
#include "certs/certs.h"
#include "internal.h"

/* Each certificate as the leaf of a path; the others may complete it. */
static void fetch(const struct gateway *gateway, STACK_OF(X509) * certificates, const struct partner *partner)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        owned(missing) struct missing *missing = NULL;
        struct finding finding = {0};
        const struct chain_query query = {.leaf = sk_X509_value(certificates, i),
                                          .untrusted = certificates,
                                          .purpose = PURPOSE_PATH,
                                          .partner = partner,
                                          .at = time(NULL),
                                          .missing = &missing};
        trust_check_chain(gateway->trust, &query, &finding);
        trust_fetch(gateway->trust, missing, 0); /* only begins */
    }
}

static void fetch_files(const struct gateway *gateway, char *const *files, const struct partner *partner)
{
    for (; *files != NULL; files++) {
        struct error ignored = {0};
        owned(x509_stack) STACK_OF(X509) *found = certificates_load(*files, &ignored);
        fetch(gateway, found, partner);
    }
}

static void fetch_of_partner(const struct gateway *gateway, const struct partner *partner)
{
    if (partner->revocation->check == REVOCATION_CHECK_OFF)
        return;
    fetch_files(gateway, partner->certificates, partner);
    fetch_files(gateway, partner->intermediates, partner);
    for (size_t i = 0; i < partner->group_count; i++)
        fetch_files(gateway, partner->groups[i].certificates, partner);
}

static void fetch_identities(const struct gateway *gateway, const struct partner *general)
{
    for (size_t i = 0; i < gateway->conf->identity_count; i++) {
        struct error ignored = {0};
        owned(x509_stack) STACK_OF(X509) *chain = identity_certificates(&gateway->conf->identities[i], &ignored);
        fetch(gateway, chain, general);
    }
}

static gpointer fetch_all(gpointer data)
{
    owned(gateway) struct gateway *gateway = data;
    const struct conf *conf = gateway->conf;
    const struct partner *general = conf->partners[conf->partner_count - 1]; /* for all other domains */
    for (size_t i = 0; i < conf->partner_count; i++)
        fetch_of_partner(gateway, conf->partners[i]);
    if (general->revocation->check == REVOCATION_CHECK_OFF)
        return NULL;
    fetch_identities(gateway, general);
    fetch_files(gateway, conf->intermediates, general);
    owned(faults) struct faults *ignored = faults_new();
    owned(x509_stack) STACK_OF(X509) *stored =
        conf->certificate_dir != NULL ? certs_directory_list(conf, ignored) : NULL;
    fetch(gateway, stored, general);
    return NULL;
}

/* True if revocation is looked up at all, for anyone. */
static bool fetches(const struct conf *conf)
{
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct revocation_conf *revocation = conf->partners[i]->revocation;
        if (revocation->check != REVOCATION_CHECK_OFF && (revocation->fetch || revocation->ocsp))
            return true;
    }
    return false;
}

void gateway_keep_fresh(struct gateway *gateway)
{
    if (!fetches(gateway->conf))
        return;
    trust_keep_fresh(gateway->trust);
    GThread *thread = g_thread_try_new("ahead", fetch_all, gateway_ref(gateway), NULL);
    if (thread != NULL)
        g_thread_unref(thread);
    else
        gateway_unref(gateway); /* messages fetch what they need */
}

void gateway_stop_fetching(const struct gateway *gateway)
{
    trust_stop_fetching(gateway->trust);
}
