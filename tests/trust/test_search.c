/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a path, and what a message can make it cost. Counted: signatures of certificates that are verified,
 * and paths that are tried to their end.
 */
#include "support/counted.h"
#include "support/setting.h"

#include "base/memory.h"
#include "trust/path.h"

#include <dlfcn.h>
#include <openssl/dsa.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#define ANCHOR "trust_anchors = ( \"root.pem\" );"

/* root is the anchor; the certificates of a message are what the test adds. */
struct world {
    struct setting *setting;
    struct pki *root;
    STACK_OF(X509) * untrusted;
};

static struct world *world_new(void)
{
    struct world *world = g_new0(struct world, 1);
    world->setting = setting_new(ANCHOR, "");
    world->root = pki_ca("Root");
    world->untrusted = sk_X509_new_null();
    g_free(pki_write(world->setting->folder, "root.pem", world->root, NULL));
    setting_open(world->setting);
    return world;
}

static void world_free(struct world *world)
{
    sk_X509_pop_free(world->untrusted, X509_free);
    pki_free(world->root);
    setting_free(world->setting);
    g_free(world);
}
DECLARE_OWNED(world, struct world *, world_free)

static void add(struct world *world, const struct pki *pki)
{
    X509_add_cert(world->untrusted, pki->cert, X509_ADD_FLAG_UP_REF);
}

/* Counts from zero. */
static void expect(const struct world *world, const struct pki *leaf, enum purpose purpose, enum outcome expected,
                   const char *says)
{
    const struct chain_query query = {.leaf = leaf->cert, .untrusted = world->untrusted, .purpose = purpose};
    counted = (struct counted){0};
    setting_expect(world->setting, &query, expected, says, says);
}

/* An authority below issuer, without key identifiers: only signatures tell it from its namesakes. */
static struct pki *authority(const struct pki *issuer, const char *name, EVP_PKEY *key, time_t not_after)
{
    g_autofree char *cn = g_strconcat("CN=", name, NULL);
    return pki_issue(&(struct pki_spec){.issuer = issuer,
                                        .ca = true,
                                        .subject = PKI_LIST(cn),
                                        .use_key = key,
                                        .not_after = not_after,
                                        .no_key_ids = true});
}

static struct pki *leaf_of(const struct pki *issuer, EVP_PKEY *key)
{
    return pki_issue(
        &(struct pki_spec){.issuer = issuer, .subject = PKI_LIST("CN=leaf"), .use_key = key, .no_key_ids = true});
}

struct visit {
    unsigned judged, takes; /* which path; 0: none */
};

static bool judge(void *data, STACK_OF(X509) * chain, bool first)
{
    struct visit *visit = data;
    visit->judged++;
    cr_expect_eq(sk_X509_num(chain), 3);
    cr_expect_eq(first, visit->judged == 1);
    return visit->judged == visit->takes;
}

/* Returns what is spent of limit. */
static uint64_t find(const struct world *world, const struct pki *leaf, uint64_t limit, struct visit *visit, bool found)
{
    owned(anchors) struct anchors *anchors = trust_anchors(world->setting->trust, world->setting->partner);
    owned(path_result) struct path_result failure = {0};
    struct budget budget = {.limit = limit};
    const struct path_query query = {.anchors = anchors,
                                     .leaf = leaf->cert,
                                     .untrusted = world->untrusted,
                                     .strength = true,
                                     .at = time(NULL),
                                     .budget = &budget};
    const struct path_visitor visitor = {.judge = judge, .data = visit};
    cr_expect_eq(path_find(&query, &visitor, &failure), found, "%u of %u", visit->judged, visit->takes);
    cr_expect_eq(ERR_peek_error(), 0);
    return budget.spent;
}

/* Three paths, of which OpenSSL's own is judged once. */
Test(search, ends_where_a_path_is_taken)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = authority(world->root, "Issuer", NULL, 0);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, NULL);
    for (int i = 0; i < 3; i++) {
        PKI_AUTO struct pki *twin = authority(world->root, "Issuer", issuer->key, 0);
        add(world, twin);
    }
    for (unsigned takes = 0; takes <= 4; takes++) {
        struct visit visit = {.takes = takes};
        bool found = takes >= 1 && takes <= 3;
        find(world, leaf, UINT64_MAX, &visit, found);
        cr_expect_eq(visit.judged, found ? takes : 3, "%u: %u", takes, visit.judged);
    }
    struct visit all = {0};
    uint64_t full = find(world, leaf, UINT64_MAX, &all, false);
    for (unsigned i = 0; i < 64; i++) {
        struct visit visit = {0};
        find(world, leaf, full / 64 * i, &visit, false);
    }
}

/* Each namesake of the issuer is paid for, and one with a slow key is left out. */
Test(search, namesakes_are_paid_for)
{
    owned(world) struct world *world = world_new();
    owned(EVP_PKEY) EVP_PKEY *slow_key = pki_rsa_public(3072, 3000);
    owned(EVP_PKEY) EVP_PKEY *issuer_key = pki_new_key(PKI_RSA, 0);
    owned(EVP_PKEY) EVP_PKEY *other_key = pki_new_key(PKI_RSA, 1);
    PKI_AUTO struct pki *issuer = authority(world->root, "Issuer", issuer_key, 0);
    PKI_AUTO struct pki *stranger = authority(world->root, "Issuer", other_key, 0);
    PKI_AUTO struct pki *slow = authority(world->root, "Issuer", slow_key, 0);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, NULL);
    struct visit visit[3] = {{0}};
    uint64_t spent[3];
    add(world, issuer);
    spent[0] = find(world, leaf, UINT64_MAX, &visit[0], false);
    add(world, stranger);
    spent[1] = find(world, leaf, UINT64_MAX, &visit[1], false);
    add(world, slow);
    counted = (struct counted){0};
    spent[2] = find(world, leaf, UINT64_MAX, &visit[2], false);
    cr_expect_eq(counted.signatures, 2 + 3, "by OpenSSL, and of the search: %u", counted.signatures);
    /* OpenSSL verifies two signatures, and the search the same two; three certificates are compared. */
    cr_expect_eq(spent[0], 100000 + 10000 + 2 * (key_cost(issuer->key) + key_cost(world->root->key)) + 3 * 1000, "%u",
                 (unsigned)spent[0]);
    /* One path is tried, and at two steps it is compared. */
    cr_expect_eq(spent[1] - spent[0], key_cost(stranger->key) + 10000 + 2 * 1000, "%u",
                 (unsigned)(spent[1] - spent[0]));
    cr_expect_eq(spent[2] - spent[1], 10000 + 2 * 1000, "%u", (unsigned)(spent[2] - spent[1]));
}

