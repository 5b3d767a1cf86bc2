/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources that wait for others: what is asked once, who waits for whom and how long, and what a source that is down,
 * hung or slow does to those who do not need it.
 */
#include "certs/source.h"

#include "support/counted.h"
#include "support/pki.h"
#include "support/scripted_certs.h"

#include <criterion/criterion.h>

#define BOB "bob@partner.test"
#define CAROL "carol@partner.test"
#define DAVE "dave@other.test"
#define MILLISECOND 1000

struct rig {
    struct scripted_certs *ldap, *dns;
    struct certs *certs;
    struct pki *one;
    struct partner partner;
};

/* Both know BOB, CAROL and DAVE unless the script says more; each has half of the timeout. */
static struct rig *rig_new(int64_t timeout)
{
    struct rig *rig = g_new0(struct rig, 1);
    rig->one = pki_ca("one");
    rig->ldap = scripted_certs_new("ldap");
    rig->dns = scripted_certs_new("dns");
    rig->ldap->source.waits = rig->dns->source.waits = true;
    rig->certs =
        certs_with((struct certs_opened[]){scripted_certs_source(rig->ldap), scripted_certs_source(rig->dns)}, 2);
    certs_set_timeout(rig->certs, timeout);
    return rig;
}

static void rig_free(struct rig *rig)
{
    scripted_certs_hang(rig->ldap, NULL);
    scripted_certs_hang(rig->dns, NULL);
    certs_close(rig->certs);
    pki_free(rig->one);
    g_free(rig);
}
DECLARE_OWNED(rig, struct rig *, rig_free)

static bool accept_any(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    (void)context;
    (void)query;
    (void)candidate;
    return finding_set(finding, OUTCOME_PASS, "good");
}

static const struct certs_acceptance any = {.check = accept_any};

static void ask_many(const struct rig *rig, enum certs_purpose purpose, const char *const *people, size_t count,
                     int64_t deadline, struct certs_answer *answers)
{
    g_autofree struct address *addresses = g_new0(struct address, count);
    g_autofree struct certs_query *queries = g_new0(struct certs_query, count);
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        cr_assert(address_parse(slice_of(people[i]), &addresses[i], &error));
        queries[i] = (struct certs_query){.purpose = purpose, .partner = &rig->partner, .address = &addresses[i]};
    }
    certs_ask(rig->certs, queries, count, deadline, &any, answers);
    for (size_t i = 0; i < count; i++)
        address_clear(&addresses[i]);
}

static struct certs_answer ask_by(const struct rig *rig, const char *person, int64_t deadline)
{
    struct certs_answer answer = {0};
    ask_many(rig, CERTS_ENCRYPT, &person, 1, deadline, &answer);
    return answer;
}

static enum found ask(const struct rig *rig, const char *person)
{
    owned(certs_answer) struct certs_answer answer = ask_by(rig, person, CERTS_NO_DEADLINE);
    return answer.found;
}

/* --- what is kept --- */

Test(flights, an_answer_is_kept_as_long_as_its_source_says)
{
    owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
    rig->ldap->seconds = rig->dns->seconds = 60;
    scripted_certs_own(rig->ldap, BOB, rig->one->cert);
    cr_expect_eq(ask(rig, BOB), FOUND);
    owned(certs_answer) struct certs_answer again = ask_by(rig, BOB, CERTS_NO_DEADLINE);
    cr_expect_eq(again.found, FOUND);
    cr_expect_eq(X509_cmp(again.list[0].certificate, rig->one->cert), 0);
    cr_assert_eq(again.step_count, 1);
    cr_expect(again.steps[0].cached);
    cr_expect_eq(ask(rig, CAROL), FOUND_NONE);
    cr_expect_eq(ask(rig, CAROL), FOUND_NONE);
    cr_expect_str_eq(rig->ldap->asked->str, BOB " " CAROL " ");
    cr_expect_str_eq(rig->dns->asked->str, CAROL " ");
    rig->ldap->seconds = rig->dns->seconds = 0;
    cr_expect_eq(ask(rig, DAVE), FOUND_NONE);
    cr_expect_eq(ask(rig, DAVE), FOUND_NONE);
    cr_expect_str_eq(rig->ldap->asked->str, BOB " " CAROL " " DAVE " " DAVE " ");
}

