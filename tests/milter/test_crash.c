/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that crash the daemon. tests/preload/crash.c makes it crash where it meets CRASH- and a signal's name. */
#include "support/daemon.h"
#include "support/program.h"

#include <pthread.h>
#include <sys/resource.h>

#define FROM "From: Alice <alice@acme.test>\r\n"
#define FIELDS FROM "To: bob@partner.test\r\nSubject: hello\r\n"
#define BODY(text) FIELDS "\r\n" text "\r\n"
#define HARMLESS BODY("Hello Bob.")
#define ODD "<bob@CRASH-SEGV-\303\274.test>"
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* A daemon that meets its crash. */
static void start(struct daemon *daemon, const char *extra)
{
    const struct rlimit none = {0, 0};
    g_autofree char *ours = program_path("preload/crash.so");
    const char *others = g_getenv("LD_PRELOAD"); /* for ThreadSanitizer */
    g_autofree char *preload = g_strconcat(ours, others != NULL ? ":" : "", others, NULL);
    setrlimit(RLIMIT_CORE, &none);
    g_setenv("LD_PRELOAD", preload, TRUE);
    g_setenv("ASAN_OPTIONS", "verify_asan_link_order=0", TRUE);
    g_autofree char *all = g_strconcat("state_directory = \"..\";\n", extra, NULL);
    daemon_start(daemon, true, all);
}

struct mail {
    const char *from, *to, *message;
};

/* Returns the first character of the outcome: 'a' accepted, 'q' quarantined, '4' or '5' refused, '-' connection lost.
 */
static char exchange(const struct daemon *daemon, struct mail mail)
{
    struct mc client;
    struct mc_outcome outcome = {0};
    char result = '-';
    const char *from = mail.from != NULL ? mail.from : ALICE, *to = mail.to != NULL ? mail.to : BOB;
    if (daemon_client(&client, daemon) &&
        daemon_exchange(&client, from, to, mail.message, strlen(mail.message), 0, &outcome)) {
        result = outcome.reply != NULL ? outcome.reply[0] : 'a';
        if (outcome.quarantine != NULL)
            result = 'q';
    }
    mc_outcome_clear(&outcome);
    mc_close(&client);
    return result;
}

/* Waits for an answer, because the socket is open before the file is ready. */
static void restart(struct daemon *daemon)
{
    daemon->pid = daemon_spawn(daemon->conf, daemon->log);
    cr_assert(daemon_wait_listening(daemon));
    cr_assert_eq(exchange(daemon, (struct mail){.message = HARMLESS}), 'a');
}

/* The daemon is running again afterwards. */
static void expect_crash(struct daemon *daemon, struct mail mail, int number)
{
    char result = exchange(daemon, mail);
    cr_assert_eq(result, '-', "%c: %s", result, mail.message);
    cr_expect_eq(daemon_wait(daemon), 128 + number, "%s", mail.message);
    restart(daemon);
}

static char *crashes(const struct daemon *daemon)
{
    return folder_read(daemon->folder, "crashes");
}

static unsigned record_count(const struct daemon *daemon)
{
    g_autofree char *text = crashes(daemon);
    unsigned lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    return lines - 1;
}

Test(crash, the_second_crash_is_the_last)
{
    static const struct {
        struct mail mail;
        int number;
    } rows[] = {
        {{.message = BODY("CRASH-SEGV")}, SIGSEGV},
        {{.message = BODY("CRASH-ABRT")}, SIGABRT},
        {{.message = BODY("CRASH-BUS.")}, SIGBUS},
        {{.message = BODY("CRASH-ILL.")}, SIGILL},
        {{.message = BODY("CRASH-FPE.")}, SIGFPE},
        {{.message = BODY("CRASH-STACK")}, SIGSEGV},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        {{.message = BODY("CRASH-EXEC")}, SIGSYS},
#endif
        {{.message = FROM "Subject: CRASH-SEGV and more\r\n\r\n"}, SIGSEGV},
        {{.message = FIELDS "X-Odd: CRASH-SEGV and more\r\n\r\n"}, SIGSEGV},
        {{.to = ODD, .message = HARMLESS}, SIGSEGV},
        {{.from = ODD, .message = HARMLESS}, SIGSEGV},
    };
    struct daemon daemon;
    start(&daemon, "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        expect_crash(&daemon, rows[i].mail, rows[i].number);
        expect_crash(&daemon, rows[i].mail, rows[i].number);
        cr_expect_eq(exchange(&daemon, rows[i].mail), '4', "row %zu", i);
        cr_expect_eq(record_count(&daemon), 2 * (i + 1), "row %zu", i);
        cr_expect_eq(exchange(&daemon, (struct mail){.message = HARMLESS}), 'a', "row %zu", i);
    }
    cr_expect(daemon_wait_log(&daemon, "the S/MIME gateway has crashed on this message before", G_N_ELEMENTS(rows)));
    daemon_stop(&daemon);
}