/* The second of two ways is tried with its own issuer before the others, and paid for as the first. */
Test(search, another_way_is_paid_for)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = authority(world->root, "Issuer", NULL, 0);
    PKI_AUTO struct pki *twin = authority(world->root, "Issuer", issuer->key, 0);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, NULL);
    struct visit visit = {0};
    add(world, issuer);
    add(world, twin);
    uint64_t spent = find(world, leaf, UINT64_MAX, &visit, false);
    cr_expect_eq(visit.judged, 2);
    /* Four signatures of paths, four of the search; two, three and three certificates are compared. */
    cr_expect_eq(spent, 100000 + 2 * 10000 + 100000 + 3 * 10000 + 8 * key_cost(issuer->key) + 8 * 1000, "%u",
                 (unsigned)spent);
}

/* Writes down the length of each chain, and whether it is the first. */
static bool note_length(void *data, STACK_OF(X509) * chain, bool first)
{
    g_string_append_printf(data, "%d%s ", sk_X509_num(chain), first ? "!" : "");
    return false;
}

/* The first path is that to a self-signed anchor, if there is one. The path to an anchor is another one than that which
 * goes on to the anchor's own root. */
Test(search, begins_with_a_root)
{
    PKI_AUTO struct pki *root = pki_ca("Root"), *other = pki_ca("Other"), *issuer = pki_sub_ca(root, "Issuer"),
                        *leaf = leaf_of(issuer, NULL);
    const struct {
        const struct pki *anchors[2];
        const char *lengths;
        unsigned paths; /* that OpenSSL tries */
    } rows[] = {{{root, issuer}, "3! 2 ", 2},
                {{root}, "", 1},
                {{issuer}, "2! ", 1},
                {{issuer, other}, "2! ", 2}}; /* in vain to the root */
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(anchors) struct anchors *anchors = anchors_new();
        owned(path_result) struct path_result failure = {0};
        g_autoptr(GString) lengths = g_string_new(NULL);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].anchors) && rows[i].anchors[j] != NULL; j++)
            cr_assert(anchors_add(anchors, rows[i].anchors[j]->cert));
        STACK_OF(X509) *helpers = anchors_help(anchors, leaf->cert, NULL);
        const struct path_query query = {
            .anchors = anchors, .leaf = leaf->cert, .untrusted = helpers, .strength = true, .at = time(NULL)};
        const struct path_visitor visitor = {.judge = note_length, .data = lengths};
        counted = (struct counted){0};
        cr_expect_not(path_find(&query, &visitor, &failure));
        cr_expect_str_eq(lengths->str, rows[i].lengths, "row %zu", i);
        cr_expect_eq(counted.paths, rows[i].paths, "row %zu: %u", i, counted.paths);
        sk_X509_pop_free(helpers, X509_free);
    }
}

/* Without other certificates, and if nothing is left after OpenSSL's own path: then none is compared. */
Test(search, a_short_path_is_paid_for)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *leaf = leaf_of(world->root, NULL);
    owned(anchors) struct anchors *anchors = trust_anchors(world->setting->trust, world->setting->partner);
    g_autoptr(GString) lengths = g_string_new(NULL);
    const struct path_visitor visitor = {.judge = note_length, .data = lengths};
    struct budget budget = {.limit = UINT64_MAX};
    struct path_query query = {
        .anchors = anchors, .leaf = leaf->cert, .strength = true, .at = time(NULL), .budget = &budget};
    uint64_t of_path = 100000 + key_cost(world->root->key);
    unsigned compared[2];
    for (size_t i = 0; i < G_N_ELEMENTS(compared); i++) {
        owned(path_result) struct path_result failure = {0};
        counted = (struct counted){0};
        budget = (struct budget){.limit = i == 0 ? UINT64_MAX : of_path + 999};
        cr_expect_not(path_find(&query, &visitor, &failure));
        cr_expect_eq(budget.spent, i == 0 ? of_path + 1000 + key_cost(world->root->key) : budget.limit, "%u",
                     (unsigned)budget.spent);
        compared[i] = counted.compared;
    }
    cr_expect_str_eq(lengths->str, "2! 2! ");
    cr_expect_eq(compared[0] - compared[1], 1, "%u, %u", compared[0], compared[1]);
}

