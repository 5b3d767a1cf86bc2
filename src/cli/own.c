/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: shows our own certificates. It reads no private key: `domsec check` tests each of them.
 */
#include "own.h"

#include "describe.h"
#include "gateway/expiry.h"
#include "gateway/signing.h"
#include "output.h"

X509 **own_read(const struct conf *conf, struct faults *faults)
{
    X509 **own = g_new0(X509 *, conf->identity_count + 1);
    for (size_t i = 0; i < conf->identity_count; i++) {
        struct error error = {0};
        owned(x509_stack) STACK_OF(X509) *chain = identity_certificates(&conf->identities[i], &error);
        if (chain != NULL && X509_up_ref(sk_X509_value(chain, 0)) == 1)
            own[i] = sk_X509_value(chain, 0);
        else if (!identity_is_awaited(conf, &conf->identities[i]))
            faults_add(faults, conf->file, conf->identities[i].line, "%s", error.text);
    }
    return own;
}

void own_free(X509 **own, const struct conf *conf)
{
    for (size_t i = 0; own != NULL && i < conf->identity_count; i++)
        X509_free(own[i]);
    g_free(own);
}

bool own_are_good(X509 *const *own, const struct conf *conf)
{
    for (size_t i = 0; i < conf->identity_count; i++)
        if (own[i] == NULL || describe_days_left(own[i]) < EXPIRY_DAYS || !certificate_is_current(own[i], time(NULL)))
            return false;
    return true;
}

static void add_row(struct table *table, const struct identity_conf *identity, const X509 *certificate,
                    const struct key_traits *traits)
{
    const char *role = role_name(identity->role);
    if (certificate == NULL) {
        const char *cells[] = {identity_owner(identity), role,         "unreadable", NULL, NULL, NULL, NULL,
                               identity->certificate,    identity->key};
        table_row(table, cells);
        return;
    }
    g_autofree char *id = describe_id(certificate);
    g_autofree char *key = describe_key(X509_get0_pubkey(certificate));
    g_autofree char *expires = describe_date(X509_get0_notAfter(certificate));
    g_autofree char *days = describe_days(certificate);
    g_autofree char *known = key_traits_text(traits);
    const char *cells[] = {identity_owner(identity), role,         expires, days, key, id, known,
                           identity->certificate,    identity->key};
    table_row(table, cells);
}

void own_print(X509 *const *own, const struct conf *conf, bool with_files)
{
    static const char *const heading[] = {"for",    "role",   "expires",     "days",       "key",
                                          "sha256", "traits", "certificate", "private key"};
    owned(table) struct table *table = table_new(with_files ? 9 : 7);
    g_autofree struct key_traits *traits = g_new0(struct key_traits, conf->identity_count + 1);
    key_traits_read(conf, own, traits);
    table_row(table, heading);
    for (size_t i = 0; i < conf->identity_count; i++)
        add_row(table, &conf->identities[i], own[i], &traits[i]);
    table_print(table, stdout, with_files ? 0 : 2, true);
}

static json_t *addresses_json(const struct identity_conf *identity)
{
    json_t *list = json_array();
    for (char **address = identity->addresses; *address != NULL; address++)
        json_array_append_new(list, json_string(*address));
    return list;
}

json_t *own_json(X509 *const *own, const struct conf *conf)
{
    json_t *list = json_array();
    g_autofree struct key_traits *traits = g_new0(struct key_traits, conf->identity_count + 1);
    key_traits_read(conf, own, traits);
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        json_t *entry = own[i] != NULL ? describe_json(own[i]) : json_object();
        if (identity->domain != NULL)
            json_object_set_new(entry, "domain", json_string(identity->domain));
        else
            json_object_set_new(entry, "addresses", addresses_json(identity));
        json_object_set_new(entry, "role", json_string(role_name(identity->role)));
        json_object_set_new(entry, "file", json_string(identity->certificate));
        json_object_set_new(entry, "key_uri", json_string(identity->key));
        if (own[i] != NULL)
            key_traits_json(&traits[i], entry);
        json_object_set_new(entry, "readable", json_boolean(own[i] != NULL));
        json_array_append_new(list, entry);
    }
    return list;
}
