/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_store.h"
#include "support/home.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <sys/stat.h>

#define DAY 86400

/* What is counted where a stop-watch would lie: comparisons of certificates' names, numbers and times. */
static unsigned comparisons, time_comparisons;

#define COUNTED(counter, name, type_a, type_b)                                                                         \
    int name(type_a a, type_b b)                                                                                       \
    {                                                                                                                  \
        int (*real)(type_a, type_b) = (int (*)(type_a, type_b))dlsym(RTLD_NEXT, #name);                                \
        counter++;                                                                                                     \
        return real(a, b);                                                                                             \
    }
COUNTED(comparisons, X509_NAME_cmp, const X509_NAME *, const X509_NAME *)
COUNTED(comparisons, ASN1_INTEGER_cmp, const ASN1_INTEGER *, const ASN1_INTEGER *)
COUNTED(comparisons, ASN1_OCTET_STRING_cmp, const ASN1_OCTET_STRING *, const ASN1_OCTET_STRING *)
COUNTED(time_comparisons, ASN1_TIME_cmp_time_t, const ASN1_TIME *, time_t)

Test(keys, opens_identities)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *dsa = pki_role(ca, "domain-signing-authority", "acme.test");
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, dsa);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys, "%s", faults_at(home->faults, 0));
    cr_expect_eq(faults_count(home->faults), 0);
    cr_assert_eq(keys_count(keys), 1);
    cr_expect_null(keys_at(keys, 1));
    char hex[65];
    certificate_fingerprint(dsa->cert, hex);
    cr_expect_str_eq(keys_at(keys, 0)->sha256, hex);
    cr_expect_eq(strlen(hex), 64);
    cr_expect_eq(sk_X509_num(keys_at(keys, 0)->chain), 0);
    home_free(home);
}

static struct pki *for_usage(const char *usage, EVP_PKEY *key)
{
    return pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=x"), .key_usage = usage, .key = PKI_RSA, .use_key = key});
}

/* What is seen of a certificate, and of the other identities with the same key; and what is declared. */
Test(keys, traits)
{
    static const struct {
        const char *usage;
        enum role role;
        int same_key; /* as that row's; -1: one of its own */
        const char *origin;
        enum stated escrowed;
        const char *traits;
    } rows[] = {
        {"digitalSignature", ROLE_DOMAIN_SIGNING, -1, NULL, STATED_NOTHING, ""},
        {"digitalSignature,nonRepudiation", ROLE_DOMAIN_SIGNING, -1, "ca", STATED_TRUE,
         "ca, escrowed, content commitment"},
        {"nonRepudiation", ROLE_DOMAIN_SIGNING, -1, "gateway", STATED_FALSE,
         "gateway, not escrowed, content commitment"},
        {"digitalSignature,keyEncipherment", ROLE_DOMAIN_SIGNING, -1, "os", STATED_NOTHING, "os, dual use"},
        {"", ROLE_DOMAIN_SIGNING, -1, NULL, STATED_NOTHING, "dual use"},
        {"digitalSignature", ROLE_DOMAIN_SIGNING, -1, NULL, STATED_NOTHING, "dual use"},         /* with the next one */
        {"keyEncipherment", ROLE_DOMAIN_CONFIDENTIALITY, 5, NULL, STATED_NOTHING, ""},           /* signs nothing */
        {"digitalSignature", ROLE_REVIEW, -1, NULL, STATED_NOTHING, ""},                         /* with the next one */
        {"digitalSignature", ROLE_ATTRIBUTE, 7, NULL, STATED_NOTHING, ""},                       /* which signs, too */
        {"digitalSignature", ROLE_DOMAIN_CONFIDENTIALITY, -1, NULL, STATED_NOTHING, "dual use"}, /* by its role */
    };
    struct home *home = home_new();
    struct pki *all[G_N_ELEMENTS(rows)];
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        EVP_PKEY *key = rows[i].same_key >= 0 ? all[rows[i].same_key]->key : pki_new_key(PKI_RSA, 10 + (unsigned)i);
        all[i] = for_usage(rows[i].usage, key);
        if (rows[i].same_key < 0)
            EVP_PKEY_free(key);
        home_add(home, rows[i].role, "acme.test", all[i], all[i]);
        home->identities[i].origin = g_strdup(rows[i].origin);
        home->identities[i].escrowed = rows[i].escrowed;
    }
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys, "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = key_traits_text(&keys_at(keys, i)->traits);
        cr_expect_str_eq(text, rows[i].traits, "row %zu: %s", i, text);
        pki_free(all[i]);
        g_free(home->identities[i].origin);
    }
    home_free(home);
}

