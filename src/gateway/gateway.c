/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: opens the services that a configuration names, in the order of the layers, so that every key, chain and
 * directory is read once and shared by all messages. The way of a message is in passage.c.
 */
#include "base/memory.h"
#include "internal.h"
#include "learn.h"
#include "proof.h"

#include <string.h>

/* It is made before it is needed: one that is missing later is a fault, and knows nothing less. */
static void open_store(struct gateway *gateway, struct faults *faults)
{
    struct error error = {0};
    if (!learn_is_on(gateway->conf))
        return;
    gateway->store = store_open(gateway->conf->store);
    gateway->store_breaker = breaker_new("the store");
    if (!store_create(gateway->store, &error))
        faults_warn(faults, gateway->conf->file, 0, "nothing is harvested, and nothing learned: %s", error.text);
}

struct gateway *gateway_open(struct conf *conf, struct faults *faults)
{
    return gateway_open_with(conf, NULL, NULL, faults);
}

struct gateway *gateway_open_with(struct conf *conf, struct key_service *service, const struct gateway *previous,
                                  struct faults *faults)
{
    struct error error = {0};
    unsigned failures = memory_failures();
    struct gateway *gateway = g_new0(struct gateway, 1);
    gateway->references = 1;
    gateway->conf = conf_ref(conf);
    mime_init();
    bool is_ready = smime_init(&error);
    if (!is_ready)
        faults_add(faults, conf->file, 0, "%s", error.text);
    gateway->keys = keys_open(conf, service, faults);
    gateway->certs = certs_open(conf, faults);
    gateway->trust = trust_open_after(conf, previous != NULL ? previous->trust : NULL, faults);
    gateway->reviewers = reviewers_open(conf, faults);
    open_store(gateway, faults);
    gateway->box_keys = box_keys_open(conf, faults);
    if (gateway->box_keys != NULL)
        gateway->proof = proof_open(conf, box_keys_id(gateway->box_keys, 0));
    gateway->copy_limits = conf->limits;
    gateway->copy_limits.message_size = SIZE_MAX / 2; /* all were measured before the message was sealed */
    gateway->copy_limits.header_size = SIZE_MAX / 2;
    gateway->copy_limits.header_count = UINT_MAX;
    if (is_ready && gateway->keys != NULL && gateway->certs != NULL && gateway->trust != NULL) {
        self_test(gateway, faults);
        check_identities(gateway, faults);
        check_mailboxes(gateway, faults);
        check_partners(gateway, faults);
    } else if (faults_errors(faults) == 0) {
        faults_add(faults, conf->file, 0, "keys, certificates or anchors could not be opened");
    }
    /* OpenSSL keeps what it read of a certificate, or fetched, also if that was incomplete. */
    if (memory_failures() != failures)
        faults_add(faults, conf->file, 0, "there was not enough memory");
    if (faults_errors(faults) == 0)
        return gateway;
    gateway_unref(gateway);
    return NULL;
}

struct gateway *gateway_ref(struct gateway *gateway)
{
    g_atomic_int_inc(&gateway->references);
    return gateway;
}

void gateway_unref(struct gateway *gateway)
{
    if (gateway == NULL || !g_atomic_int_dec_and_test(&gateway->references))
        return;
    if (gateway->trust != NULL)
        gateway_stop_fetching(gateway);
    store_close(gateway->store);
    breaker_free(gateway->store_breaker);
    proof_close(gateway->proof);
    box_keys_close(gateway->box_keys);
    reviewers_close(gateway->reviewers);
    trust_close(gateway->trust);
    certs_close(gateway->certs);
    keys_close(gateway->keys);
    conf_unref(gateway->conf);
    g_free(gateway);
}

uint64_t gateway_arrivals(const struct gateway *gateway)
{
    return keys_arrivals(gateway->keys);
}

const struct conf *gateway_conf(const struct gateway *gateway)
{
    return gateway->conf;
}

bool gateway_is_second(const struct gateway *gateway, const char *daemon_name)
{
    /* Also without keys: what was sealed with a key that is gone must not leave as other mail does. */
    return daemon_name != NULL && g_strcmp0(daemon_name, gateway->conf->split.daemon_name) == 0;
}

const struct limits *gateway_limits(const struct gateway *gateway, const char *daemon_name)
{
    return gateway_is_second(gateway, daemon_name) ? &gateway->copy_limits : &gateway->conf->limits;
}

bool gateway_misses_copies(const struct gateway *gateway, time_t at, struct error *error)
{
    return gateway->proof != NULL && proof_complain(gateway->proof, at, error);
}