/* An extension that cannot be read is the cause, and not the issuer whom OpenSSL does not look for then. */
Test(search, says_what_is_wrong)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    PKI_AUTO struct pki *unknown = leaf_of(stranger, NULL);
    PKI_AUTO struct pki *broken = pki_issue(&(struct pki_spec){.issuer = world->root,
                                                               .subject = PKI_LIST("CN=leaf"),
                                                               .basic = "",
                                                               .extensions = PKI_LIST("2.5.29.19=DER:0500")});
    PKI_AUTO struct pki *broken_and_old = pki_issue(&(struct pki_spec){.issuer = world->root,
                                                                       .subject = PKI_LIST("CN=old"),
                                                                       .not_after = time(NULL) - 60,
                                                                       .basic = "",
                                                                       .extensions = PKI_LIST("2.5.29.19=DER:0500")});
    PKI_AUTO struct pki *old = authority(world->root, "Old", NULL, time(NULL) - 60);
    PKI_AUTO struct pki *of_old = leaf_of(old, NULL);
    PKI_AUTO struct pki *web = pki_issue(
        &(struct pki_spec){.issuer = world->root, .ca = true, .subject = PKI_LIST("CN=Web"), .eku = "serverAuth"});
    PKI_AUTO struct pki *of_web = leaf_of(web, NULL);
    add(world, old);
    add(world, web);
    const struct {
        const struct pki *leaf;
        int error;
        const struct pki *culprit;
    } rows[] = {{unknown, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, unknown},
                {broken, X509_V_ERR_INVALID_EXTENSION, broken},
                {of_old, X509_V_ERR_CERT_HAS_EXPIRED, old},
                {of_web, X509_V_ERR_INVALID_PURPOSE, web},
                {broken_and_old, X509_V_ERR_CERT_HAS_EXPIRED, broken_and_old}}; /* an anchor needs no issuer */
    owned(anchors) struct anchors *anchors = anchors_new();
    cr_assert(anchors_add(anchors, world->root->cert) && anchors_add(anchors, broken_and_old->cert));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(path_result) struct path_result result = {0};
        const struct path_query query = {
            .anchors = anchors, .leaf = rows[i].leaf->cert, .strength = true, .at = time(NULL)};
        path_try(&query, world->untrusted, NULL, &result);
        cr_expect_eq(result.error, rows[i].error, "row %zu: %d", i, result.error);
        cr_expect(result.culprit != NULL && X509_cmp(result.culprit, rows[i].culprit->cert) == 0, "row %zu", i);
        cr_expect_null(result.chain, "row %zu", i);
        cr_expect_eq(ERR_peek_error(), 0, "row %zu", i);
    }
}

/* A message stuffed with namesakes of the issuer may fail, but must not cost much. */
Test(search, many_namesakes_are_bounded)
{
    owned(world) struct world *world = world_new();
    for (int i = 0; i < 300; i++) {
        PKI_AUTO struct pki *twin = authority(i > 0 ? world->root : NULL, "Twin", NULL, 0);
        add(world, twin);
    }
    PKI_AUTO struct pki *stranger = authority(NULL, "Twin", NULL, 0);
    PKI_AUTO struct pki *leaf = leaf_of(stranger, NULL);
    expect(world, leaf, PURPOSE_SIGN, OUTCOME_POLICY, "");
    cr_expect_eq(counted.signatures, 64, "%u", counted.signatures);
    cr_expect_eq(counted.paths, 1, "OpenSSL's own: %u", counted.paths);
}

/* Two authorities that certify each other: neither is its own issuer's issuer, also where the way begins with it. */
Test(search, a_circle_is_followed_once)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *root_of_a = authority(NULL, "A", NULL, 0);
    PKI_AUTO struct pki *b = authority(root_of_a, "B", NULL, 0);
    PKI_AUTO struct pki *a = authority(b, "A", root_of_a->key, 0);
    PKI_AUTO struct pki *leaf = leaf_of(a, NULL);
    add(world, a);
    add(world, b);
    expect(world, leaf, PURPOSE_PATH, OUTCOME_POLICY, "");
    cr_expect_eq(counted.signatures, 2, "%u", counted.signatures);
    expect(world, a, PURPOSE_PATH, OUTCOME_POLICY, "");
    cr_expect_eq(counted.signatures, 1, "%u", counted.signatures);
}

/* Each way leads to the anchor, and none is valid. */
Test(search, many_ways_are_bounded)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = authority(world->root, "Issuer", NULL, time(NULL) - 5);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, NULL);
    for (int i = 0; i < 30; i++) {
        PKI_AUTO struct pki *expired = authority(world->root, "Issuer", issuer->key, time(NULL) - 6 - i);
        add(world, expired);
    }
    expect(world, leaf, PURPOSE_SIGN, OUTCOME_FAIL, "has expired");
    cr_expect_eq(counted.paths, 1 + 16, "OpenSSL's own, and the others: %u", counted.paths);
}

/* Longer than any real one; nothing at its end. */
Test(search, a_long_way_is_not_followed)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *last = authority(NULL, "0", NULL, 0);
    for (int i = 1; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("%d", i);
        struct pki *next = authority(last, name, NULL, 0);
        add(world, next);
        pki_free(last);
        last = next;
    }
    PKI_AUTO struct pki *leaf = leaf_of(last, NULL);
    expect(world, leaf, PURPOSE_SIGN, OUTCOME_FAIL, "is too far from a trust anchor");
    cr_expect_eq(counted.signatures, 9, "of a way of ten certificates: %u", counted.signatures);
}

/* A path is remembered for the certificates beside it, unless there are many. */
Test(search, is_not_remembered_for_many_certificates)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = authority(world->root, "Issuer", NULL, 0);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, NULL);
    add(world, issuer);
    for (int count = 1; count <= 10; count++) {
        for (int again = 0; again < 2; again++)
            expect(world, leaf, PURPOSE_SIGN, OUTCOME_PASS, "valid");
        cr_expect_eq(counted.paths, count <= 8 ? 0 : 1, "with %d: %u", count, counted.paths);
        PKI_AUTO struct pki *another = authority(NULL, "Another", NULL, 0);
        add(world, another);
    }
}