Test(crash, the_configuration_says_what_becomes_of_it)
{
    static const struct {
        const char *key;
        char result;
    } rows[] = {{"crashing_messages = \"tempfail\";", '4'},
                {"crashing_messages = \"reject\";", '5'},
                {"crashing_messages = \"quarantine\";", 'q'}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct mail mail = {.message = BODY("CRASH-SEGV")};
        struct daemon daemon;
        start(&daemon, rows[i].key);
        expect_crash(&daemon, mail, SIGSEGV);
        expect_crash(&daemon, mail, SIGSEGV);
        cr_expect_eq(exchange(&daemon, mail), rows[i].result, "%s", rows[i].key);
        daemon_stop(&daemon);
    }
}

/* What a mail server or a filter adds at each attempt, and other recipients, do not make another message of it. */
Test(crash, the_same_content_is_recognised)
{
    static const struct mail
        first =
            {.message =
                 "Received: from one\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@acme.test>\r\n" BODY(
                     "CRASH-SEGV")},
        second = {.to = "<carol@partner.test>",
                  .message =
                      "Received: from one\r\nReceived: from another\r\n"
                      "Authentication-Results: else.test; none\r\n" FIELDS "Date: Mon, 01 Jan 2024 00:10:00 +0000\r\n"
                      "Message-ID: <2@acme.test>\r\n\r\nCRASH-SEGV\r\n"};
    struct daemon daemon;
    start(&daemon, "");
    expect_crash(&daemon, first, SIGSEGV);
    expect_crash(&daemon, second, SIGSEGV);
    cr_expect_eq(exchange(&daemon, first), '4');
    cr_expect_eq(exchange(&daemon, second), '4');
    daemon_stop(&daemon);
}

Test(crash, other_content_is_another_message)
{
    static const struct mail others[] = {
        {.message = BODY("CRASH-SEGV and more")},
        {.message = FIELDS "Content-Type: text/plain\r\n\r\nCRASH-SEGV\r\n"},
        {.message = FROM "To: bob@partner.test\r\nSubject: hello again\r\n\r\nCRASH-SEGV\r\n"},
        {.message = FROM "To: carol@partner.test\r\nSubject: hello\r\n\r\nCRASH-SEGV\r\n"},
        {.to = ODD, .message = HARMLESS},
        {.to = ODD, .message = HARMLESS},
        {.from = ODD, .message = HARMLESS}, /* a sender is no recipient */
    };
    struct daemon daemon;
    start(&daemon, "");
    expect_crash(&daemon, (struct mail){.message = BODY("CRASH-SEGV")}, SIGSEGV);
    expect_crash(&daemon, (struct mail){.message = BODY("CRASH-SEGV")}, SIGSEGV);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        expect_crash(&daemon, others[i], SIGSEGV);
    cr_expect_eq(record_count(&daemon), 2 + G_N_ELEMENTS(others));
    daemon_stop(&daemon);
}

/* Neither SIGKILL nor GLib's lack of memory (SIGTRAP) is a message's fault, nor is a crash without a message. */
Test(crash, other_ends_are_not_recorded)
{
    struct daemon daemon;
    start(&daemon, "");
    expect_crash(&daemon, (struct mail){.message = BODY("CRASH-KILL")}, SIGKILL);
    expect_crash(&daemon, (struct mail){.message = BODY("CRASH-TRAP")}, SIGTRAP);
    cr_expect_eq(exchange(&daemon, (struct mail){.message = HARMLESS}), 'a');
    kill(daemon.pid, SIGSEGV);
    cr_expect_eq(daemon_wait(&daemon), 128 + SIGSEGV);
    cr_expect_eq(record_count(&daemon), 0);
    daemon_free(&daemon);
}

