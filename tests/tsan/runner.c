/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner: runs Criterion's tests without Criterion, which cannot start under ThreadSanitizer: both map memory at the
 * same fixed addresses. Loaded before the library (LD_PRELOAD), it replaces main() and the functions behind the
 * assertions. Each test has a process of its own, one after another. There are no filters and no parameterised tests,
 * because the tests with threads use none.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 300 /* for one test */
#define SKIPPED 77

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

static int run(const struct criterion_test *test)
{
    const struct criterion_test_extra_data *suite = suite_of(test);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        call(suite->init);
        call(test->data->init);
        test->test();
        call(test->data->fini);
        call(suite->fini);
        exit(failed ? 1 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (test->data->signal != 0)
        return WIFSIGNALED(status) && WTERMSIG(status) == test->data->signal ? 0 : 1;
    return WIFEXITED(status) && (WEXITSTATUS(status) == SKIPPED || WEXITSTATUS(status) == test->data->exit_code) ? 0
                                                                                                                 : 1;
}

int main(void)
{
    size_t count = 0, passed = 0;
    struct criterion_test **tests = section_of_program("cr_tst", &count);
    for (size_t i = 0; i < count; i++) {
        if (run(tests[i]) == 0)
            passed++;
        else
            fprintf(stderr, "[FAIL] %s::%s\n", tests[i]->category, tests[i]->name);
    }
    printf("Synthesis: Tested: %zu | Passing: %zu | Failing: %zu\n", count, passed, count - passed);
    return passed == count ? 0 : 1;
}