/* Of thousands of anchors only those are looked at that have the issuer's name. */
Test(search, many_anchors_cost_nothing)
{
    PKI_AUTO struct pki *root = pki_ca("Root"), *stranger = pki_ca("Stranger"),
                        *issuer =
                            pki_issue(&(struct pki_spec){.issuer = root, .ca = true, .subject = PKI_LIST("CN=Issuer")});
    PKI_AUTO struct pki *good = leaf_of(issuer, NULL), *bad = leaf_of(stranger, NULL);
    uint64_t spent[2][2];
    for (size_t many = 0; many < 2; many++) {
        AUTO_SETTING setting = setting_new(ANCHOR, "");
        owned(BIO) BIO *pem = BIO_new(BIO_s_mem());
        for (unsigned i = 0; i < 1000 * many; i++) {
            g_autofree char *name = g_strdup_printf("Other %u", i);
            PKI_AUTO struct pki *other = authority(NULL, name, root->key, 0);
            cr_assert(PEM_write_bio_X509(pem, other->cert));
        }
        cr_assert(PEM_write_bio_X509(pem, root->cert) && BIO_write(pem, "", 1) == 1);
        char *text = NULL;
        BIO_get_mem_data(pem, &text);
        folder_write(setting->folder, "root.pem", text);
        setting_open(setting);
        STACK_OF(X509) *untrusted = sk_X509_new_null();
        cr_assert(X509_add_cert(untrusted, issuer->cert, X509_ADD_FLAG_UP_REF));
        for (size_t i = 0; i < 2; i++) {
            struct budget budget = {.limit = UINT64_MAX};
            const struct chain_query query = {.leaf = i == 0 ? good->cert : bad->cert,
                                              .untrusted = untrusted,
                                              .purpose = PURPOSE_SIGN,
                                              .budget = &budget};
            counted = (struct counted){0};
            setting_expect(setting, &query, i == 0 ? OUTCOME_PASS : OUTCOME_POLICY, "", "one of many");
            cr_expect_leq(counted.compared, 4, "%zu, %zu: %u", many, i, counted.compared);
            spent[many][i] = budget.spent;
        }
        sk_X509_pop_free(untrusted, X509_free);
    }
    cr_expect_arr_eq(spent[0], spent[1], sizeof(spent[0]), "the price is the same");
}

/* With whatever is left to spend: a good answer is complete, and otherwise it is said that the work was not done. */
Test(search, costs_what_it_costs)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = pki_sub_ca(world->root, "Issuer");
    PKI_AUTO struct pki *alice = pki_person(issuer, "alice@acme.test");
    PKI_AUTO struct pki *bob = pki_person(issuer, "bob@acme.test");
    add(world, issuer);
    const struct {
        const struct pki *leaf;
        int lists; /* each the same */
        enum outcome expected;
    } rows[] = {{alice, 0, OUTCOME_PASS}, {alice, 1, OUTCOME_PASS}, {alice, 2, OUTCOME_PASS}, {bob, 1, OUTCOME_FAIL}};
    uint64_t full[G_N_ELEMENTS(rows)];
    X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = issuer, .revoked = {bob}});
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        STACK_OF(X509_CRL) *received = sk_X509_CRL_new_null();
        for (int j = 0; j < rows[i].lists; j++)
            sk_X509_CRL_push(received, crl);
        struct budget budget = {.limit = UINT64_MAX};
        struct chain_query query = {.leaf = rows[i].leaf->cert,
                                    .untrusted = world->untrusted,
                                    .crls = received,
                                    .purpose = PURPOSE_SIGN,
                                    .budget = &budget};
        for (int step = 16; step >= -1; step--) {
            trust_close(world->setting->trust); /* nothing is remembered */
            world->setting->trust = trust_open(world->setting->conf, world->setting->faults);
            if (step == 16) {
                setting_expect(world->setting, &query, rows[i].expected, "", "without a limit");
                full[i] = budget.spent;
                continue;
            }
            budget = (struct budget){.limit = step >= 0 ? full[i] / 16 * (uint64_t)step : full[i] - 1};
            setting_expect(world->setting, &query, OUTCOME_PERMERROR, BUDGET_SPENT, "with a limit");
        }
        if (rows[i].expected == OUTCOME_PASS && rows[i].lists > 0) { /* the last price that is paid */
            trust_close(world->setting->trust);
            world->setting->trust = trust_open(world->setting->conf, world->setting->faults);
            budget = (struct budget){.limit = full[i]};
            setting_expect(world->setting, &query, OUTCOME_PASS, "valid", "just enough");
        }
        sk_X509_CRL_free(received);
    }
    uint64_t of_list = (uint64_t)i2d_X509_CRL(crl, NULL) * COST_HASHED + 3 * 20000;
    for (size_t i = 0; i < 3; i++)
        of_list += key_cost(i == 0 ? alice->key : i == 1 ? issuer->key : world->root->key);
    cr_expect_eq(full[1] - full[0], 2 * of_list, "%" G_GUINT64_FORMAT, full[1] - full[0] - 2 * of_list);
    cr_expect_eq(full[2] - full[1], full[1] - full[0], "each list has its price");
    X509_CRL_free(crl);
}

/* No more than 64 lists of a name are tried with each key. */
Test(search, many_lists_cost_no_more_keys)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *alice = pki_person(world->root, "alice@acme.test");
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = world->root});
    static const int counts[] = {-1, 0, 63, 64, 65};
    uint64_t spent[G_N_ELEMENTS(counts)];
    uint64_t of_list = (uint64_t)i2d_X509_CRL(crl, NULL) * COST_HASHED + 2 * 20000;
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        struct budget budget = {.limit = UINT64_MAX};
        STACK_OF(X509_CRL) *received = counts[i] >= 0 ? sk_X509_CRL_new_null() : NULL;
        while (sk_X509_CRL_num(received) < counts[i])
            sk_X509_CRL_push(received, crl);
        const struct chain_query query = {
            .leaf = alice->cert, .crls = received, .purpose = PURPOSE_SIGN, .budget = &budget};
        trust_close(world->setting->trust);
        world->setting->trust = trust_open(world->setting->conf, world->setting->faults);
        setting_expect(world->setting, &query, OUTCOME_PASS, "valid", "lists");
        spent[i] = budget.spent;
        sk_X509_CRL_free(received);
    }
    cr_expect_eq(spent[0], spent[1]);
    cr_expect_eq(spent[3] - spent[2], 2 * (of_list + key_cost(alice->key) + key_cost(world->root->key)));
    cr_expect_eq(spent[4] - spent[3], 2 * of_list);
}