Test(flights, a_failure_is_never_kept)
{
    owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
    rig->ldap->seconds = rig->dns->seconds = 60;
    scripted_certs_fail(rig->ldap, BOB, true, ERROR_TEMPORARY, "down");
    for (unsigned i = 1; i < 6; i++) { /* and what fails at once does not make anybody wait */
        cr_expect_eq(ask(rig, BOB), FOUND_FAILED);
        cr_expect_eq(rig->ldap->batches, i);
    }
    cr_expect_eq(rig->dns->batches, 1);
}

Test(flights, a_source_that_never_waits_is_kept_until_it_changes)
{
    owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
    struct scripted_certs *store = scripted_certs_new("store");
    store->source.version = scripted_certs_version;
    store->seconds = 60;
    scripted_certs_replace(&rig->certs, store, NULL);
    rig->ldap = rig->dns = store;
    cr_expect_eq(ask(rig, BOB), FOUND_NONE);
    cr_expect_eq(ask(rig, BOB), FOUND_NONE);
    cr_expect_eq(store->batches, 1);
    scripted_certs_own(store, BOB, rig->one->cert);
    store->changes++;
    cr_expect_eq(ask(rig, BOB), FOUND);
    cr_expect_eq(ask(rig, BOB), FOUND);
    cr_expect_eq(store->batches, 2);
}

/* --- one question at a time --- */

struct asker {
    const struct rig *rig;
    const char *person;
    GThread *thread;
    enum found found;
};

static void *run_asker(void *data)
{
    struct asker *asker = data;
    asker->found = ask(asker->rig, asker->person);
    return NULL;
}

static void start(struct asker *askers, size_t count, const struct rig *rig, const char *person)
{
    for (size_t i = 0; i < count; i++) {
        askers[i] = (struct asker){.rig = rig, .person = person};
        askers[i].thread = g_thread_new("asker", run_asker, &askers[i]);
    }
}

static void expect_each(struct asker *askers, size_t count, enum found found)
{
    for (size_t i = 0; i < count; i++) {
        g_thread_join(askers[i].thread);
        cr_expect_eq(askers[i].found, found);
    }
}

static void await_batches(struct scripted_certs *script, unsigned batches)
{
    while (scripted_certs_batches(script) < batches)
        g_usleep(MILLISECOND);
}

Test(flights, many_who_ask_for_one_name_ask_once)
{
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    struct asker askers[20];
    scripted_certs_own(rig->ldap, BOB, rig->one->cert);
    scripted_certs_hang(rig->ldap, BOB);
    start(askers, G_N_ELEMENTS(askers), rig, BOB);
    await_batches(rig->ldap, 1);
    g_usleep(200 * MILLISECOND); /* who would ask has asked */
    cr_expect_eq(scripted_certs_batches(rig->ldap), 1);
    cr_expect_eq(ask(rig, DAVE), FOUND_NONE, "others do not wait");
    scripted_certs_hang(rig->ldap, NULL);
    expect_each(askers, G_N_ELEMENTS(askers), FOUND);
}

Test(flights, who_waits_for_another_leaves_at_its_own_deadline)
{
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    struct asker first;
    rig->ldap->seconds = 60;
    scripted_certs_own(rig->ldap, BOB, rig->one->cert);
    scripted_certs_hang(rig->ldap, BOB);
    start(&first, 1, rig, BOB);
    await_batches(rig->ldap, 1);
    owned(certs_answer) struct certs_answer late = ask_by(rig, BOB, g_get_monotonic_time() + 50 * MILLISECOND);
    cr_expect_eq(late.found, FOUND_FAILED);
    cr_expect_str_eq(late.error.said, "ldap: no answer in time");
    cr_expect_eq(late.step_count, 1);
    cr_expect_eq(late.steps[0].found, FOUND_FAILED);
    scripted_certs_hang(rig->ldap, NULL);
    expect_each(&first, 1, FOUND);
    cr_expect_eq(ask(rig, BOB), FOUND);
    cr_expect_eq(rig->ldap->batches, 1);
}

