/* SPDX-License-Identifier: Apache-2.0 */
/* What the store says and keeps when its file, its disk or its neighbours fail. Nothing that failed looks like none. */
#include "support/store_home.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 200

static char *name_of(unsigned i)
{
    return g_strdup_printf("user%u@partner.test", i);
}

static void fill(struct store *store, unsigned count)
{
    struct error error = {0};
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *name = name_of(i), *text = g_strdup_printf("certificate-of-%u", i);
        cr_assert(store_home_add(store, text, name, -1, 1, &error), "%s", error.text);
    }
}

/* Runs SQL as another program would. */
static void other_program(const char *file, const char *sql)
{
    sqlite3 *other = NULL;
    char *words = NULL;
    cr_assert_eq(sqlite3_open(file, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, sql, NULL, NULL, &words), SQLITE_OK, "%s", words);
    sqlite3_close(other);
}

static void reap(pid_t child, int wanted)
{
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        cr_expect_eq(1000 + WTERMSIG(status), wanted);
    else
        cr_expect_eq(WEXITSTATUS(status), wanted, "%d", WEXITSTATUS(status));
}

/* --- kill -9 --- */

/* Adds and removes until it is killed, and says after each step that it is done. Certificate n is removed when n + 5
 * is added. */
static void work(const char *uri, unsigned first, int report)
{
    struct error error = {0};
    struct store *store = store_open(uri);
    for (unsigned i = first;; i++) {
        g_autofree char *name = name_of(i), *text = g_strdup_printf("%u", i);
        owned(store_certificates) struct store_certificates page = {0};
        if (!store_home_add(store, text, name, -1, 1, &error) || !store_certificates_page(store, 0, 10, &page, &error))
            _exit(1);
        if (page.count > 5 && !store_certificates_remove(store, &page.list[0].id, 1, &error))
            _exit(2);
        if (write(report, &i, sizeof(i)) != sizeof(i))
            _exit(3);
    }
}

Test(store_faults, kill_at_any_point_loses_nothing, .timeout = 60)
{
    owned(store_home) struct store_home *home = store_home_new();
    unsigned next = 0, done = 0;
    for (unsigned round = 0; round < 60; round++) {
        int pipes[2];
        struct error error = {0};
        cr_assert_eq(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            close(pipes[0]);
            work(home->uri, next, pipes[1]);
        }
        close(pipes[1]);
        unsigned last = 0, said;
        bool any = false;
        for (unsigned steps = round % 6; steps > 0 && read(pipes[0], &said, sizeof(said)) == sizeof(said);
             steps--, any = true)
            last = said;
        g_usleep((gulong)g_random_int_range(0, round % 6 == 0 ? 20000 : 4000));
        kill(child, SIGKILL);
        reap(child, 1000 + SIGKILL);
        for (; read(pipes[0], &said, sizeof(said)) == sizeof(said); any = true)
            last = said;
        close(pipes[0]);
        if (folder_mode(home->folder, "store.db") == 0) {
            cr_assert_not(any, "what was done is there");
            continue;
        }
        cr_assert(store_check(home->store, &error), "round %u: %s", round, error.text);
        if (any)
            done = last + 1;
        for (unsigned i = done >= 5 ? done - 5 : 0; i < done; i++) {
            g_autofree char *name = name_of(i), *found = store_home_find(home->store, name);
            g_autofree char *text = g_strdup_printf("%u", i);
            /* The next step may have been done, and not said. */
            cr_assert(strcmp(found, text) == 0 || (i + 5 == done && strcmp(found, "none") == 0), "round %u, %u: %s",
                      round, i, found);
        }
        long count = store_home_count(home->store, &error);
        cr_assert(count <= 7, "%ld", count);
        next = done;
    }
    cr_expect_gt(done, 20, "the rounds did something");
}

/* --- the disk --- */