Test(keys, finds_by_role_domain_and_time)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *older = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=older"), .not_before = now - 20 * DAY, .not_after = now + 10 * DAY});
    PKI_AUTO struct pki *newer = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=newer"), .not_before = now - 5 * DAY, .not_after = now + 20 * DAY});
    PKI_AUTO struct pki *below = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=below"), .not_before = now - 30 * DAY, .not_after = now + 1 * DAY});
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", older, older);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", newer, newer);
    home_add(home, ROLE_DOMAIN_SIGNING, "sales.acme.test", below, below);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    const struct {
        enum role role;
        const char *domain;
        int day;
        int index; /* -1: none */
        const char *says;
    } rows[] = {
        {ROLE_DOMAIN_SIGNING, "acme.test", 0, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "acme.test", -7, 0, NULL},
        {ROLE_DOMAIN_SIGNING, "acme.test", 15, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "acme.test", 25, -1, "has expired"},
        {ROLE_DOMAIN_SIGNING, "acme.test", -25, -1, "not yet valid"},
        {ROLE_DOMAIN_SIGNING, "sales.acme.test", 0, 2, NULL},
        {ROLE_DOMAIN_SIGNING, "north.sales.acme.test", 0, 2, NULL},
        {ROLE_DOMAIN_SIGNING, "sales.acme.test", 2, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "dev.acme.test", 0, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "notacme.test", 0, -1, "no identity"},
        {ROLE_DOMAIN_SIGNING, "test", 0, -1, "no identity"},
        {ROLE_DOMAIN_SIGNING, NULL, 0, -1, "no identity"},
        {ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", 0, -1, "domain-confidentiality-authority"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        const struct identity *found = keys_find(keys, rows[i].role, rows[i].domain, now + rows[i].day * DAY, &error);
        const struct identity *expected = rows[i].index < 0 ? NULL : keys_at(keys, (size_t)rows[i].index);
        cr_expect_eq(found, expected, "row %zu: %s", i, error.text);
        size_t current = 9;
        g_autofree const struct identity **list =
            keys_list(keys, rows[i].role, rows[i].domain, now + rows[i].day * DAY, &current);
        cr_expect(found != NULL ? current > 0 && list[0] == found : current == 0, "row %zu: the first of all", i);
        if (found == NULL) {
            cr_expect_eq(error.kind, ERROR_CONFIGURATION);
            cr_expect_not_null(strstr(error.text, rows[i].says), "row %zu: %s", i, error.text);
        }
    }
    home_free(home);
}

/* Of several that are not valid, the most specific is told. */
Test(keys, tells_which_certificate_is_outdated)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_before = now - 2 * DAY, .not_after = now - DAY});
    PKI_AUTO struct pki *early = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=new"), .not_before = now + DAY, .not_after = now + 2 * DAY});
    home_add(home, ROLE_REVIEW, "sales.acme.test", old, old);
    home_add(home, ROLE_REVIEW, "acme.test", early, early);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    struct error error = {0};
    cr_expect_null(keys_find(keys, ROLE_REVIEW, "north.sales.acme.test", now, &error));
    cr_expect_not_null(strstr(error.text, "for sales.acme.test"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, "has expired"), "%s", error.text);
    cr_expect_null(keys_find(keys, ROLE_REVIEW, "dev.acme.test", now, &error));
    cr_expect_not_null(strstr(error.text, "is not yet valid"), "%s", error.text);
    cr_expect_eq(keys_find(keys, ROLE_REVIEW, "sales.acme.test", now + DAY + 1, &error), keys_at(keys, 1),
                 "a valid one above serves");
    home_free(home);
}

