/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_index: hash tables from names and recipient identifiers to places in the configuration. The same name or
 * identifier may lead to several places: authorities side by side while one replaces the other, certificates renewed
 * for the same key. Which of them is to be taken is for keys.c and its callers to say.
 *
 * Names are compared as OpenSSL compares them when it decrypts (X509_NAME_cmp), or an identity could be found here and
 * not there. Their hash leaves out the issuer: a serial number tells nearly all apart, and the canonical form of an
 * issuer takes a SHA-1 that some providers refuse.
 */
#include "key_index.h"

#include <string.h>

/* A domain, or a mailbox or pattern in its normal form. */
struct name_id {
    enum role role;
    char *name;
};

struct key_index {
    GHashTable *by_name;      /* struct name_id → GArray of guint */
    GHashTable *by_recipient; /* struct recipient_id → GArray of guint */
    GArray *by_role[ROLE_MAILBOX + 1];
};

static guint name_hash(gconstpointer data)
{
    const struct name_id *id = data;
    return g_str_hash(id->name) * (ROLE_MAILBOX + 1) + (guint)id->role;
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
    const struct name_id *left = a, *right = b;
    return left->role == right->role && strcmp(left->name, right->name) == 0;
}

static void name_free(gpointer data)
{
    struct name_id *id = data;
    g_free(id->name);
    g_free(id);
}

/* FNV-1a: numbers that were counted up must not collide. */
static guint octets_hash(const ASN1_STRING *octets)
{
    guint32 hash = 2166136261u;
    for (int i = 0; i < ASN1_STRING_length(octets); i++)
        hash = (hash ^ ASN1_STRING_get0_data(octets)[i]) * 16777619u;
    return hash;
}

static guint recipient_hash(gconstpointer data)
{
    const struct recipient_id *id = data;
    return octets_hash(id->key_id != NULL ? id->key_id : id->serial);
}

static gboolean recipient_equal(gconstpointer a, gconstpointer b)
{
    const struct recipient_id *left = a, *right = b;
    if (left->key_id != NULL || right->key_id != NULL)
        return left->key_id != NULL && right->key_id != NULL && ASN1_OCTET_STRING_cmp(left->key_id, right->key_id) == 0;
    return ASN1_INTEGER_cmp(left->serial, right->serial) == 0 && X509_NAME_cmp(left->issuer, right->issuer) == 0;
}

static GArray *positions_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(guint));
}

static void positions_free(gpointer positions)
{
    g_array_unref(positions);
}

struct key_index *key_index_new(void)
{
    struct key_index *index = g_new0(struct key_index, 1);
    index->by_name = g_hash_table_new_full(name_hash, name_equal, name_free, positions_free);
    index->by_recipient = g_hash_table_new_full(recipient_hash, recipient_equal, g_free, positions_free);
    for (size_t i = 0; i < G_N_ELEMENTS(index->by_role); i++)
        index->by_role[i] = positions_new();
    return index;
}

void key_index_free(struct key_index *index)
{
    if (index == NULL)
        return;
    g_hash_table_unref(index->by_name);
    g_hash_table_unref(index->by_recipient);
    for (size_t i = 0; i < G_N_ELEMENTS(index->by_role); i++)
        g_array_unref(index->by_role[i]);
    g_free(index);
}

static void add_name(struct key_index *index, enum role role, const char *name, guint position)
{
    GArray *positions = g_hash_table_lookup(index->by_name, &(struct name_id){role, (char *)name});
    if (positions == NULL) {
        struct name_id *id = g_new(struct name_id, 1);
        *id = (struct name_id){role, g_strdup(name)};
        positions = positions_new();
        g_hash_table_insert(index->by_name, id, positions);
    }
    g_array_append_val(positions, position);
}

static void add_recipient(struct key_index *index, const struct recipient_id *id, guint position)
{
    GArray *positions = g_hash_table_lookup(index->by_recipient, id);
    if (positions == NULL) {
        positions = positions_new();
        g_hash_table_insert(index->by_recipient, g_memdup2(id, sizeof(*id)), positions);
    }
    g_array_append_val(positions, position);
}

void key_index_add(struct key_index *index, const struct identity *identity, guint position)
{
    enum role role = identity->conf->role;
    const X509 *certificate = identity->certificate;
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(identity->certificate);
    if (role != ROLE_MAILBOX)
        add_name(index, role, identity->conf->domain, position);
    else if (identity_signs(identity))
        for (char **address = identity->conf->addresses; *address != NULL; address++)
            add_name(index, role, *address, position);
    g_array_append_val(index->by_role[role], position);
    if (!identity_decrypts(identity))
        return;
    struct recipient_id by_issuer = {.issuer = X509_get_issuer_name(certificate),
                                     .serial = X509_get0_serialNumber(certificate)};
    add_recipient(index, &by_issuer, position);
    if (key_id != NULL)
        add_recipient(index, &(struct recipient_id){.key_id = key_id}, position);
}

const GArray *key_index_named(const struct key_index *index, enum role role, const char *name)
{
    return g_hash_table_lookup(index->by_name, &(struct name_id){role, (char *)name});
}

const GArray *key_index_role(const struct key_index *index, enum role role)
{
    return index->by_role[role];
}

const GArray *key_index_recipient(const struct key_index *index, const struct recipient_id *id)
{
    return g_hash_table_lookup(index->by_recipient, id);
}
