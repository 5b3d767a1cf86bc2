/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of answers, for how long, and what goes first.
 */
#include "certs/cache.h"

#include "support/pki.h"

#include <criterion/criterion.h>

#define SECOND ((int64_t)G_USEC_PER_SEC)

static const struct certs_source source = {.name = "ldap", .waits = true};

static struct pki *one; /* any certificate */

static void setup(void)
{
    one = pki_ca("one");
}

static void teardown(void)
{
    pki_free(one);
}

TestSuite(cache, .init = setup, .fini = teardown);

/* What the source says: so many certificates, which may be kept so long. */
static void put(struct cache *cache, const char *key, unsigned certificates, unsigned seconds, int64_t now)
{
    struct certs_question question = {NULL, reply_new(&source)};
    for (unsigned i = 0; i < certificates; i++)
        certs_question_add(&question, one->cert, true, NULL);
    certs_question_answered(&question);
    certs_question_valid_for(&question, seconds);
    cache_put(cache, key, question.reply, 7, now);
    reply_unref(question.reply);
}

/* How many certificates the kept answer has; -1: there is none. */
static int found(struct cache *cache, const char *key, int64_t now)
{
    struct certs_reply *reply = cache_find(cache, key, 7, now);
    int count = reply != NULL ? (int)reply->candidates->len : -1;
    if (reply != NULL)
        reply_unref(reply);
    return count;
}

static int found_old(struct cache *cache, const char *key, int64_t grace, int64_t now)
{
    struct certs_reply *reply = cache_find_old(cache, key, grace, now);
    int count = reply != NULL ? (int)reply->candidates->len : -1;
    if (reply != NULL)
        reply_unref(reply);
    return count;
}

Test(cache, keeps_found_and_none_for_their_time)
{
    struct cache *cache = cache_new(100);
    put(cache, "bob", 2, 60, 0);
    put(cache, "carol", 0, 10, 0);
    put(cache, "dave", 1, 0, 0);
    cr_expect_eq(found(cache, "bob", 60 * SECOND - 1), 2);
    cr_expect_eq(found(cache, "bob", 60 * SECOND), -1);
    cr_expect_eq(found(cache, "carol", 10 * SECOND - 1), 0);
    cr_expect_eq(found(cache, "carol", 10 * SECOND), -1);
    cr_expect_eq(found(cache, "dave", 0), -1, "the source does not want it to be kept");
    put(cache, "bob", 1, 60, 100 * SECOND);
    cr_expect_eq(found(cache, "bob", 100 * SECOND), 1, "the newer answer counts");
    put(cache, "eve", 1, 1000000, 0);
    cr_expect_eq(found(cache, "eve", 86400 * SECOND), -1, "nothing is kept for longer than a day");
    cache_free(cache);
}

Test(cache, a_failure_is_not_kept)
{
    struct cache *cache = cache_new(100);
    struct error error = {0};
    error_set(&error, ERROR_TEMPORARY, "down");
    for (int personal = 0; personal < 2; personal++) {
        struct certs_question question = {NULL, reply_new(&source)};
        certs_question_add(&question, one->cert, true, NULL);
        certs_question_valid_for(&question, 60);
        certs_question_failed(&question, personal, &error);
        cache_put(cache, "bob", question.reply, 7, 0);
        reply_unref(question.reply);
        cr_expect_eq(found(cache, "bob", 0), -1);
        cr_expect_eq(found_old(cache, "bob", 60 * SECOND, 0), -1);
    }
    cache_free(cache);
}

Test(cache, another_version_does_not_count)
{
    struct cache *cache = cache_new(100);
    put(cache, "bob", 1, 60, 0);
    cr_expect_null(cache_find(cache, "bob", 8, 0));
    cr_expect_eq(found(cache, "bob", 0), 1);
    cache_free(cache);
}

Test(cache, an_old_answer_with_certificates_serves_for_a_while)
{
    struct cache *cache = cache_new(100);
    put(cache, "bob", 1, 60, 0);
    put(cache, "carol", 0, 60, 0);
    cr_expect_eq(found_old(cache, "bob", 30 * SECOND, 90 * SECOND - 1), 1);
    cr_expect_eq(found_old(cache, "bob", 30 * SECOND, 90 * SECOND), -1);
    cr_expect_eq(found_old(cache, "carol", 30 * SECOND, 60 * SECOND), -1, "that there was none is no help");
    put(cache, "bob", 0, 10, 70 * SECOND);
    cr_expect_eq(found_old(cache, "bob", 30 * SECOND, 85 * SECOND), -1, "it is gone meanwhile");
    cache_free(cache);
}

Test(cache, is_bounded_and_forgets_what_was_not_used)
{
    struct cache *cache = cache_new(10);
    put(cache, "a", 2, 60, 0); /* each certificate counts, and the answer */
    put(cache, "b", 2, 60, 0);
    put(cache, "c", 2, 60, 0);
    cr_expect_eq(found(cache, "a", 0), 2);
    put(cache, "d", 1, 60, 0);
    cr_expect_eq(found(cache, "b", 0), -1, "the last that was used");
    cr_expect_eq(found(cache, "a", 0), 2);
    cr_expect_eq(found(cache, "c", 0), 2);
    put(cache, "a", 0, 60, 0);
    put(cache, "e", 2, 60, 0);
    cr_expect_eq(found(cache, "c", 0), 2, "what an answer had taken is free when another one takes its place");
    cache_free(cache);
    cache = cache_new(5000);
    put(cache, "huge", 1000, 60, 0);
    cr_expect_eq(found(cache, "huge", 0), -1, "one answer cannot push out all others");
    cache_free(cache);
}

Test(cache, keys_tell_sources_purposes_partners_and_people_apart)
{
    static const struct certs_source other = {.name = "dns"};
    struct partner partners[2];
    struct address addresses[] = {
        {"bob", "a.test", NULL, NULL}, {"Bob", "a.test", NULL, NULL}, {"bob", "b.test", NULL, NULL}};
    const struct certs_query queries[] = {{CERTS_ENCRYPT, &partners[0], &addresses[0], false},
                                          {CERTS_SIGNER, &partners[0], &addresses[0], false},
                                          {CERTS_ENCRYPT, &partners[1], &addresses[0], false},
                                          {CERTS_ENCRYPT, &partners[0], &addresses[1], false},
                                          {CERTS_ENCRYPT, &partners[0], &addresses[2], false}};
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_hash_table_add(keys, cache_key(&source, &queries[i]));
        g_hash_table_add(keys, cache_key(&other, &queries[i]));
        g_hash_table_add(keys, cache_key(&source, &queries[i]));
    }
    cr_expect_eq(g_hash_table_size(keys), 2 * G_N_ELEMENTS(queries));
}