/* Four side by side: each has its own dates. */
static void add_with_dates(struct home *home, enum role role, const struct pki *pki, time_t from, time_t until)
{
    home_add(home, role, "acme.test", pki, pki);
    home->identities[home->conf.identity_count - 1].from = from;
    home->identities[home->conf.identity_count - 1].until = until;
}

Test(keys, from_and_until)
{
    struct home *home = home_new();
    time_t now = time(NULL), begins = now + 10 * DAY, ends = now + 20 * DAY;
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=a"), .not_before = now - 5 * DAY, .not_after = now + 90 * DAY});
    PKI_AUTO struct pki *new = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=b"), .not_before = now - 5 * DAY, .not_after = now + 90 * DAY});
    add_with_dates(home, ROLE_DOMAIN_SIGNING, old, 0, ends);
    add_with_dates(home, ROLE_DOMAIN_SIGNING, new, begins, 0);
    add_with_dates(home, ROLE_REVIEW, old, begins, ends);
    add_with_dates(home, ROLE_DOMAIN_CONFIDENTIALITY, new, begins, 0);
    add_with_dates(home, ROLE_DOMAIN_CONFIDENTIALITY, old, 0, ends);
    add_with_dates(home, ROLE_ATTRIBUTE, old, 0, 0);
    add_with_dates(home, ROLE_ATTRIBUTE, new, now - 30 * DAY, 0);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    const struct {
        enum role role;
        time_t at;
        int index; /* -1: none */
        const char *says;
    } rows[] = {
        {ROLE_DOMAIN_SIGNING, begins - 1, 0, NULL},
        {ROLE_DOMAIN_SIGNING, begins, 1, NULL}, /* it came into force later, although the certificates are of one age */
        {ROLE_DOMAIN_SIGNING, ends - 1, 1, NULL},
        {ROLE_DOMAIN_SIGNING, ends, 1, NULL},
        {ROLE_REVIEW, begins - 1, -1, " begins on "},
        {ROLE_REVIEW, begins, 2, NULL},
        {ROLE_REVIEW, ends - 1, 2, NULL},
        {ROLE_REVIEW, ends, -1, " ended on "},
        {ROLE_ATTRIBUTE, now, 6, NULL}, /* both came into force with their certificates */
        {ROLE_DOMAIN_CONFIDENTIALITY, begins - 1, 4, NULL},
        {ROLE_DOMAIN_CONFIDENTIALITY, begins, 3, NULL},
        {ROLE_DOMAIN_CONFIDENTIALITY, ends, 3, NULL},
        {ROLE_DOMAIN_CONFIDENTIALITY, now + 91 * DAY, -1, "has expired"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        const struct identity *found = keys_find(keys, rows[i].role, "acme.test", rows[i].at, &error);
        const struct identity *expected = rows[i].index < 0 ? NULL : keys_at(keys, (size_t)rows[i].index);
        cr_expect_eq(found, expected, "row %zu: %s", i, error.text);
        if (found == NULL)
            cr_expect_not_null(strstr(error.text, rows[i].says), "row %zu: %s", i, error.text);
        cr_expect_eq(keys_first(keys, rows[i].role, rows[i].at), expected, "row %zu", i);
    }
    home_free(home);
}

/* What check says of identities that stand side by side. */
Test(keys, coverage)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *long_lived = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=a"), .not_before = now - 5 * DAY, .not_after = now + 900 * DAY});
    PKI_AUTO struct pki *expired =
        pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=b"), .not_before = now - 5 * DAY, .not_after = now - DAY});
    PKI_AUTO struct pki *early = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=c"), .not_before = now + 5 * DAY, .not_after = now + 900 * DAY});
    const struct {
        struct {
            const struct pki *pki;
            int from, until; /* days; 0: not given */
        } list[3];
        const char *says; /* of the warning; NULL: no warning */
        bool ended;       /* and a note of the first that it can be removed */
    } rows[] = {
        {{{long_lived, 0, 0}}, NULL, false},
        {{{long_lived, -1, 9}}, NULL, false},
        {{{long_lived, 0, 9}, {long_lived, 9, 0}}, NULL, false},
        {{{long_lived, 9, 0}, {long_lived, 0, 10}}, NULL, false},
        {{{long_lived, 0, -3}, {long_lived, 0, 0}}, NULL, true},
        {{{expired, 0, 0}, {long_lived, 0, 0}}, NULL, false},
        {{{long_lived, 0, 5}, {early, 0, 0}}, NULL, false},
        {{{long_lived, 0, 9}, {long_lived, 10, 0}},
         "there is no identity of the review-authority for acme.test from ",
         false},
        {{{long_lived, 10, 0}, {long_lived, 0, 9}}, "let the dates or the certificates overlap", false},
        {{{long_lived, 0, 4}, {early, 0, 0}}, "let the dates or the certificates overlap", false},
        {{{long_lived, 9, 0}},
         "there is no identity of the review-authority for acme.test until this one begins on ",
         false},
        {{{long_lived, 0, -3}, {long_lived, 9, 0}}, "until this one begins on ", true},
        {{{long_lived, 0, -3}}, "the last identity of the review-authority for acme.test ended on ", true},
        {{{long_lived, 0, -3}, {expired, 0, 0}}, "the certificate has expired", true},
        {{{expired, 0, 0}}, "the certificate has expired; replace it", false},
        {{{expired, 0, 9}}, "the certificate has expired; replace it", false},
        {{{long_lived, 0, 20}, {long_lived, 5, 9}, {long_lived, 15, 0}}, NULL, false},
        {{{early, 0, 0}}, "the certificate is not yet valid; check the clock, or wait until ", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (size_t j = 0; j < 3 && rows[i].list[j].pki != NULL; j++)
            add_with_dates(home, ROLE_REVIEW, rows[i].list[j].pki,
                           rows[i].list[j].from != 0 ? now + rows[i].list[j].from * DAY : 0,
                           rows[i].list[j].until != 0 ? now + rows[i].list[j].until * DAY : 0);
        owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
        cr_assert_not_null(keys);
        cr_expect_eq(faults_count(home->faults), (rows[i].says != NULL) + rows[i].ended, "row %zu: %s", i,
                     faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "nothing");
        cr_expect(rows[i].says == NULL || home_has_fault(home, rows[i].says), "row %zu: %s", i, rows[i].says);
        cr_expect_eq(home_has_fault(home, "and can be removed"), rows[i].ended, "row %zu", i);
        home_free(home);
        home = home_new();
    }
    home_free(home);
}

/* A certificate that only signs does not stand in for one that only decrypts, and one for other mailboxes neither. */
Test(keys, coverage_of_mailboxes)
{
    static const char *const edi[] = {"edi@acme.test", "*@trading.acme.test", NULL}, *const alice[] = {
                                                                                         "alice@acme.test", NULL};
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *signs = pki_issue(&(struct pki_spec){.issuer = ca,
                                                              .subject = PKI_LIST("CN=s"),
                                                              .san = PKI_LIST("email:edi@acme.test"),
                                                              .key_usage = "digitalSignature"});
    PKI_AUTO struct pki *decrypts = pki_issue(&(struct pki_spec){.issuer = ca,
                                                                 .subject = PKI_LIST("CN=d"),
                                                                 .san = PKI_LIST("email:edi@acme.test"),
                                                                 .key_usage = "keyEncipherment",
                                                                 .key = PKI_RSA});
    home_add_mailbox(home, edi, signs, NULL);
    home_add_mailbox(home, edi, decrypts, NULL);
    home->identities[1].until = now - DAY;
    home_add_mailbox(home, alice, signs, NULL);
    home->identities[2].until = now - DAY;
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    cr_expect(home_has_fault(home, ":11: warning: the last identity of the mailbox for edi@acme.test"));
    cr_expect(home_has_fault(home, ":12: warning: the last identity of the mailbox for alice@acme.test"));
    cr_expect_eq(faults_count(home->faults), 4);
    home_free(home);
}

/* The key of an identity that has ended may be destroyed, and the row be forgotten. Until then it is a fault. */
Test(keys, without_the_key_of_an_ended_identity)
{
    time_t now = time(NULL);
    PKI_AUTO struct pki *dsa = pki_role(NULL, "domain-signing-authority", "acme.test");
    for (size_t i = 0; i < 4; i++) { /* ended or not, and which file is gone */
        struct home *home = home_new();
        bool ended = i % 2 == 0;
        home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, dsa);
        home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, dsa);
        home->identities[0].until = ended ? now - 1 : now + DAY;
        const char *key = home->identities[0].key + strlen("file:");
        cr_assert_eq(unlink(i < 2 ? key : home->identities[0].certificate), 0);
        owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
        cr_expect_eq(keys != NULL, ended, "row %zu", i);
        cr_expect_eq(home_has_fault(home, "this identity ended on "), ended, "row %zu", i);
        cr_expect_eq(faults_count(home->faults), 1, "row %zu", i);
        struct error error = {0};
        cr_expect(!ended || keys_find(keys, ROLE_DOMAIN_SIGNING, "acme.test", now, &error) == keys_at(keys, 0));
        home_free(home);
    }
}

