/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ahead: fetches what the messages to come will ask about revocation: of the certificates that the configuration names,
 * of the authorities beside them, and of the certificates in the store. A daemon does this once, when it starts with a
 * configuration, in a thread that ends with the gateway; what has been fetched is then renewed by trust/.
 *
 * One certificate is fetched after the other, so that no server is asked a thousand questions at once, and
 * messages find a free thread.
 */
#include "certs/certs.h"
#include "internal.h"

#define WAIT_FOR_BUNDLES ((int64_t)60 * G_USEC_PER_SEC)
#define WAIT_FOR_ONE (2 * G_USEC_PER_SEC) /* then it goes on beside the next */
#define STORED_MAX 10000

/* The others may complete its path. Returns false if the gateway ends. */
static bool fetch_one(const struct gateway *gateway, X509 *certificate, STACK_OF(X509) * others,
                      const struct partner *partner)
{
    owned(missing) struct missing *missing = NULL;
    struct finding finding = {0};
    const struct chain_query query = {.leaf = certificate,
                                      .untrusted = others,
                                      .purpose = PURPOSE_PATH,
                                      .partner = partner,
                                      .at = time(NULL),
                                      .missing = &missing};
    if (g_atomic_int_get(&gateway->ahead_stopped) != 0)
        return false;
    if (partner->revocation->check == REVOCATION_CHECK_OFF)
        return true;
    trust_check_chain(gateway->trust, &query, &finding);
    trust_fetch(gateway->trust, missing, g_get_monotonic_time() + WAIT_FOR_ONE);
    return true;
}

static void fetch(const struct gateway *gateway, STACK_OF(X509) * certificates, const struct partner *partner)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (!fetch_one(gateway, sk_X509_value(certificates, i), certificates, partner))
            return;
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

/* That of the first domain for which the certificate stands. */
static const struct partner *partner_of(const struct conf *conf, const X509 *certificate)
{
    bool odd = false;
    struct address address;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    g_auto(GStrv) names = certificate_dns_names(certificate, &odd);
    if (addresses[0] == NULL || !certificate_address_parse(addresses[0], &address))
        return conf_partner(conf, names[0]);
    const struct partner *partner = conf_partner(conf, address.domain);
    address_clear(&address);
    return partner;
}

/* Those of certificate_directory, or of the store. */
static bool fetch_found(void *context, X509 *certificate, STACK_OF(X509) * authorities)
{
    const struct gateway *gateway = context;
    return fetch_one(gateway, certificate, authorities, partner_of(gateway->conf, certificate));
}

static gpointer fetch_all(gpointer data)
{
    struct gateway *gateway = data;
    const struct conf *conf = gateway->conf;
    const struct partner *general = conf->partners[conf->partner_count - 1];        /* for all other domains */
    trust_await_bundles(gateway->trust, g_get_monotonic_time() + WAIT_FOR_BUNDLES); /* paths may lead to them */
    for (size_t i = 0; i < conf->partner_count; i++)
        fetch_of_partner(gateway, conf->partners[i]);
    fetch_identities(gateway, general);
    fetch_files(gateway, conf->intermediates, general);
    owned(faults) struct faults *ignored = faults_new();
    owned(x509_stack) STACK_OF(X509) *in_directory =
        conf->certificate_dir != NULL ? certs_directory_list(conf, ignored) : NULL;
    for (int i = 0; i < sk_X509_num(in_directory); i++)
        if (!fetch_found(gateway, sk_X509_value(in_directory, i), in_directory))
            break;
    const struct certs_walk walk = {.at = time(NULL), .limit = STORED_MAX, .take = fetch_found, .context = gateway};
    certs_walk_store(conf, &walk);
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
    trust_renew_bundles(gateway->trust, time(NULL));
    if (!fetches(gateway->conf))
        return;
    trust_keep_fresh(gateway->trust);
    /* Without a thread, messages fetch what they need. */
    gateway->ahead = g_thread_try_new("ahead", fetch_all, gateway, NULL);
}

void gateway_tend(const struct gateway *gateway, time_t now, void (*tell)(enum log_level level, const char *text))
{
    enum log_level level = LOG_LEVEL_INFO;
    char *text;
    trust_renew_bundles(gateway->trust, now);
    while ((text = trust_next_notice(gateway->trust, &level)) != NULL) {
        tell(level, text);
        g_free(text);
    }
}

void gateway_stop_fetching(struct gateway *gateway)
{
    g_atomic_int_set(&gateway->ahead_stopped, 1);
    trust_stop_fetching(gateway->trust);
    if (gateway->ahead != NULL)
        g_thread_join(gateway->ahead);
    gateway->ahead = NULL;
}
