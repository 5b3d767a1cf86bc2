/* SPDX-License-Identifier: Apache-2.0 */
/* Identities of mailboxes and groups: which one signs for an address, and which ones decrypt. */
#include "keys/key_store.h"
#include "support/home.h"

#include <criterion/criterion.h>
#include <dlfcn.h>

#define DAY 86400

static const struct identity *find(const struct keys *keys, const char *text, time_t at, struct error *error)
{
    struct address address;
    *error = (struct error){0};
    cr_assert(address_parse(slice_of(text), &address, error), "%s", error->text);
    const struct identity *found = keys_find_mailbox(keys, &address, at, error);
    size_t current = 9;
    g_autofree const struct identity **list = keys_list_mailbox(keys, &address, at, &current);
    cr_expect(found != NULL ? current > 0 && list[0] == found : current == 0, "the same is the first of all: %s", text);
    address_clear(&address);
    return found;
}

static struct pki *valid(int from_day, int to_day)
{
    time_t now = time(NULL);
    return pki_issue(&(struct pki_spec){
        .subject = PKI_LIST("CN=x"), .not_before = now + from_day * DAY, .not_after = now + to_day * DAY});
}

Test(mailboxes, the_most_specific_valid_and_newest_signs)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *older = valid(-20, 10), *newer = valid(-5, 20), *wide = valid(-30, 30), *late = valid(2, 40);
    home_add_mailbox(home, PKI_LIST("alice@acme.test"), older, NULL);
    home_add_mailbox(home, PKI_LIST("bob@acme.test", "alice@acme.test"), newer, NULL);
    home_add_mailbox(home, PKI_LIST("*@acme.test", "edi@trading.acme.test"), wide, NULL);
    home_add_mailbox(home, PKI_LIST("carol@partner.test"), late, NULL);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", wide, wide);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    static const struct {
        const char *address;
        int day, index; /* -1: none */
        enum error_kind kind;
        const char *says;
    } rows[] = {
        {"alice@acme.test", 0, 1, ERROR_NONE, NULL},
        {"Alice@ACME.test", 0, 1, ERROR_NONE, NULL},
        {"\"alice\"@acme.test", 0, 1, ERROR_NONE, NULL},
        {"alice@acme.test", -7, 0, ERROR_NONE, NULL},
        {"alice@acme.test", 25, 2, ERROR_NONE, NULL}, /* the pattern serves where the mailbox's own has expired */
        {"alice@acme.test", 35, -1, ERROR_CONFIGURATION, "the mailbox for bob@acme.test"},
        {"bob@acme.test", 0, 1, ERROR_NONE, NULL},
        {"alice+news@acme.test", 0, 2, ERROR_NONE, NULL},
        {"anyone@acme.test", 0, 2, ERROR_NONE, NULL},
        {"anyone@sub.acme.test", 0, -1, ERROR_PERMANENT, "no identity signs for anyone@sub.acme.test"},
        {"edi@trading.acme.test", 0, 2, ERROR_NONE, NULL},
        {"alice@trading.acme.test", 0, -1, ERROR_PERMANENT, "no identity signs"},
        {"carol@partner.test", 0, -1, ERROR_CONFIGURATION, "is not yet valid"},
        {"carol@partner.test", 3, 3, ERROR_NONE, NULL},
        {"carol@partner.test", 50, -1, ERROR_CONFIGURATION, "has expired"},
        {"", 0, -1, ERROR_PERMANENT, "no identity signs"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        const struct identity *found = find(keys, rows[i].address, now + rows[i].day * DAY, &error);
        cr_expect_eq(found, rows[i].index < 0 ? NULL : keys_at(keys, (size_t)rows[i].index), "row %zu: %s", i,
                     error.text);
        cr_expect_eq(error.kind, rows[i].kind, "row %zu: %s", i, error.text);
        cr_expect(rows[i].says == NULL || strstr(error.text, rows[i].says) != NULL, "row %zu: %s", i, error.text);
    }
    home_free(home);
}

/* What its key and certificate can do: all that can decrypt do. */
Test(mailboxes, what_they_are_for)
{
    static const struct {
        enum pki_key key;
        const char *usage; /* of the certificate; NULL: absent */
        bool signs, decrypts;
    } rows[] = {
        {PKI_RSA, "", true, true},
        {PKI_RSA, "digitalSignature,keyEncipherment", true, true},
        {PKI_RSA, "digitalSignature", true, true},
        {PKI_RSA, "nonRepudiation", true, true},
        {PKI_RSA, "keyEncipherment", false, true},
        {PKI_RSA_1024, "", false, true}, /* weak: it can still read old mail */
        {PKI_EC, "digitalSignature", true, true},
        {PKI_EC, "keyAgreement", false, true},
        {PKI_ED25519, "digitalSignature", true, false},
        {PKI_X25519, "", false, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct home *home = home_new();
        PKI_AUTO struct pki *ca = pki_ca("root");
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST("CN=x"), .key = rows[i].key, .key_usage = rows[i].usage});
        home_add_mailbox(home, PKI_LIST("alice@acme.test"), pki, NULL);
        owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
        cr_assert_not_null(keys, "row %zu", i);
        struct error error = {0};
        struct recipient_id id = {.issuer = X509_get_issuer_name(pki->cert),
                                  .serial = X509_get0_serialNumber(pki->cert)};
        g_autofree const struct identity **opens = keys_by_recipients(keys, &id, 1);
        cr_expect_eq(find(keys, "alice@acme.test", time(NULL), &error) != NULL, rows[i].signs, "row %zu", i);
        cr_expect_eq(opens[0] != NULL, rows[i].decrypts, "row %zu", i);
        cr_expect_eq(home_has_fault(home, "it can decrypt, but partners will not encrypt to it"),
                     rows[i].key == PKI_RSA_1024);
        home_free(home);
    }
}

/* --- a thousand: counted, not timed --- */

#define MANY 1000
static unsigned comparisons;
static const struct pki *shared;

int ASN1_TIME_cmp_time_t(const ASN1_TIME *time, time_t at)
{
    int (*real)(const ASN1_TIME *, time_t) = (int (*)(const ASN1_TIME *, time_t))dlsym(RTLD_NEXT, __func__);
    comparisons++;
    return real(time, at);
}

static EVP_PKEY *load(void *state, const char *location, const char *passphrase, struct error *error)
{
    (void)state;
    (void)location;
    (void)passphrase;
    (void)error;
    return EVP_PKEY_up_ref(shared->key) ? shared->key : NULL;
}

static const struct key_store_type memory_type = {.scheme = "memory", .load = load};
static const struct key_store_type *const memory_only[] = {&memory_type, NULL};

Test(mailboxes, a_thousand_are_found_without_a_walk)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *one = valid(-1, 1);
    struct error error = {0};
    shared = one;
    for (size_t i = 0; i < MANY; i++) {
        g_autofree char *address = g_strdup_printf("user%zu@acme.test", i);
        home_add_mailbox(home, PKI_LIST(address), one, "memory:x");
    }
    owned(keys) struct keys *keys = keys_open_with(&home->conf, memory_only, home->faults);
    cr_assert_not_null(keys);
    comparisons = 0;
    for (size_t i = 0; i < MANY; i++) {
        g_autofree char *address = g_strdup_printf("User%zu@acme.test", i);
        cr_expect_eq(find(keys, address, time(NULL), &error), keys_at(keys, i));
    }
    cr_expect_leq(comparisons, 4u * MANY, "%u", comparisons); /* found, and listed */
    cr_expect_null(find(keys, "nobody@acme.test", time(NULL), &error));
    home_free(home);
}
