/* SPDX-License-Identifier: Apache-2.0 */
/* How long a valid path is kept, for what, and how many. What is looked up there is in test_chain.c. */
#include "trust/cache.h"

#include "support/pki.h"

#include <criterion/criterion.h>

#define ENTRIES 4096
#define LIFETIME 3600
#define BESIDE 8 /* certificates */

static struct path_cache *cache;
static struct pki *root, *alice, *other;
static struct anchors *anchors;
static STACK_OF(X509) * chain;
static time_t now;

static void setup(void)
{
    now = time(NULL);
    cache = path_cache_new();
    root = pki_ca("Root");
    alice = pki_person(root, "alice@acme.test");
    other = pki_person(root, "bob@acme.test");
    anchors = anchors_new();
    chain = sk_X509_new_null();
    sk_X509_push(chain, alice->cert);
    sk_X509_push(chain, root->cert);
}

static void teardown(void)
{
    path_cache_free(cache);
    path_cache_free(NULL);
    sk_X509_free(chain);
    anchors_unref(anchors);
    pki_free(root);
    pki_free(alice);
    pki_free(other);
}

TestSuite(path_cache, .init = setup, .fini = teardown);

static struct path_query query_at(time_t at, STACK_OF(X509) * untrusted)
{
    return (struct path_query){.anchors = anchors, .leaf = alice->cert, .untrusted = untrusted, .at = at};
}

static bool is_known(const struct path_query *query)
{
    STACK_OF(X509) *found = path_cache_find(cache, query);
    bool known = found != NULL;
    sk_X509_pop_free(found, X509_free);
    return known;
}

static bool is_known_at(time_t at)
{
    const struct path_query query = query_at(at, NULL);
    return is_known(&query);
}

Test(path_cache, keeps_a_path_for_an_hour)
{
    const struct path_query query = query_at(now, NULL);
    path_cache_add(cache, &query, chain, NULL, 0);
    cr_expect(is_known_at(now) && is_known_at(now + LIFETIME));
    cr_expect_not(is_known_at(now - 1));
    cr_expect_not(is_known_at(now + LIFETIME + 1));
    path_cache_clear(cache);
    cr_expect_not(is_known_at(now));
}

/* Whichever of the certificates it is. */
Test(path_cache, keeps_no_path_beyond_a_certificate)
{
    for (int i = 0; i < 2; i++) {
        PKI_AUTO struct pki *brief =
            pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=brief"), .not_after = now + 100});
        sk_X509_set(chain, i, brief->cert);
        const struct path_query query = query_at(now, NULL);
        path_cache_add(cache, &query, chain, NULL, 0);
        cr_expect(is_known_at(certificate_ends(brief->cert) - 1), "%d", i);
        cr_expect_not(is_known_at(certificate_ends(brief->cert)), "%d", i);
        sk_X509_set(chain, i, i == 0 ? alice->cert : root->cert);
    }
}

Test(path_cache, knows_what_is_not_revoked)
{
    static const char said[] = "…";
    const struct path_query query = query_at(now, NULL);
    const struct revocation_result known = {.status = REVOCATION_GOOD, .until = now + 10, .unchecked = said};
    static const struct {
        int second;
        unsigned generation;
        bool known;
    } rows[] = {{0, 7, true}, {10, 7, true}, {11, 7, false}, {0, 8, false}, {-1, 7, false}};
    path_cache_add(cache, &query, chain, &known, 7);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *unchecked = NULL;
        const struct path_query later = query_at(now + rows[i].second, NULL);
        cr_expect_eq(path_cache_is_unrevoked(cache, &later, rows[i].generation, &unchecked), rows[i].known, "row %zu",
                     i);
        cr_expect_eq(unchecked, rows[i].known ? said : NULL, "row %zu", i);
    }
}

/* By all of the certificates beside it, unless there are many. */
Test(path_cache, keeps_paths_apart)
{
    STACK_OF(X509) *beside = sk_X509_new_null();
    for (int count = 0; count <= BESIDE + 1; count++) {
        const struct path_query query = query_at(now, beside);
        cr_expect_not(is_known(&query), "%d", count);
        path_cache_add(cache, &query, chain, NULL, 0);
        cr_expect_eq(is_known(&query), count <= BESIDE, "%d", count);
        sk_X509_push(beside, other->cert);
    }
    while (sk_X509_num(beside) > 2)
        (void)sk_X509_pop(beside);
    for (int i = 0; i < 2; i++) {
        const struct path_query query = query_at(now, beside);
        sk_X509_set(beside, i, root->cert);
        cr_expect_not(is_known(&query), "%d", i);
        sk_X509_set(beside, i, other->cert);
        cr_expect(is_known(&query), "%d", i);
    }
    sk_X509_free(beside);
}

Test(path_cache, begins_anew_when_it_is_full)
{
    static const struct revocation_conf confs[ENTRIES + 1];
    struct path_query query = query_at(now, NULL);
    for (size_t i = 0; i <= ENTRIES; i++) {
        query.revocation = &confs[i];
        path_cache_add(cache, &query, chain, NULL, 0);
        query.revocation = &confs[0];
        cr_expect_eq(is_known(&query), i < ENTRIES, "%zu", i);
    }
    query.revocation = &confs[ENTRIES];
    cr_expect(is_known(&query));
}