Test(store_faults, a_full_disk_loses_nothing_and_is_said_so)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    fill(home->store, MANY);
    store_close(home->store);
    home->store = NULL;
    pid_t child = fork();
    if (child == 0) {
        struct stat status;
        struct error full = {0};
        signal(SIGXFSZ, SIG_IGN);
        struct store *store = store_open(home->uri);
        const rlim_t size = stat(home->file, &status) == 0 ? (rlim_t)status.st_size + 20000 : 0;
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){size, size});
        for (unsigned i = MANY; i < 10000; i++) {
            g_autofree char *name = name_of(i), *text = g_strdup_printf("more-%u", i);
            if (store_home_add(store, text, name, -1, 1, &full))
                continue;
            g_autofree char *found = store_home_find(store, "user1@partner.test");
            _exit(full.kind != ERROR_TEMPORARY ? 2 : strcmp(found, "certificate-of-1") != 0 ? 3 : 0);
        }
        _exit(4);
    }
    reap(child, 0);
    home->store = store_open(home->uri);
    cr_expect(store_check(home->store, &error), "%s", error.text);
    cr_expect_geq(store_home_count(home->store, &error), MANY);
    cr_expect(store_home_add(home->store, "now", "now@partner.test", -1, 1, &error), "%s", error.text);
}

/* A store on which nothing may be written. */
Test(store_faults, a_store_that_may_not_be_written)
{
    owned(store_home) struct store_home *home = store_home_new();
    fill(home->store, 2);
    store_close(home->store);
    home->store = NULL;
    cr_assert_eq(g_chmod(home->file, 0444), 0);
    cr_assert_eq(g_chmod(home->folder, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(5);
        struct store *store = store_open(home->uri);
        g_autofree char *found = store_home_find(store, "user1@partner.test");
        if (strcmp(found, "certificate-of-1") != 0 && !text_begins_with(found, "failed: "))
            _exit(1);
        _exit(!store_home_add(store, "x", "x@partner.test", -1, 1, &error) && error.kind == ERROR_CONFIGURATION ? 0
                                                                                                                : 2);
    }
    reap(child, 0);
    g_chmod(home->folder, 0755);
    home->store = store_open(home->uri);
}

/* --- other programs --- */

static void hold_exclusively(const char *file, int report)
{
    sqlite3 *other = NULL;
    const char *sql = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE names SET roles = roles; COMMIT;";
    bool held = sqlite3_open(file, &other) == SQLITE_OK && sqlite3_exec(other, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (write(report, &held, sizeof(held)) == sizeof(held))
        pause();
    _exit(1);
}

Test(store_faults, a_locked_file_is_failed_until_it_is_free)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    int pipes[2];
    bool held = false;
    fill(home->store, 2);
    store_close(home->store);
    home->store = store_open(home->uri);
    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        hold_exclusively(home->file, pipes[1]);
    cr_assert(read(pipes[0], &held, sizeof(held)) == sizeof(held) && held);
    owned(store_certificates) struct store_certificates list = {0};
    const struct store_name name = {"user1@partner.test", 0};
    const struct store_question question = {
        .names = &name, .count = 1, .at = STORE_NOW, .deadline = g_get_monotonic_time() + G_USEC_PER_SEC / 10};
    cr_expect_eq(store_certificates_find(home->store, &question, &list, &error), FOUND_FAILED);
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    cr_expect_str_eq(error.said, "the store is locked by another program");
    kill(child, SIGKILL);
    reap(child, 1000 + SIGKILL);
    g_autofree char *found = store_home_find(home->store, "user1@partner.test");
    cr_expect_str_eq(found, "certificate-of-1");
    close(pipes[0]);
    close(pipes[1]);
}

Test(store_faults, two_processes_write_at_once)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    pid_t children[2];
    for (unsigned which = 0; which < 2; which++) {
        children[which] = fork();
        if (children[which] != 0)
            continue;
        struct store *store = store_open(home->uri);
        for (unsigned i = 0; i < 60; i++) {
            g_autofree char *name = name_of(i), *text = g_strdup_printf("%u-%u", which, i);
            if (!store_home_add(store, text, name, -1, 1, &error))
                _exit(1);
        }
        _exit(0);
    }
    reap(children[0], 0);
    reap(children[1], 0);
    cr_expect_eq(store_home_count(home->store, &error), 120);
    cr_expect(store_check(home->store, &error), "%s", error.text);
}

