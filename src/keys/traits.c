/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traits: what is known of our keys. Where a key was made and whether others have a copy shows nowhere, so the
 * configuration declares both, except that a key on a token is seen to be there. What a key is for shows in its
 * certificate, and in the other certificates of the same key.
 */
#include "keys/keys.h"

#include "conf/token_uri.h"
#include "keys/profile.h"

#include <openssl/evp.h>

static enum key_origin origin_of_key(const struct identity_conf *conf)
{
    return conf->origin == NULL && token_uri_is(conf->key) ? ORIGIN_TOKEN : key_origin_of(conf->origin);
}

/* Of the public key alone: a key may have certificates that name its algorithm in different ways. NULL: not known. */
static char *key_name(const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (certificate == NULL || X509_pubkey_digest(certificate, EVP_sha256(), digest, &length) != 1)
        return NULL;
    return g_base64_encode(digest, length);
}

static bool is_encrypted_to(const struct identity_conf *conf, const struct certificate_profile *profile)
{
    return conf->role == ROLE_DOMAIN_CONFIDENTIALITY || profile->encrypts;
}

void key_traits_read(const struct conf *conf, X509 *const *certificates, struct key_traits *traits)
{
    g_autoptr(GHashTable) encrypted_to = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < conf->identity_count; i++) {
        owned(certificate_profile) struct certificate_profile profile = {0};
        traits[i] = (struct key_traits){origin_of_key(&conf->identities[i]), conf->identities[i].escrowed, true, false};
        if (certificates[i] == NULL)
            continue;
        certificate_profile_read(certificates[i], &profile);
        traits[i].dual_use = profile.signs;
        traits[i].content_commitment = profile.content_commitment;
        char *name = is_encrypted_to(&conf->identities[i], &profile) ? key_name(certificates[i]) : NULL;
        if (name != NULL)
            g_hash_table_add(encrypted_to, name);
    }
    for (size_t i = 0; i < conf->identity_count; i++) {
        g_autofree char *name = key_name(certificates[i]);
        traits[i].dual_use = traits[i].dual_use && (name == NULL || g_hash_table_contains(encrypted_to, name));
    }
}

char *key_traits_text(const struct key_traits *traits)
{
    static const char *const escrow[] = {
        [STATED_NOTHING] = NULL, [STATED_FALSE] = "not escrowed", [STATED_TRUE] = "escrowed"};
    const char *const words[] = {key_origin_name(traits->origin), escrow[traits->escrowed],
                                 traits->dual_use ? "dual use" : NULL,
                                 traits->content_commitment ? "content commitment" : NULL};
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (words[i] != NULL)
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", words[i]);
    return g_strdup(text->str);
}
