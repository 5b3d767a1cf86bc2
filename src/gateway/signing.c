/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signing: our signatures, as programs and people read of them.
 */
#include "gateway/signing.h"

void key_traits_json(const struct key_traits *traits, json_t *object)
{
    const char *origin = key_origin_name(traits->origin);
    bool is_known = traits->escrowed != STATED_NOTHING;
    json_object_set_new(object, "origin", origin != NULL ? json_string(origin) : json_null());
    json_object_set_new(object, "escrowed", is_known ? json_boolean(traits->escrowed == STATED_TRUE) : json_null());
    json_object_set_new(object, "dual_use", json_boolean(traits->dual_use));
    json_object_set_new(object, "content_commitment", json_boolean(traits->content_commitment));
}

json_t *passage_signers_json(const struct passage *passage, const struct treatment *treatment,
                             const struct wrapping *wrapping)
{
    enum own signers[OWN_COUNT];
    size_t count = policy_signers(treatment, wrapping, signers);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct identity *identity = lookups_own(&passage->lookups, wrapping, signers[i]);
        if (identity == NULL)
            continue;
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(identity_owner(identity->conf)));
        json_object_set_new(object, "role", json_string(role_name(identity->conf->role)));
        json_object_set_new(object, "sha256", json_string(identity->sha256));
        key_traits_json(&identity->traits, object);
        json_array_append_new(list, object);
    }
    return list;
}

char *passage_signers_text(const struct passage *passage, const struct treatment *treatment,
                           const struct wrapping *wrapping)
{
    enum own signers[OWN_COUNT];
    size_t count = policy_signers(treatment, wrapping, signers);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        const struct identity *identity = lookups_own(&passage->lookups, wrapping, signers[i]);
        if (identity == NULL)
            continue;
        g_autofree char *traits = key_traits_text(&identity->traits);
        g_string_append_printf(text, "%s%s (%s%s%s)", text->len > 0 ? ", then " : "", identity_owner(identity->conf),
                               role_name(identity->conf->role), *traits != '\0' ? "; " : "", traits);
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}
