/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The completion for bash and the manual page know each command and each option that `--help` prints, and no other.
 * --help is printed from the tables that options are read with.
 */
#include "support/program.h"

struct known_option {
    char *name, *letter; /* "--config", "-c"; letter NULL: none */
    char *argument;      /* "FILE"; NULL: a flag */
};

static void option_clear(void *data)
{
    struct known_option *option = data;
    g_free(option->name);
    g_free(option->letter);
    g_free(option->argument);
}

static char *project_file(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    return g_build_filename(tests != NULL ? tests : "tests", "..", name, NULL);
}

/* The commands with their words, as "check" or "cert import". */
static GPtrArray *all_commands(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    owned(run) struct run top = run("domsec help");
    char *text = strstr(top.out, "\ncommands\n") + strlen("\ncommands\n");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; g_str_has_prefix(*line, "  "); line++) {
        g_autofree char *word = g_strndup(*line + 2, strcspn(*line + 2, " "));
        owned(run) struct run help = run("domsec %s --help", word);
        const char *at = help.out;
        bool is_group = strstr(help.out, "\ncommands\n") != NULL;
        while (is_group && (at = strstr(at, "\n  domsec ")) != NULL) {
            at += strlen("\n  domsec ");
            g_auto(GStrv) words = g_strsplit(at, " ", 3);
            g_ptr_array_add(list, g_strdup_printf("%s %s", words[0], words[1]));
        }
        if (!is_group)
            g_ptr_array_add(list, g_strdup(word));
    }
    cr_assert_geq(list->len, 17);
    return list;
}

static GArray *options_of(const char *command)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct known_option));
    g_array_set_clear_func(list, option_clear);
    owned(run) struct run help = run("domsec %s --help", command);
    const char *text = strstr(help.out, "\noptions\n");
    g_auto(GStrv) lines = g_strsplit(text != NULL ? text + strlen("\noptions\n") : "", "\n", -1);
    for (char **line = lines; *line != NULL && g_str_has_prefix(*line, "  "); line++) {
        const char *name = strstr(*line, "--");
        g_autofree char *letter = (*line)[2] == '-' ? g_strndup(*line + 2, 2) : NULL;
        size_t length = strcspn(name, " ");
        bool takes = name[length] == ' ' && name[length + 1] != ' ';
        struct known_option option = {.name = g_strndup(name, length), .letter = g_steal_pointer(&letter)};
        if (takes)
            option.argument = g_strndup(name + length + 1, strcspn(name + length + 1, " "));
        g_array_append_val(list, option);
    }
    return list;
}

/* --- what bash offers --- */

static char *dir;

static void make(void)
{
    dir = folder_new();
    folder_write(dir, "file.pem", "");
    g_autofree char *folder = g_build_filename(dir, "folder", NULL);
    cr_assert_eq(g_mkdir(folder, 0700), 0);
}

static void drop(void)
{
    folder_remove(dir);
}

TestSuite(completion, .init = make, .fini = drop);

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of the words after "domsec "; the last of them is being typed. Sorted, with spaces between them. */
static char *completed(const char *words)
{
    g_autofree char *script = project_file("packaging/bash-completion/domsec");
    g_autofree char *real = g_canonicalize_filename(script, NULL);
    g_autofree char *program =
        g_strdup_printf("cd '%s' && . '%s' && COMP_WORDS=(domsec %s) && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && "
                        "_domsec; printf '%%s\\n' \"${COMPREPLY[@]}\"",
                        dir, real, words);
    char *call[] = {(char *)"/bin/bash", (char *)"--norc", (char *)"-c", program, NULL};
    owned(run) struct run got = run_words(call, "", 0, -1);
    cr_expect_eq(got.status, 0, "%s: %s", words, got.err);
    cr_expect_str_empty(got.err, "%s: %s", words, got.err);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(got.out), "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof(char *), by_text);
    return g_strjoinv(" ", lines);
}

static void expect_completed(const char *words, const char *wanted)
{
    g_autofree char *got = completed(words);
    cr_expect_str_eq(got, wanted, "domsec %s: \"%s\", wanted \"%s\"", words, got, wanted);
}

static char *sorted_names(const GArray *options)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, (char *)"--help");
    for (guint i = 0; i < options->len; i++)
        g_ptr_array_add(names, g_array_index(options, struct known_option, i).name);
    g_ptr_array_sort(names, by_text);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

