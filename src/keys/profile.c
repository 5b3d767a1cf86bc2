/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: reads what a certificate claims to be. The reserved policies of the S/MIME Baseline Requirements are
 * 2.23.140.1.5.TYPE.GENERATION; a certificate has exactly one of them (§7.1.6.1), so one with several claims none.
 */
#include "keys/profile.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define RESERVED "2.23.140.1.5."

static const char *const types[] = {"mailbox", "organization", "sponsor", "individual"};
static const char *const generations[] = {"legacy", "multipurpose", "strict"};

static bool read_reserved(const char *oid, size_t *type, size_t *generation)
{
    if (!text_begins_with(oid, RESERVED))
        return false;
    const char *arcs = oid + strlen(RESERVED);
    if (strlen(arcs) != 3 || arcs[1] != '.')
        return false;
    *type = (size_t)(arcs[0] - '1');
    *generation = (size_t)(arcs[2] - '1');
    return *type < G_N_ELEMENTS(types) && *generation < G_N_ELEMENTS(generations);
}

static void read_policies(const X509 *certificate, struct certificate_profile *profile)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    unsigned reserved = 0;
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(certificate, NID_certificate_policies, NULL, NULL);
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        size_t type = 0, generation = 0;
        int length = OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(policies, i)->policyid, 1);
        if (length <= 0 || (size_t)length >= sizeof(oid))
            continue;
        g_ptr_array_add(list, g_strdup(oid));
        if (!read_reserved(oid, &type, &generation))
            continue;
        reserved++;
        profile->type = types[type];
        profile->generation = generations[generation];
    }
    CERTIFICATEPOLICIES_free(policies);
    ERR_clear_error();
    if (reserved != 1)
        profile->type = profile->generation = NULL;
    g_ptr_array_add(list, NULL);
    profile->policies = (char **)g_ptr_array_free(steal(&list), FALSE);
}

void certificate_profile_read(const X509 *certificate, struct certificate_profile *profile)
{
    /* OpenSSL fills its cache of extensions at the first query, so its prototype has no const. */
    uint32_t usage = X509_get_key_usage((X509 *)certificate); /* all bits set without the extension */
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    bool is_rsa = key != NULL && EVP_PKEY_is_a(key, "RSA"), is_ec = key != NULL && EVP_PKEY_is_a(key, "EC");
    bool only_agrees = key != NULL && (EVP_PKEY_is_a(key, "X25519") || EVP_PKEY_is_a(key, "X448"));
    memset(profile, 0, sizeof(*profile));
    read_policies(certificate, profile);
    profile->signs = key != NULL && !only_agrees && (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
    profile->encrypts = (is_rsa && (usage & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)) != 0) ||
                        ((is_ec || only_agrees) && (usage & KU_KEY_AGREEMENT) != 0);
    profile->content_commitment = usage != UINT32_MAX && (usage & KU_NON_REPUDIATION) != 0;
}

void certificate_profile_clear(struct certificate_profile *profile)
{
    g_strfreev(profile->policies);
    memset(profile, 0, sizeof(*profile));
}

/* --- kinds of keys --- */

static const struct {
    const char *kind, *algorithm;
    const char *group; /* of an EC key, as OpenSSL calls it */
} kinds[] = {{"p-256", "EC", "prime256v1"}, {"p-384", "EC", "secp384r1"}, {"p-521", "EC", "secp521r1"},
             {"ed25519", "ED25519", NULL},  {"ed448", "ED448", NULL},     {"x25519", "X25519", NULL},
             {"x448", "X448", NULL}};

#define RSA_KIND "rsa-"

static bool is_of(const EVP_PKEY *key, size_t kind)
{
    char group[64] = "";
    if (!EVP_PKEY_is_a(key, kinds[kind].algorithm))
        return false;
    if (kinds[kind].group == NULL)
        return true;
    return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           OBJ_txt2nid(group) == OBJ_txt2nid(kinds[kind].group);
}

char *key_kind(const EVP_PKEY *key)
{
    if (key == NULL)
        return g_strdup("other");
    if (EVP_PKEY_is_a(key, "RSA"))
        return g_strdup_printf(RSA_KIND "%d", EVP_PKEY_get_bits(key));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (is_of(key, i))
            return g_strdup(kinds[i].kind);
    return g_strdup("other");
}

/* 0: it is not "rsa-" and a number of bits that keys may have. */
static guint64 rsa_bits(const char *kind)
{
    guint64 bits = 0;
    if (!text_begins_with(kind, RSA_KIND) ||
        !g_ascii_string_to_unsigned(kind + strlen(RSA_KIND), 10, 1024, 16384, &bits, NULL))
        return 0;
    return bits;
}

bool key_kind_fits(const EVP_PKEY *key, const char *kind)
{
    guint64 bits = rsa_bits(kind);
    if (key == NULL)
        return false;
    if (bits > 0)
        return EVP_PKEY_is_a(key, "RSA") && (guint64)EVP_PKEY_get_bits(key) >= bits;
    g_autofree char *own = key_kind(key);
    return strcmp(own, kind) == 0 && strcmp(own, "other") != 0;
}