static unsigned contexts; /* begun by X509_STORE_CTX_init(), which is below */

/* A path that is known costs what it takes to recognise it. */
Test(search, costs_little_once_it_is_known)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = pki_sub_ca(world->root, "Issuer"), *alice = pki_person(issuer, "alice@acme.test");
    add(world, issuer);
    add(world, world->root);
    struct budget budget = {.limit = UINT64_MAX};
    const struct chain_query query = {
        .leaf = alice->cert, .untrusted = world->untrusted, .purpose = PURPOSE_SIGN, .budget = &budget};
    setting_expect(world->setting, &query, OUTCOME_PASS, "valid", "for the first time");
    budget = (struct budget){.limit = UINT64_MAX};
    setting_expect(world->setting, &query, OUTCOME_PASS, "valid", "once more");
    uint64_t octets = (uint64_t)i2d_X509(issuer->cert, NULL) + (uint64_t)i2d_X509(world->root->cert, NULL);
    cr_expect_eq(budget.spent, 3 * COST_HASHED * octets + COST_CERTIFICATE);
    /* What a message says of revocation is looked at. Here there is nothing, so that only issuers are compared. */
    g_autoptr(GPtrArray) no_answers = g_ptr_array_new();
    struct budget with_answers = {.limit = UINT64_MAX};
    struct chain_query again = query;
    again.embedded = no_answers;
    again.budget = &with_answers;
    setting_expect(world->setting, &again, OUTCOME_PASS, "valid", "with answers to be looked for");
    /* What cannot be paid for ends it: no path is looked for anew. */
    STACK_OF(X509_CRL) *received = sk_X509_CRL_new_null();
    sk_X509_CRL_push(received, pki_crl(&(struct pki_crl_spec){.issuer = issuer}));
    struct budget too_little = {.limit = with_answers.spent + 1};
    again.crls = received;
    again.budget = &too_little;
    contexts = 0;
    setting_expect(world->setting, &again, OUTCOME_PERMERROR, BUDGET_SPENT, "with too little");
    cr_expect_eq(contexts, 0, "%u", contexts);
    sk_X509_CRL_pop_free(received, X509_CRL_free);
    cr_expect_eq(with_answers.spent, budget.spent + 4 * 300, "%u", (unsigned)(with_answers.spent - budget.spent));
}

/* As many authorities as a path may have. */
Test(search, a_path_may_be_long)
{
    owned(world) struct world *world = world_new();
    struct pki *last = pki_sub_ca(world->root, "1");
    for (int count = 1; count <= 13; count++) {
        g_autofree char *name = g_strdup_printf("%d", count + 1);
        PKI_AUTO struct pki *leaf = leaf_of(last, NULL);
        add(world, last);
        expect(world, leaf, PURPOSE_SIGN, count <= 12 ? OUTCOME_PASS : OUTCOME_FAIL,
               count <= 12 ? "valid" : "too far from a trust anchor");
        struct pki *next = pki_sub_ca(last, name);
        pki_free(last);
        last = next;
    }
    pki_free(last);
}

/* --- without memory --- */

static unsigned fails_at; /* which of our calls of the functions below fails; 0: each works */

static bool fails_now(void)
{
    if (counted.running > 0 || fails_at == 0 || --fails_at > 0)
        return false;
    ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE);
    return true;
}

int X509_STORE_CTX_init(X509_STORE_CTX *context, X509_STORE *store, X509 *leaf, STACK_OF(X509) * untrusted)
{
    int (*real)(X509_STORE_CTX *, X509_STORE *, X509 *, STACK_OF(X509) *) =
        (int (*)(X509_STORE_CTX *, X509_STORE *, X509 *, STACK_OF(X509) *))dlsym(RTLD_NEXT, "X509_STORE_CTX_init");
    contexts++;
    return fails_now() ? 0 : real(context, store, leaf, untrusted);
}

int X509_add_cert(STACK_OF(X509) * list, X509 *certificate, int flags)
{
    int (*real)(STACK_OF(X509) *, X509 *, int) =
        (int (*)(STACK_OF(X509) *, X509 *, int))dlsym(RTLD_NEXT, "X509_add_cert");
    return fails_now() ? 0 : real(list, certificate, flags);
}

int X509_add_certs(STACK_OF(X509) * list, STACK_OF(X509) * certificates, int flags)
{
    int (*real)(STACK_OF(X509) *, STACK_OF(X509) *, int) =
        (int (*)(STACK_OF(X509) *, STACK_OF(X509) *, int))dlsym(RTLD_NEXT, "X509_add_certs");
    return fails_now() ? 0 : real(list, certificates, flags);
}