/* What the value of an option may be, by the name of its argument. NULL: anything but nothing. */
static const char *values_of(const char *argument)
{
    if (strcmp(argument, "FILE") == 0 || strcmp(argument, "KEY") == 0)
        return "file.pem folder";
    if (strcmp(argument, "DIR") == 0)
        return "folder";
    if (strcmp(argument, "ROLE") == 0 || strcmp(argument, "WORD") == 0 || strcmp(argument, "USER") == 0)
        return NULL;
    return "";
}

static void expect_values(const char *command, const char *option, const char *argument)
{
    g_autofree char *words = g_strdup_printf("%s %s ''", command, option);
    const char *wanted = values_of(argument);
    if (wanted != NULL)
        expect_completed(words, wanted);
    g_autofree char *got = completed(words);
    cr_expect(wanted != NULL || *got != '\0', "domsec %s: nothing", words);
    cr_expect_null(strstr(got, "--"), "domsec %s: %s", words, got);
}

Test(completion, knows_each_option_of_each_command, .timeout = 300)
{
    g_autoptr(GPtrArray) commands = all_commands();
    for (guint i = 0; i < commands->len; i++) {
        const char *command = g_ptr_array_index(commands, i);
        g_autoptr(GArray) options = options_of(command);
        g_autofree char *words = g_strdup_printf("%s -", command), *wanted = sorted_names(options);
        expect_completed(words, wanted);
        for (guint j = 0; j < options->len; j++) {
            const struct known_option *option = &g_array_index(options, struct known_option, j);
            if (option->argument == NULL)
                continue;
            expect_values(command, option->name, option->argument);
            if (option->letter != NULL)
                expect_values(command, option->letter, option->argument);
        }
    }
}

Test(completion, knows_each_command)
{
    g_autoptr(GPtrArray) commands = all_commands();
    g_autoptr(GPtrArray) top = g_ptr_array_new_with_free_func(g_free);
    static const char *const more[] = {"--help", "--version", "help"};
    for (size_t i = 0; i < G_N_ELEMENTS(more); i++)
        g_ptr_array_add(top, g_strdup(more[i]));
    for (guint i = 0; i < commands->len; i++) {
        g_auto(GStrv) words = g_strsplit(g_ptr_array_index(commands, i), " ", -1);
        if (!g_ptr_array_find_with_equal_func(top, words[0], g_str_equal, NULL))
            g_ptr_array_add(top, g_strdup(words[0]));
        if (words[1] == NULL)
            continue;
        g_autofree char *typed = g_strdup_printf("%s %s", words[0], words[1]);
        expect_completed(typed, words[1]);
    }
    g_ptr_array_sort(top, by_text);
    g_ptr_array_add(top, NULL);
    g_autofree char *wanted = g_strjoinv(" ", (char **)top->pdata);
    expect_completed("''", wanted);
    expect_completed("che", "check");
    expect_completed("cert ''", "--help approve dns export find import lint list prune reject remove show");
    expect_completed("key ''", "--help csr import list new rollover");
}

Test(completion, knows_operands)
{
    expect_completed("cert import ''", "file.pem folder");
    expect_completed("cert import -c x fi", "file.pem");
    expect_completed("key import ''", "file.pem folder");
    expect_completed("unseal ''", "file.pem folder");
    expect_completed("init --domain a.test ''", "folder");
    expect_completed("check --postfix ''", "folder");
    expect_completed("cert show ''", "file.pem folder");
    expect_completed("cert export ''", "");
    expect_completed("status ''", "");
    expect_completed("filter -r ''", "file.pem folder");
    expect_completed("filter -o ''", "folder");
    expect_completed("filter -d in", "inbound");
    expect_completed("key new -r rev", "review-authority");
}

Test(completion, the_manual_page_has_each_option)
{
    g_autofree char *path = project_file("man/domsec.1"), *page = NULL;
    cr_assert(g_file_get_contents(path, &page, NULL, NULL));
    g_autoptr(GPtrArray) commands = all_commands();
    for (guint i = 0; i < commands->len; i++) {
        const char *command = g_ptr_array_index(commands, i);
        g_autoptr(GArray) options = options_of(command);
        const char *last = strchr(command, ' ') != NULL ? strchr(command, ' ') + 1 : command;
        cr_expect_not_null(strstr(page, last), "%s", command);
        for (guint j = 0; j < options->len; j++) {
            g_auto(GStrv) pieces = g_strsplit(g_array_index(options, struct known_option, j).name, "-", -1);
            g_autofree char *escaped = g_strjoinv("\\-", pieces);
            cr_expect_not_null(strstr(page, escaped), "%s %s", command, escaped);
        }
    }
}