/* Its time of change differs then, by a tick of the clock at least. */
static void let_read(const char *file)
{
    struct stat before, after;
    cr_assert_eq(stat(file, &before), 0);
    do {
        cr_assert_eq(chmod(file, 0640), 0);
        cr_assert_eq(stat(file, &after), 0);
    } while (memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) == 0);
}

/* The certificate of the second is not there yet, and its request is. */
Test(keys, awaited)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *dsa = pki_role(NULL, "domain-signing-authority", "acme.test");
    static const struct {
        enum role role;
        const char *domain;
        time_t from;
        const char *says;
        bool good;
    } rows[] = {
        {ROLE_DOMAIN_SIGNING, "acme.test", 0, "id1.pem is not there yet; when your CA has answered the request ", true},
        {ROLE_DOMAIN_SIGNING, "acme.test", 1, "warning: ", true},
        {ROLE_REVIEW, "acme.test", 0, "id1.pem does not exist; put the answer of your CA to ", false},
        {ROLE_DOMAIN_SIGNING, "sales.acme.test", 0, "id1.pem does not exist; put the answer of your CA to ", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, dsa);
        home_add(home, rows[i].role, rows[i].domain, dsa, dsa);
        home->identities[1].from = rows[i].from;
        cr_assert_eq(unlink(home->identities[1].certificate), 0);
        folder_write(home->folder, "id1.csr", "a request");
        owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
        cr_expect_eq(keys != NULL, rows[i].good, "row %zu", i);
        cr_expect(home_has_fault(home, rows[i].says), "row %zu: %s", i, faults_at(home->faults, 0));
        cr_expect_eq(faults_count(home->faults), 1);
        if (keys != NULL) {
            cr_expect_eq(keys_count(keys), 1);
            cr_expect_eq(keys_arrivals(keys), 0);
            folder_write(home->folder, "id1.pem", "a part of");
            uint64_t first = keys_arrivals(keys);
            cr_expect_neq(first, 0);
            folder_write(home->folder, "id1.pem", "a part of a certificate");
            uint64_t second = keys_arrivals(keys);
            cr_expect_neq(second, first);
            let_read(home->identities[1].certificate);
            cr_expect_neq(keys_arrivals(keys), second);
            cr_expect_neq(keys_arrivals(keys), 0);
        }
        home_free(home);
        home = home_new();
    }
    home_free(home);
}