/* That is no verdict, and nothing was verified. */
Test(search, no_path_is_tried_without_memory)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *leaf = leaf_of(world->root, NULL);
    owned(anchors) struct anchors *anchors = trust_anchors(world->setting->trust, world->setting->partner);
    owned(path_result) struct path_result result = {0};
    struct budget budget = {.limit = UINT64_MAX};
    const struct path_query query = {
        .anchors = anchors, .leaf = leaf->cert, .strength = true, .at = time(NULL), .budget = &budget};
    fails_at = 1;
    path_try(&query, world->untrusted, NULL, &result);
    cr_expect_eq(result.error, X509_V_ERR_OUT_OF_MEM, "%d", result.error);
    cr_expect_eq(result.culprit, leaf->cert);
    cr_expect_eq(budget.spent, 0);
    cr_expect_eq(ERR_peek_error(), 0);
    budget.limit = 99999;
    counted = (struct counted){0};
    path_try(&query, world->untrusted, NULL, &result);
    cr_expect_eq(result.error, X509_V_ERR_UNSPECIFIED, "nor with too little to spend: %d", result.error);
    cr_expect_eq(result.culprit, leaf->cert);
    cr_expect_eq(counted.paths, 0);
}

/* 1: a policy tree cannot be made; 2: for want of memory; 3: it has no policy, and one is required. */
static unsigned policy_faults;

int X509_policy_check(X509_POLICY_TREE **tree, int *is_explicit, STACK_OF(X509) * chain,
                      STACK_OF(ASN1_OBJECT) * policies, unsigned flags)
{
    int (*real)(X509_POLICY_TREE **, int *, STACK_OF(X509) *, STACK_OF(ASN1_OBJECT) *, unsigned) =
        (int (*)(X509_POLICY_TREE **, int *, STACK_OF(X509) *, STACK_OF(ASN1_OBJECT) *, unsigned))dlsym(
            RTLD_NEXT, "X509_policy_check");
    if (policy_faults == 2)
        memory_note_failure();
    if (policy_faults == 3)
        return X509_PCY_TREE_FAILURE;
    return policy_faults > 0 ? X509_PCY_TREE_INTERNAL : real(tree, is_explicit, chain, policies, flags);
}

static int find_no_issuer(X509 **issuer, X509_STORE_CTX *context, X509 *certificate)
{
    (void)issuer, (void)context, (void)certificate;
    return -1;
}

/* OpenSSL asks on_step() nothing then. It takes a tree that is too large for a lack of memory. */
Test(search, failures_without_a_word)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *leaf = leaf_of(world->root, NULL);
    static const struct {
        unsigned policy_faults;
        bool store_fails;
        int error;
    } rows[] = {{0, false, X509_V_OK},
                {1, false, PATH_TOO_MANY_POLICIES},
                {2, false, X509_V_ERR_OUT_OF_MEM},
                {3, false, X509_V_ERR_NO_EXPLICIT_POLICY}, /* it is asked, but about no certificate */
                {0, true, X509_V_ERR_STORE_LOOKUP}};
    owned(anchors) struct anchors *anchors = trust_anchors(world->setting->trust, world->setting->partner);
    const struct path_query query = {.anchors = anchors, .leaf = leaf->cert, .strength = true, .at = time(NULL)};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(path_result) struct path_result result = {0};
        policy_faults = rows[i].policy_faults;
        if (rows[i].store_fails)
            X509_STORE_set_get_issuer(anchors->store, find_no_issuer);
        path_try(&query, world->untrusted, NULL, &result);
        cr_expect_eq(result.error, rows[i].error, "row %zu: %d", i, result.error);
        cr_expect_eq(result.culprit, rows[i].error == X509_V_OK ? NULL : leaf->cert, "row %zu", i);
        cr_expect_eq(ERR_peek_error(), 0, "row %zu", i);
    }
    policy_faults = 0;
}

/* Nor is one judged that lacks certificates. */
Test(search, no_other_way_is_tried_without_memory)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *issuer = authority(world->root, "Issuer", NULL, 0);
    PKI_AUTO struct pki *twin = authority(world->root, "Issuer", issuer->key, 0);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, NULL);
    add(world, issuer);
    add(world, twin);
    owned(anchors) struct anchors *anchors = trust_anchors(world->setting->trust, world->setting->partner);
    const struct path_query query = {
        .anchors = anchors, .leaf = leaf->cert, .untrusted = world->untrusted, .strength = true, .at = time(NULL)};
    /* The first call is for the first path. Then come the other one's anchor, issuer, other certificates, and itself.
     */
    for (unsigned call = 1; call <= 5; call++) {
        struct visit visit = {0};
        owned(path_result) struct path_result failure = {0};
        fails_at = call > 1 ? call : 0;
        const struct path_visitor visitor = {.judge = judge, .data = &visit};
        cr_expect_not(path_find(&query, &visitor, &failure), "%u", call);
        cr_expect_eq(visit.judged, call == 1 ? 2 : 1, "%u: %u", call, visit.judged);
        fails_at = 0;
        ERR_clear_error();
    }
}

/* --- DSA parameters, RFC 3279 §2.3.2 --- */

