/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_store.h"

#include "support/home.h"
#include "support/scripted_keys.h"

#include <criterion/criterion.h>

static EVP_PKEY *bare_load(void *state, const char *location, const char *passphrase, struct error *error)
{
    (void)passphrase;
    (void)location;
    (void)error;
    cr_expect_null(state);
    cr_assert(EVP_PKEY_up_ref(scripted_keys.key));
    return scripted_keys.key;
}

static char **bare_list(void *state, const char *location, struct error *error)
{
    (void)state;
    (void)location;
    error_set(error, ERROR_TEMPORARY, "cannot list");
    return NULL;
}

/* The smallest: neither state nor a way to expose a key. */
static const struct key_store_type bare_type = {.scheme = "bare", .load = bare_load, .list = bare_list};
static const struct key_store_type *const types[] = {&scripted_keys_type, &key_store_file, NULL};

Test(key_store, an_unknown_scheme_is_a_fault_of_the_configuration)
{
    static const char *const uris[] = {"pkcs11",  "pkcs12:x", "/etc/domsec/dsa.key", "", "http://acme.test/key",
                                       "filed:x", "file"};
    for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
        struct error error = {0};
        g_autofree char *expected = g_strdup_printf(
            "key \"%s\": not a URI of a supported key store; supported: \"file:\", \"pkcs11:\"", uris[i]);
        cr_expect_null(keys_load(uris[i], &error));
        cr_expect_eq(error.kind, ERROR_CONFIGURATION);
        cr_expect_str_eq(error.text, expected);
    }
    struct error error = {0};
    owned(key_stores) struct key_stores *stores = key_stores_new(types, NULL, NULL);
    cr_expect_null(key_stores_load(stores, "pkcs12:x", NULL, NULL, &error));
    cr_expect(g_str_has_suffix(error.text, "supported: \"scripted:\", \"file:\", \"pkcs11:\""), "%s", error.text);
}

Test(key_store, is_opened_once_and_closed)
{
    PKI_AUTO struct pki *ec = pki_ca("ec");
    struct conf conf = {0};
    struct error error = {0};
    scripted_keys = (struct scripted_keys){.key = ec->key};
    struct key_stores *stores = key_stores_new(types, &conf, NULL);
    cr_expect_eq(scripted_keys.opened, 0u, "not before it is needed");
    for (size_t i = 0; i < 3; i++) {
        owned(EVP_PKEY) EVP_PKEY *key = key_stores_load(stores, "Scripted:token=a:b", NULL, NULL, &error);
        cr_expect_eq(key, ec->key);
        cr_expect_str_eq(scripted_keys.location, "token=a:b");
    }
    cr_expect_eq(scripted_keys.opened, 1u);
    cr_expect_eq(scripted_keys.conf, &conf);
    cr_expect_eq(scripted_keys.closed, 0u);
    key_stores_free(stores);
    cr_expect_eq(scripted_keys.closed, 1u);
    key_stores_free(key_stores_new(types, &conf, NULL));
    cr_expect_eq(scripted_keys.closed, 1u, "one that was never opened is not closed");
    key_stores_free(NULL);
}

Test(key_store, one_that_does_not_open_is_asked_once)
{
    scripted_keys = (struct scripted_keys){.at_open = ERROR_TEMPORARY};
    struct key_stores *stores = key_stores_new(types, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct error error = {0};
        cr_expect_null(key_stores_load(stores, "scripted:a", NULL, NULL, &error));
        cr_expect_eq(error.kind, ERROR_TEMPORARY);
        cr_expect_str_eq(error.text, "no session");
    }
    key_stores_free(stores);
    cr_expect_eq(scripted_keys.opened, 1u);
    cr_expect_eq(scripted_keys.loads, 0u);
    cr_expect_eq(scripted_keys.closed, 0u);
}

Test(key_store, says_which_keys_are_there)
{
    static const char *const some[] = {"token/a", "token/b", "other/c", NULL}, *const none[] = {NULL};
    const struct {
        enum error_kind kind;
        const char *location;
        const char *const *there;
        const char *text;
    } rows[] = {
        {ERROR_CONFIGURATION, "token/x", some, "no key token/x; the other keys there are a, b, other/c"},
        {ERROR_CONFIGURATION, "x", some, "no key x; the other keys there are token/a, token/b, other/c"},
        {ERROR_CONFIGURATION, "token/x", none, "no key token/x"},
        {ERROR_CONFIGURATION, "token/x", NULL, "no key token/x"},
        {ERROR_CONFIGURATION, "token/a", some, "no key token/a"},
        {ERROR_TEMPORARY, "token/x", some, "no key token/x"},
    };
    owned(key_stores) struct key_stores *stores = key_stores_new(types, NULL, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        g_autofree char *uri = g_strconcat("scripted:", rows[i].location, NULL);
        scripted_keys =
            (struct scripted_keys){.opened = scripted_keys.opened, .at_load = rows[i].kind, .there = rows[i].there};
        cr_expect_null(key_stores_load(stores, uri, NULL, NULL, &error));
        cr_expect_eq(error.kind, rows[i].kind, "row %zu", i);
        cr_expect_str_eq(error.text, rows[i].text, "row %zu", i);
    }
}

Test(key_store, identities_come_from_any_store)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *dsa = pki_role(ca, "domain-signing-authority", "acme.test");
    home_add_uri(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, "scripted:dsa");
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, dsa);

    scripted_keys = (struct scripted_keys){.key = dsa->key};
    struct keys *keys = keys_open_with(&home->conf, types, home->faults);
    cr_assert_not_null(keys);
    cr_expect_eq(keys_at(keys, 0)->key, dsa->key);
    cr_expect_eq(faults_count(home->faults), 0);
    cr_expect_eq(scripted_keys.closed, 0u, "open as long as its keys are used");
    keys_close(keys);
    cr_expect_eq(scripted_keys.closed, 1u);
    home_free(home);
}

Test(key_store, a_store_need_not_have_a_state)
{
    PKI_AUTO struct pki *ec = pki_ca("ec");
    const struct key_store_type *const bare[] = {&bare_type, NULL};
    struct error error = {0};
    scripted_keys = (struct scripted_keys){.key = ec->key};
    owned(key_stores) struct key_stores *stores = key_stores_new(bare, NULL, NULL);
    owned(EVP_PKEY) EVP_PKEY *key = key_stores_load(stores, "bare:x", NULL, NULL, &error);
    cr_expect_eq(key, ec->key);
}

/* Whether an administrator has to act, or may just wait. */
Test(key_store, a_fault_says_whether_it_may_pass)
{
    static const struct {
        enum error_kind at_open, at_load;
        bool temporary;
    } rows[] = {
        {ERROR_TEMPORARY, ERROR_NONE, true},
        {ERROR_NONE, ERROR_TEMPORARY, true},
        {ERROR_CONFIGURATION, ERROR_NONE, false},
        {ERROR_NONE, ERROR_CONFIGURATION, false},
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *dsa = pki_role(ca, "domain-signing-authority", "acme.test");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct home *home = home_new();
        home_add_uri(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, "scripted:dsa");

        scripted_keys = (struct scripted_keys){.at_open = rows[i].at_open, .at_load = rows[i].at_load};
        cr_expect_null(keys_open_with(&home->conf, types, home->faults));
        cr_expect_eq(faults_errors(home->faults), 1);
        cr_expect_eq(home_has_fault(home, "(temporary: trying again may help)"), rows[i].temporary, "row %zu", i);
        home_free(home);
    }
}