Test(flights, what_comes_too_late_serves_the_next_message)
{
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    rig->ldap->seconds = 60;
    scripted_certs_own(rig->ldap, BOB, rig->one->cert);
    scripted_certs_hang(rig->ldap, BOB);
    owned(certs_answer) struct certs_answer late = ask_by(rig, BOB, g_get_monotonic_time() + 50 * MILLISECOND);
    cr_expect_eq(late.found, FOUND_FAILED);
    scripted_certs_hang(rig->ldap, NULL);
    cr_expect_eq(ask(rig, BOB), FOUND);
    cr_expect_eq(rig->ldap->batches, 1);
}

static void count_call(void *context)
{
    ++*(unsigned *)context;
}

static int slow_index;
static gint has_left, is_freed;

static void free_slowly(void *certificate, void *own, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
    (void)certificate;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    if (own == NULL)
        return;
    g_usleep(20 * MILLISECOND);
    g_atomic_int_set(&is_freed, 1);
}

/* The reply has the only reference to the certificate. */
static void give_late(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    X509 *certificate = X509_new();
    (void)state;
    (void)count;
    (void)deadline;
    while (!g_atomic_int_get(&has_left))
        g_usleep(MILLISECOND);
    cr_assert(X509_set_ex_data(certificate, slow_index, &is_freed));
    certs_question_add(questions[0], certificate, true, NULL);
    certs_question_answered(questions[0]);
    X509_free(certificate);
}

Test(flights, what_comes_too_late_is_freed_when_the_sources_are_closed)
{
    struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    slow_index = X509_get_ex_new_index(0, NULL, NULL, NULL, free_slowly);
    rig->ldap->source.ask = give_late;
    owned(certs_answer) struct certs_answer late = ask_by(rig, BOB, g_get_monotonic_time() + 5 * MILLISECOND);
    cr_expect_eq(late.found, FOUND_FAILED);
    counted.ended = 0;
    g_atomic_int_set(&has_left, 1);
    rig_free(rig);
    cr_expect(g_atomic_int_get(&is_freed));
    cr_expect_eq(counted.ended, 1, "nor does OpenSSL keep anything for the thread");
}

Test(flights, who_waits_is_told)
{
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    unsigned calls = 0;
    struct certs_acceptance how = {.context = &calls, .tell = count_call, .tell_every = 20 * MILLISECOND};
    struct address bob = {"bob", "partner.test", BOB, NULL};
    const struct certs_query query = {.purpose = CERTS_ENCRYPT, .partner = &rig->partner, .address = &bob};
    owned(certs_answer) struct certs_answer answer = {0};
    scripted_certs_hang(rig->ldap, BOB);
    certs_ask(rig->certs, &query, 1, g_get_monotonic_time() + 200 * MILLISECOND, &how, &answer);
    cr_expect_geq(calls, 2);
    cr_expect_leq(calls, 10);
}

/* --- what a source that hangs does to others --- */

Test(flights, a_domain_that_hangs_harms_only_those_who_need_it)
{
    static const char *const people[] = {BOB, DAVE, CAROL};
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    struct certs_answer answers[G_N_ELEMENTS(people)] = {{0}};
    scripted_certs_own(rig->ldap, DAVE, rig->one->cert);
    scripted_certs_hang(rig->ldap, "@partner.test");
    ask_many(rig, CERTS_ENCRYPT, people, G_N_ELEMENTS(people), g_get_monotonic_time() + 300 * MILLISECOND, answers);
    cr_expect_eq(answers[0].found, FOUND_FAILED);
    cr_expect_eq(answers[1].found, FOUND);
    cr_expect_eq(answers[2].found, FOUND_FAILED);
    certs_answers_clear(answers, G_N_ELEMENTS(people));
}

/* A source sees one domain at a time, whatever the message has. */
Test(flights, a_message_to_many_domains)
{
    enum { COUNT = 300 };
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    char *people[COUNT];
    struct certs_answer answers[COUNT] = {{0}};
    for (int i = 0; i < COUNT; i++) {
        people[i] = g_strdup_printf("p%d@d%d.test", i, i / 2);
        scripted_certs_own(rig->ldap, people[i], rig->one->cert);
    }
    ask_many(rig, CERTS_ENCRYPT, (const char *const *)people, COUNT, CERTS_NO_DEADLINE, answers);
    for (int i = 0; i < COUNT; i++) {
        cr_expect_eq(answers[i].found, FOUND, "%s", people[i]);
        g_free(people[i]);
    }
    cr_expect_eq(scripted_certs_batches(rig->ldap), COUNT / 2);
    certs_answers_clear(answers, COUNT);
}