static EVP_PKEY *dsa_key(EVP_PKEY *parameters)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context =
        parameters != NULL ? EVP_PKEY_CTX_new(parameters, NULL) : EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    if (parameters == NULL) {
        cr_assert(EVP_PKEY_paramgen_init(context) == 1 && EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024) == 1 &&
                  EVP_PKEY_CTX_set_dsa_paramgen_q_bits(context, 160) == 1 && EVP_PKEY_paramgen(context, &key) == 1);
    } else {
        cr_assert(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_keygen(context, &key) == 1);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Makes of a certificate's key one that OpenSSL cannot read, and has the issuer sign it again. octets: instead of the
 * key's own; NULL: those. */
static void damage_key(struct pki *pki, const struct pki *issuer, bool keeps_parameters, const char *octets)
{
    const unsigned char *bits;
    int length, type;
    const void *parameters;
    X509_ALGOR *algorithm;
    X509_PUBKEY *key = X509_get_X509_PUBKEY(pki->cert);
    X509_PUBKEY_get0_param(NULL, &bits, &length, &algorithm, key);
    X509_ALGOR_get0(NULL, &type, &parameters, algorithm);
    length = octets != NULL ? (int)strlen(octets) : length;
    unsigned char *copy = OPENSSL_zalloc((size_t)length + 1);
    memcpy(copy, octets != NULL ? (const unsigned char *)octets : bits, (size_t)length);
    void *kept = keeps_parameters ? ASN1_STRING_dup(parameters) : NULL;
    cr_assert(
        X509_PUBKEY_set0_param(key, OBJ_nid2obj(NID_dsa), keeps_parameters ? type : V_ASN1_UNDEF, kept, copy, length));
    X509_set_subject_name(pki->cert, X509_get_subject_name(pki->cert)); /* forget the encoding */
    cr_assert_gt(X509_sign(pki->cert, issuer->key, EVP_sha256()), 0);
    unsigned char *der = NULL;
    length = i2d_X509(pki->cert, &der);
    const unsigned char *at = der;
    X509_free(pki->cert);
    pki->cert = d2i_X509(NULL, &at, length);
    OPENSSL_free(der);
    cr_assert_not_null(pki->cert);
    cr_assert_null(X509_get0_pubkey(pki->cert));
    ERR_clear_error();
}

/* Takes the parameters out of its key. */
static void strip_parameters(struct pki *pki, const struct pki *issuer)
{
    damage_key(pki, issuer, false, NULL);
}

static EVP_PKEY *slow_dsa_key(void)
{
    EVP_PKEY *key = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    owned(BIGNUM) BIGNUM *p = BN_new(), *q = BN_new(), *g = BN_new();
    cr_assert(BN_set_bit(p, 9999) && BN_add_word(p, 1) && BN_set_bit(q, 255) && BN_add_word(q, 1) && BN_set_word(g, 4));
    cr_assert(OSSL_PARAM_BLD_push_BN(parts, "p", p) && OSSL_PARAM_BLD_push_BN(parts, "q", q) &&
              OSSL_PARAM_BLD_push_BN(parts, "g", g) && OSSL_PARAM_BLD_push_BN(parts, "pub", g));
    OSSL_PARAM *made = OSSL_PARAM_BLD_to_param(parts);
    cr_assert(EVP_PKEY_fromdata_init(context) == 1 && EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, made) == 1);
    OSSL_PARAM_free(made);
    OSSL_PARAM_BLD_free(parts);
    return key;
}

/* Who is asked for parameters, and what for. */
Test(search, parameters_have_a_price)
{
    owned(world) struct world *world = world_new();
    owned(EVP_PKEY) EVP_PKEY *parameters = dsa_key(NULL), *slow_key = slow_dsa_key();
    owned(EVP_PKEY) EVP_PKEY *issuer_key = dsa_key(parameters), *leaf_key = dsa_key(parameters);
    PKI_AUTO struct pki *issuer = authority(NULL, "Issuer", issuer_key, 0), *leaf = leaf_of(issuer, leaf_key),
                        *odd = leaf_of(issuer, leaf_key), *empty = leaf_of(issuer, leaf_key),
                        *namesake = authority(world->root, "Issuer", leaf_key, 0),
                        *other = authority(world->root, "Other", issuer_key, 0),
                        *unreadable = authority(world->root, "Issuer", leaf_key, 0),
                        *slow = authority(world->root, "Issuer", slow_key, 0);
    cr_assert(key_is_slow(slow_key));
    strip_parameters(leaf, issuer);
    damage_key(odd, issuer, false, "odd");
    damage_key(empty, issuer, false, "");
    damage_key(unreadable, world->root, true, "odd");
    const struct {
        const struct pki *leaf, *beside[2];
        uint64_t limit;
        unsigned signatures;
        bool completed;
    } rows[] = {
        {leaf, {issuer}, UINT64_MAX, 1, true},           {leaf, {issuer, issuer}, UINT64_MAX, 1, true},
        {leaf, {namesake}, UINT64_MAX, 1, false},        {leaf, {namesake, issuer}, UINT64_MAX, 2, true},
        {leaf, {other}, UINT64_MAX, 0, false},           {leaf, {slow}, UINT64_MAX, 0, false},
        {leaf, {unreadable}, UINT64_MAX, 0, false},      {odd, {issuer, issuer}, UINT64_MAX, 2, false},
        {empty, {issuer, issuer}, UINT64_MAX, 2, false}, {leaf, {issuer}, 1, 0, false},
    };
    owned(anchors) struct anchors *anchors = anchors_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        STACK_OF(X509) *beside = sk_X509_new_null();
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].beside) && rows[i].beside[j] != NULL; j++)
            sk_X509_push(beside, rows[i].beside[j]->cert);
        struct budget budget = {.limit = rows[i].limit};
        const struct path_query query = {.anchors = anchors, .budget = &budget};
        X509_up_ref(rows[i].leaf->cert);
        owned(X509) X509 *copy = rows[i].leaf->cert;
        counted = (struct counted){0};
        owned(x509_stack) STACK_OF(X509) *completed = path_inherit_parameters(beside, &query, &copy);
        cr_expect_eq(sk_X509_num(completed), sk_X509_num(beside), "row %zu", i);
        cr_expect_eq(counted.signatures, rows[i].signatures, "row %zu: %u", i, counted.signatures);
        cr_expect_eq(budget.spent, rows[i].limit == 1 ? 1 : rows[i].signatures * key_cost(issuer_key), "row %zu", i);
        cr_expect_eq(X509_get0_pubkey(copy) != NULL, rows[i].completed, "row %zu", i);
        ERR_clear_error();
        sk_X509_free(beside);
    }
}