static void *look_up(void *context)
{
    for (unsigned i = 0; i < MANY; i++) {
        g_autofree char *name = name_of(i % 20), *wanted = g_strdup_printf("certificate-of-%u", i % 20);
        g_autofree char *found = store_home_find(context, name);
        if (strcmp(found, wanted) != 0)
            return steal(&found);
    }
    return NULL;
}

Test(store_faults, threads_look_up_while_one_writes)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    GThread *threads[8];
    fill(home->store, 20);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("look up", look_up, home->store);
    for (unsigned i = 0; i < 50; i++) {
        g_autofree char *text = g_strdup_printf("other%u", i);
        cr_expect(store_home_add(home->store, text, "other@partner.test", -1, 1, &error), "%s", error.text);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_autofree char *wrong = g_thread_join(threads[i]);
        cr_expect_null(wrong, "%s", wrong);
    }
}

/* --- other files --- */

Test(store_faults, what_is_not_our_store_is_refused_and_stays)
{
    static const struct {
        const char *sql, *text, *said; /* sql: done to a store; text: the whole file */
    } rows[] = {
        {"PRAGMA user_version = 999", NULL, "the store was made by a newer version of domsec (its schema is 999"},
        {"PRAGMA application_id = 7", NULL, "the store is damaged, or is not a store of domsec"},
        {"DROP TABLE names", NULL, "the store is damaged, or was changed by another program"},
        {NULL, "", "the store is damaged: its file is empty"},
        {NULL, "This is a text, and not a database, although its name says so.",
         "the store is damaged, or is not a data"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(store_home) struct store_home *home = store_home_new();
        struct error error = {0};
        gsize length = 0, after_length = 0;
        g_autofree char *before = NULL, *after = NULL;
        fill(home->store, 2);
        store_close(home->store);
        home->store = store_open(home->uri);
        if (rows[i].sql != NULL)
            other_program(home->file, rows[i].sql);
        else
            folder_write(home->folder, "store.db", rows[i].text);
        cr_assert(g_file_get_contents(home->file, &before, &length, NULL));
        g_autofree char *found = store_home_find(home->store, "user1@partner.test");
        cr_expect(text_begins_with(found, "failed: "), "row %zu: %s", i, found);
        cr_expect_not(store_home_add(home->store, "x", "x@partner.test", -1, 1, &error), "row %zu", i);
        cr_expect_eq(error.kind, ERROR_CONFIGURATION, "row %zu", i);
        cr_expect(text_begins_with(error.said, rows[i].said), "row %zu: %s", i, error.text);
        cr_assert(g_file_get_contents(home->file, &after, &after_length, NULL));
        cr_expect(length == after_length && memcmp(before, after, length) == 0, "row %zu", i);
    }
}

/* A daemon that runs while another version writes. */
Test(store_faults, a_newer_schema_is_seen_by_who_has_the_store_open)
{
    owned(store_home) struct store_home *home = store_home_new();
    fill(home->store, 2);
    g_autofree char *before = store_home_find(home->store, "user1@partner.test");
    cr_expect_str_eq(before, "certificate-of-1");
    other_program(home->file, "PRAGMA user_version = 999");
    g_autofree char *after = store_home_find(home->store, "user1@partner.test");
    cr_expect(text_begins_with(after, "failed: the store was made by a newer version"), "%s", after);
}

struct damage {
    const char *file;
    char *whole;
    gsize length;
    GRand *random;
};

/* Some bytes, a part of a page, a whole one, or the end. */
static void damage_file(const struct damage *damage, unsigned trial)
{
    g_autofree char *bytes = g_memdup2(damage->whole, damage->length);
    gsize length = damage->length, at = (gsize)g_rand_int_range(damage->random, 0, (gint32)length);
    gsize extent[] = {1, 16, 500, 4096, 9000}, amount = extent[trial % G_N_ELEMENTS(extent)];
    if (trial % 10 == 0)
        at = (gsize)g_rand_int_range(damage->random, 0, 100); /* the header */
    if (trial % 17 == 0)
        length = at;
    for (gsize i = at; i < MIN(at + amount, length); i++)
        bytes[i] = trial % 2 == 0 ? (char)g_rand_int(damage->random) : 0;
    cr_assert(g_file_set_contents(damage->file, bytes, (gssize)length, NULL));
}

/* Each answer is the right one, or a failure. */
Test(store_faults, a_damaged_file_never_answers_none, .timeout = 60)
{
    owned(store_home) struct store_home *home = store_home_new();
    unsigned failures = 0;
    fill(home->store, MANY);
    store_close(home->store);
    home->store = NULL;
    struct damage damage = {.file = home->file, .random = g_rand_new_with_seed(3183)};
    cr_assert(g_file_get_contents(home->file, &damage.whole, &damage.length, NULL));
    for (unsigned trial = 0; trial < 300; trial++) {
        damage_file(&damage, trial);
        owned(store) struct store *store = store_open(home->uri);
        for (unsigned i = trial % 7; i < MANY; i += 7) {
            g_autofree char *name = name_of(i), *wanted = g_strdup_printf("certificate-of-%u", i);
            g_autofree char *found = store_home_find(store, name);
            failures += text_begins_with(found, "failed: ");
            cr_assert(text_begins_with(found, "failed: ") || strcmp(found, wanted) == 0, "trial %u, %s: %s", trial,
                      name, found);
        }
    }
    cr_expect_gt(failures, 100, "the damage is seen");
    g_rand_free(damage.random);
    g_free(damage.whole);
    home->store = store_open(home->uri);
}

/* --- time --- */

/* Row after row is read by someone who pauses, while another one writes much: the log stays short. */
Test(store_faults, the_log_is_bounded_while_a_list_pauses)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    struct stat status;
    g_autofree char *log = g_strconcat(home->file, "-wal", NULL);
    g_autofree char *big = g_strnfill(200000, 'x');
    owned(store_certificates) struct store_certificates page = {0};
    fill(home->store, 20);
    owned(store) struct store *reader = store_open(home->uri);
    cr_assert(store_certificates_page(reader, 0, 5, &page, &error));
    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *name = name_of(i);
        memcpy(big, name, strlen(name));
        cr_assert(store_home_add(home->store, big, name, -1, 1, &error), "%s", error.text);
    }
    cr_assert_eq(stat(log, &status), 0);
    cr_expect_lt(status.st_size, 12 * 1024 * 1024, "%ld of 40 MB were written", (long)status.st_size);
    cr_assert(store_certificates_page(reader, page.list[4].id, 500, &page, &error));
    cr_expect_eq(page.count, 5 + 15 + 200);
}

/* A clock that is wrong rules certificates out, and does not hide them. */
Test(store_faults, a_clock_that_is_wrong_hides_nothing)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    fill(home->store, 2);
    const struct store_name name = {"user1@partner.test", 0};
    static const int years[] = {0, 1, -1, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(years); i++) {
        const struct store_question question = {
            .names = &name, .count = 1, .at = STORE_NOW + (int64_t)years[i] * 365 * STORE_DAY, .deadline = INT64_MAX};
        owned(store_certificates) struct store_certificates found = {0};
        cr_expect_eq(store_certificates_find(home->store, &question, &found, &error), FOUND, "%s", error.text);
        cr_expect_eq(found.count, 1);
    }
}