Test(keys, has_and_first)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_before = now - 2 * DAY, .not_after = now - DAY});
    PKI_AUTO struct pki *dca = pki_role(ca, "domain-confidentiality-authority", "acme.test");
    home_add(home, ROLE_DOMAIN_SIGNING, "sign.test", dca, dca);
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "old.test", old, old);
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", dca, dca);
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "other.test", dca, dca);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    const struct {
        enum role role;
        const char *domain;
        bool has;
    } rows[] = {
        {ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", true},
        {ROLE_DOMAIN_CONFIDENTIALITY, "sales.acme.test", true},
        {ROLE_DOMAIN_CONFIDENTIALITY, "old.test", true},
        {ROLE_DOMAIN_CONFIDENTIALITY, "sign.test", false},
        {ROLE_DOMAIN_CONFIDENTIALITY, "notacme.test", false},
        {ROLE_DOMAIN_CONFIDENTIALITY, "test", false},
        {ROLE_DOMAIN_CONFIDENTIALITY, "", false},
        {ROLE_DOMAIN_CONFIDENTIALITY, NULL, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(keys_has(keys, rows[i].role, rows[i].domain), rows[i].has, "row %zu", i);
    cr_expect_eq(keys_first(keys, ROLE_DOMAIN_CONFIDENTIALITY, now), keys_at(keys, 2));
    cr_expect_eq(keys_first(keys, ROLE_DOMAIN_CONFIDENTIALITY, now - DAY - DAY / 2), keys_at(keys, 1));
    cr_expect_null(keys_first(keys, ROLE_DOMAIN_CONFIDENTIALITY, now + 1000 * DAY));
    cr_expect_null(keys_first(keys, ROLE_REVIEW, now));
    home_free(home);
}

DECLARE_OWNED(octets, ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)

static struct recipient_id by_issuer(const struct pki *pki)
{
    return (struct recipient_id){.issuer = X509_get_issuer_name(pki->cert),
                                 .serial = X509_get0_serialNumber(pki->cert)};
}

static struct recipient_id by_key(const struct pki *pki)
{
    return (struct recipient_id){.key_id = X509_get0_subject_key_id(pki->cert)};
}

/* The indices of what was found, joined by spaces. */
static void expect_recipients(const struct keys *keys, const struct recipient_id *ids, size_t count,
                              const char *expected)
{
    g_autofree const struct identity **found = keys_by_recipients(keys, ids, count);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; found[i] != NULL; i++)
        for (size_t j = 0; j < keys_count(keys); j++)
            if (keys_at(keys, j) == found[i])
                g_string_append_printf(text, "%s%zu", text->len > 0 ? " " : "", j);
    cr_expect_str_eq(text->str, expected);
}

#define DCA "domain-confidentiality-authority"

Test(keys, finds_by_recipient_identifier)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *other_ca = pki_ca("Root two");
    PKI_AUTO struct pki *same_name =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("O=TESTS", "CN=ROOT")});
    PKI_AUTO struct pki *a = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=a"), .serial = 77});
    PKI_AUTO struct pki *renewed =
        pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=a"), .serial = 78, .use_key = a->key});
    PKI_AUTO struct pki *b = pki_issue(
        &(struct pki_spec){.issuer = other_ca, .subject = PKI_LIST("CN=b"), .serial = 77, .no_key_ids = true});
    PKI_AUTO struct pki *signer =
        pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=s"), .serial = 79});
    PKI_AUTO struct pki *stranger =
        pki_issue(&(struct pki_spec){.issuer = other_ca, .subject = PKI_LIST("CN=x"), .serial = 78});
    PKI_AUTO struct pki *in_capitals =
        pki_issue(&(struct pki_spec){.issuer = same_name, .subject = PKI_LIST("CN=x"), .serial = 77});
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", a, a);
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", renewed, renewed);
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", b, b);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", signer, signer);
    home_add(home, ROLE_DOMAIN_CONFIDENTIALITY, "other.test", a, a);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    const struct {
        struct recipient_id ids[3];
        size_t count;
        const char *expected;
    } rows[] = {
        {{by_issuer(a)}, 1, "0 4"},
        {{by_issuer(renewed)}, 1, "1"},
        {{by_key(a)}, 1, "0 1 4"},
        {{by_issuer(b)}, 1, "2"},
        {{by_issuer(signer)}, 1, ""},
        {{by_key(signer)}, 1, ""},
        {{by_issuer(stranger)}, 1, ""},
        {{by_key(stranger)}, 1, ""},
        {{by_issuer(in_capitals)}, 1, "0 4"}, /* names are compared without case (RFC 5280 section 7.1) */
        {{by_issuer(b), by_issuer(a)}, 2, "0 2 4"},
        {{by_key(a), by_issuer(stranger), by_issuer(a)}, 3, "0 1 4"},
        {{by_issuer(a)}, 0, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_recipients(keys, rows[i].ids, rows[i].count, rows[i].expected);
    /* Whoever writes a message chooses its identifiers: the octets of one kind may stand in the other. */
    owned(octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    cr_assert(ASN1_OCTET_STRING_set(octets, (const unsigned char *)"\x4d", 1)); /* 77 */
    expect_recipients(keys, &(struct recipient_id){.key_id = octets}, 1, "");
    cr_assert(ASN1_STRING_copy(octets, X509_get0_subject_key_id(a->cert)));
    octets->type = V_ASN1_INTEGER;
    expect_recipients(keys, &(struct recipient_id){.issuer = X509_get_issuer_name(a->cert), .serial = octets}, 1, "");
    home_free(home);
}

/* --- a thousand identities --- */

#define MANY 1000
static struct pki *many[MANY];
static unsigned loads;

static EVP_PKEY *load_of_many(void *state, const char *location, const char *passphrase, struct error *error)
{
    (void)passphrase;
    (void)state;
    (void)error;
    EVP_PKEY *key = many[g_ascii_strtoull(location, NULL, 10)]->key;
    loads++;
    return EVP_PKEY_up_ref(key) ? key : NULL;
}

static const struct key_store_type memory_type = {.scheme = "memory", .load = load_of_many};
static const struct key_store_type *const memory_only[] = {&memory_type, NULL};

static struct home *home_of_many(const struct pki *ca)
{
    struct home *home = home_new();
    for (size_t i = 0; i < MANY; i++) {
        g_autofree char *domain = g_strdup_printf("d%zu.test", i);
        many[i] = pki_role(ca, DCA, domain);
        g_autofree char *uri = g_strdup_printf("memory:%zu", i);
        home_add_uri(home, ROLE_DOMAIN_CONFIDENTIALITY, domain, many[i], uri);
    }
    return home;
}

Test(keys, a_thousand_start_and_are_found_without_a_walk)
{
    PKI_AUTO struct pki *ca = pki_ca("root");
    struct home *home = home_of_many(ca);
    comparisons = time_comparisons = 0;
    owned(keys) struct keys *keys = keys_open_with(&home->conf, memory_only, home->faults);
    cr_assert_not_null(keys);
    cr_expect_eq(loads, (unsigned)MANY);
    cr_expect_leq(comparisons, 2u * MANY, "%u comparisons", comparisons);
    cr_expect_leq(time_comparisons, 2u * MANY, "%u comparisons of times", time_comparisons);
    comparisons = time_comparisons = 0;
    for (size_t i = 0; i < MANY; i++) {
        struct error error = {0};
        g_autofree char *below = g_strdup_printf("x.%s", home->identities[i].domain);
        struct recipient_id ids[] = {by_issuer(many[i]), by_key(many[i])};
        g_autofree const struct identity **found = keys_by_recipients(keys, ids, G_N_ELEMENTS(ids));
        cr_expect_eq(found[0], keys_at(keys, i));
        cr_expect_null(found[1]);
        cr_expect_eq(keys_find(keys, ROLE_DOMAIN_CONFIDENTIALITY, below, time(NULL), &error), keys_at(keys, i));
    }
    cr_expect_leq(comparisons, 4u * MANY, "%u comparisons", comparisons);
    cr_expect_leq(time_comparisons, 2u * MANY, "%u comparisons of times", time_comparisons);
    home_free(home);
    for (size_t i = 0; i < MANY; i++)
        pki_free(many[i]);
}