Test(search, dsa_parameters_are_inherited_from_the_signer_only)
{
    owned(world) struct world *world = world_new();
    owned(EVP_PKEY) EVP_PKEY *parameters = dsa_key(NULL);
    owned(EVP_PKEY) EVP_PKEY *other_parameters = dsa_key(NULL);
    owned(EVP_PKEY) EVP_PKEY *upper_key = dsa_key(parameters);
    owned(EVP_PKEY) EVP_PKEY *lower_key = dsa_key(parameters);
    owned(EVP_PKEY) EVP_PKEY *leaf_key = dsa_key(parameters);
    owned(EVP_PKEY) EVP_PKEY *other_key = dsa_key(other_parameters);
    PKI_AUTO struct pki *upper = pki_issue(&(struct pki_spec){
        .issuer = world->root, .ca = true, .subject = PKI_LIST("CN=upper"), .use_key = upper_key, .no_key_ids = true});
    PKI_AUTO struct pki *namesake = pki_issue(&(struct pki_spec){
        .issuer = world->root, .ca = true, .subject = PKI_LIST("CN=upper"), .use_key = other_key, .no_key_ids = true});
    PKI_AUTO struct pki *lower = pki_issue(&(struct pki_spec){
        .issuer = upper, .ca = true, .subject = PKI_LIST("CN=lower"), .use_key = lower_key, .no_key_ids = true});
    PKI_AUTO struct pki *leaf = pki_issue(
        &(struct pki_spec){.issuer = lower, .subject = PKI_LIST("CN=leaf"), .use_key = leaf_key, .no_key_ids = true});
    strip_parameters(lower, upper);
    strip_parameters(leaf, lower);
    add(world, lower);
    expect(world, leaf, PURPOSE_PATH, OUTCOME_POLICY, "does not lead to a trust anchor");
    add(world, namesake);
    expect(world, leaf, PURPOSE_PATH, OUTCOME_POLICY, "does not lead to a trust anchor");
    add(world, upper);
    expect(world, leaf, PURPOSE_PATH, OUTCOME_PASS, "valid");
    expect(world, leaf, PURPOSE_SIGN, OUTCOME_FAIL, "");
    cr_expect_null(X509_get0_pubkey(leaf->cert), "the caller's certificate is left as it was");
    ERR_clear_error();
}

/* Namesakes of a DSA key's issuer that would all lend it their parameters: each costs a signature. */
Test(search, few_are_asked_for_parameters)
{
    owned(world) struct world *world = world_new();
    owned(EVP_PKEY) EVP_PKEY *parameters = dsa_key(NULL);
    owned(EVP_PKEY) EVP_PKEY *issuer_key = dsa_key(parameters);
    owned(EVP_PKEY) EVP_PKEY *other_key = dsa_key(parameters);
    owned(EVP_PKEY) EVP_PKEY *leaf_key = dsa_key(parameters);
    PKI_AUTO struct pki *issuer = authority(NULL, "Issuer", issuer_key, 0);
    PKI_AUTO struct pki *leaf = leaf_of(issuer, leaf_key);
    strip_parameters(leaf, issuer);
    static const unsigned counts[] = {10, 40};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        while ((unsigned)sk_X509_num(world->untrusted) < counts[i]) {
            PKI_AUTO struct pki *namesake = authority(world->root, "Issuer", other_key, 0);
            add(world, namesake);
        }
        expect(world, leaf, PURPOSE_SIGN, OUTCOME_FAIL, "weak key");
        cr_expect_eq(counted.signatures, MIN(counts[i], 32) + counts[i], "for parameters, and in search of a path: %u",
                     counted.signatures);
    }
}

/* The anchor may be the one that has the parameters; a key with parameters of its own keeps them. */
Test(search, parameters_come_from_an_anchor_where_there_are_none)
{
    owned(world) struct world *world = world_new();
    owned(EVP_PKEY) EVP_PKEY *parameters = dsa_key(NULL), *others = dsa_key(NULL);
    owned(EVP_PKEY) EVP_PKEY *root_key = dsa_key(parameters), *lower_key = dsa_key(parameters);
    owned(EVP_PKEY) EVP_PKEY *own_key = dsa_key(others);
    PKI_AUTO struct pki *root = authority(NULL, "Root", root_key, 0), *lower = authority(root, "Lower", lower_key, 0),
                        *own = authority(lower, "Own", own_key, 0), *leaf = leaf_of(own, NULL);
    strip_parameters(lower, root);
    g_free(pki_write(world->setting->folder, "root.pem", root, NULL));
    trust_close(world->setting->trust);
    world->setting->trust = trust_open(world->setting->conf, world->setting->faults);
    add(world, own);
    add(world, lower);
    expect(world, leaf, PURPOSE_PATH, OUTCOME_PASS, "valid");
}

/* Parameters go down from one key to the next, one level a round where the certificates stand in the wrong order. */
Test(search, parameters_come_from_near)
{
    for (int levels = 3; levels <= 6; levels++) {
        owned(world) struct world *world = world_new();
        owned(EVP_PKEY) EVP_PKEY *parameters = dsa_key(NULL);
        struct pki *line[8] = {0};
        for (int i = 0; i <= levels; i++) {
            g_autofree char *name = g_strdup_printf("%d", i);
            owned(EVP_PKEY) EVP_PKEY *key = dsa_key(parameters);
            line[i] = authority(i > 0 ? line[i - 1] : world->root, name, key, 0);
        }
        PKI_AUTO struct pki *leaf = leaf_of(line[levels], NULL);
        for (int i = levels; i >= 1; i--)
            strip_parameters(line[i], line[i - 1]);
        for (int i = levels; i >= 0; i--)
            add(world, line[i]);
        expect(world, leaf, PURPOSE_PATH, levels <= 4 ? OUTCOME_PASS : OUTCOME_POLICY, "");
        for (int i = 0; i <= levels; i++)
            pki_free(line[i]);
    }
}
