/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: opens everything that the daemon opens, by the same calls, and prints every fault at once. The unit file runs
 * it before the daemon starts. The faults are the result, so they go to standard output.
 */
#include "cli.h"

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t list_length(char *const *list)
{
    size_t length = 0;
    while (list[length] != NULL)
        length++;
    return length;
}

static void print_count(size_t count, const char *one, const char *many, const char *after)
{
    printf("%zu %s%s", count, count == 1 ? one : many, after);
}

static void print_summary(const struct conf *conf, size_t warnings)
{
    printf("%sconfiguration is good%s: ", output_style(stdout, STYLE_GOOD), output_style(stdout, STYLE_PLAIN));
    print_count(conf->identity_count, "identity", "identities", ", ");
    size_t policies = 0;
    for (size_t i = 0; i < conf->partner_count; i++)
        policies += strcmp(conf->partners[i]->name, "built-in") != 0;
    print_count(policies, "policy", "policies", ", ");
    print_count(list_length(conf->trust_anchors), "trust anchor file", "trust anchor files", warnings > 0 ? ", " : "");
    if (warnings > 0)
        print_count(warnings, "warning", "warnings", "");
    printf("\n");
}

static bool account_is_missing(const char *name)
{
    errno = 0;
    return getpwnam(name) == NULL && errno == 0;
}

static bool become(const struct passwd *account)
{
    return initgroups(account->pw_name, account->pw_gid) == 0 && setgid(account->pw_gid) == 0 &&
           setuid(account->pw_uid) == 0;
}

/* As the daemon does it. conf: NULL if there are faults in it. */
static struct gateway *open_all(const char *file, struct conf **conf, struct faults *faults)
{
    *conf = conf_load(file, faults);
    if (*conf == NULL)
        return NULL;
    gateway_check_exposure(*conf, faults);
    return gateway_open(*conf, faults);
}

/* Runs in a child that has become the account. Prints each fault that the account would meet, one a line. */
static void tell_faults(const char *file, FILE *stream)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = NULL;
    owned(gateway) struct gateway *gateway = open_all(file, &conf, faults);
    for (size_t i = 0; i < faults_count(faults); i++)
        if (!faults_is_warning(faults, i))
            fprintf(stream, "%s\n", faults_at(faults, i));
}

/* Root can read files that the daemon's account cannot. Returns NULL if the check cannot be made. */
static FILE *read_as(const struct passwd *account, const char *file, pid_t *child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    *child = fork();
    if (*child == 0) {
        FILE *stream = fdopen(ends[1], "w");
        if (stream != NULL && become(account))
            tell_faults(file, stream);
        _exit(stream == NULL || fclose(stream) != 0);
    }
    close(ends[1]);
    FILE *stream = *child > 0 ? fdopen(ends[0], "r") : NULL;
    if (stream == NULL)
        close(ends[0]);
    return stream;
}

static void check_account(const struct conf *conf, struct faults *faults)
{
    const struct passwd *account =
        geteuid() == 0 ? getpwnam(conf->user != NULL ? conf->user : CONF_USER_DEFAULT) : NULL;
    char *line = NULL;
    size_t size = 0;
    pid_t child = 0;
    FILE *stream = account != NULL && account->pw_uid != 0 ? read_as(account, conf->file, &child) : NULL;
    while (stream != NULL && getline(&line, &size, stream) > 0)
        faults_warn(faults, conf->file, conf->user_line, "for the daemon's user %s: %s", account->pw_name,
                    g_strchomp(line));
    free(line);
    if (stream != NULL)
        fclose(stream);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* This is only a warning, because a directory below /run may not exist before the daemon starts. */
static void check_writable_place(const struct conf *conf, const char *key, const char *file, unsigned line,
                                 struct faults *faults)
{
    g_autofree char *folder = file != NULL ? g_path_get_dirname(file) : NULL;
    if (file == NULL)
        return;
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
        faults_warn(faults, conf->file, line, "\"%s\": no such directory: %s", key, folder);
    else if (g_file_test(file, G_FILE_TEST_IS_DIR))
        faults_warn(faults, conf->file, line, "\"%s\": %s is a directory", key, file);
}

/* Faults that the daemon would meet only after it has read everything. */
static void check_process(const struct conf *conf, struct faults *faults)
{
    if (conf->user != NULL && account_is_missing(conf->user))
        faults_add(faults, conf->file, conf->user_line, "\"user\": no such account: \"%s\"", conf->user);
    check_writable_place(conf, "pid_file", conf->pid_file, conf->pid_file_line, faults);
    check_writable_place(conf, "metrics_file", conf->metrics_file, conf->metrics_file_line, faults);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(file)};
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;

    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = NULL;
    owned(gateway) struct gateway *gateway = open_all(file, &conf, faults);
    if (conf != NULL)
        check_process(conf, faults);
    if (gateway != NULL)
        check_account(conf, faults);
    cli_print_faults(stdout, faults);
    if (conf == NULL || gateway == NULL || faults_errors(faults) > 0) {
        size_t errors = faults_errors(faults);
        printf("%sconfiguration is bad%s: ", output_style(stdout, STYLE_BAD), output_style(stdout, STYLE_PLAIN));
        print_count(errors, "fault", "faults", "\n");
        return 1;
    }
    print_summary(conf, faults_count(faults) - faults_errors(faults));
    return EX_OK;
}

const struct command command_check = {
    .name = "check",
    .arguments = "[-c FILE]",
    .summary = "read everything that the daemon reads, and show each fault with file:line",
    .details = "The exit status is 0 if the configuration is good, even with warnings, and 1 if it is not.\n",
    .run = run,
};
