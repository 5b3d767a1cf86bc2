/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to try our keys on a message, and what stays if the budget ends between them. */
#include "support/craft.h"

/* What is spent on the keys, beside what is spent in any case. */
static uint64_t price_of(const struct craft_part *part, const struct keys *keys)
{
    uint64_t spent[2];
    for (size_t i = 0; i < G_N_ELEMENTS(spent); i++) {
        struct budget budget = {.limit = UINT64_MAX};
        struct error error = {0};
        CRAFT_LAYER layer;
        const struct open_options options = {.limits = &craft_limits, .keys = i == 0 ? keys : NULL, .budget = &budget};
        cr_assert_eq(smime_open(part->part, &options, &layer, &error), i == 0 ? OPENED : OPENED_NO_KEY, "%s",
                     error.text);
        spent[i] = budget.spent;
    }
    return spent[0] - spent[1];
}

static struct craft_part message_of(size_t length, enum cipher cipher, X509 *const *recipients, size_t count)
{
    struct encrypt_options options = {.cipher = cipher, .limits = &craft_limits};
    g_autofree char *body = g_strnfill(length, 'x');
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(recipients, count, &options, &content, &out, &error), "%s", error.text);
    return craft_part_of_entity(&out);
}

Test(decrypt_costs, what_is_decrypted_and_compared_is_paid_for)
{
    enum { SMALL = 100, LARGE = 8000000 };
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    PKI_AUTO struct pki *ours = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_EC);
    PKI_AUTO struct pki *other = pki_person(root, "eve@elsewhere.test");
    CRAFT_KEYS keys;
    craft_keys_open(&keys, (const struct pki *const[]){ours, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
    X509 *const recipients[] = {ours->cert, other->cert};
    CRAFT_PART small = message_of(SMALL, CIPHER_AES_256_GCM, recipients, 1);
    CRAFT_PART large = message_of(LARGE, CIPHER_AES_256_GCM, recipients, 1);
    CRAFT_PART to_both = message_of(SMALL, CIPHER_AES_256_GCM, recipients, 2);
    uint64_t price = price_of(&small, keys.keys);
    cr_expect_eq(price_of(&large, keys.keys) - price, (uint64_t)(LARGE - SMALL) * COST_DECODED);
    cr_expect_eq(price_of(&to_both, keys.keys) - price, 300u);
}

/* What the budget allows to the last is done, and what one key has made stays if there is no more for the next. */
Test(decrypt_costs, a_budget_that_ends_behind_a_key)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    struct pki *list[2];
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
        list[i] = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_EC);
    for (unsigned i = 0; i < 4; i++) {
        bool is_broken = i & 1, for_both = i & 2;
        CRAFT_KEYS keys;
        craft_keys_open(&keys, (const struct pki *const[]){list[0], for_both ? list[1] : NULL, NULL},
                        ROLE_DOMAIN_CONFIDENTIALITY);
        CRAFT_PART sent = message_of(100, CIPHER_AES_128_CBC, (X509 *const[]){list[0]->cert, list[1]->cert}, 2);
        GByteArray *der = craft_der(sent.part);
        der->data[der->len - 17] ^= is_broken ? 0x80 : 0;
        CRAFT_PART part = craft_part_of_der(der->data, der->len);
        g_byte_array_unref(der);
        struct budget budget = {.limit = UINT64_MAX};
        struct open_options options = {.limits = &craft_limits, .keys = keys.keys, .budget = &budget};
        struct error error = {0};
        CRAFT_LAYER whole, layer;
        smime_open(part.part, &options, &whole, &error);
        budget = (struct budget){.limit = for_both ? budget.spent - 1 : budget.spent};
        error = (struct error){0};
        enum opened opened = smime_open(part.part, &options, &layer, &error);
        cr_expect(budget_is_spent(&budget), "%u", i);
        cr_expect_eq(opened, is_broken ? OPENED_BROKEN : OPENED, "%u: %s", i, error.text);
        cr_expect_eq(layer.facts.attempted, 1u, "%u", i);
        if (is_broken)
            cr_expect_str_eq(error.text, SMIME_CANNOT_DECRYPT, "%u", i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
        pki_free(list[i]);
}