/* What came before on the connection does not count. */
Test(crash, later_on_a_connection)
{
    static const char *const earlier[] = {HARMLESS, BODY("Hello again.")};
    struct daemon daemon;
    start(&daemon, "");
    for (size_t i = 0; i < G_N_ELEMENTS(earlier); i++) {
        struct mc client;
        struct mc_outcome outcome;
        const char *crash = BODY("CRASH-SEGV");
        cr_assert(daemon_client(&client, &daemon));
        cr_assert(daemon_exchange(&client, ALICE, BOB, earlier[i], strlen(earlier[i]), 0, &outcome));
        mc_outcome_clear(&outcome);
        cr_assert_not(daemon_exchange(&client, ALICE, BOB, crash, strlen(crash), 0, &outcome));
        mc_outcome_clear(&outcome);
        mc_close(&client);
        cr_expect_eq(daemon_wait(&daemon), 128 + SIGSEGV);
        restart(&daemon);
    }
    cr_expect_eq(exchange(&daemon, (struct mail){.message = BODY("CRASH-SEGV")}), '4');
    daemon_stop(&daemon);
}

/* A thread that worked on a message and now waits for the next one. */
Test(crash, between_two_messages)
{
    struct daemon daemon;
    struct mc client;
    struct mc_outcome outcome;
    pid_t last = 0;
    start(&daemon, "");
    cr_assert(daemon_client(&client, &daemon));
    cr_assert(daemon_exchange(&client, ALICE, BOB, HARMLESS, strlen(HARMLESS), 0, &outcome));
    mc_outcome_clear(&outcome);
    g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)daemon.pid);
    g_autoptr(GDir) threads = g_dir_open(path, 0, NULL);
    for (const char *name; (name = g_dir_read_name(threads)) != NULL;)
        last = MAX(last, (pid_t)strtol(name, NULL, 10));
    cr_assert_eq(tgkill(daemon.pid, last, SIGSEGV), 0);
    cr_expect_eq(daemon_wait(&daemon), 128 + SIGSEGV);
    cr_expect_eq(record_count(&daemon), 0);
    mc_close(&client);
    daemon_free(&daemon);
}

struct sender {
    const struct daemon *daemon;
    char message[200];
};

static void *send_one(void *argument)
{
    const struct sender *sender = argument;
    return GINT_TO_POINTER(exchange(sender->daemon, (struct mail){.message = sender->message}));
}

/* Each is refused in the end, however many of the records of one moment get lost. */
Test(crash, several_threads_crash_at_once)
{
    struct sender senders[4];
    pthread_t threads[4];
    struct daemon daemon;
    unsigned refused = 0, round = 0;
    g_setenv("CRASH_TOGETHER", "4", TRUE);
    start(&daemon, "");
    while (refused < 4 && round++ < 12) {
        refused = 0;
        for (unsigned i = 0; i < 4; i++) {
            senders[i].daemon = &daemon;
            g_snprintf(senders[i].message, sizeof(senders[i].message),
                       FROM "Subject: %u CRASH-ALL-SEGV and more\r\n\r\n", i);
            cr_assert_eq(pthread_create(&threads[i], NULL, send_one, &senders[i]), 0);
        }
        for (unsigned i = 0; i < 4; i++) {
            void *result;
            pthread_join(threads[i], &result);
            refused += GPOINTER_TO_INT(result) == '4';
        }
        if (refused < 4) {
            cr_assert_eq(daemon_wait(&daemon), 128 + SIGSEGV);
            restart(&daemon);
        }
        g_autofree char *log = daemon_log(&daemon);
        cr_expect_null(strstr(log, "damaged"), "%s", log);
    }
    cr_expect_eq(refused, 4);
    daemon_stop(&daemon);
}

/* Both crashes happened so many seconds earlier. */
static void make_older(struct daemon *daemon, gint64 seconds)
{
    kill(daemon->pid, SIGKILL);
    daemon_wait(daemon);
    g_autofree char *text = crashes(daemon);
    g_autoptr(GString) older = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_string_append_printf(older, "%s\n", lines[0]);
    for (size_t i = 1; i <= 2; i++)
        g_string_append_printf(older, "%012" G_GINT64_FORMAT "%s\n", g_ascii_strtoll(lines[i], NULL, 10) - seconds,
                               lines[i] + 12);
    folder_write(daemon->folder, "crashes", older->str);
    restart(daemon);
}

