/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: shows our own certificates. It reads no private key: `domsec check` tests each of them.
 */
#include "own.h"

#include "describe.h"
#include "gateway/signing.h"
#include "output.h"
#include "standing.h"

#include "base/moment.h"

X509 **own_read(const struct conf *conf, struct faults *faults)
{
    X509 **own = g_new0(X509 *, conf->identity_count + 1);
    for (size_t i = 0; i < conf->identity_count; i++) {
        struct error error = {0};
        owned(x509_stack) STACK_OF(X509) *chain = identity_certificates(&conf->identities[i], &error);
        if (chain != NULL && X509_up_ref(sk_X509_value(chain, 0)) == 1)
            own[i] = sk_X509_value(chain, 0);
        else if (!identity_is_awaited(conf, &conf->identities[i]) &&
                 !identity_has_ended(&conf->identities[i], time(NULL)))
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
    g_autofree enum standing *standing = standing_read(conf, own, time(NULL));
    for (size_t i = 0; i < conf->identity_count; i++) {
        bool served = false;
        for (size_t j = 0; j < conf->identity_count && !served; j++)
            served =
                standing[j] == STANDING_IN_FORCE && identity_same_owner(&conf->identities[i], &conf->identities[j]);
        if (standing[i] == STANDING_UNREADABLE || !served)
            return false;
    }
    return true;
}

/* The same key has the same identifier on each gateway, whatever its certificate is and wherever it is kept. */
static void key_identifier(X509 *certificate, char hex[65])
{
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    g_autofree char *digest =
        length > 0 ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, der, (gsize)length) : g_strdup("");
    g_strlcpy(hex, digest, 65);
    OPENSSL_free(der);
}

struct listing {
    const struct conf *conf;
    X509 *const *own;
    enum standing *standing;
    struct key_traits *traits;
};

static struct listing listing_of(const struct conf *conf, X509 *const *own)
{
    struct listing listing = {conf, own, standing_read(conf, own, time(NULL)),
                              g_new0(struct key_traits, conf->identity_count + 1)};
    key_traits_read(conf, own, listing.traits);
    return listing;
}

static void listing_clear(struct listing *listing)
{
    g_free(listing->standing);
    g_free(listing->traits);
}

static void add_row(struct table *table, const struct listing *listing, size_t index)
{
    const struct identity_conf *identity = &listing->conf->identities[index];
    X509 *certificate = listing->own[index];
    const char *role = role_name(identity->role);
    g_autofree char *state = standing_text(listing->standing[index], identity);
    if (certificate == NULL) {
        const char *cells[] = {identity_owner(identity), role,         state, NULL, NULL, NULL, NULL, NULL, NULL,
                               identity->certificate,    identity->key};
        table_row(table, cells);
        return;
    }
    char key_id[65];
    g_autofree char *id = describe_id(certificate);
    g_autofree char *key = describe_key(X509_get0_pubkey(certificate));
    g_autofree char *expires = describe_date(X509_get0_notAfter(certificate));
    g_autofree char *days = describe_days(certificate);
    g_autofree char *known = key_traits_text(&listing->traits[index]);
    key_identifier(certificate, key_id);
    key_id[FINGERPRINT_DIGITS] = '\0';
    const char *cells[] = {identity_owner(identity), role,         state, expires, days, key, key_id, id, known,
                           identity->certificate,    identity->key};
    table_row(table, cells);
}

void own_print(X509 *const *own, const struct conf *conf, bool with_files)
{
    static const char *const heading[] = {"for",    "role",   "state",  "expires",     "days",       "key",
                                          "key id", "sha256", "traits", "certificate", "private key"};
    owned(table) struct table *table = table_new(with_files ? 11 : 9);
    struct listing listing = listing_of(conf, own);
    table_row(table, heading);
    for (size_t i = 0; i < conf->identity_count; i++)
        add_row(table, &listing, i);
    listing_clear(&listing);
    table_print(table, stdout, with_files ? 0 : 2, true);
}

static json_t *addresses_json(const struct identity_conf *identity)
{
    json_t *list = json_array();
    for (char **address = identity->addresses; *address != NULL; address++)
        json_array_append_new(list, json_string(*address));
    return list;
}

static void add_standing(json_t *entry, const struct listing *listing, size_t index)
{
    const struct identity_conf *identity = &listing->conf->identities[index];
    g_autofree char *from = identity->from != 0 ? moment_text(identity->from) : NULL;
    g_autofree char *until = identity->until != 0 ? moment_text(identity->until) : NULL;
    json_object_set_new(entry, "state", json_string(standing_name(listing->standing[index])));
    json_object_set_new(entry, "from", describe_string(from));
    json_object_set_new(entry, "until", describe_string(until));
}

json_t *own_json(X509 *const *own, const struct conf *conf)
{
    json_t *list = json_array();
    struct listing listing = listing_of(conf, own);
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        json_t *entry = own[i] != NULL ? describe_json(own[i]) : json_object();
        char key_id[65];
        if (identity->domain != NULL)
            json_object_set_new(entry, "domain", json_string(identity->domain));
        else
            json_object_set_new(entry, "addresses", addresses_json(identity));
        json_object_set_new(entry, "role", json_string(role_name(identity->role)));
        json_object_set_new(entry, "file", json_string(identity->certificate));
        json_object_set_new(entry, "key_uri", json_string(identity->key));
        add_standing(entry, &listing, i);
        if (own[i] != NULL) {
            key_identifier(own[i], key_id);
            json_object_set_new(entry, "key_sha256", json_string(key_id));
            key_traits_json(&listing.traits[i], entry);
        }
        json_object_set_new(entry, "readable", json_boolean(own[i] != NULL));
        json_array_append_new(list, entry);
    }
    listing_clear(&listing);
    return list;
}