struct crowd {
    const struct rig *rig;
    const char *const *people;
    size_t count;
    struct certs_answer *answers;
};

static void *ask_crowd(void *data)
{
    const struct crowd *crowd = data;
    ask_many(crowd->rig, CERTS_ENCRYPT, crowd->people, crowd->count, CERTS_NO_DEADLINE, crowd->answers);
    return NULL;
}

/* However many domains a message has, and though each of them hangs. */
Test(flights, a_message_has_64_threads_at_a_source)
{
    enum { COUNT = 150, THREADS = 64 };
    owned(rig) struct rig *rig = rig_new(100 * G_USEC_PER_SEC);
    char *people[COUNT];
    struct certs_answer answers[COUNT] = {{0}};
    for (int i = 0; i < COUNT; i++) {
        people[i] = g_strdup_printf("p@d%d.test", i);
        scripted_certs_own(rig->ldap, people[i], rig->one->cert);
    }
    struct crowd crowd = {rig, (const char *const *)people, COUNT, answers};
    scripted_certs_hang(rig->ldap, ".test");
    GThread *message = g_thread_new("message", ask_crowd, &crowd);
    await_batches(rig->ldap, THREADS);
    g_usleep(200 * MILLISECOND); /* who would ask has asked */
    cr_expect_eq(scripted_certs_batches(rig->ldap), THREADS);
    scripted_certs_hang(rig->ldap, NULL);
    g_thread_join(message);
    cr_expect_eq(scripted_certs_batches(rig->ldap), COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_expect_eq(answers[i].found, FOUND, "%s", people[i]);
        g_free(people[i]);
    }
    certs_answers_clear(answers, COUNT);
}

/* One after the other in the same source: the time of the first is not that of the second. */
Test(flights, each_source_has_its_share_of_the_time)
{
    owned(rig) struct rig *rig = rig_new(2 * G_USEC_PER_SEC);
    scripted_certs_set_slow(rig->ldap, true);
    scripted_certs_own(rig->dns, BOB, rig->one->cert);
    int64_t began = g_get_monotonic_time();
    owned(certs_answer) struct certs_answer answer = ask_by(rig, BOB, began + 2 * G_USEC_PER_SEC);
    cr_expect_eq(answer.found, FOUND, "found later beats failed earlier");
    cr_expect_lt(rig->ldap->deadline - began, 3 * G_USEC_PER_SEC / 2);
    cr_assert_eq(answer.step_count, 2);
    cr_expect_eq(answer.steps[0].found, FOUND_FAILED);
}

#define LEFT_ALONE "ldap for partner.test is not asked: it did not answer 3 times in a row"

/* Whether the source was left alone. */
static bool is_left_alone(const struct rig *rig, const char *person)
{
    owned(certs_answer) struct certs_answer answer = ask_by(rig, person, CERTS_NO_DEADLINE);
    cr_expect_eq(answer.found, FOUND_FAILED, "not to be asked is no answer");
    return g_str_has_prefix(answer.error.said, LEFT_ALONE);
}

static void ask_until_left_alone(const struct rig *rig)
{
    scripted_certs_set_slow(rig->ldap, true);
    for (int i = 0; i < 20 && !is_left_alone(rig, BOB); i++)
        cr_assert_lt(i, 19);
}

Test(flights, who_does_not_answer_is_left_alone)
{
    owned(rig) struct rig *rig = rig_new(200 * MILLISECOND);
    ask_until_left_alone(rig);
    unsigned batches = scripted_certs_batches(rig->ldap), others = scripted_certs_batches(rig->dns);
    cr_expect_eq(batches, 3);
    cr_expect(is_left_alone(rig, CAROL));
    cr_expect_eq(scripted_certs_batches(rig->ldap), batches);
    cr_expect_eq(scripted_certs_batches(rig->dns), others + 1, "other sources are asked");
    cr_expect_eq(ask(rig, DAVE), FOUND_FAILED);
    cr_expect_eq(scripted_certs_batches(rig->ldap), batches + 1, "other domains are asked");
}

