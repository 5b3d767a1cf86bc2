/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner: runs Criterion's tests without Criterion, which cannot start under ThreadSanitizer: both map memory at the
 * same fixed addresses. Loaded before the library (LD_PRELOAD), it replaces main() and the functions behind the
 * assertions. Each test has a process of its own, one after another. There are no filters and no parameterised tests,
 * because our tests use none.
 *
 * With TEST_SERVER in the environment (tests/mutate/run), it names its tests, one on a line, and a line "." follows.
 * Then it runs what it is asked, with the seconds that a process may compute and that the test may take: MUTANT
 * CPU-SECONDS SECONDS COUNTS SUITE NAME      COUNTS: a folder for gcov's counters, or - and answers
 *     ok|fails|spins|stalls CPU-SECONDS SECONDS         spins: too much computation, stalls: too long
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 900 /* for one test, on a machine that is busy with others */
#define SKIPPED 77

/* tests/mutate/chosen.c */
void domsec_mutant_choose(int number);
#pragma weak domsec_mutant_choose

static bool failed;

void criterion_internal_test_setup(void)
{
}

void criterion_internal_test_main(void (*test)(void))
{
    test();
}

void criterion_internal_test_teardown(void)
{
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (stats->passed)
        return;
    failed = true;
    fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line, stats->message != NULL ? stats->message : "failed");
}

void criterion_continue_test(void)
{
}

void criterion_abort_test(void)
{
    exit(1);
}

void criterion_skip_test(const char *format, ...)
{
    (void)format;
    exit(SKIPPED);
}

void cr_log(enum criterion_severity severity, const char *format, ...)
{
    va_list arguments;
    (void)severity;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void cri_asserts_passed_incr(void)
{
}

char *cr_translate_assert_msg(int index, ...)
{
    va_list arguments;
    (void)index;
    va_start(arguments, index);
    char *text = strdup(va_arg(arguments, const char *));
    va_end(arguments);
    return text;
}

static int note_base(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1; /* the program itself comes first */
}

/* A section of the program: Test() and TestSuite() put pointers there. */
static void *section_of_program(const char *wanted, size_t *count)
{
    uintptr_t base = 0;
    FILE *file = fopen("/proc/self/exe", "r");
    Elf64_Ehdr header;
    if (file == NULL || fread(&header, sizeof(header), 1, file) != 1)
        return NULL;
    Elf64_Shdr *sections = calloc(header.e_shnum, sizeof(*sections));
    fseek(file, (long)header.e_shoff, SEEK_SET);
    if (fread(sections, sizeof(*sections), header.e_shnum, file) != header.e_shnum)
        return NULL;
    dl_iterate_phdr(note_base, &base);
    for (unsigned i = 0; i < header.e_shnum; i++) {
        char name[8] = "";
        fseek(file, (long)(sections[header.e_shstrndx].sh_offset + sections[i].sh_name), SEEK_SET);
        if (fread(name, sizeof(name) - 1, 1, file) != 1 || strcmp(name, wanted) != 0)
            continue;
        *count = sections[i].sh_size / sizeof(void *);
        return (void *)(base + sections[i].sh_addr);
    }
    return NULL;
}

static void call(void (*fixture)(void))
{
    if (fixture != NULL)
        fixture();
}

static const struct criterion_test_extra_data *suite_of(const struct criterion_test *test)
{
    static const struct criterion_test_extra_data none;
    size_t count = 0;
    struct criterion_suite **suites = section_of_program("cr_sts", &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(suites[i]->name, test->category) == 0 && suites[i]->data != NULL)
            return suites[i]->data;
    return &none;
}

/* In the test's own process. */
static void run_and_exit(const struct criterion_test *test)
{
    const struct criterion_test_extra_data *suite = suite_of(test);
    call(suite->init);
    call(test->data->init);
    test->test();
    call(test->data->fini);
    call(suite->fini);
    exit(failed ? 1 : 0);
}

static bool is_good(const struct criterion_test *test, int status)
{
    if (test->data->signal != 0)
        return WIFSIGNALED(status) && WTERMSIG(status) == test->data->signal;
    return WIFEXITED(status) && (WEXITSTATUS(status) == SKIPPED || WEXITSTATUS(status) == test->data->exit_code);
}

static void *do_nothing(void *data)
{
    return data;
}

/* With the first thread, ThreadSanitizer starts one of its own, which a test that counts threads is to count before. */
static void start_helper_of_sanitizer(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
}

static int run(const struct criterion_test *test)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        start_helper_of_sanitizer();
        run_and_exit(test);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return is_good(test, status) ? 0 : 1;
}