#define WEEK (7 * 86400)

Test(crash, records_expire)
{
    static const struct {
        gint64 older;
        unsigned kept;
    } rows[] = {{WEEK + 86400, 0}, {WEEK - 3, 2}}; /* when the file is read, and later */
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct daemon daemon;
        const struct mail mail = {.message = BODY("CRASH-SEGV")};
        start(&daemon, "");
        expect_crash(&daemon, mail, SIGSEGV);
        expect_crash(&daemon, mail, SIGSEGV);
        cr_expect_eq(exchange(&daemon, mail), '4');
        make_older(&daemon, rows[i].older);
        cr_expect_leq(record_count(&daemon), rows[i].kept);
        g_usleep(4 * G_USEC_PER_SEC);
        cr_expect_eq(exchange(&daemon, mail), '-');
        daemon_wait(&daemon);
        daemon_free(&daemon);
    }
}

/* The daemon starts whatever is in the file, keeps what is whole, and keeps the file small. */
Test(crash, a_damaged_file)
{
    g_autofree char *now = g_strdup_printf("%012lld", (long long)time(NULL));
    g_autofree char *record = g_strconcat(now, " 00112233445566778899aabbccddeeff\n", NULL);
    g_autoptr(GString) many = g_string_new("domsec crashes 1 " KEY "\n"), huge = g_string_new(many->str);
    for (int i = 0; i < 5000; i++)
        g_string_append(many, record);
    while (huge->len < 2000000)
        g_string_append(huge, record);
    g_autofree char *mixed = g_strconcat("domsec crashes 1 " KEY "\n", record, "torn 00\n", now, "\n\n", now,
                                         " 00112233445566778899aabbccddeefg\n999999999999 ", record + 13, now,
                                         " 00112233445566778899aabbccddeeff00\n", record, "000000", NULL);
    const struct {
        const char *text;
        unsigned kept;
        bool is_damaged;
    } rows[] = {
        {"", 0, true},
        {"domsec crashes 1 0001\n", 0, true},
        {"domsec crashes 2 " KEY "\n", 0, true},
        {"\377\376\n\n\n", 0, true},
        {huge->str, 0, true},
        {"domsec crashes 1 " KEY "\n", 0, false},
        {mixed, 2, false},
        {many->str, 1000, false},
    };
    struct daemon daemon;
    unsigned damaged = 0;
    start(&daemon, "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        kill(daemon.pid, SIGKILL);
        daemon_wait(&daemon);
        folder_write(daemon.folder, "crashes", rows[i].text);
        restart(&daemon);
        cr_expect_eq(record_count(&daemon), rows[i].kept, "row %zu: %u", i, record_count(&daemon));
        cr_expect_eq(folder_mode(daemon.folder, "crashes"), 0600);
        damaged += rows[i].is_damaged;
        cr_expect(daemon_wait_log(&daemon, "crashes is damaged", damaged), "row %zu", i);
        cr_expect_eq(exchange(&daemon, (struct mail){.message = HARMLESS}), 'a', "row %zu", i);
    }
    daemon_stop(&daemon);
}

/* What is configured and cannot be done is a fault; the default is only warned of. */
Test(crash, a_folder_that_cannot_be_used)
{
    struct daemon daemon;
    if (geteuid() != 0)
        cr_skip_test("only root can become somebody else");
    daemon_start(&daemon, true, "user = \"nobody\";\n");
    cr_expect(daemon_wait_log(&daemon, "messages that crash the daemon are not remembered; set state_directory: ", 1));
    kill(daemon.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon), 0);
    g_autofree char *conf = folder_read(daemon.folder, "acme/domsec.conf");
    g_autofree char *strict = g_strconcat(conf, "state_directory = \"..\";\n", NULL);
    folder_write(daemon.folder, "acme/domsec.conf", strict);
    daemon.pid = daemon_spawn(daemon.conf, daemon.log);
    cr_expect_eq(daemon_wait(&daemon), 78);
    cr_expect(daemon_wait_log(&daemon, "Permission denied", 1));
    g_autofree char *log = daemon_log(&daemon);
    cr_expect_not_null(strstr(log, "error: "), "%s", log);
    daemon_free(&daemon);
}