/* Whoever answers again is asked again, within twenty seconds at the most: see base/breaker.h. */
Test(flights, who_answers_the_probe_is_asked_again)
{
    owned(rig) struct rig *rig = rig_new(200 * MILLISECOND);
    ask_until_left_alone(rig);
    scripted_certs_set_slow(rig->ldap, false);
    g_usleep(2 * G_USEC_PER_SEC);
    unsigned batches = scripted_certs_batches(rig->ldap);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(ask(rig, BOB), FOUND_NONE);
    cr_expect_eq(scripted_certs_batches(rig->ldap), batches + 3);
}

/* What fails for another reason, at once, may be this name's alone. */
Test(flights, who_refuses_at_once_is_not_left_alone)
{
    owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
    scripted_certs_fail(rig->ldap, BOB, true, ERROR_TEMPORARY, "too many values");
    for (int i = 0; i < 10; i++)
        cr_expect_not(is_left_alone(rig, BOB));
    cr_expect_eq(ask(rig, CAROL), FOUND_NONE);
}

/* The lookups of signers are what strangers ask for. */
Test(flights, what_strangers_ask_leaves_no_source_alone)
{
    static const char *const people[] = {BOB};
    owned(rig) struct rig *rig = rig_new(100 * MILLISECOND);
    scripted_certs_set_slow(rig->ldap, true);
    for (int i = 0; i < 8; i++) {
        owned(certs_answer) struct certs_answer answer = {0};
        ask_many(rig, CERTS_SIGNER, people, 1, CERTS_NO_DEADLINE, &answer);
        cr_expect_eq(answer.found, FOUND_FAILED);
    }
    scripted_certs_set_slow(rig->ldap, false);
    cr_expect_eq(ask(rig, BOB), FOUND_NONE);
}

Test(flights, strangers_do_not_make_us_ask_without_bound)
{
    owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
    unsigned failed = 0;
    for (int i = 0; i < 200; i++) {
        g_autofree char *author = g_strdup_printf("a%d@d%d.test", i, i);
        const char *people[] = {author};
        owned(certs_answer) struct certs_answer answer = {0};
        ask_many(rig, CERTS_SIGNER, people, 1, CERTS_NO_DEADLINE, &answer);
        failed += answer.found == FOUND_FAILED;
    }
    cr_expect_geq(failed, 100);
    cr_expect_leq(rig->ldap->batches, 80);
    cr_expect_geq(rig->ldap->batches, 20);
    cr_expect_eq(ask(rig, BOB), FOUND_NONE, "what leaves has nothing to do with that");
}

/* --- an outage --- */

Test(flights, an_old_answer_serves_during_an_outage_where_policy_allows_it)
{
    for (int allowed = 0; allowed < 2; allowed++) {
        owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
        rig->partner.lookup_grace = allowed ? 3600 : 0;
        rig->ldap->seconds = 1;
        scripted_certs_own(rig->ldap, BOB, rig->one->cert);
        cr_expect_eq(ask(rig, BOB), FOUND);
        cr_expect_eq(ask(rig, CAROL), FOUND_NONE);
        g_usleep(1100 * MILLISECOND);
        scripted_certs_fail(rig->ldap, BOB, true, ERROR_TEMPORARY, "down");
        scripted_certs_fail(rig->ldap, CAROL, true, ERROR_TEMPORARY, "down");
        scripted_certs_forget(rig->ldap, BOB);
        owned(certs_answer) struct certs_answer answer = ask_by(rig, BOB, CERTS_NO_DEADLINE);
        cr_expect_eq(answer.found, allowed ? FOUND : FOUND_FAILED);
        cr_expect_eq(answer.steps[0].found, FOUND_FAILED, "the outage is told");
        cr_expect_eq(ask(rig, CAROL), FOUND_FAILED, "that there was none never counts again");
    }
}

/* --- threads --- */

static void *ask_around(void *data)
{
    const struct rig *rig = data;
    for (int i = 0; i < 300; i++) {
        g_autofree char *person = g_strdup_printf("p%d@d%d.test", i % 7, i % 11);
        (void)ask(rig, person);
        (void)ask(rig, BOB);
    }
    return NULL;
}

Test(flights, threads)
{
    owned(rig) struct rig *rig = rig_new(10 * G_USEC_PER_SEC);
    GThread *threads[8];
    rig->ldap->seconds = 60;
    scripted_certs_own(rig->ldap, BOB, rig->one->cert);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("asker", ask_around, rig);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    cr_expect_eq(rig->ldap->batches, 78, "each of 77 names, and BOB, once: %u", rig->ldap->batches);
}