struct request {
    int mutant;
    unsigned cpu, seconds;
    char counts[256], suite[64], name[128];
};

static void redirect(const char *path, int flags, int as)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);
    dup2(fd, as);
    close(fd);
}

static void serve_child(const struct criterion_test *test, const struct request *request)
{
    const char *log = getenv("TEST_SERVER");
    char number[16];
    setpgid(0, 0);
    redirect("/dev/null", O_RDONLY, STDIN_FILENO);
    redirect(log, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    dup2(STDOUT_FILENO, STDERR_FILENO);
    struct rlimit limit = {request->cpu, request->cpu + 1};
    setrlimit(RLIMIT_CPU, &limit);
    alarm(request->seconds);
    snprintf(number, sizeof(number), "%d", request->mutant);
    setenv("DOMSEC_MUTANT", number, 1);
    if (strcmp(request->counts, "-") != 0)
        setenv("GCOV_PREFIX", request->counts, 1);
    unsetenv("LD_PRELOAD"); /* for programs that the test starts */
    if (domsec_mutant_choose != NULL)
        domsec_mutant_choose(request->mutant);
    run_and_exit(test);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static const char *answer_of(const struct criterion_test *test, int status)
{
    if (is_good(test, status))
        return "ok";
    if (!WIFSIGNALED(status))
        return "fails";
    return WTERMSIG(status) == SIGALRM ? "stalls" : WTERMSIG(status) == SIGXCPU ? "spins" : "fails";
}

static void answer(FILE *answers, const struct criterion_test *test, const struct request *request)
{
    fflush(NULL);
    double begin = now();
    pid_t child = fork();
    if (child == 0) {
        fclose(answers);
        serve_child(test, request);
    }
    int status = 0;
    struct rusage usage;
    wait4(child, &status, 0, &usage);
    kill(-child, SIGKILL); /* what the test left running */
    fprintf(answers, "%s %.3f %.3f\n", answer_of(test, status),
            seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime), now() - begin);
    fflush(answers);
}

static int serve(struct criterion_test **tests, size_t count)
{
    char line[512];
    struct request request;
    FILE *answers = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
    for (size_t i = 0; i < count; i++)
        fprintf(answers, "%s %s\n", tests[i]->category, tests[i]->name);
    fprintf(answers, ".\n");
    fflush(answers);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "%d %u %u %255s %63s %127s", &request.mutant, &request.cpu, &request.seconds, request.counts,
                   request.suite, request.name) != 6)
            return 1;
        for (size_t i = 0; i < count; i++)
            if (strcmp(tests[i]->category, request.suite) == 0 && strcmp(tests[i]->name, request.name) == 0)
                answer(answers, tests[i], &request);
    }
    return 0;
}

int main(void)
{
    size_t count = 0, passed = 0;
    struct criterion_test **tests = section_of_program("cr_tst", &count);
    if (getenv("TEST_SERVER") != NULL)
        return serve(tests, count);
    for (size_t i = 0; i < count; i++) {
        if (run(tests[i]) == 0)
            passed++;
        else
            fprintf(stderr, "[FAIL] %s::%s\n", tests[i]->category, tests[i]->name);
    }
    printf("Synthesis: Tested: %zu | Passing: %zu | Failing: %zu\n", count, passed, count - passed);
    return passed == count ? 0 : 1;
}
